/*
 * Slack: a message of blocks.
 *
 *   {"type":"slack","url":"https://hooks.slack.com/..."}                 an incoming webhook: no threads
 *   {"type":"slack","token_file":"...","channel":"C0123"}                a bot: later events answer in the first one's thread
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat.h"
#include "render.h"

#define SECTION_MAX 2900             /* of the 3000 characters that a section takes */
#define BLOCKS_MAX 48                /* of 50 */
#define TEXT_MAX 3000                /* of the line that notifications show; 40 000 are taken, 4000 wished for */
#define SLACK_LINE_MAX 500                 /* before escaping, which makes five times of it at most */
#define SLACK_URL "https://slack.com/api/chat.postMessage"

struct slack_sink {
	struct http_sink http;
	char *channel;
};

/* ---- blocks ------------------------------------------------------------------------------------------------ */

/* Lines that become sections: a section ends where the next line would not fit. */
struct sections {
	json_t *blocks;
	struct buf text;
};

static void end_section(struct sections *s)
{
	if (s->text.len == 0)
		return;
	json_array_append_new(s->blocks, json_pack("{s:s, s:{s:s, s:s}}", "type", "section", "text", "type", "mrkdwn", "text", buf_text(&s->text)));
	buf_clear(&s->text);
}

/* `mrkdwn` is escaped already and goes into one section. */
static void put_raw(struct sections *s, const char *mrkdwn)
{
	if (s->text.len + strlen(mrkdwn) + 1 > SECTION_MAX)
		end_section(s);
	buf_printf(&s->text, "%s%s", s->text.len > 0 ? "\n" : "", mrkdwn);
}

/* Marks around, text escaped, one line. */
static void put_line(struct sections *s, const char *before, const char *text, const char *after)
{
	struct buf line;
	char *cut = text_cut(text, SLACK_LINE_MAX);

	buf_init(&line, SECTION_MAX);
	if (buf_append_text(&line, before) && render_slack(&line, cut) && buf_append_text(&line, after))
		put_raw(s, buf_text(&line));
	buf_deinit(&line);
	free(cut);
}

/* The name in a code block, underlined where it matches: marks in the middle of a word are none to Slack. */
static void put_marked(struct sections *s, const struct message_part *part)
{
	struct buf block;

	buf_init(&block, SECTION_MAX);
	if (part->marked != NULL && strpbrk(part->marked, "`&<>") == NULL && buf_append_text(&block, "```\n") && message_underline(&block, part, "") && buf_append_text(&block, "```"))
		put_raw(s, buf_text(&block));
	buf_deinit(&block);
}

static void put_links(struct sections *s, const struct message_part *part)
{
	struct buf line;

	buf_init(&line, SECTION_MAX);
	for (size_t i = 0; i < part->n_links; i++)
		buf_printf(&line, "%s<%s|%s>", i == 0 ? "" : "  ", part->links[i].url, part->links[i].label);
	if (line.len > 0)
		put_raw(s, buf_text(&line));
	buf_deinit(&line);
}

static void put_part(struct sections *s, const struct message_part *part, enum chat_detail detail)
{
	char label[40];

	put_line(s, "*", part->sentence, "*");
	put_marked(s, part);
	for (size_t i = 0; i < part->n_facts; i++) {
		snprintf(label, sizeof(label), "%s: ", part->facts[i].label);
		put_line(s, label, part->facts[i].value, "");
	}
	end_section(s);
	for (size_t i = 0; i < part->n_why && detail == CHAT_WHOLE; i++) {
		if (i == 0)
			put_raw(s, "*Why*");
		put_line(s, "\xe2\x80\xa2 ", part->why[i], "");
	}
	for (size_t i = 0; part->next_steps != NULL && part->next_steps[i] != NULL && detail == CHAT_WHOLE; i++) {
		if (i == 0)
			put_raw(s, "*What to do next*");
		put_line(s, "\xe2\x80\xa2 ", part->next_steps[i], "");
	}
	put_links(s, part);
	end_section(s);
}

static void put_entry(struct sections *s, const struct message_part *part)
{
	char before[64];

	if (part->score >= 0)
		snprintf(before, sizeof(before), "\xe2\x80\xa2 %.16s %d: ", part->severity, part->score);
	else
		snprintf(before, sizeof(before), "\xe2\x80\xa2 %.16s: ", part->severity);
	put_line(s, before, part->sentence, "");
}

static char *subject_text(const struct message *message)
{
	struct buf out;
	char *cut = text_cut(message->subject, SLACK_LINE_MAX);

	buf_init(&out, TEXT_MAX);
	render_slack(&out, cut);
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	free(cut);
	return text;
}

static json_t *blocks_of(const struct message *message, enum chat_detail detail)
{
	struct sections sections = { .blocks = json_array() };

	buf_init(&sections.text, SECTION_MAX + 1);
	for (size_t i = 0; i < message->n_parts; i++) {
		if (detail == CHAT_LIST)
			put_entry(&sections, &message->parts[i]);
		else
			put_part(&sections, &message->parts[i], detail);
	}
	end_section(&sections);
	buf_deinit(&sections.text);
	return sections.blocks;
}

static bool slack_write(struct sink *sink, const struct delivery *delivery, const struct message *message, enum chat_detail detail, struct buf *out)
{
	const struct slack_sink *slack = sink->own;
	json_t *blocks = blocks_of(message, detail);
	char *subject = subject_text(message);
	bool fits = json_array_size(blocks) <= BLOCKS_MAX;
	json_t *body = json_pack("{s:s, s:o, s:b, s:b}", "text", subject, "blocks", blocks, "unfurl_links", 0, "unfurl_media", 0);

	free(subject);
	if (slack->channel != NULL) {
		json_object_set_new(body, "channel", json_string(slack->channel));
		json_object_set_new(body, "client_msg_id", json_string(delivery->id));
		if (delivery->n == 1 && delivery->items[0].thread != NULL)
			json_object_set_new(body, "thread_ts", json_string(delivery->items[0].thread));
	}
	return chat_dump(body, out) && fits;
}

static bool slack_body(struct sink *sink, const struct delivery *delivery, struct buf *out)
{
	return chat_body(sink, delivery, slack_write, CHAT_BODY_MAX, out);
}

static size_t slack_fits(struct sink *sink, const struct delivery *delivery)
{
	return chat_fits(sink, delivery, slack_write, CHAT_BODY_MAX);
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

/* The web API answers 200 also when it refuses: {"ok":false,"error":"..."}. What it says of the message itself is final. */
static enum delivery_result slack_accept(struct delivery *delivery, struct slice answer, char *why, size_t why_len)
{
	static const char *const final[] = { "msg_too_long", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "no_text", "invalid_arguments", "too_many_blocks", NULL };
	json_t *body = json_loadb((const char *)answer.data, answer.len, 0, NULL);
	bool ok = json_is_true(json_object_get(body, "ok"));
	const char *error = json_string_value(json_object_get(body, "error"));
	const char *ts = json_string_value(json_object_get(body, "ts"));
	enum delivery_result result = ok ? DELIVERY_OK : error != NULL && is_one_of(error, final) ? DELIVERY_REFUSED : DELIVERY_RETRY;

	if (!ok)
		text_escape(slice_text(error != NULL ? error : "the answer is no JSON with \"ok\":true"), why, why_len);
	else if (ts != NULL)
		delivery_set_thread(delivery, ts);
	json_decref(body);
	return result;
}

/* An incoming webhook says "ok"; services in its manner also nothing, or JSON of their own. */
static enum delivery_result webhook_accept(struct delivery *delivery, struct slice answer, char *why, size_t why_len)
{
	json_t *body = json_loadb((const char *)answer.data, answer.len, 0, NULL);
	const json_t *ok = json_object_get(body, "ok"), *success = json_object_get(body, "success");
	bool good = answer.len == 0 || (body != NULL && !json_is_false(ok) && !json_is_false(success)) ||
		    (answer.len >= 2 && answer.len <= 4 && strncasecmp((const char *)answer.data, "ok", 2) == 0);

	(void)delivery;
	if (!good)
		text_escape(slice_sub(answer, 0, answer.len < 100 ? answer.len : 100), why, why_len);
	json_decref(body);
	return good ? DELIVERY_OK : DELIVERY_RETRY;
}

static bool slack_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct slack_sink *slack = xcalloc(1, sizeof(*slack));
	const json_t *channel = json_object_get(object, "channel");

	sink->own = slack;
	slack->http.body = slack_body;
	slack->http.accept = webhook_accept;
	if (channel != NULL && !json_is_string(channel))
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"channel\" wants a channel's id or name", sink->name);
	if (channel != NULL) {
		slack->channel = xstrdup(json_string_value(channel));
		slack->http.accept = slack_accept;
	}
	if (!http_open(&slack->http, sink, config, object, channel != NULL ? SLACK_URL : NULL, err))
		return false;
	if (channel != NULL && slack->http.bearer == NULL)
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": with \"channel\" it wants the bot's \"token_file\"", sink->name);
	return true;
}

static void slack_close(struct sink *sink)
{
	struct slack_sink *slack = sink->own;

	http_deinit(&slack->http);
	free(slack->channel);
	free(slack);
}

static void slack_deliver(struct sink *sink, struct delivery *delivery)
{
	struct slack_sink *slack = sink->own;

	http_deliver(sink, delivery, &slack->http);
}

static void slack_describe(const struct sink *sink, struct buf *out)
{
	const struct slack_sink *slack = sink->own;

	http_describe(&slack->http, "Slack", out);
}

static const char *const SLACK_KEYS[] = { HTTP_KEYS, "channel", NULL };

const struct sink_type slack_sink = {
	.name = "slack",
	.keys = SLACK_KEYS,
	.for_people = true,
	.fits = slack_fits,
	.open = slack_open,
	.close = slack_close,
	.deliver = slack_deliver,
	.describe = slack_describe,
};
