/* See round.h. */
#include "round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AHEAD_MAX 1000          /* rows looked at for what belongs to the first one */

/* ---- items ----------------------------------------------------------------------------------------------- */

static void item_deinit(struct alert_item *item)
{
	free(item->subject);
	free(item->group);
	free(item->certificate);
	free(item->message);
	free(item->progress);
	free(item->thread);
	json_decref(item->envelope);
	alert_entry_free(item->entry);
	*item = (struct alert_item){ 0 };
}

void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->n_items; i++)
		item_deinit(&round->items[i]);
	for (size_t i = 0; i < round->n_marks; i++) {
		free(round->marks[i].thread_key);
		free(round->marks[i].thread);
		free(round->marks[i].progress);
	}
	round->n_items = 0;
	round->n_marks = 0;
}

void round_take(struct round *round, size_t n)
{
	for (size_t i = n; i < round->n_items; i++)
		item_deinit(&round->items[i]);
	round->n_items = n;
	if (!round->joined)
		delivery_id_of(round->items, n, round->message);
}

/* Where a conversation's name at the receiver is kept. */
static char *thread_key(const struct round *round, const char *subject)
{
	return xasprintf("thread/%s/%s", round->sink_name, subject);
}

static struct mark *add_mark(struct round *round, const struct alert_item *item, enum delivery_result result, const char *why)
{
	struct mark *mark = &round->marks[round->n_marks++];

	*mark = (struct mark){ .result = result, .created_ms = item->created_ms };
	memcpy(mark->id, item->id, sizeof(mark->id));
	snprintf(mark->why, sizeof(mark->why), "%.*s", (int)sizeof(mark->why) - 1, why);
	return mark;
}

void round_mark(struct round *round, const struct delivery *delivery, const struct alert_item *item, enum delivery_result result, const char *why, int64_t pause_ms)
{
	struct mark *mark = add_mark(round, item, result, result == DELIVERY_OK ? delivery->note : why);

	mark->pause_ms = pause_ms;
	mark->taken_by_some = delivery->taken_by_some;
	mark->progress = delivery->progress != NULL ? xstrdup(delivery->progress) : NULL;
	/* a conversation's name at the receiver */
	if (result == DELIVERY_OK && delivery->thread[0] != '\0' && item->thread == NULL) {
		mark->thread_key = thread_key(round, item->subject);
		mark->thread = xstrdup(delivery->thread);
	}
}

void round_halve(struct round *round, const struct delivery *delivery, const char *why)
{
	const size_t half = delivery->n / 2;

	for (size_t i = 0; i < delivery->n; i++) {
		struct mark *mark = add_mark(round, &delivery->items[i], DELIVERY_RETRY, why);

		if (i < half)
			delivery_id_of(delivery->items, half, mark->message);
		else
			delivery_id_of(delivery->items + half, delivery->n - half, mark->message);
	}
}

void round_deinit(struct round *round)
{
	round_clear(round);
	if (round->reader != NULL)
		state_close(round->reader);
	free(round->sink_name);
}

/* ---- on a worker: what is due --------------------------------------------------------------------------- */

struct loading {
	struct round *round;
	struct state *st;
	int64_t next_due_ms;
	struct error *err;
	bool failed;                      /* the state did not answer: nothing is known of the rows, so they stay as they are */
};

static bool see_next(void *ctx, const struct outbox_item *row)
{
	struct loading *loading = ctx;

	if (row->due_ms < loading->next_due_ms)
		loading->next_due_ms = row->due_ms;
	return false;
}

static bool same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/*
 * People get what belongs together in one message: what shares a registrable domain or a certificate, or everything in a digest.
 * What was told before comes again with the same companions.
 */
static bool belongs(const struct round *round, const struct outbox_item *row)
{
	if (!round->for_people || round->n_items == 0)
		return true;
	const struct alert_item *first = &round->items[0];

	if (first->message != NULL || row->message != NULL)
		return same(first->message, row->message);
	if (round->digest || row->event != first->event)
		return round->digest;
	for (size_t i = 0; i < round->n_items; i++)
		if (same(round->items[i].group, row->group) || same(round->items[i].certificate, row->certificate))
			return true;
	return false;
}

static char *dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static bool see_due(void *ctx, const struct outbox_item *row)
{
	struct loading *loading = ctx;
	struct round *round = loading->round;
	struct error err = { 0 };

	if (round->n_items == 0 && row->due_ms > round->first_by_ms)
		return false;
	if (!belongs(round, row))
		return true;
	if (round->n_items == round->limit || round->n_items + round->n_marks == DELIVERY_ITEMS_MAX)
		return false;
	struct alert_item item = { .event = row->event, .attempts = row->attempts, .created_ms = row->created_ms };
	memcpy(item.id, row->id, sizeof(item.id));
	item.envelope = envelope_make(loading->st, row, &err);
	if (item.envelope == NULL && err.kind != ERR_USAGE && err.kind != ERR_MALFORMED) {
		*loading->err = err;
		loading->failed = true;
		return false;
	}
	if (item.envelope == NULL) {
		/* its subject is gone (pruned): nothing can be told any more, and the dead letters say why */
		add_mark(round, &item, DELIVERY_REFUSED, err.text);
		return true;
	}
	item.subject = xstrdup(row->subject != NULL ? row->subject : "");
	item.group = dup_or_null(row->group);
	item.certificate = dup_or_null(row->certificate);
	item.message = dup_or_null(row->message);
	item.progress = dup_or_null(row->progress);
	char *key = thread_key(round, item.subject);
	if (!state_get_fact(loading->st, key, &item.thread, &err))
		item.thread = NULL;
	free(key);
	if (round->with_entry)
		item.entry = alert_entry_load(loading->st, row);
	round->items[round->n_items++] = item;
	return true;
}

bool round_is_empty(const struct round *round)
{
	return round->n_items == 0 && round->n_marks == 0;
}

/* A digest is one message of many rows for people; programs get its rows one by one. */
static bool load_digest(struct loading *loading, struct error *err)
{
	struct round *round = loading->round;

	round->digest = round->for_people;
	if (!state_outbox_due_digest(loading->st, round->sink_name, round->first_by_ms, DELIVERY_ITEMS_MAX, see_due, loading, err) || loading->failed)
		return false;
	round->digest = round->digest && !round_is_empty(round);
	return true;
}

static bool load(struct round *round, struct state *st, struct error *err)
{
	struct loading loading = { .round = round, .st = st, .next_due_ms = INT64_MAX, .err = err };

	round_clear(round);
	round->digest = false;
	if (!round->only_fresh && !load_digest(&loading, err))
		return false;
	if (round_is_empty(round) && !(round->only_fresh ? state_outbox_due_fresh : state_outbox_due)(st, round->sink_name, round->joins_by_ms, LOOK_AHEAD_MAX, see_due, &loading, err))
		return false;
	if (loading.failed)
		return false;
	round->joined = round->n_items > 0 && round->items[0].message != NULL;
	if (round->joined)
		snprintf(round->message, sizeof(round->message), "%s", round->items[0].message);
	if (!state_outbox_due(st, round->sink_name, INT64_MAX, 1, see_next, &loading, err) ||
	    !state_outbox_due_digest(st, round->sink_name, INT64_MAX, 1, see_next, &loading, err))
		return false;
	round->next_due_ms = loading.next_due_ms;
	return true;
}

void round_load(struct round *round)
{
	round->ok = (round->reader != NULL || state_open(round->directory, STATE_READ, round->now_ms, &round->reader, &round->err)) &&
		    load(round, round->reader, &round->err);
}

/* ---- on the store's thread: a flood, and what became of what was sent -------------------------------- */

bool round_overflow_job(void *ctx, struct state *st, struct error *err)
{
	struct round *round = ctx;

	return state_outbox_to_digest(st, round->sink_name, round->first_by_ms, err);
}

bool round_join_job(void *ctx, struct state *st, struct error *err)
{
	struct round *round = ctx;

	for (size_t i = 0; i < round->n_items; i++)
		if (!state_outbox_join(st, round->items[i].id, round->message, err))
			return false;
	return true;
}

static bool write_mark(const struct round *round, const struct mark *mark, struct state *st, struct error *err)
{
	bool old = clock_age_ms(round->now_ms, mark->created_ms) + round->elapsed_ms > round->retry_for_ms;
	bool dead = mark->result == DELIVERY_REFUSED || mark->result == DELIVERY_NEVER || old;
	bool sent = mark->result == DELIVERY_OK || (mark->taken_by_some && dead);

	if (sent ? !state_outbox_sent(st, mark->id, mark->why[0] != '\0' ? mark->why : NULL, round->marked_ms, err)
		 : !state_outbox_failed(st, mark->id, mark->why, round->marked_ms + mark->pause_ms, dead, round->marked_ms, err))
		return false;
	return (mark->message[0] == '\0' || state_outbox_join(st, mark->id, mark->message, err)) &&
	       (mark->progress == NULL || state_outbox_progress(st, mark->id, mark->progress, err)) &&
	       (mark->thread == NULL || state_put_fact(st, mark->thread_key, mark->thread, err));
}

bool round_mark_job(void *ctx, struct state *st, struct error *err)
{
	struct round *round = ctx;

	for (size_t i = 0; i < round->n_marks; i++)
		if (!write_mark(round, &round->marks[i], st, err))
			return false;
	return !round->recovered || state_outbox_recover(st, round->sink_name, round->marked_ms, err);
}
