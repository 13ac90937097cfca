/* state/match.c: what a match makes of findings, certificates and sightings, and who hears of it. */
#include "temp_state.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static int open_state(void **state)
{
	*state = temp_state_open();
	return 0;
}

static int close_state(void **state)
{
	temp_state_close(*state);
	return 0;
}

static struct finding get(struct state *st, const char *rule, const char *domain)
{
	char id[FINDING_ID_LEN + 1];
	struct finding f;
	struct error err;

	finding_id(rule, domain, id);
	if (!state_get_finding(st, id, &f, &err))
		fail_msg("%s", err.text);
	return f;
}

static struct finding get_acme(struct state *st)
{
	return get(st, "brand/acme", "acme-login.com");
}

static void ids_are_the_same_everywhere(void **state)
{
	char id[FINDING_ID_LEN + 1], whole[64];
	struct hash hash = sha256(slice_of("brand/acme\0acme-login.com", 25));

	(void)state;
	finding_id("brand/acme", "acme-login.com", id);
	base32_encode(hash.bytes, HASH_LEN, whole);
	assert_int_equal(strlen(id), FINDING_ID_LEN);
	assert_memory_equal(id, whole, FINDING_ID_LEN);
}

static void first_match_is_a_new_finding(void **state)
{
	struct finding f;

	assert_int_equal(test_add(*state, (struct test_match){ .index = 7 }), FINDING_NEW);
	f = get_acme(*state);
	assert_string_equal(f.name, "login.acme-login.com");
	assert_string_equal(f.status, "new");
	assert_int_equal(f.score, 80);
	assert_true(f.flagged);
	assert_false(f.verified);
	assert_int_equal(f.certificate_count, 1);
	assert_int_equal(f.sighting_count, 1);
	assert_int_equal(f.first_seen_ms, TEST_NOW_MS);
	assert_int_equal(f.first_logged_ms, TEST_NOW_MS - 60000);
	finding_deinit(&f);
}

static void same_match_and_sighting_again_change_nothing(void **state)
{
	struct finding before, after;

	test_add(*state, (struct test_match){ .index = 7 });
	before = get_acme(*state);
	assert_int_equal(test_add(*state, (struct test_match){ .index = 7, .now_ms = TEST_NOW_MS + 5000 }), FINDING_UNCHANGED);
	after = get_acme(*state);
	assert_int_equal(after.sighting_count, 1);
	assert_int_equal(after.certificate_count, 1);
	assert_int_equal(after.last_seen_ms, before.last_seen_ms);
	finding_deinit(&before);
	finding_deinit(&after);
}

static void precertificate_and_certificate_are_one_with_two_sightings(void **state)
{
	struct finding f;
	struct error err;
	char *json;

	test_add(*state, (struct test_match){ .certificate = 1, .index = 7 });
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 1, .index = 9, .log = 2, .final = true }), FINDING_UNCHANGED);
	f = get_acme(*state);
	assert_int_equal(f.certificate_count, 1);
	assert_int_equal(f.sighting_count, 2);
	assert_true(state_finding_certificates_json(*state, f.id, 10, &json, &err));
	json_t *list = json_loads(json, 0, NULL), *c = json_array_get(list, 0);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(c, "type")), "certificate");
	assert_int_equal(json_array_size(json_object_get(c, "sightings")), 2);
	json_decref(list);
	free(json);
	/* and back: a precertificate that comes late does not hide the certificate */
	test_add(*state, (struct test_match){ .certificate = 1, .index = 11, .log = 3 });
	assert_true(state_finding_certificates_json(*state, f.id, 10, &json, &err));
	assert_non_null(strstr(json, "\"type\":\"certificate\""));
	free(json);
	finding_deinit(&f);
}

static void one_entry_that_matches_two_rules_counts_once_in_each(void **state)
{
	struct finding brand, naming;

	test_add(*state, (struct test_match){ .index = 7 });
	assert_int_equal(test_add(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 7 }), FINDING_NEW);
	test_add(*state, (struct test_match){ .index = 8, .log = 1 });
	test_add(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 8, .log = 1 });
	brand = get_acme(*state);
	naming = get(*state, "naming/tag53", "acme-login.com");
	assert_int_equal(brand.sighting_count, 2);
	assert_int_equal(naming.sighting_count, 2);
	assert_int_equal(brand.certificate_count, 1);
	finding_deinit(&brand);
	finding_deinit(&naming);
}

static void the_best_score_brings_its_name_and_evidence(void **state)
{
	struct finding f;

	test_add(*state, (struct test_match){ .certificate = 1, .index = 1, .score = 76 });
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 2, .index = 2, .score = 80, .name = "better.acme-login.com" }), FINDING_NEW_CERTIFICATE);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 3, .index = 3, .score = 62, .name = "worse.acme-login.com" }), FINDING_NEW_CERTIFICATE);
	f = get_acme(*state);
	assert_string_equal(f.name, "better.acme-login.com");
	assert_int_equal(f.score, 80);
	assert_non_null(strstr(f.evidence_json, "\"points\":80"));
	assert_int_equal(f.certificate_count, 3);
	finding_deinit(&f);
}

static void crossing_a_severity_is_a_rescoring(void **state)
{
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 1, .index = 1, .score = 62 }), FINDING_NEW);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 2, .index = 2, .score = 74 }), FINDING_NEW_CERTIFICATE);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 3, .index = 3, .score = 75 }), FINDING_RESCORED);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 3, .index = 3, .score = 75 }), FINDING_UNCHANGED);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 3, .index = 3, .score = 91 }), FINDING_RESCORED);
}

static void becoming_flagged_is_a_rescoring_and_stays(void **state)
{
	struct finding f;

	assert_int_equal(test_add(*state, (struct test_match){ .index = 1, .score = 50, .min_score = 60 }), FINDING_NEW);
	f = get_acme(*state);
	assert_false(f.flagged);
	finding_deinit(&f);
	assert_int_equal(test_add(*state, (struct test_match){ .index = 1, .score = 50, .min_score = 48 }), FINDING_RESCORED);
	/* a rule that grew stricter does not take it back */
	assert_int_equal(test_add(*state, (struct test_match){ .index = 1, .score = 55, .min_score = 80 }), FINDING_UNCHANGED);
	f = get_acme(*state);
	assert_true(f.flagged);
	assert_int_equal(f.min_score, 48);
	assert_int_equal(f.score, 55);
	finding_deinit(&f);
}

/* ---- the router ------------------------------------------------------------------------------------------ */

struct heard {
	int n[N_EVENTS];
	bool refuse;
};

static bool hear(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	struct heard *heard = ctx;

	if (heard->refuse)
		return error_set(err, ERR_FATAL, "the router refuses");
	heard->n[event->type]++;
	return state_outbox_add(st, "sink", event, false, event->finding != NULL ? event->finding->registrable_domain : NULL, now_ms, now_ms, err);
}

static void router_hears_each_change_once(void **state)
{
	struct heard heard = { 0 };

	state_set_router(*state, hear, &heard);
	test_add(*state, (struct test_match){ .certificate = 1, .index = 1, .score = 62 });
	test_add(*state, (struct test_match){ .certificate = 1, .index = 1, .score = 62 });
	test_add(*state, (struct test_match){ .certificate = 1, .index = 2, .log = 1, .score = 62 });
	test_add(*state, (struct test_match){ .certificate = 2, .index = 3, .score = 62 });
	test_add(*state, (struct test_match){ .certificate = 2, .index = 3, .score = 95 });
	assert_int_equal(heard.n[EVENT_FINDING], 1);
	assert_int_equal(heard.n[EVENT_FINDING_NEW_CERTIFICATE], 1);
	assert_int_equal(heard.n[EVENT_FINDING_RESCORED], 1);
}

static void router_that_fails_undoes_the_match(void **state)
{
	struct heard heard = { .refuse = true };
	struct test_match match = { .index = 1 };
	struct error err;
	char id[FINDING_ID_LEN + 1];
	struct finding f;

	state_set_router(*state, hear, &heard);
	assert_false(test_add_with(*state, &match, NULL, &err));
	finding_id("brand/acme", "acme-login.com", id);
	assert_false(state_get_finding(*state, id, &f, &err));
	heard.refuse = false;
	assert_int_equal(test_add(*state, match), FINDING_NEW);
}

static void dismissed_finding_stays_quiet_until_its_severity_rises(void **state)
{
	struct heard heard = { 0 };
	struct finding f;
	struct error err;
	int64_t due;
	char id[FINDING_ID_LEN + 1];

	state_set_router(*state, hear, &heard);
	test_add(*state, (struct test_match){ .certificate = 1, .index = 1, .score = 62 });
	finding_id("brand/acme", "acme-login.com", id);
	assert_true(state_triage(*state, id, "dismissed", "ana", "our own test", TEST_NOW_MS, &err));
	/* what was waiting is not told any more */
	assert_true(state_outbox_next_due(*state, &due, &err));
	assert_true(due == INT64_MAX);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 2, .index = 2, .score = 70 }), FINDING_NEW_CERTIFICATE);
	assert_int_equal(heard.n[EVENT_FINDING_NEW_CERTIFICATE], 0);
	f = get_acme(*state);
	assert_true(f.quiet);
	assert_string_equal(f.status, "dismissed");
	finding_deinit(&f);
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 3, .index = 3, .score = 80 }), FINDING_RESCORED);
	assert_int_equal(heard.n[EVENT_FINDING_RESCORED], 1);
	f = get_acme(*state);
	assert_false(f.quiet);
	assert_string_equal(f.status, "new");
	finding_deinit(&f);
}

/* ---- verified ---------------------------------------------------------------------------------------------- */

static size_t mark(struct state *st, uint64_t start, uint64_t end)
{
	struct state_withdrawn withdrawn;
	struct hash log = test_hash(77);
	struct error err;

	assert_true(state_mark_verified(st, &log, start, end, TEST_NOW_MS + 5000, &withdrawn, &err));
	size_t n = withdrawn.n;
	state_withdrawn_deinit(&withdrawn);
	return n;
}

/* The entry with this index is read: it is that certificate's leaf. */
static void settle(struct state *st, uint64_t index, uint64_t certificate)
{
	struct hash log = test_hash(77), hash = test_hash(certificate);
	struct error err;

	assert_true(state_settle_leaves(st, &log, index, &hash, 1, &err));
}

static void finding_is_verified_when_a_sighting_is(void **state)
{
	struct finding f;

	test_add(*state, (struct test_match){ .index = 100 });
	mark(*state, 0, 100);
	f = get_acme(*state);
	assert_false(f.verified);
	finding_deinit(&f);
	mark(*state, 0, 101);
	f = get_acme(*state);
	assert_true(f.verified);
	finding_deinit(&f);
}

static void what_another_answer_held_is_withdrawn_when_the_tree_is_known(void **state)
{
	struct finding f;

	test_add(*state, (struct test_match){ .certificate = 1, .index = 100 });
	settle(*state, 100, 2);              /* read again: another leaf */
	test_add(*state, (struct test_match){ .certificate = 2, .index = 100, .rule = "naming/tag53", .kind = "naming" });
	f = get_acme(*state);
	assert_false(f.verified);
	assert_false(f.withdrawn);            /* nobody knows yet which is signed */
	finding_deinit(&f);
	assert_int_equal(mark(*state, 0, 200), 1);
	f = get_acme(*state);
	assert_false(f.verified);
	assert_true(f.withdrawn);
	finding_deinit(&f);
	assert_int_equal(mark(*state, 0, 200), 0);
	settle(*state, 100, 1);
	mark(*state, 0, 200);
	f = get_acme(*state);
	assert_false(f.verified);            /* what was decided stays decided */
	finding_deinit(&f);
}

static void an_answer_that_comes_back_fits_again(void **state)
{
	struct finding f;

	test_add(*state, (struct test_match){ .certificate = 1, .index = 100 });
	settle(*state, 100, 2);
	settle(*state, 100, 1);              /* a third time: the first leaf after all */
	assert_int_equal(mark(*state, 0, 200), 0);
	f = get_acme(*state);
	assert_true(f.verified);
	finding_deinit(&f);
}

static void what_a_scan_found_is_proven_by_its_own_leaf_only(void **state)
{
	struct hash log = test_hash(77), right = test_hash(1), wrong = test_hash(2);
	struct finding f;
	struct error err;

	test_add(*state, (struct test_match){ .certificate = 1, .index = 100, .beside = true });
	assert_int_equal(mark(*state, 0, 200), 0);
	assert_true(state_verify_leaf(*state, &log, 100, &wrong, &err));
	f = get_acme(*state);
	assert_false(f.verified);
	assert_false(f.withdrawn);
	finding_deinit(&f);
	assert_true(state_verify_leaf(*state, &log, 100, &right, &err));
	f = get_acme(*state);
	assert_true(f.verified);
	finding_deinit(&f);
}

static void a_finding_is_withdrawn_only_when_all_that_was_seen_of_it_is(void **state)
{
	struct finding f;

	test_add(*state, (struct test_match){ .certificate = 1, .index = 100 });
	test_add(*state, (struct test_match){ .certificate = 3, .index = 300 });
	settle(*state, 100, 2);
	assert_int_equal(mark(*state, 0, 200), 1);
	f = get_acme(*state);
	assert_false(f.withdrawn);
	finding_deinit(&f);
	mark(*state, 200, 400);
	f = get_acme(*state);
	assert_true(f.verified);
	assert_false(f.withdrawn);
	finding_deinit(&f);
}

/* ---- bounds --------------------------------------------------------------------------------------------------- */

static bool count_kept(void *ctx, const struct state_certificate *c)
{
	size_t *n = ctx;

	*n += c->der.len > 0;
	return true;
}

static void busy_finding_keeps_the_newest_certificates_and_the_best(void **state)
{
	struct finding f;
	struct error err;
	size_t n = 0;

	for (uint64_t i = 0; i < 250; i++)
		test_add(*state, (struct test_match){ .certificate = i, .index = i, .score = i == 20 ? 90 : 70 });
	f = get_acme(*state);
	assert_int_equal(f.certificate_count, 250);
	assert_int_equal(f.sighting_count, 250);
	assert_true(state_each_certificate(*state, f.id, count_kept, &n, &err));
	assert_in_range(n, STATE_CERTIFICATES_KEPT, STATE_CERTIFICATES_KEPT + 1);
	/* one that fell out is still known */
	assert_int_equal(test_add(*state, (struct test_match){ .certificate = 30, .index = 30, .score = 70 }), FINDING_UNCHANGED);
	finding_deinit(&f);
}

static bool count_sightings(void *ctx, const struct state_sighting *s)
{
	size_t *n = ctx;

	(void)s;
	++*n;
	return true;
}

static void certificate_logged_without_end_is_counted_but_not_kept(void **state)
{
	struct hash tbs = test_hash(0);
	struct finding f;
	struct error err;
	size_t n = 0;

	for (uint64_t i = 0; i < 200; i++) {
		test_add(*state, (struct test_match){ .index = i });
		test_add(*state, (struct test_match){ .rule = "naming/tag53", .index = i });
	}
	f = get_acme(*state);
	assert_int_equal(f.sighting_count, 200);
	finding_deinit(&f);
	f = get(*state, "naming/tag53", "acme-login.com");
	assert_int_equal(f.sighting_count, 200);
	finding_deinit(&f);
	assert_true(state_each_sighting(*state, &tbs, count_sightings, &n, &err));
	assert_int_equal(n, STATE_SIGHTINGS_MAX);
}

static void huge_certificate_is_kept_without_its_bytes(void **state)
{
	struct buf big, names;
	struct error err;
	char *json;
	char id[FINDING_ID_LEN + 1];

	buf_init(&big, STATE_DER_MAX * 2);
	memset(buf_reserve(&big, STATE_DER_MAX + 1), 'x', STATE_DER_MAX + 1);
	big.len = STATE_DER_MAX + 1;
	buf_init(&names, 1u << 20);
	buf_append_text(&names, "[\"first.example\"");
	for (int i = 0; i < 5000; i++)
		buf_printf(&names, ",\"name-%d.example\"", i);
	buf_append_text(&names, "]");
	test_add(*state, (struct test_match){ .der = buf_slice(&big), .leaf = buf_slice(&big), .names_json = buf_text(&names) });
	finding_id("brand/acme", "acme-login.com", id);
	assert_true(state_finding_certificates_json(*state, id, 10, &json, &err));
	json_t *list = json_loads(json, 0, NULL), *c = json_array_get(list, 0);
	size_t n = json_array_size(json_object_get(c, "names"));
	assert_true(n < 5001);
	assert_int_equal(json_integer_value(json_object_get(c, "names_total")), 5001);
	assert_int_equal(json_integer_value(json_object_get(c, "too_large_bytes")), STATE_DER_MAX + 1);
	/* the name that matched is none of those: it has its place all the same */
	assert_string_equal(json_string_value(json_array_get(json_object_get(c, "names"), 0)), "login.acme-login.com");
	assert_true(strlen(json) < STATE_NAMES_JSON_MAX + 4096);
	json_decref(list);
	free(json);
	buf_deinit(&big);
	buf_deinit(&names);
}

static void index_beyond_any_tree_is_refused(void **state)
{
	struct test_match match = { .index = UINT64_MAX };
	struct error err;

	assert_false(test_add_with(*state, &match, NULL, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_the_same_everywhere),
		STATE_TEST(first_match_is_a_new_finding),
		STATE_TEST(same_match_and_sighting_again_change_nothing),
		STATE_TEST(precertificate_and_certificate_are_one_with_two_sightings),
		STATE_TEST(one_entry_that_matches_two_rules_counts_once_in_each),
		STATE_TEST(the_best_score_brings_its_name_and_evidence),
		STATE_TEST(crossing_a_severity_is_a_rescoring),
		STATE_TEST(becoming_flagged_is_a_rescoring_and_stays),
		STATE_TEST(router_hears_each_change_once),
		STATE_TEST(router_that_fails_undoes_the_match),
		STATE_TEST(dismissed_finding_stays_quiet_until_its_severity_rises),
		STATE_TEST(finding_is_verified_when_a_sighting_is),
		STATE_TEST(what_another_answer_held_is_withdrawn_when_the_tree_is_known),
		STATE_TEST(an_answer_that_comes_back_fits_again),
		STATE_TEST(what_a_scan_found_is_proven_by_its_own_leaf_only),
		STATE_TEST(a_finding_is_withdrawn_only_when_all_that_was_seen_of_it_is),
		STATE_TEST(busy_finding_keeps_the_newest_certificates_and_the_best),
		STATE_TEST(certificate_logged_without_end_is_counted_but_not_kept),
		STATE_TEST(huge_certificate_is_kept_without_its_bytes),
		STATE_TEST(index_beyond_any_tree_is_refused),
	};

	return cmocka_run_group_tests_name("state: matches", tests, NULL, NULL);
}
