/* The set of read ranges of one log. Small: normally the prefix and one or two ranges, so that linear search is right. */
#include "position.h"

#include <stdlib.h>
#include <string.h>

void position_init(struct position *p)
{
	*p = (struct position){ 0 };
	range_init(&p->verified, 0);
}

void position_deinit(struct position *p)
{
	free(p->ranges);
	position_init(p);
}

void position_copy(struct position *to, const struct position *from)
{
	struct compact_range *ranges = to->ranges;
	size_t cap = to->cap;

	if (cap < from->n) {
		cap = from->n;
		ranges = xreallocarray(ranges, cap, sizeof(*ranges));
	}
	*to = *from;
	to->ranges = ranges;
	to->cap = cap;
	if (from->n != 0)
		memcpy(ranges, from->ranges, from->n * sizeof(*ranges));
}

bool position_is_cut(const struct position *p, uint64_t size)
{
	for (size_t i = 0; i < p->n_cuts; i++)
		if (p->cuts[i] == size)
			return true;
	return false;
}

/* Index of the first range that ends beyond `index`. */
static size_t range_after(const struct position *p, uint64_t index)
{
	size_t i = 0;

	while (i < p->n && p->ranges[i].end <= index)
		i++;
	return i;
}

static void remove_range(struct position *p, size_t i)
{
	memmove(&p->ranges[i], &p->ranges[i + 1], (p->n - i - 1) * sizeof(*p->ranges));
	p->n--;
}

/* Merges range i with the one behind it, where they touch and no head is signed. */
static void merge_at(struct position *p, size_t i)
{
	if (i + 1 >= p->n || position_is_cut(p, p->ranges[i].end))
		return;
	if (range_merge(&p->ranges[i], &p->ranges[i + 1]))
		remove_range(p, i + 1);
}

bool position_add(struct position *p, const struct compact_range *range)
{
	if (range->start >= range->end || position_overlaps(p, range->start, range->end))
		return false;

	size_t at = range_after(p, range->start);
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 8 : p->cap * 2;
		p->ranges = xreallocarray(p->ranges, p->cap, sizeof(*p->ranges));
	}
	memmove(&p->ranges[at + 1], &p->ranges[at], (p->n - at) * sizeof(*p->ranges));
	p->ranges[at] = *range;
	p->n++;
	merge_at(p, at);
	if (at > 0)
		merge_at(p, at - 1);
	return true;
}

static bool is_inside(const struct position *p, uint64_t size)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->ranges[i].start < size && size < p->ranges[i].end)
			return true;
	return size <= p->verified.end;
}

void position_cut_at(struct position *p, const uint64_t *sizes, size_t n)
{
	p->n_cuts = 0;
	for (size_t i = 0; i < n && p->n_cuts < POSITION_CUTS_MAX; i++)
		if (!is_inside(p, sizes[i]))
			p->cuts[p->n_cuts++] = sizes[i];
	for (size_t i = p->n; i-- > 1;)
		merge_at(p, i - 1);
}

bool position_tree(const struct position *p, uint64_t size, struct compact_range *out)
{
	struct compact_range tree = p->verified;

	for (size_t i = 0; i < p->n && tree.end < size; i++)
		if (!range_merge(&tree, &p->ranges[i]))
			return false;
	if (tree.end != size)
		return false;
	*out = tree;
	return true;
}

void position_verify(struct position *p, const struct compact_range *tree)
{
	while (p->n > 0 && p->ranges[0].end <= tree->end)
		remove_range(p, 0);
	size_t passed = 0;
	while (passed < p->n_cuts && p->cuts[passed] <= tree->end)
		passed++;
	p->n_cuts -= passed;
	memmove(p->cuts, p->cuts + passed, p->n_cuts * sizeof(p->cuts[0]));
	p->verified = *tree;
}

void position_forget(struct position *p, uint64_t start, uint64_t end)
{
	for (size_t i = p->n; i > 0; i--)
		if (p->ranges[i - 1].start < end && p->ranges[i - 1].end > start)
			remove_range(p, i - 1);
}

uint64_t position_end(const struct position *p)
{
	uint64_t end = p->verified.end;

	for (size_t i = 0; i < p->n && p->ranges[i].start == end; i++)
		end = p->ranges[i].end;
	return end;
}

uint64_t position_top(const struct position *p)
{
	return p->n == 0 ? p->verified.end : p->ranges[p->n - 1].end;
}

bool position_gap(const struct position *p, uint64_t from, uint64_t limit, uint64_t *start, uint64_t *end)
{
	uint64_t at = from < p->verified.end ? p->verified.end : from;
	size_t i = range_after(p, at);

	while (i < p->n && p->ranges[i].start <= at)
		at = p->ranges[i++].end;
	if (at >= limit)
		return false;
	*start = at;
	*end = i < p->n && p->ranges[i].start < limit ? p->ranges[i].start : limit;
	return true;
}

bool position_overlaps(const struct position *p, uint64_t start, uint64_t end)
{
	if (start < p->verified.end)
		return true;
	size_t i = range_after(p, start);
	return i < p->n && p->ranges[i].start < end;
}

uint64_t position_count(const struct position *p)
{
	uint64_t n = p->verified.end;

	for (size_t i = 0; i < p->n; i++)
		n += p->ranges[i].end - p->ranges[i].start;
	return n;
}
