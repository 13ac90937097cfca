/* Inclusion and consistency proofs (RFC 9162 section 2.1.3 and 2.1.4); lengths are checked before anything is hashed. */
#include "ct.h"

static unsigned bit_length(uint64_t n)
{
	return n == 0 ? 0 : 64 - (unsigned)__builtin_clzll(n);
}

static unsigned bit_count(uint64_t n)
{
	return (unsigned)__builtin_popcountll(n);
}

/* Shifts that stay defined for 64. */
static uint64_t shift_right(uint64_t n, unsigned by)
{
	return by < 64 ? n >> by : 0;
}

/* A walk from a node up to the root: its index on its level, and that of the level's last node. */
struct climb {
	uint64_t node, last;
};

/* Is the next proof node a left sibling? Then levels without a sibling are passed over. */
static bool climb_from_right(struct climb *at)
{
	if ((at->node & 1) == 0 && at->node != at->last)
		return false;
	while (at->node != 0 && (at->node & 1) == 0) {
		at->node >>= 1;
		at->last >>= 1;
	}
	return true;
}

static void climb_up(struct climb *at)
{
	at->node >>= 1;
	at->last >>= 1;
}

bool inclusion_verify(uint64_t index, uint64_t tree_size, const struct hash *leaf, const struct proof *proof,
		      const struct hash *root)
{
	if (index >= tree_size)
		return false;

	unsigned inner = bit_length(index ^ (tree_size - 1));
	if (proof->n_nodes != inner + bit_count(shift_right(index, inner)))
		return false;

	struct climb at = { index, tree_size - 1 };
	struct hash r = *leaf;
	for (size_t i = 0; i < proof->n_nodes; i++) {
		const struct hash *c = &proof->nodes[i];

		r = climb_from_right(&at) ? tree_node_hash(c, &r) : tree_node_hash(&r, c);
		climb_up(&at);
	}
	return at.last == 0 && hash_equal(&r, root);
}

static size_t consistency_length(uint64_t old_size, uint64_t new_size)
{
	unsigned shift = (unsigned)__builtin_ctzll(old_size);
	unsigned inner = bit_length((old_size - 1) ^ (new_size - 1));

	return inner - shift + bit_count(shift_right(old_size - 1, inner)) + (bit_count(old_size) == 1 ? 0 : 1);
}

bool consistency_verify(uint64_t old_size, const struct hash *old_root, uint64_t new_size, const struct hash *new_root,
			const struct proof *proof)
{
	if (old_size == 0 || old_size > new_size)
		return false;
	if (old_size == new_size)
		return proof->n_nodes == 0 && hash_equal(old_root, new_root);
	if (proof->n_nodes != consistency_length(old_size, new_size))
		return false;

	/* begin at the largest subtree that ends the old tree; where it is the whole old tree the log leaves it out */
	struct climb at = { old_size - 1, new_size - 1 };
	while (at.node & 1)
		climb_up(&at);
	bool whole = bit_count(old_size) == 1;
	struct hash from = whole ? *old_root : proof->nodes[0], to = from;

	for (size_t i = whole ? 0 : 1; i < proof->n_nodes; i++) {
		const struct hash *c = &proof->nodes[i];

		if (climb_from_right(&at)) {
			from = tree_node_hash(c, &from);
			to = tree_node_hash(c, &to);
		} else {
			to = tree_node_hash(&to, c);
		}
		climb_up(&at);
	}
	return at.last == 0 && hash_equal(&from, old_root) && hash_equal(&to, new_root);
}

bool range_from_last_leaf_proof(uint64_t tree_size, const struct proof *proof, struct compact_range *out)
{
	if (tree_size == 0 || proof->n_nodes != bit_count(tree_size - 1))
		return false;

	/* every node is a left sibling: the path, from the root down, lists the peaks left to right */
	out->start = 0;
	out->end = tree_size - 1;
	out->n_hashes = (uint32_t)proof->n_nodes;
	for (size_t i = 0; i < proof->n_nodes; i++)
		out->hashes[i] = proof->nodes[proof->n_nodes - 1 - i];
	return true;
}
