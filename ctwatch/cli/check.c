/* `ctwatch check`: what would the rules say of these names, and why? */
#include "rules_cli.h"

#include <stdlib.h>
#include <string.h>

struct check_options {
	const char *issuer, *rules;
	bool quiet_names;
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "issuer", 0, OPTION_TEXT, offsetof(struct check_options, issuer), "TEXT", "organisation of the issuer (Let's Encrypt)" },
	{ "rules", 0, OPTION_TEXT, offsetof(struct check_options, rules), "LIST", "packs and files, separated by commas, instead of the configuration's" },
	{ "flagged", 0, OPTION_FLAG, offsetof(struct check_options, quiet_names), NULL, "print flagged names only" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct check_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

struct check {
	struct cli *cli;
	const struct check_options *options;
	struct cli_rules rules;
	json_t *all;             /* for --format json */
	bool any_flagged;
	size_t n_words, n_no_names;
};

static void print_nearest(struct cli *cli, json_t *nearest)
{
	if (!json_is_object(nearest))
		return;
	cli_print_sentence(cli, "  nearest: %s, %lld of %lld points: %s", json_string_value(json_object_get(nearest, "rule")),
		(long long)json_integer_value(json_object_get(nearest, "score")), (long long)json_integer_value(json_object_get(nearest, "min_score")),
		json_string_value(json_object_get(nearest, "why")));
	cli_print_evidence(cli, json_object_get(nearest, "evidence"));
}

static void print_answer(struct check *check, json_t *answer)
{
	struct cli *cli = check->cli;
	struct palette colours = cli_palette(cli);
	bool flagged = json_is_true(json_object_get(answer, "flagged"));
	json_t *item;
	char *shown;
	size_t i, len;

	len = json_string_length(json_object_get(answer, "name"));
	shown = xmalloc(len * 4 + 1);
	text_escape(slice_text(json_string_value(json_object_get(answer, "name"))), shown, len * 4 + 1);
	fprintf(cli->out, "%s: %s%s%s\n", shown, flagged ? colours.red : colours.green, flagged ? "flagged" : "not flagged", colours.reset);
	free(shown);
	json_array_foreach(json_object_get(answer, "matches"), i, item)
		cli_print_match(cli, item);
	if (!flagged)
		print_nearest(cli, json_object_get(answer, "nearest"));
	json_array_foreach(json_object_get(answer, "considered"), i, item)
		cli_print_sentence(cli, "  considered: %s %s: %s", json_string_value(json_object_get(item, "rule")),
			json_string_value(json_object_get(item, "signal")), json_string_value(json_object_get(item, "why")));
}

static void check_name(struct check *check, struct slice name)
{
	const char *issuer = check->options->issuer != NULL ? check->options->issuer : "Let's Encrypt";
	char *text;
	json_t *answer;

	if (check->options->quiet_names && !ruleset_flags_name(check->rules.rules, check->rules.scratch, name, slice_text(issuer)))
		return;
	text = ruleset_explain_json(check->rules.rules, check->rules.scratch, name, slice_text(issuer));
	answer = json_loads(text, 0, NULL);
	free(text);
	check->any_flagged |= json_is_true(json_object_get(answer, "flagged"));
	switch (check->options->format) {
	case OUTPUT_TEXT:
		print_answer(check, answer);
		json_decref(answer);
		break;
	case OUTPUT_JSONL:
		cli_json(check->cli, OUTPUT_JSONL, answer);
		break;
	case OUTPUT_JSON:
		json_array_append_new(check->all, answer);
		break;
	}
}

/* Nothing around it: then it is a name as certificates have them, odd ones too. */
static bool is_bare(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] <= ' ' || strchr(":/[](){}@<>\"'", (char)word.data[i]) != NULL)
			return false;
	return slice_find(word, '.') >= 0;
}

static void check_bare(struct check *check, struct slice name)
{
	check->n_words++;
	check_name(check, name);
}

/* A name as people have it: of a URL or a mailbox the host, with dots in brackets as reports write them. */
static void check_given(struct check *check, struct slice word)
{
	struct given_name given;
	char safe[512];
	struct error err;

	if (!given_name_read(word, &given, &err)) {
		if (is_bare(word)) {
			check_bare(check, word);
			return;
		}
		check->n_words++;
		check->n_no_names++;
		fprintf(check->cli->err, "ctwatch check: %s\n", text_escape(slice_text(err.text), safe, sizeof(safe)));
		/* programs get one object per word, in order */
		if (check->options->format != OUTPUT_TEXT)
			check_name(check, word);
		return;
	}
	char *name = xasprintf("%s%s", given.star ? "*." : "", given.name);

	check_bare(check, slice_text(name));
	free(name);
}

static bool check_lines(struct check *check, struct error *err)
{
	struct line_reader lines;
	struct slice name;

	if (!lines_open(&lines, "-", true, err))
		return false;
	while (lines_next(&lines, &name))
		if (name.len > 0)
			(is_bare(name) ? check_bare : check_given)(check, name);
	return lines_close(&lines, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct check_options options = { 0 };
	struct check check = { .cli = cli, .options = &options };
	struct error err;
	int code = EXIT_DONE;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc < 2)
		return cli_usage(cli, "which names?");
	if (!cli_rules_open(cli, options.rules, &check.rules, &err))
		return cli_fail(cli, &err);
	if (options.format == OUTPUT_JSON)
		check.all = json_array();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-") != 0)
			check_given(&check, slice_text(argv[i]));
		else if (!check_lines(&check, &err))
			code = cli_fail(cli, &err);
	}
	if (check.all != NULL)
		cli_json(cli, OUTPUT_JSON, check.all);
	cli_rules_close(&check.rules);
	if (code == EXIT_DONE && check.n_words > 0 && check.n_no_names == check.n_words)
		return EXIT_USAGE;
	return code != EXIT_DONE ? code : check.any_flagged ? EXIT_DONE : EXIT_NO;
}

const struct command check_command = {
	.name = "check",
	.summary = "what the rules say of names, and why",
	.usage = "[--issuer TEXT] NAME... | -",
	.help = "Decides as 'run' would for a certificate with that one name, and shows the account: the part of\n"
		"the name that counts, every rule's points, what was considered, and for a name that is not\n"
		"flagged the nearest rule. Of a URL or a mailbox the host counts; example[.]com is example.com.\n"
		"'-' reads names from standard input, one a line, plain or gzip.\n"
		"\n"
		"  ctwatch check drive-share.com\n"
		"  ctwatch check --issuer 'DigiCert Inc' www.example.org\n"
		"  ctwatch check --flagged --format jsonl - < names.gz\n"
		"\n"
		"Exit status: 0 when a name is flagged, 1 when none is, 2 when nothing given is a name.",
	.options = OPTIONS,
	.run = run,
};
