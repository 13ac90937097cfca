/* Rate control against a clock of the test's own. */
#include "governor.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch.h"
#include "request.h"

#define HOST "https://log.test/2026h2/"
#define OTHER "https://other.test/"
#define assert_rate(found, expected) assert_true(fabs((found) - (expected)) < 1e-9)
#define MAX_GRANTED 20000

/* A clock, dice that always show the same, and what was granted when. */
struct bench {
	struct governor *governor;
	int64_t now_ms;
	uint32_t dice;
	struct governor_ticket *under_way[MAX_GRANTED];
	int64_t at[MAX_GRANTED];
	const char *what[MAX_GRANTED];
	size_t n_granted, n_done;
};

struct asker {
	struct bench *bench;
	const char *what;
};

static int64_t clock_of(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static uint32_t dice_of(void *ctx)
{
	return ((struct bench *)ctx)->dice;
}

static void on_granted(void *ctx, struct governor_ticket *ticket)
{
	struct asker *a = ctx;
	struct bench *b = a->bench;

	assert_true(b->n_granted < MAX_GRANTED);
	b->under_way[b->n_granted] = ticket;
	b->at[b->n_granted] = b->now_ms;
	b->what[b->n_granted++] = a->what;
	free(a);
}

static struct governor_ticket *ask(struct bench *b, const char *url, enum governor_class class, const char *what)
{
	struct asker *a = xmalloc(sizeof(*a));

	*a = (struct asker){ b, what };
	return governor_ask(b->governor, url, class, on_granted, a);
}

/* Ends the oldest request under way. */
static void end(struct bench *b, enum governor_outcome outcome, int64_t retry_after_ms)
{
	assert_true(b->n_done < b->n_granted);
	governor_done(b->under_way[b->n_done++], outcome, retry_after_ms);
}

/* Lets time pass, ending each request at once with success. */
static void pass(struct bench *b, int64_t ms, bool end_all)
{
	int64_t until = b->now_ms + ms;

	for (;;) {
		int64_t next = governor_run(b->governor);
		bool ended = false;

		for (; end_all && b->n_done < b->n_granted; ended = true)
			end(b, GOVERNOR_OK, -1);
		if (ended)
			continue;
		if (next > until)
			break;
		b->now_ms = next > b->now_ms ? next : b->now_ms;
	}
	b->now_ms = until;
	governor_run(b->governor);
	while (end_all && b->n_done < b->n_granted)
		end(b, GOVERNOR_OK, -1);
}

static int make(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->now_ms = 1000000;
	b->dice = 7;
	b->governor = governor_new(&(struct governor_options){ .steady_ms = clock_of, .random = dice_of, .ctx = b });
	*state = b;
	return 0;
}

static int unmake(void **state)
{
	struct bench *b = *state;

	while (b->n_done < b->n_granted)
		end(b, GOVERNOR_NEUTRAL, -1);
	governor_close(b->governor);
	free(b);
	return 0;
}

static double rate_of(struct bench *b, const char *url)
{
	struct governor_status s;

	assert_true(governor_status(b->governor, url, &s));
	return s.rate;
}

/* A backlog that always wants more: keeps `n` waiting over `ms`, each request ending well at once. Returns how many were granted. */
static size_t busy(struct bench *b, enum governor_class class, int64_t ms)
{
	size_t before = b->n_granted;
	int64_t until = b->now_ms + ms;

	while (b->now_ms < until) {
		struct governor_status s;

		while (!governor_status(b->governor, HOST, &s) || s.waiting < 3)
			ask(b, HOST, class, "busy");
		pass(b, 20, true);
	}
	return b->n_granted - before;
}

static void drain(struct bench *b)
{
	struct governor_status s;

	while (governor_status(b->governor, HOST, &s) && s.waiting > 0)
		pass(b, 1000, true);
}

static void grants_nothing_from_inside_the_call_that_asks(void **state)
{
	struct bench *b = *state;

	ask(b, HOST, GOVERNOR_TAIL, "a");
	assert_int_equal(b->n_granted, 0);
	governor_run(b->governor);
	assert_int_equal(b->n_granted, 1);
}

static void shards_of_one_operator_share_one_quota(void **state)
{
	char a[128], b[128];

	(void)state;
	governor_host("https://tuscolo2026h2.skylight.geomys.org/checkpoint", a, sizeof(a));
	governor_host("https://navigli2027h1.skylight.geomys.org", b, sizeof(b));
	assert_string_equal(a, b);
	governor_host("https://sphinx.ct.digicert.com/2026h2/", a, sizeof(a));
	assert_string_equal(a, "ct.digicert.com");
	governor_host("https://evilct.digicert.com.test:8443/x", a, sizeof(a));
	assert_string_equal(a, "evilct.digicert.com.test:8443");
	governor_host("https://notrustasia.com/", a, sizeof(a));
	assert_string_equal(a, "notrustasia.com");
	governor_host("https://user@CT.Googleapis.COM/logs/us1/argon2026h2", a, sizeof(a));
	assert_string_equal(a, "ct.googleapis.com");
}

static void a_backlog_never_starves_tree_heads(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 200; i++)
		ask(b, HOST, GOVERNOR_GAP, "gap");
	pass(b, 5000, true);
	size_t before = b->n_granted;
	ask(b, HOST, GOVERNOR_HEAD, "head");
	governor_run(b->governor);
	assert_int_equal(b->n_granted, before + 1);
	assert_string_equal(b->what[before], "head");
	drain(b);
}

static void the_head_is_read_before_gaps(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 40; i++)
		ask(b, HOST, GOVERNOR_GAP, "gap");
	pass(b, 1000, true);
	size_t before = b->n_granted;
	assert_true(before < 20);
	for (int i = 0; i < 5; i++)
		ask(b, HOST, GOVERNOR_TAIL, "tail");
	pass(b, 1500, true);
	assert_true(b->n_granted >= before + 5);
	for (size_t i = before; i < before + 5; i++)
		assert_string_equal(b->what[i], "tail");
	drain(b);
}

static void holds_a_ceiling_of_requests_under_way_and_leaves_room_beside_the_gap(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 20; i++)
		ask(b, HOST, GOVERNOR_GAP, "gap");
	pass(b, 60000, false);
	assert_int_equal(b->n_granted, 4);
	for (int i = 0; i < 20; i++)
		ask(b, HOST, GOVERNOR_TAIL, "tail");
	pass(b, 60000, false);
	assert_int_equal(b->n_granted, 6);
	ask(b, HOST, GOVERNOR_HEAD, "head");
	pass(b, 1, false);
	assert_int_equal(b->n_granted, 7);
	end(b, GOVERNOR_NEUTRAL, -1);
	pass(b, 1000, false);
	assert_int_equal(b->n_granted, 8);
	assert_string_equal(b->what[7], "tail");
	drain(b);
}

static void a_429_halves_the_rate_once_for_a_burst_and_the_rate_is_kept(void **state)
{
	struct bench *b = *state;
	double first;

	for (int i = 0; i < 8; i++)
		ask(b, HOST, GOVERNOR_TAIL, "a");
	pass(b, 200, false);
	assert_int_equal(b->n_granted, 4);
	first = rate_of(b, HOST);
	b->now_ms += 50;
	while (b->n_done < 4)
		end(b, GOVERNOR_THROTTLED, -1);
	assert_rate(rate_of(b, HOST), first / 2);
	pass(b, 30000, true);
	assert_rate(rate_of(b, HOST), first / 2);
	drain(b);
}

static void retry_after_stands_over_the_back_off(void **state)
{
	struct bench *b = *state;
	int64_t asked_ms;

	ask(b, HOST, GOVERNOR_TAIL, "first");
	governor_run(b->governor);
	asked_ms = b->now_ms;
	end(b, GOVERNOR_THROTTLED, 120000);
	ask(b, HOST, GOVERNOR_TAIL, "second");
	ask(b, HOST, GOVERNOR_HEAD, "head");
	pass(b, 119000, false);
	/* heads come back sooner, so that a throttled backlog does not blind */
	assert_int_equal(b->n_granted, 2);
	assert_string_equal(b->what[1], "head");
	assert_int_equal(b->at[1] - asked_ms, 60000);
	pass(b, 2000, false);
	assert_int_equal(b->n_granted, 3);
	assert_int_equal(b->at[2] - asked_ms, 120000);
}

static void a_throttled_head_waits_as_long_as_it_is_told(void **state)
{
	struct bench *b = *state;
	int64_t asked_ms;

	ask(b, HOST, GOVERNOR_HEAD, "first");
	governor_run(b->governor);
	asked_ms = b->now_ms;
	end(b, GOVERNOR_THROTTLED, 300000);
	ask(b, HOST, GOVERNOR_HEAD, "second");
	pass(b, 400000, false);
	assert_int_equal(b->at[1] - asked_ms, 300000);
}

static void errors_back_off_with_full_jitter_up_to_five_minutes(void **state)
{
	struct bench *b = *state;
	int64_t ceiling = 1000;

	b->dice = 0xfffffffe;
	for (int i = 0; i < 14; i++) {
		int64_t before = b->now_ms;

		ask(b, HOST, GOVERNOR_HEAD, "x");
		while (b->n_granted == (size_t)i)
			b->now_ms = governor_run(b->governor) > b->now_ms && b->n_granted == (size_t)i ? governor_run(b->governor) : b->now_ms;
		if (i > 0)
			assert_in_range(b->at[i] - before, 0, ceiling);
		if (i > 0)
			ceiling = ceiling * 2 > 300000 ? 300000 : ceiling * 2;
		end(b, GOVERNOR_ERROR, -1);
	}
	struct governor_status s;
	assert_true(governor_status(b->governor, HOST, &s));
	assert_int_equal(s.errors, 14);
	assert_in_range(s.paused_until_ms - b->now_ms, 1, 300000);
	/* one success and the next error waits a second at most */
	b->now_ms += 300001;
	ask(b, HOST, GOVERNOR_HEAD, "good");
	governor_run(b->governor);
	end(b, GOVERNOR_OK, -1);
	b->now_ms += 10000;
	ask(b, HOST, GOVERNOR_HEAD, "bad");
	governor_run(b->governor);
	end(b, GOVERNOR_ERROR, -1);
	assert_true(governor_status(b->governor, HOST, &s));
	assert_in_range(s.paused_until_ms - b->now_ms, 0, 1000);
}

static void searches_fast_at_first_and_rises_ten_per_cent_a_minute_after_a_429(void **state)
{
	struct bench *b = *state;
	double before;

	busy(b, GOVERNOR_GAP, 1000);
	before = rate_of(b, HOST);
	busy(b, GOVERNOR_GAP, 10500);
	assert_rate(rate_of(b, HOST), before * 2);
	drain(b);
	b->now_ms += 5000;
	ask(b, HOST, GOVERNOR_GAP, "x");
	governor_run(b->governor);
	end(b, GOVERNOR_THROTTLED, 1000);
	before = rate_of(b, HOST);
	busy(b, GOVERNOR_GAP, 59000);
	assert_rate(rate_of(b, HOST), before);
	busy(b, GOVERNOR_GAP, 2000);
	assert_rate(rate_of(b, HOST), before * 1.1);
	busy(b, GOVERNOR_GAP, 61000);
	assert_rate(rate_of(b, HOST), before * 1.21);
	drain(b);
}

static void does_not_raise_a_rate_that_nobody_uses(void **state)
{
	struct bench *b = *state;
	double before;

	ask(b, HOST, GOVERNOR_TAIL, "x");
	pass(b, 100, true);
	before = rate_of(b, HOST);
	for (int i = 0; i < 100; i++) {
		ask(b, HOST, GOVERNOR_TAIL, "x");
		pass(b, 60000, true);
	}
	assert_rate(rate_of(b, HOST), before);
}

static void keeps_to_its_rate_over_minutes(void **state)
{
	struct bench *b = *state;
	size_t n;

	governor_remember(b->governor, "log.test", 0.5);
	assert_rate(rate_of(b, HOST), 0.5);
	n = busy(b, GOVERNOR_GAP, 40000);
	assert_in_range(n, 18, 24);             /* 20, and the burst at the beginning */
	drain(b);
}

static void a_remembered_rate_counts_as_settled_and_allows_no_burst(void **state)
{
	struct bench *b = *state;
	struct governor_status s;

	ask(b, "https://other.test/", GOVERNOR_TAIL, "x");
	assert_true(governor_status(b->governor, "https://other.test/", &s));
	assert_false(s.settled);
	pass(b, 1000, true);
	governor_remember(b->governor, "log.test", 16);
	assert_true(governor_status(b->governor, HOST, &s));
	assert_true(s.settled);
	assert_rate(s.rate, 16);
	governor_remember(b->governor, "log.test", 0.02);
	assert_in_range(busy(b, GOVERNOR_GAP, 1000), 1, 2);
	/* nonsense is not believed */
	governor_remember(b->governor, "log.test", -1);
	governor_remember(b->governor, "log.test", 1e12);
	assert_true(rate_of(b, HOST) <= 40);
	drain(b);
}

static void a_host_that_refuses_everything_is_still_asked_now_and_then(void **state)
{
	struct bench *b = *state;

	b->dice = 0;
	for (int i = 0; i < 60; i++) {
		struct governor_status s;

		while (!governor_status(b->governor, HOST, &s) || s.waiting < 1)
			ask(b, HOST, GOVERNOR_GAP, "x");
		pass(b, 60000, false);
		while (b->n_done < b->n_granted)
			end(b, GOVERNOR_THROTTLED, -1);
	}
	assert_in_range(b->n_granted, 30, 60);
	assert_rate(rate_of(b, HOST), 0.02);
}

static void one_host_does_not_wait_for_another(void **state)
{
	struct bench *b = *state;

	ask(b, HOST, GOVERNOR_TAIL, "a");
	governor_run(b->governor);
	end(b, GOVERNOR_THROTTLED, 900000);
	ask(b, OTHER, GOVERNOR_TAIL, "b");
	pass(b, 200, false);
	assert_int_equal(b->n_granted, 2);
	assert_string_equal(b->what[1], "b");
}

static void first_contacts_are_staggered_but_loopback_is_not(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 10; i++) {
		char url[64];

		snprintf(url, sizeof(url), "https://log%d.test/", i);
		ask(b, url, GOVERNOR_HEAD, "remote");
	}
	for (int i = 0; i < 5; i++) {
		char url[64];

		snprintf(url, sizeof(url), "http://127.0.0.1:%d/", 1000 + i);
		ask(b, url, GOVERNOR_HEAD, "local");
	}
	governor_run(b->governor);
	assert_int_equal(b->n_granted, 6);
	pass(b, 2000, false);
	assert_int_equal(b->n_granted, 15);
	for (size_t i = 7; i < 15; i++)
		assert_true(b->at[i] - b->at[i - 1] >= 100);
}

static void a_cancelled_ticket_is_never_granted_and_gives_its_place_back(void **state)
{
	struct bench *b = *state;
	struct asker *unused = xmalloc(sizeof(*unused));
	struct governor_status s;

	*unused = (struct asker){ b, "cancelled" };
	struct governor_ticket *t = governor_ask(b->governor, HOST, GOVERNOR_TAIL, on_granted, unused);
	ask(b, HOST, GOVERNOR_TAIL, "kept");
	governor_cancel(t);
	free(unused);
	governor_cancel(NULL);
	pass(b, 1000, false);
	assert_int_equal(b->n_granted, 1);
	assert_string_equal(b->what[0], "kept");
	assert_true(governor_status(b->governor, HOST, &s));
	assert_int_equal(s.under_way, 1);
	governor_cancel(b->under_way[b->n_done++]);
	assert_true(governor_status(b->governor, HOST, &s));
	assert_int_equal(s.under_way, 0);
	/* the queue is whole after its last ticket went */
	ask(b, HOST, GOVERNOR_TAIL, "later");
	pass(b, 1000, false);
	assert_string_equal(b->what[1], "later");
}

static void answers_say_what_they_mean_for_the_host(void **state)
{
	static const struct {
		struct fetch_answer answer;
		enum governor_outcome outcome;
	} cases[] = {
		{ { .status = 200, .retry_after_ms = -1 }, GOVERNOR_OK },
		{ { .status = 304, .retry_after_ms = -1 }, GOVERNOR_OK },
		{ { .status = 400, .retry_after_ms = -1 }, GOVERNOR_NEUTRAL },
		{ { .status = 404, .retry_after_ms = -1 }, GOVERNOR_NEUTRAL },
		{ { .status = 403, .retry_after_ms = -1 }, GOVERNOR_ERROR },
		{ { .status = 429, .retry_after_ms = -1 }, GOVERNOR_THROTTLED },
		{ { .status = 503, .retry_after_ms = 5000 }, GOVERNOR_THROTTLED },
		{ { .status = 503, .retry_after_ms = -1 }, GOVERNOR_ERROR },
		{ { .status = 522, .retry_after_ms = -1 }, GOVERNOR_ERROR },
		{ { .status = 302, .retry_after_ms = -1, .redirected = true }, GOVERNOR_ERROR },
		{ { .status = 0, .retry_after_ms = -1, .timed_out = true }, GOVERNOR_ERROR },
		{ { .status = 200, .retry_after_ms = -1, .too_large = true }, GOVERNOR_NEUTRAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(governor_outcome_of(&cases[i].answer), cases[i].outcome);
}

struct on_loop {
	struct governor *governor;
	int n;
	bool inside;
};

static void on_loop_granted(void *ctx, struct governor_ticket *ticket)
{
	struct on_loop *o = ctx;

	assert_false(o->inside);
	governor_done(ticket, GOVERNOR_OK, -1);
	if (++o->n == 50) {
		governor_close(o->governor);
		return;
	}
	o->inside = true;
	governor_ask(o->governor, "http://127.0.0.1:9/", GOVERNOR_TAIL, on_loop_granted, o);
	o->inside = false;
}

static void runs_by_itself_on_a_loop_and_closes_from_its_own_callback(void **state)
{
	uv_loop_t loop;
	struct on_loop o = { 0 };

	(void)state;
	uv_loop_init(&loop);
	o.governor = governor_new(&(struct governor_options){ .loop = &loop });
	governor_ask(o.governor, "http://127.0.0.1:9/", GOVERNOR_TAIL, on_loop_granted, &o);
	governor_ask(o.governor, "https://log.test/", GOVERNOR_GAP, on_loop_granted, &o);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(o.n, 50);
	assert_int_equal(uv_loop_close(&loop), 0);
}

#define ON_BENCH(f) cmocka_unit_test_setup_teardown(f, make, unmake)

static void a_host_is_named_with_or_without_port_by_pattern_or_by_operator(void **state)
{
	static const struct {
		const char *pattern, *url;
		bool named;
	} ROWS[] = {
		{ "localhost", "https://localhost:8443/log/", true },
		{ "localhost:8443", "https://localhost:8443/log/", true },
		{ "localhost:8444", "https://localhost:8443/log/", false },
		{ "local*", "https://localhost:8443/log/", true },
		{ "sphinx.ct.digicert.com", "https://sphinx.ct.digicert.com/2026h2/", true },
		{ "*.ct.digicert.com", "https://sphinx.ct.digicert.com/2026h2/", true },
		{ "ct.digicert.com", "https://sphinx.ct.digicert.com/2026h2/", true },
		{ "wyvern.ct.digicert.com", "https://sphinx.ct.digicert.com/2026h2/", false },
		{ "[::1]", "http://[::1]:80/log/", true },
		{ "[::1]:80", "http://[::1]:80/log/", true },
		{ "log.example", "https://other.example/log.example", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		char *items[] = { (char *)ROWS[i].pattern, NULL };
		struct string_list list = { .items = items, .n = 1 };

		if (request_host_in(&list, ROWS[i].url) != ROWS[i].named)
			fail_msg("%s and %s", ROWS[i].pattern, ROWS[i].url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(grants_nothing_from_inside_the_call_that_asks),
		cmocka_unit_test(shards_of_one_operator_share_one_quota),
		ON_BENCH(a_backlog_never_starves_tree_heads),
		ON_BENCH(the_head_is_read_before_gaps),
		ON_BENCH(holds_a_ceiling_of_requests_under_way_and_leaves_room_beside_the_gap),
		ON_BENCH(a_429_halves_the_rate_once_for_a_burst_and_the_rate_is_kept),
		ON_BENCH(retry_after_stands_over_the_back_off),
		ON_BENCH(a_throttled_head_waits_as_long_as_it_is_told),
		ON_BENCH(errors_back_off_with_full_jitter_up_to_five_minutes),
		ON_BENCH(searches_fast_at_first_and_rises_ten_per_cent_a_minute_after_a_429),
		ON_BENCH(does_not_raise_a_rate_that_nobody_uses),
		ON_BENCH(keeps_to_its_rate_over_minutes),
		ON_BENCH(a_remembered_rate_counts_as_settled_and_allows_no_burst),
		ON_BENCH(a_host_that_refuses_everything_is_still_asked_now_and_then),
		ON_BENCH(one_host_does_not_wait_for_another),
		ON_BENCH(first_contacts_are_staggered_but_loopback_is_not),
		ON_BENCH(a_cancelled_ticket_is_never_granted_and_gives_its_place_back),
		cmocka_unit_test(answers_say_what_they_mean_for_the_host),
		cmocka_unit_test(a_host_is_named_with_or_without_port_by_pattern_or_by_operator),
		cmocka_unit_test(runs_by_itself_on_a_loop_and_closes_from_its_own_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
