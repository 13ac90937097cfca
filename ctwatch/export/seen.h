/* Private to report/: which texts were said already. Eight bytes a text, whatever its length. */
#ifndef CTWATCH_EXPORT_SEEN_H
#define CTWATCH_EXPORT_SEEN_H

#include "base.h"

struct export_seen {
	uint64_t *slots;                  /* open addressing, a power of two; 0 is free */
	size_t n, n_slots;
};

/* Adds it; true when it was there already. Two texts are told apart by 64 bits of their SHA-256. */
bool export_seen_add(struct export_seen *, const char *text);
bool export_seen_has(const struct export_seen *, const char *text);
void export_seen_deinit(struct export_seen *);

#endif
