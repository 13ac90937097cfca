/*
 * make-actor-pack: from what a person knows of an actor (rules/actors/tag53.json is the model) and background names to a pack
 * with weights. Reads background names, one a line (what follows a tab is ignored), from files or standard input, and prints
 * the pack. Also measures: leave-one-out recall, and false alarms with weights from one half of the background counted on the
 * other. docs/RULES.md tells the whole way.
 *
 *   zcat names.gz | make-actor-pack rules/actors/tag53.json - > rules/packs/tag53.json
 */
#include "learn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maker {
	json_t *pack;
	struct text_list names, theme, unrelated;
	struct suffix_table *suffixes;
	struct background *all, *halves[2];
	struct buf domains[2];          /* the background's registrable domains, a line each, by half */
};

static void texts_of(json_t *array, struct text_list *out)
{
	json_t *value;
	size_t i;

	json_array_foreach(array, i, value)
		if (json_is_string(value))
			text_list_add(out, json_string_value(value));
}

static bool load_actor(struct maker *m, const char *path)
{
	json_error_t where;
	json_t *group, *naming;
	size_t i;

	m->pack = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	if (!m->pack) {
		fprintf(stderr, "make-actor-pack: %s:%d:%d: %s\n", path, where.line, where.column, where.text);
		return false;
	}
	json_array_foreach(json_object_get(m->pack, "indicators"), i, group)
		texts_of(json_object_get(group, "domains"), &m->names);
	naming = json_object_get(m->pack, "naming");
	texts_of(json_object_get(naming, "theme"), &m->theme);
	texts_of(json_object_get(naming, "unrelated"), &m->unrelated);
	if (m->names.n < 5) {
		fprintf(stderr, "make-actor-pack: %s lists %zu domains under \"indicators\": weights want at least five\n", path, m->names.n);
		return false;
	}
	return true;
}

static void add_name(struct maker *m, struct slice name)
{
	struct name_view view;
	struct slice domain;
	int half;

	if (name.len == 0 || !background_add(m->all, name, m->suffixes))
		return;
	view_init(&view, name, m->suffixes);
	domain = view_registrable_domain(&view);
	half = sha256(domain).bytes[0] & 1;
	background_add(m->halves[half], domain, m->suffixes);
	if (!buf_append_slice(&m->domains[half], domain) || !buf_append_byte(&m->domains[half], '\n'))
		return;
}

static bool read_background(struct maker *m, const char *path)
{
	FILE *in = !strcmp(path, "-") ? stdin : fopen(path, "r");
	char line[4096];

	if (!in) {
		fprintf(stderr, "make-actor-pack: cannot read %s\n", path);
		return false;
	}
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\t\r\n")] = '\0';
		for (char *p = line; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p - 'A' + 'a');
		add_name(m, slice_text(line));
	}
	if (in != stdin)
		fclose(in);
	return true;
}

static struct naming_model learn(const struct maker *m, const struct background *bg, size_t leave_out)
{
	struct learn_input input = { &m->names, &m->theme, &m->unrelated };
	struct error err = { 0 };
	struct text_list warnings = { 0 };
	struct source src = { "learned weights", { 0 }, &warnings, &err };
	struct node root = { .value = naming_learn(&input, bg, m->suffixes, leave_out) };
	struct naming_model model;

	if (!naming_read(&src, &root, &model)) {
		fprintf(stderr, "make-actor-pack: %s\n", err.text);
		exit(1);
	}
	json_decref(root.value);
	return model;
}

static int score(const struct maker *m, const struct naming_model *model, struct slice name)
{
	struct name_view view;

	view_init(&view, name, m->suffixes);
	return naming_score(model, &view, NULL);
}

static size_t leave_one_out(const struct maker *m)
{
	size_t found = 0;

	for (size_t i = 0; i < m->names.n; i++) {
		struct naming_model model = learn(m, m->all, i);

		found += score(m, &model, slice_text(m->names.items[i])) >= model.min_score;
		naming_deinit(&model);
	}
	return found;
}

static size_t false_alarms(const struct maker *m)
{
	size_t n = 0;

	for (int half = 0; half < 2; half++) {
		struct naming_model model = learn(m, m->halves[half], SIZE_MAX);
		struct slice rest = buf_slice(&m->domains[!half]);

		while (rest.len > 0) {
			size_t end = (size_t)slice_find(rest, '\n');

			n += score(m, &model, slice_sub(rest, 0, end)) >= model.min_score;
			rest = slice_sub(rest, end + 1, rest.len);
		}
		naming_deinit(&model);
	}
	return n;
}

static void write_pack(struct maker *m)
{
	struct learn_input input = { &m->names, &m->theme, &m->unrelated };
	json_t *naming = naming_learn(&input, m->all, m->suffixes, SIZE_MAX), *old = json_object_get(m->pack, "naming");
	json_t *min_score = json_object_get(old, "min_score");
	size_t background = background_size(m->all);

	if (min_score)
		json_object_set(naming, "min_score", min_score);
	json_object_set_new(naming, "learned",
			    json_pack("{s:I, s:I, s:I, s:I, s:s}", "names", (json_int_t)m->names.n, "background_names", (json_int_t)background,
				      "leave_one_out_found", (json_int_t)leave_one_out(m), "false_alarms_per_million",
				      (json_int_t)(background ? false_alarms(m) * 1000000 / background : 0), "how",
				      "alarms: weights from one half of the background, counted on the other, both ways"));
	json_object_set_new(m->pack, "naming", naming);
	json_dumpf(m->pack, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	putchar('\n');
}

static void free_maker(struct maker *m)
{
	json_decref(m->pack);
	text_list_deinit(&m->names);
	text_list_deinit(&m->theme);
	text_list_deinit(&m->unrelated);
	suffix_table_free(m->suffixes);
	background_free(m->all);
	for (size_t i = 0; i < 2; i++) {
		background_free(m->halves[i]);
		buf_deinit(&m->domains[i]);
	}
}

int main(int argc, char **argv)
{
	struct maker m = { 0 };
	bool ok;

	if (argc < 3) {
		fprintf(stderr, "usage: make-actor-pack ACTOR.json BACKGROUND... > PACK.json\n"
				"  ACTOR.json   a pack without weights: indicators, naming.theme, naming.unrelated\n"
				"  BACKGROUND   ordinary host names, one a line; - is standard input; a million are plenty\n");
		return 2;
	}
	m.suffixes = suffix_table_new_libpsl();
	m.all = background_new();
	for (size_t i = 0; i < 2; i++) {
		m.halves[i] = background_new();
		buf_init(&m.domains[i], (size_t)2 << 30);
	}
	ok = load_actor(&m, argv[1]);
	for (int i = 2; ok && i < argc; i++)
		ok = read_background(&m, argv[i]);
	if (ok)
		write_pack(&m);
	free_maker(&m);
	return ok ? 0 : 1;
}
