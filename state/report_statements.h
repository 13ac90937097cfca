/* Private to state/: statements of state_report.h. ?1 and ?2 are the range, ?3 all, ?4 exclude dismissed, ?5 the lowest score. */
#ifndef CTWATCH_STATE_REPORT_STATEMENTS_H
#define CTWATCH_STATE_REPORT_STATEMENTS_H

#define IN_RANGE \
	"f.first_seen_ms >= ?1 AND f.first_seen_ms < ?2 AND (?3 <> 0 OR f.flagged = 1) AND (?4 = 0 OR f.status <> 'dismissed') AND f.score >= ?5 "

#define COUNTED "COUNT(*), SUM(f.certificate_count), SUM(f.sighting_count), SUM(f.verified), MAX(f.score) "
#define COUNT_BY(key, order) \
	"SELECT " key " AS axis, " COUNTED "FROM finding f WHERE " IN_RANGE "GROUP BY axis ORDER BY " order " LIMIT ?6"
#define MOST_FIRST "2 DESC, 6 DESC, 1"

#define SEVERITY_OF "CASE WHEN f.score >= 90 THEN 'critical' WHEN f.score >= 75 THEN 'high' WHEN f.score >= 60 THEN 'medium' ELSE 'low' END"

#define REPORT_STATEMENTS(X) \
	X(REPORT_BY_SEVERITY, COUNT_BY(SEVERITY_OF, MOST_FIRST)) \
	X(REPORT_BY_KIND, COUNT_BY("f.kind", MOST_FIRST)) \
	X(REPORT_BY_BRAND, COUNT_BY("COALESCE(f.brand, '')", MOST_FIRST)) \
	X(REPORT_BY_RULE, COUNT_BY("f.rule", MOST_FIRST)) \
	X(REPORT_BY_TECHNIQUE, COUNT_BY("COALESCE(f.technique, '')", MOST_FIRST)) \
	X(REPORT_BY_STATUS, COUNT_BY("f.status", MOST_FIRST)) \
	X(REPORT_BY_DAY, COUNT_BY("f.first_seen_ms / 86400000", "1")) \
	X(REPORT_BY_ISSUER, \
	  "SELECT p.issuer, COUNT(*), SUM(p.certificates), SUM(p.sightings), SUM(p.verified), MAX(p.score) FROM (" \
	  "SELECT COALESCE(c.issuer, '') AS issuer, COUNT(*) AS certificates, SUM(c.sighting_count) AS sightings, MAX(f.verified) AS verified, " \
	  "MAX(f.score) AS score FROM finding f JOIN link ON link.finding_no = f.no JOIN certificate c ON c.no = link.certificate_no " \
	  "WHERE " IN_RANGE "GROUP BY f.no, COALESCE(c.issuer, '')) p GROUP BY p.issuer ORDER BY " MOST_FIRST " LIMIT ?6") \
	X(REPORT_TOTAL, "SELECT '', " COUNTED ", COUNT(DISTINCT f.registrable_domain) FROM finding f WHERE " IN_RANGE) \
	X(REPORT_DELAYS, \
	  "SELECT COUNT(*), MAX(f.first_seen_ms - f.first_logged_ms) FROM finding f WHERE " IN_RANGE "AND f.first_logged_ms > 0") \
	X(REPORT_DELAY_AT, \
	  "SELECT f.first_seen_ms - f.first_logged_ms FROM finding f WHERE " IN_RANGE "AND f.first_logged_ms > 0 ORDER BY 1 LIMIT 1 OFFSET ?6") \
	X(REPORT_BY_LOGGED, \
	  "SELECT f.first_logged_ms FROM finding f WHERE " IN_RANGE "ORDER BY f.first_logged_ms, f.id") \
	X(REPORT_FINDINGS_BY_LOGGED, \
	  "SELECT " FINDING_COLUMNS " FROM finding f WHERE " IN_RANGE "ORDER BY f.first_logged_ms, f.id") \
	X(REPORT_FINDINGS, \
	  "SELECT " FINDING_COLUMNS " FROM finding f WHERE " IN_RANGE "ORDER BY f.first_seen_ms, f.id") \
	X(REPORT_NAMES_OF, \
	  "SELECT c.names FROM link JOIN certificate c ON c.no = link.certificate_no WHERE link.finding_no = ?1 AND link.kept = 1 " \
	  "ORDER BY link.certificate_no") \
	X(REPORT_DAYS, \
	  "SELECT " COUNTER_COLUMNS(COUNTER_SUM) "MAX(last_entry_ms), day FROM counters WHERE day >= ?1 AND day < ?2 AND " \
	  "(?3 IS NULL OR log_no = (SELECT no FROM log WHERE log_id = ?3)) GROUP BY day ORDER BY day") \
	X(REPORT_DELIVERIES, \
	  "SELECT o.sink, o.status, COUNT(*), (SELECT e.last_error FROM outbox e WHERE e.sink = o.sink AND e.status = o.status AND " \
	  "e.created_ms >= ?1 AND e.created_ms < ?2 AND e.last_error IS NOT NULL ORDER BY e.created_ms DESC LIMIT 1) " \
	  "FROM outbox o WHERE o.created_ms >= ?1 AND o.created_ms < ?2 GROUP BY o.sink, o.status ORDER BY o.sink, o.status")

#endif
