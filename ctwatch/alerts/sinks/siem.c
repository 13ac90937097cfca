/* See siem.h. */
#include "siem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "message.h"
#include "render.h"

static const json_t *subject_of(const struct alert_item *item)
{
	static const char *const members[] = { "finding", "incident", "details" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *subject = json_object_get(item->envelope, members[i]);

		if (subject != NULL)
			return subject;
	}
	return NULL;
}

const char *siem_severity(const struct alert_item *item)
{
	return json_read_text(subject_of(item), "severity");
}

/* Rows: ours, CEF's 0 to 10, syslog's. */
static const struct {
	const char *severity;
	int cef, syslog;
} SEVERITIES[] = { { "critical", 10, 2 }, { "high", 8, 3 }, { "medium", 5, 4 }, { "low", 3, 5 } };

int siem_syslog_severity(const struct alert_item *item)
{
	for (size_t i = 0; i < ARRAY_LEN(SEVERITIES); i++)
		if (strcmp(SEVERITIES[i].severity, siem_severity(item)) == 0)
			return SEVERITIES[i].syslog;
	return 6;
}

static int cef_severity(const struct alert_item *item)
{
	for (size_t i = 0; i < ARRAY_LEN(SEVERITIES); i++)
		if (strcmp(SEVERITIES[i].severity, siem_severity(item)) == 0)
			return SEVERITIES[i].cef;
	return 1;
}

/* The sentence of the message, with the name as it is: machines want it plain. */
static char *sentence_of(const struct delivery *delivery, const struct alert_item *item)
{
	struct delivery one = *delivery;
	struct message message;

	one.items = (struct alert_item *)item;
	one.n = 1;
	one.digest = false;
	message_make(&one, &message);
	char *sentence = xstrdup(message.parts[0].sentence);
	message_deinit(&message);
	return sentence;
}

/* ---- CEF ------------------------------------------------------------------------------------------------ */

static bool cef_pair(struct buf *out, const char *key, const char *value)
{
	return value[0] == '\0' || (buf_printf(out, " %s=", key) && render_cef_value(out, value));
}

static bool cef_labelled(struct buf *out, int n, const char *label, const char *value)
{
	return value[0] == '\0' || (buf_printf(out, " cs%dLabel=%s cs%d=", n, label, n) && render_cef_value(out, value));
}

bool siem_cef(const struct delivery *delivery, const struct alert_item *item, struct buf *out)
{
	const json_t *subject = subject_of(item);
	const json_t *certificate = json_array_get(json_object_get(subject, "certificates"), 0);
	const char *rule = json_read_text(subject, "rule")[0] != '\0' ? json_read_text(subject, "rule") : json_read_text(subject, "class");
	char *sentence = sentence_of(delivery, item);
	bool ok = buf_printf(out, "CEF:0|ctwatch|ctwatch|%s|", CTWATCH_VERSION) &&
		  render_cef_header(out, rule[0] != '\0' ? rule : event_name(item->event)) && buf_append_byte(out, '|') && render_cef_header(out, sentence) &&
		  buf_printf(out, "|%d|externalId=%s rt=%" PRId64 " cat=%s", cef_severity(item), item->id, item->created_ms, event_name(item->event));

	ok = ok && cef_pair(out, "dhost", json_read_text(subject, "name")) && cef_pair(out, "msg", json_read_text(subject, "summary")) &&
	     cef_labelled(out, 1, "brand", json_read_text(subject, "brand")) && cef_labelled(out, 2, "technique", json_read_text(subject, "technique")) &&
	     cef_labelled(out, 3, "issuer", json_read_text(certificate, "issuer")) && cef_labelled(out, 4, "sha256", json_read_text(certificate, "sha256")) &&
	     cef_labelled(out, 5, "finding", json_read_text(subject, "id")) && cef_labelled(out, 6, "log", json_read_text(json_object_get(subject, "log"), "name"));
	if (json_object_get(subject, "score") != NULL)
		ok = ok && buf_printf(out, " cn1Label=score cn1=%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(subject, "score")));
	free(sentence);
	return ok;
}

/* ---- Elastic Common Schema ---------------------------------------------------------------------------------- */

static void ecs_certificate(json_t *document, const json_t *subject)
{
	const json_t *certificate = json_array_get(json_object_get(subject, "certificates"), 0);

	if (certificate == NULL)
		return;
	json_t *x509 = json_pack("{s:O?, s:{s:s}, s:s, s:s, s:s}", "alternative_names", json_object_get(certificate, "names"), "issuer", "distinguished_name",
				 json_read_text(certificate, "issuer"), "serial_number", json_read_text(certificate, "serial"), "not_before",
				 json_read_text(certificate, "not_before"), "not_after", json_read_text(certificate, "not_after"));
	json_object_set_new(document, "tls",
			    json_pack("{s:{s:{s:s}, s:o}}", "server", "hash", "sha256", json_read_text(certificate, "sha256"), "x509", x509));
}

json_t *siem_ecs(const struct delivery *delivery, const struct alert_item *item)
{
	const json_t *subject = subject_of(item);
	char *sentence = sentence_of(delivery, item);
	bool is_finding = json_object_get(item->envelope, "finding") != NULL;
	json_t *document = json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:[s], s:[s], s:s, s:s, s:I}, s:{s:s, s:s}}", "@timestamp",
				     json_read_text(item->envelope, "time"), "message", sentence, "ecs", "version", "8.11.0", "event", "id", item->id, "kind",
				     is_finding ? "alert" : "event", "module", "ctwatch", "category", is_finding ? "threat" : "host", "type",
				     is_finding ? "indicator" : "info", "action", event_name(item->event), "dataset", "ctwatch.alerts", "severity",
				     (json_int_t)cef_severity(item) * 10, "observer", "product", "ctwatch", "version", CTWATCH_VERSION);

	if (is_finding) {
		json_object_set_new(document, "rule", json_pack("{s:s, s:s, s:s}", "name", json_read_text(subject, "rule"), "category", json_read_text(subject, "kind"), "ruleset", "ctwatch"));
		json_object_set_new(document, "threat", json_pack("{s:{s:s, s:s, s:s, s:I}}", "indicator", "type", "domain-name", "name", json_read_text(subject, "name"), "first_seen",
								  json_read_text(subject, "first_seen"), "sightings",
								  json_integer_value(json_object_get(subject, "certificate_count"))));
		json_object_set_new(document, "related", json_pack("{s:[s]}", "hosts", json_read_text(subject, "name")));
		ecs_certificate(document, subject);
	}
	json_object_set(document, "ctwatch", item->envelope);
	free(sentence);
	return document;
}
