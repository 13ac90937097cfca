/*
 * The report as one HTML file: no scripts, nothing fetched, charts as inline SVG. First a page for a manager, then the rest.
 */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "report.h"
#include "words.h"

#define CERTIFICATES_SHOWN 3          /* of a domain; the findings command shows the others */
#define DOMAINS_IN_FULL 20            /* the others as a table */
#define FIRST_PAGE_NAMES 5
#define DAYS_IN_TABLE 62              /* of longer ranges the chart stands alone, and JSON has the numbers */

#define RANKING(title) { { title, "key", CELL_TEXT }, { "Findings", "findings", CELL_COUNT }, { "Certificates", "certificates", CELL_COUNT }, { "Best score", "best_score", CELL_COUNT } }
#define TABLE(out, caption, rows, columns, empty) html_table(out, caption, rows, columns, ARRAY_LEN(columns), empty)

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

	html_raw(out, "<h2>");
	html_text(out, title);
	html_raw(out, "</h2>\n<ul>\n");
	json_array_foreach((json_t *)list, i, item) {
		html_raw(out, "<li>");
		html_prose(out, json_string_value(item));
		html_raw(out, "</li>\n");
	}
	html_raw(out, "</ul>\n");
}

static bool same_domain(const json_t *a, const json_t *b)
{
	return b != NULL && json_equal(json_object_get(a, "registrable_domain"), json_object_get(b, "registrable_domain"));
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

/* The best finding of each of the first few domains. */
static void foremost(FILE *out, const json_t *list)
{
	static const struct html_column columns[] = { { "Name", "name", CELL_NAME }, { "Resembles", "brand", CELL_TEXT }, { "Severity", "severity", CELL_SEVERITY }, { "Score", "score", CELL_COUNT }, { "Status", "status", CELL_TEXT } };
	json_t *rows = json_array();

	json_t *row = NULL, *finding;
	size_t i;

	json_array_foreach((json_t *)list, i, finding) {
		if (i > 0 && same_domain(json_array_get(list, i - 1), finding)) {
			/* another rule about the same name may know whom it resembles */
			if (!json_is_string(json_object_get(row, "brand")))
				json_object_set(row, "brand", json_object_get(finding, "brand"));
			continue;
		}
		if (json_array_size(rows) == FIRST_PAGE_NAMES)
			break;
		row = json_copy(finding);
		json_array_append_new(rows, row);
	}
	if (json_array_size(rows) > 0)
		TABLE(out, "The names with the highest scores", rows, columns, "");
	json_decref(rows);
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
	html_prose(out, json_read_text(document, "title"));
	html_raw(out, "</h1>\n<p class=\"meta\">");
	html_time(out, json_read_text(document, "since"));
	html_raw(out, " to ");
	html_time(out, json_read_text(document, "until"));
	html_raw(out, " (time zone ");
	html_prose(out, json_read_text(document, "timezone"));
	html_raw(out, "); made ");
	html_time(out, json_read_text(document, "generated"));
	html_raw(out, " by ");
	html_prose(out, json_read_text(document, "generator"));
	html_raw(out, "</p>\n<div class=\"cards\">\n");
	card(out, json_object_get(document, "totals"), "names", "names flagged");
	card(out, json_object_get(document, "triage"), "new_critical", "critical findings not looked at");
	card(out, json_object_get(document, "triage"), "confirmed", "findings confirmed");
	card(out, json_object_get(coverage, "total"), "entries", "log entries read");
	card(out, json_object_get(coverage, "total"), "lets_encrypt", "of Let's Encrypt");
	card(out, coverage, "logs_read", "logs followed");
	html_raw(out, "</div>\n");
	sentences(out, "What happened", json_object_get(summary, "happened"));
	sentences(out, "What it means", json_object_get(summary, "means"));
	sentences(out, "What to decide", json_object_get(summary, "decide"));
	foremost(out, json_object_get(document, "findings"));
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
	html_prose(out, json_read_text(certificate, "type"));
	html_raw(out, " by ");
	html_prose(out, json_read_text(certificate, "issuer"));
	fprintf(out, ", valid %.10s to %.10s", json_read_text(certificate, "not_before"), json_read_text(certificate, "not_after"));
	if (sighting != NULL) {
		html_raw(out, "; logged ");
		html_time(out, json_read_text(sighting, "timestamp"));
		html_raw(out, " in ");
		html_prose(out, json_read_text(json_object_get(sighting, "log"), "name"));
		html_raw(out, ", entry ");
		html_member(out, sighting, "index");
	}
	html_raw(out, "<br>SHA-256 <code>");
	html_prose(out, json_read_text(certificate, "sha256"));
	html_raw(out, "</code></li>\n");
}

/* What one rule says of the name. */
static void finding_by_rule(FILE *out, const json_t *object)
{
	struct finding view = { .kind = (char *)json_read_text(object, "kind"),
				.rule = (char *)json_read_text(object, "rule"),
				.brand = (char *)json_string_value(json_object_get(object, "brand")),
				.technique = (char *)json_string_value(json_object_get(object, "technique")) };
	char *sentence = finding_sentence(&view, "The name");
	json_t *row;
	size_t i;

	html_raw(out, "<p>");
	html_severity(out, json_read_text(object, "severity"));
	fprintf(out, " <b>%" JSON_INTEGER_FORMAT "</b> &middot; ", json_integer_value(json_object_get(object, "score")));
	html_prose(out, sentence);
	free(sentence);
	html_raw(out, ".</p>\n<p class=\"facts\">Status: ");
	html_prose(out, json_read_text(object, "status"));
	html_raw(out, " &middot; ");
	html_text(out, verified_phrase(json_is_true(json_object_get(object, "verified")), json_is_true(json_object_get(object, "withdrawn"))));
	html_raw(out, " &middot; first seen ");
	html_time(out, json_read_text(object, "first_seen"));
	html_raw(out, " &middot; rule ");
	html_prose(out, json_read_text(object, "rule"));
	html_raw(out, " &middot; finding <code>");
	html_prose(out, json_read_text(object, "id"));
	html_raw(out, "</code></p>\n<ul class=\"evidence\">\n");
	json_array_foreach(json_object_get(object, "evidence"), i, row) {
		html_raw(out, "<li>");
		html_prose(out, json_read_text(row, "signal"));
		fprintf(out, " %+" JSON_INTEGER_FORMAT ": ", json_integer_value(json_object_get(row, "points")));
		html_prose(out, json_read_text(row, "detail"));
		html_raw(out, "</li>\n");
	}
	html_raw(out, "</ul>\n");
}

/* A domain with the findings of every rule about it, which stand beside each other; their certificates are the same, and shown once. */
static size_t domain(FILE *out, const json_t *list, size_t at)
{
	const json_t *best = json_array_get(list, at);
	const json_t *row;
	size_t i;

	fprintf(out, "<article class=\"finding %s\">\n<h3>", html_class(json_read_text(best, "severity")));
	html_name(out, json_read_text(best, "name"));
	html_raw(out, "</h3>\n");
	for (; same_domain(best, json_array_get(list, at)); at++)
		finding_by_rule(out, json_array_get(list, at));
	html_raw(out, "<p class=\"facts\">Certificates:</p>\n<ul class=\"evidence\">\n");
	json_array_foreach(json_object_get(best, "certificates"), i, row)
		if (i < CERTIFICATES_SHOWN)
			certificate_line(out, row);
	if (json_integer_value(json_object_get(best, "certificate_count")) > CERTIFICATES_SHOWN) {
		html_raw(out, "<li>");
		html_member(out, best, "certificate_count");
		html_raw(out, " certificates in all</li>\n");
	}
	html_raw(out, "</ul>\n</article>\n");
	return at;
}

static void findings(FILE *out, const json_t *document)
{
	static const struct html_column others[] = { { "Name", "name", CELL_NAME }, { "Rule", "rule", CELL_TEXT }, { "Severity", "severity", CELL_SEVERITY }, { "Score", "score", CELL_COUNT }, { "Status", "status", CELL_TEXT }, { "First seen", "first_seen", CELL_DAY }, { "Finding", "id", CELL_ID } };
	const json_t *list = json_object_get(document, "findings");
	json_int_t total = json_integer_value(json_object_get(document, "findings_total"));
	char count[TIME_TEXT_LEN];
	json_t *rest = json_array();
	size_t i = 0;

	heading(out, "findings", "Findings");
	if (total == 0)
		html_raw(out, "<p>Nothing was flagged.</p>\n");
	else if ((size_t)total > json_array_size(list))
		fprintf(out, "<p>The %zu with the highest scores of %s, by name; the CSV report has them all.</p>\n", json_array_size(list), count_format((uint64_t)total, count));
	for (size_t n = 0; n < DOMAINS_IN_FULL && i < json_array_size(list); n++)
		i = domain(out, list, i);
	for (; i < json_array_size(list); i++)
		json_array_append(rest, json_array_get(list, i));
	if (json_array_size(rest) > 0)
		TABLE(out, "The findings that follow them", rest, others, "");
	json_decref(rest);
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

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
	if (json_array_size(json_object_get(document, "by_day")) <= DAYS_IN_TABLE)
		TABLE(out, "Findings by day", json_object_get(document, "by_day"), day, "No findings on any day.");
}

static void context(FILE *out, const json_t *document)
{
	static const struct html_column clusters[] = { { "First logged", "first", CELL_TIME }, { "Last", "last", CELL_TIME }, { "Findings", "size", CELL_COUNT }, { "Among them", "names", CELL_LIST } };
	static const struct html_column targets[] = { { "Domain", "domain", CELL_NAME }, { "Passes for", "organisation", CELL_TEXT }, { "Sectors", "sectors", CELL_WORDS }, { "Score", "score", CELL_COUNT }, { "Status", "status", CELL_TEXT } };
	static const struct html_column terms[] = { { "Word", "term", CELL_TEXT }, { "Names", "names", CELL_COUNT } };
	static const struct html_column sectors[] = { { "Sector", "sector", CELL_TEXT }, { "Organisations", "organisations", CELL_COUNT }, { "Findings", "findings", CELL_COUNT } };
	static const struct html_column technique[] = { { "Id", "id", CELL_TEXT }, { "Technique", "name", CELL_TEXT } };
	const json_t *attack = json_object_get(document, "attack");
	char caption[128];

	snprintf(caption, sizeof(caption), "Flagged names logged within %d minutes of one another", (int)json_integer_value(json_object_get(document, "cluster_window_minutes")));
	heading(out, "clusters", "Names that came together");
	TABLE(out, caption, json_object_get(document, "clusters"), clusters, "No flagged names came within minutes of one another. Shared addresses, networks and registrars are not gathered in this version.");
	heading(out, "targets", "Suspected targets");
	TABLE(out, "Organisations that names pass for, with their sectors", json_object_get(document, "targets"), targets, "No name passes for a watched organisation.");
	TABLE(out, "Sectors of the organisations that names pass for", json_object_get(document, "by_sector"), sectors, "");
	heading(out, "terms", "Words of the names");
	TABLE(out, "Terms between hyphens in the flagged names", json_object_get(document, "terms"), terms, "No flagged names, no words.");
	heading(out, "infrastructure", "Registrars, networks and addresses");
	html_raw(out, "<p>");
	html_prose(out, json_read_text(json_object_get(document, "infrastructure"), "note"));
	html_raw(out, "</p>\n");
	heading(out, "attack", "ATT&CK techniques");
	TABLE(out, "What the names and certificates themselves show", json_object_get(attack, "observed"), technique, "Nothing was found, so nothing was observed.");
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
	if (json_array_size(json_object_get(part, "days")) <= DAYS_IN_TABLE)
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

static void packs(FILE *out, const json_t *document)
{
	static const struct html_column recall[] = { { "Year of the names", "year", CELL_TEXT }, { "Found", "result", CELL_TEXT }, { "How it was measured", "how", CELL_TEXT } };
	json_t *pack, *sentence;
	size_t i, k;

	heading(out, "packs", "What the rules can find, and what not");
	html_raw(out, "<p>Names alone cannot find everything. Below stands, for each pack of rules about a group, how many of its published names the rules find, year by year.</p>\n");
	json_array_foreach(json_object_get(document, "packs"), i, pack) {
		html_raw(out, "<h3>");
		html_prose(out, json_read_text(pack, "title"));
		html_raw(out, "</h3>\n<ul>\n");
		json_array_foreach(json_object_get(pack, "sentences"), k, sentence) {
			html_raw(out, "<li>");
			html_prose(out, json_string_value(sentence));
			html_raw(out, "</li>\n");
		}
		html_raw(out, "</ul>\n");
		TABLE(out, "Published names of the group that the rules find by name alone", json_object_get(pack, "recall"), recall, "Nobody measured how many names it finds.");
	}
	if (json_array_size(json_object_get(document, "packs")) == 0)
		html_raw(out, "<p>No pack about a group is loaded.</p>\n");
}

bool report_html(const json_t *document, const struct report_options *options, FILE *out, struct error *err)
{
	(void)err;
	html_raw(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n<title>");
	html_prose(out, json_read_text(document, "title"));
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
