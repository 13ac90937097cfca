/* Private to rules/: the packs that ship with the program, as bytes (generated from rules/packs by rules/packs.cmake). */
#ifndef CTWATCH_RULES_BUILTIN_H
#define CTWATCH_RULES_BUILTIN_H

#include <stddef.h>

struct builtin_pack {
	const char *name;        /* "tag53" */
	const unsigned char *text;
	size_t len;
};

extern const struct builtin_pack BUILTIN_PACKS[];       /* ends with a NULL name */
extern const char *const BUILTIN_PACK_NAMES[];          /* ends with NULL */

#endif
