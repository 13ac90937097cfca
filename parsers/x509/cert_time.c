/*
 * Validity times as certificates in logs write them: UTCTime without seconds or with an offset, GeneralizedTime with a
 * fraction, without minutes, without any zone. Unreadable ones are allowed to stay unknown (spec 6.1).
 */
#include "x509.h"
#include "cert.h"

static bool take_digits(struct slice *in, size_t n, int *out)
{
	int value = 0;

	if (in->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = in->data[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		value = value * 10 + (int)digit;
	}
	*in = slice_sub(*in, n, in->len);
	*out = value;
	return true;
}

/* ".5" or ",5": whole milliseconds, further digits are dropped. */
static bool take_fraction(struct slice *in, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (in->len == 0 || (in->data[0] != '.' && in->data[0] != ','))
		return true;
	size_t n = 1;
	for (; n < in->len && in->data[n] >= '0' && in->data[n] <= '9'; n++) {
		*ms += (in->data[n] - '0') * scale;
		scale /= 10;
	}
	if (n == 1)
		return false;
	*in = slice_sub(*in, n, in->len);
	return true;
}

/* "Z", "+hhmm", "-hhmm" or nothing, then the end. */
static bool take_zone(struct slice *in, int *offset_minutes)
{
	int hours, minutes;

	*offset_minutes = 0;
	if (in->len == 0)
		return true;
	uint8_t sign = in->data[0];
	*in = slice_sub(*in, 1, in->len);
	if (sign == 'Z')
		return in->len == 0;
	if ((sign != '+' && sign != '-') || !take_digits(in, 2, &hours) || !take_digits(in, 2, &minutes) || in->len != 0 ||
	    hours > 23 || minutes > 59)
		return false;
	*offset_minutes = (hours * 60 + minutes) * (sign == '+' ? 1 : -1);
	return true;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool day_exists(int year, int month, int day)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && is_leap(year));
}

int64_t cert_time_parse(uint8_t tag, struct slice in)
{
	int year, month, day, hour, minute = 0, second = 0, ms = 0, offset;
	bool general = tag == DER_GENERALIZED_TIME;

	if ((!general && tag != DER_UTC_TIME) || !take_digits(&in, general ? 4 : 2, &year))
		return INT64_MIN;
	if (!general)
		year += year < 50 ? 2000 : 1900;        /* RFC 5280 section 4.1.2.5.1 */
	if (!take_digits(&in, 2, &month) || !take_digits(&in, 2, &day) || !take_digits(&in, 2, &hour))
		return INT64_MIN;
	if (take_digits(&in, 2, &minute))
		take_digits(&in, 2, &second);
	else if (!general)
		return INT64_MIN;
	if (!take_fraction(&in, &ms) || !take_zone(&in, &offset))
		return INT64_MIN;
	if (!day_exists(year, month, day) || hour > 23 || minute > 59 || second > 60)
		return INT64_MIN;
	return time_from_civil(year, month, day, hour, minute, second) + ms - (int64_t)offset * 60000;
}
