/*
 * The look-alike engine measured: what a name costs with 1 to 100 000 brands, beside a linear scan with edit distance in the same
 * run; how many of names that mean no harm are flagged; how many imitations are found, made by dnstwist and by a generator of our
 * own (lookalike_names.py). One JSON object a line. CPU time of this thread, the best of several runs.
 */
#include "brands.h"
#include "lookalike_private.h"
#include "shared.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void row(const char *group, const char *name, double value, const char *unit, const char *aim)
{
	printf("{\"bench\":\"detection\",\"group\":\"%s\",\"row\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"aim\":\"%s\"}\n",
	       group, name, value, unit, aim);
	fflush(stdout);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

struct names {
	char *text;
	char **items;
	size_t n;
};

/* First column of each line, lower case. */
static struct names read_names(const char *path)
{
	struct slice file = shared_file(path);
	struct names names = { (char *)file.data, NULL, 0 };
	char *save = NULL;

	if (!file.data)
		return names;
	names.items = xcalloc(file.len / 2 + 2, sizeof(*names.items));
	for (char *line = strtok_r(names.text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "\t\r")] = '\0';
		for (char *c = line; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		names.items[names.n++] = line;
	}
	return names;
}

static void names_free(struct names *names)
{
	free(names->items);
	free(names->text);
}

struct engine {
	struct test_brands brands;
	const struct suffix_table *suffixes;
	struct lookalike *look;
	struct lookalike_scratch *scratch;
	struct candidate_set set;
};

static struct engine *engine_new(const struct suffix_table *suffixes)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->suffixes = suffixes;
	e->scratch = lookalike_scratch_new();
	return e;
}

static void engine_free(struct engine *e)
{
	lookalike_free(e->look);
	lookalike_scratch_free(e->scratch);
	test_brands_deinit(&e->brands);
	free(e);
}

static bool is_official(const struct engine *e, const char *name)
{
	size_t len = strlen(name);

	for (size_t b = 0; b < e->brands.n; b++) {
		const char *domain = e->brands.items[b].official_domains.items[0];
		size_t tail = strlen(domain);

		if (len >= tail && strcmp(name + len - tail, domain) == 0 &&
		    (len == tail || name[len - tail - 1] == '.'))
			return true;
	}
	return false;
}

static size_t match(struct engine *e, const char *name)
{
	struct name_view view;

	e->set.n = 0;
	view_init(&view, slice_text(name), e->suffixes);
	lookalike_match(e->look, e->scratch, &view, SCORE_MEDIUM, &e->set);
	return e->set.n;
}

/* ---- cost ---------------------------------------------------------------------------------------------------------- */

#define RUNS 3
#define COST_NAMES 200000

static double cost(struct engine *e, const struct names *names)
{
	size_t n = names->n < COST_NAMES ? names->n : COST_NAMES;
	double best = 1e9;

	for (int run = 0; run < RUNS; run++) {
		double start = cpu_seconds();

		for (size_t i = 0; i < n; i++)
			match(e, names->items[i]);
		if (cpu_seconds() - start < best)
			best = cpu_seconds() - start;
	}
	return best / (double)n * 1e6;
}

/* What a first version would do: every token of a name against every term, by edit distance, skipping other lengths. */
static double linear_cost(struct engine *e, const struct names *names)
{
	size_t n = 200000 / (e->brands.n + 10) + 20;
	volatile size_t found = 0;
	double start = cpu_seconds();

	for (size_t i = 0; i < n && i < names->n; i++) {
		struct name_view view;

		view_init(&view, slice_text(names->items[i * 97 % names->n]), e->suffixes);
		raw_text_init(&e->scratch->raw, &view);
		for (unsigned t = 0; t < e->scratch->raw.n_tokens; t++) {
			const struct look_token *token = &e->scratch->raw.tokens[t];

			for (size_t k = 0; k < e->look->n_terms; k++)
				found = found + (osa_distance(e->look->codes + e->look->terms[k].text,
							      e->look->terms[k].len, e->scratch->raw.code + token->from,
							      token->to - token->from, 2) <= 2);
		}
	}
	return (cpu_seconds() - start) / (double)n * 1e6;
}

#define COST "cost of the look-alike engine, one core, beside a linear scan with edit distance in the same run"

/* Labels of popular sites, shuffled, then made-up ones: what a large brand file looks like. */
static void add_brands(struct test_brands *brands, const struct names *top, size_t n)
{
	uint64_t seed = 42;

	for (size_t i = 0; i < top->n && brands->n < n; i++) {
		const char *name = top->items[(i * 7919 + 13) % top->n];
		size_t len = strcspn(name, ".");
		char *label = slice_dup_text(slice_of(name, len));

		if (len >= 6 && len <= 20 && !strstr(label, "xn--"))
			test_brands_add(brands, label, label, name);
		free(label);
	}
	if (brands->n < n)
		test_brands_random(brands, n - brands->n, seed);
}

static void bench_cost(const struct suffix_table *suffixes, const struct names *ct, const struct names *top)
{
	static const struct {
		size_t n;
		const char *aim;
	} sizes[] = { { 1, "<= 1" }, { 100, "<= 1" }, { 10000, "<= 2" }, { 100000, "growth by cache misses" } };

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		struct engine *e = engine_new(suffixes);
		double start, index_cost, linear;
		size_t before;
		char name[64];

		add_brands(&e->brands, top, sizes[s].n);
		before = mallinfo2().uordblks + mallinfo2().hblkhd;
		start = cpu_seconds();
		e->look = test_compile(&e->brands, suffixes);
		snprintf(name, sizeof(name), "%zu brands: compile", sizes[s].n);
		row(COST, name, cpu_seconds() - start, "s", sizes[s].n == 10000 ? "seconds" : "");
		snprintf(name, sizeof(name), "%zu brands: memory", sizes[s].n);
		row(COST, name, (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / (double)sizes[s].n / 1024,
		    "kB/brand", sizes[s].n >= 10000 ? "<= 4" : "");
		index_cost = cost(e, ct);
		linear = linear_cost(e, ct);
		printf("{\"bench\":\"detection\",\"group\":\"" COST "\",\"row\":\"%zu brands: a name\",\"value\":%.3f,\"unit\":\"us/name\",\"reference\":%.3f,"
		       "\"ratio\":%.1f,\"aim\":\"%s\"}\n",
		       sizes[s].n, index_cost, linear, linear / index_cost, sizes[s].aim);
		engine_free(e);
	}
}

/* ---- names that mean no harm ------------------------------------------------------------------------------------------ */

struct tally {
	size_t n_names, n_findings, n_com, n_com_findings, by_signal[N_SIGNALS];
	size_t *by_brand;
};

static enum look_signal signal_number(const char *name)
{
	for (enum look_signal s = 0; s < N_SIGNALS; s++)
		if (strcmp(look_signal_name(s), name) == 0)
			return s;
	return SIGNAL_E6;
}

static void tally_names(struct engine *e, const struct names *names, struct tally *t)
{
	for (size_t i = 0; i < names->n; i++) {
		bool com = slice_ends_with(slice_text(names->items[i]), SLICE_LITERAL(".com"));

		t->n_names++;
		t->n_com += com;
		if (match(e, names->items[i]) == 0 || is_official(e, names->items[i]))
			continue;
		for (size_t c = 0; c < e->set.n; c++) {
			t->n_findings++;
			t->n_com_findings += com;
			t->by_signal[signal_number(e->set.items[c].rows[0].signal)]++;
			t->by_brand[e->set.items[c].rule]++;
		}
	}
}

static void tally_rows(const struct tally *t, const char *what, const char *file, const char *aim)
{
	char name[160], group[120];

	snprintf(group, sizeof(group), "look-alikes of %s: flagged names per million that mean no harm", what);
	snprintf(name, sizeof(name), "%s", file);
	row(group, name, (double)t->n_findings * 1e6 / (double)t->n_names, "per million", aim);
	if (t->n_com > 0) {
		snprintf(name, sizeof(name), "%s, .com (%zu names)", file, t->n_com);
		row(group, name, (double)t->n_com_findings * 1e6 / (double)t->n_com, "per million", "");
	}
	for (enum look_signal s = 0; s < N_SIGNALS; s++) {
		if (t->by_signal[s] == 0)
			continue;
		snprintf(name, sizeof(name), "%s, by %s", file, look_signal_name(s));
		row(group, name, (double)t->by_signal[s] * 1e6 / (double)t->n_names, "per million", "");
	}
}

static const char *const benign_files[] = { "benign-ct-hosts.txt.gz", "benign-nrd.tsv.gz", "benign-top.tsv.gz",
					    "benign-gov-hosts.txt.gz", "grey-disposable.txt.gz" };

static void bench_benign(struct engine *e, const char *what, const char *aim_all)
{
	struct tally all = { .by_brand = xcalloc(e->brands.n, sizeof(size_t)) };

	for (size_t f = 0; f < ARRAY_LEN(benign_files); f++) {
		char *path = xasprintf("corpora/%s", benign_files[f]);
		struct names names = read_names(path);
		struct tally t = { .by_brand = all.by_brand };

		free(path);
		tally_names(e, &names, &t);
		tally_rows(&t, what, benign_files[f], "");
		all.n_names += t.n_names;
		all.n_findings += t.n_findings;
		all.n_com += t.n_com;
		all.n_com_findings += t.n_com_findings;
		for (enum look_signal s = 0; s < N_SIGNALS; s++)
			all.by_signal[s] += t.by_signal[s];
		names_free(&names);
	}
	tally_rows(&all, what, "all benign files", aim_all);
	free(all.by_brand);
}

static int by_size(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static void bench_median(struct engine *e, const char *what, const struct names *ct, const char *aim)
{
	struct tally t = { .by_brand = xcalloc(e->brands.n, sizeof(size_t)) };
	size_t without = 0;
	char name[160], group[160];

	tally_names(e, ct, &t);
	for (size_t b = 0; b < e->brands.n; b++)
		without += t.by_brand[b] == 0;
	qsort(t.by_brand, e->brands.n, sizeof(*t.by_brand), by_size);
	snprintf(group, sizeof(group), "look-alikes of %s in %zu certificate names", what, t.n_names);
	row(group, "findings of the median brand", (double)t.by_brand[e->brands.n / 2], "findings", aim);
	snprintf(name, sizeof(name), "brands without any, of %zu", e->brands.n);
	row(group, name, (double)without, "brands", "");
	row(group, "the noisiest brand", (double)t.by_brand[e->brands.n - 1], "findings", "");
	row(group, "all of them", (double)t.n_findings * 1e6 / (double)t.n_names, "per million", "");
	free(t.by_brand);
}

/* ---- recall ------------------------------------------------------------------------------------------------------------ */

#define TECHNIQUES_MAX 128

struct recall {
	struct {
		char name[64];
		size_t n, found;
	} items[TECHNIQUES_MAX];
	size_t n;
};

static void recall_add(struct recall *r, const char *technique, bool found)
{
	size_t i = 0;

	while (i < r->n && strcmp(r->items[i].name, technique) != 0)
		i++;
	if (i == TECHNIQUES_MAX)
		return;
	if (i == r->n)
		snprintf(r->items[r->n++].name, sizeof(r->items[0].name), "%s", technique);
	r->items[i].n++;
	r->items[i].found += found;
}

static bool flags_brand(struct engine *e, const char *name, const char *domain)
{
	match(e, name);
	for (size_t c = 0; c < e->set.n; c++)
		if (text_list_has(&e->brands.items[e->set.items[c].rule].official_domains, slice_text(domain)))
			return true;
	return false;
}

/* "generator TAB technique TAB domain TAB name" lines of a command. */
static void bench_recall(struct engine *e, const char *command, const char *generator, bool aims)
{
	FILE *pipe = popen(command, "r");
	struct recall r = { .n = 0 };
	char line[1024];

	while (pipe && fgets(line, sizeof(line), pipe)) {
		char *field[4] = { line }, *save = NULL;

		field[0] = strtok_r(line, "\t\n", &save);
		for (int i = 1; i < 4; i++)
			field[i] = field[i - 1] ? strtok_r(NULL, "\t\n", &save) : NULL;
		if (field[3])
			recall_add(&r, field[1], flags_brand(e, field[3], field[2]));
	}
	if (!pipe || pclose(pipe) != 0)
		fprintf(stderr, "recall of %s is left out: its generator did not run\n", generator);
	for (size_t i = 0; i < r.n; i++) {
		bool homoglyph = strcmp(r.items[i].name, "homoglyph") == 0;
		const char *aim = !aims ? "" : homoglyph ? ">= 95" : ">= 99";
		char name[160], group[160];

		snprintf(group, sizeof(group), "recall of names made by %s", generator);
		snprintf(name, sizeof(name), "%s (%zu names)", r.items[i].name, r.items[i].n);
		row(group, name, 100.0 * (double)r.items[i].found / (double)r.items[i].n, "%", aim);
	}
}

/* the same order of names in every run */
#define PYTHON "PYTHONHASHSEED=0 python3 "
#define SCRIPT CTWATCH_SOURCE_DIR "/tests/bench/lookalike_names.py"
/* the watched long names, and others that were never looked at while the rules were made */
#define LONG_WATCHED "globalordnance.com blueskynetwork.com dtgruelle.com sangrail.com"
#define LONG_ORDINARY                                                                                                  \
	"riverbankrelief.org kestrelavionics.org speditionkraus.org balticherald.org portmasters.org lavocelibera.org"

static void bench_generators(struct engine *watched, struct engine *ordinary)
{
	bench_recall(watched, PYTHON SCRIPT " dnstwist " LONG_WATCHED,
		     "dnstwist from the watched names of 8 letters and more", true);
	bench_recall(ordinary, PYTHON SCRIPT " dnstwist " LONG_ORDINARY,
		     "dnstwist from other names of 8 letters and more", true);
	bench_recall(watched, PYTHON SCRIPT " dnstwist umopl.com", "dnstwist from a name of 5 letters", false);
	bench_recall(watched, PYTHON SCRIPT " dnstwist cijaonline.org mvd.ru", "dnstwist from short names", false);
	bench_recall(watched,
		     "zstd -dc " CTWATCH_SHARED_DIR "/data/names/confusables-17.0.0.txt.zst | " PYTHON SCRIPT
		     " composed /dev/stdin " LONG_WATCHED,
		     "the composing generator from the watched names of 8 letters and more", false);
}

int main(void)
{
	struct suffix_table *suffixes;
	struct engine *watched, *ordinary, *known;
	struct names ct, top;

	if (!shared_dir()) {
		printf("skipped: no ../shared\n");
		return 0;
	}
	suffixes = test_suffixes();
	ct = read_names("corpora/benign-ct-hosts.txt.gz");
	top = read_names("corpora/benign-top.tsv.gz");
	bench_cost(suffixes, &ct, &top);
	watched = engine_new(suffixes);
	test_brands_watched(&watched->brands);
	watched->look = test_compile(&watched->brands, suffixes);
	ordinary = engine_new(suffixes);
	test_brands_ordinary(&ordinary->brands);
	ordinary->look = test_compile(&ordinary->brands, suffixes);
	bench_benign(watched, "seven watched organisations", "<= 2");
	bench_benign(ordinary, "100 ordinary organisations", "<= 300");
	bench_median(ordinary, "100 ordinary organisations", &ct, "0");
	known = engine_new(suffixes);
	test_brands_known(&known->brands);
	known->look = test_compile(&known->brands, suffixes);
	bench_median(known, "162 known organisations", &ct, "");
	engine_free(known);
	bench_generators(watched, ordinary);
	engine_free(watched);
	engine_free(ordinary);
	names_free(&ct);
	names_free(&top);
	suffix_table_free(suffixes);
	return 0;
}
