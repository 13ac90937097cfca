/* state/statements.h: no statement of the daily work walks through a whole table that grows. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql.h"
#include "temp_state.h"

/* Statements that are meant to look at everything: lists, reports, retention, and all logs when the clock was set; no entry waits for them. */
static const enum statement MAY_SCAN[] = {
	SQL_LOG_EACH, SQL_MALFORMED_EACH, SQL_INCIDENT_EACH, SQL_OUTBOX_EACH, SQL_TRIAGE_EACH, SQL_CERTIFICATE_EACH, SQL_FINDING_EACH,
	SQL_COUNTERS_SUM, SQL_PRUNE_DISMISSED, SQL_PRUNE_LOW, SQL_PRUNE_COUNTERS, SQL_PRUNE_LOGS, SQL_PRUNE_BUSY, SQL_REPORT_DAYS,
	SQL_REPORT_DELIVERIES, SQL_REPORT_BY_ISSUER, SQL_OUTBOX_RETRY, SQL_CLOCK_SET_LOG, SQL_HEAD_EACH_UNTOLD, SQL_CLOCK_START_LOG,
};

static bool may_scan(enum statement id)
{
	for (size_t i = 0; i < ARRAY_LEN(MAY_SCAN); i++)
		if (MAY_SCAN[i] == id)
			return true;
	return false;
}

/* "SCAN x" walks through a table; "SCAN x USING INDEX" for MIN and ORDER BY ... LIMIT stops early. */
static void check_plan(struct state *st, enum statement id)
{
	const char *sql = sqlite3_sql(st->statements[id]);
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_prepare_v2(st->db, explain, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(stmt, 3);

		if (strncmp(detail, "SCAN ", 5) == 0 && strstr(detail, "USING") == NULL && strncmp(detail, "SCAN CONSTANT", 13) != 0)
			fail_msg("%s: %s", detail, sql);
	}
	sqlite3_finalize(stmt);
	sqlite3_free(explain);
}

static void daily_work_goes_by_index(void **state)
{
	struct state *st = temp_state_open();
	size_t n = 0;

	(void)state;
	for (enum statement id = 0; id < N_STATEMENTS; id++) {
		const char *sql = sqlite3_sql(st->statements[id]);

		if (may_scan(id) || strncmp(sql, "PRAGMA", 6) == 0 || strncmp(sql, "BEGIN", 5) == 0 || strncmp(sql, "SAVE", 4) == 0 ||
		    strncmp(sql, "R", 1) == 0 || strncmp(sql, "COMMIT", 6) == 0)
			continue;
		check_plan(st, id);
		n++;
	}
	assert_true(n > 60);
	temp_state_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(daily_work_goes_by_index),
	};

	return cmocka_run_group_tests_name("state: query plans", tests, NULL, NULL);
}
