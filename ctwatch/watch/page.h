/*
 * How many entries a classic log gives per answer, learnt from its answers (shared/spec/ct-protocols.md 1.13). Logs cut answers at
 * a page of their own (32 to 1000), some so that pages end at multiples of it, and caches like requests that keep to those. Other
 * logs refuse what is too much for them, in every way that a request can fail: then a smaller size that worked is kept, and the
 * refused one is tried again after ever more full answers.
 */
#ifndef CTWATCH_PAGE_H
#define CTWATCH_PAGE_H

#include "base.h"

struct page_guess {
	uint64_t page;                    /* entries to ask for, at multiples of it */
	uint64_t block;                   /* greatest common divisor of where short answers ended; 0: none was short */
	uint64_t largest;                 /* most entries received in one answer */
	unsigned n_full;                  /* full answers since the last change */
	uint64_t before;                  /* the page when a range of that size failed; 0: none has */
	uint64_t worked;                  /* largest size that was answered since */
	unsigned patience;                /* full answers before more is tried; 0: nothing was refused */
	bool trying;                      /* the page is larger than what is known to work */
};

#define PAGE_FIRST 256
#define PAGE_MAX 1024

void page_init(struct page_guess *);
/* Where a request that starts at `from` should end, at most `limit`. */
uint64_t page_end(const struct page_guess *, uint64_t from, uint64_t limit);
/* An answer came: `received` <= `asked` entries from `from`, all below the tree size. */
void page_learn(struct page_guess *, uint64_t from, uint64_t asked, uint64_t received);
/* The log said that the page of `asked` entries is too large in bytes. False: it cannot become smaller. */
bool page_halve(struct page_guess *, uint64_t asked);

/*
 * A range failed as a whole, for whatever reason: its own requests become smaller (page_smaller), the page does only when one of
 * them works. When a single entry turns out to be what cannot be had, size was not the reason and the page is what it was.
 */
void page_refused(struct page_guess *, uint64_t asked);
void page_worked(struct page_guess *, uint64_t asked);
void page_single_failed(struct page_guess *);
/* The size to try after `asked` failed: a power of two, at most half of it (an eighth after a time-out, which costs half a minute). */
uint64_t page_smaller(uint64_t asked, bool timed_out);

#endif
