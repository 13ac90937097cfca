/*
 * Opening a state: directory, lock, database, version, statements; and closing it.
 *
 * Durability: WAL with synchronous=FULL, so that a commit that returned is on disk before anything acts on it. NORMAL would keep the
 * database consistent but may lose the last commits at a power cut: a tree head that was acted on, an alert that was
 * recorded as sent, a triage decision somebody saw confirmed. The price is one fsync a transaction, which the store shares
 * among many small ones.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "lock.h"
#include "place.h"
#include "schema.h"
#include "sql.h"

#define BUSY_POLLS 5000       /* of a millisecond */
#define SQLITE_HEADER "SQLite format 3"
#define QUICK_CHECK_BYTES_MAX (64ll << 20)   /* checked in full at start up to this size: well under a second */

static const char PRAGMAS_ALL[] =
	"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -16000;";
/* auto_vacuum only has effect before the first table: pruned pages go back to the file system in steps (retention.c). */
static const char PRAGMAS_WRITER[] =
	"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;";

static int64_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

/*
 * What the first bytes of the file say, before SQLite works with it: some other file is refused and left alone, and so is one
 * that was cut off (with a WAL beside it the end may still be there). Read through SQLite's own descriptor: when a process
 * closes any descriptor of a file it loses every POSIX lock that it holds there, and without the daemon's lock the next
 * command that writes takes itself for the last one and removes the write-ahead log.
 */
static bool check_header(const struct state *st, struct error *err)
{
	uint8_t header[100];
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(st->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == NULL || file->pMethods == NULL ||
	    file->pMethods->xFileSize(file, &size) != SQLITE_OK || size == 0)
		return true;   /* made, but never written */
	if (size < (sqlite3_int64)sizeof(header) || file->pMethods->xRead(file, header, sizeof(header), 0) != SQLITE_OK ||
	    memcmp(header, SQLITE_HEADER, sizeof(SQLITE_HEADER)) != 0)
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db is not an SQLite database; move it away, or name another state directory",
				 st->directory);
	int64_t page_bytes = header[16] << 8 | header[17], n_pages = (int64_t)header[28] << 24 | header[29] << 16 | header[30] << 8 | header[31];
	char *wal = xasprintf("%s-wal", st->db_path);
	bool cut = file_size(wal) == 0 && file->pMethods->xFileSize(file, &size) == SQLITE_OK &&
		   (page_bytes == 1 ? 65536 : page_bytes) * n_pages > size;

	free(wal);
	if (cut)
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db was cut off, %lld bytes are left of it; move it away (keep it), and put a "
				 "backup in its place or start with an empty state", st->directory, (long long)size);
	return true;
}

static bool run_pragmas(struct state *st, const char *sql, struct error *err)
{
	int rc = sqlite3_exec(st->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK || sql_error(st, rc, err);
}

/* SQLite's own handler sleeps up to a tenth of a second between its attempts: too long beside a writer that is never idle. */
static int wait_for_lock(void *ctx, int n_before)
{
	(void)ctx;
	if (n_before >= BUSY_POLLS)
		return 0;
	sqlite3_sleep(1);
	return 1;
}

static bool connect_with(struct state *st, const char *name, int flags, struct error *err)
{
	int rc = sqlite3_open_v2(name, &st->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc != SQLITE_OK)
		return sql_error(st, rc, err);
	if (!check_header(st, err))
		return false;
	if (st->mode != STATE_READ)
		place_close_files(st);
	sqlite3_busy_handler(st->db, wait_for_lock, NULL);
	/* the first read finds out what opening does not */
	return run_pragmas(st, PRAGMAS_ALL, err) && run_pragmas(st, "SELECT COUNT(*) FROM sqlite_schema", err);
}

/* The path as a URI: what has a meaning there is escaped. */
static char *immutable_uri(const char *path)
{
	struct buf uri;

	buf_init(&uri, 8 + strlen(path) * 3 + 32);
	buf_append_text(&uri, "file:");
	for (const char *c = path; *c != '\0'; c++) {
		if (strchr("?#%", *c) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned char)*c);
		else
			buf_append_byte(&uri, (uint8_t)*c);
	}
	buf_append_text(&uri, "?immutable=1");
	buf_text(&uri);
	return (char *)uri.data;
}

/*
 * A reader that may not write into the directory cannot make the WAL's index. When no WAL is there nobody writes either: then
 * the file is read as it stands.
 */
static bool connect_reader(struct state *st, struct error *err)
{
	if (connect_with(st, st->db_path, SQLITE_OPEN_READONLY, err))
		return true;
	char *wal = xasprintf("%s-wal", st->db_path);
	bool retry = file_size(wal) == 0 && err->kind == ERR_FATAL && access(st->directory, W_OK) != 0 && state_holder(st->directory) == 0;

	free(wal);
	if (!retry)
		return false;
	sqlite3_close(st->db);
	st->db = NULL;
	char *uri = immutable_uri(st->db_path);
	bool ok = connect_with(st, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);

	free(uri);
	return ok;
}

static bool connect_database(struct state *st, struct error *err)
{
	if (st->mode == STATE_READ)
		return connect_reader(st, err);
	return connect_with(st, st->db_path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
}

static bool newer_error(const struct state *st, int version, struct error *err)
{
	return error_set(err, ERR_FATAL, "state %s was written by a newer ctwatch (version %d of its schema, this one knows %zu); use that one, or "
			 "name another state directory; nothing was changed", st->directory, version, N_MIGRATIONS);
}

static bool migrate_locked(struct state *st, int64_t now_ms, struct error *err)
{
	char *backups = xasprintf("%s/backups", st->directory);
	bool ok = run_pragmas(st, PRAGMAS_WRITER, err) && schema_migrate(st->db, MIGRATIONS, N_MIGRATIONS, backups, now_ms, err);

	free(backups);
	return ok;
}

/* A small writer makes or upgrades the database too, when no daemon is there to do it. */
static bool migrate(struct state *st, int64_t now_ms, struct error *err)
{
	if (st->lock_fd >= 0)
		return migrate_locked(st, now_ms, err);
	if (!lock_take(st->directory, now_ms, &st->lock_fd, err)) {
		err->kind = ERR_RETRY;
		return error_context(err, "its database is being made or upgraded");
	}
	bool ok = migrate_locked(st, now_ms, err);

	lock_release(&st->lock_fd);
	return ok;
}

static bool check_version(struct state *st, int64_t now_ms, struct error *err)
{
	enum schema_age age;
	int version, rc = schema_age(st->db, N_MIGRATIONS, &age, &version);

	if (rc != SQLITE_OK)
		return sql_error(st, rc, err);
	switch (age) {
	case SCHEMA_CURRENT:
		return st->mode == STATE_READ || run_pragmas(st, PRAGMAS_WRITER, err);
	case SCHEMA_NEWER:
		return newer_error(st, version, err);
	case SCHEMA_FOREIGN:
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db is some other program's database; move it away, or name another state directory",
				 st->directory);
	case SCHEMA_EMPTY:
	case SCHEMA_OLDER:
		break;
	}
	if (st->mode != STATE_READ)
		return migrate(st, now_ms, err);
	if (age == SCHEMA_EMPTY)
		return error_set(err, ERR_FATAL, "state %s is empty; `ctwatch run` fills it", st->directory);
	return error_set(err, ERR_FATAL, "state %s is of an older ctwatch (version %d of its schema, this one reads %zu); `ctwatch run` upgrades it",
			 st->directory, version, N_MIGRATIONS);
}

/* A whole check costs time by size: small databases get it at every start, large ones when they are found damaged. */
static bool quick_check(struct state *st, struct error *err)
{
	if (st->mode != STATE_DAEMON || file_size(st->db_path) > QUICK_CHECK_BYTES_MAX)
		return true;
	char found[INTEGRITY_TEXT_LEN];
	int rc = database_integrity(st->db, true, found);

	return rc == SQLITE_OK || sql_error(st, rc, err);
}

bool state_open(const char *directory, enum state_mode mode, int64_t now_ms, struct state **out, struct error *err)
{
	struct state *st = xcalloc(1, sizeof(*st));

	st->mode = mode;
	st->lock_fd = -1;
	st->alerts_per_hour = STATE_ALERTS_PER_HOUR;
	st->turn_fd = -1;
	st->directory = xstrdup(directory);
	st->db_path = xasprintf("%s/ctwatch.db", directory);
	if (!place_check(st, err) || (mode == STATE_DAEMON && !lock_take(directory, now_ms, &st->lock_fd, err)) ||
	    !connect_database(st, err) || !check_version(st, now_ms, err) || !quick_check(st, err) || !sql_prepare_all(st, err)) {
		state_close(st);
		return false;
	}
	if (mode == STATE_DAEMON && !identity_take(st, err)) {
		state_close(st);
		return false;
	}
	if (mode != STATE_READ)
		st->turn_fd = turn_open(directory);
	*out = st;
	return true;
}

void state_close(struct state *st)
{
	if (st == NULL)
		return;
	while (st->depth > 0)
		state_abort(st);
	sql_finalize_all(st);
	sqlite3_close(st->db);
	lock_release(&st->lock_fd);
	if (st->turn_fd >= 0)
		close(st->turn_fd);
	free(st->alive[0]);
	free(st->alive[1]);
	free(st->directory);
	free(st->db_path);
	free(st);
}

const char *state_directory(const struct state *st)
{
	return st->directory;
}

bool state_begins_anew(const struct state *st)
{
	return st->begins_anew;
}
