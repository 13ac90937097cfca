/* The sink that `run` has from its first day: an envelope a line for programs, or a few lines a finding for people. */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "render.h"

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

static void put_plain(const char *text)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	render_plain(&out, text);
	fwrite(out.data, 1, out.len, stdout);
	buf_deinit(&out);
}

static const char *fact(const struct message_part *part, const char *label)
{
	for (size_t i = 0; i < part->n_facts; i++)
		if (strcmp(part->facts[i].label, label) == 0)
			return part->facts[i].value;
	return NULL;
}

static void put_line(const char *label, const char *text)
{
	printf("    %-8s ", label);
	put_plain(text);
	putchar('\n');
}

/* "critical 100  drive-globalordnance[.]com contains the name of Global Ordnance", and why. */
static void put_head(const struct to_stdout *to, const struct message_part *part)
{
	char head[32];

	if (part->score >= 0)
		snprintf(head, sizeof(head), "%s %d", part->severity, part->score);
	else
		snprintf(head, sizeof(head), "%s", part->severity[0] != '\0' ? part->severity : "note");
	printf("%s%s%s  ", to->colour ? severity_colour(part->severity) : "", head, to->colour ? "\x1b[0m" : "");
	put_plain(part->sentence);
	putchar('\n');
	for (size_t i = 0; i < part->n_why; i++)
		put_line(i == 0 ? "why" : "", part->why[i]);
}

/* What tells certificates apart, and where there is more. */
static void put_facts(const struct message_part *part)
{
	static const char *const shown[] = { "Names", "Issuer", "Logged", "Log" };

	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		if (fact(part, shown[i]) != NULL)
			put_line(shown[i], fact(part, shown[i]));
	if (fact(part, "Finding") != NULL)
		printf("    %-8s ctwatch findings show %.8s\n", "more", fact(part, "Finding"));
	else if (fact(part, "Evidence") != NULL)
		put_line("more", fact(part, "Evidence"));
	putchar('\n');
}

/* What several rules say of one domain comes together: the lane groups it, and its facts are the same. The gravest stands first. */
static bool write_text(const struct to_stdout *to, const struct delivery *delivery)
{
	struct message message;
	size_t gravest = 0;

	message_make(delivery, &message);
	for (size_t i = 1; i < message.n_parts; i++)
		if (message.parts[i].score > message.parts[gravest].score)
			gravest = i;
	put_head(to, &message.parts[gravest]);
	for (size_t i = 0; i < message.n_parts; i++)
		if (i != gravest)
			put_head(to, &message.parts[i]);
	put_facts(&message.parts[gravest]);
	message_deinit(&message);
	return ferror(stdout) == 0;
}

/* ---- for programs ------------------------------------------------------------------------------------------ */

static bool write_lines(const struct delivery *delivery)
{
	bool ok = true;

	for (size_t i = 0; ok && i < delivery->n; i++)
		ok = json_dumpf(delivery->items[i].envelope, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
	return ok;
}

static void stdout_deliver(struct sink *sink, struct delivery *delivery)
{
	const struct to_stdout *to = sink->own;
	char why[160];

	errno = 0;
	bool ok = to->text ? write_text(to, delivery) : write_lines(delivery);
	if (ok && fflush(stdout) == 0) {
		delivery_finish_later(delivery, DELIVERY_OK, "written");
		return;
	}
	snprintf(why, sizeof(why), "standard output: %s", strerror(errno));
	clearerr(stdout);
	delivery_finish_later(delivery, DELIVERY_RETRY, why);
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
