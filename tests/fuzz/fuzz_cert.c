/*
 * Any bytes as a certificate. Properties: whatever was read lies inside the input; names are bounded and normalised; a
 * certificate without poison and SCT list is its own logged TBS, and what the rebuilding drops is gone for good.
 */
#include "x509.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void require_inside(struct slice part, struct slice whole)
{
	if (part.data == NULL) {
		REQUIRE(part.len == 0);
		return;
	}
	REQUIRE(part.data >= whole.data && part.data <= whole.data + whole.len);
	REQUIRE(part.len <= (size_t)(whole.data + whole.len - part.data));
}

static void require_normal(const struct cert_name *name)
{
	char text[NAME_TEXT_MAX + 1];

	REQUIRE(name->text.len > 0 && name->text.len <= NAME_TEXT_MAX);
	name_format(name, text, sizeof(text));
	if (name->kind == NAME_IP) {
		REQUIRE(name->text.len == 4 || name->text.len == 16);
		return;
	}
	for (size_t i = 0; i < name->text.len; i++) {
		uint8_t c = name->text.data[i];
		REQUIRE(c < 0x7f && (c >= 0x20 || c == '\t') && !(c >= 'A' && c <= 'Z'));
	}
	REQUIRE(name->text.data[name->text.len - 1] != '.');
}

static void check_tbs(struct slice input, const struct cert_view *view)
{
	struct buf rebuilt;
	struct hash hash, again;
	struct cert_view second;
	struct slice list;
	struct error err;
	bool keyed = cert_tbs_sha256(view, &hash, &err);

	if (cert_sct_list(view, &list))
		require_inside(list, view->tbs);
	buf_init(&rebuilt, 1u << 26);
	REQUIRE(cert_rebuild_tbs(input, slice_of(NULL, 0), &rebuilt, &err) == keyed);
	if (keyed) {
		again = sha256(buf_slice(&rebuilt));
		REQUIRE(hash_equal(&hash, &again));
		if (!view->has_poison && !view->has_sct_list)
			REQUIRE(slice_equal(buf_slice(&rebuilt), view->tbs));
		REQUIRE(cert_scan_tbs(buf_slice(&rebuilt), &second, &err));
	}
	/* a certificate with two extension blocks may lose the first, and show the second */
	if (keyed && !view->names_cut) {
		REQUIRE(!second.has_poison && (view->has_poison || !second.has_sct_list));
		REQUIRE(slice_equal(second.spki, view->spki) && second.n_san == view->n_san && second.n_cn == view->n_cn);
	}
	/* itself as a Precertificate Signing Certificate: only the bounds matter */
	buf_clear(&rebuilt);
	cert_rebuild_tbs(input, input, &rebuilt, &err);
	buf_deinit(&rebuilt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);
	struct cert_view view;
	struct cert_names names;
	struct error err;
	char line[300];

	names_init(&names);
	for (int bare = 0; bare < 2; bare++) {
		if (!(bare ? cert_scan_tbs(input, &view, &err) : cert_scan(input, &view, &err)))
			continue;
		const struct slice parts[] = { view.tbs, view.serial, view.issuer, view.subject, view.issuer_org,
					       view.spki, view.extensions, view.san, view.cn };
		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			require_inside(parts[i], input);
		names_collect(&view, &names, &err);
		for (size_t i = 0; i < names.n; i++)
			require_normal(&names.items[i]);
		x509_name_format(view.subject, line, sizeof(line));
		REQUIRE(strlen(line) < sizeof(line));
		if (!bare)
			check_tbs(input, &view);
	}
	names_deinit(&names);
	return 0;
}
