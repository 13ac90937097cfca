/* The outbox, triage, incidents with their evidence, and retention. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp_state.h"

#define DAY_MS 86400000ll

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

static void must(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

/* ---- outbox ---------------------------------------------------------------------------------------------- */

struct seen {
	size_t n;
	char ids[16][FINDING_ID_LEN + 1];
	char status[16][16];
	int attempts[16];
};

static bool note_item(void *ctx, const struct outbox_item *item)
{
	struct seen *seen = ctx;

	memcpy(seen->ids[seen->n], item->id, sizeof(item->id));
	snprintf(seen->status[seen->n], sizeof(seen->status[0]), "%s", item->status);
	seen->attempts[seen->n++] = item->attempts;
	return seen->n < 16;
}

static void add_event(struct state *st, const char *sink, const char *subject, bool digest, int64_t due_ms)
{
	struct state_event event = { .type = EVENT_HEARTBEAT, .subject = subject, .payload_json = "{}" };
	struct error err;

	must(state_outbox_add(st, sink, &event, digest, NULL, due_ms, TEST_NOW_MS, &err), &err);
}

static struct seen due(struct state *st, const char *sink, int64_t now_ms)
{
	struct seen seen = { 0 };
	struct error err;

	must(state_outbox_due(st, sink, now_ms, 10, note_item, &seen, &err), &err);
	return seen;
}

static void due_items_come_oldest_first_per_sink_until_sent(void **state)
{
	struct error err;
	struct seen seen;

	add_event(*state, "chat", "second", false, TEST_NOW_MS + 20);
	add_event(*state, "chat", "first", false, TEST_NOW_MS + 10);
	add_event(*state, "chat", "later", false, TEST_NOW_MS + 1000);
	add_event(*state, "mail", "first", false, TEST_NOW_MS);
	add_event(*state, "chat", "first", false, TEST_NOW_MS + 5);      /* the same id again */
	seen = due(*state, "chat", TEST_NOW_MS + 100);
	assert_int_equal(seen.n, 2);
	must(state_outbox_sent(*state, seen.ids[0], NULL, TEST_NOW_MS + 100, &err), &err);
	/* an answer that comes late does not bring it back */
	must(state_outbox_failed(*state, seen.ids[0], "timed out", 0, false, TEST_NOW_MS + 101, &err), &err);
	seen = due(*state, "chat", TEST_NOW_MS + 100);
	assert_int_equal(seen.n, 1);
	int64_t next;
	must(state_outbox_next_due(*state, &next, &err), &err);
	assert_int_equal(next, TEST_NOW_MS);
}

static void failed_items_wait_die_and_are_revived(void **state)
{
	struct error err;
	struct seen seen;
	size_t n;

	add_event(*state, "chat", "a", false, TEST_NOW_MS);
	seen = due(*state, "chat", TEST_NOW_MS);
	must(state_outbox_failed(*state, seen.ids[0], "answered 503", TEST_NOW_MS + 60000, false, TEST_NOW_MS, &err), &err);
	assert_int_equal(due(*state, "chat", TEST_NOW_MS + 59999).n, 0);
	seen = due(*state, "chat", TEST_NOW_MS + 60000);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.attempts[0], 1);
	must(state_outbox_failed(*state, seen.ids[0], "answered 503", 0, true, TEST_NOW_MS + 60000, &err), &err);
	assert_int_equal(due(*state, "chat", INT64_MAX).n, 0);
	must(state_outbox_retry(*state, "no-such-id", TEST_NOW_MS, &n, &err), &err);
	assert_int_equal(n, 0);
	must(state_outbox_retry(*state, NULL, TEST_NOW_MS + 70000, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(due(*state, "chat", TEST_NOW_MS + 70000).attempts[0], 0);
}

static void digest_items_are_due_apart_from_single_ones_and_stay_a_digest_when_they_fail(void **state)
{
	struct error err;
	struct seen all = { 0 }, digest = { 0 };

	add_event(*state, "mail", "a", true, 0);
	add_event(*state, "mail", "b", true, 0);
	add_event(*state, "chat", "a", true, 0);
	assert_int_equal(due(*state, "mail", INT64_MAX).n, 0);
	must(state_outbox_due_digest(*state, "mail", INT64_MAX, 0, note_item, &digest, &err), &err);
	assert_int_equal(digest.n, 2);
	must(state_outbox_failed(*state, digest.ids[0], "answered 503", TEST_NOW_MS + 1, false, TEST_NOW_MS, &err), &err);
	must(state_outbox_sent(*state, digest.ids[1], NULL, TEST_NOW_MS, &err), &err);
	must(state_outbox_each(*state, NULL, "digest", 0, note_item, &all, &err), &err);
	assert_int_equal(all.n, 2);
	assert_int_equal(due(*state, "mail", INT64_MAX).n, 0);
}

static void a_flood_goes_into_the_digest(void **state)
{
	struct error err;
	struct seen digest = { 0 };

	add_event(*state, "mail", "a", false, TEST_NOW_MS);
	add_event(*state, "mail", "b", false, TEST_NOW_MS + 60000);
	add_event(*state, "chat", "a", false, TEST_NOW_MS);
	must(state_outbox_to_digest(*state, "mail", TEST_NOW_MS, &err), &err);
	must(state_outbox_due_digest(*state, "mail", TEST_NOW_MS, 0, note_item, &digest, &err), &err);
	assert_int_equal(digest.n, 1);
	assert_int_equal(due(*state, "mail", INT64_MAX).n, 1);
	assert_int_equal(due(*state, "chat", INT64_MAX).n, 1);
}

static void severity_and_certificate_make_other_ids(void **state)
{
	struct finding low = { .score = 50 }, high = { .score = 80 };
	struct state_event events[] = {
		{ .type = EVENT_FINDING_RESCORED, .finding = &low, .subject = "x" },
		{ .type = EVENT_FINDING_RESCORED, .finding = &high, .subject = "x" },
		{ .type = EVENT_FINDING, .finding = &high, .subject = "x" },
		{ .type = EVENT_FINDING_NEW_CERTIFICATE, .finding = &high, .subject = "x", .certificate = "aa" },
		{ .type = EVENT_FINDING_NEW_CERTIFICATE, .finding = &high, .subject = "x", .certificate = "bb" },
		{ .type = EVENT_FINDING_NEW_CERTIFICATE, .finding = &high, .subject = "x", .certificate = "bb" },
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		must(state_outbox_add(*state, "chat", &events[i], false, "x.example", TEST_NOW_MS, TEST_NOW_MS, &err), &err);
	assert_int_equal(due(*state, "chat", TEST_NOW_MS).n, 5);
}

static void every_event_has_a_name_that_is_read_back(void **state)
{
	(void)state;
	for (enum event_type type = 0; type < N_EVENTS; type++) {
		enum event_type back;

		assert_true(event_parse(slice_text(event_name(type)), &back));
		assert_int_equal(back, type);
	}
	enum event_type none;
	assert_false(event_parse(SLICE_LITERAL("findings"), &none));
}

/* ---- triage ------------------------------------------------------------------------------------------------ */

static bool count_triage(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms)
{
	(void)finding;
	(void)action;
	(void)at_ms;
	assert_string_equal(who, "ana");
	assert_true(why == NULL || why[0] != '\0');
	++*(int *)ctx;
	return true;
}

static void triage_keeps_who_when_and_why(void **state)
{
	char id[FINDING_ID_LEN + 1];
	struct finding f;
	struct error err;
	int n = 0;

	test_add(*state, (struct test_match){ .index = 1 });
	finding_id("brand/acme", "acme-login.com", id);
	must(state_triage(*state, id, "acknowledged", "ana", NULL, TEST_NOW_MS, &err), &err);
	must(state_triage(*state, id, "note", "ana", "asked the registrar", TEST_NOW_MS + 1, &err), &err);
	id[6] = '\0';
	must(state_triage(*state, id, "confirmed", "ana", NULL, TEST_NOW_MS + 2, &err), &err);
	must(state_get_finding(*state, id, &f, &err), &err);
	assert_string_equal(f.status, "confirmed");
	must(state_each_triage(*state, f.id, 0, 0, count_triage, &n, &err), &err);
	assert_int_equal(n, 3);
	finding_deinit(&f);
}

static void triage_without_a_reason_or_finding_is_refused(void **state)
{
	char id[FINDING_ID_LEN + 1];
	struct error err;

	test_add(*state, (struct test_match){ .index = 1 });
	finding_id("brand/acme", "acme-login.com", id);
	assert_false(state_triage(*state, id, "dismissed", "ana", NULL, TEST_NOW_MS, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_false(state_triage(*state, id, "note", "ana", "", TEST_NOW_MS, &err));
	assert_false(state_triage(*state, id, "deleted", "ana", "x", TEST_NOW_MS, &err));
	assert_false(state_triage(*state, "zzzzzzzz", "new", "ana", NULL, TEST_NOW_MS, &err));
	assert_non_null(strstr(err.text, "no finding zzzzzzzz"));
	assert_false(state_triage(*state, "abc", "new", "ana", NULL, TEST_NOW_MS, &err));
	assert_non_null(strstr(err.text, "at least 4"));
	assert_false(state_triage(*state, "'; DROP TABLE finding; --", "new", "ana", NULL, TEST_NOW_MS, &err));
	assert_non_null(strstr(err.text, "no finding"));
}

/* ---- incidents ------------------------------------------------------------------------------------------------ */

static void open_one(struct state *st, uint64_t log, const char *subject, int64_t at_ms, char id[FINDING_ID_LEN + 1], bool expect_new)
{
	struct hash log_id = test_hash(log);
	struct error err;
	bool opened;

	must(state_open_incident(st, &log_id, "FORK", subject, "critical", "two roots of one size", "{\"size\":10}", at_ms, id, &opened, &err), &err);
	assert_int_equal(opened, expect_new);
}

static void incident_is_opened_once_and_closed_once(void **state)
{
	char first[FINDING_ID_LEN + 1], second[FINDING_ID_LEN + 1];
	struct incident i;
	struct error err;

	open_one(*state, 1, "10", TEST_NOW_MS, first, true);
	open_one(*state, 1, "10", TEST_NOW_MS + 5, second, false);
	assert_string_equal(first, second);
	open_one(*state, 1, "11", TEST_NOW_MS, second, true);
	open_one(*state, 2, "10", TEST_NOW_MS, second, true);
	must(state_get_incident(*state, first, &i, &err), &err);
	assert_int_equal(i.count, 2);
	assert_int_equal(i.updated_ms, TEST_NOW_MS + 5);
	assert_int_equal(i.closed_ms, 0);
	assert_string_equal(i.subject, "10");
	incident_deinit(&i);
	must(state_close_incident(*state, first, "the log was repaired", TEST_NOW_MS + 10, &err), &err);
	assert_false(state_close_incident(*state, first, "again", TEST_NOW_MS + 11, &err));
	assert_non_null(strstr(err.text, "closed already"));
	/* the same trouble later is another incident */
	open_one(*state, 1, "10", TEST_NOW_MS + 20, second, true);
	assert_string_not_equal(first, second);
}

static bool count_incident(void *ctx, const struct incident *i)
{
	(void)i;
	++*(size_t *)ctx;
	return true;
}

static size_t n_incidents(struct state *st, bool open_only, int64_t since_ms, int64_t until_ms)
{
	struct error err;
	size_t n = 0;

	must(state_each_incident(st, open_only, since_ms, until_ms, count_incident, &n, &err), &err);
	return n;
}

static void incidents_are_found_by_the_time_they_lasted(void **state)
{
	struct hash log_id = test_hash(1);
	char id[FINDING_ID_LEN + 1];
	struct error err;

	open_one(*state, 1, "", TEST_NOW_MS, id, true);
	must(state_close_incidents(*state, &log_id, "FORK", "over", TEST_NOW_MS + 1000, &err), &err);
	must(state_close_incidents(*state, &log_id, "FORK", "over", TEST_NOW_MS + 1001, &err), &err);
	open_one(*state, 1, "", TEST_NOW_MS + 2000, id, true);
	assert_int_equal(n_incidents(*state, true, 0, 0), 1);
	assert_int_equal(n_incidents(*state, false, 0, 0), 2);
	assert_int_equal(n_incidents(*state, false, TEST_NOW_MS + 500, TEST_NOW_MS + 1500), 1);
	assert_int_equal(n_incidents(*state, false, TEST_NOW_MS + 1500, TEST_NOW_MS + 1600), 0);
	assert_int_equal(n_incidents(*state, false, TEST_NOW_MS + 9000, 0), 1);
}

static void log_that_invents_troubles_opens_a_bounded_number(void **state)
{
	char id[FINDING_ID_LEN + 1], subject[32];
	struct hash log_id = test_hash(1);
	struct error err;

	for (int i = 0; i < STATE_INCIDENTS_OPEN_MAX + 20; i++) {
		snprintf(subject, sizeof(subject), "%d", i);
		must(state_open_incident(*state, &log_id, "FORK", subject, "critical", "two roots", NULL, TEST_NOW_MS + i, id, NULL, &err), &err);
	}
	assert_int_equal(n_incidents(*state, true, 0, 0), STATE_INCIDENTS_OPEN_MAX);
	struct incident last;
	must(state_get_incident(*state, id, &last, &err), &err);
	assert_int_equal(last.count, 21);
	incident_deinit(&last);
}

static void evidence_has_a_manifest_that_sha256sum_checks(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".hidden", "manifest.sha256", "a b", "na\xc3\xafve" };
	char id[FINDING_ID_LEN + 1];
	struct incident i;
	struct error err;

	open_one(*state, 1, "", TEST_NOW_MS, id, true);
	must(state_put_evidence(*state, id, "head-1.json", SLICE_LITERAL("{\"tree_size\":1}"), &err), &err);
	must(state_put_evidence(*state, id, "head-2.json", SLICE_LITERAL("{\"tree_size\":2}"), &err), &err);
	must(state_put_evidence(*state, id, "head-1.json", SLICE_LITERAL("{\"tree_size\":3}"), &err), &err);
	for (size_t n = 0; n < ARRAY_LEN(bad); n++)
		assert_false(state_put_evidence(*state, id, bad[n], SLICE_LITERAL("x"), &err));
	assert_false(state_put_evidence(*state, "nosuchincident", "a", SLICE_LITERAL("x"), &err));
	must(state_get_incident(*state, id, &i, &err), &err);
	char *command = xasprintf("cd '%s/%s' && sha256sum --quiet -c manifest.sha256 && test $(wc -l < manifest.sha256) -eq 2", state_directory(*state),
				  i.evidence_dir);
	assert_int_equal(system(command), 0);
	free(command);
	incident_deinit(&i);
}

/* ---- retention ------------------------------------------------------------------------------------------------- */

static bool count_finding(void *ctx, const struct finding *f)
{
	(void)f;
	++*(size_t *)ctx;
	return true;
}

static size_t n_findings(struct state *st)
{
	struct finding_filter all = { .all = true };
	struct error err;
	size_t n = 0;

	must(state_each_finding(st, &all, count_finding, &n, &err), &err);
	return n;
}

static bool count_certificate(void *ctx, const struct state_certificate *c)
{
	(void)c;
	++*(size_t *)ctx;
	return true;
}

static void retention_removes_by_class_and_keeps_what_matters(void **state)
{
	struct retention r = { .low_ms = 90 * DAY_MS, .dismissed_ms = 400 * DAY_MS };
	char id[FINDING_ID_LEN + 1];
	struct error err;
	uint64_t n;
	size_t certificates = 0;

	test_add(*state, (struct test_match){ .domain = "low.example", .certificate = 1, .index = 1, .score = 50 });
	test_add(*state, (struct test_match){ .domain = "confirmed.example", .certificate = 2, .index = 2, .score = 50 });
	test_add(*state, (struct test_match){ .domain = "high.example", .certificate = 3, .index = 3, .score = 80 });
	test_add(*state, (struct test_match){ .domain = "dismissed.example", .certificate = 4, .index = 4, .score = 80 });
	test_add(*state, (struct test_match){ .domain = "shared.example", .certificate = 1, .index = 1, .score = 80 });
	finding_id("brand/acme", "confirmed.example", id);
	must(state_triage(*state, id, "confirmed", "ana", NULL, TEST_NOW_MS, &err), &err);
	finding_id("brand/acme", "dismissed.example", id);
	must(state_triage(*state, id, "dismissed", "ana", "ours", TEST_NOW_MS, &err), &err);
	must(state_prune(*state, &r, TEST_NOW_MS + 89 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 0);
	must(state_prune(*state, &r, TEST_NOW_MS + 91 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(n_findings(*state), 4);
	/* the certificate that another finding has too stays */
	must(state_each_certificate(*state, NULL, count_certificate, &certificates, &err), &err);
	assert_int_equal(certificates, 4);
	must(state_prune(*state, &r, TEST_NOW_MS + 401 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(n_findings(*state), 3);
	certificates = 0;
	must(state_each_certificate(*state, NULL, count_certificate, &certificates, &err), &err);
	assert_int_equal(certificates, 3);
}

static void retention_inside_a_transaction_is_one_short_step(void **state)
{
	struct retention r = { .low_ms = DAY_MS };
	struct error err;
	uint64_t n;
	char domain[32];

	must(state_begin(*state, &err), &err);
	for (uint64_t i = 0; i < 450; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", (int)i);
		test_add(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i, .score = 50 });
	}
	must(state_prune(*state, &r, TEST_NOW_MS + 2 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 200);
	must(state_prune(*state, &r, TEST_NOW_MS + 2 * DAY_MS, &n, &err), &err);
	must(state_prune(*state, &r, TEST_NOW_MS + 2 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 50);
	must(state_commit(*state, &err), &err);
	assert_int_equal(n_findings(*state), 0);
}

static bool queue(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	(void)ctx;
	return state_outbox_add(st, "chat", event, false, NULL, now_ms, now_ms, err);
}

static void finding_with_an_alert_to_send_waits_for_it(void **state)
{
	struct retention r = { .low_ms = DAY_MS, .sent_ms = DAY_MS };
	struct error err;
	uint64_t n;

	state_set_router(*state, queue, NULL);
	test_add(*state, (struct test_match){ .index = 1, .score = 50 });
	must(state_prune(*state, &r, TEST_NOW_MS + 5 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 0);
	struct seen seen = due(*state, "chat", TEST_NOW_MS);
	must(state_outbox_sent(*state, seen.ids[0], NULL, TEST_NOW_MS, &err), &err);
	must(state_prune(*state, &r, TEST_NOW_MS + 5 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 2);
}

static void old_counters_and_malformed_entries_go_and_incidents_stay(void **state)
{
	struct retention r = { .counters_ms = 1000 * DAY_MS, .malformed_per_log = 10 };
	struct hash log_id = test_hash(1);
	struct state_counters delta = { .entries = 1 }, sum;
	char id[FINDING_ID_LEN + 1];
	struct error err;
	uint64_t n;

	open_one(*state, 1, "", TEST_NOW_MS - 2000 * DAY_MS, id, true);
	must(state_close_incident(*state, id, "over", TEST_NOW_MS - 1999 * DAY_MS, &err), &err);
	for (int64_t day = 0; day < 1500; day++)
		must(state_add_counters(*state, &log_id, TEST_NOW_MS - day * DAY_MS, &delta, &err), &err);
	for (uint64_t i = 0; i < 50; i++)
		must(state_add_malformed(*state, &log_id, i, SLICE_LITERAL("abc"), "broken", TEST_NOW_MS + (int64_t)i, &err), &err);
	must(state_prune(*state, &r, TEST_NOW_MS, &n, &err), &err);
	assert_int_equal(n, 499 + 40);
	must(state_sum_counters(*state, NULL, 0, 0, &sum, &err), &err);
	assert_int_equal(sum.entries, 1001);
	assert_int_equal(n_incidents(*state, false, 0, 0), 1);
}

static void pruned_room_goes_back_to_the_file_system(void **state)
{
	struct retention r = { .low_ms = DAY_MS };
	struct error err;
	uint64_t n, before, after, free_bytes;
	char domain[32];

	must(state_begin(*state, &err), &err);
	for (uint64_t i = 0; i < 3000; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", (int)i);
		test_add(*state, (struct test_match){ .domain = domain, .certificate = i, .index = i, .score = 50 });
	}
	must(state_commit(*state, &err), &err);
	must(state_size(*state, &before, &free_bytes, &err), &err);
	must(state_prune(*state, &r, TEST_NOW_MS + 2 * DAY_MS, &n, &err), &err);
	assert_int_equal(n, 3000);
	assert_int_equal(n_findings(*state), 0);
	char *directory = xstrdup(state_directory(*state));
	state_close(*state);       /* the WAL moves into the file */
	must(state_open(directory, STATE_DAEMON, TEST_NOW_MS, (struct state **)state, &err), &err);
	must(state_size(*state, &after, &free_bytes, &err), &err);
	assert_true(after < before / 4);
	free(directory);
}

static void at_a_start_no_alert_waits_for_a_time_that_its_attempts_do_not_explain(void **state)
{
	const int64_t ahead = 2 * 3600000, start = TEST_NOW_MS - ahead;   /* the clock was put right while nothing ran */
	struct error err;

	add_event(*state, "chat", "fresh", false, TEST_NOW_MS + 30000);
	add_event(*state, "chat", "failed", false, TEST_NOW_MS);
	struct seen seen = due(*state, "chat", TEST_NOW_MS);
	must(state_outbox_failed(*state, seen.ids[0], "down", TEST_NOW_MS + 10000, false, TEST_NOW_MS, &err), &err);
	must(state_clock_start(*state, start, &err), &err);
	assert_int_equal(due(*state, "chat", start).n, 0);
	assert_int_equal(due(*state, "chat", start + 10000).n, 1);
	assert_int_equal(due(*state, "chat", start + 30000).n, 2);
	/* a clock that is right changes nothing */
	must(state_clock_start(*state, start + 1000, &err), &err);
	assert_int_equal(due(*state, "chat", start + 9999).n, 0);
	assert_int_equal(due(*state, "chat", start + 29999).n, 1);
}

static void a_digest_keeps_its_time_of_day_when_the_clock_is_set(void **state)
{
	const int64_t years = 1000 * DAY_MS;
	struct seen seen = { 0 };
	struct error err;

	add_event(*state, "chat", "digest", true, TEST_NOW_MS + 5 * 3600000);
	must(state_alerts_clock_set(*state, -years, TEST_NOW_MS - years, &err), &err);
	must(state_outbox_due_digest(*state, "chat", TEST_NOW_MS - years + 5 * 3600000 - 1, 10, note_item, &seen, &err), &err);
	assert_int_equal(seen.n, 0);
	must(state_outbox_due_digest(*state, "chat", TEST_NOW_MS - years + 5 * 3600000, 10, note_item, &seen, &err), &err);
	assert_int_equal(seen.n, 1);
}

static bool see_log(void *ctx, const struct state_log *log)
{
	*(int64_t *)ctx = log->last_success_ms;
	return true;
}

static int64_t heard_from(struct state *st)
{
	int64_t heard_ms = 0;
	struct error err;

	must(state_each_log(st, see_log, &heard_ms, &err), &err);
	return heard_ms;
}

static void when_a_log_was_heard_from_follows_the_clock(void **state)
{
	const struct hash id = { { 7 } };
	const struct state_log log = { .log_id = id, .name = (char *)"log", .url = (char *)"https://log.example", .added_ms = TEST_NOW_MS };
	struct error err;

	must(state_put_log(*state, &log, &err), &err);
	must(state_log_progress(*state, &id, TEST_NOW_MS, NULL, TEST_NOW_MS, &err), &err);
	must(state_logs_clock_set(*state, -7200000, TEST_NOW_MS + 60000 - 7200000, &err), &err);
	assert_int_equal(heard_from(*state), TEST_NOW_MS - 7200000);
	/* heard by the new time */
	must(state_log_progress(*state, &id, TEST_NOW_MS - 7000000, NULL, TEST_NOW_MS - 7000000, &err), &err);
	must(state_logs_clock_set(*state, 3600000, TEST_NOW_MS - 6990000, &err), &err);
	assert_int_equal(heard_from(*state), TEST_NOW_MS - 7000000);
	must(state_clock_start(*state, TEST_NOW_MS - 9000000, &err), &err);
	assert_int_equal(heard_from(*state), TEST_NOW_MS - 9000000);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(due_items_come_oldest_first_per_sink_until_sent),
		STATE_TEST(failed_items_wait_die_and_are_revived),
		STATE_TEST(digest_items_are_due_apart_from_single_ones_and_stay_a_digest_when_they_fail),
		STATE_TEST(a_flood_goes_into_the_digest),
		STATE_TEST(at_a_start_no_alert_waits_for_a_time_that_its_attempts_do_not_explain),
		STATE_TEST(a_digest_keeps_its_time_of_day_when_the_clock_is_set),
		STATE_TEST(when_a_log_was_heard_from_follows_the_clock),
		STATE_TEST(severity_and_certificate_make_other_ids),
		cmocka_unit_test(every_event_has_a_name_that_is_read_back),
		STATE_TEST(triage_keeps_who_when_and_why),
		STATE_TEST(triage_without_a_reason_or_finding_is_refused),
		STATE_TEST(incident_is_opened_once_and_closed_once),
		STATE_TEST(incidents_are_found_by_the_time_they_lasted),
		STATE_TEST(log_that_invents_troubles_opens_a_bounded_number),
		STATE_TEST(evidence_has_a_manifest_that_sha256sum_checks),
		STATE_TEST(retention_removes_by_class_and_keeps_what_matters),
		STATE_TEST(retention_inside_a_transaction_is_one_short_step),
		STATE_TEST(finding_with_an_alert_to_send_waits_for_it),
		STATE_TEST(old_counters_and_malformed_entries_go_and_incidents_stay),
		STATE_TEST(pruned_room_goes_back_to_the_file_system),
	};

	return cmocka_run_group_tests_name("state: outbox", tests, NULL, NULL);
}
