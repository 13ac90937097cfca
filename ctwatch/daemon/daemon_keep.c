/* Small jobs for the store: which logs are listed and not read, what is wrong with lists, retention. */
#include "daemon_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define UNREAD_KEPT_MAX 500

/* ---- listed logs, read or not --------------------------------------------------------------------------- */

struct listed {
	struct hash log_id;
	char *name, *url, *log_operator, *why, *lifecycle;
	const char *protocol;
	int64_t sunset_ms;
};

struct keep_list {
	struct daemon *d;
	char *lists_json;
	struct listed *items;
	size_t n;
	int64_t now_ms;
};

struct unlisted {
	const struct keep_list *keep;
	struct hash *ids;
	size_t n;
};

static bool on_state_log(void *ctx, const struct state_log *log)
{
	struct unlisted *u = ctx;

	for (size_t i = 0; i < u->keep->n; i++)
		if (hash_equal(&u->keep->items[i].log_id, &log->log_id))
			return true;
	if (log->why_not_read != NULL)
		return true;
	u->ids = xreallocarray(u->ids, u->n + 1, sizeof(*u->ids));
	u->ids[u->n++] = log->log_id;
	return true;
}

/* Logs that were read, and that the lists of today's configuration do not name: they are not read, and say so. */
static bool drop_unlisted(const struct keep_list *keep, struct state *st, struct error *err)
{
	struct unlisted u = { .keep = keep };
	bool ok = state_each_log(st, on_state_log, &u, err);

	for (size_t i = 0; ok && i < u.n; i++)
		ok = state_log_not_read(st, &u.ids[i], "no list of the configuration names it", err);
	free(u.ids);
	return ok;
}

static bool keep_list_job(void *ctx, struct state *st, struct error *err)
{
	const struct keep_list *keep = ctx;

	for (size_t i = 0; i < keep->n; i++) {
		const struct listed *item = &keep->items[i];
		struct state_log log = {
			.log_id = item->log_id,
			.name = item->name,
			.url = item->url,
			.log_operator = item->log_operator,
			.protocol = (char *)item->protocol,
			.lifecycle = item->lifecycle,
			.start_index = -1,
			.added_ms = keep->now_ms,
			.why_not_read = item->why,
			.sunset_ms = item->sunset_ms,
		};

		if (!state_put_log(st, &log, err))
			return error_context(err, "%s", item->name);
	}
	return drop_unlisted(keep, st, err) && state_put_fact(st, LISTS_FACT, keep->lists_json, err);
}

static void on_list_kept(void *ctx, bool ok, const struct error *err)
{
	struct keep_list *keep = ctx;

	if (!ok)
		diag(keep->d->options->diag, DIAG_WARNING, "state", NULL, "the listed logs are not recorded: %s", err->text);
	for (size_t i = 0; i < keep->n; i++) {
		free(keep->items[i].name);
		free(keep->items[i].url);
		free(keep->items[i].log_operator);
		free(keep->items[i].why);
		free(keep->items[i].lifecycle);
	}
	free(keep->items);
	free(keep->lists_json);
	free(keep);
}

static json_t *time_or_null(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return time_ms > 0 ? json_string(time_format_rfc3339(time_ms, text)) : json_null();
}

static json_t *list_json(const struct lists_source_status *list)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(list->name));
	json_object_set_new(object, "file", json_boolean(list->is_file));
	json_object_set_new(object, "signed", json_boolean(list->signed_by_key));
	json_object_set_new(object, "never_signed", json_boolean(list->never_signed));
	json_object_set_new(object, "date", time_or_null(list->list_timestamp_ms));
	json_object_set_new(object, "fetched", time_or_null(list->fetched_ms));
	json_object_set_new(object, "logs", json_integer((json_int_t)list->n_logs));
	json_object_set_new(object, "error", list->last_error != NULL ? json_string(list->last_error) : json_null());
	return object;
}

static json_t *unread_json(const struct unread_log *log)
{
	static const struct hash none;
	char id[BASE64_LEN(HASH_LEN) + 1];
	json_t *object = json_object();

	base64_encode(log->log_id.bytes, HASH_LEN, id);
	json_object_set_new(object, "id", hash_equal(&log->log_id, &none) ? json_null() : json_string(id));
	json_object_set_new(object, "name", json_string(log->description));
	json_object_set_new(object, "operator", json_string(log->log_operator));
	json_object_set_new(object, "url", json_string(log->url));
	json_object_set_new(object, "why_not_read", json_string(log->why));
	return object;
}

/* What `logs` says of the lists, and of entries that are no logs: their ids may be missing, so that they are no rows. malloc'd. */
static char *lists_fact(const struct daemon *d, const struct lists_view *view)
{
	struct lists_source_status lists[LISTS_MAX];
	size_t n = d->lists == NULL ? 0 : lists_status(d->lists, lists, LISTS_MAX);
	json_t *fact = json_object(), *array = json_array(), *unread = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, list_json(&lists[i]));
	for (size_t i = 0; i < view->union_list->n_unread && i < UNREAD_KEPT_MAX; i++)
		json_array_append_new(unread, unread_json(&view->union_list->unread[i]));
	json_object_set_new(fact, "lists", array);
	json_object_set_new(fact, "unread", unread);
	char *text = json_dumps(fact, JSON_COMPACT);
	json_decref(fact);
	return text;
}

void daemon_keep_list(struct daemon *d, const struct lists_view *view)
{
	struct keep_list *keep = xcalloc(1, sizeof(*keep));

	keep->d = d;
	keep->now_ms = daemon_now(d);
	keep->n = view->union_list->n_logs;
	keep->lists_json = lists_fact(d, view);
	keep->items = xcalloc(keep->n, sizeof(*keep->items));
	for (size_t i = 0; i < keep->n; i++) {
		const struct listed_log *log = &view->union_list->logs[i];
		bool read = view->decisions[i].how != FOLLOW_NOT;

		keep->items[i] = (struct listed){
			.log_id = log->log_id,
			.name = xstrdup(log->description),
			.url = xstrdup(log->url),
			.log_operator = xstrdup(log->log_operator == NULL ? "" : log->log_operator),
			.why = read ? NULL : xstrdup(view->decisions[i].why),
			.protocol = log_protocol_name(log->protocol),
			.lifecycle = xstrdup(log_lifecycle_of(log)),
			.sunset_ms = log->interval_end_ms,
		};
	}
	store_submit(d->store, keep_list_job, on_list_kept, keep);
}

/* ---- what is wrong with the lists themselves ---------------------------------------------------------------- */

struct list_incident {
	struct daemon *d;
	bool open;
	char class_name[32], source[256], severity[16], summary[512];
	int64_t now_ms;
	uint64_t n_closed;
};

static const struct hash NO_LOG;

static bool list_incident_job(void *ctx, struct state *st, struct error *err)
{
	struct list_incident *li = ctx;
	char id[FINDING_ID_LEN + 1];
	bool opened;

	if (li->open)
		return state_open_incident(st, &NO_LOG, li->class_name, li->source, li->severity, li->summary, NULL, li->now_ms, id, &opened, err);
	return state_close_incidents_of(st, &NO_LOG, li->class_name, li->source, li->summary, li->now_ms, &li->n_closed, err);
}

static void on_list_incident(void *ctx, bool ok, const struct error *err)
{
	struct list_incident *li = ctx;

	if (!ok)
		diag(li->d->options->diag, DIAG_WARNING, "state", li->source, "incident %s is not recorded: %s", li->class_name, err->text);
	else if (li->n_closed > 0)
		diag(li->d->options->diag, DIAG_NOTICE, li->source[0] != '\0' ? "lists" : "daemon", li->source[0] != '\0' ? li->source : NULL, "%s is over: %s", li->class_name, li->summary);
	free(li);
}

void daemon_list_incident(void *ctx, bool open, const char *class_name, const char *source, const char *severity, const char *summary)
{
	struct daemon *d = ctx;
	struct list_incident *li = xcalloc(1, sizeof(*li));

	li->d = d;
	li->open = open;
	li->now_ms = daemon_now(d);
	snprintf(li->class_name, sizeof(li->class_name), "%s", class_name);
	snprintf(li->source, sizeof(li->source), "%s", source);
	snprintf(li->severity, sizeof(li->severity), "%s", severity == NULL ? "high" : severity);
	snprintf(li->summary, sizeof(li->summary), "%s", summary);
	if (open)
		diag(d->options->diag, DIAG_WARNING, source[0] != '\0' ? "lists" : "daemon", source[0] != '\0' ? source : NULL, "%s: %s", class_name, summary);
	store_submit(d->store, list_incident_job, on_list_incident, li);
}

/* ---- retention ---------------------------------------------------------------------------------------------------- */

struct prune {
	struct daemon *d;
	struct retention retention;
	int64_t now_ms;
	uint64_t n_removed;
};

static bool prune_job(void *ctx, struct state *st, struct error *err)
{
	struct prune *p = ctx;

	return state_prune(st, &p->retention, p->now_ms, &p->n_removed, err);
}

static void on_pruned(void *ctx, bool ok, const struct error *err)
{
	struct prune *p = ctx;

	if (!ok)
		diag(p->d->options->diag, DIAG_WARNING, "state", NULL, "retention is not applied: %s", err->text);
	else if (p->n_removed > 0)
		p->d->next_prune_steady_ms = 0;          /* more may be due: at the next tick */
	free(p);
}

void daemon_prune(struct daemon *d)
{
	struct prune *p = xcalloc(1, sizeof(*p));

	p->d = d;
	p->now_ms = daemon_now(d);
	config_retention(d->config, &p->retention);
	store_submit(d->store, prune_job, on_pruned, p);
}

/* ---- secrets ------------------------------------------------------------------------------------------------------- */

void daemon_hide_secrets(const struct sink_set *sinks)
{
	const struct rlimit none = { 0, 0 };

	if (sinks == NULL || !sink_set_has_secrets(sinks))
		return;
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	/* also keeps debuggers of the same user and core_pattern pipes out; the leak sanitizer is a debugger */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
