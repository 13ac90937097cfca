/*
 * A sink: where alerts go. Each type is one file that exports one `struct sink_type`; the table is in sinks.c. Private to
 * alerts/.
 */
#ifndef CTWATCH_SINK_H
#define CTWATCH_SINK_H

#include "alerts.h"

#define SINKS_MAX 64
#define DELIVERY_ITEMS_MAX 200       /* rows in one digest message */

/* What was logged, as kept: for programs that look at the certificate itself. */
struct alert_entry {
	char *log_url;
	uint64_t index;
	struct hash tbs_sha256, sha256;
	bool der_is_tbs;
	struct buf der;                   /* certificate, precertificate or TBS; empty when it is not kept */
	uint64_t too_large_bytes;         /* its length when that is why it is not kept; else 0 */
	struct buf leaf, extra;           /* MerkleTreeLeaf, and the chain as the log gave it */
	struct buf *chain;                /* DER, from the issuer up */
	size_t n_chain;
	char *chain_error;                /* why the chain is not whole, or NULL */
};
/* On the store's thread. NULL when nothing is kept. */
struct alert_entry *alert_entry_load(struct state *st, const struct outbox_item *row);
void alert_entry_free(struct alert_entry *);   /* NULL is fine */

/* What sinks use of the program around them; outlives them. */
struct sink_env {
	struct alerts *alerts;            /* what standard output belongs to */
	uv_loop_t *loop;
	struct fetcher *fetcher;
	struct clock clock;
};

/* One row of the outbox, ready to be told. */
struct alert_item {
	char id[FINDING_ID_LEN + 1];      /* for Idempotency-Key, Message-ID ... */
	enum event_type event;
	char *subject;                    /* finding or incident id: what messages of one thread share */
	char *group, *certificate;        /* registrable domain, and TBS hash of the certificate that brought it; or NULL */
	char *message;                    /* id of the message that it was told in before, or NULL */
	char *progress;                   /* as the sink set it before (delivery_set_progress), or NULL */
	char *thread;                     /* as delivery_set_thread kept it for this subject, or NULL */
	json_t *envelope;                 /* owned: {"v":1,"event":..,"id":..,"time":..,"finding":{..}} */
	struct alert_entry *entry;        /* owned; only for sink types that want it, and NULL when nothing is kept */
	int attempts;
	int64_t created_ms;
};

/* What a sink is asked to deliver at once: one item, or several for sinks that group. */
struct delivery {
	const struct sink_env *env;
	struct sink *sink;
	struct alert_item *items;
	size_t n;
	bool digest;                      /* collected over time or by the hourly ceiling, not urgent */
	char id[FINDING_ID_LEN + 1];      /* the item's, or made of all items' */
	bool finished;
	struct lane *under_way_in;        /* NULL for a test message */
	void (*tested)(struct delivery *, bool ok, const char *answer);   /* a test message: nothing is marked */
	void *test;
	char thread[64];                  /* set by delivery_set_thread */
	char *progress;                   /* set by delivery_set_progress */
	char note[256];                   /* of a message that was taken: what the operator should know all the same; or "" */
	int64_t pause_ms;                 /* the next try not before so long; 0: as usual */
	bool taken_by_some;               /* one of several receivers has it, now or since an earlier try */
	unsigned shrink;                  /* how much the receiver wants left out: the levels of envelope_fit.h */
	bool perhaps_too_large;           /* no answer came: a message of many rows may have been too much at once */
	void *under_way;                  /* the sink type's own, e.g. a request */
	void (*cancel)(struct delivery *);/* set by the sink type while something is under way */
};

enum delivery_result {
	DELIVERY_OK,
	DELIVERY_RETRY,                   /* later: sink down, 5xx, 429 */
	DELIVERY_REFUSED,                 /* it will never take this one. One of many rows is halved, so that those that it minds are found; one row is dead */
	DELIVERY_NEVER,                   /* nor any part of it: dead as a whole */
};
/*
 * Exactly once per delivery that was not cancelled, on the loop; never from inside deliver(). `answer` is one sentence without
 * secrets. retry_after_ms -1: not said. After cancel() the delivery is gone: no done, no touch.
 */
void delivery_done(struct delivery *, enum delivery_result result, const char *answer, int64_t retry_after_ms);

/* delivery_done on the next turn of the loop, for answers that are known inside deliver(). */
void delivery_finish_later(struct delivery *, enum delivery_result result, const char *answer);
/*
 * What the receiver calls this conversation (a Slack ts): kept with the sink and the item's subject when the delivery succeeds,
 * and given back as `thread` of later items. At most 63 bytes.
 */
void delivery_set_thread(struct delivery *, const char *thread);

/* For a message with several receivers: JSON of the sink's own that says which of them have it. Kept with each row until all have. */
void delivery_set_progress(struct delivery *, const char *json);
/* The id of a message of these rows: the row's own, or made of all. */
void delivery_id_of(const struct alert_item *items, size_t n, char id[FINDING_ID_LEN + 1]);

uv_loop_t *delivery_loop(const struct delivery *);
struct fetcher *delivery_fetcher(const struct delivery *);
struct standard_output *delivery_standard_output(const struct delivery *);   /* see standard_output.h; NULL: it cannot be opened */
int64_t delivery_wall_ms(const struct delivery *);

struct sink_type {
	const char *name;
	const char *const *keys;          /* configuration keys of its own, NULL-terminated; unknown ones are errors */
	unsigned default_events;          /* bit per enum event_type; 0: those of most sinks */
	bool for_people;                  /* several items may be one message */
	bool one_at_a_time;               /* never two deliveries under way, also for programs */
	bool wants_entry;                 /* items come with what was logged */
	bool operations;                  /* gets incidents unless told otherwise */
	bool naming_at_once;              /* naming findings do not wait for the digest: a stream for programs */
	/* How many of the first items fit into one message of this receiver's (1 at least); NULL: all. */
	size_t (*fits)(struct sink *sink, const struct delivery *delivery);
	/* Reads its keys from `object` into sink->own; contacts nothing. */
	bool (*open)(struct sink *sink, const struct config *config, const json_t *object, struct error *err);
	void (*close)(struct sink *sink);
	void (*deliver)(struct sink *sink, struct delivery *delivery);
	void (*reopen)(struct sink *sink);                /* SIGHUP; may be NULL */
	void (*describe)(const struct sink *sink, struct buf *out);   /* "mail to soc@..."; no secrets */
};

enum naming_policy { NAMING_DIGEST, NAMING_AT_ONCE, NAMING_OFF };

struct sink {
	char *name;                       /* unique in the configuration */
	const struct sink_type *type;
	void *own;                        /* of the type */
	unsigned events;                  /* bit per enum event_type */
	int min_score;                    /* findings below are not sent; 0: whatever is flagged */
	enum naming_policy naming;
	struct string_list rules, brands, kinds;      /* globs; empty: all */
	int64_t retry_for_ms;             /* then dead letter */
	unsigned per_hour;                /* messages; more become a digest. 0: no ceiling */
	int64_t group_window_ms;          /* how long a first finding waits for others of its registrable domain */
	int digest_minute;                /* of the day, UTC */
	bool has_secrets;                 /* passwords, tokens, addresses with tokens */
};

extern const struct sink_type *const SINK_TYPES[];      /* NULL-terminated */

/* Does this sink want the event? *digest: it may wait for the digest. */
bool sink_wants(const struct sink *sink, const struct state_event *event, bool *digest);
/* First digest time after now. */
int64_t sink_digest_due(const struct sink *sink, int64_t now_ms);

/* On the store's thread: the envelope of an outbox row, from state. NULL with an error when its subject is gone. */
json_t *envelope_make(struct state *st, const struct outbox_item *item, struct error *err);
/* The envelope of a test event. */
json_t *envelope_test(const char *id, int64_t now_ms);

#endif
