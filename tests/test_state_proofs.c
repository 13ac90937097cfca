/* state/proofs.c: which sightings want a proof, how many of a finding, and that a proof goes with its leaf. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql.h"
#include "temp_state.h"
#include "ct.h"

static struct error err;

/* As test_add makes them. */
static struct hash log_of(uint64_t log)
{
	return test_hash(log + 77);
}

static void put_head(struct state *st, uint64_t log, uint64_t size, bool verified)
{
	struct hash id = log_of(log);
	struct state_head head = { .tree_size = size, .timestamp_ms = 1000 + size, .root = test_hash(size), .raw = SLICE_LITERAL("{head}"),
				   .received_ms = TEST_NOW_MS, .source = "log" };

	assert_true(state_put_head(st, &id, &head, NULL, &err));
	if (verified)
		assert_true(state_verify_head(st, &id, size, &head.root, TEST_NOW_MS, &err));
}

/* The index that wants a proof next, or -1. */
static int64_t next(struct state *st, uint64_t log, uint64_t from, uint64_t to, bool verified_only)
{
	struct hash id = log_of(log);
	struct state_unproven u;
	bool found;

	assert_true(state_next_unproven(st, &id, from, to, verified_only, &u, &found, &err));
	if (!found)
		return -1;
	int64_t index = (int64_t)u.index;
	state_unproven_deinit(&u);
	return index;
}

static void prove(struct state *st, uint64_t log, uint64_t index)
{
	static const uint8_t path[2 * HASH_LEN];
	struct state_answer answers[] = {
		{ "https://log.test/tile/0/000", "192.0.2.1:443", 200, TEST_NOW_MS, SLICE_LITERAL("hashes") },
		{ "https://log.test/tile/1/000", NULL, 404, TEST_NOW_MS + 1, { 0 } },
	};
	struct state_proof proof = {
		.log_id = log_of(log), .index = index, .proven_index = index, .tree_size = 100, .timestamp_ms = 5, .root = test_hash(9),
		.head_raw = SLICE_LITERAL("{head}"), .head_received_ms = 6, .kept_ms = 7, .path = { path, sizeof(path) },
		.log_key = SLICE_LITERAL("key"), .log_json = "{}", .answers = answers, .n_answers = 2,
	};

	assert_true(state_put_proof(st, &proof, &err));
}

struct seen {
	unsigned n;
	uint64_t tree_size;
	size_t path_len, n_answers;
	char url[64], body[16];
};

static void look(void *ctx, const struct state_proof *p)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->tree_size = p->tree_size;
	seen->path_len = p->path.len;
	seen->n_answers = p->n_answers;
	snprintf(seen->url, sizeof(seen->url), "%s", p->answers[0].url);
	snprintf(seen->body, sizeof(seen->body), "%.*s", SLICE_ARGS(p->answers[0].body));
}

static bool has_proof(struct state *st, uint64_t log, uint64_t index, struct seen *seen)
{
	struct hash id = log_of(log);
	bool found;

	*seen = (struct seen){ 0 };
	assert_true(state_get_proof(st, &id, index, (struct slice){ 0 }, look, seen, &found, &err));
	return found;
}

static void a_verified_sighting_of_a_flagged_finding_wants_a_proof_until_it_has_one(void **state)
{
	struct state *st = temp_state_open();
	struct seen seen;

	(void)state;
	test_add(st, (struct test_match){ .certificate = 1, .log = 3, .index = 40, .leaf = SLICE_LITERAL("a leaf") });
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), -1);
	assert_int_equal(next(st, 3, 0, INT64_MAX, false), 40);
	struct hash id = log_of(3);
	struct state_withdrawn none;
	assert_true(state_mark_verified(st, &id, 0, 100, TEST_NOW_MS, &none, &err));
	assert_int_equal(none.n, 0);
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), 40);
	assert_int_equal(next(st, 3, 41, INT64_MAX, true), -1);
	assert_int_equal(next(st, 3, 0, 40, true), -1);
	assert_int_equal(next(st, 4, 0, INT64_MAX, true), -1);
	assert_false(has_proof(st, 3, 40, &seen));
	prove(st, 3, 40);
	prove(st, 3, 40);
	assert_true(has_proof(st, 3, 40, &seen));
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.tree_size, 100);
	assert_int_equal(seen.path_len, 64);
	assert_int_equal(seen.n_answers, 2);
	assert_string_equal(seen.url, "https://log.test/tile/0/000");
	assert_string_equal(seen.body, "hashes");
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), -1);
	temp_state_close(st);
}

static void it_comes_with_the_largest_verified_head_that_covers_it(void **state)
{
	struct state *st = temp_state_open();
	struct hash id = log_of(3);
	struct state_unproven u;
	bool found;

	(void)state;
	test_add(st, (struct test_match){ .certificate = 1, .log = 3, .index = 40, .verified = true, .leaf = SLICE_LITERAL("a leaf") });
	put_head(st, 3, 40, true);
	assert_true(state_next_unproven(st, &id, 0, 100, true, &u, &found, &err));
	assert_true(found && !u.has_head);
	state_unproven_deinit(&u);
	put_head(st, 3, 41, true);
	put_head(st, 3, 90, true);
	put_head(st, 3, 95, false);
	assert_true(state_next_unproven(st, &id, 0, 100, true, &u, &found, &err));
	assert_true(found && u.has_head);
	assert_int_equal(u.head.tree_size, 90);
	assert_true(slice_equal_text(u.head.raw, "{head}"));
	assert_true(slice_equal_text(buf_slice(&u.leaf), "a leaf"));
	state_unproven_deinit(&u);
	temp_state_close(st);
}

static void findings_that_nobody_is_told_of_and_cut_leaves_want_none(void **state)
{
	static uint8_t cut[STATE_DER_MAX];
	struct state *st = temp_state_open();

	(void)state;
	test_add(st, (struct test_match){ .domain = "low.test", .score = 50, .certificate = 1, .log = 3, .index = 1, .verified = true, .leaf = SLICE_LITERAL("x") });
	test_add(st, (struct test_match){ .domain = "cut.test", .certificate = 2, .log = 3, .index = 2, .verified = true, .leaf = { cut, sizeof(cut) } });
	test_add(st, (struct test_match){ .domain = "quiet.test", .certificate = 3, .log = 3, .index = 3, .verified = true, .leaf = SLICE_LITERAL("y") });
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), 3);
	char id[FINDING_ID_LEN + 1];
	finding_id("brand/acme", "quiet.test", id);
	assert_true(state_triage(st, id, "dismissed", "me", "ours", TEST_NOW_MS, &err));
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), -1);
	temp_state_close(st);
}

static void a_busy_finding_gets_a_few_proofs_only(void **state)
{
	struct state *st = temp_state_open();
	uint64_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 30; i++)
		test_add(st, (struct test_match){ .certificate = 100 + i, .log = 3, .index = i, .verified = true, .leaf = SLICE_LITERAL("x") });
	for (int64_t at; (at = next(st, 3, 0, INT64_MAX, true)) >= 0 && n < 30; n++)
		prove(st, 3, (uint64_t)at);
	assert_int_equal(n, STATE_PROOFS_MAX);
	temp_state_close(st);
}

static void one_proof_of_a_certificate_is_enough_whichever_log_gives_it(void **state)
{
	struct state *st = temp_state_open();

	(void)state;
	test_add(st, (struct test_match){ .certificate = 1, .log = 3, .index = 40, .verified = true, .leaf = SLICE_LITERAL("x") });
	test_add(st, (struct test_match){ .certificate = 1, .log = 4, .index = 50, .verified = true, .leaf = SLICE_LITERAL("x") });
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), 40);
	assert_int_equal(next(st, 4, 0, INT64_MAX, true), 50);
	prove(st, 4, 50);
	assert_int_equal(next(st, 3, 0, INT64_MAX, true), -1);
	temp_state_close(st);
}

static void a_proof_goes_with_its_finding(void **state)
{
	struct state *st = temp_state_open();
	struct retention retention = { .dismissed_ms = 1000 };
	struct seen seen;
	uint64_t n;
	char id[FINDING_ID_LEN + 1];

	(void)state;
	test_add(st, (struct test_match){ .certificate = 1, .log = 3, .index = 40, .verified = true, .leaf = SLICE_LITERAL("a leaf") });
	prove(st, 3, 40);
	finding_id("brand/acme", "acme-login.com", id);
	assert_true(state_triage(st, id, "dismissed", "me", "ours", TEST_NOW_MS, &err));
	assert_true(state_prune(st, &retention, TEST_NOW_MS + 100000, &n, &err));
	assert_false(has_proof(st, 3, 40, &seen));
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_prepare_v2(st->db, "SELECT COUNT(*) FROM proof_answer", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), 0);
	sqlite3_finalize(stmt);
	temp_state_close(st);
}

static void what_no_proof_can_be_is_refused(void **state)
{
	static uint8_t path[65 * HASH_LEN];
	struct state *st = temp_state_open();
	struct state_proof proof = { .log_id = log_of(3), .index = 1, .tree_size = 2, .log_json = "{}" };

	(void)state;
	proof.path = slice_of(path, sizeof(path));
	assert_false(state_put_proof(st, &proof, &err));
	proof.path = slice_of(path, 33);
	assert_false(state_put_proof(st, &proof, &err));
	proof.path = (struct slice){ 0 };
	proof.tree_size = UINT64_MAX;
	assert_false(state_put_proof(st, &proof, &err));
	proof.tree_size = 2;
	assert_true(state_put_proof(st, &proof, &err));     /* no leaf: nothing to prove */
	temp_state_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verified_sighting_of_a_flagged_finding_wants_a_proof_until_it_has_one),
		cmocka_unit_test(it_comes_with_the_largest_verified_head_that_covers_it),
		cmocka_unit_test(findings_that_nobody_is_told_of_and_cut_leaves_want_none),
		cmocka_unit_test(a_busy_finding_gets_a_few_proofs_only),
		cmocka_unit_test(one_proof_of_a_certificate_is_enough_whichever_log_gives_it),
		cmocka_unit_test(a_proof_goes_with_its_finding),
		cmocka_unit_test(what_no_proof_can_be_is_refused),
	};

	return cmocka_run_group_tests_name("state: inclusion proofs", tests, NULL, NULL);
}
