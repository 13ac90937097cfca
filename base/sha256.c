/*
 * SHA-256 by OpenSSL's low-level interface: EVP costs an allocation and a method look-up per message, which at one
 * leaf hash per entry is a third of the whole. Deprecated in OpenSSL 3 in favour of EVP, still maintained.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base.h"

#include <string.h>

#include <openssl/sha.h>

struct hash sha256_parts(const struct slice *parts, size_t n_parts)
{
	struct hash out;
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < n_parts; i++)
		SHA256_Update(&ctx, parts[i].data, parts[i].len);
	SHA256_Final(out.bytes, &ctx);
	return out;
}

struct hash sha256(struct slice data)
{
	return sha256_parts(&data, 1);
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
	return memcmp(a->bytes, b->bytes, HASH_LEN) == 0;
}
