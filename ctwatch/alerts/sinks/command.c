/*
 * A program run per event: no shell, the envelope as JSON on standard input, a few words in its environment.
 *
 *   {"type":"command","argv":["/usr/local/bin/on-finding","--quick"],"time_limit":"30s"}
 *
 * Exit status 0 means delivered; anything else is tried again.
 */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

#include "process.h"

#define ARGV_MAX 32
#define TIME_LIMIT_MS 30000

struct command_sink {
	char *argv[ARGV_MAX + 1];
	int64_t time_limit_ms;
};

static bool wrong(struct error *err, const struct sink *sink, const char *key, const char *wanted)
{
	return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" wants %s", sink->name, key, wanted);
}

static bool command_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const json_t *argv = json_object_get(object, "argv"), *limit = json_object_get(object, "time_limit");
	struct command_sink *command = xcalloc(1, sizeof(*command));
	json_t *word;
	size_t i;

	sink->own = command;
	command->time_limit_ms = TIME_LIMIT_MS;
	if (!json_is_array(argv) || json_array_size(argv) == 0 || json_array_size(argv) > ARGV_MAX)
		return wrong(err, sink, "argv", "the program and its words, such as [\"/usr/local/bin/on-finding\"]");
	json_array_foreach((json_t *)argv, i, word) {
		if (!json_is_string(word))
			return wrong(err, sink, "argv", "texts only");
		command->argv[i] = i == 0 ? config_resolve(config, json_string_value(word)) : xstrdup(json_string_value(word));
	}
	if (limit != NULL && (!json_is_string(limit) || !duration_parse(slice_text(json_string_value(limit)), &command->time_limit_ms) ||
			      command->time_limit_ms < 1000 || command->time_limit_ms > 3600000))
		return wrong(err, sink, "time_limit", "a duration from 1s to 1h");
	return true;
}

static void command_close(struct sink *sink)
{
	struct command_sink *command = sink->own;

	for (size_t i = 0; command->argv[i] != NULL; i++)
		free(command->argv[i]);
	free(command);
}

static void on_done(void *ctx, bool ok, const char *sentence)
{
	struct delivery *delivery = ctx;

	delivery->under_way = NULL;
	delivery->cancel = NULL;
	delivery_done(delivery, ok ? DELIVERY_OK : DELIVERY_RETRY, sentence, -1);
}

static void cancel_command(struct delivery *delivery)
{
	process_cancel(delivery->under_way);
	delivery->under_way = NULL;
}

static void command_deliver(struct sink *sink, struct delivery *delivery)
{
	struct command_sink *command = sink->own;
	const struct alert_item *item = &delivery->items[0];
	char *event = xasprintf("CTWATCH_EVENT=%s", event_name(item->event));
	char *id = xasprintf("CTWATCH_ID=%s", item->id);
	char *input = json_dumps(item->envelope, JSON_COMPACT);
	const char *env[] = { event, id, NULL };
	struct process_options options = {
		.argv = (const char *const *)command->argv,
		.env = env,
		.input = slice_text(input != NULL ? input : ""),
		.time_limit_ms = command->time_limit_ms,
		.done = on_done,
		.ctx = delivery,
	};

	delivery->under_way = process_start(delivery_loop(delivery), &options);
	delivery->cancel = cancel_command;
	free(event);
	free(id);
	free(input);
}

static void command_describe(const struct sink *sink, struct buf *out)
{
	const struct command_sink *command = sink->own;

	buf_printf(out, "command %s", command->argv[0]);
}

static const char *const KEYS[] = { "argv", "time_limit", NULL };

const struct sink_type command_sink = {
	.name = "command",
	.keys = KEYS,
	.operations = true,
	.naming_at_once = true,
	.open = command_open,
	.close = command_close,
	.deliver = command_deliver,
	.describe = command_describe,
};
