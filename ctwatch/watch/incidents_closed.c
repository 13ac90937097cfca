/*
 * Incidents that somebody else closed: `incidents close` writes beside the running daemon. While incidents are open the state
 * is asked now and then; one that is closed there is over here too, and when it was the one that stopped verification, the
 * log is verified again from its last verified size on.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 5000

struct look {
	struct watcher *w;
	struct hash log_id;
	bool open[N_INCIDENT_CLASSES];
};

static bool look_at(void *ctx, const struct incident *incident)
{
	struct look *look = ctx;

	for (size_t i = 0; hash_equal(&incident->log_id, &look->log_id) && i < N_INCIDENT_CLASSES; i++)
		look->open[i] |= incident_is(i, incident->class_name, incident->subject);
	return true;
}

static bool look_job(void *ctx, struct state *st, struct error *err)
{
	struct look *look = ctx;

	memset(look->open, 0, sizeof(look->open));
	return state_each_incident(st, true, 0, INT64_MAX, look_at, look, err);
}

static bool contradicts(const struct watcher *w)
{
	bool any = false;

	for (size_t i = 0; i < N_INCIDENT_CLASSES; i++)
		any |= w->incidents[i].open && INCIDENT_ROWS[i].contradiction;
	return any;
}

static void take_closed(struct watcher *w, const struct look *look)
{
	bool any = false;

	for (size_t i = 0; i < N_INCIDENT_CLASSES; i++) {
		/* one that is not kept yet cannot have been closed */
		if (!w->incidents[i].open || !w->incidents[i].kept || look->open[i])
			continue;
		any = true;
		w->incidents[i].open = w->incidents[i].kept = false;
		diag(w->ingest->diag, DIAG_NOTICE, "log", w->log.description, "%s was closed by hand", INCIDENT_ROWS[i].name);
		if (w->doubt.phase == DOUBT_BROKEN && w->doubt.class == i)
			watch_doubt_over(w);
	}
	if (any)
		w->contradicted = contradicts(w);
}

static void on_looked(void *ctx, bool ok, const struct error *err)
{
	struct look *look = ctx;
	struct watcher *w = look->w;

	(void)err;                        /* asked again */
	w->looking = false;
	if (ok && w->phase != WATCHER_CLOSING) {
		take_closed(w, look);
		watch_schedule(w);
	}
	free(look);
	watch_release(w);
}

void watch_closed_look(struct watcher *w, int64_t now)
{
	bool any = false;

	for (size_t i = 0; i < N_INCIDENT_CLASSES; i++)
		any |= w->incidents[i].open && w->incidents[i].kept;
	if (!any || w->looking || w->options.scan || now < w->looked_steady_ms + LOOK_EVERY_MS)
		return;
	struct look *look = xcalloc(1, sizeof(*look));
	look->w = w;
	look->log_id = w->log.log_id;
	w->looking = true;
	w->looked_steady_ms = now;
	watch_hold(w);
	store_submit(w->ingest->store, look_job, on_looked, look);
}
