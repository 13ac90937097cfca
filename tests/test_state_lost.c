/* state/identity.c: a daemon whose files are taken away under it writes nothing more, and saves what it knew. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "copy.h"
#include "sql.h"
#include "store.h"
#include "temp_state.h"

struct place {
	struct state *st;
	char *directory, *db, *wal, *shm, *lock, *other;     /* other: an older copy of the database */
};

static void put(struct state *st, const char *value)
{
	struct error err;

	if (!state_begin(st, &err) || !state_put_fact(st, "known", value, &err) || !state_commit(st, &err))
		fail_msg("%s", err.text);
}

static void set_up(struct place *p)
{
	struct error err;

	p->st = temp_state_open();
	p->directory = xstrdup(state_directory(p->st));
	p->db = xasprintf("%s/ctwatch.db", p->directory);
	p->wal = xasprintf("%s-wal", p->db);
	p->shm = xasprintf("%s-shm", p->db);
	p->lock = xasprintf("%s/lock", p->directory);
	p->other = xasprintf("%s/backups/older.db", p->directory);
	put(p->st, "before");
	assert_true(database_copy(p->st->db, p->other, NULL, NULL, &err));
	put(p->st, "last");
}

static void tear_down(struct place *p)
{
	state_close(p->st);
	temp_remove(p->directory);
	free(p->db), free(p->wal), free(p->shm), free(p->lock), free(p->other);
}

/* As cp does: into the file that is there. */
static void overwrite(const char *from, const char *to)
{
	char bytes[4096];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_TRUNC);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

static void assert_lost(struct place *p, const char *words)
{
	struct error err;

	assert_false(state_begin(p->st, &err));
	assert_int_equal(err.kind, ERR_FATAL);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_true(state_is_lost(p->st));
	/* also when somebody puts the file back: what happened to it meanwhile is not known */
	assert_false(state_begin(p->st, &err));
}

static void assert_known(const char *database, const char *value)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	struct stat st;

	assert_int_equal(stat(database, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT value FROM fact WHERE name = 'known'", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(stmt, 0), value);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void assert_rescued(struct place *p)
{
	struct error err;
	char *path = NULL;

	if (!state_rescue(p->st, TEST_NOW_MS, &path, &err))
		fail_msg("%s", err.text);
	assert_known(path, "last");
	free(path);
}

static void untouched_files_are_nobodys_loss(void **state)
{
	struct place p;
	struct error err;
	struct state *writer;

	(void)state;
	set_up(&p);
	for (int i = 0; i < 3; i++) {
		/* others write, move everything into the database, and compact it */
		assert_true(state_open(p.directory, STATE_WRITE, TEST_NOW_MS, &writer, &err));
		put(writer, "theirs");
		assert_int_equal(sqlite3_exec(writer->db, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
				 SQLITE_OK);
		state_close(writer);
		put(p.st, "ours");
	}
	assert_false(state_is_lost(p.st));
	tear_down(&p);
}

static void removed_database_is_noticed_and_saved(void **state)
{
	struct place p;

	(void)state;
	set_up(&p);
	assert_int_equal(unlink(p.db), 0);
	assert_lost(&p, "ctwatch.db was removed or moved away");
	assert_rescued(&p);
	/* the log of the lost database must not be found beside a new one */
	assert_int_equal(access(p.wal, F_OK), -1);
	assert_int_equal(access(p.shm, F_OK), -1);
	tear_down(&p);
}

static void database_that_was_replaced_is_noticed_and_the_new_one_left_alone(void **state)
{
	struct place p;

	(void)state;
	set_up(&p);
	assert_int_equal(rename(p.other, p.db), 0);
	assert_lost(&p, "ctwatch.db was replaced by another file");
	assert_rescued(&p);
	state_close(p.st);
	p.st = NULL;
	assert_known(p.db, "before");
	tear_down(&p);
}

static void database_that_was_overwritten_is_noticed_and_the_new_one_left_alone(void **state)
{
	struct place p;
	struct error err;
	char *path = NULL;

	(void)state;
	set_up(&p);
	overwrite(p.other, p.db);
	assert_lost(&p, "ctwatch.db was overwritten");
	if (state_rescue(p.st, TEST_NOW_MS, &path, &err))
		free(path);
	assert_int_equal(access(p.wal, F_OK), -1);
	state_close(p.st);
	p.st = NULL;
	assert_known(p.db, "before");
	tear_down(&p);
}

/* Growing the database changes its first page, where the counter is. */
static void grow_and_checkpoint(const struct place *p, int table)
{
	char *sql = xasprintf("CREATE TABLE more%d (x); PRAGMA wal_checkpoint(TRUNCATE)", table);
	struct state *writer;
	struct error err;

	assert_true(state_open(p->directory, STATE_WRITE, TEST_NOW_MS, &writer, &err));
	assert_int_equal(sqlite3_exec(writer->db, sql, NULL, NULL, NULL), SQLITE_OK);
	state_close(writer);
	free(sql);
}

static void older_content_of_the_same_kind_is_noticed(void **state)
{
	struct place p;

	(void)state;
	set_up(&p);
	grow_and_checkpoint(&p, 1);
	char *copy = xasprintf("%s.copy", p.db);
	fclose(fopen(copy, "w"));
	/* closing a descriptor of the database would end this process's locks: the copy is made by a child */
	pid_t child = fork();
	if (child == 0) {
		overwrite(p.db, copy);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	grow_and_checkpoint(&p, 2);
	put(p.st, "later");
	grow_and_checkpoint(&p, 3);
	put(p.st, "last");
	overwrite(copy, p.db);
	assert_lost(&p, "ctwatch.db was overwritten");
	free(copy);
	tear_down(&p);
}

/* What `sqlite3 ctwatch.db ".restore older.db"` does: properly locked, and yet not what the daemon knows. */
static void content_that_another_program_put_in_its_place_is_noticed(void **state)
{
	struct state_alive alive = { .process = 1 };
	struct place p;
	struct error err;
	sqlite3 *from, *to;

	(void)state;
	set_up(&p);
	for (int i = 0; i < 3; i++) {
		alive.wall_ms++;
		assert_true(state_begin(p.st, &err) && state_put_alive(p.st, &alive, &err));
		/* one that is undone is no loss */
		if (i == 1)
			state_abort(p.st);
		else
			assert_true(state_commit(p.st, &err));
	}
	assert_int_equal(sqlite3_open(p.other, &from), SQLITE_OK);
	assert_int_equal(sqlite3_open(p.db, &to), SQLITE_OK);
	sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
	assert_int_equal(sqlite3_backup_step(copy, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(copy), SQLITE_OK);
	sqlite3_close(from);
	sqlite3_close(to);
	assert_true(state_begin(p.st, &err));
	assert_false(state_put_alive(p.st, &alive, &err));
	state_abort(p.st);
	assert_lost(&p, "ctwatch.db was given another content");
	tear_down(&p);
}

static void removed_log_is_noticed_and_saved(void **state)
{
	struct place p;

	(void)state;
	set_up(&p);
	assert_int_equal(unlink(p.wal), 0);
	assert_lost(&p, "ctwatch.db-wal was removed or moved away");
	assert_rescued(&p);
	tear_down(&p);
}

static void removed_index_of_the_log_is_noticed_and_the_log_stays(void **state)
{
	struct place p;

	(void)state;
	set_up(&p);
	assert_int_equal(unlink(p.shm), 0);
	assert_lost(&p, "ctwatch.db-shm was removed or moved away");
	assert_rescued(&p);
	state_close(p.st);
	p.st = NULL;
	assert_known(p.db, "last");
	tear_down(&p);
}

static void removed_lock_is_noticed(void **state)
{
	struct place p;

	(void)state;
	set_up(&p);
	assert_int_equal(unlink(p.lock), 0);
	assert_lost(&p, "lock was removed or moved away");
	tear_down(&p);
}

static void directory_that_was_moved_away_is_noticed(void **state)
{
	struct place p;
	char *elsewhere, *path = NULL;
	struct error err;

	(void)state;
	set_up(&p);
	elsewhere = xasprintf("%s.moved", p.directory);
	assert_int_equal(rename(p.directory, elsewhere), 0);
	assert_lost(&p, "ctwatch.db was removed or moved away");
	assert_false(state_rescue(p.st, TEST_NOW_MS, &path, &err));
	assert_int_equal(rename(elsewhere, p.directory), 0);
	state_close(p.st);
	p.st = NULL;
	/* it went with its log: nothing is missing there */
	assert_known(p.db, "last");
	free(elsewhere);
	tear_down(&p);
}

/* ---- the store ------------------------------------------------------------------------------------------------- */

struct bench {
	struct store *store;
	char *sentence;
	int n_told, n_failed, n_ok;
};

static bool put_job(void *ctx, struct state *st, struct error *err)
{
	(void)ctx;
	return state_put_fact(st, "known", "job", err);
}

static void on_put(void *ctx, bool ok, const struct error *err)
{
	struct bench *b = ctx;

	(void)err;
	b->n_ok += ok;
	b->n_failed += !ok;
}

static void on_lost(void *ctx, const char *sentence)
{
	struct bench *b = ctx;

	b->n_told++;
	free(b->sentence);
	b->sentence = xstrdup(sentence);
}

static void run_until(uv_loop_t *loop, const struct bench *b, int n_answers)
{
	for (int i = 0; i < 2000 && b->n_ok + b->n_failed < n_answers; i++) {
		uv_run(loop, UV_RUN_NOWAIT);
		usleep(5000);
	}
	assert_int_equal(b->n_ok + b->n_failed, n_answers);
}

static void store_tells_once_that_its_files_are_gone(void **state)
{
	struct bench b = { 0 };
	struct place p;
	uv_loop_t loop;

	(void)state;
	set_up(&p);
	uv_loop_init(&loop);
	b.store = store_start(&(struct store_options){ .loop = &loop, .state = p.st, .on_lost = on_lost, .lost_ctx = &b });
	store_submit(b.store, put_job, on_put, &b);
	run_until(&loop, &b, 1);
	assert_int_equal(b.n_ok, 1);
	assert_int_equal(unlink(p.db), 0);
	for (int i = 0; i < 5; i++)
		store_submit(b.store, put_job, on_put, &b);
	run_until(&loop, &b, 6);
	assert_int_equal(b.n_failed, 5);
	assert_int_equal(b.n_told, 1);
	assert_non_null(strstr(b.sentence, "ctwatch.db was removed"));
	assert_non_null(strstr(b.sentence, "is saved in"));
	assert_non_null(strstr(b.sentence, "state restore"));
	store_close(b.store, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	free(b.sentence);
	p.st = NULL;
	tear_down(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched_files_are_nobodys_loss),
		cmocka_unit_test(removed_database_is_noticed_and_saved),
		cmocka_unit_test(database_that_was_replaced_is_noticed_and_the_new_one_left_alone),
		cmocka_unit_test(database_that_was_overwritten_is_noticed_and_the_new_one_left_alone),
		cmocka_unit_test(older_content_of_the_same_kind_is_noticed),
		cmocka_unit_test(content_that_another_program_put_in_its_place_is_noticed),
		cmocka_unit_test(removed_log_is_noticed_and_saved),
		cmocka_unit_test(removed_index_of_the_log_is_noticed_and_the_log_stays),
		cmocka_unit_test(removed_lock_is_noticed),
		cmocka_unit_test(directory_that_was_moved_away_is_noticed),
		cmocka_unit_test(store_tells_once_that_its_files_are_gone),
	};

	return cmocka_run_group_tests_name("state: files taken away", tests, NULL, NULL);
}
