/*
 * state/: what storing costs and how long a report's questions take, at a year's size (CTWATCH_BENCH_FINDINGS, default 50 000
 * findings with 20 sightings each).
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "state_fill.h"
#include "state_report.h"
#include "temp_state.h"

#define YEAR_MS (365 * 86400000ll)
#define SIGHTINGS 20

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void row(const char *name, double value, const char *unit, const char *aim)
{
	printf("{\"bench\":\"state\",\"row\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"aim\":\"%s\"}\n", name, value, unit, aim);
	fflush(stdout);
}

static void need(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static bool count_finding(void *ctx, const struct finding *f)
{
	(void)f;
	++*(uint64_t *)ctx;
	return true;
}

static bool render_finding(void *ctx, const struct finding *f)
{
	struct error err;
	char *json;

	need(state_finding_json(ctx, f, &json, &err), &err);
	free(json);
	return true;
}

static bool count_row(void *ctx, const struct state_report_count *count)
{
	(void)count;
	++*(uint64_t *)ctx;
	return true;
}

static bool count_cluster(void *ctx, uint64_t cluster, const struct finding *f)
{
	(void)cluster;
	(void)f;
	++*(uint64_t *)ctx;
	return true;
}

static bool count_name(void *ctx, const struct finding *f, const char *name)
{
	(void)f;
	(void)name;
	++*(uint64_t *)ctx;
	return true;
}

static void bench_insert(struct state *st, uint64_t n_findings)
{
	struct state_fill fill = { .n_findings = n_findings, .sightings_per_finding = SIGHTINGS, .since_ms = TEST_NOW_MS - YEAR_MS, .until_ms = TEST_NOW_MS };
	struct error err;
	uint64_t used, free_bytes;
	double start = now_s();

	need(state_fill(st, &fill, &err), &err);
	double seconds = now_s() - start;
	row("store a match, 500 a transaction", seconds / (double)(n_findings * SIGHTINGS) * 1e6, "us/sighting", "100");
	need(state_size(st, &used, &free_bytes, &err), &err);
	row("database per sighting", (double)used / (double)(n_findings * SIGHTINGS), "bytes", "");
	row("database per finding", (double)used / (double)n_findings, "bytes", "");
}

/* One read position with its counters, as a response brings it. */
static void bench_commit(struct state *st)
{
	const struct hash log_id = test_hash(1);
	uint8_t hashes[20 * HASH_LEN] = { 0 };
	struct error err;
	const int n = 500;
	double start = now_s();

	for (int i = 0; i < n; i++) {
		struct state_range range = { .start = 0, .end = (uint64_t)i * 256, .hashes = { hashes, sizeof(hashes) } };
		struct state_counters delta = { .entries = 256, .n_bytes = 300000, .requests = 1 };

		need(state_begin(st, &err) && state_put_ranges(st, &log_id, &range, 1, &err) &&
		     state_add_counters(st, &log_id, TEST_NOW_MS, &delta, &err) && state_commit(st, &err), &err);
	}
	row("commit a position alone, with its fsync", (now_s() - start) / n * 1e6, "us/commit", "");
}

static void bench_scans(struct state *st)
{
	struct state_report_range range = { .all = true };
	struct finding_filter all = { .all = true }, page = { .all = true, .limit = 50 };
	struct state_report_delay delay;
	struct error err;
	uint64_t n = 0;
	double start = now_s(), whole = start;

	for (enum state_report_axis axis = 0; axis < N_AXES; axis++)
		need(state_report_count(st, axis, &range, 0, count_row, &n, &err), &err);
	row("count by all axes", now_s() - start, "s", "");
	start = now_s();
	need(state_report_finding_delay(st, &range, &delay, &err), &err);
	row("delay percentiles of findings", now_s() - start, "s", "");
	start = now_s();
	need(state_each_finding(st, &all, count_finding, &n, &err), &err);
	row("stream all findings", now_s() - start, "s", "");
	start = now_s();
	need(state_report_each_cluster(st, &range, 600000, 3, count_cluster, &n, &err), &err);
	row("stream clusters", now_s() - start, "s", "");
	start = now_s();
	need(state_report_each_name(st, &range, count_name, &n, &err), &err);
	row("stream all names", now_s() - start, "s", "");
	row("questions of a yearly report together", now_s() - whole, "s", "10");
	start = now_s();
	need(state_each_finding(st, &page, render_finding, st, &err), &err);
	row("fifty findings as JSON", (now_s() - start) * 1e3, "ms", "");
}

int main(void)
{
	const char *size = getenv("CTWATCH_BENCH_FINDINGS");
	uint64_t n_findings = 50000;
	struct state *st = temp_state_open();

	if (size != NULL && !uint64_parse(slice_text(size), &n_findings))
		return 2;
	bench_commit(st);
	bench_insert(st, n_findings);
	long before = peak_kb();
	bench_scans(st);
	row("memory that the scans add (SQLite's page cache is 16)", (double)(peak_kb() - before) / 1024, "MB", "32");
	temp_state_close(st);
	return 0;
}
