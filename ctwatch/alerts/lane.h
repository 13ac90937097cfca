/*
 * A lane: one sink's way from the outbox to the outside. Private to alerts/.
 *
 * What is due is loaded on a worker through a reading connection of the lane's own, so that nothing that reading has to commit
 * waits for it; only the outcome goes through the store's thread.
 *
 *   RESTING --wake, timer--> LOADING --nothing due--> RESTING (timer: the next due time)
 *                               '--rows--> (JOINING) --> SENDING --all answered--> MARKING --> LOADING
 *   JOINING: rows of a message for people are bound together before it goes out
 *   lane_close from any phase: deliveries are cancelled, the lane is freed when its timer and its job are through
 *
 * A failure holds back its own row, longer each time; the others go on. Only when FAILURES_MAX deliveries in a row failed, or
 * the receiver said when it wants to be asked again, the whole lane rests, and then tries with one. Other lanes never notice.
 */
#ifndef CTWATCH_LANE_H
#define CTWATCH_LANE_H

#include "sink.h"

struct lane;

struct lane_options {
	const struct sink_env *env;
	struct store *store;
	const char *directory;            /* of the state */
	struct sink *sink;
	/* One sentence for the operator. */
	void (*say)(void *ctx, enum diag_level level, const struct sink *sink, const char *sentence);
	/*
	 * The wall clock was set, and what waits in the outbox follows it first: nothing is looked at meanwhile, the lanes are woken
	 * afterwards. `n_sets` tells whether it was set between two looks.
	 */
	bool (*clock_is_set)(void *ctx, unsigned *n_sets);
	/* Once for each lane_flush: how many rows failed. */
	void (*flushed)(void *ctx, size_t n_failed);
	void *ctx;
};
struct lane *lane_new(const struct lane_options *options);
void lane_wake(struct lane *);
/* Is something loaded, on its way or marked? */
bool lane_is_busy(const struct lane *);
/* Until nothing is due or the receiver fails for good, without waiting for group windows. */
void lane_flush(struct lane *);
/* `closed` runs on the loop when nothing refers to the lane or its sink any more. */
void lane_close(struct lane *, void (*closed)(void *ctx), void *ctx);

#endif
