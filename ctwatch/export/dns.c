/*
 * Name servers and hosts files: what a resolver blocks.
 *
 * A response policy zone (RPZ, draft-vixie-dnsop-dns-rpz): "CNAME ." answers that the name does not exist, for the name and
 * everything below it; an address is a trigger of its own. Dates stand in comments, since zones have no place for them.
 */
#include "export.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#define DEFAULT_ZONE "rpz.ctwatch.local"

static void comment(struct exporter *x, char mark, const struct export_item *item)
{
	char first[TIME_TEXT_LEN], until[TIME_TEXT_LEN], rule[EXPORT_WORD_LEN];

	fprintf(x->out, "%c %s, score %d, %s, first seen %.10s, until %.10s\n", mark, export_plain_word(item->rule, rule), item->score, item->status,
		time_format_rfc3339(item->first_seen_ms, first), time_format_rfc3339(item->expires_ms, until));
}

/* ---- RPZ ------------------------------------------------------------------------------------------------- */

#define RPZ_ZONE_MAX 180         /* of 253: addresses take up to 60, and most names fit into what is left */

static bool rpz_begin(struct exporter *x, struct error *err)
{
	const char *zone = x->options->zone != NULL ? x->options->zone : DEFAULT_ZONE;
	char made[TIME_TEXT_LEN];

	if (!export_plain_name(zone))
		return error_set(err, ERR_USAGE, "the zone '%s' is no DNS name", zone);
	if (strlen(zone) > RPZ_ZONE_MAX)
		return error_set(err, ERR_USAGE, "the zone's name of %zu characters leaves no room for the names in it; give one of at most %d", strlen(zone),
				 RPZ_ZONE_MAX);
	/* the serial rises with time; seconds fit 32 bits until 2106 */
	fprintf(x->out,
		"; made by ctwatch %s at %s\n$TTL 300\n$ORIGIN %s.\n@ IN SOA localhost. hostmaster.localhost. ( %" PRIu32 " 3600 600 604800 300 )\n@ IN NS localhost.\n",
		CTWATCH_VERSION, time_format_rfc3339(x->options->now_ms, made), zone, (uint32_t)(x->options->now_ms / 1000));
	return true;
}

/* 192.0.2.1 is 32.1.2.0.192.rpz-ip; 2001:db8::1 is 128.1.zz.db8.2001.rpz-ip. */
static void rpz_address(struct exporter *x, const struct export_item *item)
{
	uint8_t a[16];

	if (!item->is_ipv6) {
		inet_pton(AF_INET, item->name, a);
		fprintf(x->out, "32.%u.%u.%u.%u.rpz-ip CNAME .\n", a[3], a[2], a[1], a[0]);
		return;
	}
	inet_pton(AF_INET6, item->name, a);
	fputs("128", x->out);
	/* all eight groups, none shortened: valid, and simple to check */
	for (int group = 7; group >= 0; group--)
		fprintf(x->out, ".%x", (unsigned)(a[2 * group] << 8 | a[2 * group + 1]));
	fputs(".rpz-ip CNAME .\n", x->out);
}

static bool rpz_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	size_t room = 253 - strlen(x->options->zone != NULL ? x->options->zone : DEFAULT_ZONE) - 3;

	(void)err;
	if (!item->is_address && (!export_plain_name(item->name) || strlen(item->name) > room)) {
		x->result.left_out++;
		return true;
	}
	comment(x, ';', item);
	if (item->is_address)
		rpz_address(x, item);
	else
		fprintf(x->out, "%s CNAME .\n*.%s CNAME .\n", item->name, item->name);
	return true;
}

static bool nothing(struct exporter *x, struct error *err)
{
	(void)x, (void)err;
	return true;
}

const struct export_format export_rpz = {
	.name = "rpz",
	.summary = "response policy zone for BIND, Unbound, Knot, PowerDNS",
	.blocks = true,
	.once_a_name = true,
	.begin = rpz_begin,
	.item = rpz_item,
	.end = nothing,
};

/* ---- hosts -------------------------------------------------------------------------------------------------- */

static bool hosts_begin(struct exporter *x, struct error *err)
{
	char made[TIME_TEXT_LEN];

	(void)err;
	fprintf(x->out, "# made by ctwatch %s at %s; a hosts file blocks no names below these\n", CTWATCH_VERSION, time_format_rfc3339(x->options->now_ms, made));
	return true;
}

static bool hosts_item(struct exporter *x, const struct export_item *item, struct error *err)
{
	(void)err;
	if (item->is_address || !export_plain_name(item->name)) {
		x->result.left_out++;
		return true;
	}
	comment(x, '#', item);
	fprintf(x->out, "0.0.0.0 %s\n", item->name);
	if (strlen(item->name) <= 249)
		fprintf(x->out, "0.0.0.0 www.%s\n", item->name);
	return true;
}

const struct export_format export_hosts = {
	.name = "hosts",
	.summary = "hosts file",
	.blocks = true,
	.once_a_name = true,
	.begin = hosts_begin,
	.item = hosts_item,
	.end = nothing,
};
