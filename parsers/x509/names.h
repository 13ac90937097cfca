/*
 * Between names.c, which keeps the list, and names_text.c, which turns bytes into names. Private to parsers/.
 */
#ifndef CTWATCH_NAMES_H
#define CTWATCH_NAMES_H

#include "x509.h"

enum names_memory {
	NAMES_BORROW,           /* the text lives as long as the certificate */
	NAMES_COPY,             /* copy it to the arena if it is new */
};

/* Appends one identifier unless it is there already. False when a ceiling is met. */
bool names_put(struct cert_names *names, const struct cert_name *name, enum names_memory memory);

/*
 * All readings of the bytes of one dNSName, or of a CN (`text` is then meant to be UTF-8), spec section 6.2. `memory` says
 * whether `text` outlives the list. False when a ceiling is met.
 */
bool names_read(struct cert_names *names, struct slice text, enum name_origin origin, enum names_memory memory);

#endif
