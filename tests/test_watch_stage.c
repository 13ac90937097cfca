/* A watcher and a log that answers in the same process, while hours pass in milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "watch_stage.h"

#define NOW_MS INT64_C(1795334400000)
#define HOUR_MS INT64_C(3600000)

struct scene {
	struct watch_stage bench;
	struct scripted_log *log;
	struct dice dice;
};

static struct scene *scene_open_at(enum log_protocol protocol, uint64_t size, const char *start)
{
	struct scene *s = xcalloc(1, sizeof(*s));

	s->log = scripted_log_new(protocol, NOW_MS);
	scripted_log_grow(s->log, size);
	watch_stage_open(&s->bench, s->log, &s->dice, start);
	return s;
}

static struct scene *scene_open(enum log_protocol protocol, uint64_t size)
{
	return scene_open_at(protocol, size, "beginning");
}

static void scene_close(struct scene *s)
{
	watch_stage_close(&s->bench);
	scripted_log_free(s->log);
	free(s);
}

static void an_honest_log_is_read_and_verified_to_its_end_over_restarts(void **state)
{
	static const enum log_protocol protocols[] = { LOG_RFC6962, LOG_STATIC };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		struct scene *s = scene_open(protocols[i], 100);

		for (unsigned round = 0; round < 4; round++) {
			assert_true(watch_stage_until_verified(&s->bench, s->log->size, 1));
			scripted_log_grow(s->log, 177);
			watch_stage_restart(&s->bench, round % 2 == 1);
		}
		assert_true(watch_stage_until_verified(&s->bench, 808, 1));
		assert_int_equal(watch_stage_int(&s->bench, "SELECT count(*) FROM sighting WHERE verified = 1"), 808 / SCRIPTED_PLANTED_EVERY + 1);
		assert_int_equal(watch_stage_int(&s->bench, "SELECT count(*) FROM incident"), 0);
		scene_close(s);
	}
}

static void a_head_that_comes_while_reading_starts_at_the_end_is_where_it_starts(void **state)
{
	struct scene *s = scene_open_at(LOG_RFC6962, 100, "end");

	(void)state;
	while (s->log->asked[ASKED_ENTRIES] + s->log->asked[ASKED_PROOF] == 0) {
		watch_stage_settle(&s->bench);
		if (s->bench.n_flights > 0)
			watch_stage_answer(&s->bench, 0, 0);
		else
			watch_stage_jump(&s->bench);
	}
	/* its right edge is on the way, and a larger head is there before it */
	scripted_log_grow(s->log, 50);
	watch_stage_later(&s->bench, 61000);
	assert_int_equal(s->bench.n_flights, 2);
	watch_stage_answer(&s->bench, 1, 0);
	watch_stage_settle(&s->bench);
	assert_true(watch_stage_until_verified(&s->bench, 150, 1));
	assert_int_equal(s->bench.watcher->start_index, 150);
	assert_true(s->bench.watcher->has_verified_head);
	scene_close(s);
}

/* Heads that are asked for within so many hours of an honest log that does not grow. */
static uint64_t heads_within(struct scene *s, unsigned hours)
{
	uint64_t before = s->log->asked[ASKED_HEAD];
	int64_t until = s->bench.steady_ms + hours * HOUR_MS;

	while (s->bench.steady_ms < until) {
		if (s->bench.n_flights > 0)
			watch_stage_answer(&s->bench, 0, 0);
		else
			watch_stage_jump(&s->bench);
		watch_stage_settle(&s->bench);
	}
	return s->log->asked[ASKED_HEAD] - before;
}

static void a_clock_that_is_set_changes_no_pace_and_makes_no_incident(void **state)
{
	static const int64_t set_by_ms[] = { -2 * HOUR_MS, 0, HOUR_MS, -NOW_MS, 0, 24 * HOUR_MS };
	struct scene *s = scene_open(LOG_RFC6962, 100);

	(void)state;
	assert_true(watch_stage_until_verified(&s->bench, 100, 1));
	uint64_t usual = heads_within(s, 3);
	assert_in_range(usual, 170, 190);
	for (size_t i = 0; i < ARRAY_LEN(set_by_ms); i++) {
		s->bench.wall_ms = s->bench.steady_ms + set_by_ms[i];
		assert_in_range(heads_within(s, 3), usual - 2, usual + 2);
	}
	/* that servers deny our time is all there is to say */
	assert_int_equal(watch_stage_int(&s->bench, "SELECT count(*) FROM incident WHERE class <> 'CLOCK_SUSPECT'"), 0);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_log_is_read_and_verified_to_its_end_over_restarts),
		cmocka_unit_test(a_head_that_comes_while_reading_starts_at_the_end_is_where_it_starts),
		cmocka_unit_test(a_clock_that_is_set_changes_no_pace_and_makes_no_incident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
