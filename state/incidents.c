/* Incidents: opened, seen again, closed; each opening and closing is an event. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

void incident_deinit(struct incident *i)
{
	char *texts[] = { i->log_name, i->class_name, i->severity, i->summary, i->details_json, i->evidence_dir, i->closed_why, i->subject };

	for (size_t n = 0; n < ARRAY_LEN(texts); n++)
		free(texts[n]);
	*i = (struct incident){ 0 };
}

static void read_incident(const struct rows *rows, struct incident *out)
{
	struct incident i = {
		.log_name = rows_dup(rows, 2),
		.class_name = rows_dup(rows, 3),
		.severity = rows_dup(rows, 4),
		.summary = rows_dup(rows, 5),
		.details_json = rows_dup(rows, 6),
		.evidence_dir = rows_dup(rows, 7),
		.count = (uint64_t)rows_int(rows, 8),
		.opened_ms = rows_int(rows, 9),
		.updated_ms = rows_int(rows, 10),
		.closed_ms = rows_int(rows, 11),
		.closed_why = rows_dup(rows, 12),
		.subject = rows_dup(rows, 13),
	};

	snprintf(i.id, sizeof(i.id), "%s", rows_text(rows, 0));
	rows_hash(rows, 1, &i.log_id);
	*out = i;
}

static bool route_incident(struct state *st, enum event_type type, const char *id, int64_t now_ms, struct error *err)
{
	struct incident incident;

	if (!state_get_incident(st, id, &incident, err))
		return false;
	struct state_event event = { .type = type, .incident = &incident, .subject = incident.id };
	bool ok = route_event(st, &event, now_ms, err);

	incident_deinit(&incident);
	return ok;
}

/* ---- opening ------------------------------------------------------------------------------------------ */

/* What is opened or seen again. */
struct opening {
	const struct hash *log_id;
	const char *class_name, *subject, *severity, *summary, *details_json;
	uint64_t times;
	bool any_subject;
	int64_t now_ms;
};

static bool one_id(struct rows rows, char id[FINDING_ID_LEN + 1], bool *found, struct error *err)
{
	*found = rows_next(&rows);
	if (*found)
		snprintf(id, FINDING_ID_LEN + 1, "%s", rows_text(&rows, 0));
	return rows_close(&rows, err);
}

/* The open one that this belongs to: of the same subject, or when there are too many of the class, the newest. */
static bool find_open(struct state *st, const struct opening *o, char id[FINDING_ID_LEN + 1], bool *found, struct error *err)
{
	int64_t n = 0;

	if (!one_id(ROWS(st, SQL_INCIDENT_FIND_OPEN, HASH(o->log_id), TEXT(o->class_name), TEXT(o->subject)), id, found, err))
		return false;
	if (*found)
		return true;
	if (o->any_subject)
		return one_id(ROWS(st, SQL_INCIDENT_NEWEST_OPEN, HASH(o->log_id), TEXT(o->class_name)), id, found, err);
	if (!ONE_INT(st, SQL_INCIDENT_COUNT_OPEN, &n, NULL, err, HASH(o->log_id), TEXT(o->class_name)))
		return false;
	return n < STATE_INCIDENTS_OPEN_MAX ||
	       one_id(ROWS(st, SQL_INCIDENT_NEWEST_OPEN, HASH(o->log_id), TEXT(o->class_name)), id, found, err);
}

/* The time is part of the id: the same trouble next month is another incident. */
static void make_id(const struct opening *o, char id[FINDING_ID_LEN + 1])
{
	char opened[32];

	snprintf(opened, sizeof(opened), "%" PRId64, o->now_ms);
	const struct slice parts[] = {
		slice_of(o->log_id->bytes, HASH_LEN),
		{ (const uint8_t *)o->class_name, strlen(o->class_name) + 1 },
		{ (const uint8_t *)o->subject, strlen(o->subject) + 1 },
		slice_text(opened),
	};
	id_of(parts, ARRAY_LEN(parts), id);
}

static bool open_incident(struct state *st, const struct opening *o, char id[FINDING_ID_LEN + 1], bool *opened, struct error *err)
{
	bool found;

	if (!find_open(st, o, id, &found, err))
		return false;
	*opened = !found;
	if (found)
		return RUN(st, SQL_INCIDENT_AGAIN, err, TEXT(id), TEXT(o->summary), TEXT(o->details_json), TEXT(o->severity), INT(o->now_ms),
			   INT(o->times));
	make_id(o, id);
	return RUN(st, SQL_INCIDENT_PUT, err, TEXT(id), HASH(o->log_id), TEXT(o->class_name), TEXT(o->subject), TEXT(o->severity), TEXT(o->summary),
		   TEXT(o->details_json), INT(o->now_ms)) &&
	       route_incident(st, EVENT_INCIDENT_OPENED, id, o->now_ms, err);
}

bool state_report_incident(struct state *st, const struct incident_report *r, char id[FINDING_ID_LEN + 1], bool *opened, struct error *err)
{
	static const struct hash nobody;
	const struct opening o = {
		.log_id = r->log_id != NULL ? r->log_id : &nobody,
		.class_name = r->class_name,
		.subject = r->subject != NULL ? r->subject : "",
		.severity = r->severity,
		.summary = r->summary,
		.details_json = r->details_json != NULL ? r->details_json : "{}",
		.times = r->times != 0 ? r->times : 1,
		.any_subject = r->any_subject,
		.now_ms = r->now_ms,
	};
	char made[FINDING_ID_LEN + 1];
	bool is_new = false;

	if (!state_begin(st, err) || !state_end(st, open_incident(st, &o, made, &is_new, err), err))
		return false;
	if (id != NULL)
		memcpy(id, made, sizeof(made));
	if (opened != NULL)
		*opened = is_new;
	return true;
}

bool state_open_incident(struct state *st, const struct hash *log_id, const char *class_name, const char *subject, const char *severity,
			 const char *summary, const char *details_json, int64_t now_ms, char id[FINDING_ID_LEN + 1], bool *opened, struct error *err)
{
	const struct incident_report report = {
		.log_id = log_id, .class_name = class_name, .subject = subject, .severity = severity, .summary = summary, .details_json = details_json, .now_ms = now_ms,
	};

	return state_report_incident(st, &report, id, opened, err);
}

/* ---- closing ------------------------------------------------------------------------------------------- */

static bool close_incident(struct state *st, const char *id, const char *why, int64_t now_ms, struct error *err)
{
	if (!RUN(st, SQL_INCIDENT_CLOSE, err, TEXT(id), TEXT(why), INT(now_ms)))
		return false;
	return sql_changes(st) == 0 || route_incident(st, EVENT_INCIDENT_CLOSED, id, now_ms, err);
}

bool state_close_incident(struct state *st, const char *id, const char *why, int64_t now_ms, struct error *err)
{
	struct incident incident;

	if (!state_begin(st, err))
		return false;
	bool ok = state_get_incident(st, id, &incident, err);
	if (ok) {
		ok = incident.closed_ms == 0 || error_set(err, ERR_USAGE, "incident %s is closed already: %s", incident.id,
							  incident.closed_why != NULL ? incident.closed_why : "no reason given");
		ok = ok && close_incident(st, incident.id, why, now_ms, err);
		incident_deinit(&incident);
	}
	return state_end(st, ok, err);
}

static bool close_all(struct state *st, const struct hash *log_id, const char *class_name, const char *why, int64_t now_ms, struct error *err)
{
	char id[FINDING_ID_LEN + 1];
	bool found;

	do {
		if (!one_id(ROWS(st, SQL_INCIDENT_OPEN_OF, HASH(log_id), TEXT(class_name)), id, &found, err))
			return false;
		if (found && !close_incident(st, id, why, now_ms, err))
			return false;
	} while (found);
	return true;
}

bool state_close_incidents(struct state *st, const struct hash *log_id, const char *class_name, const char *why, int64_t now_ms, struct error *err)
{
	static const struct hash nobody;

	if (!state_begin(st, err))
		return false;
	return state_end(st, close_all(st, log_id != NULL ? log_id : &nobody, class_name, why, now_ms, err), err);
}

static bool close_subject(struct state *st, const struct hash *log_id, const char *class_name, const char *subject, const char *why, int64_t now_ms,
			  uint64_t *n_closed, struct error *err)
{
	char id[FINDING_ID_LEN + 1];
	bool found;

	do {
		if (!one_id(ROWS(st, SQL_INCIDENT_FIND_OPEN, HASH(log_id), TEXT(class_name), TEXT(subject)), id, &found, err))
			return false;
		if (found && !close_incident(st, id, why, now_ms, err))
			return false;
		*n_closed += found;
	} while (found);
	return true;
}

bool state_close_incidents_of(struct state *st, const struct hash *log_id, const char *class_name, const char *subject, const char *why, int64_t now_ms,
			      uint64_t *n_closed, struct error *err)
{
	static const struct hash nobody;
	uint64_t n = 0;

	if (!state_begin(st, err))
		return false;
	bool ok = close_subject(st, log_id != NULL ? log_id : &nobody, class_name, subject, why, now_ms, &n, err);
	if (n_closed != NULL)
		*n_closed = n;
	return state_end(st, ok, err);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

bool state_each_incident(struct state *st, bool open_only, int64_t since_ms, int64_t until_ms, incident_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_INCIDENT_EACH, INT(open_only), INT(since_ms), INT(until_ms != 0 ? until_ms : INT64_MAX));
	bool more = true;

	while (more && rows_next(&rows)) {
		struct incident incident;

		read_incident(&rows, &incident);
		more = fn(ctx, &incident);
		incident_deinit(&incident);
	}
	return rows_close(&rows, err);
}

bool state_get_incident(struct state *st, const char *id, struct incident *out, struct error *err)
{
	struct incident first;
	size_t n = 0, len = strlen(id);
	char shown[80];

	if (len < 4 || len > FINDING_ID_LEN || strspn(id, "abcdefghijklmnopqrstuvwxyz234567") != len)
		return error_set(err, ERR_USAGE, "there is no incident %s", text_escape(slice_text(id), shown, sizeof(shown)));
	char *beyond = xasprintf("%s~", id);
	struct rows rows = ROWS(st, SQL_INCIDENT_PREFIX, TEXT(id), TEXT(beyond));
	while (rows_next(&rows))
		if (n++ == 0)
			read_incident(&rows, &first);
	bool ok = rows_close(&rows, err);

	free(beyond);
	if (ok && n == 1) {
		*out = first;
		return true;
	}
	if (n > 0)
		incident_deinit(&first);
	if (!ok)
		return false;
	return error_set(err, ERR_USAGE, n == 0 ? "there is no incident %s" : "several incidents begin with %s; give more of the id", id);
}
