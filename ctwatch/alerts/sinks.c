/* The sinks of a configuration: common keys here, a type's own keys in its file. */
#include "sink.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"
#include "finding.h"

#define RETRY_FOR_MS (INT64_C(3) * 86400000)
#define GROUP_WINDOW_MS 30000
#define DIGEST_MINUTE (7 * 60)
#define PER_HOUR 60

#define DEFAULT_EVENTS (1u << EVENT_FINDING | 1u << EVENT_FINDING_RESCORED | 1u << EVENT_REPORT_READY | 1u << EVENT_CANARY_MISSED)
#define OPERATIONS_EVENTS (1u << EVENT_INCIDENT_OPENED | 1u << EVENT_INCIDENT_CLOSED)

static const char *const COMMON_KEYS[] = { "type", "name", "events", "incidents", "min_score", "naming", "rules", "brands", "kinds",
					   "retry_for", "per_hour", "group_window", "digest_time", NULL };

/* ---- errors that name the sink --------------------------------------------------------------------- */

static bool wrong(struct error *err, const struct sink *sink, const char *key, const char *wanted)
{
	return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" wants %s", sink->name, key, wanted);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* A secret that can come from a file can come from a variable: "password_env" beside "password_file". */
static bool is_secret_variable(const char *key, const char *const *known)
{
	size_t len = strlen(key);

	if (len <= 4 || len > 60 || strcmp(key + len - 4, "_env") != 0)
		return false;
	char file[72];
	snprintf(file, sizeof(file), "%.*s_file", (int)(len - 4), key);
	return is_one_of(file, known);
}

static bool check_keys(const struct sink *sink, const json_t *object, struct error *err)
{
	const char *known[64];
	size_t n = 0;
	const char *key;
	json_t *value;

	for (const char *const *k = COMMON_KEYS; *k != NULL; k++)
		known[n++] = *k;
	for (const char *const *k = sink->type->keys; *k != NULL && n < ARRAY_LEN(known) - 1; k++)
		known[n++] = *k;
	known[n] = NULL;
	json_object_foreach((json_t *)object, key, value) {
		if (key[0] == '_' || is_one_of(key, known) || is_secret_variable(key, known))
			continue;
		const char *near = text_nearest(key, known);
		if (near != NULL)
			return error_set(err, ERR_USAGE, "alerts: sink \"%s\": there is no key \"%s\"; did you mean \"%s\"?", sink->name, key, near);
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": there is no key \"%s\"", sink->name, key);
	}
	return true;
}

/* ---- common keys --------------------------------------------------------------------------------------- */

static bool read_events(struct sink *sink, const json_t *object, struct error *err)
{
	const json_t *list = json_object_get(object, "events");
	const json_t *incidents = json_object_get(object, "incidents");
	json_t *item;
	size_t i;

	sink->events = sink->type->default_events != 0 ? sink->type->default_events : DEFAULT_EVENTS | (sink->type->operations ? OPERATIONS_EVENTS : 0);
	if (list != NULL) {
		if (!json_is_array(list))
			return wrong(err, sink, "events", "a list such as [\"finding\", \"heartbeat\"]");
		sink->events = 0;
		json_array_foreach((json_t *)list, i, item) {
			enum event_type event;

			if (!json_is_string(item) || !event_parse(slice_text(json_string_value(item)), &event))
				return wrong(err, sink, "events", "names of events: finding, finding.rescored, finding.new_certificate, "
								  "incident.opened, incident.closed, report.ready, heartbeat, canary.missed, malformed");
			sink->events |= 1u << event;
		}
	}
	if (incidents != NULL) {
		if (!json_is_boolean(incidents))
			return wrong(err, sink, "incidents", "true or false");
		sink->events = json_is_true(incidents) ? sink->events | OPERATIONS_EVENTS : sink->events & ~OPERATIONS_EVENTS;
	}
	return true;
}

static bool read_list(const struct sink *sink, const json_t *object, const char *key, struct string_list *out, struct error *err)
{
	const json_t *list = json_object_get(object, key);
	json_t *item;
	size_t i;

	if (list == NULL)
		return true;
	if (!json_is_array(list))
		return wrong(err, sink, key, "a list of texts");
	out->items = xcalloc(json_array_size(list) + 1, sizeof(*out->items));
	json_array_foreach((json_t *)list, i, item) {
		if (!json_is_string(item))
			return wrong(err, sink, key, "a list of texts");
		out->items[out->n++] = xstrdup(json_string_value(item));
	}
	return true;
}

static bool read_duration(const struct sink *sink, const json_t *object, const char *key, int64_t *out, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return true;
	if (!json_is_string(value) || !duration_parse(slice_text(json_string_value(value)), out))
		return wrong(err, sink, key, "a duration such as \"3d\" or \"30s\"");
	return true;
}

static bool read_number(const struct sink *sink, const json_t *object, const char *key, int max, int *out, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max) {
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "a whole number from 0 to %d", max);
		return wrong(err, sink, key, wanted);
	}
	*out = (int)json_integer_value(value);
	return true;
}

static bool read_digest_time(struct sink *sink, const json_t *object, struct error *err)
{
	const json_t *value = json_object_get(object, "digest_time");
	const char *text = json_string_value(value);
	unsigned hour, minute;
	char rest;

	if (value == NULL)
		return true;
	if (text == NULL || sscanf(text, "%2u:%2u%c", &hour, &minute, &rest) != 2 || hour > 23 || minute > 59)
		return wrong(err, sink, "digest_time", "a time of day in UTC such as \"07:00\"");
	sink->digest_minute = (int)(hour * 60 + minute);
	return true;
}

static bool read_naming(struct sink *sink, const json_t *object, struct error *err)
{
	static const char *const names[] = { "digest", "at once", "off" };
	const json_t *value = json_object_get(object, "naming");
	const char *text = json_string_value(value);

	sink->naming = sink->type->naming_at_once ? NAMING_AT_ONCE : NAMING_DIGEST;
	if (value == NULL)
		return true;
	for (size_t i = 0; text != NULL && i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			sink->naming = (enum naming_policy)i;
			return true;
		}
	}
	return wrong(err, sink, "naming", "\"digest\", \"at once\" or \"off\"");
}

static bool check_kinds(const struct sink *sink, struct error *err)
{
	const char *names[FINDING_UNREADABLE + 1], *near;
	char shown[120];

	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		names[k] = finding_kind_name((enum finding_kind)k);
	for (size_t i = 0; i < sink->kinds.n; i++) {
		bool any = false;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			any = any || fnmatch(sink->kinds.items[i], names[k], FNM_CASEFOLD) == 0;
		if (any)
			continue;
		near = text_nearest_of(sink->kinds.items[i], names, ARRAY_LEN(names));
		text_escape(slice_text(sink->kinds.items[i]), shown, sizeof(shown));
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"kinds\" names \"%s\", and there is no such kind%s%s%s: indicator, naming, brand, own, watch or unreadable",
				 sink->name, shown, near != NULL ? ", did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
	return true;
}

static bool read_common(struct sink *sink, const json_t *object, struct error *err)
{
	int per_hour = sink->type->for_people ? PER_HOUR : 0;

	sink->retry_for_ms = RETRY_FOR_MS;
	sink->group_window_ms = sink->type->for_people ? GROUP_WINDOW_MS : 0;
	sink->digest_minute = DIGEST_MINUTE;
	if (!check_keys(sink, object, err) || !read_events(sink, object, err) || !read_naming(sink, object, err) ||
	    !read_list(sink, object, "rules", &sink->rules, err) || !read_list(sink, object, "brands", &sink->brands, err) ||
	    !read_list(sink, object, "kinds", &sink->kinds, err) || !check_kinds(sink, err) || !read_duration(sink, object, "retry_for", &sink->retry_for_ms, err) ||
	    !read_duration(sink, object, "group_window", &sink->group_window_ms, err) ||
	    !read_number(sink, object, "min_score", 100, &sink->min_score, err) ||
	    !read_number(sink, object, "per_hour", 100000, &per_hour, err) || !read_digest_time(sink, object, err))
		return false;
	sink->per_hour = (unsigned)per_hour;
	return true;
}

/* ---- sets ------------------------------------------------------------------------------------------------ */

static void list_free(struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

static void sink_free(struct sink *sink)
{
	if (sink->own != NULL)
		sink->type->close(sink);
	list_free(&sink->rules);
	list_free(&sink->brands);
	list_free(&sink->kinds);
	free(sink->name);
	free(sink);
}

static const struct sink_type *find_type(const char *name)
{
	for (size_t i = 0; SINK_TYPES[i] != NULL; i++)
		if (strcmp(SINK_TYPES[i]->name, name) == 0)
			return SINK_TYPES[i];
	return NULL;
}

static bool unknown_type(const char *type, struct error *err)
{
	const char *known[SINKS_MAX];
	size_t n = 0;

	for (; SINK_TYPES[n] != NULL && n < SINKS_MAX - 1; n++)
		known[n] = SINK_TYPES[n]->name;
	known[n] = NULL;
	const char *near = text_nearest(type, known);
	return error_set(err, ERR_USAGE, "alerts: there is no sink of type \"%s\"%s%s%s", type, near != NULL ? "; did you mean \"" : "",
			 near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static struct sink *find_sink(const struct sink_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->items[i]->name, name) == 0)
			return set->items[i];
	return NULL;
}

/* "webhook", then "webhook-2": names in the outbox must stay the same from start to start. */
static char *default_name(const struct sink_set *set, const char *type)
{
	char *name = xstrdup(type);

	for (unsigned i = 2; find_sink(set, name) != NULL; i++) {
		free(name);
		name = xasprintf("%s-%u", type, i);
	}
	return name;
}

/* What `config show` would hide, or what was read from a file or the environment. */
static bool holds_secrets(const json_t *object)
{
	json_t *shown = config_redact(object);
	bool holds = !json_equal(shown, object);
	const char *key;
	json_t *value;

	json_decref(shown);
	json_object_foreach((json_t *)object, key, value) {
		size_t len = strlen(key);

		holds = holds || (len > 5 && strcmp(key + len - 5, "_file") == 0 && strcmp(key, "ca_file") != 0) || (len > 4 && strcmp(key + len - 4, "_env") == 0);
	}
	return holds;
}

bool sink_set_has_secrets(const struct sink_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->items[i]->has_secrets)
			return true;
	return false;
}

static bool add_sink(struct sink_set *set, const struct config *config, const json_t *object, struct error *err)
{
	const char *type_name = json_string_value(json_object_get(object, "type"));
	const json_t *name = json_object_get(object, "name");

	if (!json_is_object(object) || type_name == NULL)
		return error_set(err, ERR_USAGE, "alerts: every sink is an object with a \"type\", such as {\"type\":\"webhook\",\"url\":\"https://...\"}");
	const struct sink_type *type = find_type(type_name);
	if (type == NULL)
		return unknown_type(type_name, err);
	if (name != NULL && (!json_is_string(name) || json_string_length(name) == 0 || json_string_length(name) > 64))
		return error_set(err, ERR_USAGE, "alerts: the name of a %s sink is a text of 1 to 64 characters", type_name);
	if (name != NULL && find_sink(set, json_string_value(name)) != NULL)
		return error_set(err, ERR_USAGE, "alerts: two sinks are named \"%s\"; names must differ", json_string_value(name));
	if (set->n == SINKS_MAX)
		return error_set(err, ERR_USAGE, "alerts: there are more than %d sinks", SINKS_MAX);

	struct sink *sink = xcalloc(1, sizeof(*sink));
	sink->type = type;
	sink->has_secrets = holds_secrets(object);
	sink->name = name != NULL ? xstrdup(json_string_value(name)) : default_name(set, type_name);
	if (!read_common(sink, object, err) || !type->open(sink, config, object, err)) {
		sink_free(sink);
		return false;
	}
	set->items[set->n++] = sink;
	return true;
}

bool sink_set_new(const struct config *config, enum sink_stdout to_stdout, struct sink_set **out, struct error *err)
{
	static const char *const formats[] = { [STDOUT_JSONL] = "jsonl", [STDOUT_TEXT] = "text", [STDOUT_TEXT_COLOUR] = "colour" };
	struct sink_set *set = xcalloc(1, sizeof(*set));
	json_t *item;
	size_t i;
	bool ok = true;

	set->items = xcalloc(SINKS_MAX, sizeof(*set->items));
	set->alerts_per_hour = config->alerts_per_hour;
	if (to_stdout != STDOUT_NONE) {
		json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:s}", "type", to_stdout == STDOUT_JSONL ? "stdout" : "terminal", "name", "stdout", "format",
					   formats[to_stdout], "per_hour", 0, "group_window", to_stdout == STDOUT_JSONL ? "0s" : "1s");

		ok = add_sink(set, config, object, err);
		json_decref(object);
	}
	if (ok && config->alerts != NULL && !json_is_array(config->alerts))
		ok = error_set(err, ERR_USAGE, "\"alerts\" wants a list of sinks");
	for (i = 0; ok && (item = json_array_get(config->alerts, i)) != NULL; i++)
		ok = add_sink(set, config, item, err);
	ok = ok && allow_list_new(config, &set->allow, err);
	if (!ok) {
		sink_set_free(set);
		return false;
	}
	*out = set;
	return true;
}

void sink_set_free(struct sink_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		sink_free(set->items[i]);
	free(set->items);
	allow_list_free(set->allow);
	free(set);
}

const char *sink_name(const struct sink *sink)
{
	return sink->name;
}

char *sink_describe(const struct sink *sink)
{
	struct buf out;

	buf_init(&out, 1024);
	sink->type->describe(sink, &out);
	if (sink->events & 1u << EVENT_FINDING)
		buf_printf(&out, ": findings%s", sink->naming == NAMING_DIGEST ? " (naming alone in a daily digest)" : "");
	if (sink->min_score > 0)
		buf_printf(&out, " from %d", sink->min_score);
	if (sink->events & OPERATIONS_EVENTS)
		buf_append_text(&out, ", incidents");
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

/* ---- wanting ------------------------------------------------------------------------------------------------ */

static bool listed(const struct string_list *list, const char *word)
{
	if (list->n == 0)
		return true;
	for (size_t i = 0; word != NULL && i < list->n; i++)
		if (fnmatch(list->items[i], word, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

/* A naming finding alone is weak; what the rules add from elsewhere (rules/modify.c) makes it worth waking somebody. */
static bool has_independent_signal(const struct finding *finding)
{
	/* a quote inside a text would be escaped: this is the member itself */
	return (finding->brand != NULL && finding->brand[0] != '\0') ||
	       (finding->evidence_json != NULL && strstr(finding->evidence_json, "\"signal\":\"BRAND\"") != NULL);
}

static bool wants_finding(const struct sink *sink, const struct finding *finding, bool *digest)
{
	if (!finding->flagged || finding->quiet || finding->score < sink->min_score)
		return false;
	if (!listed(&sink->rules, finding->rule) || !listed(&sink->brands, finding->brand) || !listed(&sink->kinds, finding->kind))
		return false;
	if (strcmp(finding->kind, "naming") == 0 && !has_independent_signal(finding)) {
		*digest = sink->naming == NAMING_DIGEST;
		return sink->naming != NAMING_OFF;
	}
	return true;
}

bool sink_wants(const struct sink *sink, const struct state_event *event, bool *digest)
{
	*digest = false;
	if ((sink->events & 1u << event->type) == 0)
		return false;
	if (event->finding != NULL)
		return wants_finding(sink, event->finding, digest);
	return true;
}

int64_t sink_digest_due(const struct sink *sink, int64_t now_ms)
{
	const int64_t day = 86400000;
	int64_t due = now_ms - (now_ms % day + day) % day + (int64_t)sink->digest_minute * 60000;

	return due > now_ms ? due : due + day;
}

bool alerts_route(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err)
{
	const struct sink_set *set = ctx;
	struct state_event with_payload = *event;
	char payload[2 * HASH_LEN + 32];
	enum allow_answer answer;

	if (!allow_judge(set->allow, st, event, now_ms, &answer, err))
		return false;
	if (answer == ALLOW_QUIET)
		return true;
	if (answer == ALLOW_TELL_AS_NEW)
		with_payload.type = EVENT_FINDING;
	/* which certificate it is about is known here only */
	if (event->certificate != NULL && event->payload_json == NULL) {
		snprintf(payload, sizeof(payload), "{\"certificate\":\"%.64s\"}", event->certificate);
		with_payload.payload_json = payload;
	}
	for (size_t i = 0; i < set->n; i++) {
		const struct sink *sink = set->items[i];
		const char *group = event->finding != NULL ? event->finding->registrable_domain : NULL;
		bool digest;

		if (!sink_wants(sink, &with_payload, &digest))
			continue;
		int64_t due = digest ? sink_digest_due(sink, now_ms) : with_payload.type == EVENT_FINDING ? now_ms + sink->group_window_ms : now_ms;
		if (!state_outbox_add(st, sink->name, &with_payload, digest, group, due, now_ms, err))
			return false;
	}
	return true;
}
