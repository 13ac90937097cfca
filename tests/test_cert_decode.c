/* parsers/cert_decode.c and x509_name.c: certificates for people. */
#include "x509.h"
#include "archive.h"
#include "cert_build.h"
#include "shared.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX (1u << 20)

static void assert_details(const struct cert_details *d)
{
	assert_string_equal(d->issuer, "O=Let's Encrypt");
	assert_string_equal(d->subject, "CN=www.example.com");
	assert_string_equal(d->serial_hex, "03aabb");
	assert_string_equal(d->signature_algorithm, "ecdsa-with-SHA256");
	assert_int_equal(d->not_before_ms, time_from_civil(2026, 1, 1, 0, 0, 0));
	assert_int_equal(d->not_after_ms, time_from_civil(2026, 4, 1, 0, 0, 0));
	assert_int_equal(d->n_names, 4);
	assert_string_equal(d->names[0], "DNS:www.example.com");
	assert_string_equal(d->names[1], "IP:192.0.2.1");
	assert_string_equal(d->names[2], "DNS:a\\x0ab");
	assert_string_equal(d->names[3], "IP:unreadable");
}

static void a_certificate_and_its_tbs_decode_alike(void **state)
{
	struct cert_details d;
	struct cert_view view;
	struct error err = { 0 };
	struct buf der;

	(void)state;
	buf_init(&der, BYTES_MAX);
	cert_build(&der, &(struct cert_build){
		.issuer = "Let's Encrypt", .cn = "www.example.com", .serial_hex = "03aabb",
		.san_hex = "3020" "820f7777772e6578616d706c652e636f6d" "8704c0000201" "8203610a62" "87020102" });
	if (!cert_decode(buf_slice(&der), false, &d, &err))
		fail_msg("%s", err.text);
	assert_details(&d);
	assert_string_equal(d.key, "ED25519");
	cert_details_deinit(&d);

	assert_true(cert_scan(buf_slice(&der), &view, &err));
	assert_true(cert_decode(view.tbs, true, &d, &err));
	assert_details(&d);
	cert_details_deinit(&d);
	buf_deinit(&der);
}

static void what_openssl_refuses_is_malformed_with_a_sentence(void **state)
{
	struct cert_details d;
	struct error err = { 0 };
	struct buf der;

	(void)state;
	assert_false(cert_decode(SLICE_LITERAL(""), false, &d, &err));
	assert_false(cert_decode(SLICE_LITERAL(""), true, &d, &err));
	assert_false(cert_decode(SLICE_LITERAL("\x30\x03\x02\x01\x01"), true, &d, &err));
	buf_init(&der, BYTES_MAX);
	cert_build(&der, &(struct cert_build){ .cn_hex = "0c02fffe" });
	assert_false(cert_decode(buf_slice(&der), false, &d, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	assert_non_null(strstr(err.text, "OpenSSL cannot decode"));
	buf_deinit(&der);
}

static void keys_of_real_certificates_are_named(void **state)
{
	static const struct {
		const char *file, *key, *issuer;
	} cases[] = {
		{ "E7-2026-05-20-c19805af.der", "EC P-256", "C=US, O=Let's Encrypt, CN=E7" },
		{ "R12-2026-05-20-45be90cd.der", "RSA 2048", "C=US, O=Let's Encrypt, CN=R12" },
	};
	struct archive archive;

	(void)state;
	archive_open(&archive, "data/certs/letsencrypt-leaves.tar.zst");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cert_details d;
		struct error err;

		assert_true(cert_decode(archive_find(&archive, cases[i].file), false, &d, &err));
		assert_string_equal(d.issuer, cases[i].issuer);
		assert_string_equal(d.key, cases[i].key);
		assert_true(d.n_names > 0);
		cert_details_deinit(&d);
	}
	archive_close(&archive);
}

/* Every odd certificate decodes or is refused; nothing else. */
static void odd_certificates_decode_or_are_refused(void **state)
{
	struct archive archive;
	struct slice content;
	char name[256];
	size_t n = 0, n_decoded = 0;

	(void)state;
	archive_open(&archive, "data/certs/odd-certs.tar.zst");
	while (archive_next(&archive, name, &content)) {
		struct cert_details d;
		struct cert_view view;
		struct error err = { 0 };

		n++;
		if (cert_decode(content, false, &d, &err)) {
			n_decoded++;
			assert_non_null(d.subject);
			cert_details_deinit(&d);
		} else {
			assert_int_equal(err.kind, ERR_MALFORMED);
		}
		if (n % 4 == 0 && cert_scan(content, &view, &err) && cert_decode(view.tbs, true, &d, &err))
			cert_details_deinit(&d);
	}
	assert_true(n_decoded > 3400);
	archive_close(&archive);
}

static void assert_formats(const char *name_hex, const char *expected)
{
	char out[256];
	struct buf der;

	buf_init(&der, BYTES_MAX);
	der_build_hex(&der, name_hex);
	assert_string_equal(x509_name_format(buf_slice(&der), out, sizeof(out)), expected);
	buf_deinit(&der);
}

static void names_read_as_people_write_them(void **state)
{
	(void)state;
	assert_formats("3000", "");
	assert_formats("301b310b3009060355040613025553310c300a06035504030c03612e62", "C=US, CN=a.b");
	assert_formats("3017311530090603550406130255533008" "06035504030c0161", "C=US + CN=a");
	assert_formats("300f310d300b06042a03047f130374776f", "1.2.3.4.127=two");
	assert_formats("300f310d300b06035504030c04e282ac21", "CN=\xe2\x82\xac!");
}

static void values_that_could_pass_for_two_are_quoted(void **state)
{
	(void)state;
	assert_formats("3013" "3111" "300f" "0603550403" "0c08" "612c20434e3d6221", "CN=\"a, CN=b!\"");
	assert_formats("300e" "310c" "300a" "0603550403" "0c03" "612262", "CN=\"a\\\"b\"");
	assert_formats("300c" "310a" "3008" "0603550403" "0c01" "20", "CN=\" \"");
	assert_formats("300b" "3109" "3007" "0603550403" "0c00", "CN=\"\"");
}

static void nothing_in_a_name_acts_on_a_terminal(void **state)
{
	(void)state;
	assert_formats("300d310b300906035504030c02" "1b07", "CN=\\x1b\\x07");
	assert_formats("300d310b300906035504030c02" "fffe", "CN=\\xff\\xfe");
	assert_formats("300e310c300a06035504030c03" "e280ae", "CN=\\u{202e}");
}

static void broken_names_say_so_with_a_question_mark(void **state)
{
	(void)state;
	assert_formats("0400", "?");
	assert_formats("3003310530", "?");
	assert_formats("30103102" "0c00" "310a300806035504030c0161", "?, CN=a");
	assert_formats("300f310d300b06035504030c05" "61626364", "?");
	assert_formats("300c310a3008" "0603550403" "0301ff", "CN=#0301ff");
	assert_formats("3009310730050601ff0c00", "?=\"\"");
}

static void a_name_is_cut_to_its_room(void **state)
{
	char out[64];
	struct buf der, value;

	(void)state;
	buf_init(&der, 1u << 24);
	buf_init(&value, 1u << 24);
	for (size_t i = 0; i < 1000000; i++)
		buf_append_byte(&value, 'a');
	struct buf cn;
	buf_init(&cn, 1u << 24);
	buf_append(&cn, "\x06\x03\x55\x04\x03", 5);
	der_build(&cn, 0x0c, buf_slice(&value));
	struct buf attribute, rdn;
	buf_init(&attribute, 1u << 24);
	buf_init(&rdn, 1u << 24);
	der_build(&attribute, 0x30, buf_slice(&cn));
	der_build(&rdn, 0x31, buf_slice(&attribute));
	der_build(&der, 0x30, buf_slice(&rdn));
	for (size_t room = 0; room < sizeof(out); room++) {
		memset(out, 'X', sizeof(out));
		x509_name_format(buf_slice(&der), out, room);
		assert_true(room == 0 || strlen(out) < room);
		assert_int_equal(out[room], 'X');
	}
	buf_deinit(&der);
	buf_deinit(&value);
	buf_deinit(&cn);
	buf_deinit(&attribute);
	buf_deinit(&rdn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_and_its_tbs_decode_alike),
		cmocka_unit_test(what_openssl_refuses_is_malformed_with_a_sentence),
		cmocka_unit_test(keys_of_real_certificates_are_named),
		cmocka_unit_test(odd_certificates_decode_or_are_refused),
		cmocka_unit_test(names_read_as_people_write_them),
		cmocka_unit_test(values_that_could_pass_for_two_are_quoted),
		cmocka_unit_test(nothing_in_a_name_acts_on_a_terminal),
		cmocka_unit_test(broken_names_say_so_with_a_question_mark),
		cmocka_unit_test(a_name_is_cut_to_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
