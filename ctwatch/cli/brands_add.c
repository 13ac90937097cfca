/* `ctwatch brands add`: a name and its real domains become an entry of a brand file; then what it will catch is shown. */
#include "brands_cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BRAND_FILE_MAX (256u << 20)
#define SHOWN_MAX 20             /* of a long CSV list, the first ones are shown in full */

struct addition {
	struct cli *cli;
	const struct brands_options *options;
	struct config config;
	char *path;
	json_t *root, *brands;
	size_t n_before;
	struct cli_rules rules;
};

/* An actor pack is a .json too; a file that is not there yet may become a brand file. */
static bool may_hold_brands(const char *path)
{
	json_t *root = json_load_file(path, 0, NULL);
	bool actor = json_object_get(root, "actor") != NULL;

	json_decref(root);
	return !actor;
}

/* The first entry of the configuration's rules that is a file of brands. */
static char *own_file(const struct config *config)
{
	for (size_t i = 0; i < config->rules.n; i++) {
		const char *entry = config->rules.items[i];
		size_t len = strlen(entry);
		char *path;

		if (len <= 5 || strcmp(entry + len - 5, ".json") != 0)
			continue;
		path = config_resolve(config, entry);
		if (may_hold_brands(path))
			return path;
		free(path);
	}
	return NULL;
}

static bool load_file(struct addition *add, struct error *err)
{
	struct buf file;
	json_error_t where;
	bool ok;

	if (access(add->path, F_OK) != 0) {
		add->root = json_pack("{s:i, s:[]}", "version", 1, "brands");
		add->brands = json_object_get(add->root, "brands");
		return true;
	}
	buf_init(&file, BRAND_FILE_MAX);
	ok = file_read(add->path, BRAND_FILE_MAX, &file, err);
	if (ok) {
		add->root = json_loadb((const char *)file.data, file.len, JSON_REJECT_DUPLICATES, &where);
		add->brands = json_object_get(add->root, "brands");
		if (add->root == NULL)
			ok = error_set(err, ERR_USAGE, "%s:%d:%d: not JSON: %s", add->path, where.line, where.column, where.text);
		else if (!json_is_array(add->brands))
			ok = error_set(err, ERR_USAGE, "%s has no \"brands\": it is no brand file", add->path);
		else
			add->n_before = json_array_size(add->brands);
	}
	buf_deinit(&file);
	return ok;
}

static bool add_brand(struct addition *add, struct slice name, json_t *domains, struct error *err)
{
	json_t *text = json_stringn((const char *)name.data, name.len);

	if (text == NULL || name.len == 0) {
		json_decref(text);
		json_decref(domains);
		return error_set(err, ERR_USAGE, "a brand needs a name, in UTF-8");
	}
	if (json_array_size(domains) == 0) {
		json_decref(text);
		json_decref(domains);
		return error_set(err, ERR_USAGE, "\"%.*s\" needs at least one of its real domains: they are never reported, and found inside other names",
				 SLICE_ARGS(name));
	}
	json_array_append_new(add->brands, json_pack("{s:o, s:o}", "name", text, "official_domains", domains));
	return true;
}

static struct slice trimmed(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '"'))
		s = slice_sub(s, 1, s.len);
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '"'))
		s.len--;
	return s;
}

/* The next field; in quotes it may hold separators. */
static bool take_field(struct slice *line, struct slice *field)
{
	bool quoted = false;
	size_t i;

	if (line->data == NULL)
		return false;
	for (i = 0; i < line->len; i++) {
		quoted ^= line->data[i] == '"';
		if (!quoted && (line->data[i] == ',' || line->data[i] == ';' || line->data[i] == '\t'))
			break;
	}
	*field = trimmed(slice_sub(*line, 0, i));
	*line = i < line->len ? slice_sub(*line, i + 1, line->len) : (struct slice){ 0 };
	return true;
}

static bool add_csv(struct addition *add, const char *path, struct error *err)
{
	struct line_reader lines;
	struct slice line;
	size_t number = 0;
	bool ok = true;

	if (!lines_open(&lines, path, false, err))
		return false;
	while (ok && lines_next(&lines, &line)) {
		struct slice name, field;
		json_t *domains;

		number++;
		if (line.len == 0 || line.data[0] == '#' || !take_field(&line, &name))
			continue;
		domains = json_array();
		while (take_field(&line, &field))
			if (field.len > 0)
				json_array_append_new(domains, json_stringn((const char *)field.data, field.len));
		/* a first line of column titles names no domain */
		if (number == 1 && json_array_size(domains) > 0 && strchr(json_string_value(json_array_get(domains, 0)), '.') == NULL) {
			json_decref(domains);
			continue;
		}
		ok = add_brand(add, name, domains, err) || error_context(err, "%s:%zu", path, number);
	}
	struct error broken;

	if (!lines_close(&lines, ok ? err : &broken))
		ok = false;
	return ok;
}

static bool add_words(struct addition *add, int n, char **words, struct error *err)
{
	json_t *domains = json_array();

	for (int i = 1; i < n; i++)
		json_array_append_new(domains, json_string(words[i]));
	return add_brand(add, slice_text(words[0]), domains, err);
}

/* Together with the shipped packs that are in force: ids must not clash. */
static bool compile(struct addition *add, struct error *err)
{
	struct rule_source sources[16];
	char *text = json_dumps(add->root, JSON_INDENT(1));
	size_t n = 0;
	bool ok;

	sources[n++] = (struct rule_source){ SOURCE_PACK, add->path, slice_text(text) };
	for (size_t i = 0; i < add->config.rules.n && n < ARRAY_LEN(sources); i++) {
		size_t len;
		const char *pack = rule_pack_text(add->config.rules.items[i], &len);

		if (pack != NULL)
			sources[n++] = (struct rule_source){ SOURCE_PACK, add->config.rules.items[i], slice_of(pack, len) };
	}
	add->rules.suffixes = suffixes_load();
	ok = ruleset_compile(sources, n, add->rules.suffixes, add->cli->now_ms, &add->rules.rules, err);
	if (ok)
		add->rules.scratch = rule_scratch_new();
	free(text);
	return ok;
}

/* A new file beside, then a rename: the old one or the new one is there, never half of one. */
static bool write_file(const struct addition *add, struct error *err)
{
	char *temporary = xasprintf("%s.new", add->path), *text = json_dumps(add->root, JSON_INDENT(1));
	struct stat old;
	mode_t mode = stat(add->path, &old) == 0 ? old.st_mode & 0777 : 0644;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	size_t len = strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1 && fsync(fd) == 0;

	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	ok = ok && rename(temporary, add->path) == 0;
	if (!ok) {
		error_set(err, ERR_USAGE, "%s cannot be written: %s", add->path, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	free(text);
	return ok;
}

/* ---- what it will catch ----------------------------------------------------------------------------------------- */

static void try_name(const struct addition *add, const char *id, const char *what, char *name)
{
	char *text = ruleset_explain_json(add->rules.rules, add->rules.scratch, slice_text(name), SLICE_LITERAL("Let's Encrypt"));
	json_t *answer = json_loads(text, 0, NULL), *match;
	long long score = -1;
	size_t i;

	json_array_foreach(json_object_get(answer, "matches"), i, match) {
		const char *rule = json_string_value(json_object_get(match, "rule"));

		if (strncmp(rule, "brand/", 6) == 0 && strcmp(rule + 6, id) == 0 && json_is_true(json_object_get(match, "flagged")))
			score = (long long)json_integer_value(json_object_get(match, "score"));
	}
	if (score >= 0)
		fprintf(add->cli->out, "    caught     %3lld  %-33s %s\n", score, name, what);
	else
		fprintf(add->cli->out, "    not caught      %-33s %s\n", name, what);
	json_decref(answer);
	free(text);
	free(name);
}

static void try_samples(const struct addition *add, const char *id, const char *term, const char *official)
{
	size_t len = strlen(term);
	char *copy;

	try_name(add, id, "with a service word", xasprintf("%s-login.com", term));
	try_name(add, id, "glued to a service word", xasprintf("%ssupport.net", term));
	try_name(add, id, "beside an unrelated word", xasprintf("%s-garden.org", term));
	try_name(add, id, "inside another word", xasprintf("xq%szj.com", term));
	try_name(add, id, "another top-level domain", xasprintf("%s.top", term));
	try_name(add, id, "as a deeper label", xasprintf("%s.secure-account.net", term));
	if (official != NULL)
		try_name(add, id, "official domain in front", xasprintf("%s.check.net", official));
	if (len >= 4) {
		copy = xasprintf("%s.com", term);
		copy[len / 2] = term[len / 2 - 1];
		copy[len / 2 - 1] = term[len / 2];
		if (term[len / 2] != term[len / 2 - 1])
			try_name(add, id, "two letters swapped", copy);
		else
			free(copy);
		try_name(add, id, "one letter left out", xasprintf("%.*s%s.com", (int)(len / 2), term, term + len / 2 + 1));
	}
	copy = xasprintf("%s-docs.com", term);
	for (size_t i = 0; i < len; i++)
		copy[i] = copy[i] == 'o' ? '0' : copy[i] == 'i' || copy[i] == 'l' ? '1' : copy[i];
	if (strncmp(copy, term, len) != 0)
		try_name(add, id, "digits for letters", copy);
	else
		free(copy);
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static void show_brand(const struct addition *add, json_t *brand)
{
	struct cli *cli = add->cli;
	const char *id = json_string_value(json_object_get(brand, "id"));
	json_t *terms = json_object_get(brand, "terms"), *term;
	const char *official = json_string_value(json_array_get(json_object_get(brand, "official_domains"), 0));
	size_t i;

	fprintf(cli->out, "brand/%s: %s\n", id, json_string_value(json_object_get(brand, "name")));
	json_array_foreach(terms, i, term) {
		const char *text = json_string_value(json_object_get(term, "term")), *class = json_string_value(json_object_get(term, "class"));
		char *techniques = texts_joined(json_object_get(term, "techniques"), ", ", NULL);

		cli_print_sentence(cli, "  term \"%s\" (%s)%s", text, class,
				   strcmp(class, "ordinary") == 0 ? ": an ordinary word or place, so it is noisy: it counts only beside a service word" :
				   strcmp(class, "short") == 0    ? ": short, so it counts only as a whole word beside a service word" :
								    "");
		fprintf(cli->out, "    looked for as: ");
		cli_continue(cli->out, cli->width, 19, 6, techniques);
		if (i == 0 && is_ascii(text))
			try_samples(add, id, text, official);
		free(techniques);
	}
}

static bool in_force(const struct addition *add)
{
	for (size_t i = 0; i < add->config.rules.n; i++) {
		char *path = config_resolve(&add->config, add->config.rules.items[i]);
		bool same = strcmp(path, add->path) == 0;

		free(path);
		if (same)
			return true;
	}
	return false;
}

static void show(const struct addition *add)
{
	json_t *described = brands_described(&add->rules), *brand;
	size_t i, n = json_array_size(add->brands), shown = 0;

	/* the file was compiled first: its brands are the first ones, in its order */
	json_array_foreach(described, i, brand)
		if (i >= add->n_before && i < n && shown++ < SHOWN_MAX)
			show_brand(add, brand);
	if (n - add->n_before > SHOWN_MAX)
		fprintf(add->cli->out, "... and %zu more\n", n - add->n_before - SHOWN_MAX);
	for (i = 0; i < ruleset_n_warnings(add->rules.rules) && i < SHOWN_MAX; i++)
		cli_print_sentence(add->cli, "warning: %s", ruleset_warning(add->rules.rules, i));
	if (add->options->dry_run)
		fprintf(add->cli->out, "nothing written (--dry-run)\n");
	else
		fprintf(add->cli->out, "written to %s\nhow noisy it is on ordinary names: ctwatch brands noise FILE%s%s\n", add->path,
			in_force(add) ? "" : " --rules ", in_force(add) ? "" : add->path);
	json_decref(described);
}

static bool do_add(struct addition *add, int n_words, char **words, struct error *err)
{
	add->path = add->options->file != NULL ? xstrdup(add->options->file) : own_file(&add->config);
	if (add->path == NULL)
		return error_set(err, ERR_USAGE, "the configuration names no brand file: give one with --file, and name it under \"rules\"");
	if (!load_file(add, err))
		return false;
	if (add->options->csv != NULL && !add_csv(add, add->options->csv, err))
		return false;
	if (n_words > 0 && !add_words(add, n_words, words, err))
		return false;
	if (!compile(add, err) || (!add->options->dry_run && !write_file(add, err)))
		return false;
	return true;
}

int brands_add(struct cli *cli, const struct brands_options *options, int n_words, char **words)
{
	struct addition add = { .cli = cli, .options = options };
	struct error err;
	int code = EXIT_DONE;

	if (n_words == 0 && options->csv == NULL)
		return cli_usage(cli, "'add' wants a name and its domains, or --csv FILE");
	if (!cli_config(cli, &add.config, &err))
		return cli_fail(cli, &err);
	if (!do_add(&add, n_words, words, &err)) {
		code = cli_fail(cli, &err);
	} else if (options->format == OUTPUT_TEXT) {
		show(&add);
		if (!options->dry_run && !in_force(&add))
			fprintf(cli->out, "not in force yet: name %s under \"rules\" in the configuration\n", add.path);
	} else {
		json_t *described = brands_described(&add.rules), *added = json_array(), *brand;
		size_t i;

		json_array_foreach(described, i, brand)
			if (i >= add.n_before && i < json_array_size(add.brands))
				json_array_append(added, brand);
		json_decref(described);
		cli_json(cli, options->format, added);
	}
	cli_rules_close(&add.rules);
	json_decref(add.root);
	free(add.path);
	config_deinit(&add.config);
	return code;
}
