/* A member of a JSON object as text, for whoever only shows it. */
#ifndef CTWATCH_JSON_READ_H
#define CTWATCH_JSON_READ_H

#include <jansson.h>

/* "" when it is missing or no string. Borrowed from the object. */
const char *json_read_text(const json_t *object, const char *key);
/* How many members the list `key` has, or had before it was cut: then the number `total_key` says so. */
size_t json_read_count(const json_t *object, const char *key, const char *total_key);

#endif
