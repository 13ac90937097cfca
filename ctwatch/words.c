/* See words.h. */
#include "words.h"

#include <string.h>

const char *technique_phrase(const char *technique)
{
	static const struct {
		const char *technique, *phrase;
	} phrases[] = {
		{ "combosquat", "contains the name of" },
		{ "exact", "is the name of" },
		{ "tld-swap", "is the name, under another top-level domain, of" },
		{ "hyphenation", "is, but for hyphens, the name of" },
		{ "glued", "contains the name of" },
		{ "embedded", "contains the name of" },
		{ "wrong-tld-in-label", "contains the official domain, written into a label, of" },
		{ "missing-dot", "contains the official domain, without its dot, of" },
		{ "target-embedding", "contains the official domain of" },
		{ "levelsquatting", "has below it the name of" },
		{ "subdomain-split", "spells, across its labels, the name of" },
		{ "homoglyph-ascii", "looks, with other letters, like the name of" },
		{ "homoglyph", "looks, with other letters, like the name of" },
		{ "homoglyph-idn", "looks, with letters of other alphabets, like the name of" },
		{ "leet", "looks, with digits for letters, like the name of" },
		{ "native", "is the native name of" },
		{ "typo", "differs by a slip from the name of" },
		{ "edit-distance", "differs by a slip from the name of" },
	};

	for (size_t i = 0; technique != NULL && i < ARRAY_LEN(phrases); i++)
		if (strcmp(phrases[i].technique, technique) == 0)
			return phrases[i].phrase;
	return "resembles the name of";
}

char *finding_sentence(const struct finding *finding, const char *name)
{
	if (strcmp(finding->kind, "brand") == 0)
		return xasprintf("%s %s %s", name, technique_phrase(finding->technique), finding->brand != NULL ? finding->brand : "a watched organisation");
	if (strcmp(finding->kind, "indicator") == 0)
		return xasprintf("%s is, or lies below, a domain or address published as the actor's", name);
	if (strcmp(finding->kind, "naming") == 0)
		return xasprintf("%s is built like published credential-harvesting domains", name);
	if (strcmp(finding->kind, "own") == 0)
		return xasprintf("an issuer that is not on your list issued a certificate for %s", name);
	if (strcmp(finding->kind, "watch") == 0)
		return xasprintf("%s is on your watch list", name);
	if (strcmp(finding->kind, "unreadable") == 0)
		return name[0] == '(' ? xstrdup("no name of an entry could be read") : xasprintf("an entry's names could not be read in full (%s)", name);
	return xasprintf("%s matched %s", name, finding->rule);
}

const char *const *finding_next_steps(const struct finding *finding)
{
	static const char *const indicator[] = { "Search your DNS, proxy and mail records for the name since it was logged.",
						 "Addresses and lapsed domains change owners: check who holds it today before you block.", NULL };
	static const char *const brand[] = { "Ask the organisation whether it, or a partner, registered the name.",
					     "Search your DNS, proxy and mail records for it; do not visit it from your own network.",
					     "If it is yours, say so: ctwatch findings dismiss ID --why \"ours\".", NULL };
	static const char *const own[] = { "Ask who ordered the certificate: a new provider, or somebody who controls the name or its DNS.",
					   "If it was ordered, add the issuer to expected_issuers.", NULL };
	static const char *const unreadable[] = { "Look at the entry as logged: a certificate that monitors cannot read may be meant to be unread.", NULL };
	static const char *const other[] = { "Look at who registered the name and where it points, without visiting it from your own network.",
					     "Acknowledge, confirm or dismiss it, so that the report says so.", NULL };

	if (strcmp(finding->kind, "indicator") == 0)
		return indicator;
	if (strcmp(finding->kind, "brand") == 0)
		return brand;
	if (strcmp(finding->kind, "own") == 0)
		return own;
	if (strcmp(finding->kind, "unreadable") == 0)
		return unreadable;
	return other;
}

const char *verified_phrase(bool verified, bool withdrawn)
{
	if (withdrawn)
		return "withdrawn: a log served it, but its signed tree holds another entry there";
	return verified ? "in signed log" : "not yet proven to be in the signed log";
}

char *incident_sentence(const struct incident *incident)
{
	const char *log = incident->log_name != NULL && incident->log_name[0] != '\0' ? incident->log_name : "this monitor";

	return xasprintf("%s (%s) at %s: %s", incident->class_name, incident->severity, log, incident->summary);
}
