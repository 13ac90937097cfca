/* extra_data and SCT lists: the first byte chooses; lengths add up to the input exactly. */
#include "check.h"
#include "ct.h"

static void check_extra(struct slice in, enum entry_type type)
{
	struct entry e = { .type = type };
	struct slice rest, certificate;
	struct error err;
	size_t total = 0;

	if (!entry_parse_extra(in, &e, &err)) {
		CHECK(err.kind == ERR_MALFORMED && e.chain.len == 0 && e.precertificate.len == 0);
		return;
	}
	CHECK(lies_inside(e.precertificate, in) && lies_inside(e.chain, in));
	CHECK(3 + e.chain.len + (type == ENTRY_PRECERT ? 3 + e.precertificate.len : 0) == in.len);
	for (rest = e.chain; chain_take(&rest, &certificate);)
		total += 3 + certificate.len;
	CHECK(rest.len == 0 && total == e.chain.len);
}

static void check_scts(struct slice in)
{
	struct slice list = in;
	struct error err;
	struct sct sct;

	while (sct_take(&list, &sct, &err))
		CHECK(lies_inside(sct.extensions, in) && lies_inside(sct.signature, in) && sct.signature.len >= 4);
	CHECK(err.kind == ERR_MALFORMED || list.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	uint8_t choice;

	if (!take_u8(&in, &choice))
		return 0;
	if (choice % 3 == 2)
		check_scts(in);
	else
		check_extra(in, choice % 3 == 1 ? ENTRY_PRECERT : ENTRY_X509);
	return 0;
}
