/* Certificates in the shape that the issuers of 2026 give them, written as DER. */
#include "mint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "der.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define DAY_MS (24 * HOUR_MS)

#define SUBJECT_KEYS 32

#define OID_ECDSA_SHA256 "1.2.840.10045.4.3.2"
#define OID_COMMON_NAME "2.5.4.3"
#define OID_COUNTRY "2.5.4.6"
#define OID_ORGANIZATION "2.5.4.10"

static const struct {
	const char *alias, *country, *organization, *common_name, *root;
	unsigned share;
} HIERARCHY[] = {
	{ "X1", "US", "Internet Security Research Group", "ISRG Root X1", "X1", 0 },
	{ "X2", "US", "Internet Security Research Group", "ISRG Root X2", "X2", 0 },
	{ "GTSR4", "US", "Google Trust Services LLC", "GTS Root R4", "GTSR4", 0 },
	{ "DCG2", "US", "DigiCert Inc", "DigiCert Global Root G2", "DCG2", 0 },
	{ "USERTRUST", "US", "The USERTRUST Network", "USERTrust ECC Certification Authority", "USERTRUST", 0 },
	{ "E7", "US", "Let's Encrypt", "E7", "X2", 22 },
	{ "E8", "US", "Let's Encrypt", "E8", "X2", 20 },
	{ "R12", "US", "Let's Encrypt", "R12", "X1", 9 },
	{ "R13", "US", "Let's Encrypt", "R13", "X1", 9 },
	{ "WE1", "US", "Google Trust Services", "WE1", "GTSR4", 18 },
	{ "WR1", "US", "Google Trust Services", "WR1", "GTSR4", 6 },
	{ "DIGICERT", "US", "DigiCert Inc", "DigiCert Global G2 TLS RSA SHA256 2020 CA1", "DCG2", 6 },
	{ "SECTIGO", "GB", "Sectigo Limited", "Sectigo Public Server Authentication CA DV E36", "USERTRUST", 7 },
	{ "ZEROSSL", "AT", "ZeroSSL", "ZeroSSL ECC Domain Secure Site CA", "USERTRUST", 3 },
};

struct mint {
	uint64_t seed;
	bool fast;
	struct authority authorities[ARRAY_LEN(HIERARCHY)];
	struct signer *subjects[SUBJECT_KEYS];   /* points must lie on the curve, or OpenSSL refuses the certificate */
	struct buf scratch;              /* a TBSCertificate on its way into a certificate */
};

static void rdn(struct buf *out, const char *oid, uint8_t tag, const char *text)
{
	size_t set = der_open(out, DER_SET), pair = der_open(out, DER_SEQUENCE);

	der_oid(out, oid);
	der_text(out, tag, text);
	der_close(out, pair);
	der_close(out, set);
}

static void algorithm(struct buf *out)
{
	size_t mark = der_open(out, DER_SEQUENCE);

	der_oid(out, OID_ECDSA_SHA256);
	der_close(out, mark);
}

/* Opens SEQUENCE { oid, critical?, OCTET STRING ...; der_close both marks, inner first. */
struct extension {
	size_t outer, value;
};

static struct extension extension_open(struct buf *out, const char *oid, bool critical)
{
	struct extension e = { .outer = der_open(out, DER_SEQUENCE) };

	der_oid(out, oid);
	if (critical)
		der_put(out, DER_BOOLEAN, "\xff", 1);
	e.value = der_open(out, DER_OCTET_STRING);
	return e;
}

static void extension_close(struct buf *out, struct extension e)
{
	der_close(out, e.value);
	der_close(out, e.outer);
}

static void extension_bytes(struct buf *out, const char *oid, bool critical, const void *value, size_t len)
{
	struct extension e = extension_open(out, oid, critical);

	buf_append(out, value, len);
	extension_close(out, e);
}

static void key_identifiers(struct buf *out, const uint8_t subject[20], const uint8_t issuer[20])
{
	struct extension e = extension_open(out, "2.5.29.14", false);
	size_t mark;

	der_put(out, DER_OCTET_STRING, subject, 20);
	extension_close(out, e);
	e = extension_open(out, "2.5.29.35", false);
	mark = der_open(out, DER_SEQUENCE);
	der_put(out, 0x80, issuer, 20);
	der_close(out, mark);
	extension_close(out, e);
}

/* Certificate = SEQUENCE { tbs, algorithm, BIT STRING } */
static void seal(struct mint *mint, struct signer *signer, struct slice tbs, uint64_t number, struct buf *out)
{
	uint8_t signature[SIGNATURE_MAX];
	struct chance chance = chance_of(mint->seed ^ 0x5163, number);
	size_t len = mint->fast ? chance_signature(&chance, signature) : signer_sign(signer, tbs, signature);
	size_t certificate, bits;

	buf_clear(out);
	certificate = der_open(out, DER_SEQUENCE);
	buf_append_slice(out, tbs);
	algorithm(out);
	bits = der_open(out, DER_BIT_STRING);
	put_u8(out, 0);
	buf_append(out, signature, len);
	der_close(out, bits);
	der_close(out, certificate);
}

static void make_authority_certificate(struct mint *mint, struct authority *a, uint64_t number)
{
	const struct authority *root = &mint->authorities[a->root];
	struct buf *out = &mint->scratch;
	struct chance chance = chance_of(mint->seed ^ 0xca, number);
	uint8_t serial[16];
	size_t tbs, mark, extensions;

	chance_bytes(&chance, serial, sizeof(serial));
	serial[0] |= 0x40;
	buf_clear(out);
	tbs = der_open(out, DER_SEQUENCE);
	buf_append(out, "\xa0\x03\x02\x01\x02", 5);
	der_unsigned(out, serial, sizeof(serial));
	algorithm(out);
	buf_append_slice(out, buf_slice(&root->name));
	mark = der_open(out, DER_SEQUENCE);
	der_time(out, time_from_civil(2020, 9, 4, 0, 0, 0));
	der_time(out, time_from_civil(2040, 9, 17, 16, 0, 0));
	der_close(out, mark);
	buf_append_slice(out, buf_slice(&a->name));
	buf_append_slice(out, signer_spki(a->signer));
	mark = der_open(out, DER_CONTEXT_3);
	extensions = der_open(out, DER_SEQUENCE);
	extension_bytes(out, "2.5.29.15", true, "\x03\x02\x01\x06", 4);          /* keyCertSign, cRLSign */
	extension_bytes(out, "2.5.29.19", true, "\x30\x03\x01\x01\xff", 5);      /* CA:true */
	key_identifiers(out, a->key_id, root->key_id);
	der_close(out, extensions);
	der_close(out, mark);
	der_close(out, tbs);
	seal(mint, root->signer, buf_slice(out), number << 40, &a->certificate);
	a->fingerprint = sha256(buf_slice(&a->certificate));
}

static void make_authority(struct mint *mint, size_t i)
{
	struct authority *a = &mint->authorities[i];
	size_t mark;
	uint8_t digest[SHA_DIGEST_LENGTH];

	a->alias = HIERARCHY[i].alias;
	a->share = HIERARCHY[i].share;
	a->signer = signer_new("authority", mint->seed, i);
	a->key_hash = sha256(signer_spki(a->signer));
	SHA1(signer_spki(a->signer).data, SPKI_LEN, digest);
	memcpy(a->key_id, digest, sizeof(a->key_id));
	buf_init(&a->name, MINT_BYTES_MAX);
	buf_init(&a->certificate, MINT_BYTES_MAX);
	mark = der_open(&a->name, DER_SEQUENCE);
	rdn(&a->name, OID_COUNTRY, DER_PRINTABLE, HIERARCHY[i].country);
	rdn(&a->name, OID_ORGANIZATION, DER_PRINTABLE, HIERARCHY[i].organization);
	rdn(&a->name, OID_COMMON_NAME, DER_PRINTABLE, HIERARCHY[i].common_name);
	der_close(&a->name, mark);
	for (size_t root = 0; root <= i; root++)
		if (strcmp(HIERARCHY[root].alias, HIERARCHY[i].root) == 0)
			a->root = root;
}

struct mint *mint_new(uint64_t seed, bool fast)
{
	struct mint *mint = xcalloc(1, sizeof(*mint));

	mint->seed = seed;
	buf_init(&mint->scratch, MINT_BYTES_MAX);
	for (size_t i = 0; i < ARRAY_LEN(HIERARCHY); i++)
		make_authority(mint, i);
	for (size_t i = 0; i < SUBJECT_KEYS; i++)
		mint->subjects[i] = signer_new("subject", seed, i);
	/* chains are few: they are always really signed */
	for (size_t i = 0; i < ARRAY_LEN(HIERARCHY); i++)
		make_authority_certificate(mint, &mint->authorities[i], i);
	mint->fast = fast;
	return mint;
}

void mint_free(struct mint *mint)
{
	if (mint == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(HIERARCHY); i++) {
		signer_free(mint->authorities[i].signer);
		buf_deinit(&mint->authorities[i].name);
		buf_deinit(&mint->authorities[i].certificate);
	}
	for (size_t i = 0; i < SUBJECT_KEYS; i++)
		signer_free(mint->subjects[i]);
	buf_deinit(&mint->scratch);
	free(mint);
}

size_t mint_authorities(const struct mint *mint, const struct authority **all)
{
	*all = mint->authorities;
	return ARRAY_LEN(mint->authorities);
}

int mint_find(const struct mint *mint, const char *alias)
{
	for (size_t i = 0; i < ARRAY_LEN(HIERARCHY); i++)
		if (mint->authorities[i].share > 0 && strcmp(HIERARCHY[i].alias, alias) == 0)
			return (int)i;
	return -1;
}

static size_t choose_authority(const struct order *order, struct chance *chance)
{
	unsigned ticket = chance_below(chance, 100);
	size_t i = 0;

	if (order->authority >= 0)
		return (size_t)order->authority;
	while (ticket >= HIERARCHY[i].share)
		ticket -= HIERARCHY[i++].share;
	return i;
}

/* The subject's public key: EC for most, RSA 2048 (whose private half nobody can have) for a third. */
static void subject_key(struct mint *mint, struct buf *out, struct chance *chance)
{
	uint8_t bytes[256];
	size_t spki, mark, rsa;

	if (chance_below(chance, 3) != 0) {
		buf_append_slice(out, signer_spki(mint->subjects[chance_below(chance, SUBJECT_KEYS)]));
		return;
	}
	chance_bytes(chance, bytes, sizeof(bytes));
	bytes[0] |= 0x80;
	bytes[255] |= 1;
	spki = der_open(out, DER_SEQUENCE);
	mark = der_open(out, DER_SEQUENCE);
	der_oid(out, "1.2.840.113549.1.1.1");
	buf_append(out, "\x05\x00", 2);
	der_close(out, mark);
	mark = der_open(out, DER_BIT_STRING);
	put_u8(out, 0);
	rsa = der_open(out, DER_SEQUENCE);
	der_unsigned(out, bytes, sizeof(bytes));
	buf_append(out, "\x02\x03\x01\x00\x01", 5);
	der_close(out, rsa);
	der_close(out, mark);
	der_close(out, spki);
}

static void alternative_names(struct buf *out, const struct name_set *set)
{
	struct extension e = extension_open(out, "2.5.29.17", false);
	size_t mark = der_open(out, DER_SEQUENCE);

	for (size_t i = 0; i < set->n; i++) {
		uint8_t address[16];

		if (inet_pton(AF_INET, set->names[i], address) == 1)
			der_put(out, 0x87, address, 4);
		else if (inet_pton(AF_INET6, set->names[i], address) == 1)
			der_put(out, 0x87, address, 16);
		else
			der_text(out, 0x82, set->names[i]);
	}
	der_close(out, mark);
	extension_close(out, e);
}

static void issuer_pointers(struct buf *out, const struct authority *a)
{
	struct extension e = extension_open(out, "1.3.6.1.5.5.7.1.1", false);
	size_t all = der_open(out, DER_SEQUENCE), one = der_open(out, DER_SEQUENCE);
	char url[80];
	size_t points, fields, names;

	snprintf(url, sizeof(url), "http://%s.i.lencr.org/", a->alias);
	der_oid(out, "1.3.6.1.5.5.7.48.2");
	der_text(out, 0x86, url);
	der_close(out, one);
	der_close(out, all);
	extension_close(out, e);
	e = extension_open(out, "2.5.29.31", false);
	points = der_open(out, DER_SEQUENCE);
	fields = der_open(out, DER_SEQUENCE);
	one = der_open(out, DER_CONTEXT_0);
	names = der_open(out, DER_CONTEXT_0);
	snprintf(url, sizeof(url), "http://%s.c.lencr.org/12.crl", a->alias);
	der_text(out, 0x86, url);
	der_close(out, names);
	der_close(out, one);
	der_close(out, fields);
	der_close(out, points);
	extension_close(out, e);
}

enum last_extension { LAST_NONE, LAST_POISON, LAST_SCTS };

static void put_last_extension(struct buf *out, enum last_extension last, struct slice scts)
{
	struct extension e;
	size_t mark;

	if (last == LAST_POISON)
		extension_bytes(out, "1.3.6.1.4.1.11129.2.4.3", true, "\x05\x00", 2);
	if (last != LAST_SCTS)
		return;
	e = extension_open(out, "1.3.6.1.4.1.11129.2.4.2", false);
	mark = der_open(out, DER_OCTET_STRING);
	buf_append_slice(out, scts);
	der_close(out, mark);
	extension_close(out, e);
}

static void put_validity(struct buf *out, const struct order *order)
{
	/* issued an hour before it is logged, as Let's Encrypt does; whole seconds */
	int64_t not_before = order->at_ms / 1000 * 1000 - HOUR_MS;
	int64_t days = order->oddity == ODDITY_OUTSIDE_SHARD ? 5000 : 90;
	size_t mark = der_open(out, DER_SEQUENCE);

	der_time(out, not_before);
	der_time(out, not_before + days * DAY_MS - 1000);
	der_close(out, mark);
}

static size_t put_tbs(struct mint *mint, const struct order *order, enum last_extension last, struct slice scts, struct buf *out)
{
	struct chance chance = chance_of(mint->seed, order->identity);
	size_t number = choose_authority(order, &chance);
	const struct authority *a = &mint->authorities[number];
	struct name_set generated;
	const struct name_set *names = order->names;
	uint8_t serial[18], key_id[20];
	size_t tbs, mark, extensions;

	chance_bytes(&chance, serial, sizeof(serial));
	chance_bytes(&chance, key_id, sizeof(key_id));
	serial[0] = 5;
	buf_clear(out);
	if (order->oddity == ODDITY_GARBAGE) {
		buf_append_text(out, "this is no certificate, and no attempt at one");
		return number;
	}
	if (names == NULL) {
		names_generate(&chance, &generated);
		names = &generated;
	}
	tbs = der_open(out, DER_SEQUENCE);
	buf_append(out, "\xa0\x03\x02\x01\x02", 5);
	der_unsigned(out, serial, sizeof(serial));
	algorithm(out);
	buf_append_slice(out, buf_slice(&a->name));
	put_validity(out, order);
	mark = der_open(out, DER_SEQUENCE);
	if (strlen(names->names[0]) <= 64)
		rdn(out, OID_COMMON_NAME, DER_UTF8, names->names[0]);
	der_close(out, mark);
	subject_key(mint, out, &chance);
	mark = der_open(out, DER_CONTEXT_3);
	extensions = der_open(out, DER_SEQUENCE);
	extension_bytes(out, "2.5.29.15", true, "\x03\x02\x07\x80", 4);          /* digitalSignature */
	extension_bytes(out, "2.5.29.37", false, "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01", 12); /* serverAuth */
	extension_bytes(out, "2.5.29.19", true, "\x30\x00", 2);
	key_identifiers(out, key_id, a->key_id);
	issuer_pointers(out, a);
	alternative_names(out, names);
	extension_bytes(out, "2.5.29.32", false, "\x30\x0a\x30\x08\x06\x06\x67\x81\x0c\x01\x02\x01", 12); /* domain validated */
	put_last_extension(out, last, scts);
	der_close(out, extensions);
	der_close(out, mark);
	der_close(out, tbs);
	return number;
}

size_t mint_tbs(struct mint *mint, const struct order *order, struct buf *tbs)
{
	return put_tbs(mint, order, LAST_NONE, slice_of(NULL, 0), tbs);
}

void mint_precertificate(struct mint *mint, const struct order *order, struct buf *certificate)
{
	size_t number = put_tbs(mint, order, LAST_POISON, slice_of(NULL, 0), &mint->scratch);

	seal(mint, mint->authorities[number].signer, buf_slice(&mint->scratch), order->identity * 2, certificate);
}

size_t mint_certificate(struct mint *mint, const struct order *order, struct slice scts, struct buf *certificate)
{
	enum last_extension last = scts.len > 0 ? LAST_SCTS : LAST_NONE;
	size_t number = put_tbs(mint, order, last, scts, &mint->scratch);

	seal(mint, mint->authorities[number].signer, buf_slice(&mint->scratch), order->identity * 2 + 1, certificate);
	return number;
}
