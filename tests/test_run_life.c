/*
 * The program's life: it may be killed at any moment and loses and repeats nothing, it leaves when told to, it starts where
 * it is told to, and it takes new rules without losing a response.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "random.h"
#include "run_kit.h"

#define KILLS_DEFAULT 40             /* CTWATCH_KILLS asks for more */
#define PLANT CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant"

static const char *const ONCE[] = { "run", "--once", "--timeout", "20s", NULL };

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char FACTS[] =
	"SELECT 'r', log_no, start, stop, verified, hex(hashes) FROM read_range "
	"UNION ALL SELECT 'f', id, score, verified, certificate_count, sighting_count FROM finding "
	"UNION ALL SELECT 's', log_no, entry_index, verified, '', '' FROM sighting "
	"UNION ALL SELECT 'c', log_no, sum(entries), sum(matched), sum(verified), '' FROM counters GROUP BY 2 "
	"UNION ALL SELECT 'i', class, '', '', '', '' FROM incident ORDER BY 1, 2, 3, 4, 5, 6";

/* Ids of finding events in a file of envelopes, as the keys of an object; a line that is cut in the middle counts for nothing. */
static json_t *finding_ids(const struct run_kit *kit, const char *name)
{
	char *text = run_kit_file(kit, name), *line = text;
	json_t *ids = json_object();

	while (line != NULL && *line != '\0') {
		char *end = strchr(line, '\n');
		json_t *envelope = json_loadb(line, end == NULL ? strlen(line) : (size_t)(end - line), 0, NULL);

		if (envelope != NULL && strcmp(json_string_value(json_object_get(envelope, "event")), "finding") == 0)
			json_object_set_new(ids, json_string_value(json_object_get(json_object_get(envelope, "finding"), "id")), json_true());
		json_decref(envelope);
		line = end == NULL ? NULL : end + 1;
	}
	free(text);
	return ids;
}

static void killed_at_any_moment_it_loses_nothing_and_repeats_nothing(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "2", "--initial", "500", "--grow", "150", "--limit", "4000", "--plant", PLANT, "--plant-every", "20", NULL };
	const char *asked = getenv("CTWATCH_KILLS");
	unsigned n_kills = asked == NULL ? KILLS_DEFAULT : (unsigned)atoi(asked);
	struct random random = { (uint64_t)clock_ms() };
	struct run_kit kit;

	(void)state;
	print_message("seed %" PRIu64 ", %u kills\n", random.at, n_kills);
	run_kit_start(&kit, ARGUMENTS);
	for (unsigned i = 0; i < n_kills; i++) {
		run_kit_daemon(&kit);
		sleep_ms(20 + (unsigned)random_below(&random, 500));
		run_kit_end(&kit, SIGKILL);
	}
	/* the logs are fully grown by now, or soon */
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(run_kit_run(&kit, ONCE), 0);
		char *sizes = run_kit_sql(&kit, "SELECT min(verified_size) FROM log");
		bool grown = strcmp(sizes, "4000") == 0;

		free(sizes);
		if (grown)
			break;
		sleep_ms(500);
	}
	char *killed = run_kit_sql(&kit, FACTS);
	json_t *printed = finding_ids(&kit, "out"), *expected;

	char *from = xasprintf("%s/state", kit.directory), *to = xasprintf("%s/killed", kit.directory);
	assert_int_equal(rename(from, to), 0);
	free(from);
	free(to);
	char *out = xasprintf("%s/out", kit.directory);
	assert_int_equal(unlink(out), 0);
	free(out);
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	char *undisturbed = run_kit_sql(&kit, FACTS);
	assert_string_equal(killed, undisturbed);
	assert_true(strstr(killed, "r|1|0|4000|1|") != NULL);
	expected = finding_ids(&kit, "out");
	assert_true(json_object_size(expected) > 50);
	assert_true(json_equal(printed, expected));
	json_decref(printed);
	json_decref(expected);
	free(killed);
	free(undisturbed);
	run_kit_stop(&kit);
}

static void told_to_stop_it_leaves_within_five_seconds(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "4", "--initial", "20000", "--delay", "100", NULL };
	static const int SIGNALS[] = { SIGTERM, SIGINT };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
		run_kit_daemon(&kit);
		sleep_ms(1500);
		int64_t before = clock_ms();
		assert_int_equal(run_kit_end(&kit, SIGNALS[i]), 0);
		assert_true(clock_ms() - before < 5000);
	}
	run_kit_stop(&kit);
}

static void told_to_stop_before_anything_answers_it_leaves_too(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "2", "--misbehave", "hang,on=all", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	for (unsigned ms = 1; ms < 700; ms *= 3) {
		run_kit_daemon(&kit);
		sleep_ms(ms + 300);      /* the program is loaded: from there on signals wait for the loop */
		int64_t before = clock_ms();
		assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
		assert_true(clock_ms() - before < 5000);
	}
	run_kit_stop(&kit);
}

static void a_second_run_on_the_same_state_is_refused(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "1", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT verified_size FROM log", "100");
	assert_int_equal(run_kit_run(&kit, ONCE), 4);
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	run_kit_stop(&kit);
}

static void started_at_the_end_it_reads_what_comes_after(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "2", "--initial", "1000", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_config(&kit, "end", "");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	run_kit_wait(&kit, "SELECT start_index, verified_size FROM log", "1000|1000\n1000|1000");
	run_kit_wait(&kit, "SELECT coalesce(sum(entries), 0) FROM counters", "0");
	run_kit_control(&kit, "log=0&grow=37");
	run_kit_control(&kit, "log=1&grow=37");
	sleep_ms(300);
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	run_kit_wait(&kit, "SELECT DISTINCT start, stop, verified FROM read_range", "0|1037|1");
	run_kit_wait(&kit, "SELECT sum(entries) FROM counters", "74");
	run_kit_stop(&kit);
}

static void started_at_a_time_it_goes_back_by_one_merge_delay(void **state)
{
	/* the fake log's static entries have an MMD of a minute; its first entries lie further back than that */
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "60000", NULL };
	struct run_kit kit;
	char start[TIME_TEXT_LEN];
	struct timespec now;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	clock_gettime(CLOCK_REALTIME, &now);
	run_kit_config(&kit, time_format_rfc3339((int64_t)now.tv_sec * 1000, start), "");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	run_kit_wait(&kit, "SELECT verified_size FROM log", "60000");
	char *read = run_kit_sql(&kit, "SELECT sum(entries) + (SELECT start_index FROM log) FROM counters");
	assert_string_equal(read, "60000");
	free(read);
	run_kit_wait(&kit, "SELECT count(*) FROM incident", "0");
	run_kit_stop(&kit);
}

static void started_at_a_time_within_the_log_it_skips_what_is_older_by_more_than_a_merge_delay(void **state)
{
	static const struct { const char *api; int64_t mmd_ms; } ROWS[] = { { "classic", 86400000 }, { "static", 60000 } };
	const int64_t day = 86400000;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		/* 20 000 entries in 20 days: 1000 a day */
		const char *const arguments[] = { "--api", ROWS[i].api, "--initial", "20000", "--span", "20", NULL };
		struct run_kit kit;
		char start[TIME_TEXT_LEN];
		struct timespec now;

		run_kit_start(&kit, arguments);
		clock_gettime(CLOCK_REALTIME, &now);
		run_kit_config(&kit, time_format_rfc3339((int64_t)now.tv_sec * 1000 - 5 * day, start), "");
		assert_int_equal(run_kit_run(&kit, ONCE), 0);
		run_kit_wait(&kit, "SELECT verified_size FROM log", "20000");
		char *text = run_kit_sql(&kit, "SELECT start_index FROM log");
		int64_t first = atoll(text), wanted = 15000 - ROWS[i].mmd_ms * 1000 / day;
		free(text);
		if (first > wanted || first < wanted - 600)
			fail_msg("%s: starts at %" PRId64 ", wanted %" PRId64 " or a little before", ROWS[i].api, first, wanted);
		text = run_kit_sql(&kit, "SELECT sum(entries) + (SELECT start_index FROM log) FROM counters");
		assert_string_equal(text, "20000");
		free(text);
		run_kit_wait(&kit, "SELECT count(*) FROM incident", "0");
		run_kit_stop(&kit);
	}
}

static void far_behind_it_reads_the_head_first_and_joins_later(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "2", "--initial", "25000", "--delay", "250", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT count(DISTINCT log_no) FROM read_range WHERE start > 20000", "2");
	run_kit_wait(&kit, "SELECT count(*) > 2 FROM read_range", "1");
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	/* what was read beyond the gap is not asked for again */
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	run_kit_wait(&kit, "SELECT DISTINCT start, stop, verified FROM read_range", "0|25000|1");
	run_kit_wait(&kit, "SELECT sum(entries) FROM counters", "50000");
	run_kit_stop(&kit);
}

static void new_rules_are_taken_and_bad_ones_refused_without_losing_a_response(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "2", "--initial", "3000", "--grow", "200", "--limit", "4000", "--plant", PLANT, NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_config(&kit, "beginning", ",\"rules\":[\"tag53\"]");
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT count(*) > 20 FROM finding", "1");
	run_kit_wait(&kit, "SELECT count(*) FROM finding WHERE kind = 'brand'", "0");
	run_kit_config(&kit, "beginning", ",\"rules\":[\"tag53\",\"watchlist\"]");
	kill(kit.daemon, SIGHUP);
	run_kit_wait(&kit, "SELECT count(*) > 0 FROM finding WHERE kind = 'brand' AND found_by_change", "1");
	run_kit_config(&kit, "beginning", ",\"rulez\":[]");
	kill(kit.daemon, SIGHUP);
	run_kit_wait(&kit, "SELECT min(head_size) FROM log", "4000");
	char *err = run_kit_file(&kit, "err");
	assert_non_null(strstr(err, "rulez"));
	free(err);
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	run_kit_config(&kit, "beginning", "");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	err = run_kit_file(&kit, "err");
	assert_non_null(strstr(err, "pack tag53, indicators published 2022-12"));
	assert_non_null(strstr(err, "watch list watchlist, 7 organisations, published 2022-12"));
	free(err);
	run_kit_wait(&kit, "SELECT DISTINCT start, stop, verified FROM read_range", "0|4000|1");
	run_kit_wait(&kit, "SELECT sum(entries) FROM counters", "8000");
	run_kit_stop(&kit);
}

static void a_state_that_cannot_be_used_ends_it_with_four_and_destroys_nothing(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "1", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	char *directory = xasprintf("mkdir %s/state && echo 'this is no database' > %s/state/ctwatch.db", kit.directory, kit.directory);
	assert_int_equal(system(directory), 0);
	free(directory);
	assert_int_equal(run_kit_run(&kit, ONCE), 4);
	char *kept = run_kit_file(&kit, "state/ctwatch.db");
	assert_string_equal(kept, "this is no database\n");
	free(kept);
	run_kit_stop(&kit);
}

/* ---- scan ------------------------------------------------------------------------------------------------------ */

static void nothing_to_follow_is_no_success_and_a_missing_file_no_good_configuration(void **state)
{
	static const char *const CHECK[] = { "config", "check", NULL };
	static const char *const ARGUMENTS[] = { "--logs", "1", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_config(&kit, "beginning", ",\"logs\":{\"exclude\":[\"*\"]}");
	assert_int_equal(run_kit_run(&kit, ONCE), 5);
	assert_int_equal(run_kit_run(&kit, CHECK), 0);
	run_kit_config(&kit, "beginning", ",\"ca_file\":\"missing.pem\"");
	assert_int_equal(run_kit_run(&kit, CHECK), 2);
	run_kit_stop(&kit);
}

static void scan_reads_a_range_and_leaves_positions_alone(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "2", "--initial", "1000", "--plant", PLANT, NULL };
	static const char *const PART[] = { "scan", "--log", "Argon", "--from", "100", "--to", "300", NULL };
	static const char *const SAVED[] = { "scan", "--log", "Sycamore", "--from", "0", "--to", "300", "--save", NULL };
	static const char *const UNKNOWN[] = { "scan", "--log", "no such log", NULL };
	static const char *const EMPTY[] = { "scan", "--log", "Argon", "--from", "9", "--to", "9", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	assert_int_equal(run_kit_run(&kit, PART), 0);
	char *out = run_kit_file(&kit, "out");
	assert_non_null(strstr(out, "\"rule\":\"indicator/tag53\""));
	free(out);
	char *none = run_kit_sql(&kit, "SELECT count(*) FROM finding");
	assert_string_equal(none, "");
	free(none);
	assert_int_equal(run_kit_run(&kit, SAVED), 0);
	run_kit_wait(&kit, "SELECT count(*) > 5 FROM finding", "1");
	run_kit_wait(&kit, "SELECT count(*) FROM read_range", "0");
	assert_int_equal(run_kit_run(&kit, UNKNOWN), 2);
	assert_int_equal(run_kit_run(&kit, EMPTY), 2);
	run_kit_stop(&kit);
}

/* One finding of a scan's output: every member that DESIGN.md 5.2 promises, in order. */
static void check_shape(json_t *finding)
{
	static const char *const MEMBERS[] = { "id", "name", "registrable_domain", "rule", "kind", "brand", "technique", "score", "severity", "flagged",
		"verified", "status", "evidence", "attack", "first_seen", "last_seen", "certificates", "certificate_count" };
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach(finding, key, value) {
		assert_true(n < ARRAY_LEN(MEMBERS));
		assert_string_equal(key, MEMBERS[n++]);
	}
	assert_int_equal(n, ARRAY_LEN(MEMBERS));
	assert_true(json_is_array(json_object_get(json_object_get(finding, "attack"), "observed")));
	json_t *certificate = json_array_get(json_object_get(finding, "certificates"), 0);
	assert_true(json_is_integer(json_object_get(json_array_get(json_object_get(certificate, "sightings"), 0), "index")));
}

/* Findings of a scan, by whether they are verified; the output is emptied. */
static void count_scanned(const struct run_kit *kit, unsigned *n_verified, unsigned *n_unverified)
{
	char *text = run_kit_file(kit, "out"), *line = text, *path = xasprintf("%s/out", kit->directory);

	*n_verified = *n_unverified = 0;
	while (*line != '\0') {
		char *end = strchr(line, '\n');
		assert_non_null(end);
		json_t *finding = json_loadb(line, (size_t)(end - line), 0, NULL);

		check_shape(finding);
		*(json_is_true(json_object_get(finding, "verified")) ? n_verified : n_unverified) += 1;
		json_decref(finding);
		line = end + 1;
	}
	assert_int_equal(truncate(path, 0), 0);
	free(path);
	free(text);
}

static void scan_proves_what_it_reads_wherever_the_range_lies(void **state)
{
	static const char *const LOGS[] = { "Argon", "Sycamore" };
	static const struct { const char *from, *to; } RANGES[] = { { "0", "1000" }, { "100", "1000" }, { "0", "777" }, { "100", "777" }, { "256", "512" } };
	static const char *const ARGUMENTS[] = { "--logs", "2", "--initial", "1000", "--plant", PLANT, "--plant-every", "4", NULL };
	struct run_kit kit;
	unsigned n_verified, n_unverified;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	for (size_t i = 0; i < ARRAY_LEN(LOGS); i++) {
		for (size_t k = 0; k < ARRAY_LEN(RANGES); k++) {
			const char *const scan[] = { "scan", "--log", LOGS[i], "--from", RANGES[k].from, "--to", RANGES[k].to, "--save", NULL };

			assert_int_equal(run_kit_run(&kit, scan), 0);
			count_scanned(&kit, &n_verified, &n_unverified);
			if (k < 4)
				assert_true(n_verified > 5);
			assert_int_equal(n_unverified, 0);
		}
	}
	run_kit_wait(&kit, "SELECT count(*) FROM sighting WHERE verified = 0", "0");
	run_kit_stop(&kit);
}

static void scan_says_when_what_it_read_cannot_be_proven(void **state)
{
	static const struct { const char *fault, *log; int code; } ROWS[] = {
		{ "tampered-entry,at=300", "Argon", 3 }, { "tampered-entry,at=300", "Sycamore", 3 },
		{ "wrong-proof", "Argon", 3 }, { "status,at=500,on=proof", "Argon", 0 }, { "status,at=500,on=tile", "Sycamore", 0 },
	};
	unsigned n_verified, n_unverified;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		const char *const arguments[] = { "--logs", "2", "--initial", "1000", "--plant", PLANT, "--plant-every", "4", "--misbehave", ROWS[i].fault, NULL };
		const char *const scan[] = { "scan", "--log", ROWS[i].log, "--to", "777", NULL };
		struct run_kit kit;

		run_kit_start(&kit, arguments);
		int code = run_kit_run(&kit, scan);
		if (code != ROWS[i].code)
			fail_msg("%s of %s: exit code %d", ROWS[i].fault, ROWS[i].log, code);
		count_scanned(&kit, &n_verified, &n_unverified);
		assert_int_equal(n_verified, 0);
		assert_true(n_unverified > 5);
		run_kit_stop(&kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_moment_it_loses_nothing_and_repeats_nothing),
		cmocka_unit_test(told_to_stop_it_leaves_within_five_seconds),
		cmocka_unit_test(told_to_stop_before_anything_answers_it_leaves_too),
		cmocka_unit_test(a_second_run_on_the_same_state_is_refused),
		cmocka_unit_test(started_at_the_end_it_reads_what_comes_after),
		cmocka_unit_test(started_at_a_time_it_goes_back_by_one_merge_delay),
		cmocka_unit_test(started_at_a_time_within_the_log_it_skips_what_is_older_by_more_than_a_merge_delay),
		cmocka_unit_test(far_behind_it_reads_the_head_first_and_joins_later),
		cmocka_unit_test(new_rules_are_taken_and_bad_ones_refused_without_losing_a_response),
		cmocka_unit_test(a_state_that_cannot_be_used_ends_it_with_four_and_destroys_nothing),
		cmocka_unit_test(nothing_to_follow_is_no_success_and_a_missing_file_no_good_configuration),
		cmocka_unit_test(scan_reads_a_range_and_leaves_positions_alone),
		cmocka_unit_test(scan_proves_what_it_reads_wherever_the_range_lies),
		cmocka_unit_test(scan_says_when_what_it_read_cannot_be_proven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
