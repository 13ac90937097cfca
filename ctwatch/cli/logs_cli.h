/* Private to `ctwatch logs`: what the daemon keeps of the lists themselves, and of entries that cannot be read. */
#ifndef CTWATCH_LOGS_CLI_H
#define CTWATCH_LOGS_CLI_H

#include "cli.h"

/* {"lists":[...], "unread":[...]}, or an empty object where no daemon has kept it yet. New reference. */
json_t *logs_fact(struct state *st);
/* A paragraph for each list: how it is signed, how old, and why it cannot be fetched or read. */
void logs_print_lists(struct cli *cli, const json_t *fact);
/* The entry as `logs --format json` has a log. New reference. */
json_t *logs_unread_json(const json_t *unread);
bool logs_unread_is_wanted(const json_t *unread, const char *wanted);

#endif
