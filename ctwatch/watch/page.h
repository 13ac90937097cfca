/*
 * How many entries a classic log gives per answer, learnt from its answers (shared/spec/ct-protocols.md 1.13). Logs cut answers at
 * a page of their own (32 to 1000), some so that pages end at multiples of it, and caches like requests that keep to those.
 */
#ifndef CTWATCH_PAGE_H
#define CTWATCH_PAGE_H

#include "base.h"

struct page_guess {
	uint64_t page;                    /* entries to ask for, at multiples of it */
	uint64_t block;                   /* greatest common divisor of where short answers ended; 0: none was short */
	uint64_t largest;                 /* most entries received in one answer */
	unsigned n_full;                  /* full answers since the last change */
};

#define PAGE_FIRST 256
#define PAGE_MAX 1024

void page_init(struct page_guess *);
/* Where a request that starts at `from` should end, at most `limit`. */
uint64_t page_end(const struct page_guess *, uint64_t from, uint64_t limit);
/* An answer came: `received` <= `asked` entries from `from`, all below the tree size. */
void page_learn(struct page_guess *, uint64_t from, uint64_t asked, uint64_t received);
/* The log said that the page is too large in bytes. False: it cannot become smaller. */
bool page_halve(struct page_guess *);

#endif
