/* Diagnostics: what comes from outside cannot forge a line or steer a terminal, and lines of several threads do not mix. */
#include "diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#define THREADS 4
#define LINES_EACH 200

/* A packet socket keeps the writes apart: one receive is one write. */
struct ear {
	int ends[2];
	struct diag *diag;
	char line[8192];
};

static void open_ear(struct ear *ear, enum diag_level level, bool json)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ear->ends), 0);
	ear->diag = diag_new(ear->ends[1], level, json);
}

static void close_ear(struct ear *ear)
{
	diag_free(ear->diag);
	close(ear->ends[0]);
	close(ear->ends[1]);
}

/* The next write, or NULL when there was none. */
static const char *hear(struct ear *ear)
{
	diag_flush(ear->diag, 60000);
	ssize_t n = recv(ear->ends[0], ear->line, sizeof(ear->line) - 1, MSG_DONTWAIT);

	if (n < 0)
		return NULL;
	ear->line[n] = '\0';
	return ear->line;
}

/* ---- one line ------------------------------------------------------------------------------------------------ */

static void a_line_says_when_how_grave_and_about_what(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, DIAG_INFO, false);
	diag(ear.diag, DIAG_WARNING, "log", "Argon2026h2", "read %d entries", 7);
	const char *line = hear(&ear);
	assert_non_null(line);
	assert_int_equal(line[4], '-');
	assert_string_equal(line + strlen("2026-11-22T08:15:30Z"), " warning log Argon2026h2: read 7 entries\n");
	diag(ear.diag, DIAG_ERROR, "state", NULL, "full");
	assert_non_null(strstr(hear(&ear), "Z error state: full\n"));
	close_ear(&ear);
}

static void levels_below_the_threshold_say_nothing(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, DIAG_NOTICE, false);
	diag(ear.diag, DIAG_INFO, "log", NULL, "quiet");
	diag(ear.diag, DIAG_DEBUG, "log", NULL, "quieter");
	assert_null(hear(&ear));
	diag(ear.diag, DIAG_NOTICE, "log", NULL, "heard");
	assert_non_null(hear(&ear));
	diag(NULL, DIAG_ERROR, "log", NULL, "nobody is there to hear");
	close_ear(&ear);
}

static const char HOSTILE[] = "a\n2026-01-01T00:00:00Z error state: forged\r\x1b[31m\x07\xff\xe2\x80\xae\x7f\t\"\\end";

static void assert_inert(const char *line)
{
	for (const char *c = line; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' && !(*c == '\n' && c[1] == '\0'))
			fail_msg("a control character is left: %s", line);
		assert_int_not_equal(*c, 0x7f);
		assert_int_not_equal((unsigned char)*c, 0xff);
	}
	assert_null(strstr(line, "\xe2\x80\xae"));
	assert_non_null(strstr(line, "end"));
}

static void hostile_text_is_one_inert_line(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, DIAG_INFO, false);
	diag(ear.diag, DIAG_ERROR, "log", HOSTILE, "%s", HOSTILE);
	assert_inert(hear(&ear));
	assert_null(hear(&ear));
	close_ear(&ear);
}

static void as_json_every_line_is_one_object_with_the_same_facts(void **state)
{
	static const char *const messages[] = { "plain", HOSTILE, "", "\"},{\"level\":\"x\"", "%s%n" };
	struct ear ear;

	(void)state;
	open_ear(&ear, DIAG_INFO, true);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		diag(ear.diag, DIAG_WARNING, "log", i % 2 == 0 ? "subject" : NULL, "%s", messages[i]);
		const char *line = hear(&ear);
		assert_non_null(line);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_string_equal(json_string_value(json_object_get(object, "level")), "warning");
		assert_string_equal(json_string_value(json_object_get(object, "component")), "log");
		assert_int_equal(json_object_get(object, "subject") != NULL, i % 2 == 0);
		assert_non_null(json_string_value(json_object_get(object, "message")));
		assert_int_equal(json_string_length(json_object_get(object, "time")), strlen("2026-11-22T08:15:30.123Z"));
		json_decref(object);
	}
	close_ear(&ear);
}

static void a_giant_message_is_cut_and_stays_one_line(void **state)
{
	static const bool as_json[] = { false, true };
	char *giant = xmalloc(100001);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(as_json); i++) {
		struct ear ear;

		memset(giant, '\x01', 100000);
		giant[100000] = '\0';
		open_ear(&ear, DIAG_INFO, as_json[i]);
		diag(ear.diag, DIAG_ERROR, "log", giant, "%s", giant);
		const char *line = hear(&ear);
		assert_non_null(line);
		assert_true(strlen(line) < 4096);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		assert_null(hear(&ear));
		close_ear(&ear);
	}
	free(giant);
}

/* ---- many lines ------------------------------------------------------------------------------------------------ */

static void a_line_that_comes_again_and_again_is_counted(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, DIAG_INFO, false);
	for (int i = 0; i < 1000; i++)
		diag(ear.diag, DIAG_WARNING, "log", "a", "down");
	assert_non_null(strstr(hear(&ear), "down"));
	assert_null(hear(&ear));
	/* another subject is another line */
	diag(ear.diag, DIAG_WARNING, "log", "b", "down");
	assert_non_null(strstr(hear(&ear), "the last line came 999 more times"));
	assert_non_null(strstr(hear(&ear), "log b: down"));
	diag(ear.diag, DIAG_WARNING, "log", "b", "down");
	/* what was counted is said at the end */
	diag_free(ear.diag);
	ear.diag = NULL;
	assert_non_null(strstr(hear(&ear), "came 1 more times"));
	close_ear(&ear);
}

static void what_nobody_reads_is_counted_and_nobody_waits(void **state)
{
	struct diag *d;
	int ends[2], n = 20000, next = 0;
	char text[4096];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	d = diag_new(ends[1], DIAG_INFO, false);
	for (int i = 0; i < n; i++)
		diag(d, DIAG_INFO, "log", NULL, "line %d", i);
	FILE *reader = fdopen(ends[0], "r");
	unsigned long long dropped = 0;
	/* the pipe and the queue are read; the next line says how many did not find room, and then goes through */
	while (next < n - 1 && fgets(text, sizeof(text), reader) != NULL) {
		const char *at = strstr(text, " info log: line ");

		if (at != NULL && sscanf(at, " info log: line %d", &next) == 1)
			diag(d, DIAG_INFO, "log", NULL, "line %d", next % 2 == 0 ? n : n + 1);
		else if (strstr(text, " dropped, since nobody read standard error") != NULL)
			break;
	}
	assert_int_equal(sscanf(text + strlen("2026-11-22T08:15:30Z"), " warning diag: %llu lines were dropped", &dropped), 1);
	assert_true(dropped > 1000);
	fclose(reader);
	diag_free(d);
	close(ends[1]);
}

struct speaker {
	struct diag *diag;
	int number;
};

static void *speak(void *ctx)
{
	const struct speaker *s = ctx;

	for (int i = 0; i < LINES_EACH; i++)
		diag(s->diag, DIAG_INFO, "thread", NULL, "%d says %d", s->number, i);
	return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
	struct speaker speakers[THREADS];
	pthread_t threads[THREADS];
	char path[] = "/tmp/ctwatch-diag-XXXXXX", line[256];
	int fd = mkstemp(path), n = 0, next[THREADS] = { 0 };
	struct diag *d = diag_new(fd, DIAG_INFO, false);

	(void)state;
	unlink(path);
	for (int i = 0; i < THREADS; i++) {
		speakers[i] = (struct speaker){ d, i };
		assert_int_equal(pthread_create(&threads[i], NULL, speak, &speakers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	diag_free(d);
	lseek(fd, 0, SEEK_SET);
	FILE *file = fdopen(fd, "r");
	for (; fgets(line, sizeof(line), file) != NULL; n++) {
		int who, what;

		assert_int_equal(sscanf(line + strlen("2026-11-22T08:15:30Z"), " info thread: %d says %d\n", &who, &what), 2);
		assert_in_range(who, 0, THREADS - 1);
		assert_int_equal(what, next[who]++);
	}
	assert_int_equal(n, THREADS * LINES_EACH);
	fclose(file);
}

static void nobody_listening_is_no_reason_to_stop(void **state)
{
	struct diag *d = diag_new(-1, DIAG_INFO, true);

	(void)state;
	diag(d, DIAG_ERROR, "log", NULL, "into the void");
	diag(d, DIAG_ERROR, "log", NULL, "into the void");
	diag_free(d);
	diag_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_when_how_grave_and_about_what),
		cmocka_unit_test(levels_below_the_threshold_say_nothing),
		cmocka_unit_test(hostile_text_is_one_inert_line),
		cmocka_unit_test(as_json_every_line_is_one_object_with_the_same_facts),
		cmocka_unit_test(a_giant_message_is_cut_and_stays_one_line),
		cmocka_unit_test(a_line_that_comes_again_and_again_is_counted),
		cmocka_unit_test(what_nobody_reads_is_counted_and_nobody_waits),
		cmocka_unit_test(threads_do_not_mix_their_lines),
		cmocka_unit_test(nobody_listening_is_no_reason_to_stop),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
