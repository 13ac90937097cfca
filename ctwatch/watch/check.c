/*
 * Checks beside the reading: does the unfinished tile of a static log hash to the newest root, and do two signed heads belong
 * to one tree? A wrong proof is weak evidence (a gateway once answered every question with one cached proof): it is asked
 * for again over new connections, three times over an hour, before it becomes an incident.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define ATTEMPTS 3
#define PROOF_BYTES_MAX (1u << 20)

/* When the n-th failure (from 1 on) is followed by another try: at once, then in 5 and 30 minutes. */
static int64_t retry_delay(const struct watcher *w, unsigned failures)
{
	static const int64_t delays_ms[] = { 1, 5 * MINUTE_MS, 30 * MINUTE_MS };

	if (w->ingest->once)
		return 1;
	return delays_ms[failures > 0 && failures <= ARRAY_LEN(delays_ms) ? failures - 1 : ARRAY_LEN(delays_ms) - 1];
}

static unsigned attempts_allowed(const struct watcher *w)
{
	return w->ingest->once ? 2 : ATTEMPTS;
}

/* ---- the unfinished tile (spec 2.5, avoiding partial data tiles) --------------------------------------- */

static void edge_failed(struct watcher *w, const struct error *err)
{
	watch_trouble(w, err);
	w->edge_failures++;
	w->edge_retry_steady_ms = watch_steady_ms(w) + retry_delay(w, w->edge_failures);
	if (w->edge_failures >= attempts_allowed(w) && err->kind == ERR_CONTRADICTION)
		watch_report(w, INCIDENT_TILE_HASH_MISMATCH, "", "%s", err->text);
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

/* ---- consistency of two heads --------------------------------------------------------------------------------- */

void watch_want_proof(struct watcher *w, const struct tree_head *older, const struct tree_head *newer)
{
	struct proof_check *p = &w->proof;

	if (p->wanted || older->tree_size == 0 || older->tree_size >= newer->tree_size)
		return;
	p->wanted = true;
	p->older = *older;
	p->newer = *newer;
	p->older_done = false;
	p->failures = 0;
	p->retry_steady_ms = watch_steady_ms(w);
	watch_schedule(w);
}

struct proven {
	struct watcher *w;
	struct hash log_id, root;
	uint64_t size;
	int64_t now_ms;
};

static bool proven_job(void *ctx, struct state *st, struct error *err)
{
	const struct proven *p = ctx;

	return state_verify_head(st, &p->log_id, p->size, &p->root, p->now_ms, err);
}

static void on_proven(void *ctx, bool ok, const struct error *err)
{
	struct proven *p = ctx;
	struct watcher *w = p->w;

	(void)ok, (void)err;             /* it stays pending and is asked about again */
	free(p);
	watch_release(w);
}

/* An older head inside what is verified belongs to the same tree: it is no longer pending. */
static void keep_proven(struct watcher *w)
{
	const struct proof_check *proof = &w->proof;

	if (proof->older.tree_size > w->position.verified.end || !w->has_verified_head || proof->newer.tree_size > w->verified_head.tree_size ||
	    w->ingest->store == NULL)
		return;
	struct proven *p = xcalloc(1, sizeof(*p));
	p->w = w;
	p->log_id = w->log.log_id;
	p->root = proof->older.root;
	p->size = proof->older.tree_size;
	p->now_ms = watch_wall_ms(w);
	watch_hold(w);
	store_submit(w->ingest->store, proven_job, on_proven, p);
}

static void proof_good(struct watcher *w)
{
	keep_proven(w);
	w->proof.wanted = false;
	w->proof.retry_steady_ms = 0;
	watch_scan_proven(w, w->proof.older.tree_size);
	watch_progress(w);
	watch_commit(w);
	watch_schedule(w);
}

static void report_inconsistent(struct watcher *w, struct slice raw, const struct error *err)
{
	struct proof_check *p = &w->proof;
	char heads[512], a[2 * HASH_LEN + 1], b[2 * HASH_LEN + 1], subject[48];

	if (w->options.scan) {
		watch_report(w, INCIDENT_ENTRIES_MISMATCH, "", "entries %" PRIu64 " to %" PRIu64 " do not lead to the signed root of size %" PRIu64 ": %s",
			     w->start_index, p->older.tree_size - 1, p->newer.tree_size, err->text);
		return;
	}
	hex_encode(p->older.root.bytes, HASH_LEN, a);
	hex_encode(p->newer.root.bytes, HASH_LEN, b);
	snprintf(heads, sizeof(heads), "older size %" PRIu64 " root %s timestamp %" PRIu64 "\nnewer size %" PRIu64 " root %s timestamp %" PRIu64 "\n",
		 p->older.tree_size, a, p->older.timestamp_ms, p->newer.tree_size, b, p->newer.timestamp_ms);
	snprintf(subject, sizeof(subject), "%" PRIu64 "-%" PRIu64, p->older.tree_size, p->newer.tree_size);
	struct evidence_file files[] = {
		{ "heads.txt", slice_text(heads) }, { "proof.raw", raw }, { "log-key.der", log_key_spki(w->key) }, { 0 }
	};
	watch_report_evidence(w, INCIDENT_INCONSISTENT_STH, subject, files, "%s", err->text);
}

static void proof_failed(struct watcher *w, struct slice raw, const struct error *err)
{
	struct proof_check *p = &w->proof;

	watch_trouble(w, err);
	p->older_done = false;
	p->failures++;
	if (p->failures < attempts_allowed(w)) {
		p->retry_steady_ms = watch_steady_ms(w) + retry_delay(w, p->failures);
	} else {
		if (err->kind == ERR_CONTRADICTION)
			report_inconsistent(w, raw, err);
		p->wanted = false;
		p->retry_steady_ms = 0;
		watch_commit(w);
	}
	watch_schedule(w);
}

static void on_proof(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct proof_check *p = &w->proof;
	struct error err = { 0 };
	struct slice body = { 0 };
	struct proof proof;

	p->request = NULL;
	if (answer->status != 200 || answer->error[0] != '\0')
		request_failed("get-sth-consistency", answer, &err);
	else if (request_body(w->ingest, answer, PROOF_BYTES_MAX, &body, &err) && consistency_parse(body, &proof, &err) &&
		 !consistency_verify(p->older.tree_size, &p->older.root, p->newer.tree_size, &p->newer.root, &proof))
		error_set(&err, ERR_CONTRADICTION, "no valid consistency proof from size %" PRIu64 " to size %" PRIu64, p->older.tree_size,
			  p->newer.tree_size);
	if (err.kind == ERR_NONE)
		proof_good(w);
	else
		proof_failed(w, body, &err);
}

static void walk_proof(struct watcher *w, const struct compact_range *from, uint64_t to);

static void on_proof_walked(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;
	struct proof_check *p = &w->proof;
	const struct tree_head *head = p->older_done ? &p->newer : &p->older;
	struct error why;

	p->walk = NULL;
	if (tree == NULL) {
		proof_failed(w, (struct slice){ 0 }, err);
		return;
	}
	struct hash root = range_root(tree);
	if (!hash_equal(&root, &head->root)) {
		error_set(&why, ERR_CONTRADICTION, "hash tiles do not lead from the root of size %" PRIu64 " to that of size %" PRIu64,
			  p->older.tree_size, p->newer.tree_size);
		proof_failed(w, (struct slice){ 0 }, &why);
	} else if (p->older_done) {
		proof_good(w);
	} else {
		p->older_done = true;
		walk_proof(w, tree, p->newer.tree_size);
	}
}

static void walk_proof(struct watcher *w, const struct compact_range *from, uint64_t to)
{
	struct walk_options options = {
		.from = from,
		.to = to,
		.tree_size = w->proof.newer.tree_size,
		.fresh = w->proof.failures > 0,
		.done = on_proof_walked,
		.ctx = w,
	};

	w->proof.walk = tree_walk_start(w, &options);
}

void watch_check_proof(struct watcher *w)
{
	struct proof_check *p = &w->proof;
	struct compact_range nothing;

	if (!p->wanted || p->request != NULL || p->walk != NULL || watch_steady_ms(w) < p->retry_steady_ms || w->phase == WATCHER_CLOSING)
		return;
	p->retry_steady_ms = 0;
	if (w->log.protocol == LOG_STATIC) {
		range_init(&nothing, 0);
		walk_proof(w, &nothing, p->older.tree_size);
		return;
	}
	char *url = xasprintf("%s/ct/v1/get-sth-consistency?first=%" PRIu64 "&second=%" PRIu64, w->log.url, p->older.tree_size, p->newer.tree_size);
	p->request = watch_request(w, url, PROOF_BYTES_MAX, GOVERNOR_TAIL, p->failures > 0, on_proof, w);
	free(url);
}
