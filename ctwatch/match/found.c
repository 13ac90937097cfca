/*
 * Everything known of a certificate that matched. What is stored as its bytes is authenticated by the tree: the logged
 * certificate, or the precertificate when its TBS is the logged one, else the logged TBS alone.
 */
#include "found.h"
#include "chain.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_NAME_MAX 1024
#define MATCH_BYTES 2048             /* a match with its evidence, about */

void entry_copy_leaf(const struct entry *entry, size_t max, struct buf *out)
{
	static const uint8_t head[2];
	size_t head_len = entry->headless ? sizeof(head) : 0;

	buf_init(out, max);
	buf_append(out, head, head_len);
	buf_append(out, entry->leaf.data, entry->leaf.len < max - head_len ? entry->leaf.len : max - head_len);
}

/* The whole of it or nothing: half of what was logged proves nothing. */
static void copy_whole(struct buf *out, struct slice bytes)
{
	buf_init(out, STATE_DER_MAX);
	if (bytes.len <= STATE_DER_MAX)
		buf_append(out, bytes.data, bytes.len);
}

static void copy_leaf(struct found *f, const struct entry *entry)
{
	if (entry->leaf.len + 2 <= STATE_DER_MAX)
		entry_copy_leaf(entry, STATE_DER_MAX, &f->leaf);
	else
		buf_init(&f->leaf, STATE_DER_MAX);
}

/* ---- names: logs hold certificates with tens of thousands ----------------------------------------------- */

/* Those that matched, sorted; a certificate of many names may have many. */
struct matched_names {
	const char **names;
	size_t n;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct matched_names matched_names_of(const struct match_list *matches)
{
	struct matched_names m = { xcalloc(matches->n + 1, sizeof(*m.names)), 0 };

	for (size_t i = 0; i < matches->n; i++)
		m.names[m.n++] = matches->items[i].name;
	qsort(m.names, m.n, sizeof(*m.names), by_text);
	return m;
}

static bool is_matched(const struct matched_names *m, const char *name)
{
	return m->n > 0 && bsearch(&name, m->names, m->n, sizeof(*m->names), by_text) != NULL;
}

/* Appends those that matched, or those that did not, as long as there is room. */
static void append_names(json_t *array, const struct cert_names *names, const struct matched_names *m, bool matched, size_t *room)
{
	char text[FOUND_NAME_MAX], escaped[FOUND_NAME_MAX];

	for (size_t i = 0; i < names->n; i++) {
		const char *name = name_format(&names->items[i], text, sizeof(text));

		if (is_matched(m, name) != matched)
			continue;
		json_t *value = json_string(text_escape(slice_text(name), escaped, sizeof(escaped)));
		char *json = json_dumps(value, JSON_ENCODE_ANY);
		size_t len = json != NULL ? strlen(json) + 1 : SIZE_MAX;

		free(json);
		if (len > *room) {
			json_decref(value);
			return;
		}
		*room -= len;
		json_array_append_new(array, value);
	}
}

/* What matched stands in front: it is there when there is no room for all, and seen by who looks at the first few. */
static char *names_to_json(const struct cert_names *names, const struct match_list *matches)
{
	struct matched_names m = matched_names_of(matches);
	json_t *array = json_array();
	size_t room = STATE_NAMES_JSON_MAX - 2;

	append_names(array, names, &m, true, &room);
	append_names(array, names, &m, false, &room);
	char *json = json_dumps(array, JSON_COMPACT);

	json_decref(array);
	free(m.names);
	return json;
}

static void add_note(struct found *f, const char *note)
{
	char *old = f->note;

	f->note = old == NULL ? xstrdup(note) : xasprintf("%s; %s", old, note);
	free(old);
}

/* Its hash is always that of the whole. */
static void keep_der(struct found *f, struct slice der)
{
	char text[160];

	f->sha256 = sha256(der);
	copy_whole(&f->der, der);
	if (der.len <= STATE_DER_MAX)
		return;
	f->too_large_bytes = der.len;
	snprintf(text, sizeof(text), "not kept: %zu bytes are more than the %u that are; sha256 says which one it was", der.len, STATE_DER_MAX);
	add_note(f, text);
}

/* What OpenSSL and people look at, which borrows from the entry. */
static struct slice choose_der(struct found *f, const struct entry *entry)
{
	f->precert = entry->type == ENTRY_PRECERT;
	f->der_is_tbs = f->precert;
	struct slice der = entry->certificate;
	if (f->precert && entry->precertificate.len != 0) {
		if (chain_fits_precertificate(entry)) {
			der = entry->precertificate;
			f->der_is_tbs = false;
		} else {
			add_note(f, "the precertificate that the log gave does not belong to the entry");
		}
	}
	const char *trouble = chain_trouble(entry);
	if (trouble != NULL)
		add_note(f, trouble);
	keep_der(f, der);
	return der;
}

static void describe(struct found *f, struct slice der, const struct cert_view *view)
{
	struct cert_details details = { 0 };
	struct error err = { 0 };
	char text[1024];

	if (cert_decode(der, f->der_is_tbs, &details, &err)) {
		f->issuer = xstrdup(details.issuer);
		f->subject = xstrdup(details.subject);
		f->serial = xstrdup(details.serial_hex);
		cert_details_deinit(&details);
		return;
	}
	snprintf(text, sizeof(text), "OpenSSL refuses it: %.500s", err.text);
	add_note(f, text);
	f->issuer = xstrdup(x509_name_format(view->issuer, text, sizeof(text)));
	f->subject = xstrdup(x509_name_format(view->subject, text, sizeof(text)));
	struct slice serial = slice_sub(view->serial, 0, view->serial.len < 64 ? view->serial.len : 64);
	hex_encode(serial.data, serial.len, text);
	f->serial = xstrdup(text);
}

/* Nothing could be read of it. */
static void init_unreadable(struct found *f, const struct entry *entry)
{
	keep_der(f, entry->certificate.len != 0 ? entry->certificate : f->leaf.len != 0 ? buf_slice(&f->leaf) : entry->leaf);
	f->tbs_sha256 = f->sha256;
	f->der_is_tbs = true;
	f->precert = entry->type == ENTRY_PRECERT;
	f->issuer = xstrdup("");
	f->subject = xstrdup("");
	f->serial = xstrdup("");
}

void found_init(struct found *f, const struct entry *entry, const struct found_facts *facts)
{
	const struct cert_view *view = facts->view;
	struct error ignored;

	*f = (struct found){ .timestamp_ms = entry->timestamp_ms > INT64_MAX ? INT64_MAX : (int64_t)entry->timestamp_ms };
	match_list_init(&f->matches);
	copy_leaf(f, entry);
	copy_whole(&f->extra, entry->chain);
	f->names_json = names_to_json(facts->names, facts->matches);
	f->names_total = facts->names->n;
	if (facts->note != NULL)
		add_note(f, facts->note);
	if (view == NULL) {
		init_unreadable(f, entry);
		return;
	}
	struct slice der = choose_der(f, entry);
	if (!entry_tbs_sha256(entry, view, &f->tbs_sha256, &ignored))
		f->tbs_sha256 = sha256(view->tbs);
	f->not_before_ms = view->not_before_ms == INT64_MIN ? 0 : view->not_before_ms;
	f->not_after_ms = view->not_after_ms == INT64_MIN ? 0 : view->not_after_ms;
	describe(f, der, view);
}

size_t found_bytes(const struct found *f)
{
	return sizeof(*f) + f->der.cap + f->leaf.cap + f->extra.cap + strlen(f->names_json) + f->matches.n * MATCH_BYTES;
}

void found_deinit(struct found *f)
{
	buf_deinit(&f->der);
	buf_deinit(&f->leaf);
	buf_deinit(&f->extra);
	free(f->issuer);
	free(f->subject);
	free(f->serial);
	free(f->names_json);
	free(f->note);
	match_list_deinit(&f->matches);
}

struct state_certificate found_certificate(const struct found *f)
{
	return (struct state_certificate){
		.tbs_sha256 = f->tbs_sha256,
		.sha256 = f->sha256,
		.precert = f->precert,
		.der = buf_slice(&f->der),
		.too_large_bytes = f->too_large_bytes,
		.der_is_tbs = f->der_is_tbs,
		.issuer = f->issuer,
		.subject = f->subject,
		.serial = f->serial,
		.not_before_ms = f->not_before_ms,
		.not_after_ms = f->not_after_ms,
		.names_json = f->names_json,
		.names_total = f->names_total,
		.note = f->note,
	};
}

struct state_sighting found_sighting(const struct found *f, const struct hash *log_id)
{
	return (struct state_sighting){
		.log_id = *log_id,
		.index = f->index,
		.timestamp_ms = f->timestamp_ms,
		.leaf = buf_slice(&f->leaf),
		.extra = buf_slice(&f->extra),
		.leaf_hash = f->leaf_hash,
	};
}
