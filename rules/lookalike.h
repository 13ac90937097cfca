/*
 * Private to the look-alike engine (rules/lookalike_*.c). The way of one name:
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
 *
 * Everything is in codes: 1..26 letters, 27..36 digits, CODE_OTHER what passes for neither.
 */
#ifndef CTWATCH_RULES_LOOKALIKE_H
#define CTWATCH_RULES_LOOKALIKE_H

#include "engine.h"

#define TEXT_MAX (3 * DNS_NAME_MAX + 9)   /* a code point becomes at most three letters */
#define TOKENS_MAX 128                    /* of a name: every second byte a separator */
#define TERM_LEN_MAX DNS_LABEL_MAX
#define WINDOW 5                          /* letters of a term that find it anywhere in a text */
#define CODE_OTHER 37
#define CODES 38
#define BRANDS_OF_NAME_MAX 32             /* brands remembered while a name is judged; the strongest ones */

/* ---- hashing: a polynomial over codes, so that any part of a text, even less a letter or two, costs a few multiplications ---- */

#define HASH_BASE 0x9e3779b97f4a7c15u
#define HASH_PART_MAX 255

static inline uint64_t hash_step(uint64_t hash, uint8_t code)
{
	return hash * HASH_BASE + code;
}

uint64_t hash_codes(const uint8_t *codes, size_t len);

/* ---- text: lookalike_text.c, lookalike_fold.c ------------------------------------------------------------ */

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

/* Parts of a name that are compared as a whole: tokens, joins of tokens, and tokens less a keyword at an end. [from, to) raw. */
#define PIECES_MAX 512
#define PIECES_OF_LABEL_MAX 48
struct piece {
	uint16_t from, to;
};

/* ---- distance: lookalike_distance.c ------------------------------------------------------------------------- */

/* Optimal string alignment (one letter added, left out, replaced, or two neighbours swapped), or max + 1 when it is more. */
unsigned osa_distance(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, unsigned max);
/* The edits that make `from` of `to`, for people: "letters 6 and 7 swapped", "'l' left out after letter 4". */
void osa_describe(const uint8_t *from, size_t from_len, const uint8_t *to, size_t to_len, char *out, size_t out_len);
/* A swap of neighbours or one letter too many, first letters equal: what people do not see in a medium word. */
bool osa_is_quiet(const uint8_t *term, size_t term_len, const uint8_t *seen, size_t seen_len);

/* ---- keywords: lookalike_keywords.c, lookalike_words.c ------------------------------------------------------- */

#define KEYWORD_SETS_MAX 64               /* distinct sets of all brands together: a bit each */

struct keyword {
	uint32_t text;                  /* offset of its folded codes; the codes themselves follow */
	uint8_t len;
	bool strong;                    /* asks for credentials: login, verify ... */
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
/* "service", "legal" ... or "own" for this brand. */
const char *keyword_set_name(const struct keyword_table *, const struct keyword *, uint32_t brand, uint64_t brand_sets);

/* An ordinary word or place name (ours, compact): as a brand's term it is treated like a short one. ASCII, lower case. */
bool is_ordinary_word(const char *word, size_t len);
bool ordinary_words_are_sorted(void);     /* for its test: the search depends on it */

/* ---- index: lookalike_compile.c, lookalike_probe.c ----------------------------------------------------------------------------------- */

enum term_class { CLASS_LONG, CLASS_MEDIUM, CLASS_SHORT, CLASS_WORD, N_CLASSES };
enum term_kind { TERM_NAME, TERM_ALIAS, TERM_NATIVE };

struct term {
	uint32_t brand;
	uint32_t text;                  /* codes, or for natives code points, in the index's arenas */
	uint8_t len, effective;
	uint8_t class, kind;
	bool glued;                     /* long by a keyword only (cijaonline): exact, or at the start of a token */
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

/* ---- finding: lookalike_find.c ----------------------------------------------------------------------------------- */

typedef void look_hit_fn(void *context, const struct hit *);
/* Calls back for every hit of the name whose text is in the scratch; the same hit may come twice. */
void look_find(const struct lookalike *, const struct lookalike_scratch *, look_hit_fn *on_hit, void *context);
/* Fills the scratch for a name. */
void look_text(const struct lookalike *, struct lookalike_scratch *, const struct name_view *);

/* ---- judging: lookalike_judge.c, lookalike_evidence.c ---------------------------------------------------------------- */

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
	HELD_NO, HELD_CLASS, HELD_TOKEN, HELD_KEYWORD, HELD_OWN_KEYWORD, HELD_EXCLUDED, HELD_TECHNIQUE, HELD_GLUED, HELD_RESIDUE, HELD_WEAK, HELD_ORDINARY
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
