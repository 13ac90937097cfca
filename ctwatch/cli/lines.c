#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_BYTES 65536

bool lines_open(struct line_reader *reader, const char *path, bool first_column, struct error *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? dup(STDIN_FILENO) : -1;

	errno = 0;
	*reader = (struct line_reader){ .in = standard ? gzdopen(fd, "rbe") : gzopen(path, "rbe"), .first_column = first_column };
	if (reader->in == NULL) {
		int why = errno;

		if (fd >= 0)
			close(fd);
		return error_set(err, ERR_USAGE, "cannot read %s: %s", standard ? "standard input" : path, why != 0 ? strerror(why) : "out of memory");
	}
	gzbuffer(reader->in, CHUNK_BYTES);
	reader->path = xstrdup(standard ? "standard input" : path);
	buf_init(&reader->bytes, LINE_BYTES_MAX + CHUNK_BYTES);
	return true;
}

/* What the first bytes give away, and how to make a text of it; NULL for a text. */
static const char *no_text(struct slice start)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *advice;
	} marks[] = {
		{ "\xfd" "7zXZ", 5, "compressed with xz; pipe it in: xz -dc FILE | ctwatch ... -" },
		{ "\x28\xb5\x2f\xfd", 4, "compressed with zstd; pipe it in: zstd -dc FILE | ctwatch ... -" },
		{ "BZh", 3, "compressed with bzip2; pipe it in: bzip2 -dc FILE | ctwatch ... -" },
		{ "PK\x03\x04", 4, "a zip archive (or a spreadsheet); unpack it, or save it as text" },
		{ "\xff\xfe", 2, "in UTF-16; save it as UTF-8" },
		{ "\xfe\xff", 2, "in UTF-16; save it as UTF-8" },
	};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (start.len >= marks[i].len && memcmp(start.data, marks[i].bytes, marks[i].len) == 0)
			return marks[i].advice;
	return memchr(start.data, '\0', start.len) != NULL ? "no text (it holds zero bytes); give a text with one name a line" : NULL;
}

static void begin(struct line_reader *reader)
{
	struct slice start = slice_of(reader->bytes.data, reader->bytes.len);
	const char *why = start.len > 0 ? no_text(start) : NULL;

	reader->begun = true;
	if (why != NULL) {
		error_set(&reader->err, ERR_USAGE, "%s is %s", reader->path, why);
		reader->failed = true;
	}
	if (start.len >= 3 && memcmp(start.data, "\xef\xbb\xbf", 3) == 0)
		reader->at = 3;
}

/* More bytes behind those that are there, unless it ends or breaks. */
static void read_more(struct line_reader *reader)
{
	uint8_t chunk[CHUNK_BYTES];
	size_t left = reader->bytes.len - reader->at;

	if (left > LINE_BYTES_MAX) {
		error_set(&reader->err, ERR_USAGE, "%s: line %llu is longer than %u bytes: this is no list of names", reader->path,
			  (unsigned long long)reader->number + 1, LINE_BYTES_MAX);
		reader->failed = true;
		return;
	}
	if (reader->at > 0)
		memmove(reader->bytes.data, reader->bytes.data + reader->at, left);
	reader->bytes.len = left;
	reader->at = 0;
	int n = gzread(reader->in, chunk, sizeof(chunk)), code = Z_OK;
	const char *why = n <= 0 ? gzerror(reader->in, &code) : NULL;

	if (n > 0)
		buf_append(&reader->bytes, chunk, (size_t)n);
	if (n <= 0 && code != Z_OK && code != Z_STREAM_END) {
		why = code == Z_ERRNO ? strerror(errno) : code == Z_BUF_ERROR ? "the gzip data is cut" : why;
		if (reader->begun)
			error_set(&reader->err, ERR_USAGE, "%s breaks off after line %llu: %s", reader->path, (unsigned long long)reader->number, why);
		else
			error_set(&reader->err, ERR_USAGE, "cannot read %s: %s", reader->path, why);
		reader->failed = true;
		return;
	}
	reader->ended = n <= 0;
	if (!reader->begun)
		begin(reader);
}

static struct slice trimmed(const struct line_reader *reader, struct slice line)
{
	while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
		line.len--;
	ptrdiff_t tab = reader->first_column ? slice_find(line, '\t') : -1;

	if (tab >= 0)
		line.len = (size_t)tab;
	return line;
}

bool lines_next(struct line_reader *reader, struct slice *line)
{
	struct slice rest;
	ptrdiff_t end;

	if (reader->failed)
		return false;
	for (;;) {
		rest = slice_sub(slice_of(reader->bytes.data, reader->bytes.len), reader->at, reader->bytes.len);
		end = rest.len > 0 ? slice_find(rest, '\n') : -1;
		if (end >= 0 || reader->ended)
			break;
		read_more(reader);
		if (reader->failed)
			return false;
	}
	if (rest.len == 0)
		return false;
	size_t len = end >= 0 ? (size_t)end + 1 : rest.len;

	reader->at += len;
	reader->number++;
	*line = trimmed(reader, slice_sub(rest, 0, len));
	return true;
}

bool lines_close(struct line_reader *reader, struct error *err)
{
	bool ok = !reader->failed;

	if (!ok)
		*err = reader->err;
	gzclose(reader->in);
	buf_deinit(&reader->bytes);
	free(reader->path);
	return ok;
}
