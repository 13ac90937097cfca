/*
 * A response becomes hashes, matches and faults. Real entries (a real tiled log's, with its own hash tiles as the truth), the same
 * entries as a get-entries page, and bytes that are wrong in every way that a whole response can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "batch.h"
#include "cert_build.h"
#include "config.h"
#include "rules_kit.h"
#include "shared.h"

struct kit {
	struct rules_kit rules;
	struct batch_scratch *scratch;
};

static int set_up(void **state)
{
	static const char *const PACKS[] = { "tag53", "watchlist", NULL };
	struct kit *k = xcalloc(1, sizeof(*k));

	kit_packs(&k->rules, PACKS);
	k->scratch = batch_scratch_new();
	*state = k;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *k = *state;

	batch_scratch_free(k->scratch);
	kit_free(&k->rules);
	free(k);
	return 0;
}

static struct batch_input input_of(enum log_protocol protocol, struct slice body, uint64_t first, uint64_t n)
{
	return (struct batch_input){
		.protocol = protocol,
		.body = body,
		.first = first,
		.n_asked = n,
		.from = first,
		.to = first + n,
		.floor_head_ms = INT64_MIN,
		.mmd_ms = 86400000,
		.interval_start_ms = INT64_MIN,
		.interval_end_ms = INT64_MAX,
	};
}

static bool run(struct kit *k, const struct batch_input *in, struct batch_output *out, struct error *err)
{
	return batch_run(k->scratch, k->rules.rules, in, out, err);
}

static void assert_refused(struct kit *k, const struct batch_input *in, const char *words)
{
	struct batch_output out;
	struct error err = { 0 };

	assert_false(run(k, in, &out, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_null(out.pieces);
	assert_null(out.found);
}

/* ---- entries made to order ---------------------------------------------------------------------------- */

struct made {
	uint64_t timestamp_ms, index;
	const char *const *dns;           /* NULL: the DER is broken */
	const char *issuer;
	uint16_t type;
	bool no_index;
};

static void append_uint(struct buf *out, uint64_t value, unsigned n_bytes)
{
	while (n_bytes-- > 0)
		buf_append_byte(out, (uint8_t)(value >> 8 * n_bytes));
}

/* TimestampedEntry, as in a TileLeaf. */
static void append_timestamped(struct buf *out, const struct made *e, bool is_static)
{
	struct buf der;

	buf_init(&der, 1u << 20);
	struct cert_build how = { .issuer = e->issuer == NULL ? "Let's Encrypt" : e->issuer, .dns = e->dns };
	if (e->dns != NULL)
		cert_build(&der, &how);
	else
		buf_append_text(&der, "no certificate");
	append_uint(out, e->timestamp_ms, 8);
	append_uint(out, e->type, 2);
	append_uint(out, der.len, 3);
	buf_append(out, der.data, der.len);
	if (is_static && !e->no_index) {
		append_uint(out, 8, 2);
		append_uint(out, 0, 1);
		append_uint(out, 5, 2);
		append_uint(out, e->index, 5);
	} else {
		append_uint(out, 0, 2);
	}
	buf_deinit(&der);
}

static struct buf make_tile(const struct made *entries, size_t n)
{
	struct buf out;

	buf_init(&out, 1u << 24);
	for (size_t i = 0; i < n; i++) {
		append_timestamped(&out, &entries[i], true);
		append_uint(&out, 0, 2);         /* chain */
	}
	return out;
}

static struct buf make_page(const struct made *entries, size_t n)
{
	struct buf out, leaf;

	buf_init(&out, 1u << 24);
	buf_init(&leaf, 1u << 20);
	buf_append_text(&out, "{\"entries\":[");
	for (size_t i = 0; i < n; i++) {
		char *text = xmalloc(1u << 20);

		buf_clear(&leaf);
		append_uint(&leaf, 0, 2);
		append_timestamped(&leaf, &entries[i], false);
		base64_encode(leaf.data, leaf.len, text);
		buf_printf(&out, "%s{\"leaf_input\":\"%s\",\"extra_data\":\"AAAA\"}", i == 0 ? "" : ",", text);
		free(text);
	}
	buf_append_text(&out, "]}");
	buf_deinit(&leaf);
	return out;
}

static const char *const PLAIN[] = { "www.example.org", NULL };
static const char *const PLANTED[] = { "drive-globalordnance.com", NULL };

static void fill(struct made *entries, size_t n, uint64_t first)
{
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct made){ .timestamp_ms = 1795334400000 + i, .index = first + i, .dns = PLAIN };
}

/* ---- real entries ------------------------------------------------------------------------------------------ */

static struct slice tile_file(unsigned n)
{
	char path[64];

	snprintf(path, sizeof(path), "data/staticct/navigli2025h2/tile/data/%03u.gz", n);
	return shared_file(path);
}

static void real_tiles_hash_to_the_logs_own_roots(void **state)
{
	struct kit *k = *state;
	struct compact_range tree;
	struct error err = { 0 };

	need_shared();
	struct slice about = shared_file("data/staticct/navigli2025h2/about.json");
	json_t *json = json_loadb((const char *)about.data, about.len, 0, NULL);
	range_init(&tree, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct slice tile = tile_file(i);
		struct batch_input in = input_of(LOG_STATIC, tile, i * 256u, 256);
		struct batch_output out;

		if (!run(k, &in, &out, &err))
			fail_msg("%s", err.text);
		assert_int_equal(out.counters.entries, 256);
		assert_int_equal(out.n_pieces, 1);
		for (size_t c = 0; c < N_BATCH_CHECKS; c++)
			assert_int_equal(out.faults[c].count, 0);
		assert_true(range_merge(&tree, &out.pieces[0]));
		batch_output_deinit(&out);
		free((void *)tile.data);
	}
	struct hash root = range_root(&tree), expected;
	const char *text = json_string_value(json_object_get(json_object_get(json, "root_by_size"), "768"));
	assert_true(base64_decode_exact(slice_text(text), expected.bytes, HASH_LEN));
	assert_true(hash_equal(&root, &expected));
	json_decref(json);
	free((void *)about.data);
}

static void a_compressed_tile_gives_the_same_as_a_plain_one(void **state)
{
	struct kit *k = *state;
	struct batch_output a, b;
	struct error err = { 0 };
	struct buf gz;

	need_shared();
	buf_init(&gz, 1u << 24);
	char *path = xasprintf("%s/data/staticct/navigli2025h2/tile/data/001.gz", shared_dir());
	assert_true(file_read(path, 1u << 24, &gz, &err));
	struct slice plain = tile_file(1);
	struct batch_input in = input_of(LOG_STATIC, plain, 256, 256);
	assert_true(run(k, &in, &a, &err));
	in.body = buf_slice(&gz);
	in.gzip = true;
	assert_true(run(k, &in, &b, &err));
	assert_memory_equal(a.pieces[0].hashes, b.pieces[0].hashes, a.pieces[0].n_hashes * HASH_LEN);
	batch_output_deinit(&a);
	batch_output_deinit(&b);
	buf_deinit(&gz);
	free(path);
	free((void *)plain.data);
}

static void any_part_of_a_tile_can_be_wanted(void **state)
{
	struct kit *k = *state;
	struct batch_output whole, part;
	struct compact_range joined;
	struct error err = { 0 };

	need_shared();
	struct slice tile = tile_file(0);
	struct batch_input in = input_of(LOG_STATIC, tile, 0, 256);
	assert_true(run(k, &in, &whole, &err));
	for (uint64_t at = 1; at < 256; at += 17) {
		in.from = 0;
		in.to = at;
		assert_true(run(k, &in, &part, &err));
		joined = part.pieces[0];
		batch_output_deinit(&part);
		in.from = at;
		in.to = 256;
		assert_true(run(k, &in, &part, &err));
		assert_int_equal(part.counters.entries, 256 - at);
		assert_true(range_merge(&joined, &part.pieces[0]));
		assert_memory_equal(joined.hashes, whole.pieces[0].hashes, HASH_LEN);
		batch_output_deinit(&part);
	}
	batch_output_deinit(&whole);
	free((void *)tile.data);
}

static void no_truncation_of_a_real_tile_is_taken_for_a_tile(void **state)
{
	struct kit *k = *state;

	need_shared();
	struct slice tile = tile_file(0);
	for (size_t len = 0; len < tile.len; len += 997) {
		uint8_t *copy = xmalloc(len);    /* of its own length: the sanitizer sees a read beyond */

		memcpy(copy, tile.data, len);
		struct batch_input in = input_of(LOG_STATIC, slice_of(copy, len), 0, 256);
		assert_refused(k, &in, "");
		free(copy);
	}
	free((void *)tile.data);
}

/* ---- what is found ------------------------------------------------------------------------------------------- */

static void both_protocols_give_the_same_hashes_and_matches(void **state)
{
	struct kit *k = *state;
	struct made entries[64];
	struct batch_output a, b;
	struct error err = { 0 };

	fill(entries, ARRAY_LEN(entries), 0);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		entries[i].no_index = true;
	entries[7].dns = entries[50].dns = PLANTED;
	struct buf tile = make_tile(entries, 64), page = make_page(entries, 64);
	struct batch_input in = input_of(LOG_STATIC, buf_slice(&tile), 0, 64);
	assert_true(run(k, &in, &a, &err));
	in = input_of(LOG_RFC6962, buf_slice(&page), 0, 64);
	assert_true(run(k, &in, &b, &err));
	assert_int_equal(a.n_found, 2);
	assert_int_equal(b.n_found, 2);
	assert_int_equal(a.found[1].index, 50);
	assert_string_equal(a.found[0].matches.items[0].rule, b.found[0].matches.items[0].rule);
	assert_string_equal(a.found[0].names_json, "[\"drive-globalordnance.com\"]");
	assert_int_equal(a.counters.lets_encrypt, 64);
	assert_memory_equal(a.pieces[0].hashes, b.pieces[0].hashes, HASH_LEN);
	/* the leaf that is kept is the one that was hashed */
	struct hash leaf = leaf_hash(buf_slice(&a.found[0].leaf)), same = leaf_hash(buf_slice(&b.found[0].leaf));
	assert_true(hash_equal(&leaf, &same));
	batch_output_deinit(&a);
	batch_output_deinit(&b);
	buf_deinit(&tile);
	buf_deinit(&page);
}

static void a_short_answer_counts_for_what_it_brings(void **state)
{
	struct kit *k = *state;
	struct made entries[20];
	struct batch_output out;
	struct error err = { 0 };

	fill(entries, 20, 100);
	struct buf page = make_page(entries, 20);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 100, 156);
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.from, 100);
	assert_int_equal(out.to, 120);
	assert_int_equal(out.pieces[0].end, 120);
	batch_output_deinit(&out);
	buf_deinit(&page);
}

/* Somebody else's turn every few entries: in the end as if nobody else had been there. */
static void a_batch_that_pauses_gives_the_same_in_the_end(void **state)
{
	struct kit *k = *state;
	static const struct batch_head HEADS[] = { { 16, 1500000000000 }, { 33, 1600000000000 }, { 200, 1700000000000 } };
	struct made entries[200];
	struct error err = { 0 };

	fill(entries, 200, 0);
	entries[7].dns = entries[150].dns = PLANTED;
	struct buf bodies[] = { make_page(entries, 200), make_tile(entries, 200) };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct batch_input in = input_of(i == 0 ? LOG_RFC6962 : LOG_STATIC, buf_slice(&bodies[i]), 0, 200);
		struct batch_output whole, parts;
		unsigned n = 1;

		in.heads = HEADS;
		in.n_heads = ARRAY_LEN(HEADS);
		in.from = 3;
		assert_true(run(k, &in, &whole, &err));
		in.slice_us = 1;
		assert_true(run(k, &in, &parts, &err));
		for (; parts.paused; n++)
			assert_true(batch_resume(k->scratch, k->rules.rules, &in, &parts, &err));
		assert_true(n > 5);
		assert_int_equal(parts.to, 200);
		assert_int_equal(parts.n_pieces, whole.n_pieces);
		for (size_t j = 0; j < whole.n_pieces; j++) {
			assert_int_equal(parts.pieces[j].end, whole.pieces[j].end);
			assert_memory_equal(parts.pieces[j].hashes, whole.pieces[j].hashes, whole.pieces[j].n_hashes * HASH_LEN);
		}
		assert_int_equal(parts.n_found, 2);
		assert_memory_equal(&parts.counters, &whole.counters, sizeof(whole.counters));
		for (size_t j = 0; j < N_BATCH_CHECKS; j++)
			assert_int_equal(parts.faults[j].count, whole.faults[j].count);
		batch_output_deinit(&whole);
		batch_output_deinit(&parts);
		buf_deinit(&bodies[i]);
	}
}

static void what_matches_of_one_response_make_us_hold_is_bounded(void **state)
{
	struct kit *k = *state;
	enum { N = 120, NAMES = 2000 };
	struct made entries[N];
	const char **names = xcalloc(NAMES + 1, sizeof(*names));
	struct batch_output out;
	struct error err = { 0 };

	for (size_t i = 0; i < NAMES; i++)
		names[i] = PLANTED[0];
	fill(entries, N, 0);
	for (size_t i = 0; i < N; i++)
		entries[i].dns = names;
	struct buf tile = make_tile(entries, N);
	struct batch_input in = input_of(LOG_STATIC, buf_slice(&tile), 0, N);
	uint64_t at = 0;
	for (; at < N; at = out.to, batch_output_deinit(&out)) {
		in.from = at;
		assert_true(run(k, &in, &out, &err));
		assert_true(out.to > at && out.held_bytes < BATCH_HELD_MAX + (1u << 20));
		assert_true(out.cut || out.to == N);
		assert_int_equal(out.n_found, out.to - at);
	}
	assert_true(at == N);
	buf_deinit(&tile);
	free(names);
}

static void a_response_is_cut_at_every_signed_size(void **state)
{
	struct kit *k = *state;
	struct made entries[100];
	struct batch_output out;
	struct error err = { 0 };
	const struct batch_head heads[] = { { 1010, INT64_MAX }, { 1011, INT64_MAX }, { 1064, INT64_MAX }, { 1100, INT64_MAX }, { 2000, INT64_MAX } };
	static const uint64_t ends[] = { 1010, 1011, 1064, 1100 };

	fill(entries, 100, 1000);
	struct buf page = make_page(entries, 100);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 1000, 100);
	in.heads = heads;
	in.n_heads = ARRAY_LEN(heads);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		assert_true(heads[i].timestamp_ms > 0);
	in.heads = heads;
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.n_pieces, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(out.pieces[i].end, ends[i]);
	batch_output_deinit(&out);
	buf_deinit(&page);
}

/* ---- what is wrong with single entries -------------------------------------------------------------------------- */

static void an_unreadable_certificate_is_hashed_kept_and_a_finding(void **state)
{
	struct kit *k = *state;
	struct made entries[3];
	struct batch_output out;
	struct error err = { 0 };

	fill(entries, 3, 0);
	entries[1].dns = NULL;
	struct buf page = make_page(entries, 3);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 3);
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.pieces[0].end, 3);
	assert_int_equal(out.faults[CHECK_UNPARSABLE_CERT].count, 1);
	assert_int_equal(out.faults[CHECK_UNPARSABLE_CERT].first_index, 1);
	assert_int_equal(out.n_malformed, 1);
	assert_int_equal(out.n_found, 1);
	assert_int_equal(out.found[0].matches.items[0].kind, FINDING_UNREADABLE);
	assert_non_null(out.found[0].note);
	batch_output_deinit(&out);
	buf_deinit(&page);
}

/* Two names that match, among `n`: one in the middle and the last. */
static void read_one_of_many_names(struct kit *k, size_t n, struct batch_output *out, struct hash *sha256_of_it)
{
	const char **dns = xcalloc(n + 1, sizeof(*dns));
	struct error err = { 0 };
	struct made entry;

	for (size_t i = 0; i < n; i++)
		dns[i] = xasprintf("host%zu.example.net", i);
	free((void *)(uintptr_t)dns[n / 2]);
	free((void *)(uintptr_t)dns[n - 1]);
	dns[n / 2] = xstrdup("www.drive-globalordnance.com");
	dns[n - 1] = xstrdup("drive-globalordnance.com");
	fill(&entry, 1, 0);
	entry.dns = dns;
	struct buf page = make_page(&entry, 1), der;
	buf_init(&der, 1u << 24);
	cert_build(&der, &(struct cert_build){ .issuer = "Let's Encrypt", .dns = dns });
	*sha256_of_it = sha256(buf_slice(&der));
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 1);
	assert_true(run(k, &in, out, &err));
	assert_int_equal(out->n_found, 1);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)dns[i]);
	free(dns);
	buf_deinit(&der);
	buf_deinit(&page);
}

static void the_name_that_matched_is_kept_of_however_many(void **state)
{
	struct batch_output out;
	struct hash hash;

	read_one_of_many_names(*state, 3000, &out, &hash);
	const struct found *f = &out.found[0];
	json_t *names = json_loads(f->names_json, 0, NULL);
	assert_true(strlen(f->names_json) <= STATE_NAMES_JSON_MAX);
	assert_true(json_array_size(names) > 1000);
	assert_int_equal(f->names_total, 3000);
	/* the certificate's first name comes after what matched */
	for (size_t i = 0; i < f->matches.n; i++)
		assert_non_null(strstr(f->names_json, f->matches.items[i].name));
	assert_non_null(strstr(f->names_json, "\"host0.example.net\""));
	assert_int_equal(f->too_large_bytes, 0);
	json_decref(names);
	batch_output_deinit(&out);
}

static void a_certificate_that_is_too_large_is_known_by_its_hash_and_not_kept_in_part(void **state)
{
	struct batch_output out;
	struct hash hash;

	read_one_of_many_names(*state, 20000, &out, &hash);
	const struct found *f = &out.found[0];
	assert_true(f->too_large_bytes > STATE_DER_MAX);
	assert_int_equal(f->der.len, 0);
	assert_int_equal(f->leaf.len, 0);
	assert_true(hash_equal(&f->sha256, &hash));
	assert_int_equal(f->names_total, 20000);
	assert_string_equal(f->issuer, "O=Let's Encrypt");
	assert_non_null(strstr(f->note, "not kept"));
	assert_null(strstr(f->note, "OpenSSL"));
	batch_output_deinit(&out);
}

static void what_a_flood_of_broken_entries_makes_us_keep_is_bounded(void **state)
{
	struct kit *k = *state;
	struct made entries[200];
	struct batch_output out;
	struct error err = { 0 };

	fill(entries, 200, 0);
	for (size_t i = 0; i < 200; i++)
		entries[i].dns = NULL;
	struct buf page = make_page(entries, 200);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 200);
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.n_malformed, BATCH_MALFORMED_MAX);
	assert_int_equal(out.counters.malformed, 200);
	assert_int_equal(out.faults[CHECK_UNPARSABLE_CERT].count, 200);
	batch_output_deinit(&out);
	buf_deinit(&page);
}

static void an_unknown_entry_type_is_an_opaque_leaf_in_a_page_and_the_end_of_a_tile(void **state)
{
	struct kit *k = *state;
	struct made entries[3];
	struct batch_output out;
	struct error err = { 0 };

	fill(entries, 3, 0);
	entries[1].type = 0x8001;
	struct buf page = make_page(entries, 3), tile = make_tile(entries, 3);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 3);
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.faults[CHECK_UNKNOWN_ENTRY_TYPE].count, 1);
	assert_int_equal(out.to, 3);
	batch_output_deinit(&out);
	in = input_of(LOG_STATIC, buf_slice(&tile), 0, 3);
	assert_refused(k, &in, "entry 1");
	buf_deinit(&page);
	buf_deinit(&tile);
}

static void leaf_indexes_of_tiles_are_compared(void **state)
{
	struct kit *k = *state;
	struct made entries[4];
	struct batch_output out;
	struct error err = { 0 };

	fill(entries, 4, 512);
	entries[2].index = 7;
	entries[3].no_index = true;      /* no extensions at all */
	struct buf tile = make_tile(entries, 4);
	struct batch_input in = input_of(LOG_STATIC, buf_slice(&tile), 512, 4);
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.faults[CHECK_LEAF_INDEX].count, 2);
	assert_int_equal(out.faults[CHECK_LEAF_INDEX].first_index, 514);
	batch_output_deinit(&out);
	buf_deinit(&tile);
}

static void promises_older_than_a_head_that_lacks_them_are_violations(void **state)
{
	struct kit *k = *state;
	struct made entries[4];
	struct batch_output out;
	struct error err = { 0 };
	const int64_t day = 86400000, head_ms = 1795334400000 + 3 * day;
	const struct batch_head heads[] = { { 2, 1795334400000 + 5 * day }, { 10, 1795334400000 + 9 * day } };

	fill(entries, 4, 0);
	entries[0].timestamp_ms = (uint64_t)(head_ms - day);               /* within the MMD */
	entries[1].timestamp_ms = (uint64_t)(head_ms - day - 120000);      /* two minutes beyond it */
	entries[2].timestamp_ms = (uint64_t)(head_ms + day);               /* beyond the MMD of the head of size 2 by nothing */
	entries[3].timestamp_ms = (uint64_t)(head_ms + 9 * day);           /* newer than the head that covers it */
	struct buf page = make_page(entries, 4);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 4);
	in.floor_head_ms = head_ms;
	in.heads = heads;
	in.n_heads = 2;
	assert_true(run(k, &in, &out, &err));
	assert_int_equal(out.faults[CHECK_MMD_VIOLATION].count, 1);
	assert_int_equal(out.faults[CHECK_MMD_VIOLATION].first_index, 1);
	assert_int_equal(out.faults[CHECK_TIMESTAMP_ORDER].count, 1);
	assert_int_equal(out.faults[CHECK_TIMESTAMP_ORDER].first_index, 3);
	batch_output_deinit(&out);
	buf_deinit(&page);
}

static void delays_are_counted_in_powers_of_two_of_seconds(void **state)
{
	struct kit *k = *state;
	struct made entries[4];
	struct batch_output out;
	struct error err = { 0 };
	static const int64_t ages_ms[] = { 500, 1500, 5000, INT64_C(1) << 40 };
	static const size_t buckets[] = { 0, 1, 3, DELAY_BUCKETS - 1 };

	fill(entries, 4, 0);
	for (size_t i = 0; i < 4; i++)
		entries[i].timestamp_ms = (uint64_t)(1795334400000 - ages_ms[i]);
	struct buf page = make_page(entries, 4);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 4);
	in.now_ms = 1795334400000;
	assert_true(run(k, &in, &out, &err));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(out.counters.delay[buckets[i]], 1);
	batch_output_deinit(&out);
	buf_deinit(&page);
}

/* ---- whole responses that are useless ------------------------------------------------------------------------------ */

static void useless_responses_are_refused_with_a_reason(void **state)
{
	struct kit *k = *state;
	static const struct {
		const char *body, *words;
	} pages[] = {
		{ "", "" }, { "{}", "" }, { "{\"entries\":[]}", "no entries came" }, { "<html>busy</html>", "" }, { "{\"entries\":[{\"leaf_input\":\"*\",\"extra_data\":\"\"}]}", "" },
		{ "{\"entries\":[{\"leaf_input\":\"AAAA\",\"extra_data\":\"\"}", "" }, { "null", "" }, { "\x1f\x8b garbage", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct batch_input in = input_of(LOG_RFC6962, slice_text(pages[i].body), 0, 256);

		assert_refused(k, &in, pages[i].words);
	}
}

static void more_or_fewer_entries_than_there_may_be_are_refused(void **state)
{
	struct kit *k = *state;
	struct made entries[5];

	fill(entries, 5, 0);
	struct buf page = make_page(entries, 5), tile = make_tile(entries, 5);
	struct batch_input in = input_of(LOG_RFC6962, buf_slice(&page), 0, 4);
	assert_refused(k, &in, "more entries");
	in = input_of(LOG_STATIC, buf_slice(&tile), 0, 4);
	assert_refused(k, &in, "follow the 4 entries");
	in = input_of(LOG_STATIC, buf_slice(&tile), 0, 6);
	assert_refused(k, &in, "its width is 6");
	buf_deinit(&page);
	buf_deinit(&tile);
}

static void a_scratch_carries_nothing_from_one_response_to_the_next(void **state)
{
	struct kit *k = *state;
	struct made entries[2];
	struct batch_output out;
	struct error err = { 0 };

	fill(entries, 2, 0);
	entries[0].dns = PLANTED;
	entries[1].dns = NULL;
	struct buf bad = make_page(entries, 2);
	fill(entries, 2, 0);
	struct buf good = make_page(entries, 2);
	for (size_t i = 0; i < 3; i++) {
		struct batch_input in = input_of(LOG_RFC6962, buf_slice(&bad), 0, 2);

		assert_true(run(k, &in, &out, &err));
		assert_int_equal(out.n_found, 2);
		batch_output_deinit(&out);
		in.body = buf_slice(&good);
		assert_true(run(k, &in, &out, &err));
		assert_int_equal(out.n_found, 0);
		assert_int_equal(out.n_malformed, 0);
		batch_output_deinit(&out);
	}
	buf_deinit(&bad);
	buf_deinit(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_tiles_hash_to_the_logs_own_roots),
		cmocka_unit_test(a_compressed_tile_gives_the_same_as_a_plain_one),
		cmocka_unit_test(any_part_of_a_tile_can_be_wanted),
		cmocka_unit_test(no_truncation_of_a_real_tile_is_taken_for_a_tile),
		cmocka_unit_test(both_protocols_give_the_same_hashes_and_matches),
		cmocka_unit_test(a_short_answer_counts_for_what_it_brings),
		cmocka_unit_test(a_batch_that_pauses_gives_the_same_in_the_end),
		cmocka_unit_test(what_matches_of_one_response_make_us_hold_is_bounded),
		cmocka_unit_test(a_response_is_cut_at_every_signed_size),
		cmocka_unit_test(an_unreadable_certificate_is_hashed_kept_and_a_finding),
		cmocka_unit_test(the_name_that_matched_is_kept_of_however_many),
		cmocka_unit_test(a_certificate_that_is_too_large_is_known_by_its_hash_and_not_kept_in_part),
		cmocka_unit_test(what_a_flood_of_broken_entries_makes_us_keep_is_bounded),
		cmocka_unit_test(an_unknown_entry_type_is_an_opaque_leaf_in_a_page_and_the_end_of_a_tile),
		cmocka_unit_test(leaf_indexes_of_tiles_are_compared),
		cmocka_unit_test(promises_older_than_a_head_that_lacks_them_are_violations),
		cmocka_unit_test(delays_are_counted_in_powers_of_two_of_seconds),
		cmocka_unit_test(useless_responses_are_refused_with_a_reason),
		cmocka_unit_test(more_or_fewer_entries_than_there_may_be_are_refused),
		cmocka_unit_test(a_scratch_carries_nothing_from_one_response_to_the_next),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
