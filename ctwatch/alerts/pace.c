/* See pace.h. */
#include "pace.h"

#define STEP_MS 500
#define STEPS 10
#define PAUSE_MAX_MS 3600000

int64_t pace_pause_ms(unsigned nth, uint32_t dice)
{
	int64_t ceiling = STEP_MS * (int64_t)(nth < 1 ? 1 : nth < STEPS ? nth : STEPS);

	for (unsigned i = STEPS; i < nth && ceiling < PAUSE_MAX_MS; i++)
		ceiling *= 2;
	if (ceiling > PAUSE_MAX_MS)
		ceiling = PAUSE_MAX_MS;
	return ceiling / 2 + (int64_t)(dice % (uint32_t)(ceiling / 2 + 1));
}
