/*
 * Slack and Microsoft Teams: the same message in each service's own shape.
 *
 *   {"type":"slack","url":"https://hooks.slack.com/..."}                 an incoming webhook: no threads
 *   {"type":"slack","token_file":"...","channel":"C0123"}                a bot: later events answer in the first one's thread
 *   {"type":"teams","url":"https://..."}                                 a workflow that takes adaptive cards
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "render.h"

#define DETAILED_MAX 3               /* parts shown in full; a digest of more lists one line each */
#define SLACK_TEXT_MAX 2900          /* of 3000 that a section takes */
#define SLACK_URL "https://slack.com/api/chat.postMessage"

struct slack_sink {
	struct http_sink http;
	char *channel;
};

/* ---- Slack ------------------------------------------------------------------------------------------------ */

static char *take_cut(struct buf *out)
{
	char *text = xstrdup(buf_text(out));
	size_t len = strlen(text);

	if (len > SLACK_TEXT_MAX) {
		len = SLACK_TEXT_MAX;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		text[len] = '\0';
	}
	buf_deinit(out);
	return text;
}

static void add_section(json_t *blocks, struct buf *text)
{
	char *cut = take_cut(text);

	json_array_append_new(blocks, json_pack("{s:s, s:{s:s, s:s}}", "type", "section", "text", "type", "mrkdwn", "text", cut));
	free(cut);
}

static void slack_part(json_t *blocks, const struct message_part *part)
{
	struct buf text;

	buf_init(&text, 1u << 20);
	buf_append_text(&text, "*");
	render_slack(&text, part->sentence);
	buf_append_text(&text, "*\n");
	if (part->marked != NULL) {
		render_slack(&text, part->marked);
		buf_append_text(&text, "\n");
	}
	for (size_t i = 0; i < part->n_facts; i++) {
		buf_printf(&text, "\n%s: ", part->facts[i].label);
		render_slack(&text, part->facts[i].value);
	}
	add_section(blocks, &text);

	buf_init(&text, 1u << 20);
	for (size_t i = 0; i < part->n_why; i++) {
		buf_append_text(&text, i == 0 ? "*Why*\n\xe2\x80\xa2 " : "\n\xe2\x80\xa2 ");
		render_slack(&text, part->why[i]);
	}
	for (size_t i = 0; part->next_steps != NULL && part->next_steps[i] != NULL; i++) {
		buf_append_text(&text, i == 0 ? "\n*What to do next*\n\xe2\x80\xa2 " : "\n\xe2\x80\xa2 ");
		render_slack(&text, part->next_steps[i]);
	}
	for (size_t i = 0; i < part->n_links; i++)
		buf_printf(&text, "%s<%s|%s>", i == 0 ? "\n" : "  ", part->links[i].url, part->links[i].label);
	if (text.len > 0)
		add_section(blocks, &text);
	else
		buf_deinit(&text);
}

static void slack_list(json_t *blocks, const struct message *message)
{
	struct buf text;

	buf_init(&text, 1u << 20);
	for (size_t i = 0; i < message->n_parts; i++) {
		const struct message_part *part = &message->parts[i];

		if (text.len + strlen(part->sentence) + 64 > SLACK_TEXT_MAX) {
			add_section(blocks, &text);
			buf_init(&text, 1u << 20);
		}
		buf_printf(&text, "%s\xe2\x80\xa2 %s", text.len > 0 ? "\n" : "", part->severity);
		if (part->score >= 0)
			buf_printf(&text, " %d", part->score);
		buf_append_text(&text, ": ");
		render_slack(&text, part->sentence);
	}
	add_section(blocks, &text);
}

static bool dump_into(json_t *body, struct buf *out)
{
	char *text = json_dumps(body, JSON_COMPACT);
	bool ok = text != NULL && buf_append_text(out, text);

	free(text);
	json_decref(body);
	return ok;
}

static bool slack_body(struct sink *sink, const struct delivery *delivery, struct buf *out)
{
	const struct slack_sink *slack = sink->own;
	struct message message;
	struct buf subject;
	json_t *blocks = json_array();

	message_make(delivery, &message);
	buf_init(&subject, 1u << 16);
	render_slack(&subject, message.subject);
	if (message.n_parts > DETAILED_MAX)
		slack_list(blocks, &message);
	else
		for (size_t i = 0; i < message.n_parts; i++)
			slack_part(blocks, &message.parts[i]);
	json_t *body = json_pack("{s:s, s:o, s:b, s:b}", "text", buf_text(&subject), "blocks", blocks, "unfurl_links", 0, "unfurl_media", 0);
	if (slack->channel != NULL) {
		json_object_set_new(body, "channel", json_string(slack->channel));
		json_object_set_new(body, "client_msg_id", json_string(delivery->id));
		if (delivery->n == 1 && delivery->items[0].thread != NULL)
			json_object_set_new(body, "thread_ts", json_string(delivery->items[0].thread));
	}
	buf_deinit(&subject);
	message_deinit(&message);
	return dump_into(body, out);
}

/* Slack's web API answers 200 also when it refuses: {"ok":false,"error":"..."}. */
static bool slack_accept(struct delivery *delivery, struct slice answer, char *why, size_t why_len)
{
	json_t *body = json_loadb((const char *)answer.data, answer.len, 0, NULL);
	bool ok = json_is_true(json_object_get(body, "ok"));
	const char *error = json_string_value(json_object_get(body, "error"));
	const char *ts = json_string_value(json_object_get(body, "ts"));

	if (!ok)
		text_escape(slice_text(error != NULL ? error : "the answer is no JSON with \"ok\":true"), why, why_len);
	else if (ts != NULL)
		delivery_set_thread(delivery, ts);
	json_decref(body);
	return ok;
}

static bool slack_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct slack_sink *slack = xcalloc(1, sizeof(*slack));
	const json_t *channel = json_object_get(object, "channel");

	sink->own = slack;
	slack->http.body = slack_body;
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
	.open = slack_open,
	.close = slack_close,
	.deliver = slack_deliver,
	.describe = slack_describe,
};

/* ---- Microsoft Teams: a message with an adaptive card (schema 1.4) ---------------------------------------- */

static char *markdown_text(const char *text)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	render_markdown(&out, text);
	char *escaped = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return escaped;
}

static void add_text(json_t *items, const char *text, const char *weight, const char *colour)
{
	char *escaped = markdown_text(text);

	json_array_append_new(items, json_pack("{s:s, s:s, s:b, s:s, s:s}", "type", "TextBlock", "text", escaped, "wrap", 1, "weight", weight, "color", colour));
	free(escaped);
}

static const char *card_colour(const char *severity)
{
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return "Attention";
	return strcmp(severity, "medium") == 0 ? "Warning" : "Default";
}

static void card_part(json_t *items, const struct message_part *part)
{
	json_t *facts = json_array();

	add_text(items, part->sentence, "Bolder", card_colour(part->severity));
	for (size_t i = 0; i < part->n_facts; i++) {
		char *value = markdown_text(part->facts[i].value);

		json_array_append_new(facts, json_pack("{s:s, s:s}", "title", part->facts[i].label, "value", value));
		free(value);
	}
	json_array_append_new(items, json_pack("{s:s, s:o}", "type", "FactSet", "facts", facts));
	for (size_t i = 0; i < part->n_why; i++)
		add_text(items, part->why[i], "Default", "Default");
	for (size_t i = 0; part->next_steps != NULL && part->next_steps[i] != NULL; i++)
		add_text(items, part->next_steps[i], "Default", "Default");
}

static bool teams_body(struct sink *sink, const struct delivery *delivery, struct buf *out)
{
	struct message message;
	json_t *items = json_array(), *actions = json_array();

	(void)sink;
	message_make(delivery, &message);
	if (message.n_parts <= DETAILED_MAX) {
		for (size_t i = 0; i < message.n_parts; i++)
			card_part(items, &message.parts[i]);
		for (size_t i = 0; i < message.parts[0].n_links && message.n_parts == 1; i++)
			json_array_append_new(actions, json_pack("{s:s, s:s, s:s}", "type", "Action.OpenUrl", "title", message.parts[0].links[i].label,
								 "url", message.parts[0].links[i].url));
	} else {
		add_text(items, message.subject, "Bolder", "Default");
		for (size_t i = 0; i < message.n_parts; i++)
			add_text(items, message.parts[i].sentence, "Default", card_colour(message.parts[i].severity));
	}
	json_t *card = json_pack("{s:s, s:s, s:s, s:o, s:o}", "$schema", "http://adaptivecards.io/schemas/adaptive-card.json", "type", "AdaptiveCard", "version",
				 "1.4", "body", items, "actions", actions);
	message_deinit(&message);
	return dump_into(json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments", "contentType",
				   "application/vnd.microsoft.card.adaptive", "contentUrl", "content", card),
			 out);
}

static bool teams_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct http_sink *http = xcalloc(1, sizeof(*http));

	sink->own = http;
	http->body = teams_body;
	return http_open(http, sink, config, object, NULL, err);
}

static void teams_close(struct sink *sink)
{
	http_deinit(sink->own);
	free(sink->own);
}

static void teams_deliver(struct sink *sink, struct delivery *delivery)
{
	http_deliver(sink, delivery, sink->own);
}

static void teams_describe(const struct sink *sink, struct buf *out)
{
	http_describe(sink->own, "Microsoft Teams", out);
}

static const char *const TEAMS_KEYS[] = { HTTP_KEYS, NULL };

const struct sink_type teams_sink = {
	.name = "teams",
	.keys = TEAMS_KEYS,
	.for_people = true,
	.open = teams_open,
	.close = teams_close,
	.deliver = teams_deliver,
	.describe = teams_describe,
};
