/* See copy.h. */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAMAGED "the state's database is damaged, there is no copy of it in %s: %s; stop ctwatch and put an earlier copy in its place " \
		"with `ctwatch state restore`"

static bool copy_error(const char *path, const char *what, int rc, struct error *err)
{
	bool full = (rc & 0xff) == SQLITE_FULL || errno == ENOSPC || errno == EDQUOT;

	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		return error_set(err, ERR_FATAL, DAMAGED, path, what);
	if ((rc & 0xff) == SQLITE_CANTOPEN && errno != 0)
		what = strerror(errno);
	return error_set(err, full ? ERR_NO_SPACE : ERR_FATAL, "cannot copy the state's database to %s: %s", path,
			 full ? "no space left there" : what);
}

bool path_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool sync_parent(const char *path)
{
	char *parent = xstrdup(path), *slash = strrchr(parent, '/');

	if (slash == parent)
		slash++;
	if (slash != NULL)
		*slash = '\0';
	bool ok = path_sync(slash != NULL ? parent : ".");
	free(parent);
	return ok;
}

int database_integrity(sqlite3 *db, bool quick, char found[INTEGRITY_TEXT_LEN])
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)", -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		snprintf(found, INTEGRITY_TEXT_LEN, "%s", (const char *)sqlite3_column_text(stmt, 0));
		rc = strcmp(found, "ok") == 0 ? SQLITE_OK : SQLITE_CORRUPT;
	} else {
		snprintf(found, INTEGRITY_TEXT_LEN, "%s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* One step: the source connection holds one snapshot for the whole copy, and a writer beside it is not held up (WAL). */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (backup == NULL)
		return sqlite3_errcode(to);
	do
		rc = sqlite3_backup_step(backup, -1);
	while (rc == SQLITE_OK);
	rc = sqlite3_backup_finish(backup);
	/* the copy is one file, without a WAL beside it */
	return rc == SQLITE_OK ? sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) : rc;
}

static bool check_copy(sqlite3 *copy, const char *path, struct error *err)
{
	char found[INTEGRITY_TEXT_LEN];
	int rc = database_integrity(copy, false, found);

	return rc == SQLITE_OK || copy_error(path, found, rc, err);
}

static bool copy_into(sqlite3 *from, const char *temporary, const char *path, copy_add_fn *add, void *ctx, struct error *err)
{
	sqlite3 *to = NULL;

	errno = 0;
	int rc = sqlite3_open_v2(temporary, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK) {
		chmod(temporary, 0640);
		rc = copy_pages(from, to);
	}
	bool ok = rc == SQLITE_OK ? (add == NULL || add(ctx, to, err)) && check_copy(to, path, err)
				  : copy_error(path, to != NULL ? sqlite3_errmsg(to) : sqlite3_errstr(rc), rc, err);
	sqlite3_close(to);
	return ok;
}

static void remove_copy(const char *temporary)
{
	static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char *path = xasprintf("%s%s", temporary, suffixes[i]);

		unlink(path);
		free(path);
	}
}

bool database_copy(sqlite3 *db, const char *path, copy_add_fn *add, void *ctx, struct error *err)
{
	char *temporary = xasprintf("%s.%ld.tmp", path, (long)getpid());

	remove_copy(temporary);
	bool ok = copy_into(db, temporary, path, add, ctx, err);
	if (ok && (!path_sync(temporary) || rename(temporary, path) != 0 || !sync_parent(path)))
		ok = copy_error(path, strerror(errno), 0, err);
	if (!ok)
		remove_copy(temporary);
	free(temporary);
	return ok;
}
