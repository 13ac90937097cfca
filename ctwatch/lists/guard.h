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
void kept_read_departed(const char *directory, struct log_list *out);
bool kept_write_departed(const char *directory, const struct log_list *list, struct error *err);

/* A list from memory: parsed, and its signature checked when there is one or `must_be_signed`. */
bool lists_check(struct slice json, struct slice signature, bool must_be_signed, struct slice key_pem, struct log_list *out, struct error *err);
/* Chrome's lists carry a signature beside them; its name ("...json" -> "...sig"), or NULL for an unsigned kind of list. malloc'd. */
char *lists_signature_name(const char *source);
bool lists_is_file(const char *source);
/* Reads a list that is a file, and its .sig when there is one. */
bool lists_read_file(const char *path, struct slice key_pem, bool *is_signed, struct log_list *out, struct error *err);
/* Do the build's own facts stand in while this source has not answered yet? */
bool lists_has_stand_in(const char *source);

#endif
