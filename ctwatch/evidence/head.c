/* The signature of a stored tree head, taken out of its JSON or of its note (shared/spec/ct-protocols.md 1.10, 2.2). */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#include "ct.h"

#define SIGNATURE_BYTES_MAX 4096

/* DigitallySigned without its head of hash, algorithm and length. */
static bool bare_signature(struct slice digitally_signed, struct buf *out)
{
	struct slice signature;
	uint16_t algorithms;

	return take_u16(&digitally_signed, &algorithms) && take_vec16(&digitally_signed, &signature) && buf_append_slice(out, signature);
}

static bool signature_of_json(struct slice raw, struct buf *out)
{
	json_t *head = json_loadb((const char *)raw.data, raw.len, 0, NULL);
	const char *text = json_string_value(json_object_get(head, "tree_head_signature"));
	uint8_t bytes[SIGNATURE_BYTES_MAX];
	size_t len;
	bool ok = text != NULL && strlen(text) <= sizeof(bytes) && base64_decode(slice_text(text), bytes, &len) && bare_signature(slice_of(bytes, len), out);

	json_decref(head);
	return ok;
}

/* "— <origin> <base64 of key id, timestamp, DigitallySigned>" */
static bool signature_of_line(struct slice line, struct slice origin, const struct hash *log_id, struct buf *out)
{
	static const uint8_t kind[] = { '\n', 0x05 };
	const struct slice parts[] = { origin, { kind, sizeof(kind) }, { log_id->bytes, HASH_LEN } };
	struct hash key_id = sha256_parts(parts, ARRAY_LEN(parts));
	uint8_t bytes[SIGNATURE_BYTES_MAX];
	size_t len, head = strlen("\xe2\x80\x94 ") + origin.len + 1;

	if (line.len <= head || line.len - head > sizeof(bytes) || !slice_equal(slice_sub(line, head - 1 - origin.len, head - 1), origin) ||
	    !base64_decode(slice_sub(line, head, line.len), bytes, &len) || len < 12 || memcmp(bytes, key_id.bytes, 4) != 0)
		return false;
	return bare_signature(slice_of(bytes + 12, len - 12), out);
}

static bool signature_of_note(struct slice raw, const struct hash *log_id, struct buf *out)
{
	ptrdiff_t end = slice_find(raw, '\n');
	struct slice origin = slice_sub(raw, 0, end < 0 ? 0 : (size_t)end);

	for (struct slice rest = raw; rest.len > 0;) {
		end = slice_find(rest, '\n');
		struct slice line = slice_sub(rest, 0, end < 0 ? rest.len : (size_t)end);

		if (signature_of_line(line, origin, log_id, out))
			return true;
		rest = slice_sub(rest, end < 0 ? rest.len : (size_t)end + 1, rest.len);
	}
	return false;
}

bool evidence_head_parts(const struct state_proof *proof, uint8_t out_signed[50], struct buf *out_signature)
{
	struct tree_head head = { .tree_size = proof->tree_size, .timestamp_ms = proof->timestamp_ms, .root = proof->root };

	tree_head_signed_bytes(&head, out_signed);
	return signature_of_json(proof->head_raw, out_signature) || signature_of_note(proof->head_raw, &proof->log_id, out_signature);
}
