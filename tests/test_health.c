/* `ctwatch health`: healthy is what can be shown now, and everything else has a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "clock.h"
#include "temp_state.h"

extern const struct command health_command;

#define MINUTE_MS 60000ll
#define HOUR_MS (60 * MINUTE_MS)

struct place {
	char *directory, *config, *out, *err;
	struct state *daemon;
	int64_t now_ms;
};

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	FILE *file;

	p->daemon = temp_state_open();
	p->directory = xstrdup(state_directory(p->daemon));
	p->config = xasprintf("%s/config.json", p->directory);
	p->now_ms = TEST_NOW_MS;
	file = fopen(p->config, "w");
	fputs("{}", file);
	fclose(file);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	state_close(p->daemon);
	temp_remove(p->directory);
	free(p->config);
	free(p->out);
	free(p->err);
	free(p);
	return 0;
}

static int health(struct place *p, bool json)
{
	char words[3][10] = { "health", "--format", "json" }, *argv[] = { words[0], json ? words[1] : NULL, words[2], NULL };
	size_t out_len, err_len;

	free(p->out);
	free(p->err);
	struct cli cli = {
		.out = open_memstream(&p->out, &out_len),
		.err = open_memstream(&p->err, &err_len),
		.width = 80,
		.now_ms = p->now_ms,
		.config_path = p->config,
		.state_path = p->directory,
		.command = &health_command,
	};
	int code = health_command.run(&cli, json ? 3 : 1, argv);
	fclose(cli.out);
	fclose(cli.err);
	return code;
}

static void assert_health(struct place *p, int code, const char *words)
{
	int got = health(p, false);

	if (got != code || strstr(p->out, words) == NULL)
		fail_msg("exit %d, \"%s%s\" where exit %d and \"%s\" are due", got, p->out, p->err, code, words);
	assert_ptr_equal(strchr(p->out, '\n'), p->out + strlen(p->out) - 1);     /* one line */
}

/* The daemon's row as it was written `age_ms` ago by a daemon that had run for `running_ms`. */
static void alive(struct place *p, int64_t age_ms, int64_t running_ms)
{
	struct state_alive row = { .process = getpid(), .wall_ms = p->now_ms - age_ms, .boot_ms = clock_boot_ms() - age_ms };
	struct error err;

	row.started_boot_ms = row.boot_ms - running_ms;
	clock_boot_id(row.boot_id);
	if (!state_put_alive(p->daemon, &row, &err))
		fail_msg("%s", err.text);
}

static struct hash log_id_of(int n)
{
	return test_hash(7000 + (uint64_t)n);
}

static void add_log(struct place *p, int n, int64_t heard_ms, const char *error)
{
	char name[32], url[64];
	struct error err;

	snprintf(name, sizeof(name), "Log %d", n);
	snprintf(url, sizeof(url), "https://log%d.example/", n);
	struct state_log log = { .log_id = log_id_of(n), .name = name, .url = url, .added_ms = TEST_NOW_MS - HOUR_MS, .sunset_ms = INT64_MAX };
	assert_true(state_put_log(p->daemon, &log, &err));
	assert_true(state_set_start(p->daemon, &log.log_id, 0, &err));
	if (heard_ms != 0)
		assert_true(state_log_progress(p->daemon, &log.log_id, heard_ms, NULL, heard_ms, &err));
	if (error != NULL)
		assert_true(state_log_progress(p->daemon, &log.log_id, 0, error, p->now_ms, &err));
}

static void open_incident(struct place *p, const struct hash *log_id, const char *class_name, const char *severity)
{
	char id[FINDING_ID_LEN + 1];
	struct error err;

	assert_true(state_open_incident(p->daemon, log_id, class_name, "", severity, "a sentence", NULL, p->now_ms, id, NULL, &err));
}

/* ---- the daemon --------------------------------------------------------------------------------------------------- */

static void daemon_that_shows_it_can_commit_is_healthy(void **state)
{
	struct place *p = *state;

	add_log(p, 1, p->now_ms, NULL);
	assert_health(p, EXIT_NO, "starting: process");
	alive(p, 5000, HOUR_MS);
	assert_health(p, EXIT_DONE, "healthy: 1 of 1 logs heard from, 0 behind, 0 incidents open (0 critical)");
	alive(p, 3 * MINUTE_MS, HOUR_MS);
	assert_health(p, EXIT_NO, "has not written to its state for 3 min");
	state_close(p->daemon);
	p->daemon = NULL;
	assert_health(p, EXIT_NO, "ctwatch is not running on this state");
}

static void another_processs_row_proves_nothing(void **state)
{
	struct place *p = *state;
	struct state_alive row = { .process = getpid() + 1, .wall_ms = p->now_ms, .boot_ms = clock_boot_ms() };
	struct error err;

	add_log(p, 1, p->now_ms, NULL);
	clock_boot_id(row.boot_id);
	assert_true(state_put_alive(p->daemon, &row, &err));
	assert_health(p, EXIT_NO, "starting: process");
}

static void wall_clock_that_was_set_makes_nobody_healthy_nor_ill(void **state)
{
	struct place *p = *state;

	add_log(p, 1, p->now_ms, NULL);
	alive(p, 5000, HOUR_MS);
	p->now_ms += 10 * MINUTE_MS;
	assert_health(p, EXIT_DONE, "healthy: 1 of 1");
	/* set back two hours: the row is still fresh, but when the log answered is not known any more */
	p->now_ms = TEST_NOW_MS - 2 * HOUR_MS;
	assert_health(p, EXIT_NO, "no log has answered");
	add_log(p, 1, p->now_ms, NULL);
	assert_health(p, EXIT_DONE, "healthy: 1 of 1");
	alive(p, 3 * MINUTE_MS, HOUR_MS);
	assert_health(p, EXIT_NO, "has not written to its state for 3 min");
}

static void row_of_another_machine_goes_by_the_wall_clock(void **state)
{
	struct place *p = *state;
	struct state_alive row = { .process = getpid(), .wall_ms = p->now_ms - 5000, .boot_ms = 17, .boot_id = "another" };
	struct error err;

	add_log(p, 1, p->now_ms, NULL);
	assert_true(state_put_alive(p->daemon, &row, &err));
	assert_health(p, EXIT_DONE, "healthy: 1 of 1");
	row.wall_ms = p->now_ms - HOUR_MS;
	assert_true(state_put_alive(p->daemon, &row, &err));
	assert_health(p, EXIT_NO, "has not written to its state for 1 h");
	row.wall_ms = p->now_ms + HOUR_MS;
	assert_true(state_put_alive(p->daemon, &row, &err));
	assert_health(p, EXIT_NO, "compare the clocks");
}

static void full_disk_is_ill_whatever_was_written_before(void **state)
{
	struct place *p = *state;

	add_log(p, 1, p->now_ms, NULL);
	alive(p, 0, HOUR_MS);
	open_incident(p, NULL, "DISK_FULL", "critical");
	assert_health(p, EXIT_NO, "the disk is full");
	assert_int_equal(health(p, true), EXIT_NO);
	json_t *value = json_loads(p->out, 0, NULL);
	assert_true(json_is_false(json_object_get(value, "healthy")));
	assert_int_equal(json_integer_value(json_object_get(value, "process")), getpid());
	json_decref(value);
}

/* ---- logs ------------------------------------------------------------------------------------------------------------ */

static void silent_logs_are_named_with_the_reason(void **state)
{
	struct place *p = *state;

	alive(p, 0, 2 * MINUTE_MS);
	assert_health(p, EXIT_NO, "no log is followed");
	for (int i = 0; i < 10; i++)
		add_log(p, i, 0, i == 3 ? "Could not resolve host: log3.example" : NULL);
	assert_health(p, EXIT_NO, "starting: no log has answered yet; 0 of 10 logs heard from (silent: Log 0 (no answer yet), ");
	alive(p, 0, HOUR_MS);
	assert_health(p, EXIT_NO, "no log has answered for 15 minutes");
	for (int i = 4; i < 6; i++)
		add_log(p, i, p->now_ms, NULL);
	assert_health(p, EXIT_NO, "most logs do not answer; 2 of 10 logs heard from (silent: ");
	for (int i = 4; i < 10; i++)
		add_log(p, i, p->now_ms, NULL);
	assert_health(p, EXIT_DONE, "healthy: 6 of 10 logs heard from (silent: ");
	assert_non_null(strstr(p->out, " and 1 more)"));
	add_log(p, 0, p->now_ms, NULL);
	assert_health(p, EXIT_DONE, "Log 3 (Could not resolve host: log3.example)");
	p->now_ms += 16 * MINUTE_MS;
	assert_health(p, EXIT_NO, "no log has answered for 15 minutes");
}

static void put_head(struct place *p, int log, uint64_t size, int64_t received_ms)
{
	struct state_head head = { .tree_size = size, .timestamp_ms = (uint64_t)received_ms, .root = test_hash(size), .received_ms = received_ms,
				   .raw = SLICE_LITERAL("{}"), .source = "log" };
	struct hash id = log_id_of(log);
	struct head_answer answer;
	struct error err;

	if (!state_put_head(p->daemon, &id, &head, &answer, &err))
		fail_msg("%s", err.text);
}

static void put_range(struct place *p, int log, uint64_t end)
{
	struct hash id = log_id_of(log), hash = test_hash(end);
	struct state_range range = { .start = 0, .end = end, .hashes = slice_of(hash.bytes, HASH_LEN) };
	struct error err;

	if (!state_put_ranges(p->daemon, &id, &range, 1, &err))
		fail_msg("%s", err.text);
}

static void verification_that_stands_still_is_noticed(void **state)
{
	struct place *p = *state;
	struct hash root = test_hash(1000), id = log_id_of(1);
	struct error err;

	alive(p, 0, 5 * HOUR_MS);
	add_log(p, 1, p->now_ms, NULL);
	put_head(p, 1, 1000, p->now_ms - 2 * HOUR_MS);
	put_range(p, 1, 500);
	assert_health(p, EXIT_DONE, "healthy");            /* a backlog: the head is not reached yet */
	put_range(p, 1, 1500);
	assert_health(p, EXIT_NO, "verification stands still at Log 1 (unverified for 2 h 0 min)");
	assert_true(state_verify_head(p->daemon, &id, 1000, &root, p->now_ms, &err));
	assert_health(p, EXIT_DONE, "healthy");
	put_head(p, 1, 1200, p->now_ms - 30 * MINUTE_MS);
	assert_health(p, EXIT_DONE, "healthy");
	open_incident(p, &id, "VERIFICATION_STALLED", "high");
	assert_health(p, EXIT_NO, "verification stands still at Log 1 (a sentence)");
	/* what a log did itself, and was told, no restart cures */
	open_incident(p, &id, "FORK", "critical");
	assert_health(p, EXIT_DONE, "2 incidents open (1 critical)");
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(daemon_that_shows_it_can_commit_is_healthy),
		PLACE_TEST(another_processs_row_proves_nothing),
		PLACE_TEST(wall_clock_that_was_set_makes_nobody_healthy_nor_ill),
		PLACE_TEST(row_of_another_machine_goes_by_the_wall_clock),
		PLACE_TEST(full_disk_is_ill_whatever_was_written_before),
		PLACE_TEST(silent_logs_are_named_with_the_reason),
		PLACE_TEST(verification_that_stands_still_is_noticed),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
