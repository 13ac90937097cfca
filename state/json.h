/* Private to state/: JSON out of what strangers wrote. */
#ifndef CTWATCH_STATE_JSON_H
#define CTWATCH_STATE_JSON_H

#include <jansson.h>

#include "state.h"

/* A string whatever the bytes are (U+FFFD for what is not UTF-8); NULL becomes null. New references. */
json_t *json_text(const char *text);
json_t *json_hex(const struct hash *hash);
json_t *json_log_id(const struct hash *log_id);   /* base64, as in log lists and SCTs */
json_t *json_time(int64_t time_ms);       /* RFC 3339; null for INT64_MIN */

/* The array of DESIGN.md 5.2 in compact form, malloc'd; rows and texts are cut at ceilings. */
char *evidence_to_json(const struct state_evidence *evidence, size_t n);
/*
 * A list of names as it may be stored: an array of strings of at most STATE_NAMES_JSON_MAX bytes. Anything else becomes an empty one.
 * malloc'd; *n is how many there were, those that did not fit included.
 */
char *names_to_store(const char *names_json, uint64_t *n);

#endif
