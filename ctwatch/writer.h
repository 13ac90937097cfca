/*
 * A thread that writes to one descriptor, so that nobody who has something to say waits for whoever should read it: a pipe that
 * nobody reads, a terminal that was stopped, a disk that hangs. The descriptor's flags are left alone: it is shared with the shell.
 *
 *   writer_put ──> queue, in order ──thread: write(2)──> the descriptor
 *                                       '--error--> dropped and counted, or (keep_on_error) FAILED: kept until writer_retry
 *
 * Usable from any thread.
 */
#ifndef CTWATCH_WRITER_H
#define CTWATCH_WRITER_H

#include "base.h"

struct writer;

struct writer_options {
	int fd;                           /* borrowed; stays open as long as the process */
	size_t max_bytes;                 /* that may wait */
	bool keep_on_error;
	void (*idle)(void *ctx);          /* on the thread: all is written, or (keep_on_error) it failed. May be NULL */
	void *ctx;
};

struct writer_status {
	size_t n_waiting, waiting_bytes;  /* messages not yet written in full */
	uint64_t written_bytes, n_failed; /* since the start; messages that an error took (not keep_on_error) */
	int error, failed_with;           /* errno of the last attempt, 0: it succeeded; of the last that failed */
	bool failed;                      /* keep_on_error: it waits for writer_retry */
	bool begun;                       /* the first message that waits is written in part */
};

/* NULL with errno when no thread can be started. */
struct writer *writer_new(const struct writer_options *options);
/* One message, whole or not at all. False: no room. A message larger than max_bytes is taken when nothing else waits. */
bool writer_put(struct writer *, struct slice message);
void writer_status(struct writer *, struct writer_status *out);
/* After an error with keep_on_error: goes on where it stopped. */
void writer_retry(struct writer *);
/* Takes back what waits and of which nothing was written. */
void writer_forget(struct writer *);
/* Waits until nothing waits, it failed, or no byte was taken for `stalled_ms`. True: all is written. */
bool writer_wait(struct writer *, int64_t stalled_ms);
/* Waits like writer_wait, then lets go: a thread that hangs in a write is left behind with what it needs. `idle` runs no more. */
void writer_free(struct writer *, int64_t stalled_ms);

#endif
