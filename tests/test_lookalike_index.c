/*
 * The index against a slow, obvious reference: every term compared with every part of a name, letter by letter. And what must
 * hold whatever the brands are: their order changes nothing, nothing is allocated, hostile names cost little.
 */
#include "brands.h"
#include "shared.h"
#include "lookalike_private.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- the reference -------------------------------------------------------------------------------------------- */

struct reference {
	const struct lookalike *look;
	const struct lookalike_scratch *scratch;
	const struct folded_text *text;
	enum variant variant;
	struct verdict best[64]; /* by brand */
};

static void note(struct reference *r, struct hit hit)
{
	struct verdict v, *best;

	if (!look_judge(r->look, r->scratch, &hit, &v))
		return;
	best = &r->best[v.brand];
	if (v.level > best->level || (v.level == best->level && v.signal < best->signal))
		*best = v;
}

static bool same_letters(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* The textbook matrix, all of it. */
static unsigned slow_distance(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	static unsigned d[128][128];

	for (size_t i = 0; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			d[i][j] = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < d[i][j])
				d[i][j] = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < d[i][j])
				d[i][j] = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[n][m];
}

static void note_equal(struct reference *r, const struct form *form, unsigned from, unsigned to)
{
	const struct term *term = &r->look->terms[form->term];
	const struct raw_text *raw = &r->scratch->raw;
	struct hit hit = { .term = form->term, .from = r->text->raw[from], .to = r->text->raw[to] };
	bool exact = same_letters(raw->code + hit.from, hit.to - hit.from, r->look->codes + term->text, term->len);

	hit.how = exact ? HOW_EXACT : r->variant == VARIANT_LEET ? HOW_LEET : HOW_SHAPE;
	if (!exact || r->variant == VARIANT_BASE)
		note(r, hit);
}

static void note_close(struct reference *r, const struct form *form, unsigned from, unsigned to)
{
	const struct term *term = &r->look->terms[form->term];
	const struct raw_text *raw = &r->scratch->raw;
	const uint8_t *codes = r->look->codes + form->text;
	struct hit hit = { .term = form->term, .from = r->text->raw[from], .to = r->text->raw[to] };
	unsigned distance = slow_distance(codes, form->len, r->text->code + from, to - from);
	unsigned limit = form->len >= DELETE2_LEN_MIN && !term->glued ? 2 : 1;
	uint8_t near[256], other[256];

	if (term->kind != TERM_NAME || (term->class != CLASS_MEDIUM && term->class != CLASS_LONG) ||
	    form->len < DELETE1_LEN_MIN)
		return;
	if (distance >= 1 && distance <= limit &&
	    !same_letters(raw->code + hit.from, hit.to - hit.from, r->look->codes + term->text, term->len)) {
		hit.how = HOW_EDIT;
		hit.distance = (uint8_t)distance;
		hit.folded = slow_distance(r->look->codes + term->text, term->len, raw->code + hit.from,
					   hit.to - hit.from) != distance;
		note(r, hit);
	}
	if (term->class == CLASS_LONG && !term->glued && distance >= 1 && distance <= NEAR_EDITS_MAX &&
	    to - from >= NEAR_PIECE_MIN &&
	    same_letters(near, fold_near(r->text->code + from, to - from, near), other,
			 fold_near(codes, form->len, other))) {
		hit.how = HOW_NEAR;
		hit.distance = (uint8_t)distance;
		hit.folded = false;
		note(r, hit);
	}
}

static void look_at_officials(struct reference *r)
{
	const struct raw_text *raw = &r->scratch->raw;

	for (uint32_t o = 0; o < r->look->n_officials; o++) {
		const struct official *official = &r->look->officials[o];

		for (unsigned i = 0; i < raw->n_tokens; i++)
			for (unsigned j = i; j < raw->n_tokens && j < i + 10; j++)
				if (same_letters(raw->code + raw->tokens[i].from,
						 raw->tokens[j].to - raw->tokens[i].from,
						 r->look->codes + official->text, official->len))
					note(r, (struct hit){ .term = o,
							      .from = raw->tokens[i].from,
							      .to = raw->tokens[j].to,
							      .how = HOW_OFFICIAL });
	}
}

static void look_slowly(struct reference *r)
{
	look_at_officials(r);
	for (r->variant = 0; r->variant < N_VARIANTS; r->variant++) {
		r->text = &r->scratch->text[r->variant];
		for (size_t f = 0; r->scratch->has[r->variant] && f < r->look->n_forms; f++) {
			const struct form *form = &r->look->forms[f];
			const uint8_t *codes = r->look->codes + form->text;

			for (unsigned i = 0; form->len >= WINDOW && i + form->len <= r->text->n; i++)
				if (memcmp(r->text->code + i, codes, form->len) == 0)
					note_equal(r, form, i, i + form->len);
			for (unsigned p = 0; p < r->scratch->n_pieces; p++) {
				unsigned from = r->text->at[r->scratch->pieces[p].from],
					 to = r->text->at[r->scratch->pieces[p].to];

				if (form->len < WINDOW && form->len <= to - from &&
				    memcmp(r->text->code + from, codes, form->len) == 0)
					note_equal(r, form, from, from + form->len);
				note_close(r, form, from, to);
			}
		}
	}
}

/* ---- names that come close to brands ------------------------------------------------------------------------------ */

static char any_letter(uint64_t *seed)
{
	return "abcdefghijklmnopqrstuvwxyz0123456789"[test_random(seed) % 36];
}

static void put(char *out, const char *text)
{
	if (strlen(out) + strlen(text) < 200)
		strcat(out, text);
}

/* A term with none to three things done to it. */
static void mistreat(char *word, uint64_t *seed)
{
	static const char *const swaps[][2] = { { "o", "0" },  { "l", "1" },  { "i", "l" }, { "m", "rn" },
						{ "w", "vv" }, { "d", "cl" }, { "e", "3" }, { "a", "4" },
						{ "c", "e" },  { "n", "r" },  { "u", "v" }, { "s", "z" } };

	for (size_t times = test_random(seed) % 4; times > 0; times--) {
		size_t len = strlen(word), at = test_random(seed) % len;
		const char *const *swap = swaps[test_random(seed) % ARRAY_LEN(swaps)];
		char *found = strstr(word, swap[0]), rest[128];

		switch (test_random(seed) % 6) {
		case 0:
			word[at] = any_letter(seed);
			break;
		case 1:
			if (len > 3)
				memmove(word + at, word + at + 1, len - at);
			break;
		case 2:
			memmove(word + at + 1, word + at, len - at + 1);
			word[at] = any_letter(seed);
			break;
		case 3:
			if (at + 1 < len) {
				char c = word[at];

				word[at] = word[at + 1];
				word[at + 1] = c;
			}
			break;
		case 4:
			memmove(word + at + 1, word + at, len - at + 1);
			word[at] = at > 0 && at < len ? '-' : 'x';
			break;
		default:
			if (found && len < 50) {
				strcpy(rest, found + strlen(swap[0]));
				strcpy(found, swap[1]);
				strcat(word, rest);
			}
		}
	}
}

static void make_name(const struct test_brands *brands, uint64_t *seed, char out[256])
{
	static const char *const beside[] = { "login-", "-docs", "share", "secure", "-x",   "q",  "www.",
					      ".evil",  ".com",  "-com",  "com",    "2024", "-us" };
	char word[128];

	out[0] = '\0';
	for (size_t parts = 1 + test_random(seed) % 2; parts > 0; parts--) {
		const struct brand_config *b = &brands->items[test_random(seed) % brands->n];

		if (test_random(seed) % 2)
			put(out, beside[test_random(seed) % ARRAY_LEN(beside)]);
		snprintf(word, sizeof(word), "%.40s", b->terms.items[0]);
		mistreat(word, seed);
		put(out, word);
		if (test_random(seed) % 2)
			put(out, beside[test_random(seed) % ARRAY_LEN(beside)]);
	}
	put(out, test_random(seed) % 2 ? ".com" : ".co.uk");
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static void the_index_finds_what_the_reference_finds(void **state)
{
	struct suffix_table *suffixes = test_suffixes();
	struct lookalike_scratch *scratch = lookalike_scratch_new();
	size_t n_found = 0;

	(void)state;
	for (uint64_t round = 0; round < 12; round++) {
		struct test_brands brands = { 0 };
		uint64_t seed = round;
		struct lookalike *look;

		test_brands_random(&brands, 24, round);
		if (round == 0)
			test_brands_watched(&brands);
		look = test_compile(&brands, suffixes);
		for (size_t i = 0; i < 1500; i++) {
			struct reference r = { .look = look, .scratch = scratch };
			struct name_view view;
			char name[256];

			make_name(&brands, &seed, name);
			view_init(&view, slice_text(name), suffixes);
			look_text(look, scratch, &view);
			look_slowly(&r);
			look_best(look, scratch);
			for (unsigned b = 0; b < scratch->n_best; b++) {
				struct verdict *best = &scratch->best[b], *slow = &r.best[best->brand];

				n_found += best->score >= SCORE_MEDIUM;
				if (slow->score != best->score || slow->signal != best->signal)
					fail_msg("%s: %s %d, reference %s %d", name, look_signal_name(best->signal),
						 best->score, look_signal_name(slow->signal), slow->score);
				slow->score = 0;
			}
			for (size_t b = 0; b < ARRAY_LEN(r.best); b++)
				if (r.best[b].score > 0)
					fail_msg("%s: %s %d of %s by the reference only", name,
						 look_signal_name(r.best[b].signal), r.best[b].score,
						 brands.items[b].id);
		}
		lookalike_free(look);
		test_brands_deinit(&brands);
	}
	assert_true(n_found > 5000);
	lookalike_scratch_free(scratch);
	suffix_table_free(suffixes);
}

static void order_of_brands_changes_nothing(void **state)
{
	enum { N = 60 };
	struct suffix_table *suffixes = test_suffixes();
	struct lookalike_scratch *scratch = lookalike_scratch_new();
	struct test_brands forward = { 0 }, backward = { 0 };
	static struct candidate_set a, b;
	uint64_t seed = 7;

	(void)state;
	test_brands_random(&forward, N, 3);
	for (size_t i = N; i-- > 0;)
		test_brands_add(&backward, forward.items[i].id, forward.items[i].terms.items[0],
				forward.items[i].official_domains.items[0]);

	struct lookalike *first = test_compile(&forward, suffixes), *second = test_compile(&backward, suffixes);

	for (size_t i = 0; i < 5000; i++) {
		struct name_view view;
		char name[256];

		make_name(&forward, &seed, name);
		view_init(&view, slice_text(name), suffixes);
		a.n = b.n = 0;
		lookalike_match(first, scratch, &view, 45, &a);
		lookalike_match(second, scratch, &view, 45, &b);
		assert_int_equal(a.n, b.n);
		for (size_t c = 0; c < a.n && a.n < CANDIDATES_MAX; c++) {
			const struct candidate *x = &a.items[c], *y = NULL;

			for (size_t d = 0; d < b.n; d++)
				if (b.items[d].rule == N - 1 - x->rule)
					y = &b.items[d];
			assert_non_null(y);
			assert_int_equal(x->score, y->score);
			assert_int_equal(x->n_rows, y->n_rows);
			for (size_t r = 0; r < x->n_rows; r++)
				assert_string_equal(x->rows[r].detail, y->rows[r].detail);
		}
	}
	lookalike_free(first);
	lookalike_free(second);
	test_brands_deinit(&forward);
	test_brands_deinit(&backward);
	lookalike_scratch_free(scratch);
	suffix_table_free(suffixes);
}

/* Present when the program is built with the address sanitizer. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *)) __attribute__((weak));

static size_t n_allocations;

static void count_allocation(const volatile void *at, size_t size)
{
	(void)at;
	(void)size;
	n_allocations++;
}

static void ignore_free(const volatile void *at)
{
	(void)at;
}

static void matching_allocates_nothing(void **state)
{
	struct suffix_table *suffixes = test_suffixes();
	struct lookalike_scratch *scratch = lookalike_scratch_new();
	static struct candidate_set set;
	struct test_brands brands = { 0 };
	struct lookalike *look;
	uint64_t seed = 1;
	size_t before;

	(void)state;
	test_brands_random(&brands, 50, 1);
	look = test_compile(&brands, suffixes);
	if (__sanitizer_install_malloc_and_free_hooks)
		__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free);
	before = n_allocations;
	for (size_t i = 0; i < 2000; i++) {
		struct name_view view;
		char name[256];

		make_name(&brands, &seed, name);
		view_init(&view, slice_text(name), suffixes);
		set.n = 0;
		lookalike_match(look, scratch, &view, 1, &set);
	}
	assert_int_equal(n_allocations, before);
	lookalike_free(look);
	test_brands_deinit(&brands);
	lookalike_scratch_free(scratch);
	suffix_table_free(suffixes);
	if (!__sanitizer_install_malloc_and_free_hooks)
		skip();
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hostile_names_cost_little(void **state)
{
	static const char *const units[] = { "a.",         "a-",        "xn--",  "xn--80ak6aa92e.",
					     "sangrail",   "sangrail-", "-",     "..",
					     "rn",         "1l",        "cija.", "cija-",
					     "xn--a-ecp.", "\xff\xfe",  "3",     "sangrai" };
	struct suffix_table *suffixes = test_suffixes();
	struct lookalike_scratch *scratch = lookalike_scratch_new();
	static struct candidate_set set;
	struct test_brands brands = { 0 };
	struct lookalike *look;

	(void)state;
	test_brands_watched(&brands);
	test_brands_random(&brands, 2000, 5);
	look = test_compile(&brands, suffixes);
	for (size_t u = 0; u < ARRAY_LEN(units); u++) {
		char name[DNS_NAME_MAX + 8] = "";
		struct name_view view;
		double start;

		while (strlen(name) + strlen(units[u]) + 4 <= DNS_NAME_MAX)
			strcat(name, units[u]);
		strcat(name, ".com");
		view_init(&view, slice_of(name, strlen(name)), suffixes);
		start = cpu_seconds();
		for (int i = 0; i < 20; i++) {
			set.n = 0;
			lookalike_match(look, scratch, &view, 1, &set);
		}
		/* a hundred times an ordinary name's cost, sanitizers and a busy machine included */
		if ((cpu_seconds() - start) / 20 > 0.02)
			fail_msg("%s: %.1f ms", name, (cpu_seconds() - start) / 20 * 1000);
	}
	lookalike_free(look);
	test_brands_deinit(&brands);
	lookalike_scratch_free(scratch);
	suffix_table_free(suffixes);
}

static void ten_thousand_brands_compile_in_seconds(void **state)
{
	struct suffix_table *suffixes = test_suffixes();
	struct test_brands brands = { 0 };
	double start;

	(void)state;
	test_brands_random(&brands, 10000, 9);
	start = cpu_seconds();
	lookalike_free(test_compile(&brands, suffixes));
	assert_true(cpu_seconds() - start < 10);
	test_brands_deinit(&brands);
	suffix_table_free(suffixes);
}

static void no_brands_and_odd_brands_compile(void **state)
{
	struct suffix_table *suffixes = test_suffixes();
	struct lookalike_scratch *scratch = lookalike_scratch_new();
	struct test_brands none = { 0 }, odd = { 0 };
	static struct candidate_set set;
	struct text_list warnings = { 0 };
	struct lookalike *look;
	struct name_view view;
	struct error err;

	(void)state;
	view_init(&view, slice_text("sangrail.com"), suffixes);
	look = test_compile(&none, suffixes);
	lookalike_match(look, scratch, &view, 1, &set);
	assert_int_equal(set.n, 0);
	lookalike_free(look);

	test_brands_add(&odd, "none", NULL, NULL);
	test_brands_add(&odd, "one", "x", "x.com");
	test_brands_add(&odd, "two", "ab", "com");
	test_brands_add(&odd, "marks", "--- \xd0\xbc\xd0\xb2\xd0\xb4 \xe4\xb8\xad\xe6\x96\x87", "xn--fiq228c.com");
	test_brands_add(&odd, "same", "shared", "shared.com");
	test_brands_add(&odd, "again", "shared", "again.com");
	test_list_add(&odd.items[4].exclude_terms, "shared");
	assert_true(lookalike_new(odd.items, odd.n, suffixes, &warnings, &look, &err));
	assert_true(warnings.n >= 4);
	for (size_t b = 0; b < odd.n; b++)
		json_decref(lookalike_describe_terms(look, b));
	view_init(&view, slice_text("xn--fiq228c.net"), suffixes);
	lookalike_match(look, scratch, &view, 60, &set);
	assert_int_equal(set.n, 1);
	assert_string_equal(set.items[0].rows[0].signal, "N1");
	lookalike_free(look);
	text_list_deinit(&warnings);
	test_brands_deinit(&odd);
	lookalike_scratch_free(scratch);
	suffix_table_free(suffixes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_what_the_reference_finds),
		cmocka_unit_test(order_of_brands_changes_nothing),
		cmocka_unit_test(matching_allocates_nothing),
		cmocka_unit_test(hostile_names_cost_little),
		cmocka_unit_test(ten_thousand_brands_compile_in_seconds),
		cmocka_unit_test(no_brands_and_odd_brands_compile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
