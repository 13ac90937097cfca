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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_the_first_answer_held_is_withdrawn_and_told),
		cmocka_unit_test(a_restart_between_two_answers_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
