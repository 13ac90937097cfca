/* Diagnostics: one line is one write, so that lines of several threads (and processes) do not mix. */
#include "diag.h"
#include "clock.h"
#include "writer.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
/* The same line again within this time is counted, not printed: a log that is down says so once a minute. */
#define REPEAT_MS 60000
#define QUEUE_BYTES (256u << 10)     /* lines that wait for a reader; then they are counted */
#define FREE_WITHIN_MS 1000

struct diag {
	int fd;
	struct writer *writer;           /* NULL: there is no thread for it */
	enum diag_level level;
	bool json;
	pthread_mutex_t lock;            /* for what follows, and the order of lines */
	char last[LINE_MAX_BYTES];       /* level, component, subject and message of the line printed last */
	int64_t last_steady_ms;
	uint64_t n_repeats, n_dropped;
	uint64_t n_failed_said;          /* of the writer's failures */
};

static const char *const LEVELS[] = { "error", "warning", "notice", "info", "debug" };

struct diag *diag_new(int fd, enum diag_level level, bool json)
{
	struct diag *d = xcalloc(1, sizeof(*d));

	d->fd = fd;
	d->level = level;
	d->json = json;
	pthread_mutex_init(&d->lock, NULL);
	d->writer = writer_new(&(struct writer_options){ .fd = fd, .max_bytes = QUEUE_BYTES });
	return d;
}

/* False: there is no room. */
static bool write_line(struct diag *d, const char *text)
{
	if (d->writer != NULL)
		return writer_put(d->writer, slice_text(text));
	/* what says why there are no threads; nobody listens: there is no other place to say so */
	return write(d->fd, text, strlen(text)) >= 0;
}

static bool print_json(struct diag *d, int64_t now_ms, enum diag_level level, const char *component, const char *subject,
		       const char *message)
{
	char when[TIME_TEXT_LEN];
	json_t *line = json_pack("{s:s, s:s, s:s, s:s*, s:s}", "time", time_format_rfc3339(now_ms, when), "level", LEVELS[level],
				 "component", component, "subject", subject, "message", message);
	char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);

	json_decref(line);
	if (text == NULL)
		return true;
	char *whole = xasprintf("%s\n", text);
	bool fits = write_line(d, whole);
	free(whole);
	free(text);
	return fits;
}

static bool print_text(struct diag *d, int64_t now_ms, enum diag_level level, const char *component, const char *subject,
		       const char *message)
{
	char when[TIME_TEXT_LEN];

	time_format_rfc3339(now_ms, when);
	char *whole = xasprintf("%.19sZ %s %s%s%s: %s\n", when, LEVELS[level], component, subject != NULL ? " " : "",
				subject != NULL ? subject : "", message);
	bool fits = write_line(d, whole);
	free(whole);
	return fits;
}

static bool print_one(struct diag *d, int64_t now_ms, enum diag_level level, const char *component, const char *subject,
		      const char *message)
{
	return (d->json ? print_json : print_text)(d, now_ms, level, component, subject, message);
}

/* What nobody could read: said as soon as somebody reads again. */
static void print_losses(struct diag *d, int64_t now_ms)
{
	char message[160];

	if (d->writer == NULL)
		return;
	struct writer_status status;
	writer_status(d->writer, &status);
	if (status.error != 0)
		return;
	uint64_t n_failed = status.n_failed - d->n_failed_said;
	if (d->n_dropped > 0) {
		snprintf(message, sizeof(message), "%llu line%s dropped, since nobody read standard error", (unsigned long long)d->n_dropped,
			 d->n_dropped == 1 ? " was" : "s were");
		if (print_one(d, now_ms, DIAG_WARNING, "diag", NULL, message))
			d->n_dropped = 0;
	}
	if (n_failed > 0) {
		snprintf(message, sizeof(message), "%llu line%s lost, since standard error could not be written: %s", (unsigned long long)n_failed,
			 n_failed == 1 ? " was" : "s were", strerror(status.failed_with));
		if (print_one(d, now_ms, DIAG_WARNING, "diag", NULL, message))
			d->n_failed_said = status.n_failed;
	}
}

static void print(struct diag *d, int64_t now_ms, enum diag_level level, const char *component, const char *subject,
		  const char *message)
{
	print_losses(d, now_ms);
	if (d->n_dropped > 0 || !print_one(d, now_ms, level, component, subject, message))
		d->n_dropped++;
}

static void flush_repeats(struct diag *d, int64_t now_ms)
{
	char message[64];

	if (d->n_repeats == 0)
		return;
	snprintf(message, sizeof(message), "the last line came %llu more times", (unsigned long long)d->n_repeats);
	d->n_repeats = 0;
	print(d, now_ms, DIAG_INFO, "diag", NULL, message);
}

void diag_free(struct diag *d)
{
	if (d == NULL)
		return;
	flush_repeats(d, clock_wall_ms());
	if (diag_flush(d, FREE_WITHIN_MS))
		print_losses(d, clock_wall_ms());
	writer_free(d->writer, FREE_WITHIN_MS);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

bool diag_flush(struct diag *d, int64_t stalled_ms)
{
	return d == NULL || d->writer == NULL || writer_wait(d->writer, stalled_ms);
}

void diag(struct diag *d, enum diag_level level, const char *component, const char *subject, const char *format, ...)
{
	char raw[LINE_MAX_BYTES / 4], message[LINE_MAX_BYTES / 2], escaped_subject[256], key[LINE_MAX_BYTES];
	int64_t now_ms = clock_wall_ms(), steady = clock_steady_ms();
	va_list args;

	if (d == NULL || level > d->level)
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	text_escape(slice_text(raw), message, sizeof(message));
	if (subject != NULL)
		text_escape(slice_text(subject), escaped_subject, sizeof(escaped_subject));
	snprintf(key, sizeof(key), "%d%s/%s/%s", (int)level, component, subject != NULL ? escaped_subject : "", message);

	pthread_mutex_lock(&d->lock);
	if (strcmp(key, d->last) == 0 && steady - d->last_steady_ms < REPEAT_MS) {
		d->n_repeats++;
	} else {
		flush_repeats(d, now_ms);
		memcpy(d->last, key, sizeof(key));
		d->last_steady_ms = steady;
		print(d, now_ms, level, component, subject != NULL ? escaped_subject : NULL, message);
	}
	pthread_mutex_unlock(&d->lock);
}
