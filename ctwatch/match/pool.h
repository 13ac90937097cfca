/*
 * Worker threads for responses, shared by logs that take turns: the next job is one of the log that has used least time of late, and
 * logs whose single jobs take long leave a thread to the others. A job belongs to one thread at a time; each running job has a scratch of its own, and the
 * rules that were in force when it was handed over. Rules are swapped between jobs: a reference per job, counted on the loop.
 */
#ifndef CTWATCH_POOL_H
#define CTWATCH_POOL_H

#include <uv.h>

#include "batch.h"

struct pool;

/* Compiled rules with their users counted, on the loop only. */
struct rules_ref;
struct rules_ref *rules_ref_new(struct ruleset *rules);      /* takes the rules over; one reference */
struct rules_ref *rules_ref_get(struct rules_ref *);
void rules_ref_put(struct rules_ref *);                      /* NULL is fine */
const struct ruleset *rules_ref_set(const struct rules_ref *);

/* One log's jobs. It outlives them. */
struct pool_log {
	uint64_t used_us;                 /* of a thread's time, all told: read it freely */
	/* private */
	struct pool_job *first, **last;
	struct pool_log *next;            /* among those with waiting jobs */
	uint64_t turn_us;                 /* as used_us, but time that was not asked for is not saved up */
	unsigned n_heavy;                 /* jobs until it is no longer taken to be heavy */
	bool waiting;
};

struct pool_job {
	void (*run)(struct pool_job *job);        /* on a worker; scratch and rules are set */
	void (*done)(struct pool_job *job, bool ran);   /* on the loop; ran is false when the pool closed first */
	struct batch_scratch *scratch;
	struct rules_ref *rules;
	/* private */
	uv_work_t work;
	struct pool *pool;
	struct pool_log *log;
	struct pool_job *next;
	bool heavy;
	uint64_t took_us;
};

#define POOL_SLICE_US 200000         /* a job should end by then; what has more to do is submitted again */

struct pool *pool_new(uv_loop_t *loop, unsigned n_threads, struct rules_ref *rules);   /* takes the reference */
void pool_submit(struct pool *, struct pool_log *log, struct pool_job *job);
void pool_set_rules(struct pool *, struct rules_ref *rules);
struct rules_ref *pool_rules(struct pool *);                 /* borrowed */
/* Only when no job waits or runs. */
void pool_free(struct pool *);

#endif
