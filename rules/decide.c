/*
 * One certificate: every name is looked up among known domains first (one pass, whoever issued); only certificates of an issuer
 * that a rule asks for are judged by their looks. Nothing is allocated before a match is kept.
 */
#include "ruleset.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One call of ruleset_match. */
struct decision {
	const struct ruleset *rules;
	struct rule_scratch *scratch;
	const struct rule_subject *subject;
	struct match_list *out;
	uint64_t issuers;                /* see ruleset_issuers */
	struct slice last_domain;        /* registrable domain of the name before: renewals list dozens below one */
	int last_naming;                 /* its best naming score, INT_MIN for none */
	bool last_naming_fires;
};

/* ---- keeping ---------------------------------------------------------------------------------------------------- */

static uint64_t hash_domain(struct slice domain)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < domain.len; i++)
		hash = (hash ^ domain.data[i]) * 0x100000001b3u;
	return hash;
}

static void fill(struct match *m, const struct ruleset *rules, enum finding_kind kind, const struct candidate *c, struct slice name,
		 struct slice domain, size_t offset)
{
	bool by_brand = kind == FINDING_BRAND || kind == FINDING_OWN;

	*m = (struct match){ .kind = kind, .score = c->score, .min_score = SCORE_MEDIUM };
	m->rule = rule_name(rules, kind, c->rule);
	if (by_brand)
		m->brand = xstrdup(rules->config.brands[c->rule].name);
	if (kind == FINDING_BRAND)
		m->min_score = rules->config.brands[c->rule].min_score;
	if (kind == FINDING_NAMING)
		m->min_score = rules->config.packs[c->rule].naming.min_score;
	m->technique = c->technique ? xstrdup(c->technique) : NULL;
	m->name = slice_dup_text(name);
	m->registrable_domain = slice_dup_text(domain);
	m->flagged = kind != FINDING_UNREADABLE && c->score >= m->min_score;
	m->evidence = xcalloc(c->n_rows + 1, sizeof(*m->evidence));
	m->n_evidence = c->n_rows;
	for (size_t i = 0; i < c->n_rows; i++) {
		const struct candidate_row *row = &c->rows[i];
		struct evidence *e = &m->evidence[i];
		bool spans = row->span_start >= 0;

		memcpy(e->signal, row->signal, sizeof(e->signal));
		e->detail = xstrdup(row->detail);
		e->points = row->points;
		e->span_start = spans ? row->span_start + (int)offset : -1;
		e->span_end = spans ? row->span_end + (int)offset : -1;
	}
}

/* One match per rule and registrable domain: the best-scoring name stays, the first of equals. */
static void keep(struct decision *d, enum finding_kind kind, const struct candidate *c, struct slice name, struct slice domain, size_t offset)
{
	struct rule_scratch *s = d->scratch;
	bool by_looks = kind == FINDING_BRAND || kind == FINDING_NAMING;
	uint64_t hash = hash_domain(domain);

	for (size_t i = 0; i < s->n_kept; i++) {
		const struct kept_match *k = &s->kept[i];
		struct match *m = &d->out->items[k->at];

		if (k->kind != kind || k->number != c->rule || k->domain_hash != hash || !slice_equal_text(domain, m->registrable_domain))
			continue;
		if (m->score >= c->score)
			return;
		match_deinit(m);
		fill(m, d->rules, kind, c, name, domain, offset);
		return;
	}
	if (s->n_kept >= (by_looks ? MATCHES_BY_LOOKS_MAX : MATCHES_MAX))
		return;
	s->kept[s->n_kept++] = (struct kept_match){ kind, c->rule, hash, d->out->n };
	fill(match_list_add(d->out), d->rules, kind, c, name, domain, offset);
}

static struct candidate *account(struct decision *d, uint32_t rule)
{
	struct candidate *c = &d->scratch->account;

	c->rule = rule;
	c->technique = NULL;
	c->digest = false;
	c->score = 0;
	c->n_rows = 0;
	return c;
}

/* ---- what is known ------------------------------------------------------------------------------------------------ */

static void add_indicator(struct decision *d, const struct indicator *indicator, struct slice name, struct slice domain, int span_start)
{
	const struct rule_config *config = &d->rules->config;
	const struct indicator_group *group = &config->groups[indicator->group];
	struct candidate *c = account(d, indicator->pack);
	char shown[DNS_NAME_MAX + 1];
	struct cert_name address = { .kind = NAME_IP, .text = { indicator->address, indicator->address_len } };

	if (indicator->domain)
		text_escape(slice_text(indicator->domain), shown, sizeof(shown));
	else
		name_format(&address, shown, sizeof(shown));
	candidate_row(c, "IND", SCORE_INDICATOR, span_start, span_start < 0 ? -1 : (int)name.len,
		      "%.80s was published %s%s%.60s as infrastructure of %.40s; addresses and lapsed domains change owners", shown,
		      group->published, group->source ? " by " : "", group->source ? group->source : "",
		      config->packs[indicator->pack].actor_name);
	keep(d, FINDING_INDICATOR, c, name, domain, 0);
}

static void judge_address(struct decision *d, const struct cert_name *name)
{
	const struct ruleset *rules = d->rules;
	size_t low = 0, high = rules->n_addresses;
	char text[64];

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct address_rule *a = &rules->addresses[middle];
		int order = a->len != name->text.len ? (int)a->len - (int)name->text.len : memcmp(a->bytes, name->text.data, a->len);

		if (order == 0) {
			struct slice shown = slice_text(name_format(name, text, sizeof(text)));

			add_indicator(d, &rules->config.indicators[a->indicator], shown, shown, 0);
			return;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
}

static void judge_own(struct decision *d, uint32_t brand, struct slice name, struct slice domain, int span_start)
{
	const struct brand_config *b = &d->rules->config.brands[brand];
	struct slice org = d->subject->issuer_org;
	char shown[100];
	struct candidate *c;

	if (b->expected_issuers.n == 0 || issuer_in(&b->expected_issuers, org))
		return;
	c = account(d, brand);
	candidate_row(c, "OWN", SCORE_OWN, span_start, (int)name.len, "a certificate for an official domain of %.60s from %s%s%s, not from %s%.60s%s",
		      b->name, org.len ? "\"" : "", org.len ? text_escape(org, shown, sizeof(shown)) : "an issuer that names no organisation",
		      org.len ? "\"" : "", b->expected_issuers.n > 1 ? "one of the expected issuers (" : "\"", b->expected_issuers.items[0],
		      b->expected_issuers.n > 1 ? ", ...)" : "\"");
	keep(d, FINDING_OWN, c, name, domain, 0);
}

static void add_watch(struct decision *d, uint32_t item, bool wildcard, struct slice name, struct slice domain)
{
	const struct watch_item *w = &d->rules->config.watch[item];
	struct candidate *c = account(d, item);

	c->technique = wildcard ? "wildcard" : NULL;
	candidate_row(c, "WATCH", SCORE_WATCH, 0, (int)name.len, "%s \"%s%.100s\" of the watch list %.60s",
		      wildcard ? "a wildcard that covers" : "matches", w->subtree ? "." : "", w->domain, w->source);
	keep(d, FINDING_WATCH, c, name, domain, 0);
}

/* ---- watch lists: stars inside names (shared/spec/ct-protocols.md 6.3) --------------------------------------- */

static bool is_odd_label(struct slice label)
{
	return slice_find(label, '*') >= 0 || slice_equal(label, SLICE_LITERAL("?")) || slice_equal(label, SLICE_LITERAL("<unparsable>"));
}

/* A label of the certificate, perhaps with stars, over a label of the item. At most 63 x 63 steps. */
static bool label_covers(struct slice pattern, struct slice label)
{
	size_t p = 0, l = 0, star = SIZE_MAX, mark = 0;

	if (slice_equal(pattern, SLICE_LITERAL("?")) || slice_equal(pattern, SLICE_LITERAL("<unparsable>")))
		return true;
	while (l < label.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			mark = l;
		} else if (p < pattern.len && pattern.data[p] == label.data[l]) {
			p++;
			l++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			l = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

static bool take_last_label(struct slice *name, struct slice *label)
{
	size_t start = name->len;

	if (name->len == 0)
		return false;
	while (start > 0 && name->data[start - 1] != '.')
		start--;
	*label = slice_sub(*name, start, name->len);
	name->len = start > 0 ? start - 1 : 0;
	return true;
}

static bool name_covers(struct slice name, const struct watch_item *item)
{
	struct slice rest = slice_text(item->domain), want, have;

	while (take_last_label(&rest, &want))
		if (!take_last_label(&name, &have) || !label_covers(have, want))
			return false;
	return item->subtree || name.len == 0;
}

static bool has_odd_label(struct slice name)
{
	struct slice label;

	while (take_last_label(&name, &label))
		if (is_odd_label(label))
			return true;
	return false;
}

static void judge_watch(struct decision *d, struct slice name, struct slice bare, bool wildcard, struct slice domain)
{
	const struct rule_scratch *s = d->scratch;
	const struct rule_config *config = &d->rules->config;
	size_t first = SIZE_MAX;
	bool covered = false;

	for (size_t i = 0; i < s->n_hits; i++) {
		const struct domain_entry *e = s->hits[i].entry;
		/* "*.example.com" stands for names below example.com: not for the exact item, but for items one label deeper */
		bool counts = e->meaning == DOMAIN_WATCH ? e->subtree || !wildcard : e->meaning == DOMAIN_WATCH_PARENT && wildcard && s->hits[i].at == 0;

		if (!counts || e->number >= first)
			continue;
		first = e->number;
		covered = e->meaning == DOMAIN_WATCH_PARENT;
	}
	if (first == SIZE_MAX && config->n_watch > 0 && d->scratch->n_odd_names < ODD_WATCH_NAMES_MAX && has_odd_label(bare)) {
		d->scratch->n_odd_names++;
		for (size_t i = 0; i < config->n_watch && first == SIZE_MAX; i++)
			if (name_covers(name, &config->watch[i]))
				first = i;
		covered = true;
	}
	if (first != SIZE_MAX)
		add_watch(d, (uint32_t)first, covered, name, domain);
}

/* Stars inside a name concern watch lists only, and few names have any. */
static bool may_be_odd(const struct decision *d, struct slice bare)
{
	return d->rules->config.n_watch > 0 && bare.len > 0 &&
	       (memchr(bare.data, '*', bare.len) || memchr(bare.data, '?', bare.len) || memchr(bare.data, '<', bare.len));
}

/* Most names are nobody's: then there are no hits, and nothing to do. */
static void judge_known(struct decision *d, struct slice name, struct slice bare, bool wildcard)
{
	struct rule_scratch *s = d->scratch;
	size_t star = wildcard ? 2 : 0;
	struct slice domain;

	if (s->n_hits == 0 && !may_be_odd(d, bare))
		return;
	view_init(&s->view, bare, d->rules->suffixes);
	domain = view_registrable_domain(&s->view);
	for (size_t i = 0; i < s->n_hits; i++) {
		const struct domain_entry *e = s->hits[i].entry;
		int start = (int)(s->hits[i].at + star);

		if (e->meaning == DOMAIN_INDICATOR)
			add_indicator(d, &d->rules->config.indicators[e->number], name, domain, start);
		if (e->meaning == DOMAIN_OFFICIAL)
			judge_own(d, e->number, name, domain, start);
	}
	judge_watch(d, name, bare, wildcard, domain);
}

/* ---- what it looks like -------------------------------------------------------------------------------------------- */

static bool is_apex_or_www(struct slice name, const struct text_list *official)
{
	if (slice_starts_with(name, SLICE_LITERAL("www.")))
		name = slice_sub(name, 4, name.len);
	return text_list_has(official, name);
}

/*
 * Whoever got one certificate for the brand's own apex and this name controls both; on large shared certificates this proves
 * nothing, and a forgotten subdomain that somebody took over proves nothing either.
 */
static bool has_official_co_san(const struct decision *d, uint32_t brand)
{
	const struct cert_names *names = d->subject->names;

	if (names->n > CO_SAN_NAMES_MAX)
		return false;
	for (size_t i = 0; i < names->n; i++)
		if (names->items[i].kind == NAME_DNS && is_apex_or_www(names->items[i].text, &d->rules->config.brands[brand].official_domains))
			return true;
	return false;
}

static bool issuer_counts(const struct decision *d, uint8_t condition)
{
	return d->issuers >> condition & 1;
}

/* The names of one registrable domain share their naming score. */
static bool naming_fires(struct decision *d)
{
	const struct rule_config *config = &d->rules->config;
	const struct name_view *view = &d->scratch->view;
	struct slice domain = view_registrable_domain(view);

	if (d->last_domain.data && slice_equal(domain, d->last_domain))
		return d->last_naming_fires;
	d->last_domain = domain;
	d->last_naming_fires = false;
	d->last_naming = INT_MIN;
	for (size_t i = 0; i < config->n_packs; i++) {
		int score;

		if (!config->packs[i].has_naming || !issuer_counts(d, d->rules->pack_issuers[i]))
			continue;
		score = naming_score(&config->packs[i].naming, view, NULL);
		d->last_naming_fires |= score >= config->packs[i].naming.min_score;
		if (score > d->last_naming)
			d->last_naming = score;
	}
	return d->last_naming_fires;
}

static void judge_naming(struct decision *d, struct slice name, bool brand_fires)
{
	const struct rule_config *config = &d->rules->config;
	const struct name_view *view = &d->scratch->view;
	size_t offset = (size_t)(view->name.data - name.data);

	for (uint32_t i = 0; i < config->n_packs; i++) {
		const struct naming_model *model = &config->packs[i].naming;
		struct candidate *c;

		if (!config->packs[i].has_naming || !issuer_counts(d, d->rules->pack_issuers[i]))
			continue;
		if (naming_score(model, view, NULL) + (brand_fires ? POINTS_OTHER_ENGINE : 0) < SCORE_KEPT)
			continue;
		c = account(d, i);
		naming_score(model, view, c);
		naming_modify(c, brand_fires);
		keep(d, FINDING_NAMING, c, name, view_registrable_domain(view), offset);
	}
}

static bool judge_brands(struct decision *d, struct slice name, bool naming)
{
	struct rule_scratch *s = d->scratch;
	const struct rule_config *config = &d->rules->config;
	size_t offset = (size_t)(s->view.name.data - name.data);
	bool fires = false;

	s->set.n = 0;
	lookalike_match(d->rules->lookalike, s->lookalike, &s->view, CANDIDATE_FLOOR, &s->set);
	for (size_t i = 0; i < s->set.n; i++) {
		struct candidate *c = &s->set.items[i];

		if (!issuer_counts(d, d->rules->brand_issuers[c->rule]) || hits_exclude(s->hits, s->n_hits, c->rule))
			continue;
		fires |= c->score >= config->brands[c->rule].min_score;
		brand_modify(c, &s->view, naming, has_official_co_san(d, c->rule));
		if (c->score >= SCORE_KEPT)
			keep(d, FINDING_BRAND, c, name, view_registrable_domain(&s->view), offset);
	}
	return fires;
}

static void judge_looks(struct decision *d, struct slice name, struct slice bare)
{
	struct rule_scratch *s = d->scratch;
	struct slice domain;
	bool naming, repeated, brand = false;

	view_init(&s->view, bare, d->rules->suffixes);
	if (!s->view.has_registrable)
		return;
	domain = view_registrable_domain(&s->view);
	repeated = d->last_domain.data && slice_equal(domain, d->last_domain);
	naming = naming_fires(d);
	if (d->rules->lookalike)
		brand = judge_brands(d, name, naming);
	/* rare, and worth a second sum with its account */
	if (d->last_naming >= SCORE_KEPT - POINTS_OTHER_ENGINE && (!repeated || brand))
		judge_naming(d, name, brand);
}

/* ---- the certificate ------------------------------------------------------------------------------------------------ */

static void judge_name(struct decision *d, const struct cert_name *name)
{
	struct rule_scratch *s = d->scratch;
	struct slice bare;
	bool wildcard;

	if (name->kind == NAME_IP) {
		judge_address(d, name);
		return;
	}
	bare = name_without_star(name->text, &wildcard);
	s->n_hits = domains_look_up(&d->rules->domains, bare, s->hits);
	judge_known(d, name->text, bare, wildcard);
	if (d->issuers && !hits_suppress(s->hits, s->n_hits))
		judge_looks(d, name->text, bare);
}

/* Joined by the registrable domain of the first name that could be read; those of which nothing was read are one finding. */
static void add_unreadable(struct decision *d)
{
	const struct cert_names *names = d->subject->names;
	struct slice name = SLICE_LITERAL("(no readable name)"), domain = name;
	struct candidate *c = account(d, 0);

	for (size_t i = 0; i < names->n; i++) {
		bool wildcard;

		if (names->items[i].kind != NAME_DNS)
			continue;
		name = names->items[i].text;
		view_init(&d->scratch->view, name_without_star(name, &wildcard), d->rules->suffixes);
		domain = view_registrable_domain(&d->scratch->view);
		break;
	}
	candidate_row(c, "UNREADABLE", 0, -1, -1, "its names could not be read in full: %zu were read, so it may match any rule", names->n);
	keep(d, FINDING_UNREADABLE, c, name, domain, 0);
}

size_t ruleset_match(const struct ruleset *rules, struct rule_scratch *scratch, const struct rule_subject *subject, struct match_list *out)
{
	struct decision d = { .rules = rules, .scratch = scratch, .subject = subject, .out = out };
	size_t before = out->n;

	d.issuers = ruleset_issuers(rules, subject->issuer_org);
	scratch->n_kept = 0;
	scratch->n_odd_names = 0;
	for (size_t i = 0; i < subject->names->n; i++)
		judge_name(&d, &subject->names->items[i]);
	if (subject->names_incomplete)
		add_unreadable(&d);
	return out->n - before;
}
