/*
 * Any bytes as the names of a certificate (a line each; a first byte below 32 switches what surrounds them), against the shipped
 * packs, an own rule and a watch list: accounts add up, spans lie inside names, no rule matches a domain twice, and the same
 * question gets the same answer.
 */
#include "check.h"
#include "rules.h"

#include <string.h>

#define NAMES_MAX 64

struct setting {
	struct suffix_table *suffixes;
	struct ruleset *rules;
	struct rule_scratch *scratch;
};

static const char BRANDS[] = "{\"brands\":[{\"name\":\"Own\",\"terms\":[\"ownbrand\"],\"official_domains\":[\"own.example\"],"
			     "\"expected_issuers\":[\"Nobody\"],\"issuers\":[\"*\"]}]}";
static const char WATCH[] = "exact.example.org\n.example.net\n";

/* Compiled once for all inputs. */
static const struct setting *setting(void)
{
	static struct setting s;
	struct rule_source sources[4] = { { SOURCE_PACK, "tag53", { 0 } }, { SOURCE_PACK, "watchlist", { 0 } },
					  { SOURCE_PACK, "own", SLICE_LITERAL(BRANDS) }, { SOURCE_WATCHLIST_TEXT, "watch", SLICE_LITERAL(WATCH) } };
	struct error err;

	if (s.rules)
		return &s;
	for (size_t i = 0; i < 2; i++) {
		size_t len = 0;
		const char *text = rule_pack_text(sources[i].name, &len);

		sources[i].text = slice_of(text, len);
	}
	s.suffixes = suffix_table_new_libpsl();
	CHECK(ruleset_compile(sources, 4, s.suffixes, 0, &s.rules, &err));
	s.scratch = rule_scratch_new();
	return &s;
}

static void check_match(const struct match *m)
{
	int sum = 0;

	for (size_t i = 0; i < m->n_evidence; i++) {
		const struct evidence *e = &m->evidence[i];

		sum += e->points;
		CHECK(e->span_start <= e->span_end && e->span_start >= -1);
		CHECK(e->span_end <= (int)strlen(m->name));
		CHECK(e->detail[0] != '\0');
	}
	CHECK(sum == m->score && m->score >= 0 && m->score <= 100);
	CHECK(m->flagged == (m->kind != FINDING_UNREADABLE && m->score >= m->min_score));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct setting *s = setting();
	struct cert_name items[NAMES_MAX];
	struct cert_names names = { .items = items };
	struct rule_subject subject = { .issuer_org = SLICE_LITERAL("Let's Encrypt"), .names = &names };
	struct match_list first, second;
	struct slice rest = slice_of(data, size);

	if (rest.len > 0 && rest.data[0] < 32) {
		subject.names_incomplete = rest.data[0] & 1;
		if (rest.data[0] & 2)
			subject.issuer_org = slice_of(NULL, 0);
		rest = slice_sub(rest, 1, rest.len);
	}
	while (rest.len > 0 && names.n < NAMES_MAX) {
		ptrdiff_t end = slice_find(rest, '\n');
		struct slice line = slice_sub(rest, 0, end < 0 ? rest.len : (size_t)end);

		/* names hold no NUL: the parser splits there */
		if (!memchr(line.data, 0, line.len))
			items[names.n++] = (struct cert_name){ .kind = line.len == 4 ? NAME_IP : NAME_DNS, .text = line };
		rest = slice_sub(rest, end < 0 ? rest.len : (size_t)end + 1, rest.len);
	}
	match_list_init(&first);
	match_list_init(&second);
	CHECK(ruleset_match(s->rules, s->scratch, &subject, &first) == first.n);
	ruleset_match(s->rules, s->scratch, &subject, &second);
	CHECK(first.n == second.n);
	for (size_t i = 0; i < first.n; i++) {
		check_match(&first.items[i]);
		CHECK(!strcmp(first.items[i].rule, second.items[i].rule) && first.items[i].score == second.items[i].score);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(first.items[i].rule, first.items[j].rule) != 0 ||
			      strcmp(first.items[i].registrable_domain, first.items[j].registrable_domain) != 0);
	}
	if (names.n > 0)
		free(ruleset_explain_json(s->rules, s->scratch, items[0].text, subject.issuer_org));
	match_list_deinit(&first);
	match_list_deinit(&second);
	return 0;
}
