/* get-entries pages: what we read jansson reads, with the same strings; what it reads in the right shape we read. */
#include "check.h"
#include "json_scan.h"
#include "ct.h"

#include <string.h>

#include <jansson.h>

#define NESTING_LIMIT 40        /* of inputs that must be read; ours is 64, jansson's 2048 */

static bool nests_deeply(struct slice in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++)
		n += in.data[i] == '[' || in.data[i] == '{';
	return n > NESTING_LIMIT;
}

static bool text_or_null(const json_t *value)
{
	return value == NULL || json_is_string(value) || json_is_null(value);
}

static bool shape_of_page(const json_t *root)
{
	const json_t *entries = json_object_get(root, "entries"), *item;
	size_t i;

	if (!json_is_array(entries) && !json_is_null(entries))
		return false;
	json_array_foreach(entries, i, item)
		if (json_object_get(item, "leaf_input") == NULL || !text_or_null(json_object_get(item, "leaf_input")) ||
		    !text_or_null(json_object_get(item, "extra_data")))
			return false;
	return true;
}

/* Base64 of a tree's string and of the raw text must agree; neither may write past the promised room. */
static void check_base64(const json_t *value, struct slice raw)
{
	size_t room = raw.len / 4 * 3, ours_len = 0, theirs_len = 0;
	uint8_t *ours = xmalloc(room + 1), *theirs = xmalloc(room + 1);
	struct slice text = slice_of(json_string_value(value), json_string_length(value));
	bool good = page_base64_decode(raw, ours, &ours_len);

	CHECK(ours_len <= room);
	if (json_is_string(value)) {
		CHECK(good == base64_decode(text, theirs, &theirs_len));
		CHECK(!good || (ours_len == theirs_len && memcmp(ours, theirs, ours_len) == 0));
	}
	free(ours);
	free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), leaf, extra;
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	bool readable = root != NULL && shape_of_page(root);
	struct entries_page page;
	struct error err = { 0 };

	entries_page_init(&page, in);
	while (entries_page_next(&page, &leaf, &extra, &err)) {
		const json_t *item = json_array_get(json_object_get(root, "entries"), page.n_entries - 1);

		CHECK(lies_inside(leaf, in) && lies_inside(extra, in));
		if (readable) {
			check_base64(json_object_get(item, "leaf_input"), leaf);
			check_base64(json_object_get(item, "extra_data"), extra);
		} else {
			check_base64(NULL, leaf);
		}
	}
	/* jansson passes over a NUL byte behind a number, which RFC 8259 does not allow */
	if (readable && !nests_deeply(in) && slice_find(in, 0) < 0) {
		CHECK(page.done);
		CHECK(page.n_entries == json_array_size(json_object_get(root, "entries")));
	}
	CHECK(page.done || err.kind == ERR_MALFORMED);
	CHECK(!page.done || root == NULL || readable);
	json_decref(root);
	return 0;
}
