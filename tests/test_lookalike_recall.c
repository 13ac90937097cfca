/*
 * What the engine finds and what it leaves alone, at the rates that the project promises: dnstwist (Debian's package) as a
 * generator that knows nothing of us, a generator of our own, and certificate names of people who mean no harm. bench_detection_lookalike
 * prints the same in full.
 */
#include "brands.h"
#include "shared.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCRIPT CTWATCH_SOURCE_DIR "/tests/bench/lookalike_names.py"

struct fixture {
	struct test_brands brands;
	struct suffix_table *suffixes;
	struct lookalike *look;
	struct lookalike_scratch *scratch;
	struct candidate_set set;
};

static void fixture_init(struct fixture *f, void (*add)(struct test_brands *))
{
	memset(f, 0, sizeof(*f));
	add(&f->brands);
	f->suffixes = test_suffixes();
	f->look = test_compile(&f->brands, f->suffixes);
	f->scratch = lookalike_scratch_new();
}

static void fixture_deinit(struct fixture *f)
{
	lookalike_scratch_free(f->scratch);
	lookalike_free(f->look);
	suffix_table_free(f->suffixes);
	test_brands_deinit(&f->brands);
}

static size_t match(struct fixture *f, const char *name)
{
	struct name_view view;

	f->set.n = 0;
	view_init(&view, slice_text(name), f->suffixes);
	lookalike_match(f->look, f->scratch, &view, SCORE_MEDIUM, &f->set);
	return f->set.n;
}

static bool flags(struct fixture *f, const char *name, const char *domain)
{
	match(f, name);
	for (size_t c = 0; c < f->set.n; c++)
		if (text_list_has(&f->brands.items[f->set.items[c].rule].official_domains, slice_text(domain)))
			return true;
	return false;
}

struct counts {
	char technique[64];
	size_t n, found;
};

/* Runs the generator; false when it says that dnstwist is missing. */
static bool count(struct fixture *f, const char *command, struct counts *counts, size_t *n_counts, size_t max)
{
	FILE *pipe = popen(command, "r");
	char line[1024];

	*n_counts = 0;
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		char *save = NULL, *technique, *domain, *name;
		size_t i = 0;

		strtok_r(line, "\t\n", &save);
		technique = strtok_r(NULL, "\t\n", &save);
		domain = strtok_r(NULL, "\t\n", &save);
		name = strtok_r(NULL, "\t\n", &save);
		assert_non_null(name);
		while (i < *n_counts && strcmp(counts[i].technique, technique) != 0)
			i++;
		assert_true(i < max);
		if (i == *n_counts) {
			counts[i] = (struct counts){ .n = 0 };
			snprintf(counts[(*n_counts)++].technique, sizeof(counts[i].technique), "%s", technique);
		}
		counts[i].n++;
		counts[i].found += flags(f, name, domain);
	}
	return pclose(pipe) == 0;
}

static void nearly_everything_that_dnstwist_makes_of_a_long_name_is_found(void **state)
{
	struct counts counts[64];
	struct fixture f;
	size_t n;
	bool ran;

	(void)state;
	fixture_init(&f, test_brands_watched);
	ran = count(&f, "python3 " SCRIPT " dnstwist globalordnance.com blueskynetwork.com dtgruelle.com sangrail.com",
		    counts, &n, 64);
	fixture_deinit(&f);
	if (!ran)
		skip();
	assert_true(n >= 12);
	for (size_t i = 0; i < n; i++) {
		size_t least = strcmp(counts[i].technique, "homoglyph") == 0 ? 95 : 99;

		if (counts[i].found * 100 < counts[i].n * least)
			fail_msg("%s: %zu of %zu", counts[i].technique, counts[i].found, counts[i].n);
	}
}

/* Edits glued to words that nobody listed are out of reach, and so are two changes in a deeper label: documented, not hidden. */
static bool is_beyond(const char *technique)
{
	return (strstr(technique, "edit") && strstr(technique, "foreign glued")) ||
	       (strstr(technique, "+edit") && (strstr(technique, " label") || strstr(technique, "foreign")));
}

static void compositions_of_techniques_are_found(void **state)
{
	struct counts counts[128];
	struct fixture f;
	size_t n;

	(void)state;
	need_shared();
	fixture_init(&f, test_brands_watched);
	assert_true(count(&f,
			  "zstd -dc " CTWATCH_SHARED_DIR "/data/names/confusables-17.0.0.txt.zst | python3 " SCRIPT
			  " composed /dev/stdin globalordnance.com blueskynetwork.com dtgruelle.com sangrail.com",
			  counts, &n, 128));
	fixture_deinit(&f);
	for (size_t i = 0; i < n; i++)
		if (!is_beyond(counts[i].technique) && counts[i].found * 100 < counts[i].n * 90)
			fail_msg("%s: %zu of %zu", counts[i].technique, counts[i].found, counts[i].n);
}

static int by_size(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static void certificate_names_that_mean_no_harm_are_left_alone(void **state)
{
	struct fixture watched, ordinary;
	struct slice file;
	size_t found = 0, by_brand[128] = { 0 };
	char *save = NULL;

	(void)state;
	need_shared();
	file = shared_file("corpora/benign-ct-hosts.txt.gz");
	assert_non_null(file.data);
	fixture_init(&watched, test_brands_watched);
	fixture_init(&ordinary, test_brands_ordinary);
	assert_int_equal(ordinary.brands.n, 100);
	for (char *name = strtok_r((char *)file.data, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		found += match(&watched, name) > 0 && !strstr(name, "mvd.ru");
		match(&ordinary, name);
		for (size_t c = 0; c < ordinary.set.n; c++)
			by_brand[ordinary.set.items[c].rule]++;
	}
	qsort(by_brand, ordinary.brands.n, sizeof(by_brand[0]), by_size);
	assert_int_equal(found, 0);
	assert_int_equal(by_brand[ordinary.brands.n / 2], 0);
	fixture_deinit(&watched);
	fixture_deinit(&ordinary);
	free((void *)file.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearly_everything_that_dnstwist_makes_of_a_long_name_is_found),
		cmocka_unit_test(compositions_of_techniques_are_found),
		cmocka_unit_test(certificate_names_that_mean_no_harm_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
