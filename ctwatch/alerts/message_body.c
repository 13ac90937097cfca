/* The two bodies of a message: plain text and HTML, from the same parts. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "render.h"

#define BODY_MAX (1u << 20)
#define COLUMNS 78
#define INDENT 14                    /* of values behind their labels, at least */

static char *take_text(struct buf *out)
{
	char *text = xstrdup(buf_text(out));

	buf_deinit(out);
	return text;
}

/* Wraps at spaces; continuation lines stand under the first. */
static void wrap(struct buf *out, size_t indent, const char *text)
{
	struct buf plain;
	size_t column = indent;

	buf_init(&plain, BODY_MAX);
	render_plain(&plain, text);
	for (const char *word = buf_text(&plain); *word != '\0';) {
		size_t len = strcspn(word, " ");

		if (column > indent && column + 1 + len > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			buf_append_byte(out, ' ');
			column++;
		}
		buf_append(out, word, len);
		column += len;
		word += len;
		word += strspn(word, " ");
	}
	buf_append_byte(out, '\n');
	buf_deinit(&plain);
}

bool message_underline(struct buf *out, const struct message_part *part, const char *indent)
{
	bool ok = buf_append_text(out, indent) && render_plain(out, part->marked) && buf_printf(out, "\n%s%*s", indent, (int)part->mark_from, "");

	for (size_t i = 0; ok && i < part->mark_len; i++)
		ok = buf_append_byte(out, '^');
	return ok && buf_append_byte(out, '\n');
}

static void text_part(struct buf *out, const struct message_part *part)
{
	size_t indent = INDENT;

	wrap(out, 0, part->sentence);
	if (part->marked != NULL) {
		buf_append_byte(out, '\n');
		message_underline(out, part, "  ");
	}
	buf_append_byte(out, '\n');
	for (size_t i = 0; i < part->n_facts; i++)
		if (strlen(part->facts[i].label) + 2 > indent)
			indent = strlen(part->facts[i].label) + 2;
	for (size_t i = 0; i < part->n_facts; i++) {
		buf_printf(out, "%-*s", (int)indent, part->facts[i].label);
		wrap(out, indent, part->facts[i].value);
	}
	if (part->n_why > 0)
		buf_append_text(out, "\nWhy\n");
	for (size_t i = 0; i < part->n_why; i++) {
		buf_append_text(out, "  - ");
		wrap(out, 4, part->why[i]);
	}
	if (part->next_steps != NULL)
		buf_append_text(out, "\nWhat to do next\n");
	for (size_t i = 0; part->next_steps != NULL && part->next_steps[i] != NULL; i++) {
		buf_append_text(out, "  - ");
		wrap(out, 4, part->next_steps[i]);
	}
	if (part->n_links > 0)
		buf_append_text(out, "\nLinks (crt.sh and RDAP are asked about the name; none visits it)\n");
	for (size_t i = 0; i < part->n_links; i++)
		buf_printf(out, "  %s: %s\n", part->links[i].label, part->links[i].url);
}

char *message_text(const struct message *message)
{
	struct buf out;

	buf_init(&out, BODY_MAX);
	for (size_t i = 0; i < message->n_parts; i++) {
		if (i > 0)
			buf_printf(&out, "\n%.*s\n\n", 72, "------------------------------------------------------------------------");
		text_part(&out, &message->parts[i]);
	}
	buf_append_text(&out, "\n-- \nctwatch. The words say what a name looks like; what it is for is yours to judge.\n");
	return take_text(&out);
}

static const char *severity_colour(const char *severity)
{
	if (strcmp(severity, "critical") == 0)
		return "#a1001f";
	if (strcmp(severity, "high") == 0)
		return "#b34700";
	if (strcmp(severity, "medium") == 0)
		return "#7a5c00";
	return "#44546a";
}

static void html_list(struct buf *out, const char *title, char *const *items, size_t n)
{
	if (n == 0)
		return;
	buf_printf(out, "<p style=\"margin:12px 0 4px\"><b>%s</b></p><ul style=\"margin:0;padding-left:20px\">", title);
	for (size_t i = 0; i < n; i++) {
		buf_append_text(out, "<li>");
		render_html(out, items[i]);
		buf_append_text(out, "</li>");
	}
	buf_append_text(out, "</ul>\n");
}

/* The byte at which the nth code point begins. */
static size_t offset_of(const char *text, size_t nth)
{
	size_t at = 0;

	for (; text[at] != '\0'; at++)
		if (((unsigned char)text[at] & 0xc0) != 0x80 && nth-- == 0)
			break;
	return at;
}

static void html_marked(struct buf *out, const struct message_part *part)
{
	size_t from = offset_of(part->marked, part->mark_from), to = offset_of(part->marked, part->mark_from + part->mark_len);
	char *before = slice_dup_text(slice_of(part->marked, from)), *in = slice_dup_text(slice_of(part->marked + from, to - from));

	render_html(out, before);
	buf_append_text(out, "<mark>");
	render_html(out, in);
	buf_append_text(out, "</mark>");
	render_html(out, part->marked + to);
	free(before);
	free(in);
}

static void html_part(struct buf *out, const struct message_part *part)
{
	size_t n_steps = 0;

	buf_printf(out, "<div style=\"border-left:4px solid %s;padding:4px 12px;margin:0 0 20px\">\n<p style=\"font-size:16px;margin:0 0 8px\"><b>",
		   severity_colour(part->severity));
	render_html(out, part->sentence);
	buf_append_text(out, "</b></p>\n");
	if (part->marked != NULL) {
		buf_append_text(out, "<p style=\"font-family:monospace;font-size:15px;margin:0 0 8px\">");
		html_marked(out, part);
		buf_append_text(out, "</p>\n");
	}
	buf_append_text(out, "<table style=\"border-collapse:collapse\">\n");
	for (size_t i = 0; i < part->n_facts; i++) {
		buf_append_text(out, "<tr><th scope=\"row\" style=\"text-align:left;vertical-align:top;padding:2px 12px 2px 0;color:#555\">");
		render_html(out, part->facts[i].label);
		buf_append_text(out, "</th><td style=\"padding:2px 0;word-break:break-word\">");
		render_html(out, part->facts[i].value);
		buf_append_text(out, "</td></tr>\n");
	}
	buf_append_text(out, "</table>\n");
	html_list(out, "Why", part->why, part->n_why);
	while (part->next_steps != NULL && part->next_steps[n_steps] != NULL)
		n_steps++;
	html_list(out, "What to do next", (char *const *)part->next_steps, n_steps);
	if (part->n_links > 0)
		buf_append_text(out, "<p style=\"margin:12px 0 4px\">");
	for (size_t i = 0; i < part->n_links; i++) {
		buf_append_text(out, i > 0 ? " &middot; <a href=\"" : "<a href=\"");
		render_html(out, part->links[i].url);
		buf_printf(out, "\" rel=\"noreferrer\">%s</a>", part->links[i].label);
	}
	buf_append_text(out, part->n_links > 0 ? "</p>\n</div>\n" : "</div>\n");
}

char *message_html(const struct message *message)
{
	struct buf out;

	buf_init(&out, BODY_MAX);
	buf_append_text(&out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
	render_html(&out, message->subject);
	buf_append_text(&out, "</title></head>\n<body style=\"font-family:sans-serif;font-size:14px;max-width:720px\">\n");
	for (size_t i = 0; i < message->n_parts; i++)
		html_part(&out, &message->parts[i]);
	buf_append_text(&out, "<p style=\"color:#555\">ctwatch. The words say what a name looks like; what it is for is yours to judge.</p>\n</body></html>\n");
	return take_text(&out);
}
