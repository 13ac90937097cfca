/* state/restore.c, archive.c and check.c: everything goes into a backup, comes back from it, and what is not whole is told. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sql.h"
#include "temp_state.h"

struct place {
	struct state *st;
	char *directory, *elsewhere, *copy;
	char incident[FINDING_ID_LEN + 1];
	char *evidence, *issuer;      /* relative to a state's directory */
	int n_problems;
	char *problem;
};

static void fact(struct state *st, const char *value)
{
	struct error err;

	if (!state_put_fact(st, "mark", value, &err))
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	struct hash issuer = sha256(SLICE_LITERAL("an issuer"));
	char hex[2 * HASH_LEN + 1];
	struct error err;

	p->st = temp_state_open();
	p->directory = xstrdup(state_directory(p->st));
	p->elsewhere = temp_directory();
	p->copy = xasprintf("%s/copy.db", p->elsewhere);
	for (uint64_t i = 0; i < 50; i++)
		test_add(p->st, (struct test_match){ .certificate = i, .index = i });
	assert_true(state_put_issuer(p->st, &issuer, SLICE_LITERAL("an issuer"), &err));
	assert_true(state_open_incident(p->st, NULL, "FORK", "", "critical", "two roots", NULL, TEST_NOW_MS, p->incident, NULL, &err));
	assert_true(state_put_evidence(p->st, p->incident, "head.json", SLICE_LITERAL("{\"size\":1}"), &err));
	hex_encode(issuer.bytes, HASH_LEN, hex);
	p->issuer = xasprintf("issuers/%s", hex);
	p->evidence = xasprintf("incidents/%s/head.json", p->incident);
	fact(p->st, "backed up");
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	state_close(p->st);
	temp_remove(p->directory);
	temp_remove(p->elsewhere);
	free(p->copy), free(p->evidence), free(p->issuer), free(p->problem);
	free(p);
	return 0;
}

static void must_back_up(struct place *p)
{
	struct error err;

	if (!state_backup(p->st, p->copy, &err))
		fail_msg("%s", err.text);
}

static void assert_restored(const char *directory, const char *from, bool replace)
{
	struct error err;

	if (!state_restore(directory, from, replace, TEST_NOW_MS, &err))
		fail_msg("%s", err.text);
}

static void assert_refused(const char *directory, const char *from, bool replace, enum error_kind kind, const char *words)
{
	struct error err;

	assert_false(state_restore(directory, from, replace, TEST_NOW_MS, &err));
	if (err.kind != kind || strstr(err.text, words) == NULL)
		fail_msg("kind %d, \"%s\" does not say \"%s\"", err.kind, err.text, words);
}

static void assert_mark(const char *directory, const char *value)
{
	struct state *st = NULL;
	struct error err;
	char *found = NULL;

	if (!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err) || !state_get_fact(st, "mark", &found, &err))
		fail_msg("%s", err.text);
	assert_string_equal(found, value);
	free(found);
	state_close(st);
}

static void assert_there(const char *directory, const char *name, bool there)
{
	char *path = xasprintf("%s/%s", directory, name);

	if ((access(path, F_OK) == 0) != there)
		fail_msg("%s is %sthere", path, there ? "not " : "");
	free(path);
}

static void on_problem(void *ctx, const char *sentence)
{
	struct place *p = ctx;

	p->n_problems++;
	free(p->problem);
	p->problem = xstrdup(sentence);
}

static void assert_problems(struct place *p, int n, const char *words)
{
	struct state_checked checked;
	struct error err;

	p->n_problems = 0;
	if (!state_check(p->st, false, on_problem, p, &checked, &err))
		fail_msg("%s", err.text);
	assert_int_equal(p->n_problems, n);
	assert_int_equal(checked.n_problems, n);
	if (n > 0 && strstr(p->problem, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", p->problem, words);
}

static void damage(const char *path)
{
	char noise[4096];
	int fd = open(path, O_WRONLY);
	struct stat st;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	memset(noise, 0xa5, sizeof(noise));
	for (off_t at = st.st_size / 8192 * 4096; at < st.st_size; at += 2 * 4096)
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	close(fd);
}

static void everything_comes_back_into_a_state_that_is_not_there(void **state)
{
	struct place *p = *state;
	char *fresh = xasprintf("%s/a/new", p->elsewhere);

	must_back_up(p);
	assert_restored(fresh, p->copy, false);
	assert_mark(fresh, "backed up");
	assert_there(fresh, p->evidence, true);
	assert_there(fresh, p->issuer, true);
	assert_there(fresh, ".restored.db", false);
	/* nothing of the packing stays, and the restored state is whole */
	state_close(p->st);
	p->st = NULL;
	struct error err;
	assert_true(state_open(fresh, STATE_DAEMON, TEST_NOW_MS, &p->st, &err));
	assert_problems(p, 0, "");
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(p->st->db, "SELECT 1 FROM sqlar", -1, &stmt, NULL), SQLITE_ERROR);
	free(fresh);
}

static void newest_of_a_directory_and_a_copy_of_a_whole_state_are_taken(void **state)
{
	struct place *p = *state;
	char *fresh = xasprintf("%s/new", p->elsewhere), *older = xasprintf("%s/ctwatch-20260101T000000Z.db", p->elsewhere);
	char *newer = xasprintf("%s/ctwatch-20260102T000000Z.db", p->elsewhere);
	struct error err;

	fact(p->st, "older");
	assert_true(state_backup(p->st, older, &err));
	fact(p->st, "newer");
	assert_true(state_backup(p->st, newer, &err));
	assert_restored(fresh, p->elsewhere, false);
	assert_mark(fresh, "newer");
	state_close(p->st);
	p->st = NULL;
	char *third = xasprintf("%s/third", p->elsewhere);
	assert_restored(third, p->directory, false);
	assert_mark(third, "newer");
	assert_there(third, p->evidence, true);
	free(fresh), free(older), free(newer), free(third);
}

static void nothing_is_replaced_unasked_and_what_is_replaced_is_kept(void **state)
{
	struct place *p = *state;

	must_back_up(p);
	fact(p->st, "later");
	assert_refused(p->directory, p->copy, true, ERR_FATAL, "in use by process");
	state_close(p->st);
	p->st = NULL;
	assert_refused(p->directory, p->copy, false, ERR_USAGE, "--replace");
	assert_mark(p->directory, "later");
	assert_restored(p->directory, p->copy, true);
	assert_mark(p->directory, "backed up");
	char *kept = xasprintf("%s/backups/replaced-%lld.db", p->directory, (long long)TEST_NOW_MS), *again = xasprintf("%s/again", p->elsewhere);
	assert_restored(again, kept, false);
	assert_mark(again, "later");
	free(kept), free(again);
}

static void empty_database_and_stale_log_give_way(void **state)
{
	struct place *p = *state;
	char *db = xasprintf("%s/ctwatch.db", p->directory), *wal = xasprintf("%s-wal", db);

	must_back_up(p);
	state_close(p->st);
	p->st = NULL;
	assert_int_equal(truncate(db, 0), 0);
	assert_restored(p->directory, p->copy, false);
	assert_mark(p->directory, "backed up");
	assert_int_equal(unlink(db), 0);
	FILE *file = fopen(wal, "w");
	fputs("of another database", file);
	fclose(file);
	assert_refused(p->directory, p->copy, false, ERR_USAGE, "--replace");
	assert_restored(p->directory, p->copy, true);
	assert_mark(p->directory, "backed up");
	free(db), free(wal);
}

static void damaged_backup_is_refused_before_anything_is_changed(void **state)
{
	struct place *p = *state;
	char *path = NULL;
	struct error err;

	must_back_up(p);
	assert_true(state_backup_check(p->copy, false, &path, &err));
	free(path);
	damage(p->copy);
	assert_false(state_backup_check(p->copy, false, &path, &err));
	fact(p->st, "later");
	state_close(p->st);
	p->st = NULL;
	assert_refused(p->directory, p->copy, true, ERR_FATAL, "is damaged");
	assert_mark(p->directory, "later");
	assert_refused(p->directory, "/nowhere/at/all.db", true, ERR_USAGE, "there is no backup at");
	assert_refused(p->directory, "/etc/passwd", true, ERR_FATAL, "is no backup of ctwatch's state");
	assert_refused(p->directory, p->directory, true, ERR_USAGE, "itself");
}

static void damaged_state_gives_no_backup(void **state)
{
	struct place *p = *state;
	char *db = xasprintf("%s/ctwatch.db", p->directory);
	struct error err;

	state_close(p->st);
	p->st = NULL;
	if (!state_open(p->directory, STATE_READ, TEST_NOW_MS, &p->st, &err))
		fail_msg("%s", err.text);
	damage(db);
	assert_false(state_backup(p->st, p->copy, &err));
	assert_int_equal(err.kind, ERR_FATAL);
	assert_non_null(strstr(err.text, "damaged"));
	assert_there(p->elsewhere, "copy.db", false);
	struct state_checked checked;
	assert_false(state_check(p->st, false, on_problem, p, &checked, &err));
	assert_non_null(strstr(err.text, "the database is damaged"));
	free(db);
}

static void names_in_a_backup_lead_nowhere_else(void **state)
{
	static const char *const names[] = { "incidents/../../stolen", "/etc/stolen", "lock", "incidents/.x", "issuers/a/b/c", "backups/x", "incidents/" };
	struct place *p = *state;
	char *fresh = xasprintf("%s/new", p->elsewhere);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *sql = xasprintf("DELETE FROM sqlar; INSERT INTO sqlar VALUES ('%s', 0, 0, 1, x'41')", names[i]);
		sqlite3 *db;

		must_back_up(p);
		assert_int_equal(sqlite3_open(p->copy, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
		free(sql);
		assert_refused(fresh, p->copy, false, ERR_FATAL, "holds a file that is not a state's");
		assert_there(fresh, "ctwatch.db", false);
	}
	assert_there(p->elsewhere, "stolen", false);
	free(fresh);
}

static void files_that_are_missing_or_changed_are_told(void **state)
{
	struct place *p = *state;
	char *evidence = xasprintf("%s/%s", p->directory, p->evidence), *issuer = xasprintf("%s/%s", p->directory, p->issuer);

	assert_problems(p, 0, "");
	FILE *file = fopen(evidence, "w");
	fputs("{\"size\":2}", file);
	fclose(file);
	assert_problems(p, 1, "was changed");
	assert_int_equal(unlink(evidence), 0);
	assert_problems(p, 1, "is missing");
	file = fopen(issuer, "w");
	fclose(file);
	assert_problems(p, 2, "was changed");
	free(evidence), free(issuer);
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(everything_comes_back_into_a_state_that_is_not_there),
		PLACE_TEST(newest_of_a_directory_and_a_copy_of_a_whole_state_are_taken),
		PLACE_TEST(nothing_is_replaced_unasked_and_what_is_replaced_is_kept),
		PLACE_TEST(empty_database_and_stale_log_give_way),
		PLACE_TEST(damaged_backup_is_refused_before_anything_is_changed),
		PLACE_TEST(damaged_state_gives_no_backup),
		PLACE_TEST(names_in_a_backup_lead_nowhere_else),
		PLACE_TEST(files_that_are_missing_or_changed_are_told),
	};

	return cmocka_run_group_tests_name("state: backup, check, restore", tests, NULL, NULL);
}
