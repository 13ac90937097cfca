#include "budget.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t budget_share(const struct budget *b)
{
	return b->limit / 2;
}

static uint64_t operator_share(const struct budget *b)
{
	return b->limit / 4 * 3;
}

uint64_t budget_left(const struct budget_log *log)
{
	uint64_t share = budget_share(log->budget);

	return log->held < share ? share - log->held : 0;
}

void budget_join(struct budget *b, struct budget_log *log, const char *log_operator, void (*room)(struct budget_log *))
{
	char name[sizeof(b->operators->name)];
	struct budget_operator *o = b->operators;

	snprintf(name, sizeof(name), "%s", log_operator);
	while (o != NULL && strcmp(o->name, name) != 0)
		o = o->next;
	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		memcpy(o->name, name, sizeof(name));
		o->next = b->operators;
		b->operators = o;
	}
	o->n_logs++;
	*log = (struct budget_log){ .budget = b, .log_operator = o, .room = room };
}

static void leave_line(struct budget_log *log)
{
	struct budget_log **at = &log->budget->waiting;

	while (*at != NULL && *at != log)
		at = &(*at)->next;
	if (*at == log)
		*at = log->next;
	log->waiting = false;
}

void budget_leave(struct budget_log *log)
{
	struct budget *b = log->budget;
	struct budget_operator *o, **at;

	if (b == NULL)
		return;
	o = log->log_operator;
	at = &b->operators;
	leave_line(log);
	b->used -= log->held;
	o->held -= log->held;
	log->budget = NULL;
	if (--o->n_logs == 0) {
		while (*at != o)
			at = &(*at)->next;
		*at = o->next;
		free(o);
	}
	budget_serve(b);
}

static bool others_wait(const struct budget_log *log)
{
	const struct budget_log *first = log->budget->waiting;

	return first != NULL && (first != log || first->next != NULL);
}

/*
 * Would it have to wait although there is room? A log that holds nothing may always have one answer; one that holds some has an
 * eighth of the whole while others wait.
 */
static bool share_is_spent(const struct budget_log *log, uint64_t n_bytes)
{
	const struct budget *b = log->budget;
	uint64_t share = others_wait(log) ? b->limit / 8 : budget_share(b);

	return log->held != 0 && (log->held + n_bytes > share || log->log_operator->held + n_bytes > operator_share(b));
}

static bool has_room(const struct budget *b, uint64_t n_bytes)
{
	return b->used == 0 || b->used + n_bytes <= b->limit;
}

static void hold(struct budget_log *log, uint64_t n_bytes)
{
	struct budget *b = log->budget;

	log->held += n_bytes;
	log->log_operator->held += n_bytes;
	b->used += n_bytes;
	if (b->used > b->peak)
		b->peak = b->used;
}

/* Is there one in line who waits for room, and not just for a share of its own? */
static bool somebody_is_first(const struct budget *b)
{
	for (const struct budget_log *log = b->waiting; log != NULL; log = log->next)
		if (!share_is_spent(log, log->wanted))
			return true;
	return false;
}

bool budget_take(struct budget_log *log, uint64_t n_bytes)
{
	struct budget *b = log->budget;
	bool turn = log->serving || !somebody_is_first(b);
	struct budget_log **at = &b->waiting;

	if (log->waiting)
		return false;
	log->serving = false;
	if (turn && !share_is_spent(log, n_bytes) && has_room(b, n_bytes)) {
		hold(log, n_bytes);
		return true;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = log;
	log->next = NULL;
	log->waiting = true;
	log->wanted = n_bytes;
	return false;
}

bool budget_try(struct budget_log *log, uint64_t n_bytes)
{
	if (share_is_spent(log, n_bytes) || !has_room(log->budget, n_bytes) || somebody_is_first(log->budget))
		return false;
	hold(log, n_bytes);
	return true;
}

void budget_change(struct budget_log *log, uint64_t old_bytes, uint64_t new_bytes)
{
	if (new_bytes > old_bytes)
		hold(log, new_bytes - old_bytes);
	else if (new_bytes < old_bytes)
		budget_give(log, old_bytes - new_bytes);
}

void budget_give(struct budget_log *log, uint64_t n_bytes)
{
	assert(log->held >= n_bytes);
	if (n_bytes == 0)
		return;
	log->held -= n_bytes;
	log->log_operator->held -= n_bytes;
	log->budget->used -= n_bytes;
	budget_serve(log->budget);
}

/* The first in line that can be served; those before it wait for their own share. NULL: the first wants room that is not there. */
static struct budget_log *next_in_line(struct budget *b)
{
	for (struct budget_log *log = b->waiting; log != NULL; log = log->next)
		if (!share_is_spent(log, log->wanted))
			return has_room(b, log->wanted) ? log : NULL;
	return NULL;
}

void budget_serve(struct budget *b)
{
	struct budget_log *log;

	while ((log = next_in_line(b)) != NULL) {
		leave_line(log);
		log->serving = true;
		log->room(log);
		log->serving = false;
	}
}
