/* Judging a certificate allocates nothing unless something matches: the linker hands every allocation of ours to these counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_kit.h"
#include "shared.h"

#include <stdlib.h>
#include <string.h>

static size_t n_allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	n_allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	n_allocations++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	n_allocations++;
	return __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	n_allocations++;
	return __real_strdup(text);
}

static const char *const SHIPPED[] = { "tag53", "watchlist", NULL };

/* What one name made the rules allocate; whether it matched. */
static size_t allocations_of(struct rules_kit *kit, struct slice name, bool *matched)
{
	struct cert_name one = { .kind = NAME_DNS, .text = name };
	struct cert_names names = { .items = &one, .n = 1 };
	struct rule_subject subject = { .issuer_org = SLICE_LITERAL(LETS_ENCRYPT), .names = &names };
	size_t before;

	match_list_clear(&kit->matches);
	before = n_allocations;
	*matched = ruleset_match(kit->rules, kit->scratch, &subject, &kit->matches) > 0;
	return n_allocations - before;
}

static void assert_allocates_nothing(struct rules_kit *kit, struct slice name)
{
	bool matched;
	size_t n = allocations_of(kit, name, &matched);

	if (!matched && n != 0)
		fail_msg("%zu allocations for %.*s", n, SLICE_ARGS(name));
}

static void a_name_that_matches_nothing_allocates_nothing(void **state)
{
	struct rules_kit kit;
	struct slice file = shared_file("corpora/benign-ct-hosts.txt.gz"), rest = file;

	(void)state;
	kit_packs(&kit, SHIPPED);
	for (int i = 0; i < 20000 && rest.len > 0; i++) {
		ptrdiff_t end = slice_find(rest, '\n');
		size_t len = end < 0 ? rest.len : (size_t)end;

		assert_allocates_nothing(&kit, slice_sub(rest, 0, len));
		rest = slice_sub(rest, end < 0 ? rest.len : len + 1, rest.len);
	}
	if (file.data == NULL)
		print_message("skipped: no ../shared\n");
	free((void *)file.data);
	kit_free(&kit);
}

static void hostile_and_nearly_matching_names_allocate_nothing_either(void **state)
{
	static const char *const NAMES[] = { "slobodnadalmacija.hr", "cija.org", "xn--\xff\xfe--.xn--", "xn--999999999.com", "sandrail.com", "globalordnance.com",
					     "umo.umo.umo.umo.org", "com", "", "-", "...", "*.*.*" };
	char labels[253], hyphens[64], letters[253];
	struct rules_kit kit;

	(void)state;
	kit_packs(&kit, SHIPPED);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		assert_allocates_nothing(&kit, slice_text(NAMES[i]));
	for (size_t i = 0; i < sizeof(labels); i++)
		labels[i] = i % 2 ? '.' : 'a';
	memset(hyphens, '-', sizeof(hyphens));
	memset(letters, 'o', sizeof(letters));
	assert_allocates_nothing(&kit, slice_of(labels, sizeof(labels)));
	assert_allocates_nothing(&kit, slice_of(hyphens, sizeof(hyphens)));
	assert_allocates_nothing(&kit, slice_of(letters, sizeof(letters)));
	kit_free(&kit);
}

static void what_matches_does_allocate_so_the_counters_count(void **state)
{
	struct rules_kit kit;
	bool matched;

	(void)state;
	kit_packs(&kit, SHIPPED);
	assert_true(allocations_of(&kit, slice_text("sangrail-docs.com"), &matched) > 0);
	assert_true(matched);
	kit_free(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_matches_nothing_allocates_nothing),
		cmocka_unit_test(hostile_and_nearly_matching_names_allocate_nothing_either),
		cmocka_unit_test(what_matches_does_allocate_so_the_counters_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
