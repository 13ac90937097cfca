/* memory_bytes shared between logs, and workers between them: counted, on no clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer_size.h"
#include "budget.h"
#include "pool.h"

#define MIB ((uint64_t)1 << 20)
#define N_LOGS 10
#define IN_FLIGHT 4

struct reader {
	struct budget_log log;
	struct answer_size size;
	uint64_t answer_bytes;            /* what this log sends, for 256 entries */
	uint64_t in_flight[IN_FLIGHT];
	unsigned n_in_flight, n_answers;
};

static void pump(struct reader *r)
{
	while (!r->log.waiting && r->n_in_flight < IN_FLIGHT) {
		uint64_t need = answer_size_body(&r->size, 256), share = budget_share(r->log.budget);

		need = need > share ? share : need;
		if (!budget_take(&r->log, need))
			return;
		r->in_flight[r->n_in_flight++] = need;
	}
}

static void on_room(struct budget_log *log)
{
	pump((struct reader *)log);
}

/* The oldest answer of a log comes: what was held for it is free, or was too little. */
static void answer_comes(struct reader *r)
{
	uint64_t had;

	if (r->n_in_flight == 0)
		return;
	had = r->in_flight[0];
	memmove(r->in_flight, r->in_flight + 1, --r->n_in_flight * sizeof(r->in_flight[0]));
	if (r->answer_bytes > had)
		answer_size_body_short(&r->size, 256, had);
	else
		answer_size_learn(&r->size, 256, r->answer_bytes, 0);
	r->n_answers += r->answer_bytes <= had;
	budget_give(&r->log, had);
	pump(r);
}

static void ten_logs_of_which_one_sends_much_each_get_their_share(void **state)
{
	struct budget budget = { .limit = 32 * MIB };
	struct reader readers[N_LOGS] = { 0 };

	(void)state;
	for (unsigned i = 0; i < N_LOGS; i++) {
		budget_join(&budget, &readers[i].log, i % 2 ? "odd" : "even", on_room);
		answer_size_init(&readers[i].size);
		readers[i].answer_bytes = i == 0 ? 5 * MIB : 300000;
		pump(&readers[i]);
	}
	for (unsigned turn = 0; turn < 400; turn++)
		for (unsigned i = 0; i < N_LOGS; i++)
			answer_comes(&readers[i]);
	for (unsigned i = 0; i < N_LOGS; i++)
		assert_in_range(readers[i].n_answers, 130, 400);
	assert_true(budget.peak <= budget.limit);
	for (unsigned i = 0; i < N_LOGS; i++)
		budget_leave(&readers[i].log);
	assert_int_equal(budget.used, 0);
	assert_null(budget.operators);
}

static void a_log_and_an_operator_that_hold_what_they_got_leave_room_for_others(void **state)
{
	struct budget budget = { .limit = 32 * MIB };
	struct reader hogs[4] = { 0 }, honest = { 0 };
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		budget_join(&budget, &hogs[i].log, "hog", on_room);
	budget_join(&budget, &honest.log, "honest", on_room);
	while (budget_take(&hogs[0].log, 4 * MIB))
		n++;
	assert_int_equal(n, 4);           /* half of it is one log's */
	for (unsigned i = 1; i < 4; i++)
		while (budget_take(&hogs[i].log, 4 * MIB))
			n++;
	assert_int_equal(n, 7);           /* while one waits, a further log has one answer */
	assert_false(budget_try(&hogs[0].log, 1));
	assert_true(budget_take(&honest.log, 4 * MIB));
	for (unsigned i = 0; i < 4; i++)
		budget_leave(&hogs[i].log);
	budget_leave(&honest.log);
}

static void the_size_of_answers_is_learnt_in_both_directions(void **state)
{
	struct answer_size size;
	uint64_t before;

	(void)state;
	answer_size_init(&size);
	before = answer_size_body(&size, 256);
	answer_size_body_short(&size, 256, before);
	assert_true(answer_size_body(&size, 256) >= 2 * before);
	for (unsigned i = 0; i < 4; i++)
		answer_size_learn(&size, 256, 20 * MIB, 0);
	assert_in_range(answer_size_body(&size, 256), 40 * MIB, 41 * MIB);
	for (unsigned i = 0; i < 60; i++)
		answer_size_learn(&size, 256, 100000, 0);
	assert_in_range(answer_size_body(&size, 256), 200000, 300000);
}

/* ---- workers ---------------------------------------------------------------------------------------------- */

struct task {
	struct pool_job job;
	struct pool_log *log;
	uint64_t busy_us;
	unsigned *order, *n_done;
	unsigned done_as;
};

static void work(struct pool_job *job)
{
	const struct task *t = CONTAINER_OF(job, struct task, job);
	struct timespec now;
	uint64_t end_us = 0;

	for (;;) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
		uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;

		end_us = end_us == 0 ? us + t->busy_us : end_us;
		if (us >= end_us)
			return;
	}
}

static void worked(struct pool_job *job, bool ran)
{
	struct task *t = CONTAINER_OF(job, struct task, job);

	assert_true(ran);
	t->done_as = ++*t->n_done;
}

static void a_log_with_much_to_do_does_not_keep_another_waiting(void **state)
{
	uv_loop_t loop;
	struct pool_log hog = { 0 }, honest = { 0 };
	struct task tasks[24] = { 0 };
	unsigned n_done = 0;

	(void)state;
	uv_loop_init(&loop);
	struct pool *pool = pool_new(&loop, 2, rules_ref_new(NULL));
	for (unsigned i = 0; i < 24; i++) {
		struct pool_log *log = i < 20 ? &hog : &honest;

		tasks[i] = (struct task){ .busy_us = i < 20 ? 10000 : 100, .n_done = &n_done, .job = { .run = work, .done = worked } };
		pool_submit(pool, log, &tasks[i].job);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(n_done, 24);
	/* two of the hog's ran already, and perhaps two more began before the last honest one did */
	for (unsigned i = 20; i < 24; i++)
		assert_in_range(tasks[i].done_as, 1, 10);
	assert_true(hog.used_us >= 20 * 10000 && honest.used_us < hog.used_us);
	pool_free(pool);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void single_jobs_that_take_long_leave_a_worker_free(void **state)
{
	uv_loop_t loop;
	struct pool_log hogs[3] = { { 0 } }, honest = { 0 };
	struct task tasks[6] = { 0 };
	unsigned n_done = 0;

	(void)state;
	uv_loop_init(&loop);
	struct pool *pool = pool_new(&loop, 2, rules_ref_new(NULL));
	for (unsigned i = 0; i < 3; i++)
		hogs[i].n_heavy = 64;
	for (unsigned i = 0; i < 6; i++) {
		tasks[i] = (struct task){ .busy_us = i < 5 ? 30000 : 100, .n_done = &n_done, .job = { .run = work, .done = worked } };
		pool_submit(pool, i < 5 ? &hogs[i % 3] : &honest, &tasks[i].job);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(n_done, 6);
	assert_in_range(tasks[5].done_as, 1, 2);
	pool_free(pool);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_logs_of_which_one_sends_much_each_get_their_share),
		cmocka_unit_test(a_log_and_an_operator_that_hold_what_they_got_leave_room_for_others),
		cmocka_unit_test(the_size_of_answers_is_learnt_in_both_directions),
		cmocka_unit_test(a_log_with_much_to_do_does_not_keep_another_waiting),
		cmocka_unit_test(single_jobs_that_take_long_leave_a_worker_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
