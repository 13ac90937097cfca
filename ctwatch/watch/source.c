#include "source.h"

#include <inttypes.h>
#include <string.h>

static bool classic_head(const struct listed_log *log, const struct log_key *key, struct slice body, struct tree_head *out,
			 unsigned *oddities, struct error *err)
{
	(void)log;
	*oddities = 0;
	return sth_parse(body, key, out, err);
}

static void classic_window(const struct listed_log *log, const struct page_guess *page, uint64_t from, uint64_t limit, uint64_t tree_size,
			   bool full_tile, struct source_window *out)
{
	uint64_t end = page_end(page, from, limit);

	(void)tree_size;
	(void)full_tile;
	*out = (struct source_window){ .first = from, .n_asked = end - from, .from = from, .to = end };
	out->url = xasprintf("%s/ct/v1/get-entries?start=%" PRIu64 "&end=%" PRIu64, log->url, from, end - 1);
}

static bool static_head(const struct listed_log *log, const struct log_key *key, struct slice body, struct tree_head *out,
			unsigned *oddities, struct error *err)
{
	const char *origin = log->submission_url == NULL ? "" : log->submission_url;
	const char *scheme = strstr(origin, "://");

	return checkpoint_parse(body, key, slice_text(scheme == NULL ? origin : scheme + 3), out, oddities, err);
}

static void static_window(const struct listed_log *log, const struct page_guess *page, uint64_t from, uint64_t limit, uint64_t tree_size,
			  bool full_tile, struct source_window *out)
{
	uint64_t tile = from / TILE_WIDTH, first = tile * TILE_WIDTH;
	uint64_t width = tree_size - first < TILE_WIDTH && !full_tile ? tree_size - first : TILE_WIDTH;
	uint64_t end = first + width < limit ? first + width : limit;
	char path[TILE_PATH_LEN];

	(void)page;
	*out = (struct source_window){ .first = first, .n_asked = width, .from = from, .to = end };
	out->url = xasprintf("%s/%s", log->url, tile_path(-1, tile, (unsigned)width, path));
}

static const struct source SOURCES[] = {
	[LOG_RFC6962] = {
		.head_path = "/ct/v1/get-sth",
		.head_bytes_max = 64u << 10,
		.head_parse = classic_head,
		.window = classic_window,
		.in_flight_max = 4,
		.step = PAGE_FIRST,
	},
	[LOG_STATIC] = {
		.head_path = "/checkpoint",
		.head_bytes_max = NOTE_BYTES_MAX,
		.head_parse = static_head,
		.window = static_window,
		.in_flight_max = 8,
		.step = TILE_WIDTH,
	},
};

const struct source *source_of(enum log_protocol protocol)
{
	return &SOURCES[protocol];
}
