/*
 * Do two signed heads belong to one tree? Classic logs give a proof, static ones hash tiles. A wrong proof is weak evidence (a gateway
 * once answered every question with one cached proof): it is asked for again over new connections, three times over 35 minutes, before it
 * becomes an incident. A proof that cannot be had becomes one too, and is asked for on, every hour.
 *
 *   wanted --due--> asked --good-----------------------------------> done
 *      ^              |---wrong, three times---> INCONSISTENT_STH --> done
 *      '---failed-----+---refused, three times-> CHECK_REFUSED, wanted again in an hour
 *
 * One is asked for at a time; while it waits for its next attempt, others are. Wishes are bounded: beyond, the one that was refused
 * longest is let go.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_BYTES_MAX (1u << 20)

static bool same_wish(const struct proof_wish *a, const struct proof_wish *b)
{
	return a->older.tree_size == b->older.tree_size && a->newer.tree_size == b->newer.tree_size && hash_equal(&a->older.root, &b->older.root) &&
	       hash_equal(&a->newer.root, &b->newer.root);
}

static void remove_wish(struct consistency *c, size_t i)
{
	c->wishes[i] = c->wishes[--c->n_wishes];
}

static size_t most_failed(const struct consistency *c)
{
	size_t most = 0;

	for (size_t i = 1; i < c->n_wishes; i++)
		if (c->wishes[i].failures > c->wishes[most].failures)
			most = i;
	return most;
}

static void add_wish(struct watcher *w, const struct proof_wish *wish)
{
	struct consistency *c = &w->consistency;

	if (c->n_wishes == PROOF_WISHES_MAX)
		remove_wish(c, most_failed(c));
	c->wishes[c->n_wishes++] = *wish;
}

void watch_want_proof(struct watcher *w, const struct tree_head *older, const struct tree_head *newer)
{
	struct consistency *c = &w->consistency;
	struct proof_wish wish = { .older = *older, .newer = *newer, .due_steady_ms = watch_steady_ms(w) };

	if (older->tree_size == 0 || older->tree_size >= newer->tree_size || (c->asking && same_wish(&c->now, &wish)))
		return;
	for (size_t i = 0; i < c->n_wishes; i++)
		if (same_wish(&c->wishes[i], &wish))
			return;
	/* what was rebuilt, or where reading began: entries that lead to the newer root say the same */
	wish.entries_tell = older->tree_size <= w->position.verified.end && (!w->has_verified_head || hash_equal(&older->root, &w->verified_head.root));
	add_wish(w, &wish);
	watch_schedule(w);
}

bool watch_proofs_wanted(const struct watcher *w)
{
	return w->consistency.asking || w->consistency.n_wishes > 0;
}

int64_t watch_proofs_due(const struct watcher *w)
{
	int64_t due = 0;

	for (size_t i = 0; !w->consistency.asking && i < w->consistency.n_wishes; i++)
		if (due == 0 || w->consistency.wishes[i].due_steady_ms < due)
			due = w->consistency.wishes[i].due_steady_ms;
	return due;
}

void watch_proofs_cancel(struct watcher *w)
{
	request_cancel(w->consistency.request);
	tree_walk_cancel(w->consistency.walk);
	w->consistency.request = NULL;
	w->consistency.walk = NULL;
}

/* ---- an older head that is proven is no longer pending ------------------------------------------------------- */

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

static void keep_proven(struct watcher *w, const struct proof_wish *wish)
{
	if (wish->older.tree_size > w->position.verified.end || !w->has_verified_head || wish->newer.tree_size > w->verified_head.tree_size ||
	    w->ingest->store == NULL || w->options.scan)
		return;
	struct proven *p = xcalloc(1, sizeof(*p));
	p->w = w;
	p->log_id = w->log.log_id;
	p->root = wish->older.root;
	p->size = wish->older.tree_size;
	p->now_ms = watch_wall_ms(w);
	watch_hold(w);
	store_submit(w->ingest->store, proven_job, on_proven, p);
}

/* ---- how it ends ------------------------------------------------------------------------------------------------ */

/* The check that could not be made is over when none is left that was refused. */
static void tell_answered(struct watcher *w)
{
	const struct consistency *c = &w->consistency;

	for (size_t i = 0; i < c->n_wishes; i++)
		if (c->wishes[i].refused)
			return;
	watch_answered(w, CHECK_CONSISTENCY);
}

static void proof_good(struct watcher *w)
{
	struct consistency *c = &w->consistency;

	c->asking = false;
	keep_proven(w, &c->now);
	tell_answered(w);
	watch_scan_proven(w, c->now.older.tree_size);
	watch_progress(w);
	watch_commit(w);
	watch_check_proof(w);
	watch_schedule(w);
}

static void report_inconsistent(struct watcher *w, struct slice raw, const struct error *err)
{
	const struct proof_wish *p = &w->consistency.now;
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

/* `--once` waits for no further attempt, and says with its exit code that something could not be checked. */
static void proof_refused(struct watcher *w, struct proof_wish *wish, const struct error *err)
{
	if (w->options.scan)
		return;
	wish->refused = true;
	wish->due_steady_ms = watch_steady_ms(w) + watch_check_delay(w, wish->failures + 1);
	watch_refused(w, CHECK_CONSISTENCY, "the log does not show that its signed heads of %" PRIu64 " and %" PRIu64
		      " entries belong to one tree, as a log that hides a second one would not: %s", wish->older.tree_size, wish->newer.tree_size, err->text);
	if (!w->ingest->once)
		add_wish(w, wish);
}

static void proof_failed(struct watcher *w, struct slice raw, const struct error *err)
{
	struct consistency *c = &w->consistency;
	struct proof_wish *wish = &c->now;

	watch_trouble(w, err);
	c->asking = false;
	wish->failures++;
	if (wish->failures < watch_check_attempts(w)) {
		wish->due_steady_ms = watch_steady_ms(w) + watch_check_delay(w, wish->failures);
		add_wish(w, wish);
	} else if (err->kind == ERR_CONTRADICTION) {
		report_inconsistent(w, raw, err);
		tell_answered(w);
	} else {
		proof_refused(w, wish, err);
	}
	watch_commit(w);
	watch_check_proof(w);
	watch_schedule(w);
}

void watch_proofs_settle(struct watcher *w)
{
	struct consistency *c = &w->consistency;
	bool any = false;

	for (size_t i = c->n_wishes; i-- > 0;) {
		const struct proof_wish *wish = &c->wishes[i];

		if (!wish->entries_tell || wish->newer.tree_size > w->position.verified.end)
			continue;
		remove_wish(c, i);
		any = true;
	}
	if (any)
		tell_answered(w);
}

void watch_proof_moot(struct watcher *w, uint64_t tree_size, const struct hash *root)
{
	struct consistency *c = &w->consistency;

	for (size_t i = c->n_wishes; i-- > 0;)
		if (c->wishes[i].older.tree_size == tree_size && hash_equal(&c->wishes[i].older.root, root)) {
			remove_wish(c, i);
			tell_answered(w);
		}
}

/* ---- asking: classic logs ------------------------------------------------------------------------------------------- */

static void on_proof(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct proof_wish *p = &w->consistency.now;
	struct error err = { 0 };
	struct slice body = { 0 };
	struct proof proof;

	w->consistency.request = NULL;
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

/* ---- asking: static logs ---------------------------------------------------------------------------------------------- */

static void walk_proof(struct watcher *w, const struct compact_range *from, uint64_t to);

static void on_proof_walked(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;
	struct consistency *c = &w->consistency;
	const struct tree_head *head = c->older_done ? &c->now.newer : &c->now.older;
	struct error why;

	c->walk = NULL;
	if (tree == NULL) {
		proof_failed(w, (struct slice){ 0 }, err);
		return;
	}
	struct hash root = range_root(tree);
	if (!hash_equal(&root, &head->root)) {
		error_set(&why, ERR_CONTRADICTION, "hash tiles do not lead from the root of size %" PRIu64 " to that of size %" PRIu64,
			  c->now.older.tree_size, c->now.newer.tree_size);
		proof_failed(w, (struct slice){ 0 }, &why);
	} else if (c->older_done) {
		proof_good(w);
	} else {
		c->older_done = true;
		walk_proof(w, tree, c->now.newer.tree_size);
	}
}

static void walk_proof(struct watcher *w, const struct compact_range *from, uint64_t to)
{
	struct consistency *c = &w->consistency;
	struct walk_options options = {
		.from = from, .to = to, .tree_size = c->now.newer.tree_size, .fresh = c->now.failures > 0, .done = on_proof_walked, .ctx = w,
	};

	c->walk = tree_walk_start(w, &options);
}

/* ---- the next one ------------------------------------------------------------------------------------------------------ */

static bool take_due(struct watcher *w)
{
	struct consistency *c = &w->consistency;
	size_t first = c->n_wishes;

	for (size_t i = 0; i < c->n_wishes; i++)
		if (c->wishes[i].due_steady_ms <= watch_steady_ms(w) && (first == c->n_wishes || c->wishes[i].due_steady_ms < c->wishes[first].due_steady_ms))
			first = i;
	if (first == c->n_wishes)
		return false;
	c->now = c->wishes[first];
	c->asking = true;
	c->older_done = false;
	remove_wish(c, first);
	return true;
}

void watch_check_proof(struct watcher *w)
{
	struct consistency *c = &w->consistency;
	struct compact_range nothing;

	if (c->asking || w->phase == WATCHER_CLOSING || !take_due(w))
		return;
	if (w->log.protocol == LOG_STATIC) {
		range_init(&nothing, 0);
		walk_proof(w, &nothing, c->now.older.tree_size);
		return;
	}
	char *url = xasprintf("%s/ct/v1/get-sth-consistency?first=%" PRIu64 "&second=%" PRIu64, w->log.url, c->now.older.tree_size, c->now.newer.tree_size);
	c->request = watch_request(w, url, PROOF_BYTES_MAX, GOVERNOR_TAIL, c->now.failures > 0, on_proof, w);
	free(url);
}
