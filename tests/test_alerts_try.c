/* A test message through every kind of sink, and sinks that are given up in the middle. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "http_receiver.h"
#include "smtp_receiver.h"
#include "syslog_receiver.h"

struct answers {
	struct buf text;                  /* "name ok answer" a line */
	bool done;
};

static void on_answered(void *ctx, const struct sink *sink, bool ok, const char *answer)
{
	struct answers *answers = ctx;

	buf_printf(&answers->text, "%s %s %s\n", sink_name(sink), ok ? "ok" : "refused", answer);
}

static void on_done(void *ctx)
{
	((struct answers *)ctx)->done = true;
}

/* A message through `only`, or through all; the answers, malloc'd. */
static char *try_sinks(struct bench *bench, const char *only)
{
	struct answers answers = { .done = false };

	buf_init(&answers.text, 1u << 16);
	alerts_test(bench->alerts, only, on_answered, on_done, &answers);
	while (!answers.done)
		uv_run(&bench->loop, UV_RUN_ONCE);
	char *text = xstrdup(buf_text(&answers.text));
	buf_deinit(&answers.text);
	return text;
}

static void expect_line(const char *answers, const char *line)
{
	if (strstr(answers, line) == NULL)
		fail_msg("\"%s\" is not in\n%s", line, answers);
}

static void a_test_message_goes_through_every_sink_and_each_says_how_it_went(void **state)
{
	struct bench *bench = *state;
	struct receiver hook;
	struct smtp_receiver mail;
	struct syslog_receiver siem;
	char *hooks = xasprintf("%s/hooks.d", bench->directory);

	assert_int_equal(mkdir(hooks, 0755), 0);
	bench_start(bench, "[]");
	receiver_start(&hook, &bench->loop);
	smtp_receiver_start(&mail, &bench->loop);
	syslog_receiver_start(&siem, false);
	char *json = xasprintf("[{\"type\":\"webhook\",\"url\":\"http://127.0.0.1:%d/\",\"secret\":\"s\",\"token\":\"t\",\"headers\":{\"X-A\":\"b\"},\"ca_file\":\"/x\",\"client_cert\":\"/x\",\"client_key\":\"/x\"},"
			       "{\"type\":\"slack\",\"url\":\"http://127.0.0.1:%d/\"},{\"type\":\"teams\",\"url\":\"http://127.0.0.1:%d/\"},"
			       "{\"type\":\"template\",\"url\":\"http://127.0.0.1:%d/\",\"template\":\"{{sentence}}\"},"
			       "{\"type\":\"mail\",\"server\":\"127.0.0.1:%d\",\"tls\":\"none\",\"from\":\"a@a.example\",\"to\":\"b@a.example\"},"
			       "{\"type\":\"syslog\",\"server\":\"127.0.0.1:%d\",\"transport\":\"tcp\"},{\"type\":\"ecs\",\"path\":\"%s\"},"
			       "{\"type\":\"command\",\"argv\":[\"/bin/cat\"]},{\"type\":\"command\",\"name\":\"gone\",\"argv\":[\"/no/such/program\"]},"
			       "{\"type\":\"command\",\"name\":\"fails\",\"argv\":[\"/bin/sh\",\"-c\",\"echo no; exit 3\"]},{\"type\":\"hooks\",\"directory\":\"%s\"},"
			       "{\"type\":\"webhook\",\"name\":\"nobody\",\"url\":\"http://127.0.0.1:1/\"},{\"type\":\"ecs\",\"name\":\"nowhere\",\"path\":\"/no/such/directory/file\"},"
			       "{\"type\":\"mail\",\"name\":\"nomail\",\"server\":\"127.0.0.1:1\",\"tls\":\"none\",\"from\":\"a@a.example\",\"to\":\"b@a.example\"}]",
			       hook.port, hook.port, hook.port, hook.port, mail.port, siem.port, bench->log, hooks);
	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_settle(bench);
	char *answers = try_sinks(bench, NULL);

	expect_line(answers, "webhook ok answered 200\n");
	expect_line(answers, "slack ok answered 200\n");
	expect_line(answers, "teams ok answered 200\n");
	expect_line(answers, "template ok answered 200\n");
	expect_line(answers, "mail ok taken by 127.0.0.1\n");
	expect_line(answers, "syslog ok written\n");
	expect_line(answers, "ecs ok appended\n");
	expect_line(answers, "command ok exit status 0");
	expect_line(answers, "gone refused cannot be started: no such file or directory\n");
	expect_line(answers, "fails refused exit status 3: no");
	expect_line(answers, "hooks ok there is no program in the directory\n");
	expect_line(answers, "nobody refused cannot be reached: ");
	expect_line(answers, "nowhere refused /no/such/directory/file: No such file or directory\n");
	expect_line(answers, "nomail refused cannot reach 127.0.0.1: ");
	free(answers);
	answers = try_sinks(bench, "ecs");
	assert_string_equal(answers, "ecs ok appended\n");
	free(answers);
	assert_int_equal(bench_rows(bench, NULL), 0);
	receiver_stop(&hook);
	smtp_receiver_stop(&mail);
	bench_stop(bench);
	syslog_receiver_stop(&siem);
	free(json), free(hooks);
}

static const char *says_nothing(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strncmp(command, "RCPT", 4) == 0 ? "-" : NULL;
}

static int never(struct receiver *r, const char *body)
{
	(void)r, (void)body;
	return -1;
}

static void what_is_under_way_is_given_up_and_comes_again(void **state)
{
	struct bench *bench = *state;
	struct receiver hook;
	struct smtp_receiver mail;

	bench_start(bench, "[]");
	receiver_start(&hook, &bench->loop);
	smtp_receiver_start(&mail, &bench->loop);
	mail.answer = says_nothing;
	hook.decide = never;
	char *json = xasprintf("[{\"type\":\"webhook\",\"url\":\"http://127.0.0.1:%d/\"},{\"type\":\"mail\",\"server\":\"127.0.0.1:%d\",\"tls\":\"none\",\"from\":\"a@a.example\",\"to\":\"b@a.example\",\"group_window\":\"0s\"},"
			       "{\"type\":\"command\",\"argv\":[\"/bin/sleep\",\"60\"]}]", hook.port, mail.port);
	alerts_reload(bench->alerts, bench_sinks(bench, json));
	bench_settle(bench);
	bench_add(bench, (struct test_match){ .score = 92 }, 1);
	alerts_wake(bench->alerts);
	while (hook.n == 0)
		bench_run(bench, 1);
	bench_run(bench, 30);
	/* other sinks take over while these are waited for */
	alerts_reload(bench->alerts, bench_sinks(bench, "[]"));
	while (alerts_busy(bench->alerts))
		uv_run(&bench->loop, UV_RUN_ONCE);
	assert_int_equal(bench_rows(bench, "waiting"), 3);
	receiver_stop(&hook);
	smtp_receiver_stop(&mail);
	bench_stop(bench);
	free(json);
}

static void every_sink_describes_itself(void **state)
{
	struct bench *bench = *state;
	struct sink_set *sinks = bench_sinks(bench, "[{\"type\":\"webhook\",\"url\":\"https://a.example/x\",\"min_score\":75,\"incidents\":true},{\"type\":\"slack\",\"url\":\"https://b.example/x\"},"
						    "{\"type\":\"teams\",\"url\":\"https://c.example/x\",\"naming\":\"off\"},{\"type\":\"template\",\"url\":\"https://d.example/x\",\"template\":\"x\"},"
						    "{\"type\":\"ecs\",\"path\":\"/tmp/x\"},{\"type\":\"command\",\"argv\":[\"/bin/true\"]},{\"type\":\"hooks\",\"directory\":\"/tmp\"},"
						    "{\"type\":\"syslog\",\"server\":\"s.example\"}]");
	static const char *const parts[] = { "webhook at https://a.example/...: findings (naming alone in a daily digest) from 75, incidents", "Slack at https://b.example/...", "Microsoft Teams at https://c.example/...",
					     "templated webhook at https://d.example/...", "ECS lines in /tmp/x", "command /bin/true", "programs in /tmp", "syslog to s.example by UDP" };

	assert_int_equal(sinks->n, ARRAY_LEN(parts));
	for (size_t i = 0; i < sinks->n; i++) {
		char *text = sink_describe(sinks->items[i]);

		expect_line(text, parts[i]);
		free(text);
	}
	sink_set_free(sinks);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_test_message_goes_through_every_sink_and_each_says_how_it_went),
		CASE(what_is_under_way_is_given_up_and_comes_again),
		CASE(every_sink_describes_itself),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
