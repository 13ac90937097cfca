/* Logs that refuse what is too large for them, whatever they call it: the whole program asks for less, and reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "run_kit.h"

static void sql_is(const struct run_kit *kit, const char *query, const char *expected)
{
	char *text = run_kit_sql(kit, query);

	if (strcmp(text, expected) != 0)
		fail_msg("%s gives \"%s\", not \"%s\"", query, text, expected);
	free(text);
}

static void a_log_that_refuses_large_pages_in_any_way_is_read_with_smaller_ones(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--logs", "5", "--hosts", "5", "--initial", "700", "--fast",
		"--misbehave", "0:too-many,at=32", "--misbehave", "1:too-many-error,at=5", "--misbehave", "2:too-many-cut,at=100",
		"--misbehave", "3:too-many-broken,at=32", "--misbehave", "4:page-too-large,at=32", NULL };
	static const char *const ONCE[] = { "run", "--once", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	sql_is(&kit, "SELECT count(*), min(verified_size) FROM log", "5|700");
	sql_is(&kit, "SELECT count(*) FROM incident", "0");
	/* what worked is kept: far fewer refusals than pages */
	sql_is(&kit, "SELECT max(requests) < 260 FROM counters", "1");
	run_kit_stop(&kit);
}

static void a_single_entry_that_cannot_be_had_is_missing_alone(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "700", "--fast", "--misbehave", "bad-entry,at=300", NULL };
	static const char *const ONCE[] = { "run", "--once", "--timeout", "4s", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	assert_int_equal(run_kit_run(&kit, ONCE), 5);
	sql_is(&kit, "SELECT start, stop FROM read_range ORDER BY 1", "0|300\n301|700");
	run_kit_control(&kit, "behave=all");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	sql_is(&kit, "SELECT start, stop, verified FROM read_range", "0|700|1");
	run_kit_stop(&kit);
}

static void what_lies_behind_a_long_gap_is_read(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "12000", "--fast", "--misbehave", "bad-range,at=2000", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_config(&kit, "beginning", "");
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT max(stop) > 7000 FROM read_range", "1");
	run_kit_control(&kit, "behave=all");
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	run_kit_stop(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_refuses_large_pages_in_any_way_is_read_with_smaller_ones),
		cmocka_unit_test(what_lies_behind_a_long_gap_is_read),
		cmocka_unit_test(a_single_entry_that_cannot_be_had_is_missing_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
