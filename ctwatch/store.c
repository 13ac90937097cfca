/*
 * The thread that owns the writing connection.
 *
 *   loop: submit ──> waiting ──┐                                     ┌──> finished ──uv_async──> done (loop)
 *                              ├──> one transaction of neighbours ───┤
 *   loop: urgent ──> urgent ───┘    (each job in a savepoint)        └──> locked: again after a pause; full: probing
 *
 * The transaction is committed before `done` is told. A job whose transaction could not be committed runs again, in the same
 * order: nothing that was submitted later passes it, except urgent jobs.
 */
#include "store.h"
#include "clock.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define JOBS_PER_TRANSACTION 128        /* bounds how long the first waits for the last */
#define RETRY_FIRST_MS 10
#define RETRY_LAST_MS 2000
#define RETRY_WHILE_CLOSING_MS 3000     /* SIGTERM leaves within 5 s, also when somebody holds a lock */
#define PROBE_MS 5000                   /* is there room again? */
#define PROBE_LAST_MS (5 * 60 * 1000)
#define SETTLED_MS (10 * 60 * 1000)
#define LOOK_MS 60000                   /* free space */
#define LOW_BYTES (512u << 20)
#define ROOM_BYTES (64u << 20)          /* free space at which a full store goes on: more than the reserve that it takes back */

struct job {
	struct job *next;
	store_job_fn *run;
	store_done_fn *done;
	void *ctx;
	bool urgent_when_full;
	bool ok;
	struct error err;
};

struct job_list {
	struct job *first, **end;
	size_t n;
};

struct batch {
	struct job_list jobs;
	bool urgent;
};

struct store {
	struct state *state;            /* the thread's, from start to its end */
	store_job_fn *on_full, *on_room;
	void *full_ctx;
	void (*on_lost)(void *ctx, const char *sentence);
	void *lost_ctx;
	uint64_t low_bytes;
	uv_thread_t thread;
	uv_async_t wake_loop;
	void (*closed)(void *ctx);      /* the loop's */
	void *closed_ctx;

	uv_mutex_t lock;                /* for what follows */
	uv_cond_t wake_thread;
	struct job_list urgent, waiting, finished;
	bool hurried, closing, exited;  /* hurried: nothing waits for a lock or for room any more */
	bool full;                      /* written by the thread, which reads it without the lock */
	struct store_space space;
	char *lost;                     /* a sentence that the loop has not heard yet */

	/* the thread's alone */
	int64_t closing_since_steady_ms, looked_steady_ms, probed_steady_ms, cleared_steady_ms;
	int64_t probe_ms, first_probe_ms, retry_ms;
	bool told_lost;
	size_t n_alone;                 /* jobs that run one by one, because their transaction failed as a whole */
};

/* ---- lists ------------------------------------------------------------------------------------ */

static void list_init(struct job_list *l)
{
	*l = (struct job_list){ .end = &l->first };
}

static void list_push(struct job_list *l, struct job *job)
{
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
	l->n++;
}

static struct job *list_pop(struct job_list *l)
{
	struct job *job = l->first;

	if (job == NULL)
		return NULL;
	l->first = job->next;
	if (l->first == NULL)
		l->end = &l->first;
	l->n--;
	return job;
}

static void list_append(struct job_list *to, struct job_list *from)
{
	struct job *job;

	while ((job = list_pop(from)) != NULL)
		list_push(to, job);
}

/* Puts `from` in front of what `to` holds. */
static void list_prepend(struct job_list *to, struct job_list *from)
{
	list_append(from, to);
	list_append(to, from);
}

/* ---- the thread: transactions -------------------------------------------------------------------- */

enum outcome {
	COMMITTED,                      /* every job of the batch has its answer */
	LOCKED, FULL,                   /* nothing is on disk, nothing has an answer: run the batch again */
	LOST,                           /* the files are not ours any more: there is nothing to write to */
	FAILED,                         /* as a whole; run its jobs alone to find whose fault it is */
};

static enum outcome outcome_of(const struct store *s, const struct error *err)
{
	if (state_is_lost(s->state))
		return LOST;
	return err->kind == ERR_RETRY ? LOCKED : err->kind == ERR_NO_SPACE ? FULL : FAILED;
}

/* One job in its savepoint. False: the whole transaction cannot go on. */
static bool run_job(struct store *s, struct job *job, enum outcome *outcome)
{
	struct error err = { 0 };

	if (!state_begin(s->state, &err)) {
		*outcome = outcome_of(s, &err);
		job->err = err;
		return false;
	}
	job->ok = job->run(job->ctx, s->state, &err) && state_commit(s->state, &err);
	job->err = err;
	if (job->ok)
		return true;
	state_abort(s->state);
	if (err.kind != ERR_RETRY && err.kind != ERR_NO_SPACE)
		return true;            /* its own failure: it gets its answer with the others */
	*outcome = outcome_of(s, &err);
	return false;
}

static enum outcome run_batch(struct store *s, struct job_list *batch)
{
	struct error err = { 0 };
	enum outcome outcome = COMMITTED;

	if (!state_begin(s->state, &err))
		goto refused;
	for (struct job *job = batch->first; job != NULL; job = job->next) {
		if (!run_job(s, job, &outcome)) {
			err = job->err;
			state_abort(s->state);
			goto refused;
		}
	}
	if (state_commit(s->state, &err))
		return COMMITTED;
	state_abort(s->state);
refused:
	for (struct job *job = batch->first; job != NULL; job = job->next) {
		job->ok = false;
		job->err = err;
	}
	return outcome_of(s, &err);
}

static void answer(struct store *s, struct job_list *batch)
{
	uv_mutex_lock(&s->lock);
	list_append(&s->finished, batch);
	uv_mutex_unlock(&s->lock);
	uv_async_send(&s->wake_loop);
}

/* ---- the thread: a full disk ---------------------------------------------------------------------- */

static void look_at_space(struct store *s)
{
	struct store_space space = { 0 };
	struct error err = { 0 };

	s->looked_steady_ms = clock_steady_ms();
	if (!s->full)
		state_reserve_take(s->state);
	space.reserve_bytes = state_reserve_bytes(s->state);
	space.known = state_size(s->state, &space.used_bytes, &space.free_bytes, &err);
	space.low = space.known && space.free_bytes < s->low_bytes;
	uv_mutex_lock(&s->lock);
	space.full = s->full;
	s->space = space;
	uv_mutex_unlock(&s->lock);
}

static void set_full(struct store *s, bool full)
{
	uv_mutex_lock(&s->lock);
	s->full = full;
	uv_mutex_unlock(&s->lock);
	look_at_space(s);
	uv_async_send(&s->wake_loop);
}

/* The words about it fail only if even the reserve is too small; there is nobody left to tell then. */
static bool run_hook(struct store *s, store_job_fn *hook)
{
	struct error err = { 0 };

	if (hook == NULL)
		return true;
	if (!state_begin(s->state, &err))
		return false;
	if (hook(s->full_ctx, s->state, &err) && state_commit(s->state, &err))
		return true;
	state_abort(s->state);
	return false;
}

/* What must not wait for room, although it was submitted when there was some. */
static void hurry_alerts(struct store *s)
{
	struct job_list all = { 0 };
	struct job *job;

	list_init(&all);
	uv_mutex_lock(&s->lock);
	list_append(&all, &s->waiting);
	while ((job = list_pop(&all)) != NULL)
		list_push(job->urgent_when_full ? &s->urgent : &s->waiting, job);
	uv_mutex_unlock(&s->lock);
}

/* A disk that fills again right after it had room is asked less often, so that incidents do not open and close by the minute. */
static void become_full(struct store *s)
{
	bool again = s->cleared_steady_ms != 0 && clock_steady_ms() - s->cleared_steady_ms < SETTLED_MS;

	s->probe_ms = !again ? s->first_probe_ms : s->probe_ms * 2 > PROBE_LAST_MS ? PROBE_LAST_MS : s->probe_ms * 2;
	s->probed_steady_ms = clock_steady_ms();
	set_full(s, true);
	hurry_alerts(s);
	state_reserve_release(s->state);
	run_hook(s, s->on_full);
}

/* Free space says yes, and taking the reserve back and writing a line prove it. */
static void probe(struct store *s)
{
	s->probed_steady_ms = clock_steady_ms();
	look_at_space(s);
	if (s->space.known && s->space.free_bytes < ROOM_BYTES)
		return;
	if (!state_reserve_take(s->state)) {
		state_reserve_release(s->state);
		return;
	}
	if (!run_hook(s, s->on_room)) {
		state_reserve_release(s->state);
		return;
	}
	s->cleared_steady_ms = clock_steady_ms();
	set_full(s, false);
}

/* ---- the thread: its life -------------------------------------------------------------------------- */

/* True: the thread should end. Empty `batch`: time passed, look around. */
static bool take_batch(struct store *s, struct batch *batch)
{
	bool timed_out = false;

	uv_mutex_lock(&s->lock);
	for (;;) {
		bool may_write = !s->full || s->hurried;

		batch->urgent = s->urgent.n > 0;
		struct job_list *from = batch->urgent ? &s->urgent : &s->waiting;
		if (from->n > 0 && (batch->urgent || may_write)) {
			size_t n = s->n_alone > 0 ? 1 : JOBS_PER_TRANSACTION;
			struct job *job;

			while (n-- > 0 && (job = list_pop(from)) != NULL)
				list_push(&batch->jobs, job);
			break;
		}
		if (s->closing || timed_out)
			break;
		int64_t wait_ms = s->full ? s->probe_ms : LOOK_MS;
		timed_out = uv_cond_timedwait(&s->wake_thread, &s->lock, (uint64_t)wait_ms * 1000000) != 0;
	}
	if (s->hurried && s->closing_since_steady_ms == 0)
		s->closing_since_steady_ms = clock_steady_ms();
	bool end = s->closing && batch->jobs.n == 0;
	uv_mutex_unlock(&s->lock);
	return end;
}

/* Sleeps, but not through the beginning of the end. */
static void pause_thread(struct store *s, int64_t ms)
{
	int64_t until = clock_steady_ms() + ms;

	uv_mutex_lock(&s->lock);
	bool was_hurried = s->hurried;
	for (int64_t left = ms; left > 0 && s->hurried == was_hurried; left = until - clock_steady_ms())
		uv_cond_timedwait(&s->wake_thread, &s->lock, (uint64_t)left * 1000000);
	uv_mutex_unlock(&s->lock);
}

static void put_back(struct store *s, struct batch *batch)
{
	uv_mutex_lock(&s->lock);
	list_prepend(batch->urgent ? &s->urgent : &s->waiting, &batch->jobs);
	uv_mutex_unlock(&s->lock);
}

static void give_up(struct store *s, struct batch *batch)
{
	for (struct job *job = batch->jobs.first; job != NULL; job = job->next) {
		error_context(&job->err, "closing");
		job->err.kind = ERR_FATAL;
	}
	answer(s, &batch->jobs);
}

static void after_locked(struct store *s, struct batch *batch)
{
	if (s->closing_since_steady_ms != 0 && clock_steady_ms() - s->closing_since_steady_ms > RETRY_WHILE_CLOSING_MS) {
		give_up(s, batch);
		return;
	}
	put_back(s, batch);
	pause_thread(s, s->retry_ms);
	s->retry_ms = s->retry_ms * 2 > RETRY_LAST_MS ? RETRY_LAST_MS : s->retry_ms * 2;
}

static void after_full(struct store *s, struct batch *batch)
{
	bool was_full = s->full;        /* written by this thread only */

	if (s->closing_since_steady_ms != 0)
		give_up(s, batch);
	else if (batch->urgent && was_full)
		answer(s, &batch->jobs);
	else
		put_back(s, batch);
	if (!was_full)
		become_full(s);
}

/* Said once, with what could be saved; the loop then stops the program. */
static void become_lost(struct store *s, const char *why)
{
	struct error err;
	char *path = NULL, *sentence;

	if (s->told_lost)
		return;
	s->told_lost = true;
	if (state_rescue(s->state, clock_wall_ms(), &path, &err))
		sentence = xasprintf("%s; what was known until now is saved in %s: `ctwatch state restore` puts it back", why, path);
	else
		sentence = xasprintf("%s; what was known until now could not be saved (%s): put a backup back with `ctwatch state restore`", why, err.text);
	free(path);
	uv_mutex_lock(&s->lock);
	s->lost = sentence;
	uv_mutex_unlock(&s->lock);
}

static void run(struct store *s, struct batch *batch)
{
	size_t n = batch->jobs.n;

	switch (run_batch(s, &batch->jobs)) {
	case COMMITTED:
		answer(s, &batch->jobs);
		s->retry_ms = RETRY_FIRST_MS;
		s->n_alone -= s->n_alone > 0;
		break;
	case LOCKED:
		after_locked(s, batch);
		break;
	case FULL:
		after_full(s, batch);
		break;
	case LOST:
		become_lost(s, batch->jobs.first->err.text);
		answer(s, &batch->jobs);
		break;
	case FAILED:
		if (n == 1) {
			answer(s, &batch->jobs);
			s->n_alone -= s->n_alone > 0;
		} else {
			put_back(s, batch);
			s->n_alone = n;
		}
		break;
	}
}

static void on_thread(void *arg)
{
	struct store *s = arg;
	struct batch batch = { 0 };

	list_init(&batch.jobs);
	look_at_space(s);
	if (s->space.reserve_bytes == 0)
		become_full(s);         /* now is the last moment at which it can be told */
	while (!take_batch(s, &batch)) {
		if (s->full && s->closing_since_steady_ms == 0 && clock_steady_ms() - s->probed_steady_ms >= s->probe_ms)
			probe(s);
		else if (clock_steady_ms() - s->looked_steady_ms >= LOOK_MS)
			look_at_space(s);
		if (batch.jobs.n > 0)
			run(s, &batch);
	}
	state_close(s->state);
	uv_mutex_lock(&s->lock);
	s->exited = true;
	uv_mutex_unlock(&s->lock);
	uv_async_send(&s->wake_loop);
}

/* ---- the loop's side ---------------------------------------------------------------------------------- */

static void on_async_closed(uv_handle_t *handle)
{
	struct store *s = CONTAINER_OF(handle, struct store, wake_loop);
	void (*closed)(void *ctx) = s->closed;
	void *ctx = s->closed_ctx;

	uv_cond_destroy(&s->wake_thread);
	uv_mutex_destroy(&s->lock);
	free(s->lost);
	free(s);
	if (closed != NULL)
		closed(ctx);
}

static bool deliver(struct store *s)
{
	struct job_list batch;
	struct job *job;

	list_init(&batch);
	uv_mutex_lock(&s->lock);
	bool exited = s->exited;
	char *lost = s->lost;
	s->lost = NULL;
	list_append(&batch, &s->finished);
	uv_mutex_unlock(&s->lock);
	if (lost != NULL && s->on_lost != NULL)
		s->on_lost(s->lost_ctx, lost);
	free(lost);
	bool any = batch.n > 0;
	while ((job = list_pop(&batch)) != NULL) {
		if (job->done != NULL)
			job->done(job->ctx, job->ok, &job->err);
		free(job);
	}
	return exited && !any;
}

static void on_wake(uv_async_t *async)
{
	struct store *s = CONTAINER_OF(async, struct store, wake_loop);

	if (!deliver(s)) {
		uv_mutex_lock(&s->lock);
		bool exited = s->exited;
		uv_mutex_unlock(&s->lock);
		if (exited)
			uv_async_send(async);   /* once more: what was answered meanwhile */
		return;
	}
	uv_thread_join(&s->thread);
	uv_close((uv_handle_t *)async, on_async_closed);
}

enum hurry { HURRY_NEVER, HURRY_WHEN_FULL, HURRY_ALWAYS };

static void submit(struct store *s, enum hurry hurry, store_job_fn *run_fn, store_done_fn *done, void *ctx)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run_fn;
	job->done = done;
	job->ctx = ctx;
	job->urgent_when_full = hurry == HURRY_WHEN_FULL;
	uv_mutex_lock(&s->lock);
	bool refused = s->closing, urgent = hurry == HURRY_ALWAYS || (hurry == HURRY_WHEN_FULL && s->full);
	if (refused)
		error_set(&job->err, ERR_FATAL, "closing");
	list_push(refused ? &s->finished : urgent ? &s->urgent : &s->waiting, job);
	uv_cond_signal(&s->wake_thread);
	uv_mutex_unlock(&s->lock);
	if (refused)
		uv_async_send(&s->wake_loop);
}

void store_submit(struct store *s, store_job_fn *job, store_done_fn *done, void *ctx)
{
	submit(s, HURRY_NEVER, job, done, ctx);
}

void store_submit_alert(struct store *s, store_job_fn *job, store_done_fn *done, void *ctx)
{
	submit(s, HURRY_WHEN_FULL, job, done, ctx);
}

void store_submit_urgent(struct store *s, store_job_fn *job, store_done_fn *done, void *ctx)
{
	submit(s, HURRY_ALWAYS, job, done, ctx);
}

struct store *store_start(const struct store_options *o)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->state = o->state;
	s->on_full = o->on_full;
	s->on_room = o->on_room;
	s->full_ctx = o->ctx;
	s->on_lost = o->on_lost;
	s->lost_ctx = o->lost_ctx;
	s->low_bytes = o->low_bytes > 0 ? o->low_bytes : LOW_BYTES;
	s->first_probe_ms = s->probe_ms = o->probe_ms > 0 ? o->probe_ms : PROBE_MS;
	s->retry_ms = RETRY_FIRST_MS;
	list_init(&s->urgent);
	list_init(&s->waiting);
	list_init(&s->finished);
	if (uv_mutex_init(&s->lock) != 0 || uv_cond_init(&s->wake_thread) != 0 || uv_async_init(o->loop, &s->wake_loop, on_wake) != 0 ||
	    uv_thread_create(&s->thread, on_thread, s) != 0)
		fatal("out of threads or descriptors: the database's thread cannot be started; raise ulimit -n or -u");
	return s;
}

void store_hurry(struct store *s)
{
	uv_mutex_lock(&s->lock);
	s->hurried = true;
	uv_cond_signal(&s->wake_thread);
	uv_mutex_unlock(&s->lock);
}

void store_close(struct store *s, void (*closed)(void *ctx), void *ctx)
{
	s->closed = closed;
	s->closed_ctx = ctx;
	uv_mutex_lock(&s->lock);
	s->hurried = s->closing = true;
	uv_cond_signal(&s->wake_thread);
	uv_mutex_unlock(&s->lock);
}

struct store_space store_space_of(const struct store *store)
{
	struct store *s = (struct store *)store;

	uv_mutex_lock(&s->lock);
	struct store_space space = s->space;
	space.full = s->full;
	uv_mutex_unlock(&s->lock);
	return space;
}

bool store_is_full(const struct store *s)
{
	return store_space_of(s).full;
}

size_t store_waiting(const struct store *store)
{
	struct store *s = (struct store *)store;

	uv_mutex_lock(&s->lock);
	size_t n = s->waiting.n + s->urgent.n;
	uv_mutex_unlock(&s->lock);
	return n;
}
