/*
 * That the daemon can do what it is there for: now and then its loop asks its store to commit this row. Whoever looks at the row
 * learns that the loop answers, that commits succeed, and that they arrive in the file that bears the name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#define ALIVE_FACT "daemon/alive"

/* Another row than ours means another content under our feet: a copy that was restored in place while we ran. */
static bool check_last(struct state *st, struct error *err)
{
	char *value;

	if (st->alive[0] == NULL)
		return true;
	if (!state_get_fact(st, ALIVE_FACT, &value, err))
		return false;
	/* the last one may have been undone with its transaction: then the one before it is there */
	bool ours = value != NULL && (strcmp(value, st->alive[0]) == 0 || (st->alive[1] != NULL && strcmp(value, st->alive[1]) == 0));
	free(value);
	return ours || identity_lose_content(st, err);
}

bool state_put_alive(struct state *st, const struct state_alive *alive, struct error *err)
{
	if (!check_last(st, err))
		return false;
	char *text = xasprintf("%ld %" PRId64 " %" PRId64 " %" PRId64 " %s", alive->process, alive->wall_ms, alive->boot_ms, alive->started_boot_ms,
			       alive->boot_id[0] != '\0' ? alive->boot_id : "-");
	bool ok = state_put_fact(st, ALIVE_FACT, text, err);

	if (!ok) {
		free(text);
		return false;
	}
	free(st->alive[1]);
	st->alive[1] = st->alive[0];
	st->alive[0] = text;
	return true;
}

bool state_get_alive(struct state *st, struct state_alive *out, bool *found, struct error *err)
{
	struct state_alive alive = { 0 };
	char *value;

	if (!state_get_fact(st, ALIVE_FACT, &value, err))
		return false;
	*found = value != NULL && sscanf(value, "%ld %" SCNd64 " %" SCNd64 " %" SCNd64 " %39s", &alive.process, &alive.wall_ms, &alive.boot_ms,
					 &alive.started_boot_ms, alive.boot_id) == 5;
	free(value);
	if (*found)
		*out = alive;
	return true;
}
