/* Reproducible ECDSA: OpenSSL's curve arithmetic, with the nonce taken from a hash instead of chance. */
#include "sign.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "der.h"

struct signer {
	EC_GROUP *group;
	BN_CTX *ctx;
	BIGNUM *secret;
	uint8_t secret_bytes[32];
	uint8_t spki[SPKI_LEN];
};

/* SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING }, up to the point itself */
static const uint8_t SPKI_HEAD[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
#define POINT_LEN 65
static_assert(sizeof(SPKI_HEAD) + POINT_LEN == SPKI_LEN, "a P-256 SubjectPublicKeyInfo has 91 bytes");

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fakelog: OpenSSL failed at %s\n", what);
		abort();
	}
}

struct signer *signer_new(const char *purpose, uint64_t seed, uint64_t number)
{
	struct signer *s = xcalloc(1, sizeof(*s));
	char *text = xasprintf("%s %llu %llu", purpose, (unsigned long long)seed, (unsigned long long)number);
	struct hash secret = sha256(slice_text(text));
	EC_POINT *point;

	s->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	s->ctx = BN_CTX_new();
	s->secret = BN_bin2bn(secret.bytes, HASH_LEN, NULL);
	must(s->group && s->ctx && s->secret, "allocation");
	must(BN_nnmod(s->secret, s->secret, EC_GROUP_get0_order(s->group), s->ctx), "secret");
	memcpy(s->secret_bytes, secret.bytes, HASH_LEN);
	point = EC_POINT_new(s->group);
	must(point && EC_POINT_mul(s->group, point, s->secret, NULL, NULL, s->ctx), "public key");
	memcpy(s->spki, SPKI_HEAD, sizeof(SPKI_HEAD));
	must(EC_POINT_point2oct(s->group, point, POINT_CONVERSION_UNCOMPRESSED, s->spki + sizeof(SPKI_HEAD), POINT_LEN,
				s->ctx) == POINT_LEN, "public key's bytes");
	EC_POINT_free(point);
	free(text);
	return s;
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	EC_GROUP_free(s->group);
	BN_CTX_free(s->ctx);
	BN_free(s->secret);
	free(s);
}

struct slice signer_spki(const struct signer *s)
{
	return slice_of(s->spki, SPKI_LEN);
}

static size_t encode_signature(const uint8_t r[32], const uint8_t s[32], uint8_t out[SIGNATURE_MAX])
{
	struct buf der;
	size_t mark, len;

	buf_init(&der, SIGNATURE_MAX);
	mark = der_open(&der, DER_SEQUENCE);
	der_unsigned(&der, r, 32);
	der_unsigned(&der, s, 32);
	der_close(&der, mark);
	len = der.len;
	memcpy(out, der.data, len);
	buf_deinit(&der);
	return len;
}

size_t signer_sign(struct signer *signer, struct slice message, uint8_t out[SIGNATURE_MAX])
{
	const BIGNUM *order = EC_GROUP_get0_order(signer->group);
	struct hash digest = sha256(message);
	struct slice nonce_parts[] = { { signer->secret_bytes, 32 }, { digest.bytes, HASH_LEN } };
	struct hash nonce = sha256_parts(nonce_parts, 2);
	uint8_t r_bytes[32], s_bytes[32];
	BIGNUM *e, *k, *r, *s;
	EC_POINT *point = EC_POINT_new(signer->group);

	BN_CTX_start(signer->ctx);
	e = BN_CTX_get(signer->ctx);
	k = BN_CTX_get(signer->ctx);
	r = BN_CTX_get(signer->ctx);
	s = BN_CTX_get(signer->ctx);
	must(s && point && BN_bin2bn(digest.bytes, HASH_LEN, e) && BN_bin2bn(nonce.bytes, HASH_LEN, k), "nonce");
	/* r = (kG).x, s = (e + r * secret) / k, all modulo the order */
	must(BN_nnmod(k, k, order, signer->ctx) && EC_POINT_mul(signer->group, point, k, NULL, NULL, signer->ctx), "kG");
	must(EC_POINT_get_affine_coordinates(signer->group, point, r, NULL, signer->ctx) &&
	     BN_nnmod(r, r, order, signer->ctx), "r");
	must(BN_mod_mul(s, r, signer->secret, order, signer->ctx) && BN_mod_add(s, s, e, order, signer->ctx) &&
	     BN_mod_inverse(k, k, order, signer->ctx) && BN_mod_mul(s, s, k, order, signer->ctx), "s");
	must(BN_bn2binpad(r, r_bytes, 32) == 32 && BN_bn2binpad(s, s_bytes, 32) == 32, "encoding");
	BN_CTX_end(signer->ctx);
	EC_POINT_free(point);
	return encode_signature(r_bytes, s_bytes, out);
}

void signer_sign_tls(struct signer *signer, struct slice message, struct buf *out)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t len = signer_sign(signer, message, signature);

	put_u8(out, 4);      /* SHA-256 */
	put_u8(out, 3);      /* ECDSA */
	put_u16(out, (uint16_t)len);
	buf_append(out, signature, len);
}

struct chance chance_of(uint64_t seed, uint64_t number)
{
	struct chance c = { seed * 0x9e3779b97f4a7c15u ^ number };

	chance_next(&c);
	c.state ^= number << 32 | number >> 32;
	return c;
}

uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

unsigned chance_below(struct chance *c, unsigned n)
{
	return (unsigned)(chance_next(c) >> 33) % n;
}

void chance_bytes(struct chance *c, void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		uint64_t word = chance_next(c);
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(at, &word, n);
		at += n;
		len -= n;
	}
}

size_t chance_signature(struct chance *c, uint8_t out[SIGNATURE_MAX])
{
	uint8_t r[32], s[32];

	chance_bytes(c, r, sizeof(r));
	chance_bytes(c, s, sizeof(s));
	r[0] |= 0x40;
	s[0] |= 0x40;
	return encode_signature(r, s, out);
}
