/* The document from end to end. See gather.h for its sections. */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

const char *const REPORT_FORMAT_NAMES[N_REPORT_FORMATS] = { "html", "md", "csv", "json" };

bool report_format_parse(const char *name, enum report_format *out)
{
	for (size_t i = 0; i < N_REPORT_FORMATS; i++) {
		if (strcmp(name, REPORT_FORMAT_NAMES[i]) == 0) {
			*out = (enum report_format)i;
			return true;
		}
	}
	return false;
}

json_t *gather_text(const char *text)
{
	json_t *string = json_string(text != NULL ? text : "");

	if (string != NULL)
		return string;
	struct buf out;
	struct slice in = slice_text(text);
	uint32_t c;

	buf_init(&out, 1u << 20);
	while (in.len > 0) {
		struct slice ahead = in;

		if (utf8_take(&ahead, &c)) {
			buf_append(&out, in.data, in.len - ahead.len);
			in = ahead;
		} else {
			buf_append_text(&out, "\xef\xbf\xbd");
			in = slice_sub(in, 1, in.len);
		}
	}
	string = json_string(buf_text(&out));
	buf_deinit(&out);
	return string;
}

json_t *gather_time(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return time_ms == 0 ? json_null() : json_string(time_format_rfc3339(time_ms, text));
}

json_t *gather_all_days(const struct gathering *g, json_t *rows, const char *member, json_t *(*empty)(void))
{
	int64_t first = g->options->since_ms / DAY_MS, last = (g->options->until_ms - 1) / DAY_MS;
	json_t *all = json_array();
	size_t next = 0;

	if (last - first >= DAYS_MAX) {
		json_decref(all);
		return rows;
	}
	for (int64_t day = first; day <= last; day++) {
		char text[TIME_TEXT_LEN];
		json_t *row = json_array_get(rows, next);

		time_format_rfc3339(day * DAY_MS, text);
		text[10] = '\0';
		if (row != NULL && strcmp(json_string_value(json_object_get(row, member)), text) == 0) {
			json_array_append(all, row);
			next++;
			continue;
		}
		row = empty();
		json_object_set_new(row, member, json_string(text));
		json_array_append_new(all, row);
	}
	json_decref(rows);
	return all;
}

static void put_head(struct gathering *g)
{
	const struct report_options *o = g->options;
	int year, week;
	/* a week cut in a zone east of Greenwich begins on Sunday in UTC: its middle is in the right week everywhere */
	int64_t middle = o->since_ms + (o->until_ms - o->since_ms) / 2;
	bool is_week = o->until_ms - o->since_ms > 6 * INT64_C(86400000) && o->until_ms - o->since_ms < 8 * INT64_C(86400000);
	char title[96];

	time_iso_week(middle, &year, &week);
	if (is_week)
		snprintf(title, sizeof(title), "Certificate names, week %d of %d", week, year);
	else
		snprintf(title, sizeof(title), "Certificate names");
	json_object_set_new(g->document, "title", json_string(o->title != NULL ? o->title : title));
	json_object_set_new(g->document, "version", json_integer(1));
	json_object_set_new(g->document, "generator", json_string("ctwatch " CTWATCH_VERSION));
	json_object_set_new(g->document, "generated", gather_time(o->generated_ms));
	json_object_set_new(g->document, "since", gather_time(o->since_ms));
	json_object_set_new(g->document, "until", gather_time(o->until_ms));
	json_object_set_new(g->document, "timezone", json_string(o->timezone != NULL && o->timezone[0] != '\0' ? o->timezone : "UTC"));
	if (is_week) {
		snprintf(title, sizeof(title), "%d-W%02d", year, week);
		json_object_set_new(g->document, "week", json_string(title));
	}
}

static void add_technique(json_t *list, const char *id, const char *name)
{
	json_array_append_new(list, json_pack("{s:s, s:s}", "id", id, "name", name));
}

/* What the findings themselves show; what the published analysis says of the actor stands apart. */
static void put_attack(struct gathering *g)
{
	json_t *observed = json_array(), *reported = json_array(), *row;
	size_t i;

	if (json_integer_value(json_object_get(json_object_get(g->document, "totals"), "findings")) > 0) {
		add_technique(observed, "T1583.001", "Acquire Infrastructure: Domains");
		add_technique(observed, "T1608.003", "Stage Capabilities: Install Digital Certificate");
	}
	/* as the findings themselves say it: only a name that passes for something else masquerades */
	bool posing = false;
	json_array_foreach(json_object_get(g->document, "by_kind"), i, row) {
		const char *kind = json_string_value(json_object_get(row, "key"));

		posing = posing || strcmp(kind, "brand") == 0 || strcmp(kind, "naming") == 0;
	}
	if (posing)
		add_technique(observed, "T1036", "Masquerading");
	add_technique(reported, "T1036", "Masquerading");
	add_technique(reported, "T1598", "Phishing for Information");
	add_technique(reported, "T1608", "Stage Capabilities");
	json_object_set_new(g->document, "attack", json_pack("{s:o, s:o}", "observed", observed, "reported_for_actor", reported));
}

/* Sections of later releases say that they are empty because nothing was gathered, not because nothing is there. */
static void put_not_gathered(struct gathering *g)
{
	static const char sentence[] = "Not gathered: this version reads certificates only. It does not ask who registered a name, which address "
				       "it has, or whose network that is.";

	json_object_set_new(g->document, "infrastructure", json_pack("{s:b, s:s, s:[], s:[]}", "gathered", 0, "note", sentence, "autonomous_systems", "registrars"));
}

bool report_gather(struct state *st, const struct report_options *options, json_t **out, struct error *err)
{
	int64_t length = options->until_ms - options->since_ms;
	struct gathering g = { .st = st, .options = options };

	if (length <= 0)
		return error_set(err, ERR_USAGE, "the report's range ends before it begins");
	g.range = (struct state_report_range){ .since_ms = options->since_ms, .until_ms = options->until_ms };
	g.before = (struct state_report_range){ .since_ms = options->before_ms != 0 ? options->before_ms : options->since_ms - length, .until_ms = options->since_ms };
	g.document = json_object();
	put_head(&g);
	if (!state_begin(st, err)) {
		json_decref(g.document);
		return false;
	}
	bool ok = gather_totals(&g, err) && gather_findings(&g, err) && gather_clusters(&g, err) && gather_terms(&g, err) && gather_targets(&g, err) &&
		  gather_coverage(&g, err);
	state_abort(st);
	put_attack(&g);
	put_not_gathered(&g);
	ok = ok && gather_packs(&g, err) && gather_words(&g, err);
	if (!ok) {
		json_decref(g.document);
		return false;
	}
	*out = g.document;
	return true;
}

bool report_write(struct state *st, const struct report_options *options, enum report_format format, FILE *out, struct error *err)
{
	json_t *document;
	bool ok = true;

	if (format == REPORT_CSV)
		return report_csv(st, options, out, err);
	if (!report_gather(st, options, &document, err))
		return false;
	if (format == REPORT_HTML)
		ok = report_html(document, options, out, err);
	else if (format == REPORT_MARKDOWN)
		ok = report_markdown(document, out, err);
	else
		ok = json_dumpf(document, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
	json_decref(document);
	if (ok && (fflush(out) != 0 || ferror(out)))
		ok = error_set(err, ERR_NO_SPACE, "the report cannot be written");
	return ok;
}
