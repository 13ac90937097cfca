/*
 * Private to rules/: JSON that people write, read by tables, with errors that say where: source, line, column and the
 * nearest key that would be right. jansson keeps no positions, so a path of nodes is kept on the stack instead, and only when
 * something is wrong the text is scanned once more to find it.
 */
#ifndef CTWATCH_RULES_RULE_SOURCE_H
#define CTWATCH_RULES_RULE_SOURCE_H

#include "engine.h"

#define SOURCE_BYTES_MAX (256u << 20)   /* 100 000 brands take about 30 MB */
#define SOURCE_WARNINGS_MAX 200         /* more are counted, not kept */

/* One JSON document being read. */
struct source {
	const char *name;
	struct slice text;
	struct text_list *warnings;
	struct error *err;
	bool unfinished;                /* an actor file for `rules learn`: its weights are yet to be made */
};

/* A value and how one got there; lives on the stack of whoever reads it. */
struct node {
	const struct node *parent;      /* NULL: the document */
	const char *key;                /* member name, or NULL in an array */
	size_t index;
	json_t *value;
};

enum member_type {
	MEMBER_TEXT,             /* char **, malloc'd */
	MEMBER_TEXTS,            /* struct text_list *: an array of texts, as they are */
	MEMBER_WORDS,            /* struct text_list *: lower case, UTF-8 kept; not empty */
	MEMBER_DOMAINS,          /* struct text_list *: A-labels, lower case; Unicode is converted */
	MEMBER_SCORE,            /* int, 0 to 100 */
	MEMBER_POINTS,           /* int, -1000 to 1000 */
	MEMBER_JSON,             /* json_t **, borrowed: any value, shown but not judged */
	MEMBER_CUSTOM,           /* read() */
};

struct member {
	const char *key;
	enum member_type type;
	size_t offset;
	bool (*read)(const struct source *, const struct node *, void *out);   /* MEMBER_CUSTOM: `out` is the whole struct */
	bool required;
};

/* The document's root. False with a sentence for broken JSON. The caller decrefs. */
bool source_parse(const struct source *, json_t **out);
/*
 * Reads the members of an object by the table (ends with a NULL key) into `out`. A key that is in no row is an error that
 * names the nearest one; keys starting with "_" are comments. `what` is "a brand", "a pack".
 */
bool source_members(const struct source *, const struct node *object, const struct member *table, const char *what, void *out);
bool source_want_object(const struct source *, const struct node *);
bool source_want_array(const struct source *, const struct node *);
/* The elements of an array, each with read(); `out` is handed through. */
bool source_each(const struct source *, const struct node *array, bool (*read)(const struct source *, const struct node *, void *), void *out);
struct node source_element(const struct node *array, size_t index);
struct node source_member(const struct node *object, const char *key, json_t *value);

/* Always false; the sentence starts with "<source>:<line>:<column>: ". */
bool source_error(const struct source *, const struct node *at, const char *format, ...) PRINTF_LIKE(3, 4);
void source_warn(const struct source *, const struct node *at, const char *format, ...) PRINTF_LIKE(3, 4);
/* A warning without a position. */
void warning_add(struct text_list *warnings, const char *format, ...) PRINTF_LIKE(2, 3);

/* "*.Example.COM." or Unicode to A-labels without star and dots at the ends; false with a sentence at the node. */
bool source_domain(const struct source *, const struct node *, char out[DNS_NAME_MAX + 1]);
/* An array of words, in lower case. */
bool source_words(const struct source *, const struct node *, struct text_list *out);
/* A date (2022-12, 2022-12-05) or time; the start of it. */
bool source_time(const struct source *, const struct node *, int64_t *time_ms);

#endif
