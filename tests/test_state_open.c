/* state/open.c, lock.c and schema.c: one daemon, any number of readers, and a clear sentence for every state that cannot be used. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema.h"
#include "sql.h"
#include "temp_state.h"

static int make_directory(void **state)
{
	*state = temp_directory();
	return 0;
}

static int remove_directory(void **state)
{
	temp_remove(*state);
	return 0;
}

static struct state *must_open(const char *directory, enum state_mode mode)
{
	struct state *st = NULL;
	struct error err;

	if (!state_open(directory, mode, TEST_NOW_MS, &st, &err))
		fail_msg("%s", err.text);
	return st;
}

static void assert_refused(const char *directory, enum state_mode mode, enum error_kind kind, const char *words)
{
	struct state *st = NULL;
	struct error err;

	assert_false(state_open(directory, mode, TEST_NOW_MS, &st, &err));
	assert_null(st);
	assert_int_equal(err.kind, kind);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void write_file(const char *directory, const char *name, const void *bytes, size_t len)
{
	char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
	free(path);
}

static int64_t size_of(const char *directory, const char *name)
{
	char *path = xasprintf("%s/%s", directory, name);
	struct stat st;
	int64_t size = stat(path, &st) == 0 ? st.st_size : -1;

	free(path);
	return size;
}

static mode_t mode_of(const char *directory, const char *name)
{
	char *path = xasprintf("%s/%s", directory, name);
	struct stat st;

	if (stat(path, &st) != 0)
		fail_msg("%s: %s", path, strerror(errno));
	free(path);
	return st.st_mode & 07777;
}

static void exec_sql(const char *directory, const char *sql)
{
	char *path = xasprintf("%s/ctwatch.db", directory);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(path);
}

/* ---- the lock ------------------------------------------------------------------------------------------ */

static void second_daemon_is_refused_with_the_process_that_holds_it(void **state)
{
	struct state *st = must_open(*state, STATE_DAEMON);
	char *words = xasprintf("in use by process %ld since 2026-", (long)getpid());

	assert_int_equal(state_holder(*state), getpid());
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, words);
	/* being refused does not take the lock away */
	assert_int_equal(state_holder(*state), getpid());
	state_close(st);
	assert_int_equal(state_holder(*state), 0);
	state_close(must_open(*state, STATE_DAEMON));
	free(words);
}

static void lock_of_a_killed_daemon_is_no_obstacle(void **state)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct state *st = NULL;
		struct error err;

		if (!state_open(*state, STATE_DAEMON, TEST_NOW_MS, &st, &err) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(state_holder(*state), child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(state_holder(*state), 0);
	assert_true(size_of(*state, "lock") > 0);
	state_close(must_open(*state, STATE_DAEMON));
	close(ready[0]);
	close(ready[1]);
}

static void readers_and_small_writers_work_beside_the_daemon(void **state)
{
	struct state *daemon = must_open(*state, STATE_DAEMON), *writer, *reader;
	struct error err;
	char *value;

	test_add(daemon, (struct test_match){ .index = 1 });
	writer = must_open(*state, STATE_WRITE);
	reader = must_open(*state, STATE_READ);
	assert_true(state_put_fact(writer, "from", "the writer", &err));
	assert_true(state_get_fact(reader, "from", &value, &err));
	assert_string_equal(value, "the writer");
	free(value);
	assert_true(state_put_fact(daemon, "from", "the daemon", &err));
	assert_true(state_get_fact(reader, "from", &value, &err));
	assert_string_equal(value, "the daemon");
	free(value);
	assert_false(state_put_fact(reader, "from", "the reader", &err));
	assert_int_equal(err.kind, ERR_FATAL);
	state_close(reader);
	state_close(writer);
	state_close(daemon);
}

/* Does this process hold a lock on the database? Asked by a child: a process does not see locks of its own. */
static bool database_is_locked(const char *directory)
{
	char *path = xasprintf("%s/ctwatch.db", directory);
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR);

		_exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid == getppid() ? 1 : 0);
	}
	waitpid(child, &status, 0);
	free(path);
	return status != 0;
}

static uint64_t inode_of(const char *directory, const char *name)
{
	char *path = xasprintf("%s/%s", directory, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_ino;
}

/* A small command of its own: writes a fact and is the last to close, if nobody else holds a lock. */
static void write_beside(const char *directory)
{
	struct state *st = NULL;
	struct error err;

	if (!state_open(directory, STATE_WRITE, TEST_NOW_MS, &st, &err) || !state_put_fact(st, "written", "beside", &err))
		_exit(1);
	state_close(st);
	_exit(0);
}

static void expect_beside(const char *directory)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		write_beside(directory);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* What readers, copies and checks in the daemon's own process open and close must not end the daemon's locks. */
static void lock_outlives_whatever_its_own_process_opens_and_closes(void **state)
{
	struct state *daemon = must_open(*state, STATE_DAEMON);
	char *copy = xasprintf("%s/backups/copy.db", (char *)*state);
	uint64_t wal, shm, n_bytes, n_free;
	struct error err;
	char *value;

	assert_true(state_put_fact(daemon, "a", "1", &err));
	assert_true(database_is_locked(*state));
	wal = inode_of(*state, "ctwatch.db-wal");
	shm = inode_of(*state, "ctwatch.db-shm");
	for (int i = 0; i < 3; i++) {
		struct state *reader = must_open(*state, STATE_READ);

		assert_true(state_get_fact(reader, "a", &value, &err));
		free(value);
		assert_true(state_backup(reader, copy, &err));
		assert_true(state_size(reader, &n_bytes, &n_free, &err));
		state_close(reader);
		state_close(must_open(*state, STATE_WRITE));
		assert_refused(*state, STATE_DAEMON, ERR_FATAL, "in use");
		assert_true(database_is_locked(*state));
		expect_beside(*state);
	}
	assert_int_equal(inode_of(*state, "ctwatch.db-wal"), wal);
	assert_int_equal(inode_of(*state, "ctwatch.db-shm"), shm);
	assert_true(state_get_fact(daemon, "written", &value, &err));
	assert_string_equal(value, "beside");
	free(value);
	state_close(daemon);
	free(copy);
}

static void locked_database_is_tried_again(void **state)
{
	struct state *daemon = must_open(*state, STATE_DAEMON), *writer = must_open(*state, STATE_WRITE);
	struct error err;

	sqlite3_busy_timeout(writer->db, 10);
	assert_true(state_begin(daemon, &err));
	assert_true(state_put_fact(daemon, "a", "1", &err));
	assert_false(state_put_fact(writer, "b", "2", &err));
	assert_int_equal(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "locked"));
	assert_true(state_commit(daemon, &err));
	assert_true(state_put_fact(writer, "b", "2", &err));
	state_close(writer);
	state_close(daemon);
}

/* ---- states that cannot be used ---------------------------------------------------------------------------- */

static void state_that_is_not_there_says_who_makes_it(void **state)
{
	char *nowhere = xasprintf("%s/nowhere", (char *)*state);

	assert_refused(nowhere, STATE_READ, ERR_FATAL, "ctwatch run");
	assert_refused(nowhere, STATE_WRITE, ERR_FATAL, "ctwatch run");
	assert_refused(*state, STATE_READ, ERR_FATAL, "is empty");
	assert_int_equal(state_holder(nowhere), 0);
	/* what is missing of the way to it is made with it */
	char *deep = xasprintf("%s/a/b", (char *)*state), *parent = xasprintf("%s/a", (char *)*state);
	state_close(must_open(deep, STATE_DAEMON));
	assert_int_equal(mode_of(deep, "."), 0750);
	assert_int_equal(mode_of(parent, "."), 0755);
	free(parent);
	free(deep);
	free(nowhere);
}

/* root may write anywhere: then a child becomes somebody else */
static void as_nobody(void (*fn)(const char *directory), const char *directory)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(2);
		fn(directory);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* ---- whose files they are --------------------------------------------------------------------------------------- */

static int check_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if ((st->st_mode & (type == FTW_D ? 0027 : 0137)) != 0)
		fail_msg("%s has mode %o", path, st->st_mode & 07777);
	return 0;
}

static void nothing_is_for_everybody_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077 };
	struct hash issuer = sha256(SLICE_LITERAL("an issuer"));
	char id[FINDING_ID_LEN + 1];
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		char *directory = xasprintf("%s/%zu", (char *)*state, i), *copy = xasprintf("%s/backups/copy.db", directory);
		mode_t before = umask(masks[i]);
		struct state *st = must_open(directory, STATE_DAEMON);

		assert_true(state_put_issuer(st, &issuer, SLICE_LITERAL("an issuer"), &err));
		assert_true(state_open_incident(st, NULL, "FORK", "", "critical", "two roots", NULL, TEST_NOW_MS, id, NULL, &err));
		assert_true(state_put_evidence(st, id, "head.json", SLICE_LITERAL("{}"), &err));
		assert_true(state_reserve_take(st));
		assert_true(state_backup(st, copy, &err));
		assert_int_equal(nftw(directory, check_mode, 16, FTW_PHYS), 0);
		state_close(st);
		state_close(must_open(directory, STATE_WRITE));
		assert_int_equal(nftw(directory, check_mode, 16, FTW_PHYS), 0);
		umask(before);
		free(directory);
		free(copy);
	}
}

static void wider_modes_that_were_there_are_taken_back_or_told(void **state)
{
	char *path = xasprintf("%s/ctwatch.db", (char *)*state), *issuers = xasprintf("%s/issuers", (char *)*state);
	struct state *st = must_open(*state, STATE_DAEMON);

	assert_false(state_is_open_to_all(st));
	state_close(st);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(chmod(issuers, 0777), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	st = must_open(*state, STATE_DAEMON);
	assert_int_equal(mode_of(*state, "ctwatch.db"), 0640);
	assert_int_equal(mode_of(*state, "ctwatch.db-wal"), 0640);
	assert_int_equal(mode_of(*state, "issuers"), 0750);
	/* the directory itself may have been somebody's choice */
	assert_true(state_is_open_to_all(st));
	state_close(st);
	free(path);
	free(issuers);
}

static void expect_words(const char *directory, enum state_mode mode, const char *words)
{
	struct state *st = NULL;
	struct error err;

	if (state_open(directory, mode, TEST_NOW_MS, &st, &err) || err.kind != ERR_FATAL || strstr(err.text, words) == NULL) {
		fprintf(stderr, "\"%s\" does not say \"%s\"\n", err.text, words);
		_exit(3);
	}
}

static void nobody_may_not_look(const char *directory)
{
	char *below = xasprintf("%s/below", directory), *words = xasprintf("cannot read %s: Permission denied", directory);

	expect_words(directory, STATE_READ, words);
	expect_words(directory, STATE_WRITE, words);
	expect_words(directory, STATE_READ, "belongs to user root and this is user");
	expect_words(below, STATE_READ, "Permission denied");
	expect_words(below, STATE_DAEMON, "Permission denied");
	free(below);
	free(words);
}

static void nobody_may_not_read_the_file(const char *directory)
{
	expect_words(directory, STATE_READ, "ctwatch.db: Permission denied");
	expect_words(directory, STATE_READ, "belongs to user root");
}

static void what_may_not_be_read_is_not_called_empty(void **state)
{
	state_close(must_open(*state, STATE_DAEMON));
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(*state, 0700), 0);
	as_nobody(nobody_may_not_look, *state);
	assert_int_equal(chmod(*state, 0755), 0);
	as_nobody(nobody_may_not_read_the_file, *state);
}

/* ---- a state without its database ------------------------------------------------------------------------------- */

static void empty_database_where_a_state_was_is_refused(void **state)
{
	char *path = xasprintf("%s/ctwatch.db", (char *)*state);

	/* nothing was there: an interrupted first start */
	write_file(*state, "ctwatch.db", "", 0);
	struct state *st = must_open(*state, STATE_DAEMON);
	assert_false(state_begins_anew(st));
	state_close(st);
	assert_int_equal(truncate(path, 0), 0);
	state_close(must_open(*state, STATE_DAEMON));
	write_file(*state, "lists/list.json", "{}", 2);
	assert_int_equal(truncate(path, 0), 0);
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "ctwatch.db is empty although this state was in use before");
	assert_refused(*state, STATE_WRITE, ERR_FATAL, "state restore");
	assert_refused(*state, STATE_READ, ERR_FATAL, "ctwatch.db is empty");
	assert_int_equal(size_of(*state, "ctwatch.db"), 0);
	/* who removes it means it: that is told */
	assert_int_equal(unlink(path), 0);
	st = must_open(*state, STATE_DAEMON);
	assert_true(state_begins_anew(st));
	state_close(st);
	free(path);
}

static void log_of_a_missing_database_is_not_thrown_away(void **state)
{
	char *path = xasprintf("%s/ctwatch.db", (char *)*state);

	write_file(*state, "ctwatch.db-wal", "what was committed", 18);
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "ctwatch.db is missing, but ctwatch.db-wal");
	write_file(*state, "ctwatch.db", "", 0);
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "ctwatch.db is empty, but ctwatch.db-wal");
	assert_int_equal(size_of(*state, "ctwatch.db-wal"), 18);
	free(path);
}

static void file_in_place_of_the_directory_is_refused(void **state)
{
	char *path = xasprintf("%s/file", (char *)*state);

	write_file(*state, "file", "x", 1);
	assert_refused(path, STATE_DAEMON, ERR_FATAL, "Not a directory");
	free(path);
}

static void some_other_file_is_refused_and_left_alone(void **state)
{
	static const char text[] = "this is somebody's diary, long enough to be mistaken for the header of a database file, "
				   "which has one hundred bytes";

	write_file(*state, "ctwatch.db", text, sizeof(text));
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "not an SQLite database");
	assert_refused(*state, STATE_READ, ERR_FATAL, "not an SQLite database");
	assert_int_equal(size_of(*state, "ctwatch.db"), sizeof(text));
	assert_int_equal(state_holder(*state), 0);
}

static void other_programs_database_is_refused_and_left_alone(void **state)
{
	exec_sql(*state, "CREATE TABLE theirs (x); PRAGMA user_version = 1;");
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "some other program's");
	exec_sql(*state, "SELECT x FROM theirs");
}

static void newer_schema_is_refused_and_left_alone(void **state)
{
	char *sql = xasprintf("PRAGMA user_version = %zu", N_MIGRATIONS + 7);

	state_close(must_open(*state, STATE_DAEMON));
	exec_sql(*state, sql);
	int64_t before = size_of(*state, "ctwatch.db");
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "newer ctwatch");
	assert_refused(*state, STATE_WRITE, ERR_FATAL, "newer ctwatch");
	assert_refused(*state, STATE_READ, ERR_FATAL, "newer ctwatch");
	assert_int_equal(size_of(*state, "ctwatch.db"), before);
	free(sql);
}

static void database_that_was_cut_off_is_refused(void **state)
{
	char *path = xasprintf("%s/ctwatch.db", (char *)*state);

	state_close(must_open(*state, STATE_DAEMON));
	assert_int_equal(truncate(path, 20000), 0);
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "cut off, 20000 bytes are left");
	assert_refused(*state, STATE_READ, ERR_FATAL, "cut off");
	free(path);
}

static void damaged_pages_are_found_at_start(void **state)
{
	char *path = xasprintf("%s/ctwatch.db", (char *)*state), noise[4096];
	struct state *st = must_open(*state, STATE_DAEMON);

	for (uint64_t i = 0; i < 200; i++)
		test_add(st, (struct test_match){ .certificate = i, .index = i });
	state_close(st);
	memset(noise, 0xa5, sizeof(noise));
	int fd = open(path, O_WRONLY);
	assert_true(size_of(*state, "ctwatch.db") > 40 * 4096);
	for (int page = 30; page < 40; page++)
		assert_int_equal(pwrite(fd, noise, sizeof(noise), page * 4096), sizeof(noise));
	close(fd);
	assert_refused(*state, STATE_DAEMON, ERR_FATAL, "damaged");
	free(path);
}

static void expect(bool condition)
{
	if (!condition)
		_exit(3);
}

static void nobody_cannot_write_but_can_read(const char *directory)
{
	struct state *st = NULL;
	struct error err;

	expect(!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err) && err.kind == ERR_FATAL && strstr(err.text, "permission") != NULL);
	expect(!state_open(directory, STATE_WRITE, TEST_NOW_MS, &st, &err) || !state_put_fact(st, "a", "b", &err));
	expect(err.kind == ERR_FATAL && strstr(err.text, "read-only") != NULL);
	state_close(st);
	expect(state_open(directory, STATE_READ, TEST_NOW_MS, &st, &err));
	char *value;
	expect(state_get_fact(st, "a", &value, &err) && strcmp(value, "1") == 0);
	free(value);
	state_close(st);
}

static void read_only_state_can_be_read_and_says_so_to_writers(void **state)
{
	struct state *st = must_open(*state, STATE_DAEMON);
	struct error err;
	char *path = xasprintf("%s/ctwatch.db", (char *)*state), *lock = xasprintf("%s/lock", (char *)*state);

	assert_true(state_put_fact(st, "a", "1", &err));
	state_close(st);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(lock, 0444), 0);
	assert_int_equal(chmod(*state, 0555), 0);
	as_nobody(nobody_cannot_write_but_can_read, *state);
	assert_int_equal(chmod(*state, 0755), 0);
	free(path);
	free(lock);
}

/* ---- migrations ----------------------------------------------------------------------------------------------- */

static const char *const STEP_1[] = { "CREATE TABLE a (x INTEGER);", "INSERT INTO a VALUES (1);", NULL };
static const char *const STEP_2[] = { "CREATE TABLE b (y INTEGER);", "INSERT INTO b SELECT x + 1 FROM a;", NULL };
static const char *const STEP_BAD[] = { "CREATE TABLE c (z INTEGER);", "INSERT INTO no_such_table VALUES (1);", NULL };
static const char *const *const GOOD[] = { STEP_1, STEP_2 };
static const char *const *const BAD[] = { STEP_1, STEP_2, STEP_BAD };

static int one_int(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static void migration_copies_the_file_first_and_failing_changes_nothing(void **state)
{
	char *path = xasprintf("%s/ctwatch.db", (char *)*state), *copy = xasprintf("%s/version-1-%lld.db", (char *)*state, (long long)TEST_NOW_MS);
	enum schema_age age;
	struct error err;
	sqlite3 *db, *old;
	int version;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_true(schema_migrate(db, GOOD, 1, *state, TEST_NOW_MS, &err));
	assert_int_equal(access(copy, F_OK), -1);          /* an empty one is not worth a copy */
	assert_true(schema_migrate(db, GOOD, 2, *state, TEST_NOW_MS, &err));
	assert_int_equal(one_int(db, "SELECT y FROM b"), 2);
	assert_int_equal(sqlite3_open(copy, &old), SQLITE_OK);
	assert_int_equal(one_int(old, "PRAGMA user_version"), 1);
	assert_int_equal(one_int(old, "SELECT x FROM a"), 1);
	assert_int_equal(one_int(old, "SELECT COUNT(*) FROM sqlite_schema"), 1);
	sqlite3_close(old);

	assert_false(schema_migrate(db, BAD, 3, *state, TEST_NOW_MS + 1, &err));
	assert_non_null(strstr(err.text, "undone"));
	assert_int_equal(one_int(db, "PRAGMA user_version"), 2);
	assert_int_equal(one_int(db, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'c'"), 0);
	assert_int_equal(schema_age(db, 3, &age, &version), SQLITE_OK);
	assert_int_equal(age, SCHEMA_OLDER);
	assert_int_equal(schema_age(db, 1, &age, &version), SQLITE_OK);
	assert_int_equal(age, SCHEMA_NEWER);
	sqlite3_close(db);
	free(path);
	free(copy);
}

static void state_closed_with_a_transaction_open_undoes_it(void **state)
{
	struct state *st = must_open(*state, STATE_DAEMON);
	struct error err;
	char *value = NULL;

	assert_true(state_begin(st, &err) && state_put_fact(st, "a", "1", &err));
	state_close(st);
	st = must_open(*state, STATE_DAEMON);
	assert_true(state_get_fact(st, "a", &value, &err));
	assert_null(value);
	state_close(st);
}

#define DIRECTORY_TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(second_daemon_is_refused_with_the_process_that_holds_it),
		DIRECTORY_TEST(lock_of_a_killed_daemon_is_no_obstacle),
		DIRECTORY_TEST(readers_and_small_writers_work_beside_the_daemon),
		DIRECTORY_TEST(lock_outlives_whatever_its_own_process_opens_and_closes),
		DIRECTORY_TEST(locked_database_is_tried_again),
		DIRECTORY_TEST(state_that_is_not_there_says_who_makes_it),
		DIRECTORY_TEST(nothing_is_for_everybody_whatever_the_umask),
		DIRECTORY_TEST(wider_modes_that_were_there_are_taken_back_or_told),
		DIRECTORY_TEST(what_may_not_be_read_is_not_called_empty),
		DIRECTORY_TEST(empty_database_where_a_state_was_is_refused),
		DIRECTORY_TEST(log_of_a_missing_database_is_not_thrown_away),
		DIRECTORY_TEST(file_in_place_of_the_directory_is_refused),
		DIRECTORY_TEST(some_other_file_is_refused_and_left_alone),
		DIRECTORY_TEST(other_programs_database_is_refused_and_left_alone),
		DIRECTORY_TEST(newer_schema_is_refused_and_left_alone),
		DIRECTORY_TEST(database_that_was_cut_off_is_refused),
		DIRECTORY_TEST(damaged_pages_are_found_at_start),
		DIRECTORY_TEST(read_only_state_can_be_read_and_says_so_to_writers),
		DIRECTORY_TEST(migration_copies_the_file_first_and_failing_changes_nothing),
		DIRECTORY_TEST(state_closed_with_a_transaction_open_undoes_it),
	};

	return cmocka_run_group_tests_name("state: opening", tests, NULL, NULL);
}
