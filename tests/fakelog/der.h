/*
 * Writing DER from the outside in: open an element, write its content, close it. Bytes and TLS integers too.
 * All buffers here are ours and large enough; nothing can fail.
 */
#ifndef FAKELOG_DER_H
#define FAKELOG_DER_H

#include "base.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0,
	DER_CONTEXT_3 = 0xa3,
};

/* Returns the mark that der_close wants back. */
size_t der_open(struct buf *out, uint8_t tag);
void der_close(struct buf *out, size_t mark);
void der_put(struct buf *out, uint8_t tag, const void *content, size_t len);
void der_text(struct buf *out, uint8_t tag, const char *text);
/* Dotted text, arcs below 2^28. */
void der_oid(struct buf *out, const char *dotted);
/* Unsigned big-endian number: leading zeros go, a sign byte comes where needed. */
void der_unsigned(struct buf *out, const uint8_t *bytes, size_t len);
/* UTCTime before 2050, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
void der_time(struct buf *out, int64_t time_ms);

/* Big-endian integers of the TLS presentation language. */
void put_u8(struct buf *out, uint8_t value);
void put_u16(struct buf *out, uint16_t value);
void put_u24(struct buf *out, uint32_t value);
void put_u64(struct buf *out, uint64_t value);

#endif
