/* The primitives of the TLS presentation language (RFC 8446 section 3). */
#include "ct.h"

/* A big-endian integer of `width` bytes. */
static bool take_integer(struct slice *in, size_t width, uint64_t *out)
{
	uint64_t value = 0;

	if (in->len < width)
		return false;
	for (size_t i = 0; i < width; i++)
		value = value << 8 | in->data[i];
	*in = slice_of(in->data + width, in->len - width);
	*out = value;
	return true;
}

bool take_u8(struct slice *in, uint8_t *out)
{
	uint64_t value;

	if (!take_integer(in, 1, &value))
		return false;
	*out = (uint8_t)value;
	return true;
}

bool take_u16(struct slice *in, uint16_t *out)
{
	uint64_t value;

	if (!take_integer(in, 2, &value))
		return false;
	*out = (uint16_t)value;
	return true;
}

bool take_u24(struct slice *in, uint32_t *out)
{
	uint64_t value;

	if (!take_integer(in, 3, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

bool take_u64(struct slice *in, uint64_t *out)
{
	return take_integer(in, 8, out);
}

bool take_bytes(struct slice *in, size_t len, struct slice *out)
{
	if (in->len < len)
		return false;
	*out = slice_of(in->data, len);
	if (len > 0)
		*in = slice_of(in->data + len, in->len - len);
	return true;
}

static bool take_vector(struct slice *in, size_t width, struct slice *out)
{
	struct slice ahead = *in;
	uint64_t len;

	if (!take_integer(&ahead, width, &len) || !take_bytes(&ahead, (size_t)len, out))
		return false;
	*in = ahead;
	return true;
}

bool take_vec8(struct slice *in, struct slice *out)
{
	return take_vector(in, 1, out);
}

bool take_vec16(struct slice *in, struct slice *out)
{
	return take_vector(in, 2, out);
}

bool take_vec24(struct slice *in, struct slice *out)
{
	return take_vector(in, 3, out);
}
