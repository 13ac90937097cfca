/* Weeks and times of day in time zones: ctwatch/report/range.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "report_weeks.h"
#include "temp_state.h"

#define HOUR_MS INT64_C(3600000)

static bool have_zones(void)
{
	return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0;
}

static void expect_week(const char *timezone, int year, int week, const char *since, const char *until)
{
	int64_t since_ms, until_ms;
	char text[TIME_TEXT_LEN];
	struct error err;

	if (!report_week_range(timezone, year, week, &since_ms, &until_ms, &err))
		fail_msg("%s", err.text);
	assert_string_equal(time_format_rfc3339(since_ms, text), since);
	assert_string_equal(time_format_rfc3339(until_ms, text), until);
}

static void a_week_runs_from_monday_to_monday(void **state)
{
	(void)state;
	expect_week(NULL, 2026, 47, "2026-11-16T00:00:00.000Z", "2026-11-23T00:00:00.000Z");
	expect_week("UTC", 2026, 1, "2025-12-29T00:00:00.000Z", "2026-01-05T00:00:00.000Z");
	expect_week("", 2024, 9, "2024-02-26T00:00:00.000Z", "2024-03-04T00:00:00.000Z");
}

static void only_long_years_have_a_week_53(void **state)
{
	int64_t since_ms, until_ms;
	struct error err;

	(void)state;
	expect_week("UTC", 2026, 53, "2026-12-28T00:00:00.000Z", "2027-01-04T00:00:00.000Z");
	expect_week("UTC", 2020, 53, "2020-12-28T00:00:00.000Z", "2021-01-04T00:00:00.000Z");
	assert_false(report_week_range("UTC", 2025, 53, &since_ms, &until_ms, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "2025-W53"));
	assert_false(report_week_range("UTC", 2026, 0, &since_ms, &until_ms, &err));
	assert_false(report_week_range("UTC", 2026, 54, &since_ms, &until_ms, &err));
	assert_false(report_week_range("UTC", 2026, -1, &since_ms, &until_ms, &err));
	assert_false(report_week_range("UTC", 1, 1, &since_ms, &until_ms, &err));
	assert_false(report_week_range("UTC", 9999, 1, &since_ms, &until_ms, &err));
}

static void weeks_in_which_clocks_change_are_an_hour_longer_or_shorter(void **state)
{
	(void)state;
	if (!have_zones())
		skip();
	expect_week("Europe/Berlin", 2026, 47, "2026-11-15T23:00:00.000Z", "2026-11-22T23:00:00.000Z");
	expect_week("Europe/Berlin", 2026, 13, "2026-03-22T23:00:00.000Z", "2026-03-29T22:00:00.000Z");
	expect_week("Europe/Berlin", 2026, 43, "2026-10-18T22:00:00.000Z", "2026-10-25T23:00:00.000Z");
	expect_week("America/New_York", 2026, 10, "2026-03-02T05:00:00.000Z", "2026-03-09T04:00:00.000Z");
	expect_week("America/New_York", 2026, 44, "2026-10-26T04:00:00.000Z", "2026-11-02T05:00:00.000Z");
	/* far after the last transition that files list: the rule at their end */
	expect_week("Europe/Berlin", 2099, 13, "2099-03-22T23:00:00.000Z", "2099-03-29T22:00:00.000Z");
	/* the southern half of the year, half an hour of summer time, and zones without any */
	expect_week("Australia/Lord_Howe", 2026, 14, "2026-03-29T13:00:00.000Z", "2026-04-05T13:30:00.000Z");
	expect_week("Australia/Lord_Howe", 2026, 40, "2026-09-27T13:30:00.000Z", "2026-10-04T13:00:00.000Z");
	expect_week("Asia/Kathmandu", 2026, 47, "2026-11-15T18:15:00.000Z", "2026-11-22T18:15:00.000Z");
}

/* The C library knows zones too: weeks of all its years agree with it. */
static void every_week_agrees_with_the_c_library(void **state)
{
	static const char *const zones[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "Europe/Dublin", "Africa/Casablanca",
					     "America/Nuuk", "Asia/Tokyo", "Pacific/Apia", "UTC" };

	(void)state;
	if (!have_zones())
		skip();
	for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
		setenv("TZ", zones[z], 1);
		tzset();
		for (int year = 2015; year < 2045; year++) {
			for (int week = 1; week <= 52; week++) {
				int64_t since_ms, until_ms;
				struct error err;
				struct tm local;
				time_t second;

				if (!report_week_range(zones[z], year, week, &since_ms, &until_ms, &err))
					fail_msg("%s", err.text);
				second = (time_t)(since_ms / 1000);
				localtime_r(&second, &local);
				if (local.tm_wday != 1 || local.tm_hour != 0 || local.tm_min != 0)
					fail_msg("%s %d-W%02d begins on day %d at %d:%02d", zones[z], year, week, local.tm_wday, local.tm_hour, local.tm_min);
			}
		}
	}
	unsetenv("TZ");
	tzset();
}

static void the_week_before_a_change_of_clocks_begins_on_its_own_monday(void **state)
{
	struct report_options options = { 0 };
	struct error err;

	(void)state;
	if (!have_zones())
		skip();
	assert_true(report_week_options("Europe/Berlin", 2026, 44, &options, &err));
	assert_int_equal(options.since_ms - options.before_ms, 7 * 24 * HOUR_MS + HOUR_MS);
	assert_int_equal(options.until_ms - options.since_ms, 7 * 24 * HOUR_MS);
	assert_true(report_week_options("UTC", 2027, 1, &options, &err));
	assert_int_equal(options.since_ms - options.before_ms, 7 * 24 * HOUR_MS);
}

static void the_last_whole_week_is_that_of_the_zone(void **state)
{
	/* Sunday 23:30 in UTC is Monday in Berlin */
	int64_t now_ms = time_from_civil(2026, 11, 22, 23, 30, 0);
	int year, week;
	struct error err;

	(void)state;
	assert_true(report_last_week("UTC", now_ms, &year, &week, &err));
	assert_int_equal(week, 46);
	assert_int_equal(year, 2026);
	if (!have_zones())
		skip();
	assert_true(report_last_week("Europe/Berlin", now_ms, &year, &week, &err));
	assert_int_equal(week, 47);
	assert_true(report_last_week("America/New_York", now_ms + 5 * HOUR_MS, &year, &week, &err));
	assert_int_equal(week, 46);
	assert_true(report_last_week("UTC", time_from_civil(2027, 1, 5, 0, 0, 0), &year, &week, &err));
	assert_int_equal(year, 2026);
	assert_int_equal(week, 53);
}

static void the_next_time_is_after_now_and_on_the_wall(void **state)
{
	int64_t after_ms = time_from_civil(2026, 11, 23, 6, 0, 0), next_ms;
	struct error err;

	(void)state;
	assert_true(report_next_time("UTC", 0, 7 * 60, after_ms, &next_ms, &err));
	assert_int_equal(next_ms, time_from_civil(2026, 11, 23, 7, 0, 0));
	assert_true(report_next_time("UTC", 0, 7 * 60, next_ms, &next_ms, &err));
	assert_int_equal(next_ms, time_from_civil(2026, 11, 30, 7, 0, 0));
	assert_true(report_next_time("UTC", 6, 0, after_ms, &next_ms, &err));
	assert_int_equal(next_ms, time_from_civil(2026, 11, 29, 0, 0, 0));
	if (!have_zones())
		skip();
	/* it is 07:00 in Berlin already */
	assert_true(report_next_time("Europe/Berlin", 0, 7 * 60, after_ms, &next_ms, &err));
	assert_int_equal(next_ms, time_from_civil(2026, 11, 30, 6, 0, 0));
	/* 02:30 on 29 March 2026 is skipped there; the report is made all the same, that day */
	assert_true(report_next_time("Europe/Berlin", 6, 150, time_from_civil(2026, 3, 28, 0, 0, 0), &next_ms, &err));
	assert_true(next_ms >= time_from_civil(2026, 3, 29, 0, 0, 0) && next_ms < time_from_civil(2026, 3, 29, 3, 0, 0));
}

static void weeks_are_written_in_one_way(void **state)
{
	static const char *const bad[] = { "2026W47", "2026-47", "2026-W7", "26-W47", "2026-W47x", "2026-w47", "", "-026-W47", "2026-W-1", "2026-W 7" };
	int year, week;

	(void)state;
	assert_true(report_week_parse("2026-W47", &year, &week));
	assert_int_equal(year, 2026);
	assert_int_equal(week, 47);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t since_ms, until_ms;
		struct error err;

		if (report_week_parse(bad[i], &year, &week) && report_week_range(NULL, year, week, &since_ms, &until_ms, &err))
			fail_msg("'%s' was taken as week %d of %d", bad[i], week, year);
	}
}

static void hostile_names_of_zones_are_refused(void **state)
{
	static const char *const bad[] = { "../../etc/passwd", "/etc/localtime", "Europe/../../../etc/passwd", "Europe", "No/Such", "posixrules/x", ".",
					   "Europe/Berlin\n", "zone.tab", "tzdata.zi",
					   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };
	int64_t since_ms, until_ms;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (report_week_range(bad[i], 2026, 47, &since_ms, &until_ms, &err))
			fail_msg("'%s' was taken as a zone", bad[i]);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, "Europe/Berlin"));
	}
}

/* ---- zone files that are not what they should be ------------------------------------------------------------------ */

static struct buf read_zone(const char *path)
{
	struct buf bytes;
	FILE *in = fopen(path, "rbe");
	char part[4096];
	size_t n;

	assert_non_null(in);
	buf_init(&bytes, 1u << 20);
	while ((n = fread(part, 1, sizeof(part), in)) > 0)
		assert_true(buf_append(&bytes, part, n));
	fclose(in);
	return bytes;
}

/* What it says of the week does not matter: it must refuse it or answer, and read nothing beyond its end. */
static void try_zone(struct slice bytes)
{
	/* a copy of its own, so that a byte too far is seen */
	uint8_t *copy = xmalloc(bytes.len + (bytes.len == 0));
	int64_t offset_s;

	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	for (int64_t second = -1; second < INT64_C(5000000000); second += INT64_C(499999999))
		if (report_zone_offset(slice_of(copy, bytes.len), second, &offset_s))
			assert_true(offset_s >= INT32_MIN && offset_s <= INT32_MAX);
	free(copy);
}

static void every_truncation_of_a_zone_file_is_refused_or_read_within_its_bytes(void **state)
{
	(void)state;
	if (!have_zones())
		skip();
	struct buf bytes = read_zone("/usr/share/zoneinfo/Europe/Berlin");
	int64_t offset_s;

	assert_true(report_zone_offset(buf_slice(&bytes), time_from_civil(2026, 7, 1, 0, 0, 0) / 1000, &offset_s));
	assert_int_equal(offset_s, 7200);
	for (size_t len = 0; len < bytes.len; len++)
		try_zone(slice_of(bytes.data, len));
	/* and every byte of its headers and rule turned into others */
	for (size_t i = 0; i < bytes.len; i++) {
		const uint8_t was = bytes.data[i];

		for (unsigned value = 0; value < 256; value += 51) {
			bytes.data[i] = (uint8_t)value;
			try_zone(buf_slice(&bytes));
		}
		bytes.data[i] = was;
	}
	buf_deinit(&bytes);
}

static int64_t at(int month, int day, int hour)
{
	return time_from_civil(2026, month, day, hour, 0, 0);
}

static char *made(char *weeks, const char *week, int64_t now_ms)
{
	char *with = report_weeks_add(weeks, week, now_ms);

	free(weeks);
	return with;
}

static void a_report_is_made_once_whatever_the_clock_is_set_to(void **state)
{
	char *weeks = made(made(NULL, "2026-W46", at(11, 16, 7)), "2026-W47", at(11, 23, 8));

	(void)state;
	assert_false(report_week_is_first(weeks, "2026-W47"));
	assert_false(report_week_is_owed(weeks, "2026-W47", at(11, 23, 9)));
	/* two hours back, to before it was due; and to the week before */
	assert_false(report_week_is_owed(weeks, "2026-W47", at(11, 23, 6)));
	assert_false(report_week_is_owed(weeks, "2026-W46", at(11, 22, 23)));
	assert_true(report_week_is_owed(weeks, "2026-W48", at(11, 30, 7)));
	/* the clock was days ahead: that week was not over, and its report is owed when it is */
	weeks = made(weeks, "2026-W48", at(12, 2, 12));
	assert_false(report_week_is_owed(weeks, "2026-W47", at(11, 26, 12)));
	assert_true(report_week_is_owed(weeks, "2026-W48", at(11, 30, 7)));
	weeks = made(weeks, "2026-W48", at(11, 30, 7));
	assert_false(report_week_is_owed(weeks, "2026-W48", at(12, 2, 12)));
	free(weeks);
	/* as earlier versions wrote it */
	assert_false(report_week_is_owed("2026-W47", "2026-W47", at(11, 23, 6)));
}

static void a_first_start_under_a_clock_of_1970_owes_nothing_for_the_weeks_before(void **state)
{
	char *weeks = made(NULL, "1969-W52", 3600000);

	(void)state;
	assert_true(report_week_is_first(NULL, "2026-W47"));
	assert_false(report_week_is_owed(weeks, "1970-W01", 7 * 86400000));
	assert_false(report_week_is_first(weeks, "1970-W01"));
	assert_true(report_week_is_first(weeks, "2026-W47"));
	weeks = made(weeks, "2026-W47", at(11, 26, 12));
	assert_false(report_week_is_owed(weeks, "2026-W47", at(11, 26, 13)));
	assert_true(report_week_is_owed(weeks, "2026-W48", at(11, 30, 7)));
	free(weeks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_made_once_whatever_the_clock_is_set_to),
		cmocka_unit_test(a_first_start_under_a_clock_of_1970_owes_nothing_for_the_weeks_before),
		cmocka_unit_test(a_week_runs_from_monday_to_monday),
		cmocka_unit_test(only_long_years_have_a_week_53),
		cmocka_unit_test(weeks_in_which_clocks_change_are_an_hour_longer_or_shorter),
		cmocka_unit_test(every_week_agrees_with_the_c_library),
		cmocka_unit_test(the_week_before_a_change_of_clocks_begins_on_its_own_monday),
		cmocka_unit_test(the_last_whole_week_is_that_of_the_zone),
		cmocka_unit_test(the_next_time_is_after_now_and_on_the_wall),
		cmocka_unit_test(weeks_are_written_in_one_way),
		cmocka_unit_test(hostile_names_of_zones_are_refused),
		cmocka_unit_test(every_truncation_of_a_zone_file_is_refused_or_read_within_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
