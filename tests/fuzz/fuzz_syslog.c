/*
 * Syslog messages made of whatever certificates and logs say: RFC 5424's header and structured data, no longer than allowed, no control
 * characters; behind them JSON that parses and names the same thing, or one CEF record of seven header fields.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "envelope_of.h"
#include "syslog_text.h"

/* "[ctwatch@32473 id=\"...\" ...] ": where it ends. Inside a value only \" \\ and \] are escaped (RFC 5424 section 6.3.3). */
static const char *check_structured_data(const char *at)
{
	bool quoted = false;

	CHECK(strncmp(at, "[ctwatch@32473 id=\"", 19) == 0);
	for (at++; quoted || *at != ']'; at++) {
		CHECK(*at != '\0');
		if (quoted && *at == '\\') {
			at++;
			CHECK(*at == '"' || *at == '\\' || *at == ']');
		} else if (*at == '"') {
			quoted = !quoted;
		} else {
			CHECK(!quoted || *at != ']');
		}
	}
	CHECK(at[1] == ' ');
	return at + 2;
}

static void check_cef(const char *at)
{
	unsigned pipes = 0;

	CHECK(strncmp(at, "CEF:0|ctwatch|ctwatch|", 22) == 0);
	for (; pipes < 7; at++) {
		CHECK(*at != '\0');
		if (*at == '\\')
			CHECK(*++at != '\0');
		else
			pipes += *at == '|';
	}
	CHECK(strncmp(at, "externalId=", 11) == 0);
}

static void check_json(const char *at, const json_t *envelope)
{
	json_t *read = json_loads(at, 0, NULL);

	CHECK(json_is_object(read));
	CHECK(json_equal(json_object_get(read, "event"), json_object_get(envelope, "event")));
	json_decref(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct syslog_head head = { .facility = 16, .hostname = "host.example", .pid = 4711 };
	struct fuzz_delivery fuzz;
	struct buf out;

	if (size < 2)
		return 0;
	head.cef = (data[0] & 1) != 0;
	size_t max = SYSLOG_BYTES_MIN + (size_t)(data[0] >> 1) * (data[1] + 1u);
	if (!fuzz_delivery_make(data + 2, size - 2, &fuzz))
		return 0;
	buf_init(&out, 1u << 20);
	if (syslog_write(&out, &head, &fuzz.delivery, max)) {
		const char *text = buf_text(&out), *at = strstr(text, " [");

		CHECK(out.len <= max);
		for (size_t i = 0; i < out.len; i++)
			CHECK(out.data[i] >= 0x20 && out.data[i] != 0x7f);
		CHECK(text[0] == '<' && isdigit((unsigned char)text[1]) && at != NULL);
		at = check_structured_data(at + 1);
		if (head.cef)
			check_cef(at);
		else
			check_json(at, fuzz.item.envelope);
	} else {
		CHECK(out.len == 0);
	}
	buf_deinit(&out);
	fuzz_delivery_free(&fuzz);
	return 0;
}
