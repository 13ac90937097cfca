/*
 * Who of a mail's recipients has it, who refused it for good, and who is to be asked again; kept with the rows of the outbox, so
 * that nobody gets a mail twice because somebody else's mailbox was full. Private to alerts/ (mail).
 */
#ifndef CTWATCH_MAILBOXES_H
#define CTWATCH_MAILBOXES_H

#include "base.h"

#define MAILBOXES_MAX 100

enum mailbox_state { MAILBOX_WAITS, MAILBOX_TAKEN, MAILBOX_REFUSED };

struct mailbox {
	const char *address;              /* borrowed */
	enum mailbox_state state;
	char *why;                        /* what the server said last when it did not take it, or NULL */
	bool asked;                       /* in this delivery */
};

struct mailboxes {
	struct mailbox items[MAILBOXES_MAX];
	size_t n;
};

/* `progress`: as mailboxes_progress made it at an earlier try, or NULL. */
void mailboxes_init(struct mailboxes *, const char *const *addresses, size_t n, const char *progress);
void mailboxes_deinit(struct mailboxes *);
size_t mailboxes_count(const struct mailboxes *, enum mailbox_state state);
void mailbox_set(struct mailbox *, enum mailbox_state state, const char *why);
/* {"taken":[...],"refused":{"gone@...":"550 ..."}}; malloc'd. */
char *mailboxes_progress(const struct mailboxes *);
/* "gone@a.example: 550 no such user; busy@...: 451 ..." of those in this state, as many as fit. Returns out. */
char *mailboxes_name(const struct mailboxes *, enum mailbox_state state, char *out, size_t out_len);

#endif
