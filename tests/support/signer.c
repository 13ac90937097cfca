/* See signer.h. */
#include "signer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "note.h"

struct signer {
	EVP_PKEY *pkey;
	unsigned char *spki;
	size_t spki_len;
};

static struct signer *wrap(EVP_PKEY *pkey)
{
	struct signer *signer = xcalloc(1, sizeof(*signer));

	signer->pkey = pkey;
	signer->spki_len = (size_t)i2d_PUBKEY(pkey, &signer->spki);
	return signer;
}

struct signer *signer_new_curve(const char *curve)
{
	return wrap(EVP_EC_gen(curve));
}

struct signer *signer_new(unsigned rsa_bits)
{
	return rsa_bits == 0 ? signer_new_curve("P-256") : wrap(EVP_RSA_gen(rsa_bits));
}

void signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	EVP_PKEY_free(signer->pkey);
	OPENSSL_free(signer->spki);
	free(signer);
}

struct slice signer_spki(const struct signer *signer)
{
	return slice_of(signer->spki, signer->spki_len);
}

void signer_sign(const struct signer *signer, struct slice message, struct buf *out)
{
	bool ec = EVP_PKEY_get_base_id(signer->pkey) == EVP_PKEY_EC;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[4096];
	size_t len = sizeof(signature);

	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer->pkey);
	if (EVP_DigestSign(ctx, signature, &len, message.data, message.len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	const uint8_t head[] = { 4, ec ? 3 : 1, (uint8_t)(len >> 8), (uint8_t)len };
	buf_append(out, head, sizeof(head));
	buf_append(out, signature, len);
}

static void sign_head(const struct signer *signer, const struct tree_head *head, struct buf *out)
{
	uint8_t message[50];

	tree_head_signed_bytes(head, message);
	signer_sign(signer, slice_of(message, sizeof(message)), out);
}

char *signer_sth(const struct signer *signer, const struct tree_head *head)
{
	char root[BASE64_LEN(HASH_LEN) + 1];
	struct buf signature;

	buf_init(&signature, 1u << 16);
	sign_head(signer, head, &signature);
	char *text = xmalloc(BASE64_LEN(signature.len) + 1);
	base64_encode(signature.data, signature.len, text);
	base64_encode(head->root.bytes, HASH_LEN, root);
	char *json = xasprintf("{\"tree_size\":%" PRIu64 ",\"timestamp\":%" PRIu64
			       ",\"sha256_root_hash\":\"%s\",\"tree_head_signature\":\"%s\"}",
			       head->tree_size, head->timestamp_ms, root, text);
	free(text);
	buf_deinit(&signature);
	return json;
}

char *signer_line(const struct signer *signer, const char *origin, const struct tree_head *head)
{
	struct hash log_id = sha256(signer_spki(signer));
	struct buf blob;
	uint8_t id[4];

	buf_init(&blob, 1u << 16);
	note_rfc6962_key_id(slice_text(origin), &log_id, id);
	buf_append(&blob, id, sizeof(id));
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_append_byte(&blob, (uint8_t)(head->timestamp_ms >> shift));
	sign_head(signer, head, &blob);
	char *text = xmalloc(BASE64_LEN(blob.len) + 1);
	base64_encode(blob.data, blob.len, text);
	char *line = xasprintf("\xe2\x80\x94 %s %s\n", origin, text);
	free(text);
	buf_deinit(&blob);
	return line;
}

char *signer_checkpoint(const struct signer *signer, const char *origin, const struct tree_head *head, const char *extension)
{
	char root[BASE64_LEN(HASH_LEN) + 1], *line = signer_line(signer, origin, head);

	base64_encode(head->root.bytes, HASH_LEN, root);
	char *note = xasprintf("%s\n%" PRIu64 "\n%s\n%s\n%s", origin, head->tree_size, root, extension, line);
	free(line);
	return note;
}
