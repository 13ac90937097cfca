/* Logs: who they are, where they begin, how they fare. */
#include <stdlib.h>

#include "quota.h"

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

bool state_put_log(struct state *st, const struct state_log *log, struct error *err)
{
	return RUN(st, SQL_LOG_PUT, err, HASH(&log->log_id), TEXT(or_empty(log->name)), TEXT(or_empty(log->url)), TEXT(or_empty(log->log_operator)),
		   TEXT(or_empty(log->protocol)), TEXT(or_empty(log->lifecycle)), INT(log->added_ms), TEXT(log->why_not_read), INT(log->sunset_ms));
}

bool state_log_not_read(struct state *st, const struct hash *log_id, const char *why, struct error *err)
{
	return RUN(st, SQL_LOG_NOT_READ, err, HASH(log_id), TEXT(why));
}

bool state_log_progress(struct state *st, const struct hash *log_id, int64_t last_success_ms, const char *last_error, int64_t now_ms, struct error *err)
{
	int64_t no;

	if (!state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err) && RUN(st, SQL_LOG_SUCCESS, err, INT(no), INT(last_success_ms)) &&
		  RUN(st, SQL_LOG_ERROR, err, INT(no), TEXT(last_error), INT(last_error != NULL ? now_ms : 0)) && quota_settle(st, no, now_ms, err);
	return state_end(st, ok, err);
}

bool state_set_start(struct state *st, const struct hash *log_id, uint64_t start_index, struct error *err)
{
	int64_t no;

	if (!check_size(start_index, "start index", err) || !state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err) && RUN(st, SQL_LOG_START, err, INT(no), INT(start_index));
	return state_end(st, ok, err);
}

/* Borrows the row's texts: they live as long as the callback runs. */
static struct state_log read_log(const struct rows *rows)
{
	struct state_log log = {
		.name = (char *)rows_text(rows, 1),
		.url = (char *)rows_text(rows, 2),
		.log_operator = (char *)rows_text(rows, 3),
		.protocol = (char *)rows_text(rows, 4),
		.lifecycle = (char *)rows_text(rows, 5),
		.start_index = rows_int(rows, 6),
		.added_ms = rows_int(rows, 7),
		.last_success_ms = rows_int(rows, 8),
		.last_entry_ms = rows_int(rows, 9),
		.last_error = (char *)rows_text(rows, 10),
		.last_error_ms = rows_int(rows, 11),
		.head_size = (uint64_t)rows_int(rows, 12),
		.head_timestamp_ms = rows_int(rows, 13),
		.head_received_ms = rows_int(rows, 14),
		.verified_size = (uint64_t)rows_int(rows, 15),
		.verified_ms = rows_int(rows, 16),
		.why_not_read = (char *)rows_text(rows, 17),
		.sunset_ms = rows_int(rows, 18),
		.read_entries = (uint64_t)rows_int(rows, 20),
		.n_open_incidents = (uint64_t)rows_int(rows, 21),
	};
	int64_t stop = rows_null(rows, 19) ? -1 : rows_int(rows, 19);

	rows_hash(rows, 0, &log.log_id);
	if (log.start_index >= 0)
		log.position = (uint64_t)(stop > log.start_index ? stop : log.start_index);
	return log;
}

bool state_each_log(struct state *st, state_log_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_LOG_EACH, NOTHING);

	while (rows_next(&rows)) {
		struct state_log log = read_log(&rows);

		if (!fn(ctx, &log))
			break;
	}
	return rows_close(&rows, err);
}
