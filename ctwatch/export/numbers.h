/*
 * Private to report/: numbers of rules that stay. One fact a name, "suricata/<base>/<name>", has a line for each of its rules,
 * "<part> <sid> <rev> <hash of the text>"; the fact "suricata-next/<base>" is the first number that nobody has.
 */
#ifndef CTWATCH_EXPORT_NUMBERS_H
#define CTWATCH_EXPORT_NUMBERS_H

#include "state.h"

struct numbers {
	struct state *state;
	uint64_t base, count;             /* numbers come from [base, base + count) */
	uint64_t next;                    /* of them, from 0 */
	char *key, *kept;                 /* of the name under way; kept is NULL when it has none yet */
	struct buf now;                   /* its lines as they will be kept */
	bool taken;                       /* `next` has moved */
};

bool numbers_start(struct numbers *, struct state *st, uint64_t base, uint64_t count, struct error *err);
void numbers_end(struct numbers *);

/* Begin with a name; then a number for each of its rules; then keep them. */
bool numbers_begin(struct numbers *, const char *name, struct error *err);
/*
 * The number of a rule, and its revision: one more when its text has changed. *repeated: this part had its number already, and
 * the rule is not to be written twice. ERR_USAGE when no number is left.
 */
bool numbers_of(struct numbers *, const char *part, struct slice text, uint64_t *sid, uint64_t *rev, bool *repeated, struct error *err);
bool numbers_keep(struct numbers *, struct error *err);

#endif
