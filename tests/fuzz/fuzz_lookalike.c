/*
 * Any bytes as a name, against the watched organisations: the account of each candidate adds up, its spans lie inside the name,
 * the answer does not depend on what was asked before, and explaining a name never fails.
 */
#include "brands.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct engine {
	struct test_brands brands;
	struct suffix_table *suffixes;
	struct lookalike *look;
	struct lookalike_scratch *scratch;
};

/* Compiled once for all inputs. */
static const struct engine *engine(void)
{
	static struct engine e;

	if (e.look)
		return &e;
	test_brands_watched(&e.brands);
	test_brands_random(&e.brands, 40, 1);
	e.suffixes = suffix_table_new_libpsl();
	e.look = test_compile(&e.brands, e.suffixes);
	e.scratch = lookalike_scratch_new();
	return &e;
}

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void check_account(const struct name_view *view, const struct candidate *c)
{
	int sum = 0;

	require(c->n_rows > 0 && c->score >= 1 && c->score <= 100 && c->technique != NULL);
	for (size_t r = 0; r < c->n_rows; r++) {
		const struct candidate_row *row = &c->rows[r];

		sum += row->points;
		require(row->span_start == -1 ||
			(row->span_start < row->span_end && row->span_end <= (int)view->name.len));
		require(utf8_valid(slice_text(row->detail)));
	}
	require(sum == c->score);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct candidate_set first, second;
	const struct engine *e = engine();
	struct name_view view, other;
	json_t *considered = json_array();

	view_init(&view, slice_of(data, size), e->suffixes);
	first.n = second.n = 0;
	lookalike_match(e->look, e->scratch, &view, 1, &first);
	for (size_t i = 0; i < first.n; i++)
		check_account(&view, &first.items[i]);

	view_init(&other, slice_text("xn--glbalordnance-j7k.sangrial-login.co.uk"), e->suffixes);
	lookalike_match(e->look, e->scratch, &other, 1, &second);
	second.n = 0;
	lookalike_match(e->look, e->scratch, &view, 1, &second);
	require(first.n == second.n);
	for (size_t i = 0; i < first.n; i++)
		require(first.items[i].rule == second.items[i].rule && first.items[i].score == second.items[i].score);
	lookalike_explain(e->look, e->scratch, &view, considered);
	json_decref(considered);
	return 0;
}
