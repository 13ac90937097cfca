#include "page.h"

#define FULL_BEFORE_TRYING_MORE 512  /* operators raise their limits now and then */

void page_init(struct page_guess *p)
{
	*p = (struct page_guess){ .page = PAGE_FIRST };
}

uint64_t page_end(const struct page_guess *p, uint64_t from, uint64_t limit)
{
	uint64_t end = (from / p->page + 1) * p->page;

	/* pages that start anywhere: short answers share no boundary worth keeping to */
	if (p->block != 0 && p->block < p->largest)
		end = from + p->page;
	return end < limit ? end : limit;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static uint64_t at_most(uint64_t n, uint64_t most)
{
	return n < most ? n : most;
}

void page_learn(struct page_guess *p, uint64_t from, uint64_t asked, uint64_t received)
{
	if (received > p->largest)
		p->largest = received;
	if (received < asked) {
		p->block = gcd(p->block, from + received);
		p->page = at_most(p->block >= p->largest ? p->block : p->largest, PAGE_MAX);
		p->n_full = 0;
		return;
	}
	if (asked < p->page || p->page >= PAGE_MAX)
		return;
	p->n_full++;
	if (p->block == 0 || p->n_full >= FULL_BEFORE_TRYING_MORE) {
		p->page = at_most(p->page * 2, PAGE_MAX);
		p->block = 0;
		p->n_full = 0;
	}
}

bool page_halve(struct page_guess *p)
{
	if (p->page <= 1)
		return false;
	p->page /= 2;
	p->largest = at_most(p->largest, p->page);
	p->block = p->page;
	p->n_full = 0;
	return true;
}
