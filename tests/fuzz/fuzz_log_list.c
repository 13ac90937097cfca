/* Log lists: every log that is kept obeys the rules, and merging a list with itself adds nothing. */
#include "check.h"
#include "loglist.h"

#include <string.h>

static void check_log(const struct listed_log *log)
{
	struct hash id = sha256(slice_of(log->key, log->key_len));

	CHECK(hash_equal(&id, &log->log_id));
	CHECK(log->url != NULL && log->url[0] != '\0' && log->url[strlen(log->url) - 1] != '/');
	CHECK((log->submission_url != NULL) == (log->protocol == LOG_STATIC));
	CHECK(log->description != NULL && log->log_operator != NULL && log->mmd_s >= 0);
	CHECK(!log->has_final_head || log->lifecycle == LIFECYCLE_READONLY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_list list, merged = { 0 };
	struct error err;
	char why[256];

	if (!log_list_parse(slice_of(data, size), &list, &err)) {
		CHECK(err.kind == ERR_MALFORMED);
		return 0;
	}
	for (size_t i = 0; i < list.n_logs; i++)
		check_log(&list.logs[i]);
	log_list_merge(&merged, &list, 0);
	log_list_merge(&merged, &list, 1);
	CHECK(merged.n_logs == list.n_logs);
	for (size_t i = 0; i < merged.n_logs; i++) {
		check_log(&merged.logs[i]);
		CHECK(merged.logs[i].sources == 3 && merged.logs[i].lifecycle == list.logs[i].lifecycle);
	}
	if (log_list_is_mimic(&list, why, sizeof(why)))
		CHECK(why[0] != '\0');
	log_list_deinit(&list);
	log_list_deinit(&merged);
	return 0;
}
