/*
 * The wall clock is set while we run: by hand, or by a time server after a start at 1970. Deadlines do not notice; what is
 * stored with wall times, and waits or is measured from outside (`health`), follows. Alerts do the same for their outbox.
 */
#include "daemon_private.h"

#include <stdlib.h>

#define NO_PRUNING_MS (INT64_C(6) * 3600 * 1000)      /* what a clock that jumped calls old is not removed at once */

struct clock_set {
	struct daemon *daemon;
	int64_t by_ms, now_ms;
};

static bool clock_job(void *ctx, struct state *st, struct error *err)
{
	const struct clock_set *set = ctx;

	return state_logs_clock_set(st, set->by_ms, set->now_ms, err);
}

static void on_clock_job(void *ctx, bool ok, const struct error *err)
{
	struct clock_set *set = ctx;

	if (!ok)
		diag(set->daemon->options->diag, DIAG_WARNING, "state", NULL, "times of logs are those of the clock before it was set: %s", err->text);
	free(set);
}

void daemon_watch_clock(struct daemon *d)
{
	int64_t by_ms = clock_watch_look(&d->clock_watch);
	char by[TIME_TEXT_LEN];

	if (by_ms == 0)
		return;
	diag(d->options->diag, DIAG_NOTICE, "daemon", NULL, "the clock was set %s by %s: reading and alerts go on as before", by_ms > 0 ? "ahead" : "back",
	     duration_format(by_ms > 0 ? by_ms : -by_ms, by));
	d->next_prune_steady_ms = clock_steady_ms() + NO_PRUNING_MS;
	if (d->store == NULL || d->options->scan != NULL)
		return;
	struct clock_set *set = xcalloc(1, sizeof(*set));
	*set = (struct clock_set){ d, by_ms, daemon_now(d) };
	store_submit(d->store, clock_job, on_clock_job, set);
}

void daemon_start_clock(struct daemon *d, struct state *st)
{
	struct error err;

	clock_watch_init(&d->clock_watch, &SYSTEM_CLOCK);
	if (st != NULL && d->options->scan == NULL && !state_clock_start(st, daemon_now(d), &err))
		diag(d->options->diag, DIAG_WARNING, "state", NULL, "alerts that wait since a time in the future go on waiting: %s", err.text);
}
