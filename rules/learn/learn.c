#include "learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Settings, found by measuring both halves of the background against each other (docs/RULES.md): 10 points are a factor e.
 */
static const struct {
	double exact, stem, background;         /* shares of P(term | actor) */
	double discount;                        /* taken off each count: what was seen once was partly luck */
	double smoothing, unseen_terms;         /* of P(term | background) */
	int term_min, term_max, related_max, theme, unknown, unknown_short;
	int form_min, form_max, digits, suffix_min, suffix_max, other_generic, other_country;
} SET = { .exact = 0.6, .stem = 0.068, .background = 0.2, .discount = 0.3, .smoothing = 0.5, .unseen_terms = 50000,
	  .term_min = -40, .term_max = 60, .related_max = 48, .theme = -8, .unknown = -16, .unknown_short = -28,
	  .form_min = -15, .form_max = 18, .digits = -16, .suffix_min = -20, .suffix_max = 22,
	  .other_generic = -9, .other_country = -20 };

/* ---- counting -------------------------------------------------------------------------------------------- */

struct count {
	char *text;
	uint64_t n;
};

struct counter {
	struct count *slots;
	size_t n, n_slots;
};

static struct count *count_slot(const struct counter *c, struct slice text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	for (size_t i = hash & (c->n_slots - 1);; i = (i + 1) & (c->n_slots - 1))
		if (!c->slots[i].text || slice_equal_text(text, c->slots[i].text))
			return &c->slots[i];
}

static void counter_grow(struct counter *c)
{
	struct counter bigger = { .n = c->n, .n_slots = c->n_slots ? c->n_slots * 2 : 1024 };

	bigger.slots = xcalloc(bigger.n_slots, sizeof(*bigger.slots));
	for (size_t i = 0; i < c->n_slots; i++)
		if (c->slots[i].text)
			*count_slot(&bigger, slice_text(c->slots[i].text)) = c->slots[i];
	free(c->slots);
	*c = bigger;
}

/* Returns the count before. */
static uint64_t count_add(struct counter *c, struct slice text)
{
	struct count *slot;

	if (c->n * 2 >= c->n_slots)
		counter_grow(c);
	slot = count_slot(c, text);
	if (!slot->text) {
		slot->text = slice_dup_text(text);
		c->n++;
	}
	return slot->n++;
}

static uint64_t count_of(const struct counter *c, struct slice text)
{
	return c->n_slots ? count_slot(c, text)->n : 0;
}

static void counter_deinit(struct counter *c)
{
	for (size_t i = 0; i < c->n_slots; i++)
		free(c->slots[i].text);
	free(c->slots);
}

struct background {
	struct counter domains, terms, suffixes;
	uint64_t n_terms, n_names;
	uint64_t hyphens[NAMING_HYPHEN_CLASSES];
};

struct background *background_new(void)
{
	return xcalloc(1, sizeof(struct background));
}

void background_free(struct background *bg)
{
	if (!bg)
		return;
	counter_deinit(&bg->domains);
	counter_deinit(&bg->terms);
	counter_deinit(&bg->suffixes);
	free(bg);
}

size_t background_size(const struct background *bg)
{
	return bg->n_names;
}

static size_t hyphen_class(struct slice label)
{
	size_t n = 0;

	for (size_t i = 0; i < label.len; i++)
		n += label.data[i] == '-';
	return n < NAMING_HYPHEN_CLASSES ? n : NAMING_HYPHEN_CLASSES - 1;
}

static struct slice suffix_of(const struct name_view *view)
{
	return slice_sub(view->name, view->labels[view->registrable + 1].start, view->name.len);
}

bool background_add(struct background *bg, struct slice name, const struct suffix_table *suffixes)
{
	struct name_view view;

	view_init(&view, name, suffixes);
	if (!view.has_registrable || count_add(&bg->domains, view_registrable_domain(&view)) > 0)
		return false;
	bg->n_names++;
	bg->hyphens[hyphen_class(view_registrable_label(&view))]++;
	count_add(&bg->suffixes, suffix_of(&view));
	for (size_t i = 0; i < view.n_terms; i++) {
		count_add(&bg->terms, view_part(&view, view.terms[i]));
		bg->n_terms++;
	}
	return true;
}

/* ---- weights ------------------------------------------------------------------------------------------------ */

static int clamp_round(double value, int low, int high)
{
	long rounded = lround(value);

	return rounded < low ? low : rounded > high ? high : (int)rounded;
}

static int points_of(double share_actor, double share_background, int low, int high)
{
	return clamp_round(10 * log(share_actor / share_background), low, high);
}

struct actor_counts {
	struct counter terms, stems, suffixes;
	uint64_t n_terms, n_names;
	uint64_t hyphens[NAMING_HYPHEN_CLASSES];
};

static void count_actor(struct actor_counts *actor, const struct text_list *names, const struct suffix_table *suffixes,
			size_t leave_out)
{
	for (size_t i = 0; i < names->n; i++) {
		struct name_view view;

		view_init(&view, slice_text(names->items[i]), suffixes);
		if (i == leave_out || !view.has_registrable)
			continue;
		actor->n_names++;
		actor->hyphens[hyphen_class(view_registrable_label(&view))]++;
		count_add(&actor->suffixes, suffix_of(&view));
		for (size_t t = 0; t < view.n_terms; t++) {
			struct slice term = view_part(&view, view.terms[t]);

			count_add(&actor->terms, term);
			count_add(&actor->stems, naming_stem(term));
			actor->n_terms++;
		}
	}
}

static double background_share(const struct background *bg, struct slice term)
{
	return ((double)count_of(&bg->terms, term) + SET.smoothing) / ((double)bg->n_terms + SET.smoothing * SET.unseen_terms);
}

static int term_weight(const struct actor_counts *actor, double in_background, struct slice term, struct slice stem)
{
	double n = (double)actor->n_terms, seen = (double)count_of(&actor->terms, term);
	double share = SET.stem * (double)count_of(&actor->stems, stem) / n + SET.background * in_background;

	if (seen > 0)
		share += SET.exact * (seen - SET.discount) / n;
	return points_of(share, in_background, SET.term_min, seen > 0 ? SET.term_max : SET.related_max);
}

static void learn_terms(json_t *naming, const struct actor_counts *actor, const struct background *bg, const struct text_list *unrelated)
{
	json_t *terms = json_object(), *related = json_object(), *stems = json_object();

	for (size_t i = 0; i < actor->terms.n_slots; i++) {
		const char *text = actor->terms.slots[i].text;

		if (text)
			json_object_set_new(terms, text, json_integer(term_weight(actor, background_share(bg, slice_text(text)),
										  slice_text(text), naming_stem(slice_text(text)))));
	}
	/* relatives that nobody was seen to use share the weight of their stem ... */
	for (size_t i = 0; i < actor->stems.n_slots; i++) {
		const char *text = actor->stems.slots[i].text;
		double unseen = SET.smoothing / ((double)bg->n_terms + SET.smoothing * SET.unseen_terms);

		if (text)
			json_object_set_new(stems, text, json_integer(term_weight(actor, unseen, (struct slice){ 0 }, slice_text(text))));
	}
	/* ... and those that are in use get one of their own, where it differs */
	for (size_t i = 0; i < bg->terms.n_slots; i++) {
		struct slice term, stem;
		json_t *usual;
		int points;

		if (!bg->terms.slots[i].text)
			continue;
		term = slice_text(bg->terms.slots[i].text);
		stem = naming_stem(term);
		if (!count_of(&actor->stems, stem) || count_of(&actor->terms, term) ||
		    text_list_has(unrelated, term) || !utf8_valid(term))
			continue;
		usual = json_object_get(stems, actor->stems.slots ? count_slot(&actor->stems, stem)->text : "");
		points = term_weight(actor, background_share(bg, term), term, stem);
		if (points < SET.unknown)
			points = SET.unknown;
		if (points != json_integer_value(usual))
			json_object_set_new(related, bg->terms.slots[i].text, json_integer(points));
	}
	json_object_set_new(naming, "terms", terms);
	json_object_set_new(naming, "related", related);
	json_object_set_new(naming, "stems", stems);
}

static void learn_form(json_t *naming, const struct actor_counts *actor, const struct background *bg)
{
	json_t *hyphens = json_array(), *suffixes = json_object();

	for (size_t i = 0; i < NAMING_HYPHEN_CLASSES; i++) {
		double share = ((double)actor->hyphens[i] + 0.5) / ((double)actor->n_names + 2);
		double usual = ((double)bg->hyphens[i] + 0.5) / ((double)bg->n_names + 2);
		int points = points_of(share, usual, SET.form_min, SET.form_max);

		/* a form that the actor was never seen to use is evidence against, however rare it is elsewhere */
		json_array_append_new(hyphens, json_integer(actor->hyphens[i] ? points : SET.unknown));
	}
	for (size_t i = 0; i < actor->suffixes.n_slots; i++) {
		const struct count *c = &actor->suffixes.slots[i];
		double share, usual;

		if (!c->text)
			continue;
		share = (double)c->n / ((double)actor->n_names + 2);
		usual = ((double)count_of(&bg->suffixes, slice_text(c->text)) + 0.5) / ((double)bg->n_names + 2);
		json_object_set_new(suffixes, c->text, json_integer(points_of(share, usual, SET.suffix_min, SET.suffix_max)));
	}
	json_object_set_new(naming, "hyphens", hyphens);
	json_object_set_new(naming, "suffixes", suffixes);
}

static json_t *json_of_texts(const struct text_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

json_t *naming_learn(const struct learn_input *input, const struct background *bg, const struct suffix_table *suffixes, size_t leave_out)
{
	struct actor_counts actor = { 0 };
	json_t *naming = json_object();

	count_actor(&actor, input->names, suffixes, leave_out);
	learn_terms(naming, &actor, bg, input->unrelated);
	learn_form(naming, &actor, bg);
	json_object_set_new(naming, "theme", json_of_texts(input->theme));
	json_object_set_new(naming, "unrelated", json_of_texts(input->unrelated));
	json_object_set_new(naming, "theme_points", json_integer(SET.theme));
	json_object_set_new(naming, "unknown", json_integer(SET.unknown));
	json_object_set_new(naming, "unknown_short", json_integer(SET.unknown_short));
	json_object_set_new(naming, "digits", json_integer(SET.digits));
	json_object_set_new(naming, "other_generic", json_integer(SET.other_generic));
	json_object_set_new(naming, "other_country", json_integer(SET.other_country));
	counter_deinit(&actor.terms);
	counter_deinit(&actor.stems);
	counter_deinit(&actor.suffixes);
	return naming;
}
