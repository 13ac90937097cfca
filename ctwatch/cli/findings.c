/* `ctwatch findings`: what was found, and what people decided about it. */
#include "findings.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules.h"

static const struct option OPTIONS[] = {
	{ "since", 0, OPTION_TIME, offsetof(struct findings_options, since_ms), "TIME", "found at or after this time, or this long ago (7d)" },
	{ "until", 0, OPTION_TIME, offsetof(struct findings_options, until_ms), "TIME", "found before this time" },
	{ "rule", 0, OPTION_TEXT, offsetof(struct findings_options, rule), "RULE", "of this rule, such as brand/global-ordnance" },
	{ "kind", 0, OPTION_TEXT, offsetof(struct findings_options, kind), "KIND", "indicator, naming, brand, own, watch or unreadable" },
	{ "brand", 0, OPTION_TEXT, offsetof(struct findings_options, brand), "NAME", "for this watched organisation, as shown" },
	{ "status", 0, OPTION_TEXT, offsetof(struct findings_options, status), "STATUS", "new, acknowledged, confirmed or dismissed" },
	{ "min-score", 0, OPTION_SCORE, offsetof(struct findings_options, min_score), "N", "with at least this score" },
	{ "all", 'a', OPTION_FLAG, offsetof(struct findings_options, all), NULL, "also those below their rule's threshold" },
	{ "limit", 'n', OPTION_UINT, offsetof(struct findings_options, limit), "N", "the newest N; 0: all (a table shows 100 unless told)" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct findings_options, format), "KIND", "text, json or jsonl" },
	{ "why", 0, OPTION_TEXT, offsetof(struct findings_options, why), "TEXT", "the reason, kept with the decision" },
	{ "who", 0, OPTION_TEXT, offsetof(struct findings_options, who), "NAME", "who decides (default: the user's name)" },
	{ "output", 'o', OPTION_TEXT, offsetof(struct findings_options, output), "DIR", "where evidence is written: a directory that is not there yet" },
	{ 0 },
};

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* EXIT_DONE, or what cli_usage gave. */
static int check_filters(struct cli *cli, const struct findings_options *options)
{
	static const char *const statuses[] = { "new", "acknowledged", "confirmed", "dismissed", NULL };
	enum finding_kind kind;

	if (options->kind != NULL && !finding_kind_parse(slice_text(options->kind), &kind))
		return cli_usage(cli, "there is no kind '%s': indicator, naming, brand, own, watch or unreadable", options->kind);
	if (options->status != NULL && !is_one_of(options->status, statuses))
		return cli_usage(cli, "there is no status '%s': new, acknowledged, confirmed or dismissed", options->status);
	if (options->until_ms != 0 && options->since_ms >= options->until_ms)
		return cli_usage(cli, "--since must be before --until");
	return EXIT_DONE;
}

/* ---- which findings ------------------------------------------------------------------------------------ */

/* Ids out of what stands on the line: a word with a dot is a name, and stands for every finding of its registrable domain. */
struct chosen {
	char **ids;
	size_t n, cap;
	const char *domain;               /* being looked for */
};

static void choose(struct chosen *chosen, const char *id)
{
	if (chosen->n == chosen->cap) {
		chosen->cap = chosen->cap == 0 ? 8 : chosen->cap * 2;
		chosen->ids = xreallocarray(chosen->ids, chosen->cap, sizeof(*chosen->ids));
	}
	chosen->ids[chosen->n++] = xstrdup(id);
}

static void chosen_deinit(struct chosen *chosen)
{
	for (size_t i = 0; i < chosen->n; i++)
		free(chosen->ids[i]);
	free(chosen->ids);
}

/* Is the name this domain, or below it? */
static bool is_within(const char *name, const char *domain)
{
	size_t len = strlen(name), domain_len = strlen(domain);

	return len >= domain_len && strcmp(name + len - domain_len, domain) == 0 && (len == domain_len || name[len - domain_len - 1] == '.');
}

/* A finding is of a registrable domain: whatever name below it is pasted (www.NAME, the host of a URL) means it. */
static bool choose_of_domain(void *ctx, const struct finding *f)
{
	struct chosen *chosen = ctx;

	if (is_within(chosen->domain, f->registrable_domain) || strcmp(f->name, chosen->domain) == 0)
		choose(chosen, f->id);
	return true;
}

/* "Drive-Us[.]online" as the table prints it, or a URL out of a mail; what is no name at all stays as it is. malloc'd. */
static char *refanged(const char *word)
{
	struct given_name name;
	struct error ignored;

	return xstrdup(given_name_read(slice_text(word), &name, &ignored) ? name.name : word);
}

static bool choose_all(struct state *st, char **words, int n, struct chosen *out, struct error *err)
{
	const struct finding_filter everything = { .all = true };
	struct chosen chosen = { 0 };
	bool ok = true;

	for (int i = 0; ok && i < n; i++) {
		size_t before = chosen.n;
		char *name;

		if (strchr(words[i], '.') == NULL) {
			choose(&chosen, words[i]);
			continue;
		}
		name = refanged(words[i]);
		chosen.domain = name;
		ok = state_each_finding(st, &everything, choose_of_domain, &chosen, err);
		if (ok && chosen.n == before)
			ok = error_set(err, ERR_USAGE, "nothing was found for %s", words[i]);
		free(name);
	}
	if (ok)
		*out = chosen;
	else
		chosen_deinit(&chosen);
	return ok;
}

/* ---- triage ------------------------------------------------------------------------------------------- */

struct verb {
	const char *word, *action, *done;
	bool wants_text;                  /* the last word is the note's text */
};

static const struct verb VERBS[] = {
	{ "ack", "acknowledged", "acknowledged", false },
	{ "dismiss", "dismissed", "dismissed: quiet until its severity rises", false },
	{ "confirm", "confirmed", "confirmed", false },
	{ "reopen", "new", "open again", false },
	{ "note", "note", "noted", true },
};

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(VERBS); i++)
		if (strcmp(VERBS[i].word, word) == 0)
			return &VERBS[i];
	return NULL;
}

static const char *user_name(const struct findings_options *options)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *user;

	if (options->who != NULL)
		return options->who;
	if (sudo != NULL && sudo[0] != '\0')
		return sudo;
	user = getpwuid(geteuid());
	return user != NULL ? user->pw_name : "unknown";
}

/* Every id on the line, in one transaction: all of them or none. */
static int decide(struct cli *cli, struct state *st, const struct verb *verb, const struct findings_options *options, const char *why, char **ids, int n_ids)
{
	struct error err;

	if (!state_begin(st, &err))
		return cli_fail_state(cli, &err);
	for (int i = 0; i < n_ids; i++) {
		if (!state_triage(st, ids[i], verb->action, user_name(options), why, cli->now_ms, &err)) {
			state_abort(st);
			return cli_fail_state(cli, &err);
		}
	}
	if (!state_commit(st, &err)) {
		state_abort(st);
		return cli_fail_state(cli, &err);
	}
	if (!cli->quiet)
		for (int i = 0; i < n_ids; i++)
			fprintf(cli->out, "%s %s\n", ids[i], verb->done);
	return EXIT_DONE;
}

static int triage(struct cli *cli, const struct verb *verb, const struct findings_options *options, char **words, int n_words)
{
	const char *why = options->why;
	struct state *st;
	struct error err;

	if (verb->wants_text && why == NULL && n_words >= 2)
		why = words[--n_words];
	if (n_words == 0)
		return cli_usage(cli, "%s wants the id of a finding%s", verb->word, verb->wants_text ? " and a text" : "");
	if (verb->wants_text && (why == NULL || why[0] == '\0'))
		return cli_usage(cli, "note wants a text after the id");
	if (strcmp(verb->word, "dismiss") == 0 && (why == NULL || why[0] == '\0'))
		return cli_usage(cli, "dismiss wants --why TEXT: the report says why a finding was put aside");
	if (!cli_state(cli, STATE_WRITE, &st, &err))
		return cli_fail(cli, &err);
	struct chosen chosen;
	int code = EXIT_NO;

	if (choose_all(st, words, n_words, &chosen, &err)) {
		code = decide(cli, st, verb, options, why, chosen.ids, (int)chosen.n);
		chosen_deinit(&chosen);
	} else {
		code = cli_fail_state(cli, &err);
	}
	state_close(st);
	return code;
}

/* ---- show ----------------------------------------------------------------------------------------------- */

static bool print_json(struct cli *cli, struct state *st, const struct finding *f, enum output_format format, struct error *err)
{
	char *text;

	if (!state_finding_json(st, f, &text, err))
		return false;
	cli_json(cli, format, json_loads(text, 0, NULL));
	free(text);
	return true;
}

static int show_one(struct cli *cli, struct state *st, const char *id, enum output_format format)
{
	struct finding f;
	struct error err;
	int code = EXIT_DONE;

	if (!state_get_finding(st, id, &f, &err))
		return cli_fail_state(cli, &err);
	if (format == OUTPUT_TEXT)
		code = finding_show(cli, st, &f, &err);
	else if (!print_json(cli, st, &f, format, &err))
		code = cli_fail_state(cli, &err);
	finding_deinit(&f);
	return code;
}

static int show(struct cli *cli, struct state *st, const struct findings_options *options, char **ids, int n_ids)
{
	int code = EXIT_DONE;

	for (int i = 0; i < n_ids && code == EXIT_DONE; i++) {
		if (i > 0 && options->format == OUTPUT_TEXT)
			fputc('\n', cli->out);
		code = show_one(cli, st, ids[i], options->format);
	}
	return code;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static int read_only(struct cli *cli, const struct findings_options *options, char **ids, int n_ids)
{
	struct state *st;
	struct error err;

	if (!cli_state(cli, STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	struct chosen chosen;
	int code;

	if (n_ids == 0) {
		code = findings_list(cli, st, options);
	} else if (choose_all(st, ids, n_ids, &chosen, &err)) {
		code = show(cli, st, options, chosen.ids, (int)chosen.n);
		chosen_deinit(&chosen);
	} else {
		code = cli_fail_state(cli, &err);
	}

	state_close(st);
	return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct findings_options options = { .limit = UINT64_MAX };
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code) || (code = check_filters(cli, &options)) != EXIT_DONE)
		return code;
	const char *word = argc > 1 ? argv[1] : "list";
	const struct verb *verb = find_verb(word);

	if (verb != NULL)
		return triage(cli, verb, &options, argv + 2, argc - 2);
	if (strcmp(word, "show") == 0)
		return argc > 2 ? read_only(cli, &options, argv + 2, argc - 2) : cli_usage(cli, "show wants the id of a finding");
	if (strcmp(word, "evidence") == 0)
		return argc == 3 ? findings_evidence(cli, argv[2], options.output) : cli_usage(cli, "evidence wants the id of one finding");
	if (strcmp(word, "list") != 0)
		return cli_usage(cli, "there is no 'findings %s'", word);
	if (argc > 2)
		return cli_usage(cli, "list takes options only, but there is '%s'", argv[2]);
	return read_only(cli, &options, NULL, 0);
}

const struct command findings_command = {
	.name = "findings",
	.summary = "what was found: list, show, acknowledge, dismiss, confirm",
	.usage = "[list] [--since T] [--kind K] [--brand B] [--all] ...\n"
		 "show ID|NAME...\n"
		 "ack|confirm|reopen ID|NAME... [--why TEXT]\n"
		 "dismiss ID|NAME... --why TEXT\n"
		 "note ID TEXT\n"
		 "evidence ID [-o DIR]",
	.help = "Lists findings, newest first: those whose score reaches their rule's threshold,\n"
		"all with --all. An id may be cut to its first letters, four at least; a name\n"
		"in its place stands for all findings of that domain. The table has a row for\n"
		"each domain, for its strongest finding. Exit code 1: nothing found, or no such\n"
		"finding.\n"
		"\n"
		"  ctwatch findings --since 7d                     the last week\n"
		"  ctwatch findings --brand \"Global Ordnance\"      of one watched organisation\n"
		"  ctwatch findings --all --format jsonl           everything, an object a line\n"
		"  ctwatch findings show k3vq                      why, certificates, what next\n"
		"  ctwatch findings dismiss k3vq --why \"our own test\"\n"
		"  ctwatch findings evidence k3vq -o case-17       proofs for others to check\n"
		"\n"
		"A dismissed finding stays quiet until its severity rises. Decisions are kept\n"
		"with who, when and why, and can be made while ctwatch runs.",
	.options = OPTIONS,
	.run = run,
};
