/* Small facts by name, and issuer certificates by hash. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "quota.h"

bool state_put_fact(struct state *st, const char *key, const char *value, struct error *err)
{
	if (value == NULL)
		return RUN(st, SQL_FACT_DELETE, err, TEXT(key));
	return RUN(st, SQL_FACT_PUT, err, TEXT(key), TEXT(value));
}

bool state_get_fact(struct state *st, const char *key, char **value, struct error *err)
{
	struct rows rows = ROWS(st, SQL_FACT_GET, TEXT(key));
	char *found = rows_next(&rows) ? rows_dup(&rows, 0) : NULL;

	if (!rows_close(&rows, err)) {
		free(found);
		return false;
	}
	*value = found;
	return true;
}

/* Content-addressed: a file that does not fit its name is as good as none. */
static char *issuer_name(const struct hash *sha256)
{
	char hex[2 * HASH_LEN + 1];

	hex_encode(sha256->bytes, HASH_LEN, hex);
	return xstrdup(hex);
}

bool state_put_issuer(struct state *st, const struct hash *hash, struct slice der, struct error *err)
{
	struct hash actual = sha256(der);

	if (!hash_equal(hash, &actual))
		return error_set(err, ERR_MALFORMED, "issuer of %zu bytes does not have the SHA-256 that it was asked for by", der.len);
	if (der.len > STATE_DER_MAX)
		return error_set(err, ERR_MALFORMED, "issuer of %zu bytes is larger than the %u that are kept", der.len, STATE_DER_MAX);
	char *name = issuer_name(hash), *directory = xasprintf("%s/issuers", st->directory);
	bool ok = file_put(directory, name, der, err);

	free(name);
	free(directory);
	return ok;
}

static bool put_issuer_of(struct state *st, int64_t no, const struct hash *hash, struct slice der, int64_t now_ms, bool *stored, struct error *err)
{
	bool left;

	*stored = false;
	if (!quota_left(st, no, QUOTA_ISSUERS, now_ms, &left, err))
		return false;
	if (!left)
		return quota_exceed(st, no, QUOTA_ISSUERS, now_ms, err);
	*stored = true;
	return quota_spend(st, no, QUOTA_ISSUERS, der.len, now_ms, err) && state_put_issuer(st, hash, der, err);
}

bool state_put_issuer_of(struct state *st, const struct hash *log_id, const struct hash *hash, struct slice der, int64_t now_ms, bool *stored,
			 struct error *err)
{
	int64_t no;

	if (!state_begin(st, err))
		return false;
	return state_end(st, log_number(st, log_id, &no, err) && put_issuer_of(st, no, hash, der, now_ms, stored, err), err);
}

bool state_may_keep_issuer(struct state *st, const struct hash *log_id, int64_t now_ms)
{
	struct error ignored;
	int64_t no;
	bool left;

	return log_number(st, log_id, &no, &ignored) && quota_left(st, no, QUOTA_ISSUERS, now_ms, &left, &ignored) && left;
}

bool state_get_issuer(struct state *st, const struct hash *hash, struct buf *out)
{
	char *name = issuer_name(hash), *path = xasprintf("%s/issuers/%s", st->directory, name);
	FILE *file = fopen(path, "rb");
	size_t n, before = out->len;
	uint8_t chunk[4096];
	bool fits = true;

	if (file != NULL && st->mode == STATE_DAEMON)
		utimensat(AT_FDCWD, path, NULL, 0);   /* in use: the last to go when there are too many */
	free(name);
	free(path);
	if (file == NULL)
		return false;
	while (fits && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fits = buf_append(out, chunk, n);
	fclose(file);
	struct hash actual = sha256(slice_sub(buf_slice(out), before, out->len));
	if (fits && hash_equal(hash, &actual))
		return true;
	out->len = before;
	return false;
}
