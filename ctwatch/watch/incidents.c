/*
 * Incidents: opened on a state, updated while it lasts, closed when it ends (shared/spec/ct-protocols.md 4.7). The state
 * is told at once when one opens and at most every ten minutes while it goes on.
 */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define HEADS_KEPT_MAX 8
#define UPDATE_EVERY_MS ((int64_t)10 * 60 * 1000)

struct report {
	struct watcher *w;
	struct hash log_id;
	enum incident_class class;
	bool close;
	uint64_t times;           /* it was seen since the state was told last */
	char subject[64];
	char summary[512];        /* or why it is closed */
	char *details;
	int64_t now_ms;
	struct {
		char *name;
		struct buf content;
	} files[EVIDENCE_FILES_MAX];
	size_t n_files;
};

static void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n_files; i++) {
		free(r->files[i].name);
		buf_deinit(&r->files[i].content);
	}
	free(r->details);
	free(r);
}

/* The signed heads that a subject names by their sizes ("300", "300-600"), as the log sent them: what makes evidence a proof. */
struct heads_of {
	uint64_t sizes[2];
	struct state *st;
	const char *incident;
	unsigned n;
	struct error *err;
	bool failed;
};

static bool put_head(void *ctx, const struct state_head *head)
{
	struct heads_of *h = ctx;
	char name[64], source[16];

	if ((head->tree_size != h->sizes[0] && head->tree_size != h->sizes[1]) || h->n == HEADS_KEPT_MAX)
		return true;
	snprintf(source, sizeof(source), "%.15s", head->source);
	snprintf(name, sizeof(name), "signed-head-%u-%" PRIu64 "-%s.raw", ++h->n, head->tree_size, source);
	if (state_put_evidence(h->st, h->incident, name, head->raw, h->err))
		return true;
	h->failed = true;
	return false;
}

bool watch_put_heads(struct state *st, const struct hash *log_id, const char *incident, const uint64_t sizes[2], struct error *err)
{
	struct heads_of h = { .sizes = { sizes[0], sizes[1] }, .st = st, .incident = incident, .err = err };

	return state_each_head(st, log_id, false, put_head, &h, err) && !h.failed;
}

static bool put_heads(const struct report *r, const char *id, struct state *st, struct error *err)
{
	uint64_t sizes[2];
	int n = sscanf(r->subject, "%" SCNu64 "-%" SCNu64, &sizes[0], &sizes[1]);

	if (n < 1)
		return true;
	if (n == 1)
		sizes[1] = sizes[0];
	return watch_put_heads(st, &r->log_id, id, sizes, err);
}

static bool report_job(void *ctx, struct state *st, struct error *err)
{
	struct report *r = ctx;
	const struct incident_row *row = &INCIDENT_ROWS[r->class];
	char id[FINDING_ID_LEN + 1];
	bool opened;

	if (r->close)
		return state_close_incidents(st, &r->log_id, row->name, r->summary, r->now_ms, err);
	const struct incident_report incident = {
		.log_id = &r->log_id, .class_name = row->name, .subject = row->subject != NULL ? row->subject : r->subject, .severity = row->severity,
		.summary = r->summary, .details_json = r->details, .times = r->times, .any_subject = row->subject == NULL, .now_ms = r->now_ms,
	};
	if (!state_report_incident(st, &incident, id, &opened, err))
		return false;
	for (size_t i = 0; opened && i < r->n_files; i++)
		if (!state_put_evidence(st, id, r->files[i].name, buf_slice(&r->files[i].content), err))
			return false;
	return !opened || r->n_files == 0 || put_heads(r, id, st, err);
}

static void on_reported(void *ctx, bool ok, const struct error *err)
{
	struct report *r = ctx;
	struct watcher *w = r->w;

	if (ok && !r->close)
		w->incidents[r->class].kept = w->incidents[r->class].open;
	if (!ok && w->phase != WATCHER_CLOSING) {
		diag(w->ingest->diag, DIAG_ERROR, "state", w->log.description, "incident %s is not recorded: %s", INCIDENT_ROWS[r->class].name, err->text);
		w->incidents[r->class].told_steady_ms = 0;
	}
	report_free(r);
	watch_release(w);
}

static void submit(struct watcher *w, struct report *r)
{
	if (w->options.scan && !w->options.scan_save) {
		report_free(r);
		return;
	}
	r->w = w;
	r->log_id = w->log.log_id;
	r->now_ms = watch_wall_ms(w);
	watch_hold(w);
	store_submit(w->ingest->store, report_job, on_reported, r);
}

static char *describe(const struct watcher *w)
{
	char id[BASE64_LEN(HASH_LEN) + 1];

	base64_encode(w->log.log_id.bytes, HASH_LEN, id);
	json_t *details = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "log", w->log.description, "log_id", id, "url", w->log.url, "protocol",
				    log_protocol_name(w->log.protocol), "program", "ctwatch " CTWATCH_VERSION, "head_size",
				    (json_int_t)(w->has_newest ? w->newest.tree_size : 0), "verified_size", (json_int_t)w->position.verified.end,
				    "clock_suspect", (int)w->ingest->clock_suspect);
	char *text = json_dumps(details, JSON_COMPACT);
	json_decref(details);
	return text;
}

/* Tells the operator once, decides whether the state is told. */
static bool news(struct watcher *w, enum incident_class class, const char *summary)
{
	const struct incident_row *row = &INCIDENT_ROWS[class];
	int64_t now = watch_steady_ms(w);
	bool first = !w->incidents[class].open;

	if (row->by_clock && !ingest_clock_is_good(w->ingest))
		return false;
	w->incidents[class].open = true;
	w->incidents[class].seen_steady_ms = now;
	w->incidents[class].times++;
	w->contradicted |= row->contradiction;
	if (first)
		diag(w->ingest->diag, row->contradiction ? DIAG_ERROR : DIAG_WARNING, "log", w->log.description, "%s: %s", row->name, summary);
	if (!first && now - w->incidents[class].told_steady_ms < UPDATE_EVERY_MS)
		return false;
	w->incidents[class].told_steady_ms = now;
	return true;
}

static void report(struct watcher *w, enum incident_class class, const char *subject, const struct evidence_file *files, const char *format,
		   va_list args)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->class = class;
	snprintf(r->subject, sizeof(r->subject), "%s", subject);
	vsnprintf(r->summary, sizeof(r->summary), format, args);
	if (!news(w, class, r->summary)) {
		report_free(r);
		return;
	}
	r->times = w->incidents[class].times;
	w->incidents[class].times = 0;
	r->details = describe(w);
	for (; files != NULL && files->name != NULL && r->n_files < EVIDENCE_FILES_MAX; files++) {
		struct buf *content = &r->files[r->n_files].content;

		r->files[r->n_files++].name = xstrdup(files->name);
		buf_init(content, files->content.len);
		buf_append_slice(content, files->content);
	}
	submit(w, r);
}

void watch_report(struct watcher *w, enum incident_class class, const char *subject, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(w, class, subject, NULL, format, args);
	va_end(args);
}

void watch_report_evidence(struct watcher *w, enum incident_class class, const char *subject, const struct evidence_file *files,
			   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(w, class, subject, files, format, args);
	va_end(args);
}

void watch_reported(struct watcher *w, enum incident_class class, const char *summary)
{
	news(w, class, summary);
	w->incidents[class].times = 0;
	w->incidents[class].kept = true;
}

void watch_clear(struct watcher *w, enum incident_class class, const char *why)
{
	if (!w->incidents[class].open)
		return;
	diag(w->ingest->diag, DIAG_NOTICE, "log", w->log.description, "%s is over: %s", INCIDENT_ROWS[class].name, why);
	w->incidents[class].open = w->incidents[class].kept = false;
	struct report *r = xcalloc(1, sizeof(*r));
	r->class = class;
	r->close = true;
	snprintf(r->summary, sizeof(r->summary), "%s", why);
	submit(w, r);
}
