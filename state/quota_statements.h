/* Private to state/: what single logs make us send and keep; see quota.c. */
#ifndef CTWATCH_STATE_QUOTA_STATEMENTS_H
#define CTWATCH_STATE_QUOTA_STATEMENTS_H

#define OF_PERIOD(column) "CASE WHEN log_quota.period = excluded.period THEN log_quota." column " ELSE 0 END + excluded." column
#define OF_OPERATOR \
	"(b.log_no = ?1 OR (l.log_operator <> '' AND l.log_operator = (SELECT log_operator FROM log WHERE no = ?1)))"

#define QUOTA_STATEMENTS(X) \
	X(QUOTA_SPEND, \
	  "INSERT INTO log_quota (log_no, what, period, n, bytes, excess, over_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) " \
	  "ON CONFLICT (log_no, what) DO UPDATE SET n = " OF_PERIOD("n") ", bytes = " OF_PERIOD("bytes") ", excess = " OF_PERIOD("excess") ", " \
	  "over_ms = CASE WHEN excluded.over_ms > 0 THEN excluded.over_ms ELSE log_quota.over_ms END, period = excluded.period") \
	X(QUOTA_OF_LOG, "SELECT n, bytes, excess FROM log_quota WHERE log_no = ?1 AND what = ?2 AND period = ?3") \
	X(QUOTA_OF_OPERATOR, \
	  "SELECT COALESCE(SUM(b.n), 0), COALESCE(SUM(b.bytes), 0) FROM log_quota b JOIN log l ON l.no = b.log_no " \
	  "WHERE b.what = ?2 AND b.period = ?3 AND " OF_OPERATOR) \
	X(QUOTA_OVER_SINCE, "SELECT MAX(over_ms) FROM log_quota WHERE log_no = ?1") \
	X(QUOTA_SETTLE, "UPDATE log_quota SET over_ms = 0 WHERE log_no = ?1") \
	X(QUOTA_LOG_ID, "SELECT log_id, name FROM log WHERE no = ?1") \
	X(WITHHELD_PUT, "INSERT INTO finding_withheld (finding_no) VALUES (?1) ON CONFLICT (finding_no) DO NOTHING") \
	X(WITHHELD_HAS, "SELECT 1 FROM finding_withheld WHERE finding_no = ?1") \
	X(WITHHELD_DELETE, "DELETE FROM finding_withheld WHERE finding_no = ?1")

#endif
