/* static-ct-api: checkpoint, hash tiles, data tiles, issuers, log.v3.json. */
#include <stdio.h>
#include <string.h>

#include "der.h"
#include "serve.h"

#define WIDTH 256
#define OCTETS "application/octet-stream"

enum kind tiled_kind(const char *path)
{
	if (strcmp(path, "checkpoint") == 0)
		return KIND_HEAD;
	if (strncmp(path, "tile/data/", 10) == 0)
		return KIND_DATA;
	if (strncmp(path, "tile/", 5) == 0)
		return KIND_TILE;
	return strncmp(path, "issuer/", 7) == 0 ? KIND_ISSUER : KIND_OTHER;
}

static void not_found(struct http_answer *answer)
{
	http_say(answer, 404, "text/plain", "404 page not found\n");
}

/* ---- checkpoint --------------------------------------------------------------------------------------------------- */

/* "— <name> <base64(key id || signature)>" with the key id of a log key: type 0x05 */
static void put_log_signature(const struct fake_log *log, const struct served_head *served, const char *name, struct buf *out)
{
	const struct slice key_parts[] = { slice_text(name), SLICE_LITERAL("\n\x05"), { log->id.bytes, HASH_LEN } };
	struct hash key_id = sha256_parts(key_parts, 3);
	struct buf blob;

	buf_init(&blob, 256);
	buf_append(&blob, key_id.bytes, 4);
	put_u64(&blob, (uint64_t)served->head.timestamp_ms);
	buf_append(&blob, served->signature, served->signature_len);
	buf_printf(out, "\xe2\x80\x94 %s ", name);
	put_base64(out, buf_slice(&blob));
	buf_append_text(out, "\n");
	buf_deinit(&blob);
}

static void put_strangers(const struct fake_log *log, struct buf *out)
{
	struct chance chance = chance_of(log->world->seed, 0x3333);
	uint8_t blob[76];

	for (unsigned i = 0; i < 16; i++) {
		chance_bytes(&chance, blob, sizeof(blob));
		buf_printf(out, "\xe2\x80\x94 witness%u.test/w ", i);
		put_base64(out, slice_of(blob, sizeof(blob)));
		buf_append_text(out, "\n");
	}
}

static void serve_checkpoint(struct fake_log *log, struct http_answer *answer)
{
	struct served_head served;
	struct buf *out = &answer->body;
	const char *origin;

	log_serve_head(log, &served);
	origin = served.other_origin ? "elsewhere.test/log" : log->origin;
	buf_printf(out, "%s\n%llu\n", origin, (unsigned long long)served.head.size);
	put_base64(out, slice_of(served.head.root.bytes, HASH_LEN));
	buf_append_text(out, served.extension_line ? "\nan extension line\n\n" : "\n\n");
	if (served.strangers)
		put_strangers(log, out);
	put_log_signature(log, &served, origin, out);
	answer->content_type = "text/plain; charset=utf-8";
	if (served.malformed)
		out->len /= 2;
}

/* ---- tiles ---------------------------------------------------------------------------------------------------------- */

struct tile {
	int level;               /* -1: data */
	uint64_t index;
	unsigned width;
	bool partial;
};

/* "x001/x234/067" or the same with ".p/17": three digits at a time, all groups but the last behind an x. */
static bool parse_index(const char *text, struct tile *tile)
{
	char last[4], tail[8];
	int used = 0;

	tile->index = 0;
	for (; *text == 'x'; text += 5) {
		unsigned group;

		if (sscanf(text, "x%3u/", &group) != 1 || strlen(text) < 6 || text[4] != '/' || tile->index > UINT64_MAX / 10000)
			return false;
		tile->index = tile->index * 1000 + group;
	}
	if (sscanf(text, "%3[0-9]%n", last, &used) != 1 || used != 3)
		return false;
	tile->index = tile->index * 1000 + (uint64_t)((last[0] - '0') * 100 + (last[1] - '0') * 10 + last[2] - '0');
	tile->width = WIDTH;
	tile->partial = text[3] != '\0';
	if (!tile->partial)
		return true;
	if (sscanf(text + 3, ".p/%u%n", &tile->width, &used) != 1 || text[3 + used] != '\0')
		return false;
	snprintf(tail, sizeof(tail), ".p/%u", tile->width);
	return tile->width > 0 && tile->width < WIDTH && strcmp(tail, text + 3) == 0;
}

static bool parse_tile(const char *path, struct tile *tile)
{
	unsigned level;

	path += strlen("tile/");
	if (strncmp(path, "data/", 5) == 0) {
		tile->level = -1;
		return parse_index(path + 5, tile);
	}
	if (sscanf(path, "%1u/", &level) != 1 || path[1] != '/' || level > 5)
		return false;
	tile->level = (int)level;
	return parse_index(path + 2, tile);
}

/* Hashes of a level that exist below the newest published head. */
static uint64_t n_hashes(const struct fake_log *log, unsigned level)
{
	return log_head(log)->size >> 8 * level;
}

/* Full tiles always; a partial one only with the width that a published head gave it. */
static bool is_served(struct fake_log *log, const struct tile *tile, int *status)
{
	unsigned level = tile->level < 0 ? 0 : (unsigned)tile->level;
	uint64_t end = tile->index * WIDTH + tile->width, limit;
	bool full_exists = (tile->index + 1) * WIDTH <= n_hashes(log, level);

	*status = 404;
	if (tile->index > UINT64_MAX / WIDTH - 1 || end > n_hashes(log, level))
		return false;
	if (fault_is_on(&log->faults, FAULT_MISSING_ENTRIES, 0, &limit) && level == 0 && end > limit)
		return false;
	if (fault_is_on(&log->faults, FAULT_MISSING_TILE, 0, &limit) && limit == tile->index && tile->level < 1)
		return false;
	if (!tile->partial)
		return true;
	if (fault_is_on(&log->faults, FAULT_PARTIAL_403, 0, NULL))
		*status = 403;
	if ((*status == 403 || fault_is_on(&log->faults, FAULT_PARTIAL_404, 0, NULL)) && full_exists)
		return false;
	if (fault_is_on(&log->faults, FAULT_NO_PARTIALS, 0, NULL))
		return false;
	return log_published_within(log, end << 8 * level, (end + 1) << 8 * level);
}

static void put_tile_leaf(struct fake_log *log, uint64_t index, struct entry_bytes *scratch, struct buf *out)
{
	const struct authority *all;
	size_t chain[2], n;

	mint_authorities(log->world->mint, &all);
	serve_entry(log, index, KIND_DATA, scratch);
	buf_append(out, scratch->leaf.data + 2, scratch->leaf.len - 2);        /* TimestampedEntry */
	if (scratch->is_precert) {
		put_u24(out, (uint32_t)scratch->precertificate.len);
		buf_append_slice(out, buf_slice(&scratch->precertificate));
	}
	n = serve_chain(log, scratch, KIND_DATA, chain);
	put_u16(out, (uint16_t)(n * HASH_LEN));
	for (size_t i = 0; i < n; i++)
		buf_append(out, all[chain[i]].fingerprint.bytes, HASH_LEN);
}

static void put_data_tile(struct fake_log *log, const struct tile *tile, struct buf *out)
{
	struct entry_bytes scratch;

	entry_bytes_init(&scratch);
	for (unsigned i = 0; i < tile->width; i++)
		put_tile_leaf(log, tile->index * WIDTH + i, &scratch, out);
	entry_bytes_deinit(&scratch);
	if (fault_strikes(&log->faults, FAULT_MALFORMED_TILE, KIND_DATA))
		buf_append_text(out, "surplus");
}

static void put_hash_tile(struct fake_log *log, const struct tile *tile, struct buf *out)
{
	const struct hash *hashes = log->tree.level[8 * tile->level].hashes + tile->index * WIDTH;

	for (unsigned i = 0; i < tile->width; i++)
		buf_append(out, hashes[i].bytes, HASH_LEN);
	if (fault_strikes(&log->faults, FAULT_TILE_HASH, KIND_TILE))
		out->data[out->len - 1] ^= 1;
}

static void serve_tile(struct fake_log *log, const char *path, struct http_answer *answer)
{
	struct tile tile;
	int status;

	if (!parse_tile(path, &tile)) {
		not_found(answer);
		return;
	}
	if (!is_served(log, &tile, &status)) {
		http_say(answer, status, "application/xml", "<Error><Code>%s</Code></Error>\n",
			 status == 403 ? "AccessDenied" : "NoSuchKey");
		return;
	}
	answer->content_type = OCTETS;
	if (tile.level < 0)
		put_data_tile(log, &tile, &answer->body);
	else
		put_hash_tile(log, &tile, &answer->body);
	if (fault_strikes(&log->faults, FAULT_SHORT_TILE, tile.level < 0 ? KIND_DATA : KIND_TILE))
		answer->body.len /= 2;
}

/* ---- issuers and the log's own description ---------------------------------------------------------------------------- */

static void serve_issuer(struct fake_log *log, const char *hex, struct http_answer *answer)
{
	const struct authority *all;
	size_t n = mint_authorities(log->world->mint, &all);
	struct hash wanted;
	bool wrong = fault_strikes(&log->faults, FAULT_WRONG_ISSUER, KIND_ISSUER);

	if (!fault_strikes(&log->faults, FAULT_MISSING_ISSUER, KIND_ISSUER) &&
	    hex_decode(slice_text(hex), wanted.bytes, HASH_LEN))
		for (size_t i = 0; i < n; i++)
			if (hash_equal(&all[i].fingerprint, &wanted)) {
				answer->content_type = "application/pkix-cert";
				buf_append_slice(&answer->body, buf_slice(&all[wrong ? (i + 1) % n : i].certificate));
				return;
			}
	not_found(answer);
}

void tiled_serve(struct fake_log *log, const char *path, struct http_answer *answer)
{
	switch (tiled_kind(path)) {
	case KIND_HEAD:
		serve_checkpoint(log, answer);
		break;
	case KIND_DATA:
	case KIND_TILE:
		serve_tile(log, path, answer);
		break;
	case KIND_ISSUER:
		serve_issuer(log, path + strlen("issuer/"), answer);
		break;
	default:
		if (strcmp(path, "log.v3.json") != 0) {
			not_found(answer);
			break;
		}
		answer->content_type = "application/json";
		list_put_log(log, &answer->body);
	}
}
