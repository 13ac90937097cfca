/* See cert_build.h. */
#include "cert_build.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX (1u << 26)

void der_build(struct buf *out, uint8_t tag, struct slice content)
{
	uint8_t len[8];
	size_t n = 0;

	buf_append_byte(out, tag);
	if (content.len < 0x80) {
		buf_append_byte(out, (uint8_t)content.len);
	} else {
		for (size_t rest = content.len; rest > 0; rest >>= 8)
			len[n++] = (uint8_t)rest;
		buf_append_byte(out, (uint8_t)(0x80 | n));
		while (n > 0)
			buf_append_byte(out, len[--n]);
	}
	assert_true(buf_append_slice(out, content));
}

void der_build_hex(struct buf *out, const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *at = buf_reserve(out, len + 1);

	assert_non_null(at);
	assert_true(hex_decode(slice_text(hex), at, len));
	out->len += len;
}

/* Wraps what was appended since `from`. */
static void wrap(struct buf *out, size_t from, uint8_t tag)
{
	struct buf inner;

	buf_init(&inner, BYTES_MAX);
	buf_append(&inner, out->data + from, out->len - from);
	out->len = from;
	der_build(out, tag, buf_slice(&inner));
	buf_deinit(&inner);
}

/* SEQUENCE { SET { SEQUENCE { 2.5.4.<arc>, value } } } */
static void put_name(struct buf *out, uint8_t arc, const char *text, const char *value_hex)
{
	const uint8_t oid[] = { 0x55, 0x04, arc };
	size_t name = out->len;

	if (text != NULL || value_hex != NULL) {
		size_t attribute = out->len;

		der_build(out, 0x06, slice_of(oid, sizeof(oid)));
		if (value_hex != NULL)
			der_build_hex(out, value_hex);
		else
			der_build(out, 0x0c, slice_text(text));
		wrap(out, attribute, 0x30);
		wrap(out, attribute, 0x31);
	}
	wrap(out, name, 0x30);
}

static void put_extension(struct buf *out, const struct cert_build_extension *e)
{
	size_t extension = out->len, part = out->len;

	der_build_hex(out, e->oid_hex);
	wrap(out, part, 0x06);
	if (e->critical)
		der_build_hex(out, "0101ff");
	part = out->len;
	der_build_hex(out, e->value_hex);
	wrap(out, part, 0x04);
	wrap(out, extension, 0x30);
}

static void put_san(struct buf *out, const struct cert_build *how)
{
	size_t extension = out->len, value;

	der_build_hex(out, "0603551d11");
	value = out->len;
	if (how->san_hex != NULL) {
		der_build_hex(out, how->san_hex);
	} else {
		for (size_t i = 0; how->dns[i] != NULL; i++)
			der_build(out, 0x82, slice_text(how->dns[i]));
		wrap(out, value, 0x30);
	}
	wrap(out, value, 0x04);
	wrap(out, extension, 0x30);
}

static void put_extensions(struct buf *out, const struct cert_build *how)
{
	size_t from = out->len;

	if (how->dns != NULL || how->san_hex != NULL)
		put_san(out, how);
	for (size_t i = 0; how->extensions != NULL && how->extensions[i] != NULL; i++)
		put_extension(out, how->extensions[i]);
	if (out->len == from)
		return;
	wrap(out, from, 0x30);
	wrap(out, from, 0xa3);
}

void cert_build(struct buf *out, const struct cert_build *how)
{
	static const char ecdsa_sha256[] = "300a06082a8648ce3d040302";
	size_t certificate = out->len, tbs = out->len, part;

	if (!how->v1)
		der_build_hex(out, "a003020102");
	part = out->len;
	der_build_hex(out, how->serial_hex != NULL ? how->serial_hex : "01");
	wrap(out, part, 0x02);
	der_build_hex(out, ecdsa_sha256);
	put_name(out, 10, how->issuer != NULL ? how->issuer : "Test CA", NULL);
	part = out->len;
	der_build_hex(out, how->not_before_hex != NULL ? how->not_before_hex : "170d3236303130313030303030305a");
	der_build_hex(out, how->not_after_hex != NULL ? how->not_after_hex : "170d3236303430313030303030305a");
	wrap(out, part, 0x30);
	if (how->subject_hex != NULL)
		der_build_hex(out, how->subject_hex);
	else
		put_name(out, 3, how->cn, how->cn_hex);
	/* an Ed25519 key of zeros */
	der_build_hex(out, "302a300506032b65700321000000000000000000000000000000000000000000000000000000000000000000");
	put_extensions(out, how);
	wrap(out, tbs, 0x30);
	der_build_hex(out, ecdsa_sha256);
	der_build_hex(out, "030100");
	wrap(out, certificate, 0x30);
}
