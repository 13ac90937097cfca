/* Private to config*.c: one row for each key, and what the types of values can do. */
#ifndef CTWATCH_CONFIG_KEY_H
#define CTWATCH_CONFIG_KEY_H

#include "config.h"

struct key_row;

struct key_type {
	const char *name;                 /* as `config keys` prints it */
	/* Checks `value` and puts it at `out` (NULL: nowhere), replacing what was there. Relative paths are relative to `directory`. */
	bool (*apply)(const struct key_row *row, const json_t *value, const char *directory, void *out, struct error *err);
	/* The value that a text stands for, in the environment and in the defaults. NULL with `err`. */
	json_t *(*from_text)(const char *text, struct error *err);
};

struct key_row {
	const char *name;
	const struct key_type *type;
	size_t offset;                    /* of its member in struct config, or NO_MEMBER */
	const char *default_text;         /* NULL: absent unless set */
	int64_t min, max;                 /* bounds of numbers, in the type's unit; both 0: none */
	const char *help;
};
#define NO_MEMBER ((size_t)-1)

extern const struct key_row CONFIG_KEYS[];
extern const size_t N_CONFIG_KEYS;

extern const struct key_type TYPE_TEXT, TYPE_CONTACT, TYPE_PATH, TYPE_URL, TYPE_LIST, TYPE_HOSTS, TYPE_MAILBOXES, TYPE_PATHS_OR_NAMES, TYPE_START, TYPE_BANDWIDTH,
	TYPE_DURATION, TYPE_SIZE, TYPE_COUNT, TYPE_ADDRESS, TYPE_WEEKDAY, TYPE_CLOCK, TYPE_TIMEZONE, TYPE_FORMATS, TYPE_OBJECT, TYPE_OBJECTS;

/* Leading decimal digits of a text and the unit behind them, white space between them allowed: "40 Mbit/s". */
bool quantity_split(struct slice text, uint64_t *number, struct slice *unit);
/* "1000 per log" or 1000. */
bool count_parse(struct slice text, uint64_t *n);

/* CTWATCH_<KEY><suffix>. */
void environment_name(const char *key, const char *suffix, char *out, size_t out_len);
/* No variable begins with CTWATCH_ that means nothing: a mistyped one would be silence. */
bool environment_check(const struct config *, struct error *err);

/* The line (from 1) on which the member with this dotted name begins in a JSON text that parses; 0: not found. */
size_t json_line_of(struct slice json, const char *dotted_name);

#endif
