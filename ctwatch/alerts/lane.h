/*
 * A lane: one sink's way from the outbox to the outside. Private to alerts/.
 *
 * What is due is loaded on a worker through a reading connection of the lane's own, so that nothing that reading has to commit
 * waits for it; only the outcome goes through the store's thread.
 *
 *   RESTING --wake, timer--> LOADING --nothing due--> RESTING (timer: the next due time)
 *                               '--rows--> SENDING --all answered--> MARKING --> LOADING
 *   a failure: after MARKING it rests, longer each time; other lanes do not notice
 *   lane_close from any phase: deliveries are cancelled, the lane is freed when its timer and its job are through
 */
#ifndef CTWATCH_LANE_H
#define CTWATCH_LANE_H

#include "sink.h"

struct lane;

struct lane *lane_new(struct alerts *alerts, struct sink *sink);
void lane_wake(struct lane *);
/* Until nothing is due or a delivery fails, without waiting for group windows; then lane_flushed runs once on the alerts. */
void lane_flush(struct lane *);
/* `closed` runs on the loop when nothing refers to the lane or its sink any more. */
void lane_close(struct lane *, void (*closed)(void *ctx), void *ctx);

/* What lanes ask of the alerts object (alerts.c). */
struct store *alerts_store(const struct alerts *);
const char *alerts_directory(const struct alerts *);
uv_loop_t *alerts_loop(const struct alerts *);
int64_t alerts_steady_ms(const struct alerts *);
int64_t alerts_wall_ms(const struct alerts *);
/*
 * The wall clock was set, and what waits in the outbox follows it first: nothing is looked at meanwhile, the lanes are woken
 * afterwards. `n_sets` tells whether it was set between two looks.
 */
bool alerts_clock_is_set(struct alerts *, unsigned *n_sets);
/* `sink` NULL: of none in particular. */
void alerts_say(struct alerts *, enum diag_level level, const struct sink *sink, const char *sentence);
void alerts_lane_flushed(struct alerts *, size_t n_failed);

#endif
