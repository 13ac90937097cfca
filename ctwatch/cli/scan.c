/* `ctwatch scan`: read a range of one log now. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cli.h"
#include "daemon.h"
#include "lists.h"

#define KEY_FILE_MAX (64u << 10)

struct scan_options {
	const char *log, *key, *api;
	uint64_t from, to;
	bool save;
	enum output_format format;
};

static const struct option OPTIONS[] = {
	{ "log", 0, OPTION_TEXT, offsetof(struct scan_options, log), "URL|NAME", "the log: its URL, or a part of its name in the lists" },
	{ "from", 0, OPTION_UINT, offsetof(struct scan_options, from), "N", "first entry (0)" },
	{ "to", 0, OPTION_UINT, offsetof(struct scan_options, to), "N", "first entry not to be read (the log's newest head)" },
	{ "key", 0, OPTION_TEXT, offsetof(struct scan_options, key), "FILE", "the log's public key, PEM or DER, for a log that no list has" },
	{ "api", 0, OPTION_TEXT, offsetof(struct scan_options, api), "KIND", "with --key: classic or static (classic)" },
	{ "save", 0, OPTION_FLAG, offsetof(struct scan_options, save), NULL, "store what is found" },
	{ "format", 0, OPTION_FORMAT, offsetof(struct scan_options, format), "KIND", "text or jsonl" },
	{ 0 },
};

/* SubjectPublicKeyInfo from PEM, or the bytes as they are. */
static bool read_key(const char *path, uint8_t **der, size_t *len, struct error *err)
{
	struct buf file;

	buf_init(&file, KEY_FILE_MAX);
	if (!file_read(path, KEY_FILE_MAX, &file, err)) {
		buf_deinit(&file);
		return false;
	}
	BIO *bio = BIO_new_mem_buf(file.data, (int)file.len);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (key != NULL) {
		unsigned char *out = NULL;
		int n = i2d_PUBKEY(key, &out);

		EVP_PKEY_free(key);
		*len = n > 0 ? (size_t)n : 0;
		*der = xmalloc(*len);
		if (*len > 0)
			memcpy(*der, out, *len);
		OPENSSL_free(out);
	} else {
		*len = file.len;
		*der = xmalloc(file.len);
		memcpy(*der, file.data, file.len);
	}
	buf_deinit(&file);
	return true;
}

static bool log_from_key(const struct scan_options *options, struct listed_log *log, struct error *err)
{
	size_t url_len = strlen(options->log);

	*log = (struct listed_log){ .interval_start_ms = INT64_MIN, .interval_end_ms = INT64_MAX, .mmd_s = 86400, .lifecycle = LIFECYCLE_USABLE };
	if (options->api != NULL && strcmp(options->api, "static") != 0 && strcmp(options->api, "classic") != 0)
		return error_set(err, ERR_USAGE, "--api is classic or static, not \"%s\"", options->api);
	if (!read_key(options->key, &log->key, &log->key_len, err))
		return false;
	struct log_key *key = log_key_new(slice_of(log->key, log->key_len), err);
	if (key == NULL)
		return error_context(err, "%s", options->key);
	log->log_id = log_key_id(key);
	log_key_free(key);
	log->protocol = options->api != NULL && strcmp(options->api, "static") == 0 ? LOG_STATIC : LOG_RFC6962;
	while (url_len > 0 && options->log[url_len - 1] == '/')
		url_len--;
	log->url = slice_dup_text(slice_of(options->log, url_len));
	log->description = xstrdup(log->url);
	return true;
}

static bool same_url(const char *url, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '/')
		len--;
	return url != NULL && strlen(url) == len && strncasecmp(url, text, len) == 0;
}

static bool log_from_lists(const struct config *config, const struct scan_options *options, struct log_list *list, const struct listed_log **log,
			   struct error *err)
{
	char *directory = xasprintf("%s/lists", config->state);
	bool builtin;
	bool ok = lists_load_kept(config, directory, list, &builtin, err);
	size_t n = 0;

	free(directory);
	if (!ok)
		return false;
	*log = NULL;
	for (size_t i = 0; i < list->n_logs; i++) {
		const struct listed_log *l = &list->logs[i];

		if (same_url(l->url, options->log) || same_url(l->submission_url, options->log) || strcasecmp(l->description, options->log) == 0) {
			*log = l;
			return true;
		}
		if (strcasestr(l->description, options->log) != NULL) {
			*log = l;
			n++;
		}
	}
	if (n == 1)
		return true;
	log_list_deinit(list);
	if (n == 0)
		return error_set(err, ERR_USAGE, "no listed log is called \"%s\"; with --key a URL that no list has can be read", options->log);
	return error_set(err, ERR_USAGE, "%zu listed logs have \"%s\" in their name; say more of it", n, options->log);
}

static int scan(struct cli *cli, struct config *config, const struct scan_options *options, const struct listed_log *log)
{
	struct diag *out = diag_new(STDERR_FILENO, cli->quiet ? DIAG_WARNING : cli->verbose ? DIAG_DEBUG : DIAG_NOTICE, !cli->err_is_terminal);
	struct daemon_scan range = { .log = log, .from = options->from, .to = options->to, .save = options->save };
	struct daemon_options daemon = {
		.config = config,
		.diag = out,
		.scan = &range,
		.out = cli->out,
		.out_text = options->format == OUTPUT_TEXT && cli->out_is_terminal,
		.progress = cli->err_is_terminal && !cli->quiet ? cli->err : NULL,
	};
	int code = daemon_run(&daemon);

	diag_free(out);
	return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct scan_options options = { .to = UINT64_MAX };
	const struct listed_log *log = NULL;
	struct listed_log own = { 0 };
	struct log_list list = { 0 };
	struct config config;
	struct error err;
	int code;

	if (!cli_options(cli, &argc, argv, &options, &code))
		return code;
	if (argc > 1 || options.log == NULL)
		return cli_usage(cli, options.log == NULL ? "--log says which log to read" : "it takes options only");
	if (options.from >= options.to)
		return cli_usage(cli, "--from must be smaller than --to");
	if (!cli_config(cli, &config, &err))
		return cli_fail(cli, &err);
	if (options.key != NULL ? !log_from_key(&options, &own, &err) : !log_from_lists(&config, &options, &list, &log, &err)) {
		config_deinit(&config);
		code = cli_fail(cli, &err);
	} else {
		code = scan(cli, &config, &options, options.key != NULL ? &own : log);
		log_list_deinit(&list);
	}
	free(own.key);
	free(own.url);
	free(own.description);
	return code;
}

const struct command scan_command = {
	.name = "scan",
	.summary = "read a range of one log now and print what is found",
	.usage = "--log URL|NAME [--from N] [--to N] [--key FILE [--api KIND]] [--save]",
	.help = "Reads the entries [from, to) of one log, whether it is followed or not, and prints each finding once, with\n"
		"the first certificate that it was found by: lines for people on a terminal as they are found, else JSON\n"
		"lines. Positions of `run` are not touched. --save stores findings as `run` would.\n"
		"\n"
		"What is read is hashed and led to the newest head that the log signed: by its root when that is where the\n"
		"range ends, else by a consistency proof or hash tiles, every 65536 entries and at the end. Findings are\n"
		"printed as JSON when that is done, \"verified\":true; with \"verified\":false at the end when the log gave no\n"
		"valid proof. A log whose entries do not lead to its head ends the scan with exit code 3.\n"
		"Exit codes as for `run --once`.",
	.options = OPTIONS,
	.run = run,
};
