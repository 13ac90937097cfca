/* Inflating under a ceiling: what zlib also inflates, it inflates to the same bytes. */
#include "check.h"
#include "ct.h"

#include <string.h>

#include <zlib.h>

#define CEILING (1u << 20)

/* One member by zlib; -1 when it is damaged, incomplete or longer than the ceiling. */
static long by_zlib(struct slice in, uint8_t *room)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)in.data, .avail_in = (uInt)in.len, .next_out = room,
			    .avail_out = CEILING };

	if (inflateInit2(&stream, 15 + 32) != Z_OK)
		return -1;
	long len = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0 ? (long)stream.total_out : -1;
	inflateEnd(&stream);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), out;
	struct inflater *inflater = inflater_new(CEILING);
	uint8_t *room = xmalloc(CEILING);
	struct error err;
	bool good = inflater_gunzip(inflater, in, &out, &err);
	long len = by_zlib(in, room);

	CHECK(good || err.kind == ERR_MALFORMED);
	CHECK(!good || out.len <= CEILING);
	if (good && len >= 0)
		CHECK((size_t)len == out.len && (len == 0 || memcmp(room, out.data, out.len) == 0));
	CHECK(good || len < 0);
	inflater_free(inflater);
	free(room);
	return 0;
}
