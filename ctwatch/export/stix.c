/*
 * STIX 2.1 (OASIS standard of 2021-06-10), one bundle. Ids are UUIDs made of what an object says, so that a repeated export
 * updates objects instead of adding twins:
 *
 *   identity (who exports)           created_by_ref of everything
 *   domain-name | ipv4-addr ...  <-- observed-data <-- sighting --> indicator --indicates--> attack-pattern
 *   x509-certificate             <--'                                 |  '--related-to--> identity (the brand)
 *   infrastructure --consists-of--> domain-name                       '--indicates--> intrusion-set, only after confirm
 */
#include "export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"

#define CERTIFICATES_MAX 10

/* The namespace of our own objects; that of cyber-observables is given by the standard (section 2.9). */
static const uint8_t OWN_SPACE[16] = { 0x5b, 0x0d, 0x6c, 0x1e, 0x8a, 0x3f, 0x4d, 0x52, 0x9c, 0x7e, 0x1f, 0x60, 0xb2, 0x94, 0xd7, 0x08 };
static const uint8_t SCO_SPACE[16] = { 0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7 };

/* Marking definitions that the standard itself lists (section 7.2.1.4). */
static const struct {
	const char *name, *id;
} TLP[] = {
	{ "clear", "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9" }, { "white", "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9" },
	{ "green", "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da" }, { "amber", "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82" },
	{ "red", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed" },
};

static const struct {
	const char *id, *name;
} TECHNIQUES[] = {
	{ "T1583.001", "Acquire Infrastructure: Domains" },
	{ "T1608.003", "Stage Capabilities: Install Digital Certificate" },
	{ "T1036", "Masquerading" },
	{ "T1598", "Phishing for Information" },
	{ "T1608", "Stage Capabilities" },
};

struct stix {
	const char *marking;
	char self[64];                    /* identity--... of the exporter */
	bool first;
};

/* ---- ids ---------------------------------------------------------------------------------------------- */

#define STIX_ID_LEN 64

static void make_id(const uint8_t space[16], const char *type, const char *text, char out[STIX_ID_LEN])
{
	char uuid[37];

	uuid_v5(space, slice_text(text), uuid);
	snprintf(out, STIX_ID_LEN, "%s--%s", type, uuid);
}

static void own_id(const char *type, const char *text, char out[STIX_ID_LEN])
{
	char *key = xasprintf("%s|%s", type, text);

	make_id(OWN_SPACE, type, key, out);
	free(key);
}

/* Section 2.9: the id of an observable is made of the canonical JSON (RFC 8785) of its contributing properties. */
static void observable_id(const char *type, json_t *contributing, char out[STIX_ID_LEN])
{
	char *text = json_dumps(contributing, JSON_COMPACT | JSON_SORT_KEYS);

	make_id(SCO_SPACE, type, text, out);
	free(text);
	json_decref(contributing);
}

/* ---- the bundle ------------------------------------------------------------------------------------------- */

static bool put(struct exporter *x, json_t *object, struct error *err)
{
	struct stix *stix = x->own;
	const char *id = json_string_value(json_object_get(object, "id"));

	if (object == NULL || id == NULL) {
		json_decref(object);
		return error_set(err, ERR_MALFORMED, "a finding holds text that is no UTF-8");
	}
	if (!export_seen_add(&x->seen, id)) {
		fputs(stix->first ? "\n" : ",\n", x->out);
		stix->first = false;
		json_dumpf(object, x->out, JSON_COMPACT);
	}
	json_decref(object);
	return true;
}

static char *time_text(int64_t time_ms, char out[TIME_TEXT_LEN])
{
	return time_format_rfc3339(time_ms, out);
}

/* Common members of a domain or relationship object. */
static json_t *sdo(const struct exporter *x, const char *type, const char *id, int64_t created_ms, int64_t modified_ms)
{
	const struct stix *stix = x->own;
	char created[TIME_TEXT_LEN], modified[TIME_TEXT_LEN];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[s]}", "type", type, "spec_version", "2.1", "id", id, "created_by_ref", stix->self, "created",
			 time_text(created_ms, created), "modified", time_text(modified_ms > created_ms ? modified_ms : created_ms, modified), "object_marking_refs",
			 stix->marking);
}

static bool relate(struct exporter *x, const struct export_item *item, const char *from, const char *how, const char *to, struct error *err)
{
	char id[STIX_ID_LEN], *key = xasprintf("%s %s %s", from, how, to);

	own_id("relationship", key, id);
	free(key);
	json_t *object = sdo(x, "relationship", id, item->first_seen_ms, item->first_seen_ms);
	json_object_set_new(object, "relationship_type", json_string(how));
	json_object_set_new(object, "source_ref", json_string(from));
	json_object_set_new(object, "target_ref", json_string(to));
	return put(x, object, err);
}

/* Identities, techniques and the group do not change: they carry the date of the published analysis. */
#define FIXED_MS INT64_C(1669852800000)      /* 2022-12-01 */

static bool put_identity(struct exporter *x, const char *name, const char *class_name, char id[STIX_ID_LEN], struct error *err)
{
	char *key = xasprintf("%s|%s", class_name, name);

	own_id("identity", key, id);
	free(key);
	json_t *object = sdo(x, "identity", id, FIXED_MS, FIXED_MS);
	json_object_set_new(object, "name", gather_text(name));
	json_object_set_new(object, "identity_class", json_string(class_name));
	return put(x, object, err);
}

static bool put_technique(struct exporter *x, const char *technique, char id[STIX_ID_LEN], struct error *err)
{
	const char *name = technique;
	size_t base_len = strcspn(technique, ".");
	/* a sub-technique is a path of its own: T1583.001 is .../T1583/001 */
	char *url = xasprintf("https://attack.mitre.org/techniques/%.*s%s%s", (int)base_len, technique, technique[base_len] != '\0' ? "/" : "",
			      technique[base_len] != '\0' ? technique + base_len + 1 : "");

	for (size_t i = 0; i < ARRAY_LEN(TECHNIQUES); i++)
		if (strcmp(TECHNIQUES[i].id, technique) == 0)
			name = TECHNIQUES[i].name;
	own_id("attack-pattern", technique, id);
	json_t *object = sdo(x, "attack-pattern", id, FIXED_MS, FIXED_MS);
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "external_references", json_pack("[{s:s, s:s, s:s}]", "source_name", "mitre-attack", "external_id", technique, "url", url));
	free(url);
	return put(x, object, err);
}

static bool put_intrusion_set(struct exporter *x, const json_t *actor, char id[STIX_ID_LEN], struct error *err)
{
	const char *name = json_string_value(json_object_get(actor, "name"));

	own_id("intrusion-set", name, id);
	json_t *object = sdo(x, "intrusion-set", id, FIXED_MS, FIXED_MS);
	json_object_set_new(object, "name", json_string(name));
	if (json_array_size(json_object_get(actor, "overlaps")) > 0)
		json_object_set(object, "aliases", json_object_get(actor, "overlaps"));
	return put(x, object, err);
}

static bool stix_begin(struct exporter *x, struct error *err)
{
	struct stix *stix = xcalloc(1, sizeof(*stix));
	const char *tlp = x->options->tlp != NULL ? x->options->tlp : "amber";
	char bundle[STIX_ID_LEN], self[STIX_ID_LEN];

	x->own = stix;
	stix->first = true;
	for (size_t i = 0; i < ARRAY_LEN(TLP); i++)
		if (strcmp(TLP[i].name, tlp) == 0)
			stix->marking = TLP[i].id;
	if (stix->marking == NULL) {
		free(stix);
		return error_set(err, ERR_USAGE, "the marking is clear, green, amber or red, not '%s'", tlp);
	}
	own_id("identity", "system|ctwatch", stix->self);
	own_id("bundle", "ctwatch", bundle);
	fprintf(x->out, "{\"type\":\"bundle\",\"id\":\"%s\",\"objects\":[", bundle);
	return put_identity(x, "ctwatch", "system", self, err);
}

/* ---- one finding ---------------------------------------------------------------------------------------------- */

static bool put_name(struct exporter *x, const struct export_item *item, char id[STIX_ID_LEN], struct error *err)
{
	const struct stix *stix = x->own;
	const char *type = !item->is_address ? "domain-name" : item->is_ipv6 ? "ipv6-addr" : "ipv4-addr";

	observable_id(type, json_pack("{s:s}", "value", item->name), id);
	return put(x, json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "type", type, "spec_version", "2.1", "id", id, "value", item->name, "object_marking_refs", stix->marking), err);
}

struct certificates {
	struct exporter *x;
	json_t *refs;
	bool ok;
	struct error *err;
};

static bool put_certificate(void *ctx, const struct state_certificate *certificate)
{
	struct certificates *c = ctx;
	const struct stix *stix = c->x->own;
	char id[STIX_ID_LEN], sha256[2 * HASH_LEN + 1], time[TIME_TEXT_LEN];
	const char *serial = certificate->serial != NULL && utf8_valid(slice_text(certificate->serial)) ? certificate->serial : NULL;

	hex_encode(certificate->sha256.bytes, HASH_LEN, sha256);
	observable_id("x509-certificate", json_pack("{s:{s:s}, s:s*}", "hashes", "SHA-256", sha256, "serial_number", serial), id);
	json_t *object = json_pack("{s:s, s:s, s:s, s:{s:s}, s:[s]}", "type", "x509-certificate", "spec_version", "2.1", "id", id, "hashes", "SHA-256", sha256,
				   "object_marking_refs", stix->marking);
	/* what is unknown is left out, not null */
	if (serial != NULL)
		json_object_set_new(object, "serial_number", json_string(serial));
	if (certificate->issuer != NULL)
		json_object_set_new(object, "issuer", gather_text(certificate->issuer));
	json_object_set_new(object, "validity_not_before", json_string(time_text(certificate->not_before_ms, time)));
	json_object_set_new(object, "validity_not_after", json_string(time_text(certificate->not_after_ms, time)));
	json_array_append_new(c->refs, json_string(id));
	c->ok = put(c->x, object, c->err);
	return c->ok && json_array_size(c->refs) <= CERTIFICATES_MAX;
}

/* The name and its certificates as they were seen in the logs: observed-data, and a sighting of the indicator. */
static bool put_observed(struct exporter *x, const struct export_item *item, const char *name_id, const char *indicator, struct error *err)
{
	char id[STIX_ID_LEN], first[TIME_TEXT_LEN], last[TIME_TEXT_LEN];
	json_t *refs = json_pack("[s]", name_id);
	struct certificates certificates = { x, refs, true, err };
	bool ok = state_each_certificate(x->state, item->id, put_certificate, &certificates, err) && certificates.ok;

	own_id("observed-data", item->id, id);
	json_t *observed = sdo(x, "observed-data", id, item->first_seen_ms, item->last_seen_ms);
	json_object_set_new(observed, "first_observed", json_string(time_text(item->first_seen_ms, first)));
	json_object_set_new(observed, "last_observed", json_string(time_text(item->last_seen_ms, last)));
	uint64_t count = item->finding->sighting_count;
	json_object_set_new(observed, "number_observed", json_integer(count == 0 ? 1 : count > 999999999 ? 999999999 : (json_int_t)count));
	json_object_set_new(observed, "object_refs", refs);
	if (!ok || !put(x, observed, err)) {
		if (!ok)
			json_decref(observed);
		return false;
	}

	char sighting_id[STIX_ID_LEN];
	own_id("sighting", item->id, sighting_id);
	json_t *sighting = sdo(x, "sighting", sighting_id, item->first_seen_ms, item->last_seen_ms);
	json_object_set_new(sighting, "first_seen", json_string(first));
	json_object_set_new(sighting, "last_seen", json_string(last));
	json_object_set_new(sighting, "count", json_integer(count == 0 ? 1 : count > 999999999 ? 999999999 : (json_int_t)count));
	json_object_set_new(sighting, "sighting_of_ref", json_string(indicator));
	json_object_set_new(sighting, "observed_data_refs", json_pack("[s]", id));
	return put(x, sighting, err) && relate(x, item, indicator, "based-on", id, err);
}

/* A string literal of a STIX pattern: \ and ' are escaped (section 9.6). Names hold neither, but nothing relies on it. */
static char *pattern_of(const struct export_item *item)
{
	struct buf out;

	buf_init(&out, 4096);
	buf_printf(&out, "[%s:value = '", !item->is_address ? "domain-name" : item->is_ipv6 ? "ipv6-addr" : "ipv4-addr");
	for (const char *c = item->name; *c != '\0'; c++) {
		if (*c == '\\' || *c == '\'')
			buf_append_byte(&out, '\\');
		buf_append_byte(&out, (uint8_t)*c);
	}
	buf_append_text(&out, "']");
	char *pattern = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return pattern;
}

static bool put_indicator(struct exporter *x, const struct export_item *item, char id[STIX_ID_LEN], struct error *err)
{
	bool sure = item->confirmed || item->published;
	char from[TIME_TEXT_LEN], until[TIME_TEXT_LEN], *pattern = pattern_of(item);
	char *text = xasprintf("%s, rule %s, score %d; %s. The name was found in Certificate Transparency logs; what it is for is an analyst's to say.",
			       item->kind, item->rule, item->score, item->published ? "published" : item->status);

	own_id("indicator", item->id, id);
	json_t *object = sdo(x, "indicator", id, item->first_seen_ms, item->changed_ms);
	json_object_set_new(object, "name", json_string(item->name));
	json_object_set_new(object, "description", gather_text(text));
	json_object_set_new(object, "indicator_types", json_pack("[s]", sure ? "malicious-activity" : "anomalous-activity"));
	json_object_set_new(object, "pattern", json_string(pattern));
	json_object_set_new(object, "pattern_type", json_string("stix"));
	json_object_set_new(object, "valid_from", json_string(time_text(item->first_seen_ms, from)));
	json_object_set_new(object, "valid_until", json_string(time_text(item->expires_ms, until)));
	json_object_set_new(object, "confidence", json_integer(item->confirmed ? 95 : item->published ? 90 : item->score * 6 / 10));
	json_object_set_new(object, "labels", json_pack("[s, s]", item->kind, item->status));
	free(text);
	free(pattern);
	return put(x, object, err);
}

static bool put_context(struct exporter *x, const struct export_item *item, const char *name_id, const char *indicator, struct error *err)
{
	static const char *const observed[] = { "T1583.001", "T1608.003", "T1036" };
	char id[STIX_ID_LEN];

	/* an address is no domain; a published name need not pass for anything */
	size_t first = item->is_address ? 1 : 0, end = strcmp(item->kind, "indicator") == 0 ? ARRAY_LEN(observed) - 1 : ARRAY_LEN(observed);
	for (size_t i = first; i < end; i++)
		if (!put_technique(x, observed[i], id, err) || !relate(x, item, indicator, "indicates", id, err))
			return false;
	if (item->brand != NULL && item->brand[0] != '\0' && (!put_identity(x, item->brand, "organization", id, err) || !relate(x, item, indicator, "related-to", id, err)))
		return false;
	/* not on the strength of a name alone: only after an analyst's word, or that of who published it */
	if ((item->confirmed || item->published) && item->actor != NULL) {
		if (!put_intrusion_set(x, item->actor, id, err) || !relate(x, item, indicator, "indicates", id, err))
			return false;
	}
	own_id("infrastructure", item->id, id);
	json_t *object = sdo(x, "infrastructure", id, item->first_seen_ms, item->changed_ms);
	json_object_set_new(object, "name", json_string(item->name));
	json_object_set_new(object, "infrastructure_types", json_pack("[s]", item->confirmed || item->published ? "phishing" : "unknown"));
	return put(x, object, err) && relate(x, item, id, "consists-of", name_id, err) && relate(x, item, indicator, "indicates", id, err);
}

static bool stix_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	char name_id[STIX_ID_LEN], indicator[STIX_ID_LEN];

	if (!item->is_address && !export_plain_name(item->name)) {
		x->result.left_out++;
		return true;
	}
	return put_name(x, item, name_id, err) && put_indicator(x, item, indicator, err) && (item->finding == NULL || put_observed(x, item, name_id, indicator, err)) && put_context(x, item, name_id, indicator, err);
}

static bool stix_end(struct exporter *x, struct error *err)
{
	struct stix *stix = x->own;

	(void)err;
	fputs("\n]}\n", x->out);
	free(stix);
	x->own = NULL;
	return true;
}

const struct export_format export_stix = {
	.name = "stix",
	.summary = "STIX 2.1 bundle",
	.begin = stix_begin,
	.item = stix_item,
	.end = stix_end,
};
