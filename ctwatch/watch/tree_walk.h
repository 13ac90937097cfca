/*
 * Rebuilds a tree of a static log from hash tiles: from a tree that is known (or from nothing) up to a larger size, with at
 * most two tiles a level. It proves that a head's root is what the tiles say and that the known tree is its prefix
 * (shared/spec/ct-protocols.md 2.5). The caller compares the root.
 */
#ifndef CTWATCH_TREE_WALK_H
#define CTWATCH_TREE_WALK_H

#include "ct.h"

struct watcher;
struct tree_walk;

#define WALK_STEPS_MAX 32

/* Consecutive hashes of one hash tile. */
struct walk_step {
	int level;
	uint64_t tile;
	unsigned first, n;        /* entries of the tile */
	unsigned width;           /* of the tile, in the tree that was signed */
};
/* The steps from a tree of size `from` to `to`, with tiles as of a signed `tree_size` >= `to`. Returns their number. */
size_t walk_plan(uint64_t from, uint64_t to, uint64_t tree_size, struct walk_step out[WALK_STEPS_MAX]);

struct walk_options {
	const struct compact_range *from;     /* starts at 0; copied */
	uint64_t to, tree_size;
	bool fresh;
	/* On the loop, never inside tree_walk_start. `tree` is NULL when a tile could not be had; the walk is gone afterwards. */
	void (*done)(void *ctx, const struct compact_range *tree, const struct error *err);
	void *ctx;
};
struct tree_walk *tree_walk_start(struct watcher *, const struct walk_options *options);
void tree_walk_cancel(struct tree_walk *);    /* NULL is fine */

#endif
