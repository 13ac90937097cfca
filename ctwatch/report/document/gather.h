/* Private to report/: the parts that gather the document; one function a section. */
#ifndef CTWATCH_GATHER_H
#define CTWATCH_GATHER_H

#include "report.h"
#include "state_report.h"

#define TOP_FINDINGS 100             /* in full; every one is in the CSV */
#define TOP_TARGETS 40
#define TOP_ROWS 25                  /* of a ranking */
#define TOP_CLUSTERS 12
#define CLUSTER_NAMES 12
#define CLUSTER_WINDOW_MS (10 * 60000)

struct gathering {
	struct state *st;
	const struct report_options *options;
	struct state_report_range range, before;     /* the range, and the one of the same length before it */
	json_t *document;
};

bool gather_totals(struct gathering *g, struct error *err);        /* totals, rankings, days */
bool gather_findings(struct gathering *g, struct error *err);      /* findings, dismissed */
bool gather_clusters(struct gathering *g, struct error *err);
bool gather_terms(struct gathering *g, struct error *err);
bool gather_targets(struct gathering *g, struct error *err);       /* organisations with their sectors */
bool gather_coverage(struct gathering *g, struct error *err);      /* logs, entries, delay, blind spots, incidents, deliveries */
bool gather_packs(struct gathering *g, struct error *err);         /* what the rules can find */
bool gather_words(struct gathering *g, struct error *err);         /* summary and decisions: sentences made of the rest */

/* json_string, or U+FFFD for bytes that are no UTF-8. */
json_t *gather_text(const char *text);
json_t *gather_time(int64_t time_ms);
/*
 * `rows` by UTC day (their "day" or "key" is `member`), oldest first: days of the range without a row get one made by `empty`, so that
 * nothing looks like something. Ranges of more than DAYS_MAX days stay as they are.
 */
#define DAYS_MAX 400
json_t *gather_all_days(const struct gathering *g, json_t *rows, const char *member, json_t *(*empty)(void));

#endif
