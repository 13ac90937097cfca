/*
 * The certificate walk that matching uses. It asks for the order of RFC 5280 section 4.1 up to the key, since without
 * it nothing else can be found, and takes everything after that as it comes: a certificate that some client accepts
 * must not hide its names behind an odd encoding.
 */
#include "x509.h"
#include "ct.h"
#include "cert.h"

bool cert_extension_value(const struct cert_extension *extension, struct cert_value *out)
{
	struct slice rest = extension->rest;
	struct der part;

	/* a `critical` of any BER form stands before it; what follows it is ignored, which OpenSSL does not */
	while (der_take(&rest, &part)) {
		if ((part.tag & ~DER_CONSTRUCTED) != DER_OCTET_STRING)
			continue;
		out->octets = part;
		out->in_pieces = !der_string(&part, DER_OCTET_STRING, &out->bytes);
		if (out->in_pieces)
			out->bytes = slice_of(NULL, 0);
		return true;
	}
	return false;
}

bool cert_attributes_init(struct cert_attributes *walk, struct slice name)
{
	struct der rdns;

	if (!der_take_list(&name, DER_SEQUENCE, &rdns))
		return false;
	*walk = (struct cert_attributes){ .rdns = rdns.content };
	return true;
}

enum cert_walk cert_attribute_take(struct cert_attributes *walk, struct slice *oid, struct der *value)
{
	struct der part;

	walk->new_rdn = false;
	/* an RDN without attributes holds nothing that could be missed */
	while (walk->rdn.len == 0) {
		if (walk->rdns.len == 0)
			return WALK_END;
		if (!der_take(&walk->rdns, &part))
			return WALK_BROKEN;
		walk->new_rdn = true;
		if ((part.tag | DER_CONSTRUCTED) != DER_SET)
			return WALK_ODD;
		walk->rdn = part.content;
	}
	if (!der_take(&walk->rdn, &part)) {
		walk->rdn.len = 0;
		return WALK_BROKEN;
	}

	struct slice rest = part.content;
	if (part.tag != DER_SEQUENCE || !der_take_tag(&rest, DER_OID, &part))
		return WALK_ODD;
	*oid = part.content;
	return der_take(&rest, value) ? WALK_ITEM : WALK_ODD;
}

static void scan_issuer(struct cert_view *v)
{
	struct cert_attributes walk;
	struct slice oid;
	struct der value;
	enum cert_walk got;

	if (!cert_attributes_init(&walk, v->issuer))
		return;
	while ((got = cert_attribute_take(&walk, &oid, &value)) == WALK_ITEM || got == WALK_ODD) {
		if (got == WALK_ITEM && OID_IS(oid, OID_ORGANIZATION)) {
			v->issuer_org = value.content;
			return;
		}
	}
}

static void scan_subject(struct cert_view *v)
{
	struct cert_attributes walk;
	struct slice oid;
	struct der value;
	enum cert_walk got;

	if (!cert_attributes_init(&walk, v->subject)) {
		v->names_cut = true;
		return;
	}
	while ((got = cert_attribute_take(&walk, &oid, &value)) != WALK_END) {
		v->names_cut |= got != WALK_ITEM;
		if (got == WALK_BROKEN)
			return;
		if (got == WALK_ITEM && OID_IS(oid, OID_COMMON_NAME) && v->n_cn++ == 0) {
			v->cn = value.content;
			v->cn_tag = value.tag;
		}
	}
	v->has_cn = v->n_cn > 0;
}

static void scan_validity(struct cert_view *v, struct slice validity)
{
	struct der time;

	v->not_before_ms = v->not_after_ms = INT64_MIN;
	if (!der_take(&validity, &time))
		return;
	v->not_before_ms = cert_time_parse(time.tag, time.content);
	if (der_take(&validity, &time))
		v->not_after_ms = cert_time_parse(time.tag, time.content);
}

/* names.c walks all of several SANs, and those in pieces; one as it should be is found here for it. */
static void scan_san(struct cert_view *v, const struct cert_extension *e)
{
	struct cert_value value;
	struct der names;

	v->has_san = true;
	v->n_san++;
	if (!cert_extension_value(e, &value)) {
		v->names_cut = true;
		return;
	}
	v->san_in_pieces |= value.in_pieces;
	if (value.in_pieces)
		return;
	if (!der_take_list(&value.bytes, DER_SEQUENCE, &names))
		v->names_cut = true;
	else if (v->n_san == 1)
		v->san = names.content;
	/* one stray 00 after it is a known encoder's slip (spec 6.1) */
	if (value.bytes.len > 1 || (value.bytes.len == 1 && value.bytes.data[0] != 0))
		v->names_cut = true;
}

static void scan_basic_constraints(struct cert_view *v, const struct cert_extension *e)
{
	struct cert_value value;
	struct der constraints, ca;

	if (cert_extension_value(e, &value) && der_take_tag(&value.bytes, DER_SEQUENCE, &constraints) &&
	    der_take_tag(&constraints.content, DER_BOOLEAN, &ca))
		v->is_ca = ca.content.len > 0 && ca.content.data[0] != 0;
}

static void scan_extensions(struct cert_view *v)
{
	struct slice in = v->extensions;
	struct cert_extension e;
	enum cert_walk got;

	while ((got = cert_extension_take(&in, &e)) != WALK_END) {
		if (got != WALK_ITEM) {
			v->names_cut = true;
			if (got == WALK_BROKEN)
				return;
		} else if (e.oid.len == 3) {
			if (OID_IS(e.oid, OID_SAN))
				scan_san(v, &e);
			else if (OID_IS(e.oid, OID_BASIC_CONSTRAINTS))
				scan_basic_constraints(v, &e);
		} else if (OID_IS(e.oid, OID_SCT_LIST)) {
			v->has_sct_list = true;
		} else if (OID_IS(e.oid, OID_POISON)) {
			v->has_poison = true;
		}
	}
}

/* [1] or [2], the unique identifiers of old (BIT STRINGs, implicitly tagged). */
static bool is_unique_id(uint8_t tag)
{
	return (tag & ~DER_CONSTRUCTED) == (DER_CONTEXT | 1) || (tag & ~DER_CONSTRUCTED) == (DER_CONTEXT | 2);
}

/* After the key: the unique identifiers are stepped over; [3] holds the extensions. Nothing else belongs there. */
static void scan_tail(struct cert_view *v, struct slice in)
{
	struct der part, list;

	while (in.len > 0) {
		if (!der_take(&in, &part)) {
			v->names_cut = true;
			return;
		}
		if (is_unique_id(part.tag))
			continue;
		if (part.tag != (DER_CONTEXT | DER_CONSTRUCTED | 3) || v->extensions.data != NULL ||
		    !der_take_list(&part.content, DER_SEQUENCE, &list)) {
			v->names_cut = true;
			continue;
		}
		v->extensions = list.content;
		scan_extensions(v);
	}
}

/* Name the field that is not there, since the operator may want to look at the bytes. */
static bool field_missing(struct slice in, const char *field, struct error *err)
{
	if (in.len == 0)
		return error_set(err, ERR_MALFORMED, "TBSCertificate ends where its %s should be", field);
	return error_set(err, ERR_MALFORMED, "TBSCertificate has no readable %s at tag 0x%02x, %zu bytes before its end", field,
	                 in.data[0], in.len);
}

static bool scan_content(struct slice whole, struct slice in, struct cert_view *out, struct error *err)
{
	struct cert_view v = { .tbs = whole };
	struct der part, validity;

	der_take_tag(&in, DER_CONTEXT | DER_CONSTRUCTED, &part);        /* version; absent in v1 */
	if (!der_take_tag(&in, DER_INTEGER, &part))
		return field_missing(in, "serial number", err);
	v.serial = part.content;
	if (!der_take_tag(&in, DER_SEQUENCE, &part))
		return field_missing(in, "signature algorithm", err);
	if (!der_take_list(&in, DER_SEQUENCE, &part))
		return field_missing(in, "issuer", err);
	v.issuer = part.whole;
	if (!der_take_tag(&in, DER_SEQUENCE, &validity))
		return field_missing(in, "validity", err);
	if (!der_take_list(&in, DER_SEQUENCE, &part))
		return field_missing(in, "subject", err);
	v.subject = part.whole;
	if (!der_take_tag(&in, DER_SEQUENCE, &part))
		return field_missing(in, "public key", err);
	v.spki = part.whole;

	scan_issuer(&v);
	scan_validity(&v, validity.content);
	scan_subject(&v);
	scan_tail(&v, in);
	*out = v;
	return true;
}

bool cert_scan_tbs(struct slice tbs, struct cert_view *out, struct error *err)
{
	struct slice in = tbs;
	struct der part;

	if (!der_take_tag(&in, DER_SEQUENCE, &part))
		return error_set(err, ERR_MALFORMED, "TBSCertificate of %zu bytes is no complete SEQUENCE (RFC 5280 section 4.1)",
		                 tbs.len);
	return scan_content(part.whole, part.content, out, err);
}

bool cert_scan(struct slice der, struct cert_view *out, struct error *err)
{
	struct slice in = der;
	struct der part;

	if (!der_take_tag(&in, DER_SEQUENCE, &part))
		return error_set(err, ERR_MALFORMED, "certificate of %zu bytes is no complete SEQUENCE (RFC 5280 section 4.1)",
		                 der.len);
	return cert_scan_tbs(part.content, out, err);
}

bool cert_scan_entry(const struct entry *entry, struct cert_view *out, struct error *err)
{
	switch (entry->type) {
	case ENTRY_X509:
		return cert_scan(entry->certificate, out, err);
	case ENTRY_PRECERT:
		return cert_scan_tbs(entry->certificate, out, err);
	case ENTRY_UNKNOWN:
		break;
	}
	return error_set(err, ERR_MALFORMED, "entry of unknown type %u holds no certificate that can be read", entry->raw_type);
}
