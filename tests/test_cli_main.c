/* What holds for every command: help that teaches and fits a terminal, exit codes for what is wrong, and what was probably meant. */
#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp_state.h"

#define WORDS_MAX 32

/* What one call of the program printed, and its exit code. */
struct answer {
	int code;
	char *out, *err;
};

static char *read_all(FILE *file)
{
	struct buf text;
	char chunk[4096];
	size_t n;

	buf_init(&text, 1 << 20);
	rewind(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_append(&text, chunk, n);
	fclose(file);
	char *all = xstrdup(buf_text(&text));
	buf_deinit(&text);
	return all;
}

/* The whole program, in a child: "ctwatch <words>", split at spaces, in `directory`. */
static struct answer ctwatch(const char *directory, const char *words)
{
	char *line = xasprintf("ctwatch %s", words), *argv[WORDS_MAX + 1], *rest = line;
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 0, status;

	for (char *word; argc < WORDS_MAX && (word = strsep(&rest, " ")) != NULL;)
		if (word[0] != '\0')
			argv[argc++] = word;
	argv[argc] = NULL;
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (chdir(directory) != 0 || freopen("/dev/null", "r", stdin) == NULL)
			_exit(99);
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		int code = cli_main(argc, argv);
		fflush(NULL);
		_exit(code);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	free(line);
	return (struct answer){ WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_all(out), read_all(err) };
}

static void answer_free(struct answer *a)
{
	free(a->out);
	free(a->err);
}

static void expect(const char *directory, const char *words, int code, const char *says)
{
	struct answer a = ctwatch(directory, words);

	if (a.code != code || (says != NULL && strstr(a.err, says) == NULL && strstr(a.out, says) == NULL))
		fail_msg("ctwatch %s: exit %d (expected %d, saying \"%s\")\n%s%s", words, a.code, code, says != NULL ? says : "", a.out, a.err);
	answer_free(&a);
}

static void assert_fits(const char *text, const char *what)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), columns = 0;

		for (size_t i = 0; i < len; i++)
			columns += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (columns > 80)
			fail_msg("%s: wider than 80 columns: %.*s", what, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void put_file(const char *directory, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static char *get_file(const char *directory, const char *name)
{
	char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "r");

	free(path);
	return file != NULL ? read_all(file) : NULL;
}

static int make_directory(void **state)
{
	unsetenv("CTWATCH_CONFIG");
	*state = temp_directory();
	return 0;
}

static int remove_directory(void **state)
{
	temp_remove(*state);
	return 0;
}

/* ---- help ---------------------------------------------------------------------------------------------------- */

static void the_programs_help_fits_and_names_every_command(void **state)
{
	struct answer a = ctwatch(*state, "--help"), none = ctwatch(*state, ""), word = ctwatch(*state, "help");

	assert_int_equal(a.code, EXIT_DONE);
	assert_fits(a.out, "--help");
	for (size_t i = 0; COMMANDS[i] != NULL; i++) {
		char *line = xasprintf("\n  %-11s %s\n", COMMANDS[i]->name, COMMANDS[i]->summary);

		assert_non_null(strstr(a.out, line));
		free(line);
	}
	assert_string_equal(word.out, a.out);
	assert_int_equal(none.code, EXIT_USAGE);
	assert_string_equal(none.out, "");
	assert_string_equal(none.err, a.out);
	answer_free(&a);
	answer_free(&none);
	answer_free(&word);
}

static void every_commands_help_fits_and_explains_every_option(void **state)
{
	for (size_t i = 0; COMMANDS[i] != NULL; i++) {
		const struct command *command = COMMANDS[i];
		char *words = xasprintf("%s --help", command->name), *other = xasprintf("help %s", command->name);
		char *usage = xasprintf("usage: ctwatch %s", command->name);
		struct answer a = ctwatch(*state, words), b = ctwatch(*state, other);

		assert_int_equal(a.code, EXIT_DONE);
		assert_string_equal(a.err, "");
		assert_fits(a.out, words);
		assert_int_equal(strncmp(a.out, usage, strlen(usage)), 0);
		assert_string_equal(a.out, b.out);
		assert_true(strlen(command->help) > 40);
		for (const struct option *o = command->options; o != NULL && o->name != NULL; o++) {
			char *name = xasprintf("--%s", o->name);

			assert_non_null(strstr(strstr(a.out, "Options:"), name));
			assert_true(strlen(o->help) > 4);
			free(name);
		}
		answer_free(&a);
		answer_free(&b);
		free(words);
		free(other);
		free(usage);
	}
}

/* ---- what is wrong -------------------------------------------------------------------------------------------- */

static void an_unknown_command_gets_the_one_that_was_meant(void **state)
{
	const char *d = *state;

	expect(d, "chekc", EXIT_USAGE, "did you mean 'check'?");
	expect(d, "find", EXIT_USAGE, "did you mean 'findings'?");
	expect(d, "help expo", EXIT_USAGE, "did you mean 'export'?");
	expect(d, "zebra", EXIT_USAGE, "there is no command 'zebra' ('ctwatch --help' lists them)");
	expect(d, "\x1b[31m", EXIT_USAGE, "there is no command '\\x1b[31m'");
}

static void every_command_refuses_what_it_does_not_know(void **state)
{
	for (size_t i = 0; COMMANDS[i] != NULL; i++) {
		const struct command *command = COMMANDS[i];
		char *words = xasprintf("%s --no-such-option", command->name), *near = xasprintf("%s --confi x", command->name);
		char *letter = xasprintf("%s -Z", command->name), *cut = xasprintf("%s --config", command->name);

		expect(*state, words, EXIT_USAGE, "there is no option --no-such-option");
		expect(*state, near, EXIT_USAGE, "there is no option --confi; did you mean --config?");
		expect(*state, letter, EXIT_USAGE, "there is no option -Z");
		expect(*state, cut, EXIT_USAGE, "--config wants a text");
		free(words);
		free(near);
		free(letter);
		free(cut);
	}
}

static void every_option_with_a_value_says_what_it_wants(void **state)
{
	for (size_t i = 0; COMMANDS[i] != NULL; i++) {
		for (const struct option *o = COMMANDS[i]->options; o != NULL && o->name != NULL; o++) {
			char *missing = xasprintf("%s --%s", COMMANDS[i]->name, o->name), *wants = xasprintf("--%s wants ", o->name);
			char *wrong = xasprintf("%s --%s=%s", COMMANDS[i]->name, o->name, o->type == OPTION_FLAG ? "yes" : "-1x");
			char *no_value = xasprintf("--%s takes no value", o->name);

			if (o->type == OPTION_FLAG)
				expect(*state, wrong, EXIT_USAGE, no_value);
			else
				expect(*state, missing, EXIT_USAGE, wants);
			if (o->type != OPTION_FLAG && o->type != OPTION_TEXT)
				expect(*state, wrong, EXIT_USAGE, ", not '-1x'");
			free(missing);
			free(wants);
			free(wrong);
			free(no_value);
		}
	}
}

/* Enough words for each to get as far as its configuration. */
static const char *const NEED_CONFIGURATION[] = {
	"run --once", "scan --log x", "check example.com", "findings", "brands list", "logs", "incidents", "report", "export --format csv",
	"rules list", "alerts", "health", "state prune", "config check", "config show",
};

static void a_configuration_that_cannot_be_read_is_bad_usage_everywhere(void **state)
{
	static const char *const BROKEN[][3] = {
		{ "missing.json", NULL, "cannot read" },
		{ "cut.json", "{\"state\":\n", "line 2: expected JSON" },
		{ "unknown.json", "{\n\"stat\":\"x\"}", "line 2: no key is called \"stat\"; did you mean \"state\"?" },
	};

	for (size_t i = 0; i < ARRAY_LEN(BROKEN); i++) {
		if (BROKEN[i][1] != NULL)
			put_file(*state, BROKEN[i][0], BROKEN[i][1]);
		for (size_t k = 0; k < ARRAY_LEN(NEED_CONFIGURATION); k++) {
			char *words = xasprintf("%s -c %s", NEED_CONFIGURATION[k], BROKEN[i][0]);

			expect(*state, words, EXIT_USAGE, BROKEN[i][2]);
			free(words);
		}
	}
}

static void a_state_that_is_not_there_is_exit_4_with_the_next_step(void **state)
{
	static const char *const WORDS[] = {
		"findings", "findings show abc", "findings ack abc", "logs", "incidents", "incidents show abc", "report", "export --format csv",
		"alerts", "health", "state prune", "state backup copy.db",
	};

	for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
		char *words = xasprintf("%s --state nowhere", WORDS[i]);

		expect(*state, words, EXIT_STATE, "`ctwatch run` makes it");
		free(words);
	}
	char *made = get_file(*state, "nowhere/ctwatch.db");
	assert_null(made);
}

/* ---- beginning -------------------------------------------------------------------------------------------------- */

static void init_writes_what_config_check_accepts(void **state)
{
	const char *d = *state;

	expect(d, "init --contact soc@corp.test --name Corp --domain corp.test,corp.example -d .", EXIT_DONE, "./ctwatch.json is written");
	expect(d, "config check -c ctwatch.json --state s", EXIT_DONE, "ctwatch.json: good");
	expect(d, "check corp-login.com -c ctwatch.json", EXIT_DONE, "Corp");
	struct answer a = ctwatch(d, "config show -c ctwatch.json");
	json_t *shown = json_loads(a.out, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(shown, "contact")), "soc@corp.test");
	json_decref(shown);
	answer_free(&a);
}

static void init_replaces_nothing_unless_told_and_nothing_at_all_when_it_fails(void **state)
{
	const char *d = *state;

	put_file(d, "ctwatch.json", "{\"contact\":\"mine@corp.test\"}");
	expect(d, "init --contact soc@corp.test -d .", EXIT_USAGE, "is there already; --force replaces it");
	expect(d, "init --contact nonsense --force -d .", EXIT_USAGE, "an e-mail address");
	expect(d, "init --domain corp.test -d other", EXIT_USAGE, "--domain needs --name");
	char *kept = get_file(d, "ctwatch.json");
	assert_string_equal(kept, "{\"contact\":\"mine@corp.test\"}");
	free(kept);
	put_file(d, "brands.json", "mine");
	expect(d, "init --contact nonsense --name Corp --domain corp.test --force -d .", EXIT_USAGE, "an e-mail address");
	kept = get_file(d, "brands.json");
	assert_string_equal(kept, "mine");
	free(kept);
	expect(d, "init --contact soc@corp.test --force -d .", EXIT_DONE, "is written");
	kept = get_file(d, "ctwatch.json");
	assert_non_null(strstr(kept, "soc@corp.test"));
	free(kept);
}

static void every_key_is_explained_in_text_and_json(void **state)
{
	struct answer text = ctwatch(*state, "config keys"), json = ctwatch(*state, "config keys --format json");
	json_t *keys = json_loads(json.out, 0, NULL), *key;
	size_t i;

	assert_fits(text.out, "config keys");
	assert_true(json_array_size(keys) > 30);
	json_array_foreach(keys, i, key) {
		assert_non_null(strstr(text.out, json_string_value(json_object_get(key, "name"))));
		assert_true(json_string_length(json_object_get(key, "help")) > 10);
	}
	json_decref(keys);
	answer_free(&text);
	answer_free(&json);
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(the_programs_help_fits_and_names_every_command),
		IN_DIRECTORY(every_commands_help_fits_and_explains_every_option),
		IN_DIRECTORY(an_unknown_command_gets_the_one_that_was_meant),
		IN_DIRECTORY(every_command_refuses_what_it_does_not_know),
		IN_DIRECTORY(every_option_with_a_value_says_what_it_wants),
		IN_DIRECTORY(a_configuration_that_cannot_be_read_is_bad_usage_everywhere),
		IN_DIRECTORY(a_state_that_is_not_there_is_exit_4_with_the_next_step),
		IN_DIRECTORY(init_writes_what_config_check_accepts),
		IN_DIRECTORY(init_replaces_nothing_unless_told_and_nothing_at_all_when_it_fails),
		IN_DIRECTORY(every_key_is_explained_in_text_and_json),
	};

	return cmocka_run_group_tests_name("cli: every command", tests, NULL, NULL);
}
