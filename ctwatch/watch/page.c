#include "page.h"

#define FULL_BEFORE_TRYING_MORE 512  /* operators raise their limits now and then */
#define PATIENCE_FIRST 16            /* the same after a refusal, which may have been an outage: back to 256 in 128 answers */
#define PATIENCE_MAX 4096            /* and where it was none: one refusal in thousands of answers */

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

/* Full answers that it takes before more is asked for. */
static unsigned full_before_more(const struct page_guess *p)
{
	if (p->patience != 0)
		return p->patience;
	return p->block == 0 ? 1 : FULL_BEFORE_TRYING_MORE;
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
	if (asked < p->page)
		return;
	if (p->trying) {
		p->trying = false;
		p->patience = PATIENCE_FIRST;
	}
	if (p->page >= PAGE_MAX || ++p->n_full < full_before_more(p))
		return;
	p->page = at_most(p->page * 2, PAGE_MAX);
	p->trying = p->patience != 0;
	p->block = 0;
	p->n_full = 0;
}

/* The next attempt at a refused size waits twice as long as the one that failed. */
static void grow_patient(struct page_guess *p)
{
	if (p->patience == 0)
		p->patience = PATIENCE_FIRST;
	else if (p->trying && p->patience < PATIENCE_MAX)
		p->patience *= 2;
	p->trying = false;
	p->n_full = 0;
}

static void set_page(struct page_guess *p, uint64_t page)
{
	p->page = page;
	p->largest = at_most(p->largest, page);
	p->block = 0;
	p->n_full = 0;
}

bool page_halve(struct page_guess *p, uint64_t asked)
{
	if (asked < p->page)              /* several answers of one size are one reproach */
		return true;
	if (p->page <= 1)
		return false;
	grow_patient(p);
	set_page(p, page_smaller(p->page, false));
	return true;
}

void page_refused(struct page_guess *p, uint64_t asked)
{
	if (asked > p->page)              /* asked for before the page became what it is */
		return;
	grow_patient(p);
	p->before = p->page;
	p->worked = 0;
}

void page_worked(struct page_guess *p, uint64_t asked)
{
	if (p->before == 0 || asked >= p->before || asked <= p->worked)
		return;
	p->worked = asked;
	set_page(p, asked);
}

void page_single_failed(struct page_guess *p)
{
	if (p->before > p->page)
		set_page(p, p->before);
	p->before = 0;
}

uint64_t page_smaller(uint64_t asked, bool timed_out)
{
	uint64_t most = asked / (timed_out ? 8 : 2), size = 1;

	while (size * 2 <= most)
		size *= 2;
	return size;
}
