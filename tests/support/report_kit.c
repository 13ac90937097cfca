/* See report_kit.h. */
#include "report_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEEK_MS (7 * 86400000ll)

const char HOSTILE[] = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>'\"`|*_[a](javascript:alert(3))\\,;\r\n=cmd|' /C calc'!A1\x01\x1b[31m\xff"
		       "\xe2\x80\xae\n# heading\n\n* www.evil-link.example http://evil-link.example/ ${x} {{y}} %s%n";

struct report_options week_options(void)
{
	return (struct report_options){ .since_ms = TEST_NOW_MS - WEEK_MS + 1000, .until_ms = TEST_NOW_MS + 1000, .generated_ms = TEST_NOW_MS + 1000 };
}

struct export_options now_options(void)
{
	return (struct export_options){ .now_ms = TEST_NOW_MS + 1000 };
}

char *report_text(struct state *st, const struct report_options *options, enum report_format format)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct error err;

	assert_non_null(out);
	if (!report_write(st, options, format, out, &err))
		fail_msg("%s", err.text);
	fclose(out);
	/* nothing writes a NUL: what tests see is all there is */
	assert_int_equal(strlen(text), len);
	return text;
}

json_t *report_document(struct state *st, const struct report_options *options)
{
	json_t *document;
	struct error err;

	if (!report_gather(st, options, &document, &err))
		fail_msg("%s", err.text);
	return document;
}

char *export_text(struct state *st, const char *format, const struct export_options *options, struct export_result *result)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct export_result ignored;
	struct error err;

	assert_non_null(out);
	assert_non_null(export_format_find(format));
	if (!export_write(st, export_format_find(format), options, out, result != NULL ? result : &ignored, &err))
		fail_msg("%s", err.text);
	fclose(out);
	assert_int_equal(strlen(text), len);
	return text;
}

void add_finding(struct state *st, struct test_match match, const char *action, char id[FINDING_ID_LEN + 1])
{
	char own[FINDING_ID_LEN + 1];
	struct error err;

	test_add(st, match);
	finding_id(match.rule != NULL ? match.rule : "brand/acme", match.domain != NULL ? match.domain : "acme-login.com", own);
	if (action != NULL && !state_triage(st, own, action, "tester", strcmp(action, "dismissed") == 0 ? "ours" : NULL, TEST_NOW_MS + 500, &err))
		fail_msg("%s", err.text);
	if (id != NULL)
		memcpy(id, own, sizeof(own));
}

size_t count_text(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
		n++;
	return n;
}

void add_hostile(struct state *st)
{
	static const char *const kinds[] = { "indicator", "naming", "brand", "own", "watch", "unreadable" };
	const struct hash log_id = test_hash(77);
	char id[FINDING_ID_LEN + 1], rule[1024], domain[1024], names[64] = "[]";
	struct error err;
	bool opened;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct state_evidence evidence[] = { { .signal = "<b>|E", .detail = HOSTILE, .points = 99, .span_start = 0, .span_end = 4 } };

		snprintf(rule, sizeof(rule), "%s/%s", kinds[i], HOSTILE);
		snprintf(domain, sizeof(domain), "%zu%s.com", i, HOSTILE);
		const struct state_match match = { .rule = rule, .kind = kinds[i], .brand = HOSTILE, .technique = HOSTILE, .name = domain, .registrable_domain = domain, .score = 99,
						   .min_score = 60, .evidence = evidence, .n_evidence = 1, .ruleset_id = HOSTILE };
		const struct state_certificate certificate = { .tbs_sha256 = test_hash(900 + i), .sha256 = test_hash(950 + i), .der = SLICE_LITERAL("\x30\x00"), .issuer = HOSTILE,
							       .subject = HOSTILE, .serial = HOSTILE, .not_before_ms = TEST_NOW_MS, .not_after_ms = TEST_NOW_MS + 1, .names_json = names,
							       .note = HOSTILE };
		const struct state_sighting sighting = { .log_id = log_id, .index = i, .timestamp_ms = TEST_NOW_MS - 1000, .leaf = SLICE_LITERAL("leaf") };

		if (!state_add_match(st, &match, &certificate, &sighting, TEST_NOW_MS, NULL, &err))
			fail_msg("%s", err.text);
		finding_id(rule, domain, id);
		if (i == 1 && !state_triage(st, id, "confirmed", HOSTILE, HOSTILE, TEST_NOW_MS, &err))
			fail_msg("%s", err.text);
		if (i == 2 && !state_triage(st, id, "dismissed", HOSTILE, HOSTILE, TEST_NOW_MS, &err))
			fail_msg("%s", err.text);
	}
	const struct state_log log = { .log_id = log_id, .name = (char *)HOSTILE, .url = (char *)HOSTILE, .log_operator = (char *)HOSTILE, .protocol = (char *)"rfc6962",
				       .lifecycle = (char *)HOSTILE, .added_ms = TEST_NOW_MS - 2 * WEEK_MS, .sunset_ms = INT64_MAX };
	struct state_log unread = log;

	unread.log_id = test_hash(78);
	unread.why_not_read = (char *)HOSTILE;
	if (!state_put_log(st, &log, &err) || !state_put_log(st, &unread, &err) ||
	    !state_open_incident(st, &log_id, "FORK", HOSTILE, "critical", HOSTILE, "{}", TEST_NOW_MS, id, &opened, &err))
		fail_msg("%s", err.text);
	const struct state_event event = { .type = EVENT_TEST, .payload_json = "{}", .subject = HOSTILE };
	if (!state_outbox_add(st, HOSTILE, &event, false, NULL, TEST_NOW_MS, TEST_NOW_MS, &err))
		fail_msg("%s", err.text);
}
