/*
 * Alerts: who hears of what, and that they hear of it at least once.
 *
 *   store thread                                    loop
 *   state_add_match --> alerts_route: one outbox row a sink
 *                                                   per sink: RESTING --due--> LOADING --> SENDING --> MARKING --> RESTING
 *                          worker: load due rows, envelopes <'        \--> deliver (webhook, mail ...)
 *                       mark sent / failed / dead <------------------------------'
 *
 * The router runs on the store's thread, inside the transaction that stored a finding, and reads nothing but the sinks'
 * immutable settings. A sink that fails backs off by itself: it delays neither other sinks nor the reading.
 */
#ifndef CTWATCH_ALERTS_H
#define CTWATCH_ALERTS_H

#include "clock.h"
#include "config.h"
#include "diag.h"
#include "fetch.h"
#include "store.h"

struct allow_list;
struct sink;

/* The sinks of a configuration: validated, nothing contacted. Immutable for the router once made. */
struct sink_set {
	struct sink **items;
	size_t n;
	uint64_t alerts_per_hour;         /* about findings, of one log; what is beyond is not routed */
	struct allow_list *allow;         /* what never alerts, and the canaries */
};
/* The sink named "stdout", which `run` adds: nothing, an envelope a line for programs, or a few lines a finding for people. */
struct ruleset;
struct suffix_table;
enum sink_stdout { STDOUT_NONE, STDOUT_JSONL, STDOUT_TEXT, STDOUT_TEXT_COLOUR };
/* Errors name the sink and the key. */
/* Rules, brands and domains that sinks and the allow list name, against those that there are: a filter that can match nothing is refused. */
bool sink_set_check(const struct sink_set *, const struct ruleset *rules, const struct suffix_table *suffixes, struct error *err);
bool sink_set_new(const struct config *config, enum sink_stdout to_stdout, struct sink_set **out, struct error *err);
void sink_set_free(struct sink_set *);
/* Is anything in memory that a core dump should not show? */
bool sink_set_has_secrets(const struct sink_set *);
/* "mail to soc@...: findings from 60, incidents": one line for the banner of `run`. malloc'd. Holds no secrets. */
char *sink_describe(const struct sink *sink);
const char *sink_name(const struct sink *sink);

/* A state_router_fn; `ctx` is the sink_set. */
bool alerts_route(void *ctx, struct state *st, const struct state_event *event, int64_t now_ms, struct error *err);

/* ---- delivery on the loop ------------------------------------------------------------------------ */

struct alerts;

struct alerts_options {
	uv_loop_t *loop;
	struct fetcher *fetcher;
	struct store *store;              /* NULL: nothing is delivered, only alerts_test works */
	const char *directory;            /* of the state: what is due is read by connections of their own, beside the store's; copied */
	struct sink_set *sinks;           /* taken over */
	struct diag *diag;
	int64_t output_timeout_ms;        /* standard output that nobody reads for so long fails; 0: alerts wait for a reader */
	bool keeps_time;                  /* heartbeats and canaries: for a program that stays */
	struct clock clock;               /* passed in so that tests can move it */
};
/* The program must ignore SIGPIPE: receivers and programs go away while they are written to. */
struct alerts *alerts_start(const struct alerts_options *options);
/* Something may be due: call after commits that added rows, and once a second. Cheap. */
void alerts_wake(struct alerts *);
/* Is anything being loaded, sent or marked, or are sinks being exchanged? */
bool alerts_busy(const struct alerts *);
/*
 * SIGHUP: other sinks from now on (what waits for a sink that is gone stays in the outbox and is shown); files are reopened.
 * Takes over `sinks`; while one exchange is under way the newest set waits for it.
 */
void alerts_reload(struct alerts *, struct sink_set *sinks);
/* The sinks in force, until the loop runs again. */
const struct sink_set *alerts_sinks(const struct alerts *);
/* Delivers everything that is due now, once; then calls `done`: n_failed rows could not be delivered and stay for later. */
void alerts_flush(struct alerts *, void (*done)(void *ctx, size_t n_failed), void *ctx);
/* Does anything wait for standard output, or did the last of it fail? */
bool alerts_output_is_behind(const struct alerts *);
/* Stops: what is under way is given up (and will be sent again, same id). Before the store and the fetcher close. `closed` may be NULL. */
void alerts_close(struct alerts *, void (*closed)(void *ctx), void *ctx);

/* `alerts test`: a marked test event through every sink (`only` one, unless NULL); `answered` once a sink, then `done`. Does not touch the outbox. */
void alerts_test(struct alerts *, const char *only, void (*answered)(void *ctx, const struct sink *sink, bool ok, const char *answer), void (*done)(void *ctx), void *ctx);

#endif
