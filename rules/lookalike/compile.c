/* From brand files to the index: classes of terms, folded spellings, and the tables that find them. */
#include "lookalike_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROW(array, n, cap)                                                                                            \
	do {                                                                                                           \
		if ((n) == (cap)) {                                                                                    \
			(cap) = (cap) ? (cap)*2 : 64;                                                                  \
			(array) = xreallocarray((array), (cap), sizeof(*(array)));                                     \
		}                                                                                                      \
	} while (0)

static uint32_t store_codes(struct lookalike *look, const uint8_t *codes, size_t len)
{
	uint32_t at = (uint32_t)look->codes_len;

	if (look->codes_len + len > look->codes_cap) {
		look->codes_cap = look->codes_cap ? look->codes_cap * 2 : 4096;
		look->codes = xrealloc(look->codes, look->codes_cap);
	}
	memcpy(look->codes + at, codes, len);
	look->codes_len += len;
	return at;
}

#define WARNINGS_MAX 200         /* of one compile: nobody reads more, and each is compared with the others */

static void warn(struct text_list *warnings, char *text)
{
	if (warnings->n < WARNINGS_MAX)
		text_list_add(warnings, text);
	else
		text_list_add(warnings, "further warnings about brands are left out");
	free(text);
}

/* ---- classes --------------------------------------------------------------------------------------------------- */

/* Letters left after the longest keyword of three letters or more is taken from one end. */
static uint8_t effective_length(const struct lookalike *look, const uint8_t *folded, size_t len)
{
	for (size_t k = len; k-- > 3;)
		if (keyword_find(&look->keywords, folded, k, hash_codes(folded, k)) ||
		    keyword_find(&look->keywords, folded + len - k, k, hash_codes(folded + len - k, k)))
			return (uint8_t)(len - k);
	return (uint8_t)len;
}

static bool is_ordinary(const struct brand_config *brand, const char *shown, const uint8_t *codes, size_t len)
{
	char text[TERM_LEN_MAX];

	for (size_t i = 0; i < len; i++)
		text[i] = ascii_of_code(codes[i]);
	return is_ordinary_word(text, len) || text_list_has(&brand->ordinary_terms, slice_of(text, len)) ||
	       text_list_has(&brand->ordinary_terms, slice_text(shown));
}

static enum term_class class_of(size_t len, bool ordinary)
{
	if (len <= SHORT_LEN_MAX)
		return CLASS_SHORT;
	if (ordinary)
		return CLASS_WORD;
	return len < 8 ? CLASS_MEDIUM : CLASS_LONG;
}

/* ---- terms ----------------------------------------------------------------------------------------------------- */

static void add_form(struct lookalike *look, uint32_t term, const uint8_t *codes, size_t len)
{
	GROW(look->forms, look->n_forms, look->forms_cap);
	look->forms[look->n_forms++] = (struct form){ term, store_codes(look, codes, len), (uint8_t)len };
}

static bool has_term(const struct lookalike *look, uint32_t brand, const uint8_t *codes, size_t len)
{
	for (size_t i = look->index[brand].first_term; i < look->n_terms; i++)
		if (look->terms[i].kind != TERM_NATIVE && look->terms[i].len == len &&
		    memcmp(look->codes + look->terms[i].text, codes, len) == 0)
			return true;
	return false;
}

static void add_native(struct lookalike *look, uint32_t brand, const char *text)
{
	struct slice in = slice_text(text);
	struct term term = { .brand = brand,
			     .text = (uint32_t)look->points_len,
			     .kind = TERM_NATIVE,
			     .class = CLASS_LONG,
			     .shown = text };
	uint64_t hash = 0;
	uint32_t point;

	while (in.len > 0 && utf8_take(&in, &point) && term.len < TERM_LEN_MAX) {
		char ascii[4];
		const char *letters = fold_code_point(point, ascii);

		/* separators and marks are not in a raw text either */
		if ((point < 0x80 && !letters) || (letters && !*letters))
			continue;
		GROW(look->points, look->points_len, look->points_cap);
		look->points[look->points_len++] = point;
		hash = hash * HASH_BASE + point;
		term.len++;
	}
	term.effective = term.len;
	if (term.len < 2) {
		look->points_len = term.text;
		return;
	}
	probe_table_add(&look->native, hash, (uint32_t)look->n_terms, 0);
	GROW(look->terms, look->n_terms, look->terms_cap);
	look->terms[look->n_terms++] = term;
}

static void add_term(struct lookalike *look, uint32_t brand, const char *shown, enum term_kind kind,
		     struct text_list *warnings)
{
	uint8_t codes[TERM_LEN_MAX], folded[TERM_LEN_MAX], sequences[TERM_LEN_MAX];
	const struct brand_config *config = &look->brands[brand];
	bool native;
	size_t len = word_codes(shown, codes, &native), n = fold_codes(codes, len, false, folded);
	size_t n_sequences = fold_codes(codes, len, true, sequences);

	if (native)
		add_native(look, brand, shown);
	if (len < 2) {
		if (!native)
			warn(warnings,
			     xasprintf("%s: brand \"%s\": term \"%s\" has fewer than two letters and is left out",
				       config->source, config->name, shown));
		return;
	}
	if (has_term(look, brand, codes, len))
		return;
	if (len < 3)
		warn(warnings, xasprintf("%s: brand \"%s\": term \"%s\" has two letters; it counts only beside a "
					 "keyword of the brand's own",
					 config->source, config->name, shown));
	if (text_list_has(&config->exclude_terms, slice_text(shown)))
		warn(warnings, xasprintf("%s: brand \"%s\": exclude_terms hides its own term \"%s\"", config->source,
					 config->name, shown));

	uint32_t number = (uint32_t)look->n_terms;
	struct term term = { .brand = brand,
			     .text = store_codes(look, codes, len),
			     .len = (uint8_t)len,
			     .kind = (uint8_t)kind,
			     .shown = shown };

	term.effective = effective_length(look, folded, n);
	term.class = (uint8_t)class_of(len, is_ordinary(config, shown, codes, len));
	term.glued = len > SHORT_LEN_MAX && term.effective <= SHORT_LEN_MAX;
	GROW(look->terms, look->n_terms, look->terms_cap);
	look->terms[look->n_terms++] = term;
	add_form(look, number, folded, n);
	if (n_sequences != n || memcmp(sequences, folded, n) != 0)
		add_form(look, number, sequences, n_sequences);
}

/* ---- official domains ------------------------------------------------------------------------------------------- */

static void add_native_label(struct lookalike *look, uint32_t brand, struct slice label)
{
	uint32_t points[DNS_LABEL_MAX];
	uint8_t text[4 * DNS_LABEL_MAX + 1];
	size_t n, len = 0;

	if (!punycode_decode(slice_sub(label, 4, label.len), points, DNS_LABEL_MAX, &n))
		return;
	for (size_t i = 0; i < n; i++)
		len += utf8_put(points[i], text + len);
	for (size_t i = look->index[brand].first_term; i < look->n_terms; i++)
		if (look->terms[i].kind == TERM_NATIVE && slice_equal_text(slice_of(text, len), look->terms[i].shown))
			return;
	text[len] = '\0';
	text_list_add(&look->index[brand].native_labels, (const char *)text);
	add_native(look, brand, look->index[brand].native_labels.items[look->index[brand].native_labels.n - 1]);
}

/* An official domain is looked for inside other names, its dots being dots, hyphens or nothing. */
static void add_official(struct lookalike *look, uint32_t brand, const char *domain,
			 const struct suffix_table *suffixes)
{
	struct official official = { .brand = brand, .domain = domain };
	uint8_t codes[DNS_NAME_MAX], folded[DNS_NAME_MAX];
	struct name_view view;
	size_t n = 0;

	view_init(&view, slice_text(domain), suffixes);
	if (view.has_registrable && slice_starts_with(view_registrable_label(&view), SLICE_LITERAL("xn--")))
		add_native_label(look, brand, view_registrable_label(&view));
	if (!view.has_registrable || view.n_labels > ARRAY_LEN(official.label_at))
		return;
	for (size_t l = 0; l < view.n_labels; l++) {
		struct slice label = view_label(&view, l);

		if (slice_starts_with(label, SLICE_LITERAL("xn--")))
			return;
		official.label_at[official.n_labels++] = (uint8_t)n;
		for (size_t i = 0; i < label.len; i++)
			if (code_of_ascii(label.data[i]))
				codes[n++] = code_of_ascii(label.data[i]);
	}
	fold_codes(codes, n, false, folded);
	official.len = (uint8_t)n;
	official.own_len = (uint8_t)view_registrable_label(&view).len;
	official.class = (uint8_t)class_of(
		official.own_len, is_ordinary_word((const char *)view_registrable_label(&view).data, official.own_len));
	official.text = store_codes(look, codes, n);
	look->longest_official = n > look->longest_official ? n : look->longest_official;
	probe_table_add(&look->official, hash_codes(folded, n), (uint32_t)look->n_officials, 0);
	GROW(look->officials, look->n_officials, look->officials_cap);
	look->officials[look->n_officials++] = official;
}

static void add_brand(struct lookalike *look, uint32_t b, const struct suffix_table *suffixes,
		      struct text_list *warnings)
{
	const struct brand_config *config = &look->brands[b];
	struct brand_index *index = &look->index[b];

	index->keyword_sets = keyword_sets_of(&look->keywords, config);
	index->first_term = (uint32_t)look->n_terms;
	for (size_t i = 0; i < config->native.n; i++)
		add_native(look, b, config->native.items[i]);
	for (size_t i = 0; i < config->terms.n; i++)
		add_term(look, b, config->terms.items[i], TERM_NAME, warnings);
	for (size_t i = 0; i < config->aliases.n; i++)
		add_term(look, b, config->aliases.items[i], TERM_ALIAS, warnings);
	for (size_t i = 0; i < config->official_domains.n; i++)
		add_official(look, b, config->official_domains.items[i], suffixes);
	index->n_terms = (uint32_t)look->n_terms - index->first_term;
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

#define WINDOW_COUNTERS (1u << 20)

static uint32_t window_counter(const uint8_t *codes)
{
	return (uint32_t)(probe_mix(hash_codes(codes, WINDOW)) & (WINDOW_COUNTERS - 1));
}

/* A form is found by that one of its windows which fewest forms have. */
static void add_windows(struct lookalike *look)
{
	uint32_t *counters = xcalloc(WINDOW_COUNTERS, sizeof(*counters));

	for (size_t f = 0; f < look->n_forms; f++)
		for (size_t i = 0; i + WINDOW <= look->forms[f].len; i++)
			counters[window_counter(look->codes + look->forms[f].text + i)]++;
	for (size_t f = 0; f < look->n_forms; f++) {
		const uint8_t *codes = look->codes + look->forms[f].text;
		size_t best = 0, len = look->forms[f].len;

		if (len < WINDOW) {
			probe_table_add(&look->shorts, hash_codes(codes, len), (uint32_t)f, 0);
			continue;
		}
		for (size_t i = 1; i + WINDOW <= len; i++)
			if (counters[window_counter(codes + i)] < counters[window_counter(codes + best)])
				best = i;
		probe_table_add(&look->windows, hash_codes(codes + best, WINDOW), (uint32_t)f, (uint8_t)best);
	}
	free(counters);
}

/* Hashes of the first `prefix` letters less up to `deletions` of them. */
static void add_deletions(struct probe_table *t, const uint8_t *codes, size_t len, size_t prefix, unsigned deletions,
			  uint32_t form)
{
	uint8_t shorter[DELETE1_PREFIX];
	size_t n = len < prefix ? len : prefix;

	probe_table_add(t, hash_codes(codes, n), form, 0);
	if (deletions == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		memcpy(shorter, codes, i);
		memcpy(shorter + i, codes + i + 1, n - i - 1);
		/* cut already: what follows must not move up into the prefix */
		add_deletions(t, shorter, n - 1, n - 1, deletions - 1, form);
	}
}

static void add_neighbours(struct lookalike *look)
{
	for (uint32_t f = 0; f < look->n_forms; f++) {
		const struct form *form = &look->forms[f];
		const struct term *term = &look->terms[form->term];
		const uint8_t *codes = look->codes + form->text;
		uint8_t near[TERM_LEN_MAX];

		if (term->kind != TERM_NAME || (term->class != CLASS_MEDIUM && term->class != CLASS_LONG) ||
		    form->len < DELETE1_LEN_MIN)
			continue;
		add_deletions(&look->deletions1, codes, form->len, DELETE1_PREFIX, 1, f);
		look->lengths1 |= UINT64_C(1) << form->len;
		if (term->class == CLASS_LONG && !term->glued) {
			size_t n = fold_near(codes, form->len, near);

			probe_table_add(&look->near, hash_codes(near, n), f, 0);
		}
		if (form->len < DELETE2_LEN_MIN || term->glued)
			continue;
		add_deletions(&look->deletions2, codes, form->len, DELETE2_PREFIX, 2, f);
		trigrams_add(&look->first, codes);
		trigrams_add(&look->middle, codes + form->len / 2 - 1);
		trigrams_add(&look->last, codes + form->len - 3);
		look->lengths2 |= UINT64_C(1) << form->len;
	}
}

static int by_codes(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return slice_compare(*x, *y);
}

/* Terms that several brands share: a name that holds one is reported for each of them. */
static void warn_shared(const struct lookalike *look, struct text_list *warnings)
{
	struct slice *texts = xcalloc(look->n_terms + 1, sizeof(*texts));
	size_t n = 0;

	for (size_t i = 0; i < look->n_terms; i++)
		if (look->terms[i].kind != TERM_NATIVE)
			texts[n++] = slice_of(look->codes + look->terms[i].text, look->terms[i].len);
	qsort(texts, n, sizeof(*texts), by_codes);
	for (size_t i = 1; i < n; i++) {
		char text[TERM_LEN_MAX + 1] = { 0 };

		if (!slice_equal(texts[i - 1], texts[i]) || (i > 1 && slice_equal(texts[i - 2], texts[i])))
			continue;
		for (size_t c = 0; c < texts[i].len; c++)
			text[c] = ascii_of_code(texts[i].data[c]);
		warn(warnings,
		     xasprintf("term \"%s\" belongs to more than one brand: names that hold it are reported for each",
			       text));
	}
	free(texts);
}

bool lookalike_new(const struct brand_config *brands, size_t n_brands, const struct suffix_table *suffixes,
		   struct text_list *warnings, struct lookalike **out, struct error *err)
{
	struct lookalike *look = xcalloc(1, sizeof(*look));

	look->brands = brands;
	look->n_brands = n_brands;
	look->index = xcalloc(n_brands + 1, sizeof(*look->index));
	look->powers[0] = 1;
	for (size_t i = 1; i <= HASH_PART_MAX; i++)
		look->powers[i] = look->powers[i - 1] * HASH_BASE;
	if (!keyword_table_init(&look->keywords, brands, n_brands, err)) {
		lookalike_free(look);
		return false;
	}
	for (uint32_t b = 0; b < n_brands; b++)
		add_brand(look, b, suffixes, warnings);
	add_windows(look);
	add_neighbours(look);
	probe_table_build(&look->windows);
	probe_table_build(&look->shorts);
	probe_table_build(&look->deletions1);
	probe_table_build(&look->deletions2);
	probe_table_build(&look->near);
	probe_table_build(&look->official);
	probe_table_build(&look->native);
	warn_shared(look, warnings);
	*out = look;
	return true;
}

void lookalike_free(struct lookalike *look)
{
	if (!look)
		return;
	for (size_t b = 0; look->index && b < look->n_brands; b++)
		text_list_deinit(&look->index[b].native_labels);
	keyword_table_deinit(&look->keywords);
	probe_table_deinit(&look->windows);
	probe_table_deinit(&look->shorts);
	probe_table_deinit(&look->deletions1);
	probe_table_deinit(&look->deletions2);
	probe_table_deinit(&look->near);
	probe_table_deinit(&look->official);
	probe_table_deinit(&look->native);
	free(look->index);
	free(look->terms);
	free(look->forms);
	free(look->officials);
	free(look->codes);
	free(look->points);
	free(look);
}
