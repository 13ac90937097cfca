/*
 * Evidence of incidents: files in incidents/<id>/ with a manifest that `sha256sum -c manifest.sha256` understands. Retention never
 * touches them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"

#define MANIFEST "manifest.sha256"
#define MANIFEST_BYTES_MAX (1u << 20)
#define FILE_NAME_MAX 100

static bool check_file_name(const char *name, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	if (len > 0 && len <= FILE_NAME_MAX && name[0] != '.' && strspn(name, allowed) == len && strcmp(name, MANIFEST) != 0)
		return true;
	return error_set(err, ERR_FATAL, "evidence cannot be kept under this name: letters, digits, '.', '_' and '-' only, not \"%s\"", MANIFEST);
}

static void read_manifest(const char *directory, struct buf *out)
{
	char *path = xasprintf("%s/" MANIFEST, directory), chunk[4096];
	FILE *file = fopen(path, "rb");
	size_t n;

	free(path);
	if (file == NULL)
		return;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0 && buf_append(out, chunk, n))
		;
	fclose(file);
}

/* "<64 hex>  <name>": the line of another file than `name`? */
static bool line_is_of(struct slice line, const char *name)
{
	return line.len > 66 && slice_equal_text(slice_sub(line, 66, line.len), name);
}

static bool put_manifest(const char *directory, const char *name, struct slice content, struct error *err)
{
	struct hash hash = sha256(content);
	char hex[2 * HASH_LEN + 1];
	struct buf old, fresh;

	buf_init(&old, MANIFEST_BYTES_MAX);
	buf_init(&fresh, MANIFEST_BYTES_MAX);
	read_manifest(directory, &old);
	for (struct slice rest = buf_slice(&old); rest.len > 0;) {
		ptrdiff_t end = slice_find(rest, '\n');
		size_t len = end < 0 ? rest.len : (size_t)end;
		struct slice line = slice_sub(rest, 0, len);

		if (!line_is_of(line, name))
			buf_append_slice(&fresh, line), buf_append_byte(&fresh, '\n');
		rest = slice_sub(rest, end < 0 ? len : len + 1, rest.len);
	}
	hex_encode(hash.bytes, HASH_LEN, hex);
	bool ok = buf_printf(&fresh, "%s  %s\n", hex, name) || error_set(err, ERR_FATAL, "%s has too many evidence files", directory);
	ok = ok && file_put(directory, MANIFEST, buf_slice(&fresh), err);
	buf_deinit(&old);
	buf_deinit(&fresh);
	return ok;
}

/* *left is false when its log has filled enough of the disk for today. */
static bool may_keep(struct state *st, const struct incident *incident, struct slice content, bool *left, struct error *err)
{
	static const struct hash nobody;
	int64_t no;

	*left = true;
	if (hash_equal(&incident->log_id, &nobody))
		return true;
	return log_number(st, &incident->log_id, &no, err) && quota_left(st, no, QUOTA_EVIDENCE, incident->updated_ms, left, err) &&
	       (*left ? quota_spend(st, no, QUOTA_EVIDENCE, content.len, incident->updated_ms, err) :
			quota_exceed(st, no, QUOTA_EVIDENCE, incident->updated_ms, err));
}

bool state_put_evidence(struct state *st, const char *incident_id, const char *file_name, struct slice content, struct error *err)
{
	struct incident incident;

	if (!check_file_name(file_name, err) || !state_get_incident(st, incident_id, &incident, err))
		return false;
	bool left;
	if (!may_keep(st, &incident, content, &left, err) || !left) {
		incident_deinit(&incident);
		return left ? error_context(err, "evidence of incident %s", incident_id) : true;
	}
	char *relative = xasprintf("incidents/%s", incident.id), *directory = xasprintf("%s/%s", st->directory, relative);
	bool ok = directory_make(directory, err) && file_put(directory, file_name, content, err) && put_manifest(directory, file_name, content, err) &&
		  (incident.evidence_dir != NULL || RUN(st, SQL_INCIDENT_EVIDENCE, err, TEXT(incident.id), TEXT(relative)));

	free(relative);
	free(directory);
	incident_deinit(&incident);
	return ok || error_context(err, "evidence of incident %s", incident_id);
}
