/*
 * What scripts written for Cert Spotter are given: variables, and files in a private directory (shared/spec/peers-contracts.md
 * 5.4). Private to alerts/.
 */
#ifndef CTWATCH_HOOKS_H
#define CTWATCH_HOOKS_H

#include "sink.h"

#define HOOK_VARIABLES_MAX 48

struct hook_input {
	char *directory;                  /* mkdtemp, mode 0700 */
	char *variables[HOOK_VARIABLES_MAX + 1];  /* "NAME=value", NULL-terminated */
	size_t n;
};

/* Writes the files and lists the variables of one event. */
bool hook_input_make(const struct delivery *delivery, struct hook_input *out, struct error *err);
/* Removes the directory and what is in it; copes with a half-made one. */
void hook_input_deinit(struct hook_input *);

#endif
