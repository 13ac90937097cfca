/*
 * One log, followed: its heads, what was read of it, what it did wrong. A machine on the loop; the only shared things are
 * in struct ingest.
 */
#ifndef CTWATCH_WATCHER_H
#define CTWATCH_WATCHER_H

#include "ingest.h"
#include "lists.h"

struct watcher_options {
	struct ingest *ingest;
	const struct listed_log *log;     /* copied */
	enum follow_how how;
	int64_t first_poll_delay_ms;      /* start-up is staggered */
	/* `scan`: read [scan_from, scan_to) and nothing else; positions are not stored. */
	bool scan;
	uint64_t scan_from, scan_to;      /* scan_to UINT64_MAX: up to the head */
	bool scan_save;
	void (*scan_found)(void *ctx, const struct watcher *w, const struct found *found);
	/* What was read below `up_to` is proven to be part of a head that the log signed. */
	void (*scan_proven)(void *ctx, const struct watcher *w, uint64_t up_to);
	/* What was read of [from, to) does not hash to a signed root: it is read again, and what was found there may not be in the log. */
	void (*scan_forgotten)(void *ctx, const struct watcher *w, uint64_t from, uint64_t to);
	void *scan_ctx;
};

/* ERR_MALFORMED: the log's key cannot be used. */
bool watcher_start(const struct watcher_options *options, struct watcher **out, struct error *err);
/* `closed` runs on the loop once nothing of the watcher is left under way; the watcher is gone then. */
void watcher_close(struct watcher *, void (*closed)(void *ctx), void *ctx);
/* The lists said something new about it: lifecycle, final head, name. */
void watcher_update(struct watcher *, const struct listed_log *log, enum follow_how how);
/* Go on where the budget, a full disk or a configuration change held it back. */
void watcher_wake(struct watcher *);

struct watcher_status {
	const char *name, *url;
	const struct hash *log_id;
	uint64_t head_size, position, verified_size, start_index;
	uint64_t entries_read;            /* by this process */
	bool has_head, contradicted;
	uint64_t answered_at;             /* uv_now of the loop at the last good head; 0: none by this process */
	enum watcher_outcome outcome;
	char last_error[512];             /* empty when all is well */
	uint64_t scan_from, scan_to;      /* known once the head is */
	uint64_t scan_proven;             /* entries read below it are part of a signed head */
};
void watcher_status(const struct watcher *, struct watcher_status *out);

#endif
