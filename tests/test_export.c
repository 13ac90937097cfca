/* Exports: what goes into which format, for how long, under which id. The formats' own validators are in tests/interop/export.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seen.h"
#include "report_kit.h"

#define DAY_MS 86400000ll
#define PUBLISHED "cija-docs.com"

static const char *const FORMATS[] = { "suricata", "rpz", "hosts", "stix", "misp", "csv" };

static int set_up(void **state)
{
	*state = temp_state_open();
	return 0;
}

static int tear_down(void **state)
{
	temp_state_close(*state);
	return 0;
}

/* A finding about `domain` in its own certificate. */
static void add(struct state *st, const char *domain, uint64_t n, const char *action, char *id)
{
	add_finding(st, (struct test_match){ .domain = domain, .name = domain, .index = n, .certificate = n }, action, id);
}

static bool holds(struct state *st, const char *format, const struct export_options *options, const char *what)
{
	char *text = export_text(st, format, options, NULL);
	bool found = strstr(text, what) != NULL;

	free(text);
	return found;
}

static void there_are_six_formats_and_no_others(void **state)
{
	size_t n = 0;

	(void)state;
	while (EXPORT_FORMATS[n] != NULL)
		n++;
	assert_int_equal(n, ARRAY_LEN(FORMATS));
	for (size_t i = 0; i < n; i++)
		assert_non_null(export_format_find(FORMATS[i]));
	assert_null(export_format_find("snort"));
	assert_null(export_format_find(""));
}

/* ---- who goes in ---------------------------------------------------------------------------------------------------------- */

static void dismissed_findings_go_into_no_format(void **state)
{
	struct export_options options = now_options();

	options.unconfirmed = true;
	add(*state, "acme-out.com", 1, "dismissed", NULL);
	add(*state, "acme-in.com", 2, NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
		assert_false(holds(*state, FORMATS[i], &options, "acme-out.com"));
		assert_true(holds(*state, FORMATS[i], &options, "acme-in.com"));
	}
	/* not even when they are asked for */
	options.filter.status = "dismissed";
	for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++)
		assert_false(holds(*state, FORMATS[i], &options, "acme-out.com"));
}

static void an_analysts_no_stands_above_what_was_published(void **state)
{
	struct export_options options = now_options();
	struct test_match published = { .rule = "indicator/tag53", .kind = "indicator", .domain = PUBLISHED, .name = PUBLISHED, .score = 100, .index = 1 };

	options.with_published = true;
	for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++)
		assert_true(holds(*state, FORMATS[i], &options, PUBLISHED));
	add_finding(*state, published, "dismissed", NULL);
	for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++)
		assert_false(holds(*state, FORMATS[i], &options, PUBLISHED));
}

static void block_formats_hold_only_what_was_confirmed_unless_asked_otherwise(void **state)
{
	static const char *const blocking[] = { "rpz", "hosts" };
	struct export_options options = now_options();
	struct export_result result;

	add(*state, "acme-new.com", 1, NULL, NULL);
	add(*state, "acme-seen.com", 2, "acknowledged", NULL);
	add(*state, "acme-sure.com", 3, "confirmed", NULL);
	for (size_t i = 0; i < ARRAY_LEN(blocking); i++) {
		char *text = export_text(*state, blocking[i], &options, &result);

		assert_non_null(strstr(text, "acme-sure.com"));
		assert_null(strstr(text, "acme-new.com"));
		assert_null(strstr(text, "acme-seen.com"));
		assert_int_equal(result.written, 1);
		assert_int_equal(result.left_out, 2);
		free(text);
	}
	options.unconfirmed = true;
	for (size_t i = 0; i < ARRAY_LEN(blocking); i++)
		assert_true(holds(*state, blocking[i], &options, "acme-new.com"));
}

static void drop_rules_are_for_the_confirmed_and_alerts_for_the_rest(void **state)
{
	struct export_options options = now_options();

	options.action = "drop";
	add(*state, "acme-new.com", 1, NULL, NULL);
	add(*state, "acme-sure.com", 2, "confirmed", NULL);
	char *text = export_text(*state, "suricata", &options, NULL);
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "acme-sure.com") != NULL)
			assert_memory_equal(line, "drop ", 5);
		if (strstr(line, "acme-new.com") != NULL)
			assert_memory_equal(line, "alert ", 6);
	}
	free(text);
	options.unconfirmed = true;
	text = export_text(*state, "suricata", &options, NULL);
	assert_null(strstr(text, "\nalert "));
	free(text);
}

static void official_domains_and_watched_names_are_nobodys_indicators(void **state)
{
	static const char *const kinds[] = { "own", "watch", "unreadable" };
	struct export_options options = now_options();

	options.unconfirmed = true;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char rule[32], domain[32];

		snprintf(rule, sizeof(rule), "%s/acme", kinds[i]);
		snprintf(domain, sizeof(domain), "official%zu.com", i);
		add_finding(*state, (struct test_match){ .rule = rule, .kind = kinds[i], .domain = domain, .name = domain, .index = i, .certificate = i }, "confirmed", NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++)
		assert_false(holds(*state, FORMATS[i], &options, "official"));
}

static void filters_choose_by_score_age_rule_kind_brand_and_status(void **state)
{
	struct export_options options = now_options();

	add_finding(*state, (struct test_match){ .domain = "high.com", .name = "high.com", .score = 95, .index = 1, .certificate = 1 }, NULL, NULL);
	add_finding(*state, (struct test_match){ .rule = "brand/bolt", .brand = "Bolt", .domain = "bolt.com", .name = "bolt.com", .score = 70, .index = 2, .certificate = 2 }, "confirmed", NULL);
	add_finding(*state, (struct test_match){ .rule = "naming/x", .kind = "naming", .domain = "naming.com", .name = "naming.com", .score = 61, .index = 3, .certificate = 3,
						 .now_ms = TEST_NOW_MS - 10 * DAY_MS }, NULL, NULL);
	add_finding(*state, (struct test_match){ .domain = "unflagged.com", .name = "unflagged.com", .score = 50, .index = 4, .certificate = 4 }, NULL, NULL);
	static const struct {
		struct finding_filter filter;
		const char *names;        /* of high, bolt, naming: those that come */
	} cases[] = {
		{ { 0 }, "high bolt naming" },
		{ { .all = true }, "high bolt naming" },
		{ { .min_score = 90 }, "high" },
		{ { .since_ms = TEST_NOW_MS - DAY_MS }, "high bolt" },
		{ { .until_ms = TEST_NOW_MS - DAY_MS }, "naming" },
		{ { .rule = "brand/bolt" }, "bolt" },
		{ { .kind = "naming" }, "naming" },
		{ { .brand = "Bolt" }, "bolt" },
		{ { .status = "confirmed" }, "bolt" },
		{ { .status = "new" }, "high naming" },
		{ { .rule = "brand/none" }, "" },
	};
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		options.filter = cases[c].filter;
		options.unconfirmed = true;
		for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++) {
			char *text = export_text(*state, FORMATS[f], &options, NULL);

			assert_int_equal(strstr(text, "high.com") != NULL, strstr(cases[c].names, "high") != NULL);
			assert_int_equal(strstr(text, "bolt.com") != NULL, strstr(cases[c].names, "bolt") != NULL);
			assert_int_equal(strstr(text, "naming.com") != NULL, strstr(cases[c].names, "naming") != NULL);
			assert_null(strstr(text, "unflagged.com"));
			free(text);
		}
	}
}

static void everything_expires_after_it_was_last_seen(void **state)
{
	struct export_options options = now_options();
	struct export_result result;

	options.unconfirmed = true;
	add_finding(*state, (struct test_match){ .domain = "old.com", .name = "old.com", .index = 1, .certificate = 1, .now_ms = TEST_NOW_MS - 100 * DAY_MS }, NULL, NULL);
	add_finding(*state, (struct test_match){ .domain = "fresh.com", .name = "fresh.com", .index = 2, .certificate = 2, .now_ms = TEST_NOW_MS - 80 * DAY_MS }, NULL, NULL);
	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++) {
		char *text = export_text(*state, FORMATS[f], &options, &result);

		assert_null(strstr(text, "old.com"));
		assert_non_null(strstr(text, "fresh.com"));
		/* its last day stands in every format */
		assert_non_null(strstr(text, "2026-12-02"));
		assert_int_equal(result.left_out, 1);
		free(text);
	}
	options.expire_ms = 10 * DAY_MS;
	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++)
		assert_false(holds(*state, FORMATS[f], &options, "fresh.com"));
	options.expire_ms = 1000 * DAY_MS;
	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++)
		assert_true(holds(*state, FORMATS[f], &options, "old.com"));
}

static void published_names_come_when_asked_with_their_date_and_an_end(void **state)
{
	struct export_options options = now_options();
	struct export_result result;

	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++)
		assert_false(holds(*state, FORMATS[f], &options, PUBLISHED));
	options.with_published = true;
	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++) {
		char *text = export_text(*state, FORMATS[f], &options, &result);

		assert_non_null(strstr(text, PUBLISHED));
		assert_non_null(strstr(text, "2022-12-01"));
		assert_non_null(strstr(text, "2028-01-01"));
		assert_int_equal(result.written, strcmp(FORMATS[f], "hosts") == 0 ? 38 : 76);
		free(text);
	}
	/* a daily export of them does not change daily */
	char *today = export_text(*state, "stix", &options, NULL);
	options.now_ms += 20 * DAY_MS;
	char *later = export_text(*state, "stix", &options, NULL);
	assert_string_equal(today, later);
	free(today);
	free(later);
}

static void a_published_name_that_was_found_comes_once(void **state)
{
	struct export_options options = now_options();
	struct test_match found = { .rule = "indicator/tag53", .kind = "indicator", .domain = PUBLISHED, .name = "www." PUBLISHED, .score = 100, .index = 1 };
	struct export_result result;

	options.with_published = true;
	add_finding(*state, found, "confirmed", NULL);
	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++) {
		free(export_text(*state, FORMATS[f], &options, &result));
		assert_int_equal(result.written, strcmp(FORMATS[f], "hosts") == 0 ? 38 : 76);
	}
	/* blocked as a whole domain, since the domain itself was published */
	char *text = export_text(*state, "rpz", &options, NULL);
	assert_int_equal(count_text(text, "\n" PUBLISHED " CNAME ."), 1);
	assert_null(strstr(text, "www." PUBLISHED));
	free(text);
}

/* A published name below somebody else's domain must not take the whole domain with it. */
static void an_unpublished_parent_of_an_indicator_is_not_named(void **state)
{
	struct export_options options = now_options();
	struct test_match found = { .rule = "indicator/own", .kind = "indicator", .domain = "provider.com", .name = "*.evil.provider.com", .score = 100, .index = 1 };

	add_finding(*state, found, "confirmed", NULL);
	char *text = export_text(*state, "rpz", &options, NULL);
	assert_non_null(strstr(text, "\nevil.provider.com CNAME .\n"));
	assert_null(strstr(text, "\nprovider.com CNAME"));
	free(text);
}

static void several_findings_about_a_name_are_one_item_where_a_format_wants_that(void **state)
{
	struct export_options options = now_options();
	struct export_result result;

	add_finding(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 1 }, "confirmed", NULL);
	add_finding(*state, (struct test_match){ .index = 1 }, NULL, NULL);
	static const struct {
		const char *format, *what;
		size_t n;
	} cases[] = { { "rpz", "\nacme-login.com CNAME", 1 }, { "hosts", "0.0.0.0 acme-login.com\n", 1 }, { "misp", "\"value\":\"acme-login.com\"", 1 },
		      { "suricata", "dns.query;", 1 },	      { "suricata", "ctwatch_status confirmed", 4 }, { "csv", "\r\n", 3 },
		      { "stix", "\"type\":\"indicator\"", 2 }, { "stix", "\"type\":\"domain-name\"", 1 } };
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		char *text = export_text(*state, cases[c].format, &options, &result);

		assert_int_equal(count_text(text, cases[c].what), cases[c].n);
		free(text);
	}
}

/* ---- how sure one may be ------------------------------------------------------------------------------------------------------ */

static void the_group_is_named_only_after_confirm_and_only_for_its_own_rules(void **state)
{
	struct export_options options = now_options();
	char id[FINDING_ID_LEN + 1];
	struct error err;

	add_finding(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 1 }, NULL, id);
	assert_false(holds(*state, "stix", &options, "intrusion-set"));
	assert_true(holds(*state, "stix", &options, "anomalous-activity"));
	assert_false(holds(*state, "misp", &options, "threat-actor"));
	assert_true(holds(*state, "misp", &options, "\"to_ids\":false"));
	assert_true(state_triage(*state, id, "acknowledged", "tester", NULL, TEST_NOW_MS, &err));
	assert_false(holds(*state, "stix", &options, "intrusion-set"));
	assert_true(state_triage(*state, id, "confirmed", "tester", NULL, TEST_NOW_MS + 900, &err));
	assert_true(holds(*state, "stix", &options, "intrusion-set"));
	assert_true(holds(*state, "stix", &options, "malicious-activity"));
	assert_false(holds(*state, "stix", &options, "anomalous-activity"));
	assert_true(holds(*state, "misp", &options, "threat-actor=\\\"Callisto\\\""));
	assert_true(holds(*state, "misp", &options, "\"to_ids\":true"));
	assert_true(state_triage(*state, id, "dismissed", "tester", "mistake", TEST_NOW_MS + 950, &err));
	assert_false(holds(*state, "stix", &options, "intrusion-set"));
}

static void a_users_own_brand_is_never_tied_to_the_group(void **state)
{
	struct export_options options = now_options();

	add(*state, "acme-sure.com", 1, "confirmed", NULL);
	assert_true(holds(*state, "stix", &options, "malicious-activity"));
	assert_false(holds(*state, "stix", &options, "intrusion-set"));
	assert_false(holds(*state, "misp", &options, "threat-actor"));
	/* an organisation that the group's published names passed for is */
	add_finding(*state, (struct test_match){ .rule = "brand/cija", .brand = "CIJA", .domain = "cija-x.com", .name = "cija-x.com", .index = 2, .certificate = 2 }, "confirmed", NULL);
	assert_true(holds(*state, "stix", &options, "intrusion-set"));
}

static void an_analysts_word_moves_the_time_of_change(void **state)
{
	struct export_options options = now_options();
	char id[FINDING_ID_LEN + 1];
	struct error err;

	add_finding(*state, (struct test_match){ .index = 1 }, NULL, id);
	assert_false(holds(*state, "stix", &options, "2026-11-22T09:00:00.000Z"));
	assert_true(state_triage(*state, id, "confirmed", "tester", NULL, TEST_NOW_MS + 3600000, &err));
	assert_true(holds(*state, "stix", &options, "\"modified\":\"2026-11-22T09:00:00.000Z\""));
	assert_true(holds(*state, "misp", &options, "\"timestamp\":\"1795338000\""));
}

static void markings_and_actions_that_do_not_exist_are_refused(void **state)
{
	struct export_options options = now_options();
	struct export_result result;
	struct error err;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	options.tlp = "purple";
	assert_false(export_write(*state, export_format_find("stix"), &options, out, &result, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_false(export_write(*state, export_format_find("misp"), &options, out, &result, &err));
	options.action = "reject";
	assert_false(export_write(*state, export_format_find("suricata"), &options, out, &result, &err));
	options.zone = "not a zone";
	assert_false(export_write(*state, export_format_find("rpz"), &options, out, &result, &err));
	assert_non_null(strstr(err.text, "not a zone"));
	/* a zone so long that no name fits into it */
	options.zone = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
		       "cccccccccccccccccccccccccccccccccccccccccccccccccc.dddddddddddddddddddddddddddddddddddddddddddddddddd."
		       "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee.ff";
	assert_false(export_write(*state, export_format_find("rpz"), &options, out, &result, &err));
	assert_non_null(strstr(err.text, "leaves no room"));
	fclose(out);
	free(text);
	/* the state is none the worse for it */
	add(*state, "acme-in.com", 1, NULL, NULL);
	options = now_options();
	assert_true(holds(*state, "suricata", &options, "acme-in.com"));
}

static void every_marking_is_one_of_the_standards(void **state)
{
	static const char *const tlp[] = { "clear", "green", "amber", "red" };
	struct export_options options = now_options();

	add(*state, "acme-in.com", 1, NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(tlp); i++) {
		char tag[32];

		options.tlp = tlp[i];
		snprintf(tag, sizeof(tag), "\"tlp:%s\"", tlp[i]);
		assert_true(holds(*state, "misp", &options, tag));
		assert_true(holds(*state, "stix", &options, "marking-definition--"));
	}
}

/* ---- ids and numbers that stay -------------------------------------------------------------------------------------------------- */

static void a_repeated_export_says_the_same(void **state)
{
	struct export_options options = now_options();

	options.unconfirmed = options.with_published = true;
	for (uint64_t n = 0; n < 30; n++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "acme-%d.com", (int)n);
		add(*state, domain, n, n % 3 == 0 ? "confirmed" : NULL, NULL);
	}
	for (size_t f = 0; f < ARRAY_LEN(FORMATS); f++) {
		char *once = export_text(*state, FORMATS[f], &options, NULL), *again = export_text(*state, FORMATS[f], &options, NULL);

		assert_string_equal(once, again);
		free(once);
		free(again);
	}
}

static json_t *stix_objects(struct state *st, const struct export_options *options)
{
	char *text = export_text(st, "stix", options, NULL);
	json_t *bundle = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *by_id = json_object(), *object;
	size_t i;

	assert_non_null(bundle);
	json_array_foreach(json_object_get(bundle, "objects"), i, object) {
		const char *id = json_string_value(json_object_get(object, "id"));

		/* no object twice */
		assert_null(json_object_get(by_id, id));
		json_object_set(by_id, id, object);
	}
	json_decref(bundle);
	free(text);
	return by_id;
}

static void stix_ids_stay_when_objects_change_and_every_reference_is_in_the_bundle(void **state)
{
	struct export_options options = now_options();
	char id[FINDING_ID_LEN + 1];
	json_t *object;
	const char *key;
	struct error err;

	options.with_published = true;
	add_finding(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 1 }, NULL, id);
	json_t *before = stix_objects(*state, &options);
	assert_true(state_triage(*state, id, "confirmed", "tester", NULL, TEST_NOW_MS + 500, &err));
	json_t *after = stix_objects(*state, &options);
	json_object_foreach(before, key, object)
		assert_non_null(json_object_get(after, key));
	assert_int_equal(json_object_size(after), json_object_size(before) + 1);     /* the relation to the group */
	json_object_foreach(after, key, object) {
		static const char *const refs[] = { "source_ref", "target_ref", "created_by_ref", "sighting_of_ref" };

		for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
			const char *to = json_string_value(json_object_get(object, refs[i]));

			if (to != NULL)
				assert_non_null(json_object_get(after, to));
		}
	}
	json_decref(before);
	json_decref(after);
}

static uint64_t number_after(const char *text, const char *line_with, const char *what)
{
	const char *at = strstr(text, line_with);

	assert_non_null(at);
	at = strstr(at, what);
	assert_non_null(at);
	return strtoull(at + strlen(what), NULL, 10);
}

static void a_rule_keeps_its_sid_and_its_rev_rises_when_it_changes(void **state)
{
	struct export_options options = now_options();
	char id[FINDING_ID_LEN + 1];
	struct error err;

	add(*state, "acme-one.com", 1, NULL, id);
	char *text = export_text(*state, "suricata", &options, NULL);
	const uint64_t sid = number_after(text, "DNS query for acme-one.com", "sid:");
	assert_int_equal(number_after(text, "DNS query for acme-one.com", "rev:"), 1);
	assert_true(sid >= 9000000 && sid < 10000000);
	free(text);
	/* others come before it in the file, and it is confirmed: the same sid, the next rev */
	add(*state, "acme-two.com", 2, NULL, NULL);
	assert_true(state_triage(*state, id, "confirmed", "tester", NULL, TEST_NOW_MS, &err));
	text = export_text(*state, "suricata", &options, NULL);
	assert_int_equal(number_after(text, "DNS query for acme-one.com", "sid:"), sid);
	assert_int_equal(number_after(text, "DNS query for acme-one.com", "rev:"), 2);
	assert_int_equal(number_after(text, "DNS query for acme-two.com", "rev:"), 1);
	assert_true(number_after(text, "DNS query for acme-two.com", "sid:") > sid);
	free(text);
	/* unchanged: the same rev; gone and back: the same sid */
	text = export_text(*state, "suricata", &options, NULL);
	assert_int_equal(number_after(text, "DNS query for acme-one.com", "rev:"), 2);
	free(text);
	assert_true(state_triage(*state, id, "dismissed", "tester", "ours", TEST_NOW_MS, &err));
	assert_false(holds(*state, "suricata", &options, "acme-one.com"));
	assert_true(state_triage(*state, id, "confirmed", "tester", NULL, TEST_NOW_MS, &err));
	text = export_text(*state, "suricata", &options, NULL);
	assert_int_equal(number_after(text, "DNS query for acme-one.com", "sid:"), sid);
	free(text);
}

static void sids_come_from_the_range_given_and_run_out_with_a_sentence(void **state)
{
	struct export_options options = now_options();
	struct export_result result;
	struct error err;
	char *text;
	size_t len;

	options.sid_base = 4000000;
	options.sid_count = 8;
	add(*state, "acme-one.com", 1, NULL, NULL);
	text = export_text(*state, "suricata", &options, NULL);
	assert_int_equal(number_after(text, "DNS query for acme-one.com", "sid:"), 4000000);
	free(text);
	add(*state, "acme-two.com", 2, NULL, NULL);
	add(*state, "acme-three.com", 3, NULL, NULL);
	FILE *out = open_memstream(&text, &len);
	assert_false(export_write(*state, export_format_find("suricata"), &options, out, &result, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "--sid-count"));
	fclose(out);
	free(text);
	/* no two rules share one */
	options.sid_count = 1000;
	text = export_text(*state, "suricata", &options, NULL);
	for (uint64_t sid = 4000000; sid < 4000012; sid++) {
		char what[32];

		snprintf(what, sizeof(what), " sid:%llu;", (unsigned long long)sid);
		assert_int_equal(count_text(text, what), 1);
	}
	free(text);
}

static void two_certificates_with_one_serial_make_one_rule(void **state)
{
	struct export_options options = now_options();

	/* the certificates of these tests share theirs */
	add(*state, "acme-one.com", 1, NULL, NULL);
	add(*state, "acme-one.com", 2, NULL, NULL);
	char *text = export_text(*state, "suricata", &options, NULL);
	assert_int_equal(count_text(text, "tls.cert_serial; content:\"03:AB\";"), 1);
	assert_int_equal(count_text(text, " sid:"), 4);
	free(text);
}

/* ---- text that would leave its place ------------------------------------------------------------------------------------------------ */

static void hostile_names_are_left_out_where_they_cannot_be_said(void **state)
{
	static const char *const names_only[] = { "suricata", "rpz", "hosts", "stix", "misp" };
	struct export_options options = now_options();

	options.unconfirmed = true;
	add_hostile(*state);
	add(*state, "acme-in.com", 1, "confirmed", NULL);
	for (size_t f = 0; f < ARRAY_LEN(names_only); f++) {
		char *text = export_text(*state, names_only[f], &options, NULL);

		assert_null(strstr(text, "<script"));
		assert_non_null(strstr(text, "acme-in.com"));
		free(text);
	}
}

static void hostile_rules_brands_and_serials_of_a_plain_name_stay_inside_their_quotes(void **state)
{
	struct export_options options = now_options();
	char rule[64];

	options.unconfirmed = true;
	snprintf(rule, sizeof(rule), "brand/a\"; sid:1;) alert tcp\n; CNAME .");
	add_finding(*state, (struct test_match){ .rule = rule, .brand = HOSTILE, .index = 1 }, "confirmed", NULL);
	char *rules = export_text(*state, "suricata", &options, NULL), *save = NULL;
	for (char *line = strtok_r(rules, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		assert_true(line[0] == '#' || strncmp(line, "alert ", 6) == 0);
		if (line[0] != '#')
			assert_int_equal(count_text(line, "sid:"), 1);
	}
	free(rules);
	char *zone = export_text(*state, "rpz", &options, NULL);
	save = NULL;
	for (char *line = strtok_r(zone, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		assert_true(line[0] == ';' || line[0] == '$' || line[0] == '@' || strstr(line, "acme-login.com CNAME .") != NULL);
	free(zone);
	char *hosts = export_text(*state, "hosts", &options, NULL);
	save = NULL;
	for (char *line = strtok_r(hosts, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		assert_true(line[0] == '#' || strncmp(line, "0.0.0.0 ", 8) == 0);
	free(hosts);
	static const char *const json_formats[] = { "stix", "misp" };
	for (size_t f = 0; f < ARRAY_LEN(json_formats); f++) {
		char *text = export_text(*state, json_formats[f], &options, NULL);
		json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(value);
		json_decref(value);
		free(text);
	}
}

static void only_names_that_every_resolver_takes_are_plain(void **state)
{
	static const char *const bad[] = { "", ".", "a..b", ".a", "a.", "A.com", "a b.com", "a;b.com", "a\n.com", "\xc3\xbc.com", "*.a.com", "<unparsable>.com", "a.com/", "$ORIGIN", "@" };
	char label[80] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(export_plain_name(bad[i]));
	assert_true(export_plain_name("_dmarc.xn--bcher-kva.example"));
	memset(label, 'a', 63);
	assert_true(export_plain_name(label));
	memset(label, 'a', 64);
	assert_false(export_plain_name(label));
}

static void addresses_are_written_as_each_format_wants_them(void **state)
{
	struct export_options options = now_options();
	static const struct {
		const char *format, *ipv4, *ipv6;
	} cases[] = { { "rpz", "32.1.2.0.192.rpz-ip CNAME .", "128.1.0.0.0.0.0.db8.2001.rpz-ip CNAME ." },
		      { "suricata", "any any -> 192.0.2.1 any", "any any -> [2001:db8::1] any" },
		      { "stix", "[ipv4-addr:value = '192.0.2.1']", "[ipv6-addr:value = '2001:db8::1']" },
		      { "misp", "\"type\":\"ip-dst\",\"category\":\"Network activity\",\"value\":\"192.0.2.1\"", "\"value\":\"2001:db8::1\"" } };

	add_finding(*state, (struct test_match){ .rule = "indicator/x", .kind = "indicator", .name = "192.0.2.1", .domain = "192.0.2.1", .index = 1, .certificate = 1 }, "confirmed", NULL);
	add_finding(*state, (struct test_match){ .rule = "indicator/x", .kind = "indicator", .name = "2001:db8::1", .domain = "2001:db8::1", .index = 2, .certificate = 2 }, "confirmed", NULL);
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		assert_true(holds(*state, cases[c].format, &options, cases[c].ipv4));
		assert_true(holds(*state, cases[c].format, &options, cases[c].ipv6));
	}
	assert_false(holds(*state, "hosts", &options, "192.0.2.1"));
}

/* ---- helpers ----------------------------------------------------------------------------------------------------------------------------- */

static void seen_remembers_everything_while_it_grows(void **state)
{
	struct export_seen seen = { 0 };
	char text[32];

	(void)state;
	assert_false(export_seen_has(&seen, "0"));
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_false(export_seen_add(&seen, text));
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_true(export_seen_add(&seen, text));
		assert_true(export_seen_has(&seen, text));
	}
	assert_false(export_seen_has(&seen, "20000"));
	assert_int_equal(seen.n, 20000);
	export_seen_deinit(&seen);
}

static void uuids_of_version_5_are_those_of_the_standard(void **state)
{
	/* RFC 9562, appendix A.4: www.example.com in the DNS namespace */
	static const uint8_t dns[16] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
	char uuid[37];

	(void)state;
	uuid_v5(dns, SLICE_LITERAL("www.example.com"), uuid);
	assert_string_equal(uuid, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(there_are_six_formats_and_no_others),
		TEST(dismissed_findings_go_into_no_format),
		TEST(an_analysts_no_stands_above_what_was_published),
		TEST(block_formats_hold_only_what_was_confirmed_unless_asked_otherwise),
		TEST(drop_rules_are_for_the_confirmed_and_alerts_for_the_rest),
		TEST(official_domains_and_watched_names_are_nobodys_indicators),
		TEST(filters_choose_by_score_age_rule_kind_brand_and_status),
		TEST(everything_expires_after_it_was_last_seen),
		TEST(published_names_come_when_asked_with_their_date_and_an_end),
		TEST(a_published_name_that_was_found_comes_once),
		TEST(an_unpublished_parent_of_an_indicator_is_not_named),
		TEST(several_findings_about_a_name_are_one_item_where_a_format_wants_that),
		TEST(the_group_is_named_only_after_confirm_and_only_for_its_own_rules),
		TEST(a_users_own_brand_is_never_tied_to_the_group),
		TEST(an_analysts_word_moves_the_time_of_change),
		TEST(markings_and_actions_that_do_not_exist_are_refused),
		TEST(every_marking_is_one_of_the_standards),
		TEST(a_repeated_export_says_the_same),
		TEST(stix_ids_stay_when_objects_change_and_every_reference_is_in_the_bundle),
		TEST(a_rule_keeps_its_sid_and_its_rev_rises_when_it_changes),
		TEST(sids_come_from_the_range_given_and_run_out_with_a_sentence),
		TEST(two_certificates_with_one_serial_make_one_rule),
		TEST(hostile_names_are_left_out_where_they_cannot_be_said),
		TEST(hostile_rules_brands_and_serials_of_a_plain_name_stay_inside_their_quotes),
		TEST(only_names_that_every_resolver_takes_are_plain),
		TEST(addresses_are_written_as_each_format_wants_them),
		TEST(seen_remembers_everything_while_it_grows),
		TEST(uuids_of_version_5_are_those_of_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
