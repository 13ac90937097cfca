/* What an answer's headers say, as far as we use it: see struct fetch_answer. */
#include "fetch_private.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* "Name: value\r\n"; white space around the value is cut. */
static bool header_split(struct slice line, struct slice *name, struct slice *value)
{
	ptrdiff_t colon = slice_find(line, ':');

	if (colon <= 0)
		return false;
	struct slice v = slice_sub(line, (size_t)colon + 1, line.len);
	while (v.len > 0 && (v.data[0] == ' ' || v.data[0] == '\t'))
		v = slice_sub(v, 1, v.len);
	while (v.len > 0 && strchr(" \t\r\n", v.data[v.len - 1]) != NULL)
		v = slice_sub(v, 0, v.len - 1);
	*name = slice_sub(line, 0, (size_t)colon);
	*value = v;
	return true;
}

static bool header_is(struct slice name, const char *wanted)
{
	return name.len == strlen(wanted) && strncasecmp((const char *)name.data, wanted, name.len) == 0;
}

/* A header line whose value fits is kept, one that does not is as good as absent. */
static void keep_header(struct slice value, char *out, size_t out_len)
{
	if (value.len >= out_len)
		return;
	memcpy(out, value.data, value.len);
	out[value.len] = '\0';
}

static void keep_encoding(struct fetch *f, struct slice value)
{
	char text[sizeof(f->content_encoding)] = "";

	keep_header(value, text, sizeof(text));
	if (strcasecmp(text, "gzip") == 0 || strcasecmp(text, "x-gzip") == 0)
		f->answer.gzip = true;
	else if (value.len > 0 && strcasecmp(text, "identity") != 0)
		text_escape(value, f->content_encoding, sizeof(f->content_encoding));
}

static void read_header(struct fetch *f, struct slice name, struct slice value)
{
	struct fetch_answer *a = &f->answer;
	char text[64] = "";

	if (header_is(name, "content-encoding")) {
		keep_encoding(f, value);
	} else if (header_is(name, "etag")) {
		keep_header(value, a->etag, sizeof(a->etag));
	} else if (header_is(name, "last-modified")) {
		keep_header(value, a->last_modified, sizeof(a->last_modified));
	} else if (header_is(name, "content-type")) {
		keep_header(value, a->content_type, sizeof(a->content_type));
	} else if (header_is(name, "date")) {
		keep_header(value, text, sizeof(text));
		time_t date = curl_getdate(text, NULL);
		a->date_ms = date > 0 ? (int64_t)date * 1000 : 0;
	}
}

/* A new status line (after a 1xx, or a proxy's CONNECT): what the earlier answer said does not count. */
static void forget_headers(struct fetch *f)
{
	struct fetch_answer *a = &f->answer;

	a->gzip = false;
	a->date_ms = 0;
	a->etag[0] = a->last_modified[0] = a->content_type[0] = f->content_encoding[0] = '\0';
}

size_t fetch_headers_take(char *data, size_t size, size_t n, void *ctx)
{
	struct fetch *f = ctx;
	struct slice line = slice_of(data, size * n), name, value;

	f->header_bytes += line.len;
	if (f->fetcher->bytes_per_second > 0)
		f->fetcher->allowance -= (double)line.len;
	if (f->header_bytes > HEADER_BYTES_MAX) {
		f->bad_headers = true;
		return 0;
	}
	if (f->body_begun)
		return line.len;        /* trailers say nothing that we use */
	if (slice_starts_with(line, SLICE_LITERAL("HTTP/")))
		forget_headers(f);
	else if (header_split(line, &name, &value))
		read_header(f, name, value);
	return line.len;
}
