/*
 * One SMTP transaction (RFC 5321): a text for several mailboxes, with the server's answer for each of them. Private to alerts/.
 *
 * libcurl speaks the protocol; which mailbox was refused it does not say, so the dialogue that it reports is read along. It waits
 * for the answer to a text and for the goodbye without giving the thread back, whatever interface is used (smtp_done in its lib/smtp.c):
 * a slow server would hold up the loop. So each transaction has a thread of its own.
 */
#ifndef CTWATCH_SMTP_H
#define CTWATCH_SMTP_H

#include <uv.h>

#include "base.h"

struct smtp;

/* How far the dialogue came. */
enum smtp_stage { SMTP_CONNECTING, SMTP_GREETING, SMTP_LOGIN, SMTP_SENDER, SMTP_MAILBOXES, SMTP_TEXT };

#define SMTP_REPLY_MAX 160
struct smtp_reply {
	int code;                         /* 0: was not asked, or did not answer */
	char text[SMTP_REPLY_MAX];        /* what came with it, escaped */
};

struct smtp_answer {
	bool taken;                       /* the server has the text, for those mailboxes that it answered with 2xx */
	bool timed_out;
	enum smtp_stage stage;
	struct smtp_reply last;           /* without a reply: code 0, and why in words */
	const struct smtp_reply *mailboxes;   /* as many as were given, in their order */
	bool takes_utf8;                  /* offers SMTPUTF8 (RFC 6531) */
};

struct smtp_request {
	const char *url;                  /* smtp://host:587 or smtps://host:465 */
	bool starttls;                    /* required */
	const char *from, *user, *password, *ca_file;   /* user, password, ca_file: or NULL */
	const char *const *to;
	size_t n_to;
	struct slice text;                /* CRLF lines */
	int64_t timeout_ms;
	/* On the loop, never inside smtp_start. The answer's memory goes with the call. */
	void (*done)(void *ctx, const struct smtp_answer *answer);
	void *ctx;
};

/* Copies the request. NULL with err: no thread can be had. */
struct smtp *smtp_start(uv_loop_t *loop, const struct smtp_request *request, struct error *err);
/* `done` does not run; the loop stays alive until the thread has noticed, a second at most. */
void smtp_cancel(struct smtp *);

#endif
