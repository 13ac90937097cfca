/* Real data beside the project: paths, whole files, and the sentence for its absence. */
#ifndef CTWATCH_TESTS_SHARED_H
#define CTWATCH_TESTS_SHARED_H

#include "base.h"

/* NULL when ../shared is missing; then the test prints "skipped: no ../shared" and calls skip(). */
const char *shared_dir(void);
/* Reads CTWATCH_SHARED_DIR/<path>; files ending in .zst or .gz are decompressed with the system's programs. NULL data when absent. malloc'd. */
struct slice shared_file(const char *path);
/* One cmocka-friendly line: prints "skipped: no ../shared" and skips the running test unless shared data is there. */
void need_shared(void);

#endif
