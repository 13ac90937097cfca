/* Programs written for Cert Spotter get its variables and files, and nothing that a name says is ever run. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "cert_build.h"
#include "ct.h"

/* Prints its environment, one variable a line in quotes, and copies its files next to the log. */
#define PRINT_ENVIRONMENT \
	"#!/bin/sh\n" \
	"env -0 | tr '\\n\\0' '~\\n' | sort >>%s\n" \
	"for f in \"$CERT_FILENAME\" \"$JSON_FILENAME\" \"$TEXT_FILENAME\" \"$ENTRY_FILENAME\"; do\n" \
	"  [ -z \"$f\" ] || cp \"$f\" %s/kept-$(basename \"$f\")\n" \
	"done\n" \
	"ls -ld \"$(dirname \"$TEXT_FILENAME\")\" >>%s/modes\n"

static void put_program(struct bench *bench, const char *name, mode_t mode, const char *text)
{
	char *path = xasprintf("%s/hooks.d/%s", bench->directory, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void start(struct bench *bench, const char *more)
{
	char *directory = xasprintf("%s/hooks.d", bench->directory);
	char *text = xasprintf(PRINT_ENVIRONMENT, bench->log, bench->directory, bench->directory);
	char *sinks = xasprintf("[{\"type\":\"hooks\",\"directory\":\"%s\"%s}]", directory, more);

	assert_int_equal(mkdir(directory, 0755), 0);
	put_program(bench, "10-print", 0755, text);
	bench_start(bench, sinks);
	free(directory);
	free(text);
	free(sinks);
}

static char *kept(struct bench *bench, const char *file)
{
	char *path = xasprintf("%s/kept-%s", bench->directory, file);
	char *text = read_text(path);

	free(path);
	return text;
}

/* The value of a variable in what the program printed; NULL when it is not set. Borrowed from `text`. */
static struct slice value_of(const char *text, const char *name)
{
	char *start_of = xasprintf("\n%s=", name);
	const char *found = strncmp(text, start_of + 1, strlen(start_of + 1)) == 0 ? text - 1 : strstr(text, start_of);
	struct slice value = { 0 };

	if (found != NULL)
		value = slice_of(found + strlen(start_of), strcspn(found + strlen(start_of), "\n"));
	free(start_of);
	return value;
}

static void expect(const char *text, const char *name, const char *wanted)
{
	struct slice value = value_of(text, name);

	if (value.data == NULL)
		fail_msg("%s is not set in\n%s", name, text);
	if (!slice_equal_text(value, wanted))
		fail_msg("%s is \"%.*s\", not \"%s\"", name, SLICE_ARGS(value), wanted);
}

static void expect_not(const char *text, const char *name)
{
	if (value_of(text, name).data != NULL)
		fail_msg("%s is set", name);
}

/* ---- one certificate ------------------------------------------------------------------------------------------- */

static const char *const NAMES[] = { "login.example.com", "$(touch pwned).example.com", "a\"b'c;d.example.com", NULL };

static void put_log(struct state *st, uint64_t log, const char *protocol)
{
	struct state_log identity = {
		.log_id = test_hash(log + 77),
		.name = (char *)"Log",
		.url = (char *)"https://log.example/",
		.log_operator = (char *)"Op",
		.protocol = (char *)protocol,
		.lifecycle = (char *)"usable",
		.start_index = -1,
		.added_ms = TEST_NOW_MS,
		.sunset_ms = INT64_MAX,
	};
	struct error err;

	if (!state_put_log(st, &identity, &err))
		fail_msg("%s", err.text);
}

struct adding_certificate {
	struct buf der;
	const char *rule, *kind;
	uint64_t certificate;
	bool with_log;
};

static bool add_job(void *ctx, struct state *st, struct error *err)
{
	struct adding_certificate *a = ctx;
	const struct test_match match = { .rule = a->rule,
					  .kind = a->kind,
					  .name = "login.example.com",
					  .domain = "example.com",
					  .certificate = a->certificate,
					  .index = 4711 + a->certificate,
					  .der = buf_slice(&a->der) };

	if (a->with_log)
		put_log(st, 0, "rfc6962");
	return test_add_with(st, &match, NULL, err);
}

static void add_certificate(struct bench *bench, const char *rule, const char *kind, uint64_t n)
{
	struct adding_certificate a = { .rule = rule, .kind = kind, .certificate = n, .with_log = true };

	buf_init(&a.der, 1u << 20);
	cert_build(&a.der, &(struct cert_build){ .issuer = "Let's Encrypt; rm -rf /", .cn = "`id`\n$(id)", .dns = NAMES, .serial_hex = "0003ab" });
	bench_job(bench, add_job, &a);
	buf_deinit(&a.der);
}

static void a_discovered_certificate_comes_with_every_variable_and_file(void **state)
{
	struct bench *bench = *state;

	start(bench, "");
	add_certificate(bench, "watch/.example.com", "watch", 1);
	assert_int_equal(bench_flush(bench), 0);
	char *text = read_text(bench->log), *json = kept(bench, "cert.v1.json"), *pem = kept(bench, "cert.pem"), *words = kept(bench, "text.txt");

	expect(text, "EVENT", "discovered_cert");
	expect(text, "SUMMARY", "Certificate Discovered for .example.com");
	expect(text, "WATCH_ITEM", ".example.com");
	expect(text, "LOG_URI", "https://log.example/");
	expect(text, "ENTRY_INDEX", "4712");
	expect(text, "SERIAL", "3ab");
	expect(text, "CERT_PARSEABLE", "yes");
	/* what a certificate says is a value, never a command, and its control characters are shown */
	expect(text, "SUBJECT_DN", "CN=`id`\\x0a$(id)");
	assert_non_null(strstr(text, "\nISSUER_DN="));
	static const char *const set[] = { "TBS_SHA256", "CERT_SHA256", "PUBKEY_SHA256", "NOT_BEFORE", "NOT_BEFORE_UNIXTIME", "NOT_BEFORE_RFC3339", "NOT_AFTER",
					   "NOT_AFTER_UNIXTIME", "NOT_AFTER_RFC3339", "FINGERPRINT", "PUBKEY_HASH", "CERT_FILENAME", "JSON_FILENAME",
					   "TEXT_FILENAME", "CTWATCH_ID" };
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		assert_non_null(value_of(text, set[i]).data);
	static const char *const unset[] = { "VALIDITY_PARSE_ERROR", "SUBJECT_PARSE_ERROR", "ISSUER_PARSE_ERROR", "SERIAL_PARSE_ERROR", "LEAF_HASH", "ENTRY_FILENAME" };
	for (size_t i = 0; i < ARRAY_LEN(unset); i++)
		expect_not(text, unset[i]);

	json_t *parsed = json_loads(json, 0, NULL);
	assert_non_null(parsed);
	assert_string_equal(json_string_value(json_array_get(json_object_get(parsed, "dns_names"), 0)), "login.example.com");
	assert_int_equal(json_array_size(json_object_get(parsed, "ip_addresses")), 0);
	assert_int_equal(json_string_length(json_object_get(parsed, "tbs_sha256")), 64);
	assert_int_equal(json_string_length(json_object_get(parsed, "pubkey_sha256")), 64);
	json_decref(parsed);
	assert_ptr_equal(strstr(pem, "-----BEGIN CERTIFICATE-----\n"), pem);
	assert_non_null(strstr(words, "login[.]example[.]com"));
	bench_stop(bench);
	free(text), free(json), free(pem), free(words);
}

static void files_are_private_and_removed_afterwards(void **state)
{
	struct bench *bench = *state;

	start(bench, "");
	add_certificate(bench, "brand/acme", "brand", 1);
	assert_int_equal(bench_flush(bench), 0);
	char *modes_path = xasprintf("%s/modes", bench->directory), *modes = read_text(modes_path), *text = read_text(bench->log);
	struct slice file = value_of(text, "TEXT_FILENAME");
	char *path = slice_dup_text(file);

	assert_ptr_equal(strstr(modes, "drwx------"), modes);
	assert_int_equal(access(path, F_OK), -1);
	*strrchr(path, '/') = '\0';
	assert_int_equal(access(path, F_OK), -1);
	expect(text, "WATCH_ITEM", "brand/acme");
	bench_stop(bench);
	free(modes_path), free(modes), free(text), free(path);
}

static void a_new_certificate_of_a_known_finding_runs_the_programs_again(void **state)
{
	struct bench *bench = *state;

	start(bench, "");
	add_certificate(bench, "watch/.example.com", "watch", 1);
	assert_int_equal(bench_flush(bench), 0);
	unlink(bench->log);
	add_certificate(bench, "watch/.example.com", "watch", 2);
	add_certificate(bench, "watch/.example.com", "watch", 3);
	assert_int_equal(bench_flush(bench), 0);
	char *text = read_text(bench->log);

	assert_non_null(strstr(text, "ENTRY_INDEX=4713\n"));
	assert_non_null(strstr(text, "ENTRY_INDEX=4714\n"));
	assert_int_equal(bench_rows(bench, "sent"), 3);
	bench_stop(bench);
	free(text);
}

static bool unreadable_job(void *ctx, struct state *st, struct error *err)
{
	const struct test_match match = { .rule = "watch/a.example", .kind = "watch", .name = "a.example", .domain = "a.example" };

	(void)ctx;
	return test_add_with(st, &match, NULL, err);
}

static void what_cannot_be_read_sets_the_parse_errors_instead(void **state)
{
	struct bench *bench = *state;

	start(bench, "");
	bench_job(bench, unreadable_job, NULL);
	assert_int_equal(bench_flush(bench), 0);
	char *text = read_text(bench->log);
	static const char *const set[] = { "VALIDITY_PARSE_ERROR", "SUBJECT_PARSE_ERROR", "ISSUER_PARSE_ERROR", "SERIAL_PARSE_ERROR", "JSON_FILENAME", "CERT_FILENAME" };
	static const char *const unset[] = { "NOT_BEFORE", "NOT_AFTER_UNIXTIME", "SUBJECT_DN", "ISSUER_DN", "SERIAL", "PUBKEY_SHA256" };

	expect(text, "CERT_PARSEABLE", "no");
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		assert_non_null(value_of(text, set[i]).data);
	for (size_t i = 0; i < ARRAY_LEN(unset); i++)
		expect_not(text, unset[i]);
	bench_stop(bench);
	free(text);
}

/* ---- malformed entries and errors --------------------------------------------------------------------------------- */

static bool malformed_job(void *ctx, struct state *st, struct error *err)
{
	struct hash log = test_hash(77);

	(void)ctx;
	put_log(st, 0, "rfc6962");
	return state_add_malformed(st, &log, 99, SLICE_LITERAL("no leaf"), "ends after 7 bytes; `reboot`", TEST_NOW_MS, err);
}

static void a_malformed_entry_comes_with_its_leaf(void **state)
{
	struct bench *bench = *state;
	struct hash hash = leaf_hash(SLICE_LITERAL("no leaf"));
	char wanted[BASE64_LEN(HASH_LEN) + 1];

	start(bench, "");
	bench_job(bench, malformed_job, NULL);
	assert_int_equal(bench_flush(bench), 0);
	char *text = read_text(bench->log), *entry = kept(bench, "entry.json");

	base64_encode(hash.bytes, HASH_LEN, wanted);
	expect(text, "EVENT", "malformed_cert");
	expect(text, "SUMMARY", "Unable to Parse Entry 99 in https://log.example/");
	expect(text, "ENTRY_INDEX", "99");
	expect(text, "LEAF_HASH", wanted);
	expect(text, "PARSE_ERROR", "ends after 7 bytes; `reboot`");
	expect_not(text, "CERT_FILENAME");
	assert_string_equal(entry, "{\"leaf_input\":\"bm8gbGVhZg==\",\"extra_data\":\"\"}");
	bench_stop(bench);
	free(text), free(entry);
}

static bool incident_job(void *ctx, struct state *st, struct error *err)
{
	char id[FINDING_ID_LEN + 1];
	bool opened;

	(void)ctx;
	return state_open_incident(st, NULL, "BLIND", "", "high", "no log has answered for an hour", NULL, TEST_NOW_MS, id, &opened, err);
}

static void an_incident_is_an_error_with_a_text(void **state)
{
	struct bench *bench = *state;

	start(bench, "");
	bench_job(bench, incident_job, NULL);
	assert_int_equal(bench_flush(bench), 0);
	char *text = read_text(bench->log), *words = kept(bench, "text.txt");

	expect(text, "EVENT", "error");
	expect_not(text, "CERT_FILENAME");
	expect_not(text, "WATCH_ITEM");
	assert_non_null(strstr(words, "no log has answered for an hour"));
	bench_stop(bench);
	free(text), free(words);
}

/* ---- which programs -------------------------------------------------------------------------------------------------- */

static void hidden_and_plain_files_are_not_run_and_the_others_run_in_order(void **state)
{
	struct bench *bench = *state;
	char *append = xasprintf("#!/bin/sh\necho \"ran $(basename $0)\" >>%s\n", bench->log);

	start(bench, "");
	put_program(bench, "10-print", 0755, append);
	put_program(bench, "20-second", 0755, append);
	put_program(bench, ".hidden", 0755, append);
	put_program(bench, "30-plain", 0644, append);
	bench_job(bench, incident_job, NULL);
	assert_int_equal(bench_flush(bench), 0);
	char *text = read_text(bench->log);

	assert_string_equal(text, "ran 10-print\nran 20-second\n");
	bench_stop(bench);
	free(text), free(append);
}

static void one_that_fails_holds_up_no_other_and_the_event_is_tried_again(void **state)
{
	struct bench *bench = *state;
	char *append = xasprintf("#!/bin/sh\necho ran >>%s\n", bench->log);

	start(bench, "");
	put_program(bench, "10-print", 0755, "#!/bin/sh\necho it went wrong >&2\nexit 3\n");
	put_program(bench, "20-second", 0755, append);
	bench_job(bench, incident_job, NULL);
	assert_int_equal(bench_flush(bench), 1);
	assert_int_equal(count_lines(bench->log), 1);
	assert_int_equal(bench_rows(bench, "waiting"), 1);
	put_program(bench, "10-print", 0755, append);
	bench->now_ms += 3600000;
	assert_int_equal(bench_flush(bench), 0);
	assert_int_equal(count_lines(bench->log), 3);
	bench_stop(bench);
	free(append);
}

static void one_that_does_not_end_is_ended_with_what_it_started(void **state)
{
	struct bench *bench = *state;
	char *slow = xasprintf("#!/bin/sh\n(sleep 30; echo late >>%s) &\nwait\n", bench->log);

	start(bench, ",\"time_limit\":\"1s\"");
	put_program(bench, "10-print", 0755, slow);
	bench_job(bench, incident_job, NULL);
	uint64_t began = uv_hrtime();
	assert_int_equal(bench_flush(bench), 1);
	assert_true(uv_hrtime() - began < 10000000000ull);
	bench_stop(bench);
	free(slow);
}

static void refuses_a_directory_that_is_not_there(void **state)
{
	struct bench *bench = *state;
	struct sink_set *sinks;
	struct error err;

	bench->config.alerts = json_loads("[{\"type\":\"hooks\",\"directory\":\"/nowhere/hooks.d\"}]", 0, NULL);
	assert_false(sink_set_new(&bench->config, STDOUT_NONE, &sinks, &err));
	assert_string_equal(err.text, "alerts: sink \"hooks\": there is no directory /nowhere/hooks.d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_discovered_certificate_comes_with_every_variable_and_file, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(files_are_private_and_removed_afterwards, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_new_certificate_of_a_known_finding_runs_the_programs_again, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_sets_the_parse_errors_instead, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(a_malformed_entry_comes_with_its_leaf, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(an_incident_is_an_error_with_a_text, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(hidden_and_plain_files_are_not_run_and_the_others_run_in_order, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(one_that_fails_holds_up_no_other_and_the_event_is_tried_again, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(one_that_does_not_end_is_ended_with_what_it_started, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(refuses_a_directory_that_is_not_there, bench_setup, bench_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
