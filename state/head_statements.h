/* Private to state/: statements about signed tree heads. */
#ifndef CTWATCH_STATE_HEAD_STATEMENTS_H
#define CTWATCH_STATE_HEAD_STATEMENTS_H

#define HEAD_COLUMNS "h.tree_size, h.timestamp_ms, h.root, h.raw, h.received_ms, h.verified_ms, h.source, h.standing"
#define HEADS_OF_LOG "FROM head h WHERE h.log_no = (SELECT no FROM log WHERE log_id = ?1)"

#define HEAD_STATEMENTS(X) \
	X(HEAD_PUT, \
	  "INSERT INTO head (log_no, tree_size, root, timestamp_ms, raw, received_ms, verified_ms, source, standing) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (log_no, tree_size, root, timestamp_ms) DO NOTHING") \
	X(HEAD_ROOTS_OF_SIZE, \
	  "SELECT root, MIN(timestamp_ms), MAX(verified_ms), MIN(standing), MIN(received_ms) FROM head WHERE log_no = ?1 AND tree_size = ?2 " \
	  "GROUP BY root ORDER BY MIN(standing) = 1, MIN(received_ms) LIMIT ?3") \
	X(HEAD_UNVERIFIED_SINCE, \
	  "SELECT COALESCE(MIN(h.received_ms), 0) FROM head h JOIN log ON log.no = h.log_no WHERE log.log_id = ?1 AND h.verified_ms = 0 AND " \
	  "h.standing = 0 AND h.tree_size > log.verified_size AND h.tree_size <= (" \
	  "SELECT r.stop FROM read_range r WHERE r.log_no = log.no AND r.start <= log.start_index ORDER BY r.start DESC LIMIT 1)") \
	X(HEAD_COUNT_ODD, "SELECT COUNT(*) FROM head WHERE log_no = ?1 AND standing <> 0") \
	/* of one tree that is signed again and again, the first and the newest */ \
	X(HEAD_THIN_RESIGNED, \
	  "DELETE FROM head WHERE log_no = ?1 AND tree_size = ?2 AND root = ?3 AND timestamp_ms > (SELECT MIN(f.timestamp_ms) FROM head f WHERE " \
	  "f.log_no = ?1 AND f.tree_size = ?2 AND f.root = ?3) AND timestamp_ms < (SELECT MAX(f.timestamp_ms) FROM head f WHERE f.log_no = ?1 AND " \
	  "f.tree_size = ?2 AND f.root = ?3)") \
	X(HEAD_LAST_RECEIVED, "SELECT MAX(received_ms) FROM head WHERE log_no = ?1") \
	/* of what is older than two days the newest of each hour, what is odd, and the one that the verified size stands on */ \
	X(HEAD_THIN, \
	  "DELETE FROM head WHERE log_no = ?1 AND received_ms >= ?2 AND received_ms < ?3 AND standing = 0 AND " \
	  "tree_size <> (SELECT verified_size FROM log WHERE no = ?1) AND EXISTS (SELECT 1 FROM head later WHERE later.log_no = ?1 AND " \
	  "later.standing = 0 AND later.received_ms > head.received_ms AND later.received_ms < (head.received_ms / 3600000 + 1) * 3600000)") \
	X(HEAD_VERIFY, "UPDATE head SET verified_ms = ?4, standing = 0 WHERE log_no = ?1 AND tree_size = ?2 AND root = ?3 AND verified_ms = 0") \
	X(HEAD_STAND, "UPDATE head SET standing = ?4 WHERE log_no = ?1 AND tree_size = ?2 AND root = ?3 AND verified_ms = 0") \
	X(HEAD_DROP, "DELETE FROM head WHERE log_no = ?1 AND tree_size = ?2 AND root = ?3") \
	X(HEAD_EACH, "SELECT " HEAD_COLUMNS " " HEADS_OF_LOG " AND (?2 = 0 OR h.verified_ms = 0) ORDER BY h.tree_size, h.timestamp_ms") \
	X(HEAD_EACH_BEYOND, "SELECT " HEAD_COLUMNS " " HEADS_OF_LOG " AND h.verified_ms = 0 AND h.tree_size > ?2 ORDER BY h.tree_size, h.received_ms") \
	X(HEAD_EACH_BELOW, \
	  "SELECT " HEAD_COLUMNS " " HEADS_OF_LOG " AND h.verified_ms = 0 AND h.tree_size <= ?2 AND h.standing = 0 ORDER BY h.tree_size DESC LIMIT 8") \
	X(HEAD_EACH_VERIFIED, "SELECT " HEAD_COLUMNS " " HEADS_OF_LOG " AND h.verified_ms > 0 AND h.tree_size <= ?2 ORDER BY h.tree_size DESC LIMIT 1") \
	/* the head is stored before its incident: a kill between the two must not keep it quiet */ \
	X(HEAD_EACH_UNTOLD, \
	  "SELECT " HEAD_COLUMNS " " HEADS_OF_LOG " AND h.standing = 1 AND h.tree_size <= ?2 AND NOT EXISTS (SELECT 1 FROM incident i WHERE " \
	  "i.log_id = ?1 AND i.class = 'FORK' AND (i.closed_ms = 0 OR MAX(i.updated_ms, i.closed_ms) >= h.received_ms)) LIMIT 1") \
	X(HEAD_EACH_OF_SIZE, "SELECT " HEAD_COLUMNS " " HEADS_OF_LOG " AND h.tree_size = ?2 ORDER BY h.standing, h.received_ms LIMIT 8")

#endif
