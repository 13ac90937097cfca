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

#define NAMES_KEPT_MAX 1000          /* logs hold certificates with tens of thousands of names */
#define FOUND_NAME_MAX 1024

void entry_copy_leaf(const struct entry *entry, struct buf *out)
{
	static const uint8_t head[2];
	size_t len = entry->leaf.len < STATE_DER_MAX - sizeof(head) ? entry->leaf.len : STATE_DER_MAX - sizeof(head);

	buf_init(out, STATE_DER_MAX);
	if (entry->headless)
		buf_append(out, head, sizeof(head));
	buf_append(out, entry->leaf.data, len);
}

static void copy_bounded(struct buf *out, struct slice bytes)
{
	buf_init(out, STATE_DER_MAX);
	buf_append(out, bytes.data, bytes.len < STATE_DER_MAX ? bytes.len : STATE_DER_MAX);
}

static char *names_to_json(const struct cert_names *names)
{
	json_t *array = json_array();
	char text[FOUND_NAME_MAX], escaped[FOUND_NAME_MAX];

	for (size_t i = 0; i < names->n && i < NAMES_KEPT_MAX; i++) {
		const char *name = name_format(&names->items[i], text, sizeof(text));
		json_array_append_new(array, json_string(text_escape(slice_text(name), escaped, sizeof(escaped))));
	}
	char *json = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return json;
}

static void add_note(struct found *f, const char *note)
{
	char *old = f->note;

	f->note = old == NULL ? xstrdup(note) : xasprintf("%s; %s", old, note);
	free(old);
}

static void choose_der(struct found *f, const struct entry *entry)
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
	f->sha256 = sha256(der);
	copy_bounded(&f->der, der);
}

static void describe(struct found *f, const struct cert_view *view)
{
	struct cert_details details = { 0 };
	struct error err = { 0 };
	char text[1024];

	if (cert_decode(buf_slice(&f->der), f->der_is_tbs, &details, &err)) {
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

void found_init(struct found *f, const struct entry *entry, const struct cert_view *view, const struct cert_names *names, const char *note)
{
	struct error ignored;

	*f = (struct found){ .timestamp_ms = entry->timestamp_ms > INT64_MAX ? INT64_MAX : (int64_t)entry->timestamp_ms };
	match_list_init(&f->matches);
	entry_copy_leaf(entry, &f->leaf);
	copy_bounded(&f->extra, entry->chain);
	f->names_json = names_to_json(names);
	if (note != NULL)
		add_note(f, note);
	if (view == NULL) {
		copy_bounded(&f->der, entry->certificate.len != 0 ? entry->certificate : buf_slice(&f->leaf));
		f->sha256 = sha256(buf_slice(&f->der));
		f->tbs_sha256 = f->sha256;
		f->der_is_tbs = true;
		f->precert = entry->type == ENTRY_PRECERT;
		f->issuer = xstrdup("");
		f->subject = xstrdup("");
		f->serial = xstrdup("");
		return;
	}
	choose_der(f, entry);
	if (!entry_tbs_sha256(entry, view, &f->tbs_sha256, &ignored))
		f->tbs_sha256 = sha256(view->tbs);
	f->not_before_ms = view->not_before_ms == INT64_MIN ? 0 : view->not_before_ms;
	f->not_after_ms = view->not_after_ms == INT64_MIN ? 0 : view->not_after_ms;
	describe(f, view);
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
		.der_is_tbs = f->der_is_tbs,
		.issuer = f->issuer,
		.subject = f->subject,
		.serial = f->serial,
		.not_before_ms = f->not_before_ms,
		.not_after_ms = f->not_after_ms,
		.names_json = f->names_json,
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
	};
}
