/*
 * A watcher in this process against the fake log, with a clock that the test moves: what takes minutes, hours or days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules_load.h"
#include "run_kit.h"
#include "inside.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)

struct bench {
	struct run_kit kit;
	uv_loop_t loop;
	struct config config;
	struct suffix_table *suffixes;
	struct diag *diag;
	struct ingest ingest;
	struct log_list list;
	struct watcher *watcher;
	int64_t offset_ms, set_by_ms;
	bool closed, store_closed;
};

/* Time passes on both clocks; the wall clock is also set. */
static int64_t moved_steady(void *ctx)
{
	const struct bench *b = ctx;

	return clock_steady_ms() + b->offset_ms;
}

static int64_t moved_clock(void *ctx)
{
	const struct bench *b = ctx;

	return clock_wall_ms() + b->offset_ms + b->set_by_ms;
}

static void spin(struct bench *b, unsigned ms)
{
	for (unsigned waited = 0; waited < ms; waited += 5) {
		uv_run(&b->loop, UV_RUN_NOWAIT);
		sleep_ms(5);
	}
}

/* Time passes: the watcher does what is due by then. */
static void later(struct bench *b, int64_t ms)
{
	b->offset_ms += ms;
	watcher_wake(b->watcher);
	spin(b, 300);
}

static void wait_for(struct bench *b, const char *query, const char *expected)
{
	for (unsigned waited = 0;; waited += 50) {
		char *text = run_kit_sql(&b->kit, query);
		bool done = strcmp(text, expected) == 0;

		if (!done && waited > 40000)
			fail_msg("%s gives \"%s\", not \"%s\"", query, text, expected);
		free(text);
		if (done)
			return;
		spin(b, 50);
	}
}

static void start(struct bench *b, const char *const *arguments)
{
	struct error err;
	struct ruleset *rules;
	struct state *st;

	memset(b, 0, sizeof(*b));
	run_kit_start(&b->kit, arguments);
	char *path = xasprintf("%s/config.json", b->kit.directory), *state = xasprintf("%s/state", b->kit.directory);
	char *list = run_kit_file(&b->kit, "list.json");
	assert_true(config_load(path, &b->config, &err));
	assert_true(log_list_parse(slice_text(list), &b->list, &err));
	uv_loop_init(&b->loop);
	b->suffixes = suffix_table_new_libpsl();
	assert_true(rules_load(&b->config, b->suffixes, moved_clock(b), &rules, &err));
	assert_true(state_open(state, STATE_DAEMON, moved_clock(b), &st, &err));
	b->diag = diag_new(STDERR_FILENO, DIAG_ERROR, false);
	b->ingest = (struct ingest){
		.loop = &b->loop,
		.fetcher = fetcher_new(&b->loop, &(struct fetcher_options){ .user_agent = "ctwatch-tests" }),
		.governor = governor_new(&(struct governor_options){ .loop = &b->loop }),
		.store = store_start(&(struct store_options){ .loop = &b->loop, .state = st }),
		.pool = pool_new(&b->loop, 2, rules_ref_new(rules)),
		.diag = b->diag,
		.config = &b->config,
		.budget = { .limit = b->config.memory_bytes },
		.clock = { .steady_ms = moved_steady, .wall_ms = moved_clock, .ctx = b },
	};
	struct watcher_options options = { .ingest = &b->ingest, .log = &b->list.logs[0], .how = FOLLOW_LIVE };
	assert_true(watcher_start(&options, &b->watcher, &err));
	free(path);
	free(state);
	free(list);
}

static void on_closed(void *ctx)
{
	((struct bench *)ctx)->closed = true;
}

static void on_store_closed(void *ctx)
{
	((struct bench *)ctx)->store_closed = true;
}

static void stop(struct bench *b)
{
	watcher_close(b->watcher, on_closed, b);
	for (unsigned i = 0; i < 2000 && !b->closed; i++)
		spin(b, 5);
	assert_true(b->closed);
	store_close(b->ingest.store, on_store_closed, b);
	while (!b->store_closed)
		spin(b, 5);
	governor_close(b->ingest.governor);
	fetcher_close(b->ingest.fetcher);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	pool_free(b->ingest.pool);
	inflater_free(b->ingest.inflater);
	suffix_table_free(b->suffixes);
	diag_free(b->diag);
	log_list_deinit(&b->list);
	config_deinit(&b->config);
	run_kit_stop(&b->kit);
}

static void silence_becomes_an_incident_after_an_hour_and_a_grave_one_after_a_day(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT verified_size FROM log", "300");
	run_kit_control(&b.kit, "log=0&misbehave=status,on=head");
	for (unsigned i = 0; i < 4; i++)
		later(&b, 10 * MINUTE);
	wait_for(&b, "SELECT count(*) FROM incident", "0");
	for (unsigned i = 0; i < 3; i++)
		later(&b, 10 * MINUTE);
	wait_for(&b, "SELECT class, severity FROM incident", "UNREACHABLE|low");
	for (unsigned i = 0; i < 5; i++)
		later(&b, 5 * HOUR);
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE' AND severity = 'high'", "1");
	run_kit_control(&b.kit, "log=0&behave=all");
	later(&b, HOUR);
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE' AND closed_ms = 0", "0");
	stop(&b);
}

static void a_clock_that_is_set_changes_neither_polls_nor_silence(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	static const int64_t SET_BY[] = { -2 * HOUR, HOUR, -50 * 365 * 24 * HOUR, 0 };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT verified_size FROM log", "300");
	for (unsigned i = 0; i < ARRAY_LEN(SET_BY); i++) {
		char size[16];

		b.set_by_ms = SET_BY[i];
		run_kit_control(&b.kit, "log=0&grow=100");
		later(&b, MINUTE);
		snprintf(size, sizeof(size), "%u", 400 + 100 * i);
		wait_for(&b, "SELECT verified_size FROM log", size);
	}
	wait_for(&b, "SELECT count(*) FROM incident", "0");
	run_kit_control(&b.kit, "log=0&misbehave=status,on=head");
	for (unsigned i = 0; i < 7; i++) {
		b.set_by_ms = i % 2 == 0 ? -2 * HOUR : 2 * HOUR;
		later(&b, 10 * MINUTE);
		if (i < 4)
			wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE'", "0");
	}
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'UNREACHABLE'", "1");
	stop(&b);
}

static void a_missing_tile_is_told_after_ten_minutes_and_does_not_stop_the_rest(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "1024", "--misbehave", "missing-tile,at=1,on=data", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT start, stop FROM read_range ORDER BY 1", "0|256\n512|1024");
	wait_for(&b, "SELECT count(*) FROM incident", "0");
	for (unsigned i = 0; i < 6; i++)
		later(&b, 4 * MINUTE);
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'MISSING_TILE'", "0");
	run_kit_control(&b.kit, "log=0&behave=all");
	later(&b, 6 * MINUTE);
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|1024|1");
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'MISSING_TILE'", "1");
	stop(&b);
}

static void a_mismatch_is_read_again_three_times_before_it_is_told_and_reading_goes_on(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "600", "--misbehave", "tampered-entry,at=300", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	spin(&b, 1500);
	wait_for(&b, "SELECT count(*) FROM incident", "0");
	later(&b, 6 * MINUTE);
	spin(&b, 1500);
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'ENTRIES_MISMATCH'", "0");
	later(&b, 31 * MINUTE);
	wait_for(&b, "SELECT severity FROM incident WHERE class = 'ENTRIES_MISMATCH'", "critical");
	run_kit_control(&b.kit, "log=0&grow=200");
	for (unsigned i = 0; i < 3; i++)
		later(&b, 10 * MINUTE);
	wait_for(&b, "SELECT max(stop), max(verified) FROM read_range", "800|0");
	wait_for(&b, "SELECT verified_size FROM log", "0");
	wait_for(&b, "SELECT sum(entries) FROM counters", "800");
	stop(&b);
}

static void close_by_hand(struct bench *b, const char *class)
{
	char *query = xasprintf("SELECT id FROM incident WHERE class = '%s' AND closed_ms = 0", class);
	char *id = run_kit_sql(&b->kit, query);
	const char *const close[] = { "incidents", "close", id, "--why", "the operator put it right", NULL };

	assert_int_equal(run_kit_run(&b->kit, close), 0);
	free(id);
	free(query);
}

static void a_mismatch_that_is_closed_by_hand_is_verified_again_without_a_restart(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "512", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT verified_size FROM log", "512");
	run_kit_control(&b.kit, "log=0&misbehave=tampered-entry,at=600");
	run_kit_control(&b.kit, "log=0&grow=256");
	for (unsigned i = 0; i < 3; i++) {
		later(&b, 31 * MINUTE);
		spin(&b, 1000);
	}
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'ENTRIES_MISMATCH'", "0");
	run_kit_control(&b.kit, "log=0&grow=256");
	later(&b, MINUTE);
	wait_for(&b, "SELECT max(stop), (SELECT verified_size FROM log) FROM read_range", "1024|512");

	/* still wrong: the same verdict, again after three attempts */
	close_by_hand(&b, "ENTRIES_MISMATCH");
	for (unsigned i = 0; i < 4; i++) {
		later(&b, 31 * MINUTE);
		spin(&b, 1000);
	}
	wait_for(&b, "SELECT count(*), sum(closed_ms > 0) FROM incident WHERE class = 'ENTRIES_MISMATCH'", "2|1");
	wait_for(&b, "SELECT verified_size FROM log", "512");

	run_kit_control(&b.kit, "log=0&behave=all");
	close_by_hand(&b, "ENTRIES_MISMATCH");
	later(&b, MINUTE);
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|1024|1");
	wait_for(&b, "SELECT verified_size FROM log", "1024");
	wait_for(&b, "SELECT sum(entries), sum(verified) FROM counters", "1024|1024");
	struct watcher_status status;
	watcher_status(b.watcher, &status);
	assert_false(status.contradicted);
	stop(&b);
}

static void what_is_found_at_the_head_is_verified_before_the_gap_below_it_is_read(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "30000", "--plant", CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant",
		"--plant-every", "7", "--misbehave", "missing-tile,at=3,on=data", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	/* the unfinished tile is left alone; the gap does not end while a tile is missing */
	wait_for(&b, "SELECT min(start), max(stop) FROM read_range", "0|29952");
	run_kit_control(&b.kit, "log=0&plant=drive-globalordnance.com&grow=1000");
	later(&b, MINUTE);
	wait_for(&b, "SELECT max(stop) FROM read_range", "30976");
	wait_for(&b, "SELECT verified FROM sighting WHERE entry_index >= 30000", "1");
	wait_for(&b, "SELECT max(verified) FROM sighting WHERE entry_index < 29000", "0");
	wait_for(&b, "SELECT verified_size FROM log", "0");
	wait_for(&b, "SELECT verified FROM finding WHERE registrable_domain = 'drive-globalordnance.com' LIMIT 1", "1");
	run_kit_control(&b.kit, "log=0&behave=all");
	later(&b, 6 * MINUTE);
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|31000|1");
	wait_for(&b, "SELECT count(*) FROM sighting WHERE verified = 0", "0");
	wait_for(&b, "SELECT sum(entries), sum(verified) FROM counters", "31000|31000");
	stop(&b);
}

static void hash_tiles_that_lie_about_what_lies_below_the_head_are_told(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "30000", "--plant", CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant",
		"--plant-every", "7", "--misbehave", "missing-tile,at=3,on=data", "--misbehave", "tile-hash", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT max(stop) FROM read_range", "29952");
	spin(&b, 1000);
	wait_for(&b, "SELECT count(*) FROM incident", "0");
	later(&b, 3 * MINUTE);
	wait_for(&b, "SELECT severity FROM incident WHERE class = 'TILE_HASH_MISMATCH'", "critical");
	wait_for(&b, "SELECT max(verified) FROM sighting", "0");
	stop(&b);
}

static void an_hour_of_refusals_is_told_even_when_nothing_could_be_read(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "20000", "--misbehave", "retry-seconds,at=1", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT head_size FROM log", "20000");
	for (unsigned i = 0; i < 120 && b.watcher->counters.requests < 16; i++)
		spin(&b, 500);           /* a refusal keeps a host quiet for a second of real time */
	later(&b, 30 * MINUTE);
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'RATE_LIMITED'", "0");
	later(&b, 31 * MINUTE);
	wait_for(&b, "SELECT severity, closed_ms > 0 FROM incident WHERE class = 'RATE_LIMITED'", "medium|0");
	run_kit_control(&b.kit, "log=0&behave=all");
	later(&b, 61 * MINUTE);
	wait_for(&b, "SELECT verified_size FROM log", "20000");
	later(&b, 61 * MINUTE);
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'RATE_LIMITED'", "1");
	stop(&b);
}

static void a_larger_head_that_is_older_is_out_of_order_and_still_followed(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT verified_size FROM log", "300");
	run_kit_control(&b.kit, "log=0&misbehave=stale-head");
	run_kit_control(&b.kit, "log=0&grow=100");
	later(&b, MINUTE);
	wait_for(&b, "SELECT severity FROM incident WHERE class = 'STH_ORDER'", "medium");
	wait_for(&b, "SELECT verified_size FROM log", "400");
	run_kit_control(&b.kit, "log=0&behave=all");
	later(&b, MINUTE);
	later(&b, 25 * HOUR);
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'STH_ORDER'", "1");
	stop(&b);
}

static void a_head_that_nothing_leads_to_is_inconsistent_and_kept_as_evidence(void **state)
{
	static const char *const APIS[] = { "classic", "static" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", NULL };
		struct bench b;

		start(&b, arguments);
		wait_for(&b, "SELECT verified_size FROM log", "512");
		run_kit_control(&b.kit, "log=0&misbehave=inconsistent-head,at=512");
		run_kit_control(&b.kit, "log=0&grow=256");
		for (unsigned k = 0; k < 3; k++) {
			later(&b, 31 * MINUTE);
			spin(&b, 700);
		}
		wait_for(&b, "SELECT severity, evidence_dir IS NOT NULL FROM incident WHERE class = 'INCONSISTENT_STH'", "critical|1");
		wait_for(&b, "SELECT verified_size FROM log", "512");
		stop(&b);
	}
}

static void a_wrong_proof_alone_is_asked_for_again_and_entries_have_the_last_word(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT verified_size FROM log", "300");
	run_kit_control(&b.kit, "log=0&misbehave=wrong-proof");
	run_kit_control(&b.kit, "log=0&misbehave=zero-entries");
	run_kit_control(&b.kit, "log=0&grow=20000");
	for (unsigned i = 0; i < 4; i++) {
		later(&b, 31 * MINUTE);
		spin(&b, 300);
	}
	wait_for(&b, "SELECT severity, closed_ms > 0 FROM incident WHERE class = 'INCONSISTENT_STH'", "critical|0");
	run_kit_control(&b.kit, "log=0&behave=all");
	later(&b, 10 * MINUTE);
	wait_for(&b, "SELECT verified_size FROM log", "20300");
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'INCONSISTENT_STH'", "1");
	stop(&b);
}

static void transient_corruption_is_a_flap_that_names_the_entry(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "512", "--misbehave", "tampered-entry,at=300,times=2", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	spin(&b, 1500);
	wait_for(&b, "SELECT count(*) FROM incident", "0");
	later(&b, 6 * MINUTE);
	wait_for(&b, "SELECT summary LIKE '%first is 300%' FROM incident WHERE class = 'ENTRIES_FLAP'", "1");
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|512|1");
	later(&b, 25 * HOUR);
	wait_for(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'ENTRIES_FLAP'", "1");
	stop(&b);
}

static void a_backlog_that_does_not_shrink_is_blindness(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "20000", "--misbehave", "status,at=503,on=entries", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT head_size FROM log", "20000");
	spin(&b, 300);
	later(&b, MINUTE);               /* a look, from which on the backlog counts */
	later(&b, 30 * MINUTE);
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'BACKLOG'", "0");
	later(&b, 40 * MINUTE);
	wait_for(&b, "SELECT severity, closed_ms > 0 FROM incident WHERE class = 'BACKLOG'", "high|0");
	stop(&b);
}

static void a_log_that_throttles_us_is_read_at_its_head_first(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "16000", NULL };
	struct bench b;
	char host[128];

	(void)state;
	start(&b, ARGUMENTS);
	governor_host(b.list.logs[0].url, host, sizeof(host));
	governor_remember(b.ingest.governor, host, 0.2);
	/* two requests come at once, the next after five seconds: less than is left, and many minutes of reading */
	wait_for(&b, "SELECT max(stop), sum(stop - start) < 16000 FROM read_range", "16000|1");
	stop(&b);
}

static void a_clock_of_ours_that_servers_deny_is_doubted_before_they_are(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "4000", "--page", "64", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	b.offset_ms = 26 * HOUR;
	wait_for(&b, "SELECT verified_size FROM log", "4000");
	later(&b, MINUTE);
	wait_for(&b, "SELECT count(*) FROM incident WHERE class = 'CLOCK_SUSPECT' AND closed_ms = 0", "1");
	stop(&b);
}

static void the_unfinished_tile_is_left_alone_until_it_fills_or_five_minutes_pass(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "300", NULL };
	struct bench b;

	(void)state;
	start(&b, ARGUMENTS);
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|256|1");
	wait_for(&b, "SELECT count(*) FROM head WHERE tree_size = 300 AND verified_ms > 0", "1");
	later(&b, 2 * MINUTE);
	wait_for(&b, "SELECT max(stop) FROM read_range", "256");
	later(&b, 4 * MINUTE);
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|300|1");
	run_kit_control(&b.kit, "log=0&grow=212");
	spin(&b, 200);
	later(&b, MINUTE);
	wait_for(&b, "SELECT start, stop, verified FROM read_range", "0|512|1");
	wait_for(&b, "SELECT sum(entries) FROM counters", "512");
	stop(&b);
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
		cmocka_unit_test(a_backlog_that_does_not_shrink_is_blindness),
		cmocka_unit_test(a_log_that_throttles_us_is_read_at_its_head_first),
		cmocka_unit_test(a_clock_of_ours_that_servers_deny_is_doubted_before_they_are),
		cmocka_unit_test(the_unfinished_tile_is_left_alone_until_it_fills_or_five_minutes_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
