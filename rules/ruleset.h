/* Private to rules/: what is compiled, and how a decision is put together (decide.c), explained and described. */
#ifndef CTWATCH_RULES_RULESET_H
#define CTWATCH_RULES_RULESET_H

#include "domains.h"
#include "lookalike.h"
#include "rule_config.h"
#include "rules.h"

#define ISSUER_CONDITIONS_MAX 64         /* different lists of issuers; one bit each */

struct address_rule {
	uint8_t bytes[16];
	uint8_t len;
	uint32_t indicator;
};

struct ruleset {
	struct rule_config config;
	const struct suffix_table *suffixes;
	struct domain_table domains;
	struct address_rule *addresses;  /* sorted */
	size_t n_addresses;
	struct lookalike *lookalike;     /* NULL without brands */
	const struct text_list *issuer_lists[ISSUER_CONDITIONS_MAX];     /* of packs and brands */
	size_t n_issuer_lists;
	uint8_t *pack_issuers, *brand_issuers;   /* number of the list, by pack and by brand */
	uint64_t any_issuer;             /* lists that hold "*" */
	bool has_own;
	char id[17];
};

/* Bit i: the certificate's issuer is in issuer_lists[i]. */
uint64_t ruleset_issuers(const struct ruleset *, struct slice issuer_org);
bool issuer_in(const struct text_list *organisations, struct slice issuer_org);

/*
 * One certificate takes at most this many matches, so that thousands of hostile names cost little; those by what a name
 * looks like leave room for those by what is known.
 */
#define MATCHES_BY_LOOKS_MAX 256
#define MATCHES_MAX 512
#define ODD_WATCH_NAMES_MAX 16   /* names with stars inside that are held against every item of a watch list */

struct kept_match {
	enum finding_kind kind;
	uint32_t number;
	uint64_t domain_hash;
	size_t at;               /* in the caller's list */
};

struct rule_scratch {
	struct lookalike_scratch *lookalike;
	struct name_view view;
	struct candidate_set set;
	struct candidate account;
	struct domain_hit hits[DOMAIN_HITS_MAX];
	size_t n_hits;
	struct kept_match kept[MATCHES_MAX];
	size_t n_kept;
	size_t n_odd_names;
};

void match_deinit(struct match *);

/* ---- pieces of a decision that `check` shows too ------------------------------------------------------------ */

#define SCORE_INDICATOR 100
#define SCORE_OWN 75
#define SCORE_WATCH 60
#define POINTS_OTHER_ENGINE 10
#define POINTS_CO_SAN (-40)
#define POINTS_RESTRICTED (-30)
#define CO_SAN_NAMES_MAX 10

/* The name without "*." in front; *wildcard says whether it was there. */
struct slice name_without_star(struct slice name, bool *wildcard);
/* Is the name an official domain, or below one, or allowed? Then nothing is said of its looks. NULL, or the entry. */
const struct domain_entry *hits_suppress(const struct domain_hit *hits, size_t n);
/* Is this domain excluded for this brand? */
bool hits_exclude(const struct domain_hit *hits, size_t n, uint32_t brand);
/* Under .gov, .mil, .edu, .int or gov.xx and its like, which strangers cannot register. */
bool view_is_restricted(const struct name_view *);
/* Modifiers of a look-alike candidate, clamp included. `co_san`: an official apex of the brand is in the same certificate. */
void brand_modify(struct candidate *, const struct name_view *, bool naming_fires, bool co_san);
void naming_modify(struct candidate *, bool brand_fires);
/* "brand/cija": malloc'd. */
char *rule_name(const struct ruleset *, enum finding_kind, uint32_t number);

#endif
