/* A daily proof of life says what it covers: an empty report and a dead monitor must not look the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"
#include "state_report.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

struct coverage {
	int64_t now_ms;
	uint64_t n_expected, n_healthy, n_behind_entries;
	int64_t oldest_head_ms;           /* of logs that still grow; 0: none */
	char *oldest_head_log;
	uint64_t n_waiting, n_dead;
};

/* Frozen logs have old heads by right. */
static bool still_grows(const struct state_log *log, int64_t now_ms)
{
	return strcmp(log->lifecycle, "readonly") != 0 && strcmp(log->lifecycle, "retired") != 0 && strcmp(log->lifecycle, "rejected") != 0 &&
	       log->sunset_ms > now_ms;
}

static bool count_log(void *ctx, const struct state_log *log)
{
	struct coverage *c = ctx;

	if (log->why_not_read != NULL && log->why_not_read[0] != '\0')
		return true;
	c->n_expected++;
	c->n_healthy += c->now_ms - log->last_success_ms < HOUR_MS && log->n_open_incidents == 0;
	if (log->head_size > log->position)
		c->n_behind_entries += log->head_size - log->position;
	if (log->head_timestamp_ms > 0 && still_grows(log, c->now_ms) && (c->oldest_head_ms == 0 || log->head_timestamp_ms < c->oldest_head_ms)) {
		c->oldest_head_ms = log->head_timestamp_ms;
		free(c->oldest_head_log);
		c->oldest_head_log = xstrdup(log->name);
	}
	return true;
}

static bool count_delivery(void *ctx, const struct state_report_delivery *delivery)
{
	struct coverage *c = ctx;

	if (strcmp(delivery->status, "dead") == 0)
		c->n_dead += delivery->n;
	else if (strcmp(delivery->status, "sent") != 0)
		c->n_waiting += delivery->n;
	return true;
}

static bool count_incident(void *ctx, const struct incident *incident)
{
	(void)incident;
	++*(uint64_t *)ctx;
	return true;
}

json_t *heartbeat_make(struct state *st, int64_t now_ms, struct error *err)
{
	struct coverage c = { .now_ms = now_ms };
	struct state_counters today, yesterday;
	struct state_report_count found;
	const struct state_report_range last_day = { .since_ms = now_ms - DAY_MS };
	int64_t midnight = now_ms - now_ms % DAY_MS;
	uint64_t n_incidents = 0;
	char oldest[TIME_TEXT_LEN], entries[TIME_TEXT_LEN];

	if (!state_each_log(st, count_log, &c, err) || !state_sum_counters(st, NULL, midnight, midnight + DAY_MS, &today, err) ||
	    !state_sum_counters(st, NULL, midnight - DAY_MS, midnight, &yesterday, err) || !state_report_total(st, &last_day, &found, err) ||
	    !state_report_each_delivery(st, 0, 0, count_delivery, &c, err) || !state_each_incident(st, true, 0, 0, count_incident, &n_incidents, err)) {
		free(c.oldest_head_log);
		return NULL;
	}
	char *summary = xasprintf("ctwatch is alive: %" PRIu64 " of %" PRIu64 " logs are well, %s entries were read since yesterday's midnight (UTC), %" PRIu64
				  " finding%s in 24 hours",
				  c.n_healthy, c.n_expected, count_format(yesterday.entries + today.entries, entries), found.findings,
				  found.findings == 1 ? "" : "s");
	json_t *payload = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?, s:s}", "summary", summary, "logs_well", (json_int_t)c.n_healthy,
				    "logs_expected", (json_int_t)c.n_expected, "entries_yesterday", (json_int_t)yesterday.entries, "entries_today",
				    (json_int_t)today.entries, "entries_behind", (json_int_t)c.n_behind_entries, "findings_24h", (json_int_t)found.findings,
				    "incidents_open", (json_int_t)n_incidents, "alerts_waiting", (json_int_t)c.n_waiting, "alerts_dead", (json_int_t)c.n_dead,
				    "oldest_head", c.oldest_head_ms > 0 ? time_format_rfc3339(c.oldest_head_ms, oldest) : NULL, "oldest_head_log",
				    c.oldest_head_log, "version", CTWATCH_VERSION);
	free(summary);
	free(c.oldest_head_log);
	if (payload == NULL)
		error_set(err, ERR_FATAL, "the heartbeat cannot be written: a log's name is no UTF-8");
	return payload;
}
