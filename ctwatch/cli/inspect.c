/* `ctwatch inspect`: what the rules say of certificates in files, PEM or DER. */
#include "rules_cli.h"

#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_FILE_MAX (16u << 20)
#define NAMES_SHOWN_MAX 8

struct inspect_options {
	const char *rules;
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "rules", 0, OPTION_TEXT, offsetof(struct inspect_options, rules), "LIST", "packs and files, separated by commas, instead of the configuration's" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct inspect_options, format), "KIND", "text, json or jsonl" },
	{ 0 },
};

struct inspect {
	struct cli *cli;
	const struct inspect_options *options;
	struct cli_rules rules;
	struct cert_names names;
	size_t n_certificates;
	bool any_flagged, any_failed;
};

static json_t *json_names(const struct cert_names *names)
{
	json_t *array = json_array();
	char text[1024], escaped[sizeof(text) * 4];

	for (size_t i = 0; i < names->n; i++) {
		name_format(&names->items[i], text, sizeof(text));
		json_array_append_new(array, json_string(text_escape(slice_text(text), escaped, sizeof(escaped))));
	}
	return array;
}

static void print_certificate(struct cli *cli, json_t *answer)
{
	json_t *names = json_object_get(answer, "names"), *matches = json_object_get(answer, "matches"), *item;
	size_t n = json_array_size(names), i;

	fprintf(cli->out, "%s: %s\n", json_string_value(json_object_get(answer, "file")),
		json_is_true(json_object_get(answer, "flagged")) ? "flagged" : "not flagged");
	cli_print_sentence(cli, "  issued by %s,", json_string_value(json_object_get(answer, "issuer")));
	fprintf(cli->out, "  valid %s to %s\n", json_string_value(json_object_get(answer, "not_before")),
		json_string_value(json_object_get(answer, "not_after")));
	fprintf(cli->out, "  %zu name%s%s\n", n, n == 1 ? "" : "s", n > 0 ? ":" : "");
	for (i = 0; i < n && i < NAMES_SHOWN_MAX; i++)
		fprintf(cli->out, "    %s\n", json_string_value(json_array_get(names, i)));
	if (n > NAMES_SHOWN_MAX)
		fprintf(cli->out, "    and %zu more\n", n - NAMES_SHOWN_MAX);
	json_array_foreach(matches, i, item)
		cli_print_match(cli, item);
}

static void judge(struct inspect *in, const char *file, const struct cert_view *view)
{
	struct error err;
	struct rule_subject subject = { .issuer_org = view->issuer_org, .issuer = view->issuer, .names = &in->names };
	struct match_list matches;
	char text[512], *json;
	json_t *answer = json_object();
	bool flagged = false;

	names_clear(&in->names);
	subject.names_incomplete = !names_collect(view, &in->names, &err) || in->names.n_unreadable > 0;
	match_list_init(&matches);
	ruleset_match(in->rules.rules, in->rules.scratch, &subject, &matches);
	for (size_t i = 0; i < matches.n; i++)
		flagged |= matches.items[i].flagged;
	json = match_list_json(&matches);
	json_object_set_new(answer, "file", json_string(file));
	json_object_set_new(answer, "issuer", json_string(x509_name_format(view->issuer, text, sizeof(text))));
	json_object_set_new(answer, "not_before", json_string(time_format_rfc3339(view->not_before_ms, text)));
	json_object_set_new(answer, "not_after", json_string(time_format_rfc3339(view->not_after_ms, text)));
	json_object_set_new(answer, "names", json_names(&in->names));
	json_object_set_new(answer, "flagged", json_boolean(flagged));
	json_object_set_new(answer, "matches", json_loads(json, 0, NULL));
	free(json);
	match_list_deinit(&matches);
	in->any_flagged |= flagged;
	in->n_certificates++;
	if (in->options->format == OUTPUT_TEXT) {
		print_certificate(in->cli, answer);
		json_decref(answer);
	} else {
		cli_json(in->cli, in->options->format, answer);
	}
}

static bool inspect_der(struct inspect *in, const char *file, struct slice der)
{
	struct cert_view view;
	struct error err, ignored;

	/* a bare TBSCertificate, as precertificate entries hold it, is fine too */
	if (cert_scan(der, &view, &err) || cert_scan_tbs(der, &view, &ignored)) {
		judge(in, file, &view);
		return true;
	}
	error_context(&err, "%s", file);
	cli_fail(in->cli, &err);
	in->any_failed = true;
	return false;
}

/* Position of `text` in `in`, or -1. */
static ptrdiff_t find_text(struct slice in, const char *text)
{
	size_t len = strlen(text);
	const uint8_t *at = in.len >= len ? memmem(in.data, in.len, text, len) : NULL;

	return at != NULL ? at - in.data : -1;
}

/* The DER of the next PEM block; the text shrinks behind it. */
static bool take_pem(struct slice *text, uint8_t *der, size_t *len)
{
	static const char BEGIN[] = "-----BEGIN CERTIFICATE-----", END[] = "-----END CERTIFICATE-----";
	ptrdiff_t begin = find_text(*text, BEGIN), end;
	size_t n = 0;
	uint8_t *base64;
	bool ok;

	if (begin < 0)
		return false;
	*text = slice_sub(*text, (size_t)begin + sizeof(BEGIN) - 1, text->len);
	end = find_text(*text, END);
	if (end < 0)
		return false;
	base64 = xmalloc((size_t)end + 1);
	for (ptrdiff_t i = 0; i < end; i++)
		if (text->data[i] > ' ')
			base64[n++] = text->data[i];
	ok = base64_decode(slice_of(base64, n), der, len);
	free(base64);
	*text = slice_sub(*text, (size_t)end, text->len);
	return ok;
}

static bool inspect_file(struct inspect *in, const char *path, struct error *err)
{
	struct buf file;
	struct slice rest;
	uint8_t *der;
	size_t len, before = in->n_certificates;
	bool is_pem;

	buf_init(&file, CERTIFICATE_FILE_MAX);
	if (!file_read(path, CERTIFICATE_FILE_MAX, &file, err)) {
		buf_deinit(&file);
		return false;
	}
	rest = buf_slice(&file);
	is_pem = find_text(rest, "-----BEGIN ") >= 0;
	der = xmalloc(file.len + 1);
	while (is_pem && take_pem(&rest, der, &len))
		inspect_der(in, path, slice_of(der, len));
	if (!is_pem)
		inspect_der(in, path, rest);
	else if (in->n_certificates == before && !in->any_failed) {
		error_set(err, ERR_USAGE, "%s: no PEM block \"CERTIFICATE\" can be read from it", path);
		cli_fail(in->cli, err);
		in->any_failed = true;
	}
	free(der);
	buf_deinit(&file);
	return true;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct inspect_options options = { 0 };
	struct inspect in = { .cli = cli, .options = &options };
	struct error err;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc < 2)
		return cli_usage(cli, "which files?");
	if (!cli_rules_open(cli, options.rules, &in.rules, &err))
		return cli_fail(cli, &err);
	names_init(&in.names);
	code = EXIT_DONE;
	for (int i = 1; i < argc && code == EXIT_DONE; i++)
		if (!inspect_file(&in, argv[i], &err))
			code = cli_fail(cli, &err);
	names_deinit(&in.names);
	cli_rules_close(&in.rules);
	if (code != EXIT_DONE)
		return code;
	return in.any_failed ? EXIT_USAGE : in.any_flagged ? EXIT_DONE : EXIT_NO;
}

const struct command inspect_command = {
	.name = "inspect",
	.summary = "what the rules say of certificates in files",
	.usage = "FILE...",
	.help = "Reads certificates, PEM (several in a file are fine) or DER, and prints what the rules say of\n"
		"them, with every point. The issuer is the certificate's own.\n"
		"\n"
		"  ctwatch inspect fullchain.pem\n"
		"\n"
		"Exit status: 0 when one is flagged, 1 when none is, 2 when a file holds no certificate.",
	.options = OPTIONS,
	.run = run,
};
