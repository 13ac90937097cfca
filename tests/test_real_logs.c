/* Bytes of real logs: hashes, proofs and signatures of what they served over the years. */
#include "note.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared.h"
#include "vectors.h"
#include "ct.h"

#define CLASSIC "data/rfc6962/"
#define TILED "data/staticct/"

static void free_slice(struct slice s)
{
	free((void *)(uintptr_t)s.data);
}

static struct slice need_file(const char *path)
{
	need_shared();
	struct slice content = shared_file(path);

	assert_non_null(content.data);
	return content;
}

static json_t *need_json(const char *path)
{
	struct slice text = need_file(path);
	json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);

	free_slice(text);
	assert_non_null(root);
	return root;
}

static struct log_key *key_of(const char *base64)
{
	uint8_t der[1024];
	struct error err;
	size_t len = 0;

	assert_true(strlen(base64) < sizeof(der) && base64_decode(slice_text(base64), der, &len));
	struct log_key *key = log_key_new(slice_of(der, len), &err);
	if (key == NULL)
		fail_msg("%s", err.text);
	return key;
}

/* Calls `check` with each line of a file; returns how many there were. */
static size_t each_line(const char *path, void (*check)(struct slice line, void *ctx), void *ctx)
{
	struct slice all = need_file(path), rest = all;
	size_t n = 0;

	while (rest.len > 0) {
		ptrdiff_t end = slice_find(rest, '\n');
		size_t len = end < 0 ? rest.len : (size_t)end;

		if (len > 0) {
			check(slice_sub(rest, 0, len), ctx);
			n++;
		}
		rest = slice_sub(rest, end < 0 ? rest.len : len + 1, rest.len);
	}
	free_slice(all);
	return n;
}

static void check_entry(struct slice line, void *ctx)
{
	json_t *item = json_loadb((const char *)line.data, line.len, 0, NULL);
	struct slice rest, certificate;
	struct buf leaf, extra;
	struct entry entry;
	struct error err;
	size_t n_chain = 0;

	(void)ctx;
	buf_init(&leaf, 1u << 20);
	buf_init(&extra, 1u << 20);
	vector_b64(vector_at(item, "leaf_input", NULL), &leaf);
	vector_b64(vector_at(item, "extra_data", NULL), &extra);
	if (!entry_parse(buf_slice(&leaf), &entry, &err) || !entry_parse_extra(buf_slice(&extra), &entry, &err))
		fail_msg("%s", err.text);

	struct hash hash = entry_leaf_hash(&entry), want = vector_hash_b64(vector_at(item, "leaf_hash", NULL));
	assert_memory_equal(hash.bytes, want.bytes, HASH_LEN);
	assert_int_equal(entry.timestamp_ms, vector_uint(item, "timestamp"));
	assert_int_equal(entry.certificate.data[0], 0x30);
	assert_int_equal(entry.extensions.len, 0);
	assert_int_equal(entry.precertificate.len > 0, entry.type == ENTRY_PRECERT);
	for (rest = entry.chain; chain_take(&rest, &certificate); n_chain++)
		assert_int_equal(certificate.data[0], 0x30);
	assert_int_equal(rest.len, 0);
	assert_true(n_chain > 0);
	buf_deinit(&leaf);
	buf_deinit(&extra);
	json_decref(item);
}

static void entries_of_2013_to_2026_parse_and_hash(void **state)
{
	(void)state;
	assert_int_equal(each_line(CLASSIC "entries-live-2026-05-20.jsonl.zst", check_entry, NULL), 28);
	assert_int_equal(each_line(CLASSIC "entries-old-2013-2018.jsonl.zst", check_entry, NULL), 10);
}

static void check_sth(struct slice line, void *ctx)
{
	struct tree_head head;
	struct error err;

	if (!sth_parse(line, ctx, &head, &err))
		fail_msg("%s", err.text);
	assert_true(head.tree_size > 0 && head.timestamp_ms > 0);
}

static void all_586_tree_heads_of_pilot_verify(void **state)
{
	json_t *about = need_json(CLASSIC "key-google-pilot.json");
	struct log_key *key = key_of(vector_text(about, "key"));

	(void)state;
	assert_int_equal(each_line(CLASSIC "sth-pilot-2013.jsonl.zst", check_sth, key), 586);
	log_key_free(key);
	json_decref(about);
}

static void tree_heads_of_eight_logs_verify_with_their_own_key_only(void **state)
{
	json_t *all = need_json(CLASSIC "sth-various.json"), *item, *other;
	size_t i, k, n_rsa = 0;

	(void)state;
	json_array_foreach(all, i, item) {
		char *text = json_dumps(vector_at(item, "sth", NULL), 0);
		struct tree_head head;
		struct error err;

		json_array_foreach(all, k, other) {
			struct log_key *key = key_of(vector_text(other, "key"));
			bool same = strcmp(vector_text(other, "log_id"), vector_text(item, "log_id")) == 0;
			struct hash id = log_key_id(key), want = vector_hash_b64(vector_at(other, "log_id", NULL));

			assert_memory_equal(id.bytes, want.bytes, HASH_LEN);
			assert_int_equal(sth_parse(slice_text(text), key, &head, &err), same);
			n_rsa += same && log_key_spki(key).len > 200;
			log_key_free(key);
		}
		free(text);
	}
	assert_int_equal(i, 8);
	assert_int_equal(n_rsa, 1);
	json_decref(all);
}

static void proofs_of_argon2020_verify(void **state)
{
	json_t *about = need_json(CLASSIC "argon2020/about.json");
	struct slice sth = need_file(CLASSIC "argon2020/get-sth.json");
	struct slice inclusion = need_file(CLASSIC "argon2020/get-proof-by-hash_tree_size-961984011.json");
	struct slice consistency = need_file(CLASSIC "argon2020/get-sth-consistency_first-3654490_second-961984011.json");
	struct log_key *key = key_of(vector_text(about, "key"));
	struct hash leaf = vector_hash_b64(vector_at(about, "leaf_hash", NULL));
	struct hash old_root = vector_hash_b64(vector_at(about, "first_root_hash", NULL));
	uint64_t old_size = vector_uint(about, "first_tree_size"), index;
	struct tree_head head;
	struct proof proof;
	struct error err;

	(void)state;
	assert_true(sth_parse(sth, key, &head, &err));
	assert_true(inclusion_parse(inclusion, &index, &proof, &err));
	assert_int_equal(index, vector_uint(about, "leaf_index"));
	assert_true(inclusion_verify(index, head.tree_size, &leaf, &proof, &head.root));
	assert_false(inclusion_verify(index + 1, head.tree_size, &leaf, &proof, &head.root));
	proof.nodes[proof.n_nodes / 2].bytes[31] ^= 1;
	assert_false(inclusion_verify(index, head.tree_size, &leaf, &proof, &head.root));

	assert_true(consistency_parse(consistency, &proof, &err));
	assert_true(consistency_verify(old_size, &old_root, head.tree_size, &head.root, &proof));
	assert_false(consistency_verify(old_size - 1, &old_root, head.tree_size, &head.root, &proof));
	proof.n_nodes--;
	assert_false(consistency_verify(old_size, &old_root, head.tree_size, &head.root, &proof));
	log_key_free(key);
	free_slice(sth);
	free_slice(inclusion);
	free_slice(consistency);
	json_decref(about);
}

static void check_root(const json_t *about, const struct compact_range *range)
{
	char name[24];
	snprintf(name, sizeof(name), "%llu", (unsigned long long)range->end);
	if (json_object_get(vector_at(about, "root_by_size", NULL), name) == NULL)
		return; /* nine sizes are given */
	struct hash root = range_root(range), want = vector_hash_b64(vector_at(about, "root_by_size", name, NULL));

	assert_memory_equal(root.bytes, want.bytes, HASH_LEN);
}

static void tiles_of_navigli_hash_to_its_hash_tiles_and_roots(void **state)
{
	json_t *about = need_json(TILED "navigli2025h2/about.json");
	struct compact_range range;
	char path[96];

	(void)state;
	range_init(&range, 0);
	for (unsigned t = 0; t < 3; t++) {
		snprintf(path, sizeof(path), TILED "navigli2025h2/tile/0/%03u", t);
		struct slice hashes = need_file(path);
		snprintf(path, sizeof(path), TILED "navigli2025h2/tile/data/%03u.gz", t);
		struct slice plain = need_file(path), in = plain;
		assert_int_equal(hashes.len, TILE_WIDTH * HASH_LEN);

		for (unsigned i = 0; i < TILE_WIDTH; i++) {
			struct entry entry;
			struct error err;
			uint64_t index;

			if (!entry_take_tile_leaf(&in, &entry, &err))
				fail_msg("tile %u entry %u: %s", t, i, err.text);
			struct hash hash = entry_leaf_hash(&entry);
			assert_memory_equal(hash.bytes, hashes.data + i * HASH_LEN, HASH_LEN);
			assert_int_equal(entry_leaf_index(entry.extensions, &index), 1);
			assert_int_equal(index, t * TILE_WIDTH + i);
			range_append_leaf(&range, &hash);
			check_root(about, &range);
		}
		assert_int_equal(in.len, 0);
		free_slice(plain);
		free_slice(hashes);
	}
	assert_int_equal(range.end, 768);
	json_decref(about);
}

static void real_checkpoints_verify_whatever_other_lines_they_have(void **state)
{
	static const struct {
		const char *file, *origin;
		uint64_t tree_size;
	} cases[] = {
		{ "sycamore2026h2-993762193.txt", "log.sycamore.ct.letsencrypt.org/2026h2", 993762193 },
		{ "rome2024h1-115474666.txt", "rome.ct.filippo.io/2024h1", 115474666 },
		{ "arche2025h1-1432088532-witnessed.txt", "arche2025h1.staging.ct.transparency.dev", 1432088532 },
	};
	json_t *keys = need_json(TILED "checkpoints/keys.json");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_key *key = key_of(vector_text(vector_at(keys, "rfc6962_keys_spki_base64", NULL), cases[i].origin));
		struct log_key *other =
			key_of(vector_text(vector_at(keys, "rfc6962_keys_spki_base64", NULL), cases[(i + 1) % 3].origin));
		struct tree_head head;
		struct error err;
		unsigned oddities;
		char path[96];

		snprintf(path, sizeof(path), TILED "checkpoints/%s", cases[i].file);
		struct slice note = need_file(path);
		if (slice_ends_with(note, SLICE_LITERAL("\n\n")))
			note.len--;     /* one file was stored with an empty line behind the signatures */
		if (!checkpoint_parse(note, key, slice_text(cases[i].origin), &head, &oddities, &err))
			fail_msg("%s: %s", cases[i].file, err.text);
		assert_int_equal(head.tree_size, cases[i].tree_size);
		assert_int_equal(oddities, 0);
		assert_false(checkpoint_parse(note, other, slice_text(cases[i].origin), &head, &oddities, &err));
		assert_int_equal(err.kind, ERR_MALFORMED);

		/* a digit of the size changed: authentic form, signature denied */
		uint8_t *digit = (uint8_t *)(uintptr_t)note.data + slice_find(note, '\n') + 1;
		*digit = *digit == '9' ? '8' : (uint8_t)(*digit + 1);
		assert_false(checkpoint_parse(note, key, slice_text(cases[i].origin), &head, &oddities, &err));
		assert_int_equal(err.kind, ERR_CONTRADICTION);
		free_slice(note);
		log_key_free(key);
		log_key_free(other);
	}
	json_decref(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_2013_to_2026_parse_and_hash),
		cmocka_unit_test(all_586_tree_heads_of_pilot_verify),
		cmocka_unit_test(tree_heads_of_eight_logs_verify_with_their_own_key_only),
		cmocka_unit_test(proofs_of_argon2020_verify),
		cmocka_unit_test(tiles_of_navigli_hash_to_its_hash_tiles_and_roots),
		cmocka_unit_test(real_checkpoints_verify_whatever_other_lines_they_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
