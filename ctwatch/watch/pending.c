#include "pending.h"

#include <string.h>

static void remove_at(struct pending_heads *p, size_t i)
{
	memmove(&p->items[i], &p->items[i + 1], (p->n - i - 1) * sizeof(p->items[0]));
	p->n--;
}

/* The one whose neighbours are closest together: what is let go leaves the smallest gap. Neither the first nor the last. */
static size_t least_missed(const struct pending_heads *p)
{
	size_t best = 1;
	uint64_t best_gap = UINT64_MAX;

	for (size_t i = 1; i + 1 < p->n; i++) {
		uint64_t gap = p->items[i + 1].head.tree_size - p->items[i - 1].head.tree_size;

		if (gap < best_gap) {
			best_gap = gap;
			best = i;
		}
	}
	return best;
}

void pending_add(struct pending_heads *p, const struct pending_head *head)
{
	size_t at = p->n;

	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].head.tree_size == head->head.tree_size && hash_equal(&p->items[i].head.root, &head->head.root))
			return;
	if (p->n == PENDING_MAX) {
		remove_at(p, least_missed(p));
		at = p->n;
	}
	while (at > 0 && p->items[at - 1].head.tree_size > head->head.tree_size)
		at--;
	memmove(&p->items[at + 1], &p->items[at], (p->n - at) * sizeof(p->items[0]));
	p->items[at] = *head;
	p->n++;
}

void pending_drop(struct pending_heads *p, uint64_t size)
{
	size_t n = 0;

	while (n < p->n && p->items[n].head.tree_size <= size)
		n++;
	p->n -= n;
	memmove(p->items, p->items + n, p->n * sizeof(p->items[0]));
}

void pending_cut(struct pending_heads *p, struct position *position, void (*lost)(void *ctx, const struct tree_head *head), void *ctx)
{
	uint64_t sizes[PENDING_MAX];
	size_t n = 0;

	pending_drop(p, position->verified.end);
	for (size_t i = 0; i < p->n; i++)
		if (n == 0 || sizes[n - 1] != p->items[i].head.tree_size)
			sizes[n++] = p->items[i].head.tree_size;
	position_cut_at(position, sizes, n);
	for (size_t i = 0; i < p->n; i++) {
		if (position_is_cut(position, p->items[i].head.tree_size))
			continue;
		struct pending_head gone = p->items[i];

		remove_at(p, i--);
		if (lost != NULL && !gone.forked && !gone.aside)
			lost(ctx, &gone.head);
	}
}

struct pending_head *pending_find(struct pending_heads *p, uint64_t size)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].head.tree_size == size && !p->items[i].forked && !p->items[i].aside)
			return &p->items[i];
	return NULL;
}

bool pending_sound(const struct pending_heads *p, const struct position *position)
{
	size_t n_sizes = 0;

	for (size_t i = 0; i < p->n; i++) {
		uint64_t size = p->items[i].head.tree_size;

		if (size <= position->verified.end || (i > 0 && size < p->items[i - 1].head.tree_size) || !position_is_cut(position, size))
			return false;
		n_sizes += i == 0 || size != p->items[i - 1].head.tree_size;
	}
	return n_sizes == position->n_cuts && p->n <= PENDING_MAX;
}
