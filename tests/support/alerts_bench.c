/* See alerts_bench.h. */
#include "alerts_bench.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- one daemon in small ----------------------------------------------------------------------------- */


static int64_t bench_steady(void *ctx)
{
	const struct bench *bench = ctx;

	return bench->now_ms - bench->set_by_ms;
}

static int64_t bench_wall(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

struct sink_set *bench_sinks(struct bench *bench, const char *json)
{
	struct sink_set *sinks;
	struct error err;

	bench->config.alerts_per_hour = 1000000;   /* a log's budget is another test's subject */
	json_decref(bench->config.alerts);
	bench->config.alerts = json_loads(json, 0, NULL);
	assert_non_null(bench->config.alerts);
	if (!sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err))
		fail_msg("%s", err.text);
	return sinks;
}

void bench_start(struct bench *bench, const char *sinks_json)
{
	struct state *st;
	struct error err;

	if (bench->now_ms == 0)
		bench->now_ms = TEST_NOW_MS;
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	assert_true(state_open(bench->directory, STATE_DAEMON, bench->now_ms, &st, &err));
	bench->diag = diag_new(2, DIAG_ERROR, false);
	bench->store = store_start(&(struct store_options){ .loop = &bench->loop, .state = st });
	bench->fetcher = fetcher_new(&bench->loop, &(struct fetcher_options){ .user_agent = "ctwatch-test (https://localhost)" });
	bench->alerts = alerts_start(&(struct alerts_options){ .loop = &bench->loop,
							       .fetcher = bench->fetcher,
							       .store = bench->store,
							       .directory = bench->directory,
							       .sinks = bench_sinks(bench, sinks_json),
							       .diag = bench->diag,
							       .keeps_time = bench->keeps_time,
							       .clock = { .steady_ms = bench_steady, .wall_ms = bench_wall, .ctx = bench } });
}

static void on_store_closed(void *ctx)
{
	struct bench *bench = ctx;

	fetcher_close(bench->fetcher);
}

static void on_alerts_closed(void *ctx)
{
	struct bench *bench = ctx;

	store_close(bench->store, on_store_closed, bench);
}

void bench_stop(struct bench *bench)
{
	alerts_close(bench->alerts, on_alerts_closed, bench);
	assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	diag_free(bench->diag);
}

int bench_setup(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));

	bench->directory = temp_directory();
	bench->config.alerts_per_hour = 1000000;
	bench->log = xasprintf("%s/received", bench->directory);
	*state = bench;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;

	json_decref(bench->config.alerts);
	json_decref(bench->config.canary);
	temp_remove(bench->directory);
	free(bench->log);
	free(bench);
	return 0;
}

/* ---- jobs and waiting ----------------------------------------------------------------------------------- */

struct adding {
	struct test_match match;
	size_t n;
};

static bool add_job(void *ctx, struct state *st, struct error *err)
{
	struct adding *adding = ctx;

	for (size_t i = 0; i < adding->n; i++) {
		struct test_match match = adding->match;
		char domain[64];

		snprintf(domain, sizeof(domain), "%s-%zu.com", match.domain != NULL ? match.domain : "drive-acme", i);
		match.domain = match.name = domain;
		match.certificate = 1000 + i;
		match.index = i;
		if (!test_add_with(st, &match, NULL, err))
			return false;
	}
	return true;
}

struct waiting {
	store_job_fn *job;
	void *ctx;
	bool done;
};

static bool waited_job(void *ctx, struct state *st, struct error *err)
{
	struct waiting *waiting = ctx;

	return waiting->job(waiting->ctx, st, err);
}

static void on_waited(void *ctx, bool ok, const struct error *err)
{
	struct waiting *waiting = ctx;

	if (!ok)
		fail_msg("%s", err->text);
	waiting->done = true;
}

void bench_job(struct bench *bench, store_job_fn *job, void *ctx)
{
	struct waiting waiting = { job, ctx, false };

	store_submit(bench->store, waited_job, on_waited, &waiting);
	while (!waiting.done)
		uv_run(&bench->loop, UV_RUN_ONCE);
}

void bench_add(struct bench *bench, struct test_match match, size_t n)
{
	struct adding adding = { .match = match, .n = n };

	bench_job(bench, add_job, &adding);
}

static void on_flushed(void *ctx, size_t n_failed)
{
	struct bench *bench = ctx;

	bench->idle = true;
	bench->n_failed = n_failed;
}

size_t bench_flush(struct bench *bench)
{
	bench->idle = false;
	alerts_flush(bench->alerts, on_flushed, bench);
	while (!bench->idle)
		uv_run(&bench->loop, UV_RUN_ONCE);
	return bench->n_failed;
}

size_t count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t n = 0;
	int c;

	if (file == NULL)
		return 0;
	while ((c = fgetc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

static bool count_row(void *ctx, const struct outbox_item *item)
{
	(void)item;
	++*(size_t *)ctx;
	return true;
}

/* Rows of the outbox with a status, read by a connection of its own. */
size_t bench_rows(struct bench *bench, const char *status)
{
	struct state *st;
	struct error err;
	size_t n = 0;

	assert_true(state_open(bench->directory, STATE_READ, bench->now_ms, &st, &err));
	assert_true(state_outbox_each(st, NULL, status, 100000, count_row, &n, &err));
	state_close(st);
	return n;
}

static void on_time(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = true;
}

void bench_run(struct bench *bench, unsigned ms)
{
	uv_timer_t timer;
	bool over = false, closed = false;

	uv_timer_init(&bench->loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, on_time, ms, 0);
	while (!over)
		uv_run(&bench->loop, UV_RUN_ONCE);
	timer.data = &closed;
	uv_close((uv_handle_t *)&timer, on_timer_closed);
	while (!closed)
		uv_run(&bench->loop, UV_RUN_ONCE);
}

static bool nothing(void *ctx, struct state *st, struct error *err)
{
	(void)ctx, (void)st, (void)err;
	return true;
}

void bench_settle(struct bench *bench)
{
	/* what is told because of the time is in the outbox after the first look only */
	for (unsigned looks = 0; looks < (bench->keeps_time ? 3u : 1u); looks++) {
		alerts_wake(bench->alerts);
		while (alerts_busy(bench->alerts))
			uv_run(&bench->loop, UV_RUN_ONCE);
		if (bench->keeps_time)
			bench_job(bench, nothing, NULL);
	}
}

char *read_text(const char *path)
{
	struct buf text;
	struct error err;

	buf_init(&text, 64u << 20);
	file_read(path, 64u << 20, &text, &err);
	char *copy = xstrdup(buf_text(&text));
	buf_deinit(&text);
	return copy;
}
