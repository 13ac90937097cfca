/*
 * A certificate factory: a hierarchy of authorities that carry the names of real ones, and leaf certificates as they
 * issue them. A certificate is a pure function of (seed, order): minting again gives the same bytes.
 */
#ifndef FAKELOG_MINT_H
#define FAKELOG_MINT_H

#include "names.h"

#define MINT_BYTES_MAX (1u << 20)        /* one certificate, far above what CERT_NAMES_MAX names need */

/* What can be wrong with a certificate, on request. */
enum oddity {
	ODDITY_NONE,
	ODDITY_OUTSIDE_SHARD,            /* valid for years: not what the log accepts */
	ODDITY_GARBAGE,                  /* no certificate at all */
};

struct authority {
	const char *alias;               /* what plant files call it: "E7" */
	size_t root;                     /* index of the authority that signed it; its own for a root */
	unsigned share;                  /* of leaf certificates, out of 100; 0 for roots */
	struct signer *signer;
	struct buf name;                 /* Name, DER */
	struct buf certificate;          /* DER */
	struct hash fingerprint;         /* of `certificate` */
	struct hash key_hash;            /* SHA-256 of its SPKI */
	uint8_t key_id[20];
};

struct order {
	uint64_t identity;               /* which certificate: serial, key and names follow from it */
	int authority;                   /* index, or -1: by chance, weighted by share */
	const struct name_set *names;    /* or NULL: generated */
	int64_t at_ms;                   /* when it is issued */
	enum oddity oddity;
};

struct mint;
/* fast: signatures are pseudo-random bytes. */
struct mint *mint_new(uint64_t seed, bool fast);
void mint_free(struct mint *);
size_t mint_authorities(const struct mint *, const struct authority **all);
/* Index of an authority that issues, by alias; -1 when unknown. */
int mint_find(const struct mint *, const char *alias);

/* The TBSCertificate as logged (no poison, no SCTs), replacing `tbs`. Returns the index of the issuing authority. */
size_t mint_tbs(struct mint *, const struct order *order, struct buf *tbs);
/* The precertificate (poison). */
void mint_precertificate(struct mint *, const struct order *order, struct buf *certificate);
/* The final certificate with `scts`, a TLS SignedCertificateTimestampList; empty: none embedded. Returns the issuing authority. */
size_t mint_certificate(struct mint *, const struct order *order, struct slice scts, struct buf *certificate);

#endif
