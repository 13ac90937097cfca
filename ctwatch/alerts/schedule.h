/*
 * What is told because of the time: a heartbeat a day for each sink that wants one (at its digest_time), and canaries that
 * stayed away. Private to alerts/.
 *
 * Nothing of it needs a memory of its own: a heartbeat's id is made of sink and day, a missed canary's of its name and the time
 * it was last seen, and the outbox takes an id once.
 */
#ifndef CTWATCH_SCHEDULE_H
#define CTWATCH_SCHEDULE_H

#include "sink.h"

struct schedule;

/* What it asks of the alerts object (alerts.c). */
struct store *alerts_store(const struct alerts *);
int64_t alerts_steady_ms(const struct alerts *);
int64_t alerts_wall_ms(const struct alerts *);
/* `sink` NULL: of none in particular. */
void alerts_say(struct alerts *, enum diag_level level, const struct sink *sink, const char *sentence);

struct schedule *schedule_new(int64_t now_steady_ms);
void schedule_free(struct schedule *);          /* NULL is fine */
/* Looks whether something is due, at most once a minute. */
void schedule_visit(struct schedule *schedule, struct alerts *alerts);

/* The payload of a heartbeat: coverage in figures, "summary" in words. New reference, NULL with err. */
json_t *heartbeat_make(struct state *st, int64_t now_ms, struct error *err);

#endif
