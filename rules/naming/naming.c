#include "naming.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Longest first; what stays has at least four letters, so that no short word becomes a stem of strangers. */
#define ENDING(s) { s, sizeof(s) - 1 }
static const struct {
	const char *text;
	size_t len;
} ENDINGS[] = {
	ENDING("ations"), ENDING("ation"), ENDING("ings"), ENDING("ions"), ENDING("ing"), ENDING("ion"), ENDING("ers"), ENDING("ies"),
	ENDING("ors"),    ENDING("ed"),    ENDING("er"),   ENDING("or"),   ENDING("es"),  ENDING("s"),   ENDING("e"),
};
#define STEM_LETTERS_MIN 4

struct slice naming_stem(struct slice term)
{
	/* most words end in none of these letters */
	if (term.len <= STEM_LETTERS_MIN || !strchr("sgnrde", term.data[term.len - 1]))
		return term;
	for (size_t i = 0; i < ARRAY_LEN(ENDINGS); i++) {
		size_t stem = term.len - ENDINGS[i].len;

		if (term.len >= ENDINGS[i].len + STEM_LETTERS_MIN && !memcmp(term.data + stem, ENDINGS[i].text, ENDINGS[i].len))
			return slice_sub(term, 0, stem);
	}
	return term;
}

/* ---- the table of terms ---------------------------------------------------------------------------------- */

#define STEM_MARK 1

static uint32_t hash_term(bool stem, struct slice text)
{
	uint32_t hash = stem ? 0x9dc5811cu : 0x811c9dc5u;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * 0x01000193u;
	return hash ^ hash >> 15;
}

static const struct naming_term *find_term(const struct naming_model *model, bool stem, struct slice text)
{
	uint32_t hash = hash_term(stem, text);
	size_t mask = model->n_slots - 1;

	for (size_t i = hash & mask; model->slots[i].term; i = (i + 1) & mask) {
		const struct naming_term *term = &model->terms[model->slots[i].term - 1];

		if (model->slots[i].hash == hash && (term->text[0] == STEM_MARK) == stem && slice_equal_text(text, term->text + stem))
			return term;
	}
	return NULL;
}

static void add_term(struct naming_model *model, bool stem, const char *text, int points, enum term_origin origin)
{
	static const char MARK[] = { STEM_MARK, 0 };

	if (model->n_terms == model->cap) {
		model->cap = model->cap ? model->cap * 2 : 64;
		model->terms = xreallocarray(model->terms, model->cap, sizeof(*model->terms));
	}
	model->terms[model->n_terms++] =
		(struct naming_term){ .text = xasprintf("%s%s", stem ? MARK : "", text), .points = points, .origin = origin };
}

/* What is added first stands: the actor's own terms before relatives, those before the theme. */
static void index_terms(struct naming_model *model)
{
	size_t mask;

	model->n_slots = 64;
	while (model->n_slots < model->n_terms * 4)
		model->n_slots *= 2;
	mask = model->n_slots - 1;
	free(model->slots);
	model->slots = xcalloc(model->n_slots, sizeof(*model->slots));
	for (size_t i = 0; i < model->n_terms; i++) {
		const char *text = model->terms[i].text;
		bool stem = text[0] == STEM_MARK;
		struct slice key = slice_text(text + stem);
		uint32_t hash = hash_term(stem, key);
		size_t at = hash & mask;

		if (find_term(model, stem, key))
			continue;
		while (model->slots[at].term)
			at = (at + 1) & mask;
		model->slots[at] = (struct naming_slot){ hash, (uint32_t)i + 1 };
	}
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* The JSON form, gathered before the table is built. */
struct form {
	struct naming_model *model;
	struct text_list theme, unrelated;
	int min_score, theme_points, unknown, unknown_short, digits, other_generic, other_country;
	json_t *learned;
};

static bool want_points(const struct source *src, const struct node *at, int *out)
{
	json_int_t value = json_integer_value(at->value);

	if (!json_is_integer(at->value) || value < -100 || value > 100)
		return source_error(src, at, "points of \"%s\" want a whole number, -100 to 100", at->key ? at->key : "hyphens");
	*out = (int)value;
	return true;
}

static bool read_weights(const struct source *src, const struct node *at, struct form *form, bool stem, enum term_origin origin)
{
	const char *key;
	json_t *value;

	if (!source_want_object(src, at))
		return false;
	json_object_foreach(at->value, key, value) {
		struct node member = source_member(at, key, value);
		int points = 0;

		if (!want_points(src, &member, &points))
			return false;
		if (!key[0] || key[0] == STEM_MARK)
			return source_error(src, &member, "a term is empty");
		add_term(form->model, stem, key, points, origin);
	}
	return true;
}

static bool read_terms(const struct source *src, const struct node *at, void *out)
{
	return read_weights(src, at, out, false, TERM_ACTOR);
}

static bool read_related(const struct source *src, const struct node *at, void *out)
{
	return read_weights(src, at, out, false, TERM_RELATED);
}

static bool read_stems(const struct source *src, const struct node *at, void *out)
{
	return read_weights(src, at, out, true, TERM_RELATED);
}

static bool read_suffixes(const struct source *src, const struct node *at, void *out)
{
	struct naming_model *model = ((struct form *)out)->model;
	const char *key;
	json_t *value;

	if (!source_want_object(src, at))
		return false;
	json_object_foreach(at->value, key, value) {
		struct node member = source_member(at, key, value);
		int points = 0;

		if (!want_points(src, &member, &points))
			return false;
		model->suffixes = xreallocarray(model->suffixes, model->n_suffixes + 1, sizeof(*model->suffixes));
		model->suffixes[model->n_suffixes++] = (struct naming_term){ .text = xstrdup(key), .points = points };
	}
	return true;
}

static bool read_hyphens(const struct source *src, const struct node *at, void *out)
{
	struct form *form = out;

	if (!source_want_array(src, at))
		return false;
	if (json_array_size(at->value) != NAMING_HYPHEN_CLASSES)
		return source_error(src, at, "\"hyphens\" wants %d numbers: none, one, two, more", NAMING_HYPHEN_CLASSES);
	for (size_t i = 0; i < NAMING_HYPHEN_CLASSES; i++) {
		struct node element = source_element(at, i);

		if (!want_points(src, &element, &form->model->hyphens[i]))
			return false;
	}
	return true;
}

static void add_theme(struct naming_model *model, const char *word, int points)
{
	char *stem = slice_dup_text(naming_stem(slice_text(word)));

	add_term(model, true, stem, points, TERM_THEME);
	free(stem);
}

#define FIELD(name) offsetof(struct form, name)

static const struct member MEMBERS[] = {
	{ "min_score", MEMBER_SCORE, FIELD(min_score), NULL, false },
	{ "terms", MEMBER_CUSTOM, 0, read_terms, true },
	{ "related", MEMBER_CUSTOM, 0, read_related, false },
	{ "stems", MEMBER_CUSTOM, 0, read_stems, false },
	{ "theme", MEMBER_WORDS, FIELD(theme), NULL, false },
	{ "unrelated", MEMBER_WORDS, FIELD(unrelated), NULL, false },
	{ "suffixes", MEMBER_CUSTOM, 0, read_suffixes, true },
	{ "hyphens", MEMBER_CUSTOM, 0, read_hyphens, true },
	{ "theme_points", MEMBER_POINTS, FIELD(theme_points), NULL, false },
	{ "unknown", MEMBER_POINTS, FIELD(unknown), NULL, true },
	{ "unknown_short", MEMBER_POINTS, FIELD(unknown_short), NULL, false },
	{ "digits", MEMBER_POINTS, FIELD(digits), NULL, true },
	{ "other_generic", MEMBER_POINTS, FIELD(other_generic), NULL, true },
	{ "other_country", MEMBER_POINTS, FIELD(other_country), NULL, true },
	{ "learned", MEMBER_JSON, FIELD(learned), NULL, false },
	{ 0 },
};

bool naming_read(const struct source *src, const struct node *at, struct naming_model *out)
{
	struct naming_model model = { .short_letters = 3 };
	struct form form = { .model = &model, .min_score = SCORE_MEDIUM, .unknown_short = INT_MIN };
	bool ok = source_members(src, at, MEMBERS, "\"naming\"", &form);

	if (ok) {
		model.min_score = form.min_score;
		model.unknown = form.unknown;
		model.unknown_short = form.unknown_short == INT_MIN ? form.unknown : form.unknown_short;
		model.digits = form.digits;
		model.other_generic = form.other_generic;
		model.other_country = form.other_country;
		model.theme_points = form.theme_points;
		for (size_t i = 0; i < form.unrelated.n; i++)
			add_term(&model, false, form.unrelated.items[i], form.unknown, TERM_UNRELATED);
		/* by stems, after the actor's own: a word of the theme that is a relative of the actor's stays one */
		for (size_t i = 0; i < form.theme.n; i++)
			add_theme(&model, form.theme.items[i], form.theme_points);
		index_terms(&model);
		*out = model;
	} else {
		naming_deinit(&model);
		*out = (struct naming_model){ 0 };
	}
	text_list_deinit(&form.theme);
	text_list_deinit(&form.unrelated);
	return ok;
}

void naming_deinit(struct naming_model *model)
{
	for (size_t i = 0; i < model->n_terms; i++)
		free(model->terms[i].text);
	for (size_t i = 0; i < model->n_suffixes; i++)
		free(model->suffixes[i].text);
	free(model->terms);
	free(model->suffixes);
	free(model->slots);
	*model = (struct naming_model){ 0 };
}

/* ---- judging -------------------------------------------------------------------------------------------------- */

static int term_points(const struct naming_model *model, struct slice term, enum term_origin *origin)
{
	const struct naming_term *known = find_term(model, false, term);

	if (!known)
		known = find_term(model, true, naming_stem(term));
	*origin = known ? known->origin : TERM_UNKNOWN;
	if (known && known->origin != TERM_UNRELATED)
		return known->points;
	return term.len <= (size_t)model->short_letters ? model->unknown_short : model->unknown;
}

static const char *origin_words(enum term_origin origin)
{
	switch (origin) {
	case TERM_ACTOR:
		return "occurs in the actor's published names";
	case TERM_RELATED:
		return "is a relative of a word in the actor's published names";
	case TERM_THEME:
		return "is a word of the theme of these names";
	case TERM_UNRELATED:
	case TERM_UNKNOWN:
		break;
	}
	return "is none of the actor's words";
}

static int score_terms(const struct naming_model *model, const struct name_view *view, struct candidate *account)
{
	int sum = 0;

	for (size_t i = 0; i < view->n_terms; i++) {
		struct slice term = view_part(view, view->terms[i]);
		enum term_origin origin;
		bool repeated = false;
		int points;

		for (size_t j = 0; j < i && !repeated; j++)
			repeated = slice_equal(term, view_part(view, view->terms[j]));
		if (repeated)
			continue;
		points = term_points(model, term, &origin);
		sum += points;
		if (account) {
			char escaped[DNS_LABEL_MAX * 4 + 1];

			candidate_row(account, "N-TERM", points, view->terms[i].start, view->terms[i].end, "\"%s\" %s",
				      text_escape(term, escaped, sizeof(escaped)), origin_words(origin));
		}
	}
	return sum;
}

static int score_structure(const struct naming_model *model, const struct name_view *view, struct candidate *account)
{
	static const char *const WORDS[] = { "no hyphen", "two parts joined by one hyphen", "two hyphens", "three or more hyphens" };
	struct name_part part = view->labels[view->registrable];
	struct slice label = view_part(view, part);
	size_t hyphens = 0;
	bool digit = false;
	int sum;

	for (size_t i = 0; i < label.len; i++) {
		hyphens += label.data[i] == '-';
		digit |= label.data[i] >= '0' && label.data[i] <= '9';
	}
	if (hyphens >= NAMING_HYPHEN_CLASSES)
		hyphens = NAMING_HYPHEN_CLASSES - 1;
	sum = model->hyphens[hyphens];
	if (account)
		candidate_row(account, "N-FORM", sum, part.start, part.end, "%s", WORDS[hyphens]);
	if (digit) {
		sum += model->digits;
		if (account)
			candidate_row(account, "N-DIGIT", model->digits, part.start, part.end, "a digit in the name");
	}
	return sum;
}

static int score_suffix(const struct naming_model *model, const struct name_view *view, struct candidate *account)
{
	size_t start = view->labels[view->registrable + 1].start;
	struct slice suffix = slice_sub(view->name, start, view->name.len);
	bool generic = suffix.len > 2 && slice_find(suffix, '.') < 0 && !slice_starts_with(suffix, SLICE_LITERAL("xn--"));
	const char *words = generic ? "not one of the actor's top-level domains" : "not one of the actor's suffixes";
	int points = generic ? model->other_generic : model->other_country;
	char escaped[120];

	for (size_t i = 0; i < model->n_suffixes; i++) {
		if (!slice_equal_text(suffix, model->suffixes[i].text))
			continue;
		points = model->suffixes[i].points;
		words = points > 0 ? "commoner in the actor's names than elsewhere" : "used by the actor, but common elsewhere";
		break;
	}
	if (account)
		candidate_row(account, "N-TLD", points, (int)start, (int)view->name.len, ".%s: %s",
			      text_escape(suffix, escaped, sizeof(escaped)), words);
	return points;
}

int naming_score(const struct naming_model *model, const struct name_view *view, struct candidate *account)
{
	if (!view->has_registrable)
		return INT_MIN;
	return score_terms(model, view, account) + score_structure(model, view, account) + score_suffix(model, view, account);
}
