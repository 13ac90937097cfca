/* See watch_stage.h. */
#include "watch_stage.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules_load.h"
#include "temp_state.h"

#define HOUR_MS INT64_C(3600000)

/* ---- requests --------------------------------------------------------------------------------------------- */

struct flight {
	struct flight *next;
	char *url;
	fetch_done_fn *done;
	void *ctx;
};

static struct fetch *start(void *ctx, const struct fetch_request *request, struct error *err)
{
	struct watch_stage *b = ctx;
	struct flight *flight = xcalloc(1, sizeof(*flight)), **at = &b->flights;

	(void)err;
	flight->url = xstrdup(request->url);
	flight->done = request->done;
	flight->ctx = request->ctx;
	while (*at != NULL)
		at = &(*at)->next;
	*at = flight;
	b->n_flights++;
	b->n_requests++;
	b->requests_this_minute++;
	return (struct fetch *)flight;
}

static void remove_flight(struct watch_stage *b, struct flight *flight)
{
	struct flight **at = &b->flights;

	while (*at != flight)
		at = &(*at)->next;
	*at = flight->next;
	b->n_flights--;
}

static void cancel(void *ctx, struct fetch *fetch)
{
	struct flight *flight = (struct flight *)fetch;

	remove_flight(ctx, flight);
	free(flight->url);
	free(flight);
}

void watch_stage_answer(struct watch_stage *b, size_t i, unsigned percent)
{
	struct flight *flight = b->flights;
	struct fetch_answer answer;

	while (i-- > 0)
		flight = flight->next;
	b->log->now_ms = b->steady_ms;
	scripted_log_answer(b->log, b->dice, flight->url, scripted_log_choose(b->dice, scripted_log_asked(flight->url), percent), &answer);
	remove_flight(b, flight);
	flight->done(flight->ctx, &answer);
	buf_deinit(&answer.body);
	free(flight->url);
	free(flight);
	governor_run(b->ingest.governor);
}

/* ---- the state ------------------------------------------------------------------------------------------------ */

static int64_t steady_clock(void *ctx)
{
	return ((const struct watch_stage *)ctx)->steady_ms;
}

static int64_t wall_clock(void *ctx)
{
	return ((const struct watch_stage *)ctx)->wall_ms;
}

static uint32_t no_jitter(void *ctx)
{
	(void)ctx;
	return UINT32_MAX / 2;
}

/* Stands for whatever can go wrong while something is stored. */
static bool route(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	struct watch_stage *b = ctx;
	unsigned n = atomic_load(&b->n_failing);

	(void)st, (void)event, (void)now_ms;
	if (n == 0)
		return true;
	atomic_store(&b->n_failing, n - 1);
	return error_set(err, (enum error_kind)atomic_load(&b->failing_kind), "made to fail");
}

static void open_state(struct watch_stage *b)
{
	char *path = xasprintf("%s/state", b->directory), *database = xasprintf("%s/ctwatch.db", path);
	struct state *st;
	struct error err;

	if (!state_open(path, STATE_DAEMON, b->wall_ms, &st, &err))
		fail_msg("%s", err.text);
	state_set_router(st, route, b);
	b->ingest.store = store_start(&(struct store_options){ .loop = &b->loop, .state = st, .probe_ms = 1 });
	if (b->reader == NULL)
		assert_int_equal(sqlite3_open_v2(database, &b->reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	free(path);
	free(database);
}

static void on_closed(void *ctx)
{
	((struct watch_stage *)ctx)->closed = true;
}

static void run_until_closed(struct watch_stage *b)
{
	while (!b->closed)
		uv_run(&b->loop, UV_RUN_ONCE);
	b->closed = false;
}

static void close_state(struct watch_stage *b)
{
	store_close(b->ingest.store, on_closed, b);
	run_until_closed(b);
}

static void start_watcher(struct watch_stage *b)
{
	struct watcher_options options = { .ingest = &b->ingest, .log = &b->log->listed, .how = FOLLOW_LIVE };
	struct error err;

	if (!watcher_start(&options, &b->watcher, &err))
		fail_msg("%s", err.text);
	watch_stage_settle(b);
}

static void stop_watcher(struct watch_stage *b)
{
	watcher_close(b->watcher, on_closed, b);
	run_until_closed(b);
	assert_int_equal(b->n_flights, 0);
}

void watch_stage_restart(struct watch_stage *b, bool state_too)
{
	stop_watcher(b);
	if (state_too) {
		close_state(b);
		open_state(b);
	}
	start_watcher(b);
}

int64_t watch_stage_int(struct watch_stage *b, const char *query)
{
	sqlite3_stmt *statement;
	int64_t value = 0;

	if (sqlite3_prepare_v2(b->reader, query, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", query, sqlite3_errmsg(b->reader));
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* ---- incidents closed by hand ---------------------------------------------------------------------------------- */

struct open_incidents {
	struct watch_stage *b;
	char ids[256][FINDING_ID_LEN + 1];
	size_t n;
	int64_t now_ms;
};

static bool note_incident(void *ctx, const struct incident *incident)
{
	struct open_incidents *open = ctx;

	if (open->n < ARRAY_LEN(open->ids))
		snprintf(open->ids[open->n++], sizeof(open->ids[0]), "%s", incident->id);
	return true;
}

static bool close_job(void *ctx, struct state *st, struct error *err)
{
	struct open_incidents *open = ctx;

	open->n = 0;
	if (!state_each_incident(st, true, 0, INT64_MAX, note_incident, open, err))
		return false;
	for (size_t i = 0; i < open->n; i++)
		if (!state_close_incident(st, open->ids[i], "put right", open->now_ms, err))
			return false;
	return true;
}

static void on_job_done(void *ctx, bool ok, const struct error *err)
{
	struct open_incidents *open = ctx;

	(void)ok, (void)err;
	open->b->n_jobs--;
	free(open);
}

void watch_stage_close_incidents(struct watch_stage *b)
{
	struct open_incidents *open = xcalloc(1, sizeof(*open));

	open->b = b;
	b->n_jobs++;
	open->now_ms = b->wall_ms;
	store_submit(b->ingest.store, close_job, on_job_done, open);
	watch_stage_settle(b);
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

void watch_stage_settle(struct watch_stage *b)
{
	/* the timer holds the watcher once, each job of the store or of a worker once more */
	while (b->watcher->n_holders > 1 || b->n_jobs > 0)
		uv_run(&b->loop, UV_RUN_ONCE);
}

void watch_stage_later(struct watch_stage *b, int64_t ms)
{
	b->steady_ms += ms;
	b->wall_ms += ms;
	if (b->steady_ms - b->minute_began_ms >= 60000) {
		if (b->requests_this_minute > b->most_a_minute)
			b->most_a_minute = b->requests_this_minute;
		b->minute_began_ms = b->steady_ms;
		b->requests_this_minute = 0;
	}
	watcher_wake(b->watcher);
	governor_run(b->ingest.governor);
}

void watch_stage_jump(struct watch_stage *b)
{
	int64_t due = watch_due(b->watcher), granted = governor_run(b->ingest.governor);

	if (granted < due)
		due = granted;
	watch_stage_later(b, due > b->steady_ms ? due - b->steady_ms : 1);
}

bool watch_stage_until_verified(struct watch_stage *b, uint64_t size, unsigned hours)
{
	int64_t until = b->steady_ms + hours * HOUR_MS;

	while (b->steady_ms < until) {
		watch_stage_settle(b);
		if (b->watcher->position.verified.end == size && b->n_flights == 0)
			return true;
		if (b->n_flights > 0)
			watch_stage_answer(b, 0, 0);
		else
			watch_stage_jump(b);
	}
	return false;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_config(struct watch_stage *b, const char *start_at)
{
	char *path = xasprintf("%s/config.json", b->directory), *rules = xasprintf("%s/watched", b->directory);
	char *text = xasprintf("{\"state\":\"%s/state\",\"log_lists\":[],\"rules\":[\"%s\"],\"contact\":\"tests@ctwatch.invalid\",\"start\":\"%s\"}",
			       b->directory, rules, start_at);
	struct error err;

	write_file(rules, ".planted.example\n");
	write_file(path, text);
	if (!config_load(path, &b->config, &err))
		fail_msg("%s", err.text);
	free(path);
	free(rules);
	free(text);
}

void watch_stage_open(struct watch_stage *b, struct scripted_log *log, struct dice *dice, const char *start_at)
{
	struct ruleset *rules;
	struct error err;

	memset(b, 0, sizeof(*b));
	b->directory = temp_directory();
	b->log = log;
	b->dice = dice;
	b->steady_ms = b->wall_ms = b->minute_began_ms = log->now_ms;
	make_config(b, start_at);
	uv_loop_init(&b->loop);
	b->suffixes = suffix_table_new_libpsl();
	if (!rules_load(&b->config, b->suffixes, b->wall_ms, &rules, &err))
		fail_msg("%s", err.text);
	b->diag = getenv("LIES_VERBOSE") != NULL ? diag_new(STDERR_FILENO, DIAG_DEBUG, false) : NULL;
	b->transport = (struct transport){ .start = start, .cancel = cancel, .ctx = b };
	b->ingest = (struct ingest){
		.loop = &b->loop,
		.transport = &b->transport,
		.governor = governor_new(&(struct governor_options){ .steady_ms = steady_clock, .random = no_jitter, .ctx = b }),
		.pool = pool_new(&b->loop, 1, rules_ref_new(rules)),
		.diag = b->diag,
		.config = &b->config,
		.budget = { .limit = b->config.memory_bytes },
		.clock = { .steady_ms = steady_clock, .wall_ms = wall_clock, .ctx = b },
	};
	open_state(b);
	start_watcher(b);
}

void watch_stage_close(struct watch_stage *b)
{
	stop_watcher(b);
	sqlite3_close(b->reader);
	close_state(b);
	governor_close(b->ingest.governor);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	pool_free(b->ingest.pool);
	suffix_table_free(b->suffixes);
	diag_free(b->diag);
	config_deinit(&b->config);
	temp_remove(b->directory);
}
