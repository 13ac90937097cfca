/* See logs_cli.h. */
#include "logs_cli.h"

#include <stdlib.h>
#include <string.h>

#include "lists.h"

json_t *logs_fact(struct state *st)
{
	struct error ignored;
	char *text = NULL;
	json_t *fact = NULL;

	if (state_get_fact(st, LISTS_FACT, &text, &ignored) && text != NULL)
		fact = json_loads(text, 0, NULL);
	free(text);
	return fact != NULL ? fact : json_object();
}

static const char *signing_of(const json_t *list)
{
	if (json_is_true(json_object_get(list, "signed")))
		return "signed";
	if (json_is_true(json_object_get(list, "never_signed")))
		return "unsigned, as its publisher signs nothing; TLS vouches for it";
	return json_is_true(json_object_get(list, "file")) ? "unsigned; taken because you named it" : "unsigned; nothing but the connection vouches for it";
}

void logs_print_lists(struct cli *cli, const json_t *fact)
{
	size_t i;
	json_t *list;

	json_array_foreach(json_object_get(fact, "lists"), i, list) {
		const char *error = json_string_value(json_object_get(list, "error")), *date = json_string_value(json_object_get(list, "date"));
		long long n = json_integer_value(json_object_get(list, "logs"));
		char name[512], why[1024];
		struct buf line;

		buf_init(&line, 8192);
		buf_printf(&line, "List %s: ", text_escape(slice_text(json_string_value(json_object_get(list, "name"))), name, sizeof(name)));
		if (n > 0)
			buf_printf(&line, "%lld log%s%s%.10s; %s", n, n == 1 ? "" : "s", date != NULL ? ", of " : "", date != NULL ? date : "", signing_of(list));
		if (error != NULL)
			buf_printf(&line, "%s%s", n > 0 ? "; " : "", text_escape(slice_text(error), why, sizeof(why)));
		else if (n == 0)
			buf_append_text(&line, "has not come yet");
		fputc('\n', cli->out);
		cli_paragraph(cli->out, cli->width, 0, buf_text(&line));
		buf_deinit(&line);
	}
}

json_t *logs_unread_json(const json_t *unread)
{
	json_t *log = json_deep_copy(unread);

	json_object_set_new(log, "read", json_false());
	return log;
}

bool logs_unread_is_wanted(const json_t *unread, const char *wanted)
{
	const char *name = json_string_value(json_object_get(unread, "name")), *url = json_string_value(json_object_get(unread, "url"));

	return wanted == NULL || (name != NULL && strcasestr(name, wanted) != NULL) || (url != NULL && strcasestr(url, wanted) != NULL);
}
