#include "quota.h"

#include <inttypes.h>
#include <stdio.h>

#define HOUR_MS ((int64_t)3600 * 1000)
#define DAY_MS (24 * HOUR_MS)
#define OPERATOR_FACTOR 2            /* an operator's logs together: twice what one may */
#define OVER_AFTER_MS (2 * HOUR_MS)
#define CLASS "OVER_BUDGET"

static const struct {
	const char *name;
	int64_t period_ms;
	uint64_t n_max, bytes_max;   /* of one log in that time */
	const char *ceiling, *then;  /* "... of one log within ...; <excess> further ones ..." */
} QUOTAS[N_QUOTAS] = {
	[QUOTA_ALERTS] = { "alerts", HOUR_MS, STATE_ALERTS_PER_HOUR, UINT64_MAX, "alerts within an hour",
			    "further findings are stored and not sent: `ctwatch findings` has them (alerts_per_hour)" },
	[QUOTA_STORED] = { "stored", DAY_MS, UINT64_MAX, 128u << 20, "128 MiB of certificates and leaves within a day",
			    "further certificates are kept without their bytes" },
	[QUOTA_FINDINGS] = { "findings", DAY_MS, 50000, UINT64_MAX, "50 000 new findings within a day", "further ones are counted and not stored" },
	[QUOTA_ISSUERS] = { "issuers", DAY_MS, 512, 4u << 20, "512 new issuer certificates or 4 MiB of them within a day", "further ones are not kept" },
	[QUOTA_EVIDENCE] = { "evidence", DAY_MS, UINT64_MAX, 64u << 20, "64 MiB of evidence within a day", "further files are not kept" },
};

static uint64_t most(const struct state *st, enum quota_kind kind)
{
	return kind == QUOTA_ALERTS ? st->alerts_per_hour : QUOTAS[kind].n_max;
}

struct spent {
	uint64_t n, bytes, excess;
};

static bool read_spent(struct rows rows, struct spent *out, struct error *err)
{
	*out = (struct spent){ 0 };
	if (rows_next(&rows)) {
		out->n = (uint64_t)rows_int(&rows, 0);
		out->bytes = (uint64_t)rows_int(&rows, 1);
	}
	return rows_close(&rows, err);
}

bool quota_left(struct state *st, int64_t log_no, enum quota_kind kind, int64_t now_ms, bool *left, struct error *err)
{
	uint64_t n_max = most(st, kind), bytes_max = QUOTAS[kind].bytes_max;
	int64_t period = now_ms / QUOTAS[kind].period_ms;
	struct spent own, all;

	if (!read_spent(ROWS(st, SQL_QUOTA_OF_LOG, INT(log_no), TEXT(QUOTAS[kind].name), INT(period)), &own, err) ||
	    !read_spent(ROWS(st, SQL_QUOTA_OF_OPERATOR, INT(log_no), TEXT(QUOTAS[kind].name), INT(period)), &all, err))
		return false;
	*left = own.n < n_max && own.bytes < bytes_max && all.n / OPERATOR_FACTOR < n_max && all.bytes / OPERATOR_FACTOR < bytes_max;
	return true;
}

static bool add(struct state *st, int64_t log_no, enum quota_kind kind, uint64_t n, uint64_t n_bytes, uint64_t excess, int64_t now_ms,
		struct error *err)
{
	return RUN(st, SQL_QUOTA_SPEND, err, INT(log_no), TEXT(QUOTAS[kind].name), INT(now_ms / QUOTAS[kind].period_ms), INT(n), INT(n_bytes),
		   INT(excess), INT(excess > 0 ? now_ms : 0));
}

bool quota_spend(struct state *st, int64_t log_no, enum quota_kind kind, uint64_t n_bytes, int64_t now_ms, struct error *err)
{
	return add(st, log_no, kind, 1, n_bytes, 0, now_ms, err);
}

/* Told at the first, and then ever more rarely. */
static bool is_news(uint64_t excess)
{
	return (excess & (excess - 1)) == 0 || excess % 1000 == 0;
}

static bool tell(struct state *st, int64_t log_no, enum quota_kind kind, uint64_t excess, int64_t now_ms, struct error *err)
{
	struct rows rows = ROWS(st, SQL_QUOTA_LOG_ID, INT(log_no));
	struct hash log_id = { 0 };
	char summary[400], many[64] = "";

	if (rows_next(&rows))
		rows_hash(&rows, 0, &log_id);
	if (!rows_close(&rows, err))
		return false;
	if (kind == QUOTA_ALERTS)
		snprintf(many, sizeof(many), "%" PRIu64 " ", st->alerts_per_hour);
	snprintf(summary, sizeof(summary), "more than %s%s of this log, or twice that of its operator's logs; %" PRIu64 " %s", many, QUOTAS[kind].ceiling,
		 excess, QUOTAS[kind].then);
	return state_open_incident(st, &log_id, CLASS, QUOTAS[kind].name, "high", summary, NULL, now_ms, NULL, NULL, err);
}

bool quota_exceed(struct state *st, int64_t log_no, enum quota_kind kind, int64_t now_ms, struct error *err)
{
	int64_t excess = 0;

	if (!add(st, log_no, kind, 0, 0, 1, now_ms, err))
		return false;
	struct rows rows = ROWS(st, SQL_QUOTA_OF_LOG, INT(log_no), TEXT(QUOTAS[kind].name), INT(now_ms / QUOTAS[kind].period_ms));
	if (rows_next(&rows))
		excess = rows_int(&rows, 2);
	return rows_close(&rows, err) && (!is_news((uint64_t)excess) || tell(st, log_no, kind, (uint64_t)excess, now_ms, err));
}

bool quota_settle(struct state *st, int64_t log_no, int64_t now_ms, struct error *err)
{
	int64_t over_ms = 0;
	struct hash log_id = { 0 };

	if (!ONE_INT(st, SQL_QUOTA_OVER_SINCE, &over_ms, NULL, err, INT(log_no)))
		return false;
	if (over_ms == 0 || now_ms < over_ms + OVER_AFTER_MS)
		return true;
	struct rows rows = ROWS(st, SQL_QUOTA_LOG_ID, INT(log_no));
	if (rows_next(&rows))
		rows_hash(&rows, 0, &log_id);
	return rows_close(&rows, err) && RUN(st, SQL_QUOTA_SETTLE, err, INT(log_no)) &&
	       state_close_incidents(st, &log_id, CLASS, "nothing came past the ceiling for two hours", now_ms, err);
}

void state_set_alerts_per_hour(struct state *st, uint64_t n)
{
	st->alerts_per_hour = n;
}
