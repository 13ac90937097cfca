/* `check` decides as `run` does, and says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_kit.h"
#include "shared.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const SHIPPED[] = { "tag53", "watchlist", NULL };

static json_t *explain(struct rules_kit *kit, const char *name, const char *issuer)
{
	char *text = ruleset_explain_json(kit->rules, kit->scratch, slice_text(name), slice_text(issuer));
	json_t *answer = json_loads(text, 0, NULL);

	free(text);
	assert_non_null(answer);
	return answer;
}

static const char *text_at(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool considered(json_t *answer, const char *signal)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, "considered"), i, item)
		if (!strcmp(text_at(item, "signal"), signal))
			return true;
	return false;
}

static json_int_t sum_of_points(json_t *object)
{
	json_t *row;
	json_int_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(object, "evidence"), i, row)
		sum += json_integer_value(json_object_get(row, "points"));
	return sum;
}

/* The same rules with the same scores in the same order, every account true. */
static void assert_same(struct rules_kit *kit, struct slice name)
{
	struct cert_names names;
	struct rule_subject subject = { .issuer_org = SLICE_LITERAL(LETS_ENCRYPT), .names = &names };
	char *text;
	json_t *answer, *matches, *match;
	size_t i;

	names_init(&names);
	names_add_text(&names, name, NAME_FROM_SAN);
	match_list_clear(&kit->matches);
	ruleset_match(kit->rules, kit->scratch, &subject, &kit->matches);
	text = ruleset_explain_json(kit->rules, kit->scratch, name, slice_text(LETS_ENCRYPT));
	answer = json_loads(text, 0, NULL);
	matches = json_object_get(answer, "matches");
	if (json_array_size(matches) != kit->matches.n)
		fail_msg("%.*s: %zu matches, check says %zu", SLICE_ARGS(name), kit->matches.n, json_array_size(matches));
	json_array_foreach(matches, i, match) {
		const struct match *m = &kit->matches.items[i];

		assert_string_equal(text_at(match, "rule"), m->rule);
		assert_int_equal(json_integer_value(json_object_get(match, "score")), m->score);
		assert_int_equal(sum_of_points(match), m->score);
		assert_int_equal(match_points(m), m->score);
		assert_int_equal(json_is_true(json_object_get(match, "flagged")), m->flagged);
	}
	json_decref(answer);
	free(text);
	names_deinit(&names);
}

static void compare_file(struct rules_kit *kit, const char *path, size_t every)
{
	struct slice text = shared_file(path), rest = text;
	size_t number = 0, compared = 0;

	while (rest.len > 0) {
		ptrdiff_t end = slice_find(rest, '\n'), tab;
		struct slice name = slice_sub(rest, 0, end < 0 ? rest.len : (size_t)end);

		rest = slice_sub(rest, end < 0 ? rest.len : (size_t)end + 1, rest.len);
		tab = slice_find(name, '\t');
		if (tab >= 0)
			name.len = (size_t)tab;
		if (name.len == 0 || number++ % every != 0)
			continue;
		assert_same(kit, name);
		compared++;
	}
	assert_true(compared > 20);
	free((void *)text.data);
}

static void check_equals_the_live_decision_over_the_corpora(void **state)
{
	struct rules_kit kit;

	(void)state;
	need_shared();
	kit_packs(&kit, SHIPPED);
	compare_file(&kit, "corpora/lookalike-cases.tsv", 1);
	compare_file(&kit, "corpora/benign-nrd.tsv.gz", 101);
	compare_file(&kit, "corpora/benign-ct-hosts.txt.gz", 101);
	compare_file(&kit, "corpora/benign-top.tsv.gz", 37);
	compare_file(&kit, "corpora/benign-gov-hosts.txt.gz", 11);
	kit_free(&kit);
}

static void a_name_that_does_not_fire_gets_the_nearest_rule_with_a_true_account(void **state)
{
	struct rules_kit kit;
	json_t *answer, *nearest;

	(void)state;
	kit_packs(&kit, SHIPPED);
	answer = explain(&kit, "cloud-garden.com", LETS_ENCRYPT);
	assert_false(json_is_true(json_object_get(answer, "flagged")));
	nearest = json_object_get(answer, "nearest");
	assert_string_equal(text_at(nearest, "rule"), "naming/tag53");
	assert_non_null(strstr(text_at(nearest, "why"), "below"));
	assert_int_equal(sum_of_points(nearest), json_integer_value(json_object_get(nearest, "score")));
	json_decref(answer);
	kit_free(&kit);
}

static void suppressions_are_said(void **state)
{
	struct rules_kit kit;
	json_t *answer;

	(void)state;
	assert_true(kit_json(&kit, "{\"allow\":[{\"domain\":\".acmetronics-cdn.net\",\"reason\":\"our own CDN\"}],"
				   "\"brands\":[{\"name\":\"Acmetronics\",\"official_domains\":[\"acmetronics.com\"],"
				   "\"exclude_domains\":[{\"domain\":\"acmetronics-fans.org\",\"reason\":\"a club\"}]}]}"));
	answer = explain(&kit, "www.acmetronics.com", LETS_ENCRYPT);
	assert_true(considered(answer, "OFFICIAL") && considered(answer, "OWN"));
	json_decref(answer);
	answer = explain(&kit, "a.acmetronics-cdn.net", LETS_ENCRYPT);
	assert_true(considered(answer, "ALLOW"));
	assert_string_equal(text_at(json_object_get(answer, "nearest"), "why"), "the domain is allowed");
	json_decref(answer);
	answer = explain(&kit, "acmetronics-fans.org", LETS_ENCRYPT);
	assert_true(considered(answer, "EXCLUDED"));
	json_decref(answer);
	answer = explain(&kit, "acmetronics-login.com", "Other CA");
	assert_true(considered(answer, "ISSUER"));
	assert_string_equal(text_at(json_object_get(answer, "nearest"), "why"), "the rule wants another issuer");
	json_decref(answer);
	kit_free(&kit);
}

static void addresses_and_text_that_is_no_name_are_answered_too(void **state)
{
	struct rules_kit kit;
	json_t *answer;

	(void)state;
	kit_packs(&kit, SHIPPED);
	answer = explain(&kit, "23.254.201.243", "Any CA");
	assert_true(json_is_true(json_object_get(answer, "flagged")));
	json_decref(answer);
	answer = explain(&kit, "2001:db8::1", "Any CA");
	assert_false(json_is_true(json_object_get(answer, "flagged")));
	json_decref(answer);
	answer = explain(&kit, "", LETS_ENCRYPT);
	assert_false(json_is_true(json_object_get(answer, "flagged")));
	json_decref(answer);
	answer = explain(&kit, "\xff\xfe.com", LETS_ENCRYPT);
	assert_non_null(json_object_get(answer, "name"));
	json_decref(answer);
	answer = explain(&kit, "co.uk", LETS_ENCRYPT);
	assert_true(considered(answer, "SUFFIX"));
	json_decref(answer);
	kit_free(&kit);
}

/* The brand file that corpora/lookalike-cases.tsv assumes, as a user would write it. */
static const char CASES_BRANDS[] =
	"{\"version\":1,\"brands\":["
	"{\"id\":\"globalordnance\",\"name\":\"Global Ordnance\",\"official_domains\":[\"globalordnance.com\"]},"
	"{\"id\":\"cija\",\"name\":\"Commission for International Justice and Accountability (CIJA)\",\"official_domains\":[\"cijaonline.org\"]},"
	"{\"id\":\"umopl\",\"name\":\"UMO Poland\",\"terms\":[\"umopl\"],\"aliases\":[\"umo\"],\"keywords\":[\"poland\"],\"official_domains\":[\"umopl.com\"]},"
	"{\"id\":\"sangrail\",\"name\":\"Sangrail LTD\",\"official_domains\":[\"sangrail.com\"],\"exclude_terms\":[\"sandrail\"]},"
	"{\"id\":\"dtgruelle\",\"name\":\"DTGruelle\",\"official_domains\":[\"dtgruelle.com\"],\"keywords\":[\"tracking\"]},"
	"{\"id\":\"blueskynetwork\",\"name\":\"Blue Sky Network\",\"official_domains\":[\"blueskynetwork.com\"]},"
	"{\"id\":\"mvd\",\"name\":\"MVD\",\"native\":[\"\xd0\xbc\xd0\xb2\xd0\xb4\"],\"official_domains\":[\"mvd.ru\",\"\xd0\xbc\xd0\xb2\xd0\xb4.\xd1\x80\xd1\x84\"]}"
	"]}";

static void every_case_of_the_corpus_is_decided_as_expected_from_a_brand_file(void **state)
{
	struct rules_kit kit;
	struct slice text;
	char *copy, *line, *rest;
	size_t cases = 0;

	(void)state;
	need_shared();
	assert_true(kit_json(&kit, CASES_BRANDS));
	text = shared_file("corpora/lookalike-cases.tsv");
	copy = slice_dup_text(text);
	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *tab = strchr(line, '\t'), *expected, found[80] = "-";
		json_t *answer, *match;
		size_t i;

		*tab = '\0';
		expected = tab + 1;
		*strchr(expected, '\t') = '\0';
		if (!strcmp(line, "san"))
			continue;
		answer = explain(&kit, line, LETS_ENCRYPT);
		json_array_foreach(json_object_get(answer, "matches"), i, match)
			if (json_is_true(json_object_get(match, "flagged")))
				snprintf(found, sizeof(found), "%s", text_at(match, "rule") + strlen("brand/"));
		if (strcmp(found, expected) != 0)
			fail_msg("%s: expected %s, found %s", line, expected, found);
		cases++;
		json_decref(answer);
	}
	assert_int_equal(cases, 40);
	free(copy);
	free((void *)text.data);
	kit_free(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_equals_the_live_decision_over_the_corpora),
		cmocka_unit_test(a_name_that_does_not_fire_gets_the_nearest_rule_with_a_true_account),
		cmocka_unit_test(suppressions_are_said),
		cmocka_unit_test(addresses_and_text_that_is_no_name_are_answered_too),
		cmocka_unit_test(every_case_of_the_corpus_is_decided_as_expected_from_a_brand_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
