/* Where in a JSON text a member stands: jansson gives lines for syntax only, and people look for lines. */
#include "key.h"

#include <string.h>

/* A text known to parse. */
struct scan {
	struct slice in;
	size_t line;
};

static void skip_space(struct scan *s)
{
	while (s->in.len > 0 && strchr(" \t\r\n", s->in.data[0]) != NULL) {
		s->line += s->in.data[0] == '\n';
		s->in = slice_sub(s->in, 1, s->in.len);
	}
}

static struct slice take_string(struct scan *s)
{
	struct slice start = slice_sub(s->in, 1, s->in.len);
	size_t len = 0;

	while (len < start.len && start.data[len] != '"')
		len += start.data[len] == '\\' ? 2 : 1;
	if (len > start.len)
		len = start.len;
	s->in = slice_sub(start, len < start.len ? len + 1 : len, start.len);
	return slice_sub(start, 0, len);
}

/* Passes one value, whatever it holds. */
static void skip_value(struct scan *s)
{
	size_t depth = 0;

	do {
		skip_space(s);
		if (s->in.len == 0)
			return;
		uint8_t c = s->in.data[0];
		if (c == '"') {
			take_string(s);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		else if (depth == 0)
			while (s->in.len > 1 && strchr(",}] \t\r\n", s->in.data[1]) == NULL)
				s->in = slice_sub(s->in, 1, s->in.len);
		s->in = slice_sub(s->in, 1, s->in.len);
	} while (depth > 0);
}

static void skip_bytes(struct scan *s, size_t n)
{
	s->in = slice_sub(s->in, n < s->in.len ? n : s->in.len, s->in.len);
}

/* Inside an object: stops behind the ':' of the member with this name. The line of its name, or 0. */
static size_t find_member(struct scan *s, struct slice wanted)
{
	for (;;) {
		skip_space(s);
		if (s->in.len == 0 || s->in.data[0] != '"')
			return 0;
		size_t line = s->line;
		bool found = slice_equal(take_string(s), wanted);
		skip_space(s);
		skip_bytes(s, 1);
		skip_space(s);
		if (found)
			return line;
		skip_value(s);
		skip_space(s);
		if (s->in.len == 0 || s->in.data[0] != ',')
			return 0;
		skip_bytes(s, 1);
	}
}

size_t json_line_of(struct slice json, const char *dotted_name)
{
	struct scan s = { json, 1 };

	skip_space(&s);
	for (;;) {
		size_t len = strcspn(dotted_name, ".");

		if (s.in.len == 0 || s.in.data[0] != '{')
			return 0;
		skip_bytes(&s, 1);
		struct scan whole = s;          /* a misspelt key may hold a dot itself */
		size_t line = find_member(&whole, slice_text(dotted_name));
		if (line != 0)
			return line;
		line = find_member(&s, slice_of(dotted_name, len));
		if (line == 0 || dotted_name[len] == '\0')
			return line;
		dotted_name += len + 1;
	}
}
