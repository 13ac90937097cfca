/*
 * How many bytes an answer with entries will have, learnt from those that came: twice the largest of late, an entry. It grows with
 * what comes at once and comes down again within some dozen answers, so that one large answer does not slow a log down for good.
 */
#ifndef CTWATCH_ANSWER_SIZE_H
#define CTWATCH_ANSWER_SIZE_H

#include "base.h"

struct answer_size {
	uint64_t body, room;              /* bytes an entry: as it comes, and inflated; room 0: nothing came compressed */
};

void answer_size_init(struct answer_size *);
/* What to hold ready for an answer of so many entries. */
uint64_t answer_size_body(const struct answer_size *, uint64_t n_entries);
uint64_t answer_size_room(const struct answer_size *, uint64_t n_entries);
/* An answer of `n_entries` came; inflated_bytes 0: it was not compressed. */
void answer_size_learn(struct answer_size *, uint64_t n_entries, uint64_t body_bytes, uint64_t inflated_bytes);
/* What was held ready for so many entries was not enough. */
void answer_size_body_short(struct answer_size *, uint64_t n_entries, uint64_t had_bytes);
void answer_size_room_short(struct answer_size *, uint64_t n_entries, uint64_t had_bytes);

#endif
