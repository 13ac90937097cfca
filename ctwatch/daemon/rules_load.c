#include "rules_load.h"

#include <stdlib.h>
#include <string.h>

#define RULE_FILE_MAX (256u << 20)   /* 100 000 brands with room to spare */
#define SUFFIX_LIST "/usr/share/publicsuffix/public_suffix_list.dat"
#define SUFFIX_LIST_MAX (8u << 20)

struct suffix_table *suffixes_load(void)
{
	struct error ignored;
	struct buf text;
	struct suffix_table *table = NULL;

	buf_init(&text, SUFFIX_LIST_MAX);
	if (file_read(SUFFIX_LIST, SUFFIX_LIST_MAX, &text, &ignored))
		table = suffix_table_new(buf_slice(&text), SUFFIX_LIST, &ignored);
	buf_deinit(&text);
	return table != NULL ? table : suffix_table_new_libpsl();
}

/* Anything without "/" and ".json" is a pack that ships with the program (DESIGN.md 5.3). */
static bool is_pack(const char *entry)
{
	size_t len = strlen(entry);

	return strchr(entry, '/') == NULL && !(len > 5 && strcmp(entry + len - 5, ".json") == 0);
}

static enum rule_source_type type_of(struct slice text)
{
	size_t i = 0;

	text = slice_without_mark(text);
	while (i < text.len && (text.data[i] == ' ' || text.data[i] == '\t' || text.data[i] == '\n' || text.data[i] == '\r'))
		i++;
	return i < text.len && text.data[i] == '{' ? SOURCE_PACK : SOURCE_WATCHLIST_TEXT;
}

static bool unknown_pack(const char *entry, struct error *err)
{
	const char *near = text_nearest(entry, rule_pack_names());
	char shown[120];

	text_escape(slice_text(entry), shown, sizeof(shown));
	return error_set(err, ERR_USAGE, "rules: no pack named \"%s\" ships with the program%s%s%s; a file needs a path (./%s) or the ending .json", shown,
			 near != NULL ? ", did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "", shown);
}

static bool add_source(const struct config *config, const char *entry, struct rule_source *source, struct buf *file, struct error *err)
{
	size_t len;

	source->name = entry;
	if (is_pack(entry)) {
		const char *text = rule_pack_text(entry, &len);

		if (text == NULL)
			return unknown_pack(entry, err);
		source->type = SOURCE_PACK;
		source->text = slice_of(text, len);
		return true;
	}
	char *path = config_resolve(config, entry);
	bool ok = file_read(path, RULE_FILE_MAX, file, err);
	free(path);
	if (!ok)
		return error_context(err, "rules");
	source->text = buf_slice(file);
	source->type = type_of(source->text);
	return true;
}

/* Canaries are looked for as names of a watch list are; that they never alert is decided where alerts are (alerts/allow.c). */
static bool add_canaries(const struct config *config, struct rule_source *source, struct buf *text)
{
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(config->canary, "names"), i, name)
		if (json_is_string(name))
			buf_printf(text, "%s\n", json_string_value(name));
	*source = (struct rule_source){ SOURCE_WATCHLIST_TEXT, "canary.names", buf_slice(text) };
	return text->len > 0;
}

bool rules_load(const struct config *config, const struct suffix_table *suffixes, int64_t now_ms, struct ruleset **out, struct error *err)
{
	size_t n = config->rules.n + 1, n_read = 0;
	struct rule_source *sources = xcalloc(n, sizeof(*sources));
	struct buf *files = xcalloc(n, sizeof(*files));
	bool ok = true;

	/* first: of several items that fit, the first is the one that matches */
	buf_init(&files[0], RULE_FILE_MAX);
	n_read = add_canaries(config, &sources[0], &files[0]);
	for (size_t i = 0; ok && i < config->rules.n; i++) {
		buf_init(&files[n_read], RULE_FILE_MAX);
		ok = add_source(config, config->rules.items[i], &sources[n_read], &files[n_read], err);
		n_read++;
	}
	ok = ok && ruleset_compile(sources, n_read, suffixes, now_ms, out, err);
	for (size_t i = 0; i < n_read; i++)
		buf_deinit(&files[i]);
	free(files);
	free(sources);
	return ok;
}
