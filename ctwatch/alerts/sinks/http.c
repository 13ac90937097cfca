/* See http.h. */
#include "http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

#include "envelope_fit.h"
#include "render.h"
#include "url.h"

#define TIMEOUT_MS 30000
#define BODY_MAX (8u << 20)
#define HEADERS_MAX 32

static bool wrong(struct error *err, const struct sink *sink, const char *key, const char *wanted)
{
	return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" wants %s", sink->name, key, wanted);
}

static bool one_line(const char *text)
{
	return strpbrk(text, "\r\n") == NULL;
}

static bool read_headers(struct http_sink *http, const struct sink *sink, const json_t *object, struct error *err)
{
	const json_t *headers = json_object_get(object, "headers");
	const char *name;
	json_t *value;
	size_t n = 0;

	if (headers != NULL && (!json_is_object(headers) || json_object_size(headers) > HEADERS_MAX))
		return wrong(err, sink, "headers", "an object of names and values");
	http->headers = xcalloc(HEADERS_MAX + 1, sizeof(*http->headers));
	json_object_foreach((json_t *)headers, name, value) {
		if (!json_is_string(value) || !one_line(name) || !one_line(json_string_value(value)) || strchr(name, ':') != NULL)
			return wrong(err, sink, "headers", "names and values of one line each");
		http->headers[n++] = xasprintf("%s: %s", name, json_string_value(value));
	}
	return true;
}

static bool read_path(char **out, const struct sink *sink, const struct config *config, const json_t *object, const char *key, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return true;
	if (!json_is_string(value))
		return wrong(err, sink, key, "the path of a PEM file");
	*out = config_resolve(config, json_string_value(value));
	return true;
}

bool http_open(struct http_sink *http, const struct sink *sink, const struct config *config, const json_t *object, const char *default_url, struct error *err)
{
	const json_t *timeout = json_object_get(object, "timeout");

	http->timeout_ms = TIMEOUT_MS;
	if (http->content_type == NULL)
		http->content_type = xstrdup("application/json");
	if (timeout != NULL && (!json_is_string(timeout) || !duration_parse(slice_text(json_string_value(timeout)), &http->timeout_ms) ||
				http->timeout_ms < 1000 || http->timeout_ms > 600000))
		return wrong(err, sink, "timeout", "a duration from 1s to 10m");
	if (!read_headers(http, sink, object, err) || !config_secret(config, object, "url", &http->url, err) ||
	    !config_secret(config, object, "secret", &http->secret, err) || !config_secret(config, object, "token", &http->bearer, err) ||
	    !read_path(&http->ca_file, sink, config, object, "ca_file", err) ||
	    !read_path(&http->client_cert, sink, config, object, "client_cert", err) ||
	    !read_path(&http->client_key, sink, config, object, "client_key", err))
		return error_context(err, "alerts: sink \"%s\"", sink->name);
	if (http->url == NULL && default_url != NULL)
		http->url = xstrdup(default_url);
	if (http->url == NULL)
		return wrong(err, sink, "url", "the address to post to (or \"url_file\", a file that holds it)");
	if (!url_is_http(http->url) || !one_line(http->url))
		return wrong(err, sink, "url", "an https:// address");
	if (!url_check(http->url, (const char *const *)config->allow_http.items, err))
		return error_context(err, "alerts: sink \"%s\"", sink->name);
	if ((http->bearer != NULL && !one_line(http->bearer)))
		return wrong(err, sink, "token", "one line");
	return true;
}

void http_deinit(struct http_sink *http)
{
	for (size_t i = 0; http->headers != NULL && http->headers[i] != NULL; i++)
		free(http->headers[i]);
	free(http->headers);
	free(http->url);
	free(http->secret);
	free(http->bearer);
	free(http->content_type);
	free(http->ca_file);
	free(http->client_cert);
	free(http->client_key);
}

void http_describe(const struct http_sink *http, const char *what, struct buf *out)
{
	const char *host = strstr(http->url, "://") + 3;
	const char *at = memchr(host, '@', strcspn(host, "/?#"));

	if (at != NULL)
		host = at + 1;
	buf_printf(out, "%s at %.*s://%.*s/...", what, (int)(strstr(http->url, "://") - http->url), http->url, (int)strcspn(host, "/?#"), host);
}

/* ---- one request ------------------------------------------------------------------------------------------ */

struct post {
	struct delivery *delivery;
	struct http_sink *http;
	struct fetch *fetch;
};

/*
 * X-Ctwatch-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">. Receivers refuse old t against replays, and
 * compare in constant time.
 */
static char *signature_header(const struct http_sink *http, struct slice body, int64_t now_ms)
{
	struct buf signed_bytes;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1];

	buf_init(&signed_bytes, BODY_MAX + 64);
	buf_printf(&signed_bytes, "%" PRId64 ".", now_ms / 1000);
	buf_append_slice(&signed_bytes, body);
	HMAC(EVP_sha256(), http->secret, (int)strlen(http->secret), signed_bytes.data, signed_bytes.len, mac, &mac_len);
	buf_deinit(&signed_bytes);
	hex_encode(mac, mac_len, hex);
	return xasprintf("X-Ctwatch-Signature: t=%" PRId64 ",v1=%s", now_ms / 1000, hex);
}

static enum delivery_result result_of(long status)
{
	if (status >= 200 && status < 300)
		return DELIVERY_OK;
	/* these bodies will be refused tomorrow as well; everything else may be mended meanwhile */
	if (status == 400 || status == 413 || status == 422)
		return DELIVERY_REFUSED;
	return DELIVERY_RETRY;
}

/* What the answer means, and a sentence for it. */
static enum delivery_result judge(const struct post *post, const struct fetch_answer *answer, char *sentence, size_t len)
{
	enum delivery_result result = result_of(answer->status);
	char why[160] = "", safe[120];

	if (answer->status == 0) {
		snprintf(sentence, len, "%s%s", answer->seconds == 0 || answer->peer[0] == '\0' ? "cannot be reached: " : "no answer: ", answer->error);
		return DELIVERY_RETRY;
	}
	if (result == DELIVERY_OK && post->http->accept != NULL)
		result = post->http->accept(post->delivery, buf_slice(&answer->body), why, sizeof(why));
	text_escape(slice_of(answer->body.data, answer->body.len < 100 ? answer->body.len : 100), safe, sizeof(safe));
	if (why[0] != '\0')
		snprintf(sentence, len, "answered %ld, but: %s", answer->status, why);
	else if (result == DELIVERY_OK || safe[0] == '\0')
		snprintf(sentence, len, "answered %ld", answer->status);
	else
		snprintf(sentence, len, "answered %ld: %s", answer->status, safe);
	return result;
}

static void on_answer(void *ctx, struct fetch_answer *answer)
{
	struct post *post = ctx;
	struct delivery *delivery = post->delivery;
	struct http_sink *http = post->http;
	char sentence[320];
	enum delivery_result result = judge(post, answer, sentence, sizeof(sentence));

	delivery->under_way = NULL;
	delivery->cancel = NULL;
	free(post);
	/* the same once more, with less in it */
	bool too_large = answer->status == 413 || (result == DELIVERY_REFUSED && http->shrinks_when_refused);
	if (too_large && delivery->n == 1 && delivery->shrink + 1 < ENVELOPE_LEVELS) {
		delivery->shrink++;
		http_deliver(delivery->sink, delivery, http);
		return;
	}
	delivery->perhaps_too_large = answer->timed_out || answer->status == 408 || answer->status == 504;
	delivery_done(delivery, result, sentence, answer->retry_after_ms);
}

static void cancel_post(struct delivery *delivery)
{
	struct post *post = delivery->under_way;

	fetch_cancel(post->fetch);
	free(post);
	delivery->under_way = NULL;
}

static void configure(void *ctx, CURL *easy)
{
	const struct http_sink *http = ctx;

	if (http->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
	if (http->client_cert != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, http->client_cert);
	if (http->client_key != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, http->client_key);
}

void http_deliver(struct sink *sink, struct delivery *delivery, struct http_sink *http)
{
	const char *headers[HEADERS_MAX + 8];
	char *own[5] = { 0 };
	struct buf body;
	struct error err;
	size_t n = 0, n_own = 0;

	buf_init(&body, BODY_MAX);
	if (!http->body(sink, delivery, &body)) {
		buf_deinit(&body);
		delivery_finish_later(delivery, DELIVERY_REFUSED, "the message is larger than 8 MiB");
		return;
	}
	own[n_own++] = xasprintf("Content-Type: %s", http->content_type);
	own[n_own++] = xasprintf("Idempotency-Key: %s", delivery->id);
	own[n_own++] = xasprintf("X-Ctwatch-Event: %s", event_name(delivery->items[0].event));
	if (http->secret != NULL)
		own[n_own++] = signature_header(http, buf_slice(&body), delivery_wall_ms(delivery));
	if (http->bearer != NULL)
		own[n_own++] = xasprintf("Authorization: Bearer %s", http->bearer);
	for (size_t i = 0; i < n_own; i++)
		headers[n++] = own[i];
	for (size_t i = 0; http->headers[i] != NULL; i++)
		headers[n++] = http->headers[i];
	headers[n] = NULL;

	struct post *post = xcalloc(1, sizeof(*post));
	post->delivery = delivery;
	post->http = http;
	struct fetch_request request = {
		.url = http->url,
		.method = "POST",
		.headers = headers,
		.body = buf_slice(&body),
		.max_bytes = HTTP_ANSWER_MAX,
		.timeout_ms = http->timeout_ms,
		.configure = configure,
		.configure_ctx = http,
		.done = on_answer,
		.ctx = post,
	};
	post->fetch = fetch_start(delivery_fetcher(delivery), &request, &err);
	if (post->fetch == NULL) {
		free(post);
		delivery_finish_later(delivery, DELIVERY_RETRY, err.text);
	} else {
		delivery->under_way = post;
		delivery->cancel = cancel_post;
	}
	for (size_t i = 0; i < n_own; i++)
		free(own[i]);
	buf_deinit(&body);
}
