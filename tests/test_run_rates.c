/* What a log allowed in one run is not forgotten by the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "run_kit.h"

#define RATES "SELECT value FROM fact WHERE name = 'governor/rates'"

static const char *const ONCE[] = { "run", "--once", "--timeout", "20s", NULL };

/* {"127.0.0.1:<port>": <rate>}; 0 when there is none. */
static double kept_rate(const struct run_kit *kit)
{
	char *text = run_kit_sql(kit, RATES), *colon = strrchr(text, ':');
	double rate = colon == NULL ? 0 : strtod(colon + 1, NULL);

	free(text);
	return rate;
}

static void a_rate_that_a_log_halved_outlives_a_restart(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "1", "--initial", "200", "--misbehave", "retry-seconds,at=1,times=1", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_config(&kit, "beginning", "");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	double halved = kept_rate(&kit);
	assert_true(halved > 0);
	/* nothing is refused this time, and nothing is forgotten */
	run_kit_control(&kit, "log=0&grow=50");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	assert_true(kept_rate(&kit) >= halved && kept_rate(&kit) < halved * 2);
	run_kit_stop(&kit);
}

static void logs_that_never_refused_leave_no_rate_behind(void **state)
{
	static const char *const ARGUMENTS[] = { "--logs", "1", "--initial", "200", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_config(&kit, "beginning", "");
	assert_int_equal(run_kit_run(&kit, ONCE), 0);
	run_kit_wait(&kit, "SELECT count(*) FROM fact WHERE name = 'governor/rates'", "0");
	run_kit_stop(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_that_a_log_halved_outlives_a_restart),
		cmocka_unit_test(logs_that_never_refused_leave_no_rate_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
