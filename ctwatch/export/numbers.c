/* See export_numbers.h. */
#include "numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 100                 /* of a name: numbers of rules that are gone are forgotten beyond, the oldest last */
#define FACT_MAX (32u << 10)

bool numbers_start(struct numbers *n, struct state *st, uint64_t base, uint64_t count, struct error *err)
{
	char *key = xasprintf("suricata-next/%" PRIu64, base), *text = NULL;
	bool ok = state_get_fact(st, key, &text, err);

	*n = (struct numbers){ .state = st, .base = base, .count = count };
	buf_init(&n->now, FACT_MAX);
	if (ok && text != NULL)
		uint64_parse(slice_text(text), &n->next);
	free(text);
	free(key);
	return ok;
}

void numbers_end(struct numbers *n)
{
	free(n->key);
	free(n->kept);
	buf_deinit(&n->now);
}

bool numbers_begin(struct numbers *n, const char *name, struct error *err)
{
	free(n->key);
	free(n->kept);
	n->key = xasprintf("suricata/%" PRIu64 "/%s", n->base, name);
	n->kept = NULL;
	buf_clear(&n->now);
	return state_get_fact(n->state, n->key, &n->kept, err);
}

/* The line of a part: parts hold no spaces. */
static const char *line_of(const char *lines, const char *part)
{
	size_t len = strlen(part);

	for (const char *at = lines; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1) {
		if (strncmp(at, part, len) == 0 && at[len] == ' ')
			return at;
		if (strchr(at, '\n') == NULL)
			return NULL;
	}
	return NULL;
}

static bool take(struct numbers *n, uint64_t *sid, struct error *err)
{
	if (n->next >= n->count)
		return error_set(err, ERR_USAGE, "all %" PRIu64 " sids from %" PRIu64 " on are taken: give a larger range with --sid-count", n->count, n->base);
	*sid = n->base + n->next++;
	n->taken = true;
	return true;
}

bool numbers_of(struct numbers *n, const char *part, struct slice text, uint64_t *sid, uint64_t *rev, bool *repeated, struct error *err)
{
	const struct hash digest = sha256(text);
	const char *line = line_of(n->kept, part);
	char hash[17], kept_hash[17] = "";

	*repeated = line_of(buf_text(&n->now), part) != NULL;
	if (*repeated)
		return true;
	hex_encode(digest.bytes, 8, hash);
	if (line == NULL || sscanf(line + strlen(part), "%" SCNu64 " %" SCNu64 " %16s", sid, rev, kept_hash) != 3 || *sid < n->base || *sid - n->base >= n->count) {
		kept_hash[0] = '\0';
		*rev = 0;
		if (!take(n, sid, err))
			return false;
	}
	*rev += strcmp(kept_hash, hash) != 0;
	buf_printf(&n->now, "%s %" PRIu64 " %" PRIu64 " %s\n", part, *sid, *rev, hash);
	return true;
}

/* Rules that were not written this time keep their numbers: they may come back. */
static void append_unused(struct numbers *n)
{
	size_t lines = 0;

	for (const char *at = n->kept; at != NULL && *at != '\0' && lines < LINES_MAX; lines++) {
		const char *end = strchr(at, '\n');
		size_t len = end != NULL ? (size_t)(end - at) + 1 : strlen(at);
		char *part = slice_dup_text(slice_of(at, strcspn(at, " \n")));

		if (line_of(buf_text(&n->now), part) == NULL)
			buf_append(&n->now, at, len);
		free(part);
		at += len;
	}
}

bool numbers_keep(struct numbers *n, struct error *err)
{
	append_unused(n);
	if (n->kept == NULL || strcmp(n->kept, buf_text(&n->now)) != 0)
		if (n->now.len > 0 && !state_put_fact(n->state, n->key, buf_text(&n->now), err))
			return false;
	if (!n->taken)
		return true;
	char *key = xasprintf("suricata-next/%" PRIu64, n->base), next[24];

	snprintf(next, sizeof(next), "%" PRIu64, n->next);
	bool ok = state_put_fact(n->state, key, next, err);
	free(key);
	n->taken = false;
	return ok;
}
