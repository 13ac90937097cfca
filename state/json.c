#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "sql.h"

#define EVIDENCE_ROWS_MAX 64
#define EVIDENCE_DETAIL_MAX 2000

json_t *json_text(const char *text)
{
	if (text == NULL)
		return json_null();
	json_t *value = json_string(text);
	if (value != NULL)
		return value;
	char *clean = text_sanitize(slice_text(text));

	value = json_string(clean);
	free(clean);
	return value;
}

json_t *json_hex(const struct hash *hash)
{
	char hex[2 * HASH_LEN + 1];

	hex_encode(hash->bytes, HASH_LEN, hex);
	return json_string(hex);
}

json_t *json_log_id(const struct hash *log_id)
{
	char text[BASE64_LEN(HASH_LEN) + 1];

	base64_encode(log_id->bytes, HASH_LEN, text);
	return json_string(text);
}

json_t *json_time(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return time_ms == INT64_MIN ? json_null() : json_string(time_format_rfc3339(time_ms, text));
}

static json_t *evidence_row(const struct state_evidence *e)
{
	json_t *row = json_object();
	struct slice detail = slice_text(e->detail != NULL ? e->detail : "");
	json_t *span = e->span_start < 0 ? json_null() : json_pack("[ii]", e->span_start, e->span_end);

	if (detail.len > EVIDENCE_DETAIL_MAX)
		detail.len = EVIDENCE_DETAIL_MAX;
	char *text = text_sanitize(detail);

	json_object_set_new(row, "signal", json_text(e->signal));
	json_object_set_new(row, "detail", json_string(text));
	json_object_set_new(row, "points", json_integer(e->points));
	json_object_set_new(row, "span", span);
	free(text);
	return row;
}

char *evidence_to_json(const struct state_evidence *evidence, size_t n)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < n && i < EVIDENCE_ROWS_MAX; i++)
		json_array_append_new(rows, evidence_row(&evidence[i]));
	char *text = json_dumps(rows, JSON_COMPACT);

	json_decref(rows);
	return text;
}

char *names_to_store(const char *names_json, uint64_t *n)
{
	json_t *names = names_json != NULL ? json_loads(names_json, 0, NULL) : NULL, *kept = json_array(), *name;
	size_t i, used = 2;

	*n = 0;
	json_array_foreach(names, i, name) {
		char *text = json_is_string(name) ? json_dumps(name, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
		size_t len = text != NULL ? strlen(text) + 1 : 0;

		free(text);
		if (len == 0)
			continue;
		(*n)++;
		if (used + len > STATE_NAMES_JSON_MAX)
			continue;
		used += len;
		json_array_append(kept, name);
	}
	char *out = json_dumps(kept, JSON_COMPACT);

	json_decref(kept);
	json_decref(names);
	return out;
}
