/*
 * What chats share: a message is written with as much detail as its receiver takes, and of a long list as many lines as fit. Private to
 * alerts/ (slack, teams).
 */
#ifndef CTWATCH_CHAT_H
#define CTWATCH_CHAT_H

#include "envelope_fit.h"
#include "message.h"

#define CHAT_BODY_MAX (200u << 10)

enum chat_detail { CHAT_WHOLE, CHAT_FACTS, CHAT_LIST };   /* without reasons and advice; a line a finding */

/* Appends the body in the service's shape; false when the service takes no such one, whatever its length. */
typedef bool chat_write_fn(struct sink *sink, const struct delivery *delivery, const struct message *message, enum chat_detail detail, struct buf *out);

/* The most detailed body that has at most max bytes; if none has, the shortest. */
bool chat_body(struct sink *sink, const struct delivery *delivery, chat_write_fn *write, size_t max, struct buf *out);
/* How many of the first items make a body of at most max bytes; 1 at least. */
size_t chat_fits(struct sink *sink, const struct delivery *delivery, chat_write_fn *write, size_t max);
/* Appends the JSON and lets go of it. */
bool chat_dump(json_t *body, struct buf *out);

#endif
