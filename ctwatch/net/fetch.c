/*
 * Requests on the loop: libcurl's multi interface over libuv.
 *
 *   fetch_start ──> WAITING ──the bandwidth allows it──> RUNNING ──finished──> done, freed
 *                      └───────────── fetch_cancel ─────────┴──> freed
 *
 * A start always goes through the gate (a timer), so that `done` cannot run inside fetch_start. All bytes received draw on one
 * bucket: while it is in debt nothing new starts and what arrives is paused. (curl's own limit works on each transfer alone, and
 * lets several megabytes through at once: measured 45 MB/s where 2 were asked for.)
 */
#include "fetch_private.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_MS 20000
#define DEFAULT_TIMEOUT_MS 60000
#define STALL_BYTES_PER_SECOND 100
#define DEFAULT_STALL_MS 30000
#define RECEIVE_BUFFER_BYTES (64L << 10)
#define HOST_CONNECTIONS_MAX 16L
#define IDLE_CONNECTIONS_MAX 128L
#define RETRY_AFTER_MIN_MS 1000           /* shared/spec/ct-protocols.md 1.13 */
#define RETRY_AFTER_MAX_MS (15 * 60 * 1000)
#define GATE_LOOK_MS 1000                 /* a waiting start looks again at least so often */

/* ---- lists ------------------------------------------------------------------------------------ */

static void queue_push(struct fetch_queue *q, struct fetch *f)
{
	f->prev = q->last;
	f->next = NULL;
	if (q->last != NULL)
		q->last->next = f;
	else
		q->first = f;
	q->last = f;
	q->n++;
}

static void free_list(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static void queue_remove(struct fetch_queue *q, struct fetch *f)
{
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		q->first = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	else
		q->last = f->prev;
	f->prev = f->next = NULL;
	q->n--;
}

void fetch_release(struct fetcher *fr)
{
	if (--fr->holders > 0)
		return;
	free_list(fr->allow_http);
	free(fr->user_agent);
	free(fr->proxy);
	free(fr->ca_file);
	free(fr);
}

/* ---- the bandwidth bucket ---------------------------------------------------------------------- */

static void refill(struct fetcher *fr)
{
	uint64_t now = uv_now(fr->loop);
	double burst = (double)fr->bytes_per_second / 4;

	fr->allowance += (double)(now - fr->refilled_ms) * (double)fr->bytes_per_second / 1000;
	if (fr->allowance > burst)
		fr->allowance = burst;
	fr->refilled_ms = now;
}

static void on_gate(uv_timer_t *timer);
static void finish(struct fetch *f, CURLcode code);

/* An answer costs something before its size is known: a small allowance does not start a hundred at once. */
static bool may_start(const struct fetcher *fr)
{
	if (fr->bytes_per_second == 0 || fr->running.n == 0)
		return fr->bytes_per_second == 0 || fr->allowance >= 0;
	return fr->allowance >= 0 && fr->running.n * (uint64_t)RECEIVE_BUFFER_BYTES <= fr->bytes_per_second;
}

static void resume_paused(struct fetcher *fr)
{
	for (struct fetch *f = fr->running.first; f != NULL && fr->n_paused > 0 && fr->allowance >= 0; f = f->next) {
		if (!f->paused)
			continue;
		f->paused = false;
		fr->n_paused--;
		curl_easy_pause(f->easy, CURLPAUSE_CONT);       /* hands over what it holds, which may pause it again */
	}
}

/* When the debt is paid; without one, some transfer has to end first, and that opens the gate. */
static void rearm_gate(struct fetcher *fr)
{
	if (fr->allowance >= 0 || (fr->waiting.first == NULL && fr->n_paused == 0))
		return;
	double wait_ms = fr->bytes_per_second == 0 ? 0 : -fr->allowance * 1000 / (double)fr->bytes_per_second + 1;
	uv_timer_start(&fr->gate, on_gate, wait_ms > GATE_LOOK_MS ? GATE_LOOK_MS : (uint64_t)wait_ms, 0);
}

static void on_gate(uv_timer_t *timer)
{
	struct fetcher *fr = CONTAINER_OF(timer, struct fetcher, gate);

	if (fr->bytes_per_second > 0)
		refill(fr);
	fr->holders++;
	resume_paused(fr);
	while (!fr->closing && fr->waiting.first != NULL && may_start(fr)) {
		struct fetch *f = fr->waiting.first;

		queue_remove(&fr->waiting, f);
		queue_push(&fr->running, f);
		f->running = true;
		if (curl_multi_add_handle(fr->multi, f->easy) != CURLM_OK)
			finish(f, CURLE_FAILED_INIT);
	}
	if (!fr->closing)
		rearm_gate(fr);
	fetch_release(fr);
}

static void open_gate(struct fetcher *fr)
{
	if ((fr->waiting.first != NULL || fr->n_paused > 0) && !uv_is_active((uv_handle_t *)&fr->gate))
		uv_timer_start(&fr->gate, on_gate, 0, 0);
}

void fetcher_set_limit(struct fetcher *fr, uint64_t bytes_per_second)
{
	fr->bytes_per_second = bytes_per_second;
	fr->allowance = 0;
	fr->refilled_ms = uv_now(fr->loop);
	open_gate(fr);
}

/* ---- one request's end -------------------------------------------------------------------------- */

static void fetch_free(struct fetch *f)
{
	struct fetcher *fr = f->fetcher;

	if (f->paused)
		fr->n_paused--;
	if (f->running) {
		curl_multi_remove_handle(fr->multi, f->easy);
		queue_remove(&fr->running, f);
	} else {
		queue_remove(&fr->waiting, f);
	}
	fr->in_flight -= f->answer.body.len;
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->headers);
	buf_deinit(&f->request_body);
	buf_deinit(&f->answer.body);
	free(f);
}

void fetch_cancel(struct fetch *f)
{
	if (f == NULL)
		return;
	struct fetcher *fr = f->fetcher;
	fetch_free(f);
	open_gate(fr);
}

static bool is_tls_failure(CURLcode code)
{
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_SHUTDOWN_FAILED:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT:
		return true;
	default:
		return false;
	}
}

static void describe_failure(struct fetch *f, CURLcode code)
{
	struct fetch_answer *a = &f->answer;

	if (a->too_large)
		snprintf(a->error, sizeof(a->error), "the answer is larger than the %zu bytes that it may have", a->body.max);
	else if (f->bad_headers)
		snprintf(a->error, sizeof(a->error), "the answer's headers are longer than the %u bytes that they may have", HEADER_BYTES_MAX);
	else
		snprintf(a->error, sizeof(a->error), "%s", f->error[0] != '\0' ? f->error : curl_easy_strerror(code));
}

static void read_answer(struct fetch *f, CURLcode code)
{
	struct fetch_answer *a = &f->answer;
	curl_off_t retry_after_s = 0;
	const char *ip = NULL;
	long port = 0;

	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME, &a->seconds);
	/* a date that has passed comes out negative; 0 is "not said" */
	if (curl_easy_getinfo(f->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK && retry_after_s != 0)
		a->retry_after_ms = retry_after_s > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : (int64_t)retry_after_s * 1000;
	if (retry_after_s != 0 && a->retry_after_ms < RETRY_AFTER_MIN_MS)
		a->retry_after_ms = RETRY_AFTER_MIN_MS;
	curl_easy_getinfo(f->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(f->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip != NULL && ip[0] != '\0')
		snprintf(a->peer, sizeof(a->peer), strchr(ip, ':') != NULL ? "[%s]:%ld" : "%s:%ld", ip, port);

	curl_off_t before_transfer_us = 0;
	curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &before_transfer_us);
	a->asked = a->status != 0 || before_transfer_us > 0;
	a->tls_failed = is_tls_failure(code);
	a->timed_out = code == CURLE_OPERATION_TIMEDOUT;
	a->too_large = a->too_large || code == CURLE_FILESIZE_EXCEEDED;
	if (code != CURLE_OK) {
		describe_failure(f, code);
		return;
	}
	a->redirected = a->status >= 300 && a->status < 400 && a->status != 304;
	if (a->redirected)
		snprintf(a->error, sizeof(a->error), "redirected (status %ld), which is not followed", a->status);
	else if (f->content_encoding[0] != '\0')
		snprintf(a->error, sizeof(a->error), "the answer is encoded as \"%s\", which was not asked for", f->content_encoding);
}

static void finish(struct fetch *f, CURLcode code)
{
	struct fetcher *fr = f->fetcher;
	fetch_done_fn *done = f->done;
	void *ctx = f->ctx;

	read_answer(f, code);
	struct fetch_answer answer = f->answer;
	fr->in_flight -= answer.body.len;
	f->answer.body = (struct buf){ 0 };
	fetch_free(f);
	open_gate(fr);
	done(ctx, &answer);
	buf_deinit(&answer.body);
}

/* `done` may start, cancel, or close the fetcher: hence the caller's hold, and a look at `closing` after each. */
void fetch_read_finished(struct fetcher *fr)
{
	CURLMsg *message;
	int n_left;

	while (!fr->closing && (message = curl_multi_info_read(fr->multi, &n_left)) != NULL) {
		struct fetch *f = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		finish(f, code);
	}
}

/* ---- what arrives ------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct fetch *f = ctx;
	struct fetcher *fr = f->fetcher;
	size_t len = size * n;

	if (fr->bytes_per_second > 0 && fr->allowance < 0) {
		f->paused = true;
		fr->n_paused++;
		open_gate(fr);
		return CURL_WRITEFUNC_PAUSE;
	}
	f->body_begun = true;
	if (fr->bytes_per_second > 0)
		fr->allowance -= (double)len;
	if (!buf_append(&f->answer.body, data, len)) {
		f->answer.too_large = true;
		return 0;
	}
	fr->in_flight += len;
	return len;
}

/* ---- starting ----------------------------------------------------------------------------------- */

static void add_header(struct fetch *f, const char *line)
{
	struct curl_slist *longer = curl_slist_append(f->headers, line);

	if (longer != NULL)
		f->headers = longer;
}

static void set_headers(struct fetch *f, const struct fetch_request *r)
{
	if (r->accept_gzip)
		add_header(f, "Accept-Encoding: gzip");
	if (r->fresh)
		add_header(f, "Cache-Control: no-cache");
	add_header(f, "Expect:");        /* a webhook's body is small: no round trip to ask whether it may come */
	for (const char *const *h = r->headers; h != NULL && *h != NULL; h++)
		add_header(f, *h);
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
}

static void set_method(struct fetch *f, const struct fetch_request *r)
{
	if (r->body.data != NULL) {
		buf_init(&f->request_body, r->body.len);
		buf_append_slice(&f->request_body, r->body);
		curl_easy_setopt(f->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
		curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, r->body.len == 0 ? "" : (const char *)f->request_body.data);
	}
	if (r->method != NULL)
		curl_easy_setopt(f->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_limits(struct fetch *f, const struct fetch_request *r)
{
	int64_t timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : DEFAULT_TIMEOUT_MS;
	CURL *e = f->easy;

	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS));
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)((f->fetcher->stall_ms + 999) / 1000));
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->max_bytes);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
}

static void set_connection(struct fetch *f, const struct fetch_request *r)
{
	const struct fetcher *fr = f->fetcher;
	CURL *e = f->easy;

	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/*
	 * Wait for a handshake under way that may bring HTTP/2, rather than connecting again. Not with plain http, where curl would
	 * wait for the first answer: one that hangs would hold up all others.
	 */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, r->fresh || r->no_keepalive || strncasecmp(r->url, "https:", 6) != 0 ? 0L : 1L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->fresh || r->no_keepalive ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, r->no_keepalive ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	if (fr->proxy != NULL)
		curl_easy_setopt(e, CURLOPT_PROXY, fr->proxy);
	else if (url_is_loopback(r->url))
		curl_easy_setopt(e, CURLOPT_PROXY, "");   /* the environment's proxy cannot reach our loopback */
	if (fr->ca_file != NULL)
		curl_easy_setopt(e, CURLOPT_CAINFO, fr->ca_file);
	if (r->tls_unverified) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

struct fetch *fetch_start(struct fetcher *fr, const struct fetch_request *r, struct error *err)
{
	if (!url_check(r->url, (const char *const *)fr->allow_http, err))
		return NULL;
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->fetcher = fr;
	f->done = r->done;
	f->ctx = r->ctx;
	f->answer.retry_after_ms = -1;
	buf_init(&f->answer.body, r->max_bytes);
	f->easy = curl_easy_init();
	if (f->easy == NULL) {
		free(f);
		error_set(err, ERR_FATAL, "libcurl cannot make a transfer: out of memory");
		return NULL;
	}
	curl_easy_setopt(f->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(f->easy, CURLOPT_QUICK_EXIT, 1L);   /* a cancelled transfer does not wait for the name server, on the loop */
#endif
	curl_easy_setopt(f->easy, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(f->easy, CURLOPT_USERAGENT, fr->user_agent);
	curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(f->easy, CURLOPT_HEADERFUNCTION, fetch_headers_take);
	curl_easy_setopt(f->easy, CURLOPT_HEADERDATA, f);
	set_limits(f, r);
	set_connection(f, r);
	if (url_is_http(r->url)) {
		set_method(f, r);
		set_headers(f, r);
	}
	if (r->configure != NULL)
		r->configure(r->configure_ctx, f->easy);
	queue_push(&fr->waiting, f);
	open_gate(fr);
	return f;
}

uint64_t fetch_bytes(const struct fetch *f)
{
	return f->answer.body.len;
}

/* ---- the fetcher -------------------------------------------------------------------------------- */

char *user_agent_make(const char *contact)
{
	char clean[200];
	size_t n = 0;

	for (const char *c = contact != NULL ? contact : ""; *c != '\0' && n + 1 < sizeof(clean); c++)
		if ((unsigned char)*c > 0x20 && (unsigned char)*c < 0x7f && strchr("();\\\"", *c) == NULL)
			clean[n++] = *c;
	clean[n] = '\0';
	const char *page = CTWATCH_PROJECT_URL;
	bool has_page = page[0] != '\0';
	if (!has_page && n == 0)
		return xasprintf("ctwatch/%s", CTWATCH_VERSION);
	return xasprintf("ctwatch/%s (%s%s%s%s)", CTWATCH_VERSION, has_page ? "+" : "", page, has_page && n > 0 ? "; " : "", clean);
}

static char *dup_or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : xstrdup(text);
}

static char **dup_list(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	char **out = xcalloc(n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		out[i] = xstrdup(list[i]);
	return out;
}

void fetcher_set_allow_http(struct fetcher *fr, const char *const *hosts)
{
	free_list(fr->allow_http);
	fr->allow_http = dup_list(hosts);
}

struct fetcher *fetcher_new(uv_loop_t *loop, const struct fetcher_options *o)
{
	struct fetcher *fr = xcalloc(1, sizeof(*fr));

	curl_global_init(CURL_GLOBAL_DEFAULT);   /* counted, and safe in any thread since 7.84 */
	fr->loop = loop;
	fr->multi = curl_multi_init();
	fr->user_agent = o->user_agent != NULL ? xstrdup(o->user_agent) : user_agent_make(NULL);
	fr->proxy = dup_or_null(o->proxy);
	fr->ca_file = dup_or_null(o->ca_file);
	fr->allow_http = dup_list(o->allow_http);
	fr->stall_ms = o->stall_ms > 0 ? o->stall_ms : DEFAULT_STALL_MS;
	fr->bytes_per_second = o->bytes_per_second;
	fr->refilled_ms = uv_now(loop);
	uv_timer_init(loop, &fr->gate);
	fr->holders = 1;
	fetch_sockets_start(fr);
	curl_multi_setopt(fr->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(fr->multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS_MAX);
	curl_multi_setopt(fr->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
	return fr;
}

static void on_gate_closed(uv_handle_t *handle)
{
	fetch_release(CONTAINER_OF(handle, struct fetcher, gate));
}

void fetcher_close(struct fetcher *fr)
{
	if (fr == NULL || fr->closing)
		return;
	fr->closing = true;
	while (fr->waiting.first != NULL)
		fetch_free(fr->waiting.first);
	while (fr->running.first != NULL)
		fetch_free(fr->running.first);
	curl_multi_cleanup(fr->multi);
	fr->multi = NULL;
	fetch_sockets_stop(fr);
	uv_close((uv_handle_t *)&fr->gate, on_gate_closed);
}

uint64_t fetcher_bytes_in_flight(const struct fetcher *fr)
{
	return fr->in_flight;
}
