/* Is the state whole? The database, and the files that it names. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "sql.h"

#define MANIFEST_BYTES_MAX (1u << 20)
#define EVIDENCE_BYTES_MAX (256u << 20)

struct check {
	struct state *st;
	state_problem_fn *problem;
	void *ctx;
	struct state_checked *out;
};

static void tell(struct check *check, const char *subject, const char *what)
{
	char *sentence = xasprintf("%s %s", subject, what);

	check->out->n_problems++;
	check->problem(check->ctx, sentence);
	free(sentence);
}

static bool read_file(const char *path, size_t max, struct buf *out)
{
	FILE *file = fopen(path, "rbe");
	uint8_t chunk[16384];
	size_t n;
	bool fits = true;

	buf_init(out, max);
	if (file == NULL)
		return false;
	while (fits && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fits = buf_append(out, chunk, n);
	fclose(file);
	return fits;
}

/* Does the file hold what this hash was made of? */
static void check_file(struct check *check, const char *path, const char *hex)
{
	struct buf content;
	char actual[2 * HASH_LEN + 1];
	bool there = read_file(path, EVIDENCE_BYTES_MAX, &content);

	if (there) {
		struct hash hash = sha256(buf_slice(&content));
		hex_encode(hash.bytes, HASH_LEN, actual);
	}
	check->out->n_files++;
	if (!there)
		tell(check, path, "is missing or cannot be read");
	else if (strcmp(actual, hex) != 0)
		tell(check, path, "was changed: it does not have its SHA-256 any more");
	buf_deinit(&content);
}

/* "<64 hex>  <name>" a line */
static void check_manifest(struct check *check, const char *directory, struct slice manifest)
{
	while (manifest.len > 0) {
		ptrdiff_t end = slice_find(manifest, '\n');
		size_t len = end < 0 ? manifest.len : (size_t)end;
		struct slice line = slice_sub(manifest, 0, len);

		manifest = slice_sub(manifest, end < 0 ? len : len + 1, manifest.len);
		if (line.len <= 66)
			continue;
		char *hex = slice_dup_text(slice_sub(line, 0, 64)), *name = slice_dup_text(slice_sub(line, 66, line.len));
		char *path = xasprintf("%s/%s", directory, name);
		check_file(check, path, hex);
		free(hex), free(name), free(path);
	}
}

static bool check_evidence(void *ctx, const struct incident *incident)
{
	struct check *check = ctx;
	struct buf manifest;

	if (incident->evidence_dir == NULL)
		return true;
	char *directory = xasprintf("%s/%s", check->st->directory, incident->evidence_dir), *path = xasprintf("%s/manifest.sha256", directory);

	check->out->n_incidents++;
	if (read_file(path, MANIFEST_BYTES_MAX, &manifest))
		check_manifest(check, directory, buf_slice(&manifest));
	else
		tell(check, path, "is missing: the evidence of this incident is not there");
	buf_deinit(&manifest);
	free(directory);
	free(path);
	return true;
}

static void check_issuers(struct check *check)
{
	char *directory = xasprintf("%s/issuers", check->st->directory);
	DIR *entries = opendir(directory);

	for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
		char *path = xasprintf("%s/%s", directory, entry->d_name);

		if (entry->d_name[0] != '.') {
			check->out->n_issuers++;
			check_file(check, path, entry->d_name);
		}
		free(path);
	}
	if (entries != NULL)
		closedir(entries);
	free(directory);
}

/* Rows that name rows which are not there. */
static void check_references(struct check *check)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(check->st->db, "PRAGMA foreign_key_check", -1, &stmt, NULL) == SQLITE_OK) {
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			char *row = xasprintf("a row of %s", (const char *)sqlite3_column_text(stmt, 0));

			tell(check, row, "names a row that is not there");
			free(row);
		}
	}
	sqlite3_finalize(stmt);
}

bool state_check(struct state *st, bool quick, state_problem_fn *problem, void *ctx, struct state_checked *out, struct error *err)
{
	struct check check = { st, problem, ctx, out };
	char found[INTEGRITY_TEXT_LEN];
	int rc = database_integrity(st->db, quick, found);

	*out = (struct state_checked){ 0 };
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_CORRUPT)
		return sql_error(st, rc, err);
	if (rc != SQLITE_OK)
		return error_set(err, ERR_FATAL, "state %s: the database is damaged: %s; stop ctwatch and put a backup back with `ctwatch state restore --replace`",
				 st->directory, found);
	check_references(&check);
	if (!state_each_incident(st, false, 0, 0, check_evidence, &check, err))
		return false;
	check_issuers(&check);
	return true;
}
