/* The set of read ranges: any order of arrival, gaps, cuts at signed sizes, and what a mismatch forgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pending.h"
#include "position.h"
#include "random.h"

static struct hash leaf(uint64_t index)
{
	return sha256(slice_of(&index, sizeof(index)));
}

static struct compact_range range_of(uint64_t start, uint64_t end)
{
	struct compact_range r;

	range_init(&r, start);
	for (uint64_t i = start; i < end; i++) {
		struct hash h = leaf(i);

		range_append_leaf(&r, &h);
	}
	return r;
}

static void add(struct position *p, uint64_t start, uint64_t end)
{
	struct compact_range r = range_of(start, end);

	assert_true(position_add(p, &r));
}

static struct hash root_of(uint64_t size)
{
	struct compact_range r = range_of(0, size);

	return range_root(&r);
}

static void assert_tree(const struct position *p, uint64_t size)
{
	struct compact_range tree;
	struct hash expected = root_of(size), root;

	assert_true(position_tree(p, size, &tree));
	root = range_root(&tree);
	assert_true(hash_equal(&root, &expected));
}

static void ranges_merge_in_any_order_of_arrival(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct random random = { seed };
		struct position p;
		uint64_t at[17], n = 0;

		position_init(&p);
		for (at[0] = 0; n < 16; n++)
			at[n + 1] = at[n] + 1 + random_below(&random, 300);
		bool done[16] = { false };
		for (uint64_t left = 16; left > 0; left--) {
			uint64_t i = random_below(&random, 16);

			while (done[i])
				i = (i + 1) % 16;
			done[i] = true;
			add(&p, at[i], at[i + 1]);
		}
		assert_int_equal(p.n, 1);
		assert_int_equal(position_end(&p), at[16]);
		assert_tree(&p, at[16]);
		position_deinit(&p);
	}
}

static void a_range_that_overlaps_changes_nothing(void **state)
{
	struct position p;
	static const uint64_t bad[][2] = { { 10, 20 }, { 5, 11 }, { 19, 30 }, { 12, 13 }, { 0, 40 }, { 20, 20 }, { 21, 19 } };

	(void)state;
	position_init(&p);
	add(&p, 10, 20);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct compact_range r = { .start = bad[i][0], .end = bad[i][1] };

		assert_false(position_add(&p, &r));
		assert_int_equal(position_count(&p), 10);
	}
	position_deinit(&p);
}

static void gaps_are_found_in_order(void **state)
{
	struct position p;
	uint64_t start, end;

	(void)state;
	position_init(&p);
	add(&p, 0, 100);
	add(&p, 300, 400);
	add(&p, 900, 1000);
	assert_true(position_gap(&p, 0, 1500, &start, &end));
	assert_int_equal(start, 100);
	assert_int_equal(end, 300);
	assert_true(position_gap(&p, 300, 1500, &start, &end));
	assert_int_equal(start, 400);
	assert_int_equal(end, 900);
	assert_true(position_gap(&p, 950, 1500, &start, &end));
	assert_int_equal(start, 1000);
	assert_int_equal(end, 1500);
	assert_true(position_gap(&p, 150, 200, &start, &end));
	assert_int_equal(start, 150);
	assert_int_equal(end, 200);
	assert_false(position_gap(&p, 310, 390, &start, &end));
	assert_int_equal(position_end(&p), 100);
	assert_int_equal(position_top(&p), 1000);
	position_deinit(&p);
}

static void a_signed_size_keeps_ranges_apart_until_it_is_verified(void **state)
{
	struct position p;
	struct compact_range tree;

	(void)state;
	position_init(&p);
	position_cut_at(&p, (const uint64_t[]){ 150 }, 1);
	add(&p, 100, 150);
	add(&p, 150, 200);
	add(&p, 0, 100);
	assert_int_equal(p.n, 2);
	assert_tree(&p, 150);
	assert_tree(&p, 200);
	assert_true(position_tree(&p, 150, &tree));
	position_verify(&p, &tree);
	assert_int_equal(p.verified.end, 150);
	assert_int_equal(p.n_cuts, 0);
	assert_int_equal(p.n, 1);
	assert_tree(&p, 200);
	position_deinit(&p);
}

static struct pending_heads pending_of(const uint64_t *sizes, size_t n)
{
	struct pending_heads p = { .n = 0 };

	for (size_t i = 0; i < n; i++)
		pending_add(&p, &(struct pending_head){ .head = { .tree_size = sizes[i] } });
	return p;
}

static void count_lost(void *ctx, const struct tree_head *head)
{
	*(uint64_t *)ctx = head->tree_size;
}

static void a_size_inside_a_range_cannot_be_cut(void **state)
{
	struct pending_heads heads = pending_of((const uint64_t[]){ 100, 50, 0, 200 }, 4);
	struct position p;
	uint64_t lost = 0;

	(void)state;
	position_init(&p);
	add(&p, 0, 100);
	pending_cut(&heads, &p, count_lost, &lost);
	assert_int_equal(lost, 50);
	assert_int_equal(heads.n, 2);
	assert_int_equal(p.n_cuts, 2);
	assert_true(pending_sound(&heads, &p));
	position_deinit(&p);
}

static void heads_without_end_leave_the_smallest_the_newest_and_some_between(void **state)
{
	struct pending_heads heads = { .n = 0 };
	struct position p;

	(void)state;
	position_init(&p);
	for (uint64_t size = 1000; size < 3000; size++) {
		pending_add(&heads, &(struct pending_head){ .head = { .tree_size = size } });
		pending_cut(&heads, &p, NULL, NULL);
		assert_true(pending_sound(&heads, &p));
		assert_int_equal(heads.items[0].head.tree_size, 1000);
		assert_int_equal(heads.items[heads.n - 1].head.tree_size, size);
	}
	assert_int_equal(heads.n, PENDING_MAX);
	for (size_t i = 1; i < heads.n; i++)
		assert_in_range(heads.items[i].head.tree_size - heads.items[i - 1].head.tree_size, 1, 256);
	pending_drop(&heads, 2998);
	pending_cut(&heads, &p, NULL, NULL);
	assert_int_equal(p.n_cuts, 1);
	position_deinit(&p);
}

static void letting_a_signed_size_go_merges_its_neighbours(void **state)
{
	struct position p;

	(void)state;
	position_init(&p);
	position_cut_at(&p, (const uint64_t[]){ 64 }, 1);
	add(&p, 0, 64);
	add(&p, 64, 70);
	assert_int_equal(p.n, 2);
	position_cut_at(&p, NULL, 0);
	assert_int_equal(p.n, 1);
	assert_tree(&p, 70);
	position_deinit(&p);
}

static void forgetting_a_doubtful_stretch_keeps_what_lies_around_it(void **state)
{
	struct position p;
	struct compact_range tree;

	(void)state;
	position_init(&p);
	add(&p, 0, 100);
	assert_true(position_tree(&p, 100, &tree));
	position_verify(&p, &tree);
	position_cut_at(&p, (const uint64_t[]){ 200 }, 1);
	add(&p, 100, 200);
	add(&p, 200, 300);
	position_forget(&p, 100, 200);
	assert_int_equal(position_end(&p), 100);
	assert_int_equal(position_top(&p), 300);
	add(&p, 100, 200);
	assert_tree(&p, 300);
	position_deinit(&p);
}

static void a_tree_is_known_only_at_the_ends_of_ranges(void **state)
{
	struct position p;
	struct compact_range tree;

	(void)state;
	position_init(&p);
	add(&p, 0, 100);
	add(&p, 101, 200);
	assert_false(position_tree(&p, 50, &tree));
	assert_false(position_tree(&p, 200, &tree));
	assert_false(position_tree(&p, 101, &tree));
	assert_tree(&p, 100);
	assert_tree(&p, 0);
	position_deinit(&p);
}

static void a_copy_stands_on_its_own(void **state)
{
	struct position p, q;

	(void)state;
	position_init(&p);
	position_init(&q);
	add(&p, 0, 10);
	add(&p, 20, 30);
	position_copy(&q, &p);
	add(&q, 10, 20);
	assert_int_equal(position_end(&q), 30);
	assert_int_equal(position_end(&p), 10);
	position_copy(&q, &p);
	assert_int_equal(position_end(&q), 10);
	position_deinit(&p);
	position_deinit(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_merge_in_any_order_of_arrival),
		cmocka_unit_test(a_range_that_overlaps_changes_nothing),
		cmocka_unit_test(gaps_are_found_in_order),
		cmocka_unit_test(a_signed_size_keeps_ranges_apart_until_it_is_verified),
		cmocka_unit_test(a_size_inside_a_range_cannot_be_cut),
		cmocka_unit_test(heads_without_end_leave_the_smallest_the_newest_and_some_between),
		cmocka_unit_test(letting_a_signed_size_go_merges_its_neighbours),
		cmocka_unit_test(forgetting_a_doubtful_stretch_keeps_what_lies_around_it),
		cmocka_unit_test(a_tree_is_known_only_at_the_ends_of_ranges),
		cmocka_unit_test(a_copy_stands_on_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
