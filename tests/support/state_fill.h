/* Fills a state with findings as a year might bring them: the same numbers give the same content. */
#ifndef CTWATCH_TESTS_STATE_FILL_H
#define CTWATCH_TESTS_STATE_FILL_H

#include "state.h"

struct state_fill {
	uint64_t n_findings;
	uint64_t sightings_per_finding;   /* spread over certificates of four sightings each */
	uint64_t n_logs;                  /* 0: 8 */
	int64_t since_ms, until_ms;       /* findings and counters are spread over this time */
	uint64_t matches_per_commit;      /* 0: 500 */
	bool small;                       /* certificates of a few bytes instead of about 1.3 kB */
};
bool state_fill(struct state *st, const struct state_fill *fill, struct error *err);

/* "finding-17.example" of number 17 and so on. Returns `out`. */
char *state_fill_domain(uint64_t number, char out[64]);

#endif
