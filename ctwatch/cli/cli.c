/* From argv to a command: the program's help, options as tables, and what failures look like. */
#include "cli.h"
#include "clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PROGRAM_SUMMARY "ctwatch follows Certificate Transparency logs, proves what it read, and says\n" \
			"which new certificates are built like TAG-53's domains or pass for an\n" \
			"organisation you watch.\n"
#define HELP_WIDTH 79
#define OPTION_COLUMN 28             /* where the help of an option begins */

int exit_code_of(const struct error *err)
{
	switch (err->kind) {
	case ERR_USAGE:
		return EXIT_USAGE;
	case ERR_CONTRADICTION:
		return EXIT_CONTRADICTION;
	case ERR_FATAL:
	case ERR_NO_SPACE:
		return EXIT_STATE;
	case ERR_RETRY:
		return EXIT_NETWORK;
	default:
		return EXIT_NO;
	}
}

/* ---- help ---------------------------------------------------------------------------------------- */

const struct option COMMON_OPTIONS[] = {
	{ "config", 'c', OPTION_TEXT, offsetof(struct cli, config_path), "FILE", "configuration (default: $CTWATCH_CONFIG, /etc/ctwatch/ctwatch.json)" },
	{ "state", 0, OPTION_TEXT, offsetof(struct cli, state_path), "DIR", "state directory, over the configuration's" },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct cli, verbose), NULL, "say more on standard error" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct cli, quiet), NULL, "say only what went wrong" },
	{ 0 },
};

static void print_option(FILE *out, const struct option *option)
{
	char left[64];
	char letter[8] = "    ";

	if (option->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, option->name, option->argument != NULL ? " " : "",
		 option->argument != NULL ? option->argument : "");
	fprintf(out, "%-*s", OPTION_COLUMN - 1, left);
	if (strlen(left) >= OPTION_COLUMN)
		fprintf(out, "\n%*s", OPTION_COLUMN - 1, "");
	/* the first line stands behind the option */
	size_t column = OPTION_COLUMN - 1;
	for (const char *word = option->help; *word != '\0';) {
		size_t len = strcspn(word, " ");

		if (column >= OPTION_COLUMN && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", OPTION_COLUMN - 1, "");
			column = OPTION_COLUMN - 1;
		}
		fprintf(out, " %.*s", (int)len, word);
		column += len + 1;
		word += len;
		word += strspn(word, " ");
	}
	fputc('\n', out);
}

/* One way to call a command; what does not fit stands below, and an option is not torn from its argument. */
static void print_usage_line(FILE *out, const char *lead, const char *name, struct slice words)
{
	int column = fprintf(out, "%sctwatch %s", lead, name), indent = column + 1;

	while (words.len > 0) {
		const char *cut = memmem(words.data, words.len, " [", 2);
		int len = (int)(cut != NULL ? cut - (const char *)words.data : (ptrdiff_t)words.len);

		if (column >= indent && column + 1 + len > HELP_WIDTH)
			column = fprintf(out, "\n%*s", indent - 1, "") - 1;
		column += fprintf(out, " %.*s", len, (const char *)words.data);
		words = slice_sub(words, cut != NULL ? (size_t)len + 1 : words.len, words.len);
	}
	fputc('\n', out);
}

static void print_usage(FILE *out, const struct command *command)
{
	const char *line = command->usage;
	const char *lead = "usage: ";

	do {
		size_t len = strcspn(line, "\n");

		print_usage_line(out, lead, command->name, slice_of(line, len));
		lead = "       ";
		line += len;
		line += *line == '\n';
	} while (*line != '\0');
}

/* As in the manual page: lines that begin with a space stand as they are, others are one paragraph until an empty line. */
static void print_help_text(FILE *out, const char *text)
{
	while (*text != '\0') {
		const char *end = text;

		if (*text == ' ' || *text == '\n') {
			end += strcspn(end, "\n");
			fprintf(out, "%.*s\n", (int)(end - text), text);
		} else {
			do {
				end += strcspn(end, "\n");
				end += *end == '\n';
			} while (*end != '\0' && *end != '\n' && *end != ' ');
			char *paragraph = slice_dup_text(slice_of(text, (size_t)(end - text)));
			cli_paragraph(out, HELP_WIDTH, 0, paragraph);
			free(paragraph);
			text = end;
			continue;
		}
		text = end + (*end == '\n');
	}
}

static void print_command_help(FILE *out, const struct command *command)
{
	print_usage(out, command);
	fputc('\n', out);
	print_help_text(out, command->help);
	if (command->options != NULL) {
		fprintf(out, "\nOptions:\n");
		for (const struct option *o = command->options; o->name != NULL; o++)
			print_option(out, o);
	}
	fprintf(out, "\nEverywhere:\n");
	for (const struct option *o = COMMON_OPTIONS; o->name != NULL; o++)
		print_option(out, o);
}

static void print_help(FILE *out)
{
	fprintf(out, "%s\nusage: ctwatch <command> [options]\n\nCommands:\n", PROGRAM_SUMMARY);
	for (size_t i = 0; COMMANDS[i] != NULL; i++)
		fprintf(out, "  %-11s %s\n", COMMANDS[i]->name, COMMANDS[i]->summary);
	fprintf(out,
		"\n'ctwatch <command> --help' explains one command. To begin:\n"
		"  ctwatch run                             follow every log, print findings\n"
		"  ctwatch check drive-globalordnance.com  what the rules say of a name, and why\n"
		"  ctwatch brands add 'My Ltd' my.example  watch your own names\n");
}

/* ---- options ---------------------------------------------------------------------------------------- */

static bool set_value(struct cli *cli, const struct option *option, const char *text, void *values)
{
	void *at = (char *)values + option->offset;
	uint64_t n;

	switch (option->type) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return true;
	case OPTION_TEXT:
		*(const char **)at = text;
		return true;
	case OPTION_UINT:
		return uint64_parse(slice_text(text), (uint64_t *)at);
	case OPTION_SCORE:
		if (!uint64_parse(slice_text(text), &n) || n > 100)
			return false;
		*(int *)at = (int)n;
		return true;
	case OPTION_TIME:
		if (time_parse_rfc3339(slice_text(text), (int64_t *)at))
			return true;
		if (!duration_parse(slice_text(text), (int64_t *)at))
			return false;
		*(int64_t *)at = cli->now_ms - *(int64_t *)at;
		return true;
	case OPTION_DURATION:
		return duration_parse(slice_text(text), (int64_t *)at);
	case OPTION_FORMAT: {
		static const char *const names[] = { "text", "json", "jsonl" };

		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			if (strcmp(text, names[i]) == 0) {
				*(enum output_format *)at = (enum output_format)i;
				return true;
			}
		}
		return false;
	}
	}
	return false;
}

static const char *value_hint(enum option_type type)
{
	static const char *const hints[] = {
		[OPTION_FLAG] = "no value",
		[OPTION_TEXT] = "a text",
		[OPTION_UINT] = "a whole number",
		[OPTION_SCORE] = "a score from 0 to 100",
		[OPTION_TIME] = "a time such as 2026-11-22T08:00:00Z, a date, or an age such as 7d",
		[OPTION_DURATION] = "a duration such as 60s, 30m, 12h or 7d",
		[OPTION_FORMAT] = "text, json or jsonl",
	};

	return hints[type];
}

static const struct option *find_option(const struct option *options, const char *name, size_t len, char letter)
{
	if (options == NULL)
		return NULL;
	for (; options->name != NULL; options++)
		if (letter != 0 ? options->letter == letter : strlen(options->name) == len && strncmp(options->name, name, len) == 0)
			return options;
	return NULL;
}

static int unknown_option(struct cli *cli, const char *word)
{
	const char *known[64];
	size_t n = 0;

	for (const struct option *o = cli->command->options; o != NULL && o->name != NULL && n < 56; o++)
		known[n++] = o->name;
	for (const struct option *o = COMMON_OPTIONS; o->name != NULL; o++)
		known[n++] = o->name;
	known[n] = NULL;
	const char *near = strncmp(word, "--", 2) == 0 ? text_nearest(word + 2, known) : NULL;
	if (near != NULL)
		return cli_usage(cli, "there is no option %s; did you mean --%s?", word, near);
	return cli_usage(cli, "there is no option %s", word);
}

/* One option at argv[*at]; advances past its argument. False: *exit_code is set. */
static bool take_option(struct cli *cli, int argc, char **argv, int *at, void *values, int *exit_code)
{
	char *word = argv[*at];
	bool is_long = word[1] == '-';
	const char *name = is_long ? word + 2 : word + 1;
	size_t len = is_long ? strcspn(name, "=") : 1;
	const char *value = is_long ? (name[len] == '=' ? name + len + 1 : NULL) : (name[1] != '\0' ? name + 1 : NULL);
	char letter = is_long ? 0 : name[0];
	void *target = values;
	const struct option *option = find_option(cli->command->options, name, len, letter);

	if (option == NULL) {
		option = find_option(COMMON_OPTIONS, name, len, letter);
		target = cli;
	}
	if (option == NULL) {
		*exit_code = unknown_option(cli, word);
		return false;
	}
	if (option->type == OPTION_FLAG && value != NULL) {
		*exit_code = cli_usage(cli, "--%s takes no value", option->name);
		return false;
	}
	if (option->type != OPTION_FLAG && value == NULL) {
		if (*at + 1 >= argc) {
			*exit_code = cli_usage(cli, "--%s wants %s", option->name, value_hint(option->type));
			return false;
		}
		value = argv[++*at];
	}
	if (!set_value(cli, option, value, target)) {
		*exit_code = cli_usage(cli, "--%s wants %s, not '%s'", option->name, value_hint(option->type), value);
		return false;
	}
	return true;
}

bool cli_options(struct cli *cli, int *argc, char **argv, void *values, int *exit_code)
{
	int n_words = 1;

	for (int i = 1; i < *argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			print_command_help(cli->out, cli->command);
			*exit_code = EXIT_DONE;
			return false;
		}
		if (strcmp(word, "--version") == 0) {
			fprintf(cli->out, "ctwatch %s\n", CTWATCH_VERSION);
			*exit_code = EXIT_DONE;
			return false;
		}
		if (strcmp(word, "--") == 0) {
			while (++i < *argc)
				argv[n_words++] = argv[i];
			break;
		}
		if (word[0] != '-' || word[1] == '\0') {
			argv[n_words++] = argv[i];
			continue;
		}
		if (!take_option(cli, *argc, argv, &i, values, exit_code))
			return false;
	}
	argv[n_words] = NULL;
	*argc = n_words;
	return true;
}

int cli_usage(struct cli *cli, const char *format, ...)
{
	char text[512], safe[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(cli->err, "ctwatch %s: %s\n", cli->command->name, text_escape(slice_text(text), safe, sizeof(safe)));
	print_usage(cli->err, cli->command);
	fprintf(cli->err, "       ('ctwatch %s --help' explains)\n", cli->command->name);
	return EXIT_USAGE;
}

int cli_fail(struct cli *cli, const struct error *err)
{
	char safe[1024];

	if (cli_stream_failed(cli, EXIT_DONE) != EXIT_DONE)
		return EXIT_NO;
	fprintf(cli->err, "ctwatch %s: %s\n", cli->command->name, text_escape(slice_text(err->text), safe, sizeof(safe)));
	return exit_code_of(err);
}

int cli_fail_state(struct cli *cli, const struct error *err)
{
	int code = cli_fail(cli, err);

	return err->kind == ERR_USAGE ? EXIT_NO : err->kind == ERR_RETRY ? EXIT_STATE : code;
}

bool cli_config(struct cli *cli, struct config *out, struct error *err)
{
	if (!config_load(cli->config_path, out, err))
		return false;
	if (cli->state_path != NULL && !config_set(out, "state", cli->state_path, err)) {
		config_deinit(out);
		return false;
	}
	return true;
}

bool cli_state(struct cli *cli, enum state_mode mode, struct state **out, struct error *err)
{
	struct config config;

	if (!cli_config(cli, &config, err))
		return false;
	bool ok = state_open(config.state, mode, cli->now_ms, out, err);
	config_deinit(&config);
	return ok;
}

/* ---- main ---------------------------------------------------------------------------------------------- */

static int terminal_width(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	uint64_t n;

	if (columns != NULL && uint64_parse(slice_text(columns), &n) && n >= 20 && n <= 10000)
		return (int)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	return 80;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; COMMANDS[i] != NULL; i++)
		if (strcmp(COMMANDS[i]->name, name) == 0)
			return COMMANDS[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *known[64];
	size_t n = 0;
	char safe[128];

	while (COMMANDS[n] != NULL && n < ARRAY_LEN(known) - 1) {
		known[n] = COMMANDS[n]->name;
		n++;
	}
	known[n] = NULL;
	const char *near = text_nearest(name, known);
	fprintf(stderr, "ctwatch: there is no command '%s'%s%s%s ('ctwatch --help' lists them)\n",
		text_escape(slice_text(name), safe, sizeof(safe)), near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
		near != NULL ? "'?" : "");
	return EXIT_USAGE;
}

static int run_words(struct cli *cli, int argc, char **argv)
{
	if (argc < 2) {
		print_help(cli->err);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (strcmp(argv[1], "help") == 0 && argc == 2)) {
		print_help(cli->out);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		fprintf(cli->out, "ctwatch %s\n", CTWATCH_VERSION);
		return EXIT_DONE;
	}
	bool help = strcmp(argv[1], "help") == 0;
	const char *name = argv[help ? 2 : 1];
	cli->command = find_command(name);
	if (cli->command == NULL)
		return unknown_command(name);
	if (!help)
		return cli->command->run(cli, argc - 1, argv + 1);
	print_command_help(cli->out, cli->command);
	return EXIT_DONE;
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {
		.err = stderr,
		.out_is_terminal = isatty(STDOUT_FILENO) != 0,
		.err_is_terminal = isatty(STDERR_FILENO) != 0,
		.width = terminal_width(),
		.now_ms = clock_wall_ms(),
	};

	cli.stream = cli_stream_open(STDOUT_FILENO, &cli.out);
	int code = cli_stream_failed(&cli, run_words(&cli, argc, argv));
	cli_stream_close(cli.stream);
	return code;
}
