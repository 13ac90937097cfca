#include "prover.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lists.h"
#include "proof_tiles.h"
#include "inside.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define SWEEP_MS (60 * MINUTE_MS)            /* rules change: kept sightings become flagged without being read again */
#define ANSWER_BYTES_MAX (64u << 10)
#define ATTEMPTS 2                           /* what looks odd is asked for again once, at once, over a new connection */
#define FAILURES_PER_ROUND 3
#define ONCE_MS 10000                        /* how long `--once` stays for proofs */

enum prover_phase { PROVER_RESTING, PROVER_CHOOSING, PROVER_ASKING, PROVER_KEEPING };

struct answer {
	char *url, *peer;
	int status;
	int64_t received_ms;
	struct buf body;
};

/* One sighting on its way. The store's thread has it while it is chosen and kept, the loop otherwise. */
struct work {
	struct prover *p;
	struct hash log_id;
	uint64_t from, to;
	bool scan, found;
	struct state_unproven wanted;
	struct proof_tile tiles[PROOF_TILES_MAX];
	size_t n_tiles, at_tile;
	bool full_tile;
	unsigned attempt;
	char *url;
	struct answer answers[STATE_ANSWERS_MAX];
	size_t n_answers;
	uint64_t proven_index;
	struct hash leaf_hash;
	struct proof proof;
	struct buf key;
	char *log_json;
	int64_t now_ms;
};

struct prover {
	struct watcher *w;
	enum prover_phase phase;
	uint64_t from, to;                /* sightings in here may want a proof */
	uint64_t limit;                   /* of this round */
	uint64_t came;                    /* lowest index stored since it began: answers come in any order; UINT64_MAX: none */
	uint64_t first_failed;            /* of this round; UINT64_MAX: none */
	unsigned n_failed, n_bad_rounds;
	int64_t next_steady_ms, sweep_steady_ms, once_until_steady_ms;
	struct work *work;
	struct request *request;
	bool has_head;                    /* scans */
	struct state_head head;
	struct buf head_raw;
};

/* ---- one sighting ------------------------------------------------------------------------------------- */

static void forget_answers(struct work *work)
{
	for (size_t i = 0; i < work->n_answers; i++) {
		free(work->answers[i].url);
		free(work->answers[i].peer);
		buf_deinit(&work->answers[i].body);
	}
	work->n_answers = 0;
	for (size_t i = 0; i < work->n_tiles; i++)
		buf_deinit(&work->tiles[i].hashes);
	work->n_tiles = work->at_tile = 0;
	work->full_tile = false;
}

static void work_free(struct work *work)
{
	if (work == NULL)
		return;
	forget_answers(work);
	if (work->found)
		state_unproven_deinit(&work->wanted);
	buf_deinit(&work->key);
	free(work->log_json);
	free(work->url);
	free(work);
}

static void note_answer(struct work *work, const struct fetch_answer *answer, struct slice body)
{
	if (work->n_answers == STATE_ANSWERS_MAX)
		return;
	struct answer *a = &work->answers[work->n_answers++];

	*a = (struct answer){ .url = xstrdup(work->url), .peer = xstrdup(answer->peer), .status = (int)answer->status, .received_ms = watch_wall_ms(work->p->w) };
	buf_init(&a->body, STATE_ANSWER_BYTES_MAX);
	buf_append_slice(&a->body, body);
}

/* What the lists say of the log today, for those who check it when no list names it any more. malloc'd. */
static char *describe_log(const struct watcher *w)
{
	const struct listed_log *log = &w->log;
	const struct string_list *lists = &w->ingest->config->log_lists;
	char text[TIME_TEXT_LEN], id[BASE64_LEN(HASH_LEN) + 1], *key = xmalloc(BASE64_LEN(log->key_len) + 1);
	json_t *object = json_object(), *sources = json_array();

	base64_encode(log->log_id.bytes, HASH_LEN, id);
	base64_encode(log->key, log->key_len, key);
	json_object_set_new(object, "description", json_string(log->description));
	json_object_set_new(object, "operator", json_string(log->log_operator));
	json_object_set_new(object, "log_id", json_string(id));
	json_object_set_new(object, "key", json_string(key));
	json_object_set_new(object, "url", json_string(log->url));
	if (log->submission_url != NULL)
		json_object_set_new(object, "submission_url", json_string(log->submission_url));
	json_object_set_new(object, "protocol", json_string(log_protocol_name(log->protocol)));
	json_object_set_new(object, "lifecycle", json_string(log_lifecycle_of(log)));
	if (log->lifecycle_since_ms != 0)
		json_object_set_new(object, "lifecycle_since", json_string(time_format_rfc3339(log->lifecycle_since_ms, text)));
	json_object_set_new(object, "mmd_seconds", json_integer(log->mmd_s));
	if (log->interval_end_ms != INT64_MAX) {
		json_object_set_new(object, "interval_start", json_string(time_format_rfc3339(log->interval_start_ms, text)));
		json_object_set_new(object, "interval_end", json_string(time_format_rfc3339(log->interval_end_ms, text)));
	}
	for (size_t i = 0; i < lists->n && i < LISTS_MAX; i++)
		if (log->sources & 1u << i)
			json_array_append_new(sources, json_string(lists->items[i]));
	json_object_set_new(object, "listed_in", sources);
	json_object_set_new(object, "as_of", json_string(time_format_rfc3339(watch_wall_ms(w), text)));
	char *json = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	free(key);
	return json;
}

/* ---- rounds -------------------------------------------------------------------------------------------- */

static void enter(struct prover *p, enum prover_phase phase)
{
	p->phase = phase;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t covered(const struct prover *p)
{
	const struct watcher *w = p->w;

	if (w->options.scan)
		return p->has_head ? p->head.tree_size : 0;
	return w->position.verified.end;
}

static void end_round(struct prover *p)
{
	static const int64_t delays_ms[] = { MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 120 * MINUTE_MS, 360 * MINUTE_MS };
	struct watcher *w = p->w;

	work_free(p->work);
	p->work = NULL;
	enter(p, PROVER_RESTING);
	if (p->first_failed == UINT64_MAX) {
		p->from = smaller(p->limit, p->came);
		p->n_bad_rounds = 0;
		p->next_steady_ms = 0;
	} else {
		p->from = smaller(p->first_failed, p->came);
		p->next_steady_ms = watch_steady_ms(w) + delays_ms[p->n_bad_rounds < ARRAY_LEN(delays_ms) ? p->n_bad_rounds : ARRAY_LEN(delays_ms) - 1];
		p->n_bad_rounds++;
	}
	watch_commit(w);                  /* `--once` may have waited for this */
	watch_schedule(w);
}

static void choose(struct prover *p, uint64_t from);

static void failed(struct prover *p, const struct error *err)
{
	struct watcher *w = p->w;
	uint64_t index = p->work->wanted.index;

	diag(w->ingest->diag, DIAG_INFO, "log", w->log.description, "entry %" PRIu64 ": no inclusion proof yet: %s", index, err->text);
	if (index < p->first_failed)
		p->first_failed = index;
	if (++p->n_failed == FAILURES_PER_ROUND)
		end_round(p);
	else
		choose(p, index + 1);
}

/* ---- keeping ------------------------------------------------------------------------------------------- */

static bool keep_job(void *ctx, struct state *st, struct error *err)
{
	const struct work *work = ctx;
	struct state_answer answers[STATE_ANSWERS_MAX];
	const struct state_unproven *u = &work->wanted;

	for (size_t i = 0; i < work->n_answers; i++)
		answers[i] = (struct state_answer){ work->answers[i].url, work->answers[i].peer, work->answers[i].status, work->answers[i].received_ms,
						    buf_slice(&work->answers[i].body) };
	const struct state_proof proof = {
		.log_id = work->log_id,
		.index = u->index,
		.leaf = buf_slice(&u->leaf),
		.proven_index = work->proven_index,
		.tree_size = u->head.tree_size,
		.timestamp_ms = u->head.timestamp_ms,
		.root = u->head.root,
		.head_raw = u->head.raw,
		.head_received_ms = u->head.received_ms,
		.kept_ms = work->now_ms,
		.path = slice_of(work->proof.nodes, work->proof.n_nodes * HASH_LEN),
		.log_key = buf_slice(&work->key),
		.log_json = work->log_json,
		.answers = answers,
		.n_answers = work->n_answers,
	};

	/* a scan reads no tree to its root: the proof itself is what shows that the entry is in the signed one */
	return state_put_proof(st, &proof, err) &&
	       (!work->scan || work->proven_index != u->index || state_verify_leaf(st, &work->log_id, u->index, &work->leaf_hash, err));
}

static void on_kept(void *ctx, bool ok, const struct error *err)
{
	struct work *work = ctx;
	struct prover *p = work->p;
	struct watcher *w = p->w;

	if (w->phase == WATCHER_CLOSING) {
		work_free(work);
		watch_release(w);
		return;
	}
	p->work = work;
	if (ok)
		choose(p, work->wanted.index + 1);
	else
		failed(p, err);
	watch_release(w);
}

static void keep(struct prover *p)
{
	struct work *work = p->work;

	enter(p, PROVER_KEEPING);
	buf_init(&work->key, 16u << 10);
	buf_append_slice(&work->key, log_key_spki(p->w->key));
	work->log_json = describe_log(p->w);
	work->now_ms = watch_wall_ms(p->w);
	p->work = NULL;
	watch_hold(p->w);
	store_submit(p->w->ingest->store, keep_job, on_kept, work);
}

/* ---- asking ----------------------------------------------------------------------------------------------- */

static void ask(struct prover *p);

static void attempt_failed(struct prover *p, const struct error *err)
{
	struct work *work = p->work;

	if (++work->attempt == ATTEMPTS) {
		failed(p, err);
		return;
	}
	forget_answers(work);
	ask(p);
}

/* Kept only when it proves what it should: that this very leaf is in the signed tree. */
static void judge(struct prover *p, uint64_t index)
{
	struct work *work = p->work;
	const struct state_head *head = &work->wanted.head;
	struct hash leaf = leaf_hash(buf_slice(&work->wanted.leaf));
	struct error err;

	if (inclusion_verify(index, head->tree_size, &leaf, &work->proof, &head->root)) {
		work->proven_index = index;
		work->leaf_hash = leaf;
		keep(p);
		return;
	}
	error_set(&err, ERR_CONTRADICTION, "%s does not lead from the entry to the signed root of size %" PRIu64,
		  p->w->log.protocol == LOG_STATIC ? "what the hash tiles hold" : "the log's proof", head->tree_size);
	attempt_failed(p, &err);
}

static void on_answer(void *ctx, struct fetch_answer *answer);

static void request(struct prover *p, char *url)
{
	free(p->work->url);
	p->work->url = url;
	p->request = watch_request(p->w, url, ANSWER_BYTES_MAX, GOVERNOR_GAP, p->work->attempt > 0, on_answer, p);
}

static void ask_tile(struct prover *p)
{
	struct work *work = p->work;
	const struct proof_tile *tile = &work->tiles[work->at_tile];
	char path[TILE_PATH_LEN];

	request(p, xasprintf("%s/%s", p->w->log.url, tile_path(tile->level, tile->index, work->full_tile ? TILE_WIDTH : tile->width, path)));
}

static void ask_by_hash(struct prover *p)
{
	const struct state_unproven *u = &p->work->wanted;
	struct hash leaf = leaf_hash(buf_slice(&u->leaf));
	char hash[BASE64_LEN(HASH_LEN) + 1];
	struct buf query;

	base64_encode(leaf.bytes, HASH_LEN, hash);
	buf_init(&query, 256);
	for (const char *c = hash; *c != '\0'; c++)     /* "+/=" mean something else in a query */
		buf_printf(&query, strchr("+/=", *c) != NULL ? "%%%02X" : "%c", (unsigned)*c);
	request(p, xasprintf("%s/ct/v1/get-proof-by-hash?hash=%s&tree_size=%" PRIu64, p->w->log.url, buf_text(&query), u->head.tree_size));
	buf_deinit(&query);
}

/* All tiles are here, or none is needed: a tree of one leaf has an empty proof. */
static void build(struct prover *p)
{
	struct work *work = p->work;
	struct error err;

	if (proof_tiles_build(work->wanted.index, work->wanted.head.tree_size, work->tiles, work->n_tiles, &work->proof, &err))
		judge(p, work->wanted.index);
	else
		attempt_failed(p, &err);
}

static void ask(struct prover *p)
{
	struct work *work = p->work;

	enter(p, PROVER_ASKING);
	if (p->w->log.protocol != LOG_STATIC) {
		ask_by_hash(p);
		return;
	}
	work->n_tiles = proof_tiles_plan(work->wanted.index, work->wanted.head.tree_size, work->tiles);
	if (work->n_tiles == 0)
		build(p);
	else
		ask_tile(p);
}

static bool use_tile(struct work *work, struct slice body, struct error *err)
{
	struct proof_tile *tile = &work->tiles[work->at_tile];
	size_t expected = (work->full_tile ? TILE_WIDTH : tile->width) * HASH_LEN;

	if (body.len != expected)
		return error_set(err, ERR_MALFORMED, "%s: %zu bytes, this hash tile has %zu", work->url, body.len, expected);
	buf_append_slice(&tile->hashes, body);
	work->full_tile = false;
	work->at_tile++;
	return true;
}

static void use_answer(struct prover *p, struct slice body)
{
	struct work *work = p->work;
	struct error err = { 0 };
	uint64_t index;

	if (p->w->log.protocol != LOG_STATIC) {
		if (inclusion_parse(body, &index, &work->proof, &err))
			judge(p, index);
		else
			attempt_failed(p, &err);
	} else if (!use_tile(work, body, &err)) {
		attempt_failed(p, &err);
	} else if (work->at_tile == work->n_tiles) {
		build(p);
	} else {
		ask_tile(p);
	}
}

static void on_answer(void *ctx, struct fetch_answer *answer)
{
	struct prover *p = ctx;
	struct work *work = p->work;
	bool is_static = p->w->log.protocol == LOG_STATIC;
	struct error err = { 0 };
	struct slice body = { 0 };

	p->request = NULL;
	if (answer->status != 200 || answer->error[0] != '\0') {
		note_answer(work, answer, (struct slice){ 0 });
		/* logs delete a partial tile once the full one exists (spec 2.3) */
		if (is_static && request_refused(answer) && work->tiles[work->at_tile].width != TILE_WIDTH && !work->full_tile) {
			work->full_tile = true;
			ask_tile(p);
			return;
		}
		request_failed(work->url, answer, &err);
		attempt_failed(p, &err);
	} else if (!request_body(p->w->ingest, answer, ANSWER_BYTES_MAX, &body, &err)) {
		error_context(&err, "%s", work->url);
		attempt_failed(p, &err);
	} else {
		note_answer(work, answer, body);
		use_answer(p, body);
	}
}

/* ---- choosing ------------------------------------------------------------------------------------------------ */

static bool choose_job(void *ctx, struct state *st, struct error *err)
{
	struct work *work = ctx;

	if (work->found)                  /* run again after a lock */
		state_unproven_deinit(&work->wanted);
	work->found = false;
	return state_next_unproven(st, &work->log_id, work->from, work->to, !work->scan, &work->wanted, &work->found, err);
}

static void use_scan_head(struct prover *p, struct state_unproven *u)
{
	u->has_head = p->has_head && p->head.tree_size > u->index;
	u->head = p->head;
	buf_clear(&u->head_raw);
	buf_append_slice(&u->head_raw, buf_slice(&p->head_raw));
	u->head.raw = buf_slice(&u->head_raw);
}

static void on_chosen(void *ctx, bool ok, const struct error *err)
{
	struct work *work = ctx;
	struct prover *p = work->p;
	struct watcher *w = p->w;
	struct error none;

	if (w->phase == WATCHER_CLOSING) {
		work_free(work);
		watch_release(w);
		return;
	}
	p->work = work;
	if (ok && work->found && work->scan)
		use_scan_head(p, &work->wanted);
	if (!ok) {
		diag(w->ingest->diag, DIAG_INFO, "log", w->log.description, "no inclusion proofs are fetched: %s", err->text);
		p->first_failed = p->from;
		end_round(p);
	} else if (!work->found) {
		end_round(p);
	} else if (!work->wanted.has_head) {
		error_set(&none, ERR_RETRY, "no signed head that covers it is kept");
		failed(p, &none);
	} else {
		ask(p);
	}
	watch_release(w);
}

static void choose(struct prover *p, uint64_t from)
{
	struct work *work = xcalloc(1, sizeof(*work));

	work_free(p->work);
	p->work = NULL;
	work->p = p;
	work->log_id = p->w->log.log_id;
	work->from = from;
	work->to = p->limit;
	work->scan = p->w->options.scan;
	enter(p, PROVER_CHOOSING);
	watch_hold(p->w);
	store_submit(p->w->ingest->store, choose_job, on_chosen, work);
}

/* ---- the watcher's side ---------------------------------------------------------------------------------------- */

static bool may_run(const struct prover *p)
{
	const struct watcher *w = p->w;

	return p->phase == PROVER_RESTING && w->phase == WATCHER_FOLLOWING && w->ingest->store != NULL && (!w->options.scan || w->options.scan_save);
}

static void start_round(struct prover *p, int64_t now)
{
	const struct watcher *w = p->w;

	if (!may_run(p))
		return;
	if (now >= p->sweep_steady_ms && !w->options.scan && covered(p) > 0) {
		p->sweep_steady_ms = now + SWEEP_MS;
		p->from = 0;
		p->to = p->to > covered(p) ? p->to : covered(p);
	}
	p->limit = smaller(p->to, covered(p));
	if (p->from >= p->limit || now < p->next_steady_ms)
		return;
	p->first_failed = p->came = UINT64_MAX;
	p->n_failed = 0;
	choose(p, p->from);
}

void prover_wake(struct prover *p)
{
	int64_t now = watch_steady_ms(p->w);

	start_round(p, now);
	if (p->once_until_steady_ms != 0 && now >= p->once_until_steady_ms)
		watch_commit(p->w);       /* stayed long enough */
}

int64_t prover_due(const struct prover *p)
{
	if (p->once_until_steady_ms != 0 && p->phase != PROVER_RESTING)
		return p->once_until_steady_ms;
	if (!may_run(p))
		return 0;
	if (p->from < smaller(p->to, covered(p)))
		return p->next_steady_ms > 0 ? p->next_steady_ms : 1;
	return p->w->options.scan || covered(p) == 0 ? 0 : p->sweep_steady_ms > 0 ? p->sweep_steady_ms : 1;
}

void prover_found(struct prover *p, uint64_t index)
{
	uint64_t *from = p->phase == PROVER_RESTING ? &p->from : &p->came;

	if (index < *from)
		*from = index;
	if (index >= p->to)
		p->to = index + 1;
}

void prover_head(struct prover *p, const struct tree_head *head, struct slice raw)
{
	p->has_head = true;
	p->head = (struct state_head){ .tree_size = head->tree_size, .timestamp_ms = head->timestamp_ms, .root = head->root, .received_ms = watch_wall_ms(p->w) };
	buf_clear(&p->head_raw);
	buf_append_slice(&p->head_raw, raw);
}

bool prover_holds(struct prover *p)
{
	struct watcher *w = p->w;
	int64_t now = watch_steady_ms(w), half = w->ingest->progress_timeout_ms / 2;

	if (!w->ingest->once)
		return false;
	start_round(p, now);
	if (p->phase == PROVER_RESTING)
		return false;
	if (p->once_until_steady_ms == 0)
		p->once_until_steady_ms = now + (half < ONCE_MS ? half : ONCE_MS);
	return now < p->once_until_steady_ms;
}

struct prover *prover_new(struct watcher *w)
{
	struct prover *p = xcalloc(1, sizeof(*p));

	p->w = w;
	p->from = UINT64_MAX;
	buf_init(&p->head_raw, NOTE_BYTES_MAX);
	return p;
}

void prover_cancel(struct prover *p)
{
	request_cancel(p->request);
	p->request = NULL;
}

void prover_free(struct prover *p)
{
	work_free(p->work);
	buf_deinit(&p->head_raw);
	free(p);
}
