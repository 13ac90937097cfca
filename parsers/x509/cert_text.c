/*
 * The string types of X.509 attributes as UTF-8. CAs ignore what the types allow, so the 8-bit ones are read as
 * Latin-1, and UTF8String is passed on without asking whether it is UTF-8 (spec 6.1).
 */
#include "x509.h"
#include "cert.h"

static bool is_ascii(struct slice s)
{
	uint8_t all = 0;

	for (size_t i = 0; i < s.len; i++)
		all |= s.data[i];
	return all < 0x80;
}

static bool append_point(struct buf *out, uint32_t c)
{
	uint8_t encoded[4];

	return buf_append(out, encoded, utf8_put(c, encoded));
}

/* Code units of `width` bytes, big-endian; surrogate pairs are joined, since encoders put UTF-16 into BMPString. */
static bool wide_to_utf8(struct slice value, size_t width, struct buf *out)
{
	uint32_t high = 0;

	if (value.len % width != 0)
		return false;
	for (size_t at = 0; at < value.len; at += width) {
		uint32_t c = 0;

		for (size_t i = 0; i < width; i++)
			c = c << 8 | value.data[at + i];
		if (c > 0x10ffff || (high != 0) != (c >= 0xdc00 && c <= 0xdfff))
			return false;
		if (c >= 0xd800 && c <= 0xdbff) {
			high = c;
			continue;
		}
		if (high != 0) {
			c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
			high = 0;
		}
		if (!append_point(out, c))
			return false;
	}
	return high == 0;
}

static bool latin1_to_utf8(struct slice value, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++)
		if (!append_point(out, value.data[i]))
			return false;
	return true;
}

static bool to_utf8(uint8_t tag, struct slice value, struct buf *out, struct slice *text)
{
	bool done;

	switch (tag) {
	case DER_UTF8_STRING:
		*text = value;
		return true;
	case DER_NUMERIC_STRING:
	case DER_PRINTABLE_STRING:
	case DER_T61_STRING:
	case DER_VIDEOTEX_STRING:
	case DER_IA5_STRING:
	case DER_GRAPHIC_STRING:
	case DER_VISIBLE_STRING:
	case DER_GENERAL_STRING:
		if (is_ascii(value)) {
			*text = value;
			return true;
		}
		done = latin1_to_utf8(value, out);
		break;
	case DER_BMP_STRING:
		done = wide_to_utf8(value, 2, out);
		break;
	case DER_UNIVERSAL_STRING:
		done = wide_to_utf8(value, 4, out);
		break;
	default:
		return false;
	}
	if (done)
		*text = buf_slice(out);
	return done;
}

/* The constructed form (BER): its pieces are joined first, and the result never borrows from them. */
static bool pieces_to_utf8(uint8_t tag, struct slice value, struct buf *out, struct slice *text)
{
	struct der element = { .tag = tag, .whole = value, .content = value };
	struct slice converted;
	struct buf joined;
	bool done;

	buf_init(&joined, out->max);
	done = der_join(&element, &joined) && to_utf8(tag & (uint8_t)~DER_CONSTRUCTED, buf_slice(&joined), out, &converted) &&
	       (out->len > 0 || buf_append_slice(out, converted));
	buf_deinit(&joined);
	if (done)
		*text = buf_slice(out);
	return done;
}

bool cert_text_to_utf8(uint8_t tag, struct slice value, struct buf *out, struct slice *text)
{
	buf_clear(out);
	return tag & DER_CONSTRUCTED ? pieces_to_utf8(tag, value, out, text) : to_utf8(tag, value, out, text);
}
