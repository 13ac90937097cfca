/* What waits, what goes together, what becomes a digest, what is told because of the time, and what never alerts: with a clock that is moved. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "allow.h"
#include "http_receiver.h"
#include "lane.h"

#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define DAY_MS 86400000

struct desk {
	struct bench *bench;
	struct receiver chat;
};

/* One chat (for people), with more keys as given. */
static struct desk *desk_open(struct bench *bench, const char *keys)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	desk->bench = bench;
	bench_start(bench, "[]");
	receiver_start(&desk->chat, &bench->loop);
	char *json = xasprintf("[{\"type\":\"slack\",\"url\":\"http://127.0.0.1:%d/\"%s}]", desk->chat.port, keys);
	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_run(bench, 20);
	free(json);
	return desk;
}

static void desk_close(struct desk *desk)
{
	receiver_stop(&desk->chat);
	bench_stop(desk->bench);
	free(desk);
}

/* Moves the clock, lets everything that is due go out, and says how many messages came. */
static size_t after(struct desk *desk, int64_t ms)
{
	size_t before = desk->chat.n;

	desk->bench->now_ms += ms;
	bench_settle(desk->bench);
	return desk->chat.n - before;
}

static const char *last_body(const struct desk *desk)
{
	return desk->chat.bodies[desk->chat.n - 1];
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* One finding of a domain; time is the bench's. */
struct one {
	struct bench *bench;
	struct test_match match;
};

static bool one_job(void *ctx, struct state *st, struct error *err)
{
	struct one *one = ctx;

	one->match.now_ms = one->bench->now_ms;
	return test_add_with(st, &one->match, NULL, err);
}

static void add_one(struct bench *bench, struct test_match match)
{
	struct one one = { bench, match };

	if (one.match.name == NULL)
		one.match.name = one.match.domain;
	bench_job(bench, one_job, &one);
}

/* ---- groups --------------------------------------------------------------------------------------------- */

static void findings_of_one_domain_within_the_window_are_one_message(void **state)
{
	struct desk *desk = desk_open(*state, "");

	add_one(*state, (struct test_match){ .rule = "brand/acme", .domain = "acme-a.com", .certificate = 1, .index = 1 });
	assert_int_equal(after(desk, 20000), 0);
	add_one(*state, (struct test_match){ .rule = "brand/other", .brand = "Other", .domain = "acme-a.com", .certificate = 1, .index = 1 });
	add_one(*state, (struct test_match){ .rule = "brand/acme", .domain = "acme-b.com", .certificate = 2, .index = 2 });
	/* 30 s after the first: both of its domain, though the second came later */
	assert_int_equal(after(desk, 10001), 1);
	assert_true(has(last_body(desk), "2 findings") && has(last_body(desk), "Other") && !has(last_body(desk), "acme-b"));
	assert_int_equal(after(desk, 20000), 1);
	assert_true(has(last_body(desk), "acme-b[.]com"));
	assert_int_equal(bench_rows(*state, "sent"), 3);
	desk_close(desk);
}

static void a_flood_becomes_a_digest_that_loses_nothing(void **state)
{
	struct desk *desk = desk_open(*state, ",\"per_hour\":3,\"group_window\":\"0s\"");

	bench_add(*state, (struct test_match){ .score = 92 }, 250);
	assert_int_equal(after(desk, 1000), 3);
	assert_int_equal(after(desk, 30 * MINUTE_MS), 0);
	/* 247 are left: the digest takes 200 in a message */
	assert_int_equal(after(desk, 31 * MINUTE_MS), 2);
	assert_true(has(desk->chat.bodies[3], "200 findings"));
	assert_true(has(desk->chat.bodies[4], "47 findings"));
	assert_int_equal(bench_rows(*state, "sent"), 250);
	for (int i = 0; i < 250; i++) {
		char name[64];
		bool told = false;

		snprintf(name, sizeof(name), "drive-acme-%d[.]com", i);
		for (size_t k = 0; k < desk->chat.n && !told; k++)
			told = has(desk->chat.bodies[k], name);
		assert_true(told);
	}
	desk_close(desk);
}

/* ---- digests ---------------------------------------------------------------------------------------------- */

/* TEST_NOW_MS is 08:00; the digest's time is 07:00 unless told otherwise. */
/* Only the wall clock moves. */
static void set_clock(struct desk *desk, int64_t by_ms)
{
	desk->bench->now_ms += by_ms;
	desk->bench->set_by_ms += by_ms;
}

static void a_clock_that_is_set_delays_no_alert_and_hurries_none(void **state)
{
	static const int64_t SET_BY_MS[] = { -2 * HOUR_MS, HOUR_MS, -TEST_NOW_MS + 86400000, TEST_NOW_MS - 86400000 };
	struct desk *desk = desk_open(*state, ",\"group_window\":\"30s\"");

	for (uint64_t i = 0; i < ARRAY_LEN(SET_BY_MS); i++) {
		char domain[32];

		/* it waits for others of its domain */
		snprintf(domain, sizeof(domain), "acme-%c.com", (char)('a' + i));
		add_one(*state, (struct test_match){ .domain = domain, .certificate = 2 * i, .index = 2 * i });
		assert_int_equal(after(desk, 10000), 0);
		set_clock(desk, SET_BY_MS[i]);
		assert_int_equal(after(desk, 1000), 0);
		assert_int_equal(after(desk, 25000), 1);
		/* what comes after it waits as long */
		snprintf(domain, sizeof(domain), "acme-%c%c.com", (char)('a' + i), (char)('a' + i));
		add_one(*state, (struct test_match){ .domain = domain, .certificate = 2 * i + 1, .index = 2 * i + 1 });
		assert_int_equal(after(desk, 25000), 0);
		assert_int_equal(after(desk, 10000), 1);
	}
	assert_int_equal(bench_rows(*state, "sent"), 8);
	desk_close(desk);
}

static void a_back_off_is_not_prolonged_or_ended_by_a_clock_that_is_set(void **state)
{
	static const int64_t SET_BY_MS[] = { -2 * HOUR_MS, HOUR_MS, -TEST_NOW_MS + 86400000, TEST_NOW_MS - 86400000 };
	struct desk *desk = desk_open(*state, ",\"group_window\":\"0s\"");

	for (uint64_t i = 0; i < ARRAY_LEN(SET_BY_MS); i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "acme-%c.com", (char)('a' + i));
		desk->chat.status = 503;
		add_one(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i });
		assert_int_equal(after(desk, 1000), 1);
		desk->chat.status = 200;
		set_clock(desk, SET_BY_MS[i]);
		assert_int_equal(after(desk, 200), 0);
		assert_int_equal(bench_rows(*state, "dead"), 0);
		assert_int_equal(after(desk, 10000), 1);
	}
	assert_int_equal(bench_rows(*state, "sent"), 4);
	desk_close(desk);
}

static void naming_alone_comes_once_a_day_and_at_once_when_a_brand_joins(void **state)
{
	struct desk *desk = desk_open(*state, ",\"digest_time\":\"09:30\"");

	for (uint64_t i = 0; i < 5; i++) {
		char domain[64];

		snprintf(domain, sizeof(domain), "secure-drive-%u.com", (unsigned)i);
		add_one(*state, (struct test_match){ .rule = "naming/x", .kind = "naming", .brand = "", .domain = domain, .certificate = i, .index = i, .score = 70 });
	}
	add_one(*state, (struct test_match){ .rule = "naming/x", .kind = "naming", .brand = "Acme", .domain = "acme-drive.com", .certificate = 9, .index = 9, .score = 80 });
	assert_int_equal(after(desk, MINUTE_MS), 1);
	assert_true(has(last_body(desk), "acme-drive"));
	assert_int_equal(bench_rows(*state, "digest"), 5);
	assert_int_equal(after(desk, 88 * MINUTE_MS), 0);
	assert_int_equal(after(desk, MINUTE_MS), 1);
	assert_true(has(last_body(desk), "5 findings"));
	assert_int_equal(bench_rows(*state, "sent"), 6);
	desk_close(desk);
}

static void a_digest_that_fails_comes_again_as_one_message(void **state)
{
	struct desk *desk = desk_open(*state, ",\"digest_time\":\"09:00\"");

	for (uint64_t i = 0; i < 5; i++) {
		char domain[64];

		snprintf(domain, sizeof(domain), "secure-drive-%u.com", (unsigned)i);
		add_one(*state, (struct test_match){ .rule = "naming/x", .kind = "naming", .brand = "", .domain = domain, .certificate = i, .index = i, .score = 70 });
	}
	desk->chat.status = 503;
	assert_int_equal(after(desk, HOUR_MS + 1000), 1);
	char *first = receiver_header(&desk->chat, 0, "Idempotency-Key");
	desk->chat.status = 200;
	assert_int_equal(after(desk, HOUR_MS), 1);
	char *second = receiver_header(&desk->chat, 1, "Idempotency-Key");
	assert_true(has(last_body(desk), "5 findings"));
	assert_string_equal(first, second);
	assert_int_equal(bench_rows(*state, "sent"), 5);
	free(first), free(second);
	desk_close(desk);
}

/* ---- threads ---------------------------------------------------------------------------------------------------- */

static void later_events_answer_in_the_first_one_s_thread(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, "");
	char *json = xasprintf("[{\"type\":\"slack\",\"url\":\"http://127.0.0.1:%d/\",\"channel\":\"C1\",\"token\":\"xoxb-1\"}]", desk->chat.port);

	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_run(bench, 20);
	desk->chat.answer = "{\"ok\":true,\"ts\":\"1700000000.000100\"}";
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 1, .index = 1, .score = 65 });
	assert_int_equal(after(desk, MINUTE_MS), 1);
	assert_false(has(last_body(desk), "thread_ts"));
	desk->chat.answer = "{\"ok\":true,\"ts\":\"1700000009.000900\"}";
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 2, .index = 2, .score = 80 });
	assert_int_equal(after(desk, MINUTE_MS), 1);
	assert_true(has(last_body(desk), "\"thread_ts\":\"1700000000.000100\""));
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 3, .index = 3, .score = 95 });
	assert_int_equal(after(desk, MINUTE_MS), 1);
	assert_true(has(last_body(desk), "\"thread_ts\":\"1700000000.000100\""));
	desk->chat.answer = "{\"ok\":false,\"error\":\"channel_not_found\"}";
	add_one(bench, (struct test_match){ .domain = "acme-b.com", .certificate = 4, .index = 4, .score = 95 });
	after(desk, MINUTE_MS);
	assert_int_equal(bench_rows(bench, "waiting"), 1);
	desk_close(desk);
	free(json);
}

/* ---- heartbeats and canaries ------------------------------------------------------------------------------------ */

/* desk_open's bench keeps no time: one that does. */
static struct desk *timed_desk(struct bench *bench, const char *keys, const char *canary)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	desk->bench = bench;
	bench->keeps_time = true;
	bench->config.canary = canary != NULL ? json_loads(canary, 0, NULL) : NULL;
	bench_start(bench, "[]");
	receiver_start(&desk->chat, &bench->loop);
	char *json = xasprintf("[{\"type\":\"slack\",\"url\":\"http://127.0.0.1:%d/\",\"group_window\":\"0s\"%s}]", desk->chat.port, keys);
	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_run(bench, 20);
	free(json);
	return desk;
}

static bool logs_job(void *ctx, struct state *st, struct error *err)
{
	const struct bench *bench = ctx;
	struct hash well = test_hash(1), ill = test_hash(2);
	struct state_log log = { .log_id = well, .name = (char *)"Well", .url = (char *)"https://a.example/", .log_operator = (char *)"Op", .protocol = (char *)"rfc6962",
				 .lifecycle = (char *)"usable", .start_index = -1, .added_ms = TEST_NOW_MS, .sunset_ms = INT64_MAX };
	const struct state_counters counters = { .entries = 1234567 };

	if (!state_put_log(st, &log, err) || !state_log_progress(st, &well, bench->now_ms, NULL, bench->now_ms, err) ||
	    !state_add_counters(st, &well, bench->now_ms, &counters, err))
		return false;
	log.log_id = ill;
	log.name = (char *)"Ill";
	return state_put_log(st, &log, err) && state_log_progress(st, &ill, bench->now_ms - 3 * HOUR_MS, "no answer", bench->now_ms, err);
}

static void a_heartbeat_comes_once_a_day_with_coverage(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = timed_desk(bench, ",\"events\":[\"heartbeat\"],\"digest_time\":\"09:00\"", NULL);

	assert_int_equal(after(desk, 59 * MINUTE_MS), 0);
	bench_job(bench, logs_job, bench);
	assert_int_equal(after(desk, 2 * MINUTE_MS), 1);
	assert_true(has(last_body(desk), "1 of 2 logs are well"));
	assert_true(has(last_body(desk), "1 234 567 entries"));
	assert_int_equal(after(desk, HOUR_MS), 0);
	assert_int_equal(after(desk, 12 * HOUR_MS), 0);
	/* past midnight, before nine */
	assert_int_equal(after(desk, 4 * HOUR_MS), 0);
	assert_int_equal(after(desk, 7 * HOUR_MS), 1);
	desk_close(desk);
}

static void a_canary_that_stays_away_is_missed_once_and_one_that_comes_alerts_never(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = timed_desk(bench, "", "{\"names\":[\".Canary.example\"],\"within\":\"26h\"}");
	const struct test_match canary = { .rule = "watch/.canary.example", .kind = "watch", .brand = "", .domain = "canary.example", .certificate = 1, .index = 1 };
	struct test_match again = canary;

	add_one(bench, canary);
	assert_int_equal(after(desk, 20 * HOUR_MS), 0);
	assert_int_equal(bench_rows(bench, NULL), 0);
	again.certificate = again.index = 2;
	add_one(bench, again);
	assert_int_equal(after(desk, 25 * HOUR_MS), 0);
	assert_int_equal(after(desk, 2 * HOUR_MS), 1);
	assert_true(has(last_body(desk), "A canary was not seen in any log for 27 h") && has(last_body(desk), "canary[.]example"));
	assert_int_equal(after(desk, HOUR_MS), 0);
	again.certificate = again.index = 3;
	add_one(bench, again);
	assert_int_equal(after(desk, 20 * HOUR_MS), 0);
	assert_int_equal(after(desk, 7 * HOUR_MS), 1);
	desk_close(desk);
}

static void a_canary_that_never_came_is_missed_too(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = timed_desk(bench, "", "{\"names\":[\"www.canary.example\"],\"within\":\"2h\"}");

	assert_int_equal(after(desk, MINUTE_MS), 0);
	assert_int_equal(after(desk, 119 * MINUTE_MS), 0);
	assert_int_equal(after(desk, 3 * MINUTE_MS), 1);
	desk_close(desk);
}

/* ---- what stays quiet ----------------------------------------------------------------------------------------------- */

static bool dismiss_job(void *ctx, struct state *st, struct error *err)
{
	char id[FINDING_ID_LEN + 1];

	finding_id("brand/acme", ctx, id);
	return state_triage(st, id, "dismissed", "anna", "ours", TEST_NOW_MS, err);
}

static void a_dismissed_finding_is_quiet_until_its_severity_rises_or_another_rule_speaks(void **state)
{
	struct bench *bench = *state;
	struct desk *desk = desk_open(bench, ",\"events\":[\"finding\",\"finding.rescored\",\"finding.new_certificate\"],\"group_window\":\"0s\"");

	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 1, .index = 1, .score = 65 });
	assert_int_equal(after(desk, 1000), 1);
	bench_job(bench, dismiss_job, (void *)"acme-a.com");
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 2, .index = 2, .score = 65 });
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 3, .index = 3, .score = 70 });
	assert_int_equal(after(desk, 1000), 0);
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 4, .index = 4, .score = 80 });
	assert_int_equal(after(desk, 1000), 1);
	bench_job(bench, dismiss_job, (void *)"acme-a.com");
	add_one(bench, (struct test_match){ .rule = "brand/other", .brand = "Other", .domain = "acme-a.com", .certificate = 5, .index = 5, .score = 65 });
	assert_int_equal(after(desk, 1000), 1);
	assert_true(has(last_body(desk), "Other"));
	desk_close(desk);
}

static bool note_triage(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms)
{
	struct buf *out = ctx;

	(void)finding, (void)at_ms;
	return buf_printf(out, "%s by %s: %s\n", action, who, why);
}

static void expect_triage(struct bench *bench, const char *wanted)
{
	struct state *st;
	struct error err;
	struct buf out;

	buf_init(&out, 1u << 16);
	assert_true(state_open(bench->directory, STATE_READ, bench->now_ms, &st, &err));
	assert_true(state_each_triage(st, NULL, 0, 0, note_triage, &out, &err));
	state_close(st);
	assert_string_equal(buf_text(&out), wanted);
	buf_deinit(&out);
}

static void an_allowed_domain_is_stored_dismissed_and_says_who_and_why(void **state)
{
	struct bench *bench = *state;

	bench->config.triage = json_loads("{\"allow\":[{\"domain\":\"Acme-A.com\",\"why\":\"our newsletter\",\"who\":\"anna\"},"
					  "{\"domain\":\"acme-b.com\",\"why\":\"gone\",\"until\":\"2026-01-01\"},"
					  "{\"domain\":\"acme-c.com\",\"why\":\"known\",\"rule\":\"brand/oth*\"}]}",
					  0, NULL);
	struct desk *desk = desk_open(bench, ",\"group_window\":\"0s\"");

	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 1, .index = 1, .score = 95 });
	add_one(bench, (struct test_match){ .domain = "acme-b.com", .certificate = 2, .index = 2, .score = 95 });
	add_one(bench, (struct test_match){ .domain = "acme-c.com", .certificate = 3, .index = 3, .score = 95 });
	assert_int_equal(after(desk, 1000), 2);
	expect_triage(bench, "dismissed by anna (configuration): domain is allowed: our newsletter\n");
	desk_close(desk);
	json_decref(bench->config.triage);
	bench->config.triage = NULL;
}

static void an_allowed_certificate_is_quiet_until_another_one_comes_for_its_domain(void **state)
{
	struct bench *bench = *state;
	struct hash ours = test_hash(1);
	char hex[2 * HASH_LEN + 1];

	hex_encode(ours.bytes, HASH_LEN, hex);
	char *triage = xasprintf("{\"allow\":[{\"certificate\":\"%s\",\"why\":\"ordered by us\"}]}", hex);
	bench->config.triage = json_loads(triage, 0, NULL);
	struct desk *desk = desk_open(bench, ",\"group_window\":\"0s\"");

	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 1, .index = 1, .score = 95 });
	assert_int_equal(after(desk, 1000), 0);
	expect_triage(bench, "note by configuration: certificate is allowed: ordered by us\n");
	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 2, .index = 2, .score = 95 });
	assert_int_equal(after(desk, 1000), 1);
	assert_true(has(last_body(desk), "acme-a[.]com"));
	desk_close(desk);
	free(triage);
	json_decref(bench->config.triage);
	bench->config.triage = NULL;
}

static void an_allowed_issuer_is_a_pattern(void **state)
{
	struct bench *bench = *state;

	bench->config.triage = json_loads("{\"allow\":[{\"issuer\":\"*O=Let's Encrypt*\",\"why\":\"we use it\",\"rule\":\"brand/*\"}]}", 0, NULL);
	struct desk *desk = desk_open(bench, ",\"group_window\":\"0s\"");

	add_one(bench, (struct test_match){ .domain = "acme-a.com", .certificate = 1, .index = 1, .score = 95 });
	add_one(bench, (struct test_match){ .rule = "own/acme", .kind = "own", .domain = "acme.com", .certificate = 2, .index = 2, .score = 95 });
	assert_int_equal(after(desk, 1000), 1);
	assert_true(has(last_body(desk), "acme[.]com"));
	desk_close(desk);
	json_decref(bench->config.triage);
	bench->config.triage = NULL;
}

static void an_allow_list_that_is_wrong_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *triage, *part;
	} bad[] = {
		{ "{\"alow\":[]}", "did you mean \"allow\"" },
		{ "{\"allow\":{}}", "wants a list" },
		{ "{\"allow\":[{\"domain\":\"a.example\"}]}", "wants \"why\"" },
		{ "{\"allow\":[{\"why\":\"x\"}]}", "wants one of" },
		{ "{\"allow\":[{\"domain\":\"a.example\",\"issuer\":\"*\",\"why\":\"x\"}]}", "wants one of" },
		{ "{\"allow\":[{\"certificate\":\"abcd\",\"why\":\"x\"}]}", "64 hex digits" },
		{ "{\"allow\":[{\"domain\":\"a b\",\"why\":\"x\"}]}", "no domain name" },
		{ "{\"allow\":[{\"domain\":\"a.example\",\"why\":\"x\",\"until\":\"soon\"}]}", "a date" },
		{ "{\"allow\":[{\"domain\":\"a.example\",\"why\":\"x\",\"because\":\"y\"}]}", "no key \"because\"" },
		{ "{\"allow\":[{\"domain\":\"a.example\",\"why\":7}]}", "wants a text" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct config config = { .triage = json_loads(bad[i].triage, 0, NULL) };
		struct allow_list *list;
		struct error err;

		assert_non_null(config.triage);
		assert_false(allow_list_new(&config, &list, &err));
		if (!has(err.text, bad[i].part))
			fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].part);
		json_decref(config.triage);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(findings_of_one_domain_within_the_window_are_one_message),
		CASE(a_flood_becomes_a_digest_that_loses_nothing),
		CASE(a_clock_that_is_set_delays_no_alert_and_hurries_none),
		CASE(a_back_off_is_not_prolonged_or_ended_by_a_clock_that_is_set),
		CASE(naming_alone_comes_once_a_day_and_at_once_when_a_brand_joins),
		CASE(a_digest_that_fails_comes_again_as_one_message),
		CASE(later_events_answer_in_the_first_one_s_thread),
		CASE(a_heartbeat_comes_once_a_day_with_coverage),
		CASE(a_canary_that_stays_away_is_missed_once_and_one_that_comes_alerts_never),
		CASE(a_canary_that_never_came_is_missed_too),
		CASE(a_dismissed_finding_is_quiet_until_its_severity_rises_or_another_rule_speaks),
		CASE(an_allowed_domain_is_stored_dismissed_and_says_who_and_why),
		CASE(an_allowed_certificate_is_quiet_until_another_one_comes_for_its_domain),
		CASE(an_allowed_issuer_is_a_pattern),
		CASE(an_allow_list_that_is_wrong_is_refused_with_a_sentence),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
