/*
 * From a hash to numbers. A bitmap of 16 bits an entry stands in front, three bits of one word each: a miss, which is nearly
 * everything, touches one cache line. Behind it an open table of words: 24 bits of tag, 8 of offset, 32 of number + 1.
 */
#include "lookalike_private.h"

#include <stdlib.h>
#include <string.h>

void probe_table_add(struct probe_table *t, uint64_t hash, uint32_t number, uint8_t offset)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->pending = xreallocarray(t->pending, t->cap, sizeof(*t->pending));
	}
	t->pending[t->n++] = (struct probe_entry){ probe_mix(hash), number, offset };
}

static uint64_t power_of_two(size_t at_least)
{
	uint64_t size = 4;

	while (size < at_least)
		size *= 2;
	return size;
}

static int by_hash(const void *a, const void *b)
{
	const struct probe_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (int)x->offset - (int)y->offset;
}

void probe_table_build(struct probe_table *t)
{
	size_t n = 0;

	if (t->n == 0)
		return;
	qsort(t->pending, t->n, sizeof(*t->pending), by_hash);
	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || by_hash(&t->pending[i], &t->pending[n - 1]) != 0)
			t->pending[n++] = t->pending[i];
	t->n = n;

	uint64_t words = power_of_two(t->n / 4 + 1);

	t->bloom = xcalloc(words, sizeof(*t->bloom));
	t->bloom_mask = words - 1;
	t->slot_mask = power_of_two(t->n + t->n / 2 + 1) - 1;
	t->slots = xcalloc(t->slot_mask + 1, sizeof(*t->slots));
	for (size_t i = 0; i < t->n; i++) {
		const struct probe_entry *e = &t->pending[i];
		uint64_t slot = e->hash >> 20 & t->slot_mask;

		while (t->slots[slot] != 0)
			slot = (slot + 1) & t->slot_mask;
		t->slots[slot] = (e->hash >> 40) << 40 | (uint64_t)e->offset << 32 | (e->number + 1u);
		t->bloom[e->hash >> 18 & t->bloom_mask] |= probe_bits(e->hash);
	}
	free(t->pending);
	t->pending = NULL;
}

void probe_table_deinit(struct probe_table *t)
{
	free(t->bloom);
	free(t->slots);
	free(t->pending);
	memset(t, 0, sizeof(*t));
}

bool probe_next(const struct probe_table *t, struct probe *p, uint32_t *number, uint8_t *offset)
{
	for (; t->slots[p->slot] != 0; p->slot = (p->slot + 1) & t->slot_mask) {
		uint64_t slot = t->slots[p->slot];

		if (slot >> 40 != p->tag)
			continue;
		*number = (uint32_t)slot - 1;
		*offset = (uint8_t)(slot >> 32);
		p->slot = (p->slot + 1) & t->slot_mask;
		return true;
	}
	return false;
}
