/* Log lists: which logs are read, the guards, and the updater against a server of the test's own. */
#include "lists.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "guard.h"
#include "shared.h"
#include "temp_state.h"
#include "unruly.h"

#define DAY_MS (24 * 3600 * 1000LL)
#define CHROME "/ct/log_list/v3/all_logs_list.json"

/* ---- which logs are read ---------------------------------------------------------------------------- */

/* Borrowed texts where the configuration has its own. */
static struct string_list list_of(const char **items)
{
	struct string_list list = { (char **)items, 0 };

	while (items[list.n] != NULL)
		list.n++;
	return list;
}

static struct listed_log some_log(enum log_lifecycle lifecycle)
{
	return (struct listed_log){
		.description = (char *)"Corp 'Otter2026h2'", .log_operator = (char *)"Corp", .url = (char *)"https://otter.corp.test/2026h2", .lifecycle = lifecycle,
		.interval_start_ms = time_from_civil(2026, 7, 1, 0, 0, 0), .interval_end_ms = time_from_civil(2027, 1, 1, 0, 0, 0),
	};
}

static struct follow_decision decide(const struct listed_log *log, const char **include, const char **exclude, int64_t now_ms)
{
	struct config config = { .log_include = list_of(include), .log_exclude = list_of(exclude) };
	struct follow_decision decision;

	lists_decide(log, &config, now_ms, &decision);
	return decision;
}

static void lifecycle_type_and_age_decide_what_is_read(void **state)
{
	const char *all[] = { "*", NULL }, *none[] = { NULL };
	int64_t now = time_from_civil(2026, 11, 22, 0, 0, 0);
	const struct {
		enum log_lifecycle lifecycle;
		enum log_type type;
		int64_t days;                     /* after now */
		enum follow_how how;
		const char *why;
	} cases[] = {
		{ LIFECYCLE_USABLE, LOG_TYPE_PROD, 0, FOLLOW_LIVE, "" },
		{ LIFECYCLE_QUALIFIED, LOG_TYPE_PROD, 0, FOLLOW_LIVE, "" },
		{ LIFECYCLE_PENDING, LOG_TYPE_PROD, 0, FOLLOW_LIVE, "" },
		{ LIFECYCLE_READONLY, LOG_TYPE_PROD, 0, FOLLOW_READONLY, "" },
		{ LIFECYCLE_RETIRED, LOG_TYPE_PROD, 0, FOLLOW_READ_OUT, "retired" },
		{ LIFECYCLE_REJECTED, LOG_TYPE_PROD, 0, FOLLOW_NOT, "rejected by browsers" },
		{ LIFECYCLE_NONE, LOG_TYPE_TEST, 0, FOLLOW_NOT, "a test log" },
		{ LIFECYCLE_NONE, LOG_TYPE_MONITORING_ONLY, 0, FOLLOW_NOT, "an experiment" },
		{ LIFECYCLE_NONE, LOG_TYPE_PROD, 0, FOLLOW_NOT, "never applied" },
		{ LIFECYCLE_USABLE, LOG_TYPE_PROD, 50, FOLLOW_READ_OUT, "its interval ended on 2027-01-01" },
		{ LIFECYCLE_REJECTED, LOG_TYPE_PROD, 50, FOLLOW_READ_OUT, "its interval ended" },
		{ LIFECYCLE_USABLE, LOG_TYPE_PROD, 80, FOLLOW_NOT, "all its certificates expired by 2027-01-01" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct listed_log log = some_log(cases[i].lifecycle);

		log.type = cases[i].type;
		struct follow_decision d = decide(&log, all, none, now + cases[i].days * DAY_MS);
		assert_int_equal(d.how, cases[i].how);
		if (cases[i].why[0] == '\0')
			assert_string_equal(d.why, "");
		else if (strstr(d.why, cases[i].why) == NULL)
			fail_msg("case %zu: %s", i, d.why);
	}
}

static void a_log_that_left_all_lists_is_read_until_thirty_days_after_its_end(void **state)
{
	const char *all[] = { "*", NULL }, *none[] = { NULL };
	struct listed_log log = some_log(LIFECYCLE_RETIRED);
	int64_t end = log.interval_end_ms;

	(void)state;
	log.sources = LISTS_SOURCE_DEPARTED;
	struct follow_decision d = decide(&log, all, none, end + 29 * DAY_MS);
	assert_int_equal(d.how, FOLLOW_READ_OUT);
	assert_string_equal(d.why, "no list names it any more; read until 2027-01-31");
	d = decide(&log, all, none, end + 31 * DAY_MS);
	assert_int_equal(d.how, FOLLOW_NOT);
	assert_string_equal(d.why, "no list names it any more");
}

static void patterns_include_and_exclude_by_name_operator_url_and_id(void **state)
{
	int64_t now = time_from_civil(2026, 11, 22, 0, 0, 0);
	struct listed_log live = some_log(LIFECYCLE_USABLE), test = some_log(LIFECYCLE_NONE);
	char id[BASE64_LEN(HASH_LEN) + 1];
	const char *all[] = { "*", NULL }, *none[] = { NULL }, *corp[] = { "corp", NULL }, *otter[] = { "*Otter*", NULL };
	const char *url[] = { "otter.corp.test/*", NULL }, *other[] = { "*Badger*", NULL }, *both[] = { "*", "*otter2026h2*", NULL };

	(void)state;
	live.log_id.bytes[0] = 7;
	base64_encode(live.log_id.bytes, HASH_LEN, id);
	const char *by_id[] = { id, NULL };
	test.type = LOG_TYPE_TEST;
	assert_int_equal(decide(&live, corp, none, now).how, FOLLOW_LIVE);
	assert_int_equal(decide(&live, url, none, now).how, FOLLOW_LIVE);
	assert_int_equal(decide(&live, by_id, none, now).how, FOLLOW_LIVE);
	assert_int_equal(decide(&live, other, none, now).how, FOLLOW_NOT);
	assert_string_equal(decide(&live, other, none, now).why, "not included by the configuration");
	assert_int_equal(decide(&live, all, otter, now).how, FOLLOW_NOT);
	assert_string_equal(decide(&live, all, otter, now).why, "excluded by the configuration (\"*Otter*\")");
	assert_int_equal(decide(&live, otter, by_id, now).how, FOLLOW_NOT);
	assert_int_equal(decide(&test, all, none, now).how, FOLLOW_NOT);
	assert_int_equal(decide(&test, both, none, now).how, FOLLOW_LIVE);
	assert_int_equal(decide(&test, both, otter, now).how, FOLLOW_NOT);
	live.url = (char *)"https://ct.example.com/bogus";
	assert_int_equal(decide(&live, both, none, now).how, FOLLOW_NOT);
	live.url = (char *)"https://ct.notexample.com/x";
	assert_int_equal(decide(&live, all, none, now).how, FOLLOW_LIVE);
}

/* ---- the updater -------------------------------------------------------------------------------------- */

struct scene {
	uv_loop_t loop;
	struct unruly *server;
	struct fetcher *fetcher;
	struct lists *lists;
	struct config config;
	char *directory, *url, *other_url;
	char *items[3];
	int64_t now_ms;
	int64_t set_by_ms;                /* how far the wall clock was set off the steady one */
	struct slice json, signature, other;      /* served; other: an unsigned list */
	const char *etag;
	size_t n_full, n_not_modified, n_signatures;
	bool fail;
	EVP_PKEY *key;
	struct buf pem;
	/* what the callbacks said */
	size_t n_changed, n_logs, n_followed, n_departed;
	bool builtin, refreshed;
	char opened[256], closed[4096];           /* the last that opened; all that closed */
	char unread[512], departed_why[256];      /* entries that cannot be read; of the last departed log */
};

static void on_request(void *ctx, struct unruly_answer *a, const struct unruly_request *r)
{
	struct scene *s = ctx;
	char headers[200] = "";

	if (s->etag != NULL)
		snprintf(headers, sizeof(headers), "ETag: %s\r\nLast-Modified: Sun, 22 Nov 2026 08:00:00 GMT\r\n", s->etag);
	if (s->fail) {
		unruly_reply(a, 500, "", SLICE_LITERAL("oops"));
	} else if (strstr(r->path, "other") != NULL) {
		unruly_reply(a, 200, "", s->other);
	} else if (strstr(r->path, ".sig") != NULL && s->signature.len == 0) {
		unruly_reply(a, 404, "", SLICE_LITERAL("no such page"));
	} else if (strstr(r->path, ".sig") != NULL) {
		s->n_signatures++;
		unruly_reply(a, 200, "", s->signature);
	} else if (s->etag != NULL && slice_equal_text(unruly_header(r, "If-None-Match"), s->etag)) {
		s->n_not_modified++;
		assert_true(unruly_header(r, "If-Modified-Since").len > 0);
		unruly_reply(a, 304, headers, (struct slice){ 0 });
	} else {
		s->n_full++;
		unruly_reply(a, 200, headers, s->json);
	}
}

static void on_changed(void *ctx, const struct lists_view *view)
{
	struct scene *s = ctx;

	s->n_changed++;
	uv_stop(&s->loop);
	s->n_logs = view->union_list->n_logs;
	s->builtin = view->builtin;
	s->n_followed = s->n_departed = 0;
	s->unread[0] = '\0';
	for (size_t i = 0; i < view->union_list->n_unread; i++)
		snprintf(s->unread + strlen(s->unread), sizeof(s->unread) - strlen(s->unread), "%s: %s\n", view->union_list->unread[i].description,
			 view->union_list->unread[i].why);
	for (size_t i = 0; i < s->n_logs; i++) {
		const struct listed_log *log = &view->union_list->logs[i];

		s->n_followed += view->decisions[i].how != FOLLOW_NOT;
		s->n_departed += (log->sources & LISTS_SOURCE_DEPARTED) != 0;
		if ((log->sources & LISTS_SOURCE_DEPARTED) != 0)
			snprintf(s->departed_why, sizeof(s->departed_why), "%s", view->decisions[i].why);
		assert_true(view->decisions[i].how == FOLLOW_LIVE || view->decisions[i].how == FOLLOW_READONLY || view->decisions[i].why[0] != '\0');
		if (i > 0)
			assert_true(strcmp(log[-1].log_operator, log->log_operator) <= 0);
	}
}

static void on_incident(void *ctx, bool open, const char *class_name, const char *source, const char *severity, const char *summary)
{
	struct scene *s = ctx;

	assert_true(source[0] != '\0' && severity[0] != '\0' && summary[0] != '\0');
	if (open)
		snprintf(s->opened, sizeof(s->opened), "%s: %s", class_name, summary);
	else
		snprintf(s->closed + strlen(s->closed), sizeof(s->closed) - strlen(s->closed), "%s: %s\n", class_name, summary);
}

static int64_t on_steady_clock(void *ctx)
{
	const struct scene *s = ctx;

	return s->now_ms - s->set_by_ms;
}

static int64_t on_clock(void *ctx)
{
	return ((struct scene *)ctx)->now_ms;
}

static void start_lists(struct scene *s, struct slice pem)
{
	s->lists = lists_start(&(struct lists_options){
		.loop = &s->loop, .fetcher = s->fetcher, .config = &s->config, .directory = s->directory, .list_key_pem = pem,
		.tick_ms = 200, .clock = { .steady_ms = on_steady_clock, .wall_ms = on_clock, .ctx = s }, .changed = on_changed, .incident = on_incident, .ctx = s,
	});
	assert_int_equal(s->n_changed, 0);
}

static int build(void **state)
{
	struct scene *s = xcalloc(1, sizeof(*s));
	static const char *everything[] = { "*", NULL }, *nothing[] = { NULL };

	uv_loop_init(&s->loop);
	s->server = unruly_start(&s->loop, on_request, s);
	s->fetcher = fetcher_new(&s->loop, &(struct fetcher_options){ 0 });
	s->directory = temp_directory();
	s->now_ms = time_from_civil(2026, 8, 21, 0, 0, 0);
	s->url = xasprintf("http://127.0.0.1:%d" CHROME, unruly_port(s->server));
	s->other_url = xasprintf("http://127.0.0.1:%d/other.json", unruly_port(s->server));
	s->items[0] = s->url;
	s->config.log_lists = (struct string_list){ s->items, 1 };
	s->config.log_include = list_of(everything);
	s->config.log_exclude = list_of(nothing);
	*state = s;
	return 0;
}

static void run_until_refreshed(struct scene *s);

static void stop_lists(struct scene *s)
{
	lists_close(s->lists);
	s->lists = NULL;
	uv_run(&s->loop, UV_RUN_NOWAIT);
	s->n_changed = 0;
}

static int strike(void **state)
{
	struct scene *s = *state;

	lists_close(s->lists);
	fetcher_close(s->fetcher);
	unruly_stop(s->server);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&s->loop), 0);
	temp_remove(s->directory);
	EVP_PKEY_free(s->key);
	buf_deinit(&s->pem);
	free(s->url);
	free(s->other_url);
	free(s);
	return 0;
}

static void on_refreshed(void *ctx)
{
	struct scene *s = ctx;

	s->refreshed = true;
	uv_stop(&s->loop);              /* else one more turn would wait for the next timer */
}

static void run_until_refreshed(struct scene *s)
{
	s->refreshed = false;
	lists_refresh(s->lists, on_refreshed, s);
	assert_false(s->refreshed);
	while (!s->refreshed)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void serve_real(struct scene *s, const char *which)
{
	char *json = xasprintf("%s/%s/all_logs_list.json", s->directory, which), *sig = xasprintf("%s/%s/all_logs_list.sig", s->directory, which);
	struct buf content = { 0 };
	struct error err;

	if (!file_read(json, 8 << 20, &content, &err))
		fail_msg("%s", err.text);
	free((void *)s->json.data);
	s->json = buf_slice(&content);
	content = (struct buf){ 0 };
	if (!file_read(sig, 4096, &content, &err))
		fail_msg("%s", err.text);
	free((void *)s->signature.data);
	s->signature = buf_slice(&content);
	free(json);
	free(sig);
}

static void unpack_real(struct scene *s)
{
	char *command = xasprintf("zstd -dc '%s/data/loglist/older-lists.tar.zst' | tar x -C '%s'", shared_dir(), s->directory);

	assert_int_equal(system(command), 0);
	free(command);
}

static void real_signed_lists_follow_one_another_but_never_backwards(void **state)
{
	struct scene *s = *state;

	need_shared();
	unpack_real(s);
	s->now_ms = time_from_civil(2026, 4, 11, 0, 0, 0);
	serve_real(s, "google-v3-2026-04-10-42bbfb52");
	s->etag = "\"april\"";
	start_lists(s, (struct slice){ 0 });
	run_until_refreshed(s);
	assert_true(s->n_logs > 50 && s->n_followed > 20);
	assert_false(s->builtin);
	assert_string_equal(s->opened, "");
	size_t april = s->n_logs;
	/* the same again costs a 304 and changes nothing */
	size_t n_changed = s->n_changed;
	run_until_refreshed(s);
	assert_int_equal(s->n_not_modified, 1);
	assert_int_equal(s->n_changed, n_changed);
	/* an older one, correctly signed, is refused */
	serve_real(s, "google-v3-2026-02-06-7455e42a");
	s->etag = "\"february\"";
	run_until_refreshed(s);
	assert_int_equal(strncmp(s->opened, "LIST_ROLLBACK: the list is of 2026-01-29", 40), 0);
	assert_int_equal(s->n_logs, april);
	/* the next one is taken, and what was read and is gone is read on */
	s->now_ms = time_from_civil(2026, 7, 7, 0, 0, 0);
	serve_real(s, "google-v3-2026-07-06-83f3a1bd");
	s->etag = "\"july\"";
	run_until_refreshed(s);
	assert_non_null(strstr(s->closed, "LIST_ROLLBACK: "));
	struct lists_source_status status;
	assert_int_equal(lists_status(s->lists, &status, 1), 1);
	assert_true(status.signed_by_key);
	assert_null(status.last_error);
	assert_int_equal(status.list_timestamp_ms / DAY_MS, time_from_civil(2026, 7, 6, 0, 0, 0) / DAY_MS);
	/* a restart without network begins with the kept copy, and asks conditionally */
	size_t july = s->n_logs, followed = s->n_followed;
	stop_lists(s);
	s->n_not_modified = 0;
	start_lists(s, (struct slice){ 0 });
	while (s->n_changed == 0)
		uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(s->n_logs, july);
	assert_int_equal(s->n_followed, followed);
	run_until_refreshed(s);
	assert_true(s->n_not_modified >= 1);
	struct log_list kept;
	struct error err;
	bool builtin;
	assert_true(lists_load_kept(&s->config, s->directory, &kept, &builtin, &err));
	assert_int_equal(kept.n_logs, july);
	assert_false(builtin);
	log_list_deinit(&kept);
	free((void *)s->json.data);
	free((void *)s->signature.data);
}

static void a_real_list_with_one_changed_byte_is_refused_and_three_times_is_an_incident(void **state)
{
	struct scene *s = *state;

	need_shared();
	unpack_real(s);
	serve_real(s, "google-v3-2026-07-06-83f3a1bd");
	((uint8_t *)s->json.data)[1000] ^= 1;
	start_lists(s, (struct slice){ 0 });
	for (int i = 0; i < 3; i++) {
		assert_string_equal(s->opened, "");
		run_until_refreshed(s);
	}
	assert_int_equal(strncmp(s->opened, "LIST_BAD_SIGNATURE: 3 attempts", 30), 0);
	assert_int_equal(s->n_logs, 0);
	assert_int_equal(s->n_full, 3);
	((uint8_t *)s->json.data)[1000] ^= 1;
	run_until_refreshed(s);
	assert_non_null(strstr(s->closed, "LIST_BAD_SIGNATURE: "));
	assert_true(s->n_logs > 50);
	free((void *)s->json.data);
	free((void *)s->signature.data);
}

static void a_damaged_copy_on_disk_is_not_used(void **state)
{
	struct scene *s = *state;

	need_shared();
	unpack_real(s);
	serve_real(s, "google-v3-2026-07-06-83f3a1bd");
	start_lists(s, (struct slice){ 0 });
	run_until_refreshed(s);
	stop_lists(s);
	char *command = xasprintf("for f in '%s'/all_logs_list-*.json; do printf 'X' | dd of=$f bs=1 seek=500 conv=notrunc 2>/dev/null; done", s->directory);
	assert_int_equal(system(command), 0);
	free(command);
	s->fail = true;
	start_lists(s, (struct slice){ 0 });
	while (s->n_changed == 0)
		uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(s->n_logs, 0);
	free((void *)s->json.data);
	free((void *)s->signature.data);
}

/* ---- lists of the test's own, signed with a key of its own -------------------------------------------- */

static void make_key(struct scene *s)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	s->key = EVP_RSA_gen(2048);
	assert_int_equal(PEM_write_bio_PUBKEY(bio, s->key), 1);
	long len = BIO_get_mem_data(bio, &text);
	buf_init(&s->pem, 4096);
	buf_append(&s->pem, text, (size_t)len);
	BIO_free(bio);
}

static void sign(struct scene *s)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 512;
	uint8_t *signature = xmalloc(len);

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, s->key), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, s->json.data, s->json.len), 1);
	EVP_MD_CTX_free(ctx);
	free((void *)s->signature.data);
	s->signature = slice_of(signature, len);
}

/* The key that belongs to number n. */
static void key_of(int n, char out[200], char id[64])
{
	static EVP_PKEY *keys[64];
	uint8_t *der = NULL;

	if (keys[n] == NULL)
		keys[n] = EVP_EC_gen("P-256");
	int len = i2d_PUBKEY(keys[n], &der);
	assert_true(len > 0);
	base64_encode(der, (size_t)len, out);
	struct hash hash = sha256(slice_of(der, (size_t)len));
	base64_encode(hash.bytes, HASH_LEN, id);
	OPENSSL_free(der);
}

/* Logs [from, to), usable, each at its own URL; log number `swap` (or -1) sits behind its URL with key 63. */
static void serve_made(struct scene *s, int from, int to, int swap, const char *timestamp)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_printf(&text, "{\"version\":\"1.1\",\"log_list_timestamp\":\"%s\",\"operators\":[{\"name\":\"Corp\",\"email\":[],\"logs\":[", timestamp);
	for (int i = from; i < to; i++) {
		char key[200], id[64];

		key_of(i == swap ? 63 : i, key, id);
		buf_printf(&text,
			   "%s{\"description\":\"Corp log %d\",\"log_id\":\"%s\",\"key\":\"%s\",\"url\":\"https://log%d.corp.test/\",\"mmd\":86400,"
			   "\"state\":{\"usable\":{\"timestamp\":\"2026-01-01T00:00:00Z\"}},"
			   "\"temporal_interval\":{\"start_inclusive\":\"2026-07-01T00:00:00Z\",\"end_exclusive\":\"2027-01-01T00:00:00Z\"}}",
			   i > from ? "," : "", i, id, key, i);
	}
	buf_append_text(&text, "]}]}");
	buf_text(&text);                /* ends with a zero: see patch() */
	free((void *)s->json.data);
	s->json = buf_slice(&text);
	sign(s);
}

static int build_made(void **state)
{
	build(state);
	make_key(*state);
	return 0;
}

static int strike_made(void **state)
{
	struct scene *s = *state;

	free((void *)s->json.data);
	free((void *)s->signature.data);
	return strike(state);
}

static void set_clock(struct scene *s, int64_t by_ms)
{
	s->now_ms += by_ms;
	s->set_by_ms += by_ms;
}

static void a_list_that_removes_many_logs_waits_three_days(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 9, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 9);
	/* three of nine is a third, not more */
	serve_made(s, 3, 9, -1, "2026-08-20T01:00:00Z");
	run_until_refreshed(s);
	assert_string_equal(s->opened, "");
	assert_int_equal(s->n_followed, 9);
	assert_int_equal(s->n_departed, 3);
	/* three of six is more than a third */
	serve_made(s, 6, 9, -1, "2026-08-20T02:00:00Z");
	run_until_refreshed(s);
	assert_string_equal(s->opened, "LIST_MASS_REMOVAL: the new list lacks 3 of the 6 logs that are read; the old one stays in use");
	assert_int_equal(s->n_departed, 3);
	/* days of the wall clock alone do not count */
	set_clock(s, 4 * DAY_MS);
	run_until_refreshed(s);
	set_clock(s, -8 * DAY_MS);
	run_until_refreshed(s);
	set_clock(s, 4 * DAY_MS);
	assert_int_equal(s->n_departed, 3);
	s->now_ms += 2 * DAY_MS;
	run_until_refreshed(s);
	assert_int_equal(s->n_departed, 3);
	s->now_ms += 2 * DAY_MS;
	run_until_refreshed(s);
	assert_int_equal(s->n_departed, 6);
	assert_int_equal(s->n_followed, 9);
	assert_non_null(strstr(s->closed, "LIST_MASS_REMOVAL: "));
	/* departed logs survive a restart, and one that comes back is listed again */
	stop_lists(s);
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_departed, 6);
	serve_made(s, 4, 9, -1, "2026-08-25T00:00:00Z");
	run_until_refreshed(s);
	assert_int_equal(s->n_departed, 4);
	/* and they end 30 days after their shard did */
	s->now_ms = time_from_civil(2027, 2, 1, 0, 0, 0);
	serve_made(s, 4, 10, -1, "2027-01-31T00:00:00Z");
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 0);
}

static void a_key_that_changes_behind_a_url_keeps_the_old_list(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 9, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	serve_made(s, 0, 9, 4, "2026-08-20T01:00:00Z");
	run_until_refreshed(s);
	assert_string_equal(s->opened, "KEY_CHANGED: the new list has another key behind https://log4.corp.test; the old list stays in use");
	assert_int_equal(s->n_logs, 9);
	serve_made(s, 0, 9, -1, "2026-08-20T02:00:00Z");
	run_until_refreshed(s);
	assert_non_null(strstr(s->closed, "KEY_CHANGED: "));
}

static void a_mimic_list_is_never_taken(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 9, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	free((void *)s->json.data);
	s->json = slice_of(xstrdup("{\"version\":\"1.2\",\"log_list_timestamp\":\"2026-08-20T05:00:00Z\",\"operators\":[]}"), 0);
	s->json.len = strlen((const char *)s->json.data);
	sign(s);
	for (int i = 0; i < 6; i++) {
		run_until_refreshed(s);
		s->now_ms += DAY_MS;
	}
	assert_int_equal(strncmp(s->opened, "LIST_MIMIC", 10), 0);
	assert_int_equal(s->n_followed, 9);
}

static void a_list_that_nobody_renews_becomes_stale(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	s->now_ms += 13 * DAY_MS - 3600 * 1000;
	run_until_refreshed(s);
	assert_string_equal(s->opened, "");
	s->now_ms += DAY_MS;
	run_until_refreshed(s);
	assert_int_equal(strncmp(s->opened, "LIST_STALE: the list in use is", 30), 0);
	serve_made(s, 0, 3, -1, "2026-09-03T00:00:00Z");
	run_until_refreshed(s);
	assert_non_null(strstr(s->closed, "LIST_STALE: "));
}

static void a_dead_list_host_is_an_incident_after_three_attempts_and_the_logs_stay(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	s->fail = true;
	run_until_refreshed(s);
	run_until_refreshed(s);
	assert_string_equal(s->opened, "");
	run_until_refreshed(s);
	assert_string_equal(s->opened, "LIST_UNREACHABLE: 3 attempts in a row failed, the last one: cannot fetch the list: status 500");
	assert_int_equal(s->n_followed, 3);
	s->fail = false;
	run_until_refreshed(s);
	assert_non_null(strstr(s->closed, "LIST_UNREACHABLE: "));
}

static void lists_are_merged_and_a_log_that_one_of_them_still_has_is_no_departed_one(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 6, -1, "2026-08-20T00:00:00Z");
	s->other = slice_of(slice_dup_text(s->json), s->json.len);
	serve_made(s, 2, 8, -1, "2026-08-20T00:00:00Z");
	s->items[1] = s->other_url;
	s->config.log_lists.n = 2;
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_logs, 8);
	serve_made(s, 3, 8, -1, "2026-08-20T01:00:00Z");
	run_until_refreshed(s);
	assert_int_equal(s->n_logs, 8);
	assert_int_equal(s->n_departed, 0);
	/* a list that the configuration drops takes its logs with it */
	s->config.log_lists.n = 1;
	lists_reload(s->lists, &s->config);
	run_until_refreshed(s);
	assert_int_equal(s->n_logs - s->n_departed, 5);
	free((void *)s->other.data);
}

static void a_file_is_a_list_too_and_is_read_again_when_told(void **state)
{
	struct scene *s = *state;
	char *path = xasprintf("%s/mine.json", s->directory), *sig = xasprintf("%s/mine.sig", s->directory);

	serve_made(s, 0, 2, -1, "2026-08-20T00:00:00Z");
	s->items[0] = path;
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(strncmp(s->opened, "LIST_UNREACHABLE: cannot read", 29), 0);
	assert_int_equal(s->n_logs, 0);
	assert_false(s->builtin);
	FILE *f = fopen(path, "w");
	fwrite(s->json.data, 1, s->json.len, f);
	fclose(f);
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 2);
	struct lists_source_status status;
	lists_status(s->lists, &status, 1);
	assert_true(status.is_file);
	assert_false(status.signed_by_key);
	/* a signature beside it is checked */
	f = fopen(sig, "w");
	fwrite("wrong", 1, 5, f);
	fclose(f);
	serve_made(s, 0, 4, -1, "2026-08-20T00:00:00Z");
	f = fopen(path, "w");
	fwrite(s->json.data, 1, s->json.len, f);
	fclose(f);
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 2);
	f = fopen(sig, "w");
	fwrite(s->signature.data, 1, s->signature.len, f);
	fclose(f);
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 4);
	lists_status(s->lists, &status, 1);
	assert_true(status.signed_by_key);
	free(path);
	free(sig);
}

static void write_file(const char *path, struct slice content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fwrite(content.data, 1, content.len, f);
	fclose(f);
}

static void a_file_that_changes_by_itself_is_guarded_until_somebody_says_so(void **state)
{
	struct scene *s = *state;
	char *path = xasprintf("%s/mine.json", s->directory);

	serve_made(s, 0, 6, -1, "2026-08-20T00:00:00Z");
	write_file(path, s->json);
	s->items[0] = path;
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 6);
	/* most logs vanish, and nobody said anything */
	serve_made(s, 0, 1, -1, "2026-08-21T00:00:00Z");
	write_file(path, s->json);
	while (s->opened[0] == '\0')
		uv_run(&s->loop, UV_RUN_ONCE);
	assert_non_null(strstr(s->opened, "LIST_MASS_REMOVAL: "));
	assert_non_null(strstr(s->opened, "SIGHUP takes the file all the same"));
	assert_int_equal(s->n_logs, 6);
	lists_reload(s->lists, &s->config);
	run_until_refreshed(s);
	assert_int_equal(s->n_logs - s->n_departed, 1);
	assert_non_null(strstr(s->closed, "LIST_MASS_REMOVAL: "));
	free(path);
}

/* Replaces a piece of what is served, and signs it again. */
static void patch(struct scene *s, const char *from, const char *to)
{
	char *at = strstr((const char *)s->json.data, from);

	assert_non_null(at);
	char *text = xasprintf("%.*s%s%s", (int)(at - (const char *)s->json.data), s->json.data, to, at + strlen(from));
	free((void *)s->json.data);
	s->json = slice_text(text);
	sign(s);
}

static void a_log_whose_entry_breaks_is_read_on_and_the_reason_is_the_true_one(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 6, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_string_equal(s->unread, "");
	serve_made(s, 0, 7, -1, "2026-08-20T01:00:00Z");
	patch(s, "\"url\":\"https://log3.corp.test/\",", "");
	patch(s, "\"url\":\"https://log6.corp.test/\",", "\"url\":7,");
	run_until_refreshed(s);
	assert_string_equal(s->unread, "Corp log 3: member \"url\" is missing\nCorp log 6: member \"url\" is not a string\n");
	assert_int_equal(s->n_followed, 6);
	assert_int_equal(s->n_departed, 1);
	assert_string_equal(s->departed_why, "its entry in the list cannot be read (member \"url\" is missing); read as it was listed before");
	serve_made(s, 0, 7, -1, "2026-08-20T02:00:00Z");
	run_until_refreshed(s);
	assert_string_equal(s->unread, "");
	assert_int_equal(s->n_followed, 7);
	assert_int_equal(s->n_departed, 0);
}

static void an_odd_date_of_the_list_costs_the_freshness_check_only(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	serve_made(s, 0, 5, -1, "2026-08-20 04:00:00 UTC");
	run_until_refreshed(s);
	assert_string_equal(s->opened, "");
	assert_int_equal(s->n_followed, 5);
}

static void a_mirror_under_another_name_is_signed_when_a_signature_lies_beside_it_and_stays_so(void **state)
{
	struct scene *s = *state;
	struct lists_source_status status;

	free(s->url);
	s->url = s->items[0] = xasprintf("http://127.0.0.1:%d/mirror/ct.json", unruly_port(s->server));
	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 3);
	lists_status(s->lists, &status, 1);
	assert_true(status.signed_by_key);
	/* the signature goes away: nobody may take it from the list, not even over a restart */
	serve_made(s, 0, 4, -1, "2026-08-20T01:00:00Z");
	struct slice signature = s->signature;
	s->signature = (struct slice){ 0 };
	run_until_refreshed(s);
	stop_lists(s);
	start_lists(s, buf_slice(&s->pem));
	for (int i = 0; i < 3; i++)
		run_until_refreshed(s);
	assert_int_equal(s->n_followed, 3);
	assert_non_null(strstr(s->opened, "LIST_UNREACHABLE: 3 attempts in a row failed, the last one: cannot fetch the signature: status 404"));
	s->signature = signature;
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 4);
}

static void a_mirror_without_a_signature_is_taken_and_shown_as_unsigned(void **state)
{
	struct scene *s = *state;
	struct lists_source_status status;

	free(s->url);
	s->url = s->items[0] = xasprintf("http://127.0.0.1:%d/mirror/ct.json", unruly_port(s->server));
	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	free((void *)s->signature.data);
	s->signature = (struct slice){ 0 };
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 3);
	lists_status(s->lists, &status, 1);
	assert_false(status.signed_by_key);
}

static void a_listed_log_on_a_host_that_may_be_plain_is_read_also_after_the_hosts_have_changed(void **state)
{
	struct scene *s = *state;
	static const char *hosts[] = { "log1.corp.test", NULL };

	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	patch(s, "https://log1.corp.test/", "http://log1.corp.test/");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 2);
	assert_non_null(strstr(s->unread, "Corp log 1: \"url\" is not https"));
	s->config.allow_http = list_of(hosts);
	s->etag = NULL;
	lists_reload(s->lists, &s->config);
	s->n_changed = 0;
	while (s->n_changed == 0)
		uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(s->n_followed, 3);
	assert_string_equal(s->unread, "");
}

static void what_an_earlier_run_left_open_is_closed_at_the_first_good_answer(void **state)
{
	struct scene *s = *state;

	serve_made(s, 0, 3, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	assert_non_null(strstr(s->closed, "LIST_UNREACHABLE: it answers again"));
	assert_non_null(strstr(s->closed, "LIST_MASS_REMOVAL: "));
	s->closed[0] = '\0';
	run_until_refreshed(s);
	assert_string_equal(s->closed, "");
}

static void a_directory_that_cannot_be_written_is_said_and_costs_nothing_else(void **state)
{
	struct scene *s = *state;
	char *directory = s->directory, *file = xasprintf("%s/file", s->directory);
	struct lists_source_status status;

	write_file(file, SLICE_LITERAL("x"));
	s->directory = xasprintf("%s/lists", file);
	serve_made(s, 0, 6, -1, "2026-08-20T00:00:00Z");
	start_lists(s, buf_slice(&s->pem));
	run_until_refreshed(s);
	serve_made(s, 1, 6, -1, "2026-08-20T01:00:00Z");
	run_until_refreshed(s);
	assert_int_equal(s->n_followed, 6);
	lists_status(s->lists, &status, 1);
	assert_non_null(strstr(status.last_error, "cannot make "));
	struct error err = { .text = "untouched" };
	struct log_list none = { 0 };
	assert_false(kept_write_departed(s->directory, &none, &err));
	assert_non_null(strstr(err.text, "cannot make "));
	free(s->directory);
	s->directory = directory;
	free(file);
}

static void a_pattern_that_means_no_log_is_found_out(void **state)
{
	struct listed_log log = some_log(LIFECYCLE_USABLE);
	const struct log_list list = { .logs = &log, .n_logs = 1 };

	(void)state;
	assert_true(lists_pattern_matches(&list, "*otter*"));
	assert_true(lists_pattern_matches(&list, "*"));
	assert_false(lists_pattern_matches(&list, "*badger*"));
}

static void what_the_build_knows_stands_in_until_the_default_lists_have_come(void **state)
{
	struct scene *s = *state;
	struct log_list kept;
	struct error err;
	bool builtin;

	s->items[0] = (char *)"https://www.gstatic.com/ct/log_list/v3/all_logs_list.json";
	assert_true(lists_load_kept(&s->config, s->directory, &kept, &builtin, &err));
	assert_true(builtin);
	assert_true(kept.n_logs > 40);
	size_t n_followed = 0;
	for (size_t i = 0; i < kept.n_logs; i++) {
		struct follow_decision d;

		assert_true(kept.logs[i].sources & LISTS_SOURCE_BUILTIN);
		lists_decide(&kept.logs[i], &s->config, s->now_ms, &d);
		n_followed += d.how == FOLLOW_LIVE;
	}
	assert_true(n_followed > 20);
	log_list_deinit(&kept);
	/* never for a list of the user's own */
	s->items[0] = s->url;
	assert_true(lists_load_kept(&s->config, s->directory, &kept, &builtin, &err));
	assert_false(builtin);
	assert_int_equal(kept.n_logs, 0);
	log_list_deinit(&kept);
}

#define ON_SCENE(f) cmocka_unit_test_setup_teardown(f, build, strike)
#define ON_MADE(f) cmocka_unit_test_setup_teardown(f, build_made, strike_made)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lifecycle_type_and_age_decide_what_is_read),
		cmocka_unit_test(a_log_that_left_all_lists_is_read_until_thirty_days_after_its_end),
		cmocka_unit_test(patterns_include_and_exclude_by_name_operator_url_and_id),
		ON_SCENE(real_signed_lists_follow_one_another_but_never_backwards),
		ON_SCENE(a_real_list_with_one_changed_byte_is_refused_and_three_times_is_an_incident),
		ON_SCENE(a_damaged_copy_on_disk_is_not_used),
		ON_MADE(a_list_that_removes_many_logs_waits_three_days),
		ON_MADE(a_key_that_changes_behind_a_url_keeps_the_old_list),
		ON_MADE(a_mimic_list_is_never_taken),
		ON_MADE(a_list_that_nobody_renews_becomes_stale),
		ON_MADE(a_dead_list_host_is_an_incident_after_three_attempts_and_the_logs_stay),
		ON_MADE(lists_are_merged_and_a_log_that_one_of_them_still_has_is_no_departed_one),
		ON_MADE(a_file_is_a_list_too_and_is_read_again_when_told),
		ON_MADE(a_file_that_changes_by_itself_is_guarded_until_somebody_says_so),
		ON_MADE(a_log_whose_entry_breaks_is_read_on_and_the_reason_is_the_true_one),
		ON_MADE(an_odd_date_of_the_list_costs_the_freshness_check_only),
		ON_MADE(a_mirror_under_another_name_is_signed_when_a_signature_lies_beside_it_and_stays_so),
		ON_MADE(a_mirror_without_a_signature_is_taken_and_shown_as_unsigned),
		ON_MADE(a_listed_log_on_a_host_that_may_be_plain_is_read_also_after_the_hosts_have_changed),
		ON_MADE(what_an_earlier_run_left_open_is_closed_at_the_first_good_answer),
		ON_MADE(a_directory_that_cannot_be_written_is_said_and_costs_nothing_else),
		cmocka_unit_test(a_pattern_that_means_no_log_is_found_out),
		ON_SCENE(what_the_build_knows_stands_in_until_the_default_lists_have_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
