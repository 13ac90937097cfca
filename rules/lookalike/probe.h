/* Private to the look-alike engine: tables from a hash to numbers. */
#ifndef CTWATCH_RULES_LOOKALIKE_PROBE_H
#define CTWATCH_RULES_LOOKALIKE_PROBE_H

#include "base.h"

/* From a hash to numbers, several for one hash if need be, with a bitmap in front that answers most misses in one cache line. */
struct probe_table {
	uint64_t *bloom, bloom_mask;
	uint64_t *slots, slot_mask;     /* tag | offset | number + 1 */
	struct probe_entry *pending;    /* while it is built */
	size_t n, cap;
};
struct probe_entry {
	uint64_t hash;
	uint32_t number;
	uint8_t offset;
};
struct probe {
	uint64_t slot, tag;
};

void probe_table_add(struct probe_table *, uint64_t hash, uint32_t number, uint8_t offset);
void probe_table_build(struct probe_table *);
void probe_table_deinit(struct probe_table *);
bool probe_next(const struct probe_table *, struct probe *, uint32_t *number, uint8_t *offset);

static inline uint64_t probe_mix(uint64_t hash)
{
	hash *= 0xff51afd7ed558ccdu;
	hash ^= hash >> 32;
	hash *= 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 29;
}

static inline uint64_t probe_bits(uint64_t mixed)
{
	return UINT64_C(1) << (mixed & 63) | UINT64_C(1) << (mixed >> 6 & 63) | UINT64_C(1) << (mixed >> 12 & 63);
}

/* False for most hashes that are not in the table; else probe_next tells. */
static inline bool probe_begin(const struct probe_table *t, uint64_t hash, struct probe *p)
{
	uint64_t mixed, bits;

	if (t->slots == NULL)
		return false;
	mixed = probe_mix(hash);
	bits = probe_bits(mixed);
	if ((t->bloom[mixed >> 18 & t->bloom_mask] & bits) != bits)
		return false;
	p->slot = mixed >> 20 & t->slot_mask;
	p->tag = mixed >> 40;
	return true;
}

#endif
