/* Compiling: files to one immutable set. */
#include "ruleset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- issuers ----------------------------------------------------------------------------------------------- */

bool issuer_in(const struct text_list *organisations, struct slice issuer_org)
{
	for (size_t i = 0; i < organisations->n; i++) {
		const char *wanted = organisations->items[i];

		if (!strcmp(wanted, "*"))
			return true;
		if (strlen(wanted) == issuer_org.len && issuer_org.len > 0 &&
		    !strncasecmp(wanted, (const char *)issuer_org.data, issuer_org.len))
			return true;
	}
	return false;
}

/* Staging certificates say "(STAGING) Let's Encrypt": the whole organisation is compared, so they stay out. */
bool issuer_is_lets_encrypt(struct slice issuer_org)
{
	return slice_equal(issuer_org, SLICE_LITERAL("Let's Encrypt"));
}

uint64_t ruleset_issuers(const struct ruleset *rules, struct slice issuer_org)
{
	uint64_t mask = rules->any_issuer;

	for (size_t i = 0; i < rules->n_issuer_lists; i++)
		if (!(mask >> i & 1) && issuer_in(rules->issuer_lists[i], issuer_org))
			mask |= (uint64_t)1 << i;
	return mask;
}

bool ruleset_wants_issuer(const struct ruleset *rules, struct slice issuer_org)
{
	return rules->domains.n > 0 || rules->n_addresses > 0 || ruleset_issuers(rules, issuer_org) != 0;
}

static bool same_texts(const struct text_list *a, const struct text_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool issuer_condition(struct ruleset *rules, const struct text_list *issuers, const char *rule, uint8_t *number, struct error *err)
{
	size_t i;

	for (i = 0; i < rules->n_issuer_lists; i++)
		if (same_texts(rules->issuer_lists[i], issuers))
			break;
	if (i == ISSUER_CONDITIONS_MAX)
		return error_set(err, ERR_USAGE, "%s has the %dth different list of \"issuers\": share them among the brands", rule,
				 ISSUER_CONDITIONS_MAX + 1);
	if (i == rules->n_issuer_lists) {
		rules->issuer_lists[rules->n_issuer_lists++] = issuers;
		if (text_list_has(issuers, SLICE_LITERAL("*")))
			rules->any_issuer |= (uint64_t)1 << i;
	}
	*number = (uint8_t)i;
	return true;
}

static bool compile_issuers(struct ruleset *rules, struct error *err)
{
	const struct rule_config *config = &rules->config;

	rules->pack_issuers = xcalloc(config->n_packs + 1, 1);
	rules->brand_issuers = xcalloc(config->n_brands + 1, 1);
	for (size_t i = 0; i < config->n_packs; i++)
		if (config->packs[i].has_naming &&
		    !issuer_condition(rules, &config->packs[i].issuers, config->packs[i].id, &rules->pack_issuers[i], err))
			return false;
	for (size_t i = 0; i < config->n_brands; i++)
		if (!issuer_condition(rules, &config->brands[i].issuers, config->brands[i].id, &rules->brand_issuers[i], err))
			return false;
	return true;
}

/* ---- domains and addresses ------------------------------------------------------------------------------------ */

static int compare_addresses(const void *a, const void *b)
{
	const struct address_rule *x = a, *y = b;

	return x->len != y->len ? x->len - y->len : memcmp(x->bytes, y->bytes, x->len);
}

static void compile_indicators(struct ruleset *rules)
{
	const struct rule_config *config = &rules->config;

	rules->addresses = xcalloc(config->n_indicators + 1, sizeof(*rules->addresses));
	for (uint32_t i = 0; i < config->n_indicators; i++) {
		const struct indicator *indicator = &config->indicators[i];

		if (indicator->domain) {
			domains_add(&rules->domains, indicator->domain, DOMAIN_INDICATOR, i, true);
			continue;
		}

		struct address_rule *address = &rules->addresses[rules->n_addresses++];

		address->len = indicator->address_len;
		address->indicator = i;
		memcpy(address->bytes, indicator->address, indicator->address_len);
	}
	if (rules->n_addresses > 0)
		qsort(rules->addresses, rules->n_addresses, sizeof(*rules->addresses), compare_addresses);
}

static void compile_brand_domains(struct ruleset *rules)
{
	const struct rule_config *config = &rules->config;

	for (uint32_t i = 0; i < config->n_brands; i++) {
		const struct brand_config *b = &config->brands[i];

		for (size_t j = 0; j < b->official_domains.n; j++)
			domains_add(&rules->domains, b->official_domains.items[j], DOMAIN_OFFICIAL, i, true);
		for (size_t j = 0; j < b->n_exclude_domains; j++)
			domains_add(&rules->domains, b->exclude_domains[j].domain, DOMAIN_EXCLUDED, i, b->exclude_domains[j].subtree);
		rules->has_own |= b->expected_issuers.n > 0;
	}
}

static void compile_domains(struct ruleset *rules)
{
	const struct rule_config *config = &rules->config;

	compile_indicators(rules);
	compile_brand_domains(rules);
	for (uint32_t i = 0; i < config->n_allow; i++)
		domains_add(&rules->domains, config->allow[i].domain, DOMAIN_ALLOW, i, config->allow[i].subtree);
	for (uint32_t i = 0; i < config->n_watch; i++) {
		const char *parent = strchr(config->watch[i].domain, '.');

		domains_add(&rules->domains, config->watch[i].domain, DOMAIN_WATCH, i, config->watch[i].subtree);
		if (parent)
			domains_add(&rules->domains, parent + 1, DOMAIN_WATCH_PARENT, i, false);
	}
	domains_compile(&rules->domains);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void set_id(struct ruleset *rules, const struct rule_source *sources, size_t n_sources)
{
	struct slice *parts = xcalloc(n_sources * 2 + 1, sizeof(*parts));
	uint64_t *lengths = xcalloc(n_sources + 1, sizeof(*lengths));
	struct hash hash;

	for (size_t i = 0; i < n_sources; i++) {
		lengths[i] = sources[i].text.len;
		parts[2 * i] = slice_of(&lengths[i], sizeof(lengths[i]));
		parts[2 * i + 1] = sources[i].text;
	}
	hash = sha256_parts(parts, n_sources * 2);
	hex_encode(hash.bytes, 8, rules->id);
	free(parts);
	free(lengths);
}

bool ruleset_compile(const struct rule_source *sources, size_t n_sources, const struct suffix_table *suffixes, int64_t now_ms,
		     struct ruleset **out, struct error *err)
{
	struct ruleset *rules = xcalloc(1, sizeof(*rules));

	rules->suffixes = suffixes;
	for (size_t i = 0; i < n_sources; i++)
		if (!rule_config_add(&rules->config, &sources[i], suffixes, now_ms, err))
			goto fail;
	if (!compile_issuers(rules, err))
		goto fail;
	compile_domains(rules);
	if (rules->config.n_brands > 0 && !lookalike_new(rules->config.brands, rules->config.n_brands, suffixes, &rules->config.warnings,
							 &rules->lookalike, err))
		goto fail;
	set_id(rules, sources, n_sources);
	*out = rules;
	return true;
fail:
	ruleset_free(rules);
	return false;
}

void ruleset_free(struct ruleset *rules)
{
	if (!rules)
		return;
	lookalike_free(rules->lookalike);
	domains_deinit(&rules->domains);
	rule_config_deinit(&rules->config);
	free(rules->addresses);
	free(rules->pack_issuers);
	free(rules->brand_issuers);
	free(rules);
}

size_t ruleset_n_warnings(const struct ruleset *rules)
{
	return rules->config.warnings.n;
}

const char *ruleset_warning(const struct ruleset *rules, size_t i)
{
	return rules->config.warnings.items[i];
}

const char *ruleset_id(const struct ruleset *rules)
{
	return rules->id;
}

char *rule_name(const struct ruleset *rules, enum finding_kind kind, uint32_t number)
{
	const struct rule_config *config = &rules->config;

	switch (kind) {
	case FINDING_INDICATOR:
	case FINDING_NAMING:
		return xasprintf("%s/%s", finding_kind_name(kind), config->packs[number].id);
	case FINDING_BRAND:
	case FINDING_OWN:
		return xasprintf("%s/%s", finding_kind_name(kind), config->brands[number].id);
	case FINDING_WATCH:
		return xasprintf("watch/%s%s", config->watch[number].subtree ? "." : "", config->watch[number].domain);
	case FINDING_UNREADABLE:
		break;
	}
	return xstrdup("unreadable");
}

struct rule_scratch *rule_scratch_new(void)
{
	struct rule_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->lookalike = lookalike_scratch_new();
	return scratch;
}

void rule_scratch_free(struct rule_scratch *scratch)
{
	if (!scratch)
		return;
	lookalike_scratch_free(scratch->lookalike);
	free(scratch);
}
