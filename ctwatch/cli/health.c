/* `ctwatch health`: one line and an exit code, from the state alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define SILENCE_MS (15 * 60000)            /* no log answered for so long: something is wrong on our side */
#define BEHIND_MS (3600000)                /* a log counts as behind from here */

struct health_options {
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "format", 0, OPTION_FORMAT, offsetof(struct health_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

struct health {
	int64_t now_ms;
	uint64_t n_logs, n_heard, n_behind, n_incidents, n_critical;
	int64_t oldest_added_ms;
	bool disk_full;
	uint64_t used_bytes, free_bytes;
	long holder;
};

static bool on_log(void *ctx, const struct state_log *log)
{
	struct health *h = ctx;
	bool behind = log->start_index >= 0 && log->head_size > log->position && log->last_entry_ms > 0 && h->now_ms - log->last_entry_ms > BEHIND_MS;

	if (log->why_not_read != NULL)
		return true;
	h->n_logs++;
	h->n_heard += log->last_success_ms > h->now_ms - SILENCE_MS;
	h->n_behind += behind;
	if (h->oldest_added_ms == 0 || log->added_ms < h->oldest_added_ms)
		h->oldest_added_ms = log->added_ms;
	return true;
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct health *h = ctx;

	h->n_incidents++;
	h->n_critical += strcmp(i->severity, "critical") == 0;
	h->disk_full = h->disk_full || strcmp(i->class_name, "DISK_FULL") == 0;
	return true;
}

/* What is wrong, or NULL. A log that misbehaves is not our illness: a restart would not cure it. */
static const char *illness(const struct health *h)
{
	if (h->holder == 0)
		return "ctwatch is not running on this state";
	if (h->disk_full)
		return "the disk is full: reading has stopped";
	if (h->n_logs == 0)
		return "no log is followed, see `ctwatch logs`";
	if (h->n_heard == 0 && h->now_ms - h->oldest_added_ms > SILENCE_MS)
		return "no log has answered for 15 minutes";
	return NULL;
}

static void print_json(struct cli *cli, enum output_format format, const struct health *h, const char *wrong)
{
	json_t *o = json_object();

	json_object_set_new(o, "healthy", json_boolean(wrong == NULL));
	json_object_set_new(o, "problem", wrong != NULL ? json_string(wrong) : json_null());
	json_object_set_new(o, "process", h->holder != 0 ? json_integer(h->holder) : json_null());
	json_object_set_new(o, "logs", json_integer((json_int_t)h->n_logs));
	json_object_set_new(o, "logs_heard", json_integer((json_int_t)h->n_heard));
	json_object_set_new(o, "logs_behind", json_integer((json_int_t)h->n_behind));
	json_object_set_new(o, "incidents", json_integer((json_int_t)h->n_incidents));
	json_object_set_new(o, "critical_incidents", json_integer((json_int_t)h->n_critical));
	json_object_set_new(o, "state_bytes", json_integer((json_int_t)h->used_bytes));
	json_object_set_new(o, "free_bytes", json_integer((json_int_t)h->free_bytes));
	cli_json(cli, format, o);
}

static void print_line(struct cli *cli, const struct health *h, const char *wrong)
{
	char room[TIME_TEXT_LEN];

	fprintf(cli->out, "%s: %s%s%" PRIu64 " of %" PRIu64 " logs heard from, %" PRIu64 " behind, %" PRIu64 " incident%s open (%" PRIu64
		" critical), %s free\n", wrong != NULL ? "not healthy" : "healthy", wrong != NULL ? wrong : "", wrong != NULL ? "; " : "", h->n_heard,
		h->n_logs, h->n_behind, h->n_incidents, h->n_incidents == 1 ? "" : "s", h->n_critical, bytes_format(h->free_bytes, room));
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct health_options options = { 0 };
	struct health h = { .now_ms = cli->now_ms };
	struct state *st;
	struct error err;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes options only, but there is '%s'", argv[1]);
	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	h.holder = state_holder(state_directory(st));
	bool ok = state_each_log(st, on_log, &h, &err) && state_each_incident(st, true, 0, 0, on_incident, &h, &err) &&
		  state_size(st, &h.used_bytes, &h.free_bytes, &err);

	state_close(st);
	if (!ok)
		return cli_fail_state(cli, &err);
	const char *wrong = illness(&h);

	if (options.format == OUTPUT_TEXT)
		print_line(cli, &h, wrong);
	else
		print_json(cli, options.format, &h, wrong);
	return wrong == NULL ? EXIT_DONE : EXIT_NO;
}

const struct command health_command = {
	.name = "health",
	.summary = "one line and an exit code, for a container's health check",
	.usage = "[--format text|json|jsonl]",
	.help = "Looks at the state only, not at the network. Exit code 0: ctwatch runs on this\n"
		"state, its disk has room, and logs have answered within 15 minutes; 1: not so;\n"
		"4: the state cannot be read. A log that misbehaves is counted, and is no reason\n"
		"to restart anything: see `ctwatch logs` and `ctwatch incidents`.",
	.options = OPTIONS,
	.run = run,
};
