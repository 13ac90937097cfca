#include "domains.h"

#include <stdlib.h>
#include <string.h>

/* Bytes are hashed from the right, so that every suffix of a name is hashed on the way to its front. */
#define HASH_SEED 0x9e3779b97f4a7c15u

static uint64_t hash_byte(uint64_t hash, uint8_t byte)
{
	return (hash ^ byte) * 0x100000001b3u;
}

/* The multiplication leaves its news in the upper bits. */
static uint64_t hash_end(uint64_t hash)
{
	return hash ^ hash >> 32;
}

static uint64_t hash_text(struct slice text)
{
	uint64_t hash = HASH_SEED;

	for (size_t i = text.len; i > 0; i--)
		hash = hash_byte(hash, text.data[i - 1]);
	return hash_end(hash);
}

void domains_add(struct domain_table *table, const char *domain, enum domain_meaning meaning, uint32_t number, bool subtree)
{
	if (table->n == table->cap) {
		table->cap = table->cap ? table->cap * 2 : 64;
		table->entries = xreallocarray(table->entries, table->cap, sizeof(*table->entries));
	}
	table->entries[table->n++] = (struct domain_entry){
		.domain = xstrdup(domain), .number = number, .meaning = (uint8_t)meaning, .subtree = subtree, .next = -1 };
}

static uint32_t *slot_of(const struct domain_table *table, uint64_t hash, struct slice domain)
{
	size_t mask = table->n_slots - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &table->slots[i];

		if (!*slot || slice_equal_text(domain, table->entries[*slot - 1].domain))
			return slot;
	}
}

static bool was_seen(const struct domain_table *table, uint64_t hash)
{
	uint64_t bit = hash >> (64 - table->hash_bits);

	return table->seen[bit / 64] >> (bit % 64) & 1;
}

void domains_compile(struct domain_table *table)
{
	size_t wanted = table->n * 2 + 16;

	table->n_slots = 16;
	while (table->n_slots < wanted)
		table->n_slots *= 2;
	table->hash_bits = 10;
	while ((size_t)1 << table->hash_bits < table->n * 16)
		table->hash_bits++;
	table->slots = xcalloc(table->n_slots, sizeof(*table->slots));
	table->seen = xcalloc(((size_t)1 << table->hash_bits) / 64, sizeof(*table->seen));
	/* from the back, so that the entries of one domain are chained in the order they came */
	for (size_t i = table->n; i > 0; i--) {
		struct domain_entry *entry = &table->entries[i - 1];
		uint64_t hash = hash_text(slice_text(entry->domain)), bit = hash >> (64 - table->hash_bits);
		uint32_t *slot = slot_of(table, hash, slice_text(entry->domain));

		entry->next = *slot ? (int32_t)*slot - 1 : -1;
		*slot = (uint32_t)i;
		table->seen[bit / 64] |= (uint64_t)1 << (bit % 64);
	}
}

void domains_deinit(struct domain_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->entries[i].domain);
	free(table->entries);
	free(table->slots);
	free(table->seen);
	*table = (struct domain_table){ 0 };
}

static const struct domain_entry *probe(const struct domain_table *table, uint64_t hash, struct slice domain)
{
	uint32_t slot;

	hash = hash_end(hash);
	if (!was_seen(table, hash))
		return NULL;
	slot = *slot_of(table, hash, domain);
	return slot ? &table->entries[slot - 1] : NULL;
}

const struct domain_entry *domains_find(const struct domain_table *table, struct slice domain)
{
	uint64_t hash = HASH_SEED;

	for (size_t i = domain.len; i > 0; i--)
		hash = hash_byte(hash, domain.data[i - 1]);
	return probe(table, hash, domain);
}

static size_t collect(const struct domain_table *table, const struct domain_entry *entry, size_t at, size_t n,
		      struct domain_hit hits[DOMAIN_HITS_MAX])
{
	while (n < DOMAIN_HITS_MAX) {
		if (at == 0 || entry->subtree)
			hits[n++] = (struct domain_hit){ entry, at };
		if (entry->next < 0)
			break;
		entry = &table->entries[entry->next];
	}
	return n;
}

size_t domains_look_up(const struct domain_table *table, struct slice name, struct domain_hit hits[DOMAIN_HITS_MAX])
{
	uint64_t hash = HASH_SEED;
	size_t n = 0;

	if (table->n == 0)
		return 0;
	for (size_t i = name.len; i > 0; i--) {
		const struct domain_entry *entry;

		if (name.data[i - 1] == '.' && i < name.len) {
			entry = probe(table, hash, slice_sub(name, i, name.len));
			if (entry)
				n = collect(table, entry, i, n, hits);
		}
		hash = hash_byte(hash, name.data[i - 1]);
	}

	const struct domain_entry *whole = probe(table, hash, name);

	return whole ? collect(table, whole, 0, n, hits) : n;
}
