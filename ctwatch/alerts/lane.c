/* See lane.h. */
#include "lane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "round.h"

#define LOAD_MAX 100                 /* rows of one round for programs; their envelopes are in memory meanwhile */
#define LOAD_WITH_ENTRY_MAX 4        /* the same with certificates and chains beside them */
#define CONCURRENT_MAX 4
#define BACKOFF_FIRST_MS 5000
#define BACKOFF_MAX_MS 3600000
#define REST_MAX_MS 60000            /* looks again at least this often */
#define REST_MIN_MS 50
#define HOUR_MS 3600000

enum lane_phase { LANE_RESTING, LANE_LOADING, LANE_SENDING, LANE_MARKING, LANE_CLOSING };

struct lane {
	struct alerts *alerts;
	struct sink *sink;
	enum lane_phase phase;
	uv_timer_t timer;
	uv_work_t work;
	struct round round;
	struct delivery deliveries[LOAD_MAX];
	size_t n_deliveries, n_started, n_answered;
	bool stop_sending;               /* one failed: the rest of the round waits */
	int64_t retry_after_ms;
	unsigned failures;               /* in a row */
	int64_t hour_started_steady_ms;
	unsigned sent_this_hour;
	int64_t rest_until_steady_ms;
	int64_t looked_steady_ms;        /* when the round began */
	unsigned n_clock_sets;
	bool overflow;                   /* past the hourly ceiling: what waits becomes a digest */
	bool woken, flushing;
	size_t n_failed;                 /* while flushing */
	bool job_out, timer_closed;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void lane_look(struct lane *lane);

/* ---- phases --------------------------------------------------------------------------------------------------- */

static void maybe_free(struct lane *lane)
{
	if (lane->phase != LANE_CLOSING || lane->job_out || !lane->timer_closed)
		return;
	void (*closed)(void *) = lane->closed;
	void *ctx = lane->closed_ctx;

	round_deinit(&lane->round);
	free(lane);
	closed(ctx);
}

static void on_timer(uv_timer_t *timer)
{
	lane_look(CONTAINER_OF(timer, struct lane, timer));
}

static void flushed(struct lane *lane)
{
	if (!lane->flushing)
		return;
	lane->flushing = false;
	alerts_lane_flushed(lane->alerts, lane->n_failed);
}

static void lane_rest(struct lane *lane, int64_t wait_ms)
{
	int64_t wait = wait_ms < REST_MIN_MS ? REST_MIN_MS : wait_ms > REST_MAX_MS ? REST_MAX_MS : wait_ms;

	lane->phase = LANE_RESTING;
	lane->rest_until_steady_ms = alerts_steady_ms(lane->alerts) + wait_ms;
	if (lane->woken) {
		lane->woken = false;
		if (lane->failures == 0) {
			lane_look(lane);
			return;
		}
	}
	/* only now: a flush that was asked for during a round begins with the look after it */
	flushed(lane);
	uv_timer_start(&lane->timer, on_timer, (uint64_t)wait, 0);
}

/* Half fixed, half random: receivers that came back are not hit by everybody at once. */
static int64_t backoff_ms(const struct lane *lane)
{
	int64_t ceiling = BACKOFF_FIRST_MS;
	uint32_t dice = 0;

	for (unsigned i = 1; i < lane->failures && ceiling < BACKOFF_MAX_MS; i++)
		ceiling *= 2;
	if (ceiling > BACKOFF_MAX_MS)
		ceiling = BACKOFF_MAX_MS;
	uv_random(NULL, NULL, &dice, sizeof(dice), 0, NULL);
	int64_t wait = ceiling / 2 + (int64_t)(dice % (uint32_t)(ceiling / 2));
	return wait > lane->retry_after_ms ? wait : lane->retry_after_ms;
}

static void on_marked(void *ctx, bool ok, const struct error *err)
{
	struct lane *lane = CONTAINER_OF(ctx, struct lane, round);

	lane->job_out = false;
	round_clear(&lane->round);
	if (lane->phase == LANE_CLOSING) {
		maybe_free(lane);
		return;
	}
	if (!ok) {
		/* what was sent is sent again, with the same ids: at least once */
		alerts_say(lane->alerts, DIAG_WARNING, lane->sink, err->text);
		lane_rest(lane, BACKOFF_FIRST_MS);
		return;
	}
	if (lane->failures > 0) {
		lane_rest(lane, lane->round.next_try_ms - lane->round.marked_ms);
		return;
	}
	lane->woken = false;
	lane->phase = LANE_RESTING;
	lane_look(lane);
}

/* Behind what reading has to commit, except when the disk is full: then only the alert about it gets through. */
static void submit(struct lane *lane, store_job_fn *job, store_done_fn *done)
{
	lane->job_out = true;
	store_submit_alert(alerts_store(lane->alerts), job, done, &lane->round);
}

static void lane_mark(struct lane *lane)
{
	struct round *round = &lane->round;
	unsigned n_sets;

	/* before the marks: rows that were written by the old time follow the new one, these are of the new one already */
	alerts_clock_is_set(lane->alerts, &n_sets);
	lane->phase = LANE_MARKING;
	round->marked_ms = alerts_wall_ms(lane->alerts);
	round->elapsed_ms = alerts_steady_ms(lane->alerts) - lane->looked_steady_ms;
	round->next_try_ms = round->marked_ms + (lane->failures > 0 ? backoff_ms(lane) : 0);
	submit(lane, round_mark_job, on_marked);
}

static void start_delivery(struct lane *lane, struct delivery *delivery)
{
	lane->n_started++;
	lane->sent_this_hour++;
	lane->sink->type->deliver(lane->sink, delivery);
}

static void lane_send(struct lane *lane)
{
	size_t concurrent = lane->sink->type->for_people || lane->sink->type->one_at_a_time ? 1 : CONCURRENT_MAX;

	while (!lane->stop_sending && lane->n_started < lane->n_deliveries && lane->n_started - lane->n_answered < concurrent)
		start_delivery(lane, &lane->deliveries[lane->n_started]);
	if (lane->n_answered == lane->n_started && (lane->stop_sending || lane->n_started == lane->n_deliveries))
		lane_mark(lane);
}

void delivery_set_thread(struct delivery *delivery, const char *thread)
{
	snprintf(delivery->thread, sizeof(delivery->thread), "%s", thread);
}

void delivery_done(struct delivery *delivery, enum delivery_result result, const char *answer, int64_t retry_after_ms)
{
	struct lane *lane = delivery->under_way_in;

	if (delivery->finished)
		return;
	delivery->finished = true;
	if (delivery->tested != NULL) {
		delivery->tested(delivery, result == DELIVERY_OK, answer);
		return;
	}
	lane->n_answered++;
	for (size_t i = 0; i < delivery->n; i++) {
		round_mark(&lane->round, &delivery->items[i], result, answer);
		if (result == DELIVERY_OK && delivery->thread[0] != '\0' && delivery->items[i].thread == NULL)
			round_keep_thread(&lane->round, &delivery->items[i], delivery->thread);
	}
	if (result == DELIVERY_OK) {
		/* an answer that was under way beside one that failed says nothing new: the failure's pause stands */
		if (lane->failures > 0 && !lane->stop_sending)
			alerts_say(lane->alerts, DIAG_NOTICE, lane->sink, "delivers again");
		if (!lane->stop_sending)
			lane->failures = 0;
	} else {
		alerts_say(lane->alerts, DIAG_WARNING, lane->sink, answer);
		lane->n_failed += delivery->n;
	}
	if (result == DELIVERY_RETRY) {
		if (!lane->stop_sending)
			lane->failures++;
		lane->stop_sending = true;
		if (retry_after_ms > lane->retry_after_ms)
			lane->retry_after_ms = retry_after_ms;
	}
	lane_send(lane);
}

static void make_deliveries(struct lane *lane)
{
	struct round *round = &lane->round;
	bool together = lane->sink->type->for_people;

	lane->n_deliveries = together ? 1 : round->n_items;
	lane->n_started = lane->n_answered = 0;
	lane->stop_sending = false;
	lane->retry_after_ms = -1;
	for (size_t i = 0; i < lane->n_deliveries; i++) {
		struct delivery *delivery = &lane->deliveries[i];

		*delivery = (struct delivery){ .alerts = lane->alerts,
					       .sink = lane->sink,
					       .under_way_in = lane,
					       .items = &round->items[i],
					       .n = together ? round->n_items : 1,
					       .digest = together && round->digest };
		memcpy(delivery->id, round->items[i].id, sizeof(delivery->id));
		if (delivery->n > 1)
			delivery_id_of_many(delivery);
	}
}

/* A message of several rows has an id of its own, the same for the same rows. */
void delivery_id_of_many(struct delivery *delivery)
{
	struct slice parts[DELIVERY_ITEMS_MAX];
	char text[60];

	for (size_t i = 0; i < delivery->n; i++)
		parts[i] = slice_text(delivery->items[i].id);
	struct hash hash = sha256_parts(parts, delivery->n);
	base32_encode(hash.bytes, sizeof(hash.bytes), text);
	memcpy(delivery->id, text, FINDING_ID_LEN);
	delivery->id[FINDING_ID_LEN] = '\0';
}

static void on_loaded(uv_work_t *work, int status)
{
	struct lane *lane = CONTAINER_OF(work, struct lane, work);
	unsigned n_sets;

	(void)status;                    /* is not cancelled */
	lane->job_out = false;
	if (lane->phase == LANE_CLOSING) {
		maybe_free(lane);
		return;
	}
	if (alerts_clock_is_set(lane->alerts, &n_sets) || n_sets != lane->n_clock_sets) {
		round_clear(&lane->round);      /* due by which time? */
		lane->phase = LANE_RESTING;
		lane_look(lane);
		return;
	}
	if (!lane->round.ok) {
		alerts_say(lane->alerts, DIAG_WARNING, lane->sink, lane->round.err.text);
		lane_rest(lane, BACKOFF_FIRST_MS);
		return;
	}
	if (round_is_empty(&lane->round)) {
		lane_rest(lane, lane->round.next_due_ms == INT64_MAX ? REST_MAX_MS : lane->round.next_due_ms - alerts_wall_ms(lane->alerts));
		return;
	}
	lane->phase = LANE_SENDING;
	make_deliveries(lane);
	if (lane->round.n_items == 0)
		lane->n_deliveries = 0;
	lane_send(lane);
}

static void on_worker(uv_work_t *work)
{
	round_load(&CONTAINER_OF(work, struct lane, work)->round);
}

static void start_loading(struct lane *lane)
{
	lane->job_out = true;
	uv_queue_work(alerts_loop(lane->alerts), &lane->work, on_worker, on_loaded);
}

static void on_overflowed(void *ctx, bool ok, const struct error *err)
{
	struct lane *lane = CONTAINER_OF(ctx, struct lane, round);

	lane->job_out = false;
	if (lane->phase == LANE_CLOSING) {
		maybe_free(lane);
		return;
	}
	if (!ok)
		alerts_say(lane->alerts, DIAG_WARNING, lane->sink, err->text);
	start_loading(lane);
}

/* May a message go out now? Past the hourly ceiling everything waits for the hour's end and then goes as a digest. */
static bool within_ceiling(struct lane *lane, int64_t now)
{
	lane->overflow = false;
	if (now - lane->hour_started_steady_ms >= HOUR_MS) {
		lane->overflow = lane->sink->per_hour > 0 && lane->sent_this_hour >= lane->sink->per_hour && lane->sink->type->for_people;
		lane->hour_started_steady_ms = now;
		lane->sent_this_hour = 0;
	}
	return lane->sink->per_hour == 0 || lane->sent_this_hour < lane->sink->per_hour;
}

static void lane_look(struct lane *lane)
{
	int64_t steady = alerts_steady_ms(lane->alerts), now = alerts_wall_ms(lane->alerts);
	struct round *round = &lane->round;

	if (lane->phase != LANE_RESTING)
		return;
	uv_timer_start(&lane->timer, on_timer, REST_MIN_MS, 0);
	if (alerts_clock_is_set(lane->alerts, &lane->n_clock_sets))
		return;
	uv_timer_stop(&lane->timer);
	if (!within_ceiling(lane, steady)) {
		lane->woken = false;
		lane_rest(lane, lane->hour_started_steady_ms + HOUR_MS - steady);
		return;
	}
	lane->phase = LANE_LOADING;
	lane->looked_steady_ms = steady;
	round->now_ms = now;
	round->first_by_ms = now + (lane->flushing ? lane->sink->group_window_ms : 0);
	round->joins_by_ms = now + lane->sink->group_window_ms;
	round->retry_for_ms = lane->sink->retry_for_ms;
	round->for_people = lane->sink->type->for_people;
	round->with_entry = lane->sink->type->wants_entry;
	round->limit = round->for_people ? DELIVERY_ITEMS_MAX : round->with_entry ? LOAD_WITH_ENTRY_MAX : LOAD_MAX;
	if (lane->overflow)
		submit(lane, round_overflow_job, on_overflowed);
	else
		start_loading(lane);
}

/* ---- from outside ------------------------------------------------------------------------------------------------ */

struct lane *lane_new(struct alerts *alerts, struct sink *sink)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->alerts = alerts;
	lane->sink = sink;
	lane->round.sink_name = xstrdup(sink->name);
	lane->round.directory = alerts_directory(alerts);
	lane->hour_started_steady_ms = alerts_steady_ms(alerts);
	uv_timer_init(alerts_loop(alerts), &lane->timer);
	lane_rest(lane, 0);
	return lane;
}

void lane_wake(struct lane *lane)
{
	bool may = lane->failures == 0 || alerts_steady_ms(lane->alerts) >= lane->rest_until_steady_ms;

	if (lane->phase == LANE_RESTING && may)
		lane_look(lane);
	else
		lane->woken = true;
}

void lane_flush(struct lane *lane)
{
	lane->flushing = true;
	lane->n_failed = 0;
	if (lane->phase == LANE_RESTING)
		lane_look(lane);
	else
		lane->woken = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct lane *lane = CONTAINER_OF(handle, struct lane, timer);

	lane->timer_closed = true;
	maybe_free(lane);
}

void lane_close(struct lane *lane, void (*closed)(void *ctx), void *ctx)
{
	if (lane->phase == LANE_CLOSING)
		return;
	if (lane->phase == LANE_SENDING) {
		for (size_t i = 0; i < lane->n_started; i++) {
			struct delivery *delivery = &lane->deliveries[i];

			if (!delivery->finished && delivery->cancel != NULL)
				delivery->cancel(delivery);
		}
	}
	flushed(lane);
	lane->phase = LANE_CLOSING;
	lane->closed = closed;
	lane->closed_ctx = ctx;
	uv_close((uv_handle_t *)&lane->timer, on_timer_closed);
}
