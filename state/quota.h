/*
 * Private to state/: what one log, and all logs of one operator together, may make us send and keep. Who may log what it likes can
 * fill a disk and every mailbox with made-up entries; past a ceiling less is kept of each, nothing is lost in silence, and the
 * incident OVER_BUDGET says which ceiling it was and how much more came.
 */
#ifndef CTWATCH_STATE_QUOTA_H
#define CTWATCH_STATE_QUOTA_H

#include "sql.h"

enum quota_kind {
	QUOTA_ALERTS,        /* an hour: further findings are stored, not sent */
	QUOTA_STORED,        /* a day: further certificates are kept without their bytes */
	QUOTA_FINDINGS,      /* a day: further ones are counted only */
	QUOTA_ISSUERS,       /* a day: further issuer certificates are not kept */
	QUOTA_EVIDENCE,      /* a day: further evidence of incidents is not kept */
	N_QUOTAS,
};

/* Is anything left, of the log's own and of its operator's? */
bool quota_left(struct state *, int64_t log_no, enum quota_kind kind, int64_t now_ms, bool *left, struct error *err);
bool quota_spend(struct state *, int64_t log_no, enum quota_kind kind, uint64_t n_bytes, int64_t now_ms, struct error *err);
/* One more came than there is budget for: counted, and told by the incident. */
bool quota_exceed(struct state *, int64_t log_no, enum quota_kind kind, int64_t now_ms, struct error *err);
/* Called now and then: the incident is over when nothing came past a ceiling for two hours. */
bool quota_settle(struct state *, int64_t log_no, int64_t now_ms, struct error *err);

#endif
