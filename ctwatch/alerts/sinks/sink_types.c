/* The table of sink types. */
#include "sink.h"

extern const struct sink_type stdout_sink, terminal_sink, webhook_sink, template_sink, slack_sink, teams_sink, mail_sink, syslog_sink, ecs_sink, command_sink, hooks_sink;

const struct sink_type *const SINK_TYPES[] = {
	&stdout_sink,
	&terminal_sink,
	&webhook_sink,
	&template_sink,
	&slack_sink,
	&teams_sink,
	&mail_sink,
	&syslog_sink,
	&ecs_sink,
	&command_sink,
	&hooks_sink,
	NULL,
};
