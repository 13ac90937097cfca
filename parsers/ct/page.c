/*
 * A get-entries page, read entry by entry where it lies. Building a JSON tree of it costs some hundred times more: most of
 * an answer is two long base64 strings per entry, of which one is only looked at when a certificate matches.
 */
#include "json_scan.h"
#include "ct.h"

#include <string.h>

void entries_page_init(struct entries_page *page, struct slice json)
{
	*page = (struct entries_page){ .in = json, .body_len = json.len };
}

/* Every failure says where in the body, and in which entry, unless that is before the first. */
static bool broken(const struct entries_page *page, const char *what, struct error *err)
{
	size_t at = page->body_len - page->in.len;

	error_set(err, ERR_MALFORMED, "%s at byte %zu of %zu%s", what, at, page->body_len,
		  page->in.len == 0 ? ", where the answer ends" : "");
	if (page->in_entries)
		error_context(err, "entry %zu of the answer", page->n_entries);
	return error_context(err, "get-entries");
}

static bool take_member_name(struct entries_page *page, struct slice *name, struct error *err)
{
	const char *wrong = json_take_string(&page->in, name);

	if (wrong != NULL)
		return broken(page, wrong, err);
	return json_take_char(&page->in, ':') || broken(page, "a member has no colon after its name", err);
}

static bool skip_value(struct entries_page *page, struct error *err)
{
	const char *wrong = json_skip_value(&page->in);

	return wrong == NULL || broken(page, wrong, err);
}

/* Members of the answer up to and with the opening bracket of "entries", or to the closing brace. */
static bool walk_members(struct entries_page *page, bool first, struct error *err)
{
	struct slice name;

	if (first && json_take_char(&page->in, '}'))
		goto closed;
	if (!first && !json_take_char(&page->in, ','))
		goto close;
	do {
		if (!take_member_name(page, &name, err))
			return false;
		if (!json_string_is(name, "entries")) {
			if (!skip_value(page, err))
				return false;
			continue;
		}
		if (page->seen_entries)
			return broken(page, "member \"entries\" is there twice", err);
		page->seen_entries = true;
		if (json_take_char(&page->in, '[')) {
			page->in_entries = true;
			return true;
		}
		json_skip_space(&page->in);
		if (!slice_starts_with(page->in, SLICE_LITERAL("null")))
			return broken(page, "member \"entries\" is not an array", err);
		if (!skip_value(page, err))
			return false;
	} while (json_take_char(&page->in, ','));
close:
	json_skip_space(&page->in);
	if (!json_take_char(&page->in, '}'))
		return broken(page, "the answer's object is not closed", err);
closed:
	json_skip_space(&page->in);
	if (page->in.len > 0)
		return broken(page, "bytes follow the answer's object", err);
	if (!page->seen_entries)
		return broken(page, "member \"entries\" is missing", err);
	page->done = true;
	return true;
}

static bool start(struct entries_page *page, struct error *err)
{
	page->started = true;
	if (!json_take_char(&page->in, '{')) {
		json_skip_space(&page->in);
		if (page->in.len > 0 && *page->in.data == '<')
			return broken(page, "the answer is HTML, not JSON,", err);
		return broken(page, "the answer is not a JSON object", err);
	}
	return walk_members(page, true, err);
}

/* A string, or null, which Go's servers write for no bytes. */
static bool take_base64(struct entries_page *page, const char *twice, struct slice *out, bool *seen, struct error *err)
{
	const char *wrong;

	if (*seen)
		return broken(page, twice, err);
	*seen = true;
	json_skip_space(&page->in);
	if (slice_starts_with(page->in, SLICE_LITERAL("null")))
		return skip_value(page, err);
	wrong = json_take_string(&page->in, out);
	return wrong == NULL || broken(page, wrong, err);
}

static bool take_entry(struct entries_page *page, struct slice *leaf, struct slice *extra, struct error *err)
{
	bool seen_leaf = false, seen_extra = false;
	struct slice name;

	if (!json_take_char(&page->in, '{'))
		return broken(page, "it is not an object", err);
	if (!json_take_char(&page->in, '}')) {
		do {
			bool taken;

			if (!take_member_name(page, &name, err))
				return false;
			if (json_string_is(name, "leaf_input"))
				taken = take_base64(page, "member \"leaf_input\" is there twice", leaf, &seen_leaf,
						    err);
			else if (json_string_is(name, "extra_data"))
				taken = take_base64(page, "member \"extra_data\" is there twice", extra, &seen_extra,
						    err);
			else
				taken = skip_value(page, err);
			if (!taken)
				return false;
		} while (json_take_char(&page->in, ','));
		if (!json_take_char(&page->in, '}'))
			return broken(page, "its object is not closed", err);
	}
	return seen_leaf || broken(page, "member \"leaf_input\" is missing", err);
}

/* A comma or bracket after an entry, or the bracket of an empty array. *more: an entry follows. */
static bool next_in_array(struct entries_page *page, bool *more, struct error *err)
{
	if (json_take_char(&page->in, ']')) {
		page->in_entries = false;
		*more = false;
		return true;
	}
	*more = page->n_entries == 0 || json_take_char(&page->in, ',');
	return *more || broken(page, "the list of entries is not closed", err);
}

bool entries_page_next(struct entries_page *page, struct slice *leaf_input, struct slice *extra_data, struct error *err)
{
	struct slice leaf = { 0 }, extra = { 0 };
	bool more = false;

	if (!page->started && !start(page, err))
		return false;
	if (page->in_entries) {
		if (!next_in_array(page, &more, err))
			return false;
		if (!more)
			return walk_members(page, false, err) && false;
	}
	if (!more || !take_entry(page, &leaf, &extra, err))
		return false;
	page->n_entries++;
	*leaf_input = leaf;
	*extra_data = extra;
	return true;
}

/* Resolves up to `room` characters of `text` into `out`; false when one is no base64 digit anyway. */
static bool unescape(struct slice *text, uint8_t *out, size_t room, size_t *len)
{
	size_t n = 0;

	for (; n < room && text->len > 0; n++) {
		int c = json_take_escaped(text);

		if (c < 0 || c > 0x7f)
			return false;
		out[n] = (uint8_t)c;
	}
	*len = n;
	return true;
}

bool page_base64_decode(struct slice text, uint8_t *out, size_t *out_len)
{
	uint8_t plain[4096];
	size_t total = 0, n, n_decoded;

	if (base64_decode(text, out, out_len))
		return true;
	if (slice_find(text, '\\') < 0)
		return false;
	while (text.len > 0) {
		if (!unescape(&text, plain, sizeof(plain), &n) ||
		    !base64_decode(slice_of(plain, n), out + total, &n_decoded))
			return false;
		if (text.len > 0 && n_decoded != n / 4 * 3)
			return false; /* padding before the end */
		total += n_decoded;
	}
	*out_len = total;
	return true;
}
