/*
 * A directory of programs in the manner of Cert Spotter: every executable regular file is run for each event, in the order of
 * their names, files whose name begins with a dot are left out.
 *
 *   {"type":"hooks","directory":"/etc/ctwatch/hooks.d","time_limit":"1m"}
 *
 *   deliver --> write files --> run the first --done--> run the next ... --> remove files --> answer
 *
 * When one fails the others still run; the event is tried again as a whole, with the same CTWATCH_ID.
 */
#include "hooks.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

#define PROGRAMS_MAX 100
#define TIME_LIMIT_MS 60000

struct hooks_sink {
	char *directory;
	int64_t time_limit_ms;
};

struct hook_run {
	struct delivery *delivery;
	struct hooks_sink *sink;
	struct hook_input input;
	char *programs[PROGRAMS_MAX];
	size_t n, next, n_failed;
	struct process *process;
	char answer[256];
};

static bool wrong(struct error *err, const struct sink *sink, const char *key, const char *wanted)
{
	return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" wants %s", sink->name, key, wanted);
}

static bool hooks_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const char *directory = json_string_value(json_object_get(object, "directory"));
	const json_t *limit = json_object_get(object, "time_limit");
	struct hooks_sink *hooks = xcalloc(1, sizeof(*hooks));
	struct stat info;

	sink->own = hooks;
	hooks->time_limit_ms = TIME_LIMIT_MS;
	if (directory == NULL || directory[0] == '\0')
		return wrong(err, sink, "directory", "the directory of the programs, such as \"/etc/ctwatch/hooks.d\"");
	hooks->directory = config_resolve(config, directory);
	if (stat(hooks->directory, &info) != 0 || !S_ISDIR(info.st_mode))
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": there is no directory %s", sink->name, hooks->directory);
	if (limit != NULL && (!json_is_string(limit) || !duration_parse(slice_text(json_string_value(limit)), &hooks->time_limit_ms) ||
			      hooks->time_limit_ms < 1000 || hooks->time_limit_ms > 3600000))
		return wrong(err, sink, "time_limit", "a duration from 1s to 1h");
	return true;
}

static void hooks_close(struct sink *sink)
{
	struct hooks_sink *hooks = sink->own;

	free(hooks->directory);
	free(hooks);
}

/* ---- which programs ---------------------------------------------------------------------------------------- */

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Looked at anew for each event: a program can be added without a word to ctwatch. */
static bool list_programs(struct hook_run *run)
{
	struct dirent **entries;
	struct stat info;
	int n = scandir(run->sink->directory, &entries, is_visible, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", run->sink->directory, entries[i]->d_name);

		free(entries[i]);
		if (run->n < PROGRAMS_MAX && stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0)
			run->programs[run->n++] = path;
		else
			free(path);
	}
	if (n >= 0)
		free(entries);
	return n >= 0;
}

/* ---- running them --------------------------------------------------------------------------------------------- */

static void run_free(struct hook_run *run)
{
	hook_input_deinit(&run->input);
	for (size_t i = 0; i < run->n; i++)
		free(run->programs[i]);
	free(run);
}

static void start_next(struct hook_run *run);

static void on_done(void *ctx, bool ok, const char *sentence)
{
	struct hook_run *run = ctx;
	struct delivery *delivery = run->delivery;
	const char *name = strrchr(run->programs[run->next], '/') + 1;

	run->process = NULL;
	if (!ok && run->n_failed++ == 0)
		snprintf(run->answer, sizeof(run->answer), "%.60s: %.180s", name, sentence);
	run->next++;
	if (run->next < run->n) {
		start_next(run);
		return;
	}
	char answer[sizeof(run->answer)];
	bool all_ok = run->n_failed == 0;

	if (all_ok)
		snprintf(answer, sizeof(answer), "%zu program%s ran", run->n, run->n == 1 ? "" : "s");
	else
		memcpy(answer, run->answer, sizeof(answer));
	delivery->under_way = NULL;
	delivery->cancel = NULL;
	run_free(run);
	delivery_done(delivery, all_ok ? DELIVERY_OK : DELIVERY_RETRY, answer, -1);
}

static void start_next(struct hook_run *run)
{
	const char *argv[] = { run->programs[run->next], NULL };
	struct process_options options = {
		.argv = argv,
		.env = (const char *const *)run->input.variables,
		.time_limit_ms = run->sink->time_limit_ms,
		.done = on_done,
		.ctx = run,
	};

	run->process = process_start(delivery_loop(run->delivery), &options);
}

static void cancel_run(struct delivery *delivery)
{
	struct hook_run *run = delivery->under_way;

	process_cancel(run->process);
	run_free(run);
	delivery->under_way = NULL;
}

static void hooks_deliver(struct sink *sink, struct delivery *delivery)
{
	struct hook_run *run = xcalloc(1, sizeof(*run));
	struct error err;
	char sentence[256];

	run->delivery = delivery;
	run->sink = sink->own;
	if (!list_programs(run)) {
		snprintf(sentence, sizeof(sentence), "%.150s: %s", run->sink->directory, strerror(errno));
		delivery_finish_later(delivery, DELIVERY_RETRY, sentence);
	} else if (run->n == 0) {
		delivery_finish_later(delivery, DELIVERY_OK, "there is no program in the directory");
	} else if (!hook_input_make(delivery, &run->input, &err)) {
		delivery_finish_later(delivery, DELIVERY_RETRY, err.text);
	} else {
		delivery->under_way = run;
		delivery->cancel = cancel_run;
		start_next(run);
		return;
	}
	run_free(run);
}

static void hooks_describe(const struct sink *sink, struct buf *out)
{
	const struct hooks_sink *hooks = sink->own;

	buf_printf(out, "programs in %s", hooks->directory);
}

static const char *const KEYS[] = { "directory", "time_limit", NULL };

const struct sink_type hooks_sink = {
	.name = "hooks",
	.keys = KEYS,
	.default_events = 1u << EVENT_FINDING | 1u << EVENT_FINDING_RESCORED | 1u << EVENT_FINDING_NEW_CERTIFICATE | 1u << EVENT_MALFORMED |
			  1u << EVENT_CANARY_MISSED | 1u << EVENT_INCIDENT_OPENED,
	.one_at_a_time = true,
	.wants_entry = true,
	.naming_at_once = true,
	.open = hooks_open,
	.close = hooks_close,
	.deliver = hooks_deliver,
	.describe = hooks_describe,
};
