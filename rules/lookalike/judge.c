/*
 * Which evidence a hit is, and what it is worth. Weights by class of term; what stands beside it decides the rest. The score of a
 * name for a brand is the best of its verdicts, never a sum: two weak readings of the same letters are not one strong one.
 */
#include "scene.h"

/* ---- weights ------------------------------------------------------------------------------------------------------------- */

static void give(struct verdict *v, enum look_signal signal, enum look_technique technique, int base)
{
	v->signal = (uint8_t)signal;
	v->technique = (uint8_t)technique;
	v->base = (int16_t)base;
}

static int by_class(const struct verdict *v, int is_long, int medium, int is_short, int word)
{
	const int values[N_CLASSES] = { is_long, medium, is_short, word };

	return values[v->class];
}

static void judge_label(const struct scene *s, struct verdict *v)
{
	bool opted_in = s->look->brands[s->brand].techniques &&
			s->look->brands[s->brand].techniques[TECH_TLD_SWAP] == TECHNIQUE_ON;

	if (s->joined)
		give(v, SIGNAL_E4, TECH_HYPHENATION, by_class(v, 88, 88, 35, 40));
	else if (s->in_registrable)
		give(v, SIGNAL_E1, TECH_TLD_SWAP, by_class(v, 85, 75, opted_in ? 62 : 35, opted_in ? 62 : 35));
	else
		give(v, SIGNAL_Z, TECH_LEVELSQUAT, by_class(v, 70, 70, 25, 25));
	v->held = v->base < SCORE_KEPT ? HELD_CLASS : HELD_NO;
}

static void judge_tokens(const struct scene *s, struct verdict *v)
{
	bool beside = scene_keywords_only(s);

	if (s->joined) {
		give(v, SIGNAL_E4, TECH_HYPHENATION,
		     beside ? by_class(v, 88, 88, 35, 40) : by_class(v, 80, 70, 30, 30));
		v->held = v->base < SCORE_KEPT ? HELD_CLASS : HELD_NO;
	} else if (beside) {
		give(v, SIGNAL_E2, TECH_COMBOSQUAT,
		     by_class(v, 92, 92, scene_telling(s) ? 70 : 50, scene_vouched(s) ? 62 : 50));
		v->held = v->base < SCORE_MEDIUM ? HELD_KEYWORD : HELD_NO;
	} else {
		give(v, SIGNAL_E3, TECH_COMBOSQUAT, by_class(v, 80, 80, 45, 35));
		v->held = v->class == CLASS_SHORT || v->class == CLASS_WORD ? HELD_KEYWORD : HELD_NO;
	}
}

static void judge_inside(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	bool front = s->lead == 0 && !s->joined;

	if (scene_glued_unproven(s)) {
		give(v, SIGNAL_E6, TECH_EMBEDDING, 0);
		v->held = HELD_GLUED;
	} else if (s->residue.foreign == 0 && s->tokens.foreign == 0 && s->residue.words > 0) {
		int shorter = front && s->residue.n_seen > 0 && s->residue.seen[0].keyword->len >= 4
				      ? (hit->to - hit->from >= 4 ? 60 : 50)
				      : 0;

		give(v, SIGNAL_E5, TECH_COMBOSQUAT,
		     by_class(v, 88, scene_telling(s) ? 88 : 62, shorter, scene_vouched(s) ? 60 : 40));
		v->held = v->base < SCORE_KEPT ? HELD_TOKEN : HELD_NO;
	} else {
		/* across a hyphen it takes one end that is an end of a token too */
		int across = s->lead == 0 || s->tail == 0 ? 62 : 50;

		give(v, SIGNAL_E6, TECH_EMBEDDING,
		     s->joined ? by_class(v, across, 0, 0, 0) : by_class(v, 66, 45, 0, 0));
		v->held = v->base >= SCORE_MEDIUM ? HELD_NO : HELD_TOKEN;
	}
}

static void judge_exact(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	if (s->full)
		judge_label(s, v);
	else if (s->whole)
		judge_tokens(s, v);
	else
		judge_inside(s, hit, v);
}

static void judge_cross(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	const struct raw_text *raw = s->raw;
	const struct look_label *last = &raw->labels[raw->label_of[hit->to - 1]];
	bool equal = hit->from == s->label->from && hit->to == last->to;
	bool wide = last - s->label > 2, aligned;

	give(v, SIGNAL_X1, TECH_SUBDOMAIN_SPLIT, 0);
	v->held = HELD_CLASS;
	if (hit->how != HOW_EXACT || wide || s->term->kind != TERM_NAME)
		return;
	aligned = hit->from == s->label->from || hit->to == last->to;
	v->base = (int16_t)(equal            ? by_class(v, 70, 66, 0, 0)
			    : s->term->glued ? 0
					     : by_class(v, aligned ? 62 : 50, 0, 0, 0));
	v->held = v->base >= SCORE_MEDIUM ? HELD_NO : HELD_CLASS;
}

static void judge_shape(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	bool leet = hit->how == HOW_LEET, beside = scene_keywords_only(s);
	enum look_technique technique = leet ? TECH_LEET : TECH_HOMOGLYPH;
	int off = leet ? 8 : 0;

	v->held = HELD_NO;
	if (s->full || s->whole) {
		/* of four letters, "vps" for "ups" is a word of its own; a digit among letters is not */
		int shorter = !leet && beside && scene_telling(s) && scene_has_digit(s, hit) ? 62 : 0;
		int word = beside && (scene_vouched(s) || s->joined) ? 62 : s->full ? 50 : 35;

		give(v, leet ? SIGNAL_F2 : SIGNAL_F1, technique,
		     by_class(v, 88 - off, s->full || beside ? 88 - off : 65, shorter, leet ? 0 : word));
		v->held = v->base < SCORE_KEPT ? HELD_KEYWORD : HELD_NO;
	} else if (scene_glued_unproven(s)) {
		give(v, SIGNAL_F3, technique, 0);
		v->held = HELD_GLUED;
	} else {
		give(v, SIGNAL_F3, technique,
		     beside ? by_class(v, leet ? 80 : 85, leet ? 65 : 70, 0, 0) : by_class(v, 75 - off, 0, 0, 0));
		v->held = v->base ? HELD_NO : HELD_TOKEN;
	}
}

static void judge_idn(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	bool beside = scene_keywords_only(s), plain = s->diacritics_only;

	v->held = HELD_NO;
	if (hit->how == HOW_EDIT || hit->how == HOW_NEAR)
		give(v, SIGNAL_I3, TECH_IDN_HOMOGLYPH,
		     hit->distance == 1 ? by_class(v, 75, 0, 0, 0) : by_class(v, 66, 0, 0, 0));
	else if (s->full)
		give(v, SIGNAL_I1, TECH_IDN_HOMOGLYPH, by_class(v, 95, 95, 82, plain ? 50 : 82));
	else if (s->whole)
		give(v, SIGNAL_I2, TECH_IDN_HOMOGLYPH,
		     by_class(v, 92, 92, beside ? 75 : 60, plain ? (beside ? 62 : 40) : (beside ? 75 : 60)));
	else
		give(v, SIGNAL_I3, TECH_IDN_HOMOGLYPH,
		     by_class(v, scene_glued_unproven(s) ? 0 : 80, beside ? 75 : 0, 0, 0));
	if (v->base == 0)
		v->held = HELD_CLASS;
}

/* A swap or an extra letter, which a reader does not see. */
static bool is_quiet(const struct scene *s, const struct hit *hit)
{
	return osa_is_quiet(s->look->codes + s->term->text, s->term->len, s->raw->code + hit->from, hit->to - hit->from);
}

static int close_base(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	const struct term *term = s->term;
	bool quiet = is_quiet(s, hit);

	if (hit->how == HOW_NEAR) {
		give(v, SIGNAL_F4, TECH_HOMOGLYPH,
		     by_class(v, hit->distance <= (term->len < 12 ? 2u : term->len / 4u) ? 68 : 0, 0, 0, 0));
	} else if (hit->distance == 1) {
		give(v, SIGNAL_D1, TECH_TYPO,
		     hit->folded ? by_class(v, 70, 0, 0, 0) : by_class(v, 78, quiet ? 62 : 50, 0, 0));
		v->loud = v->class == CLASS_MEDIUM && !quiet;
	} else {
		give(v, SIGNAL_D2, TECH_DISTANCE_2, by_class(v, hit->folded ? 55 : 62, 0, 0, 0));
	}
	return v->base;
}

#define FOREIGN_POINTS (-16)
#define APART_CEILING 45        /* with a keyword beside it, too, not flagged */

/* Distance 1 and 2, and near shapes: a whole part of the name, or one with keywords glued to it. */
static void judge_close(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	int base = close_base(s, hit, v);

	v->held = base >= SCORE_MEDIUM ? HELD_NO : HELD_CLASS;
	/* "ciba-online" is a short word and a keyword, whoever cijaonline is */
	if (base > APART_CEILING && s->term->glued && s->joined && !is_quiet(s, hit)) {
		base = APART_CEILING;
		v->held = HELD_APART;
	}
	if (base && (s->tokens.foreign > 0 || scene_differs_in_number(s, hit))) {
		base += FOREIGN_POINTS;
		v->held = HELD_WEAK;
	}
	if ((!s->whole && (s->residue.foreign > 0 || s->residue.words == 0)) || scene_is_cut_term(s, hit)) {
		base = 0;
		v->held = HELD_RESIDUE;
	}
	if (base && scene_is_ordinary(s, hit)) {
		base = 0;
		v->held = HELD_ORDINARY;
	}
	v->base = (int16_t)base;
}

/* ---- modifiers -------------------------------------------------------------------------------------------------------------- */

#define KEYWORD_POINTS 12
#define SHAPE_CEILING 92        /* no more than the term itself beside the same keywords (E2) */
#define ZONE_POINTS (-10)
#define ZONE_POINTS_CLOSE (-12)

static void take_words(struct verdict *v, const struct beside *b)
{
	for (unsigned i = 0; i < b->n_seen && v->n_words < SEEN_WORDS_MAX; i++)
		v->words[v->n_words++] = b->seen[i];
}

/* Aliases, and terms of two letters, count beside a word of the brand's own only. */
static bool needs_own_word(const struct term *term)
{
	return term->kind == TERM_ALIAS || (term->kind == TERM_NAME && term->len <= 2);
}

/* A whole deeper label: the registrable label beside it decides how much it means. */
static void judge_beside_registrable(const struct scene *s, struct verdict *v)
{
	const struct look_label *r = &s->raw->labels[s->raw->n_labels - 1];
	struct beside b = { 0 };

	for (unsigned t = r->first_token; t < r->first_token + (unsigned)r->n_tokens; t++)
		scene_note_part(s, s->raw->tokens[t].from, s->raw->tokens[t].to, RESIDUE_WORDS_MAX, &b);
	if (b.words == 0 || !b.telling)
		return;
	if (needs_own_word(s->term) && !b.own)
		return;
	v->keyword = (int16_t)by_class(v, 15, 15, 35, b.own || b.strong ? 35 : 15);
	take_words(v, &b);
}

/* Read as one shape, a name is explained better than by an edit of the same letters: so its keywords count as well. */
static int keyword_points_of_shape(const struct scene *s, const struct verdict *v)
{
	int room = SHAPE_CEILING - v->base;

	if (s->idn || !scene_keywords_only(s) || v->class == CLASS_SHORT || v->class == CLASS_WORD || room <= 0)
		return 0;
	return room < KEYWORD_POINTS ? room : KEYWORD_POINTS;
}

static void add_modifiers(const struct scene *s, const struct hit *hit, struct verdict *v)
{
	bool close = hit->how == HOW_EDIT || hit->how == HOW_NEAR;

	if (v->base == 0)
		return;
	take_words(v, &s->tokens);
	take_words(v, &s->residue);
	/* a replaced letter in a medium term makes many a family name: only words that ask for credentials, or the brand's own, add */
	if (close && !s->idn && scene_keywords_only(s) && (!v->loud || scene_vouched(s)))
		v->keyword = KEYWORD_POINTS;
	if (hit->how == HOW_SHAPE || hit->how == HOW_LEET)
		v->keyword = (int16_t)keyword_points_of_shape(s, v);
	if (v->signal == SIGNAL_Z)
		judge_beside_registrable(s, v);
	else if (!s->in_registrable)
		v->zone = close ? ZONE_POINTS_CLOSE : ZONE_POINTS;
}

static void hold_weak_terms(const struct scene *s, struct verdict *v)
{
	bool own = s->tokens.own || s->residue.own || (v->signal == SIGNAL_Z && v->keyword > 0);
	int ceiling = own ? (s->term->len <= SHORT_LEN_MAX ? 60 : 80) : 40;

	if (!needs_own_word(s->term))
		return;
	if (v->base <= ceiling && v->base + v->keyword + v->zone <= ceiling)
		return;
	v->base = (int16_t)(v->base < ceiling ? v->base : ceiling);
	v->keyword = v->zone = 0;
	if (!own)
		v->held = HELD_OWN_KEYWORD;
}

/* ---- official domains and native names ------------------------------------------------------------------------------------------ */

enum separators { ALL_DOTS, SOME_HYPHENS, SOME_GLUED, OTHER_DOTS };

/* How the labels of an official domain are separated where it was found. */
static enum separators official_separators(const struct official *o, const struct raw_text *raw, unsigned from)
{
	enum separators found = ALL_DOTS;
	unsigned next = 1;

	for (unsigned i = 1; i < o->len; i++) {
		enum edge edge = raw->edge[from + i];
		bool boundary = next < o->n_labels && o->label_at[next] == i;

		next += boundary;
		if (!boundary && edge == EDGE_DOT)
			return OTHER_DOTS;
		if (boundary && edge == EDGE_NONE)
			found = SOME_GLUED;
		else if (boundary && edge == EDGE_HYPHEN && found == ALL_DOTS)
			found = SOME_HYPHENS;
	}
	return found;
}

/* Other words behind it in the label where it ends, none of them a keyword: "msc.com-science" may be anybody's. */
static bool foreign_behind(struct scene *s, const struct official *o, const struct hit *hit)
{
	const struct look_label *label = &s->raw->labels[s->raw->label_of[hit->to - 1]];
	struct beside b = { 0 };

	s->brand = o->brand;
	s->sets = s->look->index[o->brand].keyword_sets;
	for (unsigned t = label->first_token; t < label->first_token + (unsigned)label->n_tokens; t++)
		if (s->raw->tokens[t].from >= hit->to)
			scene_note_part(s, s->raw->tokens[t].from, s->raw->tokens[t].to, TOKEN_WORDS_MAX, &b);
	return b.foreign > 0 && b.words == 0;
}

static void judge_official(struct scene *s, const struct hit *hit, struct verdict *v)
{
	const struct official *o = &s->look->officials[hit->term];
	bool foreign = foreign_behind(s, o, hit);

	v->brand = o->brand;
	v->class = o->class;
	switch (official_separators(o, s->raw, hit->from)) {
	case ALL_DOTS:
		give(v, SIGNAL_L1, TECH_TARGET_EMBEDDING, foreign ? by_class(v, 97, 97, 50, 75) : 97);
		break;
	case SOME_HYPHENS:
		give(v, SIGNAL_L2, TECH_TLD_IN_LABEL, o->own_len < 3 ? 60 : foreign ? by_class(v, 94, 94, 70, 70) : 94);
		break;
	case SOME_GLUED:
		give(v, SIGNAL_L3, TECH_MISSING_DOT, o->own_len < 3 ? 0 : by_class(v, 88, 88, foreign ? 45 : 62, 50));
		break;
	case OTHER_DOTS:
		give(v, SIGNAL_L3, TECH_MISSING_DOT, 0);
	}
	v->held = v->base >= SCORE_MEDIUM ? HELD_NO : HELD_CLASS;
}

static void judge_native(const struct scene *s, struct verdict *v)
{
	give(v, SIGNAL_N1, TECH_NATIVE_NAME, s->full ? 85 : scene_keywords_only(s) ? 85 : 78);
	if (!s->in_registrable)
		v->zone = ZONE_POINTS;
	take_words(v, &s->tokens);
}

/* ---- all together ------------------------------------------------------------------------------------------------------------------ */

static bool finish(const struct lookalike *look, uint32_t brand, struct verdict *v)
{
	const enum technique_mode *modes = look->brands[brand].techniques;
	enum technique_mode mode = modes ? modes[v->technique] : TECHNIQUE_DEFAULT;
	int score = v->base + v->keyword + v->zone;

	if (mode == TECHNIQUE_OFF && score > 0) {
		v->held = HELD_TECHNIQUE;
		score = 0;
	}
	v->digest = mode == TECHNIQUE_DIGEST;
	v->score = (int16_t)(score < 0 ? 0 : score > 100 ? 100 : score);
	v->level = (int16_t)(v->digest && v->score >= SCORE_MEDIUM ? SCORE_MEDIUM - 1 : v->score);
	return v->score > 0;
}

bool look_judge(const struct lookalike *look, const struct lookalike_scratch *scratch, const struct hit *hit,
		struct verdict *v)
{
	struct scene s;

	*v = (struct verdict){ .hit = *hit, .signal = SIGNAL_E6, .technique = TECH_EMBEDDING };
	scene_init(&s, look, scratch, hit);
	if (hit->how == HOW_OFFICIAL) {
		judge_official(&s, hit, v);
		return finish(look, v->brand, v);
	}
	s.term = &look->terms[hit->term];
	s.brand = v->brand = s.term->brand;
	s.sets = look->index[s.brand].keyword_sets;
	v->class = s.term->class;
	if (s.cross) {
		judge_cross(&s, hit, v);
	} else {
		scene_look_beside(&s, hit);
		if (hit->how == HOW_NATIVE)
			judge_native(&s, v);
		else if (hit->how == HOW_EDIT || hit->how == HOW_NEAR)
			judge_close(&s, hit, v);
		else if (hit->how == HOW_EXACT)
			judge_exact(&s, hit, v);
		else
			judge_shape(&s, hit, v);
		if (s.idn && hit->how != HOW_NATIVE && v->held != HELD_RESIDUE)
			judge_idn(&s, hit, v);
	}
	if (hit->how != HOW_NATIVE)
		add_modifiers(&s, hit, v);
	hold_weak_terms(&s, v);
	if (scene_is_excluded(&s, hit)) {
		v->base = v->keyword = v->zone = 0;
		v->held = HELD_EXCLUDED;
	}
	return finish(look, s.brand, v);
}
