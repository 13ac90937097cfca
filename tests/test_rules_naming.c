/* The naming score and the weights that `ctwatch rules learn` computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "learn.h"
#include "shared.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void relatives_share_a_stem_and_short_words_have_none(void **state)
{
	static const char *const CASES[][2] = {
		{ "protection", "protect" }, { "protect", "protect" }, { "previewer", "preview" }, { "sharing", "shar" }, { "shared", "shar" },
		{ "share", "shar" },	     { "services", "servic" }, { "service", "servic" },    { "docs", "docs" },	  { "bots", "bots" },
		{ "us", "us" },		     { "", "" },	       { "ing", "ing" },	   { "driving", "driv" }, { "notations", "notat" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct slice stem = naming_stem(slice_text(CASES[i][0]));

		if (!slice_equal_text(stem, CASES[i][1]))
			fail_msg("%s: %.*s, not %s", CASES[i][0], SLICE_ARGS(stem), CASES[i][1]);
	}
}

struct kit {
	struct suffix_table *suffixes;
	struct background *bg;
	struct text_list names, theme, unrelated;
};

static struct naming_model learn(struct kit *kit, size_t leave_out)
{
	struct learn_input input = { &kit->names, &kit->theme, &kit->unrelated };
	struct error err = { 0 };
	struct text_list warnings = { 0 };
	struct source src = { "learned", { 0 }, &warnings, &err, false };
	struct node root = { .value = naming_learn(&input, kit->bg, kit->suffixes, leave_out) };
	struct naming_model model;

	if (!naming_read(&src, &root, &model))
		fail_msg("%s", err.text);
	json_decref(root.value);
	return model;
}

static int score(const struct kit *kit, const struct naming_model *model, const char *name)
{
	struct name_view view;

	view_init(&view, slice_text(name), kit->suffixes);
	return naming_score(model, &view, NULL);
}

static void kit_deinit(struct kit *kit)
{
	background_free(kit->bg);
	suffix_table_free(kit->suffixes);
	text_list_deinit(&kit->names);
	text_list_deinit(&kit->theme);
	text_list_deinit(&kit->unrelated);
}

static void small_kit(struct kit *kit)
{
	static const char *const NAMES[] = { "drive-alpha.com", "drive-beta.com", "shop-drive.com", "share-gamma.com", "cloud-share.com" };

	*kit = (struct kit){ .suffixes = suffix_table_new_libpsl(), .bg = background_new() };
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		text_list_add(&kit->names, NAMES[i]);
	text_list_add(&kit->theme, "docs");
	text_list_add(&kit->unrelated, "driver");
	for (int i = 0; i < 20000; i++) {
		char name[40];

		snprintf(name, sizeof(name), i % 4 == 0 ? "shop-x%d.net" : "y%d.com", i);
		background_add(kit->bg, slice_text(name), kit->suffixes);
	}
}

static void a_registrable_domain_is_counted_once(void **state)
{
	struct kit kit;

	(void)state;
	small_kit(&kit);
	assert_int_equal(background_size(kit.bg), 20000);
	assert_false(background_add(kit.bg, SLICE_LITERAL("www.y1.com"), kit.suffixes));
	assert_false(background_add(kit.bg, SLICE_LITERAL("com"), kit.suffixes));
	assert_true(background_add(kit.bg, SLICE_LITERAL("a.b.fresh.com"), kit.suffixes));
	kit_deinit(&kit);
}

static void rare_words_of_the_actor_count_and_common_ones_do_not(void **state)
{
	struct kit kit;
	struct naming_model model;

	(void)state;
	small_kit(&kit);
	model = learn(&kit, SIZE_MAX);
	assert_true(score(&kit, &model, "drive-unheard.com") > score(&kit, &model, "shop-unheard.com") + 20);
	/* relatives count less than the word, theme words more than strangers, accidents like strangers */
	assert_true(score(&kit, &model, "drives-unheard.com") < score(&kit, &model, "drive-unheard.com"));
	assert_true(score(&kit, &model, "drives-unheard.com") > score(&kit, &model, "unknown-unheard.com") + 20);
	assert_int_equal(score(&kit, &model, "driver-unheard.com"), score(&kit, &model, "unknown-unheard.com"));
	assert_int_equal(score(&kit, &model, "docs-unheard.com"), score(&kit, &model, "unknown-unheard.com") + 8);
	/* each distinct term once; short strangers and digits weigh against; other suffixes too */
	assert_int_equal(score(&kit, &model, "drive-drive.com"), score(&kit, &model, "drive-unheard.com") + 16);
	assert_true(score(&kit, &model, "drive-xyz.com") < score(&kit, &model, "drive-unheard.com"));
	assert_true(score(&kit, &model, "drive-unheard1.com") < score(&kit, &model, "drive-unheard.com"));
	assert_true(score(&kit, &model, "drive-unheard.de") < score(&kit, &model, "drive-unheard.live"));
	assert_int_equal(score(&kit, &model, "a.b.drive-unheard.com"), score(&kit, &model, "drive-unheard.com"));
	assert_int_equal(score(&kit, &model, "co.uk"), INT_MIN);
	naming_deinit(&model);
	kit_deinit(&kit);
}

static void leaving_a_name_out_takes_its_words_away(void **state)
{
	struct kit kit;
	struct naming_model whole, without;

	(void)state;
	small_kit(&kit);
	whole = learn(&kit, SIZE_MAX);
	without = learn(&kit, 3);
	assert_true(score(&kit, &without, "gamma-unheard.com") < score(&kit, &whole, "gamma-unheard.com"));
	assert_true(score(&kit, &without, "share-unheard.com") > score(&kit, &without, "gamma-unheard.com") + 20);
	naming_deinit(&whole);
	naming_deinit(&without);
	kit_deinit(&kit);
}

static void the_account_of_any_name_adds_up(void **state)
{
	static const char *const NAMES[] = { "drive-share.com", "drive--x-.com", "d-r-i-v-e-a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t.com", "1.2.3.example.co.uk",
					     "_-_.com", "\xff\x01-drive.com" };
	struct kit kit;
	struct naming_model model;

	(void)state;
	small_kit(&kit);
	model = learn(&kit, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		struct candidate account = { 0 };
		struct name_view view;
		int sum = 0, whole;

		view_init(&view, slice_text(NAMES[i]), kit.suffixes);
		whole = naming_score(&model, &view, &account);
		assert_int_equal(whole, account.score);
		for (size_t k = 0; k < account.n_rows; k++)
			sum += account.rows[k].points;
		assert_int_equal(sum, account.score);
		candidate_clamp(&account, 0, 100);
		assert_in_range(account.score, 0, 100);
	}
	naming_deinit(&model);
	kit_deinit(&kit);
}

static void load_actor(struct kit *kit)
{
	struct slice text = shared_file("tag53/indicators.json");
	json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL), *pack = json_load_file(CTWATCH_SOURCE_DIR "/rules/learn/tag53.input.json", 0, NULL), *value;
	size_t i;

	*kit = (struct kit){ .suffixes = suffix_table_new_libpsl(), .bg = background_new() };
	json_array_foreach(json_object_get(root, "domains"), i, value)
		text_list_add(&kit->names, json_string_value(value));
	json_array_foreach(json_object_get(json_object_get(pack, "naming"), "theme"), i, value)
		text_list_add(&kit->theme, json_string_value(value));
	json_decref(root);
	json_decref(pack);
	free((void *)text.data);
}

/* Every second name of a file: both halves of the corpora give the same count, and a test should be quick. */
static void count_half(struct kit *kit, const char *path)
{
	struct slice text = shared_file(path), rest = text;

	for (size_t line = 0; rest.len > 0; line++) {
		size_t end = (size_t)slice_find(rest, '\n');
		struct slice name = slice_sub(rest, 0, end);
		ptrdiff_t tab = slice_find(name, '\t');

		if (tab >= 0)
			name.len = (size_t)tab;
		if (line % 2 == 0)
			background_add(kit->bg, name, kit->suffixes);
		rest = slice_sub(rest, end + 1, rest.len);
	}
	free((void *)text.data);
}

/* One less than the benchmark finds with the whole background: cloud-safety.online has not a point to spare. */
static void thirty_of_the_38_published_names_are_found_by_weights_of_the_other_37_and_half_the_background(void **state)
{
	struct kit kit;
	size_t found = 0;

	(void)state;
	need_shared();
	load_actor(&kit);
	count_half(&kit, "corpora/benign-nrd.tsv.gz");
	count_half(&kit, "corpora/benign-ct-hosts.txt.gz");
	count_half(&kit, "corpora/benign-top.tsv.gz");
	for (size_t i = 0; i < kit.names.n; i++) {
		struct naming_model model = learn(&kit, i);

		found += score(&kit, &model, kit.names.items[i]) >= model.min_score;
		naming_deinit(&model);
	}
	assert_int_equal(kit.names.n, 38);
	assert_in_range(found, 30, 38);
	kit_deinit(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relatives_share_a_stem_and_short_words_have_none),
		cmocka_unit_test(a_registrable_domain_is_counted_once),
		cmocka_unit_test(rare_words_of_the_actor_count_and_common_ones_do_not),
		cmocka_unit_test(leaving_a_name_out_takes_its_words_away),
		cmocka_unit_test(the_account_of_any_name_adds_up),
		cmocka_unit_test(thirty_of_the_38_published_names_are_found_by_weights_of_the_other_37_and_half_the_background),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
