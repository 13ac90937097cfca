#include "answer_size.h"

#define ENTRY_FIRST 2048             /* bytes: 256 entries of a classic log have 0.3 to 1.3 MB */
#define MARGIN (16u << 10)           /* for headers of formats, and answers of one entry */
#define FADE 8                       /* an answer takes an eighth of what is too much away */

void answer_size_init(struct answer_size *s)
{
	*s = (struct answer_size){ .body = ENTRY_FIRST };
}

static uint64_t need(uint64_t an_entry, uint64_t n_entries)
{
	return 2 * an_entry * n_entries + MARGIN;
}

uint64_t answer_size_body(const struct answer_size *s, uint64_t n_entries)
{
	return need(s->body, n_entries);
}

uint64_t answer_size_room(const struct answer_size *s, uint64_t n_entries)
{
	return s->room == 0 ? 0 : need(s->room, n_entries);
}

static void learn(uint64_t *known, uint64_t bytes, uint64_t n_entries)
{
	uint64_t seen = (bytes + n_entries - 1) / n_entries;

	if (seen >= *known)
		*known = seen;
	else
		*known -= (*known - seen + FADE - 1) / FADE;
}

void answer_size_learn(struct answer_size *s, uint64_t n_entries, uint64_t body_bytes, uint64_t inflated_bytes)
{
	if (n_entries == 0)
		return;
	learn(&s->body, body_bytes, n_entries);
	learn(&s->room, inflated_bytes, n_entries);
}

/* Next time there is room for four times as much. */
static void grow(uint64_t *known, uint64_t n_entries, uint64_t had_bytes)
{
	uint64_t least = 2 * (had_bytes / n_entries + 1);

	if (*known < least)
		*known = least;
}

void answer_size_body_short(struct answer_size *s, uint64_t n_entries, uint64_t had_bytes)
{
	grow(&s->body, n_entries, had_bytes);
}

void answer_size_room_short(struct answer_size *s, uint64_t n_entries, uint64_t had_bytes)
{
	grow(&s->room, n_entries, had_bytes);
}
