/* The report's document and its formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "prose.h"
#include "report_kit.h"
#include "state_fill.h"

#define DAY_MS 86400000ll

static int set_up(void **state)
{
	*state = temp_state_open();
	return 0;
}

static int tear_down(void **state)
{
	temp_state_close(*state);
	return 0;
}

static json_int_t number(const json_t *document, const char *member, const char *key)
{
	const json_t *value = json_object_get(json_object_get(document, member), key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* Any sentence of the summary that contains `words`. */
static bool says(const json_t *document, const char *words)
{
	static const char *const parts[] = { "happened", "means", "decide" };
	json_t *sentence;
	size_t k;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		json_array_foreach(json_object_get(json_object_get(document, "summary"), parts[i]), k, sentence)
			if (strstr(json_string_value(sentence), words) != NULL)
				return true;
	return false;
}

static void put_log(struct state *st, int64_t added_ms)
{
	const struct state_log log = { .log_id = test_hash(77), .name = (char *)"Log 'Argon'", .url = (char *)"https://log.example/", .log_operator = (char *)"Somebody",
				       .protocol = (char *)"rfc6962", .lifecycle = (char *)"usable", .added_ms = added_ms, .sunset_ms = INT64_MAX };
	struct error err;

	if (!state_put_log(st, &log, &err))
		fail_msg("%s", err.text);
}

static void count_entries(struct state *st, int64_t day_ms, uint64_t entries)
{
	struct state_counters counters = { .entries = entries, .lets_encrypt = entries / 2, .verified = entries, .last_entry_ms = day_ms };
	const struct hash log_id = test_hash(77);
	struct error err;

	counters.delay[5] = entries;
	if (!state_add_counters(st, &log_id, day_ms, &counters, &err))
		fail_msg("%s", err.text);
}

/* ---- the document ------------------------------------------------------------------------------------------------------ */

static void an_empty_state_says_that_nothing_was_read(void **state)
{
	struct report_options options = week_options();
	json_t *document = report_document(*state, &options);

	assert_true(says(document, "No entries were read"));
	assert_true(says(document, "Nothing was flagged"));
	assert_int_equal(json_array_size(json_object_get(document, "findings")), 0);
	/* a day without anything is a row, not a gap */
	assert_int_equal(json_array_size(json_object_get(document, "by_day")), 8);
	assert_int_equal(json_array_size(json_object_get(json_object_get(document, "coverage"), "days")), 8);
	json_decref(document);
	for (enum report_format format = 0; format < N_REPORT_FORMATS; format++) {
		char *text = report_text(*state, &options, format);

		assert_true(strlen(text) > 100);
		free(text);
	}
}

static void a_first_partial_week_says_so_and_compares_nothing(void **state)
{
	struct report_options options = week_options();

	put_log(*state, TEST_NOW_MS - 2 * DAY_MS);
	count_entries(*state, TEST_NOW_MS - DAY_MS, 1000);
	add_finding(*state, (struct test_match){ .index = 1 }, NULL, NULL);
	json_t *document = report_document(*state, &options);

	assert_true(says(document, "not a whole range"));
	assert_false(says(document, "time before"));
	assert_true(json_is_true(json_object_get(json_object_get(document, "coverage"), "partial")));
	json_decref(document);
}

static void a_whole_week_is_compared_with_the_week_before(void **state)
{
	struct report_options options = week_options();

	put_log(*state, TEST_NOW_MS - 30 * DAY_MS);
	count_entries(*state, TEST_NOW_MS - DAY_MS, 1000);
	for (uint64_t i = 0; i < 3; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "acme-%d.com", (int)i);
		add_finding(*state, (struct test_match){ .domain = domain, .name = domain, .index = i, .certificate = i }, NULL, NULL);
	}
	add_finding(*state, (struct test_match){ .domain = "acme-old.com", .index = 9, .certificate = 9, .now_ms = TEST_NOW_MS - 8 * DAY_MS, .timestamp_ms = TEST_NOW_MS - 8 * DAY_MS }, NULL, NULL);
	json_t *document = report_document(*state, &options);

	assert_false(says(document, "not a whole range"));
	assert_true(says(document, "1 000 entries were read from 1 logs, 500 of them"));
	assert_true(says(document, "100.0 % of the entries"));
	assert_true(says(document, "3 names were flagged, with 3 findings"));
	assert_true(says(document, "2 more than in the time before (1 findings)"));
	assert_int_equal(number(document, "totals", "findings"), 3);
	assert_int_equal(number(document, "totals_before", "findings"), 1);
	json_decref(document);
	/* the range before may be of another length: only what it covers is compared */
	options.before_ms = options.since_ms - DAY_MS / 2;
	document = report_document(*state, &options);
	assert_int_equal(number(document, "totals_before", "findings"), 0);
	json_decref(document);
}

static void what_was_dismissed_stands_apart_with_who_and_why(void **state)
{
	struct report_options options = week_options();
	char id[FINDING_ID_LEN + 1];

	add_finding(*state, (struct test_match){ .index = 1 }, "dismissed", id);
	add_finding(*state, (struct test_match){ .domain = "acme-two.com", .name = "acme-two.com", .index = 2, .certificate = 2 }, "confirmed", NULL);
	json_t *document = report_document(*state, &options), *row = json_array_get(json_object_get(document, "dismissed"), 0);

	assert_int_equal(json_array_size(json_object_get(document, "findings")), 1);
	assert_string_equal(json_string_value(json_object_get(row, "id")), id);
	assert_string_equal(json_string_value(json_object_get(row, "why")), "ours");
	assert_string_equal(json_string_value(json_object_get(row, "who")), "tester");
	assert_true(says(document, "1 of these findings was dismissed"));
	assert_int_equal(number(document, "triage", "new"), 0);
	assert_int_equal(number(document, "triage", "confirmed"), 1);
	assert_false(says(document, "that nobody has looked at"));
	json_decref(document);
}

static void a_name_that_several_rules_found_counts_once_and_stands_together(void **state)
{
	struct report_options options = week_options();

	add_finding(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 1, .score = 99 }, NULL, NULL);
	add_finding(*state, (struct test_match){ .domain = "acme-two.com", .name = "acme-two.com", .index = 2, .certificate = 2, .score = 90 }, NULL, NULL);
	add_finding(*state, (struct test_match){ .index = 1, .score = 70 }, NULL, NULL);
	json_t *document = report_document(*state, &options), *list = json_object_get(document, "findings");

	assert_int_equal(number(document, "totals", "findings"), 3);
	assert_int_equal(number(document, "totals", "names"), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "rule")), "naming/tag53");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "rule")), "brand/acme");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "registrable_domain")), "acme-login.com");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 2), "registrable_domain")), "acme-two.com");
	/* each word of a name counts once a name */
	json_t *term = json_array_get(json_object_get(document, "terms"), 0);
	assert_string_equal(json_string_value(json_object_get(term, "term")), "acme");
	assert_int_equal(json_integer_value(json_object_get(term, "names")), 2);
	json_decref(document);
	char *html = report_text(*state, &options, REPORT_HTML);
	assert_int_equal(count_text(html, "<article"), 2);
	free(html);
}

static void one_name_found_by_several_rules_is_no_cluster(void **state)
{
	struct report_options options = week_options();

	add_finding(*state, (struct test_match){ .rule = "naming/tag53", .kind = "naming", .index = 1 }, NULL, NULL);
	add_finding(*state, (struct test_match){ .index = 1 }, NULL, NULL);
	json_t *document = report_document(*state, &options);
	assert_int_equal(json_array_size(json_object_get(document, "clusters")), 0);
	json_decref(document);
	add_finding(*state, (struct test_match){ .domain = "acme-two.com", .name = "acme-two.com", .index = 2, .certificate = 2 }, NULL, NULL);
	document = report_document(*state, &options);
	assert_int_equal(json_array_size(json_object_get(document, "clusters")), 1);
	json_decref(document);
}

static void packs_say_how_much_they_find_by_year(void **state)
{
	struct report_options options = week_options();

	options.rules_json = "{\"packs\":[{\"id\":\"p\",\"source\":\"p\",\"actor\":{\"name\":\"GROUP-1\",\"overlaps\":[\"Other\"]},\"recall\":[{\"year\":2022,\"names\":38,\"found\":31,"
			     "\"how\":\"leave one out\"},{\"year\":2024,\"how\":\"random words\"}],\"limits\":\"hyphens only\",\"indicators\":[{\"published\":\"2022-12\",\"domains\":38,"
			     "\"addresses\":2,\"source\":\"Somebody\"}],\"naming\":{\"min_score\":60,\"terms\":50}}]}";
	for (enum report_format format = REPORT_HTML; format <= REPORT_MARKDOWN; format++) {
		char *text = report_text(*state, &options, format);

		assert_non_null(strstr(text, format == REPORT_HTML ? "GROUP-1, also reported as Other" : "GROUP\\-1, also reported as Other"));
		assert_non_null(strstr(text, format == REPORT_HTML ? "31 of 38 names (82 %)" : "31 of 38 names \\(82 %\\)"));
		assert_non_null(strstr(text, "leave one out"));
		assert_non_null(strstr(text, "not measured"));
		assert_non_null(strstr(text, "hyphens only"));
		assert_non_null(strstr(text, "2022"));
		assert_null(strstr(text, "2 022"));
		free(text);
	}
}

static void sectors_of_the_organisations_are_counted(void **state)
{
	struct report_options options = week_options();

	options.brands_json = "[{\"id\":\"acme\",\"name\":\"Acme\",\"sectors\":[\"defence\",\"logistics\"]},{\"id\":\"b\",\"name\":\"Bolt\",\"sectors\":[\"defence\"]}]";
	add_finding(*state, (struct test_match){ .index = 1 }, NULL, NULL);
	add_finding(*state, (struct test_match){ .rule = "brand/b", .brand = "Bolt", .domain = "bolt-two.com", .name = "bolt-two.com", .index = 2, .certificate = 2 }, NULL, NULL);
	json_t *document = report_document(*state, &options), *row = json_array_get(json_object_get(document, "by_sector"), 0);

	assert_string_equal(json_string_value(json_object_get(row, "sector")), "defence");
	assert_int_equal(json_integer_value(json_object_get(row, "organisations")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "findings")), 2);
	assert_int_equal(json_array_size(json_object_get(document, "targets")), 2);
	json_decref(document);
}

static void ranges_that_end_before_they_begin_are_refused(void **state)
{
	struct report_options options = week_options();
	json_t *document;
	struct error err;

	options.until_ms = options.since_ms;
	assert_false(report_gather(*state, &options, &document, &err));
	assert_int_equal(err.kind, ERR_USAGE);
}

/* ---- formats --------------------------------------------------------------------------------------------------------------- */

static void the_same_state_range_and_time_give_the_same_bytes(void **state)
{
	struct state_fill fill = { .n_findings = 400, .sightings_per_finding = 4, .since_ms = TEST_NOW_MS - 6 * DAY_MS, .until_ms = TEST_NOW_MS, .small = true };
	struct report_options options = week_options();
	struct error err;

	assert_true(state_fill(*state, &fill, &err));
	for (enum report_format format = 0; format < N_REPORT_FORMATS; format++) {
		char *once = report_text(*state, &options, format), *again = report_text(*state, &options, format);

		assert_string_equal(once, again);
		free(once);
		free(again);
	}
}

static void a_large_week_stays_a_readable_page_and_the_csv_has_every_row(void **state)
{
	struct state_fill fill = { .n_findings = 1500, .sightings_per_finding = 2, .since_ms = TEST_NOW_MS - 6 * DAY_MS, .until_ms = TEST_NOW_MS, .small = true };
	struct report_options options = week_options();
	struct error err;

	assert_true(state_fill(*state, &fill, &err));
	json_t *document = report_document(*state, &options);
	json_int_t total = number(document, "totals", "findings");
	assert_int_equal(json_array_size(json_object_get(document, "findings")), 100);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(document, "by_severity"), 0), "key")), "critical");
	json_decref(document);
	char *html = report_text(*state, &options, REPORT_HTML), *csv = report_text(*state, &options, REPORT_CSV);
	assert_true(strlen(html) < 200000);
	assert_int_equal(count_text(html, "<article"), 20);
	assert_non_null(strstr(html, "the CSV report has them all"));
	assert_true(total > 500);
	assert_int_equal(count_text(csv, "\r\n"), (size_t)total + 1);
	free(html);
	free(csv);
}

/* A page that is well-formed: each tag that opens is closed in order, and no tag or attribute is one that we do not write. */
static void expect_only_our_tags(const char *html)
{
	static const char *const known[] = { "html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "div", "b", "ul", "li", "nav", "a", "article", "span",
					     "code", "br", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "rect", "text", "line", "!DOCTYPE", "img" };

	for (const char *at = html; (at = strchr(at, '<')) != NULL; at++) {
		const char *name = at + 1 + (at[1] == '/');
		size_t len = strcspn(name, " >/\n");
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || (strlen(known[i]) == len && memcmp(known[i], name, len) == 0);
		if (!found)
			fail_msg("a tag that is not ours: %.60s", at);
	}
}

static void hostile_text_in_every_field_stays_text_in_html(void **state)
{
	struct report_options options = week_options();

	options.title = HOSTILE;
	options.timezone = HOSTILE;
	options.rules_json = "{\"packs\":[{\"id\":\"<script>\",\"actor\":{\"name\":\"<script>x\"},\"limits\":\"</li><script>\"}]}";
	add_hostile(*state);
	char *html = report_text(*state, &options, REPORT_HTML);

	expect_only_our_tags(html);
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "<img"));
	assert_int_equal(count_text(html, "</style>"), 1);
	assert_int_equal(count_text(html, "</title>"), count_text(html, "<title>"));
	assert_null(strstr(html, "\x1b"));
	assert_null(strstr(html, "\xe2\x80\xae"));
	assert_null(strstr(html, "\xff"));
	/* shown, and not to be clicked */
	assert_non_null(strstr(html, "&lt;script&gt;alert(1)"));
	assert_null(strstr(html, "www.evil"));
	assert_true(utf8_valid(slice_text(html)));
	free(html);
}

static void hostile_text_in_every_field_stays_text_in_markdown(void **state)
{
	struct report_options options = week_options();

	options.title = HOSTILE;
	add_hostile(*state);
	char *markdown = report_text(*state, &options, REPORT_MARKDOWN);

	/* what CommonMark would read as a tag, a link or code has a backslash before it */
	for (const char *at = markdown; (at = strpbrk(at, "<>[`")) != NULL; at++)
		assert_true(at > markdown && at[-1] == '\\');
	assert_null(strstr(markdown, "\n# heading"));
	assert_null(strstr(markdown, "\x1b"));
	assert_null(strstr(markdown, "http://"));
	assert_null(strstr(markdown, "www.evil"));
	assert_int_equal(count_text(markdown, "\n# ") + (strncmp(markdown, "# ", 2) == 0), 1);
	free(markdown);
}

/* A reader of RFC 4180: calls back for each cell. */
static size_t each_cell(const char *csv, void (*see)(const char *cell, size_t len))
{
	size_t rows = 0;

	while (*csv != '\0') {
		bool quoted = *csv == '"';
		const char *start = csv += quoted;

		if (quoted)
			for (; csv[0] != '"' || csv[1] == '"'; csv += 1 + (csv[0] == '"'))
				assert_true(*csv != '\0');
		else
			csv += strcspn(csv, ",\r\n\"");
		see(start, (size_t)(csv - start));
		csv += quoted;
		if (*csv == ',') {
			csv++;
			continue;
		}
		assert_memory_equal(csv, "\r\n", 2);
		csv += 2;
		rows++;
	}
	return rows;
}

static void expect_no_formula(const char *cell, size_t len)
{
	assert_true(len == 0 || strchr("=+-@\t\r\n", cell[0]) == NULL);
	for (size_t i = 0; i < len; i++)
		assert_true((unsigned char)cell[i] >= 0x20);
}

static void hostile_text_in_every_field_stays_a_cell_in_csv(void **state)
{
	struct report_options options = week_options();

	add_hostile(*state);
	add_finding(*state, (struct test_match){ .name = "=1+1.acme-login.com", .domain = "@sum(a1).com", .brand = "-2+3", .index = 40, .certificate = 40 }, NULL, NULL);
	char *csv = report_text(*state, &options, REPORT_CSV);

	assert_int_equal(each_cell(csv, expect_no_formula), 1 + 7);
	free(csv);
	struct export_options exporting = now_options();
	csv = export_text(*state, "csv", &exporting, NULL);
	assert_true(each_cell(csv, expect_no_formula) > 2);
	free(csv);
}

static void json_of_a_hostile_state_is_json(void **state)
{
	struct report_options options = week_options();

	add_hostile(*state);
	char *text = report_text(*state, &options, REPORT_JSON);
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(document);
	assert_int_equal(json_array_size(json_object_get(document, "findings")), 5);
	json_decref(document);
	free(text);
}

static void the_page_fetches_nothing_and_runs_nothing(void **state)
{
	struct report_options options = week_options();

	options.logo_data_uri = "data:image/png;base64,AAAA";
	add_finding(*state, (struct test_match){ .index = 1 }, NULL, NULL);
	char *html = report_text(*state, &options, REPORT_HTML);

	assert_int_equal(count_text(html, "src="), 1);
	assert_int_equal(count_text(html, "src=\"data:image/png"), 1);
	assert_int_equal(count_text(html, "href="), count_text(html, "href=\"#"));
	assert_null(strstr(html, "url("));
	assert_null(strstr(html, "@import"));
	assert_null(strstr(html, "http://"));
	assert_null(strstr(html, "https://"));
	assert_non_null(strstr(html, "default-src 'none'"));
	free(html);
}

static void a_users_style_sheet_replaces_ours(void **state)
{
	struct report_options options = week_options();

	options.css = "body{color:teal}\n";
	char *html = report_text(*state, &options, REPORT_HTML);

	assert_non_null(strstr(html, "<style>\nbody{color:teal}\n</style>"));
	assert_null(strstr(html, "--paper"));
	free(html);
}

/* Headings go down one step at a time, tables have captions and header cells with a scope, charts have words. */
static void the_page_can_be_read_without_seeing_it(void **state)
{
	struct state_fill fill = { .n_findings = 60, .sightings_per_finding = 2, .since_ms = TEST_NOW_MS - 6 * DAY_MS, .until_ms = TEST_NOW_MS, .small = true };
	struct report_options options = week_options();
	struct error err;
	int level = 0;

	assert_true(state_fill(*state, &fill, &err));
	char *html = report_text(*state, &options, REPORT_HTML);
	for (const char *at = html; (at = strstr(at, "<h")) != NULL; at++) {
		if (at[2] < '1' || at[2] > '6')
			continue;
		assert_true(at[2] - '0' <= level + 1);
		level = at[2] - '0';
	}
	assert_int_equal(count_text(html, "<h1"), 1);
	assert_int_equal(count_text(html, "<table>"), count_text(html, "<caption>"));
	assert_int_equal(count_text(html, "<th "), count_text(html, "<th scope=\"col\""));
	assert_true(count_text(html, "<svg") > 0);
	assert_int_equal(count_text(html, "<svg"), count_text(html, "<svg role=\"img\""));
	assert_int_equal(count_text(html, "<svg"), count_text(html, "aria-label=\"Findings by day") + count_text(html, "aria-label=\"Entries read by day"));
	assert_non_null(strstr(html, "<html lang=\"en\">"));
	free(html);
}

static void names_in_sentences_are_defanged_and_numbers_are_not(void **state)
{
	static const char *const pairs[][2] = {
		{ "login.example.com resembles it", "login[.]example[.]com resembles it" },
		{ "98.5 % of 0.8. The end.", "98.5 % of 0.8. The end." },
		{ "at 192.0.2.1: no answer", "at 192[.]0[.]2[.]1: no answer" },
		{ "see \"a-b.com\".", "see \"a-b[.]com\"." },
		{ ".online: commoner", ".online: commoner" },
		{ "*.b.example", "*[.]b[.]example" },
		{ "b\xc3\xbc" "cher.example", "b\xc3\xbc" "cher[.]example" },
		{ "https://x.example/a.b", "https://x[.]example/a[.]b" },
		{ "", "" },
		{ "...", "..." },
		{ "T1583.001 of ctwatch 0.1.0", "T1583.001 of ctwatch 0.1.0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		char *text = prose_defanged(pairs[i][0]);

		assert_string_equal(text, pairs[i][1]);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_empty_state_says_that_nothing_was_read),
		TEST(a_first_partial_week_says_so_and_compares_nothing),
		TEST(a_whole_week_is_compared_with_the_week_before),
		TEST(what_was_dismissed_stands_apart_with_who_and_why),
		TEST(a_name_that_several_rules_found_counts_once_and_stands_together),
		TEST(one_name_found_by_several_rules_is_no_cluster),
		TEST(packs_say_how_much_they_find_by_year),
		TEST(sectors_of_the_organisations_are_counted),
		TEST(ranges_that_end_before_they_begin_are_refused),
		TEST(the_same_state_range_and_time_give_the_same_bytes),
		TEST(a_large_week_stays_a_readable_page_and_the_csv_has_every_row),
		TEST(hostile_text_in_every_field_stays_text_in_html),
		TEST(hostile_text_in_every_field_stays_text_in_markdown),
		TEST(hostile_text_in_every_field_stays_a_cell_in_csv),
		TEST(json_of_a_hostile_state_is_json),
		TEST(the_page_fetches_nothing_and_runs_nothing),
		TEST(a_users_style_sheet_replaces_ours),
		TEST(the_page_can_be_read_without_seeing_it),
		TEST(names_in_sentences_are_defanged_and_numbers_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
