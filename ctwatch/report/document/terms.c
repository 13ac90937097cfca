/* The words of the week, and whom the names seem to be aimed at. */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#define TERMS_MAX 65536              /* different terms counted; what comes later is "other" */
#define TERM_LEN_MAX 40

/* ---- terms ------------------------------------------------------------------------------------------------ */

struct terms {
	json_t *counts;
	uint64_t *seen;                   /* hashes of domains: a name counts once, however many rules found it */
	uint64_t other;
};

/* Open addressing over a power of two. When it is nearly full, names may count more than once: memory stays what it is. */
#define SEEN_SLOTS (1u << 17)

static bool seen_before(struct terms *terms, const char *domain)
{
	struct hash hash = sha256(slice_text(domain));
	uint64_t key;

	memcpy(&key, hash.bytes, sizeof(key));
	key |= key == 0;
	for (size_t at = key % SEEN_SLOTS, tries = 0; tries < 64; at = (at + 1) % SEEN_SLOTS, tries++) {
		if (terms->seen[at] == key)
			return true;
		if (terms->seen[at] == 0) {
			terms->seen[at] = key;
			return false;
		}
	}
	return false;
}

static void count_term(struct terms *terms, struct slice term)
{
	char text[TERM_LEN_MAX + 1];

	bool letters = false;

	for (size_t i = 0; i < term.len; i++)
		letters = letters || term.data[i] < '0' || term.data[i] > '9';
	if (term.len < 2 || term.len > TERM_LEN_MAX || !letters)
		return;
	memcpy(text, term.data, term.len);
	text[term.len] = '\0';
	json_t *count = json_object_get(terms->counts, text);
	if (count != NULL)
		json_integer_set(count, json_integer_value(count) + 1);
	else if (json_object_size(terms->counts) < TERMS_MAX)
		json_object_set_new_nocheck(terms->counts, text, json_integer(1));
	else
		terms->other++;
}

/* The registrable label, split at hyphens: the part that its owner chose. */
static bool see_finding(void *ctx, const struct finding *finding)
{
	struct terms *terms = ctx;
	struct slice domain = slice_text(finding->registrable_domain);
	ptrdiff_t dot = slice_find(domain, '.');

	if (strcmp(finding->kind, "own") == 0 || strcmp(finding->kind, "unreadable") == 0 || strcmp(finding->kind, "watch") == 0 || dot <= 0 ||
	    seen_before(terms, finding->registrable_domain))
		return true;
	struct slice label = slice_sub(domain, 0, (size_t)dot);
	if (!utf8_valid(label) || (label.data[0] >= '0' && label.data[0] <= '9' && slice_find(label, '-') < 0))
		return true;
	while (label.len > 0) {
		ptrdiff_t hyphen = slice_find(label, '-');
		size_t len = hyphen < 0 ? label.len : (size_t)hyphen;

		count_term(terms, slice_sub(label, 0, len));
		label = slice_sub(label, hyphen < 0 ? label.len : len + 1, label.len);
	}
	return true;
}

struct ranked {
	const char *term;
	json_int_t n;
};

static int more_first(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->n != right->n)
		return (left->n < right->n) - (left->n > right->n);
	return strcmp(left->term, right->term);
}

bool gather_terms(struct gathering *g, struct error *err)
{
	struct finding_filter filter = { .since_ms = g->range.since_ms, .until_ms = g->range.until_ms, .exclude_dismissed = true };
	struct terms terms = { .counts = json_object(), .seen = xcalloc(SEEN_SLOTS, sizeof(*terms.seen)) };
	json_t *rows = json_array(), *value;
	const char *key;
	size_t n = 0;

	json_object_set_new(g->document, "terms", rows);
	bool ok = state_each_finding(g->st, &filter, see_finding, &terms, err);
	struct ranked *ranked = xcalloc(json_object_size(terms.counts) + 1, sizeof(*ranked));
	json_object_foreach(terms.counts, key, value)
		ranked[n++] = (struct ranked){ key, json_integer_value(value) };
	qsort(ranked, n, sizeof(*ranked), more_first);
	for (size_t i = 0; i < n && i < TOP_ROWS; i++)
		json_array_append_new(rows, json_pack("{s:s, s:I}", "term", ranked[i].term, "names", ranked[i].n));
	free(ranked);
	free(terms.seen);
	json_decref(terms.counts);
	return ok;
}

/* ---- targets: as in the published analysis, domain, organisation, sector ------------------------------------ */

struct targets {
	json_t *brands, *rows;
};

static const json_t *find_brand(const json_t *brands, const char *name)
{
	json_t *brand;
	size_t i;

	json_array_foreach((json_t *)brands, i, brand) {
		const char *found = json_string_value(json_object_get(brand, "name"));

		if (found != NULL && strcmp(found, name) == 0)
			return brand;
	}
	return NULL;
}

static bool see_target(void *ctx, const struct finding *finding)
{
	struct targets *targets = ctx;

	if (finding->brand == NULL || strcmp(finding->kind, "own") == 0 || json_array_size(targets->rows) >= TOP_TARGETS)
		return true;
	json_t *sectors = json_object_get(find_brand(targets->brands, finding->brand), "sectors");
	json_array_append_new(targets->rows, json_pack("{s:o, s:o, s:O, s:i, s:s}", "domain", gather_text(finding->registrable_domain), "organisation",
						       gather_text(finding->brand), "sectors", sectors != NULL ? sectors : json_null(), "score", finding->score, "status",
						       finding->status));
	return true;
}

/* ---- sectors ---------------------------------------------------------------------------------------------- */

struct sectors {
	const json_t *brands;
	json_t *counts;                   /* sector: row */
};

static bool see_brand(void *ctx, const struct state_report_count *count)
{
	struct sectors *sectors = ctx;
	json_t *sector, *row;
	size_t i;

	json_array_foreach(json_object_get(find_brand(sectors->brands, count->key), "sectors"), i, sector) {
		const char *name = json_string_value(sector);

		if (name == NULL)
			continue;
		row = json_object_get(sectors->counts, name);
		if (row == NULL) {
			row = json_pack("{s:s, s:I, s:I}", "sector", name, "organisations", (json_int_t)0, "findings", (json_int_t)0);
			json_object_set_new(sectors->counts, name, row);
		}
		json_object_set_new(row, "organisations", json_integer(json_integer_value(json_object_get(row, "organisations")) + 1));
		json_object_set_new(row, "findings", json_integer(json_integer_value(json_object_get(row, "findings")) + (json_int_t)count->findings));
	}
	return true;
}

static json_t *ranked_sectors(json_t *counts)
{
	struct ranked *ranked = xcalloc(json_object_size(counts) + 1, sizeof(*ranked));
	json_t *rows = json_array(), *row;
	const char *name;
	size_t n = 0;

	json_object_foreach(counts, name, row)
		ranked[n++] = (struct ranked){ name, json_integer_value(json_object_get(row, "findings")) };
	qsort(ranked, n, sizeof(*ranked), more_first);
	for (size_t i = 0; i < n && i < TOP_ROWS; i++)
		json_array_append(rows, json_object_get(counts, ranked[i].term));
	free(ranked);
	return rows;
}

static bool gather_sectors(struct gathering *g, const json_t *brands, struct error *err)
{
	struct state_report_range range = g->range;
	struct sectors sectors = { brands, json_object() };

	range.exclude_dismissed = true;
	bool ok = state_report_count(g->st, AXIS_BRAND, &range, 0, see_brand, &sectors, err);
	json_object_set_new(g->document, "by_sector", ranked_sectors(sectors.counts));
	json_decref(sectors.counts);
	return ok;
}

bool gather_targets(struct gathering *g, struct error *err)
{
	struct finding_filter filter = { .since_ms = g->range.since_ms, .until_ms = g->range.until_ms, .exclude_dismissed = true };
	json_t *brands = g->options->brands_json != NULL ? json_loads(g->options->brands_json, 0, NULL) : NULL;
	/* ruleset_brands_json is an array, or an object that holds one */
	struct targets targets = { json_is_array(brands) ? brands : json_object_get(brands, "brands"), json_array() };

	json_object_set_new(g->document, "targets", targets.rows);
	bool ok = state_each_finding(g->st, &filter, see_target, &targets, err) && gather_sectors(g, targets.brands, err);
	json_decref(brands);
	return ok;
}
