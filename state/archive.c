/* See archive.h. */
#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sql.h"

#define FILE_BYTES_MAX (256u << 20)      /* of one file: evidence is smaller by far */
#define DEPTH_MAX 2                      /* incidents/<id>/<file> */

static const char *const ROOTS[] = { "incidents", "issuers", "lists" };

static bool sql_failed(sqlite3 *db, const char *doing, struct error *err)
{
	int code = sqlite3_errcode(db) & 0xff;

	return error_set(err, code == SQLITE_FULL ? ERR_NO_SPACE : ERR_FATAL, "%s: %s", doing, sqlite3_errmsg(db));
}

static bool exec(sqlite3 *db, const char *sql, const char *doing, struct error *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || sql_failed(db, doing, err);
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

static bool read_whole(const char *path, struct buf *out, struct error *err)
{
	FILE *file = fopen(path, "rbe");
	uint8_t chunk[16384];
	size_t n;
	bool fits = true;

	if (file == NULL)
		return error_set(err, ERR_FATAL, "cannot read %s: %s", path, strerror(errno));
	while (fits && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fits = buf_append(out, chunk, n);
	bool ok = fits && ferror(file) == 0;
	fclose(file);
	return ok || error_set(err, ERR_FATAL, "cannot read %s: %s", path, fits ? strerror(errno) : "it is too large to be evidence");
}

static bool pack_file(sqlite3_stmt *insert, const char *path, const char *name, const struct stat *st, struct error *err)
{
	struct buf content;
	buf_init(&content, FILE_BYTES_MAX);
	bool ok = read_whole(path, &content, err);

	if (ok) {
		sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(insert, 2, (sqlite3_int64)(st->st_mode & 0100640));
		sqlite3_bind_int64(insert, 3, st->st_mtime);
		sqlite3_bind_int64(insert, 4, (sqlite3_int64)content.len);
		sqlite3_bind_blob(insert, 5, content.len > 0 ? (const void *)content.data : "", (int)content.len, SQLITE_STATIC);
		ok = sqlite3_step(insert) == SQLITE_DONE || sql_failed(sqlite3_db_handle(insert), name, err);
		sqlite3_reset(insert);
		sqlite3_clear_bindings(insert);
	}
	buf_deinit(&content);
	return ok;
}

/* Files that are being written have a name with a dot in front; what vanishes meanwhile was replaced by a newer one. */
static bool pack_directory(sqlite3_stmt *insert, const char *directory, const char *name, int depth, struct error *err)
{
	char *path = xasprintf("%s/%s", directory, name);
	DIR *entries = opendir(path);
	bool ok = entries != NULL || errno == ENOENT || error_set(err, ERR_FATAL, "cannot read %s: %s", path, strerror(errno));

	for (const struct dirent *entry; ok && entries != NULL && (entry = readdir(entries)) != NULL;) {
		char *child = xasprintf("%s/%s", name, entry->d_name), *child_path = xasprintf("%s/%s", directory, child);
		struct stat st;

		if (entry->d_name[0] == '.' || lstat(child_path, &st) != 0)
			;
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			ok = pack_directory(insert, directory, child, depth + 1, err);
		else if (S_ISREG(st.st_mode))
			ok = pack_file(insert, child_path, child, &st, err);
		free(child);
		free(child_path);
	}
	if (entries != NULL)
		closedir(entries);
	free(path);
	return ok;
}

bool archive_pack(const char *directory, sqlite3 *copy, struct error *err)
{
	sqlite3_stmt *insert = NULL;
	bool ok = exec(copy, "DROP TABLE IF EXISTS sqlar; CREATE TABLE sqlar (name TEXT PRIMARY KEY, mode INT, mtime INT, sz INT, data BLOB); BEGIN",
		       "the files of the state cannot be copied", err);

	if (ok && sqlite3_prepare_v2(copy, "INSERT INTO sqlar VALUES (?1, ?2, ?3, ?4, ?5)", -1, &insert, NULL) != SQLITE_OK)
		ok = sql_failed(copy, "the files of the state cannot be copied", err);
	for (size_t i = 0; ok && i < ARRAY_LEN(ROOTS); i++)
		ok = pack_directory(insert, directory, ROOTS[i], 1, err);
	sqlite3_finalize(insert);
	return ok && exec(copy, "COMMIT", "the files of the state cannot be copied", err);
}

/* ---- unpacking ----------------------------------------------------------------------------------------------------- */

/* One of ours below the directory: root/name or root/name/name, no name begins with a dot. */
static bool is_our_name(const char *name)
{
	size_t n_slashes = 0;
	bool ours = false;

	for (size_t i = 0; i < ARRAY_LEN(ROOTS); i++)
		ours = ours || (strncmp(name, ROOTS[i], strlen(ROOTS[i])) == 0 && name[strlen(ROOTS[i])] == '/');
	for (const char *c = name; *c != '\0'; c++) {
		if (*c != '/')
			continue;
		n_slashes++;
		if (c[1] == '.' || c[1] == '/' || c[1] == '\0')
			return false;
	}
	return ours && n_slashes <= DEPTH_MAX;
}

static bool unpack_file(const char *directory, const char *name, struct slice content, struct error *err)
{
	if (!is_our_name(name))
		return error_set(err, ERR_FATAL, "the backup holds a file that is not a state's: %.100s", name);
	char *path = xasprintf("%s/%s", directory, name), *slash = strrchr(path, '/');
	*slash = '\0';
	bool ok = directory_make(path, err) && file_put(path, slash + 1, content, err);
	free(path);
	return ok;
}

bool archive_exists(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	bool exists = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE name = 'sqlar'", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;

	sqlite3_finalize(stmt);
	return exists;
}

bool archive_unpack(sqlite3 *copy, const char *directory, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (!archive_exists(copy))
		return true;
	if (sqlite3_prepare_v2(copy, "SELECT name, data FROM sqlar WHERE sz = length(data) ORDER BY name", -1, &stmt, NULL) != SQLITE_OK)
		return sql_failed(copy, "the files of the backup cannot be read", err);
	bool ok = true;
	while (ok && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);
		struct slice content = slice_of(sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));

		ok = unpack_file(directory, name != NULL ? name : "", content, err);
	}
	if (ok && rc != SQLITE_DONE)
		ok = sql_failed(copy, "the files of the backup cannot be read", err);
	sqlite3_finalize(stmt);
	return ok && exec(copy, "DROP TABLE sqlar; PRAGMA incremental_vacuum", "the restored database cannot be written", err);
}
