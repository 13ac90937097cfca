/* Leaves, SCTs, tree heads, checkpoints and data tiles against spec/vectors.json. */
#include "note.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vectors.h"
#include "ct.h"

#define BYTES_MAX (1u << 20)

static struct error err;

static void assert_hash(const struct hash *got, struct hash want)
{
	assert_memory_equal(got->bytes, want.bytes, HASH_LEN);
}

static struct log_key *key_of(const json_t *b64)
{
	struct buf spki;

	buf_init(&spki, BYTES_MAX);
	struct log_key *key = log_key_new(vector_b64(b64, &spki), &err);
	buf_deinit(&spki);
	assert_non_null(key);
	return key;
}

static void reads_leaves_as_expected_and_hashes_them_all(void **state)
{
	json_t *all = vectors_load(), *item;
	struct buf bytes;
	size_t i;

	(void)state;
	buf_init(&bytes, BYTES_MAX);
	json_array_foreach(vector_at(all, "leaf_parse", NULL), i, item) {
		struct slice leaf = vector_b64(vector_at(item, "leaf_input_b64", NULL), &bytes);
		bool malformed = strncmp(vector_text(item, "expect"), "malformed", 9) == 0;
		struct hash hash = leaf_hash(leaf);
		struct entry entry;

		assert_hash(&hash, vector_hash_hex(vector_at(item, "leaf_hash", NULL)));
		assert_int_equal(entry_parse(leaf, &entry, &err), !malformed);
		if (malformed) {
			assert_int_equal(err.kind, ERR_MALFORMED);
			continue;
		}
		assert_int_equal(entry.type, ENTRY_UNKNOWN);
		assert_int_equal(entry.certificate.len, 0);
		hash = entry_leaf_hash(&entry);
		assert_hash(&hash, vector_hash_hex(vector_at(item, "leaf_hash", NULL)));
	}
	assert_int_equal(i, 7);
	buf_deinit(&bytes);
	json_decref(all);
}

/* An SCT as its list holds it: with its length in front. */
static struct slice as_list(struct slice sct, struct buf *list)
{
	buf_clear(list);
	buf_append_byte(list, (uint8_t)(sct.len >> 8));
	buf_append_byte(list, (uint8_t)sct.len);
	buf_append_slice(list, sct);
	return buf_slice(list);
}

static void check_sct_case(const json_t *all, const json_t *item, const json_t *leaf_case)
{
	struct log_key *key = key_of(vector_at(all, "sct", "log_keys", vector_text(item, "log"), "spki_b64", NULL));
	struct hash log_id = log_key_id(key), hash;
	struct buf bytes, list, leaf;
	struct entry entry;
	struct sct sct;

	buf_init(&bytes, BYTES_MAX);
	buf_init(&list, BYTES_MAX);
	buf_init(&leaf, BYTES_MAX);
	struct slice in = as_list(vector_hex(vector_at(item, "sct_hex", NULL), &bytes), &list);
	assert_true(sct_take(&in, &sct, &err));
	assert_int_equal(in.len, 0);
	assert_false(sct_take(&in, &sct, &err));
	assert_int_equal(err.kind, ERR_NONE);
	assert_memory_equal(sct.log_id, log_id.bytes, HASH_LEN);
	assert_int_equal(sct.timestamp_ms, vector_uint(item, "timestamp"));

	/* what an SCT signs is the leaf of its entry */
	vector_b64(vector_at(leaf_case, "leaf_input_b64", NULL), &leaf);
	assert_true(entry_parse(buf_slice(&leaf), &entry, &err));
	assert_int_equal(entry.type, vector_uint(item, "entry_type"));
	hash = entry_leaf_hash(&entry);
	assert_hash(&hash, vector_hash_hex(vector_at(leaf_case, "leaf_hash", NULL)));
	assert_true(log_key_verify(key, buf_slice(&leaf), sct.signature, &err));
	leaf.data[leaf.len / 2] ^= 1;
	assert_false(log_key_verify(key, buf_slice(&leaf), sct.signature, &err));
	assert_int_equal(err.kind, ERR_CONTRADICTION);

	vector_b64(vector_at(leaf_case, "extra_data_b64", NULL), &bytes);
	assert_true(entry_parse_extra(buf_slice(&bytes), &entry, &err));
	assert_int_equal(entry.precertificate.len > 0, entry.type == ENTRY_PRECERT);
	buf_deinit(&bytes);
	buf_deinit(&list);
	buf_deinit(&leaf);
	log_key_free(key);
}

static void verifies_every_sct_over_the_leaf_of_its_entry(void **state)
{
	json_t *all = vectors_load(), *item;
	size_t i, n_checked = 0;

	(void)state;
	json_array_foreach(vector_at(all, "sct", "cases", NULL), i, item)
		if (json_object_get(item, "leaf_input_b64") != NULL) {
			check_sct_case(all, item, item);
			n_checked++;
		}
	assert_int_equal(n_checked, 6);
	json_decref(all);
}

static void reads_leaf_index_extensions_and_refuses_broken_ones(void **state)
{
	json_t *all = vectors_load(), *item;
	struct buf bytes;
	uint64_t index;
	size_t i;

	(void)state;
	buf_init(&bytes, BYTES_MAX);
	json_array_foreach(vector_at(all, "sct", "extensions", NULL), i, item) {
		assert_int_equal(entry_leaf_index(vector_hex(vector_at(item, "ct_extensions_hex", NULL), &bytes), &index), 1);
		assert_int_equal(index, vector_uint(item, "leaf_index"));
	}
	json_array_foreach(vector_at(all, "sct", "extensions_invalid", NULL), i, item)
		assert_int_equal(entry_leaf_index(vector_hex(item, &bytes), &index), -1);
	assert_int_equal(entry_leaf_index((struct slice){ 0 }, &index), 0);
	assert_int_equal(entry_leaf_index(SLICE_LITERAL("\x07\x00\x01x"), &index), 0);
	buf_deinit(&bytes);
	json_decref(all);
}

static void accepts_good_sths_and_refuses_bad_ones(void **state)
{
	json_t *all = vectors_load(), *item;
	size_t i;

	(void)state;
	json_array_foreach(vector_at(all, "sth", NULL), i, item) {
		struct log_key *key = key_of(vector_at(item, "key_b64", NULL));
		json_t *sth = vector_at(item, "sth", NULL);
		char *text = json_dumps(sth, 0);
		struct tree_head head;
		uint8_t message[50];
		char hex[2 * sizeof(message) + 1];
		bool valid = json_is_true(vector_at(item, "valid", NULL));

		if (sth_parse(slice_text(text), key, &head, &err) != valid)
			fail_msg("STH \"%s\" was %s: %s", vector_text(item, "name"), valid ? "refused" : "accepted", err.text);
		if (valid) {
			assert_int_equal(head.tree_size, vector_uint(sth, "tree_size"));
			tree_head_signed_bytes(&head, message);
			hex_encode(message, sizeof(message), hex);
			assert_string_equal(hex, vector_text(item, "signed_bytes_hex"));
		}
		free(text);
		log_key_free(key);
	}
	assert_int_equal(i, 10);
	json_decref(all);
}

/* The two cases without a key at hand: form and key id only. */
static void check_checkpoint_form(const json_t *item, bool parses)
{
	struct hash log_id = vector_hash_b64(vector_at(item, "log_id_b64", NULL));
	struct slice text = slice_text(vector_text(item, "text")), signature;
	uint8_t blob[NOTE_RFC6962_BYTES_MAX];
	struct checkpoint_note note;
	uint64_t timestamp_ms;
	bool strict = note_read(text, &note, &err) && note_find_rfc6962(&note, &log_id, blob, &timestamp_ms, &signature, &err);

	/* extension lines are tolerated and counted */
	strict = strict && note.n_extension_lines == 0;
	if (strict != parses)
		fail_msg("checkpoint \"%s\" was %s: %s", vector_text(item, "name"), parses ? "refused" : "accepted", err.text);
	if (!parses)
		return;
	json_t *parsed = vector_at(item, "parsed", NULL);
	assert_true(slice_equal_text(note.origin, vector_text(parsed, "origin")));
	assert_int_equal(note.tree_size, vector_uint(parsed, "tree_size"));
	assert_int_equal(timestamp_ms, vector_uint(parsed, "timestamp"));
	uint8_t id[4];
	char hex[9];
	note_rfc6962_key_id(note.origin, &log_id, id);
	hex_encode(id, sizeof(id), hex);
	assert_string_equal(hex, vector_text(parsed, "key_id_hex"));
}

static void check_checkpoint_signature(const json_t *item)
{
	bool valid = json_is_true(vector_at(item, "valid", NULL));
	struct log_key *key = key_of(vector_at(item, "log_key_b64", NULL));
	struct slice text = slice_text(vector_text(item, "text"));
	struct tree_head head;
	unsigned oddities;

	assert_int_equal(checkpoint_parse(text, key, (struct slice){ 0 }, &head, &oddities, &err), valid);
	if (valid) {
		struct slice origin = slice_text(vector_text(vector_at(item, "parsed", NULL), "origin"));

		assert_int_equal(oddities, 0);
		assert_true(checkpoint_parse(text, key, origin, &head, &oddities, &err));
		assert_int_equal(oddities, 0);
		assert_true(checkpoint_parse(text, key, SLICE_LITERAL("another.example"), &head, &oddities, &err));
		assert_int_equal(oddities, CHECKPOINT_ORIGIN_MISMATCH);
	} else {
		assert_int_equal(err.kind, ERR_CONTRADICTION);
	}
	log_key_free(key);
}

static void accepts_good_checkpoints_and_refuses_bad_ones(void **state)
{
	json_t *all = vectors_load(), *item;
	size_t i;

	(void)state;
	json_array_foreach(vector_at(all, "checkpoint", NULL), i, item) {
		if (json_object_get(item, "valid") != NULL)
			check_checkpoint_signature(item);
		else
			check_checkpoint_form(item, json_is_true(vector_at(item, "parses", NULL)));
	}
	assert_int_equal(i, 21);
	json_decref(all);
}

static void reads_a_real_partial_data_tile(void **state)
{
	json_t *all = vectors_load(), *v = vector_at(all, "data_tile", NULL), *item;
	struct buf tile, hashes;
	struct entry entry;
	size_t i;

	(void)state;
	buf_init(&tile, BYTES_MAX);
	buf_init(&hashes, BYTES_MAX);
	struct slice in = vector_b64(vector_at(v, "tile_b64", NULL), &tile);
	vector_b64(vector_at(v, "hash_tile_b64", NULL), &hashes);
	json_array_foreach(vector_at(v, "entries", NULL), i, item) {
		uint64_t index;

		assert_int_equal(in.data - tile.data, vector_uint(item, "offset"));
		assert_true(entry_take_tile_leaf(&in, &entry, &err));
		assert_int_equal(in.data - tile.data, vector_uint(item, "offset") + vector_uint(item, "length"));
		assert_int_equal(entry.timestamp_ms, vector_uint(item, "timestamp"));
		assert_int_equal(entry.type, vector_uint(item, "entry_type"));
		assert_int_equal(entry_leaf_index(entry.extensions, &index), 1);
		assert_int_equal(index, vector_uint(item, "index"));
		struct hash hash = entry_leaf_hash(&entry);
		assert_hash(&hash, vector_hash_hex(vector_at(item, "leaf_hash", NULL)));
		assert_memory_equal(hash.bytes, hashes.data + i * HASH_LEN, HASH_LEN);
		hash = sha256(entry.precertificate);
		assert_hash(&hash, vector_hash_hex(vector_at(item, "precertificate_sha256", NULL)));
		assert_int_equal(entry.chain.len, json_array_size(vector_at(item, "chain_sha256", NULL)) * HASH_LEN);
	}
	assert_int_equal(i, 10);
	assert_int_equal(in.len, 0);
	buf_deinit(&hashes);

	json_t *x509 = vector_at(v, "x509_entry_example", NULL);
	in = vector_hex(vector_at(x509, "tile_leaf_hex", NULL), &tile);
	assert_true(entry_take_tile_leaf(&in, &entry, &err));
	assert_int_equal(in.len, 0);
	assert_int_equal(entry.type, ENTRY_X509);
	struct hash hash = entry_leaf_hash(&entry);
	assert_hash(&hash, vector_hash_hex(vector_at(x509, "leaf_hash", NULL)));
	buf_deinit(&tile);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_leaves_as_expected_and_hashes_them_all),
		cmocka_unit_test(verifies_every_sct_over_the_leaf_of_its_entry),
		cmocka_unit_test(reads_leaf_index_extensions_and_refuses_broken_ones),
		cmocka_unit_test(accepts_good_sths_and_refuses_bad_ones),
		cmocka_unit_test(accepts_good_checkpoints_and_refuses_bad_ones),
		cmocka_unit_test(reads_a_real_partial_data_tile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
