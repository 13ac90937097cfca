/*
 * The report as one HTML file: no scripts, nothing fetched, charts as inline SVG. First a page for a manager, then the rest.
 */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "words.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void heading(FILE *out, const char *id, const char *title)
{
	fprintf(out, "<h2 id=\"%s\">", id);
	html_text(out, title);
	html_raw(out, "</h2>\n");
}

static void sentences(FILE *out, const char *title, const json_t *list)
{
	json_t *item;
	size_t i;

	html_raw(out, "<h3>");
	html_text(out, title);
	html_raw(out, "</h3>\n<ul>\n");
	json_array_foreach((json_t *)list, i, item) {
		html_raw(out, "<li>");
		html_text(out, json_string_value(item));
		html_raw(out, "</li>\n");
	}
	html_raw(out, "</ul>\n");
}

/* ---- the first page ----------------------------------------------------------------------------------- */

static void card(FILE *out, const json_t *object, const char *key, const char *label)
{
	html_raw(out, "<div class=\"card\"><b>");
	html_member(out, object, key);
	html_raw(out, "</b>");
	html_text(out, label);
	html_raw(out, "</div>\n");
}

static void first_page(FILE *out, const json_t *document, const struct report_options *options)
{
	const json_t *summary = json_object_get(document, "summary"), *coverage = json_object_get(document, "coverage");

	html_raw(out, "<section class=\"first\">\n");
	if (options->logo_data_uri != NULL) {
		html_raw(out, "<img class=\"logo\" alt=\"\" src=\"");
		html_text(out, options->logo_data_uri);
		html_raw(out, "\">\n");
	}
	html_raw(out, "<h1>");
	html_text(out, text_of(document, "title"));
	html_raw(out, "</h1>\n<p class=\"meta\">");
	fprintf(out, "%.16s to %.16s UTC, cut in ", text_of(document, "since"), text_of(document, "until"));
	html_text(out, text_of(document, "timezone"));
	fprintf(out, "; made %.16s UTC by ", text_of(document, "generated"));
	html_text(out, text_of(document, "generator"));
	html_raw(out, "</p>\n<div class=\"cards\">\n");
	card(out, json_object_get(document, "totals"), "findings", "names flagged");
	card(out, json_object_get(document, "totals"), "certificates", "certificates for them");
	card(out, json_object_get(coverage, "total"), "entries", "log entries read");
	card(out, json_object_get(coverage, "total"), "lets_encrypt", "of Let's Encrypt");
	card(out, coverage, "logs_read", "logs followed");
	html_raw(out, "</div>\n");
	sentences(out, "What happened", json_object_get(summary, "happened"));
	sentences(out, "What it means", json_object_get(summary, "means"));
	sentences(out, "What to decide", json_object_get(summary, "decide"));
	html_raw(out, "<nav aria-label=\"Sections\"><p>Sections: <a href=\"#findings\">Findings</a> &middot; <a href=\"#rankings\">By severity, brand and rule</a> &middot; "
		      "<a href=\"#clusters\">Names that came together</a> &middot; <a href=\"#targets\">Suspected targets</a> &middot; <a href=\"#terms\">Words</a> &middot; "
		      "<a href=\"#infrastructure\">Infrastructure</a> &middot; <a href=\"#attack\">ATT&amp;CK</a> &middot; <a href=\"#dismissed\">Dismissed</a> &middot; "
		      "<a href=\"#incidents\">Incidents</a> &middot; <a href=\"#coverage\">Coverage</a> &middot; <a href=\"#alerts\">Alerts</a> &middot; "
		      "<a href=\"#packs\">What the rules can find</a></p></nav>\n</section>\n");
}

/* ---- findings --------------------------------------------------------------------------------------------- */

static void certificate_line(FILE *out, const json_t *certificate)
{
	const json_t *sighting = json_array_get(json_object_get(certificate, "sightings"), 0);

	html_raw(out, "<li>");
	html_text(out, text_of(certificate, "type"));
	html_raw(out, " by ");
	html_text(out, text_of(certificate, "issuer"));
	fprintf(out, ", valid %.10s to %.10s", text_of(certificate, "not_before"), text_of(certificate, "not_after"));
	if (sighting != NULL) {
		html_raw(out, "; logged ");
		fprintf(out, "%.16s in ", text_of(sighting, "timestamp"));
		html_text(out, text_of(json_object_get(sighting, "log"), "name"));
		html_raw(out, ", entry ");
		html_member(out, sighting, "index");
	}
	html_raw(out, "<br>SHA-256 <code>");
	html_text(out, text_of(certificate, "sha256"));
	html_raw(out, "</code></li>\n");
}

static void finding(FILE *out, const json_t *object)
{
	struct finding view = { .kind = (char *)text_of(object, "kind"),
				.rule = (char *)text_of(object, "rule"),
				.brand = (char *)json_string_value(json_object_get(object, "brand")),
				.technique = (char *)json_string_value(json_object_get(object, "technique")) };
	char *sentence = finding_sentence(&view, "The name");
	json_t *row;
	size_t i;

	fprintf(out, "<article class=\"finding %s\">\n<h3>", text_of(object, "severity"));
	html_name(out, text_of(object, "name"));
	fprintf(out, "</h3>\n<p><span class=\"severity %s\">%s %" JSON_INTEGER_FORMAT "</span> &middot; ", text_of(object, "severity"), text_of(object, "severity"),
		json_integer_value(json_object_get(object, "score")));
	html_text(out, text_of(object, "status"));
	html_raw(out, " &middot; ");
	html_text(out, verified_phrase(json_is_true(json_object_get(object, "verified"))));
	fprintf(out, " &middot; first seen %.16s UTC &middot; rule ", text_of(object, "first_seen"));
	html_text(out, text_of(object, "rule"));
	html_raw(out, " &middot; <code>");
	html_text(out, text_of(object, "id"));
	html_raw(out, "</code></p>\n<p>");
	html_text(out, sentence);
	free(sentence);
	html_raw(out, ".</p>\n<ul>\n");
	json_array_foreach(json_object_get(object, "evidence"), i, row) {
		html_raw(out, "<li>");
		html_text(out, text_of(row, "signal"));
		fprintf(out, " %+" JSON_INTEGER_FORMAT ": ", json_integer_value(json_object_get(row, "points")));
		html_text(out, text_of(row, "detail"));
		html_raw(out, "</li>\n");
	}
	json_array_foreach(json_object_get(object, "certificates"), i, row)
		if (i < 3)
			certificate_line(out, row);
	if (json_integer_value(json_object_get(object, "certificate_count")) > 3) {
		html_raw(out, "<li>");
		html_member(out, object, "certificate_count");
		html_raw(out, " certificates in all</li>\n");
	}
	html_raw(out, "</ul>\n</article>\n");
}

static void findings(FILE *out, const json_t *document)
{
	const json_t *list = json_object_get(document, "findings");
	json_int_t total = json_integer_value(json_object_get(document, "findings_total"));
	json_t *object;
	size_t i;

	heading(out, "findings", "Findings");
	if (total == 0)
		html_raw(out, "<p>Nothing was flagged.</p>\n");
	else if ((size_t)total > json_array_size(list))
		fprintf(out, "<p>The %zu with the highest scores of %" JSON_INTEGER_FORMAT "; the CSV file has them all.</p>\n", json_array_size(list), total);
	json_array_foreach((json_t *)list, i, object)
		finding(out, object);
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

#define RANKING(title) { { title, "key", CELL_TEXT }, { "Findings", "findings", CELL_COUNT }, { "Certificates", "certificates", CELL_COUNT }, { "Best score", "best_score", CELL_COUNT } }
#define TABLE(out, caption, rows, columns, empty) html_table(out, caption, rows, columns, ARRAY_LEN(columns), empty)

static void rankings(FILE *out, const json_t *document)
{
	static const struct html_column severity[] = { { "Severity", "key", CELL_SEVERITY }, { "Findings", "findings", CELL_COUNT }, { "In signed log", "verified", CELL_COUNT }, { "Certificates", "certificates", CELL_COUNT } };
	static const struct html_column status[] = RANKING("Status"), kind[] = RANKING("Kind"), brand[] = RANKING("Organisation"), rule[] = RANKING("Rule"), technique[] = RANKING("Technique"), issuer[] = RANKING("Issuer");
	static const struct html_column day[] = { { "Day (UTC)", "key", CELL_DAY }, { "Findings", "findings", CELL_COUNT }, { "Certificates", "certificates", CELL_COUNT } };

	heading(out, "rankings", "By severity, brand and rule");
	TABLE(out, "Findings by severity", json_object_get(document, "by_severity"), severity, "No findings.");
	TABLE(out, "Findings by what an analyst said", json_object_get(document, "by_status"), status, "");
	TABLE(out, "Findings by kind", json_object_get(document, "by_kind"), kind, "");
	TABLE(out, "Findings by organisation they pass for", json_object_get(document, "by_brand"), brand, "");
	TABLE(out, "Findings by rule", json_object_get(document, "by_rule"), rule, "");
	TABLE(out, "Findings by technique", json_object_get(document, "by_technique"), technique, "");
	TABLE(out, "Findings by issuer", json_object_get(document, "by_issuer"), issuer, "");
	html_raw(out, "<h3>Timeline</h3>\n");
	html_bars(out, "Findings by day", json_object_get(document, "by_day"), "key", "findings");
	TABLE(out, "Findings by day", json_object_get(document, "by_day"), day, "No findings on any day.");
}

static void context(FILE *out, const json_t *document)
{
	static const struct html_column clusters[] = { { "First logged", "first", CELL_TEXT }, { "Last", "last", CELL_TEXT }, { "Names", "size", CELL_COUNT }, { "Among them", "names", CELL_LIST } };
	static const struct html_column targets[] = { { "Domain", "domain", CELL_NAME }, { "Passes for", "organisation", CELL_TEXT }, { "Sectors", "sectors", CELL_LIST }, { "Score", "score", CELL_COUNT }, { "Status", "status", CELL_TEXT } };
	static const struct html_column terms[] = { { "Word", "term", CELL_TEXT }, { "Findings", "findings", CELL_COUNT } };
	static const struct html_column technique[] = { { "Id", "id", CELL_TEXT }, { "Technique", "name", CELL_TEXT } };
	const json_t *attack = json_object_get(document, "attack");
	char caption[128];

	snprintf(caption, sizeof(caption), "Flagged names logged within %d minutes of one another", (int)json_integer_value(json_object_get(document, "cluster_window_minutes")));
	heading(out, "clusters", "Names that came together");
	TABLE(out, caption, json_object_get(document, "clusters"), clusters, "No flagged names came within minutes of one another. Shared addresses, networks and registrars are not gathered in this version.");
	heading(out, "targets", "Suspected targets");
	TABLE(out, "Organisations that names pass for, with their sectors", json_object_get(document, "targets"), targets, "No name passes for a watched organisation.");
	heading(out, "terms", "Words of the names");
	TABLE(out, "Terms between hyphens in the flagged names", json_object_get(document, "terms"), terms, "No flagged names, no words.");
	heading(out, "infrastructure", "Registrars, networks and addresses");
	html_raw(out, "<p>");
	html_text(out, text_of(json_object_get(document, "infrastructure"), "note"));
	html_raw(out, "</p>\n");
	heading(out, "attack", "ATT&CK techniques");
	TABLE(out, "What the names and certificates themselves show", json_object_get(attack, "observed"), technique, "");
	TABLE(out, "What is reported for the actor, not observed here", json_object_get(attack, "reported_for_actor"), technique, "");
}

static void dismissed(FILE *out, const json_t *document)
{
	static const struct html_column columns[] = { { "Name", "name", CELL_NAME }, { "Rule", "rule", CELL_TEXT }, { "Score", "score", CELL_COUNT }, { "Why", "why", CELL_TEXT }, { "Who", "who", CELL_TEXT }, { "When", "at", CELL_DAY } };

	heading(out, "dismissed", "Dismissed");
	TABLE(out, "What an analyst dismissed, and why", json_object_get(document, "dismissed"), columns, "Nothing was dismissed.");
}

static void incidents(FILE *out, const json_t *document)
{
	static const struct html_column columns[] = { { "Severity", "severity", CELL_SEVERITY }, { "Log", "log", CELL_TEXT }, { "Class", "class", CELL_TEXT }, { "What", "summary", CELL_TEXT }, { "Seen", "count", CELL_COUNT }, { "Opened", "opened", CELL_DAY }, { "Closed", "closed", CELL_DAY } };

	heading(out, "incidents", "Incidents of logs");
	TABLE(out, "What logs did wrong, or where this monitor was blind", json_object_get(document, "incidents"), columns, "No incidents.");
}

static void delay_line(FILE *out, const char *what, const json_t *delay)
{
	char median[TIME_TEXT_LEN], p95[TIME_TEXT_LEN], max[TIME_TEXT_LEN];

	html_raw(out, "<li>");
	html_text(out, what);
	if (json_integer_value(json_object_get(delay, "n")) == 0)
		html_raw(out, ": none in this time</li>\n");
	else
		fprintf(out, ": median %s, 95th percentile %s, longest %s</li>\n", duration_format(json_integer_value(json_object_get(delay, "median_s")) * 1000, median),
			duration_format(json_integer_value(json_object_get(delay, "p95_s")) * 1000, p95), duration_format(json_integer_value(json_object_get(delay, "max_s")) * 1000, max));
}

static void coverage(FILE *out, const json_t *document)
{
	static const struct html_column logs[] = { { "Log", "log", CELL_TEXT }, { "Operator", "operator", CELL_TEXT }, { "Lifecycle", "lifecycle", CELL_TEXT }, { "Entries", "entries", CELL_COUNT }, { "Let's Encrypt", "lets_encrypt", CELL_COUNT }, { "Verified", "verified", CELL_COUNT }, { "Unreadable", "malformed", CELL_COUNT }, { "Behind", "behind", CELL_COUNT } };
	static const struct html_column blind[] = { { "Log", "log", CELL_TEXT }, { "Why", "why", CELL_TEXT } };
	static const struct html_column day[] = { { "Day (UTC)", "day", CELL_DAY }, { "Entries", "entries", CELL_COUNT }, { "Let's Encrypt", "lets_encrypt", CELL_COUNT }, { "Verified", "verified", CELL_COUNT } };
	const json_t *part = json_object_get(document, "coverage");

	heading(out, "coverage", "Coverage");
	html_raw(out, "<p>Silence means something only where entries were read. Delay is counted from the log's timestamp of an entry to this monitor's reading it.</p>\n<ul>\n");
	delay_line(out, "Entries at the head of their log", json_object_get(part, "entry_delay"));
	delay_line(out, "Findings", json_object_get(part, "finding_delay"));
	html_raw(out, "<li>Entries that wait to be read: ");
	html_member(out, part, "backlog");
	html_raw(out, "</li>\n</ul>\n");
	html_bars(out, "Entries read by day", json_object_get(part, "days"), "day", "entries");
	TABLE(out, "Entries by day", json_object_get(part, "days"), day, "No entries were read.");
	TABLE(out, "Blind spots", json_object_get(part, "blind_spots"), blind, "No blind spots are known.");
	TABLE(out, "Logs that were read", json_object_get(part, "logs"), logs, "No log was read.");
	TABLE(out, "Listed logs that are not read, and why", json_object_get(part, "not_read"), blind, "Every listed log is read.");
}

static void deliveries(FILE *out, const json_t *document)
{
	static const struct html_column columns[] = { { "Sink", "sink", CELL_TEXT }, { "Status", "status", CELL_TEXT }, { "Alerts", "n", CELL_COUNT }, { "Last error", "last_error", CELL_TEXT } };

	heading(out, "alerts", "Alerts");
	TABLE(out, "Alerts of this time by sink; what is dead was given up", json_object_get(document, "deliveries"), columns, "No alerts were due.");
}

/* A pack's description is its author's data: shown as it is, member by member. */
static void pack_member(FILE *out, const char *key, const json_t *value)
{
	char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	html_raw(out, "<li>");
	html_text(out, key);
	html_raw(out, ": ");
	html_text(out, text);
	html_raw(out, "</li>\n");
	free(text);
}

static void recall_table(FILE *out, const json_t *recall)
{
	json_t *row;
	size_t i;

	html_raw(out, "<li>Measured recall: ");
	json_array_foreach((json_t *)recall, i, row) {
		const char *note = text_of(row, "note");

		html_raw(out, i > 0 ? "; " : "");
		html_text(out, text_of(row, "names"));
		html_member(out, row, "year");
		if (note[0] != '\0') {
			html_raw(out, ": ");
			html_text(out, note);
		}
	}
	html_raw(out, "</li>\n");
}

static void packs(FILE *out, const json_t *document)
{
	static const char *const shown[] = { "title", "summary", "actor", "published", "updated", "date", "limits", "note", "sources", "measured", NULL };
	json_t *pack;
	size_t i;

	heading(out, "packs", "What the rules can find, and what not");
	html_raw(out, "<p>Names alone cannot find everything. The group changed its style after the analysis of December 2022: later published domains have no hyphen, and names from "
		      "2024 on are random compounds that no name rule finds at a usable rate. Registrar, network, address and age of a domain carry the later signal.</p>\n");
	json_array_foreach(json_object_get(document, "packs"), i, pack) {
		html_raw(out, "<h3>");
		html_text(out, text_of(pack, "name")[0] != '\0' ? text_of(pack, "name") : text_of(pack, "id"));
		html_raw(out, "</h3>\n<ul>\n");
		for (const char *const *key = shown; *key != NULL; key++)
			if (json_object_get(pack, *key) != NULL && !json_is_null(json_object_get(pack, *key)))
				pack_member(out, *key, json_object_get(pack, *key));
		if (json_is_array(json_object_get(pack, "recall")))
			recall_table(out, json_object_get(pack, "recall"));
		html_raw(out, "</ul>\n");
	}
}

bool report_html(const json_t *document, const struct report_options *options, FILE *out, struct error *err)
{
	(void)err;
	html_raw(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n<title>");
	html_text(out, text_of(document, "title"));
	html_raw(out, "</title>\n<style>\n");
	html_raw(out, options->css != NULL ? options->css : HTML_STYLE);
	html_raw(out, "</style>\n</head>\n<body>\n<main>\n");
	first_page(out, document, options);
	findings(out, document);
	rankings(out, document);
	context(out, document);
	dismissed(out, document);
	incidents(out, document);
	coverage(out, document);
	deliveries(out, document);
	packs(out, document);
	html_raw(out, "</main>\n</body>\n</html>\n");
	return true;
}
