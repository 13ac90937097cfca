/*
 * Private to rules/: what the glue (ruleset.c) and the engines share. A name is cut once into a view; each engine puts
 * candidates into the caller's set; the glue adds modifiers, keeps the best one per rule and registrable domain, and only
 * then turns it into a match. Nothing here allocates while a certificate is judged.
 *
 *   SAN ──view_init──> name_view ──┬─ indicators, own, watch (domains.c)   exact look-ups of the name's suffixes
 *                                  ├─ naming_score (naming.c)              one sum for a registrable label
 *                                  └─ lookalike_match (lookalike.c)        candidates, one per brand
 *                                        │
 *                   glue: allow lists, official domains, modifiers, clamp ─> match
 */
#ifndef CTWATCH_RULES_ENGINE_H
#define CTWATCH_RULES_ENGINE_H

#include "dns.h"
#include "finding.h"

#include <jansson.h>

/* ---- the view of a name ------------------------------------------------------------------------------ */

#define VIEW_LABELS_MAX 127      /* of a name of 253 bytes */
#define VIEW_TERMS_MAX 32        /* hyphen terms of a label of 63 bytes */

/* Bytes [start, end) of view->name. */
struct name_part {
	uint8_t start, end;
};

/*
 * One DNS name, normalised (lower case, A-labels, no trailing dot), without a leading "*." and, when longer than DNS
 * allows, only its rightmost labels: padding on the left hides nothing. Labels run left to right:
 *
 *      a.b.drive-globalordnance.co.uk        S (subdomains): labels [0, registrable)
 *      S S R                    T  T         R: labels[registrable], the label left of the public suffix
 *                                            T (suffix): labels [registrable + 1, n_labels)
 */
struct name_view {
	struct slice name;              /* borrowed; at most DNS_NAME_MAX bytes; any byte may occur */
	size_t offset;                  /* bytes of the SAN that were left off in front: spans of a match add it */
	uint8_t n_labels;
	uint8_t registrable;            /* label number of R; only when has_registrable */
	bool has_registrable;           /* false: the name is a public suffix, or empty; R and S are empty then */
	uint8_t n_terms;
	struct name_part labels[VIEW_LABELS_MAX];
	struct name_part terms[VIEW_TERMS_MAX];   /* R cut at hyphens and underscores, empty ones dropped; what exceeds the array is left off */
};

/* Never fails; an odd name gives an odd view. */
void view_init(struct name_view *, struct slice name, const struct suffix_table *suffixes);
struct slice view_part(const struct name_view *, struct name_part);
struct slice view_label(const struct name_view *, size_t i);
struct slice view_registrable_label(const struct name_view *);   /* R; empty without one */
struct slice view_registrable_domain(const struct name_view *);  /* R and T; the whole name without one */
/* R cut into terms the same way; for any label. Returns the number written, at most `max`. */
size_t label_terms(struct slice name, struct name_part label, struct name_part *out, size_t max);

/* ---- candidates ---------------------------------------------------------------------------------------- */

#define CANDIDATE_ROWS_MAX 24
#define CANDIDATE_DETAIL_LEN 240
#define CANDIDATES_MAX 8         /* of one name: the best ones; no analyst reads a ninth brand */
#define CANDIDATE_FLOOR 35       /* below it no modifier reaches SCORE_KEPT: engines need not write evidence (explain asks from 1) */

struct candidate_row {
	char signal[12];         /* E2, D1, KW, Z ... */
	int points;
	int span_start, span_end;            /* in view->name; -1, -1 when none */
	char detail[CANDIDATE_DETAIL_LEN];   /* one sentence, text_escape'd where it quotes the name */
};

/* One rule that is true of one name, with its account: the points of the rows add up to `score`. */
struct candidate {
	uint32_t rule;           /* look-alike engine: number of the brand, as given to lookalike_new */
	const char *technique;   /* one of lookalike_techniques(), or NULL */
	bool digest;             /* the brand file says "digest" for this technique: the glue caps the score at SCORE_MEDIUM - 1 */
	int score;
	size_t n_rows;
	struct candidate_row rows[CANDIDATE_ROWS_MAX];
};

struct candidate_set {
	size_t n;
	struct candidate items[CANDIDATES_MAX];
};

/*
 * Room for a candidate of this rule with this score: a fresh one, or in place of the weakest when the set is full and the
 * newcomer is stronger (ties go to the lower rule number, so that order of brands changes nothing). NULL when it is not
 * wanted. One per rule: a second call with the same rule replaces a weaker candidate. The result has no rows and score 0.
 */
struct candidate *candidate_set_add(struct candidate_set *, uint32_t rule, int score);
/* Adds one row and its points. A row too many is folded into the last one's points, so that sums stay true. */
void candidate_row(struct candidate *, const char *signal, int points, int span_start, int span_end, const char *format, ...)
	PRINTF_LIKE(6, 7);
/* When the sum is outside [low, high], a CLAMP row brings it there. */
void candidate_clamp(struct candidate *, int low, int high);

/* ---- brand files, parsed --------------------------------------------------------------------------------- */

/* A list of texts; lower case and A-label or UTF-8 form as each member says. */
struct text_list {
	char **items;
	size_t n, cap;
};
void text_list_add(struct text_list *, const char *text);              /* copies; drops a repeated one */
void text_list_add_slice(struct text_list *, struct slice text);
bool text_list_has(const struct text_list *, struct slice text);
void text_list_deinit(struct text_list *);

/* Words that may stand beside a brand: built in ("service", "legal", "geo", ...) or defined by a file. */
struct keyword_set {
	const char *name;
	const char *const *words;       /* lower case ASCII */
	size_t n_words;
};

enum technique_mode { TECHNIQUE_DEFAULT, TECHNIQUE_OFF, TECHNIQUE_DIGEST, TECHNIQUE_ON };

/* exclude_domains and allow: a domain, exactly, or with everything below when `subtree`. */
struct domain_exception {
	char *domain;                   /* A-labels, without leading dot */
	bool subtree;
	char *reason;
	int64_t until_ms;               /* INT64_MAX: no end */
};

/*
 * One watched organisation, defaults resolved, texts normalised. What the glue uses and what the look-alike engine uses:
 * the glue deals with official domains as suppression, `own` rules, exclude_domains, allow, issuers, min_score, restricted
 * suffixes (.gov ...), the co-SAN discount and the naming modifier; the engine deals with everything that makes a name resemble.
 */
struct brand_config {
	char *id;                       /* "global-ordnance": rule is "brand/<id>" */
	char *name;                     /* for people, UTF-8 */
	char *source;                   /* file it came from */
	struct text_list sectors;
	struct text_list terms;         /* lower case; never empty unless nothing could be derived. ASCII or UTF-8 */
	bool terms_derived;             /* the file named none: from official domains and the name */
	struct text_list aliases;       /* weaker: need a keyword of the brand's own */
	struct text_list native;        /* UTF-8, lower case: matched exactly and joined */
	struct text_list ordinary_terms;/* terms that are ordinary words or places: treated like short ones */
	struct text_list official_domains;      /* A-labels: suppress with all below them, and are embedding targets */
	struct text_list keywords;      /* the brand's own */
	const struct keyword_set **keyword_sets;        /* resolved */
	size_t n_keyword_sets;
	struct text_list exclude_terms; /* a match caused by exactly this token does not count */
	struct domain_exception *exclude_domains;
	size_t n_exclude_domains;
	struct text_list issuers;       /* organisations; "*" is any */
	struct text_list expected_issuers;      /* organisations; empty: no `own` rule */
	enum technique_mode *techniques;        /* one per lookalike_techniques(), in its order */
	int min_score;
	char *note;
};

#endif
