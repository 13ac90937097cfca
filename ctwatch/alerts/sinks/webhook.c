/*
 * The generic webhook: the envelope as JSON, or whatever a template makes of it for services of other shapes.
 *
 *   {"type":"webhook","url":"https://...","secret_file":"..."}
 *   {"type":"template","url":"https://...","content_type":"application/json","template":"{\"text\":\"{{sentence}}\"}"}
 *
 * In a template {{path}} stands for a member of the envelope ({{finding.name}}), or for {{sentence}}, {{text}}, {{subject}},
 * {{defanged_name}}; its value is escaped for the content type, and its control characters are shown. {{{envelope}}} is the whole envelope as JSON.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "envelope_fit.h"
#include "message.h"
#include "render.h"

#define TEMPLATE_MAX (64u << 10)

struct template_sink {
	struct http_sink http;
	char *text;
	enum { ESCAPE_JSON, ESCAPE_FORM, ESCAPE_PLAIN } escape;
};

/* ---- webhook --------------------------------------------------------------------------------------------- */

static bool envelope_body(struct sink *sink, const struct delivery *delivery, struct buf *out)
{
	(void)sink;
	return envelope_fit(delivery->items[0].envelope, delivery->shrink, out->max - out->len, JSON_COMPACT, out);
}

static bool webhook_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct http_sink *http = xcalloc(1, sizeof(*http));

	sink->own = http;
	http->body = envelope_body;
	return http_open(http, sink, config, object, NULL, err);
}

static void webhook_close(struct sink *sink)
{
	http_deinit(sink->own);
	free(sink->own);
}

static void webhook_deliver(struct sink *sink, struct delivery *delivery)
{
	http_deliver(sink, delivery, sink->own);
}

static void webhook_describe(const struct sink *sink, struct buf *out)
{
	http_describe(sink->own, "webhook", out);
}

static const char *const WEBHOOK_KEYS[] = { HTTP_KEYS, NULL };

const struct sink_type webhook_sink = {
	.name = "webhook",
	.keys = WEBHOOK_KEYS,
	.open = webhook_open,
	.close = webhook_close,
	.deliver = webhook_deliver,
	.describe = webhook_describe,
};

/* ---- template --------------------------------------------------------------------------------------------- */

static bool json_escaped(struct buf *out, const char *text)
{
	json_t *string = json_string(text);
	char *quoted = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
	bool ok = quoted != NULL && buf_append(out, quoted + 1, strlen(quoted) - 2);

	free(quoted);
	json_decref(string);
	return ok;
}

static bool escaped(const struct template_sink *template, struct buf *out, const char *text)
{
	switch (template->escape) {
	case ESCAPE_JSON:
		return json_escaped(out, text);
	case ESCAPE_FORM:
		return render_uri_component(out, text);
	case ESCAPE_PLAIN:
		break;
	}
	return render_plain(out, text);
}

/* What may come from a certificate: control characters are shown, whatever the service makes of them. {{{envelope}}} has it as it is. */
static bool put_text(const struct template_sink *template, struct buf *out, const char *text)
{
	struct buf plain;

	buf_init(&plain, 1u << 20);
	bool ok = render_plain(&plain, text) && escaped(template, out, buf_text(&plain));

	buf_deinit(&plain);
	return ok;
}

/* Walks "finding.certificates.0.issuer"; NULL when there is no such member. */
static const json_t *find_path(const json_t *value, struct slice path)
{
	while (path.len > 0 && value != NULL) {
		ptrdiff_t dot = slice_find(path, '.');
		struct slice step = slice_sub(path, 0, dot < 0 ? path.len : (size_t)dot);
		char *key = slice_dup_text(step);
		uint64_t index;

		if (json_is_array(value))
			value = uint64_parse(step, &index) ? json_array_get(value, (size_t)index) : NULL;
		else
			value = json_object_get(value, key);
		free(key);
		path = slice_sub(path, dot < 0 ? path.len : (size_t)dot + 1, path.len);
	}
	return value;
}

/* One body being filled. */
struct filling {
	const struct template_sink *template;
	struct buf *out;
	const json_t *envelope;
	const struct message *message;
	unsigned shrink;
};

static bool put_path(const struct filling *f, struct slice path)
{
	const json_t *value = find_path(f->envelope, path);

	if (value == NULL || json_is_null(value))
		return true;
	if (json_is_string(value))
		return put_text(f->template, f->out, json_string_value(value));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	bool ok = text != NULL && escaped(f->template, f->out, text);
	free(text);
	return ok;
}

/* The whole text of a mail; chats that take 2000 characters (Discord) say so by refusing it. */
static bool put_whole_text(const struct filling *f)
{
	static const size_t lengths[ENVELOPE_LEVELS] = { SIZE_MAX, 3500, 1800, 900, 400, 200 };
	char *text = message_text(f->message), *cut = text_cut(text, lengths[f->shrink]);
	bool ok = escaped(f->template, f->out, cut);

	free(text);
	free(cut);
	return ok;
}

static bool put_word(const struct filling *f, struct slice word)
{
	if (slice_equal_text(word, "sentence"))
		return put_text(f->template, f->out, f->message->parts[0].sentence);
	if (slice_equal_text(word, "subject"))
		return put_text(f->template, f->out, f->message->subject);
	if (slice_equal_text(word, "text"))
		return put_whole_text(f);
	if (slice_equal_text(word, "defanged_name")) {
		const char *name = json_string_value(json_object_get(json_object_get(f->envelope, "finding"), "name"));
		char *safe = defang(name != NULL ? name : "");
		bool ok = put_text(f->template, f->out, safe);

		free(safe);
		return ok;
	}
	return put_path(f, word);
}

static bool fill(const struct filling *f)
{
	const char *at = f->template->text;
	bool ok = true;

	while (ok && *at != '\0') {
		const char *open = strstr(at, "{{");

		if (open == NULL)
			return buf_append_text(f->out, at);
		ok = buf_append(f->out, at, (size_t)(open - at));
		if (strncmp(open, "{{{envelope}}}", 14) == 0) {
			ok = ok && envelope_fit(f->envelope, 0, f->out->max - f->out->len, JSON_COMPACT, f->out);
			at = open + 14;
			continue;
		}
		const char *close = strstr(open, "}}");   /* there is one: checked at open */
		ok = ok && put_word(f, slice_of(open + 2, (size_t)(close - open - 2)));
		at = close + 2;
	}
	return ok;
}

static bool template_body(struct sink *sink, const struct delivery *delivery, struct buf *out)
{
	struct message message;
	json_t *envelope = envelope_shrink(delivery->items[0].envelope, delivery->shrink);
	struct filling filling = { sink->own, out, envelope, &message, delivery->shrink };

	message_make(delivery, &message);
	bool ok = fill(&filling);

	message_deinit(&message);
	json_decref(envelope);
	return ok;
}

static bool check_template(const struct sink *sink, const char *text, struct error *err)
{
	static const char *const roots[] = { "sentence", "subject", "text", "defanged_name", "v", "event", "id", "time", "finding", "incident", "details", "test", NULL };

	for (const char *open = strstr(text, "{{"); open != NULL; open = strstr(open, "{{")) {
		if (strncmp(open, "{{{envelope}}}", 14) == 0) {
			open += 14;
			continue;
		}
		const char *close = strstr(open, "}}");
		if (close == NULL)
			return error_set(err, ERR_USAGE, "alerts: sink \"%s\": the template opens {{ without closing }}", sink->name);
		char *word = slice_dup_text(slice_of(open + 2, strcspn(open + 2, ".}")));
		bool known = false;
		for (const char *const *root = roots; *root != NULL; root++)
			known = known || strcmp(*root, word) == 0;
		const char *near = known ? NULL : text_nearest(word, roots);
		if (!known)
			error_set(err, ERR_USAGE, "alerts: sink \"%s\": the template names {{%s}}, which no envelope has%s%s%s", sink->name, word,
				  near != NULL ? "; did you mean {{" : "", near != NULL ? near : "", near != NULL ? "}}?" : "");
		free(word);
		if (!known)
			return false;
		open = close + 2;
	}
	return true;
}

static bool read_template(struct template_sink *template, const struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const json_t *type = json_object_get(object, "content_type");

	if (!config_secret(config, object, "template", &template->text, err))
		return error_context(err, "alerts: sink \"%s\"", sink->name);
	if (template->text == NULL || strlen(template->text) > TEMPLATE_MAX)
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"template\" wants a text of at most 64 kB (or \"template_file\", a file that holds it)", sink->name);
	if (type != NULL && (!json_is_string(type) || strpbrk(json_string_value(type), "\r\n") != NULL))
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"content_type\" wants a media type such as \"application/json\"", sink->name);
	if (type != NULL)
		template->http.content_type = xstrdup(json_string_value(type));
	template->escape = type == NULL || strstr(json_string_value(type), "json") != NULL ? ESCAPE_JSON
			   : strstr(json_string_value(type), "form-urlencoded") != NULL	   ? ESCAPE_FORM
											   : ESCAPE_PLAIN;
	return check_template(sink, template->text, err);
}

static bool template_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct template_sink *template = xcalloc(1, sizeof(*template));

	sink->own = template;
	template->http.body = template_body;
	template->http.shrinks_when_refused = true;
	return read_template(template, sink, config, object, err) && http_open(&template->http, sink, config, object, NULL, err);
}

static void template_close(struct sink *sink)
{
	struct template_sink *template = sink->own;

	http_deinit(&template->http);
	free(template->text);
	free(template);
}

static void template_deliver(struct sink *sink, struct delivery *delivery)
{
	struct template_sink *template = sink->own;

	http_deliver(sink, delivery, &template->http);
}

static void template_describe(const struct sink *sink, struct buf *out)
{
	const struct template_sink *template = sink->own;

	http_describe(&template->http, "templated webhook", out);
}

static const char *const TEMPLATE_KEYS[] = { HTTP_KEYS, "template", "template_file", "content_type", NULL };

const struct sink_type template_sink = {
	.name = "template",
	.keys = TEMPLATE_KEYS,
	.open = template_open,
	.close = template_close,
	.deliver = template_deliver,
	.describe = template_describe,
};
