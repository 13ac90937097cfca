/* Folds, distances, keywords and ordinary words of the look-alike engine, each on its own. */
#include "brands.h"
#include "lookalike_private.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t codes_of(const char *text, uint8_t *out)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		out[i] = code_of_ascii((uint8_t)text[i]);
	return n;
}

static const char *text_of(const uint8_t *codes, size_t n)
{
	static char text[TEXT_MAX + 1];

	for (size_t i = 0; i < n; i++)
		text[i] = ascii_of_code(codes[i]);
	text[n] = '\0';
	return text;
}

static const char *folded(const char *word, bool sequences)
{
	uint8_t in[TERM_LEN_MAX], out[TERM_LEN_MAX];

	return text_of(out, fold_codes(in, codes_of(word, in), sequences, out));
}

static void code_points_pass_for_the_letters_people_take_them_for(void **state)
{
	static const struct {
		uint32_t point;
		const char *ascii;
	} list[] = {
		{ 'a', "a" },       { 'A', "a" },   { '7', "7" },    { 0x430, "a" },   { 0x456, "i" }, { 0x455, "s" },
		{ 0x432, "b" },     { 0x43c, "m" }, { 0x442, "t" },  { 0x43d, "h" },   { 0x43a, "k" }, { 0xe6, "ae" },
		{ 0x142, "l" },     { 0x11f, "g" }, { 0x131, "i" },  { 0xf8, "o" },    { 0xdf, "ss" }, { 0x3bf, "o" },
		{ 0x3b1, "a" },     { 0x262, "g" }, { 0x1e41, "m" }, { 0x501, "d" },   { 0x51b, "q" }, { 0x561, "w" },
		{ 0x660, "0" },     { 0x301, "" },  { 0x5b0, "" },   { 0x4e2d, NULL }, { '-', NULL },  { 0xac00, NULL },
		{ 0x10ffff, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		char ascii[4];
		const char *got = fold_code_point(list[i].point, ascii);

		if ((got == NULL) != (list[i].ascii == NULL) || (got && strcmp(got, list[i].ascii) != 0))
			fail_msg("U+%04X: %s", list[i].point, got ? got : "nothing");
	}
}

static void every_entry_of_the_table_is_found_and_is_ascii(void **state)
{
	size_t n = 0, marks = 0;

	(void)state;
	for (uint32_t point = 0x80; point < 0x20000; point++) {
		char ascii[4];
		const char *got = fold_code_point(point, ascii);

		n += got != NULL && got[0] != '\0';
		marks += got != NULL && got[0] == '\0';
		for (; got && *got; got++)
			assert_true(code_of_ascii((uint8_t)*got) != 0);
	}
	assert_true(n > 1000);
	assert_true(marks > 500);
}

static void sequences_are_folded_before_single_letters(void **state)
{
	(void)state;
	assert_string_equal(folded("cija", true), "clja"); /* not dja */
	assert_string_equal(folded("clean", true), "dean");
	assert_string_equal(folded("clean", false), "clean");
	assert_string_equal(folded("rnodern", true), "modem");
	assert_string_equal(folded("vvindovv", true), "wlndow");
	assert_string_equal(folded("maks", true), "max");
	assert_string_equal(folded("qu1ck0", false), "gvlcko");
}

static void near_shapes_hash_as_they_fold(void **state)
{
	uint8_t in[64], out[64], other[64];
	uint64_t seed = 1;

	(void)state;
	assert_int_equal(fold_near(in, codes_of("modern", in), out), fold_near(in, codes_of("rnodem", in), other));
	assert_memory_equal(out, other, 5);
	for (size_t i = 0; i < 5000; i++) {
		size_t n = test_random(&seed) % 60;

		for (size_t k = 0; k < n; k++)
			in[k] = (uint8_t)(1 + test_random(&seed) % CODE_OTHER);
		assert_true(hash_near(in, n) == hash_codes(out, fold_near(in, n, out)));
	}
}

static unsigned distance(const char *a, const char *b, unsigned max)
{
	uint8_t x[128] = { 0 }, y[128] = { 0 };

	return osa_distance(x, codes_of(a, x), y, codes_of(b, y), max);
}

static void distances_count_swaps_as_one_and_stop_at_the_limit(void **state)
{
	(void)state;
	assert_int_equal(distance("", "", 2), 0);
	assert_int_equal(distance("", "ab", 2), 2);
	assert_int_equal(distance("sangrail", "sangrail", 0), 0);
	assert_int_equal(distance("sangrail", "sangrial", 1), 1);
	assert_int_equal(distance("sangrail", "angrail", 2), 1);
	assert_int_equal(distance("sangrail", "sangrails", 2), 1);
	assert_int_equal(distance("sangrail", "xangraix", 2), 2);
	assert_int_equal(distance("sangrail", "xxngraix", 2), 3);
	assert_int_equal(distance("ca", "abc", 4), 3); /* alignment, not the full Damerau distance */
	assert_int_equal(distance("abcdefgh", "a", 3), 4);
}

static void edits_are_told_in_words(void **state)
{
	static const struct {
		const char *from, *to, *words;
	} list[] = {
		{ "sangrail", "sangrial", "letters 6 and 7 swapped" },
		{ "sangrail", "sangrai", "'l' left out at letter 8" },
		{ "sangrail", "sangraill", "'l' added after letter 7" },
		{ "sangrail", "sangrall", "'l' for 'i' at letter 7" },
		{ "sangrail", "angrailx", "'s' left out at letter 1, 'x' added after letter 8" },
		{ "sangrail", "sangrail", "" },
		{ "sangrail", "wholly-other-x", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		uint8_t a[64], b[64];
		size_t n = codes_of(list[i].from, a), m = codes_of(list[i].to, b);
		char words[128];

		osa_describe(a, n, b, m, words, sizeof(words));
		if (i == 2)
			assert_true(strstr(words, "'l' added after letter") != NULL);
		else
			assert_string_equal(words, list[i].words);
	}
}

static void quiet_edits_keep_the_first_letter(void **state)
{
	static const struct {
		const char *term, *seen;
		bool quiet;
	} list[] = {
		{ "umopl", "umolp", true },  { "umopl", "umoppl", true }, { "umopl", "muopl", false },
		{ "umopl", "umop", false },  { "umopl", "umorl", false }, { "umopl", "xumopl", false },
		{ "umopl", "umopl", false }, { "umopl", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		uint8_t a[64], b[64];
		size_t n = codes_of(list[i].term, a), m = codes_of(list[i].seen, b);

		if (osa_is_quiet(a, n, b, m) != list[i].quiet)
			fail_msg("%s %s", list[i].term, list[i].seen);
	}
}

static const struct keyword *find_word(const struct keyword_table *t, const char *word)
{
	uint8_t raw[64], codes[64];
	size_t n = codes_of(word, raw);

	fold_codes(raw, n, false, codes);
	return keyword_find(t, codes, n, hash_codes(codes, n));
}

static void keywords_belong_to_the_sets_that_a_brand_uses(void **state)
{
	static const char *const words[] = { "missile", "docs" };
	static const struct keyword_set extra = { "extra", words, 2 };
	struct test_brands brands = { 0 };
	struct keyword_table table;
	struct error err;

	(void)state;
	test_brands_add(&brands, "one", "sangrail", "sangrail.com");
	test_brands_add(&brands, "two", "umopl", "umopl.com");
	test_list_add(&brands.items[0].keywords, "ammunition");
	brands.items[1].keyword_sets[0] = &extra;
	assert_true(keyword_table_init(&table, brands.items, brands.n, &err));

	uint64_t first = keyword_sets_of(&table, &brands.items[0]), second = keyword_sets_of(&table, &brands.items[1]);
	const struct keyword *missile = find_word(&table, "missile"), *docs = find_word(&table, "d0cs"),
			     *own = find_word(&table, "ammunition");

	assert_non_null(missile);
	assert_true((missile->sets & first) == 0 && (missile->sets & second) != 0);
	assert_string_equal(keyword_set_name(&table, docs, 0, first), "service");
	assert_string_equal(keyword_set_name(&table, docs, 1, second), "extra");
	assert_string_equal(keyword_set_name(&table, missile, 0, first), "no");
	assert_true(keyword_is_own(&table, own, 0) && !keyword_is_own(&table, own, 1));
	assert_true(find_word(&table, "login")->strong);
	assert_true(keyword_counts(&table, find_word(&table, "https"), 1, second));
	assert_false(keyword_counts(&table, find_word(&table, "login"), 1, second));
	assert_string_equal(keyword_set_name(&table, find_word(&table, "https"), 1, second), "prefix");
	assert_null(find_word(&table, "banana"));
	assert_null(find_word(&table, ""));
	keyword_table_deinit(&table);
	test_brands_deinit(&brands);
}

static void too_many_keyword_sets_are_refused_with_a_sentence(void **state)
{
	static const char *const word[] = { "word" };
	struct keyword_set sets[KEYWORD_SETS_MAX + 1];
	const struct keyword_set *pointers[KEYWORD_SETS_MAX + 1];
	struct brand_config brand = { .n_keyword_sets = KEYWORD_SETS_MAX + 1, .keyword_sets = pointers };
	struct keyword_table table;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i <= KEYWORD_SETS_MAX; i++) {
		sets[i] = (struct keyword_set){ "many", word, 1 };
		pointers[i] = &sets[i];
	}
	assert_false(keyword_table_init(&table, &brand, 1, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "more than 64 keyword sets"));
	keyword_table_deinit(&table);
}

static void ordinary_words_are_known_and_names_are_not(void **state)
{
	static const char *const ordinary[] = { "ability", "russia", "nature", "zurich", "horizon", "youth" };
	static const char *const names[] = { "sangrail", "globalordnance", "", "natures", "zzzz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ordinary); i++)
		assert_true(is_ordinary_word(ordinary[i], strlen(ordinary[i])));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_false(is_ordinary_word(names[i], strlen(names[i])));
	assert_true(ordinary_words_are_sorted());
}

static void classes_follow_length_keywords_and_ordinary_words(void **state)
{
	static const struct {
		const char *term, *class;
		int effective;
	} list[] = {
		{ "cija", "short", 4 },        { "umopl", "medium", 5 },    { "sangrail", "long", 8 },
		{ "cijaonline", "long", 4 },   { "nature", "ordinary", 6 }, { "blueskynetwork", "long", 7 },
		{ "quuxword", "ordinary", 8 },
	};
	struct suffix_table *suffixes = test_suffixes();
	struct test_brands brands = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		test_brands_add(&brands, list[i].term, list[i].term, NULL);
	test_list_add(&brands.items[6].ordinary_terms, "quuxword");

	struct lookalike *look = test_compile(&brands, suffixes);

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		json_t *terms = lookalike_describe_terms(look, i), *first = json_array_get(terms, 0);

		assert_string_equal(json_string_value(json_object_get(first, "class")), list[i].class);
		assert_int_equal(json_integer_value(json_object_get(first, "effective_letters")), list[i].effective);
		json_decref(terms);
	}
	lookalike_free(look);
	test_brands_deinit(&brands);
	suffix_table_free(suffixes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_points_pass_for_the_letters_people_take_them_for),
		cmocka_unit_test(every_entry_of_the_table_is_found_and_is_ascii),
		cmocka_unit_test(sequences_are_folded_before_single_letters),
		cmocka_unit_test(near_shapes_hash_as_they_fold),
		cmocka_unit_test(distances_count_swaps_as_one_and_stop_at_the_limit),
		cmocka_unit_test(edits_are_told_in_words),
		cmocka_unit_test(quiet_edits_keep_the_first_letter),
		cmocka_unit_test(keywords_belong_to_the_sets_that_a_brand_uses),
		cmocka_unit_test(too_many_keyword_sets_are_refused_with_a_sentence),
		cmocka_unit_test(ordinary_words_are_known_and_names_are_not),
		cmocka_unit_test(classes_follow_length_keywords_and_ordinary_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
