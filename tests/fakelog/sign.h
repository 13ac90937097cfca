/*
 * P-256 keys and ECDSA signatures that depend on nothing but a seed: the same fake log, to the byte, on every machine.
 * The keys protect nothing and are no secret.
 */
#ifndef FAKELOG_SIGN_H
#define FAKELOG_SIGN_H

#include "base.h"

#define SIGNATURE_MAX 72         /* SEQUENCE of two INTEGERs of at most 33 bytes */
#define SPKI_LEN 91              /* P-256, uncompressed point */

struct signer;
struct signer *signer_new(const char *purpose, uint64_t seed, uint64_t number);
void signer_free(struct signer *);
/* DER SubjectPublicKeyInfo, SPKI_LEN bytes. */
struct slice signer_spki(const struct signer *);
/* ECDSA with SHA-256 over `message`, DER. Returns its length. */
size_t signer_sign(struct signer *, struct slice message, uint8_t out[SIGNATURE_MAX]);
/* The same in TLS's DigitallySigned (RFC 6962 section 3.2), appended to `out`. */
void signer_sign_tls(struct signer *, struct slice message, struct buf *out);

/* Pseudo-random numbers: splitmix64. */
struct chance {
	uint64_t state;
};
struct chance chance_of(uint64_t seed, uint64_t number);
uint64_t chance_next(struct chance *);
/* 0 .. n-1 */
unsigned chance_below(struct chance *, unsigned n);
void chance_bytes(struct chance *, void *out, size_t len);
/* Looks like a signature, verifies under no key: a thousand times faster. */
size_t chance_signature(struct chance *, uint8_t out[SIGNATURE_MAX]);

#endif
