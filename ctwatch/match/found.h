/* A certificate that matched: copied out of its response, decoded in full with OpenSSL. Private to ingest. */
#ifndef CTWATCH_FOUND_H
#define CTWATCH_FOUND_H

#include "batch.h"

/* `view` NULL: nothing of the certificate could be read, `note` says why. Everything is copied. */
void found_init(struct found *f, const struct entry *entry, const struct cert_view *view, const struct cert_names *names, const char *note);
/* The whole MerkleTreeLeaf, with the two bytes that a tile leaves out; cut at STATE_DER_MAX. */
void entry_copy_leaf(const struct entry *entry, struct buf *out);

/* The certificate and the sighting as the state keeps them; both borrow from `f`. */
struct state_certificate found_certificate(const struct found *f);
struct state_sighting found_sighting(const struct found *f, const struct hash *log_id);

#endif
