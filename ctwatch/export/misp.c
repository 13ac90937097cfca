/*
 * A MISP event as JSON (MISP core format, draft-dulaunoy-misp-core-format). UUIDs are made of the findings' ids, so that an
 * import updates. `to_ids` is set only for what an analyst confirmed and for what was published.
 */
#include "export.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const uint8_t SPACE[16] = { 0x7d, 0x41, 0x0e, 0x93, 0x2b, 0x6a, 0x4c, 0x18, 0xa5, 0x3e, 0x90, 0x7c, 0x4f, 0x21, 0xe8, 0x6d };

struct misp {
	bool first;
};

static void uuid_of(const char *what, const char *id, char out[37])
{
	char *text = xasprintf("%s|%s", what, id);

	uuid_v5(SPACE, slice_text(text), out);
	free(text);
}

static bool misp_begin(struct exporter *x, struct error *err)
{
	static const struct {
		const char *name, *tag, *colour;
	} tlp[] = { { "clear", "tlp:clear", "#ffffff" }, { "white", "tlp:clear", "#ffffff" }, { "green", "tlp:green", "#339900" }, { "amber", "tlp:amber", "#ffc000" }, { "red", "tlp:red", "#cc0033" } };
	const char *wanted = x->options->tlp != NULL ? x->options->tlp : "amber";
	char uuid[37], org[37], date[TIME_TEXT_LEN];
	struct misp *misp;

	for (size_t i = 0; i < ARRAY_LEN(tlp); i++) {
		if (strcmp(tlp[i].name, wanted) != 0)
			continue;
		uuid_of("event", "ctwatch", uuid);
		uuid_of("org", "ctwatch", org);
		time_format_rfc3339(x->options->now_ms, date);
		json_t *tag = json_pack("[{s:s, s:s}]", "name", tlp[i].tag, "colour", tlp[i].colour);
		char *tags = json_dumps(tag, JSON_COMPACT);
		fprintf(x->out,
			"{\"Event\":{\"uuid\":\"%s\",\"info\":\"ctwatch: names found in Certificate Transparency logs\",\"date\":\"%.10s\",\"timestamp\":\"%lld\","
			"\"threat_level_id\":\"2\",\"analysis\":\"1\",\"distribution\":\"0\",\"published\":false,\"Orgc\":{\"name\":\"ctwatch\",\"uuid\":\"%s\"},"
			"\"Tag\":%s,\"Attribute\":[",
			uuid, date, (long long)(x->options->now_ms / 1000), org, tags);
		free(tags);
		json_decref(tag);
		x->own = misp = xcalloc(1, sizeof(*misp));
		misp->first = true;
		return true;
	}
	return error_set(err, ERR_USAGE, "the marking is clear, green, amber or red, not '%s'", wanted);
}

/* MISP's galaxy of threat actors knows TAG-53 as Callisto; others are given by their own name. */
static const char *galaxy_name(const json_t *actor)
{
	const char *name = json_string_value(json_object_get(actor, "name"));

	return strcmp(name, "TAG-53") == 0 ? "Callisto" : name;
}

static bool misp_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	if (!item->is_address && !export_plain_name(item->name)) {
		x->result.left_out++;
		return true;
	}
	struct misp *misp = x->own;
	bool sure = item->confirmed || item->published;
	char uuid[37], first[TIME_TEXT_LEN], last[TIME_TEXT_LEN], stamp[32], expires[TIME_TEXT_LEN];
	char *comment = xasprintf("%s, score %d, %s; expires %.10s", item->rule, item->score, item->status,
				  time_format_rfc3339(item->expires_ms, expires));

	uuid_of("attribute", item->name, uuid);
	snprintf(stamp, sizeof(stamp), "%lld", (long long)(item->changed_ms / 1000));
	json_t *attribute = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:s, s:s, s:s}", "uuid", uuid, "type", item->is_address ? "ip-dst" : "domain", "category",
				      "Network activity", "value", item->name, "to_ids", sure, "disable_correlation", 0, "distribution", "5", "comment", comment, "timestamp",
				      stamp, "first_seen", time_format_rfc3339(item->first_seen_ms, first), "last_seen", time_format_rfc3339(item->last_seen_ms, last));
	free(comment);
	if (attribute == NULL)
		return error_set(err, ERR_MALFORMED, "finding %s holds text that is no UTF-8", item->id);
	json_t *tags = json_pack("[{s:s}]", "name", sure ? "estimative-language:confidence-in-analytic-judgment=\"high\"" : "estimative-language:confidence-in-analytic-judgment=\"low\"");
	if (item->brand != NULL && item->brand[0] != '\0') {
		char *tag = xasprintf("ctwatch:brand=\"%s\"", item->brand);

		json_array_append_new(tags, json_pack("{s:s}", "name", tag));
		free(tag);
	}
	if (sure && item->actor != NULL) {
		char *tag = xasprintf("misp-galaxy:threat-actor=\"%s\"", galaxy_name(item->actor));

		json_array_append_new(tags, json_pack("{s:s}", "name", tag));
		free(tag);
	}
	json_object_set_new(attribute, "Tag", tags);
	fputs(misp->first ? "\n" : ",\n", x->out);
	misp->first = false;
	json_dumpf(attribute, x->out, JSON_COMPACT);
	json_decref(attribute);
	return true;
}

static bool misp_end(struct exporter *x, struct error *err)
{
	(void)err;
	fputs("\n]}}\n", x->out);
	free(x->own);
	x->own = NULL;
	return true;
}

const struct export_format export_misp = {
	.once_a_name = true,
	.name = "misp",
	.summary = "MISP event",
	.begin = misp_begin,
	.item = misp_item,
	.end = misp_end,
};
