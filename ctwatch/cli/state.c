/* `ctwatch state`: copies, checks, the way back, and retention. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

struct state_options {
	bool quick, replace;
};

static const struct option OPTIONS[] = {
	{ "quick", 0, OPTION_FLAG, offsetof(struct state_options, quick), NULL, "check: pages only, not every index and row" },
	{ "replace", 0, OPTION_FLAG, offsetof(struct state_options, replace), NULL, "restore: also where a database is; it is kept in backups/" },
	{ 0 },
};

/* A directory gets a file of its own for each backup, named after its time. */
static bool backup_path(const char *target, int64_t now_ms, char **out, struct error *err)
{
	size_t len = strlen(target);
	int year, month, day, hour, minute, second, ms;
	struct stat st;

	if (len > 0 && target[len - 1] == '/' && mkdir(target, 0750) != 0 && errno != EEXIST)
		return error_set(err, ERR_USAGE, "cannot make the directory %s: %s", target, strerror(errno));
	if (stat(target, &st) != 0 || !S_ISDIR(st.st_mode)) {
		*out = xstrdup(target);
		return true;
	}
	time_to_civil(now_ms, &year, &month, &day, &hour, &minute, &second, &ms);
	*out = xasprintf("%s%sctwatch-%04d%02d%02dT%02d%02d%02dZ.db", target, target[len - 1] == '/' ? "" : "/", year, month, day, hour, minute, second);
	return true;
}

static int backup(struct cli *cli, const char *target)
{
	char safe[1024], *path = NULL;
	struct state *st;
	struct error err;

	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	bool ok = backup_path(target, cli->now_ms, &path, &err) && state_backup(st, path, &err);

	if (ok && !cli->quiet)
		fprintf(cli->out, "%s holds the whole state: database, evidence, issuers and log lists; it was checked\n",
			text_escape(slice_text(path), safe, sizeof(safe)));
	state_close(st);
	free(path);
	return ok ? EXIT_DONE : cli_fail(cli, &err);
}

static int restore(struct cli *cli, const char *from, bool replace)
{
	char safe[1024];
	struct config config;
	struct error err;

	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	bool ok = state_restore(config.state, from, replace, cli->now_ms, &err);

	if (ok && !cli->quiet)
		fprintf(cli->out, "%s is restored; `ctwatch run` reads on from the positions in it\n",
			text_escape(slice_text(config.state), safe, sizeof(safe)));
	config_deinit(&config);
	return ok ? EXIT_DONE : cli_fail(cli, &err);
}

static void print_problem(void *ctx, const char *sentence)
{
	struct cli *cli = ctx;
	char safe[1024];

	fprintf(cli->out, "%s\n", text_escape(slice_text(sentence), safe, sizeof(safe)));
}

static const char *depth_of(bool quick)
{
	return quick ? "its pages are sound" : "pages, indexes and rows are sound";
}

static int check_backup(struct cli *cli, const char *from, bool quick)
{
	char safe[1024], *path;
	struct error err;

	if (!state_backup_check(from, quick, &path, &err))
		return cli_fail(cli, &err);
	fprintf(cli->out, "%s: %s\n", text_escape(slice_text(path), safe, sizeof(safe)), depth_of(quick));
	free(path);
	return EXIT_DONE;
}

static int check(struct cli *cli, bool quick)
{
	struct state_checked checked;
	struct state *st;
	struct error err;
	char safe[1024];

	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	bool ok = state_check(st, quick, print_problem, cli, &checked, &err);

	if (ok)
		fprintf(cli->out, "%s: %s; looked at %" PRIu64 " file%s of evidence and issuers, evidence of %" PRIu64 " incident%s: %" PRIu64 " problem%s\n",
			text_escape(slice_text(state_directory(st)), safe, sizeof(safe)), depth_of(quick), checked.n_files, checked.n_files == 1 ? "" : "s",
			checked.n_incidents, checked.n_incidents == 1 ? "" : "s", checked.n_problems, checked.n_problems == 1 ? "" : "s");
	state_close(st);
	return !ok ? cli_fail_state(cli, &err) : checked.n_problems == 0 ? EXIT_DONE : EXIT_NO;
}

/* Short steps, so that a running ctwatch is not held up, until nothing is left to remove. */
static bool prune_all(struct cli *cli, struct state *st, const struct retention *retention, uint64_t *total, struct error *err)
{
	uint64_t n;

	*total = 0;
	do {
		if (!state_prune(st, retention, cli->now_ms, &n, err))
			return false;
		*total += n;
	} while (n > 0);
	return true;
}

static int prune(struct cli *cli)
{
	struct retention retention;
	struct config config;
	struct state *st;
	struct error err;
	uint64_t total, used, free_bytes;
	char count[TIME_TEXT_LEN], bytes[TIME_TEXT_LEN];

	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	config_retention(&config, &retention);
	config_deinit(&config);
	if (!cli_state(cli, STATE_WRITE, &st, &err))
		return cli_fail(cli, &err);
	bool ok = prune_all(cli, st, &retention, &total, &err) && state_size(st, &used, &free_bytes, &err);

	state_close(st);
	if (!ok)
		return cli_fail_state(cli, &err);
	if (!cli->quiet)
		fprintf(cli->out, "%s removed; the database takes %s\n", count_format(total, count), bytes_format(used, bytes));
	return EXIT_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct state_options options = { 0 };
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	const char *word = argc > 1 ? argv[1] : "";

	if (options.quick && strcmp(word, "check") != 0)
		return cli_usage(cli, "--quick belongs to check");
	if (options.replace && strcmp(word, "restore") != 0)
		return cli_usage(cli, "--replace belongs to restore");
	if (strcmp(word, "backup") == 0)
		return argc == 3 ? backup(cli, argv[2]) : cli_usage(cli, "backup wants the name of one file or directory");
	if (strcmp(word, "check") == 0)
		return argc == 2 ? check(cli, options.quick) : argc == 3 ? check_backup(cli, argv[2], options.quick) : cli_usage(cli, "check takes one backup at most");
	if (strcmp(word, "restore") == 0)
		return argc == 3 ? restore(cli, argv[2], options.replace) : cli_usage(cli, "restore wants the name of one backup");
	if (strcmp(word, "prune") == 0)
		return argc == 2 ? prune(cli) : cli_usage(cli, "prune takes no words; what is kept is configured under \"retention\"");
	return word[0] == '\0' ? cli_usage(cli, "say backup, check, restore or prune") : cli_usage(cli, "there is no 'state %s'", word);
}

const struct command state_command = {
	.name = "state",
	.summary = "copy, check and restore the state; apply retention now",
	.usage = "backup FILE|DIRECTORY\n"
		 "check [--quick] [BACKUP]\n"
		 "restore [--replace] BACKUP\n"
		 "prune",
	.help = "backup makes a consistent copy of everything in one file, also while ctwatch\n"
		"runs: the database, evidence of incidents, issuers, log lists. The copy is checked\n"
		"as a whole before it gets its name; an older copy of that name is replaced, and a\n"
		"DIRECTORY gets a new file for each, ctwatch-<time>.db. A damaged state gives no\n"
		"copy, and exit code 4.\n"
		"\n"
		"check looks whether the database is sound and whether every file of evidence and\n"
		"every issuer is there and unchanged; of a BACKUP, whether its database is sound.\n"
		"Exit code 0: all is well; 1: files are missing or changed, each is named; 4: the\n"
		"database is damaged. It may run beside ctwatch.\n"
		"\n"
		"restore puts a BACKUP back, into a state without a database, or with --replace in\n"
		"place of the one that is there, which is kept in backups/. BACKUP is a file that\n"
		"backup made, a directory of them (the newest is taken), or a copy of a whole state\n"
		"directory. It is checked first. ctwatch must not run meanwhile.\n"
		"\n"
		"prune removes what the configuration's \"retention\" no longer keeps. A running\n"
		"ctwatch does so by itself.",
	.options = OPTIONS,
	.run = run,
};
