/* parsers/punycode.c and idna.c. */
#include "dns.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

/* RFC 3492 section 7.1: (A) Arabic, (B) Chinese, (D) Czech, (L) with digits and Latin, (S) ASCII that breaks host name rules */
static const struct {
	const char *encoded;
	size_t n;
	uint32_t points[24];
} SAMPLES[] = {
	{ "egbpdaj6bu4bxfgehfvwxn", 17,
	  { 0x0644, 0x064a, 0x0647, 0x0645, 0x0627, 0x0628, 0x062a, 0x0643, 0x0644, 0x0645, 0x0648, 0x0634, 0x0639, 0x0631,
	    0x0628, 0x064a, 0x061f } },
	{ "ihqwcrb4cv8a8dqg056pqjye", 9, { 0x4ed6, 0x4eec, 0x4e3a, 0x4ec0, 0x4e48, 0x4e0d, 0x8bf4, 0x4e2d, 0x6587 } },
	{ "Proprostnemluvesky-uyb24dma41a", 22,
	  { 'P', 'r', 'o', 0x10d, 'p', 'r', 'o', 's', 't', 0x11b, 'n', 'e', 'm', 'l', 'u', 'v', 0xed, 0x10d, 'e', 's', 'k', 'y' } },
	{ "3B-ww4c5e180e575a65lsy2b", 8, { '3', 0x5e74, 'B', 0x7d44, 0x91d1, 0x516b, 0x5148, 0x751f } },
	{ "-> $1.00 <--", 11, { '-', '>', ' ', '$', '1', '.', '0', '0', ' ', '<', '-' } },
	{ "bcher-kva", 6, { 'b', 0xfc, 'c', 'h', 'e', 'r' } },
	{ "", 0, { 0 } },
};

static void samples_of_the_rfc_encode_and_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(SAMPLES); i++) {
		uint32_t points[64];
		char text[64];
		size_t n, len;

		assert_true(punycode_encode(SAMPLES[i].points, SAMPLES[i].n, text, sizeof(text), &len));
		assert_true(slice_equal_text(slice_of(text, len), SAMPLES[i].encoded));
		assert_true(punycode_decode(slice_text(SAMPLES[i].encoded), points, ARRAY_LEN(points), &n));
		assert_int_equal(n, SAMPLES[i].n);
		assert_memory_equal(points, SAMPLES[i].points, n * sizeof(points[0]));
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	uint32_t points[64];
	char text[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(SAMPLES); i++) {
		size_t len = strlen(SAMPLES[i].encoded);

		for (size_t room = 0; room < len; room++)
			assert_false(punycode_encode(SAMPLES[i].points, SAMPLES[i].n, text, room, &n));
		for (size_t room = 0; room < SAMPLES[i].n; room++)
			assert_false(punycode_decode(slice_text(SAMPLES[i].encoded), points, room, &n));
	}
}

static void broken_punycode_is_refused(void **state)
{
	static const char *const broken[] = {
		"\xc3\xbc", "a-\xff", "99999999999", "-", "--", "a-z", "!", "bcher-kv!", "0000000000000000000000",
		"ls8e",         /* U+D800 and above, see below */
	};
	uint32_t points[64];
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_LEN(broken); i++) {
		bool decoded = punycode_decode(slice_text(broken[i]), points, ARRAY_LEN(points), &n);

		/* "--" is the basic code point '-' alone */
		assert_int_equal(decoded, strcmp(broken[i], "--") == 0);
	}
	for (uint32_t c = 0xd7fe; c < 0xe002; c++) {
		char text[16];
		bool surrogate = c >= 0xd800 && c <= 0xdfff;

		assert_int_equal(punycode_encode(&c, 1, text, sizeof(text), &n), !surrogate);
	}
	uint32_t beyond = 0x110000;
	assert_false(punycode_encode(&beyond, 1, (char[16]){ 0 }, 16, &n));
}

static void assert_ascii(const char *in, const char *expected)
{
	char out[DNS_NAME_MAX + 1];
	struct error err = { 0 };

	if (!dns_name_to_ascii(slice_text(in), out, &err))
		fail_msg("%s: %s", in, err.text);
	assert_string_equal(out, expected);
}

static void typed_names_become_a_labels(void **state)
{
	(void)state;
	assert_ascii("Example.COM", "example.com");
	assert_ascii("example.com.", "example.com");
	assert_ascii("_dmarc.example.com", "_dmarc.example.com");
	assert_ascii("b\xc3\xbc" "cher.example", "xn--bcher-kva.example");
	assert_ascii("B\xc3\x9c" "CHER.example", "xn--bcher-kva.example");
	assert_ascii("fa\xc3\x9f.de", "xn--fa-hia.de");         /* non-transitional: not fass.de */
	assert_ascii("\xe4\xbe\x8b\xe3\x80\x82jp", "xn--fsq.jp");  /* the ideographic full stop separates labels */
	assert_ascii("xn--bcher-kva.example", "xn--bcher-kva.example");
	assert_ascii("\xef\xbd\x85xample.com", "example.com");  /* full-width e */
}

static void names_that_cannot_exist_are_refused_with_a_sentence(void **state)
{
	char long_label[80], out[DNS_NAME_MAX + 1];
	const char *const bad[] = { "", ".", ".example.com", "a..b", "foo bar.example", "a\nb", "\xff\xfe.example", long_label };
	struct error err;

	(void)state;
	memset(long_label, 'a', sizeof(long_label) - 1);
	long_label[sizeof(long_label) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err = (struct error){ 0 };
		assert_false(dns_name_to_ascii(slice_text(bad[i]), out, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_true(strlen(err.text) > 10);
		assert_null(strpbrk(err.text, "\n\xff"));
	}
	char many[300];
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? '.' : 'a';
	assert_false(dns_name_to_ascii(slice_of(many, sizeof(many) - 1), out, &err));
}

static void assert_unicode(const char *in, const char *expected)
{
	char out[256];

	assert_string_equal(dns_name_to_unicode(slice_text(in), out, sizeof(out)), expected);
}

static void people_see_what_a_labels_mean(void **state)
{
	(void)state;
	assert_unicode("xn--bcher-kva.example", "b\xc3\xbc" "cher.example");
	assert_unicode("www.xn--r8jz45g.jp", "www.\xe4\xbe\x8b\xe3\x81\x88.jp");
	assert_unicode("plain.example", "plain.example");
	assert_unicode("xn--fa-hia.de", "fa\xc3\x9f.de");
}

static void labels_that_would_deceive_stay_encoded(void **state)
{
	static const uint32_t bad[] = {
		0x202e, 0x200b, 0x200d, 0xad, 0x2044, 0x2571, 0xff0e, 0x3002, 0x2024, 0x1160, 0x3164, 0xa0, 0x85, 0x1f4a9, 0xe0041,
		0xfe0f, 0x34f,
	};
	char name[80], out[256];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t points[] = { 'p', 'a', 'y', bad[i], 'p', 'a', 'l' };

		memcpy(name, "xn--", 4);
		assert_true(punycode_encode(points, ARRAY_LEN(points), name + 4, sizeof(name) - 5, &len));
		name[len + 4] = '\0';
		assert_string_equal(dns_name_to_unicode(slice_text(name), out, sizeof(out)), name);
	}
	/* no punycode, a surrogate's, and A-labels of what needs none */
	assert_unicode("xn--.example", "xn--.example");
	assert_unicode("xn--99999999999.example", "xn--99999999999.example");
	assert_unicode("xn--example-.com", "xn--example-.com");
	assert_unicode("xn--Bcher-kva.example", "xn--Bcher-kva.example");
}

static void output_is_cut_at_a_label_and_never_past_its_room(void **state)
{
	char out[16];

	(void)state;
	for (size_t room = 1; room < sizeof(out); room++) {
		memset(out, 'X', sizeof(out));
		dns_name_to_unicode(SLICE_LITERAL("www.xn--bcher-kva.example"), out, room);
		assert_true(strlen(out) < room);
		assert_true(room == sizeof(out) || out[room] == 'X');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_of_the_rfc_encode_and_decode),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(broken_punycode_is_refused),
		cmocka_unit_test(typed_names_become_a_labels),
		cmocka_unit_test(names_that_cannot_exist_are_refused_with_a_sentence),
		cmocka_unit_test(people_see_what_a_labels_mean),
		cmocka_unit_test(labels_that_would_deceive_stay_encoded),
		cmocka_unit_test(output_is_cut_at_a_label_and_never_past_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
