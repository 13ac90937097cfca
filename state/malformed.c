/* Entries that could not be read: kept for whoever wants to look, within a bound. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "json.h"
#include "sql.h"

#define DAY_MS 86400000

static bool route_malformed(struct state *st, const struct hash *log_id, uint64_t index, const char *reason, int64_t now_ms, struct error *err)
{
	char hex[2 * HASH_LEN + 1], subject[2 * HASH_LEN + 32];
	json_t *payload = json_object();

	hex_encode(log_id->bytes, HASH_LEN, hex);
	snprintf(subject, sizeof(subject), "%s/%" PRIu64, hex, index);
	json_object_set_new(payload, "log_id", json_log_id(log_id));
	json_object_set_new(payload, "index", json_integer((json_int_t)index));
	json_object_set_new(payload, "reason", json_text(reason));
	char *text = json_dumps(payload, JSON_COMPACT);
	struct state_event event = { .type = EVENT_MALFORMED, .payload_json = text, .subject = subject };
	bool ok = route_event(st, &event, now_ms, err);

	free(text);
	json_decref(payload);
	return ok;
}

static bool add_malformed(struct state *st, const struct hash *log_id, uint64_t index, struct slice leaf, const char *reason, int64_t now_ms, struct error *err)
{
	int64_t no, day = now_ms - now_ms % DAY_MS, n = 0;

	if (leaf.len > STATE_DER_MAX)
		leaf.len = STATE_DER_MAX;
	if (!log_number(st, log_id, &no, err) || !ONE_INT(st, SQL_MALFORMED_COUNT, &n, NULL, err, INT(no), INT(day), INT(day + DAY_MS)))
		return false;
	if (n >= STATE_MALFORMED_PER_DAY)
		return true;
	if (!RUN(st, SQL_MALFORMED_PUT, err, INT(no), INT(index), BLOB(leaf), TEXT(reason), INT(now_ms)))
		return false;
	return sql_changes(st) == 0 || route_malformed(st, log_id, index, reason, now_ms, err);
}

bool state_add_malformed(struct state *st, const struct hash *log_id, uint64_t index, struct slice leaf, const char *reason, int64_t now_ms, struct error *err)
{
	if (!check_size(index, "entry index", err) || !state_begin(st, err))
		return false;
	return state_end(st, add_malformed(st, log_id, index, leaf, reason, now_ms, err), err);
}

bool state_each_malformed(struct state *st, const struct hash *log_id, malformed_fn *fn, void *ctx, struct error *err)
{
	struct param which = log_id != NULL ? HASH(log_id) : NONE;
	struct rows rows = rows_open(st, SQL_MALFORMED_EACH, &which, 1);
	struct hash id;

	while (rows_next(&rows))
		if (rows_hash(&rows, 0, &id) &&
		    !fn(ctx, &id, (uint64_t)rows_int(&rows, 1), rows_blob(&rows, 2), rows_text(&rows, 3), rows_int(&rows, 4)))
			break;
	return rows_close(&rows, err);
}
