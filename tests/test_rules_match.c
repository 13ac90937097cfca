/* What the compiled rules say of certificates: indicators, naming, own, watch, unreadable, and how they join. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_kit.h"
#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const SHIPPED[] = { "tag53", "watchlist", NULL };

#define ASK(kit, issuer, ...) kit_ask(kit, issuer, (const char *const[]){ __VA_ARGS__, NULL })

static void a_published_domain_and_all_below_it_is_an_indicator_whoever_issued(void **state)
{
	static const char *const NAMES[] = { "drive-globalordnance.com", "login.drive-globalordnance.com", "*.drive-globalordnance.com" };
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		const struct match *m;

		assert_int_equal(ASK(&kit, "Some Other CA", NAMES[i]), 1);
		m = kit_match(&kit, "indicator/tag53");
		assert_non_null(m);
		assert_int_equal(m->score, 100);
		assert_true(m->flagged);
		assert_string_equal(m->registrable_domain, "drive-globalordnance.com");
		assert_non_null(strstr(m->evidence[0].detail, "2022-12"));
	}
	assert_int_equal(ASK(&kit, "Some Other CA", "xdrive-globalordnance.com"), 0);
	assert_int_equal(ASK(&kit, "Some Other CA", "globalordnance.com", "com", "drive-globalordnance.com.example.org"), 0);
	kit_free(&kit);
}

static void a_published_address_in_an_ip_san_is_an_indicator(void **state)
{
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	assert_int_equal(ASK(&kit, "Some Other CA", "ip:23.254.201.243"), 1);
	assert_string_equal(kit.matches.items[0].rule, "indicator/tag53");
	assert_string_equal(kit.matches.items[0].registrable_domain, "23.254.201.243");
	assert_int_equal(ASK(&kit, LETS_ENCRYPT, "ip:23.254.201.244", "ip:2001:db8::1"), 0);
	kit_free(&kit);
}

static void all_published_domains_match_and_37_of_38_also_by_their_build(void **state)
{
	struct slice text;
	struct rules_kit kit;
	json_t *indicators, *value;
	size_t i, indicator = 0, naming = 0;

	(void)state;
	need_shared();
	text = shared_file("tag53/indicators.json");
	indicators = json_loadb((const char *)text.data, text.len, 0, NULL);
	kit_packs(&kit, SHIPPED);
	json_array_foreach(json_object_get(indicators, "domains"), i, value) {
		const struct match *m;

		kit_ask_one(&kit, json_string_value(value));
		indicator += kit_match(&kit, "indicator/tag53") != NULL;
		m = kit_match(&kit, "naming/tag53");
		naming += m && m->flagged;
	}
	assert_int_equal(i, 38);
	assert_int_equal(indicator, 38);
	assert_int_equal(naming, 37);
	json_decref(indicators);
	free((void *)text.data);
	kit_free(&kit);
}

static void the_nine_published_brand_domains_are_for_the_right_brand(void **state)
{
	static const struct {
		const char *name, *rule;
	} CASES[] = {
		{ "umopl-drive.com", "brand/umo-poland" },
		{ "drive-globalordnance.com", "brand/global-ordnance" },
		{ "sangrail-share.com", "brand/sangrail" },
		{ "dtgruelle-us.com", "brand/dtgruelle" },
		{ "dtgruelle-drive.com", "brand/dtgruelle" },
		{ "cija-docs.com", "brand/cija" },
		{ "blueskynetwork-shared.com", "brand/blue-sky-network" },
		{ "dns-mvd.ru", "brand/mvd" },
		{ "mvd-redir.ru", "brand/mvd" },
	};
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		size_t brands = 0;

		kit_ask_one(&kit, CASES[i].name);
		for (size_t j = 0; j < kit.matches.n; j++)
			brands += kit.matches.items[j].kind == FINDING_BRAND;
		assert_int_equal(brands, 1);
		assert_non_null(kit_match(&kit, CASES[i].rule));
		assert_true(kit_match(&kit, CASES[i].rule)->flagged);
		assert_true(match_has_signal(kit_match(&kit, CASES[i].rule), "ACTOR"));
	}
	kit_free(&kit);
}

static void the_issuer_is_a_condition_of_looks_and_staging_is_another_issuer(void **state)
{
	static const char *const OTHERS[] = { "(STAGING) Let's Encrypt", "DigiCert Inc", "", "Let's Encrypt Authority", "Let\xe2\x80\x99s Encrypt" };
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	assert_true(ASK(&kit, LETS_ENCRYPT, "sangrail-docs.com") >= 1);
	for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++)
		assert_int_equal(ASK(&kit, OTHERS[i], "sangrail-docs.com"), 0);
	assert_true(issuer_is_lets_encrypt(slice_text("Let's Encrypt")));
	assert_false(issuer_is_lets_encrypt(slice_text("(STAGING) Let's Encrypt")));
	kit_free(&kit);
}

static void every_point_stands_in_the_evidence(void **state)
{
	static const char *const NAMES[] = { "drive-share-docs.online", "checker-filter.com", "cija-docs.com", "docs-preview.live",
					     "globalordnance.com.secure-share.online", "a-drive.com", "sangrail-drive-docs.com" };
	struct rules_kit kit;
	size_t seen = 0, clamped = 0;

	(void)state;
	kit_packs(&kit, SHIPPED);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		kit_ask_one(&kit, NAMES[i]);
		for (size_t j = 0; j < kit.matches.n; j++) {
			const struct match *m = &kit.matches.items[j];

			assert_int_equal(match_points(m), m->score);
			assert_in_range(m->score, 0, 100);
			clamped += match_has_signal(m, "CLAMP");
			seen++;
		}
	}
	assert_true(seen >= 8);
	assert_true(clamped >= 2);
	kit_free(&kit);
}

static void spans_point_into_the_name_as_it_stands_in_the_certificate(void **state)
{
	struct rules_kit kit;
	const struct match *m;
	bool found = false;

	(void)state;
	kit_packs(&kit, SHIPPED);
	kit_ask_one(&kit, "*.checker-filter.com");
	m = kit_match(&kit, "naming/tag53");
	assert_non_null(m);
	assert_string_equal(m->name, "*.checker-filter.com");
	for (size_t i = 0; i < m->n_evidence; i++) {
		const struct evidence *e = &m->evidence[i];

		if (!strcmp(e->signal, "N-TERM") && strstr(e->detail, "\"filter\"")) {
			assert_memory_equal(m->name + e->span_start, "filter", 6);
			assert_int_equal(e->span_end - e->span_start, 6);
			found = true;
		}
	}
	assert_true(found);
	kit_free(&kit);
}

static void one_certificate_gives_one_match_per_rule_and_registrable_domain(void **state)
{
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	ASK(&kit, LETS_ENCRYPT, "checker-filter.com", "www.checker-filter.com", "a.checker-filter.com", "*.checker-filter.com", "docs-redir.com");
	assert_int_equal(kit.matches.n, 2);
	assert_string_equal(kit.matches.items[0].name, "checker-filter.com");
	assert_string_equal(kit.matches.items[1].registrable_domain, "docs-redir.com");
	kit_free(&kit);
}

static void the_best_scoring_name_of_a_domain_stays(void **state)
{
	struct rules_kit kit;
	const struct match *m;

	(void)state;
	kit_packs(&kit, SHIPPED);
	ASK(&kit, LETS_ENCRYPT, "www.example.org", "sangrail.example.org", "sangrail.com.example.org", "globalordnance.com.example.org", "globalordnance.example.org");
	m = kit_match(&kit, "brand/global-ordnance");
	assert_non_null(m);
	assert_string_equal(m->name, "globalordnance.com.example.org");
	kit_free(&kit);
}

static void hostile_certificates_stay_bounded(void **state)
{
	struct rules_kit kit;
	struct cert_names names;
	struct rule_subject subject = { .issuer_org = SLICE_LITERAL("Let's Encrypt"), .names = &names };

	(void)state;
	kit_packs(&kit, SHIPPED);
	names_init(&names);
	for (int i = 0; i < 3000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "sangrail-docs%d.com", i);
		names_add_text(&names, slice_text(name), NAME_FROM_SAN);
	}
	assert_true(names.n >= 3000);
	ruleset_match(kit.rules, kit.scratch, &subject, &kit.matches);
	assert_int_equal(kit.matches.n, 256);
	/* what is known still gets through */
	match_list_clear(&kit.matches);
	names_add_text(&names, slice_text("drive-globalordnance.com"), NAME_FROM_SAN);
	ruleset_match(kit.rules, kit.scratch, &subject, &kit.matches);
	assert_non_null(kit_match(&kit, "indicator/tag53"));
	names_deinit(&names);
	kit_free(&kit);
}

static void odd_names_neither_crash_nor_hide_a_match_behind_padding(void **state)
{
	static const char *const ODD[] = { "", ".", "..", "*", "*.", "*.*", "-", "_._", "com", "co.uk", "*.com", "a..b", "xn--", "xn--.xn--", "<unparsable>.com",
					   "\xff\xfe-\x80.com", "------.------", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z" };
	char padded[600];
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	for (size_t i = 0; i < ARRAY_LEN(ODD); i++)
		assert_int_equal(kit_ask_one(&kit, ODD[i]), 0);
	memset(padded, 'a', sizeof(padded));
	for (size_t i = 50; i < 500; i += 50)
		padded[i] = '.';
	strcpy(padded + 500, ".checker-filter.com");
	kit_ask_one(&kit, padded);
	assert_non_null(kit_match(&kit, "naming/tag53"));
	kit_free(&kit);
}

static void an_unreadable_entry_is_a_match_of_score_zero(void **state)
{
	struct rules_kit kit;
	struct cert_name one = { .kind = NAME_DNS, .text = SLICE_LITERAL("www.example.org") };
	struct cert_names names = { .items = &one, .n = 1 }, none = { 0 };
	struct rule_subject subject = { .issuer_org = SLICE_LITERAL("X"), .names = &names, .names_incomplete = true };

	(void)state;
	kit_packs(&kit, SHIPPED);
	assert_int_equal(ruleset_match(kit.rules, kit.scratch, &subject, &kit.matches), 1);
	assert_int_equal(kit.matches.items[0].kind, FINDING_UNREADABLE);
	assert_int_equal(kit.matches.items[0].score, 0);
	assert_false(kit.matches.items[0].flagged);
	assert_string_equal(kit.matches.items[0].registrable_domain, "example.org");
	subject.names = &none;
	assert_int_equal(ruleset_match(kit.rules, kit.scratch, &subject, &kit.matches), 1);
	kit_free(&kit);
}

/* ---- brands: what stands around the engine ------------------------------------------------------------------ */

#define ACME(more) "{\"brands\":[{\"name\":\"Acmetronics\",\"official_domains\":[\"acmetronics.com\"]" more "}]}"

static void official_domains_and_what_is_below_never_look_alike(void **state)
{
	struct rules_kit kit;

	(void)state;
	assert_true(kit_json(&kit, ACME("")));
	assert_int_equal(ASK(&kit, LETS_ENCRYPT, "acmetronics.com", "www.acmetronics.com", "a.b.acmetronics.com", "*.acmetronics.com"), 0);
	assert_int_equal(kit_ask_one(&kit, "acmetronics-login.com"), 1);
	assert_int_equal(kit_ask_one(&kit, "acmetronics.net"), 1);
	kit_free(&kit);
}

static void an_unexpected_issuer_for_an_official_domain_is_an_own_match(void **state)
{
	struct rules_kit kit;

	(void)state;
	assert_true(kit_json(&kit, ACME(",\"expected_issuers\":[\"DigiCert Inc\",\"Let's Encrypt\"]")));
	assert_int_equal(ASK(&kit, "DigiCert Inc", "www.acmetronics.com"), 0);
	assert_int_equal(ASK(&kit, "digicert inc", "acmetronics.com"), 0);
	assert_int_equal(ASK(&kit, "Evil CA", "vpn.acmetronics.com", "acmetronics.com"), 1);
	assert_string_equal(kit.matches.items[0].rule, "own/acmetronics");
	assert_string_equal(kit.matches.items[0].brand, "Acmetronics");
	assert_int_equal(kit.matches.items[0].score, 75);
	assert_non_null(strstr(kit.matches.items[0].evidence[0].detail, "Evil CA"));
	assert_int_equal(ASK(&kit, "", "acmetronics.com"), 1);
	assert_int_equal(ASK(&kit, "Evil CA", "acmetronics.com.example.org"), 0);
	kit_free(&kit);
	assert_true(kit_json(&kit, ACME("")));
	assert_int_equal(ASK(&kit, "Evil CA", "acmetronics.com"), 0);
	kit_free(&kit);
}

static void an_official_apex_beside_the_name_lowers_it_and_a_subdomain_does_not(void **state)
{
	struct rules_kit kit;
	int alone;

	(void)state;
	assert_true(kit_json(&kit, ACME("")));
	ASK(&kit, LETS_ENCRYPT, "acmetronics-login.com");
	alone = kit.matches.items[0].score;
	assert_int_equal(ASK(&kit, LETS_ENCRYPT, "acmetronics-login.com", "www.acmetronics.com"), 1);
	assert_int_equal(kit.matches.items[0].score, alone - 40);
	assert_true(match_has_signal(&kit.matches.items[0], "CO-SAN"));
	assert_int_equal(match_points(&kit.matches.items[0]), kit.matches.items[0].score);
	ASK(&kit, LETS_ENCRYPT, "acmetronics-login.com", "forgotten.acmetronics.com");
	assert_int_equal(kit.matches.items[0].score, alone);
	ASK(&kit, LETS_ENCRYPT, "acmetronics-login.com", "acmetronics.com", "a.example.org", "b.example.org", "c.example.org", "d.example.org",
	    "e.example.org", "f.example.org", "g.example.org", "h.example.org", "i.example.org");
	assert_int_equal(kit.matches.items[0].score, alone);
	kit_free(&kit);
}

static void allowed_and_excluded_domains_are_silent_until_their_date(void **state)
{
	struct rules_kit kit;

	(void)state;
	assert_true(kit_json(&kit, "{\"allow\":[{\"domain\":\".acmetronics-cdn.net\",\"reason\":\"ours\",\"until\":\"2027-06-30\"},"
				   "{\"domain\":\"acmetronics-old.net\",\"reason\":\"ours\",\"until\":\"2025-06-30\"}],"
				   "\"brands\":[{\"name\":\"Acmetronics\",\"official_domains\":[\"acmetronics.com\"],"
				   "\"exclude_domains\":[{\"domain\":\"acmetronics-fans.org\",\"reason\":\"a club\"}]}]}"));
	assert_int_equal(kit_ask_one(&kit, "x.acmetronics-cdn.net"), 0);
	assert_int_equal(kit_ask_one(&kit, "acmetronics-fans.org"), 0);
	assert_int_equal(kit_ask_one(&kit, "login.acmetronics-fans.org"), 1);
	assert_int_equal(kit_ask_one(&kit, "acmetronics-old.net"), 1);
	assert_true(ruleset_n_warnings(kit.rules) >= 1);
	assert_non_null(strstr(ruleset_warning(kit.rules, 0), "2025-06-30"));
	kit_free(&kit);
}

static void a_brand_may_ask_for_any_issuer(void **state)
{
	struct rules_kit kit;

	(void)state;
	assert_true(kit_json(&kit, ACME(",\"issuers\":[\"*\"]")));
	assert_int_equal(ASK(&kit, "Whoever", "acmetronics-login.com"), 1);
	assert_true(ruleset_wants_issuer(kit.rules, slice_text("Whoever")));
	kit_free(&kit);
}

/* ---- watch lists -------------------------------------------------------------------------------------------------- */

static void a_watch_list_reports_names_as_cert_spotter_would(void **state)
{
	static const struct {
		const char *name, *rule;
	} CASES[] = {
		{ "exact.example.org", "watch/exact.example.org" },
		{ "below.exact.example.org", NULL },
		{ "example.net", "watch/.example.net" },
		{ "a.b.example.net", "watch/.example.net" },
		{ "*.example.org", "watch/exact.example.org" },
		{ "*.example.net", "watch/.example.net" },
		{ "example.org", NULL },
		{ "ex*.example.org", "watch/exact.example.org" },
		{ "<unparsable>.example.org", "watch/exact.example.org" },
		{ "?.example.org", "watch/exact.example.org" },
		{ "x*.example.org", NULL },
		{ "*.exact.example.org", NULL },
		{ "*.deep.example.com", "watch/.watched.deep.example.com" },
		{ "*.org", NULL },
		{ "*.net", "watch/.example.net" },
		{ "notexample.net", NULL },
	};
	struct rules_kit kit;

	(void)state;
	assert_true(kit_watch_list(&kit, "# ours\n\nexact.example.org valid_at:2020-01-01\r\n.example.net\n.watched.deep.example.com."));
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		size_t n = ASK(&kit, "Any CA", CASES[i].name);

		if (n != (CASES[i].rule != NULL) || (n && strcmp(kit.matches.items[0].rule, CASES[i].rule) != 0))
			fail_msg("%s: %zu matches, first %s", CASES[i].name, n, n ? kit.matches.items[0].rule : "none");
	}
	kit_free(&kit);
}

static void watch_lists_that_ask_for_everything_or_make_no_sense_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *text, *sentence;
	} CASES[] = {
		{ "example.org\n.\n", "test.json:2: \".\" asks for every certificate" },
		{ "example.org extra\n", "followed by a word" },
		{ "exa mple.org\n", "followed by a word" },
		{ "-\x01.org\n", "is no domain name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct rules_kit kit;

		if (kit_watch_list(&kit, CASES[i].text) || !strstr(kit.err.text, CASES[i].sentence))
			fail_msg("%s: %s", CASES[i].text, kit.err.text);
		kit_free(&kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_domain_and_all_below_it_is_an_indicator_whoever_issued),
		cmocka_unit_test(a_published_address_in_an_ip_san_is_an_indicator),
		cmocka_unit_test(all_published_domains_match_and_37_of_38_also_by_their_build),
		cmocka_unit_test(the_nine_published_brand_domains_are_for_the_right_brand),
		cmocka_unit_test(the_issuer_is_a_condition_of_looks_and_staging_is_another_issuer),
		cmocka_unit_test(every_point_stands_in_the_evidence),
		cmocka_unit_test(spans_point_into_the_name_as_it_stands_in_the_certificate),
		cmocka_unit_test(one_certificate_gives_one_match_per_rule_and_registrable_domain),
		cmocka_unit_test(the_best_scoring_name_of_a_domain_stays),
		cmocka_unit_test(hostile_certificates_stay_bounded),
		cmocka_unit_test(odd_names_neither_crash_nor_hide_a_match_behind_padding),
		cmocka_unit_test(an_unreadable_entry_is_a_match_of_score_zero),
		cmocka_unit_test(official_domains_and_what_is_below_never_look_alike),
		cmocka_unit_test(an_unexpected_issuer_for_an_official_domain_is_an_own_match),
		cmocka_unit_test(an_official_apex_beside_the_name_lowers_it_and_a_subdomain_does_not),
		cmocka_unit_test(allowed_and_excluded_domains_are_silent_until_their_date),
		cmocka_unit_test(a_brand_may_ask_for_any_issuer),
		cmocka_unit_test(a_watch_list_reports_names_as_cert_spotter_would),
		cmocka_unit_test(watch_lists_that_ask_for_everything_or_make_no_sense_are_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
