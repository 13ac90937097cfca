/*
 * The running program: one loop, and everything on it. `run` and `scan` are two ways to start it.
 *
 *   starting --lists, rules, state--> running --SIGTERM, all settled (once), error--> stopping --> left
 *
 * Stopping, in this order: lists and signals; watchers (each finishes the transaction at hand); alerts; the store; the
 * governor and the fetcher. SIGHUP loads configuration and rules aside and swaps them; an error keeps the old ones.
 */
#ifndef CTWATCH_DAEMON_H
#define CTWATCH_DAEMON_H

#include <stdio.h>

#include "alerts.h"
#include "config.h"
#include "diag.h"
#include "loglist.h"

struct daemon_scan {
	const struct listed_log *log;
	uint64_t from, to;                /* half-open; to UINT64_MAX: up to the head */
	bool save;
};

struct daemon_options {
	struct config *config;            /* taken over; freed by daemon_run */
	/* Loads the configuration anew for SIGHUP, as the command line asked for it. NULL: SIGHUP only recompiles rules. */
	bool (*reload)(void *ctx, struct config *out, struct error *err);
	void *reload_ctx;
	struct diag *diag;
	enum sink_stdout findings;        /* run: what of them goes to standard output */
	bool once;
	int64_t progress_timeout_ms;      /* 0: 60 s */
	const struct daemon_scan *scan;   /* NULL: run */
	FILE *out;                        /* scan: findings */
	bool out_text;                    /* scan: a line for people instead of JSON */
	FILE *progress;                   /* scan: a line that is rewritten; NULL: none */
};

/* Runs until it is told to stop or (once, scan) all is done. Returns the exit code of DESIGN.md 5.1. */
int daemon_run(const struct daemon_options *options);

#endif
