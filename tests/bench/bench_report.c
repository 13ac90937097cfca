/*
 * Reports and exports of a year: 1 000 000 sightings of 50 000 findings, in seconds, with memory that does not follow the number of findings. Each
 * runs in a process of its own, so that its peak of memory is its own.
 *
 *   bench_report [FINDINGS SIGHTINGS_PER_FINDING]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "export.h"
#include "report.h"
#include "state_fill.h"
#include "temp_state.h"

#define DAY_MS 86400000ll
#define YEAR_MS (365 * DAY_MS)

struct job {
	const char *row;
	enum report_format format;
	const struct export_format *export;       /* or NULL: the report */
	int64_t since_ms;
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool do_job(const char *directory, const struct job *job, struct error *err)
{
	struct export_options exporting = { .now_ms = TEST_NOW_MS, .unconfirmed = true, .with_published = true, .expire_ms = 2 * YEAR_MS };
	struct report_options reporting = { .since_ms = job->since_ms, .until_ms = TEST_NOW_MS, .generated_ms = TEST_NOW_MS };
	struct export_result result;
	FILE *out = fopen("/dev/null", "we");
	struct state *st;

	if (!state_open(directory, job->export != NULL && job->export->needs_write ? STATE_WRITE : STATE_READ, TEST_NOW_MS, &st, err))
		return false;
	bool ok = job->export != NULL ? export_write(st, job->export, &exporting, out, &result, err) : report_write(st, &reporting, job->format, out, err);
	state_close(st);
	fclose(out);
	return ok;
}

static bool measure(const char *directory, const struct job *job, uint64_t findings)
{
	struct rusage usage;
	int64_t began = clock_ms();
	struct error err;
	int status;

	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		bool ok = do_job(directory, job, &err);

		if (!ok)
			fprintf(stderr, "%s: %s\n", job->row, err.text);
		_exit(ok ? 0 : 1);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
		return false;
	printf("{\"bench\":\"report\",\"row\":\"%s of %" PRIu64 " findings\",\"value\":%.2f,\"unit\":\"s\",\"aim\":\"seconds\"}\n", job->row, findings, (double)(clock_ms() - began) / 1000);
	printf("{\"bench\":\"report\",\"row\":\"%s of %" PRIu64 " findings, peak memory\",\"value\":%.1f,\"unit\":\"MB\",\"aim\":\"does not follow the number of findings\"}\n", job->row,
	       findings, (double)usage.ru_maxrss / 1000);
	return true;
}

static bool run(uint64_t findings, uint64_t sightings)
{
	struct state *st = temp_state_open();
	struct state_fill fill = { .n_findings = findings, .sightings_per_finding = sightings, .since_ms = TEST_NOW_MS - YEAR_MS, .until_ms = TEST_NOW_MS, .small = true };
	char *directory = xstrdup(state_directory(st)), rows[16][48];
	struct error err;
	bool ok = state_fill(st, &fill, &err);

	/* a child must not inherit an open database */
	state_close(st);
	for (int f = 0; ok && f < N_REPORT_FORMATS; f++) {
		snprintf(rows[f], sizeof(rows[f]), "report %s, a year", REPORT_FORMAT_NAMES[f]);
		ok = measure(directory, &(struct job){ rows[f], (enum report_format)f, NULL, TEST_NOW_MS - YEAR_MS }, findings);
	}
	ok = ok && measure(directory, &(struct job){ "report html, a week", REPORT_HTML, NULL, TEST_NOW_MS - 7 * DAY_MS }, findings);
	for (size_t i = 0; ok && EXPORT_FORMATS[i] != NULL; i++) {
		snprintf(rows[8], sizeof(rows[8]), "export %s", EXPORT_FORMATS[i]->name);
		ok = measure(directory, &(struct job){ rows[8], 0, EXPORT_FORMATS[i], 0 }, findings);
	}
	temp_remove(directory);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t findings = argc > 1 ? strtoull(argv[1], NULL, 10) : 50000, sightings = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;

	/* a tenth of it first: what memory does as findings grow */
	return findings > 0 && sightings > 0 && run(findings / 10, sightings) && run(findings, sightings) ? 0 : 1;
}
