/*
 * The log list updater. One machine for each source, and one tick for what is common.
 *
 *   RESTING --timer, refresh--> LIST --200, wants a signature--> SIGNATURE --fits, guarded--> RESTING (60 +- 30 min)
 *                                │  304, unsigned: RESTING           │ does not fit: RESTING (both again after 1 to 5 min)
 *                                └── failed: RESTING (again after 1 to 5 min; three times: an incident)
 *   files: read on each tick when they changed
 */
#include "lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "guard.h"

#define MINUTE_MS (60 * 1000LL)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define REFRESH_LEAST_MS (30 * MINUTE_MS)
#define REFRESH_SPREAD_MS (60 * MINUTE_MS)
#define AGAIN_LEAST_MS MINUTE_MS
#define AGAIN_SPREAD_MS (4 * MINUTE_MS)
#define TICK_MS MINUTE_MS
#define FAILURES_UNTIL_INCIDENT 3
#define STALE_WARNING_MS (3 * DAY_MS)
#define STALE_INCIDENT_MS (14 * DAY_MS)
#define SUSPECT_MS (3 * DAY_MS)           /* a suspicious list that stays so long is believed: what it removes is read on as departed */

enum source_phase { SOURCE_RESTING, SOURCE_LIST, SOURCE_SIGNATURE };

/* Incidents of one source that can be open. */
enum source_incident { INCIDENT_SIGNATURE, INCIDENT_UNREACHABLE, INCIDENT_GUARD, INCIDENT_STALE, N_INCIDENTS };

struct source {
	struct lists *lists;
	char *name, *signature_name;
	enum source_phase phase;
	struct fetch *request;
	uv_timer_t timer;
	struct log_list list;             /* the copy in use */
	bool has_list, is_file, is_signed, refresh_again, warned_stale;
	bool told;                        /* a file that is read because somebody said so, not because it changed */
	bool must_be_signed;              /* by what it is, or since a signature of it was seen: nobody may leave it out then */
	bool said_unsigned;
	struct kept arriving;             /* what has come of the next copy */
	char etag[128], last_modified[64];
	struct timespec modified;         /* of a file */
	off_t size;
	int64_t fetched_ms;               /* for the kept copy and for show; how old it is is measured by: */
	int64_t fetched_steady_ms, suspect_since_steady_ms;
	unsigned failures;
	char *last_error;
	const char *open[N_INCIDENTS];    /* the class that is open, or NULL */
	bool cleared[N_INCIDENTS];        /* what an earlier run left open is closed */
};

struct lists {
	struct lists_options options;
	uv_timer_t tick;
	struct source *sources[LISTS_MAX];
	size_t n_sources, n_handles;
	struct log_list departed, merged;
	struct follow_decision *decisions;
	bool builtin, announced, changed, closing;
	struct clock_watch clock_watch;
	void (*refreshed)(void *ctx);
	void *refreshed_ctx;
};

static void rest(struct source *s, int64_t wait_ms);
static void on_tick(uv_timer_t *timer);

static uint64_t tick_ms(const struct lists *l)
{
	return l->options.tick_ms > 0 ? l->options.tick_ms : TICK_MS;
}

static int64_t wall_ms(const struct lists *l)
{
	return l->options.clock.wall_ms(l->options.clock.ctx);
}

static int64_t steady_ms(const struct lists *l)
{
	return l->options.clock.steady_ms(l->options.clock.ctx);
}

static int64_t jitter_ms(int64_t least, int64_t spread)
{
	uint32_t dice = 0;

	if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
		dice = 0;
	return least + (int64_t)((uint64_t)dice * (uint64_t)spread >> 32);
}

/* ---- incidents and words --------------------------------------------------------------------------- */

static void open_incident(struct source *s, enum source_incident which, const char *class_name, const char *severity, const char *summary)
{
	struct lists *l = s->lists;

	if (s->open[which] != NULL && strcmp(s->open[which], class_name) != 0 && l->options.incident != NULL)
		l->options.incident(l->options.ctx, false, s->open[which], s->name, severity, "another trouble took its place");
	s->open[which] = class_name;
	if (l->options.incident != NULL)
		l->options.incident(l->options.ctx, true, class_name, s->name, severity, summary);
}

static const char *const INCIDENT_CLASSES[N_INCIDENTS][5] = {
	[INCIDENT_SIGNATURE] = { "LIST_BAD_SIGNATURE" },
	[INCIDENT_UNREACHABLE] = { "LIST_UNREACHABLE" },
	[INCIDENT_GUARD] = { "LIST_MIMIC", "LIST_ROLLBACK", "LIST_MASS_REMOVAL", "KEY_CHANGED" },
	[INCIDENT_STALE] = { "LIST_STALE" },
};

/* The first time also what an earlier run of the program left open. */
static void close_incident(struct source *s, enum source_incident which, const char *why)
{
	struct lists *l = s->lists;
	bool first = !s->cleared[which];

	s->cleared[which] = true;
	for (const char *const *class_name = INCIDENT_CLASSES[which]; *class_name != NULL; class_name++)
		if (l->options.incident != NULL && (first || (s->open[which] != NULL && strcmp(s->open[which], *class_name) == 0)))
			l->options.incident(l->options.ctx, false, *class_name, s->name, "high", why);
	s->open[which] = NULL;
}

static void note_error(struct source *s, const char *sentence)
{
	/* `logs` shows it: whoever keeps that must hear of it */
	s->lists->changed = s->lists->changed || (sentence == NULL) != (s->last_error == NULL) ||
			    (sentence != NULL && strcmp(sentence, s->last_error) != 0);
	free(s->last_error);
	s->last_error = sentence == NULL ? NULL : xstrdup(sentence);
	if (sentence != NULL)
		diag(s->lists->options.diag, DIAG_WARNING, "lists", s->name, "%s", sentence);
}

static void note_fetched(struct source *s)
{
	s->fetched_ms = wall_ms(s->lists);
	s->fetched_steady_ms = steady_ms(s->lists);
}

/* ---- the union --------------------------------------------------------------------------------------- */

/* What became of logs between two unions: worth a line each. */
static void tell_changes(struct lists *l, const struct log_list *old, const struct log_list *new)
{
	for (size_t i = 0; i < new->n_logs; i++) {
		const struct listed_log *is = &new->logs[i], *was = lists_find(old, &is->log_id);

		if (was == NULL)
			diag(l->options.diag, DIAG_NOTICE, "lists", is->description, "new in the lists: %s, %s", log_protocol_name(is->protocol),
			     log_lifecycle_of(is));
		else if ((is->sources & LISTS_SOURCE_DEPARTED) != 0 && (was->sources & LISTS_SOURCE_DEPARTED) == 0)
			diag(l->options.diag, DIAG_WARNING, "lists", is->description, "no list names it any more; it is read for a while longer");
		else if (was->lifecycle != is->lifecycle)
			diag(l->options.diag, DIAG_NOTICE, "lists", is->description, "was %s, is %s", log_lifecycle_of(was), log_lifecycle_of(is));
	}
}

/* A log that is read on since its entry got broken: a list does name it, so the reason is another one. */
static void explain_departed(struct lists *l)
{
	for (size_t i = 0; i < l->merged.n_unread; i++) {
		const struct listed_log *log = lists_find(&l->merged, &l->merged.unread[i].log_id);

		if (log == NULL)
			continue;
		struct follow_decision *decision = &l->decisions[log - l->merged.logs];
		snprintf(decision->why, sizeof(decision->why), "its entry in the list cannot be read (%.100s)%s", l->merged.unread[i].why,
			 decision->how == FOLLOW_NOT ? "" : "; read as it was listed before");
	}
}

static void announce(struct lists *l)
{
	struct log_list merged = { 0 };
	bool stand_in = false, any = false;
	int64_t now = wall_ms(l);

	for (size_t i = 0; i < l->n_sources; i++) {
		struct source *s = l->sources[i];

		if (s->has_list)
			log_list_merge(&merged, &s->list, (unsigned)i);
		any = any || s->has_list;
		stand_in = stand_in || (!s->has_list && lists_has_stand_in(s->name));
	}
	union_finish(&merged, stand_in, &l->departed);
	for (size_t i = 0; i < l->n_sources; i++)
		union_add_unread(&merged, &l->sources[i]->list);
	if (l->announced && !l->builtin)
		tell_changes(l, &l->merged, &merged);
	struct log_list old = l->merged;
	struct follow_decision *old_decisions = l->decisions;
	l->merged = merged;
	l->builtin = stand_in && !any;
	l->decisions = xcalloc(merged.n_logs + 1, sizeof(*l->decisions));
	for (size_t i = 0; i < merged.n_logs; i++)
		lists_decide(&merged.logs[i], l->options.config, now, &l->decisions[i]);
	explain_departed(l);
	l->announced = true;
	l->changed = false;
	struct lists_view view = { &l->merged, l->decisions, l->builtin };
	l->options.changed(l->options.ctx, &view);
	log_list_deinit(&old);
	free(old_decisions);
}

/* ---- a new copy --------------------------------------------------------------------------------------- */

static void depart(struct lists *l, const struct listed_log *log, int64_t now)
{
	struct log_list one = { .logs = (struct listed_log *)log, .n_logs = 1 };
	size_t before = l->departed.n_logs;

	log_list_merge(&l->departed, &one, LISTS_BIT_DEPARTED);
	if (l->departed.n_logs > before) {
		l->departed.logs[before].lifecycle = LIFECYCLE_RETIRED;
		l->departed.logs[before].lifecycle_since_ms = now;
	}
}

/* Logs that were read because of the old copy and that the new one lacks; announce() drops those that another list has. */
static void keep_departed(struct source *s, const struct log_list *fresh)
{
	struct lists *l = s->lists;
	int64_t now = wall_ms(l);
	struct error err;
	size_t before = l->departed.n_logs;

	for (size_t i = 0; s->has_list && i < s->list.n_logs; i++) {
		struct follow_decision decision;

		if (lists_find(fresh, &s->list.logs[i].log_id) != NULL)
			continue;
		lists_decide(&s->list.logs[i], l->options.config, now, &decision);
		if (decision.how != FOLLOW_NOT)
			depart(l, &s->list.logs[i], now);
	}
	if (l->departed.n_logs > before && !kept_write_departed(l->options.directory, &l->departed, &err))
		note_error(s, err.text);
}

static void use_list(struct source *s, struct log_list *fresh)
{
	for (size_t i = 0; i < fresh->n_warnings; i++)
		diag(s->lists->options.diag, DIAG_WARNING, "lists", s->name, "%s", fresh->warnings[i]);
	if (s->has_list)
		log_list_deinit(&s->list);
	s->list = *fresh;
	s->has_list = true;
	s->lists->changed = true;
	if (!s->is_signed && !s->said_unsigned && lists_signing(s->name) != LIST_NEVER_SIGNED) {
		s->said_unsigned = true;
		diag(s->lists->options.diag, DIAG_NOTICE, "lists", s->name, "the list is unsigned: %s", s->is_file ? "it is taken because you named it" :
		     "nothing but the connection vouches for it");
	}
}

/* Chrome's list counts up daily; an unsigned one may be quiet for months: there the time since the last answer counts. */
static int64_t age_ms(const struct source *s)
{
	if (!s->has_list)
		return 0;
	if (!s->is_file && (!s->is_signed || s->list.timestamp_ms == 0))
		return s->fetched_ms == 0 ? 0 : steady_ms(s->lists) - s->fetched_steady_ms;
	return s->list.timestamp_ms == 0 ? 0 : clock_age_ms(wall_ms(s->lists), s->list.timestamp_ms);
}

static void check_age(struct source *s)
{
	int64_t old_ms = age_ms(s);
	char age[TIME_TEXT_LEN], summary[256];

	if (old_ms < STALE_WARNING_MS) {
		s->warned_stale = false;
		close_incident(s, INCIDENT_STALE, "the list is recent again");
		return;
	}
	duration_format(old_ms, age);
	if (!s->warned_stale)
		diag(s->lists->options.diag, DIAG_WARNING, "lists", s->name, "the list is %s old; new logs may be missing", age);
	s->warned_stale = true;
	if (old_ms < STALE_INCIDENT_MS || s->is_file || s->open[INCIDENT_STALE] != NULL)
		return;
	snprintf(summary, sizeof(summary), "the list in use is %s old; logs that were added since are not read", age);
	open_incident(s, INCIDENT_STALE, "LIST_STALE", "high", summary);
}

/* A suspicious copy is believed when the very same sort of copy keeps coming for days. */
static bool believe(struct source *s, enum guard_verdict verdict)
{
	int64_t now = steady_ms(s->lists);

	if (verdict != GUARD_SUSPECT)
		return false;
	if (s->suspect_since_steady_ms == 0)
		s->suspect_since_steady_ms = now;
	return now - s->suspect_since_steady_ms >= SUSPECT_MS;
}

/* The copy that has arrived is whole and its signature fits. */
static void consider(struct source *s, struct log_list *fresh)
{
	struct lists *l = s->lists;
	const char *class_name;
	char sentence[256];
	struct error err;
	enum guard_verdict verdict = lists_guard(s->has_list ? &s->list : NULL, fresh, l->options.config, wall_ms(l), &class_name, sentence, sizeof(sentence));

	if (verdict != GUARD_ACCEPT && !believe(s, verdict)) {
		note_error(s, sentence);
		open_incident(s, INCIDENT_GUARD, class_name, strcmp(class_name, "KEY_CHANGED") == 0 ? "critical" : "high", sentence);
		log_list_deinit(fresh);
		return;
	}
	s->suspect_since_steady_ms = 0;
	close_incident(s, INCIDENT_GUARD, "an acceptable list came");
	note_error(s, NULL);
	keep_departed(s, fresh);
	snprintf(s->etag, sizeof(s->etag), "%s", s->arriving.etag);
	snprintf(s->last_modified, sizeof(s->last_modified), "%s", s->arriving.last_modified);
	s->arriving.fetched_ms = s->fetched_ms;
	if (!kept_write(l->options.directory, s->name, &s->arriving, &err))
		note_error(s, err.text);
	use_list(s, fresh);
}

/* ---- fetching ---------------------------------------------------------------------------------------------- */

static void failed(struct source *s, enum source_incident which, const char *sentence)
{
	char summary[512];

	note_error(s, sentence);
	s->failures++;
	/* a copy whose signature does not fit must come again even if the server thinks we have it */
	s->refresh_again = true;
	if (s->failures >= FAILURES_UNTIL_INCIDENT) {
		snprintf(summary, sizeof(summary), "%u attempts in a row failed, the last one: %.300s", s->failures, sentence);
		open_incident(s, which, which == INCIDENT_SIGNATURE ? "LIST_BAD_SIGNATURE" : "LIST_UNREACHABLE", "high", summary);
	}
	rest(s, s->failures > FAILURES_UNTIL_INCIDENT ? jitter_ms(REFRESH_LEAST_MS, REFRESH_SPREAD_MS) : jitter_ms(AGAIN_LEAST_MS, AGAIN_SPREAD_MS));
}

static void succeeded(struct source *s)
{
	s->failures = 0;
	s->refresh_again = false;
	note_fetched(s);
	close_incident(s, INCIDENT_SIGNATURE, "the signature fits again");
	close_incident(s, INCIDENT_UNREACHABLE, "it answers again");
}

static struct list_trust trust_of(const struct source *s)
{
	return (struct list_trust){ s->must_be_signed, s->lists->options.list_key_pem, &s->lists->options.config->allow_http };
}

static void consider_arrived(struct source *s)
{
	struct log_list fresh = { 0 };
	struct error err = { 0 };

	const struct list_trust trust = trust_of(s);
	bool with_signature = s->arriving.signature.len > 0;

	if (!lists_check(buf_slice(&s->arriving.json), buf_slice(&s->arriving.signature), &trust, &fresh, &err)) {
		failed(s, with_signature || s->must_be_signed ? INCIDENT_SIGNATURE : INCIDENT_UNREACHABLE, err.text);
		return;
	}
	s->is_signed = with_signature;
	s->must_be_signed = s->must_be_signed || with_signature;
	succeeded(s);
	consider(s, &fresh);
	check_age(s);
	rest(s, jitter_ms(REFRESH_LEAST_MS, REFRESH_SPREAD_MS));
}

static bool answer_failed(struct source *s, const struct fetch_answer *a, bool may_be_unchanged, const char *what)
{
	char sentence[400];

	if (a->error[0] == '\0' && (a->status == 200 || (a->status == 304 && may_be_unchanged)))
		return false;
	if (a->error[0] != '\0')
		snprintf(sentence, sizeof(sentence), "cannot fetch %s: %s", what, a->error);
	else
		snprintf(sentence, sizeof(sentence), "cannot fetch %s: status %ld", what, a->status);
	failed(s, INCIDENT_UNREACHABLE, sentence);
	return true;
}

static struct fetch *get(struct source *s, const char *url, size_t max_bytes, const char *const *headers, fetch_done_fn *done)
{
	struct error err = { 0 };
	struct fetch *f = fetch_start(s->lists->options.fetcher,
				      &(struct fetch_request){ .url = url, .headers = headers, .max_bytes = max_bytes, .fresh = s->refresh_again,
							       .done = done, .ctx = s },
				      &err);

	if (f == NULL)
		failed(s, INCIDENT_UNREACHABLE, err.text);
	return f;
}

static void on_signature(void *ctx, struct fetch_answer *a)
{
	struct source *s = ctx;

	s->request = NULL;
	if (s->must_be_signed && answer_failed(s, a, false, "the signature"))
		return;
	/* beside a list that never had one, pages that say "not found" are no signature */
	if (s->must_be_signed || (a->error[0] == '\0' && a->status == 200 && strstr(a->content_type, "html") == NULL)) {
		s->arriving.signature = a->body;
		a->body = (struct buf){ 0 };
	}
	consider_arrived(s);
}

static void on_list(void *ctx, struct fetch_answer *a)
{
	struct source *s = ctx;

	s->request = NULL;
	if (answer_failed(s, a, true, "the list"))
		return;
	if (a->status == 304) {
		succeeded(s);
		check_age(s);
		rest(s, jitter_ms(REFRESH_LEAST_MS, REFRESH_SPREAD_MS));
		return;
	}
	if (a->gzip) {
		failed(s, INCIDENT_UNREACHABLE, "the list came compressed, which was not asked for");
		return;
	}
	s->arriving.json = a->body;
	a->body = (struct buf){ 0 };
	memcpy(s->arriving.etag, a->etag, sizeof(s->arriving.etag));
	memcpy(s->arriving.last_modified, a->last_modified, sizeof(s->arriving.last_modified));
	if (s->signature_name == NULL) {
		consider_arrived(s);
		return;
	}
	s->phase = SOURCE_SIGNATURE;
	s->request = get(s, s->signature_name, LIST_SIGNATURE_MAX, NULL, on_signature);
}

static void fetch_list(struct source *s)
{
	char etag[160], modified[100];
	const char *headers[3] = { NULL };
	size_t n = 0;

	kept_deinit(&s->arriving);
	s->phase = SOURCE_LIST;
	uv_timer_stop(&s->timer);
	/* an old copy that was refused has no ETag here: only what is in use is worth a 304 */
	if (s->has_list && !s->refresh_again && s->etag[0] != '\0') {
		snprintf(etag, sizeof(etag), "If-None-Match: %s", s->etag);
		headers[n++] = etag;
	}
	if (s->has_list && !s->refresh_again && s->last_modified[0] != '\0') {
		snprintf(modified, sizeof(modified), "If-Modified-Since: %s", s->last_modified);
		headers[n++] = modified;
	}
	s->request = get(s, s->name, LIST_BYTES_MAX, headers, on_list);
}

static void on_source_timer(uv_timer_t *timer)
{
	fetch_list(CONTAINER_OF(timer, struct source, timer));
}

/* Everything that ends an attempt comes through here. */
static void rest(struct source *s, int64_t wait_ms)
{
	struct lists *l = s->lists;

	s->phase = SOURCE_RESTING;
	kept_deinit(&s->arriving);
	if (!s->is_file)
		uv_timer_start(&s->timer, on_source_timer, (uint64_t)wait_ms, 0);
	if (l->refreshed == NULL && !l->changed)
		return;
	uv_timer_start(&l->tick, on_tick, 0, tick_ms(l));  /* announce soon, not from here */
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

/*
 * A file that changed under a running daemon is guarded as a fetched list is: whatever writes it may have gone wrong. Who starts
 * the daemon or sends SIGHUP has looked at it.
 */
static bool file_is_guarded(struct source *s, const struct log_list *fresh)
{
	const char *class_name;
	char sentence[256], summary[400];

	if (s->told || !s->has_list ||
	    lists_guard(&s->list, fresh, s->lists->options.config, wall_ms(s->lists), &class_name, sentence, sizeof(sentence)) == GUARD_ACCEPT) {
		s->told = false;
		close_incident(s, INCIDENT_GUARD, "an acceptable list came");
		return false;
	}
	snprintf(summary, sizeof(summary), "%s; SIGHUP takes the file all the same", sentence);
	note_error(s, summary);
	open_incident(s, INCIDENT_GUARD, class_name, strcmp(class_name, "KEY_CHANGED") == 0 ? "critical" : "high", summary);
	return true;
}

/* When it has changed since it was read, or was forgotten. A file that cannot be read is complained about once. */
static void read_file_source(struct source *s)
{
	struct log_list fresh = { 0 };
	struct error err = { 0 };
	struct stat st;
	bool there = stat(s->name, &st) == 0;

	if (!there && s->last_error != NULL)
		return;
	if (there && st.st_size == s->size && st.st_mtim.tv_sec == s->modified.tv_sec && st.st_mtim.tv_nsec == s->modified.tv_nsec)
		return;
	if (there) {
		s->size = st.st_size;
		s->modified = st.st_mtim;
	}
	const struct list_trust trust = trust_of(s);
	if (!lists_read_file(s->name, &trust, &s->is_signed, &fresh, &err)) {
		note_error(s, err.text);
		open_incident(s, INCIDENT_UNREACHABLE, "LIST_UNREACHABLE", "high", err.text);
		return;
	}
	close_incident(s, INCIDENT_UNREACHABLE, "it can be read again");
	if (file_is_guarded(s, &fresh)) {
		log_list_deinit(&fresh);
		return;
	}
	note_error(s, NULL);
	note_fetched(s);
	use_list(s, &fresh);
	check_age(s);
}

/* The next tick reads it, changed or not. */
static void forget_file(struct source *s)
{
	s->size = -1;
	s->told = true;
	note_error(s, NULL);
}

/* ---- the tick ------------------------------------------------------------------------------------------------- */

static bool all_rest(const struct lists *l)
{
	for (size_t i = 0; i < l->n_sources; i++)
		if (l->sources[i]->phase != SOURCE_RESTING)
			return false;
	return true;
}

static void on_tick(uv_timer_t *timer)
{
	struct lists *l = CONTAINER_OF(timer, struct lists, tick);

	for (size_t i = 0; i < l->n_sources; i++) {
		if (l->sources[i]->is_file)
			read_file_source(l->sources[i]);
		check_age(l->sources[i]);
	}
	/* which shards are over depends on the time of day */
	if (clock_watch_look(&l->clock_watch) != 0 || l->changed || !l->announced)
		announce(l);
	if (!l->closing && l->refreshed != NULL && all_rest(l)) {
		void (*refreshed)(void *ctx) = l->refreshed;

		l->refreshed = NULL;
		refreshed(l->refreshed_ctx);
	}
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void release(struct lists *l)
{
	if (--l->n_handles > 0)
		return;
	log_list_deinit(&l->departed);
	log_list_deinit(&l->merged);
	free(l->decisions);
	free(l);
}

static void on_source_closed(uv_handle_t *handle)
{
	struct source *s = CONTAINER_OF((uv_timer_t *)handle, struct source, timer);

	if (s->has_list)
		log_list_deinit(&s->list);
	kept_deinit(&s->arriving);
	free(s->name);
	free(s->signature_name);
	free(s->last_error);
	release(s->lists);
	free(s);
}

static void source_close(struct source *s)
{
	fetch_cancel(s->request);
	s->request = NULL;
	uv_close((uv_handle_t *)&s->timer, on_source_closed);
}

static void read_kept(struct source *s)
{
	struct kept kept = { 0 };
	struct log_list list = { 0 };
	struct error err = { 0 };

	if (!kept_read(s->lists->options.directory, s->name, &kept))
		return;
	s->must_be_signed = s->must_be_signed || kept.signature.len > 0;
	const struct list_trust trust = trust_of(s);
	if (lists_check(buf_slice(&kept.json), buf_slice(&kept.signature), &trust, &list, &err)) {
		s->is_signed = kept.signature.len > 0;
		memcpy(s->etag, kept.etag, sizeof(s->etag));
		memcpy(s->last_modified, kept.last_modified, sizeof(s->last_modified));
		s->fetched_ms = kept.fetched_ms;
		s->fetched_steady_ms = steady_ms(s->lists) - clock_age_ms(wall_ms(s->lists), kept.fetched_ms);
		use_list(s, &list);
	} else {
		diag(s->lists->options.diag, DIAG_WARNING, "lists", s->name, "the kept copy cannot be used: %s", err.text);
	}
	kept_deinit(&kept);
}

static struct source *source_open(struct lists *l, const char *name)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->lists = l;
	s->name = xstrdup(name);
	s->is_file = lists_is_file(name);
	s->signature_name = s->is_file ? NULL : lists_signature_name(name);
	s->must_be_signed = lists_signing(name) == LIST_SIGNED;
	uv_timer_init(l->options.loop, &s->timer);
	l->n_handles++;
	if (s->is_file) {
		forget_file(s);
		return s;
	}
	read_kept(s);
	uv_timer_start(&s->timer, on_source_timer, 0, 0);
	return s;
}

static struct source *take_source(struct source **old, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		struct source *s = old[i];

		if (s == NULL || strcmp(s->name, name) != 0)
			continue;
		old[i] = NULL;
		return s;
	}
	return NULL;
}

static void set_sources(struct lists *l, const struct config *config)
{
	struct source *old[LISTS_MAX];
	size_t n_old = l->n_sources;

	memcpy(old, l->sources, sizeof(old));
	l->options.config = config;
	l->n_sources = 0;
	for (size_t i = 0; i < config->log_lists.n && i < LISTS_MAX; i++) {
		struct source *s = take_source(old, n_old, config->log_lists.items[i]);

		if (s != NULL && s->is_file)
			forget_file(s);
		else if (s != NULL && s->has_list)
			read_kept(s);             /* "allow_http" may have changed */
		if (s == NULL)
			s = source_open(l, config->log_lists.items[i]);
		l->sources[l->n_sources++] = s;
	}
	for (size_t i = 0; i < n_old; i++) {
		if (old[i] == NULL)
			continue;
		for (unsigned which = 0; which < N_INCIDENTS; which++)
			close_incident(old[i], which, "the configuration no longer names this list");
		source_close(old[i]);
	}
	l->changed = true;
	uv_timer_start(&l->tick, on_tick, 0, tick_ms(l));
}

struct lists *lists_start(const struct lists_options *options)
{
	struct lists *l = xcalloc(1, sizeof(*l));

	l->options = *options;
	l->n_handles = 1;
	clock_watch_init(&l->clock_watch, &options->clock);
	uv_timer_init(options->loop, &l->tick);
	kept_read_departed(options->directory, &options->config->allow_http, &l->departed);
	set_sources(l, options->config);
	return l;
}

void lists_reload(struct lists *l, const struct config *config)
{
	set_sources(l, config);
}

void lists_refresh(struct lists *l, void (*refreshed)(void *ctx), void *ctx)
{
	l->refreshed = refreshed;
	l->refreshed_ctx = ctx;
	for (size_t i = 0; i < l->n_sources; i++) {
		struct source *s = l->sources[i];

		if (s->is_file) {
			forget_file(s);
		} else if (s->phase == SOURCE_RESTING) {
			s->phase = SOURCE_LIST;
			uv_timer_start(&s->timer, on_source_timer, 0, 0);
		}
	}
	uv_timer_start(&l->tick, on_tick, 0, tick_ms(l));
}

static void on_tick_closed(uv_handle_t *handle)
{
	release(CONTAINER_OF((uv_timer_t *)handle, struct lists, tick));
}

void lists_close(struct lists *l)
{
	if (l == NULL || l->closing)
		return;
	l->closing = true;
	for (size_t i = 0; i < l->n_sources; i++)
		source_close(l->sources[i]);
	l->n_sources = 0;
	uv_close((uv_handle_t *)&l->tick, on_tick_closed);
}

size_t lists_status(const struct lists *l, struct lists_source_status *out, size_t room)
{
	for (size_t i = 0; i < l->n_sources && i < room; i++) {
		const struct source *s = l->sources[i];

		out[i] = (struct lists_source_status){
			.name = s->name, .is_file = s->is_file, .signed_by_key = s->is_signed, .never_signed = lists_signing(s->name) == LIST_NEVER_SIGNED,
			.list_timestamp_ms = s->has_list ? s->list.timestamp_ms : 0,
			.fetched_ms = s->fetched_ms, .last_error = s->last_error, .n_logs = s->has_list ? s->list.n_logs : 0,
		};
	}
	return l->n_sources;
}
