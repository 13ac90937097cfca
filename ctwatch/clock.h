/* What time it is, for the few places where the outermost part of the program begins: everything below is told. */
#ifndef CTWATCH_CLOCK_H
#define CTWATCH_CLOCK_H

#include <stdint.h>

/* Milliseconds since the Unix epoch, UTC; from any thread. */
int64_t clock_wall_ms(void);

#endif
