/*
 * What is believed of a log: verified belongs to a leaf, signed heads are remembered for good, refusal is an answer. A watcher in this
 * process against the fake log, over restarts, with a clock that the test moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "watch_bench.h"

#define PLANTED "--plant", CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant", "--plant-every", "7"
#define AT_PLANTED "SELECT count(*), sum(verified), sum(withdrawn_ms > 0) FROM sighting WHERE entry_index = "

static const char *const APIS[] = { "classic", "static" };

/* ---- verified belongs to a leaf ------------------------------------------------------------------------------- */

static void what_only_the_first_answer_held_is_withdrawn_and_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", PLANTED, "--misbehave", "tampered-entry,at=12,times=1", NULL };
		struct bench b;

		watch_bench_start(&b, arguments);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
		watch_bench_wait(&b, AT_PLANTED "12", "2|1|1");
		watch_bench_wait(&b, "SELECT count(*) FROM sighting WHERE entry_index <> 12 AND (verified = 0 OR withdrawn_ms > 0)", "0");
		watch_bench_wait(&b, "SELECT severity, times, evidence_dir IS NOT NULL FROM incident WHERE class = 'UNLOGGED_ENTRY' AND closed_ms = 0", "high|1|1");
		watch_bench_stop(&b);
	}
}

static void a_restart_between_two_answers_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", PLANTED, "--misbehave", "tampered-entry,at=12,times=2", NULL };
		struct bench b;

		watch_bench_start(&b, arguments);
		watch_bench_wait(&b, AT_PLANTED "12", "1|0|0");
		watch_bench_spin(&b, 500);          /* read again, wrong again; the third time is due in five minutes */
		watch_bench_wait(&b, "SELECT verified_size FROM log", "0");
		watch_bench_restart(&b);
		watch_bench_later(&b, 6 * MINUTE);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
		watch_bench_wait(&b, AT_PLANTED "12", "2|1|1");
		watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'UNLOGGED_ENTRY'", "1");
		watch_bench_stop(&b);
	}
}

/* ---- signed heads are remembered ---------------------------------------------------------------------------------- */

static void a_fork_that_lasts_is_one_incident_over_a_restart_and_is_not_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", NULL };
		struct bench b;

		watch_bench_start(&b, arguments);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
		run_kit_control(&b.kit, "log=0&misbehave=fork,every=1");
		watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT severity, closed_ms FROM incident WHERE class = 'FORK'", "critical|0");
		for (unsigned k = 0; k < 5; k++)
			watch_bench_later(&b, 4 * MINUTE);
		watch_bench_wait(&b, "SELECT count(*), max(times) > 3 FROM incident WHERE class = 'FORK'", "1|1");
		watch_bench_restart(&b);
		watch_bench_later(&b, MINUTE);
		watch_bench_later(&b, 11 * MINUTE);
		watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'FORK'", "1");
		watch_bench_wait(&b, "SELECT count(DISTINCT root), sum(standing) FROM head WHERE tree_size = 512", "2|2");
		assert_true(pending_sound(&b.watcher->pending, &b.watcher->position));
		run_kit_control(&b.kit, "log=0&behave=all&grow=256");
		watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "768");
		/* as if killed between the head and its incident: told at the next start, and not again once it was closed */
		watch_bench_change(&b, "DELETE FROM incident");
		watch_bench_wait(&b, "SELECT subject, closed_ms FROM incident WHERE class = 'FORK'", "512|0");
		watch_bench_close_incident(&b, "FORK");
		watch_bench_restart(&b);
		watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT count(*), min(closed_ms) > 0 FROM incident WHERE class = 'FORK'", "1|1");
		watch_bench_stop(&b);
	}
}

static void one_wrong_head_among_right_ones_is_set_aside_and_verification_goes_on(void **state)
{
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
			watch_bench_spin(&b, 500);
		}
		watch_bench_wait(&b, "SELECT severity, closed_ms FROM incident WHERE class = 'INCONSISTENT_STH'", "critical|0");
		watch_bench_wait(&b, "SELECT standing FROM head WHERE tree_size = 768", "2");
		if (i == 1)
			watch_bench_restart(&b);      /* what was set aside stays so */
		run_kit_control(&b.kit, "log=0&behave=all&grow=256");
		watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "1024");
		watch_bench_wait(&b, "SELECT count(*), sum(closed_ms > 0) FROM incident WHERE class = 'INCONSISTENT_STH'", "1|0");
		watch_bench_close_incident(&b, "INCONSISTENT_STH");
		run_kit_control(&b.kit, "log=0&grow=256");
		watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "1280");
		watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE closed_ms = 0 AND class IN ('INCONSISTENT_STH', 'FORK', 'ENTRIES_MISMATCH')", "0");
		assert_true(pending_sound(&b.watcher->pending, &b.watcher->position));
		watch_bench_stop(&b);
	}
}

/* The right root of the very size over which another one was signed: the first came first, but entries lead to the second. */
static void entries_decide_between_two_roots_of_one_size(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "512", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
	run_kit_control(&b.kit, "log=0&misbehave=inconsistent-head,at=512");
	run_kit_control(&b.kit, "log=0&grow=256");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT max(tree_size) FROM head", "768");
	run_kit_control(&b.kit, "log=0&behave=all");
	for (unsigned k = 0; k < 3; k++) {
		watch_bench_later(&b, 31 * MINUTE);
		watch_bench_spin(&b, 300);
	}
	watch_bench_wait(&b, "SELECT verified_size FROM log", "768");
	watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class = 'FORK' AND closed_ms = 0", "1");
	watch_bench_stop(&b);
}

static void heads_that_were_never_verified_do_not_stop_verification_after_a_restart(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct bench b;
	struct error err;
	struct state *st;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "300");
	watch_bench_close(&b);
	char *path = xasprintf("%s/state", b.kit.directory);
	assert_true(state_open(path, STATE_DAEMON, 1, &st, &err));
	for (uint64_t size = 1; size < 290; size++) {
		struct state_head head = { .tree_size = size, .timestamp_ms = size, .raw = SLICE_LITERAL("{}"), .received_ms = (int64_t)size, .source = "log" };

		assert_true(state_put_head(st, &b.log_id, &head, NULL, &err));
	}
	state_close(st);
	free(path);
	watch_bench_open(&b);
	for (unsigned k = 0; k < 3; k++) {
		run_kit_control(&b.kit, "log=0&grow=200");
		watch_bench_later(&b, 5 * MINUTE);
		assert_true(pending_sound(&b.watcher->pending, &b.watcher->position));
	}
	watch_bench_wait(&b, "SELECT verified_size FROM log", "900");
	watch_bench_stop(&b);
}

/* ---- refusal is an answer -------------------------------------------------------------------------------------------- */

static void a_proof_that_is_refused_is_told_and_asked_for_until_it_comes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", NULL };
		const char *const refuse = i == 0 ? "log=0&misbehave=status,at=404,on=proof" : "log=0&misbehave=status,at=404,on=tile";
		struct bench b;

		watch_bench_start(&b, arguments);
		for (uint64_t size = 768; size <= 1792; size += 256) {
			char *query = xasprintf("SELECT verified_size >= %llu FROM log", (unsigned long long)size - 256);

			watch_bench_wait(&b, query, "1");
			free(query);
			run_kit_control(&b.kit, "log=0&grow=256");
			watch_bench_later(&b, MINUTE);
		}
		watch_bench_wait(&b, "SELECT verified_size FROM log", "1792");
		/* the state is made to forget what it knew of an old size, and a front end shows it again */
		watch_bench_change(&b, "DELETE FROM head WHERE tree_size < 1792");
		run_kit_control(&b.kit, refuse);
		run_kit_control(&b.kit, "log=0&misbehave=lagging,every=1");
		for (unsigned k = 0; k < 6; k++) {
			watch_bench_later(&b, 31 * MINUTE);
			watch_bench_spin(&b, 300);
		}
		watch_bench_wait(&b, "SELECT severity, closed_ms FROM incident WHERE class = 'CHECK_REFUSED'", "high|0");
		watch_bench_restart(&b);
		watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT closed_ms FROM incident WHERE class = 'CHECK_REFUSED'", "0");
		run_kit_control(&b.kit, "log=0&behave=all");
		for (unsigned k = 0; k < 5; k++) {
			watch_bench_later(&b, 61 * MINUTE);
			watch_bench_spin(&b, 300);
		}
		watch_bench_wait(&b, "SELECT count(*), sum(closed_ms > 0) FROM incident WHERE class = 'CHECK_REFUSED'", "1|1");
		watch_bench_stop(&b);
	}
}

static void a_verified_size_that_stands_still_for_an_hour_is_told_and_closes_when_it_moves(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "600", "--misbehave", "tampered-entry,at=300", NULL };
	struct bench b;

	(void)state;
	watch_bench_start(&b, ARGUMENTS);
	for (unsigned k = 0; k < 5; k++) {
		watch_bench_later(&b, 15 * MINUTE);
		watch_bench_spin(&b, 300);
	}
	watch_bench_wait(&b, "SELECT severity, closed_ms FROM incident WHERE class = 'VERIFICATION_STALLED'", "high|0");
	run_kit_control(&b.kit, "log=0&behave=all");
	watch_bench_later(&b, 31 * MINUTE);
	watch_bench_close_incident(&b, "ENTRIES_MISMATCH");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT verified_size FROM log", "600");
	watch_bench_later(&b, MINUTE);
	watch_bench_wait(&b, "SELECT closed_ms > 0 FROM incident WHERE class = 'VERIFICATION_STALLED'", "1");
	watch_bench_stop(&b);
}

/* ---- what the disk changed ------------------------------------------------------------------------------------------------ */

static void a_damaged_state_is_told_mended_and_not_blamed_on_the_log(void **state)
{
	static const char *const DAMAGES[] = {
		"UPDATE read_range SET hashes = zeroblob(length(hashes))", "UPDATE read_range SET hashes = substr(hashes, 2)",
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(DAMAGES); i++) {
		const char *const arguments[] = { "--api", APIS[i % 2], "--initial", "700", NULL };
		struct bench b;

		watch_bench_start(&b, arguments);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "700");
		watch_bench_change(&b, DAMAGES[i / 2]);
		watch_bench_wait(&b, "SELECT severity FROM incident WHERE class = 'STATE_DAMAGED'", "high");
		run_kit_control(&b.kit, "log=0&grow=324");
		for (unsigned k = 0; k < 3; k++)
			watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "1024");
		watch_bench_wait(&b, "SELECT start, stop, verified FROM read_range", "0|1024|1");
		watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class IN ('ENTRIES_MISMATCH', 'INCONSISTENT_STH', 'ENTRIES_FLAP')", "0");
		watch_bench_wait(&b, "SELECT start_index FROM log", "0");
		watch_bench_stop(&b);
	}
}

static void a_root_that_the_disk_changed_is_no_fork_of_the_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(APIS); i++) {
		const char *const arguments[] = { "--api", APIS[i], "--initial", "512", NULL };
		struct bench b;

		watch_bench_start(&b, arguments);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "512");
		watch_bench_change(&b, "UPDATE head SET root = zeroblob(32) WHERE tree_size = 512");
		for (unsigned k = 0; k < 3; k++)
			watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT count(*) > 0 FROM incident WHERE class = 'STATE_DAMAGED'", "1");
		watch_bench_wait(&b, "SELECT count(*) FROM head WHERE root = zeroblob(32)", "0");
		run_kit_control(&b.kit, "log=0&grow=256");
		for (unsigned k = 0; k < 3; k++)
			watch_bench_later(&b, MINUTE);
		watch_bench_wait(&b, "SELECT verified_size FROM log", "768");
		watch_bench_wait(&b, "SELECT count(*) FROM incident WHERE class IN ('FORK', 'INCONSISTENT_STH', 'ENTRIES_MISMATCH')", "0");
		watch_bench_stop(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_the_first_answer_held_is_withdrawn_and_told),
		cmocka_unit_test(a_restart_between_two_answers_changes_nothing),
		cmocka_unit_test(a_fork_that_lasts_is_one_incident_over_a_restart_and_is_not_followed),
		cmocka_unit_test(one_wrong_head_among_right_ones_is_set_aside_and_verification_goes_on),
		cmocka_unit_test(entries_decide_between_two_roots_of_one_size),
		cmocka_unit_test(heads_that_were_never_verified_do_not_stop_verification_after_a_restart),
		cmocka_unit_test(a_proof_that_is_refused_is_told_and_asked_for_until_it_comes),
		cmocka_unit_test(a_verified_size_that_stands_still_for_an_hour_is_told_and_closes_when_it_moves),
		cmocka_unit_test(a_damaged_state_is_told_mended_and_not_blamed_on_the_log),
		cmocka_unit_test(a_root_that_the_disk_changed_is_no_fork_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
