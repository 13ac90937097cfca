/* Packs and brand files: what is read, and the sentences for what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rule_config.h"
#include "rules_kit.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct refusal {
	const char *json, *sentence;
};

static void assert_refused(const struct refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rules_kit kit;

		if (kit_json(&kit, cases[i].json))
			fail_msg("accepted: %s", cases[i].json);
		if (!strstr(kit.err.text, cases[i].sentence))
			fail_msg("%s\n  says: %s\n  not:  %s", cases[i].json, kit.err.text, cases[i].sentence);
		assert_int_equal(kit.err.kind, ERR_USAGE);
		kit_free(&kit);
	}
}

static void what_is_wrong_is_named_with_line_column_and_the_nearest_key(void **state)
{
	static const struct refusal CASES[] = {
		{ "", "test.json:1:" },
		{ "{\"brands\":[}", "test.json:1:" },
		{ "[]", "test.json:1:1: a rule file is an object" },
		{ "{}", "neither \"actor\" (an actor pack) nor \"brands\"" },
		{ "{\n \"brands\": [\n  {\"name\":\"Acme\",\n   \"oficial_domains\":[\"a.example\"]}]}",
		  "test.json:4:4: a brand has no key \"oficial_domains\": did you mean \"official_domains\"?" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"zzzzzzzzzzzzz\":1}]}", "a brand has no key \"zzzzzzzzzzzzz\" (keys that start with _ are comments)" },
		{ "{\"brands\":[{\"terms\":[\"acme\"]}]}", "test.json:1:12: a brand needs \"name\"" },
		{ "{\"brands\":[{\"name\":7}]}", "test.json:1:13: \"name\" wants a text in quotes, not a number" },
		{ "{\"brands\":[{\"name\":\"\"}]}", "\"name\" is empty" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"terms\":\"acme\"}]}", "\"terms\" wants an array [...], not a text" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"terms\":[\"acme\", 3]}]}", "test.json:1:44: \"terms\" wants a text" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"min_score\":101}]}", "\"min_score\" is 101: it may be 0 to 100" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"min_score\":59.5}]}", "\"min_score\" wants a whole number" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"official_domains\":[\"acme\"]}]}", "\"acme\" is no domain: it has no dot" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"official_domains\":[\"exa mple.org\"]}]}", "is no domain name" },
		{ "{\"brands\":[{\"name\":\"Ag\"}]}", "\"Ag\" gives no term to look for" },
		{ "{\"brands\":[{\"name\":\"\\u043c\\u0432\\u0434\",\"terms\":[\"mvd\"]}]}", "the brand needs an \"id\" of a-z, 0-9 and hyphens" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"id\":\"Ac/me\"}]}", "test.json:1:27: the brand needs an \"id\"" },
		{ "{\"brands\":[{\"name\":\"Acme\"},\n{\"name\":\"ACME\"}]}", "test.json:2:1: the id \"acme\" is taken by test.json" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"keyword_sets\":[\"servise\"]}]}", "there is no keyword set \"servise\": did you mean \"service\"?" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"techniques\":{\"tld-swop\":\"off\"}}]}", "did you mean \"tld-swap\"?" },
		{ "{\"brands\":[{\"name\":\"Acme\",\"techniques\":{\"tld-swap\":\"maybe\"}}]}", "may be \"off\", \"digest\" or \"on\"" },
		{ "{\"brands\":[],\"allow\":[{\"domain\":\"a.example\"}]}", "an \"allow\" entry needs \"reason\"" },
		{ "{\"brands\":[],\"allow\":[{\"domain\":\"a.example\",\"reason\":\"x\",\"until\":\"soon\"}]}", "\"until\" is no date: write it as 2027-06-30" },
		{ "{\"brands\":[],\"keyword_sets\":{\"a\":\"b\"}}", "\"a\" wants an array" },
		{ "{\"brands\":[],\"defaults\":{\"min_scores\":5}}", "did you mean \"min_score\"?" },
		{ "{\"brands\":[],\"version\":2}", "version 2 is not known here" },
		{ "{\"brands\":[],\"brands\":[]}", "duplicate" },
	};

	(void)state;
	assert_refused(CASES, ARRAY_LEN(CASES));
}

static void an_actor_pack_is_checked_as_strictly(void **state)
{
#define NAMING(more) \
	"{\"id\":\"x\",\"actor\":{\"name\":\"X\"},\"naming\":{\"terms\":{\"drive\":60},\"suffixes\":{\"com\":8}," \
	"\"hyphens\":[-15,18,16,-16],\"unknown\":-16,\"digits\":-16,\"other_generic\":-9" more "}}"
	static const struct refusal CASES[] = {
		{ "{\"actor\":{\"name\":\"X\"}}", "an actor pack needs \"id\"" },
		{ "{\"id\":\"x y\",\"actor\":{\"name\":\"X\"}}", "an id is made of a-z, 0-9 and hyphens" },
		{ "{\"id\":\"x\",\"actor\":{\"nam\":\"X\"}}", "\"actor\" has no key \"nam\": did you mean \"name\"?" },
		{ "{\"id\":\"x\",\"actor\":{\"name\":\"X\"},\"indicators\":[{\"domains\":[]}]}", "a group of indicators needs \"published\"" },
		{ "{\"id\":\"x\",\"actor\":{\"name\":\"X\"},\"indicators\":[{\"published\":\"long ago\"}]}", "\"published\" is no date" },
		{ "{\"id\":\"x\",\"actor\":{\"name\":\"X\"},\"indicators\":[{\"published\":\"2022-12\",\"addresses\":[\"1.2.3\"]}]}", "wants IPv4 or IPv6 addresses" },
		{ "{\"id\":\"x\",\"actor\":{\"name\":\"X\"},\"naming\":{\"theme\":[\"docs\"]}}", "has no weights yet: 'ctwatch rules learn'" },
		{ NAMING(""), "\"naming\" needs \"other_country\"" },
		{ NAMING(",\"other_country\":-20,\"related\":{\"a\":1000}"), "points of \"a\" want a whole number, -100 to 100" },
		{ NAMING(",\"other_country\":-20,\"hyphen\":[]"), "did you mean \"hyphens\"?" },
	};
	struct rules_kit kit;

	(void)state;
	assert_refused(CASES, ARRAY_LEN(CASES));
	assert_true(kit_json(&kit, NAMING(",\"other_country\":-20")));
	kit_free(&kit);
}

static void the_least_that_works_is_a_name_and_a_domain(void **state)
{
	struct rules_kit kit;
	char *text;
	json_t *brands, *terms;

	(void)state;
	assert_true(kit_json(&kit, "{\"version\":1,\"_comment\":\"ours\",\"brands\":[{\"name\":\"Acme Tronics Holding LTD\",\"official_domains\":[\"acme-online.example\"]}]}"));
	text = ruleset_brands_json(kit.rules);
	brands = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json_array_get(brands, 0), "id")), "acme-tronics-holding-ltd");
	terms = json_object_get(json_array_get(brands, 0), "terms");
	assert_int_equal(json_array_size(terms), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(terms, 0), "term")), "acme-online");
	assert_string_equal(json_string_value(json_object_get(json_array_get(terms, 1), "term")), "acmetronics");
	json_decref(brands);
	free(text);
	kit_free(&kit);
}

static void a_byte_order_mark_in_front_does_no_harm(void **state)
{
	struct rules_kit kit;

	(void)state;
	assert_true(kit_json(&kit, "\xef\xbb\xbf{\"brands\":[{\"name\":\"Acmetronics\"}]}"));
	kit_free(&kit);
	assert_true(kit_watch_list(&kit, "\xef\xbb\xbf{\"brands\":[{\"name\":\"Acmetronics\"}]}"));
	assert_int_equal(kit_ask_one(&kit, "acmetronics-login.com"), 1);
	kit_free(&kit);
	assert_true(kit_watch_list(&kit, "\xef\xbb\xbf.example.org\n"));
	assert_int_equal(kit_ask_one(&kit, "a.example.org"), 1);
	kit_free(&kit);
}

static void defaults_extend_lists_and_give_way_to_scalars(void **state)
{
	struct rule_config config = { 0 };
	struct suffix_table *suffixes = suffix_table_new_libpsl();
	struct error err;
	struct rule_source source = { SOURCE_PACK, "x.json",
				      SLICE_LITERAL("{\"brands\":[{\"name\":\"Acme\",\"keywords\":[\"rocket\"],\"min_score\":70,\"keyword_sets\":[\"own\"]},{\"name\":\"Bolt\"}],"
						    "\"keyword_sets\":{\"own\":[\"Skates\"]},"
						    "\"defaults\":{\"keywords\":[\"coyote\"],\"min_score\":80,\"keyword_sets\":[\"service\"],\"issuers\":[\"*\"]}}") };

	(void)state;
	assert_true(rule_config_add(&config, &source, suffixes, KIT_NOW_MS, &err));
	assert_int_equal(config.n_brands, 2);
	assert_int_equal(config.brands[0].min_score, 70);
	assert_int_equal(config.brands[1].min_score, 80);
	assert_int_equal(config.brands[0].keywords.n, 2);
	assert_int_equal(config.brands[0].n_keyword_sets, 2);
	assert_string_equal(config.brands[0].keyword_sets[0]->words[0], "skates");
	assert_int_equal(config.brands[1].n_keyword_sets, 1);
	assert_string_equal(config.brands[0].issuers.items[0], "*");
	rule_config_deinit(&config);
	suffix_table_free(suffixes);
}

static void terms_come_from_names_and_domains(void **state)
{
	static const struct {
		const char *name, *domain, *terms;
	} CASES[] = {
		{ "Sangrail LTD", "sangrail.example", "sangrail" },
		{ "Blue Sky Network", "blueskynetwork.com", "blueskynetwork" },
		{ "Global Ordnance", "www.globalordnance.co.uk", "globalordnance" },
		{ "Commission for International Justice and Accountability (CIJA)", "cijaonline.org", "cijaonline cija" },
		{ "AG", "ag.example", "" },
		{ "O'Neill & Sons, Inc.", "oneill.example", "oneill oneillsons" },
		{ "L\xc3\xa9on", "leon.example", "leon" },
		{ "Company", "x.example", "company" },
	};
	struct suffix_table *suffixes = suffix_table_new_libpsl();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct brand_config b = { .name = xstrdup(CASES[i].name) };
		char joined[200] = "";

		text_list_add(&b.official_domains, CASES[i].domain);
		brand_derive_terms(&b, suffixes);
		for (size_t k = 0; k < b.terms.n; k++) {
			strcat(joined, k > 0 ? " " : "");
			strcat(joined, b.terms.items[k]);
		}
		assert_string_equal(joined, CASES[i].terms);
		brand_config_deinit(&b);
	}
	suffix_table_free(suffixes);
}

static void an_international_domain_gives_a_native_term(void **state)
{
	struct suffix_table *suffixes = suffix_table_new_libpsl();
	struct brand_config b = { .name = xstrdup("MVD") };

	(void)state;
	text_list_add(&b.official_domains, "xn--b1aew.xn--p1ai");
	brand_derive_terms(&b, suffixes);
	assert_int_equal(b.native.n, 1);
	assert_string_equal(b.native.items[0], "\xd0\xbc\xd0\xb2\xd0\xb4");
	brand_config_deinit(&b);
	suffix_table_free(suffixes);
}

static void an_id_may_stand_in_one_file_only(void **state)
{
	struct rules_kit kit;
	size_t len;
	const char *watchlist = rule_pack_text("watchlist", &len);
	struct rule_source sources[] = {
		{ SOURCE_PACK, "watchlist", slice_of(watchlist, len) },
		{ SOURCE_PACK, "mine.json", SLICE_LITERAL("{\"brands\":[{\"name\":\"Mine\",\"id\":\"mvd\",\"official_domains\":[\"mine.example\"]}]}") },
	};

	(void)state;
	assert_true(kit_json(&kit, "{\"brands\":[]}"));
	ruleset_free(kit.rules);
	kit.rules = NULL;
	assert_false(ruleset_compile(sources, 2, kit.suffixes, KIT_NOW_MS, &kit.rules, &kit.err));
	assert_non_null(strstr(kit.err.text, "mine.json:1:27: the id \"mvd\" is taken by watchlist"));
	kit_free(&kit);
}

static void shipped_packs_compile_without_a_warning_and_say_what_they_know(void **state)
{
	static const char *const SHIPPED[] = { "tag53", "watchlist", NULL };
	struct rules_kit kit;
	json_t *description, *pack;
	char *text;

	(void)state;
	kit_packs(&kit, SHIPPED);
	assert_int_equal(ruleset_n_warnings(kit.rules), 0);
	assert_int_equal(strlen(ruleset_id(kit.rules)), 16);
	text = ruleset_describe_json(kit.rules);
	description = json_loads(text, 0, NULL);
	pack = json_array_get(json_object_get(description, "packs"), 0);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(pack, "indicators"), 0), "domains")), 38);
	assert_true(json_array_size(json_object_get(pack, "recall")) >= 2);
	assert_non_null(json_object_get(pack, "limits"));
	assert_int_equal(json_array_size(json_object_get(description, "rules")), 2 + 7);
	json_t *list = json_array_get(json_object_get(description, "brand_files"), 0);
	assert_string_equal(json_string_value(json_object_get(list, "source")), "watchlist");
	assert_string_equal(json_string_value(json_object_get(list, "published")), "2022-12");
	assert_int_equal(json_integer_value(json_object_get(list, "brands")), 7);
	json_decref(description);
	free(text);
	assert_null(rule_pack_text("nonesuch", &(size_t){ 0 }));
	kit_free(&kit);
}

static void ten_thousand_brands_compile_and_order_changes_nothing(void **state)
{
	struct rules_kit kit;
	struct buf text;
	char *backwards;

	(void)state;
	for (int direction = 0; direction < 2; direction++) {
		buf_init(&text, 4u << 20);
		assert_true(buf_append_text(&text, "{\"brands\":["));
		for (int i = 0; i < 10000; i++) {
			int n = direction ? 9999 - i : i;

			assert_true(buf_printf(&text, "%s{\"name\":\"Brand%dquax\",\"official_domains\":[\"brand%dquax.example\"]}", i ? "," : "", n, n));
		}
		assert_true(buf_append_text(&text, "]}"));
		backwards = slice_dup_text(buf_slice(&text));
		assert_true(kit_json(&kit, backwards));
		assert_true(kit_ask_one(&kit, "brand4711quax-login.com") >= 1);
		assert_non_null(kit_match(&kit, "brand/brand4711quax"));
		assert_int_equal(kit_ask_one(&kit, "www.brand4711quax.example"), 0);
		kit_free(&kit);
		free(backwards);
		buf_deinit(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named_with_line_column_and_the_nearest_key),
		cmocka_unit_test(an_actor_pack_is_checked_as_strictly),
		cmocka_unit_test(the_least_that_works_is_a_name_and_a_domain),
		cmocka_unit_test(a_byte_order_mark_in_front_does_no_harm),
		cmocka_unit_test(defaults_extend_lists_and_give_way_to_scalars),
		cmocka_unit_test(terms_come_from_names_and_domains),
		cmocka_unit_test(an_international_domain_gives_a_native_term),
		cmocka_unit_test(an_id_may_stand_in_one_file_only),
		cmocka_unit_test(shipped_packs_compile_without_a_warning_and_say_what_they_know),
		cmocka_unit_test(ten_thousand_brands_compile_and_order_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
