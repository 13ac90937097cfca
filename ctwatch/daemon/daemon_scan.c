/*
 * `scan`: one log, one range, now. Findings go to standard output, a progress line to a terminal. For people a finding is
 * printed as it is found; as JSON when its entry is proven to lie in a signed head, or at the end when that cannot be had.
 */
#include "daemon_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define PROGRESS_EVERY_MS 500
#define ESTIMATE_AFTER_MS 5000
#define LONG_S 60
#define WAITING_MAX 4096             /* findings that wait for a proof; then they are printed without */

/* A finding that is printed once it is known whether its entry is part of a signed head. */
struct waiting {
	uint64_t index;
	json_t *finding;
	bool read_again;                  /* its entry is: what comes then is what is proven */
};

struct scan_progress {
	int64_t started_steady_ms, shown_steady_ms;
	uint64_t shown_entries;
	double rate;                      /* entries per second, smoothed */
	json_t *printed;                  /* ids of findings that were printed */
	uint64_t n_findings;
	struct waiting *waiting;
	size_t n_waiting;
	bool estimated;                   /* the end was foretold, where it is far */
};

/* ---- findings as they are found --------------------------------------------------------------------------- */

/* What strangers wrote: shown escaped when it is no UTF-8. NULL becomes null. */
static json_t *text(const char *words)
{
	json_t *value = words == NULL ? json_null() : json_string(words);

	if (value != NULL)
		return value;
	char escaped[2048];
	return json_string(text_escape(slice_text(words), escaped, sizeof(escaped)));
}

static json_t *hex(const struct hash *hash)
{
	char digits[2 * HASH_LEN + 1];

	hex_encode(hash->bytes, HASH_LEN, digits);
	return json_string(digits);
}

static json_t *moment(int64_t time_ms)
{
	char words[TIME_TEXT_LEN];

	return json_string(time_format_rfc3339(time_ms, words));
}

static json_t *evidence_json(const struct match *m)
{
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_evidence; i++) {
		const struct evidence *e = &m->evidence[i];
		json_t *span = e->span_start >= 0 ? json_pack("[i,i]", e->span_start, e->span_end) : json_null();

		json_array_append_new(array, json_pack("{s:o, s:o, s:i, s:o}", "signal", text(e->signal), "detail", text(e->detail), "points", e->points,
						       "span", span));
	}
	return array;
}

static json_t *certificate_json(const struct watcher_status *status, const struct found *f)
{
	char log_id[BASE64_LEN(HASH_LEN) + 1];
	json_t *names = json_loads(f->names_json, 0, NULL), *c = json_object();

	base64_encode(status->log_id->bytes, HASH_LEN, log_id);
	json_object_set_new(c, "sha256", hex(&f->sha256));
	json_object_set_new(c, "tbs_sha256", hex(&f->tbs_sha256));
	json_object_set_new(c, "type", json_string(f->precert ? "precert" : "certificate"));
	json_object_set_new(c, "issuer", text(f->issuer));
	json_object_set_new(c, "serial", text(f->serial));
	json_object_set_new(c, "not_before", moment(f->not_before_ms));
	json_object_set_new(c, "not_after", moment(f->not_after_ms));
	json_object_set_new(c, "names", names == NULL ? json_array() : names);
	json_object_set_new(c, "names_total", json_integer((json_int_t)f->names_total));
	if (f->too_large_bytes > 0)
		json_object_set_new(c, "too_large_bytes", json_integer((json_int_t)f->too_large_bytes));
	if (f->note != NULL)
		json_object_set_new(c, "note", text(f->note));
	json_object_set_new(c, "sightings", json_pack("[{s:{s:s, s:o, s:o}, s:I, s:o}]", "log", "id", log_id, "name", text(status->name), "url",
						      text(status->url), "index", (json_int_t)f->index, "timestamp", moment(f->timestamp_ms)));
	return c;
}

/* As DESIGN.md 5.2 has it, in that order. */
static json_t *finding_json(const char *id, const struct watcher_status *status, const struct found *f, const struct match *m, int64_t now_ms)
{
	char *attack = finding_attack_json(finding_kind_name(m->kind), m->registrable_domain);
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "name", text(m->name));
	json_object_set_new(o, "registrable_domain", text(m->registrable_domain));
	json_object_set_new(o, "rule", text(m->rule));
	json_object_set_new(o, "kind", json_string(finding_kind_name(m->kind)));
	json_object_set_new(o, "brand", text(m->brand));
	json_object_set_new(o, "technique", text(m->technique));
	json_object_set_new(o, "score", json_integer(m->score));
	json_object_set_new(o, "severity", json_string(severity_name(severity_of(m->score))));
	json_object_set_new(o, "flagged", json_boolean(m->flagged));
	json_object_set_new(o, "verified", json_false());
	json_object_set_new(o, "status", json_string("new"));
	json_object_set_new(o, "evidence", evidence_json(m));
	json_object_set_new(o, "attack", json_loads(attack, 0, NULL));
	json_object_set_new(o, "first_seen", moment(now_ms));
	json_object_set_new(o, "last_seen", moment(now_ms));
	json_object_set_new(o, "certificates", json_pack("[o]", certificate_json(status, f)));
	json_object_set_new(o, "certificate_count", json_integer(1));
	free(attack);
	return o;
}

/* Prints what waits and lies below `up_to`; UINT64_MAX: all, as it is. */
static void print_waiting(struct daemon *d, uint64_t up_to, bool verified)
{
	struct scan_progress *p = d->scan;
	size_t kept = 0;

	for (size_t i = 0; i < p->n_waiting; i++) {
		struct waiting *waiting = &p->waiting[i];

		if (waiting->index >= up_to) {
			p->waiting[kept++] = *waiting;
			continue;
		}
		if (verified)
			json_object_set_new(waiting->finding, waiting->read_again ? "withdrawn" : "verified", json_true());
		json_dumpf(waiting->finding, d->options->out, JSON_COMPACT);
		fputc('\n', d->options->out);
		json_decref(waiting->finding);
	}
	p->n_waiting = kept;
	fflush(d->options->out);
}

static void on_proven(void *ctx, const struct watcher *w, uint64_t up_to)
{
	(void)w;
	print_waiting(ctx, up_to, true);
}

/* Found once, in an answer that is not what the log signed; when it comes again, that is what counts. */
static void on_forgotten(void *ctx, const struct watcher *w, uint64_t from, uint64_t to)
{
	struct scan_progress *p = ((struct daemon *)ctx)->scan;

	(void)w;
	for (size_t i = 0; i < p->n_waiting; i++)
		if (p->waiting[i].index >= from && p->waiting[i].index < to)
			p->waiting[i].read_again = true;
}

static bool came_again(struct scan_progress *p, const char *id)
{
	for (size_t i = 0; i < p->n_waiting; i++) {
		if (!p->waiting[i].read_again || strcmp(json_string_value(json_object_get(p->waiting[i].finding, "id")), id) != 0)
			continue;
		json_decref(p->waiting[i].finding);
		p->waiting[i] = p->waiting[--p->n_waiting];
		p->n_findings--;
		return true;
	}
	return false;
}

static void wait_for_proof(struct daemon *d, json_t *finding, uint64_t index)
{
	struct scan_progress *p = d->scan;

	if (p->n_waiting == WAITING_MAX)
		print_waiting(d, UINT64_MAX, false);
	if (p->waiting == NULL)
		p->waiting = xcalloc(WAITING_MAX, sizeof(*p->waiting));
	p->waiting[p->n_waiting++] = (struct waiting){ .index = index, .finding = finding };
}

static void print_text(FILE *out, const struct found *f, const struct match *m)
{
	char logged[TIME_TEXT_LEN];

	fprintf(out, "%3d  %-8s  %-40s  %-28s  entry %" PRIu64 ", logged %s%s%s\n", m->score, severity_name(severity_of(m->score)), m->name, m->rule, f->index,
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
		if (json_object_get(d->scan->printed, id) != NULL && !came_again(d->scan, id))
			continue;
		json_object_set_new(d->scan->printed, id, json_true());
		d->scan->n_findings++;
		clear_line(d);
		if (d->options->out_text)
			print_text(d->options->out, f, m);
		else
			wait_for_proof(d, finding_json(id, &status, f, m, daemon_now(d)), f->index);
	}
	fflush(d->options->out);
}

/* ---- progress ------------------------------------------------------------------------------------------------ */

static void show_progress(struct daemon *d, const struct watcher_status *status, int64_t now)
{
	struct scan_progress *p = d->scan;
	double seconds = (double)(now - p->shown_steady_ms) / 1000.0;
	char read_text[TIME_TEXT_LEN], total_text[TIME_TEXT_LEN], rate_text[TIME_TEXT_LEN], left_text[TIME_TEXT_LEN];

	if (!status->has_head || seconds <= 0)
		return;
	double rate = (double)(status->entries_read - p->shown_entries) / seconds;
	p->rate = p->shown_entries == 0 ? rate : 0.8 * p->rate + 0.2 * rate;
	p->shown_entries = status->entries_read;
	p->shown_steady_ms = now;
	uint64_t end = status->scan_to < status->head_size ? status->scan_to : status->head_size;
	uint64_t total = end > status->scan_from ? end - status->scan_from : 0;
	uint64_t left = total > status->entries_read ? total - status->entries_read : 0;
	if (!p->estimated && now - p->started_steady_ms >= ESTIMATE_AFTER_MS) {
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
	int64_t now = clock_steady_ms();

	if (d->followed == NULL || now < d->scan->shown_steady_ms + PROGRESS_EVERY_MS)
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
	diag(d->options->diag, DIAG_NOTICE, "scan", status.name, "%s entries read in %s, %" PRIu64 " finding%s%s", count_format(status.entries_read, entries),
	     duration_format(clock_steady_ms() - d->scan->started_steady_ms, took), d->scan->n_findings, d->scan->n_findings == 1 ? "" : "s",
	     status.entries_read == 0 ? "" : status.scan_proven >= status.position ? ", all part of a signed head" :
	     ", not all proven to be part of a signed head");
}

void daemon_scan_end(struct daemon *d)
{
	if (d->scan == NULL)
		return;
	print_waiting(d, UINT64_MAX, false);
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
		.scan_proven = on_proven,
		.scan_forgotten = on_forgotten,
		.scan_ctx = d,
	};
	struct error err;

	d->scan = xcalloc(1, sizeof(*d->scan));
	d->scan->started_steady_ms = d->scan->shown_steady_ms = clock_steady_ms();
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
	print_waiting(d, UINT64_MAX, false);      /* stopped before its end */
	json_decref(d->scan->printed);
	free(d->scan->waiting);
	free(d->scan);
}
