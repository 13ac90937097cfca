/*
 * What never alerts: the allow lists of "triage", and the canaries. Private to alerts/.
 *
 *   "triage": {"allow": [{"domain":"acme-mail.com","why":"our newsletter","who":"anna","rule":"brand/acme","until":"2027-06-30"},
 *                        {"certificate":"<SHA-256 of certificate or TBS>","why":"..."}, {"issuer":"*CN=Our CA*","why":"..."}]}
 *
 * A domain's finding is dismissed when it comes, with who and why: it is stored, shown with its reason, counted in reports and
 * quiet until its severity rises (then it is dismissed again). A certificate or an issuer says nothing of the next certificate
 * for the same domain: such a finding stays open and gets a note, and alerts when a certificate comes that is not allowed.
 */
#ifndef CTWATCH_ALLOW_H
#define CTWATCH_ALLOW_H

#include <jansson.h>

#include "config.h"
#include "state.h"

struct allow_list;
struct suffix_table;

/* From "triage" and "canary" of the configuration. Errors name the entry. */
bool allow_list_new(const struct config *config, struct allow_list **out, struct error *err);
/* Entries that can match nothing: rules that do not exist, domains that no finding is filed under. */
bool allow_check(const struct allow_list *, const struct suffix_table *suffixes, const char *const *rules, size_t n_rules, struct error *err);
void allow_list_free(struct allow_list *);

enum allow_answer {
	ALLOW_TELL,                       /* nothing speaks against telling it */
	ALLOW_TELL_AS_NEW,                /* so far only allowed certificates were seen: this one is news */
	ALLOW_QUIET,
};
/* Inside the transaction that stored the event; writes the decision (triage) on first sight. */
bool allow_judge(const struct allow_list *, struct state *st, const struct state_event *event, int64_t now_ms, enum allow_answer *answer, struct error *err);

/* The canaries: names in the form of a watch list's items, and how long each may stay away. */
size_t allow_n_canaries(const struct allow_list *);
const char *allow_canary(const struct allow_list *, size_t i);
int64_t allow_canary_within_ms(const struct allow_list *);

#endif
