/* For `check` and `brands`: what was considered and held back, the nearest term, and what each term of a brand is watched for. */
#include "lookalike_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSIDERED_MAX 12
#define NEAREST_MAX 3 /* edits; farther is not near */

struct considered {
	const struct lookalike *look;
	const struct lookalike_scratch *scratch;
	json_t *out;
	size_t n;
	struct {
		uint32_t brand, term;
	} seen[CONSIDERED_MAX];
};

static void add(struct considered *c, uint32_t brand, const char *signal, int points, int start, int end,
		const char *why)
{
	char *rule = xasprintf("brand/%s", c->look->brands[brand].id);

	json_array_append_new(c->out, json_pack("{s:s, s:s, s:i, s:[i,i], s:s}", "rule", rule, "signal", signal,
						"points", points, "span", start, end, "why", why));
	free(rule);
}

static bool fires(const struct considered *c, uint32_t brand)
{
	for (unsigned i = 0; i < c->scratch->n_best; i++)
		if (c->scratch->best[i].brand == brand && c->scratch->best[i].level >= SCORE_MEDIUM)
			return true;
	return false;
}

/* Each term of each brand once: the first reading stands for the others. */
static bool is_new(struct considered *c, uint32_t brand, uint32_t term)
{
	if (c->n == CONSIDERED_MAX)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (c->seen[i].brand == brand && c->seen[i].term == term)
			return false;
	c->seen[c->n].brand = brand;
	c->seen[c->n++].term = term;
	return true;
}

static void consider(void *context, const struct hit *hit)
{
	struct considered *c = context;
	const struct raw_text *raw = &c->scratch->raw;
	struct verdict v;
	char why[512];

	look_judge(c->look, c->scratch, hit, &v);
	if (v.level >= SCORE_MEDIUM || (v.held == HELD_NO && v.score >= SCORE_MEDIUM))
		return;
	if (fires(c, v.brand) || !is_new(c, v.brand, hit->how == HOW_OFFICIAL ? UINT32_MAX - hit->term : hit->term))
		return;
	look_held_text(c->look, c->scratch, &v, why, sizeof(why));
	add(c, v.brand, look_signal_name(v.signal), v.score, raw->start[hit->from], raw->end[hit->to - 1], why);
}

/* Short terms are not looked for inside words while certificates are read; a person who asks wants to know. */
static void consider_short_inside(struct considered *c)
{
	const struct raw_text *raw = &c->scratch->raw;

	for (uint32_t t = 0; t < c->look->n_terms; t++) {
		const struct term *term = &c->look->terms[t];

		if (term->kind == TERM_NATIVE || term->len > SHORT_LEN_MAX)
			continue;
		for (unsigned i = 0; i + term->len <= raw->n; i++) {
			struct hit hit = {
				.term = t, .from = (uint16_t)i, .to = (uint16_t)(i + term->len), .how = HOW_EXACT
			};

			if (memcmp(raw->code + i, c->look->codes + term->text, term->len) == 0)
				consider(c, &hit);
		}
	}
}

struct nearest {
	uint32_t term;
	struct piece piece;
	unsigned distance;
};

/* Nearest by share of letters that differ, so that two letters of twelve are nearer than one of three. */
static bool is_nearer(const struct considered *c, const struct nearest *a, const struct nearest *b)
{
	return b->distance > NEAREST_MAX ||
	       a->distance * c->look->terms[b->term].len < b->distance * c->look->terms[a->term].len;
}

static struct nearest find_nearest(const struct considered *c)
{
	const struct lookalike_scratch *scratch = c->scratch;
	struct nearest best = { 0, { 0, 0 }, NEAREST_MAX + 1 };

	for (uint32_t t = 0; t < c->look->n_terms; t++) {
		const struct term *term = &c->look->terms[t];

		for (unsigned p = 0; term->kind != TERM_NATIVE && p < scratch->n_pieces; p++) {
			struct nearest here = { t, scratch->pieces[p], 0 };
			unsigned len = here.piece.to - here.piece.from;

			here.distance = osa_distance(c->look->codes + term->text, term->len,
						     scratch->raw.code + here.piece.from, len, NEAREST_MAX);
			if (here.distance <= NEAREST_MAX && here.distance * 2 < term->len && is_nearer(c, &here, &best))
				best = here;
		}
	}
	return best;
}

static const char *distance_rule(const struct term *term, unsigned distance)
{
	if (term->class == CLASS_SHORT)
		return "a term of four letters or fewer has no neighbours";
	if (term->class == CLASS_WORD)
		return "an ordinary word has no neighbours";
	if (term->class == CLASS_MEDIUM)
		return distance == 1 ? "a term of five to seven letters counts at one edit when it is a swap or an "
				       "extra letter"
				     : "a term of five to seven letters counts at one edit only";
	return distance <= 2 ? "two edits count from twelve letters on" : "three edits never count";
}

static void consider_nearest(struct considered *c)
{
	const struct raw_text *raw = &c->scratch->raw;
	struct nearest best = find_nearest(c);
	char letters[TERM_LEN_MAX + 3], edits[160], why[512];
	unsigned len = best.piece.to - best.piece.from;

	if (best.distance > NEAREST_MAX)
		return;

	const struct term *term = &c->look->terms[best.term];

	for (unsigned i = 0; i < len; i++)
		letters[i] = ascii_of_code(raw->code[best.piece.from + i]);
	letters[len] = '\0';
	osa_describe(c->look->codes + term->text, term->len, raw->code + best.piece.from, len, edits, sizeof(edits));
	snprintf(why, sizeof(why), "nearest term: \"%s\", %u %s from \"%s\" (%s); %s", term->shown, best.distance,
		 best.distance == 1 ? "edit" : "edits", letters, edits, distance_rule(term, best.distance));
	add(c, term->brand, best.distance == 1 ? "D1" : "D2", 0, raw->start[best.piece.from],
	    raw->end[best.piece.to - 1], why);
}

void lookalike_explain(const struct lookalike *look, struct lookalike_scratch *scratch, const struct name_view *view,
		       json_t *considered)
{
	struct considered c = { .look = look, .scratch = scratch, .out = considered };

	if (!view->has_registrable)
		return;
	look_text(look, scratch, view);
	look_best(look, scratch);
	look_find(look, scratch, consider, &c);
	consider_short_inside(&c);
	if (c.n == 0 && scratch->n_best == 0)
		consider_nearest(&c);
}

/* ---- what a term is watched for ------------------------------------------------------------------------------------------ */

/* Least class that a technique works for at or above SCORE_MEDIUM, without asking for more than a keyword. */
static bool in_force(const struct term *term, enum look_technique technique, enum technique_mode mode)
{
	bool distinctive = term->class == CLASS_LONG || term->class == CLASS_MEDIUM;

	if (mode == TECHNIQUE_OFF)
		return false;
	if (term->kind == TERM_NATIVE)
		return technique == TECH_NATIVE_NAME;
	if (term->kind == TERM_ALIAS)
		return technique == TECH_COMBOSQUAT;
	switch (technique) {
	case TECH_COMBOSQUAT:
	case TECH_IDN_HOMOGLYPH:
	case TECH_LEVELSQUAT:
	case TECH_HOMOGLYPH:
		return true;
	case TECH_TLD_SWAP:
		return distinctive || mode == TECHNIQUE_ON;
	case TECH_HYPHENATION:
	case TECH_SUBDOMAIN_SPLIT:
	case TECH_LEET:
	case TECH_TYPO:
		return distinctive;
	case TECH_EMBEDDING:
		return term->class == CLASS_LONG && !term->glued;
	case TECH_DISTANCE_2:
		return term->class == CLASS_LONG && !term->glued && term->len >= DELETE2_LEN_MIN;
	default:
		return false;
	}
}

static json_t *techniques_in_force(const struct lookalike *look, const struct term *term)
{
	const enum technique_mode *modes = look->brands[term->brand].techniques;
	json_t *names = json_array();

	for (enum look_technique t = 0; t < N_TECHNIQUES; t++)
		if (in_force(term, t, modes ? modes[t] : TECHNIQUE_DEFAULT))
			json_array_append_new(names, json_string(lookalike_techniques()[t]));
	return names;
}

json_t *lookalike_describe_terms(const struct lookalike *look, size_t brand)
{
	static const char *const classes[N_CLASSES] = { "long", "medium", "short", "ordinary" };
	static const char *const kinds[] = { "term", "alias", "native" };
	const struct brand_index *index = &look->index[brand];
	json_t *out = json_array();

	for (uint32_t t = index->first_term; t < index->first_term + index->n_terms; t++) {
		const struct term *term = &look->terms[t];

		json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:i, s:o}", "term", term->shown, "kind",
						     kinds[term->kind], "class",
						     term->kind == TERM_NATIVE ? "native" : classes[term->class],
						     "effective_letters", (int)term->effective, "techniques",
						     techniques_in_force(look, term)));
	}
	return out;
}
