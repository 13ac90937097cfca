/* See json_read.h. */
#include "json_read.h"

const char *json_read_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

size_t json_read_count(const json_t *object, const char *key, const char *total_key)
{
	size_t n = json_array_size(json_object_get(object, key));
	json_int_t total = json_integer_value(json_object_get(object, total_key));

	return total > (json_int_t)n ? (size_t)total : n;
}
