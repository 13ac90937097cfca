/*
 * Private to state/: the lock of a running daemon. The kernel's lock on the file says whether it is held, so kill -9 leaves
 * nothing behind; the text in it says by whom.
 */
#ifndef CTWATCH_STATE_LOCK_H
#define CTWATCH_STATE_LOCK_H

#include "base.h"

bool lock_take(const char *directory, int64_t now_ms, int *fd, struct error *err);
void lock_release(int *fd);      /* -1 is fine */

/*
 * Whose turn it is to write. SQLite's waiters poll, and a daemon that commits back to back leaves them no moment: so whoever
 * wants to write holds the turn while it waits for the database, and others wait for the turn first. A courtesy of one second at
 * most: a stopped process must not stop the daemon.
 */
int turn_open(const char *directory);      /* -1 when the file cannot be written: then there is no courtesy */
void turn_take(int fd);
void turn_release(int fd);

#endif
