/* parsers/suffix.c: the public suffix list, as its own tests and libpsl understand it. */
#include "dns.h"
#include "shared.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpsl.h>

static const char LIST[] = "// a comment\n"
			   "com\n"
			   "uk  trailing words are no part of the rule\n"
			   "co.uk\n"
			   "*.ck\n"
			   "!www.ck\n"
			   "\r\n"
			   "*.compute.amazonaws.com\n"
			   "blogspot.com\r\n"
			   "a.b.c.deep\n"
			   "\xe5\x85\xac\xe5\x8f\xb8.cn\n"
			   "cn";

static struct suffix_table *small_table(void)
{
	struct error err;
	struct suffix_table *t = suffix_table_new(SLICE_LITERAL(LIST), "the test's list", &err);

	assert_non_null(t);
	return t;
}

/* `expected`: the registrable domain, NULL when the name is a public suffix itself. */
static void assert_registrable(const struct suffix_table *t, const char *name, const char *suffix, const char *expected)
{
	size_t at;
	ptrdiff_t start = suffix_registrable(t, slice_text(name), &at);

	assert_string_equal(name + at, suffix);
	if (expected == NULL)
		assert_int_equal(start, -1);
	else
		assert_string_equal(name + start, expected);
}

static void rules_wildcards_and_exceptions_hold(void **state)
{
	struct suffix_table *t = small_table();

	(void)state;
	assert_string_equal(suffix_table_origin(t), "the test's list");
	assert_registrable(t, "com", "com", NULL);
	assert_registrable(t, "a.www.example.com", "com", "example.com");
	assert_registrable(t, "x.blogspot.com", "blogspot.com", "x.blogspot.com");
	assert_registrable(t, "co.uk", "co.uk", NULL);
	assert_registrable(t, "bbc.co.uk", "co.uk", "bbc.co.uk");
	assert_registrable(t, "bbc.uk", "uk", "bbc.uk");
	assert_registrable(t, "www.ck", "ck", "www.ck");
	assert_registrable(t, "a.www.ck", "ck", "www.ck");
	assert_registrable(t, "x.ck", "x.ck", NULL);
	assert_registrable(t, "b.x.ck", "x.ck", "b.x.ck");
	assert_registrable(t, "ck", "ck", NULL);
	assert_registrable(t, "amazonaws.com", "com", "amazonaws.com");
	assert_registrable(t, "compute.amazonaws.com", "compute.amazonaws.com", NULL);
	assert_registrable(t, "z.compute.amazonaws.com", "z.compute.amazonaws.com", NULL);
	assert_registrable(t, "h.z.compute.amazonaws.com", "z.compute.amazonaws.com", "h.z.compute.amazonaws.com");
	suffix_table_free(t);
}

static void suffixes_between_the_rules_are_no_rules(void **state)
{
	struct suffix_table *t = small_table();

	(void)state;
	assert_registrable(t, "c.deep", "deep", "c.deep");
	assert_registrable(t, "b.c.deep", "deep", "c.deep");
	assert_registrable(t, "a.b.c.deep", "a.b.c.deep", NULL);
	assert_registrable(t, "x.a.b.c.deep", "a.b.c.deep", "x.a.b.c.deep");
	suffix_table_free(t);
}

static void unlisted_top_level_domains_follow_the_default_rule(void **state)
{
	struct suffix_table *t = small_table();

	(void)state;
	assert_registrable(t, "local", "local", NULL);
	assert_registrable(t, "server01.corp.local", "local", "corp.local");
	suffix_table_free(t);
}

static void international_rules_are_found_by_their_a_labels(void **state)
{
	struct suffix_table *t = small_table();

	(void)state;
	assert_registrable(t, "www.xn--85x722f.xn--55qx5d.cn", "xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn");
	suffix_table_free(t);
}

static void names_that_are_no_host_names_find_no_way_out_of_bounds(void **state)
{
	struct suffix_table *t = small_table();
	char text[600];
	size_t at;

	(void)state;
	assert_int_equal(suffix_registrable(t, SLICE_LITERAL(""), &at), -1);
	assert_int_equal(suffix_registrable(t, SLICE_LITERAL("."), &at), -1);
	assert_int_equal(suffix_registrable(t, SLICE_LITERAL(".com"), &at), -1);
	assert_int_equal(suffix_registrable(t, SLICE_LITERAL("a..com"), &at), -1);
	assert_int_equal(suffix_registrable(t, SLICE_LITERAL("*.com"), &at), 0);
	assert_int_equal(suffix_registrable(t, SLICE_LITERAL("com."), &at), -1);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 3 == 2 ? '.' : 'a';
	memcpy(text + sizeof(text) - 4, ".com", 4);
	assert_int_equal(suffix_registrable(t, slice_of(text, sizeof(text)), &at), sizeof(text) - 6);
	suffix_table_free(t);
}

static void lists_that_are_no_lists_are_refused(void **state)
{
	struct error err;

	(void)state;
	assert_null(suffix_table_new(SLICE_LITERAL(""), "x", &err));
	assert_null(suffix_table_new(SLICE_LITERAL("// only a comment\n"), "x", &err));
	assert_null(suffix_table_new(SLICE_LITERAL("com\na..b\n"), "x", &err));
	assert_null(suffix_table_new(SLICE_LITERAL("com\n\xff\xfe\n"), "x", &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	assert_null(suffix_table_new(SLICE_LITERAL("com\n!net\n"), "x", &err));
	assert_non_null(strstr(err.text, "!net"));
}

static struct suffix_table *real_table(struct slice *list)
{
	struct error err;

	need_shared();
	*list = shared_file("data/names/public_suffix_list-2026-08-19.dat.zst");
	assert_non_null(list->data);
	struct suffix_table *t = suffix_table_new(*list, "public_suffix_list.dat of 2026-08-19", &err);
	assert_non_null(t);
	return t;
}

/* "null" or a name, as the list's authors write it; a name that is no DNS name at all has no registrable domain. */
static void check_vector(const struct suffix_table *t, const char *input, const char *expected)
{
	char name[DNS_NAME_MAX + 1], wanted[DNS_NAME_MAX + 1];
	struct error err;
	size_t at;
	ptrdiff_t start = -1;

	/* dns_name_to_ascii, unlike certificates, knows no name with an empty label */
	if (dns_name_to_ascii(slice_text(input), name, &err))
		start = suffix_registrable(t, slice_text(name), &at);
	if (strcmp(expected, "null") == 0) {
		if (start != -1)
			fail_msg("%s has no registrable domain, got %s", input, name + start);
		return;
	}
	assert_true(dns_name_to_ascii(slice_text(expected), wanted, &err));
	if (start < 0 || strcmp(name + start, wanted) != 0)
		fail_msg("%s: expected %s, got %s", input, wanted, start < 0 ? "null" : name + start);
}

/* Runs `check` on each line that sscanf's `format` takes two words from. */
static size_t check_vectors(const struct suffix_table *t, const char *path, const char *format)
{
	struct slice text = shared_file(path);
	size_t n = 0;
	char *line, *rest = (char *)(uintptr_t)text.data;

	assert_non_null(text.data);
	while ((line = strsep(&rest, "\n")) != NULL) {
		char input[512], expected[512];

		if (strncmp(line, "//", 2) == 0 || sscanf(line, format, input, expected) != 2)
			continue;
		check_vector(t, input, expected);
		n++;
	}
	free((void *)(uintptr_t)text.data);
	return n;
}

static void the_tests_of_the_list_pass(void **state)
{
	struct slice list;
	struct suffix_table *t = real_table(&list);

	(void)state;
	assert_true(check_vectors(t, "data/names/psl-tests.txt", "%511s %511s") > 70);
	assert_true(check_vectors(t, "data/names/psl-test_psl.txt", "checkPublicSuffix('%511[^']', '%511[^']') ;") > 40);
	assert_true(check_vectors(t, "data/names/psl-test_psl.txt", "checkPublicSuffix('%511[^']', %511[nul]") > 15);
	suffix_table_free(t);
	free((void *)list.data);
}

/* libpsl with the very same list. */
static psl_ctx_t *same_list_in_libpsl(struct slice list)
{
	char path[] = "/tmp/ctwatch-psl-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(list.data, 1, list.len, file), list.len);
	fclose(file);
	psl_ctx_t *psl = psl_load_file(path);
	unlink(path);
	assert_non_null(psl);
	return psl;
}

static void assert_as_libpsl(const struct suffix_table *t, const psl_ctx_t *psl, const char *name)
{
	const char *suffix = psl_unregistrable_domain(psl, name), *registrable = psl_registrable_domain(psl, name);
	size_t at;
	ptrdiff_t start = suffix_registrable(t, slice_text(name), &at);

	if (suffix != name + at || (registrable == NULL ? start != -1 : registrable != name + start))
		fail_msg("%s: libpsl says %s below %s, the table %s below %s", name, registrable, suffix,
			 start < 0 ? "nothing" : name + start, name + at);
}

static size_t compare_file(const struct suffix_table *t, const psl_ctx_t *psl, const char *path, size_t every)
{
	struct slice text = shared_file(path);
	char *line, *rest = (char *)(uintptr_t)text.data;
	size_t n = 0, n_compared = 0;

	assert_non_null(text.data);
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "\t\r ")] = '\0';
		if (n++ % every != 0 || line[0] == '\0' || line[0] == '.' || strstr(line, "..") != NULL)
			continue;
		assert_as_libpsl(t, psl, line);
		n_compared++;
	}
	free((void *)(uintptr_t)text.data);
	return n_compared;
}

static void the_table_answers_as_libpsl_does(void **state)
{
	struct slice list;
	struct suffix_table *t = real_table(&list);
	psl_ctx_t *psl = same_list_in_libpsl(list);
	size_t n = 0;

	(void)state;
	n += compare_file(t, psl, "corpora/benign-ct-hosts.txt.gz", 4);
	n += compare_file(t, psl, "corpora/benign-nrd.tsv.gz", 6);
	n += compare_file(t, psl, "corpora/benign-gov-hosts.txt.gz", 2);
	n += compare_file(t, psl, "corpora/grey-disposable.txt.gz", 2);
	assert_true(n > 200000);
	psl_free(psl);
	suffix_table_free(t);
	free((void *)list.data);
}

/* Every rule, one label more, and two: where a slip in the table's logic would show. */
static void the_table_answers_as_libpsl_does_around_every_rule(void **state)
{
	struct slice list;
	struct suffix_table *t = real_table(&list);
	psl_ctx_t *psl = same_list_in_libpsl(list);
	char *line, *rest = (char *)(uintptr_t)list.data;
	size_t n = 0;

	(void)state;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char rule[DNS_NAME_MAX + 1], name[DNS_NAME_MAX + 32];
		struct error err;

		line[strcspn(line, " \r\t")] = '\0';
		if (line[0] == '\0' || strncmp(line, "//", 2) == 0)
			continue;
		if (!dns_name_to_ascii(slice_text(line + (line[0] == '!') + (line[0] == '*' ? 2 : 0)), rule, &err))
			fail_msg("%s: %s", line, err.text);
		assert_as_libpsl(t, psl, rule);
		for (size_t depth = 0; depth < 3; depth++) {
			static const char *const prefixes[] = { "a.", "b.a.", "city.kawasaki." };

			snprintf(name, sizeof(name), "%s%s", prefixes[depth], rule);
			assert_as_libpsl(t, psl, name);
		}
		n++;
	}
	assert_true(n > 9000);
	psl_free(psl);
	suffix_table_free(t);
	free((void *)list.data);
}

static void without_a_list_libpsl_answers_with_its_own(void **state)
{
	struct suffix_table *t = suffix_table_new_libpsl();

	(void)state;
	assert_registrable(t, "www.example.co.uk", "co.uk", "example.co.uk");
	assert_registrable(t, "co.uk", "co.uk", NULL);
	assert_registrable(t, "com", "com", NULL);
	assert_non_null(strstr(suffix_table_origin(t), "libpsl"));
	suffix_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_wildcards_and_exceptions_hold),
		cmocka_unit_test(suffixes_between_the_rules_are_no_rules),
		cmocka_unit_test(unlisted_top_level_domains_follow_the_default_rule),
		cmocka_unit_test(international_rules_are_found_by_their_a_labels),
		cmocka_unit_test(names_that_are_no_host_names_find_no_way_out_of_bounds),
		cmocka_unit_test(lists_that_are_no_lists_are_refused),
		cmocka_unit_test(the_tests_of_the_list_pass),
		cmocka_unit_test(the_table_answers_as_libpsl_does),
		cmocka_unit_test(the_table_answers_as_libpsl_does_around_every_rule),
		cmocka_unit_test(without_a_list_libpsl_answers_with_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
