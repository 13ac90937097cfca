/* An HTTP receiver on the test's own loop: keeps what was posted, and answers as it is told. */
#ifndef CTWATCH_TESTS_HTTP_RECEIVER_H
#define CTWATCH_TESTS_HTTP_RECEIVER_H

#include <uv.h>

#include "base.h"

#define RECEIVER_REQUESTS_MAX 4096

struct receiver {
	uv_tcp_t server;
	int port;
	size_t n;                         /* requests that came in whole */
	char *heads[RECEIVER_REQUESTS_MAX], *bodies[RECEIVER_REQUESTS_MAX];
	int status;                       /* answered from now on; 0: hangs up without an answer */
	const char *answer;               /* body of the answer */
	const char *header;               /* another header line with its end, or "" */
	int (*decide)(struct receiver *r, const char *body);   /* the status for a request, or NULL: `status` for all */
	size_t n_decided;                 /* for it to count with */
};

void receiver_start(struct receiver *r, uv_loop_t *loop);
/* Also forgets what came. The loop runs until its handle is closed. */
void receiver_stop(struct receiver *r);
/* The value of a header of request i, or NULL; malloc'd. */
char *receiver_header(const struct receiver *r, size_t i, const char *name);

#endif
