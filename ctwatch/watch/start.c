/*
 * Where reading begins: at the first entry, at the end, or at a time. Anywhere but at 0 the hashes of what lies before must
 * be had without reading it, so that every later root can be rebuilt:
 *
 *   static    hash tiles along the right edge of the tree of that size
 *   classic   the audit path of the last leaf, which reversed is the list of peaks before it; where get-entry-and-proof
 *             fails, get-entries for the leaf and get-proof-by-hash for the path
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES_MAX (2u << 20)   /* one entry with its chain, or a data tile; compressed or not */
#define RESTORE_ATTEMPTS 5
#define REFUSED_AFTER 10             /* attempts: in about a quarter of an hour */
#define RETRY_MAX_MS ((int64_t)5 * 60 * 1000)

static void start_failed(struct watcher *w, const struct error *err)
{
	int64_t delay = w->start_failures == 0 ? 1 : (int64_t)1000 << (w->start_failures < 9 ? w->start_failures : 9);

	w->start_failures++;
	watch_trouble(w, err);
	if (w->start_failures >= (w->ingest->once ? 2 : REFUSED_AFTER))
		watch_refused(w, CHECK_START, "nothing is read, since the tree below the first entry to read cannot be had: %s", err->text);
	w->retry_start_steady_ms = watch_steady_ms(w) + (delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS);
	watch_schedule(w);
}

/* ---- the start is known -------------------------------------------------------------------------------- */

struct begin {
	struct watcher *w;
	struct hash log_id;
	struct compact_range tree;        /* [0, start) */
	bool proven;                      /* its root is that of a signed head */
	bool restored;                    /* what was lost of it; where reading began stays */
	struct tree_head head;
	int64_t now_ms;
};

static bool begin_job(void *ctx, struct state *st, struct error *err)
{
	struct begin *begin = ctx;
	struct state_range range = {
		.start = 0,
		.end = begin->tree.end,
		.verified = begin->proven,
		.hashes = slice_of(begin->tree.hashes, (size_t)begin->tree.n_hashes * HASH_LEN),
	};

	return state_set_start(st, &begin->log_id, begin->tree.end, err) &&
	       state_put_ranges(st, &begin->log_id, &range, range.end == 0 ? 0 : 1, err) &&
	       (!begin->proven || state_verify_head(st, &begin->log_id, begin->head.tree_size, &begin->head.root, begin->now_ms, err));
}

static void on_begun(void *ctx, bool ok, const struct error *err)
{
	struct begin *begin = ctx;
	struct watcher *w = begin->w;

	if (w->phase == WATCHER_CLOSING)
		goto out;
	if (!ok) {
		start_failed(w, err);
		goto out;
	}
	if (!begin->restored)
		w->start_index = begin->tree.end;
	w->has_start = true;
	w->restoring = false;
	watch_answered(w, CHECK_START);
	position_verify(&w->position, &begin->tree);
	watch_cut(w);
	if (begin->proven) {
		w->verified_head = begin->head;
		w->has_verified_head = true;
	}
	watch_progress(w);
	watch_enter(w, WATCHER_FOLLOWING);
	if (!begin->proven && begin->tree.end > 0 && !w->options.scan) {
		struct tree_head base = { .tree_size = begin->tree.end, .root = range_root(&begin->tree) };
		watch_want_proof(w, &base, &w->newest);
	}
	if (begin->proven && !begin->restored && w->ingest->config->start == START_END && !w->options.scan) {
		w->started_at_end = true;
		watch_settle(w, WATCHER_STARTED_AT_END);
	}
	watch_commit(w);
	watch_check_edge(w);
	watch_pump(w);
	watch_schedule(w);
out:
	free(begin);
	watch_release(w);
}

static void begin_at(struct watcher *w, const struct compact_range *tree, bool proven)
{
	struct begin *begin = xcalloc(1, sizeof(*begin));

	begin->w = w;
	begin->log_id = w->log.log_id;
	begin->tree = *tree;
	begin->proven = proven;
	begin->restored = w->restoring;
	begin->head = w->restoring ? w->verified_head : w->newest;
	begin->now_ms = watch_wall_ms(w);
	watch_hold(w);
	if (w->options.scan || w->restoring)
		on_begun(begin, true, NULL);      /* the next commit stores it */
	else
		store_submit(w->ingest->store, begin_job, on_begun, begin);
}

static void edge_built(struct watcher *w, const struct compact_range *tree)
{
	struct error err;

	const struct tree_head *known = w->restoring && w->has_verified_head ? &w->verified_head : &w->newest;

	if (tree->end != w->newest.tree_size && w->ingest->config->start == START_END && !w->options.scan && !w->restoring) {
		watch_start_reading(w);   /* a head came meanwhile: the end is where that one is, and it proves the edge */
		return;
	}
	if (tree->end != known->tree_size) {
		begin_at(w, tree, false);
		return;
	}
	struct hash root = range_root(tree);
	if (hash_equal(&root, &known->root)) {
		begin_at(w, tree, true);
		return;
	}
	error_set(&err, ERR_CONTRADICTION, "the right edge of the tree of %" PRIu64 " entries does not hash to its signed root", tree->end);
	if (w->start_failures > 0)
		watch_report(w, w->log.protocol == LOG_STATIC ? INCIDENT_TILE_HASH_MISMATCH : INCIDENT_ENTRIES_MISMATCH, "", "%s", err.text);
	start_failed(w, &err);
}

/* ---- the right edge: static logs --------------------------------------------------------------------------- */

static void on_walked(void *ctx, const struct compact_range *tree, const struct error *err)
{
	struct watcher *w = ctx;

	w->walk = NULL;
	if (tree == NULL)
		start_failed(w, err);
	else
		edge_built(w, tree);
}

static void edge_from_tiles(struct watcher *w)
{
	struct compact_range nothing;

	range_init(&nothing, 0);
	struct walk_options options = {
		.from = &nothing,
		.to = w->start_at,
		.tree_size = w->newest.tree_size,
		.fresh = w->start_failures > 0,
		.done = on_walked,
		.ctx = w,
	};
	w->walk = tree_walk_start(w, &options);
}

/* ---- the right edge: classic logs ------------------------------------------------------------------------------ */

static void send_start(struct watcher *w)
{
	w->start_request = watch_request(w, w->start_url, ANSWER_BYTES_MAX, GOVERNOR_TAIL, w->start_failures > 0, w->start_done, w);
	free(w->start_url);
	w->start_url = NULL;
}

/* All logs start at once, and each may answer as much as it may: they wait for room like those that read. */
static void ask_start(struct watcher *w, char *url, void (*done)(void *ctx, struct fetch_answer *answer))
{
	free(w->start_url);
	w->start_url = url;
	w->start_done = done;
	watch_start_room(w);
}

void watch_start_room(struct watcher *w)
{
	if (w->phase == WATCHER_STARTING && w->start_url != NULL && w->start_request == NULL && budget_take(&w->budget, ANSWER_BYTES_MAX))
		send_start(w);
}

/* The body of a good answer, else the failure is dealt with. */
static bool good_answer(struct watcher *w, const struct fetch_answer *answer, const char *what, struct slice *body, struct error *err)
{
	w->start_request = NULL;
	budget_give(&w->budget, ANSWER_BYTES_MAX);
	if (answer->status != 200 || answer->error[0] != '\0')
		return request_failed(what, answer, err);
	return request_body(w->ingest, answer, ANSWER_BYTES_MAX, body, err);
}

static void use_proof(struct watcher *w, const struct hash *leaf, const struct proof *proof)
{
	struct compact_range tree;
	struct error err;

	if (range_from_last_leaf_proof(w->start_at, proof, &tree)) {
		range_append_leaf(&tree, leaf);
		edge_built(w, &tree);
		return;
	}
	error_set(&err, ERR_MALFORMED, "audit path of entry %" PRIu64 " has %zu nodes, which does not fit", w->start_at - 1, proof->n_nodes);
	start_failed(w, &err);
}

static void on_proof_by_hash(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct error err = { 0 };
	struct slice body;
	struct proof proof;
	uint64_t index;

	if (!good_answer(w, answer, "get-proof-by-hash", &body, &err) || !inclusion_parse(body, &index, &proof, &err)) {
		start_failed(w, &err);
	} else if (index != w->start_at - 1) {
		error_set(&err, ERR_MALFORMED, "get-proof-by-hash: leaf %" PRIu64 " came for leaf %" PRIu64, index, w->start_at - 1);
		start_failed(w, &err);
	} else {
		use_proof(w, &w->start_leaf, &proof);
	}
}

static bool first_leaf(struct slice body, struct buf *leaf, struct error *err)
{
	struct entries_page page;
	struct slice leaf_b64, extra_b64;
	size_t len;

	entries_page_init(&page, body);
	if (!entries_page_next(&page, &leaf_b64, &extra_b64, err))
		return page.done ? error_set(err, ERR_MALFORMED, "no entries came") : false;
	uint8_t *room = buf_reserve(leaf, leaf_b64.len / 4 * 3 + 3);
	if (room == NULL || !page_base64_decode(leaf_b64, room, &len))
		return error_set(err, ERR_MALFORMED, "leaf_input is not base64");
	leaf->len += len;
	return true;
}

static void percent_encode_base64(const char *in, char *out)
{
	for (; *in != '\0'; in++) {
		if (*in == '+' || *in == '/' || *in == '=')
			out += sprintf(out, "%%%02X", (unsigned char)*in);
		else
			*out++ = *in;
	}
	*out = '\0';
}

static void on_last_entry(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct error err = { 0 };
	struct slice body;
	struct buf leaf;
	char b64[BASE64_LEN(HASH_LEN) + 1], encoded[3 * BASE64_LEN(HASH_LEN) + 1];

	buf_init(&leaf, RESPONSE_BYTES_MAX);
	if (!good_answer(w, answer, "get-entries", &body, &err) || !first_leaf(body, &leaf, &err)) {
		buf_deinit(&leaf);
		start_failed(w, &err);
		return;
	}
	w->start_leaf = leaf_hash(buf_slice(&leaf));
	buf_deinit(&leaf);
	base64_encode(w->start_leaf.bytes, HASH_LEN, b64);
	percent_encode_base64(b64, encoded);
	ask_start(w, xasprintf("%s/ct/v1/get-proof-by-hash?hash=%s&tree_size=%" PRIu64, w->log.url, encoded, w->start_at), on_proof_by_hash);
}

static void on_entry_and_proof(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct error err = { 0 };
	struct slice body;
	struct proof proof;
	uint8_t *leaf;
	size_t leaf_len;

	if (!good_answer(w, answer, "get-entry-and-proof", &body, &err) || !entry_and_proof_parse(body, &leaf, &leaf_len, &proof, &err)) {
		watch_trouble(w, &err);
		ask_start(w, xasprintf("%s/ct/v1/get-entries?start=%" PRIu64 "&end=%" PRIu64, w->log.url, w->start_at - 1, w->start_at - 1),
			  on_last_entry);
		return;
	}
	struct hash hash = leaf_hash(slice_of(leaf, leaf_len));
	free(leaf);
	use_proof(w, &hash, &proof);
}

static void build_edge(struct watcher *w)
{
	if (w->log.protocol == LOG_STATIC)
		edge_from_tiles(w);
	else
		ask_start(w, xasprintf("%s/ct/v1/get-entry-and-proof?leaf_index=%" PRIu64 "&tree_size=%" PRIu64, w->log.url, w->start_at - 1,
				       w->start_at), on_entry_and_proof);
}

/* ---- start at a time: bisecting entry timestamps ------------------------------------------------------------------ */

static void bisect_next(struct watcher *w);

static bool first_timestamp(struct watcher *w, struct slice body, int64_t *timestamp_ms, struct error *err)
{
	struct entry entry;
	struct buf leaf;
	bool ok;

	if (w->log.protocol == LOG_STATIC) {
		ok = entry_take_tile_leaf(&body, &entry, err);
	} else {
		buf_init(&leaf, RESPONSE_BYTES_MAX);
		ok = first_leaf(body, &leaf, err) && entry_parse(buf_slice(&leaf), &entry, err);
		buf_deinit(&leaf);
	}
	if (ok)
		*timestamp_ms = entry.timestamp_ms > INT64_MAX ? INT64_MAX : (int64_t)entry.timestamp_ms;
	return ok;
}

static uint64_t bisect_middle(const struct watcher *w)
{
	uint64_t middle = w->bisect.low + (w->bisect.high - w->bisect.low) / 2;

	return middle - middle % TILE_WIDTH;
}

static void on_bisect(void *ctx, struct fetch_answer *answer)
{
	struct watcher *w = ctx;
	struct error err = { 0 };
	struct slice body;
	int64_t timestamp_ms, mmd_ms = (w->log.mmd_s > 0 ? w->log.mmd_s : 86400) * 1000;

	if (!good_answer(w, answer, "bisecting the start", &body, &err) || !first_timestamp(w, body, &timestamp_ms, &err)) {
		start_failed(w, &err);
		return;
	}
	/* entries may be one merge delay out of order: back by so much */
	if (timestamp_ms < w->ingest->config->start_time_ms - mmd_ms)
		w->bisect.low = bisect_middle(w);
	else
		w->bisect.high = bisect_middle(w);
	bisect_next(w);
}

static void bisect_next(struct watcher *w)
{
	uint64_t middle = bisect_middle(w);

	if (w->bisect.high - w->bisect.low <= TILE_WIDTH || middle == w->bisect.low) {
		struct compact_range nothing;

		w->bisect.active = false;
		w->start_at = w->bisect.low;
		range_init(&nothing, 0);
		if (w->start_at == 0)
			begin_at(w, &nothing, false);
		else
			build_edge(w);
		return;
	}
	struct source_window window;
	w->source->window(&w->log, &w->page, middle, middle + 1, w->newest.tree_size, false, &window);
	ask_start(w, window.url, on_bisect);
}

/* ---- choosing --------------------------------------------------------------------------------------------------------- */

/*
 * The hashes of the verified prefix are lost. They are had anew up to the verified head, whose root says whether they are right; where
 * the log does not give them, the log is read again from where it was read first. False: nothing is to be had.
 */
static bool choose_restored(struct watcher *w)
{
	uint64_t size = w->has_verified_head ? w->verified_head.tree_size : 0;

	if (!w->restoring)
		return false;
	if (w->log.protocol == LOG_STATIC)
		size = size / TILE_WIDTH * TILE_WIDTH;    /* what lies behind may not have been read */
	w->start_at = w->start_failures < RESTORE_ATTEMPTS && size > w->start_index ? size : w->start_index;
	return w->start_at != 0 && w->start_at <= w->newest.tree_size;
}

void watch_start_reading(struct watcher *w)
{
	struct compact_range nothing;

	if (w->start_request != NULL || w->start_url != NULL || w->walk != NULL)
		return;
	range_init(&nothing, 0);
	if (w->options.scan) {
		w->start_at = w->options.scan_from < w->newest.tree_size ? w->options.scan_from : w->newest.tree_size;
	} else if (w->has_start && !choose_restored(w)) {
		w->restoring = false;
		watch_enter(w, WATCHER_FOLLOWING);
		return;
	} else if (w->has_start) {
		build_edge(w);
		return;
	} else if (w->ingest->config->start == START_TIME) {
		if (w->start_at != 0) {
			build_edge(w);    /* chosen before, only the edge failed */
			return;
		}
		if (!w->bisect.active)
			w->bisect = (struct bisect){ .high = w->newest.tree_size, .active = true };
		bisect_next(w);
		return;
	} else {
		w->start_at = w->ingest->config->start == START_END ? w->newest.tree_size : 0;
	}
	if (w->start_at == 0)
		begin_at(w, &nothing, w->newest.tree_size == 0);
	else
		build_edge(w);
}
