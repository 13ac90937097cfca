/* See envelope_fit.h. */
#include "envelope_fit.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_KEPT 10
#define EVIDENCE_KEPT 3

char *text_cut(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max)
		return xstrdup(text);
	len = max > 3 ? max - 3 : 0;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return xasprintf("%.*s...", (int)len, text);
}

/* Lists keep their first members. */
static void keep_first(json_t *object, const char *key, size_t n)
{
	json_t *list = json_object_get(object, key);

	while (json_is_array(list) && json_array_size(list) > n)
		json_array_remove(list, json_array_size(list) - 1);
}

static void shrink_certificate(json_t *certificate, unsigned level)
{
	json_t *names = json_object_get(certificate, "names");
	json_int_t total = json_integer_value(json_object_get(certificate, "names_total"));

	if (json_array_size(names) > NAMES_KEPT && total == 0)
		json_object_set_new(certificate, "names_total", json_integer((json_int_t)json_array_size(names) + json_integer_value(json_object_get(certificate, "names_left_out"))));
	json_object_del(certificate, "names_left_out");
	keep_first(certificate, "names", level == 1 ? NAMES_KEPT : 0);
	keep_first(certificate, "sightings", level == 1 ? 1 : 0);
}

/* What identifies the thing stays at every level; the rest goes. */
static json_t *core_of(const json_t *subject)
{
	static const char *const kept[] = { "id", "name", "registrable_domain", "rule", "kind", "brand", "technique", "score", "severity", "flagged", "verified",
					    "status", "first_seen", "last_seen", "certificate_count", "class", "summary", "opened", "closed", "count", "reason", "log" };
	json_t *core = json_object();

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		json_t *value = json_object_get(subject, kept[i]);

		if (value != NULL)
			json_object_set_new(core, kept[i], json_deep_copy(value));
	}
	return core;
}

static void cut_texts(json_t *value, size_t max)
{
	const char *key;
	json_t *member;
	void *next;

	json_object_foreach_safe(value, next, key, member) {
		if (json_is_object(member)) {
			cut_texts(member, max);
		} else if (json_is_string(member) && json_string_length(member) > max && strcmp(key, "id") != 0) {
			char *cut = text_cut(json_string_value(member), max);

			json_string_set(member, cut);
			free(cut);
		}
	}
}

static void shrink_subject(json_t *envelope, const char *member, unsigned level)
{
	json_t *subject = json_object_get(envelope, member), *certificate;
	size_t i;

	if (subject == NULL)
		return;
	if (level >= 3) {
		json_t *core = core_of(subject);

		cut_texts(core, level == 3 ? 1000 : level == 4 ? 200 : 48);
		json_object_set_new(envelope, member, core);
		return;
	}
	keep_first(subject, "certificates", 1);
	json_array_foreach(json_object_get(subject, "certificates"), i, certificate)
		shrink_certificate(certificate, level);
	if (level == 2)
		keep_first(subject, "evidence", EVIDENCE_KEPT);
	cut_texts(subject, 1000);
}

json_t *envelope_shrink(const json_t *envelope, unsigned level)
{
	static const char *const members[] = { "finding", "incident", "details" };

	if (level == 0)
		return json_incref((json_t *)envelope);
	json_t *copy = json_deep_copy(envelope);

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		shrink_subject(copy, members[i], level);
	json_object_set_new(copy, "truncated", json_true());
	return copy;
}

/* jansson escapes all control characters but the last one, DEL. */
static bool append_json(struct buf *out, const char *text, size_t max)
{
	size_t before = out->len;
	bool ok = true;

	for (const char *del; ok && (del = strchr(text, 0x7f)) != NULL; text = del + 1)
		ok = buf_append(out, text, (size_t)(del - text)) && buf_append_text(out, "\\u007f");
	ok = ok && buf_append_text(out, text) && out->len - before <= max;
	if (!ok)
		out->len = before;
	return ok;
}

bool envelope_fit(const json_t *envelope, unsigned level, size_t max, size_t json_flags, struct buf *out)
{
	for (; level < ENVELOPE_LEVELS; level++) {
		json_t *smaller = envelope_shrink(envelope, level);
		char *text = json_dumps(smaller, json_flags);
		bool fits = text != NULL && append_json(out, text, max);

		free(text);
		json_decref(smaller);
		if (fits)
			return true;
	}
	return false;
}
