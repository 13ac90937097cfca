/* Host names as they turn up in logs, from a word list: none of them is built of two words of the TAG-53 vocabulary. */
#ifndef FAKELOG_NAMES_H
#define FAKELOG_NAMES_H

#include "sign.h"

#define CERT_NAMES_MAX 100
#define CERT_NAME_LEN 96

struct name_set {
	size_t n;
	char names[CERT_NAMES_MAX][CERT_NAME_LEN];
};

void names_generate(struct chance *chance, struct name_set *out);
/* Names separated by commas or spaces, as planted by the user. False when there are none or too many, or one is too long. */
bool names_split(const char *text, struct name_set *out);

#endif
