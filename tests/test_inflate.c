/* Inflating: gzip and zlib, several members, growth, bombs, damage. */
#include "ct.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>

#include "random.h"

enum format { GZIP, ZLIB };

static void append_packed(enum format format, struct slice plain, struct buf *out)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t room = format == GZIP ? libdeflate_gzip_compress_bound(c, plain.len) : libdeflate_zlib_compress_bound(c, plain.len);
	uint8_t *to = buf_reserve(out, room);

	assert_non_null(to);
	out->len += format == GZIP ? libdeflate_gzip_compress(c, plain.data, plain.len, to, room)
				   : libdeflate_zlib_compress(c, plain.data, plain.len, to, room);
	libdeflate_free_compressor(c);
}

static uint8_t *noise(size_t len)
{
	uint8_t *bytes = xmalloc(len + 1);
	struct random r = { len };

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)random_below(&r, 20);
	return bytes;
}

static void gives_back_what_was_packed_at_every_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, (1u << 20) - 1, 1u << 20, (1u << 20) + 1, 5u << 20 };
	struct inflater *inflater = inflater_new(RESPONSE_BYTES_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (enum format format = GZIP; format <= ZLIB; format++) {
			uint8_t *plain = noise(sizes[i]);
			struct slice out;
			struct buf packed;
			struct error err;

			buf_init(&packed, 64u << 20);
			append_packed(format, slice_of(plain, sizes[i]), &packed);
			if (!inflater_gunzip(inflater, buf_slice(&packed), &out, &err))
				fail_msg("%zu bytes: %s", sizes[i], err.text);
			assert_true(slice_equal(out, slice_of(plain, sizes[i])));
			buf_deinit(&packed);
			free(plain);
		}
	inflater_free(inflater);
	inflater_free(NULL);
}

static void gzip_members_in_a_row_are_one_text(void **state)
{
	struct inflater *inflater = inflater_new(RESPONSE_BYTES_MAX);
	struct buf packed;
	struct slice out;
	struct error err;

	(void)state;
	buf_init(&packed, 1u << 20);
	append_packed(GZIP, SLICE_LITERAL("one "), &packed);
	append_packed(GZIP, SLICE_LITERAL(""), &packed);
	append_packed(GZIP, SLICE_LITERAL("text"), &packed);
	assert_true(inflater_gunzip(inflater, buf_slice(&packed), &out, &err));
	assert_true(slice_equal_text(out, "one text"));

	size_t good_len = packed.len;
	buf_append_byte(&packed, 0);
	assert_false(inflater_gunzip(inflater, buf_slice(&packed), &out, &err));
	assert_non_null(strstr(err.text, "1 bytes follow"));
	packed.len = good_len;
	for (unsigned i = 0; i < 64; i++)
		append_packed(GZIP, SLICE_LITERAL("x"), &packed);
	assert_false(inflater_gunzip(inflater, buf_slice(&packed), &out, &err));
	buf_deinit(&packed);
	inflater_free(inflater);
}

static void a_bomb_stops_at_the_ceiling(void **state)
{
	size_t len = 8u << 20;
	uint8_t *zeros = xcalloc(1, len);
	struct buf packed;
	struct slice out;
	struct error err;

	(void)state;
	buf_init(&packed, 16u << 20);
	append_packed(GZIP, slice_of(zeros, len), &packed);
	assert_true(packed.len < 20000);
	for (size_t max = len - 1; max <= len; max++) {
		struct inflater *inflater = inflater_new(max);

		assert_int_equal(inflater_gunzip(inflater, buf_slice(&packed), &out, &err), max == len);
		if (max < len)
			assert_non_null(strstr(err.text, "past the ceiling of 8388607"));
		inflater_free(inflater);
	}
	struct inflater *none = inflater_new(0);
	assert_false(inflater_gunzip(none, buf_slice(&packed), &out, &err));
	inflater_free(none);
	buf_deinit(&packed);
	free(zeros);
}

static void each_answer_has_a_ceiling_of_its_own_and_room_is_given_back(void **state)
{
	struct inflater *inflater = inflater_new(RESPONSE_BYTES_MAX);
	size_t len = 8u << 20;
	uint8_t *zeros = xcalloc(1, len);
	struct buf packed;
	struct slice out;
	struct error err;

	(void)state;
	buf_init(&packed, 16u << 20);
	append_packed(GZIP, slice_of(zeros, len), &packed);
	assert_false(inflater_gunzip_within(inflater, buf_slice(&packed), 64u << 10, &out, &err));
	assert_non_null(strstr(err.text, "past the ceiling of 65536"));
	assert_int_equal(inflater_room(inflater), 64u << 10);
	assert_true(inflater_gunzip_within(inflater, buf_slice(&packed), len, &out, &err));
	assert_int_equal(out.len, len);
	/* what room there is does not raise the ceiling */
	assert_false(inflater_gunzip_within(inflater, buf_slice(&packed), 64u << 10, &out, &err));
	inflater_trim(inflater, 1u << 20);
	assert_int_equal(inflater_room(inflater), 0);
	inflater_free(inflater);
	buf_deinit(&packed);
	free(zeros);
}

static void damage_and_truncation_are_noticed_and_the_inflater_survives(void **state)
{
	struct inflater *inflater = inflater_new(RESPONSE_BYTES_MAX);
	uint8_t *plain = noise(3000);
	struct buf packed;
	struct slice out;
	struct error err;

	(void)state;
	buf_init(&packed, 1u << 20);
	append_packed(GZIP, slice_of(plain, 3000), &packed);
	for (size_t len = 0; len < packed.len; len++) {
		assert_false(inflater_gunzip(inflater, slice_of(packed.data, len), &out, &err));
		assert_int_equal(err.kind, ERR_MALFORMED);
	}
	/* bytes 4 to 9 of the header (time, flags, system) say nothing about the text */
	for (size_t i = 10; i < packed.len; i++) {
		packed.data[i] ^= 0x10;
		assert_false(inflater_gunzip(inflater, buf_slice(&packed), &out, &err));
		packed.data[i] ^= 0x10;
	}
	assert_true(inflater_gunzip(inflater, buf_slice(&packed), &out, &err));
	assert_false(inflater_gunzip(inflater, SLICE_LITERAL("<html>no gzip</html>"), &out, &err));
	assert_non_null(strstr(err.text, "like no gzip"));
	assert_false(inflater_gunzip(inflater, (struct slice){ 0 }, &out, &err));
	buf_deinit(&packed);
	free(plain);
	inflater_free(inflater);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_packed_at_every_size),
		cmocka_unit_test(gzip_members_in_a_row_are_one_text),
		cmocka_unit_test(a_bomb_stops_at_the_ceiling),
		cmocka_unit_test(each_answer_has_a_ceiling_of_its_own_and_room_is_given_back),
		cmocka_unit_test(damage_and_truncation_are_noticed_and_the_inflater_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
