/* Private to state/: statements about sightings whose leaf is, or is not, in a signed tree. */
#ifndef CTWATCH_STATE_VERIFY_STATEMENTS_H
#define CTWATCH_STATE_VERIFY_STATEMENTS_H

/* Values of sighting.fits; see leaves.c. */
#define LEAF_UNKNOWN 0
#define LEAF_FITS 1
#define LEAF_REPLACED 2

/* What is decided about: not verified, not withdrawn. Goes by the index of unverified sightings. */
#define OPEN_SIGHTINGS "log_no = ?1 AND entry_index >= ?2 AND entry_index < ?3 AND verified = 0 AND withdrawn_ms = 0"

/* No sighting of the finding `f` may still be in a log, and one is known not to be. */
#define FINDING_WITHDRAWN \
	"(f.verified = 0 AND NOT EXISTS (SELECT 1 FROM link k JOIN sighting s ON s.certificate_no = k.certificate_no " \
	"WHERE k.finding_no = f.no AND s.withdrawn_ms = 0) AND EXISTS (SELECT 1 FROM link k JOIN sighting s " \
	"ON s.certificate_no = k.certificate_no WHERE k.finding_no = f.no AND s.withdrawn_ms > 0))"

#define VERIFY_STATEMENTS(X) \
	X(SIGHTING_AGAIN, \
	  "UPDATE sighting SET leaf_hash = ?4, timestamp_ms = ?5, fits = ?6 WHERE log_no = ?1 AND entry_index = ?2 AND certificate_no = ?3 AND " \
	  "verified = 0 AND withdrawn_ms = 0 AND (leaf_hash IS NULL OR leaf_hash <> ?4 OR fits <> ?6)") \
	X(LEAF_REPLACE, "UPDATE leaf SET leaf = ?4, extra = ?5 WHERE log_no = ?1 AND entry_index = ?2 AND certificate_no = ?3") \
	X(LEAVES_OPEN, \
	  "SELECT s.entry_index, s.certificate_no, s.leaf_hash, s.fits, leaf.leaf FROM sighting s LEFT JOIN leaf ON leaf.log_no = s.log_no AND " \
	  "leaf.entry_index = s.entry_index AND leaf.certificate_no = s.certificate_no AND s.leaf_hash IS NULL " \
	  "WHERE s.log_no = ?1 AND s.entry_index >= ?2 AND s.entry_index < ?3 AND s.verified = 0 AND s.withdrawn_ms = 0") \
	X(LEAF_SETTLE, "UPDATE sighting SET leaf_hash = ?4, fits = ?5 WHERE log_no = ?1 AND entry_index = ?2 AND certificate_no = ?3") \
	X(VERIFY_FINDINGS, \
	  "UPDATE finding SET verified = 1 WHERE verified = 0 AND no IN (SELECT link.finding_no FROM sighting s " \
	  "JOIN link ON link.certificate_no = s.certificate_no WHERE s.log_no = ?1 AND s.entry_index >= ?2 AND s.entry_index < ?3 AND " \
	  "s.verified = 0 AND s.withdrawn_ms = 0 AND s.fits = 1)") \
	X(VERIFY_SIGHTINGS, "UPDATE sighting SET verified = 1 WHERE " OPEN_SIGHTINGS " AND fits = 1") \
	X(VERIFY_FINDINGS_OF_LEAF, \
	  "UPDATE finding SET verified = 1 WHERE verified = 0 AND no IN (SELECT link.finding_no FROM sighting s " \
	  "JOIN link ON link.certificate_no = s.certificate_no WHERE s.log_no = ?1 AND s.entry_index = ?2 AND s.leaf_hash = ?3)") \
	X(VERIFY_LEAF, \
	  "UPDATE sighting SET verified = 1, withdrawn_ms = 0 WHERE log_no = ?1 AND entry_index = ?2 AND leaf_hash = ?3 AND verified = 0") \
	X(WITHDRAW_EACH, \
	  "SELECT s.entry_index, f.id, f.name, s.leaf_hash, leaf.leaf FROM sighting s JOIN link ON link.certificate_no = s.certificate_no " \
	  "JOIN finding f ON f.no = link.finding_no LEFT JOIN leaf ON leaf.log_no = s.log_no AND leaf.entry_index = s.entry_index AND " \
	  "leaf.certificate_no = s.certificate_no WHERE s.log_no = ?1 AND s.entry_index >= ?2 AND s.entry_index < ?3 AND s.verified = 0 AND " \
	  "s.withdrawn_ms = 0 AND s.fits = 2 ORDER BY s.entry_index, f.score DESC") \
	X(WITHDRAW_SIGHTINGS, "UPDATE sighting SET withdrawn_ms = ?4 WHERE " OPEN_SIGHTINGS " AND fits = 2")

#endif
