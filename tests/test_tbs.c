/*
 * parsers/tbs.c: the TBSCertificate that logs hash. The strictest witness are the logs themselves: what an embedded SCT
 * signs is the leaf of the rebuilt TBS, byte for byte.
 */
#include "ct.h"
#include "x509.h"
#include "archive.h"
#include "cert_build.h"
#include "shared.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_MAX (1u << 24)

static void assert_rebuilds(struct slice certificate, struct slice preissuer, struct slice expected, const char *what)
{
	struct buf tbs;
	struct error err;

	buf_init(&tbs, BYTES_MAX);
	if (!cert_rebuild_tbs(certificate, preissuer, &tbs, &err))
		fail_msg("%s: %s", what, err.text);
	if (!slice_equal(buf_slice(&tbs), expected))
		fail_msg("%s: the rebuilt TBS of %zu bytes is not the expected one of %zu", what, tbs.len, expected.len);
	buf_deinit(&tbs);
}

static void assert_tbs_sha256(struct slice certificate, struct hash expected, const char *what)
{
	struct cert_view view;
	struct hash hash;
	struct error err;

	if (!cert_scan(certificate, &view, &err) || !cert_tbs_sha256(&view, &hash, &err))
		fail_msg("%s: %s", what, err.text);
	if (!hash_equal(&hash, &expected))
		fail_msg("%s: another TBS hash than expected", what);
}

/* The Precertificate Signing Certificate that signed a precertificate of the vectors, empty for the CA itself. */
static struct slice signer(const json_t *sct, const char *case_name, struct buf *der)
{
	if (strstr(case_name, "Precertificate Signing") == NULL)
		return slice_of(NULL, 0);
	bool intermediate = strstr(case_name, "of intermediate") != NULL;
	return vector_b64(vector_at(sct, "issuers_b64", intermediate ? "intermediate_pre_signing" : "ca_pre_signing", NULL), der);
}

static void every_precertificate_of_the_vectors_gives_the_logged_tbs(void **state)
{
	json_t *vectors = vectors_load(), *sct = vector_at(vectors, "sct", NULL), *item;
	struct buf precert, final, leaf, tbs, preissuer;
	struct buf *const bufs[] = { &precert, &final, &leaf, &tbs, &preissuer };
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bufs); i++)
		buf_init(bufs[i], BYTES_MAX);
	json_array_foreach(vector_at(sct, "cases", NULL), i, item) {
		const char *name = vector_text(item, "name");
		struct entry entry;
		struct cert_view view;
		struct hash hash;
		struct error err;

		if (json_object_get(item, "precertificate_b64") == NULL)
			continue;
		n++;
		vector_b64(vector_at(item, "precertificate_b64", NULL), &precert);
		vector_b64(vector_at(item, "final_certificate_b64", NULL), &final);
		vector_b64(vector_at(item, "tbs_b64", NULL), &tbs);
		struct hash expected = vector_hash_hex(vector_at(item, "tbs_sha256", NULL));

		assert_rebuilds(buf_slice(&precert), signer(sct, name, &preissuer), buf_slice(&tbs), name);
		assert_rebuilds(buf_slice(&final), slice_of(NULL, 0), buf_slice(&tbs), name);
		assert_tbs_sha256(buf_slice(&final), expected, name);

		assert_true(entry_parse(vector_b64(vector_at(item, "leaf_input_b64", NULL), &leaf), &entry, &err));
		assert_true(cert_scan_entry(&entry, &view, &err));
		assert_true(entry_tbs_sha256(&entry, &view, &hash, &err));
		assert_true(hash_equal(&hash, &expected));
	}
	assert_int_equal(n, 4);
	for (i = 0; i < ARRAY_LEN(bufs); i++)
		buf_deinit(bufs[i]);
	json_decref(vectors);
}

static void an_x509_entry_is_keyed_by_its_tbs_without_the_sct_list(void **state)
{
	json_t *vectors = vectors_load(), *item;
	struct buf leaf;
	size_t i, n = 0;

	(void)state;
	buf_init(&leaf, BYTES_MAX);
	json_array_foreach(vector_at(vectors, "sct", "cases", NULL), i, item) {
		struct entry entry;
		struct cert_view view;
		struct hash hash, whole;
		struct error err;

		if (json_object_get(item, "certificate_b64") == NULL)
			continue;
		n++;
		assert_true(entry_parse(vector_b64(vector_at(item, "leaf_input_b64", NULL), &leaf), &entry, &err));
		assert_int_equal(entry.type, ENTRY_X509);
		assert_true(cert_scan_entry(&entry, &view, &err));
		assert_true(entry_tbs_sha256(&entry, &view, &hash, &err));
		whole = sha256(view.tbs);
		assert_true(hash_equal(&hash, &whole));
	}
	assert_int_equal(n, 2);
	buf_deinit(&leaf);
	json_decref(vectors);
}

static struct slice pem_at(struct archive *archive, const char *name, size_t index)
{
	struct slice pem = archive_find(archive, name), der = archive_take_pem(&pem);

	while (index-- > 0) {
		free((void *)(uintptr_t)der.data);
		der = archive_take_pem(&pem);
	}
	assert_non_null(der.data);
	return der;
}

static void lets_encrypts_precertificates_and_certificates_are_one(void **state)
{
	static const char *const pairs[][2] = { { "good/precert.pem", "good/final.pem" }, { "bad/precert.pem", "bad/final.pem" } };
	struct archive archive;

	(void)state;
	archive_open(&archive, "data/certs/precert-pairs.tar.zst");
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct slice precert = pem_at(&archive, pairs[i][0], 0), final = pem_at(&archive, pairs[i][1], 0);
		struct cert_view views[2];
		struct hash hashes[2];
		struct error err;

		assert_true(cert_scan(precert, &views[0], &err) && cert_tbs_sha256(&views[0], &hashes[0], &err));
		assert_true(cert_scan(final, &views[1], &err) && cert_tbs_sha256(&views[1], &hashes[1], &err));
		assert_true(views[0].has_poison && views[1].has_sct_list);
		/* the bad pair is a mis-issuance: its certificate has one policy more than its precertificate */
		assert_int_equal(hash_equal(&hashes[0], &hashes[1]), i == 0);
		free((void *)(uintptr_t)precert.data);
		free((void *)(uintptr_t)final.data);
	}
	archive_close(&archive);
}

static void a_real_precertificate_signing_certificate_is_replaced_by_its_issuer(void **state)
{
	struct archive archive;
	struct cert_view signer_view, view;
	struct buf tbs;
	struct error err;

	(void)state;
	archive_open(&archive, "data/certs/precert-pairs.tar.zst");
	struct slice precert = pem_at(&archive, "azul/preissuer-chain.pem", 0);
	struct slice preissuer = pem_at(&archive, "azul/preissuer-chain.pem", 1);

	/* the expected TBS beside the chain lacks the poison, but still has the signing certificate for its issuer */
	assert_rebuilds(precert, slice_of(NULL, 0), archive_find(&archive, "azul/preissuer-precert-tbs.der"), "without preissuer");
	buf_init(&tbs, BYTES_MAX);
	assert_true(cert_rebuild_tbs(precert, preissuer, &tbs, &err));
	assert_true(cert_scan(preissuer, &signer_view, &err));
	assert_true(cert_scan_tbs(buf_slice(&tbs), &view, &err));
	assert_true(slice_equal(view.issuer, signer_view.issuer));
	assert_false(slice_equal(view.issuer, signer_view.subject));
	assert_false(view.has_poison);
	buf_deinit(&tbs);
	free((void *)(uintptr_t)precert.data);
	free((void *)(uintptr_t)preissuer.data);
	archive_close(&archive);
}

static void a_certificate_loses_nothing_but_its_sct_list(void **state)
{
	struct archive archive;

	(void)state;
	archive_open(&archive, "data/certs/precert-pairs.tar.zst");
	struct slice cloudflare = pem_at(&archive, "azul/cloudflare.pem", 0);
	assert_rebuilds(cloudflare, slice_of(NULL, 0), archive_find(&archive, "azul/cloudflare-tbs-without-sct.der"),
	                "cloudflare.pem");
	free((void *)(uintptr_t)cloudflare.data);
	archive_close(&archive);
}

/* Keys of all logs of a list, whatever its schema: every object that has a key and a log_id. */
static struct log_key *find_key(const json_t *value, const uint8_t log_id[32])
{
	struct log_key *key = NULL;
	const char *name;
	const json_t *child;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, child)
			if ((key = find_key(child, log_id)) != NULL)
				return key;
	}
	if (!json_is_object(value))
		return NULL;
	const char *key_text = json_string_value(json_object_get(value, "key"));
	if (key_text != NULL) {
		uint8_t spki[1024];
		size_t len;
		struct error err;

		if (strlen(key_text) < sizeof(spki) && base64_decode(slice_text(key_text), spki, &len)) {
			struct hash id = sha256(slice_of(spki, len));
			return memcmp(id.bytes, log_id, HASH_LEN) == 0 ? log_key_new(slice_of(spki, len), &err) : NULL;
		}
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, child)
		if ((key = find_key(child, log_id)) != NULL)
			return key;
	return NULL;
}

static json_t *all_log_lists(void)
{
	static const char *const files[] = { "data/loglist/google-v3-all_logs_list.json",
					     "data/loglist/crtsh-v3-all_logs_list.json",
					     "data/loglist/mozilla-v3-known_logs_list.json" };
	json_t *lists = json_array();

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct slice text = shared_file(files[i]);

		if (text.data != NULL)
			json_array_append_new(lists, json_loadb((const char *)text.data, text.len, 0, NULL));
		free((void *)(uintptr_t)text.data);
	}
	return lists;
}

static void put_u64(struct buf *out, uint64_t n, unsigned bytes)
{
	while (bytes-- > 0)
		buf_append_byte(out, (uint8_t)(n >> 8 * bytes));
}

/* The leaf of a rebuilt TBS, which is what the SCT signs (RFC 6962 sections 3.2 and 3.4). */
static void put_leaf(struct buf *out, const struct sct *sct, struct slice issuer_spki, struct slice tbs)
{
	struct hash issuer = sha256(issuer_spki);

	buf_clear(out);
	put_u64(out, 0, 2);
	put_u64(out, sct->timestamp_ms, 8);
	put_u64(out, ENTRY_PRECERT, 2);
	buf_append(out, issuer.bytes, HASH_LEN);
	put_u64(out, tbs.len, 3);
	buf_append_slice(out, tbs);
	put_u64(out, sct->extensions.len, 2);
	buf_append_slice(out, sct->extensions);
}

struct sct_totals {
	size_t n_certificates, n_verified, n_refused, n_unknown;
};

static void check_scts(struct slice certificate, struct slice issuer, const json_t *lists, struct sct_totals *t)
{
	struct cert_view view, issuer_view;
	struct buf tbs, leaf;
	struct slice list;
	struct sct sct;
	struct error err = { 0 };

	assert_true(cert_scan(certificate, &view, &err));
	assert_true(cert_scan(issuer, &issuer_view, &err));
	if (!view.has_sct_list)
		return;
	t->n_certificates++;
	buf_init(&tbs, BYTES_MAX);
	buf_init(&leaf, BYTES_MAX);
	assert_true(cert_rebuild_tbs(certificate, slice_of(NULL, 0), &tbs, &err));
	assert_true(cert_sct_list(&view, &list));
	while (list.len > 0) {
		assert_true(sct_take(&list, &sct, &err));
		struct log_key *key = find_key(lists, sct.log_id);

		put_leaf(&leaf, &sct, issuer_view.spki, buf_slice(&tbs));
		if (key == NULL)
			t->n_unknown++;
		else if (log_key_verify(key, buf_slice(&leaf), sct.signature, &err))
			t->n_verified++;
		else
			t->n_refused++;
		log_key_free(key);
	}
	buf_deinit(&tbs);
	buf_deinit(&leaf);
}

static void what_lets_encrypts_embedded_scts_sign_is_the_leaf(void **state)
{
	struct archive leaves, cas;
	struct sct_totals t = { 0 };
	json_t *item;
	size_t i;

	(void)state;
	archive_open(&leaves, "data/certs/letsencrypt-leaves.tar.zst");
	archive_open(&cas, "data/certs/letsencrypt-cas.tar.zst");
	struct slice text = archive_find(&leaves, "index.json");
	json_t *index = json_loadb((const char *)text.data, text.len, 0, NULL), *lists = all_log_lists();

	json_array_foreach(index, i, item) {
		const char *issuer = json_string_value(json_object_get(item, "issuer_file"));
		struct slice certificate = archive_find(&leaves, vector_text(item, "file"));
		size_t refused = t.n_refused;

		if (issuer == NULL)
			continue;
		check_scts(certificate, archive_find(&cas, issuer), lists, &t);
		/* two SCTs of the mis-issued certificate are for its precertificate, which says something else */
		if (strstr(vector_text(item, "file"), "BADSCT") != NULL)
			assert_true(t.n_refused > refused);
		else
			assert_int_equal(t.n_refused, refused);
	}
	print_message("%zu certificates: %zu SCTs verify, %zu are refused, %zu are of logs without a key here\n", t.n_certificates,
	              t.n_verified, t.n_refused, t.n_unknown);
	assert_int_equal(t.n_verified, 82);
	assert_int_equal(t.n_refused, 2);
	json_decref(lists);
	json_decref(index);
	archive_close(&leaves);
	archive_close(&cas);
}

/* One line of entries-*.jsonl: entry against its precertificate, or embedded SCTs against the chain. */
static void check_live_entry(const json_t *line, const json_t *lists, struct sct_totals *t)
{
	struct buf leaf, extra;
	struct entry entry;
	struct cert_view view;
	struct hash hash;
	struct slice issuer;
	struct error err;

	buf_init(&leaf, BYTES_MAX);
	buf_init(&extra, BYTES_MAX);
	assert_true(entry_parse(vector_b64(vector_at(line, "leaf_input", NULL), &leaf), &entry, &err));
	assert_true(entry_parse_extra(vector_b64(vector_at(line, "extra_data", NULL), &extra), &entry, &err));
	assert_true(cert_scan_entry(&entry, &view, &err));
	assert_true(entry_tbs_sha256(&entry, &view, &hash, &err));
	if (entry.type == ENTRY_PRECERT) {
		assert_rebuilds(entry.precertificate, slice_of(NULL, 0), entry.certificate, "precert entry");
		assert_tbs_sha256(entry.precertificate, hash, "precert entry");
	} else if (chain_take(&entry.chain, &issuer)) {
		check_scts(entry.certificate, issuer, lists, t);
	}
	buf_deinit(&leaf);
	buf_deinit(&extra);
}

static void real_entries_hold_together(void **state)
{
	struct sct_totals t = { 0 };
	size_t n = 0;

	(void)state;
	need_shared();
	struct slice text = shared_file("data/rfc6962/entries-live-2026-05-20.jsonl.zst");
	assert_non_null(text.data);
	json_t *lists = all_log_lists();
	char *line, *rest = (char *)(uintptr_t)text.data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		json_t *item = json_loads(line, 0, NULL);

		if (item == NULL)
			continue;
		check_live_entry(item, lists, &t);
		json_decref(item);
		n++;
	}
	assert_int_equal(n, 28);
	assert_int_equal(t.n_verified, 34);
	assert_int_equal(t.n_refused, 0);
	free((void *)(uintptr_t)text.data);
	json_decref(lists);
}

/* ---- generated certificates ----------------------------------------------------------------- */

static void extensions_around_the_sct_list_stay_as_they_are(void **state)
{
	static const struct cert_build_extension san = { "551d11", "300f820d612e6578616d706c652e636f6d", false };
	static const struct cert_build_extension scts = { "2b06010401d679020402", "04020000", false };
	static const struct cert_build_extension poison = { "2b06010401d679020403", "0500", true };
	static const struct cert_build_extension odd = { "2a03", "ffff", true };
	const struct cert_build_extension *const with[][5] = {
		{ &san, &scts, &odd, NULL }, { &scts, &san, &odd, NULL }, { &san, &odd, &scts, NULL }, { &san, &odd, &poison, NULL },
		{ &scts, &san, &scts, &odd, NULL },
	};
	const struct cert_build_extension *const without[] = { &san, &odd, NULL };
	struct buf plain, changed;
	struct cert_view view;
	struct error err;

	(void)state;
	buf_init(&plain, BYTES_MAX);
	buf_init(&changed, BYTES_MAX);
	cert_build(&plain, &(struct cert_build){ .extensions = without });
	assert_true(cert_scan(buf_slice(&plain), &view, &err));
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		buf_clear(&changed);
		cert_build(&changed, &(struct cert_build){ .extensions = with[i] });
		assert_rebuilds(buf_slice(&changed), slice_of(NULL, 0), view.tbs, "generated");
		assert_tbs_sha256(buf_slice(&changed), sha256(view.tbs), "generated");
	}
	assert_rebuilds(buf_slice(&plain), slice_of(NULL, 0), view.tbs, "nothing to remove");
	buf_deinit(&plain);
	buf_deinit(&changed);
}

static void the_extension_block_goes_with_its_last_extension(void **state)
{
	static const struct cert_build_extension poison = { "2b06010401d679020403", "0500", true };
	const struct cert_build_extension *const only[] = { &poison, NULL };
	struct buf plain, changed;
	struct cert_view view;
	struct error err;

	(void)state;
	buf_init(&plain, BYTES_MAX);
	buf_init(&changed, BYTES_MAX);
	cert_build(&plain, &(struct cert_build){ 0 });
	cert_build(&changed, &(struct cert_build){ .extensions = only });
	assert_true(cert_scan(buf_slice(&plain), &view, &err));
	assert_null(view.extensions.data);
	assert_rebuilds(buf_slice(&changed), slice_of(NULL, 0), view.tbs, "only a poison");
	buf_deinit(&plain);
	buf_deinit(&changed);
}

static void the_authority_key_identifier_follows_the_preissuer(void **state)
{
	static const struct cert_build_extension poison = { "2b06010401d679020403", "0500", true };
	static const struct cert_build_extension old_aki = { "551d23", "30048002aaaa", true };
	static const struct cert_build_extension new_aki = { "551d23", "3006800401020304", false };
	static const struct cert_build_extension kept_aki = { "551d23", "3006800401020304", true };
	static const struct cert_build_extension san = { "551d11", "300f820d612e6578616d706c652e636f6d", false };
	const struct cert_build_extension *const precert_with[] = { &old_aki, &poison, &san, NULL };
	const struct cert_build_extension *const precert_without[] = { &poison, &san, NULL };
	const struct cert_build_extension *const signer_with[] = { &new_aki, NULL };
	const struct cert_build_extension *const replaced[] = { &kept_aki, &san, NULL };
	const struct cert_build_extension *const removed[] = { &san, NULL };
	const struct cert_build_extension *const appended[] = { &san, &new_aki, NULL };
	const struct {
		const struct cert_build_extension *const *precert, *const *preissuer, *const *expected;
	} cases[] = {
		{ precert_with, signer_with, replaced },
		{ precert_with, NULL, removed },
		{ precert_without, signer_with, appended },
		{ precert_without, NULL, removed },
	};
	struct buf precert, preissuer, expected;
	struct cert_view view;
	struct error err;

	(void)state;
	buf_init(&precert, BYTES_MAX);
	buf_init(&preissuer, BYTES_MAX);
	buf_init(&expected, BYTES_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&precert);
		buf_clear(&preissuer);
		buf_clear(&expected);
		cert_build(&precert, &(struct cert_build){ .issuer = "Signer of precertificates", .extensions = cases[i].precert });
		cert_build(&preissuer, &(struct cert_build){ .issuer = "CA", .extensions = cases[i].preissuer });
		cert_build(&expected, &(struct cert_build){ .issuer = "CA", .extensions = cases[i].expected });
		assert_true(cert_scan(buf_slice(&expected), &view, &err));
		assert_rebuilds(buf_slice(&precert), buf_slice(&preissuer), view.tbs, "preissuer");
	}
	buf_deinit(&precert);
	buf_deinit(&preissuer);
	buf_deinit(&expected);
}

static void a_thousand_sct_lists_are_refused_not_overrun(void **state)
{
	static const struct cert_build_extension scts = { "2b06010401d679020402", "04020000", false };
	static const struct cert_build_extension odd = { "2a03", "ffff", true };
	enum { N = 1000 };
	const struct cert_build_extension *many[N + 1];
	struct buf der;
	struct cert_view view;
	struct hash hash;
	struct error err;

	(void)state;
	for (size_t i = 0; i < N; i++)
		many[i] = i % 2 ? &scts : &odd;
	many[N] = NULL;
	buf_init(&der, BYTES_MAX);
	cert_build(&der, &(struct cert_build){ .extensions = many });
	assert_true(cert_scan(buf_slice(&der), &view, &err));
	assert_false(cert_tbs_sha256(&view, &hash, &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	buf_deinit(&der);
}

static void an_sct_list_that_is_none_is_not_taken_for_one(void **state)
{
	static const char *const values[] = { "", "04", "0401", "040100", "04030001", "04030000ff", "30020000", "0405000300" };
	struct buf der;
	struct cert_view view;
	struct slice list;
	struct error err;

	(void)state;
	buf_init(&der, BYTES_MAX);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct cert_build_extension scts = { "2b06010401d679020402", values[i], false };
		const struct cert_build_extension *const only[] = { &scts, NULL };

		buf_clear(&der);
		cert_build(&der, &(struct cert_build){ .extensions = only });
		assert_true(cert_scan(buf_slice(&der), &view, &err));
		assert_true(view.has_sct_list);
		assert_false(cert_sct_list(&view, &list));
	}
	buf_deinit(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_precertificate_of_the_vectors_gives_the_logged_tbs),
		cmocka_unit_test(an_x509_entry_is_keyed_by_its_tbs_without_the_sct_list),
		cmocka_unit_test(lets_encrypts_precertificates_and_certificates_are_one),
		cmocka_unit_test(a_real_precertificate_signing_certificate_is_replaced_by_its_issuer),
		cmocka_unit_test(a_certificate_loses_nothing_but_its_sct_list),
		cmocka_unit_test(what_lets_encrypts_embedded_scts_sign_is_the_leaf),
		cmocka_unit_test(real_entries_hold_together),
		cmocka_unit_test(extensions_around_the_sct_list_stay_as_they_are),
		cmocka_unit_test(the_extension_block_goes_with_its_last_extension),
		cmocka_unit_test(the_authority_key_identifier_follows_the_preissuer),
		cmocka_unit_test(a_thousand_sct_lists_are_refused_not_overrun),
		cmocka_unit_test(an_sct_list_that_is_none_is_not_taken_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
