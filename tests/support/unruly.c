/* See unruly.h. */
#include "unruly.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUEST_MAX (1u << 20)

struct unruly_answer {
	uv_tcp_t tcp;
	uv_timer_t drip;
	uv_shutdown_t shutdown;
	struct unruly *server;
	struct unruly_answer *prev, *next;
	struct buf in;
	size_t number, n_requests, drip_left, drip_step;
	int open_handles;
	bool closing;
};

struct unruly {
	uv_tcp_t tcp;
	unruly_handler *handler;
	void *ctx;
	struct unruly_answer *connections;
	size_t n_accepted, holders;
};

struct write {
	uv_write_t request;
	uv_buf_t buf;
};

static void server_release(struct unruly *u)
{
	if (--u->holders == 0)
		free(u);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct unruly_answer *a = handle->data;

	if (--a->open_handles > 0)
		return;
	server_release(a->server);
	buf_deinit(&a->in);
	free(a);
}

static void drop(struct unruly_answer *a, bool reset)
{
	if (a->closing)
		return;
	a->closing = true;
	if (a->prev != NULL)
		a->prev->next = a->next;
	else
		a->server->connections = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	if (!reset || uv_tcp_close_reset(&a->tcp, on_handle_closed) != 0)
		uv_close((uv_handle_t *)&a->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&a->drip, on_handle_closed);
}

static void on_written(uv_write_t *request, int status)
{
	struct write *w = CONTAINER_OF(request, struct write, request);
	struct unruly_answer *a = request->handle->data;

	free(w->buf.base);
	free(w);
	if (status < 0)
		drop(a, false);
}

void unruly_send(struct unruly_answer *a, const void *data, size_t len)
{
	if (a->closing || len == 0)
		return;
	struct write *w = xcalloc(1, sizeof(*w));
	w->buf = uv_buf_init(xmalloc(len), (unsigned)len);
	memcpy(w->buf.base, data, len);
	uv_write(&w->request, (uv_stream_t *)&a->tcp, &w->buf, 1, on_written);
}

void unruly_text(struct unruly_answer *a, const char *raw)
{
	unruly_send(a, raw, strlen(raw));
}

void unruly_reply(struct unruly_answer *a, int status, const char *headers, struct slice body)
{
	char *head = xasprintf("HTTP/1.1 %d Reason\r\nContent-Length: %zu\r\n%s\r\n", status, body.len, headers);

	unruly_text(a, head);
	unruly_send(a, body.data, body.len);
	free(head);
}

static void on_drip(uv_timer_t *timer)
{
	struct unruly_answer *a = CONTAINER_OF(timer, struct unruly_answer, drip);
	static const char filler[4096] = { 'x' };
	size_t n = a->drip_left < a->drip_step ? a->drip_left : a->drip_step;

	a->drip_left -= n;
	while (n > 0) {
		size_t piece = n < sizeof(filler) ? n : sizeof(filler);

		unruly_send(a, filler, piece);
		n -= piece;
	}
	if (a->drip_left == 0)
		uv_timer_stop(timer);
}

void unruly_drip(struct unruly_answer *a, size_t total, size_t step, uint64_t interval_ms)
{
	a->drip_left = total;
	a->drip_step = step;
	uv_timer_start(&a->drip, on_drip, 0, interval_ms);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	(void)status;
	drop(CONTAINER_OF(request, struct unruly_answer, shutdown), false);
}

void unruly_close(struct unruly_answer *a)
{
	if (!a->closing && uv_shutdown(&a->shutdown, (uv_stream_t *)&a->tcp, on_shutdown) != 0)
		drop(a, false);
}

void unruly_reset(struct unruly_answer *a)
{
	drop(a, true);
}

struct slice unruly_header(const struct unruly_request *r, const char *name)
{
	const char *at = (const char *)r->head.data, *end = at + r->head.len;
	size_t len = strlen(name);

	while (at < end) {
		const char *line_end = memchr(at, '\r', (size_t)(end - at));

		if (line_end == NULL)
			line_end = end;
		if ((size_t)(line_end - at) > len && strncasecmp(at, name, len) == 0 && at[len] == ':') {
			at += len + 1;
			while (at < line_end && *at == ' ')
				at++;
			return slice_of(at, (size_t)(line_end - at));
		}
		at = line_end + 2;
	}
	return (struct slice){ 0 };
}

/* One whole request at the front of what came? Answers it and takes it out. */
static bool take_request(struct unruly_answer *a)
{
	const char *text = buf_text(&a->in);
	const char *end = strstr(text, "\r\n\r\n");
	struct unruly_request r = { .connection = a->number, .nth = a->n_requests };
	uint64_t body_len = 0;

	if (end == NULL)
		return false;
	r.head = slice_of(text, (size_t)(end + 2 - text));
	uint64_parse(unruly_header(&r, "Content-Length"), &body_len);
	size_t whole = r.head.len + 2 + body_len;
	if (a->in.len < whole)
		return false;
	r.body = slice_of(text + r.head.len + 2, body_len);
	sscanf(text, "%15s %511s", r.method, r.path);
	struct buf rest;
	buf_init(&rest, REQUEST_MAX);
	buf_append(&rest, a->in.data + whole, a->in.len - whole);
	struct buf whole_request = a->in;
	a->in = rest;
	a->n_requests++;
	a->server->handler(a->server->ctx, a, &r);
	buf_deinit(&whole_request);
	return !a->closing;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)handle;
	*out = uv_buf_init(xmalloc(suggested), (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct unruly_answer *a = stream->data;

	if (n > 0)
		buf_append(&a->in, buf->base, (size_t)n);
	free(buf->base);
	if (n < 0) {
		drop(a, false);
		return;
	}
	while (a->in.len > 0 && take_request(a))
		;
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct unruly *u = CONTAINER_OF((uv_tcp_t *)stream, struct unruly, tcp);
	struct unruly_answer *a = xcalloc(1, sizeof(*a));

	(void)status;
	uv_tcp_init(stream->loop, &a->tcp);
	uv_timer_init(stream->loop, &a->drip);
	a->tcp.data = a->drip.data = a;
	a->server = u;
	a->number = u->n_accepted++;
	a->open_handles = 2;
	buf_init(&a->in, REQUEST_MAX);
	u->holders++;
	a->next = u->connections;
	if (a->next != NULL)
		a->next->prev = a;
	u->connections = a;
	uv_accept(stream, (uv_stream_t *)&a->tcp);
	uv_tcp_nodelay(&a->tcp, 1);
	uv_read_start((uv_stream_t *)&a->tcp, on_alloc, on_read);
}

struct unruly *unruly_start(uv_loop_t *loop, unruly_handler *handler, void *ctx)
{
	struct unruly *u = xcalloc(1, sizeof(*u));
	struct sockaddr_in address;

	signal(SIGPIPE, SIG_IGN);         /* clients go away while they are answered: that is what is tested */
	u->handler = handler;
	u->ctx = ctx;
	u->holders = 1;
	uv_tcp_init(loop, &u->tcp);
	uv_ip4_addr("127.0.0.1", 0, &address);
	if (uv_tcp_bind(&u->tcp, (const struct sockaddr *)&address, 0) != 0 || uv_listen((uv_stream_t *)&u->tcp, 128, on_connection) != 0)
		abort();
	return u;
}

int unruly_port(const struct unruly *u)
{
	struct sockaddr_in address;
	int len = sizeof(address);

	uv_tcp_getsockname(&u->tcp, (struct sockaddr *)&address, &len);
	return ntohs(address.sin_port);
}

size_t unruly_connections(const struct unruly *u)
{
	return u->n_accepted;
}

static void on_server_closed(uv_handle_t *handle)
{
	server_release(CONTAINER_OF((uv_tcp_t *)handle, struct unruly, tcp));
}

void unruly_stop(struct unruly *u)
{
	while (u->connections != NULL)
		drop(u->connections, false);
	uv_close((uv_handle_t *)&u->tcp, on_server_closed);
}
