/* Names as people give them. */
#include "dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_is_meant_is_read(void **state)
{
	static const struct {
		const char *given, *name, *taken_off;
		bool below;
	} cases[] = {
		{ "own.example", "own.example", "", false },
		{ "Own.EXAMPLE.", "own.example", "", false },
		{ "*.own.example", "own.example", "", true },
		{ ".own.example", "own.example", "", true },
		{ "https://own.example/", "own.example", "scheme, path", false },
		{ "HTTPS://Own.Example:443/login?a=b#c", "own.example", "scheme, path, port", false },
		{ "own.example/", "own.example", "path", false },
		{ "own.example:443", "own.example", "port", false },
		{ "info@own.example", "own.example", "mailbox", false },
		{ "mailto:info@own.example", "own.example", "scheme, mailbox", false },
		{ "https://user:secret@own.example/x", "own.example", "scheme, path, mailbox", false },
		{ "hxxps://own[.]example/x", "own.example", "brackets, scheme, path", false },
		{ "hxxp[:]//own(.)example", "own.example", "brackets, scheme", false },
		{ "meow://own{.}example", "own.example", "brackets, scheme", false },
		{ "own[dot]example", "own.example", "brackets", false },
		{ "own\\.example", "own.example", "brackets", false },
		{ "//own.example/x", "own.example", "scheme, path", false },
		{ "  own.example \r\n", "own.example", "", false },
		{ "\"own.example\",", "own.example", "", false },
		{ "<https://own.example>", "own.example", "scheme", false },
		{ "\xc2\xa0own.example\xc2\xa0", "own.example", "", false },
		{ "\xef\xbb\xbfown.example", "own.example", "", false },
		{ "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", "", false },
		{ "https://M\xc3\x9cNCHEN.example/", "xn--mnchen-3ya.example", "scheme, path", false },
		{ "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", "", false },
		{ "_dmarc.own.example", "_dmarc.own.example", "", false },
		{ "http.own.example", "http.own.example", "", false },
		{ "192.0.2.1:80", "192.0.2.1", "port", false },
		{ "http://[2001:db8::1]:8080/x", "2001:db8::1", "scheme, path, port", false },
		{ "2001:db8::1", "2001:db8::1", "", false },
		{ "localhost", "localhost", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct given_name name;
		struct error err;

		if (!given_name_read(slice_text(cases[i].given), &name, &err))
			fail_msg("%s: %s", cases[i].given, err.text);
		assert_string_equal(name.name, cases[i].name);
		assert_string_equal(name.taken_off, cases[i].taken_off);
		assert_int_equal(name.below, cases[i].below);
	}
}

static void what_is_no_name_is_refused_with_a_sentence(void **state)
{
	static const char *const cases[] = { "", "  ", "https://", "https:///x", "own example", "own..example", "a*b.example", "*.", ".", "own.example:x",
					     "*.192.0.2.1", "\xff.example", "own.example|x", "https://own,example/", "[own.example" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct given_name name;
		struct error err = { 0 };

		if (given_name_read(slice_text(cases[i]), &name, &err))
			fail_msg("\"%s\" was read as %s", cases[i], name.name);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_true(err.text[0] != '\0');
	}
}

static void www_is_said_and_can_be_left_out(void **state)
{
	struct given_name name;
	struct error err;

	(void)state;
	assert_true(given_name_read(SLICE_LITERAL("https://WWW.own.example/"), &name, &err));
	assert_true(name.has_www);
	assert_string_equal(given_name_without_www(&name), "own.example");
	assert_true(given_name_read(SLICE_LITERAL("www.example"), &name, &err));
	assert_false(name.has_www);
	assert_string_equal(given_name_without_www(&name), "www.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_meant_is_read),
		cmocka_unit_test(what_is_no_name_is_refused_with_a_sentence),
		cmocka_unit_test(www_is_said_and_can_be_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
