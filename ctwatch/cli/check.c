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

/* What people paste: the host of a URL, and dots in brackets as reports write them. A name itself stays as it is. */
static void check_word(struct check *check, const char *word)
{
	const char *scheme = strstr(word, "://");
	char *name = xstrdup(scheme != NULL ? scheme + 3 : word), *out = name;

	if (scheme != NULL)
		name[strcspn(name, "/:?#")] = '\0';
	for (const char *in = name; *in != '\0'; in++)
		if (*in != '[' && *in != ']')
			*out++ = *in;
	*out = '\0';
	check_name(check, slice_text(name));
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
			check_name(check, name);
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
			check_word(&check, argv[i]);
		else if (!check_lines(&check, &err))
			code = cli_fail(cli, &err);
	}
	if (check.all != NULL)
		cli_json(cli, OUTPUT_JSON, check.all);
	cli_rules_close(&check.rules);
	return code != EXIT_DONE ? code : check.any_flagged ? EXIT_DONE : EXIT_NO;
}

const struct command check_command = {
	.name = "check",
	.summary = "what the rules say of names, and why",
	.usage = "[--issuer TEXT] NAME... | -",
	.help = "Decides as 'run' would for a certificate with that one name, and shows the account: the part of\n"
		"the name that counts, every rule's points, what was considered, and for a name that is not\n"
		"flagged the nearest rule. Of a URL the host counts; example[.]com is example.com.\n"
		"'-' reads names from standard input, one a line, as they are.\n"
		"\n"
		"  ctwatch check drive-share.com\n"
		"  ctwatch check --issuer 'DigiCert Inc' www.example.org\n"
		"  zcat names.gz | ctwatch check --flagged --format jsonl -\n"
		"\n"
		"Exit status: 0 when a name is flagged, 1 when none is.",
	.options = OPTIONS,
	.run = run,
};
