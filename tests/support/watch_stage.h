/*
 * A watcher in small: real state, store, workers and rules in a temporary directory, a scripted log instead of the network, and
 * clocks that the test moves. Nothing happens by itself: requests wait until the test has one answered, time stands still until it
 * jumps to whatever is due next. So hours of a log's life take milliseconds.
 */
#ifndef CTWATCH_TESTS_WATCH_STAGE_H
#define CTWATCH_TESTS_WATCH_STAGE_H

#include <stdatomic.h>

#include <sqlite3.h>

#include "inside.h"
#include "scripted_log.h"

struct flight;

struct watch_stage {
	uv_loop_t loop;
	char *directory;
	struct config config;
	struct suffix_table *suffixes;
	struct diag *diag;
	struct ingest ingest;
	struct transport transport;
	struct watcher *watcher;
	struct scripted_log *log;
	struct dice *dice;
	int64_t steady_ms, wall_ms;
	struct flight *flights;          /* requests under way, the oldest first */
	size_t n_flights;
	uint64_t n_requests, requests_this_minute, most_a_minute;
	int64_t minute_began_ms;
	atomic_uint n_failing;           /* the next events that fail, in the store ... */
	atomic_int failing_kind;         /* ... with this enum error_kind */
	sqlite3 *reader;
	unsigned n_jobs;                 /* of the bench itself, in the store */
	bool closed;
};

/* `log` and `dice` are borrowed; `start` as in the configuration: "beginning", "end" or a time. */
void watch_stage_open(struct watch_stage *b, struct scripted_log *log, struct dice *dice, const char *start);
void watch_stage_close(struct watch_stage *b);
/* The watcher, and with `state_too` the state, are closed and begin again from what is stored. */
void watch_stage_restart(struct watch_stage *b, bool state_too);

/* Answers request `i`; `percent` of the answers are lies. */
void watch_stage_answer(struct watch_stage *b, size_t i, unsigned percent);
/* Until the store and the workers have nothing to do. */
void watch_stage_settle(struct watch_stage *b);
/* Time passes; what is due by then is done. */
void watch_stage_later(struct watch_stage *b, int64_t ms);
/* Time passes until something is due, at most for a minute. */
void watch_stage_jump(struct watch_stage *b);
/* Everything that is asked for is answered, and time passes, until the tree is verified to `size`; false after so many fake hours. */
bool watch_stage_until_verified(struct watch_stage *b, uint64_t size, unsigned hours);
/* As `ctwatch incidents close` does it: all that are open. */
void watch_stage_close_incidents(struct watch_stage *b);

/* The first column of the first row; 0 when there is none. */
int64_t watch_stage_int(struct watch_stage *b, const char *query);

#endif
