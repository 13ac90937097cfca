/* Copies with everything in them, and the way back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "copy.h"
#include "lock.h"
#include "place.h"
#include "schema.h"
#include "sql.h"

/* ---- there ---------------------------------------------------------------------------------------------------------- */

/* The directory of a path: malloc'd. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") : slice_dup_text(slice_of(path, (size_t)(slash - path)));
}

/* ctwatch.db and its companions where a ctwatch runs are not to be written over, whoever's they are. */
static bool check_not_in_use(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	char *parent = parent_of(path);
	long holder = strncmp(name, "ctwatch.db", 10) == 0 ? state_holder(parent) : 0;

	free(parent);
	return holder == 0 || error_set(err, ERR_USAGE, "%s belongs to the state of a running ctwatch (process %ld); name another file for the copy", path, holder);
}

/* Another backup may be replaced; anything else that is there was not meant. */
static bool check_target(struct state *st, const char *path, struct error *err)
{
	char magic[16] = "";
	struct stat target, database;

	if (stat(path, &target) != 0)
		return check_not_in_use(path, err);
	if (stat(st->db_path, &database) == 0 && target.st_dev == database.st_dev && target.st_ino == database.st_ino)
		return error_set(err, ERR_USAGE, "%s is the database itself; name another file for the copy", path);
	if (!check_not_in_use(path, err))
		return false;
	int fd = S_ISREG(target.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, magic, sizeof(magic)) : -1;

	if (fd >= 0)
		close(fd);
	if (n == 0 || (n == sizeof(magic) && memcmp(magic, "SQLite format 3", sizeof(magic)) == 0))
		return true;
	return error_set(err, ERR_USAGE, "%s is there already and is no backup; name another file", path);
}

static bool pack(void *ctx, sqlite3 *copy, struct error *err)
{
	return archive_pack(ctx, copy, err);
}

bool state_backup(struct state *st, const char *path, struct error *err)
{
	return check_target(st, path, err) && database_copy(st->db, path, pack, st->directory, err);
}

/* ---- a backup to read from -------------------------------------------------------------------------------------------- */

struct source {
	char *path;                  /* of the database */
	char *files;                 /* the directory with the files beside it; NULL: they are in the database */
	sqlite3 *db;
};

static void source_close(struct source *source)
{
	sqlite3_close(source->db);
	free(source->path);
	free(source->files);
}

/* The newest of the copies that `state backup DIRECTORY` makes: their names hold the time. */
static char *newest_in(const char *directory)
{
	DIR *entries = opendir(directory);
	char *newest = NULL;

	for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
		struct slice name = slice_text(entry->d_name);

		if (!slice_starts_with(name, SLICE_LITERAL("ctwatch-")) || !slice_ends_with(name, SLICE_LITERAL(".db")) ||
		    (newest != NULL && strcmp(entry->d_name, newest) < 0))
			continue;
		free(newest);
		newest = xstrdup(entry->d_name);
	}
	if (entries != NULL)
		closedir(entries);
	char *path = newest != NULL ? xasprintf("%s/%s", directory, newest) : NULL;
	free(newest);
	return path;
}

static bool find_source(const char *from, struct source *source, struct error *err)
{
	struct stat st;

	if (stat(from, &st) != 0)
		return error_set(err, ERR_USAGE, "there is no backup at %s: %s", from, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		source->path = xstrdup(from);
		return true;
	}
	source->path = xasprintf("%s/ctwatch.db", from);
	if (stat(source->path, &st) == 0) {
		source->files = xstrdup(from);
		return true;
	}
	free(source->path);
	source->path = newest_in(from);
	return source->path != NULL || error_set(err, ERR_USAGE, "%s holds no backup: neither ctwatch.db nor ctwatch-<time>.db is there", from);
}

static bool damaged(const struct source *source, const char *found, struct error *err)
{
	return error_set(err, ERR_FATAL, "the backup %s is damaged: %s; nothing was changed, take another one", source->path, found);
}

static bool check_source(const struct source *source, struct error *err)
{
	enum schema_age age;
	int version, rc = schema_age(source->db, N_MIGRATIONS, &age, &version);

	if (rc != SQLITE_OK && (rc & 0xff) == SQLITE_CORRUPT)
		return damaged(source, sqlite3_errmsg(source->db), err);
	if (rc != SQLITE_OK || age == SCHEMA_EMPTY || age == SCHEMA_FOREIGN)
		return error_set(err, ERR_FATAL, "%s is no backup of ctwatch's state: %s", source->path,
				 rc != SQLITE_OK ? sqlite3_errmsg(source->db) : age == SCHEMA_EMPTY ? "it is empty" : "it is some other program's database");
	if (age == SCHEMA_NEWER)
		return error_set(err, ERR_FATAL, "%s was written by a newer ctwatch (version %d of its schema, this one knows %zu); use that one", source->path, version,
				 N_MIGRATIONS);
	return true;
}

static bool source_open(const char *from, struct source *source, struct error *err)
{
	*source = (struct source){ 0 };
	if (!find_source(from, source, err))
		return false;
	if (sqlite3_open_v2(source->path, &source->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return error_set(err, ERR_FATAL, "cannot read %s: %s", source->path, errno != 0 ? strerror(errno) : sqlite3_errmsg(source->db));
	sqlite3_busy_timeout(source->db, 5000);
	return check_source(source, err);
}

static bool check_whole(const struct source *source, struct error *err)
{
	char found[INTEGRITY_TEXT_LEN];

	return database_integrity(source->db, false, found) == SQLITE_OK || damaged(source, found, err);
}

/* ---- and back --------------------------------------------------------------------------------------------------------- */

struct target {
	const char *directory;
	const struct source *source;
	char *db, *wal, *shm, *fresh;
};

static bool unpack(void *ctx, sqlite3 *copy, struct error *err)
{
	struct target *target = ctx;

	return (target->source->files == NULL || archive_pack(target->source->files, copy, err)) && archive_unpack(copy, target->directory, err);
}

static bool has_content(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* What is in the log goes into the database that it belongs to; of a damaged one it stays beside it. */
static void settle(const struct target *target)
{
	sqlite3 *db = NULL;

	if (has_content(target->db) && sqlite3_open_v2(target->db, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
		sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	sqlite3_close(db);
}

/* At any moment there is a database under the name: the old one, then the new one. */
static bool put_in_place(const struct target *target, int64_t now_ms, struct error *err)
{
	char *aside = xasprintf("%s/backups/replaced-%lld.db", target->directory, (long long)now_ms), *aside_wal = xasprintf("%s-wal", aside);
	bool had = has_content(target->db), ok = true;

	settle(target);
	if (had && link(target->db, aside) != 0)
		ok = error_set(err, errno_kind(errno), "the database that is there cannot be kept as %s: %s; nothing was changed", aside, strerror(errno));
	if (ok && has_content(target->wal) && rename(target->wal, aside_wal) != 0)
		ok = error_set(err, errno_kind(errno), "%s cannot be kept as %s: %s", target->wal, aside_wal, strerror(errno));
	if (ok) {
		unlink(target->wal);
		unlink(target->shm);
		ok = (rename(target->fresh, target->db) == 0 && path_sync(target->directory)) ||
		     error_set(err, errno_kind(errno), "cannot put %s in place: %s", target->db, strerror(errno));
	}
	free(aside);
	free(aside_wal);
	return ok;
}

static bool restore_locked(struct target *target, bool replace, int64_t now_ms, struct error *err)
{
	struct stat a, b;

	if (stat(target->source->path, &a) == 0 && stat(target->db, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return error_set(err, ERR_USAGE, "%s is the database of this state itself; name a backup", target->source->path);
	if (!replace && (has_content(target->db) || has_content(target->wal)))
		return error_set(err, ERR_USAGE, "state %s holds a database already, nothing was changed; with --replace the backup takes its place, and it is kept in "
				 "%s/backups", target->directory, target->directory);
	if (database_copy(target->source->db, target->fresh, unpack, target, err) && put_in_place(target, now_ms, err))
		return true;
	unlink(target->fresh);
	return false;
}

bool state_restore(const char *directory, const char *from, bool replace, int64_t now_ms, struct error *err)
{
	struct source source;
	struct target target = { .directory = directory, .source = &source };
	int lock = -1;
	bool ok = source_open(from, &source, err) && check_whole(&source, err);

	if (ok && place_make(directory, err) && lock_take(directory, now_ms, &lock, err)) {
		target.db = xasprintf("%s/ctwatch.db", directory);
		target.wal = xasprintf("%s-wal", target.db);
		target.shm = xasprintf("%s-shm", target.db);
		target.fresh = xasprintf("%s/.restored.db", directory);
		ok = restore_locked(&target, replace, now_ms, err);
		free(target.db), free(target.wal), free(target.shm), free(target.fresh);
		lock_release(&lock);
	} else {
		ok = false;
	}
	source_close(&source);
	return ok;
}

/* ---- is a backup good? ----------------------------------------------------------------------------------------------------- */

bool state_backup_check(const char *from, bool quick, char **path, struct error *err)
{
	struct source source;
	char found[INTEGRITY_TEXT_LEN];
	bool ok = source_open(from, &source, err);

	if (ok && database_integrity(source.db, quick, found) != SQLITE_OK)
		ok = error_set(err, ERR_FATAL, "the backup %s is damaged: %s; make another one", source.path, found);
	if (ok)
		*path = xstrdup(source.path);
	source_close(&source);
	return ok;
}
