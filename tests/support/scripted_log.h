/*
 * A log in the test's own process: it answers URLs with bytes, rightly or as it is told to lie. No sockets, no clock of its own.
 *
 * Three versions of every entry exist: the honest one, that the log signs in the end; a false one, that it may serve instead but
 * never signs; and a forked one, that it may sign but never serves. So whatever a watcher calls verified must be honest.
 */
#ifndef CTWATCH_TESTS_SCRIPTED_LOG_H
#define CTWATCH_TESTS_SCRIPTED_LOG_H

#include "dice.h"
#include "fetch.h"
#include "loglist.h"
#include "signer.h"

#include "../fakelog/tree.h"

#define SCRIPTED_ENTRIES_MAX 1200
#define SCRIPTED_PLANTED_EVERY 16        /* the honest entries that match the rule ".planted.example" */

enum version { VERSION_HONEST, VERSION_FALSE, VERSION_FORKED, N_VERSIONS };

/* What may be asked for. */
enum asked { ASKED_HEAD, ASKED_ENTRIES, ASKED_PROOF, ASKED_TILE, ASKED_ISSUER, N_ASKED };

enum lie {
	LIE_NONE,
	/* anything */
	LIE_REFUSED, LIE_ERROR, LIE_THROTTLED, LIE_TIMEOUT, LIE_GARBAGE, LIE_CUT,
	/* heads: all but the first two are signed */
	LIE_BAD_SIGNATURE, LIE_STALE, LIE_FORK_OLD, LIE_FORK_NOW, LIE_FORK_AHEAD, LIE_SMALLER, LIE_FUTURE, LIE_HUGE,
	/* entries, proofs, tiles, issuers */
	LIE_FALSE, LIE_SWAPPED, LIE_FEWER,
	N_LIES,
};

struct scripted_log {
	enum log_protocol protocol;
	struct signer *signer;
	struct listed_log listed;
	struct tree tree, fork;
	uint64_t fork_from;              /* entries below are the same in the fork */
	uint64_t size;                   /* of the honest tree, as signed */
	struct buf leaves[N_VERSIONS][SCRIPTED_ENTRIES_MAX];  /* MerkleTreeLeaf */
	struct buf issuer;
	struct hash certificate_sha256[SCRIPTED_ENTRIES_MAX];         /* of the honest certificates */
	int64_t first_ms;                /* when the first entry was logged */
	int64_t now_ms, last_head_ms;    /* the log's clock is right: set before each answer */
	uint64_t asked[N_ASKED], n_signed_lies;
	struct tree_head signed_lies[64];/* heads that contradict the honest tree, as far as there is room */
};

/* Entries are made once for all logs of the process. */
struct scripted_log *scripted_log_new(enum log_protocol protocol, int64_t now_ms);
void scripted_log_free(struct scripted_log *);
/* Of the honest entry. */
int64_t scripted_log_timestamp(const struct scripted_log *, uint64_t index);
void scripted_log_grow(struct scripted_log *, uint64_t n);
/* The fork that is signed from now on leaves the honest tree at this entry. */
void scripted_log_fork(struct scripted_log *, uint64_t from);
enum asked scripted_log_asked(const char *url);
/* A lie that suits what is asked for; LIE_NONE with a chance of 100 - percent. */
enum lie scripted_log_choose(struct dice *, enum asked asked, unsigned percent);
/* Fills status, body and error of an answer. */
void scripted_log_answer(struct scripted_log *, struct dice *, const char *url, enum lie lie, struct fetch_answer *out);

#endif
