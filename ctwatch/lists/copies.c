/*
 * Copies of the lists on disk: <directory>/<name>-<hash of the source>.json, .sig and .meta, and departed.json. A copy is
 * checked again when it is read: a disk is not trusted more than a network.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_BYTES_MAX 4096

void kept_deinit(struct kept *k)
{
	buf_deinit(&k->json);
	buf_deinit(&k->signature);
	*k = (struct kept){ 0 };
}

static char *path_of(const char *directory, const char *source, const char *ending)
{
	struct hash hash = sha256(slice_text(source));
	const char *slash = strrchr(source, '/');
	char hex[9], name[48] = "";

	hex_encode(hash.bytes, 4, hex);
	for (const char *c = slash != NULL ? slash + 1 : source; *c != '\0' && *c != '.' && strlen(name) + 1 < sizeof(name); c++)
		name[strlen(name)] = strchr("/\\ ", *c) != NULL || (unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e ? '_' : *c;
	return xasprintf("%s/%s-%s.%s", directory, name, hex, ending);
}

static bool read_part(const char *directory, const char *source, const char *ending, size_t max, struct buf *out)
{
	char *path = path_of(directory, source, ending);
	struct error err;
	bool ok = file_read(path, max, out, &err);

	free(path);
	return ok;
}

static void read_meta(const char *directory, const char *source, struct kept *k)
{
	struct buf text = { 0 };
	const char *etag = NULL, *last_modified = NULL;
	json_int_t fetched = 0;

	if (!read_part(directory, source, "meta", META_BYTES_MAX, &text))
		return;
	json_t *meta = json_loadb((const char *)text.data, text.len, 0, NULL);
	if (meta != NULL && json_unpack(meta, "{s?:s, s?:s, s?:I}", "etag", &etag, "last_modified", &last_modified, "fetched_ms", &fetched) == 0) {
		snprintf(k->etag, sizeof(k->etag), "%s", etag != NULL ? etag : "");
		snprintf(k->last_modified, sizeof(k->last_modified), "%s", last_modified != NULL ? last_modified : "");
		k->fetched_ms = fetched;
	}
	json_decref(meta);
	buf_deinit(&text);
}

bool kept_read(const char *directory, const char *source, struct kept *out)
{
	struct kept k = { 0 };

	if (directory == NULL || !read_part(directory, source, "json", LIST_BYTES_MAX, &k.json))
		return false;
	read_part(directory, source, "sig", LIST_SIGNATURE_MAX, &k.signature);
	read_meta(directory, source, &k);
	*out = k;
	return true;
}

static bool write_all(int fd, struct slice content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.data, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		content = slice_sub(content, (size_t)n, content.len);
	}
	return true;
}

static bool replace_file(const char *path, struct slice content, struct error *err)
{
	char *temporary = xasprintf("%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	bool ok = fd >= 0 && write_all(fd, content) && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0 && close(fd) != 0 && ok) {
		ok = false;
		why = errno;
	}
	if (ok && rename(temporary, path) != 0) {
		ok = false;
		why = errno;
	}
	if (!ok) {
		unlink(temporary);
		error_set(err, why == ENOSPC || why == EDQUOT ? ERR_NO_SPACE : ERR_RETRY, "cannot write %s: %s", path, strerror(why));
	}
	free(temporary);
	return ok;
}

static bool write_part(const char *directory, const char *source, const char *ending, struct slice content, struct error *err)
{
	char *path = path_of(directory, source, ending);
	bool ok = replace_file(path, content, err);

	free(path);
	return ok;
}

static bool write_meta(const char *directory, const char *source, const struct kept *k, struct error *err)
{
	json_t *meta = json_pack("{s:s, s:s, s:s, s:I}", "source", source, "etag", k->etag, "last_modified", k->last_modified, "fetched_ms",
				 (json_int_t)k->fetched_ms);
	char *text = meta == NULL ? NULL : json_dumps(meta, JSON_COMPACT);
	bool ok = text == NULL || write_part(directory, source, "meta", slice_text(text), err);

	json_decref(meta);
	free(text);
	return ok;
}

/* The signature first: between the two renames the pair does not fit, and the list is fetched again. */
bool kept_write(const char *directory, const char *source, const struct kept *k, struct error *err)
{
	if (directory == NULL)
		return true;
	if (mkdir(directory, 0750) != 0 && errno != EEXIST)
		return error_set(err, ERR_RETRY, "cannot make %s: %s", directory, strerror(errno));
	if (k->signature.len > 0 && !write_part(directory, source, "sig", buf_slice(&k->signature), err))
		return false;
	if (k->json.len > 0 && !write_part(directory, source, "json", buf_slice(&k->json), err))
		return false;
	return write_meta(directory, source, k, err);
}

/* ---- departed logs -------------------------------------------------------------------------------- */

static char *base64_text(const void *data, size_t len)
{
	char *text = xmalloc(BASE64_LEN(len) + 1);

	base64_encode(data, len, text);
	return text;
}

/* One log in Chrome's v3 schema; it says "retired" since the day on which it departed. */
static json_t *log_to_json(const struct listed_log *log)
{
	char start[TIME_TEXT_LEN], end[TIME_TEXT_LEN], since[TIME_TEXT_LEN];
	char *key = base64_text(log->key, log->key_len), *id = base64_text(log->log_id.bytes, HASH_LEN);
	json_t *out = json_pack("{s:s, s:s, s:s, s:I, s:{s:{s:s}}}", "description", log->description, "log_id", id, "key", key, "mmd",
				(json_int_t)log->mmd_s, "state", "retired", "timestamp", time_format_rfc3339(log->lifecycle_since_ms, since));

	free(key);
	free(id);
	if (out == NULL)
		return NULL;
	if (log->protocol == LOG_STATIC) {
		json_object_set_new(out, "monitoring_url", json_string(log->url));
		json_object_set_new(out, "submission_url", json_string(log->submission_url != NULL ? log->submission_url : log->url));
	} else {
		json_object_set_new(out, "url", json_string(log->url));
	}
	if (log->interval_end_ms != INT64_MAX && log->interval_start_ms != INT64_MIN)
		json_object_set_new(out, "temporal_interval",
				    json_pack("{s:s, s:s}", "start_inclusive", time_format_rfc3339(log->interval_start_ms, start),
					      "end_exclusive", time_format_rfc3339(log->interval_end_ms, end)));
	return out;
}

static char *departed_path(const char *directory)
{
	return xasprintf("%s/departed.json", directory);
}

bool kept_write_departed(const char *directory, const struct log_list *list, struct error *err)
{
	json_t *operators = json_array();

	if (directory == NULL) {
		json_decref(operators);
		return true;
	}
	for (size_t i = 0; i < list->n_logs; i++) {
		const struct listed_log *log = &list->logs[i];
		json_t *logs = json_array();

		json_array_append_new(logs, log_to_json(log));
		json_array_append_new(operators, json_pack("{s:s, s:o}", "name", log->log_operator, log->protocol == LOG_STATIC ? "tiled_logs" : "logs", logs));
	}
	json_t *root = json_pack("{s:s, s:o}", "version", "0.0", "operators", operators);
	char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1)), *path = departed_path(directory);
	bool ok = text != NULL || error_set(err, ERR_RETRY, "cannot write %s: a name in it is not UTF-8", path);
	if (ok && mkdir(directory, 0750) != 0 && errno != EEXIST)
		ok = error_set(err, ERR_RETRY, "cannot make %s: %s; logs that no list names any more are forgotten at a restart", directory, strerror(errno));
	ok = ok && replace_file(path, slice_text(text), err);
	json_decref(root);
	free(text);
	free(path);
	return ok;
}

void kept_read_departed(const char *directory, const struct string_list *allow_http, struct log_list *out)
{
	const struct log_list_hosts hosts = { (const char *const *)allow_http->items, allow_http->n };
	struct buf text = { 0 };
	struct error err;

	*out = (struct log_list){ 0 };
	if (directory == NULL)
		return;
	char *path = departed_path(directory);
	bool ok = file_read(path, LIST_BYTES_MAX, &text, &err);
	free(path);
	if (ok && !log_list_parse_allowing(buf_slice(&text), &hosts, out, &err))
		*out = (struct log_list){ 0 };
	buf_deinit(&text);
}

/* ---- sources --------------------------------------------------------------------------------------- */

bool lists_is_file(const char *source)
{
	return strstr(source, "://") == NULL;
}

#define CHROME_HOST "www.gstatic.com"
#define APPLE_HOST "valid.apple.com"

static bool is_of(const char *source, const char *host)
{
	if (lists_is_file(source))
		return false;
	const char *authority = strstr(source, "://") + 3;
	return strcspn(authority, "/?#") == strlen(host) && strncasecmp(authority, host, strlen(host)) == 0;
}

bool lists_has_stand_in(const char *source)
{
	return is_of(source, CHROME_HOST) || is_of(source, APPLE_HOST);
}

enum list_signing lists_signing(const char *source)
{
	const char *slash = strrchr(source, '/'), *name = slash != NULL ? slash + 1 : source;

	if (is_of(source, APPLE_HOST))
		return LIST_NEVER_SIGNED;
	if (is_of(source, CHROME_HOST))
		return LIST_SIGNED;
	return !lists_is_file(source) && (strcmp(name, "log_list.json") == 0 || strcmp(name, "all_logs_list.json") == 0) ? LIST_SIGNED : LIST_MAY_BE_SIGNED;
}

char *lists_signature_name(const char *source)
{
	size_t len = strlen(source);
	bool json = len > 5 && strcasecmp(source + len - 5, ".json") == 0;

	/* what stands behind a "?" may be a key to this one file */
	if (lists_signing(source) == LIST_NEVER_SIGNED || (!lists_is_file(source) && strpbrk(source, "?#") != NULL))
		return NULL;
	return xasprintf("%.*s.sig", (int)(json ? len - 5 : len), source);
}

bool lists_check(struct slice json, struct slice signature, const struct list_trust *trust, struct log_list *out, struct error *err)
{
	const struct string_list *http = trust->allow_http;
	const struct log_list_hosts hosts = { http == NULL ? NULL : (const char *const *)http->items, http == NULL ? 0 : http->n };

	if (signature.len > 0 || trust->must_be_signed) {
		bool ok = trust->key_pem.len > 0 ? log_list_verify_with(json, signature, trust->key_pem, err) : log_list_verify(json, signature, err);

		if (!ok)
			return false;
	}
	return log_list_parse_allowing(json, &hosts, out, err);
}

bool lists_read_file(const char *path, const struct list_trust *trust, bool *is_signed, struct log_list *out, struct error *err)
{
	struct buf json = { 0 }, signature = { 0 };
	struct error no_signature;

	if (!file_read(path, LIST_BYTES_MAX, &json, err))
		return false;
	char *signature_path = lists_signature_name(path);
	*is_signed = access(signature_path, F_OK) == 0;
	struct list_trust own = *trust;
	own.must_be_signed = *is_signed;
	bool ok = !*is_signed || file_read(signature_path, LIST_SIGNATURE_MAX, &signature, &no_signature);
	if (!ok)
		*err = no_signature;
	ok = ok && (lists_check(buf_slice(&json), buf_slice(&signature), &own, out, err) || error_context(err, "%s", path));
	free(signature_path);
	buf_deinit(&json);
	buf_deinit(&signature);
	return ok;
}
