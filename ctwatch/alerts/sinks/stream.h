/*
 * A connection to one receiver over TCP, with TLS on top where asked: opened when first written to, kept, opened again after it
 * broke. Private to alerts/ (syslog).
 *
 *   CLOSED --write--> CONNECTING --(TLS: HANDSHAKING)--> OPEN --peer closes, error--> CLOSED
 */
#ifndef CTWATCH_STREAM_H
#define CTWATCH_STREAM_H

#include <uv.h>

#include "base.h"

struct stream;

struct stream_options {
	const char *host, *port;
	bool tls;
	const char *ca_file;              /* NULL: the system's */
	const char *client_cert, *client_key;   /* NULL: none */
};
/* Copies what it is given. Contacts nothing. */
struct stream *stream_new(const struct stream_options *options, struct error *err);
/* Gives up what is under way (no callback) and frees itself once the loop has closed its handles. */
void stream_free(struct stream *);

/*
 * Writes all bytes; one at a time. `written` runs on the loop, never inside: ok means that the peer's system has
 * acknowledged every byte, which is as much as a protocol without answers can show.
 */
void stream_write(struct stream *, uv_loop_t *loop, struct slice bytes, void (*written)(void *ctx, bool ok, const char *why), void *ctx);
bool stream_busy(const struct stream *);
void stream_cancel(struct stream *);

#endif
