/* Requests against a server that misbehaves on demand. */
#include "fetch.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "unruly.h"

struct scene {
	uv_loop_t loop;
	struct unruly *server;
	struct fetcher *fetcher;
	char base[64];
	struct slice body;                /* what /body serves */
	char seen[4096];                  /* head of the last request */
	struct buf posted;
	size_t n_requests;
};

struct result {
	bool done;
	struct fetch_answer answer;
	struct scene *scene;
	bool inside;
};

/* ---- what the server does, by path -------------------------------------------------------------- */

static void h_slow_drip(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	unruly_drip(a, 100000, 1, 50);
}

static void h_silent(struct unruly_answer *a)
{
	(void)a;
}

static void h_cut(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this");
	unruly_close(a);
}

static void h_reset(struct unruly_answer *a)
{
	unruly_reset(a);
}

static void h_short_length(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
}

static void h_huge_length(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx");
}

static void h_negative_length(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx");
	unruly_close(a);
}

static void h_endless(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\n\r\n");
	unruly_drip(a, 1u << 30, 65536, 1);
}

static void h_chunked_bomb(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n");
	unruly_drip(a, 1u << 30, 65536, 1);
}

static void h_many_headers(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 3000; i++)
		unruly_text(a, "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	unruly_text(a, "Content-Length: 0\r\n\r\n");
}

static void h_many_continues(struct unruly_answer *a)
{
	for (int i = 0; i < 3000; i++)
		unruly_text(a, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
	unruly_text(a, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void h_redirect(struct unruly_answer *a)
{
	unruly_reply(a, 302, "Location: /body\r\n", SLICE_LITERAL("elsewhere"));
}

static void h_garbage(struct unruly_answer *a)
{
	unruly_text(a, "\x16\x03\x01 not http at all\r\n\r\n");
	unruly_close(a);
}

static void h_http09(struct unruly_answer *a)
{
	unruly_text(a, "<html>no status line</html>");
	unruly_close(a);
}

static void h_http10(struct unruly_answer *a)
{
	unruly_text(a, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
	unruly_close(a);
}

static void h_gzip(struct unruly_answer *a)
{
	unruly_reply(a, 200, "content-ENCODING:   x-gzip  \r\n", SLICE_LITERAL("\x1f\x8b raw bytes"));
}

static void h_brotli(struct unruly_answer *a)
{
	unruly_reply(a, 200, "Content-Encoding: br\r\n", SLICE_LITERAL("??"));
}

static void h_twice_encoded(struct unruly_answer *a)
{
	unruly_reply(a, 200, "Content-Encoding: gzip, gzip\r\n", SLICE_LITERAL("??"));
}

static void h_facts(struct unruly_answer *a)
{
	unruly_reply(a, 200,
		     "Date: Sun, 22 Nov 2026 08:15:30 GMT\r\nETag: \"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 00:00:00 GMT\r\n"
		     "Content-Type: application/json; charset=utf-8\r\n",
		     SLICE_LITERAL("{}"));
}

static void h_long_etag(struct unruly_answer *a)
{
	char headers[400] = "ETag: \"";

	memset(headers + 7, 'e', 300);
	strcpy(headers + 307, "\"\r\n");
	unruly_reply(a, 200, headers, SLICE_LITERAL(""));
}

static void h_429_seconds(struct unruly_answer *a)
{
	unruly_reply(a, 429, "Retry-After: 7\r\n", SLICE_LITERAL(""));
}

static void h_429_forever(struct unruly_answer *a)
{
	unruly_reply(a, 429, "Retry-After: 99999999\r\n", SLICE_LITERAL(""));
}

static void h_429_silent(struct unruly_answer *a)
{
	unruly_reply(a, 429, "", SLICE_LITERAL("<html>slow down</html>"));
}

static void retry_date(struct unruly_answer *a, const char *zone, int seconds)
{
	char date[64], header[100];
	time_t when = time(NULL) + seconds;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S", &tm);
	snprintf(header, sizeof(header), "Retry-After: %s %s\r\n", date, zone);
	unruly_reply(a, 429, header, SLICE_LITERAL(""));
}

static void h_429_date(struct unruly_answer *a)
{
	retry_date(a, "GMT", 60);
}

static void h_429_utc_date(struct unruly_answer *a)
{
	retry_date(a, "UTC", 60);
}

static void h_429_past_date(struct unruly_answer *a)
{
	retry_date(a, "GMT", -600);
}

static void h_close_after(struct unruly_answer *a)
{
	unruly_reply(a, 200, "Connection: close\r\n", SLICE_LITERAL("bye"));
	unruly_close(a);
}

static const struct {
	const char *path;
	void (*act)(struct unruly_answer *a);
} ACTS[] = {
	{ "/slow-drip", h_slow_drip },     { "/silent", h_silent },           { "/cut", h_cut },
	{ "/reset", h_reset },             { "/short-length", h_short_length }, { "/huge-length", h_huge_length },
	{ "/negative-length", h_negative_length }, { "/endless", h_endless }, { "/chunked-bomb", h_chunked_bomb },
	{ "/many-headers", h_many_headers }, { "/many-continues", h_many_continues }, { "/redirect", h_redirect },
	{ "/garbage", h_garbage },         { "/http09", h_http09 },           { "/http10", h_http10 },
	{ "/gzip", h_gzip },               { "/brotli", h_brotli },           { "/twice-encoded", h_twice_encoded },
	{ "/facts", h_facts },             { "/long-etag", h_long_etag },     { "/429-seconds", h_429_seconds },
	{ "/429-forever", h_429_forever }, { "/429-silent", h_429_silent },   { "/429-date", h_429_date },
	{ "/429-utc-date", h_429_utc_date }, { "/429-past-date", h_429_past_date }, { "/close-after", h_close_after },
};

static void on_request(void *ctx, struct unruly_answer *a, const struct unruly_request *r)
{
	struct scene *s = ctx;

	s->n_requests++;
	snprintf(s->seen, sizeof(s->seen), "%.*s", SLICE_ARGS(r->head));
	buf_clear(&s->posted);
	buf_append_slice(&s->posted, r->body);
	for (size_t i = 0; i < ARRAY_LEN(ACTS); i++) {
		if (strcmp(r->path, ACTS[i].path) == 0) {
			ACTS[i].act(a);
			return;
		}
	}
	unruly_reply(a, strcmp(r->path, "/body") == 0 ? 200 : 404, "", s->body);
}

/* ---- scaffolding -------------------------------------------------------------------------------- */

static int build(void **state)
{
	struct scene *s = xcalloc(1, sizeof(*s));

	uv_loop_init(&s->loop);
	buf_init(&s->posted, 1 << 20);
	s->body = SLICE_LITERAL("hello");
	s->server = unruly_start(&s->loop, on_request, s);
	s->fetcher = fetcher_new(&s->loop, &(struct fetcher_options){ .stall_ms = 1000 });
	snprintf(s->base, sizeof(s->base), "http://127.0.0.1:%d", unruly_port(s->server));
	*state = s;
	return 0;
}

static int strike(void **state)
{
	struct scene *s = *state;

	fetcher_close(s->fetcher);
	unruly_stop(s->server);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&s->loop), 0);
	buf_deinit(&s->posted);
	free(s);
	return 0;
}

static void on_done(void *ctx, struct fetch_answer *answer)
{
	struct result *r = ctx;

	assert_false(r->done);
	assert_false(r->inside);
	r->done = true;
	r->answer = *answer;
	answer->body = (struct buf){ 0 };
}

static struct fetch *start_with(struct scene *s, const char *path, struct result *r, struct fetch_request request)
{
	struct error err = { 0 };
	char *url = xasprintf("%s%s", s->base, path);

	memset(r, 0, sizeof(*r));
	request.url = url;
	request.done = on_done;
	request.ctx = r;
	if (request.max_bytes == 0)
		request.max_bytes = 1 << 20;
	if (request.timeout_ms == 0)
		request.timeout_ms = 5000;
	r->inside = true;
	struct fetch *f = fetch_start(s->fetcher, &request, &err);
	r->inside = false;
	if (f == NULL)
		fail_msg("%s", err.text);
	free(url);
	return f;
}

static struct fetch *start(struct scene *s, const char *path, struct result *r)
{
	return start_with(s, path, r, (struct fetch_request){ 0 });
}

static void wait_for(struct scene *s, const struct result *r)
{
	while (!r->done)
		uv_run(&s->loop, UV_RUN_ONCE);
}

/* Fetches and waits; the caller frees the body. */
static struct fetch_answer get_with(struct scene *s, const char *path, struct fetch_request request)
{
	struct result r;

	start_with(s, path, &r, request);
	wait_for(s, &r);
	return r.answer;
}

static struct fetch_answer get(struct scene *s, const char *path)
{
	return get_with(s, path, (struct fetch_request){ 0 });
}

static void assert_body(struct fetch_answer *a, const char *expected)
{
	assert_string_equal(buf_text(&a->body), expected);
	buf_deinit(&a->body);
}

/* ---- friendly ------------------------------------------------------------------------------------ */

static void gets_a_body_and_what_the_headers_say(void **state)
{
	struct scene *s = *state;
	struct fetch_answer a = get(s, "/facts");

	assert_int_equal(a.status, 200);
	assert_string_equal(a.error, "");
	assert_string_equal(a.etag, "\"v1\"");
	assert_string_equal(a.last_modified, "Sat, 21 Nov 2026 00:00:00 GMT");
	assert_string_equal(a.content_type, "application/json; charset=utf-8");
	assert_int_equal(a.date_ms, time_from_civil(2026, 11, 22, 8, 15, 30));
	assert_int_equal(a.retry_after_ms, -1);
	assert_string_equal(a.peer, s->base + 7);
	assert_false(a.gzip || a.tls_failed || a.timed_out || a.too_large || a.redirected);
	assert_body(&a, "{}");
	assert_int_equal(fetcher_bytes_in_flight(s->fetcher), 0);
}

static void says_who_it_is_and_asks_only_for_what_it_wants(void **state)
{
	struct scene *s = *state;
	struct fetch_answer a = get(s, "/body");

	assert_body(&a, "hello");
	assert_non_null(strstr(s->seen, "User-Agent: ctwatch/"));
	assert_null(strstr(s->seen, ".invalid"));      /* no page is named that is not there */
	assert_null(strstr(s->seen, "Accept-Encoding"));
	assert_null(strstr(s->seen, "Cache-Control"));
	a = get_with(s, "/body", (struct fetch_request){ .accept_gzip = true, .fresh = true });
	assert_body(&a, "hello");
	assert_non_null(strstr(s->seen, "Accept-Encoding: gzip\r\n"));
	assert_non_null(strstr(s->seen, "Cache-Control: no-cache"));
}

static void the_user_agent_carries_a_contact_that_cannot_break_the_header(void **state)
{
	char *agent = user_agent_make("soc@corp.test");

	(void)state;
	assert_non_null(strstr(agent, "soc@corp.test)"));
	assert_null(strstr(agent, "example.com"));
	free(agent);
	agent = user_agent_make("a@b\r\nX-Evil: (1)");
	assert_null(strchr(agent, '\r'));
	assert_null(strchr(agent, '\n'));
	assert_non_null(strstr(agent, "a@bX-Evil:1)"));
	free(agent);
	agent = user_agent_make(NULL);
	assert_int_equal(strncmp(agent, "ctwatch/", 8), 0);
	assert_null(strchr(agent, ';'));
	assert_null(strstr(agent, "()"));
	free(agent);
}

static void posts_a_body_with_headers_of_the_callers(void **state)
{
	struct scene *s = *state;
	const char *headers[] = { "Content-Type: application/json", "X-Signature: abc", NULL };
	struct fetch_answer a = get_with(s, "/body", (struct fetch_request){ .headers = headers, .body = SLICE_LITERAL("{\"a\":1}") });

	assert_int_equal(a.status, 200);
	assert_int_equal(strncmp(s->seen, "POST /body ", 11), 0);
	assert_non_null(strstr(s->seen, "X-Signature: abc"));
	assert_null(strstr(s->seen, "Expect"));
	assert_string_equal(buf_text(&s->posted), "{\"a\":1}");
	buf_deinit(&a.body);
	a = get_with(s, "/body", (struct fetch_request){ .method = "PUT", .body = SLICE_LITERAL("x") });
	assert_int_equal(strncmp(s->seen, "PUT /body ", 10), 0);
	buf_deinit(&a.body);
}

static void keeps_connections_alive_unless_told_otherwise(void **state)
{
	struct scene *s = *state;
	struct fetch_request plain = { 0 }, fresh = { .fresh = true }, close = { .no_keepalive = true };
	const struct fetch_request *order[] = { &plain, &plain, &fresh, &plain, &close, &close };
	const size_t connections[] = { 1, 1, 2, 2, 3, 4 };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct fetch_answer a = get_with(s, "/body", *order[i]);

		assert_body(&a, "hello");
		assert_int_equal(unruly_connections(s->server), connections[i]);
	}
}

static void runs_many_transfers_at_once(void **state)
{
	struct scene *s = *state;
	struct result results[100];

	for (size_t i = 0; i < ARRAY_LEN(results); i++)
		start(s, i % 10 == 3 ? "/cut" : i % 10 == 7 ? "/close-after" : "/body", &results[i]);
	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		wait_for(s, &results[i]);
		assert_int_equal(results[i].answer.error[0] != '\0', i % 10 == 3);
		buf_deinit(&results[i].answer.body);
	}
	assert_int_equal(fetcher_bytes_in_flight(s->fetcher), 0);
}

static void hands_gzip_over_as_it_came(void **state)
{
	struct fetch_answer a = get_with(*state, "/gzip", (struct fetch_request){ .accept_gzip = true });

	assert_true(a.gzip);
	assert_body(&a, "\x1f\x8b raw bytes");
	a = get_with(*state, "/brotli", (struct fetch_request){ .accept_gzip = true });
	assert_false(a.gzip);
	assert_string_equal(a.error, "the answer is encoded as \"br\", which was not asked for");
	buf_deinit(&a.body);
	a = get_with(*state, "/twice-encoded", (struct fetch_request){ .accept_gzip = true });
	assert_false(a.gzip);
	assert_non_null(strstr(a.error, "\"gzip, gzip\""));
	buf_deinit(&a.body);
}

static void reads_retry_after_in_all_its_forms_and_clamps_it(void **state)
{
	struct fetch_answer a = get(*state, "/429-seconds");

	assert_int_equal(a.status, 429);
	assert_int_equal(a.retry_after_ms, 7000);
	a = get(*state, "/429-date");
	assert_in_range(a.retry_after_ms, 57000, 61000);
	a = get(*state, "/429-utc-date");
	assert_in_range(a.retry_after_ms, 57000, 61000);
	a = get(*state, "/429-forever");
	assert_int_equal(a.retry_after_ms, 900000);
	a = get(*state, "/429-silent");
	assert_int_equal(a.retry_after_ms, -1);
	buf_deinit(&a.body);
	a = get(*state, "/429-past-date");
	assert_int_equal(a.retry_after_ms, 1000);
}

/* ---- hostile -------------------------------------------------------------------------------------- */

static void ends_a_transfer_that_drips_or_is_silent(void **state)
{
	struct fetch_answer a = get(*state, "/slow-drip");

	assert_true(a.timed_out);
	assert_true(a.seconds < 4.5);
	assert_true(a.error[0] != '\0');
	buf_deinit(&a.body);
	a = get_with(*state, "/silent", (struct fetch_request){ .timeout_ms = 300 });
	assert_true(a.timed_out);
	assert_int_equal(a.status, 0);
	assert_true(a.seconds < 1);
}

static void tells_a_cut_answer_from_a_whole_one(void **state)
{
	struct fetch_answer a = get(*state, "/cut");

	assert_true(a.error[0] != '\0');
	buf_deinit(&a.body);
	a = get(*state, "/reset");
	assert_int_equal(a.status, 0);
	assert_true(a.error[0] != '\0');
	a = get(*state, "/http10");
	assert_int_equal(a.status, 200);
	assert_body(&a, "until the end");
}

static void does_not_take_bytes_behind_an_answer_for_the_next(void **state)
{
	struct fetch_answer a = get(*state, "/short-length");

	assert_int_equal(a.status, 200);
	assert_body(&a, "four");
	a = get(*state, "/body");
	assert_body(&a, "hello");
}

static void stops_at_the_ceiling_of_the_body(void **state)
{
	static const char *const paths[] = { "/huge-length", "/endless", "/chunked-bomb" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct fetch_answer a = get_with(*state, paths[i], (struct fetch_request){ .max_bytes = 200000 });

		assert_true(a.too_large);
		assert_non_null(strstr(a.error, "larger than the 200000 bytes"));
		assert_true(a.body.len <= 200000 && a.body.cap <= 200001);
		buf_deinit(&a.body);
	}
	struct fetch_answer a = get_with(*state, "/body", (struct fetch_request){ .max_bytes = 5 });
	assert_false(a.too_large);
	assert_body(&a, "hello");
	a = get_with(*state, "/body", (struct fetch_request){ .max_bytes = 4 });
	assert_true(a.too_large);
	buf_deinit(&a.body);
}

static void stops_at_the_ceiling_of_the_headers(void **state)
{
	struct fetch_answer a = get(*state, "/many-headers");

	assert_non_null(strstr(a.error, "headers are longer"));
	a = get(*state, "/many-continues");
	assert_true(a.error[0] != '\0');
	a = get(*state, "/long-etag");
	assert_int_equal(a.status, 200);
	assert_string_equal(a.etag, "");
}

static void does_not_follow_redirects(void **state)
{
	struct scene *s = *state;
	struct fetch_answer a = get(s, "/redirect");

	assert_true(a.redirected);
	assert_int_equal(a.status, 302);
	assert_string_equal(a.error, "redirected (status 302), which is not followed");
	assert_int_equal(s->n_requests, 1);
	buf_deinit(&a.body);
}

static void what_is_not_http_is_an_error(void **state)
{
	static const char *const paths[] = { "/garbage", "/http09", "/negative-length" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct fetch_answer a = get(*state, paths[i]);

		assert_true(a.error[0] != '\0');
		buf_deinit(&a.body);
	}
}

static void says_when_nobody_listens(void **state)
{
	struct scene *s = *state;
	struct result r;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);     /* bound, not listening */
	getsockname(fd, (struct sockaddr *)&address, &len);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	strcpy(s->base, url);
	start(s, "/", &r);
	wait_for(s, &r);
	close(fd);
	assert_int_equal(r.answer.status, 0);
	assert_false(r.answer.tls_failed);
	assert_non_null(strstr(r.answer.error, "connect"));
}

static void tells_tls_failures_apart(void **state)
{
	struct scene *s = *state;
	struct result r;

	snprintf(s->base, sizeof(s->base), "https://127.0.0.1:%d", unruly_port(s->server));
	start(s, "/garbage", &r);
	/* the server waits for an HTTP request that a TLS hello never ends; cut it from the other side */
	while (!r.done) {
		uv_run(&s->loop, UV_RUN_NOWAIT);
		if (unruly_connections(s->server) > 0)
			break;
	}
	wait_for(s, &r);
	assert_int_equal(r.answer.status, 0);
	assert_true(r.answer.tls_failed || r.answer.timed_out);
}

static void refuses_urls_that_must_not_be_fetched(void **state)
{
	static const char *const cases[][2] = {
		{ "http://log.test/ct/v1/get-sth", "plain http:// is accepted for loopback addresses only" },
		{ "http://127.0.0.1.evil.test/", "plain http://" },
		{ "http://127.0.0.1@evil.test/", "plain http://" },
		{ "http://localhost.evil.test/", "plain http://" },
		{ "http://10.0.0.1/", "plain http://" },
		{ "ftp://log.test/", "expected a URL that begins with https://" },
		{ "file:///etc/passwd", "expected a URL that begins with https://" },
		{ "gopher://127.0.0.1/", "expected a URL" },
		{ "log.test", "expected a URL" },
		{ "https://", "names no host" },
		{ "https://log.test/\r\nX: y", "no control characters" },
		{ "https://log.test/a b", "no spaces" },
		{ "", "expected a URL" },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		struct fetch_request request = { .url = cases[i][0], .max_bytes = 10, .done = on_done };

		assert_null(fetch_start(s->fetcher, &request, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		if (strstr(err.text, cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], err.text);
	}
	assert_true(fetch_may_be_plain("http://127.9.9.9/", NULL));
	assert_true(fetch_may_be_plain("http://[::1]:8080/", NULL));
	assert_true(fetch_may_be_plain("http://LOCALHOST/", NULL));
	assert_false(fetch_may_be_plain("http://[::2]/", NULL));
	const char *const allowed[] = { "log.internal", NULL };
	assert_true(fetch_may_be_plain("http://Log.Internal:81/", allowed));
	assert_false(fetch_may_be_plain("http://x.log.internal/", allowed));
}

/* ---- cancelling and closing ------------------------------------------------------------------------- */

static void nothing_comes_after_a_cancel(void **state)
{
	struct scene *s = *state;
	struct result early, late, other;

	fetch_cancel(NULL);
	fetch_cancel(start(s, "/body", &early));
	struct fetch *f = start(s, "/endless", &late);
	while (fetch_bytes(f) == 0)
		uv_run(&s->loop, UV_RUN_ONCE);
	assert_true(fetcher_bytes_in_flight(s->fetcher) > 0);
	fetch_cancel(f);
	assert_int_equal(fetcher_bytes_in_flight(s->fetcher), 0);
	start(s, "/body", &other);
	wait_for(s, &other);
	buf_deinit(&other.answer.body);
	assert_false(early.done);
	assert_false(late.done);
}

struct chain {
	struct scene *scene;
	struct fetch *other;
	int n;
	bool close_at_end;
};

static void on_chained(void *ctx, struct fetch_answer *answer)
{
	struct chain *c = ctx;
	struct error err;
	char *url = xasprintf("%s/body", c->scene->base);

	assert_int_equal(answer->status, 200);
	c->n++;
	if (c->n == 1) {
		fetch_cancel(c->other);
		c->other = NULL;
	}
	if (c->n < 20)
		assert_non_null(fetch_start(c->scene->fetcher,
					    &(struct fetch_request){ .url = url, .max_bytes = 100, .done = on_chained, .ctx = c }, &err));
	else if (c->close_at_end) {
		fetcher_close(c->scene->fetcher);
		c->scene->fetcher = NULL;
	}
	free(url);
}

static void done_may_start_cancel_and_close(void **state)
{
	struct scene *s = *state;
	struct chain c = { .scene = s, .close_at_end = true };
	struct result never;
	struct error err;
	char *url = xasprintf("%s/body", s->base);

	c.other = start(s, "/silent", &never);
	for (int i = 0; i < 3; i++)
		start(s, "/slow-drip", &never);
	assert_non_null(fetch_start(s->fetcher, &(struct fetch_request){ .url = url, .max_bytes = 100, .done = on_chained, .ctx = &c }, &err));
	free(url);
	while (c.n < 20)
		uv_run(&s->loop, UV_RUN_ONCE);
	uv_run(&s->loop, UV_RUN_NOWAIT);
	assert_false(never.done);
	assert_null(s->fetcher);
}

/* ---- bandwidth -------------------------------------------------------------------------------------- */

static double megabytes_per_second(struct scene *s, size_t answer_bytes, size_t n, size_t at_once)
{
	struct result *results = xcalloc(n, sizeof(*results));
	uint64_t begin = uv_hrtime(), received = 0;
	size_t started = 0;

	s->body = slice_of(xcalloc(1, answer_bytes), answer_bytes);
	for (size_t i = 0; i < n; i++) {
		for (; started < n && started < i + at_once; started++)
			start_with(s, "/body", &results[started], (struct fetch_request){ .max_bytes = answer_bytes, .timeout_ms = 60000 });
		wait_for(s, &results[i]);
		assert_string_equal(results[i].answer.error, "");
		received += results[i].answer.body.len;
		buf_deinit(&results[i].answer.body);
	}
	double seconds = (double)(uv_hrtime() - begin) / 1e9;
	assert_int_equal(received, n * answer_bytes);
	free((void *)s->body.data);
	free(results);
	return (double)received / 1e6 / seconds;
}

static void all_transfers_together_keep_to_the_bandwidth_limit(void **state)
{
	struct scene *s = *state;

	fetcher_set_limit(s->fetcher, 2000000);
	double small = megabytes_per_second(s, 20000, 200, 8);
	double tiles = megabytes_per_second(s, 160000, 25, 8);
	double large = megabytes_per_second(s, 2000000, 2, 2);
	print_message("limit 2.00 MB/s: small answers %.2f, tiles %.2f, large %.2f MB/s\n", small, tiles, large);
	assert_true(small > 1.5 && small < 2.4);
	assert_true(tiles > 1.3 && tiles < 2.4);
	assert_true(large > 1.0 && large < 2.4);
	fetcher_set_limit(s->fetcher, 0);
	assert_true(megabytes_per_second(s, 160000, 50, 8) > 4);
}

#define ON_SCENE(f) cmocka_unit_test_setup_teardown(f, build, strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SCENE(gets_a_body_and_what_the_headers_say),
		ON_SCENE(says_who_it_is_and_asks_only_for_what_it_wants),
		cmocka_unit_test(the_user_agent_carries_a_contact_that_cannot_break_the_header),
		ON_SCENE(posts_a_body_with_headers_of_the_callers),
		ON_SCENE(keeps_connections_alive_unless_told_otherwise),
		ON_SCENE(runs_many_transfers_at_once),
		ON_SCENE(hands_gzip_over_as_it_came),
		ON_SCENE(reads_retry_after_in_all_its_forms_and_clamps_it),
		ON_SCENE(ends_a_transfer_that_drips_or_is_silent),
		ON_SCENE(tells_a_cut_answer_from_a_whole_one),
		ON_SCENE(does_not_take_bytes_behind_an_answer_for_the_next),
		ON_SCENE(stops_at_the_ceiling_of_the_body),
		ON_SCENE(stops_at_the_ceiling_of_the_headers),
		ON_SCENE(does_not_follow_redirects),
		ON_SCENE(what_is_not_http_is_an_error),
		ON_SCENE(says_when_nobody_listens),
		ON_SCENE(tells_tls_failures_apart),
		ON_SCENE(refuses_urls_that_must_not_be_fetched),
		ON_SCENE(nothing_comes_after_a_cancel),
		ON_SCENE(done_may_start_cancel_and_close),
		ON_SCENE(all_transfers_together_keep_to_the_bandwidth_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
