/* `ctwatch run`: the main job. */
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "daemon.h"

struct run_options {
	bool once;
	int64_t timeout_ms;
};

static const struct option OPTIONS[] = {
	{ "once", 0, OPTION_FLAG, offsetof(struct run_options, once), NULL, "catch up to the heads seen at the start, deliver what is due, and leave" },
	{ "timeout", 0, OPTION_DURATION, offsetof(struct run_options, timeout_ms), "TIME", "once: leave a log behind that makes no progress for so long (60s)" },
	{ 0 },
};

static bool load_again(void *ctx, struct config *out, struct error *err)
{
	return cli_config(ctx, out, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct run_options options = { .timeout_ms = 60000 };
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
		.once = options.once,
		.progress_timeout_ms = options.timeout_ms,
	};
	code = daemon_run(&daemon);
	diag_free(out);
	return code;
}

const struct command run_command = {
	.name = "run",
	.summary = "follow every log; findings go to standard output and to the configured sinks",
	.usage = "[--once] [--timeout TIME]",
	.help = "Follows the logs of the configured lists until SIGTERM: every entry is read, hashed and looked at.\n"
		"Findings are JSON lines on standard output; what happens is told on standard error. SIGHUP loads\n"
		"configuration and rules again.\n"
		"\n"
		"--once reads up to the heads that are seen at the start and leaves: 0 all is well, 3 a log contradicts\n"
		"itself, 4 the state cannot be used, 5 something could not be reached. With \"start\": \"end\" the first\n"
		"time only records where each log starts.",
	.options = OPTIONS,
	.run = run,
};
