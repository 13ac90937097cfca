/* See json_read.h. */
#include "json_read.h"

const char *json_read_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}
