/*
 * libcurl's multi interface on libuv: curl says which sockets it wants watched and when it wants to be called; whatever happens,
 * finished transfers are read afterwards.
 */
#include "fetch_private.h"

#include <stdlib.h>

/* One socket that curl wants watched. */
struct socket_watch {
	uv_poll_t poll;
	struct fetcher *fetcher;
	struct socket_watch *prev, *next;
	curl_socket_t socket;
};

static void socket_action(struct fetcher *fr, curl_socket_t s, int events)
{
	int running;

	fr->holders++;
	curl_multi_socket_action(fr->multi, s, events, &running);
	fetch_read_finished(fr);
	fetch_release(fr);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct socket_watch *w = CONTAINER_OF(poll, struct socket_watch, poll);
	int flags = 0;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	socket_action(w->fetcher, w->socket, flags);
}

static void on_curl_timer(uv_timer_t *timer)
{
	socket_action(CONTAINER_OF(timer, struct fetcher, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timeout(CURLM *multi, long timeout_ms, void *ctx)
{
	struct fetcher *fr = ctx;

	(void)multi;
	if (timeout_ms < 0)
		uv_timer_stop(&fr->timer);
	else
		uv_timer_start(&fr->timer, on_curl_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct socket_watch *w = CONTAINER_OF(handle, struct socket_watch, poll);
	struct fetcher *fr = w->fetcher;

	free(w);
	fetch_release(fr);
}

static struct socket_watch *watch_new(struct fetcher *fr, curl_socket_t s)
{
	struct socket_watch *w = xcalloc(1, sizeof(*w));

	w->fetcher = fr;
	w->socket = s;
	if (uv_poll_init_socket(fr->loop, &w->poll, s) != 0) {
		free(w);
		return NULL;
	}
	w->next = fr->watches;
	if (w->next != NULL)
		w->next->prev = w;
	fr->watches = w;
	fr->holders++;
	return w;
}

static void watch_close(struct socket_watch *w)
{
	struct fetcher *fr = w->fetcher;

	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		fr->watches = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static int on_curl_socket(CURL *easy, curl_socket_t s, int what, void *ctx, void *socket_ctx)
{
	struct fetcher *fr = ctx;
	struct socket_watch *w = socket_ctx;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL) {
			curl_multi_assign(fr->multi, s, NULL);
			watch_close(w);
		}
		return 0;
	}
	if (w == NULL) {
		w = watch_new(fr, s);
		if (w == NULL)
			return -1;      /* curl fails the transfer */
		curl_multi_assign(fr->multi, s, w);
	}
	if (what != CURL_POLL_OUT)
		events |= UV_READABLE;
	if (what != CURL_POLL_IN)
		events |= UV_WRITABLE;
	return uv_poll_start(&w->poll, events, on_poll) == 0 ? 0 : -1;
}

void fetch_sockets_start(struct fetcher *fr)
{
	uv_timer_init(fr->loop, &fr->timer);
	fr->holders++;
	curl_multi_setopt(fr->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(fr->multi, CURLMOPT_SOCKETDATA, fr);
	curl_multi_setopt(fr->multi, CURLMOPT_TIMERFUNCTION, on_curl_timeout);
	curl_multi_setopt(fr->multi, CURLMOPT_TIMERDATA, fr);
}

static void on_timer_closed(uv_handle_t *handle)
{
	fetch_release(CONTAINER_OF(handle, struct fetcher, timer));
}

void fetch_sockets_stop(struct fetcher *fr)
{
	while (fr->watches != NULL)
		watch_close(fr->watches);
	uv_close((uv_handle_t *)&fr->timer, on_timer_closed);
}
