/* The inside of fetch.c, fetch_headers.c and fetch_sockets.c. */
#ifndef CTWATCH_FETCH_PRIVATE_H
#define CTWATCH_FETCH_PRIVATE_H

#include "fetch.h"

#define HEADER_BYTES_MAX (64u << 10)      /* all headers of one answer, 1xx and trailers included */

struct fetch {
	struct fetcher *fetcher;
	struct fetch *prev, *next;        /* in fetcher->waiting or ->running */
	CURL *easy;
	struct curl_slist *headers;
	struct buf request_body;
	char error[CURL_ERROR_SIZE];
	fetch_done_fn *done;
	void *ctx;
	struct fetch_answer answer;
	size_t header_bytes;
	char content_encoding[64];
	bool running, paused, body_begun, bad_headers;
};

struct fetch_queue {
	struct fetch *first, *last;
	size_t n;
};

struct fetcher {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;                 /* curl's */
	uv_timer_t gate;                  /* starts what waits */
	struct fetch_queue waiting, running;
	struct socket_watch *watches;
	char *user_agent, *proxy, *ca_file;
	char **allow_http;
	int64_t stall_ms;
	uint64_t bytes_per_second, in_flight;
	size_t n_paused;
	double allowance;                 /* bytes that may come now; negative: in debt */
	uint64_t refilled_ms;
	size_t holders;                   /* open handles, and calls into us that are on the stack */
	bool closing;
};

/* fetch.c. Whoever calls into curl holds the fetcher meanwhile: `done` may close it. The last holder frees. */
void fetch_release(struct fetcher *);
/* Tells what has ended; the caller holds. */
void fetch_read_finished(struct fetcher *);

/* fetch_headers.c: curl's header callback; `ctx` is the fetch. */
size_t fetch_headers_take(char *data, size_t size, size_t n, void *ctx);

/* fetch_sockets.c: curl's sockets and its timer on the loop. */
void fetch_sockets_start(struct fetcher *);
/* After curl_multi_cleanup. */
void fetch_sockets_stop(struct fetcher *);

#endif
