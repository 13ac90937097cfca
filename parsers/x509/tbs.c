/*
 * The TBSCertificate as a log hashes it (RFC 6962 section 3.2, spec 1.11). Only lengths are computed anew; all other
 * bytes are taken from where they lie, so that a certificate with odd DER still gives what its CA signed.
 *
 *   TBSCertificate { version serial algorithm | issuer | validity ... key | [3] { SEQUENCE { extension ... } } }
 *                    `---- as it stands ----'   maybe    as it stands       without the poison or SCT list
 *                                             replaced
 */
#include "x509.h"
#include "ct.h"
#include "cert.h"

/*
 * An edit that keeps everything has eight pieces, and each extension that goes, or whose value is replaced, adds at most four.
 * Real certificates have one such, precertificates of a Precertificate Signing Certificate two.
 */
#define PIECES_MAX 64
#define HEADERS_MAX 16

struct edit {
	struct slice pieces[PIECES_MAX];
	size_t n, len;
	uint8_t headers[HEADERS_MAX][DER_HEADER_MAX];
	size_t n_headers;
	bool overflow;
};

static size_t edit_add(struct edit *e, struct slice piece)
{
	if (e->n == PIECES_MAX) {
		e->overflow = true;
		return 0;
	}
	e->pieces[e->n] = piece;
	e->len += piece.len;
	return e->n++;
}

/* From one address to another within the same certificate. */
static void edit_add_between(struct edit *e, const uint8_t *from, const uint8_t *to)
{
	if (to > from)
		edit_add(e, slice_of(from, (size_t)(to - from)));
}

/* Fills the piece at `at`, left empty until now, with the header of all that was added since. */
static void edit_head(struct edit *e, size_t at, size_t len_before, uint8_t tag)
{
	if (e->overflow || e->n_headers == HEADERS_MAX) {
		e->overflow = true;
		return;
	}
	uint8_t *header = e->headers[e->n_headers++];
	size_t len = der_put_header(tag, e->len - len_before, header);
	e->pieces[at] = slice_of(header, len);
	e->len += len;
}

static bool find_extension(struct slice in, const char *oid, size_t oid_len, struct cert_extension *out)
{
	enum cert_walk got;

	while ((got = cert_extension_take(&in, out)) == WALK_ITEM || got == WALK_ODD)
		if (got == WALK_ITEM && cert_oid_is(out->oid, oid, oid_len))
			return true;
	return false;
}

/* The same extension with another value; `critical` and whatever else is in it stays. */
static void edit_add_with_value(struct edit *e, const struct cert_extension *extension, const struct cert_value *value)
{
	const uint8_t *end = extension->content.data + extension->content.len, *value_at = end, *value_end = end;
	size_t header = edit_add(e, slice_of(NULL, 0)), len_before = e->len;
	struct cert_value old;

	if (cert_extension_value(extension, &old)) {
		value_at = old.octets.whole.data;
		value_end = value_at + old.octets.whole.len;
	}
	edit_add_between(e, extension->content.data, value_at);
	edit_add(e, value->octets.whole);
	edit_add_between(e, value_end, end);
	edit_head(e, header, len_before, DER_SEQUENCE);
}

/* Extensions without the one that goes, with the authority key identifier of `preissuer` if there is one. */
static void edit_extensions(struct edit *e, const struct cert_view *v, const struct cert_view *preissuer)
{
	const char *gone = v->has_poison ? OID_POISON : OID_SCT_LIST;
	const size_t aki_len = sizeof(OID_AUTHORITY_KEY_ID) - 1;
	struct slice in = v->extensions;
	const uint8_t *kept_from = in.data;
	struct cert_extension extension, aki;
	struct cert_value aki_value;
	bool new_aki = preissuer != NULL && find_extension(preissuer->extensions, OID_AUTHORITY_KEY_ID, aki_len, &aki) &&
	               cert_extension_value(&aki, &aki_value);
	bool had_aki = false;
	enum cert_walk got;

	while ((got = cert_extension_take(&in, &extension)) == WALK_ITEM || got == WALK_ODD) {
		bool is_aki = preissuer != NULL && got == WALK_ITEM && OID_IS(extension.oid, OID_AUTHORITY_KEY_ID);

		if (!is_aki && (got == WALK_ODD || !cert_oid_is(extension.oid, gone, sizeof(OID_POISON) - 1)))
			continue;
		edit_add_between(e, kept_from, extension.whole.data);
		kept_from = extension.whole.data + extension.whole.len;
		if (is_aki && new_aki)
			edit_add_with_value(e, &extension, &aki_value);
		had_aki |= is_aki;
	}
	/* the last run; a broken rest is kept too */
	edit_add_between(e, kept_from, v->extensions.data + v->extensions.len);
	if (new_aki && !had_aki)
		edit_add(e, aki.whole);
}

static bool holds(struct slice outer, struct slice inner)
{
	return inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len;
}

/* The [3] that cert_scan read, and the SEQUENCE in it. */
static void edit_tail(struct edit *e, const struct cert_view *v, const struct cert_view *preissuer, struct slice in)
{
	const uint8_t *from = in.data, *end = in.data + in.len;
	struct der explicit3, list;

	do {
		if (!der_take(&in, &explicit3)) {
			edit_add_between(e, from, end);
			return;
		}
	} while (explicit3.tag != (DER_CONTEXT | DER_CONSTRUCTED | 3) || !holds(explicit3.content, v->extensions));
	edit_add_between(e, from, explicit3.whole.data);

	struct slice inside = explicit3.content;
	size_t outer_header = edit_add(e, slice_of(NULL, 0)), outer_before = e->len;
	size_t list_header = edit_add(e, slice_of(NULL, 0)), list_before = e->len;
	if (!der_take_list(&inside, DER_SEQUENCE, &list)) {
		e->overflow = true;
		return;
	}
	edit_extensions(e, v, preissuer);
	/* no extension left: the whole of [3] goes */
	if (e->len > list_before) {
		edit_head(e, list_header, list_before, DER_SEQUENCE);
		edit_add(e, inside);
		edit_head(e, outer_header, outer_before, explicit3.tag);
	}
	edit_add(e, in);
}

static bool edit_tbs(struct edit *e, const struct cert_view *v, const struct cert_view *preissuer, struct error *err)
{
	struct slice in = v->tbs;
	struct der tbs;

	e->n = e->len = e->n_headers = 0;
	e->overflow = false;
	if (!v->has_poison && !v->has_sct_list && preissuer == NULL) {
		edit_add(e, v->tbs);
		return true;
	}
	if (!der_take(&in, &tbs))
		return error_set(err, ERR_MALFORMED, "TBSCertificate of %zu bytes is no complete element", v->tbs.len);

	const uint8_t *after_issuer = v->issuer.data + v->issuer.len, *end = tbs.content.data + tbs.content.len;
	size_t header = edit_add(e, slice_of(NULL, 0));
	edit_add_between(e, tbs.content.data, v->issuer.data);
	edit_add(e, preissuer != NULL ? preissuer->issuer : v->issuer);
	edit_tail(e, v, preissuer, slice_of(after_issuer, (size_t)(end - after_issuer)));
	edit_head(e, header, 0, DER_SEQUENCE);
	if (e->overflow)
		return error_set(err, ERR_MALFORMED, "certificate repeats extensions that occur once (RFC 5280 section 4.2)");
	return true;
}

bool cert_tbs_sha256(const struct cert_view *view, struct hash *out, struct error *err)
{
	struct edit e;

	if (!edit_tbs(&e, view, NULL, err))
		return false;
	*out = sha256_parts(e.pieces, e.n);
	return true;
}

bool entry_tbs_sha256(const struct entry *entry, const struct cert_view *view, struct hash *out, struct error *err)
{
	if (entry->type != ENTRY_PRECERT)
		return cert_tbs_sha256(view, out, err);
	*out = sha256(entry->certificate);
	return true;
}

bool cert_rebuild_tbs(struct slice certificate, struct slice preissuer, struct buf *out, struct error *err)
{
	struct cert_view v, p;
	struct edit e;

	if (!cert_scan(certificate, &v, err))
		return false;
	if (preissuer.len > 0 && !cert_scan(preissuer, &p, err))
		return error_context(err, "Precertificate Signing Certificate");
	if (!edit_tbs(&e, &v, preissuer.len > 0 ? &p : NULL, err))
		return false;
	if (buf_reserve(out, e.len) == NULL)
		return error_set(err, ERR_MALFORMED, "TBSCertificate of %zu bytes does not fit into the %zu there are", e.len, out->max);
	for (size_t i = 0; i < e.n; i++)
		buf_append_slice(out, e.pieces[i]);
	return true;
}

bool cert_sct_list(const struct cert_view *view, struct slice *out)
{
	struct cert_extension extension;
	struct cert_value value;
	struct der octets;
	struct slice items;

	if (!find_extension(view->extensions, OID_SCT_LIST, sizeof(OID_SCT_LIST) - 1, &extension) ||
	    !cert_extension_value(&extension, &value))
		return false;
	/* an OCTET STRING inside the OCTET STRING, RFC 6962 section 3.3 */
	if (!der_take_tag(&value.bytes, DER_OCTET_STRING, &octets) || !take_vec16(&octets.content, &items) ||
	    octets.content.len != 0)
		return false;
	*out = items;
	return true;
}
