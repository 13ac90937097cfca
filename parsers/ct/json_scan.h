/*
 * JSON (RFC 8259) read in place, for answers too large to build a tree of: a position that moves through the text.
 * Nothing is allocated; strings are handed out as they stand between their quotes. Private to parsers/.
 */
#ifndef CTWATCH_PARSERS_JSON_SCAN_H
#define CTWATCH_PARSERS_JSON_SCAN_H

#include "base.h"

#define JSON_NESTING_MAX 64     /* of values that are skipped; an answer of a log has three levels */

/*
 * How far a string goes that begins at `in` (after its quote): the first quote, backslash, control character or byte
 * above 0x7e, or in.len. The text before it is plain ASCII. Vectorised where the compiler's target has SSE2.
 */
size_t json_plain_length(struct slice in);
/* The same, one byte at a time: what the fast one is held equal to. */
size_t json_plain_length_portable(struct slice in);

void json_skip_space(struct slice *in);
/* White space, then the character `c`, which is taken; else nothing moves. */
bool json_take_char(struct slice *in, char c);
/*
 * Each of these takes one token and returns NULL, or returns what is wrong ("a string has no closing quote") with
 * *in where that is.
 */
const char *json_take_string(struct slice *in, struct slice *out);
const char *json_skip_value(struct slice *in);
/* Does the raw text of a string, escapes resolved, equal `text` (plain ASCII)? */
bool json_string_is(struct slice raw, const char *text);
/* Next character of raw string text with escapes resolved, as UTF-16 unit or byte below 0x80; -1 at the end or when it is no escape. */
int json_take_escaped(struct slice *raw);

#endif
