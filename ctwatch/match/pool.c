/* Hands jobs to libuv's threads, at most one per scratch, so that scratches need neither locks nor thread-local storage. */
#include "pool.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define HEAVY_US (2 * POOL_SLICE_US) /* of one job: a single entry that cannot be split */
#define HEAVY_JOBS 64                /* it stays so for as many jobs after the last that took long */

struct rules_ref {
	struct ruleset *rules;
	unsigned n_refs;
};

struct rules_ref *rules_ref_new(struct ruleset *rules)
{
	struct rules_ref *ref = xcalloc(1, sizeof(*ref));

	ref->rules = rules;
	ref->n_refs = 1;
	return ref;
}

struct rules_ref *rules_ref_get(struct rules_ref *ref)
{
	ref->n_refs++;
	return ref;
}

void rules_ref_put(struct rules_ref *ref)
{
	if (ref == NULL || --ref->n_refs != 0)
		return;
	ruleset_free(ref->rules);
	free(ref);
}

const struct ruleset *rules_ref_set(const struct rules_ref *ref)
{
	return ref->rules;
}

struct pool {
	uv_loop_t *loop;
	struct rules_ref *rules;
	struct batch_scratch **idle;      /* a stack */
	unsigned n_threads, n_idle, n_heavy;
	struct pool_log *waiting;         /* logs with jobs that wait for a scratch */
	uint64_t turn_us;                 /* of the log that was served last */
	size_t load;
};

struct pool *pool_new(uv_loop_t *loop, unsigned n_threads, struct rules_ref *rules)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));

	pool->loop = loop;
	pool->rules = rules;
	pool->n_threads = pool->n_idle = n_threads;
	pool->idle = xcalloc(n_threads, sizeof(struct batch_scratch *));
	for (unsigned i = 0; i < n_threads; i++)
		pool->idle[i] = batch_scratch_new();
	return pool;
}

static uint64_t thread_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void on_worker(uv_work_t *work)
{
	struct pool_job *job = CONTAINER_OF(work, struct pool_job, work);
	uint64_t before_us = thread_us();

	job->run(job);
	job->took_us = thread_us() - before_us;
}

static void start_next(struct pool *pool);

static void account(struct pool *pool, struct pool_job *job)
{
	struct pool_log *log = job->log;

	log->used_us += job->took_us;
	log->turn_us += job->took_us;
	pool->n_heavy -= job->heavy;
	if (job->took_us >= HEAVY_US)
		log->n_heavy = HEAVY_JOBS;
	else if (log->n_heavy > 0)
		log->n_heavy--;
}

static void on_finished(uv_work_t *work, int status)
{
	struct pool_job *job = CONTAINER_OF(work, struct pool_job, work);
	struct pool *pool = job->pool;

	pool->idle[pool->n_idle++] = job->scratch;
	job->scratch = NULL;
	rules_ref_put(job->rules);
	job->rules = NULL;
	pool->load--;
	account(pool, job);
	start_next(pool);
	job->done(job, status == 0);
}

/* The log that has had least; one that is heavy only while another thread stays free of such. */
static struct pool_log **choose(struct pool *pool)
{
	bool heavy_may = pool->n_threads == 1 || pool->n_heavy + 1 < pool->n_threads;
	struct pool_log **best = NULL;

	for (struct pool_log **at = &pool->waiting; *at != NULL; at = &(*at)->next)
		if (((*at)->n_heavy == 0 || heavy_may) && (best == NULL || (*at)->turn_us < (*best)->turn_us))
			best = at;
	return best;
}

static struct pool_job *take_job(struct pool *pool)
{
	struct pool_log **at = choose(pool);

	if (at == NULL)
		return NULL;
	struct pool_log *log = *at;
	struct pool_job *job = log->first;

	pool->turn_us = log->turn_us;
	log->first = job->next;
	if (log->first == NULL) {
		log->waiting = false;
		*at = log->next;
	}
	job->heavy = log->n_heavy > 0;
	pool->n_heavy += job->heavy;
	return job;
}

static void start_next(struct pool *pool)
{
	struct pool_job *job = pool->n_idle == 0 ? NULL : take_job(pool);

	if (job == NULL)
		return;
	job->scratch = pool->idle[--pool->n_idle];
	job->rules = rules_ref_get(pool->rules);
	uv_queue_work(pool->loop, &job->work, on_worker, on_finished);
}

/* Equal logs are served in the order in which they came. */
static void wait_in_line(struct pool *pool, struct pool_log *log)
{
	struct pool_log **at = &pool->waiting;

	while (*at != NULL)
		at = &(*at)->next;
	*at = log;
	log->next = NULL;
	log->waiting = true;
	log->last = &log->first;
	if (log->turn_us < pool->turn_us)
		log->turn_us = pool->turn_us;
}

void pool_submit(struct pool *pool, struct pool_log *log, struct pool_job *job)
{
	job->pool = pool;
	job->log = log;
	job->next = NULL;
	if (!log->waiting)
		wait_in_line(pool, log);
	*log->last = job;
	log->last = &job->next;
	pool->load++;
	start_next(pool);
}

void pool_set_rules(struct pool *pool, struct rules_ref *rules)
{
	rules_ref_put(pool->rules);
	pool->rules = rules;
}

struct rules_ref *pool_rules(struct pool *pool)
{
	return pool->rules;
}

void pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->load == 0);
	for (unsigned i = 0; i < pool->n_idle; i++)
		batch_scratch_free(pool->idle[i]);
	free(pool->idle);
	rules_ref_put(pool->rules);
	free(pool);
}
