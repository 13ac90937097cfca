/* spec/vectors.json beside the project: one tree of values, and its members as bytes. */
#ifndef CTWATCH_TESTS_VECTORS_H
#define CTWATCH_TESTS_VECTORS_H

#include <jansson.h>

#include "base.h"

/* Skips the running test where ../shared is missing; fails it when the file cannot be read. json_decref when done. */
json_t *vectors_load(void);
/* The value below `object` by a path of member names, NULL-terminated; fails the test when it is missing. */
json_t *vector_at(const json_t *object, ...);
const char *vector_text(const json_t *object, const char *name);
uint64_t vector_uint(const json_t *object, const char *name);
struct hash vector_hash_hex(const json_t *hex);
struct hash vector_hash_b64(const json_t *b64);
/* Bytes of a hex or base64 string; replaces the content of `out`, which the caller owns. */
struct slice vector_hex(const json_t *hex, struct buf *out);
struct slice vector_b64(const json_t *b64, struct buf *out);

#endif
