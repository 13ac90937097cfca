/*
 * Which sightings are in a signed tree. A log, or what stands between it and us, may answer one question twice in two ways:
 * matches of both answers are stored, but the read ranges are hashed from one of them. Each sighting says which:
 *
 *   LEAF_UNKNOWN    not compared with the ranges (a scan found it, or an older version of this program)
 *   LEAF_FITS       the stored ranges were hashed from this leaf: verified when they are
 *   LEAF_REPLACED   read again, the entry had another leaf: withdrawn when the ranges are verified
 *
 * Ranges and this column change in the same transaction, so that it holds over a kill and a restart.
 */
#include <stdlib.h>
#include <string.h>

#include "sql.h"

/* RFC 6962 section 2.1: SHA-256 of a zero byte and the leaf. False for one that was cut when it was stored. */
static bool hash_kept_leaf(struct slice leaf, struct hash *out)
{
	struct buf bytes;

	if (leaf.len == 0 || leaf.len >= STATE_DER_MAX)
		return false;
	buf_init(&bytes, STATE_DER_MAX + 1);
	buf_append_byte(&bytes, 0x00);
	buf_append_slice(&bytes, leaf);
	*out = sha256(buf_slice(&bytes));
	buf_deinit(&bytes);
	return true;
}

struct settling {
	struct state *st;
	int64_t log_no;
	uint64_t from;
	const struct hash *hashes;
	struct error *err;
};

static bool settle_row(const struct settling *s, const struct rows *rows)
{
	int64_t index = rows_int(rows, 0), fits;
	struct hash hash;

	if (!rows_hash(rows, 2, &hash) && !hash_kept_leaf(rows_blob(rows, 4), &hash))
		return true;
	fits = hash_equal(&hash, &s->hashes[(uint64_t)index - s->from]) ? LEAF_FITS : LEAF_REPLACED;
	if (fits == rows_int(rows, 3))
		return true;
	return RUN(s->st, SQL_LEAF_SETTLE, s->err, INT(s->log_no), INT(index), INT(rows_int(rows, 1)), HASH(&hash), INT(fits));
}

static bool settle(struct settling *s, size_t n)
{
	struct rows rows = ROWS(s->st, SQL_LEAVES_OPEN, INT(s->log_no), INT(s->from), INT(s->from + n));
	struct error ignored;
	bool ok = true;

	while (ok && rows_next(&rows))
		ok = settle_row(s, &rows);
	return rows_close(&rows, ok ? s->err : &ignored) && ok;
}

bool state_settle_leaves(struct state *st, const struct hash *log_id, uint64_t from, const struct hash *hashes, size_t n, struct error *err)
{
	struct settling s = { .st = st, .from = from, .hashes = hashes, .err = err };

	if (!check_size(from + n, "tree size", err) || !state_begin(st, err))
		return false;
	return state_end(st, log_number(st, log_id, &s.log_no, err) && settle(&s, n), err);
}

/* ---- verified, and withdrawn --------------------------------------------------------------------------- */

void state_withdrawn_deinit(struct state_withdrawn *w)
{
	for (size_t i = 0; i < w->n_named; i++) {
		free(w->named[i].name);
		buf_deinit(&w->named[i].leaf);
	}
	*w = (struct state_withdrawn){ 0 };
}

/* One finding of each of the first sightings. */
static bool name_withdrawn(struct state *st, int64_t log_no, uint64_t start, uint64_t end, struct state_withdrawn *out, struct error *err)
{
	struct rows rows = ROWS(st, SQL_WITHDRAW_EACH, INT(log_no), INT(start), INT(end));

	while (out->n_named < STATE_WITHDRAWN_NAMED && rows_next(&rows)) {
		uint64_t index = (uint64_t)rows_int(&rows, 0);

		if (out->n_named > 0 && out->named[out->n_named - 1].index == index)
			continue;
		size_t i = out->n_named++;
		const char *id = rows_text(&rows, 1);

		out->named[i].index = index;
		memcpy(out->named[i].finding, id, strnlen(id, FINDING_ID_LEN));
		out->named[i].name = rows_dup(&rows, 2);
		rows_hash(&rows, 3, &out->named[i].leaf_hash);
		buf_init(&out->named[i].leaf, STATE_DER_MAX);
		buf_append_slice(&out->named[i].leaf, rows_blob(&rows, 4));
	}
	return rows_close(&rows, err);
}

static bool mark(struct state *st, const struct hash *log_id, uint64_t start, uint64_t end, int64_t now_ms, struct state_withdrawn *out,
		 struct error *err)
{
	int64_t no;

	if (!log_number(st, log_id, &no, err) || !RUN(st, SQL_VERIFY_FINDINGS, err, INT(no), INT(start), INT(end)) ||
	    !RUN(st, SQL_VERIFY_SIGHTINGS, err, INT(no), INT(start), INT(end)) || !name_withdrawn(st, no, start, end, out, err) ||
	    !RUN(st, SQL_WITHDRAW_SIGHTINGS, err, INT(no), INT(start), INT(end), INT(now_ms)))
		return false;
	out->n = sql_changes(st);
	return true;
}

bool state_mark_verified(struct state *st, const struct hash *log_id, uint64_t start, uint64_t end, int64_t now_ms, struct state_withdrawn *out,
			 struct error *err)
{
	struct state_withdrawn withdrawn = { 0 };

	if (!check_size(end, "tree size", err) || !state_begin(st, err))
		return false;
	if (!state_end(st, mark(st, log_id, start, end, now_ms, &withdrawn, err), err)) {
		state_withdrawn_deinit(&withdrawn);
		return false;
	}
	*out = withdrawn;
	return true;
}

bool state_verify_leaf(struct state *st, const struct hash *log_id, uint64_t index, const struct hash *leaf_hash, struct error *err)
{
	int64_t no;

	if (!check_size(index, "entry index", err) || !state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err) && RUN(st, SQL_VERIFY_FINDINGS_OF_LEAF, err, INT(no), INT(index), HASH(leaf_hash)) &&
		  RUN(st, SQL_VERIFY_LEAF, err, INT(no), INT(index), HASH(leaf_hash));
	return state_end(st, ok, err);
}
