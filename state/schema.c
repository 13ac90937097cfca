#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "copy.h"

/*
 * `no` columns are small keys inside this database; what leaves it goes by id. Logs are rows of their own because a
 * sighting names its log: a million sightings with a 32-byte log id and a 32-byte certificate hash, twice (table and index),
 * would cost more than all the rest.
 */
static const char *const VERSION_1[] = {
	"CREATE TABLE log ("
	" no INTEGER PRIMARY KEY, log_id BLOB NOT NULL UNIQUE, name TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '',"
	" log_operator TEXT NOT NULL DEFAULT '', protocol TEXT NOT NULL DEFAULT '', lifecycle TEXT NOT NULL DEFAULT '',"
	" start_index INTEGER NOT NULL DEFAULT -1, added_ms INTEGER NOT NULL DEFAULT 0, last_success_ms INTEGER NOT NULL DEFAULT 0,"
	" last_entry_ms INTEGER NOT NULL DEFAULT 0, last_error TEXT, last_error_ms INTEGER NOT NULL DEFAULT 0,"
	" head_size INTEGER NOT NULL DEFAULT 0, head_timestamp_ms INTEGER NOT NULL DEFAULT 0, head_received_ms INTEGER NOT NULL DEFAULT 0,"
	" verified_size INTEGER NOT NULL DEFAULT 0, verified_ms INTEGER NOT NULL DEFAULT 0, why_not_read TEXT,"
	" sunset_ms INTEGER NOT NULL DEFAULT 9223372036854775807) STRICT;",

	"CREATE TABLE read_range ("
	" log_no INTEGER NOT NULL REFERENCES log, start INTEGER NOT NULL, stop INTEGER NOT NULL, verified INTEGER NOT NULL,"
	" hashes BLOB NOT NULL, PRIMARY KEY (log_no, start), CHECK (start <= stop)) STRICT, WITHOUT ROWID;",

	"CREATE TABLE head ("
	" log_no INTEGER NOT NULL REFERENCES log, tree_size INTEGER NOT NULL, root BLOB NOT NULL, timestamp_ms INTEGER NOT NULL,"
	" raw BLOB NOT NULL, received_ms INTEGER NOT NULL, verified_ms INTEGER NOT NULL DEFAULT 0, source TEXT NOT NULL,"
	" PRIMARY KEY (log_no, tree_size, root, timestamp_ms)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX head_received ON head (log_no, received_ms);",

	"CREATE TABLE counters ("
	" log_no INTEGER NOT NULL REFERENCES log, day INTEGER NOT NULL,"
	" entries INTEGER NOT NULL, lets_encrypt INTEGER NOT NULL, verified INTEGER NOT NULL, malformed INTEGER NOT NULL,"
	" matched INTEGER NOT NULL, n_bytes INTEGER NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL, throttled INTEGER NOT NULL,"
	" d0 INTEGER NOT NULL, d1 INTEGER NOT NULL, d2 INTEGER NOT NULL, d3 INTEGER NOT NULL, d4 INTEGER NOT NULL, d5 INTEGER NOT NULL,"
	" d6 INTEGER NOT NULL, d7 INTEGER NOT NULL, d8 INTEGER NOT NULL, d9 INTEGER NOT NULL, d10 INTEGER NOT NULL, d11 INTEGER NOT NULL,"
	" d12 INTEGER NOT NULL, d13 INTEGER NOT NULL, d14 INTEGER NOT NULL, d15 INTEGER NOT NULL, d16 INTEGER NOT NULL, d17 INTEGER NOT NULL,"
	" d18 INTEGER NOT NULL, d19 INTEGER NOT NULL, d20 INTEGER NOT NULL, d21 INTEGER NOT NULL, d22 INTEGER NOT NULL, d23 INTEGER NOT NULL,"
	" last_entry_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (log_no, day)) STRICT, WITHOUT ROWID;",

	/* what is long stands last: SQLite reads a row's pages only as far as it must */
	"CREATE TABLE certificate ("
	" no INTEGER PRIMARY KEY, tbs_sha256 BLOB NOT NULL UNIQUE, sha256 BLOB NOT NULL, precert INTEGER NOT NULL,"
	" der_is_tbs INTEGER NOT NULL, issuer TEXT, subject TEXT, serial TEXT, not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL,"
	" sighting_count INTEGER NOT NULL DEFAULT 0, last_log_no INTEGER, last_index INTEGER, first_seen_ms INTEGER NOT NULL,"
	" names_left_out INTEGER NOT NULL, note TEXT, names TEXT NOT NULL, der BLOB) STRICT;",

	"CREATE TABLE finding ("
	" no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL, kind TEXT NOT NULL, brand TEXT, technique TEXT,"
	" name TEXT NOT NULL, registrable_domain TEXT NOT NULL, score INTEGER NOT NULL, min_score INTEGER NOT NULL, flagged INTEGER NOT NULL,"
	" verified INTEGER NOT NULL, found_by_change INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'new', quiet_rank INTEGER,"
	" evidence TEXT NOT NULL, ruleset_id TEXT, best_certificate_no INTEGER, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
	" first_logged_ms INTEGER NOT NULL, certificate_count INTEGER NOT NULL DEFAULT 0, sighting_count INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX finding_first_seen ON finding (first_seen_ms, id);"
	"CREATE INDEX finding_last_seen ON finding (last_seen_ms);",

	/* kept: this finding still wants the certificate in full */
	"CREATE TABLE link ("
	" finding_no INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE, certificate_no INTEGER NOT NULL REFERENCES certificate ON DELETE CASCADE,"
	" kept INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (finding_no, certificate_no)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX link_certificate ON link (certificate_no);"
	"CREATE INDEX link_kept ON link (finding_no, certificate_no) WHERE kept = 1;",

	"CREATE TABLE sighting ("
	" log_no INTEGER NOT NULL REFERENCES log, entry_index INTEGER NOT NULL,"
	" certificate_no INTEGER NOT NULL REFERENCES certificate ON DELETE CASCADE, timestamp_ms INTEGER NOT NULL, verified INTEGER NOT NULL,"
	" PRIMARY KEY (log_no, entry_index, certificate_no)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX sighting_certificate ON sighting (certificate_no);"
	"CREATE INDEX sighting_unverified ON sighting (log_no, entry_index) WHERE verified = 0;",

	"CREATE TABLE leaf ("
	" no INTEGER PRIMARY KEY, log_no INTEGER NOT NULL REFERENCES log, entry_index INTEGER NOT NULL,"
	" certificate_no INTEGER NOT NULL REFERENCES certificate ON DELETE CASCADE, leaf BLOB NOT NULL, extra BLOB,"
	" UNIQUE (log_no, entry_index, certificate_no)) STRICT;"
	"CREATE INDEX leaf_certificate ON leaf (certificate_no);",

	"CREATE TABLE malformed ("
	" no INTEGER PRIMARY KEY, log_no INTEGER NOT NULL REFERENCES log, entry_index INTEGER NOT NULL, leaf BLOB NOT NULL, reason TEXT NOT NULL,"
	" seen_ms INTEGER NOT NULL, UNIQUE (log_no, entry_index)) STRICT;"
	"CREATE INDEX malformed_seen ON malformed (log_no, seen_ms);",

	"CREATE TABLE incident ("
	" id TEXT PRIMARY KEY, log_id BLOB NOT NULL, class TEXT NOT NULL, subject TEXT NOT NULL, severity TEXT NOT NULL, summary TEXT NOT NULL,"
	" details TEXT NOT NULL, evidence_dir TEXT, times INTEGER NOT NULL DEFAULT 1, opened_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	" closed_ms INTEGER NOT NULL DEFAULT 0, closed_why TEXT) STRICT;"
	"CREATE UNIQUE INDEX incident_open ON incident (log_id, class, subject) WHERE closed_ms = 0;"
	"CREATE INDEX incident_opened ON incident (opened_ms);",

	"CREATE TABLE outbox ("
	" id TEXT PRIMARY KEY, sink TEXT NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL, payload TEXT, batch TEXT, status TEXT NOT NULL,"
	" last_error TEXT, attempts INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
	" sent_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX outbox_waiting ON outbox (sink, due_ms) WHERE status = 'waiting';"
	"CREATE INDEX outbox_next ON outbox (due_ms) WHERE status = 'waiting';"
	"CREATE INDEX outbox_digest ON outbox (sink) WHERE status = 'digest';"
	"CREATE INDEX outbox_done ON outbox (sent_ms) WHERE status IN ('sent', 'dead');"
	"CREATE INDEX outbox_subject ON outbox (subject) WHERE status IN ('waiting', 'digest');"
	"CREATE INDEX outbox_created ON outbox (created_ms);",

	"CREATE TABLE triage ("
	" no INTEGER PRIMARY KEY, finding_no INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE, action TEXT NOT NULL, who TEXT NOT NULL,"
	" why TEXT, at_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX triage_finding ON triage (finding_no);"
	"CREATE INDEX triage_at ON triage (at_ms);",

	"CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;",
	NULL,
};

/* Inclusion proofs of sightings whose leaf is kept; they go with it. */
static const char *const VERSION_2[] = {
	"CREATE TABLE proof ("
	" leaf_no INTEGER PRIMARY KEY REFERENCES leaf ON DELETE CASCADE, proven_index INTEGER NOT NULL, tree_size INTEGER NOT NULL,"
	" timestamp_ms INTEGER NOT NULL, root BLOB NOT NULL, head_received_ms INTEGER NOT NULL, kept_ms INTEGER NOT NULL, head_raw BLOB NOT NULL,"
	" log_key BLOB NOT NULL, log_entry TEXT NOT NULL, path BLOB NOT NULL) STRICT;",

	"CREATE TABLE proof_answer ("
	" leaf_no INTEGER NOT NULL REFERENCES proof ON DELETE CASCADE, nth INTEGER NOT NULL, url TEXT NOT NULL, peer TEXT, status INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (leaf_no, nth)) STRICT;",
	NULL,
};

/*
 * How many names a certificate has (NULL: not known, an older version counted only some of those it left out), how long one is
 * that is too large to be kept, and the name that made a finding, where the certificate's list had no room for it.
 */
static const char *const VERSION_3[] = {
	"ALTER TABLE certificate ADD COLUMN names_total INTEGER;",
	"ALTER TABLE certificate ADD COLUMN too_large_bytes INTEGER;",
	"ALTER TABLE link ADD COLUMN name TEXT;",
	NULL,
};

/* What belongs together in a message, which message it was, and who has it already. */
static const char *const VERSION_4[] = {
	"ALTER TABLE outbox ADD COLUMN certificate TEXT;"
	"ALTER TABLE outbox ADD COLUMN message TEXT;"
	"ALTER TABLE outbox ADD COLUMN progress TEXT;",
	NULL,
};

/*
 * Verified belongs to a leaf: each sighting carries its leaf's hash. What was read but not yet proven, with sightings of which
 * that is unknown, is read again.
 */
static const char *const VERSION_5[] = {
	"ALTER TABLE sighting ADD COLUMN leaf_hash BLOB;"
	"ALTER TABLE sighting ADD COLUMN fits INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sighting ADD COLUMN withdrawn_ms INTEGER NOT NULL DEFAULT 0;",

	"DELETE FROM read_range WHERE verified = 0 AND EXISTS (SELECT 1 FROM sighting s WHERE s.log_no = read_range.log_no AND "
	"s.entry_index >= read_range.start AND s.entry_index < read_range.stop AND s.verified = 0);",
	NULL,
};

/*
 * Signed heads are kept for good, and say how they stand to each other: 1 another root was signed for this size before, 2 set aside
 * (state.h, enum head_standing).
 */
static const char *const VERSION_6[] = {
	"ALTER TABLE head ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX head_pending ON head (log_no, tree_size) WHERE verified_ms = 0;"
	"CREATE INDEX head_standing ON head (log_no) WHERE standing <> 0;",

	"UPDATE head SET standing = 1 WHERE EXISTS (SELECT 1 FROM head o WHERE o.log_no = head.log_no AND o.tree_size = head.tree_size AND "
	"o.root <> head.root AND (o.verified_ms > 0 OR (head.verified_ms = 0 AND o.received_ms < head.received_ms))) AND verified_ms = 0;",
	NULL,
};

/* What a log made us send and keep in the current hour or day, and findings that were not sent for that. */
static const char *const VERSION_7[] = {
	"CREATE TABLE log_quota ("
	" log_no INTEGER NOT NULL REFERENCES log, what TEXT NOT NULL, period INTEGER NOT NULL, n INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" excess INTEGER NOT NULL, over_ms INTEGER NOT NULL, PRIMARY KEY (log_no, what)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX log_quota_what ON log_quota (what, period);",

	"CREATE TABLE finding_withheld (finding_no INTEGER PRIMARY KEY REFERENCES finding ON DELETE CASCADE) STRICT;",
	NULL,
};

/* What the disk changes in a range is not blamed on the log. */
static const char *const VERSION_8[] = {
	"ALTER TABLE read_range ADD COLUMN checksum BLOB;",
	NULL,
};

const char *const *const MIGRATIONS[] = { VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7, VERSION_8 };
const size_t N_MIGRATIONS = ARRAY_LEN(MIGRATIONS);

static int pragma_int(sqlite3 *db, const char *sql, int *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*out = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int schema_age(sqlite3 *db, size_t n_migrations, enum schema_age *age, int *version)
{
	int application = 0, n_tables = 0, rc;

	*version = 0;
	if ((rc = pragma_int(db, "PRAGMA application_id", &application)) != SQLITE_OK ||
	    (rc = pragma_int(db, "PRAGMA user_version", version)) != SQLITE_OK ||
	    (rc = pragma_int(db, "SELECT COUNT(*) FROM sqlite_schema", &n_tables)) != SQLITE_OK)
		return rc;
	if (n_tables == 0 && *version == 0)
		*age = SCHEMA_EMPTY;
	else if (application != APPLICATION_ID)
		*age = SCHEMA_FOREIGN;
	else if (*version < 0 || (size_t)*version > n_migrations)
		*age = SCHEMA_NEWER;
	else
		*age = (size_t)*version < n_migrations ? SCHEMA_OLDER : SCHEMA_CURRENT;
	return SQLITE_OK;
}

static bool exec(sqlite3 *db, const char *sql, struct error *err)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		return true;
	return error_set(err, rc == SQLITE_FULL ? ERR_NO_SPACE : (rc & 0xff) == SQLITE_BUSY ? ERR_RETRY : ERR_FATAL,
			 "migration of the state's database failed and was undone: %s", sqlite3_errmsg(db));
}

static bool migrate_steps(sqlite3 *db, const char *const *const *migrations, int from, size_t n, struct error *err)
{
	char *mark = xasprintf("PRAGMA application_id = %d; PRAGMA user_version = %zu;", APPLICATION_ID, n);
	bool ok = true;

	for (size_t i = (size_t)from; ok && i < n; i++)
		for (const char *const *part = migrations[i]; ok && *part != NULL; part++)
			ok = exec(db, *part, err);
	ok = ok && exec(db, mark, err);
	free(mark);
	return ok;
}

bool schema_migrate(sqlite3 *db, const char *const *const *migrations, size_t n, const char *backup_directory, int64_t now_ms, struct error *err)
{
	int version = 0;

	if (pragma_int(db, "PRAGMA user_version", &version) != SQLITE_OK)
		return error_set(err, ERR_FATAL, "cannot read the version of the state's database: %s", sqlite3_errmsg(db));
	if (version < 0 || (size_t)version >= n)
		return true;
	if (version > 0) {
		char *copy = xasprintf("%s/version-%d-%lld.db", backup_directory, version, (long long)now_ms);
		bool copied = database_copy(db, copy, NULL, NULL, err);

		free(copy);
		if (!copied)
			return error_context(err, "the state must be copied before it is changed from version %d to %zu", version, n);
	}
	if (!exec(db, "BEGIN EXCLUSIVE", err))
		return false;
	if (!migrate_steps(db, migrations, version, n, err) || !exec(db, "COMMIT", err)) {
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return false;
	}
	return true;
}
