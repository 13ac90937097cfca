/*
 * A finding as a directory that a court or a registrar's abuse desk can check without us (docs/EVIDENCE.md): entries as logged, their
 * inclusion proofs to signed heads, the logs' keys and list entries, certificates with their chains, what the logs answered and when,
 * a manifest, a page for people, and a script that verifies all of it.
 */
#ifndef CTWATCH_EVIDENCE_H
#define CTWATCH_EVIDENCE_H

#include "state.h"

#define EVIDENCE_SIGHTINGS_MAX 16         /* directories of sightings; the others are named in finding.json */

struct evidence_summary {
	size_t n_sightings, n_proofs;     /* written; with an inclusion proof */
	size_t n_chain_missing;           /* issuer certificates that are not kept */
};
/*
 * `directory` is made; one that is there must be empty (ERR_USAGE). Writes what there is, also without any proof. Nothing is taken
 * away on failure.
 */
bool evidence_write(struct state *, const struct finding *finding, const char *directory, int64_t now_ms, struct evidence_summary *out, struct error *err);

#endif
