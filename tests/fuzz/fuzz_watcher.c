/* A watcher whose log, disk and clock do what the bytes say: tests/support/watch_play.h has what must stay true. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "watch_play.h"

#define STEPS_MAX 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct play *p = xcalloc(1, sizeof(*p));
	const struct dice dice = { .from_bytes = true, .bytes = slice_of(data, len) };

	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	play_open(p, len % 2 == 0 ? LOG_RFC6962 : LOG_STATIC, &dice, 0);
	while (p->dice.bytes.len > 0 && p->step < STEPS_MAX)
		play_step(p);
	play_end(p);
	play_close(p);
	free(p);
	return 0;
}
