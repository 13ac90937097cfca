/*
 * Missing ranges: entries that were signed and could not be had. Each is asked for again with a back-off of its own, while
 * reading goes on elsewhere. What made a request fail may be its size, so that a classic log is asked for less and less:
 *
 *   [0,256) fails twice --> [0,128) fails twice --> [0,64) comes: the page is 64 from now on
 *                                                  '- never: [0,1) fails twice: entry 0 alone is missing, on with [1,257)
 *
 * A log that serves nothing at all is not hammered by that: after FRUITLESS_MAX failures in a row nothing becomes smaller any
 * more, the whole log rests between two requests for entries, and every other one looks further on for what is there.
 */
#include "inside.h"

#include <inttypes.h>
#include <string.h>

#define RETRY_MAX_MS ((int64_t)5 * 60 * 1000)
#define SAID_AFTER_MS ((int64_t)10 * 60 * 1000)   /* a tile, a single entry: nobody's overload lasts so long for just that */
#define RANGE_SAID_AFTER_MS ((int64_t)60 * 60 * 1000)
#define FRUITLESS_MAX 24             /* a page of 256 is down to one entry after 16 failures */
#define QUICK_FAILURE_S 5.0          /* `run --once`: looking for a size that works is progress, unless each step takes longer */

struct missing_range *watch_missing_at(struct watcher *w, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < w->n_missing; i++)
		if (w->missing[i].from < to && from < w->missing[i].to)
			return &w->missing[i];
	return NULL;
}

int64_t watch_missing_due(const struct watcher *w)
{
	int64_t due = 0, now = watch_steady_ms(w);

	/* one that is due already waits for something else: room, the disk, its turn */
	for (size_t i = 0; i < w->n_missing; i++)
		if (w->missing[i].next_steady_ms > now && (due == 0 || w->missing[i].next_steady_ms < due))
			due = w->missing[i].next_steady_ms;
	if (w->entries_rest_steady_ms > now && (due == 0 || w->entries_rest_steady_ms < due))
		due = w->entries_rest_steady_ms;
	return due;
}

static int64_t back_off(unsigned n)
{
	int64_t delay = (int64_t)1000 << (n < 10 ? n : 9);

	return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

static void clear_class(struct watcher *w, enum incident_class class, const char *why)
{
	if (!w->incidents[class].open)
		return;
	for (size_t i = 0; i < w->n_missing; i++)
		if (w->missing[i].class == class && w->missing[i].reported)
			return;
	watch_clear(w, class, why);
}

/* ---- how far entries are there to be had -------------------------------------------------------------------- */

/* The largest of the latest heads: front ends differ by a head or two, but what none of them knows is not there. */
static uint64_t recent_size(const struct watcher *w)
{
	uint64_t most = 0;

	for (size_t i = 0; i < ARRAY_LEN(w->recent_sizes); i++)
		most = w->recent_sizes[i] > most ? w->recent_sizes[i] : most;
	return most;
}

uint64_t watch_readable_size(const struct watcher *w)
{
	uint64_t recent = recent_size(w);

	return w->beyond_failed && recent < w->newest.tree_size ? recent : w->newest.tree_size;
}

static void forget_beyond(struct watcher *w, uint64_t size)
{
	for (size_t i = 0; i < w->n_missing; i++) {
		enum incident_class class = w->missing[i].class;

		if (w->missing[i].from < size)
			continue;
		w->missing[i--] = w->missing[--w->n_missing];
		clear_class(w, class, "later heads do not cover what was missing");
	}
}

void watch_missing_head(struct watcher *w, uint64_t tree_size)
{
	memmove(w->recent_sizes + 1, w->recent_sizes, sizeof(w->recent_sizes) - sizeof(w->recent_sizes[0]));
	w->recent_sizes[0] = tree_size;
	if (tree_size > w->recent_sizes[1])
		w->entries_rest_steady_ms = 0;    /* what is new may be there: one look at each head */
	if (tree_size >= w->newest.tree_size)
		w->beyond_failed = false;
	if (watch_readable_size(w) < w->newest.tree_size)
		forget_beyond(w, watch_readable_size(w));
}

/* ---- served after all ------------------------------------------------------------------------------------- */

void watch_missing_served(struct watcher *w, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < w->n_missing; i++) {
		struct missing_range *m = &w->missing[i];
		enum incident_class class = m->class;

		if (m->from >= to || from >= m->to)
			continue;
		if (from <= m->from)
			m->from = to;
		else
			m->to = from;         /* what lies behind the middle is unread as anything else */
		m->tries = 0;
		m->n_ask = w->page.page;
		if (m->from < m->to)
			continue;
		w->missing[i--] = w->missing[--w->n_missing];
		clear_class(w, class, "what was missing was served");
	}
}

/* ---- failed ------------------------------------------------------------------------------------------------- */

/* All places are taken: the nearest range grows to cover it, so that all that fails has a back-off. */
static struct missing_range *stretch_nearest(struct watcher *w, uint64_t from, uint64_t to)
{
	struct missing_range *nearest = &w->missing[0];
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < w->n_missing; i++) {
		struct missing_range *m = &w->missing[i];
		uint64_t distance = m->from >= to ? m->from - to : from - m->to;

		if (distance < least) {
			least = distance;
			nearest = m;
		}
	}
	nearest->from = from < nearest->from ? from : nearest->from;
	nearest->to = to > nearest->to ? to : nearest->to;
	return nearest;
}

static struct missing_range *note_range(struct watcher *w, const struct source_window *window)
{
	struct missing_range *m = watch_missing_at(w, window->from, window->to);

	if (m == NULL && w->n_missing == MISSING_RANGES_MAX)
		m = stretch_nearest(w, window->from, window->to);
	if (m == NULL) {
		m = &w->missing[w->n_missing++];
		*m = (struct missing_range){ .from = window->from, .to = window->to, .since_steady_ms = watch_steady_ms(w), .n_ask = window->n_asked };
	}
	if (window->n_asked < m->n_ask) {
		m->n_ask = window->n_asked;
		m->tries = 0;
	}
	return m;
}

/* What answers plainly wrong twice is told at once, what may be overload only when it lasts. */
static bool is_to_be_told(const struct watcher *w, const struct missing_range *m)
{
	bool narrow = w->log.protocol == LOG_STATIC || m->n_ask == 1;
	bool plain = m->class == INCIDENT_TILE_MALFORMED || (w->ingest->once && m->refused && narrow);

	return (plain && m->attempts >= 2) || watch_steady_ms(w) - m->since_steady_ms >= (narrow ? SAID_AFTER_MS : RANGE_SAID_AFTER_MS);
}

/* A single entry cannot be had: it alone is missing, what lies behind it is asked for like anything else. */
static void keep_single(struct watcher *w, struct missing_range *m, const struct missing_why *why)
{
	if (w->log.protocol == LOG_STATIC || !why->by_answer || w->fruitless > FRUITLESS_MAX || m->tries < 2 || m->n_ask != 1)
		return;
	m->to = m->from + 1;
	page_single_failed(&w->page);
}

/* True when the range is asked for again at once, with less. */
static bool ask_for_less(struct watcher *w, struct missing_range *m, const struct missing_why *why)
{
	if (w->log.protocol == LOG_STATIC || !why->by_answer || m->tries < 2 || m->n_ask <= 1 || w->fruitless > FRUITLESS_MAX)
		return false;
	page_refused(&w->page, m->n_ask);
	m->n_ask = page_smaller(m->n_ask, why->timed_out);
	m->tries = 0;
	m->next_steady_ms = watch_steady_ms(w);
	if (why->seconds < QUICK_FAILURE_S)
		watch_progress(w);
	return true;
}

/* Partial tiles disappear when the full one exists, and a log may have only one of the two: each is asked for in turn. */
static bool ask_for_the_other_width(struct watcher *w, struct missing_range *m, const struct source_window *window, const struct missing_why *why)
{
	if (w->log.protocol != LOG_STATIC || !why->by_answer || why->malformed || (!why->refused && m->tries < 2) ||
	    watch_readable_size(w) - window->first >= TILE_WIDTH)
		return false;
	m->full_tile = !m->full_tile;
	if (!m->full_tile)
		return false;             /* both were asked for */
	m->next_steady_ms = watch_steady_ms(w);
	return true;
}

/* The whole log rests, the longer the more has failed with nothing in between. */
static void count_fruitless(struct watcher *w)
{
	if (w->fruitless < 1000)
		w->fruitless++;
	if (w->fruitless > FRUITLESS_MAX)
		w->entries_rest_steady_ms = watch_steady_ms(w) + back_off(w->fruitless - FRUITLESS_MAX);
}

void watch_missing_note(struct watcher *w, const struct source_window *window, enum incident_class class, const struct missing_why *why,
			const struct error *err)
{
	struct missing_range *m = note_range(w, window);
	struct error said = *err;

	if (!why->throttled)
		count_fruitless(w);
	w->answered |= why->throttled || (why->by_answer && !why->timed_out);
	m->class = class;
	m->refused = why->refused;
	m->attempts++;
	m->tries += why->timed_out ? 2 : 1;
	w->beyond_failed |= window->to > recent_size(w);
	m->next_steady_ms = watch_steady_ms(w) + (m->tries < 2 ? 0 : back_off(m->tries - 2));
	if (ask_for_less(w, m, why))
		error_set(&said, err->kind, "%.400s; asking for at most %" PRIu64 " entries at a time instead", err->text, m->n_ask);
	else if (!ask_for_the_other_width(w, m, window, why))
		keep_single(w, m, why);
	watch_trouble(w, &said);
	if (!is_to_be_told(w, m))
		return;
	m->reported = true;
	watch_report(w, class, "", "entries %" PRIu64 " to %" PRIu64 ": %s", m->from, m->to - 1, err->text);
}

void watch_missing_worked(struct watcher *w, const struct source_window *window)
{
	w->fruitless = 0;
	w->answered = true;
	w->entries_rest_steady_ms = 0;
	if (watch_missing_at(w, window->from, window->to) != NULL)
		page_worked(&w->page, window->n_asked);
}

uint64_t watch_missing_probe(const struct watcher *w, uint64_t from, uint64_t limit)
{
	if (w->fruitless <= FRUITLESS_MAX || w->fruitless % 2 == 0 || limit <= from)
		return from;
	return from + (limit - from) / 8 * (7 - (w->fruitless - FRUITLESS_MAX) / 2 % 8);
}

bool watch_missing_shrinks(struct watcher *w, const struct source_window *window)
{
	return w->log.protocol != LOG_STATIC && window->n_asked > 1 && w->fruitless <= FRUITLESS_MAX &&
	       watch_missing_at(w, window->from, window->to) != NULL;
}
