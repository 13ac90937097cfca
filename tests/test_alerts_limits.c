/* Receivers that take only so much: what is sent fits, says when something is left out, and a 2xx that is no acceptance is none. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "envelope_fit.h"
#include "http_receiver.h"

#define MINUTE_MS 60000

struct desk {
	struct bench *bench;
	struct receiver hook;
};

static struct desk *desk_open(struct bench *bench, const char *type, const char *keys)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	desk->bench = bench;
	bench_start(bench, "[]");
	receiver_start(&desk->hook, &bench->loop);
	char *json = xasprintf("[{\"type\":\"%s\",\"url\":\"http://127.0.0.1:%d/\"%s}]", type, desk->hook.port, keys);
	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_settle(bench);
	free(json);
	return desk;
}

static void desk_close(struct desk *desk)
{
	receiver_stop(&desk->hook);
	bench_stop(desk->bench);
	free(desk);
}

static size_t pass(struct desk *desk, int64_t ms)
{
	size_t before = desk->hook.n;

	desk->bench->now_ms += ms;
	bench_settle(desk->bench);
	return desk->hook.n - before;
}

/* n findings of one certificate, with names that are as long as names may be. */
static bool add_long(void *ctx, struct state *st, struct error *err)
{
	const size_t *n = ctx;

	for (size_t i = 0; i < *n; i++) {
		char domain[256];

		snprintf(domain, sizeof(domain), "a-%03zu-%0200d.acme-login.com", i, 7);
		struct test_match match = { .domain = domain, .name = domain, .certificate = 5, .index = 5, .score = 92 };
		if (!test_add_with(st, &match, NULL, err))
			return false;
	}
	return true;
}

static void add(struct desk *desk, size_t n)
{
	bench_job(desk->bench, add_long, &n);
}

/* Is each of the n told in some message? */
static void expect_all_told(const struct desk *desk, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[16];
		bool told = false;

		snprintf(name, sizeof(name), "a-%03zu-0", i);
		for (size_t k = 0; k < desk->hook.n && !told; k++)
			told = strstr(desk->hook.bodies[k], name) != NULL;
		assert_true(told);
	}
}

/* ---- chats ------------------------------------------------------------------------------------------------------ */

static void a_long_digest_for_teams_is_several_messages_of_at_most_28_kb(void **state)
{
	struct desk *desk = desk_open(*state, "teams", "");

	add(desk, 200);
	assert_true(pass(desk, MINUTE_MS) >= 2);
	assert_int_equal(bench_rows(*state, "sent"), 200);
	for (size_t i = 0; i < desk->hook.n; i++) {
		json_t *body = json_loads(desk->hook.bodies[i], 0, NULL);

		assert_non_null(body);
		assert_true(strlen(desk->hook.bodies[i]) <= 28000);
		json_decref(body);
	}
	expect_all_told(desk, 200);
	desk_close(desk);
}

static void slack_s_blocks_and_sections_keep_its_limits(void **state)
{
	struct desk *desk = desk_open(*state, "slack", "");

	add(desk, 200);
	add(desk, 2);
	pass(desk, MINUTE_MS);
	assert_int_equal(bench_rows(*state, "sent"), 200);
	for (size_t i = 0; i < desk->hook.n; i++) {
		json_t *body = json_loads(desk->hook.bodies[i], 0, NULL), *block;
		const json_t *blocks = json_object_get(body, "blocks");
		size_t k;

		assert_true(json_array_size(blocks) > 0 && json_array_size(blocks) <= 50);
		assert_true(json_string_length(json_object_get(body, "text")) <= 3000);
		json_array_foreach((json_t *)blocks, k, block)
			assert_true(json_string_length(json_object_get(json_object_get(block, "text"), "text")) <= 3000);
		json_decref(body);
	}
	expect_all_told(desk, 200);
	desk_close(desk);
}

static void a_200_that_says_delivery_failed_is_no_delivery(void **state)
{
	struct desk *desk = desk_open(*state, "teams", "");

	desk->hook.answer = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0";
	add(desk, 4);
	pass(desk, MINUTE_MS);
	assert_int_equal(bench_rows(*state, "waiting"), 4);
	/* too large: halves, down to one, which is dead */
	desk->hook.answer = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId tcid=0";
	pass(desk, MINUTE_MS);
	assert_int_equal(bench_rows(*state, "dead"), 4);
	desk->hook.answer = "1";
	add(desk, 6);
	pass(desk, MINUTE_MS);
	assert_int_equal(bench_rows(*state, "sent"), 2);
	desk_close(desk);
}

static void slack_like_services_may_say_no_in_many_ways(void **state)
{
	static const struct {
		const char *answer;
		bool good;
	} cases[] = { { "ok", true }, { "", true }, { "ok\n", true }, { "{\"success\":true}", true }, { "invalid_payload", false }, { "{\"ok\":false}", false }, { "<html>sign in</html>", false } };
	struct desk *desk = desk_open(*state, "slack", ",\"group_window\":\"0s\"");
	size_t n_good = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char domain[32];

		desk->hook.answer = cases[i].answer;
		snprintf(domain, sizeof(domain), "case%zu", i);
		bench_add(*state, (struct test_match){ .score = 92, .domain = domain }, 1);
		bench_settle(*state);
		n_good += cases[i].good;
		assert_int_equal(bench_rows(*state, "sent"), n_good);
	}
	desk_close(desk);
}

static void what_a_bot_says_of_the_message_itself_is_final(void **state)
{
	struct desk *desk = desk_open(*state, "slack", ",\"channel\":\"C1\",\"token\":\"xoxb\",\"group_window\":\"0s\"");

	desk->hook.answer = "{\"ok\":false,\"error\":\"msg_too_long\"}";
	bench_add(*state, (struct test_match){ .score = 92 }, 1);
	pass(desk, 1000);
	assert_int_equal(bench_rows(*state, "dead"), 1);
	desk->hook.answer = "{\"ok\":false,\"error\":\"ratelimited\"}";
	bench_add(*state, (struct test_match){ .score = 92, .domain = "b" }, 1);
	pass(desk, 1000);
	assert_int_equal(bench_rows(*state, "waiting"), 1);
	desk_close(desk);
}

/* ---- webhooks ------------------------------------------------------------------------------------------------------- */

static int at_most_1500(struct receiver *r, const char *body)
{
	(void)r;
	return strlen(body) > 1500 ? 413 : 200;
}

static char *names_of(size_t n)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s\"host-%zu.example.net\"", i == 0 ? "[" : ",", i);
	buf_append_byte(&out, ']');
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

static void an_event_that_is_too_large_comes_at_once_with_less_in_it(void **state)
{
	struct desk *desk = desk_open(*state, "webhook", "");
	char *names = names_of(500);

	desk->hook.decide = at_most_1500;
	bench_add(*state, (struct test_match){ .score = 92, .names_json = names }, 1);
	pass(desk, 1000);
	assert_int_equal(bench_rows(*state, "sent"), 1);
	json_t *body = json_loads(desk->hook.bodies[desk->hook.n - 1], 0, NULL);
	assert_true(json_is_true(json_object_get(body, "truncated")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(body, "finding"), "score")), 92);
	char *first = receiver_header(&desk->hook, 0, "Idempotency-Key"), *last = receiver_header(&desk->hook, desk->hook.n - 1, "Idempotency-Key");
	assert_string_equal(first, last);
	json_decref(body);
	free(first), free(last), free(names);
	desk_close(desk);
}

static int at_most_500_or_400(struct receiver *r, const char *body)
{
	(void)r;
	return strlen(body) > 500 ? 400 : 200;
}

static void a_template_s_text_is_shortened_for_who_refuses_it(void **state)
{
	struct desk *desk = desk_open(*state, "template", ",\"template\":\"{\\\"content\\\":\\\"{{text}}\\\",\\\"n\\\":\\\"{{finding.name}} {{subject}} {{finding.certificates.0.issuer}} {{defanged_name}} {{finding.score}}\\\"}\"");

	desk->hook.decide = at_most_500_or_400;
	bench_add(*state, (struct test_match){ .score = 92 }, 2);
	pass(desk, 1000);
	assert_int_equal(bench_rows(*state, "sent"), 2);
	desk_close(desk);
}

static void forms_and_plain_texts_are_filled_in_their_own_way(void **state)
{
	struct desk *desk = desk_open(*state, "template", ",\"content_type\":\"application/x-www-form-urlencoded\",\"template\":\"a={{sentence}}&b={{finding.evidence}}\"");

	bench_add(*state, (struct test_match){ .score = 92 }, 1);
	pass(desk, 1000);
	assert_null(strchr(desk->hook.bodies[0], ' '));
	char *json = xasprintf("[{\"type\":\"template\",\"name\":\"plain\",\"url\":\"http://127.0.0.1:%d/\",\"content_type\":\"text/plain\",\"template\":\"{{sentence}} {{{envelope}}} {{finding.none}}\"}]", desk->hook.port);
	alerts_reload(desk->bench->alerts, bench_sinks(desk->bench, json));
	bench_settle(desk->bench);
	bench_add(*state, (struct test_match){ .score = 92, .domain = "later" }, 1);
	pass(desk, 1000);
	assert_non_null(strstr(desk->hook.bodies[1], "later-0[.]com contains the name of Acme {\"v\":1"));
	free(json);
	desk_close(desk);
}

static int slow_for_many(struct receiver *r, const char *body)
{
	(void)r;
	return strstr(body, "findings of one certificate") != NULL ? 504 : 200;
}

static void a_message_that_is_twice_not_answered_comes_in_halves(void **state)
{
	struct desk *desk = desk_open(*state, "slack", "");

	desk->hook.decide = slow_for_many;
	add(desk, 9);
	for (int i = 0; i < 40 && bench_rows(*state, "sent") < 9; i++)
		pass(desk, MINUTE_MS);
	assert_int_equal(bench_rows(*state, "sent"), 9);
	expect_all_told(desk, 9);
	desk_close(desk);
}

/* ---- envelopes ---------------------------------------------------------------------------------------------------------- */

static void each_level_of_an_envelope_is_smaller_and_says_that_something_is_missing(void **state)
{
	char *names = names_of(300);
	json_t *list = json_loads(names, 0, NULL), *certificates = json_array();
	size_t before = SIZE_MAX;

	(void)state;
	for (int i = 0; i < 3; i++)
		json_array_append_new(certificates, json_pack("{s:s, s:O, s:[{s:i}, {s:i}]}", "issuer", "CN=x", "names", list, "sightings", "index", 1, "index", 2));
	json_t *envelope = json_pack("{s:s, s:{s:s, s:o, s:[{s:s}, {s:s}, {s:s}, {s:s}], s:s}}", "id", "abc", "finding", "id", "abc", "certificates", certificates, "evidence",
				     "detail", "1", "detail", "2", "detail", "3", "detail", "4", "name", names);
	for (unsigned level = 0; level < ENVELOPE_LEVELS; level++) {
		json_t *smaller = envelope_shrink(envelope, level);
		char *text = json_dumps(smaller, JSON_COMPACT);

		assert_true(strlen(text) < before);
		assert_int_equal(json_is_true(json_object_get(smaller, "truncated")), level > 0);
		if (level == 1)
			assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(json_object_get(smaller, "finding"), "certificates"), 0), "names_total")), 300);
		before = strlen(text);
		free(text);
		json_decref(smaller);
	}
	json_decref(envelope);
	json_decref(list);
	free(names);
}

static void texts_are_cut_between_letters(void **state)
{
	(void)state;
	for (size_t max = 3; max < 12; max++) {
		char *cut = text_cut("\u00e4\u20ac\U0001f600\u00e4\u20ac", max);

		assert_true(strlen(cut) <= max);
		assert_true(utf8_valid(slice_text(cut)));
		free(cut);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_long_digest_for_teams_is_several_messages_of_at_most_28_kb),
		CASE(slack_s_blocks_and_sections_keep_its_limits),
		CASE(a_200_that_says_delivery_failed_is_no_delivery),
		CASE(slack_like_services_may_say_no_in_many_ways),
		CASE(what_a_bot_says_of_the_message_itself_is_final),
		CASE(an_event_that_is_too_large_comes_at_once_with_less_in_it),
		CASE(a_template_s_text_is_shortened_for_who_refuses_it),
		CASE(forms_and_plain_texts_are_filled_in_their_own_way),
		CASE(a_message_that_is_twice_not_answered_comes_in_halves),
		cmocka_unit_test(each_level_of_an_envelope_is_smaller_and_says_that_something_is_missing),
		cmocka_unit_test(texts_are_cut_between_letters),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
