/* The thread that writes, over a state of the test's own that can be locked, full or broken on demand. */
#include "store.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_JOBS 20000

/* What the store calls in place of the real state. The thread's alone, but for the switches. */
struct state {
	int depth;
	int pending[MAX_JOBS], disk[MAX_JOBS];
	int n_pending, n_disk, n_transactions;
	int savepoint;
	bool reserve, closed;
	atomic_int locked, full, break_commit;    /* how many begins (commits) fail; full: until switched off */
	atomic_int n_released, n_taken;
};

bool state_begin(struct state *st, struct error *err)
{
	if (st->depth == 0 && atomic_load(&st->locked) > 0) {
		atomic_fetch_sub(&st->locked, 1);
		return error_set(err, ERR_RETRY, "the database is locked");
	}
	st->savepoint = st->n_pending;
	st->depth++;
	return true;
}

bool state_commit(struct state *st, struct error *err)
{
	if (st->depth > 1) {
		st->depth--;
		return true;
	}
	if (atomic_load(&st->full) && !(st->n_released > st->n_taken && st->n_pending <= 2))
		return error_set(err, ERR_NO_SPACE, "the disk is full");
	if (atomic_load(&st->break_commit) > 0) {
		atomic_fetch_sub(&st->break_commit, 1);
		return error_set(err, ERR_FATAL, "a constraint fails at the end");
	}
	for (int i = 0; i < st->n_pending; i++)
		st->disk[st->n_disk++] = st->pending[i];
	st->n_pending = 0;
	st->n_transactions++;
	st->depth = 0;
	return true;
}

void state_abort(struct state *st)
{
	st->n_pending = st->depth > 1 ? st->savepoint : 0;
	st->depth -= st->depth > 0;
}

bool state_size(struct state *st, uint64_t *n_bytes, uint64_t *free_bytes, struct error *err)
{
	(void)err;
	*n_bytes = 1000;
	*free_bytes = atomic_load(&st->full) ? 0 : 300u << 20;
	return true;
}

bool state_reserve_release(struct state *st)
{
	st->reserve = false;
	atomic_fetch_add(&st->n_released, 1);
	return true;
}

uint64_t state_reserve_bytes(const struct state *st)
{
	return st->reserve ? STATE_RESERVE_BYTES : 0;
}

bool state_is_lost(const struct state *st)
{
	(void)st;
	return false;
}

bool state_rescue(struct state *st, int64_t now_ms, char **path, struct error *err)
{
	(void)st, (void)now_ms, (void)path;
	return error_set(err, ERR_FATAL, "there is nothing to rescue");
}

bool state_reserve_take(struct state *st)
{
	if (atomic_load(&st->full))
		return false;
	if (!st->reserve && atomic_load(&st->n_released) > 0)
		atomic_fetch_add(&st->n_taken, 1);
	st->reserve = true;
	return true;
}

void state_close(struct state *st)
{
	st->closed = true;
}

/* ---- scaffolding ---------------------------------------------------------------------------------- */

struct bench {
	uv_loop_t loop;
	struct state *state;
	struct store *store;
	int answered[MAX_JOBS], n_answered, n_refused;
	struct error last_error;
	bool closed, inside;
	atomic_int full_words, room_words;
};

struct work {
	struct bench *bench;
	int number;
	enum error_kind fails;            /* how the job itself fails, or ERR_NONE */
	int times;                        /* so often, for ERR_RETRY */
};

static bool on_full(void *ctx, struct state *st, struct error *err)
{
	(void)st;
	(void)err;
	atomic_fetch_add(&((struct bench *)ctx)->full_words, 1);
	return true;
}

static bool on_room(void *ctx, struct state *st, struct error *err)
{
	(void)st;
	(void)err;
	atomic_fetch_add(&((struct bench *)ctx)->room_words, 1);
	return true;
}

static bool job(void *ctx, struct state *st, struct error *err)
{
	struct work *w = ctx;

	st->pending[st->n_pending++] = w->number;
	if (w->fails == ERR_NONE || (w->fails == ERR_RETRY && w->times-- <= 0))
		return true;
	return error_set(err, w->fails, "job %d fails", w->number);
}

static void done(void *ctx, bool ok, const struct error *err)
{
	struct work *w = ctx;
	struct bench *b = w->bench;

	assert_false(b->inside);
	if (!ok) {
		b->n_refused++;
		b->last_error = *err;
	}
	b->answered[b->n_answered++] = w->number;
	free(w);
}

static void submit_with(struct bench *b, int number, enum error_kind fails, int times, bool urgent)
{
	struct work *w = xmalloc(sizeof(*w));

	*w = (struct work){ b, number, fails, times };
	b->inside = true;
	(urgent ? store_submit_urgent : store_submit)(b->store, job, done, w);
	b->inside = false;
}

static void submit(struct bench *b, int number)
{
	submit_with(b, number, ERR_NONE, 0, false);
}

static void wait_for(struct bench *b, int n)
{
	while (b->n_answered < n)
		uv_run(&b->loop, UV_RUN_ONCE);
}

static int build(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	uv_loop_init(&b->loop);
	b->state = xcalloc(1, sizeof(*b->state));
	b->store = store_start(&(struct store_options){ .loop = &b->loop, .state = b->state, .on_full = on_full, .on_room = on_room, .ctx = b, .probe_ms = 20 });
	*state = b;
	return 0;
}

static void on_closed(void *ctx)
{
	((struct bench *)ctx)->closed = true;
}

static void shut(struct bench *b)
{
	store_close(b->store, on_closed, b);
	assert_false(b->closed);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->closed);
	assert_true(b->state->closed);
}

static int strike(void **state)
{
	struct bench *b = *state;

	if (!b->closed)
		shut(b);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	free(b->state);
	free(b);
	return 0;
}

static void assert_order(const int *numbers, int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(numbers[i], i);
}

/* ---- tests ------------------------------------------------------------------------------------------ */

static void jobs_run_in_order_and_neighbours_share_a_transaction(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 5000; i++)
		submit(b, i);
	wait_for(b, 5000);
	shut(b);
	assert_order(b->answered, 5000);
	assert_int_equal(b->state->n_disk, 5000);
	assert_order(b->state->disk, 5000);
	assert_int_equal(b->n_refused, 0);
	print_message("5000 jobs in %d transactions\n", b->state->n_transactions);
	assert_true(b->state->n_transactions < 2500);
}

static void a_job_that_fails_undoes_only_what_it_did(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 100; i++)
		submit_with(b, i, i == 40 ? ERR_MALFORMED : ERR_NONE, 0, false);
	wait_for(b, 100);
	shut(b);
	assert_order(b->answered, 100);
	assert_int_equal(b->n_refused, 1);
	assert_int_equal(b->last_error.kind, ERR_MALFORMED);
	assert_string_equal(b->last_error.text, "job 40 fails");
	assert_int_equal(b->state->n_disk, 99);
	for (int i = 0; i < 99; i++)
		assert_int_not_equal(b->state->disk[i], 40);
}

static void a_locked_database_is_asked_again_and_nothing_changes_places(void **state)
{
	struct bench *b = *state;

	atomic_store(&b->state->locked, 4);
	for (int i = 0; i < 300; i++)
		submit_with(b, i, i == 150 ? ERR_RETRY : ERR_NONE, 3, false);
	wait_for(b, 300);
	shut(b);
	assert_int_equal(b->n_refused, 0);
	assert_order(b->answered, 300);
	assert_int_equal(b->state->n_disk, 300);
	assert_order(b->state->disk, 300);
}

static void a_transaction_that_fails_as_a_whole_is_taken_apart(void **state)
{
	struct bench *b = *state;

	atomic_store(&b->state->break_commit, 2);
	for (int i = 0; i < 200; i++)
		submit(b, i);
	wait_for(b, 200);
	shut(b);
	assert_order(b->answered, 200);
	/* the second failure hits one job alone, or the whole again: never more than one answer is no */
	assert_in_range(b->n_refused, 0, 2);
	assert_int_equal(b->state->n_disk, 200 - b->n_refused);
}

static void a_full_disk_stops_reading_delivers_the_alert_and_clears_by_itself(void **state)
{
	struct bench *b = *state;

	submit(b, 0);
	wait_for(b, 1);
	assert_false(store_is_full(b->store));
	struct store_space space = store_space_of(b->store);
	assert_true(space.known && space.low && !space.full);
	assert_int_equal(space.free_bytes, 300u << 20);
	atomic_store(&b->state->full, 1);
	for (int i = 1; i < 50; i++)
		submit(b, i);
	while (!store_is_full(b->store))
		uv_sleep(1);
	uv_sleep(100);
	assert_int_equal(atomic_load(&b->full_words), 1);
	assert_int_equal(atomic_load(&b->room_words), 0);
	assert_int_equal(store_waiting(b->store), 49);
	/* what delivers the alert passes; nothing else was answered meanwhile */
	submit_with(b, 1000, ERR_NONE, 0, true);
	wait_for(b, 2);
	assert_int_equal(b->answered[1], 1000);
	assert_int_equal(b->n_refused, 0);
	atomic_store(&b->state->full, 0);
	wait_for(b, 51);
	assert_false(store_is_full(b->store));
	assert_int_equal(atomic_load(&b->room_words), 1);
	shut(b);
	assert_true(b->state->reserve);
	assert_int_equal(b->state->n_disk, 51);
	assert_int_equal(b->n_refused, 0);
	for (int i = 2; i < 51; i++)
		assert_int_equal(b->answered[i], i - 1);
}

static void an_alert_that_waits_when_the_disk_becomes_full_goes_first(void **state)
{
	struct bench *b = *state;
	struct work *w = xmalloc(sizeof(*w));

	atomic_store(&b->state->full, 1);
	for (int i = 0; i < 10; i++)
		submit(b, i);
	*w = (struct work){ b, 1000, ERR_NONE, 0 };
	store_submit_alert(b->store, job, done, w);
	wait_for(b, 1);
	assert_int_equal(b->answered[0], 1000);
	assert_int_equal(b->n_refused, 0);
	assert_int_equal(store_waiting(b->store), 10);
	atomic_store(&b->state->full, 0);
	wait_for(b, 11);
	for (int i = 0; i < 10; i++)
		assert_int_equal(b->answered[i + 1], i);
}

static void an_urgent_job_that_finds_no_room_hears_so(void **state)
{
	struct bench *b = *state;

	atomic_store(&b->state->full, 1);
	submit(b, 0);
	while (!store_is_full(b->store))
		uv_sleep(1);
	submit_with(b, 1, ERR_NO_SPACE, 0, true);
	wait_for(b, 1);
	assert_int_equal(b->answered[0], 1);
	assert_int_equal(b->last_error.kind, ERR_NO_SPACE);
}

static void closing_finishes_what_was_submitted_and_refuses_what_comes_later(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 2000; i++)
		submit(b, i);
	store_close(b->store, on_closed, b);
	submit(b, 2000);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->closed);
	assert_int_equal(b->n_answered, 2001);
	assert_int_equal(b->n_refused, 1);
	assert_int_equal(b->last_error.kind, ERR_FATAL);
	assert_string_equal(b->last_error.text, "closing");
	assert_int_equal(b->state->n_disk, 2000);
}

static void closing_does_not_wait_for_a_lock_that_never_goes(void **state)
{
	struct bench *b = *state;
	uint64_t begin = uv_hrtime();

	atomic_store(&b->state->locked, 1000000);
	for (int i = 0; i < 10; i++)
		submit(b, i);
	shut(b);
	assert_true(uv_hrtime() - begin < 5000000000u);
	assert_int_equal(b->n_answered, 10);
	assert_int_equal(b->n_refused, 10);
	assert_int_equal(b->last_error.kind, ERR_FATAL);
	assert_string_equal(b->last_error.text, "closing: the database is locked");
}

static void in_a_hurry_nothing_waits_for_room(void **state)
{
	struct bench *b = *state;

	atomic_store(&b->state->full, 1);
	for (int i = 0; i < 10; i++)
		submit(b, i);
	while (!store_is_full(b->store))
		uv_sleep(1);
	uv_sleep(50);
	uv_run(&b->loop, UV_RUN_NOWAIT);
	assert_int_equal(b->n_answered, 0);
	store_hurry(b->store);
	wait_for(b, 10);
	assert_int_equal(b->n_refused, 10);
	assert_string_equal(b->last_error.text, "closing: the disk is full");
	/* what finds room again is still done: the store is not closed */
	atomic_store(&b->state->full, 0);
	submit(b, 10);
	wait_for(b, 11);
	assert_int_equal(b->n_refused, 10);
	assert_int_equal(atomic_load(&b->room_words), 0);
}

static void closing_with_a_full_disk_answers_everybody(void **state)
{
	struct bench *b = *state;

	atomic_store(&b->state->full, 1);
	for (int i = 0; i < 10; i++)
		submit(b, i);
	while (!store_is_full(b->store))
		uv_sleep(1);
	shut(b);
	assert_int_equal(b->n_answered, 10);
	assert_int_equal(b->n_refused, 10);
	assert_string_equal(b->last_error.text, "closing: the disk is full");
}

struct chain {
	struct bench *bench;
	int left;
};

static bool chain_job(void *ctx, struct state *st, struct error *err)
{
	(void)err;
	st->pending[st->n_pending++] = ((struct chain *)ctx)->left;
	return true;
}

static void chain_done(void *ctx, bool ok, const struct error *err)
{
	struct chain *c = ctx;

	(void)err;
	assert_true(ok);
	if (--c->left > 0)
		store_submit(c->bench->store, chain_job, chain_done, c);
	else
		store_close(c->bench->store, on_closed, c->bench);
}

static void done_may_submit_and_close(void **state)
{
	struct bench *b = *state;
	struct chain c = { b, 500 };

	store_submit(b->store, chain_job, chain_done, &c);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->closed);
	assert_int_equal(b->state->n_disk, 500);
}

#define ON_BENCH(f) cmocka_unit_test_setup_teardown(f, build, strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(jobs_run_in_order_and_neighbours_share_a_transaction),
		ON_BENCH(a_job_that_fails_undoes_only_what_it_did),
		ON_BENCH(a_locked_database_is_asked_again_and_nothing_changes_places),
		ON_BENCH(a_transaction_that_fails_as_a_whole_is_taken_apart),
		ON_BENCH(a_full_disk_stops_reading_delivers_the_alert_and_clears_by_itself),
		ON_BENCH(an_alert_that_waits_when_the_disk_becomes_full_goes_first),
		ON_BENCH(an_urgent_job_that_finds_no_room_hears_so),
		ON_BENCH(closing_finishes_what_was_submitted_and_refuses_what_comes_later),
		ON_BENCH(closing_does_not_wait_for_a_lock_that_never_goes),
		ON_BENCH(in_a_hurry_nothing_waits_for_room),
		ON_BENCH(closing_with_a_full_disk_answers_everybody),
		ON_BENCH(done_may_submit_and_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
