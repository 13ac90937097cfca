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

struct store *store_start(uv_loop_t *loop, struct state *st);      /* takes `st` over */
void store_submit(struct store *, store_job_fn *job, store_done_fn *done, void *ctx);
/* Finishes what was submitted, then calls `closed` on the loop; the state is closed by then. */
void store_close(struct store *, void (*closed)(void *ctx), void *ctx);
size_t store_waiting(const struct store *);
bool store_is_full(const struct store *);   /* the disk is full: reading should pause; it clears by itself */

#endif
