/* Counters: one row per log and UTC day, so that any range is a short sum. */
#include "counters.h"

#include <assert.h>

#define DAY_MS 86400000

#define COUNTER_ONE(c) +1
static_assert(0 COUNTER_COLUMNS(COUNTER_ONE) == N_COUNTERS, "columns and struct have the same numbers");
static_assert(offsetof(struct state_counters, delay) == N_PLAIN_COUNTERS * sizeof(uint64_t), "all numbers before delay are columns");

/* The numbers of the struct, in the order of the columns. */
static uint64_t *counter_at(struct state_counters *counters, size_t i)
{
	return i < N_PLAIN_COUNTERS ? &counters->entries + i : &counters->delay[i - N_PLAIN_COUNTERS];
}

int64_t counters_day(int64_t time_ms)
{
	return time_ms >= 0 ? time_ms / DAY_MS : -1;
}

int64_t counters_day_end(int64_t until_ms)
{
	return until_ms != 0 ? counters_day(until_ms - 1) + 1 : INT64_MAX;
}

void counters_read(const struct rows *rows, struct state_counters *out)
{
	for (size_t i = 0; i < N_COUNTERS; i++)
		*counter_at(out, i) = (uint64_t)rows_int(rows, (int)i);
	out->last_entry_ms = rows_int(rows, N_COUNTERS);
}

bool state_add_counters(struct state *st, const struct hash *log_id, int64_t now_ms, const struct state_counters *delta, struct error *err)
{
	struct state_counters copy = *delta;
	struct param params[N_COUNTERS + 3];
	int64_t no;

	if (!state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err);
	if (ok) {
		for (size_t i = 0; i < N_COUNTERS; i++)
			params[i] = INT(*counter_at(&copy, i));
		params[N_COUNTERS] = INT(no);
		params[N_COUNTERS + 1] = INT(counters_day(now_ms));
		params[N_COUNTERS + 2] = INT(delta->last_entry_ms);
		ok = sql_run_params(st, SQL_COUNTERS_ADD, params, ARRAY_LEN(params), err) &&
		     (delta->last_entry_ms == 0 || RUN(st, SQL_LOG_NEWEST_ENTRY, err, INT(no), INT(delta->last_entry_ms)));
	}
	return state_end(st, ok, err);
}

bool state_sum_counters(struct state *st, const struct hash *log_id, int64_t since_ms, int64_t until_ms, struct state_counters *out, struct error *err)
{
	const int64_t from = counters_day(since_ms), end = counters_day_end(until_ms);
	struct state_counters sum = { 0 };
	struct rows rows = log_id != NULL ? ROWS(st, SQL_COUNTERS_SUM_LOG, INT(from), INT(end), HASH(log_id)) :
					    ROWS(st, SQL_COUNTERS_SUM, INT(from), INT(end));

	if (rows_next(&rows))
		counters_read(&rows, &sum);
	if (!rows_close(&rows, err))
		return false;
	*out = sum;
	return true;
}
