/* A mail server on the test's own loop: keeps what it took and for whom, and answers each command as it is told. */
#ifndef CTWATCH_TESTS_SMTP_RECEIVER_H
#define CTWATCH_TESTS_SMTP_RECEIVER_H

#include <uv.h>

#include "base.h"

#define SMTP_MAILS_MAX 256

struct smtp_receiver {
	uv_tcp_t server;
	int port;
	const char *offers;               /* lines of EHLO's answer: "SMTPUTF8 SIZE=1000", a word each; or "" */
	/*
	 * The answer to "RCPT TO:<a@b>", "DATA", "." (the end of a text) ...: "550 5.1.1 no such user"; NULL: a good one; "": hangs
	 * up; "-": says nothing. May itself be NULL.
	 */
	const char *(*answer)(struct smtp_receiver *r, const char *command);
	size_t n;                         /* mails that were taken */
	char *to[SMTP_MAILS_MAX];         /* "a@b c@d": accepted mailboxes */
	char *mails[SMTP_MAILS_MAX];
	size_t n_commands;                /* for `answer` to count with */
};

void smtp_receiver_start(struct smtp_receiver *r, uv_loop_t *loop);
/* Also forgets what came. The loop runs until its handle is closed. */
void smtp_receiver_stop(struct smtp_receiver *r);
/* How many of the mails that were taken were for this mailbox. */
size_t smtp_receiver_mails_for(const struct smtp_receiver *r, const char *address);

#endif
