/*
 * From what a person knows of an actor (rules/learn/tag53.input.json is the model) and background names to a pack with weights, and
 * what it is worth: leave-one-out recall, and false alarms with weights from one half of the background counted on the other.
 * The method is in learn.c; docs/RULES.md tells the whole way.
 */
#include "pack_maker.h"
#include "learn.h"
#include "rule_config.h"

#include <stdlib.h>
#include <string.h>

#define ACTOR_NAMES_MIN 5        /* fewer say nothing about a style */
#define BACKGROUND_MIN 1000      /* registrable domains; shares of fewer are noise */
#define BACKGROUND_BYTES_MAX ((size_t)2 << 30)

struct pack_maker {
	const struct suffix_table *suffixes;
	json_t *pack;
	struct text_list names, theme, unrelated;
	struct background *all, *halves[2];
	struct buf domains[2];          /* the background's registrable domains, a line each, by half */
};

static void texts_of(json_t *array, struct text_list *out)
{
	json_t *value;
	size_t i;

	json_array_foreach(array, i, value)
		text_list_add(out, json_string_value(value));
}

/* The file by the same tables as a finished pack: a mistake is named with its line, before a long list of names is read. */
static bool read_actor(struct pack_maker *m, struct slice text, const char *name, struct error *err)
{
	struct rule_config config = { 0 };
	struct source src = { .name = name, .text = text, .warnings = &config.warnings, .err = err, .unfinished = true };
	json_t *group, *naming;
	size_t i;

	if (!source_parse(&src, &m->pack))
		return false;

	struct node root = { .value = m->pack };
	bool ok = actor_pack_read(&src, &root, &config);

	rule_config_deinit(&config);
	if (!ok)
		return false;
	json_array_foreach(json_object_get(m->pack, "indicators"), i, group)
		texts_of(json_object_get(group, "domains"), &m->names);
	naming = json_object_get(m->pack, "naming");
	texts_of(json_object_get(naming, "theme"), &m->theme);
	texts_of(json_object_get(naming, "unrelated"), &m->unrelated);
	if (m->names.n < ACTOR_NAMES_MIN)
		return error_set(err, ERR_USAGE, "%s lists %zu domains under \"indicators\": weights want at least %d", name, m->names.n, ACTOR_NAMES_MIN);
	return true;
}

bool pack_maker_new(struct slice actor_json, const char *name, const struct suffix_table *suffixes, struct pack_maker **out, struct error *err)
{
	struct pack_maker *m = xcalloc(1, sizeof(*m));

	m->suffixes = suffixes;
	m->all = background_new();
	for (size_t i = 0; i < 2; i++) {
		m->halves[i] = background_new();
		buf_init(&m->domains[i], BACKGROUND_BYTES_MAX);
	}
	if (!read_actor(m, actor_json, name, err)) {
		pack_maker_free(m);
		return false;
	}
	*out = m;
	return true;
}

void pack_maker_free(struct pack_maker *m)
{
	if (!m)
		return;
	json_decref(m->pack);
	text_list_deinit(&m->names);
	text_list_deinit(&m->theme);
	text_list_deinit(&m->unrelated);
	background_free(m->all);
	for (size_t i = 0; i < 2; i++) {
		background_free(m->halves[i]);
		buf_deinit(&m->domains[i]);
	}
	free(m);
}

bool pack_maker_add(struct pack_maker *m, struct slice name)
{
	struct name_view view;
	struct slice domain;
	int half;

	if (name.len == 0 || !background_add(m->all, name, m->suffixes))
		return false;
	view_init(&view, name, m->suffixes);
	domain = view_registrable_domain(&view);
	half = sha256(domain).bytes[0] & 1;
	background_add(m->halves[half], domain, m->suffixes);
	return buf_append_slice(&m->domains[half], domain) && buf_append_byte(&m->domains[half], '\n');
}

/* ---- measuring ------------------------------------------------------------------------------------------------- */

static bool learn(const struct pack_maker *m, const struct background *background, size_t leave_out, struct naming_model *out, struct error *err)
{
	struct learn_input input = { &m->names, &m->theme, &m->unrelated };
	struct text_list warnings = { 0 };
	struct source src = { .name = "learned weights", .warnings = &warnings, .err = err };
	struct node root = { .value = naming_learn(&input, background, m->suffixes, leave_out) };
	bool ok = naming_read(&src, &root, out);

	json_decref(root.value);
	text_list_deinit(&warnings);
	return ok;
}

static int min_score(const struct pack_maker *m, const struct naming_model *model)
{
	json_t *wanted = json_object_get(json_object_get(m->pack, "naming"), "min_score");

	return wanted ? (int)json_integer_value(wanted) : model->min_score;
}

static bool fires(const struct pack_maker *m, const struct naming_model *model, struct slice name)
{
	struct name_view view;

	view_init(&view, name, m->suffixes);
	return naming_score(model, &view, NULL) >= min_score(m, model);
}

static bool leave_one_out(const struct pack_maker *m, size_t *found, struct error *err)
{
	*found = 0;
	for (size_t i = 0; i < m->names.n; i++) {
		struct naming_model model;

		if (!learn(m, m->all, i, &model, err))
			return false;
		*found += fires(m, &model, slice_text(m->names.items[i]));
		naming_deinit(&model);
	}
	return true;
}

static bool false_alarms(const struct pack_maker *m, size_t *alarms, struct error *err)
{
	*alarms = 0;
	for (int half = 0; half < 2; half++) {
		struct naming_model model;
		struct slice rest = buf_slice(&m->domains[!half]);

		if (!learn(m, m->halves[half], SIZE_MAX, &model, err))
			return false;
		while (rest.len > 0) {
			size_t end = (size_t)slice_find(rest, '\n');

			*alarms += fires(m, &model, slice_sub(rest, 0, end));
			rest = slice_sub(rest, end + 1, rest.len);
		}
		naming_deinit(&model);
	}
	return true;
}

static json_t *learned(const struct pack_measure *measured)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:s}", "names", (json_int_t)measured->names, "background_names", (json_int_t)measured->background_names,
			 "leave_one_out_found", (json_int_t)measured->found, "false_alarms_per_million", (json_int_t)measured->false_alarms_per_million, "how",
			 "alarms: weights from one half of the background, counted on the other, both ways");
}

bool pack_maker_finish(struct pack_maker *m, char **out, struct pack_measure *measured, struct error *err)
{
	struct learn_input input = { &m->names, &m->theme, &m->unrelated };
	json_t *old = json_object_get(m->pack, "naming"), *naming, *pack;
	size_t alarms;

	*measured = (struct pack_measure){ .names = m->names.n, .background_names = background_size(m->all) };
	if (measured->background_names < BACKGROUND_MIN)
		return error_set(err, ERR_USAGE, "the background holds %zu registrable domains: weights want at least %d, and half a million are better",
				 measured->background_names, BACKGROUND_MIN);
	if (!leave_one_out(m, &measured->found, err) || !false_alarms(m, &alarms, err))
		return false;
	measured->false_alarms_per_million = alarms * 1000000 / measured->background_names;
	naming = naming_learn(&input, m->all, m->suffixes, SIZE_MAX);
	if (json_object_get(old, "min_score"))
		json_object_set(naming, "min_score", json_object_get(old, "min_score"));
	json_object_set_new(naming, "learned", learned(measured));
	pack = json_copy(m->pack);
	json_object_set_new(pack, "naming", naming);
	*out = json_dumps(pack, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(pack);
	return true;
}
