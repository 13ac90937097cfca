/* What was read and what was not: the part of the report that says what silence means. */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#define INCIDENTS_MAX 200
#define BEHIND_ENTRIES 10000

static json_t *counters_json(const struct state_counters *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)c->entries, "lets_encrypt", (json_int_t)c->lets_encrypt, "verified",
			 (json_int_t)c->verified, "malformed", (json_int_t)c->malformed, "matched", (json_int_t)c->matched, "bytes", (json_int_t)c->n_bytes);
}

static json_t *delay_json(const struct state_report_delay *delay)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "n", (json_int_t)delay->n, "median_s", (json_int_t)(delay->median_ms / 1000), "p95_s", (json_int_t)(delay->p95_ms / 1000),
			 "max_s", (json_int_t)(delay->max_ms / 1000));
}

/* ---- logs ------------------------------------------------------------------------------------------------- */

struct logs {
	struct gathering *g;
	struct error *err;
	json_t *rows, *not_read, *blind;
	uint64_t n_read, backlog;
	int64_t first_added_ms;
	bool ok;
};

static void blind_spot(struct logs *logs, const struct state_log *log, const char *why)
{
	json_array_append_new(logs->blind, json_pack("{s:o, s:s}", "log", gather_text(log->name), "why", why));
}

static bool see_log(void *ctx, const struct state_log *log)
{
	struct logs *logs = ctx;
	const struct report_options *o = logs->g->options;
	struct state_counters counters;

	if (log->why_not_read != NULL && log->why_not_read[0] != '\0') {
		json_array_append_new(logs->not_read, json_pack("{s:o, s:o}", "log", gather_text(log->name), "why", gather_text(log->why_not_read)));
		return true;
	}
	logs->ok = state_sum_counters(logs->g->st, &log->log_id, o->since_ms, o->until_ms, &counters, logs->err);
	if (!logs->ok)
		return false;
	uint64_t behind = log->head_size > log->position ? log->head_size - log->position : 0;
	logs->n_read++;
	logs->backlog += behind;
	if (logs->first_added_ms == 0 || log->added_ms < logs->first_added_ms)
		logs->first_added_ms = log->added_ms;
	json_t *row = counters_json(&counters);
	json_object_set_new(row, "log", gather_text(log->name));
	json_object_set_new(row, "operator", gather_text(log->log_operator));
	json_object_set_new(row, "lifecycle", gather_text(log->lifecycle));
	json_object_set_new(row, "behind", json_integer((json_int_t)behind));
	json_object_set_new(row, "start_index", json_integer(log->start_index));
	json_object_set_new(row, "open_incidents", json_integer((json_int_t)log->n_open_incidents));
	json_array_append_new(logs->rows, row);
	if (log->last_success_ms == 0)
		blind_spot(logs, log, "never answered");
	else if (o->generated_ms - log->last_success_ms > 86400000 && log->last_success_ms < o->until_ms)
		blind_spot(logs, log, "did not answer for more than a day");
	if (behind > BEHIND_ENTRIES)
		blind_spot(logs, log, "entries wait to be read");
	if (log->added_ms > o->since_ms)
		blind_spot(logs, log, "followed since a time within this range only");
	return true;
}

static json_t *no_counters(void)
{
	return counters_json(&(struct state_counters){ 0 });
}

/* ---- days, incidents, deliveries --------------------------------------------------------------------------- */

static bool see_day(void *ctx, int64_t day_ms, const struct state_counters *counters)
{
	json_t *row = counters_json(counters);
	char day[TIME_TEXT_LEN];

	time_format_rfc3339(day_ms, day);
	day[10] = '\0';
	json_object_set_new(row, "day", json_string(day));
	json_array_append_new(ctx, row);
	return true;
}

static bool see_incident(void *ctx, const struct incident *incident)
{
	if (json_array_size(ctx) >= INCIDENTS_MAX)
		return false;
	json_array_append_new(ctx, json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "id", incident->id, "log", gather_text(incident->log_name), "class",
					     gather_text(incident->class_name), "severity", gather_text(incident->severity), "summary", gather_text(incident->summary),
					     "count", (json_int_t)incident->count, "opened", gather_time(incident->opened_ms), "closed",
					     gather_time(incident->closed_ms), "closed_why", gather_text(incident->closed_why)));
	return true;
}

static bool see_delivery(void *ctx, const struct state_report_delivery *delivery)
{
	json_array_append_new(ctx, json_pack("{s:o, s:o, s:I, s:o}", "sink", gather_text(delivery->sink), "status", gather_text(delivery->status), "n",
					     (json_int_t)delivery->n, "last_error", gather_text(delivery->last_error)));
	return true;
}

bool gather_coverage(struct gathering *g, struct error *err)
{
	const struct report_options *o = g->options;
	struct logs logs = { .g = g, .err = err, .rows = json_array(), .not_read = json_array(), .blind = json_array(), .ok = true };
	json_t *days = json_array(), *incidents = json_array(), *deliveries = json_array();
	struct state_report_delay entries, findings;
	struct state_counters total, before;
	json_t *coverage = json_pack("{s:o, s:o, s:o, s:o}", "logs", logs.rows, "not_read", logs.not_read, "blind_spots", logs.blind, "days", days);

	json_object_set_new(g->document, "coverage", coverage);
	json_object_set_new(g->document, "incidents", incidents);
	json_object_set_new(g->document, "deliveries", deliveries);
	if (!state_sum_counters(g->st, NULL, o->since_ms, o->until_ms, &total, err) ||
	    !state_sum_counters(g->st, NULL, g->before.since_ms, g->before.until_ms, &before, err) || !state_each_log(g->st, see_log, &logs, err) || !logs.ok ||
	    !state_report_each_day(g->st, NULL, o->since_ms, o->until_ms, see_day, days, err) || !state_report_finding_delay(g->st, &g->range, &findings, err) ||
	    !state_each_incident(g->st, false, o->since_ms, o->until_ms, see_incident, incidents, err) ||
	    !state_report_each_delivery(g->st, o->since_ms, o->until_ms, see_delivery, deliveries, err))
		return false;
	state_report_entry_delay(&total, &entries);
	json_object_set_new(coverage, "days", gather_all_days(g, json_incref(days), "day", no_counters));
	json_object_set_new(coverage, "total", counters_json(&total));
	json_object_set_new(coverage, "total_before", counters_json(&before));
	json_object_set_new(coverage, "logs_read", json_integer((json_int_t)logs.n_read));
	json_object_set_new(coverage, "backlog", json_integer((json_int_t)logs.backlog));
	json_object_set_new(coverage, "first_day", gather_time(logs.first_added_ms));
	json_object_set_new(coverage, "partial", json_boolean(logs.first_added_ms == 0 || logs.first_added_ms > o->since_ms || o->generated_ms < o->until_ms));
	json_object_set_new(coverage, "entry_delay", delay_json(&entries));
	json_object_set_new(coverage, "finding_delay", delay_json(&findings));
	return true;
}
