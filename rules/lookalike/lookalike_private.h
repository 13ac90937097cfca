/*
 * Private to the look-alike engine (the files beside it). The way of one name:
 *
 *   name_view ──look_text──> raw text: letters of S and R, folded to ASCII (F0, F1), separators taken out but remembered
 *                              │
 *                 variants: base (0 is o, 1 and i are l ...), sequences (rn is m, vv is w ...), leet (3 is e ...)   F2, F3
 *                              │
 *      index: windows (terms anywhere), short terms, deletions (distance 1 and 2), near shapes, official domains, native names
 *                              │
 *                            hits: this term, these letters, found this way
 *                              │
 *                    look_judge: which evidence that is, and its points; the best one per brand becomes a candidate
 */
#ifndef CTWATCH_LOOKALIKE_PRIVATE_H
#define CTWATCH_LOOKALIKE_PRIVATE_H

#include "lookalike.h"
#include "keywords.h"
#include "probe.h"
#include "text.h"

#define WINDOW 5                          /* letters of a term that find it anywhere in a text */
#define BRANDS_OF_NAME_MAX 32             /* brands remembered while a name is judged; the strongest ones */

/* ---- index: compile.c ---- */

enum term_class { CLASS_LONG, CLASS_MEDIUM, CLASS_SHORT, CLASS_WORD, N_CLASSES };
enum term_kind { TERM_NAME, TERM_ALIAS, TERM_NATIVE };

struct term {
	uint32_t brand;
	uint32_t text;                  /* codes, or for natives code points, in the index's arenas */
	uint8_t len, effective;
	uint8_t class, kind;
	bool glued;                     /* long by a keyword only (cijaonline, paypal): not inside other words */
	const char *shown;              /* borrowed from the brand */
};

/* One folded spelling of a term. */
struct form {
	uint32_t term, text;
	uint8_t len;
};

struct official {
	uint32_t brand, text;           /* codes without separators */
	uint8_t len, own_len;           /* own_len: letters of its registrable label */
	uint8_t class;                  /* of that label */
	uint8_t label_at[8];            /* where its labels begin; n_labels of them */
	uint8_t n_labels;
	const char *domain;             /* borrowed from the brand */
};

struct brand_index {
	uint64_t keyword_sets;
	uint32_t first_term, n_terms;
	struct text_list native_labels; /* native terms taken from official domains */
};

#define DELETE1_PREFIX 12        /* letters in front that the deletion indexes look at: enough to be rare, few enough to be cheap */
#define DELETE2_PREFIX 9
#define DELETE1_LEN_MIN 5        /* of a term: no edit distance below five letters */
#define DELETE2_LEN_MIN 12
#define NEAR_PIECE_MIN 7         /* letters of a part whose shape is looked at: a stroke may be missing */
#define NEAR_EDITS_MAX 4
#define SHORT_LEN_MAX 4

struct lookalike {
	const struct brand_config *brands;
	struct brand_index *index;
	size_t n_brands;
	struct keyword_table keywords;
	struct term *terms;
	size_t n_terms, terms_cap;
	struct form *forms;
	size_t n_forms, forms_cap;
	struct official *officials;
	size_t n_officials, officials_cap;
	uint8_t *codes;
	size_t codes_len, codes_cap;
	uint32_t *points;
	size_t points_len, points_cap;
	uint64_t powers[HASH_PART_MAX + 1];     /* of HASH_BASE */
	struct probe_table windows, shorts, deletions1, deletions2, near, official, native;
	uint64_t lengths1, lengths2;    /* bit l: a form of l letters is in deletions1, deletions2 */
	/*
	 * Of forms in deletions2: three letters in front, in the middle and at the end. No edit touches two of them, so of two
	 * edits one is spared, and a part that has none of them where they may be is not looked up.
	 */
	struct trigrams first, middle, last;
	size_t longest_official;
};

/* Parts of a name that are compared as a whole: tokens, joins of tokens, and tokens less a keyword at an end. [from, to) raw. */
#define PIECES_MAX 512
#define PIECES_OF_LABEL_MAX 48
struct piece {
	uint16_t from, to;
};

/* How a hit was found. */
enum how { HOW_EXACT, HOW_SHAPE, HOW_LEET, HOW_NEAR, HOW_EDIT, HOW_NATIVE, HOW_OFFICIAL };

/* These letters of the raw text are that term, or close to it. */
struct hit {
	uint32_t term;                  /* or, for HOW_OFFICIAL, number in officials[] */
	uint16_t from, to;
	uint8_t how, distance;
	bool folded;                    /* HOW_EDIT: and some letters only by shape */
};

/* A keyword beside a hit, and where it stands in the raw text. */
struct seen_word {
	const struct keyword *keyword;
	uint16_t from, to;
};
#define SEEN_WORDS_MAX 4         /* told to people; more add nothing */

/* What a hit is worth. score is what counts; the parts are kept for the account. */
struct verdict {
	uint32_t brand;
	struct hit hit;
	uint8_t signal;                 /* enum look_signal */
	uint8_t technique;
	uint8_t class;
	bool digest;
	bool loud;                      /* an edit of a medium term that people see */
	int16_t base, keyword, zone, level, score;
	uint8_t held;                   /* enum held: why it is worth nothing or less */
	uint8_t n_words;
	struct seen_word words[SEEN_WORDS_MAX];
};

struct lookalike_scratch {
	struct raw_text raw;
	struct folded_text text[N_VARIANTS];
	bool has[N_VARIANTS];
	unsigned n_pieces;
	struct piece pieces[PIECES_MAX];
	unsigned n_best;
	struct verdict best[BRANDS_OF_NAME_MAX];
};

/* ---- finding: find.c ----------------------------------------------------------------------------------- */

typedef void look_hit_fn(void *context, const struct hit *);
/* Calls back for every hit of the name whose text is in the scratch; the same hit may come twice. */
void look_find(const struct lookalike *, const struct lookalike_scratch *, look_hit_fn *on_hit, void *context);
/* Fills the scratch for a name. */
void look_text(const struct lookalike *, struct lookalike_scratch *, const struct name_view *);

/* ---- judging: judge.c, evidence.c ---------------------------------------------------------------- */

/* In order of preference where scores are equal. */
enum look_signal {
	SIGNAL_L1, SIGNAL_L2, SIGNAL_L3, SIGNAL_I1, SIGNAL_I2, SIGNAL_I3, SIGNAL_N1, SIGNAL_F1, SIGNAL_F2, SIGNAL_F3, SIGNAL_F4,
	SIGNAL_E1, SIGNAL_E2, SIGNAL_E3, SIGNAL_E4, SIGNAL_E5, SIGNAL_E6, SIGNAL_X1, SIGNAL_Z, SIGNAL_D1, SIGNAL_D2, N_SIGNALS
};
const char *look_signal_name(enum look_signal);
enum look_technique {
	TECH_TLD_SWAP, TECH_COMBOSQUAT, TECH_HYPHENATION, TECH_EMBEDDING, TECH_SUBDOMAIN_SPLIT, TECH_LEVELSQUAT,
	TECH_TARGET_EMBEDDING, TECH_TLD_IN_LABEL, TECH_MISSING_DOT, TECH_HOMOGLYPH, TECH_LEET, TECH_IDN_HOMOGLYPH, TECH_NATIVE_NAME,
	TECH_TYPO, TECH_DISTANCE_2, N_TECHNIQUES
};

enum held {
	HELD_NO, HELD_CLASS, HELD_TOKEN, HELD_KEYWORD, HELD_OWN_KEYWORD, HELD_EXCLUDED, HELD_TECHNIQUE, HELD_GLUED, HELD_APART, HELD_RESIDUE, HELD_WEAK, HELD_ORDINARY
};

/* True when the hit is worth anything at all; *out is filled either way. */
bool look_judge(const struct lookalike *, const struct lookalike_scratch *, const struct hit *, struct verdict *out);
/* Rows for the verdict; their sum is its score. */
void look_evidence(const struct lookalike *, const struct lookalike_scratch *, const struct verdict *, struct candidate *out);
/* One sentence: why the verdict is worth no more than it is. */
void look_held_text(const struct lookalike *, const struct lookalike_scratch *, const struct verdict *, char *out, size_t out_len);
/* The strongest verdict of each brand, strongest first; order of brands in the file changes nothing but ties. */
void look_best(const struct lookalike *, struct lookalike_scratch *);

#endif
