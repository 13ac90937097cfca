/* `ctwatch state`: copies and retention. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int backup(struct cli *cli, const char *path)
{
	struct state *st;
	struct error err;

	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	bool ok = state_backup(st, path, &err);
	char safe[1024];

	if (ok && !cli->quiet)
		fprintf(cli->out, "%s holds the state's database; evidence of incidents is in %s/incidents\n",
			text_escape(slice_text(path), safe, sizeof(safe)), state_directory(st));
	state_close(st);
	return ok ? EXIT_DONE : cli_fail(cli, &err);
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
	int code, none;

	if (!cli_options(cli, &argc, argv, &none, &code))
		return code;
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "backup") == 0)
		return argc == 3 ? backup(cli, argv[2]) : cli_usage(cli, "backup wants the name of one file");
	if (strcmp(word, "prune") == 0)
		return argc == 2 ? prune(cli) : cli_usage(cli, "prune takes no words; what is kept is configured under \"retention\"");
	return word[0] == '\0' ? cli_usage(cli, "say backup or prune") : cli_usage(cli, "there is no 'state %s'", word);
}

const struct command state_command = {
	.name = "state",
	.summary = "copy the state while it runs; apply retention now",
	.usage = "backup FILE\n"
		 "prune",
	.help = "backup makes a consistent copy of the database, also while ctwatch runs; an\n"
		"older copy of that name is replaced when the new one is complete. To go back:\n"
		"stop ctwatch, put the copy in the place of ctwatch.db in the state directory\n"
		"and remove ctwatch.db-wal and ctwatch.db-shm.\n"
		"\n"
		"prune removes what the configuration's \"retention\" no longer keeps. A running\n"
		"ctwatch does so by itself.",
	.run = run,
};
