#include "rule_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- where is it? -------------------------------------------------------------------------------------- */

/*
 * A walk over text that jansson has accepted, so that only positions are looked for: it stops at the end of the
 * text, whatever it holds.
 */
struct walk {
	const uint8_t *at, *end;
};

static void skip_space(struct walk *w)
{
	while (w->at < w->end && strchr(" \t\r\n,:", *w->at) && *w->at)
		w->at++;
}

static void skip_string(struct walk *w)
{
	w->at++;
	while (w->at < w->end && *w->at != '"')
		w->at += *w->at == '\\' && w->at + 1 < w->end ? 2 : 1;
	if (w->at < w->end)
		w->at++;
}

static void skip_value(struct walk *w)
{
	int depth = 0;

	skip_space(w);
	do {
		if (w->at >= w->end)
			return;
		if (*w->at == '"') {
			skip_string(w);
			continue;
		}
		if (*w->at == '{' || *w->at == '[')
			depth++;
		else if (*w->at == '}' || *w->at == ']')
			depth--;
		else if (depth == 0) {
			while (w->at < w->end && !strchr(" \t\r\n,:]}", *w->at))
				w->at++;
			return;
		}
		w->at++;
	} while (depth > 0);
}

/* Moves to the member's key (as written without escapes, which is how people write keys). */
static void enter_member(struct walk *w, const char *key)
{
	size_t len = strlen(key);

	w->at++;
	for (skip_space(w); w->at < w->end && *w->at == '"'; skip_space(w)) {
		if ((size_t)(w->end - w->at) > len + 1 && !memcmp(w->at + 1, key, len) && w->at[len + 1] == '"')
			return;
		skip_string(w);
		skip_value(w);
	}
}

static void enter_element(struct walk *w, size_t index)
{
	w->at++;
	for (size_t i = 0; i < index; i++)
		skip_value(w);
	skip_space(w);
}

/* At a value; or at the key, when the node is a member and the last of its path. */
static void find(struct walk *w, const struct node *node, bool last)
{
	if (!node->parent) {
		skip_space(w);
		return;
	}
	find(w, node->parent, false);
	if (w->at >= w->end)
		return;
	if (!node->key) {
		enter_element(w, node->index);
		return;
	}
	enter_member(w, node->key);
	if (!last && w->at < w->end) {
		skip_string(w);
		skip_space(w);
	}
}

static void locate(const struct source *src, const struct node *node, int *line, int *column)
{
	struct walk w = { src->text.data, src->text.data + src->text.len };

	*line = *column = 1;
	find(&w, node, true);
	for (const uint8_t *p = src->text.data; p < w.at; p++) {
		if (*p == '\n') {
			++*line;
			*column = 1;
		} else if ((*p & 0xc0) != 0x80) {
			++*column;
		}
	}
}

/* ---- sentences ------------------------------------------------------------------------------------------- */

bool source_error(const struct source *src, const struct node *at, const char *format, ...)
{
	char text[400];
	int line, column;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	locate(src, at, &line, &column);
	return error_set(src->err, ERR_USAGE, "%s:%d:%d: %s", src->name, line, column, text);
}

void warning_add(struct text_list *warnings, const char *format, ...)
{
	char text[600];
	va_list args;

	if (warnings->n > SOURCE_WARNINGS_MAX)
		return;
	if (warnings->n == SOURCE_WARNINGS_MAX) {
		text_list_add(warnings, "more warnings than are shown: mend these first");
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_list_add(warnings, text);
}

void source_warn(const struct source *src, const struct node *at, const char *format, ...)
{
	char text[400];
	int line, column;
	va_list args;

	if (src->warnings->n > SOURCE_WARNINGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	locate(src, at, &line, &column);
	warning_add(src->warnings, "%s:%d:%d: %s", src->name, line, column, text);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

bool source_parse(const struct source *src, json_t **out)
{
	json_error_t where;
	json_t *root;

	if (src->text.len > SOURCE_BYTES_MAX)
		return error_set(src->err, ERR_USAGE, "%s: %zu bytes are more than the %u a rule file may have", src->name,
				 src->text.len, SOURCE_BYTES_MAX);
	root = json_loadb((const char *)src->text.data, src->text.len, JSON_REJECT_DUPLICATES, &where);
	if (!root) {
		char escaped[200];

		return error_set(src->err, ERR_USAGE, "%s:%d:%d: not JSON: %s", src->name, where.line, where.column,
				 text_escape(slice_text(where.text), escaped, sizeof(escaped)));
	}
	*out = root;
	return true;
}

struct node source_element(const struct node *array, size_t index)
{
	return (struct node){ .parent = array, .index = index, .value = json_array_get(array->value, index) };
}

struct node source_member(const struct node *object, const char *key, json_t *value)
{
	return (struct node){ .parent = object, .key = key, .value = value };
}

static const char *type_name(const json_t *value)
{
	static const char *const NAMES[] = { "an object", "an array", "a text", "a number", "a number", "true", "false", "null" };

	return NAMES[json_typeof(value)];
}

static const char *subject_of(const struct node *at)
{
	return at->key ? at->key : at->parent && at->parent->key ? at->parent->key : "the document";
}

bool source_want_object(const struct source *src, const struct node *at)
{
	return json_is_object(at->value) ||
	       source_error(src, at, "\"%s\" wants an object {...}, not %s", subject_of(at), type_name(at->value));
}

bool source_want_array(const struct source *src, const struct node *at)
{
	return json_is_array(at->value) ||
	       source_error(src, at, "\"%s\" wants an array [...], not %s", subject_of(at), type_name(at->value));
}

bool source_each(const struct source *src, const struct node *array, bool (*read)(const struct source *, const struct node *, void *),
		 void *out)
{
	if (!source_want_array(src, array))
		return false;
	for (size_t i = 0; i < json_array_size(array->value); i++) {
		struct node element = source_element(array, i);

		if (!read(src, &element, out))
			return false;
	}
	return true;
}

static bool want_text(const struct source *src, const struct node *at)
{
	if (!json_is_string(at->value))
		return source_error(src, at, "\"%s\" wants a text in quotes, not %s", subject_of(at), type_name(at->value));
	return json_string_length(at->value) > 0 || source_error(src, at, "\"%s\" is empty", subject_of(at));
}

bool source_domain(const struct source *src, const struct node *at, char out[DNS_NAME_MAX + 1])
{
	struct given_name name;
	struct error err;
	char escaped[120];

	if (!want_text(src, at))
		return false;

	struct slice text = slice_text(json_string_value(at->value));

	text_escape(text, escaped, sizeof(escaped));
	if (!given_name_read(text, &name, &err))
		return source_error(src, at, "\"%s\" is no domain name: %s", escaped, err.text);
	if (!strchr(name.name, '.'))
		return source_error(src, at, "\"%s\" is no domain: it has no dot", name.name);
	if (name.taken_off[0] != '\0')
		source_warn(src, at, "\"%s\" is read as the domain %s (without its %s)", escaped, name.name, name.taken_off);
	strcpy(out, name.name);
	return true;
}

/* The domain of an organisation is what stands behind "www.": all names below it are meant. */
static void cut_www(const struct source *src, const struct node *at, char domain[DNS_NAME_MAX + 1])
{
	if (strcmp(subject_of(at), "official_domains") != 0 || strncmp(domain, "www.", 4) != 0 || strchr(domain + 4, '.') == NULL)
		return;
	memmove(domain, domain + 4, strlen(domain + 4) + 1);
	source_warn(src, at, "the official domain is read as %s, and all names below it", domain);
}

bool source_time(const struct source *src, const struct node *at, int64_t *time_ms)
{
	char padded[16];
	const char *text;

	if (!want_text(src, at))
		return false;
	text = json_string_value(at->value);
	if (strlen(text) == 7) {
		snprintf(padded, sizeof(padded), "%s-01", text);
		text = padded;
	}
	return time_parse_rfc3339(slice_text(text), time_ms) ||
	       source_error(src, at, "\"%s\" is no date: write it as 2027-06-30", subject_of(at));
}

/* ASCII letters only: other scripts are matched by the engine's own folds. */
static void lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static bool read_texts(const struct source *src, const struct node *at, enum member_type type, struct text_list *out)
{
	if (!source_want_array(src, at))
		return false;
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct node element = source_element(at, i);
		char domain[DNS_NAME_MAX + 1];

		if (type == MEMBER_DOMAINS) {
			if (!source_domain(src, &element, domain))
				return false;
			cut_www(src, &element, domain);
			text_list_add(out, domain);
			continue;
		}
		if (!want_text(src, &element))
			return false;

		char *text = xstrdup(json_string_value(element.value));

		if (type == MEMBER_WORDS)
			lower(text);
		text_list_add(out, text);
		free(text);
	}
	return true;
}

bool source_words(const struct source *src, const struct node *at, struct text_list *out)
{
	return read_texts(src, at, MEMBER_WORDS, out);
}

static bool read_int(const struct source *src, const struct node *at, int low, int high, int *out)
{
	json_int_t value;

	if (!json_is_integer(at->value))
		return source_error(src, at, "\"%s\" wants a whole number, not %s", subject_of(at), type_name(at->value));
	value = json_integer_value(at->value);
	if (value < low || value > high)
		return source_error(src, at, "\"%s\" is %" JSON_INTEGER_FORMAT ": it may be %d to %d", subject_of(at), value,
				    low, high);
	*out = (int)value;
	return true;
}

static bool read_member(const struct source *src, const struct node *at, const struct member *row, void *out)
{
	void *field = (char *)out + row->offset;

	switch (row->type) {
	case MEMBER_TEXT:
		if (!want_text(src, at))
			return false;
		free(*(char **)field);
		*(char **)field = xstrdup(json_string_value(at->value));
		return true;
	case MEMBER_TEXTS:
	case MEMBER_WORDS:
	case MEMBER_DOMAINS:
		return read_texts(src, at, row->type, field);
	case MEMBER_SCORE:
		return read_int(src, at, 0, 100, field);
	case MEMBER_POINTS:
		return read_int(src, at, -1000, 1000, field);
	case MEMBER_JSON:
		*(json_t **)field = at->value;
		return true;
	case MEMBER_CUSTOM:
		return row->read(src, at, out);
	}
	return false;
}

static bool unknown_key(const struct source *src, const struct node *at, const struct member *table, const char *what)
{
	const char *words[64], *near;
	char escaped[100];
	size_t n = 0;

	for (const struct member *row = table; row->key && n < ARRAY_LEN(words); row++)
		words[n++] = row->key;
	near = text_nearest_of(at->key, words, n);
	text_escape(slice_text(at->key), escaped, sizeof(escaped));
	if (near)
		return source_error(src, at, "%s has no key \"%s\": did you mean \"%s\"?", what, escaped, near);
	return source_error(src, at, "%s has no key \"%s\" (keys that start with _ are comments)", what, escaped);
}

bool source_members(const struct source *src, const struct node *object, const struct member *table, const char *what, void *out)
{
	const char *key;
	json_t *value;

	if (!source_want_object(src, object))
		return false;
	json_object_foreach(object->value, key, value) {
		struct node at = source_member(object, key, value);
		const struct member *row = table;

		if (key[0] == '_')
			continue;
		while (row->key && strcmp(row->key, key) != 0)
			row++;
		if (!row->key)
			return unknown_key(src, &at, table, what);
		if (!read_member(src, &at, row, out))
			return false;
	}
	for (const struct member *row = table; row->key; row++)
		if (row->required && !json_object_get(object->value, row->key))
			return source_error(src, object, "%s needs \"%s\"", what, row->key);
	return true;
}
