/*
 * An envelope whose texts are the fuzzer's: bytes up to a NUL each, in the order below, made valid UTF-8 as the state does it. The first
 * byte chooses between finding, incident and report.
 */
#ifndef CTWATCH_FUZZ_ENVELOPE_OF_H
#define CTWATCH_FUZZ_ENVELOPE_OF_H

#include <stdlib.h>
#include <string.h>

#include "sink.h"

struct fuzz_delivery {
	struct alert_item item;
	struct delivery delivery;
	char *subject;
};

/* The next text; malformed bytes become "?". Borrowed by nobody: a new JSON text. */
static inline json_t *fuzz_text(struct slice *in)
{
	ptrdiff_t end = slice_find(*in, '\0');
	struct slice text = slice_sub(*in, 0, end < 0 ? in->len : (size_t)end);
	struct buf valid;

	*in = slice_sub(*in, end < 0 ? in->len : (size_t)end + 1, in->len);
	buf_init(&valid, 1u << 20);
	while (text.len > 0) {
		struct slice ahead = text;
		uint32_t c;

		if (utf8_take(&ahead, &c)) {
			buf_append(&valid, text.data, text.len - ahead.len);
			text = ahead;
		} else {
			buf_append_byte(&valid, '?');
			text = slice_sub(text, 1, text.len);
		}
	}
	json_t *value = json_string(buf_text(&valid));
	buf_deinit(&valid);
	return value;
}

static inline bool fuzz_delivery_make(const uint8_t *data, size_t size, struct fuzz_delivery *out)
{
	static const char *const members[] = { "finding", "incident", "details" };
	static const enum event_type events[] = { EVENT_FINDING, EVENT_INCIDENT_OPENED, EVENT_REPORT_READY };
	static const char *const keys[] = { "name", "registrable_domain", "rule", "brand", "technique", "summary", "class", "severity", "kind", "id" };
	struct slice in = slice_of(data, size);

	if (size < 2 || size > 65536)
		return false;
	size_t which = in.data[0] % 3, span = in.data[1];
	in = slice_sub(in, 2, in.len);
	json_t *subject = json_pack("{s:i, s:[], s:[]}", "score", (int)(span % 101), "certificates", "files"), *issuer, *first;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set_new(subject, keys[i], fuzz_text(&in));
	json_object_set_new(subject, "log", json_pack("{s:o}", "name", fuzz_text(&in)));
	json_object_set_new(subject, "evidence", json_pack("[{s:s, s:o, s:i, s:[i, i]}]", "signal", "E1", "detail", fuzz_text(&in), "points", 9, "span", (int)(span & 15), (int)(span >> 2)));
	issuer = fuzz_text(&in);
	first = fuzz_text(&in);
	json_array_append_new(json_object_get(subject, "certificates"), json_pack("{s:o, s:[o, o], s:s, s:i}", "issuer", issuer, "names", first, fuzz_text(&in), "sha256", "00", "names_total", (int)span));
	json_array_append_new(json_object_get(subject, "files"), fuzz_text(&in));

	*out = (struct fuzz_delivery){ .item = { .event = events[which] } };
	out->item.envelope = json_pack("{s:i, s:s, s:s, s:s, s:o}", "v", 1, "event", event_name(events[which]), "id", "abc", "time", "2026-11-28T00:00:00Z", members[which], subject);
	out->subject = xstrdup(json_string_value(json_object_get(subject, "id")));
	out->item.subject = out->subject;
	memcpy(out->item.id, "abcdefghijklmnopqrstuvwxyz", FINDING_ID_LEN + 1);
	out->delivery = (struct delivery){ .items = &out->item, .n = 1 };
	memcpy(out->delivery.id, out->item.id, FINDING_ID_LEN + 1);
	return true;
}

static inline void fuzz_delivery_free(struct fuzz_delivery *fuzz)
{
	json_decref(fuzz->item.envelope);
	free(fuzz->subject);
}

#endif
