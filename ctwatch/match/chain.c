#include "chain.h"
#include "x509.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

bool chain_fits_precertificate(const struct entry *entry)
{
	struct slice chain = entry->chain, first = { 0 };
	struct error ignored;
	struct buf tbs;

	buf_init(&tbs, RESPONSE_BYTES_MAX);
	bool belongs = cert_rebuild_tbs(entry->precertificate, (struct slice){ 0 }, &tbs, &ignored) &&
		       slice_equal(buf_slice(&tbs), entry->certificate);
	if (!belongs && !entry->headless && chain_take(&chain, &first)) {
		buf_clear(&tbs);
		belongs = cert_rebuild_tbs(entry->precertificate, first, &tbs, &ignored) &&
			  slice_equal(buf_slice(&tbs), entry->certificate);
	}
	buf_deinit(&tbs);
	return belongs;
}

static bool holds_issuer(const struct entry *entry)
{
	struct slice chain = entry->chain, certificate;
	struct cert_view view;
	struct error ignored;

	for (unsigned i = 0; i < 2 && chain_take(&chain, &certificate); i++) {
		if (!cert_scan(certificate, &view, &ignored))
			continue;
		struct hash key = sha256(view.spki);

		if (memcmp(key.bytes, entry->issuer_key_hash, HASH_LEN) == 0)
			return true;
	}
	return false;
}

static X509 *decode(struct slice der)
{
	const unsigned char *at = der.data;

	return der.len == 0 || der.len > RESPONSE_BYTES_MAX ? NULL : d2i_X509(NULL, &at, (long)der.len);
}

/* False only when the signature is there to be checked and is wrong: algorithms come and go. */
static bool signed_by_first(const struct entry *entry)
{
	struct slice chain = entry->chain, first;

	if (!chain_take(&chain, &first))
		return true;
	X509 *subject = decode(entry->type == ENTRY_PRECERT ? entry->precertificate : entry->certificate), *issuer = decode(first);
	EVP_PKEY *key = issuer == NULL ? NULL : X509_get0_pubkey(issuer);
	int verdict = subject == NULL || key == NULL ? -1 : X509_verify(subject, key);

	X509_free(subject);
	X509_free(issuer);
	ERR_clear_error();
	return verdict != 0;
}

const char *chain_trouble(const struct entry *entry)
{
	if (entry->headless || entry->chain.len == 0)
		return NULL;
	if (entry->type == ENTRY_PRECERT && !holds_issuer(entry))
		return "the chain that the log gave does not belong to the entry: it lacks the issuer whose key is logged";
	if (!signed_by_first(entry))
		return "the chain that the log gave does not belong to the entry: its first certificate did not sign it";
	return NULL;
}
