/* What was logged, out of the state: certificate, leaf, and the chain as far as it is at hand. */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ct.h"

#define CHAIN_MAX 16

struct looking {
	struct state *st;
	struct alert_entry *entry;
	const struct hash *wanted;        /* TBS of the one certificate that is asked for, or NULL: the newest */
	struct hash log_id;
	bool found, classic;
};

static void keep(struct buf *to, struct slice bytes)
{
	buf_init(to, STATE_DER_MAX);
	buf_append_slice(to, bytes);
}

static bool see_certificate(void *ctx, const struct state_certificate *certificate)
{
	struct looking *looking = ctx;
	struct alert_entry *entry = looking->entry;

	if (looking->wanted != NULL && !hash_equal(looking->wanted, &certificate->tbs_sha256))
		return true;
	entry->tbs_sha256 = certificate->tbs_sha256;
	entry->sha256 = certificate->sha256;
	entry->der_is_tbs = certificate->der_is_tbs;
	entry->too_large_bytes = certificate->too_large_bytes;
	keep(&entry->der, certificate->der);
	looking->found = true;
	return false;
}

/* The oldest sighting, and the leaf of the oldest one that was kept. */
static bool see_sighting(void *ctx, const struct state_sighting *sighting)
{
	struct looking *looking = ctx;

	looking->log_id = sighting->log_id;
	looking->entry->index = sighting->index;
	keep(&looking->entry->leaf, sighting->leaf);
	keep(&looking->entry->extra, sighting->extra);
	return false;
}

static bool see_log(void *ctx, const struct state_log *log)
{
	struct looking *looking = ctx;

	if (!hash_equal(&log->log_id, &looking->log_id))
		return true;
	looking->entry->log_url = xstrdup(log->url);
	looking->classic = strcmp(log->protocol, log_protocol_name(LOG_STATIC)) != 0;
	return false;
}

static bool see_malformed(void *ctx, const struct hash *log_id, uint64_t index, struct slice leaf, const char *reason, int64_t seen_ms)
{
	struct looking *looking = ctx;

	(void)log_id, (void)reason, (void)seen_ms;
	if (index != looking->entry->index)
		return true;
	keep(&looking->entry->leaf, leaf);
	return false;
}

static void add_to_chain(struct alert_entry *entry, struct slice der)
{
	keep(&entry->chain[entry->n_chain++], der);
}

/* A classic log gives the certificates themselves; a static one their fingerprints, and the issuers that were fetched are kept apart. */
static void read_chain(struct looking *looking)
{
	struct alert_entry *entry = looking->entry;
	struct slice chain = buf_slice(&entry->extra), certificate;

	entry->chain = xcalloc(CHAIN_MAX, sizeof(*entry->chain));
	if (looking->classic) {
		while (entry->n_chain < CHAIN_MAX && chain_take(&chain, &certificate))
			add_to_chain(entry, certificate);
		if (chain.len > 0)
			entry->chain_error = xstrdup("the chain that the log gave breaks off");
		return;
	}
	for (size_t at = 0; at + HASH_LEN <= chain.len && entry->n_chain < CHAIN_MAX; at += HASH_LEN) {
		struct hash sha256;
		struct buf der;
		char hex[2 * HASH_LEN + 1];

		memcpy(sha256.bytes, chain.data + at, HASH_LEN);
		buf_init(&der, STATE_DER_MAX);
		if (state_get_issuer(looking->st, &sha256, &der)) {
			add_to_chain(entry, buf_slice(&der));
		} else if (entry->chain_error == NULL) {
			hex_encode(sha256.bytes, HASH_LEN, hex);
			entry->chain_error = xasprintf("the log names issuer certificate %s, which is not at hand", hex);
		}
		buf_deinit(&der);
	}
}

static bool load_certificate(struct looking *looking, const struct outbox_item *row)
{
	json_t *payload = row->payload_json != NULL ? json_loads(row->payload_json, 0, NULL) : NULL;
	const char *hex = json_string_value(json_object_get(payload, "certificate"));
	struct error err;
	struct hash wanted;

	if (hex != NULL && hex_decode(slice_text(hex), wanted.bytes, HASH_LEN))
		looking->wanted = &wanted;
	bool ok = state_each_certificate(looking->st, row->subject, see_certificate, looking, &err);
	looking->wanted = NULL;
	json_decref(payload);
	if (!ok || !looking->found || !state_each_sighting(looking->st, &looking->entry->tbs_sha256, see_sighting, looking, &err) ||
	    !state_each_log(looking->st, see_log, looking, &err))
		return false;
	read_chain(looking);
	return true;
}

/* The subject is "<log id in hex>/<index>" (state/malformed.c). */
static bool load_malformed(struct looking *looking, const struct outbox_item *row)
{
	struct slice subject = slice_text(row->subject);
	struct error err;

	return subject.len > 2 * HASH_LEN + 1 && hex_decode(slice_sub(subject, 0, 2 * HASH_LEN), looking->log_id.bytes, HASH_LEN) &&
	       uint64_parse(slice_sub(subject, 2 * HASH_LEN + 1, subject.len), &looking->entry->index) &&
	       state_each_log(looking->st, see_log, looking, &err) &&
	       state_each_malformed(looking->st, &looking->log_id, see_malformed, looking, &err);
}

struct alert_entry *alert_entry_load(struct state *st, const struct outbox_item *row)
{
	struct looking looking = { .st = st, .entry = xcalloc(1, sizeof(*looking.entry)), .classic = true };
	bool ok = false;

	switch (row->event) {
	case EVENT_FINDING:
	case EVENT_FINDING_RESCORED:
	case EVENT_FINDING_NEW_CERTIFICATE:
		ok = load_certificate(&looking, row);
		break;
	case EVENT_MALFORMED:
		ok = load_malformed(&looking, row);
		break;
	default:
		break;
	}
	if (!ok) {
		alert_entry_free(looking.entry);
		return NULL;
	}
	if (looking.entry->log_url == NULL)
		looking.entry->log_url = xstrdup("");
	return looking.entry;
}

void alert_entry_free(struct alert_entry *entry)
{
	if (entry == NULL)
		return;
	for (size_t i = 0; i < entry->n_chain; i++)
		buf_deinit(&entry->chain[i]);
	free(entry->chain);
	buf_deinit(&entry->der);
	buf_deinit(&entry->leaf);
	buf_deinit(&entry->extra);
	free(entry->log_url);
	free(entry->chain_error);
	free(entry);
}
