/* `ctwatch brands noise`: findings per million ordinary names, by brand and term, before a watch list is deployed. */
#include "brands_cli.h"
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 3
#define DICTIONARY_LEN_MIN 3     /* two letters are in half of all words */

struct term_noise {
	const char *text, *kind, *class;         /* borrowed from the description */
	uint64_t flagged, below, whole_words;    /* flagged names with it, found but not flagged, names with it as a whole word */
	uint64_t words, last_word;               /* of the word list: words that hold it, and the line of the last one */
	char *samples[SAMPLES_MAX];
	char *word_sample;
};

struct brand_noise {
	const char *id;
	struct term_noise *terms;
	size_t n_terms;
	uint64_t flagged;
};

struct noise {
	struct cli *cli;
	const struct brands_options *options;
	struct cli_rules rules;
	json_t *described;
	struct brand_noise *brands;
	size_t n_brands, n_terms, longest_term;
	json_t *by_id;           /* brand id -> number */
	json_t *by_word;         /* term -> array of [brand, term] */
	struct cert_names names;
	struct match_list matches;
	uint64_t n_names, n_no_names;
	uint64_t no_name_line;   /* the first line that is no name, and what it says */
	char *no_name;
};

static void prepare(struct noise *noise)
{
	json_t *brand, *term;
	size_t i, k;

	noise->described = brands_described(&noise->rules);
	noise->n_brands = json_array_size(noise->described);
	noise->brands = xcalloc(noise->n_brands + 1, sizeof(*noise->brands));
	noise->by_id = json_object();
	noise->by_word = json_object();
	json_array_foreach(noise->described, i, brand) {
		json_t *terms = json_object_get(brand, "terms");
		struct brand_noise *b = &noise->brands[i];

		b->id = json_read_text(brand, "id");
		b->n_terms = json_array_size(terms);
		noise->n_terms += b->n_terms;
		b->terms = xcalloc(b->n_terms + 1, sizeof(*b->terms));
		json_object_set_new(noise->by_id, b->id, json_integer((json_int_t)i));
		json_array_foreach(terms, k, term) {
			const char *text = json_read_text(term, "term");
			json_t *places = json_object_get(noise->by_word, text);

			b->terms[k] = (struct term_noise){ .text = text, .kind = json_read_text(term, "kind"), .class = json_read_text(term, "class") };
			if (strlen(text) > noise->longest_term)
				noise->longest_term = strlen(text);
			if (places == NULL) {
				places = json_array();
				json_object_set_new(noise->by_word, text, places);
			}
			json_array_append_new(places, json_pack("[II]", (json_int_t)i, (json_int_t)k));
		}
	}
}

/* Letters and digits only: terms are found across hyphens and dots. */
static size_t squeeze(const char *name, char *out, size_t max)
{
	size_t n = 0;

	for (; *name && n + 1 < max; name++)
		if (*name != '-' && *name != '.' && *name != '_')
			out[n++] = *name;
	out[n] = '\0';
	return n;
}

/* The longest term that the name holds; the first, when it only resembles. */
static struct term_noise *term_behind(struct brand_noise *brand, const char *name)
{
	struct term_noise *best = NULL;
	char squeezed[DNS_NAME_MAX + 1];

	squeeze(name, squeezed, sizeof(squeezed));
	for (size_t i = 0; i < brand->n_terms; i++) {
		struct term_noise *t = &brand->terms[i];

		if (strstr(squeezed, t->text) != NULL && (best == NULL || strlen(t->text) > strlen(best->text)))
			best = t;
	}
	return best != NULL ? best : brand->n_terms > 0 ? &brand->terms[0] : NULL;
}

static void add_sample(char *samples[SAMPLES_MAX], const char *name)
{
	for (size_t i = 0; i < SAMPLES_MAX; i++) {
		if (samples[i] != NULL)
			continue;
		samples[i] = xstrdup(name);
		return;
	}
}

static void count_match(struct noise *noise, const struct match *match)
{
	json_t *number = json_object_get(noise->by_id, strchr(match->rule, '/') + 1);
	struct brand_noise *brand;
	struct term_noise *term;

	if (match->kind != FINDING_BRAND || number == NULL)
		return;
	brand = &noise->brands[json_integer_value(number)];
	brand->flagged += match->flagged;
	term = term_behind(brand, match->name);
	if (term == NULL)
		return;
	if (match->flagged) {
		term->flagged++;
		add_sample(term->samples, match->name);
	} else {
		term->below++;
	}
}

static void count_whole_words(struct noise *noise, struct slice name)
{
	char word[DNS_LABEL_MAX + 1];
	size_t start = 0;

	for (size_t i = 0; i <= name.len; i++) {
		json_t *places, *place;
		size_t k, len = i - start;

		if (i < name.len && name.data[i] != '.' && name.data[i] != '-')
			continue;
		if (len >= 3 && len <= DNS_LABEL_MAX) {
			memcpy(word, name.data + start, len);
			word[len] = '\0';
			places = json_object_get(noise->by_word, word);
			json_array_foreach(places, k, place)
				noise->brands[json_integer_value(json_array_get(place, 0))].terms[json_integer_value(json_array_get(place, 1))].whole_words++;
		}
		start = i + 1;
	}
}

/* Whether a line could be the name of a host: what a list of ranks, URLs or addresses holds is none, and measures nothing. */
static bool is_name(struct slice line)
{
	size_t n_dots = 0;

	for (size_t i = 0; i < line.len; i++) {
		char c = (char)line.data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.*", c) != NULL;

		if (!plain && (line.data[i] < 0x80))
			return false;
		n_dots += c == '.';
	}
	return line.len <= DNS_NAME_MAX + 2 && n_dots > 0;
}

static void count_no_name(struct noise *noise, struct slice line, uint64_t number)
{
	if (noise->n_no_names++ > 0)
		return;
	noise->no_name_line = number;
	noise->no_name = xmalloc(64);
	text_escape(line, noise->no_name, 64);
}

/* A list of which less than half are names is not the list that was meant. */
static bool enough_names(const struct noise *noise, const char *path, struct error *err)
{
	if (noise->n_no_names > 0 && noise->n_no_names >= noise->n_names)
		return error_set(err, ERR_USAGE, "%s is no list of names, one a line: line %llu is \"%s\", and so are %llu of %llu", path,
				 (unsigned long long)noise->no_name_line, noise->no_name, (unsigned long long)noise->n_no_names,
				 (unsigned long long)(noise->n_names + noise->n_no_names));
	return noise->n_names > 0 || error_set(err, ERR_USAGE, "%s holds no names", path);
}

static bool count_names(struct noise *noise, const char *path, struct error *err)
{
	struct line_reader lines;
	struct slice line;
	/* whoever issues: the file has no issuers, and Let's Encrypt is what most rules ask for */
	struct rule_subject subject = { .issuer_org = SLICE_LITERAL("Let's Encrypt"), .names = &noise->names };

	if (!lines_open(&lines, path, true, err))
		return false;
	while (lines_next(&lines, &line)) {
		names_clear(&noise->names);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		if (is_name(line))
			names_add_text(&noise->names, line, NAME_FROM_SAN);
		if (noise->names.n == 0) {
			count_no_name(noise, line, lines.number);
			continue;
		}
		noise->n_names++;
		match_list_clear(&noise->matches);
		ruleset_match(noise->rules.rules, noise->rules.scratch, &subject, &noise->matches);
		for (size_t i = 0; i < noise->matches.n; i++)
			count_match(noise, &noise->matches.items[i]);
		count_whole_words(noise, noise->names.items[0].text);
	}
	return lines_close(&lines, err) && enough_names(noise, path, err);
}

/* Every part of the word is looked up: the work does not grow with the number of brands. */
static void count_word(struct noise *noise, struct slice word, uint64_t number)
{
	size_t longest = word.len < noise->longest_term ? word.len : noise->longest_term;

	for (size_t from = 0; from + DICTIONARY_LEN_MIN <= word.len; from++)
		for (size_t len = DICTIONARY_LEN_MIN; len <= longest && from + len <= word.len; len++) {
			json_t *places = json_object_getn(noise->by_word, (const char *)word.data + from, len), *place;
			size_t i;

			json_array_foreach(places, i, place) {
				struct term_noise *t = &noise->brands[json_integer_value(json_array_get(place, 0))].terms[json_integer_value(json_array_get(place, 1))];

				if (t->last_word == number)
					continue;
				t->last_word = number;
				if (t->words++ == 0)
					t->word_sample = slice_dup_text(word);
			}
		}
}

static bool count_dictionary(struct noise *noise, struct error *err)
{
	struct line_reader lines;
	struct slice line;
	uint64_t number = 0;

	if (noise->options->words == NULL)
		return true;
	if (!lines_open(&lines, noise->options->words, true, err))
		return false;
	while (lines_next(&lines, &line))
		if (line.len <= DNS_NAME_MAX)
			count_word(noise, line, ++number);
	return lines_close(&lines, err);
}

static double per_million(const struct noise *noise, uint64_t n)
{
	return 1e6 * (double)n / (double)noise->n_names;
}

/* Why a term is noisy and what to do, or NULL. malloc'd. */
static char *advice(const struct noise *noise, const struct brand_noise *brand, const struct term_noise *term)
{
	double flagged = per_million(noise, term->flagged), words = per_million(noise, term->whole_words);

	if (flagged >= NOISY_PER_MILLION && strcmp(term->class, "ordinary") != 0)
		return xasprintf("%s: \"%s\" is noisy: %.0f findings per million names. List it in \"ordinary_terms\", use a longer term, or raise \"min_score\"",
				 brand->id, term->text, flagged);
	if (words >= NOISY_PER_MILLION && strcmp(term->class, "ordinary") != 0 && strcmp(term->class, "short") != 0)
		return xasprintf("%s: \"%s\" is a word of its own in %.0f of a million names: list it in \"ordinary_terms\"", brand->id, term->text, words);
	if (flagged >= NOISY_PER_MILLION)
		return xasprintf("%s: \"%s\" stays noisy although it is an ordinary word (%.0f per million): use \"exclude_terms\", or a longer term", brand->id,
				 term->text, flagged);
	if (strcmp(term->class, "ordinary") == 0)
		return xasprintf("%s: \"%s\" is an ordinary word: it counts only beside a service word or keyword", brand->id, term->text);
	return NULL;
}

#define ROWS_ALWAYS 40           /* of longer lists only terms that some name holds are shown */

static bool is_worth_a_row(const struct noise *noise, const struct term_noise *t)
{
	return noise->n_terms <= ROWS_ALWAYS || t->flagged > 0 || t->below > 0 || t->whole_words > 0 || t->words > 0;
}

static struct table *new_table(void)
{
	struct table *table = table_new();

	table_column(table, "BRAND", ALIGN_LEFT, 8);
	table_column(table, "TERM", ALIGN_LEFT, 0);
	table_column(table, "CLASS", ALIGN_LEFT, 0);
	table_column(table, "FLAGGED", ALIGN_RIGHT, 0);
	table_column(table, "A DAY", ALIGN_RIGHT, 0);
	table_column(table, "BELOW", ALIGN_RIGHT, 0);
	table_column(table, "AS WORD", ALIGN_RIGHT, 0);
	table_column(table, "EXAMPLE", ALIGN_LEFT, 0);
	return table;
}

static void print_table(const struct noise *noise)
{
	struct table *table = new_table();
	size_t n_left_out = 0;

	for (size_t i = 0; i < noise->n_brands; i++)
		for (size_t k = 0; k < noise->brands[i].n_terms; k++) {
			const struct term_noise *t = &noise->brands[i].terms[k];

			if (!is_worth_a_row(noise, t)) {
				n_left_out++;
				continue;
			}
			table_cell(table, noise->brands[i].id);
			table_cell(table, t->text);
			table_cell(table, t->class);
			table_cellf(table, "%.1f", per_million(noise, t->flagged));
			table_cellf(table, "%.0f", per_million(noise, t->flagged) * (double)noise->options->per_day / 1e6);
			table_cellf(table, "%.1f", per_million(noise, t->below));
			table_cellf(table, "%.1f", per_million(noise, t->whole_words));
			table_cell(table, t->samples[0] != NULL ? t->samples[0] : "");
		}
	if (table_rows(table) > 0)
		table_print(table, noise->cli);
	if (n_left_out > 0)
		fprintf(noise->cli->out, "... and %zu terms that none of the names resembles or holds\n", n_left_out);
	table_free(table);
}

static void print_advice(const struct noise *noise, const struct brand_noise *brand, const struct term_noise *t)
{
	char *text = advice(noise, brand, t);

	if (text != NULL)
		cli_print_sentence(noise->cli, "%s", text);
	free(text);
	if (t->words > 0)
		cli_print_sentence(noise->cli, "%s: %llu %s of the word list %s \"%s\": %s", brand->id, (unsigned long long)t->words, t->words == 1 ? "word" : "words",
				   t->words == 1 ? "holds" : "hold", t->text, t->word_sample);
}

static void print_text(const struct noise *noise)
{
	char count[TIME_TEXT_LEN];

	print_table(noise);
	if (noise->n_no_names > 0)
		cli_print_sentence(noise->cli, "%s lines are no names and were left out; the first is line %llu: %s", count_format(noise->n_no_names, count),
				   (unsigned long long)noise->no_name_line, noise->no_name);
	for (size_t i = 0; i < noise->n_brands; i++)
		for (size_t k = 0; k < noise->brands[i].n_terms; k++)
			print_advice(noise, &noise->brands[i], &noise->brands[i].terms[k]);
	cli_print_sentence(noise->cli, "Measured on %s names. Findings per million names (FLAGGED), and of %llu new names a day (A DAY); "
			   "names that score too little to be flagged (BELOW), names with the term as a whole word (AS WORD), per million.",
			   count_format(noise->n_names, count), (unsigned long long)noise->options->per_day);
}

static json_t *json_brand(const struct noise *noise, const struct brand_noise *brand)
{
	json_t *terms = json_array();

	for (size_t k = 0; k < brand->n_terms; k++) {
		const struct term_noise *t = &brand->terms[k];
		json_t *samples = json_array(), *term;
		char *text = advice(noise, brand, t);

		for (size_t s = 0; s < SAMPLES_MAX && t->samples[s] != NULL; s++)
			json_array_append_new(samples, json_string(t->samples[s]));
		term = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:I, s:o, s:o}", "term", t->text, "class", t->class, "per_million",
				 per_million(noise, t->flagged), "per_day", per_million(noise, t->flagged) * (double)noise->options->per_day / 1e6,
				 "not_flagged_per_million", per_million(noise, t->below), "whole_word_per_million", per_million(noise, t->whole_words),
				 "in_words", (json_int_t)t->words, "samples", samples, "advice", text != NULL ? json_string(text) : json_null());
		json_array_append_new(terms, term);
		free(text);
	}
	return json_pack("{s:s, s:f, s:o}", "brand", brand->id, "per_million", per_million(noise, brand->flagged), "terms", terms);
}

static void print_json(const struct noise *noise)
{
	json_t *brands = json_array();

	for (size_t i = 0; i < noise->n_brands; i++)
		json_array_append_new(brands, json_brand(noise, &noise->brands[i]));
	cli_json(noise->cli, noise->options->format,
		 json_pack("{s:I, s:I, s:I, s:o}", "names", (json_int_t)noise->n_names, "lines_without_name", (json_int_t)noise->n_no_names, "names_per_day", (json_int_t)noise->options->per_day, "brands", brands));
}

static void free_noise(struct noise *noise)
{
	for (size_t i = 0; i < noise->n_brands; i++) {
		for (size_t k = 0; k < noise->brands[i].n_terms; k++) {
			free(noise->brands[i].terms[k].word_sample);
			for (size_t s = 0; s < SAMPLES_MAX; s++)
				free(noise->brands[i].terms[k].samples[s]);
		}
		free(noise->brands[i].terms);
	}
	free(noise->brands);
	free(noise->no_name);
	json_decref(noise->described);
	json_decref(noise->by_id);
	json_decref(noise->by_word);
	names_deinit(&noise->names);
	match_list_deinit(&noise->matches);
	cli_rules_close(&noise->rules);
}

int brands_noise(struct cli *cli, const struct brands_options *options, const char *path)
{
	struct noise noise = { .cli = cli, .options = options };
	struct error err;
	int code = EXIT_DONE;

	if (!cli_rules_open(cli, options->rules, &noise.rules, &err))
		return cli_fail(cli, &err);
	names_init(&noise.names);
	match_list_init(&noise.matches);
	prepare(&noise);
	if (!count_names(&noise, path, &err) || !count_dictionary(&noise, &err))
		code = cli_fail(cli, &err);
	else if (options->format == OUTPUT_TEXT)
		print_text(&noise);
	else
		print_json(&noise);
	free_noise(&noise);
	return code;
}
