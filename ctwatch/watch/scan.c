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

	if (!w->options.scan || w->phase != WATCHER_FOLLOWING || !w->has_target || w->proof.wanted || w->doubt.phase != DOUBT_NONE || end <= from ||
	    end >= w->newest.tree_size || (end < scan_end(w) && end - from < PROVE_EVERY) || !position_tree(&w->position, end, &tree))
		return;
	struct tree_head read = { .tree_size = end, .root = range_root(&tree) };
	w->scan_asked = end;
	watch_want_proof(w, &read, &w->newest);
	watch_check_proof(w);
}

/* What is stored is marked; nobody waits for it but the end of the watcher. */
struct mark {
	struct watcher *w;
	struct hash log_id;
	uint64_t from, to;
};

static bool mark_job(void *ctx, struct state *st, struct error *err)
{
	const struct mark *mark = ctx;

	return state_mark_verified(st, &mark->log_id, mark->from, mark->to, err);
}

static void on_marked(void *ctx, bool ok, const struct error *err)
{
	struct mark *mark = ctx;
	struct watcher *w = mark->w;

	if (!ok && w->phase != WATCHER_CLOSING)
		watch_trouble(w, err);
	free(mark);
	watch_release(w);
}

void watch_mark_verified(struct watcher *w, uint64_t from, uint64_t to)
{
	struct mark *mark = xcalloc(1, sizeof(*mark));

	mark->w = w;
	mark->log_id = w->log.log_id;
	mark->from = from;
	mark->to = to;
	watch_hold(w);
	store_submit(w->ingest->store, mark_job, on_marked, mark);
}

void watch_scan_proven(struct watcher *w, uint64_t up_to)
{
	if (!w->options.scan || up_to <= w->start_index)
		return;
	w->scan_proven = up_to;
	if (w->options.scan_save)
		watch_mark_verified(w, w->start_index, up_to);
	if (w->options.scan_proven != NULL)
		w->options.scan_proven(w->options.scan_ctx, w, up_to);
}
