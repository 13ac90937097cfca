/* The detached signature of Chrome's log list, by the key that Google publishes beside it. */
#include "loglist.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define RSA_BITS_MIN 2048
#define LIST_KEY_BYTES_MAX (64u << 10)

/* RSA-4096; SHA-256 of its SPKI is held by a test. Google has not changed it since 2014. */
static const char LIST_KEY_PEM[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAsu0BHGnQ++W2CTdyZyxv\n"
	"HHRALOZPlnu/VMVgo2m+JZ8MNbAOH2cgXb8mvOj8flsX/qPMuKIaauO+PwROMjiq\n"
	"fUpcFm80Kl7i97ZQyBDYKm3MkEYYpGN+skAR2OebX9G2DfDqFY8+jUpOOWtBNr3L\n"
	"rmVcwx+FcFdMjGDlrZ5JRmoJ/SeGKiORkbbu9eY1Wd0uVhz/xI5bQb0OgII7hEj+\n"
	"i/IPbJqOHgB8xQ5zWAJJ0DmG+FM6o7gk403v6W3S8qRYiR84c50KppGwe4YqSMkF\n"
	"bLDleGQWLoaDSpEWtESisb4JiLaY4H+Kk0EyAhPSb+49JfUozYl+lf7iFN3qRq/S\n"
	"IXXTh6z0S7Qa8EYDhKGCrpI03/+qprwy+my6fpWHi6aUIk4holUCmWvFxZDfixox\n"
	"K0RlqbFDl2JXMBquwlQpm8u5wrsic1ksIv9z8x9zh4PJqNpCah0ciemI3YGRQqSe\n"
	"/mRRXBiSn9YQBUPcaeqCYan+snGADFwHuXCd9xIAdFBolw9R9HTedHGUfVXPJDiF\n"
	"4VusfX6BRR/qaadB+bqEArF/TzuDUr6FvOR4o8lUUxgLuZ/7HO+bHnaPFKYHHSm+\n"
	"+z1lVDhhYuSZ8ax3T0C3FZpb7HMjZtpEorSV5ElKJEJwrhrBCMOD8L01EoSPrGlS\n"
	"1w22i9uGHMn/uGQKo28u7AsCAwEAAQ==\n"
	"-----END PUBLIC KEY-----\n";

static EVP_PKEY *read_key(struct slice pem)
{
	BIO *bio = pem.len > 0 && pem.len <= LIST_KEY_BYTES_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

/* EVP_DigestVerify's default padding for RSA is PKCS #1 v1.5. */
static bool verifies(EVP_PKEY *key, struct slice message, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool log_list_verify_with(struct slice json, struct slice signature, struct slice key_pem, struct error *err)
{
	EVP_PKEY *key = read_key(key_pem);

	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
		error_set(err, ERR_USAGE, "the key for the log list is not a PEM RSA public key of at least %d bits", RSA_BITS_MIN);
	} else if (!verifies(key, json, signature)) {
		error_set(err, ERR_MALFORMED, "signature of %zu bytes does not fit the log list of %zu bytes", signature.len,
			  json.len);
	} else {
		EVP_PKEY_free(key);
		return true;
	}
	EVP_PKEY_free(key);
	ERR_clear_error();
	return false;
}

bool log_list_verify(struct slice json, struct slice signature, struct error *err)
{
	return log_list_verify_with(json, signature, SLICE_LITERAL(LIST_KEY_PEM), err);
}
