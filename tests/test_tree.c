/* Ranges: appended, merged in any order and from any start, stored and loaded, they say what the definition says. */
#include "ct.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

#define LEAVES 1000

static void make_leaves(struct hash leaves[LEAVES])
{
	for (size_t i = 0; i < LEAVES; i++) {
		uint8_t input[2] = { (uint8_t)(i >> 8), (uint8_t)i };

		leaves[i] = leaf_hash(slice_of(input, sizeof(input)));
	}
}

/* RFC 9162 section 2.1.1. */
static struct hash mth(const struct hash *leaves, size_t n)
{
	size_t k = 1;

	if (n == 0)
		return tree_empty_root();
	if (n == 1)
		return leaves[0];
	while (k * 2 < n)
		k *= 2;
	struct hash left = mth(leaves, k), right = mth(leaves + k, n - k);
	return tree_node_hash(&left, &right);
}

static struct compact_range range_of(const struct hash *leaves, uint64_t start, uint64_t end)
{
	struct compact_range range;

	range_init(&range, start);
	for (uint64_t i = start; i < end; i++)
		range_append_leaf(&range, &leaves[i]);
	return range;
}

static void assert_same_range(const struct compact_range *a, const struct compact_range *b)
{
	assert_int_equal(a->start, b->start);
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->n_hashes, b->n_hashes);
	assert_memory_equal(a->hashes, b->hashes, a->n_hashes * sizeof(*a->hashes));
}

static void roots_equal_the_definition_at_every_size(void **state)
{
	struct hash leaves[LEAVES];
	struct compact_range range;

	(void)state;
	make_leaves(leaves);
	range_init(&range, 0);
	for (size_t n = 0; n < 300; n++) {
		struct hash root = range_root(&range), want = mth(leaves, n);

		assert_true(hash_equal(&root, &want));
		assert_int_equal(range.n_hashes, __builtin_popcountll(n));
		assert_int_equal(range.n_hashes, range_hash_count(0, n));
		range_append_leaf(&range, &leaves[n]);
	}
}

static void every_cut_of_a_tree_merges_back(void **state)
{
	struct hash leaves[LEAVES];

	(void)state;
	make_leaves(leaves);
	for (uint64_t start = 0; start < 40; start++)
		for (uint64_t cut = start; cut < 70; cut++)
			for (uint64_t end = cut; end < 70; end += 3) {
				struct compact_range left = range_of(leaves, start, cut), right = range_of(leaves, cut, end);
				struct compact_range whole = range_of(leaves, start, end);

				assert_int_equal(whole.n_hashes, range_hash_count(start, end));
				assert_true(range_merge(&left, &right));
				assert_same_range(&left, &whole);
			}
}

static void pieces_merge_in_any_order(void **state)
{
	struct hash leaves[LEAVES];
	struct random r = { 7 };

	(void)state;
	make_leaves(leaves);
	for (unsigned round = 0; round < 200; round++) {
		struct compact_range pieces[64], whole = range_of(leaves, 0, LEAVES);
		size_t n = 0;

		for (uint64_t at = 0; at < LEAVES;) {
			uint64_t len = n == ARRAY_LEN(pieces) - 1 ? LEAVES : 1 + random_below(&r, 60);
			uint64_t end = at + len < LEAVES ? at + len : LEAVES;

			pieces[n++] = range_of(leaves, at, end);
			at = end;
		}
		while (n > 1) {
			size_t i = random_below(&r, n - 1);

			assert_true(range_merge(&pieces[i], &pieces[i + 1]));
			memmove(&pieces[i + 1], &pieces[i + 2], (n - i - 2) * sizeof(*pieces));
			n--;
		}
		assert_same_range(&pieces[0], &whole);
	}
}

static void what_does_not_touch_does_not_merge(void **state)
{
	struct hash leaves[LEAVES];

	(void)state;
	make_leaves(leaves);
	struct compact_range a = range_of(leaves, 0, 10), before = a, gap = range_of(leaves, 11, 20), over = range_of(leaves, 9, 20);
	assert_false(range_merge(&a, &gap));
	assert_false(range_merge(&a, &over));
	assert_false(range_merge(&gap, &a));
	assert_same_range(&a, &before);
	struct compact_range empty = range_of(leaves, 10, 10);
	assert_true(range_merge(&a, &empty));
	assert_same_range(&a, &before);
}

static void subtrees_append_like_their_leaves(void **state)
{
	struct hash leaves[LEAVES];

	(void)state;
	make_leaves(leaves);
	for (unsigned height = 0; height <= 8; height++) {
		uint64_t size = UINT64_C(1) << height;

		for (uint64_t n_before = 0; n_before + size <= LEAVES; n_before += size) {
			struct compact_range range = range_of(leaves, 0, n_before), want = range_of(leaves, 0, n_before + size);
			struct hash subtree = mth(leaves + n_before, size);

			range_append_subtree(&range, &subtree, height);
			assert_same_range(&range, &want);
		}
	}
}

static void stored_ranges_load_and_wrong_counts_do_not(void **state)
{
	struct hash leaves[LEAVES];
	struct compact_range loaded;

	(void)state;
	make_leaves(leaves);
	for (uint64_t start = 0; start < 200; start += 13) {
		struct compact_range range = range_of(leaves, start, 700);
		struct slice bytes = slice_of(range.hashes, range.n_hashes * sizeof(*range.hashes));

		assert_true(range_load(&loaded, start, 700, bytes));
		assert_same_range(&loaded, &range);
		assert_false(range_load(&loaded, start, 700, slice_sub(bytes, 0, bytes.len - 1)));
		assert_false(range_load(&loaded, start, 700, slice_sub(bytes, 0, bytes.len - HASH_LEN)));
		assert_false(range_load(&loaded, start, 700, slice_of(bytes.data, bytes.len + HASH_LEN)));
		assert_false(range_load(&loaded, 701, 700, bytes));
	}
	assert_true(range_load(&loaded, 5, 5, (struct slice){ 0 }));
	assert_false(range_load(&loaded, 0, UINT64_MAX, slice_of(leaves, 64 * HASH_LEN)));
}

static void the_widest_ranges_fit(void **state)
{
	uint64_t top = UINT64_C(1) << 62;

	(void)state;
	assert_int_equal(range_hash_count(1, INT64_MAX), 124);
	assert_true(range_hash_count(1, INT64_MAX) < RANGE_HASHES_MAX);
	assert_int_equal(range_hash_count(0, INT64_MAX), 63);
	assert_int_equal(range_hash_count(top, top + 1), 1);
	assert_int_equal(range_hash_count(0, top), 1);
	assert_int_equal(range_hash_count(9, 9), 0);
}

static void reads_proof_answers_and_refuses_broken_ones(void **state)
{
	static const char hash[] = "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
	static const char *const bad[] = {
		"",
		"null",
		"{}",
		"{\"consistency\":{}}",
		"{\"consistency\":\"\"}",
		"{\"consistency\":[1]}",
		"{\"consistency\":[\"AAAA\"]}",
		"{\"consistency\":[]} x",
		"{\"consistency\":[],\"consistency\":[]}",
		"<html>429</html>",
	};
	struct proof proof;
	struct error err;
	struct buf json;
	uint64_t index;

	(void)state;
	assert_true(consistency_parse(SLICE_LITERAL("{\"consistency\":[]}"), &proof, &err));
	assert_int_equal(proof.n_nodes, 0);
	assert_true(consistency_parse(SLICE_LITERAL("{\"consistency\":null,\"more\":1}"), &proof, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(consistency_parse(slice_text(bad[i]), &proof, &err));
		assert_int_equal(err.kind, ERR_MALFORMED);
	}

	buf_init(&json, 1u << 16);
	for (unsigned n = PROOF_NODES_MAX; n <= PROOF_NODES_MAX + 1; n++) {
		buf_clear(&json);
		buf_append_text(&json, "{\"leaf_index\":5,\"audit_path\":[");
		for (unsigned i = 0; i < n; i++)
			buf_printf(&json, "%s%s", i > 0 ? "," : "", hash);
		buf_append_text(&json, "]}");
		assert_int_equal(inclusion_parse(buf_slice(&json), &index, &proof, &err), n == PROOF_NODES_MAX);
	}
	assert_int_equal(index, 5);
	assert_false(inclusion_parse(SLICE_LITERAL("{\"leaf_index\":-1,\"audit_path\":[]}"), &index, &proof, &err));
	assert_false(inclusion_parse(SLICE_LITERAL("{\"leaf_index\":1.0,\"audit_path\":[]}"), &index, &proof, &err));
	assert_false(inclusion_parse(SLICE_LITERAL("{\"audit_path\":[]}"), &index, &proof, &err));
	buf_deinit(&json);
}

static void reads_entry_and_proof_answers(void **state)
{
	struct proof proof;
	struct error err;
	uint8_t *leaf;
	size_t len;

	(void)state;
	assert_true(entry_and_proof_parse(SLICE_LITERAL("{\"leaf_input\":\"QUJD\",\"extra_data\":\"\",\"audit_path\":null}"), &leaf, &len,
					  &proof, &err));
	assert_int_equal(len, 3);
	assert_memory_equal(leaf, "ABC", 3);
	free(leaf);
	assert_false(entry_and_proof_parse(SLICE_LITERAL("{\"leaf_input\":\"QU\",\"audit_path\":[]}"), &leaf, &len, &proof, &err));
	assert_false(entry_and_proof_parse(SLICE_LITERAL("{\"leaf_input\":7,\"audit_path\":[]}"), &leaf, &len, &proof, &err));
	assert_false(entry_and_proof_parse(SLICE_LITERAL("{\"audit_path\":[]}"), &leaf, &len, &proof, &err));
}

static void the_last_leafs_proof_must_have_the_length_of_its_peaks(void **state)
{
	struct compact_range range;
	struct proof proof = { .n_nodes = 3 };

	(void)state;
	assert_true(range_from_last_leaf_proof(8, &proof, &range));
	assert_int_equal(range.end, 7);
	assert_false(range_from_last_leaf_proof(7, &proof, &range));
	assert_false(range_from_last_leaf_proof(0, &proof, &range));
	proof.n_nodes = 0;
	assert_true(range_from_last_leaf_proof(1, &proof, &range));
	struct hash root = range_root(&range), empty = tree_empty_root();
	assert_true(hash_equal(&root, &empty));
}

static void tile_paths_go_both_ways_for_any_index(void **state)
{
	static const char *const bad[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/0/000/",
		"tile/0/000.p",
		"tile/0/000.p/256",
		"tile/0/000.p/1/",
		"tile/0/x01/000",
		"tile/0/x001",
		"tile/0/X001/000",
		"/tile/0/000",
		"tile/-1/000",
		"tile/data",
		"tile/names/000",
		"tile/0/x099/x999/x999/x999/x999/x999/x999/000",
	};
	struct random r = { 8 };
	char text[TILE_PATH_LEN];
	uint64_t index;
	unsigned width;
	int level;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		uint64_t n = random_next(&r) >> random_below(&r, 64);
		unsigned w = 1 + (unsigned)random_below(&r, TILE_WIDTH);
		int l = (int)random_below(&r, 7) - 1;

		if (n > UINT64_MAX - 1000)
			continue;
		assert_true(tile_path_parse(slice_text(tile_path(l, n, w, text)), &level, &index, &width));
		assert_true(level == l && index == n && width == w);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (tile_path_parse(slice_text(bad[i]), &level, &index, &width))
			fail_msg("\"%s\" was read as a tile's path", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_equal_the_definition_at_every_size),
		cmocka_unit_test(every_cut_of_a_tree_merges_back),
		cmocka_unit_test(pieces_merge_in_any_order),
		cmocka_unit_test(what_does_not_touch_does_not_merge),
		cmocka_unit_test(subtrees_append_like_their_leaves),
		cmocka_unit_test(stored_ranges_load_and_wrong_counts_do_not),
		cmocka_unit_test(the_widest_ranges_fit),
		cmocka_unit_test(reads_proof_answers_and_refuses_broken_ones),
		cmocka_unit_test(reads_entry_and_proof_answers),
		cmocka_unit_test(the_last_leafs_proof_must_have_the_length_of_its_peaks),
		cmocka_unit_test(tile_paths_go_both_ways_for_any_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
