/* state/report.c: the numbers of a report agree with what was stored. */
#include "state_report.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state_fill.h"
#include "temp_state.h"

static int open_state(void **state)
{
	*state = temp_state_open();
	return 0;
}

static int close_state(void **state)
{
	temp_state_close(*state);
	return 0;
}

#define SINCE_MS (TEST_NOW_MS - 30 * 86400000ll)

static void fill(struct state *st, uint64_t n_findings, uint64_t sightings)
{
	struct state_fill f = { .n_findings = n_findings, .sightings_per_finding = sightings, .since_ms = SINCE_MS, .until_ms = TEST_NOW_MS, .small = true };
	struct error err;

	if (!state_fill(st, &f, &err))
		fail_msg("%s", err.text);
}

static bool add_up(void *ctx, const struct state_report_count *count)
{
	struct state_report_count *sum = ctx;

	assert_non_null(count->key);
	sum->findings += count->findings;
	sum->certificates += count->certificates;
	sum->sightings += count->sightings;
	sum->verified += count->verified;
	return true;
}

static void every_axis_adds_up_to_the_total(void **state)
{
	struct state_report_range range = { .all = true };
	struct state_report_count total;
	struct error err;

	fill(*state, 300, 8);
	assert_true(state_report_total(*state, &range, &total, &err));
	assert_int_equal(total.findings, 300);
	assert_int_equal(total.domains, 300);
	assert_int_equal(total.certificates, 600);
	assert_int_equal(total.sightings, 2400);
	assert_int_equal(total.verified, 270);
	for (enum state_report_axis axis = 0; axis < N_AXES; axis++) {
		struct state_report_count sum = { 0 };

		if (!state_report_count(*state, axis, &range, 0, add_up, &sum, &err))
			fail_msg("%s", err.text);
		assert_int_equal(sum.certificates, 600);
		assert_int_equal(sum.sightings, 2400);
		if (axis != AXIS_ISSUER) {
			assert_int_equal(sum.findings, 300);
			assert_int_equal(sum.verified, 270);
		}
	}
}

static void range_flag_and_dismissal_narrow_what_is_counted(void **state)
{
	struct state_report_range range = { .since_ms = SINCE_MS + 10 * 86400000ll, .until_ms = SINCE_MS + 20 * 86400000ll, .all = true };
	struct state_report_count total;
	struct error err;
	char domain[64], id[FINDING_ID_LEN + 1];

	fill(*state, 300, 4);
	assert_true(state_report_total(*state, &range, &total, &err));
	assert_in_range(total.findings, 99, 101);
	range = (struct state_report_range){ .all = false };
	assert_true(state_report_total(*state, &range, &total, &err));
	uint64_t flagged = total.findings;
	assert_true(flagged < 300 && flagged > 100);
	finding_id("brand/sample", state_fill_domain(7, domain), id);      /* scores 94 */
	assert_true(state_triage(*state, id, "dismissed", "ana", "known", TEST_NOW_MS, &err));
	range.exclude_dismissed = true;
	assert_true(state_report_total(*state, &range, &total, &err));
	assert_int_equal(total.findings, flagged - 1);
}

static void an_empty_state_gives_zeros(void **state)
{
	struct state_report_range range = { .all = true };
	struct state_report_count total, sum = { 0 };
	struct state_report_delay delay;
	struct state_counters counters;
	struct error err;

	assert_true(state_report_total(*state, &range, &total, &err));
	assert_int_equal(total.findings, 0);
	assert_int_equal(total.sightings, 0);
	assert_true(state_report_count(*state, AXIS_DAY, &range, 0, add_up, &sum, &err));
	assert_int_equal(sum.findings, 0);
	assert_true(state_report_finding_delay(*state, &range, &delay, &err));
	assert_int_equal(delay.n, 0);
	assert_true(state_sum_counters(*state, NULL, 0, TEST_NOW_MS, &counters, &err));
	assert_int_equal(counters.entries, 0);
	state_report_entry_delay(&counters, &delay);
	assert_int_equal(delay.n, 0);
}

static void delays_are_exact_for_findings_and_bounds_for_entries(void **state)
{
	struct state_report_range range = { .all = true };
	struct state_counters counters = { .delay = { [3] = 50, [5] = 45, [10] = 5 } };
	struct state_report_delay delay;
	struct error err;

	/* delays of 1 to 100 seconds */
	for (uint64_t i = 1; i <= 100; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%d.example", (int)i);
		test_add(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i, .timestamp_ms = TEST_NOW_MS - (int64_t)i * 1000 });
	}
	assert_true(state_report_finding_delay(*state, &range, &delay, &err));
	assert_int_equal(delay.n, 100);
	assert_int_equal(delay.median_ms, 50000);
	assert_int_equal(delay.p95_ms, 95000);
	assert_int_equal(delay.max_ms, 100000);
	state_report_entry_delay(&counters, &delay);
	assert_int_equal(delay.n, 100);
	assert_int_equal(delay.median_ms, 8000);
	assert_int_equal(delay.p95_ms, 32000);
	assert_int_equal(delay.max_ms, 1024000);
}

struct clusters {
	uint64_t n, last;
	size_t sizes[10];
};

static bool note_cluster(void *ctx, uint64_t cluster, const struct finding *f)
{
	struct clusters *c = ctx;

	assert_non_null(f->name);
	assert_true(cluster == c->last || cluster == c->last + 1);
	c->last = cluster;
	c->n++;
	c->sizes[cluster]++;
	return true;
}

static void names_logged_within_minutes_make_a_cluster(void **state)
{
	/* minutes: a cluster of three, one alone, a cluster of two */
	static const int64_t minutes[] = { 0, 2, 4, 60, 120, 121 };
	struct state_report_range range = { .all = true };
	struct clusters found = { 0 };
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "c%zu.example", i);
		test_add(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i, .timestamp_ms = TEST_NOW_MS - (200 - minutes[i]) * 60000 });
	}
	assert_true(state_report_each_cluster(*state, &range, 5 * 60000, 2, note_cluster, &found, &err));
	assert_int_equal(found.n, 5);
	assert_int_equal(found.last, 2);
	assert_int_equal(found.sizes[1], 3);
	assert_int_equal(found.sizes[2], 2);
}

static bool count_name(void *ctx, const struct finding *f, const char *name)
{
	size_t *n = ctx;

	assert_non_null(strstr(name, f->registrable_domain));
	return ++*n < 100;
}

static void names_stream_and_stop_when_told(void **state)
{
	struct state_report_range range = { .all = true };
	struct error err;
	size_t n = 0;

	fill(*state, 10, 8);
	assert_true(state_report_each_name(*state, &range, count_name, &n, &err));
	assert_int_equal(n, 40);
	fill(*state, 100, 8);
	n = 0;
	assert_true(state_report_each_name(*state, &range, count_name, &n, &err));
	assert_int_equal(n, 100);
}

static bool count_day(void *ctx, int64_t day_ms, const struct state_counters *counters)
{
	size_t *n = ctx;

	assert_int_equal(day_ms % 86400000, 0);
	assert_int_equal(counters->entries, 8000000);
	++*n;
	return true;
}

static void days_come_in_order_with_their_sums(void **state)
{
	struct state_counters sum;
	struct error err;
	size_t n = 0;

	fill(*state, 0, 0);
	assert_true(state_report_each_day(*state, NULL, SINCE_MS, SINCE_MS + 7 * 86400000ll, count_day, &n, &err));
	assert_in_range(n, 7, 8);      /* the range begins in the middle of a day */
	assert_true(state_sum_counters(*state, NULL, SINCE_MS, 0, &sum, &err));
	assert_int_equal(sum.entries, 30 * 8000000ll);
	assert_int_equal(sum.delay[5], 30 * 8 * 900000ll);
}

static bool hear(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	(void)ctx;
	return state_outbox_add(st, "chat", event, false, NULL, now_ms, now_ms, err);
}

static bool note_delivery(void *ctx, const struct state_report_delivery *d)
{
	int *n = ctx;

	if (strcmp(d->status, "dead") == 0) {
		assert_string_equal(d->last_error, "answered 500");
		assert_int_equal(d->n, 1);
		n[0]++;
	} else {
		assert_string_equal(d->status, "waiting");
		assert_int_equal(d->n, 2);
		n[1]++;
	}
	return true;
}

static bool kill_it(void *ctx, const struct outbox_item *item)
{
	struct error err;

	return state_outbox_failed(ctx, item->id, "answered 500", 0, true, TEST_NOW_MS, &err) && false;
}

static void deliveries_are_summed_by_sink_and_status(void **state)
{
	struct error err;
	int n[2] = { 0 };

	state_set_router(*state, hear, NULL);
	for (uint64_t i = 0; i < 3; i++)
		test_add(*state, (struct test_match){ .domain = (const char *[]){ "a.example", "b.example", "c.example" }[i], .certificate = i, .index = i });
	assert_true(state_outbox_due(*state, "chat", TEST_NOW_MS, 1, kill_it, *state, &err));
	assert_true(state_report_each_delivery(*state, 0, 0, note_delivery, n, &err));
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 1);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(every_axis_adds_up_to_the_total),
		STATE_TEST(range_flag_and_dismissal_narrow_what_is_counted),
		STATE_TEST(an_empty_state_gives_zeros),
		STATE_TEST(delays_are_exact_for_findings_and_bounds_for_entries),
		STATE_TEST(names_logged_within_minutes_make_a_cluster),
		STATE_TEST(names_stream_and_stop_when_told),
		STATE_TEST(days_come_in_order_with_their_sums),
		STATE_TEST(deliveries_are_summed_by_sink_and_status),
	};

	return cmocka_run_group_tests_name("state: reports", tests, NULL, NULL);
}
