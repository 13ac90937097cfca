/*
 * The whole Merkle tree of a fake log (RFC 6962 section 2.1), every level kept, proofs by the RFC's own recursion.
 * On purpose nothing of parsers/ is used: an error there must not cancel out against the same error here.
 */
#ifndef FAKELOG_TREE_H
#define FAKELOG_TREE_H

#include "base.h"

#define TREE_LEVELS 40

/* level[k].hashes[i] = MTH(D[i * 2^k : (i + 1) * 2^k]) */
struct tree {
	struct tree_level {
		struct hash *hashes;
		size_t n, cap;
	} level[TREE_LEVELS];
};

#define TREE_PROOF_MAX (2 * TREE_LEVELS)
struct tree_proof {
	size_t n;
	struct hash nodes[TREE_PROOF_MAX];
};

void tree_deinit(struct tree *);
void tree_append(struct tree *, struct slice leaf_input);
/* MTH(D[0:size]), size <= what was appended. */
struct hash tree_root(const struct tree *, uint64_t size);
/* PATH(index, D[size]); index < size. */
struct tree_proof tree_inclusion(const struct tree *, uint64_t index, uint64_t size);
/* PROOF(first, D[second]); 0 < first <= second. */
struct tree_proof tree_consistency(const struct tree *, uint64_t first, uint64_t second);
/* Lowest index of a leaf hash below `size`, or -1. */
int64_t tree_find(const struct tree *, const struct hash *leaf_hash, uint64_t size);

#endif
