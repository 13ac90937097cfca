/* get-entries pages: shapes that JSON allows, answers that break, and agreement with jansson. */
#include "json_scan.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "random.h"
#include "shared.h"
#include "ct.h"

#define ENTRIES_MAX 64

struct read_page {
	size_t n;
	struct slice leaf[ENTRIES_MAX], extra[ENTRIES_MAX];
	bool done;
	struct error err;
};

static struct read_page read_page(struct slice json)
{
	struct read_page r = { 0 };
	struct entries_page page;
	struct slice leaf, extra;

	entries_page_init(&page, json);
	while (entries_page_next(&page, &leaf, &extra, &r.err)) {
		assert_true(r.n < ENTRIES_MAX);
		r.leaf[r.n] = leaf;
		r.extra[r.n++] = extra;
	}
	assert_int_equal(page.n_entries, r.n);
	r.done = page.done;
	return r;
}

static void reads_what_json_allows(void **state)
{
	static const struct {
		const char *json;
		size_t n;
	} cases[] = {
		{ "{\"entries\":[]}", 0 },
		{ "{\"entries\":null}", 0 },
		{ " \r\n\t{ \"entries\" : [ ] } \n", 0 },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\",\"extra_data\":\"Qg==\"}]}", 1 },
		{ "{\"entries\":[{\"extra_data\":\"Qg==\",\"leaf_input\":\"QQ==\"}]}", 1 },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\"}]}", 1 },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\",\"extra_data\":null}]}", 1 },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\",\"sct\":{\"a\":[1,-2.5e+3,true,false,null,\"\\ud83d\\ude00\"]}}]}", 1 },
		{ "{\"x\":[[[]]],\"entries\":[{\"leaf_input\":\"\"} , {\"leaf_input\":\"QUJD\"}],\"y\":{\"entries\":3}}", 2 },
		{ "{\"\\u0065ntries\":[{\"leaf\\u005finput\":\"QQ==\"}]}", 1 },
		{ "{\"m\xc3\xb6glich\":\"\xf0\x9f\x98\x80\x7f\",\"entries\":[]}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct read_page r = read_page(slice_text(cases[i].json));

		if (!r.done || r.n != cases[i].n)
			fail_msg("%s: %zu entries, %s", cases[i].json, r.n, r.done ? "done" : r.err.text);
	}
}

static void says_what_broke_and_where(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{ "", "not a JSON object at byte 0 of 0, where the answer ends" },
		{ "<html><body>502 Bad Gateway", "is HTML, not JSON, at byte 0" },
		{ "Too many requests", "not a JSON object at byte 0" },
		{ "[]", "not a JSON object at byte 0" },
		{ "{}", "\"entries\" is missing" },
		{ "{\"entries\":[]", "object is not closed at byte 13 of 13, where the answer ends" },
		{ "{\"entries\":[]}x", "bytes follow the answer's object at byte 14" },
		{ "{\"entries\":[]}{}", "bytes follow" },
		{ "{\"entries\":{}}", "\"entries\" is not an array at byte 11" },
		{ "{\"entries\":[],\"entries\":[]}", "\"entries\" is there twice" },
		{ "{\"entries\":[],}", "a string is missing at byte 14" },
		{ "{\"entries\":[1]}", "entry 0 of the answer: it is not an object at byte 12" },
		{ "{\"entries\":[{}]}", "\"leaf_input\" is missing" },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\"},{\"extra_data\":\"\"}]}", "entry 1 of the answer: member \"leaf_input\" is missing" },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\"},]}", "entry 1 of the answer: it is not an object" },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\"} {\"leaf_input\":\"QQ==\"}]}", "list of entries is not closed" },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\",\"leaf_input\":\"QQ==\"}]}", "\"leaf_input\" is there twice" },
		{ "{\"entries\":[{\"leaf_input\":\"QQ==\",\"extra_data\":\"\",\"extra_data\":\"\"}]}", "\"extra_data\" is there twice" },
		{ "{\"entries\":[{\"leaf_input\":\"QQ", "no closing quote at byte 29 of 29, where the answer ends" },
		{ "{\"entries\":[{\"leaf_input\":7}]}", "a string is missing" },
		{ "{\"entries\":[{\"leaf_input\" \"QQ==\"}]}", "no colon" },
		{ "{\"entries\":[{\"leaf_input\":\"Q\nQ=\"}]}", "control character" },
		{ "{\"entries\":[{\"leaf_input\":\"\\x41\"}]}", "unknown escape" },
		{ "{\"entries\":[{\"leaf_input\":\"\\ud800\"}]}", "surrogate" },
		{ "{\"entries\":[{\"leaf_input\":\"\xff\"}]}", "not UTF-8" },
		{ "{\"a\":tru,\"entries\":[]}", "a value is missing" },
		{ "{\"a\":01,\"entries\":[]}", "not closed" },
		{ "{\"a\":1.,\"entries\":[]}", "after its point" },
		{ "{\"a\":1e,\"entries\":[]}", "exponent" },
		{ "{\"a\":-,\"entries\":[]}", "a value is missing" },
		{ "{\"a\":[1 2],\"entries\":[]}", "an array is not closed" },
		{ "\xef\xbb\xbf{\"entries\":[]}", "not a JSON object at byte 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct read_page r = read_page(slice_text(cases[i].json));

		if (r.done || r.err.kind != ERR_MALFORMED || strstr(r.err.text, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].json, r.done ? "done" : r.err.text);
	}
}

static void refuses_every_truncation(void **state)
{
	static const char json[] = "{\"a\":{\"b\":[1,\"\\u0041\"]},\"entries\":[{\"leaf_input\":\"QUJD\",\"extra_data\":\"QUJD\"},"
				   "{\"leaf_input\":\"QUJD\",\"extra_data\":\"QUJD\"}],\"z\":null}";

	(void)state;
	assert_true(read_page(SLICE_LITERAL(json)).done);
	for (size_t len = 0; len < sizeof(json) - 1; len++) {
		char *exact = xmalloc(len > 0 ? len : 1);

		memcpy(exact, json, len);
		assert_false(read_page(slice_of(exact, len)).done);
		free(exact);
	}
}

static void bounds_the_nesting_of_what_it_skips(void **state)
{
	(void)state;
	for (unsigned depth = JSON_NESTING_MAX - 1; depth <= JSON_NESTING_MAX + 1; depth++) {
		struct buf json;

		buf_init(&json, 1u << 20);
		buf_append_text(&json, "{\"a\":");
		for (unsigned i = 0; i < depth; i++)
			buf_append_text(&json, "[");
		for (unsigned i = 0; i < depth; i++)
			buf_append_text(&json, "]");
		buf_append_text(&json, ",\"entries\":[]}");
		struct read_page r = read_page(buf_slice(&json));
		assert_int_equal(r.done, depth <= JSON_NESTING_MAX);
		if (!r.done)
			assert_non_null(strstr(r.err.text, "too deeply"));
		buf_deinit(&json);
	}
}

static void a_million_open_brackets_cost_nothing(void **state)
{
	size_t len = 1u << 20;
	char *json = xmalloc(len);

	(void)state;
	memset(json, '[', len);
	memcpy(json, "{\"a\":", 5);
	assert_false(read_page(slice_of(json, len)).done);
	free(json);
}

static void resolves_escapes_in_base64(void **state)
{
	static const struct {
		const char *text, *want;        /* want NULL: refused */
	} cases[] = {
		{ "QUJD", "ABC" },           { "\\u0051UJD", "ABC" }, { "QUJD\\u0051\\u0051\\u003d=", "ABCA" },
		{ "Pz8\\/", "???" },         { "Pj4\\u002B", ">>>" }, { "", "" },
		{ "QUJ", NULL },             { "QU JD", NULL },       { "QUJD\\n", NULL },
		{ "\\u0151UJD", NULL },      { "QUJD\\", NULL },      { "QUJD\\u00", NULL },
		{ "QQ==\\u0051UJD", NULL },  { "\\ud83d\\ude00", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t out[64];
		size_t len;
		bool good = page_base64_decode(slice_text(cases[i].text), out, &len);

		if (good != (cases[i].want != NULL) || (good && !slice_equal_text(slice_of(out, len), cases[i].want)))
			fail_msg("\"%s\" was %s", cases[i].text, good ? "accepted" : "refused");
	}
}

static void long_escaped_base64_decodes_in_pieces(void **state)
{
	struct random r = { 3 };
	struct buf text;
	uint8_t bytes[10001], out[20000];
	char plain[BASE64_LEN(sizeof(bytes)) + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(&r);
	base64_encode(bytes, sizeof(bytes), plain);
	buf_init(&text, 1u << 20);
	for (size_t i = 0; plain[i] != '\0'; i++)
		if (plain[i] == '/')
			buf_append_text(&text, "\\/");
		else if (plain[i] == '+')
			buf_append_text(&text, "\\u002b");
		else
			buf_append_byte(&text, (uint8_t)plain[i]);
	assert_true(page_base64_decode(buf_slice(&text), out, &len));
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(out, bytes, sizeof(bytes));
	/* padding where a piece ends is no end */
	buf_clear(&text);
	for (unsigned i = 0; i < 4092; i++)
		buf_append_byte(&text, 'A');
	buf_append_text(&text, "AA==\\u0041AAA");
	assert_false(page_base64_decode(buf_slice(&text), out, &len));
	text.data[4094] = text.data[4095] = 'A';
	assert_true(page_base64_decode(buf_slice(&text), out, &len));
	buf_deinit(&text);
}

static void plain_text_ends_where_the_portable_scan_says(void **state)
{
	struct random r = { 4 };
	uint8_t text[200];

	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < 70; at++) {
			memset(text, 'A', sizeof(text));
			text[at] = (uint8_t)c;
			assert_int_equal(json_plain_length(slice_of(text, 70)), json_plain_length_portable(slice_of(text, 70)));
		}
	for (unsigned round = 0; round < 20000; round++) {
		size_t from = random_below(&r, 40), len = random_below(&r, 160);

		for (size_t i = 0; i < len; i++)
			text[from + i] = random_below(&r, 60) == 0 ? (uint8_t)random_next(&r) : 'a';
		struct slice in = slice_of(text + from, len);
		assert_int_equal(json_plain_length(in), json_plain_length_portable(in));
	}
}

/* ---- against jansson ---------------------------------------------------------------------------------------------- */

/* Does jansson's tree have the shape of a page? Then its strings must be ours. */
static bool shape_of_page(const json_t *root, const json_t **entries)
{
	const json_t *item;
	size_t i;

	*entries = json_object_get(root, "entries");
	if (!json_is_array(*entries) && !json_is_null(*entries))
		return false;
	json_array_foreach(*entries, i, item) {
		const json_t *extra = json_object_get(item, "extra_data"), *leaf = json_object_get(item, "leaf_input");

		if ((!json_is_string(leaf) && !json_is_null(leaf)) || (extra != NULL && !json_is_string(extra) && !json_is_null(extra)))
			return false;
	}
	return true;
}

static void assert_same_text(const json_t *want, struct slice raw, struct slice page)
{
	struct slice rest = raw;
	const char *text = want != NULL && json_is_string(want) ? json_string_value(want) : "";

	for (; *text != '\0' && (uint8_t)*text < 0x80 && *text == json_take_escaped(&rest); text++)
		;
	if ((*text != '\0' && (uint8_t)*text < 0x80) || (*text == '\0' && rest.len > 0))
		fail_msg("strings differ on %.*s", SLICE_ARGS(page));
}

/* What jansson refuses for reasons of its own: numbers that C cannot hold, NUL in a member's name. */
static bool refused_for_its_own_reasons(const json_error_t *why)
{
	enum json_error_code code = json_error_code(why);

	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key || code == json_error_null_character;
}

static bool compare_with_jansson(struct slice json)
{
	struct read_page ours = read_page(json);
	json_error_t why;
	json_t *strict = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	const json_t *entries, *item;
	size_t i;

	if (strict != NULL && shape_of_page(strict, &entries)) {
		if (!ours.done)
			fail_msg("refused (%s) what jansson reads: %.*s", ours.err.text, SLICE_ARGS(json));
		assert_int_equal(ours.n, json_array_size(entries));
		json_array_foreach(entries, i, item) {
			assert_same_text(json_object_get(item, "leaf_input"), ours.leaf[i], json);
			assert_same_text(json_object_get(item, "extra_data"), ours.extra[i], json);
		}
	} else if (strict != NULL && ours.done) {
		fail_msg("read what has another shape for jansson: %.*s", SLICE_ARGS(json));
	}
	if (strict == NULL && ours.done) {
		json_t *loose = json_loadb((const char *)json.data, json.len, JSON_ALLOW_NUL, &why);

		if (loose == NULL && !refused_for_its_own_reasons(&why))
			fail_msg("read what jansson refuses (%s): %.*s", why.text, SLICE_ARGS(json));
		json_decref(loose);
	}
	json_decref(strict);
	return ours.done;
}

static const char *const VALUES[] = { "null", "true", "-0", "12", "0.5", "1E9", "\"\"", "\"x\\n\\u00e4\"", "[]", "[1,[2]]", "{}", "{\"k\":[{}]}" };
static const char *const TEXTS[] = { "", "QQ==", "QUJD", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w", "\\/\\/8\\u003d" };
static const char *const SPACES[] = { "", "", "", " ", "\n", "\t\r " };

static void put_space(struct buf *out, struct random *r)
{
	buf_append_text(out, SPACES[random_below(r, ARRAY_LEN(SPACES))]);
}

static void put_member(struct buf *out, struct random *r, const char *name, const char *value)
{
	put_space(out, r);
	buf_printf(out, "\"%s\"", name);
	put_space(out, r);
	buf_append_text(out, ":");
	put_space(out, r);
	buf_append_text(out, value);
	put_space(out, r);
}

static void put_unknown(struct buf *out, struct random *r, unsigned number, const char *after)
{
	char name[16];

	if (random_below(r, 3) != 0)
		return;
	snprintf(name, sizeof(name), "u%u", number);
	put_member(out, r, name, VALUES[random_below(r, ARRAY_LEN(VALUES))]);
	buf_append_text(out, after);
}

static void put_entry(struct buf *out, struct random *r)
{
	char leaf[256], extra[256];
	bool leaf_first = random_below(r, 2) == 0;

	snprintf(leaf, sizeof(leaf), "\"%s\"", TEXTS[random_below(r, ARRAY_LEN(TEXTS))]);
	snprintf(extra, sizeof(extra), "\"%s\"", TEXTS[random_below(r, ARRAY_LEN(TEXTS))]);
	buf_append_text(out, "{");
	put_unknown(out, r, 1, ",");
	put_member(out, r, leaf_first ? "leaf_input" : "extra_data", leaf_first ? leaf : extra);
	buf_append_text(out, ",");
	put_unknown(out, r, 2, ",");
	put_member(out, r, leaf_first ? "extra_data" : "leaf_input", leaf_first ? extra : leaf);
	buf_append_text(out, "}");
}

static void put_page(struct buf *out, struct random *r)
{
	uint64_t n = random_below(r, 5);

	buf_clear(out);
	put_space(out, r);
	buf_append_text(out, "{");
	put_unknown(out, r, 1, ",");
	put_unknown(out, r, 2, ",");
	buf_append_text(out, "\"entries\":[");
	for (uint64_t i = 0; i < n; i++) {
		put_space(out, r);
		if (i > 0)
			buf_append_text(out, ",");
		put_entry(out, r);
	}
	put_space(out, r);
	buf_append_text(out, "]");
	if (random_below(r, 3) == 0) {
		buf_append_text(out, ",");
		put_member(out, r, "last", VALUES[random_below(r, ARRAY_LEN(VALUES))]);
	}
	buf_append_text(out, "}");
	put_space(out, r);
}

static void mutate(struct buf *page, struct random *r)
{
	static const char tokens[] = "{}[]\",:\\/u0eE+-. \nnulltrue\x01\x80\xc3";

	for (uint64_t n = 1 + random_below(r, 2); n > 0 && page->len > 1; n--) {
		size_t at = random_below(r, page->len);

		switch (random_below(r, 4)) {
		case 0:
			page->data[at] = (uint8_t)tokens[random_below(r, sizeof(tokens) - 1)];
			break;
		case 1: /* leave one out */
			memmove(page->data + at, page->data + at + 1, page->len - at - 1);
			page->len--;
			break;
		case 2: /* one twice */
			if (!buf_append_byte(page, 0))
				break;
			memmove(page->data + at + 1, page->data + at, page->len - at - 1);
			break;
		default:
			page->len = at;
		}
	}
}

static void agrees_with_jansson_on_generated_and_mutated_pages(void **state)
{
	struct random r = { 5 };
	struct buf page;
	size_t n_good = 0, n_bad = 0;

	(void)state;
	buf_init(&page, 1u << 16);
	for (unsigned round = 0; round < 20000; round++) {
		put_page(&page, &r);
		assert_true(compare_with_jansson(buf_slice(&page)));
		for (unsigned i = 0; i < 4; i++) {
			put_page(&page, &r);
			mutate(&page, &r);
			if (compare_with_jansson(buf_slice(&page)))
				n_good++;
			else
				n_bad++;
		}
	}
	/* the mutations are neither all harmless nor all deadly, else this test says little */
	assert_true(n_good > 1000 && n_bad > 1000);
	buf_deinit(&page);
}

static void reads_a_real_page(void **state)
{
	need_shared();
	struct slice json = shared_file("data/rfc6962/argon2020/get-entries_start-10000_end-10000.json");
	uint8_t leaf[8192], extra[8192];
	size_t leaf_len, extra_len;
	struct entry entry;
	struct error err;

	(void)state;
	assert_non_null(json.data);
	struct read_page r = read_page(json);
	assert_true(r.done);
	assert_int_equal(r.n, 1);
	assert_true(r.leaf[0].len / 4 * 3 <= sizeof(leaf) && r.extra[0].len / 4 * 3 <= sizeof(extra));
	assert_true(page_base64_decode(r.leaf[0], leaf, &leaf_len));
	assert_true(page_base64_decode(r.extra[0], extra, &extra_len));
	assert_true(entry_parse(slice_of(leaf, leaf_len), &entry, &err));
	assert_true(entry_parse_extra(slice_of(extra, extra_len), &entry, &err));
	struct hash hash = entry_leaf_hash(&entry), want;
	assert_true(base64_decode_exact(SLICE_LITERAL("nCs3mfIydh9x4CKyQ+u2xtmpxmFggA5MLymHwNQSlLg="), want.bytes, HASH_LEN));
	assert_memory_equal(hash.bytes, want.bytes, HASH_LEN);
	free((void *)(uintptr_t)json.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_json_allows),
		cmocka_unit_test(says_what_broke_and_where),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(bounds_the_nesting_of_what_it_skips),
		cmocka_unit_test(a_million_open_brackets_cost_nothing),
		cmocka_unit_test(resolves_escapes_in_base64),
		cmocka_unit_test(long_escaped_base64_decodes_in_pieces),
		cmocka_unit_test(plain_text_ends_where_the_portable_scan_says),
		cmocka_unit_test(agrees_with_jansson_on_generated_and_mutated_pages),
		cmocka_unit_test(reads_a_real_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
