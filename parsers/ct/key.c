/* Log keys and the TLS struct DigitallySigned (RFC 5246 section 4.7, as RFC 6962 section 2.1.4 narrows it). */
#include "ct.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define SPKI_BYTES_MAX 4096 /* an RSA key of 16384 bits has 2 kB */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 16384 /* verifying costs the square: no log has more than 4096 */
#define TLS_HASH_SHA256 4
#define TLS_SIGNATURE_RSA 1
#define TLS_SIGNATURE_ECDSA 3

struct log_key {
	EVP_PKEY *pkey;
	uint8_t algorithm; /* TLS's number for it */
	struct hash id;
	size_t spki_len;
	uint8_t spki[];
};

/* TLS's number of a key's signature algorithm, or 0 when logs may not use the key. */
static uint8_t signature_algorithm(const EVP_PKEY *pkey)
{
	char group[32];
	size_t len;

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1 || strcmp(group, "prime256v1") != 0)
			return 0;
		return TLS_SIGNATURE_ECDSA;
	case EVP_PKEY_RSA: {
		int bits = EVP_PKEY_get_bits(pkey);

		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? TLS_SIGNATURE_RSA : 0;
	}
	default:
		return 0;
	}
}

struct log_key *log_key_new(struct slice spki_der, struct error *err)
{
	const unsigned char *at = spki_der.data;
	EVP_PKEY *pkey = NULL;
	uint8_t algorithm;

	if (spki_der.len == 0 || spki_der.len > SPKI_BYTES_MAX) {
		error_set(err, ERR_MALFORMED, "log key has %zu bytes, more than 0 and at most %d were expected",
			  spki_der.len, SPKI_BYTES_MAX);
		return NULL;
	}
	pkey = d2i_PUBKEY(NULL, &at, (long)spki_der.len);
	ERR_clear_error();
	if (pkey == NULL || at != spki_der.data + spki_der.len) {
		error_set(err, ERR_MALFORMED, "log key of %zu bytes is not one DER SubjectPublicKeyInfo", spki_der.len);
		EVP_PKEY_free(pkey);
		return NULL;
	}
	algorithm = signature_algorithm(pkey);
	if (algorithm == 0) {
		error_set(err, ERR_MALFORMED,
			  "log key is neither EC P-256 nor RSA of %d to %d bits (RFC 6962 section 2.1.4)", RSA_BITS_MIN,
			  RSA_BITS_MAX);
		EVP_PKEY_free(pkey);
		return NULL;
	}

	struct log_key *key = xmalloc(sizeof(*key) + spki_der.len);
	key->pkey = pkey;
	key->algorithm = algorithm;
	key->id = sha256(spki_der);
	key->spki_len = spki_der.len;
	memcpy(key->spki, spki_der.data, spki_der.len);
	return key;
}

void log_key_free(struct log_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

struct hash log_key_id(const struct log_key *key)
{
	return key->id;
}

struct slice log_key_spki(const struct log_key *key)
{
	return slice_of(key->spki, key->spki_len);
}

static bool signature_verifies(EVP_PKEY *pkey, struct slice message, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

bool log_key_verify(const struct log_key *key, struct slice message, struct slice digitally_signed, struct error *err)
{
	struct slice in = digitally_signed, signature;
	uint8_t hash, algorithm;

	if (!take_u8(&in, &hash) || !take_u8(&in, &algorithm) || !take_vec16(&in, &signature) || in.len != 0)
		return error_set(err, ERR_MALFORMED, "signature of %zu bytes is not one DigitallySigned struct",
				 digitally_signed.len);
	if (hash != TLS_HASH_SHA256 || algorithm != key->algorithm)
		return error_set(
			err, ERR_MALFORMED,
			"signature is of hash %u and algorithm %u, the log's key makes hash %d and algorithm %u", hash,
			algorithm, TLS_HASH_SHA256, key->algorithm);
	if (!signature_verifies(key->pkey, message, signature))
		return error_set(err, ERR_CONTRADICTION, "signature does not verify with the log's key");
	return true;
}
