/* See identity.h. */
#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "sql.h"

#define HEADER_BYTES 100
#define CHANGE_COUNTER_AT 24      /* SQLite's file format, section 1.3 */

static const char *const NAMES[N_IDENTITY_FILES] = {
	[FILE_DATABASE] = "ctwatch.db",
	[FILE_WAL] = "ctwatch.db-wal",
	[FILE_SHM] = "ctwatch.db-shm",
	[FILE_LOCK] = "lock",
};

static char *path_of(const struct state *st, enum identity_file which)
{
	return xasprintf("%s/%s", st->directory, NAMES[which]);
}

static bool stat_file(const struct state *st, enum identity_file which, struct stat *out)
{
	char *path = path_of(st, which);
	bool ok = stat(path, out) == 0;
	int why = errno;

	free(path);
	errno = why;
	return ok;
}

/* The database's first bytes through SQLite's own descriptor: one of ours would end the locks when it is closed. */
static bool read_header(const struct state *st, uint8_t header[HEADER_BYTES])
{
	sqlite3_file *file = NULL;

	return sqlite3_file_control(st->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file != NULL && file->pMethods != NULL &&
	       file->pMethods->xRead(file, header, HEADER_BYTES, 0) == SQLITE_OK;
}

static uint32_t change_counter_of(const uint8_t header[HEADER_BYTES])
{
	const uint8_t *at = header + CHANGE_COUNTER_AT;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool identity_take(struct state *st, struct error *err)
{
	uint8_t header[HEADER_BYTES];
	struct identity *id = &st->identity;
	int moved = 0;

	for (enum identity_file i = 0; i < N_IDENTITY_FILES; i++) {
		struct stat file;

		if (!stat_file(st, i, &file))
			return error_set(err, ERR_FATAL, "state %s: %s cannot be found: %s", st->directory, NAMES[i], strerror(errno));
		id->files[i].dev = file.st_dev;
		id->files[i].ino = file.st_ino;
	}
	if (!read_header(st, header) || sqlite3_file_control(st->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved)
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db was replaced while it was being opened; start again", st->directory);
	memcpy(id->header, header, sizeof(id->header));
	id->change_counter = change_counter_of(header);
	id->known = true;
	return true;
}

/* Transactions pass through the write-ahead log, so that the counter in the file stands still or grows, whoever writes. */
static bool header_fits(struct identity *id, const uint8_t header[HEADER_BYTES])
{
	uint32_t counter = change_counter_of(header);

	if (memcmp(header, id->header, sizeof(id->header)) != 0 || (int32_t)(counter - id->change_counter) < 0)
		return false;
	id->change_counter = counter;
	return true;
}

static bool lose(struct state *st, enum identity_file which, const char *how, struct error *err)
{
	st->lost_file = which;
	error_set(&st->lost, ERR_FATAL, "state %s: %s %s while ctwatch ran; nothing more is written", st->directory, NAMES[which], how);
	/* what is still in the write-ahead log must not get into a file that is not its own */
	sqlite3_db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	*err = st->lost;
	return false;
}

bool identity_check(struct state *st, struct error *err)
{
	struct identity *id = &st->identity;
	uint8_t header[HEADER_BYTES];

	if (state_is_lost(st)) {
		*err = st->lost;
		return false;
	}
	if (!id->known)
		return true;
	for (enum identity_file i = 0; i < N_IDENTITY_FILES; i++) {
		struct stat file;

		if (!stat_file(st, i, &file))
			return lose(st, i, "was removed or moved away", err);
		if (file.st_dev != id->files[i].dev || file.st_ino != id->files[i].ino)
			return lose(st, i, "was replaced by another file", err);
	}
	/* twice: a checkpoint of another process may be writing these bytes */
	for (int i = 0; i < 2; i++, sqlite3_sleep(1))
		if (read_header(st, header) && header_fits(id, header))
			return true;
	return lose(st, FILE_DATABASE, "was overwritten", err);
}

bool identity_lose_content(struct state *st, struct error *err)
{
	return lose(st, FILE_DATABASE, "was given another content", err);
}

bool state_is_lost(const struct state *st)
{
	return st->lost.kind != ERR_NONE;
}

/* ---- what is left of it ------------------------------------------------------------------------------------- */

static bool is_ours(const struct state *st, enum identity_file which)
{
	struct stat file;

	return stat_file(st, which, &file) && file.st_dev == st->identity.files[which].dev && file.st_ino == st->identity.files[which].ino;
}

/*
 * A write-ahead log that stays where another database is, or will be, spoils that one: SQLite tells whose it is by its name
 * only. It goes once its content is saved, else it is put aside.
 */
static void clear_log(const struct state *st, bool saved, int64_t now_ms)
{
	char *wal = path_of(st, FILE_WAL), *shm = path_of(st, FILE_SHM), *aside = xasprintf("%s/backups/wal-%lld", st->directory, (long long)now_ms);

	if (is_ours(st, FILE_WAL)) {
		if (!saved && rename(wal, aside) == 0)
			saved = true;
		if (saved)
			unlink(wal);
		if (is_ours(st, FILE_SHM))
			unlink(shm);
	}
	free(wal);
	free(shm);
	free(aside);
}

bool state_rescue(struct state *st, int64_t now_ms, char **path, struct error *err)
{
	char *copy = xasprintf("%s/backups/rescued-%lld.db", st->directory, (long long)now_ms);
	bool ok = database_copy(st->db, copy, NULL, NULL, err);

	if (st->lost_file == FILE_DATABASE)
		clear_log(st, ok, now_ms);
	if (ok)
		*path = copy;
	else
		free(copy);
	return ok;
}
