/*
 * Private to state/: the schema as a list of migrations. Version n of a database is what the first n migrations make; it is
 * stored in the database's header (user_version), beside the mark that the file is ctwatch's (application_id).
 */
#ifndef CTWATCH_STATE_SCHEMA_H
#define CTWATCH_STATE_SCHEMA_H

#include <sqlite3.h>

#include "base.h"

#define APPLICATION_ID 0x63747764         /* "ctwd" */

/* MIGRATIONS[n-1]: the statements that turn version n-1 into version n, NULL-terminated. */
extern const char *const *const MIGRATIONS[];
extern const size_t N_MIGRATIONS;

/* What a file is, before anything is done to it. */
enum schema_age { SCHEMA_EMPTY, SCHEMA_OLDER, SCHEMA_CURRENT, SCHEMA_NEWER, SCHEMA_FOREIGN };
int schema_age(sqlite3 *db, size_t n_migrations, enum schema_age *age, int *version);    /* an SQLite result code */

/*
 * Bring the database to version `n` in one transaction. Unless it is empty it is copied into `backup_directory` first, named
 * after its version and `now_ms`. On failure nothing is changed.
 */
bool schema_migrate(sqlite3 *db, const char *const *const *migrations, size_t n, const char *backup_directory, int64_t now_ms, struct error *err);

#endif
