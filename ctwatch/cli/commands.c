/* The table of commands, in the order in which help lists them. */
#include "cli.h"

extern const struct command run_command, scan_command;
extern const struct command brands_command;
extern const struct command check_command;
extern const struct command export_command;
extern const struct command inspect_command;
extern const struct command rules_command;
extern const struct command report_command;
extern const struct command findings_command, logs_command, incidents_command, health_command, state_command;
extern const struct command version_command;

const struct command *const COMMANDS[] = {
	&run_command,
	&scan_command,
	&check_command,
	&inspect_command,
	&rules_command,
	&brands_command,
	&export_command,
	&findings_command,
	&logs_command,
	&incidents_command,
	&report_command,
	&health_command,
	&state_command,
	&version_command,
	NULL,
};
