/* `ctwatch rules learn`: an actor pack with weights, out of the actor's published names and ordinary ones. */
#include "rules_cli.h"
#include "output_file.h"
#include "pack_maker.h"

#include <stdlib.h>
#include <string.h>

#define ACTOR_FILE_MAX (16u << 20)
#define BACKGROUND_ENOUGH 100000

static bool read_background(struct pack_maker *maker, const char *path, struct error *err)
{
	struct line_reader lines;
	struct slice line;

	if (!lines_open(&lines, path, true, err))
		return false;
	while (lines_next(&lines, &line)) {
		char name[DNS_NAME_MAX + 1];

		if (line.len == 0 || line.len > DNS_NAME_MAX)
			continue;
		for (size_t i = 0; i < line.len; i++) {
			char c = (char)line.data[i];

			name[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
		}
		pack_maker_add(maker, slice_of(name, line.len));
	}
	return lines_close(&lines, err);
}

static bool write_pack(struct cli *cli, struct pack_maker *maker, const char *path, struct pack_measure *measured, struct error *err)
{
	struct output_file file;
	char *text;
	bool ok;

	if (!pack_maker_finish(maker, &text, measured, err))
		return false;
	ok = output_file_open(&file, path, cli->out, err);
	if (ok) {
		fprintf(file.stream, "%s\n", text);
		ok = output_file_close(&file, true, err);
	}
	free(text);
	return ok;
}

static void print_measured(struct cli *cli, const struct pack_measure *m, const char *output)
{
	fprintf(cli->err, "%zu of %zu names found, each by weights from the others; %zu false alarms in a million ordinary names (%zu were read)\n",
		m->found, m->names, m->false_alarms_per_million, m->background_names);
	if (m->background_names < BACKGROUND_ENOUGH)
		fprintf(cli->err, "warning: weights from fewer than %d ordinary names are coarse\n", BACKGROUND_ENOUGH);
	if (output != NULL && strcmp(output, "-") != 0)
		fprintf(cli->err, "written to %s; try it: ctwatch check --rules %s NAME\n", output, output);
}

static bool learn(struct cli *cli, int n_files, char **files, const char *output, struct pack_maker **maker, struct error *err)
{
	struct suffix_table *suffixes = suffixes_load();
	struct pack_measure measured;
	struct buf actor;
	bool ok;

	buf_init(&actor, ACTOR_FILE_MAX);
	ok = file_read(files[0], ACTOR_FILE_MAX, &actor, err) && pack_maker_new(buf_slice(&actor), files[0], suffixes, maker, err);
	for (int i = 1; ok && i < n_files; i++)
		ok = read_background(*maker, files[i], err);
	ok = ok && write_pack(cli, *maker, output, &measured, err);
	if (ok)
		print_measured(cli, &measured, output);
	pack_maker_free(*maker);
	buf_deinit(&actor);
	suffix_table_free(suffixes);
	return ok;
}

int rules_learn(struct cli *cli, int n_files, char **files, const char *output)
{
	struct pack_maker *maker = NULL;
	struct error err;

	if (n_files < 2)
		return cli_usage(cli, "'learn' wants an actor file and at least one file of ordinary names (- for standard input)");
	return learn(cli, n_files, files, output, &maker, &err) ? EXIT_DONE : cli_fail(cli, &err);
}
