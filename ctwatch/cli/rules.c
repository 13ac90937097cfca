/* `ctwatch rules`: what is compiled, and files of expected verdicts. */
#include "json_read.h"
#include "rules_cli.h"

#include <stdlib.h>
#include <string.h>

#define RULES_SHOWN_MAX 100      /* a table of 10 000 brands is for --format json */

struct rules_options {
	const char *rules, *issuer, *output;
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "rules", 0, OPTION_TEXT, offsetof(struct rules_options, rules), "LIST", "packs and files, separated by commas, instead of the configuration's" },
	{ "issuer", 0, OPTION_TEXT, offsetof(struct rules_options, issuer), "TEXT", "test: organisation of the issuer (Let's Encrypt)" },
	{ "output", 'o', OPTION_TEXT, offsetof(struct rules_options, output), "FILE", "learn: where the pack goes (standard output)" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct rules_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

/* ---- list --------------------------------------------------------------------------------------------------- */

static long long number_of(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_recall(struct cli *cli, json_t *recall)
{
	json_t *row;
	size_t i;

	json_array_foreach(recall, i, row) {
		int column = fprintf(cli->out, "    %lld: ", number_of(row, "year")), indent = column;

		if (json_object_get(row, "names") != NULL)
			column += fprintf(cli->out, "%lld of %lld found; ", number_of(row, "found"), number_of(row, "names"));
		cli_continue(cli->out, cli->width, column, indent, json_read_text(row, "how"));
	}
}

static void print_pack(struct cli *cli, json_t *pack)
{
	struct palette colours = cli_palette(cli);
	json_t *row, *naming = json_object_get(pack, "naming"), *learned = json_object_get(naming, "learned");
	size_t i;

	fprintf(cli->out, "%s%s%s (%s)\n", colours.bold, json_read_text(pack, "id"), colours.reset, json_read_text(json_object_get(pack, "actor"), "name"));
	json_array_foreach(json_object_get(pack, "sources"), i, row)
		cli_print_sentence(cli, "  %s, %s: %s", json_read_text(row, "published"), json_read_text(row, "publisher"), json_read_text(row, "title"));
	json_array_foreach(json_object_get(pack, "indicators"), i, row)
		fprintf(cli->out, "  published %s: %lld domains, %lld addresses\n", json_read_text(row, "published"), number_of(row, "domains"), number_of(row, "addresses"));
	if (naming != NULL)
		cli_print_sentence(cli, "  naming: %lld terms, flagged from %lld points; %lld false alarms in a million ordinary names", number_of(naming, "terms"),
			number_of(naming, "min_score"), number_of(learned, "false_alarms_per_million"));
	if (json_array_size(json_object_get(pack, "recall")) > 0) {
		fprintf(cli->out, "  measured recall by year:\n");
		print_recall(cli, json_object_get(pack, "recall"));
	}
	if (json_read_text(pack, "limits")[0] != '\0') {
		fprintf(cli->out, "  what it cannot do: ");
		cli_continue(cli->out, cli->width, 21, 4, json_read_text(pack, "limits"));
	}
	fputc('\n', cli->out);
}

static void print_list(struct cli *cli, json_t *description)
{
	struct table *table = table_new();
	json_t *packs = json_object_get(description, "packs"), *rules = json_object_get(description, "rules"), *row;
	size_t i;

	json_array_foreach(packs, i, row)
		print_pack(cli, row);
	table_column(table, "RULE", ALIGN_LEFT, 0);
	table_column(table, "FROM", ALIGN_RIGHT, 0);
	table_column(table, "ISSUER", ALIGN_LEFT, 8);
	table_column(table, "WHAT", ALIGN_LEFT, 20);
	json_array_foreach(rules, i, row) {
		json_t *issuers = json_object_get(row, "issuers");
		const char *first = json_string_value(json_array_get(issuers, 0));

		if (i == RULES_SHOWN_MAX)
			break;
		table_cell(table, json_read_text(row, "rule"));
		table_cellf(table, "%lld", number_of(row, "min_score"));
		table_cellf(table, "%s%s", strcmp(first, "*") == 0 ? "any" : first, json_array_size(issuers) > 1 ? ", ..." : "");
		table_cell(table, json_read_text(row, "what"));
	}
	table_print(table, cli);
	table_free(table);
	if (json_array_size(rules) > RULES_SHOWN_MAX)
		fprintf(cli->out, "... and %zu more (--format json shows all)\n", json_array_size(rules) - RULES_SHOWN_MAX);
	json_array_foreach(json_object_get(description, "warnings"), i, row)
		cli_print_sentence(cli, "warning: %s", json_string_value(row));
	cli_print_sentence(cli, "rule set %s, public suffixes: %s", json_read_text(description, "id"), json_read_text(description, "public_suffixes"));
}

static int list(struct cli *cli, const struct rules_options *options)
{
	struct cli_rules rules;
	struct error err;
	json_t *description;
	char *text;

	if (!cli_rules_open(cli, options->rules, &rules, &err))
		return cli_fail(cli, &err);
	text = ruleset_describe_json(rules.rules);
	description = json_loads(text, 0, NULL);
	free(text);
	if (options->format == OUTPUT_TEXT) {
		print_list(cli, description);
		json_decref(description);
	} else {
		cli_json(cli, options->format, description);
	}
	cli_rules_close(&rules);
	return EXIT_DONE;
}

/* ---- test ----------------------------------------------------------------------------------------------------- */

enum column { COLUMN_SAN, COLUMN_EXPECTED, COLUMN_TECHNIQUE, COLUMN_WHY, N_COLUMNS };

struct verdicts {
	struct cli *cli;
	struct cli_rules rules;
	struct slice issuer;
	struct table *failures;
	size_t n_cases, n_failed;
};

static size_t split(struct slice line, struct slice columns[N_COLUMNS])
{
	size_t n = 0;

	while (n < N_COLUMNS) {
		ptrdiff_t tab = slice_find(line, '\t');

		columns[n++] = slice_sub(line, 0, tab < 0 ? line.len : (size_t)tab);
		if (tab < 0)
			break;
		line = slice_sub(line, (size_t)tab + 1, line.len);
	}
	return n;
}

/* "brand/cija", or only "cija". */
static bool is_expected(const char *rule, struct slice expected)
{
	const char *id = strchr(rule, '/');

	return slice_equal_text(expected, rule) || (id != NULL && slice_equal_text(expected, id + 1));
}

static void judge_case(struct verdicts *v, struct slice columns[N_COLUMNS], size_t n)
{
	char *text = ruleset_explain_json(v->rules.rules, v->rules.scratch, columns[COLUMN_SAN], v->issuer);
	json_t *answer = json_loads(text, 0, NULL), *match;
	bool silent = slice_equal_text(columns[COLUMN_EXPECTED], "-"), ok = silent;
	char *found = NULL;
	size_t i;

	free(text);
	json_array_foreach(json_object_get(answer, "matches"), i, match) {
		const char *rule = json_read_text(match, "rule");

		if (!json_is_true(json_object_get(match, "flagged")))
			continue;
		ok = silent ? false : ok || is_expected(rule, columns[COLUMN_EXPECTED]);
		if (found == NULL)
			found = xasprintf("%s %lld", rule, number_of(match, "score"));
	}
	if (found == NULL && json_is_object(json_object_get(answer, "nearest"))) {
		json_t *nearest = json_object_get(answer, "nearest");

		found = xasprintf("nothing; nearest %s %lld", json_read_text(nearest, "rule"), number_of(nearest, "score"));
	}
	v->n_cases++;
	if (!ok) {
		char *cells[N_COLUMNS] = { 0 };

		v->n_failed++;
		for (i = 0; i < n; i++)
			cells[i] = slice_dup_text(columns[i]);
		table_cell(v->failures, cells[COLUMN_SAN]);
		table_cell(v->failures, cells[COLUMN_EXPECTED]);
		table_cell(v->failures, found != NULL ? found : "nothing");
		table_cell(v->failures, cells[COLUMN_WHY] != NULL ? cells[COLUMN_WHY] : "");
		for (i = 0; i < n; i++)
			free(cells[i]);
	}
	free(found);
	json_decref(answer);
}

static bool read_cases(struct verdicts *v, const char *path, struct error *err)
{
	struct line_reader lines;
	struct slice line, columns[N_COLUMNS];
	size_t number = 0;
	bool ok = true;

	if (!lines_open(&lines, path, false, err))
		return false;
	while (ok && lines_next(&lines, &line)) {
		size_t n;

		number++;
		if (line.len == 0 || line.data[0] == '#')
			continue;
		n = split(line, columns);
		if (number == 1 && slice_equal_text(columns[COLUMN_SAN], "san"))
			continue;
		if (n < 2 || columns[COLUMN_EXPECTED].len == 0)
			ok = error_set(err, ERR_USAGE, "%s:%zu: a case is a name, a tab, and the expected brand or rule, or - for none", path, number);
		else
			judge_case(v, columns, n);
	}
	struct error broken;

	if (!lines_close(&lines, ok ? err : &broken))
		ok = false;
	return ok;
}

static int test(struct cli *cli, const struct rules_options *options, const char *path)
{
	struct verdicts v = { .cli = cli, .issuer = slice_text(options->issuer != NULL ? options->issuer : "Let's Encrypt") };
	struct error err;
	int code = EXIT_DONE;

	if (!cli_rules_open(cli, options->rules, &v.rules, &err))
		return cli_fail(cli, &err);
	v.failures = table_new();
	table_column(v.failures, "NAME", ALIGN_LEFT, 0);
	table_column(v.failures, "EXPECTED", ALIGN_LEFT, 0);
	table_column(v.failures, "FOUND", ALIGN_LEFT, 12);
	table_column(v.failures, "WHY", ALIGN_LEFT, 12);
	if (!read_cases(&v, path, &err)) {
		code = cli_fail(cli, &err);
	} else if (options->format != OUTPUT_TEXT) {
		cli_json(cli, options->format, json_pack("{s:I, s:I}", "cases", (json_int_t)v.n_cases, "failed", (json_int_t)v.n_failed));
	} else {
		if (v.n_failed > 0)
			table_print(v.failures, cli);
		fprintf(cli->out, "%zu of %zu verdicts are as expected\n", v.n_cases - v.n_failed, v.n_cases);
	}
	table_free(v.failures);
	cli_rules_close(&v.rules);
	return code != EXIT_DONE ? code : v.n_failed > 0 || v.n_cases == 0 ? EXIT_NO : EXIT_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct rules_options options = { 0 };
	const char *verb;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	verb = argc > 1 ? argv[1] : "list";
	if (strcmp(verb, "list") == 0)
		return argc > 2 ? cli_usage(cli, "'list' takes no words") : list(cli, &options);
	if (strcmp(verb, "test") == 0)
		return argc == 3 ? test(cli, &options, argv[2]) : cli_usage(cli, "'test' wants one file");
	if (strcmp(verb, "learn") == 0)
		return rules_learn(cli, argc - 2, argv + 2, options.output);
	return cli_usage(cli, "there is no 'rules %s'", verb);
}

const struct command rules_command = {
	.name = "rules",
	.summary = "what is compiled, and tests of it",
	.usage = "[list]\ntest FILE\nlearn ACTOR.json FILE... [-o PACK.json]",
	.help = "list: packs with their dates, sources and measured recall, then every rule.\n"
		"test: a file of expected verdicts, one a line, columns separated by tabs: name, expected brand\n"
		"or rule (- for none), technique, why. The last two are for people. Prints what differs; exit\n"
		"status 1 when something does.\n"
		"\n"
		"learn: a pack for another actor. ACTOR.json lists the actor's published domains, FILE ordinary\n"
		"names, one a line, half a million or more (- is standard input). The least that works:\n"
		"\n"
		"  {\"id\": \"actor-x\", \"actor\": {\"name\": \"Actor X\"},\n"
		"   \"indicators\": [{\"published\": \"2026-03\",\n"
		"                   \"domains\": [\"mail-verify.example\", ...]}]}\n"
		"\n"
		"  ctwatch rules test verdicts.tsv --rules brands.json\n"
		"  zcat names.gz | ctwatch rules learn actor-x.json - -o pack-x.json",
	.options = OPTIONS,
	.run = run,
};
