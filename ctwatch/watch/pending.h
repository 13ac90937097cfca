/*
 * Signed sizes beyond the verified one, at which a root waits to be rebuilt. The state keeps every signed head; here are those that reading
 * is cut at, a choice of at most PENDING_MAX sizes: the smallest, the largest and what lies well apart in between. A head that
 * comes is never refused, another one is let go. Cuts of a position are made from this list and from nothing else.
 */
#ifndef CTWATCH_PENDING_H
#define CTWATCH_PENDING_H

#include "ct.h"
#include "position.h"

#define PENDING_MAX POSITION_CUTS_MAX

struct pending_head {
	struct tree_head head;
	int64_t received_ms;
	bool tree_ok;                     /* hash tiles rebuilt the root; the entries of the unfinished tile are still to come */
	bool forked;                      /* another root was signed for this size before: compared when entries fit, never trusted for more */
	bool aside;                       /* entries did not hash to it, and that was told */
};

struct pending_heads {
	struct pending_head items[PENDING_MAX];   /* ascending by size; of one size in the order in which they came */
	size_t n;
};

/* Adds one, or does nothing when this root of this size is there. */
void pending_add(struct pending_heads *, const struct pending_head *);
/* Those up to `size` are settled. */
void pending_drop(struct pending_heads *, uint64_t size);
/*
 * Cuts the position at these sizes and nowhere else. A size inside a range that is read already cannot be compared any more: it is let go, and
 * told to `lost` (NULL: nobody), so that a proof can be asked for.
 */
void pending_cut(struct pending_heads *, struct position *, void (*lost)(void *ctx, const struct tree_head *head), void *ctx);
/* The first one of this size that nothing speaks against, or NULL. */
struct pending_head *pending_find(struct pending_heads *, uint64_t size);
/* For tests, after every step: in order, all beyond the verified size, and cut exactly there. */
bool pending_sound(const struct pending_heads *, const struct position *);

#endif
