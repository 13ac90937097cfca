/*
 * What a person reads at two in the morning, in one screen: the sentence, the brand, the marked name, when it was logged,
 * issuer and names, what is known and not yet known, what to do next, links (passive ones only). Private to alerts/.
 *
 * Made from envelopes, so that a test message looks like a real one. Names are defanged.
 */
#ifndef CTWATCH_MESSAGE_H
#define CTWATCH_MESSAGE_H

#include "sink.h"

struct message_fact {
	char label[24];                   /* "Name", "Logged", "Issuer" ... */
	char *value;                      /* plain text, not escaped for a medium */
};

struct message_link {
	const char *label;                /* static */
	char *url;
};

#define MESSAGE_FACTS_MAX 16
#define MESSAGE_LINKS_MAX 6
#define MESSAGE_WHY_MAX 12

/* One finding, incident or other event. Texts are plain: each sink escapes them for its medium (render.h). */
struct message_part {
	char *sentence;                   /* "drive-globalordnance[.]com contains the name of Global Ordnance" */
	const char *severity;             /* "critical" ... or "" ; borrowed from the envelope */
	int score;                        /* -1: has none */
	char *marked;                     /* the defanged name, of which these code points match; NULL: none */
	size_t mark_from, mark_len;
	struct message_fact facts[MESSAGE_FACTS_MAX];
	size_t n_facts;
	char *why[MESSAGE_WHY_MAX];       /* evidence rows: "E2 +92  term ..." */
	size_t n_why;
	const char *const *next_steps;    /* NULL-terminated or NULL */
	struct message_link links[MESSAGE_LINKS_MAX];
	size_t n_links;
};

struct message {
	char *subject;                    /* one line, plain: "[ctwatch] critical 92: ..." */
	struct message_part *parts;
	size_t n_parts;
};

void message_make(const struct delivery *delivery, struct message *out);
void message_deinit(struct message *);

/* "drive-example[.]test" and below it "      ^^^^^^^": for media with letters of one width. */
bool message_underline(struct buf *out, const struct message_part *part, const char *indent);

/* Whole texts for media that take one. malloc'd. */
char *message_text(const struct message *);      /* plain, 78 columns */
char *message_html(const struct message *);      /* a body for mail: no scripts, no remote images */

#endif
