/* See mail_text.h. Lines end in CRLF and are short: headers are folded or encoded, bodies are base64. */
#include "mail_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail_files.h"
#include "message.h"
#include "render.h"

#define REFERENCES_MAX 10
#define REFERENCE_PLAIN_MAX 120      /* a longer subject goes by its hash: lines hold 998 bytes (RFC 5322 section 2.1.1) */

static void put_header(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s: ", name);
	render_mail_header(out, value);
	buf_append_text(out, "\r\n");
}

/* Base64 in lines of 76: no line is too long, no line begins with a dot, every byte passes. */
static void put_part(struct buf *out, const char *boundary, const char *type, const char *text)
{
	size_t len = strlen(text);
	char line[BASE64_LEN(57) + 1];

	buf_printf(out, "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n", boundary, type);
	for (size_t at = 0; at < len; at += 57) {
		base64_encode(text + at, len - at < 57 ? len - at : 57, line);
		buf_printf(out, "%s\r\n", line);
	}
}

static void put_date(struct buf *out, int64_t now_ms)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int year, month, day, hour, minute, second, ms;

	time_to_civil(now_ms, &year, &month, &day, &hour, &minute, &second, &ms);
	buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[now_ms / 86400000 % 7], day, months[month - 1], year, hour, minute, second);
}

/* "<subject.subject@domain>"; a subject may be a path or a name with odd characters. */
static void put_reference(struct buf *out, const char *subject, const char *domain)
{
	struct buf encoded;
	char hex[2 * HASH_LEN + 1];

	buf_init(&encoded, REFERENCE_PLAIN_MAX);
	if (render_uri_component(&encoded, subject)) {
		buf_printf(out, "<%s.subject@%s>", buf_text(&encoded), domain);
	} else {
		struct hash hash = sha256(slice_text(subject));

		hex_encode(hash.bytes, HASH_LEN, hex);
		buf_printf(out, "<%s.subject@%s>", hex, domain);
	}
	buf_deinit(&encoded);
}

/*
 * The first mail of a finding and the later ones refer to one id that no mail has: clients put what shares a reference into
 * one thread, whichever of them arrived. A digest starts a thread of its own.
 */
static void put_ids(struct buf *out, const char *from, const struct delivery *delivery)
{
	const char *domain = strrchr(from, '@') + 1;

	buf_printf(out, "Message-ID: <%s.alert@%s>\r\n", delivery->id, domain);
	if (delivery->digest || delivery->items[0].subject == NULL || delivery->items[0].event == EVENT_TEST)
		return;
	buf_append_text(out, "In-Reply-To: ");
	put_reference(out, delivery->items[0].subject, domain);
	buf_append_text(out, "\r\nReferences:");
	for (size_t i = 0; i < delivery->n && i < REFERENCES_MAX; i++) {
		buf_append_text(out, i > 0 ? "\r\n " : " ");
		put_reference(out, delivery->items[i].subject, domain);
	}
	buf_append_text(out, "\r\n");
}

bool mail_is_report(const struct delivery *delivery)
{
	return delivery->n == 1 && delivery->items[0].event == EVENT_REPORT_READY;
}

static void put_to(struct buf *out, const struct mail_head *head)
{
	buf_append_text(out, "To: ");
	for (size_t i = 0; i < head->n_to; i++)
		buf_printf(out, "%s%s", i > 0 ? ",\r\n " : "", head->to[i]);
	buf_append_text(out, "\r\n");
}

static void put_headers(struct buf *out, const struct mail_head *head, const struct delivery *delivery, const char *subject)
{
	put_date(out, head->now_ms);
	put_header(out, "From", head->from);
	put_to(out, head);
	put_header(out, "Subject", subject);
	put_ids(out, head->from, delivery);
	put_header(out, "X-Ctwatch-Event", event_name(delivery->items[0].event));
	buf_append_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

bool mail_write(struct buf *out, const struct mail_head *head, const struct delivery *delivery)
{
	struct message message;
	char boundary[64], outer[64];
	const bool report = mail_is_report(delivery);

	message_make(delivery, &message);
	char *text = message_text(&message), *html = message_html(&message);
	snprintf(boundary, sizeof(boundary), "=_ctwatch_%s", delivery->id);
	snprintf(outer, sizeof(outer), "=_files_%s", delivery->id);
	put_headers(out, head, delivery, message.subject);
	/* a report's files stand beside the text in its two forms */
	if (report)
		buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", outer, outer);
	buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
	put_part(out, boundary, "text/plain", text);
	put_part(out, boundary, "text/html", html);
	bool whole = buf_printf(out, "--%s--\r\n", boundary);
	if (report) {
		mail_files_put(out, outer, delivery->items[0].envelope, head->with_files);
		whole = buf_printf(out, "--%s--\r\n", outer);
	}
	free(text);
	free(html);
	message_deinit(&message);
	return whole;
}
