/* The rules that a configuration names, read and compiled; and the public suffixes they need. */
#ifndef CTWATCH_RULES_LOAD_H
#define CTWATCH_RULES_LOAD_H

#include "config.h"
#include "rules.h"

/* The system's list (Debian's package publicsuffix keeps it current), else what libpsl was built with. Never NULL. */
struct suffix_table *suffixes_load(void);
/* `suffixes` must outlive the result. Errors name the source. */
bool rules_load(const struct config *config, const struct suffix_table *suffixes, int64_t now_ms, struct ruleset **out, struct error *err);

#endif
