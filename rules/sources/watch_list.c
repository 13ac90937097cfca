/* Cert Spotter's watch lists: exact names and ".subtrees", one a line. */
#include "rule_config.h"
#include "rule_source.h"

#include <stdlib.h>
#include <string.h>

static struct slice take_word(struct slice *line)
{
	size_t start = 0, end;

	while (start < line->len && strchr(" \t\r", line->data[start]) && line->data[start])
		start++;
	for (end = start; end < line->len && line->data[end] && !strchr(" \t\r", line->data[end]); end++)
		;

	struct slice word = slice_sub(*line, start, end);

	*line = slice_sub(*line, end, line->len);
	return word;
}

/* "." and "*." mean everything. */
static bool is_root(struct slice item)
{
	for (size_t i = 0; i < item.len; i++)
		if (item.data[i] != '.' && item.data[i] != '*')
			return false;
	return true;
}

static void say_reading(struct rule_config *config, const char *list, size_t number, const char *shown, const struct given_name *given)
{
	if (given->star)
		warning_add(&config->warnings, "%s:%zu: \"%s\" is read as .%s: the name and all names below it", list, number, shown, given->name);
	else if (given->taken_off[0] != '\0')
		warning_add(&config->warnings, "%s:%zu: \"%s\" is read as the name %s alone; write .%s for all names below it too", list, number, shown, given->name,
			    given->name);
}

static bool read_item(struct slice line, const char *name, size_t number, struct rule_config *config, struct error *err)
{
	struct slice item = take_word(&line), more = take_word(&line);
	struct given_name name_given;
	char shown[100];
	struct error why;

	if (item.len == 0 || item.data[0] == '#')
		return true;
	text_escape(item, shown, sizeof(shown));
	if (more.len > 0 && !slice_starts_with(more, SLICE_LITERAL("valid_at:")))
		return error_set(err, ERR_USAGE, "%s:%zu: \"%s\" is followed by a word that Cert Spotter's watch lists do not know", name, number, shown);
	if (is_root(item))
		return error_set(err, ERR_USAGE, "%s:%zu: \"%s\" asks for every certificate in every log, some 200 a second: list the domains that matter",
				 name, number, shown);
	if (!given_name_read(item, &name_given, &why))
		return error_set(err, ERR_USAGE, "%s:%zu: \"%s\" is no domain name: %s; write own.example for a name, .own.example for it and all names below",
				 name, number, shown, why.text);
	say_reading(config, name, number, shown, &name_given);
	*CONFIG_PUSH(config->watch, config->n_watch) = (struct watch_item){ xstrdup(name_given.name), name_given.below, xstrdup(name) };
	return true;
}

bool watch_list_read(struct slice text, const char *name, struct rule_config *config, struct error *err)
{
	for (size_t number = 1; text.len > 0; number++) {
		ptrdiff_t end = slice_find(text, '\n');
		struct slice line = slice_sub(text, 0, end < 0 ? text.len : (size_t)end);

		if (!read_item(line, name, number, config, err))
			return false;
		text = slice_sub(text, end < 0 ? text.len : (size_t)end + 1, text.len);
	}
	return true;
}
