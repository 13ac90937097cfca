/* What each pack of rules can find: its sources, what it published, and how much of the actor's names it finds by year. */
#include "gather.h"
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

static void say(json_t *out, char *sentence)
{
	json_array_append_new(out, gather_text(sentence));
	free(sentence);
}

/* "TAG-53, also reported as Callisto Group, COLDRIVER" or the pack's id. */
static json_t *title_of(const json_t *pack)
{
	const json_t *actor = json_object_get(pack, "actor");
	struct buf title;
	json_t *overlap;
	size_t i;

	buf_init(&title, 4096);
	buf_append_text(&title, json_read_text(actor, "name")[0] != '\0' ? json_read_text(actor, "name") : json_read_text(pack, "id"));
	json_array_foreach(json_object_get(actor, "overlaps"), i, overlap)
		buf_printf(&title, "%s%s", i == 0 ? ", also reported as " : ", ", json_is_string(overlap) ? json_string_value(overlap) : "");
	json_t *text = gather_text(buf_text(&title));
	buf_deinit(&title);
	return text;
}

static void say_sources(const json_t *pack, json_t *out)
{
	json_t *source;
	size_t i;

	json_array_foreach(json_object_get(pack, "sources"), i, source)
		say(out, xasprintf("Source: %s, \"%s\", %s.", json_read_text(source, "publisher"), json_read_text(source, "title"), json_read_text(source, "published")));
	json_array_foreach(json_object_get(pack, "indicators"), i, source)
		say(out, xasprintf("%" JSON_INTEGER_FORMAT " domains and %" JSON_INTEGER_FORMAT " addresses published %s by %s are found whoever issued the certificate.",
				   json_integer_value(json_object_get(source, "domains")), json_integer_value(json_object_get(source, "addresses")), json_read_text(source, "published"),
				   json_read_text(source, "source")[0] != '\0' ? json_read_text(source, "source") : "the pack's author"));
}

static void say_naming(const json_t *pack, json_t *out)
{
	const json_t *naming = json_object_get(pack, "naming"), *learned = json_object_get(naming, "learned");

	char names[TIME_TEXT_LEN];

	if (naming == NULL)
		return;
	say(out, xasprintf("Names are judged by %" JSON_INTEGER_FORMAT " terms and by their form, and flagged from %" JSON_INTEGER_FORMAT " points on.",
			   json_integer_value(json_object_get(naming, "terms")), json_integer_value(json_object_get(naming, "min_score"))));
	if (json_is_number(json_object_get(learned, "false_alarms_per_million")))
		say(out, xasprintf("Measured on %s ordinary names, it raises about %.0f false alarms per million names (%s).",
				   count_format((uint64_t)json_integer_value(json_object_get(learned, "background_names")), names), json_number_value(json_object_get(learned, "false_alarms_per_million")),
				   json_read_text(learned, "how")));
}

/* "31 of 38 names (82 %)", or that nobody measured it. */
static json_t *recall_row(const json_t *row)
{
	json_int_t names = json_integer_value(json_object_get(row, "names")), found = json_integer_value(json_object_get(row, "found"));
	char result[96] = "not measured", year[24];

	if (names > 0)
		snprintf(result, sizeof(result), "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " names (%.0f %%)", found, names, 100.0 * (double)found / (double)names);
	snprintf(year, sizeof(year), "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(row, "year")));
	return json_pack("{s:s, s:s, s:o}", "year", year, "result", result, "how", gather_text(json_read_text(row, "how")));
}

static json_t *recall_of(const json_t *pack)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach(json_object_get(pack, "recall"), i, row)
		json_array_append_new(rows, recall_row(row));
	return rows;
}

bool gather_packs(struct gathering *g, struct error *err)
{
	json_t *rules = g->options->rules_json != NULL ? json_loads(g->options->rules_json, 0, NULL) : NULL, *packs = json_array(), *pack;
	size_t i;

	(void)err;
	json_object_set_new(g->document, "packs", packs);
	json_array_foreach(json_object_get(rules, "packs"), i, pack) {
		json_t *sentences = json_array();

		say_sources(pack, sentences);
		say_naming(pack, sentences);
		if (json_read_text(pack, "limits")[0] != '\0')
			say(sentences, xasprintf("Limits: %s", json_read_text(pack, "limits")));
		if (json_read_text(pack, "note")[0] != '\0')
			say(sentences, xasprintf("Note: %s", json_read_text(pack, "note")));
		json_array_append_new(packs, json_pack("{s:o, s:o, s:o, s:o}", "id", gather_text(json_read_text(pack, "id")), "title", title_of(pack), "sentences", sentences,
						       "recall", recall_of(pack)));
	}
	json_decref(rules);
	return true;
}
