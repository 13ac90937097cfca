/* Terms that are distinctive by a keyword in them only (paypal, linkedin): found like others, but not inside other words. */
#include "lookalike_private.h"
#include "brands.h"

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

static int score_of(struct fixture *f, const char *format, const char *term)
{
	char *name = xasprintf(format, term);
	struct name_view view;

	f->set.n = 0;
	view_init(&view, slice_text(name), f->suffixes);
	lookalike_match(f->look, f->scratch, &view, 1, &f->set);
	int score = f->set.n > 0 ? f->set.items[0].score : 0;
	free(name);
	return score;
}

/* One brand of that term, watched by nothing but the built-in keyword sets. */
static void fixture_of_term(struct fixture *f, const char *term)
{
	char *domain = xasprintf("%s.example", term);

	memset(f, 0, sizeof(*f));
	test_brands_add(&f->brands, term, term, domain);
	f->suffixes = test_suffixes();
	f->look = test_compile(&f->brands, f->suffixes);
	f->scratch = lookalike_scratch_new();
	free(domain);
}

static void fixture_of_term_end(struct fixture *f)
{
	lookalike_scratch_free(f->scratch);
	lookalike_free(f->look);
	suffix_table_free(f->suffixes);
	test_brands_deinit(&f->brands);
}

/* A keyword inside the term costs it nothing: the same words and edits count as much as for a term of that length without one. */
static void a_keyword_inside_a_term_switches_no_technique_off(void **state)
{
	static const char *const glued[] = { "paypal", "netflix", "github", "icloud", "dropbox", "anydesk", "shopee",
					     "linkedin", "docusign", "onedrive", "wordpress", "teamviewer", "netvolt", "cloudrel" };
	static const char *const formats[] = {
		"%s.com", "www%s.com", "secure%s.com", "login%s.com", "my%s.com", "my-%s.com", "supportverify%s.com",
		"mysecure%s.com", "account24%s.com", "https%s.com", "http-%s.com", "%s-login.com", "%slogin.com", "login%shelp.com",
		"%ss.com", "my%ss.com", "secure%ss.com", "%s24.com", "%s-bananas.com", "secure%s.example.com",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(glued); i++) {
		struct fixture f, plain;

		fixture_of_term(&f, glued[i]);
		fixture_of_term(&plain, strlen(glued[i]) < 8 ? "umbrovi" : "sangraili");
		assert_true(f.look->terms[0].glued && !plain.look->terms[0].glued);
		for (size_t k = 0; k < ARRAY_LEN(formats); k++) {
			int score = score_of(&f, formats[k], glued[i]);

			if (score < SCORE_MEDIUM || score != score_of(&plain, formats[k], plain.brands.items[0].id))
				fail_msg("%s of %s: %d points", formats[k], glued[i], score);
		}
		fixture_of_term_end(&f);
		fixture_of_term_end(&plain);
	}
}

static void edits_of_a_term_with_a_keyword_inside_are_found(void **state)
{
	static const struct {
		const char *term, *name;
		int score;
	} list[] = {
		{ "paypal", "papyal.com", 62 },       { "paypal", "paypall.com", 62 },       { "paypal", "paypl.com", 50 },
		{ "paypal", "paypl-login.com", 62 },  { "paypal", "mypaypall.com", 74 },     { "github", "githhub.com", 62 },
		{ "netflix", "netflxi.com", 62 },     { "netflix", "netfliks.com", 88 },     { "docusign", "docusigm.info", 78 },
		{ "docusign", "dcousign.com", 78 },   { "linkedin", "linkedim.com", 78 },    { "swisscom", "swisscon.org", 78 },
		{ "linkedin", "llnkedln.com", 88 },   { "linkedin", "supportllnkedln.com", 92 },
		/* with other letters in front it is a part of any word */
		{ "cijaonline", "akcijaonline.com", 0 }, { "netflix", "cabinetflix.com", 0 }, { "icloud", "sicloud.com", 50 },
		{ "signova", "designova.com", 0 },    { "paypal", "thepaypal.com", 0 },
		{ "cijaonline", "ciba-online.com", 45 }, { "cijaonline", "cijja-online.com", 78 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		struct fixture f;

		fixture_of_term(&f, list[i].term);
		assert_true(f.look->terms[0].glued);
		if (score_of(&f, "%s", list[i].name) != list[i].score)
			fail_msg("%s: %d points, not %d", list[i].name, score_of(&f, "%s", list[i].name), list[i].score);
		fixture_of_term_end(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_keyword_inside_a_term_switches_no_technique_off),
		cmocka_unit_test(edits_of_a_term_with_a_keyword_inside_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
