/*
 * The weekly report. One document is gathered (bounded: top lists), and every format is a view of it:
 *
 *   state --report_gather--> document (JSON, schema in docs/report.schema.json) --> JSON, HTML, Markdown
 *   state --report_csv-----> CSV: every finding of the range, streamed
 *
 * The same state, range and generation time give the same bytes.
 */
#ifndef CTWATCH_REPORT_H
#define CTWATCH_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "state.h"

enum report_format { REPORT_HTML, REPORT_MARKDOWN, REPORT_CSV, REPORT_JSON, N_REPORT_FORMATS };
extern const char *const REPORT_FORMAT_NAMES[N_REPORT_FORMATS];       /* html, md, csv, json: also the files' extensions */
bool report_format_parse(const char *name, enum report_format *out);

struct report_options {
	int64_t since_ms, until_ms;       /* [since, until) */
	int64_t before_ms;                /* where the range before begins, which ends at since_ms; 0: as long as this one */
	int64_t generated_ms;
	const char *timezone;             /* IANA name the range was cut in; NULL: UTC */
	const char *brands_json;          /* ruleset_brands_json: sectors of organisations; or NULL */
	const char *rules_json;           /* ruleset_describe_json: packs and their recall; or NULL */
	const char *css;                  /* a user's style sheet, whole text, instead of ours; or NULL */
	const char *logo_data_uri;        /* "data:image/png;base64,..." or NULL */
	const char *title;                /* NULL: "Certificate names, week 47 of 2026" */
};

/* Gathers the document; the caller owns the reference. Reads one snapshot of the state. */
bool report_gather(struct state *, const struct report_options *, json_t **out, struct error *err);
bool report_html(const json_t *document, const struct report_options *, FILE *out, struct error *err);
bool report_markdown(const json_t *document, FILE *out, struct error *err);
bool report_csv(struct state *, const struct report_options *, FILE *out, struct error *err);
/* Any of them. */
bool report_write(struct state *, const struct report_options *, enum report_format, FILE *out, struct error *err);

/* ---- ranges in a time zone ----------------------------------------------------------------------- */

/* ISO week `year`-W`week` from Monday 00:00 to the next in the time zone (NULL: UTC). ERR_USAGE: no such week or zone. */
bool report_week_range(const char *timezone, int iso_year, int iso_week, int64_t *since_ms, int64_t *until_ms, struct error *err);
/* "2026-W47". */
bool report_week_parse(const char *text, int *iso_year, int *iso_week);
/* The same, and where the week before begins: in options. */
bool report_week_options(const char *timezone, int iso_year, int iso_week, struct report_options *out, struct error *err);
/* The last week that is over at `now_ms`. */
bool report_last_week(const char *timezone, int64_t now_ms, int *iso_year, int *iso_week, struct error *err);
/* Seconds east of Greenwich at a moment (seconds since 1970), by the bytes of a zone file (RFC 8536); false: it is none. */
bool report_zone_offset(struct slice file, int64_t utc_second, int64_t *offset_s);
/* The first moment after `after_ms` that is `minute` of the day on `weekday` (0 Monday .. 6 Sunday) there. */
bool report_next_time(const char *timezone, int weekday, int minute, int64_t after_ms, int64_t *out_ms, struct error *err);

#endif
