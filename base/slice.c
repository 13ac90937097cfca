/* Borrowed bytes. */
#include "base.h"

#include <assert.h>
#include <string.h>

struct slice slice_of(const void *data, size_t len)
{
	return (struct slice){ data, len };
}

struct slice slice_text(const char *text)
{
	return slice_of(text, strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equal_text(struct slice a, const char *text)
{
	return slice_equal(a, slice_text(text));
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_equal(slice_of(s.data, prefix.len), prefix);
}

bool slice_ends_with(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_equal(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

struct slice slice_sub(struct slice s, size_t from, size_t to)
{
	assert(from <= to && to <= s.len);
	return from == to ? (struct slice){ s.data, 0 } : slice_of(s.data + from, to - from);
}

ptrdiff_t slice_find(struct slice s, uint8_t c)
{
	const uint8_t *at = s.len == 0 ? NULL : memchr(s.data, c, s.len);

	return at == NULL ? -1 : at - s.data;
}

char *slice_dup_text(struct slice s)
{
	char *text = xmalloc(s.len + 1);

	if (s.len > 0)
		memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	return text;
}

struct slice slice_without_mark(struct slice text)
{
	const struct slice mark = SLICE_LITERAL("\xef\xbb\xbf");

	return slice_starts_with(text, mark) ? slice_sub(text, mark.len, text.len) : text;
}
