/* Files, whole. */
#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool file_read(const char *path, size_t max_bytes, struct buf *out, struct error *err)
{
	char shown[200];
	struct buf content;
	struct stat st;
	size_t n;

	text_escape(slice_text(path), shown, sizeof(shown));
	FILE *file = fopen(path, "rbe");
	if (file == NULL)
		return error_set(err, ERR_USAGE, "cannot read %s: %s", shown, strerror(errno));
	if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(file);
		return error_set(err, ERR_USAGE, "cannot read %s: it is a directory", shown);
	}
	buf_init(&content, max_bytes + 1);      /* one more than allowed tells "too long" from "just fits" */
	uint8_t chunk[16384];
	bool fits = true;
	while (fits && (n = fread(chunk, 1, sizeof(chunk) < max_bytes + 1 - content.len ? sizeof(chunk) : max_bytes + 1 - content.len, file)) > 0)
		fits = buf_append(&content, chunk, n) && content.len <= max_bytes;
	bool broken = ferror(file) != 0;
	fclose(file);
	if (fits && !broken) {
		content.max = max_bytes;
		*out = content;
		return true;
	}
	buf_deinit(&content);
	if (broken)
		return error_set(err, ERR_USAGE, "cannot read %s to its end", shown);
	return error_set(err, ERR_USAGE, "%s is longer than the %zu bytes that it may have", shown, max_bytes);
}
