/* `scan`: one log, one range, now. Findings go straight to standard output; a progress line to a terminal. */
#include "daemon_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define PROGRESS_EVERY_MS 500
#define ESTIMATE_AFTER_MS 5000
#define LONG_S 60

struct scan_progress {
	int64_t started_ms, shown_ms;
	uint64_t shown_entries;
	double rate;                      /* entries per second, smoothed */
	json_t *printed;                  /* ids of findings that were printed */
	uint64_t n_findings;
	bool estimated;                   /* the end was foretold, where it is far */
};

/* ---- findings as they are found --------------------------------------------------------------------------- */

static json_t *evidence_json(const struct match *m)
{
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_evidence; i++) {
		const struct evidence *e = &m->evidence[i];
		json_t *row = json_pack("{s:s, s:s, s:i}", "signal", e->signal, "detail", e->detail, "points", e->points);

		if (e->span_start >= 0)
			json_object_set_new(row, "span", json_pack("[i,i]", e->span_start, e->span_end));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *certificate_json(const struct watcher_status *status, const struct found *f)
{
	char sha[2 * HASH_LEN + 1], tbs[2 * HASH_LEN + 1], log_id[BASE64_LEN(HASH_LEN) + 1], before[TIME_TEXT_LEN], after[TIME_TEXT_LEN], logged[TIME_TEXT_LEN];
	json_t *names = json_loads(f->names_json, 0, NULL);

	hex_encode(f->sha256.bytes, HASH_LEN, sha);
	hex_encode(f->tbs_sha256.bytes, HASH_LEN, tbs);
	base64_encode(status->log_id->bytes, HASH_LEN, log_id);
	json_t *sighting = json_pack("{s:{s:s, s:s, s:s}, s:I, s:s}", "log", "id", log_id, "name", status->name, "url", status->url, "index",
				     (json_int_t)f->index, "timestamp", time_format_rfc3339(f->timestamp_ms, logged));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:[o]}", "sha256", sha, "tbs_sha256", tbs, "type", f->precert ? "precert" : "certificate",
			 "issuer", f->issuer, "serial", f->serial, "not_before", time_format_rfc3339(f->not_before_ms, before), "not_after",
			 time_format_rfc3339(f->not_after_ms, after), "names", names == NULL ? json_array() : names, "sightings", sighting);
}

static void print_json(FILE *out, const char *id, const struct watcher_status *status, const struct found *f, const struct match *m, int64_t now_ms)
{
	char seen[TIME_TEXT_LEN];
	json_t *finding = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:i, s:s, s:b, s:b, s:s, s:o, s:s, s:s, s:[o], s:i}", "id", id, "name", m->name,
				    "registrable_domain", m->registrable_domain, "rule", m->rule, "kind", rule_kind_name(m->kind), "brand", m->brand,
				    "technique", m->technique, "score", m->score, "severity", severity_name(m->score), "flagged", m->flagged, "verified", 0,
				    "status", "new", "evidence", evidence_json(m), "first_seen", time_format_rfc3339(now_ms, seen), "last_seen", seen,
				    "certificates", certificate_json(status, f), "certificate_count", 1);

	json_dumpf(finding, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(finding);
}

static void print_text(FILE *out, const struct found *f, const struct match *m)
{
	char logged[TIME_TEXT_LEN];

	fprintf(out, "%3d  %-8s  %-40s  %-28s  entry %" PRIu64 ", logged %s%s%s\n", m->score, severity_name(m->score), m->name, m->rule, f->index,
		time_format_rfc3339(f->timestamp_ms, logged), m->n_evidence > 0 ? ": " : "", m->n_evidence > 0 ? m->evidence[0].detail : "");
}

static void clear_line(struct daemon *d)
{
	if (d->options->progress != NULL)
		fputs("\r\x1b[K", d->options->progress);
}

static void on_found(void *ctx, const struct watcher *w, const struct found *f)
{
	struct daemon *d = ctx;
	struct watcher_status status;

	watcher_status(w, &status);
	for (size_t i = 0; i < f->matches.n; i++) {
		const struct match *m = &f->matches.items[i];
		char id[FINDING_ID_LEN + 1];

		finding_id(m->rule, m->registrable_domain, id);
		if (json_object_get(d->scan->printed, id) != NULL)
			continue;
		json_object_set_new(d->scan->printed, id, json_true());
		d->scan->n_findings++;
		clear_line(d);
		if (d->options->out_text)
			print_text(d->options->out, f, m);
		else
			print_json(d->options->out, id, &status, f, m, daemon_now(d));
	}
	fflush(d->options->out);
}

/* ---- progress ------------------------------------------------------------------------------------------------ */

static void show_progress(struct daemon *d, const struct watcher_status *status, int64_t now)
{
	struct scan_progress *p = d->scan;
	double seconds = (double)(now - p->shown_ms) / 1000.0;
	char read_text[TIME_TEXT_LEN], total_text[TIME_TEXT_LEN], rate_text[TIME_TEXT_LEN], left_text[TIME_TEXT_LEN];

	if (!status->has_head || seconds <= 0)
		return;
	double rate = (double)(status->entries_read - p->shown_entries) / seconds;
	p->rate = p->shown_entries == 0 ? rate : 0.8 * p->rate + 0.2 * rate;
	p->shown_entries = status->entries_read;
	p->shown_ms = now;
	uint64_t end = status->scan_to < status->head_size ? status->scan_to : status->head_size;
	uint64_t total = end > status->scan_from ? end - status->scan_from : 0;
	uint64_t left = total > status->entries_read ? total - status->entries_read : 0;
	if (!p->estimated && now - p->started_ms >= ESTIMATE_AFTER_MS) {
		p->estimated = true;
		if (p->rate >= 1 && (double)left / p->rate > LONG_S)
			diag(d->options->diag, DIAG_NOTICE, "scan", status->name, "%s entries to read, about %s", count_format(left, total_text),
			     duration_format((int64_t)((double)left / p->rate * 1000), left_text));
	}
	if (d->options->progress == NULL)
		return;
	fprintf(d->options->progress, "\r\x1b[K%s of %s entries (%u %%), %s/s, %s left", count_format(status->entries_read, read_text),
		count_format(total, total_text), total == 0 ? 100 : (unsigned)(status->entries_read * 100 / total),
		count_format((uint64_t)p->rate, rate_text), p->rate < 1 ? "unknown time" : duration_format((int64_t)((double)left / p->rate * 1000), left_text));
	fflush(d->options->progress);
}

void daemon_scan_tick(struct daemon *d)
{
	struct watcher_status status;
	int64_t now = daemon_now(d);

	if (d->followed == NULL || now < d->scan->shown_ms + PROGRESS_EVERY_MS)
		return;
	watcher_status(d->followed->watcher, &status);
	show_progress(d, &status, now);
}

static void say_end(struct daemon *d)
{
	struct watcher_status status;
	char entries[TIME_TEXT_LEN], took[TIME_TEXT_LEN];

	if (d->followed == NULL)
		return;
	watcher_status(d->followed->watcher, &status);
	clear_line(d);
	diag(d->options->diag, DIAG_NOTICE, "scan", status.name, "%s entries read in %s, %" PRIu64 " findings%s", count_format(status.entries_read, entries),
	     duration_format(daemon_now(d) - d->scan->started_ms, took), d->scan->n_findings,
	     status.verified_size >= status.position && status.position > 0 ? ", all hashed into a signed head" : "");
}

void daemon_scan_end(struct daemon *d)
{
	if (d->scan != NULL)
		say_end(d);
}

/* ---- start and end ------------------------------------------------------------------------------------------------ */

bool daemon_scan_state(struct daemon *d, struct state **st, struct error *err)
{
	if (!d->options->scan->save)
		return true;
	/* beside a running daemon its lock is respected: rows are added, nothing is migrated */
	enum state_mode mode = state_holder(d->config->state) == 0 ? STATE_DAEMON : STATE_WRITE;
	return state_open(d->config->state, mode, daemon_now(d), st, err);
}

void daemon_scan_start(struct daemon *d)
{
	const struct daemon_scan *scan = d->options->scan;
	struct watcher_options options = {
		.ingest = &d->ingest,
		.log = scan->log,
		.how = FOLLOW_READ_OUT,
		.scan = true,
		.scan_from = scan->from,
		.scan_to = scan->to,
		.scan_save = scan->save,
		.scan_found = on_found,
		.scan_ctx = d,
	};
	struct error err;

	d->scan = xcalloc(1, sizeof(*d->scan));
	d->scan->started_ms = d->scan->shown_ms = daemon_now(d);
	d->scan->printed = json_object();
	d->started_logs = true;
	if (!daemon_follow(d, &options, &err)) {
		diag(d->options->diag, DIAG_ERROR, "scan", NULL, "%s", err.text);
		daemon_fail(d, 2);
		daemon_stop(d);
	}
}

void daemon_scan_cleanup(struct daemon *d)
{
	if (d->scan == NULL)
		return;
	json_decref(d->scan->printed);
	free(d->scan);
}
