/* Any bytes as punycode. Properties: what decodes encodes to the same text again, but for the case of its digits. */
#include "dns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define POINTS_MAX 256

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Code points of four bytes each: what encodes decodes to the same. */
static void check_encoding(const uint8_t *data, size_t size)
{
	uint32_t points[POINTS_MAX], again[POINTS_MAX];
	char text[POINTS_MAX * 8];
	size_t n = size / 4 < POINTS_MAX ? size / 4 : POINTS_MAX, n_again, len;

	for (size_t i = 0; i < n; i++)
		points[i] = (uint32_t)data[4 * i] | (uint32_t)data[4 * i + 1] << 8 | (uint32_t)(data[4 * i + 2] & 0x1f) << 16;
	if (!punycode_encode(points, n, text, sizeof(text), &len))
		return;
	if (!punycode_decode(slice_of(text, len), again, POINTS_MAX, &n_again) || n_again != n ||
	    memcmp(points, again, n * sizeof(points[0])) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t points[POINTS_MAX];
	char text[POINTS_MAX * 8];
	size_t n, len;

	check_encoding(data, size);
	if (!punycode_decode(slice_of(data, size), points, POINTS_MAX, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (points[i] > 0x10ffff || (points[i] >= 0xd800 && points[i] <= 0xdfff))
			abort();
	if (!punycode_encode(points, n, text, sizeof(text), &len) || len != size)
		abort();
	for (size_t i = 0; i < len; i++)
		if (lower((uint8_t)text[i]) != lower(data[i]))
			abort();
	return 0;
}
