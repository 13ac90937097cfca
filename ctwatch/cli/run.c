/* `ctwatch run`: the main job. */
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "daemon.h"

struct run_options {
	bool once;
	int64_t timeout_ms;
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "once", 0, OPTION_FLAG, offsetof(struct run_options, once), NULL, "catch up to the heads seen at the start, deliver what is due, and leave" },
	{ "timeout", 0, OPTION_DURATION, offsetof(struct run_options, timeout_ms), "TIME", "once: leave a log behind that makes no progress for so long (60s)" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct run_options, format), "FORMAT", "findings on standard output: text on a terminal, else jsonl" },
	{ 0 },
};

/* A terminal gets lines for people, anything else lines for programs. */
static enum sink_stdout findings_as(const struct cli *cli, enum output_format format)
{
	if (format != OUTPUT_TEXT)
		return STDOUT_JSONL;
	return cli_palette(cli).bold[0] != '\0' ? STDOUT_TEXT_COLOUR : STDOUT_TEXT;
}

static bool load_again(void *ctx, struct config *out, struct error *err)
{
	return cli_config(ctx, out, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct run_options options = { .timeout_ms = 60000, .format = cli->out_is_terminal ? OUTPUT_TEXT : OUTPUT_JSONL };
	struct config config;
	struct error err;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes no words, but there is '%s'", argv[1]);
	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	struct diag *out = diag_new(STDERR_FILENO, cli->quiet ? DIAG_WARNING : cli->verbose ? DIAG_DEBUG : DIAG_NOTICE, !cli->err_is_terminal);
	struct daemon_options daemon = {
		.config = &config,
		.reload = load_again,
		.reload_ctx = cli,
		.diag = out,
		.findings = findings_as(cli, options.format),
		.once = options.once,
		.progress_timeout_ms = options.timeout_ms,
	};
	code = daemon_run(&daemon);
	if (options.once)
		diag_flush(out, options.timeout_ms);   /* somebody may page through it */
	diag_free(out);
	return code;
}

const struct command run_command = {
	.name = "run",
	.summary = "follow every log; findings to standard output and your sinks",
	.usage = "[--once] [--timeout TIME] [--format text|jsonl]",
	.help = "Follows the logs of the configured lists until SIGTERM: every entry is read,\n"
		"hashed and looked at. Findings go to standard output, as lines for people on a\n"
		"terminal and as JSON lines otherwise; what happens is told on standard error.\n"
		"When nobody reads them, logs go on being read: findings wait in the outbox.\n"
		"SIGHUP loads configuration and rules again. SIGTERM ends it within 5 s, a second\n"
		"one at once.\n"
		"\n"
		"--once reads up to the heads that are seen at the start and leaves:\n"
		"  0  all is well\n"
		"  1  standard output took not all alerts: they wait in the outbox\n"
		"  3  a log contradicts itself\n"
		"  4  the state cannot be used\n"
		"  5  something could not be reached\n"
		"\n"
		"With \"start\": \"end\" the first time only records where each log starts.\n"
		"\n"
		"Examples:\n"
		"  ctwatch run\n"
		"  ctwatch run -c /etc/ctwatch/ctwatch.json >>findings.jsonl\n"
		"  ctwatch run --once --format jsonl | jq -r .finding.name",
	.options = OPTIONS,
	.run = run,
};
