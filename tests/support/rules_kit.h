/* Rule sets for tests: compiled from texts or from the shipped packs, asked with names as in a certificate. */
#ifndef CTWATCH_TESTS_RULES_KIT_H
#define CTWATCH_TESTS_RULES_KIT_H

#include "rules.h"

#define LETS_ENCRYPT "Let's Encrypt"
#define KIT_NOW_MS INT64_C(1795000000000)        /* 2026-11-18 */

struct rules_kit {
	struct suffix_table *suffixes;
	struct ruleset *rules;
	struct rule_scratch *scratch;
	struct match_list matches;       /* of the last question */
	struct error err;
};

/* The packs named, NULL-terminated ("tag53", "watchlist"); fails the test when they do not compile. */
void kit_packs(struct rules_kit *, const char *const *names);
/* The same with public suffixes of the caller's, which the kit takes over. */
void kit_packs_with(struct rules_kit *, const char *const *names, struct suffix_table *suffixes);
/* One JSON text; false leaves the sentence in kit->err. */
bool kit_json(struct rules_kit *, const char *json);
/* Cert Spotter's form. */
bool kit_watch_list(struct rules_kit *, const char *text);
void kit_free(struct rules_kit *);

/* The matches of a certificate with these names (NULL-terminated; "ip:192.0.2.1" is an address). */
size_t kit_ask(struct rules_kit *, const char *issuer, const char *const *names);
size_t kit_ask_one(struct rules_kit *, const char *name);
/* The match of this rule in the last answer, or NULL. */
const struct match *kit_match(const struct rules_kit *, const char *rule);
/* Does the evidence have this signal; do the points add up? */
bool match_has_signal(const struct match *, const char *signal);
int match_points(const struct match *);

#endif
