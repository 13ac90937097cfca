/*
 * Certificates and the names in them (RFC 5280, RFC 6962 section 3.2): a tolerant walk that decides nothing, and full decoding with
 * OpenSSL for what matched.
 *
 * No I/O, no clock, no diagnostics, no writable globals: everything here may run on any thread. Slices in results borrow from the bytes
 * that were parsed, unless said otherwise. Parsers fail with ERR_MALFORMED and leave their outputs as they were.
 */
#ifndef CTWATCH_X509_H
#define CTWATCH_X509_H

#include "base.h"

struct entry;        /* ct.h */

/*
 * What matching needs of a certificate, found by a tolerant, bounds-checked DER walk; nothing is copied. Works on a
 * Certificate and on a bare TBSCertificate. Makes no judgement: see spec section 6.
 */
struct cert_view {
	struct slice tbs;                 /* TBSCertificate, whole TLV */
	struct slice serial;              /* content bytes, raw, possibly non-minimal or negative */
	struct slice issuer, subject;     /* Name, whole TLV */
	struct slice issuer_org;          /* value of the first O, as it stands; empty when absent */
	struct slice spki;                /* whole TLV */
	struct slice extensions;          /* content of the SEQUENCE; empty when there are none */
	struct slice san;                 /* content of the first SAN's GeneralNames; further ones are found by the name walk */
	struct slice cn;                  /* value of the subject's first CN, of ASN.1 type cn_tag; likewise */
	uint8_t cn_tag;
	uint32_t n_san, n_cn;
	int64_t not_before_ms, not_after_ms;   /* INT64_MIN when unreadable */
	bool has_san, has_cn, has_poison, has_sct_list;
	bool san_in_pieces;               /* a SAN in a BER string of several pieces, which only the name walk joins */
	bool is_ca;                       /* basicConstraints cA, where readable */
	bool names_cut;                   /* subject or extensions break off: there may be names that nobody can read */
};

bool cert_scan(struct slice der, struct cert_view *out, struct error *err);          /* a Certificate */
bool cert_scan_tbs(struct slice tbs, struct cert_view *out, struct error *err);      /* a TBSCertificate */
/* The view of an entry: Certificate for x509, TBS for a precert. */
bool cert_scan_entry(const struct entry *entry, struct cert_view *out, struct error *err);

enum name_kind { NAME_DNS, NAME_IP };
enum name_origin { NAME_FROM_SAN, NAME_FROM_CN };
enum name_flag {
	NAME_WILDCARD = 1,                /* has a label with '*' */
	NAME_UNPARSABLE_LABEL = 2,        /* a label became "<unparsable>" */
	NAME_ALTERNATE_READING = 4,       /* one of several readings of the same bytes */
};

/*
 * Bytes of one name that are looked at, counted from its end; what stands before them becomes one "<unparsable>" label.
 * A DNS name has at most 253, and a client compares them all, so nothing that could match is lost.
 */
#define NAME_RAW_MAX 1024
/* No normalised name is longer: punycode makes at most 8 characters of a byte. */
#define NAME_TEXT_MAX 8192
/* Names of one certificate; a log's 16 MB entry could hold more, and no client reads them. */
#define CERT_NAMES_MAX (1u << 20)
/*
 * Bytes beyond ASCII of one certificate that are made into punycode, whose cost is the square of a label: ten times what an
 * honest certificate could hold. Labels after that read "<unparsable>", which stands for any label, and count as unreadable.
 */
#define NAMES_ENCODED_MAX (256u << 10)

/*
 * One identifier, normalised (spec section 6.2): a DNS name is lower case, A-label form, no trailing dot; an address is
 * 4 or 16 bytes in network order. `text` borrows from the certificate or from the list's arena, until names_clear.
 */
struct cert_name {
	enum name_kind kind;
	enum name_origin origin;
	unsigned flags;
	struct slice text;
};

struct cert_names {
	struct cert_name *items;
	size_t n, cap;
	size_t n_unreadable;              /* names whose bytes could not be turned into an identifier */
	size_t encoded_bytes;             /* what punycode was made of: see NAMES_ENCODED_MAX */
	struct buf arena;
	struct name_slot *slots;          /* finds repeated names once there are many; private to names.c */
	size_t n_slots, slots_cap;
};

void names_init(struct cert_names *);
void names_deinit(struct cert_names *);
/*
 * Replace the content of `names` by the identifiers of `view`; repeated names are dropped. Reuses memory: allocates only
 * while it grows. Returns false when the certificate's name fields cannot be walked to their end: what was read before is kept.
 */
bool names_collect(const struct cert_view *view, struct cert_names *names, struct error *err);
/* Normalises one name as from a SAN dNSName or a CN; appends 0..n readings. For `check` and the watch list. */
void names_add_text(struct cert_names *names, struct slice text, enum name_origin origin);
void names_clear(struct cert_names *);
/* "192.0.2.1" or "2001:db8::1" for NAME_IP, the text itself for NAME_DNS. Returns `out`. */
char *name_format(const struct cert_name *name, char *out, size_t out_len);

/*
 * The key that makes precertificate and certificate one: SHA-256 of the TBS as logged, that is without the poison, or else
 * without the SCT list (RFC 6962 section 3.2; spec 1.11). For a precert entry simply SHA-256 of entry.certificate. Hashes the
 * pieces where they lie. Fails only for a certificate that repeats those extensions past all reason.
 */
bool cert_tbs_sha256(const struct cert_view *view, struct hash *out, struct error *err);
bool entry_tbs_sha256(const struct entry *entry, const struct cert_view *view, struct hash *out, struct error *err);
/*
 * The TBS bytes themselves; with a Precertificate Signing Certificate `preissuer` (may be empty) the issuer and the value of the
 * authority key identifier become the preissuer's. All other bytes stay as they are, however odd. Appends to out.
 */
bool cert_rebuild_tbs(struct slice certificate, struct slice preissuer, struct buf *out, struct error *err);
/* The embedded SCT list's items (content of the u16 vector), or false when there is none. */
bool cert_sct_list(const struct cert_view *view, struct slice *out);

/*
 * X.509 Name, DER, as people read it: "C=US, O=Let's Encrypt, CN=E7". Values that could pass for more than one attribute are
 * quoted. Escaped with text_escape. Tolerant: what cannot be read is "?".
 */
char *x509_name_format(struct slice name, char *out, size_t out_len);

/*
 * Full decoding with OpenSSL, for certificates that matched: slow, complete, may refuse what cert_scan reads. `der` is a
 * Certificate or, when is_tbs, a TBSCertificate that gets wrapped (spec 1.5).
 */
struct cert_details {
	char *subject, *issuer;           /* one line each */
	char *serial_hex;
	char *key;                        /* "RSA 2048", "EC P-256", "unknown" */
	char *signature_algorithm;
	char **names;                     /* as OpenSSL reads them: "DNS:..." and "IP:..." */
	size_t n_names;
	int64_t not_before_ms, not_after_ms;
};
bool cert_decode(struct slice der, bool is_tbs, struct cert_details *out, struct error *err);
void cert_details_deinit(struct cert_details *);

#endif
