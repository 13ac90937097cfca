/* See export_published.h. */
#include "published.h"

#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* The pack of organisations, and the pack of the group whose published domains passed for them. */
#define WATCH_LIST_PACK "watchlist"
#define WATCH_LIST_ACTOR "tag53"

static bool note_name(void *ctx, const char *rule, const char *name, const char *published)
{
	(void)rule, (void)published;
	export_seen_add(ctx, name);
	return true;
}

static void note_brands(struct published *p, const json_t *pack)
{
	json_t *brand;
	size_t i;

	json_array_foreach(json_object_get(pack, "brands"), i, brand) {
		const char *id = json_string_value(json_object_get(brand, "id"));
		char *rule = xasprintf("brand/%s", id != NULL ? id : "");

		json_object_set_new(p->watched, rule, json_true());
		free(rule);
	}
}

void published_load(struct published *p)
{
	*p = (struct published){ .packs = json_object(), .watched = json_object() };
	for (const char *const *name = rule_pack_names(); *name != NULL; name++) {
		size_t len = 0;
		const char *text = rule_pack_text(*name, &len);
		json_t *pack = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;

		if (pack == NULL)
			continue;
		if (strcmp(*name, WATCH_LIST_PACK) == 0)
			note_brands(p, pack);
		json_object_set_new(p->packs, *name, pack);
	}
	published_each(p, note_name, &p->names);
}

void published_deinit(struct published *p)
{
	json_decref(p->packs);
	json_decref(p->watched);
	export_seen_deinit(&p->names);
	*p = (struct published){ 0 };
}

const json_t *published_actor(const struct published *p, const char *rule)
{
	const char *slash = strchr(rule, '/'), *pack = slash != NULL ? slash + 1 : "";

	if (json_object_get(p->watched, rule) != NULL)
		pack = WATCH_LIST_ACTOR;
	else if (strncmp(rule, "indicator/", 10) != 0 && strncmp(rule, "naming/", 7) != 0)
		return NULL;
	const json_t *actor = json_object_get(json_object_get(p->packs, pack), "actor");
	return json_is_string(json_object_get(actor, "name")) ? actor : NULL;
}

static bool each_of(const json_t *names, const char *rule, const char *date, published_fn *fn, void *ctx)
{
	json_t *name;
	size_t i;

	json_array_foreach((json_t *)names, i, name)
		if (json_is_string(name) && !fn(ctx, rule, json_string_value(name), date))
			return false;
	return true;
}

bool published_each(const struct published *p, published_fn *fn, void *ctx)
{
	/* in the order of the program's table: the same each time */
	for (const char *const *pack = rule_pack_names(); *pack != NULL; pack++) {
		char *rule = xasprintf("indicator/%s", *pack);
		json_t *group;
		size_t i;
		bool ok = true;

		json_array_foreach(json_object_get(json_object_get(p->packs, *pack), "indicators"), i, group) {
			const char *date = json_string_value(json_object_get(group, "published"));

			ok = ok && each_of(json_object_get(group, "domains"), rule, date, fn, ctx) && each_of(json_object_get(group, "addresses"), rule, date, fn, ctx);
		}
		free(rule);
		if (!ok)
			return false;
	}
	return true;
}
