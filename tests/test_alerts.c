/* From a stored match to a delivered alert: router, lanes, retries, digests, reload, over a real store and state. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "rules.h"

#define APPEND "[{\"type\":\"command\",\"argv\":[\"/bin/sh\",\"-c\",\"cat >>%s; echo >>%s\"]}]"

static char *append_sink(struct bench *bench)
{
	return xasprintf(APPEND, bench->log, bench->log);
}

/* ---- tests ------------------------------------------------------------------------------------------------ */

static void every_finding_reaches_a_command_once(void **state)
{
	struct bench *bench = *state;
	char *sinks = append_sink(bench);

	bench_start(bench, sinks);
	bench_add(bench, (struct test_match){ .score = 92 }, 40);
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 40);
	assert_int_equal(bench_rows(bench, "sent"), 40);
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 40);
	bench_stop(bench);
	free(sinks);
}

static void a_failing_sink_keeps_its_rows_and_delays_no_other(void **state)
{
	struct bench *bench = *state;
	char *sinks = xasprintf("[{\"type\":\"command\",\"name\":\"dead\",\"argv\":[\"/bin/false\"]},{\"type\":\"ecs\",\"path\":\"%s\"}]", bench->log);

	bench_start(bench, sinks);
	bench_add(bench, (struct test_match){ .score = 92 }, 5);
	assert_true(bench_flush(bench) > 0);
	assert_int_equal(count_lines(bench->log), 5);
	assert_int_equal(bench_rows(bench, "sent"), 5);
	assert_int_equal(bench_rows(bench, "waiting"), 5);
	bench_stop(bench);
	free(sinks);
}

static void what_cannot_be_delivered_for_long_becomes_a_dead_letter(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"command\",\"argv\":[\"/bin/false\"],\"retry_for\":\"1h\"}]");
	bench_add(bench, (struct test_match){ .score = 92 }, 1);
	assert_true(bench_flush(bench) > 0);
	assert_int_equal(bench_rows(bench, "dead"), 0);
	bench->now_ms += 2 * 3600000;
	assert_true(bench_flush(bench) > 0);
	assert_int_equal(bench_rows(bench, "dead"), 1);
	bench_stop(bench);
}

static void findings_below_the_sink_s_score_are_not_queued(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"command\",\"argv\":[\"/bin/true\"],\"min_score\":90}]");
	bench_add(bench, (struct test_match){ .score = 80 }, 3);
	assert_int_equal(bench_rows(bench, NULL), 0);
	bench_add(bench, (struct test_match){ .score = 95, .domain = "other" }, 2);
	assert_int_equal(bench_rows(bench, NULL), 2);
	bench_stop(bench);
}

static void naming_alone_waits_for_people_s_digest_but_not_for_programs(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"mail\",\"server\":\"127.0.0.1:1\",\"tls\":\"none\",\"from\":\"a@b.example\",\"to\":\"c@d.example\"},"
			   "{\"type\":\"command\",\"argv\":[\"/bin/true\"]}]");
	bench_add(bench, (struct test_match){ .score = 70, .rule = "naming/tag53", .kind = "naming", .brand = "" }, 1);
	assert_int_equal(bench_rows(bench, NULL), 2);
	bench_stop(bench);
}

static void a_flush_that_comes_during_a_round_leaves_nothing_waiting(void **state)
{
	struct bench *bench = *state;
	char *sinks = xasprintf("[{\"type\":\"ecs\",\"path\":\"%s\",\"group_window\":\"1h\"}]", bench->log);

	bench_start(bench, sinks);
	bench_add(bench, (struct test_match){ .score = 92 }, 3);
	alerts_wake(bench->alerts);       /* its round finds nothing due: the window is open */
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 3);
	bench_stop(bench);
	free(sinks);
}

static bool ask_for_what_is_gone(void *ctx, struct state *st, struct error *err)
{
	static const enum event_type events[] = { EVENT_FINDING, EVENT_INCIDENT_OPENED };

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct outbox_item row = { .event = events[i], .subject = (char *)"aaaaaaaaaaaaaaaaaaaaaaaaaa" };
		struct error why = { 0 };

		if (envelope_make(st, &row, &why) != NULL || why.kind != ERR_USAGE)
			return error_set(err, ERR_FATAL, "a subject that is gone is told as kind %d: %s", (int)why.kind, why.text);
	}
	return true;
}

/* Only what is gone becomes a dead letter; a state that does not answer leaves its rows waiting (round.c). */
static void a_subject_that_is_gone_is_told_apart_from_a_state_that_does_not_answer(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[]");
	bench_job(bench, ask_for_what_is_gone, NULL);
	bench_stop(bench);
}

static void what_was_queued_before_a_restart_is_delivered_after_it(void **state)
{
	struct bench *bench = *state;
	char *sinks = append_sink(bench);

	bench_start(bench, sinks);
	bench_add(bench, (struct test_match){ .score = 92 }, 3);
	bench_stop(bench);
	size_t before = count_lines(bench->log);
	bench_start(bench, sinks);
	assert_int_equal(bench_flush(bench), 0);
	assert_true(count_lines(bench->log) >= 3 && before <= 3);
	assert_int_equal(bench_rows(bench, "sent"), 3);
	bench_stop(bench);
	free(sinks);
}

static void other_sinks_take_over_on_reload(void **state)
{
	struct bench *bench = *state;
	char *sinks = append_sink(bench);

	bench_start(bench, "[]");
	bench_add(bench, (struct test_match){ .score = 92 }, 2);
	assert_int_equal(bench_rows(bench, NULL), 0);
	alerts_reload(bench->alerts, bench_sinks(bench, sinks));
	assert_int_equal(bench_flush(bench), 0);
	bench_add(bench, (struct test_match){ .score = 92, .domain = "later" }, 2);
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 2);
	bench_stop(bench);
	free(sinks);
}

static void a_file_that_was_moved_away_is_opened_anew_after_a_reload(void **state)
{
	struct bench *bench = *state;
	char *sinks = xasprintf("[{\"type\":\"ecs\",\"path\":\"%s\"}]", bench->log), *moved = xasprintf("%s.1", bench->log);

	bench_start(bench, sinks);
	bench_add(bench, (struct test_match){ .score = 92, .domain = "first" }, 1);
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(rename(bench->log, moved), 0);
	bench_add(bench, (struct test_match){ .score = 92, .domain = "second" }, 1);
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(moved), 2);
	/* two signals in a row: the second waits for the first */
	alerts_reload(bench->alerts, bench_sinks(bench, "[]"));
	alerts_reload(bench->alerts, bench_sinks(bench, "[]"));
	alerts_reload(bench->alerts, bench_sinks(bench, sinks));
	bench_run(bench, 50);
	bench_add(bench, (struct test_match){ .score = 92, .domain = "third" }, 1);
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(moved), 2);
	assert_int_equal(count_lines(bench->log), 1);
	bench_stop(bench);
	free(sinks), free(moved);
}

static void refuses_settings_with_a_sentence_that_names_sink_and_key(void **state)
{
	static const struct {
		const char *json, *part;
	} bad[] = {
		{ "[{\"type\":\"webhok\",\"url\":\"https://x.example\"}]", "did you mean \"webhook\"" },
		{ "[{\"type\":\"webhook\"}]", "\"url\" wants" },
		{ "[{\"type\":\"webhook\",\"url\":\"ftp://x\"}]", "https://" },
		{ "[{\"type\":\"webhook\",\"url\":\"http://hooks.example/\"}]", "allow_http" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"secret_evn\":\"X\"}]", "no key \"secret_evn\"" },
		{ "[{\"type\":\"hooks\"}]", "\"directory\" wants" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"min_scor\":3}]", "did you mean \"min_score\"" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"min_score\":101}]", "0 to 100" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"events\":[\"fnding\"]}]", "names of events" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"headers\":{\"a\":\"b\\r\\nc: d\"}}]", "one line" },
		{ "[{\"type\":\"mail\",\"server\":\"mail.example\",\"from\":\"a@b.example\",\"to\":[\"c@d.example\\nBcc: x@y\"]}]", "\"to\" wants" },
		{ "[{\"type\":\"mail\",\"server\":\"mail.example\",\"tls\":\"none\",\"from\":\"a@b.example\",\"to\":\"c@d.example\"}]", "\"tls\" wants" },
		{ "[{\"type\":\"template\",\"url\":\"https://x.example\",\"template\":\"{{findin.name}}\"}]", "did you mean {{finding}}" },
		{ "[{\"type\":\"template\",\"url\":\"https://x.example\",\"template\":\"{{sentence\"}]", "without closing" },
		{ "[{\"type\":\"syslog\",\"server\":\"x\",\"transport\":\"smoke\"}]", "\"udp\", \"tcp\" or \"tls\"" },
		{ "[{\"type\":\"slack\",\"channel\":\"C1\"}]", "token_file" },
		{ "[{\"type\":\"command\",\"argv\":[]}]", "\"argv\" wants" },
		{ "[{\"type\":\"ecs\"}]", "\"path\" wants" },
		{ "[{\"type\":\"webhook\",\"name\":\"a\",\"url\":\"https://x.example\"},{\"type\":\"webhook\",\"name\":\"a\",\"url\":\"https://x.example\"}]", "names must differ" },
		{ "[{\"url\":\"https://x.example\"}]", "\"type\"" },
		{ "{}", "list of sinks" },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sink_set *sinks;
		struct error err;

		json_decref(bench->config.alerts);
		bench->config.alerts = json_loads(bad[i].json, 0, NULL);
		assert_non_null(bench->config.alerts);
		assert_false(sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err));
		if (strstr(err.text, bad[i].part) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].part);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static struct ruleset *own_rules(struct suffix_table *suffixes)
{
	static const char BRANDS[] = "{\"brands\":[{\"name\":\"Acme Tronics\",\"official_domains\":[\"acme-tronics.example\"]}]}";
	const struct rule_source source = { SOURCE_PACK, "own", SLICE_LITERAL(BRANDS) };
	struct ruleset *rules;
	struct error err;

	if (!ruleset_compile(&source, 1, suffixes, 0, &rules, &err))
		fail_msg("%s", err.text);
	return rules;
}

static void filters_that_can_match_nothing_are_refused_with_the_nearest(void **state)
{
	static const struct {
		const char *sink, *triage, *want;        /* want: NULL when it is good */
	} cases[] = {
		{ "\"rules\":[\"brand/*\"],\"brands\":[\"acme tronics\"],\"kinds\":[\"brand\",\"own*\"]", "{}", NULL },
		{ "\"rules\":[\"unreadable\"]", "{}", NULL },
		{ "\"kinds\":[\"brnad\"]", "{}", "there is no such kind, did you mean \"brand\"?" },
		{ "\"brands\":[\"Acme Tronix\"]", "{}", "there is no such brand: did you mean \"Acme Tronics\"?" },
		{ "\"rules\":[\"brand/acme-tronix\"]", "{}", "there is no such rule: did you mean \"brand/acme-tronics\"?" },
		{ "\"rules\":[\"naming/*\"]", "{}", "there is no such rule" },
		{ "\"min_score\":60", "{\"allow\":[{\"domain\":\"https://WWW.partner.co.uk/x\",\"why\":\"x\"}]}", NULL },
		{ "\"min_score\":60", "{\"allow\":[{\"domain\":\"mail.partner.co.uk\",\"why\":\"x\"}]}", "write \"partner.co.uk\" instead of" },
		{ "\"min_score\":60", "{\"allow\":[{\"domain\":\"partner.co.uk\",\"rule\":\"brand/x\",\"why\":\"x\"}]}", "no rule is called" },
	};
	struct bench *bench = *state;
	struct suffix_table *suffixes = suffix_table_new_libpsl();
	struct ruleset *rules = own_rules(suffixes);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("[{\"type\":\"webhook\",\"url\":\"https://x.example\",%s}]", cases[i].sink);
		struct sink_set *sinks = NULL;
		struct error err = { 0 };

		json_decref(bench->config.alerts);
		json_decref(bench->config.triage);
		bench->config.alerts = json_loads(text, 0, NULL);
		bench->config.triage = json_loads(cases[i].triage, 0, NULL);
		bool ok = sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err) && sink_set_check(sinks, rules, suffixes, &err);
		if (ok != (cases[i].want == NULL) || (!ok && strstr(err.text, cases[i].want) == NULL))
			fail_msg("case %zu: %s", i, ok ? "is good" : err.text);
		if (sinks != NULL)
			sink_set_free(sinks);
		free(text);
	}
	json_decref(bench->config.triage);
	bench->config.triage = NULL;
	ruleset_free(rules);
	suffix_table_free(suffixes);
}

static void secrets_come_from_files_and_variables(void **state)
{
	struct bench *bench = *state;
	char *path = xasprintf("%s/secret", bench->directory);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("https://hooks.example/T0/B0\n", file);
	fclose(file);
	setenv("ALERTS_TEST_SECRET", "key", 1);
	char *json = xasprintf("[{\"type\":\"webhook\",\"url_file\":\"%s\",\"secret_env\":\"ALERTS_TEST_SECRET\"}]", path);
	struct sink_set *sinks = bench_sinks(bench, json);
	char *text = sink_describe(sinks->items[0]);

	assert_non_null(strstr(text, "https://hooks.example/..."));
	assert_true(sink_set_has_secrets(sinks));
	sink_set_free(sinks);
	sinks = bench_sinks(bench, "[{\"type\":\"ecs\",\"path\":\"/tmp/x\"}]");
	assert_false(sink_set_has_secrets(sinks));
	sink_set_free(sinks);
	free(json), free(path), free(text);
}

static void descriptions_hold_no_secrets(void **state)
{
	struct bench *bench = *state;
	struct sink_set *sinks =
		bench_sinks(bench, "[{\"type\":\"webhook\",\"url\":\"https://user:pass@hooks.example/services/T0/SECRET?k=SECRET\",\"secret\":\"SECRET\"},"
				  "{\"type\":\"slack\",\"channel\":\"C1\",\"token\":\"SECRET\"},"
				  "{\"type\":\"mail\",\"server\":\"m.example\",\"from\":\"a@b.example\",\"to\":\"c@d.example\",\"user\":\"u\",\"password\":\"SECRET\"}]");

	for (size_t i = 0; i < sinks->n; i++) {
		char *text = sink_describe(sinks->items[i]);

		assert_null(strstr(text, "SECRET"));
		assert_null(strstr(text, "pass"));
		free(text);
	}
	sink_set_free(sinks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_finding_reaches_a_command_once, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_failing_sink_keeps_its_rows_and_delays_no_other, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_delivered_for_long_becomes_a_dead_letter, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(findings_below_the_sink_s_score_are_not_queued, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(naming_alone_waits_for_people_s_digest_but_not_for_programs, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_subject_that_is_gone_is_told_apart_from_a_state_that_does_not_answer, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(what_was_queued_before_a_restart_is_delivered_after_it, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_flush_that_comes_during_a_round_leaves_nothing_waiting, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(other_sinks_take_over_on_reload, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_was_moved_away_is_opened_anew_after_a_reload, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(refuses_settings_with_a_sentence_that_names_sink_and_key, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(filters_that_can_match_nothing_are_refused_with_the_nearest, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(secrets_come_from_files_and_variables, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(descriptions_hold_no_secrets, bench_setup, bench_teardown),
	};

	/* as the daemon does: a program that does not read its input must not end us */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
