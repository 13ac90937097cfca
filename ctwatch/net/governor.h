/*
 * Rate control, one allowance per operator host: shards of one operator draw on one quota. Every request to a log asks
 * here first and says afterwards how it went.
 *
 *   ask --> waiting --granted--> (the request runs) --governor_done--> gone
 *
 * Per host: a token bucket for tree heads, so that a backlog never starves freshness, and one for everything else, where
 * reading at the head goes before filling gaps; a ceiling of requests under way; a rate that starts low, rises while it is
 * what holds us back, is halved by 429 and kept; pauses as Retry-After says, else full-jitter exponential back-off.
 * Time comes from a clock that is passed in. shared/spec/ct-protocols.md 1.13, 2.8.
 */
#ifndef CTWATCH_GOVERNOR_H
#define CTWATCH_GOVERNOR_H

#include <uv.h>

#include "base.h"

struct fetch_answer;
struct governor;
struct governor_ticket;             /* one request: waiting, then under way */

enum governor_class {
	GOVERNOR_HEAD,                    /* get-sth, checkpoint: an allowance of its own */
	GOVERNOR_TAIL,                    /* entries, tiles and proofs at the head */
	GOVERNOR_GAP,                     /* what is left goes to the backlog */
};

enum governor_outcome {
	GOVERNOR_OK,
	GOVERNOR_NEUTRAL,                 /* says nothing about the host: 400, 404, cancelled by us */
	GOVERNOR_THROTTLED,               /* 429, or 503 with Retry-After */
	GOVERNOR_TOO_MUCH,                /* the same for a request that may have asked for too much: a short pause, no longer ones */
	GOVERNOR_ERROR,                   /* 5xx, 403, no answer */
};

struct governor_options {
	uv_loop_t *loop;                  /* NULL: nothing runs by itself, the caller calls governor_run */
	int64_t (*steady_ms)(void *ctx);  /* NULL: uv_now(loop) */
	uint32_t (*random)(void *ctx);    /* for jitter; NULL: the system's */
	void *ctx;                        /* for both */
};

struct governor *governor_new(const struct governor_options *options);
/* Waiting tickets are dropped without a call; none may be under way any more. Memory is freed once the loop has closed the timer. */
void governor_close(struct governor *);

/*
 * `granted` runs on the loop, never inside this call, and at most once. `url` decides the host. The ticket then counts as
 * under way until governor_done or governor_cancel, which free it.
 */
struct governor_ticket *governor_ask(struct governor *, const char *url, enum governor_class class,
				     void (*granted)(void *ctx, struct governor_ticket *ticket), void *ctx);
/* The request is over. retry_after_ms: -1 when the answer named none. */
void governor_done(struct governor_ticket *, enum governor_outcome outcome, int64_t retry_after_ms);
/* No longer wanted, waiting or under way; says nothing about the host. NULL is fine. */
void governor_cancel(struct governor_ticket *);
/* What an answer says of its host; use its retry_after_ms too. */
enum governor_outcome governor_outcome_of(const struct fetch_answer *answer);

/* Grants what may run now; returns when to call again (INT64_MAX: not before something happens). */
int64_t governor_run(struct governor *);

/* The host whose quota a URL draws on: its authority, or the operator's shared domain. */
void governor_host(const char *url, char *out, size_t out_len);

/* What is known of a host, for `logs`, diagnostics and for keeping the rate over a restart. */
struct governor_status {
	char host[128];
	double rate;                      /* requests per second, heads apart */
	bool settled;                     /* the host has once said that it was too much: worth remembering */
	uint64_t requests, throttled, errors;
	size_t waiting, under_way;
	int64_t paused_until_ms;          /* on the governor's clock; 0: not paused */
};
/* False: never asked for. */
bool governor_status(const struct governor *, const char *url, struct governor_status *out);
void governor_each(const struct governor *, void (*fn)(void *ctx, const struct governor_status *status), void *ctx);
/* A settled rate of an earlier run; `host` as in governor_status. Clamped to the bounds of the host, and risen slowly from. */
void governor_remember(struct governor *, const char *host, double rate);

#endif
