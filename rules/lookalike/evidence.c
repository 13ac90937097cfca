/* A verdict as rows for people: what was seen, which letters were read as which, which edits, which keywords, which zone. */
#include "lookalike_private.h"

#include <stdio.h>
#include <string.h>

#define FOLD_ROWS_MAX 8 /* changed letters told one by one */
#define QUOTE_LEN 96

static const char *const signal_names[N_SIGNALS] = {
	[SIGNAL_L1] = "L1", [SIGNAL_L2] = "L2", [SIGNAL_L3] = "L3", [SIGNAL_I1] = "I1", [SIGNAL_I2] = "I2",
	[SIGNAL_I3] = "I3", [SIGNAL_N1] = "N1", [SIGNAL_F1] = "F1", [SIGNAL_F2] = "F2", [SIGNAL_F3] = "F3",
	[SIGNAL_F4] = "F4", [SIGNAL_E1] = "E1", [SIGNAL_E2] = "E2", [SIGNAL_E3] = "E3", [SIGNAL_E4] = "E4",
	[SIGNAL_E5] = "E5", [SIGNAL_E6] = "E6", [SIGNAL_X1] = "X1", [SIGNAL_Z] = "Z",   [SIGNAL_D1] = "D1",
	[SIGNAL_D2] = "D2",
};

const char *look_signal_name(enum look_signal signal)
{
	return signal_names[signal];
}

static const char *const technique_names[N_TECHNIQUES + 1] = {
	[TECH_TLD_SWAP] = "tld-swap",
	[TECH_COMBOSQUAT] = "combosquat",
	[TECH_HYPHENATION] = "hyphenation",
	[TECH_EMBEDDING] = "embedding",
	[TECH_SUBDOMAIN_SPLIT] = "subdomain-split",
	[TECH_LEVELSQUAT] = "levelsquatting",
	[TECH_TARGET_EMBEDDING] = "target-embedding",
	[TECH_TLD_IN_LABEL] = "tld-in-label",
	[TECH_MISSING_DOT] = "missing-dot",
	[TECH_HOMOGLYPH] = "homoglyph",
	[TECH_LEET] = "leet",
	[TECH_IDN_HOMOGLYPH] = "idn-homoglyph",
	[TECH_NATIVE_NAME] = "native-name",
	[TECH_TYPO] = "typo",
	[TECH_DISTANCE_2] = "two-typos",
};

const char *const *lookalike_techniques(void)
{
	return technique_names;
}

size_t lookalike_n_techniques(void)
{
	return N_TECHNIQUES;
}

/* ---- quoting --------------------------------------------------------------------------------------------------------- */

/* Letters [from, to) as they were written, separators included, Unicode decoded; safe to print. */
static const char *quote(const struct raw_text *raw, unsigned from, unsigned to, char out[QUOTE_LEN])
{
	uint8_t text[4 * TERM_LEN_MAX];
	size_t len = 0;

	for (unsigned i = from; i < to && len + 6 < sizeof(text); i++) {
		if (i > from && raw->edge[i] != EDGE_NONE)
			text[len++] = raw->edge[i] == EDGE_DOT ? '.' : '-';
		if (i > from && raw->edge[i] == EDGE_NONE && raw->source[i] == raw->source[i - 1])
			continue;
		if (raw->point[i] >= 0x20)
			len += utf8_put(raw->point[i], text + len);
	}
	return text_escape(slice_of(text, len), out, QUOTE_LEN);
}

static const char *quote_term(const struct lookalike *look, const struct verdict *v, char out[QUOTE_LEN])
{
	const char *text =
		v->hit.how == HOW_OFFICIAL ? look->officials[v->hit.term].domain : look->terms[v->hit.term].shown;

	return text_escape(slice_text(text), out, QUOTE_LEN);
}

static const char *script_of(uint32_t point)
{
	static const struct {
		uint32_t first, last;
		const char *name;
	} scripts[] = {
		{ 0x80, 0x24f, "Latin" },       { 0x250, 0x2af, "Latin" },      { 0x300, 0x36f, "mark" },
		{ 0x370, 0x3ff, "Greek" },      { 0x400, 0x52f, "Cyrillic" },   { 0x530, 0x58f, "Armenian" },
		{ 0x590, 0x5ff, "Hebrew" },     { 0x600, 0x6ff, "Arabic" },     { 0x900, 0x97f, "Devanagari" },
		{ 0xe00, 0xe7f, "Thai" },       { 0x10a0, 0x10ff, "Georgian" }, { 0x13a0, 0x13ff, "Cherokee" },
		{ 0x1d00, 0x1dbf, "phonetic" }, { 0x1e00, 0x1eff, "Latin" },    { 0x1f00, 0x1fff, "Greek" },
		{ 0x2c60, 0x2c7f, "Latin" },    { 0x2c80, 0x2cff, "Coptic" },   { 0xa640, 0xa69f, "Cyrillic" },
		{ 0xa720, 0xa7ff, "Latin" },    { 0xab30, 0xab6f, "Latin" },
	};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		if (point >= scripts[i].first && point <= scripts[i].last)
			return scripts[i].name;
	return "other script";
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

struct account {
	const struct lookalike *look;
	const struct raw_text *raw;
	const struct verdict *v;
	struct candidate *out;
	int start, end; /* bytes of the name */
	char seen[QUOTE_LEN], term[QUOTE_LEN];
};

/* The sentence of the base row; % stands for the letters seen, # for the term. */
static const char *const base_sentences[N_SIGNALS] = {
	[SIGNAL_L1] = "official domain \"#\" stands inside another name, as \"%\"",
	[SIGNAL_L2] = "official domain \"#\" with hyphens for dots: \"%\"",
	[SIGNAL_L3] = "official domain \"#\" glued together: \"%\"",
	[SIGNAL_I1] = "label \"%\" reads as \"#\" in other letters",
	[SIGNAL_I2] = "\"%\" reads as \"#\" in other letters",
	[SIGNAL_I3] = "\"%\" resembles \"#\" in other letters",
	[SIGNAL_N1] = "\"%\" is the organisation's name in its own script",
	[SIGNAL_F1] = "\"%\" reads as \"#\"",
	[SIGNAL_F2] = "\"%\" reads as \"#\" with digits for letters",
	[SIGNAL_F3] = "\"%\" inside a longer word reads as \"#\"",
	[SIGNAL_F4] = "\"%\" has the shape of \"#\"",
	[SIGNAL_E1] = "the registrable label is the term \"#\" under another suffix",
	[SIGNAL_E2] = "contains the term \"#\" with keywords only beside it",
	[SIGNAL_E3] = "contains the term \"#\" with other words beside it",
	[SIGNAL_E4] = "\"%\" is the term \"#\" with hyphens in it",
	[SIGNAL_E5] = "contains the term \"#\" with keywords glued to it",
	[SIGNAL_E6] = "a longer word contains the term \"#\"",
	[SIGNAL_X1] = "\"%\" is the term \"#\" split across labels",
	[SIGNAL_Z] = "a deeper label is the term \"#\"",
	[SIGNAL_D1] = "\"%\" is one edit from \"#\"",
	[SIGNAL_D2] = "\"%\" is two edits from \"#\"",
};

static void base_row(const struct account *a)
{
	char sentence[CANDIDATE_DETAIL_LEN];
	size_t used = 0;

	for (const char *c = base_sentences[a->v->signal]; *c && used + 1 < sizeof(sentence); c++) {
		const char *text = *c == '%' ? a->seen : *c == '#' ? a->term : NULL;
		size_t len = text ? strlen(text) : 1;

		if (used + len >= sizeof(sentence))
			break;
		memcpy(sentence + used, text ? text : c, len);
		used += len;
	}
	sentence[used] = '\0';
	candidate_row(a->out, look_signal_name(a->v->signal), a->v->base, a->start, a->end, "%s", sentence);
}

/* Which letter was read as which: at most FOLD_ROWS_MAX different ones. */
static void fold_rows(const struct account *a)
{
	const struct hit *hit = &a->v->hit;
	uint32_t told[FOLD_ROWS_MAX];
	size_t n_told = 0;

	for (unsigned i = hit->from; i < hit->to && n_told < FOLD_ROWS_MAX; i++) {
		uint32_t point = a->raw->point[i];
		uint8_t letter[5] = { 0 };
		bool known = point < 0x80;
		char ascii[4];
		const char *as = fold_code_point(point, ascii);

		for (size_t t = 0; t < n_told; t++)
			known = known || told[t] == point;
		if (known)
			continue;
		told[n_told++] = point;
		utf8_put(point, letter);
		if (as)
			candidate_row(a->out, "FOLD", 0, a->start, a->end, "U+%04X \"%s\" (%s) reads as \"%s\"", point,
				      (char *)letter, script_of(point), as);
	}
}

/* Letters of the term and of the name side by side, as far as the fold is one to one or by pairs. */
static void shape_rows(const struct account *a)
{
	const struct hit *hit = &a->v->hit;
	const struct term *term = &a->look->terms[hit->term];
	const uint8_t *want = a->look->codes + term->text, *seen = a->raw->code + hit->from;
	size_t n = term->len, m = hit->to - hit->from, i = 0, j = 0, rows = 0;

	while (i < n && j < m && rows < FOLD_ROWS_MAX) {
		uint8_t here = hit->how == HOW_LEET ? fold_leet(seen[j]) : seen[j];

		if (want[i] == seen[j]) {
			i++, j++;
		} else if (j + 1 < m && fold_shape(fold_pair(seen[j], seen[j + 1])) == fold_shape(want[i])) {
			candidate_row(a->out, "FOLD", 0, a->start, a->end, "\"%c%c\" reads as \"%c\"",
				      ascii_of_code(seen[j]), ascii_of_code(seen[j + 1]), ascii_of_code(want[i]));
			i++, j += 2, rows++;
		} else if (i + 1 < n && fold_shape(fold_pair(want[i], want[i + 1])) == fold_shape(seen[j])) {
			candidate_row(a->out, "FOLD", 0, a->start, a->end, "\"%c\" reads as \"%c%c\"",
				      ascii_of_code(seen[j]), ascii_of_code(want[i]), ascii_of_code(want[i + 1]));
			i += 2, j++, rows++;
		} else if (fold_shape(here) == fold_shape(want[i])) {
			candidate_row(a->out, "FOLD", 0, a->raw->start[hit->from + j], a->raw->end[hit->from + j],
				      "\"%c\" reads as \"%c\"", ascii_of_code(seen[j]), ascii_of_code(want[i]));
			i++, j++, rows++;
		} else {
			return;
		}
	}
}

static void edit_row(const struct account *a)
{
	const struct hit *hit = &a->v->hit;
	const struct term *term = &a->look->terms[hit->term];
	char edits[CANDIDATE_DETAIL_LEN - 16];

	osa_describe(a->look->codes + term->text, term->len, a->raw->code + hit->from, hit->to - hit->from, edits,
		     sizeof(edits));
	if (edits[0])
		candidate_row(a->out, "EDIT", 0, a->start, a->end, "%s", edits);
}

static void keyword_rows(const struct account *a)
{
	const struct verdict *v = a->v;

	for (unsigned i = 0; i < v->n_words; i++) {
		const struct seen_word *seen = &v->words[i];
		char word[QUOTE_LEN];

		quote(a->raw, seen->from, seen->to, word);
		candidate_row(a->out, "KW", i == 0 ? v->keyword : 0, a->raw->start[seen->from],
			      a->raw->end[seen->to - 1], "\"%s\" is a keyword (%s)%s", word,
			      keyword_set_name(&a->look->keywords, seen->keyword, v->brand,
					       a->look->index[v->brand].keyword_sets),
			      v->signal == SIGNAL_Z && v->keyword ? ", in the registrable label" : "");
	}
}

void look_evidence(const struct lookalike *look, const struct lookalike_scratch *scratch, const struct verdict *v,
		   struct candidate *out)
{
	const struct raw_text *raw = &scratch->raw;
	struct account a = { look, raw, v, out, raw->start[v->hit.from], raw->end[v->hit.to - 1], "", "" };

	quote(raw, v->hit.from, v->hit.to, a.seen);
	quote_term(look, v, a.term);
	out->technique = technique_names[v->technique];
	out->digest = v->digest;
	base_row(&a);
	if (v->hit.how != HOW_NATIVE && v->hit.how != HOW_OFFICIAL)
		fold_rows(&a);
	if (v->hit.how == HOW_SHAPE || v->hit.how == HOW_LEET)
		shape_rows(&a);
	if (v->hit.how == HOW_EDIT || v->hit.how == HOW_NEAR)
		edit_row(&a);
	keyword_rows(&a);
	if (v->zone)
		candidate_row(out, "ZONE", v->zone, a.start, a.end, "in a deeper label, not in the registrable domain");
	candidate_clamp(out, 0, 100);
}

/* ---- why not ------------------------------------------------------------------------------------------------------------------ */

void look_held_text(const struct lookalike *look, const struct lookalike_scratch *scratch, const struct verdict *v,
		    char *out, size_t out_len)
{
	static const char *const classes[N_CLASSES] = { "long", "medium", "short", "ordinary" };
	char seen[QUOTE_LEN], term[QUOTE_LEN];
	const char *class = classes[v->class];

	quote(&scratch->raw, v->hit.from, v->hit.to, seen);
	quote_term(look, v, term);
	switch ((enum held)v->held) {
	case HELD_CLASS:
		snprintf(out, out_len, "\"%s\" is %s \"%s\", which does not count for %s %s term", seen,
			 v->hit.how == HOW_EXACT ? "the term" : "like", term, v->class == CLASS_WORD ? "an" : "a",
			 class);
		break;
	case HELD_TOKEN:
		snprintf(out, out_len, "\"%s\" is inside a longer word: %s %s term needs a whole token", term,
			 v->class == CLASS_WORD ? "an" : "a", class);
		break;
	case HELD_KEYWORD:
		snprintf(out, out_len,
			 v->class == CLASS_WORD ? "\"%s\" is an ordinary word: it needs a keyword of the brand's own, "
						  "or one that asks for credentials, and no other words"
						: "\"%s\" stands beside other words: a short term needs a keyword of "
						  "three letters or more, and no other words",
			 term);
		break;
	case HELD_OWN_KEYWORD:
		snprintf(out, out_len, "\"%s\" needs one of the brand's own keywords beside it", term);
		break;
	case HELD_EXCLUDED:
		snprintf(out, out_len, "\"%s\" would count for \"%s\", but is one of its exclude_terms", seen, term);
		break;
	case HELD_TECHNIQUE:
		snprintf(out, out_len, "\"%s\" would count for \"%s\", but technique %s is off for this brand", seen,
			 term, technique_names[v->technique]);
		break;
	case HELD_GLUED:
		snprintf(out, out_len,
			 "\"%s\" is inside a longer word: \"%s\" is distinctive by a keyword only and needs a "
			 "token that begins with it, or keywords in front",
			 seen, term);
		break;
	case HELD_APART:
		snprintf(out, out_len, "\"%s\" is close to \"%s\", but a short word with a keyword beside it", seen, term);
		break;
	case HELD_RESIDUE:
		snprintf(out, out_len, "\"%s\" is close to \"%s\", but part of a longer word", seen, term);
		break;
	case HELD_WEAK:
		snprintf(out, out_len, "\"%s\" is close to \"%s\", but stands beside other words", seen, term);
		break;
	case HELD_ORDINARY:
		snprintf(out, out_len, "\"%s\" is close to \"%s\", but an ordinary word itself", seen, term);
		break;
	default:
		snprintf(out, out_len, "\"%s\" resembles \"%s\", for %d points only", seen, term, v->score);
	}
}
