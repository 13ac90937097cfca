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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dns.h"
#include "mail_text.h"
#include "mailboxes.h"
#include "smtp.h"

#define RECIPIENTS_MAX 50            /* of "to", and as many of a report: MAILBOXES_MAX together */
#define MAIL_MAX (8u << 20)
#define TIMEOUT_MS 60000
#define MAILBOX_PAUSE_MS 60000       /* greylisting and full mailboxes want minutes */
#define LOGIN_PAUSE_MS 600000        /* servers lock accounts that are tried too often */

struct mail_sink {
	char *url;                        /* smtp://host:587 or smtps://host:465 */
	char *host;
	bool starttls;
	char *from, *user, *password, *ca_file;
	struct string_list to, report_to;
	bool to_gets_reports;             /* "events" asks for report.ready; else report_to alone gets it */
};

/* One mail under way: as many transactions as its mailboxes need. */
struct mail {
	struct delivery *delivery;
	struct mail_sink *sink;
	struct smtp *smtp;
	struct buf text;
	struct mailboxes boxes;
	const char *shown[MAILBOXES_MAX]; /* addresses of all, as in the header */
	size_t n_shown;
	struct mailbox *asked[MAILBOXES_MAX];   /* in the transaction under way */
	size_t n_asked;
	bool starting;                    /* inside deliver(): nothing may be done with the delivery yet */
	bool without_files;
	char whole[320];                  /* why a transaction failed for all of its mailboxes, or "" */
	bool whole_refused;               /* and for good: the text itself */
	int64_t asked_pause_ms;
	bool timed_out;
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

	if (at == NULL || at == text || at[1] == '\0' || strlen(text) > 254 || strpbrk(text, " <>,;\"") != NULL || strchr(at + 1, '@') != NULL)
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return utf8_valid(slice_text(text));
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* A domain of other letters goes by its A-label, which every server takes; NULL when it has none. malloc'd. */
static char *take_address(const char *text)
{
	char domain[DNS_NAME_MAX + 1];
	struct error err;

	if (!is_address(text))
		return NULL;
	const char *at = strchr(text, '@');
	if (is_ascii(at))
		return xstrdup(text);
	if (!dns_name_to_ascii(slice_text(at + 1), domain, &err))
		return NULL;
	return xasprintf("%.*s@%s", (int)(at - text), text, domain);
}

/* Twice the same address is once. False: it is none. */
static bool add_address(struct string_list *list, const char *text)
{
	char *address = take_address(text);

	if (address == NULL)
		return false;
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i], address) == 0) {
			free(address);
			return true;
		}
	}
	list->items[list->n++] = address;
	return true;
}

static bool read_recipients(struct mail_sink *mail, const struct sink *sink, const json_t *object, struct error *err)
{
	const json_t *to = json_object_get(object, "to");
	json_t *item;
	size_t i;

	mail->to.items = xcalloc(RECIPIENTS_MAX + 1, sizeof(*mail->to.items));
	if (json_is_string(to))
		return add_address(&mail->to, json_string_value(to)) || wrong(err, sink, "to", "a mail address or a list of them");
	json_array_foreach((json_t *)to, i, item) {
		if (mail->to.n == RECIPIENTS_MAX || !add_address(&mail->to, json_string_value(item)))
			return wrong(err, sink, "to", "mail addresses, 50 at most");
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
		if (mail->report_to.n == RECIPIENTS_MAX || !add_address(&mail->report_to, json_string_value(address)))
			return error_set(err, ERR_USAGE, "report: \"mail\" wants mail addresses, %d at most", RECIPIENTS_MAX);
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
	mail->from = take_address(from);
	if (mail->from == NULL || !is_ascii(mail->from))
		return wrong(err, sink, "from", "the sender's mail address, of ASCII before the @");
	mail->user = user != NULL ? xstrdup(user) : NULL;
	mail->ca_file = ca_file != NULL ? config_resolve(config, ca_file) : config->ca_file != NULL && config->ca_file[0] != '\0' ? xstrdup(config->ca_file) : NULL;
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

/* ---- who gets it ----------------------------------------------------------------------------------------------- */

static void add_shown(struct mail *mail, const struct string_list *list)
{
	for (size_t i = 0; i < list->n && mail->n_shown < MAILBOXES_MAX; i++) {
		bool known = false;

		for (size_t k = 0; k < mail->n_shown; k++)
			known = known || strcmp(mail->shown[k], list->items[i]) == 0;
		if (!known)
			mail->shown[mail->n_shown++] = list->items[i];
	}
}

/* The sink's recipients, or a report's. */
static void list_mailboxes(struct mail *mail)
{
	const struct mail_sink *sink = mail->sink;
	bool report = mail_is_report(mail->delivery);

	if (!report || sink->to_gets_reports || sink->report_to.n == 0)
		add_shown(mail, &sink->to);
	if (report)
		add_shown(mail, &sink->report_to);
	mailboxes_init(&mail->boxes, mail->shown, mail->n_shown, mail->delivery->items[0].progress);
}

/*
 * Who is asked next: all whose address is ASCII together, then each of the others alone, since a server without SMTPUTF8 may
 * refuse a whole mail for one of them. False: nobody is left.
 */
static bool choose(struct mail *mail)
{
	mail->n_asked = 0;
	for (size_t i = 0; i < mail->boxes.n; i++) {
		struct mailbox *box = &mail->boxes.items[i];

		if (box->state == MAILBOX_WAITS && !box->asked && is_ascii(box->address))
			mail->asked[mail->n_asked++] = box;
	}
	for (size_t i = 0; i < mail->boxes.n && mail->n_asked == 0; i++)
		if (mail->boxes.items[i].state == MAILBOX_WAITS && !mail->boxes.items[i].asked)
			mail->asked[mail->n_asked++] = &mail->boxes.items[i];
	for (size_t i = 0; i < mail->n_asked; i++)
		mail->asked[i]->asked = true;
	return mail->n_asked > 0;
}

/* The header names who belongs to this transaction's kind: others could not be written in it. */
static bool write_text(struct mail *mail)
{
	const char *to[MAILBOXES_MAX];
	struct mail_head head = { .from = mail->sink->from, .to = to, .now_ms = delivery_wall_ms(mail->delivery), .with_files = !mail->without_files };

	if (!is_ascii(mail->asked[0]->address))
		to[head.n_to++] = mail->asked[0]->address;
	for (size_t i = 0; i < mail->n_shown && is_ascii(mail->asked[0]->address); i++)
		if (is_ascii(mail->shown[i]))
			to[head.n_to++] = mail->shown[i];
	buf_clear(&mail->text);
	return mail_write(&mail->text, &head, mail->delivery);
}

/* ---- sending ------------------------------------------------------------------------------------------------------ */

static void mail_free(struct mail *mail)
{
	mailboxes_deinit(&mail->boxes);
	buf_deinit(&mail->text);
	free(mail);
}

/* All transactions are through: what became of the mail as a whole. */
static void finish(struct mail *mail)
{
	struct delivery *delivery = mail->delivery;
	size_t n_taken = mailboxes_count(&mail->boxes, MAILBOX_TAKEN), n_refused = mailboxes_count(&mail->boxes, MAILBOX_REFUSED);
	size_t n_waiting = mailboxes_count(&mail->boxes, MAILBOX_WAITS);
	char refused[150], waiting[150], sentence[400];
	enum delivery_result result = n_waiting > 0 ? DELIVERY_RETRY : n_taken > 0 ? DELIVERY_OK : DELIVERY_NEVER;

	mailboxes_name(&mail->boxes, MAILBOX_REFUSED, refused, sizeof(refused));
	mailboxes_name(&mail->boxes, MAILBOX_WAITS, waiting, sizeof(waiting));
	if (n_taken == 0 && mail->whole[0] != '\0')
		snprintf(sentence, sizeof(sentence), "%s", mail->whole);
	else
		snprintf(sentence, sizeof(sentence), "%s%s%s%s%s%s", n_taken > 0 ? "taken by " : "not taken by ", mail->sink->host, n_waiting > 0 ? "; to be tried again: " : "",
			 n_waiting > 0 ? waiting : "", n_refused > 0 ? "; refused: " : "", n_refused > 0 ? refused : "");
	if (mail->whole_refused)
		result = n_taken > 0 ? DELIVERY_OK : DELIVERY_REFUSED;
	if (result == DELIVERY_RETRY && n_taken + n_refused > 0) {
		char *progress = mailboxes_progress(&mail->boxes);

		delivery_set_progress(delivery, progress);
		free(progress);
	}
	if (n_refused > 0 || mail->whole_refused)
		snprintf(delivery->note, sizeof(delivery->note), "%.*s", (int)sizeof(delivery->note) - 1, sentence);
	delivery->taken_by_some = n_taken > 0;
	delivery->perhaps_too_large = mail->timed_out;
	delivery->pause_ms = n_waiting > 0 && mail->whole[0] == '\0' ? MAILBOX_PAUSE_MS : 0;
	delivery->under_way = NULL;
	delivery->cancel = NULL;
	int64_t pause = n_taken > 0 ? 0 : mail->asked_pause_ms;
	bool starting = mail->starting;
	mail_free(mail);
	if (starting)
		delivery_finish_later(delivery, result, sentence);
	else
		delivery_done(delivery, result, sentence, pause > 0 ? pause : -1);
}

static void go_on(struct mail *mail);

/* Which of the dialogue's answers speaks of this mailbox alone? Full ones may be emptied (552 and 452 say so: RFC 5321 section 4.5.3.1.10). */
static void judge_mailbox(struct mail *mail, struct mailbox *box, const struct smtp_answer *answer, const struct smtp_reply *reply)
{
	char why[SMTP_REPLY_MAX + 200];
	bool for_good = reply->code >= 500 && reply->code != 552 && reply->code != 530 && reply->code != 535;
	bool wants_utf8 = !is_ascii(box->address) && !answer->takes_utf8;

	if (reply->code / 100 == 2) {
		mailbox_set(box, answer->taken ? MAILBOX_TAKEN : MAILBOX_WAITS, answer->taken ? NULL : mail->whole);
		return;
	}
	if (reply->code == 0)
		snprintf(why, sizeof(why), "%s", mail->whole[0] != '\0' ? mail->whole : "no answer");
	else
		snprintf(why, sizeof(why), "%s%d %s", wants_utf8 ? "the server takes no address beyond ASCII (it has no SMTPUTF8): " : "", reply->code, reply->text);
	mailbox_set(box, for_good ? MAILBOX_REFUSED : MAILBOX_WAITS, why);
}

/* In words, why none of the transaction's mailboxes has the text; "" when the reason is theirs. */
static void judge_whole(struct mail *mail, const struct smtp_answer *answer)
{
	const char *host = mail->sink->host;
	const struct smtp_reply *last = &answer->last;

	if (answer->taken || (answer->stage == SMTP_MAILBOXES && last->code >= 400 && last->code != 421))
		return;
	if (last->code == 0)
		snprintf(mail->whole, sizeof(mail->whole), answer->stage == SMTP_CONNECTING ? "cannot reach %s: %s" : "%s broke off: %s", host, last->text);
	else if (answer->stage == SMTP_LOGIN)
		snprintf(mail->whole, sizeof(mail->whole), "%s refuses the user or the password: %d %s", host, last->code, last->text);
	else if (answer->stage == SMTP_SENDER)
		snprintf(mail->whole, sizeof(mail->whole), "%s refuses the sender %s: %d %s", host, mail->sink->from, last->code, last->text);
	else
		snprintf(mail->whole, sizeof(mail->whole), "%s %s: %d %s", host, answer->stage == SMTP_TEXT ? "refuses the text" : "answers", last->code, last->text);
	if (last->code == 535 || last->code == 534 || last->code == 530 || (answer->stage == SMTP_LOGIN && last->code >= 500))
		mail->asked_pause_ms = LOGIN_PAUSE_MS;
	/* the text itself, or its size (552 to MAIL, RFC 1870 section 6.2); whoever minds the sender may be told otherwise tomorrow */
	mail->whole_refused = (answer->stage == SMTP_TEXT && last->code >= 500) || (answer->stage == SMTP_SENDER && last->code == 552);
	mail->timed_out = answer->timed_out;
}

static void on_answer(void *ctx, const struct smtp_answer *answer)
{
	struct mail *mail = ctx;
	size_t n_taken = 0;

	mail->smtp = NULL;
	judge_whole(mail, answer);
	if (mail->whole_refused && mail_is_report(mail->delivery) && !mail->without_files) {
		/* perhaps for its files */
		mail->without_files = true;
		mail->whole_refused = false;
		mail->whole[0] = '\0';
		for (size_t i = 0; i < mail->n_asked; i++)
			mail->asked[i]->asked = false;
		go_on(mail);
		return;
	}
	for (size_t i = 0; i < mail->n_asked; i++) {
		judge_mailbox(mail, mail->asked[i], answer, &answer->mailboxes[i]);
		n_taken += mail->asked[i]->state == MAILBOX_TAKEN;
	}
	/* "too many recipients" (452) after some: the others in a mail of their own, at once */
	for (size_t i = 0; i < mail->n_asked && n_taken > 0; i++)
		if (answer->mailboxes[i].code == 452)
			mail->asked[i]->asked = false;
	go_on(mail);
}

static void go_on(struct mail *mail)
{
	struct error err;

	if (mail->whole[0] != '\0' || !choose(mail)) {
		finish(mail);
		return;
	}
	if (!write_text(mail)) {
		snprintf(mail->whole, sizeof(mail->whole), "the mail is larger than 8 MiB");
		mail->whole_refused = true;
		finish(mail);
		return;
	}
	const char *to[MAILBOXES_MAX];
	for (size_t i = 0; i < mail->n_asked; i++)
		to[i] = mail->asked[i]->address;
	const struct mail_sink *sink = mail->sink;
	struct smtp_request request = {
		.url = sink->url,
		.starttls = sink->starttls,
		.from = sink->from,
		.user = sink->user,
		.password = sink->password,
		.ca_file = sink->ca_file,
		.to = to,
		.n_to = mail->n_asked,
		.text = buf_slice(&mail->text),
		.timeout_ms = TIMEOUT_MS,
		.done = on_answer,
		.ctx = mail,
	};
	mail->smtp = smtp_start(delivery_loop(mail->delivery), &request, &err);
	if (mail->smtp == NULL) {
		snprintf(mail->whole, sizeof(mail->whole), "%.300s", err.text);
		finish(mail);
	}
}

static void cancel_mail(struct delivery *delivery)
{
	struct mail *mail = delivery->under_way;

	if (mail->smtp != NULL)
		smtp_cancel(mail->smtp);
	mail_free(mail);
	delivery->under_way = NULL;
}

static void mail_deliver(struct sink *sink, struct delivery *delivery)
{
	struct mail *mail = xcalloc(1, sizeof(*mail));

	mail->delivery = delivery;
	mail->sink = sink->own;
	buf_init(&mail->text, MAIL_MAX);
	list_mailboxes(mail);
	delivery->under_way = mail;
	delivery->cancel = cancel_mail;
	mail->starting = true;
	go_on(mail);
	if (delivery->under_way == mail)
		mail->starting = false;
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
