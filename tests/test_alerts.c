/* From a stored match to a delivered alert: router, lanes, retries, digests, reload, over a real store and state. */
#include "alerts.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "sink.h"
#include "temp_state.h"

/* ---- one daemon in small ----------------------------------------------------------------------------- */

struct bench {
	uv_loop_t loop;
	char *directory, *log;            /* log: what the command sink appends to */
	struct store *store;
	struct fetcher *fetcher;
	struct alerts *alerts;
	struct diag *diag;
	struct config config;
	int64_t now_ms;
	bool idle;
	size_t n_failed;
};

static int64_t bench_now(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static struct sink_set *make_sinks(struct bench *bench, const char *json)
{
	struct sink_set *sinks;
	struct error err;

	json_decref(bench->config.alerts);
	bench->config.alerts = json_loads(json, 0, NULL);
	assert_non_null(bench->config.alerts);
	if (!sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err))
		fail_msg("%s", err.text);
	return sinks;
}

static void bench_start(struct bench *bench, const char *sinks_json)
{
	struct state *st;
	struct error err;

	bench->now_ms = TEST_NOW_MS;
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	assert_true(state_open(bench->directory, STATE_DAEMON, bench->now_ms, &st, &err));
	bench->diag = diag_new(2, DIAG_ERROR, false);
	bench->store = store_start(&(struct store_options){ .loop = &bench->loop, .state = st });
	bench->fetcher = fetcher_new(&bench->loop, &(struct fetcher_options){ .user_agent = "ctwatch-test (https://localhost)" });
	bench->alerts = alerts_start(&(struct alerts_options){ .loop = &bench->loop,
							       .fetcher = bench->fetcher,
							       .store = bench->store,
							       .sinks = make_sinks(bench, sinks_json),
							       .diag = bench->diag,
							       .now_ms = bench_now,
							       .now_ctx = bench });
}

static void on_store_closed(void *ctx)
{
	struct bench *bench = ctx;

	fetcher_close(bench->fetcher);
}

static void on_alerts_closed(void *ctx)
{
	struct bench *bench = ctx;

	store_close(bench->store, on_store_closed, bench);
}

static void bench_stop(struct bench *bench)
{
	alerts_close(bench->alerts, on_alerts_closed, bench);
	assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	diag_free(bench->diag);
}

static int setup(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));

	bench->directory = temp_directory();
	bench->log = xasprintf("%s/received", bench->directory);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	json_decref(bench->config.alerts);
	free(bench->config.public_url);
	temp_remove(bench->directory);
	free(bench->log);
	free(bench);
	return 0;
}

/* ---- jobs and waiting ----------------------------------------------------------------------------------- */

struct adding {
	struct test_match match;
	size_t n;
	bool done;
};

static bool add_job(void *ctx, struct state *st, struct error *err)
{
	struct adding *adding = ctx;

	for (size_t i = 0; i < adding->n; i++) {
		struct test_match match = adding->match;
		char domain[64];

		snprintf(domain, sizeof(domain), "%s-%zu.com", match.domain != NULL ? match.domain : "drive-acme", i);
		match.domain = match.name = domain;
		match.certificate = 1000 + i;
		match.index = i;
		if (!test_add_with(st, &match, NULL, err))
			return false;
	}
	return true;
}

static void on_added(void *ctx, bool ok, const struct error *err)
{
	struct adding *adding = ctx;

	if (!ok)
		print_error("%s\n", err->text);
	assert_true(ok);
	adding->done = true;
}

static void add_findings(struct bench *bench, struct test_match match, size_t n)
{
	struct adding adding = { .match = match, .n = n };

	store_submit(bench->store, add_job, on_added, &adding);
	while (!adding.done)
		uv_run(&bench->loop, UV_RUN_ONCE);
}

static void on_flushed(void *ctx, size_t n_failed)
{
	struct bench *bench = ctx;

	bench->idle = true;
	bench->n_failed = n_failed;
}

static size_t flush(struct bench *bench)
{
	bench->idle = false;
	alerts_flush(bench->alerts, on_flushed, bench);
	while (!bench->idle)
		uv_run(&bench->loop, UV_RUN_ONCE);
	return bench->n_failed;
}

static size_t count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t n = 0;
	int c;

	if (file == NULL)
		return 0;
	while ((c = fgetc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

static bool count_row(void *ctx, const struct outbox_item *item)
{
	(void)item;
	++*(size_t *)ctx;
	return true;
}

/* Rows of the outbox with a status, read by a connection of its own. */
static size_t count_rows(struct bench *bench, const char *status)
{
	struct state *st;
	struct error err;
	size_t n = 0;

	assert_true(state_open(bench->directory, STATE_READ, bench->now_ms, &st, &err));
	assert_true(state_outbox_each(st, NULL, status, 100000, count_row, &n, &err));
	state_close(st);
	return n;
}

#define APPEND "[{\"type\":\"command\",\"argv\":[\"/bin/sh\",\"-c\",\"cat >>%s; echo >>%s\"]}]"

static char *append_sink(struct bench *bench)
{
	return xasprintf(APPEND, bench->log, bench->log);
}

/* ---- tests ------------------------------------------------------------------------------------------------ */

static void every_finding_reaches_a_command_once(void **state)
{
	struct bench *bench = *state;
	char *sinks = append_sink(bench);

	bench_start(bench, sinks);
	add_findings(bench, (struct test_match){ .score = 92 }, 40);
	assert_int_equal(flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 40);
	assert_int_equal(count_rows(bench, "sent"), 40);
	assert_int_equal(flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 40);
	bench_stop(bench);
	free(sinks);
}

static void a_failing_sink_keeps_its_rows_and_delays_no_other(void **state)
{
	struct bench *bench = *state;
	char *sinks = xasprintf("[{\"type\":\"command\",\"name\":\"dead\",\"argv\":[\"/bin/false\"]},{\"type\":\"ecs\",\"path\":\"%s\"}]", bench->log);

	bench_start(bench, sinks);
	add_findings(bench, (struct test_match){ .score = 92 }, 5);
	assert_true(flush(bench) > 0);
	assert_int_equal(count_lines(bench->log), 5);
	assert_int_equal(count_rows(bench, "sent"), 5);
	assert_int_equal(count_rows(bench, "waiting"), 5);
	bench_stop(bench);
	free(sinks);
}

static void what_cannot_be_delivered_for_long_becomes_a_dead_letter(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"command\",\"argv\":[\"/bin/false\"],\"retry_for\":\"1h\"}]");
	add_findings(bench, (struct test_match){ .score = 92 }, 1);
	assert_true(flush(bench) > 0);
	assert_int_equal(count_rows(bench, "dead"), 0);
	bench->now_ms += 2 * 3600000;
	assert_true(flush(bench) > 0);
	assert_int_equal(count_rows(bench, "dead"), 1);
	bench_stop(bench);
}

static void findings_below_the_sink_s_score_are_not_queued(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"command\",\"argv\":[\"/bin/true\"],\"min_score\":90}]");
	add_findings(bench, (struct test_match){ .score = 80 }, 3);
	assert_int_equal(count_rows(bench, NULL), 0);
	add_findings(bench, (struct test_match){ .score = 95, .domain = "other" }, 2);
	assert_int_equal(count_rows(bench, NULL), 2);
	bench_stop(bench);
}

static void naming_alone_waits_for_people_s_digest_but_not_for_programs(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "[{\"type\":\"mail\",\"server\":\"127.0.0.1:1\",\"tls\":\"none\",\"from\":\"a@b.example\",\"to\":\"c@d.example\"},"
			   "{\"type\":\"command\",\"argv\":[\"/bin/true\"]}]");
	add_findings(bench, (struct test_match){ .score = 70, .rule = "naming/tag53", .kind = "naming", .brand = "" }, 1);
	assert_int_equal(count_rows(bench, NULL), 2);
	bench_stop(bench);
}

static void what_was_queued_before_a_restart_is_delivered_after_it(void **state)
{
	struct bench *bench = *state;
	char *sinks = append_sink(bench);

	bench_start(bench, sinks);
	add_findings(bench, (struct test_match){ .score = 92 }, 3);
	bench_stop(bench);
	size_t before = count_lines(bench->log);
	bench_start(bench, sinks);
	assert_int_equal(flush(bench), 0);
	assert_true(count_lines(bench->log) >= 3 && before <= 3);
	assert_int_equal(count_rows(bench, "sent"), 3);
	bench_stop(bench);
	free(sinks);
}

static void other_sinks_take_over_on_reload(void **state)
{
	struct bench *bench = *state;
	char *sinks = append_sink(bench);

	bench_start(bench, "[]");
	add_findings(bench, (struct test_match){ .score = 92 }, 2);
	assert_int_equal(count_rows(bench, NULL), 0);
	alerts_reload(bench->alerts, make_sinks(bench, sinks));
	assert_int_equal(flush(bench), 0);
	add_findings(bench, (struct test_match){ .score = 92, .domain = "later" }, 2);
	assert_int_equal(flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 2);
	bench_stop(bench);
	free(sinks);
}

static void refuses_settings_with_a_sentence_that_names_sink_and_key(void **state)
{
	static const struct {
		const char *json, *part;
	} bad[] = {
		{ "[{\"type\":\"webhok\",\"url\":\"https://x.example\"}]", "did you mean \"webhook\"" },
		{ "[{\"type\":\"webhook\"}]", "\"url\" wants" },
		{ "[{\"type\":\"webhook\",\"url\":\"ftp://x\"}]", "https://" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"min_scor\":3}]", "did you mean \"min_score\"" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"min_score\":101}]", "0 to 100" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"events\":[\"fnding\"]}]", "names of events" },
		{ "[{\"type\":\"webhook\",\"url\":\"https://x.example\",\"headers\":{\"a\":\"b\\r\\nc: d\"}}]", "one line" },
		{ "[{\"type\":\"mail\",\"server\":\"mail.example\",\"from\":\"a@b.example\",\"to\":[\"c@d.example\\nBcc: x@y\"]}]", "\"to\" wants" },
		{ "[{\"type\":\"mail\",\"server\":\"mail.example\",\"tls\":\"none\",\"from\":\"a@b.example\",\"to\":\"c@d.example\"}]", "\"tls\" wants" },
		{ "[{\"type\":\"template\",\"url\":\"https://x.example\",\"template\":\"{{findin.name}}\"}]", "did you mean {{finding}}" },
		{ "[{\"type\":\"template\",\"url\":\"https://x.example\",\"template\":\"{{sentence\"}]", "without closing" },
		{ "[{\"type\":\"syslog\",\"server\":\"x\",\"transport\":\"smoke\"}]", "\"udp\", \"tcp\" or \"tls\"" },
		{ "[{\"type\":\"slack\",\"channel\":\"C1\"}]", "token_file" },
		{ "[{\"type\":\"command\",\"argv\":[]}]", "\"argv\" wants" },
		{ "[{\"type\":\"ecs\"}]", "\"path\" wants" },
		{ "[{\"type\":\"webhook\",\"name\":\"a\",\"url\":\"https://x.example\"},{\"type\":\"webhook\",\"name\":\"a\",\"url\":\"https://x.example\"}]", "names must differ" },
		{ "[{\"url\":\"https://x.example\"}]", "\"type\"" },
		{ "{}", "list of sinks" },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sink_set *sinks;
		struct error err;

		json_decref(bench->config.alerts);
		bench->config.alerts = json_loads(bad[i].json, 0, NULL);
		assert_non_null(bench->config.alerts);
		assert_false(sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err));
		if (strstr(err.text, bad[i].part) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].part);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void descriptions_hold_no_secrets(void **state)
{
	struct bench *bench = *state;
	struct sink_set *sinks =
		make_sinks(bench, "[{\"type\":\"webhook\",\"url\":\"https://user:pass@hooks.example/services/T0/SECRET?k=SECRET\",\"secret\":\"SECRET\"},"
				  "{\"type\":\"slack\",\"channel\":\"C1\",\"token\":\"SECRET\"},"
				  "{\"type\":\"mail\",\"server\":\"m.example\",\"from\":\"a@b.example\",\"to\":\"c@d.example\",\"user\":\"u\",\"password\":\"SECRET\"}]");

	for (size_t i = 0; i < sinks->n; i++) {
		char *text = sink_describe(sinks->items[i]);

		assert_null(strstr(text, "SECRET"));
		assert_null(strstr(text, "pass"));
		free(text);
	}
	sink_set_free(sinks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_finding_reaches_a_command_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failing_sink_keeps_its_rows_and_delays_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_delivered_for_long_becomes_a_dead_letter, setup, teardown),
		cmocka_unit_test_setup_teardown(findings_below_the_sink_s_score_are_not_queued, setup, teardown),
		cmocka_unit_test_setup_teardown(naming_alone_waits_for_people_s_digest_but_not_for_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_queued_before_a_restart_is_delivered_after_it, setup, teardown),
		cmocka_unit_test_setup_teardown(other_sinks_take_over_on_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_settings_with_a_sentence_that_names_sink_and_key, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptions_hold_no_secrets, setup, teardown),
	};

	/* as the daemon does: a program that does not read its input must not end us */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
