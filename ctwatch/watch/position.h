/*
 * What has been read of a log: a verified prefix, and ranges beyond it in any order.
 *
 *     [0 ........ v)  [v ... s)[s ... p)          [h .... n)
 *      verified        read, s is the size          read at the head first;
 *                      of a pending tree head       the gap [p, h) comes later
 *
 * Neighbouring ranges merge, except where they meet at a "cut": the size of a tree head that waits for its root to be
 * rebuilt. When the verified prefix and the range behind it meet a cut, root(prefix + range) is what the head signed, or
 * the log contradicts itself. Cuts make verification possible whatever the order in which responses arrive, and they
 * survive a restart because ranges are stored with their hashes as they are here.
 *
 * With "start: end" the prefix begins as the rebuilt right edge of the tree: its hashes are known, its entries were not read.
 */
#ifndef CTWATCH_POSITION_H
#define CTWATCH_POSITION_H

#include "ct.h"

#define POSITION_CUTS_MAX 64

struct position {
	struct compact_range verified;    /* starts at 0 */
	struct compact_range *ranges;     /* ordered, disjoint, all at or beyond verified.end */
	size_t n, cap;
	uint64_t cuts[POSITION_CUTS_MAX]; /* ascending, all beyond verified.end */
	size_t n_cuts;
};

void position_init(struct position *);
void position_deinit(struct position *);
void position_copy(struct position *to, const struct position *from);      /* `to` is initialised */

/* Adds a range that overlaps nothing of what is there; false (and no change) when it does. Merges with its neighbours. */
bool position_add(struct position *, const struct compact_range *range);
/* Merge across everything but these sizes (ascending, at most POSITION_CUTS_MAX); those at or before the prefix or inside a range are no cuts. */
void position_cut_at(struct position *, const uint64_t *sizes, size_t n);
bool position_is_cut(const struct position *, uint64_t size);
/* Does something read reach exactly up to `size`, gapless from the verified prefix? Then `out` is the tree of that size. */
bool position_tree(const struct position *, uint64_t size, struct compact_range *out);
/* Everything up to `tree->end` is verified now; `tree` came from position_tree. */
void position_verify(struct position *, const struct compact_range *tree);
/* Forgets every range that overlaps [start, end), for reading it again. The verified prefix stays. */
void position_forget(struct position *, uint64_t start, uint64_t end);

/* End of what was read without a gap from the beginning. */
uint64_t position_end(const struct position *);
/* Highest index read, plus one. */
uint64_t position_top(const struct position *);
/* The first unread stretch at or after `from`, below `limit`. */
bool position_gap(const struct position *, uint64_t from, uint64_t limit, uint64_t *start, uint64_t *end);
bool position_overlaps(const struct position *, uint64_t start, uint64_t end);
/* Entries in all ranges and the prefix. */
uint64_t position_count(const struct position *);

#endif
