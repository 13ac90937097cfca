/* The look-alike engine on the case file, on published names, and rule by rule. Official domains are the glue's business. */
#include "brands.h"
#include "shared.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct test_brands brands;
	struct suffix_table *suffixes;
	struct lookalike *look;
	struct lookalike_scratch *scratch;
	struct candidate_set set;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	test_brands_watched(&f->brands);
	f->suffixes = test_suffixes();
	f->look = test_compile(&f->brands, f->suffixes);
	f->scratch = lookalike_scratch_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lookalike_scratch_free(f->scratch);
	lookalike_free(f->look);
	suffix_table_free(f->suffixes);
	test_brands_deinit(&f->brands);
	free(f);
	return 0;
}

static void match(struct fixture *f, const char *name, int floor)
{
	struct name_view view;

	f->set.n = 0;
	view_init(&view, slice_text(name), f->suffixes);
	lookalike_match(f->look, f->scratch, &view, floor, &f->set);
}

static bool is_official(const struct fixture *f, const char *name)
{
	for (size_t b = 0; b < f->brands.n; b++) {
		for (size_t i = 0; i < f->brands.items[b].official_domains.n; i++) {
			const char *domain = f->brands.items[b].official_domains.items[i];
			size_t len = strlen(name), tail = strlen(domain);

			if (len >= tail && strcmp(name + len - tail, domain) == 0 &&
			    (len == tail || name[len - tail - 1] == '.'))
				return true;
		}
	}
	return false;
}

/* "-" when nothing reaches the score at which brands flag. */
static const char *flagged_brand(struct fixture *f, const char *name)
{
	match(f, name, SCORE_MEDIUM);
	if (is_official(f, name) || f->set.n == 0)
		return "-";
	assert_true(f->set.n == 1);
	return f->brands.items[f->set.items[0].rule].id;
}

static void every_row_of_the_case_file_has_its_verdict(void **state)
{
	struct fixture *f = *state;
	struct slice file;
	char *line, *save = NULL;
	size_t n = 0;

	need_shared();
	file = shared_file("corpora/lookalike-cases.tsv");
	assert_non_null(file.data);
	for (line = strtok_r((char *)file.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *expected = strchr(line, '\t'), *end;

		if (n++ == 0 || !expected)
			continue;
		*expected++ = '\0';
		end = strchr(expected, '\t');
		*end = '\0';
		for (char *c = line; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		if (strcmp(flagged_brand(f, line), expected) != 0)
			fail_msg("%s: expected %s, got %s", line, expected, flagged_brand(f, line));
	}
	assert_true(n > 40);
	free((void *)file.data);
}

static void published_domains_are_flagged_for_the_right_brand(void **state)
{
	static const char *const published[][2] = {
		{ "drive-globalordnance.com", "globalordnance" },
		{ "umopl-drive.com", "umopl" },
		{ "sangrail-share.com", "sangrail" },
		{ "dtgruelle-us.com", "dtgruelle" },
		{ "dtgruelle-drive.com", "dtgruelle" },
		{ "cija-docs.com", "cija" },
		{ "blueskynetwork-shared.com", "blueskynetwork" },
		{ "dns-mvd.ru", "mvd" },
		{ "mvd-redir.ru", "mvd" },
	};

	for (size_t i = 0; i < ARRAY_LEN(published); i++)
		assert_string_equal(flagged_brand(*state, published[i][0]), published[i][1]);
}

struct expectation {
	const char *name, *signal; /* NULL: nothing at or above `score` */
	int score;
};

static void check_all(struct fixture *f, const struct expectation *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct expectation *e = &list[i];

		match(f, e->name, e->signal ? 1 : e->score);
		if (!e->signal) {
			if (f->set.n != 0)
				fail_msg("%s: %s %d", e->name, f->set.items[0].rows[0].signal, f->set.items[0].score);
			continue;
		}
		if (f->set.n == 0)
			fail_msg("%s: nothing", e->name);
		if (strcmp(f->set.items[0].rows[0].signal, e->signal) != 0 || f->set.items[0].score != e->score)
			fail_msg("%s: %s %d", e->name, f->set.items[0].rows[0].signal, f->set.items[0].score);
	}
}

#define CHECK_ALL(list) check_all(*state, list, ARRAY_LEN(list))

static void long_terms_are_found_in_every_composition(void **state)
{
	static const struct expectation list[] = {
		{ "globalordnance.net", "E1", 85 },
		{ "globalordnance-login.com", "E2", 92 },
		{ "globalordnance-bananas.com", "E3", 80 },
		{ "globalordnancelogin.com", "E5", 88 },
		{ "securedrive24globalordnance.com", "E5", 88 },
		{ "xglobalordnancex.com", "E6", 66 },
		{ "global-ordnance.com", "E4", 88 },
		{ "g-l-o-b-a-l-o-r-d-n-a-n-c-e.com", "E4", 88 },
		{ "global.ordnance.com", "X1", 70 },
		{ "globalordnance.evil.com", "Z", 70 },
		{ "globalordnance.evil-login.com", "Z", 85 },
		{ "globalordnance-login.evil.com", "E2", 82 },
		{ "globalordnance2024.com", "E3", 80 },
		{ "globalordnance.co.uk", "E1", 85 },
		{ "login.globalordnance.com.evil.co.uk", "L1", 97 },
		{ "globalordnance.com-login.xyz", "L1", 97 },
		{ "my-globalordnance-com-portal.xyz", "L2", 94 },
		{ "globalordnancecom-portal.xyz", "L3", 88 },
	};

	CHECK_ALL(list);
}

static void folds_and_edits_are_found_with_keywords_around_them(void **state)
{
	static const struct expectation list[] = {
		{ "giobalordnance.com", "F1", 88 },
		{ "xgiobalordnancex.com", "F3", 75 },
		{ "s4ngr4il.com", "F2", 80 },
		/* a shape explains these better than an edit of the same letters, and counts no more than the name itself */
		{ "s4ngr4il-share.com", "F2", 92 },
		{ "sangrai1-docs.com", "F1", 92 },
		{ "docssangrai1.com", "F3", 92 },
		{ "www.docssangr4il.com", "F3", 92 },
		{ "dtqruelle.com", "F1", 88 },
		{ "bluesk\xff.com", NULL, 1 },
		{ "globalordnancw.com", "D1", 78 },
		{ "globalordnancw-login.com", "D1", 90 },
		{ "globalordnancwlogin.com", "D1", 90 },
		{ "lobalordnancw.com", "D2", 62 },
		{ "lobalordnancw-login.com", "D2", 74 },
		{ "sangrial.evil.com", "D1", 66 },
		{ "angriall.com", NULL, 60 }, /* two edits of eight letters */
		{ "xn--glbalordnance-j7k-login.com", NULL, 60 },
		{ "umolp.com", "D1", 62 },
		{ "umppl.com", "D1", 50 },
	};

	CHECK_ALL(list);
}

static void short_terms_need_the_evidence_they_need(void **state)
{
	static const struct expectation list[] = {
		{ "cija.com", NULL, 45 },
		{ "cijax.com", NULL, 35 },
		{ "dcija.com", NULL, 35 },
		{ "cija-bananas.com", "E3", 45 },
		{ "cija-login.com", "E2", 70 },
		{ "cijalogin.com", "E5", 60 },
		{ "logincija.com", NULL, 45 },
		{ "mvdlogin.com", "E5", 50 },
		{ "mvd-de.com", "E2", 50 }, /* a country code is weak company */
		{ "mvd.police-kabinet.com", "Z", 60 },
		{ "mvd.example.com", NULL, 45 },
		{ "umo-docs.com", NULL, 45 }, /* an alias without a word of the brand's own */
		{ "umo-poland.com", "E2", 60 },
		{ "mvd.ru.evil.com", "L1", 97 },
		{ "mvd-ru.com", "L2", 94 },
		{ "mvdru.com", "L3", 62 },
		{ "c1ja.com", NULL, 45 },
		{ "xn--ija-3ed.com", "I1", 82 }, /* Cyrillic first letter */
		{ "xn--ija-x-0ye.com", "I2", 60 },
		{ "novacija-online.hr", NULL, 45 },
	};

	CHECK_ALL(list);
}

static void evidence_rows_add_up_and_spans_lie_in_the_name(void **state)
{
	static const char *const names[] = {
		"login.globalordnance.com.evil.co.uk",
		"globa1ordnancw-docs.com",
		"xn--glbalordnance-j7k.com",
		"sangrial-share.evil.com",
		"cija.documents-share.com",
		"xn--b1aew-login.com",
		"dt-gruelle-tracking.com",
		"umo-poland-docs.com",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		match(f, names[i], 1);
		for (size_t c = 0; c < f->set.n; c++) {
			const struct candidate *candidate = &f->set.items[c];
			int sum = 0;

			assert_true(candidate->n_rows > 0);
			assert_non_null(candidate->technique);
			for (size_t r = 0; r < candidate->n_rows; r++) {
				const struct candidate_row *row = &candidate->rows[r];

				sum += row->points;
				assert_true(row->span_start < row->span_end && row->span_end <= (int)strlen(names[i]));
				assert_true(row->detail[0] != '\0');
			}
			assert_int_equal(sum, candidate->score);
		}
	}
}

static void words_excluded_and_techniques_switched_off_do_not_count(void **state)
{
	struct fixture *f = *state;
	struct test_brands brands = { 0 };
	struct lookalike *look;
	struct name_view view;
	struct brand_config *b = test_brands_add(&brands, "sangrail", "sangrail", "sangrail.com");

	test_list_add(&b->exclude_terms, "sandrail sangrails");
	for (size_t t = 0; t < lookalike_n_techniques(); t++) {
		if (strcmp(lookalike_techniques()[t], "tld-swap") == 0)
			b->techniques[t] = TECHNIQUE_OFF;
		if (strcmp(lookalike_techniques()[t], "embedding") == 0)
			b->techniques[t] = TECHNIQUE_DIGEST;
	}
	look = test_compile(&brands, f->suffixes);

	static const struct {
		const char *name;
		int n;
		bool digest;
	} list[] = {
		{ "sandrail-parts.com", 0, false }, { "sangrails.com", 0, false },   { "sangrail.net", 0, false },
		{ "sangrail-login.net", 1, false }, { "xxsangrailxx.net", 1, true }, { "sanqrail.net", 1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		f->set.n = 0;
		view_init(&view, slice_text(list[i].name), f->suffixes);
		lookalike_match(look, f->scratch, &view, SCORE_MEDIUM, &f->set);
		assert_int_equal(f->set.n, list[i].n);
		assert_true(list[i].n == 0 || f->set.items[0].digest == list[i].digest);
	}
	lookalike_free(look);
	test_brands_deinit(&brands);
}

static void explain_says_why_a_name_does_not_fire(void **state)
{
	static const struct {
		const char *name, *rule, *words;
	} list[] = {
		{ "slobodnadalmacija.hr", "brand/cija",
		  "\"cija\" is inside a longer word: a short term needs a whole token" },
		{ "sandrail-parts.com", "brand/sangrail", "exclude_terms" },
		{ "umo-docs.com", "brand/umopl", "needs one of the brand's own keywords" },
		{ "cija-bananas.com", "brand/cija", "a short term needs a keyword" },
		{ "mvd-de.com", "brand/mvd", "a short term needs a keyword" },
		{ "umppl.com", "brand/umopl", "does not count for a medium term" },
		{ "umolp.evil.com", "brand/umopl", "for 50 points only" },
		{ "sngrial.com", "brand/sangrail", "two edits count from twelve letters on" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		json_t *considered = json_array(), *item;
		struct name_view view;
		size_t at;
		bool found = false;

		view_init(&view, slice_text(list[i].name), f->suffixes);
		lookalike_explain(f->look, f->scratch, &view, considered);
		json_array_foreach(considered, at, item) found =
			found || (strcmp(json_string_value(json_object_get(item, "rule")), list[i].rule) == 0 &&
				  strstr(json_string_value(json_object_get(item, "why")), list[i].words) != NULL);
		if (!found) {
			char *text = json_dumps(considered, 0);

			fail_msg("%s: %s", list[i].name, text);
		}
		json_decref(considered);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_case_file_has_its_verdict),
		cmocka_unit_test(published_domains_are_flagged_for_the_right_brand),
		cmocka_unit_test(long_terms_are_found_in_every_composition),
		cmocka_unit_test(folds_and_edits_are_found_with_keywords_around_them),
		cmocka_unit_test(short_terms_need_the_evidence_they_need),
		cmocka_unit_test(evidence_rows_add_up_and_spans_lie_in_the_name),
		cmocka_unit_test(words_excluded_and_techniques_switched_off_do_not_count),
		cmocka_unit_test(explain_says_why_a_name_does_not_fire),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
