/* One bad row never spoils a lane: what fails waits by itself, what goes together stays together, and a receiver that is down is asked seldom. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "http_receiver.h"
#include "pace.h"

#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define DAY_MS 86400000

struct desk {
	struct bench *bench;
	struct receiver hook;
};

/* One sink of this type, with more keys as given. */
static struct desk *desk_open(struct bench *bench, const char *type, const char *keys)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	desk->bench = bench;
	bench_start(bench, "[]");
	receiver_start(&desk->hook, &bench->loop);
	char *json = xasprintf("[{\"type\":\"%s\",\"url\":\"http://127.0.0.1:%d/\"%s}]", type, desk->hook.port, keys);
	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_settle(bench);
	free(json);
	return desk;
}

static void desk_close(struct desk *desk)
{
	receiver_stop(&desk->hook);
	bench_stop(desk->bench);
	free(desk);
}

/* Lets the time pass in small steps; how many requests came meanwhile. */
static size_t pass(struct desk *desk, int64_t ms, int64_t step_ms)
{
	size_t before = desk->hook.n;

	for (int64_t at = 0; at < ms; at += step_ms) {
		desk->bench->now_ms += step_ms;
		bench_settle(desk->bench);
	}
	return desk->hook.n - before;
}

/* n findings of one certificate. */
struct several {
	struct bench *bench;
	uint64_t certificate;
	size_t n;
	const char *domain;
};

static bool add_several(void *ctx, struct state *st, struct error *err)
{
	const struct several *s = ctx;

	for (size_t i = 0; i < s->n; i++) {
		char domain[64];
		struct test_match match = { .domain = domain, .name = domain, .certificate = s->certificate, .index = s->certificate, .score = 92, .now_ms = s->bench->now_ms };

		snprintf(domain, sizeof(domain), "%s-%zu.com", s->domain, i);
		if (!test_add_with(st, &match, NULL, err))
			return false;
	}
	return true;
}

static void add_certificate(struct bench *bench, uint64_t certificate, size_t n, const char *domain)
{
	struct several several = { bench, certificate, n, domain };

	bench_job(bench, add_several, &several);
}

/* ---- pace ---------------------------------------------------------------------------------------------------- */

static void pauses_grow_slowly_at_first_and_end_at_an_hour(void **state)
{
	int64_t sum = 0;

	(void)state;
	for (unsigned i = 1; i <= 10; i++)
		sum += pace_pause_ms(i, UINT32_MAX);
	assert_true(sum < 30000);
	for (unsigned i = 1; i < 100; i++) {
		assert_true(pace_pause_ms(i, 0) >= 250 && pace_pause_ms(i, UINT32_MAX) <= HOUR_MS);
		assert_true(pace_pause_ms(i, 0) <= pace_pause_ms(i + 1, 0));
	}
	assert_int_equal(pace_pause_ms(60, 0), HOUR_MS / 2);
}

/* ---- receivers that fail ---------------------------------------------------------------------------------------- */

static int one_of_three(struct receiver *r, const char *body)
{
	(void)body;
	return r->n_decided++ % 3 == 2 ? 200 : 503;
}

static void a_receiver_that_fails_two_of_three_times_has_everything_within_a_minute(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "webhook", "");

	desk->hook.decide = one_of_three;
	bench_add(bench, (struct test_match){ .score = 92 }, 47);
	pass(desk, MINUTE_MS, 500);
	assert_int_equal(bench_rows(bench, "sent"), 47);
	assert_true(desk->hook.n >= 47 && desk->hook.n <= 3 * 47 + 3);
	desk_close(desk);
}

static int all_but_bad(struct receiver *r, const char *body)
{
	(void)r;
	return strstr(body, "bad-") != NULL ? 500 : 200;
}

static void rows_that_always_fail_hold_back_no_other(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "webhook", "");

	desk->hook.decide = all_but_bad;
	bench_add(bench, (struct test_match){ .score = 92, .domain = "bad" }, 12);
	pass(desk, 3 * HOUR_MS, 10 * MINUTE_MS);
	assert_int_equal(bench_rows(bench, "waiting"), 12);
	/* the lane has nothing but failures behind it */
	bench_add(bench, (struct test_match){ .score = 92, .domain = "good" }, 20);
	pass(desk, 2 * MINUTE_MS, 5000);
	assert_int_equal(bench_rows(bench, "sent"), 20);
	desk->hook.decide = NULL;
	pass(desk, 3 * HOUR_MS, 30 * MINUTE_MS);
	assert_int_equal(bench_rows(bench, "sent"), 32);
	desk_close(desk);
}

static void a_receiver_that_is_down_is_asked_seldom_and_has_everything_at_once_when_it_is_back(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "webhook", "");

	desk->hook.status = 503;
	bench_add(bench, (struct test_match){ .score = 92 }, 200);
	assert_true(pass(desk, 10 * MINUTE_MS, 10000) < 40);
	assert_true(pass(desk, 10 * HOUR_MS, 15 * MINUTE_MS) <= 40);
	desk->hook.status = 200;
	pass(desk, HOUR_MS, 10 * MINUTE_MS);
	assert_int_equal(bench_rows(bench, "sent"), 200);
	desk_close(desk);
}

static void an_asked_pause_is_kept_also_by_new_rows(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "webhook", "");

	desk->hook.status = 429;
	desk->hook.header = "Retry-After: 300\r\n";
	bench_add(bench, (struct test_match){ .score = 92 }, 3);
	pass(desk, 2000, 1000);
	size_t asked = desk->hook.n;
	assert_true(asked >= 1 && asked <= 4);
	bench_add(bench, (struct test_match){ .score = 92, .domain = "later" }, 3);
	assert_int_equal(pass(desk, 290000, 10000), 0);
	desk->hook.status = 200;
	pass(desk, 20000, 1000);
	assert_int_equal(bench_rows(bench, "sent"), 6);
	desk_close(desk);
}

static void what_is_refused_is_dead_and_the_rest_goes_on(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "webhook", "");

	desk->hook.status = 422;
	bench_add(bench, (struct test_match){ .score = 92, .domain = "bad" }, 20);
	pass(desk, 1000, 1000);
	assert_int_equal(bench_rows(bench, "dead"), 20);
	desk->hook.status = 200;
	bench_add(bench, (struct test_match){ .score = 92, .domain = "good" }, 20);
	pass(desk, 1000, 1000);
	assert_int_equal(bench_rows(bench, "sent"), 20);
	desk_close(desk);
}

/* ---- what goes together -------------------------------------------------------------------------------------------- */

static void one_certificate_with_a_hundred_domains_is_one_message(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "slack", "");

	add_certificate(bench, 7, 100, "drive-acme");
	add_certificate(bench, 8, 1, "other-acme");
	assert_int_equal(pass(desk, MINUTE_MS, 5000), 2);
	assert_int_equal(bench_rows(bench, "sent"), 101);
	bool whole = strstr(desk->hook.bodies[0], "100 findings") != NULL || strstr(desk->hook.bodies[1], "100 findings") != NULL;
	assert_true(whole);
	desk_close(desk);
}

static void a_message_that_failed_comes_again_as_the_same_one_also_after_a_restart(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "slack", "");

	desk->hook.status = 0;
	add_certificate(bench, 7, 3, "drive-acme");
	assert_true(pass(desk, 31000, 31000) >= 1);
	char *first = receiver_header(&desk->hook, 0, "Idempotency-Key");
	int64_t now = bench->now_ms;
	desk_close(desk);

	desk = desk_open(bench, "slack", "");
	bench->now_ms = now + MINUTE_MS;
	/* would have belonged to it */
	add_certificate(bench, 7, 4, "drive-acme");
	assert_int_equal(pass(desk, MINUTE_MS, 5000), 2);
	char *second = receiver_header(&desk->hook, 0, "Idempotency-Key");
	assert_string_equal(first, second);
	assert_non_null(strstr(desk->hook.bodies[0], "3 findings"));
	assert_int_equal(bench_rows(bench, "sent"), 4);
	free(first), free(second);
	desk_close(desk);
}

static int minds_bad(struct receiver *r, const char *body)
{
	(void)r;
	return strstr(body, "bad-") != NULL ? 400 : 200;
}

static void of_a_digest_that_is_refused_only_the_row_that_the_receiver_minds_is_dead(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "slack", "");

	desk->hook.decide = minds_bad;
	add_certificate(bench, 7, 60, "drive-acme");
	add_certificate(bench, 7, 1, "bad");
	pass(desk, MINUTE_MS, 1000);
	assert_int_equal(bench_rows(bench, "dead"), 1);
	assert_int_equal(bench_rows(bench, "sent"), 60);
	/* 61, then halves of the refused ones only */
	assert_true(desk->hook.n < 16);
	desk_close(desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_grow_slowly_at_first_and_end_at_an_hour),
		cmocka_unit_test_setup_teardown(a_receiver_that_fails_two_of_three_times_has_everything_within_a_minute, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(rows_that_always_fail_hold_back_no_other, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_receiver_that_is_down_is_asked_seldom_and_has_everything_at_once_when_it_is_back, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(an_asked_pause_is_kept_also_by_new_rows, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(what_is_refused_is_dead_and_the_rest_goes_on, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(one_certificate_with_a_hundred_domains_is_one_message, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_message_that_failed_comes_again_as_the_same_one_also_after_a_restart, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(of_a_digest_that_is_refused_only_the_row_that_the_receiver_minds_is_dead, bench_setup, bench_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
