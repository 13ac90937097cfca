/* Stored wall times that something waits for, when the wall clock is set: see state.h. */
#include "sql.h"

#define OF_THE_NEW_TIME_MS 30000      /* a clock that was set is noticed within seconds */
#define BACKOFF_FIRST_MS 5000         /* of an alert's attempts; doubled each time */
#define PLAUSIBLE_MS INT64_C(1577836800000)   /* 2020: what is stamped earlier was stamped by a clock that was not set yet */

bool state_alerts_clock_set(struct state *st, int64_t by_ms, int64_t now_ms, struct error *err)
{
	return RUN(st, SQL_CLOCK_SET_OUTBOX, err, INT(by_ms), INT(now_ms), INT(now_ms - OF_THE_NEW_TIME_MS));
}

bool state_logs_clock_set(struct state *st, int64_t by_ms, int64_t now_ms, struct error *err)
{
	return RUN(st, SQL_CLOCK_SET_LOG, err, INT(by_ms), INT(now_ms), INT(now_ms - OF_THE_NEW_TIME_MS));
}

bool state_clock_start(struct state *st, int64_t now_ms, struct error *err)
{
	if (!state_begin(st, err))
		return false;
	bool ok = RUN(st, SQL_CLOCK_START_OUTBOX, err, INT(now_ms), INT(PLAUSIBLE_MS), INT(BACKOFF_FIRST_MS)) &&
		  RUN(st, SQL_CLOCK_START_LOG, err, INT(now_ms));
	return state_end(st, ok, err);
}
