/*
 * Any bytes as a pack, a brand file or a watch list: either one sentence that begins with the file's name, or a set that decides
 * and describes itself.
 */
#include "check.h"
#include "rules.h"

#include <string.h>

#include <jansson.h>

static void check_json(char *text)
{
	json_t *value = text ? json_loads(text, 0, NULL) : NULL;

	CHECK(value);
	json_decref(value);
	free(text);
}

static void use(const struct ruleset *rules)
{
	static const char *const NAMES[] = { "drive-acme.com", "*.example.org", "acme.example", "acme.com.evil.net" };
	struct rule_scratch *scratch = rule_scratch_new();

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		check_json(ruleset_explain_json(rules, scratch, slice_text(NAMES[i]), SLICE_LITERAL("Let's Encrypt")));
	check_json(ruleset_describe_json(rules));
	check_json(ruleset_brands_json(rules));
	rule_scratch_free(scratch);
}

static void compile(enum rule_source_type type, struct slice text, const struct suffix_table *suffixes)
{
	struct rule_source source = { type, "fuzz.json", text };
	struct ruleset *rules;
	struct error err = { 0 };

	if (ruleset_compile(&source, 1, suffixes, 0, &rules, &err)) {
		use(rules);
		ruleset_free(rules);
	} else {
		CHECK(err.kind == ERR_USAGE && err.text[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct suffix_table *suffixes;

	if (!suffixes)
		suffixes = suffix_table_new_libpsl();
	compile(SOURCE_PACK, slice_of(data, size), suffixes);
	compile(SOURCE_WATCHLIST_TEXT, slice_of(data, size), suffixes);
	return 0;
}
