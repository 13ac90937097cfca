/* See clock.h. */
#include "clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

#define LOOK_MS 60000
#define DAY_MS INT64_C(86400000)
/* After a start the logs are to answer first: a heartbeat should have something to say, and what was logged meanwhile is to be read. */
#define HEARTBEAT_WARM_UP_MS (INT64_C(10) * 60000)
#define CANARY_WARM_UP_MS (INT64_C(60) * 60000)

struct clock {
	int64_t started_ms, looked_ms;
	bool under_way, orphan;
	struct alerts *alerts;            /* while a look is under way */
};

/* Copies: the sinks may be exchanged while the store's thread looks. */
struct look {
	struct clock *clock;
	int64_t now_ms;
	char *sinks[SINKS_MAX];           /* that want a heartbeat today */
	size_t n_sinks;
	char **canaries;
	size_t n_canaries;
	int64_t within_ms;
};

/* ---- on the store's thread: heartbeats -------------------------------------------------------------------- */

static bool add_heartbeats(const struct look *look, struct state *st, struct error *err)
{
	char day[TIME_TEXT_LEN], subject[64];
	json_t *payload = look->n_sinks > 0 ? heartbeat_make(st, look->now_ms, err) : NULL;

	if (look->n_sinks == 0 || payload == NULL)
		return look->n_sinks == 0;
	char *text = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	time_format_rfc3339(look->now_ms, day);
	snprintf(subject, sizeof(subject), "heartbeat/%.10s", day);
	const struct state_event event = { .type = EVENT_HEARTBEAT, .payload_json = text, .subject = subject };
	bool ok = true;
	for (size_t i = 0; ok && i < look->n_sinks; i++)
		ok = state_outbox_add(st, look->sinks[i], &event, false, NULL, look->now_ms, look->now_ms, err);
	free(text);
	return ok;
}

/* ---- on the store's thread: canaries --------------------------------------------------------------------------- */

static bool see_finding(void *ctx, const struct finding *finding)
{
	int64_t *seen_ms = ctx;

	if (finding->last_seen_ms > *seen_ms)
		*seen_ms = finding->last_seen_ms;
	return true;
}

/* When the canary was seen last; one that was never seen counts from the day it was configured. */
static bool last_seen(struct state *st, const char *name, int64_t now_ms, int64_t *seen_ms, struct error *err)
{
	char *rule = xasprintf("watch/%s", name), *key = xasprintf("canary/%s", name), *since = NULL;
	const struct finding_filter filter = { .rule = rule, .all = true };
	uint64_t ms = 0;

	*seen_ms = 0;
	bool ok = state_each_finding(st, &filter, see_finding, seen_ms, err) && state_get_fact(st, key, &since, err);
	if (ok && *seen_ms == 0 && since != NULL && uint64_parse(slice_text(since), &ms)) {
		*seen_ms = (int64_t)ms;
	} else if (ok && *seen_ms == 0) {
		char text[32];

		snprintf(text, sizeof(text), "%" PRId64, now_ms);
		ok = state_put_fact(st, key, text, err);
		*seen_ms = now_ms;
	}
	free(rule);
	free(key);
	free(since);
	return ok;
}

static bool tell_missed(struct state *st, const char *name, int64_t seen_ms, int64_t within_ms, int64_t now_ms, struct error *err)
{
	char seen[TIME_TEXT_LEN], age[TIME_TEXT_LEN], within[TIME_TEXT_LEN];
	char *subject = xasprintf("canary/%s/%" PRId64, name, seen_ms);
	char *summary = xasprintf("A canary was not seen in any log for %s, and is expected within %s: its owner stopped, or this monitor misses entries",
				  duration_format(now_ms - seen_ms, age), duration_format(within_ms, within));
	json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:s}", "summary", summary, "severity", "high", "name", name, "last_seen",
				    time_format_rfc3339(seen_ms, seen), "expected_within", within);
	char *text = json_dumps(payload, JSON_COMPACT);
	const struct state_event event = { .type = EVENT_CANARY_MISSED, .payload_json = text, .subject = subject };
	bool ok = state_route(st, &event, now_ms, err);

	free(subject);
	free(summary);
	free(text);
	json_decref(payload);
	return ok;
}

static bool check_canaries(const struct look *look, struct state *st, struct error *err)
{
	for (size_t i = 0; i < look->n_canaries; i++) {
		int64_t seen_ms;

		if (!last_seen(st, look->canaries[i], look->now_ms, &seen_ms, err))
			return false;
		if (look->now_ms - seen_ms > look->within_ms && look->now_ms - look->clock->started_ms > CANARY_WARM_UP_MS &&
		    !tell_missed(st, look->canaries[i], seen_ms, look->within_ms, look->now_ms, err))
			return false;
	}
	return true;
}

static bool look_job(void *ctx, struct state *st, struct error *err)
{
	const struct look *look = ctx;

	return add_heartbeats(look, st, err) && check_canaries(look, st, err);
}

/* ---- on the loop ----------------------------------------------------------------------------------------------- */

static void look_free(struct look *look)
{
	for (size_t i = 0; i < look->n_sinks; i++)
		free(look->sinks[i]);
	for (size_t i = 0; i < look->n_canaries; i++)
		free(look->canaries[i]);
	free(look->canaries);
	free(look);
}

static void on_looked(void *ctx, bool ok, const struct error *err)
{
	struct look *look = ctx;
	struct clock *clock = look->clock;

	clock->under_way = false;
	look_free(look);
	if (clock->orphan) {
		free(clock);
		return;
	}
	if (!ok)
		alerts_say(clock->alerts, DIAG_WARNING, NULL, err->text);
}

static bool heartbeat_is_due(const struct sink *sink, int64_t now_ms)
{
	return (sink->events & 1u << EVENT_HEARTBEAT) != 0 && now_ms % DAY_MS >= (int64_t)sink->digest_minute * 60000;
}

static struct look *make_look(struct clock *clock, const struct sink_set *sinks, int64_t now_ms)
{
	struct look *look = xcalloc(1, sizeof(*look));

	look->clock = clock;
	look->now_ms = now_ms;
	look->within_ms = allow_canary_within_ms(sinks->allow);
	for (size_t i = 0; i < sinks->n && now_ms - clock->started_ms > HEARTBEAT_WARM_UP_MS; i++)
		if (heartbeat_is_due(sinks->items[i], now_ms))
			look->sinks[look->n_sinks++] = xstrdup(sinks->items[i]->name);
	look->canaries = xcalloc(allow_n_canaries(sinks->allow) + 1, sizeof(*look->canaries));
	for (size_t i = 0; i < allow_n_canaries(sinks->allow); i++)
		look->canaries[look->n_canaries++] = xstrdup(allow_canary(sinks->allow, i));
	return look;
}

void clock_look(struct clock *clock, struct alerts *alerts)
{
	int64_t now_ms = alerts_now_ms(alerts);

	/* also when the wall clock was set back */
	if (clock->under_way || (now_ms - clock->looked_ms < LOOK_MS && now_ms >= clock->looked_ms))
		return;
	clock->looked_ms = now_ms;
	struct look *look = make_look(clock, alerts_sinks(alerts), now_ms);
	if (look->n_sinks == 0 && look->n_canaries == 0) {
		look_free(look);
		return;
	}
	clock->under_way = true;
	clock->alerts = alerts;
	store_submit(alerts_store(alerts), look_job, on_looked, look);
}

struct clock *clock_new(int64_t now_ms)
{
	struct clock *clock = xcalloc(1, sizeof(*clock));

	clock->started_ms = now_ms;
	clock->looked_ms = now_ms - LOOK_MS;
	return clock;
}

void clock_free(struct clock *clock)
{
	if (clock == NULL)
		return;
	if (clock->under_way)
		clock->orphan = true;
	else
		free(clock);
}
