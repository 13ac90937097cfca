/*
 * What sinks that speak HTTP share: URL, headers, TLS options, an HMAC signature, and what each answer means. Private to
 * alerts/. A sink type adds only its body.
 */
#ifndef CTWATCH_ALERTS_HTTP_H
#define CTWATCH_ALERTS_HTTP_H

#include "sink.h"

#define HTTP_ANSWER_MAX (64u << 10)

struct http_sink {
	char *url;                        /* may hold a token: never printed; see http_describe */
	char *secret;                     /* HMAC-SHA256 key, or NULL */
	char *bearer;                     /* Authorization: Bearer, or NULL */
	char **headers;                   /* "Name: value", NULL-terminated */
	char *content_type;
	char *ca_file, *client_cert, *client_key;
	int64_t timeout_ms;
	bool shrinks_when_refused;        /* a service of another shape says 400 to what is too long, not 413 */
	/* Appends the body of one delivery, with as much left out as delivery->shrink says. */
	bool (*body)(struct sink *sink, const struct delivery *delivery, struct buf *out);
	/* What a 2xx answer really says: anything but DELIVERY_OK with a sentence in `why`. May be NULL. */
	enum delivery_result (*accept)(struct delivery *delivery, struct slice answer, char *why, size_t why_len);
	void *own;                        /* of the type on top */
};

/* Keys: url (or url_file), secret(_file), token(_file), headers, ca_file, client_cert, client_key, timeout. */
#define HTTP_KEYS "url", "url_file", "secret", "secret_file", "token", "token_file", "headers", "ca_file", "client_cert", "client_key", "timeout"

bool http_open(struct http_sink *http, const struct sink *sink, const struct config *config, const json_t *object, const char *default_url, struct error *err);
void http_deinit(struct http_sink *http);
void http_deliver(struct sink *sink, struct delivery *delivery, struct http_sink *http);
/* "https://hooks.example/...": scheme and host only, since paths hold tokens. */
void http_describe(const struct http_sink *http, const char *what, struct buf *out);

#endif
