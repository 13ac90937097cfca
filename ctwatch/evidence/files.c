/* Files of an evidence directory. */
#include "private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX (16u << 20)
#define PEM_LINE 64

void evidence_put(struct evidence_files *files, const char *name, struct slice content)
{
	char hex[2 * HASH_LEN + 1];
	struct hash hash = sha256(content);

	if (!files->ok)
		return;
	char *path = xasprintf("%s/%s", files->directory, name);
	FILE *file = fopen(path, "wbx");
	bool ok = file != NULL && fwrite(content.data, 1, content.len, file) == content.len;

	if (file != NULL)
		ok = fclose(file) == 0 && ok;
	if (!ok)
		files->ok = error_set(files->err, errno == ENOSPC ? ERR_NO_SPACE : ERR_FATAL, "%s cannot be written: %s", path, strerror(errno));
	free(path);
	hex_encode(hash.bytes, HASH_LEN, hex);
	json_array_append_new(files->listed, json_pack("{s:s,s:I,s:s}", "file", name, "bytes", (json_int_t)content.len, "sha256", hex));
}

void evidence_put_json(struct evidence_files *files, const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(1));
	struct buf out;

	buf_init(&out, JSON_BYTES_MAX);
	buf_append_text(&out, text);
	buf_append_byte(&out, '\n');
	evidence_put(files, name, buf_slice(&out));
	buf_deinit(&out);
	free(text);
}

void evidence_put_der(struct evidence_files *files, const char *name, const char *label, struct slice der)
{
	char *file = xasprintf("%s.der", name), *text = xmalloc(BASE64_LEN(der.len) + 1);
	struct buf pem;

	evidence_put(files, file, der);
	free(file);
	base64_encode(der.data, der.len, text);
	buf_init(&pem, JSON_BYTES_MAX);
	buf_printf(&pem, "-----BEGIN %s-----\n", label);
	for (size_t at = 0, len = strlen(text); at < len; at += PEM_LINE)
		buf_printf(&pem, "%.*s\n", PEM_LINE, text + at);
	buf_printf(&pem, "-----END %s-----\n", label);
	file = xasprintf("%s.pem", name);
	evidence_put(files, file, buf_slice(&pem));
	free(file);
	free(text);
	buf_deinit(&pem);
}
