/*
 * Any bytes as a dNSName (first byte even) or a CN (odd). Properties: names come out bounded and normalised, once each, and
 * normalising them again changes nothing.
 */
#include "dns.h"
#include "x509.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static bool has(const struct cert_names *names, const struct cert_name *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->items[i].kind == name->kind && slice_equal(names->items[i].text, name->text))
			return true;
	return false;
}

static void require_normal(const struct cert_name *name)
{
	struct cert_names again;
	char text[NAME_TEXT_MAX + 1], unicode[NAME_TEXT_MAX * 4 + 1], ascii[DNS_NAME_MAX + 1];
	struct error err;

	name_format(name, text, sizeof(text));
	if (name->kind == NAME_DNS) {
		for (size_t i = 0; i < name->text.len; i++)
			REQUIRE(name->text.data[i] < 0x7f && !(name->text.data[i] >= 'A' && name->text.data[i] <= 'Z'));
		REQUIRE(name->text.len > 0 && name->text.data[name->text.len - 1] != '.');
		dns_name_to_unicode(name->text, unicode, sizeof(unicode));
		REQUIRE(utf8_valid(slice_text(unicode)));
		/* a name that people may type comes back from what they are shown */
		if (dns_name_to_ascii(name->text, ascii, &err))
			REQUIRE(slice_equal_text(name->text, ascii));
	}
	names_init(&again);
	if (name->text.len < NAME_RAW_MAX) {
		names_add_text(&again, slice_text(text), NAME_FROM_SAN);
		/* a blank that stood before a dropped dot, or a scheme inside a scheme, may go the second time */
		if (slice_find(name->text, ' ') < 0 && slice_find(name->text, '\t') < 0 && slice_find(name->text, '/') < 0)
			REQUIRE(has(&again, name));
	}
	names_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert_names names;

	if (size == 0)
		return 0;
	names_init(&names);
	names_add_text(&names, slice_of(data + 1, size - 1), data[0] % 2 == 0 ? NAME_FROM_SAN : NAME_FROM_CN);
	for (size_t i = 0; i < names.n; i++) {
		REQUIRE(names.items[i].text.len <= NAME_TEXT_MAX);
		require_normal(&names.items[i]);
		for (size_t k = 0; k < i; k++)
			REQUIRE(names.items[k].kind != names.items[i].kind || !slice_equal(names.items[k].text, names.items[i].text));
	}
	names_deinit(&names);
	return 0;
}
