/* Several lists as one: sorted, completed, and for commands read from the disk without a loop. */
#include "guard.h"

#include <stdlib.h>
#include <string.h>

static int by_operator(const void *a, const void *b)
{
	const struct listed_log *x = a, *y = b;
	int order = strcmp(x->log_operator, y->log_operator);

	if (order == 0)
		order = strcmp(x->description, y->description);
	return order != 0 ? order : memcmp(x->log_id.bytes, y->log_id.bytes, HASH_LEN);
}

static void sort_list(struct log_list *list)
{
	if (list->n_logs > 1)
		qsort(list->logs, list->n_logs, sizeof(*list->logs), by_operator);
}

/* Only those that no list has, so that they do not lend their state to a log that is listed. */
static void merge_departed(struct log_list *into, const struct log_list *departed)
{
	for (size_t i = 0; i < departed->n_logs; i++) {
		struct log_list one = { .logs = &departed->logs[i], .n_logs = 1 };

		if (lists_find(into, &departed->logs[i].log_id) == NULL)
			log_list_merge(into, &one, LISTS_BIT_DEPARTED);
	}
}

static void merge_builtin(struct log_list *into)
{
	struct log_list builtin = { 0 };

	log_list_builtin(&builtin);
	log_list_merge(into, &builtin, LISTS_BIT_BUILTIN);
	log_list_deinit(&builtin);
}

void union_finish(struct log_list *merged, bool stand_in, const struct log_list *departed)
{
	if (stand_in)
		merge_builtin(merged);
	merge_departed(merged, departed);
	sort_list(merged);
}

static bool has_log_of(const struct log_list *merged, const struct unread_log *unread)
{
	const struct listed_log *log = lists_find(merged, &unread->log_id);

	return log != NULL && (log->sources & LISTS_SOURCE_DEPARTED) == 0;
}

void union_add_unread(struct log_list *merged, const struct log_list *list)
{
	merged->unread = xreallocarray(merged->unread, merged->n_unread + list->n_unread + 1, sizeof(*merged->unread));
	for (size_t i = 0; i < list->n_unread; i++) {
		const struct unread_log *from = &list->unread[i];

		if (has_log_of(merged, from))
			continue;
		merged->unread[merged->n_unread++] = (struct unread_log){
			.log_id = from->log_id,
			.description = xstrdup(from->description),
			.log_operator = xstrdup(from->log_operator),
			.url = xstrdup(from->url),
			.why = xstrdup(from->why),
		};
	}
}

/* ---- without a loop ------------------------------------------------------------------------------------------------ */

static bool load_kept_copy(const struct config *config, const char *directory, const char *source, struct log_list *out)
{
	const struct list_trust trust = { .must_be_signed = lists_signing(source) == LIST_SIGNED, .allow_http = &config->allow_http };
	struct kept kept = { 0 };
	struct error err;

	bool ok = kept_read(directory, source, &kept) && lists_check(buf_slice(&kept.json), buf_slice(&kept.signature), &trust, out, &err);
	kept_deinit(&kept);
	return ok;
}

static bool load_file(const struct config *config, const char *path, struct log_list *out, struct error *err)
{
	const struct list_trust trust = { .allow_http = &config->allow_http };
	bool is_signed;

	return lists_read_file(path, &trust, &is_signed, out, err);
}

/* One list that cannot be read does not hide the others: it is an error only where no list can be read. */
bool lists_load_kept(const struct config *config, const char *directory, struct log_list *out, bool *builtin, struct error *err)
{
	struct log_list merged = { 0 }, departed = { 0 }, lists[LISTS_MAX] = { 0 };
	bool stand_in = false, any = false, failed = false;

	for (size_t i = 0; i < config->log_lists.n && i < LISTS_MAX; i++) {
		const char *source = config->log_lists.items[i];
		bool is_file = lists_is_file(source);
		bool ok = is_file ? load_file(config, source, &lists[i], err) : load_kept_copy(config, directory, source, &lists[i]);

		failed = failed || (is_file && !ok);
		stand_in = stand_in || (!ok && lists_has_stand_in(source));
		any = any || ok;
		log_list_merge(&merged, &lists[i], (unsigned)i);
	}
	kept_read_departed(directory, &config->allow_http, &departed);
	union_finish(&merged, stand_in, &departed);
	for (size_t i = 0; i < LISTS_MAX; i++) {
		union_add_unread(&merged, &lists[i]);
		log_list_deinit(&lists[i]);
	}
	log_list_deinit(&departed);
	*builtin = stand_in && !any;
	*out = merged;
	if (any || stand_in || !failed)
		return true;
	log_list_deinit(out);
	return false;
}

/* ---- before a run ---------------------------------------------------------------------------------------------------- */

bool lists_review(const struct config *config, const char *source, struct list_review *out, struct error *err)
{
	static const char *const trust[] = {
		[LIST_SIGNED] = "its signature is checked",
		[LIST_MAY_BE_SIGNED] = "unsigned, unless a signature lies beside it, which is checked",
		[LIST_NEVER_SIGNED] = "unsigned, as its publisher signs nothing; TLS vouches for it",
	};
	const struct list_trust how = { .allow_http = &config->allow_http };
	struct list_review review = { .trust = trust[lists_signing(source)] };
	bool is_signed = false;

	if (lists_is_file(source)) {
		if (!lists_read_file(source, &how, &is_signed, &review.list, err))
			return false;
		review.trust = is_signed ? "signed, and the signature is good" : "unsigned; taken because you named it";
	}
	*out = review;
	return true;
}
