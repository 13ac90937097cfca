/*
 * What follows when entries do not hash to a signed root (shared/spec/ct-protocols.md 4.3):
 *
 *   NONE --mismatch--> WAITING --0, 5, 30 min--> READING again --fits now--> ENTRIES_FLAP, NONE
 *                         ^                          |
 *                         +------- differs ----------+--third time--> ASKING who is wrong --> incident, BROKEN
 *
 * BROKEN: the head is set aside under a standing incident; reading and matching go on beyond it, unverified. Entries beyond it may
 * be wrong as well, so the next head that does not fit is a doubt of its own, from NONE on. Heads that fit end it.
 * When somebody closes that incident, it is verified again from the last verified size on: what does not fit is read again.
 * Evidence is bounded: every leaf hash of the range (up to 65536, when the log's share of memory_bytes has room for them), the raw
 * entries of the first response only.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define HASHES_MAX (1u << 16)        /* entries: 2 MiB for each of two downloads, and 4 as text in the incident */
#define RAW_MAX (2u << 20)
#define PROOF_BYTES_MAX (1u << 20)

static int64_t next_attempt(const struct watcher *w)
{
	static const int64_t delays_ms[] = { 1, 5 * MINUTE_MS, 30 * MINUTE_MS };

	return watch_steady_ms(w) + (w->ingest->once ? 1 : delays_ms[w->doubt.attempts < ARRAY_LEN(delays_ms) ? w->doubt.attempts : ARRAY_LEN(delays_ms) - 1]);
}

static void free_evidence(struct watcher *w)
{
	struct doubt *d = &w->doubt;

	free(d->first_hashes);
	free(d->hashes);
	d->first_hashes = d->hashes = NULL;
	buf_deinit(&d->raw);
	budget_give(&w->budget, d->held_bytes);
	d->held_bytes = 0;
}

void watch_doubt_raw(struct watcher *w, struct buf *body)
{
	struct doubt *d = &w->doubt;

	if (d->raw.len != 0 || body->len > RAW_MAX || !budget_try(&w->budget, body->cap))
		return;
	d->held_bytes += body->cap;
	d->raw = *body;
	*body = (struct buf){ 0 };
}

static void forget(struct watcher *w)
{
	struct doubt *d = &w->doubt;

	free_evidence(w);
	request_cancel(d->request);
	tree_walk_cancel(d->walk);
	*d = (struct doubt){ 0 };
	buf_init(&d->raw, RAW_MAX);
}

static void read_again(struct watcher *w)
{
	struct doubt *d = &w->doubt;

	d->phase = DOUBT_WAITING;
	d->next_steady_ms = next_attempt(w);
	position_forget(&w->position, d->from, d->head.tree_size);
	watch_cut(w);
	watch_scan_forget(w, d->from, d->head.tree_size);
	watch_schedule(w);
}

static void begin(struct watcher *w, const struct tree_head *head)
{
	struct doubt *d = &w->doubt;
	struct error err;

	d->head = *head;
	d->from = w->position.verified.end;
	d->n_hashes = head->tree_size - d->from;
	if (d->n_hashes <= HASHES_MAX && budget_try(&w->budget, 4 * d->n_hashes * sizeof(*d->hashes))) {
		d->held_bytes += 4 * d->n_hashes * sizeof(*d->hashes);       /* two downloads, and both as text */
		d->hashes = xcalloc(d->n_hashes, sizeof(*d->hashes));
	}
	error_set(&err, ERR_CONTRADICTION, "entries %" PRIu64 " to %" PRIu64 " do not hash to the signed root of size %" PRIu64 ", reading them again",
		  d->from, head->tree_size - 1, head->tree_size);
	watch_trouble(w, &err);
	read_again(w);
}

/* ---- the verdict --------------------------------------------------------------------------------------------- */

static void hashes_text(const struct hash *hashes, uint64_t n, struct buf *out)
{
	char hex[2 * HASH_LEN + 2];

	buf_init(out, (size_t)n * sizeof(hex));
	for (uint64_t i = 0; i < n; i++) {
		hex_encode(hashes[i].bytes, HASH_LEN, hex);
		hex[2 * HASH_LEN] = '\n';
		buf_append(out, hex, sizeof(hex) - 1);
	}
}

static void peaks_text(const struct compact_range *tree, struct buf *out)
{
	buf_init(out, 1u << 16);
	buf_printf(out, "size %" PRIu64 "\n", tree->end);
	for (uint32_t i = 0; i < tree->n_hashes; i++) {
		char hex[2 * HASH_LEN + 1];

		hex_encode(tree->hashes[i].bytes, HASH_LEN, hex);
		buf_printf(out, "%s\n", hex);
	}
}

struct aside {
	struct watcher *w;
	struct hash log_id;
	struct tree_head head;
};

static bool aside_job(void *ctx, struct state *st, struct error *err)
{
	const struct aside *a = ctx;

	return state_stand_head(st, &a->log_id, a->head.tree_size, &a->head.root, HEAD_SET_ASIDE, err);
}

static void on_aside(void *ctx, bool ok, const struct error *err)
{
	struct aside *a = ctx;
	struct watcher *w = a->w;

	(void)ok, (void)err;             /* it is compared, and set aside, again after a restart */
	free(a);
	watch_release(w);
}

/* It was told of: the heads that come are compared, this one is not again. */
static void set_aside(struct watcher *w, const struct tree_head *head)
{
	struct pending_head *pending = pending_find(&w->pending, head->tree_size);

	if (pending != NULL && hash_equal(&pending->head.root, &head->root))
		pending->aside = true;
	if (w->options.scan)
		return;
	struct aside *a = xcalloc(1, sizeof(*a));
	a->w = w;
	a->log_id = w->log.log_id;
	a->head = *head;
	watch_hold(w);
	store_submit(w->ingest->store, aside_job, on_aside, a);
}

static void verdict(struct watcher *w, enum incident_class class, const char *because)
{
	struct doubt *d = &w->doubt;
	char subject[32], head[256], root[2 * HASH_LEN + 1];
	struct buf leaves, peaks;

	hex_encode(d->head.root.bytes, HASH_LEN, root);
	snprintf(head, sizeof(head), "size %" PRIu64 "\nroot %s\ntimestamp %" PRIu64 "\n", d->head.tree_size, root, d->head.timestamp_ms);
	hashes_text(d->hashes, d->hashes == NULL ? 0 : d->n_hashes, &leaves);
	peaks_text(&w->position.verified, &peaks);
	struct evidence_file files[] = {
		{ "head.txt", slice_text(head) }, { "peaks-before.txt", buf_slice(&peaks) }, { "leaf-hashes.txt", buf_slice(&leaves) },
		{ "first-response.raw", buf_slice(&d->raw) }, { "log-key.der", log_key_spki(w->key) }, { 0 },
	};
	snprintf(subject, sizeof(subject), "%" PRIu64, d->head.tree_size);
	watch_report_evidence(w, class, subject, files, "entries %" PRIu64 " to %" PRIu64 " do not hash to the signed root of size %" PRIu64 ": %s",
			      d->from, d->head.tree_size - 1, d->head.tree_size, because);
	buf_deinit(&leaves);
	buf_deinit(&peaks);
	free_evidence(w);
	d->phase = DOUBT_BROKEN;
	d->class = class;
	d->next_steady_ms = 0;
	set_aside(w, &d->head);
	watch_commit(w);
	watch_pump(w);
	watch_schedule(w);
}

static void on_consistency(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct error err = { 0 };
	struct slice body;
	struct proof proof;

	w->doubt.request = NULL;
	if (answer->status != 200 || answer->error[0] != '\0') {
		verdict(w, INCIDENT_ENTRIES_MISMATCH, "the log refuses the consistency proof that would say whether the entries are wrong or the head is");
		return;
	}
	bool good = request_body(w->ingest, answer, PROOF_BYTES_MAX, &body, &err) && consistency_parse(body, &proof, &err) &&
		    consistency_verify(w->verified_head.tree_size, &w->verified_head.root, w->doubt.head.tree_size, &w->doubt.head.root, &proof);
	if (good)
		verdict(w, INCIDENT_ENTRIES_MISMATCH, "the log proves that the root extends what it signed before, but serves other entries");
	else
		verdict(w, INCIDENT_INCONSISTENT_STH, "the log has no valid proof that the root extends what it signed before");
}

static void on_tiles(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;

	(void)err;
	w->doubt.walk = NULL;
	if (tree == NULL) {
		verdict(w, INCIDENT_ENTRIES_MISMATCH, "its hash tiles could not be had for comparison");
		return;
	}
	struct hash root = range_root(tree);
	if (hash_equal(&root, &w->doubt.head.root))
		verdict(w, INCIDENT_ENTRIES_MISMATCH, "its hash tiles do, so that the data tiles are not those that were signed");
	else
		verdict(w, INCIDENT_INCONSISTENT_STH, "its hash tiles do not either");
}

static void ask_who(struct watcher *w)
{
	struct doubt *d = &w->doubt;

	d->phase = DOUBT_ASKING;
	if (w->log.protocol == LOG_STATIC) {
		struct walk_options options = {
			.from = &w->position.verified, .to = d->head.tree_size, .tree_size = d->head.tree_size, .fresh = true, .done = on_tiles, .ctx = w,
		};
		d->walk = tree_walk_start(w, &options);
	} else if (w->has_verified_head && w->verified_head.tree_size > 0 && w->verified_head.tree_size < d->head.tree_size) {
		char *url = xasprintf("%s/ct/v1/get-sth-consistency?first=%" PRIu64 "&second=%" PRIu64, w->log.url, w->verified_head.tree_size,
				      d->head.tree_size);
		d->request = watch_request(w, url, PROOF_BYTES_MAX, GOVERNOR_TAIL, true, on_consistency, w);
		free(url);
	} else {
		verdict(w, INCIDENT_ENTRIES_MISMATCH, "no earlier head was verified");
	}
}

/* ---- what the commit sees ---------------------------------------------------------------------------------------- */

static void fits_now(struct watcher *w)
{
	struct doubt *d = &w->doubt;
	char subject[32];
	uint64_t n_differ = 0, first = 0;

	for (uint64_t i = 0; d->first_hashes != NULL && i < d->n_hashes; i++) {
		if (hash_equal(&d->first_hashes[i], &d->hashes[i]))
			continue;
		if (n_differ++ == 0)
			first = d->from + i;
	}
	snprintf(subject, sizeof(subject), "%" PRIu64, d->head.tree_size);
	if (n_differ > 0)
		watch_report(w, INCIDENT_ENTRIES_FLAP, subject, "read again, entries fit the root of size %" PRIu64 "; %" PRIu64 " differ, the first is %" PRIu64,
			     d->head.tree_size, n_differ, first);
	else
		watch_report(w, INCIDENT_ENTRIES_FLAP, subject, "entries %" PRIu64 " to %" PRIu64 " fit the root of size %" PRIu64 " when read again",
			     d->from, d->head.tree_size - 1, d->head.tree_size);
	forget(w);
}

void watch_doubt(struct watcher *w, const struct tree_head *head)
{
	struct doubt *d = &w->doubt;

	/* beyond a head that was told and set aside, entries may be wrong too: each is read again for the next head that does not fit */
	if (d->phase == DOUBT_NONE || d->phase == DOUBT_BROKEN) {
		forget(w);
		begin(w, head);
		return;
	}
	/* a smaller head that came meanwhile does not fit either: the same doubt */
	if (d->phase != DOUBT_READING || head->tree_size > d->head.tree_size)
		return;
	if (d->first_hashes == NULL && d->hashes != NULL) {
		d->first_hashes = xcalloc(d->n_hashes, sizeof(*d->hashes));
		memcpy(d->first_hashes, d->hashes, (size_t)d->n_hashes * sizeof(*d->hashes));
	}
	d->attempts++;
	if (d->attempts >= (w->ingest->once ? 1 : 3))
		ask_who(w);
	else
		read_again(w);
}

/* ---- heads that are wrong themselves ---------------------------------------------------------------------------- */

static void range_text(const char *name, const struct compact_range *range, struct buf *out)
{
	buf_printf(out, "%s %" PRIu64 " %" PRIu64 "\n", name, range->start, range->end);
	for (uint32_t i = 0; i < range->n_hashes; i++) {
		char hex[2 * HASH_LEN + 1];

		hex_encode(range->hashes[i].bytes, HASH_LEN, hex);
		buf_printf(out, "%s\n", hex);
	}
}

/* Two signed heads, and the hashes that lead to the larger one's root past another root than the smaller one's: that is a proof. */
static void report_wrong(struct watcher *w, const struct wrong_head *wrong)
{
	char subject[48], heads[512], a[2 * HASH_LEN + 1], b[2 * HASH_LEN + 1];
	struct buf hashes;

	hex_encode(wrong->head.root.bytes, HASH_LEN, a);
	hex_encode(w->verified_head.root.bytes, HASH_LEN, b);
	snprintf(heads, sizeof(heads), "wrong size %" PRIu64 " root %s timestamp %" PRIu64 "\nright size %" PRIu64 " root %s timestamp %" PRIu64 "\n",
		 wrong->head.tree_size, a, wrong->head.timestamp_ms, w->verified_head.tree_size, b, w->verified_head.timestamp_ms);
	snprintf(subject, sizeof(subject), "%" PRIu64 "-%" PRIu64, wrong->head.tree_size, w->verified_head.tree_size);
	buf_init(&hashes, 64u << 10);
	range_text("tree", &wrong->tree, &hashes);
	range_text("beyond", &wrong->beyond, &hashes);
	struct evidence_file files[] = { { "heads.txt", slice_text(heads) }, { "hashes.txt", buf_slice(&hashes) }, { "log-key.der", log_key_spki(w->key) }, { 0 } };
	watch_report_evidence(w, INCIDENT_INCONSISTENT_STH, subject, files,
			      "the signed head of size %" PRIu64 " (root %.16s...) is of another tree than the one of size %" PRIu64
			      ", which the entries hash to; it is set aside, verification goes on",
			      wrong->head.tree_size, a, w->verified_head.tree_size);
	buf_deinit(&hashes);
}

void watch_doubt_settle(struct watcher *w, const struct wrong_head *wrong, size_t n_wrong)
{
	struct doubt *d = &w->doubt;
	bool blamed = false;

	for (size_t i = 0; i < n_wrong; i++) {
		/* of two roots of one size, which is a fork and told as such, entries fit the other one */
		if (wrong[i].head.tree_size < w->verified_head.tree_size)
			report_wrong(w, &wrong[i]);
		blamed |= d->phase != DOUBT_NONE && hash_equal(&wrong[i].head.root, &d->head.root);
	}
	if (d->phase == DOUBT_NONE || w->position.verified.end < d->head.tree_size)
		return;
	if (d->phase == DOUBT_READING && !blamed)
		fits_now(w);
	else
		forget(w);                /* what was told stays told */
}

void watch_doubt_due(struct watcher *w)
{
	struct doubt *d = &w->doubt;

	if (d->phase != DOUBT_WAITING || d->next_steady_ms == 0 || watch_steady_ms(w) < d->next_steady_ms)
		return;
	d->phase = DOUBT_READING;
	d->next_steady_ms = 0;
	watch_pump(w);
}

void watch_doubt_over(struct watcher *w)
{
	forget(w);
	for (size_t i = 0; i < w->pending.n; i++)
		w->pending.items[i].aside = false;        /* a log that was mended may serve now what it signed */
	w->compare_wanted = true;
	watch_commit(w);
	watch_pump(w);
}
