/* See json_scan.h. */
#include "json_scan.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t json_plain_length_portable(struct slice in)
{
	size_t i = 0;

	while (i < in.len && is_plain(in.data[i]))
		i++;
	return i;
}

#ifdef __SSE2__

/* Bit i is set where byte i ends plain text. Signed: bytes from 0x80 on are below 0x20 too. */
static unsigned special_bits(const uint8_t *at)
{
	__m128i text = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i special =
		_mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));

	special = _mm_or_si128(special, _mm_cmplt_epi8(text, _mm_set1_epi8(0x20)));
	special = _mm_or_si128(special, _mm_cmpeq_epi8(text, _mm_set1_epi8(0x7f)));
	return (unsigned)_mm_movemask_epi8(special);
}

size_t json_plain_length(struct slice in)
{
	size_t i = 0;

	for (; in.len - i >= 16; i += 16) {
		unsigned bits = special_bits(in.data + i);

		if (bits != 0)
			return i + (unsigned)__builtin_ctz(bits);
	}
	return i + json_plain_length_portable(slice_sub(in, i, in.len));
}

#else

size_t json_plain_length(struct slice in)
{
	return json_plain_length_portable(in);
}

#endif

static void advance(struct slice *in, size_t by)
{
	*in = slice_of(in->data + by, in->len - by);
}

void json_skip_space(struct slice *in)
{
	while (in->len > 0 && (*in->data == ' ' || *in->data == '\n' || *in->data == '\r' || *in->data == '\t'))
		advance(in, 1);
}

bool json_take_char(struct slice *in, char c)
{
	struct slice ahead = *in;

	json_skip_space(&ahead);
	if (ahead.len == 0 || *ahead.data != (uint8_t)c)
		return false;
	advance(&ahead, 1);
	*in = ahead;
	return true;
}

/* Four hex digits after "\u". */
static int take_hex4(struct slice *in)
{
	uint8_t unit[2];

	if (in->len < 4 || !hex_decode(slice_of(in->data, 4), unit, sizeof(unit)))
		return -1;
	advance(in, 4);
	return unit[0] << 8 | unit[1];
}

int json_take_escaped(struct slice *raw)
{
	static const char names[] = "\"\\/bfnrt";
	static const uint8_t meanings[] = { '"', '\\', '/', '\b', '\f', '\n', '\r', '\t' };
	struct slice ahead = *raw;
	int c;

	if (ahead.len == 0)
		return -1;
	c = *ahead.data;
	advance(&ahead, 1);
	if (c == '\\') {
		if (ahead.len == 0)
			return -1;
		c = *ahead.data;
		advance(&ahead, 1);
		const char *name = c == 0 ? NULL : strchr(names, c);
		if (name != NULL)
			c = meanings[name - names];
		else if (c != 'u' || (c = take_hex4(&ahead)) < 0)
			return -1;
	}
	*raw = ahead;
	return c;
}

/* An escape in a string, with the other half of a surrogate pair. */
static const char *skip_escape(struct slice *in)
{
	struct slice ahead = *in;
	int unit = json_take_escaped(&ahead);

	if (unit < 0)
		return "a string has an unknown escape";
	if (unit >= 0xdc00 && unit < 0xe000)
		return "a string has half a surrogate pair";
	if (unit >= 0xd800 && unit < 0xdc00) {
		if (ahead.len == 0 || *ahead.data != '\\')
			return "a string has half a surrogate pair";
		unit = json_take_escaped(&ahead);
		if (unit < 0xdc00 || unit >= 0xe000)
			return "a string has half a surrogate pair";
	}
	*in = ahead;
	return NULL;
}

const char *json_take_string(struct slice *in, struct slice *out)
{
	const uint8_t *start;
	uint32_t code_point;

	json_skip_space(in);
	if (in->len == 0 || *in->data != '"')
		return "a string is missing";
	advance(in, 1);
	start = in->data;
	for (;;) {
		const char *wrong = NULL;

		advance(in, json_plain_length(*in));
		if (in->len == 0)
			return "a string has no closing quote";
		if (*in->data == '"')
			break;
		if (*in->data == '\\')
			wrong = skip_escape(in);
		else if (*in->data < 0x20)
			wrong = "a string has a control character";
		else if (!utf8_take(in, &code_point))
			wrong = "a string is not UTF-8";
		if (wrong != NULL)
			return wrong;
	}
	*out = slice_of(start, (size_t)(in->data - start));
	advance(in, 1);
	return NULL;
}

bool json_string_is(struct slice raw, const char *text)
{
	if (slice_find(raw, '\\') < 0)
		return slice_equal_text(raw, text);
	for (; *text != '\0'; text++)
		if (json_take_escaped(&raw) != (uint8_t)*text)
			return false;
	return raw.len == 0;
}

static bool take_digits(struct slice *in)
{
	size_t n = 0;

	while (n < in->len && in->data[n] >= '0' && in->data[n] <= '9')
		n++;
	advance(in, n);
	return n > 0;
}

static bool take_one_of(struct slice *in, const char *set)
{
	if (in->len == 0 || *in->data == 0 || strchr(set, *in->data) == NULL)
		return false;
	advance(in, 1);
	return true;
}

static const char *skip_number(struct slice *in)
{
	take_one_of(in, "-");
	if (!take_one_of(in, "0") && !take_digits(in))
		return "a value is missing or of no kind";
	if (take_one_of(in, ".") && !take_digits(in))
		return "a number has no digit after its point";
	if (take_one_of(in, "eE")) {
		take_one_of(in, "+-");
		if (!take_digits(in))
			return "a number has no digit in its exponent";
	}
	return NULL;
}

static const char *skip_word(struct slice *in, struct slice word)
{
	if (!slice_starts_with(*in, word))
		return "a value is missing or of no kind";
	advance(in, word.len);
	return NULL;
}

static const char *skip_scalar(struct slice *in)
{
	struct slice text;

	switch (*in->data) {
	case '"':
		return json_take_string(in, &text);
	case 't':
		return skip_word(in, SLICE_LITERAL("true"));
	case 'f':
		return skip_word(in, SLICE_LITERAL("false"));
	case 'n':
		return skip_word(in, SLICE_LITERAL("null"));
	default:
		return skip_number(in);
	}
}

static const char *skip_nested(struct slice *in, unsigned depth);

static const char *skip_object(struct slice *in, unsigned depth)
{
	struct slice name;
	const char *wrong;

	if (json_take_char(in, '}'))
		return NULL;
	do {
		wrong = json_take_string(in, &name);
		if (wrong == NULL && !json_take_char(in, ':'))
			wrong = "a member has no colon after its name";
		if (wrong == NULL)
			wrong = skip_nested(in, depth);
		if (wrong != NULL)
			return wrong;
	} while (json_take_char(in, ','));
	return json_take_char(in, '}') ? NULL : "an object is not closed";
}

static const char *skip_array(struct slice *in, unsigned depth)
{
	if (json_take_char(in, ']'))
		return NULL;
	do {
		const char *wrong = skip_nested(in, depth);

		if (wrong != NULL)
			return wrong;
	} while (json_take_char(in, ','));
	return json_take_char(in, ']') ? NULL : "an array is not closed";
}

/* Recursion is bounded by JSON_NESTING_MAX. */
static const char *skip_nested(struct slice *in, unsigned depth)
{
	if (depth == JSON_NESTING_MAX)
		return "values are nested too deeply";
	if (json_take_char(in, '{'))
		return skip_object(in, depth + 1);
	if (json_take_char(in, '['))
		return skip_array(in, depth + 1);
	json_skip_space(in);
	return in->len == 0 ? "the text ends where a value should be" : skip_scalar(in);
}

const char *json_skip_value(struct slice *in)
{
	return skip_nested(in, 0);
}
