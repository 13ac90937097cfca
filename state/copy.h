/* Private to state/: copies of a database. */
#ifndef CTWATCH_STATE_COPY_H
#define CTWATCH_STATE_COPY_H

#include <sqlite3.h>

#include "base.h"

/*
 * A consistent copy, also while others write, readable by nobody but this user and group: into a temporary file, checked as a
 * whole, synced, renamed. A copy that is damaged, because its original is, is removed again.
 */
typedef bool copy_add_fn(void *ctx, sqlite3 *copy, struct error *err);      /* changes the copy before it is checked; NULL: nothing */
bool database_copy(sqlite3 *db, const char *path, copy_add_fn *add, void *ctx, struct error *err);
/*
 * Looks at every page, and unless `quick` at every index and row. SQLITE_OK, or SQLITE_CORRUPT with what is wrong first, or
 * another code when it cannot be looked at.
 */
#define INTEGRITY_TEXT_LEN 200
int database_integrity(sqlite3 *db, bool quick, char found[INTEGRITY_TEXT_LEN]);
/* Syncs a file or directory by its path. */
bool path_sync(const char *path);

#endif
