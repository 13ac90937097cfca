/* Actor packs: published indicators and the naming score, with dates, sources and what was measured. */
#include "rule_config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct pack_form {
	struct rule_config *config;
	struct actor_pack pack;
	uint32_t group;          /* of the indicators being read */
	char *published, *group_source, *observed_since;
	json_t *shown;           /* members that are only shown */
	int version;
};

static bool read_actor_name(const struct source *src, const struct node *at, void *out);
static bool read_indicators(const struct source *src, const struct node *at, void *out);

/* What a person says of the actor's style; the weights follow from the names. */
struct words_form {
	struct text_list theme, unrelated;
	int min_score;
};

static bool read_words(const struct source *src, const struct node *at)
{
	static const struct member MEMBERS[] = {
		{ "theme", MEMBER_WORDS, offsetof(struct words_form, theme), NULL, false },
		{ "unrelated", MEMBER_WORDS, offsetof(struct words_form, unrelated), NULL, false },
		{ "min_score", MEMBER_SCORE, offsetof(struct words_form, min_score), NULL, false },
		{ 0 },
	};
	struct words_form form = { 0 };
	bool ok = source_members(src, at, MEMBERS, "\"naming\"", &form);

	text_list_deinit(&form.theme);
	text_list_deinit(&form.unrelated);
	return ok;
}

static bool read_naming(const struct source *src, const struct node *at, void *out)
{
	struct pack_form *form = out;

	/* an actor file that weights have yet to be made for lists words only */
	if (json_is_object(at->value) && !json_object_get(at->value, "terms")) {
		if (src->unfinished)
			return read_words(src, at);
		return source_error(src, at, "\"naming\" has no weights yet: 'ctwatch rules learn' computes them from \"indicators\" and ordinary names");
	}
	form->pack.has_naming = naming_read(src, at, &form->pack.naming);
	return form->pack.has_naming;
}

#define FORM(name) offsetof(struct pack_form, name)

static const struct member PACK_MEMBERS[] = {
	{ "version", MEMBER_POINTS, FORM(version), NULL, false },
	{ "id", MEMBER_TEXT, FORM(pack.id), NULL, true },
	{ "actor", MEMBER_CUSTOM, 0, read_actor_name, true },
	{ "issuers", MEMBER_TEXTS, FORM(pack.issuers), NULL, false },
	{ "indicators", MEMBER_CUSTOM, 0, read_indicators, false },
	{ "naming", MEMBER_CUSTOM, 0, read_naming, false },
	{ "sources", MEMBER_JSON, FORM(shown), NULL, false },
	{ "recall", MEMBER_JSON, FORM(shown), NULL, false },
	{ "limits", MEMBER_JSON, FORM(shown), NULL, false },
	{ "attack", MEMBER_JSON, FORM(shown), NULL, false },
	{ "note", MEMBER_JSON, FORM(shown), NULL, false },
	{ 0 },
};

struct actor_form {
	char *name;
	json_t *shown;
};

static bool read_actor_name(const struct source *src, const struct node *at, void *out)
{
	static const struct member MEMBERS[] = {
		{ "name", MEMBER_TEXT, offsetof(struct actor_form, name), NULL, true },
		{ "overlaps", MEMBER_JSON, offsetof(struct actor_form, shown), NULL, false },
		{ "note", MEMBER_JSON, offsetof(struct actor_form, shown), NULL, false },
		{ 0 },
	};
	struct pack_form *form = out;
	struct actor_form actor = { 0 };
	bool ok = source_members(src, at, MEMBERS, "\"actor\"", &actor);

	form->pack.actor_name = actor.name;
	return ok;
}

static bool read_domain_indicator(const struct source *src, const struct node *at, void *out)
{
	struct pack_form *form = out;
	char domain[DNS_NAME_MAX + 1];

	if (!source_domain(src, at, domain))
		return false;
	*CONFIG_PUSH(form->config->indicators, form->config->n_indicators) = (struct indicator){
		.domain = xstrdup(domain), .pack = (uint32_t)form->config->n_packs, .group = form->group };
	return true;
}

static bool read_domain_indicators(const struct source *src, const struct node *at, void *out)
{
	return source_each(src, at, read_domain_indicator, out);
}

static bool read_address(const struct source *src, const struct node *at, void *out)
{
	struct pack_form *form = out;
	struct indicator indicator = { .pack = (uint32_t)form->config->n_packs, .group = form->group };
	const char *text = json_is_string(at->value) ? json_string_value(at->value) : "";

	if (inet_pton(AF_INET, text, indicator.address) == 1)
		indicator.address_len = 4;
	else if (inet_pton(AF_INET6, text, indicator.address) == 1)
		indicator.address_len = 16;
	else
		return source_error(src, at, "\"addresses\" wants IPv4 or IPv6 addresses, each in quotes");
	*CONFIG_PUSH(form->config->indicators, form->config->n_indicators) = indicator;
	return true;
}

static bool read_addresses(const struct source *src, const struct node *at, void *out)
{
	return source_each(src, at, read_address, out);
}

static const struct member GROUP_MEMBERS[] = {
	{ "published", MEMBER_TEXT, FORM(published), NULL, true },
	{ "source", MEMBER_TEXT, FORM(group_source), NULL, false },
	{ "observed_since", MEMBER_TEXT, FORM(observed_since), NULL, false },
	{ "domains", MEMBER_CUSTOM, 0, read_domain_indicators, false },
	{ "addresses", MEMBER_CUSTOM, 0, read_addresses, false },
	{ "note", MEMBER_JSON, FORM(shown), NULL, false },
	{ 0 },
};

static bool read_group(const struct source *src, const struct node *at, void *out)
{
	struct pack_form *form = out;
	struct indicator_group *group = CONFIG_PUSH(form->config->groups, form->config->n_groups);
	bool ok;

	form->group = (uint32_t)form->config->n_groups - 1;
	ok = source_members(src, at, GROUP_MEMBERS, "a group of indicators", form);
	if (ok) {
		struct node published = source_member(at, "published", json_object_get(at->value, "published"));
		int64_t ignored;

		ok = source_time(src, &published, &ignored);
	}
	*group = (struct indicator_group){ form->published, form->group_source };
	form->published = form->group_source = NULL;
	free(form->observed_since);
	form->observed_since = NULL;
	return ok;
}

static bool read_indicators(const struct source *src, const struct node *at, void *out)
{
	return source_each(src, at, read_group, out);
}

/* Rule ids are paths in URLs and words in shells. */
static bool id_is_plain(const char *id)
{
	return id[0] && strlen(id) <= 64 && id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

bool actor_pack_read(const struct source *src, const struct node *root, struct rule_config *config)
{
	struct pack_form form = { .config = config };
	bool ok = source_members(src, root, PACK_MEMBERS, "an actor pack", &form);

	if (ok) {
		struct node id = source_member(root, "id", json_object_get(root->value, "id"));

		if (!id_is_plain(form.pack.id))
			ok = source_error(src, &id, "an id is made of a-z, 0-9 and hyphens, up to 64 of them");
		else
			ok = rule_config_claim_id(config, src, &id, form.pack.id);
	}
	if (ok && form.pack.issuers.n == 0)
		text_list_add(&form.pack.issuers, "Let's Encrypt");
	form.pack.source = xstrdup(src->name);
	form.pack.root = json_incref(root->value);
	*CONFIG_PUSH(config->packs, config->n_packs) = form.pack;
	return ok;
}
