/*
 * Configuration: defaults, then the file (JSON), then environment variables CTWATCH_<KEY>. Every key is one row of a table
 * in config_keys.c: name, type, bounds, default, and the sentence that `config keys` and the manual print. Unknown keys are errors
 * that name the nearest known key. Secrets can come from files ("password_file") and are never printed.
 */
#ifndef CTWATCH_CONFIG_H
#define CTWATCH_CONFIG_H

#include <jansson.h>

#include "base.h"
#include "state.h"

enum start_mode { START_END, START_BEGINNING, START_TIME };

struct string_list {
	char **items;                     /* NULL-terminated */
	size_t n;
};

struct config {
	char *path;                       /* of the file, or NULL when none was read */
	char *contact, *state, *listen, *public_url, *timezone, *proxy, *ca_file;
	struct string_list log_lists, log_include, log_exclude, rules, allow_http, dns_servers;
	enum start_mode start;
	int64_t start_time_ms;
	uint64_t bandwidth_bytes;         /* per second; 0: no limit */
	int64_t poll_ms;                  /* between tree heads of a log at its head */
	uint64_t memory_bytes;            /* bytes in flight and being parsed */
	uint64_t alerts_per_hour;         /* that one log may cause */
	struct string_list no_keepalive;  /* hosts where every request gets its own connection */
	struct string_list tls_unverified;/* logs read although their TLS does not verify (their signatures still must) */
	json_t *alerts;                   /* array of sinks, validated by alerts/ */
	json_t *report, *retention, *triage, *canary;    /* objects of the members that were set or have a default */
	json_t *effective;                /* everything, as `config show` prints it, secrets replaced by "(set)" */
	json_t *values;                   /* private to config.c: what was set, by dotted name */
};

/* Keys that begin with "_" are comments, at every level. `path` NULL: $CTWATCH_CONFIG, then /etc/ctwatch/ctwatch.json, then built-in defaults. */
bool config_load(const char *path, struct config *out, struct error *err);
void config_deinit(struct config *);
/* A path from the configuration, relative to its file. malloc'd. */
char *config_resolve(const struct config *, const char *path);
/* Sets keys to stand over the file and the environment: how command-line options are applied. `value` as in the environment. */
bool config_set(struct config *, const char *key, const char *value, struct error *err);
/* "40 Mbit/s", "5 MB/s" -> bytes per second; "none" -> 0. */
bool bandwidth_parse(struct slice text, uint64_t *bytes_per_second);
/* "32 MiB", "500 kB", "1048576". */
bool size_parse(struct slice text, uint64_t *n_bytes);

struct config_key {
	const char *name;                 /* nested keys with dots: "report.weekday"; in the environment CTWATCH_REPORT_WEEKDAY */
	const char *type, *default_text, *help;
};
/* The caller frees the array (its texts are constant). */
struct config_key *config_keys(size_t *n);

/* Sentences about settings that are good and may still surprise: read otherwise than written, or not used yet. */
typedef void config_note_fn(void *ctx, const char *sentence);
void config_each_note(const struct config *, config_note_fn *fn, void *ctx);
/* A secret: the value itself, or the content of the file named by "<key>_file" (trailing newline cut), or the variable named by "<key>_env". NULL when absent. */
bool config_secret(const struct config *, const json_t *object, const char *key, char **out, struct error *err);

/* Retention as state_prune wants it. */
void config_retention(const struct config *, struct retention *out);
/* A copy for `config show`: secrets become "(set)", URLs as above. */
json_t *config_redact(const json_t *value);

#endif
