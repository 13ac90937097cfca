/* The thread that writes: nobody waits for a reader, what it took comes whole and in order, and what it cannot write is known. */
#include "writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LONG_MS 60000                /* never waited for where all is well */

struct pair {
	int ends[2];
	struct writer *writer;
};

static void open_pair(struct pair *p, size_t max_bytes)
{
	assert_int_equal(pipe(p->ends), 0);
	p->writer = writer_new(&(struct writer_options){ .fd = p->ends[1], .max_bytes = max_bytes });
	assert_non_null(p->writer);
}

static void close_pair(struct pair *p)
{
	close(p->ends[0]);
	close(p->ends[1]);
}

/* Message `i`, a line of 100 bytes. */
static struct slice line(unsigned i, char out[101])
{
	snprintf(out, 101, "%08u%91s\n", i, "");
	return slice_of(out, 100);
}

static void read_lines(int fd, unsigned from, unsigned to)
{
	char got[101], want[101];

	for (unsigned i = from; i < to; i++) {
		for (size_t len = 0; len < 100;) {
			ssize_t n = read(fd, got + len, 100 - len);
			assert_true(n > 0);
			len += (size_t)n;
		}
		line(i, want);
		assert_memory_equal(got, want, 100);
	}
}

static struct writer_status status_of(struct writer *w)
{
	struct writer_status status;

	writer_status(w, &status);
	return status;
}

/* Until nothing moves: the pipe is full. */
static void wait_until_stuck(struct writer *w)
{
	assert_false(writer_wait(w, 200));
}

static void a_pipe_that_nobody_reads_holds_nobody_up(void **state)
{
	struct pair p;
	char text[101];
	unsigned n = 0;

	(void)state;
	open_pair(&p, 5000);
	for (unsigned i = 0; i < 100000 && (n < 1000 || status_of(p.writer).n_waiting < 50); i++)
		n += writer_put(p.writer, line(n, text));
	wait_until_stuck(p.writer);
	while (writer_put(p.writer, line(n, text)))
		n++;
	assert_int_equal(status_of(p.writer).n_waiting, 50);
	assert_int_equal(status_of(p.writer).waiting_bytes, 5000);
	/* somebody reads: all that was taken comes, in order, and there is room again */
	read_lines(p.ends[0], 0, n);
	assert_true(writer_wait(p.writer, LONG_MS));
	assert_true(writer_put(p.writer, line(n, text)));
	read_lines(p.ends[0], n, n + 1);
	writer_free(p.writer, LONG_MS);
	close_pair(&p);
}

static void a_thread_that_hangs_is_left_behind(void **state)
{
	struct pair p;
	char *much = xcalloc(1, 1 << 20);

	(void)state;
	open_pair(&p, 1 << 20);
	assert_true(writer_put(p.writer, slice_of(much, 1 << 20)));
	wait_until_stuck(p.writer);
	assert_true(status_of(p.writer).begun);
	writer_free(p.writer, 0);
	free(much);
	close(p.ends[0]);                 /* which lets the thread end, with EPIPE */
}

static void a_reader_that_goes_away_loses_its_lines_and_no_more(void **state)
{
	struct pair p;
	char text[101];

	(void)state;
	open_pair(&p, 5000);
	close(p.ends[0]);
	writer_put(p.writer, line(0, text));
	writer_put(p.writer, line(1, text));
	assert_true(writer_wait(p.writer, LONG_MS));
	assert_int_equal(status_of(p.writer).n_failed, 2);
	assert_int_equal(status_of(p.writer).failed_with, EPIPE);
	writer_free(p.writer, LONG_MS);
	close(p.ends[1]);
}

static void a_descriptor_that_others_made_non_blocking_is_waited_for(void **state)
{
	struct pair p;
	char text[101];

	(void)state;
	open_pair(&p, 1 << 20);
	assert_int_equal(fcntl(p.ends[1], F_SETFL, O_NONBLOCK), 0);
	for (unsigned i = 0; i < 2000; i++)
		assert_true(writer_put(p.writer, line(i, text)));
	read_lines(p.ends[0], 0, 2000);
	assert_true(writer_wait(p.writer, LONG_MS));
	assert_int_equal(status_of(p.writer).n_failed, 0);
	writer_free(p.writer, LONG_MS);
	close_pair(&p);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_a_full_disk_cut_goes_on_where_it_stopped(void **state)
{
	char path[] = "/tmp/ctwatch-writer-XXXXXX", text[101];
	int fd = mkstemp(path);
	struct writer *w = writer_new(&(struct writer_options){ .fd = fd, .max_bytes = 5000, .keep_on_error = true });

	(void)state;
	unlink(path);
	set_file_limit(150);
	writer_put(w, line(0, text));
	writer_put(w, line(1, text));
	assert_false(writer_wait(w, LONG_MS));
	struct writer_status status = status_of(w);
	assert_true(status.failed && status.begun);
	assert_int_equal(status.error, EFBIG);
	assert_int_equal(status.n_waiting, 1);
	/* what has begun cannot be taken back */
	writer_forget(w);
	assert_int_equal(status_of(w).n_waiting, 1);
	writer_retry(w);
	assert_false(writer_wait(w, LONG_MS));
	set_file_limit(RLIM_INFINITY);
	writer_retry(w);
	assert_true(writer_wait(w, LONG_MS));
	lseek(fd, 0, SEEK_SET);
	read_lines(fd, 0, 2);
	writer_free(w, LONG_MS);
	close(fd);
}

static void what_was_not_begun_can_be_taken_back(void **state)
{
	char text[101];
	int fd = open("/dev/full", O_WRONLY);
	struct writer *w = writer_new(&(struct writer_options){ .fd = fd, .max_bytes = 5000, .keep_on_error = true });

	(void)state;
	writer_put(w, line(0, text));
	writer_put(w, line(1, text));
	assert_false(writer_wait(w, LONG_MS));
	assert_int_equal(status_of(w).error, ENOSPC);
	writer_forget(w);
	assert_int_equal(status_of(w).n_waiting, 0);
	assert_true(writer_wait(w, LONG_MS));
	writer_put(w, line(2, text));
	assert_false(writer_wait(w, LONG_MS));
	writer_free(w, LONG_MS);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_that_nobody_reads_holds_nobody_up),
		cmocka_unit_test(a_thread_that_hangs_is_left_behind),
		cmocka_unit_test(a_reader_that_goes_away_loses_its_lines_and_no_more),
		cmocka_unit_test(a_descriptor_that_others_made_non_blocking_is_waited_for),
		cmocka_unit_test(what_a_full_disk_cut_goes_on_where_it_stopped),
		cmocka_unit_test(what_was_not_begun_can_be_taken_back),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
