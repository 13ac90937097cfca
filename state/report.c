/* Sums and streams for reports: see state_report.h. */
#include "state_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "json.h"
#include "sql.h"

#define DAY_MS 86400000

static int64_t until_of(const struct state_report_range *range)
{
	return range->until_ms != 0 ? range->until_ms : INT64_MAX;
}

#define RANGE_PARAMS(r) INT((r)->since_ms), INT(until_of(r)), INT((r)->all), INT((r)->exclude_dismissed), INT((r)->min_score)

/* ---- counting ------------------------------------------------------------------------------------------ */

static const enum statement BY_AXIS[N_AXES] = {
	[AXIS_SEVERITY] = SQL_REPORT_BY_SEVERITY,
	[AXIS_KIND] = SQL_REPORT_BY_KIND,
	[AXIS_BRAND] = SQL_REPORT_BY_BRAND,
	[AXIS_RULE] = SQL_REPORT_BY_RULE,
	[AXIS_TECHNIQUE] = SQL_REPORT_BY_TECHNIQUE,
	[AXIS_STATUS] = SQL_REPORT_BY_STATUS,
	[AXIS_DAY] = SQL_REPORT_BY_DAY,
	[AXIS_ISSUER] = SQL_REPORT_BY_ISSUER,
};

static struct state_report_count read_count(const struct rows *rows, const char *key)
{
	return (struct state_report_count){
		.key = key,
		.findings = (uint64_t)rows_int(rows, 1),
		.certificates = (uint64_t)rows_int(rows, 2),
		.sightings = (uint64_t)rows_int(rows, 3),
		.verified = (uint64_t)rows_int(rows, 4),
		.best_score = (int)rows_int(rows, 5),
	};
}

bool state_report_count(struct state *st, enum state_report_axis axis, const struct state_report_range *range, size_t limit,
			state_report_count_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, BY_AXIS[axis], RANGE_PARAMS(range), INT(limit > 0 && limit < INT64_MAX ? limit : INT64_MAX));
	char day[TIME_TEXT_LEN];

	while (rows_next(&rows)) {
		const char *key = rows_text(&rows, 0);

		if (axis == AXIS_DAY) {
			time_format_rfc3339(rows_int(&rows, 0) * DAY_MS, day);
			day[10] = '\0';
			key = day;
		}
		struct state_report_count count = read_count(&rows, key);

		if (!fn(ctx, &count))
			break;
	}
	return rows_close(&rows, err);
}

bool state_report_total(struct state *st, const struct state_report_range *range, struct state_report_count *out, struct error *err)
{
	struct rows rows = ROWS(st, SQL_REPORT_TOTAL, RANGE_PARAMS(range));
	struct state_report_count total = { .key = "" };

	if (rows_next(&rows)) {
		total = read_count(&rows, "");
		total.domains = (uint64_t)rows_int(&rows, 6);
	}
	if (!rows_close(&rows, err))
		return false;
	*out = total;
	return true;
}

/* ---- delay ---------------------------------------------------------------------------------------------- */

/* The smallest value that `percent` of n values do not exceed (nearest rank). */
static uint64_t rank_of(uint64_t n, unsigned percent)
{
	uint64_t rank = (n * percent + 99) / 100;

	return rank > 0 ? rank : 1;
}

bool state_report_finding_delay(struct state *st, const struct state_report_range *range, struct state_report_delay *out, struct error *err)
{
	struct state_report_delay delay = { 0 };
	struct rows rows = ROWS(st, SQL_REPORT_DELAYS, RANGE_PARAMS(range));

	if (rows_next(&rows)) {
		delay.n = (uint64_t)rows_int(&rows, 0);
		delay.max_ms = rows_int(&rows, 1);
	}
	if (!rows_close(&rows, err))
		return false;
	if (delay.n > 0 &&
	    (!ONE_INT(st, SQL_REPORT_DELAY_AT, &delay.median_ms, NULL, err, RANGE_PARAMS(range), INT(rank_of(delay.n, 50) - 1)) ||
	     !ONE_INT(st, SQL_REPORT_DELAY_AT, &delay.p95_ms, NULL, err, RANGE_PARAMS(range), INT(rank_of(delay.n, 95) - 1))))
		return false;
	*out = delay;
	return true;
}

/* Bucket i counts delays below 2^i seconds. */
static int64_t bucket_bound_ms(size_t bucket)
{
	return (int64_t)1000 << bucket;
}

static int64_t bucket_at(const struct state_counters *counters, uint64_t rank)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i + 1 < DELAY_BUCKETS; i++)
		if ((seen += counters->delay[i]) >= rank)
			break;
	return bucket_bound_ms(i);
}

void state_report_entry_delay(const struct state_counters *counters, struct state_report_delay *out)
{
	struct state_report_delay delay = { 0 };

	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		delay.n += counters->delay[i];
	if (delay.n > 0) {
		delay.median_ms = bucket_at(counters, rank_of(delay.n, 50));
		delay.p95_ms = bucket_at(counters, rank_of(delay.n, 95));
		delay.max_ms = bucket_at(counters, delay.n);
	}
	*out = delay;
}

/* ---- clusters -------------------------------------------------------------------------------------------- */

/*
 * A cluster's size is known at its end only, so two iterations run over the same order: one measures the next cluster by
 * times alone, the other gives or passes over its findings.
 */
struct measure {
	struct rows rows;
	int64_t ahead_ms;                 /* first of the next cluster */
	bool more;
};

static size_t next_cluster(struct measure *m, int64_t window_ms)
{
	int64_t last_ms = m->ahead_ms;
	size_t n = 1;

	while ((m->more = rows_next(&m->rows))) {
		m->ahead_ms = rows_int(&m->rows, 0);
		if (m->ahead_ms - last_ms >= window_ms)
			break;
		last_ms = m->ahead_ms;
		n++;
	}
	return n;
}

static bool give_cluster(struct rows *rows, uint64_t cluster, size_t n, bool wanted, state_report_cluster_fn *fn, void *ctx)
{
	for (size_t i = 0; i < n && rows_next(rows); i++) {
		struct finding f;

		if (!wanted)
			continue;
		finding_read(rows, &f, NULL);
		bool more = fn(ctx, cluster, &f);

		finding_deinit(&f);
		if (!more)
			return false;
	}
	return true;
}

bool state_report_each_cluster(struct state *st, const struct state_report_range *range, int64_t window_ms, size_t min_findings,
			       state_report_cluster_fn *fn, void *ctx, struct error *err)
{
	uint64_t cluster = 0;

	if (!state_begin(st, err))      /* both iterations see the same */
		return false;
	struct measure m = { .rows = ROWS(st, SQL_REPORT_BY_LOGGED, RANGE_PARAMS(range)) };
	struct rows rows = ROWS(st, SQL_REPORT_FINDINGS_BY_LOGGED, RANGE_PARAMS(range));
	m.more = rows_next(&m.rows);
	if (m.more)
		m.ahead_ms = rows_int(&m.rows, 0);
	while (m.more) {
		size_t n = next_cluster(&m, window_ms);
		bool wanted = n >= min_findings;

		cluster += wanted;
		if (!give_cluster(&rows, cluster, n, wanted, fn, ctx))
			break;
	}
	bool ok = rows_close(&rows, err);
	struct error measured;

	if (!rows_close(&m.rows, &measured) && ok) {
		*err = measured;
		ok = false;
	}
	return state_end(st, ok, err);
}

/* ---- names ------------------------------------------------------------------------------------------------ */

static bool names_of(struct state *st, int64_t finding_no, const struct finding *f, state_report_name_fn *fn, void *ctx, bool *more, struct error *err)
{
	struct rows rows = ROWS(st, SQL_REPORT_NAMES_OF, INT(finding_no));

	while (*more && rows_next(&rows)) {
		json_t *names = json_loads(rows_text(&rows, 0), 0, NULL), *name;
		size_t i;

		json_array_foreach(names, i, name)
			if (*more && json_is_string(name))
				*more = fn(ctx, f, json_string_value(name));
		json_decref(names);
	}
	return rows_close(&rows, err);
}

bool state_report_each_name(struct state *st, const struct state_report_range *range, state_report_name_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_REPORT_FINDINGS, RANGE_PARAMS(range));
	bool more = true, ok = true;

	while (ok && more && rows_next(&rows)) {
		struct finding f;
		int64_t no;

		finding_read(&rows, &f, &no);
		ok = names_of(st, no, &f, fn, ctx, &more, err);
		finding_deinit(&f);
	}
	struct error ignored;

	return rows_close(&rows, ok ? err : &ignored) && ok;
}

/* ---- days and deliveries ----------------------------------------------------------------------------------- */

bool state_report_each_day(struct state *st, const struct hash *log_id_or_null, int64_t since_ms, int64_t until_ms, state_report_day_fn *fn,
			   void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_REPORT_DAYS, INT(counters_day(since_ms)), INT(counters_day_end(until_ms)),
				log_id_or_null != NULL ? HASH(log_id_or_null) : NONE);

	while (rows_next(&rows)) {
		struct state_counters counters;

		counters_read(&rows, &counters);
		if (!fn(ctx, rows_int(&rows, N_COUNTERS + 1) * DAY_MS, &counters))
			break;
	}
	return rows_close(&rows, err);
}

bool state_report_each_delivery(struct state *st, int64_t since_ms, int64_t until_ms, state_report_delivery_fn *fn, void *ctx, struct error *err)
{
	struct rows rows = ROWS(st, SQL_REPORT_DELIVERIES, INT(since_ms), INT(until_ms != 0 ? until_ms : INT64_MAX));

	while (rows_next(&rows)) {
		struct state_report_delivery delivery = {
			.sink = rows_text(&rows, 0),
			.status = rows_text(&rows, 1),
			.n = (uint64_t)rows_int(&rows, 2),
			.last_error = rows_text(&rows, 3),
		};

		if (!fn(ctx, &delivery))
			break;
	}
	return rows_close(&rows, err);
}
