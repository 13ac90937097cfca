/* The two APIs of a fake log, and what is around them. Each fills an answer; faults of content are applied inside. */
#ifndef FAKELOG_SERVE_H
#define FAKELOG_SERVE_H

#include "http.h"
#include "log.h"

struct fakelog {
	struct world world;
	struct fake_log *logs;
	size_t n_logs;
	char *list_json;                 /* the log list, and its signature when a key was given */
	struct buf list_signature;
};

/* RFC 6962; `call` is what follows /ct/v1/. */
void classic_serve(struct fake_log *, const char *call, const struct http_request *request, struct http_answer *answer);
enum kind classic_kind(const char *call);
/* static-ct-api; `path` is relative to the monitoring prefix. */
void tiled_serve(struct fake_log *, const char *path, struct http_answer *answer);
enum kind tiled_kind(const char *path);

/* An entry with faults of serving applied (a changed byte). */
void serve_entry(struct fake_log *, uint64_t index, enum kind kind, struct entry_bytes *out);
/* chain of an entry as served: indexes of authorities. */
size_t serve_chain(struct fake_log *, const struct entry_bytes *entry, enum kind kind, size_t out[2]);
void put_base64(struct buf *out, struct slice bytes);

/* The log list in Chrome's v3 schema (spec: Chrome's log_list_schema.json). malloc'd. */
char *list_make(const struct fakelog *);
/* RSASSA-PKCS1-v1_5 with SHA-256 by the PEM private key at `path`. */
bool list_sign(const char *json, const char *path, struct buf *out, struct error *err);
/* One log as log.v3.json has it. */
void list_put_log(const struct fake_log *, struct buf *out);

/* The http_handler; ctx is a struct fakelog. */
void fakelog_handle(void *ctx, const struct http_request *request, struct http_answer *answer);

#endif
