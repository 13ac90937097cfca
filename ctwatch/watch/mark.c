/*
 * What a rebuilt root says of the matches that are stored. Those whose leaf it was hashed from are in the signed log. Those that
 * an earlier answer held in the place of another leaf are not, though the log, or something that spoke for it, served them:
 * they are withdrawn, and that is told as gravely as it is.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static void summarize(struct mark *m, const struct state_withdrawn *withdrawn)
{
	char more[64] = "";

	if (withdrawn->n > 1)
		snprintf(more, sizeof(more), " (and %zu more)", withdrawn->n - 1);
	snprintf(m->summary, sizeof(m->summary),
		 "a certificate for %s (finding %.8s) was served as entry %" PRIu64 "%s, but the signed tree of size %" PRIu64
		 " holds another entry there: it is not in the log",
		 withdrawn->named[0].name, withdrawn->named[0].finding, withdrawn->named[0].index, more, m->tree_size);
}

static char *details(const struct mark *m, const struct state_withdrawn *withdrawn)
{
	json_t *entries = json_array();
	char hash[2 * HASH_LEN + 1];

	for (size_t i = 0; i < withdrawn->n_named; i++) {
		hex_encode(withdrawn->named[i].leaf_hash.bytes, HASH_LEN, hash);
		json_array_append_new(entries, json_pack("{s:I, s:s, s:s, s:s}", "index", (json_int_t)withdrawn->named[i].index, "leaf_hash", hash, "finding",
							 withdrawn->named[i].finding, "name", withdrawn->named[i].name));
	}
	json_t *object = json_pack("{s:I, s:I, s:o}", "tree_size", (json_int_t)m->tree_size, "withdrawn", (json_int_t)withdrawn->n, "entries", entries);
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static bool put_leaves(struct state *st, const char *incident, const struct state_withdrawn *withdrawn, struct error *err)
{
	char name[48];

	for (size_t i = 0; i < withdrawn->n_named; i++) {
		snprintf(name, sizeof(name), "leaf-%" PRIu64 ".bin", withdrawn->named[i].index);
		if (withdrawn->named[i].leaf.len > 0 && !state_put_evidence(st, incident, name, buf_slice(&withdrawn->named[i].leaf), err))
			return false;
	}
	return true;
}

static bool report(struct mark *m, const struct state_withdrawn *withdrawn, struct state *st, struct error *err)
{
	const struct incident_row *row = &INCIDENT_ROWS[INCIDENT_UNLOGGED_ENTRY];
	char id[FINDING_ID_LEN + 1], *text = details(m, withdrawn);
	const uint64_t sizes[2] = { m->tree_size, m->tree_size };
	bool opened = false;

	summarize(m, withdrawn);
	const struct incident_report incident = {
		.log_id = &m->log_id, .class_name = row->name, .severity = row->severity, .summary = m->summary, .details_json = text, .times = withdrawn->n,
		.any_subject = true, .now_ms = m->now_ms,
	};
	bool ok = state_report_incident(st, &incident, id, &opened, err);
	free(text);
	return ok && (!opened || (put_leaves(st, id, withdrawn, err) && watch_put_heads(st, &m->log_id, id, sizes, err)));
}

bool watch_mark_run(struct mark *m, struct state *st, struct error *err)
{
	struct state_withdrawn withdrawn;

	m->n_withdrawn = 0;               /* run again after a lock */
	if (!state_mark_verified(st, &m->log_id, m->from, m->to, m->now_ms, &withdrawn, err))
		return false;
	m->n_withdrawn = withdrawn.n;
	bool ok = withdrawn.n_named == 0 || report(m, &withdrawn, st, err);
	state_withdrawn_deinit(&withdrawn);
	return ok;
}

void watch_mark_done(struct watcher *w, const struct mark *m)
{
	if (m->n_withdrawn > 0)
		watch_reported(w, INCIDENT_UNLOGGED_ENTRY, m->summary);
}

/* ---- a job of its own ------------------------------------------------------------------------------------- */

struct marking {
	struct watcher *w;
	struct mark mark;
};

static bool mark_job(void *ctx, struct state *st, struct error *err)
{
	struct marking *marking = ctx;

	return watch_mark_run(&marking->mark, st, err);
}

static void on_marked(void *ctx, bool ok, const struct error *err)
{
	struct marking *marking = ctx;
	struct watcher *w = marking->w;

	if (ok)
		watch_mark_done(w, &marking->mark);
	else if (w->phase != WATCHER_CLOSING)
		watch_trouble(w, err);
	free(marking);
	watch_release(w);
}

void watch_mark_verified(struct watcher *w, uint64_t from, uint64_t to, uint64_t tree_size)
{
	struct marking *marking = xcalloc(1, sizeof(*marking));

	marking->w = w;
	marking->mark = (struct mark){ .log_id = w->log.log_id, .from = from, .to = to, .tree_size = tree_size, .now_ms = watch_wall_ms(w) };
	watch_hold(w);
	store_submit(w->ingest->store, mark_job, on_marked, marking);
}
