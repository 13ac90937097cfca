/*
 * Room on the disk: a warning long before it is full, and words when it is. Both are incidents, so that the sinks that are
 * watched tell them; the one about a full disk is written from the reserve, on the store's thread.
 *
 *   UNKNOWN ──first look──> ROOM <──> LOW ──> FULL (reading has stopped) ──> ROOM or LOW
 */
#include "daemon_private.h"
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hash NO_LOG;

/* ---- full: hooks of the store, on its thread --------------------------------------------------------------- */

bool daemon_on_full(void *ctx, struct state *st, struct error *err)
{
	char id[FINDING_ID_LEN + 1];
	bool opened;

	(void)ctx;
	return state_open_incident(st, &NO_LOG, "DISK_FULL", "", "critical",
				   "the disk that holds the state is full: reading has stopped and goes on by itself when there is room", NULL,
				   clock_wall_ms(), id, &opened, err);
}

bool daemon_on_room(void *ctx, struct state *st, struct error *err)
{
	(void)ctx;
	return state_close_incidents(st, &NO_LOG, "DISK_FULL", "there is room again", clock_wall_ms(), err);
}

/* ---- low: on the loop ------------------------------------------------------------------------------------------ */

struct low_disk {
	struct daemon *d;
	bool low;
	int64_t now_ms;
	char summary[160];
};

static bool low_job(void *ctx, struct state *st, struct error *err)
{
	struct low_disk *job = ctx;
	char id[FINDING_ID_LEN + 1];
	bool opened;

	if (!job->low)
		return state_close_incidents(st, &NO_LOG, "DISK_LOW", job->summary, job->now_ms, err);
	return state_open_incident(st, &NO_LOG, "DISK_LOW", "", "high", job->summary, NULL, job->now_ms, id, &opened, err);
}

static void on_low_kept(void *ctx, bool ok, const struct error *err)
{
	struct low_disk *job = ctx;

	/* when the disk is full by now, that has an incident of its own */
	if (!ok && err->kind != ERR_NO_SPACE)
		diag(job->d->options->diag, DIAG_WARNING, "state", NULL, "\"%s\" is not kept: %s", job->summary, err->text);
	free(job);
}

static void say_low(struct daemon *d, const struct store_space *space)
{
	struct low_disk *job = xcalloc(1, sizeof(*job));
	char room[TIME_TEXT_LEN];

	job->d = d;
	job->low = space->low;
	job->now_ms = daemon_now(d);
	bytes_format(space->free_bytes, room);
	snprintf(job->summary, sizeof(job->summary), space->low ? "only %s are free on the disk that holds the state; when it is full, reading stops" :
								 "there is room again: %s are free", room);
	if (space->low || d->disk_low == DISK_IS_LOW)
		diag(d->options->diag, space->low ? DIAG_WARNING : DIAG_NOTICE, "state", NULL, "%s", job->summary);
	store_submit(d->store, low_job, on_low_kept, job);
}

void daemon_watch_space(struct daemon *d)
{
	if (d->store == NULL)
		return;
	struct store_space space = store_space_of(d->store);
	if (space.full != d->was_full) {
		if (space.full)
			diag(d->options->diag, DIAG_ERROR, "state", NULL, "the disk that holds the state is full: reading stops until there is room");
		else
			diag(d->options->diag, DIAG_NOTICE, "state", NULL, "there is room on the disk again: reading goes on");
		for (struct followed *f = space.full ? NULL : d->followed; f != NULL; f = f->next)
			watcher_wake(f->watcher);
	}
	d->was_full = space.full;
	if (space.known && !d->told_reserve && space.reserve_bytes < STATE_RESERVE_BYTES) {
		char room[TIME_TEXT_LEN], reserve[TIME_TEXT_LEN];

		d->told_reserve = true;
		diag(d->options->diag, DIAG_WARNING, "state", NULL,
		     "only %s are free on the disk that holds the state: %s instead of 4 MiB are kept aside for the alert about a full disk, which may "
		     "not get through; make room", bytes_format(space.free_bytes, room), bytes_format(space.reserve_bytes, reserve));
	}
	enum disk_room room = space.low ? DISK_IS_LOW : DISK_HAS_ROOM;
	if (!space.known || space.full || room == d->disk_low)
		return;
	say_low(d, &space);
	d->disk_low = room;
}
