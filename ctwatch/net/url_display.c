/* A URL as people and diagnostics may see it. */
#include "url.h"

#include <stdlib.h>
#include <string.h>

/* A path segment longer than this may be a token, unless it is words: lower case with "_", "-" or "." between them. */
#define SEGMENT_SHOWN_MAX 12

static bool may_be_token(const char *segment, size_t len)
{
	size_t n_letters = 0, n_joints = 0;

	for (size_t i = 0; i < len; i++) {
		n_letters += segment[i] >= 'a' && segment[i] <= 'z';
		n_joints += strchr("_-.", segment[i]) != NULL;
	}
	return len > SEGMENT_SHOWN_MAX && (n_joints == 0 || n_letters + n_joints != len);
}

/* Appends the path, its long segments as "...". */
static void show_path(struct buf *out, const char *path)
{
	size_t end = strcspn(path, "?#");

	for (size_t i = 0; i < end;) {
		size_t len = strcspn(path + i + 1, "/?#");

		if (i + 1 + len > end)
			len = end - i - 1;
		buf_append_byte(out, '/');
		if (may_be_token(path + i + 1, len))
			buf_append_text(out, "...");
		else
			buf_append(out, path + i + 1, len);
		i += 1 + len;
	}
	if (path[end] != '\0')
		buf_append_text(out, "?...");
}

char *url_for_display(const char *url)
{
	const char *scheme_end = strstr(url, "://");
	struct buf out;

	if (scheme_end == NULL)
		return xstrdup(url);
	const char *authority = scheme_end + 3;
	size_t authority_len = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', authority_len);
	buf_init(&out, strlen(url) * 2 + 64);
	buf_append(&out, url, (size_t)(authority - url));
	if (at != NULL) {
		buf_append_text(&out, "...@");
		authority_len -= (size_t)(at + 1 - authority);
		authority = at + 1;
	}
	buf_append(&out, authority, authority_len);
	show_path(&out, authority + authority_len);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}
