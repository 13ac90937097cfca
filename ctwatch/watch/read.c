/*
 * Reading: which stretch is next, asking for it, handing the answer to a worker. Head first, gap later: a log that is far
 * behind, or that lets us read so slowly that the head is far away in time, is read from its newest page on, and the gap
 * below with what rate is left.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAR_BEHIND 16384             /* entries: minutes of a busy log; less is read in order */
#define FAR_BEHIND_S 60              /* and where a log throttles us: as long as that would take at the rate it allows */
#define FAR_BEHIND_AGAIN_S 900       /* the same of the tail itself; each time leaves a gap, so it must be rare */
#define READS_UNCOMMITTED_MAX 32     /* responses of one log that may wait for the disk */
#define PARTIAL_WAIT_MS ((int64_t)5 * 60 * 1000)      /* certspotter's value (spec 2.5) */

/* ---- which stretch is next ------------------------------------------------------------------------------ */

struct interval {
	uint64_t from, to;
};

/* What is being asked for, worked on, or rests after a failure. */
static size_t busy_intervals(const struct watcher *w, int64_t now, struct interval *out)
{
	size_t n = 0;

	for (const struct read *r = w->reads; r != NULL; r = r->next)
		out[n++] = r->phase >= READ_READY ? (struct interval){ r->output.from, r->output.to } :
						    (struct interval){ r->window.from, r->window.to };
	if (w->doubt.phase == DOUBT_WAITING)
		out[n++] = (struct interval){ w->doubt.from, w->doubt.head.tree_size };
	for (size_t i = 0; i < w->n_missing; i++)
		if (w->missing[i].next_steady_ms > now)
			out[n++] = (struct interval){ w->missing[i].from, w->missing[i].to };
	return n;
}

/* The first unread stretch in [from, limit) that nobody is busy with. */
static bool find_stretch(const struct watcher *w, uint64_t from, uint64_t limit, uint64_t *start, uint64_t *end)
{
	struct interval busy[READS_UNCOMMITTED_MAX + MISSING_RANGES_MAX + 16];
	size_t n = busy_intervals(w, watch_steady_ms(w), busy);

	while (position_gap(&w->position, from, limit, start, end)) {
		bool moved = false;

		for (size_t i = 0; i < n; i++) {
			if (busy[i].from <= *start && *start < busy[i].to) {
				from = busy[i].to;
				moved = true;
			}
		}
		if (moved)
			continue;
		for (size_t i = 0; i < n; i++)
			if (busy[i].from > *start && busy[i].from < *end)
				*end = busy[i].from;
		return true;
	}
	return false;
}

/* How far entries may be read: the signed size, less a static log's unfinished tile while that may still fill (spec 2.5). */
static uint64_t read_limit(struct watcher *w)
{
	uint64_t size = watch_readable_size(w), tile = size / TILE_WIDTH;
	int64_t now = watch_steady_ms(w);

	if (w->options.scan && w->options.scan_to < size)
		return w->options.scan_to;
	if (w->log.protocol != LOG_STATIC || size % TILE_WIDTH == 0 || w->ingest->once || w->how != FOLLOW_LIVE)
		return size;
	if (tile != w->partial_tile || w->partial_since_steady_ms == 0) {
		w->partial_tile = tile;
		w->partial_since_steady_ms = now;
	}
	if (now - w->partial_since_steady_ms >= PARTIAL_WAIT_MS || watch_wall_ms(w) > w->log.interval_end_ms)
		return size;
	uint64_t end = position_end(&w->position);
	return tile * TILE_WIDTH > end ? tile * TILE_WIDTH : end;
}

/* Would a fresh certificate wait behind so many unread entries? */
static bool is_far(const struct watcher *w, uint64_t n_unread)
{
	uint64_t page = w->log.protocol == LOG_STATIC ? TILE_WIDTH : w->page.page;
	struct governor_status host;

	if (n_unread > FAR_BEHIND)
		return true;
	if (n_unread <= 2 * page || !governor_status(w->ingest->governor, w->log.url, &host) || !host.settled)
		return false;
	return (double)n_unread / (double)page > host.rate * (w->tail_start == 0 ? FAR_BEHIND_S : FAR_BEHIND_AGAIN_S);
}

/* The tail begins where the newest page does, as soon as the log is far behind; it ends when the gap below is filled. */
static void place_tail(struct watcher *w, uint64_t limit)
{
	uint64_t end = position_end(&w->position), top = position_top(&w->position);

	if (w->options.scan || limit <= end) {
		w->tail_start = 0;
		return;
	}
	if (w->tail_start != 0 && (end >= w->tail_start || w->tail_start >= limit))
		w->tail_start = 0;
	uint64_t base = w->tail_start == 0 ? end : (top > w->tail_start ? top : w->tail_start);
	if (!is_far(w, limit - base))
		return;
	w->tail_start = (limit - 1) / w->source->step * w->source->step;
	if (w->verified_head.tree_size > 0 && w->has_verified_head)
		watch_want_proof(w, &w->verified_head, &w->newest);
}

/* The first that is unread, or where nothing was answered for long, one further on. */
static bool choose_stretch(struct watcher *w, uint64_t low, uint64_t high, uint64_t *from, uint64_t *limit)
{
	if (!find_stretch(w, low, high, from, limit))
		return false;
	uint64_t ahead = watch_missing_probe(w, *from, high) / w->source->step * w->source->step, start, end;

	if (ahead > *from && find_stretch(w, ahead, high, &start, &end)) {
		*from = start;
		*limit = end;
	}
	return true;
}

static bool next_stretch(struct watcher *w, uint64_t *from, uint64_t *limit, enum governor_class *class)
{
	uint64_t end = read_limit(w);

	place_tail(w, end);
	*class = GOVERNOR_TAIL;
	if (choose_stretch(w, w->tail_start, end, from, limit))
		return true;
	*class = GOVERNOR_GAP;
	return w->tail_start != 0 && choose_stretch(w, 0, w->tail_start, from, limit);
}

/* ---- one response ------------------------------------------------------------------------------------------- */

static void hold_instead(struct read *r, uint64_t n_bytes)
{
	uint64_t before = r->reserved_bytes;

	r->reserved_bytes = n_bytes;
	budget_change(&r->w->budget, before, n_bytes);
}

void watch_read_free(struct read *r)
{
	request_cancel(r->request);
	buf_deinit(&r->body);
	batch_output_deinit(&r->output);
	free(r->window.url);
	hold_instead(r, 0);
	free(r);
}

static void drop_read(struct watcher *w, struct read *read)
{
	struct read **at = &w->reads;

	while (*at != read)
		at = &(*at)->next;
	*at = read->next;
	w->n_reads--;
	watch_read_free(read);
}

/* Where more room can be had for such an answer, or fewer entries asked for, the same range is asked for again. */
static bool was_short(struct watcher *w, const struct read *r, bool of_room)
{
	if (r->body_bytes + r->room_bytes >= budget_share(&w->ingest->budget) && r->window.n_asked == 1)
		return false;
	if (of_room)
		answer_size_room_short(&w->answer_size, r->window.n_asked, r->input.room_max);
	else
		answer_size_body_short(&w->answer_size, r->window.n_asked, r->body_bytes);
	return w->log.protocol != LOG_STATIC || r->body_bytes + r->room_bytes < budget_share(&w->ingest->budget);
}

static void too_large(struct watcher *w, struct error *err)
{
	char most[TIME_TEXT_LEN];

	error_set(err, ERR_MALFORMED, "answer larger than the %s that one log may take of memory_bytes", bytes_format(budget_share(&w->ingest->budget), most));
}

static void answer_failed(struct watcher *w, struct read *r, struct fetch_answer *answer)
{
	bool tile = w->log.protocol == LOG_STATIC;
	bool throttled = governor_outcome_of(answer) == GOVERNOR_THROTTLED;
	struct missing_why why = {
		.by_answer = answer->asked && !throttled,
		.throttled = throttled,
		.refused = answer->status == 404 || answer->status == 403 || answer->status == 410,
		.timed_out = answer->timed_out,
		.seconds = answer->seconds,
	};
	struct error err;

	request_failed(r->window.url, answer, &err);
	if (answer->too_large)
		too_large(w, &err);
	if (answer->too_large && was_short(w, r, false)) {
		/* the range is free again, the next request brings more room or asks for less */
	} else if (!tile && request_page_too_large(answer) && page_halve(&w->page, r->window.n_asked)) {
		watch_trouble(w, &err);
	} else {
		watch_missing_note(w, &r->window, tile ? INCIDENT_MISSING_TILE : INCIDENT_MISSING_ENTRIES, &why, &err);
	}
	drop_read(w, r);
	watch_pump(w);
	watch_schedule(w);
}

static void work_failed(struct watcher *w, struct read *r)
{
	struct missing_why why = { .by_answer = r->err.kind == ERR_MALFORMED, .malformed = true };
	bool again = r->output.too_large && was_short(w, r, true);

	error_context(&r->err, "%s", r->window.url);
	if (!again)
		watch_missing_note(w, &r->window, w->log.protocol == LOG_STATIC ? INCIDENT_TILE_MALFORMED : INCIDENT_MISSING_ENTRIES, &why, &r->err);
	drop_read(w, r);
}

static void work_done(struct watcher *w, struct read *r)
{
	const struct batch_output *out = &r->output;

	answer_size_learn(&w->answer_size, out->n_received, r->input.body.len, out->inflated_bytes);
	if (r->input.in_doubt && r->window.from == w->doubt.from)
		watch_doubt_raw(w, &r->body);     /* evidence: the first response of the range in doubt */
	buf_deinit(&r->body);
	watch_missing_worked(w, &r->window);
	if (w->log.protocol == LOG_RFC6962 && !out->cut)
		page_learn(&w->page, r->window.from, r->window.n_asked, out->to - out->from);
	watch_missing_served(w, out->from, out->to);
	hold_instead(r, out->held_bytes);
}

static void on_worked(struct pool_job *job, bool ran)
{
	struct read *r = CONTAINER_OF(job, struct read, job);
	struct watcher *w = r->w;

	if (w->phase == WATCHER_CLOSING) {
		r->phase = READ_READY;
		watch_release(w);
		return;
	}
	if (ran && r->ok && r->output.paused) {
		pool_submit(w->ingest->pool, &w->turns, job);     /* behind what others have waiting */
		return;
	}
	r->phase = READ_READY;
	if (!ran)
		r->ok = error_set(&r->err, ERR_RETRY, "stopped");
	if (r->ok)
		work_done(w, r);
	else
		work_failed(w, r);
	watch_commit(w);
	watch_pump(w);
	watch_schedule(w);
	watch_release(w);
}

/* On a worker: this response only. */
static void work(struct pool_job *job)
{
	struct read *r = CONTAINER_OF(job, struct read, job);
	const struct ruleset *rules = rules_ref_set(job->rules);

	if (r->output.paused)
		r->ok = batch_resume(job->scratch, rules, &r->input, &r->output, &r->err);
	else
		r->ok = batch_run(job->scratch, rules, &r->input, &r->output, &r->err);
	snprintf(r->ruleset_id, sizeof(r->ruleset_id), "%s", ruleset_id(rules));
}

/* The signed sizes inside the response and the first one beyond it, and the newest head below it. */
static void add_heads(struct watcher *w, struct read *r)
{
	struct batch_input *in = &r->input;

	in->floor_head_ms = INT64_MIN;
	if (w->has_verified_head && w->verified_head.tree_size <= in->from && w->verified_head.tree_size > 0)
		in->floor_head_ms = watch_head_ms(&w->verified_head);
	in->heads = r->heads;
	for (size_t i = 0; i < w->pending.n; i++) {
		const struct pending_head *p = &w->pending.items[i];
		const struct tree_head *head = &p->head;

		if (p->forked || (p->aside && head->tree_size <= in->from))
			continue;         /* what contradicts others says nothing about times */
		if (head->tree_size <= in->from) {
			if (watch_head_ms(head) > in->floor_head_ms)
				in->floor_head_ms = watch_head_ms(head);
			continue;
		}
		if (in->n_heads == BATCH_HEADS_MAX)
			break;
		r->heads[in->n_heads++] = (struct batch_head){ head->tree_size, watch_head_ms(head) };
		if (head->tree_size >= in->to)
			break;
	}
}

static void on_entries(void *ctx, struct fetch_answer *answer)
{
	struct read *r = ctx;
	struct watcher *w = r->w;

	r->request = NULL;
	w->n_asking--;
	if (answer->status != 200 || answer->error[0] != '\0') {
		answer_failed(w, r, answer);
		return;
	}
	r->body = answer->body;
	answer->body = (struct buf){ 0 };
	hold_instead(r, r->body.cap + r->room_bytes);
	r->phase = READ_WORKING;
	r->input = (struct batch_input){
		.protocol = w->log.protocol,
		.body = buf_slice(&r->body),
		.gzip = answer->gzip,
		.first = r->window.first,
		.n_asked = r->window.n_asked,
		.from = r->window.from,
		.to = r->window.to,
		.mmd_ms = (w->log.mmd_s > 0 ? w->log.mmd_s : 86400) * 1000,
		.interval_start_ms = w->log.interval_start_ms,
		.interval_end_ms = w->log.interval_end_ms,
		.now_ms = r->window.from >= w->live_from && r->class == GOVERNOR_TAIL ? watch_wall_ms(w) : 0,
		.room_max = r->room_bytes > BATCH_ROOM_KEPT ? r->room_bytes : BATCH_ROOM_KEPT,
		.slice_us = POOL_SLICE_US,
		.in_doubt = w->doubt.phase == DOUBT_READING && r->window.from >= w->doubt.from && r->window.to <= w->doubt.head.tree_size,
	};
	add_heads(w, r);
	r->job.run = work;
	r->job.done = on_worked;
	watch_hold(w);
	pool_submit(w->ingest->pool, &w->turns, &r->job);
	watch_pump(w);
}

/* Classic logs: a request keeps to the missing range that it begins in, or to what lies before the next one. */
static uint64_t within_missing(const struct watcher *w, uint64_t from, uint64_t limit)
{
	for (size_t i = 0; w->log.protocol != LOG_STATIC && i < w->n_missing; i++) {
		const struct missing_range *m = &w->missing[i];
		uint64_t most = m->to - from < m->n_ask ? m->to : from + m->n_ask;

		if (m->from <= from && from < m->to && most < limit)
			limit = most;
		else if (m->from > from && m->from < limit)
			limit = m->from;
	}
	return limit;
}

/* While nothing is answered, or nothing was yet, one request at a time finds out what would be. */
static bool may_ask(const struct watcher *w)
{
	return w->n_asking < (w->fruitless >= 2 || !w->answered ? 1 : w->source->in_flight_max) && w->n_reads < READS_UNCOMMITTED_MAX &&
	       (w->entries_rest_steady_ms == 0 || watch_steady_ms(w) >= w->entries_rest_steady_ms);
}

static void set_window(struct watcher *w, struct read *r, uint64_t from, uint64_t limit, bool full_tile)
{
	free(r->window.url);
	w->source->window(&w->log, &w->page, from, limit, watch_readable_size(w), full_tile, &r->window);
	r->body_bytes = answer_size_body(&w->answer_size, r->window.n_asked);
	r->room_bytes = answer_size_room(&w->answer_size, r->window.n_asked);
	if (r->room_bytes <= BATCH_ROOM_KEPT)
		r->room_bytes = 0;        /* each worker has that */
}

/* What is to be asked for, and the bytes that it may take: fewer entries rather than more than half of what is left to the log. */
static void plan_read(struct watcher *w, struct read *r, uint64_t from, uint64_t limit, bool full_tile)
{
	uint64_t share = budget_share(&w->ingest->budget), fair = budget_left(&w->budget) / 2;

	if (fair < share / 8)
		fair = share / 8;
	set_window(w, r, from, limit, full_tile);
	uint64_t need = r->body_bytes + r->room_bytes;
	if (need > fair && w->log.protocol != LOG_STATIC && r->window.n_asked > 1) {
		uint64_t n = r->window.n_asked * fair / need;

		set_window(w, r, from, from + (n > 0 ? n : 1), full_tile);
		need = r->body_bytes + r->room_bytes;
	}
	if (need > share) {
		r->body_bytes = (uint64_t)((double)r->body_bytes / (double)need * (double)share);
		r->room_bytes = r->room_bytes == 0 ? 0 : share - r->body_bytes;
	}
	r->reserved_bytes = r->body_bytes + r->room_bytes;
}

static bool start_read(struct watcher *w, uint64_t from, uint64_t limit, enum governor_class class)
{
	struct missing_range *missing = watch_missing_at(w, from, from + 1);
	struct read *r = xcalloc(1, sizeof(*r)), **at = &w->reads;

	r->w = w;
	r->class = class;
	plan_read(w, r, from, within_missing(w, from, limit), missing != NULL && missing->full_tile);
	if (!budget_take(&w->budget, r->reserved_bytes)) {
		free(r->window.url);
		free(r);
		return false;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = r;
	w->n_reads++;
	w->n_asking++;
	bool fresh = missing != NULL || w->doubt.phase == DOUBT_READING;
	r->request = watch_request_entries(w, r, r->body_bytes, fresh, on_entries, r);
	return true;
}

void watch_pump(struct watcher *w)
{
	uint64_t from, limit;
	enum governor_class class;

	if (w->phase != WATCHER_FOLLOWING || !w->has_newest || w->budget.waiting || (w->ingest->store != NULL && store_is_full(w->ingest->store)) || w->outcome != WATCHER_UNSETTLED ||
	    w->retry_commit_steady_ms != 0)
		return;
	while (may_ask(w) && next_stretch(w, &from, &limit, &class))
		if (!start_read(w, from, limit, class))
			break;
}
