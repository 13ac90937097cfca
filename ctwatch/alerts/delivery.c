/* What sink types and lanes share of one delivery. */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

uv_loop_t *delivery_loop(const struct delivery *delivery)
{
	return delivery->env->loop;
}

struct fetcher *delivery_fetcher(const struct delivery *delivery)
{
	return delivery->env->fetcher;
}

int64_t delivery_wall_ms(const struct delivery *delivery)
{
	return delivery->env->clock.wall_ms(delivery->env->clock.ctx);
}

void delivery_set_thread(struct delivery *delivery, const char *thread)
{
	snprintf(delivery->thread, sizeof(delivery->thread), "%s", thread);
}

void delivery_set_progress(struct delivery *delivery, const char *json)
{
	free(delivery->progress);
	delivery->progress = xstrdup(json);
}

void delivery_id_of(const struct alert_item *items, size_t n, char id[FINDING_ID_LEN + 1])
{
	struct slice parts[DELIVERY_ITEMS_MAX];
	char text[60];

	if (n == 1) {
		memcpy(id, items[0].id, FINDING_ID_LEN + 1);
		return;
	}
	for (size_t i = 0; i < n; i++)
		parts[i] = slice_text(items[i].id);
	struct hash hash = sha256_parts(parts, n);
	base32_encode(hash.bytes, sizeof(hash.bytes), text);
	memcpy(id, text, FINDING_ID_LEN);
	id[FINDING_ID_LEN] = '\0';
}
