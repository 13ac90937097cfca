/*
 * A watcher in this process against the fake log, with a clock that the test moves: what takes minutes, hours or days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "watch_bench.h"

static void silence_becomes_an_incident_after_an_hour_and_a_grave_one_after_a_day(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "300");
	run_kit_control(&b.kit, "log=0&misbehave=status,on=head");
	for (unsigned i = 0; i < 4; i++)
		watch_bench_later(&b, 10 * MINUTE);
	watch_bench_wait(&b, "SELECT count(*) FROM incident", "0");
	for (unsigned i = 0; i < 3; i++)
		watch_bench_later(&b, 10 * MINUTE);
	watch_bench_wait(&b, "SELECT class, severity FROM incident", "UNREACHABLE|low");
	for (unsigned i = 0; i < 5; i++)
		watch_bench_later(&b, 5 * HOUR);
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE' AND severity = 'high'", "1");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, HOUR);
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE' AND closed_ms = 0", "0");
	watch_bench_stop(&b);
}

static void a_clock_that_is_set_changes_neither_polls_nor_silence(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	static const int64_t SET_BY[] = { -2 * HOUR, HOUR, -50 * 365 * 24 * HOUR, 0 };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "300");
	for (unsigned i = 0; i < ARRAY_LEN(SET_BY); i++) {
		char size[16];

		b.set_by_ms = SET_BY[i];
		run_kit_control(&b.kit, "log=0&grow=100");
		watch_bench_later(&b, MINUTE);
		snprintf(size, sizeof(size), "%u", 400 + 100 * i);
		watch_bench_wait(&b, "SELECT verified_size FROM log", size);
	}
	watch_bench_wait(&b, "SELECT count(*) FROM incident", "0");
	run_kit_control(&b.kit, "log=0&misbehave=status,on=head");
	for (unsigned i = 0; i < 7; i++) {
		b.set_by_ms = i % 2 == 0 ? -2 * HOUR : 2 * HOUR;
		watch_bench_later(&b, 10 * MINUTE);
		if (i < 4)
			watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE'", "0");
	}
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE'", "1");
	watch_bench_stop(&b);
}

static void a_missing_tile_is_told_after_ten_minutes_and_does_not_stop_the_rest(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "1024", "--misbehave", "missing-tile,at=1,on=data", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT start, stop FROM read_range ORDER BY 1", "0|256\n512|1024");
	watch_bench_wait(&b, "SELECT count(*) FROM incident", "0");
	for (unsigned i = 0; i < 6; i++)
		watch_bench_later(&b, 4 * MINUTE);
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'MISSING_TILE'", "0");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, 6 * MINUTE);
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|1024|1");
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'MISSING_TILE'", "1");
	watch_bench_stop(&b);
}

static void a_mismatch_is_read_again_three_times_before_it_is_told_and_reading_goes_on(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "600", "--misbehave", "tampered-entry,at=300", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_spin(&b, 1500);
	watch_bench_wait(&b, "SELECT count(*) FROM incident", "0");
	watch_bench_later(&b, 6 * MINUTE);
	watch_bench_spin(&b, 1500);
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'ENTRIES_MISMATCH'", "0");
	watch_bench_later(&b, 31 * MINUTE);
	watch_bench_wait(&b, "SELECT severity FROM incident WHERE class = 'ENTRIES_MISMATCH'", "critical");
	run_kit_control(&b.kit, "log=0&grow=200");
	for (unsigned i = 0; i < 3; i++)
		watch_bench_later(&b, 10 * MINUTE);
	watch_bench_wait(&b, "SELECT max(stop), max(verified) FROM read_range", "800|0");
	watch_bench_wait(&b, "SELECT verified_size FROM log", "0");
	watch_bench_wait(&b, "SELECT sum(entries) FROM counters", "800");
	watch_bench_stop(&b);
}

static void a_mismatch_that_is_closed_by_hand_is_verified_again_without_a_restart(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "512", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
	run_kit_control(&b.kit, "log=0&misbehave=tampered-entry,at=600");
	run_kit_control(&b.kit, "log=0&grow=256");
	for (unsigned i = 0; i < 3; i++) {
		watch_bench_later(&b, 31 * MINUTE);
		watch_bench_spin(&b, 1000);
	}
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'ENTRIES_MISMATCH'", "0");
	run_kit_control(&b.kit, "log=0&grow=256");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT max(stop), (SELECT verified_size FROM log) FROM read_range", "1024|512");

	/* still wrong: the same verdict, again after three attempts */
	watch_bench_close_incident(&b, "ENTRIES_MISMATCH");
	for (unsigned i = 0; i < 4; i++) {
		watch_bench_later(&b, 31 * MINUTE);
		watch_bench_spin(&b, 1000);
	}
	watch_bench_wait(&b, "SELECT count(*), sum(closed_ms > 0) FROM incident WHERE class = 'ENTRIES_MISMATCH'", "2|1");
	watch_bench_wait(&b, "SELECT verified_size FROM log", "512");

	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_close_incident(&b, "ENTRIES_MISMATCH");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|1024|1");
	watch_bench_wait(&b, "SELECT verified_size FROM log", "1024");
	watch_bench_wait(&b, "SELECT sum(entries), sum(verified) FROM counters", "1024|1024");
	struct watcher_status status;
	watcher_status(b.watcher, &status);
	assert_false(status.contradicted);
	watch_bench_stop(&b);
}

static void what_is_found_at_the_head_is_verified_before_the_gap_below_it_is_read(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "30000", "--plant", CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant",
		"--plant-every", "7", "--misbehave", "missing-tile,at=3,on=data", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	/* the unfinished tile is left alone; the gap does not end while a tile is missing */
	watch_bench_wait(&b, "SELECT min(start), max(stop) FROM read_range", "0|29952");
	run_kit_control(&b.kit, "log=0&plant=drive-globalordnance.com&grow=1000");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT max(stop) FROM read_range", "30976");
	watch_bench_wait(&b, "SELECT verified FROM sighting WHERE entry_index >= 30000", "1");
	watch_bench_wait(&b, "SELECT max(verified) FROM sighting WHERE entry_index < 29000", "0");
	watch_bench_wait(&b, "SELECT verified_size FROM log", "0");
	watch_bench_wait(&b, "SELECT verified FROM finding WHERE registrable_domain = 'drive-globalordnance.com' LIMIT 1", "1");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, 6 * MINUTE);
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|31000|1");
	watch_bench_wait(&b, "SELECT count(*) FROM sighting WHERE verified = 0", "0");
	watch_bench_wait(&b, "SELECT sum(entries), sum(verified) FROM counters", "31000|31000");
	watch_bench_stop(&b);
}

static void hash_tiles_that_lie_about_what_lies_below_the_head_are_told(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "30000", "--plant", CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant",
		"--plant-every", "7", "--misbehave", "missing-tile,at=3,on=data", "--misbehave", "tile-hash", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT max(stop) FROM read_range", "29952");
	watch_bench_spin(&b, 1000);
	watch_bench_wait(&b, "SELECT count(*) FROM incident", "0");
	watch_bench_later(&b, 3 * MINUTE);
	watch_bench_wait(&b, "SELECT severity FROM incident WHERE class = 'TILE_HASH_MISMATCH'", "critical");
	watch_bench_wait(&b, "SELECT max(verified) FROM sighting", "0");
	watch_bench_stop(&b);
}

static void an_hour_of_refusals_is_told_even_when_nothing_could_be_read(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "20000", "--misbehave", "retry-seconds,at=1", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT head_size FROM log", "20000");
	for (unsigned i = 0; i < 120 && b.watcher->counters.requests < 16; i++)
		watch_bench_spin(&b, 500);           /* a refusal keeps a host quiet for a second of real time */
	watch_bench_later(&b, 30 * MINUTE);
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'RATE_LIMITED'", "0");
	watch_bench_later(&b, 31 * MINUTE);
	watch_bench_wait(&b, "SELECT severity, closed_ms > 0 FROM incident WHERE class = 'RATE_LIMITED'", "medium|0");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, 61 * MINUTE);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "20000");
	watch_bench_later(&b, 61 * MINUTE);
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'RATE_LIMITED'", "1");
	watch_bench_stop(&b);
}

static void a_larger_head_that_is_older_is_out_of_order_and_still_followed(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "300");
	run_kit_control(&b.kit, "log=0&misbehave=stale-head");
	run_kit_control(&b.kit, "log=0&grow=100");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT severity FROM incident WHERE class = 'STH_ORDER'", "medium");
	watch_bench_wait(&b, "SELECT verified_size FROM log", "400");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, MINUTE);
	watch_bench_later(&b, 25 * HOUR);
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'STH_ORDER'", "1");
	watch_bench_stop(&b);
}

static void a_head_that_nothing_leads_to_is_inconsistent_and_kept_as_evidence(void **state)
{
	static const char *const APIS[] = { "classic", "static" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", NULL };
		struct bench b;

		watch_bench_start(&b, arguments);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
		run_kit_control(&b.kit, "log=0&misbehave=inconsistent-head,at=512");
		run_kit_control(&b.kit, "log=0&grow=256");
		for (unsigned k = 0; k < 3; k++) {
			watch_bench_later(&b, 31 * MINUTE);
			watch_bench_spin(&b, 700);
		}
		watch_bench_wait(&b, "SELECT severity, evidence_dir IS NOT NULL FROM incident WHERE class = 'INCONSISTENT_STH'", "critical|1");
		watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
		watch_bench_stop(&b);
	}
}

static void a_wrong_proof_alone_is_asked_for_again_and_entries_have_the_last_word(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "300");
	run_kit_control(&b.kit, "log=0&misbehave=wrong-proof");
	run_kit_control(&b.kit, "log=0&misbehave=zero-entries");
	run_kit_control(&b.kit, "log=0&grow=20000");
	for (unsigned i = 0; i < 4; i++) {
		watch_bench_later(&b, 31 * MINUTE);
		watch_bench_spin(&b, 300);
	}
	watch_bench_wait(&b, "SELECT severity, closed_ms > 0 FROM incident WHERE class = 'INCONSISTENT_STH'", "critical|0");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, 10 * MINUTE);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "20300");
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'INCONSISTENT_STH'", "0");
	watch_bench_stop(&b);
}

static void transient_corruption_is_a_flap_that_names_the_entry(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "512", "--misbehave", "tampered-entry,at=300,times=2", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_spin(&b, 1500);
	watch_bench_wait(&b, "SELECT count(*) FROM incident", "0");
	watch_bench_later(&b, 6 * MINUTE);
	watch_bench_wait(&b, "SELECT summary LIKE '%first is 300%' FROM incident WHERE class = 'ENTRIES_FLAP'", "1");
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|512|1");
	watch_bench_later(&b, 25 * HOUR);
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'ENTRIES_FLAP'", "1");
	watch_bench_stop(&b);
}

static void a_log_that_serves_nothing_is_not_hammered_for_less_and_less(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "20000", "--misbehave", "status,at=400,on=entries", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT head_size FROM log", "20000");
	for (unsigned i = 0; i < 40 && b.watcher->fruitless <= 24; i++)
		watch_bench_spin(&b, 250);
	uint64_t before = b.watcher->counters.requests + b.watcher->requests_told;
	assert_true(b.watcher->fruitless > 24);
	for (unsigned i = 0; i < 60; i++) {
		b.offset_ms += MINUTE;
		watcher_wake(b.watcher);
		watch_bench_spin(&b, 20);
	}
	/* an hour of it: one of five minutes, and a head a minute */
	assert_in_range(b.watcher->counters.requests + b.watcher->requests_told - before, 10, 110);
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, 6 * MINUTE);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "20000");
	watch_bench_stop(&b);
}

static void a_backlog_that_does_not_shrink_is_blindness(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "20000", "--misbehave", "status,at=503,on=entries", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT head_size FROM log", "20000");
	watch_bench_spin(&b, 300);
	watch_bench_later(&b, MINUTE);               /* a look, from which on the backlog counts */
	watch_bench_later(&b, 30 * MINUTE);
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'BACKLOG'", "0");
	watch_bench_later(&b, 40 * MINUTE);
	watch_bench_wait(&b, "SELECT severity, closed_ms > 0 FROM incident WHERE class = 'BACKLOG'", "high|0");
	watch_bench_stop(&b);
}

static void a_log_that_throttles_us_is_read_at_its_head_first(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "16000", NULL };
	struct bench b;
	char host[128];

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	governor_host(b.list.logs[0].url, host, sizeof(host));
	governor_remember(b.ingest.governor, host, 0.2);
	/* two requests come at once, the next after five seconds: less than is left, and many minutes of reading */
	watch_bench_wait(&b, "SELECT max(stop), sum(stop - start) < 16000 FROM read_range", "16000|1");
	watch_bench_stop(&b);
}

static void a_clock_of_ours_that_servers_deny_is_doubted_before_they_are(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "4000", "--page", "64", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	b.offset_ms = 26 * HOUR;
	watch_bench_wait(&b, "SELECT verified_size FROM log", "4000");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'CLOCK_SUSPECT' AND closed_ms = 0", "1");
	watch_bench_stop(&b);
}

static void the_unfinished_tile_is_left_alone_until_it_fills_or_five_minutes_pass(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|256|1");
	watch_bench_wait(&b, "SELECT count(*) FROM head WHERE tree_size = 300 AND verified_ms > 0", "1");
	watch_bench_later(&b, 2 * MINUTE);
	watch_bench_wait(&b, "SELECT max(stop) FROM read_range", "256");
	watch_bench_later(&b, 4 * MINUTE);
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|300|1");
	run_kit_control(&b.kit, "log=0&grow=212");
	watch_bench_spin(&b, 200);
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|512|1");
	watch_bench_wait(&b, "SELECT sum(entries) FROM counters", "512");
	watch_bench_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_becomes_an_incident_after_an_hour_and_a_grave_one_after_a_day),
		cmocka_unit_test(a_clock_that_is_set_changes_neither_polls_nor_silence),
		cmocka_unit_test(a_missing_tile_is_told_after_ten_minutes_and_does_not_stop_the_rest),
		cmocka_unit_test(a_mismatch_is_read_again_three_times_before_it_is_told_and_reading_goes_on),
		cmocka_unit_test(a_mismatch_that_is_closed_by_hand_is_verified_again_without_a_restart),
		cmocka_unit_test(what_is_found_at_the_head_is_verified_before_the_gap_below_it_is_read),
		cmocka_unit_test(hash_tiles_that_lie_about_what_lies_below_the_head_are_told),
		cmocka_unit_test(an_hour_of_refusals_is_told_even_when_nothing_could_be_read),
		cmocka_unit_test(a_larger_head_that_is_older_is_out_of_order_and_still_followed),
		cmocka_unit_test(a_head_that_nothing_leads_to_is_inconsistent_and_kept_as_evidence),
		cmocka_unit_test(a_wrong_proof_alone_is_asked_for_again_and_entries_have_the_last_word),
		cmocka_unit_test(transient_corruption_is_a_flap_that_names_the_entry),
		cmocka_unit_test(a_log_that_serves_nothing_is_not_hammered_for_less_and_less),
		cmocka_unit_test(a_backlog_that_does_not_shrink_is_blindness),
		cmocka_unit_test(a_log_that_throttles_us_is_read_at_its_head_first),
		cmocka_unit_test(a_clock_of_ours_that_servers_deny_is_doubted_before_they_are),
		cmocka_unit_test(the_unfinished_tile_is_left_alone_until_it_fills_or_five_minutes_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
