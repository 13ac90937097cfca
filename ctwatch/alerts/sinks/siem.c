/* See siem.h. */
#include "siem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "envelope_fit.h"
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

#define CEF_NAME_MAX 512
#define CEF_ID_MAX 1023
#define CEF_TEXT_MAX 1023            /* msg, dhost */
#define CEF_STRING_MAX 4000          /* cs1 ... */

/* One record being written: no value longer than `cap` nor than its own ceiling. */
struct cef {
	struct buf out;
	size_t cap;
	bool ok, cut;
};

typedef bool render_fn(struct buf *out, const char *text);

/* Ceilings count what arrives, escapes and all. */
static void cef_put(struct cef *cef, render_fn *render, const char *value, size_t max)
{
	size_t limit = max < cef->cap ? max : cef->cap, before = cef->out.len;

	for (size_t bytes = limit; cef->ok; bytes = bytes / 2) {
		char *cut = text_cut(value, bytes);

		cef->out.len = before;
		cef->ok = render(&cef->out, cut);
		cef->cut = cef->cut || strlen(cut) != strlen(value);
		free(cut);
		if (cef->out.len - before <= limit || bytes < 8)
			break;
		cef->cut = true;
	}
}

static void cef_pair(struct cef *cef, const char *key, const char *value, size_t max)
{
	if (value[0] == '\0')
		return;
	cef->ok = cef->ok && buf_printf(&cef->out, " %s=", key);
	cef_put(cef, render_cef_value, value, max);
}

static void cef_labelled(struct cef *cef, int n, const char *label, const char *value)
{
	if (value[0] == '\0')
		return;
	cef->ok = cef->ok && buf_printf(&cef->out, " cs%dLabel=%s cs%d=", n, label, n);
	cef_put(cef, render_cef_value, value, CEF_STRING_MAX);
}

static void cef_record(struct cef *cef, const struct alert_item *item, const char *sentence)
{
	const json_t *subject = subject_of(item);
	const json_t *certificate = json_array_get(json_object_get(subject, "certificates"), 0);
	const char *rule = json_read_text(subject, "rule")[0] != '\0' ? json_read_text(subject, "rule") : json_read_text(subject, "class");

	cef->ok = buf_printf(&cef->out, "CEF:0|ctwatch|ctwatch|%s|", CTWATCH_VERSION);
	cef_put(cef, render_cef_header, rule[0] != '\0' ? rule : event_name(item->event), CEF_ID_MAX);
	cef->ok = cef->ok && buf_append_byte(&cef->out, '|');
	cef_put(cef, render_cef_header, sentence, CEF_NAME_MAX);
	cef->ok = cef->ok && buf_printf(&cef->out, "|%d|externalId=%s rt=%" PRId64 " cat=%s", cef_severity(item), item->id, item->created_ms, event_name(item->event));
	cef_pair(cef, "dhost", json_read_text(subject, "name"), CEF_TEXT_MAX);
	cef_pair(cef, "msg", json_read_text(subject, "summary"), CEF_TEXT_MAX);
	cef_labelled(cef, 1, "brand", json_read_text(subject, "brand"));
	cef_labelled(cef, 2, "technique", json_read_text(subject, "technique"));
	cef_labelled(cef, 3, "issuer", json_read_text(certificate, "issuer"));
	cef_labelled(cef, 4, "sha256", json_read_text(certificate, "sha256"));
	cef_labelled(cef, 5, "finding", json_read_text(subject, "id"));
	cef_labelled(cef, 6, "log", json_read_text(json_object_get(subject, "log"), "name"));
	if (json_object_get(subject, "score") != NULL)
		cef->ok = cef->ok && buf_printf(&cef->out, " cn1Label=score cn1=%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(subject, "score")));
	if (cef->cut)
		cef->ok = cef->ok && buf_append_text(&cef->out, " cn2Label=truncated cn2=1");
}

bool siem_cef(const struct delivery *delivery, const struct alert_item *item, size_t max, struct buf *out)
{
	static const size_t caps[] = { CEF_STRING_MAX, 253, 100, 64, 32 };
	char *sentence = sentence_of(delivery, item);
	bool done = false;

	for (size_t i = 0; i < ARRAY_LEN(caps) && !done; i++) {
		struct cef cef = { .cap = caps[i] };

		buf_init(&cef.out, 64u << 10);
		cef_record(&cef, item, sentence);
		done = cef.ok && cef.out.len <= max && buf_append_slice(out, buf_slice(&cef.out));
		buf_deinit(&cef.out);
	}
	free(sentence);
	return done;
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
