/*
 * Private to the look-alike engine: a name's letters without its separators, what they pass for, and how far words are apart.
 * Everything is in codes: 1..26 letters, 27..36 digits, CODE_OTHER what passes for neither.
 */
#ifndef CTWATCH_RULES_LOOKALIKE_TEXT_H
#define CTWATCH_RULES_LOOKALIKE_TEXT_H

#include "engine.h"

#define TEXT_MAX (3 * DNS_NAME_MAX + 9)   /* a code point becomes at most three letters */
#define TOKENS_MAX 128                    /* of a name: every second byte a separator */
#define TERM_LEN_MAX DNS_LABEL_MAX
#define CODE_OTHER 37
#define CODES 38

/* ---- hashing: a polynomial over codes; any part of a text, even less a letter or two, costs a few products ---- */

#define HASH_BASE 0x9e3779b97f4a7c15u
#define HASH_PART_MAX 255

static inline uint64_t hash_step(uint64_t hash, uint8_t code)
{
	return hash * HASH_BASE + code;
}

uint64_t hash_codes(const uint8_t *codes, size_t len);

/* ---- text: text.c, fold.c ---- */

enum edge { EDGE_NONE, EDGE_HYPHEN, EDGE_DOT };

/* A hyphen-separated part of a label; [from, to) in the raw text. */
struct look_token {
	uint16_t from, to;
	uint8_t label;
};

struct look_label {
	uint16_t from, to;
	uint8_t first_token, n_tokens;
	uint8_t number;                 /* in view->labels */
	bool idn;                       /* an xn-- label that decodes */
};

/* Letters of S and R, left to right. Position i stands for bytes [start, end) of the name. */
struct raw_text {
	unsigned n;
	uint8_t code[TEXT_MAX];
	uint8_t start[TEXT_MAX], end[TEXT_MAX];
	uint8_t edge[TEXT_MAX + 1];     /* enum edge: what stands in front */
	uint8_t label_of[TEXT_MAX];     /* in labels[] */
	uint8_t source[TEXT_MAX];       /* which code point of its label */
	uint32_t point[TEXT_MAX];       /* that code point */
	unsigned n_labels, n_tokens;
	struct look_label labels[VIEW_LABELS_MAX];
	struct look_token tokens[TOKENS_MAX];
	bool has_sequence, has_leet;    /* the variants would differ from the base */
};

enum variant { VARIANT_BASE, VARIANT_SEQUENCE, VARIANT_LEET, N_VARIANTS };

/* The raw text after a fold. hash[i] is the hash of the first i codes. */
struct folded_text {
	unsigned n;
	uint8_t code[TEXT_MAX];
	uint16_t raw[TEXT_MAX + 1];     /* position in the raw text */
	uint16_t at[TEXT_MAX + 1];      /* and back, exact at separators */
	uint64_t hash[TEXT_MAX + 1];
};

uint8_t code_of_ascii(uint8_t byte);                /* 0 when it is neither letter nor digit */
char ascii_of_code(uint8_t code);                   /* '?' for CODE_OTHER */
/* What a code point passes for: 1..3 letters, "" for a mark, NULL for none. F1. */
const char *fold_code_point(uint32_t point, char ascii[4]);
uint8_t fold_shape(uint8_t code);                   /* F2, single letters */
uint8_t fold_leet(uint8_t code);                    /* F3; the code itself when it is no such digit */
/* Letter pairs that pass for one letter: its code, or 0. F2, sequences. */
uint8_t fold_pair(uint8_t first, uint8_t second);
/* Codes of a brand's word (UTF-8): letters and digits, everything else left out. Returns the number; *native: had other letters. */
size_t word_codes(const char *word, uint8_t out[TERM_LEN_MAX], bool *native);
/* F2 of codes, with or without sequences. Returns the number. */
size_t fold_codes(const uint8_t *in, size_t n, bool sequences, uint8_t *out);
/* Near shapes: letters that are taken for each other at a glance fall together. Coarse; a hit is counted afterwards. */
size_t fold_near(const uint8_t *folded, size_t n, uint8_t *out);
uint64_t hash_near(const uint8_t *folded, size_t n);     /* hash_codes of the same */

void raw_text_init(struct raw_text *, const struct name_view *);
void folded_text_init(struct folded_text *, const struct raw_text *, enum variant);

/* ---- distance: distance.c ------------------------------------------------------------------------- */

/* Optimal string alignment (one letter added, left out, replaced, or two neighbours swapped), or max + 1 when it is more. */
unsigned osa_distance(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, unsigned max);
/* The edits that make `from` of `to`, for people: "letters 6 and 7 swapped", "'l' left out after letter 4". */
void osa_describe(const uint8_t *from, size_t from_len, const uint8_t *to, size_t to_len, char *out, size_t out_len);
/* A swap of neighbours or one letter too many, first letters equal: what people do not see in a medium word. */
bool osa_is_quiet(const uint8_t *term, size_t term_len, const uint8_t *seen, size_t seen_len);

#endif
