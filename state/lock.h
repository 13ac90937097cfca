/*
 * Private to state/: the lock of a running daemon. The kernel's lock on the file says whether it is held, so kill -9 leaves
 * nothing behind; the text in it says by whom.
 */
#ifndef CTWATCH_STATE_LOCK_H
#define CTWATCH_STATE_LOCK_H

#include "base.h"

bool lock_take(const char *directory, int64_t now_ms, int *fd, struct error *err);
void lock_release(int *fd);      /* -1 is fine */

#endif
