/*
 * What differs between the two protocols on the way to the same entries: where the head is, how it is signed, and which
 * request brings which entries. One row per protocol.
 */
#ifndef CTWATCH_SOURCE_H
#define CTWATCH_SOURCE_H

#include "page.h"
#include "loglist.h"

/* One request for entries. */
struct source_window {
	uint64_t first;                   /* index of the answer's first entry */
	uint64_t n_asked;                 /* at most (classic) or exactly (static) so many come */
	uint64_t from, to;                /* what of it is wanted */
	char *url;                        /* malloc'd */
};

struct source {
	const char *head_path;            /* appended to the log's URL */
	size_t head_bytes_max;
	bool (*head_parse)(const struct listed_log *log, const struct log_key *key, struct slice body, struct tree_head *out,
			   unsigned *oddities, struct error *err);
	/* The request that begins at `from`, within [from, limit), when the newest signed size is `tree_size`. */
	void (*window)(const struct listed_log *log, const struct page_guess *page, uint64_t from, uint64_t limit, uint64_t tree_size,
		       bool full_tile, struct source_window *out);
	unsigned in_flight_max;           /* responses of one log under way */
	uint64_t step;                    /* windows begin at multiples of it where the position allows */
};

const struct source *source_of(enum log_protocol protocol);

#endif
