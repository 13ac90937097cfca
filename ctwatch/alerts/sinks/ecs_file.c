/*
 * Elastic Common Schema, one JSON document a line, appended to a file that a shipper follows:
 *
 *   {"type":"ecs","path":"/var/log/ctwatch/alerts.json"}
 *
 * Rotation as syslog daemons do it: the file is moved away, SIGHUP makes ctwatch open a new one.
 */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "siem.h"

#define LINE_MAX_BYTES (8u << 20)

struct ecs_sink {
	char *path;
	int fd;                           /* -1: not open */
};

static bool ecs_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const char *path = json_string_value(json_object_get(object, "path"));
	struct ecs_sink *ecs = xcalloc(1, sizeof(*ecs));

	ecs->fd = -1;
	sink->own = ecs;
	if (path == NULL || path[0] == '\0')
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"path\" wants the file to append to", sink->name);
	ecs->path = config_resolve(config, path);
	return true;
}

static void ecs_reopen(struct sink *sink)
{
	struct ecs_sink *ecs = sink->own;

	if (ecs->fd >= 0)
		close(ecs->fd);
	ecs->fd = -1;
}

static void ecs_close(struct sink *sink)
{
	struct ecs_sink *ecs = sink->own;

	ecs_reopen(sink);
	free(ecs->path);
	free(ecs);
}

/* A line is one write, so that a shipper never sees half of one; a short write (full disk) is taken back. */
static bool append_line(struct ecs_sink *ecs, struct slice line)
{
	if (ecs->fd < 0)
		ecs->fd = open(ecs->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (ecs->fd < 0)
		return false;
	off_t before = lseek(ecs->fd, 0, SEEK_END);
	ssize_t n = write(ecs->fd, line.data, line.len);
	if (n == (ssize_t)line.len)
		return true;
	int why = n < 0 ? errno : ENOSPC;
	if (n > 0 && before >= 0 && ftruncate(ecs->fd, before) != 0)
		why = errno;
	errno = why;
	return false;
}

static void ecs_deliver(struct sink *sink, struct delivery *delivery)
{
	struct ecs_sink *ecs = sink->own;
	json_t *document = siem_ecs(delivery, &delivery->items[0]);
	char *text = json_dumps(document, JSON_COMPACT);
	struct buf line;
	char why[300];

	buf_init(&line, LINE_MAX_BYTES);
	if (text == NULL || !buf_append_text(&line, text) || !buf_append_byte(&line, '\n')) {
		delivery_finish_later(delivery, DELIVERY_REFUSED, "the document is larger than 8 MiB or no UTF-8");
	} else if (append_line(ecs, buf_slice(&line))) {
		delivery_finish_later(delivery, DELIVERY_OK, "appended");
	} else {
		snprintf(why, sizeof(why), "%.200s: %s", ecs->path, strerror(errno));
		delivery_finish_later(delivery, DELIVERY_RETRY, why);
	}
	buf_deinit(&line);
	free(text);
	json_decref(document);
}

static void ecs_describe(const struct sink *sink, struct buf *out)
{
	const struct ecs_sink *ecs = sink->own;

	buf_printf(out, "ECS lines in %s", ecs->path);
}

static const char *const KEYS[] = { "path", NULL };

const struct sink_type ecs_sink = {
	.name = "ecs",
	.keys = KEYS,
	.one_at_a_time = true,
	.operations = true,
	.naming_at_once = true,
	.open = ecs_open,
	.close = ecs_close,
	.deliver = ecs_deliver,
	.reopen = ecs_reopen,
	.describe = ecs_describe,
};
