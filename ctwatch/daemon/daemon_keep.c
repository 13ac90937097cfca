/* Small jobs for the store: which logs are listed and not read, what is wrong with lists, retention. */
#include "daemon_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* ---- listed logs, read or not --------------------------------------------------------------------------- */

struct listed {
	struct hash log_id;
	char *name, *url, *log_operator, *why, *lifecycle;
	const char *protocol;
	int64_t sunset_ms;
};

struct keep_list {
	struct daemon *d;
	struct listed *items;
	size_t n;
	int64_t now_ms;
};

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
	return true;
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
	free(keep);
}

void daemon_keep_list(struct daemon *d, const struct lists_view *view)
{
	struct keep_list *keep = xcalloc(1, sizeof(*keep));

	keep->d = d;
	keep->now_ms = daemon_now(d);
	keep->n = view->union_list->n_logs;
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
};

static const struct hash NO_LOG;

static bool list_incident_job(void *ctx, struct state *st, struct error *err)
{
	const struct list_incident *li = ctx;
	char id[FINDING_ID_LEN + 1];
	bool opened;

	if (li->open)
		return state_open_incident(st, &NO_LOG, li->class_name, li->source, li->severity, li->summary, NULL, li->now_ms, id, &opened, err);
	return state_close_incidents(st, &NO_LOG, li->class_name, li->summary, li->now_ms, err);
}

static void on_list_incident(void *ctx, bool ok, const struct error *err)
{
	struct list_incident *li = ctx;

	if (!ok)
		diag(li->d->options->diag, DIAG_WARNING, "state", li->source, "incident %s is not recorded: %s", li->class_name, err->text);
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
	diag(d->options->diag, open ? DIAG_WARNING : DIAG_NOTICE, "lists", source, "%s%s: %s", class_name, open ? "" : " is over", summary);
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
