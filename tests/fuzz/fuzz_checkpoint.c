/* Checkpoints: the parts of a note, put together again, are the note; and no noise is signed by the log. */
#include "check.h"
#include "note.h"
#include "ct.h"

#include <inttypes.h>
#include <string.h>

/* Text without extension lines can be rebuilt: there is one way to write a number and a hash. */
static void check_rebuilt(const struct checkpoint_note *note, struct slice in)
{
	char root[BASE64_LEN(HASH_LEN) + 1];
	struct buf again;

	buf_init(&again, NOTE_BYTES_MAX);
	base64_encode(note->root.bytes, HASH_LEN, root);
	buf_append_slice(&again, note->origin);
	buf_printf(&again, "\n%" PRIu64 "\n%s\n\n", note->tree_size, root);
	buf_append_slice(&again, note->signature_lines);
	CHECK(slice_equal(buf_slice(&again), in));
	buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), name, text, signature, lines;
	struct hash log_id = { "any log" };
	uint8_t blob[NOTE_RFC6962_BYTES_MAX];
	struct checkpoint_note note;
	struct error err;
	uint64_t timestamp_ms;

	if (!note_read(in, &note, &err)) {
		CHECK(err.kind == ERR_MALFORMED);
		return 0;
	}
	CHECK(lies_inside(note.origin, in) && lies_inside(note.signature_lines, in) && utf8_valid(in));
	if (note.n_extension_lines == 0)
		check_rebuilt(&note, in);
	for (lines = note.signature_lines; lines.len > 0;) {
		CHECK(note_take_signature(&lines, &name, &text, &err));
		CHECK(name.len > 0 && slice_find(name, ' ') < 0 && lies_inside(text, in));
	}
	if (note_find_rfc6962(&note, &log_id, blob, &timestamp_ms, &signature, &err))
		CHECK(signature.data >= blob && signature.len <= sizeof(blob));
	return 0;
}
