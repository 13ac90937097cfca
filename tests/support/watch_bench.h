/* A watcher in this process against the fake log, with a clock that the test moves. */
#ifndef CTWATCH_TESTS_WATCH_BENCH_H
#define CTWATCH_TESTS_WATCH_BENCH_H

#include "run_kit.h"
#include "inside.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)

struct bench {
	struct run_kit kit;
	uv_loop_t loop;
	struct config config;
	struct suffix_table *suffixes;
	struct diag *diag;
	struct ingest ingest;
	struct log_list list;
	struct watcher *watcher;
	struct hash log_id;
	int64_t offset_ms, set_by_ms;     /* time that passed on both clocks; the wall clock is also set */
	bool closed, store_closed;
};

/* Starts the fake log with these arguments (NULL-terminated), and a watcher of its first log. */
void watch_bench_start(struct bench *, const char *const *arguments);
/* The watcher and the state are closed, and opened again: what a restart of the program does. */
void watch_bench_restart(struct bench *);
void watch_bench_close(struct bench *);
void watch_bench_open(struct bench *);
void watch_bench_stop(struct bench *);
/* Turns the loop for so long. */
void watch_bench_spin(struct bench *, unsigned ms);
/* Time passes: the watcher does what is due by then. */
void watch_bench_later(struct bench *, int64_t ms);
/* Turns the loop until the query gives this text, at most 40 s; fails the test then. */
void watch_bench_wait(struct bench *, const char *query, const char *expected);
/* Statements on the closed state's database: what an older run, or the disk, did to it. The watcher is started again. */
void watch_bench_change(struct bench *, const char *sql);
/* `incidents close` of the open one of a class. */
void watch_bench_close_incident(struct bench *, const char *class);

#endif
