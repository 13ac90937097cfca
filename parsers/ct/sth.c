/* Signed tree heads of RFC 6962 logs: the JSON of get-sth (section 4.3) and the bytes it signs (section 3.5). */
#include "ct.h"
#include "json_members.h"

#include <string.h>

#define SIGNATURE_BYTES_MAX 4096 /* DigitallySigned of the largest RSA key that log_key_new takes is half of it */

void tree_head_signed_bytes(const struct tree_head *head, uint8_t out[50])
{
	out[0] = 0; /* version v1 */
	out[1] = 1; /* tree_hash */
	for (int i = 0; i < 8; i++) {
		out[2 + i] = (uint8_t)(head->timestamp_ms >> (56 - 8 * i));
		out[10 + i] = (uint8_t)(head->tree_size >> (56 - 8 * i));
	}
	memcpy(out + 18, head->root.bytes, HASH_LEN);
}

static bool read_sth(const json_t *answer, struct tree_head *head, uint8_t *signature, size_t *signature_len,
		     struct error *err)
{
	struct slice text;

	if (!member_uint(answer, "tree_size", &head->tree_size, err) ||
	    !member_uint(answer, "timestamp", &head->timestamp_ms, err) ||
	    !member_hash(answer, "sha256_root_hash", &head->root, err) ||
	    !member_text(answer, "tree_head_signature", &text, err))
		return false;
	if (text.len > BASE64_LEN(SIGNATURE_BYTES_MAX) || !base64_decode(text, signature, signature_len))
		return error_set(err, ERR_MALFORMED, "\"tree_head_signature\" is not base64 of a signature");
	return true;
}

bool sth_parse(struct slice json, const struct log_key *key, struct tree_head *out, struct error *err)
{
	uint8_t signature[SIGNATURE_BYTES_MAX + 3], message[50];
	size_t signature_len;
	struct tree_head head;
	json_t *answer = answer_object(json, err);

	if (answer == NULL)
		return error_context(err, "get-sth");
	bool read = read_sth(answer, &head, signature, &signature_len, err);
	json_decref(answer);
	if (!read)
		return error_context(err, "get-sth");
	tree_head_signed_bytes(&head, message);
	if (!log_key_verify(key, slice_of(message, sizeof(message)), slice_of(signature, signature_len), err))
		return error_context(err, "get-sth: tree head of size %llu", (unsigned long long)head.tree_size);
	*out = head;
	return true;
}
