/*
 * A public suffix list up to the first NUL, names after it. Properties: the suffix is a tail of the name at a label's
 * beginning, and the registrable domain is it and one label more.
 */
#include "dns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void check_name(const struct suffix_table *table, struct slice name)
{
	size_t suffix;
	ptrdiff_t start = suffix_registrable(table, name, &suffix);

	REQUIRE(suffix <= name.len);
	REQUIRE(suffix == 0 || name.data[suffix - 1] == '.');
	if (start < 0)
		return;
	REQUIRE((size_t)start + 1 < suffix && suffix < name.len);
	REQUIRE(start == 0 || name.data[start - 1] == '.');
	REQUIRE(slice_find(slice_sub(name, (size_t)start, suffix - 1), '.') < 0);

	/* the registrable domain of a registrable domain is itself, whatever stood before it */
	size_t again;
	REQUIRE(suffix_registrable(table, slice_sub(name, (size_t)start, name.len), &again) == 0);
	REQUIRE(again == suffix - (size_t)start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);
	ptrdiff_t nul = slice_find(input, 0);
	struct error err;

	if (nul < 0)
		return 0;
	struct suffix_table *table = suffix_table_new(slice_sub(input, 0, (size_t)nul), "fuzz", &err);
	if (table == NULL)
		return 0;
	input = slice_sub(input, (size_t)nul + 1, input.len);
	for (;;) {
		ptrdiff_t newline = slice_find(input, '\n');

		check_name(table, slice_sub(input, 0, newline < 0 ? input.len : (size_t)newline));
		if (newline < 0)
			break;
		input = slice_sub(input, (size_t)newline + 1, input.len);
	}
	suffix_table_free(table);
	return 0;
}
