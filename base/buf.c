/* Owned, growing bytes with a ceiling. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_deinit(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
	if (len > b->max || b->len > b->max - len)
		return NULL;
	if (b->cap - b->len < len || b->data == NULL) {
		size_t want = b->cap < 32 ? 64 : b->cap * 2;

		if (want < b->len + len)
			want = b->len + len;
		if (want > b->max)
			want = b->max == 0 ? 1 : b->max;
		b->data = xrealloc(b->data, want);
		b->cap = want;
	}
	return b->data + b->len;
}

bool buf_append(struct buf *b, const void *data, size_t len)
{
	uint8_t *at = buf_reserve(b, len);

	if (at == NULL)
		return false;
	if (len > 0)
		memcpy(at, data, len);
	b->len += len;
	return true;
}

bool buf_append_slice(struct buf *b, struct slice s)
{
	return buf_append(b, s.data, s.len);
}

bool buf_append_text(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

bool buf_append_byte(struct buf *b, uint8_t byte)
{
	return buf_append(b, &byte, 1);
}

bool buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	char small[256];
	int len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len < 0)
		return false;
	if ((size_t)len < sizeof(small))
		return buf_append(b, small, (size_t)len);

	/* vsnprintf wants room for its NUL, which is not part of the text */
	char *large = xmalloc((size_t)len + 1);
	va_start(args, format);
	vsnprintf(large, (size_t)len + 1, format, args);
	va_end(args);
	bool fits = buf_append(b, large, (size_t)len);
	free(large);
	return fits;
}

struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->data, b->len);
}

const char *buf_text(struct buf *b)
{
	if (b->data == NULL || b->cap == b->len) {
		b->cap = b->len + 1;
		b->data = xrealloc(b->data, b->cap);
	}
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
