/*
 * `scan`: is what was read part of what the log signed? A range that ends at the newest head is hashed into its root like
 * anything else. One that ends earlier is proven by leading from its end to that head: by a consistency proof, or by hash
 * tiles. Either shows all of it, since the root at its end is made of every entry's hash and of the right edge before the first.
 * A long scan asks now and then, so that findings are proven while it goes on.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdlib.h>

#define PROVE_EVERY 65536            /* entries: one question to hundreds of responses */

static uint64_t scan_end(const struct watcher *w)
{
	return w->options.scan_to < w->target ? w->options.scan_to : w->target;
}

void watch_scan_prove(struct watcher *w)
{
	uint64_t end = position_end(&w->position);
	uint64_t from = w->scan_asked > w->start_index ? w->scan_asked : w->start_index;
	struct compact_range tree;

	if (!w->options.scan || w->phase != WATCHER_FOLLOWING || !w->has_target || watch_proofs_wanted(w) || w->doubt.phase != DOUBT_NONE || end <= from ||
	    end >= w->newest.tree_size || (end < scan_end(w) && end - from < PROVE_EVERY) || !position_tree(&w->position, end, &tree))
		return;
	struct tree_head read = { .tree_size = end, .root = range_root(&tree) };
	w->scan_asked = end;
	watch_want_proof(w, &read, &w->newest);
	watch_check_proof(w);
}

/* ---- what was found, until it is proven ------------------------------------------------------------------ */

void watch_scan_found(struct watcher *w, uint64_t index, const struct hash *leaf_hash)
{
	struct scan_leaves *l = &w->scan_leaves;

	if (!w->options.scan_save)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->items = xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n++] = (struct scan_leaf){ index, *leaf_hash };
}

void watch_scan_forget(struct watcher *w, uint64_t from, uint64_t to)
{
	struct scan_leaves *l = &w->scan_leaves;
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].index < from || l->items[i].index >= to)
			l->items[kept++] = l->items[i];
	l->n = kept;
	if (w->options.scan_forgotten != NULL)
		w->options.scan_forgotten(w->options.scan_ctx, w, from, to);
}

/* What is stored is marked; nobody waits for it but the end of the watcher. */
struct proven {
	struct watcher *w;
	struct hash log_id;
	struct scan_leaf *leaves;
	size_t n;
};

static bool proven_job(void *ctx, struct state *st, struct error *err)
{
	const struct proven *p = ctx;

	for (size_t i = 0; i < p->n; i++)
		if (!state_verify_leaf(st, &p->log_id, p->leaves[i].index, &p->leaves[i].hash, err))
			return false;
	return true;
}

static void on_proven(void *ctx, bool ok, const struct error *err)
{
	struct proven *p = ctx;
	struct watcher *w = p->w;

	if (!ok && w->phase != WATCHER_CLOSING)
		watch_trouble(w, err);
	free(p->leaves);
	free(p);
	watch_release(w);
}

static void mark_proven(struct watcher *w, uint64_t up_to)
{
	struct scan_leaves *l = &w->scan_leaves;
	struct proven *p = xcalloc(1, sizeof(*p));
	size_t kept = 0;

	p->w = w;
	p->log_id = w->log.log_id;
	p->leaves = xcalloc(l->n + 1, sizeof(*p->leaves));
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].index < up_to)
			p->leaves[p->n++] = l->items[i];
		else
			l->items[kept++] = l->items[i];
	}
	l->n = kept;
	watch_hold(w);
	store_submit(w->ingest->store, proven_job, on_proven, p);
}

void watch_scan_proven(struct watcher *w, uint64_t up_to)
{
	if (!w->options.scan || up_to <= w->start_index)
		return;
	w->scan_proven = up_to;
	if (w->options.scan_save)
		mark_proven(w, up_to);
	if (w->options.scan_proven != NULL)
		w->options.scan_proven(w->options.scan_ctx, w, up_to);
}
