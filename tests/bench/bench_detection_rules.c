/*
 * The shipped rules as they run: findings per million registrable domains of each background file, by rule and, for the
 * rules that find most, by top-level domain; and what a name costs. The weights of the shipped pack saw these files:
 * bench_naming measures them honestly, this one shows where findings come from.
 */
#include "rules_kit.h"
#include "shared.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

static const struct {
	const char *row, *path;
} FILES[] = {
	{ "new registrations", "corpora/benign-nrd.tsv.gz" },
	{ "certificate names", "corpora/benign-ct-hosts.txt.gz" },
	{ "top sites", "corpora/benign-top.tsv.gz" },
	{ "government hosts", "corpora/benign-gov-hosts.txt.gz" },
	{ "disposable mail", "corpora/grey-disposable.txt.gz" },
};

static bool take_line(struct slice *text, struct slice *name)
{
	ptrdiff_t end, tab;

	if (text->len == 0)
		return false;
	end = slice_find(*text, '\n');
	*name = slice_sub(*text, 0, end < 0 ? text->len : (size_t)end);
	*text = slice_sub(*text, end < 0 ? text->len : (size_t)end + 1, text->len);
	tab = slice_find(*name, '\t');
	if (tab >= 0)
		name->len = (size_t)tab;
	return true;
}

static void count_up(json_t *counts, const char *key)
{
	json_object_set_new(counts, key, json_integer(json_integer_value(json_object_get(counts, key)) + 1));
}

static void print_rate(const char *file, const char *what, double n, double of)
{
	printf("{\"bench\":\"detection\",\"group\":\"shipped packs as they run: flagged per million registrable domains\",\"row\":\"%s, %s\","
	       "\"value\":%.1f,\"unit\":\"per million\"}\n", file, what, of > 0 ? 1e6 * n / of : 0);
}

static const char *top_level(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : name;
}

static void run_file(struct rules_kit *kit, const char *row, struct slice text)
{
	json_t *by_rule = json_object(), *by_tld = json_object(), *of_tld = json_object(), *seen = json_object(), *value;
	struct slice rest = text, name;
	size_t domains = 0, flagged = 0;
	const char *key;

	while (take_line(&rest, &name)) {
		struct cert_name one = { .kind = NAME_DNS, .text = name };
		struct cert_names names = { .items = &one, .n = 1 };
		struct rule_subject subject = { .issuer_org = SLICE_LITERAL(LETS_ENCRYPT), .names = &names };
		size_t suffix_at;
		ptrdiff_t at = suffix_registrable(kit->suffixes, name, &suffix_at);
		char *domain;

		if (at < 0)
			continue;
		domain = slice_dup_text(slice_sub(name, (size_t)at, name.len));
		if (!json_object_get(seen, domain)) {
			json_object_set_new(seen, domain, json_object());
			count_up(of_tld, top_level(domain));
			domains++;
		}
		match_list_clear(&kit->matches);
		ruleset_match(kit->rules, kit->scratch, &subject, &kit->matches);
		for (size_t i = 0; i < kit->matches.n; i++) {
			const struct match *m = &kit->matches.items[i];
			json_t *found = json_object_get(seen, domain);

			if (!m->flagged || json_object_get(found, m->rule))
				continue;
			flagged++;
			json_object_set_new(found, m->rule, json_true());
			count_up(by_rule, m->rule);
			count_up(by_tld, top_level(domain));
		}
		free(domain);
	}
	print_rate(row, "all rules", (double)flagged, (double)domains);
	json_object_foreach(by_rule, key, value)
		print_rate(row, key, (double)json_integer_value(value), (double)domains);
	/* of the names in that top-level domain */
	json_object_foreach(by_tld, key, value)
		print_rate(row, key, (double)json_integer_value(value), (double)json_integer_value(json_object_get(of_tld, key)));
	json_decref(of_tld);
	json_decref(by_rule);
	json_decref(by_tld);
	json_decref(seen);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Four names to a certificate, which is about the average. */
static void run_cost(struct rules_kit *kit, struct slice text, const char *issuer, const char *row, const char *aim)
{
	size_t n = 0;
	double start = seconds();

	for (int round = 0; round < 3; round++) {
		struct cert_name items[4];
		struct cert_names names = { .items = items };
		struct slice rest = text, name;
		struct rule_subject subject = { .issuer_org = slice_text(issuer), .names = &names };

		while (take_line(&rest, &name)) {
			items[names.n++] = (struct cert_name){ .kind = NAME_DNS, .text = name };
			n++;
			if (names.n < ARRAY_LEN(items))
				continue;
			ruleset_match(kit->rules, kit->scratch, &subject, &kit->matches);
			match_list_clear(&kit->matches);
			names.n = 0;
		}
	}
	printf("{\"bench\":\"detection\",\"group\":\"cost of all rules, four names to a certificate, one core\",\"row\":\"%s\",\"value\":%.3f,\"unit\":\"us/name\",\"aim\":\"%s\"}\n", row, 1e6 * (seconds() - start) / (double)n,
	       aim);
}

int main(void)
{
	static const char *const SHIPPED[] = { "tag53", "watchlist", NULL };
	struct rules_kit kit;
	struct slice list = shared_file("data/names/public_suffix_list-2026-08-19.dat.zst");
	struct error err;

	if (!list.data) {
		fprintf(stderr, "skipped: no ../shared\n");
		return 0;
	}
	kit_packs_with(&kit, SHIPPED, suffix_table_new(list, "shared", &err));
	for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
		struct slice text = shared_file(FILES[i].path);

		run_file(&kit, FILES[i].row, text);
		if (i == 1) {
			run_cost(&kit, text, LETS_ENCRYPT, "shipped packs, Let's Encrypt", "<= 1");
			run_cost(&kit, text, "Other CA", "shipped packs, another issuer", "<= 0.2");
		}
		free((void *)text.data);
	}
	free((void *)list.data);
	kit_free(&kit);
	return 0;
}
