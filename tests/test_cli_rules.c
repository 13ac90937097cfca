/* The commands check, inspect, rules and brands, as a user calls them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli.h"
#include "shared.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct command check_command, inspect_command, rules_command, brands_command, init_command;

struct answer {
	int code;
	char *out, *err;
};

/* An empty configuration and a place for files, fresh for each test. */
static int enter(void **state)
{
	char template[] = "/tmp/ctwatch-cli-XXXXXX", *directory = mkdtemp(template), *path;
	FILE *config;

	assert_non_null(directory);
	path = xasprintf("%s/ctwatch.json", directory);
	config = fopen(path, "w");
	assert_non_null(config);
	fputs("{\"rules\":[\"tag53\",\"watchlist\"]}", config);
	fclose(config);
	free(path);
	*state = xstrdup(directory);
	return 0;
}

static int leave(void **state)
{
	static const char *const FILES[] = { "ctwatch.json", "brands.json", "names.txt", "cases.tsv", "list.csv", "cert.pem", "words.txt", "actor.json", "pack.json" };

	for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
		char *path = xasprintf("%s/%s", (char *)*state, FILES[i]);

		unlink(path);
		free(path);
	}
	rmdir(*state);
	free(*state);
	return 0;
}

static char *file(void **state, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", (char *)*state, name);
	FILE *out;

	if (text != NULL) {
		out = fopen(path, "w");
		assert_non_null(out);
		fputs(text, out);
		fclose(out);
	}
	return path;
}

#define WORDS_MAX 12

static struct answer call(void **state, const struct command *command, const char *const *words)
{
	char *argv[WORDS_MAX + 1] = { 0 }, *config = file(state, "ctwatch.json", NULL);
	struct answer answer = { 0 };
	size_t out_len, err_len;
	int argc = 0;
	struct cli cli = { .out_is_terminal = true, .width = 80, .now_ms = INT64_C(1795000000000), .config_path = config, .command = command };

	cli.out = open_memstream(&answer.out, &out_len);
	cli.err = open_memstream(&answer.err, &err_len);
	argv[argc++] = (char *)command->name;
	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)words[argc - 1];
	answer.code = command->run(&cli, argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	free(config);
	return answer;
}

#define CALL(state, command, ...) call(state, &command, (const char *const[]){ __VA_ARGS__, NULL })

static void answer_free(struct answer *answer)
{
	free(answer->out);
	free(answer->err);
}

static void assert_says(const struct answer *answer, const char *text)
{
	if (!strstr(answer->out, text))
		fail_msg("\"%s\" is not in:\n%s%s", text, answer->out, answer->err);
}

static void check_marks_the_span_and_counts_every_point(void **state)
{
	struct answer a = CALL(state, check_command, "sangrail-docs.com");

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "sangrail-docs.com: flagged");
	assert_says(&a, "  sangrail-docs.com\n  ~~~~~~~~");
	assert_says(&a, "brand/sangrail: resembles Sangrail LTD");
	assert_says(&a, "N-TERM");
	answer_free(&a);
}

static void init_writes_nothing_when_a_domain_is_none(void **state)
{
	char *brands = file(state, "brands.json", NULL);
	struct answer a = CALL(state, init_command, "--force", "--yes", "-d", *state, "--name", "Corp", "--domain", "my company");

	assert_int_equal(a.code, EXIT_USAGE);
	assert_non_null(strstr(a.err, "nothing is written"));
	assert_non_null(strstr(a.err, "\"my\" is no domain"));
	assert_int_equal(access(brands, F_OK), -1);
	answer_free(&a);
	a = CALL(state, init_command, "--yes", "-d", *state);
	assert_int_equal(a.code, EXIT_USAGE);
	assert_non_null(strstr(a.err, "is there already"));
	answer_free(&a);
	a = CALL(state, init_command, "--force", "--yes", "-d", *state, "--name", "Corp", "--domain", "corp-works.example");
	assert_int_equal(a.code, EXIT_DONE);
	assert_int_equal(access(brands, F_OK), 0);
	answer_free(&a);
	a = CALL(state, check_command, "corp-works-login.com");
	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "brand/corp");
	answer_free(&a);
	free(brands);
}

static void check_takes_what_people_paste(void **state)
{
	struct answer a = CALL(state, check_command, "https://www.sangrail-docs.com:8443/login?x=1", "sangrail-share[.]com");

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "www.sangrail-docs.com: flagged\n");
	assert_says(&a, "sangrail-share.com: flagged\n");
	answer_free(&a);
}

static size_t code_points(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Sentences go on below themselves; nothing that people read is wider than their terminal. */
static void no_line_is_wider_than_the_terminal(void **state)
{
	const struct answer answers[] = {
		CALL(state, check_command, "drive-globalordnance.com", "slobodnadalmacija.hr", "xn---docs-gweo6d.com", "cija.org"),
		CALL(state, rules_command, "list"),
		CALL(state, brands_command, "list"),
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct answer a = answers[i];

		for (const char *line = a.out; *line != '\0'; line += strcspn(line, "\n") + 1)
			if (code_points(line, strcspn(line, "\n")) > 80)
				fail_msg("%.*s", (int)strcspn(line, "\n"), line);
		answer_free(&a);
	}
}

#define ACTOR(domains, more) "{\"id\":\"x\",\"actor\":{\"name\":\"X\"},\"indicators\":[{\"published\":\"2026-03\",\"domains\":[" domains "]}]" more "}"
#define SIX_DOMAINS "\"mail-verify.info\",\"verify-inbox.info\",\"inbox-mail.org\",\"verify-webmail.info\",\"mail-webmail.org\",\"inbox-webmail.info\""

static void a_pack_for_another_actor_is_learnt_from_its_names(void **state)
{
	char *actor = file(state, "actor.json", ACTOR(SIX_DOMAINS, ",\"naming\":{\"theme\":[\"account\"]}")), *pack = file(state, "pack.json", NULL);
	char *names = file(state, "names.txt", ""), *rules;
	FILE *out = fopen(names, "w");
	struct answer a;

	assert_non_null(out);
	for (int i = 0; i < 3000; i++)
		fprintf(out, "ordinary%d%s\n", i, i % 3 ? ".com" : "-shop.net");
	fclose(out);
	a = CALL(state, rules_command, "learn", actor, names, "-o", pack);
	assert_int_equal(a.code, EXIT_DONE);
	assert_non_null(strstr(a.err, "6 of 6 names found"));
	assert_non_null(strstr(a.err, "are coarse"));
	answer_free(&a);
	rules = xasprintf("tag53,%s", pack);
	a = CALL(state, check_command, "--rules", rules, "mail-account.info");
	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "naming/x");
	answer_free(&a);
	free(rules);
	free(actor);
	free(pack);
	free(names);
}

static void an_actor_file_with_a_mistake_makes_no_pack(void **state)
{
	static const struct {
		const char *actor, *says;
	} CASES[] = {
		{ ACTOR(SIX_DOMAINS, ",\"naming\":{\"theem\":[]}"), "did you mean \"theme\"?" },
		{ ACTOR("\"a-b.com\"", ""), "weights want at least 5" },
		{ ACTOR(SIX_DOMAINS, ""), "the background holds 2 registrable domains" },
		{ "{", "actor.json:1:" },
	};
	char *names = file(state, "names.txt", "example.com\nexample.net\n"), *pack = file(state, "pack.json", NULL);

	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		char *actor = file(state, "actor.json", CASES[i].actor);
		struct answer a = CALL(state, rules_command, "learn", actor, names, "-o", pack);

		assert_int_equal(a.code, EXIT_USAGE);
		if (strstr(a.err, CASES[i].says) == NULL)
			fail_msg("\"%s\" is not in: %s", CASES[i].says, a.err);
		assert_int_equal(access(pack, F_OK), -1);
		answer_free(&a);
		free(actor);
	}
	free(names);
	free(pack);
}

static void check_of_an_ordinary_name_says_no_and_what_is_nearest(void **state)
{
	struct answer a = CALL(state, check_command, "slobodnadalmacija.hr");

	assert_int_equal(a.code, EXIT_NO);
	assert_says(&a, "not flagged");
	assert_says(&a, "nearest: ");
	assert_says(&a, "considered: brand/cija");
	answer_free(&a);
	a = CALL(state, check_command, "--issuer", "Other CA", "sangrail-docs.com");
	assert_int_equal(a.code, EXIT_NO);
	assert_says(&a, "the rule wants another issuer");
	answer_free(&a);
}

static void check_prints_one_json_object_a_name_in_order(void **state)
{
	struct answer a = CALL(state, check_command, "--format", "jsonl", "example.org", "drive-globalordnance.com", "\xff");
	char *rest, *line = strtok_r(a.out, "\n", &rest);
	json_t *first = json_loads(line, 0, NULL), *second = json_loads(strtok_r(NULL, "\n", &rest), 0, NULL);
	json_t *third = json_loads(strtok_r(NULL, "\n", &rest), 0, NULL);

	assert_string_equal(json_string_value(json_object_get(first, "name")), "example.org");
	assert_true(json_is_false(json_object_get(first, "flagged")));
	assert_true(json_is_true(json_object_get(second, "flagged")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(second, "matches"), 0), "rule")), "indicator/tag53");
	assert_non_null(json_object_get(third, "name"));
	assert_null(strtok_r(NULL, "\n", &rest));
	json_decref(first);
	json_decref(second);
	json_decref(third);
	answer_free(&a);
}

static void check_reads_names_as_people_have_them(void **state)
{
	struct answer a = CALL(state, check_command, "HXXPS://www[.]Sangrail-Docs[dot]com/login", "<soc@sangrail-docs.com>", "sangrail-docs.com.", "*.sangrail-docs.com");

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "www.sangrail-docs.com: flagged\n");
	assert_says(&a, "\nsangrail-docs.com: flagged\n");
	assert_null(strstr(a.out, "not flagged"));
	answer_free(&a);
	a = CALL(state, check_command, "", "not a name");
	assert_int_equal(a.code, EXIT_USAGE);
	assert_string_equal(a.out, "");
	assert_non_null(strstr(a.err, "not a name"));
	answer_free(&a);
	a = CALL(state, check_command, "not a name", "example.org");
	assert_int_equal(a.code, EXIT_NO);
	answer_free(&a);
}

static void check_without_names_and_with_unknown_packs_is_bad_usage(void **state)
{
	struct answer a = call(state, &check_command, (const char *const[]){ NULL });

	assert_int_equal(a.code, EXIT_USAGE);
	answer_free(&a);
	a = CALL(state, check_command, "--rules", "nonesuch", "example.org");
	assert_int_equal(a.code, EXIT_USAGE);
	assert_non_null(strstr(a.err, "nonesuch"));
	answer_free(&a);
}

static void inspect_reads_der_and_pem(void **state)
{
	struct slice index;
	char *path, *pem, base64[4096];
	struct answer a;

	need_shared();
	index = shared_file("data/certs/letsencrypt-leaves.tar.zst");
	/* the first member of the archive: 512 bytes of header, its size in octal at 124 */
	size_t len = strtoul((const char *)index.data + 124, NULL, 8);

	assert_in_range(len, 500, 3000);
	base64_encode(index.data + 512, len, base64);
	pem = xasprintf("junk\n-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", base64);
	path = file(state, "cert.pem", pem);
	a = CALL(state, inspect_command, path);
	assert_says(&a, "O=Let's Encrypt");
	assert_int_equal(a.code, EXIT_NO);
	answer_free(&a);
	free(path);
	free(pem);
	free((void *)index.data);
	path = file(state, "cert.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
	a = CALL(state, inspect_command, path);
	assert_int_equal(a.code, EXIT_USAGE);
	answer_free(&a);
	free(path);
}

static void rules_test_prints_what_differs_and_says_no(void **state)
{
	char *path = file(state, "cases.tsv", "san\texpected\ttechnique\twhy\nsangrail-docs.com\tsangrail\tcombosquat\tx\nexample.org\t-\t-\ty\n"
					      "drive-share.com\tnaming/tag53\t-\tz\n");
	struct answer a = CALL(state, rules_command, "test", path);

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "3 of 3 verdicts are as expected");
	answer_free(&a);
	free(path);
	path = file(state, "cases.tsv", "sangrail-docs.com\t-\nexample.org\tcija\tx\twanted\n");
	a = CALL(state, rules_command, "test", path);
	assert_int_equal(a.code, EXIT_NO);
	assert_says(&a, "0 of 2");
	assert_says(&a, "wanted");
	answer_free(&a);
	free(path);
	path = file(state, "cases.tsv", "no tab here\n");
	a = CALL(state, rules_command, "test", path);
	assert_int_equal(a.code, EXIT_USAGE);
	answer_free(&a);
	free(path);
}

static void rules_list_says_dates_recall_and_limits(void **state)
{
	struct answer a = CALL(state, rules_command, "list");

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "published 2022-12: 38 domains, 38 addresses");
	assert_says(&a, "31 of 38 found");
	assert_says(&a, "The score knows the style of 2022");
	assert_says(&a, "brand/mvd");
	answer_free(&a);
}

static void brands_add_writes_what_works_at_once(void **state)
{
	char *path = file(state, "brands.json", NULL);
	struct answer a = CALL(state, brands_command, "add", "Acme Tronics LTD", "acmetronics.example", "--file", path);

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "term \"acmetronics\" (long)");
	assert_says(&a, "acmetronics-login.com");
	assert_says(&a, "not in force yet");
	answer_free(&a);
	a = CALL(state, check_command, "--rules", path, "acmetronics-login.com");
	assert_int_equal(a.code, EXIT_DONE);
	answer_free(&a);
	/* the same again clashes, and leaves the file as it was */
	a = CALL(state, brands_command, "add", "Acme Tronics LTD", "acmetronics.example", "--file", path);
	assert_int_equal(a.code, EXIT_USAGE);
	assert_non_null(strstr(a.err, "taken"));
	answer_free(&a);
	a = CALL(state, brands_command, "list", "--rules", path);
	assert_says(&a, "acme-tronics-ltd");
	answer_free(&a);
	free(path);
}

static void brands_add_names_an_ordinary_word_before_it_is_deployed(void **state)
{
	char *path = file(state, "brands.json", NULL);
	struct answer a = CALL(state, brands_command, "add", "Russia", "russia.example", "--file", path, "--dry-run");

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "an ordinary word or place");
	assert_says(&a, "nothing written");
	assert_int_not_equal(access(path, F_OK), 0);
	answer_free(&a);
	a = CALL(state, brands_command, "add", "Nameless", "--file", path);
	assert_int_equal(a.code, EXIT_USAGE);
	answer_free(&a);
	free(path);
}

static void brands_add_reads_a_list_of_partners(void **state)
{
	char *path = file(state, "brands.json", NULL);
	char *csv = file(state, "list.csv", "name,domain\n\"Voltaic, Inc.\",voltaic-example.com,voltaic.example\nHydromax;hydromax.example\n");
	struct answer a = CALL(state, brands_command, "add", "--csv", csv, "--file", path);

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "brand/voltaic-inc");
	assert_says(&a, "brand/hydromax");
	answer_free(&a);
	free(csv);
	csv = file(state, "list.csv", "Voltronic\n");
	a = CALL(state, brands_command, "add", "--csv", csv, "--file", path);
	assert_int_equal(a.code, EXIT_USAGE);
	assert_non_null(strstr(a.err, "list.csv:1"));
	answer_free(&a);
	free(csv);
	free(path);
}

static void brands_noise_counts_per_million_and_gives_advice(void **state)
{
	char *brands = file(state, "brands.json", "{\"brands\":[{\"name\":\"Zugspitz\",\"official_domains\":[\"zugspitz.example\"]}]}");
	char *names = file(state, "names.txt", "zugspitz.de\t2024-01\nhotel-zugspitz.de\nexample.org\nexample.net\n");
	char *words = file(state, "words.txt", "zugspitzbahn\nother\n");
	struct answer a = CALL(state, brands_command, "noise", names, "--rules", brands, "--words", words);

	assert_int_equal(a.code, EXIT_DONE);
	assert_says(&a, "500000.0");
	assert_says(&a, "is noisy");
	assert_says(&a, "1 word of the word list holds \"zugspitz\": zugspitzbahn");
	assert_says(&a, "Measured on 4 names");
	answer_free(&a);
	a = CALL(state, brands_command, "noise", "/nonexistent", "--rules", brands);
	assert_int_equal(a.code, EXIT_USAGE);
	answer_free(&a);
	free(brands);
	free(names);
	free(words);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(init_writes_nothing_when_a_domain_is_none),
		TEST(check_takes_what_people_paste),
		TEST(no_line_is_wider_than_the_terminal),
		TEST(a_pack_for_another_actor_is_learnt_from_its_names),
		TEST(an_actor_file_with_a_mistake_makes_no_pack),
		TEST(check_marks_the_span_and_counts_every_point),
		TEST(check_of_an_ordinary_name_says_no_and_what_is_nearest),
		TEST(check_prints_one_json_object_a_name_in_order),
		TEST(check_reads_names_as_people_have_them),
		TEST(check_without_names_and_with_unknown_packs_is_bad_usage),
		TEST(inspect_reads_der_and_pem),
		TEST(rules_test_prints_what_differs_and_says_no),
		TEST(rules_list_says_dates_recall_and_limits),
		TEST(brands_add_writes_what_works_at_once),
		TEST(brands_add_names_an_ordinary_word_before_it_is_deployed),
		TEST(brands_add_reads_a_list_of_partners),
		TEST(brands_noise_counts_per_million_and_gives_advice),
	};

	setenv("NO_COLOR", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
