/* Which listed logs are read: shared/spec/ct-protocols.md 3.4, and what the configuration includes and excludes. */
#include "lists.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "guard.h"

/* How long a shard is read after its last certificate has expired, and a log after no list names it any more. */
#define AFTERLIFE_MS (30LL * 24 * 3600 * 1000)

static const char *without_scheme(const char *url)
{
	const char *at = strstr(url, "://");

	return at == NULL ? url : at + 3;
}

static bool matches(const struct listed_log *log, const char *pattern)
{
	char id[BASE64_LEN(HASH_LEN) + 1];

	base64_encode(log->log_id.bytes, HASH_LEN, id);
	return glob_match(pattern, log->description) || glob_match(pattern, log->log_operator) || glob_match(pattern, log->url) ||
	       glob_match(pattern, without_scheme(log->url)) || strcmp(pattern, id) == 0;
}

static const char *matching(const struct listed_log *log, const struct string_list *patterns, bool beside_star)
{
	for (size_t i = 0; i < patterns->n; i++)
		if ((!beside_star || strcmp(patterns->items[i], "*") != 0) && matches(log, patterns->items[i]))
			return patterns->items[i];
	return NULL;
}

bool lists_pattern_matches(const struct log_list *list, const char *pattern)
{
	for (size_t i = 0; i < list->n_logs; i++)
		if (matches(&list->logs[i], pattern))
			return true;
	return false;
}

static const char *day(int64_t time_ms, char out[TIME_TEXT_LEN])
{
	time_format_rfc3339(time_ms, out);
	out[10] = '\0';
	return out;
}

static bool say(struct follow_decision *out, enum follow_how how, const char *why)
{
	out->how = how;
	snprintf(out->why, sizeof(out->why), "%s", why);
	return true;
}

static bool decide_departed(const struct listed_log *log, int64_t now_ms, struct follow_decision *out)
{
	char until[TIME_TEXT_LEN];
	int64_t end = log->interval_end_ms != INT64_MAX ? log->interval_end_ms : log->lifecycle_since_ms;

	if ((log->sources & LISTS_SOURCE_DEPARTED) == 0)
		return false;
	if (end + AFTERLIFE_MS < now_ms)
		return say(out, FOLLOW_NOT, "no list names it any more");
	out->how = FOLLOW_READ_OUT;
	snprintf(out->why, sizeof(out->why), "no list names it any more; read until %s", day(end + AFTERLIFE_MS, until));
	return true;
}

/* A shard whose certificates have all expired. */
static bool decide_ended(const struct listed_log *log, int64_t now_ms, struct follow_decision *out)
{
	char ended[TIME_TEXT_LEN];

	if (log->interval_end_ms == INT64_MAX || log->interval_end_ms > now_ms)
		return false;
	bool over = log->interval_end_ms + AFTERLIFE_MS < now_ms;
	out->how = over ? FOLLOW_NOT : FOLLOW_READ_OUT;
	snprintf(out->why, sizeof(out->why), over ? "all its certificates expired by %s" : "its interval ended on %s; what is left is read",
		 day(log->interval_end_ms, ended));
	return true;
}

static bool decide_lifecycle(const struct listed_log *log, struct follow_decision *out)
{
	switch (log->lifecycle) {
	case LIFECYCLE_USABLE:
	case LIFECYCLE_QUALIFIED:
	case LIFECYCLE_PENDING:
	case LIFECYCLE_UNKNOWN:
		return say(out, FOLLOW_LIVE, "");
	case LIFECYCLE_READONLY:
		return say(out, FOLLOW_READONLY, "");
	case LIFECYCLE_RETIRED:
		return say(out, FOLLOW_READ_OUT, "retired; read while it answers");
	case LIFECYCLE_REJECTED:
		return say(out, FOLLOW_NOT, "rejected by browsers; name it in logs.include to read it");
	case LIFECYCLE_NONE:
		break;
	}
	if (log->type == LOG_TYPE_TEST)
		return say(out, FOLLOW_NOT, "a test log; name it in logs.include to read it");
	if (log->type == LOG_TYPE_MONITORING_ONLY)
		return say(out, FOLLOW_NOT, "an experiment that browsers do not count; name it in logs.include to read it");
	return say(out, FOLLOW_NOT, "never applied to a browser; name it in logs.include to read it");
}

void lists_decide(const struct listed_log *log, const struct config *config, int64_t now_ms, struct follow_decision *out)
{
	const char *excluded = matching(log, &config->log_exclude, false);
	bool asked_for = matching(log, &config->log_include, true) != NULL;

	*out = (struct follow_decision){ .how = FOLLOW_NOT };
	if (lists_is_decoy(log->url)) {
		say(out, FOLLOW_NOT, "a decoy below example.com");
	} else if (excluded != NULL) {
		snprintf(out->why, sizeof(out->why), "excluded by the configuration (\"%.100s\")", excluded);
	} else if (!asked_for && matching(log, &config->log_include, false) == NULL) {
		say(out, FOLLOW_NOT, "not included by the configuration");
	} else if (!decide_departed(log, now_ms, out) && !decide_ended(log, now_ms, out)) {
		decide_lifecycle(log, out);
	}
	if (out->how == FOLLOW_NOT && asked_for && excluded == NULL && !lists_is_decoy(log->url))
		say(out, FOLLOW_LIVE, "included by name");
}
