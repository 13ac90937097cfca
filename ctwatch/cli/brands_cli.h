/* The parts of `ctwatch brands`: adding (brands_add.c) and noise (brands_noise.c). */
#ifndef CTWATCH_BRANDS_H
#define CTWATCH_BRANDS_H

#include "rules_cli.h"

#define NAMES_PER_DAY 15000000   /* new names in certificates, all logs together (shared/spec/lookalike.md) */
#define NOISY_PER_MILLION 5.0    /* a term above it is named before it is deployed */

struct brands_options {
	const char *file, *csv, *words, *rules;
	bool dry_run;
	uint64_t per_day;
	enum output_format format;
};

/* What ruleset_brands_json says. New reference. */
json_t *brands_described(const struct cli_rules *);
/* "a b c" of texts, or of a member of objects. malloc'd. */
char *texts_joined(json_t *array, const char *separator, const char *member);

int brands_add(struct cli *, const struct brands_options *, int n_words, char **words);
int brands_noise(struct cli *, const struct brands_options *, const char *path);

#endif
