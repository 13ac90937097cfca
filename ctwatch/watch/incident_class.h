/* What logs do wrong (shared/spec/ct-protocols.md 4.7), one row per class. */
#ifndef CTWATCH_INCIDENT_CLASS_H
#define CTWATCH_INCIDENT_CLASS_H

#include <stdbool.h>

enum incident_class {
	INCIDENT_FORK,
	INCIDENT_INCONSISTENT_STH,
	INCIDENT_ENTRIES_MISMATCH,
	INCIDENT_ENTRIES_FLAP,
	INCIDENT_UNLOGGED_ENTRY,          /* a match was served that the signed tree does not hold */
	INCIDENT_ROLLBACK,
	INCIDENT_READONLY_GREW,
	INCIDENT_FINAL_HEAD_MISMATCH,
	INCIDENT_MMD_VIOLATION,
	INCIDENT_BAD_STH_SIGNATURE,
	INCIDENT_STALE_STH,
	INCIDENT_FUTURE_STH,
	INCIDENT_STH_ORDER,
	INCIDENT_TIMESTAMP_ORDER,
	INCIDENT_MISSING_TILE,
	INCIDENT_MISSING_ENTRIES,
	INCIDENT_TILE_MALFORMED,
	INCIDENT_TILE_HASH_MISMATCH,
	INCIDENT_LEAF_INDEX_MISMATCH,
	INCIDENT_ORIGIN_MISMATCH,
	INCIDENT_NOTE_NONCONFORMING,
	INCIDENT_WRONG_SHARD,
	INCIDENT_MALFORMED_ENTRY,
	INCIDENT_UNKNOWN_ENTRY_TYPE,
	INCIDENT_UNPARSABLE_CERT,
	INCIDENT_ISSUER_MISSING,
	INCIDENT_OVER_BUDGET,             /* also opened by the state (state/quota.c) */
	INCIDENT_UNREACHABLE,             /* for an hour */
	INCIDENT_UNREACHABLE_DAY,
	INCIDENT_CHECK_REFUSED,           /* what a check of signed heads needs cannot be had */
	INCIDENT_VERIFICATION_STALLED,
	INCIDENT_STATE_DAMAGED,
	INCIDENT_BACKLOG,
	INCIDENT_RATE_LIMITED,
	INCIDENT_CLOCK_SUSPECT,
	N_INCIDENT_CLASSES,
};

enum incident_end {
	ENDS_NEVER,               /* a proof that stays true: only `incidents close` ends it */
	ENDS_WITH_STATE,          /* closed when the watcher sees that it is over */
	ENDS_WITH_QUIET,          /* closed when nothing of the kind was seen for a day */
};

struct incident_row {
	const char *name, *severity;
	bool contradiction;       /* the log denies what it signed: exit code 3 */
	bool by_clock;            /* says nothing while our own clock is suspect */
	enum incident_end end;
	const char *subject;      /* two classes under one name are told apart by it; NULL: whatever the subject, one incident a log at a time */
};
/* Is an incident of the state of this class? */
bool incident_is(enum incident_class class, const char *name, const char *subject);
extern const struct incident_row INCIDENT_ROWS[N_INCIDENT_CLASSES];

#endif
