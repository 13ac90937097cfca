#include "tree_walk.h"

#include <stdlib.h>
#include <string.h>

#include "inside.h"

#define HASH_TILE_BYTES (TILE_WIDTH * HASH_LEN)
#define ANSWER_BYTES_MAX (64u << 10)

size_t walk_plan(uint64_t from, uint64_t to, uint64_t tree_size, struct walk_step out[WALK_STEPS_MAX])
{
	size_t n = 0;
	uint64_t at = from;

	while (at < to && n < WALK_STEPS_MAX) {
		unsigned level = 0;

		while (level < 7 && at % ((uint64_t)1 << 8 * (level + 1)) == 0 && to - at >= (uint64_t)1 << 8 * (level + 1))
			level++;
		uint64_t unit = (uint64_t)1 << 8 * level, entry = at / unit;
		uint64_t room = TILE_WIDTH - entry % TILE_WIDTH, have = (to - at) / unit;
		uint64_t of_level = tree_size / unit - entry / TILE_WIDTH * TILE_WIDTH;
		struct walk_step step = {
			.level = (int)level,
			.tile = entry / TILE_WIDTH,
			.first = (unsigned)(entry % TILE_WIDTH),
			.n = (unsigned)(have < room ? have : room),
			.width = of_level < TILE_WIDTH ? (unsigned)of_level : TILE_WIDTH,
		};
		at += step.n * unit;
		out[n++] = step;
	}
	return n;
}

struct tree_walk {
	struct watcher *w;
	struct walk_options options;
	struct compact_range tree;
	struct walk_step steps[WALK_STEPS_MAX];
	size_t n_steps, at;
	bool full_tile;
	struct request *request;
	char *url;
};

static void walk_free(struct tree_walk *walk)
{
	free(walk->url);
	free(walk);
}

static void walk_end(struct tree_walk *walk, const struct error *err)
{
	struct walk_options options = walk->options;
	struct compact_range tree = walk->tree;

	walk_free(walk);
	options.done(options.ctx, err == NULL ? &tree : NULL, err);
}

static void on_tile(void *ctx, struct fetch_answer *answer);

static void ask_tile(struct tree_walk *walk)
{
	const struct walk_step *step = &walk->steps[walk->at];
	char path[TILE_PATH_LEN];

	free(walk->url);
	walk->url = xasprintf("%s/%s", walk->w->log.url, tile_path(step->level, step->tile, walk->full_tile ? TILE_WIDTH : step->width, path));
	walk->request = watch_request(walk->w, walk->url, ANSWER_BYTES_MAX, GOVERNOR_TAIL, walk->options.fresh, on_tile, walk);
}

static bool use_tile(struct tree_walk *walk, const struct fetch_answer *answer, struct error *err)
{
	const struct walk_step *step = &walk->steps[walk->at];
	unsigned width = walk->full_tile ? TILE_WIDTH : step->width;
	struct slice body;

	if (!request_body(walk->w->ingest, answer, ANSWER_BYTES_MAX, &body, err))
		return error_context(err, "%s", walk->url);
	if (body.len != (size_t)width * HASH_LEN)
		return error_set(err, ERR_MALFORMED, "%s: %zu bytes, a hash tile of width %u has %u", walk->url, body.len, width, width * HASH_LEN);
	for (unsigned i = step->first; i < step->first + step->n; i++) {
		struct hash hash;

		memcpy(hash.bytes, body.data + (size_t)i * HASH_LEN, HASH_LEN);
		range_append_subtree(&walk->tree, &hash, 8 * (unsigned)step->level);
	}
	return true;
}

static void on_tile(void *ctx, struct fetch_answer *answer)
{
	struct tree_walk *walk = ctx;
	const struct walk_step *step = &walk->steps[walk->at];
	struct error err = { 0 };

	walk->request = NULL;
	/* logs delete a partial tile once the full one exists (spec 2.3) */
	if (request_refused(answer) && step->width != TILE_WIDTH && !walk->full_tile) {
		walk->full_tile = true;
		ask_tile(walk);
		return;
	}
	if (answer->status != 200 || answer->error[0] != '\0') {
		request_failed(walk->url, answer, &err);
		walk_end(walk, &err);
		return;
	}
	if (!use_tile(walk, answer, &err)) {
		walk_end(walk, &err);
		return;
	}
	walk->full_tile = false;
	if (++walk->at == walk->n_steps)
		walk_end(walk, NULL);
	else
		ask_tile(walk);
}

struct tree_walk *tree_walk_start(struct watcher *w, const struct walk_options *options)
{
	struct tree_walk *walk = xcalloc(1, sizeof(*walk));

	walk->w = w;
	walk->options = *options;
	walk->tree = *options->from;
	walk->options.from = NULL;
	walk->n_steps = walk_plan(walk->tree.end, options->to, options->tree_size, walk->steps);
	ask_tile(walk);
	return walk;
}

void tree_walk_cancel(struct tree_walk *walk)
{
	if (walk == NULL)
		return;
	request_cancel(walk->request);
	walk_free(walk);
}
