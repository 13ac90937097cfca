/* `ctwatch alerts`: the outbox, another try for what could not be delivered, and a test message through every sink. */
#include <stdlib.h>
#include <string.h>

#include "alerts_cli.h"
#include "render.h"

#define LIST_MAX 100
#define PREFIX_MIN 4
#define WIDE 120
#define ERRORS_MAX 10

static const struct option OPTIONS[] = {
	{ "sink", 0, OPTION_TEXT, offsetof(struct alerts_cli_options, sink), "NAME", "list, test: only this sink" },
	{ "status", 0, OPTION_TEXT, offsetof(struct alerts_cli_options, status), "STATUS", "list: waiting, digest, sent or dead" },
	{ "dead", 0, OPTION_FLAG, offsetof(struct alerts_cli_options, dead), NULL, "list: what could not be delivered, as --status dead" },
	{ "limit", 'n', OPTION_UINT, offsetof(struct alerts_cli_options, limit), "N", "list: the newest N (100); 0: all" },
	{ "all", 'a', OPTION_FLAG, offsetof(struct alerts_cli_options, all), NULL, "retry: every dead one" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct alerts_cli_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

/* ---- list ------------------------------------------------------------------------------------------------ */

struct listing {
	struct cli *cli;
	enum output_format format;
	struct palette palette;
	struct table *table;
	bool wide;                        /* room for the last error in the table */
	char *errors[ERRORS_MAX];         /* else: each sink's different ones, below it */
	size_t n_errors;
	json_t *array;
	uint64_t n;
};

static json_t *time_or_null(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return time_ms > 0 ? json_string(time_format_rfc3339(time_ms, text)) : json_null();
}

static json_t *item_json(const struct outbox_item *item)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:i, s:s?}", "id", item->id, "sink", item->sink, "event", event_name(item->event), "subject",
			      item->subject, "registrable_domain", item->group, "status", item->status, "attempts", item->attempts, "last_error",
			      item->last_error);

	json_object_set_new(o, "created", time_or_null(item->created_ms));
	json_object_set_new(o, "due", time_or_null(item->sent_ms > 0 ? 0 : item->due_ms));
	json_object_set_new(o, "finished", time_or_null(item->sent_ms));
	return o;
}

/* "in 20 min" for what waits, "3 min ago" for what is through. */
static void when_cell(struct listing *l, const struct outbox_item *item)
{
	int64_t now = l->cli->now_ms, at = item->sent_ms > 0 ? item->sent_ms : item->due_ms;
	char text[TIME_TEXT_LEN];

	if (at > now)
		table_cellf(l->table, "in %s", duration_format(at - now, text));
	else if (item->sent_ms > 0)
		table_cell(l->table, ago_format(at, now, text));
	else
		table_cell(l->table, "now");
}

static void note_error(struct listing *l, const struct outbox_item *item)
{
	if (item->last_error == NULL || item->last_error[0] == '\0' || l->n_errors == ERRORS_MAX)
		return;
	char *text = xasprintf("%s: %s", item->sink, item->last_error);
	for (size_t i = 0; i < l->n_errors; i++) {
		if (strcmp(l->errors[i], text) == 0) {
			free(text);
			return;
		}
	}
	l->errors[l->n_errors++] = text;
}

static void add_row(struct listing *l, const struct outbox_item *item)
{
	bool dead = strcmp(item->status, "dead") == 0;
	char *about = defang(item->group != NULL ? item->group : item->subject);

	table_cellf(l->table, "%.8s", item->id);
	table_colour(l->table, dead ? l->palette.red : strcmp(item->status, "sent") == 0 ? l->palette.green : "");
	table_cell(l->table, item->status);
	table_cell(l->table, item->sink);
	table_cell(l->table, event_name(item->event));
	table_cell(l->table, about);
	table_cellf(l->table, "%d", item->attempts);
	when_cell(l, item);
	if (l->wide)
		table_cell(l->table, item->last_error != NULL ? item->last_error : "");
	else
		note_error(l, item);
	free(about);
}

static void print_errors(const struct listing *l)
{
	char safe[512];

	if (l->n_errors > 0)
		fputs("\nLast errors\n", l->cli->out);
	for (size_t i = 0; i < l->n_errors; i++)
		cli_paragraph(l->cli->out, l->cli->width, 2, text_escape(slice_text(l->errors[i]), safe, sizeof(safe)));
}

static bool on_item(void *ctx, const struct outbox_item *item)
{
	struct listing *l = ctx;

	l->n++;
	if (l->format == OUTPUT_TEXT)
		add_row(l, item);
	else if (l->format == OUTPUT_JSONL)
		cli_json(l->cli, OUTPUT_JSONL, item_json(item));
	else
		json_array_append_new(l->array, item_json(item));
	return true;
}

static void make_table(struct listing *l)
{
	l->table = table_new();
	table_column(l->table, "ID", ALIGN_LEFT, 0);
	table_column(l->table, "STATUS", ALIGN_LEFT, 0);
	table_column(l->table, "SINK", ALIGN_LEFT, 6);
	table_column(l->table, "EVENT", ALIGN_LEFT, 7);
	table_column(l->table, "ABOUT", ALIGN_LEFT, 0);
	table_column(l->table, "TRIES", ALIGN_RIGHT, 0);
	table_column(l->table, "WHEN", ALIGN_LEFT, 0);
	if (l->wide)
		table_column(l->table, "LAST ERROR", ALIGN_LEFT, 10);
}

static int list(struct cli *cli, struct state *st, const struct alerts_cli_options *options)
{
	struct listing l = { .cli = cli, .format = options->format, .palette = cli_palette(cli), .array = json_array() };
	const char *status = options->dead ? "dead" : options->status;
	struct error err;

	l.wide = cli->width >= WIDE;
	make_table(&l);
	bool ok = state_outbox_each(st, options->sink, status, (size_t)options->limit, on_item, &l, &err);

	if (ok && l.format == OUTPUT_JSON)
		cli_json(cli, OUTPUT_JSON, json_incref(l.array));
	if (ok && l.format == OUTPUT_TEXT && l.n > 0)
		table_print(l.table, cli);
	print_errors(&l);
	if (ok && l.format == OUTPUT_TEXT && l.n == 0)
		fprintf(cli->out, status != NULL ? "No alert is %s.\n" : "The outbox is empty.\n", status);
	if (ok && l.format == OUTPUT_TEXT && options->limit > 0 && l.n == options->limit)
		fprintf(cli->err, "only the newest %llu are shown; --limit 0 shows all\n", (unsigned long long)l.n);
	table_free(l.table);
	for (size_t i = 0; i < l.n_errors; i++)
		free(l.errors[i]);
	json_decref(l.array);
	return ok ? EXIT_DONE : cli_fail_state(cli, &err);
}

/* ---- retry ----------------------------------------------------------------------------------------------- */

struct search {
	const char *prefix;
	char id[FINDING_ID_LEN + 1];
	size_t n;
};

static bool on_dead(void *ctx, const struct outbox_item *item)
{
	struct search *search = ctx;

	if (strncmp(item->id, search->prefix, strlen(search->prefix)) == 0) {
		memcpy(search->id, item->id, sizeof(search->id));
		search->n++;
	}
	return search->n < 2;
}

static int retry_one(struct cli *cli, struct state *st, const char *prefix)
{
	struct search search = { .prefix = prefix };
	struct error err;
	size_t n;

	if (strlen(prefix) < PREFIX_MIN)
		return cli_usage(cli, "'%s' is too short for an id: %d letters at least", prefix, PREFIX_MIN);
	if (!state_outbox_each(st, NULL, "dead", 0, on_dead, &search, &err))
		return cli_fail_state(cli, &err);
	if (search.n != 1) {
		fprintf(cli->err, "ctwatch alerts: %s dead letter has an id that begins with '%s'\n", search.n == 0 ? "no" : "more than one", prefix);
		return EXIT_NO;
	}
	if (!state_outbox_retry(st, search.id, cli->now_ms, &n, &err))
		return cli_fail_state(cli, &err);
	if (!cli->quiet)
		fprintf(cli->out, "%.8s waits again: a running ctwatch sends it within seconds\n", search.id);
	return EXIT_DONE;
}

static int retry_all(struct cli *cli, struct state *st)
{
	struct error err;
	size_t n;

	if (!state_outbox_retry(st, NULL, cli->now_ms, &n, &err))
		return cli_fail_state(cli, &err);
	if (!cli->quiet)
		fprintf(cli->out, n == 0 ? "There are no dead letters.\n" : n == 1 ? "1 alert waits again.\n" : "%zu alerts wait again.\n", n);
	return n > 0 ? EXIT_DONE : EXIT_NO;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static bool is_status(const char *text)
{
	static const char *const statuses[] = { "waiting", "digest", "sent", "dead" };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (strcmp(text, statuses[i]) == 0)
			return true;
	return false;
}

static int retry(struct cli *cli, const struct alerts_cli_options *options, char **ids, int n_ids)
{
	struct state *st;
	struct error err;
	int code = EXIT_DONE;

	if (options->all == (n_ids > 0))
		return cli_usage(cli, "retry wants the ids of dead letters, or --all");
	if (!cli_state(cli, STATE_WRITE, &st, &err))
		return cli_fail(cli, &err);
	if (options->all)
		code = retry_all(cli, st);
	for (int i = 0; i < n_ids && code == EXIT_DONE; i++)
		code = retry_one(cli, st, ids[i]);
	state_close(st);
	return code;
}

static int open_and_list(struct cli *cli, const struct alerts_cli_options *options)
{
	struct state *st;
	struct error err;

	if (options->status != NULL && !is_status(options->status))
		return cli_usage(cli, "there is no status '%s': waiting, digest, sent or dead", options->status);
	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	int code = list(cli, st, options);

	state_close(st);
	return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct alerts_cli_options options = { .limit = LIST_MAX };
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	const char *word = argc > 1 ? argv[1] : "list";

	if (strcmp(word, "retry") == 0)
		return retry(cli, &options, argv + 2, argc - 2);
	if (strcmp(word, "list") != 0 && strcmp(word, "test") != 0)
		return cli_usage(cli, "there is no 'alerts %s'", word);
	if (argc > 2)
		return cli_usage(cli, "%s takes options only, but there is '%s'", word, argv[2]);
	return strcmp(word, "test") == 0 ? alerts_cli_test(cli, &options) : open_and_list(cli, &options);
}

const struct command alerts_command = {
	.name = "alerts",
	.summary = "what was told to whom: list, test every sink, send again",
	.usage = "[list] [--dead] [--sink NAME] [--status STATUS] [-n N]\n"
		 "test [--sink NAME]\n"
		 "retry ID...|--all",
	.help = "Lists the outbox, newest first: every alert with its sink, how often it was\n"
		"tried, and the last error. An alert that could not be delivered for as long as\n"
		"its sink is retried (3 days) is dead; retry sends it again, with the same id.\n"
		"\n"
		"test sends a marked message through every configured sink and prints what each\n"
		"one answered. Nothing is stored, and a running ctwatch is not disturbed.\n"
		"\n"
		"  ctwatch alerts --dead\n"
		"  ctwatch alerts retry --all\n"
		"  ctwatch alerts test --sink mail\n"
		"\n"
		"Exit code 1: a sink refused, there is no sink to test, or nothing to retry.",
	.options = OPTIONS,
	.run = run,
};
