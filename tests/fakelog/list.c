/* The log list that names the fake logs, in Chrome's v3 schema, and its signature. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "serve.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static void put_text_base64(struct buf *out, const char *member, struct slice bytes)
{
	buf_printf(out, "\"%s\":\"", member);
	put_base64(out, bytes);
	buf_append_text(out, "\",");
}

static void put_lifecycle(const struct fake_log *log, struct buf *out)
{
	static const enum fault_id READONLY[] = { FAULT_READONLY, FAULT_READONLY_GREW, FAULT_FINAL_HEAD_MISMATCH };
	char since[TIME_TEXT_LEN];
	uint64_t size = log_size(log);
	struct hash root;
	bool readonly = false;

	time_format_rfc3339(log->world->start_ms - 30 * DAY_MS, since);
	for (size_t i = 0; i < ARRAY_LEN(READONLY); i++)
		if (fault_is_on(&log->faults, READONLY[i], size, &size))
			readonly = true;
	if (size > log_size(log))
		size = log_size(log);
	if (!readonly) {
		buf_printf(out, "\"state\":{\"usable\":{\"timestamp\":\"%s\"}},", since);
		return;
	}
	root = tree_root(&log->tree, size);
	if (fault_is_on(&log->faults, FAULT_FINAL_HEAD_MISMATCH, 0, NULL))
		root.bytes[0] ^= 1;
	buf_printf(out, "\"state\":{\"readonly\":{\"timestamp\":\"%s\",\"final_tree_head\":{", since);
	put_text_base64(out, "sha256_root_hash", slice_of(root.bytes, HASH_LEN));
	buf_printf(out, "\"tree_size\":%llu}}},", (unsigned long long)size);
}

void list_put_log(const struct fake_log *log, struct buf *out)
{
	char from[TIME_TEXT_LEN], to[TIME_TEXT_LEN];

	buf_printf(out, "{\"description\":\"%s\",", log->description);
	put_text_base64(out, "log_id", slice_of(log->id.bytes, HASH_LEN));
	put_text_base64(out, "key", signer_spki(log->signer));
	if (log->listed_as == LISTED_STATIC)
		buf_printf(out, "\"submission_url\":\"%s/\",\"monitoring_url\":\"%s/\",", log->url, log->url);
	else
		buf_printf(out, "\"url\":\"%s/\",", log->url);
	buf_printf(out, "\"mmd\":%lld,", (long long)log->mmd_ms / 1000);
	put_lifecycle(log, out);
	time_format_rfc3339(log->world->start_ms / DAY_MS * DAY_MS - 200 * DAY_MS, from);
	time_format_rfc3339(log->world->start_ms / DAY_MS * DAY_MS + 400 * DAY_MS, to);
	buf_printf(out, "\"temporal_interval\":{\"start_inclusive\":\"%s\",\"end_exclusive\":\"%s\"}}", from, to);
}

static void put_logs(const struct fakelog *fake, enum listed_as as, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < fake->n_logs; i++) {
		if (fake->logs[i].listed_as != as)
			continue;
		buf_append_text(out, first ? "\n   " : ",\n   ");
		list_put_log(&fake->logs[i], out);
		first = false;
	}
}

char *list_make(const struct fakelog *fake)
{
	char now[TIME_TEXT_LEN], *text;
	struct buf out;

	buf_init(&out, 64u << 20);
	time_format_rfc3339(world_now(&fake->world), now);
	buf_printf(&out, "{\"is_all_logs\":true,\"version\":\"1.1\",\"log_list_timestamp\":\"%s\",\n", now);
	buf_append_text(&out, " \"operators\":[{\"name\":\"Fake\",\"email\":[\"fakelog@ctwatch.test\"],\n  \"logs\":[");
	put_logs(fake, LISTED_CLASSIC, &out);
	buf_append_text(&out, "],\n  \"tiled_logs\":[");
	put_logs(fake, LISTED_STATIC, &out);
	buf_append_text(&out, "]}]}\n");
	text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

bool list_sign(const char *json, const char *path, struct buf *out, struct error *err)
{
	FILE *file = fopen(path, "r");
	EVP_PKEY *key = file == NULL ? NULL : PEM_read_PrivateKey(file, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 1024;
	bool ok = key != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(ctx, buf_reserve(out, len), &len, (const uint8_t *)json, strlen(json)) == 1;

	if (ok)
		out->len = len;
	if (file != NULL)
		fclose(file);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok || error_set(err, ERR_USAGE, "%s: no private key that can sign the list", path);
}
