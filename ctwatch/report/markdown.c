/* The report as Markdown (GitHub's dialect of CommonMark): the same sections, for wikis, tickets and mail. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "prose.h"
#include "render.h"
#include "report.h"

#define CELL_BYTES_MAX (1u << 20)

static void put(FILE *out, const char *text)
{
	struct buf cell;

	buf_init(&cell, CELL_BYTES_MAX);
	render_markdown(&cell, text);
	fputs(buf_text(&cell), out);
	buf_deinit(&cell);
}

/* Text from anywhere: names in it are defanged, since "www.example.com" alone is a link on many wikis. */
static void put_text(FILE *out, const char *text)
{
	char *safe = prose_defanged(text != NULL ? text : "");

	put(out, safe);
	free(safe);
}

static void put_name(FILE *out, const char *name)
{
	char *safe = defang(name != NULL ? name : "");

	put(out, safe);
	free(safe);
}

static void put_value(FILE *out, const json_t *value)
{
	char text[TIME_TEXT_LEN];
	json_t *item;
	size_t i;

	if (json_is_string(value))
		put_text(out, json_string_value(value));
	else if (json_is_integer(value) && json_integer_value(value) >= 0)
		fputs(count_format((uint64_t)json_integer_value(value), text), out);
	else if (json_is_array(value))
		json_array_foreach((json_t *)value, i, item) {
			fputs(i > 0 ? ", " : "", out);
			put_name(out, json_string_value(item));
		}
}

static void sentences(FILE *out, const char *title, const json_t *list)
{
	json_t *item;
	size_t i;

	fputs("\n### ", out);
	put_text(out, title);
	fputs("\n\n", out);
	json_array_foreach((json_t *)list, i, item) {
		fputs("* ", out);
		put_text(out, json_string_value(item));
		fputc('\n', out);
	}
}

struct column {
	const char *title, *key;
	bool is_name;
};

static void table(FILE *out, const char *title, const json_t *rows, const struct column *columns, size_t n, const char *empty)
{
	json_t *row;
	size_t i;

	fprintf(out, "\n### %s\n\n", title);
	if (json_array_size(rows) == 0) {
		fprintf(out, "%s\n", empty);
		return;
	}
	for (size_t c = 0; c < n; c++)
		fprintf(out, "| %s ", columns[c].title);
	fputs("|\n", out);
	for (size_t c = 0; c < n; c++)
		fputs("| --- ", out);
	fputs("|\n", out);
	json_array_foreach((json_t *)rows, i, row) {
		for (size_t c = 0; c < n; c++) {
			fputs("| ", out);
			if (columns[c].is_name)
				put_name(out, json_string_value(json_object_get(row, columns[c].key)));
			else
				put_value(out, json_object_get(row, columns[c].key));
			fputc(' ', out);
		}
		fputs("|\n", out);
	}
}

#define TABLE(out, title, rows, columns, empty) table(out, title, rows, columns, ARRAY_LEN(columns), empty)
#define RANKING(title) { { title, "key", false }, { "Findings", "findings", false }, { "Certificates", "certificates", false }, { "Best score", "best_score", false } }

static void findings(FILE *out, const json_t *document)
{
	json_t *object, *row;
	size_t i, k;

	fputs("\n## Findings\n", out);
	json_int_t total = json_integer_value(json_object_get(document, "findings_total"));
	if (total == 0)
		fputs("\nNothing was flagged.\n", out);
	else if ((size_t)total > json_array_size(json_object_get(document, "findings")))
		fprintf(out, "\nThe %zu with the highest scores of %" JSON_INTEGER_FORMAT ", by name; the CSV report has them all.\n",
			json_array_size(json_object_get(document, "findings")), total);
	json_array_foreach(json_object_get(document, "findings"), i, object) {
		fputs("\n### ", out);
		put_name(out, json_read_text(object, "name"));
		fprintf(out, "\n\n%s %" JSON_INTEGER_FORMAT ", %s, first seen %.16s UTC, rule ", json_read_text(object, "severity"), json_integer_value(json_object_get(object, "score")),
			json_read_text(object, "status"), json_read_text(object, "first_seen"));
		put_text(out, json_read_text(object, "rule"));
		fputs(", finding ", out);
		put_text(out, json_read_text(object, "id"));
		fputs("\n\n", out);
		json_array_foreach(json_object_get(object, "evidence"), k, row) {
			fputs("* ", out);
			put_text(out, json_read_text(row, "signal"));
			fprintf(out, " %+" JSON_INTEGER_FORMAT ": ", json_integer_value(json_object_get(row, "points")));
			put_text(out, json_read_text(row, "detail"));
			fputc('\n', out);
		}
	}
}

static void rankings(FILE *out, const json_t *document)
{
	static const struct column severity[] = RANKING("Severity"), status[] = RANKING("Status"), brand[] = RANKING("Organisation"), rule[] = RANKING("Rule"), issuer[] = RANKING("Issuer"), day[] = RANKING("Day");

	fputs("\n## By severity, brand and rule\n", out);
	TABLE(out, "By severity", json_object_get(document, "by_severity"), severity, "No findings.");
	TABLE(out, "By status", json_object_get(document, "by_status"), status, "No findings.");
	TABLE(out, "By organisation", json_object_get(document, "by_brand"), brand, "No findings.");
	TABLE(out, "By rule", json_object_get(document, "by_rule"), rule, "No findings.");
	TABLE(out, "By issuer", json_object_get(document, "by_issuer"), issuer, "No findings.");
	TABLE(out, "By day", json_object_get(document, "by_day"), day, "No findings.");
}

static void context(FILE *out, const json_t *document)
{
	static const struct column clusters[] = { { "First logged", "first", false }, { "Findings", "size", false }, { "Among them", "names", false } };
	static const struct column targets[] = { { "Domain", "domain", true }, { "Passes for", "organisation", false }, { "Sectors", "sectors", false }, { "Score", "score", false }, { "Status", "status", false } };
	static const struct column terms[] = { { "Word", "term", false }, { "Names", "names", false } };
	static const struct column sectors[] = { { "Sector", "sector", false }, { "Organisations", "organisations", false }, { "Findings", "findings", false } };
	static const struct column technique[] = { { "Id", "id", false }, { "Technique", "name", false } };
	static const struct column dismissed[] = { { "Name", "name", true }, { "Rule", "rule", false }, { "Why", "why", false }, { "Who", "who", false } };
	const json_t *attack = json_object_get(document, "attack");

	fputs("\n## Context\n", out);
	TABLE(out, "Names that came together", json_object_get(document, "clusters"), clusters, "None.");
	TABLE(out, "Suspected targets", json_object_get(document, "targets"), targets, "None.");
	TABLE(out, "Sectors", json_object_get(document, "by_sector"), sectors, "None.");
	TABLE(out, "Words of the names", json_object_get(document, "terms"), terms, "None.");
	fputs("\n### Registrars, networks and addresses\n\n", out);
	put_text(out, json_read_text(json_object_get(document, "infrastructure"), "note"));
	fputc('\n', out);
	TABLE(out, "ATT&CK, observed", json_object_get(attack, "observed"), technique, "None.");
	TABLE(out, "ATT&CK, reported for the actor", json_object_get(attack, "reported_for_actor"), technique, "None.");
	TABLE(out, "Dismissed", json_object_get(document, "dismissed"), dismissed, "Nothing was dismissed.");
}

static void coverage(FILE *out, const json_t *document)
{
	static const struct column incidents[] = { { "Severity", "severity", false }, { "Log", "log", false }, { "Class", "class", false }, { "What", "summary", false }, { "Opened", "opened", false }, { "Closed", "closed", false } };
	static const struct column blind[] = { { "Log", "log", false }, { "Why", "why", false } };
	static const struct column logs[] = { { "Log", "log", false }, { "Entries", "entries", false }, { "Let's Encrypt", "lets_encrypt", false }, { "Verified", "verified", false }, { "Behind", "behind", false } };
	static const struct column deliveries[] = { { "Sink", "sink", false }, { "Status", "status", false }, { "Alerts", "n", false }, { "Last error", "last_error", false } };
	const json_t *part = json_object_get(document, "coverage");

	fputs("\n## Coverage\n", out);
	TABLE(out, "Incidents of logs", json_object_get(document, "incidents"), incidents, "No incidents.");
	TABLE(out, "Blind spots", json_object_get(part, "blind_spots"), blind, "No blind spots are known.");
	TABLE(out, "Logs that were read", json_object_get(part, "logs"), logs, "No log was read.");
	TABLE(out, "Listed logs that are not read", json_object_get(part, "not_read"), blind, "Every listed log is read.");
	TABLE(out, "Alerts", json_object_get(document, "deliveries"), deliveries, "No alerts were due.");
}

static void packs(FILE *out, const json_t *document)
{
	static const struct column recall[] = { { "Year of the names", "year", false }, { "Found", "result", false }, { "How it was measured", "how", false } };
	json_t *pack;
	size_t i;

	fputs("\n## What the rules can find, and what not\n", out);
	json_array_foreach(json_object_get(document, "packs"), i, pack) {
		sentences(out, json_read_text(pack, "title"), json_object_get(pack, "sentences"));
		TABLE(out, "Published names of the group that the rules find by name alone", json_object_get(pack, "recall"), recall, "Nobody measured how many names it finds.");
	}
}

bool report_markdown(const json_t *document, FILE *out, struct error *err)
{
	const json_t *summary = json_object_get(document, "summary");

	(void)err;
	fputs("# ", out);
	put_text(out, json_read_text(document, "title"));
	fprintf(out, "\n\n%.16s to %.16s UTC, made %.16s UTC by ", json_read_text(document, "since"), json_read_text(document, "until"), json_read_text(document, "generated"));
	put_text(out, json_read_text(document, "generator"));
	fputs("\n\n## Summary\n", out);
	sentences(out, "What happened", json_object_get(summary, "happened"));
	sentences(out, "What it means", json_object_get(summary, "means"));
	sentences(out, "What to decide", json_object_get(summary, "decide"));
	findings(out, document);
	rankings(out, document);
	context(out, document);
	coverage(out, document);
	packs(out, document);
	return true;
}
