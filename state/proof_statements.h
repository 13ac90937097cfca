/* Private to state/: statements about inclusion proofs. */
#ifndef CTWATCH_STATE_PROOF_STATEMENTS_H
#define CTWATCH_STATE_PROOF_STATEMENTS_H

/* Proofs that the finding `f` has: only certificates that it keeps in full are looked at, which are STATE_CERTIFICATES_KEPT at most. */
#define PROOFS_OF_FINDING \
	"(SELECT COUNT(*) FROM link k JOIN leaf l ON l.certificate_no = k.certificate_no JOIN proof p ON p.leaf_no = l.no " \
	"WHERE k.finding_no = f.no AND k.kept = 1)"
/* A leaf as long as the ceiling was cut: it hashes to nothing. */
#define UNPROVEN_LEAVES \
	"FROM leaf CROSS JOIN sighting s ON s.log_no = leaf.log_no AND s.entry_index = leaf.entry_index AND s.certificate_no = leaf.certificate_no " \
	"WHERE leaf.log_no = ?1 AND leaf.entry_index >= ?2 AND leaf.entry_index < ?3 AND length(leaf.leaf) < ?5 AND (?4 = 0 OR s.verified = 1) AND " \
	"NOT EXISTS (SELECT 1 FROM leaf other JOIN proof ON proof.leaf_no = other.no WHERE other.certificate_no = leaf.certificate_no) AND EXISTS (SELECT 1 FROM link JOIN finding f ON f.no = link.finding_no " \
	"WHERE link.certificate_no = leaf.certificate_no AND f.flagged = 1 AND f.status <> 'dismissed' AND " PROOFS_OF_FINDING " < ?6)"

#define PROOF_STATEMENTS(X) \
	X(PROOF_NEXT, "SELECT leaf.entry_index, leaf.leaf, s.timestamp_ms " UNPROVEN_LEAVES " ORDER BY leaf.entry_index LIMIT 1") \
	X(PROOF_HEAD, \
	  "SELECT tree_size, timestamp_ms, root, raw, received_ms FROM head WHERE log_no = ?1 AND tree_size > ?2 AND verified_ms > 0 " \
	  "ORDER BY tree_size DESC, timestamp_ms DESC LIMIT 1") \
	X(PROOF_LEAVES, "SELECT no FROM leaf WHERE log_no = ?1 AND entry_index = ?2 AND (?3 IS NULL OR leaf = ?3)") \
	X(PROOF_PUT, \
	  "INSERT INTO proof (leaf_no, proven_index, tree_size, timestamp_ms, root, head_received_ms, kept_ms, head_raw, log_key, log_entry, path) " \
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (leaf_no) DO NOTHING") \
	X(PROOF_ANSWER_PUT, \
	  "INSERT INTO proof_answer (leaf_no, nth, url, peer, status, received_ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(PROOF_GET, \
	  "SELECT p.leaf_no, p.proven_index, p.tree_size, p.timestamp_ms, p.root, p.head_received_ms, p.kept_ms, p.head_raw, p.log_key, " \
	  "p.log_entry, p.path FROM leaf JOIN proof p ON p.leaf_no = leaf.no WHERE leaf.log_no = ?1 AND leaf.entry_index = ?2 AND (?3 IS NULL OR leaf.leaf = ?3) LIMIT 1") \
	X(PROOF_ANSWERS, "SELECT url, peer, status, received_ms, body FROM proof_answer WHERE leaf_no = ?1 ORDER BY nth LIMIT ?2")

#endif
