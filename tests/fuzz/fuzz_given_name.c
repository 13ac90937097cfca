/* Names as people give them: what is read is a name or an address, and reading it again gives the same. */
#include "check.h"
#include "dns.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct given_name once, twice;
	struct error err = { 0 };

	if (!given_name_read(slice_of(data, size), &once, &err)) {
		CHECK(err.kind == ERR_USAGE && err.text[0] != '\0');
		return 0;
	}
	CHECK(once.name[0] != '\0' && strlen(once.name) <= DNS_NAME_MAX);
	CHECK(once.name[strcspn(once.name, "/@ [](){}\\\"*")] == '\0');
	CHECK(once.is_address || strchr(once.name, ':') == NULL);
	CHECK(given_name_without_www(&once)[0] != '\0');
	CHECK(given_name_read(slice_text(once.name), &twice, &err));
	CHECK(strcmp(once.name, twice.name) == 0 && twice.taken_off[0] == '\0' && !twice.below);
	return 0;
}
