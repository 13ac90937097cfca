/*
 * Weeks and times of day in a time zone. The C library knows zones only through the process's TZ, which is not ours to
 * change under other threads; glibc's files are read here instead (TZif, RFC 8536), with the rule behind their last
 * transition (POSIX TZ string) for the years that matter.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ct.h"

#define ZONE_FILE_MAX (256u << 10)
#define DAY_MS INT64_C(86400000)

struct zone {
	struct buf file;
	size_t n_times, n_types, n_chars;
	const uint8_t *times, *indexes, *types;
	char footer[128];                 /* POSIX TZ string; empty: UTC for ever */
};

static int64_t big_endian(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[i];
	return len == 4 ? (int32_t)value : (int64_t)value;
}

/* One header's six counts (RFC 8536 section 3.1) in the order of the file. */
struct counts {
	size_t isut, isstd, leap, time, type, chars;
};

static bool take_header(struct slice *in, struct counts *out)
{
	struct slice head;

	if (!take_bytes(in, 44, &head) || memcmp(head.data, "TZif", 4) != 0)
		return false;
	size_t n[6];
	for (size_t i = 0; i < 6; i++)
		n[i] = (size_t)(uint32_t)big_endian(head.data + 20 + 4 * i, 4);
	*out = (struct counts){ n[0], n[1], n[2], n[3], n[4], n[5] };
	/* far above any real file, far below overflow */
	return n[0] < 65536 && n[1] < 65536 && n[2] < 65536 && n[3] < 65536 && n[4] > 0 && n[4] < 256 && n[5] < 65536;
}

static bool parse_zone(struct zone *zone)
{
	struct slice in = buf_slice(&zone->file), skipped, times, indexes, types;
	struct counts c;

	/* version 1's block has 32-bit times: skipped */
	if (!take_header(&in, &c) || !take_bytes(&in, c.time * 5 + c.type * 6 + c.chars + c.leap * 8 + c.isstd + c.isut, &skipped))
		return false;
	if (!take_header(&in, &c) || !take_bytes(&in, c.time * 8, &times) || !take_bytes(&in, c.time, &indexes) || !take_bytes(&in, c.type * 6, &types) ||
	    !take_bytes(&in, c.chars + c.leap * 12 + c.isstd + c.isut, &skipped))
		return false;
	for (size_t i = 0; i < c.time; i++)
		if (indexes.data[i] >= c.type)
			return false;
	zone->n_times = c.time;
	zone->n_types = c.type;
	zone->times = times.data;
	zone->indexes = indexes.data;
	zone->types = types.data;
	if (in.len >= 2 && in.data[0] == '\n' && in.len - 2 < sizeof(zone->footer)) {
		memcpy(zone->footer, in.data + 1, in.len - 2);
		zone->footer[in.len - 2] = '\0';
	}
	return true;
}

/* ---- the rule after the last transition: "CET-1CEST,M3.5.0,M10.5.0/3" ---------------------------------- */

struct change {
	int month, week, weekday, second;     /* of Mm.w.d/time */
};

static const char *skip_name(const char *at)
{
	if (*at == '<') {
		const char *end = strchr(at, '>');

		return end != NULL ? end + 1 : at + strlen(at);
	}
	while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))
		at++;
	return at;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static const char *read_clock(const char *at, int *seconds)
{
	int sign = *at == '-' ? -1 : 1, parts[3] = { 0, 0, 0 };

	at += *at == '-' || *at == '+';
	for (size_t i = 0; i < 3; i++) {
		while (*at >= '0' && *at <= '9' && parts[i] < 1000)
			parts[i] = parts[i] * 10 + (*at++ - '0');
		if (*at != ':')
			break;
		at++;
	}
	*seconds = sign * ((parts[0] * 60 + parts[1]) * 60 + parts[2]);
	return at;
}

static const char *read_change(const char *at, struct change *out)
{
	int used = 0;

	out->second = 7200;
	if (sscanf(at, ",M%2d.%1d.%1d%n", &out->month, &out->week, &out->weekday, &used) != 3 || out->month < 1 || out->month > 12)
		return NULL;
	at += used;
	return *at == '/' ? read_clock(at + 1, &out->second) : at;
}

/* The moment, in local seconds since 1970, at which a change happens in a year. */
static int64_t change_second(const struct change *change, int year)
{
	int64_t first = time_from_civil(year, change->month, 1, 0, 0, 0) / 1000;
	int64_t days = first / 86400;
	int first_weekday = (int)(((days + 4) % 7 + 7) % 7);          /* 0 Sunday, as in POSIX */
	int day = 1 + (change->weekday - first_weekday + 7) % 7 + 7 * (change->week - 1);
	int64_t next_month = (change->month == 12 ? time_from_civil(year + 1, 1, 1, 0, 0, 0) : time_from_civil(year, change->month + 1, 1, 0, 0, 0)) / 1000;

	while (first + (day - 1) * INT64_C(86400) >= next_month)
		day -= 7;
	return first + (day - 1) * INT64_C(86400) + change->second;
}

static int rule_offset(const char *rule, int64_t utc_second)
{
	int standard, summer, year, month, day, hour, minute, second, ms;
	struct change begin, end;
	const char *at = read_clock(skip_name(rule), &standard);

	standard = -standard;             /* POSIX counts west of Greenwich */
	if (*at == '\0' || *at == ',')
		return standard;
	at = skip_name(at);
	summer = standard + 3600;
	if (*at != ',' && *at != '\0') {
		at = read_clock(at, &summer);
		summer = -summer;
	}
	at = read_change(at, &begin);
	if (at == NULL || read_change(at, &end) == NULL)
		return standard;
	time_to_civil((utc_second + standard) * 1000, &year, &month, &day, &hour, &minute, &second, &ms);
	int64_t from = change_second(&begin, year) - standard, to = change_second(&end, year) - summer;
	bool is_summer = from < to ? utc_second >= from && utc_second < to : utc_second >= from || utc_second < to;
	return is_summer ? summer : standard;
}

/* Seconds east of Greenwich. */
static int zone_offset(const struct zone *zone, int64_t utc_second)
{
	size_t low = 0, high = zone->n_times;

	if (zone->types == NULL)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (big_endian(zone->times + 8 * middle, 8) <= utc_second)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->n_times && zone->footer[0] != '\0')
		return rule_offset(zone->footer, utc_second);
	return (int)big_endian(zone->types + 6 * (low == 0 ? 0 : zone->indexes[low - 1]), 4);
}

static bool zone_load(const char *name, struct zone *out, struct error *err)
{
	*out = (struct zone){ 0 };
	buf_init(&out->file, ZONE_FILE_MAX);
	if (name == NULL || name[0] == '\0' || strcmp(name, "UTC") == 0)
		return true;
	bool plain = name[0] != '/' && name[0] != '.' && strstr(name, "..") == NULL && strlen(name) < 64;
	char *path = plain ? xasprintf("/usr/share/zoneinfo/%s", name) : NULL;
	bool ok = plain && file_read(path, ZONE_FILE_MAX, &out->file, err) && parse_zone(out);

	free(path);
	if (!ok) {
		buf_deinit(&out->file);
		return error_set(err, ERR_USAGE, "there is no time zone \"%.60s\" here: give an IANA name such as \"Europe/Berlin\" (Debian's package tzdata has them)", name);
	}
	return true;
}

bool report_zone_offset(struct slice file, int64_t utc_second, int64_t *offset_s)
{
	struct zone zone = { 0 };

	buf_init(&zone.file, ZONE_FILE_MAX);
	bool ok = buf_append_slice(&zone.file, file) && parse_zone(&zone);
	if (ok)
		*offset_s = zone_offset(&zone, utc_second);
	buf_deinit(&zone.file);
	return ok;
}

/* Local wall clock to UTC; in the hour that a change skips or repeats, the earlier reading. */
static int64_t zone_to_utc(const struct zone *zone, int64_t local_ms)
{
	int64_t guess = local_ms - zone_offset(zone, local_ms / 1000) * INT64_C(1000);

	return local_ms - zone_offset(zone, guess / 1000) * INT64_C(1000);
}

/* ---- weeks ------------------------------------------------------------------------------------------------ */

static int64_t week_monday(int iso_year, int iso_week)
{
	int64_t january_4th = time_from_civil(iso_year, 1, 4, 0, 0, 0) / DAY_MS;       /* always in week 1 */
	int64_t monday = january_4th - ((january_4th + 3) % 7 + 7) % 7;

	return (monday + (iso_week - 1) * INT64_C(7)) * DAY_MS;
}

bool report_week_parse(const char *text, int *iso_year, int *iso_week)
{
	static const char shape[] = "0000-W00";

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	return sscanf(text, "%4d-W%2d", iso_year, iso_week) == 2;
}

bool report_week_range(const char *timezone, int iso_year, int iso_week, int64_t *since_ms, int64_t *until_ms, struct error *err)
{
	int64_t monday = week_monday(iso_year, iso_week);
	struct zone zone;
	int year, week;

	time_iso_week(monday, &year, &week);
	if (iso_week < 1 || year != iso_year || week != iso_week || iso_year < 1971 || iso_year > 2200)
		return error_set(err, ERR_USAGE, "there is no week %d-W%02d", iso_year, iso_week);
	if (!zone_load(timezone, &zone, err))
		return false;
	*since_ms = zone_to_utc(&zone, monday);
	*until_ms = zone_to_utc(&zone, monday + 7 * DAY_MS);
	buf_deinit(&zone.file);
	return true;
}

bool report_week_options(const char *timezone, int iso_year, int iso_week, struct report_options *out, struct error *err)
{
	int64_t since = 0, until = 0, before = 0, ends = 0;
	int year, week;

	if (!report_week_range(timezone, iso_year, iso_week, &since, &until, err))
		return false;
	/* a week in which clocks change is an hour longer or shorter than the one before */
	time_iso_week(week_monday(iso_year, iso_week) - 7 * DAY_MS, &year, &week);
	if (!report_week_range(timezone, year, week, &before, &ends, err))
		return false;
	out->since_ms = since;
	out->until_ms = until;
	out->before_ms = before;
	return true;
}

bool report_last_week(const char *timezone, int64_t now_ms, int *iso_year, int *iso_week, struct error *err)
{
	struct zone zone;

	if (!zone_load(timezone, &zone, err))
		return false;
	int64_t local = now_ms + zone_offset(&zone, now_ms / 1000) * INT64_C(1000);
	time_iso_week(local - 7 * DAY_MS, iso_year, iso_week);
	buf_deinit(&zone.file);
	return true;
}

bool report_next_time(const char *timezone, int weekday, int minute, int64_t after_ms, int64_t *out_ms, struct error *err)
{
	struct zone zone;

	if (!zone_load(timezone, &zone, err))
		return false;
	int64_t local = after_ms + zone_offset(&zone, after_ms / 1000) * INT64_C(1000);
	int64_t day = local / DAY_MS;
	int64_t today = ((day + 3) % 7 + 7) % 7;
	int64_t wanted = day + (weekday - today + 7) % 7;

	/* at most one week on: today's may be over, or fall into an hour that a change skipped */
	do {
		*out_ms = zone_to_utc(&zone, wanted * DAY_MS + minute * INT64_C(60000));
		wanted += 7;
	} while (*out_ms <= after_ms);
	buf_deinit(&zone.file);
	return true;
}
