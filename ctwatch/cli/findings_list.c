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
	struct table *table;
	uint64_t n, limit;
	bool more;
	bool failed;
	struct error err;
};

static void add_row(struct listing *l, const struct finding *f)
{
	const char *severity = severity_name(f->score);
	char age[TIME_TEXT_LEN], *name = defang(f->name);

	table_cellf(l->table, "%.*s", ID_SHOWN, f->id);
	table_colour(l->table, palette_severity(&l->palette, severity));
	table_cellf(l->table, "%3d %s", f->score, severity);
	table_cell(l->table, name);
	table_cell(l->table, f->brand != NULL ? f->brand : f->kind);
	table_cell(l->table, age_short(f->first_seen_ms, l->cli->now_ms, age));
	table_cell(l->table, f->status);
	free(name);
}

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
		add_row(l, f);
	else if (!print_row(l, f))
		return false;
	l->n++;
	return true;
}

static struct table *new_table(void)
{
	struct table *table = table_new();

	table_column(table, "ID", ALIGN_LEFT, 0);
	table_column(table, "SCORE", ALIGN_LEFT, 0);
	table_column(table, "NAME", ALIGN_LEFT, 30);
	table_column(table, "FOR", ALIGN_LEFT, 8);
	table_column(table, "AGE", ALIGN_RIGHT, 0);
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
	table_print(l->table, l->cli);
	if (l->more)
		fprintf(l->cli->out, "\nThe newest %llu; --limit 0 shows all.\n", (unsigned long long)l->n);
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

	if (l.format == OUTPUT_TEXT)
		l.table = new_table();
	if (l.format == OUTPUT_JSON)
		fputs("[", cli->out);
	bool ok = state_each_finding(st, &filter, on_finding, &l, &l.err) && !l.failed;
	if (l.format == OUTPUT_JSON)
		fputs("]\n", cli->out);
	if (ok && l.format == OUTPUT_TEXT)
		print_table(&l, options);
	table_free(l.table);
	if (!ok)
		return cli_fail_state(cli, &l.err);
	return l.n > 0 ? EXIT_DONE : EXIT_NO;
}
