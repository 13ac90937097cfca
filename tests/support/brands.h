/* Brand configurations for tests of the look-alike engine, made in memory: the glue's file format is not involved. */
#ifndef CTWATCH_TESTS_BRANDS_H
#define CTWATCH_TESTS_BRANDS_H

#include "engine.h"
#include "lookalike.h"

/* Owns everything; grows. Do not add after brands_compile: the index borrows. */
struct test_brands {
	struct brand_config *items;
	size_t n, cap;
};

/* Lists are separated by spaces; NULL is none. Terms are not derived: name them. Default keyword sets, all techniques default. */
struct brand_config *test_brands_add(struct test_brands *, const char *id, const char *terms, const char *official_domains);
void test_list_add(struct text_list *, const char *words);
void test_brands_deinit(struct test_brands *);
/* The seven watched organisations with the official domains that corpora/lookalike-cases.tsv assumes. */
void test_brands_watched(struct test_brands *);
/* A hundred ordinary organisations (charities, media, carriers, makers), made up of ordinary names. */
void test_brands_ordinary(struct test_brands *);
/* 162 known organisations, many of them words, family names or with hundreds of affiliates: what noise looks like. */
void test_brands_known(struct test_brands *);
/* n brands of random letters and syllables, the same for the same seed. */
void test_brands_random(struct test_brands *, size_t n, uint64_t seed);

/* The public suffix list of ../shared, or libpsl's when it is missing. */
struct suffix_table *test_suffixes(void);
/* Fails the test when it does not compile. */
struct lookalike *test_compile(const struct test_brands *, const struct suffix_table *);

/* Deterministic random numbers. */
uint64_t test_random(uint64_t *state);

#endif
