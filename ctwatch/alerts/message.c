/* From an envelope to what a person reads. See message.h. */
#include "message.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "render.h"
#include "words.h"

#define NAMES_SHOWN 8

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void add_fact(struct message_part *part, const char *label, char *value)
{
	if (part->n_facts == MESSAGE_FACTS_MAX || value == NULL || value[0] == '\0') {
		free(value);
		return;
	}
	struct message_fact *fact = &part->facts[part->n_facts++];

	snprintf(fact->label, sizeof(fact->label), "%s", label);
	fact->value = value;
}

static void add_link(struct message_part *part, const char *label, char *url)
{
	if (part->n_links == MESSAGE_LINKS_MAX) {
		free(url);
		return;
	}
	part->links[part->n_links++] = (struct message_link){ label, url };
}

/* ---- findings ---------------------------------------------------------------------------------------- */

/* The struct that words.h speaks of, borrowing from the envelope. */
static struct finding finding_view(const json_t *object)
{
	return (struct finding){
		.rule = (char *)text_of(object, "rule"),
		.kind = (char *)text_of(object, "kind"),
		.brand = (char *)json_string_value(json_object_get(object, "brand")),
		.technique = (char *)json_string_value(json_object_get(object, "technique")),
		.name = (char *)text_of(object, "name"),
	};
}

static size_t n_code_points(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* The same of a part of the name, as it reads defanged. */
static size_t shown_len(const char *name, size_t from, size_t to)
{
	struct buf out;
	char *part = slice_dup_text(slice_of(name + from, to - from));

	buf_init(&out, 1u << 16);
	render_defanged(&out, part);
	size_t n = n_code_points(buf_text(&out));
	buf_deinit(&out);
	free(part);
	return n;
}

/* The widest span of the evidence. */
static void mark_name(const json_t *object, struct message_part *part)
{
	const char *name = text_of(object, "name");
	size_t len = strlen(name), from = 0, to = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(object, "evidence"), i, row) {
		const json_t *span = json_object_get(row, "span");
		json_int_t start = json_integer_value(json_array_get(span, 0)), end = json_integer_value(json_array_get(span, 1));

		if (start >= 0 && end > start && (size_t)end <= len && (size_t)(end - start) > to - from) {
			from = (size_t)start;
			to = (size_t)end;
		}
	}
	if (to == from)
		return;
	part->marked = defang(name);
	part->mark_from = shown_len(name, 0, from);
	part->mark_len = shown_len(name, from, to);
}

/* A name inside a sentence is defanged where it stands. */
static char *defang_within(const char *text, const char *name)
{
	struct buf out;
	size_t len = strlen(name);

	if (len == 0)
		return xstrdup(text);
	buf_init(&out, 1u << 20);
	for (const char *found; (found = strstr(text, name)) != NULL; text = found + len) {
		buf_append(&out, text, (size_t)(found - text));
		render_defanged(&out, name);
	}
	buf_append_text(&out, text);
	char *copy = xstrdup(buf_text(&out));

	buf_deinit(&out);
	return copy;
}

static void add_why(struct message_part *part, const json_t *object)
{
	const char *name = text_of(object, "name"), *domain = text_of(object, "registrable_domain");
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(object, "evidence"), i, row) {
		if (part->n_why == MESSAGE_WHY_MAX)
			break;
		/* the longer one first: the domain may be within the name, and is gone then */
		char *once = defang_within(text_of(row, "detail"), name), *twice = defang_within(once, domain);

		part->why[part->n_why++] = xasprintf("%s %+" JSON_INTEGER_FORMAT ": %s", text_of(row, "signal"), json_integer_value(json_object_get(row, "points")), twice);
		free(once);
		free(twice);
	}
}

/* The names of a certificate, defanged, the first few. */
static char *names_text(const json_t *certificate)
{
	const json_t *names = json_object_get(certificate, "names");
	size_t n = json_array_size(names), n_all = json_read_count(certificate, "names", "names_total");
	size_t n_shown = n < NAMES_SHOWN ? n : NAMES_SHOWN;
	struct buf out;

	buf_init(&out, 1u << 16);
	for (size_t i = 0; i < n_shown; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		buf_append_text(&out, i > 0 ? ", " : "");
		render_defanged(&out, name != NULL ? name : "");
	}
	if (n_all > n_shown)
		buf_printf(&out, " and %zu more", n_all - n_shown);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

static void add_certificate_facts(struct message_part *part, const json_t *object)
{
	const json_t *certificate = json_array_get(json_object_get(object, "certificates"), 0);
	const json_t *sighting = json_array_get(json_object_get(certificate, "sightings"), 0);

	if (certificate == NULL)
		return;
	if (sighting != NULL)
		add_fact(part, "Logged", xasprintf("%s in %s, entry %" JSON_INTEGER_FORMAT, text_of(sighting, "timestamp"),
						   text_of(json_object_get(sighting, "log"), "name"),
						   json_integer_value(json_object_get(sighting, "index"))));
	add_fact(part, "Issuer", xstrdup(text_of(certificate, "issuer")));
	add_fact(part, "Valid", xasprintf("%s to %s", text_of(certificate, "not_before"), text_of(certificate, "not_after")));
	add_fact(part, "Names", names_text(certificate));
	add_fact(part, "SHA-256", xstrdup(text_of(certificate, "sha256")));
	const char *sha256 = text_of(certificate, "sha256");
	if (strcmp(text_of(certificate, "type"), "tbs") != 0 && strlen(sha256) == 64)
		add_link(part, "Certificate at crt.sh", xasprintf("https://crt.sh/?q=%s", sha256));
}

static void add_name_links(struct message_part *part, const json_t *object)
{
	struct buf encoded;

	buf_init(&encoded, 4096);
	if (text_of(object, "registrable_domain")[0] != '\0' && render_uri_component(&encoded, text_of(object, "registrable_domain"))) {
		add_link(part, "Other certificates (crt.sh)", xasprintf("https://crt.sh/?q=%s", buf_text(&encoded)));
		add_link(part, "Registration (RDAP)", xasprintf("https://client.rdap.org/?type=domain&object=%s", buf_text(&encoded)));
	}
	buf_deinit(&encoded);
}

static void finding_message(const json_t *envelope, struct message_part *part)
{
	const json_t *object = json_object_get(envelope, "finding");
	struct finding finding = finding_view(object);
	char *name = defang(finding.name);
	bool verified = json_is_true(json_object_get(object, "verified"));
	bool is_test = json_is_true(json_object_get(envelope, "test"));

	part->sentence = finding_sentence(&finding, name);
	part->severity = text_of(object, "severity");
	part->score = (int)json_integer_value(json_object_get(object, "score"));
	mark_name(object, part);
	add_fact(part, "Name", xstrdup(name));
	add_fact(part, "Brand", xstrdup(finding.brand != NULL ? finding.brand : ""));
	add_fact(part, "Score", xasprintf("%d (%s), rule %s", part->score, part->severity, finding.rule));
	add_certificate_facts(part, object);
	add_fact(part, "Certificates", xasprintf("%" JSON_INTEGER_FORMAT ", first seen %s", json_integer_value(json_object_get(object, "certificate_count")),
						 text_of(object, "first_seen")));
	add_fact(part, "Known", xasprintf("the certificate is %s", verified_phrase(verified, json_is_true(json_object_get(object, "withdrawn")))));
	add_fact(part, "Not known", xstrdup("who asked for it, and what for: a name shows neither"));
	add_fact(part, "Finding", xstrdup(text_of(object, "id")));
	add_why(part, object);
	part->next_steps = is_test ? NULL : finding_next_steps(&finding);
	if (!is_test)
		add_name_links(part, object);
	free(name);
}

/* ---- incidents and the rest ---------------------------------------------------------------------------- */

static void incident_message(const json_t *envelope, struct message_part *part)
{
	const json_t *object = json_object_get(envelope, "incident");
	struct incident view = { .class_name = (char *)text_of(object, "class"),
				 .severity = (char *)text_of(object, "severity"),
				 .summary = (char *)text_of(object, "summary"),
				 .log_name = (char *)text_of(json_object_get(object, "log"), "name") };
	bool closed = strcmp(text_of(envelope, "event"), "incident.closed") == 0;

	/* its severity stands before it wherever it is shown */
	part->sentence = xasprintf("%s%s at %s: %s", closed ? "Over: " : "", view.class_name, view.log_name[0] != '\0' ? view.log_name : "this monitor", view.summary);
	part->severity = text_of(object, "severity");
	part->score = -1;
	add_fact(part, "Log", xstrdup(view.log_name));
	add_fact(part, "Opened", xstrdup(text_of(object, "opened")));
	json_int_t count = json_integer_value(json_object_get(object, "count"));
	add_fact(part, "Seen", count > 1 ? xasprintf("%" JSON_INTEGER_FORMAT " times", count) : NULL);
	add_fact(part, "Closed", closed ? xasprintf("%s: %s", text_of(object, "closed"), text_of(object, "closed_why")) : NULL);
	add_fact(part, "Evidence", xasprintf("ctwatch incidents show %s", text_of(object, "id")));
}

/* "logs_expected" is "Logs expected" to people. */
static void add_detail(struct message_part *part, const char *key, const json_t *value)
{
	char label[24];

	snprintf(label, sizeof(label), "%s", key);
	label[0] = (char)toupper((unsigned char)label[0]);
	for (char *c = label; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
	if (!json_is_string(value))
		add_fact(part, label, json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));
	else if (strcmp(key, "name") == 0)
		add_fact(part, label, defang(json_string_value(value)));
	else
		add_fact(part, label, xstrdup(json_string_value(value)));
}

static void other_message(const json_t *envelope, struct message_part *part)
{
	const json_t *details = json_object_get(envelope, "details");
	const char *key;
	json_t *value;

	part->severity = text_of(details, "severity");
	part->score = -1;
	part->sentence = xstrdup(text_of(details, "summary")[0] != '\0' ? text_of(details, "summary") : text_of(envelope, "event"));
	json_object_foreach((json_t *)details, key, value) {
		if (strcmp(key, "summary") == 0 || strcmp(key, "severity") == 0 || json_is_null(value) || part->n_facts == MESSAGE_FACTS_MAX)
			continue;
		add_detail(part, key, value);
	}
}

/* Are the findings of one certificate? */
static bool one_certificate(const struct delivery *delivery)
{
	const char *first = delivery->items[0].certificate;

	for (size_t i = 0; i < delivery->n; i++)
		if (first == NULL || delivery->items[i].certificate == NULL || strcmp(first, delivery->items[i].certificate) != 0)
			return false;
	return delivery->n > 1;
}

static void make_subject(const struct delivery *delivery, struct message *message)
{
	const struct message_part *gravest = &message->parts[0];
	const char *mark = json_is_true(json_object_get(delivery->items[0].envelope, "test")) ? "TEST " : "";
	char *grade;

	for (size_t i = 1; i < message->n_parts; i++)
		if (message->parts[i].score > gravest->score)
			gravest = &message->parts[i];
	if (gravest->score >= 0)
		grade = xasprintf("%s %d: ", gravest->severity, gravest->score);
	else
		grade = xasprintf("%s%s", gravest->severity, gravest->severity[0] != '\0' ? ": " : "");
	if (delivery->digest || message->n_parts > 1)
		message->subject = xasprintf("[ctwatch] %s%s%zu finding%s%s: %s%s", mark, grade, message->n_parts, message->n_parts == 1 ? "" : "s",
					     one_certificate(delivery) ? " of one certificate" : "", gravest->sentence, message->n_parts > 1 ? ", ..." : "");
	else
		message->subject = xasprintf("[ctwatch] %s%s%s", mark, grade, gravest->sentence);
	free(grade);
}

void message_make(const struct delivery *delivery, struct message *out)
{
	*out = (struct message){ .parts = xcalloc(delivery->n, sizeof(*out->parts)), .n_parts = delivery->n };
	for (size_t i = 0; i < delivery->n; i++) {
		const json_t *envelope = delivery->items[i].envelope;

		if (json_object_get(envelope, "finding") != NULL)
			finding_message(envelope, &out->parts[i]);
		else if (json_object_get(envelope, "incident") != NULL)
			incident_message(envelope, &out->parts[i]);
		else
			other_message(envelope, &out->parts[i]);
	}
	make_subject(delivery, out);
}

void message_deinit(struct message *message)
{
	for (size_t i = 0; i < message->n_parts; i++) {
		struct message_part *part = &message->parts[i];

		free(part->sentence);
		free(part->marked);
		for (size_t k = 0; k < part->n_facts; k++)
			free(part->facts[k].value);
		for (size_t k = 0; k < part->n_why; k++)
			free(part->why[k]);
		for (size_t k = 0; k < part->n_links; k++)
			free(part->links[k].url);
	}
	free(message->parts);
	free(message->subject);
	*message = (struct message){ 0 };
}
