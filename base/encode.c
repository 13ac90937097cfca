/* Hexadecimal, base64 and base32 (RFC 4648). */
#include "base.h"
#include "base64_vector.h"

void hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct slice text, uint8_t *out, size_t out_len)
{
	if (text.len != 2 * out_len)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (hex_value(text.data[i]) < 0)
			return false;
	for (size_t i = 0; i < out_len; i++)
		out[i] = (uint8_t)(hex_value(text.data[2 * i]) << 4 | hex_value(text.data[2 * i + 1]));
	return true;
}

static const char BASE64_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, char *out)
{
	const uint8_t *in = data;

	for (; len >= 3; len -= 3, in += 3) {
		*out++ = BASE64_DIGITS[in[0] >> 2];
		*out++ = BASE64_DIGITS[(in[0] & 3) << 4 | in[1] >> 4];
		*out++ = BASE64_DIGITS[(in[1] & 15) << 2 | in[2] >> 6];
		*out++ = BASE64_DIGITS[in[2] & 63];
	}
	if (len > 0) {
		uint8_t second = len == 2 ? in[1] : 0;

		*out++ = BASE64_DIGITS[in[0] >> 2];
		*out++ = BASE64_DIGITS[(in[0] & 3) << 4 | second >> 4];
		*out++ = len == 2 ? BASE64_DIGITS[(second & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
}

/* Value of each digit; 64 and above is no digit. */
#define N 255
static const uint8_t BASE64_VALUES[256] = {
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, 62, N, N, N, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, N, N, N, N, N, N,
	N, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, N, N, N, N, N,
	N, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
};
#undef N

/* Whole groups of four digits: one branch a group. */
static bool decode_groups(const uint8_t *in, size_t n_groups, uint8_t *to)
{
	for (size_t i = 0; i < n_groups; i++, in += 4, to += 3) {
		uint32_t a = BASE64_VALUES[in[0]], b = BASE64_VALUES[in[1]], c = BASE64_VALUES[in[2]], d = BASE64_VALUES[in[3]];

		if ((a | b | c | d) & 0xc0)
			return false;
		uint32_t group = a << 18 | b << 12 | c << 6 | d;
		to[0] = (uint8_t)(group >> 16);
		to[1] = (uint8_t)(group >> 8);
		to[2] = (uint8_t)group;
	}
	return true;
}

/* The last group where it has padding; the bits that it leaves over must be zero. Returns the bytes it gave, 0 when it is bad. */
static size_t decode_padded(const uint8_t *in, size_t padding, uint8_t *to)
{
	uint32_t a = BASE64_VALUES[in[0]], b = BASE64_VALUES[in[1]], c = padding == 1 ? BASE64_VALUES[in[2]] : 0;

	if ((a | b | c) & 0xc0 || (padding == 1 ? c & 3 : b & 15))
		return 0;
	to[0] = (uint8_t)(a << 2 | b >> 4);
	if (padding == 1)
		to[1] = (uint8_t)(b << 4 | c >> 2);
	return 3 - padding;
}

static bool decode(struct slice text, bool vector, uint8_t *out, size_t *out_len)
{
	const uint8_t *in = text.data;
	size_t padding = 0, done = 0, last = 0;

	if (text.len % 4 != 0)
		return false;
	if (text.len == 0) {
		*out_len = 0;
		return true;
	}
	if (in[text.len - 1] == '=')
		padding = in[text.len - 2] == '=' ? 2 : 1;

	size_t whole = padding > 0 ? text.len - 4 : text.len;
	if (vector)
		done = base64_vector_decode(in, whole, out);
	if (!decode_groups(in + done, (whole - done) / 4, out + done / 4 * 3))
		return false;
	if (padding > 0 && (last = decode_padded(in + whole, padding, out + whole / 4 * 3)) == 0)
		return false;
	*out_len = whole / 4 * 3 + last;
	return true;
}

bool base64_decode(struct slice text, uint8_t *out, size_t *out_len)
{
	return decode(text, base64_vector_available(), out, out_len);
}

bool base64_decode_portable(struct slice text, uint8_t *out, size_t *out_len)
{
	return decode(text, false, out, out_len);
}

bool base64_decode_exact(struct slice text, uint8_t *out, size_t len)
{
	uint8_t decoded[4096];
	size_t decoded_len;

	if (text.len != BASE64_LEN(len) || text.len / 4 * 3 > sizeof(decoded))
		return false;
	if (!base64_decode(text, decoded, &decoded_len) || decoded_len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = decoded[i];
	return true;
}

void base32_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	const uint8_t *in = data;
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		n_bits += 8;
		while (n_bits >= 5) {
			n_bits -= 5;
			*out++ = digits[bits >> n_bits & 31];
		}
	}
	if (n_bits > 0)
		*out++ = digits[bits << (5 - n_bits) & 31];
	*out = '\0';
}
