/*
 * Following CT logs: what all watchers share. The daemon fills it in, owns all of it, and outlives every watcher.
 */
#ifndef CTWATCH_INGEST_H
#define CTWATCH_INGEST_H

#include "budget.h"
#include "clock.h"
#include "config.h"
#include "diag.h"
#include "fetch.h"
#include "governor.h"
#include "incident_class.h"
#include "pool.h"
#include "store.h"

struct watcher;

/* Issuer certificates that are known to be kept, so that the state is not asked about each match. */
struct issuer_set {
	struct hash items[1024];
	size_t n, oldest;
};

/* How requests to logs go out. */
struct transport {
	/* As fetch_start and fetch_cancel (net/fetch.h). */
	struct fetch *(*start)(void *ctx, const struct fetch_request *request, struct error *err);
	void (*cancel)(void *ctx, struct fetch *fetch);
	void *ctx;
};

enum watcher_outcome {
	WATCHER_UNSETTLED,
	WATCHER_CAUGHT_UP,                /* everything up to the head seen at the start is read and committed */
	WATCHER_STARTED_AT_END,           /* "start: end", first time: where it starts is recorded */
	WATCHER_LEFT_BEHIND,              /* no progress for too long */
};

struct ingest {
	uv_loop_t *loop;
	struct fetcher *fetcher;
	const struct transport *transport;    /* NULL: through the fetcher; tests answer themselves */
	struct governor *governor;
	struct store *store;
	struct pool *pool;
	struct diag *diag;
	const struct config *config;
	struct budget budget;             /* memory_bytes */
	struct inflater *inflater;        /* for the small answers that are inflated on the loop; made when needed */
	struct clock clock;

	bool once;                        /* catch up to the head seen first, then settle */
	int64_t progress_timeout_ms;      /* once: a log without progress for so long is left behind */
	/* A watcher has settled (once). On the loop; must not close watchers from inside. */
	void (*settled)(void *ctx, struct watcher *w, enum watcher_outcome outcome);
	void *settled_ctx;

	struct issuer_set issuers;

	/* our own clock, judged by what servers say (CLOCK_SUSPECT) */
	struct clock_watch clock_watch;
	unsigned n_dates, n_dates_off;
	bool clock_suspect;
	bool clock_was_set;               /* so lately that servers have not yet been heard about it */
	unsigned n_answers_since;
};

int64_t ingest_steady_ms(const struct ingest *);
int64_t ingest_wall_ms(const struct ingest *);
/* May a log be told by our own clock? Not while servers deny it, nor until they were heard after it was set. */
bool ingest_clock_is_good(const struct ingest *);

#endif
