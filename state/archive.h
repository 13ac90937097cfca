/*
 * Private to state/: the files beside a database, packed into a copy of it as a table of the kind that `sqlite3 -A` reads, so that
 * a backup is one file with everything in it, and unpacked again.
 */
#ifndef CTWATCH_STATE_ARCHIVE_H
#define CTWATCH_STATE_ARCHIVE_H

#include <sqlite3.h>

#include "base.h"

/* incidents/, issuers/ and lists/ of a state's directory. */
bool archive_pack(const char *directory, sqlite3 *copy, struct error *err);
/* Writes them into another one's, and drops the table; a database without it is fine. Names that lead elsewhere are refused. */
bool archive_unpack(sqlite3 *copy, const char *directory, struct error *err);
bool archive_exists(sqlite3 *db);

#endif
