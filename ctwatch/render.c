/* See render.h. All media share one walk: code points that deceive become visible text first, then the medium escapes. */
#include "render.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"

/* What a medium makes of one ASCII character; NULL: the character itself. */
typedef const char *escape_fn(char c);

/*
 * text_escape's longest piece for one code point is \u{10ffff}; code points are handed to it one at a time so that a
 * text of any length keeps its shape.
 */
static bool render(struct buf *out, const char *text, escape_fn *escape)
{
	struct slice in = slice_text(text);

	while (in.len > 0) {
		struct slice ahead = in;
		uint32_t c;
		char piece[16];

		if (!utf8_take(&ahead, &c))
			ahead = slice_sub(in, 1, in.len);
		text_escape(slice_sub(in, 0, in.len - ahead.len), piece, sizeof(piece));
		for (const char *p = piece; *p != '\0'; p++) {
			const char *instead = (unsigned char)*p < 0x80 ? escape(*p) : NULL;

			if (instead != NULL ? !buf_append_text(out, instead) : !buf_append(out, p, 1))
				return false;
		}
		in = ahead;
	}
	return true;
}

static const char *escape_nothing(char c)
{
	(void)c;
	return NULL;
}

bool render_plain(struct buf *out, const char *text)
{
	return render(out, text, escape_nothing);
}

static const char *escape_dot(char c)
{
	return c == '.' ? "[.]" : NULL;
}

bool render_defanged(struct buf *out, const char *name)
{
	const char *colon = strchr(name, ':');

	if (colon == NULL || strchr(colon + 1, ':') == NULL)
		return render(out, name, escape_dot);
	/* an IPv6 address: its first colon is enough to keep clients from linking it; or something that has colons and dots */
	char *first = slice_dup_text(slice_of(name, (size_t)(colon - name)));
	bool ok = render(out, first, escape_dot) && buf_append_text(out, "[:]") && render(out, colon + 1, escape_dot);
	free(first);
	return ok;
}

char *defang(const char *name)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	render_defanged(&out, name);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

static const char *escape_html(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

bool render_html(struct buf *out, const char *text)
{
	return render(out, text, escape_html);
}

static const char *escape_markdown(char c)
{
	static const char special[] = "\\`*_{}[]()#+-!|<>~&:";
	static const char escaped[][3] = { "\\\\", "\\`", "\\*", "\\_", "\\{", "\\}", "\\[", "\\]", "\\(", "\\)",
					   "\\#",  "\\+", "\\-", "\\!", "\\|", "\\<", "\\>", "\\~", "\\&", "\\:" };
	const char *at = c == '\0' ? NULL : strchr(special, c);

	return at == NULL ? NULL : escaped[at - special];
}

bool render_markdown(struct buf *out, const char *text)
{
	return render(out, text, escape_markdown);
}

static const char *escape_quote(char c)
{
	return c == '"' ? "\"\"" : NULL;
}

bool render_csv_cell(struct buf *out, const char *text)
{
	bool runs = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;

	if (!runs && strpbrk(text, ",\"\r\n'") == NULL)
		return render(out, text, escape_nothing);
	return buf_append_text(out, runs ? "\"'" : "\"") && render(out, text, escape_quote) && buf_append_text(out, "\"");
}

static const char *escape_slack(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	/* a zero-width space keeps marks from pairing and mentions from forming */
	case '*':
		return "*\xe2\x80\x8b";
	case '_':
		return "_\xe2\x80\x8b";
	case '~':
		return "~\xe2\x80\x8b";
	case '`':
		return "`\xe2\x80\x8b";
	case '@':
		return "@\xe2\x80\x8b";
	default:
		return NULL;
	}
}

bool render_slack(struct buf *out, const char *text)
{
	return render(out, text, escape_slack);
}

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/* Cards differ in whether they take backslashes away, so what acts is parted instead: emphasis, links, entities, addresses. */
static const char *escape_card(char c)
{
	switch (c) {
	case '*':
		return "*" ZERO_WIDTH_SPACE;
	case '_':
		return "_" ZERO_WIDTH_SPACE;
	case ']':
		return "]" ZERO_WIDTH_SPACE;
	case '\\':
		return "\\" ZERO_WIDTH_SPACE;
	case '&':
		return "&" ZERO_WIDTH_SPACE;
	case '<':
		return "<" ZERO_WIDTH_SPACE;
	case '`':
		return "`" ZERO_WIDTH_SPACE;
	case '~':
		return "~" ZERO_WIDTH_SPACE;
	case ':':
		return ":" ZERO_WIDTH_SPACE;
	case '@':
		return "@" ZERO_WIDTH_SPACE;
	default:
		return NULL;
	}
}

/* A list or a heading begins a text only. */
bool render_card(struct buf *out, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	bool acts = strchr("-+#>", text[0]) != NULL || (digits > 0 && (text[digits] == '.' || text[digits] == ')'));

	return (text[0] == '\0' || !acts || buf_append_text(out, ZERO_WIDTH_SPACE)) && render(out, text, escape_card);
}

static const char *escape_cef_header(char c)
{
	return c == '\\' ? "\\\\" : c == '|' ? "\\|" : NULL;
}

bool render_cef_header(struct buf *out, const char *text)
{
	return render(out, text, escape_cef_header);
}

static const char *escape_cef_value(char c)
{
	return c == '\\' ? "\\\\" : c == '=' ? "\\=" : NULL;
}

bool render_cef_value(struct buf *out, const char *text)
{
	return render(out, text, escape_cef_value);
}

static const char *escape_syslog(char c)
{
	return c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == ']' ? "\\]" : NULL;
}

bool render_syslog_param(struct buf *out, const char *text)
{
	return render(out, text, escape_syslog);
}

bool render_uri_component(struct buf *out, const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(unreserved, *text) != NULL ? !buf_append(out, text, 1) : !buf_printf(out, "%%%02X", (unsigned char)*text))
			return false;
	}
	return true;
}

/* An encoded word holds at most 75 characters (RFC 2047 section 2): 45 bytes of text, cut between code points. */
#define ENCODED_WORD_BYTES 45

static bool append_encoded_word(struct buf *out, struct slice bytes, bool first)
{
	char encoded[BASE64_LEN(ENCODED_WORD_BYTES) + 1];

	base64_encode(bytes.data, bytes.len, encoded);
	return buf_printf(out, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", encoded);
}

bool render_mail_header(struct buf *out, const char *text)
{
	struct buf plain;
	bool ascii = true, ok = true;

	buf_init(&plain, 1u << 16);
	render_plain(&plain, text);
	for (size_t i = 0; i < plain.len; i++)
		ascii = ascii && plain.data[i] < 0x80;
	if (ascii && plain.len <= 200) {
		ok = buf_append_slice(out, buf_slice(&plain));
		buf_deinit(&plain);
		return ok;
	}
	struct slice rest = buf_slice(&plain);
	for (bool first = true; ok && rest.len > 0; first = false) {
		struct slice ahead = rest;
		size_t taken = 0;
		uint32_t c;

		while (ahead.len > 0 && utf8_take(&ahead, &c) && rest.len - ahead.len <= ENCODED_WORD_BYTES)
			taken = rest.len - ahead.len;
		if (taken == 0)
			break;
		ok = append_encoded_word(out, slice_sub(rest, 0, taken), first);
		rest = slice_sub(rest, taken, rest.len);
	}
	buf_deinit(&plain);
	return ok;
}
