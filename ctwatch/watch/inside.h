/*
 * The watcher's inside, shared by the files of this directory: one file per activity, all on the loop.
 *
 *   LOADING --ranges, heads--> ASKING --first head--> STARTING --start index--> FOLLOWING
 *   any phase: watcher_close --> CLOSING --last holder gone--> freed
 *
 * In FOLLOWING five activities go on beside each other:
 *   heads     heads.c           timer -> request -> signature -> same tree? -> stored -> newest, pending
 *   reading   read.c            unread stretch -> request -> worker -> ready
 *   commit    commit.c          ready responses -> one transaction -> position; roots compared at every signed size
 *   checking  consistency.c     do two signed heads belong to one tree?
 *             edge.c, recheck.c hash tiles at the right edge, what follows a mismatch
 *             head_first.c    what is read above a gap
 *   proving   prover.c          inclusion proofs of what was found, one by one
 */
#ifndef CTWATCH_WATCH_H
#define CTWATCH_WATCH_H

#include "answer_size.h"
#include "found.h"
#include "pending.h"
#include "position.h"
#include "prover.h"
#include "request.h"
#include "source.h"
#include "tree_walk.h"
#include "watcher.h"

enum watcher_phase { WATCHER_LOADING, WATCHER_ASKING, WATCHER_STARTING, WATCHER_FOLLOWING, WATCHER_CLOSING };

/* Entries that turned out to be in a signed tree: what is marked in the state, and what is withdrawn there. */
struct mark {
	struct hash log_id;
	uint64_t from, to, tree_size;     /* tree_size: of the signed head */
	int64_t now_ms;
	size_t n_withdrawn;
	char summary[512];                /* of the incident that says so */
};

enum read_phase { READ_ASKING, READ_WORKING, READ_READY, READ_COMMITTING };

/* One response: asked for, worked on, waiting to be committed. */
struct read {
	struct pool_job job;
	struct watcher *w;
	struct read *next;
	enum read_phase phase;
	enum governor_class class;
	struct source_window window;
	struct request *request;
	struct buf body;
	uint64_t reserved_bytes;          /* of the budget: */
	uint64_t body_bytes, room_bytes;  /* for what comes, for inflating it */
	unsigned attempt;
	struct batch_head heads[BATCH_HEADS_MAX];
	struct batch_input input;
	struct batch_output output;
	char ruleset_id[24];
	bool ok, in_ranges;               /* in_ranges: its hashes are what the position is made of, not those of another response */
	struct error err;
};

/* Signed entries that could not be had (missing.c): asked for again later, while reading goes on elsewhere. */
struct missing_range {
	uint64_t from, to;
	uint64_t n_ask;                   /* classic: at most so many at a time */
	int64_t since_steady_ms, next_steady_ms;
	unsigned attempts, tries;         /* in all; of this size */
	bool full_tile;                   /* ask for the full tile: the partial one is gone */
	bool refused;                     /* the log says that it does not have it, rather than that it cannot answer */
	bool reported;
	enum incident_class class;        /* what it becomes when it lasts */
};
#define MISSING_RANGES_MAX 64

/* How a request for entries failed. */
struct missing_why {
	bool by_answer;                   /* the log was asked and did not answer well, so that less might do; not: it cannot be reached */
	bool refused, malformed, timed_out, throttled;
	double seconds;
};

/* What follows a root that does not fit (shared/spec/ct-protocols.md 4.3). */
enum doubt_phase { DOUBT_NONE, DOUBT_WAITING, DOUBT_READING, DOUBT_ASKING, DOUBT_BROKEN };
struct doubt {
	enum doubt_phase phase;
	struct tree_head head;            /* the head in question */
	uint64_t from;                    /* verified size below it */
	unsigned attempts;
	int64_t next_steady_ms;
	struct hash *first_hashes, *hashes;   /* of [from, size): first and latest download, for evidence; NULL when there are too many */
	uint64_t n_hashes;
	uint64_t held_bytes;              /* of the log's budget: hashes and raw */
	struct buf raw;                   /* raw bytes of the first bad response */
	char raw_url[512];
	struct request *request;
	struct tree_walk *walk;
	enum incident_class class;        /* BROKEN: the incident that says so; nothing is read again until somebody closes it */
};

/* What a log must answer so that what it signed can be checked. */
enum check { CHECK_CONSISTENCY, CHECK_EDGE, CHECK_HEAD_FIRST, CHECK_START };
#define PROOF_WISHES_MAX 16

/* A head that entries do not hash to, though they do hash to that of a larger one. */
struct wrong_head {
	struct tree_head head;
	struct compact_range tree;        /* [0, its size) as read */
	struct compact_range beyond;      /* from there to the larger head */
};

struct watcher {
	struct ingest *ingest;
	struct listed_log log;
	struct log_key *key;
	const struct source *source;
	enum follow_how how;
	struct watcher_options options;
	enum watcher_phase phase;
	uv_timer_t timer;
	unsigned n_holders;               /* the timer, workers and store jobs: freed when the last is gone */
	void (*closed)(void *ctx);
	void *closed_ctx;
	struct budget_log budget;         /* its part of the memory, */
	struct pool_log turns;            /* and of the workers' time */

	/* heads */
	struct request *head_request;
	int64_t next_poll_steady_ms, last_head_steady_ms, started_steady_ms;
	unsigned head_failures;
	uint64_t answered_at;             /* uv_now at the last good head; 0: none by this process */
	int64_t bad_signatures_steady_ms[3];
	bool has_newest;
	struct tree_head newest;          /* the largest that is stored */
	bool has_verified_head;
	struct tree_head verified_head;
	struct pending_heads pending;     /* what `position` is cut at */

	/* start */
	struct request *start_request;
	char *start_url;                  /* waits for room; then start_done gets the answer */
	void (*start_done)(void *ctx, struct fetch_answer *answer);
	struct tree_walk *walk;
	int64_t retry_start_steady_ms;
	bool restoring;                   /* the verified prefix was damaged: its hashes are had anew, without reading it */
	unsigned start_failures;
	struct bisect {
		uint64_t low, high;
		bool active;
	} bisect;
	uint64_t start_at;                /* chosen, its right edge is being rebuilt */
	struct hash start_leaf;

	/* reading */
	struct position position;         /* as committed */
	bool has_start;
	uint64_t start_index;
	struct page_guess page;
	struct read *reads;
	unsigned n_asking, n_reads;
	struct answer_size answer_size;   /* what an answer of this log may need */
	uint64_t tail_start;              /* beyond 0: read from here on first, the gap below later */
	struct missing_range missing[MISSING_RANGES_MAX];
	size_t n_missing;
	bool answered;                    /* a request for entries, once, well or ill: it does not just hang */
	unsigned fruitless;               /* requests for entries that failed since one was answered */
	int64_t entries_rest_steady_ms;          /* beyond 0: no entries are asked for before */
	uint64_t recent_sizes[3];         /* of the latest heads */
	bool beyond_failed;               /* what lies behind all of them could not be had */
	uint64_t partial_tile;            /* the unfinished data tile, and since when it is unfinished */
	int64_t partial_since_steady_ms;
	uint64_t live_from;               /* entries from here on are read as they come: their delay counts */

	/* committing */
	struct commit *commit;
	int64_t retry_commit_steady_ms;
	bool compare_wanted;              /* roots, although nothing new was read */
	struct state_counters counters;   /* requests since the last commit */
	uint64_t entries_read;

	/* checking */
	struct tree_walk *edge_walk;
	uint64_t edge_size;
	unsigned edge_failures;
	int64_t edge_retry_steady_ms;
	struct consistency {              /* is the older head's tree a prefix of the newer one's? */
		struct proof_wish {
			struct tree_head older, newer;
			bool refused;
			bool entries_tell;    /* entries that are read up to the newer head make the question moot */
			unsigned failures;
			int64_t due_steady_ms;
		} wishes[PROOF_WISHES_MAX], now;
		size_t n_wishes;
		bool asking;              /* about `now` */
		bool older_done;          /* static logs: the older root is rebuilt, on to the newer */
		struct request *request;
		struct tree_walk *walk;
	} consistency;
	unsigned refused;                 /* checks that the log makes impossible, bits of enum check */
	struct tail_check {               /* static logs: are the entries read at the head, above a gap, those that were signed? */
		struct compact_range base;/* the tree below them, from hash tiles; empty: not had yet */
		struct tree_head head;    /* being compared, with the entries below `top` */
		uint64_t top, proven;     /* entries above the gap and below `proven` are */
		unsigned failures;
		int64_t retry_steady_ms;
		struct tree_walk *walk;
	} tail;
	struct doubt doubt;
	uint64_t scan_asked, scan_proven; /* scan: where a proof was last asked for, and had */
	struct scan_leaves {              /* scan that stores: what was found and is not proven yet */
		struct scan_leaf {
			uint64_t index;
			struct hash hash;
		} *items;
		size_t n, cap;
	} scan_leaves;

	struct issuer *issuers;           /* being fetched */
	size_t n_issuers;
	struct prover *prover;            /* inclusion proofs of what was found */

	/* incidents */
	struct {
		bool open, kept;          /* kept: the state knows that it is open */
		int64_t seen_steady_ms, told_steady_ms;
		uint64_t times;           /* seen since the state was told last */
	} incidents[N_INCIDENT_CLASSES];
	bool looking;                     /* whether somebody closed one by hand */
	int64_t looked_steady_ms;
	bool contradicted;
	struct error last_error;
	int64_t trouble_kept_steady_ms;
	struct {
		uint64_t verified, end;   /* at the last look */
		int64_t since_steady_ms;
	} stall;
	uint64_t backlog_start;           /* entries behind when it began to grow */
	int64_t behind_since_steady_ms;
	uint64_t size_then;
	uint64_t requests_told, throttled_told;   /* handed to the state with commits; the rest is in `counters` */
	struct {
		int64_t since_steady_ms;
		uint64_t requests, throttled;     /* all before it */
	} throttle_window;
	struct {
		int64_t since_steady_ms;
		uint64_t used_us, n_entries;
	} cpu_window;

	/* once */
	bool has_target;
	uint64_t target;
	bool started_at_end;
	int64_t last_progress_steady_ms;
	enum watcher_outcome outcome;
};

/* watcher.c */
void watch_enter(struct watcher *, enum watcher_phase phase);
void watch_hold(struct watcher *);
void watch_release(struct watcher *);
int64_t watch_steady_ms(const struct watcher *);      /* for deadlines and how long something lasts */
int64_t watch_wall_ms(const struct watcher *);        /* for what is written, and what the log dates */
/* A head's time as a signed number; what lies beyond it is the largest. */
int64_t watch_head_ms(const struct tree_head *head);
void watch_progress(struct watcher *);                /* something went forward */
void watch_trouble(struct watcher *, const struct error *err);
int64_t watch_due(const struct watcher *);            /* when something is due next, on the steady clock; within a minute */
void watch_schedule(struct watcher *);                /* set the timer for whatever is due next */
void watch_settle(struct watcher *, enum watcher_outcome outcome);
struct request *watch_request(struct watcher *, const char *url, size_t max_bytes, enum governor_class class, bool fresh,
			      void (*done)(void *ctx, struct fetch_answer *answer), void *ctx);
struct request *watch_request_entries(struct watcher *, const struct read *r, size_t max_bytes, bool fresh,
				      void (*done)(void *ctx, struct fetch_answer *answer), void *ctx);
/* heads.c */
/* Two roots of one size are stored and were not reported; the signed heads go with the incident. */
void watch_report_fork(struct watcher *, uint64_t tree_size);
void watch_poll(struct watcher *);
void watch_heads_due(struct watcher *, int64_t now_ms);
/* The position is cut at the pending sizes again, after either has changed. */
void watch_cut(struct watcher *);
/* start.c */
void watch_start_reading(struct watcher *);
/* There may be room for what it waits to ask for. */
void watch_start_room(struct watcher *);
/* read.c */
void watch_pump(struct watcher *);
void watch_read_free(struct read *);
/* missing.c */
struct missing_range *watch_missing_at(struct watcher *, uint64_t from, uint64_t to);
int64_t watch_missing_due(const struct watcher *);
void watch_missing_note(struct watcher *, const struct source_window *window, enum incident_class class, const struct missing_why *why,
			const struct error *err);
/* A request was answered well; of its window, [from, to) came. */
void watch_missing_worked(struct watcher *, const struct source_window *window);
/* Where to look next in [from, limit), when nothing came from `from` on for long: ahead, so that what lies behind a long gap is found. */
uint64_t watch_missing_probe(const struct watcher *, uint64_t from, uint64_t limit);
/* Would its failure make the next request smaller? */
bool watch_missing_shrinks(struct watcher *, const struct source_window *window);
void watch_missing_served(struct watcher *, uint64_t from, uint64_t to);
/* A head came: what lies behind the latest ones and was refused is not asked for any more. */
void watch_missing_head(struct watcher *, uint64_t tree_size);
/* The newest signed size, or less where later heads and refusals agree that entries end before it. */
uint64_t watch_readable_size(const struct watcher *);
/* commit.c */
void watch_commit(struct watcher *);
/* edge.c, consistency.c */
void watch_check_edge(struct watcher *);
void watch_check_proof(struct watcher *);
/* Asks whether two signed heads belong to one tree; a check that is under way is not disturbed. */
void watch_want_proof(struct watcher *, const struct tree_head *older, const struct tree_head *newer);
bool watch_proofs_wanted(const struct watcher *);
int64_t watch_proofs_due(const struct watcher *);
void watch_proofs_cancel(struct watcher *);
/* The verified size has moved: what entries have told is not asked any more. */
void watch_proofs_settle(struct watcher *);
/* This head's root was rebuilt from entries. */
void watch_proof_moot(struct watcher *, uint64_t tree_size, const struct hash *root);
/* refusal.c */
int64_t watch_check_delay(const struct watcher *, unsigned failures);    /* after the n-th failure: at once, 5 and 30 minutes, an hour */
unsigned watch_check_attempts(const struct watcher *);                   /* before a failure is told */
void watch_refused(struct watcher *, enum check check, const char *format, ...) PRINTF_LIKE(3, 4);
void watch_answered(struct watcher *, enum check check);
/* Entries do not hash to this head, nor to a larger one. */
void watch_doubt(struct watcher *, const struct tree_head *head);
/* Roots were compared: the heads that are wrong themselves are told of, and a doubt that the verified size has passed is over. */
void watch_doubt_settle(struct watcher *, const struct wrong_head *wrong, size_t n_wrong);
void watch_doubt_due(struct watcher *);
/* Takes over the bytes of a response that does not fit, while there is none and room for it. */
void watch_doubt_raw(struct watcher *, struct buf *body);
/* The incident of a doubt that was BROKEN is closed: verification goes on from the verified size. */
void watch_doubt_over(struct watcher *);
/* incidents_closed.c */
void watch_closed_look(struct watcher *, int64_t now_ms);
/* head_first.c */
void watch_check_tail(struct watcher *);
/* scan.c */
void watch_scan_prove(struct watcher *);              /* if it is time to */
void watch_scan_proven(struct watcher *, uint64_t up_to);
/* What is found: remembered until it is proven, forgotten when its range is read again. */
void watch_scan_found(struct watcher *, uint64_t index, const struct hash *leaf_hash);
void watch_scan_forget(struct watcher *, uint64_t from, uint64_t to);
/* mark.c */
/* On the store's thread, in the transaction that stores the ranges: sightings become verified or withdrawn. */
bool watch_mark_run(struct mark *, struct state *, struct error *err);
/* Afterwards, on the loop. */
void watch_mark_done(struct watcher *, const struct mark *);
/* The same as a job of its own: sightings of [from, to) that are stored are proven by the head of `tree_size`. */
void watch_mark_verified(struct watcher *, uint64_t from, uint64_t to, uint64_t tree_size);
/* issuers.c */
#define ISSUER_BYTES_MAX (64u << 10) /* of one issuer certificate that is kept; real ones have 1 to 3 kB, post-quantum ones some 20 */
#define CHAIN_MAX 10                 /* issuers of one entry; real chains have up to 5 */
void watch_want_issuers(struct watcher *, const struct found *found);
int64_t watch_issuers_due(const struct watcher *);
void watch_issuers_wake(struct watcher *);
void watch_issuers_cancel(struct watcher *);
void watch_issuers_free(struct watcher *);
/* health.c */
void watch_health(struct watcher *, int64_t now_ms);
/* incidents.c */
void watch_report(struct watcher *, enum incident_class class, const char *subject, const char *format, ...) PRINTF_LIKE(4, 5);
void watch_clear(struct watcher *, enum incident_class class, const char *why);
/* An incident that a job of the store opened already. */
void watch_reported(struct watcher *, enum incident_class class, const char *summary);
/* On the store's thread: the signed heads of these two sizes, as the log sent them, become evidence of an incident. */
bool watch_put_heads(struct state *, const struct hash *log_id, const char *incident, const uint64_t sizes[2], struct error *err);
/* The same with bytes that a third party can check, copied: at most EVIDENCE_FILES_MAX files, a name of NULL ends them. */
#define EVIDENCE_FILES_MAX 6
struct evidence_file {
	const char *name;
	struct slice content;
};
void watch_report_evidence(struct watcher *, enum incident_class class, const char *subject, const struct evidence_file *files,
			   const char *format, ...) PRINTF_LIKE(5, 6);

#endif
