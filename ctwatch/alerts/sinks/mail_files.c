/* See mail_files.h. */
#include "mail_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "render.h"

#define FILE_MAX (3u << 20)           /* base64 makes a third more of it; a mail holds 8 MiB */
#define LINE_BYTES 57

static const char *type_of(const char *name)
{
	static const char *const types[][2] = { { ".html", "text/html; charset=utf-8" }, { ".csv", "text/csv; charset=utf-8" }, { ".json", "application/json" }, { ".md", "text/markdown; charset=utf-8" } };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < ARRAY_LEN(types); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* Parameters of headers are our own file names: what is not plain becomes "_" rather than an encoded form that clients differ about. */
static char *plain_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = xstrdup(slash != NULL ? slash + 1 : path);

	for (char *c = name; *c != '\0'; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("-_.", *c) != NULL))
			*c = '_';
	return name;
}

static void put_base64(struct buf *out, struct slice bytes)
{
	char line[BASE64_LEN(LINE_BYTES) + 1];

	for (size_t at = 0; at < bytes.len; at += LINE_BYTES) {
		base64_encode(bytes.data + at, bytes.len - at < LINE_BYTES ? bytes.len - at : LINE_BYTES, line);
		buf_printf(out, "%s\r\n", line);
	}
}

/* False, with the reason in words, when it is not put. */
static bool put_file(struct buf *out, const char *boundary, const char *path, char *why, size_t why_len)
{
	struct buf bytes;
	struct error err;

	buf_init(&bytes, FILE_MAX);
	bool ok = file_read(path, FILE_MAX, &bytes, &err);
	if (!ok) {
		snprintf(why, why_len, "%.200s", err.text);
	} else if (BASE64_LEN(bytes.len) / 76 * 78 + 1024 >= out->max - out->len) {
		ok = false;
		snprintf(why, why_len, "%.150s: the mail would be too large", path);
	} else {
		char *name = plain_name(path);

		buf_printf(out, "--%s\r\nContent-Type: %s\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n", boundary, type_of(name), name);
		put_base64(out, buf_slice(&bytes));
		free(name);
	}
	buf_deinit(&bytes);
	return ok;
}

void mail_files_put(struct buf *out, const char *boundary, const json_t *envelope, bool attach)
{
	struct buf note;
	json_t *path;
	size_t i;

	buf_init(&note, 1u << 16);
	json_array_foreach(json_object_get(json_object_get(envelope, "details"), "files"), i, path) {
		char why[256] = "";

		if (!json_is_string(path) || (attach && put_file(out, boundary, json_string_value(path), why, sizeof(why))))
			continue;
		buf_append_text(&note, note.len == 0 ? "Not attached, and to be had where ctwatch runs:\r\n" : "");
		render_plain(&note, attach ? why : json_string_value(path));
		buf_append_text(&note, "\r\n");
	}
	if (note.len > 0) {
		buf_printf(out, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n", boundary);
		put_base64(out, buf_slice(&note));
	}
	buf_deinit(&note);
}
