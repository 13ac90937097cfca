/*
 * A tolerant reader of DER and of the BER that certificates in logs really use: lengths in any form, indefinite ones
 * included, never past the end of the input. It decodes structure only; what a value means is the caller's business.
 * Private to parsers/.
 */
#ifndef CTWATCH_DER_H
#define CTWATCH_DER_H

#include "base.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_NUMERIC_STRING = 0x12,
	DER_PRINTABLE_STRING = 0x13,
	DER_T61_STRING = 0x14,
	DER_VIDEOTEX_STRING = 0x15,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_GRAPHIC_STRING = 0x19,
	DER_VISIBLE_STRING = 0x1a,
	DER_GENERAL_STRING = 0x1b,
	DER_UNIVERSAL_STRING = 0x1c,
	DER_BMP_STRING = 0x1e,
	DER_CONSTRUCTED = 0x20,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,             /* [n] is DER_CONTEXT + n, plus DER_CONSTRUCTED when it holds elements */
	DER_NUMBER_LONG = 0x1f,         /* in place of a tag number: the number follows in further octets */
};

/* Open indefinite lengths inside each other. Encoders that use them nest the certificate's own six levels at most. */
#define DER_DEPTH_MAX 16

struct der {
	/*
	 * The identifier as its short form writes it, also where the number was written in the long form although it is below
	 * 31: OpenSSL makes no difference. Numbers of 31 and more, which nothing in a certificate has, are DER_NUMBER_LONG.
	 */
	uint8_t tag;
	struct slice whole;     /* from the identifier to the end, end-of-contents octets included */
	struct slice content;
};

/* For lengths of 65536 bytes and more, non-minimal and indefinite ones, and tag numbers in the long form. */
bool der_take_rare(struct slice *in, struct der *out);

/*
 * Takes one element from the front of `in`; false when it is broken or runs past the end. The rare road gets copies, so
 * that on the common one neither argument's address escapes and a walk stays in registers: this is half its speed.
 */
static inline bool der_take(struct slice *in, struct der *out)
{
	const uint8_t *at = in->data;
	size_t header = 2, len;

	if (in->len < 2)
		return false;
	if ((at[0] & DER_NUMBER_LONG) == DER_NUMBER_LONG)
		goto rare;
	if (at[1] < 0x80) {
		len = at[1];
	} else if (at[1] == 0x82 && in->len >= 4) {
		len = (size_t)at[2] << 8 | at[3];
		header = 4;
	} else if (at[1] == 0x81 && in->len >= 3) {
		len = at[2];
		header = 3;
	} else {
		goto rare;
	}
	if (len > in->len - header)
		return false;
	out->tag = at[0];
	out->content.data = at + header;
	out->content.len = len;
	out->whole.data = at;
	out->whole.len = header + len;
	in->data = at + header + len;
	in->len -= header + len;
	return true;
rare:;
	struct slice rest = *in;
	struct der element;
	if (!der_take_rare(&rest, &element))
		return false;
	*in = rest;
	*out = element;
	return true;
}

/* The same, but only when the element has this tag. */
static inline bool der_take_tag(struct slice *in, uint8_t tag, struct der *out)
{
	struct slice ahead = *in;
	struct der element;

	if (in->len == 0 || (in->data[0] != tag && (in->data[0] & DER_NUMBER_LONG) != DER_NUMBER_LONG) ||
	    !der_take(&ahead, &element) || element.tag != tag)
		return false;
	*out = element;
	*in = ahead;
	return true;
}

/*
 * A SEQUENCE OF or SET OF, with or without the bit that says it holds elements: OpenSSL reads both, so both can hold names
 * that a client accepts.
 */
static inline bool der_take_list(struct slice *in, uint8_t tag, struct der *out)
{
	return der_take_tag(in, tag, out) || der_take_tag(in, tag & (uint8_t)~DER_CONSTRUCTED, out);
}

/*
 * The bytes of a string of primitive tag `tag`, or of its constructed form (BER) as long as that has one piece. False for
 * anything else; several pieces are for der_join.
 */
bool der_string(const struct der *element, uint8_t tag, struct slice *out);
/* All pieces of a constructed string, of whatever tags, as OpenSSL joins them; replaces the content of `out`. */
bool der_join(const struct der *element, struct buf *out);

/* Writes identifier and minimal length of an element; returns the number of bytes, at most DER_HEADER_MAX. */
#define DER_HEADER_MAX 10
size_t der_put_header(uint8_t tag, size_t len, uint8_t out[DER_HEADER_MAX]);

#endif
