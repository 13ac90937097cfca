/* Transactions and their nested ones; small things that several areas share. */
#include <inttypes.h>
#include "sql.h"

static bool control(struct state *st, enum statement id, struct error *err)
{
	return RUN(st, id, err, NOTHING);
}

bool state_begin(struct state *st, struct error *err)
{
	if (st->depth == 0)
		st->broken = ERR_NONE;
	enum statement id = st->depth > 0 ? SQL_SAVEPOINT : st->mode == STATE_READ ? SQL_BEGIN_READ : SQL_BEGIN_WRITE;

	if ((st->depth == 0 && !identity_check(st, err)) || !control(st, id, err))
		return false;
	st->depth++;
	return true;
}

void state_abort(struct state *st)
{
	struct error ignored;

	if (st->depth == 0)
		return;
	st->depth--;
	if (sqlite3_get_autocommit(st->db))
		return;   /* SQLite undid it already */
	if (st->depth == 0) {
		control(st, SQL_ROLLBACK, &ignored);
		return;
	}
	if (control(st, SQL_ROLLBACK_TO, &ignored))
		control(st, SQL_RELEASE, &ignored);
}

bool state_commit(struct state *st, struct error *err)
{
	if (st->depth == 0)
		return error_set(err, ERR_FATAL, "state %s: a commit without a begin", st->directory);
	if (!control(st, st->depth == 1 ? SQL_COMMIT : SQL_RELEASE, err))
		return false;
	st->depth--;
	return true;
}

bool state_end(struct state *st, bool ok, struct error *err)
{
	if (ok && state_commit(st, err))
		return true;
	state_abort(st);
	return false;
}

void id_of(const struct slice *parts, size_t n, char out[FINDING_ID_LEN + 1])
{
	struct hash hash = sha256_parts(parts, n);
	char text[(HASH_LEN * 8 + 4) / 5 + 1];

	base32_encode(hash.bytes, HASH_LEN, text);
	for (size_t i = 0; i < FINDING_ID_LEN; i++)
		out[i] = text[i];
	out[FINDING_ID_LEN] = '\0';
}

bool check_size(uint64_t size, const char *what, struct error *err)
{
	if (size <= INT64_MAX)
		return true;
	return error_set(err, ERR_MALFORMED, "%s %" PRIu64 " is larger than any tree can be (2^63 - 1)", what, size);
}

bool log_number(struct state *st, const struct hash *log_id, int64_t *no, struct error *err)
{
	bool found;

	if (!ONE_INT(st, SQL_LOG_NUMBER, no, &found, err, HASH(log_id)))
		return false;
	if (found)
		return true;
	if (!RUN(st, SQL_LOG_ENSURE, err, HASH(log_id)))
		return false;
	return ONE_INT(st, SQL_LOG_NUMBER, no, NULL, err, HASH(log_id));
}
