/* `findings show`: one finding on one screen, with everything that a decision needs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "findings.h"
#include "render.h"
#include "rules.h"
#include "words.h"

#define NAMES_SHOWN 8
#define CERTIFICATES_SHOWN 3

static void print_text(FILE *out, const char *text)
{
	struct buf safe;

	buf_init(&safe, 1u << 16);
	if (text != NULL)
		render_plain(&safe, text);
	fputs(buf_text(&safe), out);
	buf_deinit(&safe);
}

static void print_time(FILE *out, int64_t time_ms)
{
	char text[TIME_TEXT_LEN];

	time_format_rfc3339(time_ms, text);
	fprintf(out, "%.10s %.8s UTC", text, text + 11);
}

/* ---- the name with what matched marked ------------------------------------------------------------------ */

static bool is_plain_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._*") == strlen(name);
}

static bool is_marked(const json_t *evidence, size_t at)
{
	const json_t *row;
	size_t i;

	json_array_foreach(evidence, i, row) {
		const json_t *span = json_object_get(row, "span");
		json_int_t start, end;

		if (json_is_array(span) && json_unpack((json_t *)span, "[II]", &start, &end) == 0 && (json_int_t)at >= start && (json_int_t)at < end)
			return true;
	}
	return false;
}

/* Dots become "[.]": the marks below shift with them. */
static void print_marked_name(struct cli *cli, const struct finding *f, const json_t *evidence)
{
	struct palette palette = cli_palette(cli);
	char *name = defang(f->name);
	size_t end = 0;                   /* behind the last mark */

	fprintf(cli->out, "%s", palette.bold);
	print_text(cli->out, name);
	fprintf(cli->out, "%s\n", palette.reset);
	free(name);
	for (size_t i = 0; f->name[i] != '\0'; i++)
		end = is_marked(evidence, i) ? i + 1 : end;
	if (end == 0 || !is_plain_name(f->name))
		return;
	for (size_t i = 0; i < end; i++) {
		const char *mark = is_marked(evidence, i) ? "^" : " ";

		for (int width = f->name[i] == '.' ? 3 : 1; width > 0; width--)
			fputs(mark, cli->out);
	}
	fputc('\n', cli->out);
}

/* ---- parts -------------------------------------------------------------------------------------------------- */

static void print_head(struct cli *cli, const struct finding *f, const json_t *evidence)
{
	struct palette palette = cli_palette(cli);
	const char *severity = severity_name(severity_of(f->score));
	char *name = defang(f->name), *sentence = finding_sentence(f, name), ago[TIME_TEXT_LEN];

	print_marked_name(cli, f, evidence);
	fputc('\n', cli->out);
	struct buf safe;
	buf_init(&safe, 1u << 16);
	render_plain(&safe, sentence);
	cli_paragraph(cli->out, cli->width, 0, buf_text(&safe));
	buf_deinit(&safe);
	fprintf(cli->out, "\n  severity   %s%s%s, score %d of 100%s\n", palette_severity(&palette, severity), severity, palette.reset, f->score,
		f->flagged ? "" : " (below the rule's threshold)");
	fprintf(cli->out, "  status     %s\n  rule       ", f->status);
	print_text(cli->out, f->rule);
	fputs("\n  found      ", cli->out);
	print_time(cli->out, f->first_seen_ms);
	fprintf(cli->out, " (%s)%s\n", ago_format(f->first_seen_ms, cli->now_ms, ago), f->found_by_change ? ", when the rules changed" : "");
	fputs("  logged     ", cli->out);
	print_time(cli->out, f->first_logged_ms);
	fprintf(cli->out, ", %s\n  id         %s\n", verified_phrase(f->verified, f->withdrawn), f->id);
	free(sentence);
	free(name);
}

static void print_evidence(struct cli *cli, const json_t *evidence)
{
	const json_t *row;
	size_t i;

	if (json_array_size(evidence) == 0)
		return;
	fputs("\nWhy\n", cli->out);
	json_array_foreach(evidence, i, row) {
		int points = (int)json_integer_value(json_object_get(row, "points"));

		if (points != 0)
			fprintf(cli->out, "  %+4d  ", points);
		else
			fputs("        ", cli->out);
		int column = 8 + fprintf(cli->out, "%-8s ", json_string_value(json_object_get(row, "signal")));
		struct buf detail;

		buf_init(&detail, 1u << 16);
		render_plain(&detail, json_string_value(json_object_get(row, "detail")));
		cli_continue(cli->out, cli->width, column, column, buf_text(&detail));
		buf_deinit(&detail);
	}
}

static void print_names(struct cli *cli, const json_t *certificate)
{
	const json_t *names = json_object_get(certificate, "names");
	size_t n = json_array_size(names), n_all = json_read_count(certificate, "names", "names_total");
	size_t n_shown = n < NAMES_SHOWN ? n : NAMES_SHOWN;

	fputs("    names    ", cli->out);
	for (size_t i = 0; i < n_shown; i++) {
		char *name = defang(json_string_value(json_array_get(names, i)));

		fputs(i > 0 ? "\n             " : "", cli->out);
		print_text(cli->out, name);
		free(name);
	}
	if (n_all > n_shown)
		fprintf(cli->out, "%sand %zu more", n_shown > 0 ? "\n             " : "", n_all - n_shown);
	fputc('\n', cli->out);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "unknown";
}

static void print_sightings(struct cli *cli, const json_t *sightings)
{
	const json_t *s;
	size_t i;

	json_array_foreach(sightings, i, s) {
		const char *name = text_of(json_object_get(s, "log"), "name");

		fputs(i == 0 ? "    seen in  " : "             ", cli->out);
		print_text(cli->out, name[0] != '\0' ? name : text_of(json_object_get(s, "log"), "id"));
		fprintf(cli->out, ", entry %" JSON_INTEGER_FORMAT " of %.10s %.8s\n", json_integer_value(json_object_get(s, "index")), text_of(s, "timestamp"),
			strlen(text_of(s, "timestamp")) > 19 ? text_of(s, "timestamp") + 11 : "");
	}
}

static void print_certificate(struct cli *cli, const json_t *c)
{
	const char *type = strcmp(text_of(c, "type"), "precert") == 0 ? "Precertificate" : "Certificate";

	if (text_of(c, "serial")[0] == '\0') {
		fprintf(cli->out, "\n  %s that cannot be read", type);
	} else {
		fprintf(cli->out, "\n  %s by ", type);
		print_text(cli->out, text_of(c, "issuer"));
		fprintf(cli->out, "\n    valid    %.10s to %.10s\n    serial   ", text_of(c, "not_before"), text_of(c, "not_after"));
		print_text(cli->out, text_of(c, "serial"));
	}
	fprintf(cli->out, "\n    sha256   %s\n", text_of(c, "sha256"));
	print_names(cli, c);
	print_sightings(cli, json_object_get(c, "sightings"));
	if (json_object_get(c, "note") != NULL) {
		fputs("    note     ", cli->out);
		print_text(cli->out, text_of(c, "note"));
		fputc('\n', cli->out);
	}
}

static void print_certificates(struct cli *cli, const struct finding *f, const json_t *certificates)
{
	size_t n = json_array_size(certificates);

	fprintf(cli->out, "\nCertificates: %" PRIu64 "%s\n", f->certificate_count, f->certificate_count > n ? ", the newest of them" : "");
	for (size_t i = 0; i < n; i++)
		print_certificate(cli, json_array_get(certificates, i));
}

static bool print_decision(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms)
{
	struct cli *cli = ctx;

	(void)finding;
	fputs("  ", cli->out);
	print_time(cli->out, at_ms);
	fprintf(cli->out, "  %s by ", strcmp(action, "new") == 0 ? "reopened" : action);
	print_text(cli->out, who[0] != '\0' ? who : "unknown");
	if (why != NULL) {
		fputs(": ", cli->out);
		print_text(cli->out, why);
	}
	fputc('\n', cli->out);
	return true;
}

static bool count_decision(void *ctx, const char *finding, const char *action, const char *who, const char *why, int64_t at_ms)
{
	(void)finding;
	(void)action;
	(void)who;
	(void)why;
	(void)at_ms;
	++*(size_t *)ctx;
	return true;
}

static bool print_triage(struct cli *cli, struct state *st, const struct finding *f, struct error *err)
{
	size_t n = 0;

	if (!state_each_triage(st, f->id, 0, 0, count_decision, &n, err))
		return false;
	if (n == 0)
		return true;
	fputs("\nDecisions\n", cli->out);
	return state_each_triage(st, f->id, 0, 0, print_decision, cli, err);
}

static void print_next(struct cli *cli, const struct finding *f)
{
	fputs("\nNext\n", cli->out);
	for (const char *const *step = finding_next_steps(f); *step != NULL; step++)
		cli_paragraph(cli->out, cli->width, 2, *step);
	char *evidence = xasprintf("To show it to others: ctwatch findings evidence %.8s", f->id);
	cli_paragraph(cli->out, cli->width, 2, evidence);
	free(evidence);
}

int finding_show(struct cli *cli, struct state *st, const struct finding *f, struct error *err)
{
	char *text;

	if (!state_finding_certificates_json(st, f->id, CERTIFICATES_SHOWN, &text, err))
		return cli_fail_state(cli, err);
	json_t *certificates = json_loads(text, 0, NULL), *evidence = json_loads(f->evidence_json, 0, NULL);

	free(text);
	print_head(cli, f, evidence);
	print_evidence(cli, evidence);
	print_certificates(cli, f, certificates);
	bool ok = print_triage(cli, st, f, err);
	if (ok)
		print_next(cli, f);
	json_decref(certificates);
	json_decref(evidence);
	return ok ? EXIT_DONE : cli_fail_state(cli, err);
}
