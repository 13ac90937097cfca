/* What programs receive: {"v":1,"event":..,"id":..,"time":..,"finding":{..}}, the same for every sink. */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

static json_t *base(const char *id, enum event_type event, int64_t time_ms)
{
	char time[TIME_TEXT_LEN];

	return json_pack("{s:i, s:s, s:s, s:s}", "v", 1, "event", event_name(event), "id", id, "time", time_format_rfc3339(time_ms, time));
}

static json_t *finding_part(struct state *st, const char *id, struct error *err)
{
	struct finding finding;
	json_error_t where;
	char *text;

	if (!state_get_finding(st, id, &finding, err))
		return NULL;
	bool ok = state_finding_json(st, &finding, &text, err);
	finding_deinit(&finding);
	if (!ok)
		return NULL;
	json_t *part = json_loads(text, 0, &where);
	if (part == NULL)
		error_set(err, ERR_MALFORMED, "finding %s is no JSON: %s", id, where.text);
	free(text);
	return part;
}

static json_t *incident_part(struct state *st, const char *id, struct error *err)
{
	struct incident incident;
	char log_id[BASE64_LEN(HASH_LEN) + 1], opened[TIME_TEXT_LEN], updated[TIME_TEXT_LEN], closed[TIME_TEXT_LEN];

	if (!state_get_incident(st, id, &incident, err))
		return NULL;
	base64_encode(incident.log_id.bytes, HASH_LEN, log_id);
	json_t *part = json_pack("{s:s, s:{s:s, s:s?}, s:s, s:s, s:s, s:I, s:s, s:s, s:s?, s:s?}", "id", incident.id, "log", "id", log_id, "name",
				 incident.log_name, "class", incident.class_name, "severity", incident.severity, "summary", incident.summary,
				 "count", (json_int_t)incident.count, "opened", time_format_rfc3339(incident.opened_ms, opened), "updated",
				 time_format_rfc3339(incident.updated_ms, updated), "closed",
				 incident.closed_ms == 0 ? NULL : time_format_rfc3339(incident.closed_ms, closed), "closed_why", incident.closed_why);
	json_t *details = incident.details_json == NULL ? NULL : json_loads(incident.details_json, 0, NULL);
	if (part != NULL && details != NULL)
		json_object_set(part, "details", details);
	json_decref(details);
	incident_deinit(&incident);
	if (part == NULL)
		error_set(err, ERR_MALFORMED, "incident %s has text that is no UTF-8", id);
	return part;
}

static json_t *payload_part(const struct outbox_item *item, struct error *err)
{
	json_error_t where;
	json_t *part = item->payload_json == NULL ? json_object() : json_loads(item->payload_json, JSON_DECODE_ANY, &where);

	if (part == NULL)
		error_set(err, ERR_MALFORMED, "payload of %s is no JSON: %s", item->id, where.text);
	return part;
}

/* "certificate": TBS SHA-256 of the one that is new. */
static void add_certificate(json_t *envelope, const struct outbox_item *item)
{
	json_t *payload = item->payload_json == NULL ? NULL : json_loads(item->payload_json, 0, NULL);
	json_t *certificate = json_object_get(payload, "certificate");

	if (certificate != NULL)
		json_object_set(envelope, "certificate", certificate);
	json_decref(payload);
}

json_t *envelope_make(struct state *st, const struct outbox_item *item, struct error *err)
{
	const char *member;
	json_t *part;

	switch (item->event) {
	case EVENT_FINDING:
	case EVENT_FINDING_RESCORED:
	case EVENT_FINDING_NEW_CERTIFICATE:
		member = "finding";
		part = finding_part(st, item->subject, err);
		break;
	case EVENT_INCIDENT_OPENED:
	case EVENT_INCIDENT_CLOSED:
		member = "incident";
		part = incident_part(st, item->subject, err);
		break;
	default:
		member = "details";
		part = payload_part(item, err);
		break;
	}
	if (part == NULL)
		return NULL;
	json_t *envelope = base(item->id, item->event, item->created_ms);
	json_object_set_new(envelope, member, part);
	if (item->event == EVENT_FINDING_NEW_CERTIFICATE)
		add_certificate(envelope, item);
	return envelope;
}

json_t *envelope_test(const char *id, int64_t now_ms)
{
	json_t *envelope = base(id, EVENT_TEST, now_ms);
	json_t *finding = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:b, s:b, s:s, s:[{s:s, s:s, s:i, s:[i, i]}], s:s, s:s, s:[], s:i}",
				    "id", "test", "name", "drive-example.test", "registrable_domain", "drive-example.test", "rule", "brand/test", "kind",
				    "brand", "brand", "Example (a test, no finding)", "technique", "combosquat", "score", 92, "severity", "critical",
				    "flagged", 1, "verified", 0, "status", "new", "evidence", "signal", "TEST", "detail",
				    "this message was asked for with 'ctwatch alerts test'; nothing was found", "points", 92, "span", 6, 13,
				    "first_seen", json_string_value(json_object_get(envelope, "time")), "last_seen",
				    json_string_value(json_object_get(envelope, "time")), "certificates", "certificate_count", 0);

	json_object_set_new(envelope, "test", json_true());
	json_object_set_new(envelope, "finding", finding);
	return envelope;
}
