/* Commands that are thin over the state: their exit codes, their JSON, and tables that fit 80 columns whatever is in them. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"
#include "state_fill.h"
#include "temp_state.h"

extern const struct command findings_command, logs_command, incidents_command, health_command, state_command;

struct place {
	char *directory, *config;
	char *out, *err;                  /* of the last command */
};

static int make_place(void **state)
{
	struct state_fill fill = { .n_findings = 40, .sightings_per_finding = 4, .since_ms = TEST_NOW_MS - 10 * 86400000ll, .until_ms = TEST_NOW_MS, .small = true };
	struct place *p = xcalloc(1, sizeof(*p));
	struct state *st = NULL;
	struct error err;
	FILE *file;

	p->directory = temp_directory();
	p->config = xasprintf("%s/config.json", p->directory);
	file = fopen(p->config, "w");
	fputs("{}", file);
	fclose(file);
	if (!state_open(p->directory, STATE_DAEMON, TEST_NOW_MS, &st, &err) || !state_fill(st, &fill, &err))
		fail_msg("%s", err.text);
	test_add(st, (struct test_match){ .score = 92, .name = "login.acme-login.com" });
	state_close(st);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	temp_remove(p->directory);
	free(p->config);
	free(p->out);
	free(p->err);
	free(p);
	return 0;
}

/* Runs "<command> <words>", split at spaces. */
static int run(struct place *p, const struct command *command, const char *words)
{
	char *line = xasprintf("%s %s", command->name, words), *argv[32], *rest = line;
	size_t out_len, err_len;
	int argc = 0;

	free(p->out);
	free(p->err);
	struct cli cli = {
		.out = open_memstream(&p->out, &out_len),
		.err = open_memstream(&p->err, &err_len),
		.out_is_terminal = true,   /* as people see it; NO_COLOR is set */
		.width = 80,
		.now_ms = TEST_NOW_MS + 60000,
		.config_path = p->config,
		.state_path = p->directory,
		.command = command,
	};
	for (char *word; argc < 31 && (word = strsep(&rest, " ")) != NULL;)
		if (word[0] != '\0')
			argv[argc++] = word;
	argv[argc] = NULL;
	int code = command->run(&cli, argc, argv);

	fclose(cli.out);
	fclose(cli.err);
	free(line);
	return code;
}

static void assert_fits(const char *text, size_t width)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), columns = 0;

		for (size_t i = 0; i < len; i++)
			columns += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (columns > width)
			fail_msg("wider than %zu columns: %.*s", width, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static struct state *open_for_writing(const struct place *p)
{
	struct state *st = NULL;
	struct error err;

	if (!state_open(p->directory, STATE_WRITE, TEST_NOW_MS, &st, &err))
		fail_msg("%s", err.text);
	return st;
}

static void id_of_acme(char id[FINDING_ID_LEN + 1])
{
	finding_id("brand/acme", "acme-login.com", id);
}

/* ---- findings -------------------------------------------------------------------------------------------- */

static void findings_list_filters_and_says_when_there_is_nothing(void **state)
{
	struct place *p = *state;

	assert_int_equal(run(p, &findings_command, ""), EXIT_DONE);
	assert_non_null(strstr(p->out, "login[.]acme-login[.]com"));
	assert_fits(p->out, 80);
	assert_int_equal(run(p, &findings_command, "list --brand Acme"), EXIT_DONE);
	assert_null(strstr(p->out, "sample"));
	assert_int_equal(run(p, &findings_command, "--brand Nobody"), EXIT_NO);
	assert_string_equal(p->out, "Nothing flagged.\n");
	assert_int_equal(run(p, &findings_command, "--since 10s"), EXIT_NO);
	assert_int_equal(run(p, &findings_command, "--kind colour"), EXIT_USAGE);
	assert_int_equal(run(p, &findings_command, "--status open"), EXIT_USAGE);
	assert_int_equal(run(p, &findings_command, "--min-score 101"), EXIT_USAGE);
	assert_int_equal(run(p, &findings_command, "remove x"), EXIT_USAGE);
	assert_int_equal(run(p, &findings_command, "--limit 3"), EXIT_DONE);
	assert_non_null(strstr(p->out, "newest 3"));
}

static void findings_as_json_are_an_array_or_a_line_each(void **state)
{
	struct place *p = *state;
	size_t n = 0;

	assert_int_equal(run(p, &findings_command, "--all --format json"), EXIT_DONE);
	json_t *array = json_loads(p->out, 0, NULL);
	assert_int_equal(json_array_size(array), 41);
	json_decref(array);
	assert_int_equal(run(p, &findings_command, "--all --format jsonl"), EXIT_DONE);
	for (char *rest = p->out, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; n++) {
		json_t *value = json_loads(line, 0, NULL);

		assert_non_null(json_object_get(value, "certificates"));
		json_decref(value);
	}
	assert_int_equal(n, 41);
	assert_int_equal(run(p, &findings_command, "--brand Nobody --format json"), EXIT_NO);
	assert_string_equal(p->out, "[]\n");
}

static void show_explains_and_unknown_ids_are_an_answer(void **state)
{
	struct place *p = *state;
	char id[FINDING_ID_LEN + 1], words[64];

	id_of_acme(id);
	snprintf(words, sizeof(words), "show %.6s", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_DONE);
	assert_non_null(strstr(p->out, "login[.]acme-login[.]com\n^^^^"));
	assert_non_null(strstr(p->out, id));
	assert_non_null(strstr(p->out, "critical, score 92"));
	assert_non_null(strstr(p->out, "Let's Encrypt"));
	assert_int_equal(run(p, &findings_command, "show zzzzzz"), EXIT_NO);
	assert_non_null(strstr(p->err, "there is no finding zzzzzz"));
	assert_int_equal(run(p, &findings_command, "show"), EXIT_USAGE);
}

static void triage_is_all_or_nothing(void **state)
{
	struct place *p = *state;
	char id[FINDING_ID_LEN + 1], words[96];

	id_of_acme(id);
	snprintf(words, sizeof(words), "ack %s zzzzzz", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_NO);
	assert_int_equal(run(p, &findings_command, "--status acknowledged"), EXIT_NO);
	snprintf(words, sizeof(words), "ack %s --who ana", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_DONE);
	assert_int_equal(run(p, &findings_command, "--status acknowledged"), EXIT_DONE);
	snprintf(words, sizeof(words), "dismiss %s", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_USAGE);
	snprintf(words, sizeof(words), "dismiss %s --why ours", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_DONE);
	snprintf(words, sizeof(words), "note %s", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_USAGE);
	snprintf(words, sizeof(words), "note %s seen", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_DONE);
	snprintf(words, sizeof(words), "show %s", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_DONE);
	assert_non_null(strstr(p->out, "acknowledged by ana"));
	assert_non_null(strstr(p->out, ": ours"));
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

static void rules_that_agree_on_a_domain_share_a_row_and_a_decision(void **state)
{
	struct place *p = *state;
	struct state *st = open_for_writing(p);

	test_add(st, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .brand = "", .score = 95, .name = "acme-login.com" });
	state_close(st);
	assert_int_equal(run(p, &findings_command, ""), EXIT_DONE);
	assert_int_equal(count_of(p->out, "acme-login"), 1);
	assert_non_null(strstr(p->out, "+1"));
	assert_fits(p->out, 80);
	/* programs get every one of them */
	assert_int_equal(run(p, &findings_command, "--format jsonl"), EXIT_DONE);
	assert_int_equal(count_of(p->out, "\"registrable_domain\":\"acme-login.com\""), 2);
	assert_int_equal(run(p, &findings_command, "show ACME-login[.]com"), EXIT_DONE);
	assert_non_null(strstr(p->out, "naming/tag53"));
	assert_non_null(strstr(p->out, "brand/acme"));
	/* as people paste it: what lies below the domain, and a URL out of a mail, mean it */
	assert_int_equal(run(p, &findings_command, "show www.acme-login.com."), EXIT_DONE);
	assert_int_equal(run(p, &findings_command, "show hxxps://sso.acme-login[.]com:8443/x?y=1"), EXIT_DONE);
	assert_non_null(strstr(p->out, "brand/acme"));
	assert_int_equal(run(p, &findings_command, "show notacme-login.com"), EXIT_NO);
	assert_int_equal(run(p, &findings_command, "dismiss acme-login.com --why ours"), EXIT_DONE);
	assert_int_equal(count_of(p->out, "dismissed"), 2);
	assert_int_equal(run(p, &findings_command, "--status dismissed --format jsonl"), EXIT_DONE);
	assert_int_equal(count_of(p->out, "\n"), 2);
	assert_int_equal(run(p, &findings_command, "ack acme-login.com nobody.example"), EXIT_NO);
	assert_non_null(strstr(p->err, "nothing was found for nobody.example"));
	assert_int_equal(run(p, &findings_command, "--status acknowledged"), EXIT_NO);
}

static void hostile_names_come_out_inert(void **state)
{
	struct place *p = *state;
	struct state *st = open_for_writing(p);
	char id[FINDING_ID_LEN + 1], words[64];

	test_add(st, (struct test_match){ .domain = "x\x1b]0;gone\x07.example", .name = "x\x1b]0;gone\x07.example", .brand = "\xe2\x80\xae\x1b[31m", .certificate = 9, .index = 9,
					  .score = 99, .names_json = "[\"a\\u001b[2Jb.example\\u202e\"]" });
	state_close(st);
	assert_int_equal(run(p, &findings_command, ""), EXIT_DONE);
	assert_null(strpbrk(p->out, "\x1b\x07"));
	assert_fits(p->out, 80);
	finding_id("brand/acme", "x\x1b]0;gone\x07.example", id);
	snprintf(words, sizeof(words), "show %s", id);
	assert_int_equal(run(p, &findings_command, words), EXIT_DONE);
	assert_null(strpbrk(p->out, "\x1b\x07"));
	assert_null(strstr(p->out, "\xe2\x80\xae"));
}

/* ---- the others ------------------------------------------------------------------------------------------------ */

static void logs_fit_and_name_those_that_are_not_read(void **state)
{
	struct place *p = *state;
	struct state *st = open_for_writing(p);
	struct state_log log = {
		.log_id = test_hash(5000),
		.name = (char *)"A log with a very long name that nobody could fit into a column \x1b[31m",
		.url = (char *)"https://long.example/",
		.protocol = (char *)"rfc6962",
		.lifecycle = (char *)"retired",
		.why_not_read = (char *)"it is retired, and nothing that browsers would look at is logged there any more",
		.sunset_ms = INT64_MAX,
	};
	struct error err;

	assert_true(state_put_log(st, &log, &err));
	state_close(st);
	assert_int_equal(run(p, &logs_command, ""), EXIT_DONE);
	assert_fits(p->out, 80);
	assert_non_null(strstr(p->out, "it is retired"));
	assert_null(strchr(p->out, '\x1b'));
	assert_int_equal(run(p, &logs_command, "--format json"), EXIT_DONE);
	json_t *array = json_loads(p->out, 0, NULL);
	assert_int_equal(json_array_size(array), 9);
	json_decref(array);
	assert_int_equal(run(p, &logs_command, "long.example"), EXIT_DONE);
	assert_non_null(strstr(p->out, "rfc6962"));
	assert_int_equal(run(p, &logs_command, "nosuchlog"), EXIT_NO);
}

static void incidents_are_listed_shown_and_closed(void **state)
{
	struct place *p = *state;
	struct state *st = open_for_writing(p);
	char id[FINDING_ID_LEN + 1], words[96];
	struct hash log = test_hash(1);
	struct error err;

	assert_int_equal(run(p, &incidents_command, ""), EXIT_DONE);
	assert_string_equal(p->out, "No incident is open.\n");
	assert_true(state_open_incident(st, &log, "FORK", "10", "critical", "two roots of one size, both signed", "{\"size\":10}", TEST_NOW_MS, id, NULL, &err));
	assert_true(state_put_evidence(st, id, "head.json", SLICE_LITERAL("{}"), &err));
	state_close(st);
	assert_int_equal(run(p, &incidents_command, ""), EXIT_DONE);
	assert_non_null(strstr(p->out, "FORK"));
	assert_fits(p->out, 80);
	snprintf(words, sizeof(words), "show %s", id);
	assert_int_equal(run(p, &incidents_command, words), EXIT_DONE);
	assert_non_null(strstr(p->out, "sha256sum -c"));
	assert_non_null(strstr(p->out, "\"size\": 10"));
	snprintf(words, sizeof(words), "close %s", id);
	assert_int_equal(run(p, &incidents_command, words), EXIT_USAGE);
	snprintf(words, sizeof(words), "close %s --why repaired", id);
	assert_int_equal(run(p, &incidents_command, words), EXIT_DONE);
	assert_int_equal(run(p, &incidents_command, words), EXIT_NO);
	assert_int_equal(run(p, &incidents_command, "--all --format jsonl"), EXIT_DONE);
	json_t *value = json_loads(p->out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(value, "closed_why")), "repaired");
	json_decref(value);
}

static void state_is_copied_and_pruned_by_command(void **state)
{
	struct place *p = *state;
	char *words = xasprintf("backup %s/copy.db", p->directory);

	assert_int_equal(run(p, &state_command, words), EXIT_DONE);
	assert_int_equal(run(p, &state_command, words), EXIT_DONE);
	free(words);
	words = xasprintf("backup %s", p->config);
	assert_int_equal(run(p, &state_command, words), EXIT_USAGE);
	assert_non_null(strstr(p->err, "is no backup"));
	free(words);
	assert_int_equal(run(p, &state_command, "prune"), EXIT_DONE);
	assert_int_equal(run(p, &state_command, ""), EXIT_USAGE);
	assert_int_equal(run(p, &state_command, "restore x"), EXIT_USAGE);
}

static void commands_on_no_state_say_so_with_exit_4(void **state)
{
	static const struct command *const commands[] = { &findings_command, &logs_command, &incidents_command, &health_command };
	struct place *p = *state, nowhere = { .directory = (char *)"/nowhere/at/all", .config = p->config };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		assert_int_equal(run(&nowhere, commands[i], ""), EXIT_STATE);
		assert_non_null(strstr(nowhere.err, "there is no state at /nowhere/at/all"));
	}
	free(nowhere.out);
	free(nowhere.err);
}

static void every_help_fits_80_columns(void **state)
{
	static const struct command *const commands[] = { &findings_command, &logs_command, &incidents_command, &health_command, &state_command };
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		assert_int_equal(run(p, commands[i], "--help"), EXIT_DONE);
		assert_fits(p->out, 80);
	}
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(findings_list_filters_and_says_when_there_is_nothing),
		PLACE_TEST(findings_as_json_are_an_array_or_a_line_each),
		PLACE_TEST(show_explains_and_unknown_ids_are_an_answer),
		PLACE_TEST(triage_is_all_or_nothing),
		PLACE_TEST(rules_that_agree_on_a_domain_share_a_row_and_a_decision),
		PLACE_TEST(hostile_names_come_out_inert),
		PLACE_TEST(logs_fit_and_name_those_that_are_not_read),
		PLACE_TEST(incidents_are_listed_shown_and_closed),
		PLACE_TEST(state_is_copied_and_pruned_by_command),
		PLACE_TEST(commands_on_no_state_say_so_with_exit_4),
		PLACE_TEST(every_help_fits_80_columns),
	};

	setenv("NO_COLOR", "1", 1);
	return cmocka_run_group_tests_name("cli: commands over the state", tests, NULL, NULL);
}
