/* What the program cannot do without is tried before anything begins: libuv aborts without a word where a descriptor or a thread is missing. */
#ifndef CTWATCH_RESOURCES_H
#define CTWATCH_RESOURCES_H

#include "base.h"

/* Descriptors and threads enough to follow logs? The error says how many there are and what to raise. */
bool resources_check(struct error *err);

#endif
