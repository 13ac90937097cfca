/*
 * What reading an answer of a log costs, per entry, against the plain way of doing it, measured in the same run on the same bytes: real
 * entries and tiles where ../shared is there, else generated ones. Each number is the median of several rounds, ours and the
 * reference taking turns.
 */
#include "ct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "shared.h"

#define PAGE_ENTRIES 256
#define ROUNDS 31
#define TILES 3

struct input {
	struct buf page;                /* JSON */
	struct slice tiles[TILES];      /* decoded data tiles, then gzipped */
	struct slice packed[TILES];
	struct buf leaves;              /* one leaf after the other */
	size_t leaf_len[PAGE_ENTRIES];
	uint8_t *room;                  /* for one decoded leaf or tile */
	struct inflater *inflater;
};

#define ROOM (16u << 20)

static volatile uint64_t sink;          /* results go here, so that no work is left out */

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_wire: %s\n", what);
	exit(1);
}

/* ---- what is measured: each returns the number of entries it did ------------------------------------------------- */

static size_t scan_page(struct input *in)
{
	struct entries_page page;
	struct slice leaf, extra;
	struct error err;
	size_t len;

	entries_page_init(&page, buf_slice(&in->page));
	while (entries_page_next(&page, &leaf, &extra, &err)) {
		if (!page_base64_decode(leaf, in->room, &len))
			die("leaf is not base64");
		sink += in->room[len / 2];
	}
	if (!page.done)
		die(err.text);
	return page.n_entries;
}

/* jansson and OpenSSL's decoder, as most programs would do it. */
static size_t jansson_page(struct input *in)
{
	json_t *root = json_loadb((const char *)in->page.data, in->page.len, 0, NULL), *item;
	json_t *entries = json_object_get(root, "entries");
	size_t i;

	json_array_foreach(entries, i, item) {
		const json_t *leaf = json_object_get(item, "leaf_input");

		EVP_DecodeBlock(in->room, (const unsigned char *)json_string_value(leaf), (int)json_string_length(leaf));
		sink += in->room[0];
	}
	i = json_array_size(entries);
	json_decref(root);
	return i;
}

static size_t decode_page(struct input *in)
{
	struct entries_page page;
	struct slice leaf, extra;
	struct entry entry;
	struct error err;
	size_t len;

	entries_page_init(&page, buf_slice(&in->page));
	while (entries_page_next(&page, &leaf, &extra, &err)) {
		if (!page_base64_decode(leaf, in->room, &len) || !entry_parse(slice_of(in->room, len), &entry, &err))
			die(err.text);
		sink += entry.timestamp_ms + entry.certificate.len;
	}
	return page.n_entries;
}

/* All that reading costs before certificates are looked at: scan, decode, parse, hash, and the range of the whole page. */
static size_t hash_page(struct input *in)
{
	struct compact_range range;
	struct entries_page page;
	struct slice leaf, extra;
	struct entry entry;
	struct error err;
	size_t len;

	range_init(&range, 0);
	entries_page_init(&page, buf_slice(&in->page));
	while (entries_page_next(&page, &leaf, &extra, &err)) {
		if (!page_base64_decode(leaf, in->room, &len) || !entry_parse(slice_of(in->room, len), &entry, &err))
			die(err.text);
		struct hash hash = entry_leaf_hash(&entry);
		range_append_leaf(&range, &hash);
	}
	sink += range_root(&range).bytes[0];
	return page.n_entries;
}

static size_t decode_tiles(struct input *in)
{
	struct entry entry;
	struct error err;
	size_t n = 0;

	for (size_t i = 0; i < TILES; i++)
		for (struct slice tile = in->tiles[i]; tile.len > 0; n++) {
			if (!entry_take_tile_leaf(&tile, &entry, &err))
				die(err.text);
			sink += entry.timestamp_ms + entry.chain.len;
		}
	return n;
}

static size_t hash_leaves(struct input *in)
{
	const uint8_t *at = in->leaves.data;

	for (size_t i = 0; i < PAGE_ENTRIES; at += in->leaf_len[i++])
		sink += leaf_hash(slice_of(at, in->leaf_len[i])).bytes[0];
	return PAGE_ENTRIES;
}

static size_t hash_leaves_evp(struct input *in)
{
	static const uint8_t zero = 0;
	const uint8_t *at = in->leaves.data;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[HASH_LEN];

	for (size_t i = 0; i < PAGE_ENTRIES; at += in->leaf_len[i++]) {
		EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
		EVP_DigestUpdate(ctx, &zero, 1);
		EVP_DigestUpdate(ctx, at, in->leaf_len[i]);
		EVP_DigestFinal_ex(ctx, hash, NULL);
		sink += hash[0];
	}
	EVP_MD_CTX_free(ctx);
	return PAGE_ENTRIES;
}

static size_t append_leaves(struct input *in)
{
	struct compact_range range;
	struct hash leaf = { { 0 } };

	(void)in;
	range_init(&range, 0);
	for (size_t i = 0; i < PAGE_ENTRIES; i++)
		range_append_leaf(&range, &leaf);
	sink += range_root(&range).bytes[0];
	return PAGE_ENTRIES;
}

static size_t inflate_ours(struct input *in)
{
	struct error err;
	struct slice out;

	for (size_t i = 0; i < TILES; i++) {
		if (!inflater_gunzip(in->inflater, in->packed[i], &out, &err))
			die(err.text);
		sink += out.len;
	}
	return (size_t)TILES * TILE_WIDTH;
}

static size_t inflate_zlib(struct input *in)
{
	for (size_t i = 0; i < TILES; i++) {
		z_stream stream = { .next_in = (Bytef *)(uintptr_t)in->packed[i].data, .avail_in = (uInt)in->packed[i].len,
				    .next_out = in->room, .avail_out = ROOM };

		if (inflateInit2(&stream, 15 + 16) != Z_OK || inflate(&stream, Z_FINISH) != Z_STREAM_END)
			die("zlib refuses a tile");
		sink += stream.total_out;
		inflateEnd(&stream);
	}
	return (size_t)TILES * TILE_WIDTH;
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

struct row {
	const char *name;
	size_t (*ours)(struct input *), (*reference)(struct input *);
	const char *aim;
};

static const struct row ROWS[] = {
	{ "page scan and leaf base64, against jansson and EVP_DecodeBlock", scan_page, jansson_page, "ratio >= 30" },
	{ "page to parsed entries", decode_page, NULL, "<= 1.5 us" },
	{ "page to parsed, hashed entries and their range", hash_page, NULL, "<= 1.5 us and two hashes" },
	{ "data tile to parsed entries", decode_tiles, NULL, "<= 0.1 us" },
	{ "leaf hash, against EVP", hash_leaves, hash_leaves_evp, "ratio >= 1" },
	{ "range append and root", append_leaves, NULL, "one node hash" },
	{ "inflate a data tile, against zlib", inflate_ours, inflate_zlib, "ratio >= 1.5" },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double time_once(size_t (*run)(struct input *), struct input *in)
{
	double start = now_us();
	size_t n = run(in);

	return (now_us() - start) / (double)n;
}

static void measure(const struct row *row, struct input *in)
{
	double ours[ROUNDS], reference[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		ours[i] = time_once(row->ours, in);
		reference[i] = row->reference != NULL ? time_once(row->reference, in) : 0;
	}
	qsort(ours, ROUNDS, sizeof(*ours), by_value);
	qsort(reference, ROUNDS, sizeof(*reference), by_value);
	printf("{\"bench\":\"wire\",\"row\":\"%s\",\"value\":%.3f,\"unit\":\"us/entry\"", row->name, ours[ROUNDS / 2]);
	if (row->reference != NULL)
		printf(",\"reference\":%.3f,\"ratio\":%.1f", reference[ROUNDS / 2], reference[ROUNDS / 2] / ours[ROUNDS / 2]);
	printf(",\"aim\":\"%s\"}\n", row->aim);
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

struct sample {
	char *leaf, *extra;     /* base64 */
};

/* Real entries, one JSON object a line. */
static size_t read_samples(struct sample *samples, size_t max)
{
	struct slice lines = shared_file("data/rfc6962/entries-live-2026-05-20.jsonl.zst");
	const char *at = (const char *)lines.data, *end = at + lines.len;
	size_t n = 0;

	while (at < end && n < max) {
		json_t *line = json_loadb(at, (size_t)(end - at), JSON_DISABLE_EOF_CHECK, NULL);
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (line != NULL) {
			samples[n].leaf = xstrdup(json_string_value(json_object_get(line, "leaf_input")));
			samples[n++].extra = xstrdup(json_string_value(json_object_get(line, "extra_data")));
		}
		json_decref(line);
		at = newline == NULL ? end : newline + 1;
	}
	free((void *)(uintptr_t)lines.data);
	return n;
}

/* Stand-ins of typical size: an x509 entry of `len` bytes whose certificate is noise. */
static char *generated_leaf(size_t len, uint32_t seed)
{
	uint8_t *leaf = xcalloc(1, len);
	char *text = xmalloc(BASE64_LEN(len) + 1);

	for (size_t i = 15; i < len - 2; i++)
		leaf[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	leaf[13] = (uint8_t)((len - 17) >> 8);
	leaf[14] = (uint8_t)(len - 17);
	base64_encode(leaf, len, text);
	free(leaf);
	return text;
}

static size_t make_samples(struct sample *samples, size_t max)
{
	for (size_t i = 0; i < max; i++)
		samples[i] = (struct sample){ generated_leaf(1300, (uint32_t)i), generated_leaf(3000, (uint32_t)i + 1000) };
	return max;
}

static void make_page(struct input *in)
{
	struct sample samples[32];
	size_t n = read_samples(samples, ARRAY_LEN(samples));

	if (n == 0)
		n = make_samples(samples, ARRAY_LEN(samples));
	buf_init(&in->page, RESPONSE_BYTES_MAX);
	buf_init(&in->leaves, RESPONSE_BYTES_MAX);
	buf_append_text(&in->page, "{\"entries\":[");
	for (size_t i = 0; i < PAGE_ENTRIES; i++) {
		const struct sample *s = &samples[i % n];
		uint8_t *to = buf_reserve(&in->leaves, strlen(s->leaf));

		buf_printf(&in->page, "%s{\"leaf_input\":\"%s\",\"extra_data\":\"%s\"}", i > 0 ? "," : "", s->leaf, s->extra);
		if (!base64_decode(slice_text(s->leaf), to, &in->leaf_len[i]))
			die("sample is not base64");
		in->leaves.len += in->leaf_len[i];
	}
	buf_append_text(&in->page, "]}");
	for (size_t i = 0; i < n; i++) {
		free(samples[i].leaf);
		free(samples[i].extra);
	}
}

/* A data tile of the page's own leaves, for a machine without real ones. */
static struct slice generated_tile(const struct input *in)
{
	const uint8_t *at = in->leaves.data;
	struct entry entry;
	struct error err;
	struct buf tile;

	buf_init(&tile, RESPONSE_BYTES_MAX);
	for (size_t i = 0; i < PAGE_ENTRIES; at += in->leaf_len[i++]) {
		if (!entry_parse(slice_of(at, in->leaf_len[i]), &entry, &err))
			die(err.text);
		buf_append(&tile, at + 2, in->leaf_len[i] - 2);
		buf_append(&tile, "\0\0\0\0\0", entry.type == ENTRY_PRECERT ? 5 : 2);
	}
	return buf_slice(&tile);
}

static struct slice gzip(struct slice plain)
{
	size_t room = compressBound((uLong)plain.len) + 64;
	uint8_t *out = xmalloc(room);
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)plain.data, .avail_in = (uInt)plain.len, .next_out = out,
			    .avail_out = (uInt)room };

	if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&stream, Z_FINISH) != Z_STREAM_END)
		die("zlib does not compress");
	struct slice packed = slice_of(out, stream.total_out);
	deflateEnd(&stream);
	return packed;
}

static void make_tiles(struct input *in)
{
	for (unsigned i = 0; i < TILES; i++) {
		char path[64];

		snprintf(path, sizeof(path), "data/staticct/navigli2025h2/tile/data/%03u.gz", i);
		in->tiles[i] = shared_file(path);
		if (in->tiles[i].data == NULL)
			in->tiles[i] = generated_tile(in);
		in->packed[i] = gzip(in->tiles[i]);
	}
}

int main(void)
{
	struct input in = { .room = xmalloc(ROOM), .inflater = inflater_new(RESPONSE_BYTES_MAX) };

	make_page(&in);
	make_tiles(&in);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		measure(&ROWS[i], &in);
	for (size_t i = 0; i < TILES; i++) {
		free((void *)(uintptr_t)in.tiles[i].data);
		free((void *)(uintptr_t)in.packed[i].data);
	}
	inflater_free(in.inflater);
	buf_deinit(&in.page);
	buf_deinit(&in.leaves);
	free(in.room);
	return 0;
}
