/* The lanes of all sinks, reloading, flushing, and test messages. */
#include "alerts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane.h"
#include "schedule.h"
#include "standard_output.h"

struct alerts {
	struct alerts_options with;
	struct sink_env env;
	struct sink_set *sinks;
	struct lane *lanes[SINKS_MAX];
	size_t n_lanes, n_closing;
	char *directory;
	struct schedule *schedule;         /* NULL: keeps no time */
	struct clock_watch clock_watch;
	unsigned n_clock_sets, n_setting;
	struct standard_output *output;    /* NULL: no sink has written to it yet */
	/* flushing */
	size_t n_flushing, n_failed;
	void (*flush_done)(void *ctx, size_t n_failed);
	void *flush_ctx;
	/* reloading and closing: the old set is freed when its lanes and the router have let go of it */
	struct sink_set *next_sinks;
	struct sink_set *later_sinks;     /* of a reload that came while one was under way */
	bool closing;
	size_t n_routing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

struct store *alerts_store(const struct alerts *alerts)
{
	return alerts->with.store;
}

int64_t alerts_steady_ms(const struct alerts *alerts)
{
	return alerts->with.clock.steady_ms(alerts->with.clock.ctx);
}

int64_t alerts_wall_ms(const struct alerts *alerts)
{
	return alerts->with.clock.wall_ms(alerts->with.clock.ctx);
}

void alerts_say(struct alerts *alerts, enum diag_level level, const struct sink *sink, const char *sentence)
{
	diag(alerts->with.diag, level, "alerts", sink != NULL ? sink->name : NULL, "%s", sentence);
}

struct standard_output *delivery_standard_output(const struct delivery *delivery)
{
	struct alerts *alerts = delivery->env->alerts;

	if (alerts->output == NULL)
		alerts->output = standard_output_open(alerts, delivery->env->loop, STDOUT_FILENO, alerts->with.output_timeout_ms);
	return alerts->output;
}

const struct sink_set *alerts_sinks(const struct alerts *alerts)
{
	return alerts->sinks != NULL ? alerts->sinks : alerts->next_sinks;
}

/* ---- the router, set on the store's thread ------------------------------------------------------------ */

struct route_job {
	struct alerts *alerts;
	struct sink_set *sinks;           /* NULL: nobody hears of anything any more */
};

static bool set_router_job(void *ctx, struct state *st, struct error *err)
{
	struct route_job *job = ctx;

	(void)err;
	state_set_router(st, job->sinks != NULL ? alerts_route : NULL, job->sinks);
	if (job->sinks != NULL)
		state_set_alerts_per_hour(st, job->sinks->alerts_per_hour);
	return true;
}

static void on_flushed(void *ctx, size_t n_failed)
{
	struct alerts *alerts = ctx;

	alerts->n_failed += n_failed;
	if (--alerts->n_flushing > 0)
		return;
	void (*done)(void *, size_t) = alerts->flush_done;

	alerts->flush_done = NULL;
	done(alerts->flush_ctx, alerts->n_failed);
}

static void flush_lanes(struct alerts *alerts)
{
	/* one more than there are lanes: a lane may be through before the last one has begun */
	alerts->n_flushing = alerts->n_lanes + 1;
	alerts->n_failed = 0;
	for (size_t i = 0; i < alerts->n_lanes; i++)
		lane_flush(alerts->lanes[i]);
	on_flushed(alerts, 0);
}

static bool clock_is_set(void *ctx, unsigned *n_sets);

static void say(void *ctx, enum diag_level level, const struct sink *sink, const char *sentence)
{
	alerts_say(ctx, level, sink, sentence);
}

static void open_lanes(struct alerts *alerts)
{
	struct lane_options options = { .env = &alerts->env, .store = alerts->with.store, .directory = alerts->directory, .say = say, .flushed = on_flushed, .clock_is_set = clock_is_set, .ctx = alerts };

	alerts->n_lanes = 0;
	for (size_t i = 0; i < alerts->sinks->n; i++) {
		options.sink = alerts->sinks->items[i];
		alerts->lanes[alerts->n_lanes++] = lane_new(&options);
	}
	if (alerts->flush_done != NULL)
		flush_lanes(alerts);
}

static void free_alerts(void *own)
{
	struct alerts *alerts = own;
	void (*closed)(void *) = alerts->closed;
	void *ctx = alerts->closed_ctx;

	sink_set_free(alerts->sinks);
	sink_set_free(alerts->next_sinks);
	sink_set_free(alerts->later_sinks);
	free(alerts->directory);
	free(alerts);
	if (closed != NULL)
		closed(ctx);
}

static void finish_closing(struct alerts *alerts)
{
	schedule_free(alerts->schedule);   /* a look under way frees itself */
	if (alerts->output != NULL)
		standard_output_close(alerts->output, free_alerts, alerts);
	else
		free_alerts(alerts);
}

static void exchange(struct alerts *alerts, struct sink_set *sinks);

/* Both the lanes and the router are through with the old set. */
static void maybe_switch(struct alerts *alerts)
{
	if (alerts->n_closing > 0 || alerts->n_routing > 0 || (alerts->closing && alerts->n_setting > 0))
		return;
	if (alerts->closing) {
		finish_closing(alerts);
		return;
	}
	sink_set_free(alerts->sinks);
	alerts->sinks = alerts->next_sinks;
	alerts->next_sinks = NULL;
	if (alerts->later_sinks != NULL) {
		struct sink_set *later = alerts->later_sinks;

		alerts->later_sinks = NULL;
		alerts->n_lanes = 0;
		exchange(alerts, later);
		return;
	}
	open_lanes(alerts);
}

static void on_routed(void *ctx, bool ok, const struct error *err)
{
	struct route_job *job = ctx;
	struct alerts *alerts = job->alerts;

	/* only a closing store fails this job, and it calls the router no more */
	(void)ok, (void)err;
	free(job);
	alerts->n_routing--;
	maybe_switch(alerts);
}

static void on_lane_closed(void *ctx)
{
	struct alerts *alerts = ctx;

	alerts->n_closing--;
	maybe_switch(alerts);
}

static void close_lanes(struct alerts *alerts)
{
	size_t n = alerts->n_lanes;

	alerts->n_lanes = 0;
	alerts->n_closing = n;
	for (size_t i = 0; i < n; i++)
		lane_close(alerts->lanes[i], on_lane_closed, alerts);
}

static void set_router(struct alerts *alerts, struct sink_set *sinks)
{
	struct route_job *job = xcalloc(1, sizeof(*job));

	*job = (struct route_job){ alerts, sinks };
	alerts->n_routing++;
	store_submit_urgent(alerts->with.store, set_router_job, on_routed, job);
}

static void exchange(struct alerts *alerts, struct sink_set *sinks)
{
	alerts->next_sinks = sinks;
	close_lanes(alerts);
	set_router(alerts, sinks);
}

/* ---- the wall clock was set ------------------------------------------------------------------------------ */

struct set_clock {
	struct alerts *alerts;
	int64_t by_ms, now_ms;
};

static bool set_clock_job(void *ctx, struct state *st, struct error *err)
{
	const struct set_clock *set = ctx;

	return state_alerts_clock_set(st, set->by_ms, set->now_ms, err);
}

static void on_clock_set(void *ctx, bool ok, const struct error *err)
{
	struct set_clock *set = ctx;
	struct alerts *alerts = set->alerts;

	free(set);
	alerts->n_setting--;
	if (alerts->closing) {
		maybe_switch(alerts);
		return;
	}
	if (!ok)
		alerts_say(alerts, DIAG_WARNING, NULL, err->text);
	for (size_t i = 0; i < alerts->n_lanes; i++)
		lane_wake(alerts->lanes[i]);
}

static bool clock_is_set(void *ctx, unsigned *n_sets)
{
	struct alerts *alerts = ctx;
	int64_t by_ms = clock_watch_look(&alerts->clock_watch);

	if (by_ms != 0) {
		struct set_clock *set = xcalloc(1, sizeof(*set));

		*set = (struct set_clock){ alerts, by_ms, alerts_wall_ms(alerts) };
		alerts->n_clock_sets++;
		alerts->n_setting++;
		store_submit_alert(alerts->with.store, set_clock_job, on_clock_set, set);
	}
	*n_sets = alerts->n_clock_sets;
	return alerts->n_setting > 0;
}

/* ---- from outside ---------------------------------------------------------------------------------------- */

struct alerts *alerts_start(const struct alerts_options *options)
{
	struct alerts *alerts = xcalloc(1, sizeof(*alerts));

	alerts->with = *options;
	clock_watch_init(&alerts->clock_watch, &options->clock);
	alerts->env = (struct sink_env){ .alerts = alerts, options->loop, options->fetcher, options->clock };
	alerts->directory = options->directory != NULL ? xstrdup(options->directory) : NULL;
	if (options->store == NULL) {
		alerts->sinks = options->sinks;
		return alerts;
	}
	alerts->next_sinks = options->sinks;
	if (options->keeps_time)
		alerts->schedule = schedule_new(alerts_steady_ms(alerts));
	set_router(alerts, alerts->next_sinks);
	return alerts;
}

void alerts_wake(struct alerts *alerts)
{
	for (size_t i = 0; i < alerts->n_lanes; i++)
		lane_wake(alerts->lanes[i]);
	if (alerts->schedule != NULL && !alerts->closing)
		schedule_visit(alerts->schedule, alerts);
}

bool alerts_busy(const struct alerts *alerts)
{
	for (size_t i = 0; i < alerts->n_lanes; i++)
		if (lane_is_busy(alerts->lanes[i]))
			return true;
	return alerts->next_sinks != NULL || alerts->n_setting > 0;
}

void alerts_reload(struct alerts *alerts, struct sink_set *sinks)
{
	if (alerts->closing) {
		sink_set_free(sinks);
		return;
	}
	if (alerts->next_sinks != NULL) {
		sink_set_free(alerts->later_sinks);
		alerts->later_sinks = sinks;
		return;
	}
	for (size_t i = 0; i < alerts->sinks->n; i++)
		if (alerts->sinks->items[i]->type->reopen != NULL)
			alerts->sinks->items[i]->type->reopen(alerts->sinks->items[i]);
	exchange(alerts, sinks);
}

void alerts_flush(struct alerts *alerts, void (*done)(void *ctx, size_t n_failed), void *ctx)
{
	alerts->flush_done = done;
	alerts->flush_ctx = ctx;
	/* while sinks are being exchanged there are no lanes: open_lanes comes back to it */
	if (alerts->next_sinks == NULL)
		flush_lanes(alerts);
}

bool alerts_output_is_behind(const struct alerts *alerts)
{
	return standard_output_is_behind(alerts->output);
}

void alerts_close(struct alerts *alerts, void (*closed)(void *ctx), void *ctx)
{
	alerts->closing = true;
	alerts->closed = closed;
	alerts->closed_ctx = ctx;
	if (alerts->with.store == NULL) {
		finish_closing(alerts);
		return;
	}
	set_router(alerts, NULL);
	if (alerts->next_sinks == NULL)
		close_lanes(alerts);
}

/* ---- test messages ----------------------------------------------------------------------------------------- */

struct test {
	struct alerts *alerts;
	struct delivery deliveries[SINKS_MAX];
	struct alert_item items[SINKS_MAX];
	size_t n_left;
	void (*answered)(void *ctx, const struct sink *sink, bool ok, const char *answer);
	void (*done)(void *ctx);
	void *ctx;
};

static void finish_one(struct test *test)
{
	if (--test->n_left > 0)
		return;
	void (*done)(void *) = test->done;
	void *ctx = test->ctx;

	for (size_t i = 0; i < SINKS_MAX; i++) {
		json_decref(test->items[i].envelope);
		free(test->deliveries[i].progress);
	}
	free(test);
	done(ctx);
}

static void on_tested(struct delivery *delivery, bool ok, const char *answer)
{
	struct test *test = delivery->test;

	test->answered(test->ctx, delivery->sink, ok, answer);
	finish_one(test);
}

void alerts_test(struct alerts *alerts, const char *only, void (*answered)(void *ctx, const struct sink *sink, bool ok, const char *answer), void (*done)(void *ctx), void *ctx)
{
	struct test *test = xcalloc(1, sizeof(*test));
	const struct sink_set *sinks = alerts_sinks(alerts);

	test->alerts = alerts;
	test->answered = answered;
	test->done = done;
	test->ctx = ctx;
	test->n_left = sinks->n + 1;
	for (size_t i = 0; i < sinks->n; i++) {
		struct alert_item *item = &test->items[i];
		struct delivery *delivery = &test->deliveries[i];

		if (only != NULL && strcmp(only, sinks->items[i]->name) != 0) {
			test->n_left--;
			continue;
		}
		char *key = xasprintf("test/%s/%lld", sinks->items[i]->name, (long long)alerts_wall_ms(alerts));

		finding_id("test", key, item->id);
		free(key);
		item->event = EVENT_TEST;
		item->created_ms = alerts_wall_ms(alerts);
		item->subject = item->id;
		item->envelope = envelope_test(item->id, item->created_ms);
		*delivery = (struct delivery){ .env = &alerts->env, .sink = sinks->items[i], .items = item, .n = 1, .tested = on_tested, .test = test };
		memcpy(delivery->id, item->id, sizeof(delivery->id));
		sinks->items[i]->type->deliver(sinks->items[i], delivery);
	}
	finish_one(test);
}
