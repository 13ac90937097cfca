/*
 * A round: what a lane takes out of the outbox at once, and what became of it. The lane's machine (lane.c) hands it to a worker
 * that loads, and to the store's thread that marks; it belongs to one of them at a time. Private to alerts/.
 */
#ifndef CTWATCH_ROUND_H
#define CTWATCH_ROUND_H

#include "sink.h"

/* The outcome of one row, told to the store's thread. */
struct mark {
	char id[FINDING_ID_LEN + 1];
	enum delivery_result result;
	int64_t created_ms;
	int64_t pause_ms;                /* from the marking to the next try */
	char why[256];                   /* of a failure; of a success: the note, or "" */
	bool taken_by_some;              /* too old, it counts as sent: somebody has it */
	char message[FINDING_ID_LEN + 1];/* the smaller message that it goes into next time, or "" */
	char *thread_key, *thread;       /* a fact to keep, or NULL */
	char *progress;                  /* to keep, or NULL */
};

struct round {
	char *sink_name;
	const char *directory;
	struct state *reader;            /* the lane's own connection; opened at the first load */
	bool for_people, with_entry;
	bool only_fresh;                 /* rows that were never tried */
	int64_t first_by_ms;             /* a message begins with a row that is due by then ... */
	int64_t joins_by_ms;             /* ... and takes along what belongs to it and is due by then */
	int64_t now_ms, retry_for_ms;    /* when it was loaded */
	int64_t elapsed_ms;              /* from then to the marks, which a clock that is set meanwhile does not change */
	int64_t marked_ms;
	size_t limit;
	/* filled by the loading job */
	struct alert_item items[DELIVERY_ITEMS_MAX];
	size_t n_items;
	bool digest;
	char message[FINDING_ID_LEN + 1];/* for people: the id of the one message that the items are */
	bool joined;                     /* the rows were told in it before, or are marked so */
	int64_t next_due_ms;
	/* read by the marking job */
	struct mark marks[DELIVERY_ITEMS_MAX];
	size_t n_marks;
	bool recovered;                  /* what waits for its next try is due now */
	bool ok;
	struct error err;
};

bool round_is_empty(const struct round *);
void round_clear(struct round *);
/* Also closes the connection. */
void round_deinit(struct round *);
/* For people: the first n items are the message, the others stay for later ones. */
void round_take(struct round *, size_t n);
/* The outcome of one of a delivery's rows; pause_ms: after which a failed one is tried again. */
void round_mark(struct round *, const struct delivery *delivery, const struct alert_item *item, enum delivery_result result, const char *why, int64_t pause_ms);
/* The same for a message that was too much: the rows come again in two halves. */
void round_halve(struct round *, const struct delivery *delivery, const char *why);

/* On a worker: fills items, digest and next_due_ms; sets ok and err. */
void round_load(struct round *);
/*
 * On the store's thread, jobs whose ctx is the round: what waits becomes a digest; the rows of a message are bound together before
 * it goes out, so that it comes again as the same one; the marks are written.
 */
bool round_join_job(void *ctx, struct state *st, struct error *err);
bool round_overflow_job(void *ctx, struct state *st, struct error *err);
bool round_mark_job(void *ctx, struct state *st, struct error *err);

#endif
