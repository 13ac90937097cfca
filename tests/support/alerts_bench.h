/* A daemon in small for tests of alerts: loop, store, fetcher and sinks over a fresh state, with a clock that the test moves. */
#ifndef CTWATCH_TESTS_ALERTS_BENCH_H
#define CTWATCH_TESTS_ALERTS_BENCH_H

#include "alerts.h"
#include "config.h"
#include "sink.h"
#include "temp_state.h"

struct bench {
	uv_loop_t loop;
	char *directory, *log;            /* log: what the command sink appends to */
	struct store *store;
	struct fetcher *fetcher;
	struct alerts *alerts;
	struct diag *diag;
	struct config config;
	int64_t now_ms;                   /* the wall clock */
	int64_t set_by_ms;                /* how far that was set off the steady clock */
	bool keeps_time, idle;
	size_t n_failed;
};

/* cmocka's setup and teardown: *state is the bench. */
int bench_setup(void **state);
int bench_teardown(void **state);

/* The test fails when the sinks are refused. */
struct sink_set *bench_sinks(struct bench *bench, const char *json);
void bench_start(struct bench *bench, const char *sinks_json);
void bench_stop(struct bench *bench);

/* n findings, of <domain>-0.com, <domain>-1.com ...: through the store, as the daemon does it. */
void bench_add(struct bench *bench, struct test_match match, size_t n);
/* Any job on the store's thread; the test fails when it fails. */
void bench_job(struct bench *bench, store_job_fn *job, void *ctx);
/* Delivers what is due; the number of rows that could not be. */
size_t bench_flush(struct bench *bench);
/* Delivers what is due by the bench's clock, until all lanes rest. */
void bench_settle(struct bench *bench);
/* Runs the loop for this long. */
void bench_run(struct bench *bench, unsigned ms);
/* Rows of the outbox with a status (NULL: any), read by a connection of its own. */
size_t bench_rows(struct bench *bench, const char *status);

size_t count_lines(const char *path);
/* A file as text, "" when it is not there; malloc'd. */
char *read_text(const char *path);

#endif
