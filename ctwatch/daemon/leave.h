/*
 * The way out. SIGTERM and SIGINT are heard by a thread of its own, so that they end the program whatever the loop waits for: a
 * database that another process has locked, a worker, a name server, a disk.
 *
 *   WAITING --signal--> the loop is told, LEAVING --4 s pass, or a second signal--> says what it waits for, _exit
 *              leave_begin ------------------^
 *
 * What is committed is safe whenever the process ends (state.h).
 */
#ifndef CTWATCH_LEAVE_H
#define CTWATCH_LEAVE_H

#include "diag.h"

struct leave;

/* Before all other threads: from here on no other one gets these signals. `code_on_signal`: how an interrupted run exits. Never freed: it must outlast all else. */
struct leave *leave_start(struct diag *diag, int code_on_signal, struct error *err);
/* `told` runs once, on the thread: when a signal comes, or at once when one has come. NULL: nobody is told any more. */
void leave_tell(struct leave *, void (*told)(void *ctx), void *ctx);
/* The program leaves for a reason of its own: it has as long as after a signal. */
void leave_begin(struct leave *);
/* What the program is doing, in words that follow "waiting for"; static. */
void leave_doing(struct leave *, const char *what);
void leave_code(struct leave *, int code);
/* The loop and the diagnostics go away: from here on it leaves without a word. NULL is fine. */
void leave_end(struct leave *);

#endif
