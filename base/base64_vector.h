/* The vectorised front of base64_decode; private to base/. */
#ifndef CTWATCH_BASE_BASE64_VECTOR_H
#define CTWATCH_BASE_BASE64_VECTOR_H

#include "base.h"

/* Does this machine have what base64_vector_decode needs? */
bool base64_vector_available(void);
/*
 * Decodes from the front of `len` digits, in whole blocks, and returns how many digits it did: it stops before the end and
 * before a block that has a character which is no digit. `out` has room for len / 4 * 3 bytes; what lies behind the decoded
 * bytes there may be overwritten.
 */
size_t base64_vector_decode(const uint8_t *text, size_t len, uint8_t *out);
/* base64_decode without it: what the fast one is held equal to. */
bool base64_decode_portable(struct slice text, uint8_t *out, size_t *out_len);

#endif
