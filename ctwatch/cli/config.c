/* `ctwatch config`: validate, show what is in force, and document every key. */
#include "alerts.h"
#include "cli.h"
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

/* Everything that can be wrong without asking anybody: keys, files, sinks, rules. */
static int check(struct cli *cli)
{
	struct config config;
	struct cli_rules rules;
	struct sink_set *sinks;
	struct error err = { 0 };

	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	char *path = config.path != NULL ? xstrdup(config.path) : NULL;
	size_t n_alerts = json_array_size(config.alerts);
	bool has_contact = config.contact != NULL && config.contact[0] != '\0';
	bool ok = check_files(&config, &err) && sink_set_new(&config, false, &sinks, &err);
	config_deinit(&config);
	if (ok) {
		sink_set_free(sinks);
		ok = cli_rules_open(cli, NULL, &rules, &err);
	}
	if (ok) {
		cli_rules_close(&rules);
		fprintf(cli->out, "%s: good; %zu alert sink%s\n", path != NULL ? path : "no file, built-in defaults", n_alerts, n_alerts == 1 ? "" : "s");
		if (!has_contact)
			fprintf(cli->out, "There is no \"contact\": logs put readers that cannot be reached into one slow lane.\n");
	}
	free(path);
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
