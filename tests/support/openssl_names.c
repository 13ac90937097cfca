/* See openssl_names.h. */
#include "openssl_names.h"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

void openssl_names(const X509 *x, struct cert_names *names)
{
	const X509_NAME *subject = X509_get_subject_name(x);

	for (int at = -1; (at = X509_get_ext_by_NID(x, NID_subject_alt_name, at)) >= 0;) {
		GENERAL_NAMES *san = X509V3_EXT_d2i(X509_get_ext(x, at));

		for (int i = 0; i < sk_GENERAL_NAME_num(san); i++) {
			const GENERAL_NAME *g = sk_GENERAL_NAME_value(san, i);
			const ASN1_STRING *s = g->type == GEN_DNS ? g->d.dNSName : g->type == GEN_IPADD ? g->d.iPAddress : NULL;

			if (s == NULL)
				continue;
			struct slice bytes = slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
			if (g->type == GEN_DNS) {
				names_add_text(names, bytes, NAME_FROM_SAN);
			} else if (bytes.len == 4 || bytes.len == 16) {
				struct cert_name name = { .kind = NAME_IP, .text = bytes };
				char text[64];

				name_format(&name, text, sizeof(text));
				names_add_text(names, slice_text(text), NAME_FROM_SAN);
			}
		}
		GENERAL_NAMES_free(san);
	}
	for (int at = -1; (at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)subject, NID_commonName, at)) >= 0;) {
		unsigned char *utf8;
		int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

		if (len < 0)
			continue;
		names_add_text(names, slice_of(utf8, (size_t)len), NAME_FROM_CN);
		OPENSSL_free(utf8);
	}
}

static bool has_name(const struct cert_names *names, const struct cert_name *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->items[i].kind == name->kind && slice_equal(names->items[i].text, name->text))
			return true;
	return false;
}

const struct cert_name *names_missing_in(const struct cert_names *a, const struct cert_names *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!has_name(b, &a->items[i]))
			return &a->items[i];
	return NULL;
}
