/* The outbox: what has to be told to whom, in the transaction that stored it, until it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

static const char *const EVENT_NAMES[N_EVENTS] = {
	[EVENT_FINDING] = "finding",
	[EVENT_FINDING_RESCORED] = "finding.rescored",
	[EVENT_FINDING_NEW_CERTIFICATE] = "finding.new_certificate",
	[EVENT_INCIDENT_OPENED] = "incident.opened",
	[EVENT_INCIDENT_CLOSED] = "incident.closed",
	[EVENT_REPORT_READY] = "report.ready",
	[EVENT_HEARTBEAT] = "heartbeat",
	[EVENT_CANARY_MISSED] = "canary.missed",
	[EVENT_TEST] = "test",
	[EVENT_MALFORMED] = "malformed",
};

const char *event_name(enum event_type type)
{
	return EVENT_NAMES[type];
}

bool event_parse(struct slice text, enum event_type *out)
{
	for (size_t i = 0; i < N_EVENTS; i++) {
		if (slice_equal_text(text, EVENT_NAMES[i])) {
			*out = (enum event_type)i;
			return true;
		}
	}
	return false;
}

/* ---- routing ------------------------------------------------------------------------------------------ */

void state_set_router(struct state *st, state_router_fn *fn, void *ctx)
{
	st->router = fn;
	st->router_ctx = ctx;
}

bool route_event(struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	return st->router == NULL || st->router(st->router_ctx, st, event, now_ms, err);
}

bool state_route(struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	if (!state_begin(st, err))
		return false;
	return state_end(st, route_event(st, event, now_ms, err), err);
}

/* ---- putting in ------------------------------------------------------------------------------------------ */

static int rank_of(const struct finding *f)
{
	return f == NULL ? 0 : f->score >= 90 ? 3 : f->score >= 75 ? 2 : f->score >= 60 ? 1 : 0;
}

/* Subject, sink, event, severity and certificate, each ended by a NUL. */
static void outbox_id(const char *sink, const struct state_event *event, char id[FINDING_ID_LEN + 1])
{
	const char *name = event_name(event->type), *certificate = event->certificate != NULL ? event->certificate : "";
	const char rank[] = { (char)('0' + rank_of(event->finding)), '\0' };
	const char *texts[] = { event->subject, sink, name, rank, certificate };
	struct slice parts[ARRAY_LEN(texts)];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		parts[i] = slice_of(texts[i], strlen(texts[i]) + 1);
	id_of(parts, ARRAY_LEN(parts), id);
}

bool state_outbox_add(struct state *st, const char *sink, const struct state_event *event, bool digest, const char *group, int64_t due_ms, int64_t now_ms, struct error *err)
{
	char id[FINDING_ID_LEN + 1];

	outbox_id(sink, event, id);
	return RUN(st, SQL_OUTBOX_PUT, err, TEXT(id), TEXT(sink), TEXT(event_name(event->type)), TEXT(event->subject), TEXT(event->payload_json),
		   TEXT(group), TEXT(digest ? "digest" : "waiting"), INT(now_ms), INT(due_ms), TEXT(event->seen_in));
}

/* ---- taking out ------------------------------------------------------------------------------------------- */

void outbox_item_deinit(struct outbox_item *item)
{
	char *texts[] = { item->sink, item->subject, item->payload_json, item->group, item->status, item->last_error, item->certificate, item->message, item->progress };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*item = (struct outbox_item){ 0 };
}

static void read_item(const struct rows *rows, struct outbox_item *out)
{
	struct outbox_item item = {
		.sink = rows_dup(rows, 1),
		.subject = rows_dup(rows, 3),
		.payload_json = rows_dup(rows, 4),
		.group = rows_dup(rows, 5),
		.status = rows_dup(rows, 6),
		.last_error = rows_dup(rows, 7),
		.attempts = (int)rows_int(rows, 8),
		.created_ms = rows_int(rows, 9),
		.due_ms = rows_int(rows, 10),
		.sent_ms = rows_int(rows, 11),
		.certificate = rows_dup(rows, 12),
		.message = rows_dup(rows, 13),
		.progress = rows_dup(rows, 14),
	};

	snprintf(item.id, sizeof(item.id), "%s", rows_text(rows, 0));
	event_parse(slice_text(rows_text(rows, 2)), &item.event);
	*out = item;
}

static int64_t limit_of(size_t limit)
{
	return limit > 0 && limit < INT64_MAX ? (int64_t)limit : INT64_MAX;
}

static bool each_item(struct rows rows, outbox_fn *fn, void *ctx, struct error *err)
{
	bool more = true;

	while (more && rows_next(&rows)) {
		struct outbox_item item;

		read_item(&rows, &item);
		more = fn(ctx, &item);
		outbox_item_deinit(&item);
	}
	return rows_close(&rows, err);
}

bool state_outbox_due(struct state *st, const char *sink, int64_t now_ms, size_t limit, outbox_fn *fn, void *ctx, struct error *err)
{
	return each_item(ROWS(st, SQL_OUTBOX_DUE, TEXT(sink), INT(now_ms), INT(limit_of(limit))), fn, ctx, err);
}

bool state_outbox_due_fresh(struct state *st, const char *sink, int64_t now_ms, size_t limit, outbox_fn *fn, void *ctx, struct error *err)
{
	return each_item(ROWS(st, SQL_OUTBOX_DUE_FRESH, TEXT(sink), INT(now_ms), INT(limit_of(limit))), fn, ctx, err);
}

bool state_outbox_due_digest(struct state *st, const char *sink, int64_t now_ms, size_t limit, outbox_fn *fn, void *ctx, struct error *err)
{
	return each_item(ROWS(st, SQL_OUTBOX_DUE_DIGEST, TEXT(sink), INT(now_ms), INT(limit_of(limit))), fn, ctx, err);
}

bool state_outbox_each(struct state *st, const char *sink, const char *status, size_t limit, outbox_fn *fn, void *ctx, struct error *err)
{
	return each_item(ROWS(st, SQL_OUTBOX_EACH, TEXT(sink), TEXT(status), INT(limit_of(limit))), fn, ctx, err);
}

bool state_outbox_sent(struct state *st, const char *id, const char *note, int64_t now_ms, struct error *err)
{
	return RUN(st, SQL_OUTBOX_SENT, err, TEXT(id), INT(now_ms), TEXT(note));
}

bool state_outbox_join(struct state *st, const char *id, const char *message, struct error *err)
{
	return RUN(st, SQL_OUTBOX_JOIN, err, TEXT(id), TEXT(message));
}

bool state_outbox_progress(struct state *st, const char *id, const char *progress, struct error *err)
{
	return RUN(st, SQL_OUTBOX_PROGRESS, err, TEXT(id), TEXT(progress));
}

bool state_outbox_recover(struct state *st, const char *sink, int64_t now_ms, struct error *err)
{
	return RUN(st, SQL_OUTBOX_RECOVER, err, TEXT(sink), INT(now_ms));
}

bool state_outbox_failed(struct state *st, const char *id, const char *why, int64_t next_due_ms, bool dead, int64_t now_ms, struct error *err)
{
	return RUN(st, SQL_OUTBOX_FAILED, err, TEXT(id), TEXT(dead ? "dead" : "waiting"), TEXT(why), INT(next_due_ms), INT(dead ? now_ms : 0));
}

bool state_outbox_to_digest(struct state *st, const char *sink, int64_t now_ms, struct error *err)
{
	return RUN(st, SQL_OUTBOX_TO_DIGEST, err, TEXT(sink), INT(now_ms));
}

bool state_outbox_retry(struct state *st, const char *id, int64_t now_ms, size_t *n, struct error *err)
{
	if (!RUN(st, SQL_OUTBOX_RETRY, err, TEXT(id), INT(now_ms)))
		return false;
	if (n != NULL)
		*n = sql_changes(st);
	return true;
}

bool state_outbox_next_due(struct state *st, int64_t *due_ms, struct error *err)
{
	int64_t due = INT64_MAX;

	if (!ONE_INT(st, SQL_OUTBOX_NEXT_DUE, &due, NULL, err, NOTHING))
		return false;
	*due_ms = due;
	return true;
}
