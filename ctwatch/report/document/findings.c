/* Totals, rankings, the findings themselves, and what came together. */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* ---- totals and rankings ------------------------------------------------------------------------------ */

static json_t *count_json(const struct state_report_count *count)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:i}", "key", gather_text(count->key), "findings", (json_int_t)count->findings, "certificates",
			 (json_int_t)count->certificates, "sightings", (json_int_t)count->sightings, "verified", (json_int_t)count->verified, "best_score",
			 count->best_score);
}

static bool add_count(void *ctx, const struct state_report_count *count)
{
	/* what passes for nobody is no row of a table of organisations */
	if (count->key[0] == '\0')
		return true;
	json_array_append_new(ctx, count_json(count));
	return true;
}

/* The gravest first, however many there are. */
static json_t *gravest_first(json_t *rows)
{
	static const char *const order[] = { "critical", "high", "medium", "low" };
	json_t *sorted = json_array(), *row;
	size_t i;

	for (size_t k = 0; k < ARRAY_LEN(order); k++)
		json_array_foreach(rows, i, row)
			if (strcmp(json_string_value(json_object_get(row, "key")), order[k]) == 0)
				json_array_append(sorted, row);
	json_decref(rows);
	return sorted;
}

static json_t *no_count(void)
{
	return count_json(&(struct state_report_count){ .key = "" });
}

static bool put_ranking(struct gathering *g, const char *member, enum state_report_axis axis, size_t limit, struct error *err)
{
	json_t *rows = json_array();

	bool ok = state_report_count(g->st, axis, &g->range, limit, add_count, rows, err);
	if (axis == AXIS_SEVERITY)
		rows = gravest_first(rows);
	if (ok && axis == AXIS_DAY)
		rows = gather_all_days(g, rows, "key", no_count);
	json_object_set_new(g->document, member, rows);
	return ok;
}

static bool put_total(struct gathering *g, const char *member, const struct state_report_range *range, struct error *err)
{
	struct state_report_count total;

	if (!state_report_total(g->st, range, &total, err))
		return false;
	json_t *row = count_json(&total);
	json_object_del(row, "key");
	json_object_set_new(row, "names", json_integer((json_int_t)total.domains));
	json_object_set_new(g->document, member, row);
	return true;
}

bool gather_totals(struct gathering *g, struct error *err)
{
	static const struct {
		const char *member;
		enum state_report_axis axis;
		size_t limit;
	} rankings[] = {
		{ "by_severity", AXIS_SEVERITY, 0 },	   { "by_kind", AXIS_KIND, 0 },	    { "by_status", AXIS_STATUS, 0 },
		{ "by_brand", AXIS_BRAND, TOP_ROWS },	   { "by_rule", AXIS_RULE, TOP_ROWS }, { "by_technique", AXIS_TECHNIQUE, TOP_ROWS },
		{ "by_issuer", AXIS_ISSUER, TOP_ROWS },	   { "by_day", AXIS_DAY, 0 },
	};

	if (!put_total(g, "totals", &g->range, err) || !put_total(g, "totals_before", &g->before, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rankings); i++)
		if (!put_ranking(g, rankings[i].member, rankings[i].axis, rankings[i].limit, err))
			return false;
	return true;
}

/* ---- findings: the best ones in full ---------------------------------------------------------------------- */

/* A heap would do; a sorted array of a hundred is as quick and plainer. */
struct top {
	char ids[TOP_FINDINGS][FINDING_ID_LEN + 1];
	int scores[TOP_FINDINGS];
	size_t n;
	uint64_t n_seen;
	json_t *dismissed;
	uint64_t n_dismissed;
	uint64_t n_new, n_new_critical, n_confirmed;
};

static void keep_best(struct top *top, const struct finding *finding)
{
	size_t at = top->n;

	while (at > 0 && top->scores[at - 1] < finding->score)
		at--;
	if (at == TOP_FINDINGS)
		return;
	size_t moved = (top->n < TOP_FINDINGS ? top->n : TOP_FINDINGS - 1) - at;
	memmove(top->ids[at + 1], top->ids[at], moved * sizeof(top->ids[0]));
	memmove(&top->scores[at + 1], &top->scores[at], moved * sizeof(top->scores[0]));
	memcpy(top->ids[at], finding->id, sizeof(top->ids[0]));
	top->scores[at] = finding->score;
	top->n += top->n < TOP_FINDINGS;
}

static bool see_finding(void *ctx, const struct finding *finding)
{
	struct top *top = ctx;

	if (strcmp(finding->status, "dismissed") == 0) {
		if (top->n_dismissed++ < TOP_FINDINGS)
			json_array_append_new(top->dismissed, json_pack("{s:s, s:o, s:o, s:i}", "id", finding->id, "name", gather_text(finding->name), "rule",
									gather_text(finding->rule), "score", finding->score));
		return true;
	}
	top->n_seen++;
	top->n_confirmed += strcmp(finding->status, "confirmed") == 0;
	if (strcmp(finding->status, "new") == 0) {
		top->n_new++;
		top->n_new_critical += strcmp(severity_name(severity_of(finding->score)), "critical") == 0;
	}
	keep_best(top, finding);
	return true;
}

static bool append_finding(struct gathering *g, json_t *list, const char *id, struct error *err)
{
	struct finding finding;
	char *text = NULL;

	if (!state_get_finding(g->st, id, &finding, err))
		return false;
	bool ok = state_finding_json(g->st, &finding, &text, err);
	finding_deinit(&finding);
	if (!ok)
		return false;
	json_t *object = json_loads(text, 0, NULL);
	free(text);
	if (object != NULL)
		json_array_append_new(list, object);
	return true;
}

/* Findings of several rules about one domain stand beside each other, where the best of them stands. */
static json_t *bring_together(json_t *list)
{
	json_t *together = json_array(), *first, *other;
	size_t i, k;

	json_array_foreach(list, i, first) {
		const json_t *domain = json_object_get(first, "registrable_domain");

		if (json_object_get(first, "placed") != NULL)
			continue;
		for (k = i; k < json_array_size(list); k++) {
			other = json_array_get(list, k);
			if (!json_equal(domain, json_object_get(other, "registrable_domain")))
				continue;
			json_array_append(together, other);
			json_object_set_new(other, "placed", json_true());
		}
	}
	json_array_foreach(together, i, first)
		json_object_del(first, "placed");
	json_decref(list);
	return together;
}

struct reasons {
	json_t *dismissed;
};

static bool add_reason(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms)
{
	struct reasons *reasons = ctx;
	json_t *row;
	size_t i;

	if (strcmp(action, "dismissed") != 0)
		return true;
	json_array_foreach(reasons->dismissed, i, row) {
		if (strcmp(json_string_value(json_object_get(row, "id")), finding) != 0)
			continue;
		json_object_set_new(row, "who", gather_text(who));
		json_object_set_new(row, "why", gather_text(why));
		json_object_set_new(row, "at", gather_time(at_ms));
	}
	return true;
}

bool gather_findings(struct gathering *g, struct error *err)
{
	struct finding_filter filter = { .since_ms = g->range.since_ms, .until_ms = g->range.until_ms };
	struct top *top = xcalloc(1, sizeof(*top));
	json_t *list = json_array();
	struct reasons reasons;

	top->dismissed = reasons.dismissed = json_array();
	json_object_set_new(g->document, "dismissed", top->dismissed);
	bool ok = state_each_finding(g->st, &filter, see_finding, top, err);
	for (size_t i = 0; ok && i < top->n; i++)
		ok = append_finding(g, list, top->ids[i], err);
	list = bring_together(list);
	json_object_set_new(g->document, "findings", list);
	json_object_set_new(g->document, "triage", json_pack("{s:I, s:I, s:I, s:I}", "new", (json_int_t)top->n_new, "new_critical", (json_int_t)top->n_new_critical, "confirmed",
							     (json_int_t)top->n_confirmed, "dismissed", (json_int_t)top->n_dismissed));
	json_object_set_new(g->document, "findings_total", json_integer((json_int_t)top->n_seen));
	json_object_set_new(g->document, "dismissed_total", json_integer((json_int_t)top->n_dismissed));
	free(top);
	return ok && state_each_triage(g->st, NULL, 0, 0, add_reason, &reasons, err);
}

/* ---- clusters: names logged within minutes of one another --------------------------------------------------- */

struct clusters {
	json_t *list, *current;
	uint64_t number;
};

static json_int_t size_of(const json_t *cluster)
{
	return json_array_size(json_object_get(cluster, "names")) > 1 ? json_integer_value(json_object_get(cluster, "size")) : 0;
}

/* Keeps the memory of a year of clusters bounded: the one that goes when there are too many. The last one still grows. */
static size_t smallest_of(const json_t *list)
{
	size_t smallest = 0;

	for (size_t i = 1; i + 1 < json_array_size(list); i++)
		if (size_of(json_array_get(list, i)) < size_of(json_array_get(list, smallest)))
			smallest = i;
	return smallest;
}

static bool has_text(const json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

static bool add_to_cluster(void *ctx, uint64_t number, const struct finding *finding)
{
	struct clusters *clusters = ctx;

	if (number != clusters->number) {
		clusters->number = number;
		clusters->current = json_pack("{s:o, s:o, s:I, s:[]}", "first", gather_time(finding->first_logged_ms), "last", gather_time(finding->first_logged_ms),
					      "size", (json_int_t)0, "names");
		json_array_append_new(clusters->list, clusters->current);
	}
	json_t *size = json_object_get(clusters->current, "size"), *names = json_object_get(clusters->current, "names");
	json_integer_set(size, json_integer_value(size) + 1);
	json_object_set_new(clusters->current, "last", gather_time(finding->first_logged_ms));
	if (json_array_size(names) < CLUSTER_NAMES && !has_text(names, finding->name))
		json_array_append_new(names, gather_text(finding->name));
	if (json_array_size(clusters->list) > 4 * TOP_CLUSTERS)
		json_array_remove(clusters->list, smallest_of(clusters->list));
	return true;
}

static int larger_first(const void *a, const void *b)
{
	json_int_t left = json_integer_value(json_object_get(*(json_t *const *)a, "size"));
	json_int_t right = json_integer_value(json_object_get(*(json_t *const *)b, "size"));

	if (left != right)
		return (left < right) - (left > right);
	return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "first")), json_string_value(json_object_get(*(json_t *const *)b, "first")));
}

bool gather_clusters(struct gathering *g, struct error *err)
{
	struct clusters clusters = { .list = json_array() };
	json_t *sorted = json_array(), *items[4 * TOP_CLUSTERS + 1];
	size_t n;

	json_object_set_new(g->document, "clusters", sorted);
	bool ok = state_report_each_cluster(g->st, &g->range, CLUSTER_WINDOW_MS, 2, add_to_cluster, &clusters, err);
	n = json_array_size(clusters.list);
	for (size_t i = 0; i < n; i++)
		items[i] = json_array_get(clusters.list, i);
	qsort(items, n, sizeof(items[0]), larger_first);
	/* several findings about one name came together with nothing */
	for (size_t i = 0; i < n && json_array_size(sorted) < TOP_CLUSTERS; i++)
		if (json_array_size(json_object_get(items[i], "names")) > 1)
			json_array_append(sorted, items[i]);
	json_decref(clusters.list);
	json_object_set_new(g->document, "cluster_window_minutes", json_integer(CLUSTER_WINDOW_MS / 60000));
	return ok;
}
