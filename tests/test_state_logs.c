/* Logs, ranges, tree heads, counters, malformed entries, facts and issuers. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp_state.h"

#define DAY_MS 86400000ll
#define HOUR_MS 3600000ll

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

static void must(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

static struct hash put_log(struct state *st, uint64_t n, const char *name)
{
	struct state_log log = {
		.log_id = test_hash(n),
		.name = (char *)name,
		.url = (char *)"https://log.example/",
		.log_operator = (char *)"Example",
		.protocol = (char *)"rfc6962",
		.lifecycle = (char *)"usable",
		.added_ms = TEST_NOW_MS,
		.sunset_ms = INT64_MAX,
	};
	struct error err;

	must(state_put_log(st, &log, &err), &err);
	return log.log_id;
}

/* ---- logs ------------------------------------------------------------------------------------------------ */

static bool copy_numbers(void *ctx, const struct state_log *log)
{
	*(struct state_log *)ctx = *log;
	return false;
}

static struct state_log first_log(struct state *st)
{
	struct state_log log = { 0 };
	struct error err;

	must(state_each_log(st, copy_numbers, &log, &err), &err);
	return log;    /* numbers only: its texts are gone */
}

static void log_that_is_listed_again_keeps_its_progress(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct error err;
	struct state_log log = first_log(*state);

	assert_int_equal(log.start_index, -1);
	assert_int_equal(log.last_success_ms, 0);
	must(state_set_start(*state, &id, 1000, &err), &err);
	must(state_log_progress(*state, &id, TEST_NOW_MS, NULL, TEST_NOW_MS, &err), &err);
	must(state_log_progress(*state, &id, 0, "answered 503", TEST_NOW_MS + 1, &err), &err);
	put_log(*state, 1, "a log, renamed");
	log = first_log(*state);
	assert_int_equal(log.start_index, 1000);
	assert_int_equal(log.position, 1000);
	assert_int_equal(log.last_success_ms, TEST_NOW_MS);
	assert_int_equal(log.last_error_ms, TEST_NOW_MS + 1);
}

static bool check_error(void *ctx, const struct state_log *log)
{
	const char *expected = ctx;

	if (expected == NULL)
		assert_null(log->last_error);
	else
		assert_string_equal(log->last_error, expected);
	return true;
}

static void success_clears_the_last_error(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct error err;

	must(state_log_progress(*state, &id, 0, "answered 503", TEST_NOW_MS, &err), &err);
	must(state_each_log(*state, check_error, (void *)"answered 503", &err), &err);
	must(state_log_progress(*state, &id, TEST_NOW_MS + 5, NULL, TEST_NOW_MS + 5, &err), &err);
	must(state_each_log(*state, check_error, NULL, &err), &err);
}

static bool count_log(void *ctx, const struct state_log *log)
{
	assert_true(log->url[0] != '\0');
	++*(int *)ctx;
	return true;
}

static void log_that_only_left_sightings_is_not_listed(void **state)
{
	struct error err;
	int n = 0;

	test_add(*state, (struct test_match){ .index = 1 });
	must(state_each_log(*state, count_log, &n, &err), &err);
	assert_int_equal(n, 0);
}

/* ---- ranges ------------------------------------------------------------------------------------------------ */

struct found_ranges {
	size_t n;
	struct state_range items[8];
	uint8_t first_byte[8];
};

static bool note_range(void *ctx, const struct state_range *range)
{
	struct found_ranges *found = ctx;

	found->first_byte[found->n] = range->hashes.len > 0 ? range->hashes.data[0] : 0;
	found->items[found->n++] = *range;
	return true;
}

static void ranges_are_replaced_as_a_whole(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	uint8_t hashes[64] = { 7 };
	struct state_range three[] = {
		{ .start = 0, .end = 100, .verified = true, .hashes = { hashes, 64 } },
		{ .start = 100, .end = 150, .hashes = { hashes, 32 } },
		{ .start = 500, .end = 600 },
	};
	struct state_range one = { .start = 0, .end = 600, .verified = true };
	struct found_ranges found = { 0 };
	struct state_log log;
	struct error err;

	must(state_set_start(*state, &id, 50, &err), &err);
	must(state_put_ranges(*state, &id, three, 3, &err), &err);
	must(state_each_range(*state, &id, note_range, &found, &err), &err);
	assert_int_equal(found.n, 3);
	assert_true(found.items[0].verified);
	assert_false(found.items[1].verified);
	assert_int_equal(found.items[0].hashes.len, 64);
	assert_int_equal(found.first_byte[1], 7);
	log = first_log(*state);
	assert_int_equal(log.position, 100);
	assert_int_equal(log.read_entries, 50 + 50 + 100);
	must(state_put_ranges(*state, &id, &one, 1, &err), &err);
	found.n = 0;
	must(state_each_range(*state, &id, note_range, &found, &err), &err);
	assert_int_equal(found.n, 1);
	assert_int_equal(first_log(*state).position, 600);
}

static void ranges_that_make_no_sense_are_refused(void **state)
{
	static uint8_t hashes[33];
	struct hash id = put_log(*state, 1, "a log");
	struct state_range overlap[] = { { .start = 0, .end = 10 }, { .start = 9, .end = 20 } }, backwards = { .start = 5, .end = 4 };
	struct state_range odd = { .start = 0, .end = 1, .hashes = { hashes, 33 } }, huge = { .start = 0, .end = UINT64_MAX };
	struct found_ranges found = { 0 };
	struct error err;

	assert_false(state_put_ranges(*state, &id, overlap, 2, &err));
	assert_false(state_put_ranges(*state, &id, &backwards, 1, &err));
	assert_false(state_put_ranges(*state, &id, &odd, 1, &err));
	assert_false(state_put_ranges(*state, &id, &huge, 1, &err));
	must(state_each_range(*state, &id, note_range, &found, &err), &err);
	assert_int_equal(found.n, 0);
}

/* ---- heads --------------------------------------------------------------------------------------------------- */

static struct state_head head_of(uint64_t size, uint64_t root, int64_t at_ms)
{
	return (struct state_head){
		.tree_size = size,
		.timestamp_ms = (uint64_t)at_ms,
		.root = test_hash(root),
		.raw = SLICE_LITERAL("{\"tree_size\":1}"),
		.received_ms = at_ms,
		.source = "log",
	};
}

static bool count_head(void *ctx, const struct state_head *head)
{
	assert_int_equal(head->raw.len, 15);
	assert_string_equal(head->source, "log");
	++*(size_t *)ctx;
	return true;
}

static size_t n_heads(struct state *st, const struct hash *id, bool pending)
{
	struct error err;
	size_t n = 0;

	must(state_each_head(st, id, pending, count_head, &n, &err), &err);
	return n;
}

static void same_head_again_changes_nothing(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct state_head head = head_of(10, 1, TEST_NOW_MS), older = head_of(8, 2, TEST_NOW_MS - 1000);
	struct error err;

	must(state_put_head(*state, &id, &head, NULL, &err), &err);
	must(state_put_head(*state, &id, &head, NULL, &err), &err);
	must(state_put_head(*state, &id, &older, NULL, &err), &err);
	assert_int_equal(n_heads(*state, &id, true), 2);
	assert_int_equal(first_log(*state).head_size, 10);
	assert_int_equal(first_log(*state).head_timestamp_ms, TEST_NOW_MS);
}

static struct head_answer put(struct state *st, const struct hash *id, struct state_head head)
{
	struct head_answer answer;
	struct error err;

	must(state_put_head(st, id, &head, &answer, &err), &err);
	return answer;
}

static void heads_of_two_days_stay_and_then_one_an_hour(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	const int64_t hour = TEST_NOW_MS / HOUR_MS * HOUR_MS;
	struct error err;

	must(state_begin(*state, &err), &err);
	for (uint64_t i = 0; i < 6 * 60; i++) {       /* six an hour, for sixty hours */
		put(*state, &id, head_of(100 + i, i, hour + (int64_t)i * 600000));
		if (i == 3)
			must(state_verify_head(*state, &id, 100 + i, &(struct hash){ { 0 } }, TEST_NOW_MS, &err), &err);
	}
	must(state_commit(*state, &err), &err);
	/* eleven whole hours are older than two days; the head of the verified size stays beside them */
	assert_int_equal(n_heads(*state, &id, false), 11 + 1 + 49 * 6);
}

static void a_tree_that_is_signed_again_and_again_is_two_rows(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct state_head first = head_of(10, 1, TEST_NOW_MS);
	struct error err;

	for (int64_t i = 0; i < 50; i++)
		put(*state, &id, head_of(10, 1, TEST_NOW_MS + i * HOUR_MS));
	assert_int_equal(n_heads(*state, &id, false), 2);
	must(state_verify_head(*state, &id, 10, &first.root, TEST_NOW_MS, &err), &err);
	put(*state, &id, head_of(10, 1, TEST_NOW_MS + 60 * HOUR_MS));
	assert_int_equal(n_heads(*state, &id, true), 0);
	assert_int_equal(n_heads(*state, &id, false), 2);
}

static void another_root_of_a_size_is_a_fork_of_the_first_for_ever(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct state_head ours = head_of(10, 1, TEST_NOW_MS), theirs = head_of(10, 2, TEST_NOW_MS + 1000);
	struct error err;

	assert_false(put(*state, &id, ours).forks);
	must(state_verify_head(*state, &id, 10, &ours.root, TEST_NOW_MS, &err), &err);
	for (uint64_t i = 0; i < 100; i++)
		put(*state, &id, head_of(12 + i, 3 + i, TEST_NOW_MS + 2000 + (int64_t)i * 60000));
	struct head_answer answer = put(*state, &id, theirs);
	assert_true(answer.forks && answer.stored && answer.standing == HEAD_FORKED && !answer.known);
	assert_true(hash_equal(&answer.other.root, &ours.root));
	assert_true(put(*state, &id, theirs).forks);          /* each time that it is served */
	assert_false(put(*state, &id, ours).forks);
	assert_true(put(*state, &id, ours).verified);
}

static void a_fork_without_end_is_counted_not_kept(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct error err;

	must(state_begin(*state, &err), &err);
	put(*state, &id, head_of(10, 0, TEST_NOW_MS));
	for (uint64_t i = 1; i < 1000; i++)
		assert_true(put(*state, &id, head_of(10, i, TEST_NOW_MS + (int64_t)i * 60000)).forks);
	for (uint64_t i = 0; i < 2000; i++) {
		put(*state, &id, head_of(100 + i, 5000 + i, TEST_NOW_MS));
		assert_true(put(*state, &id, head_of(100 + i, 8000 + i, TEST_NOW_MS)).forks);
	}
	must(state_commit(*state, &err), &err);
	assert_in_range(n_heads(*state, &id, false), 2000, 2000 + STATE_HEADS_ODD_MAX + 1);
}

static void a_clock_that_jumps_costs_nothing(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct error err;

	put(*state, &id, head_of(10, 1, 1000));               /* 1970 */
	for (int64_t i = 0; i < 2000; i++) {
		struct state_head head = head_of(10, 1, TEST_NOW_MS + i);

		put(*state, &id, head);
		must(state_verify_head(*state, &id, 10, &head.root, TEST_NOW_MS, &err), &err);
	}
	assert_int_equal(n_heads(*state, &id, false), 2);
}

static void absurd_heads_are_refused(void **state)
{
	struct hash id = put_log(*state, 1, "a log");
	struct state_head head = head_of(UINT64_MAX, 1, TEST_NOW_MS), timeless = head_of(1, 1, TEST_NOW_MS);
	struct error err;

	timeless.timestamp_ms = UINT64_MAX;
	assert_false(state_put_head(*state, &id, &head, NULL, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	assert_false(state_put_head(*state, &id, &timeless, NULL, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
}

/* ---- counters -------------------------------------------------------------------------------------------------- */

static void counters_add_up_by_day_and_log(void **state)
{
	struct hash a = put_log(*state, 1, "a"), b = put_log(*state, 2, "b");
	const int64_t day = TEST_NOW_MS / DAY_MS * DAY_MS;
	struct state_counters delta = { .entries = 10, .throttled = 3, .delay = { [0] = 1, [23] = 4 }, .last_entry_ms = day + 5 }, sum;
	struct error err;

	must(state_add_counters(*state, &a, day, &delta, &err), &err);
	must(state_add_counters(*state, &a, day + DAY_MS - 1, &delta, &err), &err);
	delta.last_entry_ms = day + 1;
	must(state_add_counters(*state, &a, day + DAY_MS, &delta, &err), &err);
	must(state_add_counters(*state, &b, day, &delta, &err), &err);
	must(state_sum_counters(*state, &a, day, day + DAY_MS, &sum, &err), &err);
	assert_int_equal(sum.entries, 20);
	assert_int_equal(sum.throttled, 6);
	assert_int_equal(sum.delay[0], 2);
	assert_int_equal(sum.delay[23], 8);
	assert_int_equal(sum.last_entry_ms, day + 5);
	must(state_sum_counters(*state, NULL, day, day + 2 * DAY_MS, &sum, &err), &err);
	assert_int_equal(sum.entries, 40);
	assert_int_equal(first_log(*state).last_entry_ms, day + 5);
}

/* ---- malformed, facts, issuers ------------------------------------------------------------------------------------ */

static bool count_malformed(void *ctx, const struct hash *log_id, uint64_t index, struct slice leaf, const char *reason, int64_t seen_ms)
{
	(void)log_id;
	(void)index;
	(void)seen_ms;
	assert_int_equal(leaf.len, 3);
	assert_string_equal(reason, "SAN runs past its end");
	++*(int *)ctx;
	return true;
}

static bool count_event(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	(void)st;
	(void)now_ms;
	(void)err;
	assert_int_equal(event->type, EVENT_MALFORMED);
	assert_non_null(strstr(event->payload_json, "SAN runs past its end"));
	++*(int *)ctx;
	return true;
}

static void malformed_entries_are_kept_within_a_bound_per_day(void **state)
{
	struct hash a = put_log(*state, 1, "a"), b = put_log(*state, 2, "b");
	struct error err;
	int kept = 0, heard = 0;

	state_set_router(*state, count_event, &heard);
	for (uint64_t i = 0; i < STATE_MALFORMED_PER_DAY + 50; i++)
		must(state_add_malformed(*state, &a, i, SLICE_LITERAL("abc"), "SAN runs past its end", TEST_NOW_MS, &err), &err);
	must(state_add_malformed(*state, &b, 1, SLICE_LITERAL("abc"), "SAN runs past its end", TEST_NOW_MS, &err), &err);
	must(state_add_malformed(*state, &b, 1, SLICE_LITERAL("abc"), "SAN runs past its end", TEST_NOW_MS, &err), &err);
	must(state_each_malformed(*state, &a, count_malformed, &kept, &err), &err);
	assert_int_equal(kept, STATE_MALFORMED_PER_DAY);
	must(state_each_malformed(*state, NULL, count_malformed, &kept, &err), &err);
	assert_int_equal(kept, 2 * STATE_MALFORMED_PER_DAY + 1);
	assert_int_equal(heard, STATE_MALFORMED_PER_DAY + 1);
}

static void facts_come_and_go(void **state)
{
	struct error err;
	char *value;

	must(state_get_fact(*state, "a", &value, &err), &err);
	assert_null(value);
	must(state_put_fact(*state, "a", "1", &err), &err);
	must(state_put_fact(*state, "a", "2", &err), &err);
	must(state_get_fact(*state, "a", &value, &err), &err);
	assert_string_equal(value, "2");
	free(value);
	must(state_put_fact(*state, "a", NULL, &err), &err);
	must(state_get_fact(*state, "a", &value, &err), &err);
	assert_null(value);
}

static void issuers_are_kept_under_their_hash_only(void **state)
{
	struct slice der = SLICE_LITERAL("issuer certificate");
	struct hash hash = sha256(der), other = test_hash(1);
	struct error err;
	struct buf out;
	char hex[2 * HASH_LEN + 1];

	buf_init(&out, 1000);
	assert_false(state_get_issuer(*state, &hash, &out));
	assert_false(state_put_issuer(*state, &other, der, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	must(state_put_issuer(*state, &hash, der, &err), &err);
	must(state_put_issuer(*state, &hash, der, &err), &err);
	assert_true(state_get_issuer(*state, &hash, &out));
	assert_true(slice_equal(buf_slice(&out), der));
	/* a file that was damaged is as good as none */
	hex_encode(hash.bytes, HASH_LEN, hex);
	char *path = xasprintf("%s/issuers/%s", state_directory(*state), hex);
	assert_int_equal(truncate(path, 5), 0);
	buf_clear(&out);
	assert_false(state_get_issuer(*state, &hash, &out));
	assert_int_equal(out.len, 0);
	free(path);
	buf_deinit(&out);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(log_that_is_listed_again_keeps_its_progress),
		STATE_TEST(success_clears_the_last_error),
		STATE_TEST(log_that_only_left_sightings_is_not_listed),
		STATE_TEST(ranges_are_replaced_as_a_whole),
		STATE_TEST(ranges_that_make_no_sense_are_refused),
		STATE_TEST(same_head_again_changes_nothing),
		STATE_TEST(heads_of_two_days_stay_and_then_one_an_hour),
		STATE_TEST(a_tree_that_is_signed_again_and_again_is_two_rows),
		STATE_TEST(another_root_of_a_size_is_a_fork_of_the_first_for_ever),
		STATE_TEST(a_fork_without_end_is_counted_not_kept),
		STATE_TEST(a_clock_that_jumps_costs_nothing),
		STATE_TEST(absurd_heads_are_refused),
		STATE_TEST(counters_add_up_by_day_and_log),
		STATE_TEST(malformed_entries_are_kept_within_a_bound_per_day),
		STATE_TEST(facts_come_and_go),
		STATE_TEST(issuers_are_kept_under_their_hash_only),
	};

	return cmocka_run_group_tests_name("state: logs", tests, NULL, NULL);
}
