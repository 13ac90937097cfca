#include "sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lock.h"

static const char *const TEXTS[N_STATEMENTS] = {
#define X(name, text) [SQL_##name] = text,
	STATEMENTS(X)
#undef X
};

/* ---- errors --------------------------------------------------------------------------------------- */

/* A quota or a limit on the size of files is a full disk for us: somebody can raise it while we run. */
enum error_kind errno_kind(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? ERR_NO_SPACE : ERR_FATAL;
}

/* What an SQLite result means for the operator: the first row that fits, by primary code. */
static const struct {
	int rc;
	enum error_kind kind;
	const char *sentence;     /* after "state DIR: " */
} MEANINGS[] = {
	{ SQLITE_BUSY, ERR_RETRY, "the database is locked by another process; trying again later" },
	{ SQLITE_LOCKED, ERR_RETRY, "the database is locked by another process; trying again later" },
	{ SQLITE_FULL, ERR_NO_SPACE, "the disk is full; nothing was changed, make room" },
	{ SQLITE_READONLY, ERR_FATAL, "the database is read-only for this user; give it write permission on the directory and its files" },
	{ SQLITE_PERM, ERR_FATAL, "the database is read-only for this user; give it write permission on the directory and its files" },
	{ SQLITE_CANTOPEN, ERR_FATAL, "the database cannot be opened by this user; check the permissions of the directory and its files" },
	{ SQLITE_CORRUPT, ERR_FATAL,
	  "the database is damaged; stop ctwatch, move ctwatch.db away (keep it), and put a backup in its place or start with an empty state" },
	{ SQLITE_NOTADB, ERR_FATAL, "ctwatch.db is not an SQLite database; move it away, or name another state directory" },
};

/* SQLite itself knows ENOSPC alone. What it then says as the system's error is what came last, not what failed: the files know. */
static bool file_is_full(sqlite3 *db, int which)
{
	sqlite3_file *file = NULL;
	int error = 0;

	return sqlite3_file_control(db, "main", which, &file) == SQLITE_OK && file != NULL && file->pMethods != NULL &&
	       file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK && errno_kind(error) == ERR_NO_SPACE;
}

static bool disk_is_full(sqlite3 *db, int rc)
{
	return db != NULL && (rc & 0xff) == SQLITE_IOERR &&
	       (file_is_full(db, SQLITE_FCNTL_JOURNAL_POINTER) || file_is_full(db, SQLITE_FCNTL_FILE_POINTER));
}

bool sql_error(struct state *st, int rc, struct error *err)
{
	if (disk_is_full(st->db, rc))
		rc = SQLITE_FULL;
	err->kind = ERR_FATAL;
	for (size_t i = 0; i < ARRAY_LEN(MEANINGS); i++) {
		if ((rc & 0xff) != MEANINGS[i].rc)
			continue;
		error_set(err, MEANINGS[i].kind, "state %s: %s", st->directory, MEANINGS[i].sentence);
		goto mark;
	}
	error_set(err, ERR_FATAL, "state %s: %s", st->directory, st->db != NULL ? sqlite3_errmsg(st->db) : sqlite3_errstr(rc));
mark:
	/* a full disk makes SQLite undo the whole transaction, not only the statement */
	if (st->depth > 0 && st->db != NULL && sqlite3_get_autocommit(st->db))
		st->broken = err->kind;
	return false;
}

static bool broken_error(struct state *st, enum error_kind kind, struct error *err)
{
	return error_set(err, kind, "state %s: the transaction was undone when %s", st->directory,
			 kind == ERR_NO_SPACE ? "the disk ran full" : "its database failed");
}

/* ---- parameters ----------------------------------------------------------------------------------- */

struct param param_text(const char *text)
{
	if (text == NULL)
		return NONE;
	return (struct param){ .type = PARAM_TEXT, .bytes = slice_text(text) };
}

struct param param_blob(struct slice bytes)
{
	return (struct param){ .type = PARAM_BLOB, .bytes = bytes };
}

char *text_sanitize(struct slice text)
{
	struct buf out;
	uint32_t code_point;

	buf_init(&out, text.len * 3 + 1);
	while (text.len > 0) {
		struct slice before = text;

		if (utf8_take(&text, &code_point)) {
			buf_append(&out, before.data, before.len - text.len);
			continue;
		}
		buf_append_text(&out, "\xef\xbf\xbd");
		text = slice_sub(before, 1, before.len);
	}
	buf_text(&out);
	return (char *)out.data;
}

static int bind_text(sqlite3_stmt *stmt, int at, struct slice text)
{
	if (utf8_valid(text))
		return sqlite3_bind_text64(stmt, at, (const char *)text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
	char *clean = text_sanitize(text);
	int rc = sqlite3_bind_text(stmt, at, clean, -1, SQLITE_TRANSIENT);

	free(clean);
	return rc;
}

static int bind(sqlite3_stmt *stmt, const struct param *params, size_t n)
{
	size_t n_given = n == 1 && params[0].type == PARAM_ABSENT ? 0 : n;
	int rc = n_given == (size_t)sqlite3_bind_parameter_count(stmt) ? SQLITE_OK : SQLITE_RANGE;

	for (size_t i = 0; i < n_given && rc == SQLITE_OK; i++) {
		const struct param *p = &params[i];
		int at = (int)i + 1;

		switch (p->type) {
		case PARAM_ABSENT:
			break;
		case PARAM_NULL:
			rc = sqlite3_bind_null(stmt, at);
			break;
		case PARAM_INT:
			rc = sqlite3_bind_int64(stmt, at, p->integer);
			break;
		case PARAM_TEXT:
			rc = bind_text(stmt, at, p->bytes);
			break;
		case PARAM_BLOB:   /* an empty blob is not NULL */
			rc = sqlite3_bind_blob64(stmt, at, p->bytes.len > 0 ? (const void *)p->bytes.data : "", p->bytes.len, SQLITE_STATIC);
			break;
		}
	}
	return rc;
}

/* ---- statements ------------------------------------------------------------------------------------- */

bool sql_prepare_all(struct state *st, struct error *err)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		int rc = sqlite3_prepare_v3(st->db, TEXTS[i], -1, SQLITE_PREPARE_PERSISTENT, &st->statements[i], NULL);

		if (rc != SQLITE_OK)
			return sql_error(st, rc, err);
	}
	return true;
}

void sql_finalize_all(struct state *st)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		sqlite3_finalize(st->statements[i]);
		st->statements[i] = NULL;
	}
}

struct rows rows_open(struct state *st, enum statement id, const struct param *params, size_t n)
{
	struct rows rows = { .st = st, .id = id, .rc = SQLITE_OK, .broken = st->depth > 0 ? st->broken : ERR_NONE };

	if (rows.broken != ERR_NONE)
		return rows;
	if (st->reading[id]) {
		rows.own = true;
		rows.rc = sqlite3_prepare_v2(st->db, TEXTS[id], -1, &rows.stmt, NULL);
	} else {
		rows.stmt = st->statements[id];
		st->reading[id] = true;
	}
	if (rows.rc == SQLITE_OK)
		rows.rc = bind(rows.stmt, params, n);
	return rows;
}

bool rows_next(struct rows *rows)
{
	if (rows->broken != ERR_NONE || (rows->rc != SQLITE_OK && rows->rc != SQLITE_ROW))
		return false;
	rows->rc = sqlite3_step(rows->stmt);
	return rows->rc == SQLITE_ROW;
}

bool rows_close(struct rows *rows, struct error *err)
{
	int rc = rows->rc;
	bool ok = rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE;

	if (rows->broken != ERR_NONE)
		return broken_error(rows->st, rows->broken, err);
	/* before reset: it may clear what went wrong */
	if (!ok)
		sql_error(rows->st, rc, err);
	if (rows->own) {
		sqlite3_finalize(rows->stmt);
	} else {
		sqlite3_reset(rows->stmt);
		sqlite3_clear_bindings(rows->stmt);
		rows->st->reading[rows->id] = false;
	}
	rows->stmt = NULL;
	return ok;
}

bool sql_run_params(struct state *st, enum statement id, const struct param *params, size_t n, struct error *err)
{
	struct rows rows = rows_open(st, id, params, n);
	bool begins_to_write = st->depth == 0 && rows.stmt != NULL && rows.rc == SQLITE_OK && !sqlite3_stmt_readonly(rows.stmt);

	if (begins_to_write)
		turn_take(st->turn_fd);
	while (rows_next(&rows))
		;
	if (begins_to_write)
		turn_release(st->turn_fd);
	return rows_close(&rows, err);
}

uint64_t sql_changes(struct state *st)
{
	return (uint64_t)sqlite3_changes64(st->db);
}

int64_t sql_last_key(struct state *st)
{
	return sqlite3_last_insert_rowid(st->db);
}

bool sql_one_int(struct state *st, enum statement id, const struct param *params, size_t n, int64_t *out, bool *found, struct error *err)
{
	struct rows rows = rows_open(st, id, params, n);
	bool is_row = rows_next(&rows);

	if (is_row && !rows_null(&rows, 0))
		*out = rows_int(&rows, 0);
	if (found != NULL)
		*found = is_row;
	return rows_close(&rows, err);
}

/* ---- columns ------------------------------------------------------------------------------------------ */

int64_t rows_int(const struct rows *rows, int column)
{
	return sqlite3_column_int64(rows->stmt, column);
}

bool rows_null(const struct rows *rows, int column)
{
	return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

const char *rows_text(const struct rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->stmt, column);
}

struct slice rows_blob(const struct rows *rows, int column)
{
	const void *data = sqlite3_column_blob(rows->stmt, column);

	return slice_of(data, (size_t)sqlite3_column_bytes(rows->stmt, column));
}

bool rows_hash(const struct rows *rows, int column, struct hash *out)
{
	struct slice bytes = rows_blob(rows, column);

	if (bytes.len != HASH_LEN)
		return false;
	memcpy(out->bytes, bytes.data, HASH_LEN);
	return true;
}

char *rows_dup(const struct rows *rows, int column)
{
	const char *text = rows_text(rows, column);

	return text != NULL ? xstrdup(text) : NULL;
}
