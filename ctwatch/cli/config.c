/* `ctwatch config`: validate, show what is in force, and document every key. */
#include "alerts.h"
#include "cli.h"
#include "lists.h"
#include "rules_cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config_options {
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "format", 0, OPTION_FORMAT, offsetof(struct config_options, format), "KIND", "keys: text or json" },
	{ 0 },
};

static bool check_file(const char *key, const char *path, struct error *err)
{
	if (access(path, R_OK) == 0)
		return true;
	return error_set(err, ERR_USAGE, "\"%s\": %s cannot be read: %s", key, path, strerror(errno));
}

/* Files that `run` would miss only when it asks the first log. */
static bool check_files(const struct config *config, struct error *err)
{
	if (config->ca_file != NULL && !check_file("ca_file", config->ca_file, err))
		return false;
	for (size_t i = 0; i < config->log_lists.n; i++)
		if (strstr(config->log_lists.items[i], "://") == NULL && !check_file("log_lists", config->log_lists.items[i], err))
			return false;
	return true;
}

static void on_note(void *ctx, const char *sentence)
{
	struct cli *cli = ctx;
	char *line = xasprintf("note: %s", sentence);

	cli_paragraph(cli->out, cli->width, 0, line);
	free(line);
}

/* How each list is trusted. What is in a file is looked at; nobody is asked over the network. */
static bool check_lists(struct cli *cli, const struct config *config, struct error *err)
{
	for (size_t i = 0; i < config->log_lists.n; i++) {
		struct list_review review;
		char shown[512];

		if (!lists_review(config, config->log_lists.items[i], &review, err))
			return error_context(err, "\"log_lists\"");
		char *line = xasprintf("list %s: %s", text_escape(slice_text(config->log_lists.items[i]), shown, sizeof(shown)), review.trust);
		cli_paragraph(cli->out, cli->width, 0, line);
		free(line);
		for (size_t k = 0; k < review.list.n_warnings; k++)
			on_note(cli, review.list.warnings[k]);
		log_list_deinit(&review.list);
	}
	return true;
}

/* Patterns against the logs that are known: from the copies of an earlier run, files, or the build. */
static void check_patterns(struct cli *cli, const struct config *config)
{
	const struct string_list *lists[] = { &config->log_include, &config->log_exclude };
	const char *const keys[] = { "logs.include", "logs.exclude" };
	char *directory = xasprintf("%s/lists", config->state);
	struct log_list known;
	struct error ignored;
	bool builtin;

	bool ok = lists_load_kept(config, directory, &known, &builtin, &ignored);
	free(directory);
	for (size_t k = 0; ok && known.n_logs > 0 && k < ARRAY_LEN(lists); k++) {
		for (size_t i = 0; i < lists[k]->n; i++) {
			if (lists_pattern_matches(&known, lists[k]->items[i]))
				continue;
			char *sentence = xasprintf("\"%s\": \"%s\" means none of the %zu logs that are known", keys[k], lists[k]->items[i], known.n_logs);
			on_note(cli, sentence);
			free(sentence);
		}
	}
	if (ok)
		log_list_deinit(&known);
}

static bool check_rules(struct cli *cli, const struct sink_set *sinks, struct error *err)
{
	struct cli_rules rules;

	if (!cli_rules_open(cli, NULL, &rules, err))
		return false;
	bool ok = sink_set_check(sinks, rules.rules, rules.suffixes, err);
	for (size_t i = 0; ok && i < ruleset_n_warnings(rules.rules); i++)
		on_note(cli, ruleset_warning(rules.rules, i));
	cli_rules_close(&rules);
	return ok;
}

static bool check_all(struct cli *cli, const struct config *config, struct error *err)
{
	struct sink_set *sinks;

	if (!check_files(config, err) || !sink_set_new(config, STDOUT_NONE, &sinks, err))
		return false;
	bool ok = check_rules(cli, sinks, err) && check_lists(cli, config, err);
	sink_set_free(sinks);
	if (!ok)
		return false;
	config_each_note(config, on_note, cli);
	check_patterns(cli, config);
	return true;
}

/* Everything that can be wrong without asking anybody: keys, files, sinks, rules. */
static int check(struct cli *cli)
{
	struct config config;
	struct error err = { 0 };

	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	size_t n_alerts = json_array_size(config.alerts);
	bool ok = check_all(cli, &config, &err);
	if (ok) {
		fprintf(cli->out, "%s: good; %zu alert sink%s\n", config.path != NULL ? config.path : "no file, built-in defaults", n_alerts, n_alerts == 1 ? "" : "s");
		if (config.contact == NULL || config.contact[0] == '\0')
			fprintf(cli->out, "There is no \"contact\": logs put readers that cannot be reached into one slow lane.\n");
	}
	config_deinit(&config);
	return ok ? EXIT_DONE : cli_fail(cli, &err);
}

static int show(struct cli *cli)
{
	struct config config;
	struct error err = { 0 };

	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	cli_json(cli, OUTPUT_JSON, json_incref(config.effective));
	config_deinit(&config);
	return EXIT_DONE;
}

/* A list has a space behind each comma, where its line may be broken. */
static void print_default(struct cli *cli, const char *text)
{
	struct buf line;

	buf_init(&line, 4096);
	buf_append_text(&line, "default ");
	for (; *text != '\0'; text++)
		buf_append(&line, *text == ',' ? ", " : text, *text == ',' ? 2 : 1);
	cli_paragraph(cli->out, cli->width, 4, buf_text(&line));
	buf_deinit(&line);
}

static void print_key(struct cli *cli, const struct config_key *key)
{
	struct palette colours = cli_palette(cli);

	fprintf(cli->out, "%s%s%s  %s%s%s\n", colours.bold, key->name, colours.reset, colours.dim, key->type, colours.reset);
	if (key->default_text[0] != '\0')
		print_default(cli, key->default_text);
	cli_paragraph(cli->out, cli->width, 4, key->help);
	fprintf(cli->out, "    CTWATCH_");
	for (const char *c = key->name; *c != '\0'; c++)
		fputc(*c == '.' ? '_' : toupper((unsigned char)*c), cli->out);
	fprintf(cli->out, "\n\n");
}

static int print_keys(struct cli *cli, enum output_format format)
{
	size_t n;
	struct config_key *keys = config_keys(&n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		if (format == OUTPUT_TEXT)
			print_key(cli, &keys[i]);
		else
			json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", keys[i].name, "type", keys[i].type, "default",
							      keys[i].default_text, "help", keys[i].help));
	}
	if (format == OUTPUT_TEXT)
		json_decref(list);
	else
		cli_json(cli, format, list);
	free(keys);
	return EXIT_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct config_options options = { 0 };
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 2)
		return cli_usage(cli, "expected one of check, show and keys, but there is also '%s'", argv[2]);
	if (argc < 2 || strcmp(argv[1], "check") == 0)
		return check(cli);
	if (strcmp(argv[1], "show") == 0)
		return show(cli);
	if (strcmp(argv[1], "keys") == 0)
		return print_keys(cli, options.format);
	return cli_usage(cli, "expected check, show or keys, found '%s'", argv[1]);
}

const struct command config_command = {
	.name = "config",
	.summary = "check the configuration, show what is in force, explain every key",
	.usage = "[check|show|keys] [--format KIND]",
	.help = "check validates the file, the environment, alert sinks and rules, and contacts\nnobody; show prints every value in force, "
		"secrets replaced by \"(set)\" and\ntokens in URLs by \"...\"; keys explains each key and names its variable.\n\n"
		"The configuration is JSON. Keys that begin with _ are comments. Each key can be\noverridden by an environment variable: "
		"report.weekday by\nCTWATCH_REPORT_WEEKDAY, or CTWATCH_REPORT_WEEKDAY_FILE for a file with the value.",
	.options = OPTIONS,
	.run = run,
};
