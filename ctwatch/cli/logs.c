/* `ctwatch logs`: every log, how far it is read and proven, and which are not read and why. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "logs_cli.h"

struct logs_options {
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "format", 0, OPTION_FORMAT, offsetof(struct logs_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

struct listing {
	struct cli *cli;
	const char *wanted;               /* part of a name or URL, or NULL */
	enum output_format format;
	struct palette palette;
	struct table *table;
	json_t *array;
	uint64_t n_read, n_other;
};

static bool is_read(const struct state_log *log)
{
	return log->why_not_read == NULL;
}

static uint64_t entries_behind(const struct state_log *log)
{
	return log->start_index >= 0 && log->head_size > log->position ? log->head_size - log->position : 0;
}

/* How old is what was read last? At the head it is as new as it can be. */
static const char *lag_text(const struct state_log *log, int64_t now_ms, char out[TIME_TEXT_LEN])
{
	if (log->start_index < 0 || log->head_size == 0)
		return "-";
	if (entries_behind(log) == 0)
		return "none";
	if (log->last_entry_ms == 0)
		return "unknown";
	return age_short(log->last_entry_ms, now_ms, out);
}

/* The one thing that a line has room for: the worst. */
static char *note_of(const struct state_log *log)
{
	if (log->n_open_incidents > 0)
		return xasprintf("%" PRIu64 " incident%s open", log->n_open_incidents, log->n_open_incidents == 1 ? "" : "s");
	if (log->last_error != NULL)
		return xstrdup(log->last_error);
	if (log->last_success_ms == 0)
		return xstrdup("no answer yet");
	return xstrdup(strcmp(log->lifecycle, "usable") == 0 ? "" : log->lifecycle);
}

static json_t *number_or_null(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

static json_t *time_or_null(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return time_ms > 0 && time_ms < INT64_MAX ? json_string(time_format_rfc3339(time_ms, text)) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *log_json(const struct state_log *log)
{
	char id[BASE64_LEN(HASH_LEN) + 1];
	bool started = log->start_index >= 0;
	json_t *o = json_object();

	base64_encode(log->log_id.bytes, HASH_LEN, id);
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "name", text_or_null(log->name));
	json_object_set_new(o, "url", text_or_null(log->url));
	json_object_set_new(o, "operator", text_or_null(log->log_operator));
	json_object_set_new(o, "protocol", text_or_null(log->protocol));
	json_object_set_new(o, "lifecycle", text_or_null(log->lifecycle));
	json_object_set_new(o, "read", json_boolean(is_read(log)));
	json_object_set_new(o, "why_not_read", text_or_null(log->why_not_read));
	json_object_set_new(o, "size", number_or_null(log->head_size > 0, log->head_size));
	json_object_set_new(o, "head_timestamp", time_or_null(log->head_timestamp_ms));
	json_object_set_new(o, "start_index", number_or_null(started, (uint64_t)log->start_index));
	json_object_set_new(o, "position", number_or_null(started, log->position));
	json_object_set_new(o, "behind", number_or_null(started, entries_behind(log)));
	json_object_set_new(o, "read_entries", json_integer((json_int_t)log->read_entries));
	json_object_set_new(o, "verified_size", json_integer((json_int_t)log->verified_size));
	json_object_set_new(o, "verified", time_or_null(log->verified_ms));
	json_object_set_new(o, "last_entry", time_or_null(log->last_entry_ms));
	json_object_set_new(o, "last_success", time_or_null(log->last_success_ms));
	json_object_set_new(o, "last_error", text_or_null(log->last_error));
	json_object_set_new(o, "last_error_at", time_or_null(log->last_error_ms));
	json_object_set_new(o, "open_incidents", json_integer((json_int_t)log->n_open_incidents));
	json_object_set_new(o, "interval_end", time_or_null(log->sunset_ms));
	return o;
}

static void add_row(struct listing *l, const struct state_log *log)
{
	char count[TIME_TEXT_LEN], lag[TIME_TEXT_LEN], *note = note_of(log);
	bool started = log->start_index >= 0;

	table_cell(l->table, log->name);
	table_cell(l->table, log->protocol[0] == 's' ? "static" : "classic");
	table_cell(l->table, log->head_size > 0 ? count_short(log->head_size, count) : "-");
	table_cell(l->table, started ? count_short(entries_behind(log), count) : "-");
	table_cell(l->table, lag_text(log, l->cli->now_ms, lag));
	table_cell(l->table, log->verified_size == 0 ? "-" : log->verified_size >= log->position ? "all" : count_short(log->verified_size, count));
	table_colour(l->table, log->n_open_incidents > 0 ? l->palette.red : log->last_error != NULL ? l->palette.yellow : "");
	table_cell(l->table, note);
	free(note);
}

/* ---- one log ------------------------------------------------------------------------------------------ */

static void print_line(struct cli *cli, const char *label, const char *text)
{
	char safe[2048];

	fprintf(cli->out, "  %-11s %s\n", label, text_escape(slice_text(text), safe, sizeof(safe)));
}

static void print_when(struct cli *cli, const char *label, int64_t time_ms)
{
	char text[TIME_TEXT_LEN], ago[TIME_TEXT_LEN];

	if (time_ms == 0) {
		print_line(cli, label, "never");
		return;
	}
	time_format_rfc3339(time_ms, text);
	fprintf(cli->out, "  %-11s %.10s %.8s UTC (%s)\n", label, text, text + 11, ago_format(time_ms, cli->now_ms, ago));
}

static void print_count(struct cli *cli, const char *label, uint64_t n)
{
	char text[TIME_TEXT_LEN];

	print_line(cli, label, count_format(n, text));
}

static void print_log(struct cli *cli, const struct state_log *log)
{
	char id[BASE64_LEN(HASH_LEN) + 1], safe[512];

	base64_encode(log->log_id.bytes, HASH_LEN, id);
	fprintf(cli->out, "%s\n", text_escape(slice_text(log->name), safe, sizeof(safe)));
	print_line(cli, "id", id);
	print_line(cli, "url", log->url);
	print_line(cli, "operator", log->log_operator);
	print_line(cli, "protocol", log->protocol);
	print_line(cli, "lifecycle", log->lifecycle);
	if (log->why_not_read != NULL)
		print_line(cli, "not read", log->why_not_read);
	if (log->head_size > 0) {
		print_count(cli, "size", log->head_size);
		print_when(cli, "head of", log->head_timestamp_ms);
	}
	if (log->start_index >= 0) {
		print_count(cli, "started at", (uint64_t)log->start_index);
		print_count(cli, "position", log->position);
		print_count(cli, "behind", entries_behind(log));
		print_count(cli, "read", log->read_entries);
		print_count(cli, "proven", log->verified_size);
		print_when(cli, "newest", log->last_entry_ms);
	}
	print_when(cli, "answered", log->last_success_ms);
	if (log->last_error != NULL) {
		print_when(cli, "failed", log->last_error_ms);
		print_line(cli, "because", log->last_error);
	}
	print_count(cli, "incidents", log->n_open_incidents);
}

static bool is_wanted(const struct listing *l, const struct state_log *log)
{
	return l->wanted == NULL || strcasestr(log->name, l->wanted) != NULL || strcasestr(log->url, l->wanted) != NULL;
}

static bool on_wanted(void *ctx, const struct state_log *log)
{
	struct listing *l = ctx;

	if (!is_wanted(l, log))
		return true;
	if (l->n_read++ > 0)
		fputc('\n', l->cli->out);
	print_log(l->cli, log);
	return true;
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

static bool on_read(void *ctx, const struct state_log *log)
{
	struct listing *l = ctx;

	if (is_read(log)) {
		l->n_read++;
		add_row(l, log);
	} else {
		l->n_other++;
	}
	return true;
}

/* Logs that are not read, by reason: many share one. */
struct unread {
	char *name, *why;
};

struct unread_list {
	struct unread *items;
	size_t n, cap;
};

static void add_unread(struct unread_list *list, const char *name, const char *why)
{
	if (list->n == list->cap) {
		list->cap = list->cap == 0 ? 64 : list->cap * 2;
		list->items = xreallocarray(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->n++] = (struct unread){ xstrdup(name), xstrdup(why) };
}

static bool on_other(void *ctx, const struct state_log *log)
{
	if (!is_read(log))
		add_unread(ctx, log->name, log->why_not_read);
	return true;
}

/* Entries of lists that break a rule. */
static void add_broken(struct unread_list *list, const json_t *fact)
{
	size_t i;
	json_t *unread;

	json_array_foreach(json_object_get(fact, "unread"), i, unread) {
		const char *name = json_string_value(json_object_get(unread, "name")), *why = json_string_value(json_object_get(unread, "why_not_read"));
		char *whole = xasprintf("its entry in the list breaks a rule: %s", why != NULL ? why : "?");

		add_unread(list, name != NULL ? name : "?", whole);
		free(whole);
	}
}

static int by_reason(const void *a, const void *b)
{
	const struct unread *x = a, *y = b;
	int order = strcmp(x->why, y->why);

	return order != 0 ? order : strcmp(x->name, y->name);
}

/* The names that share the reason of items[from]; returns the index behind them. */
static size_t print_group(struct cli *cli, const struct unread_list *list, size_t from)
{
	char safe[512];
	struct buf names;
	size_t i = from;

	buf_init(&names, 1u << 20);
	for (; i < list->n && strcmp(list->items[i].why, list->items[from].why) == 0; i++)
		buf_printf(&names, "%s%s", i > from ? ", " : "", text_escape(slice_text(list->items[i].name), safe, sizeof(safe)));
	char *head = xasprintf("Not read (%zu): %s", i - from, text_escape(slice_text(list->items[from].why), safe, sizeof(safe)));

	cli_paragraph(cli->out, cli->width, 0, head);
	cli_paragraph(cli->out, cli->width, 2, buf_text(&names));
	free(head);
	buf_deinit(&names);
	return i;
}

static bool print_others(struct cli *cli, struct state *st, const json_t *fact, bool first, struct error *err)
{
	struct unread_list list = { 0 };
	bool ok = state_each_log(st, on_other, &list, err);

	add_broken(&list, fact);
	if (list.n > 0)
		qsort(list.items, list.n, sizeof(*list.items), by_reason);
	for (size_t i = 0; ok && i < list.n;) {
		fputs(first && i == 0 ? "" : "\n", cli->out);
		i = print_group(cli, &list, i);
	}
	for (size_t i = 0; i < list.n; i++) {
		free(list.items[i].name);
		free(list.items[i].why);
	}
	free(list.items);
	return ok;
}

static bool on_json(void *ctx, const struct state_log *log)
{
	struct listing *l = ctx;

	if (!is_wanted(l, log))
		return true;
	l->n_read++;
	if (l->format == OUTPUT_JSONL)
		cli_json(l->cli, OUTPUT_JSONL, log_json(log));
	else
		json_array_append_new(l->array, log_json(log));
	return true;
}

static void print_broken(struct listing *l, const json_t *unread)
{
	char safe[512];
	const char *members[] = { "id", "url", "operator" };

	if (l->n_read++ > 0)
		fputc('\n', l->cli->out);
	fprintf(l->cli->out, "%s\n", text_escape(slice_text(json_string_value(json_object_get(unread, "name"))), safe, sizeof(safe)));
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = json_string_value(json_object_get(unread, members[i]));

		print_line(l->cli, members[i], text != NULL && text[0] != '\0' ? text : "not known");
	}
	char *why = xasprintf("its entry in the list breaks a rule: %s", json_string_value(json_object_get(unread, "why_not_read")));
	print_line(l->cli, "not read", why);
	free(why);
}

static void broken_json(struct listing *l, const json_t *unread)
{
	l->n_read++;
	if (l->format == OUTPUT_JSONL)
		cli_json(l->cli, OUTPUT_JSONL, logs_unread_json(unread));
	else
		json_array_append_new(l->array, logs_unread_json(unread));
}

static void each_broken(struct listing *l, struct state *st, void (*fn)(struct listing *, const json_t *unread))
{
	json_t *fact = logs_fact(st), *unread;
	size_t i;

	json_array_foreach(json_object_get(fact, "unread"), i, unread)
		if (logs_unread_is_wanted(unread, l->wanted) && json_is_string(json_object_get(unread, "name")) &&
		    json_is_string(json_object_get(unread, "why_not_read")))
			fn(l, unread);
	json_decref(fact);
}

static struct table *read_table(void)
{
	struct table *table = table_new();

	table_column(table, "LOG", ALIGN_LEFT, 0);
	table_column(table, "API", ALIGN_LEFT, 0);
	table_column(table, "SIZE", ALIGN_RIGHT, 0);
	table_column(table, "BEHIND", ALIGN_RIGHT, 0);
	table_column(table, "LAG", ALIGN_LEFT, 4);
	table_column(table, "PROVEN", ALIGN_RIGHT, 0);
	table_column(table, "NOTE", ALIGN_LEFT, 16);
	return table;
}

static bool print_tables(struct listing *l, struct state *st, struct error *err)
{
	l->table = read_table();
	bool ok = state_each_log(st, on_read, l, err);

	if (ok && l->n_read > 0)
		table_print(l->table, l->cli);
	table_free(l->table);
	json_t *fact = logs_fact(st);
	l->n_other += json_array_size(json_object_get(fact, "unread"));
	ok = ok && print_others(l->cli, st, fact, l->n_read == 0, err);
	if (ok)
		logs_print_lists(l->cli, fact);
	json_decref(fact);
	return ok;
}

static int list(struct cli *cli, struct state *st, enum output_format format, const char *wanted)
{
	struct listing l = { .cli = cli, .wanted = wanted, .format = format, .palette = cli_palette(cli) };
	struct error err;
	bool ok;

	if (format == OUTPUT_TEXT) {
		ok = wanted != NULL ? state_each_log(st, on_wanted, &l, &err) : print_tables(&l, st, &err);
		if (wanted != NULL)
			each_broken(&l, st, print_broken);
	} else {
		l.array = json_array();
		ok = state_each_log(st, on_json, &l, &err);
		each_broken(&l, st, broken_json);
		if (ok && format == OUTPUT_JSON)
			cli_json(cli, OUTPUT_JSON, json_incref(l.array));
		json_decref(l.array);
	}
	if (!ok)
		return cli_fail_state(cli, &err);
	if (l.n_read + l.n_other > 0)
		return EXIT_DONE;
	if (wanted != NULL) {
		char safe[256];

		fprintf(cli->err, "ctwatch logs: no log has \"%s\" in its name or URL\n", text_escape(slice_text(wanted), safe, sizeof(safe)));
		return EXIT_NO;
	}
	if (format == OUTPUT_TEXT)
		fputs("No log has been followed yet; `ctwatch run` begins. When it has run: `ctwatch incidents` says why a list of\n"
		      "logs cannot be read.\n", cli->out);
	return EXIT_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct logs_options options = { 0 };
	struct state *st;
	struct error err;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 2)
		return cli_usage(cli, "it takes one word, a part of a log's name");
	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	code = list(cli, st, options.format, argv[1]);
	state_close(st);
	return code;
}

const struct command logs_command = {
	.name = "logs",
	.summary = "every log: how far it is read and proven, which are not, and why",
	.usage = "[NAME] [--format text|json|jsonl]",
	.help = "Without a word, a line for every log; with a part of a log's name or URL, all\n"
		"that is known of it.\n"
		"\n"
		"SIZE is the newest tree head whose signature is good, BEHIND the entries up to\n"
		"it that are not read yet, LAG the age of the newest entry that was read, PROVEN\n"
		"how much of what was read is covered by a signed tree head whose root was\n"
		"rebuilt.",
	.options = OPTIONS,
	.run = run,
};
