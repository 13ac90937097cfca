/* See state_fill.h. */
#include "state_fill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGHTINGS_PER_CERTIFICATE 4
#define DAY_MS 86400000ll

static const char *const BRANDS[] = { "Example Bank", "Sample Post", "Specimen Energy", "Model Airways", "Pattern Telecom" };
static const char *const TECHNIQUES[] = { "combosquat", "homoglyph", "tld-swap", "typo", "subdomain" };
static const char *const ISSUERS[] = { "C=US, O=Let's Encrypt, CN=E7", "C=US, O=Let's Encrypt, CN=R12", "C=US, O=Let's Encrypt, CN=E8" };
static const char *const WORDS[] = { "login", "drive", "docs", "mail", "cloud", "verify", "account", "secure", "share", "portal" };

static struct hash number_hash(const char *what, uint64_t n)
{
	const struct slice parts[] = { slice_text(what), slice_of(&n, sizeof(n)) };

	return sha256_parts(parts, 2);
}

char *state_fill_domain(uint64_t number, char out[64])
{
	snprintf(out, 64, "%s-sample-%" PRIu64 ".example", WORDS[number % ARRAY_LEN(WORDS)], number);
	return out;
}

static bool put_logs(struct state *st, const struct state_fill *fill, uint64_t n_logs, struct error *err)
{
	for (uint64_t i = 0; i < n_logs; i++) {
		char name[64], url[64];

		snprintf(name, sizeof(name), "Sample log %" PRIu64, i);
		snprintf(url, sizeof(url), "https://log%" PRIu64 ".example/", i);
		struct state_log log = {
			.log_id = number_hash("log", i),
			.name = name,
			.url = url,
			.log_operator = (char *)(i % 2 == 0 ? "Operator A" : "Operator B"),
			.protocol = (char *)(i % 2 == 0 ? "rfc6962" : "static-ct-api"),
			.lifecycle = (char *)"usable",
			.added_ms = fill->since_ms,
			.sunset_ms = INT64_MAX,
		};
		if (!state_put_log(st, &log, err) || !state_set_start(st, &log.log_id, 0, err))
			return false;
	}
	return true;
}

static bool put_counters(struct state *st, const struct state_fill *fill, uint64_t n_logs, struct error *err)
{
	for (uint64_t i = 0; i < n_logs; i++) {
		const struct hash log_id = number_hash("log", i);

		for (int64_t day = fill->since_ms; day < fill->until_ms; day += DAY_MS) {
			struct state_counters c = { .entries = 1000000, .lets_encrypt = 550000, .verified = 999000, .matched = 3, .n_bytes = 1300000000 };

			c.delay[5] = 900000;
			c.delay[7] = 99000;
			c.delay[10] = 1000;
			c.last_entry_ms = day;
			if (!state_add_counters(st, &log_id, day, &c, err))
				return false;
		}
	}
	return true;
}

/* One sighting: number `s` of finding `f`. */
static bool put_sighting(struct state *st, const struct state_fill *fill, uint64_t n_logs, uint64_t f, uint64_t s, struct error *err)
{
	static const uint8_t bytes[1300];
	const uint64_t certificate = f * 1000000 + s / SIGHTINGS_PER_CERTIFICATE;
	const int64_t span = fill->until_ms - fill->since_ms;
	const int64_t logged = fill->since_ms + (int64_t)((double)span * (double)f / (double)fill->n_findings) + (int64_t)s * 1000;
	const int score = 45 + (int)(f * 7 % 56);
	char domain[64], name[96], names[256], serial[40];
	struct slice der = { bytes, fill->small ? 8 : sizeof(bytes) };

	state_fill_domain(f, domain);
	snprintf(name, sizeof(name), "%s.%s", WORDS[s % ARRAY_LEN(WORDS)], domain);
	snprintf(names, sizeof(names), "[\"%s\",\"%s\"]", domain, name);
	snprintf(serial, sizeof(serial), "03%016" PRIx64, certificate);
	const struct state_evidence evidence[] = {
		{ .signal = "E2", .detail = "term \"sample\" is the brand; the other one is a service word", .points = score, .span_start = 6, .span_end = 12 },
	};
	const struct state_match match = {
		.rule = f % 3 == 0 ? "naming/sample" : "brand/sample",
		.kind = f % 3 == 0 ? "naming" : "brand",
		.brand = f % 3 == 0 ? NULL : BRANDS[f % ARRAY_LEN(BRANDS)],
		.technique = TECHNIQUES[f % ARRAY_LEN(TECHNIQUES)],
		.name = name,
		.registrable_domain = domain,
		.score = score,
		.min_score = 60,
		.evidence = evidence,
		.n_evidence = 1,
		.ruleset_id = "0000000000000000",
	};
	const struct state_certificate c = {
		.tbs_sha256 = number_hash("tbs", certificate),
		.sha256 = number_hash("sha256", certificate),
		.precert = s % 2 == 0,
		.der = der,
		.issuer = ISSUERS[certificate % ARRAY_LEN(ISSUERS)],
		.subject = "",
		.serial = serial,
		.not_before_ms = logged - 3600000,
		.not_after_ms = logged + 90 * DAY_MS,
		.names_json = names,
	};
	const struct state_sighting sighting = {
		.log_id = number_hash("log", s % n_logs),
		.index = f * 1000 + s,
		.timestamp_ms = logged,
		.leaf = der,
		.verified = f % 10 != 0,
	};
	return state_add_match(st, &match, &c, &sighting, logged + 20000 + (int64_t)(f % 100) * 1000, NULL, err);
}

static bool put_findings(struct state *st, const struct state_fill *fill, uint64_t n_logs, struct error *err)
{
	const uint64_t per_commit = fill->matches_per_commit != 0 ? fill->matches_per_commit : 500;
	uint64_t n = 0;

	for (uint64_t f = 0; f < fill->n_findings; f++) {
		for (uint64_t s = 0; s < fill->sightings_per_finding; s++, n++) {
			if (n % per_commit == 0 && ((n > 0 && !state_commit(st, err)) || !state_begin(st, err)))
				return false;
			if (!put_sighting(st, fill, n_logs, f, s, err))
				return false;
		}
	}
	return n == 0 || state_commit(st, err);
}

bool state_fill(struct state *st, const struct state_fill *fill, struct error *err)
{
	const uint64_t n_logs = fill->n_logs != 0 ? fill->n_logs : 8;

	if (!state_begin(st, err))
		return false;
	if (!put_logs(st, fill, n_logs, err) || !put_counters(st, fill, n_logs, err) || !state_commit(st, err)) {
		state_abort(st);
		return false;
	}
	if (put_findings(st, fill, n_logs, err))
		return true;
	state_abort(st);
	return false;
}
