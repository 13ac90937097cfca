/*
 * Mail by SMTP, with text and HTML parts:
 *
 *   {"type":"mail","server":"smtp.your-organisation:587","tls":"starttls","from":"ctwatch@...","to":["soc@..."],
 *    "user":"ctwatch","password_file":"/run/secrets/smtp"}
 *
 * tls: "starttls" (default, required), "tls" (from the first byte), "none" (loopback only, unless allow_http names the host).
 * Later mails of a finding refer to its first one, so that they stand in one thread. Reports go as attachments; the first mail sink
 * sends them also to the addresses of "report": {"mail": [...]}, who get nothing else.
 */
#include "sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mail_files.h"
#include "message.h"
#include "render.h"

#define RECIPIENTS_MAX 50
#define MAIL_MAX (8u << 20)
#define TIMEOUT_MS 60000
#define REFERENCES_MAX 10

struct mail_sink {
	char *url;                        /* smtp://host:587 or smtps://host:465 */
	char *host;
	bool starttls;
	char *from, *user, *password, *ca_file;
	struct string_list to, report_to;
	bool to_gets_reports;             /* "events" asks for report.ready; else report_to alone gets it */
};

/* One mail under way; curl reads it from here. */
struct mail {
	struct delivery *delivery;
	struct mail_sink *sink;
	struct fetch *fetch;
	struct buf text;
	size_t sent;
	struct curl_slist *recipients;
};

static bool wrong(struct error *err, const struct sink *sink, const char *key, const char *wanted)
{
	return error_set(err, ERR_USAGE, "alerts: sink \"%s\": \"%s\" wants %s", sink->name, key, wanted);
}

/* ---- settings ---------------------------------------------------------------------------------------------- */

/* addr-spec, close enough to keep a typo or an injected header out. */
static bool is_address(const char *text)
{
	const char *at = text == NULL ? NULL : strchr(text, '@');

	return at != NULL && at != text && at[1] != '\0' && strlen(text) < 255 && strpbrk(text, " \t\r\n<>,;\"") == NULL && strchr(at + 1, '@') == NULL;
}

static bool read_recipients(struct mail_sink *mail, const struct sink *sink, const json_t *object, struct error *err)
{
	const json_t *to = json_object_get(object, "to");
	json_t *item;
	size_t i;

	mail->to.items = xcalloc(RECIPIENTS_MAX + 1, sizeof(*mail->to.items));
	if (json_is_string(to) && is_address(json_string_value(to))) {
		mail->to.items[mail->to.n++] = xstrdup(json_string_value(to));
		return true;
	}
	json_array_foreach((json_t *)to, i, item) {
		if (!is_address(json_string_value(item)) || mail->to.n == RECIPIENTS_MAX)
			return wrong(err, sink, "to", "mail addresses, 50 at most");
		mail->to.items[mail->to.n++] = xstrdup(json_string_value(item));
	}
	return mail->to.n > 0 || wrong(err, sink, "to", "a mail address or a list of them");
}

/* Reports go through the first mail sink of the configuration, whatever its "events" say. */
static bool read_report_recipients(struct mail_sink *mail, struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const json_t *addresses = json_object_get(config->report, "mail");
	json_t *other, *address;
	size_t i;

	mail->to_gets_reports = (sink->events & 1u << EVENT_REPORT_READY) != 0;
	mail->report_to.items = xcalloc(RECIPIENTS_MAX + 1, sizeof(*mail->report_to.items));
	json_array_foreach(config->alerts, i, other) {
		const char *type = json_string_value(json_object_get(other, "type"));

		if (type != NULL && strcmp(type, "mail") == 0)
			break;
	}
	if (json_array_get(config->alerts, i) != object)
		return true;
	json_array_foreach((json_t *)addresses, i, address) {
		if (!is_address(json_string_value(address)) || mail->report_to.n == RECIPIENTS_MAX)
			return error_set(err, ERR_USAGE, "report: \"mail\" wants mail addresses, %d at most", RECIPIENTS_MAX);
		mail->report_to.items[mail->report_to.n++] = xstrdup(json_string_value(address));
		sink->events |= 1u << EVENT_REPORT_READY;
	}
	return true;
}

/* Loopback, or a host that "allow_http" names. */
static bool may_be_plain(const char *host, const struct config *config)
{
	for (size_t i = 0; i < config->allow_http.n; i++)
		if (strcasecmp(config->allow_http.items[i], host) == 0)
			return true;
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static bool read_server(struct mail_sink *mail, const struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	const char *server = json_string_value(json_object_get(object, "server"));
	const json_t *tls = json_object_get(object, "tls");
	const char *mode = tls == NULL ? "starttls" : json_string_value(tls);

	if (server == NULL || server[0] == '\0' || strpbrk(server, " /\r\n@") != NULL)
		return wrong(err, sink, "server", "the mail server, \"host\" or \"host:port\"");
	if (mode == NULL || (strcmp(mode, "starttls") != 0 && strcmp(mode, "tls") != 0 && strcmp(mode, "none") != 0))
		return wrong(err, sink, "tls", "\"starttls\", \"tls\" or \"none\"");
	size_t host_len = server[0] == '[' ? strcspn(server, "]") + 1 : strcspn(server, ":");
	mail->host = slice_dup_text(slice_of(server, host_len));
	if (strcmp(mode, "none") == 0 && !may_be_plain(mail->host, config))
		return wrong(err, sink, "tls", "\"starttls\" or \"tls\": without, mail may go to this machine and to hosts in \"allow_http\" only");
	mail->starttls = strcmp(mode, "starttls") == 0;
	const char *port = server[host_len] == ':' ? server + host_len : strcmp(mode, "tls") == 0 ? ":465" : ":587";
	mail->url = xasprintf("%s://%s%s", strcmp(mode, "tls") == 0 ? "smtps" : "smtp", mail->host, port);
	return true;
}

static bool mail_open(struct sink *sink, const struct config *config, const json_t *object, struct error *err)
{
	struct mail_sink *mail = xcalloc(1, sizeof(*mail));
	const char *from = json_string_value(json_object_get(object, "from"));
	const char *user = json_string_value(json_object_get(object, "user"));
	const char *ca_file = json_string_value(json_object_get(object, "ca_file"));

	sink->own = mail;
	if (!read_server(mail, sink, config, object, err) || !read_recipients(mail, sink, object, err) || !read_report_recipients(mail, sink, config, object, err))
		return false;
	if (!is_address(from))
		return wrong(err, sink, "from", "the sender's mail address");
	mail->from = xstrdup(from);
	mail->user = user != NULL ? xstrdup(user) : NULL;
	mail->ca_file = ca_file != NULL ? config_resolve(config, ca_file) : NULL;
	if (!config_secret(config, object, "password", &mail->password, err))
		return error_context(err, "alerts: sink \"%s\"", sink->name);
	if ((mail->user == NULL) != (mail->password == NULL))
		return wrong(err, sink, mail->user == NULL ? "user" : "password_file", "its other half: a user and a password, or neither");
	return true;
}

static void free_list(struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

static void mail_close(struct sink *sink)
{
	struct mail_sink *mail = sink->own;

	free_list(&mail->to);
	free_list(&mail->report_to);
	free(mail->url);
	free(mail->host);
	free(mail->from);
	free(mail->user);
	free(mail->password);
	free(mail->ca_file);
	free(mail);
}

static void mail_describe(const struct sink *sink, struct buf *out)
{
	const struct mail_sink *mail = sink->own;

	buf_printf(out, "mail to %s%s by %s", mail->to.items[0], mail->to.n > 1 ? " and others" : "", mail->host);
}

/* ---- the mail itself (RFC 5322, RFC 2046) -------------------------------------------------------------------- */

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

static const char *domain_of(const char *address)
{
	return strchr(address, '@') + 1;
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

	buf_init(&encoded, 1024);
	if (render_uri_component(&encoded, subject))
		buf_printf(out, "<%s.subject@%s>", buf_text(&encoded), domain);
	buf_deinit(&encoded);
}

/*
 * The first mail of a finding and the later ones refer to one id that no mail has: clients put what shares a reference into
 * one thread, whichever of them arrived. A digest starts a thread of its own.
 */
static void put_ids(struct buf *out, const struct mail_sink *sink, const struct delivery *delivery)
{
	const char *domain = domain_of(sink->from);

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

static bool is_report(const struct delivery *delivery)
{
	return delivery->n == 1 && delivery->items[0].event == EVENT_REPORT_READY;
}

/* The sink's recipients, or a report's. At most RECIPIENTS_MAX of each; returns how many. */
static size_t recipients(const struct mail_sink *sink, const struct delivery *delivery, const char *out[2 * RECIPIENTS_MAX])
{
	size_t n = 0;

	if (!is_report(delivery) || sink->to_gets_reports || sink->report_to.n == 0)
		for (size_t i = 0; i < sink->to.n; i++)
			out[n++] = sink->to.items[i];
	if (is_report(delivery))
		for (size_t i = 0; i < sink->report_to.n; i++)
			out[n++] = sink->report_to.items[i];
	return n;
}

static void write_mail(struct buf *out, const struct mail_sink *sink, const struct delivery *delivery)
{
	struct message message;
	char boundary[64], outer[64];

	message_make(delivery, &message);
	char *text = message_text(&message), *html = message_html(&message);
	snprintf(boundary, sizeof(boundary), "=_ctwatch_%s", delivery->id);
	snprintf(outer, sizeof(outer), "=_files_%s", delivery->id);

	put_date(out, delivery_wall_ms(delivery));
	put_header(out, "From", sink->from);
	const char *to[2 * RECIPIENTS_MAX];
	const size_t n_to = recipients(sink, delivery, to);
	buf_append_text(out, "To: ");
	for (size_t i = 0; i < n_to; i++)
		buf_printf(out, "%s%s", i > 0 ? ",\r\n " : "", to[i]);
	buf_append_text(out, "\r\n");
	put_header(out, "Subject", message.subject);
	put_ids(out, sink, delivery);
	put_header(out, "X-Ctwatch-Event", event_name(delivery->items[0].event));
	buf_append_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
	/* a report's files stand beside the text in its two forms */
	if (is_report(delivery))
		buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", outer, outer);
	buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
	put_part(out, boundary, "text/plain", text);
	put_part(out, boundary, "text/html", html);
	buf_printf(out, "--%s--\r\n", boundary);
	if (is_report(delivery)) {
		mail_files_put(out, outer, delivery->items[0].envelope);
		buf_printf(out, "--%s--\r\n", outer);
	}
	free(text);
	free(html);
	message_deinit(&message);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void mail_free(struct mail *mail)
{
	curl_slist_free_all(mail->recipients);
	buf_deinit(&mail->text);
	free(mail);
}

static size_t read_mail(char *into, size_t size, size_t n, void *ctx)
{
	struct mail *mail = ctx;
	size_t left = mail->text.len - mail->sent;
	size_t take = left < size * n ? left : size * n;

	memcpy(into, mail->text.data + mail->sent, take);
	mail->sent += take;
	return take;
}

static int rewind_mail(void *ctx, curl_off_t offset, int origin)
{
	struct mail *mail = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > mail->text.len)
		return CURL_SEEKFUNC_FAIL;
	mail->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void configure(void *ctx, CURL *easy)
{
	struct mail *mail = ctx;
	const struct mail_sink *sink = mail->sink;

	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(easy, CURLOPT_POST, 0L);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_mail);
	curl_easy_setopt(easy, CURLOPT_READDATA, mail);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_mail);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, mail);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->text.len);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, sink->from);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, mail->recipients);
	if (sink->starttls)
		curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (sink->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, sink->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, sink->password);
	}
	if (sink->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, sink->ca_file);
}

static void on_answer(void *ctx, struct fetch_answer *answer)
{
	struct mail *mail = ctx;
	struct delivery *delivery = mail->delivery;
	char sentence[320];
	/* 250: taken. 5xx is final for this mail (RFC 5321 section 4.2.1), 4xx and silence are not; 53x wants a better password */
	bool refused = answer->status >= 550 && answer->status < 560;
	bool ok = answer->status >= 200 && answer->status < 300 && answer->error[0] == '\0';

	if (ok)
		snprintf(sentence, sizeof(sentence), "taken by %s", mail->sink->host);
	else
		snprintf(sentence, sizeof(sentence), "%s answered %ld: %s", mail->sink->host, answer->status, answer->error);
	delivery->under_way = NULL;
	delivery->cancel = NULL;
	mail_free(mail);
	delivery_done(delivery, ok ? DELIVERY_OK : refused ? DELIVERY_REFUSED : DELIVERY_RETRY, sentence, -1);
}

static void cancel_mail(struct delivery *delivery)
{
	struct mail *mail = delivery->under_way;

	fetch_cancel(mail->fetch);
	mail_free(mail);
	delivery->under_way = NULL;
}

static void mail_deliver(struct sink *sink, struct delivery *delivery)
{
	struct mail *mail = xcalloc(1, sizeof(*mail));
	struct error err;

	mail->delivery = delivery;
	mail->sink = sink->own;
	buf_init(&mail->text, MAIL_MAX);
	write_mail(&mail->text, mail->sink, delivery);
	const char *to[2 * RECIPIENTS_MAX];
	const size_t n_to = recipients(mail->sink, delivery, to);
	for (size_t i = 0; i < n_to; i++)
		mail->recipients = curl_slist_append(mail->recipients, to[i]);
	struct fetch_request request = {
		.url = mail->sink->url,
		.max_bytes = 64u << 10,
		.timeout_ms = TIMEOUT_MS,
		.configure = configure,
		.configure_ctx = mail,
		.done = on_answer,
		.ctx = mail,
	};
	mail->fetch = fetch_start(delivery_fetcher(delivery), &request, &err);
	if (mail->fetch == NULL) {
		mail_free(mail);
		delivery_finish_later(delivery, DELIVERY_RETRY, err.text);
		return;
	}
	delivery->under_way = mail;
	delivery->cancel = cancel_mail;
}

static const char *const KEYS[] = { "server", "tls", "from", "to", "user", "password", "password_file", "ca_file", NULL };

const struct sink_type mail_sink = {
	.name = "mail",
	.keys = KEYS,
	.for_people = true,
	.open = mail_open,
	.close = mail_close,
	.deliver = mail_deliver,
	.describe = mail_describe,
};
