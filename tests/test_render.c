/* Text from certificates comes out harmless in every medium. */
#include "render.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

typedef bool render_fn(struct buf *out, const char *text);

static void expect(render_fn *render, const char *text, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_true(render(&out, text));
	assert_string_equal(buf_text(&out), expected);
	buf_deinit(&out);
}

static void names_are_defanged_wherever_a_client_could_link_them(void **state)
{
	(void)state;
	expect(render_defanged, "drive-globalordnance.com", "drive-globalordnance[.]com");
	expect(render_defanged, "a.b.example", "a[.]b[.]example");
	expect(render_defanged, "192.0.2.1", "192[.]0[.]2[.]1");
	expect(render_defanged, "2001:db8::1", "2001[:]db8::1");
	expect(render_defanged, "www.a.example:1:2.b", "www[.]a[.]example[:]1:2[.]b");
	expect(render_defanged, "", "");
}

static void html_keeps_no_markup(void **state)
{
	(void)state;
	expect(render_html, "</script><img src='x' onerror=\"y\">&", "&lt;/script&gt;&lt;img src=&#39;x&#39; onerror=&quot;y&quot;&gt;&amp;");
	expect(render_html, "a\x1b[31m\xff", "a\\x1b[31m\\xff");
	expect(render_html, "\u202egnp", "\\u{202e}gnp");
}

static void markdown_cannot_link_or_end_a_cell(void **state)
{
	(void)state;
	expect(render_markdown, "[x](http)|`*", "\\[x\\]\\(http\\)\\|\\`\\*");
	expect(render_markdown, "a\nb", "a\\\\x0ab");
}

static void csv_cells_that_a_spreadsheet_would_run_are_text(void **state)
{
	static const char *const formulas[] = { "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1" };
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formulas); i++) {
		buf_init(&out, 100);
		assert_true(render_csv_cell(&out, formulas[i]));
		assert_memory_equal(out.data, "\"'", 2);
		buf_deinit(&out);
	}
	expect(render_csv_cell, "a,b\"c", "\"a,b\"\"c\"");
	expect(render_csv_cell, "plain", "plain");
}

static void siem_formats_escape_their_separators(void **state)
{
	(void)state;
	expect(render_cef_header, "a|b\\c\nd", "a\\|b\\\\c\\\\x0ad");
	expect(render_cef_value, "a=b\\c", "a\\=b\\\\c");
	expect(render_syslog_param, "a\"b]c\\", "a\\\"b\\]c\\\\");
}

static void slack_text_makes_no_links_mentions_or_styles(void **state)
{
	(void)state;
	expect(render_slack, "<!channel>", "&lt;!channel&gt;");
	expect(render_slack, "*b*", "*\u200bb*\u200b");
}

static void mail_headers_stay_one_header(void **state)
{
	struct buf out;
	char long_text[400];

	(void)state;
	expect(render_mail_header, "a\r\nBcc: x", "a\\x0d\\x0aBcc: x");
	expect(render_mail_header, "\u00e4", "=?UTF-8?B?w6Q=?=");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	buf_init(&out, 4096);
	assert_true(render_mail_header(&out, long_text));
	for (const char *line = buf_text(&out); line != NULL; line = strstr(line, "\r\n")) {
		line += line[0] == '\r' ? 2 : 0;
		assert_true(strcspn(line, "\r") <= 76);
	}
	buf_deinit(&out);
}

static void uri_components_hold_nothing_reserved(void **state)
{
	(void)state;
	expect(render_uri_component, "a b&c=d/?#\xff", "a%20b%26c%3Dd%2F%3F%23%FF");
}

static void a_full_buffer_is_said(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4);
	assert_false(render_html(&out, "<<"));
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_defanged_wherever_a_client_could_link_them),
		cmocka_unit_test(html_keeps_no_markup),
		cmocka_unit_test(markdown_cannot_link_or_end_a_cell),
		cmocka_unit_test(csv_cells_that_a_spreadsheet_would_run_are_text),
		cmocka_unit_test(siem_formats_escape_their_separators),
		cmocka_unit_test(slack_text_makes_no_links_mentions_or_styles),
		cmocka_unit_test(mail_headers_stay_one_header),
		cmocka_unit_test(uri_components_hold_nothing_reserved),
		cmocka_unit_test(a_full_buffer_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
