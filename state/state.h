/*
 * What survives a restart: positions, tree heads, incidents, certificates, findings, sightings, the outbox, triage and
 * counters. Verbs, not SQL: this is the only library that knows SQLite. A state is a directory:
 *
 *   ctwatch.db         SQLite, WAL      lock           held by the running daemon: its process id
 *   incidents/<id>/    evidence files   issuers/<hex>  chain certificates by SHA-256
 *   lists/             last good log lists             reserve  space kept for the last alert
 *   backups/           copies made before a migration
 *
 * One thread writes through one `struct state`; readers open their own with STATE_READ. Times are milliseconds since the
 * Unix epoch and are passed in. Strings and slices in results belong to the result, freed by its _deinit.
 *
 * Errors: ERR_RETRY the database is locked by somebody; ERR_NO_SPACE the disk is full, nothing was changed;
 * ERR_FATAL unusable (read-only, newer schema, corrupted): one sentence that says what to do, nothing destroyed.
 */
#ifndef CTWATCH_STATE_H
#define CTWATCH_STATE_H

#include "base.h"

struct state;

enum state_mode {
	STATE_DAEMON,      /* takes the lock, creates, migrates, writes */
	STATE_WRITE,       /* no lock: triage and other small writes beside a running daemon */
	STATE_READ,        /* must exist; never writes */
};

bool state_open(const char *directory, enum state_mode mode, int64_t now_ms, struct state **out, struct error *err);
void state_close(struct state *);
const char *state_directory(const struct state *);
/* Had this directory a database before, which is missing, so that a new one was begun? */
bool state_begins_anew(const struct state *);
/* May users who are neither the owner nor of the group look into the directory? */
bool state_is_open_to_all(const struct state *);
/* The process that holds the lock, or 0. */
long state_holder(const char *directory);
/*
 * The daemon's files were removed, moved or replaced while it had them open. Found out when a transaction begins, which fails
 * with ERR_FATAL and a sentence, as does every later one: what would be written now nobody would find.
 */
bool state_is_lost(const struct state *);
/*
 * Saves what a lost state still holds, checked, in backups/ (*path is malloc'd), and takes its write-ahead log out of the way of
 * the database that is there now.
 */
bool state_rescue(struct state *, int64_t now_ms, char **path, struct error *err);

/*
 * Group several verbs into one transaction. Nested ones are savepoints: aborting an inner one undoes only what it did. Every
 * verb is atomic by itself. With STATE_READ a transaction is one snapshot: several reads agree with each other.
 *
 *   if (!state_begin(st, err))
 *           return false;
 *   if (verbs(st, err) && state_commit(st, err))
 *           return true;
 *   state_abort(st);                 due also after a commit that failed
 *
 * Callbacks of state_each_* may read and write through the same state, but what they write may or may not be seen by the
 * iteration that calls them.
 */
bool state_begin(struct state *, struct error *err);
bool state_commit(struct state *, struct error *err);
void state_abort(struct state *);

/* ---- logs, positions, heads ----------------------------------------------------------------------- */

struct state_log {
	struct hash log_id;
	char *name, *url, *log_operator, *protocol, *lifecycle;
	int64_t start_index;              /* -1 until decided: what lies before was never asked for */
	int64_t added_ms, last_success_ms, last_entry_ms;   /* last_entry_ms: newest entry timestamp read */
	char *last_error;                 /* or NULL */
	int64_t last_error_ms;
	uint64_t head_size;               /* of the newest verified-signature head */
	int64_t head_timestamp_ms, head_received_ms;
	uint64_t position;                /* end of the range read from start_index on */
	uint64_t read_entries;            /* sum of all ranges */
	uint64_t verified_size;
	int64_t verified_ms;
	uint64_t n_open_incidents;
	char *why_not_read;               /* listed but not followed: a sentence; else NULL */
	int64_t sunset_ms;                /* end of the shard's interval or INT64_MAX */
};
bool state_put_log(struct state *, const struct state_log *log, struct error *err);       /* identity and lifecycle members only */
/* Why a log that is known is not read (any more). */
bool state_log_not_read(struct state *, const struct hash *log_id, const char *why, struct error *err);
bool state_log_progress(struct state *, const struct hash *log_id, int64_t last_success_ms, const char *last_error, int64_t now_ms, struct error *err);
bool state_set_start(struct state *, const struct hash *log_id, uint64_t start_index, struct error *err);
typedef bool state_log_fn(void *ctx, const struct state_log *log);                        /* false stops */
bool state_each_log(struct state *, state_log_fn *fn, void *ctx, struct error *err);

/* A range of entries that were read, with the hashes of compact_range (32 bytes each). */
struct state_range {
	uint64_t start, end;
	bool verified;                    /* covered by a signed head whose root was rebuilt */
	struct slice hashes;
	bool damaged;                     /* it is not what was stored: the disk, or somebody, changed it */
};
/* The whole set of ranges of a log, ordered, replaces what was there. */
bool state_put_ranges(struct state *, const struct hash *log_id, const struct state_range *ranges, size_t n, struct error *err);
typedef bool state_range_fn(void *ctx, const struct state_range *range);
bool state_each_range(struct state *, const struct hash *log_id, state_range_fn *fn, void *ctx, struct error *err);

struct state_head {
	uint64_t tree_size, timestamp_ms;
	struct hash root;
	struct slice raw;                 /* as received: JSON or note */
	int64_t received_ms;
	int64_t verified_ms;              /* 0: pending */
	char source[32];                  /* "log", "witness", "import" */
	enum head_standing {
		HEAD_GOOD,
		HEAD_FORKED,              /* another root was signed for its size before: never followed */
		HEAD_SET_ASIDE,           /* entries were compared with its root and do not hash to it: not compared again */
	} standing;
};
/*
 * What is known of a head that comes: the one table of signed heads is asked for every one, of any age. Kept for good are every head of two
 * days, then one an hour; of one tree that is signed again and again the first and the newest; of the heads that contradict
 * others STATE_HEADS_OF_SIZE_MAX a size and STATE_HEADS_ODD_MAX a log.
 */
struct head_answer {
	bool known, verified;             /* this root of this size was there before; its tree was rebuilt */
	bool stored;
	enum head_standing standing;
	bool forks;                       /* `other` is what was signed for its size before */
	struct state_head other;          /* without raw bytes */
};
#define STATE_HEADS_OF_SIZE_MAX 4
#define STATE_HEADS_ODD_MAX 256
#define STATE_HEAD_BYTES_MAX 4096
/* Before it is acted on. The same (size, root, timestamp) again changes nothing; `answer` may be NULL. Raw bytes: at most STATE_HEAD_BYTES_MAX. */
bool state_put_head(struct state *, const struct hash *log_id, const struct state_head *head, struct head_answer *answer, struct error *err);
/* Marks all pending heads of this size and root verified, and marks the log verified up to `tree_size`. */
bool state_verify_head(struct state *, const struct hash *log_id, uint64_t tree_size, const struct hash *root, int64_t now_ms, struct error *err);
bool state_stand_head(struct state *, const struct hash *log_id, uint64_t tree_size, const struct hash *root, enum head_standing standing, struct error *err);
/* A head that is not what was stored: its raw bytes do not say what stands beside them. */
bool state_drop_head(struct state *, const struct hash *log_id, uint64_t tree_size, const struct hash *root, struct error *err);
typedef bool state_head_fn(void *ctx, const struct state_head *head);
bool state_each_head(struct state *, const struct hash *log_id, bool pending_only, state_head_fn *fn, void *ctx, struct error *err);
enum head_set {
	HEADS_BEYOND,                     /* not verified, larger than `size`, by size and then in the order in which they came */
	HEADS_BELOW,                      /* not verified nor contradicted, of `size` or smaller: the 8 largest */
	HEADS_VERIFIED,                   /* the largest verified one up to `size` */
	HEADS_OF_SIZE,
	HEADS_UNTOLD,                     /* one that contradicts another and came after all that was reported of the kind */
};
bool state_heads(struct state *, const struct hash *log_id, enum head_set set, uint64_t size, state_head_fn *fn, void *ctx, struct error *err);

/* ---- counters: one row per log and UTC day --------------------------------------------------------- */

#define DELAY_BUCKETS 24                   /* detection delay, powers of two of seconds: bucket i counts < 2^i s, the last the rest */
struct state_counters {
	uint64_t entries, lets_encrypt, verified, malformed, matched, n_bytes, requests, errors, throttled;
	uint64_t delay[DELAY_BUCKETS];     /* entry timestamp to being read, only for entries read at the head */
	int64_t last_entry_ms;             /* newest entry timestamp read: raises state_log.last_entry_ms; 0: none */
};
bool state_add_counters(struct state *, const struct hash *log_id, int64_t now_ms, const struct state_counters *delta, struct error *err);
/* Sum over the UTC days that [since, until) touches, of one log or (NULL) all. last_entry_ms is the newest of them. */
bool state_sum_counters(struct state *, const struct hash *log_id, int64_t since_ms, int64_t until_ms, struct state_counters *out, struct error *err);

/* ---- findings ---------------------------------------------------------------------------------------- */

struct state_evidence {
	const char *signal, *detail;
	int points, span_start, span_end;
};

/* One certificate as logged. */
struct state_certificate {
	struct hash tbs_sha256, sha256;   /* sha256 of the DER at hand (certificate, precertificate or TBS) */
	bool precert;
	struct slice der;                 /* the whole, or empty: not kept (see too_large_bytes), or no longer */
	uint64_t too_large_bytes;         /* its length where that is more than STATE_DER_MAX; 0: it is not */
	bool der_is_tbs;
	const char *issuer, *subject, *serial;     /* for display */
	int64_t not_before_ms, not_after_ms;
	const char *names_json;           /* JSON array of names, perhaps not all; of a finding's certificate always the one that matched */
	uint64_t names_total;             /* how many it has; 0: as many as there are in names_json, or (when read) not known */
	const char *note;                 /* "OpenSSL refuses it: ..." or NULL */
};
#define STATE_DER_MAX (256u << 10)

struct state_sighting {
	struct hash log_id;
	uint64_t index;
	int64_t timestamp_ms;
	struct slice leaf;                /* MerkleTreeLeaf as logged, for evidence; STATE_DER_MAX at most */
	struct slice extra;               /* chain as given by the log, may be empty */
	struct hash leaf_hash;            /* of the whole leaf, also where that is too long to be kept */
	bool in_ranges;                   /* the read ranges that are stored with it were hashed from this very leaf */
	bool verified;
	int64_t withdrawn_ms;             /* a signed tree was found to hold another leaf at its index; 0: not */
};

struct state_match {
	const char *rule, *kind, *brand, *technique, *name, *registrable_domain;   /* brand, technique may be NULL */
	int score, min_score;
	const struct state_evidence *evidence;
	size_t n_evidence;
	const char *ruleset_id;
	bool found_by_change;             /* raised when rules changed, from kept certificates */
};

/* 26 base32 characters of SHA-256 over rule NUL registrable domain: the same everywhere. */
#define FINDING_ID_LEN 26
void finding_id(const char *rule, const char *registrable_domain, char out[FINDING_ID_LEN + 1]);

enum finding_change {
	FINDING_UNCHANGED,         /* a sighting or certificate that was known */
	FINDING_NEW,
	FINDING_RESCORED,          /* crossed into a higher severity, or became flagged */
	FINDING_NEW_CERTIFICATE,
};

/* A stored finding without its certificates. */
struct finding {
	char id[FINDING_ID_LEN + 1];
	char *rule, *kind, *brand, *technique, *name, *registrable_domain;   /* NULL as in state_match */
	int score, min_score;
	bool flagged, verified, found_by_change, quiet;    /* quiet: dismissed or allowed, no alerts */
	bool withdrawn;                   /* everything that was seen of it is known not to be in the signed log */
	char *status;                     /* new, acknowledged, confirmed, dismissed */
	char *evidence_json;              /* array as in DESIGN.md 5.2 */
	char *ruleset_id;
	int64_t first_seen_ms, last_seen_ms;   /* when we read it */
	int64_t first_logged_ms;               /* oldest entry timestamp */
	uint64_t certificate_count, sighting_count;
};
void finding_deinit(struct finding *);

/*
 * Store a match with its certificate and sighting: upserts all of them, then calls the router (below) inside the same
 * transaction when something changed (FINDING_NEW flagged or not; never for a quiet finding). *change may be NULL. Names and
 * certificates that join an existing finding keep its first_seen. Name and evidence are those of the best score ever seen;
 * the same or a lower score changes neither. Precertificate and certificate are one certificate; when the final one comes it
 * is the one shown. A dismissed finding whose severity rises is reopened, with a triage row that says so.
 * The same match with the same sighting again is FINDING_UNCHANGED and changes nothing.
 *
 * What strangers can make us keep is bounded; the counts go on: see STATE_*_MAX.
 */
#define STATE_CERTIFICATES_KEPT 100          /* in full per finding, the newest and the one with the best score; of others hashes and sightings */
#define STATE_CERTIFICATES_MAX 50000         /* per finding; beyond, only counted */
#define STATE_SIGHTINGS_MAX 64               /* per certificate; beyond, only counted */
#define STATE_LEAVES_MAX 2                   /* leaves and chains kept per certificate: of its first sightings */
#define STATE_NAMES_JSON_MAX (32u << 10)     /* bytes of a certificate's list of names; what is beyond is left out, and counted */
#define STATE_MALFORMED_PER_DAY 100          /* per log */
#define STATE_INCIDENTS_OPEN_MAX 100         /* per log and class; a further subject is counted on the newest */
bool state_add_match(struct state *, const struct state_match *match, const struct state_certificate *certificate,
		     const struct state_sighting *sighting, int64_t now_ms, enum finding_change *change, struct error *err);

/*
 * Verified belongs to a leaf, not to an index: a log may answer one question twice in two ways, and only one of them is in the
 * tree. Entries [from, from + n) were read and hash to `hashes`, in the transaction that stores their range: what was seen at those
 * indexes before, with another leaf, is not what the ranges were hashed from any more.
 */
bool state_settle_leaves(struct state *, const struct hash *log_id, uint64_t from, const struct hash *hashes, size_t n, struct error *err);
/* What state_mark_verified found not to be in the tree. */
#define STATE_WITHDRAWN_NAMED 8
struct state_withdrawn {
	size_t n, n_named;                /* sightings; of them here, one finding each */
	struct {
		uint64_t index;
		struct hash leaf_hash;
		char finding[FINDING_ID_LEN + 1];
		char *name;
		struct buf leaf;          /* empty when it is not kept */
	} named[STATE_WITHDRAWN_NAMED];
};
void state_withdrawn_deinit(struct state_withdrawn *);
/*
 * The stored ranges over [start, end) were hashed into a signed root: sightings whose leaf they were hashed from become verified, and the
 * findings they belong to; those whose index has another leaf in them are withdrawn. Call it in the transaction of
 * state_verify_head, which does not do it by itself. *out is set on success, for the caller to deinit.
 */
bool state_mark_verified(struct state *, const struct hash *log_id, uint64_t start, uint64_t end, int64_t now_ms, struct state_withdrawn *out,
			 struct error *err);
/* This very leaf at this index is in a signed tree. */
bool state_verify_leaf(struct state *, const struct hash *log_id, uint64_t index, const struct hash *leaf_hash, struct error *err);

struct finding_filter {
	const char *rule, *kind, *brand, *status;    /* NULL: any */
	int64_t since_ms, until_ms;                   /* by first_seen; 0: open */
	int min_score;                                /* 0: any */
	bool all;                                     /* false: flagged ones only */
	bool exclude_dismissed;
	const char *after_id;                         /* paging, with limit; NULL: from the start */
	size_t limit;                                 /* 0: none */
};
typedef bool finding_fn(void *ctx, const struct finding *finding);
/* Newest first. Streams: memory does not grow with the number of findings. */
bool state_each_finding(struct state *, const struct finding_filter *filter, finding_fn *fn, void *ctx, struct error *err);
/* `id` may be an unambiguous prefix of at least 4 characters. ERR_USAGE: no such finding, or several. */
bool state_get_finding(struct state *, const char *id, struct finding *out, struct error *err);

/* The certificates of a finding, newest first, as the JSON array of DESIGN.md 5.2 with their sightings; `limit` 10 by default. malloc'd. */
bool state_finding_certificates_json(struct state *, const char *id, size_t limit, char **json, struct error *err);
typedef bool certificate_fn(void *ctx, const struct state_certificate *certificate);
bool state_each_certificate(struct state *, const char *finding_id_or_null, certificate_fn *fn, void *ctx, struct error *err);
typedef bool sighting_fn(void *ctx, const struct state_sighting *sighting);
bool state_each_sighting(struct state *, const struct hash *tbs_sha256, sighting_fn *fn, void *ctx, struct error *err);

/* The whole finding as DESIGN.md 5.2 has it, on one line. malloc'd; the caller frees. */
bool state_finding_json(struct state *, const struct finding *finding, char **json, struct error *err);
/* Its member "attack", for a finding that is shown without being stored. malloc'd. */
char *finding_attack_json(const char *kind, const char *registrable_domain);

/* ---- inclusion proofs: fetched while the log still answers ------------------------------------------- */

#define STATE_PROOFS_MAX 4                   /* per finding: of this many certificates one sighting each, whose leaf is kept */
#define STATE_ANSWERS_MAX 32                 /* per proof */
#define STATE_ANSWER_BYTES_MAX (16u << 10)   /* of one answer: a hash tile has 8 KiB, the longest JSON proof 4 KiB */

/* What a log answered on the way to a proof. */
struct state_answer {
	const char *url, *peer;
	int status;
	int64_t received_ms;
	struct slice body;                /* decoded; empty when it was longer than STATE_ANSWER_BYTES_MAX */
};

/* That an entry is in the tree that a log signed, with all that somebody else needs to check it. */
struct state_proof {
	struct hash log_id;
	uint64_t index;                   /* of the sighting */
	struct slice leaf;                /* the leaf that it proves, when more than one was served there; may be empty */
	uint64_t proven_index;            /* where the log says that the leaf is: another one when it holds the same leaf twice */
	uint64_t tree_size, timestamp_ms; /* the signed head */
	struct hash root;
	struct slice head_raw;            /* as received: JSON or note */
	int64_t head_received_ms, kept_ms;
	struct slice path;                /* 32 bytes a node, from the leaf up */
	struct slice log_key;             /* SubjectPublicKeyInfo, DER */
	const char *log_json;             /* what the log lists said of the log then */
	const struct state_answer *answers;
	size_t n_answers;
};
/* For a sighting whose leaf is kept; nothing happens when it is not, or when there is a proof already. */
bool state_put_proof(struct state *, const struct state_proof *proof, struct error *err);
typedef void state_proof_fn(void *ctx, const struct state_proof *proof);
/* Calls `fn` once when there is a proof of this leaf (empty: of any that was served at this index); *found says so. */
bool state_get_proof(struct state *, const struct hash *log_id, uint64_t index, struct slice leaf, state_proof_fn *fn, void *ctx, bool *found, struct error *err);

/* A sighting that wants a proof. */
struct state_unproven {
	uint64_t index;
	int64_t timestamp_ms;
	struct buf leaf, head_raw;
	bool has_head;
	struct state_head head;           /* the largest verified one that covers the entry; raw borrows from head_raw */
};
void state_unproven_deinit(struct state_unproven *);
/*
 * The first sighting of this log with from <= index < to that has a whole leaf, of a certificate without a proof in any log, which belongs
 * to a flagged finding that is not dismissed and has fewer than STATE_PROOFS_MAX. *out is set, and to be freed, when *found.
 */
bool state_next_unproven(struct state *, const struct hash *log_id, uint64_t from, uint64_t to, bool verified_only, struct state_unproven *out,
			 bool *found, struct error *err);

/* ---- entries that could not be read ------------------------------------------------------------------ */

/* Kept up to STATE_MALFORMED_PER_DAY (the counters go on); a kept one is routed as EVENT_MALFORMED with a payload. */
bool state_add_malformed(struct state *, const struct hash *log_id, uint64_t index, struct slice leaf, const char *reason, int64_t now_ms, struct error *err);
typedef bool malformed_fn(void *ctx, const struct hash *log_id, uint64_t index, struct slice leaf, const char *reason, int64_t seen_ms);
bool state_each_malformed(struct state *, const struct hash *log_id, malformed_fn *fn, void *ctx, struct error *err);

/* ---- incidents: what logs did wrong ---------------------------------------------------------------------- */

struct incident {
	char id[FINDING_ID_LEN + 1];
	struct hash log_id;               /* zero for incidents of the whole daemon (LIST_STALE ...) */
	char *log_name;
	char *class_name;                 /* FORK, ENTRIES_MISMATCH ... spec 4.7 */
	char *subject;                    /* what tells two open ones of a class apart, or "" */
	char *severity;                   /* critical, high, medium, low */
	char *summary;                    /* sentence */
	char *details_json;
	char *evidence_dir;               /* relative to the state directory, or NULL */
	uint64_t count;                   /* times it was seen while open */
	int64_t opened_ms, updated_ms, closed_ms;    /* closed 0: open */
	char *closed_why;
};
void incident_deinit(struct incident *);
/* Opens, or updates the open one of the same log and class (and `subject`, e.g. a tree size, may be ""). *opened: it is new. Routes incident.opened. */
bool state_open_incident(struct state *, const struct hash *log_id, const char *class_name, const char *subject, const char *severity,
			 const char *summary, const char *details_json, int64_t now_ms, char id[FINDING_ID_LEN + 1], bool *opened, struct error *err);
/*
 * The same, for what goes on and on: `times` sightings since the last report are counted. With any_subject an open incident of the class is the
 * one, whatever its subject: a log that forks at every look is one incident.
 */
struct incident_report {
	const struct hash *log_id;        /* NULL: of the whole daemon */
	const char *class_name, *subject, *severity, *summary;
	const char *details_json;         /* or NULL */
	uint64_t times;
	bool any_subject;
	int64_t now_ms;
};
bool state_report_incident(struct state *, const struct incident_report *report, char id[FINDING_ID_LEN + 1], bool *opened, struct error *err);
bool state_close_incident(struct state *, const char *id, const char *why, int64_t now_ms, struct error *err);
/* Closes the open ones of a log and class; true also when there are none. */
/* Of one subject only ("" is one too). `n_closed` may be NULL. */
bool state_close_incidents_of(struct state *, const struct hash *log_id, const char *class_name, const char *subject, const char *why, int64_t now_ms,
			      uint64_t *n_closed, struct error *err);
bool state_close_incidents(struct state *, const struct hash *log_id, const char *class_name, const char *why, int64_t now_ms, struct error *err);
typedef bool incident_fn(void *ctx, const struct incident *incident);
bool state_each_incident(struct state *, bool open_only, int64_t since_ms, int64_t until_ms, incident_fn *fn, void *ctx, struct error *err);
bool state_get_incident(struct state *, const char *id, struct incident *out, struct error *err);
/* A file of evidence (never deleted by retention): written whole, fsynced, renamed; the manifest is kept up to date. */
bool state_put_evidence(struct state *, const char *incident_id, const char *file_name, struct slice content, struct error *err);

/* ---- the outbox ------------------------------------------------------------------------------------------- */

enum event_type {
	EVENT_FINDING, EVENT_FINDING_RESCORED, EVENT_FINDING_NEW_CERTIFICATE, EVENT_INCIDENT_OPENED, EVENT_INCIDENT_CLOSED,
	EVENT_REPORT_READY, EVENT_HEARTBEAT, EVENT_CANARY_MISSED, EVENT_TEST, EVENT_MALFORMED,
	N_EVENTS,
};
const char *event_name(enum event_type);                    /* "finding", "finding.rescored", ... */
bool event_parse(struct slice text, enum event_type *out);

/* What happened, as the router sees it. `finding` or `incident` is set, else `payload_json`. */
struct state_event {
	enum event_type type;
	const struct finding *finding;
	const struct incident *incident;
	const char *payload_json;
	const char *subject;               /* what the id is made of: finding id, incident id, report path, day ... */
	const char *certificate;           /* EVENT_FINDING_NEW_CERTIFICATE: hex SHA-256 of its TBS, part of the id; else NULL */
	const char *seen_in;               /* of a finding's event: the same of the certificate that brought it, for grouping; no part of the id */
};

/*
 * Decides which sinks get an event: calls state_outbox_add for each. Called inside the transaction that stored the event,
 * on the writing thread. Set once after opening; without one nothing is queued.
 */
typedef bool state_router_fn(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err);
void state_set_router(struct state *, state_router_fn *fn, void *ctx);
/*
 * Events about findings that one log may cause within an hour; STATE_ALERTS_PER_HOUR unless set. Further findings are stored and not
 * routed: the incident OVER_BUDGET tells how many. They are routed when another log has them too.
 */
#define STATE_ALERTS_PER_HOUR 1000
void state_set_alerts_per_hour(struct state *, uint64_t n);
/* Send an event of another origin (heartbeat, report.ready, test) through the router. */
bool state_route(struct state *, const struct state_event *event, int64_t now_ms, struct error *err);

struct outbox_item {
	char id[FINDING_ID_LEN + 1];       /* stable per (subject, sink, kind of event, severity): receivers drop repeats by it */
	char *sink;
	enum event_type event;
	char *subject;                     /* finding id, incident id ... */
	char *payload_json;                /* for events that are not rendered from state at delivery; else NULL */
	char *group;                       /* registrable domain: messages that may go together; or NULL */
	char *certificate;                 /* the event's seen_in: the same; or NULL */
	char *message;                     /* id of the message that it is told in, once that was decided; rows of one message stay together */
	char *progress;                    /* JSON of the sink's own: which of several receivers have it; or NULL */
	char *status;                      /* waiting, digest, sent, dead */
	char *last_error;
	int attempts;
	int64_t created_ms, due_ms, sent_ms;
};
void outbox_item_deinit(struct outbox_item *);
/* status "waiting" or "digest", from due_ms on. The same id again changes nothing. */
bool state_outbox_add(struct state *, const char *sink, const struct state_event *event, bool digest, const char *group, int64_t due_ms, int64_t now_ms, struct error *err);
typedef bool outbox_fn(void *ctx, const struct outbox_item *item);
/* What is due for a sink, oldest first: single messages, and what goes into a digest. */
bool state_outbox_due(struct state *, const char *sink, int64_t now_ms, size_t limit, outbox_fn *fn, void *ctx, struct error *err);
bool state_outbox_due_digest(struct state *, const char *sink, int64_t now_ms, size_t limit, outbox_fn *fn, void *ctx, struct error *err);
/* Those that were never tried. */
bool state_outbox_due_fresh(struct state *, const char *sink, int64_t now_ms, size_t limit, outbox_fn *fn, void *ctx, struct error *err);
/* `note`: what is worth knowing although it was taken (a mailbox that refused), kept as last error; or NULL. */
bool state_outbox_sent(struct state *, const char *id, const char *note, int64_t now_ms, struct error *err);
bool state_outbox_failed(struct state *, const char *id, const char *why, int64_t next_due_ms, bool dead, int64_t now_ms, struct error *err);
/* Before a message goes out: which rows are in it. A message that comes again is then the same one, whatever happened in between. */
bool state_outbox_join(struct state *, const char *id, const char *message, struct error *err);
bool state_outbox_progress(struct state *, const char *id, const char *progress, struct error *err);
/* The receiver is well again: what failed and waits for its next try is due now. */
bool state_outbox_recover(struct state *, const char *sink, int64_t now_ms, struct error *err);
/* What waits and is due goes into the sink's digest instead: a flood. It stays there when its delivery fails. */
bool state_outbox_to_digest(struct state *, const char *sink, int64_t now_ms, struct error *err);
/* `alerts list`: any status (NULL) of any sink (NULL), newest first. */
bool state_outbox_each(struct state *, const char *sink, const char *status, size_t limit, outbox_fn *fn, void *ctx, struct error *err);
/* `alerts retry`: dead ones wait again; id NULL: all. *n: how many. */
bool state_outbox_retry(struct state *, const char *id, int64_t now_ms, size_t *n, struct error *err);
/* Earliest due time of a waiting item, INT64_MAX when none. */
bool state_outbox_next_due(struct state *, int64_t *due_ms, struct error *err);

/* ---- the clock ------------------------------------------------------------------------------------------------ */

/*
 * Deadlines run on a clock that nobody sets; what is stored has wall times, and these must follow when the wall clock is set
 * (a positive `by_ms`: ahead), else alerts would wait, or all go out, and logs would be silent, or heard from, by so much.
 * Alerts that wait: when they are due and since when they wait, a digest at its time of day. Rows of the last half minute are
 * taken to be of the new time already.
 */
bool state_alerts_clock_set(struct state *, int64_t by_ms, int64_t now_ms, struct error *err);
/* When logs were heard from last. */
bool state_logs_clock_set(struct state *, int64_t by_ms, int64_t now_ms, struct error *err);
/*
 * At the start nothing is known of how the clock was set meanwhile: a time in the future counts as now, and no alert waits
 * longer than its attempts explain.
 */
bool state_clock_start(struct state *, int64_t now_ms, struct error *err);

/* ---- triage --------------------------------------------------------------------------------------------------- */

/* action: acknowledged, confirmed, dismissed, new (reopened), note. `why` may be NULL except for dismissed and note. */
bool state_triage(struct state *, const char *id, const char *action, const char *who, const char *why, int64_t now_ms, struct error *err);
typedef bool triage_fn(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms);
bool state_each_triage(struct state *, const char *finding_id_or_null, int64_t since_ms, int64_t until_ms, triage_fn *fn, void *ctx, struct error *err);

/* ---- small facts, retention, health -------------------------------------------------------------------------- */

bool state_put_fact(struct state *, const char *key, const char *value, struct error *err);   /* value NULL deletes */
bool state_get_fact(struct state *, const char *key, char **value, struct error *err);        /* NULL when absent; malloc'd */

/*
 * That the daemon lives: a row that its loop has the store commit now and then. Times are of the wall clock and since the machine
 * started; the latter compare only with the same boot_id. What stands there must be what was put last, else the state is lost
 * (state_is_lost).
 */
struct state_alive {
	long process;
	int64_t wall_ms, boot_ms, started_boot_ms;   /* when it was written, by both clocks; when the daemon started */
	char boot_id[40];                            /* "-": not known */
};
bool state_put_alive(struct state *, const struct state_alive *alive, struct error *err);
bool state_get_alive(struct state *, struct state_alive *out, bool *found, struct error *err);
/* Since when the oldest signed head waits whose entries up to it were all read and which is not verified; 0: none does. */
bool state_unverified_since(struct state *, const struct hash *log_id, int64_t *since_ms, struct error *err);

struct retention {
	int64_t dismissed_ms, low_ms, counters_ms, sent_ms;   /* ages; 0: for ever */
	uint64_t malformed_per_log;
	uint64_t certificates_per_finding;                    /* older certificates of a busy finding are dropped */
};
/*
 * Removes dismissed findings, findings that were never flagged nor confirmed ("low"), old counters, alerts that were sent, and what is beyond
 * the bounds. One call removes about STATE_PRUNE_MAX rows at most, in short transactions; inside a transaction one short step. Call
 * again while *n_removed is not 0.
 */
#define STATE_PRUNE_MAX 20000
bool state_prune(struct state *, const struct retention *retention, int64_t now_ms, uint64_t *n_removed, struct error *err);
/*
 * A consistent copy, also while others write, checked before it gets its name; a backup that is there is replaced. One file: the
 * database, and the files of incidents/, issuers/ and lists/ as a table that `sqlite3 -A` reads. Not inside a transaction.
 */
bool state_backup(struct state *, const char *path, struct error *err);
/*
 * Puts a backup in place: a file of state_backup, a directory of them (the newest), or the copy of a whole state. The directory must have
 * no database, or with `replace` gets another one: the old one is kept in backups/. ERR_FATAL while a daemon runs on it, and for a
 * damaged backup. Until the last step nothing of what was there is changed.
 */
bool state_restore(const char *directory, const char *from, bool replace, int64_t now_ms, struct error *err);

/* Looks whether the state is whole, beside a running daemon too. A damaged database is ERR_FATAL; other problems are told one by one. */
struct state_checked {
	uint64_t n_incidents, n_issuers;  /* with evidence; both with files that have the SHA-256 they should have */
	uint64_t n_files, n_problems;
};
typedef void state_problem_fn(void *ctx, const char *sentence);
bool state_check(struct state *, bool quick, state_problem_fn *problem, void *ctx, struct state_checked *out, struct error *err);
/* The same of a backup's database, as state_restore takes it. *path: which file it is, malloc'd. */
bool state_backup_check(const char *from, bool quick, char **path, struct error *err);

/* Bytes of the database and WAL, and free bytes of its file system. */
bool state_size(struct state *, uint64_t *n_bytes, uint64_t *free_bytes, struct error *err);
/*
 * Space kept aside so that the alert about a full disk can still be written: STATE_RESERVE_BYTES, or on a small disk what fits. Taking
 * it is true only when all of it is there; taking it again adds what is missing.
 */
#define STATE_RESERVE_BYTES (4u << 20)
bool state_reserve_release(struct state *);
bool state_reserve_take(struct state *);
uint64_t state_reserve_bytes(const struct state *);

/* Issuer certificates by SHA-256, shared by all logs. */
bool state_put_issuer(struct state *, const struct hash *sha256, struct slice der, struct error *err);
/* The same for what one log serves: bounded a day and log (OVER_BUDGET). *stored is false when nothing is left; that is no error. */
bool state_put_issuer_of(struct state *, const struct hash *log_id, const struct hash *sha256, struct slice der, int64_t now_ms, bool *stored, struct error *err);
bool state_may_keep_issuer(struct state *, const struct hash *log_id, int64_t now_ms);
bool state_get_issuer(struct state *, const struct hash *sha256, struct buf *out);   /* false: not there */

#endif
