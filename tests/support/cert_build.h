/*
 * Certificates made to order: unsigned, but DER from the outside in, with any field replaced by raw bytes. Everything has a
 * harmless default, so that a test states only what it is about.
 */
#ifndef CTWATCH_TESTS_CERT_BUILD_H
#define CTWATCH_TESTS_CERT_BUILD_H

#include "base.h"

struct cert_build_extension {
	const char *oid_hex;            /* content of the OBJECT IDENTIFIER */
	const char *value_hex;          /* content of the OCTET STRING */
	bool critical;
};

struct cert_build {
	const char *issuer;             /* its O; "Test CA" when NULL */
	const char *cn;                 /* UTF8String; no subject attribute when NULL and cn_hex is too */
	const char *cn_hex;             /* a whole TLV for the CN's value instead */
	const char *subject_hex;        /* the whole Name instead */
	const char *serial_hex;         /* content; "01" when NULL */
	const char *not_before_hex, *not_after_hex;     /* whole TLVs */
	const char *const *dns;         /* dNSNames of one SAN, NULL-terminated; before `extensions` */
	const char *san_hex;            /* content of that SAN's OCTET STRING instead */
	const struct cert_build_extension *const *extensions;   /* NULL-terminated */
	bool v1;                        /* no version field */
};

/* Appends a Certificate. */
void cert_build(struct buf *out, const struct cert_build *how);
/* Appends identifier, length and content. */
void der_build(struct buf *out, uint8_t tag, struct slice content);
void der_build_hex(struct buf *out, const char *hex);

#endif
