/* See der.h. */
#include "der.h"

/* What stands before the contents. */
struct header {
	uint8_t tag;            /* as in struct der */
	size_t len;             /* of the header itself */
	size_t content_len;     /* meaningless when indefinite */
	bool indefinite;
};

/* Class, form and number of the element, X.690 section 8.1.2. */
static bool read_identifier(struct slice in, struct header *h)
{
	unsigned number = 0;
	uint8_t octet;

	h->tag = in.data[0];
	if ((h->tag & DER_NUMBER_LONG) != DER_NUMBER_LONG)
		return true;
	/* section 8.1.2.4: continued while the top bit is set; leading zeros are accepted, as OpenSSL does */
	do {
		if (h->len >= in.len)
			return false;
		octet = in.data[h->len++];
		number = number >= DER_NUMBER_LONG ? DER_NUMBER_LONG : number << 7 | (octet & 0x7f);
	} while (octet & 0x80);
	if (number < DER_NUMBER_LONG)
		h->tag = (uint8_t)((h->tag & ~DER_NUMBER_LONG) | number);
	return true;
}

/* Reads identifier and length of any form; the contents may still run past the end of `in`. */
static bool read_header(struct slice in, struct header *out)
{
	struct header h = { .len = 1 };

	if (in.len < 2 || !read_identifier(in, &h) || h.len >= in.len)
		return false;

	uint8_t first = in.data[h.len++];
	if (first < 0x80) {
		h.content_len = first;
	} else if (first == 0x80) {
		h.indefinite = true;
	} else {
		size_t n = first & 0x7fu;

		if (n > in.len - h.len)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (h.content_len > SIZE_MAX >> 8)
				return false;
			h.content_len = h.content_len << 8 | in.data[h.len++];
		}
	}
	*out = h;
	return true;
}

/*
 * Length of indefinite contents, without their end-of-contents octets. Elements of definite length are stepped over
 * whole, so a count of the open ones is all the stack this needs.
 */
static bool indefinite_len(struct slice in, size_t *out)
{
	size_t at = 0;
	unsigned open = 1;

	for (;;) {
		struct slice rest = slice_sub(in, at, in.len);
		struct header h;

		if (rest.len >= 2 && rest.data[0] == 0 && rest.data[1] == 0) {
			if (--open == 0) {
				*out = at;
				return true;
			}
			at += 2;
			continue;
		}
		if (!read_header(rest, &h))
			return false;
		if (h.indefinite) {
			if (!(rest.data[0] & DER_CONSTRUCTED) || ++open > DER_DEPTH_MAX)
				return false;
			at += h.len;
		} else {
			if (h.content_len > rest.len - h.len)
				return false;
			at += h.len + h.content_len;
		}
	}
}

bool der_take_rare(struct slice *in, struct der *out)
{
	struct header h;
	size_t tail = 0;

	if (!read_header(*in, &h))
		return false;
	if (h.indefinite) {
		if (!(in->data[0] & DER_CONSTRUCTED) || !indefinite_len(slice_sub(*in, h.len, in->len), &h.content_len))
			return false;
		tail = 2;
	} else if (h.content_len > in->len - h.len) {
		return false;
	}
	out->tag = h.tag;
	out->content = slice_sub(*in, h.len, h.len + h.content_len);
	out->whole = slice_sub(*in, 0, h.len + h.content_len + tail);
	*in = slice_sub(*in, out->whole.len, in->len);
	return true;
}

bool der_string(const struct der *element, uint8_t tag, struct slice *out)
{
	struct der piece = *element;

	/* pieces of an implicitly tagged string carry its universal tag, and may be constructed themselves */
	for (unsigned depth = 0; depth < DER_DEPTH_MAX; depth++) {
		if (!(piece.tag & DER_CONSTRUCTED)) {
			if (depth == 0 && piece.tag != tag)
				return false;
			*out = piece.content;
			return true;
		}
		if (depth == 0 && piece.tag != (tag | DER_CONSTRUCTED))
			return false;

		struct slice in = piece.content;
		if (!der_take(&in, &piece) || in.len != 0)
			return false;
	}
	return false;
}

bool der_join(const struct der *element, struct buf *out)
{
	struct slice open[DER_DEPTH_MAX];
	size_t depth = 1;

	buf_clear(out);
	open[0] = element->content;
	while (depth > 0) {
		struct slice *in = &open[depth - 1];
		struct der piece;

		if (in->len == 0) {
			depth--;
			continue;
		}
		if (!der_take(in, &piece))
			return false;
		if (!(piece.tag & DER_CONSTRUCTED)) {
			if (!buf_append_slice(out, piece.content))
				return false;
		} else {
			if (depth == DER_DEPTH_MAX)
				return false;
			open[depth++] = piece.content;
		}
	}
	return true;
}

size_t der_put_header(uint8_t tag, size_t len, uint8_t out[DER_HEADER_MAX])
{
	size_t n_bytes = 0;

	out[0] = tag;
	if (len < 0x80) {
		out[1] = (uint8_t)len;
		return 2;
	}
	for (size_t rest = len; rest > 0; rest >>= 8)
		n_bytes++;
	out[1] = (uint8_t)(0x80 | n_bytes);
	for (size_t i = 0; i < n_bytes; i++)
		out[2 + i] = (uint8_t)(len >> 8 * (n_bytes - 1 - i));
	return 2 + n_bytes;
}
