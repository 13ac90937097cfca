/* UTF-8, escaping for terminals, and numbers for people. */
#include "base.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool utf8_take(struct slice *in, uint32_t *code_point)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t value;
	size_t len;

	if (in->len == 0)
		return false;
	uint8_t first = in->data[0];
	if (first < 0x80) {
		len = 1;
		value = first;
	} else if (first >= 0xc2 && first < 0xe0) {
		len = 2;
		value = first & 0x1f;
	} else if (first >= 0xe0 && first < 0xf0) {
		len = 3;
		value = first & 0x0f;
	} else if (first >= 0xf0 && first < 0xf5) {
		len = 4;
		value = first & 0x07;
	} else {
		return false;
	}
	if (in->len < len)
		return false;
	for (size_t i = 1; i < len; i++) {
		if ((in->data[i] & 0xc0) != 0x80)
			return false;
		value = value << 6 | (in->data[i] & 0x3f);
	}
	if (value < smallest[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return false;
	*code_point = value;
	*in = slice_sub(*in, len, in->len);
	return true;
}

size_t utf8_put(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

bool utf8_valid(struct slice in)
{
	uint32_t c;

	while (in.len > 0)
		if (!utf8_take(&in, &c))
			return false;
	return true;
}

/* Controls, and what makes text on a screen say something other than its bytes. */
static bool is_deceptive(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

char *text_escape(struct slice in, char *out, size_t out_len)
{
	size_t used = 0, cut = 0;       /* cut: the last place from where "..." fits */

	if (out_len == 0)
		return out;
	while (in.len > 0) {
		char piece[16];
		size_t piece_len;
		struct slice ahead = in;
		uint32_t c;

		if (!utf8_take(&ahead, &c)) {
			piece_len = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", in.data[0]);
			ahead = slice_sub(in, 1, in.len);
		} else if (is_deceptive(c)) {
			piece_len = (size_t)snprintf(piece, sizeof(piece), c < 0x80 ? "\\x%02x" : "\\u{%04x}", (unsigned)c);
		} else {
			piece_len = utf8_put(c, (uint8_t *)piece);
		}
		if (used + 4 <= out_len)
			cut = used;
		if (used + piece_len + 1 > out_len) {
			snprintf(out + cut, out_len - cut, "...");
			return out;
		}
		memcpy(out + used, piece, piece_len);
		used += piece_len;
		in = ahead;
	}
	out[used] = '\0';
	return out;
}

char *count_format(uint64_t n, char out[TIME_TEXT_LEN])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t used = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[used++] = ' ';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

char *bytes_format(uint64_t n_bytes, char out[TIME_TEXT_LEN])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB" };
	double value = (double)n_bytes / 1000;
	size_t unit = 0;

	if (n_bytes < 1000) {
		snprintf(out, TIME_TEXT_LEN, "%" PRIu64 " B", n_bytes);
		return out;
	}
	while (value >= 999.95 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(out, TIME_TEXT_LEN, "%.1f %s", value, units[unit]);
	return out;
}

bool uint64_parse(struct slice text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || (text.len > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

bool glob_match(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}
