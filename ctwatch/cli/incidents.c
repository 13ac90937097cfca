/* `ctwatch incidents`: what logs did wrong, with the evidence. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "words.h"

struct incidents_options {
	enum output_format format;
	const char *why;
	int64_t since_ms;
	bool all;
};

static const struct option OPTIONS[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct incidents_options, all), NULL, "also those that are closed" },
	{ "since", 0, OPTION_TIME, offsetof(struct incidents_options, since_ms), "TIME", "open at or after this time, closed ones too" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct incidents_options, format), "KIND", "text, json or jsonl" },
	{ "why", 0, OPTION_TEXT, offsetof(struct incidents_options, why), "TEXT", "close: the reason" },
	{ 0 },
};

struct listing {
	struct cli *cli;
	enum output_format format;
	struct palette palette;
	json_t *array;
	size_t n;
};

static json_t *time_or_null(int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	return time_ms > 0 ? json_string(time_format_rfc3339(time_ms, text)) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *incident_json(const struct incident *i)
{
	static const struct hash nobody;
	char id[BASE64_LEN(HASH_LEN) + 1];
	json_t *o = json_object(), *details = i->details_json != NULL ? json_loads(i->details_json, 0, NULL) : NULL, *log = json_null();

	if (!hash_equal(&i->log_id, &nobody)) {
		base64_encode(i->log_id.bytes, HASH_LEN, id);
		log = json_pack("{s:s,s:o}", "id", id, "name", text_or_null(i->log_name));
	}
	json_object_set_new(o, "id", json_string(i->id));
	json_object_set_new(o, "class", json_string(i->class_name));
	json_object_set_new(o, "subject", text_or_null(i->subject));
	json_object_set_new(o, "severity", json_string(i->severity));
	json_object_set_new(o, "log", log);
	json_object_set_new(o, "summary", json_string(i->summary));
	json_object_set_new(o, "details", details != NULL ? details : json_object());
	json_object_set_new(o, "evidence", text_or_null(i->evidence_dir));
	json_object_set_new(o, "count", json_integer((json_int_t)i->count));
	json_object_set_new(o, "opened", time_or_null(i->opened_ms));
	json_object_set_new(o, "updated", time_or_null(i->updated_ms));
	json_object_set_new(o, "closed", time_or_null(i->closed_ms));
	json_object_set_new(o, "closed_why", text_or_null(i->closed_why));
	return o;
}

static const char *log_name_of(const struct incident *i)
{
	return i->log_name != NULL && i->log_name[0] != '\0' ? i->log_name : "this monitor";
}

/* Two lines: what and where, then the sentence. */
static void print_entry(struct listing *l, const struct incident *i)
{
	char age[TIME_TEXT_LEN], log[256], summary[1024];

	fprintf(l->cli->out, "%.8s  %s%-8s%s  %s, ", i->id, palette_severity(&l->palette, i->severity), i->severity, l->palette.reset, i->class_name);
	if (i->closed_ms != 0)
		fprintf(l->cli->out, "closed after %s", duration_format(i->closed_ms - i->opened_ms, age));
	else
		fprintf(l->cli->out, "opened %s", ago_format(i->opened_ms, l->cli->now_ms, age));
	fprintf(l->cli->out, ", %s\n", text_escape(slice_text(log_name_of(i)), log, sizeof(log)));
	cli_paragraph(l->cli->out, l->cli->width, 10, text_escape(slice_text(i->summary), summary, sizeof(summary)));
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct listing *l = ctx;

	l->n++;
	if (l->format == OUTPUT_TEXT)
		print_entry(l, i);
	else if (l->format == OUTPUT_JSONL)
		cli_json(l->cli, OUTPUT_JSONL, incident_json(i));
	else
		json_array_append_new(l->array, incident_json(i));
	return true;
}

static int list(struct cli *cli, struct state *st, const struct incidents_options *options)
{
	struct listing l = { .cli = cli, .format = options->format, .palette = cli_palette(cli), .array = json_array() };
	bool open_only = !options->all && options->since_ms == 0;
	struct error err;
	bool ok = state_each_incident(st, open_only, options->since_ms, 0, on_incident, &l, &err);

	if (ok && l.format == OUTPUT_JSON)
		cli_json(cli, OUTPUT_JSON, json_incref(l.array));
	if (ok && l.format == OUTPUT_TEXT && l.n == 0)
		fprintf(cli->out, "No incident%s.\n", open_only ? " is open" : options->all ? "" : " in that time");
	json_decref(l.array);
	return ok ? EXIT_DONE : cli_fail_state(cli, &err);
}

/* ---- show ---------------------------------------------------------------------------------------------- */

static void print_time(struct cli *cli, const char *label, int64_t time_ms)
{
	char text[TIME_TEXT_LEN], ago[TIME_TEXT_LEN];

	time_format_rfc3339(time_ms, text);
	fprintf(cli->out, "  %-9s %.10s %.8s UTC (%s)\n", label, text, text + 11, ago_format(time_ms, cli->now_ms, ago));
}

static void print_line(struct cli *cli, const char *label, const char *text)
{
	char safe[2048];

	fprintf(cli->out, "  %-9s %s\n", label, text_escape(slice_text(text), safe, sizeof(safe)));
}

static void print_details(struct cli *cli, const char *details_json)
{
	json_t *details = json_loads(details_json, 0, NULL);

	if (json_object_size(details) > 0) {
		fputs("\nDetails\n", cli->out);
		json_dumpf(details, cli->out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		fputc('\n', cli->out);
	}
	json_decref(details);
}

/* What the program does meanwhile, and how verification goes on; NULL: it closes by itself when it is over. */
static const char *how_it_goes_on(const char *class_name)
{
	static const struct {
		const char *class_name, *sentence;
	} SENTENCES[] = {
		{ "ENTRIES_MISMATCH", "Reading and matching go on, unverified. Verification goes on by itself as soon as entries hash to a later signed head. When the log's "
				      "operator has put right what it serves, close this incident: what does not fit is then read again and compared anew, within seconds "
				      "by a running daemon, else at the next start." },
		{ "INCONSISTENT_STH", "The head in question is set aside as evidence and compared no more; verification goes on by itself at the first later head that the "
				      "entries hash to. The proof stays true, so only you can close this incident. Closing it also has a set-aside head that is not passed yet "
				      "compared again, with entries that are read anew." },
		{ "FORK", "The root that came first is followed, the other is kept as evidence. Both are signed, so only you can close this incident; it opens again when the "
			  "log serves the other root again." },
		{ "ROLLBACK", "The log is read on from its larger tree as soon as it serves it again. Both heads are signed, so only you can close this incident." },
		{ "CHECK_REFUSED", "The check is asked for again every hour. This closes by itself when the log answers, or when entries have shown the same." },
		{ "VERIFICATION_STALLED", "Reading and matching go on. This closes by itself when the verified size moves; the other open incidents of the log say what is in its "
					  "way." },
		{ "UNLOGGED_ENTRY", "The findings named are marked as withdrawn. Keep the evidence: nobody else can see that certificate in the log. Only you can close this "
				    "incident." },
	};

	for (size_t i = 0; i < ARRAY_LEN(SENTENCES); i++)
		if (strcmp(SENTENCES[i].class_name, class_name) == 0)
			return SENTENCES[i].sentence;
	return NULL;
}

static void print_incident(struct cli *cli, struct state *st, const struct incident *i)
{
	char *sentence = incident_sentence(i), safe[2048];

	cli_paragraph(cli->out, cli->width, 0, text_escape(slice_text(sentence), safe, sizeof(safe)));
	free(sentence);
	fputc('\n', cli->out);
	print_line(cli, "log", log_name_of(i));
	print_line(cli, "severity", i->severity);
	print_time(cli, "opened", i->opened_ms);
	if (i->count > 1)
		print_time(cli, "again", i->updated_ms);
	fprintf(cli->out, "  %-9s %" PRIu64 " time%s\n", "seen", i->count, i->count == 1 ? "" : "s");
	if (i->closed_ms != 0)
		print_time(cli, "closed", i->closed_ms);
	if (i->closed_why != NULL)
		print_line(cli, "why", i->closed_why);
	print_line(cli, "id", i->id);
	if (i->evidence_dir != NULL)
		fprintf(cli->out, "  %-9s %s/%s\n            (check it: cd there, sha256sum -c manifest.sha256)\n", "evidence", state_directory(st), i->evidence_dir);
	const char *next = i->closed_ms == 0 ? how_it_goes_on(i->class_name) : NULL;
	if (next != NULL) {
		fputc('\n', cli->out);
		cli_paragraph(cli->out, cli->width, 0, next);
	}
	print_details(cli, i->details_json);
}

static int show(struct cli *cli, struct state *st, const char *id, enum output_format format)
{
	struct incident incident;
	struct error err;

	if (!state_get_incident(st, id, &incident, &err))
		return cli_fail_state(cli, &err);
	if (format == OUTPUT_TEXT)
		print_incident(cli, st, &incident);
	else
		cli_json(cli, format, incident_json(&incident));
	incident_deinit(&incident);
	return EXIT_DONE;
}

static int close_one(struct cli *cli, struct state *st, const char *id, const char *why)
{
	struct error err;

	if (!state_close_incident(st, id, why, cli->now_ms, &err))
		return cli_fail_state(cli, &err);
	if (!cli->quiet)
		fprintf(cli->out, "%s closed; it opens again if the log does it again\n", id);
	return EXIT_DONE;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static int run(struct cli *cli, int argc, char **argv)
{
	struct incidents_options options = { 0 };
	struct state *st;
	struct error err;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	const char *word = argc > 1 ? argv[1] : "list";
	bool is_list = strcmp(word, "list") == 0, is_show = strcmp(word, "show") == 0, is_close = strcmp(word, "close") == 0;

	if (!is_list && !is_show && !is_close)
		return cli_usage(cli, "there is no 'incidents %s'", word);
	if (!is_list && argc != 3)
		return cli_usage(cli, "%s wants the id of one incident", word);
	if (is_list && argc > 2)
		return cli_usage(cli, "list takes options only, but there is '%s'", argv[2]);
	if (is_close && (options.why == NULL || options.why[0] == '\0'))
		return cli_usage(cli, "close wants --why TEXT: whoever reads the report wants to know");
	if (!cli_state(cli, is_close ? STATE_WRITE : STATE_READ, &st, &err))
		return cli_fail(cli, &err);
	if (is_list)
		code = list(cli, st, &options);
	else
		code = is_show ? show(cli, st, argv[2], options.format) : close_one(cli, st, argv[2], options.why);
	state_close(st);
	return code;
}

const struct command incidents_command = {
	.name = "incidents",
	.summary = "what logs did wrong, with evidence: list, show, close",
	.usage = "[list] [--all] [--since T]\n"
		 "show ID\n"
		 "close ID --why TEXT",
	.help = "Incidents open when a log contradicts itself, breaks a rule of its API or\n"
		"cannot be read, and close when that ends; a contradiction stays open until\n"
		"somebody closes it. Evidence that a third party can check is kept in the state\n"
		"directory and never removed by retention.",
	.options = OPTIONS,
	.run = run,
};
