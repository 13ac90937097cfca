/*
 * One program run for one event: no shell, its own environment, input on standard input, a time limit, what it says
 * (standard output and error) captured up to a ceiling. Private to alerts/ (command, hooks).
 */
#ifndef CTWATCH_PROCESS_H
#define CTWATCH_PROCESS_H

#include <uv.h>

#include "base.h"

struct process;

struct process_options {
	const char *const *argv;          /* argv[0] is the program's path; NULL-terminated; copied by the spawn */
	const char *const *env;           /* "NAME=value", NULL-terminated; nothing is inherited but PATH, HOME, LANG and TZ */
	const char *directory;            /* to run in; NULL: / */
	struct slice input;               /* copied */
	int64_t time_limit_ms;            /* then SIGTERM, two seconds later SIGKILL */
	/* On the loop, never inside process_start. The sentence ends with the beginning of what it wrote, escaped. */
	void (*done)(void *ctx, bool ok, const char *sentence);
	void *ctx;
};

/* Failures to start come through `done` as well. */
struct process *process_start(uv_loop_t *loop, const struct process_options *options);
/* Ends it; `done` does not run. */
void process_cancel(struct process *);

#endif
