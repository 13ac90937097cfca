/* Civil time in the proleptic Gregorian calendar, RFC 3339, ISO 8601 weeks. No clock is read here. */
#include "base.h"

#include <inttypes.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)

/* Days since 1970-01-01; years start in March, so that the leap day comes last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second)
{
	return days_from_civil(year, month, day) * DAY_MS + ((hour * INT64_C(60) + minute) * 60 + second) * 1000;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

void time_to_civil(int64_t time_ms, int *year, int *month, int *day, int *hour, int *minute, int *second, int *ms)
{
	int64_t days = floor_div(time_ms, DAY_MS);
	int64_t rest = time_ms - days * DAY_MS;

	*ms = (int)(rest % 1000);
	*second = (int)(rest / 1000 % 60);
	*minute = (int)(rest / 60000 % 60);
	*hour = (int)(rest / 3600000);

	days += 719468;
	int64_t era = floor_div(days, 146097);
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

char *time_format_rfc3339(int64_t time_ms, char out[TIME_TEXT_LEN])
{
	const int64_t first = time_from_civil(0, 1, 1, 0, 0, 0);
	const int64_t last = time_from_civil(10000, 1, 1, 0, 0, 0) - 1;
	int year, month, day, hour, minute, second, ms;

	time_ms = time_ms < first ? first : time_ms > last ? last : time_ms;
	time_to_civil(time_ms, &year, &month, &day, &hour, &minute, &second, &ms);
	snprintf(out, TIME_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000, (unsigned)month % 100,
		 (unsigned)day % 100, (unsigned)hour % 100, (unsigned)minute % 100, (unsigned)second % 100, (unsigned)ms % 1000);
	return out;
}

/* Exactly `n` digits from the front. */
static bool take_digits(struct slice *in, size_t n, int *out)
{
	int value = 0;

	if (in->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (in->data[i] < '0' || in->data[i] > '9')
			return false;
		value = value * 10 + (in->data[i] - '0');
	}
	*in = slice_sub(*in, n, in->len);
	*out = value;
	return true;
}

static bool take_char(struct slice *in, char c)
{
	if (in->len == 0 || in->data[0] != (uint8_t)c)
		return false;
	*in = slice_sub(*in, 1, in->len);
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

bool time_parse_rfc3339(struct slice in, int64_t *time_ms)
{
	int year, month, day, hour = 0, minute = 0, second = 0, offset_hour = 0, offset_minute = 0;
	int64_t fraction_ms = 0, sign = 0;

	if (!take_digits(&in, 4, &year) || !take_char(&in, '-') || !take_digits(&in, 2, &month) || !take_char(&in, '-') ||
	    !take_digits(&in, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	if (in.len > 0) {
		if (!take_char(&in, 'T') && !take_char(&in, 't') && !take_char(&in, ' '))
			return false;
		if (!take_digits(&in, 2, &hour) || !take_char(&in, ':') || !take_digits(&in, 2, &minute) || !take_char(&in, ':') ||
		    !take_digits(&in, 2, &second))
			return false;
		if (take_char(&in, '.')) {
			int digit, weight = 100, n = 0;

			for (; take_digits(&in, 1, &digit); n++, weight /= 10)
				fraction_ms += digit * weight;
			if (n == 0)
				return false;
		}
		if (!take_char(&in, 'Z') && !take_char(&in, 'z')) {
			sign = take_char(&in, '+') ? 1 : take_char(&in, '-') ? -1 : 0;
			if (sign == 0 || !take_digits(&in, 2, &offset_hour) || !take_char(&in, ':') || !take_digits(&in, 2, &offset_minute))
				return false;
		}
		if (in.len != 0 || hour > 23 || minute > 59 || second > 60 || offset_hour > 23 || offset_minute > 59)
			return false;
	}
	*time_ms = time_from_civil(year, month, day, hour, minute, second) + fraction_ms -
		   sign * (offset_hour * INT64_C(60) + offset_minute) * 60000;
	return true;
}

bool duration_parse(struct slice text, int64_t *duration_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 },	   { "s", 1000 },	  { "m", 60000 },	     { "h", 3600000 },
		      { "d", DAY_MS }, { "w", 7 * DAY_MS }, { "y", 365 * DAY_MS } };
	size_t digits = 0;
	uint64_t n;
	int64_t result;

	while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
		digits++;
	if (!uint64_parse(slice_sub(text, 0, digits), &n) || n > INT64_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!slice_equal_text(slice_sub(text, digits, text.len), units[i].unit))
			continue;
		if (__builtin_mul_overflow((int64_t)n, units[i].ms, &result))
			return false;
		*duration_ms = result;
		return true;
	}
	return false;
}

void time_iso_week(int64_t time_ms, int *iso_year, int *iso_week)
{
	int64_t days = floor_div(time_ms, DAY_MS);
	/* 1970-01-01 was a Thursday; the ISO week belongs to the year of its Thursday */
	int64_t monday = days - ((days + 3) % 7 + 7) % 7;
	int64_t thursday = monday + 3;
	int year, month, day, hour, minute, second, ms;

	time_to_civil(thursday * DAY_MS, &year, &month, &day, &hour, &minute, &second, &ms);
	*iso_year = year;
	*iso_week = (int)((thursday - days_from_civil(year, 1, 1)) / 7) + 1;
}

char *duration_format(int64_t ms, char out[TIME_TEXT_LEN])
{
	int64_t s = ms / 1000;

	if (s < 0)
		snprintf(out, TIME_TEXT_LEN, "0 s");
	else if (s < 60)
		snprintf(out, TIME_TEXT_LEN, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(out, TIME_TEXT_LEN, "%" PRId64 " min", s / 60);
	else if (s < 2 * 86400)
		snprintf(out, TIME_TEXT_LEN, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(out, TIME_TEXT_LEN, "%" PRId64 " days", s / 86400);
	return out;
}
