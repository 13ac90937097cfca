/* MerkleTreeLeaf: slices lie inside, and a leaf that was read is made again, byte for byte, from its fields. */
#include "check.h"
#include "ct.h"

static void put_integer(struct buf *out, uint64_t value, unsigned width)
{
	while (width-- > 0)
		buf_append_byte(out, (uint8_t)(value >> 8 * width));
}

static void rebuild(const struct entry *e, struct buf *out)
{
	put_integer(out, 0, 2);
	put_integer(out, e->timestamp_ms, 8);
	put_integer(out, e->raw_type, 2);
	if (e->type == ENTRY_PRECERT)
		buf_append(out, e->issuer_key_hash, sizeof(e->issuer_key_hash));
	put_integer(out, e->certificate.len, 3);
	buf_append_slice(out, e->certificate);
	put_integer(out, e->extensions.len, 2);
	buf_append_slice(out, e->extensions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct entry e;
	struct error err;
	struct buf again;
	uint64_t index;

	if (!entry_parse(in, &e, &err)) {
		CHECK(err.kind == ERR_MALFORMED && err.text[0] != '\0');
		return 0;
	}
	struct hash a = entry_leaf_hash(&e), b = leaf_hash(in);
	CHECK(hash_equal(&a, &b));
	if (e.type == ENTRY_UNKNOWN) {
		CHECK(e.certificate.len == 0);
		return 0;
	}
	CHECK(lies_inside(e.certificate, in) && lies_inside(e.extensions, in));
	buf_init(&again, size);
	rebuild(&e, &again);
	CHECK(slice_equal(buf_slice(&again), in));
	buf_deinit(&again);
	if (entry_leaf_index(e.extensions, &index) == 1)
		CHECK(index < UINT64_C(1) << 40);
	return 0;
}
