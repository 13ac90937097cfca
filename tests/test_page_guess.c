/* Learning a classic log's page from its answers, against models of servers that exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page.h"
#include "tree_walk.h"

struct server {
	uint64_t page;
	bool aligned;             /* ends pages at multiples of it */
};

static uint64_t answer(const struct server *s, uint64_t from, uint64_t asked)
{
	uint64_t end = from + asked;

	if (asked > s->page)
		end = from + s->page;
	if (s->aligned && asked >= s->page - from % s->page)
		end = from - from % s->page + s->page < end ? from - from % s->page + s->page : end;
	return end - from;
}

/* Requests that reading `size` entries from `from` takes. */
static unsigned read_all(const struct server *s, struct page_guess *p, uint64_t from, uint64_t size)
{
	unsigned n = 0;

	while (from < size) {
		uint64_t end = page_end(p, from, size), received = answer(s, from, end - from);

		assert_true(end > from && end <= size && received > 0);
		page_learn(p, from, end - from, received);
		from += received;
		n++;
	}
	return n;
}

static void settles_on_the_servers_page(void **state)
{
	static const struct server servers[] = { { 32, true }, { 32, false }, { 64, true }, { 256, true }, { 256, false }, { 1000, true }, { 1000, false }, { 7, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		for (uint64_t from = 0; from < 300; from += 37) {
			struct page_guess p;

			page_init(&p);
			unsigned n = read_all(&servers[i], &p, from, 100000), best = (unsigned)((100000 - from) / servers[i].page);
			assert_true(n <= best + best / 10 + 12);
		}
	}
}

static void asks_again_for_more_when_the_operator_raises_the_limit(void **state)
{
	struct server s = { 64, true };
	struct page_guess p;

	(void)state;
	page_init(&p);
	read_all(&s, &p, 0, 10000);
	assert_int_equal(p.page, 64);
	s.page = 256;
	read_all(&s, &p, 10000, 200000);
	assert_int_equal(p.page, 256);
}

static void a_page_too_large_in_bytes_is_halved_down_to_one(void **state)
{
	struct page_guess p;

	(void)state;
	page_init(&p);
	for (unsigned page = PAGE_FIRST; page > 1; page /= 2) {
		assert_int_equal(p.page, page);
		assert_true(page_halve(&p, page));
	}
	assert_false(page_halve(&p, 1));
	assert_int_equal(page_end(&p, 5, 100), 6);
}

/* Refusals that reading [from, to) takes from a log that fails above `limit` entries. */
static unsigned read_refusing(uint64_t limit, struct page_guess *p, uint64_t from, uint64_t to, unsigned *n_answers)
{
	unsigned n_refused = 0;

	while (from < to) {
		uint64_t n = page_end(p, from, to) - from;

		for (; n > limit; n = page_smaller(n, false)) {
			page_refused(p, n);
			n_refused++;
		}
		page_worked(p, n);
		page_learn(p, from, n, n);
		from += n;
		++*n_answers;
	}
	return n_refused;
}

static void a_size_that_worked_is_kept_and_the_refused_one_tried_again_only_slowly(void **state)
{
	static const uint64_t limits[] = { 1, 5, 32, 100, 255 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct page_guess p;
		unsigned n_answers = 0;

		page_init(&p);
		assert_in_range(read_refusing(limits[i], &p, 0, 2000 * limits[i], &n_answers), 1, 20);
		assert_true(n_answers < 5000);
	}
}

static void an_outage_is_no_limit_the_page_is_back_after_some_answers(void **state)
{
	struct page_guess p;
	unsigned n_answers = 0;

	(void)state;
	page_init(&p);
	read_refusing(1, &p, 0, 20, &n_answers);
	assert_int_equal(p.page, 1);
	read_refusing(1000, &p, 20, 10000, &n_answers);
	assert_int_equal(p.page, 512);
	assert_true(n_answers < 200);
}

static void an_entry_that_cannot_be_had_does_not_make_the_page_small(void **state)
{
	struct page_guess p;

	(void)state;
	page_init(&p);
	page_refused(&p, 256);
	page_worked(&p, 32);
	assert_int_equal(p.page, 32);
	page_single_failed(&p);
	assert_int_equal(p.page, 256);
}

static void hash_tiles_are_walked_with_few_requests_and_exact_widths(void **state)
{
	static const struct {
		uint64_t from, to;
	} cases[] = { { 0, 1 }, { 0, 255 }, { 0, 256 }, { 0, 257 }, { 0, 70000 }, { 5, 70000 }, { 255, 256 }, { 256, 65536 }, { 300, 16777217 }, { 0, 5000000000 }, { 4294967295, 5000000000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct walk_step steps[WALK_STEPS_MAX];
		uint64_t at = cases[i].from;
		size_t n = walk_plan(cases[i].from, cases[i].to, cases[i].to, steps);

		assert_true(n > 0 && n <= 2 * 5);
		for (size_t k = 0; k < n; k++) {
			uint64_t unit = (uint64_t)1 << 8 * steps[k].level;

			assert_int_equal((steps[k].tile * TILE_WIDTH + steps[k].first) * unit, at);
			assert_true(steps[k].first + steps[k].n <= steps[k].width && steps[k].width <= TILE_WIDTH && steps[k].n > 0);
			at += steps[k].n * unit;
		}
		assert_int_equal(at, cases[i].to);
	}
}

static void tiles_of_a_smaller_tree_are_asked_for_in_the_width_that_was_signed(void **state)
{
	struct walk_step steps[WALK_STEPS_MAX];

	(void)state;
	/* the tree of 300 as seen from a signed size of 400: its level-0 tile 1 is 144 wide */
	assert_int_equal(walk_plan(0, 300, 400, steps), 2);
	assert_int_equal(steps[0].level, 1);
	assert_int_equal(steps[0].width, 1);
	assert_int_equal(steps[1].level, 0);
	assert_int_equal(steps[1].n, 44);
	assert_int_equal(steps[1].width, 144);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settles_on_the_servers_page),
		cmocka_unit_test(asks_again_for_more_when_the_operator_raises_the_limit),
		cmocka_unit_test(a_page_too_large_in_bytes_is_halved_down_to_one),
		cmocka_unit_test(a_size_that_worked_is_kept_and_the_refused_one_tried_again_only_slowly),
		cmocka_unit_test(an_outage_is_no_limit_the_page_is_back_after_some_answers),
		cmocka_unit_test(an_entry_that_cannot_be_had_does_not_make_the_page_small),
		cmocka_unit_test(hash_tiles_are_walked_with_few_requests_and_exact_widths),
		cmocka_unit_test(tiles_of_a_smaller_tree_are_asked_for_in_the_width_that_was_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
