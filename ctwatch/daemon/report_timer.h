/*
 * The weekly report, made by the running daemon: at the configured weekday and time, of the last whole ISO week; one that was
 * missed while it was down is made at the next start. Written on a worker thread with a reading connection of its own;
 * then the event report.ready goes through the outbox.
 *
 *   WAITING --due--> WRITING --done--> WAITING
 *
 * The fact "report/last" holds the last week that was reported ("2026-W47"). No week is reported twice or left out because the
 * clock is set meanwhile.
 */
#ifndef CTWATCH_REPORT_TIMER_H
#define CTWATCH_REPORT_TIMER_H

#include <uv.h>

#include "clock.h"
#include "config.h"
#include "diag.h"
#include "store.h"

struct report_timer;

struct report_timer_options {
	uv_loop_t *loop;
	struct store *store;
	struct diag *diag;
	const struct config *config;      /* borrowed; what it points to stays while the timer is busy, also after a reload */
	struct clock clock;
	void *ctx;
	void (*made)(void *ctx);          /* rows may wait in the outbox; or NULL */
};
struct report_timer *report_timer_start(const struct report_timer_options *options);
/* Is a report under way, which may point into the configuration it was begun with? */
bool report_timer_is_busy(const struct report_timer *);
void report_timer_reload(struct report_timer *, const struct config *config);
/* Waits for a report that is being written; `closed` runs on the loop. Before the store closes. */
void report_timer_close(struct report_timer *, void (*closed)(void *ctx), void *ctx);

#endif
