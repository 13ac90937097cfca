/*
 * Findings for other tools: Suricata rules, DNS policy zones, hosts files, STIX 2.1, MISP, CSV. Streams: memory does not grow
 * with the number of findings, but for eight bytes a name where a format says each name once.
 *
 * Dismissed findings are never exported. Formats that block (rpz, hosts, Suricata's drop) hold only what an analyst has
 * confirmed, unless asked otherwise; the others say how sure one may be (status, confidence, to_ids).
 */
#ifndef CTWATCH_EXPORT_H
#define CTWATCH_EXPORT_H

#include <stdio.h>

#include <jansson.h>

#include "seen.h"
#include "state.h"

struct export_options {
	struct finding_filter filter;     /* flagged ones, without dismissed, whatever it says */
	bool unconfirmed;                 /* block formats: not only confirmed ones */
	bool with_published;              /* the actor's published domains and addresses as well */
	int64_t now_ms;
	int64_t expire_ms;                /* after last_seen; 0: 90 days */
	const char *action;               /* suricata: "alert" or "drop" */
	uint64_t sid_base, sid_count;     /* suricata: sids come from [base, base + count); 0: 9000000, 1000000 */
	const char *zone;                 /* rpz: origin, "rpz.ctwatch.local" when NULL */
	const char *tlp;                  /* stix, misp: clear, green, amber, red */
};

struct export_result {
	uint64_t written, left_out;       /* left_out: not confirmed, expired, or not expressible in the format */
};

/* One thing to export: a finding, or a published domain or address. Everything is borrowed. */
struct export_item {
	char id[FINDING_ID_LEN + 1];
	const char *name;                 /* DNS name, or address as text */
	bool is_address, is_ipv6;
	bool confirmed, published;
	const char *rule, *kind, *brand, *technique, *status, *evidence_json;
	const json_t *actor;              /* of the pack whose rule it is, {"name", "overlaps"}; NULL: nobody's */
	int score;
	int64_t first_seen_ms, last_seen_ms, expires_ms;
	int64_t changed_ms;               /* last_seen, or the last word of an analyst: what "modified" means */
	const struct finding *finding;    /* NULL for published ones */
};

struct exporter;                          /* export.c */
struct export_format {
	const char *name, *summary;
	bool blocks;                      /* only confirmed ones unless asked otherwise */
	bool once_a_name;                 /* several findings about a name become one item: a confirmed one, then a published one, then the newest */
	bool needs_write;                 /* keeps numbers in the state (sids) */
	bool (*begin)(struct exporter *x, struct error *err);
	bool (*item)(struct exporter *x, const struct export_item *item, struct error *err);
	bool (*end)(struct exporter *x, struct error *err);
};
extern const struct export_format *const EXPORT_FORMATS[];   /* NULL-terminated */
const struct export_format *export_format_find(const char *name);

struct published;
struct exporter {
	const struct export_format *format;
	const struct export_options *options;
	struct state *state;
	FILE *out;
	struct export_result result;
	const struct published *published;
	struct export_seen seen;          /* names, with once_a_name; else for the format */
	void *own;                        /* of the format */
};

/* ERR_USAGE for options that make no sense; ERR_FATAL when `out` cannot be written. */
bool export_write(struct state *, const struct export_format *, const struct export_options *, FILE *out, struct export_result *result, struct error *err);

/* Is this a name that zone files, hosts files and rules can hold: letters, digits, hyphens, underscores and dots, within DNS's lengths? */
bool export_plain_name(const char *name);
/*
 * Names of rules come from packs that anybody may write: for comments and metadata, everything but letters, digits and "-_./" becomes
 * "_", and what is too long is cut. Returns `out`.
 */
#define EXPORT_WORD_LEN 128
char *export_plain_word(const char *text, char out[EXPORT_WORD_LEN]);
/* RFC 4122 version 5 of `text` in a namespace (16 bytes); 36 characters and NUL. */
void uuid_v5(const uint8_t space[16], struct slice text, char out[37]);

#endif
