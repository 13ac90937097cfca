#include "http_receiver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUEST_MAX (16u << 20)

struct caller {
	struct receiver *receiver;
	uv_tcp_t tcp;
	uv_write_t write;
	struct buf in, out;
	char chunk[65536];
};

static void on_caller_closed(uv_handle_t *handle)
{
	struct caller *caller = handle->data;

	buf_deinit(&caller->in);
	buf_deinit(&caller->out);
	free(caller);
}

static void hang_up(struct caller *caller)
{
	if (!uv_is_closing((uv_handle_t *)&caller->tcp))
		uv_close((uv_handle_t *)&caller->tcp, on_caller_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	hang_up(CONTAINER_OF(write, struct caller, write));
}

static void answer(struct caller *caller)
{
	struct receiver *r = caller->receiver;
	int status = r->decide != NULL ? r->decide(r, strstr(buf_text(&caller->in), "\r\n\r\n") + 4) : r->status;

	if (status == 0) {
		hang_up(caller);
		return;
	}
	if (status < 0)
		return;                   /* never answers */
	buf_printf(&caller->out, "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s", status, strlen(r->answer), r->header, r->answer);
	uv_buf_t bytes = uv_buf_init((char *)caller->out.data, (unsigned)caller->out.len);
	uv_write(&caller->write, (uv_stream_t *)&caller->tcp, &bytes, 1, on_written);
}

static void look(struct caller *caller)
{
	struct receiver *r = caller->receiver;
	const char *text = buf_text(&caller->in), *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length:");

	if (end == NULL || (length != NULL && caller->in.len < (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10)))
		return;
	if (r->n < RECEIVER_REQUESTS_MAX) {
		r->heads[r->n] = slice_dup_text(slice_of(text, (size_t)(end + 2 - text)));
		r->bodies[r->n++] = xstrdup(end + 4);
	}
	answer(caller);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct caller *caller = handle->data;

	(void)suggested;
	*buf = uv_buf_init(caller->chunk, sizeof(caller->chunk));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct caller *caller = tcp->data;

	if (n < 0) {
		hang_up(caller);
		return;
	}
	buf_append(&caller->in, buf->base, (size_t)n);
	look(caller);
}

static void on_caller(uv_stream_t *server, int status)
{
	struct caller *caller = xcalloc(1, sizeof(*caller));

	(void)status;
	caller->receiver = server->data;
	buf_init(&caller->in, REQUEST_MAX);
	buf_init(&caller->out, REQUEST_MAX);
	uv_tcp_init(server->loop, &caller->tcp);
	caller->tcp.data = caller;
	uv_accept(server, (uv_stream_t *)&caller->tcp);
	uv_read_start((uv_stream_t *)&caller->tcp, on_alloc, on_read);
}

void receiver_start(struct receiver *r, uv_loop_t *loop)
{
	struct sockaddr_in address;
	int len = sizeof(address);

	*r = (struct receiver){ .status = 200, .answer = "ok", .header = "" };
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &r->server);
	r->server.data = r;
	uv_tcp_bind(&r->server, (const struct sockaddr *)&address, 0);
	uv_listen((uv_stream_t *)&r->server, 64, on_caller);
	uv_tcp_getsockname(&r->server, (struct sockaddr *)&address, &len);
	r->port = ntohs(address.sin_port);
}

void receiver_stop(struct receiver *r)
{
	uv_close((uv_handle_t *)&r->server, NULL);
	for (size_t i = 0; i < r->n; i++) {
		free(r->heads[i]);
		free(r->bodies[i]);
	}
	r->n = 0;
}

char *receiver_header(const struct receiver *r, size_t i, const char *name)
{
	char *start = xasprintf("\r\n%s:", name);
	const char *found = strcasestr(r->heads[i], start);
	char *value = NULL;

	if (found != NULL) {
		found += strlen(start);
		found += strspn(found, " ");
		value = slice_dup_text(slice_of(found, strcspn(found, "\r")));
	}
	free(start);
	return value;
}
