/* Mail to many: whoever is accepted gets it once, whatever the server says of the others, now or in days. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "smtp_receiver.h"

#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define DAY_MS (24ll * HOUR_MS)

struct office {
	struct bench *bench;
	struct smtp_receiver server;
	char *sinks;
};

static struct office *office_open(struct bench *bench, const char *to, const char *keys)
{
	struct office *office = xcalloc(1, sizeof(*office));

	office->bench = bench;
	bench_start(bench, "[]");
	smtp_receiver_start(&office->server, &bench->loop);
	office->sinks = xasprintf("[{\"type\":\"mail\",\"server\":\"127.0.0.1:%d\",\"tls\":\"none\",\"from\":\"ctwatch@a.example\",\"to\":%s,\"group_window\":\"0s\"%s}]",
				  office->server.port, to, keys);
	alerts_reload(bench->alerts, bench_sinks(bench, office->sinks));
	bench_settle(bench);
	return office;
}

static void office_close(struct office *office)
{
	smtp_receiver_stop(&office->server);
	bench_stop(office->bench);
	free(office->sinks);
	free(office);
}

static size_t pass(struct office *office, int64_t ms, int64_t step_ms)
{
	size_t before = office->server.n;

	for (int64_t at = 0; at < ms; at += step_ms) {
		office->bench->now_ms += step_ms;
		bench_settle(office->bench);
	}
	return office->server.n - before;
}

struct finding_of {
	struct bench *bench;
	const char *domain;
};

static bool add_job(void *ctx, struct state *st, struct error *err)
{
	const struct finding_of *of = ctx;
	struct test_match match = { .score = 92, .domain = of->domain, .name = of->domain, .certificate = sha256(slice_text(of->domain)).bytes[0], .now_ms = of->bench->now_ms };

	return test_add_with(st, &match, NULL, err);
}

static void add(struct office *office, const char *domain)
{
	struct finding_of of = { office->bench, domain };

	bench_job(office->bench, add_job, &of);
}

static bool keep_error(void *ctx, const struct outbox_item *item)
{
	char **error = ctx;

	free(*error);
	*error = item->last_error != NULL ? xstrdup(item->last_error) : NULL;
	return true;
}

/* The last error of the only row; malloc'd. */
static char *last_error(struct bench *bench)
{
	struct state *st;
	struct error err;
	char *error = NULL;

	assert_true(state_open(bench->directory, STATE_READ, bench->now_ms, &st, &err));
	assert_true(state_outbox_each(st, NULL, NULL, 1, keep_error, &error, &err));
	state_close(st);
	return error != NULL ? error : xstrdup("");
}

static void expect_error(struct bench *bench, const char *part)
{
	char *error = last_error(bench);

	if (strstr(error, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error, part);
	free(error);
}

#define TWO "[\"soc@a.example\",\"gone@a.example\"]"
#define THREE "[\"soc@a.example\",\"gone@a.example\",\"boss@a.example\"]"

/* ---- mailboxes ------------------------------------------------------------------------------------------------- */

static const char *gone_is_refused(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strstr(command, "gone@") != NULL ? "550 5.1.1 no such user" : NULL;
}

static void a_mailbox_that_is_gone_keeps_the_mail_from_nobody_else_and_is_named(void **state)
{
	struct office *office = office_open(*state, THREE, "");

	office->server.answer = gone_is_refused;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 1000, 1000), 1);
	assert_string_equal(office->server.to[0], "soc@a.example boss@a.example");
	assert_int_equal(bench_rows(*state, "sent"), 1);
	expect_error(*state, "gone@a.example: 550 5.1.1 no such user");
	assert_int_equal(pass(office, DAY_MS, HOUR_MS), 0);
	office_close(office);
}

static const char *all_are_refused(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strncmp(command, "RCPT", 4) == 0 ? "550 relaying denied" : NULL;
}

static void only_when_all_are_refused_is_the_mail_dead(void **state)
{
	struct office *office = office_open(*state, TWO, "");

	office->server.answer = all_are_refused;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 1000, 1000), 0);
	assert_int_equal(bench_rows(*state, "dead"), 1);
	expect_error(*state, "soc@a.example: 550 relaying denied; gone@a.example: 550");
	office_close(office);
}

static const char *gone_is_busy(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strstr(command, "gone@") != NULL ? "451 4.7.1 greylisted" : NULL;
}

static void a_mailbox_that_is_busy_alone_is_asked_again_also_after_a_restart(void **state)
{
	struct office *office = office_open(*state, THREE, "");
	struct bench *bench = *state;

	office->server.answer = gone_is_busy;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 1000, 1000), 1);
	assert_string_equal(office->server.to[0], "soc@a.example boss@a.example");
	assert_int_equal(bench_rows(bench, "waiting"), 1);
	expect_error(bench, "gone@a.example: 451 4.7.1 greylisted");
	int64_t now = bench->now_ms;
	office_close(office);

	office = office_open(bench, THREE, "");
	bench->now_ms = now;
	office->server.answer = gone_is_busy;
	assert_int_equal(pass(office, 5 * MINUTE_MS, 30000), 0);
	office->server.answer = NULL;
	assert_int_equal(pass(office, HOUR_MS, 5 * MINUTE_MS), 1);
	assert_string_equal(office->server.to[0], "gone@a.example");
	assert_int_equal(bench_rows(bench, "sent"), 1);
	office_close(office);
}

static void a_mailbox_that_stays_full_for_days_makes_no_dead_letter_of_what_others_have(void **state)
{
	struct office *office = office_open(*state, TWO, "");

	office->server.answer = gone_is_busy;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 4 * DAY_MS, 4 * HOUR_MS), 1);
	assert_int_equal(bench_rows(*state, "sent"), 1);
	expect_error(*state, "gone@a.example: 451");
	office_close(office);
}

static const char *five_at_a_time(struct smtp_receiver *r, const char *command)
{
	if (strncmp(command, "MAIL", 4) == 0)
		r->n_commands = 0;
	return strncmp(command, "RCPT", 4) == 0 && ++r->n_commands > 2 ? "452 4.5.3 too many recipients" : NULL;
}

static void too_many_recipients_are_several_mails_at_once(void **state)
{
	struct office *office = office_open(*state, "[\"a@a.example\",\"b@a.example\",\"c@a.example\",\"d@a.example\",\"e@a.example\"]", "");

	office->server.answer = five_at_a_time;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 1000, 1000), 3);
	assert_string_equal(office->server.to[2], "e@a.example");
	assert_int_equal(bench_rows(*state, "sent"), 1);
	office_close(office);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static const char *sender_is_refused(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strncmp(command, "MAIL", 4) == 0 ? "550 5.7.1 sender unknown" : NULL;
}

static void a_refused_sender_is_a_setting_and_waits(void **state)
{
	struct office *office = office_open(*state, TWO, "");

	office->server.answer = sender_is_refused;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 1000, 1000), 0);
	assert_int_equal(bench_rows(*state, "waiting"), 1);
	expect_error(*state, "refuses the sender ctwatch@a.example: 550 5.7.1 sender unknown");
	office->server.answer = NULL;
	pass(office, HOUR_MS, 10 * MINUTE_MS);
	assert_int_equal(smtp_receiver_mails_for(&office->server, "soc@a.example"), 1);
	assert_int_equal(smtp_receiver_mails_for(&office->server, "gone@a.example"), 1);
	office_close(office);
}

static const char *spam_says_the_end(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strcmp(command, ".") == 0 ? "554 5.7.1 looks like spam" : NULL;
}

static const char *later_says_the_end(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strcmp(command, ".") == 0 ? "451 4.3.0 try again later" : NULL;
}

static const char *data_is_refused(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return strcmp(command, "DATA") == 0 ? "554 5.5.1 no" : NULL;
}

static void a_refused_text_is_dead_and_one_that_may_come_later_waits(void **state)
{
	struct office *office = office_open(*state, TWO, "");

	office->server.answer = spam_says_the_end;
	add(office, "acme-a.com");
	pass(office, 1000, 1000);
	assert_int_equal(bench_rows(*state, "dead"), 1);
	expect_error(*state, "refuses the text: 554 5.7.1 looks like spam");
	office->server.answer = data_is_refused;
	add(office, "acme-b.com");
	pass(office, 1000, 1000);
	assert_int_equal(bench_rows(*state, "dead"), 2);
	office->server.answer = later_says_the_end;
	add(office, "acme-c.com");
	pass(office, 1000, 1000);
	assert_int_equal(bench_rows(*state, "waiting"), 1);
	office->server.answer = NULL;
	pass(office, MINUTE_MS, 10000);
	assert_int_equal(bench_rows(*state, "sent"), 1);
	assert_int_equal(office->server.n, 1);
	office_close(office);
}

static const char *closes(struct smtp_receiver *r, const char *command)
{
	if (strncmp(command, "RCPT", 4) != 0)
		return NULL;
	return ++r->n_commands == 2 ? "421 4.3.2 shutting down" : NULL;
}

static const char *says_no_word(struct smtp_receiver *r, const char *command)
{
	(void)r;
	return command[0] == '\0' ? "" : NULL;
}

static void a_server_that_goes_away_in_the_middle_gets_it_later_for_all(void **state)
{
	struct office *office = office_open(*state, THREE, "");

	office->server.answer = closes;
	add(office, "acme-a.com");
	pass(office, 1000, 1000);
	assert_int_equal(bench_rows(*state, "sent"), 0);
	office->server.answer = says_no_word;
	pass(office, 10000, 1000);
	assert_int_equal(bench_rows(*state, "waiting"), 1);
	office->server.answer = NULL;
	pass(office, HOUR_MS, 10 * MINUTE_MS);
	assert_int_equal(bench_rows(*state, "sent"), 1);
	assert_int_equal(smtp_receiver_mails_for(&office->server, "boss@a.example"), 1);
	office_close(office);
}

/* ---- addresses of other letters ---------------------------------------------------------------------------------- */

static const char *only_ascii(struct smtp_receiver *r, const char *command)
{
	(void)r;
	for (const char *c = command; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			return "553 5.6.7 not here";
	return NULL;
}

static void an_address_of_other_letters_spoils_no_mail_to_the_others(void **state)
{
	struct office *office = office_open(*state, "[\"soc@b\u00fccher.example\",\"j\u00fcrgen@a.example\"]", "");

	office->server.answer = only_ascii;
	add(office, "acme-a.com");
	assert_int_equal(pass(office, 1000, 1000), 1);
	assert_string_equal(office->server.to[0], "soc@xn--bcher-kva.example");
	assert_null(strstr(office->server.mails[0], "rgen@"));
	expect_error(*state, "j\u00fcrgen@a.example: the server takes no address beyond ASCII (it has no SMTPUTF8): 553");
	assert_int_equal(bench_rows(*state, "sent"), 1);
	office->server.answer = NULL;
	office->server.offers = "SMTPUTF8 8BITMIME";
	add(office, "acme-b.com");
	assert_int_equal(pass(office, 1000, 1000), 2);
	assert_int_equal(smtp_receiver_mails_for(&office->server, "j\u00fcrgen@a.example"), 1);
	office_close(office);
}

/* ---- reports ------------------------------------------------------------------------------------------------------------ */

static const char *small_ones_only(struct smtp_receiver *r, const char *command)
{
	(void)r;
	const char *size = strstr(command, "SIZE=");

	return size != NULL && strtoul(size + 5, NULL, 10) > 20000 ? "552 5.3.4 message too big" : NULL;
}

static bool report_job(void *ctx, struct state *st, struct error *err)
{
	const struct state_event event = { .type = EVENT_REPORT_READY, .subject = "report/1", .payload_json = ctx };

	return state_route(st, &event, TEST_NOW_MS, err);
}

static void a_report_that_is_too_large_comes_without_its_files_and_says_where_they_are(void **state)
{
	struct bench *bench = *state;
	struct office *office = office_open(bench, TWO, "");
	char *path = xasprintf("%s/report.csv", bench->directory), *payload = xasprintf("{\"summary\":\"the week\",\"files\":[\"%s\",\"/no/such/file.html\"]}", path);
	FILE *file = fopen(path, "w");

	for (int i = 0; i < 5000; i++)
		fputs("a line of it\n", file);
	fclose(file);
	office->server.offers = "SIZE=20000";
	office->server.answer = small_ones_only;
	bench_job(bench, report_job, payload);
	assert_int_equal(pass(office, 1000, 1000), 1);
	assert_null(strstr(office->server.mails[0], "filename="));
	assert_int_equal(bench_rows(bench, "sent"), 1);
	free(path), free(payload);
	office_close(office);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_mailbox_that_is_gone_keeps_the_mail_from_nobody_else_and_is_named, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(only_when_all_are_refused_is_the_mail_dead, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_mailbox_that_is_busy_alone_is_asked_again_also_after_a_restart, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_mailbox_that_stays_full_for_days_makes_no_dead_letter_of_what_others_have, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(too_many_recipients_are_several_mails_at_once, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_refused_sender_is_a_setting_and_waits, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_refused_text_is_dead_and_one_that_may_come_later_waits, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_server_that_goes_away_in_the_middle_gets_it_later_for_all, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(an_address_of_other_letters_spoils_no_mail_to_the_others, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_report_that_is_too_large_comes_without_its_files_and_says_where_they_are, bench_setup, bench_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
