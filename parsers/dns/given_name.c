/*
 * Names as people give them: pasted from a browser, a mail, a report or a spreadsheet. What surely is not part of the name is taken
 * off and said; what is left must be a DNS name or an address.
 */
#include "dns.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#define GIVEN_MAX 4096 /* a URL with a query */

/* Schemes, also as reports disarm them. */
static const char *const SCHEMES[] = { "https", "http", "hxxps", "hxxp", "meow", "ftp", "fxp", "mailto", "wss", "ws" };

/* How a dot is written so that nobody clicks on it. */
static const struct {
	const char *text, *stands_for;
} DISARMED[] = {
	{ "[.]", "." }, { "(.)", "." },     { "{.}", "." },     { "<.>", "." },    { "[dot]", "." },  { "(dot)", "." }, { "{dot}", "." },
	{ "[:]", ":" }, { "[://]", "://" }, { "[at]", "@" }, { "[@]", "@" }, { "\\.", "." },
};

static void say(struct given_name *name, const char *what)
{
	size_t len = strlen(name->taken_off);

	if (strstr(name->taken_off, what) == NULL)
		snprintf(name->taken_off + len, sizeof(name->taken_off) - len, "%s%s", len > 0 ? ", " : "", what);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>' || c == ',' || c == ';';
}

static struct slice trim(struct slice s)
{
	/* a no-break space, which copying from a web page brings along */
	const struct slice no_break = SLICE_LITERAL("\xc2\xa0");
	size_t before;

	do {
		before = s.len;
		if (s.len > 0 && is_blank(s.data[0]))
			s = slice_sub(s, 1, s.len);
		if (s.len > 0 && is_blank(s.data[s.len - 1]))
			s.len--;
		if (slice_starts_with(s, no_break))
			s = slice_sub(s, no_break.len, s.len);
		if (slice_ends_with(s, no_break))
			s.len -= no_break.len;
	} while (s.len != before);
	return s;
}

static bool begins(struct slice s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && strncasecmp((const char *)s.data, text, len) == 0;
}

/* Dots and colons in brackets become themselves. */
static struct slice arm(struct slice in, uint8_t *out, struct given_name *name)
{
	size_t len = 0;

	while (in.len > 0) {
		size_t i = 0;

		while (i < ARRAY_LEN(DISARMED) && !begins(in, DISARMED[i].text))
			i++;
		if (i == ARRAY_LEN(DISARMED)) {
			out[len++] = in.data[0];
			in = slice_sub(in, 1, in.len);
			continue;
		}
		memcpy(out + len, DISARMED[i].stands_for, strlen(DISARMED[i].stands_for));
		len += strlen(DISARMED[i].stands_for);
		in = slice_sub(in, strlen(DISARMED[i].text), in.len);
		say(name, "brackets");
	}
	return slice_of(out, len);
}

static struct slice cut_scheme(struct slice s, struct given_name *name)
{
	for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++) {
		struct slice rest;

		if (!begins(s, SCHEMES[i]))
			continue;
		rest = slice_sub(s, strlen(SCHEMES[i]), s.len);
		if (slice_starts_with(rest, SLICE_LITERAL("://")))
			rest = slice_sub(rest, 3, rest.len);
		else if (strcmp(SCHEMES[i], "mailto") == 0 && slice_starts_with(rest, SLICE_LITERAL(":")))
			rest = slice_sub(rest, 1, rest.len);
		else
			continue;
		say(name, "scheme");
		return rest;
	}
	if (!slice_starts_with(s, SLICE_LITERAL("//")))
		return s;
	say(name, "scheme");
	return slice_sub(s, 2, s.len);
}

static struct slice cut_path(struct slice s, struct given_name *name)
{
	for (size_t i = 0; i < s.len; i++) {
		if (strchr("/?#\\", s.data[i]) == NULL || s.data[i] == '\0')
			continue;
		say(name, "path");
		return slice_sub(s, 0, i);
	}
	return s;
}

static struct slice cut_user(struct slice s, struct given_name *name)
{
	for (size_t i = s.len; i > 0; i--) {
		if (s.data[i - 1] != '@')
			continue;
		say(name, "mailbox");
		return slice_sub(s, i, s.len);
	}
	return s;
}

static bool is_number(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return true;
}

/* ":443"; of "[2001:db8::1]:443" the brackets too. An address of version 6 without brackets has no port. */
static struct slice cut_port(struct slice s, struct given_name *name)
{
	ptrdiff_t first = slice_find(s, ':'), close = slice_find(s, ']');
	struct slice rest;

	if (s.len > 0 && s.data[0] == '[' && close > 0) {
		rest = slice_sub(s, (size_t)close + 1, s.len);
		if (rest.len > 0)
			say(name, "port");
		return rest.len == 0 || (rest.data[0] == ':' && is_number(slice_sub(rest, 1, rest.len))) ? slice_sub(s, 1, (size_t)close) : s;
	}
	if (first < 0)
		return s;
	rest = slice_sub(s, (size_t)first + 1, s.len);
	if (!is_number(rest))
		return s;
	say(name, "port");
	return slice_sub(s, 0, (size_t)first);
}

static struct slice cut_dots(struct slice s, struct given_name *name)
{
	if (slice_starts_with(s, SLICE_LITERAL("*."))) {
		name->below = name->star = true;
		s = slice_sub(s, 2, s.len);
	} else if (s.len > 1 && s.data[0] == '.') {
		name->below = true;
		s = slice_sub(s, 1, s.len);
	}
	while (s.len > 1 && s.data[s.len - 1] == '.')
		s.len--;
	return s;
}

static bool is_address(struct slice s, struct given_name *name)
{
	uint8_t ignored[16];

	if (s.len > DNS_NAME_MAX)
		return false;
	memcpy(name->name, s.data, s.len);
	name->name[s.len] = '\0';
	name->is_address = inet_pton(AF_INET, name->name, ignored) == 1 || inet_pton(AF_INET6, name->name, ignored) == 1;
	return name->is_address;
}

/* A name that no certificate can have matches nothing. */
static bool check_letters(const char *name, struct error *err)
{
	char shown[128];

	for (const char *c = name; *c != '\0'; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_'))
			return error_set(err, ERR_USAGE, "\"%s\" is no domain name: it has the character \"%c\"",
					 text_escape(slice_text(name), shown, sizeof(shown)), *c);
	return true;
}

static bool finish(struct slice s, struct given_name *name, struct error *err)
{
	if (is_address(s, name))
		return !name->below || error_set(err, ERR_USAGE, "there are no names below the address %s", name->name);
	if (!dns_name_to_ascii(s, name->name, err) || !check_letters(name->name, err))
		return false;
	name->has_www = strncmp(name->name, "www.", 4) == 0 && strchr(name->name + 4, '.') != NULL;
	return true;
}

bool given_name_read(struct slice text, struct given_name *out, struct error *err)
{
	struct given_name name = { .taken_off = "" };
	uint8_t armed[GIVEN_MAX];
	char shown[128];

	text = trim(slice_without_mark(text));
	if (text.len == 0 || text.len > GIVEN_MAX)
		return error_set(err, ERR_USAGE, text.len == 0 ? "the name is empty" : "a name of more than 4096 bytes is none");
	struct slice s = arm(text, armed, &name);
	s = cut_dots(cut_port(cut_user(cut_path(cut_scheme(s, &name), &name), &name), &name), &name);
	if (s.len == 0)
		return error_set(err, ERR_USAGE, "\"%s\" names no host", text_escape(text, shown, sizeof(shown)));
	if (!finish(s, &name, err))
		return false;
	*out = name;
	return true;
}

const char *given_name_without_www(const struct given_name *name)
{
	return name->has_www ? name->name + 4 : name->name;
}
