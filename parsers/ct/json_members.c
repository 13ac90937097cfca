/* See json_members.h. */
#include "json_members.h"

json_t *answer_object(struct slice json, struct error *err)
{
	json_error_t broken;
	json_t *value;

	if (json.len > RESPONSE_BYTES_MAX) {
		error_set(err, ERR_MALFORMED, "answer of %zu bytes is longer than %u", json.len, RESPONSE_BYTES_MAX);
		return NULL;
	}
	json = slice_without_mark(json);
	value = json_loadb(json.len > 0 ? (const char *)json.data : "", json.len, JSON_REJECT_DUPLICATES, &broken);
	if (value == NULL) {
		error_set(err, ERR_MALFORMED, "answer of %zu bytes is not JSON: %s at byte %d", json.len, broken.text,
			  broken.position);
		return NULL;
	}
	if (!json_is_object(value)) {
		error_set(err, ERR_MALFORMED, "answer of %zu bytes is JSON but not an object", json.len);
		json_decref(value);
		return NULL;
	}
	return value;
}

bool member_uint(const json_t *object, const char *name, uint64_t *out, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	if (value == NULL)
		return error_set(err, ERR_MALFORMED, "member \"%s\" is missing", name);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return error_set(err, ERR_MALFORMED, "member \"%s\" is not an integer of 0 or more", name);
	*out = (uint64_t)json_integer_value(value);
	return true;
}

bool member_text(const json_t *object, const char *name, struct slice *out, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	if (value == NULL)
		return error_set(err, ERR_MALFORMED, "member \"%s\" is missing", name);
	if (!json_is_string(value))
		return error_set(err, ERR_MALFORMED, "member \"%s\" is not a string", name);
	*out = slice_of(json_string_value(value), json_string_length(value));
	return true;
}

bool member_hash(const json_t *object, const char *name, struct hash *out, struct error *err)
{
	struct slice text;

	if (!member_text(object, name, &text, err))
		return false;
	if (!base64_decode_exact(text, out->bytes, HASH_LEN))
		return error_set(err, ERR_MALFORMED, "member \"%s\" is not base64 of %d bytes", name, HASH_LEN);
	return true;
}

bool member_proof(const json_t *object, const char *name, struct proof *out, struct error *err)
{
	const json_t *nodes = json_object_get(object, name);

	if (nodes == NULL)
		return error_set(err, ERR_MALFORMED, "member \"%s\" is missing", name);
	if (!json_is_array(nodes) && !json_is_null(nodes))
		return error_set(err, ERR_MALFORMED, "member \"%s\" is not an array", name);
	if (json_array_size(nodes) > PROOF_NODES_MAX)
		return error_set(err, ERR_MALFORMED, "proof \"%s\" has %zu nodes, at most %d are possible", name,
				 json_array_size(nodes), PROOF_NODES_MAX);
	out->n_nodes = json_array_size(nodes);
	for (size_t i = 0; i < out->n_nodes; i++) {
		const json_t *node = json_array_get(nodes, i);
		struct slice text = slice_of(json_string_value(node), json_string_length(node));

		if (!json_is_string(node) || !base64_decode_exact(text, out->nodes[i].bytes, HASH_LEN))
			return error_set(err, ERR_MALFORMED, "node %zu of proof \"%s\" is not base64 of %d bytes", i,
					 name, HASH_LEN);
	}
	return true;
}
