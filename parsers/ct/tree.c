/*
 * Merkle trees as ranges of perfect subtrees. A range [start,end) is cut into the largest aligned blocks of 2^h leaves
 * that fit, left to right; the heights first rise, then fall:
 *
 *     start                                      end
 *       |h0| h1 |     h2     |     h2     | h1 |h0|
 *
 * Which blocks those are follows from start and end alone, so only their hashes are kept.
 */
#include "ct.h"

#include <assert.h>
#include <string.h>

struct hash tree_node_hash(const struct hash *left, const struct hash *right)
{
	uint8_t node[1 + 2 * HASH_LEN];

	node[0] = 0x01;
	memcpy(node + 1, left->bytes, HASH_LEN);
	memcpy(node + 1 + HASH_LEN, right->bytes, HASH_LEN);
	return sha256(slice_of(node, sizeof(node)));
}

struct hash tree_empty_root(void)
{
	return sha256((struct slice){ 0 });
}

void range_init(struct compact_range *range, uint64_t start)
{
	range->start = range->end = start;
	range->n_hashes = 0;
}

/* Height of the block that begins at `at` in a range up to `end`; at < end. */
static unsigned block_height(uint64_t at, uint64_t end)
{
	unsigned fits = 63 - (unsigned)__builtin_clzll(end - at);
	unsigned aligned = at == 0 ? fits : (unsigned)__builtin_ctzll(at);

	return aligned < fits ? aligned : fits;
}

uint32_t range_hash_count(uint64_t start, uint64_t end)
{
	uint32_t n = 0;

	for (uint64_t at = start; at < end; n++)
		at += UINT64_C(1) << block_height(at, end);
	return n;
}

void range_append_subtree(struct compact_range *range, const struct hash *subtree, unsigned height)
{
	struct hash top = *subtree;

	assert(height < 64 && range->end % (UINT64_C(1) << height) == 0);
	range->end += UINT64_C(1) << height;
	/* two blocks of one height become one where the union is aligned and begins inside the range */
	while (height < 63) {
		uint64_t both = UINT64_C(2) << height;

		if (range->end % both != 0 || range->end - range->start < both)
			break;
		top = tree_node_hash(&range->hashes[--range->n_hashes], &top);
		height++;
	}
	range->hashes[range->n_hashes++] = top;
}

void range_append_leaf(struct compact_range *range, const struct hash *leaf)
{
	range_append_subtree(range, leaf, 0);
}

bool range_merge(struct compact_range *left, const struct compact_range *right)
{
	uint64_t at = right->start;

	if (left->end != right->start)
		return false;
	for (uint32_t i = 0; i < right->n_hashes; i++) {
		unsigned height = block_height(at, right->end);

		range_append_subtree(left, &right->hashes[i], height);
		at += UINT64_C(1) << height;
	}
	return true;
}

struct hash range_root(const struct compact_range *range)
{
	assert(range->start == 0);
	if (range->n_hashes == 0)
		return tree_empty_root();

	struct hash root = range->hashes[range->n_hashes - 1];
	for (uint32_t i = range->n_hashes - 1; i-- > 0;)
		root = tree_node_hash(&range->hashes[i], &root);
	return root;
}

bool range_load(struct compact_range *range, uint64_t start, uint64_t end, struct slice hashes)
{
	if (start > end || end > INT64_MAX)
		return false;

	uint32_t n = range_hash_count(start, end);
	if (hashes.len != (size_t)n * HASH_LEN)
		return false;
	range->start = start;
	range->end = end;
	range->n_hashes = n;
	if (n > 0)
		memcpy(range->hashes, hashes.data, hashes.len);
	return true;
}
