/*
 * Suricata rules: the DNS query, the server name in a TLS hello, the certificate's subject and serial number, and addresses.
 * Nothing depends on the subject alone: newer Let's Encrypt profiles have none.
 *
 * A rule keeps its sid for as long as the state lives, and its rev rises when its text changes: both are kept as facts
 * ("suricata/<base>/<name>/<part>": "<sid> <rev> <hash of the text>").
 */
#include "export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define SID_BASE 9000000
#define SID_COUNT 1000000
#define SERIALS_MAX 5

static bool suricata_begin(struct exporter *x, struct error *err)
{
	const char *action = x->options->action != NULL ? x->options->action : "alert";
	char made[TIME_TEXT_LEN];

	if (strcmp(action, "alert") != 0 && strcmp(action, "drop") != 0)
		return error_set(err, ERR_USAGE, "the action of a rule is 'alert' or 'drop', not '%s'", action);
	fprintf(x->out, "# made by ctwatch %s at %s\n", CTWATCH_VERSION, time_format_rfc3339(x->options->now_ms, made));
	return true;
}

static uint64_t base_of(const struct exporter *x)
{
	return x->options->sid_base > 0 ? x->options->sid_base : SID_BASE;
}

static uint64_t count_of(const struct exporter *x)
{
	return x->options->sid_count > 0 ? x->options->sid_count : SID_COUNT;
}

/* Next free sid of the range. */
static bool take_sid(struct exporter *x, uint64_t *sid, struct error *err)
{
	const uint64_t base = base_of(x), count = count_of(x);
	char *key = xasprintf("suricata-next/%" PRIu64, base), *text = NULL;
	uint64_t next = 0;

	if (!state_get_fact(x->state, key, &text, err)) {
		free(key);
		return false;
	}
	if (text != NULL)
		uint64_parse(slice_text(text), &next);
	free(text);
	bool ok = next < count || error_set(err, ERR_USAGE, "all %" PRIu64 " sids from %" PRIu64 " on are taken: give a larger range with --sid-count", count, base);
	if (ok) {
		char value[24];

		snprintf(value, sizeof(value), "%" PRIu64, next + 1);
		*sid = base + next;
		ok = state_put_fact(x->state, key, value, err);
	}
	free(key);
	return ok;
}

/* The rule's number and revision, kept; a text that changed gets the next revision. */
static bool number(struct exporter *x, const struct export_item *item, const char *part, struct slice text, uint64_t *sid, uint64_t *rev, struct error *err)
{
	char *key = xasprintf("suricata/%" PRIu64 "/%s/%s", base_of(x), item->name, part), *kept = NULL, hash[2 * HASH_LEN + 1], value[96];
	struct hash digest = sha256(text);
	char kept_hash[17] = "";

	hex_encode(digest.bytes, 8, hash);
	bool ok = state_get_fact(x->state, key, &kept, err);
	if (ok && (kept == NULL || sscanf(kept, "%" SCNu64 " %" SCNu64 " %16s", sid, rev, kept_hash) != 3 || *sid < base_of(x) || *sid - base_of(x) >= count_of(x))) {
		*rev = 0;
		kept_hash[0] = '\0';
		ok = take_sid(x, sid, err);
	}
	if (ok && strcmp(kept_hash, hash) != 0) {
		++*rev;
		snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64 " %s", *sid, *rev, hash);
		ok = state_put_fact(x->state, key, value, err);
	}
	free(kept);
	free(key);
	return ok;
}

/* `conditions` is what stands between the message and the sid. */
static bool rule(struct exporter *x, const struct export_item *item, const char *part, const char *protocol, const char *what, const char *conditions, struct error *err)
{
	const char *action = x->options->action != NULL ? x->options->action : "alert";
	char first[TIME_TEXT_LEN], until[TIME_TEXT_LEN], plain_rule[EXPORT_WORD_LEN];
	struct buf text;
	uint64_t sid, rev;

	/* drop rules hold what was confirmed; the rest stays a warning */
	if (strcmp(action, "drop") == 0 && !item->confirmed && !item->published && !x->options->unconfirmed)
		action = "alert";
	export_plain_word(item->rule, plain_rule);
	buf_init(&text, 16384);
	buf_printf(&text, "%s %s (msg:\"ctwatch %s %s\"; %s classtype:bad-unknown; metadata:ctwatch_id %s, ctwatch_rule %s, ctwatch_status %s, confidence %s, created_at %.10s, expires_at %.10s;",
		   action, protocol, what, item->name, conditions, item->id, plain_rule, item->status, item->score >= 90 ? "High" : item->score >= 75 ? "Medium" : "Low",
		   time_format_rfc3339(item->first_seen_ms, first), time_format_rfc3339(item->expires_ms, until));
	bool ok = number(x, item, part, buf_slice(&text), &sid, &rev, err);
	if (ok)
		fprintf(x->out, "%s sid:%" PRIu64 "; rev:%" PRIu64 ";)\n", buf_text(&text), sid, rev);
	buf_deinit(&text);
	return ok;
}

/* "03AB..." as "03:AB:..": Suricata's way of writing a serial number. */
static bool serial_text(const char *hex, char *out, size_t out_len)
{
	size_t used = 0, len = strlen(hex);

	if (len == 0 || len % 2 != 0 || len / 2 * 3 + 1 > out_len)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		for (size_t k = 0; k < 2; k++) {
			char c = hex[i + k];

			if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
				return false;
			out[used++] = c >= 'a' ? (char)(c - 'a' + 'A') : c;
		}
		out[used++] = ':';
	}
	out[used - 1] = '\0';
	return true;
}

static bool serial_rules(struct exporter *x, const struct export_item *item, struct error *err)
{
	char *json = NULL, serial[200], part[32], conditions[512];
	json_t *certificates, *certificate;
	size_t i;
	bool ok = true;

	if (item->finding == NULL)
		return true;
	if (!state_finding_certificates_json(x->state, item->id, SERIALS_MAX, &json, err))
		return false;
	certificates = json_loads(json, 0, NULL);
	free(json);
	json_array_foreach(certificates, i, certificate) {
		const char *hex = json_string_value(json_object_get(certificate, "serial"));

		if (hex == NULL || !serial_text(hex, serial, sizeof(serial)) || !ok)
			continue;
		snprintf(part, sizeof(part), "serial/%.16s", hex + (strlen(hex) > 16 ? strlen(hex) - 16 : 0));
		snprintf(conditions, sizeof(conditions), "flow:established,to_client; tls.cert_serial; content:\"%s\";", serial);
		ok = rule(x, item, part, "tls any any -> any any", "certificate for", conditions, err);
	}
	json_decref(certificates);
	return ok;
}

static bool address_rules(struct exporter *x, const struct export_item *item, struct error *err)
{
	char header[128];

	snprintf(header, sizeof(header), "ip any any -> %s%s%s any", item->is_ipv6 ? "[" : "", item->name, item->is_ipv6 ? "]" : "");
	return rule(x, item, "ip", header, "address", "threshold:type limit, track by_src, count 1, seconds 3600;", err);
}

static bool suricata_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	char conditions[1024];

	if (item->is_address)
		return address_rules(x, item, err);
	if (!export_plain_name(item->name)) {
		x->result.left_out++;
		return true;
	}
	/* dotprefix and endswith: the name itself and everything below it, nothing beside it */
	snprintf(conditions, sizeof(conditions), "dns.query; dotprefix; content:\".%s\"; nocase; endswith;", item->name);
	if (!rule(x, item, "dns", "dns any any -> any any", "DNS query for", conditions, err))
		return false;
	snprintf(conditions, sizeof(conditions), "flow:established,to_server; tls.sni; dotprefix; content:\".%s\"; nocase; endswith;", item->name);
	if (!rule(x, item, "sni", "tls any any -> any any", "TLS to", conditions, err))
		return false;
	snprintf(conditions, sizeof(conditions), "flow:established,to_client; tls.cert_subject; content:\"CN=%s\"; nocase; endswith;", item->name);
	return rule(x, item, "subject", "tls any any -> any any", "certificate subject", conditions, err) && serial_rules(x, item, err);
}

static bool suricata_end(struct exporter *x, struct error *err)
{
	(void)x, (void)err;
	return true;
}

const struct export_format export_suricata = {
	.name = "suricata",
	.summary = "rules for Suricata 6 and later",
	.once_a_name = true,
	.needs_write = true,
	.begin = suricata_begin,
	.item = suricata_item,
	.end = suricata_end,
};
