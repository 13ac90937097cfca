/* Private to state/: the directory of a state. */
#ifndef CTWATCH_STATE_PLACE_H
#define CTWATCH_STATE_PLACE_H

#include "base.h"

struct state;

/* Makes the directory and what belongs in it, parents too; what is there already stays. Ours alone and the group's. */
bool place_make(const char *directory, struct error *err);
/* Is there a state, or may there be one? The daemon makes what is missing. Opens nothing. */
bool place_check(struct state *, struct error *err);
/* Takes the permissions of everybody else away from the database's files. */
void place_close_files(const struct state *);

#endif
