/*
 * The program against logs that misbehave: one row a fault and protocol. Whatever a log does, `run --once` ends with the
 * promised exit code, the incidents say what happened, and what could be read is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_kit.h"

#define ALL "0|600|1"                    /* read and verified from the first entry to the last */

struct row {
	const char *api, *fault;
	int exit_code;
	const char *incidents;            /* classes in order of name, by spaces */
	const char *ranges;               /* start|stop|verified; NULL: not looked at */
};

static const struct row ROWS[] = {
	/* harmless or put right by asking again */
	{ "classic", "no-keepalive", 0, "", ALL },
	{ "static", "no-keepalive", 0, "", ALL },
	{ "classic", "gzip-unasked", 0, "", ALL },
	{ "static", "gzip-unasked", 0, "", ALL },
	{ "static", "extra-signatures", 0, "", ALL },
	{ "classic", "short-pages,at=7", 0, "", ALL },
	{ "classic", "need-tree-size", 0, "", ALL },
	{ "classic", "page-too-large", 0, "", ALL },
	{ "classic", "invalid-json,times=2", 0, "", ALL },
	{ "classic", "html,times=2", 0, "", ALL },
	{ "classic", "extra-entries,times=2", 0, "", ALL },
	{ "classic", "zero-entries,times=2", 0, "", ALL },
	{ "static", "html,times=2", 0, "", ALL },
	{ "classic", "cut,times=2", 0, "", ALL },
	{ "static", "cut,times=2", 0, "", ALL },
	{ "classic", "length-high,times=2", 0, "", ALL },
	{ "static", "length-low,times=2", 0, "", ALL },
	{ "classic", "reset,times=2", 0, "", ALL },
	{ "static", "truncated-body,times=1", 0, "", ALL },
	{ "classic", "retry-seconds,at=1,times=1", 0, "", ALL },
	{ "static", "retry-utc,times=1", 0, "", ALL },
	{ "classic", "status,at=503,times=1", 0, "", ALL },
	{ "classic", "bad-signature,times=1", 0, "", ALL },
	{ "static", "malformed-head,times=1", 0, "", ALL },
	{ "static", "malformed-tile,times=1", 0, "", ALL },
	{ "static", "partial-404", 0, "", ALL },
	{ "static", "partial-403", 0, "", ALL },
	{ "classic", "readonly", 0, "", ALL },
	{ "static", "readonly", 0, "", ALL },
	/* odd, and read all the same */
	{ "static", "origin-mismatch", 0, "ORIGIN_MISMATCH", ALL },
	{ "static", "extension-lines", 0, "NOTE_NONCONFORMING", ALL },
	{ "classic", "stale-head", 0, "STALE_STH TIMESTAMP_ORDER", ALL },
	{ "classic", "future-head", 0, "FUTURE_STH", ALL },
	{ "static", "future-head", 0, "FUTURE_STH", ALL },
	{ "classic", "future-entry,at=5", 0, "TIMESTAMP_ORDER", ALL },
	{ "static", "leaf-index,at=5", 0, "LEAF_INDEX_MISMATCH", ALL },
	{ "classic", "wrong-shard,at=5", 0, "WRONG_SHARD", ALL },
	{ "static", "wrong-shard,at=5", 0, "WRONG_SHARD", ALL },
	{ "classic", "unparsable-cert,at=5", 0, "UNPARSABLE_CERT", ALL },
	{ "static", "unparsable-cert,at=5", 0, "UNPARSABLE_CERT", ALL },
	{ "classic", "unknown-entry-type,at=5", 0, "UNKNOWN_ENTRY_TYPE", ALL },
	{ "classic", "duplicate,at=9", 0, "", ALL },
	/* the log contradicts itself, its signature or its entries */
	{ "classic", "bad-signature", 3, "BAD_STH_SIGNATURE", "" },
	{ "static", "other-key", 3, "BAD_STH_SIGNATURE", "" },
	{ "classic", "tampered-entry,at=300", 3, "ENTRIES_MISMATCH", "0|600|0" },
	{ "static", "tampered-entry,at=300", 3, "ENTRIES_MISMATCH", "0|600|0" },
	{ "classic", "tampered-entry,at=300,times=1", 0, "ENTRIES_FLAP", ALL },
	{ "static", "tampered-entry,at=300,times=1", 0, "ENTRIES_FLAP", ALL },
	{ "classic", "malformed-leaf,at=5", 3, "MALFORMED_ENTRY", ALL },
	{ "static", "malformed-tile", 3, "TILE_MALFORMED", "" },
	{ "static", "unknown-entry-type,at=5", 3, "TILE_MALFORMED", "256|600|0" },
	{ "static", "short-tile", 3, "TILE_MALFORMED", "" },
	{ "classic", "readonly-grew,at=500", 3, "READONLY_GREW", ALL },
	{ "static", "readonly-grew,at=500", 3, "READONLY_GREW", ALL },
	{ "classic", "final-head-mismatch", 3, "FINAL_HEAD_MISMATCH", ALL },
	/* what cannot be had is left behind, the rest is read */
	{ "static", "missing-tile,at=1", 5, "MISSING_TILE", "0|256|0\n512|600|0" },
	{ "classic", "missing-entries,at=300", 5, "", "0|300|0" },
	{ "static", "no-partials", 5, "MISSING_TILE", "0|512|0" },
	{ "classic", "status", 5, "", "" },
	{ "static", "redirect", 5, "", "" },
	{ "classic", "hang", 5, "", "" },
	{ "static", "malformed-head", 5, "", "" },
};

static void every_fault_has_its_exit_code_its_incident_and_its_ranges(void **state)
{
	static const char *const RUN[] = { "run", "--once", "--timeout", "3s", NULL };
	unsigned n_failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		const struct row *row = &ROWS[i];
		const char *const arguments[] = { "--api", row->api, "--initial", "600", "--misbehave", row->fault, NULL };
		struct run_kit kit;

		run_kit_start(&kit, arguments);
		int code = run_kit_run(&kit, RUN);
		char *incidents = run_kit_sql(&kit, "SELECT group_concat(class, ' ') FROM (SELECT DISTINCT class FROM incident ORDER BY 1)");
		char *ranges = run_kit_sql(&kit, "SELECT start, stop, verified FROM read_range ORDER BY start");
		if (code != row->exit_code || strcmp(incidents, row->incidents) != 0 || (row->ranges != NULL && strcmp(ranges, row->ranges) != 0)) {
			char *err = run_kit_file(&kit, "err");

			print_error("%s %s: exit %d, incidents \"%s\", ranges \"%s\"\n%s\n", row->api, row->fault, code, incidents, ranges, err);
			free(err);
			n_failed++;
		}
		free(incidents);
		free(ranges);
		run_kit_stop(&kit);
	}
	assert_int_equal(n_failed, 0);
}

/* Nothing is left to wait for: the test would run into its limit otherwise. */
static void a_log_whose_signature_stays_wrong_ends_a_run_once_at_once(void **state)
{
	static const char *const RUN[] = { "run", "--once", "--timeout", "20m", NULL };
	static const char *const FAULTS[][2] = { { "classic", "bad-signature" }, { "static", "other-key" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(FAULTS); i++) {
		const char *const arguments[] = { "--api", FAULTS[i][0], "--initial", "100", "--misbehave", FAULTS[i][1], NULL };
		struct run_kit kit;

		run_kit_start(&kit, arguments);
		assert_int_equal(run_kit_run(&kit, RUN), 3);
		run_kit_stop(&kit);
	}
}

static void a_chain_that_does_not_belong_to_its_entry_is_said_with_the_finding(void **state)
{
	static const char *const RUN[] = { "run", "--once", "--timeout", "3s", NULL };
	static const struct { const char *mode, *fault, *n_entries, *notes; } CHAINS[] = {
		{ "--signed", "no-keepalive", "200", "" },
		{ "--signed", "chain-mismatch", "6", "the chain that the log gave does not belong to the entry: it lacks the issuer whose key is logged" },
		{ "--signed", "chain-mismatch", "200", "the chain that the log gave does not belong to the entry: its first certificate did not sign it" },
		{ "--fast", "no-keepalive", "200", "the chain that the log gave does not belong to the entry: its first certificate did not sign it" },
	};

	/* the sixth entry is a precert; later ones are certificates as well, which are shown instead */
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CHAINS); i++) {
		const char *const arguments[] = { "--api", "classic", "--initial", CHAINS[i].n_entries, "--plant", CTWATCH_SOURCE_DIR "/tests/fakelog/demo.plant",
			"--plant-every", "8", CHAINS[i].mode, "--misbehave", CHAINS[i].fault, NULL };
		struct run_kit kit;

		run_kit_start(&kit, arguments);
		assert_int_equal(run_kit_run(&kit, RUN), 0);
		run_kit_wait(&kit, "SELECT count(*) > 0 FROM finding", "1");
		run_kit_wait(&kit, "SELECT DISTINCT note FROM certificate", CHAINS[i].notes);
		run_kit_stop(&kit);
	}
}

/* ---- heads that misbehave while the log grows ---------------------------------------------------------------- */

static void two_heads_of_one_size_are_a_fork(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT verified_size FROM log", "300");
	run_kit_control(&kit, "log=0&misbehave=fork");
	run_kit_wait(&kit, "SELECT class, severity FROM incident", "FORK|critical");
	run_kit_wait(&kit, "SELECT count(*) FROM incident WHERE evidence_dir IS NOT NULL", "1");
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	run_kit_stop(&kit);
}

static void a_newer_head_over_fewer_entries_is_a_rollback(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "static", "--initial", "300", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT verified_size FROM log", "300");
	run_kit_control(&kit, "log=0&misbehave=rollback");
	run_kit_wait(&kit, "SELECT class FROM incident WHERE class = 'ROLLBACK'", "ROLLBACK");
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	run_kit_stop(&kit);
}

static void an_older_head_from_a_lagging_front_end_is_no_incident(void **state)
{
	static const char *const ARGUMENTS[] = { "--api", "classic", "--initial", "300", "--grow", "30", "--misbehave", "lagging", NULL };
	struct run_kit kit;

	(void)state;
	run_kit_start(&kit, ARGUMENTS);
	run_kit_daemon(&kit);
	run_kit_wait(&kit, "SELECT verified_size >= 450 FROM log", "1");
	run_kit_wait(&kit, "SELECT count(*) FROM incident", "0");
	assert_int_equal(run_kit_end(&kit, SIGTERM), 0);
	run_kit_stop(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_has_its_exit_code_its_incident_and_its_ranges),
		cmocka_unit_test(a_log_whose_signature_stays_wrong_ends_a_run_once_at_once),
		cmocka_unit_test(a_chain_that_does_not_belong_to_its_entry_is_said_with_the_finding),
		cmocka_unit_test(two_heads_of_one_size_are_a_fork),
		cmocka_unit_test(a_newer_head_over_fewer_entries_is_a_rollback),
		cmocka_unit_test(an_older_head_from_a_lagging_front_end_is_no_incident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
