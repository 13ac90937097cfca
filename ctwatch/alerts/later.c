/* An answer that is known at once is still told on the next turn of the loop: delivery_done never runs inside deliver(). */
#include "sink.h"

#include <stdlib.h>

struct later {
	uv_timer_t timer;
	struct delivery *delivery;       /* NULL: cancelled */
	enum delivery_result result;
	char answer[256];
};

static void free_later(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct later, timer));
}

static void on_later(uv_timer_t *timer)
{
	struct later *later = CONTAINER_OF(timer, struct later, timer);
	struct delivery *delivery = later->delivery;

	uv_close((uv_handle_t *)timer, free_later);
	if (delivery == NULL)
		return;
	delivery->under_way = NULL;
	delivery->cancel = NULL;
	delivery_done(delivery, later->result, later->answer, -1);
}

static void cancel_later(struct delivery *delivery)
{
	struct later *later = delivery->under_way;

	later->delivery = NULL;
	delivery->under_way = NULL;
}

void delivery_finish_later(struct delivery *delivery, enum delivery_result result, const char *answer)
{
	struct later *later = xcalloc(1, sizeof(*later));

	later->delivery = delivery;
	later->result = result;
	snprintf(later->answer, sizeof(later->answer), "%s", answer);
	delivery->under_way = later;
	delivery->cancel = cancel_later;
	uv_timer_init(delivery_loop(delivery), &later->timer);
	uv_timer_start(&later->timer, on_later, 0, 0);
}
