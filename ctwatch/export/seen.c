/* See export_seen.h. */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024

static uint64_t key_of(const char *text)
{
	struct hash hash = sha256(slice_text(text));
	uint64_t key;

	memcpy(&key, hash.bytes, sizeof(key));
	return key != 0 ? key : 1;
}

/* Where a key is, or would be. There is always a free slot. */
static size_t find(const struct export_seen *seen, uint64_t key)
{
	size_t at = key & (seen->n_slots - 1);

	while (seen->slots[at] != 0 && seen->slots[at] != key)
		at = (at + 1) & (seen->n_slots - 1);
	return at;
}

static void grow(struct export_seen *seen)
{
	struct export_seen larger = { .n = seen->n, .n_slots = seen->n_slots > 0 ? 2 * seen->n_slots : FIRST_SLOTS };

	larger.slots = xcalloc(larger.n_slots, sizeof(*larger.slots));
	for (size_t i = 0; i < seen->n_slots; i++)
		if (seen->slots[i] != 0)
			larger.slots[find(&larger, seen->slots[i])] = seen->slots[i];
	free(seen->slots);
	*seen = larger;
}

bool export_seen_add(struct export_seen *seen, const char *text)
{
	uint64_t key = key_of(text);

	if (4 * seen->n >= 3 * seen->n_slots)
		grow(seen);
	size_t at = find(seen, key);
	if (seen->slots[at] != 0)
		return true;
	seen->slots[at] = key;
	seen->n++;
	return false;
}

bool export_seen_has(const struct export_seen *seen, const char *text)
{
	return seen->n > 0 && seen->slots[find(seen, key_of(text))] != 0;
}

void export_seen_deinit(struct export_seen *seen)
{
	free(seen->slots);
	*seen = (struct export_seen){ 0 };
}
