/*
 * `memory_bytes`, shared out: what answers hold from the request until they are stored. Nobody gets more than a share, whatever it
 * sends or however slowly, so that room for the others is always left:
 *
 *   the whole  memory_bytes      one operator  3/4 of it      one log  1/2 of it, and thus also one answer; 1/8 while others wait
 *
 * Whoever finds no room waits in line; whoever waits for its own share alone lets the others pass. On its turn a log gets room for one
 * answer, then it stands behind those that wait. On the loop only.
 */
#ifndef CTWATCH_BUDGET_H
#define CTWATCH_BUDGET_H

#include "base.h"

struct budget_operator {
	struct budget_operator *next;
	char name[128];
	uint64_t held;
	unsigned n_logs;
};

struct budget_log;
struct budget {
	uint64_t limit, used, peak;
	struct budget_operator *operators;
	struct budget_log *waiting;
};

struct budget_log {
	struct budget *budget;
	struct budget_operator *log_operator;
	uint64_t held, wanted;
	bool waiting, serving;
	struct budget_log *next;
	void (*room)(struct budget_log *);   /* it is this log's turn; budget_take may be called */
};

void budget_join(struct budget *, struct budget_log *, const char *log_operator, void (*room)(struct budget_log *));
/* What it holds is given back. */
void budget_leave(struct budget_log *);
/* The most that one log, and therefore one answer, may hold. */
uint64_t budget_share(const struct budget *);
/* What is left of the log's share. */
uint64_t budget_left(const struct budget_log *);
/* False: it waits in line, and `room` is called once when it is its turn. */
bool budget_take(struct budget_log *, uint64_t n_bytes);
/* The same, for what can be done without: never waits. */
bool budget_try(struct budget_log *, uint64_t n_bytes);
/* What is there already and was asked for as something else. */
void budget_change(struct budget_log *, uint64_t old_bytes, uint64_t new_bytes);
void budget_give(struct budget_log *, uint64_t n_bytes);
/* The limit has changed, or something else lets waiting ones go on. */
void budget_serve(struct budget *);

#endif
