/*
 * The outbox against receivers that do whatever receivers do, at random: take, refuse for good or for now, take and then break off, take for one of two
 * mailboxes, say nothing; with kills, reloads and clocks that are set in between. Whatever happens:
 *
 *   nothing is lost               every row that was queued is there, and told or dead at the end
 *   nothing comes in two shapes   a row that a mailbox takes twice has the same message id both times
 *   nothing is made up            "sent" was taken by somebody, "dead" was refused for good
 *   it ends                       when receivers are well again, nothing waits
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts_bench.h"
#include "allow.h"
#include "random.h"

#define STEPS 700
#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define MAILBOXES 2

struct world {
	struct bench *bench;
	struct random random;
	bool all_well;
	size_t n_findings, n_certificates;
	json_t *taken;                    /* "row/mailbox" -> message id */
	json_t *refused;                  /* row -> true: was refused for good, alone */
	size_t n_taken, n_twice, n_kills;
	char wrong[256];                  /* the first thing that must not be */
};

static struct world world;

static uint32_t below(uint32_t n)
{
	return (uint32_t)random_below(&world.random, n);
}

/* ---- a receiver ------------------------------------------------------------------------------------------------ */

struct answer {
	uv_timer_t timer;
	struct delivery *delivery;        /* NULL: cancelled */
	enum delivery_result result;
	bool perhaps_too_large;
	char progress[32];
	bool taken_by_some;
};

static void free_answer(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct answer, timer));
}

static void on_answer(uv_timer_t *timer)
{
	struct answer *answer = CONTAINER_OF(timer, struct answer, timer);
	struct delivery *delivery = answer->delivery;

	uv_close((uv_handle_t *)timer, free_answer);
	if (delivery == NULL)
		return;
	delivery->under_way = NULL;
	delivery->cancel = NULL;
	delivery->perhaps_too_large = answer->perhaps_too_large;
	delivery->taken_by_some = answer->taken_by_some;
	if (answer->progress[0] != '\0')
		delivery_set_progress(delivery, answer->progress);
	delivery_done(delivery, answer->result, "so it was decided", answer->result == DELIVERY_RETRY && below(20) == 0 ? 30000 : -1);
}

static void cancel_answer(struct delivery *delivery)
{
	((struct answer *)delivery->under_way)->delivery = NULL;
	delivery->under_way = NULL;
}

/* A mailbox has the message now, whatever is answered. */
static void take(const struct delivery *delivery, unsigned mailbox)
{
	for (size_t i = 0; i < delivery->n; i++) {
		char *key = xasprintf("%s/%s/%u", delivery->sink->name, delivery->items[i].id, mailbox);
		const char *before = json_string_value(json_object_get(world.taken, key));

		world.n_taken++;
		world.n_twice += before != NULL;
		if (before != NULL && strcmp(before, delivery->id) != 0 && world.wrong[0] == '\0')
			snprintf(world.wrong, sizeof(world.wrong), "row %s came as message %s and as %s", delivery->items[i].id, before, delivery->id);
		json_object_set_new(world.taken, key, json_string(delivery->id));
		free(key);
	}
}

/* Two mailboxes: "0" and "1" in the progress have it already. */
static void answer_for_two(const struct delivery *delivery, struct answer *answer)
{
	const char *before = delivery->items[0].progress != NULL ? delivery->items[0].progress : "";
	bool has[MAILBOXES];

	for (unsigned i = 0; i < MAILBOXES; i++) {
		has[i] = strchr(before, (char)('0' + i)) != NULL;
		if (!has[i] && (world.all_well || below(2) == 0)) {
			take(delivery, i);
			has[i] = true;
		}
	}
	/* broken off after both took it: nobody was told */
	if (!world.all_well && below(10) == 0)
		return;
	snprintf(answer->progress, sizeof(answer->progress), "[%s%s%s]", has[0] ? "0" : "", has[0] && has[1] ? "," : "", has[1] ? "1" : "");
	answer->taken_by_some = has[0] || has[1];
	answer->result = has[0] && has[1] ? DELIVERY_OK : DELIVERY_RETRY;
}

static void refuse(const struct delivery *delivery, struct answer *answer)
{
	answer->result = DELIVERY_REFUSED;
	if (delivery->n == 1)
		json_object_set_new(world.refused, delivery->items[0].id, json_true());
}

static bool was_taken(const struct delivery *delivery)
{
	bool taken = false;

	for (size_t i = 0; i < delivery->n; i++) {
		char *key = xasprintf("%s/%s/0", delivery->sink->name, delivery->items[i].id);

		taken = taken || json_object_get(world.taken, key) != NULL;
		free(key);
	}
	return taken;
}

/* It minds the same messages every time: one that it took once is not refused, nor too large, the next time. */
static void answer_at_random(const struct delivery *delivery, struct answer *answer)
{
	uint32_t dice = world.all_well ? 0 : below(100);

	if (dice < 45) {
		take(delivery, 0);
		answer->result = DELIVERY_OK;
	} else if (dice < 60) {
		take(delivery, 0);           /* taken, and the connection broke before the answer */
	} else if (dice < 68 && !was_taken(delivery)) {
		refuse(delivery, answer);
	} else if (dice < 80 && !was_taken(delivery)) {
		answer->perhaps_too_large = true;
	}
}

static void fake_deliver(struct sink *sink, struct delivery *delivery)
{
	struct answer *answer = xcalloc(1, sizeof(*answer));

	answer->delivery = delivery;
	answer->result = DELIVERY_RETRY;
	if (strcmp(sink->name, "mailboxes") == 0)
		answer_for_two(delivery, answer);
	else
		answer_at_random(delivery, answer);
	delivery->under_way = answer;
	delivery->cancel = cancel_answer;
	uv_timer_init(delivery_loop(delivery), &answer->timer);
	uv_timer_start(&answer->timer, on_answer, world.all_well ? 0 : below(3), 0);
}

static void fake_close(struct sink *sink)
{
	(void)sink;
}

static void fake_describe(const struct sink *sink, struct buf *out)
{
	buf_append_text(out, sink->name);
}

/* At most seven fit into one message. */
static size_t fake_fits(struct sink *sink, const struct delivery *delivery)
{
	(void)sink;
	return delivery->n < 7 ? delivery->n : 7;
}

static const struct sink_type PROGRAM = { .name = "program", .close = fake_close, .deliver = fake_deliver, .describe = fake_describe };
static const struct sink_type PEOPLE = { .name = "people", .for_people = true, .close = fake_close, .deliver = fake_deliver, .describe = fake_describe, .fits = fake_fits };

static struct sink *make_sink(const char *name, const struct sink_type *type, unsigned per_hour)
{
	struct sink *sink = xcalloc(1, sizeof(*sink));

	*sink = (struct sink){ .name = xstrdup(name), .type = type, .events = 1u << EVENT_FINDING | 1u << EVENT_FINDING_RESCORED, .naming = type->for_people ? NAMING_DIGEST : NAMING_AT_ONCE,
			       .retry_for_ms = INT64_C(1000) * 24 * HOUR_MS, .group_window_ms = type->for_people ? 30000 : 0, .per_hour = per_hour, .digest_minute = 420 };
	return sink;
}

static struct sink_set *make_sinks(void)
{
	struct sink_set *set = xcalloc(1, sizeof(*set));
	struct error err;

	set->items = xcalloc(SINKS_MAX, sizeof(*set->items));
	set->alerts_per_hour = 1000000;
	set->items[set->n++] = make_sink("program", &PROGRAM, 0);
	set->items[set->n++] = make_sink("people", &PEOPLE, 40);
	set->items[set->n++] = make_sink("mailboxes", &PEOPLE, 0);
	assert_true(allow_list_new(&world.bench->config, &set->allow, &err));
	return set;
}

/* ---- what happens ----------------------------------------------------------------------------------------------- */

/* A certificate with some domains, now and then of a domain that is known (its score rises, or nothing happens). */
static bool add_job(void *ctx, struct state *st, struct error *err)
{
	size_t n = below(8) == 0 ? 20 : 1 + below(3);
	uint64_t certificate = ++world.n_certificates;
	bool naming = below(4) == 0;

	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		char domain[64];
		size_t number = world.n_findings > 0 && below(6) == 0 ? below((uint32_t)world.n_findings) : world.n_findings++;
		struct test_match match = { .domain = domain, .name = domain, .certificate = certificate, .index = certificate, .score = 60 + (int)below(40),
					    .rule = naming ? "naming/x" : "brand/acme", .kind = naming ? "naming" : "brand", .brand = naming ? "" : "Acme", .now_ms = world.bench->now_ms };

		snprintf(domain, sizeof(domain), "acme-%zu.com", number);
		if (!test_add_with(st, &match, NULL, err))
			return false;
	}
	return true;
}

static void start(void)
{
	bench_start(world.bench, "[]");
	alerts_reload(world.bench->alerts, make_sinks());
}

/* In the middle of whatever is under way. */
static void restart(void)
{
	alerts_wake(world.bench->alerts);
	for (uint32_t i = below(12); i > 0; i--)
		uv_run(&world.bench->loop, UV_RUN_NOWAIT);
	bench_stop(world.bench);
	world.n_kills++;
	start();
}

static void set_clock(int64_t by_ms)
{
	world.bench->now_ms += by_ms;
	world.bench->set_by_ms += by_ms;
}

static void step(void)
{
	uint32_t dice = below(100);

	if (dice < 30)
		bench_job(world.bench, add_job, NULL);
	else if (dice < 90)
		world.bench->now_ms += below(4) == 0 ? below(2 * HOUR_MS) : below(20000);
	else if (dice < 93)
		set_clock((int64_t)below(4 * HOUR_MS) - 2 * HOUR_MS);
	else if (dice < 95 && below(2) == 0)
		alerts_reload(world.bench->alerts, make_sinks());
	else if (dice >= 98)
		restart();
	if (below(3) > 0)
		bench_settle(world.bench);
	else
		alerts_wake(world.bench->alerts);
}

/* ---- what must be --------------------------------------------------------------------------------------------------- */

struct check {
	size_t n_waiting, n_rows, n_sent, n_dead;
};

static bool check_row(void *ctx, const struct outbox_item *item)
{
	struct check *check = ctx;
	bool taken = false;

	for (unsigned i = 0; i < MAILBOXES; i++) {
		char *key = xasprintf("%s/%s/%u", item->sink, item->id, i);

		taken = taken || json_object_get(world.taken, key) != NULL;
		free(key);
	}
	check->n_rows++;
	if (strcmp(item->status, "sent") == 0) {
		check->n_sent++;
		if (!taken)
			fail_msg("%s of %s is sent, and nobody took it", item->id, item->sink);
	} else if (strcmp(item->status, "dead") == 0) {
		check->n_dead++;
		if (json_object_get(world.refused, item->id) == NULL)
			fail_msg("%s of %s is dead, and was not refused: %s", item->id, item->sink, item->last_error);
	} else {
		check->n_waiting++;
	}
	return true;
}

static struct check check_all(void)
{
	struct check check = { 0 };
	struct state *st;
	struct error err;

	assert_true(state_open(world.bench->directory, STATE_READ, world.bench->now_ms, &st, &err));
	assert_true(state_outbox_each(st, NULL, NULL, 0, check_row, &check, &err));
	state_close(st);
	if (world.wrong[0] != '\0')
		fail_msg("%s", world.wrong);
	return check;
}

static void run_with_seed(struct bench *bench, uint64_t seed)
{
	world = (struct world){ .bench = bench, .taken = json_object(), .refused = json_object() };
	world.random.at = seed;
	bench->now_ms = TEST_NOW_MS;
	start();
	for (int i = 0; i < STEPS; i++) {
		step();
		if (i % 200 == 199)
			check_all();
	}
	world.all_well = true;
	struct check check = check_all();
	for (int i = 0; i < 100 && check.n_waiting > 0; i++) {
		bench->now_ms += HOUR_MS;
		bench_settle(bench);
		check = check_all();
	}
	assert_int_equal(check.n_waiting, 0);
	/* at least one row a finding and sink, and each was told or refused */
	assert_true(check.n_rows >= 3 * world.n_findings && check.n_sent + check.n_dead == check.n_rows);
	assert_true(world.n_twice > 0 && world.n_kills > 0 && check.n_dead > 0);
	print_message("seed %" PRIu64 ": %zu findings, %zu rows, %zu dead, %zu kills, %zu of %zu taken again under their own id\n", seed, world.n_findings, check.n_rows, check.n_dead,
		      world.n_kills, world.n_twice, world.n_taken);
	bench_stop(bench);
	json_decref(world.taken);
	json_decref(world.refused);
}

static void receivers_that_do_anything_lose_nothing_and_get_nothing_in_two_shapes(void **state)
{
	const char *seed = getenv("CTWATCH_SEED");

	run_with_seed(*state, seed != NULL ? strtoull(seed, NULL, 10) : 1);
}

static void another_day_ends_as_well(void **state)
{
	run_with_seed(*state, 20261128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(receivers_that_do_anything_lose_nothing_and_get_nothing_in_two_shapes, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(another_day_ends_as_well, bench_setup, bench_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
