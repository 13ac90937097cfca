/* See chat.h. */
#include "chat.h"

#include <stdlib.h>

#define DETAILED_MAX 3               /* parts shown with their facts; more are a line each */

bool chat_dump(json_t *body, struct buf *out)
{
	char *text = json_dumps(body, JSON_COMPACT);
	bool ok = text != NULL && buf_append_text(out, text);

	free(text);
	json_decref(body);
	return ok;
}

static enum chat_detail first_detail(const struct delivery *delivery)
{
	if (delivery->n > DETAILED_MAX || delivery->shrink >= CHAT_LIST)
		return CHAT_LIST;
	return (enum chat_detail)delivery->shrink;
}

bool chat_body(struct sink *sink, const struct delivery *delivery, chat_write_fn *write, size_t max, struct buf *out)
{
	struct message message;
	bool written = false;

	message_make(delivery, &message);
	for (int detail = first_detail(delivery); detail <= CHAT_LIST; detail++) {
		buf_clear(out);
		written = write(sink, delivery, &message, (enum chat_detail)detail, out);
		if (written && out->len <= max)
			break;
	}
	message_deinit(&message);
	return written;
}

static bool fits(struct sink *sink, const struct delivery *delivery, size_t n, chat_write_fn *write, size_t max)
{
	struct delivery part = *delivery;
	struct buf body;

	part.n = n;
	buf_init(&body, 8u << 20);
	bool ok = chat_body(sink, &part, write, max, &body) && body.len <= max;
	buf_deinit(&body);
	return ok;
}

size_t chat_fits(struct sink *sink, const struct delivery *delivery, chat_write_fn *write, size_t max)
{
	size_t good = 1, bad = delivery->n + 1;

	if (fits(sink, delivery, delivery->n, write, max))
		return delivery->n;
	while (bad - good > 1) {
		size_t middle = (good + bad) / 2;

		if (fits(sink, delivery, middle, write, max))
			good = middle;
		else
			bad = middle;
	}
	return good;
}
