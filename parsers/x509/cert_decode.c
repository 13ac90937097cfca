/*
 * Certificates as OpenSSL decodes them, for people to look at. Nothing here decides whether a certificate matches: OpenSSL
 * refuses certificates that clients accept (spec 6.1).
 */
#include "x509.h"
#include "cert.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define NAME_LINE_MAX 2048
/* Names in a certificate's description; all of them are matched, nobody reads more. */
#define NAMES_SHOWN 1000

static bool refused(struct error *err, size_t len)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	error_set(err, ERR_MALFORMED, "OpenSSL cannot decode the certificate of %zu bytes: %s", len,
	          reason != NULL ? reason : "no reason given");
	ERR_clear_error();
	return false;
}

/* SEQUENCE { tbs, the algorithm that the TBS names, an empty BIT STRING }: enough for d2i_X509 (spec 1.5). */
static bool wrap_tbs(struct slice tbs, struct buf *out, struct error *err)
{
	static const uint8_t no_signature[] = { DER_BIT_STRING, 1, 0 };
	uint8_t header[DER_HEADER_MAX];
	struct slice in = tbs;
	struct der whole, part, algorithm;

	if (!der_take_tag(&in, DER_SEQUENCE, &whole))
		return error_set(err, ERR_MALFORMED, "TBSCertificate of %zu bytes is no complete SEQUENCE", tbs.len);
	in = whole.content;
	der_take_tag(&in, DER_CONTEXT | DER_CONSTRUCTED, &part);
	if (!der_take_tag(&in, DER_INTEGER, &part) || !der_take_tag(&in, DER_SEQUENCE, &algorithm))
		return error_set(err, ERR_MALFORMED, "TBSCertificate of %zu bytes names no signature algorithm", tbs.len);

	size_t header_len = der_put_header(DER_SEQUENCE, whole.whole.len + algorithm.whole.len + sizeof(no_signature), header);
	if (!buf_append(out, header, header_len) || !buf_append_slice(out, whole.whole) ||
	    !buf_append_slice(out, algorithm.whole) || !buf_append(out, no_signature, sizeof(no_signature)))
		return error_set(err, ERR_MALFORMED, "TBSCertificate of %zu bytes is larger than the %zu that are decoded", tbs.len,
		                 out->max);
	return true;
}

static char *name_line(const X509_NAME *name)
{
	char line[NAME_LINE_MAX];
	const unsigned char *der;
	size_t len;

	if (X509_NAME_get0_der(name, &der, &len) != 1)
		len = 0;
	return xstrdup(x509_name_format(slice_of(der, len), line, sizeof(line)));
}

static char *serial_line(const X509 *x)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = number == NULL ? NULL : BN_bn2hex(number);
	char *line = xstrdup(hex == NULL ? "" : hex);

	for (char *c = line; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c + 32);
	OPENSSL_free(hex);
	BN_free(number);
	return line;
}

static const char *curve_name(const char *group)
{
	static const char *const curves[][2] = {
		{ "prime256v1", "P-256" },
		{ "secp384r1", "P-384" },
		{ "secp521r1", "P-521" },
	};

	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (strcmp(group, curves[i][0]) == 0)
			return curves[i][1];
	return group;
}

static char *key_line(const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	char group[80];

	if (key == NULL)
		return xstrdup("unknown");
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		return xasprintf("EC %s", curve_name(group));

	const char *type = EVP_PKEY_get0_type_name(key);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA)
		return xasprintf("%s %d", type, EVP_PKEY_get_bits(key));
	return xstrdup(type != NULL ? type : "unknown");
}

static char *signature_line(const X509 *x)
{
	const X509_ALGOR *algorithm;
	const ASN1_OBJECT *object;
	char text[128];

	X509_get0_signature(NULL, &algorithm, x);
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	if (OBJ_obj2txt(text, sizeof(text), object, 0) <= 0)
		return xstrdup("unknown");
	return xstrdup(text);
}

static int64_t time_ms(const ASN1_TIME *time)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return INT64_MIN;
	return time_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void add_name(struct cert_details *details, const GENERAL_NAME *general)
{
	char shown[512], *line = NULL;

	if (details->n_names == NAMES_SHOWN)
		return;
	if (general->type == GEN_DNS) {
		struct slice text = slice_of(ASN1_STRING_get0_data(general->d.dNSName),
		                             (size_t)ASN1_STRING_length(general->d.dNSName));
		line = xasprintf("DNS:%s", text_escape(text, shown, sizeof(shown)));
	} else if (general->type == GEN_IPADD) {
		struct slice bytes = slice_of(ASN1_STRING_get0_data(general->d.iPAddress),
		                              (size_t)ASN1_STRING_length(general->d.iPAddress));
		struct cert_name name = { .kind = NAME_IP, .text = bytes };
		bool address = bytes.len == 4 || bytes.len == 16;

		line = xasprintf("IP:%s", address ? name_format(&name, shown, sizeof(shown)) : "unreadable");
	}
	if (line != NULL)
		details->names[details->n_names++] = line;
}

/* Every SAN by hand: asked for "the" SAN, OpenSSL gives none when there are two. */
static void add_names(struct cert_details *details, const X509 *x)
{
	details->names = xcalloc(NAMES_SHOWN, sizeof(*details->names));
	for (int at = -1; (at = X509_get_ext_by_NID(x, NID_subject_alt_name, at)) >= 0;) {
		GENERAL_NAMES *names = X509V3_EXT_d2i(X509_get_ext(x, at));

		for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
			add_name(details, sk_GENERAL_NAME_value(names, i));
		GENERAL_NAMES_free(names);
	}
}

bool cert_decode(struct slice der, bool is_tbs, struct cert_details *out, struct error *err)
{
	struct cert_details details = { 0 };
	struct buf wrapped;

	/* twice the largest entry: room for the wrapping */
	buf_init(&wrapped, 2u << 24);
	if (is_tbs && !wrap_tbs(der, &wrapped, err)) {
		buf_deinit(&wrapped);
		return false;
	}
	struct slice whole = is_tbs ? buf_slice(&wrapped) : der;
	const unsigned char *at = whole.data;
	X509 *x = whole.len > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)whole.len);
	buf_deinit(&wrapped);
	if (x == NULL)
		return refused(err, der.len);

	details.subject = name_line(X509_get_subject_name(x));
	details.issuer = name_line(X509_get_issuer_name(x));
	details.serial_hex = serial_line(x);
	details.key = key_line(x);
	details.signature_algorithm = signature_line(x);
	details.not_before_ms = time_ms(X509_get0_notBefore(x));
	details.not_after_ms = time_ms(X509_get0_notAfter(x));
	add_names(&details, x);
	X509_free(x);
	ERR_clear_error();      /* of a key or a SAN it could not read */
	*out = details;
	return true;
}

void cert_details_deinit(struct cert_details *details)
{
	free(details->subject);
	free(details->issuer);
	free(details->serial_hex);
	free(details->key);
	free(details->signature_algorithm);
	for (size_t i = 0; i < details->n_names; i++)
		free(details->names[i]);
	free(details->names);
	*details = (struct cert_details){ 0 };
}
