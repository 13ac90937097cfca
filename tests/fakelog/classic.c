/* RFC 6962 section 4: get-sth, get-entries, proofs, get-roots. */
#include <string.h>

#include "der.h"
#include "serve.h"

#define JSON "application/json"

enum kind classic_kind(const char *call)
{
	if (strcmp(call, "get-sth") == 0)
		return KIND_HEAD;
	if (strcmp(call, "get-entries") == 0 || strcmp(call, "get-entry-and-proof") == 0)
		return KIND_ENTRIES;
	return strcmp(call, "get-roots") == 0 ? KIND_OTHER : KIND_PROOF;
}

void put_base64(struct buf *out, struct slice bytes)
{
	uint8_t *at = buf_reserve(out, BASE64_LEN(bytes.len) + 1);

	base64_encode(bytes.data, bytes.len, (char *)at);
	out->len += BASE64_LEN(bytes.len);
}

static void refuse(struct http_answer *answer, const char *why)
{
	http_say(answer, 400, "text/plain", "%s\n", why);
}

static void get_sth(struct fake_log *log, struct http_answer *answer)
{
	struct served_head served;
	struct buf *out = &answer->body;

	log_serve_head(log, &served);
	buf_printf(out, "{\"tree_size\":%llu,\"timestamp\":%lld,\"sha256_root_hash\":\"", (unsigned long long)served.head.size,
		   (long long)served.head.timestamp_ms);
	put_base64(out, slice_of(served.head.root.bytes, HASH_LEN));
	buf_append_text(out, "\",\"tree_head_signature\":\"");
	put_base64(out, slice_of(served.signature, served.signature_len));
	buf_append_text(out, "\"}");
	if (served.malformed)
		out->len /= 2;
}

/* extra_data, section 4.6: for a precert the precertificate, then the chain; for a certificate only the chain. */
static void make_extra_data(struct fake_log *log, const struct entry_bytes *entry, struct buf *out)
{
	const struct authority *all;
	size_t chain[2], n = serve_chain(log, entry, KIND_ENTRIES, chain);
	uint32_t len = 0;

	mint_authorities(log->world->mint, &all);
	buf_clear(out);
	if (entry->is_precert) {
		put_u24(out, (uint32_t)entry->precertificate.len);
		buf_append_slice(out, buf_slice(&entry->precertificate));
	}
	for (size_t i = 0; i < n; i++)
		len += 3 + (uint32_t)all[chain[i]].certificate.len;
	put_u24(out, len);
	for (size_t i = 0; i < n; i++) {
		put_u24(out, (uint32_t)all[chain[i]].certificate.len);
		buf_append_slice(out, buf_slice(&all[chain[i]].certificate));
	}
}

static void put_entry(struct fake_log *log, uint64_t index, struct entry_bytes *scratch, struct buf *extra, struct buf *out)
{
	serve_entry(log, index, KIND_ENTRIES, scratch);
	make_extra_data(log, scratch, extra);
	buf_append_text(out, "\"leaf_input\":\"");
	put_base64(out, buf_slice(&scratch->leaf));
	buf_append_text(out, "\",\"extra_data\":\"");
	put_base64(out, buf_slice(extra));
	buf_append_text(out, "\"");
}

static void put_entries(struct fake_log *log, uint64_t start, uint64_t end, struct buf *out)
{
	struct entry_bytes scratch;
	struct buf extra;

	entry_bytes_init(&scratch);
	buf_init(&extra, 2 * MINT_BYTES_MAX);
	buf_append_text(out, "{\"entries\":[");
	for (uint64_t i = start; i < end; i++) {
		buf_append_text(out, i == start ? "{" : ",{");
		put_entry(log, i, &scratch, &extra, out);
		buf_append_text(out, "}");
	}
	buf_append_text(out, "]}");
	buf_deinit(&extra);
	entry_bytes_deinit(&scratch);
}

/* First index after the page that starts at `start` and may run to `end`, as this log cuts pages. */
static uint64_t page_end(struct fake_log *log, uint64_t start, uint64_t end)
{
	uint64_t page = log->world->page, short_page;

	if (log->world->aligned_pages && (start / page + 1) * page < end)
		end = (start / page + 1) * page;
	if (end - start > page)
		end = start + page;
	if (fault_strikes(&log->faults, FAULT_SHORT_PAGES, KIND_ENTRIES)) {
		fault_is_on(&log->faults, FAULT_SHORT_PAGES, 1, &short_page);
		if (end - start > short_page)
			end = start + short_page;
	}
	return end;
}

/* Refuses what is too large for it, in one of the ways that servers have; true when there is nothing more to say. */
static bool refuse_size(struct fake_log *log, uint64_t start, uint64_t n, struct http_answer *answer)
{
	static const struct {
		enum fault_id fault;
		int status;
		enum delivery delivery;
	} WAYS[] = { { FAULT_TOO_MANY, 400, DELIVER }, { FAULT_TOO_MANY_ERROR, 500, DELIVER }, { FAULT_TOO_MANY_CUT, 0, DELIVER_CUT },
		{ FAULT_TOO_MANY_HANG, 0, DELIVER_HANG } };
	uint64_t limit;

	for (size_t i = 0; i < ARRAY_LEN(WAYS); i++) {
		if (!fault_is_on(&log->faults, WAYS[i].fault, 32, &limit) || n <= limit)
			continue;
		if (WAYS[i].status != 0) {
			http_say(answer, WAYS[i].status, "text/plain", "too many\n");
			return true;
		}
		answer->delivery = WAYS[i].delivery;
	}
	if (fault_is_on(&log->faults, FAULT_BAD_RANGE, 0, &limit) && start < limit + 5000 && start + n > limit) {
		http_say(answer, 500, "text/plain", "entries from %llu on cannot be read\n", (unsigned long long)limit);
		return true;
	}
	if (!fault_is_on(&log->faults, FAULT_BAD_ENTRY, 0, &limit) || limit < start || limit >= start + n)
		return false;
	http_say(answer, 500, "text/plain", "entry %llu cannot be read\n", (unsigned long long)limit);
	return true;
}

static void get_entries(struct fake_log *log, const struct http_request *request, struct http_answer *answer)
{
	struct faults *faults = &log->faults;
	uint64_t start, last, end, size = log_head(log)->size, limit;

	if (!http_query_number(request, "start", &start) || !http_query_number(request, "end", &last) || start > last) {
		refuse(answer, "start and end must be numbers, start <= end");
		return;
	}
	if (fault_is_on(faults, FAULT_MISSING_ENTRIES, 0, &limit) && limit < size)
		size = limit;
	if (start >= size || fault_strikes(faults, FAULT_NEED_TREE_SIZE, KIND_ENTRIES)) {
		http_say(answer, 400, "text/plain", "need tree size: %llu to get leaves but only got: %llu\n",
			 (unsigned long long)last + 1, (unsigned long long)(start < size ? start : size));
		return;
	}
	end = page_end(log, start, last < size ? last + 1 : size);
	if (fault_is_on(faults, FAULT_PAGE_TOO_LARGE, 32, &limit) && last - start + 1 > limit) {
		http_say(answer, 403, "text/plain", "rpc error: code = ResourceExhausted desc = grpc: received message larger "
			 "than max (5000000 vs. 4194304)\n");
		return;
	}
	if (refuse_size(log, start, last - start + 1, answer))
		return;
	if (fault_strikes(faults, FAULT_EXTRA_ENTRIES, KIND_ENTRIES) && last + 1 < size)
		end = last + 2;
	if (fault_strikes(faults, FAULT_ZERO_ENTRIES, KIND_ENTRIES))
		end = start;
	put_entries(log, start, end, &answer->body);
	if (fault_is_on(faults, FAULT_TOO_MANY_BROKEN, 32, &limit) && last - start + 1 > limit)
		answer->body.len /= 2;
}

static void put_proof(struct fake_log *log, const char *member, struct tree_proof *proof, struct buf *out)
{
	if (proof->n > 0 && fault_strikes(&log->faults, FAULT_WRONG_PROOF, KIND_PROOF))
		proof->nodes[proof->n - 1].bytes[0] ^= 1;
	buf_printf(out, "\"%s\":[", member);
	for (size_t i = 0; i < proof->n; i++) {
		buf_append_text(out, i == 0 ? "\"" : ",\"");
		put_base64(out, slice_of(proof->nodes[i].bytes, HASH_LEN));
		buf_append_text(out, "\"");
	}
	buf_append_text(out, "]");
}

static void get_consistency(struct fake_log *log, const struct http_request *request, struct http_answer *answer)
{
	uint64_t first, second;
	struct tree_proof proof;

	if (!http_query_number(request, "first", &first) || !http_query_number(request, "second", &second) || first == 0 ||
	    first > second || second > log_head(log)->size) {
		refuse(answer, "want 0 < first <= second <= tree size");
		return;
	}
	proof = tree_consistency(&log->tree, first, second);
	buf_append_text(&answer->body, "{");
	put_proof(log, "consistency", &proof, &answer->body);
	buf_append_text(&answer->body, "}");
}

static void get_proof_by_hash(struct fake_log *log, const struct http_request *request, struct http_answer *answer)
{
	char text[64];
	struct hash hash;
	struct tree_proof proof;
	uint64_t size;
	int64_t index = -1;

	if (!http_query(request, "hash", text, sizeof(text)) || !base64_decode_exact(slice_text(text), hash.bytes, HASH_LEN) ||
	    !http_query_number(request, "tree_size", &size)) {
		refuse(answer, "want hash and tree_size");
		return;
	}
	if (size <= log_head(log)->size)
		index = tree_find(&log->tree, &hash, size);
	if (index < 0) {
		http_say(answer, 404, "text/plain", "no such hash in a tree of that size\n");
		return;
	}
	proof = tree_inclusion(&log->tree, (uint64_t)index, size);
	buf_printf(&answer->body, "{\"leaf_index\":%lld,", (long long)index);
	put_proof(log, "audit_path", &proof, &answer->body);
	buf_append_text(&answer->body, "}");
}

static void get_entry_and_proof(struct fake_log *log, const struct http_request *request, struct http_answer *answer)
{
	uint64_t index, size;
	struct entry_bytes scratch;
	struct tree_proof proof;
	struct buf extra;

	if (!http_query_number(request, "leaf_index", &index) || !http_query_number(request, "tree_size", &size) ||
	    index >= size || size > log_head(log)->size) {
		refuse(answer, "want leaf_index < tree_size <= tree size");
		return;
	}
	proof = tree_inclusion(&log->tree, index, size);
	entry_bytes_init(&scratch);
	buf_init(&extra, 2 * MINT_BYTES_MAX);
	buf_append_text(&answer->body, "{");
	put_entry(log, index, &scratch, &extra, &answer->body);
	buf_append_text(&answer->body, ",");
	put_proof(log, "audit_path", &proof, &answer->body);
	buf_append_text(&answer->body, "}");
	buf_deinit(&extra);
	entry_bytes_deinit(&scratch);
}

static void get_roots(struct fake_log *log, struct http_answer *answer)
{
	const struct authority *all;
	size_t n = mint_authorities(log->world->mint, &all);

	buf_append_text(&answer->body, "{\"certificates\":[");
	for (size_t i = 0; i < n && all[i].root == i; i++) {
		buf_append_text(&answer->body, i == 0 ? "\"" : ",\"");
		put_base64(&answer->body, buf_slice(&all[i].certificate));
		buf_append_text(&answer->body, "\"");
	}
	buf_append_text(&answer->body, "]}");
}

void classic_serve(struct fake_log *log, const char *call, const struct http_request *request, struct http_answer *answer)
{
	answer->content_type = JSON;
	if (strcmp(call, "get-sth") == 0)
		get_sth(log, answer);
	else if (strcmp(call, "get-entries") == 0)
		get_entries(log, request, answer);
	else if (strcmp(call, "get-sth-consistency") == 0)
		get_consistency(log, request, answer);
	else if (strcmp(call, "get-proof-by-hash") == 0)
		get_proof_by_hash(log, request, answer);
	else if (strcmp(call, "get-entry-and-proof") == 0)
		get_entry_and_proof(log, request, answer);
	else if (strcmp(call, "get-roots") == 0)
		get_roots(log, answer);
	else
		http_say(answer, 404, "text/plain", "no such call\n");
	answer->want_gzip = answer->status == 200 && request->accepts_gzip && !log->world->without_gzip &&
			    classic_kind(call) == KIND_ENTRIES;
}
