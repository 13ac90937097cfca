/* Private to report/: what the packs that ship with the program say of groups: their published domains and addresses, and their names. */
#ifndef CTWATCH_EXPORT_PUBLISHED_H
#define CTWATCH_EXPORT_PUBLISHED_H

#include <jansson.h>

#include "seen.h"

struct published {
	json_t *packs;                    /* by name: the JSON of each */
	json_t *watched;                  /* "brand/<id>" of the organisations that the group's published names passed for */
	struct export_seen names;
};

void published_load(struct published *);
void published_deinit(struct published *);

/*
 * The group whose rules found it: {"name": ..., "overlaps": [...]}, or NULL. Rules of a group's own pack, and those of the
 * organisations whose names stood in its published domains; a user's own brands and packs are nobody's.
 */
const json_t *published_actor(const struct published *, const char *rule);

/* Every published domain and address; `published` is "2022-12". */
typedef bool published_fn(void *ctx, const char *rule, const char *name, const char *published);
bool published_each(const struct published *, published_fn *fn, void *ctx);

#endif
