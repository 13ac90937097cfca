/* See lane.h. */
#include "lane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pace.h"
#include "round.h"

#define LOAD_MAX 100                 /* rows of one round for programs; their envelopes are in memory meanwhile */
#define LOAD_WITH_ENTRY_MAX 4        /* the same with certificates and chains beside them */
#define CONCURRENT_MAX 4
#define FAILURES_MAX 8               /* in a row: more, and the receiver is down, or all rows are bad */
#define RETRY_STATE_MS 5000          /* the state did not answer */
#define REST_MAX_MS 60000            /* looks again at least this often */
#define REST_MIN_MS 50
#define FRESH_LOOK_MS 60000          /* rows that were never tried do not wait for a lane's long pause, lest bad rows hold back good ones */
#define SAY_AGAIN_MS 600000          /* the same sentence, while it goes on */
#define HOUR_MS 3600000

enum lane_phase { LANE_RESTING, LANE_LOADING, LANE_JOINING, LANE_SENDING, LANE_MARKING, LANE_CLOSING };

struct lane {
	struct lane_options with;
	struct sink *sink;
	enum lane_phase phase;
	uv_timer_t timer;
	uv_work_t work;
	struct round round;
	struct delivery deliveries[LOAD_MAX];
	size_t n_deliveries, n_started, n_answered;
	unsigned failures;               /* of deliveries in a row */
	bool stop_sending;               /* the lane is to rest: what is left of the round waits */
	int64_t asked_pause_ms;          /* by an answer of this round; 0: none */
	int64_t pause_until_steady_ms, tried_steady_ms;
	bool pause_was_asked;            /* by the receiver: nothing goes out before */
	int64_t hour_started_steady_ms;
	int64_t looked_steady_ms;        /* when the round began */
	unsigned n_clock_sets;
	unsigned sent_this_hour;
	bool overflow;                   /* past the hourly ceiling: what waits becomes a digest */
	bool woken, flushing;
	char (*failed)[FINDING_ID_LEN + 1];   /* while flushing: rows whose last try failed */
	size_t n_failed;
	char said[200];
	int64_t said_steady_ms;
	bool job_out, timer_closed;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void lane_look(struct lane *lane, bool only_fresh);

static int64_t steady_now(const struct lane *lane)
{
	return lane->with.env->clock.steady_ms(lane->with.env->clock.ctx);
}

static int64_t wall_now(const struct lane *lane)
{
	return lane->with.env->clock.wall_ms(lane->with.env->clock.ctx);
}

static bool is_down(const struct lane *lane)
{
	return lane->failures >= FAILURES_MAX;
}

static void say(struct lane *lane, enum diag_level level, const char *sentence)
{
	lane->with.say(lane->with.ctx, level, lane->sink, sentence);
}

/* A failure that goes on is told once, and now and then. */
static void say_failure(struct lane *lane, const char *sentence)
{
	int64_t now = steady_now(lane);

	if (strncmp(sentence, lane->said, sizeof(lane->said) - 1) == 0 && now - lane->said_steady_ms < SAY_AGAIN_MS)
		return;
	snprintf(lane->said, sizeof(lane->said), "%s", sentence);
	lane->said_steady_ms = now;
	say(lane, DIAG_WARNING, sentence);
}

static uint32_t dice(void)
{
	uint32_t value = 0;

	uv_random(NULL, NULL, &value, sizeof(value), 0, NULL);
	return value;
}

/* ---- what a flush could not deliver -------------------------------------------------------------------------- */

static void forget_failed(struct lane *lane, const char *id)
{
	for (size_t i = 0; i < lane->n_failed; i++)
		if (strcmp(lane->failed[i], id) == 0)
			memcpy(lane->failed[i], lane->failed[--lane->n_failed], sizeof(lane->failed[i]));
}

static void note_outcome(struct lane *lane, const struct delivery *delivery, bool ok)
{
	for (size_t i = 0; lane->flushing && i < delivery->n; i++) {
		forget_failed(lane, delivery->items[i].id);
		if (ok)
			continue;
		lane->failed = xrealloc(lane->failed, (lane->n_failed + 1) * sizeof(*lane->failed));
		memcpy(lane->failed[lane->n_failed++], delivery->items[i].id, sizeof(*lane->failed));
	}
}

/* ---- resting --------------------------------------------------------------------------------------------------- */

static void maybe_free(struct lane *lane)
{
	if (lane->phase != LANE_CLOSING || lane->job_out || !lane->timer_closed)
		return;
	void (*closed)(void *) = lane->closed;
	void *ctx = lane->closed_ctx;

	round_deinit(&lane->round);
	free(lane->failed);
	free(lane);
	closed(ctx);
}

/* A job came back: is the lane closing, and perhaps gone now? */
static bool is_over(struct lane *lane)
{
	lane->job_out = false;
	if (lane->phase != LANE_CLOSING)
		return false;
	maybe_free(lane);
	return true;
}

static void on_timer(uv_timer_t *timer)
{
	lane_wake(CONTAINER_OF(timer, struct lane, timer));
}

static void flushed(struct lane *lane)
{
	if (!lane->flushing)
		return;
	lane->flushing = false;
	lane->with.flushed(lane->with.ctx, lane->n_failed);
}

static void lane_rest(struct lane *lane, int64_t wait_ms)
{
	int64_t wait = wait_ms < REST_MIN_MS ? REST_MIN_MS : wait_ms > REST_MAX_MS ? REST_MAX_MS : wait_ms;

	lane->phase = LANE_RESTING;
	if (lane->woken) {
		lane->woken = false;
		if (steady_now(lane) >= lane->pause_until_steady_ms) {
			lane_look(lane, false);
			return;
		}
	}
	/* only now: a flush that was asked for during a round begins with the look after it */
	flushed(lane);
	uv_timer_start(&lane->timer, on_timer, (uint64_t)wait, 0);
}

/* ---- marking --------------------------------------------------------------------------------------------------- */

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
		say(lane, DIAG_WARNING, err->text);
		lane_rest(lane, RETRY_STATE_MS);
		return;
	}
	lane->round.recovered = false;
	if (steady_now(lane) < lane->pause_until_steady_ms) {
		lane_rest(lane, lane->pause_until_steady_ms - steady_now(lane));
		return;
	}
	lane->woken = false;
	lane->phase = LANE_RESTING;
	lane_look(lane, false);
}

/* Behind what reading has to commit, except when the disk is full: then only the alert about it gets through. */
static void submit(struct lane *lane, store_job_fn *job, store_done_fn *done)
{
	lane->job_out = true;
	store_submit_alert(lane->with.store, job, done, &lane->round);
}

static void lane_mark(struct lane *lane)
{
	int64_t now = steady_now(lane), pause = is_down(lane) ? pace_pause_ms(lane->failures - FAILURES_MAX + 1, dice()) : 0;
	unsigned n_sets;

	/* before the marks: rows that were written by the old time follow the new one, these are of the new one already */
	lane->with.clock_is_set(lane->with.ctx, &n_sets);
	lane->phase = LANE_MARKING;
	lane->tried_steady_ms = now;
	lane->round.marked_ms = wall_now(lane);
	lane->round.elapsed_ms = now - lane->looked_steady_ms;
	lane->pause_was_asked = lane->asked_pause_ms > pause;
	lane->pause_until_steady_ms = lane->stop_sending ? now + (lane->pause_was_asked ? lane->asked_pause_ms : pause) : 0;
	submit(lane, round_mark_job, on_marked);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static void lane_send(struct lane *lane)
{
	bool one = lane->sink->type->for_people || lane->sink->type->one_at_a_time || is_down(lane);
	size_t concurrent = one ? 1 : CONCURRENT_MAX;

	while (!lane->stop_sending && lane->n_started < lane->n_deliveries && lane->n_started - lane->n_answered < concurrent) {
		struct delivery *delivery = &lane->deliveries[lane->n_started++];

		lane->sink->type->deliver(lane->sink, delivery);
	}
	if (lane->n_answered == lane->n_started && (lane->stop_sending || lane->n_started == lane->n_deliveries))
		lane_mark(lane);
}

static void count_success(struct lane *lane, const struct delivery *delivery)
{
	if (is_down(lane)) {
		lane->round.recovered = true;
		say(lane, DIAG_NOTICE, "delivers again");
		lane->said[0] = '\0';
	}
	lane->failures = 0;
	lane->sent_this_hour++;
	if (delivery->note[0] != '\0')
		say_failure(lane, delivery->note);
}

static void count_failure(struct lane *lane, const struct delivery *delivery, enum delivery_result result, const char *answer, int64_t retry_after_ms)
{
	say_failure(lane, answer);
	/* a receiver that refuses one message, or of whose mailboxes one answers, is there */
	if (result != DELIVERY_RETRY || delivery->taken_by_some) {
		lane->failures = 0;
		return;
	}
	lane->failures++;
	if (retry_after_ms > lane->asked_pause_ms)
		lane->asked_pause_ms = retry_after_ms;
	lane->stop_sending = lane->stop_sending || is_down(lane) || retry_after_ms > 0;
}

static void mark_all(struct lane *lane, const struct delivery *delivery, enum delivery_result result, const char *answer)
{
	for (size_t i = 0; i < delivery->n; i++) {
		const struct alert_item *item = &delivery->items[i];
		int64_t pause = pace_pause_ms((unsigned)item->attempts + 1, dice());

		pause = pause > delivery->pause_ms ? pause : delivery->pause_ms;
		round_mark(&lane->round, delivery, item, result, answer, pause > lane->asked_pause_ms ? pause : lane->asked_pause_ms);
	}
}

/* Refused as a whole, perhaps for one of its rows or for its size; or not answered, twice. */
static bool is_to_be_halved(const struct delivery *delivery, enum delivery_result result)
{
	return delivery->n > 1 && (result == DELIVERY_REFUSED || (result == DELIVERY_RETRY && delivery->perhaps_too_large && delivery->items[0].attempts > 0));
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
	if (result == DELIVERY_OK)
		count_success(lane, delivery);
	else
		count_failure(lane, delivery, result, answer, retry_after_ms);
	note_outcome(lane, delivery, result == DELIVERY_OK);
	if (is_to_be_halved(delivery, result))
		round_halve(&lane->round, delivery, answer);
	else
		mark_all(lane, delivery, result, answer);
	free(delivery->progress);
	delivery->progress = NULL;
	lane_send(lane);
}

static void make_deliveries(struct lane *lane)
{
	struct round *round = &lane->round;
	bool together = lane->sink->type->for_people;

	lane->n_deliveries = together && round->n_items > 0 ? 1 : round->n_items;
	lane->n_started = lane->n_answered = 0;
	lane->stop_sending = false;
	lane->asked_pause_ms = 0;
	for (size_t i = 0; i < lane->n_deliveries; i++) {
		struct delivery *delivery = &lane->deliveries[i];

		*delivery = (struct delivery){ .env = lane->with.env,
					       .sink = lane->sink,
					       .under_way_in = lane,
					       .items = &round->items[i],
					       .n = together ? round->n_items : 1,
					       .digest = together && round->digest };
		memcpy(delivery->id, together ? round->message : round->items[i].id, sizeof(delivery->id));
	}
}

static void on_joined(void *ctx, bool ok, const struct error *err)
{
	struct lane *lane = CONTAINER_OF(ctx, struct lane, round);

	if (is_over(lane))
		return;
	if (!ok) {
		say(lane, DIAG_WARNING, err->text);
		lane_rest(lane, RETRY_STATE_MS);
		return;
	}
	lane->phase = LANE_SENDING;
	lane_send(lane);
}

/* One message for people: as many rows as fit into it. One that was sent before and no longer fits comes in halves. */
static void compose(struct lane *lane)
{
	struct round *round = &lane->round;
	struct delivery *delivery = &lane->deliveries[0];
	size_t fits = lane->sink->type->fits != NULL ? lane->sink->type->fits(lane->sink, delivery) : delivery->n;

	if (fits < delivery->n && round->joined) {
		round_halve(round, delivery, "too much for one message");
		lane->n_deliveries = 0;
		lane_send(lane);
		return;
	}
	round_take(round, fits);
	make_deliveries(lane);
	if (round->joined) {
		lane_send(lane);
		return;
	}
	lane->phase = LANE_JOINING;
	submit(lane, round_join_job, on_joined);
}

/* ---- loading ------------------------------------------------------------------------------------------------------ */

/* Nothing is due: until something is, or the lane's pause is over. */
static void rest_until_due(struct lane *lane)
{
	int64_t due = lane->round.next_due_ms == INT64_MAX ? REST_MAX_MS : lane->round.next_due_ms - wall_now(lane);
	int64_t pause = lane->pause_until_steady_ms - steady_now(lane);

	lane_rest(lane, pause > due ? pause : due);
}

static void on_loaded(uv_work_t *work, int status)
{
	struct lane *lane = CONTAINER_OF(work, struct lane, work);
	unsigned n_sets;

	(void)status;                    /* is not cancelled */
	if (is_over(lane))
		return;
	if (lane->with.clock_is_set(lane->with.ctx, &n_sets) || n_sets != lane->n_clock_sets) {
		round_clear(&lane->round);      /* due by which time? */
		lane->phase = LANE_RESTING;
		lane_look(lane, false);
		return;
	}
	if (!lane->round.ok) {
		say(lane, DIAG_WARNING, lane->round.err.text);
		lane_rest(lane, RETRY_STATE_MS);
		return;
	}
	if (round_is_empty(&lane->round)) {
		rest_until_due(lane);
		return;
	}
	lane->phase = LANE_SENDING;
	make_deliveries(lane);
	if (lane->sink->type->for_people && lane->n_deliveries > 0)
		compose(lane);
	else
		lane_send(lane);
}

static void on_worker(uv_work_t *work)
{
	round_load(&CONTAINER_OF(work, struct lane, work)->round);
}

static void start_loading(struct lane *lane)
{
	lane->job_out = true;
	uv_queue_work(lane->with.env->loop, &lane->work, on_worker, on_loaded);
}

static void on_overflowed(void *ctx, bool ok, const struct error *err)
{
	struct lane *lane = CONTAINER_OF(ctx, struct lane, round);

	if (is_over(lane))
		return;
	if (!ok)
		say(lane, DIAG_WARNING, err->text);
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

/* A lane that is down asks with one row. */
static size_t load_limit(const struct lane *lane)
{
	size_t limit = lane->sink->type->wants_entry ? LOAD_WITH_ENTRY_MAX : LOAD_MAX;
	size_t left = lane->sink->per_hour - lane->sent_this_hour;

	if (lane->sink->type->for_people)
		return DELIVERY_ITEMS_MAX;
	if (is_down(lane))
		return 1;
	return lane->sink->per_hour > 0 && left < limit ? left : limit;
}

static void lane_look(struct lane *lane, bool only_fresh)
{
	int64_t steady = steady_now(lane), now = wall_now(lane);
	struct round *round = &lane->round;

	if (lane->phase != LANE_RESTING)
		return;
	uv_timer_start(&lane->timer, on_timer, REST_MIN_MS, 0);
	if (lane->with.clock_is_set(lane->with.ctx, &lane->n_clock_sets))
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
	round->only_fresh = only_fresh;
	round->limit = load_limit(lane);
	if (lane->overflow)
		submit(lane, round_overflow_job, on_overflowed);
	else
		start_loading(lane);
}

/* ---- from outside ------------------------------------------------------------------------------------------------ */

struct lane *lane_new(const struct lane_options *options)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->with = *options;
	lane->sink = options->sink;
	lane->round.sink_name = xstrdup(options->sink->name);
	lane->round.directory = options->directory;
	lane->hour_started_steady_ms = steady_now(lane);
	uv_timer_init(options->env->loop, &lane->timer);
	lane_rest(lane, 0);
	return lane;
}

void lane_wake(struct lane *lane)
{
	int64_t now = steady_now(lane);

	if (lane->phase != LANE_RESTING)
		lane->woken = true;
	else if (now >= lane->pause_until_steady_ms)
		lane_look(lane, false);
	else if (!lane->pause_was_asked && now - lane->tried_steady_ms >= FRESH_LOOK_MS)
		lane_look(lane, true);
	else
		lane_rest(lane, lane->pause_until_steady_ms - now);
}

void lane_flush(struct lane *lane)
{
	lane->flushing = true;
	lane->n_failed = 0;
	lane->pause_until_steady_ms = 0;
	if (lane->phase == LANE_RESTING)
		lane_look(lane, false);
	else
		lane->woken = true;
}

bool lane_is_busy(const struct lane *lane)
{
	return lane->phase != LANE_RESTING;
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
			free(delivery->progress);
			delivery->progress = NULL;
		}
	}
	flushed(lane);
	lane->phase = LANE_CLOSING;
	lane->closed = closed;
	lane->closed_ctx = ctx;
	uv_close((uv_handle_t *)&lane->timer, on_timer_closed);
}
