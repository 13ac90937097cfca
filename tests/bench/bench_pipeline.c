/*
 * What a whole response costs on one thread (decode, hash, scan, first rules: batch_run) against the sum of its parts measured
 * alone on the same bytes, for both protocols. Real entries; the median of several rounds, whole and parts taking turns.
 */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "config.h"
#include "shared.h"

#define ROUNDS 41
#define REPEATS 8
#define TILE_ENTRIES 256
#define PAGE_ENTRIES 256

enum part { PART_DECODE, PART_SPLIT, PART_HASH, PART_WALK, PART_RULES, N_PARTS };
static const char *const PART_NAMES[2][N_PARTS] = {
	[LOG_RFC6962] = { "base64", "page scan", "hash", "certificate and names", "rules" },
	[LOG_STATIC] = { "inflate", "split", "hash", "certificate and names", "rules" },
};

struct input {
	enum log_protocol protocol;
	struct buf body;                  /* as a log sends it */
	struct buf plain;                 /* inflated */
	struct entry entries[TILE_ENTRIES];
	struct slice texts[PAGE_ENTRIES]; /* classic: base64 of the leaves */
	struct buf leaves;
	size_t n;
};

struct tools {
	struct batch_scratch *scratch;
	struct inflater *inflater;
	struct suffix_table *suffixes;
	struct ruleset *rules;
	struct rule_scratch *rule_scratch;
	struct cert_names names[TILE_ENTRIES];
	struct cert_view views[TILE_ENTRIES];
	struct match_list matches;
	uint8_t *room;
};

static volatile uint64_t sink;        /* results go here, so that no work is left out */

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what, const struct error *err)
{
	fprintf(stderr, "bench_pipeline: %s: %s\n", what, err == NULL ? "" : err->text);
	exit(1);
}

/* ---- the parts ---------------------------------------------------------------------------------------------- */

static void decode(struct tools *t, struct input *in)
{
	struct slice out;
	struct error err;
	size_t len;

	if (in->protocol == LOG_STATIC) {
		if (!inflater_gunzip(t->inflater, buf_slice(&in->body), &out, &err))
			die("inflate", &err);
		sink += out.len;
		return;
	}
	for (size_t i = 0; i < in->n; i++) {
		page_base64_decode(in->texts[i], t->room, &len);
		sink += len;
	}
}

static void split(struct tools *t, struct input *in)
{
	struct entries_page page;
	struct slice rest = buf_slice(&in->plain), leaf, extra;
	struct entry entry;
	struct error err;

	(void)t;
	if (in->protocol == LOG_STATIC) {
		while (rest.len > 0 && entry_take_tile_leaf(&rest, &entry, &err))
			sink += entry.timestamp_ms;
		return;
	}
	entries_page_init(&page, rest);
	while (entries_page_next(&page, &leaf, &extra, &err))
		sink += leaf.len;
}

static void hash(struct tools *t, struct input *in)
{
	struct compact_range range;

	(void)t;
	range_init(&range, 0);
	for (size_t i = 0; i < in->n; i++) {
		struct hash h = entry_leaf_hash(&in->entries[i]);

		range_append_leaf(&range, &h);
	}
	sink += range.hashes[0].bytes[0];
}

static void walk(struct tools *t, struct input *in)
{
	struct error err;

	for (size_t i = 0; i < in->n; i++) {
		names_clear(&t->names[i]);
		if (cert_scan_entry(&in->entries[i], &t->views[i], &err))
			names_collect(&t->views[i], &t->names[i], &err);
		sink += t->names[i].n;
	}
}

static void match(struct tools *t, struct input *in)
{
	for (size_t i = 0; i < in->n; i++) {
		struct rule_subject subject = { .issuer_org = t->views[i].issuer_org, .issuer = t->views[i].issuer, .names = &t->names[i] };

		if (ruleset_wants_issuer(t->rules, subject.issuer_org))
			sink += ruleset_match(t->rules, t->rule_scratch, &subject, &t->matches);
	}
	match_list_clear(&t->matches);
}

static void whole(struct tools *t, struct input *in)
{
	struct batch_input input = {
		.protocol = in->protocol,
		.body = buf_slice(&in->body),
		.n_asked = in->n,
		.to = in->n,
		.floor_head_ms = INT64_MIN,
		.mmd_ms = 86400000,
		.interval_start_ms = INT64_MIN,
		.interval_end_ms = INT64_MAX,
	};
	struct batch_output out;
	struct error err;

	if (!batch_run(t->scratch, t->rules, &input, &out, &err))
		die("batch", &err);
	sink += out.counters.entries;
	batch_output_deinit(&out);
}

/* ---- input ------------------------------------------------------------------------------------------------------ */

static void take_tile(struct tools *t, struct input *in)
{
	char *path = xasprintf("%s/data/staticct/navigli2025h2/tile/data/001.gz", CTWATCH_SHARED_DIR);
	struct slice plain, rest;
	struct error err;

	in->protocol = LOG_STATIC;
	buf_init(&in->body, RESPONSE_BYTES_MAX);
	buf_init(&in->plain, RESPONSE_BYTES_MAX);
	if (!file_read(path, RESPONSE_BYTES_MAX, &in->body, &err))
		die("skipped: no ../shared", &err);
	free(path);
	if (!inflater_gunzip(t->inflater, buf_slice(&in->body), &plain, &err))
		die("tile", &err);
	buf_append_slice(&in->plain, plain);
	rest = buf_slice(&in->plain);
	while (rest.len > 0 && in->n < TILE_ENTRIES && entry_take_tile_leaf(&rest, &in->entries[in->n], &err))
		in->n++;
}

/* The page that a classic log sends: live entries, as often as it takes. */
static void take_page(struct input *in)
{
	struct slice lines = shared_file("data/rfc6962/entries-live-2026-05-20.jsonl.zst"), leaf, extra;
	struct entries_page page;
	struct error err;
	size_t n = 0;

	in->protocol = LOG_RFC6962;
	buf_init(&in->body, RESPONSE_BYTES_MAX);
	if (lines.data == NULL)
		die("skipped: no ../shared", NULL);
	buf_append_text(&in->body, "{\"entries\":[");
	while (n < PAGE_ENTRIES) {
		const char *line = (const char *)lines.data, *end = line + lines.len;

		for (const char *next; line < end && n < PAGE_ENTRIES; line = next) {
			const char *stop = memchr(line, '\n', (size_t)(end - line));

			next = stop == NULL ? end : stop + 1;
			json_t *json = json_loadb(line, (size_t)(next - line), JSON_DISABLE_EOF_CHECK, NULL);
			if (json == NULL)
				continue;
			buf_printf(&in->body, "%s{\"leaf_input\":\"%s\",\"extra_data\":\"%s\"}", n++ == 0 ? "" : ",",
				   json_string_value(json_object_get(json, "leaf_input")), json_string_value(json_object_get(json, "extra_data")));
			json_decref(json);
		}
	}
	buf_append_text(&in->body, "]}");
	in->plain = in->body;
	buf_init(&in->leaves, RESPONSE_BYTES_MAX);
	buf_reserve(&in->leaves, in->body.len);      /* one block: slices into it stay valid */
	entries_page_init(&page, buf_slice(&in->body));
	while (in->n < PAGE_ENTRIES && entries_page_next(&page, &leaf, &extra, &err)) {
		size_t len;
		uint8_t *at = buf_reserve(&in->leaves, leaf.len);

		in->texts[in->n] = leaf;
		if (!page_base64_decode(leaf, at, &len) || !entry_parse(slice_of(at, len), &in->entries[in->n], &err))
			die("leaf", &err);
		in->leaves.len += len;
		in->n++;
	}
	free((void *)lines.data);
}

/* ---- measuring ---------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

typedef void work_fn(struct tools *t, struct input *in);

static double timed(work_fn *fn, struct tools *t, struct input *in)
{
	double before = cpu_us();

	for (unsigned i = 0; i < REPEATS; i++)
		fn(t, in);
	return (cpu_us() - before) / (double)(REPEATS * in->n);
}

static void measure(struct tools *t, struct input *in, const char *name, double aim_per_second)
{
	static work_fn *const PARTS[N_PARTS] = { decode, split, hash, walk, match };
	double times[N_PARTS][ROUNDS], wholes[ROUNDS], sum = 0;

	for (size_t r = 0; r < ROUNDS; r++) {
		for (size_t p = 0; p < N_PARTS; p++)
			times[p][r] = timed(PARTS[p], t, in);
		wholes[r] = timed(whole, t, in);
	}
	for (size_t p = 0; p < N_PARTS; p++) {
		double us = median(times[p], ROUNDS);

		sum += us;
		printf("{\"bench\":\"pipeline\",\"row\":\"%s: %s\",\"value\":%.3f,\"unit\":\"us/entry\"}\n", name, PART_NAMES[in->protocol][p], us);
	}
	double us = median(wholes, ROUNDS);
	printf("{\"bench\":\"pipeline\",\"row\":\"%s: whole response\",\"value\":%.3f,\"unit\":\"us/entry\",\"reference\":%.3f,\"ratio\":%.2f,\"aim\":\"<= 1.5\"}\n",
	       name, us, sum, us / sum);
	printf("{\"bench\":\"pipeline\",\"row\":\"%s: entries per CPU second\",\"value\":%.0f,\"unit\":\"entries/s\",\"aim\":\">= %.0f\"}\n", name,
	       1e6 / us, aim_per_second);
}

int main(void)
{
	struct tools *t = xcalloc(1, sizeof(*t));
	struct input *tile = xcalloc(1, sizeof(*tile)), *page = xcalloc(1, sizeof(*page));
	struct rule_source sources[2] = { { .name = "tag53" }, { .name = "watchlist" } };
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		sources[i].text.data = (const uint8_t *)rule_pack_text(sources[i].name, &sources[i].text.len);
	t->scratch = batch_scratch_new();
	t->inflater = inflater_new(RESPONSE_BYTES_MAX);
	t->suffixes = suffix_table_new_libpsl();
	t->rule_scratch = rule_scratch_new();
	t->room = xmalloc(1u << 20);
	for (size_t i = 0; i < TILE_ENTRIES; i++)
		names_init(&t->names[i]);
	match_list_init(&t->matches);
	struct slice list = shared_file("data/names/public_suffix_list-2026-08-19.dat.zst");
	if (list.data != NULL) {
		suffix_table_free(t->suffixes);
		t->suffixes = suffix_table_new(list, "shared", &err);
		free((void *)list.data);
	}
	if (t->suffixes == NULL || !ruleset_compile(sources, ARRAY_LEN(sources), t->suffixes, 1795334400000, &t->rules, &err))
		die("rules", &err);
	take_tile(t, tile);
	take_page(page);
	measure(t, tile, "data tile", 150000);
	measure(t, page, "get-entries page", 100000);
	return 0;
}
