/* Hands jobs to libuv's threads, at most one per scratch, so that scratches need neither locks nor thread-local storage. */
#include "pool.h"

#include <assert.h>
#include <stdlib.h>

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
	unsigned n_threads, n_idle;
	struct pool_job *first, **last;   /* waiting for a scratch */
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
	pool->last = &pool->first;
	return pool;
}

static void on_worker(uv_work_t *work)
{
	struct pool_job *job = CONTAINER_OF(work, struct pool_job, work);

	job->run(job);
}

static void start_next(struct pool *pool);

static void on_finished(uv_work_t *work, int status)
{
	struct pool_job *job = CONTAINER_OF(work, struct pool_job, work);
	struct pool *pool = job->pool;

	pool->idle[pool->n_idle++] = job->scratch;
	job->scratch = NULL;
	rules_ref_put(job->rules);
	job->rules = NULL;
	pool->load--;
	start_next(pool);
	job->done(job, status == 0);
}

static void start_next(struct pool *pool)
{
	struct pool_job *job = pool->first;

	if (job == NULL || pool->n_idle == 0)
		return;
	pool->first = job->next;
	if (pool->first == NULL)
		pool->last = &pool->first;
	job->scratch = pool->idle[--pool->n_idle];
	job->rules = rules_ref_get(pool->rules);
	uv_queue_work(pool->loop, &job->work, on_worker, on_finished);
}

void pool_submit(struct pool *pool, struct pool_job *job)
{
	job->pool = pool;
	job->next = NULL;
	*pool->last = job;
	pool->last = &job->next;
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

size_t pool_load(const struct pool *pool)
{
	return pool->load;
}

unsigned pool_threads(const struct pool *pool)
{
	return pool->n_threads;
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
