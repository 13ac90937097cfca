/* The sink that `run` has from its first day: one envelope a line on standard output. */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct to_stdout {
	FILE *file;
	uv_idle_t tell;           /* answers on the next turn of the loop: delivery_done never runs inside deliver() */
	struct delivery *delivery;
	bool armed, written;
	char why[128];
};

static bool stdout_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct to_stdout *to = xcalloc(1, sizeof(*to));

	(void)config, (void)object, (void)err;
	to->file = stdout;
	sink->own = to;
	return true;
}

static void free_after_close(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct to_stdout, tell));
}

static void stdout_close(struct sink *sink)
{
	struct to_stdout *to = sink->own;

	if (to->armed)
		uv_close((uv_handle_t *)&to->tell, free_after_close);
	else
		free(to);
}

static void on_told(uv_idle_t *idle)
{
	struct to_stdout *to = CONTAINER_OF(idle, struct to_stdout, tell);
	struct delivery *delivery = to->delivery;

	uv_idle_stop(idle);
	to->delivery = NULL;
	if (delivery != NULL)
		delivery_done(delivery, to->written ? DELIVERY_OK : DELIVERY_RETRY, to->written ? "written" : to->why, -1);
}

static void stdout_cancel(struct delivery *delivery)
{
	struct to_stdout *to = delivery->sink->own;

	uv_idle_stop(&to->tell);
	to->delivery = NULL;
}

static bool write_item(struct to_stdout *to, const struct alert_item *item)
{
	return json_dumpf(item->envelope, to->file, JSON_COMPACT) == 0 && fputc('\n', to->file) != EOF;
}

static void stdout_deliver(struct sink *sink, struct delivery *delivery)
{
	struct to_stdout *to = sink->own;
	bool ok = true;

	if (!to->armed) {
		uv_idle_init(delivery_loop(delivery), &to->tell);
		to->armed = true;
	}
	errno = 0;
	for (size_t i = 0; ok && i < delivery->n; i++)
		ok = write_item(to, &delivery->items[i]);
	to->written = ok && fflush(to->file) == 0;
	if (!to->written) {
		snprintf(to->why, sizeof(to->why), "standard output: %s", strerror(errno));
		clearerr(to->file);
	}
	to->delivery = delivery;
	delivery->cancel = stdout_cancel;
	uv_idle_start(&to->tell, on_told);
}

static void stdout_describe(const struct sink *sink, struct buf *out)
{
	(void)sink;
	buf_append_text(out, "standard output, JSON lines");
}

static const char *const NO_KEYS[] = { NULL };

const struct sink_type stdout_sink = {
	.name = "stdout",
	.keys = NO_KEYS,
	.operations = true,
	.naming_at_once = true,
	.open = stdout_open,
	.close = stdout_close,
	.deliver = stdout_deliver,
	.describe = stdout_describe,
};
