/*
 * Private to the look-alike engine: where a hit stands. Which tokens it touches, what is beside it, in which zone and script.
 * Facts only; look_judge says what they are worth.
 */
#ifndef CTWATCH_RULES_LOOKALIKE_SCENE_H
#define CTWATCH_RULES_LOOKALIKE_SCENE_H

#include "lookalike_private.h"

#define TOKEN_WORDS_MAX 2        /* keywords that a token beside a hit may be made of */
#define RESIDUE_WORDS_MAX 3      /* and what is glued to one */

struct beside {
	unsigned words, digits, foreign;        /* parts that are keywords, numbers, neither */
	bool own, strong;
	bool telling;                           /* a keyword of three letters or more */
	bool prefix;                            /* one that is put in front of anybody's name */
	unsigned n_seen;
	struct seen_word seen[SEEN_WORDS_MAX];
};

struct scene {
	const struct lookalike *look;
	const struct raw_text *raw;
	const struct folded_text *base;
	const struct term *term;
	uint32_t brand;
	uint64_t sets;
	const struct look_label *label;
	unsigned first, last;           /* tokens that the hit touches */
	unsigned lead, tail;            /* letters of those tokens before and after it */
	bool in_registrable, cross, full, whole, joined, idn, diacritics_only;
	struct beside tokens;           /* other tokens of the label */
	struct beside residue;          /* lead and tail */
	bool led;                       /* the lead is keywords, and not just a country code */
};

void scene_init(struct scene *, const struct lookalike *, const struct lookalike_scratch *, const struct hit *);
/* Fills tokens and residue; brand and sets must be there. */
void scene_look_beside(struct scene *, const struct hit *);
/* Notes letters [from, to) as words, digits or foreign: at most `parts` keywords in a row. */
void scene_note_part(const struct scene *, unsigned from, unsigned to, unsigned parts, struct beside *);

/* Only keywords (and numbers) beside it, and at least one. */
bool scene_keywords_only(const struct scene *);
/* A term that is distinctive by a keyword only, with letters in front that no keywords are: it may be part of any word (de-signova). */
bool scene_glued_unproven(const struct scene *);
/* One of them is the brand's own or asks for credentials. */
bool scene_vouched(const struct scene *);
/* One of them has three letters or more. */
bool scene_telling(const struct scene *);
bool scene_has_digit(const struct scene *, const struct hit *);
/* With the letter before or after it, it is the term itself: found as that already. */
bool scene_is_cut_term(const struct scene *, const struct hit *);
/* The letters are an ordinary word themselves. */
bool scene_is_ordinary(const struct scene *, const struct hit *);
/* "article10" for "article19": another number of the same thing. */
bool scene_differs_in_number(const struct scene *, const struct hit *);
/* exclude_terms: the letters of the hit, or the tokens they stand in, are exactly a listed word. */
bool scene_is_excluded(const struct scene *, const struct hit *);

#endif
