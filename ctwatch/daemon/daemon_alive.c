/* That the loop answers and commits succeed, for `ctwatch health`: a row that the loop has the store write now and then. */
#include "daemon_private.h"
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVERY_MS 10000

struct alive_job {
	struct daemon *d;
	struct state_alive alive;
};

static bool alive_job(void *ctx, struct state *st, struct error *err)
{
	const struct alive_job *job = ctx;

	return state_put_alive(st, &job->alive, err);
}

static void on_alive(void *ctx, bool ok, const struct error *err)
{
	struct alive_job *job = ctx;

	(void)ok, (void)err;      /* that it is missing says more than words */
	job->d->alive_under_way = false;
	free(job);
}

void daemon_tell_alive(struct daemon *d)
{
	int64_t now = clock_boot_ms();

	if (d->store == NULL || d->alive_under_way || (d->alive_boot_ms != 0 && now - d->alive_boot_ms < EVERY_MS))
		return;
	if (d->started_boot_ms == 0)
		d->started_boot_ms = now;
	d->alive_boot_ms = now;
	d->alive_under_way = true;
	struct alive_job *job = xcalloc(1, sizeof(*job));
	job->d = d;
	job->alive = (struct state_alive){ .process = getpid(), .wall_ms = daemon_now(d), .boot_ms = now, .started_boot_ms = d->started_boot_ms };
	clock_boot_id(job->alive.boot_id);
	store_submit(d->store, alive_job, on_alive, job);
}
