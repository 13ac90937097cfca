/* Private to state/: rows of counters, shared with the reports. */
#ifndef CTWATCH_STATE_COUNTERS_H
#define CTWATCH_STATE_COUNTERS_H

#include "sql.h"

#define N_PLAIN_COUNTERS 9                     /* the numbers before `delay` in struct state_counters */
#define N_COUNTERS (N_PLAIN_COUNTERS + DELAY_BUCKETS)

/* The UTC day of a time, counted from 1970; and the first day that [.., until) does not touch, for 0 the end of all. */
int64_t counters_day(int64_t time_ms);
int64_t counters_day_end(int64_t until_ms);
/* Columns 0 to N_COUNTERS - 1 are the numbers, N_COUNTERS is last_entry_ms. */
void counters_read(const struct rows *rows, struct state_counters *out);

#endif
