/*
 * `ctwatch manual`: the manual page, made of the same tables that --help and the configuration use, so that it cannot say
 * anything else. The build runs it and installs the result as ctwatch(1).
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* roff takes a leading dot or apostrophe, and backslashes, as commands. */
static void put(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool line_start = i == 0 || text[i - 1] == '\n';

		if (line_start && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", out);
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else
			fputc(text[i], out);
	}
}

static void put_text(FILE *out, const char *text)
{
	put(out, text, strlen(text));
}

/* Paragraphs are filled; lines that are indented stay as they are. */
static void put_help(FILE *out, const char *text)
{
	bool literal = false;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		bool indented = text[0] == ' ';

		if (indented != literal && len > 0) {
			fputs(indented ? ".nf\n" : ".fi\n", out);
			literal = indented;
		}
		if (len == 0) {
			fputs(literal ? ".fi\n.PP\n" : ".PP\n", out);
			literal = false;
		} else {
			put(out, text, len);
			fputc('\n', out);
		}
		text += len + (text[len] == '\n');
	}
	if (literal)
		fputs(".fi\n", out);
}

static void put_option(FILE *out, const struct option *option)
{
	fputs(".TP\n\\fB", out);
	if (option->letter != 0)
		fprintf(out, "\\-%c\\fR, \\fB", option->letter);
	fputs("\\-\\-", out);
	put_text(out, option->name);
	fputs("\\fR", out);
	if (option->argument != NULL)
		fprintf(out, " \\fI%s\\fR", option->argument);
	fputc('\n', out);
	put_text(out, option->help);
	fputc('\n', out);
}

static void put_command(FILE *out, const struct command *command)
{
	const char *line = command->usage;

	fprintf(out, ".SS %s\n.nf\n", command->name);
	do {
		size_t len = strcspn(line, "\n");

		fprintf(out, "\\fBctwatch %s\\fR ", command->name);
		put(out, line, len);
		fputc('\n', out);
		line += len;
		line += *line == '\n';
	} while (*line != '\0');
	fputs(".fi\n.PP\n", out);
	put_help(out, command->help);
	for (const struct option *o = command->options; o != NULL && o->name != NULL; o++)
		put_option(out, o);
}

static void put_keys(FILE *out)
{
	size_t n;
	struct config_key *keys = config_keys(&n);

	for (size_t i = 0; i < n; i++) {
		fputs(".TP\n\\fB", out);
		put_text(out, keys[i].name);
		fputs("\\fR (", out);
		put_text(out, keys[i].type);
		fputs("; ", out);
		put_text(out, keys[i].default_text != NULL && keys[i].default_text[0] != '\0' ? keys[i].default_text : "none");
		fputs(")\n", out);
		put_text(out, keys[i].help);
		fputc('\n', out);
	}
	free(keys);
}

static void put_end(FILE *out)
{
	static const struct {
		const char *status, *means;
	} statuses[] = {
		{ "0", "Done." },
		{ "1", "The answer is no: nothing flagged, a rules test failed, an unknown id, a sink refused." },
		{ "2", "Bad usage or configuration." },
		{ "3", "A log contradicts itself, its signature or its entries (run --once, scan)." },
		{ "4", "The state is unusable." },
		{ "5", "Something on the network could not be reached." },
	};

	fputs(".SH EXIT STATUS\n", out);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		fprintf(out, ".TP\n%s\n", statuses[i].status);
		put_text(out, statuses[i].means);
		fputc('\n', out);
	}
	fputs(".SH FILES\n.TP\n/etc/ctwatch/ctwatch.json\nThe configuration, when neither \\-c nor $CTWATCH_CONFIG names another.\n"
	      ".TP\n/var/lib/ctwatch\nThe state.\n.SH SIGNALS\n.TP\nSIGTERM, SIGINT\nFinish the transaction at hand and leave.\n"
	      ".TP\nSIGHUP\nLoad configuration and rules anew, reopen files; an error keeps the old ones.\n",
	      out);
}

static int run(struct cli *cli, int argc, char **argv)
{
	FILE *out = cli->out;
	int code;

	if (!cli_options(cli, &argc, argv, NULL, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes no words, but there is '%s'", argv[1]);
	fprintf(out, ".TH CTWATCH 1 \"\" \"ctwatch %s\"\n.SH NAME\nctwatch \\- follow Certificate Transparency logs and flag names built to deceive\n",
		CTWATCH_VERSION);
	fputs(".SH SYNOPSIS\n.B ctwatch\n.I command\n[options]\n.SH DESCRIPTION\n"
	      "Polls every CT log over both of its APIs (RFC 6962, static\\-ct\\-api), proves by Merkle hashing that it read exactly what the logs signed,\n"
	      "and flags certificates whose names are built as the espionage group TAG\\-53 builds its domains, or that pass for an organisation on the\n"
	      "watch list. A finding says that a name looks a certain way; what it is for is the analyst's to judge.\n.SH COMMANDS\n",
	      out);
	for (size_t i = 0; COMMANDS[i] != NULL; i++)
		put_command(out, COMMANDS[i]);
	fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
	for (const struct option *o = COMMON_OPTIONS; o->name != NULL; o++)
		put_option(out, o);
	fputs(".SH CONFIGURATION\nJSON; keys that begin with an underscore are comments. Every key can be overridden by an environment variable:\n"
	      "report.weekday is CTWATCH_REPORT_WEEKDAY. Secrets can come from files: instead of \"password\", \"password_file\".\n",
	      out);
	put_keys(out);
	put_end(out);
	return EXIT_DONE;
}

const struct command manual_command = {
	.name = "manual",
	.summary = "the manual page, as roff: ctwatch manual | man -l -",
	.usage = "",
	.help = "Prints the manual page of all commands and configuration keys. To read it:\n"
		"  ctwatch manual | man -l -",
	.run = run,
};
