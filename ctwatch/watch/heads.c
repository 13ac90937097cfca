/*
 * Tree heads: asked for politely, checked, compared with every head that is known, and stored before anything is done about
 * them: a head that was seen once is a commitment that the log must keep, over our restarts too.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define FINISHED_POLL_MS (6 * HOUR_MS)
#define RETRY_MAX_MS (5 * MINUTE_MS)
#define FUTURE_MS (5 * MINUTE_MS)
#define STATIC_STALE_MS (10 * MINUTE_MS)
#define HEAD_PLAIN_MAX 2048           /* bytes: an STH has 300, a checkpoint with a few witnesses less than this */
#define BAD_SIGNATURES_WITHIN_MS (15 * MINUTE_MS)

/* ---- asking ----------------------------------------------------------------------------------------- */

static int64_t poll_interval(const struct watcher *w)
{
	if (w->how != FOLLOW_LIVE && w->has_newest && position_end(&w->position) == w->newest.tree_size)
		return FINISHED_POLL_MS;
	return w->ingest->config->poll_ms;
}

static int64_t retry_delay(const struct watcher *w)
{
	/* what looks odd is asked for again once, at once */
	if (w->head_failures == 1)
		return 1;
	int64_t delay = (int64_t)1000 << (w->head_failures < 10 ? w->head_failures - 1 : 9);
	return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

/* ---- why there is no head, for `logs` ------------------------------------------------------------------ */

struct excuse {
	struct watcher *w;
	struct hash log_id;
	char text[512];
	int64_t now_ms;
};

static bool excuse_job(void *ctx, struct state *st, struct error *err)
{
	const struct excuse *excuse = ctx;

	return state_log_progress(st, &excuse->log_id, 0, excuse->text, excuse->now_ms, err);
}

static void on_excused(void *ctx, bool ok, const struct error *err)
{
	struct excuse *excuse = ctx;

	(void)ok, (void)err;
	watch_release(excuse->w);
	free(excuse);
}

/* The second failure is told, and then every now and then; the next head or commit takes it back. */
static void tell_trouble(struct watcher *w, const struct error *err)
{
	if (w->ingest->store == NULL || w->options.scan || (w->head_failures != 2 && w->head_failures % 8 != 0))
		return;
	struct excuse *excuse = xcalloc(1, sizeof(*excuse));

	excuse->w = w;
	excuse->log_id = w->log.log_id;
	excuse->now_ms = watch_wall_ms(w);
	snprintf(excuse->text, sizeof(excuse->text), "%s", err->text);
	watch_hold(w);
	store_submit(w->ingest->store, excuse_job, on_excused, excuse);
}

/* ---- failures -------------------------------------------------------------------------------------------- */

static void head_failed(struct watcher *w, const struct error *err)
{
	w->head_failures++;
	watch_trouble(w, err);
	tell_trouble(w, err);
	w->next_poll_steady_ms = watch_steady_ms(w) + retry_delay(w);
	watch_schedule(w);
}

static void signature_failed(struct watcher *w, struct slice raw, const struct error *err)
{
	int64_t now = watch_steady_ms(w);

	memmove(&w->bad_signatures_steady_ms[1], &w->bad_signatures_steady_ms[0], sizeof(w->bad_signatures_steady_ms) - sizeof(w->bad_signatures_steady_ms[0]));
	w->bad_signatures_steady_ms[0] = now;
	bool lasting = w->bad_signatures_steady_ms[2] != 0 && now - w->bad_signatures_steady_ms[2] <= BAD_SIGNATURES_WITHIN_MS;
	bool again = w->bad_signatures_steady_ms[1] != 0 && now - w->bad_signatures_steady_ms[1] <= BAD_SIGNATURES_WITHIN_MS;
	if (lasting || (again && w->ingest->once)) {
		struct evidence_file files[] = { { "head.raw", raw }, { "log-key.der", log_key_spki(w->key) }, { 0 } };
		watch_report_evidence(w, INCIDENT_BAD_STH_SIGNATURE, "", files, "%s", err->text);
		w->last_error = *err;
		watch_settle(w, WATCHER_LEFT_BEHIND);     /* asking on would only say it again */
	}
}

/* ---- plausibility ------------------------------------------------------------------------------------- */

static void check_fresh(struct watcher *w, const struct tree_head *head)
{
	char text[TIME_TEXT_LEN], age_text[TIME_TEXT_LEN];
	int64_t now = watch_wall_ms(w), time_ms = watch_head_ms(head), age = now - time_ms;
	int64_t stale = w->log.protocol == LOG_STATIC ? STATIC_STALE_MS : (w->log.mmd_s > 0 ? w->log.mmd_s : 86400) * 1000;
	bool ended = w->how != FOLLOW_LIVE || now > w->log.interval_end_ms;

	if (-age > FUTURE_MS)
		watch_report(w, INCIDENT_FUTURE_STH, "", "tree head is dated %s, %s ahead of our clock", time_format_rfc3339(time_ms, text),
			     duration_format(-age, age_text));
	else
		watch_clear(w, INCIDENT_FUTURE_STH, "the head's time is plausible again");
	if (age > stale && !ended)
		watch_report(w, INCIDENT_STALE_STH, "", "newest tree head is of %s, %s old; a new one is due every %s",
			     time_format_rfc3339(time_ms, text), duration_format(age, age_text),
			     w->log.protocol == LOG_STATIC ? "minute" : "merge delay");
	else
		watch_clear(w, INCIDENT_STALE_STH, "a fresh tree head came");
}

static void check_oddities(struct watcher *w, unsigned oddities)
{
	if (oddities & CHECKPOINT_ORIGIN_MISMATCH)
		watch_report(w, INCIDENT_ORIGIN_MISMATCH, "", "checkpoint is signed by the log's key under an origin other than %s",
			     w->log.submission_url == NULL ? w->log.url : w->log.submission_url);
	else
		watch_clear(w, INCIDENT_ORIGIN_MISMATCH, "the origin is the listed one");
	if (oddities & CHECKPOINT_EXTENSION_LINES)
		watch_report(w, INCIDENT_NOTE_NONCONFORMING, "", "checkpoint has extension lines, which logs may not have");
	else
		watch_clear(w, INCIDENT_NOTE_NONCONFORMING, "the checkpoint conforms");
}

static void check_final(struct watcher *w, const struct tree_head *head, struct slice raw)
{
	const struct tree_head *final = &w->log.final_head;
	struct evidence_file files[] = { { "head.raw", raw }, { "log-key.der", log_key_spki(w->key) }, { 0 } };

	if (!w->log.has_final_head)
		return;
	if (head->tree_size > final->tree_size)
		watch_report_evidence(w, INCIDENT_READONLY_GREW, "", files, "read-only log has a head of %" PRIu64 " entries, its final one has %" PRIu64,
				      head->tree_size, final->tree_size);
	else if (head->tree_size == final->tree_size && !hash_equal(&head->root, &final->root))
		watch_report_evidence(w, INCIDENT_FINAL_HEAD_MISMATCH, "", files,
				      "head of the final size %" PRIu64 " has another root than the one listed", head->tree_size);
}

/* ---- is it the same tree? (shared/spec/ct-protocols.md 4.4) --------------------------------------------- */

static void report_fork(struct watcher *w, const struct tree_head *known, const struct tree_head *head, struct slice raw)
{
	char subject[32], a[2 * HASH_LEN + 1], b[2 * HASH_LEN + 1], text[256];
	struct evidence_file files[] = { { "head.raw", raw }, { "known-head.txt", { 0 } }, { "log-key.der", log_key_spki(w->key) }, { 0 } };

	hex_encode(known->root.bytes, HASH_LEN, a);
	hex_encode(head->root.bytes, HASH_LEN, b);
	snprintf(subject, sizeof(subject), "%" PRIu64, head->tree_size);
	snprintf(text, sizeof(text), "size %" PRIu64 "\nroot %s\ntimestamp %" PRIu64 "\n", known->tree_size, a, known->timestamp_ms);
	files[1].content = slice_text(text);
	watch_report_evidence(w, INCIDENT_FORK, subject, files, "two signed heads of size %" PRIu64 " have the roots %.16s... and %.16s...",
			      head->tree_size, a, b);
}

void watch_report_fork(struct watcher *w, uint64_t tree_size)
{
	char subject[32];
	const struct evidence_file files[] = { { "log-key.der", log_key_spki(w->key) }, { 0 } };

	snprintf(subject, sizeof(subject), "%" PRIu64, tree_size);
	watch_report_evidence(w, INCIDENT_FORK, subject, files, "two signed heads of size %" PRIu64 " have different roots", tree_size);
}

/* Does its tree belong to the one that is verified, or when nothing is yet, to the newest one? */
static void ask_for_proof(struct watcher *w, const struct tree_head *head)
{
	const struct tree_head *known = w->has_verified_head && w->verified_head.tree_size > head->tree_size ? &w->verified_head : &w->newest;

	if (head->tree_size < known->tree_size)
		watch_want_proof(w, head, known);
	else
		watch_want_proof(w, known, head);
}

/* Order of size and time, against the newest head that is followed. */
static void check_order(struct watcher *w, const struct tree_head *head, struct slice raw)
{
	struct evidence_file files[] = { { "head.raw", raw }, { "log-key.der", log_key_spki(w->key) }, { 0 } };
	const struct tree_head *known = &w->newest;

	if (!w->has_newest || head->tree_size == known->tree_size)
		return;
	if (head->timestamp_ms == known->timestamp_ms)          /* RFC 6962 section 3.5: each head is newer than those before it */
		watch_report(w, INCIDENT_TIMESTAMP_ORDER, "", "heads of %" PRIu64 " and of %" PRIu64 " entries have the same timestamp", known->tree_size,
			     head->tree_size);
	if (head->tree_size > known->tree_size && head->timestamp_ms < known->timestamp_ms) {
		watch_report(w, INCIDENT_STH_ORDER, "", "head of size %" PRIu64 " is older than the head of size %" PRIu64, head->tree_size,
			     known->tree_size);
		ask_for_proof(w, head);
	} else if (head->tree_size < known->tree_size && head->timestamp_ms > known->timestamp_ms) {
		watch_report_evidence(w, INCIDENT_ROLLBACK, "", files, "head of size %" PRIu64 " is newer than the head of size %" PRIu64,
				      head->tree_size, known->tree_size);
		ask_for_proof(w, head);
	} else if (head->tree_size < known->tree_size && head->tree_size > 0) {
		ask_for_proof(w, head);  /* a front end that lags behind: normal, if its tree is the same */
	}
}

/* ---- what is kept of it ---------------------------------------------------------------------------------------- */

static bool still_verifies(struct watcher *w, const struct buf *raw)
{
	struct tree_head head;
	struct error ignored;
	unsigned oddities;

	return w->source->head_parse(&w->log, w->key, buf_slice(raw), &head, &oddities, &ignored);
}

/* Origin, size, root and one signature: the log's own covers size, root and time, so that extension lines may go. */
static bool compact_note(struct watcher *w, struct slice raw, struct buf *out)
{
	struct slice rest = raw, line, top;
	size_t len = 0;

	for (unsigned i = 0; i < 3; i++) {
		ptrdiff_t end = slice_find(slice_sub(raw, len, raw.len), '\n');
		if (end < 0)
			return false;
		len += (size_t)end + 1;
	}
	top = slice_sub(raw, 0, len);
	while (rest.len > 0) {
		ptrdiff_t end = slice_find(rest, '\n');

		line = slice_sub(rest, 0, end < 0 ? rest.len : (size_t)end + 1);
		rest = slice_sub(rest, line.len, rest.len);
		if (line.len < 4 || line.data[0] != 0xe2 || line.len + top.len >= STATE_HEAD_BYTES_MAX)
			continue;
		buf_clear(out);
		if (buf_append_slice(out, top) && buf_append_byte(out, '\n') && buf_append_slice(out, line) && still_verifies(w, out))
			return true;
	}
	return false;
}

static bool compact_json(struct watcher *w, struct slice raw, struct buf *out)
{
	static const char *const MEMBERS[] = { "tree_size", "timestamp", "sha256_root_hash", "tree_head_signature" };
	json_t *all = json_loadb((const char *)raw.data, raw.len, 0, NULL), *kept = json_object();

	for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++)
		json_object_set(kept, MEMBERS[i], json_object_get(all, MEMBERS[i]));
	char *text = json_dumps(kept, JSON_COMPACT);
	buf_clear(out);
	bool ok = text != NULL && buf_append_slice(out, slice_text(text));
	free(text);
	json_decref(kept);
	json_decref(all);
	return ok && still_verifies(w, out);
}

/* A head is kept for good, as it came unless it is padded: then what its signature covers, which proves the same. */
static void head_compact(struct watcher *w, struct slice raw, struct buf *out)
{
	if (raw.len <= HEAD_PLAIN_MAX) {
		buf_append_slice(out, raw);
		return;
	}
	bool ok = w->log.protocol == LOG_STATIC ? compact_note(w, raw, out) : compact_json(w, raw, out);
	if (ok && out->len <= STATE_HEAD_BYTES_MAX)
		return;
	buf_clear(out);
	if (raw.len <= STATE_HEAD_BYTES_MAX)
		buf_append_slice(out, raw);
}

/* ---- stored, then acted on --------------------------------------------------------------------------------- */

struct keep_head {
	struct watcher *w;
	struct hash log_id;
	struct tree_head head;
	struct buf raw;
	int64_t now_ms;
	struct head_answer answer;
	unsigned n_damaged;               /* heads of this size that were not what was stored */
};

struct stored_head {
	const struct keep_head *keep;
	bool damaged;
};

/* What the log signed stands in the raw bytes; a root beside them that says something else was changed by the disk. */
static bool check_stored(void *ctx, const struct state_head *stored)
{
	struct stored_head *s = ctx;
	const struct watcher *w = s->keep->w;
	struct tree_head signed_head;
	struct error ignored;
	unsigned oddities;

	if (strcmp(stored->source, "log") != 0 || stored->raw.len == 0 || !hash_equal(&stored->root, &s->keep->answer.other.root))
		return true;
	s->damaged = !w->source->head_parse(&w->log, w->key, stored->raw, &signed_head, &oddities, &ignored) ||
		     signed_head.tree_size != stored->tree_size || !hash_equal(&signed_head.root, &stored->root);
	return false;
}

/* The log is not to blame for what the disk did: such a head goes, and the one that came is asked about again. */
static bool put_head_again(struct keep_head *keep, const struct state_head *head, struct state *st, bool *again, struct error *err)
{
	struct stored_head stored = { .keep = keep };

	*again = false;
	if (!keep->answer.forks)
		return true;
	if (!state_heads(st, &keep->log_id, HEADS_OF_SIZE, head->tree_size, check_stored, &stored, err))
		return false;
	*again = stored.damaged;
	keep->n_damaged += stored.damaged;
	return !stored.damaged || (state_drop_head(st, &keep->log_id, head->tree_size, &keep->answer.other.root, err) &&
				   state_drop_head(st, &keep->log_id, head->tree_size, &head->root, err));
}

static bool keep_job(void *ctx, struct state *st, struct error *err)
{
	struct keep_head *keep = ctx;
	struct state_head head = {
		.tree_size = keep->head.tree_size,
		.timestamp_ms = keep->head.timestamp_ms,
		.root = keep->head.root,
		.raw = buf_slice(&keep->raw),
		.received_ms = keep->now_ms,
		.source = "log",
	};

	bool again = true;

	keep->n_damaged = 0;
	while (again)
		if (!state_put_head(st, &keep->log_id, &head, &keep->answer, err) || !put_head_again(keep, &head, st, &again, err))
			return false;
	return state_log_progress(st, &keep->log_id, keep->now_ms, NULL, keep->now_ms, err);
}

/* A scan stores no heads: those of this run are compared. */
static void ask_memory(const struct watcher *w, struct keep_head *keep)
{
	const struct tree_head *known = &w->newest;

	keep->answer.stored = true;
	if (!w->has_newest || known->tree_size != keep->head.tree_size || hash_equal(&known->root, &keep->head.root))
		return;
	keep->answer.forks = true;
	keep->answer.standing = HEAD_FORKED;
	keep->answer.other = (struct state_head){ .tree_size = known->tree_size, .timestamp_ms = known->timestamp_ms, .root = known->root };
}

/* A size inside what is read already: entries cannot say any more whether it fits, a proof can. */
static void on_lost(void *ctx, const struct tree_head *head)
{
	ask_for_proof(ctx, head);
}

void watch_cut(struct watcher *w)
{
	pending_cut(&w->pending, &w->position, on_lost, w);
}

/* A head that contradicts another one of its size is evidence; it is compared when entries reach its size, and followed never. */
static void add_pending(struct watcher *w, const struct keep_head *keep)
{
	struct pending_head head = { .head = keep->head, .received_ms = keep->now_ms, .forked = keep->answer.standing == HEAD_FORKED };

	if (keep->head.tree_size <= w->position.verified.end || !keep->answer.stored)
		return;
	pending_add(&w->pending, &head);
	watch_cut(w);
	w->compare_wanted |= position_end(&w->position) >= keep->head.tree_size;
}

/* The newest is the largest head that contradicts no other: what is read up to. */
static void follow(struct watcher *w, const struct tree_head *head)
{
	bool larger = !w->has_newest || head->tree_size > w->newest.tree_size;

	if (larger || (head->tree_size == w->newest.tree_size && head->timestamp_ms > w->newest.timestamp_ms))
		w->newest = *head;
	w->has_newest = true;
}

static void act_on(struct watcher *w, struct keep_head *keep)
{
	const struct state_head *other = &keep->answer.other;
	struct tree_head known = { .tree_size = other->tree_size, .timestamp_ms = other->timestamp_ms, .root = other->root };

	if (keep->n_damaged > 0)
		watch_report(w, INCIDENT_STATE_DAMAGED, "", "a stored head of size %" PRIu64 " is not what the log signed: the disk or somebody changed the "
			     "state, the log is not to blame", keep->head.tree_size);
	if (keep->answer.forks)
		report_fork(w, &known, &keep->head, buf_slice(&keep->raw));
	if (keep->answer.standing == HEAD_GOOD) {
		if (!keep->answer.verified)
			check_order(w, &keep->head, buf_slice(&keep->raw));
		follow(w, &keep->head);
		if (w->options.scan)
			prover_head(w->prover, &keep->head, buf_slice(&keep->raw));
	}
	/* also one that contradicts another: how far entries are there is all that it is asked here */
	watch_missing_head(w, keep->head.tree_size);
	add_pending(w, keep);
}

static void on_kept(void *ctx, bool ok, const struct error *err)
{
	struct keep_head *keep = ctx;
	struct watcher *w = keep->w;

	if (w->phase == WATCHER_CLOSING)
		goto out;
	if (!ok) {
		head_failed(w, err);
		goto out;
	}
	act_on(w, keep);
	if (!w->has_newest)
		goto out;                 /* all that came so far contradicts what an earlier run knew */
	if (!w->has_target) {
		w->has_target = true;
		w->target = w->newest.tree_size;
		w->live_from = w->newest.tree_size;
	}
	watch_progress(w);
	if (w->phase == WATCHER_ASKING) {
		watch_enter(w, WATCHER_STARTING);
		watch_start_reading(w);
	}
	watch_commit(w);
	watch_check_proof(w);
	watch_check_edge(w);
	watch_check_tail(w);
	watch_pump(w);
out:
	if (w->phase != WATCHER_CLOSING)
		watch_schedule(w);
	buf_deinit(&keep->raw);
	free(keep);
	watch_release(w);
}

static void keep_head(struct watcher *w, const struct tree_head *head, struct slice raw)
{
	struct keep_head *keep = xcalloc(1, sizeof(*keep));

	keep->w = w;
	keep->log_id = w->log.log_id;
	keep->head = *head;
	keep->now_ms = watch_wall_ms(w);
	buf_init(&keep->raw, NOTE_BYTES_MAX);
	head_compact(w, raw, &keep->raw);
	watch_hold(w);
	if (w->options.scan) {
		ask_memory(w, keep);
		on_kept(keep, true, NULL);
	} else {
		store_submit(w->ingest->store, keep_job, on_kept, keep);
	}
}

/* ---- the answer ------------------------------------------------------------------------------------------------ */

static void head_came(struct watcher *w, const struct tree_head *head, unsigned oddities, struct slice raw)
{
	int64_t now = watch_steady_ms(w);

	w->head_failures = 0;
	w->answered_at = uv_now(w->ingest->loop);
	w->last_head_steady_ms = now;
	w->next_poll_steady_ms = w->ingest->once ? 0 : now + poll_interval(w);
	w->last_error = (struct error){ 0 };
	memset(w->bad_signatures_steady_ms, 0, sizeof(w->bad_signatures_steady_ms));
	watch_clear(w, INCIDENT_BAD_STH_SIGNATURE, "heads verify again");
	watch_clear(w, INCIDENT_UNREACHABLE, "the log answers again");
	watch_clear(w, INCIDENT_UNREACHABLE_DAY, "the log answers again");
	check_oddities(w, oddities);
	check_fresh(w, head);
	check_final(w, head, raw);
	keep_head(w, head, raw);
}

static void on_head(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct error err = { 0 };
	struct tree_head head;
	struct slice body;
	unsigned oddities = 0;

	w->head_request = NULL;
	if (answer->status != 200 || answer->error[0] != '\0') {
		request_failed(w->source->head_path, answer, &err);
		head_failed(w, &err);
		return;
	}
	if (!request_body(w->ingest, answer, w->source->head_bytes_max, &body, &err)) {
		error_context(&err, "%s", w->source->head_path);
		head_failed(w, &err);
		return;
	}
	if (!w->source->head_parse(&w->log, w->key, body, &head, &oddities, &err)) {
		if (err.kind == ERR_CONTRADICTION)
			signature_failed(w, body, &err);
		head_failed(w, &err);
		return;
	}
	head_came(w, &head, oddities, body);
}

void watch_poll(struct watcher *w)
{
	char *url = xasprintf("%s%s", w->log.url, w->source->head_path);

	w->head_request = watch_request(w, url, w->source->head_bytes_max, GOVERNOR_HEAD, w->head_failures > 0, on_head, w);
	free(url);
}

void watch_heads_due(struct watcher *w, int64_t now)
{
	char text[TIME_TEXT_LEN];
	int64_t silent = now - w->last_head_steady_ms;

	if (w->next_poll_steady_ms != 0 && now >= w->next_poll_steady_ms && w->head_request == NULL)
		watch_poll(w);
	if (silent <= HOUR_MS || silent <= 2 * poll_interval(w) || w->head_failures == 0 || w->how == FOLLOW_READ_OUT)
		return;
	watch_report(w, INCIDENT_UNREACHABLE, "", "no valid tree head for %s: %s", duration_format(silent, text), w->last_error.text);
	if (silent > 24 * HOUR_MS)
		watch_report(w, INCIDENT_UNREACHABLE_DAY, "day", "no valid tree head for more than a day: %s", w->last_error.text);
}
