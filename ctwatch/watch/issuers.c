/*
 * Issuer certificates of matching entries. Static logs name them by SHA-256 and serve each once for all logs; they are fetched
 * when first wanted, checked against their name and kept, as many as a log may bring in a day. A match never waits for them (spec 2.7).
 *
 *   CHECKING (kept already?) --no--> ASKING --right one--> STORING --> gone
 *                                      '--failed--> WAITING --> ASKING, at most three times, then ISSUER_MISSING
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 3
#define RETRY_MS ((int64_t)60 * 1000)
#define WANTED_MAX 64                /* of one log at a time; the next match asks again */

enum issuer_phase { ISSUER_CHECKING, ISSUER_ASKING, ISSUER_WAITING, ISSUER_STORING };

struct issuer {
	struct watcher *w;
	struct issuer *next;
	enum issuer_phase phase;
	struct hash sha256, log_id;
	struct request *request;
	struct buf der;
	char *url;
	unsigned attempts;
	int64_t next_steady_ms;
	bool kept, stored;
	bool spent;                       /* the log may bring no more today */
	int64_t now_ms;
};

/* ---- what is known to be kept: one small set for all logs ---------------------------------------------- */

static bool known(const struct issuer_set *set, const struct hash *sha256)
{
	for (size_t i = 0; i < set->n; i++)
		if (hash_equal(&set->items[i], sha256))
			return true;
	return false;
}

static void learn(struct issuer_set *set, const struct hash *sha256)
{
	if (known(set, sha256))
		return;
	/* the ecosystem has some thousands; whatever comes round again replaces the oldest */
	if (set->n < ARRAY_LEN(set->items))
		set->items[set->n++] = *sha256;
	else
		set->items[set->oldest++ % ARRAY_LEN(set->items)] = *sha256;
}

/* ---- one issuer -------------------------------------------------------------------------------------------- */

static void issuer_free(struct issuer *issuer)
{
	request_cancel(issuer->request);
	buf_deinit(&issuer->der);
	free(issuer->url);
	free(issuer);
}

static void drop(struct issuer *issuer)
{
	struct issuer **at = &issuer->w->issuers;

	while (*at != issuer)
		at = &(*at)->next;
	*at = issuer->next;
	issuer->w->n_issuers--;
	issuer_free(issuer);
}

static void failed(struct issuer *issuer, const struct error *err)
{
	struct watcher *w = issuer->w;

	if (++issuer->attempts < (w->ingest->once ? 2 : ATTEMPTS)) {
		issuer->phase = ISSUER_WAITING;
		issuer->next_steady_ms = watch_steady_ms(w) + (w->ingest->once ? 1 : RETRY_MS);
	} else {
		watch_report(w, INCIDENT_ISSUER_MISSING, "", "%s", err->text);
		drop(issuer);
		watch_commit(w);
	}
	watch_schedule(w);
}

static bool store_job(void *ctx, struct state *st, struct error *err)
{
	struct issuer *issuer = ctx;

	return state_put_issuer_of(st, &issuer->log_id, &issuer->sha256, buf_slice(&issuer->der), issuer->now_ms, &issuer->stored, err);
}

static void on_stored(void *ctx, bool ok, const struct error *err)
{
	struct issuer *issuer = ctx;
	struct watcher *w = issuer->w;

	if (w->phase == WATCHER_CLOSING) {
		watch_release(w);
		return;
	}
	if (ok) {
		if (issuer->stored)
			learn(&w->ingest->issuers, &issuer->sha256);
		watch_progress(w);
		drop(issuer);
		watch_commit(w);
	} else {
		failed(issuer, err);
	}
	watch_release(w);
}

static void on_issuer(void *ctx, struct fetch_answer *answer)
{
	struct issuer *issuer = ctx;
	struct watcher *w = issuer->w;
	struct error err = { 0 };
	struct slice der;

	issuer->request = NULL;
	if (answer->status != 200 || answer->error[0] != '\0') {
		request_failed(issuer->url, answer, &err);
	} else if (request_body(w->ingest, answer, ISSUER_BYTES_MAX, &der, &err)) {
		struct hash hash = sha256(der);

		if (hash_equal(&hash, &issuer->sha256) && der.len <= ISSUER_BYTES_MAX) {
			issuer->phase = ISSUER_STORING;
			buf_clear(&issuer->der);
			buf_append_slice(&issuer->der, der);
			watch_hold(w);
			store_submit(w->ingest->store, store_job, on_stored, issuer);
			return;
		}
		error_set(&err, ERR_MALFORMED, "%s: %zu bytes of another certificate", issuer->url, der.len);
	}
	failed(issuer, &err);
}

static void ask(struct issuer *issuer)
{
	issuer->phase = ISSUER_ASKING;
	issuer->request = watch_request(issuer->w, issuer->url, ISSUER_BYTES_MAX, GOVERNOR_GAP, issuer->attempts > 0, on_issuer, issuer);
}

static bool check_job(void *ctx, struct state *st, struct error *err)
{
	struct issuer *issuer = ctx;

	(void)err;
	buf_clear(&issuer->der);
	issuer->kept = state_get_issuer(st, &issuer->sha256, &issuer->der);
	issuer->spent = !issuer->kept && !state_may_keep_issuer(st, &issuer->log_id, issuer->now_ms);
	return true;
}

static void on_checked(void *ctx, bool ok, const struct error *err)
{
	struct issuer *issuer = ctx;
	struct watcher *w = issuer->w;

	(void)err;
	if (w->phase != WATCHER_CLOSING && ok && !issuer->kept && !issuer->spent) {
		ask(issuer);
	} else if (w->phase != WATCHER_CLOSING) {
		if (ok && issuer->kept)
			learn(&w->ingest->issuers, &issuer->sha256);
		drop(issuer);
		watch_commit(w);
	}
	watch_release(w);
}

static bool wanted_already(const struct watcher *w, const struct hash *sha256)
{
	for (const struct issuer *i = w->issuers; i != NULL; i = i->next)
		if (hash_equal(&i->sha256, sha256))
			return true;
	return false;
}

static void want(struct watcher *w, const struct hash *sha256)
{
	char hex[2 * HASH_LEN + 1];

	if (w->n_issuers >= WANTED_MAX || known(&w->ingest->issuers, sha256) || wanted_already(w, sha256))
		return;
	struct issuer *issuer = xcalloc(1, sizeof(*issuer));
	issuer->w = w;
	issuer->sha256 = *sha256;
	issuer->log_id = w->log.log_id;
	issuer->now_ms = watch_wall_ms(w);
	buf_init(&issuer->der, ISSUER_BYTES_MAX);
	hex_encode(sha256->bytes, HASH_LEN, hex);
	issuer->url = xasprintf("%s/issuer/%s", w->log.url, hex);
	issuer->next = w->issuers;
	w->issuers = issuer;
	w->n_issuers++;
	watch_hold(w);
	store_submit(w->ingest->store, check_job, on_checked, issuer);
}

/* ---- the watcher's side ------------------------------------------------------------------------------------------ */

void watch_want_issuers(struct watcher *w, const struct found *f)
{
	struct hash sha256;

	if (!f->extra_is_fingerprints || w->ingest->store == NULL)
		return;
	for (size_t at = 0; at + HASH_LEN <= f->extra.len && at < CHAIN_MAX * HASH_LEN; at += HASH_LEN) {
		memcpy(sha256.bytes, f->extra.data + at, HASH_LEN);
		want(w, &sha256);
	}
}

int64_t watch_issuers_due(const struct watcher *w)
{
	int64_t due = 0;

	for (const struct issuer *i = w->issuers; i != NULL; i = i->next)
		if (i->phase == ISSUER_WAITING && (due == 0 || i->next_steady_ms < due))
			due = i->next_steady_ms;
	return due;
}

void watch_issuers_wake(struct watcher *w)
{
	int64_t now = watch_steady_ms(w);

	for (struct issuer *i = w->issuers; i != NULL; i = i->next)
		if (i->phase == ISSUER_WAITING && now >= i->next_steady_ms)
			ask(i);
}

void watch_issuers_cancel(struct watcher *w)
{
	for (struct issuer *i = w->issuers; i != NULL; i = i->next) {
		request_cancel(i->request);
		i->request = NULL;
	}
}

void watch_issuers_free(struct watcher *w)
{
	while (w->issuers != NULL)
		drop(w->issuers);
}
