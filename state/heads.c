/*
 * Signed tree heads: stored as received before anything acts on them, compared with every other head of their size, and kept
 * for good: a head that was seen once is a commitment that the log must keep.
 */
#include <stdio.h>
#include <string.h>

#include "sql.h"

#define HOUR_MS ((int64_t)3600000)
#define ALL_KEPT_MS (48 * HOUR_MS)
#define THINNED_BEFORE_MS (30 * 24 * HOUR_MS)   /* older heads were thinned, or came while nobody counted hours */

/* The head of one root among those of a size. */
static bool read_root(const struct rows *rows, struct state_head *out)
{
	*out = (struct state_head){ .timestamp_ms = (uint64_t)rows_int(rows, 1), .verified_ms = rows_int(rows, 2), .standing = (enum head_standing)rows_int(rows, 3),
				    .received_ms = rows_int(rows, 4) };
	return rows_hash(rows, 0, &out->root);
}

/* Of several others the one that was rebuilt from entries, else the first that nothing speaks against. */
static bool is_better(const struct state_head *row, const struct state_head *other)
{
	if ((row->verified_ms != 0) != (other->verified_ms != 0))
		return row->verified_ms != 0;
	return row->standing == HEAD_GOOD && other->standing != HEAD_GOOD;
}

/* What else was signed for this size? */
static bool ask_table(struct state *st, int64_t log_no, const struct state_head *head, struct head_answer *answer, size_t *n_roots, struct error *err)
{
	struct rows rows = ROWS(st, SQL_HEAD_ROOTS_OF_SIZE, INT(log_no), INT(head->tree_size), INT(2 * STATE_HEADS_OF_SIZE_MAX));
	struct state_head row;
	bool has_other = false;

	for (*n_roots = 0; rows_next(&rows); ++*n_roots) {
		if (!read_root(&rows, &row))
			continue;
		if (hash_equal(&row.root, &head->root)) {
			answer->known = true;
			answer->verified = row.verified_ms != 0;
			answer->standing = row.standing;
		} else if (!has_other || is_better(&row, &answer->other)) {
			has_other = true;
			answer->other = row;
			answer->other.tree_size = head->tree_size;
		}
	}
	/* one that was set aside is of no tree that can be followed: what comes after it is as good as any */
	if (!answer->known && has_other && answer->other.standing != HEAD_SET_ASIDE)
		answer->standing = HEAD_FORKED;
	answer->forks = has_other && (!answer->known || answer->standing == HEAD_FORKED);
	return rows_close(&rows, err);
}

/* Heads that contradict others are evidence, but a log may sign them without end: the first ones are. */
static bool has_room(struct state *st, int64_t log_no, const struct head_answer *answer, size_t n_roots, bool *room, struct error *err)
{
	int64_t n = 0;

	*room = true;
	if (answer->known || answer->standing == HEAD_GOOD)
		return true;
	if (!ONE_INT(st, SQL_HEAD_COUNT_ODD, &n, NULL, err, INT(log_no)))
		return false;
	*room = n_roots < STATE_HEADS_OF_SIZE_MAX && n < STATE_HEADS_ODD_MAX;
	return true;
}

/* One statement, when the hour changes. */
static bool thin(struct state *st, int64_t log_no, int64_t last_ms, int64_t now_ms, struct error *err)
{
	return last_ms / HOUR_MS == now_ms / HOUR_MS ||
	       RUN(st, SQL_HEAD_THIN, err, INT(log_no), INT(now_ms - THINNED_BEFORE_MS), INT((now_ms - ALL_KEPT_MS) / HOUR_MS * HOUR_MS));
}

static bool insert(struct state *st, int64_t no, const struct state_head *head, struct head_answer *answer, struct error *err)
{
	int64_t verified_ms = answer->verified && head->verified_ms == 0 ? head->received_ms : head->verified_ms, last_ms = head->received_ms;

	if (!ONE_INT(st, SQL_HEAD_LAST_RECEIVED, &last_ms, NULL, err, INT(no)) ||
	    !RUN(st, SQL_HEAD_PUT, err, INT(no), INT(head->tree_size), HASH(&head->root), INT(head->timestamp_ms), BLOB(head->raw),
		 INT(head->received_ms), INT(verified_ms), TEXT(head->source), INT(answer->standing)))
		return false;
	answer->stored = true;
	if (sql_changes(st) == 0)
		return true;
	if (answer->standing == HEAD_GOOD && strcmp(head->source, "log") == 0 &&
	    !RUN(st, SQL_LOG_HEAD, err, INT(no), INT(head->tree_size), INT(head->timestamp_ms), INT(head->received_ms)))
		return false;
	return (!answer->known || RUN(st, SQL_HEAD_THIN_RESIGNED, err, INT(no), INT(head->tree_size), HASH(&head->root))) &&
	       thin(st, no, last_ms, head->received_ms, err);
}

static bool put_head(struct state *st, const struct hash *log_id, const struct state_head *head, struct head_answer *answer, struct error *err)
{
	size_t n_roots;
	bool room;
	int64_t no;

	return log_number(st, log_id, &no, err) && ask_table(st, no, head, answer, &n_roots, err) && has_room(st, no, answer, n_roots, &room, err) &&
	       (!room || insert(st, no, head, answer, err));
}

bool state_put_head(struct state *st, const struct hash *log_id, const struct state_head *head, struct head_answer *answer, struct error *err)
{
	struct head_answer found = { .standing = HEAD_GOOD };

	if (!check_size(head->tree_size, "tree size", err) || !check_size(head->timestamp_ms, "timestamp", err))
		return false;
	if (head->raw.len > STATE_HEAD_BYTES_MAX)
		return error_set(err, ERR_MALFORMED, "tree head of %zu bytes is longer than the %d that are kept", head->raw.len, STATE_HEAD_BYTES_MAX);
	if (!state_begin(st, err) || !state_end(st, put_head(st, log_id, head, &found, err), err))
		return false;
	if (answer != NULL)
		*answer = found;
	return true;
}

static bool verify_head(struct state *st, const struct hash *log_id, uint64_t tree_size, const struct hash *root, int64_t now_ms, struct error *err)
{
	int64_t no;

	return log_number(st, log_id, &no, err) && RUN(st, SQL_HEAD_VERIFY, err, INT(no), INT(tree_size), HASH(root), INT(now_ms)) &&
	       RUN(st, SQL_LOG_VERIFIED, err, INT(no), INT(tree_size), INT(now_ms));
}

bool state_verify_head(struct state *st, const struct hash *log_id, uint64_t tree_size, const struct hash *root, int64_t now_ms, struct error *err)
{
	if (!check_size(tree_size, "tree size", err) || !state_begin(st, err))
		return false;
	return state_end(st, verify_head(st, log_id, tree_size, root, now_ms, err), err);
}

bool state_stand_head(struct state *st, const struct hash *log_id, uint64_t tree_size, const struct hash *root, enum head_standing standing, struct error *err)
{
	int64_t no;

	if (!check_size(tree_size, "tree size", err) || !state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err) && RUN(st, SQL_HEAD_STAND, err, INT(no), INT(tree_size), HASH(root), INT(standing));
	return state_end(st, ok, err);
}

bool state_drop_head(struct state *st, const struct hash *log_id, uint64_t tree_size, const struct hash *root, struct error *err)
{
	int64_t no;

	if (!check_size(tree_size, "tree size", err) || !state_begin(st, err))
		return false;
	bool ok = log_number(st, log_id, &no, err) && RUN(st, SQL_HEAD_DROP, err, INT(no), INT(tree_size), HASH(root));
	return state_end(st, ok, err);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static bool each(struct rows *rows, state_head_fn *fn, void *ctx, struct error *err)
{
	while (rows_next(rows)) {
		struct state_head head = {
			.tree_size = (uint64_t)rows_int(rows, 0),
			.timestamp_ms = (uint64_t)rows_int(rows, 1),
			.raw = rows_blob(rows, 3),
			.received_ms = rows_int(rows, 4),
			.verified_ms = rows_int(rows, 5),
			.standing = (enum head_standing)rows_int(rows, 7),
		};

		rows_hash(rows, 2, &head.root);
		snprintf(head.source, sizeof(head.source), "%s", rows_text(rows, 6));
		if (!fn(ctx, &head))
			break;
	}
	return rows_close(rows, err);
}

bool state_each_head(struct state *st, const struct hash *log_id, bool pending_only, state_head_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_HEAD_EACH, HASH(log_id), INT(pending_only));

	return each(&rows, fn, ctx, err);
}

bool state_heads(struct state *st, const struct hash *log_id, enum head_set set, uint64_t size, state_head_fn *fn, void *ctx, struct error *err)
{
	static const enum statement sets[] = {
		[HEADS_BEYOND] = SQL_HEAD_EACH_BEYOND,
		[HEADS_BELOW] = SQL_HEAD_EACH_BELOW,
		[HEADS_VERIFIED] = SQL_HEAD_EACH_VERIFIED,
		[HEADS_OF_SIZE] = SQL_HEAD_EACH_OF_SIZE,
		[HEADS_UNTOLD] = SQL_HEAD_EACH_UNTOLD,
	};
	struct rows rows = ROWS(st, sets[set], HASH(log_id), INT(size < INT64_MAX ? size : INT64_MAX));

	return each(&rows, fn, ctx, err);
}

bool state_unverified_since(struct state *st, const struct hash *log_id, int64_t *since_ms, struct error *err)
{
	*since_ms = 0;
	return ONE_INT(st, SQL_HEAD_UNVERIFIED_SINCE, since_ms, NULL, err, HASH(log_id));
}
