/*
 * Private to state/: statements by name, their parameters and their rows. Statements are prepared when the state opens, so
 * that a typo fails at start; a statement that is being read when it is wanted again is prepared a second time.
 */
#ifndef CTWATCH_STATE_SQL_H
#define CTWATCH_STATE_SQL_H

#include <sqlite3.h>

#include "identity.h"
#include "state.h"
#include "statements.h"

enum statement {
#define X(name, text) SQL_##name,
	STATEMENTS(X)
#undef X
	N_STATEMENTS,
};

struct state {
	sqlite3 *db;
	enum state_mode mode;
	char *directory, *db_path;
	int lock_fd;                       /* -1 without the lock */
	int turn_fd;                       /* see lock.h; -1: none */
	bool begins_anew;                  /* the database was missing where there had been one */
	int depth;                         /* of begun transactions */
	enum error_kind broken;            /* SQLite undid the outer transaction by itself (disk full): nothing more goes into it */
	sqlite3_stmt *statements[N_STATEMENTS];
	bool reading[N_STATEMENTS];        /* a struct rows has it */
	struct identity identity;          /* of the files, with STATE_DAEMON */
	struct error lost;                 /* how they were lost; kind ERR_NONE: they were not */
	enum identity_file lost_file;
	uint64_t alerts_per_hour;          /* of one log: see quota.h */
	char *alive[2];                    /* the rows that state_put_alive wrote last, newest first; or NULL */
	state_router_fn *router;
	void *router_ctx;
};

enum param_type { PARAM_ABSENT, PARAM_NULL, PARAM_INT, PARAM_TEXT, PARAM_BLOB };
struct param {
	enum param_type type;
	int64_t integer;
	struct slice bytes;
};

/* Parameters ?1, ?2 ... in order. Texts are made valid UTF-8; a NULL text is NULL. Bytes must live until the rows are closed. */
struct param param_text(const char *text);
struct param param_blob(struct slice bytes);
#define NONE ((struct param){ .type = PARAM_NULL })
#define NOTHING ((struct param){ .type = PARAM_ABSENT })    /* for a statement without parameters */
#define INT(v) ((struct param){ .type = PARAM_INT, .integer = (int64_t)(v) })
#define TEXT(v) param_text(v)
#define BLOB(v) param_blob(v)
#define HASH(h) param_blob(slice_of((h)->bytes, HASH_LEN))

bool sql_prepare_all(struct state *, struct error *err);
void sql_finalize_all(struct state *);
/* One sentence and the kind for what SQLite says; false. `doing` may be NULL. */
bool sql_error(struct state *, int rc, struct error *err);

/* Runs a statement that returns nothing. */
bool sql_run_params(struct state *, enum statement, const struct param *params, size_t n, struct error *err);
#define RUN(st, id, err, ...) \
	sql_run_params(st, id, (const struct param[]){ __VA_ARGS__ }, sizeof((const struct param[]){ __VA_ARGS__ }) / sizeof(struct param), err)
/* Rows that the last RUN inserted, changed or deleted. */
uint64_t sql_changes(struct state *);
int64_t sql_last_key(struct state *);

/*
 *   struct rows rows = ROWS(st, SQL_X, INT(1));
 *   while (rows_next(&rows))
 *           use(rows_int(&rows, 0));
 *   return rows_close(&rows, err);       false when reading failed
 */
struct rows {
	struct state *st;
	sqlite3_stmt *stmt;
	enum statement id;
	bool own;
	int rc;
	enum error_kind broken;
};
struct rows rows_open(struct state *, enum statement, const struct param *params, size_t n);
#define ROWS(st, id, ...) \
	rows_open(st, id, (const struct param[]){ __VA_ARGS__ }, sizeof((const struct param[]){ __VA_ARGS__ }) / sizeof(struct param))
bool rows_next(struct rows *);
bool rows_close(struct rows *, struct error *err);

int64_t rows_int(const struct rows *, int column);
bool rows_null(const struct rows *, int column);
const char *rows_text(const struct rows *, int column);     /* NULL for NULL; until the next row */
struct slice rows_blob(const struct rows *, int column);
bool rows_hash(const struct rows *, int column, struct hash *out);   /* false: not 32 bytes */
char *rows_dup(const struct rows *, int column);            /* malloc'd, NULL for NULL */

/* At most one row with one integer; *found may be NULL. *out stays as it was without a row. */
bool sql_one_int(struct state *, enum statement, const struct param *params, size_t n, int64_t *out, bool *found, struct error *err);
#define ONE_INT(st, id, out, found, err, ...) \
	sql_one_int(st, id, (const struct param[]){ __VA_ARGS__ }, sizeof((const struct param[]){ __VA_ARGS__ }) / sizeof(struct param), out, found, err)

/* ---- shared between the areas -------------------------------------------------------------------- */

/* The small number that stands for a log in other tables; made when it is not there. */
bool log_number(struct state *, const struct hash *log_id, int64_t *no, struct error *err);
/* 26 base32 characters of SHA-256 over the parts. */
void id_of(const struct slice *parts, size_t n, char out[FINDING_ID_LEN + 1]);
/* A size or index of a log, which fits SQL's integers: below 2^63. */
bool check_size(uint64_t size, const char *what, struct error *err);
/* Valid UTF-8 with U+FFFD for what is not, malloc'd. */
char *text_sanitize(struct slice text);
/* Ends the transaction of `st`: commits when ok, else undoes; returns ok, or false with `err` when the commit fails. */
bool state_end(struct state *, bool ok, struct error *err);
bool route_event(struct state *, const struct state_event *event, int64_t now_ms, struct error *err);
/* One finding's row (FINDING_COLUMNS) into a struct to deinit; *number is its row's key and may be NULL. */
void finding_read(const struct rows *, struct finding *out, int64_t *number);
/* Drops what is kept in full of a finding's certificates beyond `keep`; adds to *n how many. */
bool thin_certificates(struct state *, int64_t finding_no, uint64_t keep, uint64_t *n, struct error *err);

/* Writes `content` to directory/name by way of a temporary file, fsync and rename. */
bool file_put(const char *directory, const char *name, struct slice content, struct error *err);
/* Makes a directory unless it is there. */
bool directory_make(const char *path, struct error *err);
/* The kind of an errno: ERR_NO_SPACE for ENOSPC and EDQUOT, else ERR_FATAL. */
enum error_kind errno_kind(int error);

#endif
