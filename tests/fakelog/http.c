/*
 * A connection:
 *
 *   READING --whole request--> WAITING --delay over--> SENDING --all sent--> READING
 *   any phase: connection_close --> CLOSING --both handles closed--> freed
 */
#include "http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <libdeflate.h>

#define REQUEST_MAX 16384
#define DRIP_BYTES 2
#define DRIP_MS 100

enum phase { READING, WAITING, SENDING, CLOSING };

struct http_server {
	uv_tcp_t socket;
	http_handler *handler;
	void *ctx;
	struct connection *connections;  /* all that are open */
};

struct connection {
	uv_tcp_t socket;
	uv_timer_t timer;
	uv_write_t write;
	struct http_server *server;
	struct connection *next, **link;
	enum phase phase;
	int handles;
	char in[REQUEST_MAX];
	size_t in_len;
	struct buf out;
	size_t sent, send_to;
	size_t chunk;                    /* bytes per write: all, or a drip */
	bool close_after, keep_silent;
};

static void connection_advance(struct connection *c);

/* ---- queries and answers ---------------------------------------------------------------------------------- */

static void percent_decode(const char *in, size_t len, char *out, size_t out_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < out_len; i++) {
		uint8_t byte;

		if (in[i] == '%' && i + 2 < len && hex_decode(slice_of(in + i + 1, 2), &byte, 1)) {
			out[n++] = (char)byte;
			i += 2;
		} else {
			out[n++] = in[i];
		}
	}
	out[n] = '\0';
}

bool http_query(const struct http_request *request, const char *name, char *out, size_t out_len)
{
	size_t name_len = strlen(name);

	for (const char *at = request->query; *at != '\0';) {
		size_t len = strcspn(at, "&");

		if (len > name_len && at[name_len] == '=' && memcmp(at, name, name_len) == 0) {
			percent_decode(at + name_len + 1, len - name_len - 1, out, out_len);
			return true;
		}
		at += len;
		at += *at == '&';
	}
	return false;
}

bool http_query_number(const struct http_request *request, const char *name, uint64_t *out)
{
	char text[32];

	return http_query(request, name, text, sizeof(text)) && uint64_parse(slice_text(text), out);
}

void http_say(struct http_answer *answer, int status, const char *content_type, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	answer->status = status;
	answer->content_type = content_type;
	answer->gzip = answer->want_gzip = false;
	buf_clear(&answer->body);
	buf_append_text(&answer->body, text);
}

void http_gzip(struct http_answer *answer)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(1);
	struct buf out;
	size_t bound = libdeflate_gzip_compress_bound(compressor, answer->body.len);

	buf_init(&out, HTTP_ANSWER_MAX);
	buf_reserve(&out, bound);
	out.len = libdeflate_gzip_compress(compressor, answer->body.data, answer->body.len, out.data, out.cap);
	libdeflate_free_compressor(compressor);
	buf_deinit(&answer->body);
	answer->body = out;
	answer->gzip = true;
	answer->want_gzip = false;
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} REASONS[] = { { 200, "OK" }, { 302, "Found" }, { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 410, "Gone" }, { 429, "Too Many Requests" }, { 500, "Internal Server Error" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" } };

	for (size_t i = 0; i < ARRAY_LEN(REASONS); i++)
		if (REASONS[i].status == status)
			return REASONS[i].text;
	return "Status";
}

static void put_head(struct connection *c, struct http_answer *answer, size_t announced)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	buf_printf(&c->out, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: fakelog\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
		   answer->status, reason(answer->status), date, answer->content_type, announced);
	if (answer->gzip)
		buf_append_text(&c->out, "Content-Encoding: gzip\r\n");
	buf_append_slice(&c->out, buf_slice(&answer->headers));
	buf_append_text(&c->out, c->close_after ? "Connection: close\r\n\r\n" : "\r\n");
}

/* Fills c->out and says how much of it is sent, and how. */
static void compose(struct connection *c, struct http_answer *answer)
{
	size_t len = answer->body.len;

	c->close_after |= answer->close || answer->delivery == DELIVER_CUT || answer->delivery == DELIVER_LENGTH_HIGH ||
			  answer->delivery == DELIVER_LENGTH_LOW;
	buf_clear(&c->out);
	put_head(c, answer, answer->delivery == DELIVER_LENGTH_HIGH ? len + 1000 :
		 answer->delivery == DELIVER_LENGTH_LOW ? len / 2 : len);
	c->sent = 0;
	c->send_to = c->out.len + (answer->delivery == DELIVER_CUT ? len / 2 : len);
	c->chunk = answer->delivery == DELIVER_DRIP ? DRIP_BYTES : SIZE_MAX;
	c->keep_silent = answer->delivery == DELIVER_HANG;
	buf_append_slice(&c->out, buf_slice(&answer->body));
}

/* ---- connections --------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	if (--c->handles > 0)
		return;
	buf_deinit(&c->out);
	free(c);
}

static void connection_close(struct connection *c, bool reset)
{
	if (c->phase == CLOSING)
		return;
	c->phase = CLOSING;
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	if (!reset || uv_tcp_close_reset(&c->socket, on_closed) != 0)
		uv_close((uv_handle_t *)&c->socket, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
	connection_advance(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
	struct connection *c = write->data;

	if (c->phase == CLOSING)
		return;
	if (status < 0)
		connection_close(c, false);
	else if (c->sent < c->send_to)
		uv_timer_start(&c->timer, on_timer, DRIP_MS, 0);
	else if (c->close_after)
		connection_close(c, false);
	else {
		c->phase = READING;
		connection_advance(c);
	}
}

static void send_next(struct connection *c)
{
	size_t left = c->send_to - c->sent;
	size_t len = left < c->chunk ? left : c->chunk;
	uv_buf_t part = uv_buf_init((char *)c->out.data + c->sent, (unsigned)len);

	c->phase = SENDING;
	c->sent += len;
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->socket, &part, 1, on_written) != 0)
		connection_close(c, false);
}

/* Length of the first request including its body; 0 when it is not here yet, -1 when it never will be. */
static ptrdiff_t whole_request(struct connection *c, const char **end_of_head)
{
	const char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4), *length;
	size_t body = 0;

	if (end == NULL)
		return c->in_len == sizeof(c->in) ? -1 : 0;
	*end_of_head = end + 4;
	c->in[end - c->in + 2] = '\0';                 /* header lines are read as text */
	length = strcasestr(c->in, "\r\nContent-Length:");
	if (length != NULL)
		body = strtoul(length + 17, NULL, 10);
	c->in[end - c->in + 2] = '\r';
	if (body > sizeof(c->in) - (size_t)(*end_of_head - c->in))
		return -1;
	return (size_t)(*end_of_head - c->in) + body <= c->in_len ? *end_of_head - c->in + (ptrdiff_t)body : 0;
}

static bool parse_head(struct connection *c, const char *end, struct http_request *out)
{
	char head[REQUEST_MAX], target[HTTP_TARGET_MAX];
	size_t len = (size_t)(end - c->in) - 2, path_len;
	int minor;
	const char *encoding;

	memcpy(head, c->in, len);
	head[len] = '\0';
	if (sscanf(head, "%7s %2047s HTTP/1.%d", out->method, target, &minor) != 3)
		return false;
	path_len = strcspn(target, "?");
	memcpy(out->path, target, path_len);
	out->path[path_len] = '\0';
	snprintf(out->query, sizeof(out->query), "%s", target[path_len] == '?' ? target + path_len + 1 : "");
	c->close_after = minor == 0 || strcasestr(head, "\r\nConnection: close") != NULL;
	encoding = strcasestr(head, "\r\nAccept-Encoding:");
	out->accepts_gzip = encoding != NULL && memmem(encoding + 2, strcspn(encoding + 2, "\r"), "gzip", 4) != NULL;
	return true;
}

static void answer_request(struct connection *c, const struct http_request *request)
{
	struct http_answer answer = { .status = 200, .content_type = "text/plain" };

	buf_init(&answer.headers, 4096);
	buf_init(&answer.body, HTTP_ANSWER_MAX);
	if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "POST") == 0)
		c->server->handler(c->server->ctx, request, &answer);
	else
		http_say(&answer, 405, "text/plain", "GET and POST only\n");
	if (answer.want_gzip)
		http_gzip(&answer);
	compose(c, &answer);
	buf_deinit(&answer.headers);
	buf_deinit(&answer.body);
	c->phase = WAITING;
	if (answer.delivery == DELIVER_RESET)
		connection_close(c, true);
	else if (!c->keep_silent)
		uv_timer_start(&c->timer, on_timer, answer.delay_ms, 0);
}

/* Does what the phase allows; called when something may have changed. */
static void connection_advance(struct connection *c)
{
	struct http_request request;
	const char *end;
	ptrdiff_t len;

	if (c->phase == WAITING || c->phase == SENDING) {
		send_next(c);
		return;
	}
	if (c->phase != READING)
		return;
	len = whole_request(c, &end);
	if (len == 0)
		return;
	if (len < 0 || !parse_head(c, end, &request)) {
		connection_close(c, false);
		return;
	}
	memmove(c->in, c->in + len, c->in_len - (size_t)len);
	c->in_len -= (size_t)len;
	answer_request(c, &request);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct connection *c = handle->data;

	(void)suggested;
	*out = uv_buf_init(c->in + c->in_len, (unsigned)(sizeof(c->in) - c->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	(void)buf;
	if (n < 0) {
		connection_close(c, false);
		return;
	}
	c->in_len += (size_t)n;
	if (c->phase == READING)
		connection_advance(c);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct http_server *server = stream->data;
	struct connection *c;

	if (status < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	c->server = server;
	c->handles = 2;
	buf_init(&c->out, HTTP_ANSWER_MAX);
	uv_tcp_init(stream->loop, &c->socket);
	uv_timer_init(stream->loop, &c->timer);
	c->socket.data = c->timer.data = c;
	c->next = server->connections;
	if (c->next != NULL)
		c->next->link = &c->next;
	c->link = &server->connections;
	server->connections = c;
	uv_tcp_nodelay(&c->socket, 1);
	if (uv_accept(stream, (uv_stream_t *)&c->socket) != 0 ||
	    uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) != 0)
		connection_close(c, false);
}

struct http_server *http_server_new(uv_loop_t *loop, const char *address, int port, http_handler *handler, void *ctx, struct error *err)
{
	struct http_server *server = xcalloc(1, sizeof(*server));
	struct sockaddr_in where;
	int rc;

	*server = (struct http_server){ .handler = handler, .ctx = ctx };
	server->socket.data = server;
	uv_tcp_init(loop, &server->socket);
	if ((rc = uv_ip4_addr(address, port, &where)) != 0 ||
	    (rc = uv_tcp_bind(&server->socket, (const struct sockaddr *)&where, 0)) != 0 ||
	    (rc = uv_listen((uv_stream_t *)&server->socket, 512, on_connection)) != 0) {
		error_set(err, ERR_FATAL, "cannot listen on %s:%d: %s", address, port, uv_strerror(rc));
		http_server_close(server);
		return NULL;
	}
	return server;
}

int http_server_port(const struct http_server *server)
{
	struct sockaddr_in where = { 0 };
	int len = sizeof(where);

	uv_tcp_getsockname(&server->socket, (struct sockaddr *)&where, &len);
	return ntohs(where.sin_port);
}

static void on_server_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void http_server_close(struct http_server *server)
{
	if (server == NULL)
		return;
	while (server->connections != NULL)
		connection_close(server->connections, false);
	uv_close((uv_handle_t *)&server->socket, on_server_closed);
}
