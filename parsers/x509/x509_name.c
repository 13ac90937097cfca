/* X.509 Names for people. */
#include "x509.h"
#include "cert.h"

#include <inttypes.h>
#include <string.h>

/* A Name of a megabyte is one attribute to look at, not one to print. */
#define TEXT_BYTES_MAX 4096
#define OCTETS_SHOWN 32

static const struct {
	const char *oid;
	size_t len;
	const char *label;
} ATTRIBUTES[] = {
#define ATTRIBUTE(oid, label) { oid, sizeof(oid) - 1, label }
	ATTRIBUTE("\x55\x04\x03", "CN"),
	ATTRIBUTE("\x55\x04\x04", "SN"),
	ATTRIBUTE("\x55\x04\x05", "serialNumber"),
	ATTRIBUTE("\x55\x04\x06", "C"),
	ATTRIBUTE("\x55\x04\x07", "L"),
	ATTRIBUTE("\x55\x04\x08", "ST"),
	ATTRIBUTE("\x55\x04\x09", "street"),
	ATTRIBUTE("\x55\x04\x0a", "O"),
	ATTRIBUTE("\x55\x04\x0b", "OU"),
	ATTRIBUTE("\x55\x04\x0c", "title"),
	ATTRIBUTE("\x55\x04\x0d", "description"),
	ATTRIBUTE("\x55\x04\x0f", "businessCategory"),
	ATTRIBUTE("\x55\x04\x11", "postalCode"),
	ATTRIBUTE("\x55\x04\x29", "name"),
	ATTRIBUTE("\x55\x04\x2a", "GN"),
	ATTRIBUTE("\x55\x04\x2e", "dnQualifier"),
	ATTRIBUTE("\x55\x04\x61", "organizationIdentifier"),
	ATTRIBUTE("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"),
	ATTRIBUTE("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"),
	ATTRIBUTE("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"),
	ATTRIBUTE("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", "jurisdictionL"),
	ATTRIBUTE("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", "jurisdictionST"),
	ATTRIBUTE("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", "jurisdictionC"),
#undef ATTRIBUTE
};

/* Dotted decimal (X.690 section 8.19); arcs that do not fit 64 bits, or break off, end it with "?". */
static void put_oid(struct buf *out, struct slice oid)
{
	bool first = true;

	for (size_t at = 0; at < oid.len;) {
		uint64_t arc = 0;
		bool more = true;

		for (; more && at < oid.len && arc <= UINT64_MAX >> 7; at++) {
			arc = arc << 7 | (oid.data[at] & 0x7f);
			more = oid.data[at] & 0x80;
		}
		if (more) {
			buf_append_text(out, first ? "?" : ".?");
			return;
		}
		if (first) {
			unsigned root = arc < 40 ? 0 : arc < 80 ? 1 : 2;
			buf_printf(out, "%u.%" PRIu64, root, arc - root * 40u);
		} else {
			buf_printf(out, ".%" PRIu64, arc);
		}
		first = false;
	}
}

static void put_label(struct buf *out, struct slice oid)
{
	for (size_t i = 0; i < ARRAY_LEN(ATTRIBUTES); i++) {
		if (cert_oid_is(oid, ATTRIBUTES[i].oid, ATTRIBUTES[i].len)) {
			buf_append_text(out, ATTRIBUTES[i].label);
			return;
		}
	}
	put_oid(out, oid);
}

/* Could the value be taken for two attributes, or the end of it be overlooked? */
static bool wants_quotes(struct slice text)
{
	if (text.len == 0 || text.data[0] == ' ' || text.data[0] == '#' || text.data[text.len - 1] == ' ')
		return true;
	for (size_t i = 0; i < text.len; i++)
		if (memchr(",+\"=;<>\\", text.data[i], 8) != NULL)
			return true;
	return false;
}

static void put_quoted(struct buf *out, struct slice text)
{
	buf_append_byte(out, '"');
	for (size_t i = 0; i < text.len && out->len < out->max; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buf_append_byte(out, '\\');
		buf_append_byte(out, text.data[i]);
	}
	buf_append_byte(out, '"');
}

static void put_value(struct buf *out, const struct der *value)
{
	char hex[2 * OCTETS_SHOWN + 1];
	struct slice text;
	struct buf converted;

	buf_init(&converted, TEXT_BYTES_MAX);
	if (!cert_text_to_utf8(value->tag, value->content, &converted, &text)) {
		/* RFC 4514 section 2.4 prints what is no string this way */
		bool cut = value->whole.len > OCTETS_SHOWN;
		hex_encode(value->whole.data, cut ? OCTETS_SHOWN : value->whole.len, hex);
		buf_printf(out, "#%s%s", hex, cut ? "..." : "");
	} else if (wants_quotes(text)) {
		put_quoted(out, text);
	} else {
		buf_append(out, text.data, text.len < out->max - out->len ? text.len : out->max - out->len);
	}
	buf_deinit(&converted);
}

char *x509_name_format(struct slice name, char *out, size_t out_len)
{
	struct cert_attributes walk;
	struct slice oid;
	struct der value;
	enum cert_walk got;
	struct buf text;
	bool new_rdn = false;

	buf_init(&text, TEXT_BYTES_MAX);
	if (!cert_attributes_init(&walk, name)) {
		buf_append_text(&text, "?");
	} else {
		while ((got = cert_attribute_take(&walk, &oid, &value)) != WALK_END) {
			/* an odd attribute may have begun the RDN that the next one continues */
			new_rdn |= walk.new_rdn;
			if (text.len > 0)
				buf_append_text(&text, new_rdn ? ", " : " + ");
			new_rdn = false;
			if (got == WALK_ITEM) {
				put_label(&text, oid);
				buf_append_byte(&text, '=');
				put_value(&text, &value);
			} else {
				buf_append_byte(&text, '?');
			}
			if (got == WALK_BROKEN || text.len == text.max)
				break;
		}
	}
	text_escape(buf_slice(&text), out, out_len);
	buf_deinit(&text);
	return out;
}
