/*
 * alerts/: what telling costs reading. Commits as reading makes them go through the store's thread, first with no sinks, then
 * with five sinks that are all 10 000 alerts behind (CTWATCH_BENCH_ALERTS), one of them dead: a commit must not wait for a sink.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts_bench.h"
#include "http_receiver.h"

#define COMMITS 400

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void row(const char *name, double value, const char *unit, double reference, const char *aim)
{
	printf("{\"bench\":\"alerts\",\"row\":\"%s\",\"value\":%.1f,\"unit\":\"%s\"", name, value, unit);
	if (reference > 0)
		printf(",\"reference\":%.1f,\"ratio\":%.2f", reference, value / reference);
	printf(",\"aim\":\"%s\"}\n", aim);
	fflush(stdout);
}

/* ---- a commit as reading makes it ---------------------------------------------------------------------- */

static bool commit_job(void *ctx, struct state *st, struct error *err)
{
	uint64_t *n = ctx;
	struct hash log = test_hash(500);
	uint8_t hashes[10 * HASH_LEN] = { 0 };
	const struct state_range range = { .end = ++*n * 256, .hashes = slice_of(hashes, sizeof(hashes)) };
	const struct state_counters counters = { .entries = 256, .lets_encrypt = 120, .n_bytes = 200000, .requests = 1 };

	return state_put_ranges(st, &log, &range, 1, err) && state_add_counters(st, &log, TEST_NOW_MS, &counters, err) &&
	       state_log_progress(st, &log, TEST_NOW_MS, NULL, TEST_NOW_MS, err);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct cost {
	double median_us, p99_us;
};

static struct cost measure_commits(struct bench *bench)
{
	static const size_t n = COMMITS;
	double *times = xcalloc(n, sizeof(*times));
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		alerts_wake(bench->alerts);
		double began = now_us();

		bench_job(bench, commit_job, &count);
		times[i] = now_us() - began;
		bench_run(bench, 2);
	}
	qsort(times, n, sizeof(*times), by_value);
	struct cost cost = { times[n / 2], times[n * 99 / 100] };
	free(times);
	return cost;
}

/* ---- findings --------------------------------------------------------------------------------------------- */

static double store_findings(struct bench *bench, const char *domain, size_t n)
{
	double began = now_us();

	bench_add(bench, (struct test_match){ .domain = domain, .score = 92 }, n);
	return (now_us() - began) / (double)n;
}

static char *five_sinks(struct bench *bench, int port)
{
	return xasprintf("[{\"type\":\"webhook\",\"name\":\"dead\",\"url\":\"http://127.0.0.1:1/\"},{\"type\":\"webhook\",\"url\":\"http://127.0.0.1:%d/\"},"
			 "{\"type\":\"slack\",\"url\":\"http://127.0.0.1:%d/\",\"group_window\":\"0s\"},{\"type\":\"ecs\",\"path\":\"%s\"},"
			 "{\"type\":\"syslog\",\"server\":\"127.0.0.1:9\",\"transport\":\"udp\"}]",
			 port, port, bench->log);
}

int main(void)
{
	const char *text = getenv("CTWATCH_BENCH_ALERTS");
	size_t n = text != NULL ? (size_t)strtoul(text, NULL, 10) : 10000;
	struct bench *bench;
	struct receiver receiver;

	signal(SIGPIPE, SIG_IGN);
	bench_setup((void **)&bench);
	bench_start(bench, "[]");
	bench_run(bench, 50);
	struct cost alone = measure_commits(bench);
	double stored_alone = store_findings(bench, "alone", n);

	receiver_start(&receiver, &bench->loop);
	char *sinks = five_sinks(bench, receiver.port);
	alerts_reload(bench->alerts, bench_sinks(bench, sinks));
	bench_run(bench, 50);
	double stored = store_findings(bench, "told", n);
	struct cost behind = measure_commits(bench);
	size_t waiting = bench_rows(bench, "waiting");

	row("a commit of a page, no sinks, median", alone.median_us, "us", 0, "");
	row("a commit of a page, five sinks 10 000 alerts behind, median", behind.median_us, "us", alone.median_us, "no read waits for a sink");
	row("a commit of a page, five sinks 10 000 alerts behind, 99 of 100", behind.p99_us, "us", alone.p99_us, "bounded by one round of a sink");
	row("a finding stored and queued for five sinks", stored, "us/finding", stored_alone, "");
	row("alerts delivered while that was measured", (double)bench_rows(bench, "sent"), "alerts", 0, "more than 0: the sinks were at work");
	row("alerts still waiting afterwards", (double)waiting, "alerts", 0, "more than 0: they were behind all the time");
	receiver_stop(&receiver);
	bench_stop(bench);
	free(sinks);
	bench_teardown((void **)&bench);
	return 0;
}
