/*
 * ctwatch/report/evidence*.c: a directory is written whole or refused, also where names are hostile and proofs are missing.
 * tests/interop/evidence.sh checks real proofs with the script inside.
 */
#include "evidence.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "private.h"
#include "temp_state.h"

#define HOSTILE "<script>alert(1)</script>\"'><img src=x>\n.acme-login.com"

static struct error err;

struct place {
	struct state *st;
	char *parent, *directory;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	p->st = temp_state_open();
	p->parent = temp_directory();
	p->directory = xasprintf("%s/evidence", p->parent);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	temp_state_close(p->st);
	temp_remove(p->parent);
	free(p->directory);
	free(p);
	return 0;
}

static bool write_it(struct place *p, struct evidence_summary *summary)
{
	char id[FINDING_ID_LEN + 1];
	struct finding f;

	finding_id("brand/acme", "acme-login.com", id);
	assert_true(state_get_finding(p->st, id, &f, &err));
	bool ok = evidence_write(p->st, &f, p->directory, TEST_NOW_MS, summary, &err);
	finding_deinit(&f);
	return ok;
}

/* malloc'd; NULL when it is not there. */
static char *content(const struct place *p, const char *name)
{
	char *path = xasprintf("%s/%s", p->directory, name), *text = NULL;
	struct error ignored;
	struct buf bytes;

	buf_init(&bytes, 16u << 20);
	if (file_read(path, 16u << 20, &bytes, &ignored))
		text = xstrdup(buf_text(&bytes));
	buf_deinit(&bytes);
	free(path);
	return text;
}

static void without_a_proof_it_writes_what_there_is(void **state)
{
	static const char *const wanted[] = { "index.html", "finding.json", "verify.py", "SHA256SUMS", "sighting-1/leaf.bin", "sighting-1/facts.json" };
	struct place *p = *state;
	struct evidence_summary summary;

	test_add(p->st, (struct test_match){ .certificate = 1, .log = 3, .index = 40 });
	assert_true(write_it(p, &summary));
	assert_int_equal(summary.n_sightings, 1);
	assert_int_equal(summary.n_proofs, 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		char *text = content(p, wanted[i]);

		assert_non_null(text);
		free(text);
	}
	char *page = content(p, "index.html"), *sums = content(p, "SHA256SUMS"), *key = content(p, "sighting-1/log-key.der");
	assert_non_null(strstr(page, "no inclusion proof was kept"));
	assert_non_null(strstr(sums, "  sighting-1/leaf.bin\n"));
	assert_null(strstr(sums, "SHA256SUMS"));
	assert_null(key);
	free(page);
	free(sums);
}

static void hostile_text_stays_text(void **state)
{
	struct place *p = *state;
	struct evidence_summary summary;

	test_add(p->st, (struct test_match){ .name = HOSTILE, .brand = HOSTILE, .certificate = 1, .log = 3, .index = 40,
					     .names_json = "[\"<script>x</script>.acme-login.com\",\"a\\\"b.acme-login.com\"]" });
	assert_true(write_it(p, &summary));
	char *page = content(p, "index.html");
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "<img"));
	assert_null(strstr(page, "acme-login.com"));       /* defanged wherever it stands */
	assert_non_null(strstr(page, "&lt;script&gt;"));
	assert_non_null(strstr(page, "acme-login[.]com"));
	free(page);
}

static void a_directory_in_use_is_left_alone(void **state)
{
	struct place *p = *state;
	struct evidence_summary summary;

	test_add(p->st, (struct test_match){ .certificate = 1, .log = 3, .index = 40 });
	assert_int_equal(mkdir(p->directory, 0777), 0);
	assert_true(write_it(p, &summary));                 /* there, but empty */
	char *before = content(p, "SHA256SUMS");
	assert_false(write_it(p, &summary));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "not empty"));
	char *after = content(p, "SHA256SUMS");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void a_directory_that_cannot_be_made_is_an_error(void **state)
{
	struct place *p = *state;
	struct evidence_summary summary;

	test_add(p->st, (struct test_match){ .certificate = 1, .log = 3, .index = 40 });
	free(p->directory);
	p->directory = xasprintf("%s/no/such/place", p->parent);
	assert_false(write_it(p, &summary));
	assert_non_null(strstr(err.text, "cannot be made"));
}

static void a_busy_finding_gives_as_many_sightings_as_are_readable(void **state)
{
	struct place *p = *state;
	struct evidence_summary summary;

	for (uint64_t i = 0; i < 60; i++)
		test_add(p->st, (struct test_match){ .certificate = 100 + i, .log = 3, .index = i });
	assert_true(write_it(p, &summary));
	assert_int_equal(summary.n_sightings, EVIDENCE_SIGHTINGS_MAX);
}

static void a_head_without_a_signature_of_the_log_has_no_parts(void **state)
{
	static const char *const heads[] = {
		"", "{", "{}", "{\"tree_head_signature\":7}", "{\"tree_head_signature\":\"BAMAAA==x\"}", "{\"tree_head_signature\":\"BAMA\"}",
		"log.test/x\n5\n\n\n", "log.test/x\n5\nAAAA\n\n\xe2\x80\x94 log.test/x AAAA\n", "log.test/x\n5\nAAAA\n\n\xe2\x80\x94 other BAMAAA==\n", "no newline",
	};
	struct buf signature;
	uint8_t out[50];

	(void)state;
	buf_init(&signature, 4096);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct state_proof proof = { .head_raw = slice_text(heads[i]) };

		assert_false(evidence_head_parts(&proof, out, &signature));
	}
	struct state_proof good = { .head_raw = SLICE_LITERAL("{\"tree_head_signature\":\"BAMAAUE=\"}"), .tree_size = 1 };
	assert_true(evidence_head_parts(&good, out, &signature));
	assert_true(slice_equal_text(buf_slice(&signature), "A"));
	assert_int_equal(out[17], 1);
	buf_deinit(&signature);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(without_a_proof_it_writes_what_there_is),
		TEST(hostile_text_stays_text),
		TEST(a_directory_in_use_is_left_alone),
		TEST(a_directory_that_cannot_be_made_is_an_error),
		TEST(a_busy_finding_gives_as_many_sightings_as_are_readable),
		TEST(a_head_without_a_signature_of_the_log_has_no_parts),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
