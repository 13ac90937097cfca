/*
 * The certificate walk against OpenSSL, over every real and odd certificate there is beside the project: wherever OpenSSL
 * reads names, issuer and validity, the walk must read the same ones. OpenSSL's names go through the same normalising, so
 * what is compared is the walk.
 */
#include "ct.h"
#include "x509.h"
#include "archive.h"
#include "openssl_names.h"
#include "shared.h"
#include "vectors.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Deliberate differences, each by the start of its SHA-256 and with its reason. */
#define SAN_BREAKS_OFF "the SAN breaks off: OpenSSL gives none of its names, the walk those before the break"
static const struct {
	const char *sha256;
	const char *reason;
} EXCEPTIONS[] = {
	{ "1cd40ef51038d03c", SAN_BREAKS_OFF }, { "315712107c8ed24a", SAN_BREAKS_OFF }, { "322304dd466b137c", SAN_BREAKS_OFF },
	{ "380d4429a99892b2", SAN_BREAKS_OFF }, { "38296f686589c1a3", SAN_BREAKS_OFF }, { "3ab93929b3b58aa9", SAN_BREAKS_OFF },
	{ "6e7043e360797aa3", SAN_BREAKS_OFF }, { "7deb04327a684256", SAN_BREAKS_OFF }, { "862c27fdbbc95f96", SAN_BREAKS_OFF },
	{ "aaa4c04d0b2e98cd", SAN_BREAKS_OFF }, { "c23ae05be7bbae71", SAN_BREAKS_OFF }, { "c8b96ab1690dd893", SAN_BREAKS_OFF },
	{ "ca2499522b8a518e", SAN_BREAKS_OFF }, { "ca251a041c9388ac", SAN_BREAKS_OFF }, { "ca53da9a4ec64f01", SAN_BREAKS_OFF },
};

static bool is_exception(const char *sha256)
{
	for (size_t i = 0; i < ARRAY_LEN(EXCEPTIONS); i++)
		if (strncmp(sha256, EXCEPTIONS[i].sha256, strlen(EXCEPTIONS[i].sha256)) == 0)
			return true;
	return false;
}

/* The one excuse: has it a SAN that OpenSSL cannot decode? */
static bool san_breaks_off(const X509 *x)
{
	for (int at = -1; (at = X509_get_ext_by_NID(x, NID_subject_alt_name, at)) >= 0;) {
		GENERAL_NAMES *san = X509V3_EXT_d2i(X509_get_ext(x, at));

		if (san == NULL)
			return true;
		GENERAL_NAMES_free(san);
	}
	return false;
}

struct totals {
	size_t n, n_openssl, n_scanned, n_both, n_names, n_different, n_excepted, n_only_openssl;
	bool report;
};

static int64_t openssl_time(const ASN1_TIME *time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return INT64_MIN;
	return time_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* ASN1_TIME_to_tm drops fractions; what it cannot read, the walk may. */
static bool same_time(int64_t ours_ms, int64_t openssl_ms)
{
	return openssl_ms == INT64_MIN || (ours_ms != INT64_MIN && ours_ms - openssl_ms >= 0 && ours_ms - openssl_ms < 1000);
}

/* What differs, or NULL. */
static const char *difference(const X509 *x, const struct cert_view *view, const struct cert_names *names, struct totals *t,
                              char shown[256])
{
	struct cert_names theirs;
	const struct cert_name *name;
	const char *what = NULL;
	const unsigned char *der;
	size_t der_len;

	names_init(&theirs);
	openssl_names(x, &theirs);
	shown[0] = '\0';
	if ((name = names_missing_in(&theirs, names)) != NULL) {
		what = "a name of OpenSSL's is missing";
		name_format(name, shown, 256);
	} else if ((name = names_missing_in(names, &theirs)) != NULL) {
		what = "OpenSSL does not have the name";
		name_format(name, shown, 256);
	} else if (X509_NAME_get0_der(X509_get_issuer_name(x), &der, &der_len) == 1 &&
	           !slice_equal(slice_of(der, der_len), view->issuer)) {
		what = "issuer";
	} else if (!same_time(view->not_before_ms, openssl_time(X509_get0_notBefore(x))) ||
	           !same_time(view->not_after_ms, openssl_time(X509_get0_notAfter(x)))) {
		what = "validity";
	} else if (view->has_poison != (X509_get_ext_by_NID(x, NID_ct_precert_poison, -1) >= 0) ||
	           view->has_sct_list != (X509_get_ext_by_NID(x, NID_ct_precert_scts, -1) >= 0)) {
		what = "poison or SCT list";
	}
	t->n_names += theirs.n;
	names_deinit(&theirs);
	return what;
}

/* Is all of `part` in `whole`? An empty slice lies anywhere. */
static void assert_inside(struct slice part, struct slice whole)
{
	if (part.data == NULL) {
		assert_int_equal(part.len, 0);
		return;
	}
	assert_true(part.data >= whole.data && part.data <= whole.data + whole.len);
	assert_true(part.len <= (size_t)(whole.data + whole.len - part.data));
}

static void compare(struct slice der, const char *where, struct totals *t)
{
	const unsigned char *at = der.data;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	struct cert_names names;
	struct cert_view view;
	struct error err;
	char shown[256], hex[65];
	struct hash hash = sha256(der);
	const char *what = NULL;

	hex_encode(hash.bytes, sizeof(hash.bytes), hex);
	names_init(&names);
	t->n++;
	t->n_openssl += x != NULL;
	bool scanned = cert_scan(der, &view, &err);
	if (scanned) {
		struct hash tbs;

		t->n_scanned++;
		names_collect(&view, &names, &err);
		assert_inside(view.tbs, der);
		assert_inside(view.issuer, view.tbs);
		assert_inside(view.spki, view.tbs);
		assert_inside(view.extensions, view.tbs);
		assert_inside(view.san, view.tbs);
		assert_inside(view.cn, view.tbs);
		if (!cert_tbs_sha256(&view, &tbs, &err))
			fail_msg("%s: %s", where, err.text);
	}
	if (x != NULL && !scanned) {
		what = "not read at all";
		snprintf(shown, sizeof(shown), "%.200s", err.text);
	} else if (x != NULL) {
		t->n_both++;
		what = difference(x, &view, &names, t, shown);
	}
	if (what != NULL && is_exception(hex) && san_breaks_off(x)) {
		t->n_excepted++;
	} else if (what != NULL) {
		print_message("%s %s: %s (%s)\n", hex, where, what, shown);
		t->n_different++;
	}
	names_deinit(&names);
	X509_free(x);
	ERR_clear_error();
}

static void compare_archive(const char *path, struct totals *t)
{
	struct archive archive;
	struct slice content;
	char name[256];

	archive_open(&archive, path);
	while (archive_next(&archive, name, &content)) {
		/* exactly as long as it is, so that the sanitizer sees a read past the end */
		uint8_t *copy = xmalloc(content.len + 1);

		memcpy(copy, content.data, content.len);
		copy = xrealloc(copy, content.len == 0 ? 1 : content.len);
		if (strstr(name, ".json") == NULL && strstr(name, ".md") == NULL && strstr(name, ".pem") == NULL)
			compare(slice_of(copy, content.len), name, t);
		free(copy);
	}
	archive_close(&archive);
}

static void odd_certificates_read_as_openssl_reads_them(void **state)
{
	struct totals t = { 0 };

	(void)state;
	compare_archive("data/certs/odd-certs.tar.zst", &t);
	print_message("%zu certificates: OpenSSL reads %zu, the walk %zu; %zu names of %zu compared, %zu exceptions\n", t.n,
	              t.n_openssl, t.n_scanned, t.n_names, t.n_both, t.n_excepted);
	assert_int_equal(t.n_different, 0);
	assert_int_equal(t.n_excepted, ARRAY_LEN(EXCEPTIONS));  /* none that is no longer needed */
	assert_int_equal(t.n, 3960);
	assert_true(t.n_openssl > 3400);
}

static void certificates_of_lets_encrypt_read_as_openssl_reads_them(void **state)
{
	struct totals t = { 0 };

	(void)state;
	compare_archive("data/certs/letsencrypt-leaves.tar.zst", &t);
	compare_archive("data/certs/letsencrypt-cas.tar.zst", &t);
	assert_int_equal(t.n_different, 0);
	assert_int_equal(t.n_both, t.n);
	assert_true(t.n > 100);
}

/* The certificate of an entry as OpenSSL can read it, and the same names in the leaf that is really matched. */
static void compare_entry(const struct entry *entry, const char *where, struct totals *t)
{
	struct cert_names whole, leaf;
	struct cert_view view;
	struct error err;

	compare(entry->type == ENTRY_PRECERT ? entry->precertificate : entry->certificate, where, t);
	if (entry->type != ENTRY_PRECERT)
		return;
	names_init(&whole);
	names_init(&leaf);
	assert_true(cert_scan(entry->precertificate, &view, &err) && names_collect(&view, &whole, &err));
	assert_true(cert_scan_entry(entry, &view, &err) && names_collect(&view, &leaf, &err));
	assert_int_equal(leaf.n, whole.n);
	assert_null(names_missing_in(&whole, &leaf));
	names_deinit(&whole);
	names_deinit(&leaf);
}

static size_t compare_entries_file(const char *path, struct totals *t)
{
	struct slice text = shared_file(path);
	char *line, *rest = (char *)(uintptr_t)text.data;
	struct buf leaf, extra;
	size_t n = 0;

	assert_non_null(text.data);
	buf_init(&leaf, 1u << 24);
	buf_init(&extra, 1u << 24);
	while ((line = strsep(&rest, "\n")) != NULL) {
		json_t *item = json_loads(line, 0, NULL);
		struct entry entry;
		struct error err;

		if (item == NULL)
			continue;
		if (!entry_parse(vector_b64(vector_at(item, "leaf_input", NULL), &leaf), &entry, &err) ||
		    !entry_parse_extra(vector_b64(vector_at(item, "extra_data", NULL), &extra), &entry, &err))
			fail_msg("%s: %s", path, err.text);
		compare_entry(&entry, path, t);
		json_decref(item);
		n++;
	}
	free((void *)(uintptr_t)text.data);
	buf_deinit(&leaf);
	buf_deinit(&extra);
	return n;
}

static void entries_of_real_logs_read_as_openssl_reads_them(void **state)
{
	struct totals t = { 0 };

	(void)state;
	need_shared();
	assert_int_equal(compare_entries_file("data/rfc6962/entries-live-2026-05-20.jsonl.zst", &t), 28);
	assert_int_equal(compare_entries_file("data/rfc6962/entries-old-2013-2018.jsonl.zst", &t), 10);
	assert_int_equal(t.n_different, 0);
	assert_int_equal(t.n_both, 38);
}

/* What Sunlight wrote beside its data tile: one JSON object an entry, with the names as it read them. */
static void assert_names_as_sunlight(const struct cert_names *names, const json_t *line, size_t index)
{
	static const char *const lists[] = { "DNS", "IP" };
	struct cert_names theirs;
	const char *cn = json_string_value(json_object_get(json_object_get(line, "Subject"), "CommonName"));
	const struct cert_name *name;
	const json_t *item;
	size_t i;

	names_init(&theirs);
	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		json_array_foreach(json_object_get(line, lists[l]), i, item)
			names_add_text(&theirs, slice_text(json_string_value(item)), NAME_FROM_SAN);
	if (cn != NULL)
		names_add_text(&theirs, slice_text(cn), NAME_FROM_CN);
	if ((name = names_missing_in(&theirs, names)) != NULL || (name = names_missing_in(names, &theirs)) != NULL)
		fail_msg("entry %zu: %.*s is in one list only", index, SLICE_ARGS(name->text));
	assert_true(theirs.n > 0);
	names_deinit(&theirs);
}

static void names_of_data_tiles_are_those_of_the_names_tiles(void **state)
{
	struct cert_names names;
	struct totals t = { 0 };
	size_t n = 0;

	(void)state;
	need_shared();
	names_init(&names);
	for (unsigned tile = 0; tile < 3; tile++) {
		char path[96];

		snprintf(path, sizeof(path), "data/staticct/navigli2025h2/tile/data/%03u.gz", tile);
		struct slice data = shared_file(path), in = data;
		snprintf(path, sizeof(path), "data/staticct/navigli2025h2/tile/names/%03u.gz", tile);
		struct slice lines = shared_file(path);
		char *line, *rest = (char *)(uintptr_t)lines.data;

		while (in.len > 0) {
			struct entry entry;
			struct cert_view view;
			struct error err;

			assert_true(entry_take_tile_leaf(&in, &entry, &err));
			assert_true(cert_scan_entry(&entry, &view, &err) && names_collect(&view, &names, &err));
			line = strsep(&rest, "\n");
			json_t *item = json_loads(line, 0, NULL);
			assert_non_null(item);
			assert_names_as_sunlight(&names, item, n);
			json_decref(item);
			compare_entry(&entry, path, &t);
			n++;
		}
		free((void *)(uintptr_t)data.data);
		free((void *)(uintptr_t)lines.data);
	}
	names_deinit(&names);
	assert_int_equal(n, 768);
	assert_int_equal(t.n_both, 768);
	assert_int_equal(t.n_different, 0);
}

/* Every length of some real certificates: OpenSSL gives up, the walk must do so in bounds. */
static void no_truncation_of_real_certificates_is_read_past_its_end(void **state)
{
	struct archive archive;
	struct slice content;
	char name[256];
	size_t n = 0;

	(void)state;
	archive_open(&archive, "data/certs/odd-certs.tar.zst");
	while (archive_next(&archive, name, &content)) {
		struct cert_names names;

		if (n++ % 60 != 0 || content.len > 4000)
			continue;
		names_init(&names);
		for (size_t len = 0; len < content.len; len++) {
			uint8_t *exact = xmalloc(len + 1);
			struct cert_view view;
			struct hash hash;
			struct error err;

			memcpy(exact, content.data, len);
			exact = xrealloc(exact, len == 0 ? 1 : len);
			if (cert_scan(slice_of(exact, len), &view, &err) ||
			    (len > 4 && cert_scan_tbs(slice_of(exact + 4, len - 4), &view, &err))) {
				names_collect(&view, &names, &err);
				cert_tbs_sha256(&view, &hash, &err);
			}
			free(exact);
		}
		names_deinit(&names);
	}
	archive_close(&archive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_certificates_read_as_openssl_reads_them),
		cmocka_unit_test(certificates_of_lets_encrypt_read_as_openssl_reads_them),
		cmocka_unit_test(entries_of_real_logs_read_as_openssl_reads_them),
		cmocka_unit_test(names_of_data_tiles_are_those_of_the_names_tiles),
		cmocka_unit_test(no_truncation_of_real_certificates_is_read_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
