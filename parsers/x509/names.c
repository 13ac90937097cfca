/*
 * The identifiers of one certificate at a time, in memory that is used again for the next. Order: the names of every
 * SAN as they stand, then those of the CNs; a name that repeats keeps its first place.
 */
#include "names.h"
#include "cert.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to here repeated names are found by looking at all; above, by a hash table. */
#define FEW_NAMES 16
/*
 * Slots looked at for one name. A certificate made to collide fills them; then a repeated name may be kept twice, which
 * costs its reader one comparison, where longer searches would cost the log.
 */
#define PROBES_MAX 32
#define ARENA_BYTES_MAX (64u << 20)
/* What a list keeps between certificates; one giant must not be paid for by every worker for ever. */
#define NAMES_KEPT 65536u
#define ARENA_BYTES_KEPT (1u << 20)

/* GeneralName, RFC 5280 section 4.2.1.6: both strings are tagged implicitly. */
#define SAN_DNS_NAME (DER_CONTEXT | 2)
#define SAN_IP_ADDRESS (DER_CONTEXT | 7)
#define SAN_LAST_CHOICE 8

static bool is_general_name(uint8_t tag)
{
	return (tag & ~(DER_CONSTRUCTED | DER_NUMBER_LONG)) == DER_CONTEXT && (tag & DER_NUMBER_LONG) <= SAN_LAST_CHOICE;
}

struct name_slot {
	uint32_t hash;
	uint32_t item;          /* its index plus one; 0 is an empty slot */
};

void names_init(struct cert_names *names)
{
	*names = (struct cert_names){ 0 };
	buf_init(&names->arena, ARENA_BYTES_MAX);
}

void names_deinit(struct cert_names *names)
{
	free(names->items);
	free(names->slots);
	buf_deinit(&names->arena);
	names_init(names);
}

void names_clear(struct cert_names *names)
{
	if (names->cap > NAMES_KEPT || names->arena.cap > ARENA_BYTES_KEPT)
		names_deinit(names);
	names->n = 0;
	names->n_unreadable = 0;
	names->encoded_bytes = 0;
	names->n_slots = 0;
	buf_clear(&names->arena);
}

/* Multiply and fold, eight bytes at a time: speed matters, quality little, see PROBES_MAX. */
static uint32_t hash_name(const struct cert_name *name)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	const uint8_t *at = name->text.data;
	size_t len = name->text.len;
	uint64_t h = len * odd + name->kind, word;

	for (; len >= 8; at += 8, len -= 8) {
		memcpy(&word, at, 8);
		h = (h ^ word) * odd;
		h ^= h >> 32;
	}
	word = 0;
	if (len > 0)
		memcpy(&word, at, len);
	h = (h ^ word) * odd;
	return (uint32_t)(h >> 32);
}

static bool same_name(const struct cert_name *a, const struct cert_name *b)
{
	return a->text.len == b->text.len && a->kind == b->kind && memcmp(a->text.data, b->text.data, a->text.len) == 0;
}

/* The slot of a name, or the empty one where it belongs; NULL when the probes run out. */
static struct name_slot *find_slot(const struct cert_names *names, const struct cert_name *name, uint32_t hash)
{
	size_t mask = names->n_slots - 1;

	for (size_t probe = 0; probe < PROBES_MAX; probe++) {
		struct name_slot *slot = &names->slots[(hash + probe) & mask];

		if (slot->item == 0 || (slot->hash == hash && same_name(&names->items[slot->item - 1], name)))
			return slot;
	}
	return NULL;
}

/* A table for twice the names there are, all of them entered again. */
static void rebuild_slots(struct cert_names *names)
{
	size_t want = 64;

	while (want < names->n * 4)
		want *= 2;
	if (want > names->slots_cap) {
		names->slots = xreallocarray(names->slots, want, sizeof(*names->slots));
		names->slots_cap = want;
	}
	names->n_slots = want;
	memset(names->slots, 0, want * sizeof(*names->slots));
	for (size_t i = 0; i < names->n; i++) {
		uint32_t hash = hash_name(&names->items[i]);
		struct name_slot *slot = find_slot(names, &names->items[i], hash);

		if (slot != NULL)
			*slot = (struct name_slot){ hash, (uint32_t)i + 1 };
	}
}

/* Is it new? Then it will be item names->n, and the table already says so. */
static bool enter(struct cert_names *names, const struct cert_name *name)
{
	if (names->n < FEW_NAMES) {
		for (size_t i = 0; i < names->n; i++)
			if (same_name(&names->items[i], name))
				return false;
		return true;
	}
	if (names->n_slots < names->n * 2)
		rebuild_slots(names);
	uint32_t hash = hash_name(name);
	struct name_slot *slot = find_slot(names, name, hash);
	if (slot == NULL)
		return true;
	if (slot->item != 0)
		return false;
	*slot = (struct name_slot){ hash, (uint32_t)names->n + 1 };
	return true;
}

static bool points_into(const struct buf *arena, const uint8_t *at)
{
	return arena->data != NULL && (uintptr_t)at >= (uintptr_t)arena->data &&
	       (uintptr_t)at < (uintptr_t)arena->data + arena->len;
}

/* Room in the arena; names that live there move with it. */
static bool arena_reserve(struct cert_names *names, size_t len)
{
	struct buf *arena = &names->arena;
	struct buf larger;

	if (arena->cap - arena->len >= len)
		return true;
	buf_init(&larger, arena->max);
	if (len > arena->max - arena->len ||
	    buf_reserve(&larger, arena->len + len > arena->cap * 2 ? arena->len + len + 256 : arena->cap * 2) == NULL)
		return false;
	buf_append_slice(&larger, buf_slice(arena));
	for (size_t i = 0; i < names->n; i++) {
		struct slice *text = &names->items[i].text;

		if (points_into(arena, text->data))
			text->data = larger.data + (text->data - arena->data);
	}
	buf_deinit(arena);
	*arena = larger;
	return true;
}

bool names_put(struct cert_names *names, const struct cert_name *name, enum names_memory memory)
{
	struct cert_name item = *name;

	if (names->n == CERT_NAMES_MAX)
		return false;
	if (memory == NAMES_COPY && !arena_reserve(names, name->text.len))
		return false;
	if (!enter(names, name))
		return true;
	if (memory == NAMES_COPY) {
		item.text.data = names->arena.data + names->arena.len;
		buf_append_slice(&names->arena, name->text);
	}
	if (names->n == names->cap) {
		names->cap = names->cap == 0 ? FEW_NAMES : names->cap * 2;
		names->items = xreallocarray(names->items, names->cap, sizeof(*names->items));
	}
	names->items[names->n++] = item;
	return true;
}

void names_add_text(struct cert_names *names, struct slice text, enum name_origin origin)
{
	if (!names_read(names, text, origin, NAMES_COPY))
		names->n_unreadable++;
}

/* How a walk over name fields went. */
enum outcome { NAMES_READ, NAMES_CUT, NAMES_TOO_MANY };

/* One dNSName or iPAddress; other lengths of address are no address (spec 6.2). */
static bool put_general_name(struct cert_names *names, uint8_t choice, struct slice value, enum names_memory memory)
{
	struct cert_name name = { NAME_IP, NAME_FROM_SAN, 0, value };

	if (choice == SAN_DNS_NAME)
		return names_read(names, value, NAME_FROM_SAN, memory);
	if (value.len == 4 || value.len == 16)
		return names_put(names, &name, memory);
	names->n_unreadable++;
	return true;
}

/* One in the constructed form of BER, whose pieces must be joined first. */
static bool put_pieces(struct cert_names *names, const struct der *general)
{
	struct buf joined;
	bool fits = true;

	buf_init(&joined, ARENA_BYTES_MAX);
	if (der_join(general, &joined))
		fits = put_general_name(names, general->tag & (uint8_t)~DER_CONSTRUCTED, buf_slice(&joined), NAMES_COPY);
	else
		names->n_unreadable++;
	buf_deinit(&joined);
	return fits;
}

/* What is no GeneralName at all may be anything, a name included: it is stepped over, but not in silence. */
static enum outcome collect_general_names(struct cert_names *names, struct slice in, enum names_memory memory)
{
	enum outcome outcome = NAMES_READ;
	struct der general;

	while (in.len > 0) {
		if (!der_take(&in, &general))
			return NAMES_CUT;
		bool fits = true;
		if (general.tag == SAN_DNS_NAME || general.tag == SAN_IP_ADDRESS)
			fits = put_general_name(names, general.tag, general.content, memory);
		else if (general.tag == (SAN_DNS_NAME | DER_CONSTRUCTED) || general.tag == (SAN_IP_ADDRESS | DER_CONSTRUCTED))
			fits = put_pieces(names, &general);
		else if (!is_general_name(general.tag))
			outcome = NAMES_CUT;
		if (!fits)
			return NAMES_TOO_MANY;
	}
	return outcome;
}

static enum outcome collect_san(struct cert_names *names, const struct cert_extension *e)
{
	enum outcome outcome = NAMES_CUT;
	struct cert_value value;
	struct buf joined;
	struct der list;

	if (!cert_extension_value(e, &value))
		return NAMES_CUT;
	if (!value.in_pieces) {
		if (der_take_list(&value.bytes, DER_SEQUENCE, &list))
			outcome = collect_general_names(names, list.content, NAMES_BORROW);
		return outcome;
	}
	buf_init(&joined, ARENA_BYTES_MAX);
	if (der_join(&value.octets, &joined)) {
		struct slice in = buf_slice(&joined);
		if (der_take_list(&in, DER_SEQUENCE, &list))
			outcome = collect_general_names(names, list.content, NAMES_COPY);
	}
	buf_deinit(&joined);
	return outcome;
}

/* For certificates with several SANs: every one of them, where OpenSSL gives none. */
static enum outcome collect_all_sans(struct cert_names *names, struct slice extensions)
{
	enum outcome outcome = NAMES_READ;
	struct cert_extension e;
	enum cert_walk got;

	while ((got = cert_extension_take(&extensions, &e)) == WALK_ITEM || got == WALK_ODD) {
		if (got == WALK_ODD || !OID_IS(e.oid, OID_SAN))
			continue;
		enum outcome one = collect_san(names, &e);
		if (one == NAMES_TOO_MANY)
			return one;
		if (one == NAMES_CUT)
			outcome = one;
	}
	return outcome;
}

static enum outcome collect_cn(struct cert_names *names, uint8_t tag, struct slice value)
{
	struct slice text;
	struct buf converted;
	bool fits;

	buf_init(&converted, ARENA_BYTES_MAX);
	if (!cert_text_to_utf8(tag, value, &converted, &text)) {
		names->n_unreadable++;
		fits = true;
	} else {
		fits = names_read(names, text, NAME_FROM_CN, converted.len > 0 ? NAMES_COPY : NAMES_BORROW);
	}
	buf_deinit(&converted);
	return fits ? NAMES_READ : NAMES_TOO_MANY;
}

static enum outcome collect_all_cns(struct cert_names *names, struct slice subject)
{
	struct cert_attributes walk;
	struct slice oid;
	struct der value;
	enum cert_walk got;

	if (!cert_attributes_init(&walk, subject))
		return NAMES_CUT;
	while ((got = cert_attribute_take(&walk, &oid, &value)) == WALK_ITEM || got == WALK_ODD)
		if (got == WALK_ITEM && OID_IS(oid, OID_COMMON_NAME) &&
		    collect_cn(names, value.tag, value.content) == NAMES_TOO_MANY)
			return NAMES_TOO_MANY;
	return got == WALK_END ? NAMES_READ : NAMES_CUT;
}

bool names_collect(const struct cert_view *view, struct cert_names *names, struct error *err)
{
	enum outcome san = NAMES_READ, cn = NAMES_READ;

	names_clear(names);
	if (view->n_san == 1 && !view->san_in_pieces)
		san = collect_general_names(names, view->san, NAMES_BORROW);
	else if (view->n_san > 0)
		san = collect_all_sans(names, view->extensions);
	if (view->n_cn == 1)
		cn = collect_cn(names, view->cn_tag, view->cn);
	else if (view->n_cn > 1)
		cn = collect_all_cns(names, view->subject);

	if (san == NAMES_TOO_MANY || cn == NAMES_TOO_MANY)
		return error_set(err, ERR_MALFORMED, "certificate holds more names than the %zu that were read", names->n);
	if (san == NAMES_CUT || cn == NAMES_CUT || view->names_cut)
		return error_set(err, ERR_MALFORMED,
		                 "subject or extensions of the certificate break off (RFC 5280 section 4.1), %zu names were read",
		                 names->n);
	return true;
}

char *name_format(const struct cert_name *name, char *out, size_t out_len)
{
	if (out_len == 0)
		return out;
	if (name->kind == NAME_IP) {
		int family = name->text.len == 4 ? AF_INET : AF_INET6;

		if (inet_ntop(family, name->text.data, out, (socklen_t)out_len) == NULL)
			out[0] = '\0';
		return out;
	}
	snprintf(out, out_len, "%.*s", SLICE_ARGS(name->text));
	return out;
}
