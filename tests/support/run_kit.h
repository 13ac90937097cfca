/*
 * The real program against the fake log, as child processes in a directory of their own: what a user would see. Programs are
 * found beside the test (build/ctwatch, build/tests/fakelog).
 */
#ifndef CTWATCH_TESTS_RUN_KIT_H
#define CTWATCH_TESTS_RUN_KIT_H

#include <sys/types.h>

#include "base.h"

struct run_kit {
	char *directory;
	char *base_url;               /* of the fake log */
	pid_t fakelog;
	pid_t daemon;                 /* started by run_kit_daemon, or 0 */
};

/* Starts fakelog with these arguments (NULL-terminated) beside those that the kit needs, and waits until it serves. */
void run_kit_start(struct run_kit *kit, const char *const *arguments);
/* The configuration: `start` is end, beginning or a time; `more` further members with a comma in front, or "". */
void run_kit_config(const struct run_kit *kit, const char *start, const char *more);
/* Everything that was started ends; the directory goes. */
void run_kit_stop(struct run_kit *kit);

/* Runs ctwatch to its end with the configuration; returns its exit code. Output goes to the files "out" and "err" (appended). */
int run_kit_run(const struct run_kit *kit, const char *const *arguments);
/* `run` in the background. */
void run_kit_daemon(struct run_kit *kit);
/* Sends a signal and waits for the daemon's end; returns its exit code, or -1 when the signal killed it. */
int run_kit_end(struct run_kit *kit, int signal);
/* A POST to the fake log's /control. */
void run_kit_control(const struct run_kit *kit, const char *query);

/* Rows of a query on the state, columns by "|", rows by newlines. malloc'd. "" when there is no state yet. */
char *run_kit_sql(const struct run_kit *kit, const char *query);
/* Waits until the query gives this text, at most a minute; fails the test then. */
void run_kit_wait(const struct run_kit *kit, const char *query, const char *expected);
/* A file of the directory. malloc'd text, "" when it is missing. */
char *run_kit_file(const struct run_kit *kit, const char *name);
void sleep_ms(unsigned ms);

#endif
