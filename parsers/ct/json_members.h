/*
 * Strict reading of members of small JSON answers (jansson), private to parsers/. Each function returns false with a
 * sentence that names the member; texts borrow from the JSON value.
 */
#ifndef CTWATCH_PARSERS_JSON_MEMBERS_H
#define CTWATCH_PARSERS_JSON_MEMBERS_H

#include <jansson.h>

#include "ct.h"

/* The whole of `json` is one object without repeated members, or NULL. The caller calls json_decref. */
json_t *answer_object(struct slice json, struct error *err);
/* An integer that is not negative; a real such as 1.0 is refused. */
bool member_uint(const json_t *object, const char *name, uint64_t *out, struct error *err);
bool member_text(const json_t *object, const char *name, struct slice *out, struct error *err);
/* Base64 of exactly 32 bytes. */
bool member_hash(const json_t *object, const char *name, struct hash *out, struct error *err);
/* An array of such hashes, at most PROOF_NODES_MAX; null is an empty array, as Go's servers encode one. */
bool member_proof(const json_t *object, const char *name, struct proof *out, struct error *err);

#endif
