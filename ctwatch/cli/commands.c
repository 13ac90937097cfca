/* The table of commands, in the order in which help lists them. */
#include "cli.h"

/* One line a command: a conflict here wants both sides kept. */
#define COMMAND_TABLE(X) \
	X(run) \
	X(scan) \
	X(check) \
	X(inspect) \
	X(findings) \
	X(brands) \
	X(logs) \
	X(incidents) \
	X(report) \
	X(export) \
	X(alerts) \
	X(rules) \
	X(health) \
	X(state) \
	X(init) \
	X(config) \
	X(manual) \
	X(version)

#define DECLARE(name) extern const struct command name##_command;
COMMAND_TABLE(DECLARE)

#define ADDRESS(name) &name##_command,
const struct command *const COMMANDS[] = { COMMAND_TABLE(ADDRESS) NULL };
