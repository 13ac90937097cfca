/*
 * Retention by class, in short steps: each a transaction of its own, so that nobody who writes beside it waits long. Incidents,
 * evidence, and findings that were flagged or confirmed stay.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sql.h"

#define STEP_ROWS 200
#define STEP_PAGES 512           /* given back to the file system at a time: 2 MiB */
#define DAY_MS 86400000

struct pruning {
	struct state *st;
	uint64_t n;
	uint64_t max;
};

/* Keys of the rows to work on in one step. */
struct keys {
	int64_t items[STEP_ROWS];
	size_t n;
};

static bool collect(struct rows rows, struct keys *out, struct error *err)
{
	out->n = 0;
	while (out->n < STEP_ROWS && rows_next(&rows))
		out->items[out->n++] = rows_int(&rows, 0);
	return rows_close(&rows, err);
}

/* A finding and the certificates that only it has, with what hangs on them. */
static bool delete_finding(struct state *st, int64_t no, struct error *err)
{
	return RUN(st, SQL_CERTIFICATE_ORPHANS_OF, err, INT(no)) && RUN(st, SQL_FINDING_DELETE, err, INT(no));
}

static bool step_findings(struct pruning *p, enum statement which, int64_t before_ms, size_t *n, struct error *err)
{
	struct keys keys;
	bool ok = collect(ROWS(p->st, which, INT(before_ms), INT(STEP_ROWS)), &keys, err);

	for (size_t i = 0; ok && i < keys.n; i++)
		ok = delete_finding(p->st, keys.items[i], err);
	*n = keys.n;
	return ok;
}

static bool prune_findings(struct pruning *p, enum statement which, int64_t before_ms, struct error *err)
{
	size_t n;

	do {
		if (!state_begin(p->st, err) || !state_end(p->st, step_findings(p, which, before_ms, &n, err), err))
			return false;
		p->n += n;
	} while (n == STEP_ROWS && p->n < p->max);
	return true;
}

static bool prune_rows(struct pruning *p, enum statement which, int64_t bound, struct error *err)
{
	uint64_t n;

	do {
		if (!RUN(p->st, which, err, INT(bound), INT(STEP_ROWS)))
			return false;
		n = sql_changes(p->st);
		p->n += n;
	} while (n == STEP_ROWS && p->n < p->max);
	return true;
}

static bool prune_malformed(struct pruning *p, uint64_t keep, struct error *err)
{
	struct keys logs;

	if (!collect(ROWS(p->st, SQL_PRUNE_LOGS, NOTHING), &logs, err))
		return false;
	for (size_t i = 0; i < logs.n; i++) {
		uint64_t n;

		do {
			if (!RUN(p->st, SQL_PRUNE_MALFORMED, err, INT(logs.items[i]), INT(keep), INT(STEP_ROWS)))
				return false;
			n = sql_changes(p->st);
			p->n += n;
		} while (n == STEP_ROWS && p->n < p->max);
	}
	return true;
}

static bool step_busy(struct pruning *p, uint64_t keep, size_t *n, struct error *err)
{
	struct keys keys;
	uint64_t before = p->n;
	bool ok = collect(ROWS(p->st, SQL_PRUNE_BUSY, INT(keep), INT(STEP_ROWS)), &keys, err);

	for (size_t i = 0; ok && i < keys.n; i++)
		ok = thin_certificates(p->st, keys.items[i], keep, &p->n, err);
	*n = p->n > before ? keys.n : 0;
	return ok;
}

static bool prune_busy(struct pruning *p, uint64_t keep, struct error *err)
{
	size_t n;

	do
		if (!state_begin(p->st, err) || !state_end(p->st, step_busy(p, keep, &n, err), err))
			return false;
	while (n == STEP_ROWS && p->n < p->max);
	return true;
}

/* Pages that became free go back to the file system, step by step outside of a transaction. */
static bool give_back(struct state *st, struct error *err)
{
	int64_t left = INT64_MAX, before;
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", STEP_PAGES);
	do {
		before = left;
		int rc = sqlite3_exec(st->db, sql, NULL, NULL, NULL);

		if (rc != SQLITE_OK)
			return sql_error(st, rc, err);
		if (!ONE_INT(st, SQL_FREE_PAGES, &left, NULL, err, NOTHING))
			return false;
	} while (st->depth == 0 && left > 0 && left < before);
	return true;
}

/* ---- issuer certificates: files, the ones that nobody asked for longest go first ---------------------------- */

#define ISSUERS_BYTES_MAX ((uint64_t)64 << 20)   /* the ecosystem has some thousands of 1 to 3 kB */
#define ISSUER_FILES_MAX 200000

struct issuer_file {
	char name[2 * HASH_LEN + 1];
	int64_t used_s;
	uint64_t n_bytes;
};

static int by_use(const void *a, const void *b)
{
	int64_t x = ((const struct issuer_file *)a)->used_s, y = ((const struct issuer_file *)b)->used_s;

	return x < y ? -1 : x > y;
}

static size_t list_issuers(DIR *directory, struct issuer_file **out, uint64_t *n_bytes)
{
	struct dirent *entry;
	struct stat stat;
	size_t n = 0, cap = 0;

	*out = NULL;
	*n_bytes = 0;
	while (n < ISSUER_FILES_MAX && (entry = readdir(directory)) != NULL) {
		if (strlen(entry->d_name) != 2 * HASH_LEN || fstatat(dirfd(directory), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (n == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			*out = xreallocarray(*out, cap, sizeof(**out));
		}
		struct issuer_file *file = &(*out)[n++];
		snprintf(file->name, sizeof(file->name), "%.64s", entry->d_name);
		file->used_s = stat.st_mtime;
		file->n_bytes = (uint64_t)stat.st_blocks * 512;
		*n_bytes += file->n_bytes;
	}
	return n;
}

static void prune_issuers(struct state *st)
{
	char *path = xasprintf("%s/issuers", st->directory);
	DIR *directory = opendir(path);
	struct issuer_file *files;
	uint64_t n_bytes;

	free(path);
	if (directory == NULL)
		return;
	size_t n = list_issuers(directory, &files, &n_bytes);
	if (n_bytes > ISSUERS_BYTES_MAX)
		qsort(files, n, sizeof(*files), by_use);
	for (size_t i = 0; i < n && n_bytes > ISSUERS_BYTES_MAX; n_bytes -= files[i++].n_bytes)
		unlinkat(dirfd(directory), files[i].name, 0);
	free(files);
	closedir(directory);
}

bool state_prune(struct state *st, const struct retention *r, int64_t now_ms, uint64_t *n_removed, struct error *err)
{
	struct pruning p = { .st = st, .max = st->depth > 0 ? 1 : STATE_PRUNE_MAX };

	if ((r->dismissed_ms > 0 && !prune_findings(&p, SQL_PRUNE_DISMISSED, now_ms - r->dismissed_ms, err)) ||
	    (r->low_ms > 0 && !prune_findings(&p, SQL_PRUNE_LOW, now_ms - r->low_ms, err)) ||
	    (r->counters_ms > 0 && !prune_rows(&p, SQL_PRUNE_COUNTERS, (now_ms - r->counters_ms) / DAY_MS, err)) ||
	    (r->sent_ms > 0 && !prune_rows(&p, SQL_PRUNE_SENT, now_ms - r->sent_ms, err)) ||
	    (r->malformed_per_log > 0 && !prune_malformed(&p, r->malformed_per_log, err)) ||
	    (r->certificates_per_finding > 0 && !prune_busy(&p, r->certificates_per_finding, err)))
		return false;
	prune_issuers(st);
	*n_removed = p.n;
	return p.n == 0 || give_back(st, err);
}
