/* Sentences made of the numbers: what happened, what it means, what to decide. */
#include "gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static json_int_t findings_of(const json_t *rows, const char *key)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		if (strcmp(json_string_value(json_object_get(row, "key")), key) == 0)
			return number(row, "findings");
	return 0;
}

static void say(json_t *sentences, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(json_t *sentences, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(sentences, gather_text(text));
}

static void say_read(const struct gathering *g, json_t *out)
{
	const json_t *coverage = json_object_get(g->document, "coverage"), *total = json_object_get(coverage, "total");
	json_int_t entries = number(total, "entries");
	char read[TIME_TEXT_LEN], lets_encrypt[TIME_TEXT_LEN];

	if (entries == 0) {
		say(out, "No entries were read in this time: nothing can be said about what was issued.");
		return;
	}
	say(out, "%s entries were read from %" JSON_INTEGER_FORMAT " logs, %s of them certificates of Let's Encrypt.", count_format((uint64_t)entries, read),
	    number(coverage, "logs_read"), count_format((uint64_t)number(total, "lets_encrypt"), lets_encrypt));
	double verified = 100.0 * (double)number(total, "verified") / (double)entries;
	say(out, "%.1f %% of the entries are proven to be in the logs' signed trees%s.", verified > 100 ? 100 : verified,
	    verified >= 99.95 ? "" : "; the rest waits for a signed tree head, or belongs to a log that contradicts itself");
	if (json_is_true(json_object_get(coverage, "partial")))
		say(out, "This is not a whole range: reading began within it, or it is not over yet. Compare it with care.");
}

static void say_found(const struct gathering *g, json_t *out)
{
	const json_t *severity = json_object_get(g->document, "by_severity"), *kind = json_object_get(g->document, "by_kind");
	json_int_t now = number(json_object_get(g->document, "totals"), "findings"), before = number(json_object_get(g->document, "totals_before"), "findings");

	if (now == 0) {
		say(out, "Nothing was flagged.");
	} else {
		json_int_t names = number(json_object_get(g->document, "totals"), "names");

		say(out,
		    "%" JSON_INTEGER_FORMAT " name%s flagged, with %" JSON_INTEGER_FORMAT " finding%s (one for each rule that a name meets): %" JSON_INTEGER_FORMAT " critical, %"
		    JSON_INTEGER_FORMAT " high, %" JSON_INTEGER_FORMAT " medium.",
		    names, names == 1 ? " was" : "s were", now, now == 1 ? "" : "s", findings_of(severity, "critical"), findings_of(severity, "high"), findings_of(severity, "medium"));
		say(out,
		    "%" JSON_INTEGER_FORMAT " findings say that a name resembles a watched organisation's, %" JSON_INTEGER_FORMAT
		    " that it is built like published credential-harvesting domains, %" JSON_INTEGER_FORMAT " that it was published itself.",
		    findings_of(kind, "brand"), findings_of(kind, "naming"), findings_of(kind, "indicator"));
	}
	json_int_t dismissed = number(json_object_get(g->document, "triage"), "dismissed");
	if (dismissed > 0)
		say(out, "%" JSON_INTEGER_FORMAT " of these findings %s dismissed by an analyst (see Dismissed).", dismissed, dismissed == 1 ? "was" : "were");
	if (json_is_true(json_object_get(json_object_get(g->document, "coverage"), "partial")))
		return;
	if (now != before)
		say(out, "That is %" JSON_INTEGER_FORMAT " %s than in the time before (%" JSON_INTEGER_FORMAT " findings).", now > before ? now - before : before - now,
		    now > before ? "more" : "fewer", before);
	else
		say(out, "That is as many findings as in the time before.");
}

static void say_meaning(const struct gathering *g, json_t *out)
{
	const json_t *coverage = json_object_get(g->document, "coverage");
	size_t n_blind = json_array_size(json_object_get(coverage, "blind_spots")), n_incidents = json_array_size(json_object_get(g->document, "incidents"));

	say(out, "A finding says that a name looks a certain way, not that anything was done with it. Whether it was is for an analyst to say: "
		 "%" JSON_INTEGER_FORMAT " finding%s confirmed, %" JSON_INTEGER_FORMAT " %s still unseen.",
	    findings_of(json_object_get(g->document, "by_status"), "confirmed"),
	    findings_of(json_object_get(g->document, "by_status"), "confirmed") == 1 ? " is" : "s are",
	    findings_of(json_object_get(g->document, "by_status"), "new"), findings_of(json_object_get(g->document, "by_status"), "new") == 1 ? "is" : "are");
	say(out, "Names alone do not find everything: the group changed its style after the analysis of 2022 was published, and its later names follow no "
		 "pattern that a rule finds at a usable rate.");
	if (n_blind > 0)
		say(out, "There %s %zu blind spot%s: what was logged there may be missing here (see Coverage).", n_blind == 1 ? "is" : "are", n_blind, n_blind == 1 ? "" : "s");
	if (n_incidents > 0)
		say(out, "Logs gave reason for %zu incident%s (see Incidents).", n_incidents, n_incidents == 1 ? "" : "s");
}

static void say_decisions(const struct gathering *g, json_t *out)
{
	const json_t *triage = json_object_get(g->document, "triage");
	json_int_t critical = number(triage, "new_critical"), unseen = number(triage, "new"), confirmed = number(triage, "confirmed");
	json_t *row;
	size_t i;

	if (critical > 0)
		say(out, "Who looks at the %" JSON_INTEGER_FORMAT " critical finding%s that nobody has looked at, and by when?", critical, critical == 1 ? "" : "s");
	if (unseen > 0)
		say(out, "%" JSON_INTEGER_FORMAT " finding%s not been looked at: acknowledge, confirm or dismiss %s.", unseen, unseen == 1 ? " has" : "s have", unseen == 1 ? "it" : "them");
	if (confirmed > 0)
		say(out, "Load the block lists with the %" JSON_INTEGER_FORMAT " confirmed finding%s (ctwatch export), and ask the registrars to act.", confirmed, confirmed == 1 ? "" : "s");
	json_array_foreach(json_object_get(g->document, "deliveries"), i, row)
		if (strcmp(json_string_value(json_object_get(row, "status")), "dead") == 0)
			say(out, "%" JSON_INTEGER_FORMAT " alerts could not be delivered to %s: mend it, then send them again (ctwatch alerts retry).", number(row, "n"),
			    json_string_value(json_object_get(row, "sink")));
	if (json_array_size(json_object_get(json_object_get(g->document, "coverage"), "blind_spots")) > 0)
		say(out, "Are the blind spots acceptable, or does somebody have to act on them?");
	if (json_array_size(out) == 0)
		say(out, "Nothing needs a decision.");
}

bool gather_words(struct gathering *g, struct error *err)
{
	json_t *happened = json_array(), *means = json_array(), *decide = json_array();

	(void)err;
	json_object_set_new(g->document, "summary", json_pack("{s:o, s:o, s:o}", "happened", happened, "means", means, "decide", decide));
	say_read(g, happened);
	say_found(g, happened);
	say_meaning(g, means);
	say_decisions(g, decide);
	return true;
}
