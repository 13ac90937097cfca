/*
 * From the bytes of a dNSName or CN to identifiers, spec section 6.2. Nearly all names are plain already and are
 * borrowed as they stand; the rest takes the slow road, where one text may have several readings:
 *
 *   text - cut http(s):// -+- all of it --------------+- trim - an address? yes -> NAME_IP
 *                          +- before the first NUL    |  (less a port)
 *                          +- each before its first / +- no -+- as UTF-8  -> labels -> NAME_DNS
 *                          `- parts between , : ...          `- as Latin-1 -> labels -> NAME_DNS
 */
#include "names.h"
#include "cert.h"
#include "dns.h"

#include <arpa/inet.h>
#include <string.h>

/* Longer labels are no labels: 63 bytes in DNS, and 255 leaves room for what a client may still tolerate. */
#define LABEL_LEN_MAX 255
/* Of a label that needs punycode: more code points never fit 63 bytes, and punycode's cost is the square of their number. */
#define LABEL_POINTS_MAX DNS_LABEL_MAX

#define UNPARSABLE "<unparsable>"

enum reading { READ_ASCII, READ_UTF8, READ_LATIN1 };

/* 1: may stand in a plain name; 2: the wildcard's star. Upper case, blanks, colons and slashes mean the slow road. */
static const uint8_t plain_class[256] = {
	['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,
	['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1,
	['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1,
	['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['-'] = 1, ['.'] = 1, ['_'] = 1, ['*'] = 3,
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Already what normalising would make of it? *wildcard is set then. */
static bool is_plain(struct slice text, bool *wildcard)
{
	uint8_t all = 1, any = 0;

	if (text.len == 0 || text.len > NAME_RAW_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		all &= plain_class[text.data[i]];
		any |= plain_class[text.data[i]];
	}
	uint8_t last = text.data[text.len - 1];
	/* a digit at the end: perhaps an IPv4 address */
	if (all == 0 || last == '.' || is_digit(last))
		return false;
	*wildcard = any & 2;
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "https://", or any other. */
static struct slice strip_scheme(struct slice text)
{
	size_t len = 0;

	while (len < text.len && ((text.data[len] | 0x20) >= 'a' && (text.data[len] | 0x20) <= 'z'))
		len++;
	if (len > 0 && text.len - len >= 3 && memcmp(text.data + len, "://", 3) == 0)
		return slice_sub(text, len + 3, text.len);
	return text;
}

/* An address literal, strictly: no blanks, no zone, no leading zeros; in brackets as in a URL, or without. */
static size_t parse_address(struct slice text, uint8_t out[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
		text = slice_sub(text, 1, text.len - 1);

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, 0, text.len) != NULL)
		return 0;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, out) == 1)
		return 4;
	return inet_pton(AF_INET6, copy, out) == 1 ? 16 : 0;
}

/*
 * Lower case for the alphabets in which upper case has been seen in names: Latin-1, Greek, Cyrillic. Nothing else is
 * mapped: punycode of a wrong spelling is better than a name that is not in the certificate.
 */
static uint32_t lower(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
		return c + 32;
	if ((c >= 0x391 && c <= 0x3a9 && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
		return c + 32;
	return c >= 0x400 && c <= 0x40f ? c + 80 : c;
}

static bool is_readable(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* The name as it grows, in a buffer that cannot be too small for NAME_RAW_MAX bytes; checked all the same. */
struct builder {
	size_t len, encode_left;          /* the latter as in NAMES_ENCODED_MAX */
	unsigned flags;
	bool exhausted;
	uint8_t text[NAME_TEXT_MAX];
};

static bool append(struct builder *b, const void *data, size_t len)
{
	if (len > sizeof(b->text) - b->len)
		return false;
	memcpy(b->text + b->len, data, len);
	b->len += len;
	return true;
}

static bool append_unparsable(struct builder *b)
{
	b->flags |= NAME_UNPARSABLE_LABEL;
	return append(b, UNPARSABLE, sizeof(UNPARSABLE) - 1);
}

/* A label with bytes above 0x7f: "xn--" and its punycode, without mapping or normalising. */
static bool append_encoded(struct builder *b, struct slice label, enum reading reading)
{
	uint32_t points[LABEL_POINTS_MAX];
	char encoded[LABEL_LEN_MAX - 4];
	size_t n = 0, len;

	if (label.len > b->encode_left) {
		b->exhausted = true;
		return append_unparsable(b);
	}
	b->encode_left -= label.len;
	while (label.len > 0) {
		uint32_t c = label.data[0];

		if (n == LABEL_POINTS_MAX)
			return append_unparsable(b);
		if (reading == READ_LATIN1)
			label = slice_sub(label, 1, label.len);
		else if (!utf8_take(&label, &c))
			return append_unparsable(b);
		points[n++] = lower(c);
	}
	if (!punycode_encode(points, n, encoded, sizeof(encoded), &len))
		return append_unparsable(b);
	return append(b, "xn--", 4) && append(b, encoded, len);
}

static bool append_label(struct builder *b, struct slice label, enum reading reading)
{
	bool ascii = true;

	for (size_t i = 0; i < label.len; i++) {
		if (!is_readable(label.data[i]))
			return append_unparsable(b);
		if (label.data[i] == '*')
			b->flags |= NAME_WILDCARD;
		ascii &= label.data[i] < 0x80;
	}
	if (!ascii)
		return append_encoded(b, label, reading);
	if (label.len > LABEL_LEN_MAX)
		return append_unparsable(b);
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = (uint8_t)lower(label.data[i]);

		if (!append(b, &c, 1))
			return false;
	}
	return true;
}

/* One reading of a trimmed name. `cut`: bytes before it were dropped, up to a dot. */
static bool put_reading(struct cert_names *names, struct slice text, bool cut, enum name_origin origin, enum reading reading)
{
	struct builder b;
	bool fits = true;

	b.len = 0;
	b.encode_left = NAMES_ENCODED_MAX - names->encoded_bytes;
	b.flags = 0;
	b.exhausted = false;
	if (cut)
		fits = append_unparsable(&b) && (text.len == 0 || append(&b, ".", 1));
	while (fits && text.len > 0) {
		ptrdiff_t dot = slice_find(text, '.');
		size_t end = dot < 0 ? text.len : (size_t)dot;

		fits = append_label(&b, slice_sub(text, 0, end), reading);
		if (dot < 0)
			break;
		fits = fits && append(&b, ".", 1);
		text = slice_sub(text, end + 1, text.len);
	}
	names->encoded_bytes = NAMES_ENCODED_MAX - b.encode_left;
	if (!fits || b.exhausted)
		names->n_unreadable++;
	if (!fits)
		return true;
	struct cert_name name = { NAME_DNS, origin, b.flags, slice_of(b.text, b.len) };
	return names_put(names, &name, NAMES_COPY);
}

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] >= 0x80)
			return false;
	return true;
}

/* Blanks around it, and trailing dots. */
static struct slice trim(struct slice text)
{
	while (text.len > 0 && is_blank(text.data[0]))
		text = slice_sub(text, 1, text.len);
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	while (text.len > 0 && text.data[text.len - 1] == '.')
		text.len--;
	return text;
}

/* "host.example:443": the port is no part of the name, and no name has a colon. */
static struct slice strip_port(struct slice text)
{
	for (;;) {
		size_t at = text.len;

		while (at > 0 && is_digit(text.data[at - 1]))
			at--;
		if (at == 0 || text.data[at - 1] != ':')
			return text;
		text = trim(slice_sub(text, 0, at - 1));
	}
}

/* Drops what stands too far to the left to be looked at (*cut). */
static struct slice rightmost(struct slice text, bool *cut)
{
	*cut = text.len > NAME_RAW_MAX;
	if (!*cut)
		return text;

	struct slice end = slice_sub(text, text.len - NAME_RAW_MAX, text.len);
	ptrdiff_t dot = slice_find(end, '.');

	return dot < 0 ? slice_sub(end, end.len, end.len) : slice_sub(end, (size_t)dot + 1, end.len);
}

static bool put_candidate(struct cert_names *names, struct slice text, enum name_origin origin)
{
	bool cut, has_blank = slice_find(text, ' ') >= 0;
	uint8_t address[16];

	text = trim(text);
	size_t address_len = parse_address(text, address);
	if (address_len == 0) {
		text = strip_port(text);
		address_len = parse_address(text, address);
	}
	text = rightmost(text, &cut);
	if (address_len > 0) {
		struct cert_name name = { NAME_IP, origin, 0, slice_of(address, address_len) };
		return names_put(names, &name, NAMES_COPY);
	}
	if (origin == NAME_FROM_CN && has_blank)
		return true;            /* a person or a company, not a name */
	if (text.len == 0 && !cut)
		return true;
	if (is_ascii(text))
		return put_reading(names, text, cut, origin, READ_ASCII);

	bool utf8 = utf8_valid(text);
	if (utf8 && !put_reading(names, text, cut, origin, READ_UTF8))
		return false;
	if (utf8 && origin == NAME_FROM_CN)
		return true;
	return put_reading(names, text, cut, origin, READ_LATIN1);
}

/* The text and, when a slash cuts it, also what stands before that; with a port there it is plain that a path follows. */
static bool put_before(struct cert_names *names, struct slice text, enum name_origin origin)
{
	ptrdiff_t slash = slice_find(text, '/');
	struct slice host = trim(slice_sub(text, 0, slash < 0 ? text.len : (size_t)slash));

	if (slash >= 0 && !put_candidate(names, host, origin))
		return false;
	return (slash >= 0 && strip_port(host).len < host.len) || put_candidate(names, text, origin);
}

/* Stands between a host name and something else, or between two of them, never in one. */
static bool is_separator(uint8_t c)
{
	return c != 0 && strchr(",;:\\\"'<>()[]|", c) != NULL;
}

/*
 * "DNS:a.example", "a.example, b.example": every part with a dot is read too. Behind a slash or a question mark
 * stands a path, which is full of dots.
 */
static bool put_parts(struct cert_names *names, struct slice text, enum name_origin origin)
{
	size_t end = 0, from = 0;
	bool dotted = false;

	while (end < text.len && text.data[end] != '/' && text.data[end] != '?' && text.data[end] != '#')
		end++;
	for (size_t i = 0; i <= end; i++) {
		/* a blank, too, behind what may be a whole name */
		bool separates = i == end || is_separator(text.data[i]) || (text.data[i] == ' ' && dotted);

		if (!separates) {
			dotted |= text.data[i] == '.';
			continue;
		}
		if (dotted && i - from < text.len && !put_candidate(names, slice_sub(text, from, i), origin))
			return false;
		from = i + 1;
		dotted = false;
	}
	return true;
}

static bool read_slowly(struct cert_names *names, struct slice text, enum name_origin origin)
{
	size_t first = names->n;

	text = strip_scheme(text);
	ptrdiff_t nul = slice_find(text, 0);
	if (nul >= 0 && !put_before(names, slice_sub(text, 0, (size_t)nul), origin))
		return false;
	if (!put_before(names, text, origin) || (origin == NAME_FROM_SAN && !put_parts(names, text, origin)))
		return false;
	for (size_t i = first; names->n - first > 1 && i < names->n; i++)
		names->items[i].flags |= NAME_ALTERNATE_READING;
	return true;
}

bool names_read(struct cert_names *names, struct slice text, enum name_origin origin, enum names_memory memory)
{
	bool wildcard;

	if (!is_plain(text, &wildcard))
		return read_slowly(names, text, origin);
	struct cert_name name = { NAME_DNS, origin, wildcard ? NAME_WILDCARD : 0, text };
	return names_put(names, &name, memory);
}
