/* What the files of `ctwatch alerts` share. */
#ifndef CTWATCH_ALERTS_CLI_H
#define CTWATCH_ALERTS_CLI_H

#include "cli.h"

struct alerts_cli_options {
	enum output_format format;
	const char *sink, *status;
	uint64_t limit;
	bool dead, all;
};

int alerts_cli_test(struct cli *cli, const struct alerts_cli_options *options);

#endif
