/*
 * A small HTTP/1.1 server on libuv: GET and POST, keep-alive, one request of a connection at a time. An answer can be
 * delivered badly on purpose.
 */
#ifndef FAKELOG_HTTP_H
#define FAKELOG_HTTP_H

#include <uv.h>

#include "base.h"

#define HTTP_TARGET_MAX 2048
#define HTTP_ANSWER_MAX (512u << 20)

struct http_request {
	char method[8];
	char path[HTTP_TARGET_MAX];      /* percent-decoding is left to those who need it */
	char query[HTTP_TARGET_MAX];     /* after '?', or empty */
	bool accepts_gzip;
};
/* The value of a query parameter, percent-decoded, or false. */
bool http_query(const struct http_request *request, const char *name, char *out, size_t out_len);
bool http_query_number(const struct http_request *request, const char *name, uint64_t *out);

enum delivery {
	DELIVER,
	DELIVER_DRIP,            /* two bytes every 100 ms */
	DELIVER_CUT,             /* half of the body, then close */
	DELIVER_LENGTH_HIGH,     /* announces 1000 bytes too many, then closes */
	DELIVER_LENGTH_LOW,      /* announces half of them */
	DELIVER_RESET,           /* TCP reset, no bytes */
	DELIVER_HANG,            /* nothing until the client goes away */
};

struct http_answer {
	int status;
	const char *content_type;
	struct buf headers;              /* further header lines, each with \r\n */
	struct buf body;
	enum delivery delivery;
	bool close;
	bool gzip;                       /* the body is gzip already */
	bool want_gzip;                  /* compress it before sending */
	unsigned delay_ms;
};
/* Status, type, and text of an answer, replacing its body. */
void http_say(struct http_answer *answer, int status, const char *content_type, const char *format, ...) PRINTF_LIKE(4, 5);
/* Replaces the body by its gzip form. */
void http_gzip(struct http_answer *answer);

typedef void http_handler(void *ctx, const struct http_request *request, struct http_answer *answer);

struct http_server;
/* Listens on address:port; port 0 takes a free one. */
struct http_server *http_server_new(uv_loop_t *loop, const char *address, int port, http_handler *handler, void *ctx, struct error *err);
int http_server_port(const struct http_server *);
/* Closes the listening socket and all connections; the loop then runs empty and frees them. */
void http_server_close(struct http_server *);

#endif
