/*
 * Log entries as RFC 6962 (sections 3.4 and 4.6) and static-ct-api (TileLeaf) lay them out. The fields are read in
 * the order of the specification; whatever has a version or type of the future stays an opaque leaf.
 */
#include "ct.h"

#include <string.h>

#define HEADER_LEN 2 /* version and leaf type, which a data tile leaves out */
#define FINGERPRINT_LEN 32
#define EXTENSION_LEAF_INDEX 0 /* static-ct-api: the one CtExtension that exists */
#define LEAF_INDEX_LEN 5       /* 40 bits */

struct hash leaf_hash(struct slice leaf)
{
	static const uint8_t prefix = 0x00;
	const struct slice parts[] = { { &prefix, 1 }, leaf };

	return sha256_parts(parts, ARRAY_LEN(parts));
}

struct hash entry_leaf_hash(const struct entry *entry)
{
	static const uint8_t prefix[1 + HEADER_LEN] = { 0 };
	const struct slice parts[] = { { prefix, sizeof(prefix) }, entry->leaf };

	return entry->headless ? sha256_parts(parts, ARRAY_LEN(parts)) : leaf_hash(entry->leaf);
}

/* signed_entry and extensions, once the entry type is known. */
static bool take_signed_entry(struct slice *in, struct entry *e)
{
	struct slice ahead = *in;

	if (e->type == ENTRY_PRECERT) {
		struct slice issuer_key_hash;

		if (!take_bytes(&ahead, sizeof(e->issuer_key_hash), &issuer_key_hash))
			return false;
		memcpy(e->issuer_key_hash, issuer_key_hash.data, sizeof(e->issuer_key_hash));
	}
	if (!take_vec24(&ahead, &e->certificate) || !take_vec16(&ahead, &e->extensions))
		return false;
	*in = ahead;
	return true;
}

static enum entry_type entry_type_of(uint16_t raw)
{
	return raw == ENTRY_X509 || raw == ENTRY_PRECERT ? (enum entry_type)raw : ENTRY_UNKNOWN;
}

bool entry_parse(struct slice leaf, struct entry *out, struct error *err)
{
	struct entry e = { .type = ENTRY_UNKNOWN, .leaf = leaf };
	struct slice in = leaf;
	uint8_t version, leaf_type = 0;

	if (!take_u8(&in, &version) || (version == 0 && !take_u8(&in, &leaf_type)))
		return error_set(err, ERR_MALFORMED, "leaf of %zu bytes ends inside its header", leaf.len);
	if (version != 0 || leaf_type != 0) {
		*out = e;
		return true;
	}
	if (!take_u64(&in, &e.timestamp_ms) || !take_u16(&in, &e.raw_type))
		return error_set(err, ERR_MALFORMED, "leaf of %zu bytes ends inside its header", leaf.len);
	e.type = entry_type_of(e.raw_type);
	if (e.type != ENTRY_UNKNOWN && (!take_signed_entry(&in, &e) || in.len != 0))
		return error_set(err, ERR_MALFORMED,
				 "leaf lengths do not add up to its %zu bytes (RFC 6962 section 3.4)", leaf.len);
	*out = e;
	return true;
}

bool chain_take(struct slice *chain, struct slice *certificate)
{
	return take_vec24(chain, certificate);
}

bool entry_parse_extra(struct slice extra_data, struct entry *entry, struct error *err)
{
	struct slice in = extra_data, precertificate = { 0 }, chain, rest, certificate;

	if (entry->type == ENTRY_UNKNOWN)
		return error_set(err, ERR_MALFORMED, "extra data of an entry of unknown type cannot be read");
	if (entry->type == ENTRY_PRECERT && !take_vec24(&in, &precertificate))
		return error_set(err, ERR_MALFORMED, "extra data of %zu bytes ends inside its precertificate",
				 extra_data.len);
	if (!take_vec24(&in, &chain) || in.len != 0)
		return error_set(err, ERR_MALFORMED,
				 "extra data lengths do not add up to its %zu bytes (RFC 6962 section 4.6)",
				 extra_data.len);
	rest = chain;
	while (chain_take(&rest, &certificate))
		;
	if (rest.len != 0)
		return error_set(err, ERR_MALFORMED, "chain of %zu bytes ends inside a certificate", chain.len);
	entry->precertificate = precertificate;
	entry->chain = chain;
	return true;
}

bool entry_take_tile_leaf(struct slice *in, struct entry *out, struct error *err)
{
	struct slice ahead = *in;
	struct entry e = { .headless = true };

	if (!take_u64(&ahead, &e.timestamp_ms) || !take_u16(&ahead, &e.raw_type))
		return error_set(err, ERR_MALFORMED, "data tile ends %zu bytes into an entry's header", in->len);
	e.type = entry_type_of(e.raw_type);
	if (e.type == ENTRY_UNKNOWN)
		return error_set(err, ERR_MALFORMED,
				 "data tile has an entry of unknown type %u, which gives no length to go on by",
				 e.raw_type);
	if (!take_signed_entry(&ahead, &e))
		return error_set(err, ERR_MALFORMED, "data tile ends inside an entry (%zu bytes left)", in->len);
	e.leaf = slice_of(in->data, in->len - ahead.len);
	if ((e.type == ENTRY_PRECERT && !take_vec24(&ahead, &e.precertificate)) || !take_vec16(&ahead, &e.chain))
		return error_set(err, ERR_MALFORMED, "data tile ends inside an entry's chain (%zu bytes left)",
				 in->len);
	if (e.chain.len % FINGERPRINT_LEN != 0)
		return error_set(err, ERR_MALFORMED, "chain of %zu bytes is no list of SHA-256 fingerprints",
				 e.chain.len);
	*in = ahead;
	*out = e;
	return true;
}

int entry_leaf_index(struct slice extensions, uint64_t *out)
{
	uint64_t seen[256 / 64] = { 0 }, index = 0;
	bool found = false;

	while (extensions.len > 0) {
		uint8_t type;
		struct slice data;

		if (!take_u8(&extensions, &type) || !take_vec16(&extensions, &data))
			return -1;
		if (seen[type / 64] >> type % 64 & 1)
			return -1;
		seen[type / 64] |= UINT64_C(1) << type % 64;
		if (type != EXTENSION_LEAF_INDEX)
			continue;
		if (data.len != LEAF_INDEX_LEN)
			return -1;
		for (size_t i = 0; i < data.len; i++)
			index = index << 8 | data.data[i];
		found = true;
	}
	if (found)
		*out = index;
	return found;
}

const char *log_protocol_name(enum log_protocol protocol)
{
	return protocol == LOG_STATIC ? "static-ct" : "rfc6962";
}
