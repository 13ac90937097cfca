/* Internationalised names: to A-labels for what people type, to Unicode for what people read. */
#include "dns.h"

#include <stdlib.h>
#include <string.h>

#include <idn2.h>

/* A name in UTF-8 may take four bytes a character before it becomes A-labels. */
#define INPUT_BYTES_MAX (4 * DNS_NAME_MAX)

/* Lengths of RFC 1035 section 2.3.4, and no empty label; `text` is ASCII. */
static bool check_lengths(struct slice text, struct error *err)
{
	size_t label = 0;

	if (text.len > DNS_NAME_MAX)
		return error_set(err, ERR_USAGE, "name has %zu characters, DNS allows %d", text.len, DNS_NAME_MAX);
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.data[i] != '.') {
			label++;
			continue;
		}
		if (label == 0)
			return error_set(err, ERR_USAGE, "name \"%.*s\" has an empty label", SLICE_ARGS(text));
		if (label > DNS_LABEL_MAX)
			return error_set(err, ERR_USAGE, "name \"%.*s\" has a label of %zu characters, DNS allows %d", SLICE_ARGS(text),
			                 label, DNS_LABEL_MAX);
		label = 0;
	}
	return true;
}

/* A name of ASCII alone needs no mapping but lower case; libidn2 would refuse its underscores and stars. */
static bool ascii_name(struct slice name, char out[DNS_NAME_MAX + 1], struct error *err)
{
	char shown[128];

	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] == 0x7f)
			return error_set(err, ERR_USAGE, "name \"%s\" holds white space or control characters",
			                 text_escape(name, shown, sizeof(shown)));
	if (!check_lengths(name, err))
		return false;
	for (size_t i = 0; i < name.len; i++)
		out[i] = (char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
	out[name.len] = '\0';
	return true;
}

bool dns_name_to_ascii(struct slice name, char out[DNS_NAME_MAX + 1], struct error *err)
{
	char input[INPUT_BYTES_MAX + 1], shown[128];
	uint8_t *ascii = NULL;
	bool is_ascii = true, ok;

	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > INPUT_BYTES_MAX)
		return error_set(err, ERR_USAGE, "name of %zu bytes is not 1 to %d characters", name.len, DNS_NAME_MAX);
	for (size_t i = 0; i < name.len; i++)
		is_ascii &= name.data[i] < 0x80;
	if (is_ascii)
		return ascii_name(name, out, err);

	text_escape(name, shown, sizeof(shown));
	if (!utf8_valid(name) || memchr(name.data, 0, name.len) != NULL)
		return error_set(err, ERR_USAGE, "name \"%s\" is not UTF-8", shown);
	memcpy(input, name.data, name.len);
	input[name.len] = '\0';
	int status = idn2_lookup_u8((const uint8_t *)input, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (status != IDN2_OK)
		return error_set(err, ERR_USAGE, "name \"%s\" has no ASCII form (UTS 46): %s", shown, idn2_strerror(status));
	/* mapping may have made dots and blanks of other characters: the rules for ASCII names hold for the result */
	ok = ascii_name(slice_text((const char *)ascii), out, err);
	idn2_free(ascii);
	return ok;
}

/* Valid, but invisible or there to steer its neighbours: people would read another name than the one they see. */
static bool is_hidden(uint32_t c)
{
	return c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 || c == 0x3164 ||
	       c == 0xffa0 || c == 0xfeff || (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202f) || (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

/*
 * UTF-8 of an A-label, if IDNA2008 knows the label and makes the same A-label of it again: symbols, unassigned code
 * points, anything that looks like a dot or a slash stay encoded.
 */
static bool decode_label(struct slice label, char *out, size_t out_len, size_t *written)
{
	uint32_t points[DNS_LABEL_MAX];
	char ulabel[4 * DNS_LABEL_MAX + 1];
	uint8_t *again = NULL;
	size_t n, len = 0;

	if (label.len <= 4 || label.len > DNS_LABEL_MAX || memcmp(label.data, "xn--", 4) != 0 ||
	    !punycode_decode(slice_sub(label, 4, label.len), points, DNS_LABEL_MAX, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (points[i] <= ' ' || (points[i] >= 0x7f && points[i] < 0xa0) || is_hidden(points[i]))
			return false;
		len += utf8_put(points[i], (uint8_t *)ulabel + len);
	}
	ulabel[len] = '\0';
	if (idn2_lookup_u8((const uint8_t *)ulabel, &again, IDN2_NO_TR46) != IDN2_OK)
		return false;
	bool same = slice_equal(slice_text((const char *)again), label);
	idn2_free(again);
	if (!same || len >= out_len)
		return false;
	memcpy(out, ulabel, len);
	*written = len;
	return true;
}

char *dns_name_to_unicode(struct slice name, char *out, size_t out_len)
{
	size_t used = 0;

	if (out_len == 0)
		return out;
	while (name.len > 0) {
		ptrdiff_t dot = slice_find(name, '.');
		size_t len = dot < 0 ? name.len : (size_t)dot, written;
		struct slice label = slice_sub(name, 0, len);

		if (!decode_label(label, out + used, out_len - used, &written)) {
			if (len >= out_len - used)
				break;
			memcpy(out + used, label.data, len);
			written = len;
		}
		used += written;
		if (dot < 0)
			break;
		if (used + 1 >= out_len)
			break;
		out[used++] = '.';
		name = slice_sub(name, len + 1, name.len);
	}
	out[used] = '\0';
	return out;
}
