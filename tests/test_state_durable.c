/* The state under kill -9, a full disk, and readers beside a writer: nothing is lost, nothing is half there. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sql.h"
#include "temp_state.h"

static int open_state(void **state)
{
	*state = temp_state_open();
	return 0;
}

static int close_state(void **state)
{
	if (*state != NULL)     /* a test that failed between two openings */
		temp_state_close(*state);
	return 0;
}

static const struct hash *log_id(void)
{
	static const struct hash id = { { 1, 2, 3 } };

	return &id;
}

/* ---- kill -9 ---------------------------------------------------------------------------------------------- */

/* One response: a match for each of its entries, and the position behind them, in one transaction. */
static bool commit_response(struct state *st, uint64_t from, uint64_t n, struct error *err)
{
	struct state_range range = { .start = 0, .end = from + n };
	struct state_counters delta = { .entries = n };
	struct test_match match = { .domain = "busy.example" };

	if (!state_begin(st, err))
		return false;
	for (uint64_t i = from; i < from + n; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%d.example", (int)(i % 50));
		match.domain = domain;
		match.certificate = i;
		match.index = i;
		if (!test_add_with(st, &match, NULL, err))
			return false;
	}
	return state_put_ranges(st, log_id(), &range, 1, err) && state_add_counters(st, log_id(), TEST_NOW_MS, &delta, err) && state_commit(st, err);
}

static bool end_of(void *ctx, const struct state_range *range)
{
	*(uint64_t *)ctx = range->end;
	return true;
}

static bool add_sightings(void *ctx, const struct finding *f)
{
	*(uint64_t *)ctx += f->sighting_count;
	return true;
}

static uint64_t position(struct state *st)
{
	struct error err;
	uint64_t end = 0;

	assert_true(state_each_range(st, log_id(), end_of, &end, &err));
	return end;
}

static uint64_t sightings(struct state *st)
{
	struct finding_filter all = { .all = true };
	struct error err;
	uint64_t n = 0;

	assert_true(state_each_finding(st, &all, add_sightings, &n, &err));
	return n;
}

static void write_until_killed(const char *directory, int told)
{
	struct state *st = NULL;
	struct error err;

	if (!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err))
		_exit(1);
	for (uint64_t at = position(st);; at += 7) {
		if (!commit_response(st, at, 7, &err) || write(told, &at, sizeof(at)) != sizeof(at))
			_exit(2);
	}
}

static void kill_at_any_instant_loses_and_repeats_nothing(void **state)
{
	char *directory = xstrdup(state_directory(*state));
	unsigned seed = 20261122;

	state_close(*state);
	*state = NULL;
	for (int round = 0; round < 12; round++) {
		struct timespec nap = { 0, 20000000 + (long)(rand_r(&seed) % 60) * 1000000 };
		uint64_t told = 0, last;
		int pipes[2], status;

		assert_int_equal(pipe(pipes), 0);
		pid_t child = fork();
		if (child == 0)
			write_until_killed(directory, pipes[1]);
		close(pipes[1]);
		nanosleep(&nap, NULL);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (read(pipes[0], &last, sizeof(last)) == sizeof(last))
			told = last + 7;
		close(pipes[0]);

		struct state *st = NULL;
		struct state_counters sum;
		struct error err;
		if (!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err))
			fail_msg("%s", err.text);
		assert_true(position(st) >= told);
		assert_int_equal(sightings(st), position(st));
		assert_true(state_sum_counters(st, log_id(), 0, 0, &sum, &err));
		assert_int_equal(sum.entries, position(st));
		state_close(st);
	}
	struct error err;
	struct state *st = NULL;
	assert_true(state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err));
	assert_true(position(st) > 0);
	*state = st;
	free(directory);
}

/* ---- a full disk --------------------------------------------------------------------------------------------- */

static void limit_pages(struct state *st, int more)
{
	sqlite3_stmt *stmt = NULL;
	int pages = 0;

	assert_int_equal(sqlite3_prepare_v2(st->db, "PRAGMA page_count", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	pages = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	char *sql = xasprintf("PRAGMA max_page_count = %d", more < 0 ? 1 << 30 : pages + more);
	assert_int_equal(sqlite3_exec(st->db, sql, NULL, NULL, NULL), SQLITE_OK);
	free(sql);
}

static void full_disk_undoes_the_transaction_and_room_lets_it_go_on(void **state)
{
	struct state *st = *state;
	struct error err;
	uint64_t at = 0;

	assert_true(commit_response(st, 0, 50, &err));
	limit_pages(st, 10);
	for (at = 50; commit_response(st, at, 50, &err); at += 50)
		assert_true(at < 100000);
	assert_int_equal(err.kind, ERR_NO_SPACE);
	assert_non_null(strstr(err.text, "disk is full"));
	state_abort(st);
	while (st->depth > 0)
		state_abort(st);
	assert_int_equal(position(st), at);
	assert_int_equal(sightings(st), at);
	limit_pages(st, -1);
	assert_true(commit_response(st, at, 50, &err));
	assert_int_equal(position(st), at + 50);
}

static void verbs_after_the_transaction_was_undone_fail_too(void **state)
{
	struct state *st = *state;
	struct test_match match = { .index = 1 };
	struct error err;
	char *big = xcalloc(1, 1 << 20), *value = NULL;

	memset(big, 'x', (1 << 20) - 1);
	assert_true(state_begin(st, &err));
	assert_true(test_add_with(st, &match, NULL, &err));
	assert_true(state_begin(st, &err));
	limit_pages(st, 5);
	assert_false(state_put_fact(st, "big", big, &err));
	assert_int_equal(err.kind, ERR_NO_SPACE);
	limit_pages(st, -1);
	state_abort(st);
	if (sqlite3_get_autocommit(st->db)) {
		/* SQLite undid everything: nothing may be stored as if the rest were still there */
		assert_false(state_put_fact(st, "small", "1", &err));
		assert_int_equal(err.kind, ERR_NO_SPACE);
		assert_false(state_commit(st, &err));
		state_abort(st);
		assert_true(state_get_fact(st, "small", &value, &err));
		assert_null(value);
	} else {
		assert_true(state_commit(st, &err));
	}
	assert_int_equal(st->depth, 0);
	assert_true(state_put_fact(st, "small", "1", &err));
	free(big);
}

/* A real one: a small tmpfs, where this machine lets us mount. */
static void small_file_system_fills_up_and_the_reserve_helps(void **state)
{
	char *directory = temp_directory();
	struct state *st = NULL;
	struct error err;
	uint64_t at = 0, used, before, after;

	(void)state;
	if (mount("tmpfs", directory, "tmpfs", 0, "size=24m") != 0) {
		temp_remove(directory);
		printf("skipped: cannot mount a tmpfs\n");
		skip();
	}
	assert_true(state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err));
	assert_true(state_reserve_take(st));
	assert_true(state_reserve_take(st));
	for (at = 0; commit_response(st, at, 200, &err); at += 200)
		assert_true(at < 1000000);
	assert_int_equal(err.kind, ERR_NO_SPACE);
	while (st->depth > 0)
		state_abort(st);
	assert_int_equal(position(st), at);
	assert_true(state_size(st, &used, &before, &err));
	/* there is no room to take a second reserve, and the one there makes room for a last word */
	assert_true(state_reserve_release(st));
	assert_false(state_reserve_take(st));        /* a part of it only */
	assert_true(state_reserve_release(st));
	assert_true(state_size(st, &used, &after, &err));
	assert_true(after >= before + (3u << 20));
	struct state_event event = { .type = EVENT_HEARTBEAT, .payload_json = "{\"what\":\"disk full\"}", .subject = "disk" };
	if (!state_outbox_add(st, "chat", &event, false, NULL, 0, TEST_NOW_MS, &err))
		fail_msg("%s", err.text);
	state_close(st);
	assert_true(state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err));
	assert_int_equal(position(st), at);
	assert_int_equal(sightings(st), at);
	state_close(st);
	assert_int_equal(umount(directory), 0);
	temp_remove(directory);
}

/* ---- reader and writer ---------------------------------------------------------------------------------------- */

static void write_some(const char *directory)
{
	struct state *st = NULL;
	struct error err;

	if (!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err))
		_exit(1);
	for (uint64_t at = 0; at < 700; at += 7)
		if (!commit_response(st, at, 7, &err))
			_exit(2);
	state_close(st);
	_exit(0);
}

static void reader_always_sees_position_and_findings_that_agree(void **state)
{
	char *directory = xstrdup(state_directory(*state));
	struct state *reader = NULL;
	struct error err;
	int status;

	state_close(*state);
	*state = NULL;
	assert_true(state_open(directory, STATE_READ, TEST_NOW_MS, &reader, &err));
	pid_t child = fork();
	if (child == 0)
		write_some(directory);
	while (waitpid(child, &status, WNOHANG) == 0) {
		assert_true(state_begin(reader, &err));
		assert_int_equal(sightings(reader), position(reader));
		assert_true(state_commit(reader, &err));
	}
	assert_int_equal(status, 0);
	assert_int_equal(position(reader), 700);
	state_close(reader);
	assert_true(state_open(directory, STATE_DAEMON, TEST_NOW_MS, (struct state **)state, &err));
	free(directory);
}

static void triage_beside_a_busy_daemon_gets_its_turn(void **state)
{
	char *directory = xstrdup(state_directory(*state)), id[FINDING_ID_LEN + 1];
	struct state *writer = NULL;
	struct error err;
	int status, n = 0;

	test_add(*state, (struct test_match){ .index = 1000000 });
	state_close(*state);
	*state = NULL;
	assert_true(state_open(directory, STATE_WRITE, TEST_NOW_MS, &writer, &err));
	finding_id("brand/acme", "acme-login.com", id);
	pid_t child = fork();
	if (child == 0)
		write_some(directory);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (!state_triage(writer, id, "note", "ana", "seen", TEST_NOW_MS, &err))
			fail_msg("%s", err.text);
		n++;
	}
	assert_int_equal(status, 0);
	assert_true(n > 0);
	state_close(writer);
	assert_true(state_open(directory, STATE_DAEMON, TEST_NOW_MS, (struct state **)state, &err));
	free(directory);
}

static void backup_while_the_daemon_writes_is_consistent(void **state)
{
	char *directory = xstrdup(state_directory(*state)), *copy_dir = temp_directory(), *copy = xasprintf("%s/ctwatch.db", copy_dir);
	struct state *reader = NULL, *restored = NULL;
	struct error err;
	int status;

	state_close(*state);
	*state = NULL;
	assert_true(state_open(directory, STATE_READ, TEST_NOW_MS, &reader, &err));
	pid_t child = fork();
	if (child == 0)
		write_some(directory);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (!state_backup(reader, copy, &err))
			fail_msg("%s", err.text);
		if (!state_open(copy_dir, STATE_READ, TEST_NOW_MS, &restored, &err))
			fail_msg("%s", err.text);
		assert_int_equal(sightings(restored), position(restored));
		state_close(restored);
	}
	assert_int_equal(status, 0);
	/* the database itself and files that are no backups are not overwritten */
	char *itself = xasprintf("%s/ctwatch.db", directory), *lock = xasprintf("%s/lock.txt", directory);
	assert_false(state_backup(reader, itself, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	FILE *file = fopen(lock, "w");
	fputs("not a backup, by any means", file);
	fclose(file);
	assert_false(state_backup(reader, lock, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_false(state_backup(reader, "/nowhere/at/all.db", &err));
	state_close(reader);
	assert_true(state_open(directory, STATE_DAEMON, TEST_NOW_MS, (struct state **)state, &err));
	free(itself);
	free(lock);
	free(copy);
	free(directory);
	temp_remove(copy_dir);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(kill_at_any_instant_loses_and_repeats_nothing),
		STATE_TEST(full_disk_undoes_the_transaction_and_room_lets_it_go_on),
		STATE_TEST(verbs_after_the_transaction_was_undone_fail_too),
		cmocka_unit_test(small_file_system_fills_up_and_the_reserve_helps),
		STATE_TEST(reader_always_sees_position_and_findings_that_agree),
		STATE_TEST(triage_beside_a_busy_daemon_gets_its_turn),
		STATE_TEST(backup_while_the_daemon_writes_is_consistent),
	};

	return cmocka_run_group_tests_name("state: durability", tests, NULL, NULL);
}
