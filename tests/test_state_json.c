/* state/finding_json.c: the promise of DESIGN.md 5.2, whatever strangers wrote into their certificates. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "temp_state.h"

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

static char *json_text_of(struct state *st, const char *rule, const char *domain)
{
	char id[FINDING_ID_LEN + 1], *json = NULL;
	struct finding f;
	struct error err;

	finding_id(rule, domain, id);
	if (!state_get_finding(st, id, &f, &err) || !state_finding_json(st, &f, &json, &err))
		fail_msg("%s", err.text);
	finding_deinit(&f);
	return json;
}

static json_t *json_of(struct state *st, const char *rule, const char *domain)
{
	char *text = json_text_of(st, rule, domain);
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(value);
	assert_null(strchr(text, '\n'));
	free(text);
	return value;
}

static void assert_members(json_t *object, const char *const *names)
{
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach(object, key, value) {
		assert_non_null(names[i]);
		assert_string_equal(key, names[i]);
		i++;
	}
	assert_null(names[i]);
}

static void members_are_those_of_the_promise_in_its_order(void **state)
{
	static const char *const finding[] = { "id", "name", "registrable_domain", "rule", "kind", "brand", "technique", "score", "severity", "flagged",
					       "verified", "status", "evidence", "attack", "first_seen", "last_seen", "certificates",
					       "certificate_count", NULL };
	static const char *const evidence[] = { "signal", "detail", "points", "span", NULL };
	static const char *const attack[] = { "observed", "reported_for_actor", NULL };
	static const char *const certificate[] = { "sha256", "tbs_sha256", "type", "issuer", "serial", "not_before", "not_after", "names", "names_total", "sightings", NULL };
	static const char *const sighting[] = { "log", "index", "timestamp", NULL };
	static const char *const log[] = { "id", "name", "url", NULL };

	test_add(*state, (struct test_match){ .index = 123456 });
	json_t *f = json_of(*state, "brand/acme", "acme-login.com"), *c = json_array_get(json_object_get(f, "certificates"), 0);
	json_t *s = json_array_get(json_object_get(c, "sightings"), 0), *e = json_object_get(f, "evidence");
	assert_members(f, finding);
	assert_members(json_array_get(e, 0), evidence);
	assert_members(json_object_get(f, "attack"), attack);
	assert_members(c, certificate);
	assert_members(s, sighting);
	assert_members(json_object_get(s, "log"), log);
	assert_int_equal(json_integer_value(json_object_get(s, "index")), 123456);
	assert_string_equal(json_string_value(json_object_get(f, "severity")), "high");
	assert_string_equal(json_string_value(json_object_get(f, "first_seen")), "2026-11-22T08:00:00.000Z");
	assert_int_equal(json_array_size(json_object_get(json_array_get(e, 0), "span")), 2);
	assert_true(json_is_null(json_object_get(json_array_get(e, 1), "span")));
	json_decref(f);
}

static char *observed_of(struct state *st, const char *rule, const char *domain, const char *which)
{
	json_t *f = json_of(st, rule, domain);
	char *text = json_dumps(json_object_get(json_object_get(f, "attack"), which), JSON_COMPACT);

	json_decref(f);
	return text;
}

static void techniques_follow_from_the_kind(void **state)
{
	static const struct {
		const char *rule, *kind, *domain, *observed, *reported;
	} cases[] = {
		{ "brand/acme", "brand", "a.example", "[\"T1583.001\",\"T1608.003\",\"T1036\"]", "[]" },
		{ "naming/x", "naming", "a.example", "[\"T1583.001\",\"T1608.003\",\"T1036\"]", "[]" },
		{ "indicator/x", "indicator", "a.example", "[\"T1583.001\",\"T1608.003\"]", "[\"T1036\",\"T1598\",\"T1608\"]" },
		{ "indicator/x", "indicator", "192.0.2.1", "[\"T1608.003\"]", "[\"T1036\",\"T1598\",\"T1608\"]" },
		{ "indicator/x", "indicator", "2001:db8::1", "[\"T1608.003\"]", "[\"T1036\",\"T1598\",\"T1608\"]" },
		{ "own/acme", "own", "a.example", "[]", "[]" },
		{ "watch/x", "watch", "a.example", "[]", "[]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		test_add(*state, (struct test_match){ .rule = cases[i].rule, .kind = cases[i].kind, .domain = cases[i].domain, .certificate = i, .index = i });
		char *observed = observed_of(*state, cases[i].rule, cases[i].domain, "observed");
		char *reported = observed_of(*state, cases[i].rule, cases[i].domain, "reported_for_actor");
		assert_string_equal(observed, cases[i].observed);
		assert_string_equal(reported, cases[i].reported);
		free(observed);
		free(reported);
	}
}

static void severity_begins_at_60_75_and_90(void **state)
{
	static const struct {
		int score;
		const char *severity;
	} cases[] = { { 59, "low" }, { 60, "medium" }, { 74, "medium" }, { 75, "high" }, { 89, "high" }, { 90, "critical" }, { 100, "critical" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%zu.example", i);
		test_add(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i, .score = cases[i].score });
		json_t *f = json_of(*state, "brand/acme", domain);
		assert_string_equal(json_string_value(json_object_get(f, "severity")), cases[i].severity);
		json_decref(f);
	}
}

static void newest_ten_certificates_are_printed_and_all_are_counted(void **state)
{
	for (uint64_t i = 0; i < 25; i++)
		test_add(*state, (struct test_match){ .certificate = i, .index = i });
	json_t *f = json_of(*state, "brand/acme", "acme-login.com"), *list = json_object_get(f, "certificates");
	assert_int_equal(json_array_size(list), 10);
	assert_int_equal(json_integer_value(json_object_get(f, "certificate_count")), 25);
	for (size_t i = 0; i < 10; i++) {
		char hex[2 * HASH_LEN + 1];
		struct hash tbs = test_hash(24 - i);

		hex_encode(tbs.bytes, HASH_LEN, hex);
		assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "tbs_sha256")), hex);
	}
	json_decref(f);
}

static void hostile_text_comes_out_as_valid_json(void **state)
{
	static const char *const texts[] = {
		"</script><script>alert(1)</script>", "a\"b\\c", "line\nbreak\ttab\x01\x7f", "\xff\xfe\x80 not UTF-8", "\xed\xa0\x80 surrogate",
		"\xc0\xaf overlong", "\xf4\x90\x80\x80 beyond Unicode", "\xe2\x80\xae right to left", "=cmd|' /C calc'!A0", "'; DROP TABLE finding; --",
		"cut off in the middle \xe2\x82",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *names = xasprintf("[\"%s\"]", texts[i]), *domain = xasprintf("%s.%zu.example", texts[i], i);

		test_add(*state, (struct test_match){ .rule = texts[i], .brand = texts[i], .name = texts[i], .domain = domain, .certificate = i, .index = i,
						      .names_json = names });
		char *text = json_text_of(*state, texts[i], domain);
		json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(value);
		assert_true(utf8_valid(slice_text(text)));
		assert_null(strpbrk(text, "\n\r\t\x01"));
		json_decref(value);
		free(text);
		free(names);
		free(domain);
	}
}

static void names_that_are_no_list_of_texts_become_an_empty_one(void **state)
{
	static const char *const broken[] = { "", "[", "{}", "null", "\"x\"", "[1,null,{}]", "[\"unfinished", "[\"a\"] trailing" };

	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%zu.example", i);
		test_add(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i, .names_json = broken[i] });
		json_t *f = json_of(*state, "brand/acme", domain), *c = json_array_get(json_object_get(f, "certificates"), 0);
		assert_true(json_is_array(json_object_get(c, "names")));
		assert_int_equal(json_array_size(json_object_get(c, "names")), 0);
		json_decref(f);
	}
}

static bool collect(void *ctx, const struct finding *f)
{
	struct buf *ids = ctx;

	return buf_printf(ids, "%s ", f->registrable_domain);
}

static char *list(struct state *st, const struct finding_filter *filter)
{
	struct error err;
	struct buf ids;

	buf_init(&ids, 1u << 16);
	if (!state_each_finding(st, filter, collect, &ids, &err))
		fail_msg("%s", err.text);
	buf_text(&ids);
	return (char *)ids.data;
}

static void assert_list(struct state *st, struct finding_filter filter, const char *expected)
{
	char *text = list(st, &filter);

	assert_string_equal(text, expected);
	free(text);
}

static void filters_and_pages_find_what_they_say(void **state)
{
	struct finding_filter page = { .all = true, .limit = 2 };
	char id[FINDING_ID_LEN + 1];

	test_add(*state, (struct test_match){ .domain = "a.example", .certificate = 1, .index = 1, .now_ms = TEST_NOW_MS + 1 });
	test_add(*state, (struct test_match){ .domain = "b.example", .certificate = 2, .index = 2, .now_ms = TEST_NOW_MS + 2, .score = 50 });
	test_add(*state, (struct test_match){ .domain = "c.example", .certificate = 3, .index = 3, .now_ms = TEST_NOW_MS + 3, .brand = "Other" });
	test_add(*state, (struct test_match){ .domain = "d.example", .certificate = 4, .index = 4, .now_ms = TEST_NOW_MS + 4, .rule = "own/acme", .kind = "own" });
	assert_list(*state, (struct finding_filter){ .all = true }, "d.example c.example b.example a.example ");
	assert_list(*state, (struct finding_filter){ 0 }, "d.example c.example a.example ");
	assert_list(*state, (struct finding_filter){ .brand = "Other" }, "c.example ");
	assert_list(*state, (struct finding_filter){ .kind = "own" }, "d.example ");
	assert_list(*state, (struct finding_filter){ .rule = "brand/acme" }, "c.example a.example ");
	assert_list(*state, (struct finding_filter){ .status = "dismissed" }, "");
	assert_list(*state, (struct finding_filter){ .all = true, .min_score = 51 }, "d.example c.example a.example ");
	assert_list(*state, (struct finding_filter){ .all = true, .since_ms = TEST_NOW_MS + 2, .until_ms = TEST_NOW_MS + 4 }, "c.example b.example ");
	assert_list(*state, page, "d.example c.example ");
	finding_id("brand/acme", "c.example", id);
	page.after_id = id;
	assert_list(*state, page, "b.example a.example ");
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(members_are_those_of_the_promise_in_its_order),
		STATE_TEST(techniques_follow_from_the_kind),
		STATE_TEST(severity_begins_at_60_75_and_90),
		STATE_TEST(newest_ten_certificates_are_printed_and_all_are_counted),
		STATE_TEST(hostile_text_comes_out_as_valid_json),
		STATE_TEST(names_that_are_no_list_of_texts_become_an_empty_one),
		STATE_TEST(filters_and_pages_find_what_they_say),
	};

	return cmocka_run_group_tests_name("state: findings as JSON", tests, NULL, NULL);
}
