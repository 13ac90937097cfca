/*
 * What reports and exports ask of the state: sums, rankings and streams over a range of time, each a callback per row, so that memory
 * does not grow with the range. Open the state with STATE_READ and put the whole report into one state_begin: then its numbers
 * agree with each other and with nothing that was stored meanwhile.
 *
 * A range is [since_ms, until_ms) of first_seen, in UTC; until_ms 0 is open.
 */
#ifndef CTWATCH_STATE_REPORT_H
#define CTWATCH_STATE_REPORT_H

#include "state.h"

/* Which findings are counted. */
struct state_report_range {
	int64_t since_ms, until_ms;
	bool all;                         /* false: flagged ones only */
	bool exclude_dismissed;
	int min_score;
};

enum state_report_axis {
	AXIS_SEVERITY,                    /* "low", "medium", "high", "critical" */
	AXIS_KIND, AXIS_BRAND, AXIS_RULE, AXIS_TECHNIQUE, AXIS_STATUS,
	AXIS_DAY,                         /* of first_seen, UTC: "2026-11-22" */
	AXIS_ISSUER,                      /* of the certificates, as shown: a finding counts once per issuer */
	N_AXES,
};

struct state_report_count {
	const char *key;                  /* "" where there is none (a finding without a brand) */
	uint64_t findings, certificates, sightings, verified;
	int best_score;
	uint64_t domains;                 /* different registrable domains; of state_report_total only */
};
typedef bool state_report_count_fn(void *ctx, const struct state_report_count *count);
/* Most findings first (days: oldest first), at most `limit` rows (0: all). */
bool state_report_count(struct state *, enum state_report_axis axis, const struct state_report_range *range, size_t limit, state_report_count_fn *fn, void *ctx, struct error *err);

/* The whole range in one row; key is "". */
bool state_report_total(struct state *, const struct state_report_range *range, struct state_report_count *out, struct error *err);

/* Detection delay of findings: oldest log entry of the finding to our storing it, exact, over findings with a log timestamp. */
struct state_report_delay {
	uint64_t n;
	int64_t median_ms, p95_ms, max_ms;
};
bool state_report_finding_delay(struct state *, const struct state_report_range *range, struct state_report_delay *out, struct error *err);
/* The same of all entries, from the daily buckets of the counters: upper bounds of the buckets. n 0: none were read at the head. */
void state_report_entry_delay(const struct state_counters *counters, struct state_report_delay *out);

/*
 * Findings in the order in which they were logged; those with less than `window_ms` between neighbours have the same cluster number
 * (1, 2, ...). For lists of names that came together. Only clusters of at least `min_findings` are given.
 */
typedef bool state_report_cluster_fn(void *ctx, uint64_t cluster, const struct finding *finding);
bool state_report_each_cluster(struct state *, const struct state_report_range *range, int64_t window_ms, size_t min_findings, state_report_cluster_fn *fn,
			 void *ctx, struct error *err);

/*
 * Every name of the kept certificates of each finding in range, oldest finding first: for term frequencies and exports. A name that
 * is in several certificates of a finding comes once per certificate.
 */
typedef bool state_report_name_fn(void *ctx, const struct finding *finding, const char *name);
bool state_report_each_name(struct state *, const struct state_report_range *range, state_report_name_fn *fn, void *ctx, struct error *err);

/* Counters by day, oldest first; all logs together, or of one. `day_ms` is the day's midnight in UTC. */
typedef bool state_report_day_fn(void *ctx, int64_t day_ms, const struct state_counters *counters);
bool state_report_each_day(struct state *, const struct hash *log_id_or_null, int64_t since_ms, int64_t until_ms, state_report_day_fn *fn, void *ctx, struct error *err);

/* Alerts created in the range by sink and status: "sent", "dead", "waiting", "digest". */
struct state_report_delivery {
	const char *sink, *status;
	uint64_t n;
	const char *last_error;           /* of the newest failure, or NULL */
};
typedef bool state_report_delivery_fn(void *ctx, const struct state_report_delivery *delivery);
bool state_report_each_delivery(struct state *, int64_t since_ms, int64_t until_ms, state_report_delivery_fn *fn, void *ctx, struct error *err);

#endif
