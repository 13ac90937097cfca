/* The sink that `run` has from its first day: one envelope a line on standard output. */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool stdout_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	(void)config, (void)object, (void)err;
	sink->own = stdout;
	return true;
}

static void stdout_close(struct sink *sink)
{
	sink->own = NULL;
}

static bool write_item(FILE *file, const struct alert_item *item)
{
	return json_dumpf(item->envelope, file, JSON_COMPACT) == 0 && fputc('\n', file) != EOF;
}

static void stdout_deliver(struct sink *sink, struct delivery *delivery)
{
	FILE *file = sink->own;
	bool ok = true;
	char why[160];

	errno = 0;
	for (size_t i = 0; ok && i < delivery->n; i++)
		ok = write_item(file, &delivery->items[i]);
	if (ok && fflush(file) == 0) {
		delivery_finish_later(delivery, DELIVERY_OK, "written");
		return;
	}
	snprintf(why, sizeof(why), "standard output: %s", strerror(errno));
	clearerr(file);
	delivery_finish_later(delivery, DELIVERY_RETRY, why);
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
