/*
 * Inclusion proofs of sightings whose leaf is kept: one each, with the signed head, the log's key and list entry as they were
 * then, and what the log answered. They go when their leaf goes.
 */
#include <stdlib.h>

#include "sql.h"

#define PATH_BYTES_MAX (64 * HASH_LEN)
#define HEAD_RAW_BYTES_MAX (256u << 10)
#define KEY_BYTES_MAX (16u << 10)

void state_unproven_deinit(struct state_unproven *u)
{
	buf_deinit(&u->leaf);
	buf_deinit(&u->head_raw);
}

static bool read_head(struct state *st, int64_t log_no, struct state_unproven *out, struct error *err)
{
	struct rows rows = ROWS(st, SQL_PROOF_HEAD, INT(log_no), INT(out->index));

	if (rows_next(&rows)) {
		out->has_head = rows_hash(&rows, 2, &out->head.root) && buf_append_slice(&out->head_raw, rows_blob(&rows, 3));
		out->head.tree_size = (uint64_t)rows_int(&rows, 0);
		out->head.timestamp_ms = (uint64_t)rows_int(&rows, 1);
		out->head.received_ms = rows_int(&rows, 4);
		out->head.raw = buf_slice(&out->head_raw);
	}
	return rows_close(&rows, err);
}

bool state_next_unproven(struct state *st, const struct hash *log_id, uint64_t from, uint64_t to, bool verified_only, struct state_unproven *out,
			 bool *found, struct error *err)
{
	struct state_unproven u = { 0 };
	int64_t log_no;

	if (!check_size(from, "entry index", err) || !check_size(to, "entry index", err) || !log_number(st, log_id, &log_no, err))
		return false;
	buf_init(&u.leaf, STATE_DER_MAX);
	buf_init(&u.head_raw, HEAD_RAW_BYTES_MAX);
	struct rows rows = ROWS(st, SQL_PROOF_NEXT, INT(log_no), INT(from), INT(to), INT(verified_only), INT(STATE_DER_MAX), INT(STATE_PROOFS_MAX));
	*found = rows_next(&rows);
	if (*found) {
		u.index = (uint64_t)rows_int(&rows, 0);
		buf_append_slice(&u.leaf, rows_blob(&rows, 1));
		u.timestamp_ms = rows_int(&rows, 2);
	}
	if (!rows_close(&rows, err) || (*found && !read_head(st, log_no, &u, err))) {
		state_unproven_deinit(&u);
		return false;
	}
	*out = u;
	return true;
}

static bool check_proof(const struct state_proof *p, struct error *err)
{
	if (!check_size(p->index, "entry index", err) || !check_size(p->proven_index, "entry index", err) || !check_size(p->tree_size, "tree size", err) ||
	    !check_size(p->timestamp_ms, "timestamp", err))
		return false;
	if (p->path.len > PATH_BYTES_MAX || p->path.len % HASH_LEN != 0 || p->head_raw.len > HEAD_RAW_BYTES_MAX || p->log_key.len > KEY_BYTES_MAX)
		return error_set(err, ERR_MALFORMED, "proof of entry %llu is larger than a proof can be, not kept", (unsigned long long)p->index);
	return true;
}

/* The first answers; of one that is longer than any such answer can be, all but the body. */
static bool put_answers(struct state *st, int64_t leaf_no, const struct state_proof *p, struct error *err)
{
	for (size_t i = 0; i < p->n_answers && i < STATE_ANSWERS_MAX; i++) {
		const struct state_answer *a = &p->answers[i];
		struct slice body = a->body.len <= STATE_ANSWER_BYTES_MAX ? a->body : (struct slice){ 0 };

		if (!RUN(st, SQL_PROOF_ANSWER_PUT, err, INT(leaf_no), INT(i), TEXT(a->url), TEXT(a->peer), INT(a->status), INT(a->received_ms), BLOB(body)))
			return false;
	}
	return true;
}

static bool put_for_leaf(struct state *st, int64_t leaf_no, const struct state_proof *p, struct error *err)
{
	if (!RUN(st, SQL_PROOF_PUT, err, INT(leaf_no), INT(p->proven_index), INT(p->tree_size), INT(p->timestamp_ms), HASH(&p->root),
		 INT(p->head_received_ms), INT(p->kept_ms), BLOB(p->head_raw), BLOB(p->log_key), TEXT(p->log_json), BLOB(p->path)))
		return false;
	return sql_changes(st) == 0 || put_answers(st, leaf_no, p, err);
}

/* One entry is one certificate, unless the log answered differently when it was read again: then each has a leaf, and one is proven. */
#define LEAVES_OF_ENTRY_MAX 8

static bool put_proof(struct state *st, const struct state_proof *p, struct error *err)
{
	int64_t log_no, leaves[LEAVES_OF_ENTRY_MAX];
	size_t n = 0;

	if (!log_number(st, &p->log_id, &log_no, err))
		return false;
	struct rows rows = ROWS(st, SQL_PROOF_LEAVES, INT(log_no), INT(p->index), p->leaf.len > 0 ? BLOB(p->leaf) : NONE);
	while (n < LEAVES_OF_ENTRY_MAX && rows_next(&rows))
		leaves[n++] = rows_int(&rows, 0);
	if (!rows_close(&rows, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!put_for_leaf(st, leaves[i], p, err))
			return false;
	return true;
}

bool state_put_proof(struct state *st, const struct state_proof *proof, struct error *err)
{
	if (!check_proof(proof, err) || !state_begin(st, err))
		return false;
	return state_end(st, put_proof(st, proof, err), err);
}

struct answers {
	struct state_answer items[STATE_ANSWERS_MAX];
	char *texts[2 * STATE_ANSWERS_MAX];
	struct buf bodies[STATE_ANSWERS_MAX];
	size_t n;
};

static bool read_answers(struct state *st, int64_t leaf_no, struct answers *out, struct error *err)
{
	struct rows rows = ROWS(st, SQL_PROOF_ANSWERS, INT(leaf_no), INT(STATE_ANSWERS_MAX));

	while (out->n < STATE_ANSWERS_MAX && rows_next(&rows)) {
		size_t i = out->n++;

		buf_init(&out->bodies[i], STATE_ANSWER_BYTES_MAX);
		buf_append_slice(&out->bodies[i], rows_blob(&rows, 4));
		out->texts[2 * i] = rows_dup(&rows, 0);
		out->texts[2 * i + 1] = rows_dup(&rows, 1);
		out->items[i] = (struct state_answer){ .url = out->texts[2 * i], .peer = out->texts[2 * i + 1], .status = (int)rows_int(&rows, 2),
						       .received_ms = rows_int(&rows, 3), .body = buf_slice(&out->bodies[i]) };
	}
	return rows_close(&rows, err);
}

static void free_answers(struct answers *answers)
{
	for (size_t i = 0; i < answers->n; i++) {
		free(answers->texts[2 * i]);
		free(answers->texts[2 * i + 1]);
		buf_deinit(&answers->bodies[i]);
	}
}

bool state_get_proof(struct state *st, const struct hash *log_id, uint64_t index, struct slice leaf, state_proof_fn *fn, void *ctx, bool *found, struct error *err)
{
	struct answers answers = { .n = 0 };
	int64_t log_no = 0;
	bool known;

	*found = false;
	if (!check_size(index, "entry index", err))
		return false;
	if (!ONE_INT(st, SQL_LOG_NUMBER, &log_no, &known, err, HASH(log_id)))
		return false;
	if (!known)
		return true;
	struct rows rows = ROWS(st, SQL_PROOF_GET, INT(log_no), INT(index), leaf.len > 0 ? BLOB(leaf) : NONE);
	bool ok = true;
	if (rows_next(&rows)) {
		struct state_proof p = {
			.log_id = *log_id,
			.index = index,
			.proven_index = (uint64_t)rows_int(&rows, 1),
			.tree_size = (uint64_t)rows_int(&rows, 2),
			.timestamp_ms = (uint64_t)rows_int(&rows, 3),
			.head_received_ms = rows_int(&rows, 5),
			.kept_ms = rows_int(&rows, 6),
			.head_raw = rows_blob(&rows, 7),
			.log_key = rows_blob(&rows, 8),
			.log_json = rows_text(&rows, 9),
			.path = rows_blob(&rows, 10),
		};

		rows_hash(&rows, 4, &p.root);
		ok = read_answers(st, rows_int(&rows, 0), &answers, err);
		p.answers = answers.items;
		p.n_answers = answers.n;
		*found = ok;
		if (ok)
			fn(ctx, &p);
		free_answers(&answers);
	}
	return rows_close(&rows, err) && ok;
}
