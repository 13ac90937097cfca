/*
 * One polite request to a log: waits for the host's allowance, fetches, tells the governor how it went.
 *
 *   request_start --granted--> fetching --answer--> done, freed
 *        any time: request_cancel, freed, `done` is not called
 */
#ifndef CTWATCH_REQUEST_H
#define CTWATCH_REQUEST_H

#include "ingest.h"

struct request;

struct request_options {
	enum governor_class class;
	const char *url;                  /* copied */
	size_t max_bytes;
	int64_t timeout_ms;               /* 0: the fetcher's */
	bool fresh;                       /* over a new connection, past caches */
	bool tls_unverified;
	bool may_be_too_much;             /* the next request will be smaller: its failure is no sign that the host needs rest */
	struct state_counters *counters;  /* requests, errors, throttled are counted here; borrowed while it runs */
	/* On the loop, never inside request_start. The answer may be emptied (body moved out). */
	void (*done)(void *ctx, struct fetch_answer *answer);
	void *ctx;
};

struct request *request_start(struct ingest *, const struct request_options *options);
void request_cancel(struct request *);   /* NULL is fine */
/* Do patterns (* and ?) name a URL's host: as it stands there, without its port, or the operator's domain that shares one quota? */
bool request_host_in(const struct string_list *patterns, const char *url);
/* Does a front end say that the page is too large in bytes? It wants smaller pages, not fewer (spec 1.13). */
bool request_page_too_large(const struct fetch_answer *answer);
/* Does the log say that it does not have this, in whatever way it says so? Not: that it is asked too often, or ill. */
bool request_refused(const struct fetch_answer *answer);
/* "https://log/...: HTTP 503" or what kept an answer from coming: for errors and diagnostics. */
bool request_failed(const char *url, const struct fetch_answer *answer, struct error *err);
/*
 * The body, inflated if it came compressed: at most `max_bytes`, whatever it was sent as. Borrows from `answer` or from the inflater
 * that all share, until the next call.
 */
bool request_body(struct ingest *, const struct fetch_answer *answer, size_t max_bytes, struct slice *out, struct error *err);

#endif
