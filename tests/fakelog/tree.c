/* MTH, PATH and PROOF as RFC 6962 section 2.1 writes them down. */
#include "tree.h"

#include <stdlib.h>

static struct hash node_hash(const struct hash *left, const struct hash *right)
{
	const struct slice parts[] = { SLICE_LITERAL("\x01"), { left->bytes, HASH_LEN }, { right->bytes, HASH_LEN } };

	return sha256_parts(parts, 3);
}

static void push(struct tree_level *level, const struct hash *hash)
{
	if (level->n == level->cap) {
		level->cap = level->cap == 0 ? 64 : level->cap * 2;
		level->hashes = xreallocarray(level->hashes, level->cap, sizeof(*level->hashes));
	}
	level->hashes[level->n++] = *hash;
}

void tree_deinit(struct tree *tree)
{
	for (size_t k = 0; k < TREE_LEVELS; k++)
		free(tree->level[k].hashes);
}

void tree_append(struct tree *tree, struct slice leaf_input)
{
	const struct slice parts[] = { SLICE_LITERAL("\0"), leaf_input };
	struct hash hash = sha256_parts(parts, 2);

	push(&tree->level[0], &hash);
	for (size_t k = 0; tree->level[k].n % 2 == 0; k++) {
		const struct tree_level *below = &tree->level[k];

		hash = node_hash(&below->hashes[below->n - 2], &below->hashes[below->n - 1]);
		push(&tree->level[k + 1], &hash);
	}
}

/* k = largest power of two < n; n > 1 */
static uint64_t split(uint64_t n)
{
	uint64_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

/* MTH(D[from:to]); `from` is a multiple of the largest power of two in to - from, as in all uses below. */
static struct hash subtree(const struct tree *tree, uint64_t from, uint64_t to)
{
	uint64_t n = to - from;
	struct hash left, right;
	uint64_t k;

	if (n == 0)
		return sha256(slice_of(NULL, 0));
	if ((n & (n - 1)) == 0)
		return tree->level[__builtin_ctzll(n)].hashes[from / n];
	k = split(n);
	left = subtree(tree, from, from + k);
	right = subtree(tree, from + k, to);
	return node_hash(&left, &right);
}

struct hash tree_root(const struct tree *tree, uint64_t size)
{
	return subtree(tree, 0, size);
}

static void add(struct tree_proof *proof, struct hash node)
{
	proof->nodes[proof->n++] = node;
}

static void path(const struct tree *tree, uint64_t index, uint64_t from, uint64_t to, struct tree_proof *out)
{
	uint64_t k;

	if (to - from <= 1)
		return;
	k = split(to - from);
	if (index < from + k) {
		path(tree, index, from, from + k, out);
		add(out, subtree(tree, from + k, to));
	} else {
		path(tree, index, from + k, to, out);
		add(out, subtree(tree, from, from + k));
	}
}

struct tree_proof tree_inclusion(const struct tree *tree, uint64_t index, uint64_t size)
{
	struct tree_proof proof = { .n = 0 };

	path(tree, index, 0, size, &proof);
	return proof;
}

/* SUBPROOF(first, D[from:to], whole): `whole` says that D[from:first] is a complete old tree, whose hash the client has. */
static void subproof(const struct tree *tree, uint64_t first, uint64_t from, uint64_t to, bool whole, struct tree_proof *out)
{
	uint64_t k;

	if (first == to) {
		if (!whole)
			add(out, subtree(tree, from, to));
		return;
	}
	k = split(to - from);
	if (first <= from + k) {
		subproof(tree, first, from, from + k, whole, out);
		add(out, subtree(tree, from + k, to));
	} else {
		subproof(tree, first, from + k, to, false, out);
		add(out, subtree(tree, from, from + k));
	}
}

struct tree_proof tree_consistency(const struct tree *tree, uint64_t first, uint64_t second)
{
	struct tree_proof proof = { .n = 0 };

	subproof(tree, first, 0, second, true, &proof);
	return proof;
}

int64_t tree_find(const struct tree *tree, const struct hash *leaf_hash, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		if (hash_equal(&tree->level[0].hashes[i], leaf_hash))
			return (int64_t)i;
	return -1;
}
