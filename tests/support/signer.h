/* A log's private key for tests: makes the signatures that parsers verify. */
#ifndef CTWATCH_TESTS_SIGNER_H
#define CTWATCH_TESTS_SIGNER_H

#include "ct.h"

struct signer;
/* EC P-256, or RSA of `rsa_bits` when that is not 0. */
struct signer *signer_new(unsigned rsa_bits);
/* Any EC curve by OpenSSL's name, for keys that logs may not have. */
struct signer *signer_new_curve(const char *curve);
void signer_free(struct signer *);
/* SubjectPublicKeyInfo, DER; borrowed. */
struct slice signer_spki(const struct signer *);
/* A whole DigitallySigned struct appended to `out`. */
void signer_sign(const struct signer *, struct slice message, struct buf *out);
/* The JSON of get-sth. malloc'd. */
char *signer_sth(const struct signer *, const struct tree_head *head);
/* A checkpoint with this log's signature line only; `extension` is text of further lines, "" for none. malloc'd. */
char *signer_checkpoint(const struct signer *, const char *origin, const struct tree_head *head, const char *extension);
/* Its signature line alone, with the newline. malloc'd. */
char *signer_line(const struct signer *, const char *origin, const struct tree_head *head);

#endif
