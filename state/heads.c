/* Tree heads: stored as received before anything acts on them, marked when the root was rebuilt, thinned to one an hour. */
#include <stdio.h>
#include <string.h>

#include "sql.h"

#define HOUR_MS 3600000
#define PENDING_HEADS_MAX 4096      /* per log, then one an hour: three days of one a minute, waiting for a backlog */
#define HEAD_RAW_BYTES_MAX (256u << 10)

static bool thin_pending(struct state *st, int64_t log_no, struct error *err)
{
	int64_t n = 0;

	if (!ONE_INT(st, SQL_HEAD_COUNT_PENDING, &n, NULL, err, INT(log_no)))
		return false;
	return n <= PENDING_HEADS_MAX || RUN(st, SQL_HEAD_THIN_PENDING, err, INT(log_no));
}

static bool put_head(struct state *st, const struct hash *log_id, const struct state_head *head, struct error *err)
{
	int64_t no;

	if (!log_number(st, log_id, &no, err) ||
	    !RUN(st, SQL_HEAD_PUT, err, INT(no), INT(head->tree_size), HASH(&head->root), INT(head->timestamp_ms), BLOB(head->raw),
		 INT(head->received_ms), INT(head->verified_ms), TEXT(head->source)))
		return false;
	if (sql_changes(st) == 0)
		return true;
	if (strcmp(head->source, "log") == 0 &&
	    !RUN(st, SQL_LOG_HEAD, err, INT(no), INT(head->tree_size), INT(head->timestamp_ms), INT(head->received_ms)))
		return false;
	return thin_pending(st, no, err);
}

bool state_put_head(struct state *st, const struct hash *log_id, const struct state_head *head, struct error *err)
{
	if (!check_size(head->tree_size, "tree size", err) || !check_size(head->timestamp_ms, "timestamp", err))
		return false;
	if (head->raw.len > HEAD_RAW_BYTES_MAX)
		return error_set(err, ERR_MALFORMED, "tree head of %zu bytes is longer than the %u that are kept", head->raw.len, HEAD_RAW_BYTES_MAX);
	if (!state_begin(st, err))
		return false;
	return state_end(st, put_head(st, log_id, head, err), err);
}

static bool verify_head(struct state *st, const struct hash *log_id, uint64_t tree_size, const struct hash *root, int64_t now_ms, struct error *err)
{
	int64_t no, first = 0, last = -HOUR_MS;
	bool found;

	if (!log_number(st, log_id, &no, err) || !RUN(st, SQL_HEAD_VERIFY, err, INT(no), INT(tree_size), HASH(root), INT(now_ms)) ||
	    !RUN(st, SQL_LOG_VERIFIED, err, INT(no), INT(tree_size), INT(now_ms)) ||
	    !ONE_INT(st, SQL_HEAD_FIRST_RECEIVED, &first, &found, err, INT(no), INT(tree_size), HASH(root)) ||
	    !ONE_INT(st, SQL_HEAD_LAST_RECEIVED, &last, &found, err, INT(no), INT(tree_size), HASH(root)))
		return false;
	/* the hours in which this head was received: one, or a few for a log that does not grow */
	for (int64_t hour = first / HOUR_MS; hour <= last / HOUR_MS; hour++)
		if (!RUN(st, SQL_HEAD_THIN, err, INT(no), INT(hour * HOUR_MS), INT((hour + 1) * HOUR_MS)))
			return false;
	return true;
}

bool state_verify_head(struct state *st, const struct hash *log_id, uint64_t tree_size, const struct hash *root, int64_t now_ms, struct error *err)
{
	if (!check_size(tree_size, "tree size", err) || !state_begin(st, err))
		return false;
	return state_end(st, verify_head(st, log_id, tree_size, root, now_ms, err), err);
}

bool state_each_head(struct state *st, const struct hash *log_id, bool pending_only, state_head_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_HEAD_EACH, HASH(log_id), INT(pending_only));

	while (rows_next(&rows)) {
		struct state_head head = {
			.tree_size = (uint64_t)rows_int(&rows, 0),
			.timestamp_ms = (uint64_t)rows_int(&rows, 1),
			.raw = rows_blob(&rows, 3),
			.received_ms = rows_int(&rows, 4),
			.verified_ms = rows_int(&rows, 5),
		};

		rows_hash(&rows, 2, &head.root);
		snprintf(head.source, sizeof(head.source), "%s", rows_text(&rows, 6));
		if (!fn(ctx, &head))
			break;
	}
	return rows_close(&rows, err);
}
