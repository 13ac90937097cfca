/* What the commands about rules share: the configuration's rules (or a file's), compiled, and answers in print. */
#ifndef CTWATCH_RULES_CLI_H
#define CTWATCH_RULES_CLI_H

#include "cli.h"
#include "lines.h"
#include "rules.h"
#include "rules_load.h"

struct cli_rules {
	struct suffix_table *suffixes;
	struct ruleset *rules;
	struct rule_scratch *scratch;
};

/* `files`: the value of --rules, packs and paths separated by commas, or NULL for what the configuration names. */
bool cli_rules_open(struct cli *cli, const char *files, struct cli_rules *out, struct error *err);
void cli_rules_close(struct cli_rules *);

/* One match (an object of "matches" as `check --format jsonl` prints it) for people. */
void cli_print_match(struct cli *cli, json_t *match);
/* Rows of evidence: signal, points, sentence. */
void cli_print_evidence(struct cli *cli, json_t *evidence);
/* A line that goes on behind four spaces when it is too long for the terminal. */
void cli_print_sentence(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* `ctwatch rules learn`: files[0] is the actor's; `output` NULL is standard output. Returns the exit code. */
int rules_learn(struct cli *cli, int n_files, char **files, const char *output);

#endif
