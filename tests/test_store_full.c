/*
 * The store over a real state on a disk that fills up: it turns full, loses nothing that was submitted, keeps its order, and goes on by
 * itself when there is room.
 */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "temp_state.h"

#define N_JOBS 300
#define FACT_BYTES 32768
#define FILE_LIMIT (2u << 20)
#define WAIT_MS 20000

struct bench {
	uv_loop_t loop;
	struct store *store;
	char *directory;
	int n_done, n_failed;
	bool closed;
	atomic_int n_full, n_room;
};

struct work {
	struct bench *bench;
	int number;
};

static bool put_fact(void *ctx, struct state *st, struct error *err)
{
	const struct work *w = ctx;
	char key[32], *text = xmalloc(FACT_BYTES);

	memset(text, 'a' + w->number % 26, FACT_BYTES - 1);
	text[FACT_BYTES - 1] = '\0';
	snprintf(key, sizeof(key), "fact/%d", w->number);
	bool ok = state_put_fact(st, key, text, err);
	free(text);
	return ok;
}

/* Answers come in the order of the questions, whatever happened in between. */
static void on_put(void *ctx, bool ok, const struct error *err)
{
	struct work *w = ctx;

	if (!ok)
		print_error("job %d: %s\n", w->number, err->text);
	assert_int_equal(w->number, w->bench->n_done);
	w->bench->n_done++;
	w->bench->n_failed += !ok;
	free(w);
}

static bool on_full(void *ctx, struct state *st, struct error *err)
{
	atomic_fetch_add(&((struct bench *)ctx)->n_full, 1);
	return state_put_fact(st, "last word", "full", err);
}

static bool on_room(void *ctx, struct state *st, struct error *err)
{
	if (!state_put_fact(st, "first word", "room", err))
		return false;
	atomic_fetch_add(&((struct bench *)ctx)->n_room, 1);
	return true;
}

static void on_closed(void *ctx)
{
	((struct bench *)ctx)->closed = true;
}

static void start(struct bench *b, char *directory)
{
	struct state *st = NULL;
	struct error err;

	*b = (struct bench){ .directory = directory };
	if (!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err))
		fail_msg("%s", err.text);
	uv_loop_init(&b->loop);
	b->store = store_start(&(struct store_options){ .loop = &b->loop, .state = st, .on_full = on_full, .on_room = on_room, .ctx = b, .probe_ms = 50 });
}

static void submit_all(struct bench *b)
{
	for (int i = 0; i < N_JOBS; i++) {
		struct work *w = xcalloc(1, sizeof(*w));

		*w = (struct work){ b, i };
		store_submit(b->store, put_fact, on_put, w);
	}
}

static bool is_full(const struct bench *b)
{
	return store_is_full(b->store);
}

static bool all_done(const struct bench *b)
{
	return b->n_done == N_JOBS;
}

static void run_until(struct bench *b, bool (*reached)(const struct bench *b), const char *what)
{
	for (int waited = 0; !reached(b); waited += 10) {
		if (waited > WAIT_MS)
			fail_msg("not %s after %d ms: %d of %d jobs have their answer", what, waited, b->n_done, N_JOBS);
		uv_run(&b->loop, UV_RUN_NOWAIT);
		usleep(10000);
	}
}

/* Everything is on disk, in full, as it was asked for. */
static void finish(struct bench *b)
{
	struct state *st = NULL;
	struct error err;

	assert_int_equal(b->n_failed, 0);
	store_close(b->store, on_closed, b);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->closed);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	assert_true(state_open(b->directory, STATE_DAEMON, TEST_NOW_MS, &st, &err));
	for (int i = 0; i < N_JOBS; i++) {
		char key[32], *text = NULL;

		snprintf(key, sizeof(key), "fact/%d", i);
		assert_true(state_get_fact(st, key, &text, &err));
		assert_non_null(text);
		assert_int_equal(strlen(text), FACT_BYTES - 1);
		assert_int_equal(text[0], 'a' + i % 26);
		free(text);
	}
	state_close(st);
}

static bool has_fact(const char *directory, const char *key)
{
	struct state *st = NULL;
	struct error err;
	char *text = NULL;

	assert_true(state_open(directory, STATE_READ, TEST_NOW_MS, &st, &err));
	assert_true(state_get_fact(st, key, &text, &err));
	state_close(st);
	free(text);
	return text != NULL;
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int lift_limit(void **state)
{
	(void)state;
	limit_files(RLIM_INFINITY);
	return 0;
}

static void files_that_may_not_grow_are_a_full_disk_too(void **state)
{
	struct bench b;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	start(&b, temp_directory());
	limit_files(FILE_LIMIT);
	submit_all(&b);
	run_until(&b, is_full, "full");
	assert_true(b.n_done < N_JOBS);
	assert_int_equal(b.n_failed, 0);
	usleep(300000);                  /* several probes: there is still no room */
	assert_true(store_is_full(b.store));
	assert_int_equal(b.n_room, 0);
	limit_files(RLIM_INFINITY);
	run_until(&b, all_done, "done");
	assert_false(store_is_full(b.store));
	assert_int_equal(b.n_room, b.n_full);
	finish(&b);
	temp_remove(b.directory);
}

/* Everything but the last 4 MB of the file system, and the reserve that is already there. */
static void put_ballast(const char *path, off_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, bytes), 0);
	close(fd);
}

static void a_full_file_system_is_left_by_itself(void **state)
{
	char *directory = temp_directory(), *ballast = xasprintf("%s/ballast", directory);
	struct bench b;

	(void)state;
	if (mount("tmpfs", directory, "tmpfs", 0, "size=110m") != 0) {
		temp_remove(directory);
		free(ballast);
		printf("skipped: cannot mount a tmpfs\n");
		skip();
	}
	start(&b, directory);
	usleep(200000);                  /* the store takes its reserve first */
	put_ballast(ballast, 98 << 20);
	submit_all(&b);
	run_until(&b, is_full, "full");
	assert_int_equal(b.n_failed, 0);
	usleep(300000);
	assert_true(store_is_full(b.store));
	assert_true(has_fact(directory, "last word"));     /* written from the reserve */
	assert_false(has_fact(directory, "first word"));
	assert_int_equal(unlink(ballast), 0);
	run_until(&b, all_done, "done");
	assert_true(has_fact(directory, "first word"));
	finish(&b);
	assert_int_equal(umount(directory), 0);
	temp_remove(directory);
	free(ballast);
}

static bool mounted(const char *directory, const char *size)
{
	if (mount("tmpfs", directory, "tmpfs", 0, size) == 0)
		return true;
	printf("skipped: cannot mount a tmpfs\n");
	return false;
}

/* Too small for the reserve that is wanted: a smaller one still lets the last words through. */
static void small_disk_has_a_small_reserve(void **state)
{
	char *directory = temp_directory();
	struct bench b;

	(void)state;
	if (!mounted(directory, "size=6m")) {
		temp_remove(directory);
		skip();
	}
	start(&b, directory);
	submit_all(&b);
	run_until(&b, is_full, "full");
	uint64_t reserve = store_space_of(b.store).reserve_bytes;
	assert_true(reserve < STATE_RESERVE_BYTES);
	usleep(100000);
	assert_true(has_fact(directory, "last word"));
	assert_int_equal(mount("tmpfs", directory, "tmpfs", MS_REMOUNT, "size=200m"), 0);
	run_until(&b, all_done, "done");
	finish(&b);
	assert_int_equal(umount(directory), 0);
	temp_remove(directory);
}

/* No reserve at all fits: the store is full from the start, while the words still find room. */
static void disk_without_room_for_a_reserve_is_told_at_the_start(void **state)
{
	char *directory = temp_directory(), *ballast = xasprintf("%s/ballast", directory);
	struct bench b;

	(void)state;
	if (!mounted(directory, "size=6m")) {
		temp_remove(directory);
		free(ballast);
		skip();
	}
	put_ballast(ballast, 5000 << 10);
	start(&b, directory);
	run_until(&b, is_full, "full");
	usleep(100000);
	assert_int_equal(store_space_of(b.store).reserve_bytes, 0);
	assert_true(has_fact(directory, "last word"));
	submit_all(&b);
	assert_int_equal(mount("tmpfs", directory, "tmpfs", MS_REMOUNT, "size=200m"), 0);
	run_until(&b, all_done, "done");
	assert_int_equal(store_space_of(b.store).reserve_bytes, STATE_RESERVE_BYTES);
	finish(&b);
	assert_int_equal(umount(directory), 0);
	temp_remove(directory);
	free(ballast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(files_that_may_not_grow_are_a_full_disk_too, lift_limit),
		cmocka_unit_test(a_full_file_system_is_left_by_itself),
		cmocka_unit_test(small_disk_has_a_small_reserve),
		cmocka_unit_test(disk_without_room_for_a_reserve_is_told_at_the_start),
	};

	return cmocka_run_group_tests_name("store: full disks", tests, NULL, NULL);
}
