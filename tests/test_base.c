/* base/: the small things that everything else trusts. */
#include "base.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void buf_refuses_to_pass_its_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_true(buf_append_text(&b, "12345678"));
	assert_false(buf_append_text(&b, "abc"));
	assert_int_equal(b.len, 8);
	assert_true(buf_printf(&b, "%s", "90"));
	assert_string_equal(buf_text(&b), "1234567890");
	buf_deinit(&b);
}

static void error_reads_from_the_outside_in(void **state)
{
	struct error err;

	(void)state;
	assert_false(error_set(&err, ERR_MALFORMED, "SAN runs %d bytes past its end", 12));
	assert_false(error_context(&err, "entry %d", 1203));
	assert_string_equal(err.text, "entry 1203: SAN runs 12 bytes past its end");
	char long_text[600];
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	error_context(&err, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void base64_is_strict(void **state)
{
	static const char *const bad[] = { "A", "AA", "AAA", "AA==A", "AB==", "AAB=", "A===", "====", "AA= ", " AAA", "AA\n=", "AA-_", "=AAA", "AA=A" };
	static const struct {
		const char *text, *bytes;
	} good[] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYmFy", "foobar" } };
	uint8_t out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(base64_decode(slice_text(bad[i]), out, &len));
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char back[64];

		assert_true(base64_decode(slice_text(good[i].text), out, &len));
		assert_int_equal(len, strlen(good[i].bytes));
		assert_memory_equal(out, good[i].bytes, len);
		base64_encode(out, len, back);
		assert_string_equal(back, good[i].text);
	}
}

static void base32_matches_the_rfc(void **state)
{
	char out[32];

	(void)state;
	base32_encode("foobar", 6, out);
	assert_string_equal(out, "mzxw6ytboi");
	base32_encode("f", 1, out);
	assert_string_equal(out, "my");
}

static void times_round_trip_and_refuse_nonsense(void **state)
{
	static const char *const bad[] = { "", "2026", "2026-13-01", "2026-02-29", "2026-01-01T", "2026-01-01T00:00:00", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00Zx" };
	char text[TIME_TEXT_LEN];
	int64_t t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(time_parse_rfc3339(slice_text(bad[i]), &t));
	assert_true(time_parse_rfc3339(slice_text("2026-11-22T08:15:30.123Z"), &t));
	assert_string_equal(time_format_rfc3339(t, text), "2026-11-22T08:15:30.123Z");
	assert_true(time_parse_rfc3339(slice_text("2026-11-22T10:15:30+02:00"), &t));
	assert_string_equal(time_format_rfc3339(t, text), "2026-11-22T08:15:30.000Z");
	assert_true(time_parse_rfc3339(slice_text("1969-12-31"), &t));
	assert_int_equal(t, -86400000);
	assert_string_equal(time_format_rfc3339(t, text), "1969-12-31T00:00:00.000Z");
	for (int64_t day = -800000; day < 3000000; day += 977) {
		int64_t back;

		time_format_rfc3339(day * 86400000 + 1, text);
		if (time_parse_rfc3339(slice_text(text), &back) && day > -719000 && day < 2932000)
			assert_int_equal(back, day * 86400000 + 1);
	}
}

static void iso_weeks_belong_to_the_year_of_their_thursday(void **state)
{
	static const struct {
		int year, month, day, iso_year, iso_week;
	} cases[] = { { 2026, 11, 23, 2026, 48 }, { 2026, 11, 22, 2026, 47 }, { 2021, 1, 3, 2020, 53 }, { 2024, 12, 30, 2025, 1 }, { 1970, 1, 1, 1970, 1 }, { 2027, 1, 1, 2026, 53 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int year, week;

		time_iso_week(time_from_civil(cases[i].year, cases[i].month, cases[i].day, 12, 0, 0), &year, &week);
		assert_int_equal(year, cases[i].iso_year);
		assert_int_equal(week, cases[i].iso_week);
	}
}

static void durations_need_a_unit(void **state)
{
	int64_t ms;

	(void)state;
	assert_true(duration_parse(slice_text("7d"), &ms));
	assert_int_equal(ms, 7 * 86400000LL);
	assert_true(duration_parse(slice_text("1500ms"), &ms));
	assert_int_equal(ms, 1500);
	assert_false(duration_parse(slice_text("7"), &ms));
	assert_false(duration_parse(slice_text("-7d"), &ms));
	assert_false(duration_parse(slice_text("99999999999999999y"), &ms));
}

static void escaping_leaves_nothing_that_acts_on_a_terminal(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(text_escape(SLICE_LITERAL("a\x1b[31mb\xff"), out, sizeof(out)), "a\\x1b[31mb\\xff");
	assert_string_equal(text_escape(SLICE_LITERAL("x\u202ey"), out, sizeof(out)), "x\\u{202e}y");
	assert_string_equal(text_escape(SLICE_LITERAL("caf\u00e9"), out, sizeof(out)), "caf\u00e9");
	assert_string_equal(text_escape(SLICE_LITERAL("0123456789"), out, 8), "0123...");
	assert_string_equal(text_escape(SLICE_LITERAL("0123456"), out, 8), "0123456");
}

static void utf8_refuses_overlong_surrogate_and_cut_forms(void **state)
{
	(void)state;
	assert_false(utf8_valid(SLICE_LITERAL("\xc0\xaf")));
	assert_false(utf8_valid(SLICE_LITERAL("\xe0\x80\xaf")));
	assert_false(utf8_valid(SLICE_LITERAL("\xed\xa0\x80")));
	assert_false(utf8_valid(SLICE_LITERAL("\xf4\x90\x80\x80")));
	assert_false(utf8_valid(SLICE_LITERAL("\xe2\x82")));
	assert_true(utf8_valid(SLICE_LITERAL("\xf4\x8f\xbf\xbf \xe2\x82\xac")));
}

static void numbers_are_grouped_and_parsed_strictly(void **state)
{
	char out[TIME_TEXT_LEN];
	uint64_t n;

	(void)state;
	assert_string_equal(count_format(1234567, out), "1 234 567");
	assert_string_equal(count_format(999, out), "999");
	assert_string_equal(bytes_format(1536, out), "1.5 kB");
	assert_string_equal(bytes_format(999999, out), "1.0 MB");
	assert_true(uint64_parse(slice_text("18446744073709551615"), &n));
	assert_int_equal(n, UINT64_MAX);
	assert_false(uint64_parse(slice_text("18446744073709551616"), &n));
	assert_false(uint64_parse(slice_text("01"), &n));
	assert_false(uint64_parse(slice_text(""), &n));
}

static void the_nearest_word_is_offered_only_when_it_is_near(void **state)
{
	static const char *const known[] = { "findings", "incidents", "inspect", "check", NULL };

	(void)state;
	assert_string_equal(text_nearest("fidnings", known), "findings");
	assert_string_equal(text_nearest("chek", known), "check");
	assert_null(text_nearest("zebra", known));
	assert_null(text_nearest("", known));
	assert_null(text_nearest("checkcheckcheckcheckcheckcheckcheckcheckcheckcheckcheckcheckcheck", known));
	/* the beginning of a word is that word, unless of two */
	assert_string_equal(text_nearest("f", known), "findings");
	assert_string_equal(text_nearest("INC", known), "incidents");
	assert_null(text_nearest("in", known));
	assert_null(text_nearest_of("check", known, 3));
	assert_null(text_nearest_of("check", known, 0));
}

static void sha256_of_nothing_is_the_known_value(void **state)
{
	struct hash h = sha256(SLICE_LITERAL(""));
	struct slice parts[] = { SLICE_LITERAL("ab"), SLICE_LITERAL("c") };
	struct hash abc = sha256(SLICE_LITERAL("abc"));
	struct hash joined = sha256_parts(parts, 2);
	char hex[65];

	(void)state;
	hex_encode(h.bytes, sizeof(h.bytes), hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(hash_equal(&abc, &joined));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_refuses_to_pass_its_ceiling),
		cmocka_unit_test(error_reads_from_the_outside_in),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(base32_matches_the_rfc),
		cmocka_unit_test(times_round_trip_and_refuse_nonsense),
		cmocka_unit_test(iso_weeks_belong_to_the_year_of_their_thursday),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(escaping_leaves_nothing_that_acts_on_a_terminal),
		cmocka_unit_test(utf8_refuses_overlong_surrogate_and_cut_forms),
		cmocka_unit_test(numbers_are_grouped_and_parsed_strictly),
		cmocka_unit_test(the_nearest_word_is_offered_only_when_it_is_near),
		cmocka_unit_test(sha256_of_nothing_is_the_known_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
