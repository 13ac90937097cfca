/*
 * Private to rules/: is a registrable domain built the way an actor builds names? A sum of integer points, 10 of them a factor
 * e in likelihood: each distinct term once, the structure, the public suffix. The weights come from a pack (docs/RULES.md),
 * which `ctwatch rules learn` computes (learn.h).
 */
#ifndef CTWATCH_RULES_NAMING_H
#define CTWATCH_RULES_NAMING_H

#include "rule_source.h"

#define NAMING_HYPHEN_CLASSES 4  /* none, one, two, three and more */

enum term_origin {
	TERM_UNKNOWN,
	TERM_ACTOR,              /* in one of the actor's published names */
	TERM_RELATED,            /* shares its stem with one */
	TERM_THEME,              /* a word of the theme: neither for nor much against */
	TERM_UNRELATED,          /* shares a stem by accident: counts as unknown */
};

struct naming_term {
	char *text;              /* or a stem */
	int points;
	enum term_origin origin;
};

struct naming_slot {
	uint32_t hash, term;     /* term: number + 1; 0 is free */
};

/* Open addressing; stems are kept apart from whole terms by the first byte of their key. */
struct naming_model {
	struct naming_term *terms;
	size_t n_terms, cap;
	struct naming_slot *slots;
	size_t n_slots;
	struct naming_term *suffixes;   /* few: searched in order */
	size_t n_suffixes;
	int hyphens[NAMING_HYPHEN_CLASSES];
	int unknown, unknown_short, digits, other_generic, other_country;
	int short_letters;       /* unknown terms up to this length get unknown_short */
	int theme_points;
	int min_score;
};

/* The largest part of a term that its relatives share: protect(ion), shar(ing). Borrowed from the term. */
struct slice naming_stem(struct slice term);

/* Reads the "naming" member of a pack. On failure the model is empty. */
bool naming_read(const struct source *, const struct node *, struct naming_model *out);
void naming_deinit(struct naming_model *);

/*
 * The score of the view's registrable domain before clamping; INT_MIN without one. With `account` (may be NULL) a row for
 * each part is added; spans are in view->name.
 */
int naming_score(const struct naming_model *, const struct name_view *, struct candidate *account);

#endif
