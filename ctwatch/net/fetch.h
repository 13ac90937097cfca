/*
 * Requests on the loop: libcurl's multi interface over libuv sockets. HTTP(S) for logs, lists, webhooks and RDAP;
 * SMTP for mail. Knows nothing of rates (governor.h) or retries: one request, one answer.
 *
 * `done` never runs inside fetch_start, nor after fetch_cancel.
 */
#ifndef CTWATCH_FETCH_H
#define CTWATCH_FETCH_H

#include <curl/curl.h>
#include <uv.h>

#include "base.h"

struct fetcher;
struct fetch;                       /* one request under way */

/*
 * "ctwatch/0.1.0 (+<CTWATCH_PROJECT_URL, of the build>; soc@example.org)": logs put clients without an address into one slow lane (shared/spec/ct-protocols.md
 * 2.8). `contact` NULL or empty: the project alone; a build without a page leaves it out. What would break the header is left out. malloc'd.
 */
char *user_agent_make(const char *contact);

struct fetcher_options {
	const char *user_agent;
	const char *proxy;                /* or NULL: the environment decides */
	const char *ca_file;              /* or NULL: the system's */
	uint64_t bytes_per_second;        /* all transfers together; 0: no limit */
	const char *const *allow_http;    /* hosts that plain http:// may name beside loopback; NULL-terminated or NULL; copied */
	int64_t stall_ms;                 /* a transfer below 100 bytes/s for so long ends; 0: 30 s */
};
struct fetcher *fetcher_new(uv_loop_t *loop, const struct fetcher_options *options);
/* Cancels everything under way, no `done` runs any more; the loop then runs until the handles are closed. NULL is fine. */
void fetcher_close(struct fetcher *);
void fetcher_set_limit(struct fetcher *, uint64_t bytes_per_second);
/* Hosts that plain http:// may name from now on, as in the options. */
void fetcher_set_allow_http(struct fetcher *, const char *const *hosts);
uint64_t fetcher_bytes_in_flight(const struct fetcher *);

struct fetch_answer {
	long status;                      /* HTTP or SMTP; 0 when there was no answer */
	struct buf body;                  /* as it came: not inflated. Move it out (and zero it here) to keep it */
	bool gzip;                        /* Content-Encoding: gzip or x-gzip */
	int64_t retry_after_ms;           /* -1: not said; clamped to 1 s .. 15 min */
	int64_t date_ms;                  /* the server's Date, or 0 */
	char etag[128], last_modified[64], content_type[64];
	char peer[64];                    /* address:port */
	double seconds;
	bool tls_failed, timed_out, too_large, redirected;
	bool asked;                       /* a connection came about and the request went out: what failed, failed by the answer */
	char error[256];                  /* one sentence when status is 0 or the body is unusable; else empty */
};

typedef void fetch_done_fn(void *ctx, struct fetch_answer *answer);

struct fetch_request {
	const char *url;
	const char *method;               /* NULL: GET, or POST with a body */
	const char *const *headers;       /* "Name: value", NULL-terminated, or NULL */
	struct slice body;                /* copied */
	size_t max_bytes;                 /* ceiling of the answer's body as received */
	int64_t timeout_ms;               /* whole transfer; 0: 60 s. A stalled transfer ends earlier: see fetcher_options */
	bool accept_gzip;                 /* ask for gzip; the body stays as it came */
	bool fresh;                       /* new connection and Cache-Control: no-cache */
	bool no_keepalive;                /* close the connection afterwards */
	bool tls_unverified;              /* read on although the certificate does not verify: only for logs, whose data is signed */
	/* Last word before the transfer starts: SMTP options, client certificates ... or NULL. */
	void (*configure)(void *ctx, CURL *easy);
	void *configure_ctx;
	fetch_done_fn *done;
	void *ctx;
};

/* NULL with `err` only for a refused URL (plain http, unknown scheme). */
struct fetch *fetch_start(struct fetcher *, const struct fetch_request *request, struct error *err);
void fetch_cancel(struct fetch *);        /* NULL is fine */
uint64_t fetch_bytes(const struct fetch *);    /* of the body, so far */
/* May plain text go there? Loopback (127/8, ::1, localhost) or a host that `allow_http` names. */
bool fetch_may_be_plain(const char *url, const char *const *allow_http);

#endif
