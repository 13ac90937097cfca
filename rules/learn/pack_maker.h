/* Making an actor pack: `ctwatch rules learn` (docs/RULES.md). */
#ifndef CTWATCH_PACK_MAKER_H
#define CTWATCH_PACK_MAKER_H

#include "dns.h"

struct pack_measure {
	size_t names, found;               /* of the actor's; found by weights from the others */
	size_t background_names;           /* registrable domains */
	size_t false_alarms_per_million;   /* of them, by weights from the other half */
};

struct pack_maker;
/* A pack without weights: "indicators" with domains, and "naming" with "theme" and "unrelated" words. `suffixes` is borrowed. */
bool pack_maker_new(struct slice actor_json, const char *name, const struct suffix_table *suffixes, struct pack_maker **out, struct error *err);
void pack_maker_free(struct pack_maker *);
/* Counts one ordinary name, in lower case. False: it has no registrable domain, or that was counted already. */
bool pack_maker_add(struct pack_maker *, struct slice name);
/* The pack with its weights and what they are worth, as JSON text. malloc'd; the caller frees. */
bool pack_maker_finish(struct pack_maker *, char **out, struct pack_measure *measured, struct error *err);

#endif
