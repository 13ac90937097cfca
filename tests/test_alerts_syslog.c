/* Syslog over UDP, TCP and TLS: whole messages of the right size, each exactly as often as it must be, whatever the collector does. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "siem.h"
#include "syslog_receiver.h"
#include "syslog_text.h"

struct siem {
	struct bench *bench;
	struct syslog_receiver collector;
};

static struct siem *siem_open(struct bench *bench, const char *transport, const char *keys)
{
	struct siem *siem = xcalloc(1, sizeof(*siem));
	bool tls = strcmp(transport, "tls") == 0;

	siem->bench = bench;
	if (strcmp(transport, "udp") == 0)
		syslog_receiver_start_udp(&siem->collector);
	else
		syslog_receiver_start(&siem->collector, tls);
	char *ca = tls && strstr(keys, "ca_file") == NULL ? xasprintf(",\"ca_file\":\"%s\"", siem->collector.ca_file) : xstrdup("");
	char *json = xasprintf("[{\"type\":\"syslog\",\"server\":\"127.0.0.1:%d\",\"transport\":\"%s\"%s%s}]", siem->collector.port, transport, ca, keys);
	bench_start(bench, json);
	bench_settle(bench);
	free(ca), free(json);
	return siem;
}

static void siem_close(struct siem *siem)
{
	bench_stop(siem->bench);
	syslog_receiver_stop(&siem->collector);
	free(siem);
}

/* Moves the clock and delivers, until so many rows are sent; the test fails when that takes an hour of it. */
static void until_sent(struct siem *siem, size_t n)
{
	for (int i = 0; i < 360 && bench_rows(siem->bench, "sent") < n; i++) {
		siem->bench->now_ms += 10000;
		bench_settle(siem->bench);
	}
	assert_int_equal(bench_rows(siem->bench, "sent"), n);
}

/* The message behind the structured data, as JSON; the test fails when it is none. */
static json_t *json_of(const char *frame)
{
	const char *message = strstr(frame, "] {");
	json_t *value = message != NULL ? json_loads(message + 2, 0, NULL) : NULL;

	if (value == NULL)
		fail_msg("no JSON in: %s", frame);
	return value;
}

/* "[\"host-0.example.net\",...]" of n names. */
static char *many_names(size_t n)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s\"host-%zu.of-a-certificate-with-many-names.example.net\"", i == 0 ? "[" : ",", i);
	buf_append_byte(&out, ']');
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

/* ---- UDP ---------------------------------------------------------------------------------------------------------- */

static void a_datagram_is_never_longer_than_a_collector_takes_and_always_whole(void **state)
{
	struct siem *siem = siem_open(*state, "udp", ",\"format\":\"json\"");
	char *names = many_names(400);

	bench_add(siem->bench, (struct test_match){ .score = 92, .names_json = names }, 5);
	until_sent(siem, 5);
	assert_int_equal(syslog_receiver_count(&siem->collector), 5);
	for (size_t i = 0; i < 5; i++) {
		const char *frame = syslog_receiver_frame(&siem->collector, i);
		json_t *envelope = json_of(frame);

		assert_true(strlen(frame) <= 2048);
		assert_true(json_is_true(json_object_get(envelope, "truncated")));
		assert_string_equal(json_string_value(json_object_get(json_object_get(envelope, "finding"), "severity")), "critical");
		json_decref(envelope);
	}
	free(names);
	siem_close(siem);
}

static void max_bytes_is_a_setting_with_bounds(void **state)
{
	struct siem *siem = siem_open(*state, "udp", ",\"format\":\"json\",\"max_bytes\":60000");
	char *names = many_names(300);
	struct sink_set *sinks;
	struct error err;

	bench_add(siem->bench, (struct test_match){ .score = 92, .names_json = names }, 1);
	until_sent(siem, 1);
	assert_true(strlen(syslog_receiver_frame(&siem->collector, 0)) > 15000);
	json_decref(siem->bench->config.alerts);
	siem->bench->config.alerts = json_loads("[{\"type\":\"syslog\",\"server\":\"x\",\"max_bytes\":100}]", 0, NULL);
	assert_false(sink_set_new(&siem->bench->config, STDOUT_NONE, &sinks, &err));
	assert_non_null(strstr(err.text, "\"max_bytes\" wants a whole number from 1024 to 65507"));
	free(names);
	siem_close(siem);
}

/* ---- streams --------------------------------------------------------------------------------------------------------- */

static void streams_keep_their_connection(void **state)
{
	static const char *const transports[] = { "tcp", "tls" };

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		struct siem *siem = siem_open(*state, transports[i], "");

		bench_add(siem->bench, (struct test_match){ .score = 92, .domain = transports[i] }, 30);
		until_sent(siem, 30 * (i + 1));
		/* the peer's system has it; its program reads on */
		while (syslog_receiver_count(&siem->collector) < 30)
			bench_run(siem->bench, 1);
		assert_int_equal(siem->collector.n_connections, 1);
		assert_non_null(strstr(syslog_receiver_frame(&siem->collector, 0), "CEF:0|ctwatch|ctwatch|"));
		siem_close(siem);
	}
}

static void a_stream_that_is_closed_is_opened_again(void **state)
{
	static const char *const transports[] = { "tcp", "tls" };

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		struct siem *siem = siem_open(*state, transports[i], ",\"format\":\"json\"");

		atomic_store(&siem->collector.close_after, 3);
		bench_add(siem->bench, (struct test_match){ .score = 92, .domain = transports[i] }, 20);
		until_sent(siem, 20 * (i + 1));
		siem->bench->now_ms += 1000;
		bench_settle(siem->bench);
		assert_true(siem->collector.n_connections > 1);
		for (size_t k = 0; k < syslog_receiver_count(&siem->collector); k++)
			json_decref(json_of(syslog_receiver_frame(&siem->collector, k)));
		siem_close(siem);
	}
}

static void a_certificate_that_does_not_verify_gets_nothing(void **state)
{
	struct siem *siem = siem_open(*state, "tls", ",\"ca_file\":\"/etc/ssl/certs/ca-certificates.crt\"");

	bench_add(siem->bench, (struct test_match){ .score = 92 }, 1);
	siem->bench->now_ms += 1000;
	bench_settle(siem->bench);
	assert_int_equal(bench_rows(siem->bench, "waiting"), 1);
	assert_int_equal(syslog_receiver_count(&siem->collector), 0);
	siem_close(siem);
}

static void nobody_there_waits(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"syslog\",\"server\":\"127.0.0.1:1\",\"transport\":\"tcp\"},"
			   "{\"type\":\"syslog\",\"server\":\"no.such.host.invalid:514\",\"transport\":\"udp\"}]");
	bench_add(bench, (struct test_match){ .score = 92 }, 1);
	bench_settle(bench);
	assert_int_equal(bench_rows(bench, "waiting"), 2);
	bench_stop(bench);
}

static void a_program_that_stops_gives_up_what_is_under_way(void **state)
{
	static const char *const transports[] = { "udp", "tcp", "tls" };

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		struct siem *siem = siem_open(*state, transports[i], "");

		atomic_store(&siem->collector.is_mute, true);
		bench_add(siem->bench, (struct test_match){ .score = 92, .domain = transports[i] }, 3);
		alerts_wake(siem->bench->alerts);
		bench_run(siem->bench, 5);
		siem_close(siem);
	}
}

static void settings_of_streams_are_read_at_the_start(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"type\":\"syslog\",\"server\":\"x\",\"transport\":\"tls\",\"ca_file\":\"/no/such/file\"}", "no certificates can be read" },
		{ "{\"type\":\"syslog\",\"server\":\"x\",\"transport\":\"tls\",\"client_cert\":\"/no/such/file\"}", "client certificate" },
		{ "{\"type\":\"syslog\",\"server\":\"a b\"}", "\"server\" wants" },
		{ "{\"type\":\"syslog\",\"server\":\"x\",\"format\":\"xml\"}", "\"format\" wants" },
		{ "{\"type\":\"syslog\",\"server\":\"x\",\"facility\":7}", "\"facility\" wants" },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *json = xasprintf("[%s]", bad[i][0]);
		struct sink_set *sinks;
		struct error err;

		json_decref(bench->config.alerts);
		bench->config.alerts = json_loads(json, 0, NULL);
		free(json);
		assert_false(sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err));
		if (strstr(err.text, bad[i][1]) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i][1]);
	}
}

static void a_client_certificate_is_shown(void **state)
{
	struct bench *bench = *state;
	struct syslog_receiver receiver;

	syslog_receiver_start(&receiver, true);
	char *json = xasprintf("[{\"type\":\"syslog\",\"server\":\"[::1]:6514\",\"transport\":\"tls\",\"ca_file\":\"%s\",\"client_cert\":\"%s\"}]", receiver.ca_file, receiver.ca_file);
	struct sink_set *sinks = bench_sinks(bench, json);
	char *text = sink_describe(sinks->items[0]);

	assert_non_null(strstr(text, "syslog to ::1 by TLS"));
	sink_set_free(sinks);
	free(text), free(json);
	syslog_receiver_stop(&receiver);
}

/* ---- the text -------------------------------------------------------------------------------------------------------- */

static void values_of_cef_keep_the_dictionary_s_lengths(void **state)
{
	char *letters = xcalloc(1, 9001), *pipes = xcalloc(1, 9001);
	struct buf out;

	(void)state;
	memset(letters, 'a', 9000);
	memset(pipes, '=', 9000);
	json_t *envelope = json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:s, s:i, s:[{s:s}]}}", "event", "finding", "finding", "id", "abc", "name", letters, "rule", letters,
				     "severity", "high", "brand", pipes, "score", 80, "certificates", "issuer", pipes);
	struct alert_item item = { .id = "id", .event = EVENT_FINDING, .envelope = envelope };
	const struct delivery delivery = { .items = &item, .n = 1 };

	buf_init(&out, 64u << 10);
	assert_true(siem_cef(&delivery, &item, 64000, &out));
	const char *host = strstr(buf_text(&out), " dhost=");
	assert_non_null(host);
	assert_true(strcspn(host + 7, " ") <= 1023);
	assert_non_null(strstr(buf_text(&out), "cn2Label=truncated cn2=1"));
	buf_clear(&out);
	assert_true(siem_cef(&delivery, &item, 1500, &out));
	assert_true(out.len <= 1500);
	assert_false(siem_cef(&delivery, &item, 100, &out));
	json_decref(envelope);
	buf_deinit(&out);
	free(letters), free(pipes);
}

static void the_smallest_message_still_says_what_it_is(void **state)
{
	char *letters = xcalloc(1, 9001);
	struct buf out;

	(void)state;
	memset(letters, 'b', 9000);
	json_t *envelope = json_pack("{s:i, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:i}}", "v", 1, "event", "finding", "id", "abc", "time", "2026-11-28T00:00:00Z", "finding",
				     "id", "abc", "name", letters, "rule", letters, "severity", "high", "brand", letters, "score", 80);
	struct alert_item item = { .id = "id", .event = EVENT_FINDING, .envelope = envelope };
	const struct delivery delivery = { .items = &item, .n = 1 };
	struct syslog_head head = { .facility = 16, .hostname = "host", .pid = 1 };

	buf_init(&out, 64u << 10);
	for (size_t max = SYSLOG_BYTES_MIN; max < 30000; max += 997) {
		buf_clear(&out);
		assert_true(syslog_write(&out, &head, &delivery, max));
		assert_true(out.len <= max);
		json_t *read = json_of(buf_text(&out));
		assert_string_equal(json_string_value(json_object_get(json_object_get(read, "finding"), "id")), "abc");
		json_decref(read);
	}
	buf_clear(&out);
	assert_false(syslog_write(&out, &head, &delivery, 100));
	assert_int_equal(out.len, 0);
	json_decref(envelope);
	buf_deinit(&out);
	free(letters);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_datagram_is_never_longer_than_a_collector_takes_and_always_whole),
		CASE(max_bytes_is_a_setting_with_bounds),
		CASE(streams_keep_their_connection),
		CASE(a_stream_that_is_closed_is_opened_again),
		CASE(a_certificate_that_does_not_verify_gets_nothing),
		CASE(nobody_there_waits),
		CASE(a_program_that_stops_gives_up_what_is_under_way),
		CASE(settings_of_streams_are_read_at_the_start),
		CASE(a_client_certificate_is_shown),
		cmocka_unit_test(values_of_cef_keep_the_dictionary_s_lengths),
		cmocka_unit_test(the_smallest_message_still_says_what_it_is),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
