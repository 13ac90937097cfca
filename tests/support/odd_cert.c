/* See odd_cert.h. Built from the inside out, as cert_build.c does: content is appended, then wrapped. */
#include "odd_cert.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX (1u << 20)
#define PLAIN_DNS_NAME 0x82
#define PLAIN_ADDRESS 0x87

struct odd {
	struct random *r;
	struct buf *out;
	unsigned forms;         /* per mille of elements that are written in another form */
	unsigned errors;        /* and of those that are not what belongs there */
};

static bool chance(struct odd *o, unsigned per_mille)
{
	return random_below(o->r, 1000) < per_mille;
}

/* A number below 31 in the long form, perhaps with zeros in front, or another number. */
static void put_identifier(struct odd *o, uint8_t tag)
{
	unsigned number = tag & 0x1f;

	if (chance(o, o->errors))
		tag ^= (uint8_t)(1u << random_below(o->r, 8));
	if (!chance(o, o->forms)) {
		buf_append_byte(o->out, tag);
		return;
	}
	buf_append_byte(o->out, tag | 0x1f);
	for (uint64_t zeros = chance(o, 300) ? random_below(o->r, 4) : 0; zeros > 0; zeros--)
		buf_append_byte(o->out, 0x80);
	if (chance(o, o->errors))
		buf_append_byte(o->out, 0x81);          /* 128 and more */
	buf_append_byte(o->out, (uint8_t)number);
}

/* Minimal, or with more octets than it takes; true when the end must be marked instead. */
static bool put_length(struct odd *o, uint8_t tag, size_t len)
{
	size_t n = len < 0x80 ? 0 : len < 0x100 ? 1 : 2;

	if (chance(o, o->forms)) {
		if (tag & 0x20 && chance(o, 500)) {
			buf_append_byte(o->out, 0x80);
			return true;
		}
		n = 2 + random_below(o->r, 6);
	}
	if (chance(o, o->errors))
		len += random_below(o->r, 3) - 1;
	if (n == 0) {
		buf_append_byte(o->out, (uint8_t)(len & 0x7f));
		return false;
	}
	buf_append_byte(o->out, (uint8_t)(0x80 | n));
	for (size_t i = n; i-- > 0;)
		buf_append_byte(o->out, (uint8_t)(i < sizeof(len) ? len >> 8 * i : 0));
	return false;
}

/* Wraps what was appended since `from`. */
static void wrap(struct odd *o, size_t from, uint8_t tag)
{
	struct buf inner;

	if (chance(o, o->errors))
		tag ^= 0x20;
	buf_init(&inner, BYTES_MAX);
	buf_append(&inner, o->out->data + from, o->out->len - from);
	o->out->len = from;
	put_identifier(o, tag);
	bool indefinite = put_length(o, tag, inner.len);
	assert_true(buf_append_slice(o->out, buf_slice(&inner)));
	if (indefinite && !chance(o, o->errors))
		buf_append(o->out, "\0\0", 2);
	buf_deinit(&inner);
}

static void put(struct odd *o, uint8_t tag, const void *data, size_t len)
{
	size_t from = o->out->len;

	buf_append(o->out, data, len);
	wrap(o, from, tag);
}

/* Something that belongs nowhere. */
static void put_stray(struct odd *o)
{
	static const uint8_t tags[] = { 0x05, 0x02, 0x0c, 0x30, 0x80, 0x82, 0x83, 0xa1, 0xa3, 0x9f, 0x5f };
	static const char content[] = "stray.example";

	if (chance(o, o->errors))
		put(o, tags[random_below(o->r, sizeof(tags))], content, random_below(o->r, sizeof(content)));
}

/* In one piece, or constructed of several that carry `piece_tag`; some of those in pieces again. */
static void put_string(struct odd *o, uint8_t tag, uint8_t piece_tag, const void *data, size_t len, unsigned depth)
{
	size_t from = o->out->len, at = 0;

	if (depth == 3 || !chance(o, o->forms)) {
		put(o, tag, data, len);
		return;
	}
	do {
		size_t n = at == len ? 0 : 1 + random_below(o->r, len - at);

		put_string(o, piece_tag, piece_tag, (const uint8_t *)data + at, n, depth + 1);
		at += n;
	} while (at < len);
	wrap(o, from, tag | 0x20);
}

static size_t make_name(struct odd *o, char out[64])
{
	return (size_t)snprintf(out, 64, "n%u.example%u.com", (unsigned)random_below(o->r, 100000), (unsigned)random_below(o->r, 1000));
}

/* ---- Names ------------------------------------------------------------------------------------------------------------ */

static void put_text(struct odd *o)
{
	static const uint8_t types[] = { 0x0c, 0x13, 0x16, 0x14, 0x1a, 0x1e, 0x1c };
	uint8_t wide[256], tag = types[random_below(o->r, sizeof(types))];
	size_t unit = tag == 0x1e ? 2 : tag == 0x1c ? 4 : 1;
	char text[64];
	size_t len = make_name(o, text);

	memset(wide, 0, sizeof(wide));
	for (size_t i = 0; i < len; i++)
		wide[i * unit + unit - 1] = (uint8_t)text[i];
	put_string(o, tag, chance(o, 500) ? tag : 0x04, wide, len * unit, 0);
}

static void put_attribute(struct odd *o, uint8_t arc)
{
	const uint8_t oid[] = { 0x55, 0x04, arc };
	size_t from = o->out->len;

	put(o, 0x06, oid, sizeof(oid));
	put_text(o);
	put_stray(o);
	wrap(o, from, 0x30);
}

static void put_name(struct odd *o, uint8_t arc, uint64_t n_rdns)
{
	size_t name = o->out->len;

	for (uint64_t i = 0; i < n_rdns; i++) {
		size_t rdn = o->out->len;

		for (uint64_t n = chance(o, 100) ? random_below(o->r, 3) : 1; n > 0; n--)
			put_attribute(o, chance(o, 800) ? arc : 11);
		put_stray(o);
		wrap(o, rdn, 0x31);
	}
	put_stray(o);
	wrap(o, name, 0x30);
}

/* ---- extensions ---------------------------------------------------------------------------------------------------------- */

static void put_general_name(struct odd *o)
{
	char text[64];
	uint64_t other = random_below(o->r, 100);

	if (other < 80) {
		put_string(o, PLAIN_DNS_NAME, 0x16, text, make_name(o, text), 0);
	} else if (other < 95) {
		for (size_t i = 0; i < 16; i++)
			text[i] = (char)random_next(o->r);
		put_string(o, PLAIN_ADDRESS, 0x04, text, chance(o, 500) ? 4 : 16, 0);
	} else {
		put(o, 0x86, text, (size_t)snprintf(text, sizeof(text), "https://uri.example/"));
	}
	put_stray(o);
}

static void put_san(struct odd *o)
{
	size_t extension = o->out->len, value;
	struct buf inner;

	put(o, 0x06, "\x55\x1d\x11", 3);
	put_stray(o);
	if (chance(o, 200))
		put(o, 0x01, "\xff", 1);
	value = o->out->len;
	for (uint64_t n = random_below(o->r, 5); n > 0; n--)
		put_general_name(o);
	wrap(o, value, 0x30);
	buf_init(&inner, BYTES_MAX);
	buf_append(&inner, o->out->data + value, o->out->len - value);
	o->out->len = value;
	put_string(o, 0x04, 0x04, inner.data, inner.len, 0);
	buf_deinit(&inner);
	put_stray(o);
	wrap(o, extension, 0x30);
}

static void put_key_usage(struct odd *o)
{
	size_t extension = o->out->len;

	put(o, 0x06, "\x55\x1d\x0f", 3);
	put(o, 0x04, "\x03\x02\x07\x80", 4);
	wrap(o, extension, 0x30);
}

static void put_extensions(struct odd *o)
{
	size_t from = o->out->len;

	for (uint64_t n = chance(o, 100) ? random_below(o->r, 4) : 1; n > 0; n--) {
		if (chance(o, 500))
			put_key_usage(o);
		put_san(o);
		put_stray(o);
	}
	wrap(o, from, 0x30);
	wrap(o, from, 0xa3);
}

/* ---- the certificate -------------------------------------------------------------------------------------------------------- */

static void put_algorithm(struct odd *o)
{
	size_t from = o->out->len;

	put(o, 0x06, "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8);
	wrap(o, from, 0x30);
}

static void put_key(struct odd *o)
{
	static const uint8_t bits[33] = { 0 };
	size_t from = o->out->len, algorithm = from;

	put(o, 0x06, "\x2b\x65\x70", 3);
	wrap(o, algorithm, 0x30);
	put(o, 0x03, bits, sizeof(bits));
	wrap(o, from, 0x30);
}

static void put_validity(struct odd *o)
{
	size_t from = o->out->len;

	put(o, 0x17, "260101000000Z", 13);
	put(o, 0x17, "260401000000Z", 13);
	wrap(o, from, 0x30);
}

static void put_tbs(struct odd *o)
{
	size_t from = o->out->len, version = from;

	put(o, 0x02, "\x02", 1);
	wrap(o, version, 0xa0);
	put(o, 0x02, "\x01", 1);
	put_algorithm(o);
	put_name(o, 10, 1);
	put_validity(o);
	put_name(o, 3, random_below(o->r, 4));
	put_key(o);
	if (chance(o, 50))
		put(o, 0x81, "\0\x2a", 2);
	put_stray(o);
	put_extensions(o);
	if (chance(o, o->errors))
		put_extensions(o);
	put_stray(o);
	wrap(o, from, 0x30);
}

void odd_cert(struct random *r, struct buf *out)
{
	static const unsigned forms[] = { 0, 10, 30, 100, 300 }, errors[] = { 0, 0, 0, 2, 10, 30 };
	struct odd o = { r, out, forms[random_below(r, 5)], errors[random_below(r, 6)] };

	buf_clear(out);
	put_tbs(&o);
	put_algorithm(&o);
	put(&o, 0x03, "\0", 1);
	wrap(&o, 0, 0x30);
	if (chance(&o, o.errors))
		out->len -= random_below(r, out->len);
}
