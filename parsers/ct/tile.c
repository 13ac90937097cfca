/* Paths of tiles (static-ct-api, tlog-tiles): tile/<level>/<index>[.p/<width>]. */
#include "ct.h"

#include <stdio.h>
#include <string.h>

#define LEVEL_MAX 5  /* 256^6 leaves are more than a 40-bit leaf index can count */
#define GROUPS_MAX 7 /* groups of three digits in a 64-bit index */

char *tile_path(int level, uint64_t index, unsigned width, char out[TILE_PATH_LEN])
{
	unsigned groups[GROUPS_MAX];
	size_t n = 0;
	int at;

	for (; n == 0 || index > 0; index /= 1000)
		groups[n++] = (unsigned)(index % 1000);
	at = level < 0 ? snprintf(out, TILE_PATH_LEN, "tile/data/") : snprintf(out, TILE_PATH_LEN, "tile/%d/", level);
	while (n-- > 0)
		at += snprintf(out + at, TILE_PATH_LEN - (size_t)at, n > 0 ? "x%03u/" : "%03u", groups[n]);
	if (width != TILE_WIDTH)
		snprintf(out + at, TILE_PATH_LEN - (size_t)at, ".p/%u", width);
	return out;
}

static bool take_text(struct slice *in, const char *text)
{
	struct slice want = slice_text(text);

	if (!slice_starts_with(*in, want))
		return false;
	*in = slice_sub(*in, want.len, in->len);
	return true;
}

static bool take_group(struct slice *in, unsigned *out)
{
	unsigned value = 0;

	if (in->len < 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (in->data[i] < '0' || in->data[i] > '9')
			return false;
		value = value * 10 + (in->data[i] - '0');
	}
	*in = slice_sub(*in, 3, in->len);
	*out = value;
	return true;
}

static bool take_level(struct slice *in, int *out)
{
	if (take_text(in, "data/")) {
		*out = -1;
		return true;
	}
	if (in->len < 2 || in->data[0] < '0' || in->data[0] > '0' + LEVEL_MAX || in->data[1] != '/')
		return false;
	*out = in->data[0] - '0';
	*in = slice_sub(*in, 2, in->len);
	return true;
}

static bool take_index(struct slice *in, uint64_t *out)
{
	uint64_t value = 0;
	unsigned group;

	while (take_text(in, "x")) {
		/* a leading x000 would give one index two paths */
		if (!take_group(in, &group) || !take_text(in, "/") || (value == 0 && group == 0))
			return false;
		if (value > (UINT64_MAX - 999) / 1000)
			return false;
		value = value * 1000 + group;
	}
	if (value > (UINT64_MAX - 999) / 1000 || !take_group(in, &group))
		return false;
	*out = value * 1000 + group;
	return true;
}

bool tile_path_parse(struct slice path, int *level, uint64_t *index, unsigned *width)
{
	uint64_t w = TILE_WIDTH, n;
	int l;

	if (!take_text(&path, "tile/") || !take_level(&path, &l) || !take_index(&path, &n))
		return false;
	if (path.len > 0 && (!take_text(&path, ".p/") || !uint64_parse(path, &w) || w == 0 || w >= TILE_WIDTH))
		return false;
	*level = l;
	*index = n;
	*width = (unsigned)w;
	return true;
}
