#include "watch_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rules_load.h"

static int64_t moved_steady(void *ctx)
{
	const struct bench *b = ctx;

	return clock_steady_ms() + b->offset_ms;
}

static int64_t moved_clock(void *ctx)
{
	const struct bench *b = ctx;

	return clock_wall_ms() + b->offset_ms + b->set_by_ms;
}

void watch_bench_spin(struct bench *b, unsigned ms)
{
	for (unsigned waited = 0; waited < ms; waited += 5) {
		uv_run(&b->loop, UV_RUN_NOWAIT);
		sleep_ms(5);
	}
}

void watch_bench_later(struct bench *b, int64_t ms)
{
	b->offset_ms += ms;
	watcher_wake(b->watcher);
	watch_bench_spin(b, 300);
}

void watch_bench_wait(struct bench *b, const char *query, const char *expected)
{
	for (unsigned waited = 0;; waited += 50) {
		char *text = run_kit_sql(&b->kit, query);
		bool done = strcmp(text, expected) == 0;

		if (!done && waited > 40000)
			fail_msg("%s gives \"%s\", not \"%s\"", query, text, expected);
		free(text);
		if (done)
			return;
		watch_bench_spin(b, 50);
	}
}

void watch_bench_open(struct bench *b)
{
	struct error err;
	struct ruleset *rules;
	struct state *st;

	char *path = xasprintf("%s/config.json", b->kit.directory), *state = xasprintf("%s/state", b->kit.directory);
	char *list = run_kit_file(&b->kit, "list.json");
	assert_true(config_load(path, &b->config, &err));
	assert_true(log_list_parse(slice_text(list), &b->list, &err));
	uv_loop_init(&b->loop);
	b->suffixes = suffix_table_new_libpsl();
	assert_true(rules_load(&b->config, b->suffixes, moved_clock(b), &rules, &err));
	assert_true(state_open(state, STATE_DAEMON, moved_clock(b), &st, &err));
	b->diag = diag_new(STDERR_FILENO, DIAG_ERROR, false);
	b->ingest = (struct ingest){
		.loop = &b->loop,
		.fetcher = fetcher_new(&b->loop, &(struct fetcher_options){ .user_agent = "ctwatch-tests" }),
		.governor = governor_new(&(struct governor_options){ .loop = &b->loop }),
		.store = store_start(&(struct store_options){ .loop = &b->loop, .state = st }),
		.pool = pool_new(&b->loop, 2, rules_ref_new(rules)),
		.diag = b->diag,
		.config = &b->config,
		.budget = { .limit = b->config.memory_bytes },
		.clock = { .steady_ms = moved_steady, .wall_ms = moved_clock, .ctx = b },
	};
	struct watcher_options options = { .ingest = &b->ingest, .log = &b->list.logs[0], .how = FOLLOW_LIVE };
	b->log_id = b->list.logs[0].log_id;
	assert_true(watcher_start(&options, &b->watcher, &err));
	free(path);
	free(state);
	free(list);
}

static void on_closed(void *ctx)
{
	((struct bench *)ctx)->closed = true;
}

static void on_store_closed(void *ctx)
{
	((struct bench *)ctx)->store_closed = true;
}

void watch_bench_close(struct bench *b)
{
	b->closed = b->store_closed = false;
	watcher_close(b->watcher, on_closed, b);
	for (unsigned i = 0; i < 2000 && !b->closed; i++)
		watch_bench_spin(b, 5);
	assert_true(b->closed);
	store_close(b->ingest.store, on_store_closed, b);
	while (!b->store_closed)
		watch_bench_spin(b, 5);
	governor_close(b->ingest.governor);
	fetcher_close(b->ingest.fetcher);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	pool_free(b->ingest.pool);
	inflater_free(b->ingest.inflater);
	b->ingest.inflater = NULL;
	suffix_table_free(b->suffixes);
	diag_free(b->diag);
	log_list_deinit(&b->list);
	config_deinit(&b->config);
}

void watch_bench_start(struct bench *b, const char *const *arguments)
{
	memset(b, 0, sizeof(*b));
	run_kit_start(&b->kit, arguments);
	watch_bench_open(b);
}

void watch_bench_restart(struct bench *b)
{
	watch_bench_close(b);
	watch_bench_open(b);
}

void watch_bench_stop(struct bench *b)
{
	watch_bench_close(b);
	run_kit_stop(&b->kit);
}

void watch_bench_change(struct bench *b, const char *sql)
{
	char *path = xasprintf("%s/state/ctwatch.db", b->kit.directory);
	sqlite3 *db;

	watch_bench_close(b);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
	free(path);
	watch_bench_open(b);
}

void watch_bench_close_incident(struct bench *b, const char *class)
{
	char *query = xasprintf("SELECT id FROM incident WHERE class = '%s' AND closed_ms = 0", class);
	char *id = run_kit_sql(&b->kit, query);
	const char *const close[] = { "incidents", "close", id, "--why", "the operator put it right", NULL };

	assert_int_equal(run_kit_run(&b->kit, close), 0);
	free(id);
	free(query);
}
