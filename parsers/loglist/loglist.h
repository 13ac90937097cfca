/*
 * Lists of logs (Chrome's v3 schema, Apple's v5): reading, signatures, the union of several lists, and what this program knows from
 * its build (shared/spec/ct-protocols.md section 3).
 *
 * No I/O, no clock, no diagnostics, no writable globals: everything here may run on any thread. Slices in results borrow from the bytes
 * that were parsed, unless said otherwise. Parsers fail with ERR_MALFORMED and leave their outputs as they were.
 */
#ifndef CTWATCH_LOGLIST_H
#define CTWATCH_LOGLIST_H

#include "ct.h"

/* In order of strength: the strongest of several lists wins. */
enum log_lifecycle {
	LIFECYCLE_NONE, LIFECYCLE_PENDING, LIFECYCLE_REJECTED, LIFECYCLE_RETIRED, LIFECYCLE_READONLY,
	LIFECYCLE_UNKNOWN,                /* a word that the schema got after this program was made: see lifecycle_word */
	LIFECYCLE_QUALIFIED, LIFECYCLE_USABLE,
};
enum log_type { LOG_TYPE_PROD, LOG_TYPE_TEST, LOG_TYPE_MONITORING_ONLY };

struct listed_log {
	struct hash log_id;
	char *description, *log_operator;
	char *url;                        /* classic: base URL; static: monitoring prefix; no trailing slash */
	char *submission_url;             /* static only, else NULL; no trailing slash */
	uint8_t *key;                     /* SPKI, DER */
	size_t key_len;
	enum log_protocol protocol;
	enum log_lifecycle lifecycle;
	char *lifecycle_word;             /* LIFECYCLE_UNKNOWN: what the list says; else NULL */
	enum log_type type;
	int64_t mmd_s;
	int64_t interval_start_ms, interval_end_ms;     /* INT64_MIN / INT64_MAX when there is none */
	int64_t lifecycle_since_ms;                     /* 0 when unknown */
	bool has_final_head;
	struct tree_head final_head;                    /* readonly logs; its timestamp_ms may be 0 */
	unsigned sources;                               /* bit i: named by list i (see log_list_merge) */
};

/* An entry that breaks a rule of the schema, so that the log cannot be read. */
struct unread_log {
	struct hash log_id;               /* as listed; all zeros when that cannot be read either */
	char *description, *log_operator; /* never empty */
	char *url;                        /* as listed, may be empty */
	char *why;                        /* a sentence: which rule it breaks */
};

struct log_list {
	struct listed_log *logs;
	size_t n_logs;
	struct unread_log *unread;        /* log_list_merge leaves them where they are */
	size_t n_unread;
	int64_t timestamp_ms;             /* log_list_timestamp; 0 when the list has none that can be read */
	char *version;
	char **warnings;                  /* sentences about logs that were dropped or are odd, and about the list */
	size_t n_warnings;
	size_t n_decoys;                  /* logs below example.com, dropped without a word: they are no mistake */
	size_t n_mimics;                  /* of them, the two logs that Google serves to third-party enforcers */
};

/*
 * Chrome's v3 schema or Apple's v5: they share every member that is read. Refuses only what is no list at all. A single bad log is
 * put aside in `unread`, with a warning (spec 3.2); of a log that is listed twice the entry with the better state is taken, with a
 * warning. URLs are https, or http on 127.0.0.0/8, [::1] and localhost, and are normalised. Free with log_list_deinit.
 */
bool log_list_parse(struct slice json, struct log_list *out, struct error *err);
/* The same, with hosts (compared without case, no port) whose logs may be read over plain http. */
struct log_list_hosts {
	const char *const *names;
	size_t n;
};
bool log_list_parse_allowing(struct slice json, const struct log_list_hosts *hosts, struct log_list *out, struct error *err);
void log_list_deinit(struct log_list *);
/* RSASSA-PKCS1-v1_5 with SHA-256 over the exact bytes, by the key that Google publishes (pinned here). */
bool log_list_verify(struct slice json, struct slice signature, struct error *err);
/* The same with another key, PEM: for tests and private lists. */
bool log_list_verify_with(struct slice json, struct slice signature, struct slice key_pem, struct error *err);
/*
 * Is this a list for third-party enforcers rather than for monitors (spec 3.1)? It names a mimic log, no log outside example.com, or
 * states lifecycles of which none is live. `why` says what gave it away.
 */
bool log_list_is_mimic(const struct log_list *list, char *why, size_t why_len);
/*
 * Union by log id: adds copies of the logs of `from` (list number `source` below 32) to `into`, which may be zeroed. The strongest lifecycle
 * wins and brings its date and final head; everything else stays as the first list says it.
 */
void log_list_merge(struct log_list *into, const struct log_list *from, unsigned source);
/* The logs this program knows from its build (parsers/known_logs.c): dated facts, for a first start without the list. */
void log_list_builtin(struct log_list *out);
const char *log_lifecycle_name(enum log_lifecycle);
/* The name, or the list's own word where this program does not know it (may hold anything: escape it). */
const char *log_lifecycle_of(const struct listed_log *);

#endif
