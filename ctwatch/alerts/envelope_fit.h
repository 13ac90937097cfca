/*
 * An envelope for a receiver that takes only so many bytes: what is least needed is left out first, what is left is still the
 * envelope's JSON, and "truncated":true says so. Private to alerts/.
 *
 *   0 whole   1 one certificate, few names, one sighting   2 neither names nor sightings   3 no certificates, no evidence, no details
 *   4 what it is, texts of 200 bytes   5 the same, texts of 48 bytes
 */
#ifndef CTWATCH_ENVELOPE_FIT_H
#define CTWATCH_ENVELOPE_FIT_H

#include <jansson.h>

#include "base.h"

#define ENVELOPE_LEVELS 6

/* New reference; level 0 is the envelope itself. */
json_t *envelope_shrink(const json_t *envelope, unsigned level);
/* Appends it as JSON of at most max bytes, from this level on. False, nothing appended, when even the last level is longer. */
bool envelope_fit(const json_t *envelope, unsigned level, size_t max, size_t json_flags, struct buf *out);
/* At most max bytes of a text, cut between code points and ended by "..."; malloc'd. */
char *text_cut(const char *text, size_t max);

#endif
