/* Does the unfinished tile of a static log hash to the newest root, before its entries are read? */
#include "inside.h"

#include <inttypes.h>


static void edge_failed(struct watcher *w, const struct error *err)
{
	watch_trouble(w, err);
	w->edge_failures++;
	w->edge_retry_steady_ms = watch_steady_ms(w) + watch_check_delay(w, w->edge_failures);
	if (w->edge_failures >= watch_check_attempts(w) && err->kind == ERR_CONTRADICTION)
		watch_report(w, INCIDENT_TILE_HASH_MISMATCH, "", "%s", err->text);
	else if (w->edge_failures >= watch_check_attempts(w))
		watch_refused(w, CHECK_EDGE, "whether the unfinished tile belongs to the signed tree is not known: %s", err->text);
	watch_schedule(w);
}

static void on_edge(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;
	struct error why;

	w->edge_walk = NULL;
	if (tree == NULL) {
		edge_failed(w, err);
		return;
	}
	struct pending_head *pending = pending_find(&w->pending, tree->end);
	struct hash root = range_root(tree);
	if (pending != NULL && !hash_equal(&root, &pending->head.root)) {
		error_set(&why, ERR_CONTRADICTION, "hash tiles do not hash to the signed root of size %" PRIu64, tree->end);
		edge_failed(w, &why);
		return;
	}
	w->edge_failures = 0;
	w->edge_retry_steady_ms = 0;
	watch_clear(w, INCIDENT_TILE_HASH_MISMATCH, "hash tiles hash to the signed root");
	watch_answered(w, CHECK_EDGE);
	if (pending != NULL)
		pending->tree_ok = true;
	watch_commit(w);
	watch_pump(w);
	watch_schedule(w);
}

void watch_check_edge(struct watcher *w)
{
	uint64_t size = w->newest.tree_size, tile = size / TILE_WIDTH * TILE_WIDTH, end = position_end(&w->position);
	struct compact_range tree;

	if (w->phase != WATCHER_FOLLOWING || w->log.protocol != LOG_STATIC || w->options.scan || w->ingest->once || w->edge_walk != NULL ||
	    watch_steady_ms(w) < w->edge_retry_steady_ms)
		return;
	w->edge_retry_steady_ms = 0;             /* whatever keeps it from being done now brings it back: a commit, a head */
	if (w->doubt.phase != DOUBT_NONE)
		return;
	struct pending_head *pending = pending_find(&w->pending, size);
	if (size % TILE_WIDTH == 0 || end < tile || end >= size || pending == NULL || pending->tree_ok || !position_tree(&w->position, end, &tree))
		return;
	struct walk_options options = { .from = &tree, .to = size, .tree_size = size, .fresh = w->edge_failures > 0, .done = on_edge, .ctx = w };
	w->edge_walk = tree_walk_start(w, &options);
}
