/* What is exported, in which order; the formats say how. See export.h. */
#include "export.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "rules.h"

#define EXPIRE_MS (INT64_C(90) * 86400000)

extern const struct export_format export_suricata, export_rpz, export_hosts, export_stix, export_misp, export_csv;

const struct export_format *const EXPORT_FORMATS[] = {
	&export_suricata, &export_rpz, &export_hosts, &export_stix, &export_misp, &export_csv, NULL,
};

const struct export_format *export_format_find(const char *name)
{
	for (size_t i = 0; EXPORT_FORMATS[i] != NULL; i++)
		if (strcmp(EXPORT_FORMATS[i]->name, name) == 0)
			return EXPORT_FORMATS[i];
	return NULL;
}

bool export_plain_name(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len == 0 || len > 253)
		return false;
	for (; *name != '\0'; name++) {
		bool plain = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '-' || *name == '_';

		if (*name == '.' ? label == 0 : !plain)
			return false;
		label = *name == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

void uuid_v5(const uint8_t space[16], struct slice text, char out[37])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[33];

	EVP_DigestInit_ex(ctx, EVP_sha1(), NULL);
	EVP_DigestUpdate(ctx, space, 16);
	EVP_DigestUpdate(ctx, text.data, text.len);
	EVP_DigestFinal_ex(ctx, hash, NULL);
	EVP_MD_CTX_free(ctx);
	hash[6] = (uint8_t)(0x50 | (hash[6] & 0x0f));
	hash[8] = (uint8_t)(0x80 | (hash[8] & 0x3f));
	hex_encode(hash, 16, hex);
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* ---- what there is ----------------------------------------------------------------------------------- */

struct running {
	struct exporter *x;
	struct error *err;
	bool ok;
};

static void look_at_name(struct export_item *item)
{
	uint8_t address[16];

	item->is_ipv6 = inet_pton(AF_INET6, item->name, address) == 1;
	item->is_address = item->is_ipv6 || inet_pton(AF_INET, item->name, address) == 1;
}

static bool put(struct exporter *x, const struct export_item *item, struct error *err)
{
	bool sure = item->confirmed || item->published;

	if (item->expires_ms <= x->options->now_ms || (x->format->blocks && !sure && !x->options->unconfirmed)) {
		x->result.left_out++;
		return true;
	}
	uint64_t left_out = x->result.left_out;
	if (!x->format->item(x, item, err))
		return false;
	x->result.written += left_out == x->result.left_out;
	return true;
}

static bool on_finding(void *ctx, const struct finding *finding)
{
	struct running *running = ctx;
	const struct export_options *options = running->x->options;
	struct export_item item = {
		.name = strcmp(finding->kind, "indicator") == 0 || strcmp(finding->kind, "own") == 0 ? finding->name : finding->registrable_domain,
		.confirmed = strcmp(finding->status, "confirmed") == 0,
		.rule = finding->rule,
		.kind = finding->kind,
		.brand = finding->brand,
		.technique = finding->technique,
		.status = finding->status,
		.evidence_json = finding->evidence_json,
		.score = finding->score,
		.first_seen_ms = finding->first_seen_ms,
		.last_seen_ms = finding->last_seen_ms,
		.expires_ms = finding->last_seen_ms + (options->expire_ms > 0 ? options->expire_ms : EXPIRE_MS),
		.finding = finding,
	};

	/* these are no indicators of anybody: an official domain, a watched name, an entry that cannot be read */
	if (strcmp(finding->kind, "own") == 0 || strcmp(finding->kind, "watch") == 0 || strcmp(finding->kind, "unreadable") == 0) {
		running->x->result.left_out++;
		return true;
	}
	memcpy(item.id, finding->id, sizeof(item.id));
	/* a name below a public suffix of others' (x.duckdns.org) is its own registrable domain; a wildcard's star is no name */
	if (strncmp(item.name, "*.", 2) == 0)
		item.name += 2;
	look_at_name(&item);
	running->ok = put(running->x, &item, running->err);
	return running->ok;
}

static bool put_published(struct exporter *x, const char *rule, const char *name, int64_t published_ms, struct error *err)
{
	struct export_item item = {
		.name = name,
		.published = true,
		.rule = rule,
		.kind = "indicator",
		.status = "published",
		.score = 100,
		.first_seen_ms = published_ms,
		.last_seen_ms = published_ms,
		.expires_ms = INT64_MAX,
	};

	finding_id(rule, name, item.id);
	look_at_name(&item);
	return put(x, &item, err);
}

static bool put_names(struct exporter *x, const char *rule, const json_t *names, int64_t published_ms, struct error *err)
{
	json_t *name;
	size_t i;

	json_array_foreach((json_t *)names, i, name)
		if (json_is_string(name) && !put_published(x, rule, json_string_value(name), published_ms, err))
			return false;
	return true;
}

/* The packs that ship with the program carry what was published, with its date. */
static bool put_pack(struct exporter *x, const char *pack_name, struct error *err)
{
	size_t len = 0, i;
	const char *text = rule_pack_text(pack_name, &len);
	json_t *pack = text != NULL ? json_loadb(text, len, 0, NULL) : NULL, *indicators;
	char *rule = xasprintf("indicator/%s", pack_name);
	bool ok = true;

	json_array_foreach(json_object_get(pack, "indicators"), i, indicators) {
		const char *date = json_string_value(json_object_get(indicators, "published"));
		char *day = xasprintf("%s%s", date != NULL ? date : "2022-12-01", date != NULL && strlen(date) == 7 ? "-01" : "");
		int64_t published_ms = 0;

		time_parse_rfc3339(slice_text(day), &published_ms);
		free(day);
		ok = ok && put_names(x, rule, json_object_get(indicators, "domains"), published_ms, err) &&
		     put_names(x, rule, json_object_get(indicators, "addresses"), published_ms, err);
	}
	free(rule);
	json_decref(pack);
	return ok;
}

static bool put_all_published(struct exporter *x, struct error *err)
{
	for (const char *const *name = rule_pack_names(); *name != NULL; name++)
		if (!put_pack(x, *name, err))
			return false;
	return true;
}

bool export_write(struct state *st, const struct export_format *format, const struct export_options *options, FILE *out, struct export_result *result, struct error *err)
{
	struct exporter x = { .format = format, .options = options, .state = st, .out = out };
	struct finding_filter filter = options->filter;
	struct running running = { &x, err, true };

	filter.all = false;
	filter.exclude_dismissed = true;
	bool ok = format->begin(&x, err) && (!options->with_published || put_all_published(&x, err)) &&
		  state_each_finding(st, &filter, on_finding, &running, err) && running.ok && format->end(&x, err);
	if (ok && (fflush(out) != 0 || ferror(out)))
		ok = error_set(err, ERR_FATAL, "the export cannot be written: %s", strerror(errno));
	if (ok)
		*result = x.result;
	return ok;
}
