/* Tree hashing, ranges, proofs and tiles against spec/vectors.json. */
#include "ct.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vectors.h"

/* The definitions of RFC 6962 section 2.1, to the letter: slow and plain. */
static uint64_t split_of(uint64_t n)
{
	uint64_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static struct hash mth(const struct hash *leaves, uint64_t n)
{
	if (n == 0)
		return tree_empty_root();
	if (n == 1)
		return leaves[0];

	uint64_t k = split_of(n);
	struct hash left = mth(leaves, k), right = mth(leaves + k, n - k);
	return tree_node_hash(&left, &right);
}

static void push(struct proof *proof, struct hash node)
{
	proof->nodes[proof->n_nodes++] = node;
}

static void path(const struct hash *leaves, uint64_t m, uint64_t n, struct proof *proof)
{
	if (n <= 1)
		return;

	uint64_t k = split_of(n);
	if (m < k) {
		path(leaves, m, k, proof);
		push(proof, mth(leaves + k, n - k));
	} else {
		path(leaves + k, m - k, n - k, proof);
		push(proof, mth(leaves, k));
	}
}

static void subproof(const struct hash *leaves, uint64_t m, uint64_t n, bool whole, struct proof *proof)
{
	if (m == n) {
		if (!whole)
			push(proof, mth(leaves, n));
		return;
	}

	uint64_t k = split_of(n);
	if (m <= k) {
		subproof(leaves, m, k, whole, proof);
		push(proof, mth(leaves + k, n - k));
	} else {
		subproof(leaves + k, m - k, n - k, false, proof);
		push(proof, mth(leaves, k));
	}
}

/* Leaf hashes of the generated trees: leaf i is i as four bytes, big-endian. */
static struct hash *numbered_leaves(size_t n)
{
	struct hash *leaves = xmalloc(n * sizeof(*leaves));

	for (size_t i = 0; i < n; i++) {
		uint8_t input[4] = { (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

		leaves[i] = leaf_hash(slice_of(input, sizeof(input)));
	}
	return leaves;
}

static void assert_hash(const struct hash *got, struct hash want)
{
	assert_memory_equal(got->bytes, want.bytes, HASH_LEN);
}

static void append_nodes(struct buf *all, const struct proof *proof)
{
	assert_true(buf_append(all, proof->nodes, proof->n_nodes * HASH_LEN));
}

static void hashes_leaves_nodes_and_the_empty_tree(void **state)
{
	json_t *all = vectors_load(), *v = vector_at(all, "merkle", "hashing", NULL);
	struct hash h = tree_empty_root();
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 1024);
	assert_hash(&h, vector_hash_hex(vector_at(v, "empty_tree", NULL)));
	h = leaf_hash((struct slice){ 0 });
	assert_hash(&h, vector_hash_hex(vector_at(v, "leaf_empty_input", NULL)));
	h = leaf_hash(vector_hex(vector_at(v, "leaf_L123456", "input_hex", NULL), &bytes));
	assert_hash(&h, vector_hash_hex(vector_at(v, "leaf_L123456", "hash", NULL)));
	buf_deinit(&bytes);
	json_decref(all);
}

static size_t read_proof(const json_t *nodes, struct hash (*decode)(const json_t *), struct proof *proof)
{
	size_t n = json_array_size(nodes);

	proof->n_nodes = 0;
	for (size_t i = 0; i < n && i < PROOF_NODES_MAX; i++)
		push(proof, decode(json_array_get(nodes, i)));
	return n;
}

static void reproduces_the_eight_leaf_tree(void **state)
{
	json_t *all = vectors_load(), *v = vector_at(all, "merkle", "tree8", NULL);
	struct hash leaves[8], roots[9];
	struct compact_range range;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 1024);
	range_init(&range, 0);
	for (size_t n = 0;; n++) {
		char name[2] = { (char)('0' + n), '\0' };

		roots[n] = range_root(&range);
		assert_hash(&roots[n], vector_hash_hex(vector_at(v, "roots_by_size", name, NULL)));
		if (n > 0) {
			json_t *peaks = vector_at(json_array_get(vector_at(v, "compact_range_peaks", NULL), n - 1), "peaks", NULL);

			assert_int_equal(range.n_hashes, json_array_size(peaks));
			for (size_t i = 0; i < range.n_hashes; i++)
				assert_hash(&range.hashes[i], vector_hash_hex(json_array_get(peaks, i)));
		}
		if (n == 8)
			break;
		leaves[n] = leaf_hash(vector_hex(json_array_get(vector_at(v, "leaf_inputs_hex", NULL), n), &bytes));
		assert_hash(&leaves[n], vector_hash_hex(json_array_get(vector_at(v, "leaf_hashes", NULL), n)));
		range_append_leaf(&range, &leaves[n]);
	}

	size_t i;
	json_t *item;
	struct proof proof;
	json_array_foreach(vector_at(v, "inclusion", NULL), i, item) {
		uint64_t m = vector_uint(item, "leaf_index"), n = vector_uint(item, "tree_size");

		read_proof(vector_at(item, "audit_path", NULL), vector_hash_hex, &proof);
		assert_true(inclusion_verify(m, n, &leaves[m], &proof, &roots[n]));
		assert_false(inclusion_verify(m, n, &leaves[(m + 1) % 8], &proof, &roots[n]));
	}
	assert_int_equal(i, 36);
	json_array_foreach(vector_at(v, "consistency", NULL), i, item) {
		uint64_t m = vector_uint(item, "first"), n = vector_uint(item, "second");

		read_proof(vector_at(item, "consistency", NULL), vector_hash_hex, &proof);
		assert_true(consistency_verify(m, &roots[m], n, &roots[n], &proof));
		assert_false(consistency_verify(m, &roots[m - 1], n, &roots[n], &proof));
	}
	assert_int_equal(i, 36);
	buf_deinit(&bytes);
	json_decref(all);
}

static void roots_of_0_to_300_leaves_have_the_accumulated_digest(void **state)
{
	json_t *all = vectors_load();
	struct hash *leaves = numbered_leaves(300);
	struct compact_range range;
	struct buf roots;

	(void)state;
	buf_init(&roots, 1u << 20);
	range_init(&range, 0);
	for (size_t n = 0; n <= 300; n++) {
		struct hash root = range_root(&range);

		buf_append(&roots, root.bytes, HASH_LEN);
		if (n < 300)
			range_append_leaf(&range, &leaves[n]);
	}
	struct hash digest = sha256(buf_slice(&roots));
	assert_hash(&digest, vector_hash_hex(vector_at(all, "merkle", "accumulated", "roots_0_to_300", "sha256", NULL)));
	buf_deinit(&roots);
	free(leaves);
	json_decref(all);
}

static void every_proof_of_trees_up_to_130_leaves_verifies_and_no_neighbour_does(void **state)
{
	json_t *all = vectors_load(), *v = vector_at(all, "merkle", "accumulated", NULL);
	struct hash *leaves = numbered_leaves(130), roots[131];
	struct buf inclusion, consistency;

	(void)state;
	buf_init(&inclusion, 8u << 20);
	buf_init(&consistency, 8u << 20);
	for (size_t n = 0; n <= 130; n++)
		roots[n] = mth(leaves, n);
	for (size_t n = 1; n <= 130; n++) {
		for (size_t m = 0; m < n; m++) {
			struct proof proof = { 0 };

			path(leaves, m, n, &proof);
			append_nodes(&inclusion, &proof);
			assert_true(inclusion_verify(m, n, &leaves[m], &proof, &roots[n]));
			assert_false(inclusion_verify(m, n, &leaves[m], &proof, &roots[n - 1]));
			if (n > 1)
				assert_false(inclusion_verify((m + 1) % n, n, &leaves[m], &proof, &roots[n]));
			if (m == n - 1) {
				struct compact_range before;

				assert_true(range_from_last_leaf_proof(n, &proof, &before));
				struct hash root = range_root(&before);
				assert_hash(&root, roots[n - 1]);
				range_append_leaf(&before, &leaves[m]);
				root = range_root(&before);
				assert_hash(&root, roots[n]);
			}
		}
		for (size_t m = 1; m <= n; m++) {
			struct proof proof = { 0 };

			subproof(leaves, m, n, true, &proof);
			append_nodes(&consistency, &proof);
			assert_true(consistency_verify(m, &roots[m], n, &roots[n], &proof));
			assert_false(consistency_verify(m, &roots[m - 1], n, &roots[n], &proof));
			assert_false(consistency_verify(m, &roots[m], n, &roots[n - 1], &proof));
		}
	}
	struct hash digest = sha256(buf_slice(&inclusion));
	assert_hash(&digest, vector_hash_hex(vector_at(v, "inclusion_1_to_130", "sha256", NULL)));
	digest = sha256(buf_slice(&consistency));
	assert_hash(&digest, vector_hash_hex(vector_at(v, "consistency_1_to_130", "sha256", NULL)));
	buf_deinit(&inclusion);
	buf_deinit(&consistency);
	free(leaves);
	json_decref(all);
}

/* Merkle Tree Certificates sign subtrees: MTH(D[start:end]) of an aligned range, from the range's own hashes. */
static void aligned_subtrees_of_130_leaves_have_the_accumulated_digest(void **state)
{
	json_t *all = vectors_load();
	struct hash leaves[130];
	struct buf lines;

	(void)state;
	buf_init(&lines, 8u << 20);
	for (uint8_t i = 0; i < 130; i++)
		leaves[i] = leaf_hash(slice_of(&i, 1));
	for (uint64_t end = 0; end <= 130; end++)
		for (uint64_t start = 0; start <= end; start++) {
			struct compact_range range;
			uint64_t width = 1;
			char hex[2 * HASH_LEN + 1];

			while (width < end - start)
				width *= 2;
			if (start % width != 0)
				continue;
			range_init(&range, start);
			for (uint64_t i = start; i < end; i++)
				range_append_leaf(&range, &leaves[i]);
			range.end -= start;     /* aligned: the same blocks as of a tree of its own */
			range.start = 0;
			struct hash root = range_root(&range);
			hex_encode(root.bytes, HASH_LEN, hex);
			buf_printf(&lines, "[%u, %u) %s\n", (unsigned)start, (unsigned)end, hex);
		}
	struct hash digest = sha256(buf_slice(&lines));
	assert_hash(&digest, vector_hash_hex(vector_at(all, "merkle", "accumulated", "mtc_subtrees", "sha256", NULL)));
	buf_deinit(&lines);
	json_decref(all);
}

static void answers_all_proof_probes(void **state)
{
	json_t *all = vectors_load(), *item;
	size_t i, n_valid = 0;

	(void)state;
	json_array_foreach(vector_at(all, "proof_probes", "cases", NULL), i, item) {
		bool consistency = strcmp(vector_text(item, "kind"), "consistency") == 0, got = false;
		bool want = json_is_true(vector_at(item, "valid", NULL)), readable = true;
		json_t *nodes = vector_at(item, consistency ? "consistency_b64" : "audit_path_b64", NULL), *node;
		struct proof proof = { 0 };
		struct hash hashes[2];
		const char *names[2] = { consistency ? "root1_b64" : "leaf_hash_b64", consistency ? "root2_b64" : "root_b64" };
		size_t k;

		/* what is not 32 bytes never reaches a verifier: the parsers of answers refuse it */
		for (k = 0; k < 2; k++)
			readable &= base64_decode_exact(slice_text(vector_text(item, names[k])), hashes[k].bytes, HASH_LEN);
		readable &= json_array_size(nodes) <= PROOF_NODES_MAX;
		json_array_foreach(nodes, k, node)
			readable = readable && base64_decode_exact(slice_text(json_string_value(node)),
								   proof.nodes[proof.n_nodes++].bytes, HASH_LEN);
		if (readable && consistency)
			got = consistency_verify(vector_uint(item, "first"), &hashes[0], vector_uint(item, "second"), &hashes[1],
						 &proof);
		else if (readable)
			got = inclusion_verify(vector_uint(item, "leaf_index"), vector_uint(item, "tree_size"), &hashes[0], &proof,
					       &hashes[1]);
		if (got != want)
			fail_msg("probe %zu (%s): %s", i, vector_text(item, "desc"), got ? "accepted" : "refused");
		n_valid += want;
	}
	assert_int_equal(i, vector_uint(vector_at(all, "proof_probes", NULL), "count"));
	assert_int_equal(n_valid, vector_uint(vector_at(all, "proof_probes", NULL), "valid"));
	json_decref(all);
}

static void encodes_and_reads_every_tile_path(void **state)
{
	json_t *all = vectors_load(), *v = vector_at(all, "tiles", NULL), *item;
	char text[TILE_PATH_LEN], want[TILE_PATH_LEN];
	uint64_t index;
	unsigned width;
	int level;
	size_t i;

	(void)state;
	json_array_foreach(vector_at(v, "path_encoding", NULL), i, item) {
		uint64_t n = vector_uint(item, "n");

		snprintf(want, sizeof(want), "tile/0/%s", vector_text(item, "path"));
		assert_string_equal(tile_path(0, n, TILE_WIDTH, text), want);
		assert_true(tile_path_parse(slice_text(want), &level, &index, &width));
		assert_int_equal(index, n);
	}
	json_array_foreach(vector_at(v, "path_examples", NULL), i, item) {
		assert_true(tile_path_parse(slice_text(json_string_value(item)), &level, &index, &width));
		assert_string_equal(tile_path(level, index, width, text), json_string_value(item));
	}
	json_array_foreach(vector_at(v, "path_invalid", NULL), i, item)
		assert_false(tile_path_parse(slice_text(json_string_value(item)), &level, &index, &width));
	assert_int_equal(i, 11);
	json_decref(all);
}

/* Hashes of one tile level of a tree, from those below: full groups of 256 become one. */
static size_t raise_level(struct hash *level, size_t n)
{
	for (size_t i = 0; i < n / TILE_WIDTH; i++)
		level[i] = mth(level + i * TILE_WIDTH, TILE_WIDTH);
	return n / TILE_WIDTH;
}

static void check_tiles(const json_t *tree, struct hash *level, size_t n)
{
	json_t *tile;
	size_t i;

	json_array_foreach(vector_at(tree, "tiles", NULL), i, tile) {
		size_t full = n / TILE_WIDTH, width = n % TILE_WIDTH;

		assert_int_equal(full, vector_uint(tile, "full_tiles"));
		assert_int_equal(width, vector_uint(tile, "partial_width"));
		if (width > 0) {
			char text[TILE_PATH_LEN];
			struct hash digest = sha256(slice_of(level + full * TILE_WIDTH, width * HASH_LEN));

			assert_string_equal(tile_path((int)vector_uint(tile, "level"), full, (unsigned)width, text),
					    vector_text(tile, "partial_tile_path"));
			assert_hash(&digest, vector_hash_hex(vector_at(tile, "partial_tile_sha256", NULL)));
		}
		n = raise_level(level, n);
	}
}

static void builds_the_right_edge_of_every_tiled_tree(void **state)
{
	json_t *all = vectors_load(), *tree;
	struct hash *leaves = numbered_leaves(70000), *level = xmalloc(70000 * sizeof(*level));
	size_t i;

	(void)state;
	json_array_foreach(vector_at(all, "tiles", "trees", NULL), i, tree) {
		size_t n = vector_uint(tree, "tree_size");
		struct compact_range range;

		range_init(&range, 0);
		for (size_t k = 0; k < n; k++)
			range_append_leaf(&range, &leaves[k]);
		struct hash root = range_root(&range);
		assert_hash(&root, vector_hash_hex(vector_at(tree, "root", NULL)));
		assert_int_equal(range.n_hashes, vector_uint(tree, "peaks"));
		memcpy(level, leaves, n * sizeof(*level));
		check_tiles(tree, level, n);
	}
	assert_int_equal(i, 12);
	free(leaves);
	free(level);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_leaves_nodes_and_the_empty_tree),
		cmocka_unit_test(reproduces_the_eight_leaf_tree),
		cmocka_unit_test(roots_of_0_to_300_leaves_have_the_accumulated_digest),
		cmocka_unit_test(every_proof_of_trees_up_to_130_leaves_verifies_and_no_neighbour_does),
		cmocka_unit_test(aligned_subtrees_of_130_leaves_have_the_accumulated_digest),
		cmocka_unit_test(answers_all_proof_probes),
		cmocka_unit_test(encodes_and_reads_every_tile_path),
		cmocka_unit_test(builds_the_right_edge_of_every_tiled_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
