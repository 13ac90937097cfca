/*
 * Fills a state for the interop scripts: fill-state DIRECTORY [FINDINGS SIGHTINGS DAYS | hostile]. Findings are spread over the DAYS
 * before now; "hostile" stores text that breaks out of any format that lets it, in every field that has room for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report_kit.h"
#include "state_fill.h"

#define DAY_MS 86400000ll

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct state *st;

	if (argc != 3 && argc != 5) {
		fprintf(stderr, "usage: fill-state DIRECTORY [FINDINGS SIGHTINGS DAYS | hostile]\n");
		return 2;
	}
	mkdir(argv[1], 0700);
	if (!state_open(argv[1], STATE_DAEMON, TEST_NOW_MS, &st, &err)) {
		fprintf(stderr, "fill-state: %s\n", err.text);
		return 1;
	}
	bool ok = true;
	if (argc == 3) {
		add_hostile(st);
	} else {
		struct state_fill fill = { .n_findings = strtoull(argv[2], NULL, 10), .sightings_per_finding = strtoull(argv[3], NULL, 10),
					   .since_ms = TEST_NOW_MS - strtoll(argv[4], NULL, 10) * DAY_MS, .until_ms = TEST_NOW_MS, .small = true };

		ok = state_fill(st, &fill, &err);
	}
	state_close(st);
	if (!ok)
		fprintf(stderr, "fill-state: %s\n", err.text);
	return ok ? 0 : 1;
}
