/* A finding as DESIGN.md 5.2 promises it: these members, in this order. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "sql.h"

#define CERTIFICATES_SHOWN 10

/* ---- words ------------------------------------------------------------------------------------------ */

static const char *severity_of(int score)
{
	return score >= 90 ? "critical" : score >= 75 ? "high" : score >= 60 ? "medium" : "low";
}

static bool is_address(const char *name)
{
	return strchr(name, ':') != NULL || strspn(name, "0123456789.") == strlen(name);
}

/*
 * ATT&CK: T1583.001 somebody acquired a domain, T1608.003 and installed a certificate, T1036 that passes for something
 * else. What the actor is reported to do besides (T1598 phishing for information, T1608 stage capabilities) is said only of its
 * published indicators, apart from what is seen here.
 */
static json_t *attack(const char *kind, const char *registrable_domain)
{
	json_t *observed = json_array(), *reported = json_array();
	bool indicator = strcmp(kind, "indicator") == 0, posing = strcmp(kind, "brand") == 0 || strcmp(kind, "naming") == 0;

	if ((indicator || posing) && !is_address(registrable_domain))
		json_array_append_new(observed, json_string("T1583.001"));
	if (indicator || posing)
		json_array_append_new(observed, json_string("T1608.003"));
	if (posing)
		json_array_append_new(observed, json_string("T1036"));
	if (indicator) {
		json_array_append_new(reported, json_string("T1036"));
		json_array_append_new(reported, json_string("T1598"));
		json_array_append_new(reported, json_string("T1608"));
	}
	json_t *both = json_object();

	json_object_set_new(both, "observed", observed);
	json_object_set_new(both, "reported_for_actor", reported);
	return both;
}

char *finding_attack_json(const char *kind, const char *registrable_domain)
{
	json_t *both = attack(kind, registrable_domain);
	char *text = json_dumps(both, JSON_COMPACT);

	json_decref(both);
	return text;
}

/* ---- certificates ------------------------------------------------------------------------------------ */

static json_t *array_of(const char *text)
{
	json_t *value = text != NULL ? json_loads(text, 0, NULL) : NULL;

	if (json_is_array(value))
		return value;
	json_decref(value);
	return json_array();
}

static bool sightings_json(struct state *st, int64_t certificate_no, json_t **out, struct error *err)
{
	struct rows rows = ROWS(st, SQL_SIGHTING_SUMMARY, INT(certificate_no));
	json_t *list = json_array();

	while (rows_next(&rows)) {
		json_t *sighting = json_object(), *log = json_object();
		struct hash id = { 0 };

		rows_hash(&rows, 0, &id);
		json_object_set_new(log, "id", json_log_id(&id));
		json_object_set_new(log, "name", json_text(rows_text(&rows, 3)));
		json_object_set_new(log, "url", json_text(rows_text(&rows, 4)));
		json_object_set_new(sighting, "log", log);
		json_object_set_new(sighting, "index", json_integer(rows_int(&rows, 1)));
		json_object_set_new(sighting, "timestamp", json_time(rows_int(&rows, 2)));
		if (rows_int(&rows, 5) != 0)
			json_object_set_new(sighting, "withdrawn", json_time(rows_int(&rows, 5)));
		json_array_append_new(list, sighting);
	}
	if (!rows_close(&rows, err)) {
		json_decref(list);
		return false;
	}
	*out = list;
	return true;
}

/* Columns as in CERTIFICATE_EACH_OF. */
static bool certificate_json(struct state *st, const struct rows *rows, json_t **out, struct error *err)
{
	struct hash tbs = { 0 }, whole = { 0 };
	json_t *sightings, *c;

	if (!sightings_json(st, rows_int(rows, 14), &sightings, err))
		return false;
	rows_hash(rows, 0, &tbs);
	rows_hash(rows, 1, &whole);
	c = json_object();
	json_object_set_new(c, "sha256", json_hex(&whole));
	json_object_set_new(c, "tbs_sha256", json_hex(&tbs));
	json_object_set_new(c, "type", json_string(rows_int(rows, 2) != 0 ? "precert" : "certificate"));
	json_object_set_new(c, "issuer", json_text(rows_text(rows, 5)));
	json_object_set_new(c, "serial", json_text(rows_text(rows, 7)));
	json_object_set_new(c, "not_before", json_time(rows_int(rows, 8)));
	json_object_set_new(c, "not_after", json_time(rows_int(rows, 9)));
	json_object_set_new(c, "names", array_of(rows_text(rows, 10)));
	if (!rows_null(rows, 12))
		json_object_set_new(c, "names_total", json_integer(rows_int(rows, 12)));
	if (!rows_null(rows, 13))
		json_object_set_new(c, "too_large_bytes", json_integer(rows_int(rows, 13)));
	if (!rows_null(rows, 11))
		json_object_set_new(c, "note", json_text(rows_text(rows, 11)));
	json_object_set_new(c, "sightings", sightings);
	*out = c;
	return true;
}

static bool certificates_of(struct state *st, const char *id, size_t limit, json_t **out, struct error *err)
{
	struct rows rows = ROWS(st, SQL_CERTIFICATE_EACH_OF, TEXT(id), INT(limit > 0 && limit < INT64_MAX ? limit : CERTIFICATES_SHOWN));
	json_t *list = json_array(), *certificate;
	bool ok = true;

	while (ok && rows_next(&rows)) {
		ok = certificate_json(st, &rows, &certificate, err);
		if (ok)
			json_array_append_new(list, certificate);
	}
	struct error ignored;

	ok = ok ? rows_close(&rows, err) : (rows_close(&rows, &ignored), false);
	if (!ok) {
		json_decref(list);
		return false;
	}
	*out = list;
	return true;
}

bool state_finding_certificates_json(struct state *st, const char *id, size_t limit, char **json, struct error *err)
{
	json_t *list;

	if (!certificates_of(st, id, limit, &list, err))
		return false;
	*json = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return true;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

bool state_finding_json(struct state *st, const struct finding *f, char **json, struct error *err)
{
	json_t *certificates, *o;

	if (!certificates_of(st, f->id, CERTIFICATES_SHOWN, &certificates, err))
		return false;
	o = json_object();
	json_object_set_new(o, "id", json_string(f->id));
	json_object_set_new(o, "name", json_text(f->name));
	json_object_set_new(o, "registrable_domain", json_text(f->registrable_domain));
	json_object_set_new(o, "rule", json_text(f->rule));
	json_object_set_new(o, "kind", json_text(f->kind));
	json_object_set_new(o, "brand", json_text(f->brand));
	json_object_set_new(o, "technique", json_text(f->technique));
	json_object_set_new(o, "score", json_integer(f->score));
	json_object_set_new(o, "severity", json_string(severity_of(f->score)));
	json_object_set_new(o, "flagged", json_boolean(f->flagged));
	json_object_set_new(o, "verified", json_boolean(f->verified));
	json_object_set_new(o, "status", json_text(f->status));
	json_object_set_new(o, "evidence", array_of(f->evidence_json));
	json_object_set_new(o, "attack", attack(f->kind, f->registrable_domain));
	json_object_set_new(o, "first_seen", json_time(f->first_seen_ms));
	json_object_set_new(o, "last_seen", json_time(f->last_seen_ms));
	json_object_set_new(o, "certificates", certificates);
	json_object_set_new(o, "certificate_count", json_integer((json_int_t)f->certificate_count));
	/* beyond the members that are always there: new rules found it among kept certificates */
	if (f->found_by_change)
		json_object_set_new(o, "found_by_change", json_true());
	/* the log served it, and its signed tree holds something else there */
	if (f->withdrawn)
		json_object_set_new(o, "withdrawn", json_true());
	*json = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return true;
}
