/* The table of commands, in the order in which help lists them. */
#include "cli.h"

extern const struct command export_command;
extern const struct command version_command;

const struct command *const COMMANDS[] = {
	&export_command,
	&version_command,
	NULL,
};
