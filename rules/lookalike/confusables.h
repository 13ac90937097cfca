/* Private to rules/: the generated table of shapes (script/make-confusables). Sorted by code point. */
#ifndef CTWATCH_RULES_CONFUSABLES_H
#define CTWATCH_RULES_CONFUSABLES_H

#include <stddef.h>
#include <stdint.h>

struct confusable {
	uint32_t code_point;
	char ascii[4];          /* one to three of a-z0-9 */
};
extern const struct confusable confusables[];
extern const size_t n_confusables;

/* Combining marks: nothing is left of them. Inclusive. */
struct mark_range {
	uint32_t first, last;
};
extern const struct mark_range mark_ranges[];
extern const size_t n_mark_ranges;

#endif
