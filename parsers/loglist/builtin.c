/* The logs of known_logs.c as a log list. */
#include "known_logs.h"

#include <assert.h>
#include <string.h>

#define POINT_LEN 64
#define KEY_LEN_MAX 1024

/* Of every P-256 SubjectPublicKeyInfo (RFC 5480): algorithm, curve, and the mark of an uncompressed point. */
static const uint8_t P256_PREFIX[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

static void set_key(struct listed_log *log, const char *base64)
{
	uint8_t bytes[KEY_LEN_MAX];
	struct slice text = slice_text(base64);
	size_t prefix_len, len = 0;

	bool good = text.len <= BASE64_LEN(KEY_LEN_MAX) / 4 * 4 - 4 && base64_decode(text, bytes, &len);
	assert(good);
	(void)good;
	prefix_len = len == POINT_LEN ? sizeof(P256_PREFIX) : 0;
	log->key_len = prefix_len + len;
	log->key = xmalloc(log->key_len);
	memcpy(log->key, P256_PREFIX, prefix_len);
	memcpy(log->key + prefix_len, bytes, len);
	log->log_id = sha256(slice_of(log->key, log->key_len));
}

static int64_t time_of(const char *text, int64_t absent)
{
	int64_t time_ms = absent;

	if (text != NULL)
		time_parse_rfc3339(slice_text(text), &time_ms);
	return time_ms;
}

static struct listed_log expand(const struct known_log *known)
{
	struct listed_log log = {
		.description = xstrdup(known->description),
		.log_operator = xstrdup(known->log_operator),
		.url = xstrdup(known->url),
		.submission_url = known->submission_url == NULL ? NULL : xstrdup(known->submission_url),
		.protocol = known->submission_url == NULL ? LOG_RFC6962 : LOG_STATIC,
		.lifecycle = known->lifecycle,
		.type = known->type,
		.mmd_s = known->mmd_s,
		.interval_start_ms = time_of(known->interval_start, INT64_MIN),
		.interval_end_ms = time_of(known->interval_end, INT64_MAX),
		.lifecycle_since_ms = time_of(known->since, 0),
	};

	set_key(&log, known->key);
	if (known->final_root != NULL) {
		log.has_final_head =
			base64_decode_exact(slice_text(known->final_root), log.final_head.root.bytes, HASH_LEN);
		log.final_head.tree_size = known->final_size;
	}
	return log;
}

void log_list_builtin(struct log_list *out)
{
	struct log_list list = { .timestamp_ms = time_of(KNOWN_LOGS_TIMESTAMP, 0),
				 .version = xstrdup(KNOWN_LOGS_VERSION) };

	list.logs = xcalloc(N_KNOWN_LOGS, sizeof(*list.logs));
	for (size_t i = 0; i < N_KNOWN_LOGS; i++)
		list.logs[list.n_logs++] = expand(&KNOWN_LOGS[i]);
	*out = list;
}
