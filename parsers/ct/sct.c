/* Signed certificate timestamps (RFC 6962 section 3.3). */
#include "ct.h"

#include <string.h>

#define SCT_VERSION_1 0

/* The content of one SerializedSCT of version 1, after its version byte. */
static bool read_sct(struct slice in, struct sct *sct)
{
	struct slice log_id, signature, ahead;
	uint16_t algorithm;

	if (!take_bytes(&in, sizeof(sct->log_id), &log_id) || !take_u64(&in, &sct->timestamp_ms) ||
	    !take_vec16(&in, &sct->extensions))
		return false;
	memcpy(sct->log_id, log_id.data, sizeof(sct->log_id));
	sct->signature = ahead = in;
	return take_u16(&ahead, &algorithm) && take_vec16(&ahead, &signature) && ahead.len == 0;
}

bool sct_take(struct slice *list, struct sct *out, struct error *err)
{
	struct slice ahead = *list, item;
	struct sct sct;
	uint8_t version;

	while (ahead.len > 0) {
		if (!take_vec16(&ahead, &item) || !take_u8(&item, &version))
			return error_set(err, ERR_MALFORMED, "SCT list ends inside an SCT, %zu bytes before its end",
					 list->len);
		if (version != SCT_VERSION_1)
			continue;
		if (!read_sct(item, &sct))
			return error_set(err, ERR_MALFORMED,
					 "SCT lengths do not add up to its %zu bytes (RFC 6962 section 3.2)",
					 item.len + 1);
		*list = ahead;
		*out = sct;
		return true;
	}
	*list = ahead;
	err->kind = ERR_NONE;
	return false;
}
