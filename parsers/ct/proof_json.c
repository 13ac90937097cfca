/* Proofs as RFC 6962 logs send them: get-sth-consistency, get-proof-by-hash, get-entry-and-proof (sections 4.4, 4.5, 4.7). */
#include "ct.h"
#include "json_members.h"

#include <stdlib.h>

bool consistency_parse(struct slice json, struct proof *out, struct error *err)
{
	json_t *answer = answer_object(json, err);
	struct proof proof;

	bool good = answer != NULL && member_proof(answer, "consistency", &proof, err);
	json_decref(answer);
	if (!good)
		return error_context(err, "get-sth-consistency");
	*out = proof;
	return true;
}

bool inclusion_parse(struct slice json, uint64_t *leaf_index, struct proof *out, struct error *err)
{
	json_t *answer = answer_object(json, err);
	struct proof proof;
	uint64_t index;

	bool good = answer != NULL && member_uint(answer, "leaf_index", &index, err) &&
		    member_proof(answer, "audit_path", &proof, err);
	json_decref(answer);
	if (!good)
		return error_context(err, "get-proof-by-hash");
	*leaf_index = index;
	*out = proof;
	return true;
}

bool entry_and_proof_parse(struct slice json, uint8_t **leaf_input, size_t *leaf_len, struct proof *out,
			   struct error *err)
{
	json_t *answer = answer_object(json, err);
	struct proof proof;
	struct slice text;

	if (answer == NULL || !member_text(answer, "leaf_input", &text, err) ||
	    !member_proof(answer, "audit_path", &proof, err)) {
		json_decref(answer);
		return error_context(err, "get-entry-and-proof");
	}

	uint8_t *leaf = xmalloc(text.len / 4 * 3 + 1);
	size_t len;
	bool good = base64_decode(text, leaf, &len);
	json_decref(answer);
	if (!good) {
		free(leaf);
		return error_set(err, ERR_MALFORMED, "get-entry-and-proof: member \"leaf_input\" is not base64");
	}
	*leaf_input = leaf;
	*leaf_len = len;
	*out = proof;
	return true;
}
