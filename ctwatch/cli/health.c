/*
 * `ctwatch health`: one line and an exit code, from the state alone. It judges what must be true now: the daemon's loop answers and
 * its commits succeed (it writes a row now and then to show it), logs have answered, what is read gets verified, there is room.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clock.h"

#define SILENCE_MS (15 * 60000)            /* a log that has not answered for so long is silent */
#define BEHIND_MS 3600000                  /* a log counts as behind from here */
#define STALLED_MS 3600000                 /* entries that were read and signed are verified sooner, unless something is wrong */
#define ALIVE_MS 60000                     /* the daemon writes its row every ten seconds */
#define CLOCKS_DIFFER_MS 60000             /* a time in the future by more is no time to trust */
#define STALLED "VERIFICATION_STALLED"
#define NAMED_MAX 3                        /* logs that are named on the line */
#define NEARLY_NO_ROOM_BYTES (1u << 20)

struct health_options {
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "format", 0, OPTION_FORMAT, offsetof(struct health_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

/* Logs to name: the first few, and how many there are. */
struct named {
	struct buf text;
	uint64_t n;
	json_t *json;
};

struct health {
	int64_t now_ms, silence_ms;
	struct state *st;
	struct error *err;
	bool failed;
	uint64_t n_logs, n_heard, n_behind, n_incidents, n_critical;
	struct named silent, stalled;
	struct buf contradicting;              /* ids of logs with another open critical incident: theirs is not our illness */
	bool disk_full;
	uint64_t used_bytes, free_bytes;
	long holder;
	bool alive_found;
	struct state_alive alive;
	int64_t alive_age_ms, running_ms;      /* since the daemon's row was written, -1: not known; how long it ran by then */
};

static void named_init(struct named *named)
{
	buf_init(&named->text, 4096);
	named->json = json_array();
}

static void named_deinit(struct named *named)
{
	buf_deinit(&named->text);
	json_decref(named->json);
}

static void name_log(struct named *named, const char *name, const char *why)
{
	char safe_name[128], safe_why[160];

	text_escape(slice_text(name), safe_name, sizeof(safe_name));
	text_escape(slice_text(why), safe_why, sizeof(safe_why));
	if (named->n++ < NAMED_MAX)
		buf_printf(&named->text, "%s%s (%s)", named->n > 1 ? ", " : "", safe_name, safe_why);
	json_array_append_new(named->json, json_pack("{s:s, s:s}", "name", safe_name, "why", safe_why));
}

static const char *named_text(struct named *named)
{
	if (named->n > NAMED_MAX)
		buf_printf(&named->text, " and %" PRIu64 " more", named->n - NAMED_MAX);
	return buf_text(&named->text);
}

/* ---- logs --------------------------------------------------------------------------------------------------- */

/* A time that lies ahead was written before the clock was set back: it says nothing about now. */
static bool is_recent(const struct health *h, int64_t time_ms, int64_t within_ms)
{
	return time_ms > h->now_ms - within_ms && time_ms < h->now_ms + CLOCKS_DIFFER_MS;
}

static void look_at_silence(struct health *h, const struct state_log *log)
{
	if (is_recent(h, log->last_success_ms, h->silence_ms))
		h->n_heard++;
	else
		name_log(&h->silent, log->name, log->last_error != NULL ? log->last_error : log->last_success_ms == 0 ? "no answer yet" : "no answer");
}

static bool contradicts_itself(const struct health *h, const struct hash *log_id)
{
	for (size_t at = 0; at < h->contradicting.len; at += HASH_LEN)
		if (memcmp(h->contradicting.data + at, log_id->bytes, HASH_LEN) == 0)
			return true;
	return false;
}

/* What is not verified for so long although it was read and signed, and nobody has said why. */
static bool look_at_verification(struct health *h, const struct state_log *log)
{
	int64_t since_ms;
	char age[TIME_TEXT_LEN];

	if (log->position <= log->verified_size || contradicts_itself(h, &log->log_id))
		return true;
	if (!state_unverified_since(h->st, &log->log_id, &since_ms, h->err)) {
		h->failed = true;
		return false;
	}
	if (since_ms == 0 || h->now_ms - since_ms < STALLED_MS)
		return true;
	char *why = xasprintf("unverified for %s", duration_format(h->now_ms - since_ms, age));
	name_log(&h->stalled, log->name, why);
	free(why);
	return true;
}

static bool on_log(void *ctx, const struct state_log *log)
{
	struct health *h = ctx;

	if (log->why_not_read != NULL)
		return true;
	h->n_logs++;
	h->n_behind += log->start_index >= 0 && log->head_size > log->position && log->last_entry_ms > 0 && h->now_ms - log->last_entry_ms > BEHIND_MS;
	look_at_silence(h, log);
	return look_at_verification(h, log);
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct health *h = ctx;
	bool critical = strcmp(i->severity, "critical") == 0;

	h->n_incidents++;
	h->n_critical += critical;
	h->disk_full = h->disk_full || strcmp(i->class_name, "DISK_FULL") == 0;
	if (critical && strcmp(i->class_name, STALLED) != 0)
		buf_append(&h->contradicting, i->log_id.bytes, HASH_LEN);
	return true;
}

/* Once the logs that contradict themselves are known. */
static bool on_stalled(void *ctx, const struct incident *i)
{
	struct health *h = ctx;

	if (strcmp(i->class_name, STALLED) == 0 && !contradicts_itself(h, &i->log_id))
		name_log(&h->stalled, i->log_name != NULL ? i->log_name : "a log", i->summary);
	return true;
}

/* ---- the daemon --------------------------------------------------------------------------------------------------- */

/*
 * How old the daemon's row is. By the time since the machine started, which nobody sets; by the wall clock when the state is
 * looked at from another machine, and then a row from the future proves nothing.
 */
static void judge_alive(struct health *h)
{
	char boot_id[CLOCK_BOOT_ID_LEN];

	clock_boot_id(boot_id);
	h->running_ms = h->alive.boot_ms - h->alive.started_boot_ms;
	h->alive_age_ms = strcmp(boot_id, h->alive.boot_id) == 0 ? clock_boot_ms() - h->alive.boot_ms : h->now_ms - h->alive.wall_ms;
	if (h->alive_age_ms < 0)
		h->alive_age_ms = h->alive_age_ms > -CLOCKS_DIFFER_MS ? 0 : -1;
}

static bool is_alive(const struct health *h)
{
	return h->alive_found && h->alive.process == h->holder && h->alive_age_ms >= 0 && h->alive_age_ms <= ALIVE_MS;
}

static const char *daemon_illness(struct health *h, char *text, size_t len)
{
	char age[TIME_TEXT_LEN];

	if (h->holder == 0)
		return "ctwatch is not running on this state";
	if (h->disk_full || h->free_bytes < NEARLY_NO_ROOM_BYTES)
		return "the disk is full: reading has stopped";
	if (is_alive(h))
		return NULL;
	if (!h->alive_found || h->alive.process != h->holder) {
		snprintf(text, len, "starting: process %ld has not written to its state yet", h->holder);
	} else if (h->alive_age_ms < 0) {
		snprintf(text, len, "process %ld last wrote to its state at a time that is still to come: compare the clocks of both machines", h->holder);
	} else {
		snprintf(text, len, "process %ld has not written to its state for %s: its loop, the disk or another program's lock holds it up", h->holder,
			 duration_format(h->alive_age_ms, age));
	}
	return text;
}

/* What is wrong, or NULL. A log that misbehaves is not our illness: a restart would not cure it. */
static const char *illness(struct health *h, char *text, size_t len)
{
	const char *wrong = daemon_illness(h, text, len);

	if (wrong != NULL)
		return wrong;
	if (h->n_logs == 0)
		return "no log is followed, see `ctwatch logs`";
	if (h->n_heard == 0 && h->running_ms < SILENCE_MS)
		return "starting: no log has answered yet";
	if (h->n_heard == 0)
		return "no log has answered for 15 minutes";
	if (h->n_heard * 2 < h->n_logs)
		return h->running_ms < ALIVE_MS ? "starting: most logs have not answered yet" : "most logs do not answer";
	if (h->stalled.n > 0) {
		snprintf(text, len, "verification stands still at %s", named_text(&h->stalled));
		return text;
	}
	return NULL;
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

static void print_json(struct cli *cli, enum output_format format, const struct health *h, const char *wrong)
{
	json_t *o = json_object();

	json_object_set_new(o, "healthy", json_boolean(wrong == NULL));
	json_object_set_new(o, "problem", wrong != NULL ? json_string(wrong) : json_null());
	json_object_set_new(o, "process", h->holder != 0 ? json_integer(h->holder) : json_null());
	json_object_set_new(o, "last_commit_ms_ago", h->alive_found && h->alive_age_ms >= 0 ? json_integer(h->alive_age_ms) : json_null());
	json_object_set_new(o, "logs", json_integer((json_int_t)h->n_logs));
	json_object_set_new(o, "logs_heard", json_integer((json_int_t)h->n_heard));
	json_object_set_new(o, "logs_behind", json_integer((json_int_t)h->n_behind));
	json_object_set(o, "silent", h->silent.json);
	json_object_set(o, "stalled", h->stalled.json);
	json_object_set_new(o, "incidents", json_integer((json_int_t)h->n_incidents));
	json_object_set_new(o, "critical_incidents", json_integer((json_int_t)h->n_critical));
	json_object_set_new(o, "state_bytes", json_integer((json_int_t)h->used_bytes));
	json_object_set_new(o, "free_bytes", json_integer((json_int_t)h->free_bytes));
	cli_json(cli, format, o);
}

static void print_line(struct cli *cli, struct health *h, const char *wrong)
{
	char room[TIME_TEXT_LEN];

	fprintf(cli->out, "%s: %s%s%" PRIu64 " of %" PRIu64 " logs heard from", wrong != NULL ? "not healthy" : "healthy", wrong != NULL ? wrong : "",
		wrong != NULL ? "; " : "", h->n_heard, h->n_logs);
	if (h->silent.n > 0)
		fprintf(cli->out, " (silent: %s)", named_text(&h->silent));
	fprintf(cli->out, ", %" PRIu64 " behind, %" PRIu64 " incident%s open (%" PRIu64 " critical), %s free\n", h->n_behind, h->n_incidents,
		h->n_incidents == 1 ? "" : "s", h->n_critical, bytes_format(h->free_bytes, room));
}

static bool look(struct health *h, struct error *err)
{
	h->err = err;
	h->holder = state_holder(state_directory(h->st));
	bool ok = state_get_alive(h->st, &h->alive, &h->alive_found, err) && state_each_incident(h->st, true, 0, 0, on_incident, h, err) &&
		  state_each_incident(h->st, true, 0, 0, on_stalled, h, err) && state_each_log(h->st, on_log, h, err) && !h->failed && state_size(h->st, &h->used_bytes, &h->free_bytes, err);

	if (ok && h->alive_found)
		judge_alive(h);
	return ok;
}

/* A log that is asked once an hour is not silent after a quarter of one. */
static bool silence_of(struct cli *cli, int64_t *silence_ms, struct error *err)
{
	struct config config;

	if (!cli_config(cli, &config, err))
		return false;
	*silence_ms = config.poll_ms * 5 / 2 > SILENCE_MS ? config.poll_ms * 5 / 2 : SILENCE_MS;
	config_deinit(&config);
	return true;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct health_options options = { 0 };
	struct health h = { .now_ms = cli->now_ms };
	struct error err;
	char text[700];
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes options only, but there is '%s'", argv[1]);
	if (!silence_of(cli, &h.silence_ms, &err) || !cli_state(cli, STATE_READ, &h.st, &err))
		return cli_fail(cli, &err);
	named_init(&h.silent);
	named_init(&h.stalled);
	buf_init(&h.contradicting, 1u << 20);
	bool ok = look(&h, &err);
	state_close(h.st);
	const char *wrong = ok ? illness(&h, text, sizeof(text)) : NULL;

	if (!ok)
		code = cli_fail_state(cli, &err);
	else if (options.format == OUTPUT_TEXT)
		print_line(cli, &h, wrong);
	else
		print_json(cli, options.format, &h, wrong);
	named_deinit(&h.silent);
	named_deinit(&h.stalled);
	buf_deinit(&h.contradicting);
	return !ok ? code : wrong == NULL ? EXIT_DONE : EXIT_NO;
}

const struct command health_command = {
	.name = "health",
	.summary = "one line and an exit code, for a container's health check",
	.usage = "[--format text|json|jsonl]",
	.help = "Looks at the state only, not at the network, and judges what is true now.\n"
		"Exit code 0: ctwatch runs on this state, its loop answered and committed within\n"
		"the last minute, its disk has room, at least half of its logs have answered\n"
		"within 15 minutes, and what was read and signed an hour ago is verified.\n"
		"1: one of these is not so, and the line says which; \"starting\" while it may be\n"
		"so soon. 4: the state cannot be read. Silent logs are named with the reason.\n"
		"A log that misbehaves is counted, and is no reason to restart anything: see\n"
		"`ctwatch logs` and `ctwatch incidents`.",
	.options = OPTIONS,
	.run = run,
};
