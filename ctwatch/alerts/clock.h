/*
 * What is told because of the time: a heartbeat a day for each sink that wants one (at its digest_time), and canaries that
 * stayed away. Private to alerts/.
 *
 * Nothing of it needs a memory of its own: a heartbeat's id is made of sink and day, a missed canary's of its name and the time
 * it was last seen, and the outbox takes an id once.
 */
#ifndef CTWATCH_CLOCK_H
#define CTWATCH_CLOCK_H

#include "lane.h"

struct clock;

struct clock *clock_new(int64_t now_ms);
void clock_free(struct clock *);          /* NULL is fine */
/* Looks whether something is due, at most once a minute. */
void clock_look(struct clock *clock, struct alerts *alerts);

/* The payload of a heartbeat: coverage in figures, "summary" in words. New reference, NULL with err. */
json_t *heartbeat_make(struct state *st, int64_t now_ms, struct error *err);

#endif
