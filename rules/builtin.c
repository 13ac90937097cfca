#include "builtin.h"
#include "rules.h"

#include <string.h>

const char *rule_pack_text(const char *name, size_t *len)
{
	for (const struct builtin_pack *pack = BUILTIN_PACKS; pack->name; pack++) {
		if (strcmp(pack->name, name) != 0)
			continue;
		*len = pack->len;
		return (const char *)pack->text;
	}
	return NULL;
}

const char *const *rule_pack_names(void)
{
	return BUILTIN_PACK_NAMES;
}
