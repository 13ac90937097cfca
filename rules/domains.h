/*
 * Private to rules/: which domains mean something by themselves (indicators, official domains, allow lists, watch items), and
 * are any of them this name or above it? One pass over the name from the right, one probe per label, no allocation.
 */
#ifndef CTWATCH_RULES_DOMAINS_H
#define CTWATCH_RULES_DOMAINS_H

#include "engine.h"

enum domain_meaning {
	DOMAIN_INDICATOR,        /* number: of the indicator; domain or below */
	DOMAIN_OFFICIAL,         /* number: of the brand; domain or below */
	DOMAIN_ALLOW,            /* number: of the exception; exact or below */
	DOMAIN_EXCLUDED,         /* number: of the brand; exact or below */
	DOMAIN_WATCH,            /* number: of the watch item; exact or below */
	DOMAIN_WATCH_PARENT,     /* the watch item's domain without its first label: "*.<this>" may cover the item */
};

struct domain_entry {
	char *domain;
	uint32_t number;
	uint8_t meaning;
	bool subtree;            /* what is below counts too */
	int32_t next;            /* of the same domain, or -1 */
};

struct domain_table {
	struct domain_entry *entries;
	size_t n, cap;
	uint32_t *slots;         /* entry number + 1; 0 is free */
	size_t n_slots;          /* a power of two */
	uint64_t *seen;          /* one bit per hash: most names are nobody's, and learn it from one cache line */
	unsigned hash_bits;
};

void domains_add(struct domain_table *, const char *domain, enum domain_meaning meaning, uint32_t number, bool subtree);
void domains_compile(struct domain_table *);     /* once, after the last addition */
void domains_deinit(struct domain_table *);

/* An entry that is the name or above it. */
struct domain_hit {
	const struct domain_entry *entry;
	size_t at;               /* where the domain starts in the name; 0: the name itself */
};

#define DOMAIN_HITS_MAX 64       /* of one name; a domain that 64 rules list is watched well enough */
/* Fills hits, longest domain last; entries without `subtree` only for the name itself. Returns their number. */
size_t domains_look_up(const struct domain_table *, struct slice name, struct domain_hit hits[DOMAIN_HITS_MAX]);
/* The entries of exactly this domain, whatever they mean; NULL when there are none. Follow `next`. */
const struct domain_entry *domains_find(const struct domain_table *, struct slice domain);

#endif
