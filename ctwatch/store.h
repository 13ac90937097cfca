/*
 * The thread that owns the writing connection to the state. The loop hands it jobs through a mailbox and gets answers back
 * on the loop. Jobs run in the order they were submitted; neighbours share a transaction (each in a savepoint of its own), so that many small
 * commits cost one fsync; `done` runs after that transaction is on disk.
 *
 * A job that fails with ERR_RETRY (locked) is tried again; with ERR_NO_SPACE the store turns full: see store_is_full.
 */
#ifndef CTWATCH_STORE_H
#define CTWATCH_STORE_H

#include <uv.h>

#include "state.h"

struct store;

/* On the store's thread. `ctx` belongs to the job until `done`. Must not touch what the loop may touch meanwhile. May run more than once (ERR_RETRY). */
typedef bool store_job_fn(void *ctx, struct state *st, struct error *err);
/* On the loop. Always called exactly once, also when the store closes (then with ERR_FATAL "closing"). */
typedef void store_done_fn(void *ctx, bool ok, const struct error *err);

struct store_options {
	uv_loop_t *loop;
	struct state *state;              /* taken over */
	/*
	 * On the store's thread, in a transaction of its own: the disk has become full (the reserve is free by then, so that an
	 * incident and its alert can be written), or there is room again. May be NULL.
	 */
	store_job_fn *on_full, *on_room;
	void *ctx;                        /* for both; must not be what the loop touches */
	/*
	 * On the loop, once: the state's files were taken away (state_is_lost), nothing can be written any more, and every job fails.
	 * The sentence says so, and what was saved. NULL: nobody is told.
	 */
	void (*on_lost)(void *ctx, const char *sentence);
	void *lost_ctx;
	int64_t probe_ms;                 /* how often a full store looks for room; 0: 5 s */
	uint64_t low_bytes;               /* free space below which store_space_of says `low`; 0: 512 MiB */
};
struct store *store_start(const struct store_options *options);
void store_submit(struct store *, store_job_fn *job, store_done_fn *done, void *ctx);
/* The same, but once the disk is full as store_submit_urgent, also when it was submitted before: what delivers the alert about it. */
void store_submit_alert(struct store *, store_job_fn *job, store_done_fn *done, void *ctx);
/* The same, before everything that waits and also while the disk is full. ERR_NO_SPACE comes back at once. */
void store_submit_urgent(struct store *, store_job_fn *job, store_done_fn *done, void *ctx);
/*
 * The program is about to leave: from now on jobs do not wait for room on a full disk, nor long for a lock, but fail with ERR_FATAL
 * "closing: ..."; what holds on until its jobs are done can let go.
 */
void store_hurry(struct store *);
/* Finishes what was submitted, then calls `closed` on the loop; the state is closed by then. */
void store_close(struct store *, void (*closed)(void *ctx), void *ctx);
size_t store_waiting(const struct store *);
bool store_is_full(const struct store *);   /* the disk is full: reading should pause; it clears by itself */

struct store_space {
	uint64_t used_bytes, free_bytes;  /* the database; its file system. As of the last look, once a minute */
	uint64_t reserve_bytes;           /* kept aside for the words about a full disk: STATE_RESERVE_BYTES, less on a small disk */
	bool known, low, full;
};
struct store_space store_space_of(const struct store *);

#endif
