/*
 * The log lists: fetched, checked, kept on disk, merged, and turned into the decision which logs to read.
 * shared/spec/ct-protocols.md section 3.
 *
 *   source ──fetch──> signature ──> mimic? rollback? mass removal? changed key? ──> copy on disk ──> merged union
 *      │                                   any: the old copy stays, an incident opens
 *      └── a file path: read at start, on lists_reload and when it changes
 *
 * At the first start, before any list has arrived, the logs known from the build stand in. Logs that vanish from every list
 * are read on until 30 days after their shard ended.
 */
#ifndef CTWATCH_LISTS_H
#define CTWATCH_LISTS_H

#include "clock.h"
#include "config.h"
#include "diag.h"
#include "fetch.h"
#include "loglist.h"

/* Bits of listed_log.sources beyond those of the configured lists (bit i: list i of the configuration). */
#define LISTS_MAX 16                  /* configured lists */
#define LISTS_BIT_BUILTIN 30
#define LISTS_BIT_DEPARTED 31
#define LISTS_SOURCE_BUILTIN (1u << LISTS_BIT_BUILTIN)
#define LISTS_SOURCE_DEPARTED (1u << LISTS_BIT_DEPARTED)   /* in no list any more, read on for a while */

/* ---- which logs are read ------------------------------------------------------------------------ */

enum follow_how {
	FOLLOW_NOT,
	FOLLOW_LIVE,                      /* usable, qualified, pending */
	FOLLOW_READONLY,                  /* until caught up, then every 6 h; must end at its final head */
	FOLLOW_READ_OUT,                  /* retired, ended or departed: while reachable, low priority, then stop */
};

struct follow_decision {
	enum follow_how how;
	char why[192];                    /* a sentence: why it is not read, or is read in an unusual way; else empty */
};

/*
 * Section 3.4 and the globs of the configuration (against description, operator, URL and base64 id, case ignored). `exclude`
 * wins. An include other than "*" also asks for logs that are not read unless asked for: test logs, logs that no browser has,
 * rejected ones.
 */
void lists_decide(const struct listed_log *log, const struct config *config, int64_t now_ms, struct follow_decision *out);

/* Does a pattern of logs.include or logs.exclude mean any log of this list? */
bool lists_pattern_matches(const struct log_list *list, const char *pattern);

/* The fact of the state in which the daemon keeps what `logs` says of lists: {"lists":[...], "unread":[...]}. */
#define LISTS_FACT "lists"

/* One configured list, looked at without the network: `trust` says how it is signed; `list` holds what a file says (deinit it). */
struct list_review {
	const char *trust;
	struct log_list list;
};
bool lists_review(const struct config *config, const char *source, struct list_review *out, struct error *err);

/* ---- the updater ---------------------------------------------------------------------------------- */

struct lists;

/* The union, sorted by operator and description, with a decision for each log, and the entries that cannot be read. Borrowed: valid until the next `changed`. */
struct lists_view {
	const struct log_list *union_list;
	const struct follow_decision *decisions;     /* union_list->n_logs of them */
	bool builtin;                     /* nothing but the build's own facts so far */
};

struct lists_options {
	uv_loop_t *loop;
	struct fetcher *fetcher;
	struct diag *diag;
	const struct config *config;      /* log_lists, include, exclude, allow_http; outlives the lists or is replaced by lists_reload */
	const char *directory;            /* <state>/lists; made when missing. NULL: nothing is kept */
	struct slice list_key_pem;        /* empty: the pinned key. Tests and private lists bring their own */
	uint64_t tick_ms;                 /* how often files and ages are looked at; 0: a minute */
	struct clock clock;
	/* On the loop, never inside lists_start: at first with what is on disk (or built in), then when something changed, be it only what is wrong with a list. */
	void (*changed)(void *ctx, const struct lists_view *view);
	/* LIST_STALE, LIST_BAD_SIGNATURE, LIST_ROLLBACK, LIST_MIMIC, LIST_MASS_REMOVAL, KEY_CHANGED, LIST_UNREACHABLE: opened or closed. */
	void (*incident)(void *ctx, bool open, const char *class_name, const char *source, const char *severity, const char *summary);
	void *ctx;
};

struct lists *lists_start(const struct lists_options *options);
/* New configuration (SIGHUP): sources, globs; files are read again. */
void lists_reload(struct lists *, const struct config *config);
/* Fetch all now (`run --once`, SIGHUP). `refreshed` runs on the loop once every source has answered or failed. May be NULL. */
void lists_refresh(struct lists *, void (*refreshed)(void *ctx), void *ctx);
/* No callback runs after this; memory is freed when the loop has closed the timers. */
void lists_close(struct lists *);

struct lists_source_status {
	const char *name;                 /* URL or path */
	bool is_file, signed_by_key;      /* false, false: over TLS only (Apple, or a mirror without a signature) */
	bool never_signed;                /* its publisher signs nothing */
	int64_t list_timestamp_ms;        /* of the copy in use; 0: none or it has none */
	int64_t fetched_ms;               /* last successful answer, 304 included; 0: never */
	const char *last_error;           /* or NULL */
	size_t n_logs;
};
size_t lists_status(const struct lists *, struct lists_source_status *out, size_t room);

/*
 * The same union without a loop or network: what `logs`, `scan` and `init` see. Reads the copies on disk and file sources, else
 * what is built in. The caller frees with log_list_deinit.
 */
bool lists_load_kept(const struct config *config, const char *directory, struct log_list *out, bool *builtin, struct error *err);

#endif
