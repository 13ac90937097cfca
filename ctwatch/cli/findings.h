/* Private to `findings`: what its files share. */
#ifndef CTWATCH_CLI_FINDINGS_H
#define CTWATCH_CLI_FINDINGS_H

#include "cli.h"

struct findings_options {
	const char *rule, *kind, *brand, *status, *why, *who, *output;
	int64_t since_ms, until_ms;
	int min_score;
	uint64_t limit;
	bool all;
	enum output_format format;
};

/* One finding for people: the sentence, the marked name, evidence, certificates, triage, what to do. */
int finding_show(struct cli *cli, struct state *st, const struct finding *finding, struct error *err);
/* `findings evidence`: into the directory `output`, or NULL: evidence-<id> here. */
int findings_evidence(struct cli *cli, const char *id, const char *output);
/* `findings list`, with the filters of the options. */
int findings_list(struct cli *cli, struct state *st, const struct findings_options *options);

#endif
