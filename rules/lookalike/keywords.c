/* The keyword sets of all brands together, folded as names are (fold_shape), so that "l0gin" is a login too. */
#include "lookalike_private.h"

#include <stdlib.h>
#include <string.h>

static void place(struct keyword_table *t, uint32_t item)
{
	const struct keyword *k = &t->items[item];
	size_t slot = (hash_codes(t->codes + k->text, k->len) * HASH_BASE >> 32) & t->slot_mask;

	while (t->slots[slot] != 0)
		slot = (slot + 1) & t->slot_mask;
	t->slots[slot] = item + 1;
}

static void grow_slots(struct keyword_table *t)
{
	size_t size = t->slot_mask ? (t->slot_mask + 1) * 2 : 1024;

	free(t->slots);
	t->slots = xcalloc(size, sizeof(*t->slots));
	t->slot_mask = size - 1;
	for (uint32_t i = 0; i < t->n; i++)
		place(t, i);
}

/* Of three letters and fewer: "nl" is a country, "ni" is not. */
#define KEYWORD_EXACT_LEN_MAX 3

bool keyword_reads(const struct keyword_table *t, const struct keyword *k, const uint8_t *raw)
{
	return k->len > KEYWORD_EXACT_LEN_MAX || memcmp(t->codes + k->text + k->len, raw, k->len) == 0;
}

const struct keyword *keyword_find(const struct keyword_table *t, const uint8_t *codes, size_t len, uint64_t hash)
{
	if (t->slots == NULL || len == 0 || len > t->longest)
		return NULL;
	for (size_t slot = (hash * HASH_BASE >> 32) & t->slot_mask; t->slots[slot] != 0;
	     slot = (slot + 1) & t->slot_mask) {
		const struct keyword *k = &t->items[t->slots[slot] - 1];

		if (k->len == len && memcmp(t->codes + k->text, codes, len) == 0)
			return k;
	}
	return NULL;
}

/* The number of the word, entered if need be; SIZE_MAX for what has no letters. */
static size_t enter(struct keyword_table *t, const char *word)
{
	uint8_t raw[TERM_LEN_MAX], folded[TERM_LEN_MAX];
	bool native;
	size_t len = word_codes(word, raw, &native);
	const struct keyword *found;

	fold_codes(raw, len, false, folded);
	if (len < 2)
		return SIZE_MAX;
	found = keyword_find(t, folded, len, hash_codes(folded, len));
	if (found)
		return (size_t)(found - t->items);
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 1024;
		t->items = xreallocarray(t->items, t->cap, sizeof(*t->items));
	}
	if (t->codes_len + 2 * len > t->codes_cap) {
		t->codes_cap = t->codes_cap ? t->codes_cap * 2 : 16384;
		t->codes = xrealloc(t->codes, t->codes_cap);
	}
	memcpy(t->codes + t->codes_len, folded, len);
	memcpy(t->codes + t->codes_len + len, raw, len);
	t->items[t->n++] = (struct keyword){ .text = (uint32_t)t->codes_len, .len = (uint8_t)len };
	t->codes_len += 2 * len;
	if (len >= AFFIX_LEN_MIN) {
		trigrams_add(&t->fronts, folded);
		trigrams_add(&t->backs, folded + len - 3);
	}
	t->longest = len > t->longest ? len : t->longest;
	if (t->slots == NULL || t->n * 2 > t->slot_mask)
		grow_slots(t);
	else
		place(t, (uint32_t)(t->n - 1));
	return t->n - 1;
}

static bool set_number(struct keyword_table *t, const struct keyword_set *set, size_t *out, struct error *err)
{
	for (size_t i = 0; i < t->n_sets; i++) {
		if (t->sets[i] == set) {
			*out = i;
			return true;
		}
	}
	if (t->n_sets == KEYWORD_SETS_MAX)
		return error_set(err, ERR_USAGE,
				 "more than %d keyword sets in all brand files together; \"%s\" is one too many",
				 KEYWORD_SETS_MAX, set->name);
	*out = t->n_sets++;
	t->sets[*out] = set;
	for (size_t i = 0; i < set->n_words; i++) {
		size_t word = enter(t, set->words[i]);

		if (word != SIZE_MAX)
			t->items[word].sets |= UINT64_C(1) << *out;
	}
	return true;
}

static void enter_own(struct keyword_table *t, const char *word, uint32_t brand)
{
	size_t item = enter(t, word);

	if (item == SIZE_MAX)
		return;
	if (t->n_own == t->own_cap) {
		t->own_cap = t->own_cap ? t->own_cap * 2 : 256;
		t->own = xreallocarray(t->own, t->own_cap, sizeof(*t->own));
	}
	t->own[t->n_own++] = (uint64_t)item << 32 | brand;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

bool keyword_table_init(struct keyword_table *t, const struct brand_config *brands, size_t n_brands, struct error *err)
{
	size_t number;

	memset(t, 0, sizeof(*t));
	grow_slots(t);
	for (size_t b = 0; b < n_brands; b++) {
		for (size_t i = 0; i < brands[b].n_keyword_sets; i++)
			if (!set_number(t, brands[b].keyword_sets[i], &number, err))
				return false;
		for (size_t i = 0; i < brands[b].keywords.n; i++)
			enter_own(t, brands[b].keywords.items[i], (uint32_t)b);
	}
	if (t->n_own > 0)
		qsort(t->own, t->n_own, sizeof(*t->own), by_value);
	/* enter may move the items */
	for (const char *const *word = keyword_strong_words; *word; word++) {
		size_t item = enter(t, *word);

		t->items[item].strong = true;
	}
	for (const char *const *word = keyword_prefix_words; *word; word++) {
		size_t item = enter(t, *word);

		t->items[item].prefix = true;
		t->prefix_starts |= UINT64_C(1) << t->codes[t->items[item].text];
	}
	return true;
}

void keyword_table_deinit(struct keyword_table *t)
{
	free(t->items);
	free(t->codes);
	free(t->slots);
	free(t->own);
	memset(t, 0, sizeof(*t));
}

bool keyword_is_own(const struct keyword_table *t, const struct keyword *k, uint32_t brand)
{
	uint64_t key = (uint64_t)(k - t->items) << 32 | brand;

	return t->n_own > 0 && bsearch(&key, t->own, t->n_own, sizeof(key), by_value) != NULL;
}

bool keyword_counts(const struct keyword_table *t, const struct keyword *k, uint32_t brand, uint64_t brand_sets)
{
	return (k->sets & brand_sets) || k->prefix || keyword_is_own(t, k, brand);
}

uint64_t keyword_sets_of(const struct keyword_table *t, const struct brand_config *brand)
{
	uint64_t sets = 0;

	for (size_t i = 0; i < brand->n_keyword_sets; i++)
		for (size_t j = 0; j < t->n_sets; j++)
			if (t->sets[j] == brand->keyword_sets[i])
				sets |= UINT64_C(1) << j;
	return sets;
}

const char *keyword_set_name(const struct keyword_table *t, const struct keyword *k, uint32_t brand,
			     uint64_t brand_sets)
{
	if (keyword_is_own(t, k, brand))
		return "own";
	for (size_t i = 0; i < t->n_sets; i++)
		if (k->sets & brand_sets & UINT64_C(1) << i)
			return t->sets[i]->name;
	return k->prefix ? "prefix" : "no";
}
