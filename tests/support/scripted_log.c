/* See scripted_log.h. */
#include "scripted_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert_build.h"

#define BODY_MAX (8u << 20)
#define URL "https://log.example/2026"

/* ---- entries ------------------------------------------------------------------------------------------ */

static void put_number(struct buf *out, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		buf_append_byte(out, (uint8_t)(value >> 8 * bytes));
}

static void make_certificate(struct buf *out, enum version version, uint64_t index)
{
	static const char kinds[] = { 'h', 'f', 'x' };
	char name[64], serial[32];
	const char *dns[] = { name, NULL };
	bool planted = version != VERSION_HONEST || index % SCRIPTED_PLANTED_EVERY == 0;

	snprintf(name, sizeof(name), planted ? "%c%" PRIu64 ".planted.example" : "%c%" PRIu64 ".other.example", kinds[version], index);
	snprintf(serial, sizeof(serial), "01%02x%08" PRIx64, (unsigned)version, index);
	cert_build(out, &(struct cert_build){ .dns = dns, .serial_hex = serial });
}

/* MerkleTreeLeaf of an x509_entry; static logs state the index. */
static void make_leaf(struct scripted_log *log, enum version version, uint64_t index)
{
	struct buf certificate, *leaf = &log->leaves[version][index];

	buf_init(&certificate, BODY_MAX);
	make_certificate(&certificate, version, index);
	buf_init(leaf, BODY_MAX);
	put_number(leaf, 0, 2);
	put_number(leaf, (uint64_t)scripted_log_timestamp(log, index), 8);
	put_number(leaf, 0, 2);
	put_number(leaf, certificate.len, 3);
	buf_append_slice(leaf, buf_slice(&certificate));
	put_number(leaf, log->protocol == LOG_STATIC ? 8 : 0, 2);
	if (log->protocol == LOG_STATIC) {
		put_number(leaf, 5, 3);
		put_number(leaf, index, 5);
	}
	if (version == VERSION_HONEST)
		log->certificate_sha256[index] = sha256(buf_slice(&certificate));
	buf_deinit(&certificate);
}

int64_t scripted_log_timestamp(const struct scripted_log *log, uint64_t index)
{
	return log->first_ms + (int64_t)index;
}

void scripted_log_fork(struct scripted_log *log, uint64_t from)
{
	tree_deinit(&log->fork);
	memset(&log->fork, 0, sizeof(log->fork));
	log->fork_from = from;
	for (uint64_t i = 0; i < SCRIPTED_ENTRIES_MAX; i++)
		tree_append(&log->fork, buf_slice(&log->leaves[i < from ? VERSION_HONEST : VERSION_FORKED][i]));
}

void scripted_log_grow(struct scripted_log *log, uint64_t n)
{
	log->size = log->size + n < SCRIPTED_ENTRIES_MAX ? log->size + n : SCRIPTED_ENTRIES_MAX;
}

struct scripted_log *scripted_log_new(enum log_protocol protocol, int64_t now_ms)
{
	struct scripted_log *log = xcalloc(1, sizeof(*log));

	log->protocol = protocol;
	log->signer = signer_new(0);
	log->now_ms = now_ms;
	log->first_ms = now_ms - 3600000;
	for (uint64_t i = 0; i < SCRIPTED_ENTRIES_MAX; i++)
		for (enum version v = 0; v < N_VERSIONS; v++)
			make_leaf(log, v, i);
	for (uint64_t i = 0; i < SCRIPTED_ENTRIES_MAX; i++)
		tree_append(&log->tree, buf_slice(&log->leaves[VERSION_HONEST][i]));
	scripted_log_fork(log, 0);
	buf_init(&log->issuer, BODY_MAX);
	cert_build(&log->issuer, &(struct cert_build){ .cn = "Test CA" });
	struct slice key = signer_spki(log->signer);
	log->listed = (struct listed_log){
		.description = (char *)"Scripted 2026", .log_operator = (char *)"Scripted", .url = (char *)URL,
		.submission_url = protocol == LOG_STATIC ? (char *)URL : NULL, .protocol = protocol, .lifecycle = LIFECYCLE_USABLE,
		.mmd_s = 86400, .key = (uint8_t *)key.data, .key_len = key.len, .log_id = sha256(key),
		.interval_start_ms = INT64_MIN, .interval_end_ms = INT64_MAX,
	};
	return log;
}

void scripted_log_free(struct scripted_log *log)
{
	for (size_t i = 0; i < SCRIPTED_ENTRIES_MAX; i++)
		for (enum version v = 0; v < N_VERSIONS; v++)
			buf_deinit(&log->leaves[v][i]);
	tree_deinit(&log->tree);
	tree_deinit(&log->fork);
	buf_deinit(&log->issuer);
	signer_free(log->signer);
	free(log);
}

/* ---- heads ------------------------------------------------------------------------------------------------ */

static void note_signed_lie(struct scripted_log *log, const struct tree_head *head)
{
	if (head->tree_size <= log->size || head->tree_size > SCRIPTED_ENTRIES_MAX) {
		struct hash root = tree_root(&log->tree, head->tree_size <= log->size ? head->tree_size : log->size);

		if (head->tree_size <= log->size && hash_equal(&root, &head->root))
			return;
	}
	if (log->n_signed_lies < ARRAY_LEN(log->signed_lies))
		log->signed_lies[log->n_signed_lies] = *head;
	log->n_signed_lies++;
}

static struct tree_head lying_head(struct scripted_log *log, struct dice *dice, enum lie lie)
{
	uint64_t size = log->size;
	struct tree_head head = { .timestamp_ms = (uint64_t)log->last_head_ms };

	if (lie == LIE_STALE || lie == LIE_FORK_OLD || lie == LIE_SMALLER)
		size = size == 0 ? 0 : dice_below(dice, size);
	else if (lie == LIE_FORK_AHEAD)
		size = size + 1 + dice_below(dice, 300);
	if (size > SCRIPTED_ENTRIES_MAX)
		size = SCRIPTED_ENTRIES_MAX;
	if (lie == LIE_STALE)
		head.timestamp_ms -= 600000 + 1000 * (log->size - size);
	if (lie == LIE_FUTURE)
		head.timestamp_ms += 2 * 3600000;
	head.tree_size = size;
	head.root = tree_root(lie == LIE_STALE || lie == LIE_SMALLER || lie == LIE_FUTURE || lie == LIE_BAD_SIGNATURE ? &log->tree : &log->fork, size);
	if (lie == LIE_HUGE) {
		head.tree_size = UINT64_C(1) << (20 + dice_below(dice, 43));
		head.root.bytes[0] = (uint8_t)dice_below(dice, 256);
	}
	return head;
}

static void answer_head(struct scripted_log *log, struct dice *dice, enum lie lie, struct buf *out)
{
	struct tree_head head;
	char *text;

	log->last_head_ms = log->now_ms > log->last_head_ms ? log->now_ms : log->last_head_ms + 1;
	if (lie < LIE_BAD_SIGNATURE)
		head = (struct tree_head){ log->size, (uint64_t)log->last_head_ms, tree_root(&log->tree, log->size) };
	else
		head = lying_head(log, dice, lie);
	if (lie > LIE_BAD_SIGNATURE)
		note_signed_lie(log, &head);
	if (log->protocol == LOG_STATIC)
		text = signer_checkpoint(log->signer, strstr(URL, "://") + 3, &head, "");
	else
		text = signer_sth(log->signer, &head);
	buf_append_text(out, text);
	free(text);
	if (lie == LIE_BAD_SIGNATURE)
		out->data[out->len - 8] = out->data[out->len - 8] == 'A' ? 'B' : 'A';
}

/* ---- entries ------------------------------------------------------------------------------------------------- */

/* Which entry, in which version, stands at `index` of an answer whose lie begins at `at`. */
static struct slice leaf_at(const struct scripted_log *log, enum lie lie, uint64_t at, uint64_t index)
{
	if (lie == LIE_FALSE && index == at)
		return buf_slice(&log->leaves[VERSION_FALSE][index]);
	if (lie == LIE_SWAPPED && (index == at || index == at + 1))
		return buf_slice(&log->leaves[VERSION_HONEST][index == at ? at + 1 : at]);
	return buf_slice(&log->leaves[VERSION_HONEST][index]);
}

static void put_base64(struct buf *out, struct slice bytes)
{
	char *text = xmalloc(BASE64_LEN(bytes.len) + 1);

	base64_encode(bytes.data, bytes.len, text);
	buf_append_text(out, text);
	free(text);
}

static void answer_entries(struct scripted_log *log, enum lie lie, uint64_t lie_at, uint64_t from, uint64_t to, struct buf *out)
{
	struct buf chain;

	buf_init(&chain, BODY_MAX);
	put_number(&chain, log->issuer.len + 3, 3);
	put_number(&chain, log->issuer.len, 3);
	buf_append_slice(&chain, buf_slice(&log->issuer));
	buf_append_text(out, "{\"entries\":[");
	for (uint64_t i = from; i < to; i++) {
		buf_append_text(out, i == from ? "{\"leaf_input\":\"" : ",{\"leaf_input\":\"");
		put_base64(out, leaf_at(log, lie, lie_at, i));
		buf_append_text(out, "\",\"extra_data\":\"");
		put_base64(out, buf_slice(&chain));
		buf_append_text(out, "\"}");
	}
	buf_append_text(out, "]}");
	buf_deinit(&chain);
}

static void answer_data_tile(struct scripted_log *log, enum lie lie, uint64_t lie_at, uint64_t from, uint64_t to, struct buf *out)
{
	struct hash issuer = sha256(buf_slice(&log->issuer));

	for (uint64_t i = from; i < to; i++) {
		struct slice leaf = leaf_at(log, lie, lie_at, i);

		buf_append_slice(out, slice_sub(leaf, 2, leaf.len));
		put_number(out, HASH_LEN, 2);
		buf_append(out, issuer.bytes, HASH_LEN);
	}
}

/* ---- proofs and hash tiles --------------------------------------------------------------------------------------- */

static void put_nodes(struct buf *out, const struct tree_proof *proof)
{
	for (size_t i = 0; i < proof->n; i++) {
		buf_append_text(out, i == 0 ? "\"" : ",\"");
		put_base64(out, slice_of(proof->nodes[i].bytes, HASH_LEN));
		buf_append_text(out, "\"");
	}
}

static void spoil(struct dice *dice, struct tree_proof *proof)
{
	if (proof->n > 0)
		proof->nodes[dice_below(dice, proof->n)].bytes[0] ^= 1;
	else
		proof->n = 1;
}

static bool answer_proof(struct scripted_log *log, struct dice *dice, const char *url, enum lie lie, struct buf *out)
{
	char hash64[64] = "";
	uint64_t a, b;

	if (sscanf(url, URL "/ct/v1/get-sth-consistency?first=%" SCNu64 "&second=%" SCNu64, &a, &b) == 2) {
		if (a == 0 || a > b || b > log->size)
			return false;
		struct tree_proof proof = tree_consistency(&log->tree, a, b);
		if (lie == LIE_FALSE)
			spoil(dice, &proof);
		buf_append_text(out, "{\"consistency\":[");
		put_nodes(out, &proof);
		buf_append_text(out, "]}");
		return true;
	}
	if (sscanf(url, URL "/ct/v1/get-proof-by-hash?hash=%63[^&]&tree_size=%" SCNu64, hash64, &b) != 2 || b > log->size)
		return false;
	struct buf plain;
	struct hash hash;
	size_t len = 0;
	buf_init(&plain, 256);
	for (const char *c = hash64; *c != '\0'; c++) {
		unsigned code = 0;

		if (*c == '%' && sscanf(c + 1, "%2x", &code) == 1)
			c += 2;
		buf_append_byte(&plain, code != 0 ? (uint8_t)code : (uint8_t)*c);
	}
	uint8_t bytes[64];
	bool ok = base64_decode(buf_slice(&plain), bytes, &len) && len == HASH_LEN;
	buf_deinit(&plain);
	memcpy(hash.bytes, bytes, HASH_LEN);
	int64_t index = ok ? tree_find(&log->tree, &hash, b) : -1;
	if (index < 0)
		return false;
	struct tree_proof proof = tree_inclusion(&log->tree, (uint64_t)index, b);
	if (lie == LIE_FALSE)
		spoil(dice, &proof);
	buf_printf(out, "{\"leaf_index\":%" PRId64 ",\"audit_path\":[", index);
	put_nodes(out, &proof);
	buf_append_text(out, "]}");
	return true;
}

static bool answer_hash_tile(struct scripted_log *log, struct dice *dice, int level, uint64_t tile, unsigned width, enum lie lie, struct buf *out)
{
	const struct tree_level *hashes = &log->tree.level[8 * level];
	uint64_t first = tile * TILE_WIDTH;

	if (level > 3 || (log->size >> 8 * level) < first + width)
		return false;
	for (uint64_t i = first; i < first + width; i++)
		buf_append(out, hashes->hashes[i].bytes, HASH_LEN);
	if (lie == LIE_FALSE)
		out->data[dice_below(dice, out->len)] ^= 1;
	return true;
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

enum asked scripted_log_asked(const char *url)
{
	if (strstr(url, "/get-sth-consistency") != NULL || strstr(url, "proof") != NULL)
		return ASKED_PROOF;
	if (strstr(url, "/get-sth") != NULL || strstr(url, "/checkpoint") != NULL)
		return ASKED_HEAD;
	if (strstr(url, "/get-entries") != NULL || strstr(url, "/tile/data") != NULL)
		return ASKED_ENTRIES;
	return strstr(url, "/issuer/") != NULL ? ASKED_ISSUER : ASKED_TILE;
}

enum lie scripted_log_choose(struct dice *dice, enum asked asked, unsigned percent)
{
	static const enum lie first[] = {
		[ASKED_HEAD] = LIE_BAD_SIGNATURE, [ASKED_ENTRIES] = LIE_FALSE, [ASKED_PROOF] = LIE_FALSE, [ASKED_TILE] = LIE_FALSE, [ASKED_ISSUER] = LIE_FALSE
	};
	static const unsigned n[] = { [ASKED_HEAD] = 8, [ASKED_ENTRIES] = 3, [ASKED_PROOF] = 1, [ASKED_TILE] = 1, [ASKED_ISSUER] = 1 };

	if (!dice_percent(dice, percent))
		return LIE_NONE;
	if (dice_percent(dice, 40))
		return (enum lie)(LIE_REFUSED + dice_below(dice, 6));
	return (enum lie)(first[asked] + dice_below(dice, n[asked]));
}

static bool refuse(enum lie lie, struct fetch_answer *out)
{
	static const long status[] = { [LIE_REFUSED] = 404, [LIE_ERROR] = 503, [LIE_THROTTLED] = 429 };

	if (lie == LIE_TIMEOUT) {
		out->timed_out = true;
		snprintf(out->error, sizeof(out->error), "no answer within 60 s");
		return true;
	}
	if (lie < LIE_REFUSED || lie > LIE_THROTTLED)
		return false;
	out->status = status[lie];
	out->retry_after_ms = lie == LIE_THROTTLED ? 30000 : -1;
	return true;
}

static bool answer_range(struct scripted_log *log, struct dice *dice, uint64_t from, uint64_t to, enum lie lie, struct buf *out)
{
	if (from >= to || from >= log->size || (log->protocol == LOG_STATIC && to > log->size))
		return false;
	to = to > log->size ? log->size : to;
	uint64_t at = from + dice_below(dice, to - from);
	if (lie == LIE_SWAPPED && at + 1 >= to)
		at = from;
	if (lie == LIE_FEWER)
		to = at > from ? at : to;
	(log->protocol == LOG_STATIC ? answer_data_tile : answer_entries)(log, lie == LIE_SWAPPED && at + 1 >= to ? LIE_FALSE : lie, at, from, to, out);
	return true;
}

static bool answer_tile(struct scripted_log *log, struct dice *dice, const char *url, enum lie lie, struct buf *out)
{
	uint64_t tile;
	unsigned width;
	int level;

	if (!tile_path_parse(slice_text(url + strlen(URL "/")), &level, &tile, &width))
		return false;
	if (level < 0)
		return answer_range(log, dice, tile * TILE_WIDTH, tile * TILE_WIDTH + width, lie, out);
	return answer_hash_tile(log, dice, level, tile, width, lie, out);
}

static bool answer_body(struct scripted_log *log, struct dice *dice, const char *url, enum asked asked, enum lie lie, struct buf *out)
{
	uint64_t from, to;

	if (asked == ASKED_HEAD) {
		answer_head(log, dice, lie, out);
		return true;
	}
	if (asked == ASKED_ISSUER) {
		buf_append_slice(out, buf_slice(&log->issuer));
		if (lie == LIE_FALSE)
			out->data[out->len - 1] ^= 1;
		return true;
	}
	if (asked == ASKED_PROOF)
		return answer_proof(log, dice, url, lie, out);
	if (log->protocol == LOG_STATIC)
		return answer_tile(log, dice, url, lie, out);
	return sscanf(url, URL "/ct/v1/get-entries?start=%" SCNu64 "&end=%" SCNu64, &from, &to) == 2 && answer_range(log, dice, from, to + 1, lie, out);
}

void scripted_log_answer(struct scripted_log *log, struct dice *dice, const char *url, enum lie lie, struct fetch_answer *out)
{
	enum asked asked = scripted_log_asked(url);

	*out = (struct fetch_answer){ .retry_after_ms = -1, .date_ms = log->now_ms };
	snprintf(out->peer, sizeof(out->peer), "192.0.2.1:443");
	log->asked[asked]++;
	if (refuse(lie, out))
		return;
	out->status = 200;
	buf_init(&out->body, BODY_MAX);
	if (!answer_body(log, dice, url, asked, lie, &out->body)) {
		out->status = log->protocol == LOG_STATIC ? 404 : 400;
		buf_clear(&out->body);
	}
	if (lie == LIE_CUT && out->body.len > 0)
		out->body.len = dice_below(dice, out->body.len);
	if (lie == LIE_GARBAGE && out->body.len > 0)
		out->body.data[dice_below(dice, out->body.len)] = (uint8_t)dice_below(dice, 256);
}
