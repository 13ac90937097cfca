/* `rules list` and `brands list`: what is compiled, with dates, sources and what was measured. */
#include "ruleset.h"

#include <stdlib.h>
#include <string.h>

static json_t *json_texts(const struct text_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

static void copy_member(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		json_object_set_new(to, key, json_deep_copy(value));
}

static json_t *describe_groups(const struct rule_config *config, uint32_t pack)
{
	json_t *array = json_array();

	for (uint32_t g = 0; g < config->n_groups; g++) {
		size_t domains = 0, addresses = 0;
		json_t *group;

		for (size_t i = 0; i < config->n_indicators; i++) {
			if (config->indicators[i].pack != pack || config->indicators[i].group != g)
				continue;
			domains += config->indicators[i].domain != NULL;
			addresses += config->indicators[i].domain == NULL;
		}
		if (domains + addresses == 0)
			continue;
		group = json_pack("{s:s, s:I, s:I}", "published", config->groups[g].published, "domains", (json_int_t)domains, "addresses",
				  (json_int_t)addresses);
		if (config->groups[g].source)
			json_object_set_new(group, "source", json_string(config->groups[g].source));
		json_array_append_new(array, group);
	}
	return array;
}

static json_t *describe_pack(const struct rule_config *config, uint32_t i)
{
	static const char *const SHOWN[] = { "actor", "sources", "recall", "limits", "attack", "note" };
	const struct actor_pack *pack = &config->packs[i];
	json_t *object = json_pack("{s:s, s:s}", "id", pack->id, "source", pack->source);

	for (size_t k = 0; k < ARRAY_LEN(SHOWN); k++)
		copy_member(object, pack->root, SHOWN[k]);
	json_object_set_new(object, "indicators", describe_groups(config, i));
	if (pack->has_naming) {
		json_t *naming = json_pack("{s:i, s:o, s:I}", "min_score", pack->naming.min_score, "issuers", json_texts(&pack->issuers), "terms",
					   (json_int_t)json_object_size(json_object_get(json_object_get(pack->root, "naming"), "terms")));

		copy_member(naming, json_object_get(pack->root, "naming"), "learned");
		json_object_set_new(object, "naming", naming);
	}
	return object;
}

static void add_rule(json_t *rules, char *name, enum finding_kind kind, int min_score, const struct text_list *issuers, const char *what)
{
	json_t *rule = json_pack("{s:s, s:s, s:i, s:s}", "rule", name, "kind", finding_kind_name(kind), "min_score", min_score, "what", what);

	json_object_set_new(rule, "issuers", issuers ? json_texts(issuers) : json_pack("[s]", "*"));
	json_array_append_new(rules, rule);
	free(name);
}

static bool pack_has_indicators(const struct rule_config *config, uint32_t pack)
{
	for (size_t i = 0; i < config->n_indicators; i++)
		if (config->indicators[i].pack == pack)
			return true;
	return false;
}

static json_t *describe_rules(const struct ruleset *rules)
{
	const struct rule_config *config = &rules->config;
	json_t *array = json_array();

	for (uint32_t i = 0; i < config->n_packs; i++) {
		const struct actor_pack *pack = &config->packs[i];

		if (pack_has_indicators(config, i))
			add_rule(array, rule_name(rules, FINDING_INDICATOR, i), FINDING_INDICATOR, SCORE_MEDIUM, NULL,
				 "published domains and addresses");
		if (pack->has_naming)
			add_rule(array, rule_name(rules, FINDING_NAMING, i), FINDING_NAMING, pack->naming.min_score, &pack->issuers,
				 "built like the actor's names");
	}
	for (uint32_t i = 0; i < config->n_brands; i++) {
		const struct brand_config *b = &config->brands[i];

		char *resembles = xasprintf("resembles %s", b->name);

		add_rule(array, rule_name(rules, FINDING_BRAND, i), FINDING_BRAND, b->min_score, &b->issuers, resembles);
		free(resembles);
		if (b->expected_issuers.n > 0)
			add_rule(array, rule_name(rules, FINDING_OWN, i), FINDING_OWN, SCORE_MEDIUM, NULL,
				 "unexpected issuer for an official domain");
	}
	for (uint32_t i = 0; i < config->n_watch; i++)
		add_rule(array, rule_name(rules, FINDING_WATCH, i), FINDING_WATCH, SCORE_MEDIUM, NULL, "any certificate for this name");
	return array;
}

char *ruleset_describe_json(const struct ruleset *rules)
{
	json_t *object = json_object(), *packs = json_array();
	char *text;

	for (uint32_t i = 0; i < rules->config.n_packs; i++)
		json_array_append_new(packs, describe_pack(&rules->config, i));
	json_object_set_new(object, "id", json_string(rules->id));
	json_object_set_new(object, "public_suffixes", json_string(suffix_table_origin(rules->suffixes)));
	json_object_set_new(object, "packs", packs);
	json_object_set_new(object, "brand_files", rules->config.brand_files ? json_deep_copy(rules->config.brand_files) : json_array());
	json_object_set_new(object, "rules", describe_rules(rules));
	json_object_set_new(object, "warnings", json_texts(&rules->config.warnings));
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static json_t *describe_brand(const struct ruleset *rules, uint32_t i)
{
	const struct brand_config *b = &rules->config.brands[i];
	json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:b}", "id", b->id, "name", b->name, "source", b->source, "min_score", b->min_score,
				   "terms_derived", b->terms_derived);
	json_t *sets = json_array();

	for (size_t k = 0; k < b->n_keyword_sets; k++)
		json_array_append_new(sets, json_string(b->keyword_sets[k]->name));
	json_object_set_new(object, "sectors", json_texts(&b->sectors));
	json_object_set_new(object, "official_domains", json_texts(&b->official_domains));
	json_object_set_new(object, "terms", lookalike_describe_terms(rules->lookalike, i));
	json_object_set_new(object, "keywords", json_texts(&b->keywords));
	json_object_set_new(object, "keyword_sets", sets);
	json_object_set_new(object, "exclude_terms", json_texts(&b->exclude_terms));
	json_object_set_new(object, "issuers", json_texts(&b->issuers));
	json_object_set_new(object, "expected_issuers", json_texts(&b->expected_issuers));
	if (b->note)
		json_object_set_new(object, "note", json_string(b->note));
	return object;
}

char *ruleset_brands_json(const struct ruleset *rules)
{
	json_t *array = json_array();
	char *text;

	for (uint32_t i = 0; i < rules->config.n_brands; i++)
		json_array_append_new(array, describe_brand(rules, i));
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}
