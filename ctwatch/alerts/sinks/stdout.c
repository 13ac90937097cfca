/* The sink that `run` has from its first day: an envelope a line for programs, or a few lines a finding for people. */
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "render.h"
#include "standard_output.h"

#define TEXT_BYTES_MAX (64u << 20)

struct to_stdout {
	bool text, colour;
};

static bool stdout_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const char *format = json_string_value(json_object_get(object, "format"));
	struct to_stdout *to = xcalloc(1, sizeof(*to));

	(void)config;
	sink->own = to;
	to->colour = format != NULL && strcmp(format, "colour") == 0;
	to->text = to->colour || (format != NULL && strcmp(format, "text") == 0);
	if (format != NULL && !to->text && strcmp(format, "jsonl") != 0)
		return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"format\" wants \"jsonl\" or \"text\"", sink->name);
	return true;
}

static void stdout_close(struct sink *sink)
{
	free(sink->own);
}

/* ---- for people ------------------------------------------------------------------------------------------ */

static const char *severity_colour(const char *severity)
{
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return "\x1b[1;31m";
	return strcmp(severity, "medium") == 0 ? "\x1b[33m" : "\x1b[2m";
}

static const char *fact(const struct message_part *part, const char *label)
{
	for (size_t i = 0; i < part->n_facts; i++)
		if (strcmp(part->facts[i].label, label) == 0)
			return part->facts[i].value;
	return NULL;
}

static void put_line(struct buf *out, const char *label, const char *text)
{
	buf_printf(out, "    %-8s ", label);
	render_plain(out, text);
	buf_append_byte(out, '\n');
}

/* "critical 100  drive-globalordnance[.]com contains the name of Global Ordnance", and why. */
static void put_head(const struct to_stdout *to, struct buf *out, const struct message_part *part)
{
	buf_append_text(out, to->colour ? severity_colour(part->severity) : "");
	if (part->score >= 0)
		buf_printf(out, "%s %d", part->severity, part->score);
	else
		buf_append_text(out, part->severity[0] != '\0' ? part->severity : "note");
	buf_append_text(out, to->colour ? "\x1b[0m  " : "  ");
	render_plain(out, part->sentence);
	buf_append_byte(out, '\n');
	for (size_t i = 0; i < part->n_why; i++)
		put_line(out, i == 0 ? "why" : "", part->why[i]);
}

/* What tells certificates apart, and where there is more. */
static void put_facts(struct buf *out, const struct message_part *part)
{
	static const char *const shown[] = { "Names", "Issuer", "Logged", "Log" };

	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		if (fact(part, shown[i]) != NULL)
			put_line(out, shown[i], fact(part, shown[i]));
	if (fact(part, "Finding") != NULL)
		buf_printf(out, "    %-8s ctwatch findings show %.8s\n", "more", fact(part, "Finding"));
	else if (fact(part, "Evidence") != NULL)
		put_line(out, "more", fact(part, "Evidence"));
	buf_append_byte(out, '\n');
}

/* What several rules say of one domain comes together: the lane groups it, and its facts are the same. The gravest stands first. */
static void put_text(const struct to_stdout *to, const struct delivery *delivery, struct buf *out)
{
	struct message message;
	size_t gravest = 0;

	message_make(delivery, &message);
	for (size_t i = 1; i < message.n_parts; i++)
		if (message.parts[i].score > message.parts[gravest].score)
			gravest = i;
	put_head(to, out, &message.parts[gravest]);
	for (size_t i = 0; i < message.n_parts; i++)
		if (i != gravest)
			put_head(to, out, &message.parts[i]);
	put_facts(out, &message.parts[gravest]);
	message_deinit(&message);
}

/* ---- for programs ------------------------------------------------------------------------------------------ */

static int append_chunk(const char *text, size_t len, void *out)
{
	return buf_append(out, text, len) ? 0 : -1;
}

static void put_lines(const struct delivery *delivery, struct buf *out)
{
	for (size_t i = 0; i < delivery->n; i++) {
		json_dump_callback(delivery->items[i].envelope, append_chunk, out, JSON_COMPACT);
		buf_append_byte(out, '\n');
	}
}

static void stdout_deliver(struct sink *sink, struct delivery *delivery)
{
	const struct to_stdout *to = sink->own;
	struct standard_output *output = delivery_standard_output(delivery);
	struct buf text;

	if (output == NULL) {
		delivery_finish_later(delivery, DELIVERY_RETRY, "standard output: no thread or descriptor is left to write to it");
		return;
	}
	buf_init(&text, TEXT_BYTES_MAX);
	if (to->text)
		put_text(to, delivery, &text);
	else
		put_lines(delivery, &text);
	standard_output_deliver(output, delivery, buf_slice(&text));
	buf_deinit(&text);
}

static void stdout_describe(const struct sink *sink, struct buf *out)
{
	const struct to_stdout *to = sink->own;

	buf_append_text(out, to->text ? "standard output, for people" : "standard output, JSON lines");
}

static const char *const KEYS[] = { "format", NULL };

/* For a person who watches: as stdout, but what belongs together comes together. `run` names it "stdout", so that what waits does not depend on where output goes. */
const struct sink_type terminal_sink = {
	.name = "terminal",
	.keys = KEYS,
	.for_people = true,
	.operations = true,
	.naming_at_once = true,
	.open = stdout_open,
	.close = stdout_close,
	.deliver = stdout_deliver,
	.describe = stdout_describe,
};

const struct sink_type stdout_sink = {
	.name = "stdout",
	.keys = KEYS,
	.one_at_a_time = true,
	.operations = true,
	.naming_at_once = true,
	.open = stdout_open,
	.close = stdout_close,
	.deliver = stdout_deliver,
	.describe = stdout_describe,
};
