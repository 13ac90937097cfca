/*
 * Private to state/: every SQL statement, by area. SQL that PostgreSQL understands too (upserts by ON CONFLICT, CASE for
 * the larger of two values, row values, partial indexes); what is SQLite's own lives in open.c, schema.c and space.c.
 */
#ifndef CTWATCH_STATE_STATEMENTS_H
#define CTWATCH_STATE_STATEMENTS_H

#include "head_statements.h"
#include "quota_statements.h"
#include "verify_statements.h"

#define TRANSACTION_STATEMENTS(X) \
	X(BEGIN_READ, "BEGIN") \
	X(BEGIN_WRITE, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(SAVEPOINT, "SAVEPOINT nested") \
	X(RELEASE, "RELEASE nested") \
	X(ROLLBACK_TO, "ROLLBACK TO nested")

#define LOG_STATEMENTS(X) \
	X(LOG_NUMBER, "SELECT no FROM log WHERE log_id = ?1") \
	X(LOG_ENSURE, "INSERT INTO log (log_id) VALUES (?1) ON CONFLICT (log_id) DO NOTHING") \
	X(LOG_PUT, \
	  "INSERT INTO log (log_id, name, url, log_operator, protocol, lifecycle, added_ms, why_not_read, sunset_ms) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (log_id) DO UPDATE SET name = excluded.name, url = excluded.url, " \
	  "log_operator = excluded.log_operator, protocol = excluded.protocol, lifecycle = excluded.lifecycle, " \
	  "added_ms = CASE WHEN log.added_ms = 0 THEN excluded.added_ms ELSE log.added_ms END, " \
	  "why_not_read = excluded.why_not_read, sunset_ms = excluded.sunset_ms") \
	X(LOG_NOT_READ, "UPDATE log SET why_not_read = ?2 WHERE log_id = ?1") \
	X(LOG_SUCCESS, \
	  "UPDATE log SET last_success_ms = CASE WHEN ?2 > 0 THEN ?2 ELSE last_success_ms END WHERE no = ?1") \
	X(LOG_ERROR, "UPDATE log SET last_error = ?2, last_error_ms = ?3 WHERE no = ?1") \
	X(LOG_START, "UPDATE log SET start_index = ?2 WHERE no = ?1") \
	X(LOG_NEWEST_ENTRY, "UPDATE log SET last_entry_ms = ?2 WHERE no = ?1 AND last_entry_ms < ?2") \
	X(LOG_HEAD, \
	  "UPDATE log SET head_size = ?2, head_timestamp_ms = ?3, head_received_ms = ?4 WHERE no = ?1 AND (head_timestamp_ms < ?3 OR " \
	  "(head_timestamp_ms = ?3 AND head_size < ?2))") \
	X(LOG_VERIFIED, "UPDATE log SET verified_size = ?2, verified_ms = ?3 WHERE no = ?1 AND verified_size <= ?2") \
	X(LOG_EACH, \
	  "SELECT log_id, name, url, log_operator, protocol, lifecycle, start_index, added_ms, last_success_ms, last_entry_ms, " \
	  "last_error, last_error_ms, head_size, head_timestamp_ms, head_received_ms, verified_size, verified_ms, why_not_read, sunset_ms, " \
	  "(SELECT r.stop FROM read_range r WHERE r.log_no = log.no AND r.start <= log.start_index ORDER BY r.start DESC LIMIT 1), " \
	  "(SELECT SUM(r.stop - CASE WHEN r.start < log.start_index THEN log.start_index ELSE r.start END) FROM read_range r " \
	  " WHERE r.log_no = log.no AND r.stop > log.start_index), " \
	  "(SELECT COUNT(*) FROM incident i WHERE i.log_id = log.log_id AND i.closed_ms = 0) " \
	  "FROM log WHERE url <> '' ORDER BY name, log_id")

#define RANGE_STATEMENTS(X) \
	X(RANGE_CLEAR, "DELETE FROM read_range WHERE log_no = ?1") \
	X(RANGE_PUT, "INSERT INTO read_range (log_no, start, stop, verified, hashes, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	X(RANGE_EACH, \
	  "SELECT r.start, r.stop, r.verified, r.hashes, r.checksum FROM read_range r JOIN log ON log.no = r.log_no WHERE log.log_id = ?1 ORDER BY r.start")

/* Columns of the counters, in the order of struct state_counters. */
#define COUNTER_COLUMNS(C) \
	C(entries) C(lets_encrypt) C(verified) C(malformed) C(matched) C(n_bytes) C(requests) C(errors) C(throttled) \
	C(d0) C(d1) C(d2) C(d3) C(d4) C(d5) C(d6) C(d7) C(d8) C(d9) C(d10) C(d11) C(d12) C(d13) C(d14) C(d15) \
	C(d16) C(d17) C(d18) C(d19) C(d20) C(d21) C(d22) C(d23)
#define COUNTER_NAME(c) #c ", "
#define COUNTER_ADD(c) #c " = counters." #c " + excluded." #c ", "
#define COUNTER_SUM(c) "SUM(" #c "), "

#define COUNTER_STATEMENTS(X) \
	X(COUNTERS_ADD, \
	  "INSERT INTO counters (" COUNTER_COLUMNS(COUNTER_NAME) "log_no, day, last_entry_ms) VALUES " \
	  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, " \
	  "?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36) ON CONFLICT (log_no, day) DO UPDATE SET " COUNTER_COLUMNS(COUNTER_ADD) \
	  "last_entry_ms = CASE WHEN counters.last_entry_ms < excluded.last_entry_ms THEN excluded.last_entry_ms " \
	  "ELSE counters.last_entry_ms END") \
	X(COUNTERS_SUM, "SELECT " COUNTER_COLUMNS(COUNTER_SUM) "MAX(last_entry_ms) FROM counters WHERE day >= ?1 AND day < ?2") \
	X(COUNTERS_SUM_LOG, \
	  "SELECT " COUNTER_COLUMNS(COUNTER_SUM) "MAX(last_entry_ms) FROM counters WHERE day >= ?1 AND day < ?2 AND " \
	  "log_no = (SELECT no FROM log WHERE log_id = ?3)")

#define CERTIFICATE_COLUMNS(names) \
	"c.tbs_sha256, c.sha256, c.precert, c.der, c.der_is_tbs, c.issuer, c.subject, c.serial, c.not_before_ms, c.not_after_ms, " names \
	", c.note, c.names_total, c.too_large_bytes"
/* With the name that made the finding, if the list had no room for it. */
#define CERTIFICATE_NAMES_OF_LINK \
	"CASE WHEN link.name IS NULL THEN c.names WHEN c.names = '[]' THEN json_array(link.name) " \
	"ELSE '[' || json_quote(link.name) || ',' || substr(c.names, 2) END"

#define CERTIFICATE_STATEMENTS(X) \
	X(CERTIFICATE_GET, "SELECT no, precert, sighting_count, last_log_no, last_index FROM certificate WHERE tbs_sha256 = ?1") \
	X(CERTIFICATE_PUT, \
	  "INSERT INTO certificate (tbs_sha256, sha256, precert, der, der_is_tbs, issuer, subject, serial, not_before_ms, not_after_ms, names, " \
	  "names_left_out, note, first_seen_ms, names_total, too_large_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, " \
	  "?14, ?15)") \
	X(CERTIFICATE_FINAL, \
	  "UPDATE certificate SET sha256 = ?2, precert = 0, der = ?3, der_is_tbs = ?4, issuer = ?5, subject = ?6, serial = ?7, " \
	  "not_before_ms = ?8, not_after_ms = ?9, names = ?10, note = ?11, names_total = ?12, too_large_bytes = ?13 WHERE no = ?1") \
	X(CERTIFICATE_SEEN, \
	  "UPDATE certificate SET sighting_count = sighting_count + 1, last_log_no = ?2, last_index = ?3 WHERE no = ?1") \
	X(CERTIFICATE_FINDINGS_SEEN, \
	  "UPDATE finding SET sighting_count = sighting_count + 1, last_seen_ms = ?2, " \
	  "first_logged_ms = CASE WHEN first_logged_ms > ?3 THEN ?3 ELSE first_logged_ms END, " \
	  "verified = CASE WHEN ?4 <> 0 THEN 1 ELSE verified END WHERE no IN (SELECT finding_no FROM link WHERE certificate_no = ?1)") \
	X(CERTIFICATE_EACH, "SELECT " CERTIFICATE_COLUMNS("c.names") " FROM certificate c ORDER BY c.no") \
	X(CERTIFICATE_EACH_OF, \
	  "SELECT " CERTIFICATE_COLUMNS(CERTIFICATE_NAMES_OF_LINK) ", c.no FROM link JOIN certificate c ON c.no = link.certificate_no " \
	  "WHERE link.finding_no = (SELECT no FROM finding WHERE id = ?1) ORDER BY link.certificate_no DESC LIMIT ?2") \
	X(CERTIFICATE_THIN, \
	  "UPDATE certificate SET der = NULL, names = '[]', subject = NULL, note = NULL WHERE no = ?1 AND " \
	  "NOT EXISTS (SELECT 1 FROM link WHERE certificate_no = ?1 AND kept = 1)") \
	X(CERTIFICATE_ORPHANS_OF, \
	  "DELETE FROM certificate WHERE no IN (SELECT certificate_no FROM link WHERE finding_no = ?1) AND " \
	  "NOT EXISTS (SELECT 1 FROM link WHERE link.certificate_no = certificate.no AND link.finding_no <> ?1)") \
	X(LINK_PUT, "INSERT INTO link (finding_no, certificate_no) VALUES (?1, ?2) ON CONFLICT (finding_no, certificate_no) DO NOTHING") \
	X(LINK_NAME, \
	  "UPDATE link SET name = ?3 WHERE finding_no = ?1 AND certificate_no = ?2 AND EXISTS (SELECT 1 FROM certificate WHERE no = ?2 AND " \
	  "names_total > json_array_length(names) AND instr(names, json_quote(?3)) = 0)") \
	X(LINK_HAS, "SELECT 1 FROM link JOIN certificate c ON c.no = link.certificate_no WHERE link.finding_no = ?1 AND c.tbs_sha256 = ?2") \
	X(LINK_COUNT_KEPT, "SELECT COUNT(*) FROM link WHERE finding_no = ?1 AND kept = 1") \
	X(LINK_OLDEST_KEPT, \
	  "SELECT certificate_no FROM link WHERE finding_no = ?1 AND kept = 1 AND certificate_no <> " \
	  "(SELECT COALESCE(best_certificate_no, 0) FROM finding WHERE no = ?1) ORDER BY certificate_no LIMIT 1") \
	X(LINK_DROP, "UPDATE link SET kept = 0 WHERE finding_no = ?1 AND certificate_no = ?2") \
	X(SIGHTING_PUT, \
	  "INSERT INTO sighting (log_no, entry_index, certificate_no, timestamp_ms, verified, leaf_hash, fits) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) " \
	  "ON CONFLICT (log_no, entry_index, certificate_no) DO NOTHING") \
	X(SIGHTING_HAS, "SELECT 1 FROM sighting WHERE log_no = ?1 AND entry_index = ?2 AND certificate_no = ?3") \
	X(SIGHTING_CONFIRM, \
	  "UPDATE sighting SET verified = 1 WHERE log_no = ?1 AND entry_index = ?2 AND certificate_no = ?3 AND verified = 0") \
	X(SIGHTING_EACH, \
	  "SELECT log.log_id, s.entry_index, s.timestamp_ms, leaf.leaf, leaf.extra, s.verified, log.name, log.url, s.withdrawn_ms FROM sighting s " \
	  "JOIN log ON log.no = s.log_no LEFT JOIN leaf ON leaf.log_no = s.log_no AND leaf.entry_index = s.entry_index AND " \
	  "leaf.certificate_no = s.certificate_no WHERE s.certificate_no = ?1 ORDER BY s.timestamp_ms, s.log_no, s.entry_index") \
	X(SIGHTING_SUMMARY, \
	  "SELECT log.log_id, s.entry_index, s.timestamp_ms, log.name, log.url, s.withdrawn_ms FROM sighting s JOIN log ON log.no = s.log_no " \
	  "WHERE s.certificate_no = ?1 ORDER BY s.timestamp_ms, s.log_no, s.entry_index") \
	X(LEAF_PUT, \
	  "INSERT INTO leaf (log_no, entry_index, certificate_no, leaf, extra) VALUES (?1, ?2, ?3, ?4, ?5) " \
	  "ON CONFLICT (log_no, entry_index, certificate_no) DO NOTHING") \
	X(LEAF_THIN, \
	  "DELETE FROM leaf WHERE certificate_no = ?1 AND NOT EXISTS (SELECT 1 FROM link WHERE certificate_no = ?1 AND kept = 1)")

#define FINDING_COLUMNS \
	"f.no, f.id, f.rule, f.kind, f.brand, f.technique, f.name, f.registrable_domain, f.score, f.min_score, f.flagged, f.verified, " \
	"f.found_by_change, f.status, f.quiet_rank, f.evidence, f.ruleset_id, f.first_seen_ms, f.last_seen_ms, f.first_logged_ms, " \
	"f.certificate_count, f.sighting_count, " FINDING_WITHDRAWN

#define FINDING_STATEMENTS(X) \
	X(FINDING_GET, "SELECT " FINDING_COLUMNS " FROM finding f WHERE f.id = ?1") \
	X(FINDING_PREFIX, "SELECT " FINDING_COLUMNS " FROM finding f WHERE f.id >= ?1 AND f.id < ?2 ORDER BY f.id LIMIT 3") \
	X(FINDING_PUT, \
	  "INSERT INTO finding (id, rule, kind, brand, technique, name, registrable_domain, score, min_score, flagged, verified, " \
	  "found_by_change, evidence, ruleset_id, first_seen_ms, last_seen_ms, first_logged_ms) VALUES " \
	  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?16)") \
	X(FINDING_RESCORE, \
	  "UPDATE finding SET brand = ?2, technique = ?3, name = ?4, score = ?5, evidence = ?6, ruleset_id = ?7, best_certificate_no = ?8 WHERE no = ?1") \
	X(FINDING_FLAG, "UPDATE finding SET flagged = ?2, min_score = ?3 WHERE no = ?1") \
	X(FINDING_BEST, "UPDATE finding SET best_certificate_no = ?2 WHERE no = ?1") \
	X(FINDING_VERIFY, "UPDATE finding SET verified = 1 WHERE no IN (SELECT finding_no FROM link WHERE certificate_no = ?1)") \
	X(FINDING_JOIN, \
	  "UPDATE finding SET certificate_count = certificate_count + 1, sighting_count = sighting_count + ?2, last_seen_ms = ?3, " \
	  "first_logged_ms = CASE WHEN first_logged_ms > ?4 THEN ?4 ELSE first_logged_ms END, " \
	  "verified = CASE WHEN ?5 <> 0 THEN 1 ELSE verified END WHERE no = ?1") \
	X(FINDING_STATUS, "UPDATE finding SET status = ?2, quiet_rank = ?3 WHERE no = ?1") \
	X(FINDING_DELETE, "DELETE FROM finding WHERE no = ?1") \
	X(FINDING_EACH, \
	  "SELECT " FINDING_COLUMNS " FROM finding f WHERE (?1 IS NULL OR f.rule = ?1) AND (?2 IS NULL OR f.kind = ?2) AND " \
	  "(?3 IS NULL OR f.brand = ?3) AND (?4 IS NULL OR f.status = ?4) AND f.first_seen_ms >= ?5 AND f.first_seen_ms < ?6 AND " \
	  "f.score >= ?7 AND (?8 <> 0 OR f.flagged = 1) AND (?9 = 0 OR f.status <> 'dismissed') AND (?10 IS NULL OR " \
	  "(f.first_seen_ms, f.id) < (SELECT a.first_seen_ms, a.id FROM finding a WHERE a.id = ?10)) " \
	  "ORDER BY f.first_seen_ms DESC, f.id DESC LIMIT ?11")

#define MALFORMED_STATEMENTS(X) \
	X(MALFORMED_COUNT, "SELECT COUNT(*) FROM malformed WHERE log_no = ?1 AND seen_ms >= ?2 AND seen_ms < ?3") \
	X(MALFORMED_PUT, \
	  "INSERT INTO malformed (log_no, entry_index, leaf, reason, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5) " \
	  "ON CONFLICT (log_no, entry_index) DO NOTHING") \
	X(MALFORMED_EACH, \
	  "SELECT log.log_id, m.entry_index, m.leaf, m.reason, m.seen_ms FROM malformed m JOIN log ON log.no = m.log_no " \
	  "WHERE ?1 IS NULL OR log.log_id = ?1 ORDER BY m.log_no, m.entry_index")

#define INCIDENT_COLUMNS \
	"i.id, i.log_id, COALESCE((SELECT log.name FROM log WHERE log.log_id = i.log_id), ''), i.class, i.severity, i.summary, i.details, " \
	"i.evidence_dir, i.times, i.opened_ms, i.updated_ms, i.closed_ms, i.closed_why, i.subject"

#define INCIDENT_STATEMENTS(X) \
	X(INCIDENT_FIND_OPEN, "SELECT id FROM incident WHERE log_id = ?1 AND class = ?2 AND subject = ?3 AND closed_ms = 0") \
	X(INCIDENT_COUNT_OPEN, "SELECT COUNT(*) FROM incident WHERE log_id = ?1 AND class = ?2 AND closed_ms = 0") \
	X(INCIDENT_NEWEST_OPEN, \
	  "SELECT id FROM incident WHERE log_id = ?1 AND class = ?2 AND closed_ms = 0 ORDER BY opened_ms DESC, id LIMIT 1") \
	X(INCIDENT_PUT, \
	  "INSERT INTO incident (id, log_id, class, subject, severity, summary, details, opened_ms, updated_ms) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)") \
	X(INCIDENT_AGAIN, "UPDATE incident SET times = times + ?6, summary = ?2, details = ?3, severity = ?4, updated_ms = ?5 WHERE id = ?1") \
	X(INCIDENT_CLOSE, "UPDATE incident SET closed_ms = ?3, closed_why = ?2 WHERE id = ?1 AND closed_ms = 0") \
	X(INCIDENT_OPEN_OF, "SELECT id FROM incident WHERE log_id = ?1 AND class = ?2 AND closed_ms = 0 LIMIT 1") \
	X(INCIDENT_EVIDENCE, "UPDATE incident SET evidence_dir = ?2 WHERE id = ?1") \
	X(INCIDENT_GET, "SELECT " INCIDENT_COLUMNS " FROM incident i WHERE i.id = ?1") \
	X(INCIDENT_PREFIX, "SELECT " INCIDENT_COLUMNS " FROM incident i WHERE i.id >= ?1 AND i.id < ?2 ORDER BY i.id LIMIT 2") \
	X(INCIDENT_EACH, \
	  "SELECT " INCIDENT_COLUMNS " FROM incident i WHERE (?1 = 0 OR i.closed_ms = 0) AND i.opened_ms < ?3 AND " \
	  "(i.closed_ms = 0 OR i.closed_ms >= ?2) ORDER BY i.opened_ms DESC, i.id")

#define OUTBOX_COLUMNS \
	"id, sink, event, subject, payload, batch, status, last_error, attempts, created_ms, due_ms, sent_ms, certificate, message, progress"

#define OUTBOX_STATEMENTS(X) \
	X(OUTBOX_PUT, \
	  "INSERT INTO outbox (id, sink, event, subject, payload, batch, status, created_ms, due_ms, certificate) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING") \
	X(OUTBOX_DUE, \
	  "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE sink = ?1 AND status = 'waiting' AND due_ms <= ?2 ORDER BY due_ms, created_ms, id LIMIT ?3") \
	X(OUTBOX_DUE_FRESH, \
	  "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE sink = ?1 AND status = 'waiting' AND due_ms <= ?2 AND attempts = 0 " \
	  "ORDER BY due_ms, created_ms, id LIMIT ?3") \
	X(OUTBOX_SENT, \
	  "UPDATE outbox SET status = 'sent', sent_ms = ?2, attempts = attempts + 1, last_error = ?3 WHERE id = ?1 AND status <> 'sent'") \
	X(OUTBOX_JOIN, "UPDATE outbox SET message = ?2 WHERE id = ?1") \
	X(OUTBOX_PROGRESS, "UPDATE outbox SET progress = ?2 WHERE id = ?1") \
	X(OUTBOX_RECOVER, "UPDATE outbox SET due_ms = ?2 WHERE sink = ?1 AND status = 'waiting' AND attempts > 0 AND due_ms > ?2") \
	X(OUTBOX_FAILED, \
	  "UPDATE outbox SET status = CASE WHEN ?2 = 'waiting' AND status = 'digest' THEN status ELSE ?2 END, last_error = ?3, due_ms = ?4, " \
	  "sent_ms = ?5, attempts = attempts + 1 WHERE id = ?1 AND status <> 'sent'") \
	X(OUTBOX_DUE_DIGEST, \
	  "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE sink = ?1 AND status = 'digest' AND due_ms <= ?2 ORDER BY due_ms, created_ms, id LIMIT ?3") \
	X(OUTBOX_TO_DIGEST, "UPDATE outbox SET status = 'digest' WHERE sink = ?1 AND status = 'waiting' AND due_ms <= ?2") \
	X(OUTBOX_EACH, \
	  "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE (?1 IS NULL OR sink = ?1) AND (?2 IS NULL OR status = ?2) " \
	  "ORDER BY created_ms DESC, id LIMIT ?3") \
	X(OUTBOX_RETRY, \
	  "UPDATE outbox SET status = 'waiting', due_ms = ?2, attempts = 0, sent_ms = 0, progress = NULL WHERE status = 'dead' AND (?1 IS NULL OR id = ?1)") \
	X(OUTBOX_NEXT_DUE, "SELECT MIN(due_ms) FROM outbox WHERE status = 'waiting'") \
	X(OUTBOX_FORGET, "DELETE FROM outbox WHERE subject = ?1 AND status IN ('waiting', 'digest')")

/* The wall clock was set: see state_clock_set. ?1 by how much, ?2 the time now, ?3 since when rows may be of the new time. */
#define CLOCK_STATEMENTS(X) \
	X(CLOCK_SET_OUTBOX, \
	  "UPDATE outbox SET created_ms = CASE WHEN created_ms + ?1 > ?2 THEN ?2 ELSE created_ms + ?1 END, " \
	  "due_ms = CASE WHEN status = 'waiting' OR attempts > 0 OR due_ms <= ?2 - ?1 THEN due_ms + ?1 " \
	  "WHEN due_ms > ?2 THEN due_ms - (due_ms - ?2) / 86400000 * 86400000 ELSE due_ms END " \
	  "WHERE status IN ('waiting', 'digest') AND (attempts > 0 OR created_ms < ?3 OR created_ms > ?2)") \
	X(CLOCK_SET_LOG, \
	  "UPDATE log SET last_success_ms = CASE WHEN last_success_ms = 0 THEN 0 WHEN last_success_ms + ?1 > ?2 THEN ?2 " \
	  "ELSE last_success_ms + ?1 END, added_ms = CASE WHEN added_ms > ?2 THEN ?2 ELSE added_ms END " \
	  "WHERE last_success_ms < ?3 OR last_success_ms > ?2") \
	X(CLOCK_START_OUTBOX, \
	  "UPDATE outbox SET created_ms = CASE WHEN created_ms > ?1 OR created_ms < ?2 THEN ?1 ELSE created_ms END, " \
	  "due_ms = CASE WHEN due_ms <= ?1 THEN due_ms " \
	  "WHEN status = 'digest' AND attempts = 0 THEN due_ms - (due_ms - ?1) / 86400000 * 86400000 " \
	  "WHEN attempts = 0 AND created_ms > ?1 AND created_ms <= due_ms THEN ?1 + due_ms - created_ms " \
	  "WHEN attempts = 0 OR due_ms < ?1 + (?3 << CASE WHEN attempts < 10 THEN attempts ELSE 10 END) THEN due_ms " \
	  "ELSE ?1 + (?3 << CASE WHEN attempts < 10 THEN attempts ELSE 10 END) END " \
	  "WHERE status IN ('waiting', 'digest') AND (created_ms > ?1 OR created_ms < ?2 OR due_ms > ?1)") \
	X(CLOCK_START_LOG, \
	  "UPDATE log SET last_success_ms = CASE WHEN last_success_ms > ?1 THEN ?1 ELSE last_success_ms END, " \
	  "added_ms = CASE WHEN added_ms > ?1 THEN ?1 ELSE added_ms END WHERE last_success_ms > ?1 OR added_ms > ?1")

#define TRIAGE_STATEMENTS(X) \
	X(TRIAGE_PUT, "INSERT INTO triage (finding_no, action, who, why, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(TRIAGE_EACH, \
	  "SELECT f.id, t.action, t.who, t.why, t.at_ms FROM triage t JOIN finding f ON f.no = t.finding_no WHERE (?1 IS NULL OR f.id = ?1) AND " \
	  "t.at_ms >= ?2 AND t.at_ms < ?3 ORDER BY t.at_ms, t.no")

#define FACT_STATEMENTS(X) \
	X(FACT_PUT, "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value") \
	X(FACT_DELETE, "DELETE FROM fact WHERE name = ?1") \
	X(FACT_GET, "SELECT value FROM fact WHERE name = ?1")

/* Retention works in steps of PRUNE_STEP: each a transaction of its own, so that nobody waits long. */
#define NO_ALERT_WAITS "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.subject = f.id AND o.status IN ('waiting', 'digest'))"
#define RETENTION_STATEMENTS(X) \
	X(PRUNE_DISMISSED, \
	  "SELECT f.no FROM finding f WHERE f.status = 'dismissed' AND f.last_seen_ms < ?1 AND " NO_ALERT_WAITS " ORDER BY f.last_seen_ms LIMIT ?2") \
	X(PRUNE_LOW, \
	  "SELECT f.no FROM finding f WHERE f.flagged = 0 AND f.status IN ('new', 'acknowledged') AND f.last_seen_ms < ?1 AND " NO_ALERT_WAITS \
	  " ORDER BY f.last_seen_ms LIMIT ?2") \
	X(PRUNE_COUNTERS, "DELETE FROM counters WHERE (log_no, day) IN (SELECT log_no, day FROM counters WHERE day < ?1 LIMIT ?2)") \
	X(PRUNE_SENT, \
	  "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE status IN ('sent', 'dead') AND sent_ms < ?1 ORDER BY sent_ms LIMIT ?2)") \
	X(PRUNE_MALFORMED, \
	  "DELETE FROM malformed WHERE log_no = ?1 AND entry_index IN (SELECT entry_index FROM malformed WHERE log_no = ?1 " \
	  "ORDER BY seen_ms DESC, entry_index DESC LIMIT ?3 OFFSET ?2)") \
	X(FREE_PAGES, "PRAGMA freelist_count") \
	X(PRUNE_LOGS, "SELECT DISTINCT log_no FROM malformed") \
	X(PRUNE_BUSY, \
	  "SELECT finding_no FROM link WHERE kept = 1 GROUP BY finding_no HAVING COUNT(*) > ?1 LIMIT ?2")

#include "proof_statements.h"
#include "report_statements.h"

#define STATEMENTS(X) \
	TRANSACTION_STATEMENTS(X) LOG_STATEMENTS(X) RANGE_STATEMENTS(X) HEAD_STATEMENTS(X) COUNTER_STATEMENTS(X) \
	CERTIFICATE_STATEMENTS(X) FINDING_STATEMENTS(X) MALFORMED_STATEMENTS(X) INCIDENT_STATEMENTS(X) OUTBOX_STATEMENTS(X) \
	QUOTA_STATEMENTS(X) \
	CLOCK_STATEMENTS(X) TRIAGE_STATEMENTS(X) FACT_STATEMENTS(X) RETENTION_STATEMENTS(X) REPORT_STATEMENTS(X) PROOF_STATEMENTS(X) VERIFY_STATEMENTS(X)

#endif
