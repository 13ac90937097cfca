/*
 * The sink that `run` has from its first day: one envelope a line on standard output, for programs. A person who looks at a
 * terminal gets the same in words: the sentence, why, and where it was logged.
 */
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "render.h"

static bool for_a_person(FILE *file)
{
	return isatty(fileno(file)) == 1;
}

static bool stdout_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	(void)config, (void)object, (void)err;
	sink->own = stdout;
	return true;
}

static void stdout_close(struct sink *sink)
{
	sink->own = NULL;
}

static bool write_item(FILE *file, const struct alert_item *item)
{
	return json_dumpf(item->envelope, file, JSON_COMPACT) == 0 && fputc('\n', file) != EOF;
}

static bool write_line(FILE *file, const char *label, const char *text)
{
	struct buf escaped;

	buf_init(&escaped, 1u << 16);
	render_plain(&escaped, text);
	bool ok = fprintf(file, "    %-8s %s\n", label, buf_text(&escaped)) >= 0;
	buf_deinit(&escaped);
	return ok;
}

/* "critical 100  the sentence", then why, and the facts that tell certificates apart */
static bool write_part(FILE *file, const struct message_part *part)
{
	static const char *const shown[] = { "Names", "Issuer", "Logged", "Log" };
	struct buf sentence;
	bool ok = true;

	buf_init(&sentence, 1u << 16);
	if (part->score >= 0)
		buf_printf(&sentence, "%s %d  ", part->severity, part->score);
	else if (part->severity[0] != '\0')
		buf_printf(&sentence, "%s  ", part->severity);
	render_plain(&sentence, part->sentence);
	ok = fprintf(file, "%s\n", buf_text(&sentence)) >= 0;
	buf_deinit(&sentence);
	for (size_t i = 0; i < part->n_why; i++)
		ok = ok && write_line(file, i == 0 ? "why" : "", part->why[i]);
	for (size_t i = 0; i < part->n_facts; i++)
		for (size_t k = 0; k < ARRAY_LEN(shown); k++)
			if (strcmp(part->facts[i].label, shown[k]) == 0)
				ok = ok && write_line(file, shown[k], part->facts[i].value);
	return ok && fputc('\n', file) != EOF;
}

static bool write_for_a_person(FILE *file, const struct delivery *delivery)
{
	struct message message;
	bool ok = true;

	message_make(delivery, &message);
	for (size_t i = 0; ok && i < message.n_parts; i++)
		ok = write_part(file, &message.parts[i]);
	message_deinit(&message);
	return ok;
}

static void stdout_deliver(struct sink *sink, struct delivery *delivery)
{
	FILE *file = sink->own;
	bool ok = true;
	char why[160];

	errno = 0;
	if (for_a_person(file))
		ok = write_for_a_person(file, delivery);
	else
		for (size_t i = 0; ok && i < delivery->n; i++)
			ok = write_item(file, &delivery->items[i]);
	if (ok && fflush(file) == 0) {
		delivery_finish_later(delivery, DELIVERY_OK, "written");
		return;
	}
	snprintf(why, sizeof(why), "standard output: %s", strerror(errno));
	clearerr(file);
	delivery_finish_later(delivery, DELIVERY_RETRY, why);
}

static void stdout_describe(const struct sink *sink, struct buf *out)
{
	buf_append_text(out, sink->own != NULL && for_a_person(sink->own) ? "standard output, in words" : "standard output, JSON lines");
}

static const char *const NO_KEYS[] = { NULL };

const struct sink_type stdout_sink = {
	.name = "stdout",
	.keys = NO_KEYS,
	.operations = true,
	.naming_at_once = true,
	.open = stdout_open,
	.close = stdout_close,
	.deliver = stdout_deliver,
	.describe = stdout_describe,
};
