/* The vectorised base64 decoder says what the plain one says, and stays in the room it was given. */
#include "base64_vector.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

/* Both decoders in room of exactly the promised size, so that the sanitizer sees a byte too many. */
static void compare(struct slice text)
{
	size_t room = text.len / 4 * 3;
	uint8_t *fast = xmalloc(room > 0 ? room : 1), *plain = xmalloc(room > 0 ? room : 1);
	uint8_t *exact = xmalloc(text.len > 0 ? text.len : 1);
	size_t fast_len = 0, plain_len = 0;

	if (text.len > 0)
		memcpy(exact, text.data, text.len);
	bool fast_good = base64_decode(slice_of(exact, text.len), fast, &fast_len);
	bool plain_good = base64_decode_portable(slice_of(exact, text.len), plain, &plain_len);
	if (fast_good != plain_good || fast_len != plain_len || (fast_good && memcmp(fast, plain, fast_len) != 0))
		fail_msg("decoders differ on \"%.*s\"", SLICE_ARGS(text));
	free(fast);
	free(plain);
	free(exact);
}

static void every_length_decodes_to_what_was_encoded(void **state)
{
	struct random r = { 1 };
	uint8_t bytes[400], back[402];
	char text[BASE64_LEN(sizeof(bytes)) + 1];

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		size_t back_len;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)random_next(&r);
		base64_encode(bytes, len, text);
		assert_true(base64_decode(slice_text(text), back, &back_len));
		assert_int_equal(back_len, len);
		assert_memory_equal(back, bytes, len);
		compare(slice_text(text));
	}
}

static void every_byte_at_every_place_is_judged_alike(void **state)
{
	char text[129];

	(void)state;
	for (size_t at = 0; at < 128; at++)
		for (unsigned c = 0; c < 256; c++) {
			memset(text, 'A', 128);
			text[at] = (char)c;
			compare(slice_of(text, 128));
		}
}

static void noise_is_judged_alike(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct random r = { 2 };
	char text[300];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = random_below(&r, sizeof(text));

		for (size_t i = 0; i < len; i++)
			text[i] = letters[random_below(&r, 64)];
		for (uint64_t n = random_below(&r, 3); n > 0 && len > 0; n--)
			text[random_below(&r, len)] = (char)random_next(&r);
		if (len > 2 && random_below(&r, 2) == 0)
			text[len - 1] = '=';
		compare(slice_of(text, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_decodes_to_what_was_encoded),
		cmocka_unit_test(every_byte_at_every_place_is_judged_alike),
		cmocka_unit_test(noise_is_judged_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
