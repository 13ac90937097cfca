/* Private to the look-alike engine: words that may stand beside a brand, and words that are nobody's name. */
#ifndef CTWATCH_RULES_LOOKALIKE_KEYWORDS_H
#define CTWATCH_RULES_LOOKALIKE_KEYWORDS_H

#include "text.h"

/* Of all sets: words that ask for credentials. NULL-terminated; sets.c has the sets. */
extern const char *const keyword_strong_words[];
/* What is put in front of anybody's name (my, www, https), whatever sets a brand uses; it may stand before another keyword. */
extern const char *const keyword_prefix_words[];

#define KEYWORD_SETS_MAX 64               /* distinct sets of all brands together: a bit each */

struct keyword {
	uint32_t text;                  /* offset of its folded codes; the codes themselves follow */
	uint8_t len;
	bool strong;                    /* asks for credentials: login, verify ... */
	bool prefix;                    /* keyword_prefix_words */
	uint64_t sets;                  /* bit per set */
};

/* Three letters in a row, as a set. */
struct trigrams {
	uint64_t bits[(CODES * CODES * CODES + 63) / 64];
};

static inline unsigned trigram_at(const uint8_t *codes)
{
	return (codes[0] * (unsigned)CODES + codes[1]) * CODES + codes[2];
}

static inline void trigrams_add(struct trigrams *t, const uint8_t *codes)
{
	unsigned at = trigram_at(codes);

	t->bits[at / 64] |= UINT64_C(1) << at % 64;
}

static inline bool trigrams_have(const struct trigrams *t, const uint8_t *codes)
{
	unsigned at = trigram_at(codes);

	return t->bits[at / 64] >> at % 64 & 1;
}

#define AFFIX_LEN_MIN 4          /* letters of a keyword that is taken off a token */

struct keyword_table {
	const struct keyword_set *sets[KEYWORD_SETS_MAX];
	size_t n_sets;
	struct keyword *items;
	size_t n, cap;
	uint8_t *codes;
	size_t codes_len, codes_cap;
	uint32_t *slots;                /* item + 1 */
	size_t slot_mask;
	uint64_t *own;                  /* sorted: item << 32 | brand */
	size_t n_own, own_cap;
	size_t longest;
	struct trigrams fronts, backs;  /* of words that may be taken off a token */
	uint64_t prefix_starts;         /* bit per code: first letters of prefix words */
};

bool keyword_table_init(struct keyword_table *, const struct brand_config *brands, size_t n_brands, struct error *err);
void keyword_table_deinit(struct keyword_table *);
/* The keyword equal to these folded codes, whatever set it is in; NULL when there is none. */
const struct keyword *keyword_find(const struct keyword_table *, const uint8_t *codes, size_t len, uint64_t hash);
/* Do these letters of a name, as they are, pass for it? The shortest ones are not read through a fold. */
bool keyword_reads(const struct keyword_table *, const struct keyword *, const uint8_t *raw);
bool keyword_is_own(const struct keyword_table *, const struct keyword *, uint32_t brand);
/* Set bits of a brand. */
uint64_t keyword_sets_of(const struct keyword_table *, const struct brand_config *brand);
/* Is it one for this brand, by its sets, as a prefix or as its own? */
bool keyword_counts(const struct keyword_table *, const struct keyword *, uint32_t brand, uint64_t brand_sets);
/* "service", "legal" ..., "own" for this brand, or "prefix". */
const char *keyword_set_name(const struct keyword_table *, const struct keyword *, uint32_t brand, uint64_t brand_sets);

/* An ordinary word or place name (ours, compact): as a brand's term it is treated like a short one. ASCII, lower case. */
bool is_ordinary_word(const char *word, size_t len);
bool ordinary_words_are_sorted(void);     /* for its test: the search depends on it */

#endif
