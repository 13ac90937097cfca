/* `check`: the decision for one name, what was considered on the way, and the nearest rule when none flags it. */
#include "ruleset.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static json_t *json_text(struct slice text)
{
	json_t *value = json_stringn((const char *)text.data, text.len);
	char *escaped;

	/* a name need not be UTF-8 */
	if (value)
		return value;
	escaped = xmalloc(text.len * 4 + 1);
	value = json_string(text_escape(text, escaped, text.len * 4 + 1));
	free(escaped);
	return value ? value : json_string("");
}

static json_t *json_row(const char *signal, const char *detail, int points, int span_start, int span_end)
{
	json_t *row = json_object();

	json_object_set_new(row, "signal", json_string(signal));
	json_object_set_new(row, "detail", json_text(slice_text(detail)));
	json_object_set_new(row, "points", json_integer(points));
	if (span_start >= 0)
		json_object_set_new(row, "span", json_pack("[ii]", span_start, span_end));
	return row;
}

static json_t *json_match(const struct match *m)
{
	json_t *object = json_object(), *evidence = json_array();

	for (size_t i = 0; i < m->n_evidence; i++) {
		const struct evidence *e = &m->evidence[i];

		json_array_append_new(evidence, json_row(e->signal, e->detail, e->points, e->span_start, e->span_end));
	}
	json_object_set_new(object, "rule", json_string(m->rule));
	json_object_set_new(object, "kind", json_string(finding_kind_name(m->kind)));
	json_object_set_new(object, "brand", m->brand ? json_text(slice_text(m->brand)) : json_null());
	json_object_set_new(object, "technique", m->technique ? json_string(m->technique) : json_null());
	json_object_set_new(object, "name", json_text(slice_text(m->name)));
	json_object_set_new(object, "registrable_domain", json_text(slice_text(m->registrable_domain)));
	json_object_set_new(object, "score", json_integer(m->score));
	json_object_set_new(object, "min_score", json_integer(m->min_score));
	json_object_set_new(object, "severity", json_string(severity_name(severity_of(m->score))));
	json_object_set_new(object, "flagged", json_boolean(m->flagged));
	json_object_set_new(object, "evidence", evidence);
	return object;
}

char *match_list_json(const struct match_list *list)
{
	json_t *array = json_array();
	char *text;

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_match(&list->items[i]));
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}

/* ---- what was considered --------------------------------------------------------------------------------------- */

static void consider(json_t *considered, const char *rule, const char *signal, char *why)
{
	json_array_append_new(considered, json_pack("{s:s, s:s, s:o}", "rule", rule, "signal", signal, "why", json_text(slice_text(why))));
	free(why);
}

static void consider_hit(const struct ruleset *rules, const struct domain_hit *hit, json_t *considered)
{
	const struct rule_config *config = &rules->config;
	const struct domain_entry *e = hit->entry;
	char *rule;

	switch ((enum domain_meaning)e->meaning) {
	case DOMAIN_OFFICIAL:
		rule = rule_name(rules, FINDING_BRAND, e->number);
		consider(considered, rule, "OFFICIAL", xasprintf("%s is an official domain of %s: it and what is below it never count as a look-alike",
								 e->domain, config->brands[e->number].name));
		free(rule);
		if (config->brands[e->number].expected_issuers.n == 0) {
			rule = rule_name(rules, FINDING_OWN, e->number);
			consider(considered, rule, "OWN", xasprintf("off: the brand lists no \"expected_issuers\""));
			free(rule);
		}
		break;
	case DOMAIN_ALLOW:
		consider(considered, "*", "ALLOW", xasprintf("allowed: %s%s (%s)", config->allow[e->number].subtree ? "." : "", e->domain,
							     config->allow[e->number].reason));
		break;
	case DOMAIN_EXCLUDED:
		rule = rule_name(rules, FINDING_BRAND, e->number);
		consider(considered, rule, "EXCLUDED", xasprintf("%s is in \"exclude_domains\" of %s", e->domain, config->brands[e->number].name));
		free(rule);
		break;
	case DOMAIN_INDICATOR:
	case DOMAIN_WATCH:
	case DOMAIN_WATCH_PARENT:
		break;
	}
}

static void consider_issuers(const struct ruleset *rules, struct slice issuer_org, json_t *considered)
{
	uint64_t issuers = ruleset_issuers(rules, issuer_org);
	char shown[120];

	for (size_t i = 0; i < rules->n_issuer_lists; i++) {
		if (issuers >> i & 1)
			continue;
		consider(considered, "*", "ISSUER", xasprintf("rules that want %s%s as issuer were not asked: this one is \"%s\"", rules->issuer_lists[i]->items[0],
							      rules->issuer_lists[i]->n > 1 ? " (or others)" : "",
							      text_escape(issuer_org, shown, sizeof(shown))));
	}
}

/* ---- the nearest rule --------------------------------------------------------------------------------------------- */

static json_t *json_nearest(const struct ruleset *rules, enum finding_kind kind, const struct candidate *c, int min_score, size_t offset, const char *why)
{
	json_t *object = json_object(), *evidence = json_array();
	char *rule = rule_name(rules, kind, c->rule);

	for (size_t i = 0; i < c->n_rows; i++) {
		const struct candidate_row *row = &c->rows[i];
		int add = row->span_start >= 0 ? (int)offset : 0;

		json_array_append_new(evidence, json_row(row->signal, row->detail, row->points, row->span_start + add, row->span_end + add));
	}
	json_object_set_new(object, "rule", json_string(rule));
	json_object_set_new(object, "score", json_integer(c->score));
	json_object_set_new(object, "min_score", json_integer(min_score));
	json_object_set_new(object, "why", json_string(why));
	json_object_set_new(object, "evidence", evidence);
	free(rule);
	return object;
}

static bool was_flagged(const struct match_list *matches, const char *rule)
{
	for (size_t i = 0; i < matches->n; i++)
		if (!strcmp(matches->items[i].rule, rule))
			return matches->items[i].flagged;
	return false;
}

/* How far below its threshold; only rules that did not flag count. */
struct nearest {
	json_t *value;
	int missing;
};

static void offer(struct nearest *nearest, const struct ruleset *rules, const struct match_list *matches, enum finding_kind kind,
		  const struct candidate *c, int min_score, size_t offset, const char *why)
{
	int missing = min_score - c->score;
	char *rule = rule_name(rules, kind, c->rule);

	if (!was_flagged(matches, rule) && (!nearest->value || missing < nearest->missing)) {
		json_decref(nearest->value);
		nearest->value = json_nearest(rules, kind, c, min_score, offset, why);
		nearest->missing = missing;
	}
	free(rule);
}

static const char *why_not(const struct ruleset *rules, const struct domain_hit *hits, size_t n_hits, enum finding_kind kind, uint32_t number,
			   uint8_t condition, struct slice issuer_org)
{
	const struct domain_entry *suppressed = hits_suppress(hits, n_hits);

	if (suppressed)
		return suppressed->meaning == DOMAIN_OFFICIAL ? "an official domain, or below one" : "the domain is allowed";
	if (kind == FINDING_BRAND && hits_exclude(hits, n_hits, number))
		return "the domain is excluded for this brand";
	if (!(ruleset_issuers(rules, issuer_org) >> condition & 1))
		return "the rule wants another issuer";
	return "the score stays below the rule's min_score";
}

static json_t *find_nearest(const struct ruleset *rules, struct rule_scratch *s, struct slice name, struct slice issuer_org, struct match_list *matches)
{
	struct nearest nearest = { 0 };
	const struct rule_config *config = &rules->config;
	size_t offset = (size_t)(s->view.name.data - name.data);
	bool naming_fires = false, brand_fires = false;

	if (!s->view.has_registrable)
		return json_null();
	s->set.n = 0;
	if (rules->lookalike)
		lookalike_match(rules->lookalike, s->lookalike, &s->view, 1, &s->set);
	for (size_t i = 0; i < s->set.n; i++)
		brand_fires |= s->set.items[i].score >= config->brands[s->set.items[i].rule].min_score;
	for (uint32_t i = 0; i < config->n_packs; i++)
		naming_fires |= config->packs[i].has_naming &&
				naming_score(&config->packs[i].naming, &s->view, NULL) >= config->packs[i].naming.min_score;
	/* brands first: of two rules equally far off, the one that names an organisation says more */
	for (size_t i = 0; i < s->set.n; i++) {
		struct candidate *c = &s->set.items[i];

		brand_modify(c, &s->view, naming_fires, false);
		offer(&nearest, rules, matches, FINDING_BRAND, c, config->brands[c->rule].min_score, offset,
		      why_not(rules, s->hits, s->n_hits, FINDING_BRAND, c->rule, rules->brand_issuers[c->rule], issuer_org));
	}
	for (uint32_t i = 0; i < config->n_packs; i++) {
		struct candidate *c = &s->account;

		if (!config->packs[i].has_naming)
			continue;
		*c = (struct candidate){ .rule = i };
		naming_score(&config->packs[i].naming, &s->view, c);
		naming_modify(c, brand_fires);
		offer(&nearest, rules, matches, FINDING_NAMING, c, config->packs[i].naming.min_score, offset,
		      why_not(rules, s->hits, s->n_hits, FINDING_NAMING, i, rules->pack_issuers[i], issuer_org));
	}
	return nearest.value ? nearest.value : json_null();
}

/* ---- the object ----------------------------------------------------------------------------------------------------- */

static bool read_address(struct slice text, struct cert_name *name, uint8_t bytes[16])
{
	char copy[64];

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*name = (struct cert_name){ .kind = NAME_IP, .text = slice_of(bytes, 4) };
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*name = (struct cert_name){ .kind = NAME_IP, .text = slice_of(bytes, 16) };
	else
		return false;
	return true;
}

static json_t *explain(const struct ruleset *rules, struct rule_scratch *s, struct slice name, struct slice issuer_org, const struct cert_names *names)
{
	struct rule_subject subject = { .issuer_org = issuer_org, .names = names };
	json_t *object = json_object(), *list = json_array(), *considered = json_array(), *nearest = json_null();
	struct match_list matches;
	bool flagged = false, wildcard;

	match_list_init(&matches);
	ruleset_match(rules, s, &subject, &matches);
	for (size_t i = 0; i < matches.n; i++) {
		flagged |= matches.items[i].flagged;
		json_array_append_new(list, json_match(&matches.items[i]));
	}
	if (names->n > 0 && names->items[0].kind == NAME_DNS) {
		struct slice bare = name_without_star(names->items[0].text, &wildcard);

		s->n_hits = domains_look_up(&rules->domains, bare, s->hits);
		for (size_t i = 0; i < s->n_hits; i++)
			consider_hit(rules, &s->hits[i], considered);
		view_init(&s->view, bare, rules->suffixes);
		nearest = find_nearest(rules, s, names->items[0].text, issuer_org, &matches);
		if (rules->lookalike && s->view.has_registrable)
			lookalike_explain(rules->lookalike, s->lookalike, &s->view, considered);
		if (!s->view.has_registrable)
			consider(considered, "*", "SUFFIX", xstrdup("the name is a public suffix itself: nobody in particular stands behind it"));
		consider_issuers(rules, issuer_org, considered);
	} else if (names->n == 0) {
		consider(considered, "*", "NAME", xstrdup("no DNS name and no address can be read from this"));
	}
	json_object_set_new(object, "name", json_text(name));
	json_object_set_new(object, "flagged", json_boolean(flagged));
	json_object_set_new(object, "matches", list);
	json_object_set_new(object, "considered", considered);
	json_object_set_new(object, "nearest", nearest);
	match_list_deinit(&matches);
	return object;
}

/* One name as people write it: a certificate's, in Unicode, or an address. */
struct asked {
	struct cert_names names, one;
	struct cert_name address;
	uint8_t bytes[16];
};

/* The names to judge, which live in `asked`; asked->names is to be freed. */
static const struct cert_names *read_name(struct asked *asked, struct slice name)
{
	names_init(&asked->names);
	if (read_address(name, &asked->address, asked->bytes)) {
		asked->one = (struct cert_names){ .items = &asked->address, .n = 1 };
		return &asked->one;
	}
	names_add_text(&asked->names, name, NAME_FROM_SAN);
	return &asked->names;
}

char *ruleset_explain_json(const struct ruleset *rules, struct rule_scratch *scratch, struct slice name, struct slice issuer_org)
{
	struct asked asked;
	json_t *object = explain(rules, scratch, name, issuer_org, read_name(&asked, name));
	char *text = json_dumps(object, JSON_COMPACT);

	json_decref(object);
	names_deinit(&asked.names);
	return text;
}

bool ruleset_flags_name(const struct ruleset *rules, struct rule_scratch *scratch, struct slice name, struct slice issuer_org)
{
	struct asked asked;
	struct rule_subject subject = { .issuer_org = issuer_org, .names = read_name(&asked, name) };
	struct match_list matches;
	bool flagged = false;

	match_list_init(&matches);
	ruleset_match(rules, scratch, &subject, &matches);
	for (size_t i = 0; i < matches.n; i++)
		flagged |= matches.items[i].flagged;
	match_list_deinit(&matches);
	names_deinit(&asked.names);
	return flagged;
}
