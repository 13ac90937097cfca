/*
 * Inflating with libdeflate, which wants the whole result's room at once. A guess is made from the input, kept within what
 * deflate can expand to, and doubled up to the ceiling when it was too small.
 */
#include "ct.h"

#include <stdlib.h>

#include <libdeflate.h>

#define FIRST_ROOM (1u << 20) /* a full data tile has 0.3 to 0.8 MB */
#define MEMBERS_MAX 64        /* of one gzip file; servers send one */

struct inflater {
	struct libdeflate_decompressor *decompressor;
	uint8_t *room;
	size_t room_len, max_bytes;
	size_t ceiling; /* of the answer at hand; what room there is beyond it is not used */
};

struct inflater *inflater_new(size_t max_bytes)
{
	struct inflater *inflater = xcalloc(1, sizeof(*inflater));

	inflater->decompressor = libdeflate_alloc_decompressor();
	if (inflater->decompressor == NULL)
		fatal("out of memory: an inflater has no room");
	inflater->max_bytes = max_bytes;
	return inflater;
}

void inflater_free(struct inflater *inflater)
{
	if (inflater == NULL)
		return;
	libdeflate_free_decompressor(inflater->decompressor);
	free(inflater->room);
	free(inflater);
}

size_t inflater_room(const struct inflater *inflater)
{
	return inflater->room_len;
}

void inflater_trim(struct inflater *inflater, size_t most)
{
	if (inflater->room_len <= most)
		return;
	free(inflater->room);
	inflater->room = NULL;
	inflater->room_len = 0;
}

/* More room, with what is in it kept; false at the ceiling. */
static bool grow(struct inflater *inflater)
{
	size_t want = inflater->room_len < FIRST_ROOM ? FIRST_ROOM : inflater->room_len * 2;

	if (inflater->room_len >= inflater->ceiling)
		return false;
	if (want > inflater->ceiling)
		want = inflater->ceiling;
	inflater->room = xrealloc(inflater->room, want);
	inflater->room_len = want;
	return true;
}

static bool is_gzip(struct slice in)
{
	return in.len >= 2 && in.data[0] == 0x1f && in.data[1] == 0x8b;
}

/* RFC 1950: method 8, and the two header bytes are a multiple of 31. */
static bool is_zlib(struct slice in)
{
	return in.len >= 2 && (in.data[0] & 15) == 8 && (in.data[0] << 8 | in.data[1]) % 31 == 0;
}

/* One member from the front of `in` to the room from `used` on. */
static enum libdeflate_result inflate_member(struct inflater *inflater, struct slice *in, size_t *used)
{
	size_t taken, written;
	uint8_t *to = inflater->room + *used;
	size_t len = inflater->room_len < inflater->ceiling ? inflater->room_len : inflater->ceiling;
	size_t room = len - *used;
	enum libdeflate_result result = is_gzip(*in)
						? libdeflate_gzip_decompress_ex(inflater->decompressor, in->data,
										in->len, to, room, &taken, &written)
						: libdeflate_zlib_decompress_ex(inflater->decompressor, in->data,
										in->len, to, room, &taken, &written);

	if (result == LIBDEFLATE_SUCCESS) {
		*in = slice_sub(*in, taken, in->len);
		*used += written;
	}
	return result;
}

static bool past_ceiling(const struct inflater *inflater, struct slice compressed, struct error *err)
{
	return error_set(err, ERR_MALFORMED, "answer of %zu bytes inflates past the ceiling of %zu", compressed.len,
			 inflater->ceiling);
}

bool inflater_gunzip(struct inflater *inflater, struct slice compressed, struct slice *out, struct error *err)
{
	return inflater_gunzip_within(inflater, compressed, inflater->max_bytes, out, err);
}

bool inflater_gunzip_within(struct inflater *inflater, struct slice compressed, size_t max_bytes, struct slice *out, struct error *err)
{
	struct slice in = compressed;
	size_t used = 0, n_members = 0;

	inflater->ceiling = max_bytes < inflater->max_bytes ? max_bytes : inflater->max_bytes;
	if (!is_gzip(in) && !is_zlib(in))
		return error_set(err, ERR_MALFORMED,
				 "answer of %zu bytes is said to be compressed but begins like no gzip or zlib stream",
				 compressed.len);
	if (inflater->room == NULL && !grow(inflater))
		return past_ceiling(inflater, compressed, err);
	while (in.len > 0) {
		if (n_members++ == MEMBERS_MAX || (n_members > 1 && !is_gzip(in)))
			return error_set(err, ERR_MALFORMED, "%zu bytes follow the compressed answer's end", in.len);

		enum libdeflate_result result = inflate_member(inflater, &in, &used);
		if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
			if (!grow(inflater))
				return past_ceiling(inflater, compressed, err);
			n_members--;
		} else if (result != LIBDEFLATE_SUCCESS) {
			return error_set(err, ERR_MALFORMED, "compressed answer of %zu bytes is damaged or cut short",
					 compressed.len);
		}
	}
	*out = slice_of(inflater->room, used);
	return true;
}
