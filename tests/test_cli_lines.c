/* Lists that people give: plain or compressed, with or without a byte order mark; and what is no list is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char path[] = "/tmp/ctwatch-lines-XXXXXX";

static int enter(void **state)
{
	(void)state;
	strcpy(path, "/tmp/ctwatch-lines-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_bytes(const char *bytes, size_t len)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(out);
}

static void write_gzip(const char *text)
{
	gzFile out = gzopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(gzwrite(out, text, (unsigned)strlen(text)), strlen(text));
	gzclose(out);
}

/* All lines, each ended by '|'; NULL when it breaks. malloc'd. */
static char *all_lines(bool first_column, struct error *err)
{
	struct line_reader reader;
	struct slice line;
	struct buf out;

	if (!lines_open(&reader, path, first_column, err))
		return NULL;
	buf_init(&out, 1u << 20);
	while (lines_next(&reader, &line))
		buf_printf(&out, "%.*s|", (int)line.len, line.data);
	char *text = lines_close(&reader, err) ? xstrdup(buf_text(&out)) : NULL;
	buf_deinit(&out);
	return text;
}

static void assert_lines(bool first_column, const char *expected)
{
	struct error err = { 0 };
	char *text = all_lines(first_column, &err);

	assert_string_equal(text != NULL ? text : err.text, expected);
	free(text);
}

static void assert_refused(const char *why)
{
	struct error err = { 0 };
	char *text = all_lines(false, &err);

	assert_null(text);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, why));
}

static void line_ends_of_every_system_and_a_last_line_without_one(void **state)
{
	(void)state;
	write_bytes("a.example\r\nb.example\n\nc.example", 31);
	assert_lines(false, "a.example|b.example||c.example|");
	write_bytes("", 0);
	assert_lines(false, "");
}

static void a_byte_order_mark_is_no_part_of_the_first_line(void **state)
{
	(void)state;
	write_bytes("\xef\xbb\xbf" "a.example\tx\nb.example\n", 25);
	assert_lines(true, "a.example|b.example|");
}

static void gzip_is_read_as_what_it_holds(void **state)
{
	(void)state;
	write_gzip("\xef\xbb\xbf" "a.example\nb.example\n");
	assert_lines(false, "a.example|b.example|");
}

static void a_list_longer_than_one_chunk_loses_nothing(void **state)
{
	struct buf text;
	struct line_reader reader;
	struct slice line;
	struct error err;
	size_t n = 0;

	(void)state;
	buf_init(&text, 4u << 20);
	for (size_t i = 0; i < 100000; i++)
		buf_printf(&text, "name-%zu.example\n", i);
	write_bytes((const char *)text.data, text.len);
	buf_deinit(&text);
	assert_true(lines_open(&reader, path, false, &err));
	while (lines_next(&reader, &line)) {
		char expected[64];

		snprintf(expected, sizeof(expected), "name-%zu.example", n++);
		assert_true(slice_equal_text(line, expected));
	}
	assert_int_equal(reader.number, 100000);
	assert_true(lines_close(&reader, &err));
	assert_int_equal(n, 100000);
}

static void what_is_no_text_is_refused_with_what_to_do(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{ "\xfd" "7zXZ\0", 6, "xz -dc" },
		{ "\x28\xb5\x2f\xfd....", 8, "zstd -dc" },
		{ "BZh91AY", 7, "bzip2 -dc" },
		{ "PK\x03\x04....", 8, "zip archive" },
		{ "\xff\xfe" "a\0.\0b\0", 8, "UTF-16" },
		{ "a.example\n\0\0\0", 13, "no text" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_bytes(cases[i].bytes, cases[i].len);
		assert_refused(cases[i].why);
	}
}

static void cut_gzip_is_an_error_and_no_shorter_list(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 4u << 20);
	for (uint32_t i = 0; i < 20000; i++)
		buf_printf(&text, "%08x.example\n", i * 2654435761u);
	buf_text(&text);
	write_gzip((const char *)text.data);
	buf_deinit(&text);
	assert_int_equal(truncate(path, 30000), 0);
	assert_refused("the gzip data is cut");
}

static void a_line_without_end_is_refused_before_it_fills_the_memory(void **state)
{
	char *text = xmalloc(3u << 20);

	(void)state;
	memset(text, 'a', 3u << 20);
	write_bytes(text, 3u << 20);
	free(text);
	assert_refused("line 1 is longer than");
}

static void a_directory_and_a_file_that_is_not_there_are_named(void **state)
{
	(void)state;
	unlink(path);
	assert_refused("No such file or directory");
	strcpy(path, "/tmp");
	assert_refused("Is a directory");
}

/* ---- tables ------------------------------------------------------------------------------------------- */

static char *printed(bool terminal, int width, const char *name, const char *note)
{
	char *out = NULL;
	size_t len;
	struct cli cli = { .out = open_memstream(&out, &len), .out_is_terminal = terminal, .width = width };
	struct table *table = table_new();

	table_column(table, "NAME", ALIGN_LEFT, 0);
	table_column(table, "NOTE", ALIGN_LEFT, 8);
	table_cell(table, name);
	table_cell(table, note);
	table_print(table, &cli);
	table_free(table);
	fclose(cli.out);
	return out;
}

static void a_table_in_a_pipe_is_never_cut(void **state)
{
	char note[3001];

	(void)state;
	memset(note, 'n', 3000);
	note[3000] = '\0';
	char *out = printed(false, 80, "a-name-that-is-longer-than-the-line-that-it-should-fit-because-somebody-registered-it.example", note);
	assert_non_null(strstr(out, note));
	assert_non_null(strstr(out, "registered-it.example"));
	free(out);
}

static void on_a_terminal_the_note_gives_way_and_never_the_name(void **state)
{
	(void)state;
	char *out = printed(true, 60, "nonviolent-conflict-service-center-documents.example", "one.example, two.example, three.example");
	assert_non_null(strstr(out, "nonviolent-conflict-service-center-documents.example"));
	assert_null(strstr(out, "three.example"));
	free(out);
	out = printed(true, 50, "short.example", "one.example, two.example, three.example");
	assert_non_null(strstr(out, "one.example, two.example, ..."));
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(line_ends_of_every_system_and_a_last_line_without_one, enter, leave),
		cmocka_unit_test_setup_teardown(a_byte_order_mark_is_no_part_of_the_first_line, enter, leave),
		cmocka_unit_test_setup_teardown(gzip_is_read_as_what_it_holds, enter, leave),
		cmocka_unit_test_setup_teardown(a_list_longer_than_one_chunk_loses_nothing, enter, leave),
		cmocka_unit_test_setup_teardown(what_is_no_text_is_refused_with_what_to_do, enter, leave),
		cmocka_unit_test_setup_teardown(cut_gzip_is_an_error_and_no_shorter_list, enter, leave),
		cmocka_unit_test_setup_teardown(a_line_without_end_is_refused_before_it_fills_the_memory, enter, leave),
		cmocka_unit_test_setup_teardown(a_directory_and_a_file_that_is_not_there_are_named, enter, leave),
		cmocka_unit_test(a_table_in_a_pipe_is_never_cut),
		cmocka_unit_test(on_a_terminal_the_note_gives_way_and_never_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
