/* Checkpoints of static logs: the note of note.h, verified as the STH that it stands for. */
#include "note.h"
#include "ct.h"

#include <inttypes.h>

bool checkpoint_parse(struct slice note, const struct log_key *key, struct slice origin, struct tree_head *out,
		      unsigned *oddities, struct error *err)
{
	uint8_t blob[NOTE_RFC6962_BYTES_MAX], message[50];
	struct hash log_id = log_key_id(key);
	struct checkpoint_note parts;
	struct slice signature;
	struct tree_head head;

	if (!note_read(note, &parts, err) ||
	    !note_find_rfc6962(&parts, &log_id, blob, &head.timestamp_ms, &signature, err))
		return false;
	head.tree_size = parts.tree_size;
	head.root = parts.root;
	tree_head_signed_bytes(&head, message);
	if (!log_key_verify(key, slice_of(message, sizeof(message)), signature, err))
		return error_context(err, "checkpoint of size %" PRIu64, head.tree_size);

	*oddities = (parts.n_extension_lines > 0 ? (unsigned)CHECKPOINT_EXTENSION_LINES : 0) |
		    (origin.len > 0 && !slice_equal(origin, parts.origin) ? (unsigned)CHECKPOINT_ORIGIN_MISMATCH : 0);
	*out = head;
	return true;
}
