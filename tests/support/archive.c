/* See archive.h. POSIX ustar: blocks of 512 bytes, a header before each file. */
#include "archive.h"
#include "shared.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK 512

void archive_open(struct archive *archive, const char *path)
{
	need_shared();
	archive->all = archive->rest = shared_file(path);
	if (archive->all.data == NULL)
		fail_msg("no archive %s in ../shared", path);
}

void archive_close(struct archive *archive)
{
	free((void *)(uintptr_t)archive->all.data);
	*archive = (struct archive){ 0 };
}

static size_t octal(struct slice digits)
{
	size_t value = 0;

	for (size_t i = 0; i < digits.len && digits.data[i] >= '0' && digits.data[i] <= '7'; i++)
		value = value * 8 + (size_t)(digits.data[i] - '0');
	return value;
}

bool archive_next(struct archive *archive, char name[256], struct slice *content)
{
	while (archive->rest.len >= BLOCK && archive->rest.data[0] != 0) {
		struct slice header = slice_sub(archive->rest, 0, BLOCK);
		size_t size = octal(slice_sub(header, 124, 136)), padded = (size + BLOCK - 1) / BLOCK * BLOCK;

		assert_true(padded <= archive->rest.len - BLOCK);
		*content = slice_sub(archive->rest, BLOCK, BLOCK + size);
		archive->rest = slice_sub(archive->rest, BLOCK + padded, archive->rest.len);
		if (header.data[156] != '0' && header.data[156] != 0)
			continue;
		const char *text = (const char *)header.data;
		snprintf(name, 256, "%.100s", strncmp(text, "./", 2) == 0 ? text + 2 : text);
		return true;
	}
	return false;
}

struct slice archive_find(struct archive *archive, const char *name)
{
	char found[256];
	struct slice content;

	archive->rest = archive->all;
	while (archive_next(archive, found, &content))
		if (strcmp(found, name) == 0)
			return content;
	fail_msg("the archive has no file %s", name);
	return (struct slice){ 0 };
}

static const char *find_text(struct slice in, const char *text)
{
	return memmem(in.data, in.len, text, strlen(text));
}

struct slice archive_take_pem(struct slice *pem)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	const char *from = find_text(*pem, begin);

	if (from == NULL)
		return (struct slice){ 0 };
	from += strlen(begin);
	*pem = slice_of(from, pem->len - (size_t)(from - (const char *)pem->data));
	const char *to = find_text(*pem, "-----END");
	assert_non_null(to);

	struct buf text;
	buf_init(&text, 1u << 24);
	for (const char *c = from; c < to; c++)
		if (*c > ' ')
			buf_append_byte(&text, (uint8_t)*c);
	uint8_t *out = xmalloc(text.len + 1);
	size_t len;
	assert_true(base64_decode(buf_slice(&text), out, &len));
	buf_deinit(&text);
	return slice_of(out, len);
}
