/*
 * Diagnostics: what the program tells its operator on standard error. Text on a terminal, JSON lines otherwise
 * ({"time","level","component","message",...}). Escapes what came from the wire; knows no secrets (see config.h).
 * Usable from any thread: one line is one write.
 *
 * Nobody waits for a reader: a thread writes. Lines that find no room are counted, and the count is said when somebody reads again.
 */
#ifndef CTWATCH_DIAG_H
#define CTWATCH_DIAG_H

#include "base.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTICE, DIAG_INFO, DIAG_DEBUG };

struct diag;
struct diag *diag_new(int fd, enum diag_level level, bool json);   /* fd is borrowed */
void diag_free(struct diag *);     /* waits a second for a reader */
/* Waits until all lines are written, or none was for `stalled_ms`. True: all are. */
bool diag_flush(struct diag *, int64_t stalled_ms);
/* component: "log", "state", "alerts" ...; subject: a log's name, a file ... or NULL. */
void diag(struct diag *, enum diag_level, const char *component, const char *subject, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
