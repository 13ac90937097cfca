/* Birth, timer and death of a watcher; the activities are in the files beside it. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TROUBLE_EVERY_MS 60000

int64_t watch_steady_ms(const struct watcher *w)
{
	return ingest_steady_ms(w->ingest);
}

int64_t watch_wall_ms(const struct watcher *w)
{
	return ingest_wall_ms(w->ingest);
}

int64_t watch_head_ms(const struct tree_head *head)
{
	return head->timestamp_ms > INT64_MAX ? INT64_MAX : (int64_t)head->timestamp_ms;
}

static void on_room(struct budget_log *log)
{
	struct watcher *w = CONTAINER_OF(log, struct watcher, budget);

	watch_start_room(w);
	watch_pump(w);
}

/* ---- what others may do ------------------------------------------------------------------------------ */

static void copy_log(struct listed_log *to, const struct listed_log *from)
{
	*to = *from;
	to->description = xstrdup(from->description);
	to->log_operator = xstrdup(from->log_operator == NULL ? "" : from->log_operator);
	to->url = xstrdup(from->url);
	to->submission_url = from->submission_url == NULL ? NULL : xstrdup(from->submission_url);
	to->lifecycle_word = from->lifecycle_word == NULL ? NULL : xstrdup(from->lifecycle_word);
	to->key = xmalloc(from->key_len);
	memcpy(to->key, from->key, from->key_len);
}

static void free_log(struct listed_log *log)
{
	free(log->description);
	free(log->log_operator);
	free(log->url);
	free(log->submission_url);
	free(log->lifecycle_word);
	free(log->key);
}

void watch_hold(struct watcher *w)
{
	w->n_holders++;
}

void watch_release(struct watcher *w)
{
	if (--w->n_holders != 0)
		return;
	void (*closed)(void *ctx) = w->closed;
	void *ctx = w->closed_ctx;

	while (w->reads != NULL) {
		struct read *r = w->reads;
		w->reads = r->next;
		watch_read_free(r);
	}
	watch_issuers_free(w);
	prover_free(w->prover);
	position_deinit(&w->position);
	budget_leave(&w->budget);
	log_key_free(w->key);
	free_log(&w->log);
	free(w->scan_leaves.items);
	free(w->start_url);
	free(w->doubt.first_hashes);
	free(w->doubt.hashes);
	buf_deinit(&w->doubt.raw);
	free(w);
	if (closed != NULL)
		closed(ctx);
}

void watch_enter(struct watcher *w, enum watcher_phase phase)
{
	w->phase = phase;
}

static struct request *ask(struct watcher *w, struct request_options *options)
{
	const struct string_list *lax = &w->ingest->config->tls_unverified;

	options->counters = &w->counters;
	options->tls_unverified = request_host_in(lax, options->url);
	for (size_t i = 0; i < lax->n; i++)
		options->tls_unverified |= glob_match(lax->items[i], w->log.url) || glob_match(lax->items[i], w->log.description);
	return request_start(w->ingest, options);
}

struct request *watch_request(struct watcher *w, const char *url, size_t max_bytes, enum governor_class class, bool fresh,
			      void (*done)(void *ctx, struct fetch_answer *answer), void *ctx)
{
	struct request_options options = { .class = class, .url = url, .max_bytes = max_bytes, .fresh = fresh, .done = done, .ctx = ctx };

	return ask(w, &options);
}

struct request *watch_request_entries(struct watcher *w, const struct read *r, size_t max_bytes, bool fresh,
				      void (*done)(void *ctx, struct fetch_answer *answer), void *ctx)
{
	struct request_options options = { .class = r->class, .url = r->window.url, .max_bytes = max_bytes, .fresh = fresh, .done = done, .ctx = ctx };

	options.may_be_too_much = watch_missing_shrinks(w, &r->window);
	return ask(w, &options);
}

void watch_progress(struct watcher *w)
{
	w->last_progress_steady_ms = watch_steady_ms(w);
}

struct trouble {
	struct watcher *w;
	struct hash log_id;
	char text[sizeof(((struct error *)0)->text)];
	int64_t now_ms;
};

static bool trouble_job(void *ctx, struct state *st, struct error *err)
{
	const struct trouble *t = ctx;

	return state_log_progress(st, &t->log_id, 0, t->text, t->now_ms, err);
}

static void on_trouble(void *ctx, bool ok, const struct error *err)
{
	struct trouble *t = ctx;
	struct watcher *w = t->w;

	(void)ok, (void)err;
	free(t);
	watch_release(w);
}

/* What `logs` shows: at most once a minute, since trouble comes in crowds. */
static void keep_trouble(struct watcher *w, const struct error *err)
{
	int64_t now = watch_steady_ms(w);

	if (w->options.scan || w->ingest->store == NULL || w->phase == WATCHER_CLOSING || now < w->trouble_kept_steady_ms + TROUBLE_EVERY_MS)
		return;
	w->trouble_kept_steady_ms = now;
	struct trouble *t = xcalloc(1, sizeof(*t));
	t->w = w;
	t->log_id = w->log.log_id;
	t->now_ms = watch_wall_ms(w);
	memcpy(t->text, err->text, sizeof(t->text));
	watch_hold(w);
	store_submit(w->ingest->store, trouble_job, on_trouble, t);
}

void watch_trouble(struct watcher *w, const struct error *err)
{
	bool same = w->last_error.kind != ERR_NONE && strcmp(w->last_error.text, err->text) == 0;

	if (!same)
		diag(w->ingest->diag, DIAG_INFO, "log", w->log.description, "%s", err->text);
	w->last_error = *err;
	keep_trouble(w, err);
}

void watch_settle(struct watcher *w, enum watcher_outcome outcome)
{
	if (!w->ingest->once || w->outcome != WATCHER_UNSETTLED)
		return;
	w->outcome = outcome;
	if (w->ingest->settled != NULL)
		w->ingest->settled(w->ingest->settled_ctx, w, outcome);
}

/* ---- the timer: one, for whatever is due next ---------------------------------------------------------- */

static void earlier(int64_t *due, int64_t candidate)
{
	if (candidate != 0 && candidate < *due)
		*due = candidate;
}

static void on_timer(uv_timer_t *timer);

int64_t watch_due(const struct watcher *w)
{
	int64_t due = watch_steady_ms(w) + 60 * 1000;

	if (w->head_request == NULL)
		earlier(&due, w->next_poll_steady_ms);
	earlier(&due, w->retry_start_steady_ms);
	earlier(&due, w->retry_commit_steady_ms);
	earlier(&due, watch_missing_due(w));
	earlier(&due, watch_issuers_due(w));
	earlier(&due, prover_due(w->prover));
	earlier(&due, w->edge_retry_steady_ms);
	earlier(&due, w->tail.retry_steady_ms);
	earlier(&due, watch_proofs_due(w));
	earlier(&due, w->doubt.next_steady_ms);
	if (w->ingest->once)
		earlier(&due, w->last_progress_steady_ms + w->ingest->progress_timeout_ms);
	return due;
}

void watch_schedule(struct watcher *w)
{
	if (w->phase == WATCHER_CLOSING || w->outcome != WATCHER_UNSETTLED)
		return;
	int64_t now = watch_steady_ms(w), due = watch_due(w);

	uv_timer_start(&w->timer, on_timer, due > now ? (uint64_t)(due - now) : 1, 0);
}

static bool left_behind(struct watcher *w, int64_t now)
{
	if (!w->ingest->once || w->outcome != WATCHER_UNSETTLED || now < w->last_progress_steady_ms + w->ingest->progress_timeout_ms)
		return false;
	if (w->last_error.kind == ERR_NONE)
		error_set(&w->last_error, ERR_RETRY, "no progress");
	watch_settle(w, WATCHER_LEFT_BEHIND);
	return true;
}

static void on_timer(uv_timer_t *timer)
{
	struct watcher *w = CONTAINER_OF(timer, struct watcher, timer);

	watcher_wake(w);
}

void watcher_wake(struct watcher *w)
{
	int64_t now = watch_steady_ms(w);

	if (w->phase == WATCHER_CLOSING || w->phase == WATCHER_LOADING || left_behind(w, now))
		return;
	watch_heads_due(w, now);
	if (w->phase == WATCHER_STARTING && w->retry_start_steady_ms != 0 && now >= w->retry_start_steady_ms) {
		w->retry_start_steady_ms = 0;
		watch_start_reading(w);
	}
	if (w->retry_commit_steady_ms != 0 && now >= w->retry_commit_steady_ms) {
		w->retry_commit_steady_ms = 0;
		watch_commit(w);
	}
	watch_issuers_wake(w);
	watch_health(w, now);
	watch_doubt_due(w);
	watch_check_proof(w);
	watch_check_edge(w);
	watch_check_tail(w);
	watch_pump(w);
	prover_wake(w->prover);
	watch_schedule(w);
}

/* ---- loading what is known ------------------------------------------------------------------------------- */

#define UNSETTLED_MAX 4              /* heads of an earlier run that are asked about again */

struct load {
	struct watcher *w;
	struct hash log_id;
	struct state_log identity;
	struct position position;
	bool has_start, has_newest, has_verified_head;
	uint64_t start_index;
	struct tree_head newest, verified_head;
	struct pending_heads pending;
	struct tree_head unsettled[UNSETTLED_MAX];   /* below the verified size, and no proof was had yet */
	size_t n_unsettled;
	uint64_t untold_fork;            /* size of a contradicting head whose incident an earlier run did not come to; 0: none */
	bool scan, prefix_lost;
	unsigned n_damaged;              /* ranges that are not what was stored */
	int64_t open_wall_ms[N_INCIDENT_CLASSES];    /* when an incident that an earlier run left open was last seen; 0: none */
};

static bool load_log(void *ctx, const struct state_log *log)
{
	struct load *load = ctx;

	if (!hash_equal(&log->log_id, &load->log_id))
		return true;
	load->has_start = log->start_index >= 0;
	load->start_index = load->has_start ? (uint64_t)log->start_index : 0;
	return false;
}

/* The verified prefix, or the right edge that reading began at. */
static bool load_prefix(void *ctx, const struct state_range *range)
{
	struct load *load = ctx;
	bool base = load->has_start && range->end <= load->start_index;   /* hashed, never asked for: where reading began */

	if (range->start != 0 || !(range->verified || base))
		return false;
	if (range->damaged || !range_load(&load->position.verified, range->start, range->end, range->hashes)) {
		range_init(&load->position.verified, 0);
		load->prefix_lost = true;
		load->n_damaged++;
	}
	return false;
}

static bool load_range(void *ctx, const struct state_range *range)
{
	struct load *load = ctx;
	struct compact_range loaded;

	if (range->end <= load->position.verified.end || range->start == range->end || (range->start == 0 && load->prefix_lost))
		return true;
	if (range->damaged || !range_load(&loaded, range->start, range->end, range->hashes))
		load->n_damaged++;        /* it is read again */
	else
		position_add(&load->position, &loaded);
	return true;
}

static struct tree_head tree_of(const struct state_head *head)
{
	return (struct tree_head){ .tree_size = head->tree_size, .timestamp_ms = head->timestamp_ms, .root = head->root };
}

/* The largest that contradicts no other; one that does is not followed, now or later. */
static void load_newest(struct load *load, const struct tree_head *head)
{
	if (load->has_newest && head->tree_size < load->newest.tree_size)
		return;
	load->newest = *head;
	load->has_newest = true;
}

static bool load_verified(void *ctx, const struct state_head *head)
{
	struct load *load = ctx;

	load->verified_head = tree_of(head);
	load->has_verified_head = true;
	load_newest(load, &load->verified_head);
	return false;
}

static bool load_pending(void *ctx, const struct state_head *head)
{
	struct load *load = ctx;
	struct pending_head pending = {
		.head = tree_of(head), .received_ms = head->received_ms, .forked = head->standing == HEAD_FORKED, .aside = head->standing == HEAD_SET_ASIDE,
	};

	if (strcmp(head->source, "log") != 0)
		return true;
	pending_add(&load->pending, &pending);
	if (head->standing == HEAD_GOOD)
		load_newest(load, &pending.head);
	return true;
}

static bool load_unsettled(void *ctx, const struct state_head *head)
{
	struct load *load = ctx;

	if (strcmp(head->source, "log") == 0)
		load->unsettled[load->n_unsettled++] = tree_of(head);
	return load->n_unsettled < UNSETTLED_MAX;
}

static bool load_untold(void *ctx, const struct state_head *head)
{
	struct load *load = ctx;

	load->untold_fork = head->tree_size;
	return false;
}

/* The ranges come first, to know how far the log is verified; then cuts, before the ranges beyond are put together across them. */
static bool load_heads(struct load *load, struct state *st, struct error *err)
{
	uint64_t verified = load->position.verified.end;

	load->has_newest = load->has_verified_head = false;
	load->n_unsettled = 0;
	load->pending.n = 0;
	load->untold_fork = 0;
	return state_heads(st, &load->log_id, HEADS_UNTOLD, UINT64_MAX, load_untold, load, err) &&
	       state_heads(st, &load->log_id, HEADS_VERIFIED, UINT64_MAX, load_verified, load, err) &&
	       state_heads(st, &load->log_id, HEADS_BEYOND, verified, load_pending, load, err) &&
	       state_heads(st, &load->log_id, HEADS_BELOW, verified, load_unsettled, load, err);
}

static bool load_incident(void *ctx, const struct incident *incident)
{
	struct load *load = ctx;

	for (size_t i = 0; hash_equal(&incident->log_id, &load->log_id) && i < N_INCIDENT_CLASSES; i++)
		if (incident_is(i, incident->class_name, incident->subject) && incident->updated_ms > load->open_wall_ms[i])
			load->open_wall_ms[i] = incident->updated_ms;
	return true;
}

static bool load_job(void *ctx, struct state *st, struct error *err)
{
	struct load *load = ctx;

	if (load->scan)
		return state_put_log(st, &load->identity, err);
	position_deinit(&load->position);
	load->has_start = load->prefix_lost = false;
	load->n_damaged = 0;
	if (!state_put_log(st, &load->identity, err) || !state_each_log(st, load_log, load, err) ||
	    !state_each_range(st, &load->log_id, load_prefix, load, err) || !load_heads(load, st, err))
		return false;
	pending_cut(&load->pending, &load->position, NULL, NULL);
	memset(load->open_wall_ms, 0, sizeof(load->open_wall_ms));
	if (!state_each_range(st, &load->log_id, load_range, load, err) || !state_each_incident(st, true, 0, INT64_MAX, load_incident, load, err))
		return false;
	return true;
}

/* Heads stay aside while the incident that says so is open. */
static void take_standing(struct watcher *w)
{
	bool mismatch = w->incidents[INCIDENT_ENTRIES_MISMATCH].open, inconsistent = w->incidents[INCIDENT_INCONSISTENT_STH].open;

	for (size_t i = 0; i < w->pending.n; i++) {
		struct pending_head *p = &w->pending.items[i];

		p->aside &= mismatch || inconsistent;
		if (!p->aside || w->doubt.phase == DOUBT_BROKEN)
			continue;
		w->doubt.phase = DOUBT_BROKEN;    /* until somebody closes the incident, or entries lead on to a larger head */
		w->doubt.head = p->head;
		w->doubt.class = mismatch ? INCIDENT_ENTRIES_MISMATCH : INCIDENT_INCONSISTENT_STH;
		w->contradicted = true;
	}
}

/* A range whose checksum is right is what was stored; then it is the head beside it that was changed. */
static void check_verified(struct watcher *w, struct load *load)
{
	if (w->has_verified_head && w->position.verified.end == w->verified_head.tree_size && w->position.verified.end > 0) {
		struct hash root = range_root(&w->position.verified);

		if (!hash_equal(&root, &w->verified_head.root)) {
			w->verified_head.root = root;
			load->n_damaged++;
		}
	}
	w->restoring = load->prefix_lost;
	if (load->n_damaged > 0)
		watch_report(w, INCIDENT_STATE_DAMAGED, "", "%u stored range%s or root of what was read is not what was stored: the disk or somebody changed the "
			     "state, the log is not to blame; what is lost is read again", load->n_damaged, load->n_damaged == 1 ? "" : "s");
}

static void take_loaded(struct watcher *w, struct load *load)
{
	position_copy(&w->position, &load->position);
	w->has_start = load->has_start;
	w->start_index = load->start_index;
	w->has_newest = load->has_newest;
	w->newest = load->newest;
	w->has_verified_head = load->has_verified_head;
	w->verified_head = load->verified_head;
	w->pending = load->pending;
	for (size_t i = 0; i < N_INCIDENT_CLASSES; i++) {
		w->incidents[i].open = w->incidents[i].kept = load->open_wall_ms[i] != 0;
		w->incidents[i].seen_steady_ms = watch_steady_ms(w) - clock_age_ms(watch_wall_ms(w), load->open_wall_ms[i]);
		w->incidents[i].told_steady_ms = w->started_steady_ms;
	}
	take_standing(w);
	if (load->untold_fork != 0)
		watch_report_fork(w, load->untold_fork);
	check_verified(w, load);
	watch_cut(w);
	w->compare_wanted = w->pending.n > 0;     /* an incident may have been closed, or a kill came before the comparison */
	if (load->n_unsettled > 0 && w->incidents[INCIDENT_CHECK_REFUSED].open)
		w->refused |= 1u << CHECK_CONSISTENCY;
	for (size_t i = 0; i < load->n_unsettled && w->has_verified_head; i++)
		watch_want_proof(w, &load->unsettled[i], &w->verified_head);
}

static void on_loaded(void *ctx, bool ok, const struct error *err)
{
	struct load *load = ctx;
	struct watcher *w = load->w;

	if (w->phase != WATCHER_CLOSING && ok) {
		take_loaded(w, load);
		watch_enter(w, WATCHER_ASKING);
		watch_schedule(w);
	} else if (w->phase != WATCHER_CLOSING) {
		diag(w->ingest->diag, DIAG_ERROR, "log", w->log.description, "not read: %s", err->text);
		watch_trouble(w, err);
		watch_settle(w, WATCHER_LEFT_BEHIND);
	}
	position_deinit(&load->position);
	free(load);
	watch_release(w);
}

static void load_start(struct watcher *w)
{
	struct load *load = xcalloc(1, sizeof(*load));

	load->w = w;
	load->log_id = w->log.log_id;
	load->scan = w->options.scan;
	position_init(&load->position);
	load->identity = (struct state_log){
		.log_id = w->log.log_id,
		.name = w->log.description,
		.url = w->log.url,
		.log_operator = w->log.log_operator,
		.protocol = (char *)log_protocol_name(w->log.protocol),
		.lifecycle = (char *)log_lifecycle_of(&w->log),
		.start_index = -1,
		.added_ms = watch_wall_ms(w),
		.sunset_ms = w->log.interval_end_ms,
	};
	watch_hold(w);
	if (w->ingest->store == NULL)
		on_loaded(load, true, NULL);      /* a scan that stores nothing */
	else
		store_submit(w->ingest->store, load_job, on_loaded, load);
}

static void join_budget(struct watcher *w)
{
	char host[128];

	governor_host(w->log.url, host, sizeof(host));
	budget_join(&w->ingest->budget, &w->budget, w->log.log_operator[0] != '\0' ? w->log.log_operator : host, on_room);
}

bool watcher_start(const struct watcher_options *options, struct watcher **out, struct error *err)
{
	struct log_key *key = log_key_new(slice_of(options->log->key, options->log->key_len), err);
	if (key == NULL)
		return error_context(err, "%s", options->log->description);

	struct watcher *w = xcalloc(1, sizeof(*w));
	w->ingest = options->ingest;
	w->options = *options;
	w->options.log = NULL;
	copy_log(&w->log, options->log);
	w->how = options->how;
	w->key = key;
	w->source = source_of(w->log.protocol);
	answer_size_init(&w->answer_size);
	join_budget(w);
	w->started_steady_ms = w->last_progress_steady_ms = watch_steady_ms(w);
	w->next_poll_steady_ms = w->started_steady_ms + options->first_poll_delay_ms + 1;
	w->last_head_steady_ms = w->started_steady_ms;
	position_init(&w->position);
	page_init(&w->page);
	buf_init(&w->doubt.raw, RESPONSE_BYTES_MAX);
	w->prover = prover_new(w);
	uv_timer_init(w->ingest->loop, &w->timer);
	watch_hold(w);
	load_start(w);
	*out = w;
	return true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	watch_release(CONTAINER_OF(handle, struct watcher, timer));
}

void watcher_close(struct watcher *w, void (*closed)(void *ctx), void *ctx)
{
	if (w->phase == WATCHER_CLOSING)
		return;
	watch_enter(w, WATCHER_CLOSING);
	w->closed = closed;
	w->closed_ctx = ctx;
	request_cancel(w->head_request);
	request_cancel(w->start_request);
	tree_walk_cancel(w->walk);
	tree_walk_cancel(w->edge_walk);
	tree_walk_cancel(w->tail.walk);
	watch_proofs_cancel(w);
	request_cancel(w->doubt.request);
	tree_walk_cancel(w->doubt.walk);
	watch_issuers_cancel(w);
	prover_cancel(w->prover);
	for (struct read *r = w->reads; r != NULL; r = r->next) {
		request_cancel(r->request);
		r->request = NULL;
	}
	uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

void watcher_update(struct watcher *w, const struct listed_log *log, enum follow_how how)
{
	struct listed_log old = w->log;

	copy_log(&w->log, log);
	free_log(&old);
	w->how = how;
	watcher_wake(w);
}

void watcher_status(const struct watcher *w, struct watcher_status *out)
{
	*out = (struct watcher_status){
		.name = w->log.description,
		.url = w->log.url,
		.log_id = &w->log.log_id,
		.head_size = w->has_newest ? w->newest.tree_size : 0,
		.position = position_end(&w->position),
		.verified_size = w->position.verified.end,
		.start_index = w->start_index,
		.entries_read = w->entries_read,
		.has_head = w->has_newest,
		.answered_at = w->answered_at,
		.contradicted = w->contradicted,
		.outcome = w->outcome,
		.scan_from = w->options.scan_from,
		.scan_to = w->has_target ? w->target : w->options.scan_to,
		.scan_proven = w->scan_proven,
	};
	if (w->last_error.kind != ERR_NONE)
		snprintf(out->last_error, sizeof(out->last_error), "%s", w->last_error.text);
}
