/* See vectors.h. */
#include "vectors.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared.h"

json_t *vectors_load(void)
{
	need_shared();
	struct slice text = shared_file("spec/vectors.json");
	assert_non_null(text.data);

	json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);
	free((void *)(uintptr_t)text.data);
	assert_non_null(root);
	return root;
}

json_t *vector_at(const json_t *object, ...)
{
	const json_t *value = object;
	const char *name;
	va_list names;

	va_start(names, object);
	while ((name = va_arg(names, const char *)) != NULL) {
		value = json_object_get(value, name);
		if (value == NULL)
			fail_msg("spec/vectors.json has no \"%s\" where one is expected", name);
	}
	va_end(names);
	return (json_t *)(uintptr_t)value;
}

const char *vector_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(vector_at(object, name, NULL));

	assert_non_null(text);
	return text;
}

uint64_t vector_uint(const json_t *object, const char *name)
{
	const json_t *value = vector_at(object, name, NULL);
	uint64_t n;

	/* what a double cannot hold is written as text */
	if (json_is_string(value)) {
		assert_true(uint64_parse(slice_text(json_string_value(value)), &n));
		return n;
	}
	assert_true(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

struct hash vector_hash_hex(const json_t *hex)
{
	struct hash hash;

	assert_true(hex_decode(slice_text(json_string_value(hex)), hash.bytes, HASH_LEN));
	return hash;
}

struct hash vector_hash_b64(const json_t *b64)
{
	struct hash hash;

	assert_true(base64_decode_exact(slice_text(json_string_value(b64)), hash.bytes, HASH_LEN));
	return hash;
}

struct slice vector_hex(const json_t *hex, struct buf *out)
{
	struct slice text = slice_text(json_string_value(hex));

	buf_clear(out);
	uint8_t *to = buf_reserve(out, text.len / 2 + 1);
	assert_non_null(to);
	assert_true(hex_decode(text, to, text.len / 2));
	out->len = text.len / 2;
	return buf_slice(out);
}

struct slice vector_b64(const json_t *b64, struct buf *out)
{
	struct slice text = slice_text(json_string_value(b64));

	buf_clear(out);
	uint8_t *to = buf_reserve(out, text.len / 4 * 3 + 1);
	assert_non_null(to);
	assert_true(base64_decode(text, to, &out->len));
	return buf_slice(out);
}
