/* Configuration: precedence, checks with sentences, secrets. */
#include "config.h"
#include "loglist.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char directory[64], path[96];
};

static int make_place(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	strcpy(p->directory, "/tmp/ctwatch-config-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	snprintf(p->path, sizeof(p->path), "%s/ctwatch.json", p->directory);
	unsetenv("CTWATCH_CONFIG");
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;
	char *command = xasprintf("rm -r '%s'", p->directory);

	assert_int_equal(system(command), 0);
	free(command);
	free(p);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The sentence for a configuration that must be refused. */
static const char *refusal(const struct place *p, const char *text, struct error *err)
{
	struct config c;

	write_file(p->path, text);
	assert_false(config_load(p->path, &c, err));
	assert_int_equal(err->kind, ERR_USAGE);
	return err->text;
}

static void load(const struct place *p, const char *text, struct config *c)
{
	struct error err = { 0 };

	write_file(p->path, text);
	if (!config_load(p->path, c, &err))
		fail_msg("%s", err.text);
}

static void works_without_any_file(void **state)
{
	struct place *p = *state;
	struct config c;
	struct error err = { 0 };

	setenv("CTWATCH_CONFIG", "", 1);
	load(p, "{}", &c);
	unsetenv("CTWATCH_CONFIG");
	assert_null(c.contact);
	assert_int_equal(c.log_lists.n, 2);
	assert_string_equal(c.log_include.items[0], "*");
	assert_int_equal(c.start, START_END);
	assert_int_equal(c.poll_ms, 60000);
	assert_int_equal(c.memory_bytes, 32 << 20);
	assert_int_equal(c.bandwidth_bytes, 0);
	assert_string_equal(c.rules.items[1], "watchlist");
	assert_string_equal(json_string_value(json_object_get(c.report, "weekday")), "monday");
	assert_int_equal(json_array_size(c.alerts), 0);
	struct retention r;
	config_retention(&c, &r);
	assert_int_equal(r.low_ms, 90LL * 86400000);
	assert_int_equal(r.malformed_per_log, 1000);
	assert_int_equal(r.certificates_per_finding, 100);
	config_deinit(&c);
	assert_false(config_load("/nonexistent/ctwatch.json", &c, &err));
	assert_non_null(strstr(err.text, "/nonexistent/ctwatch.json: No such file"));
}

static void environment_stands_over_the_file_and_options_over_both(void **state)
{
	struct place *p = *state;
	struct config c;
	struct error err = { 0 };

	setenv("CTWATCH_POLL", "2m", 1);
	setenv("CTWATCH_REPORT_WEEKDAY", "friday", 1);
	setenv("CTWATCH_LOGS_EXCLUDE", "*Xenon*, Let's Encrypt *", 1);
	setenv("CTWATCH_ALERTS", "[{\"type\":\"webhook\",\"url\":\"https://hooks.test/x\"}]", 1);
	load(p, "{\"poll\":\"90s\",\"contact\":\"soc@corp.test\",\"report\":{\"weekday\":\"tuesday\",\"time\":\"08:30\"}}", &c);
	unsetenv("CTWATCH_POLL");
	unsetenv("CTWATCH_REPORT_WEEKDAY");
	unsetenv("CTWATCH_LOGS_EXCLUDE");
	unsetenv("CTWATCH_ALERTS");
	assert_int_equal(c.poll_ms, 120000);
	assert_string_equal(c.contact, "soc@corp.test");
	assert_string_equal(json_string_value(json_object_get(c.report, "weekday")), "friday");
	assert_string_equal(json_string_value(json_object_get(c.report, "time")), "08:30");
	assert_int_equal(c.log_exclude.n, 2);
	assert_string_equal(c.log_exclude.items[1], "Let's Encrypt *");
	assert_int_equal(json_array_size(c.alerts), 1);
	assert_true(config_set(&c, "poll", "10s", &err));
	assert_int_equal(c.poll_ms, 10000);
	assert_string_equal(json_string_value(json_object_get(c.effective, "poll")), "10s");
	assert_false(config_set(&c, "pol", "10s", &err));
	assert_string_equal(err.text, "no key is called \"pol\"; did you mean \"poll\"?");
	config_deinit(&c);
}

static void a_variable_can_name_a_file_that_holds_the_value(void **state)
{
	struct place *p = *state;
	char *secret = xasprintf("%s/proxy", p->directory);
	struct config c;

	write_file(secret, "http://user:pass@proxy.test:3128\n");
	setenv("CTWATCH_PROXY_FILE", secret, 1);
	load(p, "{}", &c);
	unsetenv("CTWATCH_PROXY_FILE");
	assert_string_equal(c.proxy, "http://user:pass@proxy.test:3128");
	assert_string_equal(json_string_value(json_object_get(c.effective, "proxy")), "http://...@proxy.test:3128");
	config_deinit(&c);
	free(secret);
}

static void names_line_and_nearest_key_of_what_it_does_not_know(void **state)
{
	struct place *p = *state;
	struct error err = { 0 };

	assert_non_null(strstr(refusal(p, "{\n \"poll\": \"60s\",\n \"loglists\": []\n}", &err),
			       "ctwatch.json: line 3: no key is called \"loglists\"; did you mean \"log_lists\"?"));
	assert_non_null(strstr(refusal(p, "{\n \"report\": {\n  \"time\": \"07:00\",\n\n  \"weekdya\": \"monday\"}}", &err),
			       "line 5: no key is called \"report.weekdya\"; did you mean \"report.weekday\"?"));
	assert_non_null(strstr(refusal(p, "{\"weekday\":\"monday\"}", &err), "line 1: no key is called \"weekday\"; did you mean \"report.weekday\"?"));
	assert_non_null(strstr(refusal(p, "{\"zzzzzzzzzzzzzzzz\":1}", &err), "`ctwatch config keys` lists them"));
	assert_non_null(strstr(refusal(p, "{\"report.weekdai\":\"monday\"}", &err), "line 1: no key is called \"report.weekdai\""));
	/* the same word inside another value is not the key's line */
	assert_non_null(strstr(refusal(p, "{\"contact\":\"pool@x.test\",\n\"rules\":[\"pool\",{\"pool\":1}],\n\"pool\":1}", &err), "line 2"));
	assert_non_null(strstr(refusal(p, "{\"contact\":\"pool@x.test\",\n\"rules\":[\"pool\"],\n\"alerts\":[{\"type\":\"x\",\"pool\":[1,{}]}],\n\"pool\":1}", &err),
			       "line 4: no key is called \"pool\"; did you mean \"poll\"?"));
}

static void refuses_what_does_not_fit_with_a_sentence(void **state)
{
	static const char *const cases[][2] = {
		{ "[1]", "expected an object" },
		{ "{\"poll\":60}", "\"poll\": expected a duration such as 90s, 12h or 7d, found a number" },
		{ "{\"poll\":\"soon\"}", "found \"soon\"" },
		{ "{\"poll\":\"1s\"}", "\"poll\": expected 5 s to 1 h 0 min, found 1s" },
		{ "{\"poll\":\"2h\"}", "found 2h" },
		{ "{\"contact\":\"nobody\"}", "expected an e-mail address or an https:// URL, found \"nobody\"" },
		{ "{\"contact\":\"me@example.com\"}", "logs treat example.com as no address" },
		{ "{\"log_lists\":[\"http://lists.test/x.json\"]}", "plain http:// is accepted for loopback addresses only" },
		{ "{\"log_lists\":[\"ftp://lists.test/x.json\"]}", "expected a URL that begins with https://" },
		{ "{\"log_lists\":\"https://lists.test/x.json\"}", "expected a list of at most 10000 texts, found a text" },
		{ "{\"rules\":[1]}", "item 1: expected a text, found a number" },
		{ "{\"start\":\"yesterday\"}", "expected end, beginning or a time" },
		{ "{\"bandwidth_limit\":\"40 parsecs\"}", "expected a bandwidth such as 40 Mbit/s" },
		{ "{\"bandwidth_limit\":\"0 B/s\"}", "expected a bandwidth" },
		{ "{\"memory_bytes\":\"1 kB\"}", "\"memory_bytes\": expected 4.2 MB to" },
		{ "{\"memory_bytes\":-5}", "found a number" },
		{ "{\"listen\":\"8080\"}", "expected an address and a port" },
		{ "{\"listen\":\"::1:8080\"}", "[::1]:8080" },
		{ "{\"listen\":\"127.0.0.1:99999\"}", "expected an address and a port" },
		{ "{\"timezone\":\"../../etc/passwd\"}", "expected a time zone" },
		{ "{\"timezone\":\"Europe/Nowhere\"}", "found \"Europe/Nowhere\"" },
		{ "{\"report\":{\"weekday\":\"Moonday\"}}", "\"report.weekday\": expected monday" },
		{ "{\"report\":{\"time\":\"7 Uhr\"}}", "expected a time from 00:00 to 23:59" },
		{ "{\"report\":{\"time\":\"24:00\"}}", "expected a time from 00:00 to 23:59" },
		{ "{\"report\":{\"time\":\"07:60\"}}", "expected a time from 00:00 to 23:59" },
		{ "{\"report\":{\"formats\":[\"pdf\"]}}", "expected html, md, csv or json, found \"pdf\"" },
		{ "{\"report\":7}", "\"report\": expected an object" },
		{ "{\"retention\":{\"low\":\"1h\"}}", "\"retention.low\": expected 24 h 0 min to" },
		{ "{\"retention\":{\"malformed\":\"many\"}}", "expected a count such as 1000" },
		{ "{\"alerts\":{}}", "expected a list of objects, found an object" },
		{ "{\"alerts\":[{\"url\":\"https://x.test\"}]}", "item 1: expected a \"type\"" },
		{ "{\"triage\":[]}", "expected an object, found a list" },
		{ "{\"public_url\":\"ctwatch.test\"}", "expected an http:// or https:// URL" },
		{ "{\"state\":\"\"}", "expected a path" },
		{ "{\"logs\":{\"include\":[\"*otter*\"],\"exclude\":[\"*Otter*\"]}}", "contradict each other: both have" },
		{ "{\"timezone\":\"Europe\"}", "expected a time zone" },
		{ "{\"report\":{\"mail\":[\"soc\"]}}", "item 1: expected a mail address" },
		{ "{\"allow_http\":[\"https://\"]}", "\"allow_http\": item 1: " },
		{ "{\"tls_unverified\":[\"https://*.log.test/\"]}", "item 1: expected a host such as" },
		{ "{\"poll\":\"60s\",\"poll\":\"61s\"}", "duplicate" },
		{ "{\"poll\":\"60s\"", "line 1: expected JSON" },
		{ "{\"contact\":\"a\\u0000@b\"}", "is not allowed" },
	};
	struct place *p = *state;
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strstr(refusal(p, cases[i][0], &err), cases[i][1]) == NULL)
			fail_msg("%s: expected \"...%s...\", got \"%s\"", cases[i][0], cases[i][1], err.text);
}

static void what_editors_and_empty_files_leave_is_understood(void **state)
{
	struct place *p = *state;
	struct error err = { 0 };
	struct config c;

	load(p, "\xef\xbb\xbf{\"poll\":\"61s\"}", &c);
	assert_int_equal(c.poll_ms, 61000);
	config_deinit(&c);
	assert_non_null(strstr(refusal(p, "", &err), "ctwatch.json: the file is empty; write {} for the defaults"));
	assert_non_null(strstr(refusal(p, "\xef\xbb\xbf \r\n", &err), "the file is empty"));
	assert_non_null(strstr(refusal(p, "\xff\xfe{", &err), "the file is UTF-16: save it as UTF-8"));
}

static void a_variable_that_belongs_to_no_key_is_refused_with_the_nearest(void **state)
{
	struct place *p = *state;
	struct error err = { 0 };
	struct config c;

	setenv("CTWATCH_CONTCAT", "x", 1);
	assert_string_equal(refusal(p, "{}", &err), "environment: no key belongs to the variable CTWATCH_CONTCAT; did you mean CTWATCH_CONTACT?");
	unsetenv("CTWATCH_CONTCAT");
	setenv("CTWATCH_CONTACT_FIEL", "x", 1);
	assert_non_null(strstr(refusal(p, "{}", &err), "CTWATCH_CONTACT_FIEL"));
	unsetenv("CTWATCH_CONTACT_FIEL");
	setenv("CTWATCH_ZZZZZZZZZ", "x", 1);
	assert_non_null(strstr(refusal(p, "{}", &err), "`ctwatch config keys` lists them"));
	/* a secret may be called anything, where the configuration names it */
	load(p, "{\"alerts\":[{\"type\":\"mail\",\"password_env\":\"CTWATCH_ZZZZZZZZZ\"}]}", &c);
	config_deinit(&c);
	unsetenv("CTWATCH_ZZZZZZZZZ");
	/* container platforms describe a service that is called ctwatch */
	setenv("CTWATCH_SERVICE_HOST", "10.0.0.1", 1);
	setenv("CTWATCH_PORT_8080_TCP_ADDR", "10.0.0.1", 1);
	load(p, "{}", &c);
	config_deinit(&c);
	unsetenv("CTWATCH_SERVICE_HOST");
	unsetenv("CTWATCH_PORT_8080_TCP_ADDR");
	setenv("CTWATCH_POLL", "60s", 1);
	setenv("CTWATCH_POLL_FILE", "/nowhere", 1);
	assert_non_null(strstr(refusal(p, "{}", &err), "CTWATCH_POLL and CTWATCH_POLL_FILE contradict each other"));
	unsetenv("CTWATCH_POLL");
	unsetenv("CTWATCH_POLL_FILE");
}

static void count_note(void *ctx, const char *sentence)
{
	struct buf *all = ctx;

	buf_printf(all, "%s\n", sentence);
}

static void hosts_are_read_out_of_urls_and_what_is_not_used_yet_is_noted(void **state)
{
	struct place *p = *state;
	struct config c;
	struct buf notes;

	buf_init(&notes, 4096);
	load(p, "{\"logs\":{\"exclude\":[\"*\"]},\"allow_http\":[\"http://Log.Intern:8080/x\",\"10.0.0.1\"],\"no_keepalive\":[\"*.slow.test\"],\"listen\":\"127.0.0.1:1\",\"rules\":[],"
		"\"triage\":{\"allow\":[{\"domain\":\"https://www.partner.example/\",\"why\":\"x\"}]}}", &c);
	assert_string_equal(c.allow_http.items[0], "log.intern");
	assert_string_equal(c.allow_http.items[1], "10.0.0.1");
	assert_string_equal(c.no_keepalive.items[0], "*.slow.test");
	config_each_note(&c, count_note, &notes);
	assert_string_equal(buf_text(&notes), "\"listen\" is not used yet: this version has no web interface\n"
					      "\"allow_http\": \"http://Log.Intern:8080/x\" is read as log.intern\n"
					      "\"triage.allow\": \"https://www.partner.example/\" is read as partner.example\n"
					      "\"rules\" is empty: logs are read and checked, and nothing is looked for in them\n"
					      "\"logs.exclude\" has \"*\", so no log is read\n");
	buf_deinit(&notes);
	config_deinit(&c);
}

static void an_empty_secret_is_said(void **state)
{
	struct place *p = *state;
	char *file = xasprintf("%s/secret", p->directory), *value = NULL;
	static const char *const contents[] = { "", "\n", "\xef\xbb\xbf\r\n" };
	struct error err = { 0 };
	struct config c;

	load(p, "{}", &c);
	json_t *sink = json_pack("{s:s}", "password_file", "secret");
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		write_file(file, contents[i]);
		assert_false(config_secret(&c, sink, "password", &value, &err));
		assert_non_null(strstr(err.text, "secret is empty: it should hold the secret"));
	}
	json_decref(sink);
	config_deinit(&c);
	free(file);
}

static void keys_that_begin_with_an_underscore_are_comments(void **state)
{
	struct config c;

	load(*state, "{\"_\":\"about\",\"_poll\":5,\"poll\":\"30s\",\"report\":{\"_why\":[1]},\"alerts\":[{\"type\":\"x\",\"_note\":1,\"in\":{\"_a\":1}}]}", &c);
	assert_int_equal(c.poll_ms, 30000);
	assert_int_equal(json_object_size(json_array_get(c.alerts, 0)), 2);
	assert_int_equal(json_object_size(json_object_get(json_array_get(c.alerts, 0), "in")), 0);
	config_deinit(&c);
}

static void paths_are_relative_to_the_file_and_packs_stay_names(void **state)
{
	struct place *p = *state;
	struct config c;
	char *expected = xasprintf("%s/brands.json", p->directory);

	load(p, "{\"rules\":[\"tag53\",\"brands.json\",\"/abs/x.json\"],\"state\":\"var\",\"log_lists\":[\"lists/a.json\",\"https://l.test/b.json\"]}", &c);
	assert_string_equal(c.rules.items[0], "tag53");
	assert_string_equal(c.rules.items[1], expected);
	assert_string_equal(c.rules.items[2], "/abs/x.json");
	assert_string_equal(c.log_lists.items[1], "https://l.test/b.json");
	assert_true(c.log_lists.items[0][0] == '/');
	assert_int_equal(strncmp(c.state, p->directory, strlen(p->directory)), 0);
	char *resolved = config_resolve(&c, "brands.json");
	assert_string_equal(resolved, expected);
	free(resolved);
	free(expected);
	config_deinit(&c);
}

static void shows_everything_but_secrets(void **state)
{
	struct config c;

	load(*state,
	     "{\"alerts\":[{\"type\":\"slack\",\"url\":\"https://hooks.slack.test/services/T0000/B0000/abcdefghijklmnopqrst\"},"
	     "{\"type\":\"mail\",\"url\":\"smtps://me:topsecret@mail.test\",\"password\":\"hunter2\",\"password_file\":\"/run/p\"},"
	     "{\"type\":\"webhook\",\"url\":\"https://x.test/hook?token=verysecret\",\"hmac_secret\":\"verysecret\",\"headers\":{\"X-Api\":\"verysecret\"}}]}",
	     &c);
	char *text = json_dumps(c.effective, JSON_COMPACT);
	assert_null(strstr(text, "abcdefghijklmnopqrst"));
	assert_null(strstr(text, "topsecret"));
	assert_null(strstr(text, "hunter2"));
	assert_null(strstr(text, "verysecret"));
	assert_non_null(strstr(text, "https://hooks.slack.test/..."));
	assert_non_null(strstr(text, "smtps://...@mail.test"));
	assert_non_null(strstr(text, "\"password_file\":\"/run/p\""));
	assert_non_null(strstr(text, "https://www.gstatic.com/ct/log_list/v3/all_logs_list.json"));
	free(text);
	config_deinit(&c);
}

static void a_secret_comes_from_a_value_a_file_or_the_environment_but_from_one_of_them(void **state)
{
	struct place *p = *state;
	char *file = xasprintf("%s/secret", p->directory), *value = NULL;
	struct error err = { 0 };
	struct config c;

	load(p, "{}", &c);
	write_file(file, "from file\r\n");
	setenv("CORE_TEST_SECRET", "from environment", 1);
	json_t *sink = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "a", "plain", "b_file", "secret", "c_env", "CORE_TEST_SECRET", "d", "x", "d_file", "y",
				 "e", 5);
	assert_true(config_secret(&c, sink, "a", &value, &err));
	assert_string_equal(value, "plain");
	free(value);
	assert_true(config_secret(&c, sink, "b", &value, &err));
	assert_string_equal(value, "from file");
	free(value);
	assert_true(config_secret(&c, sink, "c", &value, &err));
	assert_string_equal(value, "from environment");
	free(value);
	assert_true(config_secret(&c, sink, "none", &value, &err));
	assert_null(value);
	assert_false(config_secret(&c, sink, "d", &value, &err));
	assert_string_equal(err.text, "expected only one of \"d\", \"d_file\" and \"d_env\"");
	assert_false(config_secret(&c, sink, "e", &value, &err));
	assert_string_equal(err.text, "\"e\": expected a text");
	unlink(file);
	assert_false(config_secret(&c, sink, "b", &value, &err));
	assert_non_null(strstr(err.text, "\"b_file\": cannot read"));
	unsetenv("CORE_TEST_SECRET");
	assert_false(config_secret(&c, sink, "c", &value, &err));
	assert_non_null(strstr(err.text, "no variable CORE_TEST_SECRET"));
	json_decref(sink);
	config_deinit(&c);
	free(file);
}

static void reads_bandwidths_and_sizes(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(bandwidth_parse(SLICE_LITERAL("40 Mbit/s"), &n));
	assert_int_equal(n, 5000000);
	assert_true(bandwidth_parse(SLICE_LITERAL("5MB/s"), &n));
	assert_int_equal(n, 5000000);
	assert_true(bandwidth_parse(SLICE_LITERAL("none"), &n));
	assert_int_equal(n, 0);
	assert_true(size_parse(SLICE_LITERAL("32 MiB"), &n));
	assert_int_equal(n, 33554432);
	assert_true(size_parse(SLICE_LITERAL("500 kB"), &n));
	assert_int_equal(n, 500000);
	assert_false(bandwidth_parse(SLICE_LITERAL(""), &n));
	assert_false(bandwidth_parse(SLICE_LITERAL("-4 MB/s"), &n));
	assert_false(bandwidth_parse(SLICE_LITERAL("4 MB"), &n));
	assert_false(bandwidth_parse(SLICE_LITERAL("18446744073709551615 GB/s"), &n));
	assert_false(size_parse(SLICE_LITERAL("12 MiB/s"), &n));
	assert_false(size_parse(SLICE_LITERAL("1.5 MB"), &n));
}

static void a_file_has_a_ceiling_and_a_sentence(void **state)
{
	struct place *p = *state;
	struct buf content = { 0 };
	struct error err = { 0 };

	write_file(p->path, "12345");
	assert_true(file_read(p->path, 5, &content, &err));
	assert_int_equal(content.len, 5);
	buf_deinit(&content);
	assert_false(file_read(p->path, 4, &content, &err));
	assert_non_null(strstr(err.text, "is longer than the 4 bytes"));
	assert_false(file_read(p->directory, 4, &content, &err));
	assert_non_null(strstr(err.text, "it is a directory"));
}

static void every_key_has_a_sentence_and_a_default_that_its_own_check_accepts(void **state)
{
	struct place *p = *state;
	struct error err = { 0 };
	struct config c;
	size_t n;
	struct config_key *keys = config_keys(&n);

	load(p, "{}", &c);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(keys[i].help) > 20);
		assert_int_equal(keys[i].help[strlen(keys[i].help) - 1], '.');
		if (keys[i].default_text[0] != '\0' && !config_set(&c, keys[i].name, keys[i].default_text, &err))
			fail_msg("%s", err.text);
	}
	free(keys);
	config_deinit(&c);
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(works_without_any_file),
		IN_PLACE(environment_stands_over_the_file_and_options_over_both),
		IN_PLACE(a_variable_can_name_a_file_that_holds_the_value),
		IN_PLACE(names_line_and_nearest_key_of_what_it_does_not_know),
		IN_PLACE(refuses_what_does_not_fit_with_a_sentence),
		IN_PLACE(an_empty_secret_is_said),
		IN_PLACE(hosts_are_read_out_of_urls_and_what_is_not_used_yet_is_noted),
		IN_PLACE(a_variable_that_belongs_to_no_key_is_refused_with_the_nearest),
		IN_PLACE(what_editors_and_empty_files_leave_is_understood),
		IN_PLACE(keys_that_begin_with_an_underscore_are_comments),
		IN_PLACE(paths_are_relative_to_the_file_and_packs_stay_names),
		IN_PLACE(shows_everything_but_secrets),
		IN_PLACE(a_secret_comes_from_a_value_a_file_or_the_environment_but_from_one_of_them),
		IN_PLACE(a_file_has_a_ceiling_and_a_sentence),
		IN_PLACE(every_key_has_a_sentence_and_a_default_that_its_own_check_accepts),
		cmocka_unit_test(reads_bandwidths_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
