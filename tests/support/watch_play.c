/* See watch_play.h. */
#include "watch_play.h"

#include <setjmp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define HEADS_ROWS_MAX 2000
#define REQUESTS_A_MINUTE_MAX 400
#define BEGIN_MS INT64_C(1795334400000)

#define MUST(play, condition, ...) \
	do { \
		if (!(condition)) { \
			print_error("%s log, seed %" PRIu64 ", step %u: ", log_protocol_name((play)->log->protocol), (play)->seed, (play)->step); \
			fail_msg(__VA_ARGS__); \
		} \
	} while (0)

/* ---- what must be true ----------------------------------------------------------------------------------- */

static void check_sightings(struct play *p)
{
	sqlite3_stmt *statement;
	const char *query = "SELECT s.entry_index, s.timestamp_ms, c.sha256 FROM sighting s JOIN certificate c ON c.no = s.certificate_no WHERE s.verified = 1";

	assert_int_equal(sqlite3_prepare_v2(p->bench.reader, query, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		int64_t index = sqlite3_column_int64(statement, 0);
		bool honest = index < SCRIPTED_ENTRIES_MAX && sqlite3_column_int64(statement, 1) == scripted_log_timestamp(p->log, (uint64_t)index) &&
			      memcmp(sqlite3_column_blob(statement, 2), p->log->certificate_sha256[index].bytes, HASH_LEN) == 0;

		MUST(p, honest, "entry %" PRId64 " is called verified, and was never signed", index);
	}
	sqlite3_finalize(statement);
}

static void check_verified(struct play *p)
{
	struct watch_stage *b = &p->bench;
	uint64_t verified = b->watcher->position.verified.end;

	MUST(p, verified >= p->verified, "the verified size fell from %" PRIu64 " to %" PRIu64, p->verified, verified);
	MUST(p, verified <= p->log->size, "%" PRIu64 " entries are verified, the log has %" PRIu64, verified, p->log->size);
	struct hash root = range_root(&b->watcher->position.verified), honest = tree_root(&p->log->tree, verified);
	MUST(p, verified == 0 || hash_equal(&root, &honest), "the verified tree of %" PRIu64 " entries is not the honest one", verified);
	p->verified = verified;
}

static void check_pending(struct play *p)
{
	const struct watcher *w = p->bench.watcher;

	MUST(p, pending_sound(&w->pending, &w->position), "heads that wait and cuts of the position are not the same sizes beyond the verified one");
}

static void check_bounds(struct play *p)
{
	struct watch_stage *b = &p->bench;
	int64_t heads = watch_stage_int(b, "SELECT count(*) FROM head");

	MUST(p, heads <= HEADS_ROWS_MAX, "%" PRId64 " heads are stored", heads);
	MUST(p, b->most_a_minute <= REQUESTS_A_MINUTE_MAX, "%" PRIu64 " requests within a minute", b->most_a_minute);
	MUST(p, b->watcher->position.n <= 512, "%zu ranges", b->watcher->position.n);
}

void play_check(struct play *p)
{
	check_verified(p);
	check_pending(p);
	if (p->step % 8 != 0)
		return;
	check_sightings(p);
	check_bounds(p);
}

/* ---- what can happen ---------------------------------------------------------------------------------------- */

static void fail_in_store(struct play *p)
{
	static const enum error_kind kinds[] = { ERR_FATAL, ERR_RETRY, ERR_NO_SPACE };

	atomic_store(&p->bench.failing_kind, (int)kinds[dice_below(&p->dice, ARRAY_LEN(kinds))]);
	atomic_store(&p->bench.n_failing, (unsigned)dice_below(&p->dice, 4));
}

static void set_clock(struct play *p)
{
	static const int64_t by_ms[] = { 0, -2 * HOUR_MS, HOUR_MS, 60000, -INT64_C(1500000000000) };

	p->bench.wall_ms = p->bench.steady_ms + by_ms[dice_below(&p->dice, ARRAY_LEN(by_ms))];
}

static void rare_event(struct play *p)
{
	static const unsigned percents[] = { 0, 10, 40, 100 };
	struct watch_stage *b = &p->bench;

	switch (dice_below(&p->dice, 9)) {
	case 0:
		watch_stage_restart(b, dice_percent(&p->dice, 50));
		p->restarts++;
		break;
	case 1:
		watcher_update(b->watcher, &p->log->listed, FOLLOW_LIVE);
		break;
	case 2:
		watch_stage_close_incidents(b);
		break;
	case 3:
		fail_in_store(p);
		break;
	case 4:
		set_clock(p);
		break;
	case 5:
		scripted_log_fork(p->log, dice_below(&p->dice, p->log->size + 1));
		break;
	case 6:
		watch_stage_later(b, (int64_t)dice_below(&p->dice, 2 * 3600) * 1000);
		break;
	default:
		p->percent = percents[dice_below(&p->dice, ARRAY_LEN(percents))];
	}
}

void play_step(struct play *p)
{
	struct watch_stage *b = &p->bench;
	uint64_t what = dice_below(&p->dice, 100);

	if (what < 70 && b->n_flights > 0)
		watch_stage_answer(b, dice_below(&p->dice, b->n_flights), p->percent);
	else if (what < 92)
		watch_stage_jump(b);
	else if (what < 95)
		scripted_log_grow(p->log, 1 + dice_below(&p->dice, 60));
	else
		rare_event(p);
	if (dice_percent(&p->dice, 80))
		watch_stage_settle(b);
	p->step++;
	play_check(p);
}

/* ---- honest again --------------------------------------------------------------------------------------------- */

static int64_t n_incidents(struct play *p, const char *classes)
{
	char query[256];

	snprintf(query, sizeof(query), "SELECT count(*) FROM incident WHERE class IN (%s)", classes);
	return watch_stage_int(&p->bench, query);
}

void play_end(struct play *p)
{
	struct watch_stage *b = &p->bench;
	bool there = false;

	atomic_store(&b->n_failing, 0);
	b->wall_ms = b->steady_ms;
	scripted_log_grow(p->log, 20);
	/* the operator reads the incidents, has the log put right, and closes them; some come back once from heads that were signed */
	for (unsigned i = 0; i < 5 && !there; i++) {
		there = watch_stage_until_verified(b, p->log->size, 48);
		watch_stage_close_incidents(b);
	}
	MUST(p, there, "%" PRIu64 " of %" PRIu64 " entries are verified in the end; %s", b->watcher->position.verified.end, p->log->size,
	     b->watcher->last_error.text);
	play_check(p);
	check_sightings(p);
	for (uint64_t i = 0; i < p->log->size; i += SCRIPTED_PLANTED_EVERY) {
		char query[128];

		if (i < b->watcher->start_index)
			continue;
		snprintf(query, sizeof(query), "SELECT count(*) FROM sighting WHERE entry_index = %" PRIu64 " AND verified = 1", i);
		MUST(p, watch_stage_int(b, query) == 1, "entry %" PRIu64 " was logged and is not found", i);
	}
	int64_t stored = watch_stage_int(b, "SELECT verified_size FROM log");
	MUST(p, stored == (int64_t)p->log->size, "the state says %" PRId64 " of %" PRIu64 " entries are verified", stored, p->log->size);
	if (p->log->n_signed_lies > 0)
		MUST(p, n_incidents(p, "'FORK', 'INCONSISTENT_STH', 'ENTRIES_MISMATCH', 'ROLLBACK', 'TILE_HASH_MISMATCH'") > 0, "%" PRIu64 " lies were signed, no incident says so",
		     p->log->n_signed_lies);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

void play_open(struct play *p, enum log_protocol protocol, const struct dice *dice, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->dice = *dice;
	p->log = scripted_log_new(protocol, BEGIN_MS);
	scripted_log_grow(p->log, dice_below(&p->dice, 300));
	watch_stage_open(&p->bench, p->log, &p->dice, "beginning");
	p->percent = (unsigned)dice_below(&p->dice, 50);
}

void play_close(struct play *p)
{
	watch_stage_close(&p->bench);
	scripted_log_free(p->log);
}
