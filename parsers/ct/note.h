/* The parts of a checkpoint before anything is verified (C2SP signed-note, tlog-checkpoint); private to parsers/. */
#ifndef CTWATCH_PARSERS_NOTE_H
#define CTWATCH_PARSERS_NOTE_H

#include "base.h"

struct checkpoint_note {
	struct slice origin;
	uint64_t tree_size;
	struct hash root;
	size_t n_extension_lines;
	struct slice signature_lines;   /* all of them, each ending in a newline */
};

/* Splits the text from its signature lines and reads the text; no cryptography. */
bool note_read(struct slice note, struct checkpoint_note *out, struct error *err);
/* Takes one signature line "— name base64"; `blob` is the base64 text. */
bool note_take_signature(struct slice *lines, struct slice *name, struct slice *blob, struct error *err);
/* The first four bytes of SHA-256(name || 0x0a || 0x05 || log id): the key id of an RFC6962NoteSignature. */
void note_rfc6962_key_id(struct slice name, const struct hash *log_id, uint8_t out[4]);

#define NOTE_RFC6962_BYTES_MAX 4096     /* DigitallySigned of the largest key is half of it */
/*
 * The RFC6962NoteSignature of the log `log_id` among the lines. Its base64 is decoded into `blob`; *timestamp_ms and
 * `digitally_signed` (borrowing from `blob`) are its two parts. Lines with other names, other key ids or of unknown form
 * after the name are passed over: logs send such lines on purpose.
 */
bool note_find_rfc6962(const struct checkpoint_note *note, const struct hash *log_id,
		       uint8_t blob[NOTE_RFC6962_BYTES_MAX], uint64_t *timestamp_ms, struct slice *digitally_signed,
		       struct error *err);

#endif
