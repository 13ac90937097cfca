/*
 * A watcher whose log, disk and clock do what the dice say, step by step, and are honest again in the end. After every step, and
 * in the end:
 *
 *   never a false `verified`, nothing lost, the end proven, a signed lie is an incident, nothing grows without bounds
 *
 * The test, or the fuzzer, fails when one of these is not so.
 */
#ifndef CTWATCH_TESTS_WATCH_PLAY_H
#define CTWATCH_TESTS_WATCH_PLAY_H

#include "watch_stage.h"

struct play {
	struct watch_stage bench;
	struct scripted_log *log;
	struct dice dice;
	uint64_t seed;                   /* named when something is wrong */
	unsigned percent;                /* of answers that are lies, for now */
	unsigned step;
	uint64_t verified;               /* as of the last step */
	uint64_t restarts;
};

void play_open(struct play *, enum log_protocol protocol, const struct dice *dice, uint64_t seed);
/* Something happens, and what must be true is checked. */
void play_step(struct play *);
void play_check(struct play *);
/* Honest again: everything is read and proven. */
void play_end(struct play *);
void play_close(struct play *);

#endif
