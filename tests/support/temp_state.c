/* See temp_state.h. */
#include "temp_state.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char *temp_directory(void)
{
	const char *base = getenv("TMPDIR");
	char *path = xasprintf("%s/ctwatch-test-XXXXXX", base != NULL ? base : "/tmp");

	assert_non_null(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void temp_remove(char *directory)
{
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(directory);
}

struct state *temp_state_open(void)
{
	char *directory = temp_directory();
	struct state *st = NULL;
	struct error err;

	if (!state_open(directory, STATE_DAEMON, TEST_NOW_MS, &st, &err))
		fail_msg("%s", err.text);
	free(directory);
	return st;
}

void temp_state_close(struct state *st)
{
	char *directory = xstrdup(state_directory(st));

	state_close(st);
	temp_remove(directory);
}

struct hash test_hash(uint64_t n)
{
	return sha256(slice_of(&n, sizeof(n)));
}

static const char *or(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

bool test_add_with(struct state *st, const struct test_match *m, enum finding_change *change, struct error *err)
{
	const struct state_evidence evidence[] = {
		{ .signal = "E2", .detail = "\"acme\" is the brand; \"login\" is a service word", .points = m->score != 0 ? m->score : 80, .span_start = 0, .span_end = 4 },
		{ .signal = "NOTE", .detail = "a remark", .points = 0, .span_start = -1, .span_end = -1 },
	};
	const struct state_match match = {
		.rule = or(m->rule, "brand/acme"),
		.kind = or(m->kind, "brand"),
		.brand = or(m->brand, "Acme"),
		.technique = "combosquat",
		.name = or(m->name, "login.acme-login.com"),
		.registrable_domain = or(m->domain, "acme-login.com"),
		.score = m->score != 0 ? m->score : 80,
		.min_score = m->min_score != 0 ? m->min_score : 60,
		.evidence = evidence,
		.n_evidence = ARRAY_LEN(evidence),
		.ruleset_id = "0123456789abcdef",
	};
	const struct state_certificate certificate = {
		.tbs_sha256 = test_hash(m->certificate),
		.sha256 = test_hash(m->certificate * 2 + (m->final ? 1000001 : 1000000)),
		.precert = !m->final,
		.der = m->der.len > 0 ? m->der : SLICE_LITERAL("\x30\x03\x02\x01\x05"),
		.issuer = "C=US, O=Let's Encrypt, CN=E7",
		.subject = "CN=login.acme-login.com",
		.serial = "03ab",
		.not_before_ms = TEST_NOW_MS - 3600000,
		.not_after_ms = TEST_NOW_MS + 90 * 86400000ll,
		.names_json = or(m->names_json, "[\"login.acme-login.com\"]"),
	};
	const struct state_sighting sighting = {
		.log_id = test_hash(m->log + 77),
		.index = m->index,
		.timestamp_ms = m->timestamp_ms != 0 ? m->timestamp_ms : TEST_NOW_MS - 60000,
		.leaf = m->leaf.len > 0 ? m->leaf : SLICE_LITERAL("leaf"),
		.leaf_hash = test_hash(m->certificate),
		.in_ranges = !m->beside,
		.extra = SLICE_LITERAL("extra"),
		.verified = m->verified,
	};

	return state_add_match(st, &match, &certificate, &sighting, m->now_ms != 0 ? m->now_ms : TEST_NOW_MS, change, err);
}

enum finding_change test_add(struct state *st, struct test_match match)
{
	enum finding_change change = FINDING_UNCHANGED;
	struct error err;

	if (!test_add_with(st, &match, &change, &err))
		fail_msg("%s", err.text);
	return change;
}
