/*
 * Standard output as alerts use it: messages one after the other, written beside the loop, however long nobody reads. Private to
 * alerts/. It outlives the sinks of one configuration.
 *
 *   IDLE --deliver--> WRITING --all bytes--> delivery_done(OK), the next message
 *                        '--error--> delivery_done(RETRY) for all that wait
 *
 * Nobody reads half a message: the end of one whose beginning was written is written before anything else, also when its
 * delivery was cancelled or had failed meanwhile; when it is delivered again, it is not written again.
 */
#ifndef CTWATCH_STANDARD_OUTPUT_H
#define CTWATCH_STANDARD_OUTPUT_H

#include "sink.h"

struct standard_output;

/* `give_up_ms`: a delivery of which no byte was taken for so long fails; 0: it waits, and that is said. NULL: no thread or descriptor is left. */
struct standard_output *standard_output_open(struct alerts *alerts, uv_loop_t *loop, int fd, int64_t give_up_ms);
/* Once written in full, or failed, the delivery is done. */
void standard_output_deliver(struct standard_output *, struct delivery *delivery, struct slice text);
/* Did the last delivery fail, or is one under way? */
bool standard_output_is_behind(const struct standard_output *);
/* After all deliveries are cancelled or done. Waits half a second for the end of a message. */
void standard_output_close(struct standard_output *, void (*closed)(void *ctx), void *ctx);

#endif
