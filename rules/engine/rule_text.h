/* A text that rules are made of: a pack, a brand file, a watch list. */
#ifndef CTWATCH_RULE_TEXT_H
#define CTWATCH_RULE_TEXT_H

#include "base.h"

enum rule_source_type {
	SOURCE_PACK,             /* JSON: actor packs and brand files tell themselves by their members */
	SOURCE_WATCHLIST_TEXT,   /* Cert Spotter's watch list: exact names and ".subtrees" */
};

struct rule_source {
	enum rule_source_type type;
	const char *name;        /* shown in errors: "watchlist", "/etc/ctwatch/brands.json" */
	struct slice text;
};

#endif
