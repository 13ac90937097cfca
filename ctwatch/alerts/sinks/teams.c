/*
 * Microsoft Teams: a message with an adaptive card (schema 1.4), for the URL of a workflow that posts such cards.
 *
 *   {"type":"teams","url":"https://..."}
 */
#include "http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat.h"
#include "render.h"

#define TEAMS_BODY_MAX (26u << 10)   /* of 28 KB; a workflow adds its own around it */
#define VALUE_MAX 600

/* ---- the card ------------------------------------------------------------------------------------------------ */

static char *card_text(const char *text)
{
	struct buf out;
	char *cut = text_cut(text, VALUE_MAX);

	buf_init(&out, 1u << 20);
	render_card(&out, cut);
	char *escaped = xstrdup(buf_text(&out));
	buf_deinit(&out);
	free(cut);
	return escaped;
}

static void add_text(json_t *items, const char *text, const char *weight, const char *colour)
{
	char *escaped = card_text(text);

	json_array_append_new(items, json_pack("{s:s, s:s, s:b, s:s, s:s}", "type", "TextBlock", "text", escaped, "wrap", 1, "weight", weight, "color", colour));
	free(escaped);
}

static const char *card_colour(const char *severity)
{
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return "Attention";
	return strcmp(severity, "medium") == 0 ? "Warning" : "Default";
}

static void add_part(json_t *items, const struct message_part *part, enum chat_detail detail)
{
	json_t *facts = json_array();

	add_text(items, part->sentence, "Bolder", card_colour(part->severity));
	for (size_t i = 0; i < part->n_facts; i++) {
		char *value = card_text(part->facts[i].value);

		json_array_append_new(facts, json_pack("{s:s, s:s}", "title", part->facts[i].label, "value", value));
		free(value);
	}
	json_array_append_new(items, json_pack("{s:s, s:o}", "type", "FactSet", "facts", facts));
	for (size_t i = 0; i < part->n_why && detail == CHAT_WHOLE; i++)
		add_text(items, part->why[i], "Default", "Default");
	for (size_t i = 0; part->next_steps != NULL && part->next_steps[i] != NULL && detail == CHAT_WHOLE; i++)
		add_text(items, part->next_steps[i], "Default", "Default");
}

/* One block for a run of lines of one colour: a block a line costs more than the line. */
static void add_lines(json_t *items, const struct message *message)
{
	struct buf text;
	const char *colour = NULL;

	buf_init(&text, 1u << 20);
	for (size_t i = 0; i <= message->n_parts; i++) {
		const struct message_part *part = i < message->n_parts ? &message->parts[i] : NULL;

		if (text.len > 0 && (part == NULL || strcmp(card_colour(part->severity), colour) != 0)) {
			json_array_append_new(items, json_pack("{s:s, s:s, s:b, s:s}", "type", "TextBlock", "text", buf_text(&text), "wrap", 1, "color", colour));
			buf_clear(&text);
		}
		if (part == NULL)
			break;
		char *line = card_text(part->sentence);
		buf_printf(&text, "%s%s", text.len > 0 ? "\n\n" : "", line);
		colour = card_colour(part->severity);
		free(line);
	}
	buf_deinit(&text);
}

static void add_actions(json_t *actions, const struct message_part *part)
{
	for (size_t i = 0; i < part->n_links; i++)
		json_array_append_new(actions, json_pack("{s:s, s:s, s:s}", "type", "Action.OpenUrl", "title", part->links[i].label, "url", part->links[i].url));
}

static bool teams_write(struct sink *sink, const struct delivery *delivery, const struct message *message, enum chat_detail detail, struct buf *out)
{
	json_t *items = json_array(), *actions = json_array();

	(void)sink, (void)delivery;
	if (detail == CHAT_LIST) {
		add_text(items, message->subject, "Bolder", "Default");
		add_lines(items, message);
	}
	for (size_t i = 0; i < message->n_parts && detail != CHAT_LIST; i++)
		add_part(items, &message->parts[i], detail);
	if (message->n_parts == 1)
		add_actions(actions, &message->parts[0]);
	json_t *card = json_pack("{s:s, s:s, s:s, s:o, s:o}", "$schema", "http://adaptivecards.io/schemas/adaptive-card.json", "type", "AdaptiveCard", "version",
				 "1.4", "body", items, "actions", actions);
	return chat_dump(json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments", "contentType",
				   "application/vnd.microsoft.card.adaptive", "contentUrl", "content", card),
			 out);
}

static bool teams_body(struct sink *sink, const struct delivery *delivery, struct buf *out)
{
	return chat_body(sink, delivery, teams_write, TEAMS_BODY_MAX, out);
}

static size_t teams_fits(struct sink *sink, const struct delivery *delivery)
{
	return chat_fits(sink, delivery, teams_write, TEAMS_BODY_MAX);
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

/* "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId ..." comes with status 200. */
static enum delivery_result teams_accept(struct delivery *delivery, struct slice answer, char *why, size_t why_len)
{
	char *text = slice_dup_text(answer);
	const char *code = strcasestr(text, "HTTP error ");
	json_t *body = json_loads(text, 0, NULL);
	bool failed = code != NULL || strcasestr(text, "delivery failed") != NULL || json_object_get(body, "error") != NULL;
	long status = code != NULL ? strtol(code + strlen("HTTP error "), NULL, 10) : 0;

	(void)delivery;
	if (failed)
		text_escape(slice_of(text, strlen(text) < 140 ? strlen(text) : 140), why, why_len);
	json_decref(body);
	free(text);
	if (!failed)
		return DELIVERY_OK;
	return status == 400 || status == 413 ? DELIVERY_REFUSED : DELIVERY_RETRY;
}

static bool teams_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct http_sink *http = xcalloc(1, sizeof(*http));

	sink->own = http;
	http->body = teams_body;
	http->accept = teams_accept;
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
	.fits = teams_fits,
	.open = teams_open,
	.close = teams_close,
	.deliver = teams_deliver,
	.describe = teams_describe,
};
