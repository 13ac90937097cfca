/*
 * Inclusion proofs of what was found, fetched once while the log still answers: shards disappear, and with them everything that a
 * third party could check (shared/spec/ct-protocols.md 1.3, 2.5). One prover a log; it asks one thing at a time, after everything
 * else that the log's host allows, and holds nothing up.
 *
 *   RESTING --verified sightings without a proof--> CHOOSING --the next one--> ASKING --verifies--> KEEPING --> CHOOSING
 *      ^                                               |                         '--does not: once more, then the next one
 *      '----- nothing left, or three failures in a row: later, at growing distance -------------'
 *
 * Private to ingest.
 */
#ifndef CTWATCH_PROOF_H
#define CTWATCH_PROOF_H

#include "ct.h"

struct watcher;
struct prover;

struct prover *prover_new(struct watcher *);
void prover_free(struct prover *);
/* Nothing is asked any more; what the store holds is still finished. */
void prover_cancel(struct prover *);
/* A match at this index was stored. */
void prover_found(struct prover *, uint64_t index);
/* For a scan, which stores no heads: the signed head that proofs are made for. */
void prover_head(struct prover *, const struct tree_head *head, struct slice raw);
/* Go on if something is due. */
void prover_wake(struct prover *);
int64_t prover_due(const struct prover *);    /* 0: nothing */
/* `--once`: everything else is done; should the program stay for a proof? True for a few seconds at most. */
bool prover_holds(struct prover *);

#endif
