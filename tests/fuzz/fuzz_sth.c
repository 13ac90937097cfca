/* get-sth and the proof answers, with a fixed key: nothing that is not signed is ever accepted, and every proof fits its array. */
#include "check.h"
#include "ct.h"

/* A P-256 point whose private key nobody kept. */
static const char KEY[] =
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEClMtmBmRF7nTVP8xfOS+HbI1ay"
	"DJ+Kl8Woai1kaMghDRCZfFgNwkmajc7YsWYtfLk4GhZmbHE6FFAgh7FqdQmw==";

static void check_proofs(struct slice in)
{
	struct proof proof;
	struct error err;
	struct hash hash = { { 0 } };
	struct compact_range range;
	uint8_t *leaf;
	uint64_t index;
	size_t len;

	if (consistency_parse(in, &proof, &err)) {
		CHECK(proof.n_nodes <= PROOF_NODES_MAX);
		CHECK(!consistency_verify(7, &hash, 1000, &hash, &proof));
	}
	if (inclusion_parse(in, &index, &proof, &err)) {
		CHECK(proof.n_nodes <= PROOF_NODES_MAX && index <= INT64_MAX);
		CHECK(!inclusion_verify(index, UINT64_C(1) << 40, &hash, &proof, &hash));
		if (range_from_last_leaf_proof(index + 1, &proof, &range))
			CHECK(range.n_hashes == range_hash_count(0, index));
	}
	if (entry_and_proof_parse(in, &leaf, &len, &proof, &err)) {
		CHECK(proof.n_nodes <= PROOF_NODES_MAX && len <= in.len);
		free(leaf);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	uint8_t spki[128];
	struct error err;
	struct tree_head head;
	size_t len;

	CHECK(base64_decode(SLICE_LITERAL(KEY), spki, &len));
	struct log_key *key = log_key_new(slice_of(spki, len), &err);
	CHECK(key != NULL);
	CHECK(!sth_parse(in, key, &head, &err));
	CHECK(err.kind == ERR_MALFORMED || err.kind == ERR_CONTRADICTION);
	log_key_free(key);
	check_proofs(in);

	/* the same bytes as a key: what is taken for one has its own hash for an id */
	key = log_key_new(in, &err);
	if (key != NULL) {
		struct hash id = log_key_id(key), want = sha256(in);

		CHECK(hash_equal(&id, &want));
		CHECK(!log_key_verify(key, in, in, &err));
	}
	log_key_free(key);
	return 0;
}
