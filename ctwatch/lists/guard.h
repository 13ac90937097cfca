/* Private to the list updater: may a new copy of a list replace the old one? And where copies are kept. */
#ifndef CTWATCH_LISTS_GUARD_H
#define CTWATCH_LISTS_GUARD_H

#include "lists.h"

#define LIST_BYTES_MAX (8u << 20)         /* the largest list seen has 164 kB */
#define LIST_SIGNATURE_MAX 1024

enum guard_verdict {
	GUARD_ACCEPT,
	GUARD_REFUSE,                     /* never: rollback, mimic */
	GUARD_SUSPECT,                    /* the old copy stays for some days, then the new one is believed */
};

/* What is wrong with `fresh` as the successor of `old` (NULL: the first). `class_name` and `sentence` are set unless it is accepted. */
enum guard_verdict lists_guard(const struct log_list *old, const struct log_list *fresh, const struct config *config, int64_t now_ms,
			       const char **class_name, char *sentence, size_t sentence_len);
bool lists_is_decoy(const char *url);
const struct listed_log *lists_find(const struct log_list *list, const struct hash *log_id);

/* ---- copies on disk ---------------------------------------------------------------------------- */

struct kept {
	struct buf json, signature;
	char etag[128], last_modified[64];
	int64_t fetched_ms;
};
void kept_deinit(struct kept *);
/* The copy of a source; false: there is none. */
bool kept_read(const char *directory, const char *source, struct kept *out);
/* Each file whole or not at all. */
bool kept_write(const char *directory, const char *source, const struct kept *kept, struct error *err);
/* Logs that no list names any more, with the day on which that was noticed. */
void kept_read_departed(const char *directory, const struct string_list *allow_http, struct log_list *out);
bool kept_write_departed(const char *directory, const struct log_list *list, struct error *err);

/* What a list is judged by beside its bytes. */
struct list_trust {
	bool must_be_signed;
	struct slice key_pem;             /* empty: the pinned key */
	const struct string_list *allow_http;    /* hosts whose logs may be read over plain http */
};
/* A list from memory: parsed, and its signature checked when there is one or it must have one. */
bool lists_check(struct slice json, struct slice signature, const struct list_trust *trust, struct log_list *out, struct error *err);

/* What is known of a source before it is asked. */
enum list_signing {
	LIST_SIGNED,                      /* Chrome's, by name or host: without a good signature it is not taken */
	LIST_MAY_BE_SIGNED,               /* a signature beside it is checked; without one it is shown as unsigned */
	LIST_NEVER_SIGNED,                /* Apple publishes no signature */
};
enum list_signing lists_signing(const char *source);
/* Where the signature of a list is ("...json" -> "...sig"), or NULL where there can be none. malloc'd. */
char *lists_signature_name(const char *source);
bool lists_is_file(const char *source);
/* Reads a list that is a file, and its .sig when there is one. */
bool lists_read_file(const char *path, const struct list_trust *trust, bool *is_signed, struct log_list *out, struct error *err);
/* Do the build's own facts stand in while this source has not answered yet? */
bool lists_has_stand_in(const char *source);

/* ---- the union ------------------------------------------------------------------------------------ */

/* The union of some lists is completed: by what the build knows when a default list is missing, by departed logs, and sorted. */
void union_finish(struct log_list *merged, bool stand_in, const struct log_list *departed);
/* Entries of `list` that cannot be read are handed on, unless the union has their log from elsewhere. */
void union_add_unread(struct log_list *merged, const struct log_list *list);

#endif
