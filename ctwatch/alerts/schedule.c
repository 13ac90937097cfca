/* See schedule.h. */
#include "schedule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

#define LOOK_MS 60000
#define DAY_MS INT64_C(86400000)
/* After a start the logs are to answer first: a heartbeat should have something to say, and what was logged meanwhile is to be read. */
#define HEARTBEAT_WARM_UP_MS (INT64_C(10) * 60000)
#define CANARY_WARM_UP_MS (INT64_C(60) * 60000)

/* A canary as it was seen last, and for how long it has stayed away. */
struct canary {
	struct canary *next;
	char *name;
	int64_t seen_ms;                  /* as stored */
	int64_t noticed_steady_ms, age_ms;    /* when we learned of it, and how old it was then */
	int64_t looked_steady_ms;
};

struct schedule {
	int64_t started_steady_ms, looked_steady_ms;
	bool under_way, orphan;
	struct canary *canaries;          /* the store's thread's while a look is under way */
	struct alerts *alerts;            /* while a look is under way */
};

/* Copies: the sinks may be exchanged while the store's thread looks. */
struct look {
	struct schedule *schedule;
	int64_t now_ms, now_steady_ms;
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

static struct canary *find_canary(struct schedule *schedule, const char *name)
{
	struct canary *canary = schedule->canaries;

	while (canary != NULL && strcmp(canary->name, name) != 0)
		canary = canary->next;
	if (canary != NULL)
		return canary;
	canary = xcalloc(1, sizeof(*canary));
	canary->name = xstrdup(name);
	canary->next = schedule->canaries;
	schedule->canaries = canary;
	return canary;
}

/* For how long it has stayed away. What is stored says so once; from then on it is measured, whatever the wall clock does. */
static int64_t canary_age_ms(const struct look *look, const char *name, int64_t seen_ms)
{
	struct canary *canary = find_canary(look->schedule, name);

	if (seen_ms != canary->seen_ms) {
		int64_t stored = clock_age_ms(look->now_ms, seen_ms), since_look = look->now_steady_ms - canary->looked_steady_ms;

		canary->age_ms = stored < since_look ? stored : since_look;
		canary->seen_ms = seen_ms;
		canary->noticed_steady_ms = look->now_steady_ms;
	}
	canary->looked_steady_ms = look->now_steady_ms;
	return canary->age_ms + look->now_steady_ms - canary->noticed_steady_ms;
}

static bool tell_missed(struct state *st, const char *name, int64_t seen_ms, int64_t age_ms, int64_t within_ms, int64_t now_ms, struct error *err)
{
	char seen[TIME_TEXT_LEN], age[TIME_TEXT_LEN], within[TIME_TEXT_LEN];
	char *subject = xasprintf("canary/%s/%" PRId64, name, seen_ms);
	char *summary = xasprintf("A canary was not seen in any log for %s, and is expected within %s: its owner stopped, or this monitor misses entries",
				  duration_format(age_ms, age), duration_format(within_ms, within));
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
		int64_t age = canary_age_ms(look, look->canaries[i], seen_ms);
		if (age > look->within_ms && look->now_steady_ms - look->schedule->started_steady_ms > CANARY_WARM_UP_MS &&
		    !tell_missed(st, look->canaries[i], seen_ms, age, look->within_ms, look->now_ms, err))
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
	struct schedule *schedule = look->schedule;

	schedule->under_way = false;
	look_free(look);
	if (schedule->orphan) {
		schedule_free(schedule);
		return;
	}
	if (!ok)
		alerts_say(schedule->alerts, DIAG_WARNING, NULL, err->text);
}

static bool heartbeat_is_due(const struct sink *sink, int64_t now_ms)
{
	return (sink->events & 1u << EVENT_HEARTBEAT) != 0 && now_ms % DAY_MS >= (int64_t)sink->digest_minute * 60000;
}

static struct look *make_look(struct schedule *schedule, const struct sink_set *sinks, int64_t now_ms, int64_t now_steady_ms)
{
	struct look *look = xcalloc(1, sizeof(*look));

	look->schedule = schedule;
	look->now_ms = now_ms;
	look->now_steady_ms = now_steady_ms;
	look->within_ms = allow_canary_within_ms(sinks->allow);
	for (size_t i = 0; i < sinks->n && now_steady_ms - schedule->started_steady_ms > HEARTBEAT_WARM_UP_MS; i++)
		if (heartbeat_is_due(sinks->items[i], now_ms))
			look->sinks[look->n_sinks++] = xstrdup(sinks->items[i]->name);
	look->canaries = xcalloc(allow_n_canaries(sinks->allow) + 1, sizeof(*look->canaries));
	for (size_t i = 0; i < allow_n_canaries(sinks->allow); i++)
		look->canaries[look->n_canaries++] = xstrdup(allow_canary(sinks->allow, i));
	return look;
}

void schedule_visit(struct schedule *schedule, struct alerts *alerts)
{
	int64_t now = alerts_steady_ms(alerts);

	if (schedule->under_way || now - schedule->looked_steady_ms < LOOK_MS)
		return;
	schedule->looked_steady_ms = now;
	struct look *look = make_look(schedule, alerts_sinks(alerts), alerts_wall_ms(alerts), now);
	if (look->n_sinks == 0 && look->n_canaries == 0) {
		look_free(look);
		return;
	}
	schedule->under_way = true;
	schedule->alerts = alerts;
	store_submit(alerts_store(alerts), look_job, on_looked, look);
}

struct schedule *schedule_new(int64_t now_steady_ms)
{
	struct schedule *schedule = xcalloc(1, sizeof(*schedule));

	schedule->started_steady_ms = now_steady_ms;
	schedule->looked_steady_ms = now_steady_ms - LOOK_MS;
	return schedule;
}

void schedule_free(struct schedule *schedule)
{
	if (schedule == NULL)
		return;
	if (schedule->under_way) {
		schedule->orphan = true;
		return;
	}
	while (schedule->canaries != NULL) {
		struct canary *canary = schedule->canaries;

		schedule->canaries = canary->next;
		free(canary->name);
		free(canary);
	}
	free(schedule);
}
