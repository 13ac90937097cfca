/*
 * What every command shares: the table of commands, options as tables, exit codes, tables for people and JSON for
 * programs. One file per command; each exports one `struct command` named <file>_command.
 */
#ifndef CTWATCH_CLI_H
#define CTWATCH_CLI_H

#include <stdio.h>

#include <jansson.h>

#include "config.h"
#include "diag.h"
#include "state.h"

/* Exit codes: promises (DESIGN.md 5.1). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_NO = 1,              /* the answer is no: nothing flagged, unknown id, a sink refused */
	EXIT_USAGE = 2,           /* bad usage or configuration */
	EXIT_CONTRADICTION = 3,   /* a log contradicts itself */
	EXIT_STATE = 4,           /* state unusable */
	EXIT_NETWORK = 5,         /* something could not be reached */
};
/* The exit code that fits an error: ERR_USAGE 2, ERR_CONTRADICTION 3, ERR_FATAL and ERR_NO_SPACE 4, ERR_RETRY 5, else 1. */
int exit_code_of(const struct error *err);

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JSONL };

/* What a command gets. Everything is borrowed. */
struct cli {
	FILE *out, *err;
	bool out_is_terminal, err_is_terminal;
	int width;                        /* of lines: $COLUMNS, or the terminal's, 80 when it is none */
	int64_t now_ms;
	const char *config_path;          /* -c, or NULL */
	const char *state_path;           /* --state, or NULL: stands over the configuration */
	bool verbose, quiet;
	const struct command *command;    /* the one that runs, for its usage */
	struct cli_stream *stream;        /* behind `out`; NULL: any other stream */
};

/* ---- commands -------------------------------------------------------------------------------- */

enum option_type {
	OPTION_FLAG,              /* bool */
	OPTION_TEXT,              /* const char *, borrowed from argv */
	OPTION_UINT,              /* uint64_t */
	OPTION_SCORE,             /* int, 0 to 100 */
	OPTION_TIME,              /* int64_t, ms: RFC 3339, a date, or an age such as 7d before now */
	OPTION_DURATION,          /* int64_t, ms */
	OPTION_FORMAT,            /* enum output_format: text, json, jsonl */
};

/* One option of a command; `offset` says where its value goes in the command's options struct. */
struct option {
	const char *name;         /* without "--" */
	char letter;              /* or 0 */
	enum option_type type;
	size_t offset;
	const char *argument;     /* "FILE", "N"; NULL for flags */
	const char *help;
};

struct command {
	const char *name;
	const char *summary;      /* one line for `ctwatch --help`, no full stop */
	const char *usage;        /* what stands behind "ctwatch NAME"; alternatives on lines of their own */
	const char *help;         /* paragraphs and examples for `ctwatch NAME --help`; lines of 80 columns at most */
	const struct option *options;     /* ends with a NULL name; NULL: none of its own */
	int (*run)(struct cli *cli, int argc, char **argv);   /* argv[0] is the command's name */
};

/*
 * Reads the options of cli->command into `values` (zeroed or preset by the caller) and leaves the other words in argv[1..]:
 * *argc is their number + 1. -c, --state, -v, -q, --help and --version are known everywhere. "--" ends the options.
 * False: the caller returns *exit_code at once (help was printed, or a sentence about what is wrong).
 */
bool cli_options(struct cli *cli, int *argc, char **argv, void *values, int *exit_code);
/* Prints "ctwatch NAME: <sentence>", with the usage and where help is; returns EXIT_USAGE. */
int cli_usage(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* Prints the error as one sentence and returns exit_code_of(err); when standard output is what failed, the sentence and code of cli_stream_failed. */
int cli_fail(struct cli *cli, const struct error *err);
/* The same for commands that only touch the state: locked is EXIT_STATE, and an id that names nothing is an answer, EXIT_NO. */
int cli_fail_state(struct cli *cli, const struct error *err);

/* The configuration with -c and --state applied. */
bool cli_config(struct cli *cli, struct config *out, struct error *err);
/* Configuration, then the state it names. */
bool cli_state(struct cli *cli, enum state_mode mode, struct state **out, struct error *err);

extern const struct option COMMON_OPTIONS[];      /* that every command knows; ends with a NULL name */
extern const struct command *const COMMANDS[];    /* ends with NULL */
/* The whole program behind main. */
int cli_main(int argc, char **argv);

/* ---- standard output: one sentence and one exit code (EXIT_NO) for all commands whose output cannot be written ---- */

struct cli_stream *cli_stream_open(int fd, FILE **out);
/* Writes what waits. The exit code of the command, which was to be `code`: another one, and a sentence, when output is lost. */
int cli_stream_failed(struct cli *cli, int code);
void cli_stream_close(struct cli_stream *);

/* ---- output ------------------------------------------------------------------------------------ */

/* Strings for a terminal; empty when output is not one (or NO_COLOR is set). */
struct palette {
	const char *bold, *dim, *red, *yellow, *green, *cyan, *reset;
};
struct palette cli_palette(const struct cli *cli);
/* The colour of a severity: critical red ... low dim. */
const char *palette_severity(const struct palette *palette, const char *severity);

/*
 * A table. On a terminal text columns shrink (with "...") from the widest on, until it fits; in a pipe or a file nothing is cut, since
 * programs and searches want the whole. Cells are escaped on the way in.
 */
struct table;
enum table_align { ALIGN_LEFT, ALIGN_RIGHT };
struct table *table_new(void);
void table_free(struct table *);
/* `min_width` 0: never shrinks: numbers, and whatever people copy (names of domains, logs and rules). */
void table_column(struct table *, const char *title, enum table_align align, size_t min_width);
/* The next cell of the row; rows fill up as cells come. */
void table_cell(struct table *, const char *text);
void table_cellf(struct table *, const char *format, ...) PRINTF_LIKE(2, 3);
/* The next cell's colour: one of the palette's strings, for this cell only. */
void table_colour(struct table *, const char *escape);
size_t table_rows(const struct table *);
void table_print(const struct table *, const struct cli *cli);

/* Prints one JSON value: indented for OUTPUT_JSON, one line for OUTPUT_JSONL. Steals the reference. */
void cli_json(struct cli *cli, enum output_format format, json_t *value);
/* "3 min ago", "never" for 0. Returns `out`. */
char *ago_format(int64_t time_ms, int64_t now_ms, char out[TIME_TEXT_LEN]);
/* For the columns of a table: "45s", "8h", "20d", "never" for 0; and "1.23M" of a count. Both return `out`. */
char *age_short(int64_t time_ms, int64_t now_ms, char out[TIME_TEXT_LEN]);
char *count_short(uint64_t n, char out[TIME_TEXT_LEN]);
/* Wraps a paragraph to the width, each line behind `indent` spaces. */
void cli_paragraph(FILE *out, int width, int indent, const char *text);
/* The same for a line that was begun and stands at `column`: what does not fit goes on behind `indent` spaces. */
void cli_continue(FILE *out, int width, int column, int indent, const char *text);

#endif
