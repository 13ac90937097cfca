/* `ctwatch brands`: what is watched, adding to it, and how much noise a term makes before it is deployed. */
#include "brands_cli.h"

#include <stdlib.h>
#include <string.h>

static const struct option OPTIONS[] = {
	{ "file", 0, OPTION_TEXT, offsetof(struct brands_options, file), "FILE", "add: the brand file (the configuration's own)" },
	{ "csv", 0, OPTION_TEXT, offsetof(struct brands_options, csv), "FILE", "add: many at once, a line each: name, domain, domain ..." },
	{ "dry-run", 'n', OPTION_FLAG, offsetof(struct brands_options, dry_run), NULL, "add: print what would be written" },
	{ "words", 0, OPTION_TEXT, offsetof(struct brands_options, words), "FILE", "noise: a word list to find collisions in, one a line" },
	{ "per-day", 0, OPTION_UINT, offsetof(struct brands_options, per_day), "N", "noise: new names a day (15000000)" },
	{ "rules", 0, OPTION_TEXT, offsetof(struct brands_options, rules), "LIST", "packs and files, separated by commas, instead of the configuration's" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct brands_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

char *texts_joined(json_t *array, const char *separator, const char *member)
{
	struct buf out;
	json_t *value;
	size_t i;
	char *text;

	buf_init(&out, 1u << 16);
	json_array_foreach(array, i, value) {
		const char *item = json_string_value(member != NULL ? json_object_get(value, member) : value);

		if (!buf_append_text(&out, i > 0 ? separator : "") || !buf_append_text(&out, item != NULL ? item : ""))
			break;
	}
	text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

static void print_brands(struct cli *cli, json_t *brands)
{
	struct table *table = table_new();
	json_t *brand, *term;
	size_t i, k;

	table_column(table, "BRAND", ALIGN_LEFT, 0);
	table_column(table, "NAME", ALIGN_LEFT, 12);
	table_column(table, "TERMS", ALIGN_LEFT, 12);
	table_column(table, "OFFICIAL DOMAINS", ALIGN_LEFT, 12);
	table_column(table, "FROM", ALIGN_LEFT, 8);
	json_array_foreach(brands, i, brand) {
		struct buf terms;
		char *domains = texts_joined(json_object_get(brand, "official_domains"), " ", NULL);

		buf_init(&terms, 1u << 14);
		json_array_foreach(json_object_get(brand, "terms"), k, term)
			if (!buf_printf(&terms, "%s%s (%s)", k > 0 ? " " : "", json_string_value(json_object_get(term, "term")),
					json_string_value(json_object_get(term, "class"))))
				break;
		table_cell(table, json_string_value(json_object_get(brand, "id")));
		table_cell(table, json_string_value(json_object_get(brand, "name")));
		table_cell(table, buf_text(&terms));
		table_cell(table, domains[0] != '\0' ? domains : "none given");
		table_cell(table, json_string_value(json_object_get(brand, "source")));
		free(domains);
		buf_deinit(&terms);
	}
	table_print(table, cli);
	table_free(table);
}

json_t *brands_described(const struct cli_rules *rules)
{
	char *text = ruleset_brands_json(rules->rules);
	json_t *brands = json_loads(text, 0, NULL);

	free(text);
	return brands;
}

static int list(struct cli *cli, const struct brands_options *options)
{
	struct cli_rules rules;
	struct error err;
	json_t *brands;

	if (!cli_rules_open(cli, options->rules, &rules, &err))
		return cli_fail(cli, &err);
	brands = brands_described(&rules);
	if (options->format == OUTPUT_TEXT) {
		print_brands(cli, brands);
		json_decref(brands);
	} else {
		cli_json(cli, options->format, brands);
	}
	cli_rules_close(&rules);
	return EXIT_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct brands_options options = { .per_day = NAMES_PER_DAY };
	const char *verb;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	verb = argc > 1 ? argv[1] : "list";
	if (strcmp(verb, "list") == 0)
		return argc > 2 ? cli_usage(cli, "'list' takes no words") : list(cli, &options);
	if (strcmp(verb, "add") == 0)
		return brands_add(cli, &options, argc - 2, argv + 2);
	if (strcmp(verb, "noise") == 0)
		return argc == 3 ? brands_noise(cli, &options, argv[2]) : cli_usage(cli, "'noise' wants one file of names");
	return cli_usage(cli, "there is no 'brands %s'", verb);
}

const struct command brands_command = {
	.name = "brands",
	.summary = "the organisations you watch: list, add, measure their noise",
	.usage = "[list]\nadd NAME DOMAIN... [--file FILE]\nadd --csv FILE [--file FILE]\nnoise FILE [--words FILE]",
	.help = "add: a name and its real domains are enough; terms are derived from both. Writes the brand file\n"
		"that the configuration names (or --file) and prints what will be caught and what will not.\n"
		"\n"
		"noise: a file of ordinary names, one a line, plain or gzip: per brand and term how many of a million\n"
		"would be flagged, how many a day, and advice about terms that are ordinary words.\n"
		"\n"
		"  ctwatch brands add 'Sangrail LTD' sangrail.example --file brands.json\n"
		"  ctwatch brands noise ordinary-names.gz --rules brands.json",
	.options = OPTIONS,
	.run = run,
};
