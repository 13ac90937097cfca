/* See hooks.h. Value and its _PARSE_ERROR exclude each other, as scripts expect. */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_read.h"
#include "message.h"
#include "ct.h"
#include "x509.h"

#define TEXT_MAX 4096                /* of one name, issuer ...: the kernel bounds the environment as a whole */
#define NAME_SHOWN_MAX 1024
#define FILE_MAX (4u << 20)
#define PEM_LINE 48                  /* bytes that make a line of 64 characters */

/* ---- variables and files --------------------------------------------------------------------------------- */

static void set(struct hook_input *input, const char *name, const char *value)
{
	char safe[TEXT_MAX];

	if (input->n == HOOK_VARIABLES_MAX)
		return;
	input->variables[input->n++] = xasprintf("%s=%s", name, text_escape(slice_text(value), safe, sizeof(safe)));
}

static void set_number(struct hook_input *input, const char *name, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	set(input, name, text);
}

static void set_hash(struct hook_input *input, const char *name, const struct hash *hash)
{
	char hex[2 * HASH_LEN + 1];

	hex_encode(hash->bytes, HASH_LEN, hex);
	set(input, name, hex);
}

/* Writes <directory>/<file> and sets the variable to its path. */
static bool put_file(struct hook_input *input, const char *variable, const char *file, struct slice content, struct error *err)
{
	char *path = xasprintf("%s/%s", input->directory, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = fd >= 0 ? write(fd, content.data, content.len) : -1;
	bool ok = n == (ssize_t)content.len;

	if (!ok)
		error_set(err, ERR_RETRY, "%s cannot be written: %s", path, strerror(n >= 0 ? ENOSPC : errno));
	if (fd >= 0)
		close(fd);
	if (ok)
		set(input, variable, path);
	free(path);
	return ok;
}

static bool put_json(struct hook_input *input, const char *variable, const char *file, json_t *value, struct error *err)
{
	char *text = json_dumps(value, JSON_COMPACT);
	bool ok = put_file(input, variable, file, slice_text(text != NULL ? text : "{}"), err);

	free(text);
	json_decref(value);
	return ok;
}

static bool put_text(struct hook_input *input, const struct delivery *delivery, struct error *err)
{
	struct message message;

	message_make(delivery, &message);
	char *text = message_text(&message);
	bool ok = put_file(input, "TEXT_FILENAME", "text.txt", slice_text(text), err);

	free(text);
	message_deinit(&message);
	return ok;
}

/* ---- a certificate --------------------------------------------------------------------------------------------- */

static void put_pem(struct buf *out, struct slice der)
{
	char line[BASE64_LEN(PEM_LINE) + 1];

	buf_append_text(out, "-----BEGIN CERTIFICATE-----\n");
	for (size_t at = 0; at < der.len; at += PEM_LINE) {
		base64_encode(der.data + at, der.len - at < PEM_LINE ? der.len - at : PEM_LINE, line);
		buf_printf(out, "%s\n", line);
	}
	buf_append_text(out, "-----END CERTIFICATE-----\n");
}

/* Why there is no certificate. */
static const char *not_kept_text(const struct alert_entry *entry)
{
	return entry->too_large_bytes > 0 ? "the certificate is larger than what is kept: CERT_SHA256 says which one it was" :
					    "the certificate itself is no longer kept: CERT_SHA256 says which one it was";
}

/* Scripts take the first certificate in it for the one that was found: without that one there is no file. */
static bool put_chain(struct hook_input *input, const struct alert_entry *entry, struct error *err)
{
	struct buf pem;

	if (entry->der.len == 0) {
		set(input, "CHAIN_ERROR", not_kept_text(entry));
		return true;
	}
	buf_init(&pem, FILE_MAX);
	if (!entry->der_is_tbs)
		put_pem(&pem, buf_slice(&entry->der));
	for (size_t i = 0; i < entry->n_chain; i++)
		put_pem(&pem, buf_slice(&entry->chain[i]));
	bool ok = put_file(input, "CERT_FILENAME", "cert.pem", buf_slice(&pem), err);

	buf_deinit(&pem);
	if (entry->der_is_tbs)
		set(input, "CHAIN_ERROR", "the log gave no precertificate that belongs to the entry: the first certificate is missing");
	else if (entry->chain_error != NULL)
		set(input, "CHAIN_ERROR", entry->chain_error);
	return ok;
}

static json_t *names_of(const struct cert_names *names, enum name_kind kind)
{
	json_t *list = json_array();
	char text[NAME_SHOWN_MAX], safe[NAME_SHOWN_MAX];

	for (size_t i = 0; i < names->n; i++)
		if (names->items[i].kind == kind)
			json_array_append_new(list, json_string(text_escape(slice_text(name_format(&names->items[i], text, sizeof(text))), safe, sizeof(safe))));
	return list;
}

/* "2026-11-22T08:15:30Z", as certificates have it: whole seconds. */
static void rfc3339_seconds(int64_t time_ms, char out[TIME_TEXT_LEN])
{
	time_format_rfc3339(time_ms, out);
	memcpy(out + 19, "Z", 2);
}

static void set_time(struct hook_input *input, const char *name, int64_t time_ms)
{
	char rfc3339[TIME_TEXT_LEN], text[64], variable[64];

	rfc3339_seconds(time_ms, rfc3339);
	snprintf(text, sizeof(text), "%.10s %.8s +0000 UTC", rfc3339, rfc3339 + 11);
	set(input, name, text);
	snprintf(variable, sizeof(variable), "%s_UNIXTIME", name);
	set_number(input, variable, (time_ms - (time_ms % 1000 + 1000) % 1000) / 1000);
	snprintf(variable, sizeof(variable), "%s_RFC3339", name);
	set(input, variable, rfc3339);
}

static bool has_validity(const struct cert_view *view)
{
	return view->not_before_ms != INT64_MIN && view->not_after_ms != INT64_MIN;
}

static bool put_names(struct hook_input *input, const struct alert_entry *entry, const struct cert_view *view, struct error *err)
{
	struct cert_names names;
	struct hash key = sha256(view->spki);
	struct error ignored;
	char hex[2 * HASH_LEN + 1], text[TIME_TEXT_LEN];
	json_t *o = json_object();

	names_init(&names);
	names_collect(view, &names, &ignored);
	hex_encode(entry->tbs_sha256.bytes, HASH_LEN, hex);
	json_object_set_new(o, "tbs_sha256", json_string(hex));
	hex_encode(key.bytes, HASH_LEN, hex);
	json_object_set_new(o, "pubkey_sha256", json_string(hex));
	json_object_set_new(o, "dns_names", names_of(&names, NAME_DNS));
	json_object_set_new(o, "ip_addresses", names_of(&names, NAME_IP));
	if (has_validity(view)) {
		rfc3339_seconds(view->not_before_ms, text);
		json_object_set_new(o, "not_before", json_string(text));
		rfc3339_seconds(view->not_after_ms, text);
		json_object_set_new(o, "not_after", json_string(text));
	}
	names_deinit(&names);
	return put_json(input, "JSON_FILENAME", "cert.v1.json", o, err);
}

/* Lower case, without leading zeros. */
static void set_serial(struct hook_input *input, struct slice serial)
{
	char hex[2 * 64 + 1];

	if (serial.len == 0 || serial.len > 64) {
		set(input, "SERIAL_PARSE_ERROR", "the serial number is empty or longer than 64 bytes");
		return;
	}
	hex_encode(serial.data, serial.len, hex);
	set(input, "SERIAL", hex[strspn(hex, "0")] != '\0' ? hex + strspn(hex, "0") : "0");
}

static bool put_readable(struct hook_input *input, const struct alert_entry *entry, const struct cert_view *view, struct error *err)
{
	struct hash key = sha256(view->spki);
	char name[TEXT_MAX];

	set(input, "CERT_PARSEABLE", "yes");
	set_hash(input, "PUBKEY_SHA256", &key);
	set_hash(input, "PUBKEY_HASH", &key);
	if (has_validity(view)) {
		set_time(input, "NOT_BEFORE", view->not_before_ms);
		set_time(input, "NOT_AFTER", view->not_after_ms);
	} else {
		set(input, "VALIDITY_PARSE_ERROR", "the validity is no pair of times");
	}
	set(input, "SUBJECT_DN", x509_name_format(view->subject, name, sizeof(name)));
	set(input, "ISSUER_DN", x509_name_format(view->issuer, name, sizeof(name)));
	set_serial(input, view->serial);
	return put_names(input, entry, view, err);
}

static bool put_unreadable(struct hook_input *input, const struct alert_entry *entry, const char *why, struct error *err)
{
	static const char *const variables[] = { "VALIDITY_PARSE_ERROR", "SUBJECT_PARSE_ERROR", "ISSUER_PARSE_ERROR", "SERIAL_PARSE_ERROR" };
	char hex[2 * HASH_LEN + 1];

	set(input, "CERT_PARSEABLE", "no");
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		set(input, variables[i], why);
	hex_encode(entry->tbs_sha256.bytes, HASH_LEN, hex);
	return put_json(input, "JSON_FILENAME", "cert.v1.json", json_pack("{s:s, s:[], s:[]}", "tbs_sha256", hex, "dns_names", "ip_addresses"), err);
}

static bool put_certificate(struct hook_input *input, const struct delivery *delivery, struct error *err)
{
	const struct alert_item *item = &delivery->items[0];
	const struct alert_entry *entry = item->entry;
	const char *rule = json_read_text(json_object_get(item->envelope, "finding"), "rule");
	const char *watch_item = strncmp(rule, "watch/", 6) == 0 ? rule + 6 : rule;
	struct slice der = buf_slice(&entry->der);
	char *summary = xasprintf("Certificate Discovered for %s", watch_item);
	struct cert_view view;
	struct error why;

	set(input, "EVENT", "discovered_cert");
	set(input, "SUMMARY", summary);
	free(summary);
	set(input, "WATCH_ITEM", watch_item);
	set(input, "LOG_URI", entry->log_url);
	set_number(input, "ENTRY_INDEX", (int64_t)entry->index);
	set_hash(input, "TBS_SHA256", &entry->tbs_sha256);
	set_hash(input, "CERT_SHA256", &entry->sha256);
	set_hash(input, "FINGERPRINT", &entry->sha256);
	bool readable = entry->der_is_tbs ? cert_scan_tbs(der, &view, &why) : cert_scan(der, &view, &why);
	const char *trouble = der.len == 0 ? not_kept_text(entry) : why.text;

	return (readable ? put_readable(input, entry, &view, err) : put_unreadable(input, entry, trouble, err)) && put_chain(input, entry, err) &&
	       put_text(input, delivery, err);
}

/* ---- the other events -------------------------------------------------------------------------------------------- */

static char *base64_of(struct slice bytes)
{
	char *text = xmalloc(BASE64_LEN(bytes.len) + 1);

	base64_encode(bytes.data, bytes.len, text);
	return text;
}

static bool put_malformed(struct hook_input *input, const struct delivery *delivery, struct error *err)
{
	const struct alert_item *item = &delivery->items[0];
	const struct alert_entry *entry = item->entry;
	struct hash hash = leaf_hash(buf_slice(&entry->leaf));
	char *summary = xasprintf("Unable to Parse Entry %" PRIu64 " in %s", entry->index, entry->log_url);
	char *leaf = base64_of(buf_slice(&entry->leaf)), *extra = base64_of(buf_slice(&entry->extra)), *leaf_hash_text = base64_of(slice_of(hash.bytes, HASH_LEN));

	set(input, "EVENT", "malformed_cert");
	set(input, "SUMMARY", summary);
	set(input, "LOG_URI", entry->log_url);
	set_number(input, "ENTRY_INDEX", (int64_t)entry->index);
	set(input, "LEAF_HASH", leaf_hash_text);
	set(input, "PARSE_ERROR", json_read_text(json_object_get(item->envelope, "details"), "reason"));
	set(input, "CERT_PARSEABLE", "no");
	bool ok = put_json(input, "ENTRY_FILENAME", "entry.json", json_pack("{s:s, s:s}", "leaf_input", leaf, "extra_data", extra), err) &&
		  put_text(input, delivery, err);

	free(summary);
	free(leaf);
	free(extra);
	free(leaf_hash_text);
	return ok;
}

static bool put_other(struct hook_input *input, const struct delivery *delivery, struct error *err)
{
	struct message message;

	message_make(delivery, &message);
	set(input, "EVENT", "error");
	set(input, "SUMMARY", message.parts[0].sentence);
	message_deinit(&message);
	return put_text(input, delivery, err);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

bool hook_input_make(const struct delivery *delivery, struct hook_input *out, struct error *err)
{
	const struct alert_item *item = &delivery->items[0];
	const char *base = getenv("TMPDIR");

	*out = (struct hook_input){ 0 };
	out->directory = xasprintf("%s/ctwatch-hook.XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
	if (mkdtemp(out->directory) == NULL) {
		error_set(err, ERR_RETRY, "%s cannot be made: %s", out->directory, strerror(errno));
		free(out->directory);
		out->directory = NULL;
		return false;
	}
	set(out, "CTWATCH_EVENT", event_name(item->event));
	set(out, "CTWATCH_ID", item->id);
	if (item->entry == NULL)
		return put_other(out, delivery, err);
	return item->event == EVENT_MALFORMED ? put_malformed(out, delivery, err) : put_certificate(out, delivery, err);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info, (void)type, (void)where;
	remove(path);
	return 0;
}

void hook_input_deinit(struct hook_input *input)
{
	if (input->directory != NULL)
		nftw(input->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(input->directory);
	for (size_t i = 0; i < input->n; i++)
		free(input->variables[i]);
	*input = (struct hook_input){ 0 };
}
