/*
 * Two clocks.
 *
 *   steady   only grows, whatever anybody sets: deadlines, pauses, how long something lasts. A field on it has a name that ends
 *            in `steady_ms`. It begins far from zero, so that 0 means "never" and lies longer ago than any pause.
 *   wall     UTC: what is written, shown, or dated by others. It may jump by hours, or from 1970 to now, at any moment. What was
 *            stored by an earlier run has wall times only: there a time in the future counts as now.
 *
 * The parts of the program are given both, so that tests can move either.
 */
#ifndef CTWATCH_CLOCK_H
#define CTWATCH_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*steady_ms)(void *ctx);
	int64_t (*wall_ms)(void *ctx);
	void *ctx;
};
/* The system's. */
extern const struct clock SYSTEM_CLOCK;

/* The system's, in milliseconds, from any thread; the wall clock's since the Unix epoch. */
int64_t clock_steady_ms(void);
int64_t clock_wall_ms(void);
/* Since the machine started, also while it slept: nobody sets it. The same for all processes of a machine, told apart by the id of its start. */
#define CLOCK_BOOT_ID_LEN 40
int64_t clock_boot_ms(void);
void clock_boot_id(char out[CLOCK_BOOT_ID_LEN]);      /* "-" where the system does not say */

/* How long ago a stored wall time was: never less than 0. */
int64_t clock_age_ms(int64_t wall_now_ms, int64_t then_ms);

/* Notices that the wall clock was set, for what is stored with wall times and waits. */
struct clock_watch {
	struct clock clock;
	int64_t offset_ms;               /* wall less steady */
};
void clock_watch_init(struct clock_watch *, const struct clock *clock);
/* By how much it was set since the last look, or 0. Drift and corrections of a few seconds are followed without a word. */
int64_t clock_watch_look(struct clock_watch *);

#endif
