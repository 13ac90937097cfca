#include "proof_tiles.h"

#include <inttypes.h>
#include <string.h>

#include "tree_walk.h"

/* Leaves [from, to), which one node of the proof stands for. `from` is a multiple of a power of two that is not below to - from. */
struct span {
	uint64_t from, to;
};

/* The proof's nodes from the leaf up (RFC 9162 section 2.1.3.1): at each fork of the way down, the side that is not taken. */
static size_t spans_of(uint64_t index, uint64_t size, struct span out[PROOF_NODES_MAX])
{
	struct span down[PROOF_NODES_MAX];
	uint64_t from = 0, to = size;
	size_t n = 0;

	while (to - from > 1 && n < PROOF_NODES_MAX) {
		uint64_t half = 1;

		while (half < to - from - half)
			half *= 2;
		if (index < from + half) {
			down[n++] = (struct span){ from + half, to };
			to = from + half;
		} else {
			down[n++] = (struct span){ from, from + half };
			from += half;
		}
	}
	for (size_t i = 0; i < n; i++)
		out[i] = down[n - 1 - i];
	return n;
}

static bool is_known(const struct proof_tile *tiles, size_t n, const struct walk_step *step)
{
	for (size_t i = 0; i < n; i++)
		if (tiles[i].level == step->level && tiles[i].index == step->tile)
			return true;
	return false;
}

size_t proof_tiles_plan(uint64_t index, uint64_t size, struct proof_tile out[PROOF_TILES_MAX])
{
	struct span spans[PROOF_NODES_MAX];
	struct walk_step steps[WALK_STEPS_MAX];
	size_t n_tiles = 0;

	if (index >= size || size > INT64_MAX)
		return 0;
	size_t n_spans = spans_of(index, size, spans);
	for (size_t i = 0; i < n_spans; i++) {
		size_t n = walk_plan(spans[i].from, spans[i].to, size, steps);

		for (size_t k = 0; k < n; k++) {
			if (is_known(out, n_tiles, &steps[k]))
				continue;
			if (n_tiles == PROOF_TILES_MAX)
				return 0;
			out[n_tiles] = (struct proof_tile){ .level = steps[k].level, .index = steps[k].tile, .width = steps[k].width };
			buf_init(&out[n_tiles++].hashes, TILE_WIDTH * HASH_LEN);
		}
	}
	return n_tiles;
}

static bool append(const struct proof_tile *tiles, size_t n, const struct walk_step *step, struct compact_range *tree, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct proof_tile *t = &tiles[i];

		if (t->level != step->level || t->index != step->tile)
			continue;
		if (t->hashes.len < (size_t)(step->first + step->n) * HASH_LEN)
			break;
		for (unsigned k = step->first; k < step->first + step->n; k++) {
			struct hash hash;

			memcpy(hash.bytes, t->hashes.data + (size_t)k * HASH_LEN, HASH_LEN);
			range_append_subtree(tree, &hash, 8 * (unsigned)step->level);
		}
		return true;
	}
	return error_set(err, ERR_MALFORMED, "hash tile %" PRIu64 " of level %d is too short", step->tile, step->level);
}

/* A span begins at a multiple of the power of two that holds it: inside it, subtrees lie as in a tree of its own. */
static bool hash_span(const struct proof_tile *tiles, size_t n_tiles, uint64_t size, struct span span, struct hash *out, struct error *err)
{
	struct walk_step steps[WALK_STEPS_MAX];
	struct compact_range tree;
	size_t n = walk_plan(span.from, span.to, size, steps);

	range_init(&tree, 0);
	for (size_t i = 0; i < n; i++)
		if (!append(tiles, n_tiles, &steps[i], &tree, err))
			return false;
	*out = range_root(&tree);
	return true;
}

bool proof_tiles_build(uint64_t index, uint64_t size, const struct proof_tile *tiles, size_t n, struct proof *out, struct error *err)
{
	struct span spans[PROOF_NODES_MAX];
	struct proof proof = { .n_nodes = spans_of(index, size, spans) };

	for (size_t i = 0; i < proof.n_nodes; i++)
		if (!hash_span(tiles, n, size, spans[i], &proof.nodes[i], err))
			return false;
	*out = proof;
	return true;
}
