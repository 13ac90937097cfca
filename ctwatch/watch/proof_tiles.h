/*
 * An inclusion proof built from hash tiles, as static logs have no call for it (shared/spec/ct-protocols.md 2.3, 2.5). Pure: which
 * tiles are needed, and what they make.
 */
#ifndef CTWATCH_PROOF_TILES_H
#define CTWATCH_PROOF_TILES_H

#include "ct.h"

/* Each level of a tree of 2^63 leaves has the tile on the way up and the one at the right edge. */
#define PROOF_TILES_MAX 16

struct proof_tile {
	int level;
	uint64_t index;
	unsigned width;                   /* as the tree of the signed size has it */
	struct buf hashes;                /* the answer: `width` hashes or, when the partial tile was gone, 256 */
};

/* The tiles that the proof of `index` in the tree of `size` is made of; 0 for an index outside the tree. Init with empty hashes. */
size_t proof_tiles_plan(uint64_t index, uint64_t size, struct proof_tile out[PROOF_TILES_MAX]);
/* False when a tile is too short. The caller verifies the proof: tiles are not signed. */
bool proof_tiles_build(uint64_t index, uint64_t size, const struct proof_tile *tiles, size_t n, struct proof *out, struct error *err);

#endif
