/*
 * Static logs that are read at their head first: hash tiles give the tree of everything below what was read there, so that
 *
 *     [0 ... h)  from hash tiles, once      [h ... t)  read      [t ... n)  the unfinished tile's hashes
 *
 * must hash to the signed root of size n. Then the entries of [h, t) are proven long before the gap below h is read, and
 * what was found among them is verified. The head itself stays pending: it is compared again when the gap is filled.
 */
#include "inside.h"

#include <inttypes.h>

#define ATTEMPTS 3
#define RETRY_MS ((int64_t)2 * 60 * 1000)

/* Puts the ranges from where `tree` ends on top of it. */
static bool add_top(const struct position *p, struct compact_range *tree)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->ranges[i].start >= tree->end && !range_merge(tree, &p->ranges[i]))
			return false;
	return true;
}

/* Where the ranges begin that follow each other up to the highest entry read. */
static uint64_t top_start(const struct position *p)
{
	size_t i = p->n;

	if (i == 0)
		return 0;
	while (--i > 0 && p->ranges[i - 1].end == p->ranges[i].start)
		;
	return p->ranges[i].start;
}

static void failed(struct watcher *w, const struct error *err)
{
	struct tail_check *t = &w->tail;

	watch_trouble(w, err);
	range_init(&t->base, 0);          /* from new tiles next time */
	t->failures++;
	t->retry_steady_ms = watch_steady_ms(w) + (t->failures == 1 ? 1 : RETRY_MS);
	if (t->failures >= ATTEMPTS && err->kind == ERR_CONTRADICTION)
		watch_report(w, INCIDENT_TILE_HASH_MISMATCH, "", "%s", err->text);
	else if (t->failures >= ATTEMPTS)
		watch_refused(w, CHECK_HEAD_FIRST, "whether the entries at the head belong to the signed tree is not known before those below are read: %s",
			      err->text);
	watch_schedule(w);
}

static void compare(struct watcher *w, const struct compact_range *tree)
{
	struct tail_check *t = &w->tail;
	struct hash root = range_root(tree);
	uint64_t from = t->proven > t->base.end ? t->proven : t->base.end;
	struct error err;

	if (!hash_equal(&root, &t->head.root)) {
		error_set(&err, ERR_CONTRADICTION, "hash tiles below entry %" PRIu64 " and the entries from there on do not hash to the signed root of size %" PRIu64,
			  t->base.end, t->head.tree_size);
		failed(w, &err);
		return;
	}
	t->failures = 0;
	t->proven = t->top;
	watch_clear(w, INCIDENT_TILE_HASH_MISMATCH, "hash tiles hash to the signed root");
	watch_answered(w, CHECK_HEAD_FIRST);
	watch_mark_verified(w, from, t->top, t->head.tree_size);
}

static void on_base(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;

	w->tail.walk = NULL;
	if (tree == NULL) {
		failed(w, err);
		return;
	}
	w->tail.base = *tree;
	watch_check_tail(w);
}

static void on_edge(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;

	w->tail.walk = NULL;
	if (tree == NULL) {
		failed(w, err);
		return;
	}
	compare(w, tree);
	watch_check_tail(w);
}

static void walk(struct watcher *w, const struct compact_range *from, uint64_t to,
		 void (*done)(void *ctx, const struct compact_range *tree, const struct error *err))
{
	struct walk_options options = {
		.from = from, .to = to, .tree_size = w->newest.tree_size, .fresh = w->tail.failures > 0, .done = done, .ctx = w,
	};

	w->tail.walk = tree_walk_start(w, &options);
}

void watch_check_tail(struct watcher *w)
{
	struct tail_check *t = &w->tail;
	uint64_t start = top_start(&w->position), top = position_top(&w->position), size = w->newest.tree_size;

	if (w->phase != WATCHER_FOLLOWING || w->log.protocol != LOG_STATIC || w->options.scan || t->walk != NULL || watch_steady_ms(w) < t->retry_steady_ms)
		return;
	t->retry_steady_ms = 0;
	if (start <= position_end(&w->position) || t->proven > top)
		t->proven = 0;
	if (start <= position_end(&w->position) && (w->refused & 1u << CHECK_HEAD_FIRST) != 0)
		watch_answered(w, CHECK_HEAD_FIRST);      /* there is no gap any more */
	/* not before the tail has caught up with the head: one check a head, not one a response */
	if (w->doubt.phase != DOUBT_NONE || start <= position_end(&w->position) || top <= t->proven || top > size || top < size / TILE_WIDTH * TILE_WIDTH)
		return;
	if (t->base.end != start) {
		struct compact_range nothing;

		range_init(&nothing, 0);
		walk(w, &nothing, start, on_base);
		return;
	}
	struct compact_range tree = t->base;
	if (!add_top(&w->position, &tree))
		return;
	t->head = w->newest;
	t->top = top;
	if (top == size)
		compare(w, &tree);
	else
		walk(w, &tree, size, on_edge);
}
