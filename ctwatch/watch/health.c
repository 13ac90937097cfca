/*
 * Blindness is an incident of the same rank as a finding: being far behind, being throttled, doubting our own clock. And what
 * was seen once but has not come back for a day is over.
 */
#include "inside.h"

#include <inttypes.h>
#include <string.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define QUIET_MS (24 * HOUR_MS)
#define BEHIND_MS (6 * HOUR_MS)
#define CPU_US_MAX ((uint64_t)5 * 60 * 1000000)   /* within an hour */
#define CPU_ENTRY_US 10000           /* usual are 10 to 50 */
#define LEAST_BACKLOG 16384          /* entries: less is no backlog, however slowly the log grows */

/* More than an hour of growth behind, or behind and not catching up for six. */
static void check_backlog(struct watcher *w, int64_t now)
{
	uint64_t end = position_count(&w->position), size = w->newest.tree_size;
	uint64_t behind = size > end ? size - end : 0;
	char count[TIME_TEXT_LEN], since[TIME_TEXT_LEN];

	if (w->phase != WATCHER_FOLLOWING || w->ingest->once)
		return;
	if (behind < LEAST_BACKLOG) {
		w->behind_since_steady_ms = 0;
		watch_clear(w, INCIDENT_BACKLOG, "the log is read up to its head again");
		return;
	}
	if (w->behind_since_steady_ms == 0) {
		w->behind_since_steady_ms = now;
		w->backlog_start = behind;
		w->size_then = size;
		return;
	}
	int64_t passed = now - w->behind_since_steady_ms;
	if (passed < HOUR_MS)
		return;
	uint64_t growth = (size - w->size_then) / (uint64_t)(passed / MINUTE_MS) * 60;
	bool growing = passed >= BEHIND_MS && behind >= w->backlog_start;
	/* a backlog that shrinks is work in progress, not blindness: entries at the head are read meanwhile */
	if (growing || (behind > growth && behind >= w->backlog_start))
		watch_report(w, INCIDENT_BACKLOG, "", "%s entries are not read yet, for %s, and they do not become fewer", count_format(behind, count),
			     duration_format(passed, since));
	else if (behind < w->backlog_start / 2)
		watch_clear(w, INCIDENT_BACKLOG, "the backlog shrinks");
}

/* Why the verified size does not move, as far as it is known. */
static const char *why_stalled(const struct watcher *w)
{
	if (w->doubt.phase == DOUBT_BROKEN)
		return "what was read next does not hash to what was signed, see the incident about it";
	if (w->doubt.phase != DOUBT_NONE)
		return "what was read next does not hash to what was signed and is read again";
	if (w->retry_commit_steady_ms != 0)
		return "what was read cannot be stored";
	return w->pending.n > 0 && position_end(&w->position) < w->pending.items[0].head.tree_size ? "the entries that come next are not served" : "no root was compared";
}

/* Is there a signed size that what was read without a gap reaches? */
static bool can_compare(const struct watcher *w)
{
	return w->pending.n > 0 && w->pending.items[0].head.tree_size <= position_end(&w->position);
}

/*
 * Entries are read and a head beyond the verified size is signed, but for an hour nothing was verified: whatever the reason, that is told. A
 * backlog on its way to the first signed size, which may take days, is not meant.
 */
static void check_verification(struct watcher *w, int64_t now)
{
	uint64_t verified = w->position.verified.end, end = position_end(&w->position);
	bool read = position_count(&w->position) > verified || w->doubt.phase != DOUBT_NONE;     /* or forgotten, to be read again */
	bool behind = w->newest.tree_size > verified && read;
	char since[TIME_TEXT_LEN];

	if (w->phase != WATCHER_FOLLOWING || w->ingest->once || w->options.scan)
		return;
	if (!behind || verified != w->stall.verified)
		watch_clear(w, INCIDENT_VERIFICATION_STALLED, "the verified size moves again");
	if (!behind || w->stall.since_steady_ms == 0 || verified != w->stall.verified || (end != w->stall.end && !can_compare(w)))
		w->stall.since_steady_ms = now;
	w->stall.verified = verified;
	w->stall.end = end;
	if (behind && now - w->stall.since_steady_ms >= HOUR_MS)
		watch_report(w, INCIDENT_VERIFICATION_STALLED, "",
			     "a tree of %" PRIu64 " entries is signed and entries are read, but for %s nothing beyond entry %" PRIu64 " was verified: %s",
			     w->newest.tree_size, duration_format(now - w->stall.since_steady_ms, since), verified, why_stalled(w));
}

/* More than half of an hour's requests were refused for their rate. */
static void check_throttling(struct watcher *w, int64_t now)
{
	uint64_t all_requests = w->requests_told + w->counters.requests, all_throttled = w->throttled_told + w->counters.throttled;
	uint64_t requests = all_requests - w->throttle_window.requests, throttled = all_throttled - w->throttle_window.throttled;

	if (w->throttle_window.since_steady_ms == 0)
		w->throttle_window.since_steady_ms = now;
	if (now - w->throttle_window.since_steady_ms < HOUR_MS)
		return;
	if (requests >= 10 && throttled * 2 > requests)
		watch_report(w, INCIDENT_RATE_LIMITED, "", "%" PRIu64 " of %" PRIu64 " requests of the last hour were refused with 429", throttled, requests);
	else
		watch_clear(w, INCIDENT_RATE_LIMITED, "requests are answered again");
	w->throttle_window.since_steady_ms = now;
	w->throttle_window.requests = all_requests;
	w->throttle_window.throttled = all_throttled;
}

/* A log whose entries take unusually long to judge: others do not wait for it, but whoever pays for the machine wants to know. */
static void check_cpu(struct watcher *w, int64_t now)
{
	uint64_t used_us = w->turns.used_us - w->cpu_window.used_us, n = w->entries_read - w->cpu_window.n_entries;
	char took[TIME_TEXT_LEN], count[TIME_TEXT_LEN];

	if (w->cpu_window.since_steady_ms == 0)
		w->cpu_window.since_steady_ms = now;
	if (now - w->cpu_window.since_steady_ms < HOUR_MS)
		return;
	if (used_us > CPU_US_MAX && used_us / (n + 1) > CPU_ENTRY_US)
		watch_report(w, INCIDENT_OVER_BUDGET, "cpu", "%s entries of the last hour took %s of a processor, some hundred times what is usual; "
			     "they are read when others have had their turn", count_format(n, count),
			     duration_format((int64_t)(used_us / 1000), took));
	w->cpu_window.since_steady_ms = now;
	w->cpu_window.used_us = w->turns.used_us;
	w->cpu_window.n_entries = w->entries_read;
}

static void check_clock(struct watcher *w)
{
	if (w->ingest->clock_suspect)
		watch_report(w, INCIDENT_CLOCK_SUSPECT, "", "most servers give a date more than 2 minutes from our clock; checks of time are suspended");
	else if (w->incidents[INCIDENT_CLOCK_SUSPECT].open)
		watch_clear(w, INCIDENT_CLOCK_SUSPECT, "servers and our clock agree again");
}

static void close_quiet(struct watcher *w, int64_t now)
{
	for (enum incident_class class = 0; class < N_INCIDENT_CLASSES; class++)
		if (INCIDENT_ROWS[class].end == ENDS_WITH_QUIET && w->incidents[class].open && now - w->incidents[class].seen_steady_ms > QUIET_MS)
			watch_clear(w, class, "not seen again for a day");
}

void watch_health(struct watcher *w, int64_t now)
{
	check_backlog(w, now);
	check_verification(w, now);
	check_throttling(w, now);
	check_cpu(w, now);
	check_clock(w);
	close_quiet(w, now);
	watch_closed_look(w, now);
}
