/* Where a hit stands in its name. See scene.h. */
#include "scene.h"

#include <string.h>

static bool is_digit_code(uint8_t code)
{
	return code > 26 && code < CODE_OTHER;
}

static bool all_digits(const struct raw_text *raw, unsigned from, unsigned to)
{
	while (from < to && is_digit_code(raw->code[from]))
		from++;
	return from == to;
}

static const struct keyword *keyword_at(const struct scene *s, unsigned from, unsigned to)
{
	const struct keyword *k = keyword_find(&s->look->keywords, s->base->code + from, to - from,
					       hash_codes(s->base->code + from, to - from));

	if (!k || !keyword_reads(&s->look->keywords, k, s->raw->code + from))
		return NULL;
	return keyword_counts(&s->look->keywords, k, s->brand, s->sets) ? k : NULL;
}

static void note_word(const struct scene *s, struct beside *b, const struct keyword *k, unsigned from, unsigned to)
{
	b->own = b->own || keyword_is_own(&s->look->keywords, k, s->brand);
	b->strong = b->strong || k->strong;
	b->telling = b->telling || k->len > 2;
	b->prefix = b->prefix || k->prefix;
	if (b->n_seen < SEEN_WORDS_MAX)
		b->seen[b->n_seen++] = (struct seen_word){ k, (uint16_t)from, (uint16_t)to };
}

#define INNER_WORD_LEN_MIN 3 /* two letters are a word among others only where they cannot be chance: "my" in front */

/* Are these letters at most `parts` keywords, with digits anywhere between? Notes them when they are. */
static bool segment(const struct scene *s, unsigned from, unsigned to, unsigned parts, struct beside *b)
{
	while (from < to && is_digit_code(s->raw->code[from]))
		from++;
	while (to > from && is_digit_code(s->raw->code[to - 1]))
		to--;
	if (from == to)
		return true;
	if (parts == 0)
		return false;
	for (unsigned len = to - from; len >= 2; len--) {
		const struct keyword *k = len <= s->look->keywords.longest ? keyword_at(s, from, from + len) : NULL;

		if (!k || (len != to - from && len < INNER_WORD_LEN_MIN && !k->prefix) ||
		    !segment(s, from + len, to, parts - 1, b))
			continue;
		note_word(s, b, k, from, from + len);
		return true;
	}
	return false;
}

#define NUMBER_LEN_MAX 4 /* a year; more digits are an account, not an ornament */

void scene_note_part(const struct scene *s, unsigned from, unsigned to, unsigned parts, struct beside *b)
{
	if (from == to)
		return;
	if (all_digits(s->raw, from, to)) {
		if (to - from <= NUMBER_LEN_MAX)
			b->digits++;
		else
			b->foreign++;
	} else if (segment(s, from, to, parts, b)) {
		b->words++;
	} else {
		b->foreign++;
	}
}

void scene_look_beside(struct scene *s, const struct hit *hit)
{
	const struct look_token *tokens = s->raw->tokens;
	struct beside lead = { 0 };

	for (unsigned t = s->label->first_token; t < s->label->first_token + (unsigned)s->label->n_tokens; t++)
		if (t < s->first || t > s->last)
			scene_note_part(s, tokens[t].from, tokens[t].to, TOKEN_WORDS_MAX, &s->tokens);
	scene_note_part(s, tokens[s->first].from, hit->from, RESIDUE_WORDS_MAX, &lead);
	s->led = lead.telling || lead.prefix;
	s->residue = lead;
	scene_note_part(s, hit->to, tokens[s->last].to, RESIDUE_WORDS_MAX, &s->residue);
}

static bool is_latin(uint32_t point)
{
	return point < 0x250 || (point >= 0x1e00 && point < 0x1f00);
}

static void look_script(struct scene *s, const struct hit *hit)
{
	s->diacritics_only = true;
	for (unsigned i = hit->from; i < hit->to; i++) {
		s->idn = s->idn || s->raw->point[i] >= 0x80;
		s->diacritics_only = s->diacritics_only && is_latin(s->raw->point[i]);
	}
}

void scene_init(struct scene *s, const struct lookalike *look, const struct lookalike_scratch *scratch,
		const struct hit *hit)
{
	const struct raw_text *raw = &scratch->raw;
	unsigned label = raw->label_of[hit->from];

	*s = (struct scene){
		.look = look, .raw = raw, .base = &scratch->text[VARIANT_BASE], .label = &raw->labels[label]
	};
	s->cross = raw->label_of[hit->to - 1] != label;
	s->in_registrable = raw->label_of[hit->to - 1] == raw->n_labels - 1;
	s->first = s->label->first_token;
	while (raw->tokens[s->first].to <= hit->from)
		s->first++;
	s->last = s->first;
	while (raw->tokens[s->last].to < hit->to)
		s->last++;
	s->lead = hit->from - raw->tokens[s->first].from;
	s->tail = raw->tokens[s->last].to - hit->to;
	s->joined = s->first != s->last;
	s->full = hit->from == s->label->from && hit->to == s->label->to;
	s->whole = all_digits(raw, hit->from - s->lead, hit->from) && all_digits(raw, hit->to, hit->to + s->tail) &&
		   s->lead + s->tail <= NUMBER_LEN_MAX;
	look_script(s, hit);
}

/* ---- exclusions ------------------------------------------------------------------------------------------------------- */

static bool same_word(const struct raw_text *raw, unsigned from, unsigned to, const char *word)
{
	for (; *word; word++) {
		uint8_t code = code_of_ascii((uint8_t)*word);

		if (code == 0)
			continue;
		if (from == to || raw->code[from] != code)
			return false;
		from++;
	}
	return from == to;
}

bool scene_is_excluded(const struct scene *s, const struct hit *hit)
{
	const struct text_list *words = &s->look->brands[s->brand].exclude_terms;

	for (size_t i = 0; i < words->n; i++)
		if (same_word(s->raw, hit->from, hit->to, words->items[i]) ||
		    same_word(s->raw, hit->from - s->lead, hit->to + s->tail, words->items[i]))
			return true;
	return false;
}

/* ---- questions ---- */

bool scene_keywords_only(const struct scene *s)
{
	return s->tokens.foreign + s->residue.foreign == 0 && s->tokens.words + s->residue.words > 0;
}

bool scene_glued_unproven(const struct scene *s)
{
	return s->term->glued && s->lead > 0 && !(scene_keywords_only(s) && s->led);
}

bool scene_vouched(const struct scene *s)
{
	return s->tokens.own || s->residue.own || s->tokens.strong || s->residue.strong;
}

bool scene_telling(const struct scene *s)
{
	return s->tokens.telling || s->residue.telling;
}

bool scene_has_digit(const struct scene *s, const struct hit *hit)
{
	for (unsigned i = hit->from; i < hit->to; i++)
		if (is_digit_code(s->raw->code[i]))
			return true;
	return false;
}

bool scene_is_cut_term(const struct scene *s, const struct hit *hit)
{
	const uint8_t *term = s->look->codes + s->term->text, *seen = s->raw->code;
	unsigned len = s->term->len;

	if ((unsigned)(hit->to - hit->from) + 1 != len)
		return false;
	return (s->lead > 0 && memcmp(seen + hit->from - 1, term, len) == 0) ||
	       (s->tail > 0 && memcmp(seen + hit->from, term, len) == 0);
}

bool scene_is_ordinary(const struct scene *s, const struct hit *hit)
{
	char word[TERM_LEN_MAX];
	unsigned len = hit->to - hit->from;

	if (len > TERM_LEN_MAX)
		return false;
	for (unsigned i = 0; i < len; i++)
		word[i] = ascii_of_code(s->raw->code[hit->from + i]);
	return is_ordinary_word(word, len);
}

bool scene_differs_in_number(const struct scene *s, const struct hit *hit)
{
	const uint8_t *term = s->look->codes + s->term->text, *seen = s->raw->code + hit->from;
	unsigned n = s->term->len, m = hit->to - hit->from;

	while (n > 0 && is_digit_code(term[n - 1]))
		n--;
	while (m > 0 && is_digit_code(seen[m - 1]))
		m--;
	return n < s->term->len && m < (unsigned)(hit->to - hit->from) && n == m && memcmp(term, seen, n) == 0;
}
