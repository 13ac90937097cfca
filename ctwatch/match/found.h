/* A certificate that matched: copied out of its response, decoded in full with OpenSSL. Private to ingest. */
#ifndef CTWATCH_FOUND_H
#define CTWATCH_FOUND_H

#include "batch.h"

/* What is known of an entry when it has matched. `view` NULL: nothing of the certificate could be read, `note` says why. */
struct found_facts {
	const struct cert_view *view;
	const struct cert_names *names;
	const struct match_list *matches;
	const char *note;
};
/* Everything is copied. */
void found_init(struct found *f, const struct entry *entry, const struct found_facts *facts);
/* The whole MerkleTreeLeaf, with the two bytes that a tile leaves out; at most `max` bytes of it. */
void entry_copy_leaf(const struct entry *entry, size_t max, struct buf *out);

/* What it holds of memory, about. */
size_t found_bytes(const struct found *f);

/* The certificate and the sighting as the state keeps them; both borrow from `f`. */
struct state_certificate found_certificate(const struct found *f);
struct state_sighting found_sighting(const struct found *f, const struct hash *log_id);

#endif
