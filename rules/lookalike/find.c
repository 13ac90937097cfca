/*
 * Every term that a name's letters are, hold, or come close to. The work grows with the length of the name, not with the number
 * of brands: each part of the name is one hash, and nearly every hash ends at a bitmap.
 */
#include "lookalike_private.h"

#include <stdlib.h>
#include <string.h>

#define CORE_LEN_MIN 4 /* what may be left when a keyword is taken off a token */
#define AFFIX_LEN_MAX 14
#define OFFICIAL_TOKENS_MAX 10 /* an official domain written with as many separators is no longer read as one */

struct search {
	const struct lookalike *look;
	const struct lookalike_scratch *scratch;
	const struct folded_text *text;
	enum variant variant;
	look_hit_fn *on_hit;
	void *context;
};

static inline uint64_t part_hash(const struct search *s, unsigned from, unsigned to)
{
	return s->text->hash[to] - s->text->hash[from] * s->look->powers[to - from];
}

static const uint8_t *form_codes(const struct search *s, const struct form *form)
{
	return s->look->codes + form->text;
}

/* ---- parts -------------------------------------------------------------------------------------------------------- */

static void add_piece(struct lookalike_scratch *scratch, unsigned from, unsigned to)
{
	if (scratch->n_pieces < PIECES_MAX && to - from >= 2 && to - from <= TERM_LEN_MAX + 2u)
		scratch->pieces[scratch->n_pieces++] = (struct piece){ (uint16_t)from, (uint16_t)to };
}

/* Letters of a short prefix word (my, www) at the front; longer ones are keywords like others. */
static unsigned short_prefix(const struct lookalike *look, const struct folded_text *text, unsigned from)
{
	if (!(look->keywords.prefix_starts >> text->code[from] & 1))
		return 0;
	for (unsigned k = AFFIX_LEN_MIN - 1; k >= 2; k--) {
		const struct keyword *word = keyword_find(&look->keywords, text->code + from, k,
							  text->hash[from + k] - text->hash[from] * look->powers[k]);

		if (word && word->prefix)
			return k;
	}
	return 0;
}

/*
 * A token, or a label without its hyphens, less a keyword at its front or its end, or the longest at both. All of them, since
 * "secured" in front of "ropbox" is "secure" in front of "dropbox".
 */
static void add_cores(const struct lookalike *look, struct lookalike_scratch *scratch, unsigned from, unsigned to)
{
	const struct folded_text *text = &scratch->text[VARIANT_BASE];
	unsigned len = to - from, front = 0, back = 0;

	if (len < CORE_LEN_MIN + AFFIX_LEN_MIN)
		return;

	unsigned longest = len - CORE_LEN_MIN < AFFIX_LEN_MAX ? len - CORE_LEN_MIN : AFFIX_LEN_MAX;
	bool try_front = trigrams_have(&look->keywords.fronts, text->code + from);
	bool try_back = trigrams_have(&look->keywords.backs, text->code + to - 3);

	for (unsigned k = longest; k >= AFFIX_LEN_MIN && (try_front || try_back); k--) {
		const uint8_t *first = text->code + from, *last = text->code + to - k;

		if (try_front &&
		    keyword_find(&look->keywords, first, k, text->hash[from + k] - text->hash[from] * look->powers[k])) {
			add_piece(scratch, from + k, to);
			front = front ? front : k;
		}
		if (try_back &&
		    keyword_find(&look->keywords, last, k, text->hash[to] - text->hash[to - k] * look->powers[k])) {
			add_piece(scratch, from, to - k);
			back = back ? back : k;
		}
	}
	if (!front && (front = short_prefix(look, text, from)) > 0)
		add_piece(scratch, from + front, to);
	if (front && back && front + back + CORE_LEN_MIN <= len)
		add_piece(scratch, from + front, to - back);
}

static bool all_digits(const struct raw_text *raw, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (raw->code[i] <= 26 || raw->code[i] == CODE_OTHER)
			return false;
	return true;
}

/* The token without the digits at its ends (drive24). */
static void add_bare(struct lookalike_scratch *scratch, const struct look_token *token)
{
	const struct raw_text *raw = &scratch->raw;
	unsigned from = token->from, to = token->to;

	while (from < to && all_digits(raw, from, from + 1))
		from++;
	while (to > from && all_digits(raw, to - 1, to))
		to--;
	if (to - from < (unsigned)(token->to - token->from))
		add_piece(scratch, from, to);
}

static void add_label_pieces(const struct lookalike *look, struct lookalike_scratch *scratch,
			     const struct look_label *label)
{
	const struct look_token *tokens = scratch->raw.tokens + label->first_token;
	unsigned first = scratch->n_pieces, n = label->n_tokens;

	if (n > 1) {
		add_piece(scratch, label->from, label->to);
		add_cores(look, scratch, label->from, label->to);
	}
	for (unsigned i = 0; i < n && scratch->n_pieces - first < PIECES_OF_LABEL_MAX; i++) {
		add_piece(scratch, tokens[i].from, tokens[i].to);
		add_bare(scratch, &tokens[i]);
		add_cores(look, scratch, tokens[i].from, tokens[i].to);
	}
	for (unsigned width = 2; width <= 4 && width < n; width++)
		for (unsigned i = 0; i + width <= n && scratch->n_pieces - first < PIECES_OF_LABEL_MAX; i++)
			add_piece(scratch, tokens[i].from, tokens[i + width - 1].to);
}

void look_text(const struct lookalike *look, struct lookalike_scratch *scratch, const struct name_view *view)
{
	const struct raw_text *raw = &scratch->raw;

	raw_text_init(&scratch->raw, view);
	scratch->has[VARIANT_BASE] = true;
	scratch->has[VARIANT_SEQUENCE] = raw->has_sequence;
	scratch->has[VARIANT_LEET] = raw->has_leet;
	for (enum variant v = 0; v < N_VARIANTS; v++)
		if (scratch->has[v])
			folded_text_init(&scratch->text[v], raw, v);
	scratch->n_pieces = 0;
	/* from the registrable label leftwards: a name of many labels keeps what counts */
	for (unsigned l = raw->n_labels; l-- > 0;)
		add_label_pieces(look, scratch, &raw->labels[l]);
}

/* ---- equal letters --------------------------------------------------------------------------------------------------- */

static bool raw_equal(const struct raw_text *raw, unsigned from, unsigned to, const uint8_t *codes, size_t len)
{
	return to - from == len && memcmp(raw->code + from, codes, len) == 0;
}

/* [from, to) of the variant's text is this form. In a variant, only what the base text cannot show. */
static void report_equal(const struct search *s, const struct form *form, unsigned from, unsigned to)
{
	const struct raw_text *raw = &s->scratch->raw;
	const struct term *term = &s->look->terms[form->term];
	struct hit hit = { .term = form->term, .from = s->text->raw[from], .to = s->text->raw[to] };

	if (raw_equal(raw, hit.from, hit.to, s->look->codes + term->text, term->len))
		hit.how = HOW_EXACT;
	else
		hit.how = s->variant == VARIANT_LEET ? HOW_LEET : HOW_SHAPE;
	if (s->variant == VARIANT_BASE || hit.how != HOW_EXACT)
		s->on_hit(s->context, &hit);
}

/* Terms of five letters and more, wherever they stand. */
static void find_windows(const struct search *s)
{
	const struct folded_text *text = s->text;
	struct probe probe;
	uint32_t number;
	uint8_t offset;

	for (unsigned i = 0; i + WINDOW <= text->n; i++) {
		if (!probe_begin(&s->look->windows, part_hash(s, i, i + WINDOW), &probe))
			continue;
		while (probe_next(&s->look->windows, &probe, &number, &offset)) {
			const struct form *form = &s->look->forms[number];

			if (offset <= i && i - offset + form->len <= text->n &&
			    memcmp(text->code + i - offset, form_codes(s, form), form->len) == 0)
				report_equal(s, form, i - offset, i - offset + form->len);
		}
	}
}

static void find_short_at(const struct search *s, unsigned from, unsigned to)
{
	struct probe probe;
	uint32_t number;
	uint8_t offset;

	if (!probe_begin(&s->look->shorts, part_hash(s, from, to), &probe))
		return;
	while (probe_next(&s->look->shorts, &probe, &number, &offset)) {
		const struct form *form = &s->look->forms[number];

		if (form->len == to - from && memcmp(s->text->code + from, form_codes(s, form), form->len) == 0)
			report_equal(s, form, from, to);
	}
}

/* Shorter ones: a whole part, or the front of one. */
static void find_shorts(const struct search *s)
{
	const struct lookalike_scratch *scratch = s->scratch;

	if (s->look->shorts.slots == NULL)
		return;
	for (unsigned p = 0; p < scratch->n_pieces; p++) {
		unsigned from = s->text->at[scratch->pieces[p].from], to = s->text->at[scratch->pieces[p].to];

		for (unsigned len = 2; len < WINDOW && from + len <= to; len++)
			find_short_at(s, from, from + len);
	}
}

/* ---- close letters ----------------------------------------------------------------------------------------------------- */

static void report_edit(const struct search *s, uint32_t number, unsigned from, unsigned to, unsigned max)
{
	const struct raw_text *raw = &s->scratch->raw;
	const struct form *form = &s->look->forms[number];
	const struct term *term = &s->look->terms[form->term];
	struct hit hit = { .term = form->term, .from = s->text->raw[from], .to = s->text->raw[to], .how = HOW_EDIT };
	unsigned folded = osa_distance(form_codes(s, form), form->len, s->text->code + from, to - from, max);

	if (folded > max || folded == 0 || raw_equal(raw, hit.from, hit.to, s->look->codes + term->text, term->len))
		return;
	hit.folded = osa_distance(s->look->codes + term->text, term->len, raw->code + hit.from, hit.to - hit.from,
				  folded) != folded;
	hit.distance = (uint8_t)folded;
	s->on_hit(s->context, &hit);
}

static void look_up_edits(const struct search *s, const struct probe_table *table, struct probe *probe, unsigned from,
			  unsigned to, unsigned max)
{
	uint32_t number;
	uint8_t offset;

	while (probe_next(table, probe, &number, &offset))
		report_edit(s, number, from, to, max);
}

static inline void probe_deletion(const struct search *s, const struct probe_table *table, uint64_t hash, unsigned from,
				  unsigned to, unsigned max)
{
	struct probe probe;

	if (probe_begin(table, hash, &probe))
		look_up_edits(s, table, &probe, from, to, max);
}

/* Has the index a form whose length is within the distance? Forms have at most TERM_LEN_MAX = 63 letters. */
static bool lengths_fit(uint64_t lengths, unsigned len, unsigned distance)
{
	if (len > TERM_LEN_MAX + distance)
		return false;
	for (unsigned l = len > distance ? len - distance : 0; l <= len + distance && l <= TERM_LEN_MAX; l++)
		if (lengths >> l & 1)
			return true;
	return false;
}

/* The first letters as they are, and less one of them. */
static void find_distance1(const struct search *s, unsigned from, unsigned to)
{
	const struct lookalike *look = s->look;
	unsigned len = to - from, end = len < DELETE1_PREFIX ? to : from + DELETE1_PREFIX;

	if (!lengths_fit(look->lengths1, len, 1))
		return;
	probe_deletion(s, &look->deletions1, part_hash(s, from, end), from, to, 1);
	for (unsigned i = from; i < end; i++) {
		if (i > from && s->text->code[i] == s->text->code[i - 1])
			continue;
		probe_deletion(s, &look->deletions1,
			       part_hash(s, from, i) * look->powers[end - i - 1] + part_hash(s, i + 1, end), from, to,
			       1);
	}
}

/* Is one of the three parts of some term where two edits may have left it? */
static bool may_be_two_edits(const struct search *s, unsigned from, unsigned to)
{
	const uint8_t *code = s->text->code + from;
	unsigned len = to - from, middle = len / 2;

	for (unsigned i = 0; i <= 2; i++)
		if (trigrams_have(&s->look->first, code + i) || trigrams_have(&s->look->last, code + len - 3 - i))
			return true;
	for (unsigned i = middle - 4; i <= middle + 2; i++)
		if (trigrams_have(&s->look->middle, code + i))
			return true;
	return false;
}

/*
 * Less two of them: without letters i and j the hash is front[i] + back[j], where front[i] is what stands before i, moved
 * over, less the sum up to i in the place where it would have counted, and back[j] is the sum up to j, moved, and what follows j.
 */
static void find_distance2(const struct search *s, unsigned from, unsigned to)
{
	const struct lookalike *look = s->look;
	const uint64_t *sum = s->text->hash, *power = look->powers;
	unsigned len = to - from, end = len < DELETE2_PREFIX ? to : from + DELETE2_PREFIX;
	uint64_t back[DELETE2_PREFIX];

	if (len + 2 < DELETE2_LEN_MIN || !lengths_fit(look->lengths2, len, 2) || !may_be_two_edits(s, from, to))
		return;
	probe_deletion(s, &look->deletions2, part_hash(s, from, end), from, to, 2);
	for (unsigned j = from; j < end; j++) {
		back[j - from] = sum[j] * power[end - j - 1] + part_hash(s, j + 1, end);
		probe_deletion(s, &look->deletions2,
			       part_hash(s, from, j) * power[end - j - 1] + part_hash(s, j + 1, end), from, to, 2);
	}
	for (unsigned i = from; i + 1 < end; i++) {
		uint64_t front = (part_hash(s, from, i) - sum[i + 1]) * power[end - i - 2];

		for (unsigned j = i + 1; j < end; j++)
			probe_deletion(s, &look->deletions2, front + back[j - from], from, to, 2);
	}
}

static void look_up_near(const struct search *s, struct probe *probe, unsigned from, unsigned to)
{
	uint32_t number;
	uint8_t offset;

	while (probe_next(&s->look->near, probe, &number, &offset)) {
		const struct form *form = &s->look->forms[number];
		uint8_t near[TERM_LEN_MAX + 2], other[TERM_LEN_MAX];
		size_t n = fold_near(s->text->code + from, to - from, near);
		struct hit hit = {
			.term = form->term, .from = s->text->raw[from], .to = s->text->raw[to], .how = HOW_NEAR
		};

		if (fold_near(form_codes(s, form), form->len, other) != n || memcmp(near, other, n) != 0)
			continue;
		hit.distance = (uint8_t)osa_distance(form_codes(s, form), form->len, s->text->code + from, to - from,
						     NEAR_EDITS_MAX);
		if (hit.distance > 0 && hit.distance <= NEAR_EDITS_MAX)
			s->on_hit(s->context, &hit);
	}
}

static void find_near(const struct search *s, unsigned from, unsigned to)
{
	struct probe probe;

	if (probe_begin(&s->look->near, hash_near(s->text->code + from, to - from), &probe))
		look_up_near(s, &probe, from, to);
}

static void find_close(const struct search *s)
{
	const struct lookalike_scratch *scratch = s->scratch;

	for (unsigned p = 0; p < scratch->n_pieces; p++) {
		unsigned from = s->text->at[scratch->pieces[p].from], to = s->text->at[scratch->pieces[p].to];

		if (to - from < DELETE1_LEN_MIN - 1)
			continue;
		find_distance1(s, from, to);
		if (to - from >= NEAR_PIECE_MIN)
			find_near(s, from, to);
		find_distance2(s, from, to);
	}
}

/* ---- official domains and native names ------------------------------------------------------------------------------------ */

/* From each token on, tokens joined: an official domain without its separators? */
static void find_officials(const struct search *s)
{
	const struct raw_text *raw = &s->scratch->raw;
	struct probe probe;
	uint32_t number;
	uint8_t offset;

	for (unsigned i = 0; i < raw->n_tokens; i++) {
		for (unsigned j = i; j < raw->n_tokens && j < i + OFFICIAL_TOKENS_MAX; j++) {
			unsigned from = raw->tokens[i].from, to = raw->tokens[j].to;

			if (to - from > s->look->longest_official || to - from > HASH_PART_MAX)
				break;
			if (!probe_begin(&s->look->official, part_hash(s, from, to), &probe))
				continue;
			while (probe_next(&s->look->official, &probe, &number, &offset)) {
				const struct official *official = &s->look->officials[number];
				struct hit hit = {
					.term = number, .from = (uint16_t)from, .to = (uint16_t)to, .how = HOW_OFFICIAL
				};

				if (raw_equal(raw, from, to, s->look->codes + official->text, official->len))
					s->on_hit(s->context, &hit);
			}
		}
	}
}

static void find_native_at(const struct search *s, unsigned from, unsigned to)
{
	const struct raw_text *raw = &s->scratch->raw;
	uint32_t points[TEXT_MAX];
	uint64_t hash = 0;
	size_t n = 0;
	struct probe probe;
	uint32_t number;
	uint8_t offset;

	for (unsigned i = from; i < to; i++) {
		/* letters that one code point became count once */
		if (i > from && raw->source[i] == raw->source[i - 1])
			continue;
		points[n++] = raw->point[i];
		hash = hash * HASH_BASE + raw->point[i];
	}
	if (!probe_begin(&s->look->native, hash, &probe))
		return;
	while (probe_next(&s->look->native, &probe, &number, &offset)) {
		const struct term *term = &s->look->terms[number];
		struct hit hit = { .term = number, .from = (uint16_t)from, .to = (uint16_t)to, .how = HOW_NATIVE };

		if (term->len == n && memcmp(s->look->points + term->text, points, n * sizeof(*points)) == 0)
			s->on_hit(s->context, &hit);
	}
}

static void find_natives(const struct search *s)
{
	const struct raw_text *raw = &s->scratch->raw;

	for (unsigned l = 0; l < raw->n_labels; l++) {
		const struct look_label *label = &raw->labels[l];

		if (!label->idn)
			continue;
		if (label->n_tokens > 1)
			find_native_at(s, label->from, label->to);
		for (unsigned t = label->first_token; t < label->first_token + (unsigned)label->n_tokens; t++)
			find_native_at(s, raw->tokens[t].from, raw->tokens[t].to);
	}
}

void look_find(const struct lookalike *look, const struct lookalike_scratch *scratch, look_hit_fn *on_hit,
	       void *context)
{
	struct search s = { look, scratch, &scratch->text[VARIANT_BASE], VARIANT_BASE, on_hit, context };

	if (look->official.slots)
		find_officials(&s);
	if (look->native.slots)
		find_natives(&s);
	for (enum variant v = 0; v < N_VARIANTS; v++) {
		if (!scratch->has[v])
			continue;
		s.text = &scratch->text[v];
		s.variant = v;
		find_windows(&s);
		find_shorts(&s);
		find_close(&s);
	}
}
