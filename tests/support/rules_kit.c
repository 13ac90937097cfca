#include "rules_kit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void prepare(struct rules_kit *kit, struct suffix_table *suffixes)
{
	*kit = (struct rules_kit){ 0 };
	kit->suffixes = suffixes;
	kit->scratch = rule_scratch_new();
	match_list_init(&kit->matches);
}

void kit_packs(struct rules_kit *kit, const char *const *names)
{
	kit_packs_with(kit, names, suffix_table_new_libpsl());
}

void kit_packs_with(struct rules_kit *kit, const char *const *names, struct suffix_table *suffixes)
{
	struct rule_source sources[8];
	size_t n = 0;

	prepare(kit, suffixes);
	for (; names[n] && n < ARRAY_LEN(sources); n++) {
		size_t len = 0;
		const char *text = rule_pack_text(names[n], &len);

		sources[n] = (struct rule_source){ SOURCE_PACK, names[n], slice_of(text, len) };
	}
	if (!ruleset_compile(sources, n, kit->suffixes, KIT_NOW_MS, &kit->rules, &kit->err)) {
		fprintf(stderr, "%s\n", kit->err.text);
		abort();
	}
}

static bool compile_one(struct rules_kit *kit, enum rule_source_type type, const char *text)
{
	struct rule_source source = { type, "test.json", slice_text(text) };

	prepare(kit, suffix_table_new_libpsl());
	return ruleset_compile(&source, 1, kit->suffixes, KIT_NOW_MS, &kit->rules, &kit->err);
}

bool kit_json(struct rules_kit *kit, const char *json)
{
	return compile_one(kit, SOURCE_PACK, json);
}

bool kit_watch_list(struct rules_kit *kit, const char *text)
{
	return compile_one(kit, SOURCE_WATCHLIST_TEXT, text);
}

void kit_free(struct rules_kit *kit)
{
	match_list_deinit(&kit->matches);
	rule_scratch_free(kit->scratch);
	ruleset_free(kit->rules);
	suffix_table_free(kit->suffixes);
}

size_t kit_ask(struct rules_kit *kit, const char *issuer, const char *const *names)
{
	struct cert_name items[64];
	uint8_t addresses[64][16];
	struct cert_names list = { .items = items };
	struct rule_subject subject = { .issuer_org = slice_text(issuer), .names = &list };

	for (; names[list.n] && list.n < ARRAY_LEN(items); list.n++) {
		const char *name = names[list.n];

		items[list.n] = (struct cert_name){ .kind = NAME_DNS, .text = slice_text(name) };
		if (strncmp(name, "ip:", 3) != 0)
			continue;
		items[list.n].kind = NAME_IP;
		if (inet_pton(AF_INET, name + 3, addresses[list.n]) == 1)
			items[list.n].text = slice_of(addresses[list.n], 4);
		else if (inet_pton(AF_INET6, name + 3, addresses[list.n]) == 1)
			items[list.n].text = slice_of(addresses[list.n], 16);
	}
	match_list_clear(&kit->matches);
	return ruleset_match(kit->rules, kit->scratch, &subject, &kit->matches);
}

size_t kit_ask_one(struct rules_kit *kit, const char *name)
{
	return kit_ask(kit, LETS_ENCRYPT, (const char *const[]){ name, NULL });
}

const struct match *kit_match(const struct rules_kit *kit, const char *rule)
{
	for (size_t i = 0; i < kit->matches.n; i++)
		if (!strcmp(kit->matches.items[i].rule, rule))
			return &kit->matches.items[i];
	return NULL;
}

bool match_has_signal(const struct match *m, const char *signal)
{
	for (size_t i = 0; i < m->n_evidence; i++)
		if (!strcmp(m->evidence[i].signal, signal))
			return true;
	return false;
}

int match_points(const struct match *m)
{
	int sum = 0;

	for (size_t i = 0; i < m->n_evidence; i++)
		sum += m->evidence[i].points;
	return sum;
}
