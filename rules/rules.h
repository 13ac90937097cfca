/*
 * Does this certificate concern us, and why? Pure functions over an immutable index compiled from packs
 * (those in rules/packs) and the user's own files. No I/O, no clock, no printing: the caller reads files and
 * says what time it is.
 *
 * Words: a rule asks for something ("brand/global-ordnance"), a match is true of one certificate, a finding is a stored
 * match (state/). Scores are 0 to 100 and every point stands in the evidence (DESIGN.md 5.2).
 */
#ifndef CTWATCH_RULES_H
#define CTWATCH_RULES_H

#include "dns.h"
#include "finding.h"
#include "rule_text.h"
#include "x509.h"

/* ---- what rules answer --------------------------------------------------------------------------- */

/* One row of the account: the points of all rows add up to the score. */
struct evidence {
	char signal[12];         /* stable id: E2, D1, N-TERM, CLAMP ... (rules/README or manual lists them) */
	char *detail;            /* one sentence for people; escaped text only */
	int points;              /* may be negative; 0 for a remark */
	int span_start, span_end;  /* bytes of the name concerned, half-open; -1,-1 when none */
};

/* One match: rule x registrable domain (or address) of one certificate, for its best-scoring name. Owns its strings. */
struct match {
	char *rule;              /* "brand/global-ordnance", "naming/tag53", "indicator/tag53" ... */
	enum finding_kind kind;
	char *brand;             /* display name of the organisation, or NULL */
	char *technique;         /* "combosquat", "homoglyph", "tld-swap" ... or NULL */
	char *name;              /* best-scoring SAN, as normalised; an address as text */
	char *registrable_domain;/* or the address */
	int score;
	int min_score;           /* the rule flags from here on */
	bool flagged;            /* score >= min_score */
	struct evidence *evidence;
	size_t n_evidence;
};

struct match_list {
	struct match *items;
	size_t n, cap;
};
void match_list_init(struct match_list *);
void match_list_deinit(struct match_list *);
void match_list_clear(struct match_list *);
void match_list_move(struct match_list *to, struct match_list *from);   /* appends all; `from` is empty afterwards */
struct match *match_list_add(struct match_list *);                      /* a zeroed one at the end; the list owns it */

/* The matches as a JSON array, each as in DESIGN.md 5.2. malloc'd; the caller frees. */
char *match_list_json(const struct match_list *);

/* ---- compiling ------------------------------------------------------------------------------------- */

struct ruleset;

/*
 * Compile packs into one immutable set, which any number of threads may use. `now_ms` decides which allow entries have
 * expired. On failure returns false with a sentence that names source, line and column where they are known, and nothing
 * is changed. Warnings (shared terms, expired entries ...) are kept in the set. `suffixes` is borrowed and must outlive the set.
 */
bool ruleset_compile(const struct rule_source *sources, size_t n_sources, const struct suffix_table *suffixes,
		     int64_t now_ms, struct ruleset **out, struct error *err);
void ruleset_free(struct ruleset *);

/* The packs that ship with the program, compiled in (rules/packs/). NULL when there is no such name. */
const char *rule_pack_text(const char *name, size_t *len);
const char *const *rule_pack_names(void);                          /* NULL-terminated */

size_t ruleset_n_warnings(const struct ruleset *);
const char *ruleset_warning(const struct ruleset *, size_t i);
/* SHA-256 over what was compiled, hex, first 16 digits: findings remember it. */
const char *ruleset_id(const struct ruleset *);
/* For `rules list`: packs with their dates, sources, measured recall; then rules. JSON text, malloc'd; the caller frees. */
char *ruleset_describe_json(const struct ruleset *);
/* For `brands list`: every brand with official domains, terms and their classes. The same shape of ownership. */
char *ruleset_brands_json(const struct ruleset *);

/* ---- deciding ---------------------------------------------------------------------------------------- */

/* What the rules look at of one certificate. */
struct rule_subject {
	struct slice issuer_org;           /* raw value of the issuer's O */
	struct slice issuer;               /* issuer Name, DER TLV, for expected_issuers and evidence; may be empty */
	const struct cert_names *names;
	bool names_incomplete;             /* names could not be read in full: raises FINDING_UNREADABLE */
};

/* Per-thread memory, reused between calls. */
struct rule_scratch;
struct rule_scratch *rule_scratch_new(void);
void rule_scratch_free(struct rule_scratch *);

/*
 * Append the matches of a certificate with score >= SCORE_KEPT (and FINDING_OWN, FINDING_WATCH, FINDING_UNREADABLE ones whatever
 * their score). Allocates only when something matches. Returns the number appended.
 */
size_t ruleset_match(const struct ruleset *, struct rule_scratch *, const struct rule_subject *, struct match_list *out);

/* Is this issuer one that any of the rules wants? The quick filter before names are looked at. */
bool ruleset_wants_issuer(const struct ruleset *, struct slice issuer_org);
/* Is the issuer's organisation Let's Encrypt, staging excluded? For the counters. */
bool issuer_is_lets_encrypt(struct slice issuer_org);

/*
 * `check`: the same decision for one name, with everything that was considered. JSON text (the object of DESIGN.md 5.2 per
 * name plus "considered": suppressions, and "nearest": the nearest rule and why it did not fire). malloc'd; the caller frees.
 */
char *ruleset_explain_json(const struct ruleset *, struct rule_scratch *, struct slice name, struct slice issuer_org);
/* Its "flagged" alone, at a tenth of the time: for long lists. */
bool ruleset_flags_name(const struct ruleset *, struct rule_scratch *, struct slice name, struct slice issuer_org);

#endif
