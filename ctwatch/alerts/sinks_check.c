/* Filters of sinks and allow lists against the rules: one that can match nothing would be silence that looks like peace. */
#include "sink.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "allow.h"
#include "rules.h"

/* What there is to be named; texts borrow from the JSON. */
struct known_words {
	const char **items;
	size_t n;
};

static void add_word(struct known_words *known, const json_t *text)
{
	if (!json_is_string(text))
		return;
	known->items = xreallocarray(known->items, known->n + 1, sizeof(*known->items));
	known->items[known->n++] = json_string_value(text);
}

static void add_member(struct known_words *known, const json_t *array, const char *member)
{
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)array, i, item)
		add_word(known, json_object_get(item, member));
}

static bool matches_any(const char *pattern, const struct known_words *known)
{
	for (size_t i = 0; i < known->n; i++)
		if (fnmatch(pattern, known->items[i], FNM_CASEFOLD) == 0)
			return true;
	return false;
}

/* `what` is "rule" or "brand", `command` lists them. */
static bool check_list(const struct sink *sink, const char *key, const struct string_list *patterns, const struct known_words *known, const char *what,
		       const char *command, struct error *err)
{
	for (size_t i = 0; i < patterns->n; i++) {
		const char *near;
		char shown[120];

		if (matches_any(patterns->items[i], known))
			continue;
		near = text_nearest_of(patterns->items[i], known->items, known->n);
		text_escape(slice_text(patterns->items[i]), shown, sizeof(shown));
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" names \"%s\", and there is no such %s%s%.120s%s; `ctwatch %s` lists them", sink->name, key, shown,
				 what, near != NULL ? ": did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "", command);
	}
	return true;
}

static bool check_sinks(const struct sink_set *set, const struct known_words *rules, const struct known_words *brands, struct error *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (!check_list(set->items[i], "rules", &set->items[i]->rules, rules, "rule", "rules", err) ||
		    !check_list(set->items[i], "brands", &set->items[i]->brands, brands, "brand", "brands", err))
			return false;
	return true;
}

bool sink_set_check(const struct sink_set *set, const struct ruleset *rules, const struct suffix_table *suffixes, struct error *err)
{
	char *rules_text = ruleset_describe_json(rules), *brands_text = ruleset_brands_json(rules);
	json_t *described = json_loads(rules_text, 0, NULL), *brands = json_loads(brands_text, 0, NULL);
	struct known_words rule_names = { 0 }, brand_names = { 0 };

	add_member(&rule_names, json_object_get(described, "rules"), "rule");
	/* found where a certificate cannot be read; no rule of anybody's file */
	json_t *unreadable = json_string("unreadable");
	add_word(&rule_names, unreadable);
	add_member(&brand_names, brands, "name");
	bool ok = check_sinks(set, &rule_names, &brand_names, err) && allow_check(set->allow, suffixes, rule_names.items, rule_names.n, err);
	free(rule_names.items);
	free(brand_names.items);
	json_decref(unreadable);
	json_decref(described);
	json_decref(brands);
	free(rules_text);
	free(brands_text);
	return ok;
}
