/* `findings evidence`: one finding as a directory that others can check. */
#include "evidence.h"

#include <stdlib.h>

#include "findings.h"

static int say(struct cli *cli, const struct finding *f, const char *directory, const struct evidence_summary *summary)
{
	if (!cli->quiet)
		fprintf(cli->out, "%s: %zu %s, %zu with an inclusion proof; read index.html, check with verify.py\n", directory, summary->n_sightings,
			summary->n_sightings == 1 ? "log entry" : "log entries", summary->n_proofs);
	if (summary->n_chain_missing > 0)
		fprintf(cli->err, "ctwatch findings: %zu issuer certificates are not kept: ctwatch asks for them while it runs\n", summary->n_chain_missing);
	if (summary->n_proofs > 0)
		return EXIT_DONE;
	if (!f->flagged)
		fprintf(cli->err, "ctwatch findings: there is no inclusion proof: proofs are kept for flagged findings only, and this one is below its rule's threshold\n");
	else if (summary->n_sightings == 0)
		fprintf(cli->err, "ctwatch findings: there is no inclusion proof, and no log entry is kept of this finding: it is no longer kept, or larger than what is\n");
	else
		fprintf(cli->err, "ctwatch findings: there is no inclusion proof yet: `ctwatch run` fetches one as soon as the entry is in a signed log that still answers; "
				  "write the evidence again then, into another directory\n");
	return EXIT_NO;
}

int findings_evidence(struct cli *cli, const char *id, const char *output)
{
	struct evidence_summary summary;
	struct finding f;
	struct state *st;
	struct error err;

	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	if (!state_get_finding(st, id, &f, &err)) {
		int code = cli_fail_state(cli, &err);

		state_close(st);
		return code;
	}
	char *directory = output != NULL ? xstrdup(output) : xasprintf("evidence-%.8s", f.id);
	/* one snapshot, also while ctwatch writes beside it */
	bool ok = state_begin(st, &err) && evidence_write(st, &f, directory, cli->now_ms, &summary, &err);
	state_abort(st);
	int code = ok ? say(cli, &f, directory, &summary) : cli_fail(cli, &err);

	free(directory);
	finding_deinit(&f);
	state_close(st);
	return code;
}
