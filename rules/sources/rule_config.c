#include "rule_config.h"

#include <stdlib.h>
#include <string.h>

/* Capacity is the next power of two: growing happens exactly when n is one. */
void *config_grow(void *array, size_t n, size_t size)
{
	if ((n & (n - 1)) == 0) {
		array = xreallocarray(array, n ? n * 2 : 1, size);
		memset((char *)array + n * size, 0, (n ? n : 1) * size);
	}
	return array;
}

bool rule_config_claim_id(struct rule_config *config, const struct source *src, const struct node *at, const char *id)
{
	json_t *other;

	if (!config->ids)
		config->ids = json_object();
	other = json_object_get(config->ids, id);
	if (other)
		return source_error(src, at, "the id \"%s\" is taken by %s: give one of the two another \"id\"", id,
				    json_string_value(other));
	json_object_set_new(config->ids, id, json_string(src->name));
	return true;
}

static bool read_document(const struct source *src, const struct node *root, const struct suffix_table *suffixes, int64_t now_ms,
			  struct rule_config *config)
{
	if (!json_is_object(root->value))
		return source_error(src, root, "a rule file is an object {...} with \"actor\" (an actor pack) or \"brands\" (a brand file)");
	if (json_object_get(root->value, "actor"))
		return actor_pack_read(src, root, config);
	if (json_object_get(root->value, "brands"))
		return brand_file_read(src, root, suffixes, now_ms, config);
	return source_error(src, root, "neither \"actor\" (an actor pack) nor \"brands\" (a brand file) is there");
}

bool rule_config_add(struct rule_config *config, const struct rule_source *from, const struct suffix_table *suffixes, int64_t now_ms,
		     struct error *err)
{
	struct slice text = slice_without_mark(from->text);
	struct source src = { from->name, text, &config->warnings, err, false };
	struct node root = { 0 };
	bool ok;

	if (from->type == SOURCE_WATCHLIST_TEXT && (text.len == 0 || text.data[0] != '{'))
		return watch_list_read(text, from->name, config, err);
	if (!source_parse(&src, &root.value))
		return false;
	ok = read_document(&src, &root, suffixes, now_ms, config);
	json_decref(root.value);
	return ok;
}

static void exceptions_free(struct domain_exception *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].domain);
		free(list[i].reason);
	}
	free(list);
}

void brand_config_deinit(struct brand_config *b)
{
	struct text_list *lists[] = { &b->sectors, &b->terms, &b->aliases, &b->native, &b->ordinary_terms, &b->official_domains,
				      &b->keywords, &b->exclude_terms, &b->issuers, &b->expected_issuers };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		text_list_deinit(lists[i]);
	exceptions_free(b->exclude_domains, b->n_exclude_domains);
	free(b->id);
	free(b->name);
	free(b->source);
	free(b->note);
	free(b->techniques);
	free(b->keyword_sets);
	*b = (struct brand_config){ 0 };
}

static void pack_deinit(struct actor_pack *pack)
{
	free(pack->id);
	free(pack->source);
	free(pack->actor_name);
	text_list_deinit(&pack->issuers);
	if (pack->has_naming)
		naming_deinit(&pack->naming);
	json_decref(pack->root);
}

static void set_free(struct keyword_set *set)
{
	for (size_t i = 0; i < set->n_words; i++)
		free((char *)set->words[i]);
	free((void *)set->words);
	free((char *)set->name);
	free(set);
}

void rule_config_deinit(struct rule_config *config)
{
	for (size_t i = 0; i < config->n_packs; i++)
		pack_deinit(&config->packs[i]);
	for (size_t i = 0; i < config->n_indicators; i++)
		free(config->indicators[i].domain);
	for (size_t i = 0; i < config->n_groups; i++) {
		free(config->groups[i].published);
		free(config->groups[i].source);
	}
	for (size_t i = 0; i < config->n_brands; i++)
		brand_config_deinit(&config->brands[i]);
	for (size_t i = 0; i < config->n_watch; i++) {
		free(config->watch[i].domain);
		free(config->watch[i].source);
	}
	for (size_t i = 0; i < config->n_sets; i++)
		set_free(config->sets[i]);
	exceptions_free(config->allow, config->n_allow);
	free(config->packs);
	free(config->indicators);
	free(config->groups);
	free(config->brands);
	free(config->watch);
	free(config->sets);
	json_decref(config->ids);
	json_decref(config->brand_files);
	text_list_deinit(&config->warnings);
	*config = (struct rule_config){ 0 };
}
