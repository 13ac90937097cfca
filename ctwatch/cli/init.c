/* `ctwatch init`: a commented configuration and a watch list to begin with, from a few questions or options. */
#include "cli.h"
#include "rules.h"
#include "rules_load.h"
#include "output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct init_options {
	const char *contact, *name, *domain, *webhook, *directory;
	bool force, no_questions;
};

static const struct option OPTIONS[] = {
	{ "contact", 0, OPTION_TEXT, offsetof(struct init_options, contact), "ADDRESS", "where log operators can reach you" },
	{ "name", 0, OPTION_TEXT, offsetof(struct init_options, name), "NAME", "an organisation to watch over" },
	{ "domain", 0, OPTION_TEXT, offsetof(struct init_options, domain), "LIST", "its real domains, separated by commas" },
	{ "webhook", 0, OPTION_TEXT, offsetof(struct init_options, webhook), "URL", "where findings are posted as JSON" },
	{ "directory", 'd', OPTION_TEXT, offsetof(struct init_options, directory), "DIR", "where the two files go (.)" },
	{ "force", 0, OPTION_FLAG, offsetof(struct init_options, force), NULL, "replace files that are there" },
	{ "yes", 'y', OPTION_FLAG, offsetof(struct init_options, no_questions), NULL, "ask nothing" },
	{ 0 },
};

/* The answer, or NULL for an empty one. malloc'd. */
static char *ask(struct cli *cli, const char *question, const char *given, bool may_ask)
{
	char *line = NULL;
	size_t cap = 0;

	if (given != NULL)
		return xstrdup(given);
	if (!may_ask)
		return NULL;
	fprintf(cli->err, "%s: ", question);
	fflush(cli->err);
	ssize_t len = getline(&line, &cap, stdin);
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' || line[len - 1] == ' '))
		line[--len] = '\0';
	if (len > 0)
		return line;
	free(line);
	return NULL;
}

static bool may_write(const char *path, bool replace, struct error *err)
{
	return replace || access(path, F_OK) != 0 || error_set(err, ERR_USAGE, "%s is there already; --force replaces it", path);
}

/* What was said may break a rule: said now, with the line, and before anything is replaced. */
static bool write_file(const char *path, json_t *root, bool is_configuration, struct error *err)
{
	char *text = json_dumps(root, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	struct output_file file;
	struct config config;

	if (text == NULL)
		return error_set(err, ERR_USAGE, "cannot write %s: what was said is not UTF-8", path);
	bool ok = output_file_open(&file, path, NULL, err);
	if (ok) {
		fchmod(fileno(file.stream), 0640);
		fprintf(file.stream, "%s\n", text);
		fflush(file.stream);
		if (is_configuration && (ok = config_load(file.temporary, &config, err)))
			config_deinit(&config);
		ok = output_file_close(&file, ok, err);
	}
	free(text);
	return ok;
}

static json_t *configuration(const char *contact, const char *webhook, const char *state, bool with_brands)
{
	json_t *root = json_object(), *rules = json_pack("[s, s]", "tag53", "watchlist");

	json_object_set_new(root, "_", json_string("Keys that begin with _ are comments. `ctwatch config keys` explains every key, `ctwatch config check` validates."));
	json_object_set_new(root, "_contact", json_string("Sent to logs in the User-Agent; logs slow down readers that cannot be reached."));
	if (contact != NULL)
		json_object_set_new(root, "contact", json_string(contact));
	if (state != NULL)
		json_object_set_new(root, "state", json_string(state));
	json_object_set_new(root, "_start", json_string("end: only what is logged from now on. beginning, or a time, reads back: days of traffic."));
	json_object_set_new(root, "start", json_string("end"));
	json_object_set_new(root, "_bandwidth_limit", json_string("All live logs together bring about 55 Mbit/s; less is fine, the head is read first."));
	json_object_set_new(root, "bandwidth_limit", json_string("none"));
	if (with_brands)
		json_array_append_new(rules, json_string("./brands.json"));
	json_object_set_new(root, "_rules", json_string("Packs that ship with the program, and your own files. `ctwatch brands add` extends brands.json."));
	json_object_set_new(root, "rules", rules);
	json_object_set_new(root, "_alerts", json_string("Where findings go, beside standard output of `ctwatch run`; `ctwatch alerts test` tries them."));
	json_object_set_new(root, "alerts", webhook == NULL ? json_array() : json_pack("[{s:s, s:s}]", "type", "webhook", "url", webhook));
	json_object_set_new(root, "report", json_pack("{s:s, s:s}", "weekday", "monday", "time", "07:00"));
	return root;
}

static json_t *watch_list(const char *name, const char *domains)
{
	json_t *list = json_array();

	for (const char *at = domains; at != NULL && *at != '\0';) {
		at += strspn(at, ", \t");
		size_t len = strcspn(at, ", \t");

		if (len > 0)
			json_array_append_new(list, json_stringn(at, len));
		at += len;
	}
	return json_pack("{s:i, s:s, s:[{s:s, s:o}]}", "version", 1, "_",
			 "One object for each organisation: its name and its real domains are enough, the rest is derived.", "brands", "name", name,
			 "official_domains", list);
}

struct answers {
	char *contact, *name, *domains, *webhook;
};

/* Would the watch list compile? What it says of a domain that is none comes before anything is written. */
static bool check_watch_list(struct cli *cli, const json_t *brands, struct error *err)
{
	char *text = json_dumps(brands, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	struct suffix_table *suffixes = suffixes_load();
	struct rule_source source = { SOURCE_PACK, "brands.json", slice_text(text) };
	struct ruleset *rules = NULL;
	bool ok = ruleset_compile(&source, 1, suffixes, cli->now_ms, &rules, err);

	ruleset_free(rules);
	suffix_table_free(suffixes);
	free(text);
	return ok;
}

#define DOMAINS_TRIES 3

/* On a terminal a slip is asked again, not found when the program starts. */
static char *ask_domains(struct cli *cli, const char *name, const char *given, bool may_ask)
{
	char *domains = ask(cli, "Its real domains, separated by commas", given, may_ask);

	for (int i = 1; i < DOMAINS_TRIES && may_ask && given == NULL; i++) {
		json_t *brands = watch_list(name, domains);
		struct error err;
		bool ok = brands == NULL || check_watch_list(cli, brands, &err);

		json_decref(brands);
		if (ok)
			break;
		const char *said = strstr(err.text, ": ");

		fprintf(cli->err, "  %s\n", said != NULL ? said + 2 : err.text);
		free(domains);
		domains = ask(cli, "Its real domains, such as corp.example, separated by commas", NULL, true);
	}
	return domains;
}

static bool write_files(struct cli *cli, const struct init_options *options, const struct answers *a, const char *path, struct error *err)
{
	const char *directory = options->directory != NULL ? options->directory : ".";
	char *brands_path = xasprintf("%s/brands.json", directory);
	json_t *root = configuration(a->contact, a->webhook, cli->state_path, a->name != NULL), *brands = NULL;

	bool ok = mkdir(directory, 0750) == 0 || errno == EEXIST || error_set(err, ERR_USAGE, "cannot make %s: %s", directory, strerror(errno));
	ok = ok && may_write(path, options->force, err) && (a->name == NULL || may_write(brands_path, options->force, err));
	if (ok && a->name != NULL) {
		brands = watch_list(a->name, a->domains);
		ok = brands != NULL ? check_watch_list(cli, brands, err) || error_context(err, "nothing is written") :
				      error_set(err, ERR_USAGE, "the name of the organisation is not UTF-8");
	}
	ok = ok && write_file(path, root, true, err) && (brands == NULL || write_file(brands_path, brands, false, err));
	json_decref(brands);
	json_decref(root);
	free(brands_path);
	return ok;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct init_options options = { 0 };
	struct answers a = { 0 };
	struct error err = { 0 };
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes no words, but there is '%s'", argv[1]);
	if (options.domain != NULL && options.name == NULL)
		return cli_usage(cli, "--domain needs --name: whose domains are they?");
	bool may_ask = !options.no_questions && isatty(STDIN_FILENO);
	char *path = xasprintf("%s/ctwatch.json", options.directory != NULL ? options.directory : ".");
	/* before anybody answers questions for nothing */
	if (!may_write(path, options.force, &err)) {
		free(path);
		return cli_fail(cli, &err);
	}
	a.contact = ask(cli, "Your e-mail address, for log operators (empty: none)", options.contact, may_ask);
	a.name = ask(cli, "An organisation to watch over (empty: none)", options.name, may_ask);
	if (a.name != NULL)
		a.domains = ask_domains(cli, a.name, options.domain, may_ask);
	a.webhook = ask(cli, "A webhook for findings (empty: none)", options.webhook, may_ask);

	bool ok = write_files(cli, &options, &a, path, &err);
	if (ok)
		fprintf(cli->out, "%s is written%s.\nNext:\n  ctwatch config check -c %s\n  ctwatch run -c %s\n", path,
			a.name != NULL ? ", and brands.json beside it" : "", path, path);
	free(path);
	free(a.contact);
	free(a.name);
	free(a.domains);
	free(a.webhook);
	return ok ? EXIT_DONE : cli_fail(cli, &err);
}

const struct command init_command = {
	.name = "init",
	.summary = "write a commented configuration and a watch list to begin with",
	.usage = "[--contact ADDRESS] [--name NAME --domain LIST] [--webhook URL] [-d DIR]",
	.help = "Asks a few questions on a terminal, or takes the answers as options, and writes\nctwatch.json and (with a name) brands.json. "
		"Nothing that is there is replaced\nwithout --force.\n\nExample:\n  ctwatch init --contact soc@corp.test --name \"Corp Ltd\" --domain corp.test -d .",
	.options = OPTIONS,
	.run = run,
};
