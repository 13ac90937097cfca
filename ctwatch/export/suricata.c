/*
 * Suricata rules: the DNS query, the server name in a TLS hello, the certificate's subject and serial number, and addresses.
 * Nothing depends on the subject alone: newer Let's Encrypt profiles have none.
 *
 * A rule keeps its sid for as long as the state lives, and its rev rises when its text changes: see export_numbers.h.
 */
#include "export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"

#define SID_BASE 9000000
#define SID_COUNT 1000000
#define SERIALS_MAX 5

static bool suricata_begin(struct exporter *x, struct error *err)
{
	const char *action = x->options->action != NULL ? x->options->action : "alert";
	char made[TIME_TEXT_LEN];

	if (strcmp(action, "alert") != 0 && strcmp(action, "drop") != 0)
		return error_set(err, ERR_USAGE, "the action of a rule is 'alert' or 'drop', not '%s'", action);
	struct numbers *numbers = xcalloc(1, sizeof(*numbers));
	if (!numbers_start(numbers, x->state, x->options->sid_base > 0 ? x->options->sid_base : SID_BASE, x->options->sid_count > 0 ? x->options->sid_count : SID_COUNT, err)) {
		numbers_end(numbers);
		free(numbers);
		return false;
	}
	x->own = numbers;
	fprintf(x->out, "# made by ctwatch %s at %s\n", CTWATCH_VERSION, time_format_rfc3339(x->options->now_ms, made));
	return true;
}

/* `conditions` is what stands between the message and the sid. */
static bool rule(struct exporter *x, const struct export_item *item, const char *part, const char *protocol, const char *what, const char *conditions, struct error *err)
{
	const char *action = x->options->action != NULL ? x->options->action : "alert";
	char first[TIME_TEXT_LEN], until[TIME_TEXT_LEN], plain_rule[EXPORT_WORD_LEN];
	struct buf text;
	uint64_t sid, rev;
	bool repeated;

	/* drop rules hold what was confirmed; the rest stays a warning */
	if (strcmp(action, "drop") == 0 && !item->confirmed && !item->published && !x->options->unconfirmed)
		action = "alert";
	export_plain_word(item->rule, plain_rule);
	buf_init(&text, 16384);
	buf_printf(&text, "%s %s (msg:\"ctwatch %s %s\"; %s classtype:bad-unknown; metadata:ctwatch_id %s, ctwatch_rule %s, ctwatch_status %s, confidence %s, created_at %.10s, expires_at %.10s;",
		   action, protocol, what, item->name, conditions, item->id, plain_rule, item->status, item->score >= 90 ? "High" : item->score >= 75 ? "Medium" : "Low",
		   time_format_rfc3339(item->first_seen_ms, first), time_format_rfc3339(item->expires_ms, until));
	bool ok = numbers_of(x->own, part, buf_slice(&text), &sid, &rev, &repeated, err);
	if (ok && !repeated)
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

struct serials {
	struct exporter *x;
	const struct export_item *item;
	size_t n;
	bool ok;
	struct error *err;
};

static bool serial_rule(void *ctx, const struct state_certificate *certificate)
{
	struct serials *s = ctx;
	char serial[200], part[32], conditions[512];
	const char *hex = certificate->serial;

	if (hex != NULL && serial_text(hex, serial, sizeof(serial))) {
		snprintf(part, sizeof(part), "serial/%.16s", hex + (strlen(hex) > 16 ? strlen(hex) - 16 : 0));
		snprintf(conditions, sizeof(conditions), "flow:established,to_client; tls.cert_serial; content:\"%s\";", serial);
		s->ok = rule(s->x, s->item, part, "tls any any -> any any", "certificate for", conditions, s->err);
	}
	return s->ok && ++s->n < SERIALS_MAX;
}

static bool serial_rules(struct exporter *x, const struct export_item *item, struct error *err)
{
	struct serials serials = { x, item, 0, true, err };

	return item->finding == NULL || (state_each_certificate(x->state, item->id, serial_rule, &serials, err) && serials.ok);
}

static bool address_rules(struct exporter *x, const struct export_item *item, struct error *err)
{
	char header[128];

	snprintf(header, sizeof(header), "ip any any -> %s%s%s any", item->is_ipv6 ? "[" : "", item->name, item->is_ipv6 ? "]" : "");
	return rule(x, item, "ip", header, "address", "threshold:type limit, track by_src, count 1, seconds 3600;", err);
}

static bool name_rules(struct exporter *x, const struct export_item *item, struct error *err)
{
	char conditions[1024];

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

static bool suricata_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	if (!item->is_address && !export_plain_name(item->name)) {
		x->result.left_out++;
		return true;
	}
	return numbers_begin(x->own, item->name, err) && (item->is_address ? address_rules(x, item, err) : name_rules(x, item, err)) && numbers_keep(x->own, err);
}

static bool suricata_end(struct exporter *x, struct error *err)
{
	(void)err;
	numbers_end(x->own);
	free(x->own);
	x->own = NULL;
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
