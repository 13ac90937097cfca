/* parsers/cert_scan.c, cert_time.c, cert_text.c and der.c: certificates as they should be, and as they are. */
#include "ct.h"
#include "x509.h"
#include "cert_build.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX (1u << 26)
#define A_EXAMPLE "820d612e6578616d706c652e636f6d"
#define B_EXAMPLE "820d622e6578616d706c652e636f6d"

/* A built certificate and what was read of it. */
struct fixture {
	struct buf der;
	struct cert_view view;
	struct cert_names names;
	struct error err;
	bool scanned, collected;
};

static void fixture_read(struct fixture *f)
{
	f->scanned = cert_scan(buf_slice(&f->der), &f->view, &f->err);
	f->collected = f->scanned && names_collect(&f->view, &f->names, &f->err);
}

static struct fixture fixture_of(const struct cert_build *how)
{
	struct fixture f = { 0 };

	buf_init(&f.der, BYTES_MAX);
	names_init(&f.names);
	cert_build(&f.der, how);
	fixture_read(&f);
	return f;
}

static void fixture_end(struct fixture *f)
{
	buf_deinit(&f->der);
	names_deinit(&f->names);
}

static void assert_name(const struct fixture *f, size_t index, const char *expected)
{
	char text[NAME_TEXT_MAX + 1];

	assert_true(index < f->names.n);
	assert_string_equal(name_format(&f->names.items[index], text, sizeof(text)), expected);
}

/* The SAN's OCTET STRING content in hex; then the names in order, and whether the walk came to its end. */
static void assert_san(const char *san_hex, bool whole, const char *first, const char *second)
{
	struct fixture f = fixture_of(&(struct cert_build){ .san_hex = san_hex });

	assert_true(f.scanned && f.view.has_san);
	assert_int_equal(f.collected, whole);
	assert_int_equal(f.names.n, (first != NULL) + (second != NULL));
	if (first != NULL)
		assert_name(&f, 0, first);
	if (second != NULL)
		assert_name(&f, 1, second);
	fixture_end(&f);
}

static void an_ordinary_certificate_gives_all_its_fields(void **state)
{
	static const struct cert_build_extension ca = { "551d13", "30030101ff", true };
	const struct cert_build_extension *const extensions[] = { &ca, NULL };
	const char *const dns[] = { "www.example.com", "example.com", NULL };
	struct fixture f = fixture_of(&(struct cert_build){
		.issuer = "Let's Encrypt", .cn = "www.example.com", .dns = dns, .serial_hex = "03aabb", .extensions = extensions });

	(void)state;
	assert_true(f.scanned && f.collected);
	assert_true(slice_equal_text(f.view.issuer_org, "Let's Encrypt"));
	assert_true(slice_equal(f.view.serial, SLICE_LITERAL("\x03\xaa\xbb")));
	assert_true(f.view.has_san && f.view.has_cn && f.view.is_ca);
	assert_false(f.view.has_poison || f.view.has_sct_list || f.view.names_cut);
	assert_int_equal(f.view.not_before_ms, time_from_civil(2026, 1, 1, 0, 0, 0));
	assert_int_equal(f.view.not_after_ms, time_from_civil(2026, 4, 1, 0, 0, 0));
	assert_int_equal(f.names.n, 2);
	assert_name(&f, 0, "www.example.com");
	assert_name(&f, 1, "example.com");
	fixture_end(&f);
}

static void plain_names_borrow_from_the_certificate(void **state)
{
	const char *const dns[] = { "www.example.com", "*.example.com", "_a.xn--bcher-kva.example", NULL };
	struct fixture f = fixture_of(&(struct cert_build){ .cn = "www.example.com", .dns = dns });

	(void)state;
	assert_int_equal(f.names.n, 3);
	assert_null(f.names.arena.data);
	for (size_t i = 0; i < f.names.n; i++)
		assert_true(f.names.items[i].text.data > f.der.data && f.names.items[i].text.data < f.der.data + f.der.len);
	fixture_end(&f);
}

static void names_in_the_arena_survive_its_growth(void **state)
{
	enum { N = 2000 };
	const char **dns = xcalloc(N + 1, sizeof(*dns));

	(void)state;
	for (size_t i = 0; i < N; i++)
		dns[i] = xasprintf(i % 2 ? "HOST-%zu.Example.COM" : "host-%zu.example.org", i);
	struct fixture f = fixture_of(&(struct cert_build){ .dns = dns });
	assert_true(f.collected);
	assert_int_equal(f.names.n, N);
	for (size_t i = 0; i < N; i++) {
		char expected[64];

		snprintf(expected, sizeof(expected), "host-%zu.example.%s", i, i % 2 ? "com" : "org");
		assert_name(&f, i, expected);
		free((void *)(uintptr_t)dns[i]);
	}
	free(dns);
	fixture_end(&f);
}

static void a_list_is_used_again_without_remembering(void **state)
{
	const char *const many[] = { "A.example", "B.example", "C.example", NULL }, *const one[] = { "D.example", NULL };
	struct fixture f = fixture_of(&(struct cert_build){ .dns = many });

	(void)state;
	assert_int_equal(f.names.n, 3);
	buf_clear(&f.der);
	cert_build(&f.der, &(struct cert_build){ .dns = one });
	fixture_read(&f);
	assert_int_equal(f.names.n, 1);
	assert_name(&f, 0, "d.example");
	fixture_end(&f);
}

static void sans_of_every_odd_shape_are_read(void **state)
{
	(void)state;
	assert_san("301e" A_EXAMPLE B_EXAMPLE, true, "a.example.com", "b.example.com");
	assert_san("301e" A_EXAMPLE B_EXAMPLE "00", true, "a.example.com", "b.example.com");   /* a stray zero after it */
	assert_san("30811e" A_EXAMPLE B_EXAMPLE, true, "a.example.com", "b.example.com");      /* not the shortest length */
	assert_san("308400000000" "0000", false, NULL, NULL);
	assert_san("30840000001e" A_EXAMPLE B_EXAMPLE, true, "a.example.com", "b.example.com");
	assert_san("3080" A_EXAMPLE B_EXAMPLE "0000", true, "a.example.com", "b.example.com"); /* indefinite */
	assert_san("101e" A_EXAMPLE B_EXAMPLE, true, "a.example.com", "b.example.com");        /* OpenSSL reads this */
	assert_san("3011a20f1604612e6578" "1607616d706c652e6d", true, "a.example.m", NULL);    /* in BER pieces */
	assert_san("3013a2800404612e6578" "0407616d706c652e6d" "0000", true, "a.example.m", NULL);
	assert_san("3014a208060755040a0c0161" "87080102030405060708", true, NULL, NULL);
	assert_san("30118704c00002018704c00002018200820161", true, "192.0.2.1", "a");
	assert_san("3000", true, NULL, NULL);
}

static void what_was_read_before_a_break_is_kept(void **state)
{
	(void)state;
	assert_san("301e" A_EXAMPLE "820e622e6578616d706c652e636f6d", false, "a.example.com", NULL);
	assert_san("301f" A_EXAMPLE B_EXAMPLE, false, NULL, NULL);
	assert_san("300f" A_EXAMPLE "0001", false, "a.example.com", NULL);
	assert_san("310f" A_EXAMPLE, false, NULL, NULL);
	assert_san("", false, NULL, NULL);
	assert_san("3080" A_EXAMPLE, false, NULL, NULL);
}

static void every_san_counts_where_there_are_several(void **state)
{
	static const struct cert_build_extension second = { "551d11", "300f" B_EXAMPLE, false };
	static const struct cert_build_extension broken = { "551d11", "3010" B_EXAMPLE, false };
	const struct cert_build_extension *const extensions[] = { &broken, &second, NULL };
	struct fixture f = fixture_of(&(struct cert_build){ .san_hex = "300f" A_EXAMPLE, .extensions = extensions + 1 });

	(void)state;
	assert_true(f.collected);
	assert_int_equal(f.names.n, 2);
	fixture_end(&f);
	f = fixture_of(&(struct cert_build){ .san_hex = "300f" A_EXAMPLE, .extensions = extensions });
	assert_true(f.scanned && !f.collected);
	assert_int_equal(f.err.kind, ERR_MALFORMED);
	assert_int_equal(f.names.n, 2);
	fixture_end(&f);
}

static void a_san_in_several_ber_pieces_is_joined(void **state)
{
	/* [3] { SEQUENCE { SEQUENCE { SAN, constructed OCTET STRING of two } } }, put where the subject's key ends */
	struct fixture f = fixture_of(&(struct cert_build){ .cn = "cn.example" });
	struct buf tbs;
	struct slice pieces = SLICE_LITERAL("\x06\x03\x55\x1d\x11\x24\x15\x04\x07\x30\x0f\x82\x0d" "a.e" "\x04\x0a" "xample.com");

	(void)state;
	buf_init(&tbs, BYTES_MAX);
	struct buf inner;
	buf_init(&inner, BYTES_MAX);
	der_build(&inner, 0x30, pieces);
	struct buf list;
	buf_init(&list, BYTES_MAX);
	der_build(&list, 0x30, buf_slice(&inner));
	struct buf content;
	buf_init(&content, BYTES_MAX);
	buf_append_slice(&content, slice_sub(f.view.tbs, f.view.tbs.data[1] & 0x80 ? 3 : 2, f.view.tbs.len));
	der_build(&content, 0xa3, buf_slice(&list));
	der_build(&tbs, 0x30, buf_slice(&content));

	assert_true(cert_scan_tbs(buf_slice(&tbs), &f.view, &f.err));
	assert_true(f.view.has_san && f.view.san_in_pieces);
	assert_true(names_collect(&f.view, &f.names, &f.err));
	assert_int_equal(f.names.n, 2);
	assert_name(&f, 0, "a.example.com");
	assert_name(&f, 1, "cn.example");
	buf_deinit(&tbs);
	buf_deinit(&inner);
	buf_deinit(&list);
	buf_deinit(&content);
	fixture_end(&f);
}

/* A CN's value as a whole TLV; NULL: no name of it. */
static void assert_cn(const char *cn_hex, const char *expected, size_t n_unreadable)
{
	struct fixture f = fixture_of(&(struct cert_build){ .cn_hex = cn_hex });

	assert_true(f.collected && f.view.has_cn);
	assert_int_equal(f.names.n, expected != NULL);
	assert_int_equal(f.names.n_unreadable, n_unreadable);
	if (expected != NULL) {
		assert_name(&f, 0, expected);
		assert_int_equal(f.names.items[0].origin, NAME_FROM_CN);
	}
	fixture_end(&f);
}

static void common_names_of_all_string_types_are_read(void **state)
{
	(void)state;
	assert_cn("0c03612e62", "a.b", 0);
	assert_cn("1303612e62", "a.b", 0);
	assert_cn("1603412e42", "a.b", 0);
	assert_cn("1a03612e62", "a.b", 0);
	assert_cn("1404fc2e6465", "xn--tda.de", 0);                     /* T61 as Latin-1 */
	assert_cn("0c04fc2e6465", "xn--tda.de", 0);                     /* UTF8String that is not UTF-8 */
	assert_cn("0c05c3bc2e6465", "xn--tda.de", 0);
	assert_cn("1e080061002e00640065", "a.de", 0);                   /* BMPString */
	assert_cn("1e07610061002e0064", NULL, 1);                       /* half a code unit */
	assert_cn("1e04d83dd83d", NULL, 1);                             /* a lone surrogate */
	assert_cn("1c0c000000610000002e00000062", "a.b", 0);            /* UniversalString */
	assert_cn("1c0400110000", NULL, 1);
	assert_cn("2c0a0c03612e620c032e6465", "a.b.de", 0);             /* UTF8String in pieces */
	assert_cn("3c060c0461202e62", NULL, 1);                         /* a constructed BMPString of a bad piece */
	assert_cn("030200ff", NULL, 1);                                 /* a BIT STRING is no text */
	assert_cn("0c00", NULL, 0);
}

static void several_common_names_count(void **state)
{
	/* two RDNs; the second has two attributes, the first of which is an OU */
	struct fixture f = fixture_of(&(struct cert_build){ .subject_hex = "302b" "310c300a06035504030c03612e62"
								           "311b" "300a060355040b0c034f5555" "300d06035504030c0663642e636f6d" });

	(void)state;
	assert_true(f.collected);
	assert_int_equal(f.view.n_cn, 2);
	assert_int_equal(f.names.n, 2);
	assert_name(&f, 1, "cd.com");
	fixture_end(&f);
}

static void a_subject_that_breaks_off_is_said_to(void **state)
{
	struct fixture f = fixture_of(&(struct cert_build){ .subject_hex = "300e310d300a06035504030c03612e62" });

	(void)state;
	assert_true(f.scanned && !f.collected && f.view.names_cut);
	fixture_end(&f);
}

/* A Name of one CN "a.b", whose RDN and attribute begin with these identifiers, is read, or said to be cut. */
static void assert_subject(const char *rdn, const char *attribute, const char *oid, bool read)
{
	char inner[64], middle[80], name[100];

	snprintf(inner, sizeof(inner), "%s035504030c03612e62", oid);
	snprintf(middle, sizeof(middle), "%s%02zx%s", attribute, strlen(inner) / 2, inner);
	snprintf(name, sizeof(name), "%s%02zx%s", rdn, strlen(middle) / 2, middle);
	char *subject = xasprintf("30%02zx%s", strlen(name) / 2, name);
	struct fixture f = fixture_of(&(struct cert_build){ .subject_hex = subject });

	assert_true(f.scanned);
	assert_int_equal(f.collected, read);
	assert_int_equal(f.names.n, read);
	if (read)
		assert_name(&f, 0, "a.b");
	fixture_end(&f);
	free(subject);
}

static void tag_numbers_in_the_long_form_hide_no_name(void **state)
{
	(void)state;
	assert_san("3010" "9f020d612e6578616d706c652e636f6d", true, "a.example.com", NULL);
	assert_san("3012" "9f8080020d612e6578616d706c652e636f6d", true, "a.example.com", NULL);
	assert_san("3012" "bf020f160d612e6578616d706c652e636f6d", true, "a.example.com", NULL);
	assert_san("3007" "9f0704c0000201", true, "192.0.2.1", NULL);
	assert_san("3f100f" A_EXAMPLE, true, "a.example.com", NULL);
	assert_san("1f100f" A_EXAMPLE, true, "a.example.com", NULL);
	assert_subject("31", "30", "06", true);
	assert_subject("3f11", "30", "06", true);
	assert_subject("31", "3f8010", "06", true);
	assert_subject("1f11", "30", "1f06", true);
}

static void what_is_not_understood_where_names_stand_counts_as_missing(void **state)
{
	(void)state;
	assert_san("300f" "920d612e6578616d706c652e636f6d", false, NULL, NULL);                /* no GeneralName has [18] */
	assert_san("3011" "9f81020d612e6578616d706c652e636f6d", false, NULL, NULL);            /* nor [130] */
	assert_san("301e" "0c0d612e6578616d706c652e636f6d" B_EXAMPLE, false, "b.example.com", NULL);
	assert_subject("30", "30", "06", false);
	assert_subject("3f8111", "30", "06", false);
	assert_subject("31", "31", "06", false);
	assert_subject("31", "30", "0c", false);
}

static void an_rdn_without_attributes_hides_nothing(void **state)
{
	struct fixture f = fixture_of(&(struct cert_build){ .subject_hex = "3010" "3100" "310c300a06035504030c03612e62" });

	(void)state;
	assert_true(f.collected);
	assert_name(&f, 0, "a.b");
	fixture_end(&f);
}

/* A certificate whose TBSCertificate ends with these bytes. */
static struct fixture fixture_with_tail(const char *tail_hex)
{
	struct fixture f = fixture_of(&(struct cert_build){ .cn = "cn.example" });
	struct buf content, tbs;

	buf_init(&content, BYTES_MAX);
	buf_init(&tbs, BYTES_MAX);
	buf_append_slice(&content, slice_sub(f.view.tbs, f.view.tbs.data[1] & 0x80 ? 3 : 2, f.view.tbs.len));
	der_build_hex(&content, tail_hex);
	der_build(&tbs, 0x30, buf_slice(&content));
	buf_clear(&f.der);
	der_build(&f.der, 0x30, buf_slice(&tbs));
	buf_deinit(&content);
	buf_deinit(&tbs);
	fixture_read(&f);
	return f;
}

static void the_extensions_are_found_behind_any_identifier_or_said_to_be_missing(void **state)
{
	static const char *const read[] = { "a3", "bf03", "bf8003" }, *const missing[] = { "a4", "83", "bf23", "30" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(read) + ARRAY_LEN(missing); i++) {
		bool reads = i < ARRAY_LEN(read);
		char *tail = xasprintf("82020000%s1c301a3018" "0603551d110411300f" A_EXAMPLE, reads ? read[i] : missing[i - ARRAY_LEN(read)]);
		struct fixture f = fixture_with_tail(tail);

		assert_true(f.scanned);
		assert_int_equal(f.collected, reads);
		assert_name(&f, 0, reads ? "a.example.com" : "cn.example");
		fixture_end(&f);
		free(tail);
	}
}

static void version_1_has_no_version_and_no_extensions(void **state)
{
	struct fixture f = fixture_of(&(struct cert_build){ .v1 = true, .cn = "old.example" });

	(void)state;
	assert_true(f.collected && !f.view.has_san);
	assert_name(&f, 0, "old.example");
	fixture_end(&f);
}

static void a_bare_tbs_reads_as_its_certificate(void **state)
{
	const char *const dns[] = { "www.example.com", NULL };
	struct fixture f = fixture_of(&(struct cert_build){ .dns = dns });
	struct cert_view view;

	(void)state;
	assert_true(cert_scan_tbs(f.view.tbs, &view, &f.err));
	assert_memory_equal(&view.san, &f.view.san, sizeof(view.san));
	assert_true(slice_equal(view.tbs, f.view.tbs));

	struct entry entry = { .type = ENTRY_PRECERT, .certificate = f.view.tbs };
	assert_true(cert_scan_entry(&entry, &view, &f.err));
	entry = (struct entry){ .type = ENTRY_UNKNOWN, .raw_type = 7 };
	assert_false(cert_scan_entry(&entry, &view, &f.err));
	assert_non_null(strstr(f.err.text, "7"));
	fixture_end(&f);
}

static void assert_time(const char *tlv_hex, int64_t expected)
{
	struct fixture f = fixture_of(&(struct cert_build){ .not_before_hex = tlv_hex });

	assert_true(f.scanned);
	if (f.view.not_before_ms != expected)
		fail_msg("%s: %lld, expected %lld", tlv_hex, (long long)f.view.not_before_ms, (long long)expected);
	fixture_end(&f);
}

static void assert_time_text(uint8_t tag, const char *text, int64_t expected)
{
	char hex[128];

	snprintf(hex, sizeof(hex), "%02x%02zx", tag, strlen(text));
	hex_encode(text, strlen(text), hex + 4);
	assert_time(hex, expected);
}

static void times_of_all_forms_are_read(void **state)
{
	const int64_t noon = time_from_civil(2026, 11, 22, 12, 30, 0);

	(void)state;
	assert_time_text(0x17, "261122123000Z", noon);
	assert_time_text(0x17, "2611221230Z", noon);
	assert_time_text(0x17, "261122143000+0200", noon);
	assert_time_text(0x17, "2611221130-0100", noon);
	assert_time_text(0x17, "261122123000", noon);
	assert_time_text(0x18, "20261122123000Z", noon);
	assert_time_text(0x18, "202611221230Z", noon);
	assert_time_text(0x18, "20261122123000.5Z", noon + 500);
	assert_time_text(0x18, "20261122123000.1239Z", noon + 123);
	assert_time_text(0x18, "2026112212Z", noon - 30 * 60000);
	assert_time_text(0x18, "99991231235959Z", time_from_civil(9999, 12, 31, 23, 59, 59));
	assert_time_text(0x17, "500101000000Z", time_from_civil(1950, 1, 1, 0, 0, 0));
	assert_time_text(0x17, "491231235959Z", time_from_civil(2049, 12, 31, 23, 59, 59));
	assert_time_text(0x17, "000229000000Z", time_from_civil(2000, 2, 29, 0, 0, 0));
}

static void times_that_do_not_exist_stay_unknown(void **state)
{
	static const char *const bad[] = { "", "Z", "26112212Z", "261322123000Z", "261131123000Z", "261122243000Z", "261122126000Z",
					   "261122123000Zx", "261122123000+02", "261122123000+2400", "261122123000.Z", "010229000000Z",
					   "26112212300/Z" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_time_text(0x17, bad[i], INT64_MIN);
	assert_time("0500", INT64_MIN);
	assert_time_text(0x18, "19000229000000Z", INT64_MIN);
}

static void no_truncation_is_read_past_its_end(void **state)
{
	const char *const dns[] = { "www.example.com", "B\xc3\xbc" "cher.example", "192.0.2.1", NULL };
	struct fixture f = fixture_of(&(struct cert_build){ .cn = "www.example.com", .dns = dns });

	(void)state;
	for (size_t len = 0; len < f.der.len; len++) {
		uint8_t *exact = xmalloc(len == 0 ? 1 : len);

		memcpy(exact, f.der.data, len);
		assert_false(cert_scan(slice_of(exact, len), &f.view, &f.err));
		assert_int_equal(f.err.kind, ERR_MALFORMED);
		/* the TBS alone may already be whole */
		if (len > 4 && cert_scan_tbs(slice_of(exact + 4, len - 4), &f.view, &f.err))
			names_collect(&f.view, &f.names, &f.err);
		free(exact);
	}
	fixture_end(&f);
}

static void no_cut_inside_is_read_past_its_end(void **state)
{
	const char *const dns[] = { "www.example.com", "b.example", NULL };
	struct fixture f = fixture_of(&(struct cert_build){ .cn = "www.example.com", .dns = dns });

	(void)state;
	/* every byte in turn claims another length or tag; whatever comes out lies inside */
	for (size_t at = 0; at < f.der.len; at++) {
		static const uint8_t values[] = { 0x00, 0x01, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xa3, 0xff };
		uint8_t kept = f.der.data[at];

		for (size_t v = 0; v < sizeof(values); v++) {
			f.der.data[at] = values[v];
			fixture_read(&f);
			for (size_t i = 0; f.scanned && i < f.names.n; i++)
				assert_true(f.names.items[i].text.len <= NAME_TEXT_MAX);
		}
		f.der.data[at] = kept;
	}
	fixture_end(&f);
}

static void deep_indefinite_lengths_are_refused(void **state)
{
	struct buf der;
	struct cert_view view;
	struct error err;

	(void)state;
	buf_init(&der, BYTES_MAX);
	for (size_t i = 0; i < 1000000; i++)
		buf_append(&der, "\x30\x80", 2);
	for (size_t i = 0; i < 1000000; i++)
		buf_append(&der, "\0\0", 2);
	assert_false(cert_scan(buf_slice(&der), &view, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	buf_deinit(&der);
}

static void a_failure_leaves_the_view_as_it_was(void **state)
{
	struct cert_view view, before;
	struct error err;

	(void)state;
	memset(&view, 0x5a, sizeof(view));
	before = view;
	assert_false(cert_scan(SLICE_LITERAL("\x30\x02\x30\x00"), &view, &err));
	assert_memory_equal(&view, &before, sizeof(view));
	assert_non_null(strstr(err.text, "serial number"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_certificate_gives_all_its_fields),
		cmocka_unit_test(plain_names_borrow_from_the_certificate),
		cmocka_unit_test(names_in_the_arena_survive_its_growth),
		cmocka_unit_test(a_list_is_used_again_without_remembering),
		cmocka_unit_test(sans_of_every_odd_shape_are_read),
		cmocka_unit_test(what_was_read_before_a_break_is_kept),
		cmocka_unit_test(every_san_counts_where_there_are_several),
		cmocka_unit_test(a_san_in_several_ber_pieces_is_joined),
		cmocka_unit_test(common_names_of_all_string_types_are_read),
		cmocka_unit_test(several_common_names_count),
		cmocka_unit_test(a_subject_that_breaks_off_is_said_to),
		cmocka_unit_test(tag_numbers_in_the_long_form_hide_no_name),
		cmocka_unit_test(what_is_not_understood_where_names_stand_counts_as_missing),
		cmocka_unit_test(an_rdn_without_attributes_hides_nothing),
		cmocka_unit_test(the_extensions_are_found_behind_any_identifier_or_said_to_be_missing),
		cmocka_unit_test(version_1_has_no_version_and_no_extensions),
		cmocka_unit_test(a_bare_tbs_reads_as_its_certificate),
		cmocka_unit_test(times_of_all_forms_are_read),
		cmocka_unit_test(times_that_do_not_exist_stay_unknown),
		cmocka_unit_test(no_truncation_is_read_past_its_end),
		cmocka_unit_test(no_cut_inside_is_read_past_its_end),
		cmocka_unit_test(deep_indefinite_lengths_are_refused),
		cmocka_unit_test(a_failure_leaves_the_view_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
