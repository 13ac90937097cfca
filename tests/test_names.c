/* parsers/names.c and names_text.c: from the bytes in certificates to identifiers. */
#include "x509.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Does the list hold exactly the expected identifiers, in any order? `expected`: arrays of kind and text. */
static void assert_identifiers(const struct cert_names *names, const json_t *expected, const char *what)
{
	size_t i;
	json_t *pair;
	char text[NAME_TEXT_MAX + 1];

	if (names->n != json_array_size(expected)) {
		for (i = 0; i < names->n; i++)
			print_message("%s: %s\n", what, name_format(&names->items[i], text, sizeof(text)));
		fail_msg("%s: %zu identifiers, expected %zu", what, names->n, json_array_size(expected));
	}
	json_array_foreach(expected, i, pair) {
		const char *kind = json_string_value(json_array_get(pair, 0));
		const char *wanted = json_string_value(json_array_get(pair, 1));
		bool found = false;

		for (size_t k = 0; k < names->n && !found; k++)
			found = strcmp(name_format(&names->items[k], text, sizeof(text)), wanted) == 0 &&
				(names->items[k].kind == NAME_IP) == (strcmp(kind, "ip") == 0);
		if (!found)
			fail_msg("%s: %s is missing", what, wanted);
	}
}

static void check_texts(const char *key, const char *hex_key, enum name_origin origin)
{
	json_t *vectors = vectors_load(), *cases = vector_at(vectors, "identifiers", key, NULL), *item;
	struct cert_names names;
	struct buf raw;
	size_t i;

	names_init(&names);
	buf_init(&raw, 1u << 20);
	assert_true(json_array_size(cases) > 5);
	json_array_foreach(cases, i, item) {
		names_clear(&names);
		names_add_text(&names, vector_hex(vector_at(item, hex_key, NULL), &raw), origin);
		assert_identifiers(&names, vector_at(item, "expect", NULL), vector_text(item, hex_key));
	}
	buf_deinit(&raw);
	names_deinit(&names);
	json_decref(vectors);
}

static void every_san_of_the_specification_gives_its_identifiers(void **state)
{
	(void)state;
	check_texts("san_dns", "raw_hex", NAME_FROM_SAN);
}

static void every_common_name_of_the_specification_gives_its_identifiers(void **state)
{
	(void)state;
	check_texts("common_name", "raw_utf8_hex", NAME_FROM_CN);
}

static void odd_certificates_of_the_specification_give_their_identifiers(void **state)
{
	json_t *vectors = vectors_load(), *item;
	struct cert_names names;
	struct buf raw;
	struct cert_view view;
	struct error err;
	size_t i;

	(void)state;
	names_init(&names);
	buf_init(&raw, 1u << 20);
	json_array_foreach(vector_at(vectors, "quirk_certificates", "cases", NULL), i, item) {
		struct slice der = vector_b64(vector_at(item, "der_b64", NULL), &raw);
		const char *what = vector_text(item, "name");
		json_t *expected = vector_at(item, "expect_identifiers", NULL);

		if (!cert_scan(der, &view, &err) || !names_collect(&view, &names, &err))
			fail_msg("%s: %s", what, err.text);
		if (json_is_array(expected))
			assert_identifiers(&names, expected, what);
		assert_true(view.not_before_ms != INT64_MIN && view.not_after_ms != INT64_MIN);
	}
	buf_deinit(&raw);
	names_deinit(&names);
	json_decref(vectors);
}

static bool has_name(const struct cert_names *names, const char *expected)
{
	char text[NAME_TEXT_MAX + 1];

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(name_format(&names->items[i], text, sizeof(text)), expected) == 0)
			return true;
	return false;
}

/* No client would accept them, but somebody asked for them, and meant a domain. */
static void what_is_not_quite_a_name_gives_the_host_in_it(void **state)
{
	static const struct {
		const char *text, *host;
		bool only;
		enum name_origin origin;
	} list[] = {
		{ "host.example:443", "host.example", true, NAME_FROM_SAN },
		{ "Host.Example.:443", "host.example", true, NAME_FROM_SAN },
		{ "host.example:", "host.example", true, NAME_FROM_SAN },
		{ "*.host.example:8443", "*.host.example", true, NAME_FROM_SAN },
		{ "host.example:443", "host.example", true, NAME_FROM_CN },
		{ "https://host.example:8443/a.b?c.d", "host.example", true, NAME_FROM_SAN },
		{ "https://host.example:8443/a.b?c.d", "host.example", true, NAME_FROM_CN },
		{ "ldap://host.example/x", "host.example", false, NAME_FROM_SAN },
		{ "192.0.2.1:443", "192.0.2.1", true, NAME_FROM_SAN },
		{ "[2001:db8::1]:443", "2001:db8::1", true, NAME_FROM_SAN },
		{ "2001:db8::1", "2001:db8::1", true, NAME_FROM_SAN },
		{ "DNS:host.example", "host.example", false, NAME_FROM_SAN },
		{ "a.example, host.example", "host.example", false, NAME_FROM_SAN },
		{ "a.example host.example", "host.example", false, NAME_FROM_SAN },
		{ "\"host.example\"", "host.example", false, NAME_FROM_SAN },
		{ " host.example. ", "host.example", true, NAME_FROM_SAN },
		{ "_dmarc.host.example", "_dmarc.host.example", true, NAME_FROM_SAN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		struct cert_names names;

		names_init(&names);
		names_add_text(&names, slice_text(list[i].text), list[i].origin);
		if ((list[i].only && names.n != 1) || !has_name(&names, list[i].host))
			fail_msg("%s: %zu names, without %s", list[i].text, names.n, list[i].host);
		/* a path is full of dots and no name */
		assert_false(has_name(&names, "a.b") || has_name(&names, "c.d"));
		names_deinit(&names);
	}
}

/* One text in; the only identifier of it out. */
static void assert_one(const char *text, size_t len, const char *expected, unsigned flags)
{
	struct cert_names names;
	char shown[NAME_TEXT_MAX + 1];

	names_init(&names);
	names_add_text(&names, slice_of(text, len), NAME_FROM_SAN);
	assert_int_equal(names.n, 1);
	assert_string_equal(name_format(&names.items[0], shown, sizeof(shown)), expected);
	assert_int_equal(names.items[0].flags, flags);
	names_deinit(&names);
}

static void stars_and_unreadable_labels_are_flagged(void **state)
{
	(void)state;
	assert_one("*.Example.com", 13, "*.example.com", NAME_WILDCARD);
	assert_one("*.example.com", 13, "*.example.com", NAME_WILDCARD);
	assert_one("a\x01.example.com", 14, "<unparsable>.example.com", NAME_UNPARSABLE_LABEL);
	assert_one("www.example.com", 15, "www.example.com", 0);
}

static void several_readings_of_one_text_say_so(void **state)
{
	struct cert_names names;

	(void)state;
	names_init(&names);
	names_add_text(&names, SLICE_LITERAL("b\xc3\xbc" "cher.example"), NAME_FROM_SAN);
	names_add_text(&names, SLICE_LITERAL("plain.example"), NAME_FROM_SAN);
	assert_int_equal(names.n, 3);
	assert_int_equal(names.items[0].flags, NAME_ALTERNATE_READING);
	assert_int_equal(names.items[1].flags, NAME_ALTERNATE_READING);
	assert_int_equal(names.items[2].flags, 0);
	names_deinit(&names);
}

static void a_giant_name_keeps_the_end_that_could_match(void **state)
{
	enum { LEN = 3 << 20 };
	char *text = xmalloc(LEN);
	const char *end = ".victim.example";
	struct cert_names names;

	(void)state;
	memset(text, '\xfc', LEN);
	memcpy(text + LEN - strlen(end), end, strlen(end));
	names_init(&names);
	names_add_text(&names, slice_of(text, LEN), NAME_FROM_SAN);
	assert_int_equal(names.n, 1);
	assert_true(names.items[0].text.len <= NAME_TEXT_MAX);
	assert_true(slice_equal_text(names.items[0].text, "<unparsable>.victim.example"));
	assert_int_equal(names.items[0].flags, NAME_UNPARSABLE_LABEL);

	/* no dot near the end: nothing of it can be a host name, and the placeholder matches everything */
	memset(text, 'a', LEN);
	names_clear(&names);
	names_add_text(&names, slice_of(text, LEN), NAME_FROM_SAN);
	assert_int_equal(names.n, 1);
	assert_true(slice_equal_text(names.items[0].text, "<unparsable>"));
	names_deinit(&names);
	free(text);
}

static void the_longest_expansion_stays_below_its_ceiling(void **state)
{
	char text[NAME_RAW_MAX];
	struct cert_names names;

	(void)state;
	names_init(&names);
	for (size_t step = 2; step < 300; step++) {
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)(i % step == 0 ? '.' : i % 2 == 0 ? 0xff : 0x80 + (int)(i % 127));
		names_clear(&names);
		names_add_text(&names, slice_of(text, sizeof(text)), NAME_FROM_SAN);
		assert_int_equal(names.n, 1);
		assert_int_equal(names.n_unreadable, 0);
		assert_true(names.items[0].text.len <= NAME_TEXT_MAX);
	}
	names_deinit(&names);
}

/* Punycode of 16 MB of such labels took ten seconds of a worker. */
static void a_flood_of_encoded_names_hides_no_plain_one_and_says_that_it_was_cut(void **state)
{
	char flood[62 * 16 + 8];
	struct cert_names names;
	size_t n_names = 0;

	(void)state;
	names_init(&names);
	while (n_names < NAMES_ENCODED_MAX / sizeof(flood) * 3) {
		for (size_t i = 0; i < sizeof(flood); i++)
			flood[i] = (char)(i % 62 == 61 ? '.' : 0x80 + (int)((i * 7 + n_names * 13) % 128));
		names_add_text(&names, slice_of(flood, sizeof(flood)), NAME_FROM_SAN);
		n_names++;
		if (n_names == 1)
			assert_int_equal(names.n_unreadable, 0);
	}
	assert_true(names.encoded_bytes <= NAMES_ENCODED_MAX && names.encoded_bytes > NAMES_ENCODED_MAX - sizeof(flood));
	assert_in_range(names.n_unreadable, n_names / 3, n_names);

	size_t before = names.n;
	names_add_text(&names, SLICE_LITERAL("Drive-GlobalOrdnance.com"), NAME_FROM_SAN);
	assert_int_equal(names.n, before + 1);
	assert_true(slice_equal_text(names.items[before].text, "drive-globalordnance.com"));
	/* a label that may no longer be read stands for any label, and its neighbours still count */
	names.encoded_bytes = NAMES_ENCODED_MAX;
	names_add_text(&names, SLICE_LITERAL("\xc3\xa4.victim.example"), NAME_FROM_SAN);
	assert_int_equal(names.n, before + 2);
	assert_true(slice_equal_text(names.items[before + 1].text, "<unparsable>.victim.example"));
	assert_int_equal(names.items[before + 1].flags, NAME_UNPARSABLE_LABEL);
	/* the next certificate begins anew */
	names_clear(&names);
	names_add_text(&names, SLICE_LITERAL("\xc3\xa4.example"), NAME_FROM_CN);
	assert_true(slice_equal_text(names.items[0].text, "xn--4ca.example"));
	assert_int_equal(names.n_unreadable, 0);
	names_deinit(&names);
}

static void repeated_names_are_kept_once_however_many_there_are(void **state)
{
	static const size_t counts[] = { 1, 15, 16, 17, 33, 100, 5000 };
	struct cert_names names;
	char text[64];

	(void)state;
	names_init(&names);
	for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
		names_clear(&names);
		for (int round = 0; round < 3; round++)
			for (size_t i = 0; i < counts[c]; i++) {
				int len = snprintf(text, sizeof(text), "%sost-%zu.example.com", round == 1 ? "H" : "h", i);
				names_add_text(&names, slice_of(text, (size_t)len), NAME_FROM_SAN);
			}
		assert_int_equal(names.n, counts[c]);
		for (size_t i = 0; i < counts[c]; i++) {
			snprintf(text, sizeof(text), "host-%zu.example.com", i);
			assert_true(slice_equal_text(names.items[i].text, text));
		}
	}
	names_deinit(&names);
}

static void an_address_and_a_name_of_the_same_bytes_are_two(void **state)
{
	struct cert_names names;

	(void)state;
	names_init(&names);
	names_add_text(&names, SLICE_LITERAL("97.98.99.100"), NAME_FROM_SAN);
	names_add_text(&names, SLICE_LITERAL("abcd"), NAME_FROM_SAN);
	assert_int_equal(names.n, 2);
	assert_int_equal(names.items[0].kind, NAME_IP);
	assert_int_equal(names.items[1].kind, NAME_DNS);
	names_deinit(&names);
}

static void upper_case_outside_ascii_is_lowered_before_punycode(void **state)
{
	struct cert_names names;

	(void)state;
	names_init(&names);
	/* a CN is UTF-8: one reading only */
	names_add_text(&names, SLICE_LITERAL("\xd0\x9f\xd0\xa0.example"), NAME_FROM_CN);
	names_add_text(&names, SLICE_LITERAL("\xd0\xbf\xd1\x80.example"), NAME_FROM_CN);
	names_add_text(&names, SLICE_LITERAL("B\xc3\x9c" "CHER.example"), NAME_FROM_CN);
	assert_int_equal(names.n, 2);
	assert_true(slice_equal_text(names.items[1].text, "xn--bcher-kva.example"));
	names_deinit(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_san_of_the_specification_gives_its_identifiers),
		cmocka_unit_test(every_common_name_of_the_specification_gives_its_identifiers),
		cmocka_unit_test(what_is_not_quite_a_name_gives_the_host_in_it),
		cmocka_unit_test(odd_certificates_of_the_specification_give_their_identifiers),
		cmocka_unit_test(stars_and_unreadable_labels_are_flagged),
		cmocka_unit_test(several_readings_of_one_text_say_so),
		cmocka_unit_test(a_giant_name_keeps_the_end_that_could_match),
		cmocka_unit_test(the_longest_expansion_stays_below_its_ceiling),
		cmocka_unit_test(a_flood_of_encoded_names_hides_no_plain_one_and_says_that_it_was_cut),
		cmocka_unit_test(repeated_names_are_kept_once_however_many_there_are),
		cmocka_unit_test(an_address_and_a_name_of_the_same_bytes_are_two),
		cmocka_unit_test(upper_case_outside_ascii_is_lowered_before_punycode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
