/* A name's letters without its separators, then folded; and the parts of it that are compared as a whole. */
#include "lookalike_private.h"

#include <string.h>

uint64_t hash_codes(const uint8_t *codes, size_t len)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < len; i++)
		hash = hash_step(hash, codes[i]);
	return hash;
}

/* ---- raw text ---------------------------------------------------------------------------------------------- */

/* What separates tokens; edge of the letter to come. */
struct writer {
	struct raw_text *text;
	enum edge edge;
	uint8_t source; /* code point of the label */
};

static void put_letter(struct writer *w, uint8_t code, uint32_t point, struct name_part bytes)
{
	struct raw_text *t = w->text;
	struct look_label *label = &t->labels[t->n_labels];

	if (t->n == TEXT_MAX)
		return;
	if (t->n == label->from || w->edge != EDGE_NONE) {
		if (t->n_tokens == TOKENS_MAX)
			return;
		t->tokens[t->n_tokens++] = (struct look_token){ (uint16_t)t->n, (uint16_t)t->n, (uint8_t)t->n_labels };
		label->n_tokens++;
	}
	t->edge[t->n] = (uint8_t)(t->n == label->from ? EDGE_DOT : w->edge);
	t->code[t->n] = code;
	t->point[t->n] = point;
	t->source[t->n] = w->source;
	t->start[t->n] = bytes.start;
	t->end[t->n] = bytes.end;
	t->label_of[t->n] = (uint8_t)t->n_labels;
	t->n++;
	t->tokens[t->n_tokens - 1].to = (uint16_t)t->n;
	w->edge = EDGE_NONE;
}

static void put_ascii_label(struct writer *w, struct slice name, struct name_part part)
{
	for (unsigned i = part.start; i < part.end; i++, w->source++) {
		uint8_t byte = name.data[i], code = code_of_ascii(byte);

		if (byte == '-' || byte == '_')
			w->edge = EDGE_HYPHEN;
		else
			put_letter(w, code ? code : CODE_OTHER, byte,
				   (struct name_part){ (uint8_t)i, (uint8_t)(i + 1) });
	}
}

static bool is_dash(uint32_t point)
{
	return point == '-' || point == '_' || (point >= 0x2010 && point <= 0x2015) || point == 0x30fb || point == 0xb7;
}

/* The bytes of an encoded label do not tell its letters apart: each letter stands for the whole label. */
static bool put_idn_label(struct writer *w, struct slice name, struct name_part part)
{
	uint32_t points[DNS_LABEL_MAX];
	size_t n;

	if (!punycode_decode(slice_sub(name, part.start + 4u, part.end), points, DNS_LABEL_MAX, &n))
		return false;
	for (size_t i = 0; i < n; i++, w->source++) {
		char ascii[4];
		const char *letters = fold_code_point(points[i], ascii);

		if (is_dash(points[i]))
			w->edge = EDGE_HYPHEN;
		else if (!letters)
			put_letter(w, CODE_OTHER, points[i], part);
		for (; !is_dash(points[i]) && letters && *letters; letters++)
			put_letter(w, code_of_ascii((uint8_t)*letters), points[i], part);
	}
	return true;
}

static bool has_ace_prefix(struct slice name, struct name_part part)
{
	return part.end - part.start > 4 && memcmp(name.data + part.start, "xn--", 4) == 0;
}

static void note_variants(struct raw_text *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		bool inside = i + 1 < t->n && t->edge[i + 1] == EDGE_NONE;

		if (inside && fold_pair(t->code[i], t->code[i + 1]))
			t->has_sequence = true;
		if (fold_leet(t->code[i]) == t->code[i])
			continue;
		if ((inside && t->code[i + 1] <= 26) || (i > 0 && t->edge[i] == EDGE_NONE && t->code[i - 1] <= 26))
			t->has_leet = true;
	}
}

void raw_text_init(struct raw_text *t, const struct name_view *view)
{
	t->n = t->n_labels = t->n_tokens = 0;
	t->has_sequence = t->has_leet = false;
	for (unsigned i = 0; view->has_registrable && i <= view->registrable; i++) {
		struct look_label *label = &t->labels[t->n_labels];
		struct writer w = { t, EDGE_NONE, 0 };

		*label = (struct look_label){ .from = (uint16_t)t->n,
					      .first_token = (uint8_t)t->n_tokens,
					      .number = (uint8_t)i };
		label->idn =
			has_ace_prefix(view->name, view->labels[i]) && put_idn_label(&w, view->name, view->labels[i]);
		if (!label->idn)
			put_ascii_label(&w, view->name, view->labels[i]);
		label->to = (uint16_t)t->n;
		if (t->n > label->from)
			t->n_labels++;
	}
	t->edge[t->n] = EDGE_DOT;
	note_variants(t);
}

/* ---- folded text --------------------------------------------------------------------------------------------- */

void folded_text_init(struct folded_text *f, const struct raw_text *t, enum variant variant)
{
	unsigned n = 0;
	uint64_t hash = 0;

	f->hash[0] = 0;
	for (unsigned i = 0; i < t->n; i++) {
		uint8_t code = t->code[i], pair = 0;

		f->raw[n] = (uint16_t)i;
		f->at[i] = (uint16_t)n;
		if (variant == VARIANT_SEQUENCE && i + 1 < t->n && t->edge[i + 1] == EDGE_NONE)
			pair = fold_pair(code, t->code[i + 1]);
		else if (variant == VARIANT_LEET)
			code = fold_leet(code);
		if (pair) {
			code = pair;
			f->at[++i] = (uint16_t)n;
		}
		f->code[n] = fold_shape(code);
		hash = hash_step(hash, f->code[n]);
		f->hash[++n] = hash;
	}
	f->raw[n] = (uint16_t)t->n;
	f->at[t->n] = (uint16_t)n;
	f->n = n;
}
