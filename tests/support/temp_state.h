/* A state in a fresh temporary directory, and the shortest way to store a match. */
#ifndef CTWATCH_TESTS_TEMP_STATE_H
#define CTWATCH_TESTS_TEMP_STATE_H

#include "state.h"

#define TEST_NOW_MS 1795334400000        /* 2026-11-22T08:00:00Z */

/* mkdtemp below $TMPDIR or /tmp; the caller removes it. malloc'd. */
char *temp_directory(void);
/* Removes a directory and what is in it, and frees the path. */
void temp_remove(char *directory);

/* Opens as daemon in a fresh directory; the test fails when it cannot. */
struct state *temp_state_open(void);
/* Closes and removes it. */
void temp_state_close(struct state *st);

/* A hash made of one number. */
struct hash test_hash(uint64_t n);

/* What test_add stores; zero members have defaults that suit. */
struct test_match {
	const char *rule, *kind, *brand, *name, *domain;   /* brand/acme, brand, Acme, login.acme-login.com, acme-login.com */
	int score, min_score;                              /* 80, 60 */
	uint64_t certificate;                              /* number that its hashes are made of */
	bool final;                                        /* the certificate itself, not the precertificate */
	uint64_t log, index;
	int64_t timestamp_ms, now_ms;                      /* TEST_NOW_MS */
	bool verified, beside;                             /* beside: a scan's, not of the read ranges */
	const char *names_json;
	struct slice der, leaf;                            /* a few bytes */
};
/* False with err when state_add_match fails. */
bool test_add_with(struct state *st, const struct test_match *match, enum finding_change *change, struct error *err);
/* Fails the test when it cannot. */
enum finding_change test_add(struct state *st, struct test_match match);

#endif
