/* Data tiles: entries follow each other without gap, and each hashes as the leaf it stands for. */
#include "check.h"
#include "ct.h"

static void check_leaf(const struct entry *e, struct slice in)
{
	struct entry same;
	struct error err;
	struct buf leaf;

	CHECK(lies_inside(e->leaf, in) && lies_inside(e->certificate, e->leaf) && lies_inside(e->extensions, e->leaf));
	CHECK(lies_inside(e->precertificate, in) && lies_inside(e->chain, in) && e->chain.len % 32 == 0);
	buf_init(&leaf, e->leaf.len + 2);
	buf_append(&leaf, "\0\0", 2);
	buf_append_slice(&leaf, e->leaf);
	CHECK(entry_parse(buf_slice(&leaf), &same, &err));
	CHECK(same.type == e->type && same.timestamp_ms == e->timestamp_ms && slice_equal(same.certificate, e->certificate));
	struct hash a = entry_leaf_hash(e), b = entry_leaf_hash(&same);
	CHECK(hash_equal(&a, &b));
	buf_deinit(&leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct entry e;
	struct error err;

	while (in.len > 0) {
		struct slice before = in;

		if (!entry_take_tile_leaf(&in, &e, &err)) {
			CHECK(err.kind == ERR_MALFORMED && in.data == before.data && in.len == before.len);
			return 0;
		}
		CHECK(e.leaf.data == before.data && in.len < before.len);
		check_leaf(&e, slice_sub(before, 0, before.len - in.len));
	}
	return 0;
}
