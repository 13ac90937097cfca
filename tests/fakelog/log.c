/* Sequencing: what an entry is, its leaf, and how the tree grows. */
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "der.h"

#define HOUR_MS (3600 * INT64_C(1000))
/* A final certificate follows its precertificate by two entries, and every fourth entry is one. */
#define FINAL_EVERY 4
#define FINAL_AFTER 2
#define INITIAL_SPACING_MS 20            /* between entries that are older than the process */

int64_t world_now(const struct world *world)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + world->clock_offset_ms;
}

void log_init(struct fake_log *log, struct world *world, unsigned number, enum listed_as listed_as, const char *url)
{
	const char *host = strstr(url, "://");

	*log = (struct fake_log){ .world = world, .number = number, .listed_as = listed_as };
	log->url = xstrdup(url);
	log->origin = xstrdup(host == NULL ? url : host + 3);
	log->description = xasprintf("Fake '%s%u'", listed_as == LISTED_STATIC ? "Sycamore" : "Argon", number);
	log->mmd_ms = listed_as == LISTED_STATIC ? 60000 : 24 * HOUR_MS;
	log->signer = signer_new("log", world->seed, number);
	log->id = sha256(signer_spki(log->signer));
}

void log_deinit(struct fake_log *log)
{
	free(log->description);
	free(log->url);
	free(log->origin);
	free(log->timestamps);
	free(log->marks);
	free(log->heads);
	signer_free(log->signer);
	tree_deinit(&log->tree);
}

uint64_t log_size(const struct fake_log *log)
{
	return log->tree.level[0].n;
}

const struct head *log_head(const struct fake_log *log)
{
	return &log->heads[log->n_heads - 1];
}

void entry_bytes_init(struct entry_bytes *entry)
{
	memset(entry, 0, sizeof(*entry));
	buf_init(&entry->leaf, 2 * MINT_BYTES_MAX);
	buf_init(&entry->precertificate, MINT_BYTES_MAX);
}

void entry_bytes_deinit(struct entry_bytes *entry)
{
	buf_deinit(&entry->leaf);
	buf_deinit(&entry->precertificate);
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

static const struct mark *mark_at(const struct fake_log *log, uint64_t index, enum fault_id fault)
{
	for (size_t i = 0; i < log->n_marks; i++)
		if (log->marks[i].index == index && log->marks[i].fault == fault)
			return &log->marks[i];
	return NULL;
}

static bool is_final(const struct fake_log *log, uint64_t index)
{
	return index % FINAL_EVERY == FINAL_EVERY - 1 && plantings_at(&log->world->plantings, index) == NULL &&
	       mark_at(log, index - FINAL_AFTER, FAULT_UNPARSABLE_CERT) == NULL;
}

static struct order order_of(const struct fake_log *log, uint64_t index)
{
	const struct world *world = log->world;
	const struct planting *planting = plantings_at(&world->plantings, index);
	struct order order = { .authority = -1 };

	order.identity = world->same_certificates ? index : (uint64_t)log->number << 40 | index;
	if (planting != NULL) {
		order.identity = planting->identity;
		order.authority = planting->authority;
		order.names = &planting->names;
	}
	/* not the entry's timestamp, so that all logs agree on it */
	order.at_ms = world->start_ms / 60000 * 60000 - (int64_t)(order.identity % 3600) * 1000;
	if (mark_at(log, index, FAULT_UNPARSABLE_CERT) != NULL)
		order.oddity = ODDITY_GARBAGE;
	else if (mark_at(log, index, FAULT_WRONG_SHARD) != NULL)
		order.oddity = ODDITY_OUTSIDE_SHARD;
	return order;
}

/* CtExtensions: leaf_index in static logs (static-ct-api), nothing in classic ones. */
static void put_extensions(const struct fake_log *log, uint64_t index, struct buf *out)
{
	if (mark_at(log, index, FAULT_LEAF_INDEX) != NULL)
		index++;
	if (log->listed_as == LISTED_CLASSIC) {
		put_u16(out, 0);
		return;
	}
	put_u16(out, 8);
	put_u8(out, 0);
	put_u16(out, 5);
	put_u8(out, (uint8_t)(index >> 32));
	put_u16(out, (uint16_t)(index >> 16));
	put_u16(out, (uint16_t)index);
}

static void put_leaf_head(const struct fake_log *log, uint64_t index, uint16_t type, struct buf *out)
{
	buf_clear(out);
	put_u16(out, 0);                         /* version v1, leaf type timestamped_entry */
	put_u64(out, (uint64_t)log->timestamps[index]);
	put_u16(out, mark_at(log, index, FAULT_UNKNOWN_ENTRY_TYPE) != NULL ? 0x8001 : type);
}

static size_t put_precert_leaf(struct fake_log *log, uint64_t index, const struct order *order, struct buf *out)
{
	const struct authority *all;
	struct buf tbs;
	size_t authority;

	buf_init(&tbs, MINT_BYTES_MAX);
	authority = mint_tbs(log->world->mint, order, &tbs);
	mint_authorities(log->world->mint, &all);
	put_leaf_head(log, index, 1, out);
	buf_append(out, all[authority].key_hash.bytes, HASH_LEN);
	put_u24(out, (uint32_t)tbs.len);
	buf_append_slice(out, buf_slice(&tbs));
	put_extensions(log, index, out);
	buf_deinit(&tbs);
	return authority;
}

static void put_sct(struct buf *list, const uint8_t log_id[32], int64_t timestamp_ms, struct slice extensions, struct slice signature)
{
	put_u16(list, (uint16_t)(1 + 32 + 8 + extensions.len + signature.len));
	put_u8(list, 0);
	buf_append(list, log_id, 32);
	put_u64(list, (uint64_t)timestamp_ms);
	buf_append_slice(list, extensions);
	buf_append_slice(list, signature);
}

/* A DigitallySigned that verifies under no key. */
static void put_noise_signature(struct chance *chance, struct buf *out)
{
	uint8_t noise[SIGNATURE_MAX];
	size_t len = chance_signature(chance, noise);

	buf_clear(out);
	put_u16(out, 0x0403);
	put_u16(out, (uint16_t)len);
	buf_append(out, noise, len);
}

/*
 * A SignedCertificateTimestampList for the precertificate at `index`: one SCT of this log, which verifies (unless
 * signatures are skipped for speed), and one of a log that does not exist.
 */
static void make_scts(struct fake_log *log, uint64_t index, const struct order *order, struct buf *out)
{
	struct chance chance = chance_of(log->world->seed ^ 0x5c7, index);
	struct buf leaf, extensions, signature, items;
	uint8_t stranger[32];

	buf_init(&leaf, 2 * MINT_BYTES_MAX);
	buf_init(&extensions, 64);
	buf_init(&signature, 128);
	buf_init(&items, 1024);
	put_extensions(log, index, &extensions);
	put_precert_leaf(log, index, order, &leaf);
	if (log->world->fast)
		put_noise_signature(&chance, &signature);
	else
		signer_sign_tls(log->signer, buf_slice(&leaf), &signature);
	put_sct(&items, log->id.bytes, log->timestamps[index], buf_slice(&extensions), buf_slice(&signature));
	chance_bytes(&chance, stranger, sizeof(stranger));
	put_noise_signature(&chance, &signature);
	put_sct(&items, stranger, log->timestamps[index] + 137, slice_of("\0\0", 2), buf_slice(&signature));
	buf_clear(out);
	put_u16(out, (uint16_t)items.len);
	buf_append_slice(out, buf_slice(&items));
	buf_deinit(&leaf);
	buf_deinit(&extensions);
	buf_deinit(&signature);
	buf_deinit(&items);
}

static void make_final(struct fake_log *log, uint64_t index, struct entry_bytes *out)
{
	struct order order = order_of(log, index - FINAL_AFTER);
	struct buf scts, certificate;

	buf_init(&scts, 1024);
	buf_init(&certificate, MINT_BYTES_MAX);
	make_scts(log, index - FINAL_AFTER, &order, &scts);
	out->authority = mint_certificate(log->world->mint, &order, buf_slice(&scts), &certificate);
	put_leaf_head(log, index, 0, &out->leaf);
	put_u24(&out->leaf, (uint32_t)certificate.len);
	buf_append_slice(&out->leaf, buf_slice(&certificate));
	put_extensions(log, index, &out->leaf);
	out->is_precert = false;
	buf_deinit(&scts);
	buf_deinit(&certificate);
}

void log_leaf(struct fake_log *log, uint64_t index, struct entry_bytes *out)
{
	struct order order;

	if (mark_at(log, index, FAULT_DUPLICATE) != NULL)
		index--;
	buf_clear(&out->precertificate);
	if (is_final(log, index)) {
		make_final(log, index, out);
	} else {
		order = order_of(log, index);
		out->authority = put_precert_leaf(log, index, &order, &out->leaf);
		out->is_precert = true;
	}
	if (mark_at(log, index, FAULT_MALFORMED_LEAF) != NULL)
		put_u8(&out->leaf, 0x2a);
}

void log_entry(struct fake_log *log, uint64_t index, struct entry_bytes *out)
{
	struct order order;

	log_leaf(log, index, out);
	if (!out->is_precert)
		return;
	order = order_of(log, mark_at(log, index, FAULT_DUPLICATE) != NULL ? index - 1 : index);
	mint_precertificate(log->world->mint, &order, &out->precertificate);
}

size_t log_chain(const struct fake_log *log, const struct entry_bytes *entry, size_t out[2])
{
	const struct authority *all;

	mint_authorities(log->world->mint, &all);
	out[0] = entry->authority;
	out[1] = all[entry->authority].root;
	return 2;
}

/* ---- growth ------------------------------------------------------------------------------------------------------ */

static void set_timestamp(struct fake_log *log, uint64_t index, int64_t now)
{
	int64_t time_ms = now;

	if (index < log->world->initial)
		time_ms = log->world->start_ms - (log->world->span_ms == 0 ? (int64_t)(log->world->initial - index) * INITIAL_SPACING_MS :
			  (int64_t)((double)log->world->span_ms * (double)(log->world->initial - index) / (double)log->world->initial));
	if (mark_at(log, index, FAULT_MMD_VIOLATION) != NULL)
		time_ms -= 3 * log->mmd_ms + HOUR_MS;
	if (mark_at(log, index, FAULT_FUTURE_ENTRY) != NULL)
		time_ms = now + HOUR_MS;
	if (index >= log->timestamps_cap) {
		log->timestamps_cap = log->timestamps_cap == 0 ? 1024 : log->timestamps_cap * 2;
		log->timestamps = xreallocarray(log->timestamps, log->timestamps_cap, sizeof(*log->timestamps));
	}
	log->timestamps[index] = time_ms;
}

static void mark_faults(struct fake_log *log, uint64_t index)
{
	static const enum fault_id IN_TREE[] = { FAULT_UNPARSABLE_CERT, FAULT_WRONG_SHARD, FAULT_MALFORMED_LEAF,
		FAULT_UNKNOWN_ENTRY_TYPE, FAULT_LEAF_INDEX, FAULT_MMD_VIOLATION, FAULT_FUTURE_ENTRY, FAULT_DUPLICATE };
	uint64_t at;

	for (size_t i = 0; i < ARRAY_LEN(IN_TREE); i++) {
		if (!fault_is_on(&log->faults, IN_TREE[i], 1, &at) || at != index || mark_at(log, index, IN_TREE[i]) != NULL)
			continue;
		log->marks = xreallocarray(log->marks, log->n_marks + 1, sizeof(*log->marks));
		log->marks[log->n_marks++] = (struct mark){ index, IN_TREE[i] };
	}
}

void log_grow(struct fake_log *log, uint64_t n)
{
	int64_t now = world_now(log->world);
	struct entry_bytes entry;

	entry_bytes_init(&entry);
	for (; n > 0; n--) {
		uint64_t index = log_size(log);

		mark_faults(log, index);
		set_timestamp(log, index, now);
		log_leaf(log, index, &entry);
		tree_append(&log->tree, buf_slice(&entry.leaf));
	}
	entry_bytes_deinit(&entry);
	log_publish(log);
}

void log_publish(struct fake_log *log)
{
	struct head head = { log_size(log), world_now(log->world), tree_root(&log->tree, log_size(log)) };

	if (log->n_heads > 0 && head.timestamp_ms <= log_head(log)->timestamp_ms)
		head.timestamp_ms = log_head(log)->timestamp_ms + 1;
	if (log->n_heads == log->heads_cap) {
		log->heads_cap = log->heads_cap == 0 ? 64 : log->heads_cap * 2;
		log->heads = xreallocarray(log->heads, log->heads_cap, sizeof(*log->heads));
	}
	log->heads[log->n_heads++] = head;
}

bool log_published_within(const struct fake_log *log, uint64_t from, uint64_t to)
{
	size_t low = 0, high = log->n_heads;

	while (low < high) {                     /* first head of at least `from` */
		size_t middle = (low + high) / 2;

		if (log->heads[middle].size < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < log->n_heads && log->heads[low].size < to;
}
