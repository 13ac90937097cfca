/*
 * How the files about certificates share the walk: extensions and attributes in their order. Private to parsers/.
 */
#ifndef CTWATCH_CERT_H
#define CTWATCH_CERT_H

#include "der.h"

/* One Extension (RFC 5280 section 4.1). Its value is looked for only where somebody wants it: cert_extension_value. */
struct cert_extension {
	struct slice whole, content;
	struct slice oid;
	struct slice rest;              /* `critical`, if it is there, and extnValue */
};

/* extnValue of an extension. */
struct cert_value {
	struct der octets;              /* the OCTET STRING */
	struct slice bytes;             /* its content; empty when `in_pieces` */
	bool in_pieces;                 /* a constructed OCTET STRING of several pieces (BER): der_join reads it */
};

enum cert_walk {
	WALK_END,
	WALK_ITEM,
	WALK_ODD,                       /* an element of another shape, stepped over */
	WALK_BROKEN,                    /* the rest cannot be read */
};

static inline enum cert_walk cert_extension_take(struct slice *in, struct cert_extension *out)
{
	struct der extension, oid;

	if (in->len == 0)
		return WALK_END;
	if (!der_take(in, &extension))
		return WALK_BROKEN;

	struct slice rest = extension.content;
	if (extension.tag != DER_SEQUENCE || !der_take(&rest, &oid) || oid.tag != DER_OID)
		return WALK_ODD;
	out->whole = extension.whole;
	out->content = extension.content;
	out->oid = oid.content;
	out->rest = rest;
	return WALK_ITEM;
}

/* False when there is no OCTET STRING. */
bool cert_extension_value(const struct cert_extension *extension, struct cert_value *out);

/* The attributes of a Name, one after the other, however they are grouped into RDNs. */
struct cert_attributes {
	struct slice rdns, rdn;
	bool new_rdn;                   /* the last attribute began an RDN: for printing */
};

/* `name` is the whole TLV. False when it is no SEQUENCE. */
bool cert_attributes_init(struct cert_attributes *walk, struct slice name);
enum cert_walk cert_attribute_take(struct cert_attributes *walk, struct slice *oid, struct der *value);

/* UTCTime or GeneralizedTime in any form seen in logs; INT64_MIN when it is none (spec 6.1). */
int64_t cert_time_parse(uint8_t tag, struct slice text);

/*
 * The text of an attribute, as UTF-8. Borrows from the value where that is possible, else writes to `out` (which is
 * cleared). False for a type that holds no text and for broken code units. Not checked to be valid UTF-8.
 */
bool cert_text_to_utf8(uint8_t tag, struct slice value, struct buf *out, struct slice *text);

static inline bool cert_oid_is(struct slice oid, const char *bytes, size_t len)
{
	return oid.len == len && __builtin_memcmp(oid.data, bytes, len) == 0;
}

#define OID_COMMON_NAME "\x55\x04\x03"
#define OID_ORGANIZATION "\x55\x04\x0a"
#define OID_SAN "\x55\x1d\x11"
#define OID_BASIC_CONSTRAINTS "\x55\x1d\x13"
#define OID_AUTHORITY_KEY_ID "\x55\x1d\x23"
#define OID_SCT_LIST "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"
#define OID_POISON "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03"
#define OID_IS(oid, literal) cert_oid_is(oid, literal, sizeof(literal) - 1)

#endif
