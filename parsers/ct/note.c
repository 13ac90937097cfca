/* Signed notes that hold a checkpoint: shape only. See note.h. */
#include "note.h"
#include "ct.h"

#include <inttypes.h>
#include <string.h>

#define EM_DASH_SPACE "\xe2\x80\x94 "
#define ALGORITHM_RFC6962 0x05

/* Up to the newline, which is taken too but is no part of the line. */
static bool take_line(struct slice *in, struct slice *line)
{
	ptrdiff_t end = slice_find(*in, '\n');

	if (end < 0)
		return false;
	*line = slice_sub(*in, 0, (size_t)end);
	*in = slice_sub(*in, (size_t)end + 1, in->len);
	return true;
}

static bool check_characters(struct slice note, struct error *err)
{
	if (note.len == 0 || note.len > NOTE_BYTES_MAX)
		return error_set(err, ERR_MALFORMED, "checkpoint has %zu bytes, 1 to %u were expected", note.len,
				 NOTE_BYTES_MAX);
	for (size_t i = 0; i < note.len; i++)
		if ((note.data[i] < 0x20 && note.data[i] != '\n') || note.data[i] == 0x7f)
			return error_set(err, ERR_MALFORMED, "checkpoint has control character 0x%02x at byte %zu",
					 note.data[i], i);
	if (!utf8_valid(note))
		return error_set(err, ERR_MALFORMED, "checkpoint is not valid UTF-8");
	if (note.data[note.len - 1] != '\n')
		return error_set(err, ERR_MALFORMED, "checkpoint of %zu bytes does not end in a newline", note.len);
	return true;
}

/* The text ends before the last empty line; what follows are signature lines. */
static bool split(struct slice note, struct slice *text, struct slice *signatures, struct error *err)
{
	for (size_t i = note.len; i-- > 1;) {
		if (note.data[i] != '\n' || note.data[i - 1] != '\n')
			continue;
		*text = slice_sub(note, 0, i);
		*signatures = slice_sub(note, i + 1, note.len);
		if (signatures->len == 0)
			return error_set(err, ERR_MALFORMED, "checkpoint has no signature line");
		return true;
	}
	return error_set(err, ERR_MALFORMED, "checkpoint has no empty line between its text and its signatures");
}

static bool read_text(struct slice text, struct checkpoint_note *note, struct error *err)
{
	struct slice size, root, line;

	if (!take_line(&text, &note->origin) || !take_line(&text, &size) || !take_line(&text, &root))
		return error_set(err, ERR_MALFORMED, "checkpoint has fewer lines than origin, tree size and root hash");
	if (note->origin.len == 0)
		return error_set(err, ERR_MALFORMED, "checkpoint names no origin");
	if (!uint64_parse(size, &note->tree_size) || note->tree_size > INT64_MAX)
		return error_set(err, ERR_MALFORMED,
				 "tree size of checkpoint is not a plain decimal number below 2^63");
	if (!base64_decode_exact(root, note->root.bytes, HASH_LEN))
		return error_set(err, ERR_MALFORMED, "root hash of checkpoint is not base64 of %d bytes", HASH_LEN);
	while (take_line(&text, &line)) {
		if (line.len == 0)
			return error_set(err, ERR_MALFORMED, "checkpoint has an empty line inside its text");
		note->n_extension_lines++;
	}
	return true;
}

bool note_take_signature(struct slice *lines, struct slice *name, struct slice *blob, struct error *err)
{
	struct slice ahead = *lines, line;

	if (!take_line(&ahead, &line) || !slice_starts_with(line, SLICE_LITERAL(EM_DASH_SPACE)))
		return error_set(err, ERR_MALFORMED, "checkpoint has a line that is no signature after its empty line");
	line = slice_sub(line, strlen(EM_DASH_SPACE), line.len);

	ptrdiff_t space = slice_find(line, ' ');
	if (space <= 0)
		return error_set(err, ERR_MALFORMED, "signature line of checkpoint is not a name and a signature");
	*name = slice_sub(line, 0, (size_t)space);
	*blob = slice_sub(line, (size_t)space + 1, line.len);
	*lines = ahead;
	return true;
}

bool note_read(struct slice note, struct checkpoint_note *out, struct error *err)
{
	struct checkpoint_note result = { 0 };
	struct slice text, lines, name, blob;
	size_t n_signatures = 0;

	if (!check_characters(note, err) || !split(note, &text, &result.signature_lines, err) ||
	    !read_text(text, &result, err))
		return false;
	for (lines = result.signature_lines; lines.len > 0;) {
		if (!note_take_signature(&lines, &name, &blob, err))
			return false;
		if (++n_signatures > NOTE_SIGNATURES_MAX)
			return error_set(err, ERR_MALFORMED, "checkpoint has more than %d signatures",
					 NOTE_SIGNATURES_MAX);
	}
	*out = result;
	return true;
}

void note_rfc6962_key_id(struct slice name, const struct hash *log_id, uint8_t out[4])
{
	static const uint8_t middle[] = { '\n', ALGORITHM_RFC6962 };
	const struct slice parts[] = { name, { middle, sizeof(middle) }, { log_id->bytes, HASH_LEN } };
	struct hash hash = sha256_parts(parts, ARRAY_LEN(parts));

	memcpy(out, hash.bytes, 4);
}

bool note_find_rfc6962(const struct checkpoint_note *note, const struct hash *log_id,
		       uint8_t blob[NOTE_RFC6962_BYTES_MAX], uint64_t *timestamp_ms, struct slice *digitally_signed,
		       struct error *err)
{
	struct slice lines = note->signature_lines, name, text, id;
	uint8_t want[4];
	size_t len;

	note_rfc6962_key_id(note->origin, log_id, want);
	while (lines.len > 0) {
		if (!note_take_signature(&lines, &name, &text, err))
			return false;
		if (!slice_equal(name, note->origin) || text.len / 4 * 3 > NOTE_RFC6962_BYTES_MAX ||
		    !base64_decode(text, blob, &len))
			continue;

		struct slice rest = slice_of(blob, len);
		if (!take_bytes(&rest, sizeof(want), &id) || !slice_equal(id, slice_of(want, sizeof(want))))
			continue;
		if (!take_u64(&rest, timestamp_ms))
			return error_set(err, ERR_MALFORMED,
					 "the log's signature on the checkpoint ends inside its timestamp");
		*digitally_signed = rest;
		return true;
	}
	return error_set(err, ERR_MALFORMED,
			 "checkpoint is not signed by the log: no line has its origin and key id %02x%02x%02x%02x",
			 want[0], want[1], want[2], want[3]);
}
