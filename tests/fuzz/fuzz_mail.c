/*
 * The mail that is made of whatever certificates and logs say: every line ends in CRLF and holds 998 bytes at most, no byte is a control
 * character or beyond ASCII (bodies are base64), and the headers are those that were meant, once each: nothing can be injected.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "envelope_of.h"
#include "mail_text.h"

#define LINE_MAX_BYTES 998           /* RFC 5322 section 2.1.1 */

static void check_headers(const char *text)
{
	static const char *const names[] = { "Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "X-Ctwatch-Event", "Auto-Submitted", "MIME-Version", "Content-Type" };
	unsigned seen[ARRAY_LEN(names)] = { 0 };

	for (const char *line = text; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2) {
		bool known = line[0] == ' ';     /* folded */

		for (size_t i = 0; i < ARRAY_LEN(names) && !known; i++) {
			size_t len = strlen(names[i]);

			if (strncmp(line, names[i], len) == 0 && line[len] == ':') {
				known = true;
				CHECK(++seen[i] == 1);
			}
		}
		CHECK(known);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const to[] = { "soc@a.example", "boss@b.example" };
	const struct mail_head head = { .from = "ctwatch@c.example", .to = to, .n_to = 2, .now_ms = 1795334400000, .with_files = false };
	struct fuzz_delivery fuzz;
	struct buf out;
	size_t line = 0;

	if (!fuzz_delivery_make(data, size, &fuzz))
		return 0;
	buf_init(&out, 8u << 20);
	CHECK(mail_write(&out, &head, &fuzz.delivery));
	for (size_t i = 0; i < out.len; i++) {
		uint8_t c = out.data[i];

		CHECK(c < 0x7f && (c >= 0x20 || c == '\r' || c == '\n' || c == '\t'));
		CHECK((c == '\n') == (i > 0 && out.data[i - 1] == '\r'));
		line = c == '\n' ? 0 : line + 1;
		CHECK(line <= LINE_MAX_BYTES + 1);
	}
	CHECK(out.len > 2 && memcmp(out.data + out.len - 2, "\r\n", 2) == 0);
	check_headers(buf_text(&out));
	buf_deinit(&out);
	fuzz_delivery_free(&fuzz);
	return 0;
}
