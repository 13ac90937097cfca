/* Heads as they are served: the newest one, or what a misbehaving log makes of it. */
#include <string.h>

#include "der.h"
#include "log.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define DAY_MS (24 * HOUR_MS)
#define LAG_HEADS 3                      /* how many heads a lagging front end is behind */

static struct hash invented_root(uint64_t size)
{
	struct slice parts[] = { SLICE_LITERAL("another history"), slice_of(&size, sizeof(size)) };

	return sha256_parts(parts, 2);
}

static void choose(struct fake_log *log, struct head *head)
{
	struct faults *faults = &log->faults;
	uint64_t at;

	*head = *log_head(log);
	if (fault_strikes(faults, FAULT_LAGGING, KIND_HEAD))
		*head = log->heads[log->n_heads > LAG_HEADS ? log->n_heads - 1 - LAG_HEADS : 0];
	else if (log->last_served.size > 1 && fault_strikes(faults, FAULT_ROLLBACK, KIND_HEAD)) {
		head->size = log->last_served.size - (log->last_served.size + 3) / 4;
		head->root = tree_root(&log->tree, head->size);
	} else if (fault_strikes(faults, FAULT_FORK, KIND_HEAD)) {
		if (log->last_served.size > 0)
			head->size = log->last_served.size;
		head->root = invented_root(head->size);
	} else if (fault_is_on(faults, FAULT_INCONSISTENT_HEAD, 0, &at) && head->size > at)
		head->root = invented_root(head->size);
	else
		log->last_served = *head;
}

static void change_time(struct fake_log *log, struct head *head)
{
	struct faults *faults = &log->faults;

	if (fault_strikes(faults, FAULT_STALE_HEAD, KIND_HEAD))
		head->timestamp_ms -= 2 * (log->mmd_ms > DAY_MS ? log->mmd_ms : DAY_MS);
	if (fault_strikes(faults, FAULT_FUTURE_HEAD, KIND_HEAD))
		head->timestamp_ms += HOUR_MS;
	if (fault_strikes(faults, FAULT_SAME_TIMESTAMP, KIND_HEAD))
		head->timestamp_ms = log->heads[0].timestamp_ms;
}

/* RFC 6962 section 3.5: TreeHeadSignature */
static void sign(struct signer *signer, const struct head *head, struct served_head *out)
{
	struct buf message, signature;

	buf_init(&message, 64);
	buf_init(&signature, sizeof(out->signature));
	put_u16(&message, 0x0001);               /* v1, tree_hash */
	put_u64(&message, (uint64_t)head->timestamp_ms);
	put_u64(&message, head->size);
	buf_append(&message, head->root.bytes, HASH_LEN);
	signer_sign_tls(signer, buf_slice(&message), &signature);
	memcpy(out->signature, signature.data, signature.len);
	out->signature_len = signature.len;
	buf_deinit(&message);
	buf_deinit(&signature);
}

void log_serve_head(struct fake_log *log, struct served_head *out)
{
	struct faults *faults = &log->faults;
	struct signer *stranger;

	memset(out, 0, sizeof(*out));
	choose(log, &out->head);
	change_time(log, &out->head);
	if (fault_strikes(faults, FAULT_OTHER_KEY, KIND_HEAD)) {
		stranger = signer_new("stranger", log->world->seed, log->number);
		sign(stranger, &out->head, out);
		signer_free(stranger);
	} else {
		sign(log->signer, &out->head, out);
	}
	if (fault_strikes(faults, FAULT_BAD_SIGNATURE, KIND_HEAD))
		out->signature[out->signature_len - 1] ^= 1;
	out->malformed = fault_strikes(faults, FAULT_MALFORMED_HEAD, KIND_HEAD);
	out->other_origin = fault_strikes(faults, FAULT_ORIGIN_MISMATCH, KIND_HEAD);
	out->extension_line = fault_strikes(faults, FAULT_EXTENSION_LINES, KIND_HEAD);
	out->strangers = fault_strikes(faults, FAULT_EXTRA_SIGNATURES, KIND_HEAD);
}
