/*
 * From the bytes of a response to hashes, matches and faults. The two protocols differ only in how the next entry is
 * taken from the body (struct cursor); everything after that is the same for both.
 */
#include "batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "found.h"

#define LOOK_EVERY 16                /* entries, some hundred microseconds */
#define LOOK_AT_BYTES (32u << 10)
#define DECODED_KEPT (256u << 10)    /* of an entry's decoded bytes; real ones have some thousand */

struct batch_scratch {
	struct inflater *inflater;
	struct cert_names names;
	struct rule_scratch *rules;
	struct match_list matches;
	struct buf leaf, extra;           /* decoded base64 of the entry at hand */
};

struct batch_scratch *batch_scratch_new(void)
{
	struct batch_scratch *s = xcalloc(1, sizeof(*s));

	s->inflater = inflater_new(RESPONSE_BYTES_MAX);
	names_init(&s->names);
	s->rules = rule_scratch_new();
	match_list_init(&s->matches);
	buf_init(&s->leaf, RESPONSE_BYTES_MAX);
	buf_init(&s->extra, RESPONSE_BYTES_MAX);
	return s;
}

void batch_scratch_free(struct batch_scratch *s)
{
	if (s == NULL)
		return;
	inflater_free(s->inflater);
	names_deinit(&s->names);
	rule_scratch_free(s->rules);
	match_list_deinit(&s->matches);
	buf_deinit(&s->leaf);
	buf_deinit(&s->extra);
	free(s);
}

/* ---- taking entries from the body ------------------------------------------------------------ */

/* One pass over a response. */
struct cursor {
	struct batch_scratch *scratch;
	const struct batch_input *in;
	const struct ruleset *rules;
	struct batch_output *out;
	struct entries_page page;         /* classic */
	struct slice tile;                /* static */
	uint64_t index;                   /* of the entry at hand */
	struct slice extra_b64;           /* classic: decoded only for what matches */
	size_t next_head;
	int64_t floor_head_ms;
	uint64_t pause_us;                /* when the slice is over; 0: never */
	unsigned n_unlooked;              /* entries since the last look at the clock */
};

static bool decode_base64(struct slice text, struct buf *out)
{
	size_t len;

	buf_clear(out);
	uint8_t *room = buf_reserve(out, text.len / 4 * 3 + 3);
	if (room == NULL || !page_base64_decode(text, room, &len))
		return false;
	out->len = len;
	return true;
}

enum taken { TAKEN, TAKEN_BROKEN, TAKEN_NONE, TAKEN_FAILED };

static enum taken take_from_page(struct cursor *c, struct entry *entry, struct error *err)
{
	struct slice leaf;
	struct error why;

	if (!entries_page_next(&c->page, &leaf, &c->extra_b64, err))
		return c->page.done ? TAKEN_NONE : TAKEN_FAILED;
	if (c->page.n_entries > c->in->n_asked) {
		error_set(err, ERR_MALFORMED, "more entries came than the %" PRIu64 " asked for", c->in->n_asked);
		return TAKEN_FAILED;
	}
	if (c->index < c->out->to) {      /* worked on before the pause */
		*entry = (struct entry){ .type = ENTRY_UNKNOWN };
		return TAKEN;
	}
	if (!decode_base64(leaf, &c->scratch->leaf)) {
		error_set(err, ERR_MALFORMED, "leaf_input of entry %" PRIu64 " is not base64", c->index);
		return TAKEN_FAILED;
	}
	if (entry_parse(buf_slice(&c->scratch->leaf), entry, &why))
		return TAKEN;
	*entry = (struct entry){ .type = ENTRY_UNKNOWN, .leaf = buf_slice(&c->scratch->leaf) };
	*err = why;
	return TAKEN_BROKEN;
}

static enum taken take_from_tile(struct cursor *c, struct entry *entry, struct error *err)
{
	if (c->index - c->in->first == c->in->n_asked) {
		if (c->tile.len == 0)
			return TAKEN_NONE;
		error_set(err, ERR_MALFORMED, "%zu bytes follow the %" PRIu64 " entries of the tile", c->tile.len, c->in->n_asked);
		return TAKEN_FAILED;
	}
	if (c->tile.len == 0) {
		error_set(err, ERR_MALFORMED, "tile holds %" PRIu64 " entries, its width is %" PRIu64, c->index - c->in->first, c->in->n_asked);
		return TAKEN_FAILED;
	}
	if (entry_take_tile_leaf(&c->tile, entry, err))
		return TAKEN;
	error_context(err, "entry %" PRIu64, c->index);
	return TAKEN_FAILED;
}

/* ---- what each entry is checked for ------------------------------------------------------------ */

static void fault(struct cursor *c, enum batch_check check, const char *format, ...) PRINTF_LIKE(3, 4);
static void fault(struct cursor *c, enum batch_check check, const char *format, ...)
{
	struct batch_fault *f = &c->out->faults[check];

	if (f->count++ != 0)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(f->first_detail, sizeof(f->first_detail), format, args);
	va_end(args);
	f->first_index = c->index;
}

static void keep_malformed(struct cursor *c, const struct entry *entry, const char *reason)
{
	struct batch_output *out = c->out;

	out->counters.malformed++;
	if (out->n_malformed == BATCH_MALFORMED_MAX)
		return;
	if (out->malformed == NULL)
		out->malformed = xcalloc(BATCH_MALFORMED_MAX, sizeof(*out->malformed));
	struct malformed_entry *m = &out->malformed[out->n_malformed++];
	m->index = c->index;
	entry_copy_leaf(entry, STATE_DER_MAX, &m->leaf);
	out->held_bytes += m->leaf.cap;
	if (entry->leaf.len > STATE_DER_MAX)
		snprintf(m->reason, sizeof(m->reason), "%.160s (of its %zu bytes the first %u are kept)", reason, entry->leaf.len, STATE_DER_MAX);
	else
		snprintf(m->reason, sizeof(m->reason), "%.255s", reason);
}

static void check_times(struct cursor *c, int64_t timestamp_ms)
{
	const struct batch_input *in = c->in;
	char entry_time[TIME_TEXT_LEN], head_time[TIME_TEXT_LEN];

	if (c->floor_head_ms != INT64_MIN && timestamp_ms < c->floor_head_ms - in->mmd_ms - BATCH_CLOCK_TOLERANCE_MS)
		fault(c, CHECK_MMD_VIOLATION, "promised at %s, still missing from the head of %s, with an MMD of %" PRId64 " s",
		      time_format_rfc3339(timestamp_ms, entry_time), time_format_rfc3339(c->floor_head_ms, head_time), in->mmd_ms / 1000);
	if (c->next_head < in->n_heads && timestamp_ms - BATCH_CLOCK_TOLERANCE_MS > in->heads[c->next_head].timestamp_ms)
		fault(c, CHECK_TIMESTAMP_ORDER, "entry of %s lies in the head of %s", time_format_rfc3339(timestamp_ms, entry_time),
		      time_format_rfc3339(in->heads[c->next_head].timestamp_ms, head_time));
}

static void check_leaf_index(struct cursor *c, const struct entry *entry)
{
	uint64_t claimed;

	if (c->in->protocol != LOG_STATIC)
		return;
	int found = entry_leaf_index(entry->extensions, &claimed);
	if (found != 1)
		fault(c, CHECK_LEAF_INDEX, found == 0 ? "extensions hold no leaf_index" : "leaf_index is malformed or repeated");
	else if (claimed != c->index)
		fault(c, CHECK_LEAF_INDEX, "leaf_index says %" PRIu64, claimed);
}

static void check_shard(struct cursor *c, const struct cert_view *view)
{
	char text[TIME_TEXT_LEN];

	if (view->not_after_ms == INT64_MIN)
		return;
	if (view->not_after_ms < c->in->interval_start_ms || view->not_after_ms >= c->in->interval_end_ms)
		fault(c, CHECK_WRONG_SHARD, "certificate ends at %s, outside the shard's interval", time_format_rfc3339(view->not_after_ms, text));
}

static void count_delay(struct cursor *c, int64_t timestamp_ms)
{
	int64_t seconds = (c->in->now_ms - timestamp_ms) / 1000;
	size_t bucket = 0;

	while (bucket + 1 < DELAY_BUCKETS && seconds >= (int64_t)1 << bucket)
		bucket++;
	c->out->counters.delay[bucket]++;
}

/* ---- matching ------------------------------------------------------------------------------------ */

/* The rare case: copy the certificate out, with what only the whole entry can tell. */
static void keep_found(struct cursor *c, struct entry *entry, const struct cert_view *view, const char *note)
{
	struct batch_output *out = c->out;
	struct error ignored;

	if (c->in->protocol == LOG_RFC6962 && decode_base64(c->extra_b64, &c->scratch->extra))
		entry_parse_extra(buf_slice(&c->scratch->extra), entry, &ignored);
	if (out->n_found == out->found_cap) {
		out->found_cap = out->found_cap == 0 ? 8 : out->found_cap * 2;
		out->found = xreallocarray(out->found, out->found_cap, sizeof(*out->found));
	}
	struct found *f = &out->found[out->n_found++];
	found_init(f, entry, &(struct found_facts){ view, &c->scratch->names, &c->scratch->matches, note });
	f->index = c->index;
	f->leaf_hash = out->leaf_hashes[c->index - c->in->from];
	f->extra_is_fingerprints = c->in->protocol == LOG_STATIC;
	match_list_move(&f->matches, &c->scratch->matches);
	out->held_bytes += found_bytes(f);
	out->counters.matched++;
}

static void match_entry(struct cursor *c, struct entry *entry, const char *broken)
{
	struct cert_view view = { 0 };
	struct error why = { 0 };
	struct rule_subject subject = { .names = &c->scratch->names };

	names_clear(&c->scratch->names);
	bool scanned = broken == NULL && entry->type != ENTRY_UNKNOWN && cert_scan_entry(entry, &view, &why);
	if (scanned) {
		check_shard(c, &view);
		if (issuer_is_lets_encrypt(view.issuer_org))
			c->out->counters.lets_encrypt++;
		if (!ruleset_wants_issuer(c->rules, view.issuer_org))
			return;
		subject.issuer_org = view.issuer_org;
		subject.issuer = view.issuer;
		subject.names_incomplete = !names_collect(&view, &c->scratch->names, &why) || c->scratch->names.n_unreadable > 0;
	} else {
		subject.names_incomplete = true;
	}

	const char *reason = broken != NULL ? broken : why.text;
	if (subject.names_incomplete) {
		if (reason[0] == '\0')
			reason = entry->type == ENTRY_UNKNOWN ? "entry of a type that this version does not know" : "a name cannot be read";
		if (broken == NULL && entry->type != ENTRY_UNKNOWN)
			fault(c, CHECK_UNPARSABLE_CERT, "%.180s", reason);
		keep_malformed(c, entry, reason);
	}
	match_list_clear(&c->scratch->matches);
	if (ruleset_match(c->rules, c->scratch->rules, &subject, &c->scratch->matches) > 0)
		keep_found(c, entry, scanned ? &view : NULL, subject.names_incomplete ? reason : NULL);
}

/* ---- hashing ---------------------------------------------------------------------------------------- */

static struct compact_range *new_piece(struct batch_output *out, uint64_t start)
{
	if (out->n_pieces == out->pieces_cap) {
		out->pieces_cap = out->pieces_cap == 0 ? 1 : out->pieces_cap * 4;
		out->pieces = xreallocarray(out->pieces, out->pieces_cap, sizeof(*out->pieces));
	}
	struct compact_range *piece = &out->pieces[out->n_pieces++];
	range_init(piece, start);
	return piece;
}

/* The range is cut where a head was signed, and that head is then the newest one to lack what follows. */
static void pass_heads(struct cursor *c)
{
	while (c->next_head < c->in->n_heads && c->in->heads[c->next_head].tree_size <= c->index) {
		const struct batch_head *head = &c->in->heads[c->next_head++];

		if (head->timestamp_ms > c->floor_head_ms)
			c->floor_head_ms = head->timestamp_ms;
		if (head->tree_size == c->index && c->index > c->in->from)
			new_piece(c->out, c->index);
	}
}

static void hash_entry(struct cursor *c, const struct entry *entry)
{
	struct batch_output *out = c->out;
	struct hash hash = entry_leaf_hash(entry);

	range_append_leaf(&out->pieces[out->n_pieces - 1], &hash);
	out->leaf_hashes[c->index - c->in->from] = hash;
}

static void process_entry(struct cursor *c, struct entry *entry, const char *broken)
{
	struct batch_output *out = c->out;

	pass_heads(c);
	hash_entry(c, entry);
	out->counters.entries++;
	if (broken != NULL) {
		fault(c, CHECK_MALFORMED_ENTRY, "%.180s", broken);
	} else if (entry->type == ENTRY_UNKNOWN) {
		fault(c, CHECK_UNKNOWN_ENTRY_TYPE, "entry type %u", entry->raw_type);
	} else {
		int64_t timestamp_ms = entry->timestamp_ms > INT64_MAX ? INT64_MAX : (int64_t)entry->timestamp_ms;

		if (timestamp_ms < out->min_timestamp_ms)
			out->min_timestamp_ms = timestamp_ms;
		if (timestamp_ms > out->max_timestamp_ms)
			out->max_timestamp_ms = timestamp_ms;
		check_times(c, timestamp_ms);
		check_leaf_index(c, entry);
		if (c->in->now_ms != 0)
			count_delay(c, timestamp_ms);
	}
	match_entry(c, entry, broken);
}

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Is it somebody else's turn? A look at the clock for a few ordinary entries, or for one that is large. */
static bool slice_is_over(struct cursor *c, const struct entry *entry)
{
	if (c->pause_us == 0 || (++c->n_unlooked < LOOK_EVERY && entry->leaf.len < LOOK_AT_BYTES))
		return false;
	c->n_unlooked = 0;
	return clock_us() >= c->pause_us;
}

static bool walk(struct cursor *c, struct error *err)
{
	const bool page = c->in->protocol == LOG_RFC6962;

	for (;; c->index++) {
		struct entry entry;
		struct error why = { 0 };
		enum taken taken = page ? take_from_page(c, &entry, &why) : take_from_tile(c, &entry, &why);

		if (taken == TAKEN_NONE)
			return true;
		if (taken == TAKEN_FAILED) {
			*err = why;
			return false;
		}
		c->out->n_received++;
		if (c->index < c->out->to || c->index >= c->in->to)
			continue;
		process_entry(c, &entry, taken == TAKEN_BROKEN ? why.text : NULL);
		c->out->to = c->index + 1;
		if (c->out->held_bytes > BATCH_HELD_MAX && c->out->to < c->in->to) {
			c->out->cut = true;
			return true;
		}
		if (c->out->to < c->in->to && slice_is_over(c, &entry)) {
			c->out->paused = true;
			return true;
		}
	}
}

static bool inflate(struct cursor *c, struct slice *body, struct error *err)
{
	size_t most = c->in->room_max == 0 ? RESPONSE_BYTES_MAX : c->in->room_max;

	if (!inflater_gunzip_within(c->scratch->inflater, *body, most, body, err)) {
		c->out->too_large = inflater_room(c->scratch->inflater) >= most;
		return false;
	}
	c->out->inflated_bytes = body->len;
	return true;
}

static bool open_body(struct cursor *c, struct error *err)
{
	struct slice body = c->in->body;

	/* some logs compress without saying so, and some say so without doing it */
	bool looks_gzip = body.len >= 2 && body.data[0] == 0x1f && body.data[1] == 0x8b;
	if (looks_gzip && !inflate(c, &body, err))
		return false;
	if (body.len > RESPONSE_BYTES_MAX)
		return error_set(err, ERR_MALFORMED, "response of %zu bytes, at most %u are read", body.len, RESPONSE_BYTES_MAX);
	if (c->in->protocol == LOG_RFC6962)
		entries_page_init(&c->page, body);
	else
		c->tile = body;
	return true;
}

/* One large answer is no reason to keep room for the next. */
static void trim(struct batch_scratch *s)
{
	inflater_trim(s->inflater, BATCH_ROOM_KEPT);
	if (s->leaf.cap > DECODED_KEPT)
		buf_deinit(&s->leaf);
	if (s->extra.cap > DECODED_KEPT)
		buf_deinit(&s->extra);
}

bool batch_resume(struct batch_scratch *scratch, const struct ruleset *rules, const struct batch_input *input, struct batch_output *out,
		  struct error *err)
{
	struct cursor c = { .scratch = scratch, .in = input, .rules = rules, .out = out, .index = input->first, .floor_head_ms = input->floor_head_ms };

	out->paused = false;
	out->n_received = 0;
	bool ok = open_body(&c, err);
	c.pause_us = input->slice_us == 0 ? 0 : clock_us() + (uint64_t)input->slice_us;
	ok = ok && walk(&c, err);
	trim(scratch);
	if (ok && out->to == out->from)
		ok = error_set(err, ERR_MALFORMED, "no entries came");
	if (!ok) {
		bool too_large = out->too_large;

		batch_output_deinit(out);
		out->too_large = too_large;
	}
	return ok;
}

bool batch_run(struct batch_scratch *scratch, const struct ruleset *rules, const struct batch_input *input, struct batch_output *out,
	       struct error *err)
{
	*out = (struct batch_output){ .from = input->from, .to = input->from, .min_timestamp_ms = INT64_MAX, .max_timestamp_ms = INT64_MIN };
	out->counters.n_bytes = input->body.len;
	new_piece(out, input->from);
	out->leaf_hashes = xcalloc(input->to - input->from, sizeof(*out->leaf_hashes));
	return batch_resume(scratch, rules, input, out, err);
}

void batch_output_deinit(struct batch_output *out)
{
	for (size_t i = 0; i < out->n_found; i++)
		found_deinit(&out->found[i]);
	for (size_t i = 0; i < out->n_malformed; i++)
		buf_deinit(&out->malformed[i].leaf);
	free(out->found);
	free(out->malformed);
	free(out->pieces);
	free(out->leaf_hashes);
	*out = (struct batch_output){ 0 };
}
