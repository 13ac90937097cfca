/*
 * A watcher whose log, disk and clock lie at random, for thousands of steps, and are honest again in the end:
 *
 *   never a false `verified`, nothing lost, the end proven, a signed lie is an incident, nothing grows without bounds
 *
 * CTWATCH_LIES_SEEDS=1000 tries so many seeds, CTWATCH_LIES_SEED=n that one alone, CTWATCH_LIES_STEPS other lengths; LIES_VERBOSE
 * shows the diagnostics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watch_play.h"

#define SEEDS 4
#define STEPS 1500

static struct {
	uint64_t seeds, steps, only_seed;
} wanted;

/* The configuration refuses variables of its own kind that it does not know. */
static uint64_t take_variable(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value = text != NULL ? strtoull(text, NULL, 10) : otherwise;

	unsetenv(name);
	return value;
}

static void play(enum log_protocol protocol, uint64_t seed)
{
	struct play *p = xcalloc(1, sizeof(*p));
	const struct dice dice = { .random = { seed } };

	play_open(p, protocol, &dice, seed);
	while (p->step < wanted.steps)
		play_step(p);
	play_end(p);
	if (getenv("LIES_VERBOSE") != NULL)
		print_message("%s, seed %" PRIu64 ": %" PRIu64 " requests, %" PRIu64 " entries, %" PRIu64 " restarts, %" PRIu64 " signed lies\n",
			      log_protocol_name(protocol), seed, p->bench.n_requests, p->log->size, p->restarts, p->log->n_signed_lies);
	play_close(p);
	free(p);
}

static void many_seeds(enum log_protocol protocol)
{
	if (wanted.only_seed != 0) {
		play(protocol, wanted.only_seed);
		return;
	}
	for (uint64_t seed = 1; seed <= wanted.seeds; seed++)
		play(protocol, seed);
}

static void a_classic_log_that_lies_at_random_is_never_believed_and_read_to_its_end(void **state)
{
	(void)state;
	many_seeds(LOG_RFC6962);
}

static void a_static_log_that_lies_at_random_is_never_believed_and_read_to_its_end(void **state)
{
	(void)state;
	many_seeds(LOG_STATIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_classic_log_that_lies_at_random_is_never_believed_and_read_to_its_end),
		cmocka_unit_test(a_static_log_that_lies_at_random_is_never_believed_and_read_to_its_end),
	};

	wanted.seeds = take_variable("CTWATCH_LIES_SEEDS", SEEDS);
	wanted.only_seed = take_variable("CTWATCH_LIES_SEED", 0);
	wanted.steps = take_variable("CTWATCH_LIES_STEPS", STEPS);
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
