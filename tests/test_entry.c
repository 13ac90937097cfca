/* Leaves, extra data, tile leaves and the primitives below them: every truncation, every length. */
#include "ct.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends a length of `width` bytes and then the bytes. */
static void put_vector(struct buf *out, size_t width, struct slice content)
{
	for (size_t i = width; i-- > 0;)
		buf_append_byte(out, (uint8_t)(content.len >> 8 * i));
	buf_append_slice(out, content);
}

#define TIMESTAMP "\x00\x00\x01\x8b\xcf\xe5\x68\x00"
#define TIMESTAMP_MS UINT64_C(1700000000000)
#define KEY_HASH "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

static void put_timestamped_entry(struct buf *out, enum entry_type type)
{
	buf_append(out, TIMESTAMP, 8);
	buf_append(out, type == ENTRY_X509 ? "\0\0" : "\0\1", 2);
	if (type == ENTRY_PRECERT)
		buf_append(out, KEY_HASH, 32);
	put_vector(out, 3, SLICE_LITERAL("certificate"));
	put_vector(out, 2, SLICE_LITERAL("\x00\x00\x05\x00\x00\x00\x00\x07"));
}

static void put_leaf(struct buf *out, enum entry_type type)
{
	buf_append(out, "\0\0", 2);
	put_timestamped_entry(out, type);
}

static void put_tile_leaf(struct buf *out, enum entry_type type)
{
	put_timestamped_entry(out, type);
	if (type == ENTRY_PRECERT)
		put_vector(out, 3, SLICE_LITERAL("precertificate"));
	put_vector(out, 2, SLICE_LITERAL(KEY_HASH KEY_HASH));
}

/* The bytes in room of their own, so that the sanitizer sees a read past their end. */
static struct slice exact_copy(struct slice s)
{
	uint8_t *copy = xmalloc(s.len > 0 ? s.len : 1);

	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	return slice_of(copy, s.len);
}

static void free_copy(struct slice s)
{
	free((void *)(uintptr_t)s.data);
}

static void primitives_take_all_or_change_nothing(void **state)
{
	struct slice in = SLICE_LITERAL("\x01\x02\x03\x04\x05\x06\x07"), before = in, out = { 0 };
	uint64_t u64 = 1;
	uint32_t u24 = 0;
	uint16_t u16 = 0;
	uint8_t u8 = 0;

	(void)state;
	assert_false(take_u64(&in, &u64));
	assert_false(take_bytes(&in, 8, &out));
	assert_int_equal(u64, 1);
	assert_true(in.data == before.data && in.len == before.len);
	assert_true(take_u8(&in, &u8) && take_u16(&in, &u16) && take_u24(&in, &u24));
	assert_int_equal(u8, 0x01);
	assert_int_equal(u16, 0x0203);
	assert_int_equal(u24, 0x040506);
	/* a vector of 7 bytes in none: its length is given back too */
	assert_false(take_vec8(&in, &out));
	assert_int_equal(in.len, 1);
	assert_true(take_bytes(&in, 1, &out));
	assert_false(take_u8(&in, &u8) || take_u16(&in, &u16) || take_u24(&in, &u24) || take_vec8(&in, &out) || take_vec16(&in, &out) ||
		     take_vec24(&in, &out));
	assert_true(take_bytes(&in, 0, &out));
	assert_int_equal(out.len, 0);

	struct slice nothing = { 0 };
	assert_true(take_bytes(&nothing, 0, &out));
	assert_false(take_u8(&nothing, &u8));
}

static void vectors_end_where_their_length_says(void **state)
{
	struct slice in = SLICE_LITERAL("\x02xy\x00\x01z\x00\x00\x00rest"), out;

	(void)state;
	assert_true(take_vec8(&in, &out) && slice_equal_text(out, "xy"));
	assert_true(take_vec16(&in, &out) && slice_equal_text(out, "z"));
	assert_true(take_vec24(&in, &out) && out.len == 0);
	assert_true(slice_equal_text(in, "rest"));
}

static void reads_leaves_of_both_types(void **state)
{
	(void)state;
	for (enum entry_type type = ENTRY_X509; type <= ENTRY_PRECERT; type++) {
		struct buf leaf;
		struct entry e;
		struct error err;
		uint64_t index;

		buf_init(&leaf, 1024);
		put_leaf(&leaf, type);
		assert_true(entry_parse(buf_slice(&leaf), &e, &err));
		assert_int_equal(e.type, type);
		assert_int_equal(e.raw_type, type);
		assert_int_equal(e.timestamp_ms, TIMESTAMP_MS);
		assert_true(slice_equal_text(e.certificate, "certificate"));
		assert_int_equal(entry_leaf_index(e.extensions, &index), 1);
		assert_int_equal(index, 7);
		assert_false(e.headless);
		assert_true(e.leaf.data == leaf.data && e.leaf.len == leaf.len);
		if (type == ENTRY_PRECERT)
			assert_memory_equal(e.issuer_key_hash, KEY_HASH, 32);
		buf_deinit(&leaf);
	}
}

static void refuses_every_truncation_of_a_good_leaf_and_any_byte_behind_it(void **state)
{
	(void)state;
	for (enum entry_type type = ENTRY_X509; type <= ENTRY_PRECERT; type++) {
		struct entry e = { .timestamp_ms = 99 };
		struct error err;
		struct buf leaf;

		buf_init(&leaf, 1024);
		put_leaf(&leaf, type);
		for (size_t len = 0; len < leaf.len; len++) {
			struct slice cut = exact_copy(slice_of(leaf.data, len));

			assert_false(entry_parse(cut, &e, &err));
			assert_int_equal(err.kind, ERR_MALFORMED);
			assert_int_equal(e.timestamp_ms, 99);
			free_copy(cut);
		}
		buf_append_byte(&leaf, 0);
		assert_false(entry_parse(buf_slice(&leaf), &e, &err));
		buf_deinit(&leaf);
	}
}

static void what_the_future_brings_stays_an_opaque_leaf(void **state)
{
	static const struct {
		const char *leaf;
		size_t len;
		uint16_t raw_type;
	} cases[] = {
		{ "\x01", 1, 0 },
		{ "\x00\x01", 2, 0 },
		{ "\x00\x02 anything at all", 18, 0 },
		{ "\x00\x00" TIMESTAMP "\x00\x02", 12, 2 },
		{ "\x00\x00" TIMESTAMP "\xff\xff and more", 21, 0xffff },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice leaf = slice_of(cases[i].leaf, cases[i].len);
		struct entry e;
		struct error err;

		assert_true(entry_parse(leaf, &e, &err));
		assert_int_equal(e.type, ENTRY_UNKNOWN);
		assert_int_equal(e.raw_type, cases[i].raw_type);
		assert_int_equal(e.certificate.len, 0);
		struct hash a = entry_leaf_hash(&e), b = leaf_hash(leaf);
		assert_true(hash_equal(&a, &b));
		assert_false(entry_parse_extra(SLICE_LITERAL("\0\0\0"), &e, &err));
	}
}

static void extra_data_gives_precertificate_and_chain(void **state)
{
	struct entry x509 = { .type = ENTRY_X509 }, precert = { .type = ENTRY_PRECERT };
	struct slice rest, certificate;
	struct buf chain, extra;
	struct error err;

	(void)state;
	buf_init(&chain, 1024);
	buf_init(&extra, 1024);
	put_vector(&chain, 3, SLICE_LITERAL("issuer"));
	put_vector(&chain, 3, SLICE_LITERAL("root"));
	put_vector(&extra, 3, buf_slice(&chain));
	assert_true(entry_parse_extra(buf_slice(&extra), &x509, &err));
	assert_int_equal(x509.precertificate.len, 0);
	rest = x509.chain;
	assert_true(chain_take(&rest, &certificate) && slice_equal_text(certificate, "issuer"));
	assert_true(chain_take(&rest, &certificate) && slice_equal_text(certificate, "root"));
	assert_false(chain_take(&rest, &certificate));

	buf_clear(&extra);
	put_vector(&extra, 3, SLICE_LITERAL("precertificate"));
	put_vector(&extra, 3, buf_slice(&chain));
	assert_true(entry_parse_extra(buf_slice(&extra), &precert, &err));
	assert_true(slice_equal_text(precert.precertificate, "precertificate"));
	for (size_t len = 0; len < extra.len; len++) {
		struct entry e = { .type = ENTRY_PRECERT };
		struct slice cut = exact_copy(slice_of(extra.data, len));

		assert_false(entry_parse_extra(cut, &e, &err));
		assert_int_equal(e.precertificate.len, 0);
		free_copy(cut);
	}
	buf_deinit(&chain);
	buf_deinit(&extra);
}

static void an_empty_chain_is_a_chain_and_a_broken_item_is_none(void **state)
{
	struct entry e = { .type = ENTRY_X509 };
	struct error err;

	(void)state;
	assert_true(entry_parse_extra(SLICE_LITERAL("\0\0\0"), &e, &err));
	assert_int_equal(e.chain.len, 0);
	assert_false(entry_parse_extra(SLICE_LITERAL("\0\0\4\0\0\2x"), &e, &err));
	assert_non_null(strstr(err.text, "ends inside a certificate"));
	assert_false(entry_parse_extra(SLICE_LITERAL("\0\0\0x"), &e, &err));
	assert_false(entry_parse_extra((struct slice){ 0 }, &e, &err));
}

static void a_tile_leaf_hashes_like_its_leaf(void **state)
{
	(void)state;
	for (enum entry_type type = ENTRY_X509; type <= ENTRY_PRECERT; type++) {
		struct buf tile, leaf;
		struct entry from_tile, from_leaf;
		struct error err;

		buf_init(&tile, 1024);
		buf_init(&leaf, 1024);
		put_tile_leaf(&tile, type);
		size_t one = tile.len;
		put_tile_leaf(&tile, type);
		put_leaf(&leaf, type);
		struct slice in = buf_slice(&tile);
		assert_true(entry_take_tile_leaf(&in, &from_tile, &err));
		assert_int_equal(in.len, tile.len - one);
		assert_true(entry_take_tile_leaf(&in, &from_tile, &err));
		assert_int_equal(in.len, 0);
		assert_true(entry_parse(buf_slice(&leaf), &from_leaf, &err));
		assert_true(from_tile.headless);
		struct hash a = entry_leaf_hash(&from_tile), b = entry_leaf_hash(&from_leaf);
		assert_true(hash_equal(&a, &b));
		assert_int_equal(from_tile.chain.len, 64);
		assert_int_equal(from_tile.precertificate.len, type == ENTRY_PRECERT ? 14 : 0);
		buf_deinit(&tile);
		buf_deinit(&leaf);
	}
}

static void refuses_every_truncation_of_a_tile_leaf_and_changes_nothing(void **state)
{
	struct buf tile;

	(void)state;
	buf_init(&tile, 1024);
	put_tile_leaf(&tile, ENTRY_PRECERT);
	for (size_t len = 0; len < tile.len; len++) {
		struct slice cut = exact_copy(slice_of(tile.data, len)), in = cut;
		struct entry e = { .timestamp_ms = 99 };
		struct error err;

		assert_false(entry_take_tile_leaf(&in, &e, &err));
		assert_true(in.data == cut.data && in.len == cut.len && e.timestamp_ms == 99);
		free_copy(cut);
	}
	buf_deinit(&tile);
}

static void refuses_tile_leaves_of_unknown_type_and_odd_chains(void **state)
{
	struct slice in = SLICE_LITERAL(TIMESTAMP "\0\2 something");
	struct buf tile;
	struct entry e;
	struct error err;

	(void)state;
	assert_false(entry_take_tile_leaf(&in, &e, &err));
	assert_non_null(strstr(err.text, "unknown type 2"));
	buf_init(&tile, 1024);
	put_timestamped_entry(&tile, ENTRY_X509);
	put_vector(&tile, 2, SLICE_LITERAL("33 bytes are no list of hashes..."));
	in = buf_slice(&tile);
	assert_false(entry_take_tile_leaf(&in, &e, &err));
	assert_non_null(strstr(err.text, "fingerprints"));
	buf_deinit(&tile);
}

static void leaf_index_ignores_other_extensions_but_no_repetition(void **state)
{
	const struct {
		struct slice extensions;
		int want;
		uint64_t index;
	} cases[] = {
		{ { NULL, 0 }, 0, 0 },
		{ SLICE_LITERAL("\x00\x00\x05\x00\x00\x00\x01\x00"), 1, 256 },
		{ SLICE_LITERAL("\x09\x00\x00\x00\x00\x05\x00\x00\x00\x01\x00"), 1, 256 },
		{ SLICE_LITERAL("\x00\x00\x05\x00\x00\x00\x01\x00\xff\x00\x01x"), 1, 256 },
		{ SLICE_LITERAL("\x09\x00\x00\x09\x00\x00"), -1, 0 },
		{ SLICE_LITERAL("\x00\x00\x05\x00\x00\x00\x01\x00\xff"), -1, 0 },
		{ SLICE_LITERAL("\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x01\x00"), -1, 0 },
		{ SLICE_LITERAL("\x00\x00\x00"), -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t index = 0;

		assert_int_equal(entry_leaf_index(cases[i].extensions, &index), cases[i].want);
		assert_int_equal(index, cases[i].index);
	}
}

static void sct_lists_skip_future_versions_and_tell_an_end_from_a_break(void **state)
{
	struct buf sct, list;
	struct slice in;
	struct sct out;
	struct error err;

	(void)state;
	buf_init(&sct, 1024);
	buf_init(&list, 1024);
	buf_append_byte(&sct, 0);
	buf_append(&sct, KEY_HASH, 32);
	buf_append(&sct, TIMESTAMP, 8);
	put_vector(&sct, 2, SLICE_LITERAL(""));
	buf_append(&sct, "\4\3", 2);
	put_vector(&sct, 2, SLICE_LITERAL("signature"));
	put_vector(&list, 2, SLICE_LITERAL("\1 of the future"));
	put_vector(&list, 2, buf_slice(&sct));
	in = buf_slice(&list);
	assert_true(sct_take(&in, &out, &err));
	assert_int_equal(out.timestamp_ms, TIMESTAMP_MS);
	assert_memory_equal(out.log_id, KEY_HASH, 32);
	assert_int_equal(out.signature.len, 4 + 9);
	assert_false(sct_take(&in, &out, &err));
	assert_int_equal(err.kind, ERR_NONE);

	for (size_t len = 17; len < list.len; len++) {
		struct slice cut = exact_copy(slice_of(list.data, len));

		in = cut;
		err.kind = ERR_NONE;
		assert_false(sct_take(&in, &out, &err));
		/* the first item alone is a whole list */
		assert_int_equal(err.kind, len == 17 ? ERR_NONE : ERR_MALFORMED);
		free_copy(cut);
	}
	buf_append_byte(&sct, 0);
	buf_clear(&list);
	put_vector(&list, 2, buf_slice(&sct));
	in = buf_slice(&list);
	assert_false(sct_take(&in, &out, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	buf_deinit(&sct);
	buf_deinit(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primitives_take_all_or_change_nothing),
		cmocka_unit_test(vectors_end_where_their_length_says),
		cmocka_unit_test(reads_leaves_of_both_types),
		cmocka_unit_test(refuses_every_truncation_of_a_good_leaf_and_any_byte_behind_it),
		cmocka_unit_test(what_the_future_brings_stays_an_opaque_leaf),
		cmocka_unit_test(extra_data_gives_precertificate_and_chain),
		cmocka_unit_test(an_empty_chain_is_a_chain_and_a_broken_item_is_none),
		cmocka_unit_test(a_tile_leaf_hashes_like_its_leaf),
		cmocka_unit_test(refuses_every_truncation_of_a_tile_leaf_and_changes_nothing),
		cmocka_unit_test(refuses_tile_leaves_of_unknown_type_and_odd_chains),
		cmocka_unit_test(leaf_index_ignores_other_extensions_but_no_repetition),
		cmocka_unit_test(sct_lists_skip_future_versions_and_tell_an_end_from_a_break),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
