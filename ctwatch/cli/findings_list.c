/* `findings list`: a table for people, JSON for programs; both stream. */
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "render.h"
#include "rules.h"

#define TABLE_ROWS 100            /* shown unless told: a screen or three */
#define ID_SHOWN 8

struct listing {
	struct cli *cli;
	struct state *st;
	enum output_format format;
	struct palette palette;
	struct row *rows;                 /* one for each registrable domain and status, newest first */
	size_t n_rows, rows_cap;
	json_t *row_of;                   /* their numbers, by domain and status */
	uint64_t n, limit;
	bool more;
	bool failed;
	struct error err;
};

/* ---- for people ------------------------------------------------------------------------------------------- */

/* A published domain is often built like the actor's and named like a brand as well: that is one thing to look at, not three. */
struct row {
	char id[ID_SHOWN + 1];
	int score;
	char *name, *whose, *status;
	int64_t first_seen_ms;            /* of the newest */
	unsigned n_more;                  /* findings of other rules */
};

static struct row *row_for(struct listing *l, const struct finding *f)
{
	char *key = xasprintf("%s %s", f->status, f->registrable_domain);
	json_t *number = json_object_get(l->row_of, key);
	struct row *row;

	if (number != NULL) {
		row = &l->rows[json_integer_value(number)];
		row->n_more++;
	} else {
		json_object_set_new(l->row_of, key, json_integer((json_int_t)l->n_rows));
		if (l->n_rows == l->rows_cap) {
			l->rows_cap = l->rows_cap == 0 ? 64 : l->rows_cap * 2;
			l->rows = xreallocarray(l->rows, l->rows_cap, sizeof(*l->rows));
		}
		row = &l->rows[l->n_rows++];
		*row = (struct row){ .score = -1, .first_seen_ms = f->first_seen_ms, .status = xstrdup(f->status) };
	}
	free(key);
	return row;
}

/* The row shows the strongest; of equals the one that names an organisation, which says most. */
static void add_to_row(struct listing *l, const struct finding *f)
{
	struct row *row = row_for(l, f);

	if (f->score < row->score || (f->score == row->score && f->brand == NULL))
		return;
	free(row->name);
	free(row->whose);
	snprintf(row->id, sizeof(row->id), "%.*s", ID_SHOWN, f->id);
	row->score = f->score;
	row->name = defang(f->name);
	row->whose = xstrdup(f->brand != NULL ? f->brand : f->kind);
}

static void free_rows(struct listing *l)
{
	for (size_t i = 0; i < l->n_rows; i++) {
		free(l->rows[i].name);
		free(l->rows[i].whose);
		free(l->rows[i].status);
	}
	free(l->rows);
	json_decref(l->row_of);
}

static void add_row(const struct listing *l, struct table *table, const struct row *row, bool any_more, bool any_decided)
{
	const char *severity = severity_name(severity_of(row->score));
	char age[TIME_TEXT_LEN];

	table_cell(table, row->id);
	table_colour(table, palette_severity(&l->palette, severity));
	table_cellf(table, "%3d %s", row->score, severity);
	table_cell(table, row->name);
	table_cell(table, row->whose);
	if (any_more) {
		if (row->n_more > 0)
			table_cellf(table, "+%u", row->n_more);
		else
			table_cell(table, "");
	}
	table_cell(table, age_short(row->first_seen_ms, l->cli->now_ms, age));
	if (any_decided)
		table_cell(table, row->status);
}

/* ---- for programs ------------------------------------------------------------------------------------------ */

/* One object a line; for JSON the lines are elements of an array. */
static bool print_row(struct listing *l, const struct finding *f)
{
	char *text;

	if (!state_finding_json(l->st, f, &text, &l->err)) {
		l->failed = true;
		return false;
	}
	fprintf(l->cli->out, "%s%s", l->format == OUTPUT_JSON && l->n > 0 ? ",\n" : "", text);
	if (l->format == OUTPUT_JSONL)
		fputc('\n', l->cli->out);
	free(text);
	return true;
}

static bool on_finding(void *ctx, const struct finding *f)
{
	struct listing *l = ctx;

	if (l->limit > 0 && l->n >= l->limit) {
		l->more = true;
		return false;
	}
	if (l->format == OUTPUT_TEXT)
		add_to_row(l, f);
	else if (!print_row(l, f))
		return false;
	l->n++;
	return true;
}

static struct table *new_table(bool any_more, bool any_decided)
{
	struct table *table = table_new();

	table_column(table, "ID", ALIGN_LEFT, 0);
	table_column(table, "SCORE", ALIGN_LEFT, 0);
	table_column(table, "NAME", ALIGN_LEFT, 0);
	table_column(table, "FOR", ALIGN_LEFT, 8);
	if (any_more)
		table_column(table, "+", ALIGN_LEFT, 0);
	table_column(table, "AGE", ALIGN_RIGHT, 0);
	if (any_decided)
		table_column(table, "STATUS", ALIGN_LEFT, 6);
	return table;
}

static void print_table(struct listing *l, const struct findings_options *options)
{
	if (l->n == 0) {
		fprintf(l->cli->out, "Nothing %s%s.\n", options->all ? "found" : "flagged",
			options->since_ms != 0 || options->until_ms != 0 ? " in that time" : "");
		return;
	}
	/* names need the room of columns that would say nothing */
	bool any_more = false, any_decided = false;

	for (size_t i = 0; i < l->n_rows; i++) {
		any_more |= l->rows[i].n_more > 0;
		any_decided |= strcmp(l->rows[i].status, "new") != 0;
	}
	struct table *table = new_table(any_more, any_decided);
	for (size_t i = 0; i < l->n_rows; i++)
		add_row(l, table, &l->rows[i], any_more, any_decided);
	table_print(table, l->cli);
	table_free(table);
	if (any_more)
		fprintf(l->cli->out, "\n+1: another rule found the same domain. 'findings show NAME' shows all of them,\nand decisions (ack, dismiss ...) take a NAME for all of them too.\n");
	if (l->more)
		fprintf(l->cli->out, "\nThe newest %llu findings; --limit 0 shows all.\n", (unsigned long long)l->n);
}

int findings_list(struct cli *cli, struct state *st, const struct findings_options *options)
{
	const struct finding_filter filter = {
		.rule = options->rule,
		.kind = options->kind,
		.brand = options->brand,
		.status = options->status,
		.since_ms = options->since_ms,
		.until_ms = options->until_ms,
		.min_score = options->min_score,
		.all = options->all,
	};
	struct listing l = {
		.cli = cli,
		.st = st,
		.format = options->format,
		.palette = cli_palette(cli),
		.limit = options->limit != UINT64_MAX ? options->limit : options->format == OUTPUT_TEXT ? TABLE_ROWS : 0,
	};

	l.row_of = json_object();
	if (l.format == OUTPUT_JSON)
		fputs("[", cli->out);
	bool ok = state_each_finding(st, &filter, on_finding, &l, &l.err) && !l.failed;
	if (l.format == OUTPUT_JSON)
		fputs("]\n", cli->out);
	if (ok && l.format == OUTPUT_TEXT)
		print_table(&l, options);
	free_rows(&l);
	if (!ok)
		return cli_fail_state(cli, &l.err);
	return l.n > 0 ? EXIT_DONE : EXIT_NO;
}
