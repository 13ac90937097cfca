/*
 * How long to wait after failures, the same for a row and for a whole sink. Private to alerts/.
 *
 * A receiver that fails now and then is asked again soon, one that is away for hours seldom: half a second more after each of the
 * first ten failures in a row (a receiver that takes one of three has taken nearly everything by then), then doubling up to an hour.
 */
#ifndef CTWATCH_ALERTS_PACE_H
#define CTWATCH_ALERTS_PACE_H

#include <stdint.h>

/* After the nth failure in a row (from 1). Half of it is random: receivers that came back are not hit by everybody at once. */
int64_t pace_pause_ms(unsigned nth, uint32_t dice);

#endif
