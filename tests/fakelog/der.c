/* Writing DER: lengths are filled in when an element closes. */
#include "der.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t der_open(struct buf *out, uint8_t tag)
{
	buf_append_byte(out, tag);
	buf_append_byte(out, 0);
	return out->len;
}

void der_close(struct buf *out, size_t mark)
{
	size_t len = out->len - mark;
	size_t extra = len < 0x80 ? 0 : len < 0x100 ? 1 : len < 0x10000 ? 2 : 3;

	if (extra > 0) {
		buf_reserve(out, extra);
		memmove(out->data + mark + extra, out->data + mark, len);
		out->len += extra;
		out->data[mark - 1] = (uint8_t)(0x80 | extra);
		for (size_t i = 0; i < extra; i++)
			out->data[mark + i] = (uint8_t)(len >> 8 * (extra - 1 - i));
		return;
	}
	out->data[mark - 1] = (uint8_t)len;
}

void der_put(struct buf *out, uint8_t tag, const void *content, size_t len)
{
	size_t mark = der_open(out, tag);

	buf_append(out, content, len);
	der_close(out, mark);
}

void der_text(struct buf *out, uint8_t tag, const char *text)
{
	der_put(out, tag, text, strlen(text));
}

static void put_arc(struct buf *out, unsigned long arc)
{
	for (int shift = 21; shift > 0; shift -= 7)
		if (arc >> shift)
			buf_append_byte(out, (uint8_t)(0x80 | (arc >> shift & 0x7f)));
	buf_append_byte(out, (uint8_t)(arc & 0x7f));
}

void der_oid(struct buf *out, const char *dotted)
{
	char *rest;
	unsigned long first = strtoul(dotted, &rest, 10);
	unsigned long second = strtoul(rest + 1, &rest, 10);
	size_t mark = der_open(out, DER_OID);

	put_arc(out, first * 40 + second);
	while (*rest == '.')
		put_arc(out, strtoul(rest + 1, &rest, 10));
	der_close(out, mark);
}

void der_unsigned(struct buf *out, const uint8_t *bytes, size_t len)
{
	size_t mark = der_open(out, DER_INTEGER);

	while (len > 1 && bytes[0] == 0) {
		bytes++;
		len--;
	}
	if (bytes[0] & 0x80)
		buf_append_byte(out, 0);
	buf_append(out, bytes, len);
	der_close(out, mark);
}

void der_time(struct buf *out, int64_t time_ms)
{
	int year, month, day, hour, minute, second, ms;
	char text[64];

	time_to_civil(time_ms, &year, &month, &day, &hour, &minute, &second, &ms);
	if (year < 2050) {
		snprintf(text, sizeof(text), "%02d%02d%02d%02d%02d%02dZ", year % 100, month, day, hour, minute, second);
		der_text(out, DER_UTC_TIME, text);
		return;
	}
	snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", year, month, day, hour, minute, second);
	der_text(out, DER_GENERALIZED_TIME, text);
}

void put_u8(struct buf *out, uint8_t value)
{
	buf_append_byte(out, value);
}

void put_u16(struct buf *out, uint16_t value)
{
	put_u8(out, (uint8_t)(value >> 8));
	put_u8(out, (uint8_t)value);
}

void put_u24(struct buf *out, uint32_t value)
{
	put_u8(out, (uint8_t)(value >> 16));
	put_u16(out, (uint16_t)value);
}

void put_u64(struct buf *out, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		put_u8(out, (uint8_t)(value >> shift));
}
