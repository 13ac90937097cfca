/*
 * A web server on the test's own loop that does exactly what the test says, however wrong: it sends raw bytes at once or in
 * drips, and closes or resets when told to. 127.0.0.1, a port of the system's choice.
 */
#ifndef CTWATCH_TESTS_UNRULY_H
#define CTWATCH_TESTS_UNRULY_H

#include <uv.h>

#include "base.h"

struct unruly;
struct unruly_answer;               /* one connection, while it waits for an answer */

struct unruly_request {
	char method[16], path[512];
	struct slice head;                /* request line and headers */
	struct slice body;
	size_t connection, nth;           /* which connection since the start; which request on it; both from 0 */
};
typedef void unruly_handler(void *ctx, struct unruly_answer *answer, const struct unruly_request *request);

struct unruly *unruly_start(uv_loop_t *loop, unruly_handler *handler, void *ctx);
int unruly_port(const struct unruly *);
size_t unruly_connections(const struct unruly *);    /* accepted so far */
void unruly_stop(struct unruly *);                   /* the loop then runs until all is closed */
/* The value of a header of the request ("User-Agent"), or empty. */
struct slice unruly_header(const struct unruly_request *request, const char *name);

void unruly_send(struct unruly_answer *, const void *data, size_t len);
void unruly_text(struct unruly_answer *, const char *raw);
/* A proper answer with Content-Length. `headers`: lines with \r\n, or "". */
void unruly_reply(struct unruly_answer *, int status, const char *headers, struct slice body);
/* `step` bytes every `interval_ms`; a repeating filler of `total` bytes. */
void unruly_drip(struct unruly_answer *, size_t total, size_t step, uint64_t interval_ms);
void unruly_close(struct unruly_answer *);           /* after what was sent */
void unruly_reset(struct unruly_answer *);           /* RST */

#endif
