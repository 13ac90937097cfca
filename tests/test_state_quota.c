/* state/quota.c: what one log can make us send and keep. */
#include "temp_state.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#define HOUR_MS ((int64_t)3600 * 1000)

struct heard {
	unsigned findings, incidents_opened, incidents_closed;
	char summary[512];
};

static bool hear(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	struct heard *heard = ctx;

	(void)st, (void)now_ms, (void)err;
	heard->findings += event->finding != NULL;
	heard->incidents_opened += event->type == EVENT_INCIDENT_OPENED;
	heard->incidents_closed += event->type == EVENT_INCIDENT_CLOSED;
	if (event->incident != NULL)
		snprintf(heard->summary, sizeof(heard->summary), "%s", event->incident->summary);
	return true;
}

static int open_state(void **state)
{
	*state = temp_state_open();
	return 0;
}

static int close_state(void **state)
{
	temp_state_close(*state);
	return 0;
}

static void add_made_up(struct state *st, uint64_t log, uint64_t i, int64_t now_ms)
{
	char name[64];

	snprintf(name, sizeof(name), "made-up-%llu.com", (unsigned long long)i);
	test_add(st, (struct test_match){ .name = name, .domain = name, .certificate = i, .log = log, .index = i, .now_ms = now_ms });
}

static void name_log(struct state *st, uint64_t log, const char *log_operator)
{
	struct state_log row = { .log_id = test_hash(log + 77), .name = (char *)"Log", .url = (char *)"https://log.example/", .log_operator = (char *)log_operator,
				 .protocol = (char *)"static", .lifecycle = (char *)"usable", .start_index = -1 };
	struct error err;

	assert_true(state_put_log(st, &row, &err));
}

static void a_flood_of_one_log_becomes_one_message_and_nothing_is_lost(void **state)
{
	struct heard heard = { 0 };
	struct error err;
	struct hash log_id = test_hash(1 + 77);   /* as test_add makes it */

	state_set_router(*state, hear, &heard);
	state_set_alerts_per_hour(*state, 20);
	for (uint64_t i = 0; i < 100; i++)
		add_made_up(*state, 1, i, TEST_NOW_MS);
	assert_int_equal(heard.findings, 20);
	assert_int_equal(heard.incidents_opened, 1);
	assert_non_null(strstr(heard.summary, "more than 20 alerts within an hour"));
	/* another log is told as ever, also of what the first had too much of */
	add_made_up(*state, 2, 500, TEST_NOW_MS);
	assert_int_equal(heard.findings, 21);
	add_made_up(*state, 2, 99, TEST_NOW_MS);
	assert_int_equal(heard.findings, 22);
	add_made_up(*state, 2, 99, TEST_NOW_MS);
	assert_int_equal(heard.findings, 22);
	/* the next hour is a new one, and after two quiet ones it is over */
	add_made_up(*state, 1, 200, TEST_NOW_MS + HOUR_MS);
	assert_int_equal(heard.findings, 23);
	assert_true(state_log_progress(*state, &log_id, 1, NULL, TEST_NOW_MS + HOUR_MS, &err));
	assert_int_equal(heard.incidents_closed, 0);
	assert_true(state_log_progress(*state, &log_id, 1, NULL, TEST_NOW_MS + 3 * HOUR_MS, &err));
	assert_int_equal(heard.incidents_closed, 1);
}

static void logs_of_one_operator_share_twice_what_one_may(void **state)
{
	struct heard heard = { 0 };

	for (uint64_t log = 1; log <= 5; log++)
		name_log(*state, log, log == 5 ? "Honest" : "Flood");
	state_set_router(*state, hear, &heard);
	state_set_alerts_per_hour(*state, 20);
	for (uint64_t i = 0; i < 200; i++)
		add_made_up(*state, 1 + i % 4, i, TEST_NOW_MS);
	assert_int_equal(heard.findings, 40);
	add_made_up(*state, 5, 1000, TEST_NOW_MS);
	assert_int_equal(heard.findings, 41);
}

static void exec(struct state *st, const char *sql)
{
	char *path = xasprintf("%s/ctwatch.db", state_directory(st));
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(path);
}

static void a_log_that_filled_its_day_is_kept_without_bytes_and_then_only_counted(void **state)
{
	struct heard heard = { 0 };
	struct error err;
	struct finding f;
	char id[FINDING_ID_LEN + 1], *json;

	state_set_router(*state, hear, &heard);
	add_made_up(*state, 1, 1, TEST_NOW_MS);
	exec(*state, "UPDATE log_quota SET bytes = 200 << 20 WHERE what = 'stored'");
	add_made_up(*state, 1, 2, TEST_NOW_MS);
	assert_non_null(strstr(heard.summary, "128 MiB"));
	finding_id("brand/acme", "made-up-2.com", id);
	assert_true(state_finding_certificates_json(*state, id, 10, &json, &err));
	assert_non_null(strstr(json, "over its budget"));
	free(json);
	exec(*state, "UPDATE log_quota SET n = 50000 WHERE what = 'findings'");
	add_made_up(*state, 1, 3, TEST_NOW_MS);
	finding_id("brand/acme", "made-up-3.com", id);
	assert_false(state_get_finding(*state, id, &f, &err));
	add_made_up(*state, 1, 3, TEST_NOW_MS + 25 * HOUR_MS);
	assert_true(state_get_finding(*state, id, &f, &err));
	finding_deinit(&f);
}

static void made_up_issuers_do_not_fill_the_disk(void **state)
{
	struct hash log_id = test_hash(1), other = test_hash(2);
	struct error err;
	unsigned n_stored = 0;
	bool stored;

	for (uint32_t i = 0; i < 600; i++) {
		struct slice der = slice_of(&i, sizeof(i));
		struct hash hash = sha256(der);

		assert_true(state_put_issuer_of(*state, &log_id, &hash, der, TEST_NOW_MS, &stored, &err));
		n_stored += stored;
	}
	assert_int_equal(n_stored, 512);
	assert_false(state_may_keep_issuer(*state, &log_id, TEST_NOW_MS));
	assert_true(state_may_keep_issuer(*state, &other, TEST_NOW_MS));
	assert_true(state_may_keep_issuer(*state, &log_id, TEST_NOW_MS + 24 * HOUR_MS));
}

static void evidence_of_one_log_is_bounded_a_day(void **state)
{
	struct hash log_id = test_hash(1 + 77);   /* as test_add makes it */
	struct buf large;
	struct error err;
	char id[FINDING_ID_LEN + 1];
	struct heard heard = { 0 };

	buf_init(&large, 40u << 20);
	memset(buf_reserve(&large, 40u << 20), 'x', 40u << 20);
	large.len = 40u << 20;
	assert_true(state_open_incident(*state, &log_id, "FORK", "1", "critical", "two roots", NULL, TEST_NOW_MS, id, NULL, &err));
	state_set_router(*state, hear, &heard);
	for (unsigned i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "head-%u", i);
		assert_true(state_put_evidence(*state, id, name, buf_slice(&large), &err));
	}
	assert_int_equal(heard.incidents_opened, 1);
	assert_non_null(strstr(heard.summary, "evidence"));
	buf_deinit(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flood_of_one_log_becomes_one_message_and_nothing_is_lost, open_state, close_state),
		cmocka_unit_test_setup_teardown(logs_of_one_operator_share_twice_what_one_may, open_state, close_state),
		cmocka_unit_test_setup_teardown(a_log_that_filled_its_day_is_kept_without_bytes_and_then_only_counted, open_state, close_state),
		cmocka_unit_test_setup_teardown(made_up_issuers_do_not_fill_the_disk, open_state, close_state),
		cmocka_unit_test_setup_teardown(evidence_of_one_log_is_bounded_a_day, open_state, close_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
