/* Log lists: real ones of several years, hostile ones made here, and the logs built into the program. */
#include "loglist.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "known_logs.h"
#include "shared.h"
#include "vectors.h"

#define LISTS "data/loglist/"

static void free_slice(struct slice s)
{
	free((void *)(uintptr_t)s.data);
}

static struct slice need_file(const char *path)
{
	need_shared();
	struct slice content = shared_file(path);

	assert_non_null(content.data);
	return content;
}

static struct log_list parse_file(const char *path)
{
	struct slice json = need_file(path);
	struct log_list list;
	struct error err;

	if (!log_list_parse(json, &list, &err))
		fail_msg("%s: %s", path, err.text);
	free_slice(json);
	return list;
}

/* A file out of older-lists.tar.zst. */
static struct slice older_file(const char *name)
{
	char *command = xasprintf("tar -I zstd -xOf '%s/" LISTS "older-lists.tar.zst' '%s'", shared_dir(), name);
	FILE *pipe = popen(command, "r");
	struct buf content;
	uint8_t chunk[4096];
	size_t n;

	free(command);
	assert_non_null(pipe);
	buf_init(&content, 1u << 22);
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		assert_true(buf_append(&content, chunk, n));
	assert_int_equal(pclose(pipe), 0);
	return buf_slice(&content);
}

static const struct listed_log *find(const struct log_list *list, const char *description)
{
	for (size_t i = 0; i < list->n_logs; i++)
		if (strcmp(list->logs[i].description, description) == 0)
			return &list->logs[i];
	fail_msg("no log \"%s\" in the list", description);
	return NULL;
}

static void reads_googles_list_with_its_lifecycles(void **state)
{
	struct log_list list = parse_file(LISTS "google-v3-all_logs_list.json");
	size_t by_lifecycle[LIFECYCLE_USABLE + 1] = { 0 }, n_static = 0;
	char why[256];

	(void)state;
	assert_int_equal(list.n_logs, 115);
	assert_int_equal(list.n_decoys, 2);
	assert_int_equal(list.n_warnings, 0);
	assert_string_equal(list.version, "89.25");
	assert_int_equal(list.timestamp_ms, time_from_civil(2026, 8, 20, 13, 34, 57));
	for (size_t i = 0; i < list.n_logs; i++) {
		by_lifecycle[list.logs[i].lifecycle]++;
		n_static += list.logs[i].protocol == LOG_STATIC;
		assert_true((list.logs[i].protocol == LOG_STATIC) == (list.logs[i].submission_url != NULL));
	}
	assert_int_equal(n_static, 75);
	assert_int_equal(by_lifecycle[LIFECYCLE_USABLE], 37);
	assert_int_equal(by_lifecycle[LIFECYCLE_PENDING], 16);
	assert_int_equal(by_lifecycle[LIFECYCLE_QUALIFIED], 6);
	assert_int_equal(by_lifecycle[LIFECYCLE_REJECTED], 14);
	assert_int_equal(by_lifecycle[LIFECYCLE_RETIRED], 1);      /* two of three are decoys */
	assert_int_equal(by_lifecycle[LIFECYCLE_READONLY], 2);
	assert_int_equal(by_lifecycle[LIFECYCLE_NONE], 39);

	const struct listed_log *sabre = find(&list, "Sectigo 'Sabre2026h2'");
	assert_true(sabre->has_final_head);
	assert_int_equal(sabre->final_head.tree_size, 68732791);
	assert_int_equal(sabre->mmd_s, 86400);
	assert_false(log_list_is_mimic(&list, why, sizeof(why)));
	log_list_deinit(&list);
}

static void reads_the_lists_of_apple_mozilla_and_crtsh(void **state)
{
	struct log_list apple = parse_file(LISTS "apple-current_log_list.json");
	struct log_list mozilla = parse_file(LISTS "mozilla-v3-known_logs_list.json");
	struct log_list crtsh = parse_file(LISTS "crtsh-v3-all_logs_list.json");
	char why[256];

	(void)state;
	assert_int_equal(apple.n_logs, 166);
	assert_int_equal(apple.timestamp_ms, 0);
	assert_false(log_list_is_mimic(&apple, why, sizeof(why)));
	/* Mozilla's names keys without URLs: nothing to read, and every log says so */
	assert_int_equal(mozilla.n_logs, 0);
	assert_int_equal(mozilla.n_warnings, 48);
	/* one log of crt.sh's list is http only */
	assert_int_equal(crtsh.n_logs + crtsh.n_decoys, 308);
	assert_int_equal(crtsh.n_warnings, 1);
	assert_non_null(strstr(crtsh.warnings[0], "not https"));
	assert_false(log_list_is_mimic(&crtsh, why, sizeof(why)));
	log_list_deinit(&apple);
	log_list_deinit(&mozilla);
	log_list_deinit(&crtsh);
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, HASH_LEN);
}

static void the_union_of_all_lists_has_316_keys(void **state)
{
	static const char *const files[] = {
		LISTS "google-v3-all_logs_list.json",     LISTS "apple-current_log_list.json",    LISTS "crtsh-v3-all_logs_list.json",
		LISTS "crtsh-v3-active_logs_list.json",   LISTS "mozilla-v3-known_logs_list.json",
	};
	struct hash ids[1024];
	size_t n = 0, n_different = 0;

	(void)state;
	/* also of the logs that the parser leaves out: the raw keys */
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct slice json = need_file(files[i]);
		json_t *root = json_loadb((const char *)json.data, json.len, 0, NULL), *entry, *item;
		size_t j, k;

		json_array_foreach(vector_at(root, "operators", NULL), j, entry)
			for (int kind = 0; kind < 2; kind++)
				json_array_foreach(json_object_get(entry, kind == 0 ? "logs" : "tiled_logs"), k, item)
					ids[n++] = vector_hash_b64(vector_at(item, "log_id", NULL));
		json_decref(root);
		free_slice(json);
	}
	qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		n_different += i == 0 || !hash_equal(&ids[i - 1], &ids[i]);
	assert_int_equal(n_different, 316);
}

static void merging_keeps_the_strongest_lifecycle_whatever_the_order(void **state)
{
	struct log_list google = parse_file(LISTS "google-v3-all_logs_list.json");
	struct log_list apple = parse_file(LISTS "apple-current_log_list.json");
	struct log_list a = { 0 }, b = { 0 };

	(void)state;
	log_list_merge(&a, &google, 0);
	log_list_merge(&a, &apple, 1);
	log_list_merge(&b, &apple, 1);
	log_list_merge(&b, &google, 0);
	assert_int_equal(a.n_logs, b.n_logs);
	assert_true(a.n_logs > google.n_logs);
	assert_int_equal(a.timestamp_ms, google.timestamp_ms);
	for (size_t i = 0; i < a.n_logs; i++) {
		const struct listed_log *other = NULL;

		for (size_t k = 0; k < b.n_logs; k++)
			if (hash_equal(&b.logs[k].log_id, &a.logs[i].log_id))
				other = &b.logs[k];
		assert_non_null(other);
		assert_int_equal(a.logs[i].lifecycle, other->lifecycle);
		assert_int_equal(a.logs[i].sources, other->sources);
		assert_int_equal(a.logs[i].has_final_head, other->has_final_head);
	}
	/* retired for Chrome, read-only for Apple */
	const struct listed_log *oak = find(&b, "Let's Encrypt 'Oak2026H2' log");
	assert_int_equal(oak->lifecycle, LIFECYCLE_READONLY);
	assert_int_equal(oak->sources, 3);
	assert_int_equal(oak->final_head.tree_size, 130815692);

	/* nothing is shared with what was merged */
	log_list_deinit(&google);
	log_list_deinit(&apple);
	assert_true(strlen(a.logs[a.n_logs - 1].url) > 8);
	log_list_deinit(&a);
	log_list_deinit(&b);
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void assert_same_log(const struct listed_log *built_in, const struct listed_log *listed)
{
	if (!same_text(built_in->description, listed->description) || !same_text(built_in->log_operator, listed->log_operator) ||
	    !same_text(built_in->url, listed->url) || !same_text(built_in->submission_url, listed->submission_url))
		fail_msg("built-in log \"%s\" is another than listed \"%s\"", built_in->description, listed->description);
	assert_int_equal(built_in->key_len, listed->key_len);
	assert_memory_equal(built_in->key, listed->key, listed->key_len);
	assert_int_equal(built_in->protocol, listed->protocol);
	assert_int_equal(built_in->lifecycle, listed->lifecycle);
	assert_int_equal(built_in->type, listed->type);
	assert_int_equal(built_in->mmd_s, listed->mmd_s);
	assert_true(built_in->interval_start_ms == listed->interval_start_ms);
	assert_true(built_in->interval_end_ms == listed->interval_end_ms);
	assert_true(built_in->lifecycle_since_ms == listed->lifecycle_since_ms);
	assert_int_equal(built_in->has_final_head, listed->has_final_head);
	assert_int_equal(built_in->final_head.tree_size, listed->final_head.tree_size);
	assert_memory_equal(built_in->final_head.root.bytes, listed->final_head.root.bytes, HASH_LEN);
}

static void the_built_in_logs_equal_the_merged_lists_without_the_rejected(void **state)
{
	struct log_list google = parse_file(LISTS "google-v3-all_logs_list.json");
	struct log_list apple = parse_file(LISTS "apple-current_log_list.json");
	struct log_list merged = { 0 }, built_in;
	size_t n_kept = 0;

	(void)state;
	log_list_merge(&merged, &google, 0);
	log_list_merge(&merged, &apple, 1);
	log_list_builtin(&built_in);
	assert_int_equal(built_in.timestamp_ms, google.timestamp_ms);
	assert_string_equal(built_in.version, google.version);
	for (size_t i = 0; i < merged.n_logs; i++) {
		const struct listed_log *found = NULL;

		if (merged.logs[i].lifecycle == LIFECYCLE_REJECTED)
			continue;
		n_kept++;
		for (size_t k = 0; k < built_in.n_logs; k++)
			if (hash_equal(&built_in.logs[k].log_id, &merged.logs[i].log_id))
				found = &built_in.logs[k];
		if (found == NULL)
			fail_msg("\"%s\" is not built in", merged.logs[i].description);
		assert_same_log(found, &merged.logs[i]);
	}
	assert_int_equal(n_kept, built_in.n_logs);
	log_list_deinit(&google);
	log_list_deinit(&apple);
	log_list_deinit(&merged);
	log_list_deinit(&built_in);
}

static void every_built_in_log_is_sound_by_itself(void **state)
{
	struct log_list list;
	struct error err;
	char why[256];

	(void)state;
	log_list_builtin(&list);
	assert_true(list.n_logs > 80);
	for (size_t i = 0; i < list.n_logs; i++) {
		const struct listed_log *log = &list.logs[i];
		struct log_key *key = log_key_new(slice_of(log->key, log->key_len), &err);

		if (key == NULL)
			fail_msg("%s: %s", log->description, err.text);
		struct hash id = log_key_id(key);
		assert_memory_equal(id.bytes, log->log_id.bytes, HASH_LEN);
		log_key_free(key);
		assert_true(strncmp(log->url, "https://", 8) == 0);
		assert_true(log->url[strlen(log->url) - 1] != '/');
		assert_true(log->interval_start_ms < log->interval_end_ms);
		for (size_t k = 0; k < i; k++)
			assert_false(hash_equal(&list.logs[k].log_id, &log->log_id));
	}
	assert_false(log_list_is_mimic(&list, why, sizeof(why)));
	log_list_deinit(&list);
}

static void older_lists_and_broken_ones_are_read_or_refused_with_a_reason(void **state)
{
	static const struct {
		const char *path, *want;        /* want: in the error, or NULL when it reads */
	} cases[] = {
		{ "google-v3-2026-01-appmattus/log_list.json", NULL },
		{ "google-v3-2026-02-06-7455e42a/all_logs_list.json", NULL },
		{ "google-v3-2026-04-10-42bbfb52/all_logs_list.json", NULL },
		{ "google-v3-2026-07-06-83f3a1bd/all_logs_list.json", NULL },
		{ "google-v3-azul/log_list.json", NULL },
		{ "small-appmattus/log_list_tiled_logs.json", NULL },
		{ "broken-appmattus/log_list_no_operator_name.json", NULL },
		{ "broken-appmattus/log_list_incomplete.json", "not JSON" },
		{ "google-v1-2018-03-03/log_list.json", "v1 schema" },
		{ "google-v1-2018-03-03/all_logs_list.json", "v1 schema" },
	};
	struct error err;

	(void)state;
	need_shared();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice json = older_file(cases[i].path);
		struct log_list list;
		bool good = log_list_parse(json, &list, &err);

		if (good != (cases[i].want == NULL) || (!good && strstr(err.text, cases[i].want) == NULL))
			fail_msg("%s: %s", cases[i].path, good ? "was read" : err.text);
		if (good) {
			assert_true(list.n_logs > 10);
			if (strstr(cases[i].path, "no_operator_name") != NULL)
				assert_non_null(strstr(list.warnings[0], "has no name"));
			else if (list.n_warnings > 0 && strstr(list.warnings[0], "SHECA CT log 1") == NULL) /* http only */
				fail_msg("%s: %s", cases[i].path, list.warnings[0]);
			log_list_deinit(&list);
		}
		free_slice(json);
	}
}

static void signatures_of_all_signed_lists_verify_and_no_changed_byte_does(void **state)
{
	static const char *const names[] = {
		"google-v3-2026-01-appmattus/log_list", "google-v3-2026-02-06-7455e42a/all_logs_list",
		"google-v3-2026-04-10-42bbfb52/all_logs_list", "google-v3-2026-07-06-83f3a1bd/all_logs_list",
	};
	struct slice json = need_file(LISTS "google-v3-all_logs_list.json"), pem = need_file(LISTS "google-log_list_pubkey.pem");
	struct slice signature = need_file(LISTS "google-v3-all_logs_list.sig");
	struct error err;

	(void)state;
	assert_true(log_list_verify(json, signature, &err));
	assert_true(log_list_verify_with(json, signature, pem, &err));
	((uint8_t *)(uintptr_t)json.data)[json.len / 2] ^= 1;
	assert_false(log_list_verify(json, signature, &err));
	assert_non_null(strstr(err.text, "does not fit"));
	((uint8_t *)(uintptr_t)json.data)[json.len / 2] ^= 1;
	assert_false(log_list_verify(slice_sub(json, 0, json.len - 1), signature, &err));
	assert_false(log_list_verify(json, slice_sub(signature, 0, 511), &err));
	assert_false(log_list_verify(json, (struct slice){ 0 }, &err));
	assert_false(log_list_verify_with(json, signature, SLICE_LITERAL("no key"), &err));
	assert_int_equal(err.kind, ERR_USAGE);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s.json", names[i]);
		struct slice old = older_file(path);
		snprintf(path, sizeof(path), "%s.sig", names[i]);
		struct slice old_signature = older_file(path);

		if (!log_list_verify(old, old_signature, &err))
			fail_msg("%s: %s", names[i], err.text);
		assert_false(log_list_verify(json, old_signature, &err));
		free_slice(old);
		free_slice(old_signature);
	}
	free_slice(json);
	free_slice(signature);
	free_slice(pem);
}

static void the_list_of_the_vectors_is_read_and_verified(void **state)
{
	json_t *all = vectors_load(), *v = vector_at(all, "log_list", NULL);
	struct inflater *inflater = inflater_new(RESPONSE_BYTES_MAX);
	struct buf packed, signature;
	struct log_list list;
	struct slice json;
	struct error err;
	size_t n_static = 0;

	(void)state;
	buf_init(&packed, 1u << 20);
	buf_init(&signature, 1u << 20);
	vector_b64(vector_at(v, "sig_b64", NULL), &signature);
	assert_true(inflater_gunzip(inflater, vector_b64(vector_at(v, "json_gz_b64", NULL), &packed), &json, &err));
	assert_int_equal(json.len, vector_uint(v, "json_length"));
	struct hash digest = sha256(json), want = vector_hash_hex(vector_at(v, "json_sha256", NULL));
	assert_memory_equal(digest.bytes, want.bytes, HASH_LEN);
	assert_true(log_list_verify(json, buf_slice(&signature), &err));
	assert_true(log_list_verify_with(json, buf_slice(&signature), slice_text(vector_text(v, "pubkey_pem")), &err));
	assert_true(log_list_parse(json, &list, &err));
	for (size_t i = 0; i < list.n_logs; i++)
		n_static += list.logs[i].protocol == LOG_STATIC;
	assert_int_equal(n_static, vector_uint(vector_at(v, "counts", NULL), "tiled_logs"));
	assert_int_equal(list.n_logs + list.n_decoys - n_static, vector_uint(vector_at(v, "counts", NULL), "logs"));
	log_list_deinit(&list);
	buf_deinit(&packed);
	buf_deinit(&signature);
	inflater_free(inflater);
	json_decref(all);
}

static void mimic_lists_are_recognised(void **state)
{
	struct log_list list = parse_file(LISTS "chrome-log_mimics_list.json");
	char why[256];

	(void)state;
	assert_int_equal(list.n_mimics, 2);
	assert_int_equal(list.n_logs, 0);
	assert_true(log_list_is_mimic(&list, why, sizeof(why)));
	assert_non_null(strstr(why, "mimic"));
	log_list_deinit(&list);

	struct error err;
	assert_true(log_list_parse(SLICE_LITERAL("{\"operators\":[]}"), &list, &err));
	assert_true(log_list_is_mimic(&list, why, sizeof(why)));
	assert_non_null(strstr(why, "no log outside"));
	log_list_deinit(&list);
}

/* One log of which a test changes one thing; the key is one that is built in. */
struct listed {
	const char *url, *key, *id, *more;
};

static char *list_of(const struct listed *log, unsigned times)
{
	struct buf json;

	buf_init(&json, 1u << 20);
	buf_append_text(&json, "{\"log_list_timestamp\":\"2026-01-01T00:00:00Z\",\"operators\":[{\"name\":\"One\",\"logs\":[");
	for (unsigned i = 0; i < times; i++)
		buf_printf(&json, "%s{\"description\":\"a log\",\"log_id\":\"%s\",\"key\":\"%s\",\"url\":\"%s\",%s}", i > 0 ? "," : "",
			   log->id, log->key, log->url, log->more);
	buf_append_text(&json, "]}]}");
	buf_text(&json);
	return (char *)json.data;
}

struct sound_log {
	char id[64], key[256];
};

static void make_sound(struct sound_log *sound)
{
	struct log_list built_in;

	log_list_builtin(&built_in);
	base64_encode(built_in.logs[0].key, built_in.logs[0].key_len, sound->key);
	base64_encode(built_in.logs[0].log_id.bytes, HASH_LEN, sound->id);
	log_list_deinit(&built_in);
}

static void one_bad_log_is_left_out_with_a_sentence(void **state)
{
	struct sound_log sound;
	make_sound(&sound);
	static const char mmd[] = "\"mmd\":86400";
	const struct {
		struct listed log;
		const char *want;       /* in the warning; NULL: the log is kept */
	} cases[] = {
		{ { "https://log.example.org/", sound.key, sound.id, mmd }, NULL },
		{ { "https://log.example.org/2026/", sound.key, sound.id, "\"mmd\":0" }, NULL },
		{ { "https://[2001:db8::1]:8443/x", sound.key, sound.id, mmd }, NULL },
		{ { "http://127.0.0.1:8080/log", sound.key, sound.id, mmd }, NULL },
		{ { "http://127.8.9.10/log", sound.key, sound.id, mmd }, NULL },
		{ { "http://[::1]:99/log", sound.key, sound.id, mmd }, NULL },
		{ { "http://LOCALHOST:1/", sound.key, sound.id, mmd }, NULL },
		{ { "http://128.0.0.1/", sound.key, sound.id, mmd }, "not https" },
		{ { "http://127.0.0.1.example.org/", sound.key, sound.id, mmd }, "not https" },
		{ { "http://localhost.example.org/", sound.key, sound.id, mmd }, "not https" },
		{ { "https://user@log.example.org/", sound.key, sound.id, mmd }, "not a URL" },
		{ { "http://localhost@log.example.org/", sound.key, sound.id, mmd }, "not a URL" },
		{ { "ftp://log.example.org/", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https://", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https:///path", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https://log.example.org/?a=b", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https://log.example.org/a b", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https://[::1/", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https://log.example.org:x/", sound.key, sound.id, mmd }, "not a URL" },
		{ { "log.example.org/", sound.key, sound.id, mmd }, "not a URL" },
		{ { "https://log.example.org/", sound.key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", mmd }, "hash of its key" },
		{ { "https://log.example.org/", sound.key, "AAAA", mmd }, "\"log_id\"" },
		{ { "https://log.example.org/", "AAAA", sound.id, mmd }, "SubjectPublicKeyInfo" },
		{ { "https://log.example.org/", "A", sound.id, mmd }, "\"key\"" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":-1" }, "\"mmd\"" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1.5" }, "\"mmd\"" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":9999999999" }, "longer than a year" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"x\":1" }, "\"mmd\" is missing" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"state\":{\"usable\":{\"timestamp\":\"soon\"}}" },
		  "RFC 3339" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"temporal_interval\":{}" }, "start_inclusive" },
		{ { "https://log.example.org/", sound.key, sound.id,
		    "\"mmd\":1,\"state\":{\"readonly\":{\"final_tree_head\":{\"tree_size\":-1}}}" },
		  "tree_size" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"state\":{}" }, NULL },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"state\":\"usable\"" }, "\"state\" is not an object" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"temporal_interval\":[]" }, "\"temporal_interval\"" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"temporal_interval\":{\"start_inclusive\":"
		    "\"2027-01-01T00:00:00Z\",\"end_exclusive\":\"2026-01-01T00:00:00Z\"}" }, "ends before it begins" },
		{ { "https://log.example.org/", sound.key, sound.id, "\"mmd\":1,\"state\":null,\"temporal_interval\":null" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *json = list_of(&cases[i].log, 1);
		struct log_list list;
		struct error err;

		if (!log_list_parse(slice_text(json), &list, &err))
			fail_msg("case %zu: %s", i, err.text);
		bool kept = list.n_logs == 1 && list.n_warnings == 0;
		bool said = list.n_logs == 0 && list.n_warnings == 1 && cases[i].want != NULL && list.n_unread == 1 &&
			    strstr(list.warnings[0], cases[i].want) != NULL && strstr(list.warnings[0], "a log") != NULL &&
			    strstr(list.unread[0].why, cases[i].want) != NULL && strcmp(list.unread[0].description, "a log") == 0;
		if (cases[i].want == NULL ? !kept : !said)
			fail_msg("case %zu (%s): %s", i, cases[i].log.url, list.n_warnings > 0 ? list.warnings[0] : "kept");
		log_list_deinit(&list);
		free(json);
	}
}

static void hosts_of_example_com_are_dropped_and_counted(void **state)
{
	static const char *const urls[] = { "https://example.com/a", "https://ct.EXAMPLE.com/", "http://a.b.example.com/" };
	struct sound_log sound;
	make_sound(&sound);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct listed log = { urls[i], sound.key, sound.id, "\"mmd\":1" };
		char *json = list_of(&log, 1);
		struct log_list list;
		struct error err;

		assert_true(log_list_parse(slice_text(json), &list, &err));
		assert_int_equal(list.n_logs, 0);
		assert_int_equal(list.n_warnings, 0);
		assert_int_equal(list.n_decoys, 1);
		log_list_deinit(&list);
		free(json);
	}
}

static void plain_http_is_read_from_hosts_that_the_user_allows(void **state)
{
	static const char *const allowed[] = { "log.intern" };
	static const struct log_list_hosts hosts = { allowed, ARRAY_LEN(allowed) };
	struct sound_log sound;
	make_sound(&sound);
	const struct listed inside = { "http://LOG.intern:8080/a", sound.key, sound.id, "\"mmd\":1" };
	const struct listed outside = { "http://b.log.intern/a", sound.key, sound.id, "\"mmd\":1" };
	char *json = list_of(&inside, 1), *other = list_of(&outside, 1);
	struct log_list list;
	struct error err;

	(void)state;
	assert_true(log_list_parse_allowing(slice_text(json), &hosts, &list, &err));
	assert_int_equal(list.n_logs, 1);
	log_list_deinit(&list);
	assert_true(log_list_parse_allowing(slice_text(other), &hosts, &list, &err));
	assert_int_equal(list.n_warnings, 1);
	log_list_deinit(&list);
	free(json);
	free(other);
}

static void a_list_that_cannot_be_told_is_refused(void **state)
{
	const struct {
		const char *json, *want;
	} cases[] = {
		{ "", "not JSON" },
		{ "<html>", "not JSON" },
		{ "[]", "not an object" },
		{ "{}", "\"operators\"" },
		{ "{\"operators\":{}}", "\"operators\"" },
		{ "{\"operators\":[]} x", "not JSON" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_list list;
		struct error err;

		assert_false(log_list_parse(slice_text(cases[i].json), &list, &err));
		if (strstr(err.text, cases[i].want) == NULL)
			fail_msg("case %zu: %s", i, err.text);
	}
}

/* The built-in log in pieces, so that a list can hold it in several ways. */
static char *entry_of(const struct sound_log *sound, const char *name, const char *urls, const char *stage)
{
	return xasprintf("{\"description\":\"%s\",\"log_id\":\"%s\",\"key\":\"%s\",%s,\"mmd\":60,\"state\":{\"%s\":{\"timestamp\":\"2026-01-01T00:00:00Z\"}}}",
			 name, sound->id, sound->key, urls, stage);
}

static struct log_list parse_text(char *json)
{
	struct log_list list;
	struct error err;

	if (!log_list_parse(slice_text(json), &list, &err))
		fail_msg("%s", err.text);
	free(json);
	return list;
}

#define CLASSIC_URL "\"url\":\"https://a.example.org/\""
#define TILED_URLS "\"monitoring_url\":\"https://m.example.org/\",\"submission_url\":\"https://s.example.org/\""

static void a_log_that_is_listed_twice_is_read_once_by_the_better_entry(void **state)
{
	static const struct {
		const char *first, *first_stage, *second, *second_stage;
		bool second_is_tiled;
		const char *url;
		enum log_lifecycle lifecycle;
	} cases[] = {
		{ "A", "usable", "A", "usable", false, "https://a.example.org", LIFECYCLE_USABLE },
		{ "A", "usable", "B", "retired", false, "https://a.example.org", LIFECYCLE_USABLE },
		{ "A", "retired", "B", "qualified", false, "https://a.example.org", LIFECYCLE_QUALIFIED },
		{ "A", "usable", "A", "usable", true, "https://m.example.org", LIFECYCLE_USABLE },
		{ "A", "usable", "A", "readonly", true, "https://a.example.org", LIFECYCLE_USABLE },
		{ "A", "rejected", "A", "usable", true, "https://m.example.org", LIFECYCLE_USABLE },
	};
	struct sound_log sound;
	make_sound(&sound);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *one = entry_of(&sound, cases[i].first, CLASSIC_URL, cases[i].first_stage);
		char *two = entry_of(&sound, cases[i].second, cases[i].second_is_tiled ? TILED_URLS : CLASSIC_URL, cases[i].second_stage);
		struct log_list list = parse_text(xasprintf("{\"operators\":[{\"name\":\"One\",\"logs\":[%s]},{\"name\":\"Two\",\"%s\":[%s]}]}", one,
							    cases[i].second_is_tiled ? "tiled_logs" : "logs", two));

		assert_int_equal(list.n_logs, 1);
		assert_string_equal(list.logs[0].url, cases[i].url);
		assert_int_equal(list.logs[0].lifecycle, cases[i].lifecycle);
		assert_int_equal(list.n_warnings, 1);
		assert_non_null(strstr(list.warnings[0], "listed twice"));
		assert_non_null(strstr(list.warnings[0], "of One"));
		assert_non_null(strstr(list.warnings[0], "of Two"));
		log_list_deinit(&list);
		free(one);
		free(two);
	}
}

static void a_state_that_is_not_known_is_read_like_usable_under_its_own_name(void **state)
{
	struct sound_log sound;
	make_sound(&sound);
	char *entry = entry_of(&sound, "New", CLASSIC_URL, "archived");
	struct log_list list = parse_text(xasprintf("{\"operators\":[{\"name\":\"One\",\"logs\":[%s]}]}", entry)), merged = { 0 };
	char why[256];

	(void)state;
	assert_int_equal(list.n_logs, 1);
	assert_int_equal(list.logs[0].lifecycle, LIFECYCLE_UNKNOWN);
	assert_string_equal(log_lifecycle_of(&list.logs[0]), "archived");
	assert_int_equal(list.n_warnings, 1);
	assert_non_null(strstr(list.warnings[0], "\"New\" of One has the state \"archived\", which this version does not know"));
	assert_false(log_list_is_mimic(&list, why, sizeof(why)));
	log_list_merge(&merged, &list, 0);
	assert_string_equal(log_lifecycle_of(&merged.logs[0]), "archived");
	log_list_deinit(&merged);
	log_list_deinit(&list);
	free(entry);
}

static void what_is_odd_of_a_list_itself_costs_no_log(void **state)
{
	static const struct {
		const char *around, *want;      /* %s: the logs */
	} cases[] = {
		{ "{\"log_list_timestamp\":\"2026-11-28 04:00:00 UTC\",\"operators\":[{\"name\":\"One\",\"logs\":[%s]}]}", "own date" },
		{ "{\"log_list_timestamp\":5,\"operators\":[{\"name\":\"One\",\"logs\":[%s]}]}", "own date" },
		{ "{\"version\":4,\"operators\":[{\"name\":\"One\",\"logs\":[%s]}]}", "\"version\"" },
		{ "{\"operators\":[7,{\"name\":\"One\",\"logs\":[%s]}]}", "operator 1 of the list is not an object" },
		{ "{\"operators\":[{\"name\":\"One\",\"tiled_logs\":{},\"logs\":[%s]}]}", "\"tiled_logs\" of One is not an array" },
		{ "{\"operators\":[{\"name\":\"One\",\"logs\":[7,%s]}]}", "is not an object" },
		{ "{\"operators\":[{\"name\":\"One\",\"name\":\"One\",\"logs\":[%s]}]}", "not quite JSON" },
		{ "{\"operators\":[{\"name\":\"One\xff\",\"logs\":[%s]}]}", "not quite JSON" },
		{ "{\"operators\":[{\"name\":\"One\\u0000\",\"logs\":[%s]}]}", "not quite JSON" },
		{ "\xef\xbb\xbf{\"operators\":[{\"name\":\"One\",\"logs\":[%s]}]}", NULL },
	};
	struct sound_log sound;
	make_sound(&sound);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *entry = entry_of(&sound, "A", CLASSIC_URL, "usable"), *at = strstr(cases[i].around, "%s");
		struct log_list list = parse_text(xasprintf("%.*s%s%s", (int)(at - cases[i].around), cases[i].around, entry, at + 2));

		assert_int_equal(list.n_logs, 1);
		assert_int_equal(list.timestamp_ms, 0);
		assert_int_equal(list.n_warnings, cases[i].want != NULL);
		if (cases[i].want != NULL && strstr(list.warnings[0], cases[i].want) == NULL)
			fail_msg("case %zu: %s", i, list.warnings[0]);
		log_list_deinit(&list);
		free(entry);
	}
}

static void urls_are_normalised(void **state)
{
	static const char *const cases[][2] = {
		{ "HTTPS://Log.Example.ORG:443/2026H1/", "https://log.example.org/2026H1" },
		{ "https://log.example.org", "https://log.example.org" },
		{ "https://log.example.org:8443//", "https://log.example.org:8443" },
		{ "https://log.example.org:80/", "https://log.example.org:80" },
		{ "https://log.example.org:/a", "https://log.example.org/a" },
		{ "http://127.0.0.1:80/x", "http://127.0.0.1/x" },
		{ "https://[2001:DB8::443]/x", "https://[2001:db8::443]/x" },
	};
	struct sound_log sound;
	make_sound(&sound);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct listed log = { cases[i][0], sound.key, sound.id, "\"mmd\":1" };
		struct log_list list = parse_text(list_of(&log, 1));

		assert_int_equal(list.n_logs, 1);
		assert_string_equal(list.logs[0].url, cases[i][1]);
		log_list_deinit(&list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_googles_list_with_its_lifecycles),
		cmocka_unit_test(reads_the_lists_of_apple_mozilla_and_crtsh),
		cmocka_unit_test(the_union_of_all_lists_has_316_keys),
		cmocka_unit_test(merging_keeps_the_strongest_lifecycle_whatever_the_order),
		cmocka_unit_test(the_built_in_logs_equal_the_merged_lists_without_the_rejected),
		cmocka_unit_test(every_built_in_log_is_sound_by_itself),
		cmocka_unit_test(older_lists_and_broken_ones_are_read_or_refused_with_a_reason),
		cmocka_unit_test(signatures_of_all_signed_lists_verify_and_no_changed_byte_does),
		cmocka_unit_test(the_list_of_the_vectors_is_read_and_verified),
		cmocka_unit_test(mimic_lists_are_recognised),
		cmocka_unit_test(one_bad_log_is_left_out_with_a_sentence),
		cmocka_unit_test(hosts_of_example_com_are_dropped_and_counted),
		cmocka_unit_test(plain_http_is_read_from_hosts_that_the_user_allows),
		cmocka_unit_test(a_list_that_cannot_be_told_is_refused),
		cmocka_unit_test(a_log_that_is_listed_twice_is_read_once_by_the_better_entry),
		cmocka_unit_test(a_state_that_is_not_known_is_read_like_usable_under_its_own_name),
		cmocka_unit_test(what_is_odd_of_a_list_itself_costs_no_log),
		cmocka_unit_test(urls_are_normalised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
