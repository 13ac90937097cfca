/* See standard_output.h. */
#include "standard_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schedule.h"
#include "writer.h"

#define QUEUE_BYTES (64u << 20)      /* one message at a time is handed over */
#define LOOK_MS 1000
#define SAY_AFTER_MS 60000
#define CLOSE_WITHIN_MS 500

struct message_out {
	struct message_out *next;
	struct standard_output *output;
	struct delivery *delivery;       /* NULL: nobody waits for it any more */
	bool handed_over;
	char *key;                       /* which message it is, over a reload */
	struct buf text;
};

struct standard_output {
	struct alerts *alerts;
	int fd;
	struct writer *writer;
	uv_async_t woken;
	uv_timer_t look;
	struct message_out *first, **last;   /* the first is the writer's */
	char *written_key;               /* written in full, but nobody waited for it */
	int64_t give_up_ms;
	uint64_t written_bytes;          /* at moved_ms */
	uint64_t moved_ms;               /* uv_now */
	bool said, behind, any_written;
	unsigned n_open_handles;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* ---- the queue --------------------------------------------------------------------------------------------- */

static void message_free(struct message_out *m)
{
	free(m->key);
	buf_deinit(&m->text);
	free(m);
}

static void pop(struct standard_output *o)
{
	struct message_out *m = o->first;

	o->first = m->next;
	if (o->first == NULL)
		o->last = &o->first;
	message_free(m);
}

/* Takes the delivery from the message, so that what delivery_done starts finds everything in order. */
static struct delivery *let_go(struct message_out *m)
{
	struct delivery *delivery = m->delivery;

	m->delivery = NULL;
	if (delivery != NULL) {
		delivery->under_way = NULL;
		delivery->cancel = NULL;
	}
	return delivery;
}

static void remove_message(struct standard_output *o, struct message_out *m)
{
	struct message_out **at = &o->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	if (o->last == &m->next)
		o->last = at;
	message_free(m);
}

static void on_cancel(struct delivery *delivery)
{
	struct message_out *m = delivery->under_way;

	let_go(m);
	if (m != m->output->first)
		remove_message(m->output, m);
}

static void on_look(uv_timer_t *timer);

/* A file that ends within a line, since an earlier process died on a full disk: what comes now begins a line of its own. */
static bool ends_within_a_line(int fd)
{
	char path[40], end = '\n';
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return false;
	bool within = (fcntl(fd, F_GETFL) & O_APPEND) != 0 || lseek(fd, 0, SEEK_CUR) == st.st_size;
	within = within && pread(again, &end, 1, st.st_size - 1) == 1 && end != '\n';
	close(again);
	return within;
}

static void hand_over(struct standard_output *o)
{
	struct buf text;

	buf_init(&text, SIZE_MAX);
	if (!o->any_written && ends_within_a_line(o->fd))
		buf_append_byte(&text, '\n');
	buf_append_slice(&text, buf_slice(&o->first->text));
	writer_put(o->writer, buf_slice(&text));
	buf_deinit(&text);
	buf_deinit(&o->first->text);
	o->first->handed_over = true;
}

static void start_looking(struct standard_output *o)
{
	if (uv_is_active((const uv_handle_t *)&o->look))
		return;
	o->moved_ms = uv_now(o->look.loop);
	uv_timer_start(&o->look, on_look, LOOK_MS, LOOK_MS);
}

/* ---- what became of it ---------------------------------------------------------------------------------------- */

/*
 * Every alert that waits goes back to its outbox row. A message is off the queue before its alert is told, since a delivery that ends makes
 * the next one begin: one that found a failed message in front of it would be taken for written.
 */
static void fail_all(struct standard_output *o, bool first_stays, const char *why)
{
	size_t n = 0;

	o->behind = true;
	for (const struct message_out *m = o->first; m != NULL; m = m->next)
		n++;
	for (size_t i = 0; i < n; i++) {
		bool stays = first_stays && i == 0;
		struct message_out *m = stays || !first_stays ? o->first : o->first->next;

		if (m == NULL)
			break;
		struct delivery *delivery = let_go(m);
		if (!stays)
			remove_message(o, m);
		if (delivery != NULL)
			delivery_done(delivery, DELIVERY_RETRY, why, -1);
	}
	if (o->first != NULL && !o->first->handed_over && o->writer != NULL)
		hand_over(o);             /* it began meanwhile, behind those that failed */
}

static void on_failed(struct standard_output *o, const struct writer_status *status)
{
	char why[160];

	if (status->error == EBADF)
		snprintf(why, sizeof(why), "standard output is closed: alerts for it wait");
	else
		snprintf(why, sizeof(why), "standard output: %s", strerror(status->error));
	if (!status->begun)
		writer_forget(o->writer);
	fail_all(o, status->begun, why);
}

static void on_first_written(struct standard_output *o)
{
	struct delivery *delivery = let_go(o->first);

	free(o->written_key);
	o->written_key = delivery == NULL ? xstrdup(o->first->key) : NULL;
	pop(o);
	o->any_written = true;
	o->behind = false;
	if (o->first != NULL)
		hand_over(o);
	if (o->said)
		alerts_say(o->alerts, DIAG_NOTICE, NULL, "standard output is read again");
	o->said = false;
	if (delivery != NULL)
		delivery_done(delivery, DELIVERY_OK, "written", -1);
}

static void on_woken(uv_async_t *async)
{
	struct standard_output *o = CONTAINER_OF(async, struct standard_output, woken);
	struct writer_status status;

	if (o->first == NULL || o->writer == NULL)
		return;
	writer_status(o->writer, &status);
	if (status.n_waiting == 0)
		on_first_written(o);
	else if (status.failed)
		on_failed(o, &status);
	if (o->first == NULL && !uv_is_closing((const uv_handle_t *)&o->look))
		uv_timer_stop(&o->look);
}

/* Is it read? */
static void on_look(uv_timer_t *timer)
{
	struct standard_output *o = CONTAINER_OF(timer, struct standard_output, look);
	uint64_t now = uv_now(timer->loop);
	struct writer_status status;

	writer_status(o->writer, &status);
	if (status.written_bytes != o->written_bytes || o->first == NULL) {
		o->written_bytes = status.written_bytes;
		o->moved_ms = now;
		return;
	}
	int64_t still_ms = (int64_t)(now - o->moved_ms);
	if (o->give_up_ms > 0 && still_ms >= o->give_up_ms) {
		o->moved_ms = now;
		fail_all(o, true, "standard output: nobody reads it; alerts for it wait in the outbox");
	} else if (!o->said && o->give_up_ms == 0 && still_ms >= SAY_AFTER_MS) {
		o->said = true;
		alerts_say(o->alerts, DIAG_WARNING, NULL, "nobody reads standard output: alerts for it wait in the outbox");
	}
}

/* ---- from outside ----------------------------------------------------------------------------------------------- */

static void attach(struct message_out *m, struct delivery *delivery)
{
	m->delivery = delivery;
	delivery->under_way = m;
	delivery->cancel = on_cancel;
}

void standard_output_deliver(struct standard_output *o, struct delivery *delivery, struct slice text)
{
	char *key = xasprintf("%s/%s", sink_name(delivery->sink), delivery->id);
	bool was_written = o->written_key != NULL && strcmp(o->written_key, key) == 0;

	free(o->written_key);
	o->written_key = NULL;
	if (was_written) {
		free(key);
		delivery_finish_later(delivery, DELIVERY_OK, "written");
		return;
	}
	start_looking(o);
	if (o->first != NULL)
		writer_retry(o->writer);
	if (o->first != NULL && o->first->delivery == NULL && strcmp(o->first->key, key) == 0) {
		free(key);
		attach(o->first, delivery);
		return;
	}
	struct message_out *m = xcalloc(1, sizeof(*m));
	m->output = o;
	m->key = key;
	buf_init(&m->text, SIZE_MAX);
	buf_append_slice(&m->text, text);
	attach(m, delivery);
	bool idle = o->first == NULL;
	*o->last = m;
	o->last = &m->next;
	if (idle)
		hand_over(o);
}

bool standard_output_is_behind(const struct standard_output *o)
{
	return o != NULL && (o->behind || o->first != NULL);
}

static void on_writer_idle(void *ctx)
{
	uv_async_send(ctx);
}

struct standard_output *standard_output_open(struct alerts *alerts, uv_loop_t *loop, int fd, int64_t give_up_ms)
{
	struct standard_output *o = xcalloc(1, sizeof(*o));

	o->alerts = alerts;
	o->fd = fd;
	o->last = &o->first;
	o->give_up_ms = give_up_ms;
	if (uv_async_init(loop, &o->woken, on_woken) != 0) {
		free(o);
		return NULL;
	}
	uv_unref((uv_handle_t *)&o->woken);
	uv_timer_init(loop, &o->look);
	o->writer = writer_new(&(struct writer_options){ .fd = fd, .max_bytes = QUEUE_BYTES, .keep_on_error = true, .idle = on_writer_idle, .ctx = &o->woken });
	if (o->writer == NULL) {
		standard_output_close(o, NULL, NULL);
		return NULL;
	}
	return o;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct standard_output *o = handle->data;
	void (*closed)(void *) = o->closed;
	void *ctx = o->closed_ctx;

	if (--o->n_open_handles > 0)
		return;
	free(o->written_key);
	free(o);
	if (closed != NULL)
		closed(ctx);
}

static void say_what_is_cut(struct standard_output *o)
{
	struct writer_status status;

	writer_wait(o->writer, CLOSE_WITHIN_MS);
	writer_status(o->writer, &status);
	if (status.begun)
		alerts_say(o->alerts, DIAG_WARNING, NULL, "standard output: the last line is cut, since nobody takes the rest of it; the alert is written again at the next start");
}

void standard_output_close(struct standard_output *o, void (*closed)(void *ctx), void *ctx)
{
	if (o->writer != NULL && o->first != NULL)
		say_what_is_cut(o);
	writer_free(o->writer, 0);
	o->writer = NULL;
	while (o->first != NULL)
		pop(o);
	o->closed = closed;
	o->closed_ctx = ctx;
	o->n_open_handles = 2;
	o->woken.data = o->look.data = o;
	uv_close((uv_handle_t *)&o->woken, on_handle_closed);
	uv_close((uv_handle_t *)&o->look, on_handle_closed);
}
