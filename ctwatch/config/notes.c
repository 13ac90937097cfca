/* What is good and may still surprise: settings that are read in another way than they are written, or that do nothing yet. */
#include "key.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dns.h"

struct notes {
	const struct config *config;
	config_note_fn *fn;
	void *ctx;
};

static void note(const struct notes *n, char *sentence)
{
	n->fn(n->ctx, sentence);
	free(sentence);
}

static void note_unused(const struct notes *n)
{
	static const struct {
		const char *key, *what;
	} unused[] = {
		{ "listen", "is not used yet: this version has no web interface" },
		{ "dns_servers", "is not used yet: this version looks up no names" },
		{ "public_url", "is where links in alerts and reports lead; this version serves no page there itself" },
	};

	for (size_t i = 0; i < ARRAY_LEN(unused); i++) {
		const json_t *value = json_object_get(n->config->values, unused[i].key);
		const char *text = json_string_value(value);

		if (value == NULL || (text != NULL && (text[0] == '\0' || strcmp(text, "none") == 0)) || (json_is_array(value) && json_array_size(value) == 0))
			continue;
		note(n, xasprintf("\"%s\" %s", unused[i].key, unused[i].what));
	}
}

static void note_reading(const struct notes *n, const char *key, const char *given, const char *read)
{
	char shown[200];

	if (strcasecmp(given, read) != 0)
		note(n, xasprintf("\"%s\": \"%s\" is read as %s", key, text_escape(slice_text(given), shown, sizeof(shown)), read));
}

/* Lists of hosts: what was written stands in `values`, what is meant in the member. */
static void note_hosts(const struct notes *n)
{
	const struct {
		const char *key;
		const struct string_list *read;
	} lists[] = {
		{ "allow_http", &n->config->allow_http }, { "no_keepalive", &n->config->no_keepalive }, { "tls_unverified", &n->config->tls_unverified },
	};

	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		const json_t *written = json_object_get(n->config->values, lists[k].key);

		for (size_t i = 0; i < lists[k].read->n; i++) {
			const char *given = json_string_value(json_array_get(written, i));

			if (given != NULL)
				note_reading(n, lists[k].key, given, lists[k].read->items[i]);
		}
	}
}

static void note_allowed(const struct notes *n)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(n->config->triage, "allow"), i, entry) {
		const char *given = json_string_value(json_object_get(entry, "domain"));
		struct given_name name;
		struct error ignored;

		if (given != NULL && given_name_read(slice_text(given), &name, &ignored))
			note_reading(n, "triage.allow", given, given_name_without_www(&name));
	}
}

void config_each_note(const struct config *c, config_note_fn *fn, void *ctx)
{
	const struct notes n = { c, fn, ctx };

	note_unused(&n);
	note_hosts(&n);
	note_allowed(&n);
	if (c->rules.n == 0 && json_array_size(json_object_get(c->canary, "names")) == 0)
		note(&n, xstrdup("\"rules\" is empty: logs are read and checked, and nothing is looked for in them"));
	if (c->log_include.n == 0)
		note(&n, xstrdup("\"logs.include\" is empty, so no log is read: leave it out, or write [\"*\"]"));
	for (size_t i = 0; i < c->log_exclude.n; i++)
		if (strcmp(c->log_exclude.items[i], "*") == 0)
			note(&n, xstrdup("\"logs.exclude\" has \"*\", so no log is read"));
	if (c->log_lists.n == 0)
		note(&n, xstrdup("\"log_lists\" is empty: no log is known, so none is read"));
	if (json_object_get(c->values, "canary.within") != NULL && json_array_size(json_object_get(c->canary, "names")) == 0)
		note(&n, xstrdup("\"canary.within\" does nothing without \"canary.names\""));
}
