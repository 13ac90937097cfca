/*
 * What was read becomes what is known: one transaction holds the ranges with their hashes, the matches as findings, the
 * counters, and the heads whose roots were rebuilt. One commit per log is under way at a time; what becomes ready meanwhile
 * goes with the next. A commit that fails changes nothing, here or on disk, and is tried again with what it held.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 1000
#define READS_PER_COMMIT 64

struct verified {
	uint64_t size;                    /* the head's */
	struct hash root;
};

struct commit {
	struct watcher *w;
	struct hash log_id;
	struct read *reads[READS_PER_COMMIT];
	size_t n_reads;
	struct position next;             /* what the position becomes */
	struct state_range *ranges;       /* the same, for the state; hashes borrow from `next` */
	size_t n_ranges;
	struct verified verified[POSITION_CUTS_MAX];
	size_t n_verified;
	struct mark mark;                 /* entries that became verified */
	struct tree_head verified_head;
	struct state_counters counters, requests;   /* requests: those not yet told to the state, given back on failure */
	bool scan;
	struct tree_head mismatch;        /* a head whose root does not fit what was read, and nothing larger does either */
	bool has_mismatch;
	struct wrong_head *wrong;         /* heads whose root does not fit, while that of a larger one does */
	size_t n_wrong;
	int64_t now_ms;
};

static void commit_free(struct commit *c)
{
	position_deinit(&c->next);
	free(c->ranges);
	free(c->wrong);
	free(c);
}

/* ---- on the store's thread ------------------------------------------------------------------------------ */

/* Classic logs send the whole chain with each entry: its certificates are kept once for all. */
static bool store_chain(const struct commit *c, const struct found *f, struct state *st, struct error *err)
{
	struct slice chain = buf_slice(&f->extra), certificate;
	struct buf kept;
	bool stored = true;

	if (f->extra_is_fingerprints)
		return true;
	buf_init(&kept, STATE_DER_MAX);
	for (unsigned i = 0; i < CHAIN_MAX && stored && chain_take(&chain, &certificate); i++) {
		struct hash hash = sha256(certificate);

		buf_clear(&kept);
		if (certificate.len <= ISSUER_BYTES_MAX && !state_get_issuer(st, &hash, &kept) &&
		    !state_put_issuer_of(st, &c->log_id, &hash, certificate, c->now_ms, &stored, err)) {
			buf_deinit(&kept);
			return false;
		}
	}
	buf_deinit(&kept);
	return true;
}

static bool store_found(const struct commit *c, const struct read *r, const struct found *f, struct state *st, struct error *err)
{
	struct state_certificate certificate = found_certificate(f);
	struct state_sighting sighting = found_sighting(f, &c->log_id);
	struct state_evidence evidence[64];

	sighting.in_ranges = r->in_ranges && !c->scan;
	if (!store_chain(c, f, st, err))
		return false;
	for (size_t i = 0; i < f->matches.n; i++) {
		const struct match *m = &f->matches.items[i];
		size_t n = m->n_evidence < ARRAY_LEN(evidence) ? m->n_evidence : ARRAY_LEN(evidence);

		for (size_t k = 0; k < n; k++)
			evidence[k] = (struct state_evidence){ m->evidence[k].signal, m->evidence[k].detail, m->evidence[k].points,
							       m->evidence[k].span_start, m->evidence[k].span_end };
		struct state_match match = {
			.rule = m->rule,
			.kind = finding_kind_name(m->kind),
			.brand = m->brand,
			.technique = m->technique,
			.name = m->name,
			.registrable_domain = m->registrable_domain,
			.score = m->score,
			.min_score = m->min_score,
			.evidence = evidence,
			.n_evidence = n,
			.ruleset_id = r->ruleset_id,
		};
		if (!state_add_match(st, &match, &certificate, &sighting, c->now_ms, NULL, err))
			return error_context(err, "entry %" PRIu64, f->index);
	}
	return true;
}

static bool store_read(const struct commit *c, const struct read *r, struct state *st, struct error *err)
{
	for (size_t i = 0; i < r->output.n_found; i++)
		if (!store_found(c, r, &r->output.found[i], st, err))
			return false;
	if (r->in_ranges && !c->scan &&
	    !state_settle_leaves(st, &c->log_id, r->output.from, r->output.leaf_hashes, (size_t)(r->output.to - r->output.from), err))
		return false;
	for (size_t i = 0; i < r->output.n_malformed; i++) {
		const struct malformed_entry *m = &r->output.malformed[i];

		if (!state_add_malformed(st, &c->log_id, m->index, buf_slice(&m->leaf), m->reason, c->now_ms, err))
			return false;
	}
	return true;
}

static bool commit_job(void *ctx, struct state *st, struct error *err)
{
	struct commit *c = ctx;

	for (size_t i = 0; i < c->n_reads; i++)
		if (!store_read(c, c->reads[i], st, err))
			return false;
	if (c->scan)
		return true;
	if (!state_put_ranges(st, &c->log_id, c->ranges, c->n_ranges, err))
		return false;
	for (size_t i = 0; i < c->n_verified; i++)
		if (!state_verify_head(st, &c->log_id, c->verified[i].size, &c->verified[i].root, c->now_ms, err))
			return false;
	for (size_t i = 0; i < c->n_wrong; i++)
		if (!state_stand_head(st, &c->log_id, c->wrong[i].head.tree_size, &c->wrong[i].head.root, HEAD_SET_ASIDE, err))
			return false;
	if (c->mark.from < c->mark.to && !watch_mark_run(&c->mark, st, err))
		return false;
	return state_add_counters(st, &c->log_id, c->now_ms, &c->counters, err) &&
	       state_log_progress(st, &c->log_id, c->now_ms, NULL, c->now_ms, err);
}

/* ---- on the loop: what the commit holds -------------------------------------------------------------------- */

static void add_counters(struct state_counters *to, const struct state_counters *from)
{
	to->entries += from->entries;
	to->lets_encrypt += from->lets_encrypt;
	to->verified += from->verified;
	to->malformed += from->malformed;
	to->matched += from->matched;
	to->n_bytes += from->n_bytes;
	to->requests += from->requests;
	to->errors += from->errors;
	to->throttled += from->throttled;
	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		to->delay[i] += from->delay[i];
}

static void take_read(struct commit *c, struct read *r)
{
	/* all of it or nothing: what is stored of its matches says whether the ranges were hashed from them */
	r->in_ranges = !position_overlaps(&c->next, r->output.from, r->output.to);
	for (size_t i = 0; r->in_ranges && i < r->output.n_pieces; i++)
		position_add(&c->next, &r->output.pieces[i]);
	r->phase = READ_COMMITTING;
	c->reads[c->n_reads++] = r;
	if (!r->input.in_doubt)
		add_counters(&c->counters, &r->output.counters);     /* a second look counts nothing twice */
	if (r->output.max_timestamp_ms > c->counters.last_entry_ms && r->output.max_timestamp_ms < c->now_ms + 86400000)
		c->counters.last_entry_ms = r->output.max_timestamp_ms;
}

static void became_verified(struct commit *c, const struct tree_head *head, const struct compact_range *tree)
{
	c->verified[c->n_verified++] = (struct verified){ head->tree_size, head->root };
	c->counters.verified += tree->end - c->next.verified.end;
	c->mark.to = tree->end;
	c->mark.tree_size = head->tree_size;
	c->verified_head = *head;
	position_verify(&c->next, tree);
}

/* A head that entries do not hash to. Whether it is wrong or they are, a larger head tells. */
static void does_not_fit(struct commit *c, const struct pending_head *p, const struct compact_range *tree)
{
	if (p->aside || p->forked)
		return;                   /* told already */
	c->wrong = xreallocarray(c->wrong, c->n_wrong + 1, sizeof(*c->wrong));
	c->wrong[c->n_wrong++] = (struct wrong_head){ .head = p->head, .tree = *tree };
}

/* The entries that lead on to a signed root are those that were signed: the heads below it that do not fit are wrong themselves. */
static void blame(struct commit *c)
{
	const struct doubt *d = &c->w->doubt;
	size_t n = 0;

	for (size_t i = 0; i < c->n_wrong; i++) {
		const struct tree_head *head = &c->wrong[i].head;

		if (head->tree_size <= c->next.verified.end) {
			c->wrong[n++] = c->wrong[i];
		} else if (!c->has_mismatch || (d->phase != DOUBT_NONE && head->tree_size == d->head.tree_size)) {
			c->mismatch = *head;
			c->has_mismatch = true;
		}
	}
	c->n_wrong = n;
}

/* What leads from the wrong head's size to the tree that is proven; before that is made one with it. */
static void keep_path(struct commit *c, uint64_t to)
{
	for (size_t i = 0; i < c->n_wrong; i++) {
		struct wrong_head *wrong = &c->wrong[i];

		if (wrong->beyond.end != 0)
			continue;
		range_init(&wrong->beyond, wrong->head.tree_size);
		for (size_t k = 0; k < c->next.n && wrong->beyond.end < to; k++)
			if (c->next.ranges[k].start == wrong->beyond.end)
				range_merge(&wrong->beyond, &c->next.ranges[k]);
	}
}

/* Roots are compared at every signed size that the read entries reach, in order; one that does not fit stops none of the others. */
static void compare_roots(struct commit *c)
{
	struct watcher *w = c->w;

	for (size_t i = 0; i < w->pending.n && c->n_verified < POSITION_CUTS_MAX; i++) {
		const struct pending_head *p = &w->pending.items[i];
		uint64_t tile = p->head.tree_size / TILE_WIDTH * TILE_WIDTH;
		struct compact_range tree;

		if (p->head.tree_size <= c->next.verified.end)
			continue;
		if (position_tree(&c->next, p->head.tree_size, &tree)) {
			struct hash root = range_root(&tree);

			if (!hash_equal(&root, &p->head.root)) {
				does_not_fit(c, p, &tree);
				continue;
			}
			keep_path(c, tree.end);
			became_verified(c, &p->head, &tree);
		} else if (p->tree_ok && tile > c->next.verified.end && position_tree(&c->next, tile, &tree)) {
			keep_path(c, tree.end);
			became_verified(c, &p->head, &tree);
		}
	}
	blame(c);
}

static void list_ranges(struct commit *c)
{
	const struct position *p = &c->next;

	c->ranges = xcalloc(p->n + 1, sizeof(*c->ranges));
	if (p->verified.end > 0)
		c->ranges[c->n_ranges++] = (struct state_range){ .end = p->verified.end, .verified = true,
			.hashes = slice_of(p->verified.hashes, (size_t)p->verified.n_hashes * HASH_LEN) };
	for (size_t i = 0; i < p->n; i++)
		c->ranges[c->n_ranges++] = (struct state_range){ .start = p->ranges[i].start, .end = p->ranges[i].end,
			.hashes = slice_of(p->ranges[i].hashes, (size_t)p->ranges[i].n_hashes * HASH_LEN) };
}

/* ---- afterwards ------------------------------------------------------------------------------------------------- */

static const enum incident_class CHECK_CLASSES[N_BATCH_CHECKS] = {
	[CHECK_MALFORMED_ENTRY] = INCIDENT_MALFORMED_ENTRY,
	[CHECK_UNKNOWN_ENTRY_TYPE] = INCIDENT_UNKNOWN_ENTRY_TYPE,
	[CHECK_UNPARSABLE_CERT] = INCIDENT_UNPARSABLE_CERT,
	[CHECK_LEAF_INDEX] = INCIDENT_LEAF_INDEX_MISMATCH,
	[CHECK_WRONG_SHARD] = INCIDENT_WRONG_SHARD,
	[CHECK_MMD_VIOLATION] = INCIDENT_MMD_VIOLATION,
	[CHECK_TIMESTAMP_ORDER] = INCIDENT_TIMESTAMP_ORDER,
};

static void report_faults(struct watcher *w, const struct batch_output *output)
{
	for (size_t i = 0; i < N_BATCH_CHECKS; i++) {
		const struct batch_fault *f = &output->faults[i];

		if (f->count != 0)
			watch_report(w, CHECK_CLASSES[i], "", "entry %" PRIu64 ": %s (%" PRIu64 " of the %" PRIu64 " entries from %" PRIu64 ")",
				     f->first_index, f->first_detail, f->count, output->to - output->from, output->from);
	}
}

static void finish_reads(struct watcher *w, struct commit *c)
{
	for (size_t i = 0; i < c->n_reads; i++) {
		struct read *r = c->reads[i], **at = &w->reads;

		report_faults(w, &r->output);
		w->entries_read += r->output.to - r->output.from;
		for (size_t k = 0; k < r->output.n_found; k++) {
			watch_want_issuers(w, &r->output.found[k]);
			prover_found(w->prover, r->output.found[k].index);
			watch_scan_found(w, r->output.found[k].index, &r->output.found[k].leaf_hash);
		}
		if (w->options.scan_found != NULL)
			for (size_t k = 0; k < r->output.n_found; k++)
				w->options.scan_found(w->options.scan_ctx, w, &r->output.found[k]);
		if (w->doubt.hashes != NULL && r->input.in_doubt && r->in_ranges && r->output.from >= w->doubt.from && r->output.to <= w->doubt.head.tree_size)
			memcpy(w->doubt.hashes + (r->output.from - w->doubt.from), r->output.leaf_hashes,
			       (size_t)(r->output.to - r->output.from) * HASH_LEN);
		while (*at != r)
			at = &(*at)->next;
		*at = r->next;
		w->n_reads--;
		watch_read_free(r);
	}
}

static bool caught_up(struct watcher *w)
{
	uint64_t target = w->options.scan && w->options.scan_to < w->target ? w->options.scan_to : w->target;

	return w->phase == WATCHER_FOLLOWING && w->has_target && w->commit == NULL && !watch_proofs_wanted(w) &&
	       (w->doubt.phase == DOUBT_NONE || w->doubt.phase == DOUBT_BROKEN) && position_end(&w->position) >= target &&
	       w->edge_walk == NULL && w->n_issuers == 0 && !prover_holds(w->prover);
}

static void after_commit(struct watcher *w, struct commit *c)
{
	struct position old = w->position;

	w->position = c->next;
	c->next = old;
	if (c->n_verified > 0) {
		w->verified_head = c->verified_head;
		w->has_verified_head = true;
		/* entries have said what tiles and proofs would have */
		for (size_t i = 0; i < c->n_verified; i++)
			watch_proof_moot(w, c->verified[i].size, &c->verified[i].root);
		watch_proofs_settle(w);
		watch_answered(w, CHECK_EDGE);
	}
	watch_cut(w);                     /* heads may have come, or been let go, meanwhile */
	watch_mark_done(w, &c->mark);
	finish_reads(w, c);
	if (c->n_verified > 0)
		watch_scan_proven(w, w->position.verified.end);
	watch_progress(w);
	watch_doubt_settle(w, c->wrong, c->n_wrong);
	if (c->has_mismatch)
		watch_doubt(w, &c->mismatch);
}

static void on_committed(void *ctx, bool ok, const struct error *err)
{
	struct commit *c = ctx;
	struct watcher *w = c->w;

	w->commit = NULL;
	if (ok) {
		after_commit(w, c);
	} else {
		for (size_t i = 0; i < c->n_reads; i++)
			c->reads[i]->phase = READ_READY;
		add_counters(&w->counters, &c->requests);
		w->requests_told -= c->requests.requests;
		w->throttled_told -= c->requests.throttled;
		w->compare_wanted = true;
		if (w->phase != WATCHER_CLOSING) {
			watch_trouble(w, err);
			w->retry_commit_steady_ms = watch_steady_ms(w) + RETRY_MS;
		}
	}
	commit_free(c);
	if (w->phase != WATCHER_CLOSING) {
		watch_commit(w);
		watch_check_edge(w);
		watch_check_tail(w);
		watch_pump(w);
		prover_wake(w->prover);
		watch_schedule(w);
	}
	watch_release(w);
}

void watch_commit(struct watcher *w)
{
	bool due = w->compare_wanted;

	if (w->commit != NULL || w->retry_commit_steady_ms != 0 || w->phase != WATCHER_FOLLOWING)
		return;
	for (const struct read *r = w->reads; r != NULL; r = r->next)
		due |= r->phase == READ_READY;
	for (size_t i = 0; i < w->pending.n && w->doubt.phase == DOUBT_NONE; i++) {
		uint64_t tile = w->pending.items[i].head.tree_size / TILE_WIDTH * TILE_WIDTH;

		due |= w->pending.items[i].tree_ok && tile > w->position.verified.end && position_end(&w->position) >= tile;
	}
	if (!due) {
		watch_scan_prove(w);
		if (caught_up(w))
			watch_settle(w, w->refused == 0 ? WATCHER_CAUGHT_UP : WATCHER_LEFT_BEHIND);
		return;
	}
	w->compare_wanted = false;
	struct commit *c = xcalloc(1, sizeof(*c));
	c->w = w;
	c->log_id = w->log.log_id;
	c->now_ms = watch_wall_ms(w);
	c->scan = w->options.scan;
	c->counters = c->requests = w->counters;
	w->requests_told += w->counters.requests;
	w->throttled_told += w->counters.throttled;
	w->counters = (struct state_counters){ 0 };
	position_init(&c->next);
	position_copy(&c->next, &w->position);
	for (struct read *r = w->reads; r != NULL && c->n_reads < READS_PER_COMMIT; r = r->next)
		if (r->phase == READ_READY)
			take_read(c, r);
	c->mark = (struct mark){ .log_id = c->log_id, .from = c->next.verified.end, .now_ms = c->now_ms };
	compare_roots(c);
	list_ranges(c);
	w->commit = c;
	watch_hold(w);
	if (w->options.scan && !w->options.scan_save)
		on_committed(c, true, NULL);
	else
		store_submit(w->ingest->store, commit_job, on_committed, c);
}
