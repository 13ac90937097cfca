/* ctwatch/ingest/proof_tiles.c: what hash tiles make is the proof of RFC 9162, with partial tiles and with the full ones in their place. */
#include "proof_tiles.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random.h"

#define LEAVES_MAX 140000
#define LEVELS 3

/* Hashes of tile level L of a tree of LEAVES_MAX leaves. */
struct forest {
	struct hash *level[LEVELS];
	size_t n[LEVELS];
};

static void forest_init(struct forest *f)
{
	f->n[0] = LEAVES_MAX;
	f->level[0] = xcalloc(LEAVES_MAX, sizeof(struct hash));
	for (uint32_t i = 0; i < LEAVES_MAX; i++)
		f->level[0][i] = leaf_hash(slice_of(&i, sizeof(i)));
	for (size_t l = 1; l < LEVELS; l++) {
		f->n[l] = f->n[l - 1] / TILE_WIDTH;
		f->level[l] = xcalloc(f->n[l] + 1, sizeof(struct hash));
		for (size_t i = 0; i < f->n[l]; i++) {
			struct compact_range tile;

			range_init(&tile, 0);
			for (size_t k = 0; k < TILE_WIDTH; k++)
				range_append_leaf(&tile, &f->level[l - 1][i * TILE_WIDTH + k]);
			f->level[l][i] = range_root(&tile);
		}
	}
}

static void forest_deinit(struct forest *f)
{
	for (size_t l = 0; l < LEVELS; l++)
		free(f->level[l]);
}

static struct hash root_of(const struct forest *f, uint64_t size)
{
	struct compact_range tree;
	uint64_t at = 0;

	range_init(&tree, 0);
	for (; at + TILE_WIDTH <= size; at += TILE_WIDTH)
		range_append_subtree(&tree, &f->level[1][at / TILE_WIDTH], 8);
	for (; at < size; at++)
		range_append_leaf(&tree, &f->level[0][at]);
	return range_root(&tree);
}

/* As a log answers: the partial tile of the tree, or the full one that took its place where the log has grown. */
static void fill(const struct forest *f, struct proof_tile *tile, bool full)
{
	size_t level = (size_t)tile->level, first = (size_t)tile->index * TILE_WIDTH, n = full && first + TILE_WIDTH <= f->n[level] ? TILE_WIDTH : tile->width;

	assert_true(level < LEVELS && first + n <= f->n[level]);
	assert_true(buf_append(&tile->hashes, &f->level[level][first], n * HASH_LEN));
}

static void check(const struct forest *f, uint64_t index, uint64_t size, const struct hash *root, bool full)
{
	struct proof_tile tiles[PROOF_TILES_MAX];
	size_t n = proof_tiles_plan(index, size, tiles);
	struct proof proof;
	struct error err;

	assert_true(n > 0 || size == 1);
	for (size_t i = 0; i < n; i++)
		fill(f, &tiles[i], full);
	if (!proof_tiles_build(index, size, tiles, n, &proof, &err))
		fail_msg("entry %llu of %llu: %s", (unsigned long long)index, (unsigned long long)size, err.text);
	if (!inclusion_verify(index, size, &f->level[0][index], &proof, root))
		fail_msg("entry %llu of %llu: the proof does not verify", (unsigned long long)index, (unsigned long long)size);
	for (size_t i = 0; i < n; i++)
		buf_deinit(&tiles[i].hashes);
}

static void every_entry_of_small_trees_is_proven(void **state)
{
	const struct forest *f = *state;

	for (uint64_t size = 1; size < 600; size += size < 20 || (size > 250 && size < 260) ? 1 : 7) {
		struct hash root = root_of(f, size);

		for (uint64_t index = 0; index < size; index++)
			check(f, index, size, &root, false);
	}
}

static void entries_of_large_trees_are_proven_across_levels(void **state)
{
	static const uint64_t sizes[] = { 65535, 65536, 65537, 65791, 65792, 70000, 131072, 131073, 139999 };
	const struct forest *f = *state;
	struct random random = { 7 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct hash root = root_of(f, sizes[i]);

		check(f, 0, sizes[i], &root, false);
		check(f, sizes[i] - 1, sizes[i], &root, false);
		for (int k = 0; k < 40; k++)
			check(f, random_below(&random, sizes[i]), sizes[i], &root, k % 2 == 0);
	}
}

static void what_lies_outside_the_tree_has_no_plan(void **state)
{
	struct proof_tile tiles[PROOF_TILES_MAX];

	(void)state;
	assert_int_equal(proof_tiles_plan(5, 5, tiles), 0);
	assert_int_equal(proof_tiles_plan(0, 0, tiles), 0);
	assert_int_equal(proof_tiles_plan(0, UINT64_MAX, tiles), 0);
}

static void the_largest_tree_needs_two_tiles_a_level_at_most(void **state)
{
	struct proof_tile tiles[PROOF_TILES_MAX];
	struct random random = { 8 };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint64_t size = 1 + random_below(&random, INT64_MAX - 1), index = random_below(&random, size);

		assert_true(proof_tiles_plan(index, size, tiles) > 0);
	}
}

static void a_short_tile_is_refused(void **state)
{
	const struct forest *f = *state;
	struct proof_tile tiles[PROOF_TILES_MAX];
	struct proof proof;
	struct error err;
	size_t n = proof_tiles_plan(300, 700, tiles);

	for (size_t i = 0; i < n; i++)
		fill(f, &tiles[i], false);
	tiles[0].hashes.len -= HASH_LEN * 200;
	assert_false(proof_tiles_build(300, 700, tiles, n, &proof, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	for (size_t i = 0; i < n; i++)
		buf_deinit(&tiles[i].hashes);
}

static int setup(void **state)
{
	struct forest *f = xcalloc(1, sizeof(*f));

	forest_init(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	forest_deinit(*state);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_of_small_trees_is_proven),
		cmocka_unit_test(entries_of_large_trees_are_proven_across_levels),
		cmocka_unit_test(what_lies_outside_the_tree_has_no_plan),
		cmocka_unit_test(the_largest_tree_needs_two_tiles_a_level_at_most),
		cmocka_unit_test(a_short_tile_is_refused),
	};

	return cmocka_run_group_tests_name("proofs from hash tiles", tests, setup, teardown);
}
